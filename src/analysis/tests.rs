//! Made signals: each has one thing wrong, and that one is found.

use std::f64::consts::TAU;

use super::*;

const SECOND: usize = 16_000;

/// Syllables of a hoarse voice with pauses, over a little noise: what voice activity takes for speech.
pub(crate) fn speech(seconds: usize) -> Vec<f64> {
    let (mut noise, mut phase) = (Noise(7), 0.0);
    (0..seconds * SECOND)
        .map(|n| {
            let t = f64::from(u32::try_from(n).unwrap()) / 16_000.0;
            let pitch = 130.0 + 25.0 * (TAU * 0.6 * t).sin();
            phase += TAU * pitch / 16_000.0;
            let voice: f64 = (1..26)
                .map(|h| {
                    let h = f64::from(h);
                    let formant = (-((h * pitch - 600.0) / 500.0).powi(2)).exp()
                        + 0.5 * (-((h * pitch - 1700.0) / 700.0).powi(2)).exp()
                        + 0.25 * (-((h * pitch - 2900.0) / 600.0).powi(2)).exp();
                    formant * (h * phase).sin()
                })
                .sum();
            let syllable = (TAU * 2.0 * t).sin().max(0.0);
            let phrase = if t % 3.0 < 2.0 { 1.0 } else { 0.0 };
            3000.0 * voice * syllable * phrase + noise.next(8.0)
        })
        .collect()
}

pub(crate) fn silence(seconds: usize) -> Vec<f64> {
    let mut noise = Noise(3);
    (0..seconds * SECOND).map(|_| noise.next(8.0)).collect()
}

/// White, from −`size` to `size`.
struct Noise(u32);

impl Noise {
    fn next(&mut self, size: f64) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(self.0 >> 8) / f64::from(1 << 23) - 1.0) * size
    }
}

pub(crate) fn samples(wave: &[f64]) -> Vec<i16> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "clipped as a converter does"
    )]
    let sample = |s: &f64| s.round().clamp(-32_768.0, 32_767.0) as i16;
    wave.iter().map(sample).collect()
}

fn tone(wave: &mut [f64], hz: f64, amplitude: f64) {
    for (n, sample) in wave.iter_mut().enumerate() {
        *sample += amplitude * (TAU * hz * f64::from(u32::try_from(n).unwrap()) / 16_000.0).sin();
    }
}

/// A low pass of one pole, so often over.
fn muffle(wave: &mut [f64], times: usize) {
    for _ in 0..times {
        let mut last = 0.0;
        for sample in wave.iter_mut() {
            last += 0.25 * (*sample - last);
            *sample = last;
        }
    }
}

fn analyse(tracks: &[&[f64]]) -> Analysis {
    let probes = tracks.iter().zip(Track::ALL).map(|(wave, track)| {
        let mut probe = Probe::with_spectrogram();
        samples(wave)
            .chunks(333)
            .for_each(|piece| probe.push(piece));
        (track, probe)
    });
    Analysis::of(probes.collect()).0
}

fn kinds(analysis: &Analysis) -> Vec<Kind> {
    analysis
        .findings
        .iter()
        .map(|finding| finding.kind)
        .collect()
}

#[test]
fn each_fault_is_found_and_no_other() {
    let spoilt = |spoil: &dyn Fn(&mut Vec<f64>)| {
        let mut wave = speech(12);
        spoil(&mut wave);
        wave
    };
    let scaled = |by: f64| spoilt(&|wave| wave.iter_mut().for_each(|s| *s *= by));
    for (name, wave, expected) in [
        ("good", speech(12), vec![]),
        ("nothing", vec![], vec![Kind::Empty]),
        ("silence", silence(12), vec![Kind::Silent]),
        ("clipped", scaled(30.0), vec![Kind::Clipped]),
        ("quiet", scaled(0.08), vec![Kind::Quiet]),
        (
            "offset",
            spoilt(&|wave| wave.iter_mut().for_each(|s| *s += 300.0)),
            vec![Kind::DcOffset],
        ),
        (
            "hum",
            spoilt(&|wave| {
                tone(wave, 50.0, 60.0);
                tone(wave, 150.0, 60.0);
            }),
            vec![Kind::Hum],
        ),
        (
            "a lost packet",
            spoilt(&|wave| wave[SECOND / 8..SECOND / 6].fill(0.0)),
            vec![],
        ),
        (
            "many lost packets",
            spoilt(&|wave| {
                for n in 0..24 {
                    let at = n * SECOND / 2 + SECOND / 8;
                    wave[at..at + SECOND / 25].fill(0.0);
                }
            }),
            vec![Kind::Dropouts],
        ),
        (
            "muffled",
            spoilt(&|wave| muffle(wave, 6)),
            vec![Kind::Muffled],
        ),
        (
            "noise",
            spoilt(&|wave| {
                let mut noise = Noise(1);
                wave.iter_mut().for_each(|s| *s += noise.next(1600.0));
            }),
            vec![Kind::Noisy],
        ),
    ] {
        let analysis = analyse(&[&wave]);
        assert_eq!(kinds(&analysis), expected, "{name}: {analysis:#?}");
    }
}

#[test]
fn both_sides_are_held_against_each_other() {
    let (voice, nobody) = (speech(12), silence(12));
    let later: Vec<f64> = [silence(2), speech(10)].concat();
    let call = [speech(12), silence(12)].concat();
    let answer = [silence(12), speech(12)].concat();
    for (name, tracks, expected) in [
        ("in turns", [&call, &answer], vec![]),
        (
            "one way",
            [&voice, &nobody],
            vec![(Kind::OneWay, Some(Track::Outbound))],
        ),
        (
            "one way",
            [&nobody, &voice],
            vec![(Kind::OneWay, Some(Track::Inbound))],
        ),
        ("echo", [&voice, &voice], vec![(Kind::DoubleTalk, None)]),
        (
            "nobody",
            [&nobody, &nobody],
            vec![
                (Kind::Silent, Some(Track::Inbound)),
                (Kind::Silent, Some(Track::Outbound)),
            ],
        ),
    ] {
        let analysis = analyse(&[tracks[0], tracks[1]]);
        let found: Vec<_> = analysis
            .findings
            .iter()
            .map(|f| (f.kind, f.track))
            .collect();
        assert_eq!(found, expected, "{name}");
    }
    let share = |one: &[f64], other: &[f64]| analyse(&[one, other]).double_talk_share.unwrap();
    assert!(share(&call, &answer) < 0.02);
    assert!(share(&voice, &voice) > 0.98);
    assert!((0.0..0.9).contains(&share(&voice, &later)));
}

#[test]
fn the_numbers_are_right() {
    let analysis = analyse(&[&[silence(2), speech(2), silence(3)].concat()]);
    let track = &analysis.tracks[0];
    assert_eq!(track.duration, MediaTime::from_ms(7000));
    let near = |time: MediaTime, ms: u64| time.as_ms().abs_diff(ms) <= 60;
    let [first, .., last] = track.silences.as_slice() else {
        panic!("{:?}", track.silences);
    };
    assert!(near(first.start, 0) && near(first.end, 2000), "{first:?}");
    assert!(near(last.end, 7000), "{last:?}");
    // White noise of ±8 has a root mean square of 4.6.
    let noise = track.noise_dbfs.unwrap();
    assert!(
        (noise - 20.0 * (4.6_f32 / 32_768.0).log10()).abs() < 1.5,
        "{noise}"
    );
    assert!(track.snr_db.unwrap() > 30.0);
    for (hz, highest) in [(440.0, 600.0), (3300.0, 3500.0)] {
        let mut wave = vec![0.0; 4 * SECOND];
        tone(&mut wave, hz, 8000.0);
        let reach = f64::from(analyse(&[&wave]).tracks[0].bandwidth_hz.unwrap());
        assert!((hz..highest).contains(&reach), "{hz}: {reach}");
    }
    for hz in [50.0, 60.0] {
        let mut wave = [silence(6), speech(4)].concat();
        (1..4).for_each(|h| tone(&mut wave, hz * f64::from(h), 100.0));
        let hum = analyse(&[&wave]).tracks[0].hum.unwrap();
        assert!((f64::from(hum.hz) - hz).abs() < 0.1, "{hum:?}");
        // Three tones of 100: a mean square of 15,000.
        assert!((hum.dbfs + 48.5).abs() < 1.5, "{hum:?}");
    }
}

#[test]
fn dropouts_are_runs_of_zero_within_sound() {
    let gap = |ms: usize, before: i16, after: i16| {
        let zeros = vec![0; ms * 16];
        let wave = |sample: i16| (0..800).map(move |n| if n % 2 == 0 { sample } else { -sample });
        let all: Vec<i16> = wave(before).chain(zeros).chain(wave(after)).collect();
        let mut finder = dropouts::Finder::default();
        all.chunks(7).for_each(|piece| finder.push(piece));
        finder.found().count
    };
    for (ms, before, after, count) in [
        (40, 2000, 2000, 1),
        (40, 2000, 3, 1),
        (19, 2000, 2000, 0),
        (20, 2000, 2000, 1),
        (400, 2000, 2000, 1),
        (401, 2000, 2000, 0),
        (40, 50, 2000, 0),
        (40, 0, 2000, 0),
        (40, 2000, 0, 0),
    ] {
        assert_eq!(gap(ms, before, after), count, "{ms} ms after {before}");
    }
}

#[test]
fn pieces_do_not_matter_and_long_recordings_stay_small() {
    let wave = samples(&speech(5));
    let whole = |size: usize| {
        let mut probe = Probe::default();
        wave.chunks(size).for_each(|piece| probe.push(piece));
        Analysis::of(vec![(Track::Inbound, probe)]).0
    };
    let once = whole(wave.len());
    for size in [1, 319, 320, 321, 5000] {
        assert_eq!(whole(size), once, "{size}");
    }
    let mut probe = Probe::with_spectrogram();
    for _ in 0..24 {
        probe.push(&wave);
    }
    let (analysis, pictures) = Analysis::of(vec![(Track::Inbound, probe)]);
    assert_eq!(analysis.duration, MediaTime::from_ms(120_000));
    assert!(pictures[0].envelope.get().len() <= 1200);
    assert!(pictures[0].spectrogram.as_ref().unwrap().columns().len() <= 1200);
}

#[test]
fn the_picture_is_drawn_and_can_be_read() {
    let wave = samples(&speech(5));
    let mut probe = Probe::with_spectrogram();
    probe.push(&wave);
    let (analysis, pictures) = Analysis::of(vec![(Track::Inbound, probe)]);
    let words = [crate::speech::Word {
        text: "<שלום> & \"hi\"".into(),
        start: MediaTime::from_ms(500),
        end: MediaTime::from_ms(900),
        confidence: 0.3,
    }];
    let panel = plot::Panel {
        analysis: &analysis.tracks[0],
        picture: &pictures[0],
        words: &words,
    };
    let svg = plot::svg("a & b <c>", &analysis, &[panel]);
    assert!(svg.contains("a &amp; b &lt;c&gt;") && svg.contains("&lt;שלום&gt;"));
    let png = plot::png(&svg).unwrap();
    let picture = resvg::tiny_skia::Pixmap::decode_png(&png).unwrap();
    assert_eq!(picture.width(), 2400);
    let blue = picture
        .pixels()
        .iter()
        .filter(|p| p.blue() > p.red().saturating_add(40));
    assert!(blue.count() > 2000, "the wave is there");
    assert!(plot::png("no picture").is_err());
    let giant = svg.replace("width=\"1200\"", "width=\"1e9\"");
    assert!(plot::png(&giant).is_err());
}

#[test]
fn an_empty_recording_has_a_picture_too() {
    for channels in [0, 1, 2] {
        let probes =
            (Track::ALL.into_iter().take(channels)).map(|t| (t, Probe::with_spectrogram()));
        let (analysis, pictures) = Analysis::of(probes.collect());
        let panels: Vec<_> = (analysis.tracks.iter().zip(&pictures))
            .map(|(analysis, picture)| plot::Panel {
                analysis,
                picture,
                words: &[],
            })
            .collect();
        assert!(plot::png(&plot::svg("none", &analysis, &panels)).is_ok());
        let json = serde_json::to_string(&analysis).unwrap();
        assert_eq!(serde_json::from_str::<Analysis>(&json).unwrap(), analysis);
    }
}
