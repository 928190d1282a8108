//! Opening: idempotent, at once, refused with a reason.

use crate::store::{
    Error, Options, Store,
    testing::{Bench, on_both, on_sqlite},
};

on_both!(opens_again, opens_at_once);

async fn opens_again(bench: &Bench) {
    bench.stream("CA1", 0).await;
    bench.store.close().await;
    for _ in 0..2 {
        let store = bench.again().await;
        store.ping().await.unwrap();
        assert!(store.call(&"CA1".parse().unwrap()).await.unwrap().is_some());
        store.close().await;
    }
}

/// Fresh databases, so that all of them try to make the schema.
async fn opens_at_once(bench: &Bench) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = bench.options.clone();
    if options.url.starts_with("sqlite:") {
        options.url = format!("sqlite://{}/new.db", folder.path().display());
    }
    let opens = [(); 4].map(|()| Store::open(&options));
    for store in futures_util::future::join_all(opens).await {
        let store = store.unwrap();
        store.ping().await.unwrap();
        store.close().await;
    }
}

/// So that no commit has to do it, and the log does not grow for ever.
#[tokio::test]
async fn the_log_of_sqlite_is_moved_into_the_file() {
    on_sqlite(async |bench: &Bench| {
        bench.stream("CA1", 0).await;
        let file = bench.options.url.strip_prefix("sqlite://").unwrap();
        let folder = tempfile::tempdir().unwrap();
        for attempt in 0.. {
            // The file alone, without its log.
            let copy = folder.path().join(attempt.to_string());
            std::fs::copy(file, &copy).unwrap();
            let options = Options {
                url: format!("sqlite://{}", copy.display()),
                ..Options::default()
            };
            // Copied in the middle of a move it may not open.
            if let Ok(alone) = Store::open(&options).await {
                let moved = alone.call(&"CA1".parse().unwrap()).await;
                alone.close().await;
                if moved.is_ok_and(|call| call.is_some()) {
                    return;
                }
            }
            assert!(attempt < 100, "not within 10 s");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    for url in ["", "mysql://x/y", "calls.db"] {
        let options = Options {
            url: url.into(),
            ..Options::default()
        };
        assert!(
            matches!(Store::open(&options).await, Err(Error::Url)),
            "{url:?}"
        );
    }
}

#[tokio::test]
async fn why_a_database_does_not_open_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        url: format!("sqlite://{}", folder.path().display()),
        ..Options::default()
    };
    let error = Store::open(&options).await.err().unwrap();
    let said = format!("{:#}", anyhow::Error::new(error));
    assert_eq!(said.matches("unable to open").count(), 1, "{said}");
}

#[test]
fn a_password_is_not_described() {
    for (url, said) in [
        ("sqlite://data/calls.db", "sqlite://data/calls.db"),
        (
            "postgres://u:p@host:5432/db?sslmode=require",
            "postgres://host:5432/db",
        ),
        ("postgres://u:p@x@host/db", "postgres://host/db"),
        ("postgresql://host/db", "postgres://host/db"),
    ] {
        assert_eq!(crate::store::describe(url), said);
    }
}
