//! The search of Wing and Gong, memoised as Lowe does.
//!
//! A *configuration* is the set of operations that have taken effect, and the
//! state they led to. From each, every operation may come next that was called
//! before the first return of one that has not taken effect yet (the
//! *deadline*) and that the model does not refuse. When all operations that
//! returned have taken effect, their order is the answer; when no
//! configuration is left, there is none. No configuration is visited twice
//! ([`memo`](super::memo)).
//!
//! Beyond that, the search leaves out what cannot matter. Each rule has its
//! proof in `docs/linearizability.md`:
//!
//! - **Reads at once.** An operation that leaves every state as it was and fits
//!   now is taken now, without an alternative.
//! - **One of a class.** Of operations that can stand for each other the one
//!   that returns first is tried, of those that never return the one called
//!   first.
//! - **Unknown only for a change.** An operation of unknown outcome is taken
//!   only if it changes the state, or overwrites what others have added.
//! - **Overwritten in hindsight.** That nobody has seen what was written is
//!   decided late: an operation that fits in every state can be taken without a
//!   change of the state, at its deadline, if an overwriting operation was
//!   taken since its call: it had its point right before that one.
//! - **Writes for a purpose.** An operation that fits in every state and is not
//!   at its deadline is taken only if something else fits then, or may after
//!   more operations of this kind.
//! - **Nothing short.** A configuration is left as soon as an operation has to
//!   find something that no operation can provide in time any more, or needs
//!   something that was lost and that none can bring about again.
//!
//! It goes deep first, and in turns with that in breadth ([`beam`]), where it
//! has not come to an end soon.

use smallvec::SmallVec;

use super::limits::Limits;
use super::memo::{Memo, Numbers, mix};
use super::model::{Model, Outcome, Span, Step};
use super::verdict::Ground;

mod apart;
mod beam;
mod list;
mod supply;

pub(super) use apart::Joined;
pub use apart::judge_spans;
use list::Events;
use supply::Supply;

/// What a search came to, and what it took.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) outcome: Outcome,
    /// Configurations visited.
    pub(super) states: u64,
    /// The most memory that tables and stacks took.
    pub(super) memory_bytes: u64,
    /// The longest orders of a search that failed, if they were asked for.
    pub(super) longest: Vec<Vec<u32>>,
}

/// An operation of a part.
pub(super) type Timed<'a, Op> = (Span, &'a Op);

/// Searches for an order of operations that stand in the order of their calls.
pub(super) fn search<M: Model>(
    model: &M,
    ops: &[Timed<'_, M::Op>],
    limits: &Limits<'_>,
    keep_longest: bool,
) -> Found {
    let mut found = Found {
        outcome: Outcome::Stopped(Ground::Memory),
        states: 0,
        memory_bytes: 0,
        longest: Vec::new(),
    };
    if limits.short_of(ops.len(), SEARCHED).is_some() {
        return found;
    }
    let mut deep = Search::new(model, ops, limits, keep_longest);
    // Where configurations are counted they are few, and all for the search
    // that comes to an end.
    let mut allowed = match limits.configurations {
        None if !keep_longest => FIRST + 2 * ops.len() as u64,
        _ => u64::MAX,
    };
    let mut width = WIDTH;
    found.outcome = loop {
        if let Some(outcome) = deep.run(allowed) {
            break outcome;
        }
        let left = limits
            .memory_bytes
            .map(|m| m.saturating_sub(deep.memory_bytes));
        let limits = Limits {
            memory_bytes: left,
            ..limits.clone()
        };
        if limits.short_of(ops.len(), SEARCHED).is_some() {
            allowed = u64::MAX;
            continue;
        }
        let mut wide = Search::new(model, ops, &limits, false);
        let outcome = beam::run(&mut wide, width);
        found.states += wide.states;
        found.memory_bytes = found
            .memory_bytes
            .max(deep.memory_bytes + wide.memory_bytes);
        match outcome {
            Some(Outcome::Stopped(Ground::Memory)) => allowed = u64::MAX,
            Some(outcome) => break outcome,
            None => {
                // Neither takes much more than its half of the time.
                allowed = deep.states + wide.states;
                width = width.saturating_mul(4);
            }
        }
    };
    found.states += deep.states;
    found.memory_bytes = found.memory_bytes.max(deep.memory_bytes);
    found.longest = deep.longest;
    found
}

/// How many bytes an operation takes where a search begins, in all its lists;
/// some more than these hold.
const SEARCHED: usize = 256;

/// How many configurations are visited before the search goes on in breadth.
const FIRST: u64 = 20_000;

/// How many configurations are kept at first where it does.
const WIDTH: usize = 16;

/// Something that comes next.
#[derive(Clone, Copy, Debug)]
struct Choice {
    op: u32,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Takes effect.
    Effect,
    /// Was overwritten in hindsight.
    Hindsight,
}

/// A configuration on the way to the present one.
struct Frame<U> {
    /// How far the trail went before the operation that led here.
    trail: usize,
    /// The state before it, if it has changed.
    undo: Option<U>,
    /// The set before it.
    set: u128,
    /// The bound of hindsight before it.
    bound: u32,
    /// The unknown group it was taken from.
    group: Option<u32>,
    /// Its choices, in `choices`; those before `next` were tried.
    first: usize,
    next: usize,
    deadline: u32,
    /// The operation whose return is the deadline.
    due: u32,
}

impl<U> Default for Frame<U> {
    fn default() -> Self {
        Frame {
            trail: 0,
            undo: None,
            set: 0,
            bound: 0,
            group: None,
            first: 0,
            next: 0,
            deadline: 0,
            due: 0,
        }
    }
}

/// Operations of unknown outcome that can stand for each other.
struct Group {
    /// In the order of their calls.
    ops: Vec<u32>,
    used: usize,
    class: u32,
}

/// What was found on entering a configuration.
enum Entered {
    Done,
    Dead,
    Open { deadline: u32, due: u32 },
}

/// How many longest orders are kept, at most.
const LONGEST: usize = 3;

/// A choice, by what comes first: its rank, how far it leads away from what
/// does not fit yet, its return and its call.
type Ranked = ((u8, i32, u32, u32), Choice);

/// How many operations that do not fit yet are looked at, at most.
const GOALS: usize = 12;

const READS: u8 = 1;
const OVERWRITES: u8 = 2;
const ALWAYS_FITS: u8 = 4;
const NO_CLASS: u32 = u32::MAX;

struct Search<'a, M: Model> {
    model: &'a M,
    ops: &'a [Timed<'a, M::Op>],
    limits: &'a Limits<'a>,
    flags: Vec<u8>,
    class: Vec<u32>,
    /// Per class: the visit in which it was last met, and the choice then; of
    /// operations that add to what is there, those apart that can have been
    /// overwritten.
    met: Vec<[(u64, u32); 2]>,
    events: Events,
    supply: Supply,
    /// What the last step may have made short.
    doubtful: [Option<u32>; 2],
    /// Whether some operation may be refused and does not tell what it has to
    /// find.
    untold: bool,
    groups: Vec<Group>,
    memo: Memo,
    state: M::State,
    /// The operations that have taken effect.
    set: u128,
    /// Overwriting operations called before it can have been overwritten.
    bound: u32,
    /// What has taken effect, in order.
    trail: Vec<Choice>,
    choices: Vec<Choice>,
    frames: Vec<Frame<M::Undo>>,
    states: u64,
    memory_bytes: u64,
    furthest: u32,
    keep_longest: bool,
    longest: Vec<Vec<u32>>,
    /// The last step, and whether it was an overwriting operation that needs a
    /// purpose, where the configuration that it led to is still to be entered.
    stepped: Option<(Frame<M::Undo>, bool)>,
    /// What else takes memory.
    other_bytes: u64,
    /// Operations that may come next but for the state, where the model tells
    /// what brings it nearer to them.
    goals: Vec<u32>,
    /// Whether the last step lost something that is still needed.
    lost: bool,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(
        model: &'a M,
        ops: &'a [Timed<'a, M::Op>],
        limits: &'a Limits<'a>,
        keep_longest: bool,
    ) -> Self {
        let mut classes = Numbers::default();
        let mut flags = Vec::with_capacity(ops.len());
        let mut class = Vec::with_capacity(ops.len());
        let mut groups: Vec<Group> = Vec::new();
        let mut group_of = Numbers::default();
        for (index, (span, op)) in ops.iter().enumerate() {
            let reads = model.reads_only(op);
            let overwrites = model.overwrites(op);
            let fits = model.always_fits(op);
            flags.push(
                (u8::from(reads) * READS)
                    | (u8::from(overwrites) * OVERWRITES)
                    | (u8::from(fits) * ALWAYS_FITS),
            );
            let number = classes.len() as u32;
            let own = match model.class(op) {
                Some(name) => *classes.entry(name).or_insert(number),
                None => NO_CLASS,
            };
            class.push(own);
            if !span.is_known() && !reads {
                let new = groups.len();
                let group = match own {
                    NO_CLASS => new,
                    _ => *group_of.entry(own).or_insert(new),
                };
                if group == new {
                    groups.push(Group {
                        ops: Vec::new(),
                        used: 0,
                        class: own,
                    });
                }
                groups[group].ops.push(index as u32);
            }
        }
        let untold = ops
            .iter()
            .zip(&flags)
            .any(|((_, op), flags)| flags & ALWAYS_FITS == 0 && model.finds(op).is_none());
        Search {
            model,
            ops,
            limits,
            untold,
            flags,
            class,
            met: vec![[(0, 0); 2]; classes.len()],
            events: Events::new(ops.iter().map(|(span, _)| *span)),
            supply: Supply::new(model, ops),
            doubtful: [None, None],
            groups,
            memo: Memo::default(),
            state: model.initial(),
            set: 0,
            bound: 0,
            trail: Vec::new(),
            choices: Vec::new(),
            frames: Vec::new(),
            states: 0,
            memory_bytes: 0,
            furthest: 0,
            keep_longest,
            longest: Vec::new(),
            stepped: Some((Frame::default(), false)),
            other_bytes: 0,
            goals: Vec::new(),
            lost: false,
        }
    }

    /// Searches on until so many configurations were visited. None: they were,
    /// and nothing is known yet.
    fn run(&mut self, allowed: u64) -> Option<Outcome> {
        if let Some(ground) = self.limits.reached() {
            return Some(Outcome::Stopped(ground));
        }
        while let Some((mut frame, idle_write)) = self.stepped.take() {
            if self.states >= allowed {
                self.stepped = Some((frame, idle_write));
                return None;
            }
            if let Some(ground) = self.over_budget() {
                return Some(Outcome::Stopped(ground));
            }
            // The configuration that the last step led to.
            frame.first = self.choices.len();
            frame.next = frame.first;
            let entered = self.enter(idle_write);
            self.note_longest();
            match entered {
                Entered::Done => return Some(Outcome::Order(self.order())),
                Entered::Dead => self.leave(frame),
                Entered::Open { deadline, due } => {
                    frame.deadline = deadline;
                    frame.due = due;
                    self.frames.push(frame);
                }
            }
            // The next step: of the last configuration that has one left.
            while let Some(mut top) = self.frames.pop() {
                if let Some(&choice) = self.choices.get(top.next) {
                    let (deadline, due) = (top.deadline, top.due);
                    top.next += 1;
                    self.frames.push(top);
                    self.stepped = Some(self.take(choice, deadline, due));
                    break;
                }
                self.leave(top);
            }
        }
        Some(Outcome::None {
            first_return: self.furthest,
        })
    }

    /// Takes what fits everywhere, then lists the choices. `idle_write`: the
    /// last step was an overwriting operation that needs a purpose.
    fn enter(&mut self, idle_write: bool) -> Entered {
        self.states += 1;
        if std::mem::take(&mut self.lost) {
            return Entered::Dead;
        }
        let visit = self.states;
        let first = self.choices.len();
        let trail = self.trail.len();
        let mut free_from = u32::MAX;
        let guided = self.model.tells_gain();
        self.goals.clear();
        // Something else than what fits everywhere fits; or may, further on.
        let (mut purpose, mut onward) = (false, false);
        let mut at = self.events.first();
        let (deadline, due) = loop {
            let Some(event) = at else {
                return Entered::Done;
            };
            at = self.events.after(event);
            let index = event.op();
            if event.is_return() {
                break (self.ops[index as usize].0.ret, index);
            }
            let op = self.ops[index as usize].1;
            let flags = self.flags[index as usize];
            if flags & READS != 0 {
                match self.model.step(&mut self.state, op) {
                    Step::Refused if guided => self.goals.push(index),
                    Step::Refused => {}
                    Step::Same => {
                        // If its return comes next, it is gone from the list.
                        if at == Some(event.its_return()) {
                            at = self.events.after(event.its_return());
                        }
                        self.lift(index, How::Effect);
                    }
                    Step::Changed(undo) => {
                        self.model.undo(&mut self.state, undo);
                        purpose = true;
                        self.offer(index, visit);
                    }
                }
                continue;
            }
            if flags & ALWAYS_FITS != 0 && self.ops[index as usize].0.call >= self.bound {
                free_from = free_from.min(self.ops[index as usize].0.call);
            }
            if self.fits(op, true) {
                purpose |= flags & ALWAYS_FITS == 0;
                onward |= flags & (ALWAYS_FITS | OVERWRITES) == ALWAYS_FITS;
                self.offer(index, visit);
            } else if guided {
                self.goals.push(index);
            }
        };
        self.furthest = self.furthest.max(deadline);
        for thing in self.doubtful.into_iter().flatten() {
            if self
                .supply
                .is_short(thing, self.model, &self.state, self.ops)
            {
                self.choices.truncate(first);
                return Entered::Dead;
            }
        }
        for group in 0..self.groups.len() {
            let Group { ops, used, class } = &self.groups[group];
            let class = *class;
            if self.ops[ops[0] as usize].0.call > deadline {
                break;
            }
            let Some(&index) = ops.get(*used) else {
                continue;
            };
            let (span, op) = self.ops[index as usize];
            let known_first =
                class != NO_CLASS && self.met[class as usize].iter().any(|met| met.0 == visit);
            // One that overwrites may be needed for what stood before it.
            let overwrites = self.flags[index as usize] & OVERWRITES != 0;
            let as_it_is = overwrites && free_from != u32::MAX;
            if span.call < deadline && !known_first && self.fits(op, as_it_is) {
                let flags = self.flags[index as usize];
                purpose |= flags & ALWAYS_FITS == 0;
                onward |= flags & (ALWAYS_FITS | OVERWRITES) == ALWAYS_FITS;
                self.choices.push(Choice {
                    op: index,
                    how: How::Effect,
                });
            }
        }
        if idle_write && onward && !purpose {
            let wanted = |thing| {
                self.supply
                    .is_wanted(thing, self.model, &self.state, self.ops)
            };
            purpose = self.untold
                || match self.model.provided(&self.state) {
                    None => true,
                    some => self.supply.thing(some).is_some_and(wanted),
                };
        }
        if idle_write && !purpose && self.trail.len() == trail {
            self.choices.truncate(first);
            return Entered::Dead;
        }
        let config = self.set
            ^ mix(self.model.fingerprint(&self.state))
            ^ mix(u128::from(free_from) | 1 << 100);
        if !self.memo.insert(config) {
            self.choices.truncate(first);
            return Entered::Dead;
        }
        self.sort(first, due);
        let span = self.ops[due as usize].0;
        if self.flags[due as usize] & ALWAYS_FITS != 0 && span.call < self.bound {
            let hindsight = Choice {
                op: due,
                how: How::Hindsight,
            };
            // Behind the choice to take it for its effect.
            let at = self.choices[first..].iter().position(|c| c.op == due);
            let at = at.map_or(first, |at| first + at + 1);
            self.choices.insert(at, hindsight);
        }
        Entered::Open { deadline, due }
    }

    /// Sorts choices: first what provides or brings nearer what the operation
    /// that is due has to find, then what brings the state nearer to others that
    /// do not fit yet, and of that what returns first.
    fn sort(&mut self, first: usize, due: u32) {
        let finder = self.ops[due as usize].1;
        let near = self.supply.finds(due) && self.model.within_reach(&self.state, finder);
        self.goals
            .sort_unstable_by_key(|&goal| self.ops[goal as usize].0.ret);
        self.goals.truncate(GOALS);
        let mut ranked: SmallVec<[Ranked; 16]> = SmallVec::new();
        for at in first..self.choices.len() {
            let choice = self.choices[at];
            let (span, op) = self.ops[choice.op as usize];
            let mut rank = u8::from(!self.supply.serves(choice.op, due));
            if near && let Step::Changed(undo) = self.model.step(&mut self.state, op) {
                let stays = self.model.within_reach(&self.state, finder);
                rank = u8::from(!stays) * 2;
                self.model.undo(&mut self.state, undo);
            }
            // The sooner one returns, the more it counts.
            let gain = self.goals.iter().enumerate().map(|(at, &goal)| {
                let goal = self.ops[goal as usize].1;
                self.model.gain(&self.state, op, goal).clamp(-64, 64) << (GOALS - at)
            });
            ranked.push(((rank, -gain.sum::<i32>(), span.ret, span.call), choice));
        }
        ranked.sort_unstable_by_key(|&(rank, _)| rank);
        for (at, (_, choice)) in (first..).zip(ranked) {
            self.choices[at] = choice;
        }
    }

    /// Whether the operation fits now; one of unknown outcome only if it
    /// changes the state.
    fn fits(&mut self, op: &M::Op, known: bool) -> bool {
        match self.model.step(&mut self.state, op) {
            Step::Refused => false,
            Step::Same => known,
            Step::Changed(undo) => {
                self.model.undo(&mut self.state, undo);
                true
            }
        }
    }

    /// Adds a choice, unless one that can stand for it returns earlier.
    fn offer(&mut self, index: u32, visit: u64) {
        let choice = Choice {
            op: index,
            how: How::Effect,
        };
        let class = self.class[index as usize];
        if class != NO_CLASS {
            let adds = self.flags[index as usize] & (ALWAYS_FITS | OVERWRITES) == ALWAYS_FITS;
            let apart = adds && self.ops[index as usize].0.call < self.bound;
            let met = &mut self.met[class as usize][usize::from(apart)];
            if met.0 == visit {
                let other = &mut self.choices[met.1 as usize];
                if self.ops[index as usize].0.ret < self.ops[other.op as usize].0.ret {
                    *other = choice;
                }
                return;
            }
            *met = (visit, self.choices.len() as u32);
        }
        self.choices.push(choice);
    }

    /// Takes a choice. Also whether it was a write that needs a purpose.
    fn take(&mut self, choice: Choice, deadline: u32, due: u32) -> (Frame<M::Undo>, bool) {
        let mut frame = Frame {
            trail: self.trail.len(),
            set: self.set,
            bound: self.bound,
            ..Frame::default()
        };
        let (span, op) = self.ops[choice.op as usize];
        let mut idle_write = false;
        let old = self.supply.thing(self.model.provided(&self.state));
        self.doubtful = [old, self.supply.of(choice.op)];
        if choice.how == How::Effect {
            match self.model.step(&mut self.state, op) {
                Step::Changed(undo) => frame.undo = Some(undo),
                Step::Same => {}
                Step::Refused => debug_assert!(false, "it has fitted before"),
            }
            if self.flags[choice.op as usize] & OVERWRITES != 0 {
                self.bound = deadline;
            }
            let idle = self.flags[choice.op as usize] & ALWAYS_FITS != 0;
            idle_write = idle && choice.op != due;
        }
        if span.is_known() {
            self.lift(choice.op, choice.how);
        } else {
            let class = self.class[choice.op as usize];
            let found = self.groups.iter().position(|g| match class {
                NO_CLASS => g.class == NO_CLASS && g.ops[0] == choice.op,
                _ => g.class == class,
            });
            if let Some(group) = found {
                self.groups[group].used += 1;
                frame.group = Some(group as u32);
            }
            self.supply.lift(choice.op);
            self.set ^= mix(u128::from(choice.op) | 1 << 64);
            self.trail.push(choice);
        }
        self.lost = false;
        if let Some(undo) = &frame.undo {
            let mut things = Vec::new();
            self.model.lost(&self.state, undo, &mut things);
            self.lost = things.into_iter().any(|thing| self.supply.is_lost(thing));
        }
        (frame, idle_write)
    }

    fn lift(&mut self, index: u32, how: How) {
        self.events.lift(index);
        self.supply.lift(index);
        self.set ^= mix(u128::from(index) | 1 << 64);
        self.trail.push(Choice { op: index, how });
    }

    /// Goes back to the configuration before.
    fn leave(&mut self, frame: Frame<M::Undo>) {
        self.choices.truncate(frame.first);
        while self.trail.len() > frame.trail {
            let choice = self.trail.pop().expect("longer");
            self.supply.put_back(choice.op);
            if self.ops[choice.op as usize].0.is_known() {
                self.events.put_back(choice.op);
            }
        }
        if let Some(group) = frame.group {
            self.groups[group as usize].used -= 1;
        }
        if let Some(undo) = frame.undo {
            self.model.undo(&mut self.state, undo);
        }
        self.set = frame.set;
        self.bound = frame.bound;
    }

    /// The order of what has taken effect: what was overwritten in hindsight
    /// stands before the overwriting operation that followed its call.
    fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = Vec::with_capacity(self.trail.len());
        let mut overwritten: Vec<(usize, u32)> = Vec::new();
        let mut last_overwriting = 0;
        for choice in &self.trail {
            match choice.how {
                How::Effect => {
                    if self.flags[choice.op as usize] & OVERWRITES != 0 {
                        last_overwriting = order.len();
                    }
                    order.push(choice.op);
                }
                How::Hindsight => overwritten.push((last_overwriting, choice.op)),
            }
        }
        // The places never descend: the last overwriting one moves on.
        let mut merged = Vec::with_capacity(self.trail.len());
        let mut overwritten = overwritten.into_iter().peekable();
        for (place, op) in order.into_iter().enumerate() {
            while let Some((_, before)) = overwritten.next_if(|&(at, _)| at == place) {
                merged.push(before);
            }
            merged.push(op);
        }
        merged
    }

    fn note_longest(&mut self) {
        if !self.keep_longest {
            return;
        }
        let best = self.longest.first().map_or(0, Vec::len);
        let now = self.trail.len();
        if now > best {
            self.longest.clear();
        }
        if now > best || (now == best && self.longest.len() < LONGEST) {
            let order = self.order();
            if !self.longest.contains(&order) {
                self.longest.push(order);
            }
        }
    }

    /// Why to stop, if a budget is used up, or would be by the next step.
    fn over_budget(&mut self) -> Option<Ground> {
        if self.states.is_multiple_of(256)
            && let Some(ground) = self.limits.reached()
        {
            return Some(ground);
        }
        if self
            .limits
            .configurations
            .is_some_and(|most| self.states >= most)
        {
            return Some(Ground::Time);
        }
        let growth = self.memo.growth();
        if growth > 0 && !self.limits.has_room(growth) {
            return Some(Ground::Memory);
        }
        let needed = self.memo.bytes()
            + growth
            + bytes(&self.frames, 1)
            + bytes(&self.choices, self.ops.len().min(4096))
            + bytes(&self.trail, 1)
            + self.events.bytes()
            + self.supply.bytes()
            + self.other_bytes;
        if self.limits.memory_bytes.is_some_and(|most| needed > most) {
            return Some(Ground::Memory);
        }
        self.memory_bytes = self.memory_bytes.max(needed);
        None
    }
}

/// What a stack takes once so many more are on it: the old and the new one
/// while it grows.
fn bytes<T>(stack: &Vec<T>, more: usize) -> u64 {
    let now = stack.capacity();
    let grown = if stack.len() + more > now {
        now + (now * 2).max(stack.len() + more)
    } else {
        now
    };
    (grown * size_of::<T>()) as u64
}
