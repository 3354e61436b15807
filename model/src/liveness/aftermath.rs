//! After the faults: who is up goes on, who is down stays down.
//!
//! Recoverability looks at a state in which the worst has just happened: all
//! that was in flight is lost, and a minority is down for good. From there on
//! nothing fails. [`left_over`] makes that state of any reachable one, and
//! [`Aftermath`] is what may follow it.
//!
//! Nothing that follows is cut. Elections are offered up to a stated number of
//! terms above the latest term of who is up; each leader of a term appends one
//! no-op, clients hand in what the goal asks for, so there is room for every
//! log; sends, heartbeats and elections cost nothing. Messages may wait in any
//! number, may arrive in any order that the network allows, and however late.

use super::closure::{Reach, System};
use super::goals::{Attempt, Goal};
use crate::action::{Action, enabled};
use crate::bounds::{Bounds, Spent};
use crate::cluster::{State, Step, boot};
use crate::config::Config;
use crate::history::{Answer, History};
use crate::ids::{Index, NodeSet, Position, ReadId, Term};
use crate::log::{InlineLog, Log};
use crate::message::Message;
use crate::network::{Network, NetworkKind};
use crate::rules::{Input, flow};
use crate::scenario::Scenario;
use crate::server::Server;

/// Which of all that may follow is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reins {
    /// Only what helps: nobody starts an election while something is under way,
    /// a leader sends each server the entries that it lacks. Each run is one of
    /// `Once`, so a goal that is reached is reached; one that is not is not yet
    /// given up.
    Helpful,
    /// Every message that was sent arrives at most once, and nothing is said
    /// that is already in flight.
    Once,
    /// Any network: for [`Soup`](super::soup::Soup), which knows none.
    Any,
}

/// What may follow a state that faults have left.
#[derive(Clone, Debug)]
pub struct Aftermath<'g> {
    scenario: Scenario,
    goal: &'g Goal,
    up: NodeSet,
    reins: Reins,
    write: Option<u32>,
    read: Option<ReadId>,
}

/// What is left of `state`: the servers that are `up`. The rest starts anew,
/// so that states which differ in it alone are one, and takes no further step;
/// the ghost is forgotten, and so is what was spent: no rule sees either.
pub fn left_over(state: &State, up: NodeSet, scenario: &Scenario) -> State {
    let bounds = &scenario.bounds;
    let mut left = state.clone();
    let servers = usize::from(bounds.servers);
    let voters = bounds.voters().len();
    for id in NodeSet::first(servers).minus(up).iter() {
        left.servers[id] = boot(id, voters, bounds.bootstrap, &scenario.settings).into();
    }
    left.history = forgotten(scenario.settings.sessions, bounds.writes + 1);
    left.network = Network::empty(scenario.network);
    left.spent = Spent {
        writes: bounds.writes,
        reads: bounds.reads,
        changes: bounds.changes,
        // Whether anybody compacts any more is nobody's duty.
        compactions: bounds.compactions,
        // No machine is replaced any more, but one may have been: it lacks
        // what all the others have from the start.
        wipes: bounds.wipes,
        retries: bounds.retries,
        ..Spent::default()
    };
    left
}

/// What is left of the ghost: nothing, but that a client which has a session
/// may hand in command `next`. One that waits for an answer may wait for ever;
/// there are others.
fn forgotten(clients: u32, next: u32) -> History {
    let mut history = History::default();
    let last = next.checked_sub(clients).filter(|_| clients > 0);
    if let Some(number) = last.filter(|&number| number > 0) {
        history.answers(Answer {
            number,
            response: 0,
            index: Index::ZERO,
        });
    }
    history
}

/// The smallest sets of servers of which one must be up: where the
/// configuration changes, a majority of each that counts (`at_stake`).
pub fn quorums(state: &State, scenario: &Scenario) -> Vec<NodeSet> {
    let servers = usize::from(scenario.bounds.servers);
    if !scenario.settings.changes() {
        return majorities(servers);
    }
    let configs = at_stake(state, scenario);
    let decides = |up: NodeSet| configs.iter().all(|config| config.has_quorum(up));
    let smallest = |up: &NodeSet| decides(*up) && !up.iter().any(|id| decides(up.without(id)));
    (0..1u64 << servers).map(NodeSet).filter(smallest).collect()
}

/// The configurations that may have to decide: the committed one, those that
/// any log holds behind it, and where configurations take effect when applied,
/// those that its members have in force once they have applied what they know
/// to be committed. They do that before they stand for election, and nothing
/// keeps them from it.
fn at_stake(state: &State, scenario: &Scenario) -> Vec<Config> {
    let start = Config::of(scenario.bounds.voters());
    let bootstrap = usize::from(scenario.bounds.bootstrap);
    let committed = state.history.committed.iter().map(|c| c.position);
    let committed = committed
        .max_by_key(|at| at.index)
        .unwrap_or(Position::ZERO);
    let upto = usize::try_from(committed.index.0).unwrap_or(usize::MAX);
    let upto = upto.max(bootstrap);
    let logs = || state.servers.iter().map(|(_, server)| &server.log);
    let changes = |log: &InlineLog, to: usize| {
        let entries = log.entries().iter().take(to).skip(bootstrap);
        start.fold(entries)
    };
    let holder = logs().find(|log| log.holds(committed));
    let now = holder.map_or(start, |log| changes(log, upto));
    let mut configs = vec![now];
    for log in logs() {
        let lengths = upto + 1..=log.entries().len();
        configs.extend(lengths.map(|to| changes(log, to)));
    }
    if scenario.settings.applies() {
        let members = state
            .servers
            .iter()
            .filter(|(id, _)| now.members().contains(*id));
        let known = members.map(|(_, server)| {
            let upto = usize::try_from(server.commit.0).unwrap_or(usize::MAX);
            server.base.fold(server.log.entries().iter().take(upto))
        });
        configs.extend(known.filter(|config| !config.is_empty()));
    }
    configs.sort();
    configs.dedup();
    configs
}

/// The smallest sets of servers that are a majority, in a fixed order: those
/// who may be the only ones that are up.
pub fn majorities(servers: usize) -> Vec<NodeSet> {
    let all = 0..1u64 << servers;
    let sets = all.map(NodeSet).filter(|set| set.len() == servers / 2 + 1);
    sets.collect()
}

fn highest_term(state: &State, up: NodeSet) -> Term {
    up.iter()
        .map(|id| state.servers[id].term)
        .max()
        .unwrap_or_default()
}

impl<'g> Aftermath<'g> {
    /// What may follow `start`, a state that [`left_over`] gives: elections of
    /// `spare_terms` above the latest term, and what `goal` asks for.
    pub fn new(
        scenario: &Scenario,
        goal: &'g Goal,
        start: &State,
        up: NodeSet,
        spare_terms: u32,
        reins: Reins,
    ) -> Self {
        let bounds = &scenario.bounds;
        let latest = highest_term(start, up).0 + u64::from(spare_terms);
        let longest = up
            .iter()
            .map(|id| start.servers[id].log.last_index().0)
            .max();
        // A joint configuration that is there is left, one that is asked for too.
        let changes = match scenario.settings.changes() {
            true => 1 + 2 * u64::from(goal.asked.changes),
            false => 0,
        };
        let room = longest.unwrap_or(0) + latest + u64::from(goal.asked.writes) + changes;
        let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        Aftermath {
            scenario: Scenario {
                prefix: &[],
                settings: scenario.settings,
                network: match (reins, scenario.network) {
                    (Reins::Any, _) => NetworkKind::Set,
                    (_, NetworkKind::Ordered) => NetworkKind::Ordered,
                    (_, NetworkKind::Set | NetworkKind::Bag) => NetworkKind::Bag,
                },
                bounds: Bounds {
                    max_term: small(latest),
                    max_log: small(room),
                    max_messages: None,
                    max_lag: None,
                    writes: bounds.writes + goal.asked.writes,
                    reads: bounds.reads + goal.asked.reads,
                    changes: bounds.changes + goal.asked.changes,
                    wipes: bounds.wipes,
                    ..untroubled(bounds)
                },
            },
            goal,
            up,
            reins,
            write: (goal.asked.writes > 0).then_some(bounds.writes + 1),
            read: (goal.asked.reads > 0).then_some(ReadId {
                number: bounds.reads + 1,
            }),
        }
    }

    /// The latest term that is offered.
    pub fn latest(&self) -> Term {
        Term(u64::from(self.scenario.bounds.max_term))
    }

    /// The start, in the network that is looked at.
    pub fn start(&self, start: &State) -> State {
        State {
            network: Network::empty(self.scenario.network),
            ..start.clone()
        }
    }

    /// What may follow, as far as steps go.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Who is up.
    pub fn up(&self) -> NodeSet {
        self.up
    }

    /// Whether a step reaches the goal.
    pub fn reaches(&self, before: &State, action: &Action, step: &Step) -> bool {
        (self.goal.reached)(&Attempt {
            before,
            action,
            step,
            up: self.up,
            write: self.write,
            read: self.read,
        })
    }

    /// Whether `action` may happen in `state`, as far as the rules go.
    pub fn is_offered(&self, state: &State, action: &Action) -> bool {
        let Action::Step { node, input } = action else {
            return false;
        };
        if !self.up.contains(*node) {
            return false;
        }
        let server = state.server(*node);
        match input {
            Input::Campaign if server.term >= self.latest() => false,
            // Who is down hears nothing.
            Input::SendAppend { to, .. }
            | Input::SendHeartbeat { to }
            | Input::SendSnapshot { to }
                if !self.up.contains(*to) =>
            {
                false
            }
            _ if self.reins != Reins::Helpful => true,
            Input::Campaign => is_quiet(state, self.up),
            Input::Write { .. }
            | Input::Retry { .. }
            | Input::BeginRead { .. }
            | Input::Change { .. } => server.term == highest_term(state, self.up),
            Input::SendAppend { to, after, count } => {
                let batch = u64::from(self.scenario.bounds.max_batch);
                let shared = shared(server, state.server(*to));
                let lacking = server.log.last_index().0.saturating_sub(shared.0);
                match flow::of(server, *to) {
                    // Where it goes on flow control says: as much as it can, or
                    // the heartbeat that ends a wait.
                    Some(flow) => {
                        let rest = server.log.last_index().0.saturating_sub(after.0);
                        let most = if flow.waits() { 0 } else { rest.min(batch) };
                        is_quiet(state, self.up) && u64::from(*count) == most
                    }
                    None => {
                        is_quiet(state, self.up)
                            && *after == shared
                            && u64::from(*count) == lacking.min(batch)
                    }
                }
            }
            Input::SendHeartbeat { .. } => is_quiet(state, self.up),
            Input::SendSnapshot { to } => {
                let shared = shared(server, state.server(*to));
                is_quiet(state, self.up) && shared < server.log.base()
            }
            _ => true,
        }
    }

    /// Keeps of `after` what somebody will hear.
    fn heard(&self, after: &mut State) {
        let down = |message: &Message| !self.up.contains(message.to);
        let flights = after.network.flights();
        if !flights.iter().any(|flight| down(&flight.message)) {
            return;
        }
        let mut heard = Network::empty(self.scenario.network);
        for flight in flights.iter().filter(|flight| !down(&flight.message)) {
            for _ in 0..flight.copies {
                heard.send(Message::clone(&flight.message), self.scenario.network);
            }
        }
        after.network = heard;
    }
}

/// `bounds` without faults, and with all that servers do by themselves for
/// free. What clients ask for, and how leaders cut their logs into messages,
/// stays.
pub(super) fn untroubled(bounds: &Bounds) -> Bounds {
    Bounds {
        campaigns: None,
        appends: None,
        heartbeats: None,
        snapshots: None,
        restarts: 0,
        drops: Some(0),
        duplicates: 0,
        wipes: 0,
        ..bounds.clone()
    }
}

/// Whether nothing is in flight, nor waits to be, between those who are up.
fn is_quiet(state: &State, up: NodeSet) -> bool {
    let waits = |id| {
        let mut waiting = state.server(id).waiting();
        waiting.any(|message| up.contains(message.to))
    };
    state.network.is_empty() && !up.iter().any(waits)
}

/// Up to where two logs are the same.
fn shared<L: Log>(one: &Server<L>, other: &Server<L>) -> Index {
    let pairs = one.log.entries().iter().zip(other.log.entries());
    Index(pairs.take_while(|(a, b)| a == b).count() as u64)
}

impl System for Aftermath<'_> {
    type State = State;
    type Action = Action;

    fn key(&self, state: &State) -> u128 {
        super::key(state)
    }

    fn moves(&self, state: &State) -> Vec<(Action, Reach<State>)> {
        let mut actions = Vec::new();
        enabled(state, &self.scenario, &mut actions);
        let mut moves = Vec::with_capacity(actions.len());
        for action in actions {
            if !self.is_offered(state, &action) {
                continue;
            }
            let Ok(mut step) = state.next(&action, &self.scenario) else {
                continue;
            };
            let said_before = |message| state.network.find(message).is_some();
            if step.released.iter().any(said_before) {
                continue;
            }
            if self.reaches(state, &action, &step) {
                moves.push((action, Reach::Goal));
                continue;
            }
            // The ghost of what follows would only keep states apart.
            let clients = self.scenario.settings.sessions;
            step.after.history = forgotten(clients, self.write.unwrap_or_default());
            self.heard(&mut step.after);
            let reach = match step.after.within(&self.scenario) {
                true => Reach::State(step.after),
                false => Reach::Beyond,
            };
            moves.push((action, reach));
        }
        moves
    }
}
