//! The rule book: Raft as an executable model, explored exhaustively.
//!
//! # Words
//!
//! Raft's own: server, term, index, entry, leader, follower, candidate, quorum,
//! configuration, read index. Ours: a *rule* is what one server does with one
//! input; a *refusal* is a rule's reason not to; an *action* is one thing that
//! happens in a cluster; a *flaw* is a planted bug; *bounds* say how far an
//! exploration goes; an *engine* explores; a *witness* is a situation that must
//! be reached, or nothing was shown.
//!
//! # Reading order, and figure 2 of the paper
//!
//! | file | holds | figure 2 |
//! |---|---|---|
//! | [`ids`], [`log`], [`config`], [`message`], [`server`], [`progress`] | names, entries, configurations, messages, one server, what a leader knows of the others | State; the RPCs' arguments and results |
//! | [`settings`], [`storage`], [`contracts`] | where Rafts legally differ; what a crash may leave, and what breaks where that is too much | |
//! | [`refusal`] | why a rule says no | |
//! | [`rules`] | the rule book | Rules for Servers; the RPCs' receiver implementations |
//! | [`network`], [`history`], [`cluster`] | the rest of the state; ghost state is fenced in `history` | |
//! | [`action`] | all that can happen | |
//! | [`properties`], [`witnesses`] | what must hold, what must be reached | figure 3 |
//! | [`bounds`], [`scenario`], [`presets`], [`features`], [`flaws`] | what is explored | |
//! | [`mod@stateright`], [`book`], [`engine`], [`symmetry`], [`shared`] | how it is explored | |
//! | [`liveness`] | what stays possible after faults, what fair runs do not put off | |
//! | [`prove`] | that a planted flaw is caught | |
//! | [`counterexample`] | what is shown when a property breaks | |
//! | [`yardstick`] | another model, to measure engines by | |
//!
//! # What is modelled, and what is not
//!
//! Elections, replication, commitment, ReadIndex reads, configurations taken
//! from applied entries, durability and crashes, over a network that loses,
//! duplicates and reorders, on storage that writes at once or later; PreVote, CheckQuorum, leader stickiness and
//! leadership transfer; changes of membership, snapshots, leases, flow control
//! ([`features`]). Not yet: client sessions.
//! A timer may fire at any time; clocks there are only where there are leases.

pub mod action;
pub mod book;
pub mod bounds;
pub mod clocks;
pub mod cluster;
pub mod config;
pub mod contracts;
pub mod counterexample;
pub mod engine;
pub mod features;
pub mod field;
pub mod flaws;
pub mod history;
pub mod ids;
pub mod liveness;
pub mod log;
pub mod message;
pub mod network;
pub mod prefix;
pub mod presets;
pub mod progress;
pub mod properties;
pub mod prove;
pub mod reachable;
pub mod refusal;
pub mod rules;
pub mod scenario;
pub mod server;
pub mod sessions;
pub mod settings;
pub mod shared;
pub mod stateright;
pub mod storage;
pub mod symmetry;
pub mod witnesses;
pub mod yardstick;
