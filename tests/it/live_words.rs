//! Live words from the real engine: none where nobody speaks, the right ones where somebody does. Needs
//! `CALLSCRIBE_SHARED` and `CALLSCRIBE_MODELS`; without them it says that it was skipped.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    time::Duration,
};

use callscribe::{
    audio::{mulaw, resample::Upsampler},
    speech::{
        Engine, Session,
        live::{Heard, Listener, Options, Trace, Window},
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

/// Everything that viewers are told of a recording, with an engine that takes no time, and how it came
/// to be.
fn listen(session: &mut dyn Session, audio: &[i16]) -> (Vec<Heard>, Trace) {
    let mut listener = Listener::new(Options::default(), Some("en".into()));
    let (mut window, mut heard) = (Window::default(), Vec::new());
    for (n, piece) in audio.chunks(320).chain([&[][..]]).enumerate() {
        if n == audio.len().div_ceil(320) {
            listener.finish();
        }
        listener.push(piece);
        while listener.window(&mut window).is_some() {
            let answer = session.decode(&window.request());
            // No look is as fast as the one before.
            window.took(Duration::from_millis(100 + n as u64 % 300));
            listener.answer(answer);
        }
        heard.extend(std::iter::from_fn(|| listener.poll()));
    }
    (heard, listener.take_trace())
}

/// The same by the trace alone.
fn listen_again(session: &mut dyn Session, audio: &[i16], trace: &Trace) -> Vec<Heard> {
    let (mut samples, mut heard) = (audio.iter(), Vec::new());
    let read = |count: u64, out: &mut Vec<i16>| {
        out.extend(samples.by_ref().take(usize::try_from(count).unwrap()));
        Ok::<_, Infallible>(())
    };
    let decode = |window: &Window| session.decode(&window.request());
    trace
        .again(read, decode, |event| heard.push(event))
        .unwrap();
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
        let (heard, _) = listen(&mut *session, &wire(&path));
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
    let (heard, trace) = listen(&mut *session, &audio);
    // Another session, which heard something else before.
    let mut other = engine.session().unwrap();
    listen(&mut *other, &audio[audio.len() * 7 / 8..]);
    let again = listen_again(&mut *other, &audio, &trace);
    assert_eq!(again, heard, "every revision, to the last bit");
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
