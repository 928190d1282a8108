//! Deletion of one recording on demand; its call and what was said stay.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    ids::Track,
    recordings::{archive::is_archived, import::downloads, retention},
    store::{self, Recording, RecordingKey, Store},
    tasks,
};

/// What went, or would go.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = DeletedRecording)]
pub struct Unrecorded {
    pub dry_run: bool,
    /// All whose audio it is: the tracks of an archived stream lie in one file.
    pub tracks: Vec<Track>,
    /// Names within the folder of recordings.
    pub files: Vec<String>,
    /// Files that are still there, and why.
    pub kept: Vec<(String, String)>,
}

/// Why nothing was deleted, or not all; again does the rest.
#[derive(Debug, thiserror::Error)]
pub enum UnrecordError {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the folder of recordings cannot be read: {0}")]
    Folder(#[from] io::Error),
    #[error("there is no such recording, or it is deleted already")]
    Nothing,
    #[error(
        "this recording is archived, and its file holds the other side of the talk too: delete both (both=true)"
    )]
    Shared,
}

/// Deletes the files of a recording and marks its row, or with `dry_run` only says which; with `both`, those
/// of the tracks that share its files too. The row is marked first: whoever archives recordings right now
/// sees that this one is gone, and what a crash leaves on the disk goes with the next purge.
///
/// # Errors
/// When there is no such recording, its call goes on or is being transcribed, it shares its file with a
/// track that is to stay, the database fails or the disk refuses.
pub async fn unrecord(
    store: &Store,
    folder: &Path,
    key: &RecordingKey,
    (both, dry_run): (bool, bool),
) -> Result<Unrecorded, UnrecordError> {
    let all = store.recordings(&key.stream.call).await?;
    let one = all.iter().find(|one| one.key == *key);
    let one = one
        .filter(|one| one.closed_at.is_none() || one.is_kept())
        .ok_or(UnrecordError::Nothing)?;
    let gone: Vec<&Recording> = all
        .iter()
        .filter(|other| other.is_kept() && shares_files(one, other) || other.key == *key)
        .collect();
    if gone.len() > 1 && !both {
        return Err(UnrecordError::Shared);
    }
    let keys: Vec<RecordingKey> = gone.iter().map(|one| one.key.clone()).collect();
    let mut audio = paths(gone.iter().copied());
    if !dry_run {
        audio.extend(paths(&store.delete_recordings(&keys).await?));
    } else {
        store.may_delete(&keys).await?;
    }
    let rest = all.iter().filter(|other| other.is_kept());
    let is_last = !rest
        .filter(|other| other.key.stream == key.stream)
        .any(|other| !keys.contains(&other.key));
    if is_last {
        audio.extend(originals(store, folder, key).await?);
    }
    let (folder, tracks) = (
        folder.to_owned(),
        keys.iter().map(|key| key.track).collect(),
    );
    let done = tasks::blocking("unrecord", move || {
        let files = retention::files_of_recording(&folder, &audio)?;
        Ok::<_, io::Error>(match dry_run {
            true => retention::Deleted {
                files,
                kept: Vec::new(),
            },
            false => retention::delete_files(&files),
        })
    });
    let done = done.await.map_err(io::Error::other)??;
    if !dry_run {
        metrics::counter!("callscribe_recordings_deleted_total").increment(keys.len() as u64);
        tracing::info!(call = %key.stream.call, files = done.files.len(), "a recording was deleted on demand");
    }
    let told = |(path, why): &(PathBuf, io::Error)| (name(path), why.to_string());
    Ok(Unrecorded {
        dry_run,
        tracks,
        files: done.files.iter().map(|path| name(path)).collect(),
        kept: done.kept.iter().map(told).collect(),
    })
}

fn shares_files(one: &Recording, other: &Recording) -> bool {
    let archived = |recording: &Recording| {
        let parts = recording.parts.iter().map(|part| part.path.clone());
        parts.filter(|path| is_archived(path)).collect::<Vec<_>>()
    };
    let theirs = archived(other);
    archived(one).iter().any(|path| theirs.contains(path))
}

fn paths<'a>(recordings: impl IntoIterator<Item = &'a Recording>) -> Vec<PathBuf> {
    let parts = recordings.into_iter().flat_map(|one| &one.parts);
    parts.map(|part| part.path.clone()).collect()
}

/// What a stream of the provider's was made from.
async fn originals(
    store: &Store,
    folder: &Path,
    key: &RecordingKey,
) -> Result<Vec<PathBuf>, store::Error> {
    let streams = store.streams(&key.stream.call).await?;
    let stream = streams.into_iter().find(|stream| stream.key == key.stream);
    let sid = stream.map(|stream| stream.sid.to_string());
    let sid = sid.filter(|sid| sid.starts_with("RE"));
    let files = sid.into_iter().flat_map(|sid| {
        [".mp3", ".wav"].map(|suffix| downloads(folder).join(format!("{sid}{suffix}")))
    });
    Ok(files.filter(|path| path.is_file()).collect())
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
