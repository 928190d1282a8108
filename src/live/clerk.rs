//! What a stream leaves in the store and tells its viewers, in order, off the read loop.
//!
//! Facts come through a queue of [`MAX_FACTS`]; when it is full (the database stands still), notes are
//! let go and counted: the recording and the final pass do not depend on them. Committed text goes
//! through the store's pen, which has its own bound.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use metrics::counter;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    Gateway,
    hub::event::{CallEvent, Utterance},
};
use crate::{
    ids::Track,
    recordings::Summary,
    speech::{
        Word,
        live::{Heard, Level, Trace},
    },
    store::{
        self, CallState, LiveModels, LiveSegment, LiveTrace, NewCall, NewRecording, NewStream,
        Note, NoteKind, RecordingKey, StreamEnd, StreamKey,
    },
    tasks,
    time::MediaTime,
    transcript::Segment,
};

/// What made the live text.
const BUILD: &str = env!("CARGO_PKG_VERSION");
/// Facts of one stream that wait for the store.
const MAX_FACTS: usize = 256;
/// How long the last words of a stream are waited for; the final pass hears them anyway.
const LAST_WORDS: Duration = Duration::from_secs(20);
/// Waits between attempts to open a stream in a database that fails: the first, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// What the read loop reports. Times are stream time.
pub(super) enum Fact {
    /// A track opened.
    Track(Box<NewTrack>),
    Note {
        track: Option<Track>,
        at: MediaTime,
        kind: NoteKind,
    },
    Closed(Box<Closing>),
}

pub(super) struct Closing {
    pub reason: &'static str,
    pub duration: MediaTime,
    pub counters: serde_json::Value,
    pub recordings: Vec<(Track, Summary)>,
}

/// A track that opened: where it is recorded, and what is heard on it.
pub(super) struct NewTrack {
    pub track: Track,
    pub speaker: String,
    pub recording: Option<PathBuf>,
    pub heard: Option<mpsc::Receiver<Heard>>,
}

/// The read loop's end.
pub(super) struct Clerk {
    facts: mpsc::Sender<Fact>,
    work: JoinHandle<()>,
}

impl Clerk {
    pub(super) fn start(gateway: Gateway, call: NewCall, stream: NewStream) -> Self {
        let (facts, inbox) = mpsc::channel(MAX_FACTS);
        let work = tasks::spawn("clerk", serve(gateway, call, stream, inbox));
        Self { facts, work }
    }

    /// Never waits.
    pub(super) fn tell(&self, fact: Fact) {
        if self.facts.try_send(fact).is_err() {
            counter!("callscribe_queue_dropped_total", "queue" => "facts").increment(1);
        }
    }

    /// Returns once all is stored and told.
    pub(super) async fn close(self, closing: Closing) {
        // The clerk has its inbox open until it gets this.
        let _ = self.facts.send(Fact::Closed(Box::new(closing))).await;
        if let Err(error) = self.work.await {
            tracing::error!(%error, "a stream's clerk died: its end is found at the next start");
        }
    }
}

async fn serve(
    gateway: Gateway,
    call: NewCall,
    stream: NewStream,
    mut facts: mpsc::Receiver<Fact>,
) {
    let Some(opened) = open_stream(&gateway, &call, &stream, &facts).await else {
        tracing::error!(call = %call.sid, stream = %stream.sid, "the database never answered: this stream is on disk only");
        return;
    };
    let mut work = Work {
        position: opened.position,
        key: opened.key,
        gateway,
        committed: BTreeMap::new(),
        heard: [None, None],
        speakers: stream.speakers,
        degraded: 0,
        reached: MediaTime::ZERO,
    };
    work.publish(CallEvent::State {
        state: CallState::Live,
        interrupted: false,
        reason: None,
    });
    let closing = loop {
        let [inbound, outbound] = &mut work.heard;
        tokio::select! {
            fact = facts.recv() => match fact {
                Some(Fact::Track(track)) => work.track(*track).await,
                Some(Fact::Note { track, at, kind }) => work.note(track, at, kind).await,
                Some(Fact::Closed(closing)) => break Some(closing),
                // The read loop died without a word (a panic): what it leaves is found at the next start.
                None => break None,
            },
            Some(said) = next(inbound) => work.hear(Track::Inbound, said).await,
            Some(said) = next(outbound) => work.hear(Track::Outbound, said).await,
        }
    };
    work.last_words().await;
    if let Some(closing) = closing {
        work.close(*closing).await;
    }
}

/// The next thing heard on a track; never, once there is nothing more.
async fn next(heard: &mut Option<mpsc::Receiver<Heard>>) -> Option<Heard> {
    let said = match heard {
        Some(receiver) => receiver.recv().await,
        None => std::future::pending().await,
    };
    if matches!(said, None | Some(Heard::Finished)) {
        *heard = None;
    }
    said
}

/// Tries until the database answers, or the stream is over and it still does not.
async fn open_stream(
    gateway: &Gateway,
    call: &NewCall,
    stream: &NewStream,
    facts: &mpsc::Receiver<Fact>,
) -> Option<store::Stream> {
    let (mut wait, longest) = RETRY;
    loop {
        match gateway.store.open_stream(call, stream).await {
            Ok(opened) => return Some(opened),
            Err(error) => {
                tracing::warn!(call = %call.sid, stream = %stream.sid, %error, "the stream cannot be stored yet")
            }
        }
        if facts.is_closed() && facts.is_empty() {
            return None;
        }
        counter!("callscribe_store_retries_total").increment(1);
        sleep(wait).await;
        wait = longest.min(wait * 2);
    }
}

struct Work {
    gateway: Gateway,
    key: StreamKey,
    /// Call time of the stream's first sample.
    position: MediaTime,
    /// What of an utterance is committed so far.
    committed: BTreeMap<(Track, u64), Vec<Word>>,
    heard: [Option<mpsc::Receiver<Heard>>; 2],
    speakers: [Option<String>; 2],
    /// The step of the overload ladder that viewers know of.
    degraded: u32,
    /// Stream time of the latest words.
    reached: MediaTime,
}

impl Work {
    async fn track(&mut self, new: NewTrack) {
        self.heard[new.track.index()] = new.heard;
        let Some(path) = new.recording else { return };
        let key = RecordingKey {
            stream: self.key.clone(),
            track: new.track,
        };
        let opened_at = self.gateway.clock.wall();
        let new = NewRecording {
            key,
            speaker: new.speaker,
            path,
            opened_at,
        };
        self.said(
            self.gateway.store.record_opened(&new).await,
            "recording opened",
        );
    }

    async fn note(&self, track: Option<Track>, at: MediaTime, kind: NoteKind) {
        let now = self.gateway.clock.wall();
        let at = self.position + at;
        let note = Note {
            call: self.key.call.clone(),
            stream: Some(self.key.number),
            track,
            at,
            kind: kind.clone(),
        };
        self.said(self.gateway.store.add_notes(&[note], now).await, "note");
        // Stored first: who hears of it may read the call at once.
        self.publish(CallEvent::Note { track, at, kind });
    }

    async fn hear(&mut self, track: Track, said: Heard) {
        let of = |utterance| Utterance {
            stream: self.key.number,
            track,
            utterance,
        };
        match said {
            Heard::Partial {
                utterance,
                start,
                words,
            } => {
                let (start, words) = (self.position + start, self.shifted(words));
                self.publish(CallEvent::Partial {
                    of: of(utterance),
                    start,
                    words,
                });
            }
            Heard::Delta { utterance, words } => {
                let words = self.shifted(words);
                self.publish(CallEvent::Delta {
                    of: of(utterance),
                    words: words.clone(),
                });
                let committed = self.committed.entry((track, utterance)).or_default();
                committed.extend(words);
                let words = committed.clone();
                self.store_text(track, utterance, words);
            }
            Heard::Completed {
                utterance,
                start,
                end,
                text,
                words,
                language,
            } => {
                self.committed.remove(&(track, utterance));
                self.reached = self.reached.max(end);
                let (start, end, words) = (
                    self.position + start,
                    self.position + end,
                    self.shifted(words),
                );
                self.publish(CallEvent::Completed {
                    of: of(utterance),
                    start,
                    end,
                    text,
                    words: words.clone(),
                    language,
                });
                self.store_text(track, utterance, words);
            }
            Heard::Degraded { level } => return self.degraded(level).await,
            Heard::Traced(trace) => return self.trace(track, *trace).await,
            Heard::Finished => {}
        }
    }

    /// How the live words came to be.
    async fn trace(&self, track: Track, trace: Trace) {
        let Some(ears) = &self.gateway.ears else {
            return;
        };
        let trace = LiveTrace {
            key: RecordingKey {
                stream: self.key.clone(),
                track,
            },
            build: BUILD.to_owned(),
            models: LiveModels {
                live: ears.lanes().live_model().clone(),
                small: ears.lanes().small_model().cloned(),
            },
            trace,
        };
        let now = self.gateway.clock.wall();
        self.said(self.gateway.store.put_trace(&trace, now).await, "trace");
    }

    /// Both tracks say so; the call says it once.
    async fn degraded(&mut self, level: Level) {
        let step = u32::from(level.is_degraded())
            * u32::try_from(level.index())
                .unwrap_or(u32::MAX)
                .saturating_sub(1);
        if step != self.degraded {
            self.degraded = step;
            self.publish(CallEvent::Degraded {
                level: step,
                reason: in_words(level).into(),
            });
            let at = self.reached;
            self.note(None, at, NoteKind::Degraded { level: step })
                .await;
        }
    }

    fn store_text(&self, track: Track, utterance: u64, words: Vec<Word>) {
        let (Some(first), Some(last)) = (words.first(), words.last()) else {
            return;
        };
        let (start, end) = (first.start, last.end);
        let text = words
            .iter()
            .map(|word| word.text.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let speaker = self.speakers[track.index()].clone();
        let segment = Segment {
            track,
            speaker,
            start,
            end,
            text,
            words,
        };
        self.gateway.pen.put(LiveSegment {
            stream: self.key.clone(),
            utterance,
            segment,
        });
    }

    /// Drains what the ears still say after the audio's end.
    async fn last_words(&mut self) {
        let drained = timeout(LAST_WORDS, async {
            for track in Track::ALL {
                while self.heard[track.index()].is_some() {
                    if let Some(said) = next(&mut self.heard[track.index()]).await {
                        self.hear(track, said).await;
                    }
                }
            }
        });
        if drained.await.is_err() {
            tracing::warn!(call = %self.key.call, "the last live words did not come in time: left to the final pass");
        }
    }

    async fn close(&self, closing: Closing) {
        let now = self.gateway.clock.wall();
        self.gateway.pen.flush().await;
        for (track, summary) in closing.recordings {
            let key = RecordingKey {
                stream: self.key.clone(),
                track,
            };
            self.said(
                self.gateway
                    .store
                    .record_closed(&key, &summary.into(), now)
                    .await,
                "recording closed",
            );
        }
        let end = StreamEnd {
            at: now,
            reason: closing.reason.into(),
            duration: closing.duration,
            counters: closing.counters,
        };
        match self.gateway.store.close_stream(&self.key, &end).await {
            Ok(state) => self.publish(CallEvent::State {
                state,
                interrupted: false,
                reason: None,
            }),
            Err(error) => self.said(Err(error), "stream closed"),
        }
    }

    fn publish(&self, event: CallEvent) {
        self.gateway.hub.publish(&self.key.call, event);
    }

    fn shifted(&self, words: Vec<Word>) -> Vec<Word> {
        let shift = |word: Word| Word {
            start: self.position + word.start,
            end: self.position + word.end,
            ..word
        };
        words.into_iter().map(shift).collect()
    }

    fn said(&self, done: Result<(), store::Error>, what: &str) {
        if let Err(error) = done {
            counter!("callscribe_store_errors_total").increment(1);
            tracing::error!(call = %self.key.call, stream = self.key.number, what, %error, "not stored");
        }
    }
}

const fn in_words(level: Level) -> &'static str {
    match level {
        Level::Brisk | Level::Normal => "live words are on time",
        Level::Slow | Level::Slower => "live words come later than usual: the machine is busy",
        Level::FinalsOnly => "live words come a sentence at a time: the machine is busy",
        Level::SmallModel => "live words come from a smaller model: the machine is busy",
        Level::NoText => {
            "no live words: the machine is too busy; the transcript comes after the call"
        }
    }
}
