//! Files in rows: a call each, what was read out of it, and prompts that are made once.

use jiff::SignedDuration;
use serde_json::json;

use crate::{
    ids::Track,
    insight::{
        Path, Sentiment, Tokens,
        domain::{General, Pair, Useless},
    },
    store::{
        CallState, Downloaded, FILE, NewFile, READ_FILE, Reading, RecordingEnd, RecordingPart,
        TRANSCRIBE, Urgency, WRITE_PROMPT, testing::*,
    },
};

on_both!(
    a_file_is_a_call_that_is_over,
    files_come_newest_first_page_by_page,
    what_was_read_is_kept_and_replaced,
    a_prompt_is_claimed_once,
    a_person_is_not_overwritten,
);

fn new_file(sid: &str, secs: u64) -> NewFile {
    let part = RecordingPart {
        path: format!("{sid}.wav").into(),
        frames: secs * 16_000,
        channel: 0,
    };
    let end = RecordingEnd {
        parts: vec![part],
        gaps: vec![],
        detail: json!(null),
        failed: None,
    };
    NewFile {
        call: call_sid(sid),
        name: "שיחה.mp3".into(),
        kind: "mp3".into(),
        bytes: 1_200_000,
        language: None,
        speakers: [Some("Customer"), Some("Agent")],
        audio: Downloaded {
            sid: sid.parse().unwrap(),
            started_at: at(0),
            tracks: vec![(Track::Inbound, end.clone()), (Track::Outbound, end)],
        },
    }
}

fn pair() -> Pair {
    Pair::new("gardening", "hedge_trimming").unwrap()
}

async fn a_file_is_a_call_that_is_over(bench: &Bench) {
    for _ in 0..2 {
        bench
            .store
            .add_file(&new_file("FI1", 5), at(5))
            .await
            .unwrap();
    }
    let call = bench.store.call(&call_sid("FI1")).await.unwrap().unwrap();
    assert_eq!(call.direction.as_deref(), Some(FILE));
    assert_eq!(
        (call.state, call.ended_at),
        (CallState::Finishing, Some(at(5)))
    );
    assert_eq!(call.duration, secs(5));
    let streams = bench.store.streams(&call.sid).await.unwrap();
    assert_eq!(streams.len(), 1, "repeated, it is the same");
    assert_eq!(streams[0].speaker(Track::Outbound), Some("Agent"));
    assert_eq!(bench.store.recordings(&call.sid).await.unwrap().len(), 2);
    assert_eq!(bench.queued(TRANSCRIBE).await, ["FI1"]);
    assert_eq!(bench.queued(READ_FILE).await, [""; 0]);
    for (urgency, is_taken) in [(Urgency::Usual, false), (Urgency::Less, true)] {
        let due = bench.store.next_job_of(TRANSCRIBE, urgency).await.unwrap();
        assert_eq!(due.is_some(), is_taken, "{urgency:?}");
        let lease = SignedDuration::from_secs(1);
        let taken = (bench.store).take_job_of(TRANSCRIBE, urgency, "w", lease, at(5));
        let taken = taken.await.unwrap();
        assert_eq!(taken.is_some(), is_taken, "{urgency:?}");
        if let Some(job) = taken {
            let back = bench.store.postpone_job(&job, "later", at(6)).await;
            assert!(back.unwrap());
        }
    }
    let segment = said(Track::Inbound, 0, "Hello there.");
    let text = final_text("FI1", "f", vec![segment]);
    bench.store.replace_transcript(&text, at(9)).await.unwrap();
    assert_eq!(
        bench.queued(READ_FILE).await,
        ["FI1"],
        "read once it is heard"
    );
    let file = bench.store.file(&call.sid).await.unwrap().unwrap();
    assert_eq!(
        (file.name.as_str(), file.state),
        ("שיחה.mp3", CallState::Final)
    );
    assert_eq!((file.bytes, file.duration), (1_200_000, secs(5)));
    assert_eq!(bench.store.file(&call_sid("CA9")).await.unwrap(), None);
}

async fn files_come_newest_first_page_by_page(bench: &Bench) {
    for n in 0..5 {
        let file = new_file(&format!("FI{n}"), 1);
        bench.store.add_file(&file, at(10 + n)).await.unwrap();
    }
    bench.ended_call("CA1", &[], 20).await;
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let (files, next) = bench.store.files(after.as_ref(), 2).await.unwrap();
        seen.extend(files.into_iter().map(|file| file.call.to_string()));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["FI4", "FI3", "FI2", "FI1", "FI0"]);
}

async fn what_was_read_is_kept_and_replaced(bench: &Bench) {
    let call = call_sid("FI1");
    bench
        .store
        .add_file(&new_file("FI1", 5), at(5))
        .await
        .unwrap();
    let failed = Reading::failed(Useless {
        why: "it answered 500".into(),
        tokens: Tokens {
            input: 7,
            output: 1,
        },
    });
    bench
        .store
        .put_reading(&call, 2, &failed, at(9))
        .await
        .unwrap();
    assert_eq!(bench.store.reading(&call).await.unwrap(), Some((2, failed)));
    let reading = Reading {
        pair: pair(),
        confidence: 900,
        detected_by: Some(Path::Model),
        extracted_by: Some(Path::OnBox),
        general: General {
            agent_name: Some("John".into()),
            sentiment: Some(Sentiment::Positive),
            topics: vec!["hedge".into()],
            ..General::default()
        },
        specific: json!({ "a.b": "c", "n": 3 }).as_object().unwrap().clone(),
        tokens: [
            Tokens {
                input: 1_250,
                output: 890,
            },
            Tokens {
                input: 2_100,
                output: 1_500,
            },
        ],
        notes: vec!["x: dropped".into()],
        failed: Some((2, "late".into())),
    };
    bench
        .store
        .put_reading(&call, 3, &reading, at(10))
        .await
        .unwrap();
    assert_eq!(
        bench.store.reading(&call).await.unwrap(),
        Some((3, reading.clone()))
    );
    let rows = "SELECT COUNT(*) AS n FROM general g JOIN domain_specific d ON d.general_id = g.id
        WHERE g.total_tokens = 5740 AND g.file_name = 'שיחה.mp3'";
    assert_eq!(bench.count(rows).await, 1);
    // Of no file nothing is kept.
    bench
        .store
        .put_reading(&call_sid("FI9"), 1, &reading, at(10))
        .await
        .unwrap();
    assert_eq!(bench.store.reading(&call_sid("FI9")).await.unwrap(), None);
}

async fn a_prompt_is_claimed_once(bench: &Bench) {
    let known = bench.store.prompts().await.unwrap();
    assert_eq!(known.len(), 7, "the starting set");
    assert!(known.iter().all(|prompt| prompt.text.is_some()));
    let pair = pair();
    let claims = (0..10).map(|_| bench.store.claim_prompt(&pair, at(0)));
    let claims = futures_util::future::join_all(claims).await;
    let won = claims.into_iter().filter(|claim| *claim.as_ref().unwrap());
    assert_eq!(won.count(), 1);
    assert_eq!(
        bench.queued(WRITE_PROMPT).await,
        ["gardening/hedge_trimming"]
    );
    bench.store.prompt_not_made(&pair).await.unwrap();
    assert!(
        bench.store.claim_prompt(&pair, at(1)).await.unwrap(),
        "another may try"
    );
    bench
        .store
        .prompt_made(&pair, "length", at(2))
        .await
        .unwrap();
    assert!(!bench.store.claim_prompt(&pair, at(3)).await.unwrap());
    bench.store.prompt_not_made(&pair).await.unwrap();
    let made = bench.store.prompts().await.unwrap();
    let made = made.iter().find(|prompt| prompt.pair == pair).unwrap();
    assert_eq!(
        (made.text.as_deref(), made.made_by.as_str()),
        (Some("length"), "model")
    );
}

async fn a_person_is_not_overwritten(bench: &Bench) {
    let pair = pair();
    bench.store.claim_prompt(&pair, at(0)).await.unwrap();
    bench.store.put_prompt(&pair, "mine", at(1)).await.unwrap();
    bench
        .store
        .prompt_made(&pair, "the model's", at(2))
        .await
        .unwrap();
    let prompts = bench.store.prompts().await.unwrap();
    let prompt = prompts.iter().find(|prompt| prompt.pair == pair).unwrap();
    assert_eq!(
        (prompt.text.as_deref(), prompt.made_by.as_str()),
        (Some("mine"), "person")
    );
    assert!(bench.store.delete_prompt(&pair).await.unwrap());
    assert!(!bench.store.delete_prompt(&pair).await.unwrap());
}
