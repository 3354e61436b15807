//! One server: raft-rs's `RawNode` with the application around it, and the one
//! place that writes lines.
//!
//! Whatever is handed to raft-rs is one step, and ends in `Node::step`
//! ([`ending`]).

mod ending;

use std::collections::{BTreeSet, VecDeque};

use plimsoll_trace::{Cause, Sequencer};
use raft::prelude::*;
use raft::{RawNode, StateRole};
use slog::Logger;

use crate::cluster::{Envelope, World};
use crate::disk::{Disk, Write};
use crate::plan::{Bug, Plan};
use crate::record::{self, name};
use ending::Step;

/// Minimum election timeout, in ticks.
const ELECTION_TICKS: usize = 6;

/// A write under way, and what waits for it.
#[derive(Debug, Default)]
struct Held {
    /// The `Ready` that it belongs to, and all before.
    number: Option<u64>,
    messages: Vec<Envelope>,
    /// It is a compaction, of which `durable` shows nothing.
    compacts: bool,
}

/// What raft-rs said may be applied.
#[derive(Debug)]
enum Due {
    Entry(Entry),
    Snapshot(Snapshot),
}

/// The state machine: a hash over what was applied.
#[derive(Clone, Debug, Default)]
struct Machine {
    applied: u64,
    term: u64,
    hash: u64,
    conf: ConfState,
}

/// What a step did, beside what the `Ready` says.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) reads: Vec<(String, u64)>,
    pub(crate) ack: Vec<(String, u64)>,
}

pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) disk: Disk,
    /// Nothing while the server is down.
    pub(crate) raw: Option<RawNode<Disk>>,
    /// It has applied its removal, and its operator has taken it away.
    pub(crate) gone: bool,
    /// What was durable of its vote before the crash has survived it.
    vote_was_durable: bool,
    machine: Machine,
    due: VecDeque<Due>,
    held: VecDeque<Held>,
    /// Reads that have no index yet.
    reading: BTreeSet<String>,
    /// Reads that wait until enough is applied.
    reads: Vec<(String, u64)>,
    /// Writes of clients that wait for an answer here.
    asked: BTreeSet<String>,
    sequencer: Sequencer,
    elections: u64,
}

impl Node {
    pub(crate) fn new(id: u64, plan: &Plan) -> Self {
        Node {
            id,
            disk: Disk::new(plan.voters, plan.bug),
            raw: None,
            gone: false,
            vote_was_durable: false,
            machine: Machine::default(),
            due: VecDeque::new(),
            held: VecDeque::new(),
            reading: BTreeSet::new(),
            reads: Vec::new(),
            asked: BTreeSet::new(),
            sequencer: Sequencer::new(name(id)),
            elections: 0,
        }
    }

    pub(crate) fn leads(&self) -> bool {
        let raw = self.raw.as_ref();
        raw.is_some_and(|raw| raw.raft.state == StateRole::Leader)
    }

    pub(crate) fn has_write(&self) -> bool {
        !self.held.is_empty()
    }

    pub(crate) fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// The server starts, with what its disk has.
    pub(crate) fn start(&mut self, world: &mut World) {
        let (snapshot, conf) = self.disk.start();
        let metadata = snapshot.get_metadata();
        let bug = world.plan.bug;
        if bug == Some(Bug::ForgetsVote) && self.vote_was_durable {
            self.disk.forget_vote();
            world.plant();
        }
        let plan = &world.plan;
        let config = Config {
            id: self.id,
            election_tick: ELECTION_TICKS,
            heartbeat_tick: 2,
            applied: metadata.index,
            max_size_per_msg: [0, 40, u64::MAX][world.dice.below(3)],
            max_inflight_msgs: [1, 3, 256][world.dice.below(3)],
            check_quorum: plan.check_quorum,
            pre_vote: plan.pre_vote,
            skip_bcast_commit: world.dice.chance(30),
            batch_append: world.dice.chance(30),
            max_committed_size_per_ready: [1, u64::MAX][world.dice.below(2)],
            ..Config::default()
        };
        self.machine = Machine {
            applied: metadata.index,
            term: metadata.term,
            hash: hash_of(&snapshot),
            conf,
        };
        if self.disk.has_kept() {
            world.plant();
        }
        let logger = Logger::root(slog::Discard, slog::o!());
        let raw = RawNode::new(&config, self.disk.clone(), &logger).expect("a configuration");
        self.raw = Some(raw);
        self.set_timeout(world);
        let line = self.sequencer.step(Cause::Start);
        world.write(
            line.with_state(self.state())
                .with_durable(record::durable(&self.disk)),
        );
    }

    /// The server crashes, and its disk keeps what the contract says.
    pub(crate) fn crash(&mut self, world: &mut World) {
        self.raw = None;
        let voted = |hard: HardState| (hard.term, hard.vote);
        let before = voted(self.disk.durable_hard());
        self.disk.crash(&mut world.dice);
        self.vote_was_durable = before.1 != 0 && before == voted(self.disk.durable_hard());
        self.due.clear();
        self.held.clear();
        self.reading.clear();
        self.reads.clear();
        self.asked.clear();
    }

    fn raw(&mut self) -> &mut RawNode<Disk> {
        self.raw.as_mut().expect("a server that is up")
    }

    fn state(&self) -> plimsoll_trace::State {
        record::state(self.raw.as_ref().expect("a server that is up"))
    }

    /// raft-rs draws its timeouts itself; here the seed does.
    fn set_timeout(&mut self, world: &World) {
        let term = self.raw().raft.term;
        let drawn = record::fnv(
            world.seed,
            &[self.id as u8, term as u8, self.elections as u8],
        );
        let timeout = ELECTION_TICKS + (drawn >> 20) as usize % ELECTION_TICKS;
        self.raw().raft.set_randomized_election_timeout(timeout);
    }

    pub(crate) fn tick(&mut self, world: &mut World) {
        let checks = world.plan.check_quorum;
        let raft = &mut self.raw().raft;
        let led = raft.state == StateRole::Leader;
        let times_out = raft.election_elapsed + 1 >= raft.election_timeout();
        let stands = raft.election_elapsed + 1 >= raft.randomized_election_timeout();
        // With a configuration to apply raft-rs does not stand, and begins to
        // count anew: it takes no notice of candidates for another timeout, though
        // no leader was heard, and no line can show that. So apply first.
        if !led && stands && !self.due.is_empty() {
            return;
        }
        let raft = &mut self.raw().raft;
        let before = (raft.term, raft.state, raft.lead_transferee);
        self.raw().tick();
        let raft = &mut self.raw().raft;
        let campaigns = !led && raft.msgs.iter().any(is_request);
        let after = (raft.term, raft.state, raft.lead_transferee);
        let cause = if campaigns {
            self.elections += 1;
            Cause::Campaign
        } else if led && checks && times_out {
            Cause::CheckQuorum
        } else if before != after || !raft.msgs.is_empty() {
            Cause::Tick
        } else {
            return self.set_timeout(world);
        };
        self.step(world, cause, Effects::default());
    }

    /// A message arrives. Proposals are no messages of Raft: the leader's step
    /// is that it takes one.
    pub(crate) fn receive(&mut self, world: &mut World, envelope: Envelope) {
        let message = envelope.message;
        let Some(shown) = envelope.shown else {
            return self.proposed(world, message);
        };
        let raft = &self.raw().raft;
        // What is no member's answer, raft-rs does not look at: it is lost.
        if is_answer(&message) && raft.prs().get(message.from).is_none() {
            return;
        }
        let mut effects = Effects::default();
        let is_read = message.get_msg_type() == MessageType::MsgReadIndex;
        let context = is_read.then(|| message.get_entries()[0].data.to_vec());
        let begun = |node: &mut Node| match &context {
            Some(context) => node.reads_open().contains(context),
            None => false,
        };
        let before = begun(self);
        // To a request that it has open raft-rs answers with a round for that
        // read alone, where others have begun since. The model's leader asks for
        // the latest: such a repetition the network loses.
        if before {
            return;
        }
        // What it makes of it shows in its state.
        let _ = self.raw().step(message);
        if let Some(context) = &context
            && begun(self)
        {
            let op = String::from_utf8(context.clone()).expect("a name");
            effects.reads.push((op, self.raw().raft.raft_log.committed));
        }
        self.step(world, Cause::Receive(shown), effects);
    }

    fn reads_open(&mut self) -> Vec<Vec<u8>> {
        let queue = &self.raw().raft.read_only.read_index_queue;
        queue.iter().cloned().collect()
    }

    /// A client's command, a change, or one that a follower has passed on.
    pub(crate) fn proposed(&mut self, world: &mut World, message: Message) {
        let led = self.leads();
        let before = self.raw().raft.raft_log.last_index();
        let _ = self.raw().raft.step(message);
        let log = &self.raw().raft.raft_log;
        let after = log.last_index();
        if !led || after == before {
            return self.pass_on(world);
        }
        let entries = log.unstable_entries();
        let entry = entries.last().expect("it has grown").clone();
        let mut effects = Effects::default();
        let cause = match record::decoded(&entry) {
            Some(change) => Cause::Change(record::change(&change)),
            // A change that was not taken leaves an empty entry in its place.
            None => {
                let op = record::op(&entry).unwrap_or_else(|| world.new_op("empty"));
                if world.plan.bug == Some(Bug::AcknowledgesWhenAppended) {
                    effects.ack.push((op.clone(), entry.index));
                    world.plant();
                } else {
                    self.asked.insert(op.clone());
                }
                Cause::write(op)
            }
        };
        self.step(world, cause, effects);
    }

    /// What a follower passes on to its leader is no step.
    fn pass_on(&mut self, world: &mut World) {
        let messages = std::mem::take(&mut self.raw().raft.msgs);
        for message in messages {
            let envelope = Envelope {
                from: self.id,
                to: message.to,
                shown: None,
                message,
                early: None,
            };
            world.send(envelope);
        }
    }

    /// A client reads, with this name for its read.
    pub(crate) fn read(&mut self, world: &mut World, op: String) {
        let mut effects = Effects::default();
        let leads = self.leads();
        let raft = &self.raw().raft;
        let commit = raft.raft_log.committed;
        if leads && world.plan.bug == Some(Bug::ReadsAtOnce) {
            if raft.commit_to_current_term() {
                effects.reads.push((op.clone(), commit));
                effects.ack.push((op.clone(), commit));
                world.plant();
                self.step(world, Cause::read(op), effects);
            }
            return;
        }
        self.raw().read_index(op.clone().into_bytes());
        if self.raw().raft.msgs.is_empty() {
            return;
        }
        if leads {
            effects.reads.push((op.clone(), commit));
        }
        self.reading.insert(op.clone());
        self.step(world, Cause::read(op), effects);
    }

    pub(crate) fn transfer(&mut self, world: &mut World, to: u64) {
        let before = self.raw().raft.lead_transferee;
        self.raw().transfer_leader(to);
        let after = self.raw().raft.lead_transferee;
        if after == Some(to) && before != after {
            self.step(world, Cause::Transfer { to: name(to) }, Effects::default());
        }
    }

    /// The log is replaced by a snapshot as far as it is applied.
    pub(crate) fn compact(&mut self, world: &mut World) {
        let (index, _) = self.disk.snapshot_position();
        let machine = &self.machine;
        let installs = self.due.iter().any(|due| matches!(due, Due::Snapshot(_)));
        if machine.applied <= index || installs {
            return;
        }
        let mut snapshot = Snapshot {
            data: machine.hash.to_le_bytes().to_vec().into(),
            ..Snapshot::default()
        };
        let metadata = snapshot.mut_metadata();
        metadata.index = machine.applied;
        metadata.term = machine.term;
        metadata.set_conf_state(machine.conf.clone());
        let index = plimsoll_trace::Index(machine.applied);
        self.disk.write(Write {
            snapshot: Some(snapshot),
            ..Write::default()
        });
        self.held.push_back(Held {
            compacts: true,
            ..Held::default()
        });
        self.line(world, Cause::Compact { index }, Step::default());
        self.settle(world, None);
    }

    /// Applies what is due next: a change by itself, other entries together.
    pub(crate) fn apply(&mut self, world: &mut World) {
        let mut effects = Effects::default();
        let most = 1 + world.dice.below(4);
        let mut applied = 0;
        let member = is_member(&self.machine.conf, self.id);
        for _ in 0..most {
            let is_change = match self.due.front() {
                Some(Due::Entry(entry)) => record::decoded(entry).is_some(),
                _ => break,
            };
            if is_change && applied > 0 {
                break;
            }
            if let Some(Due::Entry(entry)) = self.due.pop_front() {
                self.apply_entry(&entry, &mut effects);
            }
            applied += 1;
            if is_change {
                break;
            }
        }
        if applied == 0 {
            return;
        }
        let index = self.machine.applied;
        self.raw().advance_apply_to(index);
        // As tikv does: who is removed is taken away. raft-rs stops with a panic
        // when a leader reports a write after it has applied its own removal.
        self.gone = member && !is_member(&self.machine.conf, self.id);
        self.step(world, Cause::apply(index), effects);
        if self.gone {
            self.raw = None;
        }
    }

    /// A snapshot is loaded as soon as it is durable: raft-rs stops with a panic
    /// when a server stands for election in between.
    fn load(&mut self) {
        let persisted = self.raw().raft.raft_log.persisted;
        let snapshot = match self.due.front() {
            Some(Due::Snapshot(due)) if due.get_metadata().index <= persisted => due.clone(),
            _ => return,
        };
        self.due.pop_front();
        let metadata = snapshot.get_metadata();
        self.machine = Machine {
            applied: metadata.index,
            term: metadata.term,
            hash: hash_of(&snapshot),
            conf: metadata.get_conf_state().clone(),
        };
        self.raw().advance_apply_to(metadata.index);
    }

    fn apply_entry(&mut self, entry: &Entry, effects: &mut Effects) {
        self.machine.applied = entry.index;
        self.machine.term = entry.term;
        self.machine.hash = record::fnv(self.machine.hash ^ entry.index, &entry.data);
        if let Some(change) = record::decoded(entry) {
            let conf = self.raw().apply_conf_change(&change);
            self.machine.conf = conf.expect("the leader has taken this change");
        }
        if let Some(op) = record::op(entry)
            && self.asked.remove(&op)
        {
            effects.ack.push((op, entry.index));
        }
    }

    /// The oldest write completes, or several that `durable` tells apart.
    pub(crate) fn persist(&mut self, world: &mut World, writes: usize) {
        let mut left = Vec::new();
        let mut number = None;
        for done in 0..writes {
            if done > 0 && self.held.front().is_some_and(|held| held.compacts) {
                break;
            }
            let Some(held) = self.held.pop_front() else {
                break;
            };
            self.disk.complete();
            number = number.max(held.number);
            left.extend(held.messages);
            if held.compacts {
                break;
            }
        }
        if let Some(number) = number {
            self.raw().on_persist_ready(number);
        }
        self.load();
        self.step(world, Cause::Persisted, Effects::default());
        for envelope in left {
            world.send(envelope);
        }
    }
}

fn hash_of(snapshot: &Snapshot) -> u64 {
    let bytes = snapshot.data[..].try_into();
    bytes.map(u64::from_le_bytes).unwrap_or_default()
}

fn is_member(conf: &ConfState, id: u64) -> bool {
    let all = [
        conf.get_voters(),
        conf.get_voters_outgoing(),
        conf.get_learners(),
    ];
    all.into_iter().any(|ids| ids.contains(&id))
}

fn is_request(message: &Message) -> bool {
    matches!(
        message.get_msg_type(),
        MessageType::MsgRequestVote | MessageType::MsgRequestPreVote
    )
}

/// What `RawNode::step` refuses from who is no member.
fn is_answer(message: &Message) -> bool {
    matches!(
        message.get_msg_type(),
        MessageType::MsgAppendResponse
            | MessageType::MsgRequestVoteResponse
            | MessageType::MsgHeartbeatResponse
            | MessageType::MsgRequestPreVoteResponse
    )
}
