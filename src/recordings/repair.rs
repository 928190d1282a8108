//! One file that a crash may have left behind: what its header should say, by its length.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use crate::audio::wav::{self, HEADER, SAMPLE};

/// The RIFF size counts everything but its own eight bytes.
const RIFF_OVER_DATA: u32 = 36;

/// What a file is, by its first bytes and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// A recording whose header is true.
    Healthy { data: u64 },
    /// A recording that ends elsewhere than its header says; it holds `data` bytes of whole samples.
    Lagging { data: u64 },
    /// Shorter than a header, or never given one: the crash came right after its creation.
    Headless { data: u64 },
    /// Something else, or more than a recording: chunks after the samples.
    Foreign,
}

/// Judges a file by its length and as many of its first bytes, up to a header's, as there are.
pub(super) fn judge(head: &[u8], length: u64) -> Finding {
    let data = length.saturating_sub(HEADER as u64) / SAMPLE * SAMPLE;
    if length < HEADER as u64 {
        let begun = wav::header(0).starts_with(head);
        return if begun || head.iter().all(|b| *b == 0) {
            Finding::Headless { data: 0 }
        } else {
            Finding::Foreign
        };
    }
    match wav::sizes(head) {
        None if head.iter().all(|b| *b == 0) => Finding::Headless { data },
        None => Finding::Foreign,
        // The recorder writes both sizes at once; where they differ another program has been at it.
        Some((riff, said)) if riff.checked_sub(said) != Some(RIFF_OVER_DATA) => Finding::Foreign,
        Some((_, said)) if u64::from(said) + HEADER as u64 == length => Finding::Healthy { data },
        Some(_) => Finding::Lagging { data },
    }
}

/// A part as it is after the visit.
#[derive(Debug)]
pub(super) struct Visited {
    pub data: u64,
    pub repaired: bool,
}

/// What came of a visit.
#[derive(Debug)]
pub(super) enum Visit {
    Done(Visited),
    Foreign,
    /// A recorder is writing it.
    InUse,
}

/// Looks at a file and, if it must be, makes it valid. A healthy file is only read. `ours` says that its
/// sidecar knows it: only then is a header put where none was.
pub(super) fn visit(path: &Path, ours: bool) -> io::Result<Visit> {
    let file = File::open(path)?;
    if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        return Ok(Visit::InUse);
    }
    let length = file.metadata()?.len();
    let mut head = [0; HEADER];
    let read = usize::try_from(length).unwrap_or(HEADER).min(HEADER);
    file.read_exact_at(&mut head[..read], 0)?;
    Ok(match judge(&head[..read], length) {
        Finding::Healthy { data } => Visit::Done(Visited {
            data,
            repaired: false,
        }),
        Finding::Headless { .. } if !ours => Visit::Foreign,
        Finding::Lagging { data } | Finding::Headless { data } => {
            let file = OpenOptions::new().write(true).open(path)?;
            file.set_len(HEADER as u64 + data)?;
            file.write_all_at(&wav::header(data), 0)?;
            Visit::Done(Visited {
                data,
                repaired: true,
            })
        }
        Finding::Foreign => Visit::Foreign,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_by_example() {
        let sizes = |riff: u32, data: u32| {
            let mut head = wav::header(0);
            head[4..8].copy_from_slice(&riff.to_le_bytes());
            head[40..].copy_from_slice(&data.to_le_bytes());
            head
        };
        for (name, head, length, finding) in [
            (
                "healthy",
                wav::header(1000),
                1044,
                Finding::Healthy { data: 1000 },
            ),
            (
                "healthy, no samples",
                wav::header(0),
                44,
                Finding::Healthy { data: 0 },
            ),
            (
                "data ahead of the header",
                wav::header(1000),
                5044,
                Finding::Lagging { data: 5000 },
            ),
            (
                "half a sample",
                wav::header(1000),
                1045,
                Finding::Lagging { data: 1000 },
            ),
            (
                "header only",
                wav::header(0),
                5045,
                Finding::Lagging { data: 5000 },
            ),
            (
                "cut off",
                wav::header(1000),
                544,
                Finding::Lagging { data: 500 },
            ),
            ("zeros", [0; 44], 1044, Finding::Headless { data: 1000 }),
            (
                "a chunk after the samples",
                sizes(1100, 1000),
                1108,
                Finding::Foreign,
            ),
            (
                "sizes of another program",
                sizes(0, 1000),
                1044,
                Finding::Foreign,
            ),
            (
                "a size over the edge",
                sizes(10, u32::MAX),
                1044,
                Finding::Foreign,
            ),
            ("letters", [b'a'; 44], 1044, Finding::Foreign),
        ] {
            assert_eq!(judge(&head, length), finding, "{name}");
        }
    }

    #[test]
    fn a_file_shorter_than_its_header_was_just_begun() {
        for length in 0..44 {
            let head = &wav::header(0)[..length];
            assert_eq!(judge(head, length as u64), Finding::Headless { data: 0 });
        }
        assert_eq!(judge(b"RIFX", 4), Finding::Foreign);
    }
}
