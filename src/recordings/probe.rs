//! What must hold of recovery whatever a crash left, for fuzzing. A violation panics.

use super::repair::{Finding, judge};
use crate::audio::wav::{self, HEADER, SAMPLE};

/// Arbitrary bytes as the file of a recording: what is to be repaired is, after it, a healthy WAV that holds
/// the samples there were, and what is healthy can be read.
pub fn wav_header(data: &[u8]) {
    let head = &data[..data.len().min(HEADER)];
    let (kept, repaired) = match judge(head, data.len() as u64) {
        Finding::Foreign => return,
        Finding::Healthy { data } => (data, false),
        Finding::Lagging { data } | Finding::Headless { data } => (data, true),
    };
    let mut file = data.to_vec();
    if repaired {
        let length = HEADER + usize::try_from(kept).unwrap_or(0);
        assert!(length <= data.len().max(HEADER), "a repair adds no samples");
        file.resize(length, 0);
        file[..HEADER].copy_from_slice(&wav::header(kept));
    }
    let (head, length) = (&file[..HEADER], file.len() as u64);
    assert_eq!(judge(head, length), Finding::Healthy { data: kept });
    let read = hound::WavReader::new(&file[..]).map(hound::WavReader::into_samples::<i16>);
    let samples = read
        .map(|samples| samples.filter(Result::is_ok).count() as u64)
        .ok();
    assert_eq!(
        samples,
        Some(kept / SAMPLE),
        "an independent reader finds every sample"
    );
    if file.len() > HEADER && data.len() > HEADER {
        assert_eq!(
            file[HEADER..],
            data[HEADER..file.len()],
            "samples are left as they are"
        );
    }
}
