//! Flow control: which part of its log a leader sends next (figure 2,
//! `nextIndex`; etcd's Progress), and when it waits for an answer.
//!
//! Every range of its own log is legal to send, so without this feature the
//! range is a free choice, which subsumes every flow control. With it a leader
//! keeps for each server where it goes on ([`Flow`]):
//!
//! - It *probes* a server of which it knows too little: one append, then it
//!   waits for the answer.
//! - It *replicates* to a server that has answered: it goes on at once as if all
//!   that it sends arrived, with at most a window of appends under way.
//! - Of a server that lacks what is compacted it waits until its *snapshot* has
//!   arrived ([`may_send_snapshot`]).
//! - An acknowledgement moves it on ([`accepted`]), a rejection back to probing
//!   ([`rejected`]), the answer to a heartbeat lets it try again ([`alive`]).
//!
//! What it sends next lies above what is known to match: `next > match`.

use crate::flaws::Flaw;
use crate::ids::{Index, NodeId, Position};
use crate::log::Log;
use crate::progress::{Flow, Pace};
use crate::refusal::Refusal;
use crate::server::{Role, Server};
use crate::settings::{Heartbeat, Settings};

/// Where a leader goes on with `to`, if there is flow control.
pub fn of<L: Log>(server: &Server<L>, to: NodeId) -> Option<&Flow> {
    match &server.role {
        Role::Leader { matched, .. } => matched.flow(to),
        _ => None,
    }
}

/// Whether the leader may send `to` the `count` entries after `after` now.
///
/// # Errors
/// When it goes on elsewhere, or waits for an answer.
pub fn may_send<L: Log>(
    server: &Server<L>,
    to: NodeId,
    after: Index,
    count: u32,
    settings: &Settings,
) -> Result<(), Refusal> {
    let node = server.id;
    let Some(flow) = of(server, to) else {
        return Ok(());
    };
    if after.next() != flow.next {
        return Err(Refusal::NotNext {
            node,
            to,
            after,
            next: flow.next,
        });
    }
    // Where the append without entries is the heartbeat it never waits.
    let heartbeat = count == 0 && settings.heartbeat == Heartbeat::EmptyAppend;
    let full = count > 0 && flow.is_full(settings.window);
    if !heartbeat && (flow.waits() || full) {
        return Err(Refusal::Waits { node, to });
    }
    Ok(())
}

/// Whether the leader may send its snapshot to `to` now.
///
/// # Errors
/// When it goes on with entries that it still has, or waits for an answer.
pub fn may_send_snapshot<L: Log>(server: &Server<L>, to: NodeId) -> Result<(), Refusal> {
    let (node, base) = (server.id, server.log.base());
    let Some(flow) = of(server, to) else {
        return Ok(());
    };
    if flow.next > base {
        return Err(Refusal::NotNext {
            node,
            to,
            after: Index::ZERO,
            next: flow.next,
        });
    }
    match flow.waits() {
        true => Err(Refusal::Waits { node, to }),
        false => Ok(()),
    }
}

/// The leader has sent `to` its snapshot, and goes on behind it once it has
/// arrived.
pub fn snapshot_sent<L: Log>(server: &mut Server<L>, to: NodeId) {
    let pending = server.log.base();
    if let Some(flow) = flow_of(server, to) {
        flow.next = pending.next();
        flow.pace = Pace::Snapshot { pending };
    }
}

fn flow_of<L: Log>(server: &mut Server<L>, id: NodeId) -> Option<&mut Flow> {
    match &mut server.role {
        Role::Leader { matched, .. } => matched.flow_mut(id),
        _ => None,
    }
}

/// The leader has sent `to` the next `count` entries.
pub fn sent<L: Log>(server: &mut Server<L>, to: NodeId, count: u32, settings: &Settings) {
    let Some(flow) = flow_of(server, to) else {
        return;
    };
    if count == 0 && settings.heartbeat == Heartbeat::EmptyAppend {
        return;
    }
    match &mut flow.pace {
        Pace::Probe => flow.paused |= count > 0,
        Pace::Snapshot { .. } => {}
        Pace::Replicate { under_way } => {
            if count > 0 {
                under_way.push(Index(flow.next.0 + u64::from(count) - 1));
                flow.next = flow.next.plus(count as usize);
            }
            flow.paused = flow.is_full(settings.window);
        }
    }
}

/// `from` has acknowledged the log up to `index`; before that it was known to
/// match up to `before`.
pub fn accepted<L: Log>(
    server: &mut Server<L>,
    from: NodeId,
    index: Index,
    before: Index,
    settings: &Settings,
) {
    let raises = !settings.has(Flaw::NextNotRaised);
    let base = server.log.base();
    let Some(flow) = flow_of(server, from) else {
        return;
    };
    let news = index > before;
    if news {
        if raises {
            flow.next = flow.next.max(index.next());
        }
        flow.paused = false;
    }
    match &mut flow.pace {
        Pace::Probe if news || index == before => {
            if raises {
                flow.next = index.next();
            }
            flow.paused = false;
            flow.pace = Pace::Replicate {
                under_way: Default::default(),
            };
        }
        // The entries behind it are there, whether or not the snapshot was.
        Pace::Snapshot { .. } if news && index >= base => {
            flow.next = index.next();
            flow.pace = Pace::Replicate {
                under_way: Default::default(),
            };
        }
        Pace::Replicate { under_way } if news => under_way.retain(|end| *end > index),
        _ => {}
    }
}

/// `from` has rejected an append behind `index`; `hint` says where one may
/// match.
pub fn rejected<L: Log>(
    server: &mut Server<L>,
    from: NodeId,
    index: Index,
    hint: Option<Position>,
    settings: &Settings,
) {
    let hint = hint.map(|at| server.log.conflict_hint(at.index, at.term).index);
    let Role::Leader { matched: known, .. } = &mut server.role else {
        return;
    };
    let matched = known[from];
    let Some(flow) = known.flow_mut(from) else {
        return;
    };
    if matched > Index::ZERO && settings.has(Flaw::RejectionIgnoredAfterMatch) {
        return;
    }
    match flow.pace {
        // What is known to match was not rejected by who has it: the answer is
        // late.
        Pace::Replicate { .. } if index <= matched => return,
        Pace::Replicate { .. } => flow.next = matched.next(),
        // It waits for the snapshot still: an earlier append was rejected (etcd).
        // Where nothing but an append asks whether the other is alive, the
        // rejection says that the snapshot was lost.
        Pace::Snapshot { .. } if settings.heartbeat == Heartbeat::Separate => return,
        // An answer to another probe.
        Pace::Probe | Pace::Snapshot { .. } if index.next() != flow.next => return,
        Pace::Probe | Pace::Snapshot { .. } => {
            let back = hint.map_or(index, |hint| index.min(hint.next()));
            flow.next = back.max(matched.next());
        }
    }
    flow.pace = Pace::Probe;
    flow.paused = false;
}

/// `from` has answered a heartbeat: what was under way may be lost, so the
/// leader does not wait for it any longer. That a snapshot was lost etcd is told
/// by who sends it (`ReportSnapshot`), which may be at any time.
pub fn alive<L: Log>(server: &mut Server<L>, from: NodeId) {
    let Role::Leader { matched: known, .. } = &mut server.role else {
        return;
    };
    let matched = known[from];
    let Some(flow) = known.flow_mut(from) else {
        return;
    };
    flow.paused = false;
    if let Pace::Snapshot { .. } = flow.pace {
        flow.next = matched.next();
        flow.pace = Pace::Probe;
    }
}

/// The leader begins to probe every server of its configuration that it does
/// not keep a flow for, with its newest entry.
pub fn admit<L: Log>(server: &mut Server<L>, settings: &Settings) {
    let (id, last) = (server.id, server.log.last_index());
    if settings.window == 0 {
        return;
    }
    if let Role::Leader { matched, .. } = &mut server.role {
        matched.admit(id, Index(last.0.max(1)));
    }
}
