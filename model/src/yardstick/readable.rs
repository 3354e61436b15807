//! A state to read: the variables of `raft.tla`, packed and unpacked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::bag::Bag;
use super::head::Head;
use super::layout::Layout;
use super::message::Message;
use super::word::PAD;

/// The values of `state`, as numbers of a core.
pub(super) mod role {
    pub(crate) const FOLLOWER: u64 = 0;
    pub(crate) const CANDIDATE: u64 = 1;
    pub(crate) const LEADER: u64 = 2;
}

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "Raft's own names")]
pub enum Role {
    Follower,
    Candidate,
    Leader,
}

/// An entry of a log. Values count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// The term of the leader that took it.
    pub term: u64,
    /// What the client asked for.
    pub value: u64,
}

impl Entry {
    /// The entry as it is written, at `index` of a log.
    pub(super) fn at(self, index: u64) -> String {
        format!("{index}@{}=v{}", self.term, self.value + 1)
    }
}

/// The variables of one server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Server {
    /// `currentTerm`
    pub term: u64,
    /// `state`
    pub role: Role,
    /// `votedFor`
    pub voted_for: Option<usize>,
    /// `votesResponded`
    pub votes_responded: BTreeSet<usize>,
    /// `votesGranted`
    pub votes_granted: BTreeSet<usize>,
    /// `log`
    pub log: Vec<Entry>,
    /// `commitIndex`
    pub commit_index: u64,
    /// `nextIndex`
    pub next_index: Vec<u64>,
    /// `matchIndex`
    pub match_index: Vec<u64>,
}

/// A state: all variables of `raft.tla` but its history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State {
    /// Every server.
    pub servers: Vec<Server>,
    /// `messages`: how many copies of each.
    pub messages: BTreeMap<Message, usize>,
}

impl State {
    /// `Init` for `servers` servers.
    pub fn initial(servers: usize) -> Self {
        let server = Server {
            term: 1,
            role: Role::Follower,
            voted_for: None,
            votes_responded: BTreeSet::new(),
            votes_granted: BTreeSet::new(),
            log: Vec::new(),
            commit_index: 0,
            next_index: vec![1; servers],
            match_index: vec![0; servers],
        };
        State {
            servers: vec![server; servers],
            messages: BTreeMap::new(),
        }
    }
}

fn set(bits: u64) -> BTreeSet<usize> {
    (0..u64::BITS as usize)
        .filter(|i| bits >> i & 1 == 1)
        .collect()
}

fn bits(set: &BTreeSet<usize>) -> u64 {
    set.iter().fold(0, |bits, i| bits | 1 << i)
}

impl Layout {
    /// Packs `state`, which is within the bounds of this layout.
    pub(super) fn pack(&self, state: &State) -> Vec<u8> {
        let mut packed = vec![0; self.len + PAD];
        for (i, server) in state.servers.iter().enumerate() {
            let base = self.base(i);
            let core = self.core.term.of(server.term)
                | self.core.role.of(match server.role {
                    Role::Follower => role::FOLLOWER,
                    Role::Candidate => role::CANDIDATE,
                    Role::Leader => role::LEADER,
                })
                | self
                    .core
                    .vote
                    .of(server.voted_for.map_or(0, |j| j as u64 + 1))
                | self.core.responded.of(bits(&server.votes_responded))
                | self.core.granted.of(bits(&server.votes_granted))
                | self.core.commit.of(server.commit_index)
                | self.core.len.of(server.log.len() as u64);
            let mut head = Head {
                core,
                ..Head::default()
            };
            for j in 0..self.servers {
                head.next |= self.peer(j).of(server.next_index[j] - 1);
                head.matched |= self.peer(j).of(server.match_index[j]);
            }
            let (blank, word) = self.heads.read(&packed, base);
            self.heads.write(&mut packed, base, word, &blank, &head);
            for (index, entry) in (1..).zip(&server.log) {
                let word = self.entry.term.of(entry.term) | self.entry.value.of(entry.value);
                self.entry_at(index).flip(&mut packed, base, word);
            }
        }
        let copies = state.messages.iter();
        let copies = copies.flat_map(|(m, &n)| std::iter::repeat_n(self.message.encode(m), n));
        let mut copies: Vec<_> = copies.collect();
        copies.sort_unstable();
        for (slot, message) in copies.into_iter().enumerate() {
            self.set_slot(&mut packed, slot, message);
        }
        packed.truncate(self.len);
        packed
    }

    /// The state that `packed` is.
    pub(super) fn unpack(&self, packed: &[u8]) -> State {
        assert_eq!(packed.len(), self.len, "a state of these bounds");
        let mut padded = packed.to_vec();
        padded.resize(self.len + PAD, 0);
        let servers = (0..self.servers).map(|i| self.unpack_server(&padded, i));
        let mut bag = Bag::new(self, self.slots);
        bag.read(self, &padded);
        let mut messages = BTreeMap::new();
        for slot in 0..bag.held() {
            *messages
                .entry(self.message.decode(bag.message(slot)))
                .or_insert(0) += 1;
        }
        State {
            servers: servers.collect(),
            messages,
        }
    }

    fn unpack_server(&self, packed: &[u8], i: usize) -> Server {
        let base = self.base(i);
        let (head, _) = self.heads.read(packed, base);
        let core = head.core;
        let log = (1..=self.core.len.get(core)).map(|index| {
            let entry = self.entry_at(index).get(packed, base);
            Entry {
                term: self.entry.term.get(entry),
                value: self.entry.value.get(entry),
            }
        });
        let peers = 0..self.servers;
        Server {
            term: self.core.term.get(core),
            role: match self.core.role.get(core) {
                role::FOLLOWER => Role::Follower,
                role::CANDIDATE => Role::Candidate,
                _ => Role::Leader,
            },
            voted_for: (self.core.vote.get(core) as usize).checked_sub(1),
            votes_responded: set(self.core.responded.get(core)),
            votes_granted: set(self.core.granted.get(core)),
            log: log.collect(),
            commit_index: self.core.commit.get(core),
            next_index: (peers.clone().map(|j| self.peer(j).get(head.next) + 1)).collect(),
            match_index: peers.map(|j| self.peer(j).get(head.matched)).collect(),
        }
    }
}

/// Names of servers, as `{n1 n3}`.
fn names(servers: &BTreeSet<usize>) -> String {
    let names: Vec<_> = servers.iter().map(|i| format!("n{}", i + 1)).collect();
    format!("{{{}}}", names.join(" "))
}

/// Numbers, as `[1 2 1]`.
fn list(numbers: &[u64]) -> String {
    let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
    format!("[{}]", numbers.join(" "))
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, server) in self.servers.iter().enumerate() {
            write!(f, "n{}@{} {:?}", i + 1, server.term, server.role)?;
            match server.voted_for {
                Some(j) => write!(f, " vote=n{}", j + 1)?,
                None => write!(f, " vote=-")?,
            }
            write!(f, " responded={}", names(&server.votes_responded))?;
            write!(f, " granted={}", names(&server.votes_granted))?;
            let log: Vec<_> = (1..).zip(&server.log).map(|(i, e)| e.at(i)).collect();
            write!(f, " log=[{}] commit={}", log.join(" "), server.commit_index)?;
            write!(f, " next={}", list(&server.next_index))?;
            writeln!(f, " match={}", list(&server.match_index))?;
        }
        for (message, copies) in &self.messages {
            write!(f, "{message}")?;
            if *copies > 1 {
                write!(f, " x{copies}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
