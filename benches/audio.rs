//! What audio costs on its way from the wire to the disk, in CPU time (not wall time) for each 20 ms frame
//! of one track. `cargo bench --bench audio [-- --tapes N --seconds S --folder DIR]`

#![expect(
    clippy::cast_possible_truncation,
    reason = "small numbers, and samples rounded to their range"
)]

use std::{
    fmt::Write as _,
    fs,
    hint::black_box,
    io::{self, BufWriter},
    path::{Path, PathBuf},
    time::Duration,
};

use callscribe::{
    audio::{level::Meter, mulaw, resample::Upsampler},
    ids::Track,
    recordings::{Options, Recorder, Spec},
    time::Clock,
};
use rubato::{Fft, FixedSync, Resampler as _, audioadapter_buffers::direct::SequentialSlice};

/// Bytes of a frame on the wire.
const FRAME: usize = 160;
/// Frames that come in between two sweeps of the recorder.
const SWEEP: usize = 20;

struct Arguments {
    tapes: usize,
    seconds: usize,
    folder: PathBuf,
}

fn main() -> io::Result<()> {
    let arguments = arguments();
    println!(
        "tapes {}, seconds {}, folder {}, frame {FRAME} bytes, sweep {SWEEP} frames",
        arguments.tapes,
        arguments.seconds,
        arguments.folder.display()
    );
    let frames = speech_like(50 * arguments.seconds.max(10));
    println!("{:<44} {:>9} {:>9}", "step", "ns/frame", "of mu-law");
    let base = mu_law(&frames);
    let row = |name: &str, ns: f64| println!("{name:<44} {ns:>9.0} {:>9.2}", ns / base);
    row("mu-law by table", base);
    row("half-band 8 to 16 kHz, mu-law included", half_band(&frames));
    row(
        "rubato Fft 160, mu-law and i16 included",
        rubato_fft(&frames),
    );
    row("levels", levels(&frames));
    let folder = tempfile::tempdir_in(&arguments.folder)?;
    row(
        "hound i16 writer, BufWriter, flush a sweep",
        hound_buffered(folder.path(), &frames)?,
    );
    row(
        "hound i16 writer, bare file, flush a sweep",
        hound_bare(folder.path(), &frames)?,
    );
    let (write, sweep) = recorder(folder.path(), &frames, &arguments)?;
    row("recorder: Tape::write, the call's side", write);
    row("recorder: its thread, levels included", sweep);
    Ok(())
}

fn arguments() -> Arguments {
    let mut arguments = Arguments {
        tapes: 500,
        seconds: 10,
        folder: std::env::temp_dir(),
    };
    let given: Vec<String> = std::env::args().skip(1).collect();
    for pair in given.windows(2) {
        match pair[0].as_str() {
            "--tapes" => arguments.tapes = pair[1].parse().expect("a number"),
            "--seconds" => arguments.seconds = pair[1].parse().expect("a number"),
            "--folder" => arguments.folder = PathBuf::from(&pair[1]),
            _ => {}
        }
    }
    arguments
}

/// CPU time of the whole process, or of the threads whose names `which` accepts.
fn cpu(which: impl Fn(&str) -> bool) -> Duration {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux");
    let nanos = tasks.flatten().filter_map(|task| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        let spent = fs::read_to_string(task.path().join("schedstat")).ok()?;
        let spent: u64 = spent.split_whitespace().next()?.parse().ok()?;
        Some(if which(name.trim()) { spent } else { 0 })
    });
    Duration::from_nanos(nanos.sum())
}

/// Nanoseconds of CPU for each frame: the least of five rounds of at least 0.2 s.
fn per_frame(frames: usize, mut round: impl FnMut()) -> f64 {
    let mut least = f64::MAX;
    for _ in 0..5 {
        let (start, mut rounds) = (cpu(|_| true), 0);
        let spent = loop {
            round();
            rounds += 1;
            let spent = cpu(|_| true) - start;
            if spent > Duration::from_millis(200) {
                break spent;
            }
        };
        least = least.min(spent.as_nanos() as f64 / (rounds * frames) as f64);
    }
    least
}

/// Frames of something with the spread of speech.
fn speech_like(count: usize) -> Vec<[u8; FRAME]> {
    let mut state = 1_u32;
    let mut byte = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        mulaw::encode((state >> 19) as i16 - 4096)
    };
    (0..count).map(|_| std::array::from_fn(&mut byte)).collect()
}

fn mu_law(frames: &[[u8; FRAME]]) -> f64 {
    let mut out = Vec::new();
    per_frame(frames.len(), || {
        for frame in frames {
            out.clear();
            mulaw::decode_into(black_box(frame), &mut out);
            black_box(&out);
        }
    })
}

fn half_band(frames: &[[u8; FRAME]]) -> f64 {
    let (mut upsampler, mut out) = (Upsampler::new(), Vec::new());
    per_frame(frames.len(), || {
        for frame in frames {
            out.clear();
            upsampler.process(black_box(frame), &mut out);
            black_box(&out);
        }
    })
}

fn rubato_fft(frames: &[[u8; FRAME]]) -> f64 {
    let mut fft = Fft::<f32>::new(8000, 16_000, FRAME, 1, FixedSync::Both).expect("valid");
    let (mut input, mut output) = (vec![0.0; FRAME], vec![0.0; 2 * FRAME]);
    let mut out = Vec::new();
    per_frame(frames.len(), || {
        for frame in frames {
            for (sample, byte) in input.iter_mut().zip(black_box(frame)) {
                *sample = f32::from(mulaw::decode(*byte));
            }
            let from = SequentialSlice::new(&input, 1, FRAME).expect("sized");
            let mut to = SequentialSlice::new_mut(&mut output, 1, 2 * FRAME).expect("sized");
            fft.process_into_buffer(&from, &mut to, None)
                .expect("whole chunks");
            out.clear();
            out.extend(output.iter().map(|sample| sample.round() as i16));
            black_box(&out);
        }
    })
}

fn upsampled(frames: &[[u8; FRAME]]) -> Vec<i16> {
    let (mut upsampler, mut out) = (Upsampler::new(), Vec::new());
    frames
        .iter()
        .for_each(|frame| upsampler.process(frame, &mut out));
    upsampler.finish(&mut out);
    out
}

fn levels(frames: &[[u8; FRAME]]) -> f64 {
    let audio = upsampled(frames);
    let mut meter = Meter::default();
    per_frame(frames.len(), || {
        audio
            .chunks(2 * FRAME * SWEEP)
            .for_each(|piece| meter.push(black_box(piece)));
    })
}

const SPEC: hound::WavSpec = hound::WavSpec {
    channels: 1,
    sample_rate: 16_000,
    bits_per_sample: 16,
    sample_format: hound::SampleFormat::Int,
};

fn hound_buffered(folder: &Path, frames: &[[u8; FRAME]]) -> io::Result<f64> {
    let file = BufWriter::new(fs::File::create(folder.join("buffered.wav"))?);
    Ok(hound(file, frames))
}

fn hound_bare(folder: &Path, frames: &[[u8; FRAME]]) -> io::Result<f64> {
    Ok(hound(fs::File::create(folder.join("bare.wav"))?, frames))
}

fn hound<W: io::Write + io::Seek>(file: W, frames: &[[u8; FRAME]]) -> f64 {
    let audio = upsampled(frames);
    let mut writer = hound::WavWriter::new(file, SPEC).expect("writable");
    per_frame(frames.len(), || {
        for piece in audio.chunks(2 * FRAME * SWEEP) {
            let mut samples = writer.get_i16_writer(piece.len() as u32);
            piece
                .iter()
                .for_each(|sample| samples.write_sample(*sample));
            samples.flush().expect("writable");
            writer.flush().expect("writable");
        }
    })
}

/// Many tapes at the pace of calls: CPU of the writing side and of the recorder's thread.
fn recorder(
    folder: &Path,
    frames: &[[u8; FRAME]],
    arguments: &Arguments,
) -> io::Result<(f64, f64)> {
    let options = Options {
        folder: folder.to_owned(),
        ..Options::default()
    };
    let recorder = Recorder::start(options, Clock::system())?;
    let tapes: Vec<_> = (0..arguments.tapes)
        .map(|n| recorder.open(&spec(n)))
        .collect();
    // Opening is paid once a call: it is over when another tape has been closed behind these.
    let last = recorder.open(&spec(arguments.tapes));
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(last.close());
    let audio = upsampled(&frames[..50]);
    let is_writer = |name: &str| name == "recorder";
    let clock = Clock::system();
    let (began, others, thread) = (clock.now(), cpu(|name| !is_writer(name)), cpu(is_writer));
    let mut written = 0;
    for n in 0..50 * arguments.seconds {
        let frame = n % 50 * 2 * FRAME;
        tapes
            .iter()
            .for_each(|tape| tape.write(&audio[frame..frame + 2 * FRAME]));
        written += tapes.len();
        let due = began + Duration::from_millis(20) * (n as u32 + 1);
        std::thread::sleep(due.saturating_duration_since(clock.now()));
    }
    let (others, thread) = (
        cpu(|name| !is_writer(name)) - others,
        cpu(is_writer) - thread,
    );
    recorder.shutdown();
    let mut failed = String::new();
    for tape in &tapes {
        let status = tape.status();
        if let Some(reason) = status.failed {
            let _ = writeln!(failed, "{reason}");
        }
    }
    assert!(failed.is_empty(), "{failed}");
    let each = |spent: Duration| spent.as_nanos() as f64 / written as f64;
    Ok((each(others), each(thread)))
}

fn spec(n: usize) -> Spec {
    Spec {
        call_sid: format!("CA{n}").parse().expect("valid"),
        stream_sid: format!("MZ{n}").parse().expect("valid"),
        track: Track::Inbound,
        speaker: None,
        started: jiff::Timestamp::UNIX_EPOCH,
    }
}
