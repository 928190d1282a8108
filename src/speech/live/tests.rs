use proptest::prelude::*;

use super::{AgainError, Heard, Level, Options, Want};
use crate::{
    speech::{Decoded, EngineError, Word},
    time::MediaTime,
};

mod scenario;
pub(in crate::speech) mod voice;
use scenario::Scenario;

#[test]
fn an_utterance_is_shown_committed_and_completed() {
    let mut track = Scenario::new().decode_ms(200);
    track.silence(1000).voice(4000).silence(2000);
    track.check_promises();
    assert_eq!(track.text(), track.said());
    let [(at, start, end, _)] = track.completed()[..] else {
        panic!("one utterance: {:?}", track.completed());
    };
    assert!((650..=1000).contains(&start.as_ms()), "pre-roll: {start}");
    assert!((5000..=5400).contains(&end.as_ms()), "tail: {end}");
    assert!((5750..=5950).contains(&at), "at the endpoint: {at}");
    let first = track.heard.iter().find_map(|(at, heard)| match heard {
        Heard::Partial { .. } => Some(*at),
        _ => None,
    });
    assert!(first.unwrap() < 2400, "first words: {first:?}");
    let deltas = track
        .heard
        .iter()
        .filter(|(_, heard)| matches!(heard, Heard::Delta { .. }));
    assert!(deltas.count() >= 3, "words are committed as it goes");
}

#[test]
fn the_silence_before_the_endpoint_takes_the_last_look() {
    let mut track = Scenario::new().decode_ms(100);
    track.silence(500).voice(2500).silence(1000);
    let last = track.looks.last().unwrap();
    assert_eq!(last.want, Want::Settle);
    assert!((3350..=3490).contains(&last.at), "{last:?}");
    let at = track.completed()[0].0;
    assert!(
        (3690..=3830).contains(&at),
        "no second look at the endpoint: {at}"
    );
}

#[test]
fn a_last_look_is_dropped_when_speech_goes_on() {
    let mut track = Scenario::new().decode_ms(100);
    track
        .silence(500)
        .voice(2400)
        .silence(320)
        .voice(2400)
        .silence(1000);
    assert_eq!(track.completed().len(), 1);
    assert_eq!(track.text(), track.said());
    track.check_promises();
}

#[test]
fn an_endpoint_before_any_look_asks_for_a_last_one() {
    let mut track = Scenario::new().decode_ms(900);
    track.silence(500).voice(600).silence(2000);
    assert_eq!(track.text(), track.said());
    assert_eq!(track.looks.len(), 1, "the settling look is the last one");
    let mut late = Scenario::new().decode_ms(2300);
    late.silence(500).voice(2400).silence(4500);
    assert_eq!(late.looks.last().unwrap().want, Want::Final);
    assert_eq!(late.text(), late.said());
}

#[test]
fn silence_and_clicks_cost_no_look() {
    let mut track = Scenario::new();
    track.silence(20_000).voice(60).silence(2000);
    track.finish();
    assert!(track.looks.is_empty(), "{:?}", track.looks);
    assert_eq!(track.heard.len(), 1);
    assert_eq!(track.heard[0].1, Heard::Finished);
}

#[test]
fn a_monologue_is_cut_without_loss() {
    let mut track = Scenario::new().decode_ms(300);
    track.silence(500).voice(40_000).silence(1000);
    track.check_promises();
    assert_eq!(track.text(), track.said());
    let completed = track.completed();
    assert!(completed.len() >= 4);
    for pair in completed.windows(2) {
        assert_eq!(pair[0].2, pair[1].1, "utterances abut");
    }
    for look in &track.looks {
        assert!(look.end - look.start <= 12_100, "{look:?}");
        let (margin, least) = match look.want {
            Want::Partial => (192, 384),
            Want::Settle | Want::Final => (256, 448),
        };
        let length = look.context + look.end - look.start;
        assert!(length <= 28_000);
        let frames = (length.div_ceil(20) + margin).max(least).min(1500);
        assert_eq!(u64::from(look.audio_ctx), frames);
        let rate = if look.language.as_deref() == Some("en") {
            8
        } else {
            16
        };
        assert_eq!(
            u64::from(look.max_tokens),
            ((look.end - look.start) * rate).div_ceil(1000) + 10
        );
    }
}

#[test]
fn a_long_utterance_ends_at_a_dip() {
    for (before, utterances) in [(3000, 1), (8000, 2)] {
        let mut track = Scenario::new().decode_ms(200);
        track
            .silence(500)
            .voice(before)
            .silence(400)
            .voice(2000)
            .silence(1000);
        assert_eq!(
            track.completed().len(),
            utterances,
            "{before} ms before the dip"
        );
        assert_eq!(track.text(), track.said());
        track.check_promises();
    }
}

#[test]
fn a_slow_engine_hears_the_newest_audio_and_stays_bounded() {
    // Each decode takes 7 s; someone speaks 2 s in every 3.
    let mut track = Scenario::new().decode_ms(7000);
    for _ in 0..60 {
        track.voice(2000).silence(1000);
        let (ended, audio) = track.listener.held();
        assert!(
            ended <= 4 && audio < 16 * 40_000,
            "{ended} wait, {audio} samples held"
        );
    }
    track.check_promises();
    for look in &track.looks {
        assert!(
            look.at - look.end <= 10_000,
            "no look at old audio: {look:?}"
        );
    }
    let told = |heard: &Heard| {
        matches!(
            heard,
            Heard::Degraded {
                level: Level::NoText
            }
        )
    };
    assert!(track.heard.iter().any(|(_, heard)| told(heard)));
    assert!(track.listener.take_skipped() > MediaTime::from_ms(60_000));
    assert!(track.completed().len() > 10, "what can be heard is");
}

#[test]
fn a_failing_engine_is_told_of_and_recovers() {
    let mut track = Scenario::new().decode_ms(100).engine(|look, truth| {
        if (3000..9000).contains(&look.at) {
            return Err(EngineError::Failed("lost".into()));
        }
        Ok(truth)
    });
    for _ in 0..5 {
        track.voice(2400).silence(1000);
    }
    let levels: Vec<Level> = (track.heard.iter())
        .filter_map(|(_, heard)| match heard {
            Heard::Degraded { level } => Some(*level),
            _ => None,
        })
        .collect();
    assert_eq!(levels, [Level::NoText, Level::Normal]);
    track.check_promises();
    assert!(track.looks.len() < 20, "no hot loop: {}", track.looks.len());
    assert!(
        track.text().ends_with("w38 w39") || track.text().len() > 20,
        "{}",
        track.text()
    );
}

#[test]
fn an_answer_not_to_be_believed_is_asked_again_and_never_shown() {
    for second_loops in [false, true] {
        let mut track = Scenario::new().engine(move |look, mut truth| {
            let again = look.audio_ctx > 600;
            truth.capped = !again || second_loops;
            Ok(truth)
        });
        track.silence(500).voice(2000).silence(1500);
        let contexts: Vec<u32> = track.looks.iter().map(|look| look.audio_ctx).collect();
        assert!(
            contexts.len() >= 2 && contexts.chunks(2).all(|c| c[0] < 600 && c[1] > 800),
            "{contexts:?}"
        );
        assert_eq!(track.text().is_empty(), second_loops);
        assert_eq!(track.heard.is_empty(), second_loops, "{:?}", track.heard);
    }
}

#[test]
fn what_only_repeats_itself_is_a_loop() {
    for (answer, believed) in [
        ("no no no", true),
        ("thank you thank you", true),
        ("go go go go go go go go go go", false),
        (
            "I am here. I am here. I am here. I am here. I am here. I am here.",
            false,
        ),
        ("so on and so on and so", true),
    ] {
        let mut track = Scenario::new().engine(move |_, mut truth| {
            truth.words = words(answer);
            Ok(truth)
        });
        track.silence(500).voice(2000).silence(1500);
        assert_eq!(!track.text().is_empty(), believed, "{answer}");
    }
}

fn words(text: &str) -> Vec<Word> {
    let word = |text: &str| Word {
        text: text.into(),
        start: MediaTime::from_ms(100),
        end: MediaTime::from_ms(200),
        confidence: 0.5,
    };
    text.split_whitespace().map(word).collect()
}

#[test]
fn music_is_looked_at_rarely_and_shows_nothing() {
    let mut track = Scenario::new().engine(|_, mut truth| {
        truth.no_speech = 0.9;
        truth.avg_logprob = -1.2;
        Ok(truth)
    });
    track.voice(120_000).silence(1000);
    assert!(track.heard.is_empty(), "{:?}", track.heard);
    assert!(track.looks.len() < 60, "{}", track.looks.len());
    // And a voice after it is heard again.
    track.listener.finish();
}

#[test]
fn the_language_is_pinned_once_and_not_by_junk() {
    let mut track = Scenario::with(Options::default(), None).engine(|look, mut truth| {
        if look.at < 4000 {
            truth.no_speech = 0.9;
            truth.avg_logprob = -1.5;
            truth.language = "cy".into();
        }
        Ok(truth)
    });
    track
        .voice(2000)
        .silence(2000)
        .voice(1000)
        .silence(1000)
        .voice(3000)
        .silence(1000);
    let asked: Vec<Option<&str>> = track
        .looks
        .iter()
        .map(|look| look.language.as_deref())
        .collect();
    let pinned = asked.iter().position(Option::is_some).unwrap();
    assert!(track.looks[pinned].at > 7000, "short speech pins nothing");
    assert!(
        asked[pinned..]
            .iter()
            .all(|language| *language == Some("he")),
        "{asked:?}"
    );
}

#[test]
fn levels_thin_out_the_looks() {
    let looks_at = |level: Level| {
        let mut track = Scenario::new().decode_ms(100);
        track.listener.set_level(level);
        track.voice(6000).silence(1000).finish();
        track.check_promises();
        let partial = track
            .looks
            .iter()
            .filter(|look| look.want == Want::Partial)
            .count();
        let told = track
            .heard
            .iter()
            .any(|(_, heard)| *heard == Heard::Degraded { level });
        assert_eq!(told, level.is_degraded());
        assert!(matches!(track.heard.last().unwrap().1, Heard::Finished));
        let small = track.looks.iter().any(|look| look.small);
        assert_eq!(small, level == Level::SmallModel);
        (partial, !track.text().is_empty())
    };
    assert_eq!(looks_at(Level::Normal), (5, true));
    let (brisk, _) = looks_at(Level::Brisk);
    assert!(brisk > 7);
    let (slow, _) = looks_at(Level::Slow);
    assert!((2..=3).contains(&slow));
    let (slower, _) = looks_at(Level::Slower);
    assert!((1..=2).contains(&slower));
    assert_eq!(looks_at(Level::FinalsOnly), (0, true));
    assert_eq!(looks_at(Level::SmallModel), (0, true));
    assert_eq!(looks_at(Level::NoText), (0, false));
}

#[test]
fn what_was_said_guides_the_next_until_a_pause() {
    let options = Options {
        prompt_words: 6,
        ..Options::default()
    };
    let mut track = Scenario::with(options, Some("en")).decode_ms(2000);
    track.voice(3000).silence(1000).voice(3000);
    track.silence(35_000).voice(3000).silence(4000);
    let prompt_at = |from: u64| {
        let look = track.looks.iter().find(|look| look.start >= from).unwrap();
        look.prompt.as_str()
    };
    assert_eq!(prompt_at(0), "");
    assert_eq!(prompt_at(3500), "w1 w2 w3 w4 w5 w6");
    assert_eq!(prompt_at(40_000), "", "a pause forgets");
}

#[test]
fn looks_begin_with_what_was_said_before() {
    use Want::{Final, Partial, Settle};
    let ends: &[Want] = &[Final, Settle];
    let all: &[Want] = &[Final, Settle, Partial];
    for (pause, level, expected) in [
        (1000, Level::Normal, ends),
        (1000, Level::Brisk, all),
        (6000, Level::Brisk, all),
        (40_000, Level::Brisk, &[]),
        (1000, Level::Slow, &[]),
    ] {
        let mut track = Scenario::new().decode_ms(100);
        track.listener.set_level(level);
        track.silence(400).voice(9000).silence(pause).voice(1600);
        track.silence(pause).voice(2000).silence(1000);
        track.check_promises();
        assert_eq!(track.text(), track.said(), "nothing twice, nothing lost");
        let third = track.completed().last().unwrap().1.as_ms();
        for look in track.looks.iter().filter(|look| look.end > third) {
            let begins = expected.contains(&look.want);
            assert_eq!(
                look.context > 4000,
                begins,
                "{pause} ms, {level:?}: {look:?}"
            );
            assert!(look.context + look.end - look.start <= 28_000);
        }
    }
}

/// A look that holds 12 s has 856 frames; one of the first second has 384.
#[test]
fn looks_begin_with_as_much_as_there_is_time_for() {
    for (decode_ms, context) in [
        (20, 12_000..28_000),
        (500, 4000..14_000),
        (900, 1000..7000),
        (2500, 0..1),
    ] {
        let mut track = Scenario::new().decode_ms(decode_ms);
        track.silence(400).voice(11_000).silence(4000).voice(9000);
        track.silence(4000).voice(1500).silence(9000);
        assert_eq!(track.text(), track.said(), "nothing twice, nothing lost");
        let last = track.looks.last().unwrap();
        assert!(context.contains(&last.context), "{decode_ms} ms: {last:?}");
    }
}

#[test]
fn what_is_not_heard_in_its_context_is_heard_alone() {
    for misheard in ["", "go go go go go go go go go go"] {
        let mut track = Scenario::new().engine(move |look, mut truth| {
            if look.context > 0 {
                truth.words = words(misheard);
            }
            Ok(truth)
        });
        track.voice(3000).silence(1000).voice(700).silence(1500);
        assert_eq!(track.completed().len(), 2);
        assert_eq!(track.text(), track.said(), "{misheard}");
    }
}

#[test]
fn finishing_settles_the_tail() {
    for ms in [700, 3000] {
        let mut track = Scenario::new().decode_ms(400);
        track.silence(500).voice(ms).finish();
        assert_eq!(track.text(), track.said(), "{ms} ms");
        assert_eq!(track.heard.last().unwrap().1, Heard::Finished);
        track.check_promises();
    }
}

#[test]
fn abandoning_keeps_what_was_heard() {
    let mut track = Scenario::new().decode_ms(300);
    track.silence(500).voice(5000);
    track.listener.finish();
    track.listener.abandon();
    track.turn_over();
    track.check_promises();
    assert_eq!(track.heard.last().unwrap().1, Heard::Finished);
    assert!(track.text().split(' ').count() >= 9, "{}", track.text());
}

#[test]
fn skipped_audio_keeps_the_time_line() {
    let mut track = Scenario::new();
    track.silence(500).voice(2000);
    track.listener.skip(16_000);
    track.turn_over();
    assert_eq!(track.listener.take_skipped(), MediaTime::from_ms(1000));
    let degraded = Heard::Degraded {
        level: Level::NoText,
    };
    assert!(track.heard.iter().any(|(_, heard)| *heard == degraded));
    track.voice(2000).silence(1000);
    let [_, (_, start, ..)] = track.completed()[..] else {
        panic!("{:?}", track.completed());
    };
    assert!((3300..3700).contains(&start.as_ms()), "{start}");
}

#[test]
fn an_hour_takes_no_more_memory_than_a_minute() {
    let mut track = Scenario::new().decode_ms(200);
    let mut most = 0;
    for minute in 0..12 {
        track
            .voice(17_000)
            .silence(13_000)
            .voice(9000)
            .silence(2000);
        let (_, audio) = track.listener.held();
        assert!(minute < 2 || audio <= most + 16_000, "{audio} samples held");
        most = most.max(audio);
        track.heard.clear();
    }
    // What was said before, and the utterance that is spoken.
    assert!(most < 16 * (28_000 + 12_000), "{most}");
}

#[test]
fn a_trace_without_its_audio_is_an_error() {
    let mut track = Scenario::new();
    track.voice(2000).silence(1000).finish();
    let trace = track.listener.take_trace();
    let nothing = |_, _: &mut Vec<i16>| Ok::<_, std::convert::Infallible>(());
    let failed = trace.again(nothing, |_| Ok(Decoded::default()), |_| {});
    assert!(matches!(failed, Err(AgainError::TooShort)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// What was heard, and every revision of it, comes again by the trace alone.
    #[test]
    fn what_was_heard_is_heard_again(
        spans in prop::collection::vec((200_u64..4000, 100_u64..2500, 0_usize..7), 1..6),
        decode_ms in 0_u64..1500,
        fails in 2_usize..9,
    ) {
        let mut looks = 0;
        let mut track = Scenario::new().decode_ms(decode_ms).engine(move |look, truth| {
            looks += 1;
            match looks % fails {
                0 => Err(EngineError::Failed("for once".into())),
                1 => Ok(Decoded { capped: look.audio_ctx < 800, ..truth }),
                _ => Ok(truth),
            }
        });
        for (voice, silence, level) in spans {
            track.listener.set_level(Level::ALL[level]);
            track.voice(voice).silence(silence);
        }
        track.finish();
        track.listener.abandon();
        track.turn_over();
        let heard: Vec<Heard> = track.heard.iter().map(|(_, heard)| heard.clone()).collect();
        prop_assert_eq!(track.again(), heard);
    }

    /// However the engine changes its mind, and however slow it is, no committed word is taken back.
    #[test]
    fn promises_hold_under_any_engine(seed in any::<u32>(), decode_ms in 0_u64..3000) {
        let mut state = seed;
        let mut random = move |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        let mut track = Scenario::new().decode_ms(decode_ms).engine(move |look, mut truth| {
            truth.words.retain(|_| random(8) > 0);
            for word in &mut truth.words {
                if random(4) == 0 {
                    word.text = ["a", "b", "c"][random(3) as usize].into();
                    word.start = MediaTime::from_ms(u64::from(random(9000)));
                    word.end = MediaTime::from_ms(u64::from(random(9000)));
                }
            }
            truth.capped = random(6) == 0;
            if random(7) == 0 {
                return Err(EngineError::Failed(format!("at {}", look.at)));
            }
            Ok(truth)
        });
        track.voice(3000).silence(300).voice(2600).silence(900).voice(12_000).silence(700).finish();
        track.check_promises();
        prop_assert_eq!(&track.heard.last().unwrap().1, &Heard::Finished);
    }
}
