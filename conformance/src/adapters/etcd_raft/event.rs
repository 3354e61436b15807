//! One line of an etcd-io/raft trace, as the library writes it.

use std::borrow::Cow;

use plimsoll_trace::{ErrorKind, Line, TraceError};
use serde::Deserialize;

use super::nid::{Nid, Nids};

/// The kinds of messages that a trace shows, as faults are counted by
/// ([`crate::replay::faults::KINDS`]).
pub(super) const SHOWN: [&str; 7] = [
    "request-vote",
    "vote",
    "append",
    "append-ack",
    "heartbeat",
    "heartbeat-ack",
    "install-snapshot",
];

/// The names of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Name {
    InitState,
    BecomeCandidate,
    BecomeFollower,
    BecomeLeader,
    Commit,
    Replicate,
    ChangeConf,
    ApplyConfChange,
    Ready,
    SendAppendEntriesRequest,
    ReceiveAppendEntriesRequest,
    SendAppendEntriesResponse,
    ReceiveAppendEntriesResponse,
    SendRequestVoteRequest,
    ReceiveRequestVoteRequest,
    SendRequestVoteResponse,
    ReceiveRequestVoteResponse,
    SendSnapshot,
    ReceiveSnapshot,
}

impl Name {
    pub(super) fn is_receive(self) -> bool {
        matches!(
            self,
            Name::ReceiveAppendEntriesRequest
                | Name::ReceiveAppendEntriesResponse
                | Name::ReceiveRequestVoteRequest
                | Name::ReceiveRequestVoteResponse
        )
    }

    pub(super) fn is_send(self) -> bool {
        matches!(
            self,
            Name::SendAppendEntriesRequest
                | Name::SendAppendEntriesResponse
                | Name::SendRequestVoteRequest
                | Name::SendRequestVoteResponse
        )
    }
}

/// The role of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(clippy::enum_variant_names, reason = "named as the library names them")]
pub(crate) enum Role {
    StateFollower,
    StateCandidate,
    StateLeader,
    StatePreCandidate,
}

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(clippy::enum_variant_names, reason = "named as the library names them")]
pub(crate) enum MsgType {
    MsgApp,
    MsgAppResp,
    MsgHeartbeat,
    MsgHeartbeatResp,
    MsgVote,
    MsgVoteResp,
    MsgSnap,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct HardState {
    pub term: u64,
    pub vote: Nid,
    pub commit: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Msg {
    #[serde(rename = "type")]
    pub kind: MsgType,
    pub term: u64,
    pub from: Nid,
    pub to: Nid,
    pub entries: u64,
    #[serde(rename = "logTerm")]
    pub log_term: u64,
    pub index: u64,
    pub commit: u64,
    /// Of a message to storage alone, which no trace shows.
    #[serde(default)]
    pub vote: Option<Nid>,
    pub reject: bool,
    #[serde(rename = "rejectHint")]
    pub reject_hint: u64,
}

/// What becomes of a node in a change of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Becomes {
    #[serde(rename = "AddNewServer")]
    Voter,
    #[serde(rename = "AddLearner")]
    Learner,
    #[serde(rename = "RemoveServer")]
    Removed,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct SingleChange {
    pub nid: Nid,
    pub action: Becomes,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct ConfChange {
    #[serde(default)]
    pub changes: Vec<SingleChange>,
    #[serde(default)]
    pub newconf: Nids,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Prop {
    #[serde(default)]
    pub cc: Option<ConfChange>,
    /// Of a leader that sends entries: what it knows of itself, if it is a
    /// member.
    #[serde(default, rename = "match")]
    pub matched: Option<u64>,
    #[serde(default)]
    pub next: Option<u64>,
}

/// One event: what happened at which node, and the node's state with it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Event {
    pub name: Name,
    pub nid: Nid,
    pub state: HardState,
    pub role: Role,
    pub log: u64,
    pub conf: [Nids; 2],
    #[serde(default)]
    pub msg: Option<Msg>,
    #[serde(default)]
    pub prop: Option<Prop>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    tag: Option<Cow<'a, str>>,
    event: Option<Box<Event>>,
}

impl Event {
    /// The change of the configuration that the line lists.
    pub(super) fn change(&self) -> Option<&ConfChange> {
        self.prop.as_ref()?.cc.as_ref()
    }

    /// What a leader that sends entries knows of itself: `match` and `next`.
    pub(super) fn own_progress(&self) -> (Option<u64>, Option<u64>) {
        let prop = self.prop.as_ref();
        prop.map_or((None, None), |prop| (prop.matched, prop.next))
    }

    /// Whether the message is one to the node itself.
    pub(super) fn is_own(&self) -> bool {
        self.msg.as_ref().is_some_and(|m| m.from == m.to)
    }

    /// Whether the message is of this kind.
    pub(super) fn carries(&self, kind: MsgType) -> bool {
        self.msg.as_ref().is_some_and(|m| m.kind == kind)
    }
}

/// Whether a first line looks like one of etcd-io/raft's.
pub(crate) fn is_etcd_raft(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Probe {
        event: ProbeEvent,
    }
    #[derive(Deserialize)]
    struct ProbeEvent {
        #[serde(rename = "name")]
        _name: serde::de::IgnoredAny,
        #[serde(rename = "nid")]
        _nid: serde::de::IgnoredAny,
    }
    serde_json::from_slice::<Probe>(line).is_ok_and(|probe| {
        let ProbeEvent { _name, _nid } = probe.event;
        true
    })
}

/// Reads the event in `line`.
///
/// # Errors
/// With file, line, column and cause, when the line is torn or is no event.
pub(crate) fn parse(
    lines_file: &std::sync::Arc<str>,
    line: Line<'_>,
) -> Result<Box<Event>, TraceError> {
    let fail = |column: usize, kind| TraceError {
        at: plimsoll_trace::Place {
            file: std::sync::Arc::clone(lines_file),
            line: line.number,
            column: column as u64,
        },
        kind,
    };
    // Once for the line is faster than once for each text in it.
    let text = std::str::from_utf8(line.bytes).map_err(|error| {
        let torn = !line.terminated && error.error_len().is_none();
        let kind = match torn {
            true => ErrorKind::Torn {
                why: "it ends inside a character".to_owned(),
            },
            false => ErrorKind::Utf8,
        };
        fail(error.valid_up_to() + 1, kind)
    })?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| {
        // Where in the line it is stands in front.
        let why = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let why = why.strip_suffix(&place).unwrap_or(&why).to_owned();
        let kind = match error.classify() {
            serde_json::error::Category::Eof if !line.terminated => ErrorKind::Torn { why },
            serde_json::error::Category::Data => ErrorKind::Invalid(why),
            _ => ErrorKind::Json(why),
        };
        fail(error.column(), kind)
    })?;
    let event = envelope.event.ok_or_else(|| {
        let tag = envelope.tag.unwrap_or_default();
        fail(
            0,
            ErrorKind::Invalid(format!("a line without an event (tag {tag:?})")),
        )
    })?;
    let needs_message = event.name.is_receive() || event.name.is_send();
    if needs_message && event.msg.is_none() {
        let text = format!("{:?} without its message", event.name);
        return Err(fail(0, ErrorKind::Invalid(text)));
    }
    Ok(event)
}
