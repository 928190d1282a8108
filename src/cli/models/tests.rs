use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn callscribe_models(folder: &Path, words: &str) -> anyhow::Result<()> {
    let line = Line::try_parse_from(std::iter::once("models").chain(words.split(' ')))?;
    let options = Options {
        folder: folder.to_owned(),
        ..Options::default()
    };
    run(line.args, &options)
}

#[test]
fn unknown_names_are_answered_with_the_known() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["pull basse", "verify basse"] {
        let error = callscribe_models(folder.path(), command).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("no model basse is known; known are base, tiny.en"),
            "{text}"
        );
    }
}

#[test]
fn verify_fails_on_what_is_missing_or_damaged() {
    let folder = tempfile::tempdir().unwrap();
    callscribe_models(folder.path(), "verify").unwrap();
    callscribe_models(folder.path(), "list").unwrap();
    let error = callscribe_models(folder.path(), "verify base").unwrap_err();
    assert_eq!(
        error.to_string(),
        "get them with `callscribe models pull base`"
    );
    fs::write(folder.path().join("ggml-base.bin"), "cut").unwrap();
    assert!(callscribe_models(folder.path(), "verify").is_err());
    fs::remove_file(folder.path().join("ggml-base.bin")).unwrap();
    fs::create_dir(folder.path().join("ggml-base.bin")).unwrap();
    assert!(callscribe_models(folder.path(), "verify").is_err());
}

#[test]
fn lists_models_that_the_user_put_there() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = Manifest::load(folder.path()).unwrap();
    for name in [
        "ggml-base.bin",
        "ggml-mine.q8_0.bin",
        "notes.txt",
        "ggml-x.bin.part",
    ] {
        fs::write(folder.path().join(name), "abc").unwrap();
    }
    let found = unlisted(&manifest, folder.path()).unwrap();
    assert_eq!(found, [("mine.q8_0".to_owned(), 3)]);
}

#[test]
fn convert_wants_an_input_and_a_target() {
    let folder = tempfile::tempdir().unwrap();
    for words in ["convert", "convert x", "convert x --out y --quantize q4_0"] {
        assert!(callscribe_models(folder.path(), words).is_err(), "{words}");
    }
    let at = folder.path().display();
    let error = callscribe_models(
        folder.path(),
        &format!("convert {at} --out {at}/o --quantize q8_0"),
    );
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("there is no model.bin")
    );
}
