//! Real time through the whole of `speech::ears`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use callscribe::{
    ids,
    speech::{Engine, ears, ears::Ears, lanes::Engines, live::Heard},
    tasks,
    time::Clock,
};
use tokio::sync::mpsc;

use crate::{
    Args,
    corpus::Line,
    score::{Class, Score, Track},
};

/// A frame of the wire: 20 ms.
const FRAME: Duration = Duration::from_millis(20);

pub(crate) fn run(
    args: &Args,
    options: &ears::Options,
    live: Arc<dyn Engine>,
    small: Option<Arc<dyn Engine>>,
    lines: &[Line],
) -> Score {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let clock = Clock::system();
    let engines = Engines {
        live,
        small,
        last: None,
    };
    let ears = Ears::start(options.clone(), engines, clock.clone()).unwrap();
    let before = crate::common::process_cpu();
    let start = clock.now();
    let (mut lanes, mut tasks_) = (Vec::new(), Vec::new());
    for (n, line) in lines.iter().enumerate() {
        let stream = format!("MZ{:032x}", n / 2).parse().unwrap();
        let language = Some(args.language.clone()).filter(|l| !l.is_empty());
        let (ear, heard) = ears.listen(&stream, ids::Track::ALL[line.channel], language);
        lanes.push(Some(ear));
        let begin = start + Duration::from_secs_f64(line.delay);
        let clock = clock.clone();
        tasks_.push(async move { tasks::spawn("collect", collect(heard, begin, clock)).await });
    }
    let mut score = Score::default();
    std::thread::scope(|scope| {
        scope.spawn(|| feed(lines, lanes, start, &clock));
        runtime.block_on(async {
            let running: Vec<_> = tasks_
                .into_iter()
                .map(|task| tasks::spawn("track", task))
                .collect();
            for task in running {
                score.tracks.push(task.await.unwrap().unwrap());
            }
        });
    });
    score.cpu = crate::common::process_cpu() - before;
    for (class, stats) in score.classes.iter_mut().zip(ears.lanes().stats()) {
        *class = Class {
            decodes: stats.decodes,
            wall: stats.wall.as_secs_f64(),
            cpu: stats.cpu.as_secs_f64(),
            seconds: None,
        };
    }
    score
}

/// Paces every line by the clock, one frame of each at a time.
fn feed(lines: &[Line], mut ears: Vec<Option<ears::Ear>>, start: Instant, clock: &Clock) {
    for tick in 0_u32.. {
        let due = start + FRAME * tick;
        std::thread::sleep(due.saturating_duration_since(clock.now()));
        for (line, ear) in lines.iter().zip(&mut ears) {
            let begin = (line.delay * 50.0) as u32;
            // The frame that has just been spoken: sent when it is over.
            let Some(n) = tick.checked_sub(begin + 1) else {
                continue;
            };
            match (line.audio.chunks(320).nth(n as usize), &ear) {
                (Some(frame), Some(open)) => open.push(frame),
                _ => {
                    if let Some(ear) = ear.take() {
                        ear.finish();
                    }
                }
            }
        }
        if ears.iter().all(Option::is_none) {
            return;
        }
    }
}

async fn collect(mut heard: mpsc::Receiver<Heard>, begin: Instant, clock: Clock) -> Track {
    let mut track = Track::default();
    while let Some(heard) = heard.recv().await {
        let at = clock.now().saturating_duration_since(begin).as_secs_f64();
        track.hear(heard, at);
    }
    track
}
