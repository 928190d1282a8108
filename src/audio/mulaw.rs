//! ITU-T G.711 mu-law, as phones speak it: one byte, one sample at 8 kHz. Samples are on the 16-bit
//! scale, where full volume is ±32124.

/// What silence is on the wire.
pub const SILENCE: u8 = 0xFF;
/// The loudest sample that mu-law can say.
pub const PEAK: i16 = 32_124;

/// Added before the logarithm is taken (33 in the 14-bit units of G.711).
const BIAS: i32 = 132;
const SIGN: u8 = 0x80;

static TABLE: [i16; 256] = table();

/// The sample that a byte says.
#[inline]
#[must_use]
pub fn decode(byte: u8) -> i16 {
    TABLE[byte as usize]
}

/// Appends the samples of `bytes` to `out`.
pub fn decode_into(bytes: &[u8], out: &mut Vec<i16>) {
    out.extend(bytes.iter().map(|&byte| decode(byte)));
}

/// The byte whose sample is nearest, by G.711's decision levels; louder than [`PEAK`] is cut to it.
#[inline]
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "every field is masked to its bits"
)]
pub fn encode(sample: i16) -> u8 {
    let magnitude = i32::from(sample).abs().min(i32::from(PEAK)) + BIAS;
    let exponent = 24 - magnitude.leading_zeros() as i32;
    let mantissa = (magnitude >> (exponent + 3)) & 0x0F;
    let sign = if sample < 0 { SIGN } else { 0 };
    !(sign | (exponent << 4) as u8 | mantissa as u8)
}

#[expect(clippy::cast_possible_truncation, reason = "the index counts bytes")]
const fn table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = expand(byte as u8);
        byte += 1;
    }
    table
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "at most 32124: the largest segment and step of G.711"
)]
const fn expand(byte: u8) -> i16 {
    let bits = !byte;
    let exponent = (bits >> 4) & 7;
    let mantissa = (bits & 0x0F) as i32;
    let magnitude = (((mantissa << 3) + BIAS) << exponent) - BIAS;
    (if bits & SIGN == 0 {
        magnitude
    } else {
        -magnitude
    }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// G.711 in its own 14-bit units: 2^e (2m + 33) - 33.
    fn by_formula(byte: u8) -> i16 {
        let bits = byte ^ 0xFF;
        let (e, m) = (u32::from(bits >> 4) % 8, i32::from(bits % 16));
        let magnitude = 4 * (2_i32.pow(e) * (2 * m + 33) - 33);
        let signed = if bits < 128 { magnitude } else { -magnitude };
        i16::try_from(signed).unwrap()
    }

    #[test]
    fn every_byte_decodes_by_the_formula() {
        for byte in 0..=255 {
            assert_eq!(decode(byte), by_formula(byte), "{byte:#04x}");
        }
        for (byte, sample) in [(0xFF, 0), (0x7F, 0), (0x80, PEAK), (0x00, -PEAK), (0xFE, 8)] {
            assert_eq!(decode(byte), sample, "{byte:#04x}");
        }
        assert_eq!(decode(SILENCE), 0);
    }

    #[test]
    fn every_byte_survives_the_round_trip() {
        for byte in 0..=255 {
            let there = encode(decode(byte));
            // 0x7F is "minus zero", which is said as 0xFF.
            assert_eq!(there, if byte == 0x7F { 0xFF } else { byte }, "{byte:#04x}");
        }
    }

    #[test]
    fn every_sample_is_coded_within_half_a_step() {
        for sample in i16::MIN..=i16::MAX {
            let byte = encode(sample);
            let step = 8 << ((!byte >> 4) & 7);
            let wanted = i32::from(sample).clamp(-i32::from(PEAK), i32::from(PEAK));
            let error = (wanted - i32::from(decode(byte))).abs();
            assert!(error <= step / 2, "{sample} -> {byte:#04x}: off by {error}");
            assert!(sample == 0 || i32::from(decode(byte)) * i32::from(sample) >= 0);
        }
    }

    #[test]
    fn decoding_a_frame_appends() {
        let mut out = vec![7];
        decode_into(&[0xFF, 0x80], &mut out);
        assert_eq!(out, [7, 0, PEAK]);
    }
}
