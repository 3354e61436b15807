//! Snapshots.
//!
//! A `MsgSnap` shows its last index and nothing else; its term and its
//! configuration are those of the sender's log. That an application has taken a
//! snapshot, and how much of the log it has dropped then, has no line: a
//! snapshot may end wherever its sender has applied, and the log may be kept
//! from further below. What was dropped shows in the `InitState` of a restart.

use plimsoll_model::config::Config;
use plimsoll_model::ids::{Index, NodeId};
use plimsoll_model::log::Log;
use plimsoll_model::message::{Body, Message};
use plimsoll_model::refusal::Refusal;
use plimsoll_model::rules::Input;

use super::event::Msg;
use super::judge::{At, Judge, MEMBERSHIP, Start};
use super::state::Expect;
use crate::replay::Stop;
use crate::replay::follow::Fault;
use crate::verdict::RuleName;

impl Judge {
    /// A leader sends the snapshot that ends at `last`.
    pub(super) fn send_snapshot(
        &mut self,
        at: &At<'_>,
        to: NodeId,
        last: Index,
    ) -> Result<(), Stop> {
        let base = self.base(at.id);
        self.may_compact(at, last)?;
        // The log may reach further back than the snapshot: it is compacted for
        // as long as this takes.
        self.rebase(at.id, last.max(base));
        let sent = self.step(at, Input::SendSnapshot { to });
        self.rebase(at.id, base);
        sent.map(|_| ())
    }

    fn rebase(&mut self, id: NodeId, base: Index) {
        if let Some(member) = self.follower.member_mut(id) {
            member.server.log.rebase(base);
        }
    }

    /// The application has taken a snapshot that ends at `last`: of nothing that
    /// it has not applied, as the rule of compaction says.
    pub(super) fn may_compact(&mut self, at: &At<'_>, last: Index) -> Result<(), Stop> {
        if last > self.now(at).applied {
            self.has_applied_up_to(at, last)?;
        }
        if self.queues() && last > self.now(at).applied {
            self.durable_up_to(at, last)?;
        }
        let applied = self.now(at).applied;
        if last <= applied {
            return Ok(());
        }
        let refusal = Refusal::Unapplied {
            node: at.id,
            index: last,
            applied,
        };
        Err(self.fault(at, Fault::Refused(refusal)))
    }

    fn base(&self, id: NodeId) -> Index {
        let member = self.follower.member(id);
        member.map_or(Index::ZERO, |m| m.server.log.base())
    }

    /// The `ApplyConfChange` of a snapshot that was installed: the log and the
    /// commit index are its own already, the configuration is not.
    pub(super) fn restored(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let now = self.now(at);
        let before = crate::replay::follow::Scalars {
            config: Config::UNKNOWN,
            ..now
        };
        self.check(at, &before)?;
        let listed = at.event.change().map(|cc| &*cc.newconf);
        let listed = listed.unwrap_or_default();
        if self.names.set(listed) == Some(now.config.voters) {
            return Ok(());
        }
        let voters = now.config.voters;
        Err(self.diverges(
            at.event,
            at.place,
            RuleName::new("a snapshot brings its configuration", "§7", MEMBERSHIP),
            format!("the snapshot makes the voters {voters}, the line says {listed:?}"),
            format!("voters {voters}"),
        ))
    }

    /// A snapshot was installed at `id`.
    pub(super) fn installed(&mut self, at: &At<'_>) {
        let start = match &self.start {
            Some(Start::Stored { config, .. }) => self.names.set(config).map(Config::of),
            _ => None,
        };
        // Whoever joins learns with the snapshot what the log began with.
        if let (Some(start), Some(member)) = (start, self.follower.member_mut(at.id)) {
            member.server.base = start;
        }
        let applied = self.now(at).applied;
        let node = self.node(at.event.nid);
        node.installed = true;
        node.appliable = node.appliable.max(applied);
        node.handed_out = node.handed_out.max(applied);
        (node.again, node.doubt) = (0, None);
    }

    /// A message names the entry at which every log begins: until then its term
    /// was taken to be the term that the nodes began in.
    pub(super) fn learn_the_start(&mut self, message: &Msg) {
        let Some(Start::Stored {
            last, term, named, ..
        }) = &mut self.start
        else {
            return;
        };
        let names = message.index == last.0 && message.log_term > 0;
        if *named || last.0 == 0 || !names {
            return;
        }
        *named = true;
        if message.log_term < term.0 {
            term.0 = message.log_term;
            let (last, term) = (*last, *term);
            self.follower.restart_terms(last, term);
            let corrected = |message: &mut Message| {
                if let Body::RequestVote { last: shown, .. } = &mut message.body
                    && shown.index == last
                {
                    shown.term = term;
                }
            };
            for node in self.nodes.values_mut() {
                for expect in &mut node.expect {
                    if let Expect::Said(message) = expect {
                        corrected(message);
                    }
                }
            }
            self.follower.correct_waiting(corrected);
        }
    }

    /// `message`, with what changes are known to be by now.
    pub(super) fn as_known(&self, mut message: Message) -> Message {
        use plimsoll_model::log::{Entry, Payload};
        if self.seen.is_empty() {
            return message;
        }
        let rewrite = |index: Index, entry: &mut Entry| {
            if let (Payload::Config { change }, Some(seen)) =
                (&mut entry.payload, self.seen.get(&(entry.term, index)))
                && !seen.idle
            {
                *change = seen.change;
            }
        };
        match &mut message.body {
            Body::Append { prev, entries, .. } => {
                for (i, entry) in entries.iter_mut().enumerate() {
                    rewrite(prev.index.plus(i + 1), entry);
                }
            }
            Body::InstallSnapshot { state, .. } => {
                for (i, entry) in state.iter_mut().enumerate() {
                    rewrite(Index::ZERO.plus(i + 1), entry);
                }
            }
            _ => {}
        }
        message
    }
}
