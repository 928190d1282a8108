//! What users take away: txt, srt, vtt; JSON is [`super::Document`] itself.

use std::fmt::Write as _;

use super::{Document, Segment};
use crate::{speech::Word, time::MediaTime};

/// A subtitle of more text does not fit two lines (42 characters each, as broadcasters have it).
const CUE_CHARACTERS: usize = 84;
/// A subtitle that stands longer outlives what it shows.
const CUE_LENGTH: MediaTime = MediaTime::from_ms(7_000);

/// `[mm:ss] Speaker: text`, a line a segment; `[h:mm:ss]` from an hour on.
#[must_use]
pub fn txt(document: &Document) -> String {
    let mut out = String::new();
    for segment in &document.segments {
        let secs = segment.start.as_ms() / 1000;
        let (h, m, s) = (secs / 3600, secs / 60 % 60, secs % 60);
        let clock = match h {
            0 => format!("{m:02}:{s:02}"),
            _ => format!("{h}:{m:02}:{s:02}"),
        };
        line(
            &mut out,
            format_args!(
                "[{clock}] {}: {}",
                one_line(segment.label()),
                one_line(&segment.text)
            ),
        );
    }
    out
}

/// `[mm:ss-mm:ss] Speaker: text`, a line a segment.
#[must_use]
pub fn spoken(document: &Document) -> String {
    let clock = |at: MediaTime| {
        let secs = at.as_ms() / 1000;
        format!("{:02}:{:02}", secs / 60, secs % 60)
    };
    let lines = document.segments.iter().map(|segment| {
        format!(
            "[{}-{}] {}: {}",
            clock(segment.start),
            clock(segment.end),
            one_line(segment.label()),
            one_line(&segment.text)
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// SubRip: numbered cues, `Speaker: text`.
#[must_use]
pub fn srt(document: &Document) -> String {
    let mut out = String::new();
    for (index, cue) in cues(&document.segments).iter().enumerate() {
        // SubRip has no escape: an arrow in the text would read as a time line.
        let text = one_line(&cue.text).replace("-->", "→");
        let label = one_line(cue.label).replace("-->", "→");
        line(
            &mut out,
            format_args!(
                "{}\n{} --> {}\n{label}: {text}\n",
                index + 1,
                clock(cue.start, ','),
                clock(cue.end, ','),
            ),
        );
    }
    out
}

/// `WebVTT` (W3C), the speaker as a voice: `<v Name>`.
#[must_use]
pub fn vtt(document: &Document) -> String {
    let mut out = "WEBVTT\n\n".to_owned();
    for cue in cues(&document.segments) {
        line(
            &mut out,
            format_args!(
                "{} --> {}\n<v {}>{}\n",
                clock(cue.start, '.'),
                clock(cue.end, '.'),
                escaped(&one_line(cue.label)),
                escaped(&one_line(&cue.text)),
            ),
        );
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

struct Cue<'a> {
    label: &'a str,
    start: MediaTime,
    end: MediaTime,
    text: String,
}

fn cues(segments: &[Segment]) -> Vec<Cue<'_>> {
    let mut cues: Vec<Cue<'_>> = segments.iter().flat_map(cues_of).collect();
    cues.sort_by_key(|cue| cue.start);
    cues
}

/// A segment as subtitles short enough to read, cut between words.
fn cues_of(segment: &Segment) -> Vec<Cue<'_>> {
    let whole = |start, end, text| Cue {
        label: segment.label(),
        start,
        end: end_after(start, end),
        text,
    };
    // Words can be cut apart only where they are the text.
    let words: Vec<&str> = segment.words.iter().map(|w| w.text.as_str()).collect();
    if words.join(" ") != segment.text {
        return vec![whole(segment.start, segment.end, segment.text.clone())];
    }
    let mut cues = Vec::new();
    let mut from = 0;
    for next in 1..=words.len() {
        let full = next == words.len() || {
            let length = words[from..=next].join(" ").chars().count();
            let lasts = segment.words[next]
                .end
                .saturating_sub(segment.words[from].start);
            length > CUE_CHARACTERS || lasts > CUE_LENGTH
        };
        if full {
            let said: &[Word] = &segment.words[from..next];
            let text = words[from..next].join(" ");
            cues.push(whole(said[0].start, said[said.len() - 1].end, text));
            from = next;
        }
    }
    cues
}

/// A cue that ends when it starts is refused by players.
fn end_after(start: MediaTime, end: MediaTime) -> MediaTime {
    end.max(start + MediaTime::from_ms(1))
}

/// `01:02:03,456`.
fn clock(at: MediaTime, point: char) -> String {
    let ms = at.as_ms();
    let (secs, ms) = (ms / 1000, ms % 1000);
    let (h, m, s) = (secs / 3600, secs / 60 % 60, secs % 60);
    format!("{h:02}:{m:02}:{s:02}{point}{ms:03}")
}

/// Line breaks would end a cue or forge a line.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// Character references of `WebVTT`; `-->` becomes harmless with its `>`.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::Track, speech::coverage::CoverageKind, transcript::TrackSpan};

    fn segment(track: Track, speaker: Option<&str>, start: u64, end: u64, text: &str) -> Segment {
        Segment {
            track,
            speaker: speaker.map(Into::into),
            start: MediaTime::from_ms(start),
            end: MediaTime::from_ms(end),
            text: text.into(),
            words: vec![],
        }
    }

    fn document(segments: Vec<Segment>) -> Document {
        Document {
            duration: MediaTime::from_ms(4_000_000),
            language: Some("he".into()),
            model: Some("base".into()),
            segments,
            coverage: vec![],
        }
    }

    fn example() -> Document {
        document(vec![
            segment(Track::Inbound, None, 0, 1_500, "Hi\nthere\r\n\r\n2 --> 3"),
            segment(
                Track::Outbound,
                Some("Dana <b> & Co"),
                61_250,
                62_000,
                "a < b && c > d",
            ),
            segment(
                Track::Inbound,
                Some("דנה"),
                3_723_004,
                3_723_004,
                "שלום, השיחה מוקלטת.",
            ),
        ])
    }

    #[test]
    fn txt_has_a_line_a_segment() {
        assert_eq!(
            txt(&example()),
            "[00:00] Inbound: Hi there 2 --> 3\n\
             [01:01] Dana <b> & Co: a < b && c > d\n\
             [1:02:03] דנה: שלום, השיחה מוקלטת.\n"
        );
        assert_eq!(txt(&document(vec![])), "");
    }

    #[test]
    fn srt_cues_cannot_be_forged_by_text() {
        assert_eq!(
            srt(&example()),
            "1\n00:00:00,000 --> 00:00:01,500\nInbound: Hi there 2 → 3\n\n\
             2\n00:01:01,250 --> 00:01:02,000\nDana <b> & Co: a < b && c > d\n\n\
             3\n01:02:03,004 --> 01:02:03,005\nדנה: שלום, השיחה מוקלטת.\n\n"
        );
    }

    #[test]
    fn vtt_escapes_text_and_voices() {
        assert_eq!(
            vtt(&example()),
            "WEBVTT\n\n\
             00:00:00.000 --> 00:00:01.500\n<v Inbound>Hi there 2 --&gt; 3\n\n\
             00:01:01.250 --> 00:01:02.000\n<v Dana &lt;b&gt; &amp; Co>a &lt; b &amp;&amp; c &gt; d\n\n\
             01:02:03.004 --> 01:02:03.005\n<v דנה>שלום, השיחה מוקלטת.\n\n"
        );
        assert_eq!(vtt(&document(vec![])), "WEBVTT\n\n");
    }

    #[test]
    fn long_talk_becomes_several_cues() {
        let words: Vec<Word> = (0..40)
            .map(|i| Word {
                text: format!("word{i}"),
                start: MediaTime::from_ms(i * 500),
                end: MediaTime::from_ms(i * 500 + 400),
                confidence: 1.0,
            })
            .collect();
        let texts: Vec<&str> = words.iter().map(|w| w.text.as_str()).collect();
        let mut long = segment(Track::Inbound, None, 0, 20_000, &texts.join(" "));
        long.words.clone_from(&words);
        let cues = cues_of(&long);
        assert!(cues.len() > 2);
        for cue in &cues {
            assert!(cue.text.chars().count() <= CUE_CHARACTERS);
            assert!(cue.end.saturating_sub(cue.start) <= CUE_LENGTH);
        }
        let all: Vec<&str> = cues.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(all.join(" "), long.text, "every word once, in order");
    }

    #[test]
    fn json_is_the_promised_shape() {
        let mut document = document(vec![segment(Track::Inbound, None, 250, 1_500, "Hi.")]);
        document.segments[0].words = vec![Word {
            text: "Hi.".into(),
            start: MediaTime::from_ms(250),
            end: MediaTime::from_ms(500),
            confidence: 0.5,
        }];
        document.coverage = vec![TrackSpan {
            track: Track::Inbound,
            start: MediaTime::ZERO,
            end: MediaTime::from_ms(4_000_000),
            kind: CoverageKind::NotUnderstood,
        }];
        let json = serde_json::json!({
            "duration": 4000.0, "language": "he", "model": "base",
            "segments": [{"track": "inbound", "start": 0.25, "end": 1.5, "text": "Hi.",
                "words": [{"text": "Hi.", "start": 0.25, "end": 0.5, "confidence": 0.5}]}],
            "coverage": [{"track": "inbound", "start": 0.0, "end": 4000.0, "kind": "not_understood"}],
        });
        assert_eq!(serde_json::to_value(&document).unwrap(), json);
    }
}
