//! One stream, sent as Twilio sends it.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::time::{Instant as Alarm, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error, Message, protocol::frame::coding::CloseCode};

use super::{
    meter::Meter,
    pace::{FRAME_MS, Frame, Line, Pace, Speed},
    playback::Playback,
    socket::{Door, Socket},
    source::Source,
};
use crate::{
    ids::{CallSid, StreamSid, Track},
    time::{Clock, MediaTime},
    wire::sender::Sender,
};

/// How long the server may take to close after `stop`.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// A frame that the socket did not take for as long as a frame lasts: the server does not read.
const STALL: Duration = Duration::from_millis(FRAME_MS);

/// A stream to be sent.
#[derive(Debug, Clone)]
pub struct Call {
    pub account: String,
    pub call: CallSid,
    pub stream: StreamSid,
    pub parameters: BTreeMap<String, String>,
    pub speed: Speed,
    pub line: Line,
    /// Ends with `stop` and a close; otherwise the connection is cut.
    pub stop: bool,
}

/// Why a stream was not sent to its end.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{url:?} is no address of a media door: {why}")]
    Url { url: String, why: String },
    #[error("cannot reach {url}: {why}")]
    Unreachable { url: String, why: String },
    /// The upgrade was answered with something other than 101.
    #[error("the server refused the stream with status {status}: {text}")]
    Refused { status: u16, text: String },
    /// The server closed the socket before the end.
    #[error("the server closed the stream after {after} with code {code}: {reason}")]
    Closed {
        code: u16,
        reason: String,
        after: MediaTime,
    },
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// What was sent.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    pub frames: u64,
    /// Frames that the line lost on purpose.
    pub lost: u64,
    /// The longest that a frame left after it was due.
    pub latest: Duration,
    pub took: Duration,
    /// Mu-law that the server sent, in bytes.
    pub received: u64,
    /// Messages from the server that Twilio would not take.
    pub refused: u64,
    /// A `stop` was said and the server did not close in time.
    pub unclosed: bool,
    /// What the server closed with after `stop`, where that was no normal end.
    pub complaint: Option<(u16, String)>,
}

/// A socket that was accepted, before `start`.
pub struct Client {
    socket: Socket,
    call: Call,
    clock: Clock,
    meter: Option<Arc<Meter>>,
}

impl Client {
    /// Connects, signed if there is a token.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn connect(door: &Door, call: Call, clock: Clock) -> Result<Self, Failure> {
        let socket = door.open().await?;
        Ok(Self {
            socket,
            call,
            clock,
            meter: None,
        })
    }

    /// Tells the meter of each frame as it goes.
    #[must_use]
    pub fn measured(mut self, meter: Arc<Meter>) -> Self {
        self.meter = Some(meter);
        self
    }

    /// Sends the whole stream and waits until the server closed.
    ///
    /// # Errors
    /// When the server closes before the end, or the connection breaks.
    pub async fn stream(mut self, source: &Source) -> Result<Sent, Failure> {
        let call = &self.call;
        let mut sender = Sender::new(call.account.clone(), call.call.clone(), call.stream.clone());
        let connected = sender.connected();
        let start = sender.start(&source.tracks(), &call.parameters);
        for text in [connected, start] {
            self.socket
                .send(Message::text(text))
                .await
                .map_err(broken)?;
        }
        let sending = Sending {
            began: self.clock.now(),
            clock: self.clock.clone(),
            speed: call.speed,
            pace: Pace::new(source.pieces(), call.line),
            source,
            marks: source.marks(),
            sender,
            playback: Playback::default(),
            sent: Sent::default(),
            free: Duration::ZERO,
            meter: self.meter.take(),
        };
        let (mut sent, mut sender) = sending.run(&mut self.socket).await?;
        if self.call.stop {
            let stop = Message::text(sender.stop());
            self.socket.send(stop).await.map_err(broken)?;
            sent.unclosed = !self.close(&mut sent.complaint).await;
        }
        Ok(sent)
    }

    /// As Twilio does after `stop`. A server that does not close in time is left; says whether it did.
    async fn close(&mut self, complaint: &mut Option<(u16, String)>) -> bool {
        let closing = async {
            // An error means that it is closed already.
            let _ = self.socket.close(None).await;
            while let Some(Ok(message)) = self.socket.next().await {
                if let Message::Close(Some(frame)) = message
                    && frame.code != CloseCode::Normal
                {
                    *complaint = Some((frame.code.into(), frame.reason.to_string()));
                }
            }
        };
        timeout(CLOSE_TIMEOUT, closing).await.is_ok()
    }
}

struct Sending<'a> {
    began: Instant,
    clock: Clock,
    speed: Speed,
    pace: Pace<(Track, u64, String)>,
    source: &'a Source,
    /// Those still to come back, as they did when it was recorded.
    marks: &'a [(MediaTime, String)],
    sender: Sender,
    playback: Playback,
    sent: Sent,
    /// When the server last took a frame that it had left waiting.
    free: Duration,
    meter: Option<Arc<Meter>>,
}

impl Sending<'_> {
    async fn run(mut self, socket: &mut Socket) -> Result<(Sent, Sender), Failure> {
        let mut position = MediaTime::ZERO;
        while let Some((due, text)) = self.next_frame() {
            self.marks_before(due, socket, position).await?;
            let due = self.speed.on_clock(due);
            self.wait(due, socket, position).await?;
            let (passed, free) = (self.passed(), self.free);
            self.sent.latest = self.sent.latest.max(passed.saturating_sub(due));
            self.sent.frames += 1;
            position = position.max(MediaTime::from_ms(text.1 + 20));
            self.deliver(text.2, socket).await?;
            if let Some(meter) = &self.meter {
                // What the server held up is not the sender's doing.
                meter.sent(passed.saturating_sub(due.max(free)));
            }
        }
        self.marks_before(Duration::MAX, socket, position).await?;
        self.sent.took = self.passed();
        self.sent.received = self.playback.audio;
        self.sent.refused = self.playback.refused;
        Ok((self.sent, self.sender))
    }

    /// Sends the recorded marks that came before `media` of the audio, when they did.
    async fn marks_before(
        &mut self,
        media: Duration,
        socket: &mut Socket,
        position: MediaTime,
    ) -> Result<(), Failure> {
        while let Some(((at, name), rest)) = self.marks.split_first()
            && at.as_duration() < media
        {
            self.marks = rest;
            self.wait(self.speed.on_clock(at.as_duration()), socket, position)
                .await?;
            let mark = Message::text(self.sender.mark(name));
            socket.send(mark).await.map_err(broken)?;
        }
        Ok(())
    }

    async fn deliver(&mut self, text: String, socket: &mut Socket) -> Result<(), Failure> {
        let mut sending = pin!(socket.send(Message::text(text)));
        if let Some(done) = (&mut sending).now_or_never() {
            return done.map_err(broken);
        }
        let before = self.passed();
        sending.await.map_err(broken)?;
        let now = self.passed();
        if now - before >= STALL {
            self.free = now;
            if let Some(meter) = &self.meter {
                meter.stalled(now - before);
            }
        }
        Ok(())
    }

    fn next_frame(&mut self) -> Option<(Duration, (Track, u64, String))> {
        let Self {
            pace,
            source,
            sender,
            sent,
            meter,
            ..
        } = self;
        pace.next(|frame: Frame| {
            let (track, at) = (frame.track, frame.timestamp_ms());
            let text = sender.media_encoded(track, at, &source.payload(frame));
            sent.lost += u64::from(frame.lost);
            if let Some(meter) = meter.as_deref().filter(|_| frame.lost) {
                meter.lost();
            }
            (!frame.lost).then_some((track, at, text))
        })
    }

    /// Listens until something is due, and sends back marks meanwhile.
    async fn wait(
        &mut self,
        due: Duration,
        socket: &mut Socket,
        after: MediaTime,
    ) -> Result<(), Failure> {
        loop {
            let now = self.passed();
            while let Some(name) = self.playback.due(now) {
                let mark = Message::text(self.sender.mark(&name));
                socket.send(mark).await.map_err(broken)?;
                if let Some(meter) = &self.meter {
                    meter.mark();
                }
            }
            let wake = self.playback.deadline().map_or(due, |mark| mark.min(due));
            let mut alarm = pin!(sleep_until(Alarm::from_std(self.began + wake)));
            tokio::select! {
                biased;
                message = socket.next() => self.heard(message, after)?,
                () = &mut alarm => if wake == due { return Ok(()) },
            }
        }
    }

    fn heard(
        &mut self,
        message: Option<Result<Message, Error>>,
        after: MediaTime,
    ) -> Result<(), Failure> {
        match message {
            Some(Ok(Message::Text(text))) => self.playback.take(self.passed(), &text),
            Some(Ok(Message::Binary(_))) => self.playback.refused += 1,
            Some(Ok(Message::Close(frame))) => {
                let (code, reason) = frame.map_or((1005, String::new()), |f| {
                    (f.code.into(), f.reason.to_string())
                });
                return Err(Failure::Closed {
                    code,
                    reason,
                    after,
                });
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(broken(error)),
            None => return Err(Failure::Broken("it was cut".into())),
        }
        Ok(())
    }

    fn passed(&self) -> Duration {
        self.clock.now().saturating_duration_since(self.began)
    }
}

fn broken(error: Error) -> Failure {
    Failure::Broken(error.to_string())
}
