//! A run that is judged while it grows.
//!
//! Judged as one that is all there, but for two things. Nothing can be judged
//! again from its beginning once that is gone; so where a restart could be read
//! in two ways, both are followed from there on, and the run diverges when none
//! is left. And asynchronous storage may show only in what comes after a
//! divergence: what can be read when the verdict falls is searched for it, and
//! what is written later cannot count.

use std::time::Instant;

use plimsoll_model::settings::Storage;

use super::event::{Event, Name};
use super::evidence::Evidence;
use super::judge::{How, Judge};
use super::{Given, Judged, contract, judgement};
use crate::replay::course::{Course, Moved, Waiting};
use crate::replay::feed::Feed;
use crate::replay::live::{Kept, Running};
use crate::replay::order::Judging;
use crate::replay::{InputError, Judgement, Options, Stop};
use crate::verdict::{Ground, Place, Stopped};

/// One reading of a run, and the others that are as good so far.
struct Readings {
    first: Judge,
    others: Vec<Judge>,
}

impl Readings {
    fn new(how: How, options: &Options) -> Self {
        Readings {
            first: Judge::new(how, options),
            others: Vec::new(),
        }
    }

    /// Whether `event` may be the one from which a run can be read in two ways:
    /// it ends a restart.
    fn may_part(&self, event: &Event) -> bool {
        let node = self.first.nodes.get(&event.nid);
        event.name == Name::BecomeFollower
            && !self.first.unsure
            && node.is_some_and(|node| node.booting.is_some() && node.id.is_some())
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
        let before = self.may_part(event).then(|| self.first.clone());
        let judged = self.first.judge(event, place);
        if let (Some(before), true) = (before, self.first.unsure) {
            self.others = [true, false]
                .map(|keeps| before.clone().reading(keeps))
                .into();
        }
        // Who does not follow is no reading any more.
        self.others
            .retain_mut(|other| other.judge(event, place).is_ok());
        match judged {
            Err(Stop::Diverges(_)) if !self.others.is_empty() => {
                self.first = self.others.remove(0);
                Ok(())
            }
            judged => judged,
        }
    }
}

/// A run that grows.
pub(crate) struct Live {
    options: Options,
    how: How,
    course: Course<Event>,
    evidence: Evidence,
    readings: Readings,
    /// Where storage was seen to be asynchronous.
    shown: Option<Place>,
}

impl Live {
    /// Nothing read yet.
    pub(crate) fn new(feeds: Vec<Feed>, options: &Options) -> Self {
        let how = options.given.how(feeds.len() == 1);
        Live {
            options: options.clone(),
            how,
            course: Course::new(feeds, options.order(how.ordered)),
            evidence: Evidence::default(),
            readings: Readings::new(how, options),
            shown: None,
        }
    }

    /// Judges again from the beginning, as with asynchronous storage.
    fn again(&mut self, at: Place) {
        let Some(course) = self.course.again() else {
            self.course.stop = Some(Stop::Inconclusive(Stopped {
                ground: Ground::AsynchronousStorage,
                what: format!(
                    "the acknowledgement of a node's own write is overtaken, and the beginning of \
                     the run is gone: to be followed with --storage async (line {} of {})",
                    at.line,
                    at.path.display()
                ),
                place: Some(at),
            }));
            return;
        };
        self.how.storage = Storage::Async;
        self.course = course;
        self.evidence = Evidence::default();
        self.readings = Readings::new(self.how, &self.options);
        self.shown = Some(at);
    }

    fn given(&self) -> &Given {
        &self.options.given
    }
}

impl Running for Live {
    fn advance(&mut self, until: Option<Instant>) -> Result<Moved, InputError> {
        loop {
            let had_stopped = self.course.stop.is_some();
            let moved = self
                .course
                .advance(&mut self.evidence, &mut self.readings, until)?;
            let Some(stop) = &self.course.stop else {
                return Ok(moved);
            };
            let open = !self.how.storage_given && self.how.storage == Storage::Sync;
            let overtaken = self.readings.first.overtaken.clone();
            let at = match (overtaken, stop) {
                (Some(at), Stop::Inconclusive(_)) if open => at,
                (_, Stop::Diverges(_)) if open => {
                    if !had_stopped {
                        continue;
                    }
                    if moved == Moved::More {
                        return Ok(moved);
                    }
                    match self.evidence.of_asynchronous() {
                        Some(at) => at.clone(),
                        None => return Ok(Moved::Stopped),
                    }
                }
                _ => return Ok(Moved::Stopped),
            };
            self.again(at);
            if self.course.stop.is_some() {
                return Ok(Moved::Stopped);
            }
        }
    }

    fn close(&mut self) {
        self.course.close();
    }

    fn events(&self) -> u64 {
        self.course.events()
    }

    fn waiting(&self) -> Vec<Waiting> {
        self.course.waiting(&self.readings)
    }

    fn positions(&self) -> Vec<(String, Option<Place>, usize)> {
        self.course.positions()
    }

    fn feeds(&self) -> Vec<&Feed> {
        self.course.feeds().collect()
    }

    fn kept(&self) -> Kept {
        let first = &self.readings.first;
        let mut kept = Kept::of(&first.follower);
        kept.forgotten += first.terms.forgotten() + first.seen.forgotten();
        for other in &self.readings.others {
            for (kind, n) in other.follower.kept() {
                kept.note(kind, n);
            }
        }
        for judge in std::iter::once(first).chain(&self.readings.others) {
            kept.note("changes", judge.seen.len());
            kept.note("terms", judge.terms.len());
            kept.note("elections", judge.told.len());
        }
        kept
    }

    fn judgement(self: Box<Self>) -> Option<Judgement> {
        let storage = contract(self.given(), self.shown.as_ref());
        let judged = Judged {
            events: self.course.events(),
            consumed: self.course.consumed,
            stop: self.course.stop,
            judge: self.readings.first,
            evidence: None,
        };
        Some(judgement(judged, storage))
    }
}
