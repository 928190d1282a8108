//! `callscribe worker`: runs the jobs after calls without the gateway, on this machine or another one.
//!
//! It needs the gateway's database (PostgreSQL, unless both share a machine) and the gateway's folder of
//! recordings: the rows name files in it. It closes nothing that a gateway left open, and its own jobs, if it
//! is killed, are free again when their leases run out.

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use axum::{Json, Router, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::engines::{self, Loaded};
use crate::{
    after::Runner,
    config::Config,
    lifecycle::Lifecycle,
    store::{self, Store},
    tasks, telemetry,
    time::Clock,
};

/// Run the jobs after calls, without the gateway: another machine needs the same PostgreSQL, and the same
/// folder of recordings under the same path (a network share).
#[derive(clap::Args)]
pub struct Args {
    /// Serve /healthz and /metrics at this address.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

/// Runs until a signal; then jobs in hand are ended or left to whoever comes next.
///
/// # Errors
/// When the database does not open, or the folder of recordings is not there.
pub fn run(args: &Args, mut config: Config) -> anyhow::Result<ExitCode> {
    telemetry::install_logs(&config.log)?;
    let metrics = telemetry::install_metrics()?;
    let folder = &config.recording.folder;
    ensure!(
        folder.is_dir(),
        "recording.folder {} is not here: a worker reads and writes the gateway's recordings, so both need the same \
         folder under the same path (a network share)",
        folder.display()
    );
    config.downloads.hosts()?;
    // Live words are the gateway's.
    config.speech.live = false;
    // A name of its own: what a gateway of the same name left open is not this process's to close.
    config.store.node = format!(
        "{}-worker-{}",
        config.store.node,
        uuid::Uuid::new_v4().simple()
    );
    let loaded = engines::load(&config);
    super::runtime()?.block_on(work(args, &config, &loaded, metrics))?;
    Ok(ExitCode::SUCCESS)
}

async fn work(
    args: &Args,
    config: &Config,
    loaded: &Loaded,
    metrics: PrometheusHandle,
) -> anyhow::Result<()> {
    let store = super::open_store(config).await?;
    let lifecycle = Lifecycle::default();
    let closing = CancellationToken::new();
    if let Some(address) = args.listen {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("--listen {address}"))?;
        println!("callscribe worker listens on {}", listener.local_addr()?);
        let doors = doors(listener, store.clone(), metrics, closing.clone());
        drop(tasks::spawn("doors", doors));
    }
    let hearing = engines::final_pass(config, loaded, None);
    // Nobody watches calls here: pages learn of it from the rows.
    let observer = Arc::new(|_: &_, _: &_| {});
    let context = engines::context(config, store.clone(), Clock::system(), hearing, observer)?;
    let runner = Runner::start(&context);
    tracing::info!(
        database = store::describe(&config.store.url),
        folder = %config.recording.folder.display(),
        transcribe = config.jobs.transcribe_at_once,
        analyse = config.jobs.analyse_at_once,
        download = config.downloads.at_once,
        "worker"
    );
    lifecycle.listen(Duration::from_secs(config.server.drain_seconds))?;
    lifecycle.draining.cancelled().await;
    runner.stop().await;
    closing.cancel();
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

async fn doors(
    listener: TcpListener,
    store: Store,
    metrics: PrometheusHandle,
    closing: CancellationToken,
) {
    let health = move || {
        let store = store.clone();
        async move {
            match store.ping().await {
                Ok(()) => Ok(Json(serde_json::json!({ "status": "ok" }))),
                Err(_) => Err(axum::http::StatusCode::SERVICE_UNAVAILABLE),
            }
        }
    };
    let app = Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(move || async move { metrics.render() }));
    let serving = axum::serve(listener, app).with_graceful_shutdown(closing.cancelled_owned());
    if let Err(error) = serving.await {
        tracing::error!(%error, "the worker's doors are closed");
    }
}
