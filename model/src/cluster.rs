//! The whole state of an exploration: servers, network, ghost history, spent
//! budgets; and the next-state function over it.

use crate::action::Action;
use crate::bounds::Spent;
use crate::history::{History, OpenRead};
use crate::ids::{Index, NodeId, NodeSet, Position, Term};
use crate::log::{Entry, InlineLog, Log, Payload};
use crate::message::{Message, Messages};
use crate::network::{Network, NetworkKind};
use crate::record;
use crate::refusal::Refusal;
use crate::rules::{self, Branch, Input, Outcome};
use crate::scenario::Scenario;
use crate::server::{PerServer, Role, Server};
use crate::settings::{Configuration, Settings};
use crate::shared::Shared;

record! {
    /// A cluster and all that is known of it.
    pub struct Cluster<L: Log> {
        /// The servers.
        pub servers: PerServer<Shared<Server<L>>>,
        /// The messages in flight.
        pub network: Network,
        /// Ghost state.
        pub history: History,
        /// Spent budgets.
        pub spent: Spent,
    }
}

/// The state of an exploration.
pub type State = Cluster<InlineLog>;

impl std::hash::Hash for State {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(crate::field::fingerprint(self));
    }
}

/// One step, as properties of a step see it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The state after it.
    pub after: State,
    /// How the rule went; `None` for what the network did.
    pub outcome: Option<Outcome>,
    /// The messages that left in it.
    pub released: Messages,
}

/// A server as every log starts: `bootstrap` configuration entries of term 1,
/// committed; entry `i` makes the first `i` servers voters, the last one all.
pub fn boot<L: Log>(id: NodeId, servers: usize, bootstrap: u8, settings: &Settings) -> Server<L> {
    let all = NodeSet::first(servers);
    let mut server: Server<L> = Server::new(id, all);
    if bootstrap > 0 {
        server.term = Term(1);
    }
    for i in 1..=usize::from(bootstrap) {
        let voters = if i == usize::from(bootstrap) {
            all
        } else {
            NodeSet::first(i.min(servers))
        };
        server.log.push(Entry {
            term: Term(1),
            payload: Payload::Config { voters },
        });
    }
    server.commit = Index(u64::from(bootstrap));
    server.applied = match settings.configuration {
        Configuration::Fixed => server.commit,
        Configuration::Applied => Index::ZERO,
    };
    server.durable.term = server.term;
    server.durable.shared = server.commit;
    if settings.durable_commit {
        server.durable.commit = server.commit;
    }
    server
}

impl State {
    /// The initial state of `scenario`.
    pub fn initial(scenario: &Scenario) -> Self {
        let bounds = &scenario.bounds;
        let servers = usize::from(bounds.servers);
        Cluster {
            servers: NodeSet::first(servers)
                .iter()
                .map(|id| {
                    let mut server = boot(id, servers, bounds.bootstrap, &scenario.settings);
                    if bounds.boot_applied {
                        server.applied = server.commit;
                    }
                    server.into()
                })
                .collect(),
            network: Network::empty(scenario.network),
            history: History::default(),
            spent: Spent::default(),
        }
    }

    /// What `action` leads to.
    ///
    /// # Errors
    /// The reason why the action is not enabled here. What the network cannot
    /// do (deliver a message that is not there) is `None` as reason.
    pub fn next(&self, action: &Action, scenario: &Scenario) -> Result<Step, Option<Refusal>> {
        let mut after = self.clone();
        match action {
            Action::Drop { message } => {
                if !after.network.take(message) {
                    return Err(None);
                }
                if scenario.bounds.drops.is_some() {
                    after.spent.drops += 1;
                }
                Ok(Step::of_network(after))
            }
            Action::Duplicate { message } => {
                if after.network.copies(message) == 0 {
                    return Err(None);
                }
                after.network.send(message.clone(), scenario.network);
                after.spent.duplicates += 1;
                Ok(Step::of_network(after))
            }
            Action::Step { node, input } => {
                if let Input::Receive { message } = input {
                    let there = match scenario.network {
                        NetworkKind::Set => after.network.copies(message) > 0,
                        NetworkKind::Bag => after.network.take(message),
                        NetworkKind::Ordered => {
                            self.network.deliverable().any(|m| m == message)
                                && after.network.take(message)
                        }
                    };
                    if !there || message.to != *node {
                        return Err(None);
                    }
                }
                if node.position() >= self.servers.len() {
                    return Err(None);
                }
                let mut released = Messages::new();
                let outcome = rules::step(
                    &mut after.servers[*node],
                    input,
                    &scenario.settings,
                    &mut released,
                )
                .map_err(Some)?;
                after.servers[*node].outbox.settle();
                for message in &released {
                    after.network.send(message.clone(), scenario.network);
                }
                after.wait_once(*node, scenario);
                after.spend(input, scenario);
                after.lose_late(scenario);
                after.remember(self, *node, input, outcome);
                Ok(Step {
                    after,
                    outcome: Some(outcome),
                    released,
                })
            }
        }
    }

    fn spend(&mut self, input: &Input, scenario: &Scenario) {
        let (spent, bounds) = (&mut self.spent, &scenario.bounds);
        match input {
            Input::Campaign if bounds.campaigns.is_some() => spent.campaigns += 1,
            Input::SendAppend { .. } if bounds.appends.is_some() => spent.appends += 1,
            Input::SendHeartbeat { .. } if bounds.heartbeats.is_some() => spent.heartbeats += 1,
            // Writes and reads are numbered, so they always count.
            Input::Write { .. } => spent.writes += 1,
            Input::BeginRead { .. } => spent.reads += 1,
            Input::Restart { .. } => spent.restarts += 1,
            _ => {}
        }
    }

    /// A set holds a message once, so a message that waits to go there need not
    /// wait twice: what arrives again before a write completes would otherwise
    /// lengthen the outbox without end.
    fn wait_once(&mut self, node: NodeId, scenario: &Scenario) {
        if scenario.network != NetworkKind::Set || self.servers[node].outbox.len() < 2 {
            return;
        }
        let outbox = &mut self.servers[node].outbox;
        let first = |(i, message): &(usize, &Message)| !outbox[..*i].contains(message);
        let once = outbox.iter().enumerate().filter(first);
        *outbox = once.map(|(_, message)| message.clone()).collect();
    }

    /// Takes out of flight what would arrive later than the bounds look.
    fn lose_late(&mut self, scenario: &Scenario) {
        if let Some(lag) = scenario.bounds.max_lag {
            let servers = &self.servers;
            self.network.retain(|message| {
                let receiver = servers.get(message.to).map_or(Term(0), |s| s.term);
                message.term.0 + u64::from(lag) >= receiver.0
            });
        }
    }

    /// Keeps the ghost state after a step of `node`.
    fn remember(&mut self, before: &State, node: NodeId, input: &Input, outcome: Outcome) {
        let server = &self.servers[node];
        let led = &before.servers[node];
        let history = &mut self.history;
        if server.role.is_leader() && (!led.role.is_leader() || led.term != server.term) {
            history.leads(node, server.term);
        }
        match (outcome.branch, input) {
            (Branch::Committed, _) => {
                let term = server.log.term_at(server.commit).unwrap_or_default();
                history.commits(server.term, Position::new(server.commit, term));
            }
            (Branch::ReadBegun, Input::BeginRead { read }) => {
                let floor = history.highest_commit();
                history.reads.push(OpenRead {
                    id: *read,
                    node,
                    floor,
                });
            }
            (_, Input::Restart { .. }) => {
                history.restarted.insert(node);
            }
            _ => {}
        }
        let servers = &self.servers;
        history.reads.retain(|open| match &servers[open.node].role {
            Role::Leader { reads, .. } => reads.iter().any(|read| read.id == open.id),
            _ => false,
        });
    }

    /// Whether the state lies within the constraints of the bounds.
    pub fn within(&self, scenario: &Scenario) -> bool {
        let bounds = &scenario.bounds;
        let log = u64::from(bounds.max_log) + u64::from(bounds.bootstrap);
        let term = u64::from(bounds.max_term) + u64::from(bounds.bootstrap > 0);
        self.servers
            .iter()
            .all(|(_, s)| s.term.0 <= term && s.log.last_index().0 <= log)
            && bounds
                .max_messages
                .is_none_or(|max| self.network.len() <= max as usize)
    }
}

impl Step {
    fn of_network(after: State) -> Self {
        Step {
            after,
            outcome: None,
            released: Messages::new(),
        }
    }
}
