//! Events that are held whole, judged without a file.

use std::marker::PhantomData;
use std::sync::Arc;

use plimsoll_trace::{Line, TraceError};

use super::InputError;
use super::course::{Course, Order};
use super::feed::Feed;
use super::order::{Judging, Reading};
use crate::verdict::Place;

/// Reads what holds no line.
struct NothingToRead<E>(PhantomData<E>);

impl<E: Send + 'static> Reading for NothingToRead<E> {
    type Event = E;
    type Said = ();
    type Parser = ();

    fn parse(
        (): &mut (),
        _file: &Arc<str>,
        _line: Line<'_>,
        _first: bool,
    ) -> Result<(), TraceError> {
        Ok(())
    }

    fn take(
        &mut self,
        _input: usize,
        _file: &Arc<str>,
        _said: (),
        _rotated: bool,
        _place: &Place,
    ) -> Result<Option<Box<E>>, InputError> {
        Ok(None)
    }
}

/// Judges events that are held whole, each with its node and place, causes
/// before effects, as far as that goes.
pub(super) fn judge_all<J: Judging>(events: Vec<(String, Place, J::Event)>, judge: &mut J) {
    let nothing = vec![Feed::nothing()];
    let mut course = Course::<NothingToRead<J::Event>>::new(nothing, Order::OF_NODES, None);
    let held = events.into_iter();
    let pushed = held.map(|(node, place, event)| course.push(0, &node, place, Box::new(event)));
    // Of one input no two can claim a node, and nothing is read.
    if pushed.collect::<Result<Vec<bool>, InputError>>().is_ok() {
        let _ = course.advance(&mut NothingToRead(PhantomData), judge, None);
    }
}
