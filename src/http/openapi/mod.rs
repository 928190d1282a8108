//! The API's description, OpenAPI 3.1, made of what stands at the handlers and at the types they answer
//! with. What is the same everywhere is added here: who may ask, the errors that any request may meet, the
//! shape of an error, and an example where none is given.
//!
//! A handler names its own errors by status, the code first: ``(status = 404, description = "`not_found`:
//! there is no call of this id")``.

use axum::{Json, extract::State};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    AppState, Outside,
    access::{
        SESSION_COOKIE,
        rights::{self, Need},
    },
    error::ErrorJson,
    everything,
};

mod example;
mod streams;

use example::example;
pub(super) use example::kind;
pub(super) use streams::{CallStream, LeadStream, ListStream};

const ABOUT: &str = "Calls, their words live and after, recordings, leads, and what other systems are told. Times of day are UTC, \
    times within a call are seconds. Lists come page by page: ask for the `next` of a page as `cursor`. An error is \
    `{\"error\": {\"code\", \"message\"}}`: the code is for programs and stays, the message is for people.";

const TAGS: [(&str, &str); 10] = [
    (
        "Calls",
        "Calls with their transcripts, recordings and meaning.",
    ),
    (
        "Recordings",
        "The sound of each track, pictures of it, and what it all takes.",
    ),
    (
        "Files",
        "Audio files that are uploaded, what is said in them, and what they are about.",
    ),
    ("Live", "What happens, as it happens: Server-Sent Events."),
    ("Leads", "One for every call that rang."),
    (
        "People",
        "Those who call, and what they booked, as the business brought them.",
    ),
    (
        "Work",
        "The jobs that follow calls, and what other systems were told.",
    ),
    ("Server", "For those who run it."),
    (
        "Twilio",
        "Where Twilio asks and tells, signed by `X-Twilio-Signature`. The paths are the configured ones.",
    ),
    ("Media", "Where streams come in."),
];

/// Answers that any request to pages and API may meet.
const ANYWHERE: [(&str, &str); 3] = [
    (
        "401",
        "`login`: this needs a login, or a token; or `access_token`: the token opens nothing here",
    ),
    (
        "403",
        "`role`: this needs another role, or a token with another scope; or `closed` while nobody has an account, \
         `unknown_host`, or `cross_site` for a change that another site's page asks for",
    ),
    (
        "500",
        "`internal`: something failed; the server's log says why",
    ),
];

/// The description of a server whose configurable doors stand at these addresses.
#[must_use]
pub fn description(outside: &Outside) -> Value {
    let (_, routed) = everything(outside).known();
    let mut api = serde_json::to_value(routed).unwrap_or_default();
    let mut schemas = vec![(ErrorJson::name().into_owned(), schema::<ErrorJson>())];
    ErrorJson::schemas(&mut schemas);
    for (name, schema) in schemas {
        api["components"]["schemas"][name] = json!(schema);
    }
    api["components"]["securitySchemes"] = json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token. Without accounts, and with no token configured, a server that listens on its own machine alone is open there.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": SESSION_COOKIE,
            "description": "What a browser gets when it logs in.",
        },
    });
    api["info"] = json!({
        "title": "callscribe",
        "version": env!("CARGO_PKG_VERSION"),
        "description": ABOUT,
        "license": { "name": "MIT", "identifier": "MIT" },
    });
    api["tags"] = TAGS
        .iter()
        .map(|(name, about)| json!({ "name": name, "description": about }))
        .collect();
    let components = api["components"].clone();
    for (path, item) in object(&mut api["paths"]) {
        for (method, operation) in object(item) {
            complete(method, path, operation, &components);
        }
    }
    api
}

/// The description of all this, OpenAPI 3.1.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "Server",
    responses((status = 200, description = "The description.", body = BTreeMap<String, Value>, example = json!({ "openapi": "3.1.0" }))),
)]
pub(super) async fn json(State(state): State<AppState>) -> Json<Value> {
    Json(description(&state.outside))
}

fn schema<T: ToSchema>() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    T::schema()
}

fn complete(method: &str, path: &str, operation: &mut Value, components: &Value) {
    operation["operationId"] = json!(id(method, path));
    let is_guarded = operation.get("security").is_none();
    if is_guarded {
        let scope = scopes(method, path);
        operation["security"] = json!([{ "token": scope }, { "session": scope }]);
        for (status, text) in ANYWHERE {
            let responses = object_of(&mut operation["responses"]);
            responses
                .entry(status)
                .or_insert_with(|| json!({ "description": text }));
        }
    }
    let body = &mut operation["requestBody"]["content"];
    for (_, content) in object(body) {
        exemplify(content, components);
    }
    if operation["requestBody"]["content"].is_null() {
        object_of(operation).remove("requestBody");
    }
    for (status, response) in object(&mut operation["responses"]) {
        let is_bare = status.starts_with(['4', '5']) && response.get("content").is_none();
        if is_bare && response.get("$ref").is_none() {
            response["content"] = error(response["description"].as_str().unwrap_or_default());
        }
        for (_, content) in object(&mut response["content"]) {
            exemplify(content, components);
        }
        if response["content"].is_null() {
            object_of(response).remove("content");
        }
    }
}

/// What a token or an account must be good for, beyond being known.
fn scopes(method: &str, path: &str) -> Vec<&'static str> {
    let right = rights::of(&method.to_uppercase(), path);
    match right.map(|right| right.need) {
        Some(Need::Scope(scope)) => vec![scope.as_str()],
        Some(Need::Name | Need::Nothing) | None => Vec::new(),
    }
}

/// Unique, and made of what a person would call it: `get_calls_id_transcript`.
fn id(method: &str, path: &str) -> String {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    [method]
        .into_iter()
        .chain(words)
        .collect::<Vec<_>>()
        .join("_")
}

/// The answer to which a description such as `` `not_found`: there is no such call `` belongs.
fn error(description: &str) -> Value {
    let code = description.split('`').nth(1).unwrap_or_default();
    let message = description
        .split_once("`: ")
        .map_or(description, |(_, message)| message);
    let message = message.split(';').next().unwrap_or_default();
    json!({ "application/json": {
        "schema": { "$ref": "#/components/schemas/Error" },
        "example": { "error": { "code": code, "message": message } },
    } })
}

fn exemplify(content: &mut Value, components: &Value) {
    let known = content.get("example").or(content.get("examples"));
    if known.is_none() && content.get("schema").is_some() {
        content["example"] = example(&content["schema"], components);
    }
}

fn object(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}

/// Made one, where it was nothing.
fn object_of(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it was made one"),
    }
}
