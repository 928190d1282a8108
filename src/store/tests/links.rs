//! Whose call it was: the rule's word, a person's, and what is looked at again.

use jiff::tz::TimeZone;

use crate::{
    insight::{Insights, Meaning, Sentiment},
    people::{
        Region, booking, customer,
        link::{Link, Parts, Why},
    },
    store::{
        Booker, ConversationFilter, Error, LINK, Linked, LinkedBy, NewCall, Read, Understood,
        db::args, search::Query, testing::*,
    },
};

on_both!(
    a_person_s_word_stands_until_it_is_taken_back,
    who_has_the_number_is_found_with_his_bookings,
    calls_are_looked_at_again_when_a_customer_comes_changes_or_goes,
    calls_are_looked_at_again_when_a_booking_comes_moves_or_goes,
    conversations_are_found_and_paged,
    what_was_said_is_one_more_filter,
    a_word_is_found_among_many_calls,
    how_a_call_felt_is_listed_whichever_is_known_first,
    a_call_that_goes_leaves_no_link,
);

const ANN: &str = "+15550123456";

async fn customer(bench: &Bench, name: &str, phone: &str, secs: i64) -> String {
    let draft = customer::Draft {
        name: Some(name.into()),
        phones: Some(vec![phone.into()]),
        ..customer::Draft::default()
    };
    let details = draft.check(Region::default()).unwrap();
    bench
        .store
        .add_customer(&details, at(secs))
        .await
        .unwrap()
        .id
}

/// Starts `secs` after the epoch of these tests.
fn booked(secs: i64) -> booking::Details {
    let draft = booking::Draft {
        starts_at: Some(at(secs).to_string()),
        ..booking::Draft::default()
    };
    draft.check(&TimeZone::UTC).unwrap()
}

async fn book(bench: &Bench, of: &str, secs: i64) -> String {
    let of = Booker::Id(of.into());
    let made = bench.store.add_booking(&of, &booked(secs), at(0)).await;
    made.unwrap().id
}

/// A call of Ann's number that is over.
async fn called(bench: &Bench, sid: &str, secs: i64, text: &str) {
    let call = NewCall {
        from: Some(ANN.into()),
        ..new_call(sid)
    };
    let stream = bench
        .store
        .open_stream(&call, &new_stream(secs))
        .await
        .unwrap();
    let said = live_segment(&stream.key, 0, said(crate::ids::Track::Inbound, 0, text));
    bench.store.append_segments(&[said]).await.unwrap();
    let end = stream_end(secs + 10, 10);
    bench.store.close_stream(&stream.key, &end).await.unwrap();
}

async fn link(bench: &Bench, sid: &str, found: &Link) -> Linked {
    let call = call_sid(sid);
    let linked = bench.store.linked(&call, Some(ANN), found, "Hello", at(50));
    linked.await.unwrap().unwrap()
}

fn of(customer: &str, booking: Option<&str>) -> Link {
    Link {
        customer: Some(customer.into()),
        booking: booking.map(Into::into),
        parts: booking.map(|_| Parts {
            exact_date: 10,
            same_day: 3,
            ..Parts::default()
        }),
        confidence: 95,
        why: None,
    }
}

fn unknown() -> Link {
    Link {
        why: Some(Why::Unknown),
        ..Link::default()
    }
}

/// Calls that wait to be linked; none does afterwards.
async fn asked_again(bench: &Bench) -> Vec<String> {
    let queued = bench.queued(LINK).await;
    bench
        .write("DELETE FROM jobs WHERE kind = $1", args![LINK])
        .await;
    queued
}

async fn a_person_s_word_stands_until_it_is_taken_back(bench: &Bench) {
    let store = &bench.store;
    called(bench, "CA1", 0, "hello").await;
    let (ann, bob) = (
        customer(bench, "Ann", ANN, 0).await,
        customer(bench, "Bob", "", 1).await,
    );
    let (hers, his) = (book(bench, &ann, 60).await, book(bench, &bob, 60).await);
    let linked = link(bench, "CA1", &of(&ann, Some(&hers))).await;
    assert_eq!((linked.score, linked.made_by), (13, LinkedBy::Rule));
    let call = call_sid("CA1");
    for (customer, booking, said) in [
        (Some("none"), None, "no such customer"),
        (Some(bob.as_str()), Some(hers.as_str()), "no such booking"),
        (None, Some(hers.as_str()), "no such booking"),
    ] {
        let refused = store.link_by_hand(&call, customer, booking, at(60)).await;
        let why = refused.unwrap_err().to_string();
        assert!(why.contains(said), "{why}");
    }
    let told = store
        .link_by_hand(&call, Some(&bob), Some(&his), at(60))
        .await
        .unwrap();
    assert_eq!((told.made_by, told.confidence), (LinkedBy::Person, 100));
    let again = link(bench, "CA1", &of(&ann, Some(&hers))).await;
    assert_eq!(again, told, "the rule does not overwrite it");
    store.link_by_hand(&call, None, None, at(61)).await.unwrap();
    let again = link(bench, "CA1", &of(&ann, None)).await;
    assert_eq!(
        (again.customer_id, again.why),
        (None, None),
        "nobody's, by his word"
    );
    asked_again(bench).await;
    assert!(store.unlink_by_hand(&call, at(62)).await.unwrap());
    assert_eq!(asked_again(bench).await, ["CA1"]);
    assert_eq!(
        link(bench, "CA1", &of(&ann, None)).await.customer_id,
        Some(ann)
    );
    let nobody = call_sid("CA9");
    assert!(!store.unlink_by_hand(&nobody, at(62)).await.unwrap());
    let refused = store.link_by_hand(&nobody, None, None, at(62)).await;
    assert!(matches!(refused, Err(Error::NoCall(_))));
    let gone = store.linked(&nobody, None, &unknown(), "", at(62)).await;
    assert_eq!(gone.unwrap(), None);
}

async fn who_has_the_number_is_found_with_his_bookings(bench: &Bench) {
    let ann = customer(bench, "Ann", ANN, 0).await;
    let son = customer(bench, "Ben", ANN, 1).await;
    let other = customer(bench, "Cid", "+15550000000", 2).await;
    let day = 24 * 60 * 60;
    let near = [book(bench, &ann, -day).await, book(bench, &son, day).await];
    for (whose, secs) in [(&ann, day + 60), (&ann, -2 * day - 60), (&other, 0)] {
        book(bench, whose, secs).await;
    }
    let (holders, bookings) = bench.store.holders(ANN, at(0)).await.unwrap();
    let holders: Vec<String> = holders.into_iter().map(|one| one.id).collect();
    assert_eq!(holders, [ann, son]);
    let bookings: Vec<String> = bookings.into_iter().map(|one| one.id).collect();
    assert_eq!(bookings, near);
}

async fn calls_are_looked_at_again_when_a_customer_comes_changes_or_goes(bench: &Bench) {
    let store = &bench.store;
    for (sid, secs) in [("CA1", 0), ("CA2", 100)] {
        called(bench, sid, secs, "hello").await;
        link(bench, sid, &unknown()).await;
    }
    asked_again(bench).await;
    customer(bench, "Bob", "+15550000000", 200).await;
    assert!(asked_again(bench).await.is_empty(), "another's number");
    let ann = customer(bench, "Ann", ANN, 200).await;
    assert_eq!(asked_again(bench).await, ["CA1", "CA2"]);
    link(bench, "CA1", &of(&ann, None)).await;
    store
        .link_by_hand(&call_sid("CA2"), Some(&ann), None, at(210))
        .await
        .unwrap();
    let renamed = customer::Draft {
        name: Some("Anne".into()),
        phones: Some(vec![]),
        ..customer::Draft::default()
    };
    let renamed = renamed.check(Region::default()).unwrap();
    store
        .change_customer(&ann, &renamed, at(220))
        .await
        .unwrap();
    assert_eq!(
        asked_again(bench).await,
        ["CA1"],
        "a person's word is not asked again"
    );
    assert!(store.remove_customer(&ann, at(230)).await.unwrap());
    assert_eq!(asked_again(bench).await, ["CA1", "CA2"]);
    let left = store.link_of(&call_sid("CA2")).await.unwrap().unwrap();
    assert_eq!((left.customer_id, left.made_by), (None, LinkedBy::Rule));
    let late = 40 * 24 * 60 * 60;
    customer(bench, "Late", ANN, late).await;
    assert_eq!(
        asked_again(bench).await,
        ["CA1", "CA2"],
        "nobody's, however old"
    );
}

async fn calls_are_looked_at_again_when_a_booking_comes_moves_or_goes(bench: &Bench) {
    let store = &bench.store;
    let ann = customer(bench, "Ann", ANN, 0).await;
    let day = 24 * 60 * 60;
    for (sid, secs) in [("CA1", 0), ("CA2", 5 * day)] {
        called(bench, sid, secs, "hello").await;
        link(bench, sid, &of(&ann, None)).await;
    }
    asked_again(bench).await;
    let made = book(bench, &ann, 3_600).await;
    assert_eq!(asked_again(bench).await, ["CA1"]);
    link(bench, "CA1", &of(&ann, Some(&made))).await;
    let moved = store
        .change_booking(&made, None, &booked(5 * day), at(20))
        .await;
    moved.unwrap().unwrap();
    assert_eq!(
        asked_again(bench).await,
        ["CA1", "CA2"],
        "where it was, and where it is"
    );
    assert!(store.remove_booking(&made, at(30)).await.unwrap());
    assert_eq!(asked_again(bench).await, ["CA1", "CA2"]);
    let left = store.link_of(&call_sid("CA1")).await.unwrap().unwrap();
    assert_eq!(left.booking_id, None);
}

/// Every call that fits, a page a call.
async fn all_of(bench: &Bench, filter: &ConversationFilter) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = bench.store.conversations(filter, cursor.as_ref(), 1).await;
        let (page, next) = page.unwrap();
        found.extend(page.into_iter().map(|one| one.linked.call.to_string()));
        cursor = next;
        if cursor.is_none() {
            return found;
        }
    }
}

/// Ann's first call, her second about a booking, and one that is nobody's; her and the booking.
async fn three_calls(bench: &Bench) -> (String, String) {
    let ann = customer(bench, "Ann", ANN, 0).await;
    let booking = book(bench, &ann, 60).await;
    for (sid, secs, text) in [
        ("CA1", 0, "Where can I park?"),
        ("CA2", 100, "100% Vegetarian, please"),
        ("CA3", 200, "hello"),
    ] {
        called(bench, sid, secs, text).await;
    }
    let insights = "INSERT INTO call_log (call_sid, insights, summary, path, made_by, version,
            created_at, updated_at)
         VALUES ('CA2', '{\"sentiment\":\"positive\",\"topics\":[\"catering\"]}',
            '{\"title\":\"Food\",\"points\":[]}', 'model', '{}', 1, $1, $1)";
    bench.write(insights, args![at(120)]).await;
    link(bench, "CA1", &of(&ann, None)).await;
    link(bench, "CA2", &of(&ann, Some(&booking))).await;
    link(bench, "CA3", &unknown()).await;
    (ann, booking)
}

fn saying(text: &str) -> ConversationFilter {
    ConversationFilter {
        text: Some(Query::parse(text)),
        ..ConversationFilter::default()
    }
}

async fn conversations_are_found_and_paged(bench: &Bench) {
    let store = &bench.store;
    let (ann, booking) = three_calls(bench).await;
    let all = ConversationFilter::default;
    for (filter, expected) in [
        (all(), &["CA3", "CA2", "CA1"][..]),
        (
            ConversationFilter {
                customer: Some(ann.clone()),
                ..all()
            },
            &["CA2", "CA1"],
        ),
        (
            ConversationFilter {
                booking: Some(booking.clone()),
                ..all()
            },
            &["CA2"],
        ),
        (
            ConversationFilter {
                for_review: true,
                ..all()
            },
            &["CA3"],
        ),
        (
            ConversationFilter {
                from: Some(at(100)),
                to: Some(at(200)),
                ..all()
            },
            &["CA2"],
        ),
        (
            ConversationFilter {
                sentiment: Some(Sentiment::Positive),
                ..all()
            },
            &["CA2"],
        ),
    ] {
        let found = all_of(bench, &filter).await;
        assert_eq!(found, expected, "{filter:?}");
    }
    assert_eq!(store.calls_of_customer(&ann).await.unwrap(), 2);
    let filter = ConversationFilter {
        booking: Some(booking),
        ..all()
    };
    let (found, _) = store.conversations(&filter, None, 9).await.unwrap();
    assert_eq!(found[0].customer_name.as_deref(), Some("Ann"));
    assert_eq!(found[0].duration, secs(10));
    assert_eq!(found[0].insights.as_ref().unwrap().topics, ["catering"]);
}

async fn what_was_said_is_one_more_filter(bench: &Bench) {
    let (ann, booking) = three_calls(bench).await;
    for (filter, expected) in [
        (saying("VEGETARIAN"), &["CA2"][..]),
        (saying("hello OR park"), &["CA3", "CA1"]),
        (saying("hello park"), &[]),
        (saying("100% veg*"), &["CA2"]),
        (saying("%"), &[]),
        (saying("ello"), &[]),
        (
            ConversationFilter {
                customer: Some(ann.clone()),
                ..saying("hello OR park")
            },
            &["CA1"],
        ),
        (
            ConversationFilter {
                booking: Some(booking.clone()),
                sentiment: Some(Sentiment::Positive),
                ..saying("please")
            },
            &["CA2"],
        ),
        (
            ConversationFilter {
                sentiment: Some(Sentiment::Negative),
                ..saying("please")
            },
            &[],
        ),
        (
            ConversationFilter {
                for_review: true,
                ..saying("hello OR park")
            },
            &["CA3"],
        ),
        (
            ConversationFilter {
                from: Some(at(100)),
                to: Some(at(200)),
                ..saying("hello OR park OR please")
            },
            &["CA2"],
        ),
    ] {
        let found = all_of(bench, &filter).await;
        assert_eq!(found, expected, "{filter:?}");
    }
}

/// More of them than are looked at in one go.
async fn a_word_is_found_among_many_calls(bench: &Bench) {
    let ann = customer(bench, "Ann", ANN, 0).await;
    for number in 0..210 {
        let said = if [0, 105, 209].contains(&number) {
            "yes, a cake"
        } else {
            "yes"
        };
        let sid = format!("CA{number}");
        called(bench, &sid, number, said).await;
        link(bench, &sid, &of(&ann, None)).await;
    }
    let his = |text| ConversationFilter {
        customer: Some(ann.clone()),
        ..saying(text)
    };
    for filter in [saying("cake"), his("cake")] {
        let found = all_of(bench, &filter).await;
        assert_eq!(found, ["CA209", "CA105", "CA0"], "{filter:?}");
    }
    for filter in [saying("yes"), his("yes")] {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = bench.store.conversations(&filter, cursor.as_ref(), 64);
            let (page, next) = page.await.unwrap();
            found.extend(page.into_iter().map(|one| one.linked.call.to_string()));
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        let expected: Vec<String> = (0..210).rev().map(|n| format!("CA{n}")).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

async fn how_a_call_felt_is_listed_whichever_is_known_first(bench: &Bench) {
    called(bench, "CA1", 0, "hello").await;
    link(bench, "CA1", &unknown()).await;
    let read = Read {
        call: call_sid("CA1"),
        version: 1,
        final_transcript: None,
        transcription: None,
    };
    let felt = async |sentiment| {
        let meaning = Meaning {
            insights: Insights {
                sentiment,
                ..Insights::default()
            },
            ..super::call_log::meaning("")
        };
        let stored = bench.store.understood(&read, &meaning, at(20)).await;
        assert_eq!(stored.unwrap(), Understood::Stored);
    };
    let negative = ConversationFilter {
        sentiment: Some(Sentiment::Negative),
        ..ConversationFilter::default()
    };
    felt(Some(Sentiment::Negative)).await;
    assert_eq!(all_of(bench, &negative).await, ["CA1"]);
    link(bench, "CA1", &unknown()).await;
    assert_eq!(all_of(bench, &negative).await, ["CA1"], "linked again");
    felt(None).await;
    assert!(all_of(bench, &negative).await.is_empty());
}

async fn a_call_that_goes_leaves_no_link(bench: &Bench) {
    called(bench, "CA1", 0, "hello").await;
    link(bench, "CA1", &unknown()).await;
    let gone = bench
        .store
        .forget_call(&call_sid("CA1"), false)
        .await
        .unwrap();
    assert!(gone.rows.contains(&("links", 1)), "{gone:?}");
    assert_eq!(bench.store.link_of(&call_sid("CA1")).await.unwrap(), None);
}
