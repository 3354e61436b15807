//! The JSON Schema of the format, made from the types.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::header::Header;
use crate::step::Step;

/// The JSON Schema (draft 2020-12) of one line: a header or a step. The same
/// text stands in `traces/schema/trace.schema.json`.
///
/// It says what one line may be. What the lines must be together is said by
/// [`WellFormed`](crate::WellFormed).
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let header = generator.subschema_for::<Header>();
    let step = generator.subschema_for::<Step>();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a Plimsoll trace, format versions 1 and 2",
        "description": "Line 1 of a file is a header, every other line is a step. \
                        docs/trace-format.md is the norm.",
        "type": "object",
        "if": { "required": ["plimsoll_trace"] },
        "then": header,
        "else": step,
    });
    schema["$defs"] = Value::Object(generator.take_definitions(true));
    schema
}
