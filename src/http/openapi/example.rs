//! A value that fits a schema: what its author gave for an example, or else the plainest there is.

use serde_json::{Map, Value, json};

/// Schemas are not nested deeper than this.
const DEEPEST: u32 = 16;

pub(super) fn example(schema: &Value, components: &Value) -> Value {
    at_depth(schema, components, DEEPEST)
}

fn at_depth(schema: &Value, components: &Value, left: u32) -> Value {
    let Some(left) = left.checked_sub(1) else {
        return Value::Null;
    };
    let inner = |schema: &Value| at_depth(schema, components, left);
    let given = [
        schema.get("example"),
        schema.pointer("/examples/0"),
        schema.get("const"),
        schema.pointer("/enum/0"),
    ];
    if let Some(given) = given.into_iter().flatten().next() {
        return given.clone();
    }
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.trim_start_matches("#/components");
        return components.pointer(pointer).map_or(Value::Null, inner);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let mut whole = Map::new();
        for part in parts {
            if let Value::Object(part) = inner(part) {
                whole.extend(part);
            }
        }
        return Value::Object(whole);
    }
    if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let choice = choices.iter().find(|each| each["type"] != "null");
        return choice.map_or(Value::Null, inner);
    }
    of_type(schema, &inner)
}

fn of_type(schema: &Value, inner: &dyn Fn(&Value) -> Value) -> Value {
    match kind(schema) {
        "object" => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let mut whole: Map<_, _> = fields
                .map(|(name, schema)| (name.clone(), inner(schema)))
                .collect();
            if schema["additionalProperties"].is_object() {
                whole.insert("name".into(), inner(&schema["additionalProperties"]));
            }
            Value::Object(whole)
        }
        "array" => match schema["prefixItems"].as_array() {
            Some(items) => items.iter().map(inner).collect(),
            None => json!([inner(&schema["items"])]),
        },
        "string" => match schema["format"].as_str() {
            Some("date-time") => json!("2025-11-10T14:30:52Z"),
            _ => json!("…"),
        },
        "integer" => json!(1),
        "number" => json!(0.5),
        "boolean" => json!(false),
        _ => json!({}),
    }
}

/// Of several types the first that is not null.
pub(in crate::http) fn kind(schema: &Value) -> &str {
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().find(|each| *each != "null"),
        one => Some(one),
    };
    types.and_then(Value::as_str).unwrap_or_default()
}
