//! Progress on standard error: a bar on a terminal, a line every tenth elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::speech::models::pull::Progress;

pub(super) struct Bar {
    /// What it is about: the model's name.
    about: String,
    bar: ProgressBar,
    lines: Option<Lines>,
}

/// The twin of the bar where there is no terminal.
struct Lines {
    what: String,
    total: u64,
    tenths: u64,
}

impl Bar {
    pub(super) fn new(about: &str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(
            None,
            if terminal {
                ProgressDrawTarget::stderr()
            } else {
                ProgressDrawTarget::hidden()
            },
        );
        Self {
            about: about.to_owned(),
            bar,
            lines: (!terminal).then_some(Lines {
                what: String::new(),
                total: 0,
                tenths: 0,
            }),
        }
    }

    /// Takes the bar off the screen.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// The style of stretches that are not counted in bytes.
    pub(super) fn steps(&mut self, what: &str, done: u64, total: u64) {
        if self.bar.length() != Some(total) {
            self.start(what, done, total, "{msg} {wide_bar} {pos}/{len}");
        }
        self.at(done);
    }

    fn start(&mut self, what: &str, done: u64, total: u64, template: &str) {
        let message = format!("{}: {what}", self.about);
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
        self.bar.reset_eta();
        self.bar.set_message(message.clone());
        if let Some(lines) = &mut self.lines {
            *lines = Lines {
                what: message,
                total,
                tenths: tenths(done, total),
            };
        }
    }
}

impl Progress for Bar {
    fn begin(&mut self, what: &str, done: u64, total: u64) {
        let template = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        self.start(what, done, total, template);
    }

    fn at(&mut self, done: u64) {
        self.bar.set_position(done);
        if let Some(lines) = &mut self.lines {
            let tenths = tenths(done, lines.total);
            if tenths > lines.tenths {
                lines.tenths = tenths;
                eprintln!("{} {}0 %", lines.what, tenths);
            }
        }
    }

    fn say(&mut self, line: &str) {
        let line = format!("{}: {line}", self.about);
        self.bar.suspend(|| eprintln!("{line}"));
    }
}

fn tenths(done: u64, total: u64) -> u64 {
    (done * 10).checked_div(total).unwrap_or_default()
}
