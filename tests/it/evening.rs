//! One evening of calls, by the real program between a telephone provider and a business system that both
//! misbehave: calls ring twice or with a false signature, half are streamed and half recorded by the
//! provider, recordings come late or never, the business system is down for a while, and the program is
//! killed three times. In the end every call has one lead, one transcript or the reason why not, and one
//! announcement that was accepted; of the false ones there is nothing.
//!
//! `CALLSCRIBE_EVENING=200` sets the number of calls (60; of fewer than 20 none is cut by a kill), and
//! `CALLSCRIBE_EVENING=10,60,base` their distance in seconds and the model as well. Needs `CALLSCRIBE_MODELS`.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use callscribe::{tasks, time::Clock};
use serde_json::Value;
use tokio::{sync::RwLock, time::sleep};

use crate::crash::Program;

mod business;
mod caller;
mod provider;

use business::Business;
use caller::{Caller, Manner, sid};
use provider::Provider;

const TOKEN: &str = "the-token-of-the-evening";
const ACCOUNT: &str = "AC0000000000000000000000000000ce11";
const SECRET: &str = "whsec-of-the-whole-evening";
const PUBLIC: &str = "https://calls.example.com";
/// The evening is over so long after its last call, or it failed.
const PATIENCE: Duration = Duration::from_secs(600);

/// How many calls, how far apart, and the model that hears them.
struct Plan {
    count: u32,
    ring: Duration,
    model: String,
}

impl Plan {
    fn read() -> Self {
        let text = std::env::var_os("CALLSCRIBE_EVENING").unwrap_or_else(|| "60".into());
        let text = text.into_string().unwrap();
        let mut parts = text.split(',');
        let mut next = |default: &str| parts.next().unwrap_or(default).trim().to_owned();
        Self {
            count: next("60").parse().unwrap(),
            ring: Duration::from_secs_f64(next("0.15").parse().unwrap()),
            model: next("tiny.en"),
        }
    }
}

/// What became of the evening.
#[derive(Default)]
struct Table {
    rows: BTreeMap<String, u32>,
}

impl Table {
    fn count(&mut self, what: impl Into<String>) {
        *self.rows.entry(what.into()).or_default() += 1;
    }

    fn print(&self) {
        for (what, count) in &self.rows {
            println!("{count:6}  {what}");
        }
    }
}

fn configure(folder: &Path, provider: u16, business: u16) {
    let text = format!(
        "[server]\npublic_url = \"{PUBLIC}\"\n\
         [media]\nauth_token = \"{TOKEN}\"\n\
         [store]\ntranscribe_after_s = 1\n\
         [jobs]\ntranscribe_at_once = 2\nretry_first_s = 1\n\
         [downloads]\naccount_sid = \"{ACCOUNT}\"\nbase_url = \"http://127.0.0.1:{provider}\"\n\
         not_ready_s = 1\nready_within_s = 15\n\
         [webhooks]\nallow_private = true\nwait_s = 1\nwaits = 600\nretries_s = [1, 1, 2, 2, 3, 3, 5, 5, 5, 5, 9, 9]\n\
         [[webhooks.targets]]\nname = \"crm\"\nurl = \"http://127.0.0.1:{business}/hook\"\nsecret = \"{SECRET}\"\n"
    );
    std::fs::write(folder.join("callscribe.toml"), text).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_evening_of_calls_loses_nothing() {
    if std::env::var_os("CALLSCRIBE_MODELS").is_none() {
        eprintln!("skipped: an evening needs CALLSCRIBE_MODELS (a folder with ggml-tiny.en.bin)");
        return;
    }
    let Plan { count, ring, model } = Plan::read();
    callscribe::speech::models::pull::tls::install_provider();
    let folder = tempfile::tempdir().unwrap();
    let (provider, business) = (Provider::start().await, Business::start().await);
    configure(folder.path(), provider.port, business.port);
    let port = free_port();
    let program = Arc::new(RwLock::new(
        Program::start_with(folder.path(), port, &model).await,
    ));
    let clock = Clock::system();
    let began = clock.now();
    let mut kills = 0;

    let mut calls = Vec::new();
    for n in 0..count {
        let caller = Caller::new(n, port, clock.clone());
        calls.push(tasks::spawn("caller", caller.call()));
        sleep(ring).await;
        // The business system is down while the second quarter rings.
        business.set_down(count >= 20 && (count / 4..count / 2).contains(&n));
        if count >= 20 && n > 0 && n % (count / 4) == 0 && n < count / 4 * 4 {
            let mut program = program.write().await;
            program.kill();
            kills += 1;
            *program = Program::start_with(folder.path(), port, &model).await;
        }
    }
    let mut ended = BTreeMap::new();
    for (n, call) in (0..).zip(calls) {
        ended.insert(n, call.await.unwrap());
    }
    let program = program.read().await;
    let last = clock.now();
    let mut table = Table::default();
    let mut waits = Vec::new();
    for n in 0..count {
        let lead = settled(&program, n, (&clock, last)).await;
        judge(&program, &business, n, lead.as_ref(), &mut table).await;
        if let (Some(lead), Some(hung_up)) = (lead, ended[&n]) {
            let done = lead["updated_at"]
                .as_str()
                .unwrap()
                .parse::<jiff::Timestamp>();
            waits.push(done.unwrap().duration_since(hung_up).as_secs_f64().max(0.0));
        }
    }
    println!(
        "{count} calls heard by {model}, the program killed {kills} times, {:.0} s",
        (clock.now() - began).as_secs_f64()
    );
    table.print();
    waits.sort_by(f64::total_cmp);
    let at = |percent: usize| waits[(waits.len() - 1) * percent / 100];
    println!(
        "hang-up to a settled lead: p50 {:.1} s, p95 {:.1} s, at {:.1} calls a minute",
        at(50),
        at(95),
        60.0 / ring.as_secs_f64()
    );
}

/// The call's lead once it is processed or failed; `None` for calls that must leave none.
async fn settled(program: &Program, n: u32, (clock, last): (&Clock, Instant)) -> Option<Value> {
    loop {
        let leads = program
            .get(&format!("/api/v1/leads?call_sid={}", sid(n)))
            .await;
        let leads = leads["leads"].as_array().unwrap().clone();
        if Manner::of(n).is_false {
            assert!(leads.is_empty(), "{n}: a false call left {leads:?}");
            return None;
        }
        assert!(leads.len() <= 1, "{n}: {leads:?}");
        if let Some(lead) = leads.first().filter(|lead| lead["status"] != "new") {
            return Some(lead.clone());
        }
        assert!(clock.now() - last < PATIENCE, "{n}: not settled: {leads:?}");
        sleep(Duration::from_millis(200)).await;
    }
}

async fn judge(
    program: &Program,
    business: &Business,
    n: u32,
    lead: Option<&Value>,
    table: &mut Table,
) {
    let (call, manner) = (sid(n), Manner::of(n));
    let told = business.told(&call, lead.is_some()).await;
    let Some(lead) = lead else {
        assert_eq!(told.len(), 0, "{n}: a false call was announced");
        table.count("with a false signature: refused, nothing made");
        return;
    };
    let completed: Vec<&Value> = told
        .iter()
        .filter(|t| t["event"] == "call.completed")
        .collect();
    assert_eq!(completed.len(), 1, "{n}: {told:?}");
    let kind = manner.describe();
    match lead["status"].as_str().unwrap() {
        "processed" => {
            let path = format!("/api/v1/calls/{call}/transcript");
            let transcript = program.get(&path).await;
            let text = transcript["segments"].as_array().unwrap();
            assert!(!text.is_empty(), "{n}: processed without a text: {lead}");
            assert!(!completed[0]["transcript"].is_null(), "{n}: {told:?}");
            table.count(format!("{kind}: one lead, transcribed, announced"));
        }
        "failed" => {
            let reason = lead["reason"].as_str().unwrap_or_default();
            assert!(manner.is_never || manner.is_streamed, "{n}: {kind}: {lead}");
            assert!(!reason.is_empty(), "{n}: failed without a reason: {lead}");
            table.count(format!(
                "{kind}: one lead, no text, announced with the reason"
            ));
        }
        other => panic!("{n}: {other}"),
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

type Shared<T> = Arc<Mutex<T>>;
