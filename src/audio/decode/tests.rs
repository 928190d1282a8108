use std::{f64::consts::TAU, fs};

use super::*;
use crate::audio::mulaw;

const PCM: u16 = 1;
const MS_FLOAT: u16 = 3;
const ALAW: u16 = 6;
const MULAW: u16 = 7;
const IMA_ADPCM: u16 = 0x11;

/// The bytes of a WAV.
fn wav(format: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    let align = channels * bits / 8;
    let mut fmt = Vec::new();
    fmt.extend(format.to_le_bytes());
    fmt.extend(channels.to_le_bytes());
    fmt.extend(rate.to_le_bytes());
    fmt.extend((rate * u32::from(align)).to_le_bytes());
    fmt.extend(align.to_le_bytes());
    fmt.extend(bits.to_le_bytes());
    riff(&[(b"fmt ", &fmt), (b"data", data)])
}

fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WAVE".to_vec();
    for (id, data) in chunks {
        body.extend(*id);
        body.extend(size(data.len()));
        body.extend(*data);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    [b"RIFF".to_vec(), size(body.len()).to_vec(), body].concat()
}

fn size(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap().to_le_bytes()
}

/// −1 to 1.
fn sine(hz: f64, rate: u32, samples: u32) -> Vec<f64> {
    (0..samples)
        .map(|n| 0.4 * (TAU * hz * f64::from(n) / f64::from(rate)).sin())
        .collect()
}

#[expect(clippy::cast_possible_truncation, reason = "rounded to the scale")]
fn scaled(sample: f64, full: f64) -> i64 {
    (sample * full).round() as i64
}

fn pcm16(samples: &[f64]) -> Vec<u8> {
    let bytes = samples
        .iter()
        .map(|s| i16::try_from(scaled(*s, 32_768.0)).unwrap().to_le_bytes());
    bytes.flatten().collect()
}

/// The byte whose sample, by the formula of G.711, is nearest.
fn alaw(sample: f64) -> u8 {
    let expand = |byte: u8| {
        let bits = byte ^ 0x55;
        let (e, m) = (i32::from(bits >> 4) % 8, i32::from(bits % 16));
        let size = if e == 0 {
            2 * m + 1
        } else {
            (2 * m + 33) << (e - 1)
        };
        f64::from(if bits < 128 { -size } else { size }) / 4096.0
    };
    let distance = |byte: &u8| scaled((expand(*byte) - sample).abs(), 1e9);
    (0..=255).min_by_key(distance).unwrap()
}

struct Case {
    dir: tempfile::TempDir,
    path: PathBuf,
}

fn file(name: &str, bytes: &[u8]) -> Case {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    Case { dir, path }
}

/// Everything in a file, channel by channel.
fn all(path: &Path) -> Result<Vec<Vec<f32>>, Error> {
    let mut decoder = open(path)?;
    let mut out = vec![Vec::new(); decoder.channels()];
    while let Some(block) = decoder.next_block()? {
        for (channel, samples) in out.iter_mut().zip(block) {
            channel.extend_from_slice(samples);
        }
    }
    Ok(out)
}

/// How far the noise lies below the sine, in dB, away from the edges.
fn snr(got: &[f32], hz: f64) -> f64 {
    let want = sine(hz, 16_000, u32::try_from(got.len()).unwrap());
    let (mut signal, mut noise) = (0.0, 0.0);
    let inner = 2000..got.len() - 2000;
    for (got, want) in got[inner.clone()].iter().zip(&want[inner]) {
        signal += want * want;
        noise += (f64::from(*got) - want).powi(2);
    }
    10.0 * (signal / noise).log10()
}

#[test]
fn every_kind_of_wav_says_the_same() {
    for rate in [8000, 16_000, 44_100] {
        let tone = sine(440.0, rate, rate);
        let coded =
            |code: &dyn Fn(f64) -> Vec<u8>| tone.iter().flat_map(|s| code(*s)).collect::<Vec<u8>>();
        let unsigned = |s: f64| vec![u8::try_from(scaled(s, 128.0) + 128).unwrap()];
        let int = |s: f64, full: f64, bytes: usize| scaled(s, full).to_le_bytes()[..bytes].to_vec();
        #[expect(clippy::cast_possible_truncation, reason = "a float of 32 bits")]
        let float = |s: f64| (s as f32).to_le_bytes().to_vec();
        let mu = |s: f64| vec![mulaw::encode(i16::try_from(scaled(s, 32_768.0)).unwrap())];
        for (name, format, bits, data, least) in [
            ("8 bit", PCM, 8, coded(&unsigned), 35.0),
            ("16 bit", PCM, 16, coded(&|s| int(s, 32_768.0, 2)), 75.0),
            ("24 bit", PCM, 24, coded(&|s| int(s, 8_388_608.0, 3)), 80.0),
            (
                "32 bit",
                PCM,
                32,
                coded(&|s| int(s, 2_147_483_648.0, 4)),
                80.0,
            ),
            ("float", MS_FLOAT, 32, coded(&float), 80.0),
            (
                "double",
                MS_FLOAT,
                64,
                coded(&|s| s.to_le_bytes().to_vec()),
                80.0,
            ),
            ("mu-law", MULAW, 8, coded(&mu), 34.0),
            ("A-law", ALAW, 8, coded(&|s| vec![alaw(s)]), 34.0),
        ] {
            let case = file("a.wav", &wav(format, 1, rate, bits, &data));
            let out = all(&case.path).unwrap();
            assert_eq!((out.len(), out[0].len()), (1, 16_000), "{name} at {rate}");
            let snr = snr(&out[0], 440.0);
            assert!(snr > least, "{name} at {rate}: {snr:.1} dB");
        }
    }
}

#[test]
fn adpcm_is_decoded() {
    // Blocks of 256 bytes: predictor 1000, step 0, and differences of nothing.
    let block = [&1000_i16.to_le_bytes()[..], &[0; 254]].concat();
    let mut fmt = Vec::new();
    for field in [IMA_ADPCM, 1] {
        fmt.extend(field.to_le_bytes());
    }
    for field in [8000_u32, 4055] {
        fmt.extend(field.to_le_bytes());
    }
    for field in [256_u16, 4, 2, 505] {
        fmt.extend(field.to_le_bytes());
    }
    let case = file(
        "a.wav",
        &riff(&[(b"fmt ", &fmt), (b"data", &block.repeat(10))]),
    );
    let out = all(&case.path).unwrap().remove(0);
    assert_eq!(out.len(), 2 * 10 * 505);
    let level = f32::from(1000_i16) / 32_768.0;
    assert!(out[2000..8000].iter().all(|s| (s - level).abs() < 1e-3));
}

#[test]
fn an_mp3_is_decoded_with_both_its_channels() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio/stereo_440_1000.mp3");
    let decoder = open(&path).unwrap();
    assert_eq!((decoder.channels(), decoder.rate()), (2, 22_050));
    let out = all(&path).unwrap();
    for (channel, (hz, amplitude)) in [(440.0, 12_000.0), (1000.0, 6000.0)]
        .into_iter()
        .enumerate()
    {
        let audio = &out[channel][4000..28_000];
        let power: f64 = audio.iter().map(|s| f64::from(*s).powi(2)).sum();
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in (0_u32..).zip(audio) {
            let phase = TAU * hz * f64::from(n) / 16_000.0;
            re += f64::from(*sample) * phase.cos();
            im += f64::from(*sample) * phase.sin();
        }
        let tone = 2.0 * (re * re + im * im) / 24_000.0;
        assert!(
            tone / power > 0.99,
            "channel {channel}: {:.3} of it is the tone",
            tone / power
        );
        // The encoder that made the file scales by 0.95.
        let level = (2.0 * power / 24_000.0).sqrt() * 32_768.0;
        assert!(
            (level / amplitude - 0.95).abs() < 0.01,
            "channel {channel}: {level:.0}"
        );
    }
    let seconds = out[0].len().abs_diff(32_000);
    assert!(
        seconds < 2000,
        "2 s and at most two frames of padding: {}",
        out[0].len()
    );
}

#[test]
fn stereo_keeps_its_sides_apart() {
    let (left, right) = (sine(440.0, 8000, 8000), sine(1000.0, 8000, 8000));
    let both: Vec<f64> = left
        .iter()
        .zip(&right)
        .flat_map(|(l, r)| [*l, *r])
        .collect();
    let case = file("a.wav", &wav(PCM, 2, 8000, 16, &pcm16(&both)));
    let out = all(&case.path).unwrap();
    assert!(snr(&out[0], 440.0) > 70.0 && snr(&out[1], 1000.0) > 70.0);
    for (channel, whole) in out.iter().enumerate() {
        let mut source = ChannelSource::open(&case.path, channel).unwrap();
        assert_eq!(source.length(), Some(16_000));
        let mut read = Vec::new();
        while source.read(&mut read, 777).unwrap() > 0 {}
        assert_eq!(&read, whole);
    }
    let error = ChannelSource::open(&case.path, 2)
        .err()
        .unwrap()
        .to_string();
    assert!(error.ends_with("there is no channel 2, only 2"), "{error}");
}

#[test]
fn other_chunks_are_not_heard() {
    let audio = pcm16(&sine(440.0, 16_000, 16_000));
    let plain = wav(PCM, 1, 16_000, 16, &audio);
    let fmt = &plain[20..36];
    let loud = [0x7F; 999];
    let case = file(
        "a.wav",
        &riff(&[
            (b"bext", &loud),
            (b"fmt ", fmt),
            (b"junk", &loud),
            (b"data", &audio),
            (b"junk", &loud),
        ]),
    );
    assert_eq!(
        all(&case.path).unwrap(),
        all(&file("b.wav", &plain).path).unwrap()
    );
}

#[test]
fn what_was_cut_off_is_decoded_as_far_as_it_goes() {
    let audio = pcm16(&sine(440.0, 16_000, 16_000));
    let whole = wav(PCM, 1, 16_000, 16, &audio);
    let expected = all(&file("a.wav", &whole).path).unwrap().remove(0);
    for (name, bytes, frames) in [
        ("cut in the middle", whole[..44 + 20_000].to_vec(), 10_000),
        ("cut within a sample", whole[..44 + 20_001].to_vec(), 10_000),
        (
            "sizes never written",
            [&whole[..4], &[0; 4], &whole[8..40], &[0; 4], &whole[44..]].concat(),
            16_000,
        ),
        (
            "sizes of a stream",
            [
                &whole[..4],
                &[0xFF; 4],
                &whole[8..40],
                &[0xFF; 4],
                &whole[44..],
            ]
            .concat(),
            16_000,
        ),
    ] {
        let case = file("a.wav", &bytes);
        let out = all(&case.path).unwrap().remove(0);
        assert_eq!(out.len(), frames, "{name}");
        assert_eq!(out, expected[..frames], "{name}");
        assert_eq!(
            fs::read(&case.path).unwrap(),
            bytes,
            "{name}: the file is left alone"
        );
    }
}

#[test]
fn a_file_beyond_the_sizes_of_a_wav_is_read_by_its_long_ones() {
    let audio = pcm16(&sine(440.0, 16_000, 16_000));
    let plain = wav(PCM, 1, 16_000, 16, &audio);
    let mut ds64 = [0; 28];
    ds64[8..16].copy_from_slice(&(audio.len() as u64).to_le_bytes());
    let chunks = [
        (b"ds64", &ds64[..]),
        (b"fmt ", &plain[20..36]),
        (b"data", &audio),
        (b"junk", &[0x7F; 500]),
    ];
    let mut long = riff(&chunks);
    long[..8].copy_from_slice(b"RF64\xFF\xFF\xFF\xFF");
    let size_of_data = 12 + 8 + 28 + 8 + 16 + 4;
    long[size_of_data..size_of_data + 4].fill(0xFF);
    let out = all(&file("a.wav", &long).path).unwrap();
    assert_eq!(out, all(&file("b.wav", &plain).path).unwrap());
}

#[test]
fn what_is_no_audio_is_refused_with_a_reason() {
    let mut state = 7_u32;
    let noise: Vec<u8> = (0..100_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_le_bytes()[3]
        })
        .collect();
    let header_only = wav(PCM, 1, 8000, 16, &[]);
    for (name, bytes, words) in [
        ("empty", &b""[..], "the file is empty"),
        (
            "text",
            &b"this is a letter, not a call\n".repeat(200),
            "not an audio file",
        ),
        ("noise", &noise, ""),
        ("header only", &header_only, "no audio in it"),
        ("cut header", &header_only[..30], "not an audio file"),
        ("no rate", &wav(PCM, 1, 0, 16, &[0; 100]), ""),
        ("no channels", &wav(PCM, 0, 8000, 16, &[0; 100]), ""),
        (
            "absurd rate",
            &wav(PCM, 1, 4_000_000, 16, &[0; 100]),
            "4000000 Hz",
        ),
        ("absurd depth", &wav(PCM, 1, 8000, 13, &[0; 100]), ""),
        (
            "unknown coding",
            &wav(0x4444, 1, 8000, 16, &[0; 100]),
            "not an audio file",
        ),
    ] {
        let case = file("a.wav", bytes);
        let error = all(&case.path)
            .err()
            .unwrap_or_else(|| panic!("{name} was decoded"))
            .to_string();
        assert!(
            error.contains("a.wav") && error.contains(words),
            "{name}: {error}"
        );
    }
    let missing = file("a.wav", b"").dir.path().join("none.wav");
    let error = open(&missing).err().unwrap();
    let said = format!("{:#}", anyhow::Error::new(error));
    assert_eq!(said.matches("No such file").count(), 1, "{said}");
}

#[test]
fn a_float_that_is_no_number_becomes_silence() {
    let samples = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3.0, -3.0, 0.5].repeat(100);
    let data: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    let case = file("a.wav", &wav(MS_FLOAT, 1, 16_000, 32, &data));
    let out = all(&case.path).unwrap().remove(0);
    assert_eq!(out[..6], [0.0, 0.0, 0.0, 1.0, -1.0, 0.5]);
}

#[test]
fn a_long_file_needs_no_more_memory_than_a_short_one() {
    let seconds = 240;
    let long = wav(PCM, 1, 8000, 16, &vec![0x11; seconds * 16_000]);
    let case = file("a.wav", &long);
    let mut decoder = open(&case.path).unwrap();
    assert_eq!(decoder.duration(), Some(MediaTime::from_ms(240_000)));
    let (mut total, mut most) = (0, 0);
    while let Some(block) = decoder.next_block().unwrap() {
        total += block[0].len();
        most = most.max(block[0].capacity());
    }
    assert_eq!(total, seconds * 16_000);
    assert!(most < 20_000, "{most} samples at once");
}

/// The share of a tone in what is there.
fn tone(audio: &[f32], hz: f64) -> f64 {
    let (mut re, mut im, mut power, mut count) = (0.0, 0.0, 0.0, 0.0);
    for (n, sample) in (0_u32..).zip(audio) {
        let (phase, sample) = (TAU * hz * f64::from(n) / 16_000.0, f64::from(*sample));
        re += sample * phase.cos();
        im += sample * phase.sin();
        power += sample * sample;
        count += 1.0;
    }
    2.0 * (re * re + im * im) / (count * power)
}

#[test]
fn every_kind_of_file_keeps_its_channels() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio/tones");
    for kind in ["aac", "m4a", "flac", "ogg", "opus", "webm"] {
        let path = folder.join(format!("tones.{kind}"));
        // By its content, whatever it is called.
        let named = file("a.txt", &fs::read(&path).unwrap());
        let out = all(&named.path).unwrap();
        assert_eq!(out.len(), 2, "{kind}");
        let length = out[0].len();
        assert!(
            (15_900..18_500).contains(&length),
            "{kind}: {length} samples"
        );
        for (channel, hz) in [440.0, 1000.0].into_iter().enumerate() {
            let share = tone(&out[channel][4_000..14_000], hz);
            assert!(
                share > 0.9,
                "{kind}: channel {channel}: {share:.3} of it is the tone"
            );
        }
    }
}

#[test]
fn no_kind_of_file_is_trusted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio/tones");
    for kind in ["aac", "m4a", "flac", "ogg", "opus", "webm"] {
        let whole = fs::read(folder.join(format!("tones.{kind}"))).unwrap();
        let mut state = 1_u32;
        for round in 0..60 {
            let mut bytes = whole.clone();
            for _ in 0..=round % 8 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = state as usize % bytes.len();
                bytes[at] = state.to_le_bytes()[3];
            }
            bytes.truncate(whole.len() - round * whole.len() / 100);
            probe::file(&bytes);
        }
    }
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let second = wav(PCM, 1, 8000, 16, &[0x11; 16_000]);
    let case = file("a.wav", &second);
    for (most, is_refused) in [(0, true), (1, false), (2, false)] {
        let mut decoder = open(&case.path).unwrap();
        decoder.limit(most);
        let ended = loop {
            match decoder.next_block() {
                Ok(Some(_)) => {}
                ended => break ended.map(drop),
            }
        };
        let refused = matches!(ended, Err(Error::TooLong { .. }));
        assert_eq!(refused, is_refused, "{most}");
    }
}
