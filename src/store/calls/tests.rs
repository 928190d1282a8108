//! Lists of calls, narrowed down.

use super::*;
use crate::store::{
    NewCall,
    db::{Db, Tx},
    testing::*,
};

on_both!(lists_are_narrowed_down, every_list_finds_its_index);

fn number(text: &str) -> Option<NumberEnd> {
    Some(text.parse().unwrap())
}

async fn lists_are_narrowed_down(bench: &Bench) {
    for (n, from, to) in [
        (0, Some("+972541234567"), Some("+15550100")),
        (1, Some("+15554567"), None),
        (2, None, Some("+972541234567")),
        (3, Some("client:dana"), Some("567")),
        (4, Some("+15550199"), Some("+15550199")),
    ] {
        let own = |text: Option<&str>| text.map(Into::into);
        let call = NewCall {
            from: own(from),
            to: own(to),
            ..new_call(&format!("CA{n}"))
        };
        let stream = bench
            .store
            .open_stream(&call, &new_stream(n * 100))
            .await
            .unwrap();
        if n % 2 == 0 {
            bench
                .store
                .close_stream(&stream.key, &stream_end(n * 100 + 9, 9))
                .await
                .unwrap();
        }
    }
    let with = |set: fn(&mut CallFilter)| {
        let mut filter = CallFilter::default();
        set(&mut filter);
        filter
    };
    for (filter, calls) in [
        (with(|_| ()), "CA4 CA3 CA2 CA1 CA0"),
        (with(|f| f.number = number("4567")), "CA2 CA1 CA0"),
        (with(|f| f.number = number("054-1234567")), "CA2 CA0"),
        (with(|f| f.number = number("+972 54 123 4567")), "CA2 CA0"),
        (with(|f| f.number = number("50199")), "CA4"),
        (
            with(|f| (f.which, f.number) = (Which::Live, number("4567"))),
            "CA1",
        ),
        (with(|f| f.which = Which::Finishing), "CA4 CA2 CA0"),
        (with(|f| f.since = Some(at(200))), "CA4 CA3 CA2"),
        (with(|f| f.until = Some(at(200))), "CA1 CA0"),
        (
            with(|f| (f.since, f.until) = (Some(at(100)), Some(at(400)))),
            "CA3 CA2 CA1",
        ),
        (
            with(|f| (f.since, f.which) = (Some(at(100)), Which::Ended)),
            "CA4 CA2",
        ),
    ] {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = bench
                .store
                .calls_where(&filter, cursor.as_ref(), 2)
                .await
                .unwrap();
            seen.extend(page.calls.iter().map(|call| call.sid.to_string()));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen.join(" "), calls, "{filter:?}");
    }
}

async fn every_list_finds_its_index(bench: &Bench) {
    let all = CallFilter::default();
    for (filter, indexes) in [
        (all.clone(), &["calls_by_start"][..]),
        (
            CallFilter {
                which: Which::Ended,
                ..all.clone()
            },
            &["calls_by_start"],
        ),
        (
            CallFilter {
                which: Which::Live,
                ..all.clone()
            },
            &["calls_by_state"],
        ),
        (
            CallFilter {
                which: Which::Failed,
                since: Some(at(0)),
                ..all.clone()
            },
            &["calls_by_state"],
        ),
        (
            CallFilter {
                number: number("1234567"),
                ..all.clone()
            },
            &["calls_by_caller", "calls_by_called"],
        ),
    ] {
        let plan = plan(bench, &filter).await;
        for index in indexes {
            assert!(plan.contains(index), "{index}: {plan}");
        }
        let scans = plan.contains("Seq Scan on calls") || plan.contains("SCAN calls\n");
        assert!(!scans, "{plan}");
    }
}

/// How the database goes about it; of few rows PostgreSQL would read all at once.
async fn plan(bench: &Bench, filter: &CallFilter) -> String {
    let number = filter.number.as_ref();
    let values = [
        i64::MAX.to_string(),
        "''".into(),
        "51".into(),
        "0".into(),
        i64::MAX.to_string(),
        format!("'{}'", filter.which.as_str()),
        format!("'{}'", number.map_or("", NumberEnd::as_str)),
        format!("'{}'", number.map_or("", NumberEnd::looked_up)),
    ];
    let mut sql = listing(filter).to_owned();
    for (number, value) in (1..).zip(values) {
        sql = sql.replace(&format!("${number}"), &value);
    }
    let mut tx = bench.store.db.begin().await.unwrap();
    let (explain, column) = match (&bench.store.db, &tx) {
        (Db::Sqlite { .. }, Tx::Sqlite(_)) => ("EXPLAIN QUERY PLAN", "detail"),
        _ => ("EXPLAIN", "QUERY PLAN"),
    };
    if explain == "EXPLAIN" {
        tx.run("SET LOCAL enable_seqscan = off", args![])
            .await
            .unwrap();
    }
    let rows = tx
        .rows(format!("{explain} {sql}").leak(), args![])
        .await
        .unwrap();
    rows.iter()
        .map(|row| row.text(column).unwrap() + "\n")
        .collect()
}
