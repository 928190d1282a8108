//! Deletion on demand: everything about one call, or about the calls of one number.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    ids::CallSid,
    recordings::{import::downloads, retention},
    store::{self, Forgotten, Store, Whose},
    tasks,
};

/// What went, or would go.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = ErasedCalls)]
pub struct Report {
    pub dry_run: bool,
    pub calls: Vec<Erased>,
    /// Calls that go on: nothing of them was touched.
    pub live: Vec<CallSid>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ErasedCall)]
pub struct Erased {
    #[serde(flatten)]
    pub rows: Forgotten,
    /// Names within the folder of recordings.
    pub files: Vec<String>,
    /// Files that are still there, and why.
    pub kept: Vec<(String, String)>,
}

/// Why nothing more was deleted; again does the rest.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the folder of recordings cannot be listed: {0}")]
    Folder(#[from] io::Error),
}

/// Deletes the rows and the files, or with `dry_run` only says which. Files go first: as long as a row is
/// there, a second try finds what the first one left.
///
/// # Errors
/// When the database fails or the folder cannot be listed.
pub async fn erase(
    store: &Store,
    folder: &Path,
    whose: &Whose,
    dry_run: bool,
) -> Result<Report, EraseError> {
    let mut report = Report {
        dry_run,
        ..Report::default()
    };
    for call in store.calls_of(whose).await? {
        match one(store, folder, &call, dry_run).await {
            Ok(erased) => report.calls.push(erased),
            Err(EraseError::Store(store::Error::Live(_))) => report.live.push(call),
            Err(error) => return Err(error),
        }
    }
    if !dry_run {
        let calls = report.calls.len();
        metrics::counter!("callscribe_calls_erased_total").increment(calls as u64);
        tracing::info!(calls, live = report.live.len(), "deleted on demand");
    }
    Ok(report)
}

async fn one(
    store: &Store,
    folder: &Path,
    call: &CallSid,
    dry_run: bool,
) -> Result<Erased, EraseError> {
    let known = store.forget_call(call, true).await?;
    let (mut gone, kept) = files(folder, &known, dry_run).await?;
    let rows = match dry_run {
        true => known,
        false => {
            let rows = store.forget_call(call, false).await?;
            // A job that ran for it may have written until it lost its row.
            gone.extend(files(folder, &rows, false).await?.0);
            rows
        }
    };
    Ok(Erased {
        rows,
        files: gone.iter().map(|path| name(path)).collect(),
        kept: kept
            .iter()
            .map(|(path, why)| (name(path), why.to_string()))
            .collect(),
    })
}

type Files = (Vec<PathBuf>, Vec<(PathBuf, io::Error)>);

async fn files(folder: &Path, known: &Forgotten, dry_run: bool) -> io::Result<Files> {
    let (folder, known) = (folder.to_owned(), known.clone());
    let found = tasks::blocking("erase", move || files_of(&folder, &known, dry_run));
    found.await.map_err(io::Error::other)?
}

/// The call's recordings by their sidecars, those that have lost theirs by their rows, and what was
/// downloaded.
fn files_of(folder: &Path, known: &Forgotten, dry_run: bool) -> io::Result<Files> {
    let (mut gone, mut kept) = match dry_run {
        true => (retention::files_of_call(folder, &known.call)?, Vec::new()),
        false => {
            let deleted = retention::delete_call(folder, &known.call)?;
            (deleted.files, deleted.kept)
        }
    };
    // A folder may be written in another way now than when the row was.
    let listed = known.files.iter().flat_map(|path| {
        let here = path.file_name().map(|name| folder.join(name));
        [Some(path.clone()), here].into_iter().flatten()
    });
    for path in listed.chain(originals(folder, known)) {
        let is_it = |told: &PathBuf| told.file_name() == path.file_name();
        let is_told = gone.iter().any(is_it) || kept.iter().any(|(told, _)| is_it(told));
        if is_told || !path.is_file() {
            continue;
        }
        match dry_run {
            true => gone.push(path),
            false => match retention::remove_unless_in_use(&path) {
                Ok(()) => gone.push(path),
                Err(error) => kept.push((path, error)),
            },
        }
    }
    Ok((gone, kept))
}

fn originals(folder: &Path, known: &Forgotten) -> impl Iterator<Item = PathBuf> {
    let folder = downloads(folder);
    let names = known.recordings.iter();
    names.flat_map(move |sid| [".mp3", ".wav"].map(|suffix| folder.join(format!("{sid}{suffix}"))))
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
