//! Holds JSON against the schemas of the description, more strictly than JSON Schema does: a field that no
//! schema names is a fault.

use std::collections::BTreeSet;

use serde_json::Value;

pub(super) struct Schemas<'a> {
    api: &'a Value,
}

impl<'a> Schemas<'a> {
    pub(super) fn of(api: &'a Value) -> Self {
        Self { api }
    }

    /// What of `value` does not fit; empty when all does.
    pub(super) fn faults(&self, value: &Value, schema: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(value, schema, "$", &mut faults);
        let unknown = self.fields(value, schema);
        self.strangers(value, schema, unknown.as_ref(), "$", &mut faults);
        faults
    }

    /// References that lead nowhere.
    pub(super) fn dangling(&self, value: &Value) -> Vec<String> {
        match value {
            Value::Object(map) => {
                let own = map.get("$ref").and_then(Value::as_str);
                let own = own
                    .filter(|to| self.at(to).is_none())
                    .map(ToOwned::to_owned);
                let below = map.values().flat_map(|value| self.dangling(value));
                own.into_iter().chain(below).collect()
            }
            Value::Array(list) => list.iter().flat_map(|value| self.dangling(value)).collect(),
            _ => Vec::new(),
        }
    }

    fn at(&self, to: &str) -> Option<&'a Value> {
        self.api.pointer(to.strip_prefix('#')?)
    }

    fn check(&self, value: &Value, schema: &Value, at: &str, faults: &mut Vec<String>) {
        if let Some(to) = schema["$ref"].as_str() {
            let target = self.at(to).unwrap_or_else(|| panic!("{to} is not there"));
            return self.check(value, target, at, faults);
        }
        for part in list(&schema["allOf"]) {
            self.check(value, part, at, faults);
        }
        let choices = [list(&schema["oneOf"]), list(&schema["anyOf"])].concat();
        if !choices.is_empty() {
            let tried = choices.iter().map(|choice| {
                let mut faults = Vec::new();
                self.check(value, choice, at, &mut faults);
                faults
            });
            let tried: Vec<_> = tried.collect();
            if tried.iter().all(|faults| !faults.is_empty()) {
                faults.push(format!("{at}: none of {tried:?}"));
            }
        }
        let types = match &schema["type"] {
            Value::Array(types) => types.clone(),
            Value::Null => vec![],
            one => vec![one.clone()],
        };
        if !types.is_empty() && !types.iter().any(|kind| is(value, kind.as_str().unwrap())) {
            faults.push(format!("{at}: {value} is no {}", schema["type"]));
            return;
        }
        let values = list(&schema["enum"]);
        if !values.is_empty() && !values.contains(value) {
            faults.push(format!("{at}: {value} is none of {values:?}"));
        }
        self.check_parts(value, schema, at, faults);
        limits(value, schema, at, faults);
    }

    fn check_parts(&self, value: &Value, schema: &Value, at: &str, faults: &mut Vec<String>) {
        if let Value::Object(map) = value {
            for name in list(&schema["required"]) {
                if !map.contains_key(name.as_str().unwrap()) {
                    faults.push(format!("{at}: no {name}"));
                }
            }
            for (name, value) in map {
                let own = schema["properties"].get(name);
                let other = schema
                    .get("additionalProperties")
                    .filter(|other| other.is_object());
                if let Some(schema) = own.or(other) {
                    self.check(value, schema, &format!("{at}.{name}"), faults);
                }
            }
        }
        if let Value::Array(items) = value {
            let first = list(&schema["prefixItems"]);
            for (index, item) in items.iter().enumerate() {
                let schema = first.get(index).unwrap_or(&schema["items"]);
                if schema.is_object() {
                    self.check(item, schema, &format!("{at}[{index}]"), faults);
                }
            }
        }
    }

    /// Names of the fields that the schemas of an object know; `None` where any may be.
    fn fields(&self, value: &Value, schema: &Value) -> Option<BTreeSet<String>> {
        if let Some(to) = schema["$ref"].as_str() {
            return self.fields(value, self.at(to)?);
        }
        let mut known: BTreeSet<String> = match &schema["properties"] {
            Value::Object(map) => map.keys().cloned().collect(),
            _ => BTreeSet::new(),
        };
        for part in list(&schema["allOf"]) {
            known.extend(self.fields(value, part)?);
        }
        let choices = [list(&schema["oneOf"]), list(&schema["anyOf"])].concat();
        for choice in &choices {
            let mut faults = Vec::new();
            self.check(value, choice, "", &mut faults);
            if faults.is_empty() {
                known.extend(self.fields(value, choice)?);
            }
        }
        let is_open = schema["additionalProperties"].is_object();
        let says_nothing = known.is_empty() && choices.is_empty();
        (!is_open && !says_nothing).then_some(known)
    }

    fn strangers(
        &self,
        value: &Value,
        schema: &Value,
        known: Option<&BTreeSet<String>>,
        at: &str,
        faults: &mut Vec<String>,
    ) {
        let whole = value;
        if let Value::Object(map) = value {
            for (name, value) in map {
                if known.is_some_and(|known| !known.contains(name)) {
                    faults.push(format!("{at}: {name} is not described"));
                }
                if let Some(schema) = self.schema_of(name, whole, schema) {
                    let inner = self.fields(value, schema);
                    self.strangers(
                        value,
                        schema,
                        inner.as_ref(),
                        &format!("{at}.{name}"),
                        faults,
                    );
                }
            }
        }
        if let Value::Array(items) = value {
            let schema = self.resolved(schema);
            for (index, item) in items.iter().enumerate() {
                let schema = list(&schema["prefixItems"])
                    .get(index)
                    .unwrap_or(&schema["items"]);
                let inner = self.fields(item, schema);
                self.strangers(
                    item,
                    schema,
                    inner.as_ref(),
                    &format!("{at}[{index}]"),
                    faults,
                );
            }
        }
    }

    /// The schema of a field: of several choices, by the one that the whole object fits.
    fn schema_of<'s>(&'s self, name: &str, whole: &Value, schema: &'s Value) -> Option<&'s Value> {
        let schema = self.resolved(schema);
        let fits = |choice: &&Value| {
            let mut faults = Vec::new();
            self.check(whole, choice, "", &mut faults);
            faults.is_empty()
        };
        let choices = list(&schema["oneOf"]).iter().filter(fits);
        let mut parts = list(&schema["allOf"]).iter().chain(choices);
        let own = schema["properties"].get(name);
        own.or_else(|| parts.find_map(|part| self.schema_of(name, whole, part)))
    }

    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str() {
            Some(to) => self.at(to).unwrap(),
            None => schema,
        }
    }
}

fn limits(value: &Value, schema: &Value, at: &str, faults: &mut Vec<String>) {
    if let (Some(value), Some(least)) = (value.as_f64(), schema["minimum"].as_f64())
        && value < least
    {
        faults.push(format!("{at}: {value} is under {least}"));
    }
    let Some(text) = value.as_str() else { return };
    if schema["format"] == "date-time" && text.parse::<jiff::Timestamp>().is_err() {
        faults.push(format!("{at}: {text:?} is no moment"));
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn the_judge_finds_faults() {
    use serde_json::json;
    let api = json!({ "components": { "schemas": {
        "Named": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } },
        "Whole": { "allOf": [
            { "$ref": "#/components/schemas/Named" },
            { "type": "object", "required": ["n"], "properties": { "n": { "type": ["integer", "null"], "minimum": 1 } } },
        ] },
    } } });
    let schemas = Schemas::of(&api);
    let schema = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Whole" } });
    for (value, fits) in [
        (
            json!([{ "name": "a", "n": 1 }, { "name": "b", "n": null }]),
            true,
        ),
        (json!([]), true),
        (json!({}), false),
        (json!([{ "n": 1 }]), false),
        (json!([{ "name": "a", "n": 1.5 }]), false),
        (json!([{ "name": "a", "n": 0 }]), false),
        (json!([{ "name": 7, "n": 1 }]), false),
        (json!([{ "name": "a", "n": 1, "more": 1 }]), false),
    ] {
        assert_eq!(schemas.faults(&value, &schema).is_empty(), fits, "{value}");
    }
    assert_eq!(
        schemas
            .dangling(&json!([{ "$ref": "#/components/schemas/None" }]))
            .len(),
        1
    );
}
