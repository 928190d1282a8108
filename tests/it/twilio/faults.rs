//! Cases 43, 44 and 47 of the faults met in the wild: what comes again, late, or is not there.

use callscribe::wire::signature;

use super::{
    peer::{Fields, RECORDING, STATUS, STREAM, TOKEN, VOICE},
    signed::signed,
};
use crate::gateway::server::serve;

/// Case 43.
#[tokio::test]
async fn a_delivery_that_comes_again_gets_the_same_answer_and_changes_nothing() {
    let server = signed(None, false).await;
    let url = "https://api.twilio.com/recordings/abc123";
    let deliveries: [(&str, Fields<'_>); 4] = [
        (
            VOICE,
            &[
                ("CallSid", "CA1"),
                ("From", "+972501234567"),
                ("CallStatus", "ringing"),
            ],
        ),
        (
            STREAM,
            &[
                ("CallSid", "CA1"),
                ("StreamSid", "MZ1"),
                ("StreamEvent", "stream-started"),
            ],
        ),
        (RECORDING, &[("CallSid", "CA1"), ("RecordingUrl", url)]),
        (
            STATUS,
            &[
                ("CallSid", "CA1"),
                ("CallStatus", "completed"),
                ("CallDuration", "42"),
            ],
        ),
    ];
    let mut told = Vec::new();
    for (door, fields) in deliveries {
        let answer = server.post(door, fields).await;
        told.push((answer.status(), answer.text().await.unwrap()));
    }
    assert!(told.iter().all(|(status, _)| *status == 200), "{told:?}");
    let lead = server.leads().await;
    for _ in 0..3 {
        for ((door, fields), first) in deliveries.into_iter().zip(&told) {
            let token = ("i-twilio-idempotency-token", "the-same");
            let signature = signature::sign(TOKEN, &server.url(door), fields);
            let headers = [token, ("x-twilio-signature", &signature)];
            let answer = server.post_with(door, fields, &headers).await;
            let again = (answer.status(), answer.text().await.unwrap());
            assert_eq!(&again, first, "{door}");
        }
        assert_eq!(server.leads().await, lead);
    }
    assert_eq!(lead[0]["duration"], 42);
    assert_eq!(
        (server.jobs("download").await, server.jobs("announce").await),
        (1, 1)
    );
    server.stop().await;
}

/// Case 44.
#[tokio::test]
async fn a_state_that_comes_late_does_not_undo_a_later_one() {
    let server = serve(|_| {}).await;
    server
        .post(VOICE, &[("CallSid", "CA1"), ("CallStatus", "ringing")])
        .await;
    for (door, field, value, then) in [
        (STATUS, "CallStatus", "queued", "ringing"),
        (STREAM, "StreamEvent", "stream-started", "in-progress"),
        (STATUS, "CallStatus", "initiated", "in-progress"),
        (STATUS, "CallStatus", "completed", "completed"),
        (STATUS, "CallStatus", "in-progress", "completed"),
        (STREAM, "StreamEvent", "stream-started", "completed"),
        (STREAM, "StreamEvent", "stream-stopped", "completed"),
        (STREAM, "StreamEvent", "stream-error", "completed"),
        (STATUS, "CallStatus", "no-answer", "completed"),
    ] {
        let answer = server
            .post(door, &[("CallSid", "CA1"), (field, value)])
            .await;
        assert_eq!(answer.status(), 200, "{value}");
        assert_eq!(server.leads().await[0]["call_status"], then, "{value}");
    }
    let unknown = [("CallSid", "CA2"), ("CallStatus", "completed")];
    assert_eq!(server.post(STATUS, &unknown).await.status(), 204);
    assert_eq!(server.leads().await.len(), 1);
    assert_eq!(server.jobs("announce").await, 1);
    server.stop().await;
}

/// Case 47.
#[tokio::test]
async fn a_recording_is_queued_once_and_only_where_there_is_one() {
    let server = serve(|_| {}).await;
    let url = "/2010-04-01/Accounts/AC1/Recordings/RE1.json";
    let done = async |fields: Fields<'_>| {
        let fields = [&[("CallSid", "CA1")], fields].concat();
        server.post(RECORDING, &fields).await.status().as_u16()
    };
    let first = [("RecordingSid", "RE1"), ("RecordingUrl", url)];
    assert_eq!(done(&first).await, 204, "nobody knows the call");
    assert_eq!(server.jobs("download").await, 0);
    server.post(VOICE, &[("CallSid", "CA1")]).await;
    for (fields, jobs) in [
        (
            &[("RecordingSid", "RE2"), ("RecordingStatus", "in-progress")][..],
            0,
        ),
        (&[("RecordingSid", "RE2"), ("RecordingStatus", "absent")], 0),
        (&[("RecordingSid", "RE3"), ("RecordingStatus", "failed")], 0),
        (&first, 1),
        (&first, 1),
        (&[("RecordingUrl", url)], 1),
        (&[("RecordingSid", "RE1"), ("RecordingStatus", "failed")], 1),
        (&[("RecordingSid", "RE4"), ("RecordingUrl", url)], 2),
    ] {
        assert_eq!(done(fields).await, 200, "{fields:?}");
        assert_eq!(server.jobs("download").await, jobs, "{fields:?}");
    }
    server.stop().await;
}
