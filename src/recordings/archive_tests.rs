use std::f64::consts::TAU;

use super::*;
use crate::{
    audio::source::Source,
    recordings::{
        folder::tests::{names, sidecar_for},
        recover, retention,
    },
};

const STREAM: &str = "MZ0123456789abcdef0123456789abcdef";

/// A tone of so many samples, in parts of `part` samples.
fn record(folder: &Path, who: &str, hz: f64, samples: u64, part: u64) -> Files {
    let stem = format!("{who}_{STREAM}_20260101_120000");
    let beside = folder.join(format!("{stem}.json"));
    let mut sidecar = sidecar_for(&stem, "CA1");
    sidecar.state = crate::recordings::State::Complete;
    sidecar.write(&beside).unwrap();
    let mut files = Vec::new();
    for from in (0..samples).step_by(usize::try_from(part).unwrap()) {
        let path = crate::recordings::name::part_path(folder, &stem, files.len() + 1);
        let tone = (from..samples.min(from + part)).map(|n| tone(hz, n));
        let mut bytes = wav::header(2 * (samples.min(from + part) - from)).to_vec();
        bytes.extend(tone.flat_map(|sample| pcm16(sample).to_le_bytes()));
        fs::write(&path, bytes).unwrap();
        files.push(path);
    }
    files
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a tone"
)]
fn tone(hz: f64, n: u64) -> f32 {
    (0.3 * (TAU * hz * n as f64 / 16_000.0).sin()) as f32
}

/// How much of a tone there is in a recording, away from its edges: 1 for all of it.
fn share(source: &mut WavSource, hz: f64) -> f32 {
    let mut samples = Vec::new();
    while source.read(&mut samples, 10_000).unwrap() > 0 {}
    let inner = 2000..samples.len() - 2000;
    let (mut same, mut all) = (0.0, 0.0);
    for n in inner {
        let expected = tone(hz, n as u64);
        same += samples[n] * expected;
        all += expected * expected;
    }
    same / all
}

#[test]
fn both_tracks_go_into_one_file_and_come_out_apart() {
    let dir = tempfile::tempdir().unwrap();
    let tracks = vec![
        record(dir.path(), "inbound", 440.0, 40_000, 40_000),
        record(dir.path(), "outbound", 1000.0, 32_000, 15_000),
    ];
    let packed = pack(tracks.clone()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(
        mode(&packed.path),
        mode(&tracks[0][0]),
        "for whom the WAVs are"
    );
    assert_eq!(packed.frames, [40_000, 32_000]);
    assert!(tracks.iter().flatten().all(|path| path.exists()), "not yet");
    packed.settle().unwrap();
    let stem = |who: &str| format!("{who}_{STREAM}_20260101_120000");
    let expected = [
        format!("{}.json", stem("inbound")),
        format!("{}.opus", stem("inbound")),
        format!("{}.json", stem("outbound")),
    ];
    assert_eq!(names(dir.path()), expected);
    for (who, frames) in [("inbound", 40_000), ("outbound", 32_000)] {
        let sidecar = Sidecar::read(&dir.path().join(format!("{}.json", stem(who)))).unwrap();
        assert_eq!(sidecar.parts.len(), 1);
        assert_eq!(sidecar.parts[0].file, expected[1]);
        assert_eq!(sidecar.parts[0].frames, frames);
    }
    for (channel, hz, other) in [(0, 440.0, 1000.0), (1, 1000.0, 440.0)] {
        let open = || open([(packed.path.as_path(), channel)]).unwrap();
        assert_eq!(open().samples(), 40_000);
        let (own, foreign) = (share(&mut open(), hz), share(&mut open(), other));
        assert!(foreign.abs() < 0.05, "channel {channel}: {foreign}");
        // The second tone ends after four fifths.
        assert!((0.7..1.1).contains(&own), "channel {channel}: {own}");
    }
    assert!(recover(dir.path()).is_empty(), "nothing to finish");
    assert_eq!(names(dir.path()), expected);
    let deleted = retention::delete_call(dir.path(), &"CA1".parse().unwrap()).unwrap();
    assert_eq!((deleted.files.len(), names(dir.path()).len()), (3, 0));
}

#[test]
fn what_cannot_be_packed_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let good = record(dir.path(), "inbound", 440.0, 16_000, 16_000);
    let bad = dir.path().join("bad.wav");
    fs::write(&bad, "no audio").unwrap();
    let before = names(dir.path());
    for tracks in [
        vec![good.clone(), vec![bad]],
        vec![vec![dir.path().join("missing.wav")]],
        vec![],
    ] {
        assert!(pack(tracks).is_err());
        assert_eq!(names(dir.path()), before);
    }
}

#[test]
fn the_shelf_holds_a_few_and_what_a_crash_left_goes() {
    let dir = tempfile::tempdir().unwrap();
    let shelf = Shelf::default();
    let mut archives = Vec::new();
    for n in 0..6 {
        let packed = pack(vec![record(
            dir.path(),
            &format!("a{n}"),
            440.0,
            8000,
            8000,
        )])
        .unwrap();
        packed.settle().unwrap();
        archives.push(packed.path);
    }
    for path in archives.iter().chain(&archives[4..]) {
        let file = shelf.open(path, 0).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 44 + 16_000);
    }
    let unpacked = |dir: &Path| {
        names(dir)
            .iter()
            .filter(|n| n.starts_with(UNPACKED))
            .count()
    };
    assert_eq!(unpacked(dir.path()), SHELF);
    assert!(
        shelf.open(&archives[0], 1).is_err(),
        "there is no such channel"
    );
    std::mem::forget(shelf);
    assert!(recover(dir.path()).is_empty());
    assert_eq!(unpacked(dir.path()), 0);
}
