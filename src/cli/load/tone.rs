//! Something like speech: a voice of harmonics in syllables, phrases and pauses. Levels and voice
//! detection take it for someone who speaks; no words are in it.

use std::f64::consts::TAU;

use crate::{
    audio::mulaw,
    cli::phone::{Choice, Source},
    ids::Track,
    time::WIRE_RATE,
};

/// Of the whole, in seconds; two turns.
const LENGTH: u32 = 30;
/// One side speaks, then the other.
const TURN: f64 = 5.0;
/// Silence at the end of each turn.
const PAUSE: f64 = 0.8;
/// Syllables a second.
const SYLLABLES: f64 = 4.0;

/// What a stereo file would be: both tracks only where they are asked for.
pub(super) fn source(choice: Choice) -> Source {
    match choice {
        Choice::Both => Source::new(Track::ALL.map(|track| (track, voice(track)))),
        Choice::Only(track) => Source::new([(track, voice(track))]),
        Choice::AsItIs => Source::new([(Track::Inbound, voice(Track::Inbound))]),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "an amplitude fits")]
fn voice(track: Track) -> Vec<u8> {
    let rate = WIRE_RATE as u32;
    let (first, pitch) = match track {
        Track::Inbound => (0.0, 120.0),
        Track::Outbound => (1.0, 190.0),
    };
    let at = |n: u32| {
        let time = f64::from(n) / f64::from(rate);
        let speaks = (time / TURN).floor() % 2.0 == first && time % TURN < TURN - PAUSE;
        let glide = pitch * (1.0 + 0.1 * (TAU * 0.3 * time).sin());
        let harmonic = |k: u32| (TAU * glide * f64::from(k) * time).sin() / f64::from(k);
        let sound: f64 = (1..=12).map(harmonic).sum();
        let syllable = (TAU * SYLLABLES / 2.0 * time).sin().abs();
        let loud = if speaks { 7_000.0 * syllable } else { 0.0 };
        mulaw::encode((loud * sound) as i16)
    };
    (0..rate * LENGTH).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_speaks_in_its_turn() {
        let both = source(Choice::Both);
        assert!((both.seconds() - 30.0).abs() < 1e-9);
        let power = |track, second: usize| {
            let ulaw = &both.ulaw(track)[second * 8000..][..8000];
            let square = |byte: &u8| f64::from(mulaw::decode(*byte)).powi(2);
            (ulaw.iter().map(square).sum::<f64>() / 8000.0).sqrt()
        };
        for second in [1, 2, 11, 21] {
            assert!(power(Track::Inbound, second) > 1_000.0, "{second}");
            assert!(power(Track::Outbound, second) < 10.0, "{second}");
            assert!(power(Track::Outbound, second + 5) > 1_000.0, "{second}");
        }
        assert_eq!(source(Choice::AsItIs).tracks(), [Track::Inbound]);
        let only = source(Choice::Only(Track::Outbound));
        assert_eq!(only.tracks(), [Track::Outbound]);
    }
}
