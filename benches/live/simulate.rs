//! Stream time for the clock: a decode takes its CPU time, a worker a track.

use callscribe::speech::{
    Engine,
    live::{Level, Listener, Options, Window},
};

use crate::{
    Args,
    corpus::Line,
    score::{Class, Score, Track, thread_cpu},
};

pub(crate) fn run(args: &Args, options: &Options, engine: &dyn Engine, lines: &[Line]) -> Score {
    let before = crate::common::process_cpu();
    let level: Level = serde_json::from_value(args.level.clone().into()).expect("a level");
    let mut score = Score::default();
    for line in lines {
        let mut track = Track::default();
        one(
            args,
            options,
            level,
            engine,
            line,
            &mut track,
            &mut score.classes,
        );
        score.tracks.push(track);
    }
    score.cpu = crate::common::process_cpu() - before;
    score
}

fn one(
    args: &Args,
    options: &Options,
    level: Level,
    engine: &dyn Engine,
    line: &Line,
    track: &mut Track,
    classes: &mut [Class; 4],
) {
    let mut session = engine.session().unwrap();
    let language = Some(args.language.clone()).filter(|l| !l.is_empty());
    let mut listener = Listener::new(options.clone(), language);
    listener.set_level(level);
    let mut window = Window::default();
    let mut pending = None;
    let mut now = 0.0;
    // Half a minute of silence lets the last answers in.
    let silence = [0; 320];
    let pieces = line.audio.chunks(320);
    let ended = pieces.len();
    for (n, piece) in pieces
        .chain(std::iter::repeat_n(&silence[..], 1500))
        .enumerate()
    {
        if n < ended {
            listener.push(piece);
        } else if n == ended {
            listener.finish();
        }
        now += 0.02;
        track.drain(&mut listener, now);
        loop {
            if let Some((due, answer)) = pending.take() {
                if due > now {
                    pending = Some((due, answer));
                    break;
                }
                listener.answer(answer);
                track.drain(&mut listener, due);
            }
            let Some(want) = listener.window(&mut window) else {
                break;
            };
            let before = thread_cpu();
            let answer = session.decode(&window.request());
            let cpu = thread_cpu() - before;
            window.took(std::time::Duration::from_secs_f64(cpu));
            classes[want as usize].add(cpu, cpu, window.samples.len());
            pending = Some((now + cpu, answer));
        }
    }
}
