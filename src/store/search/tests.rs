//! What is found, on both databases.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

use super::*;
use crate::store::{
    CallState, NewCall,
    testing::{said as testing_said, *},
};

on_both!(
    what_was_said_is_found_by_what_is_typed,
    hebrew_is_found_behind_its_prefixes,
    filters_narrow,
    a_hit_says_when_and_where,
    the_best_come_first_or_the_newest,
    pages_are_whole_and_stable,
    a_cursor_keeps_to_its_order,
    live_words_are_found_as_they_are_committed,
    the_served_version_is_searched,
    what_is_deleted_is_found_no_more,
    calls_are_listed_by_what_was_said,
    older_databases_are_indexed_when_opened,
    any_text_and_any_question_agree,
    many_matches_are_not_counted,
);

/// A call that began `secs` after the epoch, with a final text.
async fn call(bench: &Bench, sid: &str, secs: i64, said: &[(Track, u64, &str)]) {
    let stream = bench.stream(sid, secs).await;
    let end = stream_end(secs + 60, 60);
    bench.store.close_stream(&stream.key, &end).await.unwrap();
    let segments = said
        .iter()
        .map(|(track, at, text)| testing_said(*track, *at, text));
    let mut text = final_text(sid, "f", segments.collect());
    text.language = Some(if said[0].2.is_ascii() { "en" } else { "he" }.into());
    bench
        .store
        .replace_transcript(&text, at(secs + 70))
        .await
        .unwrap();
}

fn asked(typed: &str) -> Search {
    Search {
        query: Query::parse(typed),
        ..Search::default()
    }
}

async fn hits(bench: &Bench, search: &Search) -> Vec<Hit> {
    bench.store.search(search, None, 50).await.unwrap().hits
}

/// The texts of the hits, by time.
async fn texts(bench: &Bench, search: &Search) -> Vec<String> {
    let mut hits = hits(bench, search).await;
    hits.sort_by_key(|hit| (hit.call.started_at, hit.start));
    hits.iter()
        .map(|hit| {
            hit.excerpt
                .iter()
                .map(|piece| piece.text.as_str())
                .collect()
        })
        .collect()
}

async fn what_was_said_is_found_by_what_is_typed(bench: &Bench) {
    use Track::{Inbound, Outbound};
    call(
        bench,
        "CA1",
        0,
        &[
            (Inbound, 0, "Please open my red car."),
            (Outbound, 3, "A locksmith opens cars."),
            (Inbound, 6, "My car, open it!"),
        ],
    )
    .await;
    let [first, second, third] = [
        "Please open my red car.",
        "A locksmith opens cars.",
        "My car, open it!",
    ];
    for (typed, found) in [
        ("car", &[first, third][..]),
        ("CAR open", &[first, third]),
        ("cars", &[second]),
        ("car*", &[first, second, third]),
        ("lock*", &[second]),
        ("locks*", &[second]),
        ("\"open my\"", &[first]),
        ("\"my open\"", &[]),
        ("\"car open\"", &[third]),
        ("car -red", &[third]),
        ("car -\"my red\" -lock*", &[third]),
        ("red OR locksmith", &[first, second]),
        ("please locksmith", &[]),
        ("-car", &[]),
        ("", &[]),
        ("_tinbound", &[]),
        ("tinbound", &[]),
        ("car AND open", &[]),
    ] {
        assert_eq!(texts(bench, &asked(typed)).await, found, "{typed:?}");
    }
}

async fn hebrew_is_found_behind_its_prefixes(bench: &Bench) {
    let all = [
        "אני בבית שלי",
        "הַבַּיִת ברחוב",
        "ביתו של דוד",
        "הגעתי לבית־שאן",
        "צה\"ל",
    ];
    let said: Vec<_> = (0_u64..)
        .zip(all)
        .map(|(n, text)| (Track::Inbound, n * 3, text))
        .collect();
    call(bench, "CA1", 0, &said).await;
    for (typed, found) in [
        ("בית", &[0, 1, 3][..]),
        ("בַּיִת", &[0, 1, 3]),
        ("הבית", &[1]),
        ("בית -ברחוב", &[0, 3]),
        ("\"בית שאן\"", &[]),
        ("\"לבית שאן\"", &[3]),
        ("בית שאן", &[3]),
        ("בית*", &[2]),
        ("צה״ל", &[4]),
        ("צהל", &[4]),
    ] {
        let found: Vec<&str> = found.iter().map(|n| all[*n]).collect();
        assert_eq!(texts(bench, &asked(typed)).await, found, "{typed:?}");
    }
}

/// Two calls that are over, and a live one of a known number and speaker.
async fn three_calls(bench: &Bench) {
    use Track::{Inbound, Outbound};
    let first = [(Inbound, 0, "one open car"), (Outbound, 3, "two open car")];
    call(bench, "CA1", 0, &first).await;
    let second = [(Inbound, 0, "שלום car"), (Outbound, 3, "open מאוד")];
    call(bench, "CA2", 86_400, &second).await;
    let numbered = NewCall {
        from: Some("+972541234567".into()),
        ..new_call("CA3")
    };
    let mut stream = new_stream(2 * 86_400);
    stream.speakers = [Some("Noa Levi".into()), None];
    let opened = bench.store.open_stream(&numbered, &stream).await.unwrap();
    let mut segment = testing_said(Inbound, 0, "three open car");
    segment.speaker = Some("Noa Levi".into());
    let live = live_segment(&opened.key, 0, segment);
    bench.store.append_segments(&[live]).await.unwrap();
}

async fn filters_narrow(bench: &Bench) {
    fn number(text: &str) -> Option<NumberEnd> {
        Some(text.parse().unwrap())
    }
    three_calls(bench).await;
    let with = |set: fn(&mut Search)| {
        let mut search = asked("open OR שלום");
        set(&mut search);
        search
    };
    for (search, found) in [
        (with(|_| ()), "CA1 CA1 CA2 CA2 CA3"),
        (with(|s| s.since = Some(at(86_400))), "CA2 CA2 CA3"),
        (with(|s| s.until = Some(at(86_400))), "CA1 CA1"),
        (
            with(|s| (s.since, s.until) = (Some(at(1)), Some(at(86_401)))),
            "CA2 CA2",
        ),
        (with(|s| s.track = Some(Track::Outbound)), "CA1 CA2"),
        (with(|s| s.language = Some("he".into())), "CA2 CA2"),
        (with(|s| s.language = Some("fr".into())), ""),
        (with(|s| s.speaker = Some("levi".into())), "CA3"),
        (with(|s| s.speaker = Some("Levi, NOA".into())), "CA3"),
        (with(|s| s.speaker = Some("noa dana".into())), ""),
        (with(|s| s.number = number("4567")), "CA3"),
        (with(|s| s.number = number("054-1234567")), "CA3"),
        (with(|s| s.number = number("9994567")), ""),
        (with(|s| s.which = Which::Live), "CA3"),
        (with(|s| s.which = Which::Ended), "CA1 CA1 CA2 CA2"),
        (with(|s| s.which = Which::Final), "CA1 CA1 CA2 CA2"),
        (with(|s| s.which = Which::Failed), ""),
        (
            with(|s| (s.which, s.number) = (Which::Final, number("4567"))),
            "",
        ),
    ] {
        for order in [Order::Best, Order::Newest] {
            let search = Search {
                order,
                ..search.clone()
            };
            let mut calls: Vec<String> = hits(bench, &search)
                .await
                .iter()
                .map(|hit| hit.call.sid.to_string())
                .collect();
            calls.sort_unstable();
            assert_eq!(calls.join(" "), found, "{search:?}");
        }
    }
}

async fn a_hit_says_when_and_where(bench: &Bench) {
    call(
        bench,
        "CA1",
        0,
        &[(Track::Outbound, 20, "Please open, my red car.")],
    )
    .await;
    let found = hits(bench, &asked("\"my red\" car")).await;
    let [hit] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((hit.call.sid.as_str(), hit.track), ("CA1", Track::Outbound));
    assert_eq!((hit.start, hit.end), (secs(20), secs(22)));
    assert_eq!(hit.at, MediaTime::from_ms(21_000), "of the third word");
    let pieces: Vec<_> = hit
        .excerpt
        .iter()
        .map(|p| (p.text.as_str(), p.hit))
        .collect();
    let expected = [
        ("Please open, ", false),
        ("my red", true),
        (" ", false),
        ("car", true),
        (".", false),
    ];
    assert_eq!(pieces, expected);
    assert_eq!(hit.call.state, CallState::Final);
}

async fn the_best_come_first_or_the_newest(bench: &Bench) {
    call(bench, "CA1", 0, &[(Track::Inbound, 0, "car car car")]).await;
    call(
        bench,
        "CA2",
        10,
        &[(Track::Inbound, 0, "a car among many other things")],
    )
    .await;
    call(
        bench,
        "CA3",
        20,
        &[(Track::Inbound, 0, "there, a car among many other things")],
    )
    .await;
    for (order, calls) in [(Order::Best, "CA1 CA2 CA3"), (Order::Newest, "CA3 CA2 CA1")] {
        let search = Search {
            order,
            ..asked("car")
        };
        let found: Vec<String> = hits(bench, &search)
            .await
            .iter()
            .map(|hit| hit.call.sid.to_string())
            .collect();
        assert_eq!(found.join(" "), calls);
    }
}

async fn pages_are_whole_and_stable(bench: &Bench) {
    for n in 0..7 {
        let text = format!("car number {n}");
        call(
            bench,
            &format!("CA{n}"),
            n * 40 * 86_400,
            &[(Track::Inbound, 0, &text)],
        )
        .await;
    }
    for (order, which) in [
        (Order::Best, Which::All),
        (Order::Newest, Which::All),
        (Order::Best, Which::Ended),
        (Order::Newest, Which::Ended),
    ] {
        let search = Search {
            order,
            which,
            ..asked("car")
        };
        let (mut seen, mut cursor) = (Vec::new(), None);
        for page in 0..4 {
            let found = bench
                .store
                .search(&search, cursor.as_ref(), 2)
                .await
                .unwrap();
            seen.extend(found.hits.iter().map(|hit| hit.call.sid.to_string()));
            if let Some(count) = found.count {
                assert_eq!(
                    count,
                    Count {
                        at_least: 7,
                        more: false
                    }
                );
            }
            assert_eq!(found.next.is_none(), page == 3, "{order:?} {page}");
            // A later call shifts nothing.
            if page == 0 {
                let sid = format!("CANEW-{order:?}-{}", which.as_str());
                call(
                    bench,
                    &sid,
                    9_000 * 86_400,
                    &[(Track::Inbound, 0, "new car text")],
                )
                .await;
            }
            cursor = found.next.map(|next| next.to_string().parse().unwrap());
        }
        assert_eq!(
            seen,
            ["CA6", "CA5", "CA4", "CA3", "CA2", "CA1", "CA0"],
            "{order:?}"
        );
        bench
            .write("DELETE FROM calls WHERE sid LIKE 'CANEW%'", args![])
            .await;
    }
}

#[test]
fn a_cursor_is_what_was_given() {
    for wrong in ["", "a1", "b", "a.1", "ax.1", "bx", "c1"] {
        assert!(
            matches!(wrong.parse::<SearchCursor>(), Err(Error::BadCursor)),
            "{wrong}"
        );
    }
}

async fn a_cursor_keeps_to_its_order(bench: &Bench) {
    let crossed = bench
        .store
        .search(&asked("car"), Some(&SearchCursor::Below(1)), 2)
        .await;
    assert!(matches!(crossed, Err(Error::BadCursor)));
}

async fn live_words_are_found_as_they_are_committed(bench: &Bench) {
    let stream = bench.stream("CA1", 0).await;
    let put = async |number, text| {
        let segment = testing_said(Track::Inbound, number * 3, text);
        bench
            .store
            .append_segments(&[live_segment(&stream.key, number, segment)])
            .await
            .unwrap();
    };
    put(0, "open").await;
    put(1, "another one").await;
    assert_eq!(texts(bench, &asked("open")).await, ["open"]);
    put(0, "open the car").await;
    assert_eq!(texts(bench, &asked("open car")).await, ["open the car"]);
    put(0, "locked the car").await;
    assert_eq!(texts(bench, &asked("open")).await, [""; 0]);
    assert_eq!(
        texts(bench, &asked("car OR another")).await,
        ["locked the car", "another one"]
    );
}

async fn the_served_version_is_searched(bench: &Bench) {
    let stream = bench.ended_call("CA1", &["the life text"], 20).await;
    assert_eq!(texts(bench, &asked("life")).await, ["the life text"]);
    let text = final_text(
        "CA1",
        "f",
        vec![testing_said(Track::Inbound, 0, "The live text.")],
    );
    for _ in 0..2 {
        bench.store.replace_transcript(&text, at(30)).await.unwrap();
        assert_eq!(texts(bench, &asked("life")).await, [""; 0]);
        assert_eq!(texts(bench, &asked("live")).await, ["The live text."]);
    }
    let late = live_segment(&stream.key, 7, testing_said(Track::Inbound, 9, "late life"));
    bench.store.append_segments(&[late]).await.unwrap();
    assert_eq!(
        texts(bench, &asked("life")).await,
        [""; 0],
        "not what is served"
    );
    let again = bench.stream("CA1", 60).await;
    assert_eq!(
        texts(bench, &asked("life")).await,
        ["the life text", "late life"]
    );
    let more = live_segment(
        &again.key,
        0,
        testing_said(Track::Inbound, 70, "life goes on"),
    );
    bench.store.append_segments(&[more]).await.unwrap();
    assert_eq!(texts(bench, &asked("life")).await.len(), 3);
    bench
        .store
        .close_stream(&again.key, &stream_end(80, 20))
        .await
        .unwrap();
    let short = final_text("CA1", "g", vec![]);
    bench
        .store
        .replace_transcript(&short, at(90))
        .await
        .unwrap();
    assert_eq!(
        texts(bench, &asked("life")).await.len(),
        3,
        "live text is kept"
    );
}

const ENTRIES: &str = "SELECT (SELECT COUNT(*) FROM search_entries)
    + (SELECT COUNT(*) FROM search_text) AS n";

async fn what_is_deleted_is_found_no_more(bench: &Bench) {
    let said = [(Track::Inbound, 0, "unmistakable xylophone")];
    for (n, sid) in (0..).zip(["CA1", "CA2", "CA3"]) {
        call(bench, sid, n * 100, &said).await;
    }
    assert_eq!(bench.count(ENTRIES).await, 6);
    bench
        .store
        .forget_call(&call_sid("CA1"), true)
        .await
        .unwrap();
    assert_eq!(
        texts(bench, &asked("xylophone")).await.len(),
        3,
        "a dry run"
    );
    bench
        .store
        .forget_call(&call_sid("CA1"), false)
        .await
        .unwrap();
    assert_eq!(texts(bench, &asked("xylo*")).await.len(), 2);
    bench.store.forget_words(at(161)).await.unwrap();
    assert_eq!(texts(bench, &asked("xylophone")).await.len(), 1);
    bench.store.forget_words(at(9_000)).await.unwrap();
    assert_eq!(texts(bench, &asked("xylophone")).await, [""; 0]);
    assert_eq!(bench.count(ENTRIES).await, 0);
    let Some(file) = bench.options.url.strip_prefix("sqlite://") else {
        return;
    };
    // The log is moved into the file at the end.
    bench.store.close().await;
    let bytes = std::fs::read(file).unwrap();
    for word in ["xylophone", "unmistakable", "xyl"] {
        let is_there = bytes
            .windows(word.len())
            .any(|part| part == word.as_bytes());
        assert!(!is_there, "{word} is left in the file");
    }
}

async fn calls_are_listed_by_what_was_said(bench: &Bench) {
    for n in 0..6 {
        let said = if n % 2 == 0 {
            "open the car"
        } else {
            "open the door"
        };
        let said = [
            (Track::Inbound, 0, said),
            (Track::Outbound, 4, "the car, the car"),
        ];
        call(bench, &format!("CA{n}"), n * 5000, &said).await;
    }
    let live = bench.stream("CALIVE", 90_000).await;
    let segment = live_segment(
        &live.key,
        0,
        testing_said(Track::Inbound, 0, "open it live"),
    );
    bench.store.append_segments(&[segment]).await.unwrap();
    for (typed, which, found) in [
        ("car", Which::All, "CA5 CA4 CA3 CA2 CA1 CA0"),
        ("open", Which::All, "CALIVE CA5 CA4 CA3 CA2 CA1 CA0"),
        ("open", Which::Live, "CALIVE"),
        ("open", Which::Ended, "CA5 CA4 CA3 CA2 CA1 CA0"),
        ("\"the door\"", Which::Final, "CA5 CA3 CA1"),
        ("nothing", Which::All, ""),
    ] {
        let filter = CallFilter {
            which,
            ..CallFilter::default()
        };
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let query = Query::parse(typed);
            let page = bench
                .store
                .calls_saying(&query, &filter, cursor.as_ref(), 2)
                .await
                .unwrap();
            seen.extend(page.calls.iter().map(|call| call.sid.to_string()));
            cursor = page.next.map(|next| next.to_string().parse().unwrap());
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen.join(" "), found, "{typed} {which:?}");
    }
}

async fn older_databases_are_indexed_when_opened(bench: &Bench) {
    call(bench, "CA1", 0, &[(Track::Inbound, 0, "from before")]).await;
    bench.ended_call("CA2", &["from before, live"], 5).await;
    bench.write("DELETE FROM search_entries", args![]).await;
    bench
        .write("UPDATE search_calls SET version = NULL", args![])
        .await;
    assert_eq!(texts(bench, &asked("before")).await, [""; 0]);
    let again = bench.again().await;
    assert_eq!(texts(bench, &asked("before")).await.len(), 2);
    again.close().await;
}

/// The databases find what the words say, whatever is said and asked.
async fn any_text_and_any_question_agree(bench: &Bench) {
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let said = prop_oneof![
        3 => "[abc]{1,3}( [abc]{1,3}){0,5}",
        2 => "[בתהו]{1,3}( [בתהו]{1,3}){0,5}",
        2 => ".{1,40}",
    ];
    let typed = prop_oneof![
        4 => "(-?\"?[abcבתהו]{1,3}[*\"]{0,2} ?(OR )?){1,5}",
        2 => ".{1,30}",
    ];
    let mut texts = Vec::new();
    for n in 0..60_u64 {
        let text: String = said.new_tree(&mut runner).unwrap().current();
        texts.push(testing_said(
            Track::Inbound,
            n * 3,
            &text.replace('\0', " "),
        ));
    }
    let stream = bench.stream("CA1", 0).await;
    bench
        .store
        .close_stream(&stream.key, &stream_end(500, 500))
        .await
        .unwrap();
    let text = final_text("CA1", "f", texts.clone());
    bench
        .store
        .replace_transcript(&text, at(600))
        .await
        .unwrap();
    for _ in 0..200 {
        let typed: String = typed.new_tree(&mut runner).unwrap().current();
        let query = Query::parse(&typed);
        let expected: Vec<MediaTime> = texts
            .iter()
            .filter(|said| query.holds(&fold::tokens(&said.text)))
            .map(|said| said.start)
            .collect();
        let search = Search {
            order: Order::Newest,
            ..asked(&typed)
        };
        let matches = bench.store.matches(&search, i64::MAX, 100).await.unwrap();
        let mut found: Vec<MediaTime> = Vec::new();
        for some in matches.found.chunks(50) {
            let ids: Vec<i64> = some.iter().map(|found| found.id).collect();
            let hits = bench.store.hits(&search, &ids).await.unwrap();
            found.extend(hits.iter().map(|hit| hit.start));
        }
        found.sort_unstable();
        assert_eq!(found, expected, "{typed:?}");
    }
}

async fn many_matches_are_not_counted(bench: &Bench) {
    let said: Vec<_> = (0..600)
        .map(|n| (Track::Inbound, n * 2, "the same"))
        .collect();
    call(bench, "CA1", 0, &said).await;
    let found = bench.store.search(&asked("same"), None, 50).await.unwrap();
    assert_eq!(
        found.count,
        Some(Count {
            at_least: RANKED,
            more: true
        })
    );
    assert_eq!(found.hits.len(), 50);
    let (mut pages, mut cursor) = (1, found.next);
    while let Some(next) = cursor {
        cursor = bench
            .store
            .search(&asked("same"), Some(&next), 50)
            .await
            .unwrap()
            .next;
        pages += 1;
    }
    assert_eq!(pages, RANKED / 50, "the ranked ones");
}
