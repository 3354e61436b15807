//! The yardstick: Diego Ongaro's TLA+ specification of Raft
//! (`ongardie/raft.tla`), at its own granularity, as a space of packed states.
//!
//! It is no part of the rule book and shares nothing with it. It is here so
//! that engines can be compared on exactly one space, and be checked by the
//! counts of TLC, which searches the specification itself
//! (`docs/yardstick.md` says how).
//!
//! Without the specification's history variables (`elections`, `allLogs`,
//! `voterLog`, `mlog`), which nothing reads. One initial state; one successor
//! for every binding of every disjunct of `Next` that is enabled, those that
//! change nothing and those that repeat another included.
//!
//! | file | holds |
//! |---|---|
//! | `bounds` | how far it is explored |
//! | `layout`, `head`, `word` | where everything lies in a packed state |
//! | `message` | messages, to read and as numbers |
//! | `bag` | the bag of messages |
//! | `actions`, `receive` | `Next`, action by action |
//! | `expansion` | how successors are made |
//! | `step` | the names of what happens |
//! | `properties` | what must hold |
//! | `readable`, `within` | states to read; which of them can be packed |
//! | `path` | runs to read |

mod actions;
mod bag;
mod bounds;
mod expansion;
mod head;
mod layout;
mod message;
mod path;
mod properties;
mod readable;
mod receive;
mod step;
mod within;
mod word;

pub use bounds::{Bounds, BoundsError};
pub use message::Message;
pub use path::Path;
pub use readable::{Entry, Role, Server, State};
pub use step::{Action, Binding, Step};

use crate::engine::space::{Sink, Space, Worker};
use bag::Bag;
use expansion::{Expansion, Server as Read};
use layout::Layout;
use step::{Notes, Tally};
use word::PAD;

/// The specification within some bounds.
///
/// ```
/// use plimsoll_model::engine::space::{Sink, Space, Worker};
/// use plimsoll_model::yardstick::{Bounds, Yardstick};
///
/// #[derive(Default)]
/// struct Count { states: u32, beyond: u32 }
/// impl Sink for Count {
///     fn state(&mut self, _: &[u8], _: u32, _: u64) {
///         self.states += 1;
///     }
///     fn beyond(&mut self) {
///         self.beyond += 1;
///     }
/// }
///
/// let yardstick = Yardstick::new(Bounds {
///     servers: 3,
///     values: 1,
///     max_term: 1,
///     max_log: 2,
///     max_messages: 1,
///     max_copies: 1,
/// })?;
/// // A restart of each server; each times out into term 2.
/// let mut count = Count::default();
/// yardstick.worker().expand(&yardstick.initial(), &mut count);
/// assert_eq!((count.states, count.beyond), (3, 3));
/// # Ok::<(), plimsoll_model::yardstick::BoundsError>(())
/// ```
#[derive(Debug)]
pub struct Yardstick {
    bounds: Bounds,
    layout: Layout,
}

impl Yardstick {
    /// The specification within `bounds`.
    ///
    /// # Errors
    /// A bound out of the range that [`Bounds`] states.
    pub fn new(bounds: Bounds) -> Result<Self, BoundsError> {
        bounds.check()?;
        Ok(Yardstick {
            bounds,
            layout: Layout::new(&bounds),
        })
    }

    /// The bounds.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// How many bytes every packed state takes.
    pub fn bytes(&self) -> usize {
        self.layout.len
    }

    /// The packed initial state.
    pub fn initial(&self) -> Vec<u8> {
        self.layout.pack(&State::initial(self.layout.servers))
    }

    /// Packs `state`; none if it is out of bounds, or no state of as many
    /// servers.
    pub fn pack(&self, state: &State) -> Option<Vec<u8>> {
        within::within(state, &self.bounds).then(|| self.layout.pack(state))
    }

    /// The state that `packed` is.
    ///
    /// # Panics
    /// If this space has not packed it.
    pub fn unpack(&self, packed: &[u8]) -> State {
        self.layout.unpack(packed)
    }

    /// Everything that can happen in the state `packed`, and where it leads,
    /// in the order of [`Worker::expand`].
    ///
    /// # Panics
    /// If this space has not packed it.
    pub fn describe(&self, packed: &[u8]) -> Vec<Step> {
        path::describe(self, packed)
    }

    fn expand(
        &self,
        scratch: &mut Scratch,
        packed: &[u8],
        notes: &mut impl Notes,
        sink: &mut impl Sink,
    ) {
        scratch.take(packed);
        scratch.read(&self.layout);
        Expansion {
            layout: &self.layout,
            max_term: self.bounds.max_term.into(),
            max_log: self.bounds.max_log.into(),
            values: self.bounds.values.into(),
            state: &mut scratch.state,
            servers: &scratch.servers,
            bag: &scratch.bag,
            notes,
            sink,
        }
        .next();
    }
}

impl Space for Yardstick {
    type Worker<'s> = Expander<'s>;

    fn worker(&self) -> Expander<'_> {
        Expander {
            yardstick: self,
            scratch: Scratch::new(self),
            tally: Tally::default(),
        }
    }

    fn properties(&self) -> Vec<String> {
        properties::NAMES.map(String::from).to_vec()
    }

    fn counters(&self) -> Vec<String> {
        Action::ALL.map(|action| action.name().to_owned()).to_vec()
    }

    fn identity(&self) -> String {
        format!("yardstick, layout 1: {}", self.bounds)
    }
}

/// Expands the states of the yardstick on one thread.
#[derive(Debug)]
pub struct Expander<'s> {
    yardstick: &'s Yardstick,
    scratch: Scratch,
    tally: Tally,
}

impl Worker for Expander<'_> {
    fn initial(&mut self, sink: &mut impl Sink) {
        sink.state(&self.yardstick.initial(), 1, 0);
    }

    fn expand(&mut self, packed: &[u8], sink: &mut impl Sink) {
        self.yardstick
            .expand(&mut self.scratch, packed, &mut self.tally, sink);
    }

    fn judge(&mut self, packed: &[u8]) -> u64 {
        self.scratch.take(packed);
        self.yardstick.layout.judge(&self.scratch.state)
    }

    fn counts(&self) -> Vec<u64> {
        self.tally.0.to_vec()
    }
}

/// What an expansion works on.
#[derive(Debug)]
struct Scratch {
    /// The state, and room to read past it.
    state: Vec<u8>,
    servers: Vec<Read>,
    bag: Bag,
}

impl Scratch {
    fn new(yardstick: &Yardstick) -> Self {
        let layout = &yardstick.layout;
        Scratch {
            state: vec![0; layout.len + PAD],
            servers: vec![Read::default(); layout.servers],
            bag: Bag::new(layout, yardstick.bounds.max_copies as usize),
        }
    }

    fn take(&mut self, packed: &[u8]) {
        let len = self.state.len() - PAD;
        self.state[..len].copy_from_slice(packed);
    }

    /// Reads servers and messages of the state that was taken.
    fn read(&mut self, layout: &Layout) {
        for (i, server) in self.servers.iter_mut().enumerate() {
            *server = Read::read(layout, &self.state, i);
        }
        self.bag.read(layout, &self.state);
    }
}
