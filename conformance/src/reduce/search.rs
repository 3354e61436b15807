//! Which lines can be left out of a run that diverges.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::contract::Contract;
use super::pass::{Attempt, Of, Pass, Tries};
use super::{EFFORT, Failure, write};
use crate::replay::runner::{Basis, Ended, Event, Runner};
use crate::replay::whole::Whole;
use crate::replay::{self, Options, Stop};
use crate::verdict::{Ground, Verdict};

/// The longest stretches that are tried at every place, in lines: a message,
/// what it causes, and the answer go together.
const SLIDING: usize = 6;

/// How many lines that cannot stay without another one go with it at the most.
const CAUSED: usize = 12;

/// What a copy of a runner costs, in judged events.
const COPY: u64 = 4;

/// What an event costs that is written, read and judged.
const WRITTEN: u64 = 3;

/// After so many explained lines what was left out of a long run seems to be
/// spared.
const HORIZON: usize = 48;

/// Up to so many lines are few.
const FEW: usize = 4096;

/// How many times what a pass has left out is mended at the most, where judged as
/// a trace of its own the rest does not diverge as it should.
const MENDED: usize = 24;

/// The smallest window that is tried, in messages of a link.
const WINDOW: usize = 64;

/// What an event ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The run goes on.
    Explained,
    /// It diverges at the line in question, for the same reason.
    Same,
    /// It ends otherwise.
    Otherwise,
    /// A line shows that storage is asynchronous: the run is judged with that.
    Contract,
    /// What a runner has does not tell.
    Open,
}

/// A search for lines that can be left out.
pub(super) struct Search<'a> {
    pub files: Vec<Whole>,
    /// The event that is not explained.
    pub target: Event,
    /// Why, in the names of the trace.
    pub reason: String,
    pub options: Options,
    pub scratch: Vec<PathBuf>,
    /// Where storage was seen to be asynchronous.
    pub queued: bool,
    /// Lines behind the one in question: of nodes that have none before it, or what
    /// alone tells the storage contract.
    pub behind: Vec<Event>,
    /// How much runners keep, once that is settled.
    pub window: Option<usize>,
    /// What could not be left out: with the lines that the try failed with.
    pub failed: HashMap<Attempt, Vec<Event>>,
    /// What a pass has left out, and had to be put back.
    pub stubborn: HashSet<Event>,
    /// Lines of the one file that were seen to be needed, by their place in it,
    /// with that of the line that shows it.
    pub proven: HashMap<usize, usize>,
    /// The line that each of them failed with when it was tried last.
    pub failed_with: HashMap<usize, usize>,
    pub tried: u64,
    /// Events judged so far.
    pub judged: u64,
    /// Set when what was found so far is enough.
    pub cancel: &'a AtomicBool,
}

impl Search<'_> {
    pub(super) fn all(&self) -> Vec<Event> {
        let files = self.files.iter().enumerate();
        files
            .flat_map(|(file, whole)| (0..whole.len()).map(move |event| (file, event)))
            .collect()
    }

    /// Whether what is kept, judged as a trace of its own, diverges at the same
    /// line for the same reason.
    pub(super) fn diverges(&mut self, kept: &[Event]) -> Result<bool, Failure> {
        self.tried += 1;
        self.judged += WRITTEN * kept.len() as u64;
        if !write(&self.files, kept, &self.scratch)? {
            return Ok(false);
        }
        let judged = replay::judge(&self.scratch, &self.options);
        let [judged] = &judged[..] else {
            return Ok(false);
        };
        let Ok(Verdict::Diverges(found, _)) = &judged.result else {
            return Ok(false);
        };
        let file = self
            .scratch
            .iter()
            .position(|path| *path == *found.place.path);
        let is_before = |event: &&Event| event.0 == self.target.0 && **event < self.target;
        let before = kept.iter().filter(is_before).count() as u64;
        let at = (file, found.place.event) == (Some(self.target.0), before);
        Ok(at && found.reason() == self.reason)
    }

    /// Whether nothing more is tried.
    pub(super) fn is_spent(&self) -> bool {
        self.judged > EFFORT || self.cancel.load(Relaxed)
    }

    /// Whether what was begun is not even ended.
    pub(super) fn is_over(&self) -> bool {
        self.judged > EFFORT + EFFORT / 4
    }

    /// A copy to go on with.
    pub(super) fn copy(&mut self, runner: &Runner) -> Runner {
        self.tried += 1;
        self.judged += COPY;
        runner.clone()
    }

    /// Judges an event that was kept.
    pub(super) fn judge(&mut self, runner: &mut Runner, event: Event) -> Outcome {
        self.judged += 1;
        let (file, at) = event;
        match runner.judge(&self.files[file], at) {
            Ok(()) => Outcome::Explained,
            Err(ended) => self.outcome(&ended, event),
        }
    }

    fn outcome(&self, ended: &Ended, event: Event) -> Outcome {
        let is_target = event == self.target;
        match &ended.stop {
            Stop::Diverges(_) if is_target && ended.reason().as_ref() == Some(&self.reason) => {
                Outcome::Same
            }
            // What was forgotten may belong to the reason.
            Stop::Diverges(_) if is_target && self.window.is_some() => Outcome::Open,
            Stop::Diverges(_) => Outcome::Otherwise,
            Stop::Inconclusive(_) if ended.overtaken => Outcome::Contract,
            Stop::Inconclusive(stopped) if stopped.ground == Ground::Forgotten => Outcome::Open,
            Stop::Inconclusive(_) => Outcome::Otherwise,
        }
    }

    /// A runner at the beginning, for a storage contract.
    fn runner(&self, queued: bool) -> Option<Runner> {
        let basis = Basis {
            queued,
            window: self.window,
        };
        let mut runner = Runner::new(&self.files, &self.options, basis)?;
        for &(file, event) in &self.behind {
            runner.note(&self.files[file], event);
        }
        Some(runner)
    }

    /// Whether a runner that is given `kept` ends as the trace does.
    fn runs(&mut self, kept: &[Event], runner: Option<Runner>) -> bool {
        let Some(mut runner) = runner else {
            return false;
        };
        for &event in kept {
            match self.judge(&mut runner, event) {
                Outcome::Explained => {}
                outcome => return event == self.target && outcome == Outcome::Same,
            }
        }
        false
    }

    /// Whether the lines tell the storage contract.
    fn is_told(&self) -> bool {
        let told = matches!(self.files[..], [Whole::Lines(_), ..]);
        told && self.options.given.storage.is_none()
    }

    /// Settles how runners judge `kept`: what was left out may have told the
    /// storage contract, or have been what a window rests on.
    fn settle(&mut self, kept: &[Event]) -> Option<()> {
        if self.is_told() {
            let shown = Contract::new(self, &self.with_behind(kept)).is_shown();
            if shown != self.queued {
                self.queued = shown;
                self.proven.clear();
            }
        }
        self.settle_window(kept)
    }

    /// The least that a runner has to keep for `kept`; `None` where no runner
    /// ends as the trace does. What keeps little is copied fast.
    fn settle_window(&mut self, kept: &[Event]) -> Option<()> {
        let most = self.options.window;
        let mut window = WINDOW;
        while window < kept.len() && most.is_none_or(|most| window < most) {
            self.window = Some(window);
            let runner = self.runner(self.queued);
            if self.runs(kept, runner) {
                return Some(());
            }
            window *= 4;
        }
        self.window = most;
        let runner = self.runner(self.queued);
        self.runs(kept, runner).then_some(())
    }

    /// Leaves out what can be left out; says whether all that is left was seen
    /// to be needed.
    pub(super) fn minimise(&mut self) -> Result<(Vec<Event>, bool), Failure> {
        let all = self.all();
        let half = all.len().div_ceil(2);
        let Some(mut kept) = self.followed(&all)? else {
            return self.exactly(all, half);
        };
        let mut length = kept.len();
        while length > 1 {
            length = length.div_ceil(2);
            for of in self.stretches(&kept) {
                self.pass(&mut kept, Tries::Long(length, of))?;
            }
        }
        // Which lines are tried first decides which are left in the end. Where
        // there are few, both are seen; where there are many, what goes together
        // goes at once.
        let mut plain = Some(kept.clone()).filter(|kept| kept.len() <= FEW);
        if let Some(plain) = &mut plain {
            self.slide(plain)?;
            self.failed.clear();
        }
        while self.pass(&mut kept, Tries::Causes(CAUSED))? * 64 > kept.len() {
            // With fewer lines less may be kept.
            if self.settle(&kept).is_none() {
                break;
            }
        }
        self.slide(&mut kept)?;
        if let Some(plain) = plain.filter(|plain| plain.len() < kept.len()) {
            kept = plain;
        }
        loop {
            if self.is_spent() {
                return Ok((self.with_behind(&kept), false));
            }
            if self.settle(&kept).is_none() {
                return self.exactly(self.with_behind(&kept), 1);
            }
            if self.pass(&mut kept, Tries::Every(1, Of::Run))? > 0 {
                continue;
            }
            match self.is_minimal(&mut kept)? {
                Some(true) => return Ok((self.with_behind(&kept), true)),
                Some(false) => {}
                None => return self.exactly(self.with_behind(&kept), 1),
            }
        }
    }

    /// The events up to the one in question, in the order in which they are
    /// judged; `None` where no runner ends with them as the trace does.
    fn followed(&mut self, all: &[Event]) -> Result<Option<Vec<Event>>, Failure> {
        let runner = self.runner(self.queued);
        let order = runner.map(|runner| runner.order(&self.files, self.target));
        let Some(kept) = order.filter(|order| order.last() == Some(&self.target)) else {
            return Ok(None);
        };
        // What stands behind the line explains nothing, but that a node is there.
        if let [Whole::Steps(..)] = &self.files[..] {
            let node = |&(file, at): &Event| self.files[file].node(at);
            let mut known: BTreeSet<&str> = kept.iter().map(node).collect();
            let behind = all.iter().filter(|event| **event > self.target);
            let behind = behind.filter(|event| known.insert(node(event)));
            self.behind = behind.copied().collect();
        }
        let mut diverges = self.diverges(&self.with_behind(&kept))?;
        if !diverges && self.queued && self.is_told() && self.files.len() == 1 {
            // Only lines behind it show that storage is asynchronous.
            let behind = all.iter().filter(|event| **event > self.target).copied();
            let whole: Vec<Event> = kept.iter().copied().chain(behind).collect();
            let half = (whole.len() - kept.len()).div_ceil(2).max(1);
            let (less, _) = self.exactly_from(whole, kept.len(), half)?;
            self.behind = less[kept.len()..].to_vec();
            diverges = self.diverges(&less)?;
        }
        let ends_so = diverges && self.settle(&kept).is_some();
        Ok(Some(kept).filter(|_| ends_so))
    }

    /// Leaves out short stretches, until hardly any more goes.
    fn slide(&mut self, kept: &mut Vec<Event>) -> Result<(), Failure> {
        loop {
            let before = kept.len();
            for length in 1..=SLIDING {
                for of in self.stretches(kept) {
                    self.pass(kept, Tries::Every(length, of))?;
                }
            }
            let gone = before - kept.len();
            if self.is_spent() || gone * 256 <= before && (gone == 0 || before > FEW) {
                return Ok(());
            }
        }
    }

    /// The stretches that a pass tries: where there are few lines, those of the
    /// run and of each node one after the other, which leaves fewer.
    fn stretches(&self, kept: &[Event]) -> Vec<Of> {
        if kept.len() > FEW {
            return vec![Of::Either];
        }
        let node = |&(file, at): &Event| self.files[file].node(at);
        let nodes: BTreeSet<&str> = kept.iter().map(node).collect();
        let nodes = (0..nodes.len()).map(Of::Node);
        std::iter::once(Of::Run).chain(nodes).collect()
    }

    /// The line at `gone` was left out: whatever showed that others are needed
    /// shows it no longer, but for what ends before it.
    fn forget_proofs(&mut self, gone: Event) {
        self.proven.retain(|_, shown| *shown < gone.1);
    }

    fn with_behind(&self, kept: &[Event]) -> Vec<Event> {
        kept.iter().chain(&self.behind).copied().collect()
    }

    /// A pass over `kept`; says how many lines it has left out. What is left
    /// diverges, judged as a trace of its own.
    fn pass(&mut self, kept: &mut Vec<Event>, tries: Tries) -> Result<usize, Failure> {
        let start = self.runner(self.queued);
        let Some(start) = start.filter(|_| !self.is_spent()) else {
            return Ok(0);
        };
        if kept.len() <= FEW {
            self.stubborn.clear();
        }
        let horizon = match kept.len() <= FEW {
            true => usize::MAX,
            false => HORIZON,
        };
        let mut units = Pass::new(self, kept, start, horizon).run(tries);
        let before = kept.len();
        for _ in 0..MENDED {
            let less = without(kept, &units);
            if units.is_empty() || self.diverges(&self.with_behind(&less))? {
                let first = units.iter().flatten().min();
                if let Some(&first) = first {
                    self.forget_proofs(kept[first]);
                }
                *kept = less;
                return Ok(before - kept.len());
            }
            // The unit without which it does, and with which it does not.
            let (mut good, mut bad) = (0, units.len());
            while good + 1 < bad {
                let middle = (good + bad) / 2;
                let less = without(kept, &units[..middle]);
                match self.diverges(&self.with_behind(&less))? {
                    true => good = middle,
                    false => bad = middle,
                }
            }
            let unit = units.remove(good);
            if let Some(&first) = unit.first() {
                self.stubborn.insert(kept[first]);
            }
        }
        Ok(0)
    }

    /// Whether each line of `kept` is needed: judged to its end without it. What
    /// is not needed is left out. `None` where no runner follows it.
    fn is_minimal(&mut self, kept: &mut Vec<Event>) -> Result<Option<bool>, Failure> {
        if self.files.len() > 1 || !self.files[0].in_order() {
            let whole = self.with_behind(kept);
            let before = whole.len();
            let (less, minimal) = self.exactly(whole, 1)?;
            kept.retain(|event| less.contains(event));
            return Ok(Some(minimal && less.len() == before));
        }
        let mut minimal = true;
        for behind in (0..self.behind.len()).rev() {
            let event = self.behind.remove(behind);
            let whole = self.with_behind(kept);
            if self.diverges(&whole)? {
                self.proven.clear();
                minimal = false;
            } else {
                self.behind.insert(behind, event);
            }
        }
        let before = kept.len();
        let less = self.needed(kept.clone(), false)?;
        let fewer = less.as_ref().is_some_and(|less| less.len() < before);
        // A judgement of what is left all at once is enough, mostly.
        let less = match less {
            Some(less) if fewer && !self.diverges(&self.with_behind(&less))? => {
                self.proven.clear();
                self.needed(kept.clone(), true)?
            }
            less => less,
        };
        Ok(less.map(|less| {
            *kept = less;
            minimal && kept.len() == before && !self.is_spent()
        }))
    }

    /// What is left of `kept` without each line that is not needed; `None` where
    /// no runner follows it. With `exact` what goes was judged as a trace of its
    /// own.
    fn needed(&mut self, mut kept: Vec<Event>, exact: bool) -> Result<Option<Vec<Event>>, Failure> {
        // Of what a line has failed with when it is gone: it is tried at once, as
        // one line that goes often frees another before it, and all others later.
        let mut freed: Option<HashSet<usize>> = None;
        loop {
            let before: HashSet<usize> = kept.iter().map(|event| event.1).collect();
            let once = self.needed_once(kept, freed.as_ref(), exact)?;
            let Some((less, changes)) = once else {
                return Ok(None);
            };
            let done = less.len() == before.len();
            if changes || self.is_spent() || (done && freed.is_none()) {
                return Ok(Some(less));
            }
            let left: HashSet<usize> = less.iter().map(|event| event.1).collect();
            let gone = |line: &usize| before.contains(line) && !left.contains(line);
            let by_gone = |(line, with): (&usize, &usize)| gone(with).then_some(*line);
            let next: HashSet<usize> = self.failed_with.iter().filter_map(by_gone).collect();
            freed = Some(next).filter(|next| !next.is_empty());
            kept = less;
        }
    }

    /// The same, as far as going once from the first line to the last leads, or
    /// to where the storage contract becomes another one; with only `these` tried.
    fn needed_once(
        &mut self,
        mut kept: Vec<Event>,
        these: Option<&HashSet<usize>>,
        exact: bool,
    ) -> Result<Option<(Vec<Event>, bool)>, Failure> {
        let Some(mut base) = self.runner(self.queued) else {
            return Ok(None);
        };
        // The same run with the other storage contract, as far as that explains it.
        let mut other = self.runner(!self.queued);
        let mut whole = self.with_behind(&kept);
        let mut contract = Contract::new(self, &whole);
        let mut at = 0;
        while at + 1 < kept.len() && !self.is_spent() {
            let (event, rest) = (kept[at], &kept[at + 1..]);
            let is_wanted = these.is_none_or(|these| these.contains(&event.1));
            if is_wanted && !self.proven.contains_key(&event.1) {
                let (keeps, shown) = contract.keeps(self, &whole, at);
                let (mut outcome, mut end) = match keeps {
                    true => self.ends(&base, rest),
                    false => (Outcome::Contract, event),
                };
                let changes = outcome == Outcome::Contract;
                if changes {
                    (outcome, end) = match &other {
                        Some(other) => self.ends(other, rest),
                        // With that contract the run ends before this line.
                        None => (Outcome::Otherwise, event),
                    };
                }
                if outcome != Outcome::Otherwise {
                    kept.remove(at);
                    whole.remove(at);
                    let seems = outcome == Outcome::Same && !changes && !exact;
                    if seems || self.diverges(&whole)? {
                        self.forget_proofs(event);
                        if changes {
                            return Ok(Some((kept, true)));
                        }
                        contract.look(self, &whole);
                        continue;
                    }
                    kept.insert(at, event);
                    whole.insert(at, event);
                } else {
                    self.failed_with.insert(event.1, end.1);
                    if keeps != changes {
                        self.proven.insert(event.1, shown.max(end.1));
                    }
                }
            }
            contract.pass(self, event);
            if self.judge(&mut base, event) != Outcome::Explained {
                return Ok(None);
            }
            if let Some(runner) = &mut other
                && self.judge(runner, event) != Outcome::Explained
            {
                other = None;
            }
            at += 1;
        }
        Ok(Some((kept, false)))
    }

    /// How `rest` ends after what `base` has judged, and at which line.
    fn ends(&mut self, base: &Runner, rest: &[Event]) -> (Outcome, Event) {
        let mut runner = self.copy(base);
        for &event in rest {
            match self.judge(&mut runner, event) {
                Outcome::Explained => {}
                outcome => return (outcome, event),
            }
        }
        (Outcome::Otherwise, self.target)
    }

    /// Leaves out stretches of `length` lines and then shorter ones, each try
    /// judged as a trace of its own, until no line can go: where the order of the
    /// judgement is not the lines', or no runner follows it.
    fn exactly(&mut self, kept: Vec<Event>, length: usize) -> Result<(Vec<Event>, bool), Failure> {
        self.exactly_from(kept, 0, length)
    }

    /// The same, of what stands from `first` on.
    fn exactly_from(
        &mut self,
        mut kept: Vec<Event>,
        first: usize,
        mut length: usize,
    ) -> Result<(Vec<Event>, bool), Failure> {
        loop {
            let before = kept.len();
            let mut at = first;
            while at < kept.len() {
                if self.is_spent() {
                    return Ok((kept, false));
                }
                let out = at..kept.len().min(at + length);
                let stays = |(place, event): &(usize, &Event)| {
                    !out.contains(place) || **event == self.target
                };
                let less = kept.iter().enumerate().filter(stays);
                let less: Vec<Event> = less.map(|(_, event)| *event).collect();
                if less.len() < kept.len() && self.diverges(&less)? {
                    kept = less;
                } else {
                    at += length;
                }
            }
            if length == 1 && kept.len() == before {
                return Ok((kept, true));
            }
            length = length.div_ceil(2);
        }
    }
}

/// `kept` without what stands at the places of `units`.
fn without(kept: &[Event], units: &[Vec<usize>]) -> Vec<Event> {
    let out: HashSet<usize> = units.iter().flatten().copied().collect();
    let left = kept.iter().enumerate().filter(|(at, _)| !out.contains(at));
    left.map(|(_, event)| *event).collect()
}
