//! The files of a folder, and what is said in each.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use glob::Pattern;

use super::manifest;
use crate::cli::reference::CallText;

/// The folder of sounds without speech.
const NONSPEECH: &str = "nonspeech";

/// A recording.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Below the folder, with `/`.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) said: Said,
}

/// What is said in a recording.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    /// There is no speech in it.
    Nothing,
    Unknown,
    Text {
        speaker: String,
        text: String,
    },
    Call(CallText),
}

/// What was found, and what is wrong with the rest.
#[derive(Debug, Default)]
pub(super) struct Corpus {
    pub(super) items: Vec<Item>,
    pub(super) problems: Vec<String>,
}

impl Item {
    /// The folder it lies in.
    pub(super) fn set(&self) -> &str {
        self.name.rsplit_once('/').map_or(".", |(set, _)| set)
    }
}

impl Corpus {
    /// Reads `manifest.tsv`, and the calls with a JSON beside their WAV in the folder and those right below.
    ///
    /// # Errors
    /// When the folder cannot be read, the manifest lacks a column, or there is nothing at all.
    pub(super) fn load(folder: &Path) -> anyhow::Result<Self> {
        let mut corpus = Self::default();
        for (below, folder) in folders(folder)? {
            corpus.calls(&below, &folder)?;
        }
        let manifest = folder.join("manifest.tsv");
        if manifest.exists() {
            corpus.listed(folder, &manifest)?;
        }
        ensure!(
            !corpus.items.is_empty() || !corpus.problems.is_empty(),
            "{} has neither a manifest.tsv nor calls with a JSON beside their WAV",
            folder.display()
        );
        corpus.items.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(corpus)
    }

    fn calls(&mut self, below: &str, folder: &Path) -> anyhow::Result<()> {
        for path in entries(folder)? {
            let audio = path.with_extension("wav");
            if path.extension().is_none_or(|e| e != "json") || !audio.exists() {
                continue;
            }
            let name = audio.file_name().unwrap_or_default().to_string_lossy();
            match CallText::read(&path) {
                Ok(call) => self.items.push(Item {
                    name: format!("{below}{name}"),
                    path: audio,
                    said: Said::Call(call),
                }),
                Err(error) => self.problems.push(format!("{error:#}")),
            }
        }
        Ok(())
    }

    fn listed(&mut self, folder: &Path, manifest: &Path) -> anyhow::Result<()> {
        let (rows, problems) = manifest::read(manifest)?;
        self.problems.extend(problems);
        for row in rows {
            // A call's turns say more than its line.
            if self.items.iter().any(|item| item.name == row.file) {
                continue;
            }
            let path = folder.join(&row.file);
            if !path.is_file() {
                self.problems.push(format!(
                    "{}, line {}: there is no {}",
                    manifest.display(),
                    row.line,
                    row.file
                ));
                continue;
            }
            let silent = row.file.split('/').rev().skip(1).any(|p| p == NONSPEECH);
            let said = match row.text {
                _ if silent => Said::Nothing,
                None => Said::Unknown,
                Some(text) => Said::Text {
                    speaker: row.speaker,
                    text,
                },
            };
            self.items.push(Item {
                name: row.file,
                path,
                said,
            });
        }
        Ok(())
    }

    /// Keeps what the pattern names, and at most so many: of each set in turn, so that few files of
    /// all sets are heard rather than all of the first.
    ///
    /// # Errors
    /// When nothing is left.
    pub(super) fn choose(
        &mut self,
        only: Option<&Pattern>,
        limit: Option<usize>,
    ) -> anyhow::Result<()> {
        if let Some(only) = only {
            self.items.retain(|item| only.matches(&item.name));
            ensure!(!self.items.is_empty(), "--only {only} names no file");
        }
        let Some(limit) = limit else { return Ok(()) };
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut turns: Vec<(usize, Item)> = Vec::new();
        for item in self.items.drain(..) {
            let place = places.entry(item.set().to_owned()).or_default();
            turns.push((*place, item));
            *place += 1;
        }
        turns.sort_by_key(|(place, _)| *place);
        self.items = turns.into_iter().take(limit).map(|(_, i)| i).collect();
        self.items.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    }
}

/// The folder and those right below it, with their names in front of their files'.
fn folders(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let mut folders = vec![(String::new(), folder.to_owned())];
    for path in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        folders.push((format!("{name}/"), path));
    }
    Ok(folders)
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let cannot = || format!("cannot read {}", folder.display());
    let entries = fs::read_dir(folder).with_context(cannot)?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|e| e.path())).collect();
    let mut paths = paths.with_context(cannot)?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    const CALL: &str = r#"{"turns":[{"track":"inbound","start":0,"end":1,"text":"hello there"}]}"#;

    fn mixed() -> tempfile::TempDir {
        folder(&[
            (
                "manifest.tsv",
                "file\ttext\na/1.wav\tone\na/2.wav\t\nb/1.wav\tfour\n\
                 nonspeech/hum.wav\tfour\nmissing.wav\tfive\ncalls/1.wav\tsix\n",
            ),
            ("a/1.wav", ""),
            ("a/2.wav", ""),
            ("b/1.wav", ""),
            ("nonspeech/hum.wav", ""),
            ("calls/1.wav", ""),
            ("calls/1.json", CALL),
            ("calls/2.wav", ""),
            ("calls/2.json", "{\n"),
            ("calls/no-audio.json", "{}"),
        ])
    }

    #[test]
    fn files_come_from_the_manifest_and_from_calls() {
        let dir = mixed();
        let corpus = Corpus::load(dir.path()).unwrap();
        let said = |said: &Said| match said {
            Said::Nothing => "nothing".to_owned(),
            Said::Unknown => "unknown".to_owned(),
            Said::Text { text, .. } => text.clone(),
            Said::Call(call) => call.turns[0].text.clone(),
        };
        let found: Vec<_> = corpus
            .items
            .iter()
            .map(|item| (item.name.as_str(), item.set(), said(&item.said)))
            .collect();
        let expected = [
            ("a/1.wav", "a", "one"),
            ("a/2.wav", "a", "unknown"),
            ("b/1.wav", "b", "four"),
            ("calls/1.wav", "calls", "hello there"),
            ("nonspeech/hum.wav", "nonspeech", "nothing"),
        ];
        let expected = expected.map(|(a, b, c)| (a, b, c.to_owned()));
        assert_eq!(found, expected);
        let [broken, missing] = &corpus.problems[..] else {
            panic!("{:?}", corpus.problems)
        };
        assert!(
            broken.contains("2.json") && broken.contains("line 2"),
            "{broken}"
        );
        assert!(missing.ends_with("manifest.tsv, line 6: there is no missing.wav"));
    }

    #[test]
    fn a_choice_takes_of_every_set_in_turn() {
        let dir = mixed();
        for (only, limit, expected) in [
            (None, Some(2), "a/1.wav b/1.wav"),
            (
                None,
                Some(5),
                "a/1.wav a/2.wav b/1.wav calls/1.wav nonspeech/hum.wav",
            ),
            (Some("*/1.wav"), None, "a/1.wav b/1.wav calls/1.wav"),
            (Some("a/*"), Some(1), "a/1.wav"),
        ] {
            let mut corpus = Corpus::load(dir.path()).unwrap();
            let only = only.map(|only| Pattern::new(only).unwrap());
            corpus.choose(only.as_ref(), limit).unwrap();
            let names: Vec<&str> = corpus.items.iter().map(|i| i.name.as_str()).collect();
            assert_eq!(names.join(" "), expected);
        }
        let none = Pattern::new("x").unwrap();
        let mut corpus = Corpus::load(dir.path()).unwrap();
        assert!(corpus.choose(Some(&none), None).is_err());
    }

    #[test]
    fn a_folder_with_nothing_is_an_error() {
        for files in [&[][..], &[("x.wav", "")], &[("x.json", CALL)]] {
            let error = Corpus::load(folder(files).path()).unwrap_err();
            assert!(error.to_string().contains("neither"), "{error}");
        }
        assert!(Corpus::load(Path::new("/does/not/exist")).is_err());
    }
}
