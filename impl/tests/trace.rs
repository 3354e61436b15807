//! What a recorded run looks like to whoever reads it: shape, bookkeeping, and
//! the promises that the header and `trace.rs` make. No rule of Raft is judged
//! here; that is for those who share no code with this crate.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::sync::Arc;

use common::runs::{assert_held, traced};
use plimsoll_raft::sim::Plan;
use plimsoll_trace::{Body, Cause, CauseKind, EntryKind, Header, Role, Step, TraceReader};

fn plans() -> impl Iterator<Item = Plan> {
    (1..=12).map(|seed| Plan {
        seed,
        nodes: u32::try_from(seed % 5 + 1).expect("small"),
        steps: 2500,
        drop: 0.05,
        duplicate: 0.05,
        reorder: true,
        partitions: 0.2,
        one_way: true,
        crashes: 0.3,
        write_retries: 1,
        ..Plan::default()
    })
}

fn read(plan: &Plan) -> (Header, Vec<Step>) {
    let (outcome, bytes) = traced(plan);
    assert_held(plan, &outcome);
    let mut reader = TraceReader::new("trace", Cursor::new(bytes)).expect("a header");
    let mut steps = Vec::new();
    while let Some((_, step)) = reader.next_step().expect("a well-formed line") {
        steps.push(step);
    }
    (reader.header().clone(), steps)
}

#[test]
fn every_line_is_well_formed_and_whole() {
    for plan in plans() {
        let (header, steps) = read(&plan);
        assert_eq!(header.bootstrap, u64::from(plan.nodes));
        assert_eq!(header.settings, "etcd");
        assert_eq!(steps.len() as u64, plan.steps);
        for step in &steps {
            let state = &step.state;
            assert!(state.term.is_some() && state.vote.is_some() && state.role.is_some());
            assert!(state.leader.is_some() && state.commit.is_some());
            assert!(state.applied.is_some() && state.last.is_some());
            assert!(state.config.is_some() && state.snapshot.is_some());
            assert!(state.transfer.is_some());
            let durable = &step.durable;
            assert!(durable.term.is_some() && durable.vote.is_some());
            assert!(durable.commit.is_some() && durable.last.is_some());
        }
    }
}

#[test]
fn every_message_received_was_sent_before_and_had_become_free_to_leave() {
    for plan in plans() {
        let (_, steps) = read(&plan);
        // Queued messages by their sender, and those that a write has freed.
        let mut queued: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut free = BTreeMap::new();
        for step in &steps {
            match &step.cause {
                Cause::Start => {
                    queued.remove(&step.node);
                }
                Cause::Persisted => {
                    for message in queued.remove(&step.node).unwrap_or_default() {
                        let message: plimsoll_trace::Message = message;
                        free.insert(message.id.clone(), message);
                    }
                }
                Cause::Receive(message) => {
                    assert!(message.id.is_some());
                    assert_eq!(free.get(&message.id), Some(message), "{}", plan.command());
                    assert_eq!(message.to, step.node);
                }
                _ => {}
            }
            for message in step.send.iter().flatten() {
                assert_eq!(message.from, step.node);
                assert_ne!(message.to, step.node, "a message to oneself");
                queued
                    .entry(step.node.clone())
                    .or_default()
                    .push(message.clone());
            }
        }
        assert!(plan.nodes == 1 || free.len() > 100, "{}", plan.command());
    }
}

#[test]
fn the_log_can_be_rebuilt_from_the_appends() {
    for plan in plans() {
        let (_, steps) = read(&plan);
        let mut logs: BTreeMap<_, Vec<u64>> = BTreeMap::new();
        for step in &steps {
            let bootstrap = vec![1; plan.nodes as usize];
            let log = logs.entry(step.node.clone()).or_insert(bootstrap);
            let last = step.state.last.expect("always recorded");
            if step.cause == Cause::Start {
                // A crash has lost an end of it, or, torn within a
                // truncation, has kept another; what is left is a matter of
                // storage, so only what cannot be lost is compared.
                if log.len() as u64 > last.index.get() {
                    log.truncate(usize::try_from(last.index.get()).expect("small"));
                }
            }
            if let Some(entries) = &step.append {
                let after = usize::try_from(entries.after_index().get()).expect("small");
                assert!(after <= log.len(), "{}", plan.command());
                log.truncate(after);
                for run in entries.runs() {
                    log.extend((0..run.count).map(|_| run.term.get()));
                }
                assert_eq!(log.len() as u64, last.index.get(), "{}", plan.command());
                assert_eq!(log.last(), Some(&last.term.get()), "{}", plan.command());
                let kinds = entries.kinds().expect("always recorded");
                let ops = entries.ops().expect("always recorded");
                for (kind, op) in kinds.iter().zip(ops) {
                    assert_eq!(*kind == EntryKind::Write, op.is_some());
                    assert_ne!(*kind, EntryKind::Config, "no change of members");
                }
            }
        }
    }
}

#[test]
fn equal_hashes_and_equal_entries_go_together() {
    for plan in plans() {
        let (_, steps) = read(&plan);
        let mut known = BTreeMap::new();
        for entries in steps.iter().filter_map(|step| step.append.as_ref()) {
            let hashes = entries.hashes().expect("always recorded");
            let ops = entries.ops().expect("always recorded");
            for (hash, op) in hashes.iter().zip(ops) {
                let before = known.insert(*hash, op.clone());
                assert!(before.is_none_or(|before| before == *op));
            }
        }
    }
}

#[test]
fn causes_say_what_happened() {
    let mut seen = BTreeSet::new();
    for plan in plans() {
        let (_, steps) = read(&plan);
        let mut before: BTreeMap<_, Step> = BTreeMap::new();
        for step in steps {
            seen.insert(step.cause.kind());
            let (state, old) = (&step.state, before.get(&step.node));
            let again = plan.command();
            match (&step.cause, old.map(|step| &step.state)) {
                (Cause::Start, _) => {
                    assert_eq!(state.role, Some(Role::Follower), "{again}");
                    assert_eq!(state.applied.map(|index| index.get()), Some(0));
                    assert_eq!(state.term, step.durable.term, "{again}");
                    assert_eq!(state.last, step.durable.last, "{again}");
                }
                (Cause::Campaign, Some(old)) => {
                    let raised = old.term.map(|term| term.get() + 1);
                    assert_eq!(state.term.map(|term| term.get()), raised, "{again}");
                    assert_eq!(state.vote, Some(Some(step.node.clone())), "{again}");
                    assert_eq!(state.role, Some(Role::Candidate), "{again}");
                }
                (Cause::Tick, Some(old)) => {
                    assert_eq!(state, old, "{again}");
                    let sent = step.send.as_deref().expect("an eventful tick");
                    let heartbeats = |body: &Body| matches!(body, Body::Heartbeat { .. });
                    assert!(sent.iter().all(|message| heartbeats(&message.body)));
                }
                (Cause::Write { op }, Some(_)) => {
                    let entries = step.append.as_ref().expect("the entry");
                    assert_eq!(entries.ops(), Some(&[Some(op.clone())][..]), "{again}");
                }
                (Cause::Persisted, Some(old)) => {
                    // All of the state before is durable now.
                    assert_eq!(step.durable.term, old.term, "{again}");
                    assert_eq!(step.durable.vote, old.vote, "{again}");
                    assert_eq!(step.durable.commit, old.commit, "{again}");
                    assert_eq!(step.durable.last, old.last, "{again}");
                }
                (Cause::Apply { index }, _) => {
                    assert_eq!(state.applied, Some(*index), "{again}");
                    assert!(step.durable.commit >= state.applied, "{again}");
                }
                (Cause::Receive(_) | Cause::Read { .. }, Some(_)) => {}
                (cause, old) => panic!("{cause:?} after {old:?}; {again}"),
            }
            before.insert(step.node.clone(), step);
        }
    }
    let all = [
        CauseKind::Start,
        CauseKind::Campaign,
        CauseKind::Tick,
        CauseKind::Receive,
        CauseKind::Write,
        CauseKind::Read,
        CauseKind::Persisted,
        CauseKind::Apply,
    ];
    assert_eq!(seen, BTreeSet::from(all));
}

#[test]
fn nothing_durable_is_lost() {
    for plan in plans() {
        let (_, steps) = read(&plan);
        let mut durable: BTreeMap<_, Arc<plimsoll_trace::Durable>> = BTreeMap::new();
        for step in steps {
            if let Some(old) = durable.insert(step.node.clone(), step.durable.clone()) {
                assert!(step.durable.term >= old.term, "{}", plan.command());
                assert!(step.durable.commit >= old.commit, "{}", plan.command());
                let only_persisted_writes =
                    step.durable == old || matches!(step.cause, Cause::Persisted | Cause::Start);
                assert!(only_persisted_writes, "{}", plan.command());
            }
        }
    }
}

#[test]
fn acknowledgements_are_of_what_is_applied_and_begun() {
    for plan in plans() {
        let (_, steps) = read(&plan);
        let mut begun = BTreeMap::new();
        let mut written: BTreeMap<_, BTreeSet<u64>> = BTreeMap::new();
        let mut count = 0;
        for step in &steps {
            for read in step.reads.iter().flatten() {
                let again = begun.insert(read.op.clone(), read.index);
                assert_eq!(again, None, "a read was begun twice");
            }
            if let Some(entries) = &step.append {
                let first = entries.after_index().get() + 1;
                let ops = entries.ops().expect("always recorded");
                for (index, op) in (first..).zip(ops) {
                    if let Some(op) = op {
                        written.entry(op.clone()).or_default().insert(index);
                    }
                }
            }
            for ack in step.ack.iter().flatten() {
                count += 1;
                let applied = step.state.applied.expect("always recorded");
                assert!(ack.index <= applied, "{}", plan.command());
                let read = begun.get(&ack.op) == Some(&ack.index);
                let write = written
                    .get(&ack.op)
                    .is_some_and(|places| places.contains(&ack.index.get()));
                assert!(read != write, "{}", plan.command());
            }
        }
        assert!(count > 10, "{}", plan.command());
    }
}

/// Runs in which every feature is used.
fn feature_plans() -> impl Iterator<Item = Plan> {
    (1..=12).map(|seed| Plan {
        seed,
        nodes: 5,
        joiners: 2,
        steps: 3000,
        drop: 0.05,
        reorder: true,
        partitions: 0.2,
        crashes: 0.1,
        pre_vote: seed % 2 == 0,
        check_quorum: seed % 3 != 0,
        follower_reads: true,
        snapshot_every: 4,
        transfers: 0.2,
        changes: 0.4,
        joint: true,
        learners: true,
        async_storage: seed % 4 == 0,
        ..Plan::default()
    })
}

#[test]
fn every_feature_has_its_words() {
    let (mut causes, mut messages) = (BTreeSet::new(), BTreeSet::new());
    let (mut joint, mut learns, mut forced) = (0, 0, 0);
    for plan in feature_plans() {
        let (header, steps) = read(&plan);
        assert_eq!(header.nodes.len(), 5);
        assert_eq!(header.config.voters.len(), 3);
        assert_eq!(header.bootstrap, 3);
        assert!(header.features.iter().any(|name| name == "follower-reads"));
        for step in &steps {
            causes.insert(step.cause.kind());
            let config = step.state.config.as_ref().expect("always recorded");
            let some = |list: &Option<Vec<_>>| list.as_ref().is_some_and(|list| !list.is_empty());
            joint += u32::from(some(&config.outgoing));
            learns += u32::from(some(&config.learners));
            for message in step.send.iter().flatten() {
                messages.insert(message.body.kind().to_owned());
                forced += u32::from(matches!(
                    message.body,
                    Body::RequestVote { forced: true, .. }
                ));
            }
        }
    }
    assert!(joint > 100 && learns > 100 && forced > 10);
    for cause in [
        CauseKind::Change,
        CauseKind::Transfer,
        CauseKind::Compact,
        CauseKind::CheckQuorum,
    ] {
        assert!(causes.contains(&cause), "{cause:?}");
    }
    for kind in [
        "request-pre-vote",
        "pre-vote",
        "snapshot",
        "timeout-now",
        "read-request",
        "read-index",
    ] {
        assert!(messages.contains(kind), "{kind}");
    }
}

/// Snapshots of one place have one content, whoever took them.
#[test]
fn equal_places_have_equal_snapshots() {
    let mut count = 0;
    for plan in feature_plans() {
        let (_, steps) = read(&plan);
        let mut known = BTreeMap::new();
        for message in steps.iter().flat_map(|step| step.send.iter().flatten()) {
            if let Body::Snapshot { last, config, hash } = &message.body {
                count += 1;
                let content = (config.clone(), hash.expect("always recorded"));
                let place = (last.index, last.term);
                let before = known.insert(place, content.clone());
                let same = before.is_none_or(|before| before == content);
                assert!(same, "{}", plan.command());
            }
        }
    }
    assert!(count > 20, "{count}");
}

/// With queued writes a vote, a request for one and the answer to an append
/// leave once all that was queued before them is durable.
#[test]
fn with_queued_writes_what_shows_them_waits() {
    let mut overtaken = 0;
    for seed in 1..=6 {
        let plan = Plan {
            seed,
            steps: 2500,
            crashes: 0.3,
            drop: 0.05,
            sync_max: 30,
            async_storage: true,
            ..Plan::default()
        };
        let (_, steps) = read(&plan);
        let mut waits: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut durable: BTreeMap<_, Arc<plimsoll_trace::Durable>> = BTreeMap::new();
        for step in &steps {
            durable.insert(step.node.clone(), step.durable.clone());
            if step.cause == Cause::Start {
                waits.remove(&step.node);
            }
            for message in step.send.iter().flatten() {
                if let Body::AppendAck {
                    reject: false,
                    index,
                    ..
                } = message.body
                {
                    let list = waits.entry(step.node.clone()).or_default();
                    list.push((message.id.clone(), message.term, index));
                }
            }
            let Cause::Receive(message) = &step.cause else {
                continue;
            };
            let sender = &durable[&message.from];
            overtaken += u32::from(sender.term < Some(message.term));
            let queued = waits.entry(message.from.clone()).or_default();
            if let Some((_, term, index)) = queued.iter().find(|(id, ..)| *id == message.id) {
                assert!(sender.term >= Some(*term), "{}", plan.command());
                let last = sender.last.map(|last| last.index);
                assert!(last >= Some(*index), "{}", plan.command());
            }
        }
    }
    assert!(overtaken > 0, "nothing ever left before its write");
}
