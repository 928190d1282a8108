//! What must hold of the decoder whatever file it is given, for fuzzing. A violation panics.

use std::path::Path;

use super::Decoder;

/// Blocks that are decoded before enough is known.
const BLOCKS: usize = 200;

/// Arbitrary bytes as a file: an error or audio, in channels of one length, without a sample that is no
/// number.
pub fn file(data: &[u8]) {
    let Ok(mut decoder) = Decoder::over(Path::new("probe"), data.to_vec()) else {
        return;
    };
    let channels = decoder.channels();
    for _ in 0..BLOCKS {
        let Ok(Some(block)) = decoder.next_block() else {
            return;
        };
        assert_eq!(block.len(), channels);
        assert!(
            block
                .iter()
                .all(|plane| plane.len() == block[0].len() && !plane.is_empty())
        );
        // A filter may overshoot what was clamped before it.
        assert!(block.iter().flatten().all(|sample| sample.abs() < 4.0));
    }
}
