//! One door: [`check`] runs the pass over a made recording whose voice is a comb of tones, with an engine
//! that says what the test tells it to.

use std::sync::{Arc, Mutex};

use super::*;
use crate::{
    audio::source::Clip,
    speech::{
        Decoded, Effort, Engine, Request,
        coverage::{CoverageKind, covers},
        scripted::Scripted,
    },
};

/// What the engine was asked.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    seconds: f64,
    language: Option<String>,
    prompt: String,
    beam: u32,
    audio_ctx: u32,
}

struct Heard {
    track: FinalTrack,
    asked: Vec<Asked>,
}

/// `recording`: seconds of voice and of silence by turns, silence first.
fn check<F>(recording: &[f32], options: &Options, say: F) -> Heard
where
    F: Fn(usize, f64) -> Decoded + Clone + Send + Sync + 'static,
{
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&log);
    let engine = Scripted::new(move |request: &Request<'_>| {
        let seconds = request.samples.len() as f64 / 16_000.0;
        let mut seen = seen.lock().unwrap();
        let Effort::Final { beam, audio_ctx } = request.effort else {
            panic!("{:?}", request.effort)
        };
        seen.push(Asked {
            seconds,
            language: request.language.map(str::to_owned),
            prompt: request.prompt.to_owned(),
            beam,
            audio_ctx,
        });
        Ok(say(seen.len() - 1, seconds))
    });
    let mut session = engine.session().unwrap();
    let mut clip = Clip::new(sound(recording));
    let mut told = Vec::new();
    let track = transcribe(&mut *session, &mut clip, options, |at| told.push(at)).unwrap();
    assert!(told.is_sorted() && told.last() == Some(&track.duration));
    covers(&track.coverage, track.duration).unwrap();
    let asked = log.lock().unwrap().clone();
    Heard { track, asked }
}

/// A voice-like sound: harmonics of 120 Hz that swell four times a second, as syllables do.
fn sound(recording: &[f32]) -> Vec<f32> {
    use std::f32::consts::TAU;
    let formants = |hz: f32| {
        (-((hz - 600.0) / 400.0).powi(2)).exp() + 0.5 * (-((hz - 1700.0) / 500.0).powi(2)).exp()
    };
    let voice: Vec<f32> = (0..16_000_u16)
        .map(|n| {
            let t = f32::from(n) / 16_000.0;
            let harmonic = |h: u8| {
                let hz = 120.0 * f32::from(h);
                formants(hz) * (TAU * hz * t).sin()
            };
            0.1 * (TAU * 2.0 * t).sin().powi(2) * (1..24).map(harmonic).sum::<f32>()
        })
        .collect();
    let mut samples = Vec::new();
    for (turn, seconds) in recording.iter().enumerate() {
        let count = MediaTime::from_secs(f64::from(*seconds)).as_engine_samples();
        let count = usize::try_from(count).unwrap();
        if turn % 2 == 1 {
            samples.extend(voice.iter().cycle().take(count));
        } else {
            samples.resize(samples.len() + count, 0.0);
        }
    }
    samples
}

/// A text with a word each half second of the window, sure of itself.
fn fluent(seconds: f64) -> Decoded {
    let word = |at: u32| Word {
        text: format!("word{at}"),
        start: MediaTime::from_ms(u64::from(at) * 500 + 100),
        end: MediaTime::from_ms(u64::from(at) * 500 + 450),
        confidence: 0.9,
    };
    let fits = |at: &u32| f64::from(*at) * 0.5 + 0.5 <= seconds;
    let words: Vec<Word> = (0..).take_while(fits).map(word).collect();
    Decoded {
        words,
        language: "en".into(),
        language_p: 0.9,
        avg_logprob: -0.2,
        no_speech: 0.05,
        capped: false,
    }
}

fn kinds(track: &FinalTrack) -> Vec<CoverageKind> {
    track.coverage.iter().map(|span| span.kind).collect()
}

#[test]
fn silence_is_never_decoded() {
    for recording in [&[][..], &[0.5], &[30.0]] {
        let heard = check(recording, &Options::default(), |_, _| fluent(1.0));
        assert!(heard.asked.is_empty(), "{recording:?}");
        assert!(heard.track.utterances.is_empty());
        assert!(
            kinds(&heard.track)
                .iter()
                .all(|k| *k == CoverageKind::Silence)
        );
    }
}

#[test]
fn silence_is_left_out_and_words_find_their_place() {
    let heard = check(&[5.0, 4.0, 20.0, 4.0, 3.0], &Options::default(), |_, s| {
        fluent(s)
    });
    let [asked] = &heard.asked[..] else {
        panic!("{:?}", heard.asked)
    };
    assert!((7.0..12.0).contains(&asked.seconds), "{asked:?}");
    assert!((heard.track.duration.as_secs() - 36.0).abs() < 0.001);
    let spoken = heard.track.utterances.iter().flat_map(|u| &u.words);
    for word in spoken {
        let (start, end) = (word.start.as_secs(), word.end.as_secs());
        let inside = |from: f64, to: f64| start > from - 0.6 && end < to + 0.6;
        assert!(inside(5.0, 9.0) || inside(29.0, 33.0), "{word:?}");
        assert!(start <= end);
    }
    assert!(heard.track.utterances.len() >= 2, "a long pause parts them");
    assert_eq!(heard.track.language.as_deref(), Some("en"));
}

#[test]
fn long_speech_is_cut_at_pauses() {
    let recording: Vec<f32> = (0..40).map(|n| [1.2, 7.0][n % 2]).collect();
    let options = Options::default();
    let heard = check(&recording, &options, |_, s| fluent(s));
    assert!(heard.asked.len() >= 5);
    for asked in &heard.asked {
        assert!(asked.seconds <= f64::from(options.window_s), "{asked:?}");
    }
    let total: f64 = heard.asked.iter().map(|a| a.seconds).sum();
    assert!((140.0..166.0).contains(&total), "{total}");
    let first = heard.asked[0].seconds;
    assert!(first > 0.6 * f64::from(options.window_s), "{first}");
}

#[test]
fn what_was_said_goes_with_the_next_window_until_it_is_stale() {
    let options = Options {
        prompt_words: 70,
        forget_s: 10.0,
        ..Options::default()
    };
    let recording = [0.5, 26.0, 1.0, 26.0, 1.0, 26.0, 1.0, 26.0, 15.0, 27.0];
    let heard = check(&recording, &options, |_, s| fluent(s));
    let prompts: Vec<_> = heard.asked.iter().map(|a| a.prompt.clone()).collect();
    assert!(prompts[0].is_empty());
    let words = |prompt: &String| prompt.split_whitespace().count();
    assert!(prompts[1].starts_with("word0 word1 ") && words(&prompts[1]) < 70);
    assert!(
        prompts.iter().any(|prompt| words(prompt) == 70),
        "cut to the newest: {prompts:?}"
    );
    assert!(
        prompts[2..].iter().any(String::is_empty),
        "forgotten: {prompts:?}"
    );
}

#[test]
fn the_language_is_settled_once_where_none_is_asked_for() {
    let recording: Vec<f32> = (0..12).map(|n| [1.2, 9.0][n % 2]).collect();
    let hebrew = |_: usize, s: f64| Decoded {
        language: "he".into(),
        ..fluent(s)
    };
    let heard = check(&recording, &Options::default(), hebrew);
    let languages: Vec<_> = heard.asked.iter().map(|a| a.language.as_deref()).collect();
    assert_eq!(languages[0], None);
    assert!(
        languages[1..].iter().all(|l| *l == Some("he")),
        "{languages:?}"
    );
    let asked_for = Options {
        language: Some("en".into()),
        ..Options::default()
    };
    let heard = check(&recording, &asked_for, hebrew);
    assert!(
        heard
            .asked
            .iter()
            .all(|a| a.language.as_deref() == Some("en"))
    );
}

#[test]
fn a_language_that_is_unsure_is_detected_again_over_the_whole_context() {
    let recording: Vec<f32> = (0..12).map(|n| [1.2, 9.0][n % 2]).collect();
    let heard = check(&recording, &Options::default(), |at, s| Decoded {
        language_p: if at == 0 { 0.3 } else { 0.9 },
        ..fluent(s)
    });
    let asked = |n: usize| (heard.asked[n].language.as_deref(), heard.asked[n].audio_ctx);
    assert_eq!((asked(0), asked(1)), ((None, 1500), (None, 1500)));
    assert_eq!(asked(2).0, Some("en"));
    assert!(heard.asked.last().unwrap().audio_ctx < 1500);
}

#[test]
fn who_is_easy_to_hear_is_searched_greedily_until_it_gets_hard() {
    let recording: Vec<f32> = (0..16).map(|n| [1.2, 24.0][n % 2]).collect();
    let logprobs = [-0.1, -0.1, -0.3, -0.1, -0.9, -0.1];
    let heard = check(&recording, &Options::default(), move |at, s| Decoded {
        avg_logprob: *logprobs.get(at).unwrap_or(&-0.1),
        ..fluent(s)
    });
    let beams: Vec<_> = heard.asked.iter().map(|asked| asked.beam).collect();
    // The third is good enough as it is, the fifth is searched again.
    assert_eq!(beams[..6], [5, 1, 1, 5, 1, 5]);
    assert_eq!(heard.track.stats.again, 1);
    let never = Options {
        easy_logprob: 0.0,
        ..Options::default()
    };
    let heard = check(&recording, &never, |_, s| Decoded {
        avg_logprob: -0.01,
        ..fluent(s)
    });
    assert!(heard.asked.iter().all(|asked| asked.beam == 5));
}

#[test]
fn a_loop_is_asked_for_again_in_halves_without_what_was_said() {
    let recording = [0.5, 10.0, 1.0, 10.0, 1.0];
    let heard = check(&recording, &Options::default(), |at, s| match at {
        0 => Decoded {
            capped: true,
            ..fluent(s)
        },
        _ => fluent(s),
    });
    assert_eq!(heard.asked.len(), 3);
    assert!(heard.asked[1].seconds < 13.0 && heard.asked[2].seconds < 13.0);
    assert_eq!(heard.track.stats.again, 2);
    assert_eq!(heard.track.stats.refused, 0);
    assert!(
        heard
            .track
            .utterances
            .iter()
            .any(|u| u.start.as_secs() < 3.0)
    );
    assert!(
        heard
            .track
            .utterances
            .iter()
            .any(|u| u.end.as_secs() > 18.0)
    );
}

#[test]
fn invented_text_is_refused_and_its_time_not_understood() {
    let heard = check(&[1.0, 6.0, 2.0], &Options::default(), |_, _| Decoded {
        avg_logprob: -1.2,
        no_speech: 0.9,
        ..fluent(2.0)
    });
    assert!(heard.track.utterances.is_empty());
    assert_eq!(heard.track.language, None);
    use CoverageKind::{NotUnderstood, Silence};
    assert_eq!(kinds(&heard.track), [Silence, NotUnderstood, Silence]);
}

#[test]
fn voice_that_gave_no_words_is_asked_for_alone() {
    let heard = check(&[0.5, 12.0, 0.5, 8.0, 0.5], &Options::default(), |at, s| {
        // The first answer ends in the middle of the window.
        if at == 0 { fluent(12.0) } else { fluent(s) }
    });
    assert_eq!(heard.asked.len(), 2);
    assert!(heard.asked[1].seconds < 10.0, "{:?}", heard.asked);
    assert!(
        heard
            .track
            .utterances
            .iter()
            .any(|u| u.end.as_secs() > 19.0)
    );
}

#[test]
fn a_sentence_that_the_decoder_left_is_heard_again_with_what_follows() {
    let recording = [0.5, 9.0, 0.5, 9.0, 0.5, 20.0, 0.5];
    let heard = check(&recording, &Options::default(), |at, s| {
        // The first answer lacks the window's last two seconds.
        if at == 0 { fluent(s - 2.0) } else { fluent(s) }
    });
    assert_eq!(heard.track.stats.again, 0);
    let total: f64 = heard.asked.iter().map(|a| a.seconds).sum();
    assert!(total > 41.0, "some is heard twice: {:?}", heard.asked);
    let words: Vec<_> = heard
        .track
        .utterances
        .iter()
        .flat_map(|u| &u.words)
        .collect();
    assert!(words.is_sorted_by_key(|w| w.start), "and told once");
    let gap = words
        .windows(2)
        .map(|w| w[1].start.saturating_sub(w[0].end).as_ms());
    assert!(gap.max() < Some(1_500), "without a hole");
}

#[test]
fn an_engine_that_fails_ends_the_pass() {
    let engine = Scripted::new(|_: &Request<'_>| Err(EngineError::Failed("broken".into())));
    let mut session = engine.session().unwrap();
    let mut clip = Clip::new(sound(&[0.5, 3.0]));
    let failed = transcribe(&mut *session, &mut clip, &Options::default(), |_| ());
    assert!(matches!(failed, Err(Error::Engine(_))));
}
