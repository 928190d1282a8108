//! How much a window asks of the engine.

use std::time::Duration;

use super::{Want, Window};

/// Frames of the encoder (20 ms) in a second.
const FRAMES_PER_SEC: usize = 50;
/// Of a 30 s window, the most there are.
const FULL_CONTEXT: usize = 1500;
/// Frames over the clip's own, and the least in all, of a last look: with 128 over and 384 at least, 7
/// of 40 telephone turns came out as loops, with these 1 of 40, at half the cost of full context.
const LAST: Frames = Frames {
    margin: 256,
    least: 448,
};
/// The same of a look that others follow.
const PASSING: Frames = Frames {
    margin: 192,
    least: 384,
};
/// What a second look adds, after an answer that is not to be believed.
const MORE_CONTEXT: usize = 512;
/// Fast speech stays under this; without a cap one loop costs over a second. English words have 1.3
/// tokens, those of other scripts (Hebrew, Arabic, Hindi) three and more.
const ENGLISH_TOKENS_PER_SEC: usize = 8;
const TOKENS_PER_SEC: usize = 16;
const TOKENS_OVER: usize = 10;
const RATE: usize = 16_000;

/// Weight of the newest look in the mean of their pace.
const NEWEST: f32 = 0.2;

struct Frames {
    margin: usize,
    least: usize,
}

impl Frames {
    const fn of(want: Want) -> Self {
        match want {
            Want::Partial => PASSING,
            Want::Settle | Want::Final => LAST,
        }
    }
}

/// Sizes a window by its samples, the newest `news` of them not heard before; `again` after an answer that
/// was not to be believed.
pub(super) fn size(window: &mut Window, want: Want, again: bool, news: usize) {
    let Frames { margin, least } = Frames::of(want);
    let samples = window.samples.len();
    let clip = (samples * FRAMES_PER_SEC).div_ceil(RATE);
    let more = if again { MORE_CONTEXT } else { 0 };
    let context = (clip + margin).max(least) + more;
    window.audio_ctx = narrow(context.min(FULL_CONTEXT));
    let rate = match window.language.as_deref() {
        Some("en") => ENGLISH_TOKENS_PER_SEC,
        _ => TOKENS_PER_SEC,
    };
    window.max_tokens = narrow((news * rate).div_ceil(RATE) + TOKENS_OVER);
}

/// How long looks take: in proportion to the encoder's frames, near enough.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Seconds a frame, a running mean; `None` before the first look.
    frame_s: Option<f32>,
}

impl Pace {
    pub(super) const fn frame_s(&self) -> Option<f32> {
        self.frame_s
    }

    pub(super) const fn set(&mut self, frame_s: Option<f32>) {
        self.frame_s = frame_s;
    }

    #[expect(clippy::cast_precision_loss, reason = "a few thousand frames")]
    pub(super) fn took(&mut self, time: Duration, frames: u32) {
        let now = time.as_secs_f32() / frames.max(1) as f32;
        let mean = self
            .frame_s
            .map_or(now, |mean| mean + NEWEST * (now - mean));
        self.frame_s = Some(mean);
    }

    /// Samples of the longest look that takes no more than `time`; 0 where that is not known.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "time is positive; `as` saturates"
    )]
    pub(super) fn longest(&self, want: Want, time: Duration) -> u64 {
        let frames = |frame_s: f32| (time.as_secs_f32() / frame_s) as u64;
        let frames = self.frame_s.map_or(0, frames);
        frames
            .saturating_sub(Frames::of(want).margin as u64)
            .saturating_mul((RATE / FRAMES_PER_SEC) as u64)
    }
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
