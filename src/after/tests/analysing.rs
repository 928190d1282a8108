//! The analysis of recordings after a call: stored once, on the call's time line, alerts told.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::scenario::{Scenario, recorded_end};
use crate::{
    after::{Analyse, HeardTrack, Outcome, Worker},
    analysis::{
        Kind,
        tests::{samples, silence, speech},
    },
    ids::Track,
    store::{CallState, NewJob, NoteKind, testing::*},
};

on_both!(
    faults_are_stored_and_told_once,
    streams_stand_on_the_calls_time_line,
    what_cannot_be_read_leaves_the_rest,
    a_live_call_is_left_alone,
);

pub(super) fn wav(path: &Path, wave: &[f64]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for sample in samples(wave) {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
}

struct Calls<'a> {
    scenario: Scenario<'a>,
    bench: &'a Bench,
    folder: tempfile::TempDir,
}

impl<'a> Calls<'a> {
    fn new(bench: &'a Bench) -> Self {
        Self {
            scenario: Scenario::new(bench, |_, _| Ok(HeardTrack::default())),
            bench,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A stream from second `from` on, with these recordings; `None` is a file that is not there.
    async fn stream(&self, from: i64, tracks: &[(Track, Option<Vec<f64>>)]) {
        let stream = self.bench.stream("CA1", from).await;
        let mut longest = 0;
        for (track, wave) in tracks {
            let name = self.folder.path().join(format!("{track}_{from}"));
            let name = name.to_str().unwrap();
            let seconds = wave.as_ref().map_or(5, |wave| wave.len() / 16_000);
            if let Some(wave) = wave {
                wav(Path::new(&format!("{name}.wav")), wave);
            }
            longest = longest.max(seconds as u64);
            let new = new_recording(&stream.key, *track, &format!("{name}.wav"));
            let store = &self.bench.store;
            store.record_opened(&new).await.unwrap();
            let end = recorded_end(name, seconds as u64);
            store.record_closed(&new.key, &end, at(from)).await.unwrap();
        }
        self.scenario.close(&stream, longest).await;
    }

    /// Runs the job that waits.
    async fn analyse(&self) -> Option<Outcome> {
        self.scenario
            .clock
            .advance(std::time::Duration::from_secs(60));
        let context = self.scenario.context.clone();
        let worker = Worker::new::<Analyse>(context, 0, CancellationToken::new());
        worker.step().await.unwrap()
    }

    async fn found(&self) -> Option<crate::analysis::Analysis> {
        self.bench.store.analysis(&call_sid("CA1")).await.unwrap()
    }
}

async fn faults_are_stored_and_told_once(bench: &Bench) {
    let calls = Calls::new(bench);
    let tracks = [
        (Track::Inbound, Some(speech(12))),
        (Track::Outbound, Some(silence(12))),
    ];
    calls.stream(0, &tracks).await;
    assert!(calls.found().await.is_none());
    for _ in 0..2 {
        assert_eq!(calls.analyse().await, Some(Outcome::Done));
        let found = calls.found().await.unwrap();
        assert_eq!((found.verdict(), found.tracks.len()), ("one_way", 2));
        assert_eq!(found.duration, secs(12));
        let notes = bench.store.notes(&call_sid("CA1")).await.unwrap();
        let [note] = notes.as_slice() else {
            panic!("{notes:?}");
        };
        assert_eq!(note.track, Some(Track::Outbound));
        assert!(
            matches!(&note.kind, NoteKind::RecordingAlert { finding, .. } if finding == "one_way")
        );
        // Asked for again, it comes to the same.
        let again = NewJob::analyse(&call_sid("CA1"), at(0));
        bench.store.enqueue(&again, at(0)).await.unwrap();
    }
    assert_eq!(calls.scenario.call("CA1").await.state, CallState::Finishing);
}

async fn streams_stand_on_the_calls_time_line(bench: &Bench) {
    let calls = Calls::new(bench);
    let one = |wave| [(Track::Inbound, Some(wave))];
    calls.stream(0, &one(speech(6))).await;
    calls.stream(20, &one(speech(6))).await;
    assert_eq!(calls.analyse().await, Some(Outcome::Done));
    let found = calls.found().await.unwrap();
    assert_eq!(found.duration, secs(26));
    let silences = &found.tracks[0].silences;
    let between = |s: &&crate::analysis::Span| s.start <= secs(6) && s.end >= secs(20);
    assert!(silences.iter().find(between).is_some(), "{silences:?}");
    assert!(found.findings.is_empty(), "{:?}", found.findings);
}

async fn what_cannot_be_read_leaves_the_rest(bench: &Bench) {
    let mut calls = Calls::new(bench);
    calls.scenario.context.options.alert_on = vec![Kind::Quiet];
    let quiet: Vec<f64> = speech(6).iter().map(|s| s * 0.08).collect();
    let tracks = [(Track::Inbound, None), (Track::Outbound, Some(quiet))];
    calls.stream(0, &tracks).await;
    assert_eq!(calls.analyse().await, Some(Outcome::Done));
    let found = calls.found().await.unwrap();
    assert_eq!((found.verdict(), found.tracks.len()), ("quiet", 1));
    assert_eq!(bench.store.notes(&call_sid("CA1")).await.unwrap().len(), 1);

    let calls = Calls::new(bench);
    let stream = bench.stream("CA2", 0).await;
    let new = new_recording(&stream.key, Track::Inbound, "/nowhere/gone.wav");
    bench.store.record_opened(&new).await.unwrap();
    let end = recorded_end("/nowhere/gone", 5);
    bench
        .store
        .record_closed(&new.key, &end, at(0))
        .await
        .unwrap();
    calls.scenario.close(&stream, 5).await;
    assert_eq!(calls.analyse().await, Some(Outcome::Retry));
    let none = bench.store.analysis(&call_sid("CA2")).await.unwrap();
    assert!(none.is_none());
}

async fn a_live_call_is_left_alone(bench: &Bench) {
    let calls = Calls::new(bench);
    bench.stream("CA1", 0).await;
    let job = NewJob::analyse(&call_sid("CA1"), at(0));
    bench.store.enqueue(&job, at(0)).await.unwrap();
    assert_eq!(calls.analyse().await, Some(Outcome::Done));
    assert!(calls.found().await.is_none());
}
