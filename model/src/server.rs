//! One server: what it holds, what of it is durable, and its role.
//!
//! Figure 2 of the paper, with two differences. Durability is explicit:
//! [`Durable`] is what a crash leaves. And a leader has no `nextIndex` but under
//! flow control: which entries it sends is its own free choice (any range of its
//! log is legal), so the choice is part of the action and not of the state.

use smallvec::SmallVec;

use crate::config::{Change, Config};
use crate::field::{Field, Renaming, UnpackError};
use crate::ids::{Index, NodeId, NodeSet, Position, ReadId, Term};
use crate::log::{Batch, Entry, Log};
use crate::message::{Message, Messages};
use crate::progress::Progress;
use crate::sessions::Machine;
use crate::{choice, record};

/// A list with one item for each server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PerServer<T>(pub SmallVec<[T; 3]>);

impl<T> Default for PerServer<T> {
    fn default() -> Self {
        PerServer(SmallVec::new())
    }
}

impl<T> PerServer<T> {
    /// Reads the list back; `read` reads an item.
    ///
    /// # Errors
    /// When `input` does not start with a packed list.
    pub fn unpack_with(
        input: &mut &[u8],
        mut read: impl FnMut(&mut &[u8]) -> Result<T, UnpackError>,
    ) -> Result<Self, UnpackError> {
        let len = u64::unpack(input)?;
        if len > input.len() as u64 {
            return Err(UnpackError { what: "list" });
        }
        (0..len).map(|_| read(input)).collect()
    }

    /// The items with their servers.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &T)> {
        self.0
            .iter()
            .enumerate()
            .map(|(i, item)| (NodeId::from_position(i), item))
    }

    /// How many servers there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no server.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The item of `id`, if there is such a server.
    pub fn get(&self, id: NodeId) -> Option<&T> {
        self.0.get(id.position())
    }
}

impl<T> std::ops::Index<NodeId> for PerServer<T> {
    type Output = T;
    fn index(&self, id: NodeId) -> &T {
        &self.0[id.position()]
    }
}

impl<T> std::ops::IndexMut<NodeId> for PerServer<T> {
    fn index_mut(&mut self, id: NodeId) -> &mut T {
        &mut self.0[id.position()]
    }
}

impl<T> FromIterator<T> for PerServer<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        PerServer(items.into_iter().collect())
    }
}

impl<T: Field> Field for PerServer<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        PerServer::unpack_with(input, T::unpack)
    }
    fn rename(&self, by: &Renaming) -> Self {
        let mut moved: SmallVec<[Option<T>; 3]> = self.0.iter().map(|_| None).collect();
        for (id, item) in self.iter() {
            moved[by.of(id).position()] = Some(item.rename(by));
        }
        PerServer(moved.into_iter().flatten().collect())
    }
    fn sample() -> Self {
        PerServer(SmallVec::new())
    }
    fn vary(&self) -> Vec<Self> {
        self.0.vary().into_iter().map(PerServer).collect()
    }
}

record! {
    /// A linearizable read that a leader has begun (section 6.4 of the
    /// dissertation) and not yet released.
    pub struct Read {
        /// Which read.
        pub id: ReadId,
        /// The commit index when it began.
        pub index: Index,
        /// Who has acknowledged the leader since it began.
        pub acks: NodeSet,
        /// The follower that asked for it and serves it, if it is not the
        /// leader.
        pub asker: Option<NodeId>,
    }
}

record! {
    /// A round of appends or heartbeats, as a lease counts it: what a leader
    /// sends between two ticks of its clock.
    pub struct Round {
        /// Its number in this leader's term.
        pub number: u32,
        /// Ticks of the leader's clock since it was sent.
        pub age: u8,
        /// Who has answered this round or a later one.
        pub acks: NodeSet,
    }
}

record! {
    /// What a leader knows of its lease; nothing where the settings have none.
    #[derive(Default)]
    pub struct Lease {
        /// Rounds that are not too old for a lease, oldest first. Of those that
        /// a majority has answered only the latest one is kept.
        pub rounds: SmallVec<[Round; 1]>,
        /// How many rounds have begun.
        pub begun: u32,
        /// Whether there is no lease any more in this term: the leader has asked
        /// for an election, and whoever hears it may vote all the same.
        pub void: bool,
    }
}

record! {
    /// A read that a follower has asked its leader about.
    pub struct Asked {
        /// Which read.
        pub id: ReadId,
        /// How far it must have applied to serve it, once the leader has said.
        pub index: Option<Index>,
    }
}

choice! {
    /// The role, with what only this role has.
    pub enum Role {
        /// Answers requests.
        Follower = 0,
        /// Asks for votes (section 5.2).
        Candidate {
            /// Who has granted its vote.
            granted: NodeSet,
            /// Who has refused it (kept where a lost vote ends the candidacy).
            refused: NodeSet,
            /// Grants counted beyond `granted`. Always zero but under the flaw
            /// that counts votes and does not ask whose they are.
            surplus: u8,
        } = 1,
        /// Replicates its log (section 5.3).
        Leader {
            /// For each server, the highest index known to be replicated and,
            /// for itself, durable.
            matched: Progress,
            /// Reads begun and not yet released, oldest first.
            reads: SmallVec<[Read; 1]>,
            /// Who has answered since the last check of the quorum, where the
            /// settings have one.
            active: NodeSet,
            /// To whom leadership is being handed over.
            transfer: Option<NodeId>,
            /// Its lease.
            lease: Lease,
            /// Where configurations take effect when applied: up to here there
            /// may be a change that is not (etcd's `pendingConfIndex`).
            pending: Index,
        } = 2,
        /// Asks whether it would get votes (dissertation section 9.6). Its term
        /// and its vote are what they were.
        PreCandidate {
            /// Who would vote for it, itself included.
            granted: NodeSet,
            /// Who would not (kept where that ends the attempt).
            refused: NodeSet,
        } = 3,
    }
}

impl Role {
    /// The name, as it is printed.
    pub fn name(&self) -> &'static str {
        match self {
            Role::Follower => "follower",
            Role::Candidate { .. } => "candidate",
            Role::Leader { .. } => "leader",
            Role::PreCandidate { .. } => "pre-candidate",
        }
    }

    /// Whether this is the leader's role.
    pub fn is_leader(&self) -> bool {
        matches!(self, Role::Leader { .. })
    }
}

record! {
    /// What a crash leaves of a server.
    ///
    /// The durable log is the first `shared` entries of the log followed by
    /// `tail`: entries that the server has already dropped and whose removal
    /// is not durable yet.
    pub struct Durable {
        /// The durable term.
        pub term: Term,
        /// The durable vote.
        pub vote: Option<NodeId>,
        /// The durable commit index; stays zero where commit is volatile.
        pub commit: Index,
        /// How many entries the durable log shares with the log.
        pub shared: Index,
        /// What follows them in the durable log.
        pub tail: Batch,
        /// Up to where the durable log is compacted: the snapshot on disk.
        pub base: Index,
    }
}

/// Messages that wait for a write, in the order in which they were said.
///
/// Only the order of messages to one receiver means something. An exploration
/// keeps the receivers in order ([`Outbox::settle`]), so that states that
/// differ in nothing else are one state, also after renaming.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outbox(Messages);

impl Outbox {
    /// Adds what is said last.
    pub fn push(&mut self, message: Message) {
        self.0.push(message);
    }

    /// Moves everything to `out`.
    pub fn leave(&mut self, out: &mut Messages) {
        out.append(&mut self.0);
    }

    /// Moves to `out` what `leaves` says, in order.
    pub fn leave_where(&mut self, leaves: impl Fn(&Message) -> bool, out: &mut Messages) {
        out.extend(self.0.iter().filter(|message| leaves(message)).cloned());
        self.0.retain(|message| !leaves(message));
    }

    /// Loses everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Drops what waits a second time. A set holds a message once, so one that
    /// waits to go there need not wait twice: what arrives again before a write
    /// completes would otherwise lengthen the outbox without end.
    pub fn wait_once(&mut self) {
        if self.0.len() > 1 {
            let first = |(i, message): &(usize, &Message)| !self.0[..*i].contains(message);
            let once = self.0.iter().enumerate().filter(first);
            self.0 = once.map(|(_, message)| message.clone()).collect();
        }
    }

    /// Puts the receivers in order; what one receiver gets keeps its order.
    pub fn settle(&mut self) {
        self.0.sort_by_key(|message| message.to);
    }
}

impl std::ops::Deref for Outbox {
    type Target = [Message];
    fn deref(&self) -> &[Message] {
        &self.0
    }
}

impl FromIterator<Message> for Outbox {
    fn from_iter<I: IntoIterator<Item = Message>>(messages: I) -> Self {
        Outbox(messages.into_iter().collect())
    }
}

impl Field for Outbox {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        Field::unpack(input).map(Outbox)
    }
    fn rename(&self, by: &Renaming) -> Self {
        let mut renamed = Outbox(self.0.rename(by));
        renamed.settle();
        renamed
    }
    fn sample() -> Self {
        Outbox::default()
    }
    fn vary(&self) -> Vec<Self> {
        self.0.vary().into_iter().map(Outbox).collect()
    }
}

record! {
    /// A write that is queued: what its step changed of what must be durable,
    /// and the messages that wait for it.
    pub struct Write {
        /// The term after it.
        pub term: Term,
        /// The vote after it.
        pub vote: Option<NodeId>,
        /// The commit index after it; stays zero where commit is volatile.
        pub commit: Index,
        /// How many entries of the log before it stay.
        pub keep: Index,
        /// What it appends to them; where it installs a snapshot, the rest of
        /// the snapshot's state.
        pub entries: Batch,
        /// Up to where the log is compacted after it.
        pub base: Index,
        /// What leaves once it is durable.
        pub waiting: Outbox,
    }
}

impl Write {
    /// Where the log ends after it.
    pub fn end(&self) -> Index {
        self.keep.plus(self.entries.len())
    }
}

/// Writes in the order in which they were queued.
pub type Writes = SmallVec<[Write; 0]>;

choice! {
    /// What a planted flaw keeps between two steps of a server. Nothing of it is
    /// Raft's: without a flaw there is none.
    pub enum Memory {
        /// A vote handler has found the candidate's log up to date, and is yet
        /// to grant the vote (A8).
        UpToDate {
            /// The candidate.
            candidate: NodeId,
            /// The term of its request.
            term: Term,
        } = 0,
        /// A leader's list of progress (B15).
        Progress {
            /// The index that a quorum is taken to hold.
            accepted: Index,
            /// Who has passed it, in the order of the list.
            order: SmallVec<[NodeId; 3]>,
        } = 1,
        /// The entry that the log has kept at the last index of the snapshot
        /// that was installed (B19).
        KeptEntry {
            /// Its position.
            at: Position,
        } = 2,
        /// A change is being applied, and the next thing may come first (C16).
        Applying {
            /// Where it stands in the log.
            index: Index,
            /// The change.
            change: Change,
        } = 3,
    }
}

impl Memory {
    /// Whether it stays when a term ends.
    fn outlives_term(&self) -> bool {
        matches!(self, Memory::KeptEntry { .. } | Memory::Applying { .. })
    }

    /// Whether it stands on the disk.
    fn outlives_crash(&self) -> bool {
        matches!(self, Memory::KeptEntry { .. })
    }
}

record! {
    /// One server.
    ///
    /// Invariants, held by [`Server::check`]:
    ///
    /// 1. `applied <= commit <= log.last_index()`;
    /// 2. `durable.term <= term`, and at equal terms a durable vote is the vote;
    /// 3. `durable.shared <= log.last_index()`;
    /// 4. a candidate or leader has voted for itself;
    /// 5. a leader's log ends in a term not above its own;
    /// 6. there is no [`Memory`];
    /// 7. the queued writes, one behind the other, lead from what is durable to
    ///    what the server holds.
    /// 8. only who hears a leader counts how long ago that was.
    /// 9. `log.base() <= applied`, and the durable base is not past the durable log.
    pub struct Server<L: Log> {
        /// Its name.
        pub id: NodeId,
        /// `currentTerm`.
        pub term: Term,
        /// `votedFor`.
        pub vote: Option<NodeId>,
        /// `log[]`.
        pub log: L,
        /// `commitIndex`.
        pub commit: Index,
        /// `lastApplied`.
        pub applied: Index,
        /// The configuration in force; without voters when unknown.
        pub config: Config,
        /// The leader of this term as far as known, where a rule asks for it.
        pub leader: Option<NodeId>,
        /// The role.
        pub role: Role,
        /// Whether the leader of this term was heard from within the minimum
        /// election timeout, where a rule asks for it (dissertation section
        /// 4.2.3). Where there are leases, a leader of any term.
        pub hears_leader: bool,
        /// Reads that it has asked a leader about and not yet served.
        pub asked: SmallVec<[Asked; 1]>,
        /// What a crash leaves.
        pub durable: Durable,
        /// Messages that wait for the next write to complete.
        pub outbox: Outbox,
        /// What a planted flaw keeps; always `None` without one.
        pub memory: Option<Memory>,
        /// Writes that are queued, the oldest first; none but under
        /// [`Storage::Async`](crate::settings::Storage::Async).
        pub queue: Writes,
        /// Ticks of its clock since it heard a leader, where there are clocks.
        pub waited: u8,
        /// The configuration before the first entry of the log: what storage
        /// holds, or none where the log says it all.
        pub base: Config,
        /// The state of the machine, where there are sessions and a command has
        /// taken effect.
        pub machine: Option<Box<Machine>>,
    }
}

impl<L: Log> Server<L> {
    /// A server that has never run, with an empty log.
    pub fn new(id: NodeId, config: Config) -> Self {
        Server {
            id,
            term: Term(0),
            vote: None,
            log: L::empty(),
            commit: Index::ZERO,
            applied: Index::ZERO,
            config,
            leader: None,
            role: Role::Follower,
            hears_leader: false,
            asked: SmallVec::new(),
            durable: Durable {
                term: Term(0),
                vote: None,
                commit: Index::ZERO,
                shared: Index::ZERO,
                tail: Batch::new(),
                base: Index::ZERO,
            },
            outbox: Outbox::default(),
            memory: None,
            queue: Writes::new(),
            waited: 0,
            base: config,
            machine: None,
        }
    }

    /// Messages that wait for a write.
    pub fn waiting(&self) -> impl Iterator<Item = &Message> {
        let queued = self.queue.iter().flat_map(|write| write.waiting.iter());
        self.outbox.iter().chain(queued)
    }

    /// The entries of the durable log.
    pub fn durable_log(&self) -> impl Iterator<Item = Entry> {
        let shared = usize::try_from(self.durable.shared.0).unwrap_or(usize::MAX);
        let shared = self.log.behind(Index::ZERO).take(shared);
        shared.chain(self.durable.tail.iter().copied())
    }

    /// Writes down that these are the entries of the durable log.
    pub fn set_durable_log(&mut self, disk: &[Entry]) {
        let pairs = self.log.behind(Index::ZERO).zip(disk);
        let same = pairs.take_while(|(held, written)| held == *written).count();
        self.durable.shared = Index(same as u64);
        self.durable.tail = disk[same..].iter().copied().collect();
    }

    /// The term of the durable log at `index`, or in the state of the snapshot
    /// on disk; zero at index zero. For properties.
    pub fn durable_term_at(&self, index: Index) -> Option<Term> {
        if index == Index::ZERO {
            return Some(Term(0));
        }
        if index <= self.durable.shared {
            return self.log.held(index).map(|entry| entry.term);
        }
        let past = usize::try_from(index.0 - self.durable.shared.0 - 1).ok()?;
        self.durable.tail.get(past).map(|entry| entry.term)
    }

    /// A term ends, and with it most of what flaws keep.
    pub fn forget_term(&mut self) {
        self.memory = self.memory.take().filter(Memory::outlives_term);
    }

    /// A crash leaves of what flaws keep only what stands on the disk.
    pub fn forget_all(&mut self) {
        self.memory = self.memory.take().filter(Memory::outlives_crash);
    }

    /// The last position of the durable log.
    pub fn durable_last(&self) -> Position {
        let index = self.durable.shared.plus(self.durable.tail.len());
        Position::new(index, self.durable_term_at(index).unwrap_or_default())
    }

    /// Whether everything the server holds is durable.
    pub fn is_synced(&self, durable_commit: bool) -> bool {
        let durable = &self.durable;
        durable.term == self.term
            && durable.vote == self.vote
            && durable.shared == self.log.last_index()
            && durable.tail.is_empty()
            && durable.base == self.log.base()
            && (!durable_commit || durable.commit == self.commit)
    }

    /// Whether the invariants of a server hold. They do for every server that
    /// unflawed rules lead to; a planted flaw may break them.
    pub fn check(&self) -> bool {
        let last = self.log.last_index();
        let durable = &self.durable;
        let own_vote = match self.role {
            Role::Follower | Role::PreCandidate { .. } => true,
            Role::Candidate { .. } | Role::Leader { .. } => self.vote == Some(self.id),
        };
        self.applied <= self.commit
            && self.commit <= last
            && durable.term <= self.term
            && (durable.term < self.term || durable.vote.is_none() || durable.vote == self.vote)
            && durable.shared <= last
            && own_vote
            && (!self.role.is_leader() || self.log.last().term <= self.term)
            && self.memory.is_none()
            && (self.hears_leader || self.waited == 0)
            && self.log.base() <= self.applied
            && durable.base <= self.durable_last().index
            && crate::log::check(&self.log)
            && self.queue_leads_here()
    }

    /// Whether the queued writes lead from the durable log, term and vote to
    /// those that the server holds.
    fn queue_leads_here(&self) -> bool {
        let Some(newest) = self.queue.last() else {
            return true;
        };
        let mut disk: Vec<Entry> = self.durable_log().collect();
        for write in &self.queue {
            let Ok(keep) = usize::try_from(write.keep.0) else {
                return false;
            };
            if keep > disk.len() {
                return false;
            }
            disk.truncate(keep);
            disk.extend(write.entries.iter().copied());
        }
        (newest.term, newest.vote) == (self.term, self.vote)
            && self.log.behind(Index::ZERO).eq(disk)
            && newest.base == self.log.base()
    }
}
