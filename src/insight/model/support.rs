//! What of a model's answer is believed: what the transcript bears out.
//!
//! | field | believed where | else |
//! |---|---|---|
//! | service | it is of the list; surest where it was also named | dropped; unnamed: half as sure |
//! | city | it is of the list and was said, misheard or not | dropped |
//! | customer name, preferred time | every word of it was said | dropped |
//! | summary | most of its words were said, and every figure | the one made on the box |
//! | sentiment, topics, intent, action items | they are opinions, of a set form | |
//! | confidence | it can lower ours, and raise it where the names were found on the box too | |
//!
//! Sentences that speak to a machine bear out nothing.

use super::{
    super::{
        Insight, Insights, Meaning, Named, Path, Said, Summary, editex,
        lists::List,
        said::is_hebrew,
        weigh,
        words::{Word, Words},
    },
    Reply,
    answer::Told,
};

/// The surest that a model alone can make us.
const BY_MODEL: f32 = 0.85;
/// Where the caller never named it.
const UNNAMED: f32 = 0.5;
/// Where the box found another one.
const DISPUTED: f32 = 0.6;
/// Of what the box found and the model does not name, what remains.
const UNSEEN: f32 = 0.6;
/// The share of a summary's words that must have been said; a language bends its words.
const SAID: f32 = 0.6;

/// A value, and how sure it is.
type Claim = Option<(String, f32)>;

/// What both paths make together.
pub(in crate::insight) fn believed(
    insight: &Insight,
    said: &Said,
    on_box: &Meaning,
    reply: Reply,
) -> Meaning {
    let Reply {
        answer,
        mut made_by,
    } = reply;
    let words = Words::of(said);
    let notes = &mut made_by.notes;
    // Its figure is for both together.
    let sure = match (&answer.service, &answer.city) {
        (Some(_), Some(_)) => answer.confidence.sqrt(),
        _ => answer.confidence,
    };
    let service = service(&insight.services, &words, answer.service, sure, notes);
    let city = city(&insight.cities, &words, answer.city, sure, notes);
    let mut in_words = |key: &str, value: Option<String>| {
        value.filter(|value| {
            let is_said = all_said(&words, value);
            if !is_said {
                notes.push(format!("{key}: dropped, not said"));
            }
            is_said
        })
    };
    let customer_name = in_words("customer_name", answer.customer_name);
    let preferred_time = in_words("preferred_time", answer.preferred_time);
    let summary = summary(&words, answer.summary, on_box, notes);
    let sure = match (&service, &city) {
        (None, None) => None,
        (one, other) => {
            let sure = |claim: &Claim| claim.as_ref().map_or(1.0, |(_, sure)| *sure);
            Some(weigh::per_mille(sure(one) * sure(other)))
        }
    };
    Meaning {
        language: said.language(),
        service: service.map(|(name, _)| name),
        city: city.map(|(name, _)| name),
        confidence: sure,
        summary,
        insights: Insights {
            customer_name,
            preferred_time,
            sentiment: answer.sentiment,
            topics: answer.topics,
            intent: answer.intent,
            action_items: answer.action_items,
        },
        path: Path::Model,
        made_by,
    }
}

fn service(
    list: &List,
    words: &Words,
    claimed: Option<String>,
    sure: f32,
    notes: &mut Vec<String>,
) -> Claim {
    if list.is_empty() {
        let claimed = claimed?;
        if share_said(words, &claimed) >= SAID {
            return Some((claimed, sure.min(BY_MODEL)));
        }
        notes.push("service: not named in the call".into());
        return Some((claimed, sure.min(UNNAMED)));
    }
    let known = claimed.and_then(|claimed| {
        let known = list.canonical(&claimed).map(ToOwned::to_owned);
        if known.is_none() {
            notes.push("service: dropped, not of the list".into());
        }
        known
    });
    match (known, weigh::weigh(list, words)) {
        (Some(known), Some(found)) if known == found.name => {
            Some((known, agreed(found.confidence, sure)))
        }
        (Some(known), _) if is_mentioned(list, words, &known) => {
            notes.push("service: another one was named as well".into());
            Some((known, sure.min(DISPUTED)))
        }
        (Some(known), _) => {
            notes.push("service: not named in the call".into());
            Some((known, sure.min(UNNAMED)))
        }
        (None, found) => found.map(|found| (found.name, found.confidence * UNSEEN)),
    }
}

fn city(
    list: &List,
    words: &Words,
    claimed: Option<String>,
    sure: f32,
    notes: &mut Vec<String>,
) -> Claim {
    if list.is_empty() {
        let claimed = claimed?;
        let named = Named {
            name: claimed.clone(),
            synonyms: vec![],
        };
        let alone = List::of_names("cities", &[named]).ok()?;
        if let Some(found) = weigh::weigh(&alone, words) {
            return Some((claimed, sure.min(BY_MODEL).min(found.confidence)));
        }
        notes.push("city: dropped, not said".into());
        return None;
    }
    let known = claimed.and_then(|claimed| {
        let known = list.canonical(&claimed).map(ToOwned::to_owned);
        let known = known.filter(|known| is_mentioned(list, words, known));
        if known.is_none() {
            notes.push("city: dropped, not said or not of the list".into());
        }
        known
    });
    match (known, weigh::weigh(list, words)) {
        (Some(known), Some(found)) if known == found.name => {
            Some((known, agreed(found.confidence, sure)))
        }
        (Some(known), _) => {
            notes.push("city: another one was named as well".into());
            Some((known, sure.min(DISPUTED)))
        }
        (None, found) => found.map(|found| (found.name, found.confidence * UNSEEN)),
    }
}

/// Two witnesses who agree are surer than one, and a model that doubts takes some of it away.
fn agreed(found: f32, model: f32) -> f32 {
    if model < found {
        return (found * 2.0 + model) / 3.0;
    }
    (1.0 - (1.0 - found) * (1.0 - model * 0.5)).min(0.98)
}

fn is_mentioned(list: &List, words: &Words, name: &str) -> bool {
    let mentions = list.mentions(words);
    mentions
        .iter()
        .any(|mention| list.names[mention.name] == name)
}

fn summary(words: &Words, told: Told, on_box: &Meaning, notes: &mut Vec<String>) -> Summary {
    let text = format!("{} {}", told.title, told.points.join(" "));
    let is_figure = |word: &&Word| word.letters.iter().any(char::is_ascii_digit);
    let figures = Words::of_one(&text).all;
    let invented = figures
        .iter()
        .filter(is_figure)
        .any(|word| !is_said(words, word));
    if invented || share_said(words, &text) < SAID {
        notes.push("summary: not borne out by the call; the one made on the box stands".into());
        return on_box.summary.clone();
    }
    Summary {
        title: told.title,
        points: told.points,
    }
}

pub(super) fn all_said(words: &Words, text: &str) -> bool {
    let text = Words::of_one(text);
    !text.all.is_empty() && text.all.iter().all(|word| is_said(words, word))
}

/// Of a text's words of four letters and more.
fn share_said(words: &Words, text: &str) -> f32 {
    let text = Words::of_one(text);
    let long = text.all.iter().filter(|word| word.letters.len() >= 4);
    let (mut said, mut all) = (0.0, 0.0);
    for word in long {
        all += 1.0;
        if is_said(words, word) {
            said += 1.0;
        }
    }
    if all > 0.0 { said / all } else { 1.0 }
}

/// The word, one that sounds like it, or one that begins or ends like it: languages bend their words.
fn is_said(words: &Words, word: &Word) -> bool {
    let letters = &word.letters[..];
    let leave = match letters.len() {
        0..=3 => 0,
        more => u32::try_from(more / 3).unwrap_or(0),
    };
    let has_figure = letters.iter().any(char::is_ascii_digit);
    words
        .all
        .iter()
        .filter(|heard| !heard.is_addressed)
        .any(|heard| {
            let other = &heard.letters[..];
            if has_figure || other.iter().any(char::is_ascii_digit) {
                return other == letters;
            }
            let (short, long) = if other.len() < letters.len() {
                (other, letters)
            } else {
                (letters, other)
            };
            let is_bent = short.len() >= 4 && (long.starts_with(short) || long.ends_with(short));
            let has_prefix =
                is_hebrew(other[0]) && other.ends_with(letters) && other.len() - letters.len() <= 2;
            is_bent || has_prefix || editex::distance(letters, other, leave).is_some()
        })
}
