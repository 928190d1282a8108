//! What a window asks of the engine, and when its answer is not to be believed.

use super::{Window, agree::folded};
use crate::speech::Decoded;

/// Frames of the encoder (20 ms) in a second.
const FRAMES_PER_SEC: usize = 50;
/// Of a 30 s window, the most there are.
const FULL_CONTEXT: usize = 1500;
/// Frames over the clip's own, and the least in all: with 128 over and 384 at least, 7 of 40 telephone
/// turns came out as loops, with these 1 of 40, at half the cost of full context.
const MARGIN: usize = 256;
const LEAST_CONTEXT: usize = 448;
/// What a second look adds, after an answer that is not to be believed.
const MORE_CONTEXT: usize = 512;
/// Fast speech stays under this; without a cap one loop costs over a second.
const TOKENS_PER_SEC: usize = 8;
const TOKENS_OVER: usize = 10;
const RATE: usize = 16_000;

/// Sizes a window by its samples; `again` after an answer that was not to be believed.
pub(super) fn size(window: &mut Window, again: bool) {
    let samples = window.samples.len();
    let clip = (samples * FRAMES_PER_SEC).div_ceil(RATE);
    let more = if again { MORE_CONTEXT } else { 0 };
    let context = (clip + MARGIN).max(LEAST_CONTEXT) + more;
    window.audio_ctx = narrow(context.min(FULL_CONTEXT));
    window.max_tokens = narrow((samples * TOKENS_PER_SEC).div_ceil(RATE) + TOKENS_OVER);
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The engine repeats itself: the token cap ended it, or the text ends in the same words again and
/// again.
pub(super) fn loops(decoded: &Decoded) -> bool {
    decoded.capped || repeats(decoded)
}

/// One to eight words said at the end three times over, four times where it is one short word (a
/// caller's "no no no" is speech).
fn repeats(decoded: &Decoded) -> bool {
    let words: Vec<String> = decoded
        .words
        .iter()
        .map(|word| folded(&word.text).collect())
        .collect();
    (1..=8).any(|length| {
        let times = if length == 1 { 5 } else { 3 };
        let Some(from) = words.len().checked_sub(length * times) else {
            return false;
        };
        let run = &words[from..];
        run.iter().zip(&run[length..]).all(|(a, b)| a == b)
    })
}

/// What the engine says where nobody speaks.
pub(super) fn junk(decoded: &Decoded) -> bool {
    decoded.words.is_empty() || (decoded.no_speech > 0.6 && decoded.avg_logprob < -0.8)
}
