//! How lines fail to fit together: one variant for each rule that
//! [`WellFormed`](crate::WellFormed) checks.

use crate::names::NodeName;
use crate::position::Index;

/// How lines fail to fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// Something that the version of the header does not have.
    #[error("{what} is not in format version {version}, which the header names")]
    LaterVersion {
        /// What.
        what: &'static str,
        /// The header's version.
        version: u32,
    },
    /// A trace of nobody.
    #[error("the header lists no node")]
    NoNodes,
    /// A name that stands twice where it may stand once.
    #[error("{place} lists {node} twice")]
    TwiceListed {
        /// The list.
        place: &'static str,
        /// The name.
        node: NodeName,
    },
    /// A name that the header's `nodes` does not have.
    #[error("{place} names {node}, which the header's nodes do not list")]
    UnknownNode {
        /// Where the name stands.
        place: &'static str,
        /// The name.
        node: NodeName,
    },
    /// A node whose first line in the file explains nothing before it.
    #[error("the first line of {node} is neither a start nor a resume")]
    NoBeginning {
        /// Whose.
        node: NodeName,
    },
    /// An incarnation or a sequence number 0.
    #[error("{node} has {field} 0: it counts from 1")]
    Zero {
        /// Whose.
        node: NodeName,
        /// `inc` or `seq`.
        field: &'static str,
    },
    /// A start that is not the first line of its incarnation.
    #[error("{node} starts with seq {seq}: each incarnation counts from 1")]
    StartSeq {
        /// Whose.
        node: NodeName,
        /// The number it has.
        seq: u64,
    },
    /// A resume that is not the node's first line in the file.
    #[error("{node} resumes, but line {before} is its line already")]
    LateResume {
        /// Whose.
        node: NodeName,
        /// The node's line before this one.
        before: u64,
    },
    /// A start that does not raise the incarnation by one.
    #[error("{node} starts as incarnation {inc}, but line {before} is of incarnation {inc_before}")]
    StartInc {
        /// Whose.
        node: NodeName,
        /// The incarnation it has.
        inc: u64,
        /// The node's line before this one.
        before: u64,
        /// That line's incarnation.
        inc_before: u64,
    },
    /// Another incarnation, without a start.
    #[error(
        "{node} is incarnation {inc} without a start, but line {before} is of incarnation \
         {inc_before}"
    )]
    NoStart {
        /// Whose.
        node: NodeName,
        /// The incarnation it has.
        inc: u64,
        /// The node's line before this one.
        before: u64,
        /// That line's incarnation.
        inc_before: u64,
    },
    /// Lines are missing, or not in their order.
    #[error("a gap: {node} incarnation {inc} has seq {seq} after seq {seq_before} (line {before})")]
    Gap {
        /// Whose.
        node: NodeName,
        /// The incarnation.
        inc: u64,
        /// The number it has.
        seq: u64,
        /// The node's line before this one.
        before: u64,
        /// That line's number.
        seq_before: u64,
    },
    /// A number that was there before.
    #[error(
        "a duplicate: {node} incarnation {inc} has seq {seq} again, after seq {seq_before} \
         (line {before})"
    )]
    Duplicate {
        /// Whose.
        node: NodeName,
        /// The incarnation.
        inc: u64,
        /// The number it has.
        seq: u64,
        /// The node's line before this one.
        before: u64,
        /// That line's number.
        seq_before: u64,
    },
    /// A beginning that leaves out what it must say.
    #[error("the {cause} of {node} lacks {field}, which it must have")]
    Incomplete {
        /// Whose.
        node: NodeName,
        /// `start` or `resume`.
        cause: &'static str,
        /// What it lacks.
        field: &'static str,
    },
    /// A node receives what was sent to another one.
    #[error("{node} receives a message to {to}")]
    NotTheReceiver {
        /// Who receives.
        node: NodeName,
        /// To whom it was sent.
        to: NodeName,
    },
    /// A node sends in another one's name.
    #[error("{node} sends a message from {from}")]
    NotTheSender {
        /// Who sends.
        node: NodeName,
        /// Who it says it is.
        from: NodeName,
    },
    /// A message whose entries do not follow its `prev`.
    #[error("a message has prev index {prev} and entries after index {after}")]
    EntriesNotAfterPrev {
        /// `prev.index`.
        prev: Index,
        /// `entries.after`.
        after: Index,
    },
}
