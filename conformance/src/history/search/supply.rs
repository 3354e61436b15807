//! What operations have to find, and what can still provide it.
//!
//! A configuration is dead in which an operation that returned has to find
//! something that is out of reach, and nothing that provides it was called
//! before that return and is left. That is seen at once instead of at the
//! return, many choices later.

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
        }
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
    }

    /// Puts the operation back that was taken out last.
    pub(super) fn put_back(&mut self, op: u32) {
        self.finders.put_back(op, self.finds[op as usize]);
        self.providers.put_back(op, self.provides[op as usize]);
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
        (all * 4) as u64 + self.finders.bytes() + self.providers.bytes()
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
