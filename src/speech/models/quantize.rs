//! ggml's block formats for weights: 32 values share a scale. The arithmetic is that of the reference
//! functions in `ggml-quants.c`, so that files equal those of whisper.cpp's own `quantize` tool.

use super::half;

/// Values that share a scale.
pub const BLOCK: usize = 32;

/// Appends blocks of a half scale `d` and 32 signed bytes: value = d·q.
pub fn q8_0(values: &[f32], out: &mut Vec<u8>) {
    for block in values.chunks_exact(BLOCK) {
        let peak = block.iter().fold(0.0f32, |peak, v| peak.max(v.abs()));
        let d = peak / 127.0;
        out.extend(half::from_f32(d).to_le_bytes());
        let inverse = inverse(d);
        out.extend(block.iter().map(|v| whole(v * inverse).cast_unsigned()));
    }
}

/// Appends blocks of a half scale `d` and 32 five-bit numbers: value = d·(q − 16).
pub fn q5_0(values: &[f32], out: &mut Vec<u8>) {
    for block in values.chunks_exact(BLOCK) {
        let peak = block.iter().fold(
            0.0f32,
            |peak, &v| if v.abs() > peak.abs() { v } else { peak },
        );
        let d = peak / -16.0;
        out.extend(half::from_f32(d).to_le_bytes());
        let inverse = inverse(d);
        five_bits(block, out, |v| v * inverse + 16.5);
    }
}

/// Appends blocks of a half scale `d`, a half minimum `m` and 32 five-bit numbers: value = d·q + m.
pub fn q5_1(values: &[f32], out: &mut Vec<u8>) {
    for block in values.chunks_exact(BLOCK) {
        let low = block.iter().copied().fold(f32::MAX, f32::min);
        let high = block.iter().copied().fold(f32::MIN, f32::max);
        let d = (high - low) / 31.0;
        out.extend(half::from_f32(d).to_le_bytes());
        out.extend(half::from_f32(low).to_le_bytes());
        let inverse = inverse(d);
        five_bits(block, out, |v| (v - low) * inverse + 0.5);
    }
}

fn inverse(d: f32) -> f32 {
    if d == 0.0 { 0.0 } else { 1.0 / d }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "scaled into range; float to int saturates"
)]
fn whole(scaled: f32) -> i8 {
    scaled.round() as i8
}

/// First the fifth bits of all 32, then the lower four: values i and i + 16 share a byte.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "scaled into 0 to 32; float to int saturates"
)]
fn five_bits(block: &[f32], out: &mut Vec<u8>, scale: impl Fn(f32) -> f32) {
    let mut codes = [0u8; BLOCK];
    for (code, &value) in codes.iter_mut().zip(block) {
        *code = (scale(value) as u8).min(31);
    }
    let fifth = codes
        .iter()
        .enumerate()
        .fold(0u32, |bits, (i, code)| bits | u32::from(code >> 4) << i);
    out.extend(fifth.to_le_bytes());
    let (first, second) = codes.split_at(BLOCK / 2);
    out.extend(first.iter().zip(second).map(|(a, b)| a & 15 | b << 4));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn half_at(bytes: &[u8], at: usize) -> f32 {
        half::to_f32(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
    }

    /// As `dequantize_row_q5_*` reads it.
    fn five(bytes: &[u8], i: usize) -> f32 {
        let fifth = u32::from_le_bytes(bytes[..4].try_into().unwrap());
        let low = bytes[4 + i % 16] >> (4 * (i / 16)) & 15;
        f32::from(low) + if fifth >> i & 1 == 1 { 16.0 } else { 0.0 }
    }

    fn check(values: &[f32]) {
        let span = |block: &[f32]| {
            let low = block.iter().copied().fold(f32::MAX, f32::min);
            let high = block.iter().copied().fold(f32::MIN, f32::max);
            (low, high, low.abs().max(high.abs()))
        };
        // The scale as a half adds one part in 2048 of the span, which is twice the peak at most, and the
        // least value as a half one part in 2048 of the peak.
        let slack = |peak: f32| 3.0 * peak / 2048.0 + 1e-6;
        let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
        q8_0(values, &mut a);
        q5_0(values, &mut b);
        q5_1(values, &mut c);
        assert_eq!((a.len(), b.len(), c.len()), (34, 22, 24));
        let (low, high, peak) = span(values);
        for (i, &v) in values.iter().enumerate() {
            let got = half_at(&a, 0) * f32::from(a[2 + i].cast_signed());
            assert!(
                (got - v).abs() <= peak / 254.0 + slack(peak),
                "q8_0 {v} {got}"
            );
            let got = half_at(&b, 0) * (five(&b[2..], i) - 16.0);
            assert!(
                (got - v).abs() <= peak / 16.0 + slack(peak),
                "q5_0 {v} {got}"
            );
            let got = half_at(&c, 0) * five(&c[4..], i) + half_at(&c, 2);
            assert!(
                (got - v).abs() <= (high - low) / 62.0 + slack(peak),
                "q5_1 {v} {got}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_comes_back_is_within_half_a_step(values in prop::collection::vec(-8.0f32..8.0, 32)) {
            check(&values);
        }
    }

    #[test]
    fn flat_and_lonely_blocks() {
        check(&[0.0; 32]);
        check(&[0.75; 32]);
        let mut lonely = [0.0; 32];
        lonely[17] = -3.0;
        check(&lonely);
    }

    #[test]
    fn a_block_of_known_bytes() {
        let mut values = [0.0f32; 32];
        values[0] = 127.0;
        values[1] = -127.0;
        values[2] = 0.5; // roundf: away from zero
        values[3] = -1.49;
        let mut out = Vec::new();
        q8_0(&values, &mut out);
        assert_eq!(out[..6], [0x00, 0x3c, 127, 129, 1, 255]);
    }
}
