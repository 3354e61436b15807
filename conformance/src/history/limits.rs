//! How long a judgement may take, and how much memory.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::verdict::Ground;
use crate::resident::{resident, resident_lately};

/// How many bytes are left for what no look at what is held comes before: the
/// program's own pages, which are resident only once they have run (measured: 12
/// MB with `--version`, 16 MB after a small history), for what several threads
/// take between two looks (3.5 MB at most in 927 runs), and for the answer.
const ANSWER: u64 = 8 << 20;

/// Before less than so many bytes are taken, what is held need not be known to
/// the last moment.
const LITTLE: u64 = 64 << 10;

/// The budgets of one judgement.
#[derive(Clone, Debug)]
pub struct Limits<'a> {
    /// When to stop. None: never.
    pub deadline: Option<Instant>,
    /// The most bytes that tables and stacks of a search take. None: any.
    pub memory_bytes: Option<u64>,
    /// The most bytes that the process may hold resident, whatever holds them:
    /// the program, the history, other judgements, what the allocator has not
    /// given back. None: any. Not heeded where the system does not tell (it
    /// does on Linux).
    pub resident_bytes: Option<u64>,
    /// The most configurations that one search visits; counts as time. None:
    /// any number.
    pub configurations: Option<u64>,
    /// Stops the judgement when it is set.
    pub cancel: Option<&'a AtomicBool>,
    /// How long explaining a failure may take, at most; the deadline holds for
    /// it as well.
    pub explain: Duration,
}

impl Default for Limits<'_> {
    fn default() -> Self {
        Limits {
            deadline: None,
            memory_bytes: None,
            resident_bytes: None,
            configurations: None,
            cancel: None,
            explain: Duration::from_secs(2),
        }
    }
}

impl Limits<'_> {
    /// Why to stop now, if there is a reason.
    pub fn reached(&self) -> Option<Ground> {
        if self.cancel.is_some_and(|flag| flag.load(Relaxed)) {
            return Some(Ground::Interrupted);
        }
        let late = self.deadline.is_some_and(|at| Instant::now() >= at);
        if late {
            return Some(Ground::Time);
        }
        (!self.has_room(0)).then_some(Ground::Memory)
    }

    /// Whether the process may hold so many bytes more, and what it takes to
    /// answer.
    pub fn has_room(&self, bytes: u64) -> bool {
        self.resident_bytes.is_none_or(|most| {
            let held = match bytes < LITTLE {
                true => resident_lately(),
                false => resident(),
            };
            let held = held.unwrap_or(0);
            held.saturating_add(bytes).saturating_add(ANSWER) <= most
        })
    }

    /// [`Ground::Memory`] where the process may not hold so many bytes more for
    /// each of some operations.
    pub(super) fn short_of(&self, operations: usize, bytes: usize) -> Option<Ground> {
        let room = self.has_room(operations as u64 * bytes as u64);
        (!room).then_some(Ground::Memory)
    }

    /// The same limits, ending after `time` at the latest.
    pub fn within(&self, time: Duration) -> Self {
        let end = Instant::now().checked_add(time);
        let deadline = match (self.deadline, end) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Limits {
            deadline,
            ..self.clone()
        }
    }
}
