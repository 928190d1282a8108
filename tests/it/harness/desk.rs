//! What people tend: leads, jobs and deliveries, put there by hand.

use callscribe::{
    insight::{MadeBy, Meaning, Path, Summary},
    live::hub::LeadNews,
    store::{Event, NewAnnouncement, NewAttempt, NewDelivery, NewJob, NewLead, Read, Then},
};
use jiff::SignedDuration;

use super::site::{Answer, Site};

pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

impl Site {
    /// A call rings: as the voice door would have it. Gives the lead's id.
    pub(crate) async fn ring(&self, call: &str, from: &str) -> String {
        let lead = NewLead {
            call: call.parse().unwrap(),
            account_sid: None,
            from: Some(from.into()),
            to: Some("+97231234567".into()),
            direction: Some("inbound".into()),
            call_status: None,
            details: [("FromCity".to_owned(), "HAIFA".to_owned())].into(),
        };
        self.store.ring(&lead, self.clock.wall()).await.unwrap();
        self.hub.publish_lead(&lead.call, LeadNews::New);
        let lead = self.store.lead_of(&lead.call).await.unwrap();
        lead.unwrap().id
    }

    /// What the call's served transcript, of this version, meant: as the job would have it.
    pub(crate) async fn understood(
        &self,
        call: &str,
        version: u32,
        (title, points): (&str, &[&str]),
    ) {
        let read = Read {
            call: call.parse().unwrap(),
            version,
            final_transcript: None,
            transcription: Some("said".into()),
        };
        let meaning = Meaning {
            language: Some("he".into()),
            service: Some("פריצת לוטו".into()),
            city: Some("בית שאן".into()),
            confidence: Some(922),
            summary: Summary {
                title: title.into(),
                points: points.iter().map(|&point| point.into()).collect(),
            },
            insights: Default::default(),
            path: Path::OnBox,
            made_by: MadeBy::default(),
        };
        let now = self.clock.wall();
        self.store.understood(&read, &meaning, now).await.unwrap();
        self.hub.publish_lead(&read.call, LeadNews::Changed);
    }

    /// A transcription that failed for the last time. Gives the job's id.
    pub(crate) async fn failed_job(&self, call: &str, why: &str) -> String {
        let at = self.clock.wall();
        let job = NewJob::transcribe(&call.parse().unwrap(), at);
        self.store.enqueue(&job, at).await.unwrap();
        let lease = SignedDuration::from_secs(60);
        let taken = self
            .store
            .take_job("transcribe", "transcribe-0-w", lease, at);
        let taken = taken.await.unwrap().unwrap();
        self.store.fail_job(&taken, why, None, at).await.unwrap();
        taken.id
    }

    /// A delivery of each of these targets, with an attempt that failed where there is a reason.
    pub(crate) async fn deliveries(
        &self,
        call: &str,
        targets: &[(&str, Option<&str>)],
    ) -> Vec<String> {
        let at = self.clock.wall();
        let delivery = |n: usize, target: &str| NewDelivery {
            id: format!("018bcfe5-0000-7000-8000-{n:012}"),
            target: target.into(),
            body: r#"{"transcript":"what was said"}"#.into(),
        };
        let new = NewAnnouncement {
            call: call.parse().unwrap(),
            event: Event::Completed,
            version: 1,
            source: "live",
            reason: "the realtime transcript: not recorded".into(),
            text_sha256: "ab".into(),
            deliveries: targets
                .iter()
                .enumerate()
                .map(|(n, (target, _))| delivery(n + 1, target))
                .collect(),
            lead_failed: None,
        };
        assert!(self.store.announce(&new, at).await.unwrap());
        for (told, (_, failed)) in new.deliveries.iter().zip(targets) {
            let Some(why) = failed else { continue };
            for then in [
                Then::Again,
                Then::Dead {
                    reason: format!("given up: {why}"),
                },
            ] {
                let attempt = NewAttempt {
                    started_at: at,
                    took_ms: 31,
                    http_status: Some(503),
                    error: Some((*why).into()),
                    then,
                };
                self.store
                    .note_attempt(&told.id, &attempt, at)
                    .await
                    .unwrap();
            }
        }
        new.deliveries.into_iter().map(|told| told.id).collect()
    }

    pub(crate) async fn post_form(&self, path: &str, body: &str) -> Answer {
        self.send(axum::http::Method::POST, path, &[FORM], body.into())
            .await
    }
}
