use callscribe::{
    ids::Track::{Inbound, Outbound},
    live::hub::CallEvent,
    store::{Note, NoteKind},
    time::MediaTime,
};

use crate::harness::{line::nobody, site::Site};

fn check(page: &str, holds: &[&str], lacks: &[&str]) {
    for text in holds {
        assert!(page.contains(text), "lacks {text:?}:\n{page}");
    }
    for text in lacks {
        assert!(!page.contains(text), "holds {text:?}:\n{page}");
    }
}

#[tokio::test]
async fn the_list_shows_live_calls_first() {
    let site = Site::open().await;
    check(
        site.get("/").await.text(),
        &["No calls yet.", "callscribe replay"],
        &["Live now"],
    );
    let first = site.call("CA1").await;
    site.clock.advance(std::time::Duration::from_secs(60));
    site.call("CA2").await.hang_up(5).await;
    let page = site.get("/").await;
    let at = |text: &str| page.text().find(text).unwrap();
    assert!(at("/calls/CA1") < at("/calls/CA2"), "the older one is live");
    check(page.text(), &["Live now (1)", "Earlier", "0:05"], &[]);
    first.hang_up(5).await;
    check(
        site.get("/").await.text(),
        &["Nobody is on the line."],
        &["badge live"],
    );
}

#[tokio::test]
async fn a_live_call_shows_what_is_settled_and_what_is_not() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    check(
        site.get("/calls/CA1").await.text(),
        &["Nothing has been said yet."],
        &[],
    );
    line.said(Inbound, 0, 0.0, "hello there").await;
    line.delta(Outbound, 0, 2.0, "good");
    line.partial(Outbound, 0, 2.4, "mourning");
    let page = site.get("/calls/CA1").await;
    check(
        page.text(),
        &[
            "data-state=\"live\"",
            "<span class=\"badge live\">Live</span>",
            "<p class=\"said\" dir=\"auto\">hello there</p>",
            "<span class=\"committed\">good </span><span class=\"partial\">mourning</span>",
            "data-key=\"1-outbound-0\"",
            "<bdi>Dana</bdi>",
            "<bdi>Yossi</bdi>",
            "aria-live=\"polite\"",
        ],
        &["Nothing has been said yet."],
    );
}

#[tokio::test]
async fn live_words_that_are_behind_are_said_to_be() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    for (level, behind) in [(2, true), (0, false)] {
        line.publish(CallEvent::Degraded {
            level,
            reason: "the engine is busy".into(),
        });
        let page = site.get("/calls/CA1").await;
        assert_eq!(
            page.text().contains("live words come late"),
            behind,
            "{level}"
        );
        assert_eq!(page.text().contains("badge degraded"), behind, "{level}");
    }
}

#[tokio::test]
async fn what_people_said_is_text_and_never_markup() {
    let site = Site::open().await;
    let mut call = nobody("CA1");
    call.from = Some("<b>caller</b>".into());
    let line = site
        .call_of(call, [Some("</script><script>alert(1)</script>"), None])
        .await;
    line.said(
        Inbound,
        0,
        0.0,
        "<img src=x onerror=alert(2)> \"quoted\" & done",
    )
    .await;
    line.partial(Inbound, 1, 5.0, "<i>partial</i>");
    for path in ["/", "/calls/CA1"] {
        let page = site.get(path).await;
        check(
            page.text(),
            &["&lt;b&gt;caller"],
            &["<b>", "<img", "<i>", "<script>"],
        );
    }
}

#[tokio::test]
async fn a_call_that_is_over_says_what_is_served_and_why() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    line.said(Inbound, 0, 0.0, "hello there").await;
    line.hang_up(45).await;
    let note = |kind| Note {
        call: line.call.clone(),
        stream: Some(1),
        track: Some(Inbound),
        at: MediaTime::from_ms(3000),
        kind,
    };
    let notes = [
        note(NoteKind::Dtmf { digit: "5".into() }),
        note(NoteKind::Gap {
            length: MediaTime::from_ms(1500),
        }),
    ];
    site.store
        .add_notes(&notes, site.clock.wall())
        .await
        .unwrap();
    check(
        site.get("/calls/CA1").await.text(),
        &[
            "badge finishing",
            "The call is over.",
            "Key 5 pressed",
            "1.5 s of audio never came",
        ],
        &["aria-live=\"polite\""],
    );
    line.finish(&[(Inbound, 0.0, "Hello there, Yossi.")]).await;
    let page = site.get("/calls/CA1").await;
    check(
        page.text(),
        &[
            "badge final",
            "Transcribed from the whole recording. Final text, 19 characters.",
            "Hello there, Yossi.",
            "?version=1\">live text</a>",
            "base",
        ],
        &["hello there<", "id=\"now\"><li"],
    );
    let old = site.get("/calls/CA1?version=1").await;
    check(
        old.text(),
        &[
            "hello there",
            "not the one served",
            "format=txt&amp;version=1",
        ],
        &[],
    );
}

#[tokio::test]
async fn a_call_that_ended_badly_says_how() {
    let site = Site::open().await;
    let empty = site.call("CA2").await;
    empty.hang_up(3).await;
    empty.finish(&[]).await;
    check(
        site.get("/calls/CA2").await.text(),
        &["No words", "fewer than 10 characters"],
        &[],
    );

    let failed = site.call("CA3").await;
    failed.said(Inbound, 0, 0.0, "hello there").await;
    failed.hang_up(3).await;
    let (call, at) = (&failed.call, site.clock.wall());
    site.store
        .final_failed(call, "the engine failed", true, at)
        .await
        .unwrap();
    check(
        site.get("/calls/CA3").await.text(),
        &[
            "Live text only",
            "was given up. Final pass failed: the engine failed: live text kept.",
            "hello there",
        ],
        &[],
    );

    site.call("CA4").await;
    site.store
        .mark_interrupted(&[], site.clock.wall())
        .await
        .unwrap();
    check(
        site.get("/calls/CA4").await.text(),
        &["badge interrupted", "The server stopped in the middle"],
        &[],
    );
}

#[tokio::test]
async fn each_track_has_its_player_and_a_failed_recording_is_said() {
    let site = Site::open().await;
    let line = site.call("CA1").await;
    let path = line.record(Inbound, &[0; 32_000]).await;
    line.record(Outbound, &[0; 16_000]).await;
    line.record_closed(Inbound, &path, Some("the disk is full"))
        .await;
    check(
        site.get("/calls/CA1").await.text(),
        &[
            "src=\"/api/v1/calls/CA1/recording/inbound?stream=1&amp;part=1\"",
            "data-start=\"0\" data-end=\"2\"",
            "preload=\"none\"",
            "A recording is not complete (<bdi>Dana</bdi>). The disk is full.",
        ],
        &[],
    );
}
