//! Live words from the real engine: none where nobody speaks, the right ones where somebody does. Needs
//! `CALLSCRIBE_SHARED` and `CALLSCRIBE_MODELS`; without them it says that it was skipped.

use std::path::{Path, PathBuf};

use callscribe::{
    audio::{mulaw, resample::Upsampler},
    speech::{
        Engine, Session,
        live::{Heard, Listener, Options, Window},
        models,
        whisper::Whisper,
    },
};

/// The small English model, and the folder of recordings.
fn needs() -> Option<(Whisper, PathBuf)> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from);
    let (Some(shared), Some(folder)) = (folder("CALLSCRIBE_SHARED"), folder("CALLSCRIBE_MODELS"))
    else {
        eprintln!("skipped: CALLSCRIBE_SHARED and CALLSCRIBE_MODELS name no folders");
        return None;
    };
    let Ok(file) = models::find(&folder, "tiny.en") else {
        eprintln!("skipped: CALLSCRIBE_MODELS has no tiny.en");
        return None;
    };
    Some((Whisper::load(&file).unwrap(), shared.join("speech")))
}

/// Everything that viewers are told of a recording, with an engine that takes no time.
fn listen(session: &mut dyn Session, audio: &[i16]) -> Vec<Heard> {
    let mut listener = Listener::new(Options::default(), Some("en".into()));
    let (mut window, mut heard) = (Window::default(), Vec::new());
    for (n, piece) in audio.chunks(320).chain([&[][..]]).enumerate() {
        if n == audio.len().div_ceil(320) {
            listener.finish();
        }
        listener.push(piece);
        while listener.window(&mut window).is_some() {
            listener.answer(session.decode(&window.request()));
        }
        heard.extend(std::iter::from_fn(|| listener.poll()));
    }
    heard
}

/// A recording as it comes over the wire, at 16 kHz.
fn wire(path: &Path) -> Vec<i16> {
    let mut reader = hound::WavReader::open(path).unwrap();
    let rate = reader.spec().sample_rate;
    let samples = reader.samples::<i16>().map(Result::unwrap);
    if rate == 16_000 {
        return samples.collect();
    }
    let ulaw: Vec<u8> = samples.map(mulaw::encode).collect();
    let (mut upsampler, mut audio) = (Upsampler::new(), Vec::new());
    upsampler.process(&ulaw, &mut audio);
    upsampler.finish(&mut audio);
    audio
}

#[test]
fn no_word_is_heard_where_nobody_speaks() {
    let Some((engine, speech)) = needs() else {
        return;
    };
    let mut session = engine.session().unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(speech.join("nonspeech")).unwrap() {
        let path = entry.unwrap().path();
        let heard = listen(&mut *session, &wire(&path));
        assert_eq!(heard, [Heard::Finished], "{}", path.display());
        files += 1;
    }
    assert!(files > 0);
}

#[test]
fn a_prompt_is_heard_as_it_is_read() {
    let Some((engine, speech)) = needs() else {
        return;
    };
    let mut session = engine.session().unwrap();
    let audio = wire(&speech.join("prompts_8k/demo-congrats.wav"));
    let heard = listen(&mut *session, &audio);
    let text: Vec<String> = (heard.iter())
        .filter_map(|heard| match heard {
            Heard::Completed { text, .. } => Some(text.to_lowercase()),
            _ => None,
        })
        .collect();
    let text = text.join(" ");
    for said in [
        "congratulations",
        "successfully installed",
        "actions of a standard telephone",
    ] {
        assert!(text.contains(said), "{said:?} in {text:?}");
    }
}
