//! Recordings under real conditions: a process that is killed, a disk that takes no more, and files that
//! are read while they are written.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use callscribe::{
    ids::Track,
    recordings::{Options, Recorder, Sidecar, Spec, State, recover},
    time::Clock,
};

/// Tells the child, which is this test binary once more, to record, and where.
const FOLDER: &str = "CALLSCRIBE_TEST_RECORD_INTO";
const FRAME: usize = 320;
const STREAMS: usize = 4;
/// Frames by which the child may be ahead of what has been read of its words.
const AHEAD: usize = 3000;

#[test]
fn a_killed_process_loses_less_than_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = child(
        "recording::child_records_until_it_is_killed",
        dir.path(),
        "",
    );
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = |line: io::Result<String>| line.unwrap().strip_prefix("frames ")?.parse().ok();
    let mut frames = lines.filter_map(told);
    let mut written: usize = 0;
    while written < 120 {
        let Some(next) = frames.next() else { break };
        written = next;
        for path in wavs(dir.path()).iter().filter(|path| has_begun(path)) {
            check_prefix(path, written + AHEAD);
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it told while the files were looked at counts too.
    written = frames.max().unwrap_or(written);
    assert!(written >= 120, "the child did not get going: {written}");

    let files = wavs(dir.path());
    assert_eq!(files.len(), STREAMS);
    let least = written * FRAME - 16_000;
    for path in &files {
        let kept = check_prefix(path, written + 1);
        assert!(kept > least, "{kept} of {} samples", written * FRAME);
        assert_eq!(sidecar(path).state, State::Recording);
    }
    let healthy: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    let recovered = recover(dir.path());
    assert_eq!(recovered.len(), STREAMS);
    for (path, before) in files.iter().zip(healthy) {
        let one = recovered.iter().find(|one| one.path == *path).unwrap();
        assert_eq!(one.frames, check_prefix(path, written + 1) as u64);
        let sidecar = sidecar(path);
        assert_eq!(
            (sidecar.state, sidecar.frames),
            (State::Interrupted, one.frames)
        );
        assert!(sidecar.levels.is_some() && sidecar.ended_at.is_some());
        assert!(one.repaired || fs::read(path).unwrap() == before);
    }
    assert!(recover(dir.path()).is_empty());
}

#[test]
fn a_full_disk_ends_the_recording_and_not_the_call() {
    let dir = tempfile::tempdir().unwrap();
    // What the shell calls a block is 512 or 1024 bytes; either way the file ends within 3 s of audio.
    let limit = "ulimit -f 50; trap '' XFSZ; exec \"$0\" \"$@\"";
    let child = child(
        "recording::child_records_onto_a_full_disk",
        dir.path(),
        limit,
    );
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    let failed = text
        .lines()
        .find_map(|line| line.split_once("failed "))
        .unwrap()
        .1;
    assert!(
        failed.contains("cannot write the recording") && failed.contains("too large"),
        "{failed}"
    );

    let path = &wavs(dir.path())[0];
    let kept = check_prefix(path, 500);
    assert!((12_000..26_000).contains(&kept), "{kept} samples fit");
    let sidecar = sidecar(path);
    assert_eq!(
        (sidecar.state, sidecar.frames),
        (State::Failed, kept as u64)
    );
    assert_eq!(sidecar.dropped, (500 * FRAME - kept) as u64);
    let before = fs::read(path).unwrap();
    assert!(recover(dir.path()).is_empty());
    assert_eq!(
        fs::read(path).unwrap(),
        before,
        "what could be kept is a healthy file"
    );
}

/// Not a test of its own: the body of a process that is killed.
#[test]
fn child_records_until_it_is_killed() {
    let Some(recorder) = in_child() else { return };
    let tapes: Vec<_> = (0..STREAMS).map(|n| recorder.open(&spec(n))).collect();
    for n in 0.. {
        tapes.iter().for_each(|tape| tape.write(&frame(n)));
        println!("frames {}", n + 1);
        // The pace of a call: what is lost is measured in its time.
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Not a test of its own: the body of a process whose files may not grow beyond a limit.
#[tokio::test]
async fn child_records_onto_a_full_disk() {
    let Some(recorder) = in_child() else { return };
    let tape = recorder.open(&spec(0));
    (0..500).for_each(|n| tape.write(&frame(n)));
    let summary = tape.close().await;
    println!("failed {}", summary.failed.unwrap());
}

fn in_child() -> Option<Recorder> {
    let folder = PathBuf::from(std::env::var_os(FOLDER)?);
    let options = Options {
        folder,
        ..Options::default()
    };
    Some(Recorder::start(options, Clock::system()).unwrap())
}

/// Starts one test of this binary as a process of its own, through a shell script where one is given.
fn child(test: &str, folder: &Path, script: &str) -> Child {
    let this = std::env::current_exe().unwrap();
    let mut command = if script.is_empty() {
        Command::new(this)
    } else {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).arg(this);
        shell
    };
    command
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, folder);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn spec(stream: usize) -> Spec {
    Spec {
        call_sid: "CA1".parse().unwrap(),
        stream_sid: format!("MZ{stream}").parse().unwrap(),
        track: Track::Inbound,
        speaker: None,
        started: "2026-05-01T10:20:30Z".parse().unwrap(),
    }
}

/// Frame `n` of the audio: every sample is told by its place.
fn frame(n: usize) -> [i16; FRAME] {
    std::array::from_fn(|at| sample(n * FRAME + at))
}

fn sample(at: usize) -> i16 {
    i16::try_from(at * 7919 % 30_011).unwrap()
}

fn wavs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut wavs: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|e| e == "wav"))
        .collect();
    wavs.sort();
    wavs
}

/// Between its creation and its header a file is empty, for some microseconds.
fn has_begun(path: &Path) -> bool {
    fs::metadata(path).unwrap().len() > 0
}

fn sidecar(wav: &Path) -> Sidecar {
    Sidecar::read(&wav.with_extension("json")).unwrap()
}

/// Reads the file as any program would; it must be valid and hold the first samples of the audio, at most
/// so many frames. Says how many samples it holds.
fn check_prefix(path: &Path, most_frames: usize) -> usize {
    let reader = hound::WavReader::open(path).unwrap();
    let samples: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
    assert!(
        samples.len() <= most_frames * FRAME,
        "{} samples",
        samples.len()
    );
    assert!(
        samples.iter().enumerate().all(|(at, s)| *s == sample(at)),
        "not the audio that was written"
    );
    samples.len()
}
