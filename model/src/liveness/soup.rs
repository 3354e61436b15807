//! Closed sets, of servers amid all messages that were ever said.
//!
//! What may follow a state is a great deal where sends are free, and most of it
//! differs in what is in flight. For a proof that a goal is *not* reached less
//! will do: a set of states that holds the start, that nothing which may happen
//! leads out of, and in which nothing reaches the goal. Here a state is the
//! servers alone, and any message that a server says in any state of the set
//! may arrive in any other one, any number of times. That is more than any
//! network does, so a goal that is not reached here is not reached. One that is
//! may owe it to messages of runs that exclude each other: then nothing is shown.

use std::collections::{HashMap, HashSet};

use smallvec::SmallVec;

use super::aftermath::Aftermath;
use crate::action::{self, Action};
use crate::bounds::Budget;
use crate::cluster::{State, Step, handle};
use crate::field::packed;
use crate::ids::NodeId;
use crate::log::InlineLog;
use crate::message::{Message, Messages};
use crate::rules::{Input, Outcome};
use crate::server::Server;
use crate::shared::Shared;

/// What a closed set was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broth {
    /// Closed, without the goal: so many states.
    Closed(u64),
    /// Something reaches the goal, in a run or in a mixture of runs.
    Reaches,
    /// Something leads out of bounds.
    Cut,
    /// It was given up.
    Spent,
}

/// One state of a closed set.
#[derive(Clone, Debug)]
pub struct Member {
    /// The servers; no message is shown, all that [`Soup::said`] lists may arrive.
    pub state: State,
    /// What is enabled in it and changes it, and the member it leads to.
    pub moves: Vec<(Action, usize)>,
}

/// What one server does.
#[derive(Clone, Debug)]
struct Move {
    input: Input,
    to: u32,
    outcome: Outcome,
    released: Messages,
}

/// One server as it was met.
#[derive(Debug)]
struct Local {
    server: Shared<Server<InlineLog>>,
    /// What it makes of the messages to it.
    moves: Vec<Move>,
    /// How many of them it has heard.
    heard: usize,
}

/// The servers by number, and what clients have asked for.
type Tuple = (SmallVec<[u32; 3]>, Asked);

/// Writes, reads and changes that clients have asked for.
type Asked = [u32; 3];

/// A set of states on its way to be closed.
#[derive(Debug)]
pub struct Soup<'a> {
    aftermath: &'a Aftermath<'a>,
    base: State,
    up: Vec<NodeId>,
    locals: Vec<Local>,
    names: HashMap<Vec<u8>, u32>,
    own: HashMap<(u32, Asked), Vec<Move>>,
    inbox: Vec<Vec<Message>>,
    known: HashSet<Vec<u8>>,
    tuples: Vec<Tuple>,
    numbers: HashMap<Tuple, usize>,
}

impl<'a> Soup<'a> {
    /// The set of `start` alone.
    pub fn new(aftermath: &'a Aftermath<'a>, start: &State) -> Self {
        let base = aftermath.start(start);
        let up: Vec<NodeId> = aftermath.up().iter().collect();
        let mut soup = Soup {
            aftermath,
            inbox: vec![Vec::new(); base.servers.len()],
            locals: Vec::new(),
            names: HashMap::new(),
            own: HashMap::new(),
            known: HashSet::new(),
            tuples: Vec::new(),
            numbers: HashMap::new(),
            up,
            base,
        };
        let servers = soup.up.clone().into_iter();
        let ids = servers.map(|id| soup.meet(soup.base.servers[id].clone()));
        let ids: Vec<u32> = ids.collect();
        let spent = soup.base.spent;
        soup.number((ids.into(), [spent.writes, spent.reads, spent.changes]));
        soup
    }

    /// Adds all that follows. Now and then `give_up` is asked with the number
    /// of states.
    pub fn close(&mut self, give_up: &mut dyn FnMut(u64) -> bool) -> Broth {
        // How many moves with messages of each server were made, per state.
        let mut done: Vec<SmallVec<[u32; 3]>> = Vec::new();
        let mut cut = false;
        loop {
            let before = (self.tuples.len(), self.known.len());
            let mut at = 0;
            while at < self.tuples.len() {
                if give_up(self.tuples.len() as u64) {
                    return Broth::Spent;
                }
                let new = at == done.len();
                if new {
                    done.push(SmallVec::from_elem(0, self.up.len()));
                }
                for (k, done) in done[at].iter_mut().enumerate() {
                    let id = self.tuples[at].0[k];
                    self.hear(id);
                    let mut moves = self.locals[id as usize].moves[*done as usize..].to_vec();
                    *done = self.locals[id as usize].moves.len() as u32;
                    if new {
                        moves.extend(self.own_moves(at, k));
                    }
                    for step in moves {
                        match self.take(at, k, step) {
                            None => return Broth::Reaches,
                            Some(within) => cut |= !within,
                        }
                    }
                }
                at += 1;
            }
            if before == (self.tuples.len(), self.known.len()) && done.len() == before.0 {
                break;
            }
        }
        match cut {
            true => Broth::Cut,
            false => Broth::Closed(self.tuples.len() as u64),
        }
    }

    /// How many states there are.
    pub fn len(&self) -> usize {
        self.tuples.len()
    }

    /// Whether there is none; there always is one.
    pub fn is_empty(&self) -> bool {
        self.tuples.is_empty()
    }

    /// All messages that were said.
    pub fn said(&self) -> impl Iterator<Item = &Message> {
        self.inbox.iter().flatten()
    }

    /// State number `at`, once the set is closed.
    pub fn member(&mut self, at: usize) -> Member {
        let mut moves = Vec::new();
        for k in 0..self.up.len() {
            let id = self.tuples[at].0[k] as usize;
            let all = self.locals[id].moves.clone();
            for step in all.into_iter().chain(self.own_moves(at, k)) {
                let next = self.after(at, k, &step);
                let to = self.numbers.get(&next).copied().unwrap_or(at);
                if to != at {
                    let (node, input) = (self.up[k], step.input);
                    moves.push((Action::Step { node, input }, to));
                }
            }
        }
        Member {
            state: self.state(&self.tuples[at].clone()),
            moves,
        }
    }

    fn number(&mut self, tuple: Tuple) -> usize {
        let new = self.tuples.len();
        let at = *self.numbers.entry(tuple.clone()).or_insert(new);
        if at == new {
            self.tuples.push(tuple);
        }
        at
    }

    /// The number of a server. What it said is remembered by whoever steps.
    fn meet(&mut self, server: Shared<Server<InlineLog>>) -> u32 {
        let new = self.locals.len() as u32;
        let id = *self.names.entry(packed(&server)).or_insert(new);
        if id == new {
            self.locals.push(Local {
                server,
                moves: Vec::new(),
                heard: 0,
            });
        }
        id
    }

    fn step(&mut self, id: u32, input: Input) -> Option<Move> {
        let server = &self.locals[id as usize].server;
        let handled = handle(server, &input, self.aftermath.scenario()).ok()?;
        for message in &handled.released {
            let heard = self.up.contains(&message.to);
            if heard && self.known.insert(packed(message)) {
                self.inbox[message.to.position()].push(message.clone());
            }
        }
        Some(Move {
            input,
            to: self.meet(handled.after),
            outcome: handled.outcome,
            released: handled.released,
        })
    }

    /// Lets a server hear what it has not heard yet.
    fn hear(&mut self, id: u32) {
        let node = self.locals[id as usize].server.id.position();
        while let Some(message) = self.inbox[node].get(self.locals[id as usize].heard) {
            let message = message.clone();
            self.locals[id as usize].heard += 1;
            // Two messages of which the server makes the same, in the same way,
            // are one move: what it says in answer is known by now.
            if let Some(step) = self.step(id, Input::Receive { message }) {
                let moves = &mut self.locals[id as usize].moves;
                let same = |m: &Move| (m.to, m.outcome.branch) == (step.to, step.outcome.branch);
                if !moves.iter().any(same) {
                    moves.push(step);
                }
            }
        }
    }

    /// What server `k` of state `at` does by itself.
    fn own_moves(&mut self, at: usize, k: usize) -> Vec<Move> {
        let (ids, asked) = &self.tuples[at];
        let key = (ids[k], *asked);
        if let Some(moves) = self.own.get(&key) {
            return moves.clone();
        }
        let state = self.state(&self.tuples[at].clone());
        let mut inputs = Vec::new();
        let scenario = self.aftermath.scenario();
        action::own(&state, &state.spent, scenario, |node, input| {
            let action = Action::Step { node, input };
            if node == self.up[k] && self.aftermath.is_offered(&state, &action) {
                inputs.push(action);
            }
        });
        let mut moves = Vec::new();
        for action in inputs {
            if let Action::Step { input, .. } = action {
                moves.extend(self.step(key.0, input));
            }
        }
        self.own.insert(key, moves.clone());
        moves
    }

    fn state(&self, tuple: &Tuple) -> State {
        let mut state = self.base.clone();
        for (&node, &id) in self.up.iter().zip(&tuple.0) {
            state.servers[node] = self.locals[id as usize].server.clone();
        }
        [state.spent.writes, state.spent.reads, state.spent.changes] = tuple.1;
        state
    }

    /// Where a move of server `k` leads from state `at`.
    fn after(&self, at: usize, k: usize, step: &Move) -> Tuple {
        let (mut ids, [mut writes, mut reads, mut changes]) = self.tuples[at].clone();
        ids[k] = step.to;
        writes += u32::from(matches!(step.input, Input::Write { .. }));
        reads += u32::from(matches!(step.input, Input::BeginRead { .. }));
        let bounds = &self.aftermath.scenario().bounds;
        let node = self.up[k];
        let input = step.input.clone();
        let budget = Action::Step { node, input }.budget(bounds);
        changes += u32::from(budget == Some(Budget::Change));
        (ids, [writes, reads, changes])
    }

    /// Makes a move; `None` when it reaches the goal, else whether it stays
    /// within bounds.
    fn take(&mut self, at: usize, k: usize, step: Move) -> Option<bool> {
        let next = self.after(at, k, &step);
        let before = self.state(&self.tuples[at].clone());
        let after = self.state(&next);
        let within = after.within(self.aftermath.scenario());
        let (node, input) = (self.up[k], step.input);
        let action = Action::Step { node, input };
        let made = Step::new(after, Some(step.outcome), step.released);
        if self.aftermath.reaches(&before, &action, &made) {
            return None;
        }
        if within {
            self.number(next);
        }
        Some(within)
    }
}
