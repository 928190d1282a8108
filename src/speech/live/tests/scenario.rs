//! The one door of these tests: a track that is spoken into, an engine of a given speed and wit.

use std::{collections::VecDeque, time::Duration};

use super::voice::Voice;
use crate::{
    speech::{
        Decoded, Effort, EngineError, Word,
        live::{Heard, Listener, Options, Trace, Want, Window},
    },
    time::MediaTime,
};

/// A look that was taken, in ms of stream time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Look {
    pub(super) at: u64,
    pub(super) want: Want,
    pub(super) start: u64,
    pub(super) end: u64,
    /// Of what its window begins with.
    pub(super) context: u64,
    pub(super) audio_ctx: u32,
    pub(super) max_tokens: u32,
    pub(super) language: Option<String>,
    pub(super) prompt: String,
    /// What the window is known to begin with.
    pub(super) said: String,
    pub(super) small: bool,
}

type Answer = Result<Decoded, EngineError>;
/// What the engine says: given the look and what is right.
type Engine = Box<dyn FnMut(&Look, Decoded) -> Answer>;

pub(super) struct Scenario {
    pub(super) listener: Listener,
    pub(super) heard: Vec<(u64, Heard)>,
    pub(super) looks: Vec<Look>,
    /// All that was pushed, and all that was answered.
    audio: Vec<i16>,
    answers: Vec<Decoded>,
    /// Spans of voice, ms.
    voiced: Vec<(u64, u64)>,
    now: u64,
    /// How long a decode takes, in stream time.
    decode_ms: u64,
    engine: Engine,
    pending: VecDeque<(u64, Answer)>,
    window: Window,
    voice: Voice,
}

/// The engine that hears right says a word every [`WORD_MS`] of voice, named by its place.
pub(super) const WORD_MS: u64 = 400;

impl Scenario {
    pub(super) fn new() -> Self {
        Self::with(Options::default(), Some("en"))
    }

    pub(super) fn with(options: Options, language: Option<&str>) -> Self {
        Self {
            listener: Listener::new(options, language.map(str::to_owned)),
            heard: Vec::new(),
            looks: Vec::new(),
            audio: Vec::new(),
            answers: Vec::new(),
            voiced: Vec::new(),
            now: 0,
            decode_ms: 0,
            engine: Box::new(|_, truth| Ok(truth)),
            pending: VecDeque::new(),
            window: Window::default(),
            voice: Voice::default(),
        }
    }

    pub(super) fn decode_ms(mut self, ms: u64) -> Self {
        self.decode_ms = ms;
        self
    }

    /// What the engine says: given the look and what is right.
    pub(super) fn engine(mut self, engine: impl FnMut(&Look, Decoded) -> Answer + 'static) -> Self {
        self.engine = Box::new(engine);
        self
    }

    pub(super) fn voice(&mut self, ms: u64) -> &mut Self {
        self.voiced.push((self.now, self.now + ms));
        let audio = self.voice.speak(ms);
        self.push(&audio)
    }

    pub(super) fn silence(&mut self, ms: u64) -> &mut Self {
        self.push(&vec![0; usize::try_from(ms * 16).unwrap()])
    }

    pub(super) fn push(&mut self, audio: &[i16]) -> &mut Self {
        self.audio.extend_from_slice(audio);
        for piece in audio.chunks(320) {
            self.listener.push(piece);
            self.now += 20;
            self.turn_over();
        }
        self
    }

    pub(super) fn finish(&mut self) -> &mut Self {
        self.listener.finish();
        // The stream stands still now; what is pending comes in.
        for _ in 0..10 {
            self.now += self.decode_ms;
            self.turn_over();
        }
        self
    }

    /// Lets answers in and the next look out, as a lane would.
    pub(super) fn turn_over(&mut self) {
        self.drain();
        while self
            .pending
            .front()
            .is_some_and(|(due, _)| *due <= self.now)
        {
            let (_, answer) = self.pending.pop_front().unwrap();
            self.listener.answer(answer);
            self.drain();
        }
        let Some(want) = self.listener.want() else {
            return;
        };
        let window = &mut self.window;
        assert_eq!(self.listener.window(window), Some(want));
        window.took(Duration::from_millis(self.decode_ms));
        assert!(self.listener.want().is_none(), "one look at a time");
        let end = self.listener.looking_until() / 16;
        let context = self.listener.before().as_ms();
        let look = Look {
            at: self.now,
            want,
            start: end + context - window.samples.len() as u64 / 16,
            end,
            context,
            audio_ctx: window.audio_ctx,
            max_tokens: window.max_tokens,
            language: window.language.clone(),
            prompt: window.prompt.clone(),
            said: window.said.clone(),
            small: window.small,
        };
        assert!(matches!(window.request().effort, Effort::Live { .. }));
        let truth = self.truth(&look);
        let answer = (self.engine)(&look, truth);
        self.looks.push(look);
        self.answers
            .push(answer.as_ref().ok().cloned().unwrap_or_default());
        self.pending.push_back((self.now + self.decode_ms, answer));
        if self.decode_ms == 0 {
            self.turn_over();
        }
    }

    /// All of it again, by the trace alone, from the same audio and answers.
    pub(super) fn again(&mut self) -> Vec<Heard> {
        let json = serde_json::to_string(&self.listener.take_trace()).unwrap();
        let trace: Trace = serde_json::from_str(&json).unwrap();
        let (mut audio, mut answers) = (self.audio.iter(), self.answers.iter());
        let mut heard = Vec::new();
        let read = |count: u64, out: &mut Vec<i16>| {
            out.extend(audio.by_ref().take(usize::try_from(count).unwrap()));
            Ok::<_, std::convert::Infallible>(())
        };
        let decode = |_: &Window| Ok(answers.next().unwrap().clone());
        trace
            .again(read, decode, |event| heard.push(event))
            .unwrap();
        heard
    }

    fn drain(&mut self) {
        while let Some(heard) = self.listener.poll() {
            self.heard.push((self.now, heard));
        }
    }

    fn truth(&self, look: &Look) -> Decoded {
        let place = |ms: u64| MediaTime::from_ms(ms.saturating_sub(look.start) + look.context);
        let words = self.words(look.start, look.end);
        let known: Vec<&str> = look.said.split(' ').collect();
        let unknown = |word: &Word| !known.contains(&word.text.as_str());
        let spoken = words.iter().map(|n| Word {
            text: format!("w{n}"),
            start: place(n * WORD_MS),
            end: place(n * WORD_MS + WORD_MS - 20),
            confidence: 0.9,
        });
        Decoded {
            words: spoken.filter(unknown).collect(),
            language: look.language.clone().unwrap_or_else(|| "he".into()),
            language_p: 0.9,
            avg_logprob: -0.2,
            no_speech: 0.1,
            capped: false,
        }
    }

    /// The words whose middle is voice and lies in `start..end`.
    fn words(&self, start: u64, end: u64) -> Vec<u64> {
        (start / WORD_MS..=end / WORD_MS)
            .filter(|n| {
                let middle = n * WORD_MS + WORD_MS / 2;
                (start..end).contains(&middle)
                    && self.voiced.iter().any(|(a, b)| (*a..*b).contains(&middle))
            })
            .collect()
    }

    /// Everything that was said, as the engine that hears right would write it.
    pub(super) fn said(&self) -> String {
        let words = self.words(0, self.now).into_iter();
        words.map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn completed(&self) -> Vec<(u64, MediaTime, MediaTime, String)> {
        let completed = |(at, heard): &(u64, Heard)| match heard {
            Heard::Completed {
                start, end, text, ..
            } => Some((*at, *start, *end, text.clone())),
            _ => None,
        };
        self.heard.iter().filter_map(completed).collect()
    }

    pub(super) fn text(&self) -> String {
        let texts = self.completed().into_iter().map(|(.., text)| text);
        texts.collect::<Vec<_>>().join(" ")
    }

    /// What holds whatever the engine says: committed words stay and add up, times never go back.
    pub(super) fn check_promises(&self) {
        let mut committed: Vec<Word> = Vec::new();
        let mut reached = MediaTime::ZERO;
        let mut last = None;
        for (_, heard) in &self.heard {
            match heard {
                Heard::Delta { utterance, words } => {
                    assert!(!words.is_empty() && last <= Some(*utterance));
                    for word in words {
                        assert!(word.start >= reached && word.end >= word.start, "{word:?}");
                        reached = word.end;
                    }
                    committed.extend(words.clone());
                }
                Heard::Completed {
                    utterance,
                    words,
                    start,
                    end,
                    ..
                } => {
                    assert!(last < Some(*utterance), "once each, in order");
                    last = Some(*utterance);
                    assert_eq!(words, &std::mem::take(&mut committed));
                    assert!(words.iter().all(|word| word.start >= *start));
                    assert!(start <= end);
                }
                _ => {}
            }
        }
        assert!(
            committed.is_empty(),
            "no committed word without its utterance"
        );
    }
}
