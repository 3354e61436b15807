//! What a leader is told to do, and what elections and leaders do by the clock:
//! changes of the configuration, handing over, compaction, the check of the
//! quorum.

use plimsoll_model::config::{Change, Transition};
use plimsoll_model::ids::{Index, NodeId, NodeSet};
use plimsoll_model::rules::Input;
use plimsoll_model::server::Role;
use plimsoll_model::settings::PreVote;
use plimsoll_trace::{self as wire, Cause, CauseKind, Field};

use super::judge::{At, Judge};
use super::messages::position;
use crate::replay::Stop;
use crate::replay::follow::RoleKind;
use crate::verdict::RuleName;

impl Judge {
    pub(super) fn set_of(&self, names: &[wire::NodeName]) -> NodeSet {
        names.iter().filter_map(|name| self.id(name)).collect()
    }

    /// The change as the model has it.
    pub(super) fn change_of(&self, change: &wire::Change) -> Change {
        Change {
            voters: self.set_of(&change.voters),
            learners: self.set_of(&change.learners),
            removed: self.set_of(&change.removed),
            transition: match change.transition {
                wire::Transition::Simple => Transition::Simple,
                wire::Transition::Joint => Transition::Joint { auto_leave: true },
                wire::Transition::JointUntilTold => Transition::Joint { auto_leave: false },
                wire::Transition::Leave => Transition::Leave,
            },
        }
    }

    /// A cause that asks the leader for something.
    pub(super) fn order(&mut self, at: &At<'_>) -> Result<(), Stop> {
        match &at.step.cause {
            Cause::Change(change) => {
                let change = self.change_of(change);
                self.lead(at)?;
                self.takes_again(at)?;
                self.step(at, Input::Change { change }).map(drop)
            }
            Cause::Transfer { to } => {
                self.lead(at)?;
                match self.id(to) {
                    Some(to) => self.step(at, Input::Transfer { to }).map(drop),
                    None => Ok(()),
                }
            }
            Cause::Compact { index } => {
                let to = Index(index.get());
                self.step(at, Input::Compact { to }).map(drop)
            }
            Cause::CheckQuorum => {
                self.lead(at)?;
                self.step(at, Input::CheckQuorum).map(drop)
            }
            _ => Ok(()),
        }
    }

    fn hands_over_to(&self, id: NodeId) -> Option<NodeId> {
        match self.follower.member(id).map(|member| &member.server.role) {
            Some(Role::Leader { transfer, .. }) => *transfer,
            _ => None,
        }
    }

    /// A leader that takes an entry hands over no more: where that is not always
    /// recorded it may have given up without a line.
    pub(super) fn takes_again(&mut self, at: &At<'_>) -> Result<(), Stop> {
        if self.hands_over_to(at.id).is_some() && !self.declared(Field::StateTransfer) {
            self.attempt(at, at.id, Input::AbortTransfer)?;
        }
        Ok(())
    }

    /// What a timer of a leader has done, as the line shows.
    pub(super) fn timers(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let timer = matches!(at.step.cause, Cause::Tick | Cause::CheckQuorum);
        if timer && at.step.state.transfer == Some(None) && self.hands_over_to(at.id).is_some() {
            self.step(at, Input::AbortTransfer)?;
        }
        let state = &at.step.state;
        let stepped_down = self.now(at).is_some_and(|now| {
            let same = state.term.is_none_or(|term| term.get() == now.term.0);
            let follows = state.role == Some(wire::Role::Follower);
            now.role == RoleKind::Leader && follows && same
        });
        let unlogged = !self.declared_cause(CauseKind::CheckQuorum);
        if stepped_down && unlogged && self.follower.settings.check_quorum {
            // Whoever answered may have done so before an earlier check.
            for _ in 0..2 {
                let now = self.now(at);
                if now.is_some_and(|now| now.role == RoleKind::Leader) {
                    self.attempt(at, at.id, Input::CheckQuorum)?;
                }
            }
        }
        Ok(())
    }

    /// An entry that the line appends, and that neither a client nor a leader
    /// sent: the leader leaves a joint configuration by itself.
    pub(super) fn leaves_joint(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let (Some(append), Some(now)) = (&at.step.append, self.now(at)) else {
            return Ok(());
        };
        let asked = matches!(
            at.step.cause,
            Cause::Receive(_) | Cause::Write { .. } | Cause::Change(_) | Cause::Start
        );
        let auto = now.config.joint.is_some_and(|joint| joint.auto_leave);
        let next = append.after_index().get() == now.last.index.0 && append.len() == 1;
        if asked || !auto || !next || now.role != RoleKind::Leader {
            return Ok(());
        }
        self.step(at, Input::LeaveJoint).map(drop)
    }

    /// A server that heard a leader starts an election, or answers somebody who
    /// stands for one: it was not heard for an election timeout.
    pub(super) fn forgets_leader(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let hears = self
            .follower
            .member(at.id)
            .is_some_and(|member| member.server.hears_leader);
        if !hears {
            return Ok(());
        }
        let forgets = match &at.step.cause {
            Cause::Campaign => true,
            Cause::Receive(message) => self.is_noticed(at, message),
            _ => false,
        };
        if forgets {
            self.attempt(at, at.id, Input::LoseLeader)?;
        }
        Ok(())
    }

    /// Whether the line shows that a candidate was taken notice of.
    fn is_noticed(&self, at: &At<'_>, message: &wire::Message) -> bool {
        let own = self.now(at).map_or(0, |now| now.term.0);
        let term = message.term.get();
        let answers = at.step.send.iter().flatten();
        let mut answers = answers.filter(|answer| answer.to == message.from);
        match &message.body {
            wire::Body::RequestVote { forced: false, .. } => {
                let entered = at.step.state.term.is_some_and(|now| now.get() >= term);
                term > own && (entered || answers.next().is_some())
            }
            wire::Body::RequestPreVote { .. } => {
                let asks = self.follower.settings.pre_vote == PreVote::LogAndLeader;
                let granted =
                    |answer: &wire::Message| answer.body == wire::Body::PreVote { granted: true };
                match asks {
                    true => answers.any(granted),
                    false => term > own && answers.next().is_some(),
                }
            }
            _ => false,
        }
    }

    /// A snapshot of what a log holds still: it was compacted without a line.
    pub(super) fn compacted_silently(&mut self, at: &At<'_>, to: Index) -> Result<(), Stop> {
        if !self.declared_cause(CauseKind::Compact) {
            self.attempt(at, at.id, Input::Compact { to })?;
        }
        Ok(())
    }

    /// Compares what a line shows of handing over, and of the snapshot.
    pub(super) fn check_orders(&mut self, at: &At<'_>, state: &wire::State) -> Result<(), Stop> {
        self.facts.of("snapshot").note(state.snapshot.is_some());
        let Some(shown) = &state.transfer else {
            return Ok(());
        };
        let shown = shown.as_ref().and_then(|name| self.id(name));
        let is = self.hands_over_to(at.id);
        if shown == is {
            return Ok(());
        }
        let name = |id: Option<NodeId>| id.map_or("nobody".to_owned(), |id| id.to_string());
        let rule = RuleName::new(
            "a leader hands over until it is told otherwise, or long enough",
            "diss. §3.10",
            "model/src/rules/transfer.rs",
        );
        let why = format!(
            "the line shows that {} hands over to {}, but the steps lead to {}",
            at.id,
            name(shown),
            name(is)
        );
        Err(self.diverges(at, rule, why, format!("transfer to {}", name(is))))
    }

    /// The state that a snapshot carries is the same wherever it is sent: the
    /// machine is a function of the entries.
    pub(super) fn snapshot_content(
        &mut self,
        at: &At<'_>,
        message: &wire::Message,
    ) -> Result<(), Stop> {
        let wire::Body::Snapshot {
            last,
            hash: Some(hash),
            ..
        } = &message.body
        else {
            return Ok(());
        };
        let last = position(*last);
        let first = (hash.0, at.place.clone());
        let (known, place) = self.snapshots.or_insert(last, first).clone();
        if known == hash.0 {
            return Ok(());
        }
        let rule = RuleName::new(
            "a snapshot is what the entries it replaces make",
            "§7",
            "model/src/rules/snapshot.rs",
        );
        let why = format!("the snapshot to {last} has another content than it had before");
        let mut stop = self.diverges(at, rule, why, "the same content".into());
        if let Stop::Diverges(divergence) = &mut stop {
            divergence.because.push((place, "what it had".to_owned()));
        }
        Err(stop)
    }

    /// Compares a message with what the model sends, beyond its pattern.
    pub(super) fn differs_beyond(
        &self,
        message: &wire::Message,
        is: &plimsoll_model::message::Message,
    ) -> Option<String> {
        use plimsoll_model::message::Body;
        match (&message.body, &is.body) {
            (wire::Body::RequestVote { forced, .. }, Body::RequestVote { forced: is, .. })
                if forced != is =>
            {
                Some(format!("forced {forced}, the model has {is}"))
            }
            (wire::Body::Snapshot { last, .. }, Body::InstallSnapshot { last: is, .. })
                if position(*last) != *is =>
            {
                let shown = position(*last);
                Some(format!("snapshot to {shown}, the model has {is}"))
            }
            (wire::Body::Snapshot { config, .. }, Body::InstallSnapshot { config: is, .. }) => {
                let differs = super::check::config_differs(self, config, is)?;
                Some(format!("configuration {differs}, the model has {is}"))
            }
            _ => None,
        }
    }
}
