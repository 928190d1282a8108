use std::path::PathBuf;

use super::*;
use crate::cli::phone::pace::{Line, Pace};

/// A WAV header before `data`, its size as written.
fn wav(tag: u16, bits: u16, channels: u16, rate: u32, size: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"RIFF\xFF\xFF\xFF\xFFWAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0".to_vec();
    bytes.extend(tag.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * u32::from(channels * bits / 8)).to_le_bytes());
    bytes.extend((channels * bits / 8).to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(size.to_le_bytes());
    bytes.extend(data);
    bytes
}

fn file(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn phone_audio_goes_through_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..=255).collect();
    let path = file(&dir, "mulaw.wav", &wav(7, 8, 1, 8000, 256, &bytes));
    let source = Source::read(&path, Choice::AsItIs).unwrap();
    assert_eq!(source.tracks(), [Track::Inbound]);
    assert_eq!(source.ulaw(Track::Inbound), bytes);
    assert!(source.ulaw(Track::Outbound).is_empty());

    let pcm: Vec<u8> = bytes
        .iter()
        .flat_map(|b| mulaw::decode(*b).to_le_bytes())
        .collect();
    let path = file(&dir, "pcm.wav", &wav(1, 16, 1, 8000, 0, &pcm));
    let source = Source::read(&path, Choice::Only(Track::Outbound)).unwrap();
    assert_eq!(source.tracks(), [Track::Outbound]);
    let same = |(a, b): (&u8, &u8)| mulaw::decode(*a) == mulaw::decode(*b);
    assert!(source.ulaw(Track::Outbound).iter().zip(&bytes).all(same));
}

#[test]
fn left_is_inbound_and_right_is_outbound() {
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = [1, 2].repeat(400);
    // The size says more than there is: the file was cut off.
    let path = file(&dir, "stereo.wav", &wav(7, 8, 2, 8000, 900, &bytes));
    for (choice, tracks) in [
        (Choice::AsItIs, &Track::ALL[..]),
        (Choice::Both, &Track::ALL),
        (Choice::Only(Track::Inbound), &[Track::Inbound]),
        (Choice::Only(Track::Outbound), &[Track::Outbound]),
    ] {
        let source = Source::read(&path, choice).unwrap();
        assert_eq!(source.tracks(), tracks, "{choice:?}");
        for track in tracks {
            let byte = u8::try_from(track.index() + 1).unwrap();
            assert_eq!(source.ulaw(*track), [byte; 400], "{choice:?}");
        }
        assert!((source.seconds() - 0.05).abs() < 1e-9);
    }
}

#[test]
fn other_rates_are_brought_to_8_khz() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cd.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: 44_100,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    for n in 0..44_100 {
        let left = (f64::from(n) * 1000.0 / 44_100.0 * std::f64::consts::TAU).sin() * 8000.0;
        #[expect(clippy::cast_possible_truncation, reason = "8000 at most")]
        writer.write_sample(left as i16).unwrap();
        writer.write_sample(0_i16).unwrap();
    }
    writer.finalize().unwrap();
    let source = Source::read(&path, Choice::AsItIs).unwrap();
    assert_eq!(
        source.pieces(),
        Track::ALL.map(|track| (track, std::iter::once(0..8000).collect()))
    );
    let power = |track| {
        let samples = source.ulaw(track)[400..7600].iter();
        samples
            .map(|b| f64::from(mulaw::decode(*b)).powi(2))
            .sum::<f64>()
            / 7200.0
    };
    let rms = power(Track::Inbound).sqrt();
    assert!((rms - 8000.0 / 2_f64.sqrt()).abs() < 100.0, "{rms}");
    assert!(power(Track::Outbound).sqrt() < 10.0);
}

#[test]
fn what_cannot_be_sent_says_why() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes, choice, says) in [
        (
            "mono.wav",
            wav(7, 8, 1, 8000, 3, b"abc"),
            Choice::Both,
            "mono",
        ),
        (
            "empty.wav",
            wav(7, 8, 1, 8000, 0, b""),
            Choice::AsItIs,
            "no audio",
        ),
        (
            "six.wav",
            wav(7, 8, 6, 8000, 6, b"abcdef"),
            Choice::AsItIs,
            "6 channels",
        ),
        (
            "text.wav",
            b"not audio at all".to_vec(),
            Choice::AsItIs,
            "text.wav",
        ),
    ] {
        let path = file(&dir, name, &bytes);
        let error = format!("{:#}", Source::read(&path, choice).unwrap_err());
        assert!(error.contains(says), "{name}: {error}");
    }
    let missing = dir.path().join("missing.wav");
    let error = format!("{:#}", Source::read(&missing, Choice::AsItIs).unwrap_err());
    assert!(error.contains("missing.wav"), "{error}");
}

#[test]
fn parts_and_encoded_audio_say_the_same() {
    let bytes: Vec<u8> = (0..500_u32).map(|n| u8::try_from(n / 2).unwrap()).collect();
    let plain = Source::new([(Track::Inbound, bytes.clone())]);
    let encoded = plain.clone().encoded();
    for (frames, range) in [
        (0..u64::MAX, 0..500),
        (1..3, 160..480),
        (3..9, 480..500),
        (4..9, 500..500),
    ] {
        for source in [&plain, &encoded] {
            let part = source.part(frames.clone());
            assert_eq!(
                part.ulaw(Track::Inbound),
                &bytes[range.clone()],
                "{frames:?}"
            );
            assert_eq!(part.frames(), range.len().div_ceil(160) as u64);
            let mut heard = Vec::new();
            let mut pace = Pace::new(part.pieces(), Line::default());
            while let Some((_, frame)) = pace.next(Some) {
                let mut ulaw = Vec::new();
                payload::decode(&part.payload(frame), &mut ulaw).unwrap();
                heard.extend(ulaw);
            }
            assert_eq!(heard, &bytes[range.clone()], "{frames:?}");
        }
    }
    let later = plain.part(1..4).part(1..9);
    assert_eq!(later.ulaw(Track::Inbound), &bytes[320..]);
    assert!(later.ulaw(Track::Outbound).is_empty());
}
