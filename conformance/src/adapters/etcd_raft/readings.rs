//! A run that can be read in more than one way.
//!
//! What survived a crash is told by the restart: the term, the vote and the
//! length of the log. Where the write under way was to replace entries, a log of
//! the same length may hold the old ones or the new. No line shows which, until
//! one rests on it. So both readings are followed from there on, and the run
//! diverges when none is left. There are never more than [`READINGS`]; where one
//! had to be left out for that, a run that no other explains is inconclusive.

use super::event::{Event, Name};
use super::judge::{How, Judge};
use crate::replay::order::Judging;
use crate::replay::{Options, Stop};
use crate::verdict::{Ground, Place, Stopped};

/// How many readings of a run are followed at once.
pub(super) const READINGS: usize = 8;

/// After so many events it is looked which readings have become the same.
const MEET: u64 = 1024;

/// One reading of a run, and the others that are as good so far.
pub(super) struct Readings {
    pub first: Judge,
    pub others: Vec<Judge>,
    /// How many others were followed, in all.
    pub tried: u64,
    /// Whether one was left out.
    left_out: bool,
    /// Whether the two ways of restarting are followed side by side as well:
    /// where the run cannot be judged again from its beginning.
    both_restarts: bool,
}

impl Readings {
    /// Nothing judged yet.
    pub(super) fn new(how: How, options: &Options, both_restarts: bool) -> Self {
        Readings {
            first: Judge::new(how, options),
            others: Vec::new(),
            tried: 0,
            left_out: false,
            both_restarts,
        }
    }

    /// Whether `event` may be the one from which on it is open where restarts go
    /// on to apply: it ends a restart.
    fn may_part(&self, event: &Event) -> bool {
        let node = self.first.nodes.get(&event.nid);
        self.both_restarts
            && event.name == Name::BecomeFollower
            && !self.first.unsure
            && node.is_some_and(|node| node.booting.is_some() && node.id.is_some())
    }

    /// The readings in which the restart that `event` ends kept other entries.
    fn part(&mut self, event: &Event) -> Vec<Judge> {
        let mut new = Vec::new();
        for reading in std::iter::once(&self.first).chain(&self.others) {
            if !reading.keeps_either(event) {
                continue;
            }
            if 1 + self.others.len() + new.len() < READINGS {
                new.push(reading.clone().keeping_other());
            } else {
                self.left_out = true;
            }
        }
        self.tried += new.len() as u64;
        new
    }

    /// Readings in which every server is what it is in the first say the same
    /// from now on.
    fn meet(&mut self) {
        let first = &self.first;
        let differs = |other: &Judge| {
            let (mut all, mut known) = (other.follower.members(), first.follower.members());
            other.keeps_applied != first.keeps_applied
                || !std::iter::from_fn(|| all.next().zip(known.next()))
                    .all(|(one, other)| one.server == other.server)
        };
        self.others.retain(differs);
    }
}

impl Judging for Readings {
    type Event = Event;

    fn lane<'a>(&self, event: &'a Event) -> &'a str {
        self.first.lane(event)
    }

    fn is_ready(&self, event: &Event) -> bool {
        self.first.is_ready(event)
    }

    fn is_ready_silently(&self, event: &Event) -> bool {
        self.first.is_ready_silently(event)
    }

    fn waits_for<'a>(&self, event: &'a Event) -> Option<&'a str> {
        self.first.waits_for(event)
    }

    fn may_be_forgotten(&self, event: &Event) -> bool {
        self.first.may_be_forgotten(event)
    }

    fn judge(&mut self, event: &Event, place: &Place) -> Result<(), Stop> {
        if event.name == Name::BecomeFollower {
            // None is left out for one that has become the same.
            if 1 + self.others.len() == READINGS {
                self.meet();
            }
            let new = self.part(event);
            self.others.extend(new);
        }
        let before = self.may_part(event).then(|| self.first.clone());
        let judged = self.first.judge(event, place);
        if let (Some(before), true) = (before, self.first.unsure) {
            let ways = [true, false].map(|keeps| before.clone().reading(keeps));
            self.others.extend(ways);
        }
        if self.others.is_empty() && !self.left_out {
            return judged;
        }
        // Who does not follow is no reading any more.
        self.others.retain_mut(|other| {
            let judged = other.judge(event, place);
            other.keeps_other = false;
            judged.is_ok()
        });
        if self.first.events.is_multiple_of(MEET) {
            self.meet();
        }
        match judged {
            Err(Stop::Diverges(_)) if !self.others.is_empty() => {
                self.first = self.others.remove(0);
                Ok(())
            }
            Err(Stop::Diverges(found)) if self.left_out => Err(Stop::Inconclusive(Stopped {
                ground: Ground::Readings,
                place: Some(place.clone()),
                what: format!("{}; {}", found.what, found.why),
            })),
            judged => judged,
        }
    }
}
