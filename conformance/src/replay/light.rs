//! Snapshots without the state that they carry: many are in flight, and whoever
//! holds the log has their state.

use plimsoll_model::log::{Batch, GrowingLog};
use plimsoll_model::message::{Body, Message, Messages};
use plimsoll_model::server::Server;

/// Takes the state out of `message`, if it is a snapshot.
pub(super) fn without_state(message: &mut Message) {
    if let Body::InstallSnapshot { state, .. } = &mut message.body {
        *state = Batch::new();
    }
}

/// Takes the state out of the snapshots that were just said.
pub(super) fn lighten(server: &mut Server<GrowingLog>, released: &mut Messages) {
    let lightened = |message: &Message| {
        let Body::InstallSnapshot {
            last,
            config,
            joined,
            ..
        } = message.body
        else {
            return message.clone();
        };
        let body = Body::InstallSnapshot {
            last,
            config,
            state: Batch::new(),
            joined,
        };
        Message { body, ..*message }
    };
    released.iter_mut().for_each(without_state);
    server.outbox = server.outbox.iter().map(lightened).collect();
    for write in &mut server.queue {
        write.waiting = write.waiting.iter().map(lightened).collect();
    }
}
