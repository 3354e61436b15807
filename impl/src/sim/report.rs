//! What happened in a run, in numbers.

use std::fmt;

use serde::Serialize;

/// A run's counts. Times are in the simulation's units.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The form of this document.
    pub schema: &'static str,
    /// The command that shows the run again.
    pub command: String,
    /// Steps of nodes, which are the lines of the trace.
    pub steps: u64,
    /// How long the run took in its own time.
    pub time: u64,
    /// The greatest term.
    pub terms: u64,
    /// Elections begun.
    pub elections: u64,
    /// Elections won.
    pub elections_won: u64,
    /// Times a node asked first who would vote for it.
    pub pre_elections: u64,
    /// Times a leader stepped down because it heard no majority.
    pub quorums_lost: u64,
    /// Times a leader was told to hand over.
    pub transfers: u64,
    /// Changes of the configuration that a leader took on.
    pub changes: u64,
    /// Logs that were compacted.
    pub compactions: u64,
    /// Snapshots that replaced a log.
    pub snapshots_installed: u64,
    /// Entries that were committed, the bootstrap among them.
    pub committed: u64,
    /// Conflicting entries that were cut off a log.
    pub truncated: u64,
    /// Messages that left a node.
    pub messages_sent: u64,
    /// Messages, copies among them, that reached one.
    pub messages_delivered: u64,
    /// Messages, or copies, that were lost to chance, a partition or a crash.
    pub messages_lost: u64,
    /// Messages that arrived twice, or would have.
    pub messages_duplicated: u64,
    /// Times the network parted.
    pub partitions: u64,
    /// Crashes.
    pub crashes: u64,
    /// Crashes that lost all of a write.
    pub writes_lost: u64,
    /// Crashes that lost a part of a write.
    pub writes_torn: u64,
    /// Client writes begun.
    pub writes: u64,
    /// Client writes answered.
    pub writes_ok: u64,
    /// Client writes sent again.
    pub writes_repeated: u64,
    /// Client reads begun.
    pub reads: u64,
    /// Client reads answered.
    pub reads_ok: u64,
    /// Operations of unknown outcome.
    pub unknown: u64,
    /// Operations certainly not done.
    pub failed: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "steps      {} in {} units of time",
            self.steps, self.time
        )?;
        writeln!(
            f,
            "elections  {} begun, {} won, greatest term {}",
            self.elections, self.elections_won, self.terms
        )?;
        writeln!(
            f,
            "entries    {} committed, {} cut off",
            self.committed, self.truncated
        )?;
        writeln!(
            f,
            "asked      {} times first; {} leaders heard no majority, {} were to hand over",
            self.pre_elections, self.quorums_lost, self.transfers
        )?;
        writeln!(
            f,
            "changes    {} of the configuration; {} logs compacted, {} replaced",
            self.changes, self.compactions, self.snapshots_installed
        )?;
        writeln!(
            f,
            "messages   {} sent, {} delivered, {} lost, {} duplicated",
            self.messages_sent,
            self.messages_delivered,
            self.messages_lost,
            self.messages_duplicated
        )?;
        writeln!(
            f,
            "faults     {} partitions, {} crashes ({} lost a write, {} tore one)",
            self.partitions, self.crashes, self.writes_lost, self.writes_torn
        )?;
        writeln!(
            f,
            "writes     {} begun, {} done, {} sent again",
            self.writes, self.writes_ok, self.writes_repeated
        )?;
        writeln!(f, "reads      {} begun, {} done", self.reads, self.reads_ok)?;
        writeln!(
            f,
            "operations {} of unknown outcome, {} not done",
            self.unknown, self.failed
        )?;
        write!(f, "again      {}", self.command)
    }
}
