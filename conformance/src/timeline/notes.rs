//! What a step of the rule book means, in words; and where a planted flaw made
//! the difference.

use plimsoll_model::flaws::Flaw;
use plimsoll_model::ids::{Index, NodeId};
use plimsoll_model::log::{Log, Payload};
use plimsoll_model::message::Messages;
use plimsoll_model::rules::{self, Branch, Input, Outcome};
use plimsoll_model::server::{Role, Server};
use plimsoll_model::settings::Settings;

use super::record::Stepped;
use super::view::changes;
use super::{Note, NoteKind};

/// What a step means, in words.
pub(super) fn notes<L: Log>(stepped: &Stepped<'_, L>, settings: &Settings) -> Vec<Note> {
    let Stepped {
        before,
        after,
        input,
        outcome,
        ..
    } = *stepped;
    let mut notes = Vec::new();
    let mut note = |kind, text: String| notes.push(Note { kind, text });
    let from = match input {
        Input::Receive { message } => Some(message.from),
        _ => None,
    };
    if before.role.is_leader() && !after.role.is_leader() && !is_restart(input) {
        note(
            NoteKind::Info,
            format!("steps down from term {}", before.term),
        );
    }
    if matches!(input, Input::Restart { .. }) {
        note(NoteKind::Crashed, "CRASHES and restarts".to_owned());
        if let Some(lost) = lost(before, after) {
            note(NoteKind::Info, format!("loses {lost}"));
        }
    }
    if let Some((kind, text)) = said(outcome, from, stepped) {
        note(kind, text);
    }
    if after.role.is_leader() && (!before.role.is_leader() || before.term != after.term) {
        note(NoteKind::Elected, format!("LEADER of term {}", after.term));
    }
    if outcome.branch != Branch::Committed && after.commit > before.commit && !is_restart(input) {
        note(
            NoteKind::Info,
            format!("learns that {} is committed", at(after, after.commit)),
        );
    }
    for text in skipped(stepped, settings) {
        note(NoteKind::Info, text);
    }
    if let Some(text) = flaw(stepped, settings) {
        note(NoteKind::Flaw, text);
    }
    notes
}

/// Which commands a server did not apply, because it had done so before.
fn skipped<L: Log>(stepped: &Stepped<'_, L>, settings: &Settings) -> Vec<String> {
    let (before, after) = (stepped.before, stepped.after);
    let (true, Some(machine)) = (settings.sessions > 0, &after.machine) else {
        return Vec::new();
    };
    let entries = after.log.entries();
    let from = before.applied.max(after.log.base()).min(after.applied);
    let applied = from.0..after.applied.0;
    let told = applied.filter_map(|at| {
        let at = usize::try_from(at).ok()?;
        let entry = entries.get(at)?;
        let Payload::Write { number } = entry.payload else {
            return None;
        };
        let earlier = entries[..at].iter().any(|e| e.payload == entry.payload);
        let effects = machine.effects.iter().filter(|&&n| n == number);
        let index = Index::ZERO.plus(at + 1);
        match (effects.count(), earlier) {
            (0, _) => Some(format!(
                "skips w{number} at {index}, which never had effect"
            )),
            (1, true) => Some(format!("skips w{number} at {index}: it is applied already")),
            _ => None,
        }
    });
    told.collect()
}

/// Where the planted flaw made a difference in this step, and which.
fn flaw<L: Log>(stepped: &Stepped<'_, L>, settings: &Settings) -> Option<String> {
    let planted = settings.flaw?;
    if let (Flaw::CommandsPipelined, Input::Write { number }) = (planted, stepped.input) {
        return too_soon(stepped.before, *number, settings);
    }
    let right = Settings {
        flaw: None,
        ..*settings
    };
    let (mut server, mut released) = (stepped.before.clone(), Messages::new());
    let ruled = rules::step(&mut server, stepped.input, &right, &mut released);
    let outcome = match ruled {
        Err(refusal) => {
            return Some(format!(
                "THE FLAW: without it the rule refuses, as {refusal}"
            ));
        }
        Ok(outcome) => outcome,
    };
    if outcome.branch != stepped.outcome.branch {
        let instead = outcome.branch.name().replace('-', " ");
        let because = outcome.reason.map(|reason| format!(": {reason}"));
        let because = because.unwrap_or_default();
        return Some(format!("THE FLAW: without it, {instead}{because}"));
    }
    if released[..] != *stepped.released {
        let said = released.iter().map(|m| format!("{} to {}", m.body, m.to));
        let said: Vec<String> = said.collect();
        return Some(format!("THE FLAW: without it, it says {}", said.join(", ")));
    }
    let differs = changes(&server, stepped.after, &right);
    let differs =
        differs.iter().map(
            |change| match (change.field.as_str(), change.before.as_str()) {
                (field, "") => format!("no {field} {}", change.after),
                (field, before) => format!("{field} {before}"),
            },
        );
    let mut differs: Vec<String> = differs.collect();
    // Not shown as a change where an entry is applied when it commits.
    if differs.is_empty() && server.applied != stepped.after.applied {
        differs.push(format!("it has applied up to {}", server.applied));
    }
    if is_lease_void(&server) && !is_lease_void(stepped.after) {
        differs.push("it counts on its lease no more".to_owned());
    }
    (!differs.is_empty()).then(|| format!("THE FLAW: without it, {}", differs.join(", ")))
}

/// That a client sends a command too soon: the leader's log lacks the one
/// before, to which it cannot have an answer then.
fn too_soon<L: Log>(leader: &Server<L>, number: u32, settings: &Settings) -> Option<String> {
    let earlier = number
        .checked_sub(settings.sessions)
        .filter(|&earlier| earlier > 0)?;
    let payload = Payload::Write { number: earlier };
    let lacks = leader.log.entries().iter().all(|e| e.payload != payload);
    lacks.then(|| format!("THE FLAW: without it, the client waits for an answer to w{earlier}"))
}

/// Whether a leader has given up to count on a lease.
fn is_lease_void<L: Log>(server: &Server<L>) -> bool {
    matches!(&server.role, Role::Leader { lease, .. } if lease.void)
}

fn is_restart(input: &Input) -> bool {
    matches!(input, Input::Restart { .. } | Input::Wipe)
}

fn at<L: Log>(server: &Server<L>, index: Index) -> String {
    match server.log.term_at(index) {
        Some(term) => format!("{index}@{term}"),
        None => format!("index {index}"),
    }
}

/// What a crash lost, if anything.
fn lost<L: Log>(before: &Server<L>, after: &Server<L>) -> Option<String> {
    let mut parts = Vec::new();
    if before.term != after.term {
        parts.push(format!("term {}", before.term));
    }
    if before.vote != after.vote
        && let Some(vote) = before.vote
    {
        parts.push(format!("its vote for {vote}"));
    }
    if before.log != after.log {
        parts.push("part of its log".to_owned());
    }
    if after.commit < before.commit {
        parts.push("its commit index".to_owned());
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The branch in words. The arrow and the changes say the rest.
fn said<L: Log>(
    outcome: Outcome,
    from: Option<NodeId>,
    stepped: &Stepped<'_, L>,
) -> Option<(NoteKind, String)> {
    let Stepped {
        before,
        after,
        input,
        ..
    } = *stepped;
    let from = from.map_or(String::new(), |from| from.to_string());
    let because = |text: &str| match outcome.reason {
        Some(reason) => (NoteKind::Refused, format!("{text}: {reason}")),
        None => (NoteKind::Refused, text.to_owned()),
    };
    let info = |text: String| (NoteKind::Info, text);
    Some(match outcome.branch {
        Branch::Campaigned => info(format!("starts an election for term {}", after.term)),
        Branch::VoteGranted => info(format!("grants its vote to {from}")),
        Branch::VoteRefused => because("refuses its vote"),
        Branch::VoteCounted | Branch::BecameLeader if !from.is_empty() => {
            info(format!("counts {from}'s vote"))
        }
        Branch::VoteCounted | Branch::BecameLeader => info("counts its own vote".to_owned()),
        Branch::OwnVoteCounted => info("counts its own vote".to_owned()),
        Branch::RefusalCounted => info(format!("notes {from}'s refusal")),
        Branch::VoteLost => info("is refused by a majority and gives up".to_owned()),
        Branch::StaleIgnored => because("ignores it"),
        Branch::StaleRefused => because("refuses it"),
        Branch::Unexpected => because("has no use for it"),
        Branch::Wrote => match input {
            Input::Write { number } => info(format!("a client writes w{number}")),
            Input::Retry { number } => info(format!("a client writes w{number} again")),
            _ => return None,
        },
        Branch::AppendMatched => info("matches, nothing new".to_owned()),
        Branch::AppendReplaced => (NoteKind::Truncated, "drops what conflicts".to_owned()),
        Branch::AppendRejected => because("rejects it"),
        Branch::AppendBelowCommit => because("answers with its commit index"),
        Branch::ProgressNoted if before.role == after.role => info("nothing new".to_owned()),
        Branch::RejectionNoted => info(format!("notes {from}'s rejection")),
        Branch::Committed => (
            NoteKind::Committed,
            format!("COMMITS {}", at(after, after.commit)),
        ),
        Branch::Applied | Branch::ConfigurationApplied => {
            info(format!("applies {}", at(after, after.applied)))
        }
        Branch::ReadBegun => match (&after.role, input) {
            (Role::Leader { reads, .. }, Input::BeginRead { read }) => {
                let index = reads.iter().find(|open| open.id == *read)?.index;
                info(format!("a client begins read {read}: read index {index}"))
            }
            _ => return None,
        },
        Branch::ReadReleased => match (&before.role, input) {
            (Role::Leader { reads, .. }, Input::ReleaseRead { read }) => {
                let index = reads.iter().find(|open| open.id == *read)?.index;
                (
                    NoteKind::Served,
                    format!("SERVES read {read} at index {index}"),
                )
            }
            _ => return None,
        },
        Branch::WriteDone => info("its write is durable".to_owned()),
        Branch::StaleWriteDone => info("a write is durable that it has replaced since".to_owned()),
        Branch::OwnEntriesCounted => info("counts its own durable entries".to_owned()),
        Branch::PreCampaigned => info(format!("asks who would vote in term {}", after.term.next())),
        Branch::PreVoteGranted => info(format!("would vote for {from}")),
        Branch::PreVoteRefused => because("would not vote for it"),
        Branch::PreVoteCounted => info(format!("counts that {from} would vote")),
        Branch::CandidateDisregarded => because("takes no notice"),
        Branch::LeaderUnheard => info("has not heard from a leader".to_owned()),
        Branch::QuorumHeard => info("has heard from a majority".to_owned()),
        Branch::QuorumLost => because("steps down"),
        Branch::TransferBegun => match input {
            Input::Transfer { to } => info(format!("is to hand over to {to}")),
            _ => return None,
        },
        Branch::ReadForwarded => match input {
            Input::BeginRead { read } => {
                info(format!("a client begins read {read}: asks the leader"))
            }
            _ => return None,
        },
        Branch::ReadIndexLearned => info("is told the read index".to_owned()),
        Branch::TransferAborted => info("gives up to hand over".to_owned()),
        Branch::CampaignedAtOnce => info(format!(
            "starts an election for term {} at once",
            after.term
        )),
        Branch::RestartedTorn => info("the crash tears a write apart".to_owned()),
        Branch::ChangeAppended => match input {
            Input::Change { change } => info(format!("a client asks for a change: {change}")),
            _ => return None,
        },
        Branch::JointLeft => info("leaves the joint configuration by itself".to_owned()),
        Branch::NotHeard => because("does not count it"),
        Branch::Wiped => info("is replaced by a server that has nothing".to_owned()),
        Branch::HandlerPaused => info(format!(
            "finds {from}'s log up to date, and lets go of its lock"
        )),
        Branch::ReadAnsweredAtOnce => match input {
            Input::BeginRead { read } => (
                NoteKind::Served,
                format!("SERVES read {read} at once, at index {}", before.applied),
            ),
            _ => return None,
        },
        Branch::RetryAnsweredAtOnce => match input {
            Input::Retry { number } => (
                NoteKind::Served,
                format!("ANSWERS w{number} at once, which its log holds"),
            ),
            _ => return None,
        },
        Branch::ReadServedByLease => match input {
            Input::BeginRead { read } => (
                NoteKind::Served,
                format!(
                    "SERVES read {read} by its lease, at index {}",
                    before.commit
                ),
            ),
            _ => return None,
        },
        Branch::LeaseExpired => info("its lease is over".to_owned()),
        Branch::Ticked => info("its clock ticks".to_owned()),
        Branch::RestartedWritten => info("part of the write under way survives".to_owned()),
        Branch::Compacted => info(format!(
            "replaces its log up to {} by a snapshot",
            at(after, after.log.base())
        )),
        Branch::SnapshotIgnored => because("ignores it"),
        Branch::SnapshotFastForwarded => info(format!(
            "has all of it, and commits up to {}",
            at(after, after.commit)
        )),
        Branch::SnapshotRetained => info("has all of it, and keeps what is behind".to_owned()),
        Branch::SnapshotInstalled => info(format!(
            "installs the snapshot up to {} in place of its log",
            at(after, after.log.base())
        )),
        Branch::AppendBelowSnapshot => info("has all of it in its snapshot".to_owned()),
        Branch::CommitTold => info(format!(
            "has the entry that {from} knows to be committed, and commits up to {}",
            at(after, after.commit)
        )),
        Branch::CandidacyDropped => info(format!(
            "learns from {from} that a configuration is committed, and stands no more"
        )),
        Branch::SentSnapshot => return None,
        Branch::SentAppend
        | Branch::SentHeartbeat
        | Branch::SentTimeoutNow
        | Branch::ReadIndexSent
        | Branch::Appended
        | Branch::ProgressNoted
        | Branch::HeartbeatReceived
        | Branch::HeartbeatAcked
        | Branch::RestartedDurable => return None,
    })
}
