//! Which frame goes out when: pure, without a clock. A frame is due when its last sample has been
//! spoken, counted from the stream's start, so that no delay adds up.

use std::{cmp::Reverse, collections::BinaryHeap, ops::Range, str::FromStr, time::Duration, vec};

use crate::{ids::Track, time::MediaTime};

/// Twilio's frames: 20 ms.
pub const FRAME_MS: u64 = 20;
/// … of mu-law at 8 kHz, in bytes.
pub const FRAME_LEN: usize = 160;

/// How fast the audio is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// 1 is as it was spoken.
    Times(f64),
    /// As fast as the server takes it.
    Max,
}

impl Speed {
    /// How long after the start something is due on the clock that is due at `media` of the audio.
    #[must_use]
    pub fn on_clock(self, media: Duration) -> Duration {
        match self {
            Self::Times(factor) => media.div_f64(factor),
            Self::Max => Duration::ZERO,
        }
    }
}

impl FromStr for Speed {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse() {
            Ok(factor) if (0.01..=1000.0).contains(&factor) => Ok(Self::Times(factor)),
            _ => Err("a speed is max, or a factor from 0.01 to 1000".into()),
        }
    }
}

/// What the line does to the frames.
#[derive(Debug, Clone, Copy, Default)]
pub struct Line {
    /// The share of frames that are never sent, 0 to 1.
    pub loss: f64,
    /// Each frame comes up to this much later; frames overtake each other when it exceeds their length.
    pub jitter: Duration,
    /// The same seed loses and delays the same frames.
    pub seed: u64,
}

/// A frame of one track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    pub track: Track,
    /// Where it begins in its track, in bytes since the stream's start.
    pub start: usize,
    /// In bytes; less than [`FRAME_LEN`] only at the end of a piece.
    pub len: usize,
    /// It is to be numbered, and not to be sent.
    pub lost: bool,
}

impl Frame {
    /// When it begins, in milliseconds since the stream's start.
    #[must_use]
    pub const fn timestamp_ms(self) -> u64 {
        MediaTime(self.start as u64).as_ms()
    }

    /// Where its bytes are in its track.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start..self.start + self.len
    }

    /// When it is due after the stream's start: once it has been spoken.
    const fn spoken(self) -> Duration {
        MediaTime((self.start + FRAME_LEN) as u64).as_duration()
    }
}

/// The frames of one track.
#[derive(Debug)]
struct Frames {
    track: Track,
    piece: Range<usize>,
    pieces: vec::IntoIter<Range<usize>>,
}

impl Frames {
    fn new(track: Track, pieces: Vec<Range<usize>>) -> Self {
        Self {
            track,
            piece: 0..0,
            pieces: pieces.into_iter(),
        }
    }

    fn next(&mut self) -> Option<Frame> {
        while self.piece.is_empty() {
            self.piece = self.pieces.next()?;
        }
        let Range { start, end } = self.piece;
        let len = FRAME_LEN.min(end - start);
        self.piece.start += len;
        Some(Frame {
            track: self.track,
            start,
            len,
            lost: false,
        })
    }
}

/// The frames of a stream, in the order in which they are due. `T` is what the caller makes of a frame
/// when its turn comes, before the line delays it: numbers are given then.
#[derive(Debug)]
pub struct Pace<T> {
    line: Line,
    random: Random,
    /// Of each track the next frame, and those after it.
    tracks: Vec<(Frame, Frames)>,
    delayed: BinaryHeap<Reverse<Delayed<T>>>,
    order: u64,
}

#[derive(Debug)]
struct Delayed<T> {
    due: Duration,
    order: u64,
    made: T,
}

impl<T> Pace<T> {
    /// For tracks that are spoken in these pieces, in bytes since the stream's start; between them nothing
    /// is sent.
    #[must_use]
    pub fn new(tracks: Vec<(Track, Vec<Range<usize>>)>, line: Line) -> Self {
        let begin = |(track, pieces)| {
            let mut frames = Frames::new(track, pieces);
            frames.next().map(|first| (first, frames))
        };
        Self {
            line,
            random: Random::new(line.seed),
            tracks: tracks.into_iter().filter_map(begin).collect(),
            delayed: BinaryHeap::new(),
            order: 0,
        }
    }

    /// What is due next, and when after the stream's start. `make` is called once for every frame, in
    /// the order of the audio; where it makes nothing, nothing is sent.
    pub fn next(&mut self, mut make: impl FnMut(Frame) -> Option<T>) -> Option<(Duration, T)> {
        loop {
            let turn = self.upcoming().map(|(_, spoken)| spoken);
            let first = self.delayed.peek().map(|Reverse(d)| d.due);
            match (first, turn) {
                (Some(due), turn) if turn.is_none_or(|turn| due <= turn) => {
                    let Reverse(next) = self.delayed.pop()?;
                    return Some((next.due, next.made));
                }
                (_, None) => return None,
                _ => self.take_turn(&mut make),
            }
        }
    }

    /// Which track speaks next, and when it has spoken; the first one where two do at once.
    fn upcoming(&self) -> Option<(usize, Duration)> {
        let spoken = self.tracks.iter().map(|(next, _)| next.spoken());
        spoken.enumerate().min_by_key(|(_, spoken)| *spoken)
    }

    fn take_turn(&mut self, make: &mut impl FnMut(Frame) -> Option<T>) {
        let Some((nth, spoken)) = self.upcoming() else {
            return;
        };
        let (next, frames) = &mut self.tracks[nth];
        let mut frame = *next;
        match frames.next() {
            Some(after) => *next = after,
            None => drop(self.tracks.remove(nth)),
        }
        frame.lost = self.random.unit() < self.line.loss;
        let due = spoken + self.line.jitter.mul_f64(self.random.unit());
        self.order += 1;
        if let Some(made) = make(frame) {
            let order = self.order;
            self.delayed.push(Reverse(Delayed { due, order, made }));
        }
    }
}

impl<T> PartialEq for Delayed<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.due, self.order) == (other.due, other.order)
    }
}

impl<T> Eq for Delayed<T> {}

impl<T> PartialOrd for Delayed<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Delayed<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.order).cmp(&(other.due, other.order))
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every machine.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Random(u64);

impl Random {
    pub(in crate::cli) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// At least 0 and less than 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    pub(in crate::cli) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Any number.
    pub(in crate::cli) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    const IN: Track = Track::Inbound;
    const OUT: Track = Track::Outbound;

    /// When each frame that is not lost is sent, in milliseconds, and which it is.
    fn sent(tracks: &[(Track, usize)], line: Line) -> Vec<(Duration, Frame)> {
        all(Pace::new(whole(tracks), line))
    }

    fn whole(tracks: &[(Track, usize)]) -> Vec<(Track, Vec<Range<usize>>)> {
        let track = |(track, len): &(Track, usize)| (*track, iter::once(0..*len).collect());
        tracks.iter().map(track).collect()
    }

    fn all(mut pace: Pace<Frame>) -> Vec<(Duration, Frame)> {
        let next = || pace.next(|frame| (!frame.lost).then_some(frame));
        iter::from_fn(next).collect()
    }

    #[test]
    fn frames_are_due_when_they_have_been_spoken() {
        let due: Vec<_> = sent(&[(IN, 400), (OUT, 160)], Line::default())
            .into_iter()
            .map(|(due, f)| (due.as_millis(), f.track, f.timestamp_ms(), f.range()))
            .collect();
        let expected = [
            (20, IN, 0, 0..160),
            (20, OUT, 0, 0..160),
            (40, IN, 20, 160..320),
            (60, IN, 40, 320..400),
        ];
        assert_eq!(due, expected);
        assert_eq!(sent(&[(IN, 0)], Line::default()), []);
        assert_eq!(sent(&[], Line::default()), []);
    }

    #[test]
    fn between_pieces_nothing_is_sent() {
        let pieces = |track, pieces: &[Range<usize>]| (track, pieces.to_vec());
        let (gappy, whole) = (
            [0..200, 1000..1160, 1200..1200, 1600..1680],
            [0..320, 1440..1600],
        );
        let pace = Pace::new(
            vec![pieces(IN, &gappy), pieces(OUT, &whole)],
            Line::default(),
        );
        let due: Vec<_> = all(pace)
            .into_iter()
            .map(|(due, f)| (due.as_millis(), f.track, f.timestamp_ms(), f.range()))
            .collect();
        let expected = [
            (20, IN, 0, 0..160),
            (20, OUT, 0, 0..160),
            (40, IN, 20, 160..200),
            (40, OUT, 20, 160..320),
            (145, IN, 125, 1000..1160),
            (200, OUT, 180, 1440..1600),
            (220, IN, 200, 1600..1680),
        ];
        assert_eq!(due, expected);
    }

    #[test]
    fn nothing_drifts_in_three_hours() {
        let hours = 3 * 3600 * 8000;
        let all = sent(&[(IN, hours)], Line::default());
        for (n, (due, frame)) in all.iter().enumerate() {
            assert_eq!(frame.start, n * FRAME_LEN);
            assert_eq!(due.as_millis(), (n as u128 + 1) * 20);
        }
        assert_eq!(all.len(), 3 * 3600 * 50);
        for (speed, seconds) in [
            ("1", 10_800.0),
            ("4", 2_700.0),
            ("0.5", 21_600.0),
            ("max", 0.0),
        ] {
            let speed: Speed = speed.parse().unwrap();
            let clock = speed.on_clock(all[all.len() - 1].0).as_secs_f64();
            assert!((clock - seconds).abs() < 1e-6, "{speed:?}: {clock}");
        }
    }

    #[test]
    fn a_seed_loses_and_delays_the_same_frames() {
        let line = |seed| Line {
            loss: 0.1,
            jitter: Duration::from_millis(100),
            seed,
        };
        let tracks = [(IN, 160 * 5000), (OUT, 160 * 5000)];
        let one = sent(&tracks, line(1));
        assert_eq!(one, sent(&tracks, line(1)));
        assert_ne!(one, sent(&tracks, line(2)));
        assert!((8_800..9_200).contains(&one.len()), "{}", one.len());
        let mut overtaken = 0;
        for pair in one.windows(2) {
            assert!(pair[0].0 <= pair[1].0, "sent when due");
            overtaken += u32::from(pair[0].1.start > pair[1].1.start);
        }
        assert!(overtaken > 1000, "{overtaken}");
        for (due, frame) in one {
            let late = due - frame.spoken();
            assert!(late < Duration::from_millis(100), "{late:?}");
        }
    }

    #[test]
    fn frames_are_made_in_the_order_of_the_audio() {
        let line = Line {
            loss: 0.2,
            jitter: Duration::from_millis(200),
            seed: 7,
        };
        let mut pace = Pace::new(whole(&[(IN, 160 * 100), (OUT, 160 * 100)]), line);
        let (mut made, mut left) = (0, 0);
        while let Some((_, frame)) = pace.next(|frame| {
            assert_eq!(
                (frame.start / FRAME_LEN, frame.track.index()),
                (made / 2, made % 2)
            );
            made += 1;
            Some(frame)
        }) {
            left += u64::from(!frame.lost);
        }
        assert_eq!(made, 200);
        assert!((130..190).contains(&left), "{left}");
    }

    #[test]
    fn speeds_that_make_no_sense_are_refused() {
        for bad in ["", "0", "-1", "nan", "inf", "1e9", "fast"] {
            assert!(bad.parse::<Speed>().is_err(), "{bad}");
        }
    }
}
