//! What a leader knows of one other member (Raft figure 2: nextIndex,
//! matchIndex).

use std::collections::VecDeque;
use std::fmt;

use super::ids::Index;

/// A leader's view of one follower's log.
///
/// Invariants:
/// - `matched < next`, and `matched` only grows;
/// - everything up to `matched` is in the follower's log, durably;
/// - in [`Mode::Probe`] nothing above `matched` is taken for granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    matched: Index,
    next: Index,
    mode: Mode,
    /// The highest commit index that was sent and, should it arrive, counts.
    commit_sent: Index,
    /// Whether it has answered since the leader last looked who does.
    active: bool,
}

/// How the leader sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// It does not know where the logs agree, and asks one append at a time.
    Probe {
        /// An append is on its way; the answer to it, or to a heartbeat, ends
        /// the wait.
        waiting: bool,
    },
    /// It does, and sends new entries without waiting for answers.
    Replicate {
        /// The last index of each append with entries that was not answered.
        in_flight: VecDeque<Index>,
        /// The window was full after the last append; an answer reopens it.
        waiting: bool,
    },
    /// It has sent its snapshot, and waits for the answer to it.
    Snapshot {
        /// Up to where the snapshot reaches.
        index: Index,
        /// The ticks since. With an election timeout over it is taken for lost.
        elapsed_ticks: u32,
    },
}

impl Progress {
    /// The view of a new leader whose log ends at `last`.
    pub(super) const fn new(last: Index) -> Self {
        Self {
            matched: Index::ZERO,
            next: last.next(),
            mode: Mode::Probe { waiting: false },
            commit_sent: Index::ZERO,
            active: false,
        }
    }

    /// The view of a member that has just become one: it had no time to answer
    /// yet, and counts as though it had.
    pub(super) const fn joined(last: Index) -> Self {
        let mut progress = Self::new(last);
        progress.active = true;
        progress
    }

    /// It has answered something.
    pub(super) const fn answered(&mut self) {
        self.active = true;
    }

    /// Whether it has answered since this was last asked.
    pub(super) const fn take_active(&mut self) -> bool {
        std::mem::replace(&mut self.active, false)
    }

    /// Up to where the follower's log is known to agree.
    #[must_use]
    pub const fn matched(&self) -> Index {
        self.matched
    }

    /// The first entry to send next.
    #[must_use]
    pub const fn next(&self) -> Index {
        self.next
    }

    /// How the leader sends.
    #[must_use]
    pub const fn mode(&self) -> &Mode {
        &self.mode
    }

    pub(super) const fn is_waiting(&self) -> bool {
        match self.mode {
            Mode::Probe { waiting } | Mode::Replicate { waiting, .. } => waiting,
            Mode::Snapshot { .. } => true,
        }
    }

    pub(super) const fn is_probing(&self) -> bool {
        matches!(self.mode, Mode::Probe { .. })
    }

    /// Whether an append of entries would exceed what may be in flight. An
    /// empty one may still go out, so that a window whose appends were all
    /// lost is found out.
    pub(super) fn is_full(&self, in_flight_max: usize) -> bool {
        match &self.mode {
            Mode::Probe { .. } | Mode::Snapshot { .. } => false,
            Mode::Replicate { in_flight, .. } => in_flight.len() >= in_flight_max,
        }
    }

    /// An append with `count` entries from `next` and this commit went out.
    pub(super) fn sent(&mut self, count: usize, commit: Index, in_flight_max: usize) {
        match &mut self.mode {
            Mode::Probe { waiting } => *waiting = true,
            Mode::Replicate { in_flight, waiting } => {
                if count > 0 {
                    self.next = self.next.plus(count);
                    in_flight.push_back(self.next.previous());
                }
                *waiting = in_flight.len() >= in_flight_max;
            }
            Mode::Snapshot { .. } => unreachable!("waits for its snapshot"),
        }
        self.commit_sent = commit;
    }

    /// A snapshot that reaches `index` went out.
    pub(super) fn snapshot_sent(&mut self, index: Index) {
        self.mode = Mode::Snapshot {
            index,
            elapsed_ticks: 0,
        };
    }

    /// A unit of time passes. A snapshot that was not answered within
    /// `timeout_ticks` is taken for lost.
    pub(super) fn tick(&mut self, timeout_ticks: u32) {
        if let Mode::Snapshot { elapsed_ticks, .. } = &mut self.mode {
            *elapsed_ticks += 1;
            if *elapsed_ticks >= timeout_ticks {
                self.next = self.matched.next();
                self.mode = Mode::Probe { waiting: false };
            }
        }
    }

    pub(super) const fn heartbeat_sent(&mut self, commit: Index) {
        self.commit_sent = commit;
    }

    /// Whether sending `commit` could raise the follower's commit above what
    /// was sent: a follower commits no further than it matches.
    pub(super) fn lacks_commit(&self, commit: Index) -> bool {
        commit > self.commit_sent && self.commit_sent < self.next.previous()
    }

    /// The follower agrees up to `index`. Says whether that is news.
    pub(super) fn accepted(&mut self, index: Index) -> bool {
        let grew = index > self.matched;
        if grew {
            self.matched = index;
            self.next = self.next.max(index.next());
        }
        let found = match self.mode {
            Mode::Probe { .. } => index == self.matched,
            // It may have the entries behind the snapshot from elsewhere, or
            // the snapshot itself.
            Mode::Snapshot { index: sent, .. } => self.matched >= sent,
            Mode::Replicate { .. } => false,
        };
        if found {
            self.next = self.matched.next();
            self.mode = Mode::Replicate {
                in_flight: VecDeque::new(),
                waiting: false,
            };
        } else if grew && let Mode::Replicate { in_flight, waiting } = &mut self.mode {
            while in_flight.front().is_some_and(|&last| last <= index) {
                in_flight.pop_front();
            }
            *waiting = false;
        }
        grew || found
    }

    /// The follower has nothing at `index` that agrees, and agrees at most up
    /// to `bound`. Says whether to probe again: a refusal that answers an
    /// older append is ignored.
    pub(super) fn rejected(&mut self, index: Index, bound: Index) -> bool {
        match self.mode {
            Mode::Replicate { .. } if index <= self.matched => return false,
            Mode::Probe { .. } if index != self.next.previous() => return false,
            Mode::Snapshot { .. } => return false,
            Mode::Replicate { .. } => self.next = self.matched.next(),
            Mode::Probe { .. } => {
                self.next = index.min(bound.next()).max(self.matched.next());
            }
        }
        self.mode = Mode::Probe { waiting: false };
        self.commit_sent = self.commit_sent.min(self.next.previous());
        true
    }

    /// The follower answered a heartbeat, so one more append may go out.
    pub(super) const fn heard_from(&mut self) {
        match &mut self.mode {
            Mode::Probe { waiting } | Mode::Replicate { waiting, .. } => *waiting = false,
            Mode::Snapshot { .. } => {}
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            Mode::Probe { .. } => "probe",
            Mode::Replicate { .. } => "replicate",
            Mode::Snapshot { .. } => "snapshot",
        };
        write!(f, "{mode}({} {}", self.matched, self.next)?;
        f.write_str(if self.is_waiting() { " waiting)" } else { ")" })
    }
}
