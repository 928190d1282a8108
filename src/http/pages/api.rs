//! `/api`: the API's description for people, made of the same one that programs get.

use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::Page;
use crate::http::{AppState, HttpError, openapi::description};

mod curl;
mod types;

use curl::Caller;

/// Method, path and operation.
type Operation<'a> = (&'a str, &'a str, &'a Value);

const NAME: &str = "CALLSCRIBE_TOKEN";

pub(in crate::http) async fn show(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Page, HttpError> {
    let api = description(&state.outside);
    let caller = Caller::of(&state, &headers).await?;
    let is_asked = headers.contains_key(header::COOKIE);
    let content = html! {
        h1 { "API" }
        (prose(text(&api["info"], "description")))
        p { a href="/api/v1/openapi.json" { "openapi.json" } " is this description for programs (OpenAPI 3.1)." }
        @if is_asked {
            p { "The lines below send the access token that the shell knows as " code { (NAME) } "." }
        }
        nav.contents aria-label="Operations" {
            @for tag in list(&api["tags"]) {
                @let name = text(tag, "name");
                div {
                    h2 { a href={ "#" (name) } { (name) } }
                    ul {
                        @for (method, path, operation) in tagged(&api, name) {
                            li { a href={ "#" (text(operation, "operationId")) } { (signature(method, path)) } }
                        }
                    }
                }
            }
        }
        @for tag in list(&api["tags"]) { (group(&api, tag, &caller)) }
        section {
            h2 #types { "Types" }
            @for (name, schema) in fields(&api["components"]["schemas"]) { (types::of(name, schema)) }
        }
    };
    Ok(Page::new("API", "api", content))
}

fn group(api: &Value, tag: &Value, caller: &Caller) -> Markup {
    let name = text(tag, "name");
    html! {
        section {
            h2 id=(name) { (name) }
            (prose(text(tag, "description")))
            @for one in tagged(api, name) { (operation(one, caller)) }
        }
    }
}

fn operation((method, path, operation): Operation<'_>, caller: &Caller) -> Markup {
    let (good, bad): (Vec<_>, Vec<_>) =
        fields(&operation["responses"]).partition(|(status, _)| !status.starts_with(['4', '5']));
    html! {
        article.operation id=(text(operation, "operationId")) {
            h3 { (signature(method, path)) }
            p { strong { (sentences(text(operation, "summary"))) } }
            (prose(text(operation, "description")))
            (access(operation))
            @if !list(&operation["parameters"]).is_empty() {
                h4 { "Parameters" }
                dl.fields { @for parameter in list(&operation["parameters"]) { (self::parameter(parameter)) } }
            }
            @if let Some(body) = operation.get("requestBody") {
                h4 { "Body" }
                (prose(text(body, "description")))
                @for (kind, content) in fields(&body["content"]) { (self::content(kind, content)) }
            }
            h4 { "Answers" }
            @for (status, response) in good {
                p { (badge(status)) " " (inline(text(response, "description"))) }
                (returned_headers(response))
                @for (kind, content) in fields(&response["content"]) { (self::content(kind, content)) }
            }
            @if !bad.is_empty() {
                details {
                    summary { "Errors: " (bad.iter().map(|(status, _)| status.as_str()).collect::<Vec<_>>().join(", ")) }
                    @for (status, response) in &bad {
                        p { (badge(status)) " " (inline(text(response, "description"))) }
                        @for (_, content) in fields(&response["content"]) { (example(content)) }
                    }
                }
            }
            h4 { "Try it" }
            pre.line { code { (caller.line(method, path, operation)) } }
        }
    }
}

/// Who may ask.
fn access(operation: &Value) -> Markup {
    let ways = list(&operation["security"]);
    let scopes = ways
        .iter()
        .flat_map(fields)
        .flat_map(|(_, scopes)| list(scopes));
    let mut scopes: Vec<&str> = scopes.filter_map(Value::as_str).collect();
    scopes.dedup();
    html! {
        @if let Some(scope) = scopes.first() { p.quiet { "A token needs the scope " code { (scope) } "." } }
        @else if ways.iter().all(|way| fields(way).next().is_none()) { p.quiet { "No token is asked for here." } }
    }
}

fn parameter(parameter: &Value) -> Markup {
    let schema = &parameter["schema"];
    html! {
        dt {
            code { (text(parameter, "name")) } " "
            span.quiet { (text(parameter, "in")) @if parameter["required"] == true { ", required" } }
        }
        dd { (inline(text(parameter, "description"))) " " span.quiet { (types::named(schema)) (types::limits(schema)) } }
    }
}

fn returned_headers(response: &Value) -> Markup {
    html! {
        @for (name, header) in fields(&response["headers"]) {
            p.quiet { "Header " code { (name) } @if !text(header, "description").is_empty() { ": " (inline(text(header, "description"))) } }
        }
    }
}

fn content(kind: &str, content: &Value) -> Markup {
    html! {
        p.quiet { code { (kind) } ": " (types::named(&content["schema"])) }
        (example(content))
    }
}

fn example(content: &Value) -> Markup {
    let shown = match &content["example"] {
        Value::Null => return html! {},
        Value::String(text) => text.clone(),
        json => serde_json::to_string_pretty(json).unwrap_or_default(),
    };
    let is_long = shown.lines().count() > 12;
    html! {
        @if is_long { details { summary { "Example" } pre { code { (shown) } } } }
        @else { pre { code { (shown) } } }
    }
}

fn signature(method: &str, path: &str) -> Markup {
    html! { span class={ "method " (method) } { (method.to_uppercase()) } " " code { (path) } }
}

fn badge(status: &str) -> Markup {
    let kind = match status.as_bytes().first() {
        Some(b'4' | b'5') => "failed",
        _ => "final",
    };
    html! { span class={ "badge " (kind) } { (status) } }
}

fn tagged<'a>(api: &'a Value, tag: &str) -> Vec<Operation<'a>> {
    let paths = fields(&api["paths"]);
    let all = paths.flat_map(|(path, item)| {
        // What reads comes first.
        let (reads, changes): (Vec<_>, Vec<_>) =
            fields(item).partition(|(method, _)| *method == "get");
        let all = reads.into_iter().chain(changes);
        all.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    });
    all.filter(|(_, _, operation)| list(&operation["tags"]).iter().any(|each| each == tag))
        .collect()
}

/// Paragraphs, with code in backticks.
fn prose(text: &str) -> Markup {
    let paragraphs = text.split("\n\n").filter(|text| !text.trim().is_empty());
    html! { @for paragraph in paragraphs { p { (inline(paragraph)) } } }
}

fn inline(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn sentences(text: &str) -> Markup {
    inline(text.trim())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
