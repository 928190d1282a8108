//! The live path's pen.

use crate::{
    ids::Track,
    store::{Pen, testing::*},
};

on_both!(
    what_was_put_down_is_written,
    many_calls_share_the_pen,
    text_of_a_call_that_is_gone_holds_up_nobody,
);

async fn texts(bench: &Bench, sid: &str) -> Vec<String> {
    let found = bench.store.transcript(&call_sid(sid), None).await.unwrap();
    let segments = found.unwrap().segments;
    segments.into_iter().map(|s| s.text).collect()
}

async fn what_was_put_down_is_written(bench: &Bench) {
    let stream = bench.stream("CA1", 0).await;
    let pen = Pen::start(bench.store.clone());
    pen.flush().await;
    for text in ["Good", "Good morning", "Good morning."] {
        pen.put(live_segment(&stream.key, 0, said(Track::Inbound, 0, text)));
    }
    pen.put(live_segment(
        &stream.key,
        0,
        said(Track::Outbound, 3, "Hello."),
    ));
    pen.flush().await;
    assert_eq!(texts(bench, "CA1").await, ["Good morning.", "Hello."]);
    pen.put(live_segment(
        &stream.key,
        1,
        said(Track::Inbound, 6, "Well,"),
    ));
    pen.close().await;
    assert_eq!(
        texts(bench, "CA1").await,
        ["Good morning.", "Hello.", "Well,"]
    );
}

async fn many_calls_share_the_pen(bench: &Bench) {
    let pen = Pen::start(bench.store.clone());
    let mut streams = Vec::new();
    for i in 0..8 {
        streams.push(bench.stream(&format!("CA{i}"), 0).await);
    }
    for utterance in 0..100 {
        for stream in &streams {
            let segment = said(
                Track::Inbound,
                utterance * 2,
                &format!("number {utterance}"),
            );
            pen.put(live_segment(&stream.key, utterance, segment));
        }
    }
    pen.flush().await;
    for i in 0..8 {
        let texts = texts(bench, &format!("CA{i}")).await;
        assert_eq!(texts.len(), 100);
        assert_eq!(texts[99], "number 99");
    }
    pen.close().await;
}

async fn text_of_a_call_that_is_gone_holds_up_nobody(bench: &Bench) {
    let stream = bench.stream("CA1", 0).await;
    let gone = crate::store::StreamKey {
        call: call_sid("CA0"),
        number: 1,
    };
    let pen = Pen::start(bench.store.clone());
    for key in [&gone, &stream.key, &gone] {
        for utterance in 0..3 {
            pen.put(live_segment(
                key,
                utterance,
                said(Track::Inbound, utterance, "Hello."),
            ));
        }
    }
    pen.close().await;
    assert_eq!(texts(bench, "CA1").await, ["Hello."; 3]);
}
