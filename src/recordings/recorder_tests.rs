use std::{fs, path::Path};

use super::*;
use crate::{
    audio::level::Verdict,
    ids::Track,
    recordings::{
        reel::SIDECAR_EVERY,
        sidecar::{Gap, Sidecar, State},
    },
    time::MediaTime,
};

const STARTED: &str = "2026-05-01T10:20:30Z";

fn options(folder: &Path) -> Options {
    Options {
        folder: folder.to_owned(),
        ..Options::default()
    }
}

fn start(options: Options) -> Recorder {
    Recorder::start(options, Clock::manual(STARTED.parse().unwrap())).unwrap()
}

fn spec(stream: &str, track: Track, speaker: Option<&str>) -> Spec {
    Spec {
        call_sid: "CA1".parse().unwrap(),
        stream_sid: stream.parse().unwrap(),
        track,
        speaker: speaker.map(str::to_owned),
        started: STARTED.parse().unwrap(),
    }
}

fn samples_of(path: &Path) -> Vec<i16> {
    hound::WavReader::open(path)
        .unwrap()
        .into_samples()
        .map(Result::unwrap)
        .collect()
}

/// Something that is different everywhere.
fn noise(samples: usize) -> Vec<i16> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        i16::try_from(state >> 18).unwrap() - 8192
    };
    (0..samples).map(next).collect()
}

#[tokio::test]
async fn what_was_written_is_in_the_file_and_the_sidecar_tells_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("made/at/need");
    let recorder = start(options(&folder));
    let tape = recorder.open(&spec("MZ1", Track::Inbound, Some("Agent Smith")));
    let audio = noise(48_000);
    audio.chunks(320).for_each(|frame| tape.write(frame));
    tape.gap(MediaTime::from_ms(100), MediaTime::from_ms(20));
    tape.gap(MediaTime::from_ms(120), MediaTime::from_ms(20));
    tape.gap(MediaTime::from_ms(500), MediaTime::from_ms(60));
    tape.mark("greeting", MediaTime::from_ms(1500));
    let path = tape.status().path;
    assert_eq!(tape.status().failed, None);
    let summary = tape.close().await;

    assert_eq!(path, folder.join("Agent-Smith_MZ1_20260501_102030.wav"));
    assert_eq!(
        (&summary.path, &summary.parts),
        (&path, &vec![path.clone()])
    );
    assert_eq!(
        (summary.frames, summary.duration()),
        (48_000, MediaTime::from_ms(3000))
    );
    assert_eq!(
        (summary.failed, summary.dropped, summary.verdict),
        (None, 0, Verdict::Good)
    );
    assert_eq!(samples_of(&path), audio);

    let sidecar = Sidecar::read(&path.with_extension("json")).unwrap();
    assert_eq!(sidecar.state, State::Complete);
    assert_eq!(
        (sidecar.call_sid.as_str(), sidecar.stream_sid.as_str()),
        ("CA1", "MZ1")
    );
    assert_eq!(
        (sidecar.frames, sidecar.duration),
        (48_000, MediaTime::from_ms(3000))
    );
    assert_eq!(sidecar.ended_at, Some(STARTED.parse().unwrap()));
    let gap = |at, len| Gap {
        at: MediaTime::from_ms(at),
        len: MediaTime::from_ms(len),
    };
    assert_eq!(sidecar.gaps, [gap(100, 40), gap(500, 60)]);
    assert_eq!(sidecar.marks[0].name, "greeting");
    assert_eq!(sidecar.levels, Some(summary.levels));
}

#[tokio::test]
async fn an_empty_call_is_called_empty() {
    let dir = tempfile::tempdir().unwrap();
    let tape = start(options(dir.path())).open(&spec("MZ1", Track::Inbound, None));
    let summary = tape.close().await;
    assert_eq!((summary.frames, summary.verdict), (0, Verdict::Empty));
    assert!(samples_of(&summary.path).is_empty());
}

#[tokio::test]
async fn sessions_never_share_a_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("c_MZ1_20260501_102030.wav"),
        "an older file",
    )
    .unwrap();
    let recorder = start(options(dir.path()));
    let mut tapes = Vec::new();
    for (stream, track, speaker) in [
        ("MZ1", Track::Inbound, None),
        ("MZ1", Track::Outbound, None),
        ("MZ1", Track::Inbound, Some("a b")),
        ("MZ1", Track::Outbound, Some("a/b")),
        ("MZ1", Track::Outbound, Some("a-b")),
        ("MZ2", Track::Inbound, None),
        ("MZ1", Track::Inbound, None),
        ("MZ1", Track::Inbound, Some("c")),
    ] {
        let tape = recorder.open(&spec(stream, track, speaker));
        tape.write(&noise(100 + tapes.len()));
        tapes.push(tape);
    }
    let mut names = Vec::new();
    for (n, tape) in tapes.into_iter().enumerate() {
        let summary = tape.close().await;
        assert_eq!(summary.failed, None);
        assert_eq!(samples_of(&summary.path), noise(100 + n));
        names.push(
            summary
                .path
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned(),
        );
    }
    let names: Vec<&str> = names
        .iter()
        .map(|n| n.strip_suffix("_20260501_102030").unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "inbound_MZ1",
            "outbound_MZ1",
            "a-b_MZ1",
            "a-b-outbound_MZ1",
            "a-b-outbound-3_MZ1",
            "inbound_MZ2",
            "inbound-2_MZ1",
            "c-inbound_MZ1",
        ]
    );
    assert_eq!(
        fs::read(dir.path().join("c_MZ1_20260501_102030.wav")).unwrap(),
        b"an older file"
    );
}

#[tokio::test]
async fn beyond_the_size_of_a_file_it_goes_on_in_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = start(Options {
        part_bytes: 20_001,
        ..options(dir.path())
    });
    let tape = recorder.open(&spec("MZ1", Track::Inbound, None));
    let audio = noise(25_000);
    tape.write(&audio);
    let summary = tape.close().await;
    let stem = "inbound_MZ1_20260501_102030";
    let names = [
        format!("{stem}.wav"),
        format!("{stem}_2.wav"),
        format!("{stem}_3.wav"),
    ];
    assert_eq!(
        summary.parts,
        names.each_ref().map(|name| dir.path().join(name))
    );
    let parts: Vec<Vec<i16>> = summary.parts.iter().map(|path| samples_of(path)).collect();
    assert_eq!(
        parts.iter().map(Vec::len).collect::<Vec<_>>(),
        [10_000, 10_000, 5_000]
    );
    assert_eq!(parts.concat(), audio);
    let sidecar = Sidecar::read(&summary.path.with_extension("json")).unwrap();
    let listed: Vec<_> = sidecar
        .parts
        .iter()
        .map(|p| (p.file.clone(), p.frames))
        .collect();
    assert_eq!(
        listed,
        names
            .into_iter()
            .zip([10_000, 10_000, 5_000])
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn an_unwritable_folder_fails_the_recording_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a file where the folder should be");
    fs::write(&file, "").unwrap();
    let recorder = start(options(&file.join("recordings")));
    let tape = recorder.open(&spec("MZ1", Track::Inbound, None));
    tape.write(&[1; 16_000]);
    let summary = tape.close().await;
    let failed = summary.failed.unwrap();
    assert!(
        failed.contains("cannot make a file in") && failed.contains("recordings"),
        "{failed}"
    );
    assert_eq!((summary.frames, summary.dropped), (0, 16_000));
}

#[tokio::test]
async fn a_deleted_file_is_noticed_and_the_next_call_records_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("recordings");
    let recorder = start(options(&folder));
    let tape = recorder.open(&spec("MZ1", Track::Inbound, None));
    // Closing another tape is how a test knows that this one's files are there.
    let other = recorder.open(&spec("MZ2", Track::Inbound, None));
    assert_eq!(other.close().await.failed, None);
    fs::remove_dir_all(&folder).unwrap();
    tape.write(&noise(1000));
    let failed = tape.close().await.failed.unwrap();
    assert!(failed.contains("removed"), "{failed}");
    let tape = recorder.open(&spec("MZ3", Track::Inbound, None));
    tape.write(&noise(1000));
    assert_eq!(tape.close().await.failed, None);
}

#[test]
fn a_stalled_disk_fails_the_recording_loudly_and_blocks_nobody() {
    // No thread drains this tape: as if the disk had stalled.
    let queue = Arc::new(Queue::default());
    let shared = Shared::new(0, spec("MZ1", Track::Inbound, None), 16_000, "x.wav".into());
    let shared = Arc::new(shared);
    let tape = Tape::new(Arc::clone(&shared), queue);
    for _ in 0..50 {
        tape.write(&[1; 320]);
    }
    assert_eq!(tape.status().failed, None);
    for _ in 0..50_000 {
        tape.write(&[1; 320]);
    }
    let status = tape.status();
    let failed = status.failed.unwrap();
    assert!(
        failed.contains("did not keep up") && failed.contains("1 s"),
        "{failed}"
    );
    assert_eq!(status.dropped, 50_000 * 320);
    let inbox = shared.inbox();
    assert_eq!(
        inbox.samples.len(),
        16_000,
        "what was taken is still to be written"
    );
    assert!(inbox.samples.capacity() <= 32_768);
}

/// A tape and its reel, swept by hand.
fn by_hand(folder: &Path) -> (Tape, Arc<Shared>, Reel) {
    let options = options(folder);
    let shared = Shared::new(
        0,
        spec("MZ1", Track::Inbound, None),
        options.buffer_samples(),
        "".into(),
    );
    let shared = Arc::new(shared);
    let reel = Reel::start(
        &options,
        Arc::clone(&shared),
        "inbound_MZ1_20260501_102030".to_owned(),
    );
    (Tape::new(Arc::clone(&shared), Arc::default()), shared, reel)
}

#[test]
fn a_long_call_needs_no_more_memory_than_a_short_one() {
    let dir = tempfile::tempdir().unwrap();
    let (tape, shared, mut reel) = by_hand(dir.path());
    let mut scratch = Scratch::default();
    let mut most = 0;
    for sweep in 0..1500 {
        for _ in 0..20 {
            tape.write(&[100; 320]);
        }
        reel.sweep(&mut scratch, sweep);
        most = most.max(shared.inbox().samples.capacity());
    }
    assert!(most <= 16_384, "{most} samples for ten minutes");
    let file = fs::metadata(tape.status().path).unwrap().len();
    assert_eq!(file, 44 + 2 * 1500 * 20 * 320);
}

#[test]
fn gaps_without_end_are_counted_and_not_listed() {
    let dir = tempfile::tempdir().unwrap();
    let (tape, _, mut reel) = by_hand(dir.path());
    for n in 0..25_000 {
        tape.gap(MediaTime::from_ms(40 * n), MediaTime::from_ms(20));
    }
    (0..=SIDECAR_EVERY).for_each(|sweep| reel.sweep(&mut Scratch::default(), sweep));
    let sidecar = Sidecar::read(&tape.status().path.with_extension("json")).unwrap();
    assert_eq!(
        (sidecar.gaps.len(), sidecar.gaps_unlisted),
        (10_000, 15_000)
    );
    assert_eq!(
        sidecar.state,
        State::Recording,
        "gaps are on disk before the call has ended"
    );
}

#[test]
fn a_long_gap_is_no_stalled_disk() {
    let shared = Shared::new(0, spec("MZ1", Track::Inbound, None), 16_000, "x.wav".into());
    let shared = Arc::new(shared);
    let tape = Tape::new(Arc::clone(&shared), Arc::new(Queue::default()));
    let minute = MediaTime::from_ms(60_000);
    tape.write(&[1; 16_000]);
    tape.gap(MediaTime::from_ms(1_000), minute);
    for _ in 0..3_000 {
        tape.write(&[0; 320]);
    }
    assert_eq!(tape.status().failed, None);
    tape.write(&[1; 320]);
    assert!(tape.status().failed.is_some(), "audio counts as before");
    let mut written = Vec::new();
    shared.inbox().swap(&mut written);
    assert_eq!(written.len(), 61 * 16_000);
}

#[tokio::test]
async fn shutdown_writes_everything_and_later_orders_do_not_hang() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = start(options(dir.path()));
    let tape = recorder.open(&spec("MZ1", Track::Inbound, None));
    let audio = noise(5000);
    tape.write(&audio);
    recorder.shutdown();
    let sidecar = Sidecar::read(&tape.status().path.with_extension("json")).unwrap();
    assert_eq!(sidecar.state, State::Interrupted);
    tape.write(&audio);
    let summary = tape.close().await;
    assert_eq!((summary.frames, summary.failed), (5000, None));
    assert_eq!(samples_of(&summary.path), audio);

    let late = recorder.open(&spec("MZ2", Track::Inbound, None));
    late.write(&audio);
    assert!(late.status().failed.is_some());
    assert!(late.close().await.failed.is_some());
    recorder.shutdown();
}

#[tokio::test]
async fn a_tape_that_is_dropped_is_closed_as_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = start(options(dir.path()));
    let tape = recorder.open(&spec("MZ1", Track::Inbound, None));
    let path = tape.status().path;
    tape.write(&noise(100));
    drop(tape);
    recorder.shutdown();
    let sidecar = Sidecar::read(&path.with_extension("json")).unwrap();
    assert_eq!((sidecar.state, sidecar.frames), (State::Interrupted, 100));
}

#[tokio::test]
async fn a_thousand_tapes_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = start(options(dir.path()));
    let tapes: Vec<Tape> = (0..1000)
        .map(|n| recorder.open(&spec(&format!("MZ{n}"), Track::Inbound, None)))
        .collect();
    for tape in &tapes {
        tape.write(&[5; 800]);
    }
    let closing: Vec<_> = tapes.into_iter().map(Tape::close).collect();
    for summary in closing {
        let summary = summary.await;
        assert_eq!((summary.frames, summary.failed), (800, None));
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2000);
}

#[tokio::test]
async fn names_are_free_again_after_the_close() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = start(options(dir.path()));
    let tape = recorder.open(&spec("MZ1", Track::Inbound, None));
    assert_eq!(recorder.0.queue.orders().stems.len(), 1);
    tape.close().await;
    assert!(recorder.0.queue.orders().stems.is_empty());
}
