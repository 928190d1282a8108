use super::*;

pub(in crate::cli::load) const BEFORE: &str = r#"
# HELP callscribe_frames_total Media frames accepted
# TYPE callscribe_frames_total counter
callscribe_frames_total 100
callscribe_frames_total_of_others 7
callscribe_live_lag_seconds_bucket{le="1"} 10
callscribe_live_lag_seconds_bucket{le="60"} 10
callscribe_live_lag_seconds_bucket{le="+Inf"} 10
"#;

pub(in crate::cli::load) const AFTER: &str = r#"
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
        assert_eq!(
            grown.quantile("callscribe_live_lag_seconds", share),
            Some(seconds),
            "{share}"
        );
    }
    let all = Figures::parse(AFTER);
    assert_eq!(all.quantile("callscribe_live_lag_seconds", 0.2), Some(1.0));
    assert_eq!(all.quantile("absent", 0.5), None);
}
