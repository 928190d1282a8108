//! A cap on a text's length that ends it as the model does, by an end of text.
//!
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
const MOST: usize = 216;

pub(super) struct Cap {
    tokens: usize,
    end_of_text: usize,
    vocabulary: usize,
}

impl Cap {
    /// `tokens`: text and times together.
    pub(super) fn new(tokens: usize, context: &WhisperContext) -> Self {
        Self {
            tokens: tokens.clamp(1, MOST),
            end_of_text: usize::try_from(context.token_eot()).unwrap_or(0),
            vocabulary: usize::try_from(context.n_vocab()).unwrap_or(0),
        }
    }

    /// Whether a text of so many tokens, its end among them, was ended by this.
    pub(super) fn ended(&self, tokens: usize) -> bool {
        tokens > self.tokens
    }

    /// [`WhisperState::full`] under this cap.
    pub(super) fn full(
        &self,
        state: &mut WhisperState,
        mut params: FullParams<'_, '_>,
        samples: &[f32],
    ) -> Result<(), WhisperError> {
        // SAFETY: the callback touches nothing of the context or the state, and the pointer to `self` is
        // used during `full` alone, which takes the parameters.
        unsafe {
            params.set_filter_logits_callback(Some(end_at_cap));
            let cap = std::ptr::from_ref(self).cast_mut().cast::<c_void>();
            params.set_filter_logits_callback_user_data(cap);
        }
        state.full(params, samples).map(|_| ())
    }

    /// Leaves the end of text alone possible once `tokens` are there.
    fn filter(&self, tokens: usize, logits: &mut [f32]) {
        if tokens >= self.tokens {
            logits.fill(f32::NEG_INFINITY);
            logits[self.end_of_text] = 0.0;
        }
    }
}

unsafe extern "C" fn end_at_cap(
    _: *mut whisper_context,
    _: *mut whisper_state,
    _: *const whisper_token_data,
    tokens: c_int,
    logits: *mut f32,
    cap: *mut c_void,
) {
    // SAFETY: `full` passes a `Cap` that outlives the call, and whisper.cpp the logits of one token, as many
    // as the vocabulary has, which nothing else uses meanwhile.
    let (cap, logits) = unsafe {
        let cap = &*cap.cast_const().cast::<Cap>();
        (cap, std::slice::from_raw_parts_mut(logits, cap.vocabulary))
    };
    cap.filter(usize::try_from(tokens).unwrap_or(0), logits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_end_can_follow_the_cap() {
        let cap = Cap {
            tokens: 3,
            end_of_text: 2,
            vocabulary: 4,
        };
        let least = f32::NEG_INFINITY;
        for (tokens, left) in [
            (0, [0.5, 2.0, -1.0, 3.0]),
            (2, [0.5, 2.0, -1.0, 3.0]),
            (3, [least, least, 0.0, least]),
            (4, [least, least, 0.0, least]),
        ] {
            let mut logits = [0.5, 2.0, -1.0, 3.0];
            cap.filter(tokens, &mut logits);
            assert_eq!(logits, left, "{tokens}");
        }
        // Three tokens and an end were ended by it; two were not.
        assert!(cap.ended(4) && !cap.ended(3));
    }
}
