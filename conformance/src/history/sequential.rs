//! Sequential consistency: an order that keeps each client's own, whatever the
//! time (Lamport 1979).
//!
//! A search as the one for linearizability, with each client's next operation
//! as the choices. It is not local: parts that have an order each may have none
//! together.

use super::limits::Limits;
use super::memo::{Memo, mix};
use super::model::{Model, Step};
use super::verdict::Untold;

/// Whether operations have such an order; they stand in the order of their
/// calls. Or which limit came first.
pub(super) fn has_order<M: Model>(
    model: &M,
    ops: &[M::Op],
    clients: &[u32],
    known: impl Fn(usize) -> bool,
    limits: &Limits<'_>,
) -> Result<bool, Untold> {
    let mut lines: Vec<Vec<u32>> = Vec::new();
    for (op, &client) in clients.iter().enumerate() {
        let client = client as usize;
        if lines.len() <= client {
            lines.resize(client + 1, Vec::new());
        }
        lines[client].push(op as u32);
    }
    lines.retain(|line| !line.is_empty());
    let left = (0..ops.len()).filter(|&op| known(op)).count();
    let mut search = Search {
        model,
        ops,
        at: vec![0; lines.len()],
        lines,
        known: (0..ops.len()).map(known).collect(),
        left,
        set: 0,
        state: model.initial(),
        memo: Memo::default(),
        trail: Vec::new(),
    };
    search.run(limits)
}

struct Search<'a, M: Model> {
    model: &'a M,
    ops: &'a [M::Op],
    /// The operations of each client, in its order.
    lines: Vec<Vec<u32>>,
    /// How many of them have taken effect.
    at: Vec<usize>,
    known: Vec<bool>,
    /// How many that returned have not.
    left: usize,
    set: u128,
    state: M::State,
    memo: Memo,
    /// The clients whose next operation was taken.
    trail: Vec<u32>,
}

struct Frame<U> {
    trail: usize,
    undo: Option<U>,
    choices: Vec<u32>,
}

impl<M: Model> Search<'_, M> {
    fn run(&mut self, limits: &Limits<'_>) -> Result<bool, Untold> {
        let mut frames: Vec<Frame<M::Undo>> = Vec::new();
        let mut frame = Frame {
            trail: 0,
            undo: None,
            choices: Vec::new(),
        };
        let mut states = 0;
        loop {
            states += 1;
            if limits.configurations.is_some_and(|most| states > most) {
                return Err(Untold::Configurations);
            }
            let growth = self.memo.growth();
            let needed = self.memo.bytes() + growth;
            if (states % 256 == 0 && limits.reached().is_some())
                || limits.memory_bytes.is_some_and(|most| needed > most)
                || (growth > 0 && !limits.has_room(growth))
            {
                return Err(Untold::Spent);
            }
            frame.choices = self.enter();
            if self.left == 0 {
                return Ok(true);
            }
            frames.push(frame);
            loop {
                let Some(top) = frames.last_mut() else {
                    return Ok(false);
                };
                if let Some(client) = top.choices.pop() {
                    frame = self.take(client);
                    break;
                }
                if let Some(top) = frames.pop() {
                    self.leave(top);
                }
            }
        }
    }

    fn next(&self, client: usize) -> Option<u32> {
        self.lines[client].get(self.at[client]).copied()
    }

    /// Takes reads that fit, as often as there are any; then the choices, the
    /// one called first last.
    fn enter(&mut self) -> Vec<u32> {
        for client in 0..self.lines.len() {
            while let Some(op) = self.next(client) {
                let read = &self.ops[op as usize];
                if !self.model.reads_only(read) {
                    break;
                }
                match self.model.step(&mut self.state, read) {
                    Step::Same => self.pass(client),
                    Step::Refused => break,
                    Step::Changed(undo) => {
                        self.model.undo(&mut self.state, undo);
                        break;
                    }
                }
            }
        }
        if self.left == 0 {
            return Vec::new();
        }
        let config = self.set ^ mix(self.model.fingerprint(&self.state));
        if !self.memo.insert(config) {
            return Vec::new();
        }
        let mut choices = Vec::new();
        for client in 0..self.lines.len() {
            let Some(op) = self.next(client) else {
                continue;
            };
            match self.model.step(&mut self.state, &self.ops[op as usize]) {
                Step::Refused => {}
                Step::Same if !self.known[op as usize] => {}
                Step::Same => choices.push((op, client as u32)),
                Step::Changed(undo) => {
                    self.model.undo(&mut self.state, undo);
                    choices.push((op, client as u32));
                }
            }
        }
        choices.sort_unstable_by(|a, b| b.cmp(a));
        choices.into_iter().map(|(_, client)| client).collect()
    }

    /// Moves a client on by one operation, whose step was taken.
    fn pass(&mut self, client: usize) {
        if let Some(op) = self.next(client) {
            self.set ^= mix(u128::from(op) | 1 << 64);
            self.left -= usize::from(self.known[op as usize]);
            self.at[client] += 1;
            self.trail.push(client as u32);
        }
    }

    fn take(&mut self, client: u32) -> Frame<M::Undo> {
        let trail = self.trail.len();
        let mut undo = None;
        if let Some(op) = self.next(client as usize)
            && let Step::Changed(back) = self.model.step(&mut self.state, &self.ops[op as usize])
        {
            undo = Some(back);
        }
        self.pass(client as usize);
        Frame {
            trail,
            undo,
            choices: Vec::new(),
        }
    }

    fn leave(&mut self, frame: Frame<M::Undo>) {
        while self.trail.len() > frame.trail {
            let Some(client) = self.trail.pop() else {
                break;
            };
            let client = client as usize;
            self.at[client] -= 1;
            if let Some(op) = self.next(client) {
                self.set ^= mix(u128::from(op) | 1 << 64);
                self.left += usize::from(self.known[op as usize]);
            }
        }
        if let Some(undo) = frame.undo {
            self.model.undo(&mut self.state, undo);
        }
    }
}
