//! Coming in and going out, before the eyes of people with and without rights, and against a foreign page.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use axum::{Router, response::Html, routing::get};
use callscribe::{store::Role, tasks};

use super::browser;
use crate::harness::{browser::Browser, people::PASSWORD, site::Site};

/// The command line, on the rows of that site.
fn console(site: &Site, arguments: &[&str], stdin: &str) -> String {
    let rows = format!(
        "store.url=sqlite://{}",
        site.dir.path().join("db").display()
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_callscribe"))
        .args(["--set", &rows])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = command.stdin.take().unwrap();
    typed.write_all(stdin.as_bytes()).unwrap();
    drop(typed);
    let done = command.wait_with_output().unwrap();
    let told = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{told}");
    told
}

async fn log_in(browser: &Browser, base: &str, name: &str) {
    browser.go(&format!("{base}/login")).await;
    browser
        .until("document.activeElement.name === 'name'")
        .await;
    browser
        .keys(&format!("{name}\u{E004}{PASSWORD}\u{E007}"))
        .await;
    let bar = format!("document.querySelector('.who-am-i bdi')?.textContent === '{name}'");
    browser.until(&bar).await;
}

/// The status of a request that a script of the page makes.
async fn fetched(browser: &Browser, method: &str, path: &str) -> i64 {
    let script = format!(
        "void (window.status = 0, fetch('{path}', {{ method: '{method}' }}).then((answer) => {{ document.body.dataset.answer = answer.status; }}))"
    );
    browser
        .eval("void delete document.body.dataset.answer")
        .await;
    browser.eval(&script).await;
    browser.until("document.body.dataset.answer").await;
    let answer = browser.text("document.body.dataset.answer").await;
    answer.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_account_on_everybody_does_what_their_role_allows() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    site.call("CA1").await.hang_up(5).await;
    browser.go(&base).await;
    assert_eq!(
        browser
            .text("document.querySelector('.who-am-i').innerText")
            .await,
        "Open: no accounts"
    );

    set_up(&browser, &site, &base).await;
    let_in(&browser, &base).await;
    log_in(&browser, &base, "yossi").await;
    let places = "[...document.querySelectorAll('.bar nav a')].map((a) => a.textContent).join()";
    assert!(!browser.text(places).await.contains("Accounts"));
    assert_eq!(fetched(&browser, "GET", "/api/v1/calls/CA1").await, 200);
    assert_eq!(fetched(&browser, "DELETE", "/api/v1/calls/CA1").await, 403);
    assert_eq!(
        fetched(&browser, "POST", "/api/v1/jobs/none/retry").await,
        403
    );
    browser.go(&format!("{base}/audit")).await;
    let told = browser.text("document.body.innerText").await;
    assert!(told.contains("role admin"), "{told}");
    browser.go(&format!("{base}/calls/CA1")).await;
    let offered =
        "[...document.querySelectorAll('button, a')].some((e) => /delete/i.test(e.textContent))";
    assert_eq!(
        browser.eval(offered).await,
        false,
        "what a viewer may not do"
    );

    console(&site, &["accounts", "role", "yossi", "operator"], "");
    assert_eq!(
        fetched(&browser, "POST", "/api/v1/jobs/none/retry").await,
        404
    );
    assert_eq!(fetched(&browser, "DELETE", "/api/v1/calls/CA1").await, 403);
    console(&site, &["accounts", "role", "yossi", "admin"], "");
    assert_eq!(fetched(&browser, "DELETE", "/api/v1/calls/CA1").await, 200);
    console(&site, &["accounts", "passwd", "yossi"], "another horse\n");
    assert_eq!(fetched(&browser, "GET", "/api/v1/calls").await, 401);
    let listed = console(&site, &["accounts", "list"], "");
    assert!(
        listed.contains("admin     dana") && listed.contains("admin     yossi"),
        "{listed}"
    );
}

/// The first account, from the command line; and its login.
async fn set_up(browser: &Browser, site: &Site, base: &str) {
    let told = console(
        site,
        &["accounts", "add", "Dana", "--role", "admin"],
        "correct horse\n",
    );
    assert!(told.contains("dana: added, admin"), "{told}");
    browser.go(&format!("{base}/calls/CA1")).await;
    assert_eq!(
        browser
            .text("document.querySelector('h1').textContent")
            .await,
        "Log in"
    );
    browser.keys("dana\u{E004}correct house\u{E007}").await;
    browser
        .until("document.querySelector('[role=alert]')")
        .await;
    browser.keys("dana\u{E004}correct horse\u{E007}").await;
    browser.until("document.querySelector('#talk')").await;
    assert!(
        browser.text("location.href").await.ends_with("/calls/CA1"),
        "where it was meant to go"
    );
}

/// The admin lets somebody in, as a viewer, and goes.
async fn let_in(browser: &Browser, base: &str) {
    browser.go(&format!("{base}/accounts")).await;
    browser
        .eval("(() => { const form = document.querySelector('form[action=\"/accounts\"]'); form.closest('details').open = true; form.elements.name.value = 'yossi'; form.elements.password.value = 'correct horse'; form.requestSubmit(); })()")
        .await;
    browser.until("[...document.querySelectorAll('.people bdi')].some((name) => name.textContent === 'yossi')").await;
    browser
        .eval("document.querySelector('.who-am-i button').click()")
        .await;
    browser
        .until("document.querySelector('h1').textContent === 'Log in'")
        .await;
    assert_eq!(fetched(browser, "GET", "/api/v1/calls").await, 401);
}

/// A page of somebody else's: forms that are sent here as soon as it is open, and a link.
async fn foreign(base: &str) -> (String, tokio::task::JoinHandle<()>) {
    let page = |action: &str| {
        format!(
            "<!doctype html><title>foreign</title><form method=post action='{base}{action}'><input name=role value=viewer></form><a href='{base}/calls/CA1'>a call</a>"
        )
    };
    let (remove, role) = (page("/accounts/yossi/remove"), page("/accounts/yossi/role"));
    let app = Router::new()
        .route("/remove", get(move || async move { Html(remove) }))
        .route("/role", get(move || async move { Html(role) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tasks::spawn("foreign", async move {
        axum::serve(listener, app).await.unwrap();
    });
    (port.to_string(), serving)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_changes_nothing_and_its_links_lead_in() {
    let Some((browser, _turn)) = browser().await else {
        return;
    };
    let site = Site::open().await;
    let base = site.listen().await;
    site.call("CA1").await.hang_up(5).await;
    site.account("dana", Role::Admin).await;
    site.account("yossi", Role::Operator).await;
    log_in(&browser, &base, "dana").await;
    let (port, serving) = foreign(&base).await;
    // The same site by a browser's reckoning, so that the cookie comes along; and another one.
    for host in ["127.0.0.1", "localhost"] {
        for path in ["remove", "role"] {
            browser.go(&format!("http://{host}:{port}/{path}")).await;
            browser.eval("void document.forms[0].submit()").await;
            browser.until("document.title !== 'foreign'").await;
            let text = browser.text("document.body.innerText").await;
            assert!(text.contains("Not from there"), "{host} {path}: {text}");
            let yossi = site.store.account(&"yossi".parse().unwrap()).await.unwrap();
            assert_eq!(
                yossi.map(|yossi| yossi.role),
                Some(Role::Operator),
                "{host} {path}"
            );
        }
        browser.go(&format!("http://{host}:{port}/role")).await;
        browser
            .eval("void document.querySelector('a').click()")
            .await;
        browser.until("document.querySelector('#talk')").await;
        let bar = browser
            .text("document.querySelector('.who-am-i').innerText")
            .await;
        assert!(bar.contains("dana"), "{host}: {bar}");
    }
    // Our own page may.
    browser.go(&format!("{base}/accounts")).await;
    browser
        .eval(
            "void document.querySelector('form[action=\"/accounts/yossi/role\"]').requestSubmit()",
        )
        .await;
    browser.until("location.pathname === '/accounts'").await;
    let deeds = site.deeds().await;
    assert_eq!(deeds, ["dana account.role yossi operator", "dana login"]);
    serving.abort();
}
