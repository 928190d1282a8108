//! The other direction of a bidirectional stream, as Twilio has it: audio from the server is queued and
//! played, marks come back when all before them has been played, or at once when it is cleared.

use std::{collections::VecDeque, time::Duration};

use serde::Deserialize;

use crate::wire::payload;

/// What the server sent and the caller has not heard yet. Times are since the stream's start.
#[derive(Debug, Default)]
pub struct Playback {
    /// When the queued audio will have been played.
    ends: Duration,
    marks: VecDeque<(Duration, String)>,
    /// Messages that Twilio would complain about (31951), and how many.
    pub refused: u64,
    /// Audio played or queued, in bytes of mu-law.
    pub audio: u64,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Order {
    Media { media: Media },
    Mark { mark: Mark },
    Clear,
}

#[derive(Deserialize)]
struct Media {
    payload: String,
}

#[derive(Deserialize)]
struct Mark {
    name: String,
}

impl Playback {
    /// Takes a message from the server.
    pub fn take(&mut self, now: Duration, text: &str) {
        let Ok(order) = serde_json::from_str(text) else {
            self.refused += 1;
            return;
        };
        match order {
            Order::Media { media } => {
                let mut ulaw = Vec::new();
                if payload::decode(&media.payload, &mut ulaw).is_err() {
                    self.refused += 1;
                    return;
                }
                let bytes = ulaw.len() as u64;
                self.audio += bytes;
                self.ends = self.ends.max(now) + Duration::from_micros(bytes * 125);
            }
            Order::Mark { mark } => self.marks.push_back((self.ends.max(now), mark.name)),
            Order::Clear => {
                self.ends = now;
                self.marks.iter_mut().for_each(|(due, _)| *due = now);
            }
        }
    }

    /// When the next mark is to be sent back.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.marks.front().map(|(due, _)| *due)
    }

    /// The next mark whose time has come.
    pub fn due(&mut self, now: Duration) -> Option<String> {
        let (due, _) = self.marks.front()?;
        (*due <= now).then(|| self.marks.pop_front().map(|(_, name)| name))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::outbound;

    #[test]
    fn marks_come_back_when_their_audio_was_played_or_cleared() {
        let sid = "MZ1".parse().unwrap();
        let ms = Duration::from_millis;
        let mut playback = Playback::default();
        playback.take(ms(0), &outbound::mark(&sid, "at once"));
        playback.take(ms(0), &outbound::media(&sid, &[0xFF; 8000 * 3]));
        playback.take(ms(0), &outbound::mark(&sid, "after 3 s"));
        playback.take(ms(500), &outbound::media(&sid, &[0xFF; 2400]));
        playback.take(ms(500), &outbound::mark(&sid, "cleared"));
        assert_eq!(playback.due(ms(0)).as_deref(), Some("at once"));
        assert_eq!(playback.due(ms(2999)), None);
        assert_eq!(playback.deadline(), Some(ms(3000)));
        assert_eq!(playback.due(ms(3000)).as_deref(), Some("after 3 s"));
        assert_eq!(playback.deadline(), Some(ms(3300)));
        playback.take(ms(3100), &outbound::clear(&sid));
        assert_eq!(playback.due(ms(3100)).as_deref(), Some("cleared"));
        assert_eq!(playback.due(ms(9000)), None);
        let bad_audio = r#"{"event":"media","media":{"payload":"?"}}"#;
        for junk in ["", bad_audio, r#"{"event":"dance"}"#] {
            playback.take(ms(0), junk);
        }
        assert_eq!((playback.refused, playback.audio), (3, 26_400));
    }
}
