/// The sequence numbers of the last 128 messages, for telling a repeat from a late frame.
#[derive(Debug, Default)]
pub(super) struct Seen {
    highest: u64,
    /// Bit `n` stands for `highest - n`.
    recent: u128,
}

impl Seen {
    /// Notes the number; true when it was noted before.
    pub(super) fn note(&mut self, number: u64) -> bool {
        if self.recent == 0 {
            (self.highest, self.recent) = (number, 1);
            return false;
        }
        if number > self.highest {
            let by = u32::try_from(number - self.highest).unwrap_or(u32::MAX);
            self.recent = self.recent.checked_shl(by).unwrap_or(0) | 1;
            self.highest = number;
            return false;
        }
        let back = self.highest - number;
        let bit = u32::try_from(back)
            .ok()
            .and_then(|by| 1_u128.checked_shl(by))
            .unwrap_or(0);
        let before = self.recent & bit != 0;
        self.recent |= bit;
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_known_within_128_numbers() {
        let mut seen = Seen::default();
        for (number, repeat) in [
            (0, false),
            (0, true),
            (2, false),
            (1, false),
            (1, true),
            (2, true),
            (129, false),
            (2, true),
            (130, false),
            (2, false), // too long ago to know
            (u64::MAX, false),
            (u64::MAX, true),
            (130, false),
            (0, false),
        ] {
            assert_eq!(seen.note(number), repeat, "{number}");
        }
    }
}
