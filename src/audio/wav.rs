//! The header of our own recordings: 44 bytes, then 16-bit mono samples at 16 kHz to the end of the file.

use crate::time::ENGINE_RATE;

/// Length of the header in bytes.
pub const HEADER: usize = 44;
/// Bytes of a sample.
pub const SAMPLE: u64 = size_of::<i16>() as u64;
/// The most bytes of samples that the sizes of a WAV can say (and an even number).
pub const MOST_DATA: u64 = u32::MAX as u64 - HEADER as u64 - 1;

/// The header of a recording that holds `data` bytes of samples; more than [`MOST_DATA`] is cut to that.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    reason = "cut to what the field holds"
)]
pub fn header(data: u64) -> [u8; HEADER] {
    let data = data.min(MOST_DATA) as u32;
    let rate = ENGINE_RATE as u32;
    let mut bytes = *b"RIFF....WAVEfmt \x10\0\0\0\x01\0\x01\0rateratb\x02\0\x10\0datasize";
    bytes[4..8].copy_from_slice(&(data + HEADER as u32 - 8).to_le_bytes());
    bytes[24..28].copy_from_slice(&rate.to_le_bytes());
    bytes[28..32].copy_from_slice(&(rate * SAMPLE as u32).to_le_bytes());
    bytes[40..44].copy_from_slice(&data.to_le_bytes());
    bytes
}

/// What the header of a recording says about its length: `(RIFF size, bytes of samples)`. `None` where
/// the bytes are not the header of one of our recordings.
#[must_use]
pub fn sizes(bytes: &[u8]) -> Option<(u32, u32)> {
    let bytes: &[u8; HEADER] = bytes.first_chunk()?;
    let field =
        |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let ours = header(0);
    let same = bytes[..4] == ours[..4] && bytes[8..40] == ours[8..40];
    same.then(|| (field(4), field(40)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_independent_reader_understands_the_header() {
        for samples in [0_u32, 1, 16_000] {
            let mut file = header(u64::from(samples) * SAMPLE).to_vec();
            file.resize(file.len() + samples as usize * 2, 7);
            let reader = hound::WavReader::new(&file[..]).unwrap();
            let spec = reader.spec();
            assert_eq!(
                (spec.channels, spec.sample_rate, spec.bits_per_sample),
                (1, 16_000, 16)
            );
            assert_eq!(reader.duration(), samples);
        }
    }

    #[test]
    fn sizes_come_back_and_strangers_do_not() {
        assert_eq!(sizes(&header(32_000)), Some((32_036, 32_000)));
        assert_eq!(sizes(&header(u64::MAX)).unwrap().1, u32::MAX - 45);
        assert_eq!(sizes(&header(0)[..43]), None);
        for at in (0..4).chain(8..40) {
            let mut bytes = header(1000);
            bytes[at] ^= 1;
            assert_eq!(sizes(&bytes), None, "byte {at}");
        }
    }
}
