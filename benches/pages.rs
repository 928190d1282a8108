//! How soon a call's page shows its words, and how it moves while more of them come.
//!
//! `cargo bench --bench pages -- [--words 10000] [--loads 10] [--seconds 20] [--rate 20]`
//!
//! A real Chromium, headless, on the pages of a server in this process; all times are the browser's own.
//! A page with so many words is loaded again and again: first contentful paint, the moment at which the
//! first turn is painted, and at which the last one is in the document and painted. Then a live call with as
//! many words is looked at while events come: tasks over 50 ms, and how late a timer fires. Asserts nothing
//! about time.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::time::Duration;

use axum::http::Method;
use callscribe::ids::Track;
use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::time::sleep;

#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../tests/it/harness/mod.rs"]
mod harness;
#[path = "common/talk.rs"]
mod talk;

use harness::{browser::Browser, line::nobody, site::Site};
use talk::Talk;

#[derive(Parser)]
struct Args {
    /// Words of the call.
    #[arg(long, default_value_t = 10_000)]
    words: usize,
    #[arg(long, default_value_t = 10)]
    loads: usize,
    /// How long events come.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Events a second.
    #[arg(long, default_value_t = 20)]
    rate: u32,
    /// Words of one turn of the final text.
    #[arg(long, default_value_t = 20)]
    turn: usize,
    /// Rules beside the page's own, to see what they change.
    #[arg(long, default_value = "")]
    style: String,
    #[arg(long, hide = true)]
    bench: bool,
}

/// Runs before any script of the page. A frame is painted when the message sent from it arrives.
const OBSERVE: &str = "
    const seen = globalThis.seen = { tasks: [], late: [] };
    const painted = (name) => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => { seen[name] ??= performance.now(); };
        channel.port2.postMessage(0);
    });
    const look = new MutationObserver(() => {
        if (document.querySelector('.turn .said')) { look.disconnect(); painted('first'); }
    });
    look.observe(document, { subtree: true, childList: true });
    addEventListener('DOMContentLoaded', () => painted('all'));
    new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map((task) => task.duration)))
        .observe({ type: 'longtask', buffered: true });
";

/// How late a timer of 20 ms fires, from now on.
const LATENESS: &str = "(() => {
    seen.late = []; seen.tasks = [];
    let due = performance.now() + 20;
    setInterval(() => { const now = performance.now(); seen.late.push(Math.max(0, now - due)); due = now + 20; }, 20);
    return true;
})()";

const TIMES: &str = "(() => {
    const [page] = performance.getEntriesByType('navigation');
    const paint = performance.getEntriesByType('paint').find((each) => each.name === 'first-contentful-paint');
    return [page.responseStart, page.responseEnd, paint?.startTime, seen.first, seen.all,
        Math.max(0, ...seen.tasks), page.transferSize / 1000];
})()";

const NAMES: [&str; 7] = [
    "first byte, ms",
    "last byte, ms",
    "first contentful paint, ms",
    "first turn painted, ms",
    "all turns painted, ms",
    "longest task over 50, ms",
    "over the wire, kB",
];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let args = Args::parse();
    let Some(browser) = Browser::open(&[]).await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    println!(
        "pages: {} words, {} loads; then {} events a second for {} s; {} CPUs",
        args.words,
        args.loads,
        args.rate,
        args.seconds,
        std::thread::available_parallelism().unwrap(),
    );
    before_each_page(&browser, OBSERVE).await;
    if !args.style.is_empty() {
        println!("with {}", args.style);
        let sheet = format!(
            "const sheet = new CSSStyleSheet(); sheet.replaceSync({}); document.adoptedStyleSheets = [sheet];",
            Value::from(args.style.as_str())
        );
        before_each_page(&browser, &sheet).await;
    }
    finished(&site, "CA-long", &args).await;
    answers(&site, args.loads).await;
    for (width, height) in [(1440, 1000), (390, 844)] {
        browser.look(width, height, "light").await;
        loads(&browser, &format!("{base}/calls/CA-long"), &args, width).await;
    }
    browser.look(1440, 1000, "light").await;
    stream(&browser, &site, &base, &args).await;
}

/// Runs in every page from now on, before any script of its own.
async fn before_each_page(browser: &Browser, script: &str) {
    let command = "Page.addScriptToEvaluateOnNewDocument";
    browser.cdp(command, json!({ "source": script })).await;
}

/// A call with its final text.
async fn finished(site: &Site, sid: &str, args: &Args) {
    let line = site
        .call_of(nobody(sid), [Some("Dana"), Some("John Smith")])
        .await;
    let said =
        "of course somebody will be with you in twenty minutes where exactly are you standing";
    let said: Vec<&str> = said.split(' ').cycle().take(args.turn).collect();
    let said = said.join(" ");
    let turns = args.words.div_ceil(args.turn);
    let length = 0.45 * f64::from(u32::try_from(args.turn).unwrap());
    let mut at = 0.0;
    let mut segments = Vec::new();
    for n in 0..turns {
        segments.push((Track::ALL[n % 2], at, said.as_str()));
        at += length;
    }
    line.hang_up(3600).await;
    line.finish(&segments).await;
}

/// What the server itself takes, without a socket or a browser.
async fn answers(site: &Site, times: usize) {
    for (path, encoding) in [
        ("/calls/CA-long", "identity"),
        ("/calls/CA-long", "gzip"),
        ("/api/v1/calls/CA-long/transcript", "identity"),
    ] {
        let mut took = Vec::new();
        let mut length = 0;
        for _ in 0..times {
            let begun = clock_gettime(ClockId::Monotonic);
            let answer = site
                .ask(Method::GET, path, &[("accept-encoding", encoding)])
                .await;
            let took_now = Duration::try_from(clock_gettime(ClockId::Monotonic) - begun).unwrap();
            took.push(took_now.as_secs_f64() * 1e3);
            length = answer.body.len();
        }
        took.sort_by(f64::total_cmp);
        println!(
            "server alone, {path} ({encoding}): median {:.1}, worst {:.1} ms; {length} bytes",
            took[took.len() / 2],
            took[took.len() - 1]
        );
    }
}

async fn loads(browser: &Browser, url: &str, args: &Args, width: u32) {
    let mut figures = vec![Vec::new(); NAMES.len()];
    for _ in 0..args.loads {
        browser.go("about:blank").await;
        browser.go(url).await;
        browser
            .until("document.readyState === 'complete' && seen.all && seen.first")
            .await;
        sleep(Duration::from_millis(300)).await;
        let times = browser.eval(TIMES).await;
        for (kept, time) in figures.iter_mut().zip(numbers(&times)) {
            kept.push(time);
        }
    }
    let turns = browser
        .eval("document.querySelectorAll('.turn').length")
        .await;
    println!(
        "{width} px, {turns} turns: median and worst of {} loads, since navigation began",
        args.loads
    );
    for (name, mut times) in NAMES.into_iter().zip(figures) {
        times.sort_by(f64::total_cmp);
        let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
        println!("  {name:<28}{median:8.0}{worst:8.0}");
    }
}

/// A page of a live call while words come.
async fn stream(browser: &Browser, site: &Site, base: &str, args: &Args) {
    let line = site.call("CA-live").await;
    let mut talk = Talk::new(&line, 0.0);
    talk.stored(args.words).await;
    browser.go(&format!("{base}/calls/CA-live")).await;
    browser
        .until("document.readyState === 'complete' && seen.all")
        .await;
    sleep(Duration::from_secs(1)).await;
    browser.eval(LATENESS).await;
    let every = Duration::from_secs(1) / args.rate;
    let mut ticks = tokio::time::interval(every);
    for _ in 0..args.rate * args.seconds {
        ticks.tick().await;
        talk.publish();
    }
    sleep(Duration::from_secs(1)).await;
    let late = browser.eval("seen.late").await;
    let tasks = browser.eval("seen.tasks").await;
    let mut late: Vec<f64> = numbers(&late);
    late.sort_by(f64::total_cmp);
    let at = |percent: usize| late[(late.len() - 1) * percent / 100];
    let longest = numbers(&tasks).into_iter().fold(0.0, f64::max);
    println!(
        "while words come, {} turns: a timer is late by p50 {:.1}, p99 {:.1}, worst {:.1} ms; {} tasks over 50 ms, the longest {longest:.0} ms",
        browser
            .eval("document.querySelectorAll('.turn').length")
            .await,
        at(50),
        at(99),
        at(100),
        numbers(&tasks).len(),
    );
}

fn numbers(list: &Value) -> Vec<f64> {
    let list = list.as_array().into_iter().flatten();
    list.map(|each| each.as_f64().unwrap_or(f64::NAN)).collect()
}
