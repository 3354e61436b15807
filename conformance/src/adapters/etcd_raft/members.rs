//! Names for nodes that come and go.
//!
//! The model tells 64 nodes apart. A long run with changes of the configuration
//! has more, but not at once: who was removed falls silent soon. So from the 65th
//! node on, a new one takes the id of one that is no member of the latest
//! configuration, nor about to be one, and has been silent for longest. What
//! names the old node (a vote, an entry, a message that arrives late) means the
//! same id still, which is never in one configuration for both. Should the old
//! node be heard of again, the judgement ends there: what it was is not known
//! any more.

use plimsoll_model::ids::{NodeId, SERVERS_MAX};

use super::judge::Judge;
use super::nid::Nid;

impl Judge {
    /// The id of the node called `name`, a new one if need be. Where there is
    /// none, the judgement ends at this event.
    pub(super) fn name(&mut self, name: Nid) -> Option<NodeId> {
        let id = match self.names.has_gone(name) {
            true => None,
            false => self.names.add(name).or_else(|| self.take_over(name)),
        };
        self.nameless |= id.is_none() && name != Nid::NOBODY;
        if let Some(id) = id {
            let least = self.mentioned.len().max(id.position() + 1);
            self.mentioned.resize(least, 0);
            self.mentioned[id.position()] = self.events;
        }
        id
    }

    /// Gives `name` the id of a node that has gone.
    fn take_over(&mut self, name: Nid) -> Option<NodeId> {
        let ids = (0..SERVERS_MAX).map(NodeId::from_position);
        let gone = ids.filter(|id| !self.is_member(*id));
        let silent = |id: &NodeId| {
            let seen = self.node_of(*id).map_or(0, |node| node.last_seen);
            let mentioned = self.mentioned.get(id.position());
            seen.max(mentioned.copied().unwrap_or_default())
        };
        let id = gone.min_by_key(silent)?;
        let old = self.names.hand_on(id, name)?;
        self.nodes.remove(&old);
        self.follower.forget_member(id);
        self.questions.forget(id);
        Some(id)
    }
}
