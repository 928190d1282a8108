//! What was said on a call that tells one booking from another: days, times of day, meals, how many come, and
//! names. English and Hebrew.
//!
//! Everything is evidence and nothing is an answer: where words can be meant in two ways ("at seven", "11/5",
//! "next Friday"), both are kept, because a booking agrees with what was said if it agrees with one of them.

use jiff::{ToSpan, Zoned, civil::Date, civil::Time};

mod days;
mod names;
mod numbers;
mod times;
mod tokens;

use tokens::Token;

/// What was said, as far as bookings and customers are concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Days that were spoken of.
    pub days: Vec<Date>,
    pub times: Vec<Time>,
    pub meals: Vec<Meal>,
    /// How many people were spoken of.
    pub guests: Vec<u32>,
    tokens: Vec<Token>,
}

/// A meal, and with it a part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meal {
    Breakfast,
    Brunch,
    Lunch,
    Dinner,
}

impl Meal {
    /// Whether it may be had at that time.
    #[must_use]
    pub fn fits(self, at: Time) -> bool {
        let hours = match self {
            Self::Breakfast => 6..11,
            Self::Brunch => 10..15,
            Self::Lunch => 11..16,
            Self::Dinner => 17..24,
        };
        hours.contains(&at.hour())
    }
}

impl Heard {
    /// `called`: when, in the business's zone. Days are meant from then on.
    #[must_use]
    pub fn of(text: &str, called: &Zoned) -> Self {
        let tokens = tokens::of(text);
        let mut heard = Self::default();
        let (mut at, mut taken) = (0, 0);
        while at < tokens.len() {
            let rest = &tokens[at..];
            // A date's number is not an hour as well, nor a number of guests.
            let used = days::at(&tokens, at, called.date(), &mut heard.days);
            let used = used.max(numbers::guests(&tokens, at, &mut heard.guests));
            if used == 0 && at >= taken {
                taken = at + times::at(&tokens, at, &mut heard.times);
            }
            heard.meals.extend(times::meal(rest));
            at += used.max(1);
        }
        let part = times::part_of_day(&tokens);
        heard
            .times
            .retain(|time| part.is_none_or(|part| part(*time)));
        heard.tokens = tokens;
        heard
    }

    /// How many of a name's parts were said: none is nobody.
    #[must_use]
    pub fn named(&self, name: &str) -> usize {
        names::parts_said(&self.tokens, name)
    }
}

/// The day of the month that is nearest to the call's, looking forward rather than back.
fn near(called: Date, fits: impl Fn(Date) -> bool) -> Option<Date> {
    let first = called.checked_sub(7.days()).ok()?;
    let days = (0..366_i64).filter_map(|n| first.checked_add(n.days()).ok());
    let ahead = days.clone().skip(7).find(|day| fits(*day));
    let behind = days.take(7).filter(|day| fits(*day)).last();
    behind.or(ahead)
}

#[cfg(test)]
mod tests;
