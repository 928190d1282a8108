//! `manifest.tsv`: a line for each file, with what is said in it. The first line names the columns; `file`
//! and `text` are needed, `speaker` is used, others may be there.

use std::{fs, path::Path};

use anyhow::{Context, bail};

/// Machine-made texts that nobody has checked begin like this.
const DRAFT: &str = "DRAFT";

/// A file of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// In the manifest, from 1.
    pub(super) line: usize,
    /// Below the manifest's folder, with `/`.
    pub(super) file: String,
    pub(super) speaker: String,
    /// None where it is not known.
    pub(super) text: Option<String>,
}

/// The rows that can be used, and what is wrong with the others.
///
/// # Errors
/// When the file cannot be read or lacks a column.
pub(super) fn read(path: &Path) -> anyhow::Result<(Vec<Row>, Vec<String>)> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    let (rows, problems) = parse(&text).with_context(|| format!("{name}, line 1"))?;
    let problems = problems
        .into_iter()
        .map(|(line, what)| format!("{name}, line {line}: {what}"));
    Ok((rows, problems.collect()))
}

type Parsed = (Vec<Row>, Vec<(usize, String)>);

fn parse(text: &str) -> anyhow::Result<Parsed> {
    let mut lines = text.lines().zip(1..);
    let columns: Vec<&str> = lines.next().map_or("", |(l, _)| l).split('\t').collect();
    let place = |name: &str| columns.iter().position(|column| column.trim() == name);
    let (Some(file), Some(said)) = (place("file"), place("text")) else {
        bail!("the columns {columns:?} must have `file` and `text` among them");
    };
    let speaker = place("speaker");
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for (line, n) in lines.filter(|(line, _)| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        if cells.len() != columns.len() {
            let what = format!("{} columns instead of {}", cells.len(), columns.len());
            problems.push((n, what));
        } else if cells[file].is_empty() {
            problems.push((n, "no file is named".into()));
        } else {
            let text = Some(cells[said]).filter(|text| !text.is_empty());
            rows.push(Row {
                line: n,
                file: cells[file].to_owned(),
                speaker: speaker.map_or(String::new(), |at| cells[at].to_owned()),
                text: text.filter(|t| !t.starts_with(DRAFT)).map(str::to_owned),
            });
        }
    }
    Ok((rows, problems))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_bad_ones_told_with_their_line() {
        let row = |line, file: &str, speaker: &str, text: Option<&str>| Row {
            line,
            file: file.into(),
            speaker: speaker.into(),
            text: text.map(str::to_owned),
        };
        let text = "file\tspeaker\ttext\n\
                    a/x.wav\tann\thello \"there\"\n\
                    \n\
                    a/y.wav\tann\n\
                    a/z.wav\tbob\tDRAFT(machine): bye\n\
                    \tbob\tbye\n\
                    q.wav\tbob\t\r\n";
        let (rows, problems) = parse(text).unwrap();
        let expected = [
            row(2, "a/x.wav", "ann", Some("hello \"there\"")),
            row(5, "a/z.wav", "bob", None),
            row(7, "q.wav", "bob", None),
        ];
        assert_eq!(rows, expected);
        assert_eq!(
            problems,
            [
                (4, "2 columns instead of 3".into()),
                (6, "no file is named".into())
            ]
        );
        let bare = parse("text\tfile\nhi\tb.wav").unwrap().0;
        assert_eq!(bare, [row(2, "b.wav", "", Some("hi"))]);
    }

    #[test]
    fn a_manifest_without_its_columns_is_an_error_with_file_and_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("manifest.tsv");
        for text in ["", "file\tspeaker\n", "text\n"] {
            fs::write(&path, text).unwrap();
            let error = format!("{:#}", read(&path).unwrap_err());
            assert!(
                error.contains("manifest.tsv, line 1: the columns"),
                "{error}"
            );
        }
        fs::write(&path, "file\ttext\nx\n").unwrap();
        let problems = read(&path).unwrap().1;
        assert!(problems[0].ends_with("manifest.tsv, line 2: 1 columns instead of 2"));
        assert!(read(dir.path()).is_err());
    }
}
