//! What went wrong in a run: messages lost, repeated, overtaken or late, links
//! that carried nothing, crashes and what they left.
//!
//! No line of a trace says so. It follows from what was sent and what arrived,
//! on each link by itself, from one node to another:
//!
//! - *received*: how many lines received a message;
//! - *lost*: it never arrived, and one that was sent after it on its link did.
//!   Where a network reorders, it may have been under way still when the trace
//!   ended;
//! - *never received*: it did not arrive, and nothing that was sent after it on
//!   its link did: it was lost, or under way at the end. That is no fault;
//! - *repeated*: it arrived, and had arrived before;
//! - *overtaken*: it arrived after one that was sent after it on its link;
//! - *late*: it is of an earlier term than its receiver was in when it arrived;
//! - *cut off*: [`CUT`] messages in a row of a link, or more, did not arrive,
//!   one after them did, and the receiver did not restart meanwhile. A partition
//!   shows so, and so does bad luck.
//!
//! Messages that have an id are told apart by it. Without ids those that read
//! the same cannot be: then what arrives is taken for the copy that makes least
//! of a fault of it, and the counts are estimates.

use std::collections::BTreeMap;

use plimsoll_model::ids::{Index, NodeId, Position, Term};
use plimsoll_model::log::{GrowingLog, Log};
use plimsoll_model::message::{Body, Message};
use plimsoll_model::server::Server;
use plimsoll_model::settings::Settings;

use super::follow::Follower;
use super::ledger::Ledger;

/// How many messages in a row do not arrive where a link is taken for cut off.
pub const CUT: u64 = 8;

/// The kinds of messages, as [`kind_of`] names them.
pub const KINDS: [&str; 12] = [
    "request-vote",
    "vote",
    "append",
    "append-ack",
    "heartbeat",
    "heartbeat-ack",
    "request-pre-vote",
    "pre-vote",
    "timeout-now",
    "request-read",
    "read-index",
    "install-snapshot",
];

/// The kind of a message: what the action of its arrival is called behind
/// `receive-`.
pub fn kind_of(body: &Body) -> &'static str {
    match body.plain().as_ref() {
        Body::RequestVote { .. } => "request-vote",
        Body::Vote { .. } => "vote",
        Body::Append { .. } => "append",
        Body::AppendAck { .. } => "append-ack",
        Body::Heartbeat { .. } => "heartbeat",
        Body::HeartbeatAck { .. } => "heartbeat-ack",
        Body::RequestPreVote { .. } => "request-pre-vote",
        // [`Body::plain`] is no `Telling`.
        Body::PreVote { .. } | Body::Telling { .. } => "pre-vote",
        Body::TimeoutNow => "timeout-now",
        Body::RequestRead { .. } => "request-read",
        Body::ReadIndex { .. } => "read-index",
        Body::InstallSnapshot { .. } => "install-snapshot",
    }
}

/// What became of the messages of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many were sent.
    pub sent: u64,
    /// How often one arrived.
    pub received: u64,
    /// How many never arrived though a later one of their link did.
    pub lost: u64,
    /// How many never arrived, and nothing later of their link did.
    pub never_received: u64,
    /// How often one arrived that had arrived before.
    pub repeated: u64,
    /// How many arrived after a later one of their link.
    pub overtaken: u64,
    /// How often one of an earlier term than its receiver's arrived.
    pub late: u64,
}

impl Tally {
    /// Adds `other`.
    pub fn add(&mut self, other: &Tally) {
        self.sent += other.sent;
        self.received += other.received;
        self.lost += other.lost;
        self.never_received += other.never_received;
        self.repeated += other.repeated;
        self.overtaken += other.overtaken;
        self.late += other.late;
    }

    /// Its faults, by name.
    pub fn faults(&self) -> [(&'static str, u64); 4] {
        [
            ("lost", self.lost),
            ("repeated", self.repeated),
            ("overtaken", self.overtaken),
            ("late", self.late),
        ]
    }
}

/// What a crash left of what was not durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Crash {
    /// Everything was durable.
    Durable,
    /// All of it.
    KeptAll,
    /// A part of it.
    KeptPart,
    /// Nothing of it.
    KeptNothing,
}

impl Crash {
    /// Every outcome.
    pub const ALL: [Crash; 4] = [
        Crash::Durable,
        Crash::KeptAll,
        Crash::KeptPart,
        Crash::KeptNothing,
    ];

    /// The name, as tables spell it.
    pub fn name(self) -> &'static str {
        match self {
            Crash::Durable => "crash with all durable",
            Crash::KeptAll => "crash that kept a write",
            Crash::KeptPart => "crash that tore a write",
            Crash::KeptNothing => "crash that lost a write",
        }
    }
}

/// What went wrong in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// By kind of message.
    pub messages: BTreeMap<&'static str, Tally>,
    /// Crashes that a restart shows, by what they left; all that the settings
    /// allow have a place.
    pub crashes: BTreeMap<Crash, u64>,
    /// How often a link carried nothing for a while.
    pub cut_off: u64,
}

impl Faults {
    /// Adds those of another run.
    pub fn add(&mut self, other: &Faults) {
        for (kind, tally) in &other.messages {
            self.messages.entry(kind).or_default().add(tally);
        }
        for (crash, count) in &other.crashes {
            *self.crashes.entry(*crash).or_default() += count;
        }
        self.cut_off += other.cut_off;
    }
}

/// How a server stands with its disk when it crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    is: State,
    durable: State,
}

type State = (Term, Option<NodeId>, Position, Index);

impl Standing {
    /// That of `server`.
    pub fn of(server: &Server<GrowingLog>, settings: &Settings) -> Self {
        let durable = &server.durable;
        let last = server.durable_last();
        Standing {
            is: state_of(server, settings),
            durable: match settings.durable_commit {
                true => (durable.term, durable.vote, last, durable.commit),
                false => (durable.term, durable.vote, last, Index::ZERO),
            },
        }
    }

    /// What a crash from here has left if `server` is what came back.
    pub fn left(&self, server: &Server<GrowingLog>, settings: &Settings) -> Crash {
        let left = state_of(server, settings);
        match (self.is == self.durable, left == self.is) {
            (true, _) => Crash::Durable,
            (false, true) => Crash::KeptAll,
            (false, false) if left == self.durable => Crash::KeptNothing,
            (false, false) => Crash::KeptPart,
        }
    }
}

fn state_of(server: &Server<GrowingLog>, settings: &Settings) -> State {
    let commit = match settings.durable_commit {
        true => server.commit,
        false => Index::ZERO,
    };
    (server.term, server.vote, server.log.last(), commit)
}

impl Follower {
    /// Counts what goes wrong, in a format that shows these kinds of messages; in
    /// one whose answers for what was written leave last of what leaves together
    /// if `answers_last`.
    pub fn count_faults(&mut self, shows: &'static [&'static str], answers_last: bool) {
        let ledger = Ledger::new(shows, answers_last, &self.settings);
        self.flights.ledger = Some(Box::new(ledger));
    }

    /// A line of `id` receives `message`, the one of that name if it has one that
    /// its sender's line showed.
    pub fn received(&mut self, id: NodeId, message: &Message, name: Option<u128>) {
        let now = self.member(id).map_or(Term(0), |m| m.server.term);
        self.flights.received(message, name, now);
    }

    /// How `id` stands with its disk, where faults are counted.
    pub fn standing(&self, id: NodeId) -> Option<Standing> {
        self.flights.ledger.as_ref()?;
        let member = self.member(id)?;
        Some(Standing::of(&member.server, &self.settings))
    }

    /// What leaves from now on may not have left, or has.
    pub fn doubt(&mut self, doubtful: bool) {
        if let Some(ledger) = &mut self.flights.ledger {
            ledger.doubtful = doubtful;
        }
    }

    /// `id`, which stood so when it crashed, has restarted.
    pub fn crashed(&mut self, id: NodeId, stood: Option<Standing>) {
        self.doubt(false);
        let settings = self.settings;
        let left = stood.zip(self.member(id));
        let left = left.map(|(stood, member)| stood.left(&member.server, &settings));
        if let (Some(left), Some(ledger)) = (left, &mut self.flights.ledger) {
            ledger.crashed(id, left);
        }
    }
}
