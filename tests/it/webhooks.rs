//! Other systems are told of a call, by the real program: one of them fails first, the program is killed
//! while another one is being told (fault 49).

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use callscribe::{ids::Track, tasks, webhooks::sign::signature};
use serde_json::Value;
use tokio::{net::TcpListener, time::sleep};

use crate::{
    crash::Program,
    gateway::{peer::Peer, story::talk},
};

const SECRET: &str = "whsec-of-the-evening";

/// What came: the headers and the body.
type Seen = Arc<Mutex<Vec<(HeaderMap, String)>>>;

#[derive(Clone)]
struct Target {
    seen: Seen,
    /// The first request gets this, or no answer at all.
    first: Option<StatusCode>,
}

impl Target {
    async fn start(first: Option<StatusCode>) -> (Self, u16) {
        let target = Self {
            seen: Seen::default(),
            first,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = Router::new()
            .route("/hook", post(take))
            .with_state(target.clone());
        drop(tasks::spawn("target", async move {
            axum::serve(listener, app).await.unwrap();
        }));
        (target, port)
    }

    async fn saw(&self, count: usize) -> Vec<(HeaderMap, String)> {
        for _ in 0..300 {
            let seen = self.seen.lock().unwrap().clone();
            if seen.len() >= count {
                return seen;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("{count} requests did not come within 30 s");
    }
}

async fn take(State(target): State<Target>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let is_first = {
        let mut seen = target.seen.lock().unwrap();
        seen.push((headers, String::from_utf8(body.to_vec()).unwrap()));
        seen.len() == 1
    };
    match (is_first, target.first) {
        (false, _) => StatusCode::NO_CONTENT,
        (true, Some(status)) => status,
        (true, None) => std::future::pending().await,
    }
}

fn configure(folder: &Path, crm: u16, desk: u16) {
    let text = format!(
        "[speech]\nfinal = false\n[store]\ntranscribe_after_s = 0\n\
         [webhooks]\nallow_private = true\nwait_s = 1\nwaits = 20\nretries_s = [1, 1, 1]\n\
         [[webhooks.targets]]\nname = \"crm\"\nurl = \"http://localhost:{crm}/hook?key=sesame\"\n\
         secret = \"{SECRET}\"\n\
         [[webhooks.targets]]\nname = \"desk\"\nurl = \"http://127.0.0.1:{desk}/hook\"\n\
         secret = \"{SECRET}\"\n"
    );
    fs::write(folder.join("callscribe.toml"), text).unwrap();
}

/// Every request is genuine by its own time, and of the same delivery.
fn check(seen: &[(HeaderMap, String)]) -> Value {
    for (headers, body) in seen {
        let signed = headers["callscribe-signature"].to_str().unwrap();
        let (time, _) = signed.strip_prefix("t=").unwrap().split_once(',').unwrap();
        let at = jiff::Timestamp::from_second(time.parse().unwrap()).unwrap();
        assert_eq!(signed, signature(SECRET, at, body));
        assert_eq!(headers["callscribe-event"], "call.completed");
        assert_eq!(
            headers["callscribe-delivery"],
            seen[0].0["callscribe-delivery"]
        );
        assert_eq!(body, &seen[0].1);
    }
    let body: Value = serde_json::from_str(&seen[0].1).unwrap();
    assert_eq!(
        seen[0].0["callscribe-delivery"],
        body["delivery_id"].as_str().unwrap()
    );
    body
}

#[tokio::test]
async fn each_target_hears_of_a_call_through_errors_and_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let (crm, crm_port) = Target::start(None).await;
    let (desk, desk_port) = Target::start(Some(StatusCode::INTERNAL_SERVER_ERROR)).await;
    configure(folder.path(), crm_port, desk_port);
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut program = Program::start(folder.path(), port).await;
    let mut peer = Peer::connect(&format!("ws://127.0.0.1:{port}/media"), "CA1", "MZ1").await;
    peer.start(&[Track::Inbound], &[]).await;
    let [inbound, _] = talk();
    peer.speak(Track::Inbound, 0, &inbound[..8000 * 2]).await;
    peer.stop().await;

    crm.saw(1).await;
    check(&desk.saw(2).await);
    program.kill();
    let program = Program::start(folder.path(), port).await;
    let body = check(&crm.saw(2).await);
    assert_eq!(
        (&body["call_sid"], &body["transcript"]),
        (&"CA1".into(), &Value::Null)
    );
    assert!(
        body["reason"].as_str().unwrap().contains("no transcript"),
        "{body}"
    );

    let page = loop {
        let page = program
            .get("/api/v1/deliveries?call=CA1&state=delivered")
            .await;
        if page["deliveries"].as_array().unwrap().len() == 2 {
            break page;
        }
        sleep(Duration::from_millis(100)).await;
    };
    let deliveries = page["deliveries"].as_array().unwrap();
    let desk_row = deliveries.iter().find(|d| d["target"] == "desk").unwrap();
    let attempts = desk_row["attempts"].as_array().unwrap().iter();
    let statuses: Vec<_> = attempts.map(|attempt| &attempt["http_status"]).collect();
    assert_eq!(statuses, [500, 204]);
    tended(folder.path());

    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    for secret in ["sesame", SECRET, "/hook"] {
        assert!(!log.contains(secret), "{secret} in the log:\n{log}");
    }
    assert!(
        log.contains("announced") && log.contains("HTTP 500"),
        "{log}"
    );
}

/// The same rows by the command line, while the server runs.
fn tended(folder: &Path) {
    let jobs = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_callscribe"))
            .current_dir(folder)
            .arg("jobs")
            .args(args)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let (well, text) = jobs(&["list", "--kind", "deliver"]);
    assert!(
        well && text.lines().count() == 3 && text.contains("done"),
        "{text}"
    );
    let id = text.lines().nth(1).unwrap().split(' ').next().unwrap();
    for (args, well, part) in [
        (&["list", "--state", "dead"][..], true, "no such jobs"),
        (
            &["list", "--state", "lost"],
            false,
            "queued, running, done or dead",
        ),
        (
            &["list", "--kind", "deliver", "--json", "--limit", "1"],
            true,
            "\"kind\":\"deliver\"",
        ),
        (&["retry", id], false, "is done"),
        (&["drop", id], true, "dropped"),
        (&["drop", id], false, "there is no job"),
        (&["retry"], false, "ID"),
    ] {
        let (went_well, text) = jobs(args);
        assert!(went_well == well && text.contains(part), "{args:?}: {text}");
    }
}
