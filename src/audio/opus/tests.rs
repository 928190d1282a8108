use std::{f32::consts::TAU, fs};

use super::*;
use crate::audio::{
    decode::{self, ChannelSource, probe},
    source::Clip,
};

const LENGTHS: [u32; 7] = [1, 319, 320, 321, 16_000, 16_001, 123_457];

/// Speech in its rough shape: a chord whose loudness comes and goes, which has one place where it fits.
fn tone(samples: u32) -> Vec<f32> {
    let at = |n: u32, hz: f32| (TAU * hz * (n % 16_000) as f32 / 16_000.0).sin();
    let sample = |n| 0.1 * (at(n, 310.0) + at(n, 1170.0) + at(n, 2430.0)) * at(n, 3.0);
    (0..samples).map(sample).collect()
}

fn packed(tracks: &[Vec<f32>]) -> Vec<u8> {
    let mut out = Vec::new();
    let sources = tracks
        .iter()
        .cloned()
        .map(|track| Box::new(Clip::new(track)) as Box<dyn Source>);
    let frames = pack(sources.collect(), &mut out).unwrap();
    assert_eq!(frames, tracks.iter().map(Vec::len).max().unwrap() as u64);
    out
}

/// Channels, the length that is claimed, and packets for which silence stands.
type Read = (Vec<Vec<f32>>, Option<u64>, u64);

fn read(bytes: &[u8]) -> Result<Read, source::Error> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.opus");
    fs::write(&path, bytes).unwrap();
    let length = ChannelSource::open(&path, 0)?.length();
    let mut decoder = decode::open(&path)?;
    let mut out = vec![Vec::new(); decoder.channels()];
    while let Some(block) = decoder.next_block()? {
        for (channel, samples) in out.iter_mut().zip(block) {
            channel.extend_from_slice(samples);
        }
    }
    Ok((out, length, decoder.damaged()))
}

/// dB below full scale.
fn level(samples: &[f32]) -> f64 {
    let power: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    10.0 * (power / samples.len() as f64 + 1e-20).log10()
}

/// How far the noise lies below the sound, in dB.
fn snr(want: &[f32], got: &[f32]) -> f64 {
    let noise: Vec<f32> = want.iter().zip(got).map(|(want, got)| want - got).collect();
    level(want) - level(&noise)
}

/// By how many samples `got` is late.
#[expect(clippy::cast_possible_truncation, reason = "to be compared")]
fn lag(want: &[f32], got: &[f32]) -> isize {
    let inner = 2000..want.len() - 2000;
    let fit = |lag: &isize| {
        let sum: f64 = inner
            .clone()
            .map(|n| f64::from(want[n]) * f64::from(got[n.saturating_add_signed(*lag)]))
            .sum();
        (sum * 1e6) as i64
    };
    (-700..=700).max_by_key(fit).unwrap_or_default()
}

#[test]
fn every_length_comes_back_in_its_place() {
    for samples in LENGTHS {
        let sound = tone(samples);
        for tracks in [vec![sound.clone()], vec![sound.clone(), vec![]]] {
            let (out, length, damaged) = read(&packed(&tracks)).unwrap();
            let name = format!("{samples} samples, {} tracks", tracks.len());
            assert_eq!(
                (out.len(), length, damaged),
                (tracks.len(), Some(samples.into()), 0),
                "{name}"
            );
            assert!(
                out.iter().all(|channel| channel.len() == sound.len()),
                "{name}"
            );
            if samples >= 16_000 {
                assert_eq!(lag(&sound, &out[0]), 0, "{name}");
                let snr = snr(&sound, &out[0]);
                assert!(snr > 10.0, "{name}: {snr:.1} dB");
            }
        }
    }
}

/// The pages of a file, for a test to change; put together again with true checksums.
fn pages(mut bytes: &[u8]) -> Vec<ogg::Page> {
    let mut pages = Vec::new();
    while let Some((page, length)) = ogg::Page::parse(bytes) {
        pages.push(page);
        bytes = &bytes[length..];
    }
    assert!(bytes.is_empty());
    pages
}

fn joined(pages: &[ogg::Page]) -> Vec<u8> {
    pages.iter().flat_map(ogg::Page::to_bytes).collect()
}

#[test]
fn a_silent_track_stays_silent_while_the_other_speaks() {
    let sound = tone(160_000);
    let turns = |odd: bool| {
        let second = sound.chunks(16_000).enumerate();
        let turn = |(n, part): (usize, &[f32])| match n % 2 == usize::from(odd) {
            true => part.to_vec(),
            false => vec![0.0; part.len()],
        };
        second.flat_map(turn).collect::<Vec<f32>>()
    };
    for (name, tracks) in [
        ("left", [sound.clone(), vec![]]),
        ("right", [vec![], sound.clone()]),
        ("in turns", [turns(false), turns(true)]),
    ] {
        let (out, ..) = read(&packed(&tracks)).unwrap();
        for (channel, (want, got)) in tracks.iter().zip(&out).enumerate() {
            for (n, got) in got.chunks(16_000).enumerate() {
                // What a voice leaves behind as it stops is its own.
                let got = level(&got[800..15_200]);
                let quiet = want.get(n * 16_000 + 8000).is_none_or(|s| *s == 0.0)
                    && want.get(n * 16_000 + 8001).is_none_or(|s| *s == 0.0);
                let right = if quiet { got < -85.0 } else { got > -25.0 };
                assert!(
                    right,
                    "{name}: second {n} of channel {channel}: {got:.1} dB"
                );
            }
        }
    }
}

#[test]
fn a_file_has_a_tenth_of_the_size() {
    let sound = tone(320_000);
    for tracks in [vec![sound.clone()], vec![sound.clone(), sound.clone()]] {
        let wav = tracks.len() * sound.len() * 2;
        let bytes = packed(&tracks).len();
        assert!(
            (wav / 14..wav / 8).contains(&bytes),
            "{} tracks: {bytes} of {wav}",
            tracks.len()
        );
        assert_eq!(bytes, packed(&tracks).len(), "the same again");
    }
}

#[test]
fn the_file_is_as_the_standard_wants_it() {
    let bytes = packed(&[tone(123_457)]);
    let pages = pages(&bytes);
    assert_eq!(pages[0].body[..10], *b"OpusHead\x01\x01");
    assert!(pages[1].body[12..].starts_with(b"callscribe "));
    let flags: Vec<u8> = pages.iter().map(|page| page.flags).collect();
    assert_eq!(
        flags,
        [&[ogg::FIRST, 0][..], &[0; 7], &[ogg::LAST]].concat()
    );
    assert!(pages.iter().zip(0..).all(|(page, n)| page.sequence == n));
    let pre_skip = u64::from(u16::from_le_bytes([pages[0].body[10], pages[0].body[11]]));
    let mut granules: Vec<_> = (1..8).map(|second| Some(second * 48_000)).collect();
    granules.splice(0..0, [Some(0); 2]);
    granules.push(Some(pre_skip + 123_457 * 3));
    assert_eq!(
        pages.iter().map(|page| page.granule).collect::<Vec<_>>(),
        granules
    );
}

#[test]
fn no_track_and_no_sample() {
    for tracks in [0, 3] {
        let tracks = (0..tracks).map(|_| Box::new(Clip::new(vec![])) as Box<dyn Source>);
        let error = pack(tracks.collect(), io::sink()).unwrap_err();
        assert!(matches!(error, PackError::Tracks(_)), "{error}");
    }
    let error = read(&packed(&[vec![]])).unwrap_err();
    assert!(matches!(error, source::Error::NoAudio { .. }), "{error}");
}

#[test]
fn what_cannot_be_read_or_written_is_said() {
    struct Broken;
    impl Source for Broken {
        fn read(&mut self, _: &mut Vec<f32>, _: usize) -> Result<usize, source::Error> {
            Err(source::Error::EmptyFile {
                path: "gone.wav".into(),
            })
        }
        fn length(&self) -> Option<u64> {
            None
        }
    }
    let error = pack(vec![Box::new(Broken)], io::sink()).unwrap_err();
    assert!(error.to_string().contains("gone.wav"), "{error}");
    let clip: Vec<Box<dyn Source>> = vec![Box::new(Clip::new(tone(16_000)))];
    let error = pack(clip, &mut [0; 100][..]).unwrap_err();
    assert!(matches!(error, PackError::Write(_)), "{error}");
}

#[test]
fn files_of_other_encoders_are_read_in_their_place() {
    let sound = tone(48_000);
    let plain = pages(&packed(std::slice::from_ref(&sound)));
    let (expected, ..) = read(&joined(&plain)).unwrap();
    let delay = u64::from(u16::from_le_bytes([plain[0].body[10], plain[0].body[11]]));
    let with = |change: &dyn Fn(&mut Vec<ogg::Page>)| {
        let mut pages = plain.clone();
        change(&mut pages);
        read(&joined(&pages)).unwrap()
    };
    for pre_skip in [0, 1, 2, 311, 312, 313, 3840, u16::MAX] {
        let (out, length, _) =
            with(&|pages| pages[0].body[10..12].copy_from_slice(&pre_skip.to_le_bytes()));
        let more = (delay.cast_signed() - i64::from(pre_skip)) as f64 / 3.0;
        let want = 48_000.0 + more;
        assert!(
            (out[0].len() as f64 - want).abs() <= 1.0,
            "pre-skip {pre_skip}: {} of {want}",
            out[0].len()
        );
        assert!(length.unwrap().abs_diff(out[0].len() as u64) <= 1);
    }
    let (out, length, _) = with(&|pages| {
        for page in &mut pages[2..] {
            page.granule = page.granule.map(|at| at + 1_000_000);
        }
    });
    assert_eq!(
        (out, length),
        (expected.clone(), Some(48_000)),
        "begun in the middle"
    );
    let (out, ..) =
        with(&|pages| pages[0].body[16..18].copy_from_slice(&(-6 * 256_i16).to_le_bytes()));
    let change = level(&out[0]) - level(&expected[0]);
    assert!((change + 6.0).abs() < 0.05, "a gain of -6 dB: {change:.2}");
    let (out, length, _) = with(&|pages| {
        let other = ogg::Page {
            serial: 5,
            lacing: vec![3],
            body: b"abc".to_vec(),
            ..ogg::Page::default()
        };
        pages.insert(
            0,
            ogg::Page {
                flags: ogg::FIRST,
                ..other.clone()
            },
        );
        pages.insert(4, other);
    });
    assert_eq!(
        (out, length),
        (expected, Some(48_000)),
        "beside another stream"
    );
}

#[test]
fn where_a_page_is_missing_there_is_silence() {
    let sound = tone(64_000);
    let mut pages = pages(&packed(std::slice::from_ref(&sound)));
    pages.remove(3);
    let (out, length, damaged) = read(&joined(&pages)).unwrap();
    assert_eq!((out[0].len(), length, damaged), (64_000, Some(64_000), 1));
    assert!(level(&out[0][16_500..31_000]) < -100.0);
    assert_eq!(lag(&sound[32_000..], &out[0][32_000..]), 0);
}

#[test]
fn a_cut_file_is_read_as_far_as_it_goes() {
    let whole = packed(&[tone(48_000), tone(40_000)]);
    let (expected, ..) = read(&whole).unwrap();
    for at in (0..whole.len()).step_by(211) {
        probe::file(&whole[..at]);
        match read(&whole[..at]) {
            Ok((out, ..)) => assert_eq!(out[0], expected[0][..out[0].len()], "cut at {at}"),
            Err(error) => assert!(at < 6500, "cut at {at}: {error}"),
        }
    }
    let (out, ..) = read(&whole[..whole.len() - 1]).unwrap();
    assert!(out[0].len() > 31_000, "{}", out[0].len());
}

#[test]
fn no_damage_is_more_than_an_error() {
    let whole = packed(&[tone(40_000), tone(20_000)]);
    for at in (0..200).chain((200..whole.len()).step_by(151)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        probe::file(&bytes);
        if let Ok((out, ..)) = read(&bytes) {
            assert!(out[0].len() <= 40_000, "byte {at}");
        }
    }
    // Damage that the checksums do not show.
    let sound = pages(&whole);
    let mut state = 7_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize
    };
    for _ in 0..600 {
        let mut pages = sound.clone();
        for _ in 0..=random() % 3 {
            let count = pages.len();
            let page = &mut pages[random() % count];
            let (body, lacing) = (page.body.len(), page.lacing.len());
            match random() % 6 {
                0 => page.flags ^= 1 << (random() % 3),
                1 => {
                    page.granule = [None, Some(0), Some(u64::MAX - 1), Some(1 << 40)][random() % 4]
                }
                2 => page.serial ^= 1,
                3 => page.sequence = page.sequence.wrapping_sub(1),
                4 => page.lacing.swap(random() % lacing, random() % lacing),
                _ => page.body[random() % body] ^= 1 << (random() % 8),
            }
        }
        probe::file(&joined(&pages));
    }
}
