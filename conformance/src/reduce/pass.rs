//! One pass over a run that leaves out what it can.
//!
//! Going from the first line to the last, what is left out counts as spared as
//! soon as some lines behind it are explained: waiting for the last line each
//! time would make a pass quadratic. Where a line further down turns out to need
//! it, it is put back: which it was is found by halves, from the nearest state
//! that was kept. So a pass takes little more than the lines of the run times
//! what it takes to see that a line is needed, which mostly shows at once.

use std::collections::{HashMap, HashSet};

use super::search::{Outcome, Search};
use crate::replay::runner::{Event, Runner};

/// How many states are kept to go back to, at the most.
const MARKS: usize = 48;

/// How far these are apart at the least, in lines.
const APART: usize = 128;

/// A try: its first line; how many lines it began with, and how many it could
/// grow by; whether they are of one node.
pub(super) type Attempt = (Event, (usize, usize), bool);

/// What a pass tries to leave out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tries {
    /// Stretches of so many lines, one behind the other.
    Long(usize, Of),
    /// The same, at every place.
    Every(usize, Of),
    /// A line, and up to so many others that cannot stay without it.
    Causes(usize),
}

/// Of what the lines of a stretch follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// The run, and where that fails the node of the first one.
    Either,
    /// The run.
    Run,
    /// This node, by the order in which they come.
    Node(usize),
}

/// A state to go back to: before the line at `at`.
struct Mark {
    at: usize,
    runner: Runner,
}

/// A pass over `kept`, the last of which is the line that is not explained.
pub(super) struct Pass<'a, 'b> {
    search: &'a mut Search<'b>,
    kept: &'a [Event],
    /// The node of each line, by number, and how many lines of it came before.
    lanes: Vec<(usize, usize)>,
    /// Where each line stands.
    places: HashMap<Event, usize>,
    gone: Vec<bool>,
    /// What was left out together, by the first of it.
    units: Vec<Vec<usize>>,
    /// Where it all begins.
    start: Runner,
    marks: Vec<Mark>,
    /// Nothing before this one is tried any more.
    tried: usize,
    /// After so many explained lines what was left out seems to be spared.
    horizon: usize,
}

impl<'a, 'b> Pass<'a, 'b> {
    pub(super) fn new(
        search: &'a mut Search<'b>,
        kept: &'a [Event],
        start: Runner,
        horizon: usize,
    ) -> Self {
        let mut names: Vec<&str> = Vec::new();
        let mut counts: Vec<usize> = Vec::new();
        let mut lanes = Vec::new();
        for &(file, event) in kept {
            let node = search.files[file].node(event);
            let known = names.iter().position(|known| *known == node);
            let lane = known.unwrap_or(names.len());
            if known.is_none() {
                names.push(node);
                counts.push(0);
            }
            lanes.push((lane, counts[lane]));
            counts[lane] += 1;
        }
        Pass {
            lanes,
            places: kept
                .iter()
                .enumerate()
                .map(|(at, event)| (*event, at))
                .collect(),
            gone: vec![false; kept.len()],
            units: Vec::new(),
            start,
            marks: Vec::new(),
            tried: 0,
            horizon,
            search,
            kept,
        }
    }

    /// What can be left out, in the order in which it was.
    pub(super) fn run(mut self, tries: Tries) -> Vec<Vec<usize>> {
        let last = self.kept.len() - 1;
        let (mut at, mut runner) = (0, self.start.clone());
        while !self.search.is_over() {
            if self.gone[at] {
                at += 1;
                continue;
            }
            if at < last && at >= self.tried && !self.search.is_spent() {
                self.tried = at + 1;
                if self.leave_out(&runner, at, tries) {
                    continue;
                }
            }
            if at >= self.marks.last().map_or(0, |mark| mark.at) + APART {
                self.mark(at, &runner);
            }
            match self.search.judge(&mut runner, self.kept[at]) {
                Outcome::Explained if at < last => at += 1,
                Outcome::Same => return self.units,
                _ if self.units.is_empty() => return Vec::new(),
                _ => (at, runner) = self.put_back(at),
            }
        }
        // What was not judged to its end is not known to be spared.
        Vec::new()
    }

    fn mark(&mut self, at: usize, runner: &Runner) {
        let runner = runner.clone();
        self.marks.push(Mark { at, runner });
        if self.marks.len() > MARKS {
            // Of those that lie far back every second one.
            let old = MARKS / 2;
            let mut place = 0;
            self.marks.retain(|_| {
                place += 1;
                place > old || place % 2 == 1
            });
        }
    }

    /// Tries what begins at `at`.
    fn leave_out(&mut self, runner: &Runner, at: usize, tries: Tries) -> bool {
        if self.search.stubborn.contains(&self.kept[at]) {
            return false;
        }
        let (lane, rank) = self.lanes[at];
        let (length, grow, of) = match tries {
            Tries::Long(length, of) | Tries::Every(length, of) => (length, 0, of),
            Tries::Causes(more) => (1, more, Of::Run),
        };
        let begins =
            |place: usize| !matches!(tries, Tries::Long(..)) || place.is_multiple_of(length);
        let of_run = matches!(of, Of::Either | Of::Run) && begins(at);
        // Stretches of one line are the same in either way.
        let of_node = matches!(of, Of::Either) || of == Of::Node(lane);
        let of_node = of_node && length > 1 && begins(rank);
        for (wanted, of) in [(of_run, None), (of_node, Some(lane))] {
            let attempt = (self.kept[at], (length, grow), of.is_some());
            if !wanted || self.fails_still(&attempt) {
                continue;
            }
            let last = self.kept.len() - 1;
            let is_of =
                |q: &usize| !self.gone[*q] && of.is_none_or(|lane| self.lanes[*q].0 == lane);
            let mut out: Vec<usize> = (at..last).filter(is_of).take(length).collect();
            if self.seems_spared(runner, at, &mut out, grow) {
                for &q in &out {
                    self.gone[q] = true;
                }
                self.units.push(out);
                return true;
            }
            if !matches!(tries, Tries::Long(..)) {
                let out = out.iter().map(|&q| self.kept[q]).collect();
                self.search.failed.insert(attempt, out);
            }
        }
        false
    }

    /// Whether this was tried, and all that it failed with is there still.
    fn fails_still(&self, attempt: &Attempt) -> bool {
        let is_there = |event: &Event| {
            let place = self.places.get(event);
            place.is_some_and(|&at| !self.gone[at])
        };
        let failed = self.search.failed.get(attempt);
        failed.is_some_and(|lines| lines.iter().all(is_there))
    }

    /// Whether the run seems to go on as it did without `out`, to which up to
    /// `grow` lines are added that cannot stay then. If not, the line that cannot
    /// stay is added, too.
    fn seems_spared(
        &mut self,
        runner: &Runner,
        at: usize,
        out: &mut Vec<usize>,
        mut grow: usize,
    ) -> bool {
        let last = self.kept.len() - 1;
        'grown: loop {
            let mut left: HashSet<usize> = out.iter().copied().collect();
            let mut runner = self.search.copy(runner);
            let mut explained = 0;
            for q in at..=last {
                if self.gone[q] || left.remove(&q) {
                    continue;
                }
                match self.search.judge(&mut runner, self.kept[q]) {
                    Outcome::Explained if q == last => return false,
                    Outcome::Explained => {
                        explained += usize::from(left.is_empty());
                        if explained >= self.horizon {
                            return true;
                        }
                    }
                    Outcome::Same => return true,
                    _ if grow > 0 && q < last => {
                        grow -= 1;
                        out.push(q);
                        continue 'grown;
                    }
                    _ => {
                        out.push(q);
                        return false;
                    }
                }
            }
            return false;
        }
    }

    /// The line at `end` is not explained any more: puts back what it needs, and
    /// goes back before it.
    fn put_back(&mut self, end: usize) -> (usize, Runner) {
        // Without the first `spared` units it is explained, and without one more
        // it is not; what was left out last is the likeliest.
        let (mut spared, mut missed) = (0, self.units.len());
        let mut step = 1;
        while spared + 1 < missed {
            let middle = (spared + missed) / 2;
            let next = missed.saturating_sub(step).max(middle).max(spared + 1);
            let next = next.min(missed - 1);
            if self.is_explained(end, next) {
                spared = next;
            } else {
                missed = next;
            }
            step *= 2;
        }
        let unit = self.units.remove(spared);
        for &q in &unit {
            self.gone[q] = false;
        }
        let first = unit.first().copied().unwrap_or_default();
        self.search.stubborn.insert(self.kept[first]);
        let behind = self.marks.partition_point(|mark| mark.at <= first);
        self.marks.truncate(behind);
        self.nearest(first)
    }

    /// The nearest state that was kept before the line at `at`.
    fn nearest(&self, at: usize) -> (usize, Runner) {
        let mark = self.marks.iter().rev().find(|mark| mark.at <= at);
        match mark {
            Some(mark) => (mark.at, mark.runner.clone()),
            None => (0, self.start.clone()),
        }
    }

    /// Whether the line at `end` is explained without the first `units`, and all
    /// others put back.
    fn is_explained(&mut self, end: usize, units: usize) -> bool {
        let out: HashSet<usize> = self.units[..units].iter().flatten().copied().collect();
        let first = self.units[units].first().copied().unwrap_or_default();
        let (at, mut runner) = self.nearest(first);
        for q in (at..=end).filter(|q| !out.contains(q)) {
            match self.search.judge(&mut runner, self.kept[q]) {
                Outcome::Explained => {}
                Outcome::Same => return true,
                _ => return false,
            }
        }
        end + 1 < self.kept.len()
    }
}
