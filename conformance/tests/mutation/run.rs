//! A recorded run of the corpus, read without any code of the judge, and taken
//! apart into handlers by the facts of the format alone.

use std::collections::BTreeMap;

use plimsoll::corpus::Entry;
use serde_json::Value;

/// What a line shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub name: String,
    pub node: String,
    pub state: State,
    pub message: Option<Message>,
    /// What an applied configuration lists.
    pub newconf: Vec<String>,
}

/// The node's state in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub term: u64,
    pub vote: String,
    pub commit: u64,
    pub role: String,
    pub log: u64,
    pub conf: Vec<String>,
}

/// The message in a line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Message {
    pub kind: String,
    pub from: String,
    pub to: String,
    pub term: u64,
    pub entries: u64,
    pub log_term: u64,
    pub index: u64,
    pub commit: u64,
    pub reject: bool,
    pub hint: u64,
}

impl Message {
    pub(crate) fn is_own(&self) -> bool {
        self.from == self.to
    }
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().expect("a number")
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().expect("a text").to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.map(|v| v.as_str().expect("a text").to_owned())
        .collect()
}

impl Event {
    pub(crate) fn of(line: &Value) -> Event {
        let event = &line["event"];
        let message = event.get("msg").map(|m| Message {
            kind: text(m, "type"),
            from: text(m, "from"),
            to: text(m, "to"),
            term: number(m, "term"),
            entries: number(m, "entries"),
            log_term: number(m, "logTerm"),
            index: number(m, "index"),
            commit: number(m, "commit"),
            reject: m["reject"].as_bool().expect("a bit"),
            hint: number(m, "rejectHint"),
        });
        Event {
            name: text(event, "name"),
            node: text(event, "nid"),
            state: State {
                term: number(&event["state"], "term"),
                vote: text(&event["state"], "vote"),
                commit: number(&event["state"], "commit"),
                role: text(event, "role"),
                log: number(event, "log"),
                conf: texts(&event["conf"][0]),
            },
            message,
            newconf: texts(&event["prop"]["cc"]["newconf"]),
        }
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    pub(crate) fn is_receive(&self) -> bool {
        self.name.starts_with("Receive")
    }

    pub(crate) fn is_send(&self) -> bool {
        self.name.starts_with("Send")
    }

    /// The kind of event, told apart by the kind of its message.
    pub(crate) fn kind(&self) -> String {
        match &self.message {
            Some(m) if m.is_own() => format!("{} {} to itself", self.name, m.kind),
            Some(m) => format!("{} {}", self.name, m.kind),
            None => self.name.clone(),
        }
    }

    /// Whether a node sends this of its own accord: how often, and which range
    /// of its log, is free.
    pub(crate) fn is_free_send(&self) -> bool {
        self.is("SendAppendEntriesRequest")
    }
}

/// A run, and how its lines hang together.
pub(crate) struct Run {
    pub name: &'static str,
    pub values: Vec<Value>,
    pub events: Vec<Event>,
    /// The node's line before.
    pub before: Vec<Option<usize>>,
    /// The node's line after.
    pub after: Vec<Option<usize>>,
    /// The line whose handler a line belongs to: itself for a cause.
    pub cause: Vec<usize>,
    /// The `InitState` of the incarnation.
    pub boot: Vec<usize>,
    /// Index to term, of everything that was applied anywhere.
    pub applied: BTreeMap<u64, u64>,
    /// The line of an `InitState` to how many configurations were applied after.
    pub configurations: BTreeMap<usize, usize>,
}

impl Run {
    /// The run in `entry`, with `applied` from beside it.
    pub(crate) fn of(entry: &Entry, applied: &[u8]) -> Run {
        let values: Vec<Value> = crate::lines(entry.name, entry.bytes)
            .iter()
            .map(|line| serde_json::from_slice(line).expect("a JSON line"))
            .collect();
        let events: Vec<Event> = values.iter().map(Event::of).collect();
        let count = events.len();
        let mut run = Run {
            name: entry.name,
            values,
            events,
            before: vec![None; count],
            after: vec![None; count],
            cause: (0..count).collect(),
            boot: vec![0; count],
            applied: BTreeMap::new(),
            configurations: BTreeMap::new(),
        };
        run.link();
        run.read_applied(applied);
        run
    }

    fn link(&mut self) {
        let mut last: BTreeMap<String, usize> = BTreeMap::new();
        for i in 0..self.events.len() {
            let node = self.events[i].node.clone();
            self.before[i] = last.insert(node, i);
            self.boot[i] = i;
            if let Some(before) = self.before[i] {
                self.after[before] = Some(i);
                if !self.events[i].is("InitState") {
                    self.boot[i] = self.boot[before];
                }
                if self.is_effect(i, before) {
                    self.cause[i] = self.cause[before];
                }
            }
        }
    }

    /// Whether line `i` shows a consequence of the handler that `before`, the
    /// node's line before, is part of.
    fn is_effect(&self, i: usize, before: usize) -> bool {
        let (event, last) = (&self.events[i], &self.events[before]);
        match event.name.as_str() {
            "InitState" | "Ready" | "BecomeCandidate" | "SendAppendEntriesRequest" => false,
            "ApplyConfChange" => self.is_booting(before),
            "Replicate" => last.is("BecomeLeader") || last.is("Replicate"),
            name => !name.starts_with("Receive"),
        }
    }

    /// Whether the boot that line `at` is part of goes on after it: first the
    /// configuration, then the restored state, then, if nothing was stored, the
    /// first term and one configuration a node.
    fn is_booting(&self, at: usize) -> bool {
        let start = self.boot[at];
        let place = (0..=at).filter(|&k| self.boot[k] == start).count();
        let first = &self.events[start];
        let zero = first.state.log == 0 && self.before[start].is_none();
        match place {
            1 | 2 => true,
            3 => zero && self.events[at].newconf.is_empty() && self.is_bootstrapped(start),
            4 => zero && self.is_bootstrapped(start),
            n => self.is_bootstrapped(start) && n < 4 + self.bootstrap_entries(start),
        }
    }

    fn nth_of_boot(&self, start: usize, n: usize) -> Option<usize> {
        (start..self.events.len())
            .filter(|&k| self.events[k].node == self.events[start].node)
            .nth(n)
    }

    fn is_bootstrapped(&self, start: usize) -> bool {
        self.before[start].is_none()
            && self.nth_of_boot(start, 3).is_some_and(|k| {
                let event = &self.events[k];
                event.is("BecomeFollower") && event.state.term == 1 && event.state.log == 0
            })
    }

    fn bootstrap_entries(&self, start: usize) -> usize {
        let first = self.nth_of_boot(start, 4);
        first.map_or(0, |k| self.events[k].state.log as usize)
    }

    fn read_applied(&mut self, bytes: &[u8]) {
        let nodes: Value = serde_json::from_slice(bytes).expect("applied.json");
        for incarnation in nodes.as_object().expect("nodes").values().flat_map(|list| {
            let list = list.as_array().expect("incarnations");
            list.clone()
        }) {
            let mut configurations = 0;
            for entry in incarnation["entries"].as_array().into_iter().flatten() {
                let pair = (entry[0].as_u64(), entry[1].as_u64());
                let (Some(index), Some(term)) = pair else {
                    panic!("an index and a term: {entry}");
                };
                let known = self.applied.insert(index, term);
                assert!(known.is_none_or(|known| known == term), "{entry}");
                let kind = entry[2].as_str().expect("a kind");
                configurations += usize::from(kind.starts_with('C'));
            }
            let at = number(&incarnation, "at_event") as usize;
            self.configurations.insert(at, configurations);
        }
    }

    /// The lines of a node between two lines, both left out.
    pub(crate) fn is_boot(&self, i: usize) -> bool {
        self.events[self.cause[i]].is("InitState")
    }

    /// The consequences of line `i`, a cause.
    pub(crate) fn effects(&self, i: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = self.after[i];
        while let Some(k) = at.filter(|&k| self.cause[k] == i) {
            found.push(k);
            at = self.after[k];
        }
        found
    }

    /// The lines of the node of `i` after it, nearest first.
    pub(crate) fn later(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.after[i], |&k| self.after[k])
    }

    /// The lines of the node of `i` before it, nearest first.
    pub(crate) fn earlier(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.before[i], |&k| self.before[k])
    }
}
