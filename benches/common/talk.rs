//! A call that goes on, as the live words of two speakers reach the hub.

use callscribe::ids::Track;

use crate::harness::line::Line;

/// Events of one utterance: what is shown, settles word by word, and ends.
const STEPS: u64 = 12;
/// Words of one utterance.
const WORDS: usize = 12;
const SAID: [&str; WORDS] = [
    "hello", "I", "am", "locked", "out", "of", "my", "car", "near", "the", "central", "station",
];

/// An utterance of [`WORDS`] words, told in [`STEPS`] events of which every third settles words.
pub(crate) struct Talk<'a> {
    line: &'a Line<'a>,
    /// Call time at which the next utterance begins, seconds.
    at: f64,
    step: u64,
    utterance: u64,
}

impl<'a> Talk<'a> {
    pub(crate) fn new(line: &'a Line<'a>, at: f64) -> Self {
        Self {
            line,
            at,
            step: 0,
            // Far beyond what is stored.
            utterance: 1_000_000,
        }
    }

    /// Stores so many words, in turns; the next ones come after them.
    pub(crate) async fn stored(&mut self, words: usize) {
        for _ in 0..words.div_ceil(WORDS) {
            let said = SAID.join(" ");
            let track = self.track();
            self.line
                .stored(track, self.utterance, self.at, &said)
                .await;
            self.next_utterance();
        }
    }

    /// Publishes the next event.
    pub(crate) fn publish(&mut self) {
        let (line, track, utterance) = (self.line, self.track(), self.utterance);
        let settled = usize::try_from(self.step / 3).unwrap_or_default() * 3;
        let at = self.at + 0.4 * f64::from(u32::try_from(settled).unwrap_or_default());
        match self.step {
            last if last == STEPS - 1 => {
                line.completed(track, utterance, self.at, &SAID.join(" "));
                self.step = 0;
                self.next_utterance();
                return;
            }
            step if step % 3 == 2 => {
                line.delta(track, utterance, at, &SAID[settled..settled + 3].join(" "));
            }
            _ => line.partial(track, utterance, at, &SAID[settled..].join(" ")),
        }
        self.step += 1;
    }

    fn track(&self) -> Track {
        Track::ALL[usize::from(self.utterance % 2 == 1)]
    }

    fn next_utterance(&mut self) {
        self.utterance += 1;
        self.at += 5.0;
    }
}
