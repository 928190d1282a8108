//! What a call is told: composed from the configuration and the request, and nothing else.

use std::collections::BTreeMap;

use super::options::{Options, StreamVerb};
use crate::wire::{
    twiml::{self, Dial, Holds, Record, Say, Stream, StreamTrack, TooLong, Verb},
    webhook::{Stage, VoiceRequest},
};

/// Where the call's parts report to, as the world calls it.
pub(super) struct Addresses {
    /// Where this call's stream connects.
    pub(super) media: String,
    pub(super) voice: String,
    pub(super) recording: String,
    pub(super) stream: String,
}

/// The document for a call at this stage.
pub(super) fn to(
    call: &VoiceRequest,
    options: &Options,
    addresses: &Addresses,
) -> Result<String, TooLong> {
    let mut verbs = match call.stage {
        Stage::Ringing => ring(call, options, addresses),
        // Nobody was there: the caller may leave a message.
        Stage::Dialled { answered: false } => record(options, addresses).into_iter().collect(),
        Stage::Dialled { answered: true } | Stage::Recorded => Vec::new(),
    };
    if options.hangup {
        verbs.push(Verb::Hangup);
    }
    twiml::write(&verbs)
}

fn ring<'a>(
    call: &'a VoiceRequest,
    options: &'a Options,
    addresses: &'a Addresses,
) -> Vec<Verb<'a>> {
    let (language, greeting) = options.greeting(our_number(call));
    let mut verbs = Vec::new();
    if !greeting.text.is_empty() {
        verbs.push(Verb::Say(Say {
            text: &greeting.text,
            language,
            voice: &greeting.voice,
        }));
    }
    verbs.extend(stream(call, options, addresses, &greeting.spoken));
    // Both ask again when they are done, so that nothing after them is reached.
    match options.dial.number.as_str() {
        "" => verbs.extend(record(options, addresses)),
        number => verbs.push(dial(number, options, addresses)),
    }
    verbs
}

/// Who of the two is this server's business: the other one is the customer.
fn our_number(call: &VoiceRequest) -> Option<&str> {
    let direction = call.direction.as_deref().unwrap_or_default();
    let ours = if direction.starts_with("outbound") {
        &call.from
    } else {
        &call.to
    };
    ours.as_deref()
}

fn stream<'a>(
    call: &'a VoiceRequest,
    options: &'a Options,
    addresses: &'a Addresses,
    spoken: &'a str,
) -> Option<Verb<'a>> {
    let holds = match options.stream {
        StreamVerb::None => return None,
        StreamVerb::Start => Holds::No,
        StreamVerb::Connect => Holds::Call,
    };
    let track = match options.dial.number.is_empty() {
        true => options.stream_track,
        false => StreamTrack::BothTracks,
    };
    // The media door reads these names.
    let of_call = [
        ("from", call.from.as_deref()),
        ("to", call.to.as_deref()),
        ("direction", call.direction.as_deref()),
        ("language", Some(spoken)),
    ];
    let of_call = of_call
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let mut parameters: BTreeMap<&str, &str> = of_call.collect();
    let configured = options.parameters.iter();
    parameters.extend(configured.map(|(name, value)| (name.as_str(), value.as_str())));
    Some(Verb::Stream(Stream {
        holds,
        url: &addresses.media,
        track,
        status_callback: &addresses.stream,
        parameters: parameters.into_iter().collect(),
    }))
}

fn dial<'a>(number: &'a str, options: &'a Options, addresses: &'a Addresses) -> Verb<'a> {
    let recorded = options
        .record
        .enabled
        .then_some(addresses.recording.as_str());
    Verb::Dial(Dial {
        number,
        timeout_s: options.dial.timeout_s,
        action: &addresses.voice,
        recording_callback: recorded,
    })
}

fn record<'a>(options: &'a Options, addresses: &'a Addresses) -> Option<Verb<'a>> {
    let record = &options.record;
    record.enabled.then_some(Verb::Record(Record {
        beep: record.beep,
        trim: record.trim,
        max_s: record.max_s,
        silence_s: record.silence_s,
        action: &addresses.voice,
        recording_callback: &addresses.recording,
    }))
}

#[cfg(test)]
mod tests;
