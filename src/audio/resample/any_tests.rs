use std::f64::consts::TAU;

use super::*;

fn resample(rate: u32, input: &[f32], piece: usize) -> Vec<f32> {
    let (mut resampler, mut out) = (Resampler::new(rate).unwrap(), Vec::new());
    for part in input.chunks(piece) {
        resampler.process(part, &mut out);
    }
    resampler.finish(&mut out);
    out
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers"
)]
fn sine(hz: f64, rate: f64, samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|n| (0.5 * (TAU * hz * n as f64 / rate).sin()) as f32)
        .collect()
}

const RATES_SEEN: [u32; 9] = [
    8000, 11_025, 12_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000,
];

#[test]
fn a_sine_is_the_same_sine_at_any_rate() {
    for rate in RATES_SEEN {
        for hz in [300.0, 1000.0, 3000.0] {
            let input = sine(hz, f64::from(rate), rate as usize);
            let out = resample(rate, &input, 1000);
            assert_eq!(out.len(), 16_000, "{rate}");
            let (mut signal, mut noise) = (0.0, 0.0);
            for (got, want) in out
                .iter()
                .zip(sine(hz, 16_000.0, 16_000))
                .skip(2000)
                .take(12_000)
            {
                signal += f64::from(want).powi(2);
                noise += f64::from(got - want).powi(2);
            }
            let snr = 10.0 * (signal / noise).log10();
            assert!(snr > 80.0, "{hz} Hz at {rate}: SNR {snr:.1} dB");
        }
    }
}

#[test]
fn what_16_khz_cannot_hold_is_filtered_out() {
    for rate in [22_050, 32_000, 44_100, 48_000] {
        let input = sine(9500.0, f64::from(rate), rate as usize);
        let out = resample(rate, &input, 4096);
        let peak = out[2000..14_000]
            .iter()
            .fold(0.0_f32, |p, s| p.max(s.abs()));
        assert!(peak < 0.0005, "{rate}: {peak}");
    }
}

#[test]
fn the_pieces_leave_no_trace_and_the_length_is_exact() {
    for rate in RATES_SEEN {
        for len in [0, 1, 100, 5000, 12_345] {
            let input = sine(500.0, f64::from(rate), len);
            let whole = resample(rate, &input, len.max(1));
            let exact = (len as u64 * 16_000).div_ceil(u64::from(rate));
            assert_eq!(whole.len() as u64, exact, "{len} samples at {rate}");
            for piece in [1, 160, 441, 5000] {
                assert_eq!(resample(rate, &input, piece), whole, "{rate} by {piece}");
            }
        }
    }
}

#[test]
fn time_is_kept() {
    for rate in RATES_SEEN {
        let mut input = vec![0.0; rate as usize];
        input[rate as usize / 2] = 1.0;
        let out = resample(rate, &input, 777);
        let loudest = (0..out.len())
            .max_by(|&a, &b| out[a].total_cmp(&out[b]))
            .unwrap();
        assert!(loudest.abs_diff(8000) <= 1, "{rate}: impulse at {loudest}");
    }
}

#[test]
fn absurd_rates_are_refused_and_odd_ones_work() {
    for rate in [0, 1, 999, 768_001, u32::MAX] {
        assert_eq!(Resampler::new(rate).err(), Some(BadRate(rate)));
    }
    for rate in [1000, 7999, 44_056, 192_000] {
        let input = sine(200.0, f64::from(rate), 2 * rate as usize);
        assert_eq!(resample(rate, &input, 4096).len(), 32_000, "{rate}");
    }
}
