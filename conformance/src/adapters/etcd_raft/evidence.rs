//! What tells asynchronous storage, anywhere in a trace.
//!
//! A step that loses what an earlier `Ready` handed out is illegal with
//! synchronous storage and legal with asynchronous, and looks the same in both.
//! So before a run is called wrong, the whole trace is asked: after a
//! `Ready` that covers an acknowledgement of a node's own write, did anything
//! else of that node come before the acknowledgement? The storage contract is
//! what the trace shows, whether it shows it before the crash or after, in this
//! file or in another node's.

use std::collections::HashMap;
use std::path::PathBuf;

use plimsoll_trace::Lines;

use super::event::{self, Event, MsgType, Name};
use super::nid::Nid;
use crate::replay::{InputError, place};
use crate::verdict::Place;

/// Acknowledgements to oneself: queued, and covered by the last `Ready`.
#[derive(Default)]
struct Own {
    queued: u64,
    covered: u64,
}

/// Where the trace in `files` shows asynchronous storage; `None` when it does
/// not.
///
/// # Errors
/// When a file cannot be read again.
pub(super) fn asynchronous(files: &[PathBuf]) -> Result<Option<Place>, InputError> {
    let mut nodes: HashMap<Nid, Own> = HashMap::new();
    for file in files {
        let mut lines = Lines::open(file)?;
        let mut number = 0;
        while let Some((line, event)) = event::next(&mut lines)? {
            if shows(nodes.entry(event.nid).or_default(), &event) {
                return Ok(Some(place(file, line, number)));
            }
            number += 1;
        }
    }
    Ok(None)
}

fn shows(own: &mut Own, event: &Event) -> bool {
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
