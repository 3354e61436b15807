//! Judges a history: part by part, each with what suits it.

use super::explain::{Failed, explain};
use super::follow::follow;
use super::limits::Limits;
use super::memo::Numbers;
use super::model::{Model, Outcome, Span};
use super::names::ModelName;
use super::parts::{Kind, Part, parts};
use super::passage::{Passage, passage};
use super::search::{Found, Timed, search};
use super::store::cell::{Cell, CellOp};
use super::store::many::Many;
use super::store::queue::{Queue, QueueOp};
use super::store::set::Set;
use super::unwritten::unwritten;
use super::verdict::{
    Algorithm, Certificate, Dropped, Failure, Ground, Judged, Order, Outcomes, Point, Verdict,
};
use super::zones::{self, Converted, Zoned};
use super::{History, Operation, Request, Response};

/// A history that the model does not know all requests of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("operation {operation} is none of the model {}", .model.name())]
pub struct Misfit {
    /// The index of the first such operation.
    pub operation: usize,
    /// The model.
    pub model: ModelName,
}

/// How to judge.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// The budgets.
    pub limits: Limits<'a>,
    /// Indexes of operations in the order in which they were committed, where
    /// that is known: tried first.
    pub witness: Option<&'a [u32]>,
    /// Judges with the search alone, for comparing algorithms.
    pub search_only: bool,
    /// Whether to find out why a history is not linearizable, and what weaker
    /// guarantees it keeps.
    pub explain: bool,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            limits: Limits::default(),
            witness: None,
            search_only: false,
            explain: true,
        }
    }
}

/// How many bytes an operation takes while its part is judged without a
/// search: its span, what the model takes of it, what it reads and writes, its
/// chain, its place in the order. Measured: 293, of 100,000 on a register.
pub(super) const JUDGED: usize = 320;

/// How many bytes one of several answers takes: it is kept three times.
const ITEM: usize = 64;

/// How many answers the operations of a part have that have several.
fn items(history: &History, part: &Part) -> usize {
    fn answers(response: &Response) -> usize {
        match response {
            Response::Pairs(pairs) => pairs.len(),
            Response::Values(values) => values.len(),
            Response::Txn { answers: all, .. } => all.iter().map(|one| 1 + answers(one)).sum(),
            _ => 0,
        }
    }
    // An answer about one key, or one value, is one.
    if !matches!(part.kind, Kind::Many | Kind::Set) {
        return 0;
    }
    let operations = part.ops.iter().map(|&i| &history.operations[i as usize]);
    operations.map(|o| answers(&o.response)).sum()
}

/// Judges a history.
///
/// # Errors
///
/// When it holds a request that the model does not know.
pub fn judge(history: &History, model: ModelName, options: &Options<'_>) -> Result<Judged, Misfit> {
    if let Some(operation) = model.misfit(history) {
        return Err(Misfit { operation, model });
    }
    let mut certificate = Certificate {
        model: model.name(),
        ..Certificate::default()
    };
    count(history, &mut certificate);
    let mut orders = Vec::new();
    let (parts, why) = parts(history, model);
    certificate.parts = parts.len() as u64;
    certificate.partition = why;
    let mut failed: Vec<Failed<'_>> = Vec::new();
    let mut grounds = Vec::new();
    let witness = options.witness.map(|order| by_part(history, &parts, order));
    for (number, part) in parts.iter().enumerate() {
        let reached = options.limits.reached();
        let short = || {
            let limits = &options.limits;
            let short = limits.short_of(part.ops.len(), JUDGED);
            short.or_else(|| limits.short_of(items(history, part), ITEM))
        };
        if let Some(ground) = reached.or_else(short) {
            certificate.parts_open += 1;
            if !grounds.contains(&ground) {
                grounds.push(ground);
            }
            continue;
        }
        let subject = Subject::of(history, part);
        let witness = witness.as_ref().map(|parts| parts[number].as_slice());
        let judged = subject.judge(options, witness);
        let size = part.ops.len() as u64;
        certificate.states += judged.states;
        certificate.memory_bytes = certificate.memory_bytes.max(judged.memory_bytes);
        for (why, operations) in judged.dropped {
            *certificate.dropped.entry(why).or_default() += operations;
        }
        match judged.outcome {
            Outcome::Order(points) => {
                certificate.operations_judged += size;
                let points = points.into_iter().zip(judged.behind);
                let points = points.map(|(operation, behind)| Point { operation, behind });
                orders.push(Order {
                    keys: part.keys.clone(),
                    points: points.collect(),
                });
            }
            Outcome::None { first_return } => {
                certificate.operations_judged += size;
                failed.push(Failed {
                    part,
                    first_return: (first_return != u32::MAX).then_some(first_return),
                    conflict: judged.conflict,
                    unwritten: judged.algorithm == Algorithm::Unwritten,
                });
            }
            Outcome::Stopped(ground) => {
                certificate.parts_open += 1;
                if !grounds.contains(&ground) {
                    grounds.push(ground);
                }
                continue;
            }
        }
        *certificate.algorithms.entry(judged.algorithm).or_default() += 1;
    }
    let verdict = if history.operations.is_empty() {
        Verdict::Inconclusive(vec![Ground::Empty])
    } else if !failed.is_empty() {
        let failure = if options.explain {
            explain(history, &failed, options)
        } else {
            Failure::unexplained(failed.iter().map(|f| f.part.keys.clone()))
        };
        Verdict::NotLinearizable(Box::new(failure))
    } else if !grounds.is_empty() {
        grounds.sort_unstable();
        Verdict::Inconclusive(grounds)
    } else {
        Verdict::Linearizable
    };
    Ok(Judged {
        verdict,
        certificate,
        orders,
    })
}

fn count(history: &History, certificate: &mut Certificate) {
    // By kind in an array: a history has millions of operations.
    let mut last: (&str, Outcomes) = ("", Outcomes::default());
    let mut add = |(kind, counted): (&'static str, Outcomes)| {
        let sum = certificate.operations.entry(kind).or_default();
        sum.known += counted.known;
        sum.unread += counted.unread;
        sum.unknown += counted.unknown;
    };
    for operation in &history.operations {
        let kind = operation.request.kind();
        if kind != last.0 {
            if !last.0.is_empty() {
                add(last);
            }
            last = (kind, Outcomes::default());
        }
        match (operation.ret, &operation.response) {
            (None, _) => last.1.unknown += 1,
            (_, Response::Unknown) => last.1.unread += 1,
            _ => last.1.known += 1,
        }
    }
    if !last.0.is_empty() {
        add(last);
    }
}

/// A witness, split by the parts: places in the part's operations.
fn by_part(history: &History, parts: &[Part], order: &[u32]) -> Vec<Vec<u32>> {
    let mut place = vec![(u32::MAX, 0); history.operations.len()];
    for (number, part) in parts.iter().enumerate() {
        for (at, &op) in part.ops.iter().enumerate() {
            place[op as usize] = (number as u32, at as u32);
        }
    }
    let mut split = vec![Vec::new(); parts.len()];
    for &op in order {
        if let Some(&(part, at)) = place.get(op as usize)
            && let Some(split) = split.get_mut(part as usize)
        {
            split.push(at);
        }
    }
    split
}

/// Operations to be judged together, with the times they are judged by.
pub(super) struct Subject<'a> {
    pub(super) history: &'a History,
    pub(super) part: &'a Part,
    /// Indexes in the history, in the order of `spans`' calls.
    ops: Vec<u32>,
    spans: Vec<Span>,
    /// Those of which nobody knows the outcome at these times, while the
    /// history has it: by their places in `ops`.
    blank: Numbers<u32, Operation>,
}

/// When an operation was called and returned.
pub(super) fn own_span(operation: &Operation) -> Span {
    Span {
        call: operation.call,
        ret: operation.ret.unwrap_or(Span::NEVER),
    }
}

/// What came of it.
pub(super) struct PartJudged {
    /// Indexes are those of the history.
    pub(super) outcome: Outcome,
    /// Where each operation of the order takes effect.
    pub(super) behind: Vec<u32>,
    pub(super) algorithm: Algorithm,
    pub(super) states: u64,
    pub(super) memory_bytes: u64,
    pub(super) dropped: Vec<(Dropped, u64)>,
    /// Operations that show that there is no order, where that is known.
    pub(super) conflict: Vec<u32>,
}

impl PartJudged {
    /// Adds what it took to refute another case of the same part.
    fn add(&mut self, other: &PartJudged) {
        self.states += other.states;
        self.memory_bytes = self.memory_bytes.max(other.memory_bytes);
        if let (
            Outcome::None { first_return },
            Outcome::None {
                first_return: before,
            },
        ) = (&mut self.outcome, &other.outcome)
        {
            *first_return = (*first_return).max(*before);
        }
    }
}

/// What an algorithm for some parts only came to.
enum Shortcut {
    /// An order, which may be no more than likely to be one, or operations that
    /// show that there is none.
    Taken {
        algorithm: Algorithm,
        order: Result<Vec<u32>, Vec<u32>>,
        dropped: Vec<(Dropped, u64)>,
    },
    /// It is none for this part.
    Unsuited,
}

fn none<Op>(_: &[Timed<'_, Op>]) -> Shortcut {
    Shortcut::Unsuited
}

fn by_zones(model: &Cell<'_>, timed: &[Timed<'_, CellOp>]) -> Shortcut {
    let (accesses, kept, values, whole) = match zones::accesses(model, timed) {
        Converted::Accesses {
            accesses,
            kept,
            values,
            whole,
        } => (accesses, kept, values, whole),
        Converted::Impossible(index) => {
            return Shortcut::Taken {
                algorithm: Algorithm::Zones,
                order: Err(vec![index]),
                dropped: Vec::new(),
            };
        }
        Converted::Unsuited => return Shortcut::Unsuited,
    };
    let place = |index: &u32| kept[*index as usize];
    let mut dropped = Vec::new();
    let order = match zones::zones(&accesses, values) {
        Zoned::Order(_) if !whole => return Shortcut::Unsuited,
        Zoned::Order(order) => {
            let unseen = accesses.len() - order.len();
            if unseen > 0 {
                dropped.push((Dropped::UnknownUnseen, unseen as u64));
            }
            let mut order: Vec<u32> = order.iter().map(place).collect();
            let refused = timed.len() - accesses.len();
            if refused > 0 {
                dropped.push((Dropped::RefusedOnNothing, refused as u64));
                order = with_the_rest(timed, &kept, order);
            }
            Ok(order)
        }
        Zoned::None(conflict) => Err(conflict.iter().map(place).collect()),
        Zoned::Unsuited => return Shortcut::Unsuited,
    };
    Shortcut::Taken {
        algorithm: Algorithm::Zones,
        order,
        dropped,
    }
}

fn by_passage(timed: &[Timed<'_, QueueOp>]) -> Shortcut {
    let order = match passage(timed) {
        Passage::Order(order) => Ok(order),
        Passage::None(conflict) => Err(conflict),
        Passage::Unsuited => return Shortcut::Unsuited,
    };
    Shortcut::Taken {
        algorithm: Algorithm::Passage,
        order,
        dropped: Vec::new(),
    }
}

/// An order with those that were left out because they fit everywhere.
fn with_the_rest(timed: &[Timed<'_, CellOp>], kept: &[u32], order: Vec<u32>) -> Vec<u32> {
    let mut behind = 0;
    let mut points = Vec::with_capacity(timed.len());
    for op in order {
        behind = timed[op as usize].0.call.max(behind);
        points.push((behind, op));
    }
    let mut kept = kept.iter().copied().peekable();
    for (index, (span, _)) in (0..).zip(timed) {
        if kept.next_if_eq(&index).is_none() && span.is_known() {
            points.push((span.call, index));
        }
    }
    points.sort_by_key(|&(behind, _)| behind);
    points.into_iter().map(|(_, op)| op).collect()
}

impl<'a> Subject<'a> {
    /// All operations of a part, at their own times.
    pub(super) fn of(history: &'a History, part: &'a Part) -> Self {
        let spans = part.ops.iter();
        let spans = spans.map(|&i| own_span(&history.operations[i as usize]));
        Subject {
            history,
            part,
            ops: part.ops.clone(),
            spans: spans.collect(),
            blank: Numbers::default(),
        }
    }

    /// Some operations of a part (indexes in the history), at these times; in
    /// the order of the calls.
    pub(super) fn at(
        history: &'a History,
        part: &'a Part,
        timed: impl Iterator<Item = (Span, u32)>,
    ) -> Self {
        let (spans, ops): (Vec<Span>, Vec<u32>) = timed.unzip();
        let mut blank = Numbers::default();
        for (at, (span, &index)) in spans.iter().zip(&ops).enumerate() {
            let operation = &history.operations[index as usize];
            if !span.is_known() && operation.is_known() {
                let unknown = Operation {
                    ret: None,
                    response: Response::Unknown,
                    revision: None,
                    ..operation.clone()
                };
                blank.insert(at as u32, unknown);
            }
        }
        Subject {
            history,
            part,
            ops,
            spans,
            blank,
        }
    }

    /// How many operations it has.
    pub(super) fn len(&self) -> usize {
        self.ops.len()
    }

    fn operation(&self, at: usize) -> &Operation {
        if !self.blank.is_empty()
            && let Some(blank) = self.blank.get(&(at as u32))
        {
            return blank;
        }
        &self.history.operations[self.ops[at] as usize]
    }

    fn operations(&self) -> impl Iterator<Item = &Operation> {
        (0..self.ops.len()).map(|at| self.operation(at))
    }

    /// Judges it. `witness`: places in `ops`.
    pub(super) fn judge(&self, options: &Options<'_>, witness: Option<&[u32]>) -> PartJudged {
        match self.part.kind {
            Kind::Cell => {
                let model = Cell::new(self.history, self.operations());
                let shortcut = |timed: &[Timed<'_, CellOp>]| by_zones(&model, timed);
                self.with(&model, |o| model.op(o), options, witness, shortcut)
            }
            Kind::Many => {
                let operations: Vec<_> = self.operations().collect();
                let mut model = Many::new(self.history, self.part, &operations);
                let mut refuted: Option<PartJudged> = None;
                for case in model.cases(&operations) {
                    model.begin(case);
                    let mut judged = self.with(&model, Operation::clone, options, witness, none);
                    if let Some(before) = &refuted {
                        judged.add(before);
                    }
                    let is_none = matches!(judged.outcome, Outcome::None { .. });
                    if !is_none || judged.algorithm == Algorithm::Unwritten {
                        return judged;
                    }
                    refuted = Some(judged);
                }
                // There is a case at least.
                refuted
                    .unwrap_or_else(|| self.with(&model, Operation::clone, options, witness, none))
            }
            Kind::Queue => self.with(&Queue, Queue::op, options, witness, by_passage),
            Kind::Set => self.with(&Set, Set::op, options, witness, none),
        }
    }

    fn with<M: Model>(
        &self,
        model: &M,
        op: impl Fn(&Operation) -> M::Op,
        options: &Options<'_>,
        witness: Option<&[u32]>,
        shortcut: impl Fn(&[Timed<'_, M::Op>]) -> Shortcut,
    ) -> PartJudged {
        let mut dropped = 0;
        // Places in `ops` of those that are judged.
        let mut kept = Vec::with_capacity(self.ops.len());
        let mut all = Vec::with_capacity(self.ops.len());
        for at in 0..self.ops.len() {
            if says_nothing(self.operation(at)) {
                dropped += 1;
                continue;
            }
            kept.push(at as u32);
            all.push(op(self.operation(at)));
        }
        let timed: Vec<Timed<'_, M::Op>> = kept
            .iter()
            .zip(&all)
            .map(|(&at, op)| (self.spans[at as usize], op))
            .collect();
        let mut judged = PartJudged {
            outcome: Outcome::Stopped(Ground::Time),
            behind: Vec::new(),
            algorithm: Algorithm::Witness,
            states: 0,
            memory_bytes: 0,
            dropped: Vec::new(),
            conflict: Vec::new(),
        };
        if dropped > 0 {
            judged.dropped.push((Dropped::UnknownRead, dropped));
        }
        if let Some(witness) = witness {
            let order = witness.iter().filter_map(|at| kept.binary_search(at).ok());
            let order: Vec<u32> = order.map(|at| at as u32).collect();
            if let Some(behind) = follow(model, &timed, &order) {
                judged.behind = behind;
                judged.outcome = Outcome::Order(self.names(&kept, order));
                return judged;
            }
        }
        if !options.search_only
            && let Shortcut::Taken {
                algorithm,
                order,
                dropped,
            } = shortcut(&timed)
        {
            let outcome = match order {
                // What does not explain the operations proposes nothing.
                Ok(order) => follow(model, &timed, &order).map(|behind| {
                    judged.behind = behind;
                    Outcome::Order(self.names(&kept, order))
                }),
                Err(conflict) => {
                    judged.conflict = self.names(&kept, conflict);
                    Some(Outcome::None {
                        first_return: u32::MAX,
                    })
                }
            };
            if let Some(outcome) = outcome {
                judged.outcome = outcome;
                judged.algorithm = algorithm;
                judged.dropped.extend(dropped);
                return judged;
            }
        }
        let spanned = self.spans.iter().copied().zip(self.operations());
        if !options.search_only
            && let Some(at) = unwritten(self.history, spanned)
        {
            judged.algorithm = Algorithm::Unwritten;
            judged.conflict = vec![self.ops[at]];
            judged.outcome = Outcome::None {
                first_return: u32::MAX,
            };
            return judged;
        }
        judged.algorithm = Algorithm::Search;
        let found: Found = search(model, &timed, &options.limits, false);
        judged.states = found.states;
        judged.memory_bytes = found.memory_bytes;
        judged.outcome = match found.outcome {
            Outcome::Order(order) => {
                let behind = follow(model, &timed, &order);
                judged.behind = behind.expect("an order that was found explains the operations");
                Outcome::Order(self.names(&kept, order))
            }
            other => other,
        };
        judged
    }

    /// The operations of an order, as indexes in the history.
    fn names(&self, kept: &[u32], mut order: Vec<u32>) -> Vec<u32> {
        for at in &mut order {
            *at = self.ops[kept[*at as usize] as usize];
        }
        order
    }
}

/// Whether the operation changes nothing and its answer is not known.
fn says_nothing(operation: &Operation) -> bool {
    let reads = matches!(
        operation.request,
        Request::Read { .. }
            | Request::Range { .. }
            | Request::Contains { .. }
            | Request::Members { .. }
    );
    reads
        && (operation.ret.is_none() || operation.response == Response::Unknown)
        && operation.revision.is_none()
}
