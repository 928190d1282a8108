//! Is a file what the manifest says it is?

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::manifest::Model;

/// What was found where a model should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Missing,
    /// Its hash is that of this source.
    Good {
        sha256: String,
        source: String,
    },
    /// Bytes.
    WrongSize {
        found: u64,
    },
    /// The size is right; the hash is that of no source.
    WrongHash {
        sha256: String,
    },
}

/// Hashes the model's file in `folder`; `progress` hears bytes read.
///
/// # Errors
/// When the file cannot be read.
pub fn verify(model: &Model, folder: &Path, progress: &mut dyn FnMut(u64)) -> io::Result<Verdict> {
    let path = folder.join(&model.file);
    let found = match path.metadata() {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Verdict::Missing),
        Err(error) => return Err(error),
    };
    if found != model.size {
        return Ok(Verdict::WrongSize { found });
    }
    let sha256 = sha256(&path, progress)?;
    match model.sources.iter().find(|s| s.sha256() == sha256) {
        Some(source) => Ok(Verdict::Good {
            sha256,
            source: source.to_string(),
        }),
        None => Ok(Verdict::WrongHash { sha256 }),
    }
}

/// Lower-case hex. `progress` hears bytes read.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256(path: &Path, progress: &mut dyn FnMut(u64)) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            let digest = hash.finalize();
            return Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&buffer[..read]);
        done += read as u64;
        progress(done);
    }
}
