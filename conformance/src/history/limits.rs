//! How long a judgement may take, and how much memory.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::verdict::Ground;

/// The budgets of one judgement.
#[derive(Clone, Debug)]
pub struct Limits<'a> {
    /// When to stop. None: never.
    pub deadline: Option<Instant>,
    /// The most bytes that tables and stacks of a search take. None: any.
    pub memory_bytes: Option<u64>,
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
        late.then_some(Ground::Time)
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
