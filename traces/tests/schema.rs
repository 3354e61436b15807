//! The schema that is checked in is the one the types make, and says what the
//! reader does.

mod common;

use common::validator::valid;
use common::{header, json, step};
use plimsoll_trace::*;
use proptest::prelude::*;
use serde_json::Value;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/trace.schema.json");

/// `PLIMSOLL_UPDATE=1 cargo test -p plimsoll-trace --test schema` writes it.
#[test]
fn the_schema_checked_in_is_the_one_generated() {
    let generated = schema();
    if std::env::var_os("PLIMSOLL_UPDATE").is_some() {
        let text = serde_json::to_string_pretty(&generated).unwrap();
        std::fs::write(PATH, text + "\n").unwrap();
    }
    let checked_in = std::fs::read_to_string(PATH).unwrap();
    // Not the text: how it is laid out is serde_json's affair.
    assert!(
        serde_json::from_str::<Value>(&checked_in).unwrap() == generated,
        "{PATH} is not what the types say; set PLIMSOLL_UPDATE=1 to write it anew"
    );
}

fn says(value: &Value) -> bool {
    let schema = schema();
    valid(&schema, &schema, value)
}

/// Every place in a value, as the way there.
fn places(value: &Value, way: &mut Vec<String>, all: &mut Vec<String>) {
    all.push(way.iter().map(|part| format!("/{part}")).collect());
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, value)| (at.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (part, value) in inside {
        way.push(part);
        places(value, way, all);
        way.pop();
    }
}

/// What the schema cannot say, and the reader does.
fn beyond_schema(error: &str) -> bool {
    error.contains("entries: ")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_step_satisfies_it(step in step()) {
        prop_assert!(says(&serde_json::to_value(&step).unwrap()));
    }

    #[test]
    fn every_header_satisfies_it(header in header()) {
        prop_assert!(says(&serde_json::to_value(&header).unwrap()));
    }

    /// A right step with one part replaced by anything, or taken away: the
    /// schema and the reader agree whether it still is one.
    #[test]
    fn the_reader_takes_what_the_schema_allows(step in step(), at in any::<prop::sample::Index>(),
                                               other in json(), remove in any::<bool>()) {
        let mut value = serde_json::to_value(&step).unwrap();
        let mut all = Vec::new();
        places(&value, &mut Vec::new(), &mut all);
        let place = &all[at.index(all.len())];
        if remove && let Some((parent, last)) = place.rsplit_once('/') {
            match value.pointer_mut(parent).unwrap() {
                Value::Object(fields) => {
                    let name = last.replace("~1", "/").replace("~0", "~");
                    fields.remove(&name);
                }
                Value::Array(items) => drop(items.remove(last.parse::<usize>().unwrap())),
                _ => unreachable!(),
            }
        } else {
            *value.pointer_mut(place).unwrap() = other;
        }
        let allowed = says(&value);
        match serde_json::from_str::<Step>(&value.to_string()) {
            // The numbers' beginning is looked at with the other lines'.
            Ok(step) if step.inc == 0 || step.seq == 0 => prop_assert!(!allowed),
            Ok(_) => prop_assert!(allowed, "read, and not allowed: {}", value),
            Err(error) if beyond_schema(&error.to_string()) => {}
            Err(error) => prop_assert!(!allowed, "allowed, and not read: {}\n{}", error, value),
        }
    }
}
