//! The network: loses, duplicates, delays, reorders, and parts.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::NodeId;

use super::plan::Plan;
use super::rng::Rng;

/// From one node to another.
pub(super) type Link = (NodeId, NodeId);

/// Decides when, if at all, a message arrives.
#[derive(Debug, Default)]
pub(super) struct Network {
    /// When the latest message of a link arrives, to keep them in order.
    latest: BTreeMap<Link, u64>,
    blocked: BTreeSet<Link>,
}

impl Network {
    /// When the copies of a message sent now arrive: none, one or two times.
    pub(super) fn arrivals(
        &mut self,
        link: Link,
        now: u64,
        plan: &Plan,
        rng: &mut Rng,
    ) -> Vec<u64> {
        if rng.chance(plan.drop) {
            return Vec::new();
        }
        let copies = if rng.chance(plan.duplicate) { 2 } else { 1 };
        let arrival = |_| {
            let slow = rng.chance(plan.slow);
            let longest = if slow { plan.slow_max } else { plan.delay_max };
            let due = now + rng.within(1..=longest);
            if plan.reorder {
                return due;
            }
            let latest = self.latest.entry(link).or_default();
            *latest = (*latest).max(due);
            *latest
        };
        (0..copies).map(arrival).collect()
    }

    /// Whether the link carries nothing now. What is under way is lost too.
    #[must_use]
    pub(super) fn is_blocked(&self, link: Link) -> bool {
        self.blocked.contains(&link)
    }

    /// Whether any link is blocked.
    #[must_use]
    pub(super) fn is_parted(&self) -> bool {
        !self.blocked.is_empty()
    }

    /// Parts the network: one node from all others, or any two groups; in
    /// both directions or, when that is planned, perhaps in one.
    pub(super) fn part(
        &mut self,
        nodes: &[NodeId],
        leader: Option<NodeId>,
        plan: &Plan,
        rng: &mut Rng,
    ) {
        let group: BTreeSet<NodeId> = match rng.within(0..=2) {
            0 => leader.into_iter().collect(),
            1 => rng.pick(nodes).copied().into_iter().collect(),
            _ => nodes.iter().copied().filter(|_| rng.chance(0.5)).collect(),
        };
        let (out, back) = if plan.one_way {
            *rng.pick(&[(true, true), (true, false), (false, true)])
                .expect("three ways")
        } else {
            (true, true)
        };
        for &inner in &group {
            for &outer in nodes.iter().filter(|node| !group.contains(node)) {
                if out {
                    self.blocked.insert((inner, outer));
                }
                if back {
                    self.blocked.insert((outer, inner));
                }
            }
        }
    }

    /// Mends the network.
    pub(super) fn heal(&mut self) {
        self.blocked.clear();
    }
}
