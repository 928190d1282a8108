//! The last hour's figures, kept in this process: a bounded ring of samples, read off the text that
//! `/metrics` serves, so that a picture never says another thing than the monitoring does.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

/// One sample each 10 s: an hour of them. What is older is let go.
const MOST_SAMPLES: usize = 360;
/// What the pictures show at most.
pub(super) const SPAN: SignedDuration = SignedDuration::from_mins(60);

/// What there is a picture of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    Streams,
    LiveLag,
    LiveQueue,
    LiveLevel,
    DecodeLoad,
    WaitingJobs,
    DeadJobs,
}

impl Figure {
    pub(super) const ALL: [Self; 7] = [
        Self::Streams,
        Self::LiveLag,
        Self::LiveQueue,
        Self::LiveLevel,
        Self::DecodeLoad,
        Self::WaitingJobs,
        Self::DeadJobs,
    ];
}

/// A value of each figure; none where there was nothing to measure.
type Values = [Option<f64>; Figure::ALL.len()];

#[derive(Debug, Default)]
pub(super) struct Figures(Mutex<Ring>);

#[derive(Debug, Default)]
struct Ring {
    samples: VecDeque<(Timestamp, Values)>,
    /// What only grows, as it stood at the last sample.
    last: Option<(Timestamp, Totals)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    lag_seconds: f64,
    lags: f64,
    decode_ms: f64,
}

impl Figures {
    pub(super) fn note(&self, at: Timestamp, metrics: &str) {
        let totals = Totals {
            lag_seconds: sum(metrics, "callscribe_live_lag_seconds_sum", "").unwrap_or(0.0),
            lags: sum(metrics, "callscribe_live_lag_seconds_count", "").unwrap_or(0.0),
            decode_ms: sum(metrics, "callscribe_decode_cpu_milliseconds_total", "").unwrap_or(0.0),
        };
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut lag, mut load) = (None, None);
        if let Some((then, was)) = ring.last {
            let passed = at.duration_since(then).as_secs_f64();
            let lags = totals.lags - was.lags;
            lag = (lags > 0.0).then(|| (totals.lag_seconds - was.lag_seconds) / lags);
            load = (passed > 0.0).then(|| (totals.decode_ms - was.decode_ms) / 1000.0 / passed);
        }
        ring.last = Some((at, totals));
        let gauge = |name, label| sum(metrics, name, label);
        let values = Figure::ALL.map(|figure| match figure {
            Figure::Streams => gauge("callscribe_streams_active", ""),
            Figure::LiveLag => lag,
            Figure::LiveQueue => gauge("callscribe_live_queue_depth", ""),
            Figure::LiveLevel => gauge("callscribe_live_level", ""),
            Figure::DecodeLoad => load,
            Figure::WaitingJobs => gauge("callscribe_jobs", "state=\"queued\""),
            Figure::DeadJobs => gauge("callscribe_jobs", "state=\"dead\""),
        });
        if ring.samples.len() == MOST_SAMPLES {
            ring.samples.pop_front();
        }
        ring.samples.push_back((at, values));
    }

    /// The figure's values of the last hour, oldest first.
    pub(super) fn of(&self, figure: Figure, now: Timestamp) -> Vec<(Timestamp, f64)> {
        let since = now.checked_sub(SPAN).unwrap_or(Timestamp::MIN);
        let index = Figure::ALL.iter().position(|one| *one == figure);
        let ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let samples = ring.samples.iter().filter(|(at, _)| *at >= since);
        samples
            .filter_map(|(at, values)| Some((*at, values[index?]?)))
            .collect()
    }
}

/// The sum of all series of this name that have this label; none where there is none.
fn sum(metrics: &str, name: &str, label: &str) -> Option<f64> {
    let values = metrics.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        let is_it = labels.is_empty() || labels.starts_with('{');
        (is_it && labels.contains(label)).then(|| value.parse::<f64>().ok())?
    });
    values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(streams: u32, lags: (u32, u32), decode_ms: u32) -> String {
        format!(
            "# HELP callscribe_streams_active Media streams open now\n\
             callscribe_streams_active {streams}\n\
             callscribe_streams_active_other 99\n\
             callscribe_live_lag_seconds_bucket{{le=\"1\"}} 5\n\
             callscribe_live_lag_seconds_sum {}\n\
             callscribe_live_lag_seconds_count {}\n\
             callscribe_decode_cpu_milliseconds_total{{class=\"live\"}} {decode_ms}\n\
             callscribe_decode_cpu_milliseconds_total{{class=\"batch\"}} 1000\n\
             callscribe_jobs{{kind=\"a\",state=\"queued\"}} 2\n\
             callscribe_jobs{{kind=\"b\",state=\"queued\"}} 3\n\
             callscribe_jobs{{kind=\"b\",state=\"dead\"}} 1\n",
            lags.0, lags.1
        )
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + secs).unwrap()
    }

    #[test]
    fn gauges_are_summed_and_totals_become_rates() {
        let figures = Figures::default();
        figures.note(at(0), &metrics(3, (0, 0), 0));
        figures.note(at(10), &metrics(4, (6, 4), 15_000));
        figures.note(at(20), &metrics(5, (6, 4), 15_000));
        let of = |figure| {
            let values = figures.of(figure, at(20)).into_iter();
            values.map(|(_, value)| value).collect::<Vec<_>>()
        };
        for (figure, expected) in [
            (Figure::Streams, &[3.0, 4.0, 5.0][..]),
            (Figure::LiveLag, &[1.5]),
            (Figure::DecodeLoad, &[1.5, 0.0]),
            (Figure::WaitingJobs, &[5.0, 5.0, 5.0]),
            (Figure::DeadJobs, &[1.0, 1.0, 1.0]),
            (Figure::LiveQueue, &[]),
        ] {
            assert_eq!(of(figure), expected, "{figure:?}");
        }
    }

    #[test]
    fn an_hour_is_kept_and_no_more() {
        let figures = Figures::default();
        for n in 0..1000 {
            figures.note(at(n * 10), "callscribe_streams_active 1\n");
        }
        assert_eq!(figures.of(Figure::Streams, at(9990)).len(), MOST_SAMPLES);
        assert_eq!(figures.of(Figure::Streams, at(9990 + 3600)).len(), 1);
        assert_eq!(figures.of(Figure::Streams, at(20_000)), []);
    }
}
