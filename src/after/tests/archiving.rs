//! Old recordings become Ogg Opus once a day.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{
    analysing::wav,
    scenario::{Scenario, recorded_end},
};
use crate::{
    after::{Archive, HeardTrack, Job, Outcome, Worker, daily},
    analysis::tests::{silence, speech},
    ids::Track,
    recordings::archive::is_archived,
    store::testing::*,
};

on_both!(
    old_recordings_are_archived_and_read_as_before,
    one_that_cannot_be_packed_leaves_the_rest,
    young_and_unfinished_calls_are_left_alone,
);

const SECS_OF_DAY: u64 = 86_400;

struct Days<'a> {
    scenario: Scenario<'a>,
    bench: &'a Bench,
    folder: tempfile::TempDir,
}

impl<'a> Days<'a> {
    fn new(bench: &'a Bench) -> Self {
        Self {
            scenario: Scenario::new(bench, |_, _| Ok(HeardTrack::default())),
            bench,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A call of two tracks that was over at `closed` s; its final pass is done if `settled`.
    async fn call(&self, sid: &str, closed: i64, settled: bool) -> [PathBuf; 2] {
        let stream = self.bench.stream(sid, closed - 3).await;
        let mut paths = Vec::new();
        for (track, wave) in [
            (Track::Inbound, [speech(2), silence(1)].concat()),
            (Track::Outbound, silence(2)),
        ] {
            let stem = self.folder.path().join(format!("{sid}-{track}"));
            let stem = stem.to_str().unwrap();
            let path = PathBuf::from(format!("{stem}.wav"));
            wav(&path, &wave);
            let new = new_recording(&stream.key, track, path.to_str().unwrap());
            self.bench.store.record_opened(&new).await.unwrap();
            let mut end = recorded_end(stem, 0);
            end.parts[0].frames = wave.len() as u64;
            let store = &self.bench.store;
            (store.record_closed(&new.key, &end, at(closed)).await).unwrap();
            paths.push(path);
        }
        self.scenario.close(&stream, 3).await;
        if settled {
            let settled =
                self.bench
                    .store
                    .settle_without_final(&stream.key.call, "for the test", at(closed));
            settled.await.unwrap();
        }
        paths.try_into().unwrap()
    }

    /// The daily job, after so many days.
    async fn after_days(&self, days: u64) -> Option<Outcome> {
        let passed = Duration::from_secs(days * SECS_OF_DAY + 100);
        self.scenario.clock.advance(passed);
        let context = &self.scenario.context;
        daily::schedule(context, Archive::KIND).await.unwrap();
        let worker = Worker::new::<Archive>(context.clone(), 0, CancellationToken::new());
        worker.step().await.unwrap()
    }

    /// `(archived, channel, samples)` of each recording of a call, as it is read now.
    async fn read(&self, sid: &str) -> Vec<(bool, usize, u64)> {
        let recordings = self.bench.store.recordings(&call_sid(sid)).await.unwrap();
        let read = |recording: &crate::store::Recording| {
            let part = &recording.parts[0];
            let samples = recording.open().map_or(0, |source| source.samples());
            (is_archived(&part.path), part.channel, samples)
        };
        recordings.iter().map(read).collect()
    }
}

async fn old_recordings_are_archived_and_read_as_before(bench: &Bench) {
    let days = Days::new(bench);
    let wavs = days.call("CA1", 10, true).await;
    assert_eq!(
        days.read("CA1").await,
        [(false, 0, 48_000), (false, 0, 32_000)]
    );
    assert_eq!(days.after_days(2).await, Some(Outcome::Done));
    // The shorter track is as long as the file now.
    assert_eq!(
        days.read("CA1").await,
        [(true, 0, 48_000), (true, 1, 48_000)]
    );
    assert!(!wavs.iter().any(|path| path.exists()), "no WAV is left");
    let left = std::fs::read_dir(days.folder.path()).unwrap().count();
    assert_eq!(left, 1, "one file, and nothing unpacked");
    let recordings = bench.store.recordings(&call_sid("CA1")).await.unwrap();
    assert_eq!(recordings[1].duration, secs(2));
    assert_eq!(
        days.after_days(1).await,
        Some(Outcome::Done),
        "every day, to the same"
    );
    assert_eq!(
        days.read("CA1").await,
        [(true, 0, 48_000), (true, 1, 48_000)]
    );
}

async fn one_that_cannot_be_packed_leaves_the_rest(bench: &Bench) {
    let days = Days::new(bench);
    let [lost, _] = days.call("CA1", 10, true).await;
    let [damaged, _] = days.call("CA2", 10, true).await;
    days.call("CA3", 10, true).await;
    std::fs::remove_file(&lost).unwrap();
    std::fs::write(&damaged, "no audio").unwrap();
    assert_eq!(days.after_days(2).await, Some(Outcome::Done));
    assert_eq!(days.read("CA1").await, [(false, 0, 0), (false, 0, 32_000)]);
    assert_eq!(days.read("CA2").await, [(false, 0, 0), (false, 0, 32_000)]);
    assert!(days.read("CA3").await[1].0);
    assert!(!Path::new(&lost).with_extension("opus").exists());
}

async fn young_and_unfinished_calls_are_left_alone(bench: &Bench) {
    let days = Days::new(bench);
    days.call("CA1", 10, false).await;
    days.call("CA2", 10 + i64::try_from(SECS_OF_DAY).unwrap(), true)
        .await;
    assert_eq!(days.after_days(2).await, Some(Outcome::Done));
    for sid in ["CA1", "CA2"] {
        assert_eq!(days.read(sid).await[0], (false, 0, 48_000), "{sid}");
    }
    assert_eq!(days.after_days(1).await, Some(Outcome::Done));
    assert!(!days.read("CA1").await[0].0, "its final pass is to come");
    assert!(days.read("CA2").await[0].0);
}
