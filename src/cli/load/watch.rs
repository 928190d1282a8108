use std::{sync::Arc, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::{task::JoinHandle, time::interval};
use tokio_util::sync::CancellationToken;

use super::{
    scrape::{Scraper, Worst},
    tally::Tally,
};
use crate::tasks;

/// How often the line of figures is drawn anew, and the server is asked for its own.
const EVERY: Duration = Duration::from_secs(1);

/// Shows how it goes, on a terminal only, and keeps the worst that the server says meanwhile.
pub(super) struct Watch {
    done: CancellationToken,
    watching: JoinHandle<Worst>,
}

impl Watch {
    pub(super) fn start(tally: Arc<Tally>, scraper: Option<Scraper>, seconds: Option<f64>) -> Self {
        let done = CancellationToken::new();
        let watching = watch(tally, scraper, seconds, done.clone());
        Self {
            watching: tasks::spawn("watch", watching),
            done,
        }
    }

    pub(super) async fn finish(self) -> Worst {
        self.done.cancel();
        self.watching.await.unwrap_or_default()
    }
}

async fn watch(
    tally: Arc<Tally>,
    scraper: Option<Scraper>,
    seconds: Option<f64>,
    done: CancellationToken,
) -> Worst {
    // Draws nothing where there is no terminal.
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let of = seconds.map_or(String::new(), |s| format!(" of {s:.0} s"));
    if let Ok(style) = ProgressStyle::with_template(&format!("{{elapsed}}{of}  {{msg}}")) {
        bar.set_style(style);
    }
    let mut worst = Worst::default();
    let mut every = interval(EVERY);
    loop {
        tokio::select! {
            () = done.cancelled() => break,
            _ = every.tick() => {}
        }
        bar.set_message(line(&tally, worst));
        if let Some(scraper) = &scraper {
            scraper.look(&mut worst).await;
        }
    }
    bar.finish_and_clear();
    worst
}

fn line(tally: &Tally, worst: Worst) -> String {
    let late = &tally.meter.late;
    let mut line = format!(
        "{} open  {} calls  {} frames  late p99 {:.1} ms",
        tally.open.get(),
        tally.begun.get(),
        tally.frames(),
        late.quantile(0.99).as_secs_f64() * 1e3
    );
    for (count, what) in [
        (tally.refused.count(), "refused"),
        (tally.closed.count(), "closed early"),
        (tally.meter.stalls.count(), "stalls"),
        (worst.level, "live level"),
    ] {
        if count > 0 {
            line.push_str(&format!("  {what} {count}"));
        }
    }
    line
}
