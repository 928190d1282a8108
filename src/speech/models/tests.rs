use std::fs;

use super::*;

fn ggml_file(path: &Path, vocabulary: u32) {
    let header = ggml::Header {
        vocabulary,
        audio_ctx: 1500,
        audio_state: 32,
        audio_heads: 1,
        audio_layers: 4,
        text_ctx: 448,
        text_state: 32,
        text_heads: 1,
        text_layers: 4,
        mels: 80,
    };
    let file = File::create(path).unwrap();
    let writer = ggml::Writer::new(file, &header, ggml::Form::F16, &[], &[]).unwrap();
    writer.finish().unwrap();
}

#[test]
fn finds_models_by_name_and_path() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    ggml_file(&at.join("ggml-base.bin"), 51_865);
    ggml_file(&at.join("ggml-mine.en.bin"), 51_864);
    let path = at.join("ggml-base.bin");
    for (name, multilingual) in [
        ("base", true),
        ("mine.en", false),
        (path.to_str().unwrap(), true),
    ] {
        let found = find(at, name).unwrap();
        assert_eq!(
            (found.name.as_str(), found.multilingual),
            (name, multilingual)
        );
        assert_eq!(found.sha256.len(), 64);
    }
}

#[test]
fn a_missing_model_comes_with_the_command_that_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let error = find(folder.path(), "base").unwrap_err().to_string();
    assert!(error.contains("callscribe models pull base"), "{error}");
}

#[test]
fn what_is_no_model_is_said() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ggml-x.bin"), "<html>not found</html>").unwrap();
    let error = find(folder.path(), "x").unwrap_err().to_string();
    assert!(
        error.contains("not a ggml whisper model: it begins with"),
        "{error}"
    );
}
