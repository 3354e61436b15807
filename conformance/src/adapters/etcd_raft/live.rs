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
use super::{Given, Judged, breaks_if_late, contract, judgement, leads_further};
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
    /// The run as it diverged, while it is judged again in another way.
    aside: Option<Aside>,
    /// In which ways that was tried.
    tried: Vec<Try>,
}

/// Another way to judge a run that diverges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Try {
    /// Who receives a message waits for as long as that is possible.
    Patient,
    /// Configurations are applied late.
    Late,
}

/// A run that waits for what another judgement of it shows.
struct Aside {
    how: How,
    course: Course<Evidence>,
    evidence: Evidence,
    readings: Readings<Judge>,
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
            readings: Readings::new(Judge::new(how, options)),
            shown: None,
            aside: None,
            tried: Vec::new(),
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
        self.how = How {
            storage: Storage::Async,
            ..self.given().how(self.how.ordered)
        };
        self.tried.clear();
        self.course = course;
        self.evidence = Evidence::default();
        self.readings = Readings::new(Judge::new(self.how, &self.options));
        self.shown = Some(at);
    }

    /// Judges a run that diverged again, in a way that was not tried yet; says
    /// whether there is one.
    fn try_again(&mut self) -> bool {
        let may_be_late = !self.how.late
            && !self.given().says_when_applied()
            && self.course.stop.as_ref().is_some_and(breaks_if_late);
        let ways = [
            (
                Try::Patient,
                self.readings.first.hurried && !self.how.patient,
            ),
            (Try::Late, may_be_late),
        ];
        let mut open = ways
            .into_iter()
            .filter(|(way, may)| *may && !self.tried.contains(way));
        let Some((way, _)) = open.next() else {
            return false;
        };
        let Some(course) = self.course.again() else {
            return false;
        };
        self.tried.push(way);
        let how = How {
            patient: self.how.patient || way == Try::Patient,
            late: self.how.late || way == Try::Late,
            ..self.how
        };
        let readings = Readings::new(Judge::new(how, &self.options));
        self.aside = Some(Aside {
            how: std::mem::replace(&mut self.how, how),
            course: std::mem::replace(&mut self.course, course),
            evidence: std::mem::take(&mut self.evidence),
            readings: std::mem::replace(&mut self.readings, readings),
        });
        true
    }

    /// Whether the way that is tried holds: `None` while that is open. Where
    /// configurations are applied late one must be seen to be; otherwise it must
    /// lead further than the way before.
    fn holds(&self, moved: &Moved) -> Option<bool> {
        let Some(aside) = &self.aside else {
            return Some(true);
        };
        let late = self.how.late && !aside.how.late;
        if late {
            if self.readings.first.seen_late.is_some() {
                return Some(true);
            }
        } else if self.course.stop.is_none() && *moved != Moved::More {
            return Some(true);
        }
        match (&self.course.stop, moved) {
            (None, Moved::More) => None,
            (None, _) => Some(false),
            (stop, _) => {
                let (now, before) = (self.course.consumed, aside.course.consumed);
                let further = leads_further((stop, now), (&aside.course.stop, before));
                Some(further && !late)
            }
        }
    }

    /// The way that was tried does not hold: the one before does.
    fn take_back(&mut self) {
        if let Some(aside) = self.aside.take() {
            self.how = aside.how;
            self.course = aside.course;
            self.evidence = aside.evidence;
            self.readings = aside.readings;
        }
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
            if self.aside.is_some() {
                match self.holds(&moved) {
                    None => return Ok(moved),
                    Some(true) => self.aside = None,
                    Some(false) => {
                        self.take_back();
                        match self.try_again() {
                            true => continue,
                            false => return Ok(Moved::Stopped),
                        }
                    }
                }
            }
            let Some(stop) = &self.course.stop else {
                return Ok(moved);
            };
            let open = !self.how.storage_given && self.how.storage == Storage::Sync;
            let overtaken = self.readings.first.overtaken.clone();
            let at = match (overtaken, stop) {
                (Some(at), Stop::Inconclusive(_)) if open => at,
                (_, Stop::Diverges(_)) => {
                    if open && !had_stopped {
                        continue;
                    }
                    if open && moved == Moved::More {
                        return Ok(moved);
                    }
                    match self.evidence.of_asynchronous().cloned() {
                        Some(at) if open => at,
                        _ if self.try_again() => continue,
                        _ => return Ok(Moved::Stopped),
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
            missed: false,
            unread: None,
        };
        Some(judgement(judged, storage))
    }
}
