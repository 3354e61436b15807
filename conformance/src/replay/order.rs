//! From lines to an order in which causes come before effects.
//!
//! A merged file in true order is judged line by line as it is read. Files of
//! several nodes have no order between them: only each node's own sequence, and
//! that a message is sent before it arrives. So each node has a lane, and the
//! head of a lane is judged as soon as what it waits for is there. Which lane
//! goes first does not change a verdict: nodes meet only in messages, and what
//! was sent stays in flight. When every lane waits, nothing will ever come, and
//! the first lane's head is what nobody sent.

use std::collections::VecDeque;

use super::Stop;
use crate::verdict::Place;

/// Someone who judges the events of a format.
pub trait Judging {
    /// An event of the format.
    type Event;

    /// The node whose event it is, as the trace calls it.
    fn lane<'a>(&self, event: &'a Self::Event) -> &'a str;

    /// Whether everything that the event waits for is there.
    fn is_ready(&self, event: &Self::Event) -> bool;

    /// Whether what the event waits for could have happened without a line.
    fn is_ready_silently(&self, event: &Self::Event) -> bool;

    /// Judges an event.
    ///
    /// # Errors
    /// Why the judgement ends here.
    fn judge(&mut self, event: &Self::Event, place: &Place) -> Result<(), Stop>;
}

/// The events of each node, in its own order.
pub struct Lanes<E> {
    lanes: Vec<(String, VecDeque<(Place, E)>)>,
}

impl<E> Default for Lanes<E> {
    fn default() -> Self {
        Lanes { lanes: Vec::new() }
    }
}

impl<E> Lanes<E> {
    /// Adds an event to its node's lane; lanes are kept in the order in which
    /// they appear.
    pub fn push(&mut self, node: &str, place: Place, event: E) {
        let found = self.lanes.iter().position(|(name, _)| name == node);
        let at = found.unwrap_or_else(|| {
            self.lanes.push((node.to_owned(), VecDeque::new()));
            self.lanes.len() - 1
        });
        self.lanes[at].1.push_back((place, event));
    }

    /// Judges everything, causes before effects; returns how many events were
    /// explained, and why it ended early, if it did.
    pub fn judge<J: Judging<Event = E>>(mut self, judge: &mut J) -> (u64, Option<Stop>) {
        // By name, so that the order of the files does not matter.
        self.lanes.sort_by(|a, b| a.0.cmp(&b.0));
        let mut consumed = 0;
        loop {
            let mut moved = false;
            for (_, lane) in &mut self.lanes {
                while let Some((place, event)) = lane.front() {
                    if !judge.is_ready(event) {
                        break;
                    }
                    if let Err(stop) = judge.judge(event, place) {
                        return (consumed, Some(stop));
                    }
                    lane.pop_front();
                    consumed += 1;
                    moved = true;
                }
            }
            if moved {
                continue;
            }
            // All wait: take one whose cause may have left no line, else judge
            // the first head as it is, which says what is missing.
            let waiting = |(_, lane): &(String, VecDeque<(Place, E)>)| !lane.is_empty();
            let silently = |(_, lane): &(String, VecDeque<(Place, E)>)| {
                let head = lane.front();
                head.is_some_and(|(_, event)| judge.is_ready_silently(event))
            };
            let next = self.lanes.iter().position(silently);
            let next = next.or_else(|| self.lanes.iter().position(waiting));
            let Some((_, lane)) = next.and_then(|at| self.lanes.get_mut(at)) else {
                return (consumed, None);
            };
            if let Some((place, event)) = lane.pop_front() {
                if let Err(stop) = judge.judge(&event, &place) {
                    return (consumed, Some(stop));
                }
                consumed += 1;
            }
        }
    }
}
