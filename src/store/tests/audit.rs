//! The audit log.

use crate::store::{Actor, Deed, WhichDeeds, testing::*};

on_both!(
    deeds_are_found_and_paged_newest_first,
    old_deeds_are_forgotten,
);

async fn did(bench: &Bench, name: &str, action: &'static str, object: &str, secs: i64) {
    let deed = Deed {
        actor: Actor::Account,
        name: name.into(),
        address: "10.0.0.1".into(),
        action,
        object: object.into(),
    };
    bench.store.note_deed(&deed, at(secs)).await.unwrap();
}

/// The seconds at which they were done, page by page.
async fn found(bench: &Bench, which: &WhichDeeds) -> Vec<i64> {
    let (mut times, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = bench.store.deeds(which, after.as_deref(), 2).await;
        let (entries, next) = page.unwrap();
        assert!(entries.len() <= 2);
        times.extend(entries.iter().map(|e| e.at.duration_since(at(0)).as_secs()));
        match next {
            Some(_) => after = next,
            None => return times,
        }
    }
}

async fn deeds_are_found_and_paged_newest_first(bench: &Bench) {
    did(bench, "dana", "login", "", 1).await;
    did(bench, "dana", "recording.fetched", "CA1 inbound", 2).await;
    did(bench, "yossi", "recording.fetched", "CA12 inbound", 3).await;
    did(bench, "yossi", "call.deleted", "CA1", 4).await;
    did(bench, "dana", "login", "%_", 5).await;
    let which = |name: &str, action: &str, object: &str| {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        WhichDeeds {
            name: given(name),
            action: given(action),
            object: given(object),
        }
    };
    for (which, expected) in [
        (which("", "", ""), &[5, 4, 3, 2, 1][..]),
        (which("dana", "", ""), &[5, 2, 1]),
        (which("", "recording.fetched", ""), &[3, 2]),
        (which("", "", "CA1"), &[4, 2]),
        (which("yossi", "call.deleted", "CA1"), &[4]),
        (which("", "", "%"), &[]),
        (which("nobody", "", ""), &[]),
    ] {
        assert_eq!(found(bench, &which).await, expected, "{which:?}");
    }
}

async fn old_deeds_are_forgotten(bench: &Bench) {
    for secs in [1, 2, 3] {
        did(bench, "dana", "login", "", secs).await;
    }
    assert_eq!(bench.store.forget_deeds(at(3)).await.unwrap(), 2);
    assert_eq!(found(bench, &WhichDeeds::default()).await, [3]);
}
