use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use jiff::Timestamp;

use super::{
    event::{Entry, SETTLED},
    *,
};
use crate::{
    ids::Track,
    speech::Word,
    store::{CallState, NoteKind},
    time::MediaTime,
};

fn sid(text: &str) -> CallSid {
    text.parse().unwrap()
}

fn hub(kept_events: usize) -> (Hub, Clock) {
    let clock = Clock::manual(Timestamp::from_second(1_700_000_000).unwrap());
    let options = Options {
        kept_events,
        max_viewers: 500,
        keep_ended_s: 60,
        keep_idle_s: 900,
    };
    (Hub::new(options, clock.clone()), clock)
}

fn of(utterance: u64) -> Utterance {
    Utterance {
        stream: 1,
        track: Track::Inbound,
        utterance,
    }
}

fn words(text: &str) -> Vec<Word> {
    let at = |ms| MediaTime::from_ms(ms);
    text.split_whitespace()
        .zip(0u64..)
        .map(|(text, n)| Word {
            text: text.into(),
            start: at(n * 300),
            end: at(n * 300 + 250),
            confidence: 0.9,
        })
        .collect()
}

fn partial(utterance: u64, text: &str) -> CallEvent {
    CallEvent::Partial {
        of: of(utterance),
        start: MediaTime::ZERO,
        words: words(text),
    }
}

fn delta(utterance: u64, text: &str) -> CallEvent {
    CallEvent::Delta {
        of: of(utterance),
        words: words(text),
    }
}

fn completed(utterance: u64, text: &str) -> CallEvent {
    CallEvent::Completed {
        of: of(utterance),
        start: MediaTime::ZERO,
        end: MediaTime::from_ms(1000),
        text: text.into(),
        words: words(text),
        language: "en".into(),
    }
}

fn state(state: CallState) -> CallEvent {
    CallEvent::State {
        state,
        interrupted: false,
        reason: None,
    }
}

/// Everything that is ready now, in short.
fn drain<E: Entry + std::fmt::Debug>(viewer: &mut Subscription<E>) -> Vec<String>
where
    E::View: std::fmt::Debug,
{
    let mut got = Vec::new();
    loop {
        match poll(viewer) {
            Poll::Pending => return got,
            Poll::Ready(Next::Gone) => {
                got.push("gone".into());
                return got;
            }
            Poll::Ready(Next::Snapshot { .. }) => got.push("snapshot".into()),
            Poll::Ready(Next::Event(event)) => got.push(event.name().into()),
        }
    }
}

fn poll<E: Entry>(viewer: &mut Subscription<E>) -> Poll<Next<E>> {
    pin!(viewer.next()).poll(&mut Context::from_waker(Waker::noop()))
}

fn last_id(viewer: &mut Subscription<CallEvent>) -> u64 {
    let mut last = 0;
    while let Poll::Ready(next) = poll(viewer) {
        last = match next {
            Next::Snapshot { position, .. } => position,
            Next::Event(event) => event.id,
            Next::Gone => break,
        };
    }
    last
}

#[test]
fn a_viewer_gets_a_snapshot_and_then_what_happens() {
    let (hub, _) = hub(16);
    let call = sid("CA1");
    hub.publish(&call, state(CallState::Live));
    let mut viewer = hub.subscribe(&call, None).unwrap();
    assert_eq!(drain(&mut viewer), ["snapshot"]);
    hub.publish(&call, partial(0, "hello"));
    hub.publish(&call, delta(0, "hello"));
    hub.publish(&call, completed(0, "hello there"));
    assert_eq!(
        drain(&mut viewer),
        ["delta", "completed"],
        "its partial was void by then"
    );
}

#[test]
fn a_viewer_that_returns_goes_on_where_it_was_while_the_log_reaches_back() {
    let (hub, _) = hub(4);
    let call = sid("CA1");
    let mut viewer = hub.subscribe(&call, None).unwrap();
    hub.publish(&call, delta(0, "one"));
    let seen = last_id(&mut viewer);
    drop(viewer);
    for (missed, expected) in [(0, vec![]), (3, vec!["delta"; 3]), (2, vec!["snapshot"])] {
        for _ in 0..missed {
            hub.publish(&call, delta(0, "more"));
        }
        let mut back = hub.subscribe(&call, Some(seen)).unwrap();
        assert_eq!(drain(&mut back), expected, "after {missed} more");
    }
}

#[test]
fn an_id_that_this_log_never_gave_means_a_snapshot() {
    let (hub, _) = hub(4);
    let call = sid("CA1");
    hub.publish(&call, delta(0, "one"));
    let newest = last_id(&mut hub.subscribe(&call, None).unwrap());
    for strange in [0, newest - 2, newest + 1, u64::MAX] {
        let mut viewer = hub.subscribe(&call, Some(strange)).unwrap();
        assert_eq!(drain(&mut viewer), ["snapshot"], "{strange} of {newest}");
    }
    let mut fresh = hub.subscribe(&call, Some(newest - 1)).unwrap();
    assert_eq!(
        drain(&mut fresh),
        ["delta"],
        "the place before the first event is a place"
    );
}

#[test]
fn ids_grow_over_a_restart() {
    let (hub, clock) = hub(4);
    let call = sid("CA1");
    for _ in 0..100 {
        hub.publish(&call, delta(0, "word"));
    }
    let before = hub.view(&call).0;
    clock.advance(Duration::from_millis(1));
    let reborn = Hub::new(Options::default(), clock);
    let mut viewer = reborn.subscribe(&call, Some(before)).unwrap();
    assert_eq!(drain(&mut viewer), ["snapshot"]);
    assert!(reborn.view(&call).0 > before);
    assert!(reborn.view(&call).0 < 1 << 53);
}

#[test]
fn a_slow_viewer_starts_over_and_the_others_never_notice() {
    let (hub, _) = hub(8);
    let call = sid("CA1");
    let mut slow = hub.subscribe(&call, None).unwrap();
    let mut quick = hub.subscribe(&call, None).unwrap();
    assert_eq!(drain(&mut slow), ["snapshot"]);
    assert_eq!(drain(&mut quick), ["snapshot"]);
    for n in 0..50 {
        hub.publish(&call, completed(n, "words of one utterance"));
        assert_eq!(drain(&mut quick), ["completed"]);
    }
    let Poll::Ready(Next::Snapshot { position, view }) = poll(&mut slow) else {
        panic!("the log passed it long ago");
    };
    assert_eq!(position, hub.view(&call).0);
    assert_eq!(
        view.settled.len(),
        SETTLED,
        "for a store that is a moment behind"
    );
    assert_eq!(drain(&mut slow), Vec::<String>::new());
    hub.publish(&call, completed(50, "and on it goes"));
    assert_eq!(drain(&mut slow), ["completed"]);
}

#[test]
fn a_snapshot_holds_what_is_being_said() {
    let (hub, _) = hub(4);
    let call = sid("CA1");
    for event in [
        delta(0, "good"),
        partial(0, "mor"),
        delta(0, "morning"),
        partial(0, "mister"),
        partial(1, "other"),
        completed(1, "other one"),
        CallEvent::Degraded {
            level: 2,
            reason: "busy".into(),
        },
    ] {
        hub.publish(&call, event);
    }
    let view = hub.view(&call).1;
    assert_eq!(view.open.len(), 1);
    let text = |words: &[Word]| words.iter().map(|w| w.text.clone()).collect::<Vec<_>>();
    assert_eq!(text(&view.open[0].committed), ["good", "morning"]);
    assert_eq!(text(&view.open[0].partial), ["mister"]);
    assert_eq!((view.settled.len(), view.degraded), (1, Some(2)));

    hub.publish(&call, state(CallState::Finishing));
    hub.publish(
        &call,
        CallEvent::Replaced {
            version: 2,
            reason: "final".into(),
        },
    );
    let view = hub.view(&call).1;
    assert!(view.open.is_empty(), "a broken stream's utterance");
    assert!(view.settled.is_empty(), "the store has it all now");
}

#[test]
fn what_is_withdrawn_leaves_nothing() {
    let (hub, _) = hub(4);
    let call = sid("CA1");
    for (event, open) in [
        (partial(0, "you"), 1),
        (partial(0, ""), 0),
        (partial(1, "thank you"), 1),
        (completed(1, ""), 0),
    ] {
        hub.publish(&call, event);
        assert_eq!(hub.view(&call).1.open.len(), open);
    }
    assert!(hub.view(&call).1.settled.is_empty());
}

#[test]
fn streams_that_break_off_do_not_pile_up() {
    let (hub, _) = hub(4);
    let call = sid("CA1");
    for n in 0..1000 {
        hub.publish(&call, partial(n, "never completed"));
    }
    assert_eq!(hub.view(&call).1.open.len(), 16);
}

#[test]
fn many_viewers_share_one_text_and_one_too_many_is_refused() {
    let (hub, _) = hub(8);
    let call = sid("CA1");
    let mut viewers: Vec<_> = (0..500)
        .map(|_| hub.subscribe(&call, None).unwrap())
        .collect();
    assert_eq!(hub.subscribe(&call, None).err(), Some(TooManyViewers));
    assert_eq!(hub.subscribe_list(None).err(), Some(TooManyViewers));
    viewers.iter_mut().for_each(|viewer| {
        drain(viewer);
    });
    hub.publish(&call, delta(0, "hello"));
    let mut texts = viewers.iter_mut().map(|viewer| match poll(viewer) {
        Poll::Ready(Next::Event(event)) => event.json().as_ptr() as usize,
        other => panic!("{other:?}"),
    });
    let first = texts.next().unwrap();
    assert!(texts.all(|text| text == first));
    drop(viewers);
    assert!(hub.subscribe(&call, None).is_ok(), "seats are given back");
}

#[test]
fn calls_are_forgotten_some_time_after_they_end() {
    let (hub, clock) = hub(8);
    let (ended, idle, watched) = (sid("CA1"), sid("CA2"), sid("CA3"));
    let mut viewer = hub.subscribe(&ended, None).unwrap();
    let mut loyal = hub.subscribe(&watched, None).unwrap();
    for call in [&ended, &idle, &watched] {
        hub.publish(call, state(CallState::Live));
    }
    hub.publish(
        &ended,
        CallEvent::Ended {
            state: CallState::Final,
        },
    );
    for (seconds, left) in [(59, 3), (1, 2), (839, 2), (1, 1), (100_000, 1)] {
        clock.advance(Duration::from_secs(seconds));
        hub.sweep();
        assert_eq!(hub.len(), left, "after {seconds} s more");
    }
    assert_eq!(drain(&mut viewer), ["snapshot", "gone"]);
    hub.publish(&watched, state(CallState::Live));
    drain(&mut loyal);
    hub.publish(&watched, delta(0, "still here"));
    assert_eq!(drain(&mut loyal), ["delta"]);
}

#[test]
fn the_list_hears_of_states_only_and_of_the_latest_only() {
    let (hub, _) = hub(8);
    let mut list = hub.subscribe_list(None).unwrap();
    assert_eq!(drain(&mut list), ["snapshot"]);
    let call = sid("CA1");
    hub.publish(&call, state(CallState::Live));
    hub.publish(&call, delta(0, "hello"));
    assert_eq!(drain(&mut list), ["call"]);
    hub.publish(&call, state(CallState::Finishing));
    hub.publish(&call, state(CallState::Final));
    assert_eq!(drain(&mut list), ["call"]);
}

#[tokio::test]
async fn a_waiting_viewer_wakes() {
    let (hub, _) = hub(8);
    let call = sid("CA1");
    let mut viewer = hub.subscribe(&call, None).unwrap();
    assert!(matches!(viewer.next().await, Next::Snapshot { .. }));
    let publisher = hub.clone();
    let waiting = crate::tasks::spawn("viewer", async move { viewer.next().await });
    tokio::task::yield_now().await;
    publisher.publish(&call, delta(0, "hello"));
    assert!(matches!(waiting.await, Ok(Next::Event(_))));
}

#[test]
fn events_read_as_documented() {
    let json = |event: &CallEvent| serde_json::to_value(event).unwrap();
    let word = serde_json::to_value(words("hi")).unwrap();
    assert_eq!(
        json(&partial(3, "hi")),
        serde_json::json!({
            "type": "partial", "stream": 1, "track": "inbound", "utterance": 3,
            "start": 0.0, "words": word,
        })
    );
    for event in [
        partial(1, "a b"),
        delta(1, "a"),
        completed(1, "a b"),
        state(CallState::Empty),
        CallEvent::Note {
            track: None,
            at: MediaTime::ZERO,
            kind: NoteKind::Dtmf { digit: "5".into() },
        },
        CallEvent::Ended {
            state: CallState::Final,
        },
    ] {
        let value = json(&event);
        assert_eq!(value["type"], event.name());
        assert_eq!(
            serde_json::from_value::<CallEvent>(value).unwrap().name(),
            event.name()
        );
    }
}

#[test]
fn leads_have_a_log_of_their_own() {
    let (hub, _) = hub(2);
    let mut leads = hub.subscribe_leads(Some(hub.leads_position())).unwrap();
    let mut list = hub.subscribe_list(Some(hub.list_position())).unwrap();
    hub.publish_lead(&sid("CA1"), LeadNews::New);
    assert_eq!(drain(&mut leads), ["lead"]);
    hub.publish(&sid("CA1"), state(CallState::Live));
    hub.publish(&sid("CA1"), partial(0, "hello"));
    assert_eq!(drain(&mut leads), ["lead"], "its call changed");
    assert_eq!(drain(&mut list), ["call"], "and leads are no calls");
    for _ in 0..9 {
        hub.publish_lead(&sid("CA2"), LeadNews::Changed);
    }
    assert_eq!(
        drain(&mut leads),
        ["lead"],
        "the newest of a lead says it all"
    );
    for call in ["CA3", "CA4", "CA5"] {
        hub.publish_lead(&sid(call), LeadNews::New);
    }
    assert_eq!(drain(&mut leads), ["snapshot"], "the log has passed it");
}

#[test]
fn the_last_words_of_live_calls_are_at_hand() {
    let (hub, _) = hub(4);
    let (one, two) = (sid("CA1"), sid("CA2"));
    let said = |hub: &Hub, call: &CallSid| hub.last_words(call).map(|last| last.text);
    hub.publish(&one, state(CallState::Live));
    assert_eq!((said(&hub, &one), hub.words_since(0)), (None, (0, vec![])));
    for (event, expected) in [
        (partial(0, "helo"), "helo"),
        (delta(0, "hello"), "hello"),
        (partial(0, "this iss"), "hello this iss"),
        (partial(0, ""), "hello"),
        (delta(0, "this is"), "hello this is"),
        (completed(0, "Hello, this is Dana."), "Hello, this is Dana."),
        (partial(1, ""), "Hello, this is Dana."),
        (partial(1, "and"), "and"),
        (completed(1, ""), "and"),
        (delta(2, "a b c d e f g h i j"), "a b c d e f g h i j"),
        (delta(2, "k l m n o p"), "g h i j k l m n o p"),
    ] {
        hub.publish(&one, event);
        assert_eq!(said(&hub, &one).as_deref(), Some(expected));
    }
    let (seen, all) = hub.words_since(0);
    assert_eq!(all.len(), 1, "one line for a call, whatever was said");
    assert_eq!(hub.words_since(seen), (seen, vec![]));
    hub.publish(&two, partial(0, &"x".repeat(500)));
    let (_, newer) = hub.words_since(seen);
    assert_eq!(newer.len(), 1);
    assert_eq!((newer[0].call.as_str(), newer[0].text.len()), ("CA2", 120));
    hub.publish(&one, state(CallState::Finishing));
    assert_eq!(said(&hub, &one), None);
}
