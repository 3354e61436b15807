//! Boots: a node starts for the first time, or joins.

use plimsoll_model::config::Config;
use plimsoll_model::ids::{Index, NodeId, Term};
use plimsoll_model::log::{Entry, GrowingLog, Log, Payload};
use plimsoll_model::server::Server;
use plimsoll_model::settings::Dialect;

use super::event::{Event, Name};
use super::judge::{At, FORMAT, Judge, Start, inconclusive};
use super::nid::Nids;
use super::state::{Booting, Node};
use crate::replay::Stop;
use crate::verdict::{Ground, Place, RuleName};

impl Judge {
    /// `InitState`: a node boots or restarts. Its log shows what is durable.
    pub(super) fn init(&mut self, event: &Event, place: &Place) -> Result<(), Stop> {
        if let Some(id) = self.nodes.get(&event.nid).and_then(|node| node.id) {
            self.resolve_at_crash(&At { event, place, id })?;
        }
        let node = self.node(event.nid);
        let id = node.id;
        node.expect.clear();
        node.own.clear();
        node.unshown = 0;
        node.proposed.clear();
        node.asks_itself = false;
        node.asked.clear();
        node.passed.clear();
        node.own_answer = None;
        node.asked_itself = None;
        node.outdated = 0;
        node.overdue = None;
        node.installed = false;
        node.booting = Some(Booting {
            log: event.log,
            base: event.state.commit,
            stored: None,
            restored: false,
            bootstrap: None,
        });
        let state = &event.state;
        let at_zero = (state.term, state.vote.as_str()) == (0, "0") && state.commit <= event.log;
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
            Some(id) => {
                self.unwrite_bootstrap(event.nid, id);
                self.may_recover(&At { event, place, id })
            }
        }
    }

    /// The step that a crash left open: what it said never left. A
    /// configuration was applied all the same.
    fn resolve_at_crash(&mut self, at: &At<'_>) -> Result<(), Stop> {
        match self.node(at.event.nid).deferred.take() {
            Some(super::state::Deferred::Applied) => self.take_effect(at),
            _ => Ok(()),
        }
    }

    /// The events after `InitState` until the node is up.
    pub(super) fn booting(&mut self, event: &Event, place: &Place) -> Result<(), Stop> {
        let node = self.node(event.nid);
        let (id, Some(mut boot)) = (node.id, node.booting.clone()) else {
            return Ok(());
        };
        self.fits_boot(event, place, &boot)?;
        match (event.name, &boot.stored, boot.restored) {
            (Name::ApplyConfChange, None, _) => {
                boot.stored = Some(
                    event
                        .change()
                        .map(|cc| cc.newconf.clone())
                        .unwrap_or_default(),
                );
                self.node(event.nid).booting = Some(boot);
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
                self.node(event.nid).booting = Some(boot);
                Ok(())
            }
            (Name::ApplyConfChange, Some(_), true) if boot.bootstrap.is_some() => {
                self.bootstrapped(event, place, boot)
            }
            // It booted with nothing and was not bootstrapped: it is to join.
            (_, Some(_), true) if boot.bootstrap.is_none() => self.joins(event, place),
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
        let nothing = (state.term, state.vote.as_str(), state.commit) == (0, "0", boot.base);
        let (fits, expected) = match (event.name, boot.restored, &boot.bootstrap) {
            // The configuration before the state.
            (Name::ApplyConfChange, false, _) if boot.stored.is_none() => (
                nothing && event.log == boot.log && event.conf[0].is_empty(),
                format!("nothing but a log up to {}", boot.log),
            ),
            (Name::BecomeFollower, false, _) => (
                event.log == boot.log && (boot.base..=event.log).contains(&state.commit),
                format!("a log up to {}, as it began, and a commit in it", boot.log),
            ),
            // The configurations of a bootstrap, each on top of the one before.
            (Name::ApplyConfChange, true, Some(seen)) => (
                state.vote.as_str() == "0" && same_nodes(&event.conf[0], seen.last()),
                "the configuration that the line before applied".to_owned(),
            ),
            // Neither bootstrapped nor joined: it holds nothing still.
            (name, true, None) => (
                event.log == 0
                    && (state.vote.as_str(), state.commit) == ("0", 0)
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

    /// The restored state of a node that never ran: nothing, or the snapshot
    /// that storage was given. With a stored configuration it is up; without one
    /// it is to be bootstrapped, or to join.
    pub(super) fn first_boot(
        &mut self,
        event: &Event,
        place: &Place,
        boot: Booting,
    ) -> Result<(), Stop> {
        let stored = boot.stored.clone().unwrap_or_default();
        let begins = boot.log == boot.base && event.state.commit == boot.log;
        let nothing = event.state.term == 0 && boot.log == 0;
        if !begins || event.state.vote.as_str() != "0" || !nothing && stored.is_empty() {
            return Err(inconclusive(Ground::FirstBootWithLog, event, place));
        }
        if stored.is_empty() {
            self.node(event.nid).booting = Some(boot);
            return Ok(());
        }
        // The configuration is stored from the start and never comes from the
        // log: all nodes must agree on it.
        for name in &*stored {
            self.name(*name);
        }
        let (last, term) = (Index(boot.log), Term(event.state.term));
        let start = Start::Stored {
            config: stored.clone(),
            last,
            term,
            named: false,
        };
        let first = self.start.get_or_insert(start);
        let agreed = match first {
            Start::Stored {
                config,
                last: known,
                ..
            } => same_nodes(config, Some(&stored)) && *known == last,
            Start::Bootstrap(_) => false,
        };
        let begins_in = match first {
            Start::Stored { term, .. } => *term,
            Start::Bootstrap(_) => term,
        };
        // Who joins later may begin with the same storage.
        let id = self.name(event.nid).filter(|_| agreed);
        let (Some(id), Some(voters)) = (id, self.names.set(&stored)) else {
            return Err(self.another_start(event, place));
        };
        self.dialect = Dialect::EtcdStored;
        self.set_settings();
        self.follower.begins_behind(last);
        let mut server: Server<GrowingLog> = Server::new(id, Config::of(voters));
        for _ in 0..last.0 {
            let payload = Payload::Noop;
            let term = begins_in.max(Term(1));
            server.log.push(Entry { term, payload });
        }
        server.log.rebase(last);
        (server.term, server.commit, server.applied) = (term, last, last);
        let durable = &mut server.durable;
        (durable.term, durable.commit) = (term, last);
        (durable.shared, durable.base) = (last, last);
        self.follower.place_member(id, server);
        self.up(event, id);
        let node = self.node(event.nid);
        (node.kept, node.appliable, node.handed_out) = (true, last, last);
        Ok(())
    }

    fn another_start(&self, event: &Event, place: &Place) -> Stop {
        self.diverges(
            event,
            place,
            RuleName::new("every node starts alike", "§6", FORMAT),
            format!(
                "node {} starts with another configuration or log than the first",
                event.nid
            ),
            "the configuration and log of the first node".into(),
        )
    }

    /// One of the N configurations of a bootstrap; with the last the node is up.
    fn bootstrapped(
        &mut self,
        event: &Event,
        place: &Place,
        mut boot: Booting,
    ) -> Result<(), Stop> {
        let newconf = event.change().map(|cc| cc.newconf.clone());
        let Some(seen) = &mut boot.bootstrap else {
            return Ok(());
        };
        seen.push(newconf.unwrap_or_default());
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
            self.node(event.nid).booting = Some(boot);
            return Ok(());
        }
        let seen = seen.clone();
        for name in seen.iter().flat_map(|conf| conf.iter()) {
            self.name(*name);
        }
        let first = self
            .start
            .get_or_insert_with(|| Start::Bootstrap(seen.clone()));
        let agreed = *first == Start::Bootstrap(seen.clone());
        let id = self.names.id(event.nid).filter(|_| agreed);
        let (Some(id), Ok(entries)) = (id, u8::try_from(entries)) else {
            return Err(self.another_start(event, place));
        };
        self.follower.boot(id, seen.len(), entries);
        self.up(event, id);
        self.node(event.nid).bootstrapped = true;
        // The bootstrap entries are in the first write: not durable yet.
        if let Some(member) = self.follower.member_mut(id) {
            member.since.term = Some(place.clone());
        }
        Ok(())
    }

    /// A node that booted with nothing does something: it joins.
    fn joins(&mut self, event: &Event, place: &Place) -> Result<(), Stop> {
        if self.start.is_none() {
            return Err(inconclusive(Ground::MidRun, event, place));
        }
        let Some(id) = self.name(event.nid) else {
            return Err(inconclusive(Ground::Unsupported, event, place));
        };
        self.follower
            .place_member(id, Server::new(id, Config::UNKNOWN));
        self.up(event, id);
        Ok(())
    }

    fn up(&mut self, event: &Event, id: NodeId) {
        let old = self.node(event.nid);
        let (followed, ever_asked) = (old.followed, old.ever_asked);
        *old = Node {
            id: Some(id),
            followed,
            ever_asked,
            ..Node::default()
        };
    }
}

/// Whether `shown` and `applied` list the same nodes, in any order.
fn same_nodes(shown: &Nids, applied: Option<&Nids>) -> bool {
    let applied = applied.map(|nodes| &**nodes).unwrap_or_default();
    shown.len() == applied.len() && shown.iter().all(|node| applied.contains(node))
}
