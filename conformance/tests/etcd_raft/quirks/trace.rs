//! A correct trace, and what becomes of it once one line is another.

use plimsoll::adapters::etcd_raft::Given;
use plimsoll_model::settings::Storage;
use serde_json::Value;

use crate::{Found, entry, found, found_given, lines};

/// A correct trace of the corpus.
pub(super) struct Trace(pub(super) Vec<Value>);

impl Trace {
    pub(super) fn of(name: &str) -> Trace {
        let lines = lines(entry(name));
        assert_eq!(found(&lines), Found::Conforms, "{name}");
        Trace(lines)
    }

    /// The same, of a run with asynchronous storage.
    pub(super) fn of_async(name: &str) -> Trace {
        let lines = lines(entry(name));
        let given = Given {
            storage: Some(Storage::Async),
            ..Given::default()
        };
        assert_eq!(found_given(&lines, &given), Found::Conforms, "{name}");
        Trace(lines)
    }

    pub(super) fn event(&self, at: usize) -> &Value {
        &self.0[at]["event"]
    }

    /// The first event from `start` on that is as `wanted`.
    pub(super) fn find(&self, start: usize, wanted: impl Fn(&Value) -> bool) -> usize {
        let mut places = start..self.0.len();
        places
            .find(|&at| wanted(self.event(at)))
            .expect("an event of the kind")
    }

    /// The next event of the same node.
    pub(super) fn next(&self, at: usize) -> usize {
        self.find(at + 1, |e| e["nid"] == self.event(at)["nid"])
    }

    /// What is found once the field at `path` in event `at` is `value`.
    pub(super) fn with(&self, at: usize, path: &str, value: Value) -> Found {
        let mut changed = self.0.clone();
        *changed[at]["event"].pointer_mut(path).expect("a field") = value;
        found(&changed)
    }

    pub(super) fn without(&self, at: usize) -> Found {
        let mut changed = self.0.clone();
        changed.remove(at);
        found(&changed)
    }

    /// What is found once event `from` stands where `to` stood.
    pub(super) fn moved(&self, from: usize, to: usize) -> Found {
        let mut changed = self.0.clone();
        let line = changed.remove(from);
        changed.insert(to, line);
        found(&changed)
    }

    pub(super) fn twice(&self, at: usize) -> Found {
        let mut changed = self.0.clone();
        changed.insert(at, changed[at].clone());
        found(&changed)
    }
}

pub(super) fn is(event: &Value, name: &str, kind: &str) -> bool {
    event["name"] == name && event["msg"]["type"] == kind
}

pub(super) fn own(event: &Value) -> bool {
    event["msg"]["from"] == event["msg"]["to"]
}

#[track_caller]
pub(super) fn diverges(found: Found, at: usize) {
    assert!(
        matches!(&found, Found::Diverges(event, _) if *event == at),
        "{at}: {found:?}"
    );
}
