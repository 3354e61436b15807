//! As much of JSON Schema as ours uses; a keyword it does not know is a panic,
//! so that nothing in the schema goes unchecked.

use serde_json::Value;

/// Whether `value` satisfies `schema`, whose definitions are in `root`.
pub(crate) fn valid(root: &Value, schema: &Value, value: &Value) -> bool {
    let Value::Object(keywords) = schema else {
        return *schema == Value::Bool(true);
    };
    let sub = |schema: &Value, value: &Value| valid(root, schema, value);
    let list = |schema: &Value| schema.as_array().expect("a list of schemas").clone();
    keywords
        .iter()
        .all(|(keyword, says)| match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" => true,
            "then" | "else" => true,
            "$ref" => {
                let name = says
                    .as_str()
                    .and_then(|r| r.strip_prefix("#/$defs/"))
                    .expect("a local ref");
                sub(&root["$defs"][name], value)
            }
            "type" => match says.as_str().expect("one type") {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "null" => value.is_null(),
                "integer" => value.is_u64() || value.is_i64(),
                other => panic!("type {other}"),
            },
            "format" => match says.as_str() {
                Some("uint64") => value.is_u64(),
                Some("uint32") => value.as_u64().is_some_and(|n| u32::try_from(n).is_ok()),
                other => panic!("format {other:?}"),
            },
            "minimum" => value
                .as_i64()
                .is_none_or(|n| n >= says.as_i64().expect("a number")),
            "minLength" => value
                .as_str()
                .is_none_or(|s| s.len() as u64 >= says.as_u64().expect("a number")),
            "pattern" => {
                assert_eq!(says, "^[0-9a-fA-F]{16}$");
                value
                    .as_str()
                    .is_none_or(|s| s.len() == 16 && s.bytes().all(|b| b.is_ascii_hexdigit()))
            }
            "const" => value == says,
            "minItems" => value
                .as_array()
                .is_none_or(|a| a.len() as u64 >= says.as_u64().expect("a number")),
            "maxItems" => value
                .as_array()
                .is_none_or(|a| a.len() as u64 <= says.as_u64().expect("a number")),
            "items" => value
                .as_array()
                .is_none_or(|a| a.iter().all(|item| sub(says, item))),
            "prefixItems" => value.as_array().is_none_or(|a| {
                a.iter()
                    .zip(list(says))
                    .all(|(item, schema)| sub(&schema, item))
            }),
            "enum" => list(says).contains(value),
            "required" => value.as_object().is_none_or(|o| {
                list(says)
                    .iter()
                    .all(|name| o.contains_key(name.as_str().expect("a name")))
            }),
            "properties" => value.as_object().is_none_or(|o| {
                let properties = says.as_object().expect("schemas by name");
                o.iter()
                    .all(|(name, value)| properties.get(name).is_none_or(|s| sub(s, value)))
            }),
            "additionalProperties" => {
                assert_eq!(*says, Value::Bool(false));
                let known = keywords["properties"].as_object().expect("schemas by name");
                value
                    .as_object()
                    .is_none_or(|o| o.keys().all(|name| known.contains_key(name)))
            }
            "allOf" => list(says).iter().all(|schema| sub(schema, value)),
            "anyOf" => list(says).iter().any(|schema| sub(schema, value)),
            "oneOf" => {
                list(says)
                    .iter()
                    .filter(|schema| sub(schema, value))
                    .count()
                    == 1
            }
            "if" => {
                let branch = if sub(says, value) { "then" } else { "else" };
                keywords.get(branch).is_none_or(|schema| sub(schema, value))
            }
            other => panic!("the validator does not know {other}"),
        })
}
