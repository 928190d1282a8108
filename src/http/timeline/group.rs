//! Many of a kind become one.

use super::{Event, story::long};
use crate::time::MediaTime;

/// So many of a kind stand each by itself.
const FEW: usize = 3;
/// Keys named in one line.
const KEYS: usize = 40;

/// What of these kinds happens between two other things is told together, however the kinds alternate.
const OFTEN: [&str; 6] = ["gap", "key", "mark", "degraded", "anomaly", "job_queued"];

/// Takes events in order of time.
pub(super) fn group(events: Vec<Event>) -> Vec<Event> {
    let (mut out, mut stretch) = (Vec::new(), Vec::new());
    for event in events {
        if OFTEN.contains(&event.kind) {
            stretch.push(event);
        } else {
            out.append(&mut told(std::mem::take(&mut stretch)));
            out.push(event);
        }
    }
    out.append(&mut told(stretch));
    out
}

fn told(stretch: Vec<Event>) -> Vec<Event> {
    let mut told = Vec::new();
    for kind in OFTEN {
        let these: Vec<Event> = (stretch.iter())
            .filter(|event| event.kind == kind)
            .cloned()
            .collect();
        let few = if kind == "job_queued" { 1 } else { FEW };
        if these.len() > few {
            told.push(one(these));
        } else {
            told.extend(these);
        }
    }
    told.sort_by_key(|event| event.at);
    told
}

fn one(parts: Vec<Event>) -> Event {
    let (first, last) = (&parts[0], &parts[parts.len() - 1]);
    let tracks_agree = parts.iter().all(|part| part.track == first.track);
    let streams_agree = parts.iter().all(|part| part.stream == first.stream);
    let length = parts.iter().filter_map(|part| part.length);
    let length = length.reduce(|sum, more| sum + more);
    Event {
        until: Some(last.at),
        text: sum(&parts, length),
        track: first.track.filter(|_| tracks_agree),
        stream: first.stream.filter(|_| streams_agree),
        length,
        trouble: parts.iter().any(|part| part.trouble),
        parts: Vec::new(),
        ..first.clone()
    }
    .with(parts)
}

impl Event {
    fn with(mut self, parts: Vec<Self>) -> Self {
        self.parts = parts;
        self
    }
}

fn sum(parts: &[Event], length: Option<MediaTime>) -> String {
    let count = parts.len();
    let digit = |part: &Event| part.text.split(' ').nth(1).map(ToOwned::to_owned);
    match parts[0].kind {
        "gap" => format!(
            "{count} gaps: {} of audio in all never came; silence stands in their place",
            long(length.unwrap_or_default())
        ),
        "key" => {
            let keys: Vec<_> = parts.iter().take(KEYS).filter_map(digit).collect();
            let more = if count > KEYS { " …" } else { "" };
            format!("{count} keys pressed: {}{more}", keys.join(" "))
        }
        "mark" => format!("{count} marks"),
        "degraded" => format!("Live text fell behind and caught up, {count} steps in all"),
        "anomaly" => format!("On the wire: {count} times something out of the ordinary"),
        _ => {
            let names: Vec<_> = (parts.iter())
                .filter_map(|part| part.text.split_once(": "))
                .map(|(_, name)| name)
                .collect();
            format!("Queued: {}", names.join(", "))
        }
    }
}
