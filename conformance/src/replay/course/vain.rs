//! Whom to blame where everybody waits.
//!
//! Lanes that wait for each other in a circle contradict each other; but mostly
//! one of them waits for what nobody ever sends, and the others, in the end, for
//! that one. What the others wait for stands further down in the files.

use super::Course;
use crate::replay::order::{Judging, Reading};

impl<R: Reading> Course<R> {
    /// Of lanes that wait for each other in a `circle`, one that waits in vain:
    /// no line shows that what its head waits for was sent, however far down. Else
    /// another one of the `lost` lanes that does, or the first of the circle.
    pub(super) fn whom_to_blame<J>(
        &mut self,
        circle: &[usize],
        lost: &[usize],
        reading: &mut R,
        judge: &J,
    ) -> usize
    where
        J: Judging<Event = R::Event>,
    {
        let name = |lane: &usize| self.lanes[*lane].node.clone();
        let others = lost.iter().filter(|lane| !circle.contains(lane));
        let all: Vec<String> = circle.iter().chain(others).map(name).collect();
        let first = |node: &&String| self.is_in_vain(node, reading, judge);
        let found = match all.len() {
            1 => None,
            _ => all.iter().find(first),
        };
        found
            .or(all.first())
            .and_then(|node| self.lane_of(node))
            .unwrap_or_default()
    }

    fn lane_of(&self, node: &str) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.node == node)
    }

    /// Whether no line, as far as they are there to be read, shows that what the
    /// head of `node` waits for is sent.
    fn is_in_vain<J>(&mut self, node: &str, reading: &mut R, judge: &J) -> bool
    where
        J: Judging<Event = R::Event>,
    {
        let mut looked = 0;
        loop {
            let head = self
                .lane_of(node)
                .and_then(|lane| self.lanes[lane].heads.front());
            let Some((_, event)) = head else {
                return false;
            };
            let Some(sender) = judge.waits_for(event).and_then(|name| self.lane_of(name)) else {
                return true;
            };
            let sender = &self.lanes[sender];
            let mut later = sender.heads.iter().skip(looked);
            if later.any(|(_, later)| judge.sends(later, event)) {
                return false;
            }
            looked = sender.heads.len();
            let input = sender.input;
            if self.inputs[input].dry || self.inputs[input].ahead >= self.order.ahead {
                return true;
            }
            if let Err(error) = self.read_on(input, reading, judge) {
                // It is told when the rest is read.
                self.inputs[input].failed = Some(error);
                self.inputs[input].dry = true;
            }
        }
    }
}
