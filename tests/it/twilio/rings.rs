//! A call rings: the lead is there, and the call is told where to stream.

use callscribe::ids::Track;
use futures_util::future::join_all;

use super::peer::{DOORS, VOICE};
use crate::gateway::{
    peer::{Peer, tone},
    server::serve,
};

/// The worked example of the product's papers.
#[tokio::test]
async fn the_lead_is_there_with_the_answer() {
    let server = serve(|_| {}).await;
    let call = [("CallSid", "CA_test"), ("From", "+1555"), ("To", "+1555")];
    let answer = server.post(VOICE, &call).await;
    assert_eq!(answer.status(), 200, "S1.1");
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/xml")
    );
    let leads = server.leads().await;
    let lead = &leads[0];
    assert_eq!(
        (leads.len(), &lead["call_sid"]),
        (1, &"CA_test".into()),
        "S1.2"
    );
    assert_eq!(
        (&lead["status"], &lead["from"]),
        (&"new".into(), &"+1555".into())
    );
    let twiml = answer.text().await.unwrap();
    let document = roxmltree::Document::parse(&twiml).unwrap();
    let verbs: Vec<&str> = document
        .root_element()
        .children()
        .map(|verb| verb.tag_name().name())
        .collect();
    assert_eq!(verbs, ["Say", "Start", "Record", "Hangup"]);
    let say = document
        .descendants()
        .find(|n| n.has_tag_name("Say"))
        .unwrap();
    assert_eq!(say.attribute("language"), Some("he-IL"), "S1.8");
    server.stop().await;
}

#[tokio::test]
async fn deliveries_at_the_same_instant_make_one_lead_and_get_one_answer() {
    let server = serve(|_| {}).await;
    let call = [("CallSid", "CA1"), ("From", "+972501234567")];
    let answers = join_all((0..16).map(|_| server.post(VOICE, &call))).await;
    let texts = join_all(answers.into_iter().map(reqwest::Response::text)).await;
    let first = texts[0].as_ref().unwrap();
    assert!(texts.iter().all(|text| text.as_ref().unwrap() == first));
    assert_eq!(server.leads().await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn the_call_streams_where_it_was_told_and_is_known_there() {
    let server = serve(|config| {
        config.media.auth_token = Some(super::peer::TOKEN.to_owned().into());
    })
    .await;
    let call = [
        ("CallSid", "CA1"),
        ("From", "+972501234567"),
        ("To", "+97231234567"),
        ("Direction", "inbound"),
    ];
    let twiml = server.post(VOICE, &call).await.text().await.unwrap();
    let document = roxmltree::Document::parse(&twiml).unwrap();
    let stream = document
        .descendants()
        .find(|n| n.has_tag_name("Stream"))
        .unwrap();
    let url = stream.attribute("url").unwrap();
    let parameters: Vec<(&str, &str)> = stream
        .children()
        .map(|p| (p.attribute("name").unwrap(), p.attribute("value").unwrap()))
        .collect();
    let signed = callscribe::wire::signature::sign(super::peer::TOKEN, url, &[]);
    let signed = [("x-twilio-signature", signed.as_str())];
    let other = Peer::try_connect(&url.replace("CA1", "CA2"), "CA1", "MZ1", &signed).await;
    assert_eq!(other.err().unwrap().as_u16(), 403);
    let mut peer = Peer::try_connect(url, "CA1", "MZ1", &signed).await.unwrap();
    peer.start(&[Track::Inbound], &parameters).await;
    peer.speak(Track::Inbound, 0, &tone(400)).await;
    peer.stop().await;
    assert_eq!(peer.closed().await, Some(1000));
    let call = server.settled("CA1").await;
    assert_eq!(call.from.as_deref(), Some("+972501234567"));
    assert_eq!(call.to.as_deref(), Some("+97231234567"));
    assert_eq!(call.direction.as_deref(), Some("inbound"));
    assert_eq!(call.language.as_deref(), Some("he"));
    let lead = &server.leads().await[0];
    assert_eq!(lead["transcript"], "/api/v1/calls/CA1/transcript");
    server.stop().await;
}

#[tokio::test]
async fn the_paths_are_configurable() {
    let server = serve(|config| {
        config.twilio.voice_path = "/ring".into();
        config.twilio.status_path = "/went/on".into();
    })
    .await;
    assert_eq!(
        server.post("/ring", &[("CallSid", "CA1")]).await.status(),
        200
    );
    let on = [("CallSid", "CA1"), ("CallStatus", "in-progress")];
    assert_eq!(server.post("/went/on", &on).await.status(), 200);
    assert_eq!(server.leads().await[0]["call_status"], "in-progress");
    for (door, status) in DOORS.into_iter().zip([404, 400, 404, 400]) {
        assert_eq!(server.post(door, &[]).await.status(), status, "{door}");
    }
    server.stop().await;
}
