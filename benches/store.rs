//! What a call costs in the database, in CPU time of this process and in time on the clock.
//! `cargo bench --bench store [-- --calls N --segments N --url sqlite://PATH|postgres://…]`

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::time::Duration;

use callscribe::{
    ids::{CallSid, Track},
    speech::{ModelInfo, Word},
    store::{
        FinalText, LiveSegment, NewCall, NewRecording, NewStream, Options, Pen, RecordingEnd,
        RecordingKey, RecordingPart, Store, Stream, StreamEnd, Which,
    },
    time::{Clock, MediaTime},
    transcript::Segment,
};
use rustix::time::{ClockId, clock_gettime};

/// Words of a segment.
const WORDS: u64 = 12;

struct Arguments {
    calls: u64,
    segments: u64,
    url: Option<String>,
}

fn main() {
    let arguments = arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(measure(&arguments));
}

async fn measure(arguments: &Arguments) {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}/bench.db", folder.path().display());
    let options = Options {
        url: arguments.url.clone().unwrap_or(file),
        ..Options::default()
    };
    let store = Store::open(&options).await.unwrap();
    println!(
        "{}, calls {}, segments a call {}, words a segment {WORDS}",
        callscribe::store::describe(&options.url),
        arguments.calls,
        arguments.segments
    );
    println!("{:<44} {:>10} {:>10}", "step", "CPU µs", "clock µs");
    let clock = Clock::system();
    let mut streams = Vec::new();
    let row = Row::start(&clock);
    for call in 0..arguments.calls {
        streams.push(open(&store, &clock, call).await);
    }
    row.print("call opened, two recordings", arguments.calls);

    let pen = Pen::start(store.clone());
    let row = Row::start(&clock);
    for number in 0..arguments.segments {
        for stream in &streams {
            pen.put(live(stream, number));
        }
    }
    pen.flush().await;
    row.print(
        "live segment through the pen",
        arguments.calls * arguments.segments,
    );

    let row = Row::start(&clock);
    for stream in &streams {
        close(&store, &clock, stream).await;
    }
    row.print("call closed, job queued", arguments.calls);

    let row = Row::start(&clock);
    for stream in &streams {
        let text = final_text(stream, arguments.segments);
        store.replace_transcript(&text, clock.wall()).await.unwrap();
    }
    row.print("transcript replaced", arguments.calls);

    let row = Row::start(&clock);
    for stream in &streams {
        let found = store.transcript(&stream.key.call, None).await.unwrap();
        assert_eq!(found.unwrap().segments.len() as u64, arguments.segments);
    }
    row.print("transcript read", arguments.calls);

    let row = Row::start(&clock);
    for _ in 0..arguments.calls {
        store.calls(Which::All, None, 50).await.unwrap();
    }
    row.print("page of 50 calls", arguments.calls);
    pen.close().await;
    store.close().await;
}

struct Row<'a> {
    clock: &'a Clock,
    cpu: Duration,
    at: std::time::Instant,
}

impl<'a> Row<'a> {
    fn start(clock: &'a Clock) -> Self {
        Self {
            clock,
            cpu: cpu_time(),
            at: clock.now(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn print(self, step: &str, times: u64) {
        let each = |spent: Duration| spent.as_secs_f64() * 1e6 / times as f64;
        let clock = each(self.clock.now() - self.at);
        println!(
            "{step:<44} {:>10.0} {clock:>10.0}",
            each(cpu_time() - self.cpu)
        );
    }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap())
}

async fn open(store: &Store, clock: &Clock, call: u64) -> Stream {
    // Another run may have been on the same database.
    let sid: CallSid = format!("CA{call}-{}", clock.wall().as_nanosecond())
        .parse()
        .unwrap();
    let new = NewCall {
        sid,
        account_sid: None,
        direction: Some("inbound".into()),
        from: None,
        to: None,
        language: None,
        parameters: Default::default(),
        live_model: Some(model()),
    };
    let stream = NewStream {
        sid: "MZ1".parse().unwrap(),
        speakers: [None, None],
        parameters: Default::default(),
        opened_at: clock.wall(),
    };
    let stream = store.open_stream(&new, &stream).await.unwrap();
    for track in Track::ALL {
        let new = NewRecording {
            key: recording(&stream, track),
            speaker: track.to_string(),
            path: path(track).into(),
            opened_at: clock.wall(),
        };
        store.record_opened(&new).await.unwrap();
    }
    stream
}

async fn close(store: &Store, clock: &Clock, stream: &Stream) {
    for track in Track::ALL {
        let part = RecordingPart {
            path: path(track).into(),
            frames: 960_000,
            channel: 0,
        };
        let end = RecordingEnd {
            parts: vec![part],
            gaps: vec![],
            detail: serde_json::Value::Null,
            failed: None,
        };
        let key = recording(stream, track);
        store.record_closed(&key, &end, clock.wall()).await.unwrap();
    }
    let end = StreamEnd {
        at: clock.wall(),
        reason: "stop".into(),
        duration: MediaTime::from_ms(60_000),
        counters: serde_json::Value::Null,
    };
    store.close_stream(&stream.key, &end).await.unwrap();
}

fn recording(stream: &Stream, track: Track) -> RecordingKey {
    RecordingKey {
        stream: stream.key.clone(),
        track,
    }
}

fn path(track: Track) -> String {
    format!("audio_recordings/{track}_MZ1_20260101_120000.wav")
}

fn live(stream: &Stream, number: u64) -> LiveSegment {
    LiveSegment {
        stream: stream.key.clone(),
        utterance: number,
        segment: segment(number),
    }
}

fn segment(number: u64) -> Segment {
    let at = |word: u64| MediaTime::from_ms(number * 5_000 + word * 400);
    let words: Vec<Word> = (0..WORDS)
        .map(|word| Word {
            text: "something".into(),
            start: at(word),
            end: at(word + 1),
            confidence: 0.8,
        })
        .collect();
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    Segment {
        track: Track::Inbound,
        speaker: None,
        start: at(0),
        end: at(WORDS),
        text: texts.join(" "),
        words,
    }
}

fn final_text(stream: &Stream, segments: u64) -> FinalText {
    FinalText {
        call: stream.key.call.clone(),
        model: model(),
        parameters: serde_json::Value::Null,
        language: Some("en".into()),
        duration: MediaTime::from_ms(60_000),
        segments: (0..segments).map(segment).collect(),
        coverage: vec![],
        reason: "after the call".into(),
        fingerprint: "bench".into(),
    }
}

fn model() -> ModelInfo {
    ModelInfo {
        name: "base".into(),
        sha256: String::new(),
        multilingual: true,
    }
}

fn arguments() -> Arguments {
    let mut arguments = Arguments {
        calls: 200,
        segments: 40,
        url: None,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let mut value = || {
            given
                .next()
                .unwrap_or_else(|| panic!("{name} needs a value"))
        };
        match name.as_str() {
            "--calls" => arguments.calls = value().parse().unwrap(),
            "--segments" => arguments.segments = value().parse().unwrap(),
            "--url" => arguments.url = Some(value()),
            // What cargo passes to every bench.
            "--bench" => {}
            other => panic!("{other}: --calls N, --segments N or --url URL"),
        }
    }
    arguments
}
