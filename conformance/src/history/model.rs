//! What a store answers: the trait that every model fulfils, own ones too.

/// What an operation does in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<U> {
    /// It cannot have happened there: the answer does not fit. The state is as
    /// it was.
    Refused,
    /// It fits, and leaves the state as it was.
    Same,
    /// It fits, and the state is another one now; this brings the old one back.
    Changed(U),
}

/// A sequential object: what its operations do and answer, one at a time.
///
/// An operation (`Op`) is the request together with the answer that the client
/// got. A *state* is all that later answers can depend on, and should be no
/// more than that: two states that no operation of the history can tell apart
/// should be one, or the search visits both.
///
/// # Unknown outcomes
///
/// Whether an operation of unknown outcome happens at all is for the search to
/// choose: [`Model::step`] says what it does *if* it happens. As nobody saw its
/// answer, no answer is to be refused. An operation of unknown outcome that
/// leaves the state as it was is never taken, for not to happen is the same.
///
/// # Hints
///
/// The methods with a default make the search faster. Each states what it
/// promises; a promise that is not kept makes verdicts wrong.
///
/// # Example: a counter
///
/// ```
/// use plimsoll::history::model::{judge_spans, Model, Outcome, Span, Step};
/// use plimsoll::history::Limits;
///
/// enum Op {
///     /// Adds one; nobody is told the sum.
///     Add,
///     /// Was answered with the sum.
///     Get(u32),
/// }
///
/// struct Counter;
///
/// impl Model for Counter {
///     type Op = Op;
///     type State = u32;
///     type Undo = u32;
///
///     fn initial(&self) -> u32 {
///         0
///     }
///
///     fn step(&self, state: &mut u32, op: &Op) -> Step<u32> {
///         match op {
///             Op::Add => {
///                 *state += 1;
///                 Step::Changed(*state - 1)
///             }
///             Op::Get(seen) if seen == state => Step::Same,
///             Op::Get(_) => Step::Refused,
///         }
///     }
///
///     fn undo(&self, state: &mut u32, undo: u32) {
///         *state = undo;
///     }
///
///     fn fingerprint(&self, state: &u32) -> u128 {
///         u128::from(*state)
///     }
///
///     fn reads_only(&self, op: &Op) -> bool {
///         matches!(op, Op::Get(_))
///     }
/// }
///
/// // One client adds and is never answered, another sees the sum before and
/// // after: the addition took effect between.
/// let mut history = vec![
///     (Span::open(0), Op::Add),
///     (Span::new(1, 2), Op::Get(0)),
///     (Span::new(3, 4), Op::Get(1)),
/// ];
/// let outcome = judge_spans(&Counter, &history, &Limits::default());
/// assert_eq!(outcome, Outcome::Order(vec![1, 0, 2]));
///
/// // It cannot be undone.
/// history.push((Span::new(5, 6), Op::Get(0)));
/// let outcome = judge_spans(&Counter, &history, &Limits::default());
/// assert!(matches!(outcome, Outcome::None { .. }));
/// ```
pub trait Model {
    /// A request with its answer.
    type Op;
    /// All that later answers can depend on.
    type State;
    /// What brings the state before a step back.
    type Undo;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// Takes the operation if its answer fits.
    fn step(&self, state: &mut Self::State, op: &Self::Op) -> Step<Self::Undo>;

    /// Takes back the last step that was not taken back yet.
    fn undo(&self, state: &mut Self::State, undo: Self::Undo);

    /// A number that stands for the state: equal states have equal ones, and
    /// different states have different ones, or at least 128 well mixed bits.
    fn fingerprint(&self, state: &Self::State) -> u128;

    /// The keys that the operation touches: operations are judged apart when no
    /// chain of operations with a key in common joins them. None at all: the
    /// operation touches everything.
    ///
    /// Promise: what an operation does and answers depends only on operations
    /// with which it is joined.
    fn keys(&self, _op: &Self::Op, _keys: &mut Vec<u64>) {}

    /// Whether the operation may be taken as soon as it fits and leaves the
    /// state as it was.
    ///
    /// Promise: it changes no state that can follow then.
    fn reads_only(&self, _op: &Self::Op) -> bool {
        false
    }

    /// Whether the operation fits in every state, and the state behind it does
    /// not depend on the state before it.
    fn overwrites(&self, _op: &Self::Op) -> bool {
        false
    }

    /// Whether the operation fits in every state. One that overwrites does.
    ///
    /// Promise: what such an operation makes of a state is only ever found by
    /// operations that tell so ([`finds`](Model::finds)), or that can be
    /// refused.
    fn always_fits(&self, op: &Self::Op) -> bool {
        self.overwrites(op)
    }

    /// A number that the operation shares only with operations that can stand
    /// for each other: in every state both are refused, or both lead to the
    /// same state. An operation of unknown outcome may share it too if that
    /// holds in every state that it changes. None: with no other.
    fn class(&self, _op: &Self::Op) -> Option<u64> {
        None
    }

    /// What the operation has to find: a number for all states in which it may
    /// fit, now or after some more operations that provide nothing. None: not
    /// told.
    ///
    /// Promise, with [`provides`](Model::provides),
    /// [`provided`](Model::provided) and [`within_reach`](Model::within_reach):
    /// an operation that has to find something fits only in states that are
    /// within its reach, and a state that is out of its reach stays so until an
    /// operation that provides it is taken.
    fn finds(&self, _op: &Self::Op) -> Option<u64> {
        None
    }

    /// What the operation provides, by the number that [`finds`](Model::finds)
    /// has for it.
    fn provides(&self, _op: &Self::Op) -> Option<u64> {
        None
    }

    /// What a state provides: only what has to find this can be within reach of
    /// the state. None: not told.
    fn provided(&self, _state: &Self::State) -> Option<u64> {
        None
    }

    /// Whether an operation that has to find something may fit in this state,
    /// or in one that follows without anything that provides it.
    fn within_reach(&self, _state: &Self::State, _op: &Self::Op) -> bool {
        true
    }

    /// The things that have to hold for each of some operations to fit, as
    /// names; empty where nothing is told.
    ///
    /// Promise, with [`makes`](Model::makes) and [`lost`](Model::lost): an
    /// operation fits only in states in which all that it needs holds, and what
    /// does not hold comes to hold only by an operation that makes it.
    fn needs(&self, _ops: &[&Self::Op]) -> Vec<Vec<u128>> {
        Vec::new()
    }

    /// The things that can come to hold by the operation, some of which another
    /// needs.
    fn makes(&self, _op: &Self::Op, _things: &mut Vec<u128>) {}

    /// Things that do not hold any more behind a step.
    fn lost(&self, _state: &Self::State, _undo: &Self::Undo, _things: &mut Vec<u128>) {}

    /// Whether [`gain`](Model::gain) tells anything.
    fn tells_gain(&self) -> bool {
        false
    }

    /// How much nearer an operation that fits brings the state to one in which
    /// another fits (`goal`) that does not fit now; less than 0 if it leads
    /// away. It guides what is tried first, and promises nothing.
    fn gain(&self, _state: &Self::State, _op: &Self::Op, _goal: &Self::Op) -> i32 {
        0
    }

    /// Why the operation does not fit in the state, in a sentence.
    fn refusal(&self, _state: &Self::State, _op: &Self::Op) -> String {
        "the answer does not fit".into()
    }
}

/// When an operation was called and when it returned: positions in the order
/// of all calls and returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The position of the call.
    pub call: u32,
    /// The position of the return; [`Span::NEVER`] where nobody knows whether
    /// the operation happened.
    pub ret: u32,
}

impl Span {
    /// The return of an operation of unknown outcome.
    pub const NEVER: u32 = u32::MAX;

    /// An operation that was called and has returned.
    pub fn new(call: u32, ret: u32) -> Self {
        Span { call, ret }
    }

    /// An operation of unknown outcome.
    pub fn open(call: u32) -> Self {
        let ret = Span::NEVER;
        Span { call, ret }
    }

    /// Whether it returned.
    pub fn is_known(self) -> bool {
        self.ret != Span::NEVER
    }
}

/// What a judgement of operations came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An order that explains them: their indexes.
    Order(Vec<u32>),
    /// There is none.
    None {
        /// The furthest return that the search came to: what returned before
        /// it has an order.
        first_return: u32,
    },
    /// A budget was used up.
    Stopped(super::verdict::Ground),
}

pub use super::search::judge_spans;
