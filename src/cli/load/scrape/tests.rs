use super::*;

const BEFORE: &str = r#"
# HELP callscribe_frames_total Media frames accepted
# TYPE callscribe_frames_total counter
callscribe_frames_total 100
callscribe_frames_total_of_others 7
callscribe_live_lag_seconds_bucket{le="1"} 10
callscribe_live_lag_seconds_bucket{le="60"} 10
callscribe_live_lag_seconds_bucket{le="+Inf"} 10
"#;

const AFTER: &str = r#"
callscribe_frames_total 350
callscribe_streams_active 2
callscribe_gap_milliseconds_total{track="inbound"} 40
callscribe_gap_milliseconds_total{track="outbound"} 20 1700000000000
callscribe_queue_dropped_total{queue="facts"} 3
callscribe_streams_refused_total{reason="full"} 4
callscribe_stream_anomalies_total{kind="a } b \" c"} 1
callscribe_live_level 2
callscribe_live_lag_seconds_bucket{le="1"} 10
callscribe_live_lag_seconds_bucket{le="60"} 29
callscribe_live_lag_seconds_bucket{le="+Inf"} 30
callscribe_live_lag_seconds_sum 33.5
  }{ <html>junk</html> 12
{} 3
callscribe_frames_total
callscribe_bad{le="1 5
callscribe_frames_total NaN
callscribe_frames_total{x="y"} +Inf
callscribe_frames_total twelve
"#;

#[test]
fn figures_are_read_past_junk() {
    let figures = Figures::parse(AFTER);
    for (name, sum) in [
        ("callscribe_frames_total", 350.0),
        ("callscribe_gap_milliseconds_total", 60.0),
        ("callscribe_live_lag_seconds_sum", 33.5),
        ("callscribe_frames", 0.0),
        ("absent", 0.0),
    ] {
        assert!((figures.sum(name) - sum).abs() < 1e-9, "{name}");
    }
    for junk in [
        "", "\n\n", "{", "}", "a{b", "a{b=\"}", "\u{0} 1", "ש 1", "1 1",
    ] {
        assert_eq!(Figures::parse(junk), Figures::default(), "{junk:?}");
    }
}

#[test]
fn buckets_make_quantiles() {
    let grown = Figures::parse(AFTER).since(&Figures::parse(BEFORE));
    for (share, seconds) in [(0.5, 60.0), (0.95, 60.0), (0.96, 60.0), (1.0, 60.0)] {
        assert_eq!(grown.quantile(LAG, share), Some(seconds), "{share}");
    }
    let all = Figures::parse(AFTER);
    assert_eq!(all.quantile(LAG, 0.2), Some(1.0));
    assert_eq!(all.quantile("absent", 0.5), None);
}

#[test]
fn what_the_server_did_is_what_grew() {
    let compared = |sent| {
        let worst = Worst {
            level: 1,
            streams: 9,
            answer: Duration::from_millis(500),
        };
        compare(&Figures::parse(BEFORE), &Figures::parse(AFTER), worst, sent)
    };
    let expected = Told {
        frames: 250,
        frames_lost: 10,
        frames_foreign: 0,
        gap_ms: 60,
        refused: [("full".into(), 4)].into(),
        dropped: [("queue_dropped_total{queue=\"facts\"}".into(), 3)].into(),
        anomalies: [("a } b \\".into(), 1)].into(),
        live_lag_p95_s: Some(60.0),
        live_level: 2,
        streams_most: 9,
        slowest_answer_s: 0.5,
    };
    assert_eq!(compared(260), expected);
    let foreign = compared(200);
    assert_eq!((foreign.frames_lost, foreign.frames_foreign), (0, 50));
}
