//! What one media message of 20 ms costs in our own code between the socket and the writer's thread,
//! stage by stage, and how often it allocates. `cargo bench --bench frame [-- --frames N]`
//!
//! CPU time of this thread, the least of five rounds; allocations counted over all of a round's frames.
#![expect(
    clippy::expect_used,
    clippy::cast_precision_loss,
    reason = "a bench fails by panicking, and prints rounded numbers"
)]
#![expect(unsafe_code, reason = "an allocator that counts")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use callscribe::{
    audio::resample::Upsampler,
    call::{self, Input, Output, Stream},
    ids::Track,
    recordings::{self, Recorder, Spec},
    time::Clock,
    wire::{message, payload},
};
use rustix::time::{ClockId, clock_gettime};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> std::io::Result<()> {
    let frames = std::env::args()
        .skip_while(|argument| argument != "--frames")
        .nth(1)
        .map_or(50_000, |n| n.parse().expect("a number"));
    let folder = tempfile::tempdir()?;
    println!("{frames} frames of 20 ms, one track, recorded to a temporary folder");
    println!("{:<52} {:>9} {:>12}", "stage", "ns/frame", "allocations");
    let messages: Vec<String> = (0..frames).map(media).collect();
    row("JSON of a media message", frames, || {
        for text in &messages {
            black_box(message::parse(black_box(text)).expect("valid"));
        }
    });
    let payload = payload::encode(&[0x55; 160]);
    let mut ulaw = Vec::new();
    row("base64 of its payload", frames, || {
        for _ in 0..frames {
            ulaw.clear();
            payload::decode(black_box(&payload), &mut ulaw).expect("valid");
            black_box(&ulaw);
        }
    });
    let (mut upsampler, mut samples) = (Upsampler::new(), Vec::new());
    row("mu-law to 16 kHz", frames, || {
        for _ in 0..frames {
            samples.clear();
            upsampler.process(black_box(&ulaw), &mut samples);
            black_box(&samples);
        }
    });
    row(
        "all of a stream's core: order, gaps, counters, too",
        frames,
        || {
            run(&messages, |ulaw| {
                black_box(ulaw);
            });
        },
    );
    let options = recordings::Options {
        folder: folder.path().to_owned(),
        ..recordings::Options::default()
    };
    let recorder = Recorder::start(options, Clock::system())?;
    let tape = recorder.open(&Spec {
        call_sid: "CA0".parse().expect("valid"),
        stream_sid: "MZ0".parse().expect("valid"),
        track: Track::Inbound,
        speaker: None,
        started: jiff::Timestamp::UNIX_EPOCH,
    });
    row(
        "core, mu-law, 16 kHz and the tape's side of the writer",
        frames,
        || {
            run(&messages, |ulaw| {
                samples.clear();
                upsampler.process(ulaw, &mut samples);
                // Faster than any disk: the tape is not to be made to wait.
                if !tape.is_behind() {
                    tape.write(&samples);
                }
            });
        },
    );
    recorder.shutdown();
    Ok(())
}

/// Prints what a round over all frames costs for each.
fn row(name: &str, frames: usize, mut round: impl FnMut()) {
    round();
    let (mut least, mut fewest) = (f64::MAX, u64::MAX);
    for _ in 0..5 {
        let (before, cpu) = (ALLOCATIONS.load(Ordering::Relaxed), thread_cpu());
        round();
        let spent = thread_cpu().saturating_sub(cpu);
        least = least.min(spent.as_nanos() as f64 / frames as f64);
        fewest = fewest.min(ALLOCATIONS.load(Ordering::Relaxed) - before);
    }
    println!(
        "{name:<52} {least:>9.0} {:>12.4}",
        fewest as f64 / frames as f64
    );
}

/// A whole stream through the core; hands on its audio.
fn run(messages: &[String], mut audio: impl FnMut(&[u8])) {
    let now = Clock::system().now();
    let mut stream = Stream::new(call::Options::default(), now);
    let start = r#"{"event":"start","sequenceNumber":"1","streamSid":"MZ0","start":{"streamSid":"MZ0","accountSid":"AC0","callSid":"CA0","tracks":["inbound"],"customParameters":{},"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}"#;
    let connected = r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#;
    for text in [connected, start]
        .into_iter()
        .chain(messages.iter().map(String::as_str))
    {
        stream.handle(now, Input::Text(text));
        while let Some(output) = stream.poll() {
            if let Output::Audio { ulaw, .. } = output {
                audio(ulaw);
            }
        }
    }
}

fn media(n: usize) -> String {
    let ulaw: Vec<u8> = (0..160)
        .map(|i| u8::try_from((n * 7 + i * 13) % 251).unwrap_or(0))
        .collect();
    format!(
        r#"{{"event":"media","sequenceNumber":"{}","media":{{"track":"inbound","chunk":"{}","timestamp":"{}","payload":"{}"}},"streamSid":"MZ0"}}"#,
        n + 2,
        n + 1,
        n * 20,
        payload::encode(&ulaw)
    )
}

fn thread_cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
