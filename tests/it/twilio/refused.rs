//! What is no webhook: a clear answer, nothing made, nothing said that should not be.

use std::{
    convert::Infallible,
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{Request, StatusCode},
};
use callscribe::{
    http::{
        proxy::Proxies,
        twilio::{Doors, Options, router},
    },
    live::hub::{self, Hub},
    store::{LeadFilter, Store},
    time::Clock,
    wire::signature,
};
use futures_util::stream;
use reqwest::Method;
use tower::ServiceExt;

use super::peer::{DOORS, RECORDING, STATUS, STREAM, TOKEN, VOICE};
use crate::gateway::server::{TestServer, serve};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn what_is_no_webhook_is_refused_and_nothing_is_made() {
    let server = serve(|_| {}).await;
    let long = format!("CallSid=CA1&x={}", "x".repeat(64 * 1024));
    let call = "CallSid=CA1&CallStatus=ringing&StreamEvent=x&RecordingUrl=/x";
    for door in DOORS {
        for (method, headers, body, status) in [
            (Method::GET, &[][..], "", 405),
            (Method::PUT, &[FORM], call, 405),
            (Method::POST, &[FORM], "", 400),
            (
                Method::POST,
                &[FORM],
                "From=%2B1&To=%2B2&CallStatus=ringing",
                400,
            ),
            (Method::POST, &[FORM], "CallSid=", 400),
            (Method::POST, &[FORM], "CallSid=CA%2F..%2F1", 400),
            (Method::POST, &[FORM], "CallSid=CA1&x=%zz", 400),
            (Method::POST, &[FORM], "CallSid=CA1&x=%ff", 400),
            (Method::POST, &[FORM], &long, 413),
            (
                Method::POST,
                &[FORM, ("origin", "https://evil.example")],
                call,
                403,
            ),
            (Method::POST, &[], call, 415),
            (Method::POST, &[("content-type", "text/plain")], call, 415),
            (
                Method::POST,
                &[("content-type", "application/json")],
                r#"{"CallSid":"CA1"}"#,
                415,
            ),
        ] {
            let answer = server
                .send(method.clone(), door, headers, body.to_owned())
                .await;
            let told: String = body.chars().take(60).collect();
            assert_eq!(
                answer.status(),
                status,
                "{method} {door} {headers:?} {told}"
            );
            if status != 405 {
                let text = answer.text().await.unwrap();
                assert!(text.len() > 10, "{method} {door} {told}: {text:?}");
                assert!(!text.contains("CA1") && !text.contains(".."), "{text:?}");
            }
        }
    }
    nothing_is_there(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_webhook_that_lacks_something_is_refused_and_nothing_is_made() {
    let server = serve(|_| {}).await;
    for (door, body) in [
        (STATUS, "CallSid=CA1"),
        (STATUS, "CallSid=CA1&CallStatus=asleep"),
        (STREAM, "CallSid=CA1"),
        (
            STREAM,
            "CallSid=CA1&StreamEvent=stream-started&StreamSid=a/b",
        ),
        (RECORDING, "CallSid=CA1"),
        (RECORDING, "CallSid=CA1&RecordingSid=RE1"),
        (RECORDING, "CallSid=CA1&RecordingSid=../RE&RecordingUrl=/x"),
    ] {
        let answer = server
            .send(Method::POST, door, &[FORM], body.to_owned())
            .await;
        assert_eq!(answer.status(), 400, "{door} {body}");
    }
    let endless = format!("CallSid=CA1&From={0}&To={0}", "%26".repeat(400));
    let answer = server.send(Method::POST, VOICE, &[FORM], endless).await;
    assert_eq!(answer.status(), 400, "no TwiML could say that");
    nothing_is_there(&server).await;
    server.stop().await;
}

async fn nothing_is_there(server: &TestServer) {
    assert_eq!(server.leads().await, Vec::<serde_json::Value>::new());
    for kind in ["download", "announce"] {
        assert_eq!(server.jobs(kind).await, 0, "{kind}");
    }
}

/// The doors alone, and the folder that they keep their rows in.
async fn doors(token: Option<&str>) -> (Router, Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = callscribe::store::Options {
        url: format!("sqlite://{}", folder.path().join("db").display()),
        ..Default::default()
    };
    let store = Store::open(&options).await.unwrap();
    let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
    let doors = Doors {
        store: store.clone(),
        hub: Hub::new(hub::Options::default(), clock.clone()),
        clock,
        options: Options::default(),
        proxies: Proxies::default(),
        auth_token: token.map(Into::into),
        media_path: "/media".into(),
    };
    (router(doors), store, folder)
}

async fn ask(doors: &Router, request: axum::http::request::Builder, body: Body) -> StatusCode {
    let peer = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    let request = request
        .method("POST")
        .uri(VOICE)
        .header("host", "localhost")
        .header(FORM.0, FORM.1)
        .extension(ConnectInfo(peer));
    let request = request.body(body).unwrap();
    doors.clone().oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn a_megabyte_is_not_read_to_its_end() {
    let (doors, store, _folder) = doors(None).await;
    let read = Arc::new(AtomicUsize::new(0));
    let megabyte = || {
        let read = Arc::clone(&read);
        let chunks = (0..1024).map(move |_| {
            read.fetch_add(1024, Ordering::Relaxed);
            Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 1024]))
        });
        Body::from_stream(stream::iter(chunks))
    };
    assert_eq!(ask(&doors, Request::builder(), megabyte()).await, 413);
    let pulled = read.swap(0, Ordering::Relaxed);
    assert!(pulled <= 66 * 1024, "{pulled} bytes were read");
    let announced = Request::builder().header("content-length", 1024 * 1024);
    assert_eq!(ask(&doors, announced, megabyte()).await, 413);
    assert_eq!(read.load(Ordering::Relaxed), 0, "it said how long it is");
    let page = store.leads(&LeadFilter::default(), None, 9).await.unwrap();
    assert_eq!(page.leads, []);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Numbers, words and secrets stay out of the log, whatever comes of a request.
#[tokio::test]
async fn the_log_tells_no_number_and_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let (doors, store, _folder) = doors(Some("the-auth-token")).await;
    let fields = [
        ("CallSid", "CA1"),
        ("From", "+972501234567"),
        ("CallerName", "Dana"),
    ];
    let body = super::peer::form(&fields);
    let good = signature::sign(
        "the-auth-token",
        &format!("http://localhost{VOICE}"),
        &fields,
    );
    let wrong = signature::sign(TOKEN, "http://localhost", &[]);
    for (signature, status) in [(&good, 200), (&wrong, 403)] {
        let request = Request::builder().header("x-twilio-signature", signature);
        let answer = ask(&doors, request, Body::from(body.clone())).await;
        assert_eq!(answer.as_u16(), status);
    }
    assert_eq!(
        ask(&doors, Request::builder(), Body::from("%zz972501234567")).await,
        400
    );
    // A database that is gone.
    store.close().await;
    let request = Request::builder().header("x-twilio-signature", &good);
    assert_eq!(ask(&doors, request, Body::from(body)).await, 500);
    let told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        told.contains("webhook refused") && told.contains("could not be stored"),
        "{told}"
    );
    for secret in [
        "972501234567",
        "Dana",
        "auth-token",
        good.as_str(),
        wrong.as_str(),
    ] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}
