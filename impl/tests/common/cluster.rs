//! A cluster that does one thing at a time, when it is told to, and says what
//! it did.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use plimsoll_raft::core::{
    Change, Configuration, Index, Input, Message, NodeId, OpId, Options, Raft, Refused, Stored,
    Transition,
};
use plimsoll_raft::sim::{Disk, Loss};

use super::n;

type Link = (NodeId, NodeId);

struct Node {
    raft: Raft,
    disk: Disk,
    /// Messages that wait for the disk.
    outbox: Vec<Message>,
}

/// Servers, what is on its way between them, and what happened since it was
/// last asked for.
pub(crate) struct Cluster {
    options: Options,
    nodes: BTreeMap<NodeId, Node>,
    network: BTreeMap<Link, VecDeque<Message>>,
    told: String,
}

impl Cluster {
    /// So many voters, and spare nodes that begin with nothing.
    pub(crate) fn new(count: u32, spare: u32, options: Options) -> Self {
        let ids: Vec<_> = (1..=count).map(n).collect();
        let (stored, configuration) = Stored::bootstrap(&ids);
        let mut cluster = Self {
            options,
            nodes: BTreeMap::new(),
            network: BTreeMap::new(),
            told: String::new(),
        };
        for id in ids {
            cluster.start(id, Disk::new(stored.clone()), configuration.clone());
            cluster.apply(id, None);
        }
        for id in (count + 1..=count + spare).map(n) {
            cluster.start(id, Disk::default(), Configuration::default());
        }
        cluster.told.clear();
        cluster
    }

    /// Does what a line of a script says, and tells what happened.
    pub(crate) fn command(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["campaign", id] => self.step(node(id), Input::Campaign),
            ["tick", id] => self.step(node(id), Input::Tick),
            ["tick", id, count] => {
                for _ in 0..number(count) {
                    self.step(node(id), Input::Tick);
                }
            }
            ["write", id, op] => {
                let command = op.as_bytes().into();
                let op = operation(op);
                self.step(node(id), Input::Write { op, command });
            }
            ["read", id, op] => self.step(node(id), Input::Read { op: operation(op) }),
            ["change", id, ref what @ ..] => {
                self.step(node(id), Input::Change(parse_change(what)));
            }
            ["transfer", id, to] => self.step(node(id), Input::Transfer { to: node(to) }),
            ["compact", id, index] => {
                let index = Index::new(number(index));
                let data = (*b"state").into();
                self.step(node(id), Input::Compact { index, data });
            }
            ["sync", id] => self.sync(node(id)),
            ["apply", id] => self.apply(node(id), None),
            ["apply", id, index] => self.apply(node(id), Some(Index::new(number(index)))),
            ["deliver", link] => self.deliver(parse_link(link), usize::MAX),
            ["deliver", link, count] => {
                let count = usize::try_from(number(count)).expect("small");
                self.deliver(parse_link(link), count);
            }
            ["drop", link] => {
                let lost = self.network.remove(&parse_link(link));
                for message in lost.into_iter().flatten() {
                    self.tell(&format!("lost {message}"));
                }
            }
            ["duplicate", link] => {
                let link = self.network.entry(parse_link(link)).or_default();
                let first = link.front().expect("a message to duplicate").clone();
                link.push_front(first);
            }
            ["restart", id] => self.restart(node(id), Loss::Nothing),
            ["restart", id, "losing", "all"] => self.restart(node(id), Loss::All),
            ["restart", id, "keeping", entries] => {
                let entries = usize::try_from(number(entries)).expect("small");
                self.restart(node(id), Loss::Part { writes: 0, entries });
            }
            ["elect", id] => {
                self.step(node(id), Input::Campaign);
                self.settle(&[]);
                self.told.clear();
                self.tell_status(node(id));
            }
            ["settle"] => self.settle(&[]),
            ["settle", "without", ref cut @ ..] => {
                let cut: Vec<_> = cut.iter().map(|id| node(id)).collect();
                self.settle(&cut);
            }
            ["status"] => {
                let ids: Vec<_> = self.nodes.keys().copied().collect();
                ids.into_iter().for_each(|id| self.tell_status(id));
            }
            ["status", id] => self.tell_status(node(id)),
            ["log", id] => {
                let entries = self.nodes[&node(id)].raft.log().entries().iter();
                let shown = entries.map(|e| format!("@{}:{}", e.term, e.payload));
                let shown = shown.collect::<Vec<_>>().join(" ");
                self.tell(&shown);
            }
            _ => panic!("no such command: {line}"),
        }
        if self.told.is_empty() {
            self.tell("nothing");
        }
        std::mem::take(&mut self.told)
    }

    fn tell(&mut self, what: &str) {
        writeln!(self.told, "{what}").expect("a string takes all");
    }

    fn tell_status(&mut self, id: NodeId) {
        let status = self.nodes[&id].raft.to_string();
        self.tell(&status);
    }

    fn step(&mut self, id: NodeId, input: Input) {
        let quiet = input == Input::Tick;
        let shown = format!("{id} {input}");
        let node = self.nodes.get_mut(&id).expect("a node of the cluster");
        let stepped: Result<_, Refused> = node.raft.step(input);
        let output = match stepped {
            Ok(output) => output,
            Err(refused) => return self.tell(&format!("{shown}\n  refused: {refused}")),
        };
        if quiet && output.is_empty() {
            return;
        }
        let lines = output.to_string().replace('\n', "\n  ");
        let nothing = output.is_empty();
        node.disk
            .write(output.hard_state, output.snapshot, output.log);
        node.outbox.extend(output.messages);
        if nothing {
            self.tell(&shown);
        } else {
            self.tell(&format!("{shown}\n  {lines}"));
        }
    }

    /// Makes a node's writes durable, lets its messages go, and tells it.
    fn sync(&mut self, id: NodeId) {
        let node = self.nodes.get_mut(&id).expect("a node of the cluster");
        node.disk.sync();
        let durable = node.disk.durable();
        for message in std::mem::take(&mut node.outbox) {
            let link = (message.from, message.to);
            self.network.entry(link).or_default().push_back(message);
        }
        self.step(id, Input::Persisted(durable));
    }

    fn apply(&mut self, id: NodeId, until: Option<Index>) {
        let commit = self.nodes[&id].disk.durable().hard_state.commit;
        self.step(id, Input::Applied(until.unwrap_or(commit)));
    }

    fn deliver(&mut self, link: Link, count: usize) {
        for _ in 0..count {
            let Some(message) = self.network.entry(link).or_default().pop_front() else {
                break;
            };
            self.step(link.1, Input::Receive(message));
        }
    }

    fn start(&mut self, id: NodeId, disk: Disk, configuration: Configuration) {
        let options = Options {
            election_seed: id.get().into(),
            ..self.options.clone()
        };
        let raft = Raft::new(id, options, disk.stored().clone(), configuration);
        let node = Node {
            raft: raft.expect("a sound server"),
            disk,
            outbox: Vec::new(),
        };
        self.nodes.insert(id, node);
    }

    fn restart(&mut self, id: NodeId, loss: Loss) {
        let mut node = self.nodes.remove(&id).expect("a node of the cluster");
        node.disk.crash(loss);
        for message in node.outbox {
            self.tell(&format!("never sent {message}"));
        }
        let configuration = node.disk.stored().log.snapshot().configuration.clone();
        self.start(id, node.disk, configuration);
        self.tell_status(id);
    }

    /// Syncs, delivers and applies, in the order of the nodes, until nothing
    /// is left to do. Tells nothing of syncs from which nothing follows. Messages from and to the nodes that are cut off are lost.
    fn settle(&mut self, cut: &[NodeId]) {
        loop {
            let mut settled = true;
            let ids: Vec<_> = self.nodes.keys().copied().collect();
            for &id in ids.iter().filter(|id| !cut.contains(id)) {
                let node = &self.nodes[&id];
                if node.disk.is_dirty() || !node.outbox.is_empty() {
                    settled = false;
                    self.unless_quiet(|cluster| cluster.sync(id));
                }
                let node = &self.nodes[&id];
                if node.disk.durable().hard_state.commit > node.raft.applied() {
                    settled = false;
                    self.unless_quiet(|cluster| cluster.apply(id, None));
                }
            }
            for (link, messages) in std::mem::take(&mut self.network) {
                for message in messages {
                    settled = false;
                    if cut.contains(&link.0) || cut.contains(&link.1) {
                        self.tell(&format!("lost {message}"));
                    } else {
                        self.step(link.1, Input::Receive(message));
                    }
                }
            }
            if settled {
                return;
            }
        }
    }

    /// Does something, and tells of it only if more than the input is to tell.
    fn unless_quiet(&mut self, act: impl FnOnce(&mut Self)) {
        let before = self.told.len();
        act(self);
        if self.told[before..].lines().count() == 1 {
            self.told.truncate(before);
        }
    }
}

fn node(word: &str) -> NodeId {
    n(u32::try_from(number(word)).expect("a node's number"))
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("no number: {word}"))
}

fn parse_link(word: &str) -> Link {
    let (from, to) = word.split_once("->").expect("a link, such as 1->2");
    (node(from), node(to))
}

/// `+4 ~5 -2`, and for more than one voter `joint`, `joint-until-told` or
/// `leave`.
fn parse_change(words: &[&str]) -> Change {
    let (mut voters, mut learners, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    let mut transition = Transition::Simple;
    for word in words {
        match (*word, word.split_at(1)) {
            ("joint", _) => transition = Transition::Joint { auto_leave: true },
            ("joint-until-told", _) => transition = Transition::Joint { auto_leave: false },
            ("leave", _) => transition = Transition::Leave,
            (_, ("+", id)) => voters.push(node(id)),
            (_, ("~", id)) => learners.push(node(id)),
            (_, ("-", id)) => removed.push(node(id)),
            _ => panic!("no such change: {word}"),
        }
    }
    Change::new(voters, learners, removed, transition).expect("servers named once")
}

fn operation(word: &str) -> OpId {
    let (client, sequence) = word.split_once('.').expect("an operation, such as 5.1");
    OpId::new(number(client), number(sequence))
}
