//! Mutants: a run with one line changed.

use serde_json::{Value, json};

use crate::run::Run;

/// A field of a line that can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Term,
    Vote,
    Commit,
    Log,
    MessageTerm,
    MessageLogTerm,
    MessageIndex,
    MessageCommit,
    MessageReject,
    MessageHint,
    MessageEntries,
}

impl Field {
    pub(crate) const ALL: [Field; 11] = [
        Field::Term,
        Field::Vote,
        Field::Commit,
        Field::Log,
        Field::MessageTerm,
        Field::MessageLogTerm,
        Field::MessageIndex,
        Field::MessageCommit,
        Field::MessageReject,
        Field::MessageHint,
        Field::MessageEntries,
    ];

    fn pointer(self) -> &'static str {
        match self {
            Field::Term => "/event/state/term",
            Field::Vote => "/event/state/vote",
            Field::Commit => "/event/state/commit",
            Field::Log => "/event/log",
            Field::MessageTerm => "/event/msg/term",
            Field::MessageLogTerm => "/event/msg/logTerm",
            Field::MessageIndex => "/event/msg/index",
            Field::MessageCommit => "/event/msg/commit",
            Field::MessageReject => "/event/msg/reject",
            Field::MessageHint => "/event/msg/rejectHint",
            Field::MessageEntries => "/event/msg/entries",
        }
    }

    pub(crate) fn is_message(self) -> bool {
        self >= Field::MessageTerm
    }
}

/// What was done to a run.
#[derive(Clone, Debug)]
pub(crate) enum Mutation {
    /// A field of a line has another value.
    Change(Field, Value),
    /// The line is missing.
    Drop,
    /// The line stands there twice.
    Duplicate,
    /// The line and the next one of its node have changed places.
    Swap,
}

/// A mutation at a line.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    pub line: usize,
    pub mutation: Mutation,
}

impl Mutant {
    /// What is compared when samples are taken: the mutation and the kind of line.
    pub(crate) fn class(&self, run: &Run) -> String {
        format!("{} of {}", self.what(), run.events[self.line].kind())
    }

    /// The mutation in a word.
    pub(crate) fn what(&self) -> String {
        match &self.mutation {
            Mutation::Change(field, _) => format!("change {field:?}"),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    /// Every mutant of `run`, in the order of its lines.
    pub(crate) fn all(run: &Run) -> Vec<Mutant> {
        let mut nodes: Vec<&str> = run.events.iter().map(|e| e.node.as_str()).collect();
        nodes.push("0");
        nodes.sort_unstable();
        nodes.dedup();
        let mut found = Vec::new();
        for (line, value) in run.values.iter().enumerate() {
            let mut push = |mutation| found.push(Mutant { line, mutation });
            for field in Field::ALL {
                let Some(old) = value.pointer(field.pointer()) else {
                    continue;
                };
                for new in others(old, &nodes) {
                    push(Mutation::Change(field, new));
                }
            }
            push(Mutation::Drop);
            push(Mutation::Duplicate);
            if run.after[line].is_some() {
                push(Mutation::Swap);
            }
        }
        found
    }

    /// The lines of the mutant from `self.line` on.
    pub(crate) fn lines<'a>(&self, run: &'a Run) -> impl Iterator<Item = (usize, Value)> + 'a {
        let line = self.line;
        let partner = run.after[line];
        let mutation = self.mutation.clone();
        let tail = (line..run.values.len()).flat_map(move |k| {
            let own = &run.values[k];
            match &mutation {
                Mutation::Change(field, new) if k == line => {
                    let mut changed = own.clone();
                    if let Some(place) = changed.pointer_mut(field.pointer()) {
                        *place = new.clone();
                    }
                    vec![changed]
                }
                Mutation::Drop if k == line => vec![],
                Mutation::Duplicate if k == line => vec![own.clone(), own.clone()],
                Mutation::Swap if k == line => vec![run.values[partner.unwrap_or(k)].clone()],
                Mutation::Swap if Some(k) == partner => vec![run.values[line].clone()],
                _ => vec![own.clone()],
            }
        });
        tail.enumerate().map(move |(n, value)| (line + n, value))
    }

    /// Where line `k` of the run, behind the mutated one, stands in the mutant.
    pub(crate) fn moved(&self, k: usize) -> usize {
        match self.mutation {
            Mutation::Drop => k - 1,
            Mutation::Duplicate => k + 1,
            _ => k,
        }
    }
}

/// The values that take the place of `old`: one more and one less, the other
/// bit, the other nodes.
fn others(old: &Value, nodes: &[&str]) -> Vec<Value> {
    match old {
        Value::Number(n) => {
            let n = n.as_u64().unwrap_or_default();
            let less = n.checked_sub(1).map(Value::from);
            std::iter::once(Value::from(n + 1)).chain(less).collect()
        }
        Value::Bool(bit) => vec![json!(!bit)],
        Value::String(name) => {
            let other = nodes.iter().filter(|node| *node != name);
            other.map(|node| json!(node)).collect()
        }
        _ => Vec::new(),
    }
}
