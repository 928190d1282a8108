use std::sync::{
    atomic::{AtomicUsize, Ordering},
    mpsc::sync_channel,
};

use super::*;
use crate::{
    speech::{
        Decoded, EngineError, Request, Word,
        lanes::Customer,
        live::{Level, Want, Window, tests::voice::Voice},
        scripted::Scripted,
    },
    time::MediaTime,
};

fn ears(
    clock: &Clock,
    script: impl Fn(&Request<'_>) -> Result<Decoded, EngineError> + Clone + Send + Sync + 'static,
) -> Ears {
    let engines = Engines {
        live: Arc::new(Scripted::new(script)),
        small: None,
        last: None,
    };
    let mut options = Options::default();
    options.lanes.workers = 2;
    Ears::start(options, engines, clock.clone()).unwrap()
}

fn listen(ears: &Ears) -> (Ear, mpsc::Receiver<Heard>) {
    ears.listen(
        &"MZ1".parse().unwrap(),
        ids::Track::Inbound,
        Some("en-US".into()),
    )
}

fn greeting(request: &Request<'_>) -> Result<Decoded, EngineError> {
    let word = |(n, text): (u64, &str)| Word {
        text: text.into(),
        start: MediaTime::from_ms(300 + n * 400),
        end: MediaTime::from_ms(600 + n * 400),
        confidence: 0.9,
    };
    Ok(Decoded {
        words: (0..)
            .zip(["Good", "morning,", "how", "are", "you?"])
            .map(word)
            .collect(),
        language: request.language.unwrap_or("he").into(),
        language_p: 0.9,
        avg_logprob: -0.2,
        no_speech: 0.05,
        capped: false,
    })
}

/// Speaks for a while and ends; returns all that was heard.
fn call(ear: Ear, mut heard: mpsc::Receiver<Heard>, utterances: u64) -> Vec<Heard> {
    let mut voice = Voice::default();
    for _ in 0..utterances {
        ear.push(&voice.speak(2500));
        ear.push(&[0; 16_000]);
    }
    ear.finish();
    std::iter::from_fn(|| heard.blocking_recv()).collect()
}

fn texts(heard: &[Heard]) -> Vec<&str> {
    let completed = |heard: &'_ Heard| matches!(heard, Heard::Completed { .. });
    let texts = heard.iter().filter(|heard| completed(heard));
    texts
        .map(|heard| match heard {
            Heard::Completed { text, .. } => text.as_str(),
            _ => unreachable!("filtered"),
        })
        .collect()
}

#[test]
fn what_is_said_is_heard_to_the_end() {
    let ears = ears(&Clock::system(), greeting);
    let (ear, receiver) = listen(&ears);
    let heard = call(ear, receiver, 2);
    assert_eq!(texts(&heard), ["Good morning, how are you?"; 2]);
    assert_eq!(heard.last(), Some(&Heard::Finished));
    assert_eq!(heard.iter().filter(|h| **h == Heard::Finished).count(), 1);
}

#[test]
fn nothing_is_left_of_a_track_that_was_heard_out() {
    let ears = ears(&Clock::system(), greeting);
    let (ear, receiver) = listen(&ears);
    let track = Arc::downgrade(&ear.track);
    assert_eq!(call(ear, receiver, 1).last(), Some(&Heard::Finished));
    let gone = (0..100).any(|_| {
        thread::sleep(REST / 10);
        track.upgrade().is_none()
    });
    assert!(gone, "it sits in the lanes for ever");
}

#[test]
fn a_dying_engine_is_told_of_and_other_calls_go_on() {
    let decodes = Arc::new(AtomicUsize::new(0));
    let ears = ears(&Clock::system(), move |request| {
        match decodes.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("the engine is lost"),
            1 => Err(EngineError::Failed("and again".into())),
            _ => greeting(request),
        }
    });
    let calls: Vec<_> = (0..3).map(|_| listen(&ears)).collect();
    let heard: Vec<Vec<Heard>> = (calls.into_iter())
        .map(|(ear, receiver)| call(ear, receiver, 3))
        .collect();
    let lost = Heard::Degraded {
        level: Level::NoText,
    };
    assert!(heard[0].contains(&lost), "{:?}", heard[0]);
    for heard in &heard {
        assert_eq!(heard.last(), Some(&Heard::Finished));
        assert!(!texts(heard).is_empty());
    }
    assert_eq!(texts(&heard[2]).len(), 3);
}

#[test]
fn a_stuck_engine_blocks_nobody_who_pushes() {
    let (started, starts) = sync_channel(64);
    let (release, gate) = sync_channel::<()>(0);
    let gate = Arc::new(Mutex::new(gate));
    let ears = ears(&Clock::system(), move |request| {
        started.send(()).unwrap();
        // Ends when the sender is gone.
        assert!(gate.lock().unwrap().recv().is_err());
        greeting(request)
    });
    let (ear, mut heard) = listen(&ears);
    let mut voice = Voice::default();
    ear.push(&voice.speak(2500));
    starts.recv().unwrap();
    for _ in 0..100 {
        ear.push(&[0; 16_000]);
    }
    ear.finish();
    drop(release);
    let heard: Vec<Heard> = std::iter::from_fn(|| heard.blocking_recv()).collect();
    assert_eq!(heard.last(), Some(&Heard::Finished));
}

#[test]
fn the_last_words_are_waited_for_no_longer_than_allowed() {
    let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
    let (to, mut receiver) = mpsc::channel(64);
    let listener = Listener::new(live::Options::default(), None);
    let track = Track::new(listener, to, clock.clone());
    let (mut mail, mut window) = (Mail::default(), Window::default());
    track.mailbox.push(&Voice::default().speak(2500));
    track.mailbox.finish();
    track.hear(&mut mail, Level::Normal, Duration::from_secs(10));
    assert_eq!(track.window(Level::Normal, &mut window), Some(Want::Final));
    clock.advance(Duration::from_millis(9999));
    assert!(!track.rest());
    clock.advance(Duration::from_millis(1));
    assert!(track.rest());
    track.answer(greeting(&window.request()));
    let heard: Vec<Heard> = std::iter::from_fn(|| receiver.blocking_recv()).collect();
    let lost = Heard::Degraded {
        level: Level::NoText,
    };
    let [told, Heard::Traced(_), Heard::Finished] = &heard[..] else {
        panic!("{heard:?}");
    };
    assert_eq!(*told, lost);
}

#[test]
fn a_track_whose_receiver_is_gone_is_done_with() {
    let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
    let (to, receiver) = mpsc::channel(4);
    let listener = Listener::new(live::Options::default(), None);
    let track = Track::new(listener, to, clock);
    assert!(!track.rest());
    drop(receiver);
    speak(&track, 1);
    assert!(track.rest());
}

/// Voice through the track and looks at it, as the threads would.
fn speak(track: &Track, utterances: u64) {
    let (mut mail, mut window) = (Mail::default(), Window::default());
    let mut voice = Voice::default();
    for _ in 0..utterances {
        for _ in 0..20 {
            track.mailbox.push(&voice.speak(100));
            track.hear(&mut mail, Level::Brisk, Duration::ZERO);
            look(track, &mut window);
        }
        track.mailbox.push(&[0; 16_000]);
        track.hear(&mut mail, Level::Brisk, Duration::ZERO);
        look(track, &mut window);
    }
}

fn look(track: &Track, window: &mut Window) {
    while track.window(Level::Brisk, window).is_some() {
        track.answer(greeting(&window.request()));
    }
}

#[test]
fn a_receiver_that_takes_nothing_is_given_up_and_costs_no_memory() {
    let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
    let (to, mut receiver) = mpsc::channel(4);
    let track = Track::new(Listener::new(live::Options::default(), None), to, clock);
    let mut utterances = 0;
    while !track.rest() {
        speak(&track, 20);
        utterances += 20;
        assert!(utterances < 2000, "it waits for ever");
    }
    assert!(utterances > 200, "patient for {utterances} utterances");
    let taken = std::iter::from_fn(|| receiver.blocking_recv()).count();
    assert_eq!(taken, 4);
}

#[test]
fn languages_come_in_many_spellings() {
    for (given, expected) in [
        ("en", Some("en")),
        ("en-US", Some("en")),
        (" HE ", Some("he")),
        ("pt_BR", Some("pt")),
        ("yue", Some("yue")),
        ("english", None),
        ("", None),
        ("עב", None),
    ] {
        assert_eq!(iso_639_1(given).as_deref(), expected, "{given:?}");
    }
}
