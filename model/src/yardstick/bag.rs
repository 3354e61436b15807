//! The bag of messages while a state is expanded: unpacked once, and every
//! change of it written to the packed slots and taken back.
//!
//! Copies of a message are neighbours, for the slots are sorted.

use super::layout::Layout;

/// The messages of the state that is expanded.
#[derive(Debug)]
pub(super) struct Bag {
    /// In order, and a zero after the last one.
    messages: Vec<u64>,
    held: usize,
    copies_max: usize,
}

/// A change of the bag: the slots from `from` up to `to` hold their neighbours'
/// messages (`by` slots further), but `message` at `at`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edit {
    from: usize,
    to: usize,
    by: isize,
    at: usize,
    message: u64,
}

impl Bag {
    /// Room for the messages of `layout`, at most `copies_max` of each.
    pub(super) fn new(layout: &Layout, copies_max: usize) -> Self {
        Bag {
            messages: vec![0; layout.slots + 1],
            held: 0,
            copies_max,
        }
    }

    /// Takes the messages of `state`.
    #[inline]
    pub(super) fn read(&mut self, layout: &Layout, state: &[u8]) {
        let mut slot = 0;
        while slot < layout.slots {
            let message = layout.slot(state, slot);
            self.messages[slot] = message;
            if message == 0 {
                break;
            }
            slot += 1;
        }
        self.held = slot;
        self.messages[slot] = 0;
    }

    /// How many copies of messages there are.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// The message of slot `slot`; 0 past the last one.
    #[inline(always)]
    pub(super) fn message(&self, slot: usize) -> u64 {
        self.messages[slot]
    }

    /// The slot after the last copy of the message of slot `slot`.
    #[inline]
    pub(super) fn after(&self, slot: usize) -> usize {
        let message = self.messages[slot];
        let mut after = slot + 1;
        while after < self.held && self.messages[after] == message {
            after += 1;
        }
        after
    }

    /// No message more has room.
    #[inline(always)]
    pub(super) fn full(&self) -> bool {
        self.held + 1 >= self.messages.len()
    }

    /// The first slot whose message comes after `message`, and whether there
    /// are as many copies of `message` as may be.
    #[inline]
    fn place(&self, message: u64) -> (usize, bool) {
        let mut place = 0;
        let mut copies = 0;
        while place < self.held && self.messages[place] <= message {
            copies += usize::from(self.messages[place] == message);
            place += 1;
        }
        (place, copies >= self.copies_max)
    }

    /// `Send(message)`; none if it leads out of bounds.
    #[inline]
    pub(super) fn send(&self, message: u64) -> Option<Edit> {
        if self.full() {
            return None;
        }
        let (place, copies_full) = self.place(message);
        (!copies_full).then_some(Edit {
            from: place,
            to: self.held + 1,
            by: -1,
            at: place,
            message,
        })
    }

    /// `Discard` of one copy of the message of slot `slot`.
    #[inline]
    pub(super) fn discard(&self, slot: usize) -> Edit {
        Edit {
            from: slot,
            to: self.held,
            by: 1,
            at: usize::MAX,
            message: 0,
        }
    }

    /// `Reply(message, request)`, where the request is that of slot `slot`;
    /// none if it leads out of bounds.
    #[inline]
    pub(super) fn reply(&self, message: u64, slot: usize) -> Option<Edit> {
        let (place, copies_full) = self.place(message);
        if copies_full {
            return None;
        }
        Some(if place > slot {
            Edit {
                from: slot,
                to: place,
                by: 1,
                at: place - 1,
                message,
            }
        } else {
            Edit {
                from: place,
                to: slot + 1,
                by: -1,
                at: place,
                message,
            }
        })
    }

    /// Writes the bag after `edit` into `state`, which holds this bag.
    #[inline]
    pub(super) fn write(&self, edit: &Edit, layout: &Layout, state: &mut [u8]) {
        for slot in edit.from..edit.to {
            let message = if slot == edit.at {
                edit.message
            } else {
                self.messages[slot.wrapping_add_signed(edit.by)]
            };
            layout.set_slot(state, slot, message);
        }
        self.mend(edit.to, layout, state);
    }

    /// Writes this bag into `state`, which holds it after `edit`.
    #[inline]
    pub(super) fn restore(&self, edit: &Edit, layout: &Layout, state: &mut [u8]) {
        for slot in edit.from..edit.to {
            layout.set_slot(state, slot, self.messages[slot]);
        }
        self.mend(edit.to, layout, state);
    }

    /// Writes the slots from `slot` on, for the one before was written with
    /// zeros into them.
    #[inline]
    fn mend(&self, slot: usize, layout: &Layout, state: &mut [u8]) {
        for slot in slot..self.held {
            layout.set_slot(state, slot, self.messages[slot]);
        }
    }
}
