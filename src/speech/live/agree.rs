//! LocalAgreement-2 (arXiv 2307.14743): a word is committed once two hypotheses of a growing window
//! agree on it and on all before it, compared without case and punctuation. The newest word is held
//! back: its end may not have been spoken yet. Committed words stay as they are for ever.

use std::ops::RangeInclusive;

use crate::{speech::Word, time::MediaTime};

/// What is known of one utterance's words.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    committed: Vec<Word>,
    /// The newest hypothesis after the committed words.
    tail: Vec<Word>,
}

impl Agreement {
    pub(super) fn committed(&self) -> &[Word] {
        &self.committed
    }

    pub(super) fn tail(&self) -> &[Word] {
        &self.tail
    }

    /// Takes a hypothesis of the whole utterance so far, none of it before `reached`; returns how many
    /// words it commits, the last ones of [`Self::committed`].
    pub(super) fn hear(&mut self, hypothesis: Vec<Word>, reached: MediaTime) -> usize {
        let after = split(&self.committed, &hypothesis, 0..=hypothesis.len());
        let mut tail: Vec<Word> = hypothesis.into_iter().skip(after).collect();
        let mut reached = self.committed.last().map_or(reached, |word| word.end);
        for word in &mut tail {
            word.start = word.start.max(reached);
            word.end = word.end.max(word.start);
            reached = word.end;
        }
        let agreed = self
            .tail
            .iter()
            .zip(&tail)
            .take_while(|(old, new)| same(old, new))
            .count()
            .min(tail.len().saturating_sub(1));
        self.tail = tail.split_off(agreed);
        self.committed.append(&mut tail);
        agreed
    }

    /// Commits the rest of the newest hypothesis; returns how many words.
    pub(super) fn settle(&mut self) -> usize {
        let count = self.tail.len();
        self.committed.append(&mut self.tail);
        count
    }

    /// Forgets the words of the newest hypothesis that begin at `end` or later: they belong to another
    /// utterance.
    pub(super) fn end_at(&mut self, end: MediaTime) {
        self.tail.retain(|word| word.start < end);
    }

    pub(super) fn into_committed(self) -> Vec<Word> {
        self.committed
    }
}

/// How many words of `hypothesis`, `among` so many, say what `committed` said: the prefix nearest to it
/// by edit distance of letters, of equals the one nearest in length. As the window grows the engine may
/// spell, split or drop an early word otherwise; what follows must neither repeat nor skip.
pub(super) fn split(
    committed: &[Word],
    hypothesis: &[Word],
    among: RangeInclusive<usize>,
) -> usize {
    let said: Vec<char> = committed.iter().flat_map(|w| folded(&w.text)).collect();
    // costs[n]: from the hypothesis read so far to the first n letters of what was committed.
    let mut costs: Vec<usize> = (0..=said.len()).collect();
    let mut best = among
        .contains(&0)
        .then_some((said.len(), committed.len(), 0));
    for (words, word) in (1..).zip(hypothesis) {
        for letter in folded(&word.text) {
            let mut diagonal = costs[0];
            costs[0] += 1;
            for (n, said) in said.iter().enumerate() {
                let substituted = diagonal + usize::from(*said != letter);
                diagonal = costs[n + 1];
                costs[n + 1] = substituted.min(costs[n] + 1).min(costs[n + 1] + 1);
            }
        }
        if among.contains(&words) {
            let this = (costs[said.len()], committed.len().abs_diff(words), words);
            best = Some(best.map_or(this, |best| best.min(this)));
        }
    }
    best.map_or(0, |best| best.2)
}

fn same(a: &Word, b: &Word) -> bool {
    folded(&a.text).eq(folded(&b.text))
}

/// Letters and digits alone, in lower case.
fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<Word> {
        text.split_whitespace()
            .map(|text| Word {
                text: text.into(),
                start: MediaTime::ZERO,
                end: MediaTime::ZERO,
                confidence: 1.0,
            })
            .collect()
    }

    fn text(words: &[Word]) -> String {
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        texts.join(" ")
    }

    #[test]
    fn two_that_agree_commit_all_but_the_newest() {
        for (hypotheses, committed, tail) in [
            (vec!["the cat"], "", "the cat"),
            (vec!["the cat", "the cat"], "the", "cat"),
            (vec!["the cat", "the cat sat"], "the cat", "sat"),
            (vec!["The, cat", "the cat. sat on"], "the cat.", "sat on"),
            (vec!["the hat", "the cat sat"], "the", "cat sat"),
            (vec!["a cat", "the cat sat"], "", "the cat sat"),
            (
                vec!["the cat", "the cat sat", "the cat sat down now"],
                "the cat sat",
                "down now",
            ),
            // An early word changes after it was committed: it stays, and nothing is doubled or lost.
            (
                vec!["the cat sat", "the cat sat on", "a cat sat on it"],
                "the cat sat on",
                "it",
            ),
            (
                vec!["I can not", "I can not go", "I cannot go out"],
                "I can not go",
                "out",
            ),
            // A window heard short takes nothing back.
            (
                vec!["one two three", "one two three four", "one"],
                "one two three",
                "",
            ),
            (vec!["one two", "", "one two"], "", "one two"),
            (vec!["אני רוצה", "אני רוצה, לקבוע"], "אני רוצה,", "לקבוע"),
        ] {
            let mut agreement = Agreement::default();
            for hypothesis in &hypotheses {
                agreement.hear(words(hypothesis), MediaTime::ZERO);
            }
            let shown = (text(agreement.committed()), text(agreement.tail()));
            assert_eq!(shown, (committed.into(), tail.into()), "{hypotheses:?}");
        }
    }

    #[test]
    fn the_end_commits_the_rest() {
        let mut agreement = Agreement::default();
        agreement.hear(words("call me"), MediaTime::ZERO);
        agreement.hear(words("call me at noon"), MediaTime::ZERO);
        assert_eq!(agreement.settle(), 2);
        assert_eq!(text(&agreement.into_committed()), "call me at noon");
    }

    proptest! {
        /// Engines that disagree with themselves at random never make it take a word back.
        #[test]
        fn committed_words_are_append_only(hypotheses in prop::collection::vec("([abc] ){0,9}", 1..20)) {
            let mut agreement = Agreement::default();
            let mut before: Vec<Word> = Vec::new();
            for hypothesis in hypotheses {
                let added = agreement.hear(words(&hypothesis), MediaTime::ZERO);
                prop_assert_eq!(agreement.committed().len(), before.len() + added);
                prop_assert!(agreement.committed().starts_with(&before));
                before = agreement.committed().to_vec();
            }
        }

        /// Hypotheses that only grow lose and double nothing.
        #[test]
        fn growing_hypotheses_end_as_the_last(text in "([abc] ){1,20}", steps in prop::collection::vec(1_usize..4, 1..12)) {
            let all = words(&text);
            let mut agreement = Agreement::default();
            let mut heard = 0;
            for step in steps {
                heard = (heard + step).min(all.len());
                agreement.hear(all[..heard].to_vec(), MediaTime::ZERO);
            }
            agreement.settle();
            prop_assert_eq!(agreement.into_committed(), all[..heard].to_vec());
        }
    }
}
