//! From lines to an order in which causes come before effects.
//!
//! A merged file in true order is judged line by line as it is read. Files of
//! several nodes have no order between them: only each node's own sequence, and
//! that a message is sent before it arrives. So each node has a lane, and the
//! head of a lane is judged as soon as what it waits for is there
//! ([`super::course`]). Which lane goes first does not change a verdict: nodes
//! meet only in messages, and what was sent stays in flight.

use std::sync::Arc;

use plimsoll_trace::{Line, TraceError};

use super::{InputError, Stop};
use crate::verdict::{Ground, Place, Stopped};

/// Someone who judges the events of a format.
pub trait Judging {
    /// An event of the format.
    type Event: Send + 'static;

    /// The node whose event it is, as the trace calls it.
    fn lane<'a>(&self, event: &'a Self::Event) -> &'a str;

    /// Whether everything that the event waits for is there.
    fn is_ready(&self, event: &Self::Event) -> bool;

    /// Whether what the event waits for could have happened without a line.
    fn is_ready_silently(&self, event: &Self::Event) -> bool;

    /// Whether the event could be judged next in another reading of the run.
    fn is_ready_otherwise(&self, _event: &Self::Event) -> bool {
        false
    }

    /// Whether what the event waits for could have happened in a step that does
    /// not show it, and nobody can tell any more.
    fn may_be_unlogged(&self, _event: &Self::Event) -> bool {
        false
    }

    /// Whether what the event waits for is there, though another may come that
    /// it can be as well.
    fn has_come(&self, event: &Self::Event) -> bool;

    /// Whether what is there explains the event.
    fn explains(&self, _event: &Self::Event, _place: &Place) -> bool {
        true
    }

    /// The event is judged next, by what is there, though one of another node that
    /// waits as it does could go first.
    fn goes_early(&mut self, _event: &Self::Event) {}

    /// Whose message the event waits for, as the trace calls it.
    fn waits_for<'a>(&self, event: &'a Self::Event) -> Option<&'a str>;

    /// Whether `later`, a line of the node whose message `event` waits for, shows
    /// it sending one that reads so.
    fn sends(&self, _later: &Self::Event, _event: &Self::Event) -> bool {
        false
    }

    /// Whether what the event waits for may have been there, and was forgotten.
    fn may_be_forgotten(&self, event: &Self::Event) -> bool;

    /// Judges an event.
    ///
    /// # Errors
    /// Why the judgement ends here.
    fn judge(&mut self, event: &Self::Event, place: &Place) -> Result<(), Stop>;
}

/// Someone who reads the lines of a format.
pub trait Reading {
    /// An event of the format.
    type Event: Send + 'static;

    /// What a line says by itself.
    type Said: Send + 'static;

    /// What whoever parses lines keeps from one to the next, to be faster: what
    /// a line says does not depend on it.
    type Parser: Default + Send + 'static;

    /// What a line says by itself, on whatever thread; `first` says that no
    /// line that is not blank stands before it in its file.
    ///
    /// # Errors
    /// When the line is not of the format.
    fn parse(
        parser: &mut Self::Parser,
        file: &Arc<str>,
        line: Line<'_>,
        first: bool,
    ) -> Result<Self::Said, TraceError>;

    /// Takes what the next line of an input says; `None` where it is no event.
    /// `place` is its own if it is one; `rotated` says that the line is the
    /// first of a file that took the place of another.
    ///
    /// # Errors
    /// When the line does not fit to those before it, or is not of this run.
    fn take(
        &mut self,
        input: usize,
        file: &Arc<str>,
        said: Self::Said,
        rotated: bool,
        place: &Place,
    ) -> Result<Option<Box<Self::Event>>, InputError>;
}

/// What there is when every lane waits for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// Lanes wait for each other in a circle, these: in no order was what they
    /// wait for sent before it arrived. Or one that waits for nobody.
    Contradiction(Vec<usize>),
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
                None => return Stuck::Contradiction(vec![at]),
                Some(Some(next)) if steps < waiting.len() => (at, steps) = (next, steps + 1),
                Some(Some(_)) => return Stuck::Contradiction(circle(waiting, at)),
                Some(None) => {
                    let node = awaited.unwrap_or_default().to_owned();
                    ended.get_or_insert(Stuck::Ended(start, node));
                    break;
                }
            }
        }
    }
    ended.unwrap_or(Stuck::Contradiction(vec![0]))
}

/// The lanes of the circle that the lane at `within` belongs to, in their order.
fn circle(waiting: &[(&str, Option<&str>)], within: usize) -> Vec<usize> {
    let (mut at, mut all) = (within, vec![within]);
    for _ in 0..waiting.len() {
        let (_, awaited) = waiting[at];
        let next = waiting.iter().position(|(name, _)| Some(*name) == awaited);
        at = next.unwrap_or(at);
        if !all.contains(&at) {
            all.push(at);
        }
    }
    all.sort_unstable();
    all
}

/// The end of a judgement at an event that waits for a node without lines.
pub fn log_ended(place: &Place, node: &str, waits: &str) -> Stop {
    Stop::Inconclusive(Stopped {
        ground: Ground::LogEnded,
        place: Some(place.clone()),
        what: format!("node {waits} waits for what node {node} sent, whose lines have ended"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_in_a_circle_contradicts_and_who_waits_for_an_end_does_not() {
        let circle = [("a", Some("b")), ("b", Some("c")), ("c", Some("b"))];
        assert_eq!(stuck(&circle), Stuck::Contradiction(vec![1, 2]));
        let ended = [("a", Some("b")), ("b", Some("d")), ("c", Some("a"))];
        assert_eq!(stuck(&ended), Stuck::Ended(0, "d".to_owned()));
        // A circle beside it is a contradiction still.
        let both = [("a", Some("d")), ("b", Some("c")), ("c", Some("b"))];
        assert_eq!(stuck(&both), Stuck::Contradiction(vec![1, 2]));
        assert_eq!(stuck(&[("a", Some("a"))]), Stuck::Contradiction(vec![0]));
        assert_eq!(
            stuck(&[("a", Some("b")), ("b", None)]),
            Stuck::Contradiction(vec![1])
        );
    }
}
