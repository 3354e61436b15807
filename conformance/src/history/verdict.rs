//! The verdict on a history, with what it rests on.
//!
//! A history is *linearizable* when an order was found (and was then followed
//! once more, step by step, with the model); it is *not linearizable* when no
//! order exists; it is *inconclusive* when a budget ran out, or when there was
//! nothing to judge. There is no verdict without a [`Certificate`].

use std::collections::BTreeMap;

use super::KeyId;

/// What a history was judged to be.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// What it rests on.
    pub certificate: Certificate,
    /// An order for each part that is linearizable, in the order of the parts.
    pub orders: Vec<Order>,
}

/// The three verdicts.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Every part has an order.
    Linearizable,
    /// A part has none.
    NotLinearizable(Box<Failure>),
    /// Neither was shown.
    Inconclusive(Vec<Ground>),
}

impl Verdict {
    /// The name, as JSON spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Linearizable => "linearizable",
            Verdict::NotLinearizable(_) => "not-linearizable",
            Verdict::Inconclusive(_) => "inconclusive",
        }
    }
}

/// Why a history is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ground {
    /// There was no operation in it.
    Empty,
    /// The time was up.
    Time,
    /// The memory was used up.
    Memory,
    /// It was interrupted.
    Interrupted,
}

impl Ground {
    /// Every ground.
    pub const ALL: [Ground; 4] = [
        Ground::Empty,
        Ground::Time,
        Ground::Memory,
        Ground::Interrupted,
    ];

    /// The name, as JSON spells it.
    pub fn name(self) -> &'static str {
        match self {
            Ground::Empty => "empty",
            Ground::Time => "time",
            Ground::Memory => "memory",
            Ground::Interrupted => "interrupted",
        }
    }

    /// What it says, in a sentence.
    pub fn says(self) -> &'static str {
        match self {
            Ground::Empty => "the history holds no operation",
            Ground::Time => "the time was up (--time)",
            Ground::Memory => "the memory was used up (--memory)",
            Ground::Interrupted => "the judgement was interrupted",
        }
    }
}

/// How a part was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// The order of commit that came with the history was followed.
    Witness,
    /// Zones (Gibbons and Korach): every read has one possible write.
    Zones,
    /// The order in which values pass through a queue.
    Passage,
    /// An answer shows what no operation can have written by then.
    Unwritten,
    /// The search of Wing, Gong and Lowe.
    Search,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Algorithm; 5] = [
        Algorithm::Witness,
        Algorithm::Zones,
        Algorithm::Passage,
        Algorithm::Unwritten,
        Algorithm::Search,
    ];

    /// The name, as JSON spells it.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Witness => "witness",
            Algorithm::Zones => "zones",
            Algorithm::Passage => "passage",
            Algorithm::Unwritten => "unwritten",
            Algorithm::Search => "search",
        }
    }

    /// What it is, in a few words.
    pub fn says(self) -> &'static str {
        match self {
            Algorithm::Witness => "the given order of commit, followed",
            Algorithm::Zones => "zones of writes and their reads (Gibbons and Korach 1997)",
            Algorithm::Passage => {
                "the order of what was put and taken (Henzinger, Sezgin and Vafeiadis 2013)"
            }
            Algorithm::Unwritten => "an answer shows what no operation can have written by then",
            Algorithm::Search => "memoised search (Wing and Gong 1993, Lowe 2017)",
        }
    }
}

/// Operations that were left out, and why no verdict can depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dropped {
    /// A read of which nobody knows what it answered.
    UnknownRead,
    /// A change of unknown outcome whose result nobody can have seen.
    UnknownUnseen,
    /// A compare-and-set that was refused, on a value that was never there.
    RefusedOnNothing,
}

impl Dropped {
    /// The name, as JSON spells it.
    pub fn name(self) -> &'static str {
        match self {
            Dropped::UnknownRead => "unknown-read",
            Dropped::UnknownUnseen => "unknown-unseen",
            Dropped::RefusedOnNothing => "refused-on-nothing",
        }
    }

    /// Why leaving it out is sound.
    pub fn says(self) -> &'static str {
        match self {
            Dropped::UnknownRead => {
                "reads without a known answer: they change nothing and fit everywhere"
            }
            Dropped::UnknownUnseen => {
                "changes of unknown outcome whose value nobody has read: they may never have \
                 happened"
            }
            Dropped::RefusedOnNothing => {
                "compare-and-sets refused on a value that nobody ever wrote: they change nothing \
                 and fit everywhere"
            }
        }
    }
}

/// What a verdict rests on.
#[derive(Clone, Debug, Default)]
pub struct Certificate {
    /// The name of the model.
    pub model: &'static str,
    /// The operations by kind.
    pub operations: BTreeMap<&'static str, Outcomes>,
    /// The parts that were judged on their own.
    pub parts: u64,
    /// Why judging them apart is sound; or why there is one part only.
    pub partition: &'static str,
    /// How many parts were judged with which algorithm.
    pub algorithms: BTreeMap<Algorithm, u64>,
    /// Parts that no algorithm came to an end with.
    pub parts_open: u64,
    /// Configurations that the searches visited.
    pub states: u64,
    /// The most memory that tables and stacks of a search took, in bytes.
    pub memory_bytes: u64,
    /// Operations that were left out.
    pub dropped: BTreeMap<Dropped, u64>,
    /// Operations of parts that came to a verdict.
    pub operations_judged: u64,
}

/// Operations of one kind, by what is known of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// They returned, and what they answered is known.
    pub known: u64,
    /// They returned; what they answered is not known.
    pub unread: u64,
    /// Nobody knows whether they happened.
    pub unknown: u64,
}

/// An order that explains a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The keys of the part, ascending.
    pub keys: Vec<KeyId>,
    /// The operations in the order in which they took effect. Operations of
    /// unknown outcome that are not named need not have happened.
    pub points: Vec<Point>,
}

/// The linearization point of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Index in [`History::operations`](super::History).
    pub operation: u32,
    /// It took effect behind the event with this position, and before the next
    /// one. Points behind the same event are in the order of the list.
    pub behind: u32,
}

/// A part that has no order.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The keys of the part, ascending.
    pub keys: Vec<KeyId>,
    /// The keys of other parts that have none either.
    pub others: Vec<Vec<KeyId>>,
    /// Where the part's longest linearizable prefix ends: what happened before
    /// the return of this operation has an order, with the return it has none.
    /// None: the budget for explanations did not reach.
    pub first_return: Option<u32>,
    /// Indexes of operations that have no order, on their own.
    pub conflict: Vec<u32>,
    /// Whether without any one of them the others have an order (an operation
    /// that wrote what another has read stays).
    pub minimal: bool,
    /// The longest orders of operations of the conflict, and what stands
    /// against each operation that could come next.
    pub attempts: Vec<Attempt>,
    /// What weaker guarantees hold or break.
    pub weaker: Weaker,
}

impl Failure {
    /// That parts with these keys have no order, without a reason.
    pub(super) fn unexplained(keys: impl Iterator<Item = Vec<KeyId>>) -> Self {
        let mut keys = keys;
        Failure {
            keys: keys.next().unwrap_or_default(),
            others: keys.collect(),
            first_return: None,
            conflict: Vec::new(),
            minimal: false,
            attempts: Vec::new(),
            weaker: Weaker::default(),
        }
    }
}

/// An order of some operations of a conflict that cannot be carried on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The order.
    pub points: Vec<Point>,
    /// The operations that are not in it, with what stands against each.
    pub blocked: Vec<Blocked>,
}

/// Why an operation cannot come next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Index of the operation.
    pub operation: u32,
    /// What stands against it.
    pub why: Why,
}

/// What stands against an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The model refuses it in the state reached, in a sentence.
    Refused(String),
    /// It was called after the return of an operation that is not in the order
    /// yet (its index).
    CalledAfter(u32),
    /// It fits, but then an operation (its index) can never follow.
    LeavesBehind(u32),
}

/// What holds of a part that is not linearizable.
#[derive(Clone, Debug)]
pub struct Weaker {
    /// How old the answers of reads are.
    pub stale: Stale,
    /// The guarantees of a session that a client was not given; or why they
    /// were not examined.
    pub sessions: Result<Vec<SessionBreak>, Unexamined>,
    /// Whether the history is sequentially consistent: an order exists that
    /// keeps each client's own. Or why that is not known.
    pub sequential: Result<bool, Untold>,
}

impl Default for Weaker {
    fn default() -> Self {
        Weaker {
            stale: Stale::default(),
            sessions: Err(Unexamined::NotAsked),
            sequential: Err(Untold::NotAsked),
        }
    }
}

/// Why guarantees of sessions were not examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unexamined {
    /// Nothing was to be explained.
    NotAsked,
    /// The part is none of one key with plain operations.
    Kind,
    /// Answers leave open which write they are of.
    Writes,
    /// The memory was used up.
    Spent,
}

impl Unexamined {
    /// The name, as JSON spells it.
    pub fn name(self) -> &'static str {
        match self {
            Unexamined::NotAsked => "not-asked",
            Unexamined::Kind => "kind",
            Unexamined::Writes => "writes",
            Unexamined::Spent => "spent",
        }
    }

    /// What it says, in a sentence.
    pub fn says(self) -> &'static str {
        match self {
            Unexamined::NotAsked => "nothing was to be explained",
            Unexamined::Kind => {
                "only parts of one key are, with plain operations and without revisions"
            }
            Unexamined::Writes => "answers do not tell which write of the key they are of",
            Unexamined::Spent => "the memory was used up (--memory)",
        }
    }
}

/// Why it is not known whether a history is sequentially consistent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untold {
    /// Nothing was to be explained.
    NotAsked,
    /// There are more operations than are asked about.
    Large,
    /// Parts stand alone: queues, and sets of different keys, are not put
    /// together again.
    Apart,
    /// The search visited as many configurations as it may.
    Configurations,
    /// The time or the memory was used up.
    Spent,
}

impl Untold {
    /// The name, as JSON spells it.
    pub fn name(self) -> &'static str {
        match self {
            Untold::NotAsked => "not-asked",
            Untold::Large => "large",
            Untold::Apart => "apart",
            Untold::Configurations => "configurations",
            Untold::Spent => "spent",
        }
    }

    /// What it says, in a sentence.
    pub fn says(self) -> &'static str {
        match self {
            Untold::NotAsked => "nothing was to be explained",
            Untold::Large => "that is not asked of so many operations, whatever the time",
            Untold::Apart => {
                "this part is, alone; several queues or sets are not put together again"
            }
            Untold::Configurations => {
                "the search for it visits a limited number of configurations, whatever the time"
            }
            Untold::Spent => "the time (--explain) or the memory was used up",
        }
    }
}

/// By how much reads would have to be called earlier, all of them, for the
/// part to be linearizable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stale {
    /// Not found within the budget.
    #[default]
    Unknown,
    /// No age of the answers explains the part.
    Never,
    /// The least age that does.
    By {
        /// In events (calls and returns of the whole history).
        events: u32,
        /// In the history's unit of time, where it has times.
        time: Option<u64>,
    },
}

/// The guarantees of Terry et al., "Session guarantees for weakly consistent
/// replicated data" (PDIS 1994).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Session {
    /// A client sees what it wrote.
    ReadYourWrites,
    /// A client that saw a write sees no state before it later.
    MonotonicReads,
    /// The writes of a client take effect in its order.
    MonotonicWrites,
    /// A write takes effect after what its client has seen.
    WritesFollowReads,
}

impl Session {
    /// Every guarantee.
    pub const ALL: [Session; 4] = [
        Session::ReadYourWrites,
        Session::MonotonicReads,
        Session::MonotonicWrites,
        Session::WritesFollowReads,
    ];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Session::ReadYourWrites => "read your writes",
            Session::MonotonicReads => "monotonic reads",
            Session::MonotonicWrites => "monotonic writes",
            Session::WritesFollowReads => "writes follow reads",
        }
    }
}

/// A guarantee that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionBreak {
    /// Which.
    pub session: Session,
    /// The operations that show it, in the order of their calls.
    pub operations: Vec<u32>,
}
