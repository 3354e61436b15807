//! Inputs, outputs and servers in the project's one notation.

use std::fmt;

use super::ids::Position;
use super::io::{Input, Output, SnapshotWrite};
use super::log::LogWrite;
use super::options::HardState;
use super::raft::Raft;
use super::role::Role;

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick => f.write_str("tick"),
            Self::Campaign => f.write_str("campaign"),
            Self::Receive(message) => write!(f, "receive {message}"),
            Self::Write { op, .. } => write!(f, "write {op}"),
            Self::Read { op } => write!(f, "read {op}"),
            Self::Persisted(durable) => {
                write!(f, "persisted {} last={}", durable.hard_state, durable.last)
            }
            Self::Applied(index) => write!(f, "applied {index}"),
            Self::Change(change) => write!(f, "change {change}"),
            Self::Transfer { to } => write!(f, "transfer to {to}"),
            Self::Compact { index, .. } => write!(f, "compact {index}"),
        }
    }
}

impl fmt::Display for HardState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "term={} vote=", self.term)?;
        match self.vote {
            Some(node) => write!(f, "{node}")?,
            None => f.write_str("none")?,
        }
        write!(f, " commit={}", self.commit)
    }
}

impl fmt::Display for LogWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} [", self.after)?;
        for (i, entry) in self.entries.iter().enumerate() {
            let space = if i == 0 { "" } else { " " };
            let index = self.after.plus(i + 1);
            write!(f, "{space}{index}@{}:{}", entry.term, entry.payload)?;
        }
        f.write_str("]")
    }
}

/// One line for each thing that the driver has to do, in the order in which it
/// has to, or `nothing`.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        if let Some(hard_state) = &self.hard_state {
            lines.push(format!("write {hard_state}"));
        }
        match &self.snapshot {
            Some(SnapshotWrite::Compacted(snapshot)) => {
                lines.push(format!("write snapshot {}", snapshot.last));
            }
            Some(SnapshotWrite::Installed(snapshot)) => {
                lines.push(format!("load snapshot {}", snapshot.last));
            }
            None => {}
        }
        if let Some(log) = &self.log {
            lines.push(format!("write log {log}"));
        }
        for message in &self.messages {
            lines.push(format!("send {message}"));
        }
        for read in &self.reads_begun {
            lines.push(format!("begin read {} at {}", read.op, read.index));
        }
        for read in &self.reads_released {
            lines.push(format!("release read {} at {}", read.op, read.index));
        }
        for op in &self.reads_dropped {
            lines.push(format!("drop read {op}"));
        }
        if self.events.checked_quorum {
            lines.push("check quorum".to_owned());
        }
        if self.events.kept_leadership {
            lines.push("keep leadership".to_owned());
        }
        if lines.is_empty() {
            lines.push("nothing".to_owned());
        }
        f.write_str(&lines.join("\n"))
    }
}

/// The server in one line, without its log's contents.
impl fmt::Display for Raft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role() {
            Role::Follower(_) => "follower",
            Role::PreCandidate(_) => "pre-candidate",
            Role::Candidate(_) => "candidate",
            Role::Leader(_) => "leader",
        };
        write!(f, "{}@{} {role} vote=", self.id(), self.term())?;
        match self.vote() {
            Some(node) => write!(f, "{node}")?,
            None => f.write_str("none")?,
        }
        if let (Role::Follower(_), Some(leader)) = (self.role(), self.leader()) {
            write!(f, " leader={leader}")?;
        }
        let last = self.log().last();
        write!(
            f,
            " commit={} applied={} last={last} voters={}",
            self.commit(),
            self.applied(),
            self.configuration()
        )?;
        if self.log().base() != Position::ZERO {
            write!(f, " snapshot={}", self.log().base())?;
        }
        if let Role::Leader(leader) = self.role() {
            for (node, progress) in leader.progress() {
                write!(f, " {node}:{progress}")?;
            }
        }
        Ok(())
    }
}
