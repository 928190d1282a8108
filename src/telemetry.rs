//! Logs and metrics of the process: one subscriber, one Prometheus recorder, installed once by `cli`.
//!
//! A failure is logged once, where it is handled, with call and stream ids as fields. No phone number,
//! secret or transcript text above `debug`; per-frame events at `trace`.

use std::io::IsTerminal;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::{Deserialize, Serialize};
use tracing_subscriber::{EnvFilter, fmt};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    pub format: Format,
    /// A `tracing` filter: `info`, `callscribe=debug`, `warn,callscribe::live=trace` …
    pub filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Text,
    /// One object a line.
    Json,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: Format::Text,
            // What an uploaded file is made of is no news.
            filter: "info,symphonia=error".into(),
        }
    }
}

/// Sends logs to stderr.
///
/// # Errors
/// When the filter does not parse, or logs are installed already.
pub fn install_logs(options: &Options) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&options.filter)
        .map_err(|e| anyhow::anyhow!("log.filter {:?}: {e}", options.filter))?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let installed = match options.format {
        Format::Text => builder
            .with_ansi(std::io::stderr().is_terminal())
            .try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    installed.map_err(|e| anyhow::anyhow!("logs: {e}"))
}

/// Seconds; from one frame to a stuck engine.
const LATENCY_BUCKETS: [f64; 12] = [
    0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 4.0, 10.0, 60.0,
];

/// Installs the recorder that `/metrics` renders.
///
/// # Errors
/// When a recorder is installed already.
pub fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &LATENCY_BUCKETS)?
        .install_recorder()?;
    describe();
    Ok(handle)
}

fn describe() {
    describe_gauge!("callscribe_streams_active", "Media streams open now");
    describe_counter!(
        "callscribe_streams_total",
        "Media streams by how they ended"
    );
    describe_counter!(
        "callscribe_streams_refused_total",
        "Upgrades refused, by reason"
    );
    describe_counter!(
        "callscribe_webhooks_total",
        "Webhooks taken, by door and what came of them"
    );
    describe_counter!(
        "callscribe_webhooks_refused_total",
        "Webhooks refused, by reason"
    );
    describe_counter!(
        "callscribe_frames_total",
        Unit::Count,
        "Media frames accepted"
    );
    describe_counter!(
        "callscribe_stream_anomalies_total",
        "What streams did that they should not, by kind"
    );
    describe_counter!(
        "callscribe_gap_milliseconds_total",
        "Silence filled in for audio that never came"
    );
    describe_counter!(
        "callscribe_queue_dropped_total",
        "Items that a bounded queue let go, by queue"
    );
    describe_counter!(
        "callscribe_announcements_total",
        "Calls that others were told of, by event and by which transcript went out"
    );
    describe_counter!(
        "callscribe_webhook_attempts_total",
        "Requests to the systems that are told of calls, by target and outcome"
    );
    describe_histogram!(
        "callscribe_turnaround_seconds",
        Unit::Seconds,
        "from a call's end to its transcript being understood, of each transcript"
    );
    describe_histogram!(
        "callscribe_webhook_seconds",
        Unit::Seconds,
        "How long such a request took, by target"
    );
    describe_histogram!(
        "callscribe_frame_seconds",
        Unit::Seconds,
        "From a frame read to its audio handed on"
    );
}
