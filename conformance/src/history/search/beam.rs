//! The search in breadth: a beam.
//!
//! Going deep first, a wrong choice is found out many operations later, and
//! everything between is tried before it is taken back. So where that takes
//! long, many configurations are followed side by side: those with the same
//! deadline are compared, and of these the ones stay that have taken least of
//! what always fits, as what is left of it can still serve others, and most of
//! what may not fit later; and not too many with the same state. What is dropped
//! is not refuted, so this finds orders and nothing else; the search that goes
//! deep finds the rest.

use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};

use super::super::memo::Numbers;
use super::super::model::{Model, Outcome};
use super::{Choice, Entered, Frame, Search};

/// A configuration that is kept, or that one which is kept has come from.
struct Node {
    parent: u32,
    /// How many choices led to it.
    depth: u32,
    /// How many nodes have come from it, and whether it is kept itself.
    refs: u32,
    /// The choice that led to it, and what was taken at once behind it.
    taken: Box<[Choice]>,
    /// What may come next.
    choices: Box<[Choice]>,
    deadline: u32,
    due: u32,
    /// What stands for its state.
    print: u64,
    /// How much of what can still serve others was taken to come here: the
    /// operations that always fit, less those that may not.
    spent: i32,
}

impl Node {
    /// What it takes besides its slot.
    fn bytes(&self) -> u64 {
        ((self.taken.len() + self.choices.len()) * size_of::<Choice>()) as u64
    }
}

/// A slot, and its number among those that wait or among the unused.
const SLOT_BYTES: usize = size_of::<Node>() + 2 * size_of::<u32>();

const ROOT: u32 = 0;

/// Nodes by their numbers, in pieces: a list that is copied to grow takes more
/// than twice of what it holds meanwhile.
#[derive(Default)]
struct Nodes {
    pieces: Vec<Vec<Node>>,
    len: usize,
}

/// How many nodes a piece has.
const PIECE: usize = 1024;

impl Nodes {
    /// Adds a node; for how many slots it took memory.
    fn push(&mut self, node: Node) -> usize {
        let full = self.len.is_multiple_of(PIECE);
        if full {
            self.pieces.push(Vec::with_capacity(PIECE));
        }
        if let Some(last) = self.pieces.last_mut() {
            last.push(node);
            self.len += 1;
        }
        if full { PIECE } else { 0 }
    }
}

impl Index<u32> for Nodes {
    type Output = Node;

    fn index(&self, at: u32) -> &Node {
        &self.pieces[at as usize / PIECE][at as usize % PIECE]
    }
}

impl IndexMut<u32> for Nodes {
    fn index_mut(&mut self, at: u32) -> &mut Node {
        &mut self.pieces[at as usize / PIECE][at as usize % PIECE]
    }
}

struct Beam<'s, 'a, M: Model> {
    search: &'s mut Search<'a, M>,
    nodes: Nodes,
    unused: Vec<u32>,
    /// From the root to where the search stands.
    path: Vec<(u32, Frame<M::Undo>)>,
    /// Whether some operations always fit.
    free: bool,
}

/// Follows up to `width` configurations with one deadline. None: those that
/// were kept have no order.
pub(super) fn run<M: Model>(search: &mut Search<'_, M>, width: usize) -> Option<Outcome> {
    let free = search
        .flags
        .iter()
        .any(|flags| flags & super::ALWAYS_FITS != 0);
    let mut beam = Beam {
        free,
        search,
        nodes: Nodes::default(),
        unused: Vec::new(),
        path: Vec::new(),
    };
    beam.run(width)
}

impl<M: Model> Beam<'_, '_, M> {
    fn run(&mut self, width: usize) -> Option<Outcome> {
        // Those that wait, by their deadlines.
        let mut waiting: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        match self.search.enter(false) {
            Entered::Done => return Some(Outcome::Order(self.search.order())),
            Entered::Dead => return None,
            Entered::Open { deadline, due } => {
                let root = self.add(ROOT, 0, (0, 0), deadline, due);
                self.search.choices.clear();
                // It stays where the path begins.
                self.nodes[root].refs += 1;
                self.path.push((root, Frame::default()));
                waiting.insert(deadline, vec![root]);
            }
        }
        while let Some((deadline, mut here)) = waiting.pop_first() {
            let mut passed = 0;
            // As long as too few have taken what is due.
            while !here.is_empty() && passed < width {
                self.keep_best(&mut here, width);
                let mut next = Vec::new();
                for node in here.drain(..) {
                    if let Some(ground) = self.search.limits.reached() {
                        return Some(Outcome::Stopped(ground));
                    }
                    self.go_to(node);
                    match self.expand(node) {
                        Ok(children) => {
                            for child in children {
                                let at = self.nodes[child].deadline;
                                if at == deadline {
                                    next.push(child);
                                } else {
                                    passed += 1;
                                    waiting.entry(at).or_default().push(child);
                                }
                            }
                        }
                        Err(outcome) => return Some(outcome),
                    }
                    self.release(node);
                }
                here = next;
            }
            for node in here {
                self.release(node);
            }
        }
        None
    }

    /// Keeps so many of some configurations.
    fn keep_best(&mut self, nodes: &mut Vec<u32>, width: usize) {
        if nodes.len() <= width {
            return;
        }
        nodes.sort_by_key(|&node| self.nodes[node].spent);
        let mut like: Numbers<u64, usize> = Numbers::default();
        let (mut kept, mut more) = (Vec::with_capacity(width), Vec::new());
        for &node in nodes.iter() {
            let like = like.entry(self.nodes[node].print).or_default();
            *like += 1;
            match *like <= width.div_ceil(4) {
                true => kept.push(node),
                false => more.push(node),
            }
        }
        kept.append(&mut more);
        for node in kept.drain(width..) {
            self.release(node);
        }
        *nodes = kept;
    }

    /// What comes next of the configuration at which the search stands; or an
    /// order, or why the search stops.
    fn expand(&mut self, node: u32) -> Result<Vec<u32>, Outcome> {
        let Node {
            deadline,
            due,
            depth,
            ..
        } = self.nodes[node];
        let choices = std::mem::take(&mut self.nodes[node].choices);
        self.search.other_bytes -= (choices.len() * size_of::<Choice>()) as u64;
        let mut children = Vec::new();
        for (rank, &choice) in choices.iter().enumerate() {
            if let Some(ground) = self.search.over_budget() {
                return Err(Outcome::Stopped(ground));
            }
            let (mut frame, idle_write) = self.search.take(choice, deadline, due);
            frame.first = self.search.choices.len();
            let (trail, first) = (frame.trail, frame.first);
            match self.search.enter(idle_write) {
                Entered::Done => return Err(Outcome::Order(self.search.order())),
                Entered::Dead => {}
                Entered::Open { deadline, due } => {
                    let child = self.add(node, depth + 1, (trail, first), deadline, due);
                    if self.search.model.tells_gain() {
                        let before = self.nodes[node].spent;
                        self.nodes[child].spent = before + rank as i32;
                    }
                    self.nodes[node].refs += 1;
                    children.push(child);
                }
            }
            self.search.leave(frame);
        }
        Ok(children)
    }

    /// Adds the configuration at which the search stands, kept once. `from`:
    /// where what was taken, and what may come next, begin on their stacks.
    fn add(
        &mut self,
        parent: u32,
        depth: u32,
        from: (usize, usize),
        deadline: u32,
        due: u32,
    ) -> u32 {
        let print = self.search.model.fingerprint(&self.search.state);
        let taken = &self.search.trail[from.0..];
        let before = match depth {
            0 => 0,
            _ => self.nodes[parent].spent,
        };
        let spent = taken
            .iter()
            .map(|choice| match self.search.flags[choice.op as usize] {
                flags if flags & super::ALWAYS_FITS != 0 => 1,
                _ if self.free => -1,
                _ => 1,
            });
        let spent = before + spent.sum::<i32>();
        let node = Node {
            parent,
            depth,
            refs: 1,
            taken: self.search.trail[from.0..].into(),
            choices: self.search.choices[from.1..].into(),
            deadline,
            due,
            print: print as u64 ^ (print >> 64) as u64,
            spent,
        };
        self.search.other_bytes += node.bytes();
        match self.unused.pop() {
            Some(at) => {
                self.nodes[at] = node;
                at
            }
            None => {
                let slots = self.nodes.push(node);
                self.search.other_bytes += (slots * SLOT_BYTES) as u64;
                self.nodes.len as u32 - 1
            }
        }
    }

    /// Takes back that a configuration is kept; what nothing has come from goes.
    fn release(&mut self, node: u32) {
        let mut at = node;
        loop {
            let node = &mut self.nodes[at];
            node.refs -= 1;
            if node.refs > 0 {
                return;
            }
            self.search.other_bytes -= node.bytes();
            (node.taken, node.choices) = Default::default();
            self.unused.push(at);
            at = node.parent;
        }
    }

    /// Brings the search to a configuration, from the last one that both have
    /// come from.
    fn go_to(&mut self, node: u32) {
        let mut ahead = Vec::new();
        let mut at = node;
        loop {
            let Node { depth, parent, .. } = self.nodes[at];
            let stands = self.path.get(depth as usize);
            if stands.is_some_and(|(on_path, _)| *on_path == at) {
                for (left, frame) in self.path.split_off(depth as usize + 1).into_iter().rev() {
                    self.search.leave(frame);
                    self.release(left);
                }
                break;
            }
            ahead.push(at);
            at = parent;
        }
        for node in ahead.into_iter().rev() {
            let Node {
                parent, ref taken, ..
            } = self.nodes[node];
            let Node { deadline, due, .. } = self.nodes[parent];
            let Some((&choice, at_once)) = taken.split_first() else {
                continue;
            };
            let (frame, _) = self.search.take(choice, deadline, due);
            for read in at_once {
                self.search.lift(read.op, read.how);
            }
            self.nodes[node].refs += 1;
            self.path.push((node, frame));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::follow::follow;
    use super::super::super::model::Span;
    use super::super::super::store::cell::Cell;
    use super::super::super::store::queue::{Queue, QueueOp};
    use super::super::super::{
        ClientId, History, KeyId, Limits, Operation, Request, Response, ValueId,
    };
    use super::super::{Timed, search};
    use super::*;

    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: u64) -> u64 {
            self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d) + 1;
            (self.0 >> 33) % sides
        }
    }

    /// Spans of some operations that overlap, some without return.
    fn spans(dice: &mut Dice, n: usize) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        let mut at = 0;
        while spans.len() < n || !open.is_empty() {
            if spans.len() < n && (open.is_empty() || dice.roll(5) < 3) {
                if dice.roll(8) > 0 {
                    open.push(spans.len());
                }
                spans.push(Span::open(at));
            } else {
                let one = dice.roll(open.len() as u64) as usize;
                spans[open.swap_remove(one)].ret = at;
            }
            at += 1;
        }
        spans
    }

    /// With a width that nothing exceeds a beam drops nothing, so it finds an
    /// order exactly where the search does; a narrow one never finds a wrong
    /// one. Whether there is an order.
    fn agrees<M: Model>(model: &M, ops: &[Timed<'_, M::Op>]) -> bool {
        let limits = Limits::default();
        let expected = match search(model, ops, &limits, false).outcome {
            Outcome::Order(_) => true,
            Outcome::None { .. } => false,
            Outcome::Stopped(ground) => panic!("{ground:?}"),
        };
        for width in [1, 2, 5, 1 << 20] {
            let mut wide = Search::new(model, ops, &limits, false);
            match run(&mut wide, width) {
                Some(Outcome::Order(order)) => assert!(follow(model, ops, &order).is_some()),
                Some(other) => panic!("{other:?}"),
                None => assert!(width < 1 << 20 || !expected),
            }
        }
        expected
    }

    #[test]
    fn a_wide_beam_finds_what_there_is_and_a_narrow_one_nothing_else() {
        let mut dice = Dice(1);
        let (mut queues, mut keys) = (0, 0);
        for _ in 0..4_000 {
            let n = 3 + dice.roll(8) as usize;
            let spans = spans(&mut dice, n);
            let ops: Vec<QueueOp> = (0..n)
                .map(|_| match (dice.roll(2), ValueId(dice.roll(3) as u32)) {
                    (0, value) => QueueOp::Put(ValueId(value.0 + 1)),
                    (_, ValueId::ABSENT) => QueueOp::Empty,
                    (_, value) => QueueOp::Take(value),
                })
                .collect();
            let blank = |(span, op): (&Span, &QueueOp)| match (span.is_known(), *op) {
                (false, QueueOp::Take(_) | QueueOp::Empty) => QueueOp::TakeAny,
                (_, op) => op,
            };
            let ops: Vec<QueueOp> = spans.iter().zip(&ops).map(blank).collect();
            let timed: Vec<_> = spans.iter().copied().zip(&ops).collect();
            queues += u32::from(agrees(&Queue, &timed));

            let mut history = History::new("nil");
            for text in ["x", "1", "2", "3"] {
                history.value(text);
            }
            let key = KeyId(0);
            let operations: Vec<Operation> = spans
                .iter()
                .map(|span| {
                    let mut value = || ValueId(dice.roll(4) as u32);
                    let (a, b) = (value(), value());
                    let (request, response) = match dice.roll(4) {
                        0 | 1 => (Request::Read { key }, Response::Value(a)),
                        2 => (Request::Write { key, value: a }, Response::Done),
                        _ => {
                            let answer = Response::Flag(dice.roll(2) == 0);
                            (
                                Request::Cas {
                                    key,
                                    from: a,
                                    to: b,
                                },
                                answer,
                            )
                        }
                    };
                    Operation {
                        client: ClientId(0),
                        call: span.call,
                        ret: span.is_known().then_some(span.ret),
                        request,
                        response: match span.is_known() {
                            true => response,
                            false => Response::Unknown,
                        },
                        revision: None,
                    }
                })
                .collect();
            let cell = Cell::new(&history, operations.iter());
            let ops: Vec<_> = operations.iter().map(|o| cell.op(o)).collect();
            let timed: Vec<_> = spans.iter().copied().zip(&ops).collect();
            keys += u32::from(agrees(&cell, &timed));
        }
        assert!((200..3_800).contains(&queues) && (200..3_800).contains(&keys));
    }
}
