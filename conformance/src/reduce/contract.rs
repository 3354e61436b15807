//! Whether a run without one of its lines is judged with the same storage
//! contract: in a trace of etcd-io/raft its lines tell that.

use std::collections::HashMap;

use super::search::Search;
use crate::adapters::etcd_raft::{self, Own};
use crate::replay::runner::Event;
use crate::replay::whole::Whole;

/// What each node has acknowledged to itself before a line.
#[derive(Default)]
pub(super) struct Contract {
    nodes: HashMap<String, Own>,
    /// Where each node first shows that storage is asynchronous.
    shown: HashMap<String, usize>,
}

impl Contract {
    /// At the beginning of `kept`.
    pub(super) fn new(search: &Search<'_>, kept: &[Event]) -> Self {
        let mut contract = Contract::default();
        contract.look(search, kept);
        contract
    }

    /// Whether a line shows that storage is asynchronous.
    pub(super) fn is_shown(&self) -> bool {
        !self.shown.is_empty()
    }

    /// Looks through `kept` for who shows what.
    pub(super) fn look(&mut self, search: &Search<'_>, kept: &[Event]) {
        self.shown.clear();
        let mut nodes: HashMap<&str, Own> = HashMap::new();
        for (at, line) in kept.iter().enumerate() {
            let Some(event) = of(search, *line) else {
                continue;
            };
            let node = event.nid.as_str();
            if !self.shown.contains_key(node) && nodes.entry(node).or_default().shows(event) {
                self.shown.insert(node.to_owned(), at);
            }
        }
    }

    /// Goes on behind `event`.
    pub(super) fn pass(&mut self, search: &Search<'_>, event: Event) {
        if let Some(event) = of(search, event) {
            let own = self.nodes.entry(event.nid.as_str().to_owned());
            own.or_default().shows(event);
        }
    }

    /// Whether `kept` without the line at `at`, which comes next, is judged with
    /// the contract of `kept`; and which line shows that, by its place in the file.
    pub(super) fn keeps(&self, search: &Search<'_>, kept: &[Event], at: usize) -> (bool, usize) {
        if search.options.given.storage.is_some() {
            return (true, 0);
        }
        let Some(event) = of(search, kept[at]) else {
            return (true, 0);
        };
        let node = event.nid.as_str();
        let mut with = self.nodes.get(node).copied().unwrap_or_default();
        let mut less = with;
        let rest = kept[at + 1..].iter();
        let rest = rest.filter_map(|line| of(search, *line).map(|event| (line.1, event)));
        let rest = rest.filter(|(_, other)| other.nid == event.nid);
        if search.queued {
            let is_left = |(other, shown): &(&String, &usize)| *other != node || **shown < at;
            let left = self.shown.iter().filter(is_left);
            if let Some(shown) = left.map(|(_, shown)| kept[*shown].1).min() {
                return (true, shown);
            }
            // Behind it, at its own node, if at all. Once both countings agree the
            // same line shows it.
            let mut same = self.shown.get(node).filter(|shown| **shown > at);
            with.shows(event);
            for (place, other) in rest {
                if let Some(shown) = same.filter(|_| with == less) {
                    return (true, kept[*shown].1);
                }
                let was_shown = with.shows(other);
                if less.shows(other) {
                    return (true, place);
                }
                same = same.filter(|_| !was_shown);
            }
            return (false, usize::MAX);
        }
        // Nothing shows it; without the line something may, at the same node. Two
        // countings soon agree again.
        let mut last = kept[at].1;
        with.shows(event);
        for (place, other) in rest {
            if with == less {
                return (true, last);
            }
            with.shows(other);
            if less.shows(other) {
                return (false, place);
            }
            last = place;
        }
        (true, usize::MAX)
    }
}

fn of<'a>(search: &'a Search<'_>, (file, event): Event) -> Option<&'a etcd_raft::Event> {
    match &search.files[file] {
        Whole::Lines(lines) => lines.get(event).map(|(event, _)| event),
        Whole::Steps(..) => None,
    }
}
