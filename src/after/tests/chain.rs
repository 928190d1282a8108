//! The whole chain after a call, with two workers of each kind, killed at every boundary between stages.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    fake_target::{Fake, options},
    scenario::{Scenario, heard},
    twilio::{Answer, MP3, Twilio},
};
use crate::{
    after::{Announce, Deliver, Download, Job, Outcome, Transcribe, Understand, Worker},
    store::{CallState, DeliveryState, WhichDeliveries, testing::*},
    webhooks::{Options, Sender},
};

on_both!(killed_at_every_boundary_a_call_ends_once);

struct Chain<'a> {
    scenario: Scenario<'a>,
    seconds: u64,
}

impl Chain<'_> {
    fn worker<J: Job>(&self, number: u32) -> Worker {
        let context = self.scenario.context.clone();
        Worker::new::<J>(context, number, CancellationToken::new())
    }

    /// One worker dies with the job in its hands, the next with the work done and the job not settled; then
    /// two come at once.
    async fn stage<J: Job>(&mut self) {
        let bench = self.scenario.bench;
        let lease = jiff::SignedDuration::from_secs(9);
        self.seconds += 10;
        let now = i64::try_from(self.seconds).unwrap();
        let taken = bench.store.take_job(J::KIND, "dying", lease, at(now)).await;
        assert!(taken.unwrap().is_some(), "no job {}", J::KIND);
        self.seconds += 10;
        self.scenario.pass_to(self.seconds);
        let workers = [self.worker::<J>(0), self.worker::<J>(1)];
        let step = async |number: usize| workers[number].step().await.unwrap();
        assert_eq!(step(0).await, Some(Outcome::Done), "{}", J::KIND);
        bench.requeue(J::KIND).await;
        let (one, other) = tokio::join!(step(0), step(1));
        let done: Vec<Outcome> = [one, other].into_iter().flatten().collect();
        assert_eq!(done, [Outcome::Done], "{}: once more, by one", J::KIND);
    }
}

async fn killed_at_every_boundary_a_call_ends_once(bench: &Bench) {
    let twilio = Twilio::start(&[Answer::Audio(MP3.to_vec())]).await;
    let crm = Fake::start("crm", &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut scenario = Scenario::new(bench, |_, _| {
        Ok(heard(
            2,
            &[(0, "I have lost my key and I stand in the rain.")],
        ))
    });
    scenario.context.recordings = folder.path().into();
    scenario.context.fetcher = Arc::new(twilio.fetcher(|_| {}));
    let targets = Options {
        targets: vec![crm.target()],
        ..options()
    };
    scenario.context.hooks = Arc::new(Sender::new(&targets).unwrap());
    bench.lead("CA1", "+15550123").await;
    let url = "/2010-04-01/Accounts/AC1/Recordings/RE1.json";
    bench.provider_recording("RE1", "CA1", url).await;

    let mut chain = Chain {
        scenario,
        seconds: 60,
    };
    chain.stage::<Download>().await;
    chain.stage::<Transcribe>().await;
    chain.stage::<Understand>().await;
    chain.stage::<Announce>().await;
    chain.stage::<Deliver>().await;

    let call = chain.scenario.call("CA1").await;
    assert_eq!(call.state, CallState::Final);
    assert_eq!(
        chain.scenario.versions("CA1").await,
        2,
        "live, and one final"
    );
    assert_eq!(bench.lead_status("CA1").await, ("processed".into(), None));
    let told = bench.store.announcements(&call_sid("CA1")).await.unwrap();
    assert_eq!(told.len(), 1);
    let all = WhichDeliveries::default();
    let (deliveries, _) = bench.store.deliveries(&all, None, 100).await.unwrap();
    let deliveries: Vec<_> = deliveries.into_iter().map(|told| told.delivery).collect();
    assert_eq!(deliveries.len(), 1);
    assert_eq!(deliveries[0].state, DeliveryState::Delivered);
    let seen = crm.seen();
    let ids: Vec<&str> = seen
        .iter()
        .map(|s| s.header("callscribe-delivery"))
        .collect();
    assert!(
        !ids.is_empty() && ids.iter().all(|id| *id == deliveries[0].id),
        "{ids:?}"
    );
    for kind in [
        Download::KIND,
        Transcribe::KIND,
        Understand::KIND,
        Announce::KIND,
        Deliver::KIND,
    ] {
        assert_eq!(bench.queued(kind).await, Vec::<String>::new(), "{kind}");
    }
}
