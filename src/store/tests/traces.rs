//! How live text came to be, kept exactly.

use crate::{
    ids::Track,
    speech::live::{Level, Options, Step, Trace},
    store::{LiveModels, LiveTrace, RecordingKey, testing::*},
};

on_both!(a_trace_comes_back_as_it_was_and_goes_with_its_call);

async fn a_trace_comes_back_as_it_was_and_goes_with_its_call(bench: &Bench) {
    let stream = bench.stream("CA1", 0).await;
    let trace = |track, paces: &[f32]| LiveTrace {
        key: RecordingKey {
            stream: stream.key.clone(),
            track,
        },
        build: "0.1.0".into(),
        models: LiveModels {
            live: model(),
            small: None,
        },
        trace: Trace {
            options: Options::default(),
            language: Some("he".into()),
            steps: [
                Step::Push(960, 7),
                Step::Skip(3),
                Step::Level(Level::NoText),
            ]
            .into_iter()
            .chain(paces.iter().map(|pace| Step::Look(Some(*pace))))
            .chain([
                Step::Look(None),
                Step::Answer(false),
                Step::Finish,
                Step::Abandon,
            ])
            .collect(),
            cut: false,
        },
    };
    // To the last bit: the pace decides what a window begins with.
    let inbound = trace(
        Track::Inbound,
        &[0.000_812_345_67, f32::MIN_POSITIVE, 1.0 / 3.0],
    );
    let outbound = trace(Track::Outbound, &[]);
    for trace in [&outbound, &inbound, &inbound] {
        bench.store.put_trace(trace, at(1)).await.unwrap();
    }
    let kept = bench.store.traces(&call_sid("CA1")).await.unwrap();
    assert_eq!(kept, [inbound, outbound]);
    assert!(
        bench
            .store
            .traces(&call_sid("CA2"))
            .await
            .unwrap()
            .is_empty()
    );
    let mut nowhere = kept[0].clone();
    nowhere.key.stream.number = 9;
    assert!(bench.store.put_trace(&nowhere, at(1)).await.is_err());
}
