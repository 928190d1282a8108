//! `callscribe doctor`: what is wrong with a set-up, and what to do about it. Exits with failure when
//! calls would be lost or refused; a warning is something that works less well than it could.

use std::{fmt, fs, net::SocketAddr, path::Path, process::ExitCode};

use crate::{
    config::Config,
    insight::Insight,
    live::admission::{FILES_BESIDE, FILES_PER_STREAM},
    speech::models,
    store::{self, Store},
    time::Clock,
    webhooks::Sender,
};

/// One thing looked at.
struct Finding {
    grade: Grade,
    what: &'static str,
    says: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Grade {
    Good,
    Warning,
    Bad,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grade = match self.grade {
            Grade::Good => "ok  ",
            Grade::Warning => "warn",
            Grade::Bad => "FAIL",
        };
        write!(f, "{grade}  {:<12} {}", self.what, self.says)
    }
}

/// Looks at everything that `serve` will need and prints a line for each.
///
/// # Errors
/// When no async runtime can be made.
pub(super) fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let mut findings = vec![
        listening(config),
        signatures(config),
        public_url(config),
        twilio(config),
        recording(config),
        webhooks(config),
    ];
    findings.extend(speech_models(config));
    findings.extend(super::runtime()?.block_on(database(config)));
    findings.push(files(config));
    findings.push(insight(config));
    for finding in &findings {
        println!("{finding}");
    }
    let bad = findings.iter().any(|finding| finding.grade == Grade::Bad);
    Ok(if bad {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn good(what: &'static str, says: impl Into<String>) -> Finding {
    Finding {
        grade: Grade::Good,
        what,
        says: says.into(),
    }
}

fn warning(what: &'static str, says: impl Into<String>) -> Finding {
    Finding {
        grade: Grade::Warning,
        what,
        says: says.into(),
    }
}

fn bad(what: &'static str, says: impl Into<String>) -> Finding {
    Finding {
        grade: Grade::Bad,
        what,
        says: says.into(),
    }
}

fn listening(config: &Config) -> Finding {
    let address: SocketAddr = config.server.listen;
    match std::net::TcpListener::bind(address) {
        Ok(_) => good("listen", format!("{address} is free")),
        Err(error) => warning(
            "listen",
            format!("{address}: {error}; is callscribe running already?"),
        ),
    }
}

fn signatures(config: &Config) -> Finding {
    let local = config.server.listen.ip().is_loopback();
    match (&config.media.auth_token, local, config.media.allow_unsigned) {
        (Some(_), ..) => good(
            "signature",
            "every stream must be signed with the auth token",
        ),
        (None, true, _) => warning(
            "signature",
            "no media.auth_token: streams from this machine are taken unsigned",
        ),
        (None, false, true) => warning(
            "signature",
            "media.allow_unsigned: anybody who reaches this port can stream to it",
        ),
        (None, false, false) => bad(
            "signature",
            "no media.auth_token: serve will not listen beyond localhost",
        ),
    }
}

fn public_url(config: &Config) -> Finding {
    match (&config.server.public_url, &config.media.auth_token) {
        (Some(url), _) if url.starts_with("https://") => good("public_url", url),
        (Some(url), _) => bad(
            "public_url",
            format!("{url}: Twilio connects to wss on port 443 only: write https://…"),
        ),
        (None, Some(_)) => warning(
            "public_url",
            "not set: signatures are checked against the Host header, which a proxy may change",
        ),
        (None, None) => warning(
            "public_url",
            "not set: fine on this machine, needed for Twilio",
        ),
    }
}

fn twilio(config: &Config) -> Finding {
    match config.twilio.check(&config.media.path) {
        Ok(()) => good(
            "twilio",
            format!("calls are answered at {}", config.twilio.voice_path),
        ),
        Err(error) => bad("twilio", error.to_string()),
    }
}

fn recording(config: &Config) -> Finding {
    let options = &config.recording;
    if !options.enabled {
        return warning(
            "recording",
            "switched off: calls are not recorded and not transcribed after their end",
        );
    }
    match writable(&options.folder) {
        Ok(()) => good(
            "recording",
            format!("{} is writable", options.folder.display()),
        ),
        Err(error) => bad(
            "recording",
            format!(
                "{}: {error}; calls would not be recorded",
                options.folder.display()
            ),
        ),
    }
}

fn webhooks(config: &Config) -> Finding {
    let sender = match Sender::new(&config.webhooks) {
        Ok(sender) => sender,
        Err(unfit) => return bad("webhooks", format!("{unfit}; serve will not start")),
    };
    let clear = sender.in_the_clear().join(", ");
    match sender.targets().len() {
        _ if !clear.is_empty() => warning(
            "webhooks",
            format!(
                "{clear}: http:// sends numbers and transcripts for everybody to read: write https://…"
            ),
        ),
        0 => good("webhooks", "nobody is told of calls"),
        count => good(
            "webhooks",
            format!("{count} told of calls, word for word: card numbers that were spoken too"),
        ),
    }
}

fn writable(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let probe = folder.join(".callscribe-doctor");
    fs::write(&probe, b"probe")?;
    fs::remove_file(probe)
}

fn speech_models(config: &Config) -> Vec<Finding> {
    let mut named: Vec<&str> = Vec::new();
    for model in [
        &config.speech.live_model,
        &config.speech.final_model,
        &config.speech.small_model,
    ] {
        if !model.is_empty() && !named.contains(&model.as_str()) {
            named.push(model);
        }
    }
    let found = |name: &&str| match models::find(&config.models.folder, name) {
        Ok(file) => good("model", format!("{name}: {}", file.path.display())),
        Err(error) => bad(
            "model",
            format!("{error}; until then calls are recorded and not transcribed"),
        ),
    };
    named.iter().map(found).collect()
}

async fn database(config: &Config) -> Vec<Finding> {
    let place = store::describe(&config.store.url);
    match Store::open(&config.store).await {
        Ok(store) => {
            let doors = doors(config, store.has_accounts().await);
            store.close().await;
            let says = format!("{place} answers, its schema is this version's");
            vec![good("database", says), doors]
        }
        Err(error) => vec![bad("database", format!("{place}: {error}"))],
    }
}

/// Who may come in.
fn doors(config: &Config, accounts: Result<bool, store::Error>) -> Finding {
    let local = config.server.listen.ip().is_loopback();
    match (accounts, &config.http.access_token, local) {
        (Err(error), ..) => bad("doors", format!("the accounts cannot be read: {error}")),
        (Ok(true), ..) => good("doors", "people log in, programs have tokens"),
        (Ok(false), Some(_), _) => good(
            "doors",
            "no accounts: whoever has http.access_token may do everything",
        ),
        (Ok(false), None, true) => good(
            "doors",
            "no accounts: pages are open to everybody on this machine, and closed beyond it",
        ),
        (Ok(false), None, false) => warning(
            "doors",
            "no accounts: pages and API are closed, since serve listens beyond this machine: callscribe accounts add NAME --role admin",
        ),
    }
}

/// Each stream takes a socket and a file for each track.
fn files(config: &Config) -> Finding {
    let needed = config.media.max_streams * FILES_PER_STREAM + FILES_BESIDE;
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits.lines().find_map(|line| {
        line.strip_prefix("Max open files")?
            .split_whitespace()
            .next()?
            .parse::<usize>()
            .ok()
    });
    match soft {
        Some(limit) if limit < needed => warning(
            "open files",
            format!(
                "limit {limit}, but {needed} are needed for media.max_streams = {}: raise it (ulimit -n)",
                config.media.max_streams
            ),
        ),
        Some(limit) => good(
            "open files",
            format!("limit {limit}, {needed} needed at most"),
        ),
        None => good("open files", "no limit known"),
    }
}

/// What calls are understood by. Nothing is asked of the model: it may cost money.
fn insight(config: &Config) -> Finding {
    let options = &config.insight;
    let lists = format!(
        "{} services and {} cities are known",
        options.services.len(),
        options.cities.len()
    );
    match Insight::new(options, Clock::system()) {
        Err(error) => bad("insight", error.to_string()),
        Ok(_) if !options.model.url.is_empty() => {
            let name = &options.model.name;
            good("insight", format!("{lists}; {name} reads the transcripts"))
        }
        Ok(_) if options.services.is_empty() && options.cities.is_empty() => warning(
            "insight",
            "neither services nor cities are listed: calls get a summary, and no more",
        ),
        Ok(_) => good("insight", format!("{lists}; no language model")),
    }
}
