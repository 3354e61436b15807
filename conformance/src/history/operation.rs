//! What a client asked for, and what it was answered.

/// A client, by its number in [`History::clients`](super::History).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u32);

/// A key, register, queue or set, by its number in
/// [`History::keys`](super::History).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u32);

/// A value, by its number in [`History::values`](super::History).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

impl ValueId {
    /// What a key holds that was never written, or was deleted. A format in
    /// which such a key reads as the empty text gives that text this number.
    pub const ABSENT: ValueId = ValueId(0);
}

/// One call of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Who called.
    pub client: ClientId,
    /// The position of the call.
    pub call: u32,
    /// The position of the return. None: nobody knows whether the operation
    /// took effect, and if so when; at any later time, or never.
    pub ret: Option<u32>,
    /// What was asked.
    pub request: Request,
    /// What was answered.
    pub response: Response,
    /// The revisions that came with the answer (etcd).
    pub revision: Option<Box<Revision>>,
}

impl Operation {
    /// Whether it is known to have taken effect before its return.
    pub fn is_known(&self) -> bool {
        self.ret.is_some()
    }
}

/// What a client asks for. The name of each says which models know it:
/// registers know `Read` and `Write`, compare-and-set registers `Cas` too,
/// key-value stores also `Append`, `Delete`, `Range` and `Txn`; queues and
/// sets have their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// The value of a key. Answer: [`Response::Value`].
    Read {
        /// The key.
        key: KeyId,
    },
    /// Replaces the value of a key. Answer: [`Response::Done`].
    Write {
        /// The key.
        key: KeyId,
        /// The new value.
        value: ValueId,
    },
    /// Replaces the value of a key if it is `from`. Answer:
    /// [`Response::Flag`], whether it was.
    Cas {
        /// The key.
        key: KeyId,
        /// The value it must have.
        from: ValueId,
        /// The new value.
        to: ValueId,
    },
    /// Adds a text to the end of the value of a key; an absent value counts as
    /// the empty text. Answer: [`Response::Done`], or [`Response::Value`] with
    /// what the key holds then.
    Append {
        /// The key.
        key: KeyId,
        /// What is added.
        value: ValueId,
    },
    /// Makes a key absent. Answer: [`Response::Done`], or [`Response::Flag`]:
    /// whether it was there.
    Delete {
        /// The key.
        key: KeyId,
    },
    /// The keys that are there, from `start` on in the order of their names,
    /// with their values. Answer: [`Response::Pairs`].
    Range {
        /// The first key, if it is there.
        start: KeyId,
        /// Where it ends.
        end: RangeEnd,
        /// At most so many.
        limit: Option<u32>,
    },
    /// Several requests at once. Answer: [`Response::Txn`].
    Txn(Box<Txn>),
    /// Adds a value to the end of a queue. Answer: [`Response::Done`].
    Enqueue {
        /// The queue.
        key: KeyId,
        /// The value.
        value: ValueId,
    },
    /// Takes the first value from a queue. Answer: [`Response::Value`], with
    /// [`ValueId::ABSENT`] when the queue is empty.
    Dequeue {
        /// The queue.
        key: KeyId,
    },
    /// Adds a value to a set. Answer: [`Response::Done`], or
    /// [`Response::Flag`]: whether it was new.
    Add {
        /// The set.
        key: KeyId,
        /// The value.
        value: ValueId,
    },
    /// Removes a value from a set. Answer: [`Response::Done`], or
    /// [`Response::Flag`]: whether it was there.
    Remove {
        /// The set.
        key: KeyId,
        /// The value.
        value: ValueId,
    },
    /// Whether a set has a value. Answer: [`Response::Flag`].
    Contains {
        /// The set.
        key: KeyId,
        /// The value.
        value: ValueId,
    },
    /// All values of a set. Answer: [`Response::Values`].
    Members {
        /// The set.
        key: KeyId,
    },
}

impl Request {
    /// The kind, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Request::Read { .. } => "read",
            Request::Write { .. } => "write",
            Request::Cas { .. } => "cas",
            Request::Append { .. } => "append",
            Request::Delete { .. } => "delete",
            Request::Range { .. } => "range",
            Request::Txn(_) => "txn",
            Request::Enqueue { .. } => "enqueue",
            Request::Dequeue { .. } => "dequeue",
            Request::Add { .. } => "add",
            Request::Remove { .. } => "remove",
            Request::Contains { .. } => "contains",
            Request::Members { .. } => "members",
        }
    }
}

/// Where a range of keys ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RangeEnd {
    /// Before this key, by the order of the names (bytes).
    Before(KeyId),
    /// With the last key.
    Open,
}

/// Requests that take effect together: `then` if all comparisons hold,
/// `otherwise` if not. Later requests see what earlier ones wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Txn {
    /// What must hold.
    pub compares: Vec<Compare>,
    /// Done if it does. No transactions, queues or sets within.
    pub then: Vec<Request>,
    /// Done if it does not.
    pub otherwise: Vec<Request>,
}

/// One comparison of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Compare {
    /// The key.
    pub key: KeyId,
    /// How.
    pub op: CompareOp,
    /// With what.
    pub with: CompareWith,
}

/// How two things are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// What the store has is less.
    Less,
    /// What the store has is greater.
    Greater,
}

/// What of a key is compared, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareWith {
    /// Its value; less and greater by the bytes of the text.
    Value(ValueId),
    /// How often it was written since it was created; 0 when absent.
    Version(u64),
    /// The revision that wrote it last; 0 when absent.
    ModRevision(u64),
    /// The revision that created it; 0 when absent.
    CreateRevision(u64),
}

/// What a client was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// Nobody knows. With a return: the operation took effect, but what it
    /// answered is not known.
    Unknown,
    /// It was done; nothing more was said.
    Done,
    /// A value.
    Value(ValueId),
    /// Yes or no.
    Flag(bool),
    /// Keys with their values, in the order of the names.
    Pairs(Vec<(KeyId, ValueId)>),
    /// Values, in any order, each once.
    Values(Vec<ValueId>),
    /// The answer of a transaction.
    Txn {
        /// Whether the comparisons held.
        succeeded: bool,
        /// The answer to each request of the branch that was taken;
        /// [`Response::Unknown`] where it is not known. Empty: not known.
        answers: Vec<Response>,
    },
}

/// The revisions that an answer of etcd carries. The revision of the store
/// counts its changes; a transaction is one change, and a request that changes
/// nothing is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Revision {
    /// The revision of the store, behind the operation.
    pub store: Option<u64>,
    /// The revision that last wrote the key that was read.
    pub modified: Option<u64>,
    /// The revision that created it.
    pub created: Option<u64>,
    /// How often it was written since.
    pub version: Option<u64>,
}

/// Where an operation stands in its file: lines from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The line of the call.
    pub call_line: u32,
    /// The line of the return, or of the note that nobody knows; 0 when there
    /// is none.
    pub ret_line: u32,
}
