//! Deletion: everything of one call, nothing of another.

use crate::{
    ids::Track,
    store::{Error, NewCall, Note, NoteKind, Whose, db::args, testing::*},
};

on_both!(
    everything_of_a_call_goes_and_nothing_of_another,
    a_dry_run_changes_nothing,
    a_live_call_is_refused,
    a_number_is_its_callers,
    words_go_when_their_time_is_up,
);

/// A call with a row in every table.
async fn full(bench: &Bench, sid: &str) {
    let call = call_sid(sid);
    let stream = bench.ended_call(sid, &["live text"], 20).await;
    let recording = new_recording(&stream.key, Track::Inbound, &format!("{sid}.wav"));
    bench.store.record_opened(&recording).await.unwrap();
    bench
        .store
        .replace_transcript(
            &final_text(sid, "f", vec![said(Track::Inbound, 0, "The final text.")]),
            at(30),
        )
        .await
        .unwrap();
    let note = Note {
        call: call.clone(),
        stream: None,
        track: None,
        at: secs(1),
        kind: NoteKind::Interrupted,
    };
    bench.store.add_notes(&[note], at(30)).await.unwrap();
    bench.lead(sid, "+15550123").await;
    let recording = format!("RE{sid}");
    bench.provider_recording(&recording, sid, "/x").await;
    for sql in [
        "INSERT INTO call_log (call_sid, final_transcript, insights, path, made_by, version,
            created_at, updated_at) VALUES ($1, 'text', '{\"a\": 1}', 'on_box', '{}', 2, $2, $2)",
        "INSERT INTO deliveries (id, call_sid, target, event, version, body, state, created_at)
            VALUES ($1, $1, 't', 'call.completed', 2, '{}', 'delivered', $2)",
        "INSERT INTO delivery_attempts (delivery_id, number, started_at, took_ms)
            VALUES ($1, 1, $2, 3)",
        "INSERT INTO traces (call_sid, stream, track, build, models, trace, created_at)
            VALUES ($1, 1, 'inbound', 'b', '{}', '{}', $2)",
        "INSERT INTO files (call_sid, file_name, kind, bytes, created_at)
            VALUES ($1, 'a.mp3', 'mp3', 3, $2)",
        "INSERT INTO general (id, call_sid, file_name, version, domain, category, confidence,
            topics, action_items, stage1_input, stage1_output, stage2_input, stage2_output,
            total_tokens, notes, created_at, updated_at)
            VALUES ($1, $1, 'a.mp3', 2, 'd', 'c', 1, '[0]', '[]', 0, 0, 0, 0, 0, '[]', $2, $2)",
        "INSERT INTO domain_specific (general_id, data) SELECT $1, '[1]' FROM calls
            WHERE sid = $1 AND started_at <= $2",
        "INSERT INTO analyses (call_sid, verdict, analysis, created_at)
            VALUES ($1, 'good', '{}', $2)",
    ] {
        bench.write(sql, args![sid, at(30)]).await;
    }
}

const ALL: &str = "SELECT (SELECT COUNT(*) FROM calls) + (SELECT COUNT(*) FROM streams)
    + (SELECT COUNT(*) FROM versions) + (SELECT COUNT(*) FROM segments)
    + (SELECT COUNT(*) FROM notes) + (SELECT COUNT(*) FROM recordings)
    + (SELECT COUNT(*) FROM traces) + (SELECT COUNT(*) FROM analyses)
    + (SELECT COUNT(*) FROM leads) + (SELECT COUNT(*) FROM provider_recordings)
    + (SELECT COUNT(*) FROM call_log) + (SELECT COUNT(*) FROM deliveries)
    + (SELECT COUNT(*) FROM files) + (SELECT COUNT(*) FROM general)
    + (SELECT COUNT(*) FROM domain_specific)
    + (SELECT COUNT(*) FROM delivery_attempts) + (SELECT COUNT(*) FROM jobs) AS n";

async fn everything_of_a_call_goes_and_nothing_of_another(bench: &Bench) {
    full(bench, "CA1").await;
    let one = bench.count(ALL).await;
    full(bench, "CA2").await;
    assert_eq!(bench.count(ALL).await, 2 * one);
    let gone = bench
        .store
        .forget_call(&call_sid("CA1"), false)
        .await
        .unwrap();
    assert_eq!(bench.count(ALL).await, one);
    let rows: u64 = gone.rows.iter().map(|(_, rows)| rows).sum();
    assert_eq!(i64::try_from(rows).unwrap(), one, "{gone:?}");
    assert_eq!(gone.files, ["CA1.wav".into()] as [std::path::PathBuf; 1]);
    let whose = Whose::Call(call_sid("CA1"));
    assert_eq!(bench.store.calls_of(&whose).await.unwrap(), []);
    let again = bench.store.forget_call(&call_sid("CA1"), false).await;
    assert_eq!(again.unwrap().rows, []);
    assert_eq!(bench.count(ALL).await, one);
}

async fn a_dry_run_changes_nothing(bench: &Bench) {
    full(bench, "CA1").await;
    let before = bench.count(ALL).await;
    let would = bench
        .store
        .forget_call(&call_sid("CA1"), true)
        .await
        .unwrap();
    assert_eq!(bench.count(ALL).await, before);
    let does = bench.store.forget_call(&call_sid("CA1"), false).await;
    assert_eq!(does.unwrap(), would);
}

async fn a_live_call_is_refused(bench: &Bench) {
    bench.stream("CA1", 0).await;
    let before = bench.count(ALL).await;
    for dry_run in [true, false] {
        let refused = bench.store.forget_call(&call_sid("CA1"), dry_run).await;
        assert!(matches!(refused, Err(Error::Live(_))), "{refused:?}");
    }
    assert_eq!(bench.count(ALL).await, before);
}

async fn a_number_is_its_callers(bench: &Bench) {
    bench.lead("CA1", "+15550123").await;
    bench.lead("CA2", "+15550124").await;
    for (sid, direction, from, to) in [
        ("CA3", "inbound", "+15550123", "+15550100"),
        ("CA4", "outbound", "+15550100", "+15550123"),
        ("CA5", "inbound", "+15550124", "+15550123"),
    ] {
        let call = NewCall {
            direction: Some(direction.into()),
            from: Some(from.into()),
            to: Some(to.into()),
            ..new_call(sid)
        };
        let opened = bench.store.open_stream(&call, &new_stream(9)).await;
        opened.unwrap();
    }
    for (number, calls) in [
        ("+15550123", &["CA1", "CA3", "CA4"][..]),
        (" 15550123", &["CA1", "CA3", "CA4"]),
        ("+1 555-0123", &["CA1", "CA3", "CA4"]),
        // The business's own is not whose calls these are.
        ("+15550100", &[]),
        ("+15550199", &[]),
        ("", &[]),
        ("%", &[]),
    ] {
        let found = bench.store.calls_of(&Whose::Number(number.into())).await;
        let found: Vec<String> = found.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(found, calls, "{number:?}");
    }
}

async fn words_go_when_their_time_is_up(bench: &Bench) {
    full(bench, "CA1").await;
    bench.stream("CA2", 0).await;
    let forget = async |secs| bench.store.forget_words(at(secs)).await.unwrap();
    assert_eq!(forget(20).await, 0, "CA1 ended then");
    assert_eq!(forget(21).await, 1);
    assert_eq!(forget(21).await, 0);
    let words = "SELECT (SELECT COUNT(*) FROM segments) + (SELECT COUNT(*) FROM traces)
        + (SELECT COUNT(*) FROM deliveries)
        + (SELECT COUNT(*) FROM general WHERE topics <> '[]')
        + (SELECT COUNT(*) FROM domain_specific WHERE data <> '{}')
        + (SELECT COUNT(*) FROM call_log WHERE final_transcript IS NOT NULL) AS n";
    assert_eq!(bench.count(words).await, 0);
    let call = bench.store.call(&call_sid("CA1")).await.unwrap().unwrap();
    assert!(
        call.served_reason.contains("deleted"),
        "{}",
        call.served_reason
    );
    assert_eq!(bench.lead_status("CA1").await.0, "new", "the lead stays");
}
