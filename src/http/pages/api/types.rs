//! The API's types on its page: what fields they have, or which values there are.

use maud::{Markup, html};
use serde_json::Value;

use super::{fields, inline, list, prose, text};
use crate::http::openapi::kind;

const SCHEMAS: &str = "#/components/schemas/";

pub(super) fn of(name: &str, schema: &Value) -> Markup {
    html! {
        details.type {
            summary { code { (name) } }
            // Within, so that a link to it opens it.
            div id={ "type-" (name) } {
                (prose(text(schema, "description")))
                (body(schema))
            }
        }
    }
}

fn body(schema: &Value) -> Markup {
    let parts = list(&schema["allOf"]);
    let choices = choices(schema);
    html! {
        @if !parts.is_empty() {
            @for part in parts {
                @if part.get("$ref").is_some() { p { "All of " (named(part)) ", and:" } } @else { (body(part)) }
            }
        } @else if !choices.is_empty() {
            ul.choices { @for choice in choices { li { (prose(text(choice, "description"))) (one_choice(choice)) } } }
        } @else if schema["properties"].is_object() {
            dl.fields { @for (name, field) in fields(&schema["properties"]) { (self::field(name, field)) } }
        } @else {
            p { (named(schema)) (limits(schema)) }
        }
    }
}

fn one_choice(choice: &Value) -> Markup {
    if choice["properties"].is_object() || choice["allOf"].is_array() {
        return body(choice);
    }
    named(choice)
}

fn field(name: &str, schema: &Value) -> Markup {
    html! {
        dt { code { (name) } " " span.quiet { (named(schema)) (limits(schema)) } }
        dd { (inline(text(schema, "description"))) }
    }
}

/// A type in a few words, with a link where it has a name.
pub(super) fn named(schema: &Value) -> Markup {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.trim_start_matches(SCHEMAS);
        return html! { a href={ "#type-" (name) } { (name) } };
    }
    let or_null = is_nullable(schema).then_some(" or null");
    let choices = choices(schema);
    let choices: Vec<_> = choices
        .iter()
        .filter(|each| each["type"] != "null")
        .collect();
    let values = list(&schema["enum"]);
    html! {
        @if !choices.is_empty() {
            @for (index, choice) in choices.iter().enumerate() { @if index > 0 { " or " } (named(choice)) }
        } @else if !values.is_empty() {
            @for (index, value) in values.iter().enumerate() { @if index > 0 { ", " } code { (value.as_str().unwrap_or_default()) } }
        } @else {
            @match kind(schema) {
                "array" => (array(schema)),
                "object" if schema["additionalProperties"].is_object() => {
                    "object of " (named(&schema["additionalProperties"])) " by name"
                },
                "object" if schema["properties"].is_object() => {
                    "object of "
                    @for (index, (name, field)) in fields(&schema["properties"]).enumerate() {
                        @if index > 0 { ", " } code { (name) } " (" (named(field)) ")"
                    }
                },
                "" => "any JSON",
                kind => (kind),
            }
            @if let Some(format) = schema["format"].as_str().filter(|format| *format == "date-time") { ", " (format) }
        }
        (or_null.unwrap_or_default())
    }
}

fn array(schema: &Value) -> Markup {
    let items = list(&schema["prefixItems"]);
    html! {
        @if items.is_empty() { "list of " (named(&schema["items"])) }
        @else { "[" @for (index, item) in items.iter().enumerate() { @if index > 0 { ", " } (named(item)) } "]" }
    }
}

pub(super) fn limits(schema: &Value) -> Markup {
    let limit = |name: &str| {
        schema
            .get(name)
            .filter(|value| value.is_number() && **value != 0)
    };
    html! {
        @if let Some(least) = limit("minimum") { ", at least " (least) }
        @if let Some(most) = limit("maximum") { ", at most " (most) }
        @if let Some(value) = schema.get("default") { ", by default " code { (value.to_string().trim_matches('"')) } }
    }
}

fn choices(schema: &Value) -> &[Value] {
    match list(&schema["oneOf"]) {
        [] => list(&schema["anyOf"]),
        choices => choices,
    }
}

fn is_nullable(schema: &Value) -> bool {
    list(&schema["type"]).iter().any(|each| each == "null")
        || choices(schema).iter().any(|each| each["type"] == "null")
}
