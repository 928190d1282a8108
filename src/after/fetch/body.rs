//! A response's body → a file, as it comes in.

use std::{io, path::Path};

use reqwest::Response;
use tempfile::NamedTempFile;
use tokio::{fs::File, io::AsyncWriteExt};

use super::NoFetch;
use crate::audio::sniff::{self, ENOUGH};

/// Writes the body under a temporary name, and under `target` once it is whole and is audio. What was
/// written is gone where that fails, or where the caller stops waiting.
pub(super) async fn save(
    mut response: Response,
    most_bytes: u64,
    target: &Path,
) -> Result<u64, NoFetch> {
    if response
        .content_length()
        .is_some_and(|said| said > most_bytes)
    {
        return Err(too_large(most_bytes));
    }
    let temporary = temporary(target).map_err(|error| disk(&error))?;
    let copy = temporary
        .as_file()
        .try_clone()
        .map_err(|error| disk(&error))?;
    let mut file = File::from_std(copy);
    let (mut head, mut bytes) = (Vec::new(), 0);
    while let Some(chunk) = response.chunk().await.map_err(super::cut)? {
        bytes += chunk.len() as u64;
        if bytes > most_bytes {
            return Err(too_large(most_bytes));
        }
        if head.len() < ENOUGH {
            head.extend(chunk.iter().take(ENOUGH - head.len()));
            if head.len() == ENOUGH {
                check(&head)?;
            }
        }
        file.write_all(&chunk).await.map_err(|error| disk(&error))?;
    }
    check(&head)?;
    file.flush().await.map_err(|error| disk(&error))?;
    file.sync_all().await.map_err(|error| disk(&error))?;
    temporary
        .persist(target)
        .map_err(|error| disk(&error.error))?;
    Ok(bytes)
}

fn temporary(target: &Path) -> io::Result<NamedTempFile> {
    let folder = target.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    tempfile::Builder::new()
        .prefix("fetching-")
        .suffix(".part")
        .tempfile_in(folder)
}

fn check(head: &[u8]) -> Result<(), NoFetch> {
    if sniff::kind(head).is_some() {
        return Ok(());
    }
    let what = match head.first() {
        None => "nothing",
        Some(b'<') => "a page",
        Some(b'{') => "JSON",
        Some(_) => "something else",
    };
    Err(NoFetch::Failed(format!("what came is no audio but {what}")))
}

fn too_large(most_bytes: u64) -> NoFetch {
    NoFetch::Refused(format!(
        "the recording is larger than {most_bytes} bytes (downloads.most_bytes)"
    ))
}

fn disk(error: &io::Error) -> NoFetch {
    NoFetch::Failed(format!("the download cannot be written: {error}"))
}
