//! What it takes to know whose call that was, among a million calls of 100,000 customers.
//! `cargo bench --bench people [-- --calls N --customers N --queries N --url sqlite://PATH|postgres://… --built]`
//!
//! Questions are asked of the router in this process, as a program would ask them, so that a figure has the
//! door, the database and the JSON in it; linking is timed by what its job asks the database. One customer in
//! the middle of it has a hundredth of all calls. `--built` asks a database that an earlier run filled;
//! on PostgreSQL the rows are made by a superuser's means.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use callscribe::{
    http::{AppState, router},
    ids::CallSid,
    people::{
        self,
        link::{link, other_side},
        said::Heard,
    },
    store::{Options, Store},
    time::Clock,
};
use clap::Parser;
use serde_json::Value;
use tower::ServiceExt;

#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/it/harness/mod.rs"]
mod harness;
mod rows;

use harness::site::Site;
use rows::{booking, customer, first_day};

#[derive(Parser)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 1_000_000)]
    calls: u64,
    #[arg(long, default_value_t = 100_000)]
    customers: u64,
    /// Of a kind.
    #[arg(long, default_value_t = 200)]
    queries: u64,
    /// A file that goes with this run, unless it is given.
    #[arg(long)]
    url: Option<String>,
    #[arg(long)]
    built: bool,
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let args = Args::parse();
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}/bench.db", folder.path().display());
    let options = Options {
        url: args.url.clone().unwrap_or(file),
        ..Options::default()
    };
    let (store, clock) = (Store::open(&options).await.unwrap(), Clock::system());
    println!(
        "{}, {} calls, {} customers, {} questions a kind",
        callscribe::store::describe(&options.url),
        args.calls,
        args.customers,
        args.queries
    );
    if !args.built {
        let began = clock.now();
        rows::make(&options.url, &args).await;
        println!("filled in {:.0} s", (clock.now() - began).as_secs_f64());
    }
    let site = Site::open().await;
    let bench = Bench {
        app: app(&site, &store),
        store,
        clock,
        args,
    };
    println!(
        "{:<48} {:>7} {:>8} {:>8} {:>8}  of target",
        "question", "answers", "p50 ms", "p95 ms", "max ms"
    );
    bench.histories().await;
    bench.bookings_and_contexts().await;
    bench.searches().await;
    bench.linking().await;
    bench.store.close().await;
}

/// Targets, in milliseconds.
const HISTORY: f64 = 50.0;
const CONTEXT: f64 = 50.0;
const LINKING: f64 = 20.0;
const OTHERS: f64 = 500.0;

/// Calls of one number that are asked for, spread over all.
const STRIDE: u64 = 611;

/// A name, and the n-th question of the kind.
type Kind<'a> = (&'static str, Box<dyn Fn(u64) -> String + 'a>);

struct Bench {
    app: Router,
    store: Store,
    clock: Clock,
    args: Args,
}

impl Bench {
    async fn histories(&self) {
        let of = |id: String| format!("/api/v1/conversations/customer/{id}");
        let some = |n| of(customer(1 + n * STRIDE % (self.args.customers - 1)));
        let busy = || of(customer(0));
        self.ask("a customer's calls", HISTORY, some).await;
        let first = |n| format!("{}?limit=5", some(n));
        self.ask_second("a customer's calls, second page", HISTORY, first)
            .await;
        self.ask("a hundredth of all calls", HISTORY, |_| busy())
            .await;
        self.ask_second("the same, second page", HISTORY, |_| {
            format!("{}?limit=50", busy())
        })
        .await;
        let back = |n| format!("{}?to={}", busy(), day(n % 380 + 2));
        self.ask("the same, until some day", HISTORY, back).await;
        let most = |_| format!("{}?limit=200", busy());
        self.ask("the same, 200 a page", HISTORY, most).await;
    }

    async fn bookings_and_contexts(&self) {
        let of = |id: String| format!("/api/v1/conversations/booking/{id}");
        let some = |n: u64| of(booking(self.booked(n)));
        self.ask("a booking's calls", OTHERS, some).await;
        let busy = |_| of(booking(0));
        self.ask("a booking's calls, a three-hundredth of all", OTHERS, busy)
            .await;
        let context = |id: String| format!("/api/v1/customers/{id}/context");
        let some = |n| context(customer(1 + n * STRIDE % (self.args.customers - 1)));
        self.ask("context", CONTEXT, some).await;
        self.ask("context, a hundredth of all calls", CONTEXT, |_| {
            context(customer(0))
        })
        .await;
    }

    async fn searches(&self) {
        for (name, asked) in self.plain().into_iter().chain(self.saying()) {
            let path = |n| format!("/api/v1/conversations/search?{}", asked(n));
            self.ask(&format!("search: {name}"), OTHERS, path).await;
            if ["all", "negative", "common word"].contains(&name) {
                let name = format!("search: {name}, second page");
                self.ask_second(&name, OTHERS, path).await;
            }
        }
        let review = |_| "/api/v1/links/review".to_owned();
        self.ask("review list", OTHERS, review).await;
        self.ask_second("review list, second page", OTHERS, review)
            .await;
        let said = |n| format!("/api/v1/links/review?text=c{}", n % 10);
        self.ask("review list, common word", OTHERS, said).await;
    }

    fn plain(&self) -> Vec<Kind<'_>> {
        let some = |n: u64| customer(1 + n * STRIDE % (self.args.customers - 1));
        let busy = customer(0);
        vec![
            ("all", Box::new(|_| String::new())),
            (
                "customer",
                Box::new(move |n| format!("customer_id={}", some(n))),
            ),
            (
                "booking",
                Box::new(|n| format!("booking_id={}", booking(self.booked(n)))),
            ),
            ("a week", Box::new(week)),
            (
                "a day, negative",
                Box::new(|n| format!("sentiment=negative&{}", one_day(n))),
            ),
            ("negative", Box::new(|_| "sentiment=negative".into())),
            (
                "negative, a hundredth of all calls",
                Box::new(move |_| format!("sentiment=negative&customer_id={busy}")),
            ),
        ]
    }

    fn saying(&self) -> Vec<Kind<'_>> {
        let some = |n: u64| customer(1 + n * STRIDE % (self.args.customers - 1));
        vec![
            ("common word", Box::new(|n| format!("text=c{}", n % 10))),
            ("middling word", Box::new(|n| format!("text=m{}", n % 1000))),
            ("rare word", Box::new(|n| format!("text=r{}", n * 13))),
            (
                "word that nobody said",
                Box::new(|n| format!("text=zzz{n}")),
            ),
            ("phrase", Box::new(|_| "text=%22where+can+i+park%22".into())),
            (
                "common word, negative",
                Box::new(|n| format!("text=c{}&sentiment=negative", n % 10)),
            ),
            (
                "common word, a week",
                Box::new(|n| format!("text=c{}&{}", n % 10, week(n))),
            ),
            (
                "rare word, a week",
                Box::new(|n| format!("text=r{}&{}", n * 13, week(n))),
            ),
            (
                "common word, customer",
                Box::new(move |n| format!("text=c{}&customer_id={}", n % 10, some(n))),
            ),
            (
                "common word, a hundredth of all calls",
                Box::new(|n| format!("text=c{}&customer_id={}", n % 10, customer(0))),
            ),
            (
                "rare word, a hundredth of all calls",
                Box::new(|n| format!("text=r{}&customer_id={}", n * 13, customer(0))),
            ),
        ]
    }

    /// What the job asks the database, of calls that are linked already, one in ten of the busy customer.
    async fn linking(&self) {
        let options = people::Options::default();
        let zone = options.time_zone.time_zone();
        let (mut took, mut found) = (Vec::new(), 0);
        for n in 0..self.args.queries {
            let busy = self.args.calls / 100;
            let number = match n % 10 {
                0 => n * STRIDE % busy * 100,
                _ => n * STRIDE * 97 % self.args.calls,
            };
            let call: CallSid = rows::call(number).parse().unwrap();
            let store = &self.store;
            let began = self.clock.now();
            let known = store.call(&call).await.unwrap().unwrap();
            let ends = store.call_ends(&call).await.unwrap().unwrap();
            let text = store.transcript(&call, None).await.unwrap().unwrap();
            let phone = other_side(&ends.sides(), &options).unwrap();
            let (holders, bookings) = store.holders(&phone, known.started_at).await.unwrap();
            let read = self.clock.now();
            let words: Vec<&str> = text.segments.iter().map(|one| one.text.as_str()).collect();
            let words = words.join(" ");
            let heard = Heard::of(&words, &known.started_at.to_zoned(zone.clone()));
            let link = link(known.started_at, &heard, &holders, &bookings, zone);
            let decided = self.clock.now();
            let linked = store.linked(&call, Some(&phone), &link, &words, known.started_at);
            let linked = linked.await.unwrap().unwrap();
            took.push((read - began) + (self.clock.now() - decided));
            found += usize::from(linked.customer_id.is_some());
        }
        print(
            "linking: its job's time in the database",
            found,
            took,
            LINKING,
        );
    }

    /// A booking that there is: calls of nobody have none.
    const fn booked(&self, n: u64) -> u64 {
        let number = 1 + n * STRIDE % (self.args.calls / 3 - 2);
        if number % 20 == 9 { number + 1 } else { number }
    }

    async fn ask(&self, name: &str, target: f64, path: impl Fn(u64) -> String) {
        let (mut took, mut answers) = (Vec::new(), 0);
        for n in 0..self.args.queries {
            let path = path(n);
            let began = self.clock.now();
            let body = self.get(&path).await;
            took.push(self.clock.now() - began);
            answers += told(&body);
        }
        print(name, answers, took, target);
    }

    async fn ask_second(&self, name: &str, target: f64, path: impl Fn(u64) -> String) {
        let (mut took, mut answers) = (Vec::new(), 0);
        for n in 0..self.args.queries {
            let path = path(n);
            let first: Value = serde_json::from_slice(&self.get(&path).await).unwrap();
            let Some(next) = first["next"].as_str() else {
                continue;
            };
            let sign = if path.contains('?') { '&' } else { '?' };
            let began = self.clock.now();
            let body = self.get(&format!("{path}{sign}cursor={next}")).await;
            took.push(self.clock.now() - began);
            answers += told(&body);
        }
        print(name, answers, took, target);
    }

    async fn get(&self, path: &str) -> Vec<u8> {
        let request = Request::get(path).header("host", "localhost");
        let request = request.body(Body::empty()).unwrap();
        let answer = self.app.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let body = axum::body::to_bytes(answer.into_body(), 64 << 20).await;
        body.unwrap().to_vec()
    }
}

/// Conversations in an answer, or lines.
fn told(body: &[u8]) -> usize {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return body.split(|byte| *byte == b'\n').count();
    };
    let lists = ["conversations", "before", "during", "after"];
    let lists = lists.iter().filter_map(|list| body[list].as_array());
    lists.map(Vec::len).sum()
}

fn day(n: u64) -> String {
    let hours = i64::try_from(n * 24).unwrap();
    (first_day() + jiff::SignedDuration::from_hours(hours)).to_string()
}

fn week(n: u64) -> String {
    format!("from={}&to={}", day(n % 390), day(n % 390 + 7))
}

fn one_day(n: u64) -> String {
    format!("from={}&to={}", day(n % 390), day(n % 390 + 1))
}

fn app(site: &Site, store: &Store) -> Router {
    router(AppState {
        store: store.clone(),
        hub: site.hub.clone(),
        clock: site.clock.clone(),
        access: Arc::clone(&site.access),
        not_ready: Arc::new(Vec::new),
        metrics: Arc::new(String::new),
        people: Arc::default(),
        recordings: site.dir.path().into(),
        shelf: Arc::default(),
        about: Arc::clone(&site.about),
        microphones: None,
        closing: site.closing.clone(),
        outside: Arc::default(),
    })
}

fn print(name: &str, answers: usize, mut took: Vec<Duration>, target: f64) {
    if took.is_empty() {
        println!("{name:<48} nothing");
        return;
    }
    took.sort_unstable();
    let ms =
        |share: usize| took[(took.len() * share / 100).min(took.len() - 1)].as_secs_f64() * 1e3;
    println!(
        "{name:<48} {:>7} {:>8.1} {:>8.1} {:>8.1}  {:.2} of {target:.0} ms",
        answers / took.len(),
        ms(50),
        ms(95),
        ms(100),
        ms(95) / target
    );
}
