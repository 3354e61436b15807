//! One node: a core, its disk, its state machine, and the clients that wait.
//!
//! This is the driver's side of the core's contract: what a step writes is
//! kept back until a flush, and the step's messages with it; a flush syncs,
//! lets the messages go, and tells the core, in one. Entries are applied once
//! the commit index that covers them is durable, so that nothing a client was
//! told has to be committed again after a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::core::{
    Body, Change, Configuration, Events, Flaw, Index, Input, LogWrite, Message, NodeId, OpId,
    Options, OptionsError, Output, Payload, Raft, ReadState, Refused, SnapshotWrite,
};
use crate::envelope::{Envelope, MessageId};
use crate::kv::KeyValue;
use crate::trace::{Effects, Recorder};

use super::disk::{Disk, Loss};

/// A node that runs.
#[derive(Debug)]
pub struct Node {
    raft: Raft,
    disk: Disk,
    machine: KeyValue,
    incarnation: u64,
    sent: u64,
    /// What waits for a write, each with the number of that write.
    outbox: Vec<(u64, Envelope)>,
    /// How many writes were handed to the disk, and how many are durable.
    written: u64,
    synced: u64,
    /// Whether writes are queued, and what reveals none of them need not wait.
    queues: bool,
    flaw: Option<Flaw>,
    /// Writes that were put into the log here, until they are applied.
    writes: BTreeSet<OpId>,
    /// Reads taken on here, with their keys, until they are answered.
    reads: BTreeMap<OpId, String>,
    /// Of those, the ones that wait only for their index to be applied.
    released: Vec<ReadState>,
    /// The machine's state as of an index, until the log is compacted to it.
    taken: Option<(Index, Arc<[u8]>)>,
}

/// What a node tells a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The write has taken effect.
    Written,
    /// The value read.
    Value(String),
    /// The read was not done and will not be.
    NotRead,
}

/// What a step of a node did, as far as it concerns others.
#[derive(Debug, Default)]
pub struct Done {
    /// What the core wrote to its log.
    pub log: Option<LogWrite>,
    /// Reads that were released.
    pub released: Vec<ReadState>,
    /// Messages that wait for no write.
    pub leaving: Vec<Envelope>,
    /// Answers to clients, from the state that was applied up to the index.
    pub answers: Vec<(OpId, Answer, Index)>,
    /// Whether the step was more than an uneventful tick.
    pub eventful: bool,
    /// What else happened in it.
    pub events: Events,
    /// Whether it loaded a snapshot.
    pub installed: bool,
}

impl Node {
    /// Starts a node with what its disk holds.
    ///
    /// # Errors
    ///
    /// When the options contradict each other.
    ///
    /// # Panics
    ///
    /// When the disk holds a snapshot that no machine has saved.
    pub fn start(
        id: NodeId,
        options: Options,
        disk: Disk,
        configuration: Configuration,
        incarnation: u64,
        recorder: &mut Recorder,
    ) -> Result<Self, OptionsError> {
        let (queues, flaw) = (disk.queues(), options.flaw);
        let raft = Raft::new(id, options, disk.stored().clone(), configuration)?;
        recorder.start(&raft);
        let machine = KeyValue::load(&raft.log().snapshot().data).expect("a saved machine");
        Ok(Self {
            raft,
            disk,
            machine,
            incarnation,
            sent: 0,
            outbox: Vec::new(),
            written: 0,
            synced: 0,
            queues,
            flaw,
            writes: BTreeSet::new(),
            reads: BTreeMap::new(),
            released: Vec::new(),
            taken: None,
        })
    }

    /// A unit of time passes.
    ///
    /// # Panics
    ///
    /// Never: a core takes every tick.
    pub fn tick(&mut self, recorder: &mut Recorder) -> Done {
        self.step(Input::Tick, None, Vec::new(), recorder)
            .expect("a tick is never refused")
    }

    /// A message arrives.
    ///
    /// # Errors
    ///
    /// When no correct node would have sent it.
    pub fn receive(
        &mut self,
        envelope: Envelope,
        recorder: &mut Recorder,
    ) -> Result<Done, Refused> {
        let input = Input::Receive(envelope.message);
        self.step(input, Some(envelope.id), Vec::new(), recorder)
    }

    /// A client asks for a write.
    ///
    /// # Errors
    ///
    /// When this node does not lead.
    pub fn write(
        &mut self,
        op: OpId,
        command: Arc<[u8]>,
        recorder: &mut Recorder,
    ) -> Result<Done, Refused> {
        let done = self.step(Input::Write { op, command }, None, Vec::new(), recorder)?;
        self.writes.insert(op);
        Ok(done)
    }

    /// A client asks for the value of a key.
    ///
    /// # Errors
    ///
    /// When this node does not lead.
    pub fn read(
        &mut self,
        op: OpId,
        key: String,
        recorder: &mut Recorder,
    ) -> Result<Done, Refused> {
        self.reads.insert(op, key);
        let done = self.step(Input::Read { op }, None, Vec::new(), recorder);
        if done.is_err() {
            self.reads.remove(&op);
        }
        done
    }

    /// Makes durable what waits, or the oldest write of a queue, and returns the
    /// messages that may leave now.
    ///
    /// # Panics
    ///
    /// Never: a core takes word of its own writes.
    pub fn flush(&mut self, recorder: &mut Recorder) -> (Vec<Envelope>, Done) {
        if self.queues {
            self.synced += u64::from(self.disk.sync_oldest());
        } else {
            self.disk.sync();
            self.synced = self.written;
        }
        let synced = self.synced;
        let may_leave = |(write, _): &mut (u64, Envelope)| *write <= synced;
        let leaving = self.outbox.extract_if(.., may_leave);
        let leaving = leaving.map(|(_, envelope)| envelope).collect();
        let input = Input::Persisted(self.disk.durable());
        let done = self
            .step(input, None, Vec::new(), recorder)
            .expect("what is on disk was written by the core");
        (leaving, done)
    }

    /// The first entry up to `index` that is to be applied and is not in the log.
    #[must_use]
    pub fn committed_and_gone(&self, index: Index) -> Option<Index> {
        let first = self.raft.applied().next().get();
        let mut due = (first..=index.get()).map(Index::new);
        due.find(|at| self.raft.log().get(*at).is_none())
    }

    /// Applies entries up to `index`, which is durably committed.
    ///
    /// # Panics
    ///
    /// When it is not.
    pub fn apply(&mut self, index: Index, recorder: &mut Recorder) -> Done {
        assert!(index <= self.appliable(), "applies what may be lost");
        let mut acknowledged = Vec::new();
        let mut next = self.raft.applied().next();
        while next <= index {
            let entry = self.raft.log().get(next).expect("committed, so present");
            if let Payload::Write { op, command } = &entry.payload {
                self.machine.apply(*op, command);
                if self.writes.remove(op) {
                    acknowledged.push((*op, next));
                }
            }
            next = next.next();
        }
        self.step(Input::Applied(index), None, acknowledged, recorder)
            .expect("committed, so it may be applied")
    }

    /// Somebody asks for another configuration.
    ///
    /// # Errors
    ///
    /// When this node does not lead, or takes no such change now.
    pub fn change(&mut self, change: Change, recorder: &mut Recorder) -> Result<Done, Refused> {
        self.step(Input::Change(change), None, Vec::new(), recorder)
    }

    /// Somebody asks for another leader.
    ///
    /// # Errors
    ///
    /// When this node does not lead, or the other one cannot.
    pub fn transfer(&mut self, to: NodeId, recorder: &mut Recorder) -> Result<Done, Refused> {
        self.step(Input::Transfer { to }, None, Vec::new(), recorder)
    }

    /// Keeps the machine's state, if at least this many entries were applied
    /// behind the snapshot that the log begins with, or the configuration has
    /// changed since, for who has joined cannot use that one; says whether.
    pub fn take_snapshot(&mut self, entries_min: u64) -> bool {
        let snapshot = self.raft.log().snapshot();
        let (applied, base) = (self.raft.applied(), snapshot.last.index);
        let stale = base > Index::ZERO
            && applied > base
            && snapshot.configuration != *self.raft.configuration();
        let many = applied.get() - base.get() >= entries_min;
        let due = (many || stale) && self.taken.is_none();
        if due {
            self.taken = Some((applied, self.machine.save().into()));
        }
        due
    }

    /// Compacts the log to where the machine's state was last kept, unless a
    /// snapshot of the leader has come meanwhile; then there is nothing to do.
    pub fn compact(&mut self, recorder: &mut Recorder) -> Option<Done> {
        let (index, data) = self.taken.take()?;
        let input = Input::Compact { index, data };
        self.step(input, None, Vec::new(), recorder).ok()
    }

    fn step(
        &mut self,
        input: Input,
        id: Option<MessageId>,
        mut acknowledged: Vec<(OpId, Index)>,
        recorder: &mut Recorder,
    ) -> Result<Done, Refused> {
        let cause = recorder.cause(&input, id);
        let is_tick = input == Input::Tick;
        let output = self.raft.step(input)?;
        let eventful = !(is_tick && output.is_empty());
        let Output {
            hard_state,
            snapshot,
            log,
            messages,
            reads_begun,
            reads_released,
            reads_dropped,
            events,
        } = output;
        let installed = match &snapshot {
            Some(SnapshotWrite::Installed(snapshot)) => {
                self.machine = KeyValue::load(&snapshot.data).expect("a saved machine");
                true
            }
            Some(SnapshotWrite::Compacted(_)) | None => false,
        };
        let wrote = self.disk.write(hard_state, snapshot, log.clone());
        self.written += u64::from(wrote);
        let sent = self.named(messages);
        let leaving = self.sort(&sent);
        let written = acknowledged.iter();
        let mut answers: Vec<_> = written
            .map(|&(op, index)| (op, Answer::Written, index))
            .collect();
        for op in reads_dropped {
            self.reads.remove(&op);
            answers.push((op, Answer::NotRead, self.raft.applied()));
        }
        self.released.extend_from_slice(&reads_released);
        self.answer_reads(&mut acknowledged, &mut answers);
        if eventful {
            let effects = Effects {
                began: if is_tick { events } else { Events::default() },
                log: log.as_ref(),
                sent: &sent,
                reads: &reads_begun,
                acknowledged: &acknowledged,
            };
            recorder.step(cause, &self.raft, effects);
        }
        Ok(Done {
            leaving,
            log,
            released: reads_released,
            answers,
            eventful,
            events,
            installed,
        })
    }

    fn named(&mut self, messages: Vec<Message>) -> Vec<Envelope> {
        let name = |message| {
            self.sent += 1;
            let id = MessageId {
                from: self.raft.id(),
                incarnation: self.incarnation,
                number: self.sent,
            };
            Envelope { id, message }
        };
        messages.into_iter().map(name).collect()
    }

    /// Puts what has to wait into the outbox and returns the rest. With writes
    /// that are synced together everything waits for the next sync. Where they
    /// are queued, votes, requests for them and acknowledgements wait for the
    /// newest: they show a term, a vote or entries that must not be forgotten.
    fn sort(&mut self, sent: &[Envelope]) -> Vec<Envelope> {
        let mut leaving = Vec::new();
        for envelope in sent {
            let shows = match envelope.message.body {
                Body::RequestVote { .. } | Body::Vote { .. } | Body::PreVote { .. } => true,
                Body::AppendAck(_) => self.flaw != Some(Flaw::AckBeforeWrite),
                _ => false,
            };
            if self.queues && (!shows || !self.disk.is_dirty()) {
                leaving.push(envelope.clone());
            } else {
                self.outbox.push((self.written, envelope.clone()));
            }
        }
        leaving
    }

    /// Answers the reads whose index is applied.
    fn answer_reads(
        &mut self,
        acknowledged: &mut Vec<(OpId, Index)>,
        answers: &mut Vec<(OpId, Answer, Index)>,
    ) {
        let applied = self.raft.applied();
        let ready = |read: &mut ReadState| read.index <= applied;
        for read in self.released.extract_if(.., ready) {
            let key = self.reads.remove(&read.op).expect("taken on here");
            let value = self.machine.get(&key).to_owned();
            acknowledged.push((read.op, read.index));
            answers.push((read.op, Answer::Value(value), applied));
        }
    }

    /// Stops the node where it stands and leaves its disk.
    #[must_use]
    pub fn crash(mut self, loss: Loss) -> Disk {
        self.disk.crash(loss);
        self.disk
    }

    /// Whether there is anything to flush.
    #[must_use]
    pub fn needs_flush(&self) -> bool {
        self.disk.is_dirty() || !self.outbox.is_empty()
    }

    /// Up to where entries may be applied.
    #[must_use]
    pub fn appliable(&self) -> Index {
        self.disk.durable().hard_state.commit
    }

    /// The core.
    #[must_use]
    pub const fn raft(&self) -> &Raft {
        &self.raft
    }

    /// The disk.
    #[must_use]
    pub const fn disk(&self) -> &Disk {
        &self.disk
    }

    /// The state machine.
    #[must_use]
    pub const fn machine(&self) -> &KeyValue {
        &self.machine
    }

    /// How often the node has started.
    #[must_use]
    pub const fn incarnation(&self) -> u64 {
        self.incarnation
    }
}
