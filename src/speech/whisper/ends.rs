//! How a text begins and ends: it is held to what is known to be said, and capped in length.
//!
//! The known beginning is forced, token by token, as a prefix is in `whisper/decoding.py` (openai/whisper),
//! which whisper.cpp has no parameter for. The cap ends a text as the model does, by an end of text.
//! whisper.cpp's own (`max_tokens`, and the decoder's limit of 220) leaves off after a word; its word times
//! (`whisper_exp_compute_token_level_timestamps_dtw`, 1.8.3) then step behind the last segment, read what
//! is there, and now and then that is no memory at all: the process dies with every call in it.

#![expect(
    unsafe_code,
    reason = "whisper.cpp takes a filter of logits as a C function and a pointer"
)]

use std::ffi::{c_int, c_void};

use whisper_rs::{
    FullParams, WhisperContext, WhisperError, WhisperState,
    whisper_rs_sys::{whisper_context, whisper_state, whisper_token_data},
};

/// Under the decoder's own limit, whatever is asked for.
pub(super) const MOST: usize = 216;

/// Of what takes the place of a token that may not be: next to nothing, and more than nothing.
const UNLIKELY: f32 = -1e4;

pub(super) struct Ends {
    said: Vec<i32>,
    most: usize,
    comma: usize,
    end_of_text: usize,
    vocabulary: usize,
}

impl Ends {
    /// `said` at first, then at most so many `tokens`, text and times together.
    pub(super) fn new(
        said: Vec<i32>,
        tokens: usize,
        context: &WhisperContext,
    ) -> Result<Self, WhisperError> {
        let comma = context.tokenize(",", 2)?.first().copied();
        let index = |token: i32| usize::try_from(token).unwrap_or(0);
        Ok(Self {
            most: said.len().saturating_add(tokens.max(1)).min(MOST),
            said,
            comma: comma.map_or(0, index),
            end_of_text: index(context.token_eot()),
            vocabulary: index(context.n_vocab()),
        })
    }

    /// How many tokens were known.
    pub(super) fn known(&self) -> usize {
        self.said.len()
    }

    /// Whether a text of so many tokens, its end among them, was ended by this.
    pub(super) fn ended(&self, tokens: usize) -> bool {
        tokens > self.most
    }

    /// [`WhisperState::full`] between these ends.
    pub(super) fn full(
        &self,
        state: &mut WhisperState,
        mut params: FullParams<'_, '_>,
        samples: &[f32],
    ) -> Result<(), WhisperError> {
        // SAFETY: the callback touches nothing of the context or the state, and the pointer to `self` is
        // used during `full` alone, which takes the parameters.
        unsafe {
            params.set_filter_logits_callback(Some(filter));
            let ends = std::ptr::from_ref(self).cast_mut().cast::<c_void>();
            params.set_filter_logits_callback_user_data(ends);
        }
        state.full(params, samples).map(|_| ())
    }

    /// Leaves possible what may follow so many tokens.
    fn filter(&self, tokens: usize, logits: &mut [f32]) {
        let only = match self.said.get(tokens) {
            Some(token) => usize::try_from(*token).unwrap_or(0),
            None if tokens >= self.most => self.end_of_text,
            None => return,
        };
        logits.fill(f32::NEG_INFINITY);
        // whisper.cpp then strikes out signs that nobody speaks; something must be left.
        logits[self.comma] = UNLIKELY;
        logits[only] = 0.0;
    }
}

unsafe extern "C" fn filter(
    _: *mut whisper_context,
    _: *mut whisper_state,
    _: *const whisper_token_data,
    tokens: c_int,
    logits: *mut f32,
    ends: *mut c_void,
) {
    // SAFETY: `full` passes `Ends` that outlive the call, and whisper.cpp the logits of one token, as many
    // as the vocabulary has, which nothing else uses meanwhile.
    let (ends, logits) = unsafe {
        let ends = &*ends.cast_const().cast::<Ends>();
        let logits = std::slice::from_raw_parts_mut(logits, ends.vocabulary);
        (ends, logits)
    };
    ends.filter(usize::try_from(tokens).unwrap_or(0), logits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_comes_first_and_nothing_after_the_cap() {
        let ends = Ends {
            said: vec![3, 0],
            most: 4,
            comma: 1,
            end_of_text: 2,
            vocabulary: 4,
        };
        let never = f32::NEG_INFINITY;
        for (tokens, left) in [
            (0, [never, UNLIKELY, never, 0.0]),
            (1, [0.0, UNLIKELY, never, never]),
            (2, [0.5, 2.0, -1.0, 3.0]),
            (3, [0.5, 2.0, -1.0, 3.0]),
            (4, [never, UNLIKELY, 0.0, never]),
            (9, [never, UNLIKELY, 0.0, never]),
        ] {
            let mut logits = [0.5, 2.0, -1.0, 3.0];
            ends.filter(tokens, &mut logits);
            assert_eq!(logits, left, "{tokens}");
        }
        // Four tokens and an end were ended by it; three were not.
        assert!(ends.ended(5) && !ends.ended(4));
    }
}
