//! The mel filter bank that every ggml whisper file carries: triangles of equal area on Slaney's scale,
//! as librosa computes it (`librosa.filters.mel`, whose output whisper ships as `mel_filters.npz`).

const SAMPLE_RATE: f64 = 16_000.0;
const N_FFT: u32 = 400;
/// Bins of the spectrum: 0 Hz to half the rate.
pub const BINS: usize = 201;

/// `bands` rows of [`BINS`] weights. Whisper has 80 bands, 128 since large-v3.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    reason = "librosa rounds to single precision twice; so must we, to give the same bits"
)]
pub fn filters(bands: usize) -> Vec<f32> {
    let edges = edges(bands);
    let mut weights = Vec::with_capacity(bands * BINS);
    for band in edges.windows(3) {
        let (low, centre, high) = (band[0], band[1], band[2]);
        let area = 2.0 / (high - low);
        for bin in 0..=N_FFT / 2 {
            let hz = f64::from(bin) * SAMPLE_RATE / f64::from(N_FFT);
            let rising = -(low - hz) / (centre - low);
            let falling = (high - hz) / (high - centre);
            // Not `max(0)`: the published bank holds a negative zero at 0 Hz, and files are compared by hash.
            let ramp = rising.min(falling);
            let triangle = if ramp >= 0.0 { ramp } else { 0.0 };
            weights.push((f64::from(triangle as f32) * area) as f32);
        }
    }
    weights
}

/// Frequencies in Hz, evenly spaced in mel: the ends and centres of all triangles.
fn edges(bands: usize) -> Vec<f64> {
    let top = hz_to_mel(SAMPLE_RATE / 2.0);
    let steps = u32::try_from(bands + 1).unwrap_or(u32::MAX);
    (0..=steps)
        .map(|i| match i {
            i if i == steps => mel_to_hz(top),
            i => mel_to_hz(f64::from(i) * (top / f64::from(steps))),
        })
        .collect()
}

/// Slaney's scale: linear below 1 kHz, logarithmic above.
const HZ_PER_MEL: f64 = 200.0 / 3.0;
const BREAK_HZ: f64 = 1000.0;
const BREAK_MEL: f64 = 15.0;

fn log_step() -> f64 {
    6.4f64.ln() / 27.0
}

fn hz_to_mel(hz: f64) -> f64 {
    if hz < BREAK_HZ {
        hz / HZ_PER_MEL
    } else {
        BREAK_MEL + (hz / BREAK_HZ).ln() / log_step()
    }
}

fn mel_to_hz(mel: f64) -> f64 {
    if mel < BREAK_MEL {
        mel * HZ_PER_MEL
    } else {
        BREAK_HZ * (log_step() * (mel - BREAK_MEL)).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    /// Of the float32 data in whisper's `mel_filters.npz`, arrays `mel_80` and `mel_128`.
    const PUBLISHED: [(usize, &str); 2] = [
        (
            80,
            "4f2701b1d287d74a0dc9871026e9519d98cb76426615f2539b0d151a0ae4ec2e",
        ),
        (
            128,
            "2a5f9822897750e047c85dea37cc268d3be0ecfd23c28a5f10da129d99d05afe",
        ),
    ];

    #[test]
    fn equal_the_published_banks_to_the_bit() {
        for (bands, sha256) in PUBLISHED {
            let bytes: Vec<u8> = filters(bands)
                .iter()
                .flat_map(|w| w.to_le_bytes())
                .collect();
            let digest = Sha256::digest(bytes);
            let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(hex, sha256, "{bands} bands");
        }
    }

    #[test]
    fn every_triangle_stands_on_its_centre_with_unit_area() {
        for bands in [80, 128] {
            let bank = filters(bands);
            let edges = edges(bands);
            for (band, row) in bank.chunks(BINS).enumerate() {
                let (low, high) = (edges[band], edges[band + 2]);
                for (bin, &weight) in row.iter().enumerate() {
                    let hz = bin as f64 * 40.0;
                    let inside = hz > low && hz < high;
                    assert_eq!(weight > 0.0, inside, "band {band}, {hz} Hz");
                    assert!(f64::from(weight) <= 2.0 / (high - low) + 1e-9);
                }
            }
        }
    }

    #[test]
    fn the_scale_and_its_inverse_agree() {
        for hz in [0.0, 60.0, 999.0, 1000.0, 1001.0, 4321.0, 8000.0] {
            assert!((mel_to_hz(hz_to_mel(hz)) - hz).abs() < 1e-9 * hz.max(1.0));
        }
        assert!((hz_to_mel(8000.0) - 45.245_640_471_924_965).abs() < 1e-12);
    }
}
