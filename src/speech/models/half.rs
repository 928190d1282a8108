//! IEEE 754 half precision, which stable Rust does not have yet.

const SUBNORMAL_UNIT: f32 = 1.0 / 16_777_216.0; // 2^-24

/// Exact: every half is a single.
#[must_use]
pub fn to_f32(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let exponent = u32::from(half >> 10) & 0x1f;
    let mantissa = u32::from(half & 0x3ff);
    match exponent {
        0 => {
            let magnitude = f32::from(half & 0x3ff) * SUBNORMAL_UNIT;
            f32::from_bits(sign | magnitude.to_bits())
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | mantissa << 13),
        _ => f32::from_bits(sign | (exponent + 127 - 15) << 23 | mantissa << 13),
    }
}

/// Nearest half, ties to even; beyond the largest half is infinity.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the shifts leave sixteen bits"
)]
pub fn from_f32(single: f32) -> u16 {
    let bits = single.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    if magnitude > 0x7f80_0000 {
        return sign | 0x7e00;
    }
    if magnitude >= 0x4780_0000 {
        return sign | 0x7c00;
    }
    if magnitude < 0x3880_0000 {
        // Subnormal: adding 0.5 puts the unit 2^-24 at the end of the mantissa, rounded by the FPU.
        let aligned = f32::from_bits(magnitude) + 0.5;
        return sign | (aligned.to_bits() - 0.5f32.to_bits()) as u16;
    }
    let rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    sign | ((rounded - ((127 - 15) << 23)) >> 13) as u16
}

/// bfloat16 is the upper half of a single.
#[must_use]
pub fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_survives_the_way_to_single_and_back() {
        for half in 0..=u16::MAX {
            let single = to_f32(half);
            if single.is_nan() {
                assert!(to_f32(from_f32(single)).is_nan());
            } else {
                assert_eq!(from_f32(single), half, "{half:#06x} = {single}");
            }
        }
    }

    #[test]
    fn known_values() {
        for (half, single) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
        ] {
            assert_eq!(to_f32(half), single);
        }
        assert_eq!(to_f32(0x7c00), f32::INFINITY);
        assert_eq!(bf16_to_f32(0x3f80), 1.0);
    }

    #[test]
    fn rounds_to_nearest_and_ties_to_even() {
        for (single, half) in [
            (1.0 + 1.0 / 2048.0, 0x3c00),        // half-way, down to even
            (1.0 + 3.0 / 2048.0, 0x3c02),        // half-way, up to even
            (1.0 + 1.0 / 2048.0 + 1e-6, 0x3c01), // past half-way
            (65519.0, 0x7bff),
            (65520.0, 0x7c00),
            (1e9, 0x7c00),
            (2.980_232_2e-8, 0x0000), // half of the smallest
            (2.980_233e-8, 0x0001),
            (8.940_697e-8, 0x0002), // 1.5 units
            (-0.0, 0x8000),
        ] {
            assert_eq!(from_f32(single), half, "{single}");
        }
    }
}
