//! Operations in words: `put k1 "v"`, `get k1 -> "v"`.

use super::{
    Compare, CompareOp, CompareWith, History, KeyId, ModelName, RangeEnd, Request, Response,
    ValueId,
};

/// A text in a sentence is not longer than this; what a value has more is cut.
const LENGTH_MAX: usize = 60;

/// What an operation is, as far as models tell operations apart.
pub(crate) fn kind(history: &History, operation: usize) -> String {
    let Some(operation) = history.operations.get(operation) else {
        return String::new();
    };
    let mut kind = operation.request.kind().to_owned();
    if let Request::Txn(txn) = &operation.request {
        let mut all = txn.then.iter().chain(&txn.otherwise);
        if let Some(other) = all.find(|request| !ModelName::Kv.knows(request)) {
            kind += &format!(" with {} in it", other.kind());
        }
    }
    if operation.revision.is_some() {
        kind += " with a revision";
    }
    kind
}

/// What was asked.
pub fn request(history: &History, request: &Request) -> String {
    // A format with one register gives it no name.
    let on = |key: &KeyId| match name(history, *key) {
        name if name.is_empty() => String::new(),
        name => format!(" {name}"),
    };
    let value = |id: &ValueId| value(history, *id);
    match request {
        Request::Read { key } => format!("read{}", on(key)),
        Request::Write { key, value: v } => format!("write{} {}", on(key), value(v)),
        Request::Cas { key, from, to } => {
            format!("cas{} {} to {}", on(key), value(from), value(to))
        }
        Request::Append { key, value: v } => format!("append{} {}", on(key), value(v)),
        Request::Delete { key } => format!("delete{}", on(key)),
        Request::Range { start, end, limit } => {
            let end = match end {
                RangeEnd::Before(end) => format!(" before{}", on(end)),
                RangeEnd::Open => String::new(),
            };
            let limit = limit.map_or(String::new(), |limit| format!(", {limit} at most"));
            format!("range from{}{end}{limit}", on(start))
        }
        Request::Txn(txn) => {
            let requests = |all: &[Request]| {
                let all = all.iter().map(|one| self::request(history, one));
                all.collect::<Vec<_>>().join(", ")
            };
            let mut words = String::from("txn ");
            if !txn.compares.is_empty() {
                let all = txn.compares.iter().map(|one| compare(history, one));
                words += &format!("if {} ", all.collect::<Vec<_>>().join(" and "));
            }
            words += &format!("{{{}}}", requests(&txn.then));
            if !txn.otherwise.is_empty() {
                words += &format!(" else {{{}}}", requests(&txn.otherwise));
            }
            words
        }
        Request::Enqueue { key, value: v } => format!("enqueue{} {}", on(key), value(v)),
        Request::Dequeue { key } => format!("dequeue{}", on(key)),
        Request::Add { key, value: v } => format!("add{} {}", on(key), value(v)),
        Request::Remove { key, value: v } => format!("remove{} {}", on(key), value(v)),
        Request::Contains { key, value: v } => format!("contains{} {}", on(key), value(v)),
        Request::Members { key } => format!("members{}", on(key)),
    }
}

/// What was answered.
pub fn response(history: &History, response: &Response) -> String {
    let shown = |id: &ValueId| value(history, *id);
    match response {
        Response::Unknown => "not known".to_owned(),
        Response::Done => "done".to_owned(),
        Response::Value(id) => shown(id),
        Response::Flag(true) => "yes".to_owned(),
        Response::Flag(false) => "no".to_owned(),
        Response::Pairs(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(k, v)| format!("{} {}", name(history, *k), shown(v)));
            format!("{{{}}}", cut(&pairs.collect::<Vec<_>>().join(", ")))
        }
        Response::Values(values) => {
            let values: Vec<_> = values.iter().map(shown).collect();
            format!("{{{}}}", cut(&values.join(", ")))
        }
        Response::Txn { succeeded, answers } => {
            let answers: Vec<_> = answers
                .iter()
                .map(|one| self::response(history, one))
                .collect();
            let which = if *succeeded { "" } else { "else " };
            match answers.is_empty() {
                true => format!("{which}done"),
                false => format!("{which}{{{}}}", answers.join(", ")),
            }
        }
    }
}

/// An operation: what was asked, and what was answered.
pub fn operation(history: &History, index: u32) -> String {
    let Some(operation) = history.operations.get(index as usize) else {
        return String::new();
    };
    let asked = request(history, &operation.request);
    let mut words = match (&operation.ret, &operation.response) {
        (None, _) => format!("{asked} -> ?"),
        (Some(_), Response::Done) => asked,
        (Some(_), Response::Unknown) => format!("{asked} -> ?"),
        (Some(_), answer) => format!("{asked} -> {}", response(history, answer)),
    };
    if let Some(revision) = &operation.revision {
        let all = [
            ("revision", revision.store),
            ("mod", revision.modified),
            ("created", revision.created),
            ("version", revision.version),
        ];
        let all = all
            .iter()
            .filter_map(|(name, n)| n.map(|n| format!("{name} {n}")));
        let all: Vec<_> = all.collect();
        if !all.is_empty() {
            words += &format!(" ({})", all.join(", "));
        }
    }
    words
}

/// Keys as they are called: a format with one register gives it no name.
pub fn keys(history: &History, keys: &[KeyId]) -> String {
    let names = keys.iter().map(|key| match name(history, *key) {
        name if name.is_empty() => "the register".to_owned(),
        name => name,
    });
    let mut names: Vec<_> = names.take(6).collect();
    if keys.len() > 6 {
        names.push(format!("and {} more", keys.len() - 6));
    }
    names.join(", ")
}

fn compare(history: &History, compare: &Compare) -> String {
    let op = match compare.op {
        CompareOp::Equal => "=",
        CompareOp::NotEqual => "!=",
        CompareOp::Less => "<",
        CompareOp::Greater => ">",
    };
    let key = name(history, compare.key);
    match compare.with {
        CompareWith::Value(id) => format!("{key} {op} {}", value(history, id)),
        CompareWith::Version(n) => format!("version of {key} {op} {n}"),
        CompareWith::ModRevision(n) => format!("mod revision of {key} {op} {n}"),
        CompareWith::CreateRevision(n) => format!("create revision of {key} {op} {n}"),
    }
}

fn name(history: &History, key: KeyId) -> String {
    cut(history.keys.get(key.0))
}

/// A value: a text that is nothing but a number or a word stands as it is.
pub fn value(history: &History, id: ValueId) -> String {
    let text = history.values.get(id.0);
    let plain = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:;".contains(&byte));
    // Notations have marks of their own around what is no plain word.
    let marked = text.starts_with(['"', '[', '{', '#', '(']);
    match plain || marked {
        true => cut(text),
        false => format!("{:?}", cut(text)),
    }
}

/// Without the middle of what is too long: values that grow by appending differ
/// at their ends.
fn cut(text: &str) -> String {
    let length = text.chars().count();
    if length <= LENGTH_MAX {
        return text.to_owned();
    }
    let head: String = text.chars().take(LENGTH_MAX / 3).collect();
    let tail: String = text.chars().skip(length - LENGTH_MAX * 2 / 3).collect();
    format!("{head}...{tail}")
}
