//! One door: [`evaluate_with`] runs the command over a folder of made recordings, with an engine that says
//! what the test tells it to.

use std::fs;

use clap::Parser;
use serde_json::Value;

use super::{
    compare::{Verdict, compare},
    *,
};
use crate::{
    speech::{Decoded, Request, Word, scripted::Scripted},
    time::MediaTime,
    transcript::wer::Counts,
};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

/// Three seconds of noise that swells as speech does.
fn wav(path: &Path, channels: u16) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for n in 0..24_000_u32 {
        let t = f64::from(n) / 8_000.0;
        let pulse: f64 = (1..20).map(|h| (t * 754.0 * f64::from(h)).sin()).sum();
        let swell = (t * 12.0).sin().powi(2);
        #[expect(clippy::cast_possible_truncation, reason = "a loudness")]
        let sample = (pulse * swell * 900.0) as i16;
        (0..channels).for_each(|_| writer.write_sample(sample).unwrap());
    }
    writer.finalize().unwrap();
}

fn corpus() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, channels) in [("a/1.wav", 1), ("a/2.wav", 1), ("nonspeech/hum.wav", 1)] {
        wav(&dir.path().join(name), channels);
    }
    wav(&dir.path().join("calls/1.wav"), 2);
    fs::write(dir.path().join("a/broken.wav"), "no audio").unwrap();
    let manifest = "file\tspeaker\ttext\na/1.wav\tann\thello there\na/2.wav\tbob\tHello, bear!\n\
                    a/broken.wav\tbob\thello\nnonspeech/hum.wav\t\t\na/gone.wav\t\t\n";
    fs::write(dir.path().join("manifest.tsv"), manifest).unwrap();
    let call = r#"{"turns":[
        {"track":"inbound","start":0.1,"end":1.0,"text":"hello"},
        {"track":"inbound","start":1.1,"end":2.0,"text":"there"},
        {"track":"outbound","start":0.1,"end":2.0,"text":"hello there friend"}]}"#;
    fs::write(dir.path().join("calls/1.json"), call).unwrap();
    dir
}

fn engine(text: &'static str) -> Box<dyn Engine> {
    Box::new(Scripted::new(move |request: &Request<'_>| {
        assert!(!request.samples.is_empty());
        // From the window's start to its end: what is left over would be asked about again.
        let texts: Vec<&str> = text.split_whitespace().collect();
        let each = request.samples.len() as u64 / 16 / texts.len() as u64;
        let words = texts.into_iter().zip(0..).map(|(text, n)| Word {
            text: text.into(),
            start: MediaTime::from_ms(n * each),
            end: MediaTime::from_ms((n + 1) * each),
            confidence: 0.9,
        });
        Ok(Decoded {
            words: words.collect(),
            language: "en".into(),
            language_p: 0.9,
            avg_logprob: -0.1,
            ..Decoded::default()
        })
    }))
}

/// The command's exit code and what it wrote to JSON.
fn evaluate_with(dir: &Path, text: &'static str, more: &[&str]) -> (ExitCode, Value) {
    let json = dir.join("out.txt");
    let fixed = [
        "evaluate",
        dir.to_str().unwrap(),
        "--json",
        json.to_str().unwrap(),
    ];
    let args = Command::parse_from(fixed.iter().chain(more)).args;
    let load = |_: &str| Ok(engine(text));
    let code = evaluate(&args, &Config::default(), &load).unwrap();
    let written = fs::read_to_string(&json).unwrap();
    (code, serde_json::from_str(&written).unwrap())
}

fn of<'a>(run: &'a Value, name: &str) -> &'a Value {
    let figures = run["figures"].as_array().unwrap();
    figures.iter().find(|f| f["of"] == name).unwrap()
}

#[test]
fn the_final_pass_is_scored_by_set_and_speaker() {
    let dir = corpus();
    let (code, report) = evaluate_with(dir.path(), "Hello there.", &["--language", "en"]);
    assert_eq!(code, ExitCode::SUCCESS);
    let [run] = &report["runs"].as_array().unwrap()[..] else {
        panic!("{report}")
    };
    assert_eq!(
        (&run["kind"], &run["model"]["name"]),
        (&"final".into(), &"scripted".into())
    );
    // One of `bear`, one of `friend`, of four, two and three words.
    let counts = |name: &str| {
        let counts = &of(run, name)["counts"];
        ["words", "substituted", "deleted", "inserted"].map(|key| counts[key].as_u64().unwrap())
    };
    assert_eq!(counts("all"), [9, 1, 1, 0]);
    assert_eq!(counts("a"), [4, 1, 0, 0]);
    assert_eq!(counts("a: bob"), [2, 1, 0, 0]);
    assert_eq!(counts("calls: inbound"), [2, 0, 0, 0]);
    assert_eq!(counts("calls: outbound"), [3, 0, 1, 0]);
    assert!(of(run, "all")["interval"]["high"].as_f64() >= of(run, "all")["wer"].as_f64());
    let invented = &of(run, "nonspeech")["invented"];
    assert_eq!(
        (&invented["words"], &invented["files_with_words"]),
        (&2.into(), &1.into())
    );
    assert!(of(run, "calls")["cost"]["track_seconds"].as_f64() > Some(5.0));
    assert_eq!(report["problems"].as_array().unwrap().len(), 1);
    let failed = run["failed"].as_array().unwrap();
    assert!(
        failed[0].as_str().unwrap().contains("broken.wav"),
        "{failed:?}"
    );
    let call = run["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["file"] == "calls/1.wav");
    assert_eq!(call.unwrap()["units"].as_array().unwrap().len(), 3);
    assert_eq!(call.unwrap()["texts"][1]["understood"], "Hello there.");
}

#[test]
fn a_mono_call_is_scored_against_all_turns_by_time() {
    let dir = tempfile::tempdir().unwrap();
    wav(&dir.path().join("mixed.wav"), 1);
    let call = r#"{"turns":[
        {"track":"inbound","start":1.5,"end":2.5,"text":"friend"},
        {"track":"outbound","start":0.1,"end":1.0,"text":"hello there"}]}"#;
    fs::write(dir.path().join("mixed.json"), call).unwrap();
    let (_, report) = evaluate_with(dir.path(), "Hello there, friend.", &[]);
    let run = &report["runs"][0];
    assert_eq!(of(run, "all")["counts"]["words"], 3);
    assert_eq!(of(run, "all")["wer"], 0.0);
    assert_eq!(of(run, ".: outbound")["counts"]["words"], 2);
}

#[test]
fn live_words_are_timed_by_the_stream() {
    let dir = corpus();
    let more = ["--live", "--no-final", "--only", "calls/*"];
    let (_, report) = evaluate_with(dir.path(), "Hello there.", &more);
    let run = &report["runs"][0];
    assert_eq!(
        (&run["kind"], report["runs"].as_array().unwrap().len()),
        (&"live".into(), 1)
    );
    let live = &of(run, "all")["live"];
    assert!(live["words"].as_u64() >= Some(4), "{live}");
    assert_eq!(
        (&live["retractions"], &live["unsettled"]),
        (&0.into(), &0.into())
    );
    assert!(live["committed"]["p95"].is_f64(), "{live}");
    let report: Report = serde_json::from_value(report).unwrap();
    let text = table::render(&report);
    assert!(text.contains("word end to committed"), "{text}");
    assert!(text.contains("retractions 0"), "{text}");
}

#[test]
fn exit_codes_follow_the_limits() {
    let dir = corpus();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (_, report) = evaluate_with(dir.path(), "Hello there.", &["--only", "[ac]*/?.wav"]);
    fs::write(path("earlier.txt"), report.to_string()).unwrap();
    let earlier = path("earlier.txt");
    for (text, more, code) in [
        ("hello there", &["--worst-wer", "30"][..], 0),
        ("hello there", &["--worst-wer", "20"], 1),
        ("nothing like it", &["--against", &earlier], 0),
        ("nothing like it", &["--against", &earlier, "--strict"], 1),
        // What could not be read is no success where it matters.
        ("hello there", &["--strict"], 1),
    ] {
        let mut all = vec!["--only", "[ac]*/?.wav"];
        all.extend(more);
        let (found, _) = evaluate_with(dir.path(), text, &all);
        assert_eq!(found, ExitCode::from(code), "{text} {more:?}");
    }
}

#[test]
fn what_cannot_be_done_at_all_is_an_error() {
    let dir = corpus();
    let folder = dir.path().to_str().unwrap();
    fs::write(dir.path().join("bad.txt"), "{}").unwrap();
    let bad = dir.path().join("bad.txt").display().to_string();
    for (more, says) in [
        (&["--only", "x"][..], "--only x"),
        (&["--only", "a/broken.wav"], "no file could be evaluated"),
        (&["--against", &bad], "no evaluation of ours"),
        (&["--against", "missing"], "cannot read missing"),
        (&["--limit", "0"], "nothing to evaluate"),
    ] {
        let args = Command::parse_from(["evaluate", folder].iter().chain(more)).args;
        let error = evaluate(&args, &Config::default(), &|_| Ok(engine("hello"))).unwrap_err();
        assert!(format!("{error:#}").contains(says), "{error:#}");
    }
    for more in [&["--beam", "9"][..], &["--no-final"], &["--only", "[a"]] {
        let fixed = ["evaluate", folder];
        let args = fixed.iter().chain(more);
        assert!(Command::try_parse_from(args).is_err(), "{more:?}");
    }
}

/// A report of files of 20 words with so many errors, at this cost.
fn report(errors: &[usize], cpu_seconds: f64, invented: usize) -> Report {
    let file = |name: String, speech, errors: usize| FileScore {
        set: "a".into(),
        file: name.clone(),
        track_seconds: 10.0,
        cpu_seconds,
        wall_seconds: cpu_seconds,
        speech,
        texts: Vec::new(),
        units: vec![report::Unit {
            who: "ann".into(),
            turn: None,
            said: name,
            counts: Counts {
                words: 20,
                deleted: errors,
                ..Counts::default()
            },
        }],
        invented: 0,
        live: None,
    };
    let mut files: Vec<FileScore> = errors
        .iter()
        .enumerate()
        .map(|(n, errors)| file(format!("a/{n}.wav"), report::Speech::Known, *errors))
        .collect();
    let mut hum = file("a/hum.wav".into(), report::Speech::None, 0);
    (hum.units, hum.invented) = (Vec::new(), invented);
    files.push(hum);
    let config = Config::default();
    let args = Command::parse_from(["evaluate", "x"]).args;
    Report {
        version: String::new(),
        parameters: parameters(&args, &config),
        problems: Vec::new(),
        runs: vec![Run {
            kind: Kind::Final,
            model: engine("").model().clone(),
            language: None,
            failed: Vec::new(),
            figures: figures::figures(&files),
            files,
        }],
    }
}

#[test]
fn verdicts_tell_news_from_noise() {
    use Verdict::{Better, WithinNoise, Worse};
    let even = [2; 12];
    let mixed: Vec<usize> = (0..12).map(|n| 1 + n % 3).collect();
    for (now, wer, cpu, invented) in [
        (report(&even, 1.0, 1), WithinNoise, WithinNoise, WithinNoise),
        (report(&mixed, 1.09, 0), WithinNoise, WithinNoise, Better),
        (report(&[3; 12], 1.2, 2), Worse, Worse, Worse),
        (report(&[1; 12], 0.8, 1), Better, Better, WithinNoise),
        // One file tells nothing, nor do files that were not heard before.
        (report(&[9], 1.0, 1), WithinNoise, WithinNoise, WithinNoise),
        (
            report(&[2; 20], 1.0, 1),
            WithinNoise,
            WithinNoise,
            WithinNoise,
        ),
    ] {
        let then = report(&even, 1.0, 1);
        let comparison = compare(&then, &now).unwrap().remove(0);
        let verdict = |what: &str| {
            let found = comparison.judgements.iter().find(|j| j.what == what);
            found.unwrap().verdict
        };
        assert_eq!(verdict("all: WER"), wer, "{comparison}");
        assert_eq!(verdict("a: WER"), wer, "{comparison}");
        assert_eq!(verdict("CPU-seconds a second"), cpu, "{comparison}");
        assert_eq!(verdict("invented words"), invented, "{comparison}");
        let worse = [wer, cpu, invented].contains(&Worse);
        assert_eq!(comparison.is_worse(), worse);
    }
}

#[test]
fn runs_are_compared_with_their_like() {
    let now = report(&[1, 2], 1.0, 0);
    let mut other = now.clone();
    other.runs[0].model.name = "other".into();
    other.runs[0].model.sha256 = "ab".into();
    let title = compare(&other, &now).unwrap().remove(0).title;
    assert!(
        title.contains("scripted, which was other, over 3 files"),
        "{title}"
    );
    other.runs[0].kind = Kind::Live;
    assert!(compare(&other, &now).is_err());
    let mut others = now.clone();
    others.runs[0].files.truncate(0);
    assert!(compare(&others, &now).is_err());
}

#[test]
fn live_words_are_compared_by_their_delay_and_their_steadiness() {
    let with_live = |late: f64, unstable, retractions| {
        let mut report = report(&[2, 2], 1.0, 0);
        let files = &mut report.runs[0].files;
        files[0].live = Some(watch::LiveFigures {
            shown: vec![late; 10],
            committed: vec![1.0; 10],
            ended: vec![0.5],
            words: 10,
            unstable,
            retractions,
            unsettled: 0,
        });
        report
    };
    let then = with_live(1.0, 2, 0);
    let now = with_live(0.8, 3, 1);
    let comparison = compare(&then, &now).unwrap().remove(0);
    for (what, verdict) in [
        ("shown, p50", Verdict::Better),
        ("shown, p95", Verdict::Better),
        ("committed, p95", Verdict::WithinNoise),
        ("endpoint to final, p50", Verdict::WithinNoise),
        ("unstable words", Verdict::Worse),
        ("retractions", Verdict::Worse),
    ] {
        let found = comparison.judgements.iter().find(|j| j.what == what);
        assert_eq!(found.unwrap().verdict, verdict, "{what}");
    }
}
