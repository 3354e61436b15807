//! Other people's trace formats, each in a file or folder of its own.
//!
//! An adapter reads events, tells the [`Follower`](crate::replay::follow) what
//! each did, and compares what the model did with what the event shows. It
//! holds facts of a format and of the implementation behind it, never a rule of
//! Raft.

pub mod etcd_raft;
pub mod plimsoll;
