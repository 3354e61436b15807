//! docs/trace-format.md is the norm: its examples are what they claim to be,
//! and it leaves nothing out.

mod common;

use common::read;
use common::validator::valid;
use plimsoll_trace::*;
use serde_json::Value;

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/trace-format.md");
    std::fs::read_to_string(path).expect("the page")
}

/// The code blocks of one language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("\n```{language}\n");
    page.split(&fence as &str)
        .skip(1)
        .map(|rest| {
            rest.split("```")
                .next()
                .expect("a split has a first part")
                .to_owned()
        })
        .collect()
}

#[test]
fn the_worked_example_is_a_trace() {
    let [example] = &blocks(&page(), "ndjson")[..] else {
        panic!("one example")
    };
    let (header, steps) = read(example.as_str()).unwrap();
    assert_eq!(steps.len(), 19);
    // It is written as the writer writes it, so that readers may compare.
    let written = common::written(&header, &steps);
    assert_eq!(String::from_utf8(written).unwrap(), *example);
    // Each line satisfies the schema.
    let schema = schema();
    for line in example.lines() {
        assert!(
            valid(&schema, &schema, &serde_json::from_str(line).unwrap()),
            "{line}"
        );
    }
    // The story is the one told beside it.
    let line = |number: usize| &steps[number - 2];
    assert_eq!(line(5).cause, Cause::Campaign);
    assert_eq!(
        (line(6).durable.term, line(6).durable.vote.clone()),
        (Some(Term(1)), Some(Some("n1".into())))
    );
    assert_eq!(line(9).state.role, Some(Role::Leader));
    assert_eq!(
        line(9).append.as_ref().unwrap().kinds(),
        Some(&[EntryKind::Noop][..])
    );
    assert_eq!(line(9).send.as_ref().unwrap().len(), 2);
    assert_eq!(line(13).state.commit, Some(Index(1)));
    assert_eq!(
        (line(14).cause.clone(), &line(16).node),
        (Cause::write("5.1"), &"n2".into())
    );
    assert_eq!(line(16).state.commit, Some(Index(1)));
    assert_eq!(line(19).ack, Some(vec![OpAt::new("5.1", 2)]));
    assert!(!header.complete.field(Field::StateLeader) && !header.complete.cause(CauseKind::Read));
}

/// Every message received in the example was sent before, in a step whose
/// writes were durable by then: the contract it claims.
#[test]
fn the_worked_example_keeps_its_storage_contract() {
    let (_, steps) = read(blocks(&page(), "ndjson")[0].as_str()).unwrap();
    for (at, step) in steps.iter().enumerate() {
        let Cause::Receive(message) = &step.cause else {
            continue;
        };
        let sent = steps[..at]
            .iter()
            .position(|s| s.send.iter().flatten().any(|m| m == message))
            .unwrap_or_else(|| panic!("{message:?} was not sent"));
        assert!(
            steps[sent..at]
                .iter()
                .any(|s| s.node == message.from && s.cause == Cause::Persisted),
            "{message:?} left too early"
        );
    }
}

#[test]
fn the_other_examples_are_what_they_claim() {
    let page = page();
    let [header] = &blocks(&page, "json")[..] else {
        panic!("one header")
    };
    serde_json::from_str::<Header>(header).unwrap();
    // `{"...` in running text or a table: a cause, a position, entries, a
    // configuration, or an item of a list.
    let mut checked = 0;
    for part in page.split('`').skip(1).step_by(2) {
        let part = part.replace("MESSAGE", r#"{"type":"x","from":"a","to":"b","term":1}"#);
        let Ok(Value::Object(fields)) = serde_json::from_str(&part) else {
            continue;
        };
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        match names[..] {
            ["index", "term"] => drop(serde_json::from_str::<Position>(&part).unwrap()),
            ["after", "runs"] => drop(serde_json::from_str::<Entries>(&part).unwrap()),
            ["learners", "outgoing", "voters"] => {
                drop(serde_json::from_str::<Config>(&part).unwrap());
            }
            [_] => drop(serde_json::from_str::<Cause>(&part).unwrap()),
            [] => continue,
            _ => panic!("{part}"),
        }
        checked += 1;
    }
    assert!(checked >= 15, "only {checked} examples found");
}

/// Every name that the types have has its place on the page.
#[test]
fn the_page_names_everything() {
    fn names(value: &Value, all: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (keyword, says) in fields {
                    match (keyword.as_str(), says) {
                        ("properties", Value::Object(properties)) => {
                            all.extend(properties.keys().cloned());
                        }
                        ("enum", Value::Array(words)) => {
                            all.extend(words.iter().filter_map(Value::as_str).map(str::to_owned));
                        }
                        ("const", Value::String(word)) => all.push(word.clone()),
                        _ => {}
                    }
                    names(says, all);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| names(item, all)),
            _ => {}
        }
    }
    let page = page();
    let mut all = Vec::new();
    names(&schema(), &mut all);
    assert!(all.len() > 80, "{}", all.len());
    for name in all {
        let causes_form = format!("{{\"{name}\":");
        assert!(
            page.contains(&format!("`{name}`")) || page.contains(&causes_form),
            "the page says nothing of {name}"
        );
    }
}

/// The errors it shows are the reader's, word for word.
#[test]
fn the_errors_are_the_readers() {
    let page = page();
    for kind in [
        ErrorKind::Empty.to_string(),
        ErrorKind::NoHeader.to_string(),
        ErrorKind::SecondHeader.to_string(),
        ErrorKind::Utf8.to_string(),
        ErrorKind::TooDeep.to_string(),
        ErrorKind::Version {
            found: "3".to_owned(),
        }
        .to_string(),
        ErrorKind::LineTooLong {
            limit: LINE_BYTES_MAX,
        }
        .to_string(),
        ErrorKind::Torn {
            why: "EOF while parsing a string".to_owned(),
        }
        .to_string(),
        ErrorKind::Shape(ShapeError::Gap {
            node: "n1".into(),
            inc: 1,
            seq: 4,
            before: 4,
            seq_before: 2,
        })
        .to_string(),
    ] {
        assert!(page.contains(&kind), "{kind}");
    }
}
