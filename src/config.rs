//! One configuration: defaults, then a TOML file, then the environment, then flags; later ones win.
//! Each room owns its `Options`; this file only gathers them, and nothing above imports it.
//!
//! The environment spells a key `CALLSCRIBE_SECTION__KEY` (two underscores between the two);
//! `ENABLE_AUDIO_RECORDING` and `TWILIO_AUTH_TOKEN` are understood as well, since deployments have them.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize};

/// The commented default file, as `callscribe config` prints it.
pub const DEFAULT_FILE: &str = include_str!("config.default.toml");

/// Looked for where no file is named.
pub const FILE_NAME: &str = "callscribe.toml";

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub log: crate::telemetry::Options,
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
            .merge(
                Env::raw()
                    .only(&["TWILIO_AUTH_TOKEN"])
                    .map(|_| "media.auth_token".into()),
            )
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
                Some(source) => source.to_string(),
                None => m.name.to_string(),
            },
        );
        let mut key = e.path.join(".");
        let what = match &e.kind {
            Kind::UnknownField(name, known) => {
                key = if key.is_empty() {
                    name.clone()
                } else {
                    format!("{key}.{name}")
                };
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
        for (section, keys) in all.as_object().unwrap() {
            assert!(
                DEFAULT_FILE.contains(&format!("\n[{section}]\n")),
                "[{section}]"
            );
            for key in keys.as_object().unwrap().keys() {
                let named = DEFAULT_FILE.lines().any(|line| {
                    line.trim_start_matches("# ")
                        .trim_start()
                        .starts_with(&format!("{key} ="))
                });
                assert!(named, "{section}.{key} is not in the printed default");
            }
        }
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
            ("", &["log.filter=3"], &["log.filter"]),
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
