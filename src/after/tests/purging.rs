//! The daily purge.

use std::{fs, time::Duration};

use super::scenario::{Scenario, recorded_end};
use crate::{
    after::{HeardTrack, Job, Outcome, Purge, daily},
    ids::Track,
    recordings::import::downloads,
    store::{RecordingState, testing::*},
};

on_both!(
    old_recordings_go_and_the_next_purge_is_queued,
    old_downloads_go_and_words_where_that_is_asked_for,
);

const SECS_OF_DAY: u64 = 86_400;

async fn old_recordings_go_and_the_next_purge_is_queued(bench: &Bench) {
    let folder = tempfile::tempdir().unwrap();
    let mut scenario = Scenario::new(bench, |_, _| Ok(HeardTrack::default()));
    scenario.context.recordings = folder.path().into();
    let stream = bench.stream("CA1", 0).await;
    // at(0) is 2023-11-14 22:13:20 UTC.
    for (track, name) in [
        (Track::Inbound, "dana_MZ1_20231114_221320"),
        (Track::Outbound, "outbound_MZ1_20231120_221320"),
    ] {
        let path = folder.path().join(format!("{name}.wav"));
        fs::write(&path, crate::audio::wav::header(0)).unwrap();
        let new = new_recording(&stream.key, track, path.to_str().unwrap());
        bench.store.record_opened(&new).await.unwrap();
        let end = recorded_end(path.with_extension("").to_str().unwrap(), 1);
        bench
            .store
            .record_closed(&new.key, &end, at(9))
            .await
            .unwrap();
    }
    scenario
        .clock
        .advance(Duration::from_secs(7 * SECS_OF_DAY + 10));
    for _ in 0..2 {
        daily::schedule(&scenario.context, Purge::KIND)
            .await
            .unwrap();
    }
    assert_eq!(scenario.purge().await, Some(Outcome::Done));
    let kept = bench.store.recordings(&call_sid("CA1")).await.unwrap();
    let states: Vec<_> = kept.iter().map(|r| r.state).collect();
    assert_eq!(states, [RecordingState::Deleted, RecordingState::Closed]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    scenario.clock.advance(Duration::from_secs(SECS_OF_DAY - 1));
    assert_eq!(scenario.purge().await, None, "once a day");
    scenario.clock.advance(Duration::from_secs(1));
    assert_eq!(scenario.purge().await, Some(Outcome::Done));
}

async fn old_downloads_go_and_words_where_that_is_asked_for(bench: &Bench) {
    let folder = tempfile::tempdir().unwrap();
    let mut scenario = Scenario::new(bench, |_, _| Ok(HeardTrack::default()));
    scenario.context.recordings = folder.path().into();
    let downloads = downloads(folder.path());
    fs::create_dir(&downloads).unwrap();
    fs::write(downloads.join("RE1.mp3"), "ID3").unwrap();
    let long_ago = fs::File::options()
        .write(true)
        .open(downloads.join("RE1.mp3"));
    long_ago
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    bench.ended_call("CA1", &["live text"], 10).await;
    assert_eq!(scenario.step_at(14).await, Some(Outcome::Done));
    scenario.clock.advance(Duration::from_secs(3 * SECS_OF_DAY));
    for (days, left) in [(0, 1), (9, 1), (2, 0)] {
        scenario.context.options.keep_transcripts_days = days;
        daily::schedule(&scenario.context, Purge::KIND)
            .await
            .unwrap();
        scenario.clock.advance(Duration::from_secs(SECS_OF_DAY));
        assert_eq!(scenario.purge().await, Some(Outcome::Done));
        assert_eq!(scenario.served("CA1").await.len(), left, "{days} days");
    }
    assert_eq!(fs::read_dir(&downloads).unwrap().count(), 0);
}
