//! Boots, restarts, and what a crash left.

use plimsoll_model::ids::{Index, NodeId, Term};
use plimsoll_model::log::Log;
use plimsoll_model::rules::Input;
use plimsoll_model::settings::{Dialect, Durability};
use plimsoll_model::storage::Survival;

use super::event::{Event, Name};
use super::judge::{At, FORMAT, Judge, inconclusive};
use super::state::Booting;
use crate::replay::Stop;
use crate::verdict::{Ground, Place, RuleName};

const DURABILITY: &str = "model/src/rules/durability.rs";

impl Judge {
    /// `InitState`: a node boots or restarts. Its log shows what is durable.
    pub(super) fn init(&mut self, event: &Event, place: &Place) -> Result<(), Stop> {
        if event.state.commit > 0 && event.state.commit <= event.log {
            return Err(inconclusive(Ground::Snapshot, event, place));
        }
        let node = self.node(&event.nid);
        let id = node.id;
        node.expect.clear();
        node.own.clear();
        (node.covered, node.unshown) = (0, 0);
        (node.asked, node.stale) = (false, false);
        node.booting = Some(Booting {
            log: event.log,
            stored: None,
            restored: false,
            bootstrap: None,
        });
        let state = &event.state;
        let at_zero = (state.term, &*state.vote, state.commit) == (0, "0", 0);
        if !at_zero || event.conf.iter().any(|c| !c.is_empty()) {
            return Err(self.diverges(
                event,
                place,
                RuleName::new("an InitState shows nothing but the log", "-", FORMAT),
                "it shows a term, a vote or a configuration".into(),
                "term 0, vote 0, no configuration".into(),
            ));
        }
        match id {
            None => Ok(()),
            Some(id) => self.may_recover(&At { event, place, id }),
        }
    }

    /// Whether the recovered log can be what the crash left.
    fn may_recover(&mut self, at: &At<'_>) -> Result<(), Stop> {
        let pending = self.node(&at.event.nid).ready.is_some();
        let Some(member) = self.follower.member(at.id) else {
            return Ok(());
        };
        let server = &member.server;
        let (durable, last) = (server.durable_last().index.0, server.log.last_index().0);
        let shared = server.durable.shared.0;
        let log = at.event.log;
        self.facts.entry("durability").or_default().note(true);
        if log == durable || (pending && (shared..=last).contains(&log)) {
            return Ok(());
        }
        let (rule, expected) = if pending && last != durable {
            let all = format!("a log of {durable}, or of {shared} to {last}");
            ("a restart recovers what was written", all)
        } else {
            (
                "what is durable survives a crash",
                format!("a log of {durable}"),
            )
        };
        let why = format!(
            "{} had made its log durable up to index {durable}, and recovers up to {log}",
            at.id
        );
        Err(self.diverges(
            at.event,
            at.place,
            RuleName::new(rule, "figure 2", DURABILITY),
            why,
            expected,
        ))
    }

    /// The events after `InitState` until the node is up.
    pub(super) fn booting(&mut self, event: &Event, place: &Place) -> Result<(), Stop> {
        let node = self.node(&event.nid);
        let (id, Some(mut boot)) = (node.id, node.booting.clone()) else {
            return Ok(());
        };
        self.fits_boot(event, place, &boot)?;
        match (event.name, &boot.stored, boot.restored) {
            (Name::ApplyConfChange, None, _) => {
                let cc = event.prop.as_ref().and_then(|p| p.cc.as_ref());
                boot.stored = Some(cc.map(|cc| cc.newconf.clone()).unwrap_or_default());
                self.node(&event.nid).booting = Some(boot);
                Ok(())
            }
            (Name::BecomeFollower, Some(_), false) => {
                boot.restored = true;
                match id {
                    Some(id) => self.restart(&At { event, place, id }, &boot),
                    None => self.first_boot(event, place, boot),
                }
            }
            (Name::BecomeFollower, Some(_), true)
                if boot.bootstrap.is_none() && event.state.term == 1 && event.log == 0 =>
            {
                boot.bootstrap = Some(Vec::new());
                self.node(&event.nid).booting = Some(boot);
                Ok(())
            }
            (Name::ApplyConfChange, Some(_), true) if boot.bootstrap.is_some() => {
                self.bootstrapped(event, place, boot)
            }
            // It booted with nothing and was not bootstrapped: it is to join.
            (_, Some(_), true) if boot.bootstrap.is_none() => {
                Err(inconclusive(Ground::ConfigurationChange, event, place))
            }
            _ => Err(self.diverges(
                event,
                place,
                RuleName::new("a boot runs to its end", "-", FORMAT),
                format!("node {} has not finished booting", event.nid),
                "the configuration, then the restored state".into(),
            )),
        }
    }

    /// What every line of a boot shows, whatever was restored: a follower, the
    /// log that `InitState` showed, and until then nothing else.
    fn fits_boot(&self, event: &Event, place: &Place, boot: &Booting) -> Result<(), Stop> {
        let state = &event.state;
        let nothing = (state.term, &*state.vote, state.commit) == (0, "0", 0);
        let (fits, expected) = match (event.name, boot.restored, &boot.bootstrap) {
            // The configuration before the state.
            (Name::ApplyConfChange, false, _) if boot.stored.is_none() => (
                nothing && event.log == boot.log && event.conf[0].is_empty(),
                format!("nothing but a log up to {}", boot.log),
            ),
            (Name::BecomeFollower, false, _) => (
                event.log == boot.log && state.commit <= event.log,
                format!("a log up to {}, as it began, and a commit in it", boot.log),
            ),
            // The configurations of a bootstrap, each on top of the one before.
            (Name::ApplyConfChange, true, Some(seen)) => (
                &*state.vote == "0" && same_nodes(&event.conf[0], seen.last()),
                "the configuration that the line before applied".to_owned(),
            ),
            // Neither bootstrapped nor joined: it holds nothing still.
            (name, true, None) => (
                event.log == 0
                    && (&*state.vote, state.commit) == ("0", 0)
                    && (state.term > 0) == (name == Name::BecomeFollower),
                "a node that holds nothing".to_owned(),
            ),
            _ => return Ok(()),
        };
        if fits {
            return Ok(());
        }
        Err(self.diverges(
            event,
            place,
            RuleName::new("a boot restores what was kept", "-", FORMAT),
            format!(
                "term {}, vote {}, commit {}, log {}, voters {:?}",
                state.term, state.vote, state.commit, event.log, event.conf[0]
            ),
            expected,
        ))
    }

    /// The restored state of a node that never ran: nothing. With a stored
    /// configuration it is up; without one it is to be bootstrapped, or to join.
    fn first_boot(&mut self, event: &Event, place: &Place, boot: Booting) -> Result<(), Stop> {
        if event.state.term > 0 || event.state.commit > 0 || event.log > 0 {
            return Err(inconclusive(Ground::FirstBootWithLog, event, place));
        }
        let stored = boot.stored.clone().unwrap_or_default();
        if stored.is_empty() {
            self.node(&event.nid).booting = Some(boot);
            return Ok(());
        }
        // The configuration is stored from the start and never comes from the
        // log: all nodes must agree on it.
        for name in &stored {
            self.names.add(name);
        }
        let first = self.bootstrap.get_or_insert_with(|| vec![stored.clone()]);
        let agreed = *first == [stored.clone()];
        let Some(id) = self.names.id(&event.nid).filter(|_| agreed) else {
            return Err(inconclusive(Ground::ConfigurationChange, event, place));
        };
        self.dialect = Dialect::EtcdStored;
        self.follower.settings = self.dialect.settings(Durability::Deferred);
        self.up(&event.nid, id, stored.len(), 0);
        Ok(())
    }

    /// One of the N configurations of a bootstrap; with the last the node is up.
    fn bootstrapped(
        &mut self,
        event: &Event,
        place: &Place,
        mut boot: Booting,
    ) -> Result<(), Stop> {
        let cc = event.prop.as_ref().and_then(|p| p.cc.as_ref());
        let newconf = cc.map(|cc| cc.newconf.clone()).unwrap_or_default();
        let Some(seen) = &mut boot.bootstrap else {
            return Ok(());
        };
        seen.push(newconf);
        let entries = event.log;
        let right = event.state.term == 1
            && event.state.commit == entries
            && seen.len() as u64 <= entries
            && seen[0].len() == 1
            && seen
                .windows(2)
                .all(|pair| pair[0].len() + 1 == pair[1].len());
        if !right {
            return Err(self.diverges(
                event,
                place,
                RuleName::new("a bootstrap adds one node an entry", "§6", FORMAT),
                format!("{} configurations, log {entries}", seen.len()),
                "term 1, and log = commit = number of nodes".into(),
            ));
        }
        if (seen.len() as u64) < entries {
            self.node(&event.nid).booting = Some(boot);
            return Ok(());
        }
        let seen = seen.clone();
        for conf in &seen {
            for name in conf {
                self.names.add(name);
            }
        }
        let first = self.bootstrap.get_or_insert_with(|| seen.clone());
        let agreed = *first == seen && self.dialect == Dialect::Etcd;
        let id = self.names.id(&event.nid).filter(|_| agreed);
        let (Some(id), Ok(entries)) = (id, u8::try_from(entries)) else {
            return Err(inconclusive(Ground::ConfigurationChange, event, place));
        };
        self.up(&event.nid, id, seen.len(), entries);
        // The bootstrap entries are in the first write: not durable yet.
        if let Some(member) = self.follower.member_mut(id) {
            member.raised = Some(place.clone());
        }
        Ok(())
    }

    fn up(&mut self, name: &str, id: NodeId, servers: usize, bootstrap: u8) {
        self.follower.boot(id, servers, bootstrap);
        let node = self.node(name);
        node.id = Some(id);
        node.booting = None;
    }

    /// The restored term, vote and commit of a node that ran before: with the
    /// log they decide what survived of the write under way.
    fn restart(&mut self, at: &At<'_>, boot: &Booting) -> Result<(), Stop> {
        let stored = boot.stored.as_ref().is_some_and(|s| !s.is_empty());
        if stored != (self.dialect == Dialect::EtcdStored) {
            return Err(inconclusive(
                Ground::ConfigurationChange,
                at.event,
                at.place,
            ));
        }
        let pending = self.node(&at.event.nid).ready.take().is_some();
        let vote = match &*at.event.state.vote {
            "0" => None,
            name => self.names.id(name),
        };
        let restored = (
            Term(at.event.state.term),
            vote,
            Index(at.event.state.commit),
        );
        let Some(member) = self.follower.member(at.id) else {
            return Ok(());
        };
        let server = &member.server;
        let durable = &server.durable;
        let log = Index(boot.log);
        let old = (durable.term, durable.vote, durable.commit);
        let new = (server.term, server.vote, server.commit);
        let unwritten = log == server.durable_last().index;
        let survival = if pending && restored == new && log == server.log.last_index() {
            self.complete(at, at.id)?;
            Some(Survival::Nothing)
        } else if restored == old && unwritten {
            Some(Survival::Nothing)
        } else if pending && (restored.0, restored.1) == (new.0, new.1) {
            let kept = (log >= durable.shared && log <= server.log.last_index()).then_some(log);
            let commit = restored.2 != old.2;
            let legal = restored.2 == old.2 || restored.2 == new.2;
            legal.then_some(Survival::Written { kept, commit })
        } else {
            None
        };
        self.facts.entry("durability").or_default().note(true);
        let Some(survival) = survival else {
            let show = |(term, vote, commit): (Term, Option<NodeId>, Index)| {
                let vote = vote.map_or("none".to_owned(), |v| v.to_string());
                format!("term {term}, vote {vote}, commit {commit}")
            };
            let also = if pending {
                format!(", or {}", show(new))
            } else {
                String::new()
            };
            return Err(self.diverges(
                at.event,
                at.place,
                RuleName::new("what is durable survives a crash", "figure 2", DURABILITY),
                format!("{} recovers {}", at.id, show(restored)),
                format!("{}{also}", show(old)),
            ));
        };
        self.node(&at.event.nid).booting = None;
        self.step(at, Input::Restart { survival })?;
        let now = self.now(at);
        self.check(at, &now)
    }
}

/// Whether `shown` and `applied` list the same nodes, in any order.
fn same_nodes(shown: &[Box<str>], applied: Option<&Vec<Box<str>>>) -> bool {
    let applied = applied.map(Vec::as_slice).unwrap_or_default();
    shown.len() == applied.len() && shown.iter().all(|node| applied.contains(node))
}
