//! Between stateright and this engine, in both directions.
//!
//! [`FromStateright`] makes a [`Space`] of any [`stateright::Model`] whose
//! states can be packed, so that this engine searches models that know nothing
//! of it. [`Reference`] makes a stateright model of any [`Space`], so that
//! stateright searches what this engine does, and the two can be compared.
//!
//! | stateright | here |
//! |---|---|
//! | `init_states` | [`Worker::initial`] |
//! | `actions`, `next_state` | [`Worker::expand`]; an action without a next state is not enabled |
//! | `within_boundary` is false | [`Sink::beyond`]: counted, not stored |
//! | `Property::always` | a property, judged once on every distinct state |
//! | `Property::sometimes` | a counter, `reached/…`: how many states show it |
//! | `Property::eventually` | refused: a search for bad states does not judge liveness |
//! | `state_count` | generated less beyond |
//! | `unique_state_count`, `max_depth` | distinct, how many levels |
//!
//! # Somebody else's model
//!
//! The ferryman, the wolf, the goat and the cabbage. That not all of them ever
//! get across is broken by a shortest run, which is the answer to the riddle.
//!
//! ```
//! use plimsoll_model::engine::adapter::{FromStateright, Packed};
//! use plimsoll_model::engine::explore::{Options, explore};
//! use stateright::{Model, Property};
//!
//! /// Who is on the far bank, one bit each; the ferryman is the first.
//! struct Banks(u8);
//!
//! impl Packed for Banks {
//!     fn pack(&self, out: &mut Vec<u8>) {
//!         out.push(self.0);
//!     }
//!     fn unpack(packed: &[u8]) -> Self {
//!         Banks(packed[0])
//!     }
//! }
//!
//! struct Ferry;
//!
//! impl Model for Ferry {
//!     type State = Banks;
//!     type Action = &'static str;
//!
//!     fn init_states(&self) -> Vec<Banks> {
//!         vec![Banks(0)]
//!     }
//!     fn actions(&self, _: &Banks, actions: &mut Vec<&'static str>) {
//!         actions.extend(["alone", "wolf", "goat", "cabbage"]);
//!     }
//!     fn next_state(&self, &Banks(from): &Banks, action: &'static str) -> Option<Banks> {
//!         let taken = match action {
//!             "wolf" => 2,
//!             "goat" => 4,
//!             "cabbage" => 8,
//!             _ => 0,
//!         };
//!         // Whom he takes must be where he is.
//!         let with_him = taken == 0 || (from & taken != 0) == (from & 1 != 0);
//!         with_him.then_some(Banks(from ^ taken ^ 1))
//!     }
//!     fn within_boundary(&self, &Banks(far): &Banks) -> bool {
//!         // Nobody is eaten on the bank where he is not.
//!         let alone = if far & 1 == 0 { far } else { !far };
//!         alone & 6 != 6 && alone & 12 != 12
//!     }
//!     fn properties(&self) -> Vec<Property<Self>> {
//!         vec![
//!             Property::always("somebody stays", |_, state: &Banks| state.0 != 15),
//!             Property::sometimes("the goat is alone", |_, state: &Banks| state.0 == 4),
//!         ]
//!     }
//! }
//!
//! let space = FromStateright::new(Ferry, "the ferry").unwrap();
//! let options = Options {
//!     memory: 1 << 20,
//!     keep_going: true,
//!     ..Options::default()
//! };
//! let report = explore(&space, &options, &mut |_| {}).unwrap();
//! assert_eq!(report.distinct, 10);
//!
//! let crossings = space.actions(&report.trails[0], options.bits).unwrap();
//! assert_eq!(crossings.len(), 7);
//! assert_eq!(crossings[..3], ["goat", "alone", "wolf"]);
//! # use plimsoll_model::engine::space::Space;
//! assert_eq!(space.counters(), ["judged/somebody stays", "reached/the goat is alone"]);
//! assert_eq!(report.counts, [10, 1]);
//! ```

mod from_stateright;
mod reference;

pub use from_stateright::{FromStateright, Unpacker, Unsupported};
pub use reference::{PackedState, Reference};

#[cfg(doc)]
use super::space::{Sink, Space, Worker};

/// A state that can be packed.
///
/// - Equal states are equal bytes, and different ones different bytes: the
///   bytes are all that the engine knows of a state. What has no order of its
///   own (a hash set) is packed in a fixed one.
/// - `unpack` gives back what was packed, in any thread, process and run.
pub trait Packed: Sized {
    /// Appends the packed state to `out`.
    fn pack(&self, out: &mut Vec<u8>);

    /// The state that was packed. It may panic on anything else.
    fn unpack(packed: &[u8]) -> Self;
}
