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

use super::evidence::Evidence;
use super::judge::{How, Judge};
use super::{Given, Judged, contract, judgement};
use crate::replay::course::{Course, Moved, Waiting};
use crate::replay::feed::Feed;
use crate::replay::live::{Kept, Running};
use crate::replay::readings::Readings;
use crate::replay::{InputError, Judgement, Options, Stop};
use crate::verdict::{Ground, Place, Stopped};

/// A run that grows.
pub(crate) struct Live {
    options: Options,
    how: How,
    course: Course<Evidence>,
    evidence: Evidence,
    readings: Readings<Judge>,
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
            course: Course::new(feeds, options.order(how.ordered), None),
            evidence: Evidence::default(),
            readings: Readings::new(Judge::new(how, options), true),
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
        self.readings = Readings::new(Judge::new(self.how, &self.options), true);
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
                .advance(&mut self.evidence, &mut self.readings, until);
            let moved = match moved {
                // What cannot be read behind a verdict does not change it.
                Err(_) if had_stopped => Moved::Ended,
                moved => moved?,
            };
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
            inputs: Vec::new(),
            events: self.course.events(),
            consumed: self.course.consumed,
            stop: self.course.stop,
            tried: self.readings.tried,
            judge: self.readings.first,
            evidence: None,
            unread: None,
        };
        Some(judgement(judged, storage))
    }
}
