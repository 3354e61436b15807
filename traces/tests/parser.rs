//! A parser that has seen other lines says of a line what serde says of it.

mod common;

use std::sync::Arc;

use common::{durable, state, step};
use plimsoll_trace::*;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

fn line(bytes: &[u8]) -> Line<'_> {
    Line {
        number: 7,
        bytes,
        terminated: true,
    }
}

/// Whether the parser and serde agree; the step, if it is one.
fn agrees(parser: &mut StepParser, text: &[u8]) -> Result<Option<Step>, TestCaseError> {
    let file: Arc<str> = "t.ndjson".into();
    let said = parser.parse(&file, line(text));
    let expected = serde_json::from_slice::<Step>(text).ok();
    let shown = String::from_utf8_lossy(text);
    match (said, expected) {
        (Ok(said), Some(expected)) => {
            prop_assert_eq!(&*said, &expected, "{}", shown);
            Ok(Some(expected))
        }
        (Err(said), None) => {
            // An error is that of the line, whatever was read before.
            let alone = StepParser::new().parse(&file, line(text));
            let alone = alone.expect_err("no step");
            prop_assert_eq!(said.to_string(), alone.to_string());
            Ok(None)
        }
        (said, expected) => Err(TestCaseError::fail(format!(
            "{said:?} {expected:?} {shown}"
        ))),
    }
}

/// A line that says what a step is, in one way or another.
fn told(step: &Step, way: u8, state: &State, durable: &Durable) -> String {
    let value: Value = serde_json::to_value(step).expect("a step");
    let mut text = serde_json::to_string(step).expect("a step");
    let inside = json!({"state": state, "durable": durable});
    match way {
        // Fields sorted, so that the state comes last.
        0 => value.to_string(),
        1 => text.replace("\":", "\" : "),
        2 => text.replace("\":", "\": "),
        // A field that is ignored says the same, before or behind.
        3 => {
            text.insert_str(1, &format!("\"x\":{inside},"));
            text
        }
        4 => {
            text.insert_str(text.len() - 1, &format!(",\"x\":{inside}"));
            text
        }
        // A key that ends as the state's does.
        5 => {
            let state = serde_json::to_string(state).expect("a state");
            text.insert_str(1, &format!("\"x\\\"state\":{state},"));
            text
        }
        // Twice.
        6 => {
            let state = serde_json::to_string(state).expect("a state");
            text.insert_str(1, &format!("\"state\":{state},"));
            text
        }
        // In each other.
        7 => {
            let durable = serde_json::to_string(durable).expect("a durable state");
            text.replace(
                "\"state\":{",
                &format!("\"state\":{{\"durable\":{durable},"),
            )
        }
        // The highest number there is.
        8 => text.replacen("\"term\":", "\"term\":18446744073709551615,\"x\":", 1),
        9 => text.replacen("\"state\":{", "\"state\":null,\"x\":{", 1),
        // Numbers that are none, or too large.
        10 => text.replace("\"commit\":", "\"commit\":0"),
        11 => text.replace("\"index\":", "\"index\":1."),
        12 => text.replace("\"commit\":", "\"commit\":-"),
        13 => text.replace("\"commit\":", "\"commit\":99999999999999999999"),
        14 => text.replace("\"term\":", "\"term\":1e"),
        _ => text,
    }
}

proptest! {
    #[test]
    fn what_a_line_says_does_not_depend_on_those_before(
        steps in vec((step(), 0..18u8, state(), durable()), 1..12),
        again in vec((0..12usize, 0..18u8), 0..12),
    ) {
        let mut parser = StepParser::new();
        for (step, way, state, durable) in &steps {
            agrees(&mut parser, told(step, *way, state, durable).as_bytes())?;
        }
        // States that were read before, in other steps.
        for (at, way) in again {
            let (step, _, state, durable) = &steps[at % steps.len()];
            let (mut step, (_, _, other, _)) = (step.clone(), &steps[(at + 1) % steps.len()]);
            step.state = Arc::new(other.clone());
            agrees(&mut parser, told(&step, way, state, durable).as_bytes())?;
        }
    }

    #[test]
    fn what_a_damaged_line_says_does_not_either(
        step in step(),
        damage in vec((any::<prop::sample::Index>(), 0..4u8, any::<u8>()), 1..20),
    ) {
        let text = serde_json::to_vec(&step).expect("a step");
        let mut parser = StepParser::new();
        agrees(&mut parser, &text)?;
        for (at, how, byte) in damage {
            let mut text = text.clone();
            let at = at.index(text.len());
            match how {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                2 => text.truncate(at),
                _ => drop(text.remove(at)),
            }
            agrees(&mut parser, &text)?;
        }
        prop_assert_eq!(agrees(&mut parser, &text)?, Some(step));
    }
}

/// The same text with other numbers and names: what stands for each is chosen
/// by `choose`, of some that are wrong in one place or another.
fn changed(text: &str, mut choose: impl FnMut(usize) -> usize) -> String {
    const NUMBERS: [&str; 9] = [
        "0",
        "1",
        "2",
        "40",
        "18446744073709551615",
        "18446744073709551616",
        "007",
        "1152921504606846977",
        "-1",
    ];
    const NAMES: [&str; 8] = [
        "",
        "n1",
        "n2",
        "00000000000000ff",
        "00000000000000FF",
        "1000000000000001",
        "n\\u0031",
        "a name that is longer than others",
    ];
    let mut changed = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || c.is_ascii_digit()) {
        changed.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('"') {
            let end = 2 + rest[1..].find('"').expect("strings have no escapes");
            let (string, behind) = rest.split_at(end);
            let chosen = choose(4 * NAMES.len());
            let is_key = behind.trim_start().starts_with(':');
            match NAMES.get(chosen).filter(|_| !is_key) {
                Some(name) => changed.push_str(&format!("\"{name}\"")),
                None => changed.push_str(string),
            }
            rest = behind;
        } else {
            let end = rest.find(|c: char| !c.is_ascii_digit());
            let (number, behind) = rest.split_at(end.unwrap_or(rest.len()));
            let chosen = choose(4 * NUMBERS.len());
            changed.push_str(NUMBERS.get(chosen).unwrap_or(&number));
            rest = behind;
        }
    }
    changed + rest
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_lines_say_that_differ_in_numbers_and_names_is_what_serde_says(
        steps in vec(step(), 1..4),
        choices in vec((0..4usize, vec(0..1_000usize, 1..60)), 1..20),
    ) {
        let mut parser = StepParser::new();
        let texts: Vec<String> = steps
            .iter()
            .map(|step| serde_json::to_string(step).expect("a step"))
            .filter(|text| !text.contains('\\'))
            .collect();
        for text in &texts {
            agrees(&mut parser, text.as_bytes())?;
        }
        for (at, chosen) in choices {
            let mut chosen = chosen.iter().cycle();
            let choose = |of| chosen.next().expect("a cycle") % of;
            if let Some(text) = texts.get(at % texts.len().max(1)) {
                agrees(&mut parser, changed(text, choose).as_bytes())?;
            }
        }
    }
}

/// A run, in which most states are those of lines before.
#[test]
fn a_run_is_read_as_serde_reads_it() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/corpus/plimsoll/three-crashes.ndjson.gz"
    );
    let mut lines = Lines::open(path).expect("a trace");
    let mut parser = StepParser::new();
    let mut read = 0;
    while let Some(line) = lines.next_line().expect("lines") {
        if line.number > 1 {
            let found = agrees(&mut parser, line.bytes).expect("they agree");
            read += usize::from(found.is_some());
        }
    }
    assert!(read > 1_000, "{read}");
}
