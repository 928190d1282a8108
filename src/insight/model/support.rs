//! What of a model's answer is believed: what the transcript bears out.
//!
//! | field | believed where | else |
//! |---|---|---|
//! | service | it is of the list; surest where it was also named | dropped; unnamed: half as sure, half of that again for each fact beside it that was invented, and then another one that was named goes before it |
//! | city | it is of the list and was said, misheard or not | dropped |
//! | customer name, preferred time | it was said, its words together and in this order | dropped |
//! | summary | most of its words were said, some of each part, and every figure | the one made on the box |
//! | topics, action items | they are opinions, in words of the model's own; but a figure, a name, or what the lists call a service or a city, must have been said | dropped |
//! | sentiment, intent | they are opinions, of a set form | |
//! | confidence | it can lower ours, and raise it where the names were found on the box too | |
//!
//! Sentences that speak to a machine bear out nothing. A small model repeats the lists that it was shown, puts two
//! names together and finds a time for whatever was said: each row has seen it.

use super::{
    super::{
        Insight, Insights, Meaning, Named, Path, Said, Summary, lists::List, weigh, words::Words,
    },
    Reply,
    answer::Told,
    spoken::{figures_said, names_said, said_as_name, said_together, share_said},
};

/// The surest that a model alone can make us.
const BY_MODEL: f32 = 0.85;
/// Where the caller never named it.
const UNNAMED: f32 = 0.5;
/// Where the box found another one.
const DISPUTED: f32 = 0.6;
/// Of what the box found and the model does not name, what remains.
const UNSEEN: f32 = 0.6;
/// What an unnamed service keeps of its confidence for each fact beside it that was invented.
const INVENTED: f32 = 0.5;
/// The share of a summary's words that must have been said; a language bends its words.
const SAID: f32 = 0.6;
/// And of each part of it.
const PART_SAID: f32 = 0.3;
/// Words that may stand between those of a time, which may be asked and answered.
const IN_TIME: usize = 4;

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
    let city = city(&insight.cities, &words, answer.city, sure, notes);
    let lists = [&insight.services, &insight.cities];
    let mut in_words = |key: &str, value: Option<String>, is: &dyn Fn(&str) -> bool| {
        value.filter(|value| {
            let is_said = is(value) && !is_listed(lists, value);
            if !is_said {
                notes.push(format!("{key}: dropped, not said"));
            }
            is_said
        })
    };
    let customer_name = in_words("customer_name", answer.customer_name, &|name| {
        said_as_name(&words, name)
    });
    let preferred_time = in_words("preferred_time", answer.preferred_time, &|time| {
        said_together(&words, time, IN_TIME)
    });
    let invented = notes.iter().filter(|note| note.contains("dropped")).count();
    let unnamed = UNNAMED * INVENTED.powi(i32::try_from(invented).unwrap_or(i32::MAX));
    let service = service(
        &insight.services,
        &words,
        answer.service,
        [sure, unnamed],
        notes,
    );
    let mut opinions = |key, texts| opinions(lists, &words, key, texts, notes);
    let topics = opinions("topics", answer.topics);
    let action_items = opinions("action_items", answer.action_items);
    let summary = summary(lists, &words, answer.summary, on_box, notes);
    Meaning {
        language: said.language(),
        confidence: both(&service, &city),
        service: service.map(|(name, _)| name),
        city: city.map(|(name, _)| name),
        summary,
        insights: Insights {
            customer_name,
            preferred_time,
            sentiment: answer.sentiment,
            topics,
            intent: answer.intent,
            action_items,
        },
        path: Path::Model,
        made_by,
    }
}

fn both(service: &Claim, city: &Claim) -> Option<u32> {
    let sure = |claim: &Claim| claim.as_ref().map_or(1.0, |(_, sure)| *sure);
    let is_claimed = service.is_some() || city.is_some();
    is_claimed.then(|| weigh::per_mille(sure(service) * sure(city)))
}

fn opinions(
    lists: [&List; 2],
    words: &Words,
    key: &str,
    texts: Vec<String>,
    notes: &mut Vec<String>,
) -> Vec<String> {
    let all = texts.len();
    let is_held = |text: &String| {
        figures_said(words, text) && names_said(words, text) && !is_parroted(lists, words, text)
    };
    let texts: Vec<String> = texts.into_iter().filter(is_held).collect();
    if texts.len() < all {
        notes.push(format!("{key}: {} dropped, not said", all - texts.len()));
    }
    texts
}

fn service(
    list: &List,
    words: &Words,
    claimed: Option<String>,
    [sure, unnamed]: [f32; 2],
    notes: &mut Vec<String>,
) -> Claim {
    if list.is_empty() {
        let claimed = claimed?;
        if share_said(words, &claimed) >= SAID {
            return Some((claimed, sure.min(BY_MODEL)));
        }
        notes.push("service: not named in the call".into());
        return Some((claimed, sure.min(unnamed)));
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
        (Some(_), Some(found)) if unnamed < UNNAMED => {
            notes.push("service: not named in the call; another one was".into());
            Some((found.name, found.confidence * UNSEEN))
        }
        (Some(known), _) => {
            notes.push("service: not named in the call".into());
            Some((known, sure.min(unnamed)))
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

/// Nothing but the name of a service or a city.
fn is_listed(lists: [&List; 2], text: &str) -> bool {
    lists.iter().any(|list| list.whole(text).is_some())
}

/// Something that the lists know, and nobody named on this call.
fn is_parroted(lists: [&List; 2], words: &Words, text: &str) -> bool {
    let text = Words::of_one(text);
    lists.iter().any(|list| {
        let mut mentions = list.mentions(&text).into_iter();
        mentions.any(|mention| !is_mentioned(list, words, &list.names[mention.name]))
    })
}

fn summary(
    lists: [&List; 2],
    words: &Words,
    told: Told,
    on_box: &Meaning,
    notes: &mut Vec<String>,
) -> Summary {
    let mut parts = std::iter::once(&told.title).chain(&told.points);
    let text = format!("{} {}", told.title, told.points.join(" "));
    let why = if !told.fits() {
        "not a title and two points of a fit length"
    } else if figures_said(words, &text)
        && !is_parroted(lists, words, &text)
        && share_said(words, &text) >= SAID
        && parts.all(|part| share_said(words, part) >= PART_SAID)
    {
        return Summary {
            title: told.title,
            points: told.points,
        };
    } else {
        "not borne out by the call"
    };
    notes.push(format!("summary: {why}; the one made on the box stands"));
    on_box.summary.clone()
}
