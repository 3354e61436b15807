//! Why a part has no order: where it first has none, a few operations that
//! show it, and what stands against each of them.
//!
//! A sub-history is only evidence if leaving operations out cannot have made
//! it wrong. So an operation that wrote what another has seen stays as long as
//! that one does ([`seen`]). Bounded by work, not by time, so that the same
//! history is explained in the same way on every machine; a time limit holds
//! as well.

use std::collections::HashMap;

use super::judge::{JUDGED, Options, Subject, own_span};
use super::limits::Limits;
use super::model::{Model, Outcome, Span, Step};
use super::parts::{Kind, Part};
use super::search::{Timed, search};
use super::sequential;
use super::store::cell::Cell;
use super::store::many::Many;
use super::store::queue::Queue;
use super::store::set::Set;
use super::verdict::{Attempt, Blocked, Failure, Point, Unexamined, Untold, Weaker, Why};
use super::{History, KeyId, Operation};

mod least;
mod seen;
mod sessions;
mod stale;

use least::{Look, least};
use seen::Seen;

/// A part that has no order, as the judge found it.
pub(super) struct Failed<'a> {
    pub(super) part: &'a Part,
    /// The first return that no order reaches, where the algorithm has told.
    pub(super) first_return: Option<u32>,
    /// Operations that show it, where the algorithm has told.
    pub(super) conflict: Vec<u32>,
    /// The conflict is one operation, which shows what nobody can have written.
    pub(super) unwritten: bool,
}

/// How many configurations one of the many small searches may visit.
const CONFIGURATIONS: u64 = 50_000;
/// How much is done for one explanation: operations and configurations
/// looked at.
const WORK: u64 = 20_000_000;
/// The most parts that are compared for which of them fails first.
const PARTS: usize = 32;
/// The most operations of which it is asked whether they are sequentially
/// consistent, across keys and within one.
const TOGETHER: usize = 4_000;
const ALONE: usize = 50_000;
/// The most numbers, or ranges of them, that are tried for the revision that
/// the store began with.
const CASES: usize = 1_000;
/// The most operations of which it is asked which rest on which.
const RESTING: usize = 300;
/// The most operations that are drawn up as attempts.
const ATTEMPTED: usize = 400;

/// How many bytes an operation takes while it is found out which others it
/// rests on, and what its client was promised; some more than these hold.
const EXPLAINED: usize = 512;

/// Explains the part that fails first.
pub(super) fn explain(history: &History, failed: &[Failed<'_>], options: &Options<'_>) -> Failure {
    let limits = Limits {
        configurations: Some(CONFIGURATIONS),
        ..options.limits.within(options.limits.explain)
    };
    let options = Options {
        limits,
        witness: None,
        search_only: options.search_only,
        explain: false,
    };
    let mut budget = Budget {
        options: &options,
        left: WORK,
    };
    let mut first: Option<(u32, usize)> = None;
    for (number, failed) in failed.iter().enumerate().take(PARTS) {
        if let Some(at) = first_return(history, failed, &mut budget)
            && first.is_none_or(|(before, _)| at < before)
        {
            first = Some((at, number));
        }
    }
    let (first_at, number) = first.map_or((None, 0), |(at, number)| (Some(at), number));
    let chosen = &failed[number];
    let others = failed.iter().enumerate().filter(|(i, _)| *i != number);
    let mut failure = Failure {
        keys: chosen.part.keys.clone(),
        others: others.map(|(_, f)| f.part.keys.clone()).collect(),
        first_return: None,
        conflict: Vec::new(),
        minimal: false,
        attempts: Vec::new(),
        weaker: Weaker::default(),
    };
    let operations = &history.operations;
    if let Some(at) = first_at {
        let ops = chosen.part.ops.iter().copied();
        failure.first_return = ops
            .into_iter()
            .find(|&i| operations[i as usize].ret == Some(at));
    }
    let ops = chosen.part.ops.len();
    if options.limits.short_of(ops, EXPLAINED).is_some() {
        failure.weaker.sessions = Err(Unexamined::Spent);
        failure.weaker.sequential = Err(Untold::Spent);
        return failure;
    }
    let narrowing = Narrowing::new(history, chosen.part);
    (failure.conflict, failure.minimal) = narrowing.conflict(chosen, first_at, &mut budget);
    if !failure.conflict.is_empty() && failure.conflict.len() <= ATTEMPTED {
        failure.attempts = attempts(history, chosen.part, &failure.conflict, &options.limits);
    }
    // Enough to go straight through, and to turn back now and then.
    let limits = Limits {
        configurations: Some(2_000 + history.operations.len() as u64 * 2),
        ..options.limits.clone()
    };
    failure.weaker = Weaker {
        stale: stale::stale(history, chosen, &mut budget),
        sessions: sessions::sessions(history, chosen.part),
        sequential: in_all_clients_order(history, chosen.part, &limits),
    };
    failure
}

/// What may still be done.
pub(super) struct Budget<'a> {
    options: &'a Options<'a>,
    left: u64,
}

impl Budget<'_> {
    /// Whether nothing more can be said of so many operations.
    fn is_spent(&self, operations: usize) -> bool {
        let limits = &self.options.limits;
        self.left <= operations as u64
            || limits.reached().is_some()
            || limits.short_of(operations, JUDGED).is_some()
    }

    /// Whether operations at these times have an order. None: the budget does
    /// not tell.
    pub(super) fn has_order(&mut self, subject: &Subject<'_>) -> Option<bool> {
        Some(self.look(subject)?.holds)
    }

    /// The same, with operations that show it where there is none.
    fn look(&mut self, subject: &Subject<'_>) -> Option<Look> {
        if self.is_spent(subject.len()) {
            return None;
        }
        self.left -= subject.len() as u64 + 1;
        let judged = subject.judge(self.options, None);
        // A configuration costs about as much as a few operations.
        self.left = self.left.saturating_sub(judged.states * 8);
        let holds = match judged.outcome {
            Outcome::Order(_) => true,
            Outcome::None { .. } => false,
            Outcome::Stopped(_) => return None,
        };
        Some(Look {
            holds,
            conflict: judged.conflict,
        })
    }
}

/// Operations of a part at their own times, as far as they happened up to a
/// position.
fn up_to<'a>(history: &'a History, part: &'a Part, position: u32) -> Subject<'a> {
    let timed = part.ops.iter().map(|&i| {
        let o = &history.operations[i as usize];
        let ret = o.ret.filter(|&ret| ret <= position);
        let ret = ret.unwrap_or(Span::NEVER);
        (Span { call: o.call, ret }, i)
    });
    Subject::at(
        history,
        part,
        timed.filter(|(span, _)| span.call <= position),
    )
}

/// The first return with which a part has no order any more.
fn first_return(history: &History, failed: &Failed<'_>, budget: &mut Budget<'_>) -> Option<u32> {
    let ops = failed.part.ops.iter();
    let mut returns: Vec<u32> = ops
        .filter_map(|&i| history.operations[i as usize].ret)
        .collect();
    returns.sort_unstable();
    // With the last return there is none; without any there is one.
    let (mut good, bad) = (0, returns.len());
    if let Some(reached) = failed.first_return {
        // What comes before has an order; with it there is none, if what had
        // not returned by then is taken by the answer it got later.
        good = returns.partition_point(|&ret| ret < reached);
        let next = returns.get(good).copied()?;
        if !budget.has_order(&up_to(history, failed.part, next))? {
            return Some(next);
        }
        good += 1;
    }
    let first = least(
        (good as u64, bad as u64),
        &failed.conflict,
        |returned| {
            let last = returns[returned as usize - 1];
            let seen = budget.look(&up_to(history, failed.part, last))?;
            Some(Look {
                holds: !seen.holds,
                ..seen
            })
        },
        // Of operations that have no order, with their last return there is none.
        |conflict| {
            let returns_of = conflict.iter();
            let last = returns_of.filter_map(|&i| history.operations[i as usize].ret);
            let last = last.max()?;
            Some(returns.partition_point(|&ret| ret <= last) as u64)
        },
    )?;
    returns.get((first as usize).checked_sub(1)?).copied()
}

/// Makes a set of operations that has no order smaller.
struct Narrowing<'a> {
    history: &'a History,
    part: &'a Part,
    seen: Seen,
}

impl<'a> Narrowing<'a> {
    fn new(history: &'a History, part: &'a Part) -> Self {
        let seen = Seen::new(history, part);
        Narrowing {
            history,
            part,
            seen,
        }
    }

    fn subject(&self, ops: &[u32]) -> Subject<'a> {
        let own = |&i: &u32| (own_span(&self.history.operations[i as usize]), i);
        Subject::at(self.history, self.part, ops.iter().map(own))
    }

    /// Operations that have no order, and whether none of them can be left out.
    fn conflict(
        &self,
        failed: &Failed<'_>,
        first_at: Option<u32>,
        budget: &mut Budget<'_>,
    ) -> (Vec<u32>, bool) {
        let operations = &self.history.operations;
        let returns = |&i: &u32| operations[i as usize].ret;
        // It shows by itself that there is no order, unless there was none before.
        if failed.unwritten
            && first_at.is_none_or(|at| failed.conflict.iter().filter_map(returns).all(|r| r <= at))
        {
            return (failed.conflict.clone(), true);
        }
        let called = |&i: &u32| first_at.is_none_or(|at| operations[i as usize].call < at);
        let all: Vec<u32> = self.part.ops.iter().copied().filter(called).collect();
        let mut all = self.seen.with_writers(self.history, &all);
        // Of the longest prefix and the return behind it, where zones tell.
        let conflict = match first_at {
            Some(at) if !failed.conflict.is_empty() => {
                let prefix = up_to(self.history, self.part, at);
                prefix.judge(budget.options, None).conflict
            }
            _ => failed.conflict.clone(),
        };
        if !conflict.is_empty() {
            let shown = self.seen.with_writers(self.history, &conflict);
            if budget.has_order(&self.subject(&shown)) == Some(false) {
                all = shown;
            }
        }
        // What was refused rests on every write: best without.
        let plain: Vec<u32> = all
            .iter()
            .copied()
            .filter(|&i| !self.seen.rests_on_all(&operations[i as usize]))
            .collect();
        let plain = self.seen.with_writers(self.history, &plain);
        if plain.len() < all.len() && budget.has_order(&self.subject(&plain)) == Some(false) {
            all = plain;
        }
        self.narrow(all, budget)
    }

    /// Leaves out halves, quarters, eighths, and at last one at a time, alone or
    /// with all that rest on it, until there is none left that can be.
    fn narrow(&self, mut ops: Vec<u32>, budget: &mut Budget<'_>) -> (Vec<u32>, bool) {
        let mut size = ops.len().div_ceil(2);
        let mut minimal = true;
        // What each operation rests on.
        let mut resting: HashMap<u32, Vec<u32>> = HashMap::new();
        loop {
            let mut from = ops.len();
            let mut smaller = false;
            while from > 0 {
                if budget.is_spent(ops.len().saturating_sub(size)) {
                    return (ops, false);
                }
                let start = from.saturating_sub(size);
                let rest: Vec<u32> = ops[..start].iter().chain(&ops[from..]).copied().collect();
                let mut rest = self.seen.with_writers(self.history, &rest);
                from = start;
                if rest.len() >= ops.len() && size == 1 {
                    if ops.len() > RESTING {
                        minimal = false;
                        continue;
                    }
                    // Others rest on it: without them as well.
                    let gone = ops[start];
                    let stays = |&op: &u32| {
                        let rests_on = resting.entry(op);
                        let rests_on =
                            rests_on.or_insert_with(|| self.seen.with_writers(self.history, &[op]));
                        rests_on.binary_search(&gone).is_err()
                    };
                    rest = ops.iter().copied().filter(stays).collect();
                }
                if rest.len() >= ops.len() || rest.is_empty() {
                    continue;
                }
                match budget.has_order(&self.subject(&rest)) {
                    Some(false) => {
                        ops = rest;
                        from = from.min(ops.len());
                        smaller = true;
                    }
                    Some(true) => {}
                    None => minimal = false,
                }
            }
            if size == 1 && (!smaller || !minimal) {
                return (ops, minimal);
            }
            if size > 1 {
                minimal = true;
                size = size.div_ceil(2);
            }
        }
    }
}

/// The longest orders of operations of a conflict.
fn attempts(history: &History, part: &Part, ops: &[u32], limits: &Limits<'_>) -> Vec<Attempt> {
    let operations: Vec<&Operation> = ops
        .iter()
        .map(|&i| &history.operations[i as usize])
        .collect();
    match part.kind {
        Kind::Cell => {
            let model = Cell::new(history, operations.iter().copied());
            attempts_of(&model, ops, &operations, |o| model.op(o), limits)
        }
        Kind::Many => {
            let mut model = Many::new(history, part, &operations);
            let mut best: Vec<Attempt> = Vec::new();
            let length = |all: &[Attempt]| all.first().map_or(0, |a| a.points.len());
            for case in model.cases(&operations).take(CASES) {
                model.begin(case);
                let found = attempts_of(&model, ops, &operations, Operation::clone, limits);
                if best.is_empty() || length(&found) > length(&best) {
                    best = found;
                }
            }
            best
        }
        Kind::Queue => attempts_of(&Queue, ops, &operations, Queue::op, limits),
        Kind::Set => attempts_of(&Set, ops, &operations, Set::op, limits),
    }
}

fn attempts_of<M: Model>(
    model: &M,
    ops: &[u32],
    operations: &[&Operation],
    op: impl Fn(&Operation) -> M::Op,
    limits: &Limits<'_>,
) -> Vec<Attempt> {
    let all: Vec<M::Op> = operations.iter().map(|o| op(o)).collect();
    let spans = operations.iter().map(|o| own_span(o));
    let timed: Vec<Timed<'_, M::Op>> = spans.zip(&all).collect();
    let found = search(model, &timed, limits, true);
    let attempts = found.longest.iter();
    attempts
        .map(|order| attempt(model, ops, &timed, order))
        .collect()
}

fn attempt<M: Model>(model: &M, ops: &[u32], timed: &[Timed<'_, M::Op>], order: &[u32]) -> Attempt {
    let mut state = model.initial();
    let mut behind = 0;
    let mut taken = vec![false; ops.len()];
    let mut attempt = Attempt::default();
    for &at in order {
        let (span, op) = timed[at as usize];
        behind = behind.max(span.call);
        model.step(&mut state, op);
        taken[at as usize] = true;
        attempt.points.push(Point {
            operation: ops[at as usize],
            behind,
        });
    }
    let left = (0..ops.len()).filter(|&at| !taken[at]);
    let due = left.clone().min_by_key(|&at| timed[at].0.ret);
    for at in left.clone() {
        let (span, op) = timed[at];
        let why = match due {
            Some(due) if timed[due].0.ret < span.call => Why::CalledAfter(ops[due]),
            _ => match model.step(&mut state, op) {
                Step::Refused => Why::Refused(model.refusal(&state, op)),
                step => {
                    // Who does not fit any more, of those that return first.
                    let others = left.clone().filter(|&other| other != at);
                    let refused = others.clone().filter(|&other| {
                        match model.step(&mut state, timed[other].1) {
                            Step::Refused => true,
                            Step::Same => false,
                            Step::Changed(undo) => {
                                model.undo(&mut state, undo);
                                false
                            }
                        }
                    });
                    let ret = |other: &usize| timed[*other].0.ret;
                    let behind = refused.min_by_key(ret).or_else(|| others.min_by_key(ret));
                    if let Step::Changed(undo) = step {
                        model.undo(&mut state, undo);
                    }
                    Why::LeavesBehind(ops[behind.unwrap_or(at)])
                }
            },
        };
        attempt.blocked.push(Blocked {
            operation: ops[at],
            why,
        });
    }
    attempt
}

/// Whether the history is sequentially consistent.
fn in_all_clients_order(
    history: &History,
    part: &Part,
    limits: &Limits<'_>,
) -> Result<bool, Untold> {
    if part.ops.len() > ALONE {
        return Err(Untold::Large);
    }
    let clients: Vec<u32> = part
        .ops
        .iter()
        .map(|&i| history.operations[i as usize].client.0)
        .collect();
    let alone = in_client_order(history, part, &clients, limits);
    if alone != Ok(true) || part.ops.len() == history.operations.len() {
        return alone;
    }
    // Other parts may stand in the way; all of them are one store. So are the
    // values of a set.
    let kind = match part.kind {
        Kind::Cell | Kind::Many => Kind::Many,
        Kind::Set if history.keys.len() == 1 => Kind::Set,
        Kind::Set | Kind::Queue => return Err(Untold::Apart),
    };
    if history.operations.len() > TOGETHER {
        return Err(Untold::Large);
    }
    let whole = Part {
        kind,
        model: part.model,
        keys: (0..history.keys.len() as u32).map(KeyId).collect(),
        ops: (0..history.operations.len() as u32).collect(),
    };
    let clients: Vec<u32> = history.operations.iter().map(|o| o.client.0).collect();
    in_client_order(history, &whole, &clients, limits)
}

/// Whether operations have an order that keeps each client's own.
fn in_client_order(
    history: &History,
    part: &Part,
    clients: &[u32],
    limits: &Limits<'_>,
) -> Result<bool, Untold> {
    let operations: Vec<&Operation> = part
        .ops
        .iter()
        .map(|&i| &history.operations[i as usize])
        .collect();
    let known = |at: usize| operations[at].is_known();
    match part.kind {
        Kind::Cell => {
            let model = Cell::new(history, operations.iter().copied());
            let all: Vec<_> = operations.iter().map(|o| model.op(o)).collect();
            sequential::has_order(&model, &all, clients, known, limits)
        }
        Kind::Many => {
            let mut model = Many::new(history, part, &operations);
            let all: Vec<_> = operations.iter().map(|o| (*o).clone()).collect();
            let mut cases = model.cases(&operations);
            for case in cases.by_ref().take(CASES) {
                model.begin(case);
                let found = sequential::has_order(&model, &all, clients, known, limits);
                if found != Ok(false) {
                    return found;
                }
            }
            match cases.next() {
                None => Ok(false),
                Some(_) => Err(Untold::Configurations),
            }
        }
        Kind::Queue => {
            let all: Vec<_> = operations.iter().map(|o| Queue::op(o)).collect();
            sequential::has_order(&Queue, &all, clients, known, limits)
        }
        Kind::Set => {
            let all: Vec<_> = operations.iter().map(|o| Set::op(o)).collect();
            sequential::has_order(&Set, &all, clients, known, limits)
        }
    }
}
