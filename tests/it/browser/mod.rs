//! The pages in a real browser, before the eyes of a reader.

mod call;
mod desk;
mod desk_looks;
mod doors;
mod files;
mod following;
mod hearing;
mod listing;
mod looks;
mod microphone;
mod reading;
mod versions;
mod searching;
mod whose;

use std::sync::LazyLock;

use tokio::sync::MutexGuard;

use crate::harness::browser::Browser;

const HEBREW: &str = "שלום, אני צריך פריצת לוטו בבית שאן";

/// The texts of the turns, settled and unsettled, top to bottom.
const TURNS: &str =
    "[...document.querySelectorAll('.turn .said')].map((e) => e.textContent.trim()).join('|')";

/// Browsers are heavy: one at a time (and `.config/nextest.toml` where each test is a process).
static ONE: LazyLock<tokio::sync::Mutex<()>> = LazyLock::new(Default::default);

/// A browser and the turn to use it; `None` where there is none.
async fn browser() -> Option<(Browser, MutexGuard<'static, ()>)> {
    browser_with(&[]).await
}

/// The same, with further switches of Chromium's.
async fn browser_with(switches: &[String]) -> Option<(Browser, MutexGuard<'static, ()>)> {
    let turn = ONE.lock().await;
    Some((Browser::open(switches).await?, turn))
}
