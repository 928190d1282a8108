//! Loops: the same words again and again, at once or throughout.

/// The longest run of words that is looked for.
const LONGEST: usize = 12;
/// Texts with fewer words than this are too short for their compression to tell anything.
const ENOUGH_WORDS: usize = 24;
/// Share of words that a text may repeat from itself. Menus read out ("press one for …") come to 0.3.
const REPEATED_SHARE: f32 = 0.6;
/// Words that count as said again when they stand in the same order.
const REPEATED_RUN: usize = 3;

/// Whether folded `words` loop.
pub(super) fn looping(words: &[String]) -> bool {
    (1..=LONGEST).any(|run| longest_streak(words, run) >= too_often(run))
        || words.len() >= ENOUGH_WORDS && repeated_share(words) > REPEATED_SHARE
}

/// How often a run of so many words follows itself before it counts as a loop: people do say "no, no,
/// no, no", and spell out digits.
const fn too_often(run: usize) -> usize {
    match run {
        1 => 7,
        2 => 5,
        3 | 4 => 4,
        _ => 3,
    }
}

/// The most times in a row that any run of `run` words stands.
fn longest_streak(words: &[String], run: usize) -> usize {
    let mut longest = 1;
    for start in 0..words.len() {
        let mut runs = words[start..].chunks_exact(run);
        let Some(first) = runs.next() else { break };
        longest = longest.max(1 + runs.take_while(|next| *next == first).count());
    }
    longest
}

/// The share of words that stand in a run of [`REPEATED_RUN`] that was said before: what a compressor
/// would save.
#[expect(clippy::cast_precision_loss, reason = "a few hundred words at most")]
fn repeated_share(words: &[String]) -> f32 {
    let mut repeated = vec![false; words.len()];
    for at in REPEATED_RUN..words.len().saturating_sub(REPEATED_RUN - 1) {
        let run = &words[at..at + REPEATED_RUN];
        if words[..at + REPEATED_RUN - 1]
            .windows(REPEATED_RUN)
            .any(|before| before == run)
        {
            repeated[at..at + REPEATED_RUN].fill(true);
        }
    }
    repeated.iter().filter(|again| **again).count() as f32 / words.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_told_from_emphasis() {
        let menu = "for sales press one for service press two for billing press three to hear \
                    these options again press nine to speak to an operator press zero";
        let counted = "one two three four five six seven eight nine ten";
        for (text, expected) in [
            ("", false),
            ("no no no no", false),
            ("no no no no no no no", true),
            ("bye bye bye bye", false),
            (
                "yes please yes please yes please yes please yes please",
                true,
            ),
            ("i see i see i see i see", false),
            (
                "just on a little baffle just on a little baffle just on a little baffle",
                true,
            ),
            ("what can i do what can i do", false),
            (menu, false),
            (counted, false),
        ] {
            let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            assert_eq!(looping(&words), expected, "{text:?}");
        }
    }

    #[test]
    fn a_text_that_says_itself_again_loops() {
        let half = "we can come by on monday to look at your boiler and then we will tell you";
        let words =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        assert!(!looping(&words(half)));
        let thrice = format!("{half} more {half} again {half}");
        assert!(looping(&words(&thrice)));
    }
}
