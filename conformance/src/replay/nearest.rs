//! The nearest legal events: what the line of a divergence would have to show
//! in one of its fields to be explained.
//!
//! No table of what might be meant: the judge itself is taken to the line, and
//! given the line again with one field changed, to what any node of the run has
//! at that moment, to one more and one less, to the other truth, another node,
//! another role; with an item of a list left out. What it then explains is
//! listed, the smallest changes first. Where the run can be read in more than one
//! way it is explained if one reading does. That a changed line is explained says
//! nothing of the lines behind it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::runner::{Basis, Runner};
use super::whole::Whole;
use super::{Judged, Options};
use crate::verdict::{Divergence, Nearest, Verdict};

/// How many legal events are listed.
const LISTED: usize = 5;

/// The longest run that is judged again for it, in events: it is held whole.
pub const EVENTS_MAX: u64 = 200_000;

/// How many values of a field are tried.
const VALUES: usize = 16;

/// Finds the nearest legal events of a trace that was judged, and puts them into
/// its divergence. There are none where the trace does not diverge, has more than
/// [`EVENTS_MAX`] events, or no change of one field makes the line legal.
pub fn add(judged: &mut Judged, options: &Options) {
    let found = found(judged, options).unwrap_or_default();
    if let Ok(Verdict::Diverges(divergence, _)) = &mut judged.result {
        divergence.nearest = found;
    }
}

fn found(judged: &Judged, options: &Options) -> Option<Vec<Nearest>> {
    let Ok(Verdict::Diverges(divergence, certificate)) = &judged.result else {
        return None;
    };
    if certificate.events > EVENTS_MAX {
        return None;
    }
    let read = |path| Whole::read(path, judged).ok();
    let files: Vec<Whole> = judged
        .inputs
        .iter()
        .map(|path| read(path))
        .collect::<Option<_>>()?;
    let file = judged
        .inputs
        .iter()
        .position(|path| *path == *divergence.place.path)?;
    let target = (file, usize::try_from(divergence.place.event).ok()?);
    let queued = certificate.storage == "async";
    let basis = Basis {
        queued,
        window: None,
    };
    let mut options = options.clone();
    options.given.note_shown(&certificate.switches);
    let mut runner = Runner::new(&files, &options, basis)?;
    for whole in &files {
        (0..whole.len()).for_each(|event| runner.note(whole, event));
    }
    for event in runner.order(&files, target) {
        if event == target {
            break;
        }
        runner.judge(&files[event.0], event.1).ok()?;
    }
    let line = files[target.0].value(target.1)?;
    // Judged by itself, the line must be what it is in the trace.
    let Err(again) = runner.clone().judge_value(&line)? else {
        return None;
    };
    if again.reason()? != divergence.reason() {
        return None;
    }
    let known = Known::new(divergence, &certificate.nodes);
    let mut legal: Vec<(u64, Nearest)> = Vec::new();
    for change in changes(&line, &known) {
        let listed = legal.iter().any(|(_, other)| other.field == change.field);
        // The first of a field is the nearest.
        if listed {
            continue;
        }
        if let Some(Ok(())) = runner.clone().judge_value(&change.line) {
            let nearest = Nearest {
                field: change.field,
                shown: change.shown,
                legal: change.legal,
            };
            legal.push((change.distance, nearest));
        }
    }
    legal.sort_by_key(|(distance, _)| *distance);
    let nearest = legal.into_iter().map(|(_, nearest)| nearest);
    Some(nearest.take(LISTED).collect())
}

/// What the nodes of the run have at that moment.
struct Known {
    numbers: BTreeSet<u64>,
    nodes: Vec<String>,
}

impl Known {
    fn new(divergence: &Divergence, nodes: &[(String, String)]) -> Self {
        let mut numbers = BTreeSet::from([0]);
        for node in &divergence.agreed {
            numbers.extend([
                node.term,
                node.commit,
                node.applied,
                node.last_index,
                node.last_term,
            ]);
        }
        Known {
            numbers,
            nodes: nodes.iter().map(|(_, name)| name.clone()).collect(),
        }
    }
}

/// A line with one field changed.
struct Change {
    field: String,
    shown: String,
    legal: String,
    distance: u64,
    line: Value,
}

/// What tells lines apart, and not what happened.
const NAMES: [&str; 9] = [
    "ts", "level", "tag", "nid", "node", "inc", "seq", "id", "prop",
];

/// The roles, in each format.
const ROLES: [&[&str]; 2] = [
    &[
        "StateFollower",
        "StateCandidate",
        "StateLeader",
        "StatePreCandidate",
    ],
    &["follower", "candidate", "leader", "pre-candidate"],
];

/// Every line that differs from `line` in one field; of each field, the nearest
/// values first.
fn changes(line: &Value, known: &Known) -> Vec<Change> {
    let mut changes = Vec::new();
    walk(line, &mut Vec::new(), &mut |path, value| {
        for (distance, other) in others(value, known) {
            changes.push((path.to_vec(), value.clone(), distance, other));
        }
    });
    let made = changes
        .into_iter()
        .filter_map(|(path, shown, distance, other)| {
            let legal = other.as_ref().map_or("absent".to_owned(), Value::to_string);
            let mut line = line.clone();
            put(&mut line, &path, other)?;
            Some(Change {
                field: named(&path),
                shown: shown.to_string(),
                legal,
                distance,
                line,
            })
        });
    made.collect()
}

fn walk(value: &Value, path: &mut Vec<String>, each: &mut dyn FnMut(&[String], &Value)) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_name = NAMES.contains(&name.as_str());
                // A word beside an event says nothing of it.
                if is_name || (path.is_empty() && name == "msg") {
                    continue;
                }
                path.push(name.clone());
                each(path, value);
                walk(value, path, each);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                path.push(at.to_string());
                each(path, value);
                walk(value, path, each);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Other values for a field, with how far off each is; `None` leaves out an item
/// of a list.
fn others(value: &Value, known: &Known) -> Vec<(u64, Option<Value>)> {
    match value {
        Value::Bool(truth) => vec![(1, Some(json!(!truth)))],
        Value::Number(number) => {
            let Some(shown) = number.as_u64() else {
                return Vec::new();
            };
            let mut all = known.numbers.clone();
            all.extend([shown.saturating_sub(1), shown.saturating_add(1)]);
            all.remove(&shown);
            let mut all: Vec<u64> = all.into_iter().collect();
            all.sort_by_key(|other| other.abs_diff(shown));
            let all = all.into_iter().take(VALUES);
            all.map(|other| (other.abs_diff(shown), Some(json!(other))))
                .collect()
        }
        Value::String(shown) => {
            let roles = ROLES.iter().find(|roles| roles.contains(&shown.as_str()));
            let nobody = ["0".to_owned()];
            let is_node = known.nodes.contains(shown) || *shown == nobody[0];
            let others: Vec<&str> = match roles {
                Some(roles) => roles.to_vec(),
                None if is_node => {
                    let all = known.nodes.iter().chain(&nobody);
                    all.map(String::as_str).collect()
                }
                None => Vec::new(),
            };
            let others = others.into_iter().filter(|other| *other != shown);
            let mut all: Vec<_> = others.map(|other| (1, Some(json!(other)))).collect();
            if is_node {
                all.push((1, Some(Value::Null)));
            }
            all
        }
        Value::Null => known
            .nodes
            .iter()
            .map(|node| (1, Some(json!(node))))
            .collect(),
        // An item of a list, or a part of a step that may be absent.
        Value::Object(_) => vec![(2, None)],
        Value::Array(_) => Vec::new(),
    }
}

/// Puts `value` at `path`, or takes out what stands there; `None` where only
/// items of lists can be taken out.
fn put(line: &mut Value, path: &[String], value: Option<Value>) -> Option<()> {
    let (last, before) = path.split_last()?;
    let mut at = line;
    for step in before {
        at = match at {
            Value::Object(fields) => fields.get_mut(step)?,
            Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    match (at, value) {
        (Value::Object(fields), Some(value)) => {
            fields.insert(last.clone(), value);
        }
        (Value::Array(items), Some(value)) => {
            *items.get_mut(last.parse::<usize>().ok()?)? = value;
        }
        (Value::Array(items), None) => {
            items.remove(last.parse::<usize>().ok()?);
        }
        _ => return None,
    }
    Some(())
}

/// `event`, `state`, `commit` as `state.commit`; items of lists in brackets.
fn named(path: &[String]) -> String {
    let mut name = String::new();
    for step in path.iter().filter(|step| *step != "event") {
        match step.parse::<usize>() {
            Ok(at) => name += &format!("[{at}]"),
            Err(_) if name.is_empty() => name += step,
            Err(_) => name += &format!(".{step}"),
        }
    }
    name
}
