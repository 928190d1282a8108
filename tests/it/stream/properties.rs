//! Any permutation within the window, loss and duplication of frames gives audio of the right length
//! with every received frame in its place.

use callscribe::{call::probe, ids::Track, time::Clock};
use proptest::prelude::*;

use super::scenario::Scenario;

/// 120 ms, the default window.
const WINDOW_MS: u64 = 120;

#[derive(Debug, Clone)]
struct Sent {
    track: Track,
    at_ms: u64,
    len: usize,
    fill: u8,
    lost: bool,
    copies: usize,
    /// How much later than its turn it comes, in milliseconds of media time.
    delay_ms: u64,
}

/// A stream's frames: contiguous on each track, of lengths that are whole milliseconds.
fn stream() -> impl Strategy<Value = Vec<Sent>> {
    let frame = (
        any::<bool>(),
        prop_oneof![4 => Just(20_u64), 1 => 8..60_u64, 1 => Just(1000)],
        prop::bool::weighted(0.1),
        prop_oneof![8 => Just(1_usize), 1 => 2..4_usize],
        prop_oneof![3 => Just(0), 1 => 0..=WINDOW_MS],
    );
    prop::collection::vec(frame, 1..200).prop_map(|frames| {
        let mut ends = [0; 2];
        let mut numbers = [0_u8; 2];
        let mut all = Vec::new();
        for (outbound, ms, lost, copies, delay_ms) in frames {
            let track = Track::ALL[usize::from(outbound)];
            let t = track.index();
            numbers[t] = numbers[t] % 250 + 1;
            all.push(Sent {
                track,
                at_ms: ends[t],
                len: usize::try_from(ms * 8).unwrap(),
                fill: numbers[t],
                lost,
                copies,
                delay_ms,
            });
            ends[t] += ms;
        }
        all
    })
}

/// The order of arrival: a frame comes `delay_ms` of its track's media time after its turn.
fn arrivals(frames: &[Sent]) -> Vec<&Sent> {
    let mut order: Vec<&Sent> = frames.iter().filter(|f| !f.lost).collect();
    order.sort_by_key(|f| (f.at_ms + f.delay_ms, f.at_ms));
    order
}

proptest! {
    #[test]
    fn every_received_frame_is_in_its_place(frames in stream()) {
        let mut s = Scenario::both_tracks();
        for f in arrivals(&frames) {
            for _ in 0..f.copies {
                s = s.frame(f.track, f.at_ms, f.fill, f.len);
            }
        }
        let s = s.closed();
        let mut ends = [0; 2];
        for f in frames.iter().filter(|f| !f.lost) {
            let at = usize::try_from(f.at_ms * 8).unwrap();
            let audio = &s.seen.audio[f.track.index()];
            prop_assert!(audio.len() >= at + f.len, "{f:?} is cut");
            prop_assert!(audio[at..at + f.len].iter().all(|b| *b == f.fill), "{f:?} is there");
            ends[f.track.index()] = at + f.len;
        }
        let length = ends.into_iter().max().unwrap();
        let heard: u64 = s.counters().placed.iter().sum();
        let sent: usize = frames.iter().filter(|f| !f.lost).map(|f| f.len).sum();
        prop_assert_eq!(usize::try_from(heard).unwrap(), sent, "nothing is there twice");
        for track in Track::ALL {
            prop_assert_eq!(s.seen.audio[track.index()].len(), length);
        }
    }

    #[test]
    fn any_schedule_keeps_the_invariants(data in prop::collection::vec(any::<u8>(), 0..2_000)) {
        probe::timeline(&data, Clock::manual(jiff::Timestamp::UNIX_EPOCH).now());
    }

    #[test]
    fn any_text_keeps_the_invariants(text in "[\\x00-\\x7f]{0,200}|\\{\"event\":\"(media|start|stop|dtmf|mark)\",.{0,200}\\}") {
        probe::frames(text.as_bytes(), Clock::manual(jiff::Timestamp::UNIX_EPOCH).now());
    }
}
