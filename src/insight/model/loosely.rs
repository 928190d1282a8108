//! Values in a form that was not asked for, where what is meant is plain. Errors quote nothing.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

use super::super::Sentiment;

/// A text; a figure for one; the one member of a list.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = match Value::deserialize(from)? {
        Value::Array(mut list) if list.len() <= 1 => list.pop().map_or(Some(None), of),
        value => of(value),
    };
    text.ok_or_else(|| D::Error::custom("a text or null is wanted"))
}

/// A list of texts; one text for a list of one.
pub(super) fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let list = match Value::deserialize(from)? {
        Value::Array(list) => list,
        value => vec![value],
    };
    let texts: Option<Vec<Option<String>>> = list.into_iter().map(of).collect();
    let texts = texts.ok_or_else(|| D::Error::custom("a list of texts is wanted"))?;
    Ok(texts.into_iter().flatten().collect())
}

/// A number, also one in quotes or in per cent.
pub(super) fn share<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    let wrong = || D::Error::custom("a number is wanted");
    match Value::deserialize(from)? {
        Value::String(text) => {
            let text = text.trim();
            match text.strip_suffix('%') {
                Some(text) => text
                    .trim()
                    .parse()
                    .map(|hundredths: f32| hundredths / 100.0),
                None => text.parse(),
            }
            .map_err(|_| wrong())
        }
        value => f32::deserialize(value).map_err(|_| wrong()),
    }
}

/// Whatever is none of the three says nothing.
pub(super) fn sentiment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Sentiment>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => {
            serde_json::from_value(Value::String(text.trim().to_lowercase())).ok()
        }
        _ => None,
    })
}

/// `None` for what is neither text nor nothing.
fn of(value: Value) -> Option<Option<String>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text)),
        Value::Number(number) => Some(Some(number.to_string())),
        _ => None,
    }
}
