//! How much a window asks of the engine.

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

struct Frames {
    margin: usize,
    least: usize,
}

/// Sizes a window by its samples; `again` after an answer that was not to be believed.
pub(super) fn size(window: &mut Window, want: Want, again: bool) {
    let Frames { margin, least } = if want == Want::Partial { PASSING } else { LAST };
    let samples = window.samples.len();
    let clip = (samples * FRAMES_PER_SEC).div_ceil(RATE);
    let more = if again { MORE_CONTEXT } else { 0 };
    let context = (clip + margin).max(least) + more;
    window.audio_ctx = narrow(context.min(FULL_CONTEXT));
    let rate = match window.language.as_deref() {
        Some("en") => ENGLISH_TOKENS_PER_SEC,
        _ => TOKENS_PER_SEC,
    };
    window.max_tokens = narrow((samples * rate).div_ceil(RATE) + TOKENS_OVER);
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
