//! The whole state of an exploration, and the next-state function over it.
//!
//! A state is an [`Ensemble`], servers and ghost, and what lies between the
//! servers: the network and what is spent of the budgets. The function falls
//! into the same two halves. [`Ensemble::turn`] is what an action makes of the
//! servers, and sees no network; [`Network::pass`] is what it makes of the
//! network, and sees of the servers only what they said and their terms. So an
//! ensemble and an action decide a turn, wherever they meet again.

use smallvec::SmallVec;

use crate::action::Action;
use crate::bounds::Spent;
use crate::clocks::Clocks;
use crate::config::{Change, Config};
use crate::field::{Field, UnpackError};
use crate::history::{Answer, History, OpenRead};
use crate::ids::{Index, NodeId, NodeSet, Position, Term};
use crate::log::{Entry, InlineLog, Log, Payload};
use crate::message::{Message, Messages};
use crate::network::{Network, NetworkKind, Passage};
use crate::record;
use crate::refusal::Refusal;
use crate::rules::{self, Branch, Input, Outcome};
use crate::scenario::Scenario;
use crate::server::{PerServer, Role, Server};
use crate::settings::Settings;
use crate::shared::Shared;

record! {
    /// The servers and the ghost: all of a state that rules and properties see,
    /// and all of it that they decide.
    pub struct Ensemble<L: Log> {
        /// The servers.
        pub servers: PerServer<Shared<Server<L>>>,
        /// Ghost state.
        pub history: History,
        /// How far clocks may still drift apart, where there are clocks.
        pub clocks: Clocks,
    }
}

record! {
    /// A cluster and all that is known of it.
    pub struct Cluster<L: Log> {
        /// The servers, and the ghost.
        pub ensemble: Shared<Ensemble<L>>,
        /// The messages in flight.
        pub network: Network,
        /// Spent budgets.
        pub spent: Spent,
    }
}

impl<L: Log> std::ops::Deref for Cluster<L> {
    type Target = Ensemble<L>;
    fn deref(&self) -> &Ensemble<L> {
        &self.ensemble
    }
}

impl<L: Log> std::ops::DerefMut for Cluster<L> {
    fn deref_mut(&mut self) -> &mut Ensemble<L> {
        &mut self.ensemble
    }
}

/// The state of an exploration.
pub type State = Cluster<InlineLog>;

impl std::hash::Hash for State {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(crate::field::fingerprint(self));
    }
}

/// A server after a rule has run on it.
#[derive(Clone, Debug)]
pub struct Handled {
    /// The server.
    pub after: Shared<Server<InlineLog>>,
    /// How the rule went.
    pub outcome: Outcome,
    /// The messages that left it.
    pub released: Messages,
}

/// An action, as far as servers and ghost go.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The servers and the ghost after it.
    pub after: Shared<Ensemble<InlineLog>>,
    /// How the rule went; `None` for what the network did.
    pub outcome: Option<Outcome>,
    /// The messages that left in it.
    pub released: Messages,
}

/// One step of a cluster: a turn, and what it comes to with the network.
#[derive(Clone, Debug)]
pub struct Step {
    /// The state after it.
    pub after: State,
    /// What servers and ghost have to do with it.
    pub turn: Turn,
}

impl Step {
    /// A step to `after`.
    pub fn new(after: State, outcome: Option<Outcome>, released: Messages) -> Self {
        let turn = Turn {
            after: after.ensemble.clone(),
            outcome,
            released,
        };
        Step { after, turn }
    }
}

impl std::ops::Deref for Step {
    type Target = Turn;
    fn deref(&self) -> &Turn {
        &self.turn
    }
}

/// A server as every log starts: `bootstrap` configuration entries of term 1,
/// committed; entry `i` makes the first `i` servers voters, the last one the
/// first `voters`. Where there are such entries, who does not vote has none, and
/// nothing else.
pub fn boot<L: Log>(id: NodeId, voters: usize, bootstrap: u8, settings: &Settings) -> Server<L> {
    let all = NodeSet::first(voters);
    let mut server: Server<L> = Server::new(id, Config::of(all));
    if bootstrap > 0 {
        if !all.contains(id) {
            return Server::new(id, Config::UNKNOWN);
        }
        server.base = Config::UNKNOWN;
        server.term = Term(1);
    }
    for i in 1..=usize::from(bootstrap) {
        let voters = if i == usize::from(bootstrap) {
            all
        } else {
            NodeSet::first(i.min(voters))
        };
        server.log.push(Entry {
            term: Term(1),
            payload: Payload::Config {
                change: Change::joins(voters),
            },
        });
    }
    server.commit = Index(u64::from(bootstrap));
    server.applied = match settings.applies() {
        true => Index::ZERO,
        false => server.commit,
    };
    server.durable.term = server.term;
    server.durable.shared = server.commit;
    if settings.durable_commit {
        server.durable.commit = server.commit;
    }
    server
}

impl State {
    /// The initial state of `scenario`: where its prefix ends.
    pub fn initial(scenario: &Scenario) -> Self {
        let frames = scenario.before();
        let last = frames.into_iter().next_back();
        last.map_or_else(|| State::booted(scenario), |frame| frame.step.after)
    }

    /// The state of servers that have never run.
    pub fn booted(scenario: &Scenario) -> Self {
        let bounds = &scenario.bounds;
        let servers = usize::from(bounds.servers);
        let voters = bounds.voters().len();
        Cluster {
            ensemble: Shared::from(Ensemble {
                servers: NodeSet::first(servers)
                    .iter()
                    .map(|id| {
                        let mut server = boot(id, voters, bounds.bootstrap, &scenario.settings);
                        if bounds.boot_applied {
                            server.applied = server.commit;
                        }
                        server.into()
                    })
                    .collect(),
                history: History::default(),
                clocks: Clocks::default(),
            }),
            network: Network::empty(scenario.network),
            spent: Spent::default(),
        }
    }

    /// What `action` leads to.
    ///
    /// # Errors
    /// The reason why the action is not enabled here. What the network cannot
    /// do (deliver a message that is not there) is `None` as reason.
    pub fn next(&self, action: &Action, scenario: &Scenario) -> Result<Step, Option<Refusal>> {
        let passage = self.passage(action).ok_or(None)?;
        let run = |node: NodeId, input: &Input, scenario: &Scenario| {
            handle(&self.servers[node], input, scenario)
        };
        let turn = self.ensemble.turn(action, scenario, run).map_err(Some)?;
        let said: SmallVec<[Shared<Message>; 2]> =
            turn.released.iter().cloned().map(Shared::from).collect();
        let mut network = self.network.clone();
        let terms = |id| turn.after.term_of(id);
        if !network.pass(passage, &said, terms, true, scenario, &()) {
            return Err(None);
        }
        let mut spent = self.spent;
        spent.pay(action.budget(&scenario.bounds));
        let after = Cluster {
            ensemble: turn.after.clone(),
            network,
            spent,
        };
        Ok(Step { after, turn })
    }

    /// What `action` is to the network, unless there is no such message or
    /// server here.
    fn passage(&self, action: &Action) -> Option<Passage<'_, Shared<Message>>> {
        Some(match action {
            Action::Drop { message } => Passage::Lost(self.network.find(message)?),
            Action::Duplicate { message } => Passage::Copied(self.network.find(message)?),
            Action::Step { node, .. } if node.position() >= self.servers.len() => return None,
            Action::Step {
                node,
                input: Input::Receive { message },
            } if message.to == *node => Passage::Arrives(self.network.find(message)?),
            Action::Step {
                input: Input::Receive { .. },
                ..
            } => return None,
            Action::Step { .. } => Passage::None,
        })
    }

    /// Whether the state lies within the constraints of the bounds.
    pub fn within(&self, scenario: &Scenario) -> bool {
        self.ensemble.within(scenario) && self.network.within(&scenario.bounds)
    }
}

/// Runs the rule of `input` on `server`, and puts in order what waits there.
/// This is all that an exploration does to a server, and a function of the two.
///
/// # Errors
/// Why the rule refuses.
pub fn handle(
    server: &Shared<Server<InlineLog>>,
    input: &Input,
    scenario: &Scenario,
) -> Result<Handled, Refusal> {
    let mut after = Server::clone(server);
    let mut released = Messages::new();
    let outcome = rules::step(&mut after, input, &scenario.settings, &mut released)?;
    let queued = after.queue.iter_mut().map(|write| &mut write.waiting);
    for waiting in std::iter::once(&mut after.outbox).chain(queued) {
        waiting.settle();
        if scenario.network == NetworkKind::Set {
            waiting.wait_once();
        }
    }
    Ok(Handled {
        after: after.into(),
        outcome,
        released,
    })
}

impl Ensemble<InlineLog> {
    /// The server `id`.
    pub fn server(&self, id: NodeId) -> &Server<InlineLog> {
        &self.servers[id]
    }

    /// Reads an ensemble back; `read` reads a server.
    ///
    /// # Errors
    /// When `input` does not start with a packed ensemble.
    pub fn unpack_with(
        input: &mut &[u8],
        read: impl FnMut(&mut &[u8]) -> Result<Shared<Server<InlineLog>>, UnpackError>,
    ) -> Result<Self, UnpackError> {
        Ok(Ensemble {
            servers: PerServer::unpack_with(input, read)?,
            history: History::unpack(input)?,
            clocks: Clocks::unpack(input)?,
        })
    }

    /// The term of `id`; zero where there is no such server.
    pub fn term_of(&self, id: NodeId) -> Term {
        self.servers.get(id).map_or(Term(0), |server| server.term)
    }

    /// What `action` makes of servers and ghost. That its message is in flight,
    /// and that its budget is left, is for others to know.
    ///
    /// `handle` answers what [`handle`](handle()) makes of a server, by running
    /// it or by heart.
    ///
    /// # Errors
    /// Why the rule refuses.
    pub fn turn(
        &self,
        action: &Action,
        scenario: &Scenario,
        handle: impl FnOnce(NodeId, &Input, &Scenario) -> Result<Handled, Refusal>,
    ) -> Result<Turn, Refusal> {
        let mut after = self.clone();
        let Action::Step { node, input } = action else {
            return Ok(Turn {
                after: after.into(),
                outcome: None,
                released: Messages::new(),
            });
        };
        let handled = handle(*node, input, scenario)?;
        after.servers[*node] = handled.after;
        if scenario.settings.lease_reads {
            if *input == Input::Tick {
                after.clocks.tick(*node)?;
            }
            after.clocks.follow(&after.servers, scenario.bounds.drift);
        }
        after.remember(self, *node, input, handled.outcome, scenario);
        Ok(Turn {
            after: after.into(),
            outcome: Some(handled.outcome),
            released: handled.released,
        })
    }

    /// Keeps the ghost state after a step of `node`.
    fn remember(
        &mut self,
        before: &Self,
        node: NodeId,
        input: &Input,
        outcome: Outcome,
        scenario: &Scenario,
    ) {
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
            (Branch::ReadBegun | Branch::ReadForwarded, Input::BeginRead { read }) => {
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
            (_, Input::Wipe) => {
                history.restarted.insert(node);
                history.wiped.insert(node);
            }
            _ => {}
        }
        if scenario.sends_again() {
            self.remember_answers(before, node, input, outcome.branch, scenario);
        }
        let (servers, history) = (&self.servers, &mut self.history);
        history.reads.retain(|open| {
            let server = &servers[open.node];
            let leads_it = match &server.role {
                Role::Leader { reads, .. } => reads.iter().any(|read| read.id == open.id),
                _ => false,
            };
            leads_it || server.asked.iter().any(|asked| asked.id == open.id)
        });
    }

    /// Keeps what `node` answers its clients, and whose snapshots it has loaded.
    ///
    /// A command is answered by the leader that a client handed it to, which is
    /// the one of the entry's term, as long as it leads: a client whose leader
    /// is gone waits for nothing.
    fn remember_answers(
        &mut self,
        before: &Self,
        node: NodeId,
        input: &Input,
        branch: Branch,
        scenario: &Scenario,
    ) {
        let (server, settings) = (&self.servers[node], &scenario.settings);
        let history = &mut self.history;
        match (branch, input) {
            (Branch::SnapshotInstalled, _) if settings.sessions > 0 => {
                history.loaded.insert(node);
            }
            (_, Input::Restart { .. } | Input::Wipe) => {
                history.loaded = history.loaded.without(node);
            }
            (Branch::RetryAnsweredAtOnce, Input::Retry { number }) => {
                // Only a flawed server answers before it has applied: what it
                // would, if nothing changed.
                let is_it = |entry: &Entry| entry.payload == Payload::Write { number: *number };
                if let Some(at) = server.log.entries().iter().position(is_it) {
                    history.answers(Answer {
                        number: *number,
                        response: distinct_writes(&server.log.entries()[..=at]),
                        index: Index::ZERO.plus(at + 1),
                    });
                }
            }
            _ => {}
        }
        if !server.role.is_leader() {
            return;
        }
        for index in (before.servers[node].applied.0 + 1..=server.applied.0).map(Index) {
            let Some(entry) = server.log.held(index) else {
                continue;
            };
            let (Payload::Write { number }, true) = (entry.payload, entry.term == server.term)
            else {
                continue;
            };
            let response = match settings.sessions {
                // Without sessions every copy has its effect, and its answer.
                0 => Some(writes(server.log.entries().iter().take(index.0 as usize))),
                _ => rules::sessions::response(server, number, settings),
            };
            if let Some(response) = response {
                history.answers(Answer {
                    number,
                    response,
                    index,
                });
            }
        }
    }

    /// Whether terms and logs lie within the constraints of the bounds.
    pub fn within(&self, scenario: &Scenario) -> bool {
        let bounds = &scenario.bounds;
        let log = u64::from(bounds.max_log) + u64::from(bounds.bootstrap);
        let term = u64::from(bounds.max_term) + u64::from(bounds.bootstrap > 0);
        self.servers
            .iter()
            .all(|(_, s)| s.term.0 <= term && s.log.last_index().0 <= log)
    }
}

/// How many of `entries` are writes.
fn writes<'e>(entries: impl Iterator<Item = &'e Entry>) -> u32 {
    let is_write = |entry: &&Entry| matches!(entry.payload, Payload::Write { .. });
    entries.filter(is_write).count() as u32
}

/// How many different writes there are in `entries`.
fn distinct_writes(entries: &[Entry]) -> u32 {
    let first = |&(at, entry): &(usize, &Entry)| {
        entries[..at]
            .iter()
            .all(|earlier| earlier.payload != entry.payload)
    };
    writes(
        entries
            .iter()
            .enumerate()
            .filter(first)
            .map(|(_, entry)| entry),
    )
}
