//! A real Chromium, headless, driven over WebDriver (<https://www.w3.org/TR/webdriver2/>). Plain JSON
//! over HTTP: the dozen verbs that tests need are fewer lines than a client library's set-up.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// The page must have come to what is waited for within this time.
const PATIENCE: Duration = Duration::from_secs(20);

/// One browser with a profile of its own; closed when dropped.
pub(crate) struct Browser {
    http: reqwest::Client,
    session: String,
    driver: Child,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser when it is told to, and its group is ours alone.
        let group = format!("-{}", self.driver.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ = self.driver.wait();
    }
}

impl Browser {
    /// Starts one, or says on stderr why the test is skipped. In CI (`CI` is set) it must start.
    /// `switches` are further ones of Chromium's.
    pub(crate) async fn open(switches: &[String]) -> Option<Self> {
        let missing = |name: &str| {
            let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
                .any(|dir| dir.join(name).is_file());
            (!found).then(|| name.to_owned())
        };
        if let Some(name) = missing("chromedriver").or_else(|| missing("chromium")) {
            assert!(
                std::env::var_os("CI").is_none(),
                "{name} is not installed: apt-get install chromium chromium-driver"
            );
            eprintln!(
                "skipped: {name} is not installed (apt-get install chromium chromium-driver)"
            );
            return None;
        }
        let profile = tempfile::tempdir().unwrap();
        let (driver, port) = start_driver();
        // Plain HTTP on this machine, but the client wants to know its TLS at its making.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE + Duration::from_secs(40))
            .build()
            .unwrap();
        let mut browser = Self {
            http,
            session: format!("http://127.0.0.1:{port}/session"),
            driver,
            _profile: profile,
        };
        let wanted = capabilities(browser._profile.path(), switches);
        let made = browser.post("", wanted).await;
        let id = made["sessionId"].as_str().unwrap();
        browser.session = format!("{}/{id}", browser.session);
        let patience = PATIENCE.as_millis();
        browser
            .post("/timeouts", json!({ "script": patience }))
            .await;
        Some(browser)
    }

    /// Waits for so long from here on: where an engine hears for real, on a machine that has other work.
    pub(crate) async fn patience(&self, patience: Duration) {
        let body = json!({ "script": patience.as_millis() });
        self.post("/timeouts", body).await;
    }

    pub(crate) async fn go(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    /// The value of a JavaScript expression.
    pub(crate) async fn eval(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.post("/execute/sync", json!({ "script": script, "args": [] }))
            .await
    }

    pub(crate) async fn text(&self, expression: &str) -> String {
        let value = self.eval(expression).await;
        value
            .as_str()
            .map_or_else(|| value.to_string(), ToOwned::to_owned)
    }

    /// Waits until an expression is true, looking again whenever the page changes or scrolls, and on the
    /// page that takes its place.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0];
             window.isWaiting = true;
             const holds = () => {{ try {{ return Boolean({expression}); }} catch {{ return false; }} }};
             if (holds()) return done(true);
             const look = () => {{ if (holds()) {{ watch.disconnect(); done(true); }} }};
             const watch = new MutationObserver(look);
             watch.observe(document, {{ subtree: true, childList: true, characterData: true, attributes: true }});
             for (const name of ['scroll', 'loadedmetadata', 'playing', 'timeupdate', 'error']) addEventListener(name, look, true);"
        );
        let body = json!({ "script": script, "args": [] });
        while let Err(error) = self.try_post("/execute/async", body.clone()).await {
            // A script ends with its page, and the driver calls that a timeout.
            if self.eval("window.isWaiting").await != Value::Bool(true) {
                continue;
            }
            let page = self.text("document.body.innerText").await;
            panic!("never came true: {expression}\n{error}\nThe page:\n{page}");
        }
    }

    /// Waits for a page with this heading, which may be another document than the one that is shown, and
    /// one without scripts.
    pub(crate) async fn arrives(&self, heading: &str) {
        for _ in 0..PATIENCE.as_millis() / 50 {
            let shown = json!({ "script": "return document.querySelector('h1')?.textContent;", "args": [] });
            if self
                .try_post("/execute/sync", shown)
                .await
                .is_ok_and(|h1| h1 == heading)
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let page = self.text("document.body.innerText").await;
        panic!("never came to {heading:?}; the page:\n{page}");
    }

    /// Types keys where the focus is; `\u{E004}` is Tab, `\u{E007}` Enter.
    pub(crate) async fn keys(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                let key = key.to_string();
                [
                    json!({ "type": "keyDown", "value": key }),
                    json!({ "type": "keyUp", "value": key }),
                ]
            })
            .collect();
        let source = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.post("/actions", json!({ "actions": [source] })).await;
    }

    /// The window as a phone or a desk has it, in CSS pixels, and the reader's choice of colours.
    pub(crate) async fn look(&self, width: u32, height: u32, scheme: &str) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics)
            .await;
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.cdp(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        )
        .await;
    }

    /// Switches scripts off or on, from the next page on.
    pub(crate) async fn scripts(&self, on: bool) {
        self.cdp(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": !on }),
        )
        .await;
    }

    /// Keeps a picture of the whole page as `NAME.png` in the folder that `CALLSCRIBE_SCREENSHOTS` names.
    pub(crate) async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("CALLSCRIBE_SCREENSHOTS") else {
            return;
        };
        let params = json!({ "format": "png", "captureBeyondViewport": false });
        let shot = self.cdp("Page.captureScreenshot", params).await;
        let bytes = STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    /// What the console said that is worth a look, and forgets it.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({ "type": "browser" })).await;
        let entries = log.as_array().unwrap().iter();
        entries
            .filter(|entry| ["SEVERE", "WARNING"].contains(&entry["level"].as_str().unwrap()))
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What is wrong with the page as it stands, for anybody's eyes or ears: the violations that axe-core
    /// calls serious or critical (`CALLSCRIBE_AXE` names its `axe.min.js`; without it this is not
    /// looked at), what the console complained of, and requests that left this server.
    pub(crate) async fn faults(&self) -> Vec<String> {
        let here = self.text("location.href").await;
        let mut faults = self.complaints().await;
        // A page that says what is wrong comes with the status that says so.
        faults.retain(|what| !what.starts_with(&format!("{here} - Failed to load resource")));
        let strangers = self
            .eval(
                "performance.getEntriesByType('resource').map((entry) => entry.name)
                    .filter((name) => !name.startsWith(location.origin + '/') && !name.startsWith('blob:') && !name.startsWith('data:'))",
            )
            .await;
        faults.extend(strings(&strangers).map(|url| format!("asked elsewhere: {url}")));
        let Some(axe) = std::env::var_os("CALLSCRIBE_AXE") else {
            assert!(
                std::env::var_os("CI").is_none(),
                "CALLSCRIBE_AXE names no axe.min.js"
            );
            eprintln!(
                "skipped: CALLSCRIBE_AXE names no axe.min.js, accessibility is not looked at"
            );
            return faults;
        };
        let axe = std::fs::read_to_string(axe).unwrap();
        let script = format!(
            "{axe};
             const done = arguments[0];
             axe.run(document, {{ resultTypes: ['violations'] }}).then((found) => done(found.violations
                 .filter((each) => ['serious', 'critical'].includes(each.impact))
                 .flatMap((each) => each.nodes.map((node) => `${{each.id}}: ${{node.html}} ${{node.failureSummary}}`))),
                 (error) => done([String(error)]));"
        );
        let body = json!({ "script": script, "args": [] });
        let violations = self.post("/execute/async", body).await;
        faults.extend(strings(&violations).map(ToOwned::to_owned));
        faults
    }

    /// A command of the browser's own protocol.
    pub(crate) async fn cdp(&self, method: &str, params: Value) -> Value {
        let body = json!({ "cmd": method, "params": params });
        self.post("/goog/cdp/execute", body).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.try_post(path, body)
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    async fn try_post(&self, path: &str, body: Value) -> Result<Value, String> {
        let request = self
            .http
            .post(format!("{}{path}", self.session))
            .json(&body);
        let response = request.send().await.map_err(|e| e.to_string())?;
        let failed = !response.status().is_success();
        let mut answer: Value = response.json().await.map_err(|e| e.to_string())?;
        let value = answer["value"].take();
        if failed {
            Err(value["message"].to_string())
        } else {
            Ok(value)
        }
    }
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn start_driver() -> (Child, u16) {
    use std::{
        io::{BufRead, BufReader},
        os::unix::process::CommandExt,
    };
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        })
        .expect("chromedriver says its port");
    // It may go on talking; nobody reading would stop it.
    callscribe::tasks::thread("chromedriver", move || lines.for_each(drop)).unwrap();
    (driver, port)
}

fn capabilities(profile: &Path, switches: &[String]) -> Value {
    let profile = format!("--user-data-dir={}", profile.display());
    let args = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--autoplay-policy=no-user-gesture-required",
        "--lang=en-GB",
        &profile,
    ];
    let args: Vec<&str> = args
        .into_iter()
        .chain(switches.iter().map(String::as_str))
        .collect();
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "goog:chromeOptions": { "args": args },
        "goog:loggingPrefs": { "browser": "ALL" },
    } } })
}
