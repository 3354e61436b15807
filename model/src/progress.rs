//! What a leader knows of each server (figure 2, `matchIndex`), and where it
//! goes on to send ([`Flow`]; figure 2, `nextIndex`).

use smallvec::SmallVec;

use crate::field::{Field, Renaming, UnpackError};
use crate::ids::{Index, NodeId};
use crate::{choice, record};

choice! {
    /// How fast a leader sends to a server.
    pub enum Pace {
        /// It sends one append and waits for the answer.
        Probe = 0,
        /// It goes on as if all arrived.
        Replicate {
            /// The last indexes of the appends that are not answered, oldest
            /// first.
            under_way: SmallVec<[Index; 0]>,
        } = 1,
    }
}

record! {
    /// Where a leader goes on with one server, under flow control (etcd's
    /// Progress).
    pub struct Flow {
        /// The index that it sends next.
        pub next: Index,
        /// Whether it waits for an answer.
        pub paused: bool,
        /// How fast it sends.
        pub pace: Pace,
    }
}

impl Flow {
    /// Whether as many appends are under way as `window` lets be.
    pub fn is_full(&self, window: u32) -> bool {
        match &self.pace {
            Pace::Probe => false,
            Pace::Replicate { under_way } => under_way.len() >= window as usize,
        }
    }
}

record! {
    /// What a leader knows of one server.
    pub struct Known {
        /// The server.
        pub id: NodeId,
        /// The highest index known to be replicated there.
        pub matched: Index,
        /// Where it goes on; nothing without flow control, nor for itself.
        pub flow: Option<Box<Flow>>,
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

    /// Where the leader goes on with `id`, under flow control.
    pub fn flow(&self, id: NodeId) -> Option<&Flow> {
        self.0[self.place(id).ok()?].flow.as_deref()
    }

    /// The same, to be changed.
    pub fn flow_mut(&mut self, id: NodeId) -> Option<&mut Flow> {
        let at = self.place(id).ok()?;
        self.0[at].flow.as_deref_mut()
    }

    /// Begins to probe with index `next` where nothing is kept yet, but for
    /// `own`, the leader.
    pub fn admit(&mut self, own: NodeId, next: Index) {
        let new = self.0.iter_mut();
        for known in new.filter(|known| known.id != own && known.flow.is_none()) {
            known.flow = Some(Box::new(Flow {
                next,
                paused: false,
                pace: Pace::Probe,
            }));
        }
    }

    /// Forgets where the leader goes on.
    pub fn forget_flow(&mut self) {
        self.0.iter_mut().for_each(|known| known.flow = None);
    }

    /// Keeps what is known of the servers in `members`, and nothing else; of
    /// those that are new nothing is known.
    pub fn keep(&mut self, members: crate::ids::NodeSet) {
        let known = |id| match self.place(id) {
            Ok(at) => self.0[at].clone(),
            Err(_) => Known {
                id,
                matched: Index::ZERO,
                flow: None,
            },
        };
        self.0 = members.iter().map(known).collect();
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
        let known = items.into_iter().map(|(id, matched)| Known {
            id,
            matched,
            flow: None,
        });
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
