//! Real recordings through the final pass. Needs models (`CALLSCRIBE_MODELS`), and for each test the
//! sounds that it names; without them a test says what it skipped.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use callscribe::{
    audio::decode::{self, ChannelSource},
    speech::{
        Effort, Engine, EngineError, Request, Session,
        coverage::{CoverageKind, covers},
        final_pass::{self, FinalTrack},
        models::find,
        text,
        whisper::Whisper,
    },
};

/// Debian's asterisk-core-sounds-en-wav and the texts beside it.
const PROMPTS: &str = "/usr/share/asterisk/sounds/en_US_f_Allison";
const TEXTS: &str = "/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz";

#[test]
fn prompts_are_transcribed() {
    let Some(engine) = engine("tiny.en") else {
        return;
    };
    let Some(texts) = prompt_texts() else {
        eprintln!("skipped: asterisk-core-sounds-en and -en-wav are not installed");
        return;
    };
    let mut session = engine.session().unwrap();
    let (mut wrong, mut all) = (0, 0);
    for name in [
        "agent-alreadyon",
        "agent-newlocation",
        "agent-user",
        "check-number-dial-again",
        "conf-extended",
        "conf-getconfno",
        "conf-invalidpin",
        "conf-leaderhasleft",
        "conf-onlyperson",
        "conf-placeintoconf",
        "conf-userwilljoin",
        "dir-intro",
        "dir-nomatch",
        "feature-not-avail-line",
        "privacy-unident",
        "vm-msgsaved",
    ] {
        let text = &texts.iter().find(|(n, _)| n == name).unwrap().1;
        let track = transcribe(
            &mut *session,
            &Path::new(PROMPTS).join(format!("{name}.wav")),
        );
        let (known, heard) = (words(text), words(&said(&track)));
        let distance = distance(&known, &heard);
        eprintln!(
            "{name}: {distance} of {} wrong: {}",
            known.len(),
            said(&track)
        );
        wrong += distance;
        all += known.len();
    }
    assert!(wrong * 8 <= all, "{wrong} of {all} words wrong");
}

#[test]
fn a_sentence_is_heard_with_its_times_and_nothing_is_left_out() {
    let (Some(engine), Some(shared)) = (engine("tiny.en"), shared()) else {
        return;
    };
    let path = shared.join("speech/prompts_8k/agent-alreadyon.wav");
    let track = transcribe(&mut *engine.session().unwrap(), &path);
    assert_eq!(
        words(&said(&track)),
        words(
            "That agent is already logged on. Please enter your agent number followed by the pound key."
        )
    );
    let spoken: Vec<_> = track.utterances.iter().flat_map(|u| &u.words).collect();
    assert!(spoken.is_sorted_by_key(|w| (w.start, w.end)));
    assert!(spoken.iter().all(|w| (0.0..=1.0).contains(&w.confidence)));
    let of = |text: &str| spoken.iter().find(|w| words(&w.text) == [text]).unwrap();
    // The second sentence begins at 2.5 s and ends with the recording, at 5.5 s.
    assert!(
        (2.0..3.2).contains(&of("please").start.as_secs()),
        "{:?}",
        of("please")
    );
    assert!(of("on").end < of("please").start);
    assert!(
        (4.9..5.6).contains(&of("key").end.as_secs()),
        "{:?}",
        of("key")
    );
    assert!(track.coverage.iter().any(|s| s.kind == CoverageKind::Text));
}

/// A transcript that was wrong can be had again: nothing that a session heard before, nor the luck of the
/// search, changes a bit of it.
#[test]
fn the_same_recording_gives_the_same_words() {
    let Some(engine) = engine("tiny.en") else {
        return;
    };
    let path = |name| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/audio")
            .join(name)
    };
    let (call, tone) = (path("two_speakers.wav"), path("stereo_440_1000.mp3"));
    let first = transcribe(&mut *engine.session().unwrap(), &call);
    assert!(
        said(&first).contains("anything else he said"),
        "{}",
        said(&first)
    );
    let mut other = engine.session().unwrap();
    transcribe(&mut *other, &tone);
    let again = transcribe(&mut *other, &call);
    assert_eq!(
        again.utterances, first.utterances,
        "words, times and confidences"
    );
}

/// A prompt of Asterisk's, if it is installed.
fn prompt(name: &str) -> Option<Vec<f32>> {
    let Ok(mut decoder) = decode::open(&Path::new(PROMPTS).join(name)) else {
        eprintln!("skipped: asterisk-core-sounds-en-wav is not installed");
        return None;
    };
    let mut samples = Vec::new();
    while let Some(channels) = decoder.next_block().unwrap() {
        samples.extend_from_slice(&channels[0]);
    }
    Some(samples)
}

fn live<'a>(samples: &'a [f32], said: &'a str, max_tokens: u32) -> Request<'a> {
    Request {
        samples,
        language: Some("en"),
        prompt: "",
        said,
        effort: Effort::Live {
            audio_ctx: 768,
            max_tokens,
        },
    }
}

#[test]
fn a_text_that_reaches_its_cap_ends_there_and_says_so() {
    let (Some(engine), Some(samples)) = (engine("tiny.en"), prompt("dir-intro.wav")) else {
        return;
    };
    let mut session = engine.session().unwrap();
    for (max_tokens, capped) in [(1, true), (4, true), (60, false)] {
        let decoded = session.decode(&live(&samples, "", max_tokens)).unwrap();
        assert_eq!(decoded.capped, capped, "{max_tokens}: {decoded:?}");
        assert!(decoded.words.len() <= max_tokens as usize, "{decoded:?}");
    }
}

#[test]
fn a_text_goes_on_from_what_is_known_to_be_said() {
    let (Some(engine), Some(samples)) = (engine("tiny.en"), prompt("dir-intro.wav")) else {
        return;
    };
    let mut session = engine.session().unwrap();
    let mut decode = |said: &str| session.decode(&live(&samples, said, 60));
    let all = decode("").unwrap().words;
    assert!(all.len() > 10, "{all:?}");
    for known in [1, 4, all.len() - 1, all.len()] {
        let follows = decode(&text(&all[..known])).unwrap().words;
        assert_eq!(text(&follows), text(&all[known..]), "after {known} words");
    }
    // Signs that nobody speaks, other letters, what was never said: held to, not told, and no crash.
    for said in ["(a) at 3:30 = \"♪\"", "שלום, מה נשמע", "no such words"] {
        let follows = text(&decode(said).unwrap().words);
        assert!(!follows.contains(said), "{said}: {follows}");
    }
    let endless = "word ".repeat(400);
    assert!(matches!(decode(&endless), Err(EngineError::BadInput(_))));
}

#[test]
fn no_words_over_no_speech_by_the_small_model() {
    no_words("tiny.en");
}

#[test]
fn no_words_over_no_speech_by_the_default_model() {
    no_words("base");
}

fn no_words(model: &str) {
    let (Some(engine), Some(shared)) = (engine(model), shared()) else {
        return;
    };
    let mut session = engine.session().unwrap();
    let files = std::fs::read_dir(shared.join("speech/nonspeech")).unwrap();
    let mut invented = Vec::new();
    for file in files {
        let path = file.unwrap().path();
        let text = said(&transcribe(&mut *session, &path));
        if !text.is_empty() {
            invented.push(format!("{}: {text}", path.display()));
        }
    }
    assert!(invented.is_empty(), "{invented:#?}");
}

fn shared() -> Option<PathBuf> {
    let shared = std::env::var_os("CALLSCRIBE_SHARED").map(PathBuf::from);
    if shared.is_none() {
        eprintln!("skipped: CALLSCRIBE_SHARED names no folder of recordings");
    }
    shared
}

fn engine(name: &str) -> Option<Whisper> {
    let Some(folder) = std::env::var_os("CALLSCRIBE_MODELS").map(PathBuf::from) else {
        eprintln!("skipped: CALLSCRIBE_MODELS names no folder of models");
        return None;
    };
    match find(&folder, name) {
        Ok(file) => Some(Whisper::load(&file).unwrap()),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// Runs the pass and checks what must hold for every recording.
fn transcribe(session: &mut dyn Session, path: &Path) -> FinalTrack {
    let length = decode::open(path).unwrap().duration().unwrap();
    let mut source = ChannelSource::open(path, 0).unwrap();
    let options = final_pass::Options::default();
    let track = final_pass::transcribe(session, &mut source, &options, |_| ()).unwrap();
    covers(&track.coverage, track.duration).unwrap();
    let apart = track.duration.as_secs() - length.as_secs();
    assert!(apart.abs() < 0.01, "{}: {apart} s longer", path.display());
    track
}

fn said(track: &FinalTrack) -> String {
    let texts: Vec<&str> = track.utterances.iter().map(|u| u.text.as_str()).collect();
    texts.join(" ")
}

fn words(text: &str) -> Vec<String> {
    let kept = |c: char| c.is_alphanumeric() || c.is_whitespace();
    let text: String = text.chars().filter(|c| kept(*c)).collect();
    text.to_lowercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

/// Levenshtein's distance, in words.
fn distance(known: &[String], heard: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (at, word) in known.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, other) in heard.iter().enumerate() {
            let above = row[column + 1];
            row[column + 1] = (diagonal + usize::from(word != other))
                .min(above + 1)
                .min(row[column] + 1);
            diagonal = above;
        }
    }
    row[heard.len()]
}

/// Names of prompts and what they say.
fn prompt_texts() -> Option<Vec<(String, String)>> {
    if !Path::new(PROMPTS).is_dir() || !Path::new(TEXTS).is_file() {
        return None;
    }
    let unpacked = Command::new("gzip").args(["-dc", TEXTS]).output().ok()?;
    let text = String::from_utf8(unpacked.stdout).ok()?;
    let prompt = |line: &str| {
        let (name, text) = line.split_once(':')?;
        Some((name.trim().to_owned(), text.trim().to_owned()))
    };
    Some(text.lines().filter_map(prompt).collect())
}
