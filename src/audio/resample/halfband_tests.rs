use std::f64::consts::TAU;

use super::*;

/// Upsamples `input` in pieces of the given sizes, the last of which repeats.
fn upsample(input: &[i16], sizes: &[usize]) -> Vec<i16> {
    let (mut upsampler, mut out, mut rest) = (Upsampler::new(), Vec::new(), input);
    for place in 0.. {
        if rest.is_empty() {
            break;
        }
        let size = *sizes.get(place).unwrap_or(&sizes[sizes.len() - 1]);
        let (piece, after) = rest.split_at(size.min(rest.len()));
        upsampler.process_samples(piece, &mut out);
        rest = after;
    }
    upsampler.finish(&mut out);
    out
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers"
)]
fn sine(hz: f64, rate: f64, amplitude: f64, samples: usize) -> Vec<i16> {
    (0..samples)
        .map(|n| (amplitude * (TAU * hz * n as f64 / rate).sin()).round() as i16)
        .collect()
}

/// The amplitude of one frequency in 16 kHz audio.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn amplitude_at(hz: f64, audio: &[i16]) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in audio.iter().enumerate() {
        let phase = TAU * hz * n as f64 / 16_000.0;
        re += f64::from(*sample) * phase.cos();
        im += f64::from(*sample) * phase.sin();
    }
    2.0 * re.hypot(im) / audio.len() as f64
}

fn db(ratio: f64) -> f64 {
    20.0 * ratio.max(1e-9).log10()
}

#[test]
fn a_sine_keeps_its_level_and_its_image_is_gone() {
    // hz, level in dB at least and at most, image (8000 - hz) in dB at most
    for (hz, low, high, image) in [
        (100.0, -0.01, 0.01, -70.0),
        (300.0, -0.01, 0.01, -70.0),
        (1000.0, -0.01, 0.01, -70.0),
        (2000.0, -0.01, 0.01, -70.0),
        (3000.0, -0.01, 0.01, -70.0),
        (3400.0, -0.02, 0.01, -55.0),
        (3600.0, -0.5, 0.01, -25.0),
        (3800.0, -2.5, 0.01, -12.0),
    ] {
        let out = upsample(&sine(hz, 8000.0, 10_000.0, 8000), &[160]);
        let steady = &out[1600..14_400];
        let level = db(amplitude_at(hz, steady) / 10_000.0);
        assert!((low..=high).contains(&level), "{hz} Hz: {level:.3} dB");
        let leak = db(amplitude_at(8000.0 - hz, steady) / 10_000.0);
        assert!(leak < image, "{hz} Hz: image at {leak:.1} dB");
    }
}

#[test]
fn the_result_is_the_sine_sampled_twice_as_often() {
    for hz in [200.0, 440.0, 1234.5, 3000.0] {
        let out = upsample(&sine(hz, 8000.0, 12_000.0, 4000), &[160]);
        let ideal = sine(hz, 16_000.0, 12_000.0, 8000);
        let (mut signal, mut noise) = (0.0, 0.0);
        for (got, want) in out.iter().zip(&ideal).skip(64).take(7800) {
            signal += f64::from(*want).powi(2);
            noise += f64::from(got - want).powi(2);
        }
        let snr = 10.0 * (signal / noise).log10();
        assert!(snr > 68.0, "{hz} Hz: SNR {snr:.1} dB");
    }
}

#[test]
fn time_is_kept_to_the_sample() {
    for at in [0, 1, 15, 16, 159, 160, 161, 799] {
        let mut input = vec![0; 800];
        input[at] = 16_000;
        let out = upsample(&input, &[160]);
        assert_eq!(out.len(), 1600);
        let loudest = (0..out.len()).max_by_key(|&n| out[n]).unwrap();
        assert_eq!((loudest, out[loudest]), (2 * at, 16_000), "impulse at {at}");
    }
}

#[test]
fn the_cut_into_frames_leaves_no_trace() {
    let input: Vec<i16> = sine(697.0, 8000.0, 9000.0, 24_000)
        .iter()
        .zip(sine(2890.0, 8000.0, 7000.0, 24_000))
        .map(|(a, b)| a + b)
        .collect();
    let whole = upsample(&input, &[24_000]);
    assert_eq!(whole.len(), 48_000);
    for sizes in [
        &[160][..],
        &[1],
        &[159],
        &[161],
        &[8000],
        &[0, 1, 159, 160, 161, 8000, 0, 7],
        &[15, 16, 17, 31, 32, 33],
    ] {
        assert_eq!(upsample(&input, sizes), whole, "pieces of {sizes:?}");
    }
}

#[test]
fn every_length_gives_twice_as_much() {
    for len in (0..70).chain([159, 160, 161, 8000]) {
        let input = sine(440.0, 8000.0, 8000.0, len);
        let out = upsample(&input, &[160]);
        assert_eq!(out.len(), 2 * len);
        let even: Vec<i16> = out.iter().step_by(2).copied().collect();
        assert_eq!(even, input, "every second sample is the input");
    }
}

#[test]
fn full_scale_does_not_wrap() {
    for input in [
        vec![i16::MAX; 400],
        vec![i16::MIN; 400],
        sine(3999.0, 8000.0, 32_767.0, 400),
        (0..400)
            .map(|n| if n % 7 < 3 { i16::MAX } else { i16::MIN })
            .collect(),
    ] {
        let out = upsample(&input, &[160]);
        for (n, pair) in out.windows(2).enumerate().skip(1) {
            let (a, b) = (i32::from(pair[0]), i32::from(pair[1]));
            let near = input[(n / 2).saturating_sub(1)..(n / 2 + 3).min(400)].iter();
            let loud = near.map(|s| i32::from(*s).abs()).max().unwrap();
            assert!((a - b).abs() <= 3 * loud + 1, "a jump at {n}: {a} to {b}");
        }
    }
    assert!(
        upsample(&vec![i16::MAX; 400], &[160])[64..700]
            .iter()
            .all(|s| *s > 32_700)
    );
}

#[test]
fn it_can_be_used_again_after_its_end() {
    let input = sine(440.0, 8000.0, 8000.0, 500);
    let (mut upsampler, mut first, mut second) = (Upsampler::new(), Vec::new(), Vec::new());
    upsampler.process_samples(&input, &mut first);
    upsampler.finish(&mut first);
    upsampler.process_samples(&input, &mut second);
    upsampler.finish(&mut second);
    assert_eq!(first, second);
}

#[test]
fn two_tracks_do_not_meet() {
    let (mut a, mut b) = (Upsampler::new(), Upsampler::new());
    let (mut out_a, mut out_b) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        a.process(&[0x80; 160], &mut out_a);
        b.process(&[mulaw::SILENCE; 160], &mut out_b);
    }
    assert!(out_b.iter().all(|s| *s == 0));
    assert!(out_a[100..].iter().all(|s| *s > 32_000));
}

#[test]
fn a_steady_stream_allocates_nothing() {
    let mut upsampler = Upsampler::new();
    let mut out = Vec::with_capacity(4096);
    upsampler.process(&[0x55; 160], &mut out);
    let (window, room) = (upsampler.window.capacity(), out.capacity());
    for _ in 0..1000 {
        out.clear();
        upsampler.process(&[0x55; 160], &mut out);
    }
    assert_eq!(
        (upsampler.window.capacity(), out.capacity()),
        (window, room)
    );
}
