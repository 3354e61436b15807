//! Fair lassos and fair ends in a [`Graph`](super::graph::Graph).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::graph::{Avoiding, components};

/// A run that avoids the goal for ever, and is fair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The labels from node 0 on.
    pub stem: Vec<u32>,
    /// The node at which the cycle begins and ends, or the run ends.
    pub node: u32,
    /// The labels of the cycle; none when the run ends: nothing that fairness
    /// asks for is enabled there.
    pub cycle: Vec<u32>,
}

/// What was found of one goal.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Nodes that runs reach that avoid the goal.
    pub nodes: u64,
    /// Components with an edge within: each holds cycles.
    pub components: u64,
    /// The most nodes of such a component.
    pub largest: u64,
    /// Components in which every run is unfair, by a label that is the first
    /// to be enabled throughout and never taken.
    pub unfair: BTreeMap<u32, u64>,
    /// Fair components.
    pub fair: u64,
    /// Nodes in which nothing is enabled that fairness asks for.
    pub ends: u64,
    /// Of the fair runs one with a shortest stem; of those the first by the
    /// number of its last node, one that ends before one that goes on.
    pub run: Option<Run>,
}

/// Judges the runs that avoid a goal. `fair` says of each label whether
/// fairness asks for it.
pub fn judge(avoiding: Avoiding<'_>, fair: &[bool]) -> Judged {
    let mut judged = Judged::default();
    if avoiding.graph.is_empty() {
        return judged;
    }
    let tree = avoiding.tree();
    judged.nodes = tree.reached.len() as u64;
    let asks = |node: u32| {
        let edges = avoiding.graph.edges(node).iter();
        edges.map(|e| e.label).filter(|&l| fair[l as usize])
    };
    // The order of runs: depth of the node, node, whether it goes on.
    let mut best: Option<(u32, u32, bool)> = None;
    for &node in &tree.reached {
        if asks(node).next().is_none() {
            judged.ends += 1;
            let this = (tree.depth[node as usize], node, false);
            best = Some(best.map_or(this, |best| best.min(this)));
        }
    }
    let components = components(avoiding, &tree);
    let mut of = vec![u32::MAX; avoiding.graph.len()];
    for (i, members) in components.iter().enumerate() {
        members.iter().for_each(|&n| of[n as usize] = i as u32);
    }
    let mut chosen = None;
    for (i, members) in components.iter().enumerate() {
        let inside = |node: u32| {
            let steps = avoiding.steps(node);
            steps.filter(|edge| of[edge.to as usize] == i as u32)
        };
        if !members.iter().any(|&node| inside(node).next().is_some()) {
            continue;
        }
        judged.components += 1;
        judged.largest = judged.largest.max(members.len() as u64);
        // What is enabled throughout, and not taken within.
        let mut owed: BTreeSet<u32> = asks(members[0]).collect();
        for &node in members {
            if owed.is_empty() {
                break;
            }
            owed.retain(|&label| avoiding.graph.enables(node, label));
            inside(node).for_each(|edge| {
                owed.remove(&edge.label);
            });
        }
        if let Some(&label) = owed.first() {
            *judged.unfair.entry(label).or_default() += 1;
            continue;
        }
        judged.fair += 1;
        let this = (tree.depth[members[0] as usize], members[0], true);
        if best.is_none_or(|best| this < best) {
            best = Some(this);
            chosen = Some(i as u32);
        }
    }
    judged.run = best.map(|(_, node, goes_on)| Run {
        stem: tree.way(node),
        node,
        cycle: match (goes_on, chosen) {
            (true, Some(component)) => cycle(avoiding, &of, component, node, fair),
            _ => Vec::new(),
        },
    });
    judged
}

/// A cycle from `start` within a fair component: each label that fairness asks
/// for is taken by a step of it or disabled at a node of it. From wherever it
/// is the walk goes the shortest way to what it owes, then back.
fn cycle(
    avoiding: Avoiding<'_>,
    of: &[u32],
    component: u32,
    start: u32,
    fair: &[bool],
) -> Vec<u32> {
    let graph = avoiding.graph;
    // A label that is disabled at the start owes nothing.
    let edges = graph.edges(start).iter();
    let mut owed: BTreeSet<u32> = edges
        .map(|e| e.label)
        .filter(|&l| fair[l as usize])
        .collect();
    let mut labels = Vec::new();
    let mut at = start;
    while !owed.is_empty() {
        let pays = |label: u32, to: u32| {
            owed.contains(&label) || owed.iter().any(|&owed| !graph.enables(to, owed))
        };
        let way = walk(avoiding, of, component, at, pays);
        let way = way.expect("a fair component pays what it owes");
        for (label, to) in way {
            labels.push(label);
            owed.remove(&label);
            owed.retain(|&owed| graph.enables(to, owed));
            at = to;
        }
    }
    if at != start || labels.is_empty() {
        let back = walk(avoiding, of, component, at, |_, to| to == start);
        let back = back.expect("a component is strongly connected");
        labels.extend(back.into_iter().map(|(label, _)| label));
    }
    labels
}

/// A shortest walk of at least one step from `from` within a component whose
/// last step is wanted.
fn walk(
    avoiding: Avoiding<'_>,
    of: &[u32],
    component: u32,
    from: u32,
    wanted: impl Fn(u32, u32) -> bool,
) -> Option<Vec<(u32, u32)>> {
    let mut by: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    let mut waiting = VecDeque::from([from]);
    while let Some(node) = waiting.pop_front() {
        for edge in avoiding
            .steps(node)
            .filter(|e| of[e.to as usize] == component)
        {
            if wanted(edge.label, edge.to) {
                let mut way = vec![(edge.label, edge.to)];
                let mut at = node;
                while at != from {
                    let (before, label) = by[&at];
                    way.push((label, at));
                    at = before;
                }
                way.reverse();
                return Some(way);
            }
            if edge.to != from && !by.contains_key(&edge.to) {
                by.insert(edge.to, (node, edge.label));
                waiting.push_back(edge.to);
            }
        }
    }
    None
}

/// Whether a run is one of the graph, avoids the goal, and is fair: by the
/// definition, and by nothing that [`judge`] has worked out.
pub fn is_fair(avoiding: Avoiding<'_>, fair: &[bool], run: &Run) -> bool {
    let graph = avoiding.graph;
    let take = |node: u32, label: u32| {
        let mut steps = avoiding.steps(node);
        steps.find(|edge| edge.label == label).map(|edge| edge.to)
    };
    let Some(node) = run
        .stem
        .iter()
        .try_fold(0, |node, &label| take(node, label))
    else {
        return false;
    };
    let asked = (0..fair.len() as u32).filter(|&label| fair[label as usize]);
    if run.cycle.is_empty() {
        return node == run.node && !asked.into_iter().any(|label| graph.enables(node, label));
    }
    let mut nodes = vec![node];
    for &label in &run.cycle {
        match take(nodes[nodes.len() - 1], label) {
            Some(next) => nodes.push(next),
            None => return false,
        }
    }
    let kept = |label: u32| {
        run.cycle.contains(&label) || nodes.iter().any(|&node| !graph.enables(node, label))
    };
    node == run.node && nodes.last() == Some(&node) && asked.into_iter().all(kept)
}
