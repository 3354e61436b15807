//! The end of every step: the `Ready` is taken, its write begins, the line is
//! written, and the messages leave as the storage contract lets them.

use plimsoll_trace::{Cause, OpAt, Storage};
use raft::prelude::*;

use super::{Due, Effects, Held, Node, is_answer};
use crate::cluster::{Envelope, World};
use crate::disk::Write;
use crate::plan::Bug;
use crate::record;

/// The parts of a line beside the state.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) append: Option<plimsoll_trace::Entries>,
    pub(super) sent: Vec<plimsoll_trace::Message>,
    pub(super) effects: Effects,
}

impl Node {
    /// The end of every step.
    pub(super) fn step(&mut self, world: &mut World, cause: Cause, effects: Effects) {
        self.set_timeout(world);
        let mut step = Step {
            effects,
            ..Step::default()
        };
        let ready = self.raw().has_ready().then(|| self.raw().ready());
        let Some(mut ready) = ready else {
            self.serve(&mut step);
            return self.line(world, cause, step);
        };
        let write = Write {
            hard: ready.hs().cloned(),
            snapshot: (!ready.snapshot().is_empty()).then(|| ready.snapshot().clone()),
            entries: ready.take_entries(),
        };
        if let Some(first) = write.entries.first() {
            let log = &self.raw().raft.raft_log;
            let before = log.term(first.index - 1).unwrap_or_default();
            step.append = Some(record::entries(first.index - 1, before, &write.entries));
            if world.plan.bug == Some(Bug::AppliesChangeWhenAppended) {
                self.apply_at_once(world, &write.entries);
            }
        }
        for read in ready.take_read_states() {
            let op = String::from_utf8(read.request_ctx).expect("a name");
            // A request that the network repeats is answered again.
            if self.reading.remove(&op) {
                self.reads.push((op, read.index));
            }
        }
        if let Some(snapshot) = &write.snapshot {
            // It has all that was due before.
            self.due.clear();
            self.due.push_back(Due::Snapshot(snapshot.clone()));
        }
        let committed = ready.take_committed_entries();
        self.due.extend(committed.into_iter().map(Due::Entry));
        self.serve(&mut step);
        let at_once = self.envelopes(world, ready.take_messages());
        let later = self.envelopes(world, ready.take_persisted_messages());
        let both = at_once.iter().chain(&later);
        step.sent = both.filter_map(|sent| sent.shown.clone()).collect();
        // A run ends where a planted bug shows.
        if self.gone || world.planted.is_some() {
            return self.line(world, cause, step);
        }
        if !write.is_empty() {
            self.disk.write(write);
            self.held.push_back(Held::default());
        }
        if world.plan.storage == Storage::Async {
            let number = ready.number();
            self.raw().advance_append_async(ready);
            self.line(world, cause, step);
            self.leave(world, number, at_once, later);
            self.write_snapshot(world);
        } else {
            self.line(world, cause, step);
            let early = |sent: &Envelope| {
                let append = sent.message.get_msg_type() == MessageType::MsgAppend;
                append && world.plan.storage == Storage::ParallelAppend
            };
            let (early, mut rest): (Vec<_>, Vec<_>) = at_once.into_iter().partition(early);
            for envelope in early {
                world.send(envelope);
            }
            rest.extend(later);
            if self.held.is_empty() {
                rest.into_iter().for_each(|envelope| world.send(envelope));
            } else if world.plan.bug == Some(Bug::SendsBeforeWriting) {
                self.send_early(world, rest);
            } else if let Some(held) = self.held.back_mut() {
                held.messages.extend(rest);
            }
            self.settle(world, Some(ready));
        }
    }

    /// Where writes are queued: what leaves now, and what waits for the newest.
    /// raft-rs hands out all that a leader says as free to leave; but its answers
    /// about votes and appends wait by the contract.
    pub(super) fn leave(
        &mut self,
        world: &mut World,
        number: u64,
        at_once: Vec<Envelope>,
        later: Vec<Envelope>,
    ) {
        let (waits, free): (Vec<_>, Vec<_>) = at_once
            .into_iter()
            .partition(|sent| is_answer_of_contract(&sent.message));
        free.into_iter().for_each(|envelope| world.send(envelope));
        let waits = waits.into_iter().chain(later);
        match self.held.back_mut() {
            Some(held) => {
                held.number = Some(number);
                if world.plan.bug == Some(Bug::SendsBeforeWriting) {
                    let waits = waits.collect();
                    self.send_early(world, waits);
                } else {
                    held.messages.extend(waits);
                }
            }
            None => {
                self.raw().on_persist_ready(number);
                waits.for_each(|envelope| world.send(envelope));
            }
        }
    }

    /// The planted bug: what must wait for the newest write does not.
    fn send_early(&mut self, world: &mut World, messages: Vec<Envelope>) {
        let write = self.disk.newest();
        for mut envelope in messages {
            envelope.early = Some(write);
            world.send(envelope);
        }
    }

    /// A snapshot is written before anything else happens, unless the server
    /// crashes first.
    fn write_snapshot(&mut self, world: &mut World) {
        let is_snapshot = |due: &Due| matches!(due, Due::Snapshot(_));
        if !self.due.iter().any(is_snapshot) {
            return;
        }
        if world.plan.crashes && world.dice.chance(5) {
            return self.crash(world);
        }
        while self.has_write() && self.raw.is_some() {
            self.persist(world, 1);
        }
    }

    /// Where there is one write at a time: it completes before anything else
    /// happens, unless the server crashes first.
    pub(super) fn settle(&mut self, world: &mut World, ready: Option<Ready>) {
        if world.plan.storage == Storage::Async {
            return;
        }
        let writes = !self.held.is_empty();
        if writes && world.plan.crashes && world.dice.chance(3) {
            return self.crash(world);
        }
        let mut left = Vec::new();
        while let Some(held) = self.held.pop_front() {
            self.disk.complete();
            left.extend(held.messages);
        }
        let mut light = ready.map(|ready| self.raw().advance_append(ready));
        if let Some(light) = &mut light {
            let committed = light.take_committed_entries();
            self.due.extend(committed.into_iter().map(Due::Entry));
            self.load();
        }
        if writes {
            let mut step = Step::default();
            let mut commit = None;
            if let Some(mut light) = light {
                commit = light.commit_index();
                let sent = self.envelopes(world, light.take_messages());
                step.sent = sent.iter().filter_map(|sent| sent.shown.clone()).collect();
                left.extend(sent);
            }
            self.line(world, Cause::Persisted, step);
            if let Some(commit) = commit {
                let mut hard = self.disk.durable_hard();
                hard.commit = commit;
                self.disk.write(Write {
                    hard: Some(hard),
                    ..Write::default()
                });
                self.disk.complete();
                self.line(world, Cause::Persisted, Step::default());
            }
        }
        left.into_iter().for_each(|envelope| world.send(envelope));
    }

    fn apply_at_once(&mut self, world: &mut World, entries: &[Entry]) {
        for change in entries.iter().filter_map(record::decoded) {
            // It may have been applied before.
            if self.raw().apply_conf_change(&change).is_ok() {
                world.plant();
            }
        }
    }

    /// Reads for which enough is applied are answered.
    fn serve(&mut self, step: &mut Step) {
        let applied = self.machine.applied;
        let due = self.reads.extract_if(.., |(_, index)| *index <= applied);
        step.effects.ack.extend(due);
    }

    /// What raft-rs says, as the network and the trace have it. What a follower
    /// passes on for another one the format cannot tell: it is lost.
    fn envelopes(&mut self, world: &mut World, messages: Vec<Message>) -> Vec<Envelope> {
        let (id, term) = (self.id, self.raw().raft.term);
        let own = messages.into_iter().filter(|message| {
            message.get_msg_type() != MessageType::MsgReadIndex || message.from == id
        });
        own.map(|message| Envelope {
            from: id,
            to: message.to,
            shown: record::message(world.next_id(), term, &message),
            message,
            early: None,
        })
        .collect()
    }

    pub(super) fn line(&mut self, world: &mut World, cause: Cause, step: Step) {
        if self.disk.has_kept() {
            world.plant();
        }
        let at = |(op, index): (String, u64)| OpAt::new(op, index);
        let mut line = self.sequencer.step(cause);
        line = line
            .with_state(self.state())
            .with_durable(record::durable(&self.disk));
        if let Some(entries) = step.append {
            line = line.with_append(entries);
        }
        if !step.sent.is_empty() {
            line = line.with_send(step.sent);
        }
        if !step.effects.reads.is_empty() {
            line = line.with_reads(step.effects.reads.into_iter().map(at));
        }
        if !step.effects.ack.is_empty() {
            line = line.with_ack(step.effects.ack.into_iter().map(at));
        }
        world.write(line);
    }
}

/// What waits for the newest write where writes are queued.
fn is_answer_of_contract(message: &Message) -> bool {
    is_answer(message) && message.get_msg_type() != MessageType::MsgHeartbeatResponse
}
