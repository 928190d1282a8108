//! Files that our converter writes, heard by whisper.cpp itself. Needs `CALLSCRIBE_MODELS` (a folder with
//! ggml-tiny.en.bin) and `CALLSCRIBE_SHARED` (its recording of a known sentence).

use std::path::{Path, PathBuf};

use callscribe::{
    audio::decode,
    speech::{
        Effort, Engine, Request,
        models::{convert::convert, find, ggml::Form},
        whisper::Whisper,
    },
};

const RECORDING: &str = "speech/read_en/1688-142285-0003.wav";
const SENTENCE: &str = "i really liked that account of himself better than anything else he said";

#[test]
fn every_form_of_the_weights_hears_the_sentence() {
    let folder = |name| std::env::var_os(name).map(PathBuf::from);
    let (Some(models), Some(shared)) = (folder("CALLSCRIBE_MODELS"), folder("CALLSCRIBE_SHARED"))
    else {
        eprintln!("skipped: CALLSCRIBE_MODELS or CALLSCRIBE_SHARED is not set");
        return;
    };
    let samples = samples(&shared.join(RECORDING));
    let scratch = tempfile::tempdir().unwrap();
    let original = find(&models, "tiny.en").unwrap().path;
    let first = heard(&original, &samples);
    assert!(close(&first), "{first}");
    for form in [Form::F16, Form::Q8_0, Form::Q5_1, Form::Q5_0] {
        let out = scratch.path().join("ggml-converted.bin");
        convert(std::slice::from_ref(&original), &out, form, &mut |_, _| {}).unwrap();
        let found = find(scratch.path(), "converted").unwrap();
        assert!(!found.multilingual);
        let text = heard(&found.path, &samples);
        assert!(close(&text), "{form:?}: {text}");
        assert!(
            form != Form::F16 || text == first,
            "the same weights: {text}"
        );
    }
}

/// The smallest model may mishear a word ("like" for "liked"); weights put together wrongly hear nothing.
fn close(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let right = SENTENCE.split(' ').filter(|w| words.contains(w)).count();
    let all = SENTENCE.split(' ').count();
    words.len().abs_diff(all) <= 1 && right + 1 >= all
}

fn samples(path: &Path) -> Vec<f32> {
    let mut decoder = decode::open(path).unwrap();
    let mut samples = Vec::new();
    while let Some(channels) = decoder.next_block().unwrap() {
        samples.extend_from_slice(&channels[0]);
    }
    samples
}

/// What the model hears, in lower case without punctuation.
fn heard(model: &Path, samples: &[f32]) -> String {
    let file = find(Path::new("."), model.to_str().unwrap()).unwrap();
    let engine = Whisper::load(&file).unwrap();
    let request = Request {
        samples,
        language: Some("en"),
        prompt: "",
        said: "",
        effort: Effort::Live {
            audio_ctx: 768,
            max_tokens: 60,
        },
    };
    let decoded = engine.session().unwrap().decode(&request).unwrap();
    let words: Vec<String> = decoded
        .words
        .iter()
        .map(|w| w.text.chars().filter(|c| c.is_alphanumeric()).collect())
        .map(|w: String| w.to_lowercase())
        .collect();
    words.join(" ")
}
