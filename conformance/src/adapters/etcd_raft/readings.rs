//! Where a run can be read in more than one way
//! ([`crate::replay::readings`]).
//!
//! What survived a crash is told by the restart: the term, the vote and the
//! length of the log. Where a write under way was to replace entries, a log of
//! the same length may hold the old ones or the new; and where writes are queued,
//! what each of several leaves. No line shows which, until one rests on it. So
//! every reading is followed from there on.

use super::event::{Event, Name};
use super::judge::Judge;
use super::nid::Nid;
use crate::replay::readings::{Parting, READINGS};
use crate::verdict::Place;

impl Parting for Judge {
    /// The restart kept what comes to mind behind so many other things.
    type Way = usize;

    fn may_part(&self, event: &Event) -> bool {
        event.name == Name::BecomeFollower
    }

    fn ways(&self, event: &Event, _place: &Place) -> (Vec<usize>, bool) {
        let others = match (self.keeps_either(event), self.queues()) {
            (false, _) => 0,
            (true, false) => 1,
            // One more than are followed, so that it shows if there are more.
            (true, true) => READINGS + 1,
        };
        ((1..=others).collect(), false)
    }

    fn taking(&self, way: usize) -> Self {
        self.clone().keeping_other(way)
    }

    fn settle(&mut self) {
        self.keeps_other = 0;
    }

    fn is_same(&self, other: &Self) -> bool {
        let (mut all, mut known) = (self.follower.members(), other.follower.members());
        let same = std::iter::from_fn(|| all.next().zip(known.next()))
            .all(|(one, other)| one.server == other.server);
        let open = |judge: &Self, name: &Nid| {
            let node = judge.nodes.get(name);
            node.map(|node| (node.again, node.doubt.clone()))
        };
        same && self
            .nodes
            .keys()
            .all(|name| open(self, name) == open(other, name))
    }
}
