//! Random walks of the model, and writing them as traces.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll_model::action::{self, Action};
use plimsoll_model::cluster::{State, Step};
use plimsoll_model::config::{Change, Config, Transition};
use plimsoll_model::features;
use plimsoll_model::ids::{Index, NodeId, NodeSet, Position, ReadId};
use plimsoll_model::log::{Batch, InlineLog, Log, Payload};
use plimsoll_model::message::{Body, Message, Messages};
use plimsoll_model::rules::{self, Input};
use plimsoll_model::scenario::Scenario;
use plimsoll_model::server::{Role, Server};
use plimsoll_model::settings::{Dialect, Durability, Storage};
use plimsoll_trace as wire;

/// One step of a walk.
pub(crate) struct Walked {
    pub before: State,
    pub action: Action,
    pub step: Step,
}

/// The walk that `choices` decide: each picks one of the actions whose
/// successor lies within the bounds.
pub(crate) fn walk(scenario: &Scenario, choices: &[u32]) -> Vec<Walked> {
    let mut state = State::initial(scenario);
    let mut walk = Vec::new();
    for &choice in choices {
        let mut actions = Vec::new();
        action::enabled(&state, scenario, &mut actions);
        // Elections are rare next to messages: choose the kind first.
        let next: Vec<_> = actions
            .into_iter()
            .filter_map(|action| {
                let step = state.next(&action, scenario).ok()?;
                step.after.within(scenario).then_some((action, step))
            })
            .collect();
        let mut kinds: Vec<_> = next.iter().map(|(action, _)| action.kind()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let Some(kind) = kinds.get(choice as usize % kinds.len().max(1)) else {
            break;
        };
        let of_kind: Vec<_> = next.iter().filter(|(a, _)| a.kind() == *kind).collect();
        let (action, step) = of_kind[(choice >> 8) as usize % of_kind.len()].clone();
        walk.push(Walked {
            before: state.clone(),
            action: action.clone(),
            step: step.clone(),
        });
        state = step.after.clone();
    }
    walk
}

/// A folder that is removed when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(seed: u64) -> Self {
        let name = format!("plimsoll-walk-{}-{seed:x}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder for the trace");
        Folder(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Keeps it, for a person to look at.
    pub(crate) fn keep(&self) -> PathBuf {
        let kept = self.0.with_file_name("plimsoll-walk-kept");
        let _ = std::fs::remove_dir_all(&kept);
        std::fs::rename(&self.0, &kept).expect("the trace can be kept");
        kept
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A small generator, so that what is left out follows from the seed.
struct Lots(u64);

impl Lots {
    fn percent(&mut self, chance: u32) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % 100 < u64::from(chance)
    }
}

fn name(id: NodeId) -> wire::NodeName {
    id.to_string().as_str().into()
}

fn position(position: Position) -> wire::Position {
    wire::Position::new(position.index.0, position.term.0)
}

fn context(read: &Option<ReadId>) -> Option<wire::SmolStr> {
    read.map(|read| format!("r{}", read.number).into())
}

fn entries(after: Index, batch: &Batch, bare: bool) -> wire::Entries {
    if bare {
        let terms = batch.iter().map(|e| wire::Term(e.term.0));
        return wire::Entries::of_terms(after.0, terms).expect("few entries");
    }
    let each = batch.iter().map(|entry| {
        let (kind, op, hash) = match entry.payload {
            Payload::Noop => (wire::EntryKind::Noop, None, 1),
            Payload::Write { number } => {
                let op = format!("w{number}");
                (
                    wire::EntryKind::Write,
                    Some(op.as_str().into()),
                    u64::from(number) + 2,
                )
            }
            Payload::Config { change } => (wire::EntryKind::Config, None, change.voters.0 + 1000),
        };
        wire::Entry {
            term: wire::Term(entry.term.0),
            kind,
            op,
            hash: wire::ContentHash(hash),
        }
    });
    wire::Entries::of(wire::Index(after.0), each).expect("few entries")
}

fn message(message: &Message, bare: bool) -> wire::Message {
    let body = match message.body.plain().as_ref() {
        Body::RequestVote { last, forced } => wire::Body::RequestVote {
            forced: *forced,
            last: position(*last),
        },
        Body::Vote { granted } => wire::Body::Vote { granted: *granted },
        Body::Append {
            prev,
            entries: batch,
            commit,
            context: read,
            ..
        } => wire::Body::Append {
            prev: position(*prev),
            entries: entries(prev.index, batch, bare),
            commit: wire::Index(commit.0),
            context: context(read),
        },
        Body::AppendAck {
            reject,
            index,
            hint,
            context: read,
            ..
        } => wire::Body::AppendAck {
            reject: *reject,
            index: wire::Index(index.0),
            hint: hint.map(position),
            context: context(read),
        },
        Body::Heartbeat {
            commit,
            context: read,
            ..
        } => wire::Body::Heartbeat {
            commit: wire::Index(commit.0),
            context: context(read),
        },
        Body::HeartbeatAck { context: read, .. } => wire::Body::HeartbeatAck {
            context: context(read),
        },
        Body::RequestPreVote { last } => wire::Body::RequestPreVote {
            last: position(*last),
        },
        Body::PreVote { granted } => wire::Body::PreVote { granted: *granted },
        Body::TimeoutNow => wire::Body::TimeoutNow,
        Body::RequestRead { read } => wire::Body::ReadRequest {
            op: op(*read).as_str().into(),
        },
        Body::ReadIndex { read, index } => wire::Body::ReadIndex {
            op: op(*read).as_str().into(),
            index: wire::Index(index.0),
        },
        Body::InstallSnapshot { last, config, .. } => wire::Body::Snapshot {
            last: position(*last),
            config: configuration(config),
            hash: None,
        },
        Body::Telling { .. } => unreachable!("a plain body tells nothing"),
    };
    wire::Message::new(name(message.from), name(message.to), message.term.0, body)
}

fn op(read: ReadId) -> String {
    format!("r{}", read.number)
}

/// What the server said in this step: what left, and what waits and did not
/// wait before. An exploring network keeps equal messages once, a trace shows
/// each: so the rule is asked, and not the state after.
fn said(walked: &Walked, scenario: &Scenario, node: NodeId, input: &Input) -> Vec<Message> {
    if matches!(input, Input::WriteCompleted | Input::Restart { .. }) {
        return Vec::new();
    }
    let mut server = walked.before.server(node).clone();
    let waiting = server.outbox.len();
    let waits = |server: &Server<InlineLog>| -> usize {
        server.queue.iter().map(|write| write.waiting.len()).sum()
    };
    let queued = waits(&server);
    let mut out = Messages::new();
    rules::step(&mut server, input, &scenario.settings, &mut out).expect("a step of the walk");
    out.extend(server.outbox.iter().skip(waiting).cloned());
    let behind = server.queue.iter().flat_map(|write| write.waiting.iter());
    out.extend(behind.skip(queued).cloned());
    out.into_vec()
}

fn names(set: NodeSet) -> Vec<wire::NodeName> {
    set.iter().map(name).collect()
}

fn configuration(config: &Config) -> wire::Config {
    let next = config.joint.map_or(NodeSet::EMPTY, |j| j.learners_next);
    wire::Config::of_voters(names(config.voters))
        .with_outgoing(names(config.outgoing()))
        .with_learners(names(config.learners))
        .with_learners_next(names(next))
        .with_auto_leave(config.joint.is_some_and(|joint| joint.auto_leave))
}

fn change(change: &Change) -> wire::Change {
    wire::Change {
        voters: names(change.voters),
        learners: names(change.learners),
        removed: names(change.removed),
        transition: match change.transition {
            Transition::Simple => wire::Transition::Simple,
            Transition::Joint { auto_leave: true } => wire::Transition::Joint,
            Transition::Joint { auto_leave: false } => wire::Transition::JointUntilTold,
            Transition::Leave => wire::Transition::Leave,
        },
    }
}

fn state(server: &Server<InlineLog>) -> wire::State {
    let base = server.log.base();
    let base = Position::new(base, server.log.term_at(base).unwrap_or_default());
    wire::State::new()
        .with_term(server.term.0)
        .with_vote(server.vote.map(name))
        .with_role(match server.role {
            Role::Follower => wire::Role::Follower,
            Role::Candidate { .. } => wire::Role::Candidate,
            Role::Leader { .. } => wire::Role::Leader,
            Role::PreCandidate { .. } => wire::Role::PreCandidate,
        })
        .with_commit(server.commit.0)
        .with_applied(server.applied.0)
        .with_last(position(server.log.last()))
        .with_snapshot(position(base))
        .with_config(configuration(&server.config))
        .with_transfer(match server.role {
            Role::Leader { transfer, .. } => transfer.map(name),
            _ => None,
        })
}

fn durable(server: &Server<InlineLog>) -> wire::Durable {
    wire::Durable::new()
        .with_term(server.durable.term.0)
        .with_vote(server.durable.vote.map(name))
        .with_commit(server.durable.commit.0)
        .with_last(position(server.durable_last()))
}

/// Leaves parts of the state out, but what a restart recovered and what was the
/// server's own choice: that it counted its vote and leads, that it raised its
/// commit index. What its input decides can be left out; a choice has to show.
fn thin(step: &mut wire::Step, chose: Choice, lots: &mut Lots, chance: u32) {
    let (role, commit) = (step.state.role, step.state.commit);
    let (term, transfer) = (step.state.term, step.state.transfer.clone());
    macro_rules! leave {
        ($($part:ident . $field:ident),*) => {$(
            if lots.percent(chance) {
                Arc::make_mut(&mut step.$part).$field = None;
            }
        )*};
    }
    if !matches!(step.cause, wire::Cause::Start) {
        leave!(
            state.term,
            state.vote,
            state.role,
            state.commit,
            state.applied,
            state.last,
            state.snapshot,
            state.config,
            state.transfer
        );
    }
    if chose.to_notice {
        Arc::make_mut(&mut step.state).term = term;
    }
    if chose.to_keep {
        Arc::make_mut(&mut step.state).transfer = transfer;
    }
    if chose.to_lead {
        Arc::make_mut(&mut step.state).role = role;
    }
    if chose.to_commit {
        Arc::make_mut(&mut step.state).commit = commit;
    }
    leave!(durable.term, durable.vote, durable.commit, durable.last);
    if !chose.to_leave && lots.percent(chance) {
        step.append = None;
    }
    if lots.percent(chance) {
        step.ack = None;
    }
    // Which entries a leader sends, and when, is its own choice: that a trace
    // has to show. Answers and vote requests follow from the step.
    let chosen = step.send.iter().flatten().any(|m| {
        matches!(
            m.body,
            wire::Body::Append { .. }
                | wire::Body::Heartbeat { .. }
                | wire::Body::Snapshot { .. }
                | wire::Body::TimeoutNow
                | wire::Body::ReadIndex { .. }
                | wire::Body::PreVote { .. }
                | wire::Body::ReadRequest { .. }
        )
    });
    if !chosen && lots.percent(chance) {
        step.send = None;
    }
}

/// What a server chose in a step.
#[derive(Clone, Copy)]
struct Choice {
    to_lead: bool,
    to_commit: bool,
    /// A candidate, although it had heard a leader.
    to_notice: bool,
    /// Its leadership, instead of handing over.
    to_keep: bool,
    /// A joint configuration.
    to_leave: bool,
}

/// Writes the walk, in one file or one a node.
pub(crate) fn write(
    walk: &[Walked],
    dialect: Dialect,
    scenario: &Scenario,
    folder: &Folder,
    leave_out: u32,
    split: bool,
    seed: u64,
) -> Vec<PathBuf> {
    let mut lots = Lots(seed);
    let nodes: Vec<NodeId> = NodeSet::first(usize::from(scenario.bounds.servers))
        .iter()
        .collect();
    let voters = scenario.bounds.voters();
    let header = wire::Header::new("a walk of the model", nodes.iter().map(|&id| name(id)))
        .with_config(wire::Config::of_voters(names(voters)))
        .with_bootstrap(u64::from(scenario.bounds.bootstrap))
        .with_settings(dialect.name())
        .with_features(
            features::of(&scenario.settings)
                .map(|feature| feature.name)
                .filter(|name| *name != features::ASYNC_STORAGE.name),
        )
        .with_storage(match scenario.settings.storage {
            Storage::Sync => wire::Storage::Sync,
            Storage::ParallelAppend => wire::Storage::ParallelAppend,
            Storage::Async => wire::Storage::Async,
        })
        .with_durability(match scenario.settings.durability {
            Durability::Atomic => wire::Durability::Atomic,
            Durability::Deferred => wire::Durability::Deferred,
        })
        .with_order(wire::Order::Causal);
    let mut lines: Vec<wire::Step> = Vec::new();
    let mut counts = vec![(1u64, 0u64); nodes.len()];
    let initial = State::initial(scenario);
    for &id in &nodes {
        counts[id.position()].1 += 1;
        let server = initial.server(id);
        lines.push(
            wire::Step::new(name(id), 1, 1, wire::Cause::Start)
                .with_state(state(server))
                .with_durable(durable(server)),
        );
    }
    for walked in walk {
        let Action::Step { node, input } = &walked.action else {
            continue;
        };
        let count = &mut counts[node.position()];
        if matches!(input, Input::Restart { .. }) {
            *count = (count.0 + 1, 0);
        }
        count.1 += 1;
        let mut step = line(walked, scenario, *node, input, *count, &mut lots, leave_out);
        let leads = |state: &State| state.server(*node).role.is_leader();
        let chose = Choice {
            to_lead: leads(&walked.step.after) && !leads(&walked.before),
            to_commit: matches!(input, Input::AdvanceCommit { .. }),
            to_notice: matches!(input, Input::Receive { .. }),
            to_keep: matches!(input, Input::AbortTransfer),
            to_leave: matches!(input, Input::LeaveJoint),
        };
        thin(&mut step, chose, &mut lots, leave_out);
        lines.push(step);
    }
    let path = folder.path();
    if split {
        let mut writer = wire::PerNodeWriter::create(path, &header).expect("a writer");
        for step in &lines {
            writer.write(step).expect("a line");
        }
        writer.finish().expect("files");
        let mut files: Vec<PathBuf> = std::fs::read_dir(path)
            .expect("the folder")
            .map(|entry| entry.expect("a file").path())
            .collect();
        files.sort();
        files
    } else {
        let file = path.join("walk.ndjson");
        let output = std::fs::File::create(&file).expect("a file");
        let mut writer = wire::TraceWriter::new(output, &header).expect("a writer");
        for step in &lines {
            writer.write(step).expect("a line");
        }
        writer.finish().expect("a file");
        vec![file]
    }
}

fn line(
    walked: &Walked,
    scenario: &Scenario,
    node: NodeId,
    input: &Input,
    (inc, seq): (u64, u64),
    lots: &mut Lots,
    leave_out: u32,
) -> wire::Step {
    let (before, after) = (walked.before.server(node), walked.step.after.server(node));
    let bare = lots.percent(leave_out);
    let other = |what: &str| wire::Cause::Other { what: what.into() };
    let mut reads = Vec::new();
    let mut acks = Vec::new();
    let cause = match input {
        Input::Campaign => wire::Cause::Campaign,
        Input::Receive { message: m } => wire::Cause::Receive(message(m, bare)),
        Input::Write { number } => wire::Cause::write(format!("w{number}").as_str()),
        Input::Retry { .. } => other("a client sends a command again"),
        Input::SendAppend { .. }
        | Input::SendHeartbeat { .. }
        | Input::SendSnapshot { .. }
        | Input::SendTimeoutNow { .. }
        | Input::LoseLeader
        | Input::AbortTransfer
        | Input::Tick => wire::Cause::Tick,
        Input::CheckQuorum => wire::Cause::CheckQuorum,
        Input::Transfer { to } => wire::Cause::Transfer { to: name(*to) },
        Input::Change { change: asked } => wire::Cause::Change(change(asked)),
        Input::Compact { to } => wire::Cause::Compact {
            index: wire::Index(to.0),
        },
        Input::LeaveJoint => other("it leaves the joint configuration"),
        Input::AdvanceCommit { .. } => other("a majority holds it"),
        Input::Apply => wire::Cause::apply(after.applied.0),
        Input::BeginRead { read } => {
            if before.role.is_leader() {
                reads.push(wire::OpAt::new(op(*read).as_str(), after.commit.0));
            }
            wire::Cause::read(op(*read).as_str())
        }
        Input::ReleaseRead { read } => {
            let index = match &before.role {
                Role::Leader { reads, .. } => reads.iter().find(|r| r.id == *read),
                _ => None,
            };
            let asked = before.asked.iter().find(|asked| asked.id == *read);
            let told = asked.and_then(|asked| asked.index);
            let for_another = index.is_some_and(|r| r.asker.is_some());
            let index = index.map(|r| r.index).or(told).unwrap_or_default();
            if told.is_some() || !for_another {
                acks.push(wire::OpAt::new(op(*read).as_str(), index.0));
            }
            other("a majority confirmed the read")
        }
        Input::WriteCompleted => wire::Cause::Persisted,
        Input::CountOwnVote | Input::CountOwnEntries { .. } => other("its own write counts"),
        Input::Restart { .. } => wire::Cause::Start,
        Input::Wipe => other("its machine is replaced"),
    };
    if let Input::Receive { message } = input
        && let Body::RequestRead { read } = message.body
        && let (Role::Leader { reads: new, .. }, Role::Leader { reads: old, .. }) =
            (&after.role, &before.role)
        && new.len() > old.len()
    {
        reads.push(wire::OpAt::new(op(read).as_str(), after.commit.0));
    }
    let mut step = wire::Step::new(name(node), inc, seq, cause)
        .with_state(state(after))
        .with_durable(durable(after));
    let same = before
        .log
        .entries()
        .iter()
        .zip(after.log.entries())
        .take_while(|(a, b)| a == b)
        .count();
    let new = after.log.batch(Index(same as u64), usize::MAX);
    let installs = matches!(input, Input::Receive { message } if matches!(message.body, Body::InstallSnapshot { .. }));
    if !new.is_empty() && !installs && !matches!(input, Input::Restart { .. }) {
        step = step.with_append(entries(Index(same as u64), &new, bare));
    }
    let sent = said(walked, scenario, node, input);
    step = step.with_send(sent.iter().map(|m| message(m, bare)));
    if !reads.is_empty() {
        step = step.with_reads(reads);
    }
    if !acks.is_empty() {
        step = step.with_ack(acks);
    }
    step
}
