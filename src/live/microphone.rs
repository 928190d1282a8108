//! The story of one microphone: a browser's packets → [`crate::call::microphone`] → 16 kHz samples →
//! record, hear, store, broadcast, by the same desk as a phone's stream.
//!
//! The audio enters behind the core of phone streams, at 16 kHz, and is not made a telephone's first. That
//! would have saved a core of a hundred lines, and thrown away everything above 4 kHz that the engine hears
//! and the recording can hold: half of what tells an s from an f. All else is shared: places, tapes, ears,
//! the clerk, the final pass.
//!
//! One page at a time speaks for one side of a call. A page that lost its connection and comes back takes
//! its own place, as another stream of the same call; another page is told that the place is taken. Who
//! speaks as the agent of a call is let go a few seconds after its last other stream has closed: else one
//! forgotten tab would keep the call from ending. Places are known to this process alone: two nodes may
//! each seat an agent, and the transcript has both.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use metrics::counter;
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    Gateway,
    admission::{Permit, Refusal},
    desk::Desk,
    hub::{CallEvent, Next},
    stream::{CLOSE_TIMEOUT, LAST_LOOK, TICK, complaint},
};
use crate::{
    audio::microphone::Decoder,
    call::{
        Anomaly, CloseCode, EndReason, Output, StreamInfo,
        microphone::{Microphone, Placed},
    },
    ids::{CallSid, Track},
    wire::microphone::{Hello, Started, is_stop},
};

mod join;

/// Speaking from a browser.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Whether there is a page on which one can speak.
    pub enabled: bool,
    /// Microphones open at once; they count among media.max_streams too.
    pub max_speakers: usize,
    /// A microphone that somebody forgot is closed after so many minutes.
    pub max_minutes: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enabled: true,
            max_speakers: 20,
            max_minutes: 120,
        }
    }
}

/// Longest message, in bytes: five times the 20 ms of PCM at 48 kHz.
pub const MAX_MESSAGE: usize = 10 * 1024;
/// Messages that are still taken once it is over: twice what a page lets wait for a slow network.
const LAST_WORDS: u32 = 1_000;
/// How long the first row of a call is waited for before its page is told to speak all the same.
const OPENED: Duration = Duration::from_secs(5);

/// Where microphones are; cheap to clone.
#[derive(Clone)]
pub struct Studio(Arc<Inner>);

struct Inner {
    gateway: Gateway,
    options: Options,
    seats: Mutex<HashMap<(CallSid, Track), Taken>>,
}

struct Taken {
    page: String,
    /// Cancelled when the same page takes the place by another stream.
    replaced: CancellationToken,
}

/// A side of a call that one microphone speaks for; free again when dropped.
struct Seat {
    studio: Studio,
    place: (CallSid, Track),
    replaced: CancellationToken,
}

/// What a page is told instead of being heard; the reason is for people.
struct Sorry {
    code: u16,
    reason: String,
}

impl Sorry {
    fn new(code: u16, reason: impl ToString) -> Self {
        let reason = reason.to_string();
        Self { code, reason }
    }
}

impl Studio {
    #[must_use]
    pub fn new(gateway: Gateway, options: Options) -> Self {
        Self(Arc::new(Inner {
            gateway,
            options,
            seats: Mutex::default(),
        }))
    }

    #[must_use]
    pub fn gateway(&self) -> &Gateway {
        &self.0.gateway
    }

    fn seat(&self, call: CallSid, track: Track, page: &str) -> Result<Seat, Sorry> {
        let mut seats = self.0.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (call, track);
        match seats.get(&place) {
            Some(taken) if taken.page != page || page.is_empty() => {
                return Err(Sorry::new(
                    CloseCode::POLICY,
                    "somebody speaks there already, on another page",
                ));
            }
            Some(taken) => taken.replaced.cancel(),
            None if seats.len() >= self.0.options.max_speakers => {
                return Err(Sorry::new(
                    CloseCode::TRY_AGAIN,
                    "as many microphones as configured are open (try.max_speakers)",
                ));
            }
            None => {}
        }
        let replaced = CancellationToken::new();
        seats.insert(
            place.clone(),
            Taken {
                page: page.to_owned(),
                replaced: replaced.clone(),
            },
        );
        Ok(Seat {
            studio: self.clone(),
            place,
            replaced,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let seats = &self.studio.0.seats;
        // Who was replaced has nothing to give back.
        if !self.replaced.is_cancelled() {
            let mut seats = seats.lock().unwrap_or_else(PoisonError::into_inner);
            seats.remove(&self.place);
        }
    }
}

/// Drives one microphone to its end; what it leaves is on disk and in the store when this returns. A page
/// cannot read why an upgrade was refused, so that a refused one is told by the close.
pub async fn run(mut socket: WebSocket, studio: Studio, permit: Result<Permit, Refusal>) {
    let place = permit.map_err(|refusal| Sorry::new(CloseCode::TRY_AGAIN, refusal));
    let begun = match place {
        Ok(permit) => begin(&mut socket, &studio)
            .await
            .map(|driver| (driver, permit)),
        Err(sorry) => Err(sorry),
    };
    let (driver, permit) = match begun {
        Ok(begun) => begun,
        Err(sorry) => {
            counter!("callscribe_microphones_refused_total").increment(1);
            let frame = CloseFrame {
                code: sorry.code,
                reason: sorry.reason.into(),
            };
            farewell(&mut socket, frame).await;
            return;
        }
    };
    driver.run(socket).await;
    drop(permit);
}

/// Closes, and reads on until the page has closed too: were packets left unread, the system would reset the
/// connection, and the page never learn why it ended.
async fn farewell(socket: &mut WebSocket, frame: CloseFrame) {
    let closing = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    // Whoever is gone cannot be told.
    let _ = timeout(CLOSE_TIMEOUT, closing).await;
}

/// From the upgrade to the first packet.
async fn begin(socket: &mut WebSocket, studio: &Studio) -> Result<Driver, Sorry> {
    let gateway = studio.gateway();
    let hello = hello(socket, gateway.call.start_timeout()).await?;
    let (info, seat) = join::join(studio, &hello).await?;
    let decoder =
        Decoder::new(hello.codec).map_err(|error| Sorry::new(CloseCode::UNSUPPORTED, error))?;
    let viewer = gateway.hub.subscribe(&info.call_sid, None);
    let track = info.tracks[0];
    let desk = Desk::open(gateway, &info);
    // The page asks for the call's events next: the call had better be there.
    if let Ok(mut viewer) = viewer {
        let opened = async {
            loop {
                match viewer.next().await {
                    Next::Event(event) if matches!(event.event, CallEvent::State { .. }) => break,
                    Next::Gone => break,
                    _ => {}
                }
            }
        };
        let _ = timeout(OPENED, opened).await;
    }
    let started = Started {
        call: &info.call_sid,
        stream: &info.stream_sid,
    };
    let started = serde_json::to_string(&started).unwrap_or_default();
    // A page that is gone already shows when it is read from.
    let _ = socket.send(Message::text(started)).await;
    let most = Duration::from_secs(60 * u64::from(studio.0.options.max_minutes));
    let now = gateway.clock.now();
    Ok(Driver {
        gateway: gateway.clone(),
        microphone: Microphone::new(&gateway.call, hello.codec, track, most, now),
        over: join::watch(gateway, &info, hello.role),
        info,
        track,
        decoder,
        desk,
        seat,
        samples: Vec::new(),
    })
}

async fn hello(socket: &mut WebSocket, patience: Duration) -> Result<Hello, Sorry> {
    let first = async {
        loop {
            match socket.recv().await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(text))) => {
                    return Hello::parse(text.as_str())
                        .map_err(|bad| Sorry::new(CloseCode::POLICY, bad));
                }
                Some(Err(error)) => {
                    let frame = complaint(&error);
                    return Err(frame
                        .map_or_else(gone, |frame| Sorry::new(frame.code, frame.reason.as_str())));
                }
                Some(Ok(Message::Binary(_))) => {
                    let reason = "the first message is no hello";
                    return Err(Sorry::new(CloseCode::POLICY, reason));
                }
                Some(Ok(Message::Close(_))) | None => return Err(gone()),
            }
        }
    };
    timeout(patience, first)
        .await
        .unwrap_or_else(|_| Err(Sorry::new(CloseCode::POLICY, "no hello in time")))
}

fn gone() -> Sorry {
    Sorry::new(CloseCode::NORMAL, "")
}

struct Driver {
    gateway: Gateway,
    info: StreamInfo,
    track: Track,
    microphone: Microphone,
    decoder: Decoder,
    desk: Desk,
    seat: Seat,
    over: join::Over,
    samples: Vec<i16>,
}

impl Driver {
    async fn run(mut self, mut socket: WebSocket) {
        let (reason, complaint) = self.read_on(&mut socket).await;
        let said = reason.close().map(|(code, reason)| CloseFrame {
            code,
            reason: reason.into(),
        });
        if let Some(frame) = complaint.or(said) {
            farewell(&mut socket, frame).await;
        }
        drop(socket);
        counter!("callscribe_streams_total", "ended" => reason.as_str()).increment(1);
        self.samples.clear();
        self.decoder.finish(&mut self.samples);
        self.desk.hear(self.track, &self.samples);
        // The place is free before the last words are waited for.
        drop(self.seat);
        self.desk.close(reason, self.microphone.counters()).await;
    }

    /// Until it ends; with what the socket itself has to complain of.
    async fn read_on(&mut self, socket: &mut WebSocket) -> (EndReason, Option<CloseFrame>) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop_now = self.gateway.lifecycle.deadline.clone();
        let replaced = self.seat.replaced.clone();
        let over = self.over.token();
        let mut ends = std::pin::pin!(async {
            tokio::select! {
                () = stop_now.cancelled() => EndReason::ServerClosing,
                () = replaced.cancelled() => EndReason::Replaced,
                () = over.cancelled() => EndReason::CallOver,
            }
        });
        loop {
            let ended = tokio::select! {
                message = socket.recv() => match message {
                    Some(Ok(message)) => self.read(&message),
                    Some(Err(error)) => return (EndReason::Closed, complaint(&error)),
                    None => Some(EndReason::Closed),
                },
                _ = tick.tick() => self.tick(),
                reason = &mut ends => {
                    self.last_words(socket).await;
                    Some(reason)
                }
            };
            if let Some(reason) = ended {
                return (reason, None);
            }
        }
    }

    /// What was spoken before the end lies in the socket.
    async fn last_words(&mut self, socket: &mut WebSocket) {
        for _ in 0..LAST_WORDS {
            match timeout(LAST_LOOK, socket.recv()).await {
                Ok(Some(Ok(message))) if self.read(&message).is_none() => {}
                _ => return,
            }
        }
    }

    fn read(&mut self, message: &Message) -> Option<EndReason> {
        match message {
            Message::Binary(bytes) => self.hear(bytes),
            Message::Text(text) if is_stop(text.as_str()) => Some(EndReason::Stopped),
            Message::Text(_) => self.microphone.text(self.gateway.clock.now()),
            Message::Ping(_) | Message::Pong(_) => None,
            Message::Close(_) => Some(EndReason::Closed),
        }
    }

    fn hear(&mut self, message: &[u8]) -> Option<EndReason> {
        counter!("callscribe_frames_total").increment(1);
        let track = self.track;
        match self.microphone.take(self.gateway.clock.now(), message) {
            Placed::Packet {
                at,
                silence,
                lost,
                bytes,
                samples,
            } => {
                self.samples.clear();
                if lost {
                    let len = silence;
                    self.desk.take(&Output::Gap { track, at, len });
                }
                self.decoder.silence(silence, &mut self.samples);
                if !self.decoder.packet(bytes, samples, &mut self.samples) {
                    self.microphone.count(Anomaly::BadPayload);
                    note(Anomaly::BadPayload);
                }
                self.desk.hear(track, &self.samples);
                None
            }
            Placed::Dropped(anomaly) => {
                note(anomaly);
                None
            }
            Placed::Refused(reason) => Some(reason),
        }
    }

    fn tick(&mut self) -> Option<EndReason> {
        self.desk.look_at_tapes();
        tracing::trace!(stream = %self.info.stream_sid, position = %self.microphone.position(), "microphone");
        self.microphone.tick(self.gateway.clock.now())
    }
}

fn note(anomaly: Anomaly) {
    counter!("callscribe_stream_anomalies_total", "kind" => anomaly.as_str()).increment(1);
}
