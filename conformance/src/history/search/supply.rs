//! What operations have to find, and what can still provide it.
//!
//! A configuration is dead in which an operation that returned has to find
//! something that is out of reach, and nothing that provides it was called
//! before that return and is left. That is seen at once instead of at the
//! return, many choices later.

use std::collections::HashMap;

use super::super::memo::Numbers;
use super::super::model::Model;
use super::Timed;

const NONE: u32 = u32::MAX;

/// For each thing: who has to find it, by their returns; who provides it, by
/// their calls. Operations that have taken effect are taken out.
pub(super) struct Supply {
    names: Numbers<u64, u32>,
    finders: Lists,
    providers: Lists,
    finds: Vec<u32>,
    provides: Vec<u32>,
    needed: Needed,
}

impl Supply {
    pub(super) fn new<M: Model>(model: &M, ops: &[Timed<'_, M::Op>]) -> Self {
        let mut names: Numbers<u64, u32> = Numbers::default();
        let mut number = |name: Option<u64>| {
            let next = names.len() as u32;
            name.map_or(NONE, |name| *names.entry(name).or_insert(next))
        };
        let mut finds = Vec::with_capacity(ops.len());
        let mut provides = Vec::with_capacity(ops.len());
        for (span, op) in ops {
            // What never returned need not find anything.
            finds.push(number(model.finds(op).filter(|_| span.is_known())));
            provides.push(number(model.provides(op)));
        }
        let things = names.len();
        let mut by_return: Vec<u32> = (0..ops.len() as u32).collect();
        by_return.sort_unstable_by_key(|&op| ops[op as usize].0.ret);
        Supply {
            names,
            finders: Lists::new(things, &by_return, &finds),
            providers: Lists::new(
                things,
                &(0..ops.len() as u32).collect::<Vec<_>>(),
                &provides,
            ),
            finds,
            provides,
            needed: Needed::new(model, ops),
        }
    }

    /// Whether something does not hold any more that an operation which is left
    /// needs, and that none which is left makes.
    pub(super) fn is_lost(&self, thing: u128) -> bool {
        self.needed.is_lost(thing)
    }

    /// The thing with this name.
    pub(super) fn thing(&self, name: Option<u64>) -> Option<u32> {
        self.names.get(&name?).copied()
    }

    /// What an operation provides.
    pub(super) fn of(&self, op: u32) -> Option<u32> {
        let thing = self.provides[op as usize];
        (thing != NONE).then_some(thing)
    }

    /// Whether an operation has to find something.
    pub(super) fn finds(&self, op: u32) -> bool {
        self.finds[op as usize] != NONE
    }

    /// Whether an operation provides what another has to find.
    pub(super) fn serves(&self, op: u32, finder: u32) -> bool {
        let thing = self.finds[finder as usize];
        thing != NONE && self.provides[op as usize] == thing
    }

    /// Takes an operation out.
    pub(super) fn lift(&mut self, op: u32) {
        self.finders.lift(op, self.finds[op as usize]);
        self.providers.lift(op, self.provides[op as usize]);
        self.needed.lift(op);
    }

    /// Puts the operation back that was taken out last.
    pub(super) fn put_back(&mut self, op: u32) {
        self.finders.put_back(op, self.finds[op as usize]);
        self.providers.put_back(op, self.provides[op as usize]);
        self.needed.put_back(op);
    }

    /// Whether somebody has to find the thing and cannot any more.
    pub(super) fn is_short<M: Model>(
        &self,
        thing: u32,
        model: &M,
        state: &M::State,
        ops: &[Timed<'_, M::Op>],
    ) -> bool {
        let provider = self.providers.first(thing);
        let from = provider.map_or(u32::MAX, |op| ops[op as usize].0.call);
        let mut finder = self.finders.first(thing);
        while let Some(op) = finder {
            let (span, request) = ops[op as usize];
            if span.ret > from {
                return false;
            }
            if !model.within_reach(state, request) {
                return true;
            }
            finder = self.finders.after(op);
        }
        false
    }

    /// Whether somebody who is left may find the thing from this state on.
    pub(super) fn is_wanted<M: Model>(
        &self,
        thing: u32,
        model: &M,
        state: &M::State,
        ops: &[Timed<'_, M::Op>],
    ) -> bool {
        let mut finder = self.finders.first(thing);
        while let Some(op) = finder {
            if model.within_reach(state, ops[op as usize].1) {
                return true;
            }
            finder = self.finders.after(op);
        }
        false
    }

    pub(super) fn bytes(&self) -> u64 {
        let all = self.finds.len() + self.provides.len();
        (all * 4) as u64 + self.finders.bytes() + self.providers.bytes() + self.needed.bytes()
    }
}

/// What an operation needs, and what it makes.
struct Things {
    needs: Box<[u32]>,
    makes: Box<[u32]>,
}

/// What operations that are left need to hold, and make: how many of each.
#[derive(Default)]
struct Needed {
    names: HashMap<u128, u32>,
    of: Vec<Things>,
    /// How many need each thing, and how many make it.
    counts: Vec<(u32, u32)>,
    of_bytes: u64,
}

impl Needed {
    fn new<M: Model>(model: &M, ops: &[Timed<'_, M::Op>]) -> Self {
        let all: Vec<&M::Op> = ops.iter().map(|(_, op)| *op).collect();
        let needs = model.needs(&all);
        let mut needed = Needed::default();
        let mut made = Vec::new();
        for ((span, op), needs) in ops.iter().zip(needs) {
            // What never returned need not happen.
            let needs = needs.into_iter().filter(|_| span.is_known());
            made.clear();
            model.makes(op, &mut made);
            let needs = needs.map(|thing| needed.number(thing)).collect();
            let makes = made.iter().map(|&thing| needed.number(thing)).collect();
            let own = Things { needs, makes };
            let numbers = own.needs.len() + own.makes.len();
            needed.of_bytes += (size_of::<Things>() + numbers * size_of::<u32>()) as u64;
            needed.of.push(own);
        }
        for op in 0..needed.of.len() as u32 {
            needed.put_back(op);
        }
        needed
    }

    fn number(&mut self, thing: u128) -> u32 {
        let next = self.counts.len() as u32;
        let number = *self.names.entry(thing).or_insert(next);
        if number == next {
            self.counts.push((0, 0));
        }
        number
    }

    fn is_lost(&self, thing: u128) -> bool {
        let counts = self.names.get(&thing).map(|&n| self.counts[n as usize]);
        counts.is_some_and(|(need, make)| need > 0 && make == 0)
    }

    fn lift(&mut self, op: u32) {
        if let Some(Things { needs, makes }) = self.of.get(op as usize) {
            needs.iter().for_each(|&n| self.counts[n as usize].0 -= 1);
            makes.iter().for_each(|&n| self.counts[n as usize].1 -= 1);
        }
    }

    fn put_back(&mut self, op: u32) {
        if let Some(Things { needs, makes }) = self.of.get(op as usize) {
            needs.iter().for_each(|&n| self.counts[n as usize].0 += 1);
            makes.iter().for_each(|&n| self.counts[n as usize].1 += 1);
        }
    }

    fn bytes(&self) -> u64 {
        let entry = size_of::<(u128, u32)>() + size_of::<(u32, u32)>();
        (self.names.len() * entry) as u64 + self.of_bytes
    }
}

/// One doubly linked list of operations for each thing.
struct Lists {
    first: Vec<u32>,
    next: Vec<u32>,
    before: Vec<u32>,
}

impl Lists {
    fn new(things: usize, order: &[u32], thing_of: &[u32]) -> Self {
        let mut lists = Lists {
            first: vec![NONE; things],
            next: vec![NONE; thing_of.len()],
            before: vec![NONE; thing_of.len()],
        };
        for &op in order.iter().rev() {
            let thing = thing_of[op as usize];
            if thing != NONE {
                let next = std::mem::replace(&mut lists.first[thing as usize], op);
                lists.next[op as usize] = next;
                if next != NONE {
                    lists.before[next as usize] = op;
                }
            }
        }
        lists
    }

    fn first(&self, thing: u32) -> Option<u32> {
        Some(self.first[thing as usize]).filter(|&op| op != NONE)
    }

    fn after(&self, op: u32) -> Option<u32> {
        Some(self.next[op as usize]).filter(|&op| op != NONE)
    }

    fn lift(&mut self, op: u32, thing: u32) {
        if thing == NONE {
            return;
        }
        let (before, next) = (self.before[op as usize], self.next[op as usize]);
        match before {
            NONE => self.first[thing as usize] = next,
            before => self.next[before as usize] = next,
        }
        if next != NONE {
            self.before[next as usize] = before;
        }
    }

    fn put_back(&mut self, op: u32, thing: u32) {
        if thing == NONE {
            return;
        }
        let (before, next) = (self.before[op as usize], self.next[op as usize]);
        match before {
            NONE => self.first[thing as usize] = op,
            before => self.next[before as usize] = op,
        }
        if next != NONE {
            self.before[next as usize] = op;
        }
    }

    fn bytes(&self) -> u64 {
        ((self.first.len() + self.next.len() + self.before.len()) * 4) as u64
    }
}
