//! The provider's recordings: S0.8's five failures and the ways around them, each ending in the best
//! transcript there is.

use std::{fs, path::Path, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::{
    scenario::{Scenario, heard},
    twilio::{Answer, MP3, Twilio},
};
use crate::{
    after::{Download, HeardTrack, Job, NoHearing, Outcome, Worker, fetch::Options},
    ids::{StreamSid, Track},
    recordings,
    store::{CallState, RecordingOutcome, testing::*},
};

on_both!(
    a_call_that_was_never_streamed_gets_its_words,
    a_recording_that_is_late_is_waited_for,
    a_recording_that_never_comes_leaves_the_live_text,
    a_lead_without_anything_fails_with_the_reason,
    refused_credentials_are_final,
    an_engine_that_fails_leaves_the_live_text,
    an_empty_result_replaces_nothing,
    a_recording_of_our_own_that_covers_the_call_is_preferred,
    a_recording_of_our_own_that_lacks_most_is_not_heard_twice,
    a_passing_failure_is_tried_again,
    bytes_that_cannot_be_decoded_are_fetched_anew,
    a_crash_at_any_stage_leaves_nothing_half,
    a_live_call_is_waited_for,
    a_repeated_job_does_nothing,
    what_is_asked_to_stop_stops,
    a_call_deleted_meanwhile_stays_deleted,
);

const URL: &str = "/2010-04-01/Accounts/AC1/Recordings/RE1.json";

struct Fetching<'a> {
    scenario: Scenario<'a>,
    twilio: Twilio,
    folder: tempfile::TempDir,
}

fn audio() -> Answer {
    Answer::Audio(MP3.to_vec())
}

/// A call of a minute that the provider recorded, and what the engine hears.
async fn fetching<'a>(
    bench: &'a Bench,
    answers: &[Answer],
    hears: impl Fn(&str) -> Result<HeardTrack, NoHearing> + Send + Sync + 'static,
) -> Fetching<'a> {
    let mut scenario = Scenario::new(bench, move |name, _| hears(name));
    let twilio = Twilio::start(answers).await;
    let folder = tempfile::tempdir().unwrap();
    scenario.context.recordings = folder.path().into();
    let short = |options: &mut Options| options.ready_within_s = 60;
    scenario.context.fetcher = Arc::new(twilio.fetcher(short));
    bench.lead("CA1", "+15550123").await;
    bench.provider_recording("RE1", "CA1", URL).await;
    Fetching {
        scenario,
        twilio,
        folder,
    }
}

/// Each side says its own.
fn both(name: &str) -> Result<HeardTrack, NoHearing> {
    let is_inbound = Path::new(name)
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .starts_with("inbound_RE1_");
    Ok(match is_inbound {
        true => heard(2, &[(0, "I have lost my key.")]),
        false => heard(2, &[(0, "Where are you now?")]),
    })
}

impl Fetching<'_> {
    /// What the next download comes to.
    async fn download_at(&self, secs: u64) -> Option<Outcome> {
        self.scenario.pass_to(secs);
        let context = self.scenario.context.clone();
        let worker = Worker::new::<Download>(context, 0, CancellationToken::new());
        worker.step().await.unwrap()
    }

    async fn outcome(&self) -> (RecordingOutcome, String) {
        let sid: StreamSid = "RE1".parse().unwrap();
        let found = self.scenario.bench.store.provider_recording(&sid).await;
        let found = found.unwrap().unwrap();
        (found.outcome, found.reason.unwrap_or_default())
    }

    /// Names of the recordings' audio.
    fn wavs(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut wavs: Vec<String> = names.filter(|name| name.ends_with(".wav")).collect();
        wavs.sort();
        wavs
    }

    /// A stream that was heard live and not recorded.
    async fn heard_live(&self, text: &str) {
        let bench = self.scenario.bench;
        bench.ended_call("CA1", &[text], 60).await;
        assert_eq!(self.scenario.step_at(64).await, Some(Outcome::Done));
    }
}

async fn a_call_that_was_never_streamed_gets_its_words(bench: &Bench) {
    let fetching = fetching(bench, &[audio()], both).await;
    assert_eq!(fetching.download_at(61).await, Some(Outcome::Done));
    assert_eq!(
        fetching.outcome().await,
        (
            RecordingOutcome::Used,
            "we have no recording of this call; 2 s were downloaded".into()
        )
    );
    // Counted back from when the provider told of it.
    assert_eq!(
        fetching.wavs(),
        [
            "inbound_RE1_20231114_221320.wav",
            "outbound_RE1_20231114_221320.wav"
        ]
    );
    assert_eq!(fetching.scenario.step_at(62).await, Some(Outcome::Done));
    let lines = [
        "0 Inbound: I have lost my key.",
        "0 Outbound: Where are you now?",
    ];
    assert_eq!(fetching.scenario.served("CA1").await, lines);
    let call = fetching.scenario.call("CA1").await;
    assert_eq!(call.state, CallState::Final);
    assert_eq!(call.from.as_deref(), Some("+15550123"));
}

/// Fault 45.
async fn a_recording_that_is_late_is_waited_for(bench: &Bench) {
    let late = Answer::Status(404);
    let fetching = fetching(bench, &[late.clone(), late.clone(), late, audio()], both).await;
    for secs in [60, 65, 70] {
        assert_eq!(fetching.download_at(secs).await, Some(Outcome::NotYet));
        assert_eq!(fetching.download_at(secs + 4).await, None, "5 s apart");
    }
    assert_eq!(fetching.download_at(75).await, Some(Outcome::Done));
    assert_eq!(fetching.outcome().await.0, RecordingOutcome::Used);
    assert_eq!(bench.queued("transcribe").await, ["CA1"]);
}

async fn a_recording_that_never_comes_leaves_the_live_text(bench: &Bench) {
    let fetching = fetching(bench, &[Answer::Status(404)], both).await;
    fetching.heard_live("my key is lost").await;
    let mut looks = 0;
    let last = loop {
        looks += 1;
        match fetching.download_at(64 + looks).await {
            Some(Outcome::NotYet) | None => {}
            Some(other) => break other,
        }
        assert!(looks < 100);
    };
    assert_eq!(last, Outcome::Dead);
    let asked = fetching.twilio.asked().len();
    assert!((4..12).contains(&asked), "{asked}: bounded, and ever later");
    let (outcome, reason) = fetching.outcome().await;
    assert_eq!(outcome, RecordingOutcome::Failed);
    assert!(reason.contains("still not after 60 s"), "{reason}");
    let served = fetching.scenario.served("CA1").await;
    assert_eq!(served, ["0 Inbound: my key is lost"]);
    assert_eq!(fetching.scenario.call("CA1").await.state, CallState::Final);
    assert_eq!(bench.lead_status("CA1").await.0, "new");
    assert_eq!(bench.queued("announce").await, ["CA1"]);
}

async fn a_lead_without_anything_fails_with_the_reason(bench: &Bench) {
    let fetching = fetching(bench, &[Answer::Status(404)], both).await;
    assert_eq!(fetching.download_at(120).await, Some(Outcome::Dead));
    let (status, reason) = bench.lead_status("CA1").await;
    assert_eq!(status, "failed");
    assert!(reason.unwrap().contains("404"));
    assert_eq!(bench.queued("announce").await, ["CA1"]);
    assert!(fetching.wavs().is_empty());
}

async fn refused_credentials_are_final(bench: &Bench) {
    let fetching = fetching(bench, &[Answer::Status(401)], both).await;
    assert_eq!(fetching.download_at(61).await, Some(Outcome::Dead));
    assert_eq!(fetching.twilio.asked().len(), 1);
    let (outcome, reason) = fetching.outcome().await;
    assert_eq!(outcome, RecordingOutcome::Failed);
    assert!(reason.contains("downloads.auth_token"), "{reason}");
    assert!(!reason.contains("a secret"), "{reason}");
}

async fn an_engine_that_fails_leaves_the_live_text(bench: &Bench) {
    let broken = |_: &str| Err(NoHearing::Failed("no memory".into()));
    let fetching = fetching(bench, &[audio()], broken).await;
    fetching.heard_live("my key is lost").await;
    assert_eq!(fetching.download_at(65).await, Some(Outcome::Done));
    for hours in 1..10 {
        let outcome = fetching.scenario.step_at(hours * 3_600).await;
        assert_eq!(outcome, Some(Outcome::Retry));
    }
    let last = fetching.scenario.step_at(36_000).await;
    assert_eq!(last, Some(Outcome::Dead));
    let served = fetching.scenario.served("CA1").await;
    assert_eq!(served, ["0 Inbound: my key is lost"]);
    assert_eq!(fetching.scenario.call("CA1").await.state, CallState::Failed);
    assert_eq!(fetching.wavs().len(), 2, "the audio is kept");
}

async fn an_empty_result_replaces_nothing(bench: &Bench) {
    let mumbled = |_: &str| Ok(heard(2, &[(0, "Mh.")]));
    let fetching = fetching(bench, &[audio()], mumbled).await;
    fetching.heard_live("my key is lost").await;
    assert_eq!(fetching.download_at(65).await, Some(Outcome::Done));
    assert_eq!(fetching.scenario.step_at(66).await, Some(Outcome::Done));
    let served = fetching.scenario.served("CA1").await;
    assert_eq!(served, ["0 Inbound: my key is lost"]);
    let reason = fetching.scenario.call("CA1").await.served_reason;
    assert!(reason.contains("fewer than 10 characters"), "{reason}");
}

async fn a_recording_of_our_own_that_covers_the_call_is_preferred(bench: &Bench) {
    let fetching = fetching(bench, &[audio()], both).await;
    let ours = [(Track::Inbound, "in"), (Track::Outbound, "out")];
    fetching.scenario.stream("CA1", 0, 58, &ours).await;
    assert_eq!(fetching.download_at(61).await, Some(Outcome::Done));
    assert_eq!(
        fetching.outcome().await,
        (
            RecordingOutcome::Unused,
            "our own recording of the stream has 58 s of its 60 s, on 2 track(s)".into()
        )
    );
    assert_eq!(fetching.twilio.asked(), [], "nothing is fetched");
    assert!(fetching.wavs().is_empty());
}

async fn a_recording_of_our_own_that_lacks_most_is_not_heard_twice(bench: &Bench) {
    let hears = |name: &str| match name {
        "in.wav" => Ok(heard(1, &[(0, "I have lost")])),
        name => both(name),
    };
    let fetching = fetching(bench, &[audio()], hears).await;
    let ours = [(Track::Inbound, "in")];
    fetching.scenario.stream("CA1", 0, 1, &ours).await;
    assert_eq!(fetching.scenario.step_at(60).await, Some(Outcome::Done));
    assert_eq!(
        fetching.scenario.served("CA1").await,
        ["0 Dana: I have lost"]
    );
    assert_eq!(fetching.download_at(61).await, Some(Outcome::Done));
    let (outcome, reason) = fetching.outcome().await;
    assert_eq!(outcome, RecordingOutcome::Used);
    assert!(reason.contains("1 track"), "{reason}");
    assert_eq!(
        fetching.scenario.served("CA1").await,
        ["0 Dana: I have lost"]
    );
    assert_eq!(fetching.scenario.step_at(62).await, Some(Outcome::Done));
    let lines = [
        "0 Inbound: I have lost my key.",
        "0 Outbound: Where are you now?",
    ];
    assert_eq!(fetching.scenario.served("CA1").await, lines);
    assert_eq!(fetching.scenario.versions("CA1").await, 3);
}

async fn a_passing_failure_is_tried_again(bench: &Bench) {
    let fetching = fetching(bench, &[Answer::Status(500), Answer::Page, audio()], both).await;
    assert_eq!(fetching.download_at(61).await, Some(Outcome::Retry));
    assert_eq!(fetching.download_at(62).await, None);
    assert_eq!(fetching.download_at(100).await, Some(Outcome::Retry));
    assert_eq!(fetching.download_at(200).await, Some(Outcome::Done));
    assert_eq!(fetching.outcome().await.0, RecordingOutcome::Used);
}

async fn bytes_that_cannot_be_decoded_are_fetched_anew(bench: &Bench) {
    let noise = Answer::Audio([&b"ID3"[..], &[0x55; 4000]].concat());
    let fetching = fetching(bench, &[noise, audio()], both).await;
    assert_eq!(fetching.download_at(61).await, Some(Outcome::Retry));
    assert!(fetching.wavs().is_empty());
    assert_eq!(fetching.download_at(200).await, Some(Outcome::Done));
    assert_eq!(fetching.outcome().await.0, RecordingOutcome::Used);
}

/// The process dies after each stage; another one does it again.
async fn a_crash_at_any_stage_leaves_nothing_half(bench: &Bench) {
    let fetching = fetching(bench, &[audio()], both).await;
    let context = &fetching.scenario.context;
    let lease = jiff::SignedDuration::from_secs(9);
    let take = |secs| bench.store.take_job("download", "dying", lease, at(secs));
    // Dies before anything.
    take(60).await.unwrap().unwrap();
    // Dies with the file fetched, and half of the next one.
    take(70).await.unwrap().unwrap();
    let wanted = crate::after::fetch::Wanted {
        recording: "RE1".parse().unwrap(),
        url: URL.into(),
        channels: Some(2),
        account_sid: None,
    };
    let downloads = recordings::import::downloads(fetching.folder.path());
    let fetched = context.fetcher.fetch(&wanted, &downloads).await;
    fs::write(downloads.join("importing-x.part"), "RIFF").unwrap();
    // Dies with one track written under its name.
    take(80).await.unwrap().unwrap();
    let spec = recordings::Spec {
        call_sid: call_sid("CA1"),
        stream_sid: "RE1".parse().unwrap(),
        track: Track::Inbound,
        speaker: None,
        started: at(0),
    };
    let mut audio = crate::audio::decode::open(&fetched.unwrap()).unwrap();
    let written = recordings::import::import(fetching.folder.path(), &mut audio, &[spec], || false);
    assert_eq!(written.unwrap().len(), 1);
    assert_eq!(recordings::recover(fetching.folder.path()), []);
    let boot = bench.store.mark_interrupted(&[], at(85)).await.unwrap();
    assert_eq!((boot.calls.len(), boot.requeued.len()), (0, 0), "{boot:?}");
    assert_eq!(bench.store.call(&call_sid("CA1")).await.unwrap(), None);

    assert_eq!(fetching.download_at(100).await, Some(Outcome::Done));
    assert_eq!(fetching.twilio.asked().len(), 1, "fetched once");
    assert_eq!(fetching.wavs().len(), 2);
    let recordings = bench.store.recordings(&call_sid("CA1")).await.unwrap();
    assert_eq!(recordings.len(), 2);
    for recording in recordings {
        assert_eq!(
            recording.open().unwrap().samples(),
            recording.parts[0].frames
        );
    }
    assert_eq!(bench.queued("transcribe").await, ["CA1"]);
}

async fn a_live_call_is_waited_for(bench: &Bench) {
    let fetching = fetching(bench, &[audio()], both).await;
    let stream = bench.stream("CA1", 0).await;
    assert_eq!(fetching.download_at(61).await, Some(Outcome::NotYet));
    assert_eq!(fetching.twilio.asked(), []);
    fetching.scenario.close(&stream, 60).await;
    assert_eq!(fetching.download_at(66).await, Some(Outcome::Done));
    assert_eq!(fetching.outcome().await.0, RecordingOutcome::Used);
}

async fn a_repeated_job_does_nothing(bench: &Bench) {
    let fetching = fetching(bench, &[audio()], both).await;
    assert_eq!(fetching.download_at(61).await, Some(Outcome::Done));
    bench.requeue("download").await;
    assert_eq!(fetching.download_at(62).await, Some(Outcome::Done));
    let streams = bench.store.streams(&call_sid("CA1")).await.unwrap();
    assert_eq!((streams.len(), fetching.twilio.asked().len()), (1, 1));
}

async fn what_is_asked_to_stop_stops(bench: &Bench) {
    let fetching = fetching(bench, &[Answer::Stuck], both).await;
    fetching.scenario.pass_to(61);
    let stop = CancellationToken::new();
    let context = fetching.scenario.context.clone();
    let worker = Worker::new::<Download>(context, 0, stop.clone());
    let stopping = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        stop.cancel();
    };
    let (outcome, ()) = tokio::join!(worker.step(), stopping);
    assert_eq!(outcome.unwrap(), Some(Outcome::NotYet));
    let left = recordings::import::downloads(fetching.folder.path());
    assert_eq!(fs::read_dir(left).unwrap().count(), 0);
    assert_eq!(bench.queued("download").await, ["RE1"]);
}

async fn a_call_deleted_meanwhile_stays_deleted(bench: &Bench) {
    let fetching = fetching(bench, &[audio()], both).await;
    let store = bench.store.clone();
    let sid = call_sid("CA1");
    store.forget_call(&sid, false).await.unwrap();
    assert_eq!(fetching.download_at(61).await, None);
    let job = Download {
        recording: "RE1".parse().unwrap(),
    };
    let stop = CancellationToken::new();
    job.run(&fetching.scenario.context, &stop).await.unwrap();
    assert_eq!(store.call(&sid).await.unwrap(), None);
    assert!(fetching.wavs().is_empty());
}
