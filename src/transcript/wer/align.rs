//! Which word became which: an edit distance with its path.

/// One step along both texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Same,
    Substitute,
    /// Said and not understood.
    Delete,
    /// Understood and not said.
    Insert,
}

/// An error. Substitutions weigh a trifle more: of the paths with the fewest errors the one with the most
/// words right is taken, which is the same whichever text comes first.
const ERROR: u64 = 1 << 32;

/// The steps from what was said to what was understood. Takes a byte for each pair of words: 20 MB for
/// two texts of half an hour's talk.
#[must_use]
pub fn align<T: PartialEq>(said: &[T], understood: &[T]) -> Vec<Step> {
    let width = understood.len() + 1;
    let mut steps = vec![Step::Insert; (said.len() + 1) * width];
    let mut row: Vec<u64> = (0..).map(|n| n * ERROR).take(width).collect();
    for (i, word) in said.iter().enumerate() {
        let line = &mut steps[(i + 1) * width..][..width];
        let mut diagonal = row[0];
        row[0] += ERROR;
        line[0] = Step::Delete;
        for (j, other) in understood.iter().enumerate() {
            let (before, same) = (row[j], word == other);
            let through = diagonal + if same { 0 } else { ERROR + 1 };
            diagonal = row[j + 1];
            let (delete, insert) = (diagonal + ERROR, before + ERROR);
            (row[j + 1], line[j + 1]) = if through <= delete.min(insert) {
                (through, if same { Step::Same } else { Step::Substitute })
            } else if delete <= insert {
                (delete, Step::Delete)
            } else {
                (insert, Step::Insert)
            };
        }
    }
    back(&steps, said.len(), understood.len())
}

fn back(steps: &[Step], mut i: usize, mut j: usize) -> Vec<Step> {
    let width = j + 1;
    let mut path = Vec::new();
    while i > 0 || j > 0 {
        let step = steps[i * width + j];
        path.push(step);
        i -= usize::from(step != Step::Insert);
        j -= usize::from(step != Step::Delete);
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn letters(said: &str, understood: &str) -> String {
        let split = |text: &str| text.chars().collect::<Vec<_>>();
        align(&split(said), &split(understood))
            .iter()
            .map(|step| match step {
                Step::Same => '=',
                Step::Substitute => 's',
                Step::Delete => 'd',
                Step::Insert => 'i',
            })
            .collect()
    }

    #[test]
    fn the_path_has_the_fewest_errors_and_then_the_most_words_right() {
        for (said, understood, path) in [
            ("", "", ""),
            ("abc", "abc", "==="),
            ("abc", "", "ddd"),
            ("", "ab", "ii"),
            ("abc", "abxc", "==i="),
            ("abc", "ac", "=d="),
            ("abc", "axc", "=s="),
            ("kitten", "sitting", "s===s=i"),
            ("ab", "ba", "d=i"),
        ] {
            let found = letters(said, understood);
            let sorted = |path: &str| {
                let mut steps: Vec<char> = path.chars().collect();
                steps.sort_unstable();
                steps
            };
            assert_eq!(sorted(&found), sorted(path), "{said} {understood}: {found}");
        }
    }

    fn counted(a: &[u8], b: &[u8]) -> [usize; 3] {
        let path = align(a, b);
        [Step::Substitute, Step::Delete, Step::Insert]
            .map(|kind| path.iter().filter(|step| **step == kind).count())
    }

    proptest! {
        #[test]
        fn swapping_the_texts_swaps_deletions_and_insertions(
            a in proptest::collection::vec(0_u8..4, 0..12),
            b in proptest::collection::vec(0_u8..4, 0..12),
        ) {
            let [substituted, deleted, inserted] = counted(&a, &b);
            prop_assert_eq!(counted(&b, &a), [substituted, inserted, deleted]);
            prop_assert_eq!(substituted + deleted + inserted == 0, a == b);
            prop_assert_eq!(a.len() + inserted, b.len() + deleted);
        }
    }
}
