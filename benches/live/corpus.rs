//! The calls as they come over the wire: 8 kHz mu-law, taken to 16 kHz as the gateway does.

use std::{fs, path::Path};

use callscribe::audio::{mulaw, resample::Upsampler};

use crate::common::recordings;

/// One track of one call.
pub(crate) struct Line {
    pub(crate) file: String,
    pub(crate) channel: usize,
    /// 16 kHz.
    pub(crate) audio: Vec<i16>,
    /// Begins so many seconds after the run.
    pub(crate) delay: f64,
    /// The first of its kind: its words are judged.
    pub(crate) first: bool,
    /// Seconds in which somebody speaks, by the turns.
    pub(crate) speech: f64,
}

impl Line {
    pub(crate) fn seconds(&self) -> f64 {
        self.audio.len() as f64 / 16_000.0
    }
}

/// Tracks of `count` calls, `seconds` of each (0: all), begun apart so that their turns do not coincide.
pub(crate) fn calls(shared: &Path, count: usize, seconds: u64) -> Vec<Line> {
    let mut lines = Vec::new();
    for call in 0..count {
        let file = format!("dev_{}.wav", call % 2 + 1);
        let path = shared.join("speech/calls").join(&file);
        let turns: serde_json::Value =
            serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
        for channel in 0..2 {
            let mut audio = wire(&path, channel);
            if seconds > 0 {
                audio.truncate(usize::try_from(seconds).unwrap() * 16_000);
            }
            lines.push(Line {
                file: file.clone(),
                channel,
                speech: spoken(&turns, channel, audio.len() as f64 / 16_000.0),
                audio,
                delay: call as f64 * 3.7 % 20.0,
                first: call < 2 && seconds == 0,
            });
        }
    }
    lines
}

fn spoken(turns: &serde_json::Value, channel: usize, until: f64) -> f64 {
    let track = ["inbound", "outbound"][channel];
    let turns = turns["turns"].as_array().unwrap();
    let mine = turns.iter().filter(|turn| turn["track"] == track);
    mine.map(|turn| {
        let at = |key: &str| turn[key].as_f64().unwrap().min(until);
        at("end") - at("start")
    })
    .sum()
}

/// Every channel of the sounds without speech.
pub(crate) fn nonspeech(shared: &Path) -> Vec<Line> {
    recordings(&shared.join("speech/nonspeech"))
        .iter()
        .map(|path| Line {
            file: path.file_name().unwrap().to_string_lossy().into_owned(),
            channel: 0,
            audio: wire(path, 0),
            delay: 0.0,
            first: false,
            speech: 0.0,
        })
        .collect()
}

/// One channel as the gateway hears it: through mu-law at 8 kHz. Files of 16 kHz go as they are.
fn wire(path: &Path, channel: usize) -> Vec<i16> {
    let mut reader = hound::WavReader::open(path).unwrap();
    let spec = reader.spec();
    let samples = reader.samples::<i16>().map(Result::unwrap);
    let mine = samples.skip(channel).step_by(spec.channels.into());
    if spec.sample_rate == 16_000 {
        return mine.collect();
    }
    assert_eq!(spec.sample_rate, 8000, "{}", path.display());
    let ulaw: Vec<u8> = mine.map(mulaw::encode).collect();
    let (mut upsampler, mut audio) = (Upsampler::new(), Vec::new());
    for frame in ulaw.chunks(160) {
        upsampler.process(frame, &mut audio);
    }
    upsampler.finish(&mut audio);
    audio
}
