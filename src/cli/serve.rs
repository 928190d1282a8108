//! `callscribe serve`: puts the rooms together and runs them to a clean end.

use std::{net::SocketAddr, path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::engines::{self, Loaded};
use crate::{
    after::{self, files::Files},
    config::Config,
    http::{
        self, About, Access, AppState,
        connections::{self, HEAD_TIMEOUT},
        microphone::Microphones,
    },
    lifecycle::Lifecycle,
    live::{
        Gateway, Shared,
        admission::{Admission, carried},
        hub::Hub,
        microphone::Studio,
    },
    recordings::{self, Recorder},
    speech::ears::Ears,
    store::{Pen, RecordingEnd, RecoveredRecording, Store},
    tasks, telemetry,
    time::Clock,
};

/// Start the server.
#[derive(clap::Args)]
pub struct Args {
    /// Address to listen on, such as 127.0.0.1:8080 (overrides server.listen).
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

/// Runs until a signal, then drains.
///
/// # Errors
/// When the set-up cannot work; `callscribe doctor` says more.
pub fn run(args: &Args, mut config: Config) -> anyhow::Result<ExitCode> {
    if let Some(listen) = args.listen {
        config.server.listen = listen;
    }
    telemetry::install_logs(&config.log)?;
    let metrics = telemetry::install_metrics()?;
    bound_streams(&mut config);
    let loaded = engines::load(&config);
    super::runtime()?.block_on(async move {
        let server = Server::start(&config, loaded, Clock::system(), metrics).await?;
        server
            .lifecycle
            .listen(Duration::from_secs(config.server.drain_seconds))?;
        welcome(server.address, &config);
        server.finished().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// No more streams than there may be files for: the others are told so before they begin.
fn bound_streams(config: &mut Config) {
    let files = rlimit::increase_nofile_limit(u64::MAX);
    let files = files.or_else(|_| rlimit::Resource::NOFILE.get().map(|(soft, _)| soft));
    let wanted = config.media.max_streams;
    match files {
        Ok(files) => config.media.max_streams = carried(wanted, files),
        Err(error) => tracing::warn!(%error, "how many files may be open is not known"),
    }
    let carried = config.media.max_streams;
    if carried < wanted {
        tracing::warn!(
            wanted,
            carried,
            "media.max_streams is bounded by the limit of open files (ulimit -n)"
        );
    }
}

/// A recording to try the server with, where it runs in the project's folder.
const SAMPLE: &str = "tests/fixtures/audio/two_speakers.wav";

fn welcome(address: SocketAddr, config: &Config) {
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "callscribe".into());
    let sample = if Path::new(SAMPLE).exists() {
        SAMPLE
    } else {
        "FILE.wav"
    };
    let door = format!("ws://{address}{}", config.media.path);
    println!("callscribe listens on {address}");
    println!("  page      http://{address}/");
    println!("  streams   {door}");
    println!("  calls     http://{address}{}", config.twilio.voice_path);
    println!("  database  {}", crate::store::describe(&config.store.url));
    println!(
        "  recording {}",
        if config.recording.enabled {
            config.recording.folder.display().to_string()
        } else {
            "off".into()
        }
    );
    println!("Stream a recording to it, from another terminal:");
    println!("  {program} replay {sample} --url {door}");
}

/// A running server.
pub struct Server {
    /// Where it listens; the port is a real one also where 0 was asked for.
    pub address: SocketAddr,
    pub lifecycle: Lifecycle,
    pub gateway: Gateway,
    jobs: after::Runner,
    access: Arc<Access>,
    closing: CancellationToken,
    doors: JoinHandle<()>,
}

impl Server {
    /// Finishes what a crash left, then opens the doors.
    ///
    /// # Errors
    /// When the address is taken, the database does not open, or the set-up would be unsafe.
    pub async fn start(
        config: &Config,
        loaded: Loaded,
        clock: Clock,
        metrics: PrometheusHandle,
    ) -> anyhow::Result<Self> {
        refuse_unsafe(config)?;
        let listener = TcpListener::bind(config.server.listen)
            .await
            .with_context(|| format!("server.listen {}", config.server.listen))?;
        let address = listener.local_addr()?;
        let store = super::open_store(config).await?;
        recover(config, &store, &clock).await?;

        let lifecycle = Lifecycle::default();
        let closing = CancellationToken::new();
        let gateway = gateway(config, &loaded, &store, &lifecycle, &clock)?;
        let context = engines::beside(config, &loaded, &gateway)?;
        let jobs = after::Runner::start(&context);
        let files = Files::new(context, config.files.clone());
        let about = About::new(clock.clone(), &config.recording, loaded.names());
        let about = Arc::new(about);
        let render = metrics.clone();
        let watch = Arc::clone(&about).watch(move || render.render(), closing.clone());
        drop(tasks::spawn("figures", watch));
        let access = Access::new(config.server.listen, &config.http, config.server.proxies())?;
        let access = Arc::new(access);
        let app = app(config, &gateway, files, &access, &closing, metrics, about);
        let doors = connections::serve(listener, app, closing.clone(), HEAD_TIMEOUT);
        let doors = tasks::spawn("doors", doors);
        drop(tasks::spawn(
            "hub sweep",
            sweep(gateway.hub.clone(), closing.clone()),
        ));
        Ok(Self {
            address,
            lifecycle,
            gateway,
            jobs,
            access,
            closing,
            doors,
        })
    }

    /// Waits for a drain to be asked for and done, then closes everything in order.
    pub async fn finished(self) {
        self.lifecycle.draining.cancelled().await;
        self.lifecycle.calls.wait().await;
        self.jobs.stop().await;
        self.closing.cancel();
        if tokio::time::timeout(CLOSING, self.doors).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        if let Some(recorder) = self.gateway.recorder.clone() {
            let _ = tasks::blocking("recorder", move || recorder.shutdown()).await;
        }
        self.gateway.pen.close().await;
        self.access.settled().await;
        self.gateway.store.close().await;
        tracing::info!("stopped");
    }
}

/// Forgets calls that ended.
async fn sweep(hub: Hub, closing: CancellationToken) {
    let mut every = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            _ = every.tick() => hub.sweep(),
        }
    }
}

const SWEEP: Duration = Duration::from_secs(30);

/// How long connections that are neither streams nor events may take to end.
const CLOSING: Duration = Duration::from_secs(3);

fn refuse_unsafe(config: &Config) -> anyhow::Result<()> {
    let local = config.server.listen.ip().is_loopback();
    ensure!(
        local || config.media.auth_token.is_some() || config.media.allow_unsigned,
        "server.listen {} is reachable from other machines, but media.auth_token is not set: anybody could stream to it. \
         Set it (TWILIO_AUTH_TOKEN), or media.allow_unsigned = true if that is meant",
        config.server.listen
    );
    config.downloads.hosts()?;
    if !config.media.path.starts_with('/') {
        bail!("media.path {:?} must begin with /", config.media.path);
    }
    config.twilio.check(&config.media.path)?;
    Ok(())
}

async fn recover(config: &Config, store: &Store, clock: &Clock) -> anyhow::Result<()> {
    let folder = config.recording.folder.clone();
    let now = clock.wall();
    let find = move || {
        let found = recordings::recover(&folder).into_iter();
        let ends = found.filter_map(|one| RecordingEnd::on_disk(&one.path));
        ends.map(|end| RecoveredRecording { end })
            .collect::<Vec<_>>()
    };
    let recovered = tasks::blocking("recover", find).await?;
    let found = store.mark_interrupted(&recovered, now).await?;
    if !found.calls.is_empty() {
        tracing::warn!(
            calls = found.calls.len(),
            "calls that a crash cut: marked interrupted, to be transcribed"
        );
    }
    if found.jobs > 0 {
        tracing::warn!(jobs = found.jobs, "jobs that a crash cut run again");
    }
    Ok(())
}

fn gateway(
    config: &Config,
    loaded: &Loaded,
    store: &Store,
    lifecycle: &Lifecycle,
    clock: &Clock,
) -> anyhow::Result<Gateway> {
    let recorder = match config.recording.enabled {
        true => Some(Recorder::start(config.recording.clone(), clock.clone())?),
        false => None,
    };
    let ears = match loaded.live() {
        Some(engines) => Some(Ears::start(config.ears.clone(), engines, clock.clone())?),
        None => None,
    };
    Ok(Gateway::new(Shared {
        options: config.media.clone(),
        call: config.call.clone(),
        clock: clock.clone(),
        lifecycle: lifecycle.clone(),
        admission: Admission::new(
            config.media.max_streams,
            config.media.max_streams_per_address,
        ),
        recorder,
        ears,
        language: config.speech.language(),
        pen: Pen::start(store.clone()),
        store: store.clone(),
        hub: Hub::new(config.events.clone(), clock.clone()),
    }))
}

/// Where the doors beside pages and API are.
pub(super) fn outside(config: &Config) -> http::Outside {
    http::Outside {
        twilio: config.twilio.clone(),
        media_path: config.media.path.clone(),
    }
}

fn app(
    config: &Config,
    gateway: &Gateway,
    files: Files,
    access: &Arc<Access>,
    closing: &CancellationToken,
    metrics: PrometheusHandle,
    about: Arc<About>,
) -> axum::Router {
    let (ready, clock) = (gateway.clone(), gateway.clock.clone());
    let state = AppState {
        store: gateway.store.clone(),
        hub: gateway.hub.clone(),
        clock: clock.clone(),
        access: Arc::clone(access),
        not_ready: Arc::new(move || ready.not_ready()),
        metrics: Arc::new(move || metrics.render()),
        people: Arc::new(config.people.clone()),
        files: Arc::new(files),
        recordings: config.recording.folder.clone(),
        shelf: Arc::default(),
        about,
        microphones: config.microphone.enabled.then(|| Microphones {
            studio: Studio::new(gateway.clone(), config.microphone.clone()),
            proxies: config.server.proxies(),
        }),
        closing: closing.clone(),
        outside: Arc::new(outside(config)),
    };
    let twilio = http::twilio::router(http::twilio::Doors {
        store: gateway.store.clone(),
        hub: gateway.hub.clone(),
        clock,
        options: config.twilio.clone(),
        proxies: config.server.proxies(),
        auth_token: config.media.auth_token.clone(),
        media_path: config.media.path.clone(),
    });
    http::router(state)
        .merge(http::media::router(
            gateway.clone(),
            config.server.proxies(),
        ))
        .merge(twilio)
}
