//! `callscribe analyze` as a user runs it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn analyze(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_callscribe"))
        .arg("analyze")
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio/two_speakers.wav");
    fs::copy(fixture, folder.path().join("two speakers.wav")).unwrap();
    fs::write(folder.path().join("bad.wav"), "no audio").unwrap();
    folder
}

#[test]
fn a_report_comes_in_three_forms_and_bad_files_are_told() {
    let folder = folder();
    let table = analyze(folder.path(), &["*.wav", "none*.mp3", "missing.wav"]);
    assert_eq!(table.status.code(), Some(1));
    let (text, errors) = (table.stdout, String::from_utf8(table.stderr).unwrap());
    let text = String::from_utf8(text).unwrap();
    let rows: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("two speakers.wav"))
        .collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(rows[0].contains(" inbound ") && rows[1].contains(" outbound "));
    for name in ["bad.wav", "none*.mp3", "missing.wav"] {
        let told = errors.lines().filter(|line| line.contains(name)).count();
        assert_eq!(told, 1, "{name}: {errors}");
    }

    let json = analyze(folder.path(), &["two speakers.wav", "--format", "json"]);
    assert!(json.status.success());
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json[0]["files"][0]["channels"], 2);
    assert_eq!(json[0]["tracks"].as_array().unwrap().len(), 2);
    assert_eq!(json[0]["verdict"], "good");

    let args = ["two speakers.wav", "--format=html", "-o", "report.html"];
    assert!(analyze(folder.path(), &args).status.success());
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("data:image/png;base64,"));
    assert!(
        !page.contains("<script") && !page.contains(" src="),
        "it needs no other file"
    );
}

#[test]
fn pictures_are_drawn_where_asked_for() {
    let folder = folder();
    let drawn = analyze(folder.path(), &["--plot=pictures", "two speakers.wav"]);
    assert!(drawn.status.success());
    let picture = |extension: &str| {
        let path = folder
            .path()
            .join(format!("pictures/two speakers.{extension}"));
        fs::read(path).unwrap()
    };
    assert!(picture("svg").starts_with(b"<svg"));
    assert!(picture("png").starts_with(b"\x89PNG"));
    let nothing = analyze(folder.path(), &["bad.wav"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(nothing.stdout.is_empty());
}
