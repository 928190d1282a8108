//! Twilio's own library for Python, as a live judge of signatures and TwiML. `./test` installs it and
//! names its interpreter in `CALLSCRIBE_TWILIO_PYTHON`.

use std::process::Command;

use callscribe::tasks;

use super::peer::{TOKEN, VOICE};
use crate::gateway::server::serve;

/// The script posts forms that the library signed to all doors, whole and spoilt, upgrades likewise, and
/// checks what we sign by the library. It says in its last line how many it tried.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twilios_own_library_agrees() {
    let Some(python) = std::env::var_os("CALLSCRIBE_TWILIO_PYTHON") else {
        eprintln!("skipped: CALLSCRIBE_TWILIO_PYTHON names no Python with the twilio package");
        return;
    };
    let server = serve(|config| {
        config.media.auth_token = Some(TOKEN.to_owned().into());
    })
    .await;
    let address = server.server.address.to_string();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/twilio/oracle.py");
    let ran = tasks::blocking("oracle", move || {
        Command::new(python)
            .args([script, &address, TOKEN, VOICE])
            .output()
    });
    let ran = ran.await.unwrap().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    let failed = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{told}\n{failed}");
    let last = told.lines().last().unwrap_or_default();
    assert!(last.starts_with("agreed on "), "{told}");
    println!("{last}");
    server.stop().await;
}
