//! LocalAgreement-2 (arXiv 2307.14743): a word is committed once two hypotheses of a growing window
//! agree on it and on all before it, compared without case and punctuation. The newest words are held back:
//! their end may not have been spoken yet, or what tells them apart. Committed words stay as they are for
//! ever, and hypotheses go on from them.

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

    /// Takes a hypothesis of all after the committed words, none of it before `reached`; returns how many
    /// words it commits, the last ones of [`Self::committed`] and none of the newest `held`.
    pub(super) fn hear(&mut self, mut tail: Vec<Word>, reached: MediaTime, held: usize) -> usize {
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
            .min(tail.len().saturating_sub(held));
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
    use crate::speech::text;

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

    #[test]
    fn two_that_agree_commit_all_but_the_newest() {
        for (held, hypotheses, committed, tail) in [
            (1, vec!["the cat"], "", "the cat"),
            (1, vec!["the cat", "the cat"], "the", "cat"),
            (1, vec!["the cat", "the cat sat"], "the cat", "sat"),
            (2, vec!["the cat", "the cat sat"], "the", "cat sat"),
            (9, vec!["the cat", "the cat sat"], "", "the cat sat"),
            (0, vec!["the cat", "the cat"], "the cat", ""),
            (1, vec!["The, cat", "the cat. sat on"], "the cat.", "sat on"),
            (1, vec!["the hat", "the cat sat"], "the", "cat sat"),
            (1, vec!["a cat", "the cat sat"], "", "the cat sat"),
            // Hypotheses go on from what was committed before.
            (
                1,
                vec!["the cat", "the cat sat", "sat down now"],
                "the cat sat",
                "down now",
            ),
            (1, vec!["the cat", "the cat sat", "ate"], "the cat", "ate"),
            // A window heard short takes nothing back.
            (1, vec!["one two", "one two three", ""], "one two", ""),
            (1, vec!["one two", "", "one two"], "", "one two"),
            (1, vec!["אני רוצה", "אני רוצה, לקבוע"], "אני רוצה,", "לקבוע"),
        ] {
            let mut agreement = Agreement::default();
            for hypothesis in &hypotheses {
                agreement.hear(words(hypothesis), MediaTime::ZERO, held);
            }
            let shown = (text(agreement.committed()), text(agreement.tail()));
            assert_eq!(shown, (committed.into(), tail.into()), "{hypotheses:?}");
        }
    }

    #[test]
    fn the_end_commits_the_rest() {
        let mut agreement = Agreement::default();
        agreement.hear(words("call me"), MediaTime::ZERO, 1);
        agreement.hear(words("call me at noon"), MediaTime::ZERO, 1);
        assert_eq!(agreement.settle(), 2);
        assert_eq!(text(&agreement.into_committed()), "call me at noon");
    }

    proptest! {
        /// Engines that disagree with themselves at random never make it take a word back.
        #[test]
        fn committed_words_are_append_only(
            hypotheses in prop::collection::vec("([abc] ){0,9}", 1..20),
            held in 0_usize..4,
        ) {
            let mut agreement = Agreement::default();
            let mut before: Vec<Word> = Vec::new();
            for hypothesis in hypotheses {
                let added = agreement.hear(words(&hypothesis), MediaTime::ZERO, held);
                prop_assert_eq!(agreement.committed().len(), before.len() + added);
                prop_assert!(agreement.committed().starts_with(&before));
                before = agreement.committed().to_vec();
            }
        }

        /// Hypotheses that only grow lose and double nothing.
        #[test]
        fn growing_hypotheses_end_as_the_last(
            text in "([abc] ){1,20}",
            steps in prop::collection::vec(1_usize..4, 1..12),
            held in 0_usize..4,
        ) {
            let all = words(&text);
            let mut agreement = Agreement::default();
            let mut heard = 0;
            for step in steps {
                heard = (heard + step).min(all.len());
                let known = agreement.committed().len();
                agreement.hear(all[known..heard].to_vec(), MediaTime::ZERO, held);
            }
            agreement.settle();
            prop_assert_eq!(agreement.into_committed(), all[..heard].to_vec());
        }
    }
}
