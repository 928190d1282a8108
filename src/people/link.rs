//! Whose call that was, and about which booking.
//!
//! **The customer** is whoever has the other side's number: the caller's on an inbound call, the called one's
//! on an outbound call. Where a number is ours by the configuration, the other one counts, whatever the
//! provider calls the direction. People who share a number are told apart by the name that was said, then by
//! whose booking fits better; where neither tells, nobody is guessed and the call is left for review.
//!
//! **The booking** is one of his that starts within 24 hours of the call's start, before or after, and is
//! pending, confirmed or in progress. What speaks for it is added up ([`Parts`]) and kept, so that a person can
//! see why. "Exact date" is the day that the call speaks of, and the call's own day where it speaks of none;
//! "same day" is the call's own day in any case: a call that says "tomorrow" means the booking of tomorrow
//! rather than that of today. Both are days of the business's zone. Among equals, the one counts that more of
//! what was said agrees with (times, meals, how many come), then the nearest that is still to come, then the
//! nearest that began already.
//!
//! **Confidence** says how the customer was found, 0 to 100: 95 his number alone, and 99 where he was named as
//! well; 85 one of a family by name, 70 by booking; 15 less where the booking was chosen among equals by its
//! nearness, since then it may be the other one. A person's word is 100.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    Options,
    booking::{Booking, Status},
    customer::Customer,
    phone::Party,
    said::Heard,
};

/// How far from the call a booking may start.
pub const WITHIN: SignedDuration = SignedDuration::from_hours(24);
const CLOSE: SignedDuration = SignedDuration::from_hours(3);
/// What was said of the time agrees up to this.
const SAME_TIME: SignedDuration = SignedDuration::from_mins(15);

const EXACT_DATE: u32 = 10;
const WITHIN_3_H: u32 = 5;
const SAME_DAY: u32 = 3;
const NAMED: u32 = 5;

/// A call as linking sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends<'a> {
    pub from: Option<&'a str>,
    pub to: Option<&'a str>,
    /// The provider's word: `inbound`, `outbound-api`, …
    pub direction: Option<&'a str>,
}

/// What a call is linked to, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub customer: Option<String>,
    pub booking: Option<String>,
    /// Of the booking.
    pub parts: Option<Parts>,
    /// 0 to 100.
    pub confidence: u32,
    /// Why there is no customer.
    pub why: Option<Why>,
}

/// What speaks for a booking.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[schema(as = LinkParts)]
pub struct Parts {
    pub exact_date: u32,
    pub within_3_h: u32,
    pub same_day: u32,
    pub named: u32,
    /// Of times, meals and numbers of guests that were said, how many agree: between equals only.
    pub agreeing: u32,
}

impl Parts {
    #[must_use]
    pub const fn score(self) -> u32 {
        self.exact_date + self.within_3_h + self.same_day + self.named
    }
}

/// Why a call has no customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The number was withheld, or is not known.
    Withheld,
    /// A service, an extension, a SIP address: no number of a person's.
    NoNumber,
    /// Between two numbers of our own.
    Internal,
    /// No customer has this number.
    Unknown,
    /// More than one has it, and nothing tells them apart.
    Ambiguous,
}

impl Why {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Withheld => "withheld",
            Self::NoNumber => "no_number",
            Self::Internal => "internal",
            Self::Unknown => "unknown",
            Self::Ambiguous => "ambiguous",
        }
    }
}

/// The number of the person at the other end, in E.164.
///
/// # Errors
/// Why nobody can be found by it.
pub fn other_side(ends: &Ends<'_>, options: &Options) -> Result<String, Why> {
    let read = |raw: Option<&str>| match raw {
        Some(raw) => Party::read(raw, options.region),
        None => Party::Withheld,
    };
    let (from, to) = (read(ends.from), read(ends.to));
    let is_ours = |party: &Party| party.e164().is_some_and(|number| options.is_own(number));
    let is_outbound = ends
        .direction
        .is_some_and(|word| word.starts_with("outbound"));
    let other = match (is_ours(&from), is_ours(&to)) {
        (true, true) => return Err(Why::Internal),
        (true, false) => to,
        (false, true) => from,
        (false, false) if is_outbound => to,
        (false, false) => from,
    };
    match other {
        Party::Number(number) => Ok(number),
        Party::Withheld => Err(Why::Withheld),
        _ => Err(Why::NoNumber),
    }
}

/// One of those who have the number, with those bookings of theirs that are near: whichever fits.
#[must_use]
pub fn link(
    called: Timestamp,
    heard: &Heard,
    holders: &[Customer],
    bookings: &[Booking],
    zone: &TimeZone,
) -> Link {
    let mut fits: Vec<Fit<'_>> = holders
        .iter()
        .map(|holder| Fit::of(holder, called, heard, bookings, zone))
        .collect();
    let (fit, confidence) = match fits.len() {
        0 => return nobody(Why::Unknown),
        1 => {
            let confidence = if fits[0].named > 0 { 99 } else { 95 };
            (fits.remove(0), confidence)
        }
        _ => {
            let by_name = only_best(&fits, |fit| Some(fit.named).filter(|named| *named > 0));
            let by_booking = || only_best(&fits, |fit| fit.best.map(|best| best.parts));
            match by_name
                .map(|at| (at, 85))
                .or_else(|| by_booking().map(|at| (at, 70)))
            {
                Some((at, confidence)) => (fits.remove(at), confidence),
                None => return nobody(Why::Ambiguous),
            }
        }
    };
    let doubt = if fit.is_by_nearness { 15 } else { 0 };
    Link {
        customer: Some(fit.holder.id.clone()),
        booking: fit.best.map(|best| best.booking.id.clone()),
        parts: fit.best.map(|best| best.parts),
        confidence: confidence - doubt,
        why: None,
    }
}

/// A call that is nobody's.
#[must_use]
pub fn nobody(why: Why) -> Link {
    Link {
        why: Some(why),
        ..Link::default()
    }
}

/// A customer, and the best of his bookings.
struct Fit<'a> {
    holder: &'a Customer,
    named: usize,
    best: Option<Candidate<'a>>,
    /// Another one had as much for it.
    is_by_nearness: bool,
}

#[derive(Clone, Copy)]
struct Candidate<'a> {
    booking: &'a Booking,
    parts: Parts,
    away: SignedDuration,
}

impl<'a> Fit<'a> {
    fn of(
        holder: &'a Customer,
        called: Timestamp,
        heard: &Heard,
        bookings: &'a [Booking],
        zone: &TimeZone,
    ) -> Self {
        let named = heard.named(&holder.details.name);
        let own = bookings
            .iter()
            .filter(|booking| booking.customer_id == holder.id);
        let mut candidates: Vec<Candidate<'a>> = own
            .filter_map(|booking| candidate(booking, called, heard, named > 0, zone))
            .collect();
        // The strongest first; among equals those to come, the nearest first.
        candidates.sort_by_key(|one| {
            let rank = (one.parts.score(), one.parts.agreeing);
            (
                std::cmp::Reverse(rank),
                one.away.is_negative(),
                one.away.abs(),
            )
        });
        let rank = |at: usize| {
            candidates
                .get(at)
                .map(|one| (one.parts.score(), one.parts.agreeing))
        };
        Self {
            holder,
            named,
            best: candidates.first().copied(),
            is_by_nearness: rank(1).is_some() && rank(0) == rank(1),
        }
    }
}

/// `None` where the booking is not near, or is over or cancelled.
fn candidate<'a>(
    booking: &'a Booking,
    called: Timestamp,
    heard: &Heard,
    is_named: bool,
    zone: &TimeZone,
) -> Option<Candidate<'a>> {
    let details = &booking.details;
    let is_open = matches!(
        details.status,
        Status::Pending | Status::Confirmed | Status::InProgress
    );
    let away = away(booking, called, zone);
    if !is_open || away.abs() > WITHIN {
        return None;
    }
    let at = details.starts.at.to_zoned(zone.clone()).datetime();
    let today = called.to_zoned(zone.clone()).date();
    let is_meant = match heard.days.as_slice() {
        [] => at.date() == today,
        days => days.contains(&at.date()),
    };
    let has_time = details.starts.has_time;
    let same_time = |said: &jiff::civil::Time| at.time().duration_since(*said).abs() <= SAME_TIME;
    let agreeing = [
        has_time && heard.times.iter().any(same_time),
        has_time && heard.meals.iter().any(|meal| meal.fits(at.time())),
        details
            .guests
            .is_some_and(|guests| heard.guests.contains(&guests)),
    ];
    let points = |is_so: bool, points: u32| if is_so { points } else { 0 };
    let parts = Parts {
        exact_date: points(is_meant, EXACT_DATE),
        within_3_h: points(has_time && away.abs() <= CLOSE, WITHIN_3_H),
        same_day: points(at.date() == today, SAME_DAY),
        named: points(is_named, NAMED),
        agreeing: agreeing.into_iter().map(u32::from).sum(),
    };
    Some(Candidate {
        booking,
        parts,
        away,
    })
}

/// From the call to the booking's start; of one without a time, to the nearest moment of its day.
fn away(booking: &Booking, called: Timestamp, zone: &TimeZone) -> SignedDuration {
    let starts = booking.details.starts;
    let to_start = starts.at.duration_since(called);
    if starts.has_time || to_start.is_positive() {
        return to_start;
    }
    let day = starts.at.to_zoned(zone.clone());
    let end = day.tomorrow().map_or(starts.at, |next| next.timestamp());
    end.duration_since(called).min(SignedDuration::ZERO)
}

/// Where one has more than every other.
fn only_best<'a, T: Ord>(fits: &[Fit<'a>], of: impl Fn(&Fit<'a>) -> Option<T>) -> Option<usize> {
    let best = fits.iter().filter_map(&of).max()?;
    let mut with_it = (0..fits.len()).filter(|at| of(&fits[*at]).as_ref() == Some(&best));
    let first = with_it.next();
    first.filter(|_| with_it.next().is_none())
}

#[cfg(test)]
mod tests;
