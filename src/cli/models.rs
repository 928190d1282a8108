//! `callscribe models`: list, pull, verify and convert speech models.

use std::{fs, path::Path};

use anyhow::{Context, bail};

use crate::speech::models::{
    Options,
    manifest::{Manifest, Model},
    pull::{self, Pulled},
    verify::Verdict,
};

mod convert;
mod progress;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List the models that are known and those that are here.
    List,
    /// Get models, verified; the default one where none is named. Goes on where a former pull broke off.
    Pull {
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Verify models that are here; all of them where none is named.
    Verify {
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Convert a CTranslate2 model, as many fine-tuned ones are published, to ggml.
    Convert(convert::Args),
}

/// Does what was asked for, in the folder that `options` name.
///
/// # Errors
/// When a model is unknown, cannot be had, or is not what the manifest says.
pub fn run(args: Args, options: &Options) -> anyhow::Result<()> {
    let manifest = Manifest::load(&options.folder)?;
    match args.action {
        Action::List => list(&manifest, &options.folder),
        Action::Pull { names } => pull(&manifest, &names, options),
        Action::Verify { names } => verify(&manifest, &names, &options.folder),
        Action::Convert(args) => convert::run(&args),
    }
}

fn list(manifest: &Manifest, folder: &Path) -> anyhow::Result<()> {
    for model in &manifest.models {
        let state = state(model, folder);
        let default = if model.name == manifest.default {
            " (default)"
        } else {
            ""
        };
        println!(
            "{:<16} {:>9}  {:<4} {:<4} {state:<12} {}{default}",
            model.name,
            megabytes(model.size),
            model.languages,
            model.licence,
            model.about
        );
    }
    for (name, size) in unlisted(manifest, folder)? {
        let size = megabytes(size);
        println!(
            "{name:<16} {size:>9}  {:<9} {:<12} not in the manifest",
            "", "here"
        );
    }
    println!("in {}", folder.display());
    Ok(())
}

fn state(model: &Model, folder: &Path) -> &'static str {
    match folder.join(&model.file).metadata() {
        Ok(found) if found.len() == model.size => "here",
        Ok(_) => "damaged",
        Err(_) => "",
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

/// Models that the user put into the folder: `find` takes them by these names.
fn unlisted(manifest: &Manifest, folder: &Path) -> anyhow::Result<Vec<(String, u64)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| folder.display().to_string())?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let file = entry.file_name();
        let file = file.to_string_lossy();
        let name = file
            .strip_prefix("ggml-")
            .and_then(|f| f.strip_suffix(".bin"));
        if let Some(name) = name
            && !manifest.models.iter().any(|m| m.file == file)
        {
            found.push((name.to_owned(), entry.metadata()?.len()));
        }
    }
    found.sort();
    Ok(found)
}

fn named<'a>(manifest: &'a Manifest, names: &[String]) -> anyhow::Result<Vec<&'a Model>> {
    let known = || {
        let names: Vec<_> = manifest.models.iter().map(|m| m.name.as_str()).collect();
        names.join(", ")
    };
    names
        .iter()
        .map(|name| {
            let model = manifest.model(name);
            model.with_context(|| format!("no model {name} is known; known are {}", known()))
        })
        .collect()
}

fn pull(manifest: &Manifest, names: &[String], options: &Options) -> anyhow::Result<()> {
    let models = if names.is_empty() {
        named(manifest, std::slice::from_ref(&manifest.default))?
    } else {
        named(manifest, names)?
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut failed = Vec::new();
    for model in models {
        let mut bar = progress::Bar::new(&model.name);
        let pulled = runtime.block_on(pull::pull(model, options, &mut bar));
        bar.finish();
        let path = options.folder.join(&model.file);
        match pulled {
            Ok(Pulled::AlreadyThere) => println!("{}: {} is good", model.name, path.display()),
            Ok(Pulled::Fetched(source)) => {
                println!("{}: {} from {source}", model.name, path.display());
            }
            Err(error) => {
                eprintln!("{error}");
                failed.push(model.name.as_str());
            }
        }
    }
    // A name that is still being looked up must not hold up the end.
    runtime.shutdown_background();
    if !failed.is_empty() {
        bail!("not got: {}", failed.join(", "));
    }
    Ok(())
}

fn verify(manifest: &Manifest, names: &[String], folder: &Path) -> anyhow::Result<()> {
    let models = if names.is_empty() {
        manifest.models.iter().collect()
    } else {
        named(manifest, names)?
    };
    let mut bad = Vec::new();
    let mut there = 0;
    for model in models {
        let mut bar = progress::Bar::new(&model.name);
        let verdict = pull::check(model, folder, &mut bar);
        bar.finish();
        let path = folder.join(&model.file);
        let verdict = verdict.with_context(|| path.display().to_string())?;
        if verdict == Verdict::Missing && names.is_empty() {
            continue;
        }
        there += 1;
        let (good, text) = said(&verdict, model);
        println!("{}: {}: {text}", model.name, path.display());
        if !good {
            bad.push(model.name.as_str());
        }
    }
    if !bad.is_empty() {
        bail!("get them with `callscribe models pull {}`", bad.join(" "));
    }
    if there == 0 {
        println!("no model of the manifest is in {}", folder.display());
    }
    Ok(())
}

fn said(verdict: &Verdict, model: &Model) -> (bool, String) {
    match verdict {
        Verdict::Good { source, .. } => (true, format!("good, as from {source}")),
        Verdict::Missing => (false, "missing".into()),
        Verdict::WrongSize { found } => (
            false,
            format!("{found} bytes, the manifest says {}", model.size),
        ),
        Verdict::WrongHash { sha256 } => {
            (false, format!("its sha256 {sha256} is not in the manifest"))
        }
    }
}

#[cfg(test)]
mod tests;
