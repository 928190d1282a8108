//! Progress on standard error: a bar on a terminal, lines elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::speech::models::pull::{Progress, Stretch};

/// Bytes between two lines of a download whose size is not known.
const LINE_EVERY: u64 = 25_000_000;

pub(super) struct Bar {
    /// What it is about: the model's name.
    about: String,
    bar: ProgressBar,
    lines: Option<Lines>,
}

/// The twin of the bar where there is no terminal: speaks of downloads alone, all else is short.
#[derive(Default)]
struct Lines {
    downloading: bool,
    total: Option<u64>,
    /// Steps of which the last line spoke: tenths, or [`LINE_EVERY`].
    steps: u64,
}

impl Bar {
    pub(super) fn new(about: &str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            about: about.to_owned(),
            bar: ProgressBar::with_draw_target(None, target),
            lines: (!terminal).then(Lines::default),
        }
    }

    /// Takes the bar off the screen.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// For work that is counted in other things than bytes.
    pub(super) fn steps(&self, stretch: Stretch, done: u64, total: u64) {
        if self.bar.length() != Some(total) {
            self.show(stretch, Some(total), "{msg} {wide_bar} {pos}/{len}");
        }
        self.bar.set_position(done);
    }

    fn show(&self, stretch: Stretch, total: Option<u64>, template: &str) {
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        match total {
            Some(total) => self.bar.set_length(total),
            None => self.bar.unset_length(),
        }
        self.bar.set_message(format!("{}: {stretch}", self.about));
    }
}

impl Progress for Bar {
    fn begin(&mut self, stretch: Stretch, done: u64, total: Option<u64>) {
        let template = match total {
            Some(_) => "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
            None => "{msg} {bytes} {bytes_per_sec} {elapsed}",
        };
        self.show(stretch, total, template);
        self.bar.set_position(done);
        self.bar.reset_eta();
        if let Some(lines) = &mut self.lines {
            *lines = Lines {
                downloading: stretch == Stretch::Downloading,
                total,
                steps: 0,
            };
            lines.steps = lines.steps_at(done);
        }
    }

    fn at(&mut self, done: u64) {
        self.bar.set_position(done);
        if let Some(line) = self.lines.as_mut().and_then(|lines| lines.at(done)) {
            eprintln!("{}: {line}", self.about);
        }
    }

    fn say(&mut self, line: &str) {
        let line = format!("{}: {line}", self.about);
        self.bar.suspend(|| eprintln!("{line}"));
    }
}

impl Lines {
    fn at(&mut self, done: u64) -> Option<String> {
        let steps = self.steps_at(done);
        if !self.downloading || steps <= self.steps {
            return None;
        }
        self.steps = steps;
        let megabytes = done / 1_000_000;
        Some(match self.total {
            Some(total) => format!("{steps}0 % of {} MB", total / 1_000_000),
            None => format!("{megabytes} MB"),
        })
    }

    fn steps_at(&self, done: u64) -> u64 {
        match self.total {
            Some(total) => (done * 10).checked_div(total).unwrap_or_default(),
            None => done / LINE_EVERY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_at_each_step_once_and_of_downloads_alone() {
        let said = |downloading, total, done: &[u64]| {
            let mut lines = Lines {
                downloading,
                total,
                steps: 0,
            };
            let said = done.iter().filter_map(|&d| lines.at(d));
            said.collect::<Vec<_>>()
        };
        let sizes = [
            1,
            12_000_000,
            13_000_000,
            55_000_000,
            99_000_000,
            100_000_000,
        ];
        assert_eq!(
            said(true, Some(100_000_000), &sizes),
            [
                "10 % of 100 MB",
                "50 % of 100 MB",
                "90 % of 100 MB",
                "100 % of 100 MB"
            ]
        );
        assert_eq!(said(true, None, &sizes), ["55 MB", "99 MB", "100 MB"]);
        assert!(said(false, Some(100_000_000), &sizes).is_empty());
        assert!(said(true, Some(0), &sizes).is_empty());
    }
}
