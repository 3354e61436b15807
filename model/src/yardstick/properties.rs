//! What must hold in every state (Raft, figure 3).
//!
//! | property | says | paper |
//! |---|---|---|
//! | election safety | no two leaders of one term | section 5.2 |
//! | log matching | logs that have an entry of one index and term are equal up to it | section 5.3 |
//! | state machine safety | logs are equal as far as both are committed | section 5.4.3 |
//!
//! Not here, for they speak of more than one state or of what history
//! variables would hold: leader append-only, leader completeness.

use super::layout::Layout;
use super::readable::role;

/// The names, in the order of the bits of a mask.
pub(super) const NAMES: [&str; 3] = ["election safety", "log matching", "state machine safety"];

const ELECTION_SAFETY: u64 = 1;
const LOG_MATCHING: u64 = 1 << 1;
const STATE_MACHINE_SAFETY: u64 = 1 << 2;

impl Layout {
    /// The properties that `state`, with room to read past it, breaks.
    pub(super) fn judge(&self, state: &[u8]) -> u64 {
        let mut broken = 0;
        // Bit `t` is set when a leader of term `t` was seen.
        let mut led = 0u64;
        for i in 0..self.servers {
            let core = self.heads.read(state, self.base(i)).0.core;
            let leads = self.core.role.get(core) == role::LEADER;
            let term = u64::from(leads) << self.core.term.get(core);
            if led & term != 0 {
                broken |= ELECTION_SAFETY;
            }
            led |= term;
            for j in 0..i {
                broken |= self.judge_logs(state, self.base(i), self.base(j));
            }
        }
        broken
    }

    fn judge_logs(&self, state: &[u8], left: usize, right: usize) -> u64 {
        if let Some(log) = self.log
            && log.get(state, left) == log.get(state, right)
        {
            return 0;
        }
        let core = |base| self.heads.read(state, base).0.core;
        let (a, b) = (core(left), core(right));
        let mut broken = 0;
        let shorter = self.core.len.get(a).min(self.core.len.get(b));
        let committed = self.core.commit.get(a).min(self.core.commit.get(b));
        let mut differ = false;
        // Past a log's end its entries are zero, and no entry is.
        for index in 1..=shorter.max(committed) {
            let span = self.entry_at(index);
            let (x, y) = (span.get(state, left), span.get(state, right));
            differ |= x != y;
            let same_term = self.entry.term.get(x) == self.entry.term.get(y);
            if differ && index <= shorter && same_term {
                broken |= LOG_MATCHING;
            }
            if differ && index <= committed {
                broken |= STATE_MACHINE_SAFETY;
            }
        }
        broken
    }
}
