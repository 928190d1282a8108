//! `tests/fixtures/streams/*.jsonl`: whole streams, message by message, with what must come of them in
//! `tests/fixtures/expected/streams`. The digests are of the audio that the sender had, with silence
//! where it never arrived.

use std::{collections::BTreeMap, fs, path::Path};

use callscribe::{
    call::{Input, Options, Stream, probe::Ledger},
    ids::Track,
    time::Clock,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    call_sid: String,
    stream_sid: String,
    tracks: Vec<Track>,
    parameters: BTreeMap<String, String>,
    ended: String,
    closed: Option<u16>,
    /// The length of every track.
    samples: usize,
    /// Of the mu-law of each track.
    sha256: BTreeMap<Track, String>,
    /// Samples of silence where nothing was received.
    missing: BTreeMap<Track, u64>,
    /// Digit, and the sample at which it was pressed.
    dtmf: Vec<(char, u64)>,
    marks: Vec<(String, u64)>,
    anomalies: BTreeMap<String, u64>,
}

#[test]
fn captures_come_out_as_they_were_spoken() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut names: Vec<String> = fs::read_dir(fixtures.join("streams"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        let lines = fs::read_to_string(fixtures.join(format!("streams/{name}.jsonl"))).unwrap();
        let expected =
            fs::read_to_string(fixtures.join(format!("expected/streams/{name}.json"))).unwrap();
        check(&name, &lines, &serde_json::from_str(&expected).unwrap());
    }
}

fn check(name: &str, lines: &str, expected: &Expected) {
    let now = Clock::manual(jiff::Timestamp::UNIX_EPOCH).now();
    let mut stream = Stream::new(Options::default(), now);
    let mut seen = Ledger::default();
    for line in lines.lines() {
        seen.feed(&mut stream, now, Input::Text(line));
    }
    seen.feed(&mut stream, now, Input::Closed);

    let info = stream.info().unwrap();
    assert_eq!(info.call_sid.as_str(), expected.call_sid, "{name}");
    assert_eq!(info.stream_sid.as_str(), expected.stream_sid, "{name}");
    assert_eq!(info.tracks, expected.tracks, "{name}");
    assert_eq!(info.parameters, expected.parameters, "{name}");
    assert_eq!(seen.ended.unwrap().as_str(), expected.ended, "{name}");
    assert_eq!(seen.closed, expected.closed, "{name}");
    let anomalies: BTreeMap<String, u64> = stream
        .counters()
        .anomalies()
        .map(|(anomaly, count)| (anomaly.as_str().to_owned(), count))
        .collect();
    assert_eq!(anomalies, expected.anomalies, "{name}");
    let dtmf: Vec<_> = seen.dtmf.iter().map(|d| (d.1, d.2.0)).collect();
    assert_eq!(dtmf, expected.dtmf, "{name}");
    let marks: Vec<_> = seen.marks.iter().map(|m| (m.0.clone(), m.1.0)).collect();
    assert_eq!(marks, expected.marks, "{name}");
    for (track, digest) in &expected.sha256 {
        let t = track.index();
        assert_eq!(seen.audio[t].len(), expected.samples, "{name} {track}");
        let missing = stream.counters().filled[t] + stream.counters().padded[t];
        assert_eq!(missing, expected.missing[track], "{name} {track}");
        assert_eq!(
            hex(&Sha256::digest(&seen.audio[t])),
            *digest,
            "{name} {track}"
        );
        let gaps: u64 = seen
            .gaps
            .iter()
            .filter(|g| g.0 == *track)
            .map(|g| g.2)
            .sum();
        assert_eq!(gaps, missing, "{name} {track}: every silence was announced");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
