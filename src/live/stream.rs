//! The story of one media stream: read the socket → [`crate::call`] → record, hear, store, broadcast.
//!
//! The loop waits for the socket and nothing else: tapes and ears take samples without blocking, the
//! clerk takes facts through a bounded queue. It turns over twice a second for the core's deadlines,
//! instead of arming a timer for every one of 50 messages a second. Where nobody listens live, it lets
//! some messages gather before it reads them: to be woken for each costs more than all that is done
//! with it.

use std::time::{Duration, Instant};

use axum::{
    Error,
    extract::ws::{CloseFrame, Message, WebSocket},
};
use futures_util::FutureExt;
use metrics::{Counter, counter};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError, ProtocolError};

use super::{Gateway, admission::Permit, desk::Desk};
use crate::{
    call::{CloseCode, EndReason, Input, Output, Stream},
    ids::CallSid,
};

/// How often deadlines are looked at and counters are published.
pub(super) const TICK: Duration = Duration::from_millis(500);
/// A peer that does not take our close frame by then is left alone.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long messages gather where no words are shown: with the recorder's sweep it is what a crash may
/// cost, which is to stay under a second.
const GATHER: Duration = Duration::from_millis(200);
/// More messages than this in a row come faster than two tracks speak: that sender is not made to wait.
const IN_A_ROW: u32 = 64;
/// `connected`, `start`, and as many more for good measure.
const SPARED: u8 = 4;
/// For the runtime to see what lies in the socket.
pub(super) const LAST_LOOK: Duration = Duration::from_millis(20);
/// How far ahead of the clock a stream must be to count as faster than real time.
const EARLY: Duration = Duration::from_secs(10);
/// How long a sender that is too fast for the disk is left waiting before the next look.
const HOLD: Duration = Duration::from_millis(5);

/// Drives a stream to its end; what it leaves is on disk and in the store when this returns, and its
/// place is free. `expected` is the only call that may start here, where the URL named one.
pub async fn run(socket: WebSocket, gateway: Gateway, permit: Permit, expected: Option<CallSid>) {
    let stream = Stream::new(gateway.call.clone(), gateway.clock.now());
    let stream = match expected {
        Some(call) => stream.expecting(call),
        None => stream,
    };
    let began = gateway.clock.now();
    let frames = counter!("callscribe_frames_total");
    let mut driver = Driver {
        socket,
        stream,
        desk: None,
        gateway,
        frames,
        counted: 0,
        began,
        in_a_row: 0,
        spared: 0,
        complaint: None,
    };
    let reason = driver.run().await;
    counter!("callscribe_streams_total", "ended" => reason.as_str()).increment(1);
    driver.finish(reason).await;
    drop(permit);
}

struct Driver {
    socket: WebSocket,
    stream: Stream,
    /// From `start` on.
    desk: Option<Desk>,
    gateway: Gateway,
    frames: Counter,
    counted: u64,
    began: Instant,
    /// Messages that were read without a wait for the next.
    in_a_row: u32,
    /// Looks at the deadlines that gave way to a message.
    spared: u8,
    /// Why the socket itself refused to read on.
    complaint: Option<CloseFrame>,
}

impl Driver {
    async fn run(&mut self) -> EndReason {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop_now = self.gateway.lifecycle.deadline.clone();
        // Made once: a new one would be enrolled and taken out again for every message.
        let mut stop_now = std::pin::pin!(stop_now.cancelled());
        loop {
            if !self.read_what_is_here().await {
                tokio::select! {
                    message = self.socket.recv() => self.read(message),
                    _ = tick.tick() => match self.first_words().await {
                        Some(message) => self.read(message),
                        None => self.tick(),
                    },
                    () = &mut stop_now => self.stream.handle(self.gateway.clock.now(), Input::ServerClosing),
                }
            }
            let (close, ended) = self.act();
            if let Some(frame) = close {
                // Whoever is gone cannot be told.
                let _ = timeout(CLOSE_TIMEOUT, self.socket.send(Message::Close(Some(frame)))).await;
            }
            if let Some(reason) = ended {
                return reason;
            }
            while self.is_early() && self.desk.as_ref().is_some_and(Desk::is_behind) {
                sleep(HOLD).await;
            }
        }
    }

    /// Reads a message that came already. Where there is none, lets some gather; all this only while
    /// nobody listens.
    async fn read_what_is_here(&mut self) -> bool {
        if self.desk.is_none() || self.gateway.ears.is_some() {
            return false;
        }
        let message = self.socket.recv().now_or_never();
        match message {
            Some(message) => {
                self.in_a_row += 1;
                self.read(message);
                true
            }
            None => {
                if std::mem::take(&mut self.in_a_row) <= IN_A_ROW {
                    sleep(GATHER).await;
                }
                false
            }
        }
    }

    /// A last look at what a peer sent whose time to start is over: it is judged by when it spoke, not by
    /// when a busy machine comes to read it. No more than [`SPARED`] times, or junk could hold its place
    /// for ever.
    async fn first_words(&mut self) -> Option<Option<Result<Message, Error>>> {
        let now = self.gateway.clock.now();
        let overdue = self.stream.deadline().is_some_and(|due| due <= now);
        if self.desk.is_some() || !overdue || self.spared == SPARED {
            return None;
        }
        let waiting = timeout(LAST_LOOK, self.socket.recv()).await.ok();
        self.spared += u8::from(waiting.is_some());
        waiting
    }

    /// More audio came than time passed: the sender is a replay and can be held back, while one in real
    /// time would throw audio away.
    fn is_early(&self) -> bool {
        let passed = self.gateway.clock.now().duration_since(self.began);
        u128::from(self.stream.position().as_ms()) > passed.as_millis() + EARLY.as_millis()
    }

    fn read(&mut self, message: Option<Result<Message, Error>>) {
        let now = self.gateway.clock.now();
        let input = match &message {
            Some(Ok(Message::Text(text))) => Input::Text(text.as_str()),
            Some(Ok(Message::Binary(bytes))) => Input::Binary(bytes.len()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return,
            Some(Ok(Message::Close(_))) | None => Input::Closed,
            Some(Err(error)) => {
                self.complaint = complaint(error);
                Input::Closed
            }
        };
        self.stream.handle(now, input);
    }

    fn tick(&mut self) {
        self.stream.handle(self.gateway.clock.now(), Input::Tick);
        self.count_frames();
        if let Some(desk) = &mut self.desk {
            desk.look_at_tapes();
        }
    }

    /// Acts on every output; says what to close with and whether that was the end.
    fn act(&mut self) -> (Option<CloseFrame>, Option<EndReason>) {
        let mut close = self.complaint.take();
        let mut ended = None;
        while let Some(output) = self.stream.poll() {
            match output {
                Output::Started(info) => self.desk = Some(Desk::open(&self.gateway, info)),
                Output::Close { code, reason } => {
                    close = Some(CloseFrame {
                        code,
                        reason: reason.into(),
                    })
                }
                Output::Ended(reason) => ended = Some(reason),
                Output::Anomaly(anomaly) => {
                    counter!("callscribe_stream_anomalies_total", "kind" => anomaly.as_str())
                        .increment(1);
                }
                other => {
                    if let Some(desk) = &mut self.desk {
                        desk.take(&other);
                    }
                }
            }
        }
        (close, ended)
    }

    async fn finish(mut self, reason: EndReason) {
        self.count_frames();
        let Self {
            socket,
            stream,
            desk,
            ..
        } = self;
        // The place on the wire is free before the last words are waited for.
        drop(socket);
        if let Some(desk) = desk {
            desk.close(reason, stream.counters()).await;
        }
    }

    fn count_frames(&mut self) {
        let frames: u64 = self.stream.counters().frames.iter().sum();
        self.frames.increment(frames - self.counted);
        self.counted = frames;
    }
}

/// What to tell a peer whose frames cannot be read; nothing to one that is gone.
pub(super) fn complaint(error: &Error) -> Option<CloseFrame> {
    let source = std::error::Error::source(error)?.downcast_ref::<WsError>()?;
    let (code, reason) = match source {
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
            (CloseCode::TOO_BIG, "message too long")
        }
        WsError::Utf8(_) => (CloseCode::NOT_UTF8, "text that is not UTF-8"),
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return None,
        WsError::Protocol(_) => (CloseCode::PROTOCOL, "a frame that breaks RFC 6455"),
        _ => return None,
    };
    let reason = reason.into();
    Some(CloseFrame { code, reason })
}
