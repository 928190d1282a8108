//! One configuration: defaults, then a TOML file, then the environment, then flags; later ones win.
//! Each room owns its `Options`; this file only gathers them, and nothing above imports it.
//!
//! The environment spells a key `CALLSCRIBE_SECTION__KEY` (two underscores between the two);
//! `ENABLE_AUDIO_RECORDING`, `TWILIO_AUTH_TOKEN` and `TWILIO_ACCOUNT_SID` are understood as well, since deployments have them.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize};

use crate::{
    after, call,
    http::{self, proxy::Proxies},
    insight, live, people, recordings, speech, store, telemetry, webhooks,
};

/// The commented default file, as `callscribe config` prints it.
pub const DEFAULT_FILE: &str = include_str!("config.default.toml");

/// Looked for where no file is named.
pub const FILE_NAME: &str = "callscribe.toml";

/// All settings; a section a field.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub http: http::Options,
    pub media: live::Options,
    #[serde(rename = "try")]
    pub microphone: live::microphone::Options,
    pub twilio: http::twilio::Options,
    pub call: call::Options,
    pub recording: recordings::Options,
    pub models: speech::models::Options,
    pub speech: speech::options::Options,
    pub ears: speech::ears::Options,
    pub final_pass: speech::final_pass::Options,
    pub events: live::hub::Options,
    pub store: store::Options,
    pub jobs: after::Options,
    pub downloads: after::fetch::Options,
    pub files: after::files::Options,
    pub webhooks: webhooks::Options,
    pub insight: insight::Options,
    pub people: people::Options,
    pub log: telemetry::Options,
}

/// Where the server listens, and what the world calls it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    /// What the world calls this server, without a path: `https://calls.example.com`.
    pub public_url: Option<String>,
    /// Addresses of proxies whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// How long a drain lets calls go on before they are ended.
    pub drain_seconds: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            trusted_proxies: Vec::new(),
            drain_seconds: 300,
        }
    }
}

impl Server {
    /// The part that the doors need.
    #[must_use]
    pub fn proxies(&self) -> Proxies {
        Proxies {
            public_url: self.public_url.clone(),
            trusted: self.trusted_proxies.clone(),
        }
    }
}

impl Config {
    /// Reads all sources. `file`: named by the user, so it must exist. `sets`: `section.key=value` from flags.
    ///
    /// # Errors
    /// An unreadable file, an unknown key or a bad value: the message names the source and the key.
    pub fn load(file: Option<&Path>, sets: &[String]) -> anyhow::Result<Self> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(path) = chosen_file(file)? {
            figment = figment.merge(Toml::file_exact(path));
        }
        figment = figment
            .merge(
                Env::raw()
                    .only(&["ENABLE_AUDIO_RECORDING"])
                    .map(|_| "recording.enabled".into()),
            )
            .merge(text_from_environment(
                "TWILIO_AUTH_TOKEN",
                "media.auth_token",
            ))
            .merge(text_from_environment(
                "TWILIO_ACCOUNT_SID",
                "downloads.account_sid",
            ))
            .merge(
                Env::prefixed("CALLSCRIBE_")
                    .filter(|key| key.as_str().contains("__"))
                    .split("__"),
            );
        for set in sets {
            figment = figment.merge(parse_set(set)?);
        }
        figment
            .extract()
            .map_err(|error| anyhow::anyhow!(explain(&error)))
    }
}

/// A variable whose value is text even where it looks like a number.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
fn text_from_environment(variable: &str, key: &str) -> Figment {
    match std::env::var(variable) {
        Ok(value) => Figment::from(Serialized::default(key, value)),
        Err(_) => Figment::new(),
    }
}

fn chosen_file(named: Option<&Path>) -> anyhow::Result<Option<PathBuf>> {
    match named {
        Some(path) if path.is_file() => Ok(Some(path.to_owned())),
        Some(path) => bail!("configuration file {} does not exist", path.display()),
        None => Ok(Some(PathBuf::from(FILE_NAME)).filter(|path| path.is_file())),
    }
}

fn parse_set(set: &str) -> anyhow::Result<Serialized<figment::value::Value>> {
    let (key, value) = set
        .split_once('=')
        .with_context(|| format!("--set {set:?}: write section.key=value"))?;
    // A figment value parses as TOML would and falls back to a string.
    let value: figment::value::Value = value
        .parse()
        .map_err(|e| anyhow::anyhow!("--set {key}: {e}"))?;
    Ok(Serialized::default(key, value))
}

/// Every error on a line of its own: source, key, what is wrong.
fn explain(error: &figment::Error) -> String {
    use figment::error::Kind;
    let lines = error.clone().into_iter().map(|e| {
        let source = e.metadata.as_ref().map_or_else(
            || "configuration".into(),
            |m| match &m.source {
                // A line of this file: the value was given as a flag.
                Some(figment::Source::Code(_)) => "--set".into(),
                Some(source) => source.to_string(),
                None => m.name.to_string(),
            },
        );
        let mut key = e.path.join(".");
        let what = match &e.kind {
            Kind::UnknownField(name, known) => {
                if key.is_empty() {
                    key.clone_from(name);
                } else if e.path.last() != Some(name) {
                    key = format!("{key}.{name}");
                }
                format!("unknown key; known here: {}", known.join(", "))
            }
            other => other.to_string(),
        };
        format!("{source}: {key}: {what}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(toml: &str, sets: &[&str]) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        std::fs::write(&path, toml).unwrap();
        let sets: Vec<String> = sets.iter().map(|&s| s.to_owned()).collect();
        Config::load(Some(&path), &sets).map_err(|e| e.to_string())
    }

    #[test]
    fn the_printed_default_is_the_default() {
        let from_file = load(DEFAULT_FILE, &[]).unwrap();
        assert_eq!(
            serde_json::to_value(&from_file).unwrap(),
            serde_json::to_value(Config::default()).unwrap()
        );
    }

    #[test]
    fn the_printed_default_names_every_key() {
        let all = serde_json::to_value(Config::default()).unwrap();
        let mut missing = Vec::new();
        unnamed(&all, "", &mut missing);
        // What is never printed back stands in the file all the same.
        for secret in ["auth_token", "access_token", "api_key"] {
            assert!(DEFAULT_FILE.contains(&format!("# {secret} =")), "{secret}");
        }
        assert!(
            missing.is_empty(),
            "not in the printed default: {missing:?}"
        );
    }

    fn unnamed(table: &serde_json::Value, path: &str, missing: &mut Vec<String>) {
        let start = if path.is_empty() {
            0
        } else {
            DEFAULT_FILE
                .find(&format!("\n[{path}]\n"))
                .map_or(DEFAULT_FILE.len(), |at| at + path.len() + 3)
        };
        let section = DEFAULT_FILE[start..].split("\n[").next().unwrap();
        for (key, value) in table.as_object().unwrap() {
            let full = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            let named = || {
                section.lines().any(|line| {
                    line.trim_start_matches("# ")
                        .starts_with(&format!("{key} ="))
                })
            };
            if value.is_object() {
                unnamed(value, &full, missing);
            } else if !named() {
                missing.push(full);
            }
        }
    }

    #[test]
    fn targets_are_read_from_file_and_flag() {
        let file = "[[webhooks.targets]]\nname = \"crm\"\nurl = \"https://a\"\nsecret = \"s\"\n";
        let flag = "webhooks.targets=[{name=\"crm\", url=\"https://a\", secret=\"s\"}]";
        for (toml, sets) in [(file, &[][..]), ("", &[flag][..])] {
            let targets = load(toml, sets).unwrap().webhooks.targets;
            assert_eq!((targets.len(), targets[0].name.as_str()), (1, "crm"));
            assert!(targets[0].enabled);
        }
        let error = load(&file.replace("url", "link"), &[]).unwrap_err();
        assert!(
            error.contains("link") && error.contains("unknown key"),
            "{error}"
        );
    }

    #[test]
    fn mistakes_name_the_key() {
        for (toml, sets, parts) in [
            (
                "[log]\nfromat = \"json\"",
                &[][..],
                &["log.fromat", "unknown key", "format"][..],
            ),
            ("[lgo]\nformat = \"json\"", &[], &["lgo", "unknown key"]),
            ("[log]\nformat = \"xml\"", &[], &["log.format", "xml"]),
            ("", &["log.filter=3"], &["--set: log.filter:"]),
            ("", &["log.flter=x"], &["--set: log.flter: unknown key"]),
            ("", &["log.filter"], &["section.key=value"]),
            ("[log\n", &[], &["c.toml"]),
        ] {
            let error = load(toml, sets).unwrap_err();
            for part in parts {
                assert!(
                    error.contains(part),
                    "{toml:?} {sets:?}: {error:?} lacks {part:?}"
                );
            }
        }
        assert!(
            Config::load(Some(Path::new("/no/such.toml")), &[])
                .unwrap_err()
                .to_string()
                .contains("/no/such.toml")
        );
    }
}
