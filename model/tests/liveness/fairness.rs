//! The search for fair runs, against its definition, on small random graphs.

use plimsoll_model::liveness::fairness::{is_fair, judge};
use plimsoll_model::liveness::graph::{Avoiding, CUT, Edge, Graph, components};
use proptest::prelude::*;

const LABELS: u32 = 4;

/// A random graph in the order that a search gives it, and which labels are
/// fair. A label leads from a node to one place.
fn small() -> impl Strategy<Value = (Graph, Vec<bool>)> {
    let nodes = 1..7usize;
    nodes.prop_flat_map(|nodes| {
        let to = prop_oneof![8 => 0..nodes as u32, 1 => Just(CUT)];
        let edge = (to, 0..8u8).prop_map(|(to, goals)| (to, u8::from(goals == 0)));
        let labels =
            proptest::collection::vec(proptest::option::weighted(0.45, edge), LABELS as usize);
        let graph = proptest::collection::vec(labels, nodes).prop_map(|rows| {
            let mut graph = Graph::default();
            for row in rows {
                let edges = row.into_iter().enumerate();
                graph.push(edges.filter_map(|(label, edge)| {
                    let (to, goals) = edge?;
                    let label = label as u32;
                    Some(Edge { label, to, goals })
                }));
            }
            graph
        });
        let fair = proptest::collection::vec(proptest::bool::weighted(0.8), LABELS as usize);
        (graph, fair)
    })
}

/// Which nodes a walk from `from` reaches that stays in `set`.
fn within(avoiding: Avoiding<'_>, from: u32, set: u32) -> u32 {
    let mut seen = 1u32 << from;
    loop {
        let mut more = seen;
        for node in 0..avoiding.graph.len() as u32 {
            if seen & 1 << node != 0 {
                let steps = avoiding.steps(node).map(|edge| 1 << edge.to);
                more |= steps.fold(0, |all, to| all | to) & set;
            }
        }
        if more == seen {
            return seen;
        }
        seen = more;
    }
}

/// By definition: a set of nodes that some run visits again and again, and no
/// others, is one in which each reaches each by at least a step; of the labels
/// that fairness asks for each is disabled in it or taken in it. Sets of all
/// sizes are tried, not the maximal ones alone.
fn some_set_is_fair(avoiding: Avoiding<'_>, fair: &[bool]) -> bool {
    let len = avoiding.graph.len() as u32;
    let reached = within(avoiding, 0, u32::MAX);
    (1..1u32 << len)
        .filter(|set| set & !reached == 0)
        .any(|set| {
            let nodes: Vec<u32> = (0..len).filter(|node| set & 1 << node != 0).collect();
            let inside = |node: u32| {
                let steps = avoiding.steps(node);
                steps.filter(|edge| set & 1 << edge.to != 0)
            };
            let connected = nodes.iter().all(|&node| within(avoiding, node, set) == set);
            let moves = nodes.iter().any(|&node| inside(node).next().is_some());
            connected
                && moves
                && (0..LABELS).filter(|&l| fair[l as usize]).all(|label| {
                    let disabled = nodes
                        .iter()
                        .any(|&node| !avoiding.graph.enables(node, label));
                    disabled
                        || nodes
                            .iter()
                            .any(|&node| inside(node).any(|edge| edge.label == label))
                })
        })
}

fn some_end(avoiding: Avoiding<'_>, fair: &[bool]) -> bool {
    let reached = within(avoiding, 0, u32::MAX);
    let end =
        |node: u32| (0..LABELS).all(|l| !fair[l as usize] || !avoiding.graph.enables(node, l));
    (0..avoiding.graph.len() as u32).any(|node| reached & 1 << node != 0 && end(node))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, ..ProptestConfig::default() })]

    #[test]
    fn a_fair_run_is_found_where_there_is_one((graph, fair) in small()) {
        let avoiding = Avoiding { graph: &graph, goal: 1 };
        let judged = judge(avoiding, &fair);
        prop_assert_eq!(judged.fair > 0, some_set_is_fair(avoiding, &fair));
        prop_assert_eq!(judged.ends > 0, some_end(avoiding, &fair));
        prop_assert_eq!(judged.run.is_some(), judged.fair + judged.ends > 0);
        if let Some(run) = &judged.run {
            prop_assert!(is_fair(avoiding, &fair, run), "{:?}", run);
            // Nothing fair is nearer.
            let depth = avoiding.tree().depth[run.node as usize] as usize;
            prop_assert_eq!(run.stem.len(), depth);
        }
        prop_assert_eq!(judged.unfair.values().sum::<u64>() + judged.fair, judged.components);
    }

    /// Components are the classes of nodes that reach each other.
    #[test]
    fn components_are_maximal((graph, _) in small()) {
        let avoiding = Avoiding { graph: &graph, goal: 1 };
        let tree = avoiding.tree();
        let found = components(avoiding, &tree);
        let mut seen: Vec<u32> = found.iter().flatten().copied().collect();
        seen.sort_unstable();
        let mut reached = tree.reached.clone();
        reached.sort_unstable();
        prop_assert_eq!(seen, reached);
        for members in &found {
            for &node in members {
                let there = within(avoiding, node, u32::MAX);
                let class = (0..graph.len() as u32)
                    .filter(|&other| there & 1 << other != 0)
                    .filter(|&other| within(avoiding, other, u32::MAX) & 1 << node != 0);
                let mut class: Vec<u32> = class.collect();
                let mut members = members.clone();
                class.sort_unstable();
                members.sort_unstable();
                prop_assert_eq!(&class, &members);
            }
        }
    }
}

/// A run that only ever takes `turn` is unfair to `leave`, whether `leave` is
/// cut by a bound or not; once it is disabled somewhere it is fair.
#[test]
fn an_action_that_a_bound_cuts_is_enabled() {
    let edge = |label, to| Edge {
        label,
        to,
        goals: 0,
    };
    for to in [CUT, 1] {
        let mut graph = Graph::default();
        graph.push([edge(0, 0), edge(1, to)]);
        graph.push([edge(2, CUT)]);
        let avoiding = Avoiding {
            graph: &graph,
            goal: 1,
        };
        let judged = judge(avoiding, &[true, true, true]);
        assert_eq!((judged.components, judged.fair, judged.ends), (1, 0, 0));
        assert_eq!(judged.unfair[&1], 1);
        assert_eq!(judge(avoiding, &[true, false, true]).fair, 1);
    }
}

/// Deep graphs do not overflow the stack.
#[test]
fn a_long_line_and_a_long_cycle() {
    let len = 200_000u32;
    for last in [CUT, 0] {
        let mut graph = Graph::default();
        for node in 0..len {
            let to = if node + 1 == len { last } else { node + 1 };
            graph.push([Edge {
                label: 0,
                to,
                goals: 0,
            }]);
        }
        let avoiding = Avoiding {
            graph: &graph,
            goal: 1,
        };
        let judged = judge(avoiding, &[true]);
        let cycles = u64::from(last == 0);
        assert_eq!((judged.nodes, judged.fair), (u64::from(len), cycles));
        assert_eq!(judged.largest, cycles * u64::from(len));
    }
}
