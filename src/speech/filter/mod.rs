//! Text that the engine invented. Over silence, noise and music whisper says the sentences that its
//! training films end with; over a hard passage it may say one thing again and again. Live windows and
//! the final pass ask the same [`suspect`].

use super::Decoded;
use crate::time::MediaTime;

mod phrases;
mod repeats;

/// What voice activity makes of the audio that a text is said to stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Voice {
    /// Seconds in which a voice was heard.
    pub seconds: f32,
    /// Level of those; dBFS.
    pub dbfs: f32,
}

/// Why a text is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspicion {
    /// It ended at the token cap.
    Capped,
    /// Some words come again and again.
    Repeats,
    /// More words than a mouth can say.
    TooFast,
    /// A few words for much voice: music with a singer in it, or a crowd.
    TooFew,
    /// The model heard no speech, and was not sure of its words.
    NoSpeech,
    /// Nearly every token was a guess.
    Guesses,
    /// Most words have no length: nothing in the audio sounds like them.
    Untimed,
    /// A phrase that is known to be invented.
    KnownPhrase,
}

impl Suspicion {
    /// For counters and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capped => "capped",
            Self::Repeats => "repeats",
            Self::TooFast => "too_fast",
            Self::TooFew => "too_few",
            Self::NoSpeech => "no_speech",
            Self::Guesses => "guesses",
            Self::Untimed => "untimed",
            Self::KnownPhrase => "known_phrase",
        }
    }

    /// Whether more context or another search may hear it right: the audio held speech.
    #[must_use]
    pub const fn is_loop(self) -> bool {
        matches!(self, Self::Capped | Self::Repeats | Self::TooFast)
    }
}

/// Over this no-speech probability a window counts as empty where its words are unsure too: telephone
/// speech has 0.04 to 0.21, other sounds 0.70 to 0.93.
pub const NO_SPEECH: f32 = 0.6;
/// Mean log probability under which words are unsure.
const UNSURE: f32 = -0.8;
/// Mean log probability under which words are guesses, whatever else speaks for them.
const GUESS: f32 = -1.5;
/// A word this short has no place in the audio.
const NO_LENGTH: MediaTime = MediaTime::from_ms(40);
/// Share of such words over which a text is invented: 9 % of the words of the calls at hand, a third of
/// the worst sentence, and 80 % and more of what hold music is made to say.
const UNTIMED_SHARE: f32 = 0.5;
/// Fewer words than this tell nothing of their times.
const ENOUGH_TIMES: usize = 3;
/// Words a second of voice that nobody reaches; auctioneers come to 6.
const WORDS_A_SECOND: f32 = 7.5;
/// So many words may stand on however little voice: voice activity misses some.
const FREE_WORDS: f32 = 5.0;
/// Words a second of voice that the slowest speaker keeps to, over [`LONG_VOICE`].
const FEWEST_WORDS_A_SECOND: f32 = 0.4;
/// From so much voice on, its words are counted: s.
const LONG_VOICE: f32 = 6.0;

/// `None` for a text to be believed, and for no text at all.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a few hundred words at most")]
pub fn suspect(decoded: &Decoded, voice: Voice) -> Option<Suspicion> {
    let words: Vec<String> = decoded.words.iter().map(|word| fold(&word.text)).collect();
    if words.is_empty() {
        return None;
    }
    if decoded.capped {
        return Some(Suspicion::Capped);
    }
    if repeats::looping(&words) {
        return Some(Suspicion::Repeats);
    }
    let count = words.len() as f32;
    if count > FREE_WORDS + WORDS_A_SECOND * voice.seconds {
        return Some(Suspicion::TooFast);
    }
    if voice.seconds > LONG_VOICE && count < FEWEST_WORDS_A_SECOND * voice.seconds {
        return Some(Suspicion::TooFew);
    }
    if decoded.no_speech > NO_SPEECH && decoded.avg_logprob < UNSURE {
        return Some(Suspicion::NoSpeech);
    }
    if decoded.avg_logprob < GUESS {
        return Some(Suspicion::Guesses);
    }
    phrases::invented(&words, decoded, voice).then_some(Suspicion::KnownPhrase)
}

/// The same for texts whose words the engine timed itself: whether it found no place for most of them.
/// Live windows start with words that are cut to no length, so only the final pass asks.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a few hundred words at most")]
pub fn untimed(decoded: &Decoded) -> Option<Suspicion> {
    let words = &decoded.words;
    let without = words
        .iter()
        .filter(|w| w.end.saturating_sub(w.start) <= NO_LENGTH);
    let share = without.count() as f32 / words.len().max(1) as f32;
    (words.len() >= ENOUGH_TIMES && share > UNTIMED_SHARE).then_some(Suspicion::Untimed)
}

/// Lower case, letters and digits only: how words are compared.
#[must_use]
pub fn fold(word: &str) -> String {
    let kept = word.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::Word;

    pub(super) const LOUD: Voice = Voice {
        seconds: 4.0,
        dbfs: -22.0,
    };
    const MUSIC: Voice = Voice {
        seconds: 20.0,
        dbfs: -22.0,
    };
    const WEAK: Voice = Voice {
        seconds: 0.4,
        dbfs: -52.0,
    };

    fn decoded(text: &str, avg_logprob: f32, no_speech: f32) -> Decoded {
        let word = |text: &str| Word {
            text: text.to_owned(),
            start: MediaTime::ZERO,
            end: MediaTime::from_ms(300),
            confidence: 0.9,
        };
        Decoded {
            words: text.split_whitespace().map(word).collect(),
            avg_logprob,
            no_speech,
            ..Decoded::default()
        }
    }

    #[test]
    fn what_is_believed_and_what_is_not() {
        use Suspicion::{Guesses, KnownPhrase, NoSpeech, Repeats, TooFast, TooFew};
        let ten_words = "one two three four five six seven eight nine ten";
        for (text, logprob, no_speech, voice, expected) in [
            ("I'd like to book a repair.", -0.2, 0.05, LOUD, None),
            ("", -3.0, 0.9, WEAK, None),
            (
                "I'd like to book a repair.",
                -0.9,
                0.7,
                LOUD,
                Some(NoSpeech),
            ),
            ("I'd like to book a repair.", -0.9, 0.3, LOUD, None),
            ("I'd like to book a repair.", -0.3, 0.9, LOUD, None),
            ("Brum stig no", -1.7, 0.1, LOUD, Some(Guesses)),
            ("no no no no no no no no", -0.1, 0.0, LOUD, Some(Repeats)),
            (ten_words, -0.1, 0.0, LOUD, None),
            (ten_words, -0.1, 0.0, WEAK, Some(TooFast)),
            ("Thank you.", -0.05, 0.05, MUSIC, Some(TooFew)),
            ("Thank you.", -0.2, 0.05, LOUD, None),
            ("Thank you.", -0.2, 0.05, WEAK, Some(KnownPhrase)),
            ("Thank you.", -0.2, 0.45, LOUD, Some(KnownPhrase)),
            ("Thanks for watching!", -0.1, 0.01, LOUD, Some(KnownPhrase)),
            ("Thank you, that is all.", -0.2, 0.05, WEAK, None),
            ("תודה רבה.", -0.2, 0.5, LOUD, Some(KnownPhrase)),
            ("תודה רבה.", -0.2, 0.1, LOUD, None),
        ] {
            let seen = suspect(&decoded(text, logprob, no_speech), voice);
            assert_eq!(seen, expected, "{text:?} {logprob} {no_speech} {voice:?}");
        }
    }

    #[test]
    fn words_without_length_are_not_believed() {
        for (text, without, expected) in [
            ("gonna go back to the studio", 5, Some(Suspicion::Untimed)),
            ("gonna go back to the studio", 3, None),
            ("no thanks", 2, None),
        ] {
            let mut decoded = decoded(text, -0.4, 0.1);
            for word in &mut decoded.words[..without] {
                word.end = word.start;
            }
            assert_eq!(untimed(&decoded), expected, "{without} of {text:?}");
        }
    }

    #[test]
    fn the_token_cap_is_a_loop() {
        let decoded = Decoded {
            capped: true,
            ..decoded("fine words", -0.1, 0.0)
        };
        let suspicion = suspect(&decoded, LOUD);
        assert_eq!(suspicion, Some(Suspicion::Capped));
        assert!(suspicion.is_some_and(Suspicion::is_loop));
    }
}
