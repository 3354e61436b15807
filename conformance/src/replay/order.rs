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
use crate::verdict::{Ground, Place, Stopped};

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

    /// Whose message the event waits for, as the trace calls it.
    fn waits_for<'a>(&self, event: &'a Self::Event) -> Option<&'a str>;

    /// Judges an event.
    ///
    /// # Errors
    /// Why the judgement ends here.
    fn judge(&mut self, event: &Self::Event, place: &Place) -> Result<(), Stop>;
}

/// What there is when every lane waits for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// Lanes wait for each other in a circle, this one among them: in no order
    /// was what they wait for sent before it arrived.
    Contradiction(usize),
    /// This lane waits, in the end, for a node whose lines have ended.
    Ended(usize, String),
}

/// What is wrong where every lane of `waiting` waits: each is a node and whose
/// message it waits for. Nodes that are not among them have no line left.
pub fn stuck(waiting: &[(&str, Option<&str>)]) -> Stuck {
    let mut ended = None;
    for start in 0..waiting.len() {
        let (mut at, mut steps) = (start, 0);
        loop {
            let (_, awaited) = waiting[at];
            let next = awaited.map(|node| waiting.iter().position(|(name, _)| *name == node));
            match next {
                // Who waits for nobody is what cannot be explained.
                None => return Stuck::Contradiction(at),
                Some(Some(next)) if steps < waiting.len() => (at, steps) = (next, steps + 1),
                Some(Some(_)) => return Stuck::Contradiction(first_of_circle(waiting, at)),
                Some(None) => {
                    let node = awaited.unwrap_or_default().to_owned();
                    ended.get_or_insert(Stuck::Ended(start, node));
                    break;
                }
            }
        }
    }
    ended.unwrap_or(Stuck::Contradiction(0))
}

/// The first lane of the circle that the lane at `within` belongs to.
fn first_of_circle(waiting: &[(&str, Option<&str>)], within: usize) -> usize {
    let (mut at, mut first) = (within, within);
    for _ in 0..waiting.len() {
        let (_, awaited) = waiting[at];
        let next = waiting.iter().position(|(name, _)| Some(*name) == awaited);
        at = next.unwrap_or(at);
        first = first.min(at);
    }
    first
}

/// The end of a judgement at an event that waits for a node without lines.
pub fn log_ended(place: &Place, node: &str, waits: &str) -> Stop {
    Stop::Inconclusive(Stopped {
        ground: Ground::LogEnded,
        place: Some(place.clone()),
        what: format!("node {waits} waits for what node {node} sent, whose lines have ended"),
    })
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
            // All wait: take one whose cause may have left no line. Else either a
            // node's lines have ended too early, or what a head waits for was
            // never sent: judging it as it is says so.
            let silently = |(_, lane): &(String, VecDeque<(Place, E)>)| {
                let head = lane.front();
                head.is_some_and(|(_, event)| judge.is_ready_silently(event))
            };
            let mut next = self.lanes.iter().position(silently);
            if next.is_none() {
                let mut heads = Vec::new();
                for (at, (name, lane)) in self.lanes.iter().enumerate() {
                    if let Some((_, event)) = lane.front() {
                        let awaited = judge.waits_for(event).map(str::to_owned);
                        heads.push((at, name.clone(), awaited));
                    }
                }
                if heads.is_empty() {
                    return (consumed, None);
                }
                let waiting: Vec<(&str, Option<&str>)> = heads
                    .iter()
                    .map(|(_, name, awaited)| (name.as_str(), awaited.as_deref()))
                    .collect();
                match stuck(&waiting) {
                    Stuck::Contradiction(at) => next = Some(heads[at].0),
                    Stuck::Ended(at, node) => {
                        let (at, name, _) = &heads[at];
                        let place = self.lanes[*at].1.front().map(|(place, _)| place);
                        return (consumed, place.map(|place| log_ended(place, &node, name)));
                    }
                }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_in_a_circle_contradicts_and_who_waits_for_an_end_does_not() {
        let circle = [("a", Some("b")), ("b", Some("c")), ("c", Some("b"))];
        assert_eq!(stuck(&circle), Stuck::Contradiction(1));
        let ended = [("a", Some("b")), ("b", Some("d")), ("c", Some("a"))];
        assert_eq!(stuck(&ended), Stuck::Ended(0, "d".to_owned()));
        // A circle beside it is a contradiction still.
        let both = [("a", Some("d")), ("b", Some("c")), ("c", Some("b"))];
        assert_eq!(stuck(&both), Stuck::Contradiction(1));
        assert_eq!(stuck(&[("a", Some("a"))]), Stuck::Contradiction(0));
        assert_eq!(
            stuck(&[("a", Some("b")), ("b", None)]),
            Stuck::Contradiction(1)
        );
    }
}
