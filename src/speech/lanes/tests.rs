use std::sync::{
    atomic::{AtomicUsize, Ordering},
    mpsc::{Receiver, sync_channel},
};

use super::*;
use crate::speech::{Effort, Request, scripted::Scripted};

fn engines(
    script: impl Fn(&Request<'_>) -> Result<Decoded, EngineError> + Clone + Send + Sync + 'static,
) -> Engines {
    Engines {
        live: Arc::new(Scripted::new(script)),
        small: None,
        last: None,
    }
}

fn lanes(workers: usize, engines: Engines) -> Lanes {
    let options = Options {
        workers,
        ..Options::default()
    };
    Lanes::start(&options, engines, Clock::system()).unwrap()
}

fn request(samples: &[f32]) -> Request<'_> {
    Request {
        samples,
        language: Some("en"),
        prompt: "before",
        said: "at first",
        effort: Effort::Final {
            beam: 5,
            audio_ctx: 1500,
        },
    }
}

#[test]
fn a_post_call_session_gets_its_answers() {
    let lanes = lanes(
        2,
        engines(|request| {
            assert_eq!(
                (request.language, request.prompt, request.said),
                (Some("en"), "before", "at first")
            );
            if request.samples.is_empty() {
                return Err(EngineError::BadInput("empty"));
            }
            Ok(Decoded {
                language: request.samples.len().to_string(),
                ..Decoded::default()
            })
        }),
    );
    let mut session = lanes.batch_session();
    for length in [1, 500, 30] {
        let decoded = session.decode(&request(&vec![0.0; length])).unwrap();
        assert_eq!(decoded.language, length.to_string());
    }
    assert!(matches!(
        session.decode(&request(&[])),
        Err(EngineError::BadInput("empty"))
    ));
    assert_eq!(lanes.stats()[3].decodes, 4);
}

#[test]
fn a_panic_of_the_engine_costs_one_window() {
    let calls = Arc::new(AtomicUsize::new(0));
    let lanes = lanes(
        1,
        engines(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
            1 => panic!("the engine is lost"),
            2 => Err(EngineError::Failed("it failed".into())),
            _ => Ok(Decoded::default()),
        }),
    );
    let mut session = lanes.batch_session();
    let answers: Vec<bool> = (0..4)
        .map(|_| session.decode(&request(&[0.0])).is_ok())
        .collect();
    assert_eq!(answers, [true, false, false, true]);
}

/// A track that is always ready, and tells of each look.
struct Eager {
    looks: std::sync::mpsc::SyncSender<Level>,
}

impl Customer for Eager {
    fn window(&self, level: Level, window: &mut Window) -> Option<Want> {
        window.samples = vec![0.0; 16_000];
        self.looks.send(level).unwrap();
        Some(Want::Partial)
    }

    fn answer(&self, answer: Result<Decoded, EngineError>) -> Option<Want> {
        answer.is_err().then_some(Want::Partial)
    }
}

#[test]
fn a_wish_brings_a_look_and_an_error_the_next() {
    let calls = Arc::new(AtomicUsize::new(0));
    let lanes = lanes(
        2,
        engines(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
            0 => Err(EngineError::Failed("once".into())),
            _ => Ok(Decoded::default()),
        }),
    );
    let (looks, seen) = sync_channel(8);
    let seat = lanes.enroll(Arc::new(Eager { looks }));
    seat.wish(Want::Partial);
    assert_eq!(seen.recv(), Ok(Level::Brisk));
    assert_eq!(seen.recv(), Ok(Level::Brisk));
    drop(seat);
    drop(lanes);
    assert!(seen.recv().is_err(), "nobody holds the track any more");
}

#[test]
fn a_track_that_panics_leaves_the_worker_alive() {
    struct Broken;
    impl Customer for Broken {
        fn window(&self, _: Level, _: &mut Window) -> Option<Want> {
            panic!("a broken track");
        }
        fn answer(&self, _: Result<Decoded, EngineError>) -> Option<Want> {
            None
        }
    }
    let lanes = lanes(1, engines(|_| Ok(Decoded::default())));
    let broken = lanes.enroll(Arc::new(Broken));
    broken.wish(Want::Final);
    assert!(lanes.batch_session().decode(&request(&[0.0])).is_ok());
}

#[test]
fn stopping_answers_who_waits() {
    let (started, starts) = sync_channel(1);
    let (release, gate) = sync_channel::<()>(1);
    let gate = Arc::new(Mutex::new(gate));
    let lanes = lanes(
        1,
        engines(move |_| {
            started.send(()).unwrap();
            wait(&gate);
            Ok(Decoded::default())
        }),
    );
    let mut first = lanes.batch_session();
    let mut second = lanes.batch_session();
    let at_work = tasks_thread(move || first.decode(&request(&[0.0])).is_ok());
    starts.recv().unwrap();
    lanes.shared.lock().stopped = true;
    assert!(second.decode(&request(&[0.0])).is_err());
    release.send(()).unwrap();
    assert!(at_work.recv().unwrap(), "what runs is answered");
    drop(lanes);
}

fn wait(gate: &Mutex<Receiver<()>>) {
    gate.lock().unwrap().recv().unwrap();
}

fn tasks_thread(work: impl FnOnce() -> bool + Send + 'static) -> Receiver<bool> {
    let (answer, answers) = sync_channel(1);
    tasks::thread("test", move || answer.send(work()).unwrap()).unwrap();
    answers
}
