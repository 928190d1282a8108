//! How the files are called: `{speaker}_{stream}_{YYYYMMDD_HHMMSS}.wav`, the time in UTC. Further parts
//! end in `_2.wav`, `_3.wav`, …; the sidecar is the first part's name with `.json`, and the archive of the
//! whole with `.opus`.

use std::path::{Path, PathBuf};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::ids::{StreamSid, Track};

/// The longest speaker in a file name, in bytes: with a stream id of 64 it stays under 255.
const LONGEST_SPEAKER: usize = 64;
const TIME_FORMAT: &str = "%Y%m%d_%H%M%S";

/// The common stem of a recording's files. `attempt` is 0 at first; where that name is taken, counting
/// on gives others: the track is added to the speaker, then a number.
pub(super) fn stem(
    speaker: Option<&str>,
    track: Track,
    stream: &StreamSid,
    started: Timestamp,
    attempt: u32,
) -> String {
    let speaker = speaker.map(sanitised).filter(|s| !s.is_empty());
    let mut who = speaker.unwrap_or_else(|| track.as_str().to_owned());
    if attempt > 0 && who != track.as_str() {
        who = format!("{who}-{track}");
    }
    if attempt > 1 || (attempt == 1 && who == track.as_str()) {
        who = format!("{who}-{}", attempt + 1);
    }
    let time = started.to_zoned(TimeZone::UTC).strftime(TIME_FORMAT);
    format!("{who}_{stream}_{time}")
}

/// Letters, digits and `-` of any script; anything else, and what may not stand in a path, becomes `-`.
fn sanitised(speaker: &str) -> String {
    let mut out = String::new();
    for c in speaker.trim().chars() {
        let c = if c.is_alphanumeric() { c } else { '-' };
        if out.len() + c.len_utf8() > LONGEST_SPEAKER {
            break;
        }
        if c != '-' || !(out.is_empty() || out.ends_with('-')) {
            out.push(c);
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    out
}

/// `…/stem.wav`, `…/stem_2.wav` for `number` 2, and so on.
pub(super) fn part_path(folder: &Path, stem: &str, number: usize) -> PathBuf {
    match number {
        0 | 1 => folder.join(format!("{stem}.wav")),
        _ => folder.join(format!("{stem}_{number}.wav")),
    }
}

pub(super) fn sidecar_path(folder: &Path, stem: &str) -> PathBuf {
    folder.join(format!("{stem}.json"))
}

/// What a file of ours is, by its name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub stem: String,
    /// `None` for the sidecar, else the part's number from 1.
    pub part: Option<usize>,
    pub started: Timestamp,
}

/// Reads a file name; `None` for what this program did not name.
pub(super) fn parse(file_name: &str) -> Option<Named> {
    if let Some(stem) = file_name.strip_suffix(".json") {
        let started = started(stem)?;
        return Some(Named {
            stem: stem.to_owned(),
            part: None,
            started,
        });
    }
    let body = file_name.strip_suffix(".wav")?;
    if let Some(started) = started(body) {
        return Some(Named {
            stem: body.to_owned(),
            part: Some(1),
            started,
        });
    }
    let (stem, number) = body.rsplit_once('_')?;
    let part: usize = number.parse().ok()?;
    let canonical = part > 1 && number == part.to_string();
    let started = started(stem).filter(|_| canonical)?;
    Some(Named {
        stem: stem.to_owned(),
        part: Some(part),
        started,
    })
}

/// The time at the end of a stem that has a speaker and a stream id before it.
fn started(stem: &str) -> Option<Timestamp> {
    let split = stem.len().checked_sub("YYYYMMDD_HHMMSS".len())?;
    let (before, time) = stem.split_at_checked(split)?;
    let (speaker, stream) = before.strip_suffix('_')?.split_once('_')?;
    if speaker.is_empty() || stream.parse::<StreamSid>().is_err() {
        return None;
    }
    let digits = time.bytes().enumerate().all(|(n, b)| {
        if n == 8 {
            b == b'_'
        } else {
            b.is_ascii_digit()
        }
    });
    let civil = DateTime::strptime(TIME_FORMAT, time)
        .ok()
        .filter(|_| digits)?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// The stem as it may stand in a log: a speaker that is a phone number is not shown.
pub(super) fn for_log(stem: &str) -> String {
    let Some((speaker, rest)) = stem.split_once('_') else {
        return String::new();
    };
    let digits = speaker.chars().filter(char::is_ascii_digit).count();
    if digits > 4 {
        format!("…_{rest}")
    } else {
        stem.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn names_by_example() {
        let stream: StreamSid = "MZ12".parse().unwrap();
        let started = at("2026-03-09T23:59:58.9Z");
        for (speaker, track, attempt, name) in [
            (
                Some("agent"),
                Track::Inbound,
                0,
                "agent_MZ12_20260309_235958",
            ),
            (None, Track::Inbound, 0, "inbound_MZ12_20260309_235958"),
            (None, Track::Outbound, 0, "outbound_MZ12_20260309_235958"),
            (
                Some(""),
                Track::Outbound,
                0,
                "outbound_MZ12_20260309_235958",
            ),
            (
                Some("../../etc/passwd"),
                Track::Inbound,
                0,
                "etc-passwd_MZ12_20260309_235958",
            ),
            (
                Some("a_b  c\0d\n"),
                Track::Inbound,
                0,
                "a-b-c-d_MZ12_20260309_235958",
            ),
            (
                Some("דוד כהן"),
                Track::Inbound,
                0,
                "דוד-כהן_MZ12_20260309_235958",
            ),
            (
                Some("agent"),
                Track::Outbound,
                1,
                "agent-outbound_MZ12_20260309_235958",
            ),
            (
                Some("agent"),
                Track::Outbound,
                2,
                "agent-outbound-3_MZ12_20260309_235958",
            ),
            (None, Track::Inbound, 1, "inbound-2_MZ12_20260309_235958"),
        ] {
            let stem = stem(speaker, track, &stream, started, attempt);
            assert_eq!(stem, name);
            let named = parse(&format!("{stem}.wav")).unwrap();
            assert_eq!(
                named,
                Named {
                    stem,
                    part: Some(1),
                    started: at("2026-03-09T23:59:58Z")
                }
            );
        }
        let long = stem(Some(&"ש".repeat(500)), Track::Inbound, &stream, started, 0);
        assert!(long.len() < 120, "{}", long.len());
    }

    #[test]
    fn only_our_own_names_are_read() {
        let folder = Path::new("x");
        let stem = "bob_MZ_1_20260101_000000";
        for (path, part) in [
            (part_path(folder, stem, 1), Some(1)),
            (part_path(folder, stem, 2), Some(2)),
            (part_path(folder, stem, 117), Some(117)),
            (sidecar_path(folder, stem), None),
        ] {
            let named = parse(path.file_name().unwrap().to_str().unwrap()).unwrap();
            assert_eq!((named.stem.as_str(), named.part), (stem, part));
        }
        for foreign in [
            "music.wav",
            "bob_20260101_000000.wav",
            "_MZ_20260101_000000.wav",
            "bob_MZ_20261301_000000.wav",
            "bob_MZ_20260101_000000_1.wav",
            "bob_MZ_20260101_000000_02.wav",
            "bob_MZ_20260101_000000.mp3",
            "bob_MZ_20260101_000000.json.tmp",
            "bob_MZ!_20260101_000000.wav",
            "bob_MZ_2026010100_0000.wav",
            "שלום.wav",
            "",
        ] {
            assert_eq!(parse(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn a_phone_number_stays_out_of_the_log() {
        assert_eq!(
            for_log("15551234567_MZ1_20260101_000000"),
            "…_MZ1_20260101_000000"
        );
        assert_eq!(
            for_log("agent_MZ1_20260101_000000"),
            "agent_MZ1_20260101_000000"
        );
    }
}
