//! A run that can be read in more than one way.
//!
//! Where a trace leaves open which of several things happened, and the model
//! would go on from each in another way, all are followed side by side from
//! there on. A reading ends at the first line that it does not explain, and the
//! run diverges when none is left: at the line, and for the reason, of the one
//! that led furthest. What has become the same is followed once. There are never
//! more than [`READINGS`]; where one had to be left out for that, or could not be
//! followed to its end, a run that no other explains is inconclusive.

use super::Stop;
use super::order::Judging;
use crate::verdict::{Divergence, Ground, Place, Stopped};

/// How many readings of a run are followed at once.
pub const READINGS: usize = 8;

/// After so many events it is looked which readings have become the same.
const MEET: u64 = 1024;

/// Someone who knows in which ways an event can be read.
pub trait Parting: Judging + Clone {
    /// A way to read an event.
    type Way;

    /// Whether there may be more than one way to read `event`. Quick, since it is
    /// asked of every event.
    fn may_part(&self, event: &Self::Event) -> bool;

    /// The ways to read `event` beside the one that this judge takes by itself,
    /// likeliest first, and whether there are more.
    fn ways(&self, event: &Self::Event, place: &Place) -> (Vec<Self::Way>, bool);

    /// The same judge, who takes the next event in this way.
    fn taking(&self, way: Self::Way) -> Self;

    /// Takes the next event as it would by itself.
    fn settle(&mut self) {}

    /// There are several readings from now on, of which this is one.
    fn parts(&mut self) {}

    /// Whether it says the same as `other` from now on, having read the same
    /// lines.
    fn is_same(&self, other: &Self) -> bool;
}

/// One reading of a run, and the others that are as good so far.
#[derive(Clone)]
pub struct Readings<J> {
    /// The one that is told of.
    pub first: J,
    /// The others.
    pub others: Vec<J>,
    /// How many others were followed, in all.
    pub tried: u64,
    /// Whether one was left out.
    left_out: bool,
    /// Why the first that could not be followed further could not.
    ended: Option<Stopped>,
    events: u64,
}

impl<J: Parting> Readings<J> {
    /// Nothing judged yet.
    pub fn new(judge: J) -> Self {
        Readings {
            first: judge,
            others: Vec::new(),
            tried: 0,
            left_out: false,
            ended: None,
            events: 0,
        }
    }

    /// All readings.
    pub fn all(&self) -> impl Iterator<Item = &J> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// All readings, to be changed.
    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut J> {
        std::iter::once(&mut self.first).chain(&mut self.others)
    }

    /// The readings that take `event` in another way and explain it.
    fn part(&mut self, event: &J::Event, place: &Place) -> Vec<J> {
        let mut new: Vec<J> = Vec::new();
        let mut judges = vec![];
        for reading in self.all() {
            if reading.may_part(event) {
                let (ways, more) = reading.ways(event, place);
                judges.push((ways, more));
            } else {
                judges.push((Vec::new(), false));
            }
        }
        if judges.iter().all(|(ways, more)| ways.is_empty() && !more) {
            return new;
        }
        self.first.parts();
        self.others.iter_mut().for_each(J::parts);
        for (at, (ways, more)) in judges.into_iter().enumerate() {
            self.left_out |= more;
            for way in ways {
                let reading = match at.checked_sub(1) {
                    None => &self.first,
                    Some(at) => &self.others[at],
                };
                let mut other = reading.taking(way);
                let judged = other.judge(event, place);
                other.settle();
                match judged {
                    Ok(()) if new.iter().any(|known| known.is_same(&other)) => {}
                    Ok(()) if new.len() < READINGS => new.push(other),
                    Ok(()) => self.left_out = true,
                    Err(stop) => note_end(&mut self.ended, stop),
                }
            }
        }
        new
    }

    /// Readings that are what the first is say the same from now on.
    fn meet(&mut self) {
        let mut known: Vec<J> = Vec::new();
        for other in std::mem::take(&mut self.others) {
            let same = |one: &J| other.is_same(one);
            if !same(&self.first) && !known.iter().any(same) {
                known.push(other);
            }
        }
        self.others = known;
    }

    /// No reading explains the event.
    fn stopped(&mut self, stop: Stop, place: &Place) -> Stop {
        let furthest = |found: &Divergence| {
            format!(
                "the reading that leads furthest ends at line {}: {}; {}",
                found.place.line, found.what, found.why
            )
        };
        match (stop, self.ended.take()) {
            (Stop::Diverges(found), Some(ended)) => Stop::Inconclusive(Stopped {
                what: format!("{}; {}", ended.what, furthest(&found)),
                ..ended
            }),
            (Stop::Diverges(found), None) if self.left_out => Stop::Inconclusive(Stopped {
                ground: Ground::Readings,
                place: Some(place.clone()),
                what: format!("{}; {}", found.what, found.why),
            }),
            (stop, _) => stop,
        }
    }
}

/// A reading that does not explain a line is none any more. One that cannot be
/// followed further may have been right.
fn note_end(ended: &mut Option<Stopped>, stop: Stop) {
    if let Stop::Inconclusive(stopped) = stop {
        ended.get_or_insert(stopped);
    }
}

impl<J: Parting> Judging for Readings<J> {
    type Event = J::Event;

    fn lane<'a>(&self, event: &'a Self::Event) -> &'a str {
        self.first.lane(event)
    }

    fn is_ready(&self, event: &Self::Event) -> bool {
        self.first.is_ready(event)
    }

    fn is_ready_silently(&self, event: &Self::Event) -> bool {
        self.first.is_ready_silently(event)
    }

    fn is_ready_otherwise(&self, event: &Self::Event) -> bool {
        let mut others = self.others.iter();
        others.any(|other| other.is_ready(event) || other.is_ready_silently(event))
    }

    fn may_be_unlogged(&self, event: &Self::Event) -> bool {
        self.first.may_be_unlogged(event)
    }

    fn has_come(&self, event: &Self::Event) -> bool {
        self.first.has_come(event)
    }

    fn explains(&self, event: &Self::Event, place: &Place) -> bool {
        self.clone().judge(event, place).is_ok()
    }

    fn goes_early(&mut self, event: &Self::Event) {
        self.all_mut().for_each(|reading| reading.goes_early(event));
    }

    fn waits_for<'a>(&self, event: &'a Self::Event) -> Option<&'a str> {
        self.first.waits_for(event)
    }

    fn sends(&self, later: &Self::Event, event: &Self::Event) -> bool {
        self.first.sends(later, event)
    }

    fn may_be_forgotten(&self, event: &Self::Event) -> bool {
        self.first.may_be_forgotten(event)
    }

    fn judge(&mut self, event: &Self::Event, place: &Place) -> Result<(), Stop> {
        let may_part = self.all().any(|reading| reading.may_part(event));
        let mut new = match may_part {
            true => self.part(event, place),
            false => Vec::new(),
        };
        let judged = self.first.judge(event, place);
        if self.others.is_empty() && new.is_empty() && !self.left_out && self.ended.is_none() {
            return judged;
        }
        let ended = &mut self.ended;
        self.others
            .retain_mut(|other| match other.judge(event, place) {
                Ok(()) => true,
                Err(stop) => {
                    note_end(ended, stop);
                    false
                }
            });
        if judged.is_ok() {
            let first = &self.first;
            new.retain(|way| !way.is_same(first));
        }
        self.events += 1;
        self.tried += new.len() as u64;
        let parted = !new.is_empty();
        self.others.extend(new);
        // None is left out for one that has become the same.
        if self.events.is_multiple_of(MEET) || parted && 1 + self.others.len() > READINGS {
            self.meet();
        }
        if 1 + self.others.len() > READINGS {
            self.others.truncate(READINGS - 1);
            self.left_out = true;
        }
        match judged {
            Ok(()) => Ok(()),
            Err(stop) if !self.others.is_empty() => {
                note_end(&mut self.ended, stop);
                self.first = self.others.remove(0);
                Ok(())
            }
            Err(stop) => Err(self.stopped(stop, place)),
        }
    }
}
