//! Labelled graphs, and what is fair in them.
//!
//! A node is a state, a label is an action, and an edge says that the action is
//! enabled in the state and where it leads. An edge may lead out of bounds
//! ([`CUT`]): the action is enabled, and is not taken.
//!
//! A run that stays away from a goal for ever visits some nodes again and
//! again. Those lie in one strongly connected component of what is left of the
//! graph without the edges that reach the goal. *Weak fairness* of a label asks
//! that a run which has it enabled from some point on takes it again and again:
//! among what is visited again and again, the label is disabled at a node or
//! taken by an edge.
//!
//! It is enough to look at maximal components. Let a fair run visit the nodes
//! `S` again and again, and let `C` be the maximal component around them. Every
//! label is disabled at a node of `S`, which is a node of `C`, or taken by an
//! edge within `S`, which is an edge within `C`. So what makes `S` fair makes
//! `C` fair, and a walk that visits all of `C` is a fair run. (Strong fairness
//! has no such argument: more nodes may enable more.)

/// The target of an edge that leads out of bounds.
pub const CUT: u32 = u32::MAX;

/// An edge of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The action.
    pub label: u32,
    /// Where it leads; [`CUT`] when that is out of bounds.
    pub to: u32,
    /// The goals that it reaches, one bit each.
    pub goals: u8,
}

/// A graph whose nodes are numbered in the order in which they were found,
/// breadth first from node 0. Edges lie one behind the other, node by node.
#[derive(Clone, Debug)]
pub struct Graph {
    from: Vec<u64>,
    edges: Vec<Edge>,
}

impl Default for Graph {
    fn default() -> Self {
        Graph {
            from: vec![0],
            edges: Vec::new(),
        }
    }
}

impl Graph {
    /// Adds the next node, with the edges that leave it.
    pub fn push(&mut self, edges: impl IntoIterator<Item = Edge>) {
        self.edges.extend(edges);
        self.from.push(self.edges.len() as u64);
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.from.len() - 1
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory.
    pub fn footprint(&self) -> u64 {
        (8 * self.from.capacity() + size_of::<Edge>() * self.edges.capacity()) as u64
    }

    /// The edges that leave `node`.
    pub fn edges(&self, node: u32) -> &[Edge] {
        let at = node as usize;
        &self.edges[self.from[at] as usize..self.from[at + 1] as usize]
    }

    /// All edges.
    pub fn all_edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Whether `node` has `label` enabled.
    pub fn enables(&self, node: u32, label: u32) -> bool {
        self.edges(node).iter().any(|edge| edge.label == label)
    }
}

/// A graph without the edges that reach a goal.
#[derive(Clone, Copy, Debug)]
pub struct Avoiding<'g> {
    /// The graph.
    pub graph: &'g Graph,
    /// The bit of the goal.
    pub goal: u8,
}

impl<'g> Avoiding<'g> {
    /// Whether a run that avoids the goal may take `edge` within bounds.
    pub fn may_take(self, edge: &Edge) -> bool {
        edge.to != CUT && edge.goals & self.goal == 0
    }

    /// The edges that such a run may take from `node`, within bounds.
    pub fn steps(self, node: u32) -> impl Iterator<Item = &'g Edge> {
        let edges = self.graph.edges(node).iter();
        edges.filter(move |edge| self.may_take(edge))
    }

    /// The edge by which each node was first reached from node 0, breadth
    /// first; `None` for nodes that are not reached, and for node 0.
    pub fn tree(self) -> Tree {
        let mut tree = Tree {
            reached: vec![0],
            by: vec![None; self.graph.len()],
            depth: vec![u32::MAX; self.graph.len()],
        };
        tree.depth[0] = 0;
        let mut next = 0;
        while let Some(&node) = tree.reached.get(next) {
            next += 1;
            for edge in self.steps(node) {
                let to = edge.to as usize;
                if tree.depth[to] == u32::MAX {
                    tree.depth[to] = tree.depth[node as usize] + 1;
                    tree.by[to] = Some((node, edge.label));
                    tree.reached.push(edge.to);
                }
            }
        }
        tree
    }
}

/// Shortest ways from node 0.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The nodes that are reached, nearest first.
    pub reached: Vec<u32>,
    /// The node and the label by which each was reached.
    pub by: Vec<Option<(u32, u32)>>,
    /// How many edges away each is; `u32::MAX` when it is not reached.
    pub depth: Vec<u32>,
}

impl Tree {
    /// The labels of the way to `node`.
    pub fn way(&self, node: u32) -> Vec<u32> {
        let mut labels = Vec::new();
        let mut at = node;
        while let Some((before, label)) = self.by[at as usize] {
            labels.push(label);
            at = before;
        }
        labels.reverse();
        labels
    }
}

/// The strongly connected components of the nodes in `tree`, each with its
/// nodes in order, those first whose first node is nearest.
///
/// Tarjan's algorithm (1972), with a stack of its own in place of recursion.
pub fn components(avoiding: Avoiding<'_>, tree: &Tree) -> Vec<Vec<u32>> {
    const NEW: u32 = u32::MAX;
    let len = avoiding.graph.len();
    // When a node was entered, and the earliest entered node that it reaches.
    let (mut entered, mut low) = (vec![NEW; len], vec![0u32; len]);
    let mut waits = vec![false; len];
    let (mut open, mut calls) = (Vec::new(), Vec::<(u32, u32)>::new());
    let mut clock = 0;
    let mut found = Vec::new();
    for &root in &tree.reached {
        if entered[root as usize] != NEW {
            continue;
        }
        calls.push((root, 0));
        while let Some((node, edge)) = calls.pop() {
            let at = node as usize;
            if edge == 0 {
                (entered[at], low[at]) = (clock, clock);
                clock += 1;
                open.push(node);
                waits[at] = true;
            }
            let edges = avoiding.graph.edges(node);
            let mut next = edge as usize;
            let mut deeper = None;
            while next < edges.len() {
                let edge = &edges[next];
                next += 1;
                if !avoiding.may_take(edge) {
                    continue;
                }
                let to = edge.to as usize;
                if entered[to] == NEW {
                    deeper = Some(edge.to);
                    break;
                }
                if waits[to] {
                    low[at] = low[at].min(entered[to]);
                }
            }
            if let Some(to) = deeper {
                // `next` is past at least one edge, so it is never zero.
                calls.push((node, next as u32));
                calls.push((to, 0));
                continue;
            }
            if let Some(&(before, _)) = calls.last() {
                let before = before as usize;
                low[before] = low[before].min(low[at]);
            }
            if low[at] == entered[at] {
                let start = open.iter().rposition(|&n| n == node).expect("it is open");
                let mut members = open.split_off(start);
                members.iter().for_each(|&n| waits[n as usize] = false);
                members.sort_unstable_by_key(|&n| (tree.depth[n as usize], n));
                found.push(members);
            }
        }
    }
    found.sort_unstable_by_key(|members| (tree.depth[members[0] as usize], members[0]));
    found
}
