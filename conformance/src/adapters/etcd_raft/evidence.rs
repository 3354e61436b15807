//! What tells asynchronous storage, anywhere in a trace.
//!
//! A step that loses what an earlier `Ready` handed out is illegal with
//! synchronous storage and legal with asynchronous, and looks the same in both.
//! So before a run is called wrong, the whole trace is asked: after a
//! `Ready` that covers an acknowledgement of a node's own write, did anything
//! else of that node come before the acknowledgement? The storage contract is
//! what the trace shows, whether it shows it before the crash or after, in this
//! file or in another node's.

use std::sync::Arc;

use plimsoll_trace::{Line, TraceError};

use super::event::{self, Event, MsgType, Name};
use super::nid::{ByNid, Nid};
use crate::replay::InputError;
use crate::replay::order::Reading;
use crate::verdict::Place;

/// Acknowledgements to oneself: queued, and covered by the last `Ready`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Own {
    queued: u64,
    covered: u64,
}

/// Reads events, and notes where they show asynchronous storage.
#[derive(Default)]
pub(super) struct Evidence {
    nodes: ByNid<Own>,
    /// Where each input shows it first.
    shown: Vec<Option<Place>>,
}

impl Evidence {
    /// Whether a node has a line, as far as the trace was read.
    pub(super) fn has_lines(&self, node: Nid) -> bool {
        self.nodes.contains_key(&node)
    }

    /// Where the trace shows asynchronous storage, as far as it was read.
    pub(super) fn of_asynchronous(&self) -> Option<&Place> {
        self.shown.iter().flatten().next()
    }
}

impl Reading for Evidence {
    type Event = Event;
    type Said = Box<Event>;
    type Parser = ();

    fn parse(
        (): &mut (),
        file: &Arc<str>,
        line: Line<'_>,
        _first: bool,
    ) -> Result<Box<Event>, TraceError> {
        event::parse(file, line)
    }

    fn take(
        &mut self,
        input: usize,
        _file: &Arc<str>,
        event: Box<Event>,
        _rotated: bool,
        place: &Place,
    ) -> Result<Option<Box<Event>>, InputError> {
        if self.shown.len() <= input {
            self.shown.resize(input + 1, None);
        }
        let own = self.nodes.entry(event.nid).or_default();
        if self.shown[input].is_none() && own.shows(&event) {
            self.shown[input] = Some(place.clone());
        }
        Ok(Some(event))
    }
}

impl Own {
    /// Whether the node's next event shows asynchronous storage.
    pub(crate) fn shows(&mut self, event: &Event) -> bool {
        let own = self;
        let to_itself = event.msg.as_ref().is_some_and(|m| m.from == m.to);
        match event.name {
            Name::InitState => *own = Own::default(),
            Name::Ready => {
                if own.covered > 0 {
                    return true;
                }
                own.covered = own.queued;
            }
            Name::BecomeCandidate => return own.covered > 0,
            name if name.is_receive() && to_itself => {
                own.queued = own.queued.saturating_sub(1);
                own.covered = own.covered.saturating_sub(1);
            }
            name if name.is_receive() => return own.covered > 0,
            name if name.is_send() && to_itself => own.queued += 1,
            Name::SendAppendEntriesRequest => {
                let heartbeat = |m: &event::Msg| m.kind == MsgType::MsgHeartbeat;
                return own.covered > 0 && event.msg.as_ref().is_some_and(heartbeat);
            }
            _ => {}
        }
        false
    }
}
