//! From events and their times to figures.

use std::collections::BTreeMap;

use callscribe::speech::{
    Word,
    filter::fold,
    live::{Heard, Level, Listener, Options},
};
use rustix::time::ClockId;
use serde_json::json;

use crate::{common::seconds, corpus::Line};

/// Decodes of one class.
#[derive(Debug, Default)]
pub(crate) struct Class {
    pub(crate) decodes: u64,
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
    /// Of audio looked at, where it is known.
    pub(crate) seconds: Option<f64>,
}

impl Class {
    pub(crate) fn add(&mut self, wall: f64, cpu: f64, samples: usize) {
        self.decodes += 1;
        self.wall += wall;
        self.cpu += cpu;
        *self.seconds.get_or_insert(0.0) += samples as f64 / 16_000.0;
    }
}

#[derive(Default)]
pub(crate) struct Score {
    pub(crate) tracks: Vec<Track>,
    /// Final, settle, partial, batch.
    pub(crate) classes: [Class; 4],
    pub(crate) cpu: f64,
}

/// One track's events as they came, times in seconds of the stream.
#[derive(Default)]
pub(crate) struct Track {
    open: BTreeMap<u64, Utterance>,
    pub(crate) done: Vec<Utterance>,
    pub(crate) levels: Vec<(f64, Level)>,
    pub(crate) retractions: usize,
    finished: bool,
}

/// What viewers saw of an utterance.
#[derive(Default)]
pub(crate) struct Utterance {
    committed: Vec<Word>,
    committed_at: Vec<f64>,
    /// All words shown, committed and not, and when.
    shown: Vec<(f64, Vec<String>)>,
    pub(crate) words: Vec<Word>,
    pub(crate) text: String,
    start: f64,
    end: f64,
    completed_at: f64,
}

impl Track {
    pub(crate) fn drain(&mut self, listener: &mut Listener, at: f64) {
        while let Some(heard) = listener.poll() {
            self.hear(heard, at);
        }
    }

    pub(crate) fn hear(&mut self, heard: Heard, at: f64) {
        match heard {
            Heard::Partial {
                utterance, words, ..
            } => {
                self.open.entry(utterance).or_default().show(&words, at);
            }
            Heard::Delta { utterance, words } => {
                let open = self.open.entry(utterance).or_default();
                open.committed_at.extend(words.iter().map(|_| at));
                open.committed.extend(words);
                open.show(&[], at);
            }
            Heard::Completed {
                utterance,
                start,
                end,
                text,
                words,
                ..
            } => {
                let mut done = self.open.remove(&utterance).unwrap_or_default();
                if done.committed != words {
                    self.retractions += 1;
                }
                (done.start, done.end) = (start.as_secs(), end.as_secs());
                (done.text, done.words, done.completed_at) = (text, words, at);
                self.done.push(done);
            }
            Heard::Degraded { level } => self.levels.push((at, level)),
            Heard::Traced(_) => {}
            Heard::Finished => self.finished = true,
        }
    }

    pub(crate) fn hypothesis(&self, line: &Line, cpu: f64) -> serde_json::Value {
        let texts: Vec<&str> = self.done.iter().map(|u| u.text.as_str()).collect();
        json!({
            "file": line.file,
            "channel": line.channel,
            "seconds": line.seconds(),
            "cpu": cpu,
            "text": texts.join(" "),
        })
    }
}

impl Utterance {
    fn show(&mut self, tail: &[Word], at: f64) {
        let words = self
            .committed
            .iter()
            .chain(tail)
            .map(|word| fold(&word.text))
            .collect();
        // A delta and its partial are one change.
        self.shown.pop_if(|(before, _)| at - *before < 0.01);
        self.shown.push((at, words));
    }

    /// From the end of each word to when it was first seen about where it stands in the end.
    fn first_shown(&self) -> impl Iterator<Item = f64> {
        self.words.iter().enumerate().map(|(n, word)| {
            let said = fold(&word.text);
            let sees = |(_, words): &&(f64, Vec<String>)| {
                let near = words.iter().take(n + 3).skip(n.saturating_sub(2));
                near.into_iter().any(|shown| *shown == said)
            };
            let at = self
                .shown
                .iter()
                .find(sees)
                .map_or(self.completed_at, |(at, _)| *at);
            at - word.end.as_secs()
        })
    }

    fn committed(&self) -> impl Iterator<Item = f64> {
        self.words
            .iter()
            .zip(&self.committed_at)
            .map(|(word, at)| at - word.end.as_secs())
    }

    /// Words shown that the next look no longer shows.
    fn unstable(&self) -> usize {
        self.shown
            .windows(2)
            .map(|pair| pair[0].1.len() - common(&pair[0].1, &pair[1].1))
            // A delta without its partial yet is no revision.
            .filter(|changed| *changed > 0)
            .sum()
    }
}

/// Length of the longest common subsequence.
fn common(a: &[String], b: &[String]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for word in a {
        let mut diagonal = 0;
        for (n, other) in b.iter().enumerate() {
            let above = row[n + 1];
            row[n + 1] = if word == other {
                diagonal + 1
            } else {
                above.max(row[n])
            };
            diagonal = above;
        }
    }
    row[b.len()]
}

impl Score {
    pub(crate) fn print(&self, lines: &[Line], options: &Options) {
        // An utterance's end is that of its tail; it is known to be over some time later.
        let endpoint = f64::from(options.endpoint_ms - options.tail_ms) / 1000.0;
        let done = || self.tracks.iter().flat_map(|track| &track.done);
        let words: usize = done().map(|u| u.words.len()).sum();
        let audio: f64 = lines.iter().map(Line::seconds).sum();
        let speech: f64 = lines.iter().map(|line| line.speech).sum();
        println!(
            "  {words} words in {} utterances; {audio:.0} track-seconds, {speech:.0} of turns",
            done().count()
        );
        spread(
            "word end -> first shown",
            done().flat_map(Utterance::first_shown).collect(),
        );
        spread(
            "word end -> committed",
            done().flat_map(Utterance::committed).collect(),
        );
        spread(
            "endpoint -> final",
            done()
                .map(|u| (u.completed_at - u.end - endpoint).max(0.0))
                .collect(),
        );
        spread(
            "speech end (VAD) -> final",
            done().map(|u| u.completed_at - u.end + 0.3).collect(),
        );
        spread(
            "last word's end (DTW) - speech end (VAD)",
            done()
                .filter_map(|u| Some(u.words.last()?.end.as_secs() - u.end + 0.3))
                .collect(),
        );
        let unstable: usize = done().map(Utterance::unstable).sum();
        println!(
            "  unstable words {:.3} of all",
            unstable as f64 / words.max(1) as f64
        );
        let retractions: usize = self.tracks.iter().map(|track| track.retractions).sum();
        let unfinished = self.tracks.iter().filter(|track| !track.finished).count();
        println!("  retractions {retractions}, tracks without an end {unfinished}");
        if self.cpu > 0.0 {
            self.print_cost(audio, speech);
        }
        let changes: Vec<String> = self
            .tracks
            .iter()
            .take(1)
            .flat_map(|track| &track.levels)
            .map(|(at, level)| format!("{at:.0} s {}", level.as_str()))
            .collect();
        println!(
            "  degraded (first track): {}",
            if changes.is_empty() {
                "never".into()
            } else {
                changes.join(", ")
            }
        );
    }

    fn print_cost(&self, audio: f64, speech: f64) {
        for (name, class) in ["final", "settle", "partial", "batch"]
            .iter()
            .zip(&self.classes)
        {
            let n = class.decodes.max(1) as f64;
            let mean = class
                .seconds
                .map_or(String::new(), |s| format!(", windows of {:.1} s", s / n));
            println!(
                "  {name:8} {:5} decodes, {:.3} s and {:.3} CPU-s each{mean}; {:.1} CPU-s in all",
                class.decodes,
                class.wall / n,
                class.cpu / n,
                class.cpu
            );
        }
        let decoding: f64 = self.classes.iter().map(|class| class.cpu).sum();
        println!(
            "  {:.1} CPU-s: {:.4} a track-second, {:.3} a second of turns ({:.1} speaking tracks a core); {:.1} % outside the engine",
            self.cpu,
            self.cpu / audio,
            self.cpu / speech.max(0.1),
            speech / self.cpu,
            100.0 * (self.cpu - decoding) / self.cpu
        );
    }

    pub(crate) fn print_words(&self) {
        let mut words = 0;
        for (n, track) in self.tracks.iter().enumerate() {
            for u in &track.done {
                words += u.words.len();
                println!("  {n} {:7.2} {:7.2}  {}", u.start, u.end, u.text);
            }
            let shown: usize = track.open.values().map(|u| u.shown.len()).sum();
            if shown > 0 {
                println!("  {n}: {shown} looks shown and withdrawn");
            }
        }
        println!(
            "  {words} words in {} tracks; {:.1} CPU-s",
            self.tracks.len(),
            self.cpu
        );
    }
}

fn spread(name: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        values
            .get(((values.len() as f64 - 1.0) * share).round() as usize)
            .copied()
            .unwrap_or(f64::NAN)
    };
    println!(
        "  {name:42} p50 {:6.2} s  p95 {:6.2} s  most {:6.2} s  ({})",
        at(0.5),
        at(0.95),
        at(1.0),
        values.len()
    );
}

pub(crate) fn thread_cpu() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}
