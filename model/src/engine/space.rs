//! What an engine searches: packed states and what follows from each.
//!
//! A state is its packed bytes and nothing else: canonical (equal states are
//! equal bytes), self-contained (they mean the same in every thread, process
//! and run), and hashed as they are. An engine never sees a live object, so a
//! frontier can lie on disk and a search can be split by fingerprint.

/// A state space.
pub trait Space: Sync {
    /// What expands states on one thread.
    type Worker<'s>: Worker + Send
    where
        Self: 's;

    /// A worker. Each thread takes one of its own.
    fn worker(&self) -> Self::Worker<'_>;

    /// The names of the properties, at most 64. Bit `i` of a mask of broken
    /// properties is the `i`-th of them.
    fn properties(&self) -> Vec<String>;

    /// The names of what a worker counts while it expands (see
    /// [`Worker::counts`]).
    fn counters(&self) -> Vec<String>;

    /// All that decides the space, in words: two spaces that say the same are
    /// the same. A search is resumed only by a space that says what it said.
    fn identity(&self) -> String;
}

/// Expands states on one thread. It may keep caches of bounded size; what it
/// answers depends on the state alone.
pub trait Worker {
    /// Hands every initial state to `sink`, in a fixed order.
    fn initial(&mut self, sink: &mut impl Sink);

    /// Hands every successor of the state `packed` to `sink`, in a fixed
    /// order: one call for every action that is enabled, self-loops and
    /// repeated successors included.
    ///
    /// `packed` is what this space has handed to a sink before; a worker may
    /// panic on anything else.
    fn expand(&mut self, packed: &[u8], sink: &mut impl Sink);

    /// The properties of a state that `packed` breaks, as a mask. Asked once
    /// for every distinct state, for spaces that do not judge every step.
    fn judge(&mut self, packed: &[u8]) -> u64 {
        let _ = packed;
        0
    }

    /// What this worker has counted so far, in the order of
    /// [`Space::counters`].
    fn counts(&self) -> Vec<u64>;
}

/// Takes what an expansion generates.
pub trait Sink {
    /// A state within the bounds. `orbit` is how many states it stands for: 1
    /// without symmetry. `broken` is the mask of the properties that the step
    /// to it, or the state itself, breaks.
    fn state(&mut self, packed: &[u8], orbit: u32, broken: u64);

    /// A successor out of bounds: counted, and neither stored nor judged.
    fn beyond(&mut self);
}
