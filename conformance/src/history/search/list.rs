//! The calls and returns that are left, in order: a doubly linked list in
//! which an operation is put back where it was taken from.

use super::super::model::Span;

/// A call or a return: twice the index of the operation, and one for a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event(u32);

impl Event {
    pub(super) fn op(self) -> u32 {
        self.0 >> 1
    }

    pub(super) fn is_return(self) -> bool {
        self.0 & 1 == 1
    }

    pub(super) fn its_return(self) -> Event {
        Event(self.0 | 1)
    }
}

/// The events of operations that have returned and have not taken effect yet.
pub(super) struct Events {
    next: Vec<u32>,
    before: Vec<u32>,
    /// The number of the end, which is also before the first.
    end: u32,
}

impl Events {
    /// Of operations in the order of their calls; those of unknown outcome are
    /// left out.
    pub(super) fn new(spans: impl ExactSizeIterator<Item = Span>) -> Self {
        let end = spans.len() as u32 * 2;
        let mut events = Vec::with_capacity(end as usize);
        for (index, span) in spans.enumerate() {
            if span.is_known() {
                events.push((span.call, index as u32 * 2));
                events.push((span.ret, index as u32 * 2 + 1));
            }
        }
        events.sort_unstable();
        let mut list = Events {
            next: vec![end; end as usize + 1],
            before: vec![end; end as usize + 1],
            end,
        };
        let mut last = end;
        for (_, event) in events {
            list.next[last as usize] = event;
            list.before[event as usize] = last;
            last = event;
        }
        list.next[last as usize] = end;
        list.before[end as usize] = last;
        list
    }

    pub(super) fn first(&self) -> Option<Event> {
        self.after(Event(self.end))
    }

    pub(super) fn after(&self, event: Event) -> Option<Event> {
        let next = self.next[event.0 as usize];
        (next != self.end).then_some(Event(next))
    }

    /// Takes an operation out: its return, then its call.
    pub(super) fn lift(&mut self, op: u32) {
        for event in [op * 2 + 1, op * 2] {
            let (before, next) = (self.before[event as usize], self.next[event as usize]);
            self.next[before as usize] = next;
            self.before[next as usize] = before;
        }
    }

    /// Puts the operation back that was taken out last.
    pub(super) fn put_back(&mut self, op: u32) {
        for event in [op * 2, op * 2 + 1] {
            let (before, next) = (self.before[event as usize], self.next[event as usize]);
            self.next[before as usize] = event;
            self.before[next as usize] = event;
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        (self.next.len() + self.before.len()) as u64 * 4
    }
}
