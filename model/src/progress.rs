//! What a leader knows of each server (figure 2, `matchIndex`).

use smallvec::SmallVec;

use crate::field::{Field, Renaming, UnpackError};
use crate::ids::{Index, NodeId};
use crate::record;

record! {
    /// What a leader knows of one server.
    #[derive(Copy)]
    pub struct Known {
        /// The server.
        pub id: NodeId,
        /// The highest index known to be replicated there.
        pub matched: Index,
    }
}

/// What a leader knows of the servers of its configuration, in their order.
/// Nothing is known of any other: index zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Progress(SmallVec<[Known; 3]>);

impl Progress {
    fn place(&self, id: NodeId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&id, |known| known.id)
    }

    /// The servers with what is known to match there.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Index)> {
        self.0.iter().map(|known| (known.id, &known.matched))
    }

    /// What is known to match on `id`, if anything is kept of it.
    pub fn get(&self, id: NodeId) -> Option<&Index> {
        let at = self.place(id).ok()?;
        Some(&self.0[at].matched)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: NodeId) -> Option<&mut Index> {
        let at = self.place(id).ok()?;
        Some(&mut self.0[at].matched)
    }

    /// Keeps what is known of the servers in `members`, and nothing else; of
    /// those that are new nothing is known.
    pub fn keep(&mut self, members: crate::ids::NodeSet) {
        let known = |id| self.get(id).copied().unwrap_or_default();
        self.0 = members
            .iter()
            .map(|id| Known {
                id,
                matched: known(id),
            })
            .collect();
    }
}

impl std::ops::Index<NodeId> for Progress {
    type Output = Index;
    fn index(&self, id: NodeId) -> &Index {
        self.get(id).unwrap_or(&Index::ZERO)
    }
}

impl FromIterator<(NodeId, Index)> for Progress {
    fn from_iter<I: IntoIterator<Item = (NodeId, Index)>>(items: I) -> Self {
        let known = items.into_iter().map(|(id, matched)| Known { id, matched });
        let mut progress = Progress(known.collect());
        progress.0.sort_by_key(|known| known.id);
        progress
    }
}

impl Field for Progress {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        Field::unpack(input).map(Progress)
    }
    fn rename(&self, by: &Renaming) -> Self {
        let mut renamed = Progress(self.0.rename(by));
        renamed.0.sort_by_key(|known| known.id);
        renamed
    }
    fn sample() -> Self {
        Progress::default()
    }
    fn vary(&self) -> Vec<Self> {
        self.0.vary().into_iter().map(Progress).collect()
    }
}
