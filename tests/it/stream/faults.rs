//! Faults met in the wild, by their number.

use callscribe::{
    call::{Anomaly::*, EndReason, Input, Options, Refusal},
    ids::Track,
};

use super::scenario::{IN, OUT, Scenario};

const SILENCE: u8 = 0xFF;

#[test]
fn fault_01_no_start_within_5_s_is_closed_with_1008() {
    let waiting = Scenario::accepted().connected().wait_ms(4_999);
    assert!(waiting.is_open());
    let closed = waiting.wait_ms(1);
    assert_eq!(closed.seen.closed, Some(1008));
    assert_eq!(closed.seen.ended, Some(EndReason::StartTimeout));
    let quiet = closed.start(&[IN]).expect(&[]);
    assert_eq!(quiet.seen.started, 0, "too late");
}

#[test]
fn fault_03_media_before_start_is_dropped_and_counted() {
    let s = Scenario::accepted()
        .connected()
        .frame(IN, 0, 7, 160)
        .text(r#"{"event":"mark","mark":{"name":"x"}}"#)
        .stop()
        .start(&[IN])
        .frame(IN, 0, 8, 160)
        .expect(&[(MediaBeforeStart, 1), (EventBeforeStart, 2)]);
    assert_eq!(s.runs(IN), [(8, 160)]);
}

#[test]
fn fault_04_a_second_start_is_ignored() {
    let s = Scenario::one_track().frame(IN, 0, 1, 160);
    let s = s
        .text(r#"{"event":"start","streamSid":"MZ2","start":{"callSid":"CA2"}}"#)
        .frame(IN, 20, 2, 160)
        .expect(&[(SecondStart, 1)]);
    assert_eq!(s.seen.started, 1);
    assert_eq!(s.steps(), [1, 2]);
}

#[test]
fn fault_06_a_start_for_another_call_is_refused() {
    for (expected, end) in [
        ("CA1", None),
        ("CA2", Some(EndReason::Refused(Refusal::WrongCall))),
    ] {
        let s = Scenario::accepted().expecting(expected).start(&[IN]);
        assert_eq!(s.seen.ended, end, "{expected}");
        assert_eq!(s.seen.closed, end.map(|_| 1008), "{expected}");
        assert_eq!(s.seen.started, usize::from(end.is_none()), "{expected}");
    }
}

#[test]
fn a_start_that_names_no_call_or_another_format_is_refused() {
    for (start, refusal, code) in [
        (r#""streamSid":"MZ1""#, Refusal::BadStart, 1008),
        (r#""callSid":"CA1""#, Refusal::BadStart, 1008),
        (
            r#""callSid":"../x","streamSid":"MZ1""#,
            Refusal::BadStart,
            1008,
        ),
        (
            r#""callSid":"CA1","streamSid":"MZ1","mediaFormat":{"encoding":"audio/x-l16"}"#,
            Refusal::Format,
            1003,
        ),
    ] {
        let s = Scenario::accepted().text(&format!(r#"{{"event":"start","start":{{{start}}}}}"#));
        assert_eq!(s.seen.ended, Some(EndReason::Refused(refusal)), "{start}");
        assert_eq!(s.seen.closed, Some(code), "{start}");
    }
}

#[test]
fn fault_07_a_close_without_stop_is_final_once() {
    let s = Scenario::one_track().inbound(&[0, 40]).closed();
    assert_eq!(s.seen.ended, Some(EndReason::Closed));
    assert_eq!(s.seen.closed, None, "the socket is gone");
    assert_eq!(s.steps(), [1, SILENCE, 2], "what was held is not lost");
    s.closed()
        .input(Input::Tick)
        .input(Input::ServerClosing)
        .expect(&[]);
}

#[test]
fn fault_08_stop_then_close_is_one_end() {
    let s = Scenario::one_track().inbound(&[0]).stop();
    assert_eq!(s.seen.ended, Some(EndReason::Stopped));
    assert_eq!(s.seen.closed, Some(1000));
    // The ledger panics on anything after the end.
    s.closed()
        .stop()
        .frame(IN, 20, 2, 160)
        .wait_ms(100_000)
        .expect(&[]);
}

#[test]
fn fault_09_a_half_open_socket_is_closed_when_idle() {
    let s = Scenario::one_track().inbound(&[0]).wait_ms(29_999);
    assert!(s.is_open());
    let s = s.text("junk").input(Input::Binary(3)).wait_ms(1);
    assert_eq!(s.seen.ended, Some(EndReason::Idle), "junk is no life");
    assert_eq!(s.seen.closed, Some(1008));
}

#[test]
fn fault_10_media_is_liveness() {
    let mut s = Scenario::one_track();
    for second in 0..90 {
        s = s.frame(IN, second * 1000, 1, 160).wait_ms(1000);
    }
    assert!(s.is_open());
    for other in [
        r#"{"event":"mark","mark":{"name":"x"}}"#,
        r#"{"event":"news"}"#,
    ] {
        s = s.wait_ms(28_000).text(other);
    }
    assert!(s.is_open());
}

#[test]
fn fault_11_a_close_before_the_first_message_is_quiet() {
    let s = Scenario::accepted().closed().expect(&[]);
    assert_eq!(s.seen.ended, Some(EndReason::NeverStarted));
    assert_eq!(s.seen.closed, None);
}

#[test]
fn fault_12_frames_out_of_order_are_put_in_order() {
    for (name, order, steps, anomalies) in [
        ("swapped", &[0, 40, 20, 60][..], &[1, 3, 2, 4][..], &[][..]),
        (
            "six late",
            &[0, 40, 60, 80, 100, 120, 140, 20],
            &[1, 8, 2, 3, 4, 5, 6, 7],
            &[],
        ),
        (
            "seven late",
            &[0, 40, 60, 80, 100, 120, 140, 160, 20],
            &[1, SILENCE, 2, 3, 4, 5, 6, 7, 8],
            &[(Late, 1)],
        ),
        ("backwards", &[60, 40, 20, 0], &[4, 3, 2, 1], &[]),
        ("one lost", &[0, 40, 60], &[1, SILENCE, 2, 3], &[]),
    ] {
        let s = Scenario::one_track().inbound(order).closed();
        assert_eq!(s.steps(), steps, "{name}");
        s.expect(anomalies);
    }
}

#[test]
fn a_hole_is_settled_by_the_clock_when_nothing_follows() {
    let s = Scenario::one_track().inbound(&[0, 40]);
    assert_eq!(s.steps(), [1]);
    let s = s.wait_ms(249);
    assert_eq!(s.steps(), [1]);
    let s = s.wait_ms(1);
    assert_eq!(s.steps(), [1, SILENCE, 2]);
    assert_eq!(s.seen.gaps, [(IN, 160, 160)]);
}

#[test]
fn many_small_frames_do_not_wait_for_the_window() {
    let times: Vec<u64> = [0].into_iter().chain(10..26).collect();
    let mut s = Scenario::one_track();
    for at in times {
        s = s.frame(IN, at * 2, 1, 16);
    }
    assert_eq!(s.runs(IN), [(1, 16), (SILENCE, 144), (1, 256)], "16 held");
}

#[test]
fn fault_13_a_timestamp_jump_is_filled_and_the_timeline_kept() {
    let s = Scenario::one_track().inbound(&[0, 10_000, 10_020]).closed();
    assert_eq!(
        s.runs(IN),
        [(1, 160), (SILENCE, 79_840), (2, 160), (3, 160)]
    );
    assert_eq!(s.seen.gaps, [(IN, 160, 79_840)]);
    s.expect(&[]);
}

#[test]
fn a_stall_longer_than_the_fill_is_filled_as_far_as_the_clock_explains_it() {
    let options = Options {
        idle_timeout_ms: 700_000,
        ..Options::default()
    };
    let s = Scenario::with(options).start(&[IN]).inbound(&[0]);
    let s = s.wait_ms(600_000).frame(IN, 600_000, 2, 160).closed();
    assert_eq!(s.runs(IN), [(1, 160), (SILENCE, 4_799_840), (2, 160)]);
    s.expect(&[]);
}

#[test]
fn a_leap_of_hours_writes_nothing_and_costs_one_frame() {
    let s = Scenario::one_track()
        .inbound(&[0, 10_800_000, 20, 40])
        .expect(&[(Implausible, 1)]);
    assert_eq!(s.steps(), [1, 3, 4], "one lone leap");
    let s = Scenario::both_tracks()
        .inbound(&[0, 20, 10_800_040, 10_800_060, 10_800_080])
        .frame(OUT, 0, 1, 160)
        .frame(OUT, 10_800_040, 2, 160)
        .closed()
        .expect(&[(Implausible, 1), (ClockJump, 1)]);
    assert_eq!(s.steps(), [1, 2, 4, 5], "the sender's clock changed");
    assert_eq!(s.runs(OUT).iter().map(|r| r.1).sum::<usize>(), 640);
    assert_eq!(s.counters().filled, [0, 0], "nothing was invented");
}

#[test]
fn many_small_leaps_cannot_write_without_end() {
    let mut s = Scenario::one_track();
    for n in 0..500 {
        s = s.frame(IN, n * 59_000, 1, 160);
    }
    let filled = s.counters().filled[0];
    assert!(filled <= 60 * 8_000 + s.counters().placed[0], "{filled}");
}

#[test]
fn a_clock_that_starts_over_goes_on_where_it_was() {
    let first: Vec<u64> = (0..2_000).map(|n| n * 20).collect();
    let mut s = Scenario::one_track().frame(IN, 0, 1, 160);
    for at in &first[1..] {
        s = s.frame(IN, *at, 1, 160);
    }
    for at in &first[..100] {
        s = s.frame(IN, *at, 2, 160);
    }
    assert_eq!(s.runs(IN), [(1, 320_000), (2, 99 * 160)]);
    s.expect(&[(Implausible, 1), (ClockJump, 1)]);
}

#[test]
fn fault_14_a_burst_after_a_stall_is_placed_by_timestamp() {
    let s = Scenario::one_track().inbound(&[0, 20]).wait_ms(3_000);
    let s = (3..150).fold(s, |s, n| s.frame(IN, (n - 1) * 20, 7, 160));
    assert_eq!(s.runs(IN), [(1, 160), (2, 160), (7, 147 * 160)]);
    s.expect(&[]);
}

#[test]
fn fault_15_a_repeated_sequence_number_is_taken_once() {
    let s = Scenario::one_track()
        .raw("\"2\"", "\"0\"", 1)
        .raw("\"2\"", "\"0\"", 1)
        .raw("3", "20", 2)
        .raw("2", "0", 1)
        .raw("5", "60", 4)
        .raw("5", "60", 4)
        .raw("4", "40", 3)
        .raw("5", "null", 4)
        .expect(&[(Repeat, 4)]);
    assert_eq!(s.steps(), [1, 2, 3, 4]);
}

#[test]
fn a_sender_that_numbers_every_frame_alike_is_heard() {
    let s = (0..50).fold(Scenario::one_track(), |s, n| {
        s.raw("1", &(n * 20).to_string(), 9)
    });
    assert_eq!(s.runs(IN), [(9, 50 * 160)]);
    s.expect(&[]);
}

#[test]
fn frames_without_a_usable_timestamp_follow_the_last() {
    for bad in [
        "null",
        "\"\"",
        "\"soon\"",
        "-20",
        "1e99",
        "\"99999999999999999\"",
    ] {
        let s = Scenario::one_track()
            .raw("2", "0", 1)
            .raw("3", bad, 2)
            .raw("4", "40", 3)
            .expect(&[(Untimed, 1)]);
        assert_eq!(s.steps(), [1, 2, 3], "{bad}");
    }
}

#[test]
fn fault_16_both_tracks_run_on_one_clock() {
    let s = Scenario::both_tracks()
        .frame(IN, 0, 1, 160)
        .frame(OUT, 0, 2, 160)
        .frame(OUT, 20, 3, 160)
        .frame(IN, 20, 4, 160)
        .frame(OUT, 40, 5, 160)
        .stop()
        .expect(&[]);
    assert_eq!(s.runs(IN), [(1, 160), (4, 160), (SILENCE, 160)]);
    assert_eq!(s.runs(OUT), [(2, 160), (3, 160), (5, 160)]);
    assert_eq!(s.counters().padded, [160, 0]);
}

#[test]
fn a_track_that_never_speaks_is_padded_as_the_stream_goes() {
    let mut s = Scenario::both_tracks();
    for n in 0..3_000 {
        s = s.frame(IN, n * 20, 1, 160);
    }
    let lag = s.seen.audio[0].len() - s.seen.audio[1].len();
    assert!((20 * 8_000..=30 * 8_000).contains(&lag), "{lag}");
    assert!(s.seen.gaps.len() <= 6, "a gap every 10 s, not every frame");
    let s = s.closed();
    assert_eq!(s.runs(OUT), [(SILENCE, 480_000)]);
}

#[test]
fn fault_17_drift_is_bounded_by_the_slack() {
    for len in [158, 159, 161, 162] {
        let mut s = Scenario::one_track();
        for n in 0..5_000 {
            s = s.frame(IN, n * 20, 1, len);
            let (ends, due) = (
                s.seen.audio[0].len(),
                usize::try_from(n).unwrap() * 160 + len,
            );
            // What is held for the hole before it is not out yet.
            let held = 8 * 160;
            assert!(
                ends <= due + 40 && ends + held + 40 >= due,
                "{len}: {ends} for {due}"
            );
        }
        let ends = s.closed().seen.audio[0].len();
        assert!(ends.abs_diff(5_000 * 160) <= 42, "{len}: {ends}");
    }
}

#[test]
fn fault_18_payloads_of_any_length_keep_the_state() {
    let s = Scenario::one_track()
        .frame(IN, 0, 1, 160)
        .frame(IN, 20, 0, 0)
        .frame(IN, 20, 2, 1)
        .frame(IN, 20, 3, 159)
        .frame(IN, 40, 4, 161)
        .frame(IN, 60, 5, 8000)
        .frame(IN, 1060, 6, 160)
        .expect(&[]);
    let runs = [(1, 160), (2, 1), (3, 159), (4, 161), (5, 8000), (6, 160)];
    assert_eq!(s.runs(IN), runs);
    assert_eq!(s.counters().frames, [7, 0]);
}

#[test]
fn fault_19_bad_base64_costs_its_frame_only() {
    let good = callscribe::wire::payload::encode(&[3; 160]);
    for bad in [
        good.trim_end_matches('=').to_owned(),
        "_-__".to_owned(),
        format!(" {good}"),
        good.replacen('A', " A", 1),
        "%%%".to_owned(),
    ] {
        let s = Scenario::one_track()
            .frame(IN, 0, 1, 160)
            .text(&format!(
                r#"{{"event":"media","sequenceNumber":"3","media":{{"track":"inbound","timestamp":"20","payload":"{bad}"}}}}"#
            ))
            .frame(IN, 40, 2, 160)
            .closed()
            .expect(&[(BadPayload, 1)]);
        assert_eq!(s.steps(), [1, SILENCE, 2], "{bad:?}");
    }
}

#[test]
fn fault_20_ints_missing_optionals_and_extras_are_accepted() {
    let payload = callscribe::wire::payload::encode(&[5; 160]);
    let s = Scenario::accepted()
        .text(r#"{"event":"start","more":{"a":[1]},"start":{"streamSid":"MZ1","callSid":"CA1"}}"#)
        .text(&format!(
            r#"{{"event":"media","media":{{"payload":"{payload}","timestamp":0,"x":1}}}}"#
        ))
        .text(r#"{"event":"stop"}"#)
        .expect(&[]);
    assert_eq!(s.runs(IN), [(5, 160)], "the only track needs no name");
    assert_eq!(s.seen.ended, Some(EndReason::Stopped));
}

#[test]
fn fault_21_junk_is_ignored_and_counted() {
    let s = Scenario::one_track()
        .frame(IN, 0, 1, 160)
        .text("")
        .text("{")
        .text("[1,2]")
        .text(r#"{"event":"media"}"#)
        .text(r#"{"event":"pulse","pulse":{}}"#)
        .input(Input::Binary(160))
        .text(r#"{"event":"media","streamSid":"MZ9","media":{"payload":""}}"#)
        .text(r#"{"event":"media","media":{"track":"sideways","payload":""}}"#)
        .connected()
        .frame(IN, 20, 2, 160);
    let s = s.frame(OUT, 0, 3, 160).expect(&[
        (BadMessage, 4),
        (UnknownEvent, 1),
        (Binary, 1),
        (ForeignStream, 1),
        (BadTrack, 1),
        (UndeclaredTrack, 1),
    ]);
    assert_eq!(s.steps(), [1, 2]);
    assert_eq!(s.runs(OUT), [(3, 160)], "heard all the same");
}

#[test]
fn fault_22_messages_over_64_kib_are_closed_with_1009_before_parsing() {
    let limit = 64 * 1024;
    let fits = format!(r#"{{"event":"x","pad":"{}"}}"#, "x".repeat(limit - 22));
    assert_eq!(fits.len(), limit);
    for (name, input, open) in [
        ("fits", Input::Text(&fits), true),
        ("binary fits", Input::Binary(limit), true),
        ("too long", Input::Text(&format!("{fits} ")), false),
        ("binary too long", Input::Binary(limit + 1), false),
    ] {
        let s = Scenario::one_track().inbound(&[0]).input(input);
        assert_eq!(s.is_open(), open, "{name}");
        assert_eq!(s.seen.closed, (!open).then_some(1009), "{name}");
    }
}

#[test]
fn fault_24_marks_are_reported_whenever_they_come() {
    let s = Scenario::one_track()
        .inbound(&[0, 20])
        .text(r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"סוף \"1\""}}"#)
        .text(&format!(
            r#"{{"event":"mark","mark":{{"name":"{}"}}}}"#,
            "n".repeat(9_000)
        ))
        .expect(&[]);
    assert_eq!(s.seen.marks[0].0, "סוף \"1\"");
    assert_eq!(s.seen.marks[0].1.as_ms(), 40);
    assert_eq!(s.seen.marks[1].0.len(), 256, "a name has a bound");
}

#[test]
fn fault_25_every_key_of_a_keypad_and_unknown_ones() {
    let press = |s: Scenario, digit: &str| {
        s.text(&format!(
            r#"{{"event":"dtmf","dtmf":{{"track":"inbound_track","digit":{digit}}}}}"#
        ))
    };
    let keys = ["\"0\"", "9", "\"*\"", "\"#\"", "\"A\"", "\"d\""];
    let s = keys
        .into_iter()
        .fold(Scenario::one_track().inbound(&[0]), press);
    let pressed: String = s.seen.dtmf.iter().map(|d| d.1).collect();
    assert_eq!(pressed, "09*#AD");
    assert!(s.seen.dtmf.iter().all(|d| d.0 == IN && d.2.as_ms() == 20));
    let unknown = ["\"E\"", "\"\"", "\"12\"", "\"א\"", "true"];
    let s = unknown
        .into_iter()
        .fold(s, press)
        .expect(&[(UnknownDigit, 5)]);
    assert_eq!(s.seen.dtmf.len(), 6);
}

#[test]
fn a_server_that_goes_down_ends_its_streams() {
    let s = Scenario::one_track()
        .inbound(&[0, 40])
        .input(Input::ServerClosing);
    assert_eq!(s.seen.closed, Some(1001));
    assert_eq!(s.seen.ended, Some(EndReason::ServerClosing));
    assert_eq!(s.steps(), [1, SILENCE, 2]);
    let s = Scenario::accepted().input(Input::ServerClosing);
    assert_eq!(s.seen.closed, Some(1001));
}

#[test]
fn fault_26_streams_know_nothing_of_each_other() {
    let mut streams: Vec<Scenario> = (0..50).map(|_| Scenario::both_tracks()).collect();
    for n in 0..20 {
        let step = |(k, s): (usize, Scenario)| {
            s.frame(Track::ALL[k % 2], n * 20, u8::try_from(k).unwrap(), 160)
        };
        streams = streams.into_iter().enumerate().map(step).collect();
    }
    for (k, s) in streams.into_iter().enumerate() {
        assert_eq!(
            s.runs(Track::ALL[k % 2]),
            [(u8::try_from(k).unwrap(), 3200)]
        );
    }
}
