//! Recoverability: from every state that faults can lead to, whoever of a
//! minority stays down, some continuation without faults reaches the goal.
//!
//! Each reachable state and each smallest majority make a state to start from
//! ([`left_over`]). Of each it is asked, in this order, whether the goal is
//! reached
//!
//! 1. by doing what helps ([`Reins::Helpful`]): then the state is recoverable,
//!    and that is the fate of all but a few;
//! 2. if not, by servers amid all messages that were ever said ([`Soup`]): if
//!    it is not even then, with as many terms as are to spare and with one more,
//!    the state violates;
//! 3. else by anything at all that a network without faults does
//!    ([`Reins::Once`]): then it is recoverable after all.
//!
//! What is left is undetermined, and [`Why`] says for which reason.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::aftermath::{Aftermath, Reins, left_over, quorums};
use super::closure::{Fate, Memo, fate};
use super::goals::Goal;
use super::reached::{Reached, unpacked};
use super::soup::{Broth, Member, Soup};
use super::{Verdict, Watch, key_of};
use crate::action::Action;
use crate::cluster::State;
use crate::counterexample::{Frame, NotARun, execute};
use crate::engine::{End, Limits, Progress};
use crate::field::packed;
use crate::ids::{NodeSet, Term};
use crate::message::Message;
use crate::scenario::Scenario;
use crate::shared::unpack_part;

/// How many terms are to spare where nothing is said. Raft takes two: of a
/// majority the server with the best log wins the next term, but where it leads
/// another one must start an election first, and lose, before it does.
pub const SPARE_TERMS: u32 = 2;

/// Memory that a check may use where nobody says how much.
pub(super) const MEMORY: u64 = 2 << 30;

/// How many states are looked at for a way to a goal that neither help nor the
/// proof that there is none has decided: such a search is large, and where the
/// rules are right there is none to make.
const ONCE_MAX: u64 = 2_000;

/// Bytes that a state takes which waits in a search for a goal, roughly.
const WAITING: u64 = 1 << 10;

/// Why a state is neither recoverable nor violating.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The goal takes one more term than there are to spare.
    Terms,
    /// The goal takes a message to arrive twice, or in a run in which nobody
    /// said it.
    Mixtures,
    /// What follows leaves the bounds.
    Cut,
    /// What follows is more than may be spent on it.
    Spent,
}

impl Why {
    /// Every reason.
    pub const ALL: [Why; 4] = [Why::Terms, Why::Mixtures, Why::Cut, Why::Spent];

    /// The name, as JSON spells it.
    pub fn name(self) -> &'static str {
        match self {
            Why::Terms => "needs-more-terms",
            Why::Mixtures => "needs-mixed-runs",
            Why::Cut => "leaves-bounds",
            Why::Spent => "too-many-states",
        }
    }
}

/// What was found of one goal.
#[derive(Clone, Debug)]
pub struct Recoverability {
    /// The goal.
    pub goal: &'static Goal,
    /// What was explored.
    pub scenario: Scenario,
    /// How many terms were to spare.
    pub spare_terms: u32,
    /// How the check ended.
    pub end: End,
    /// Reachable states, faults and all.
    pub states: u64,
    /// The most actions on a shortest way to one.
    pub depth: usize,
    /// Successors out of the bounds of the faults: states that were not asked.
    pub out_of_bounds: u64,
    /// States to start from: reachable ones after the last faults.
    pub starts: u64,
    /// Of these, how many were judged.
    pub judged: u64,
    /// Of these, from how many the goal is reached.
    pub recoverable: u64,
    /// How many are undetermined, for each reason in [`Why::ALL`].
    pub undetermined: [u64; 4],
    /// From how many it is not reached.
    pub violating: u64,
    /// States looked at on the way to goals.
    pub looked_at: u64,
    /// The most actions that reached the goal from where nothing was known.
    pub longest: usize,
    /// A violation with a shortest way into it.
    pub violation: Option<Violation>,
    /// The state nearest to the initial one that is undetermined: the way to
    /// it, who is up, and why.
    pub open: Option<(Vec<Action>, NodeSet, Why)>,
    /// Wall-clock time.
    pub elapsed: Duration,
}

impl Recoverability {
    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        let open: u64 = self.undetermined.iter().sum();
        if self.violation.is_some() {
            return Verdict::Violated;
        }
        // Where it was asked of nobody but lone servers, which have nobody to
        // change, no change was ever completed.
        let shown = self.recoverable > 0 && (self.longest > 0 || self.goal.asked.changes == 0);
        match self.end == End::Exhausted && open == 0 && shown {
            true => Verdict::Holds,
            false => Verdict::Inconclusive,
        }
    }
}

/// A way into a state from which the goal is not reached any more.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The goal.
    pub goal: &'static Goal,
    /// What was explored.
    pub scenario: Scenario,
    /// The way, from the initial state.
    pub actions: Vec<Action>,
    /// Who is up from then on; the rest is down, and what was in flight is lost.
    pub up: NodeSet,
    /// How many terms are to spare.
    pub spare_terms: u32,
    /// How many states may follow.
    pub size: u64,
}

impl Violation {
    /// Executes the way again and returns its frames.
    ///
    /// # Errors
    /// When it is no run of the rule book.
    pub fn frames(&self) -> Result<Vec<Frame>, NotARun> {
        execute(&self.scenario, &self.actions)
    }

    /// The state that the last faults leave at the end of the way.
    ///
    /// # Errors
    /// When the way is no run of the rule book.
    pub fn start(&self) -> Result<State, NotARun> {
        let frames = self.frames()?;
        let state = match frames.last() {
            Some(frame) => frame.step.after.clone(),
            None => State::initial(&self.scenario),
        };
        Ok(left_over(&state, self.up, &self.scenario))
    }

    fn aftermath(&self, start: &State, spare_terms: u32) -> Aftermath<'static> {
        Aftermath::new(
            &self.scenario,
            self.goal,
            start,
            self.up,
            spare_terms,
            Reins::Any,
        )
    }

    /// The closed set, worked out anew: up to `most` states of it, and the
    /// messages that may arrive in any of them.
    ///
    /// # Errors
    /// When the way is no run of the rule book.
    pub fn members(&self, most: usize) -> Result<(Vec<Member>, Vec<Message>), NotARun> {
        let start = self.start()?;
        let aftermath = self.aftermath(&start, self.spare_terms);
        let mut soup = Soup::new(&aftermath, &start);
        soup.close(&mut |_| false);
        let members = (0..most.min(soup.len())).map(|at| soup.member(at));
        let members = members.collect();
        let said = soup.said().cloned().collect();
        Ok((members, said))
    }

    /// Whether the way is a run within bounds, those who stay up are enough, and
    /// what may follow is closed and without the goal, with the terms to spare
    /// and with one more: worked out anew.
    pub fn is_confirmed(&self) -> bool {
        let Ok(frames) = self.frames() else {
            return false;
        };
        let within = |frame: &Frame| frame.step.after.within(&self.scenario);
        let Ok(start) = self.start() else {
            return false;
        };
        let last = frames.last().map(|frame| frame.step.after.clone());
        let end = last.unwrap_or_else(|| State::initial(&self.scenario));
        frames.iter().all(within)
            && quorums(&end, &self.scenario).contains(&self.up)
            && !(self.goal.stands)(&start, self.up)
            && self.closed(self.spare_terms) == Some(self.size)
            && self.closed(self.spare_terms + 1).is_some()
    }

    /// How many states may follow with so many terms to spare, if none of them
    /// reaches the goal and nothing is left out.
    fn closed(&self, spare_terms: u32) -> Option<u64> {
        let start = self.start().ok()?;
        let aftermath = self.aftermath(&start, spare_terms);
        match Soup::new(&aftermath, &start).close(&mut |_| false) {
            Broth::Closed(size) => Some(size),
            _ => None,
        }
    }
}

/// A state to start from.
struct Start {
    /// The reachable state that it is left of.
    number: u32,
    up: NodeSet,
    packed: Vec<u8>,
}

/// What becomes of a start.
enum Judgement {
    Recoverable(usize),
    Violating(u64),
    Undetermined(Why),
}

/// What is known of systems that differ in who is up, in the latest term that
/// is offered and in what may be done.
type Memos = HashMap<(NodeSet, Term, Reins), Memo>;

/// Asks of every state within the bounds of `scenario` whether `goals` are
/// reached after it, with `spare_terms` terms to spare. Stops at a violation of
/// each goal unless it is to keep going. One answer a goal, in their order.
pub fn recoverability(
    scenario: &Scenario,
    goals: &[&'static Goal],
    spare_terms: u32,
    limits: &Limits,
    progress: &mut dyn FnMut(Progress),
) -> Vec<Recoverability> {
    let limits = Limits {
        memory: Some(limits.memory.unwrap_or(MEMORY)),
        ..limits.clone()
    };
    let mut watch = Watch::new(&limits, progress);
    let mut reached = Reached::default();
    let mut starts = Vec::new();
    let (mut met, mut known) = (HashSet::new(), HashSet::new());
    let end = reached.explore(scenario, &mut watch, |number, bytes| {
        // What lies in the network and in the budgets is not left over.
        let mut rest = bytes;
        let ensemble = unpack_part(&mut rest).expect("a state begins with its ensemble");
        if !met.insert(key_of(ensemble)) {
            return 0;
        }
        let state = unpacked(bytes);
        let mut kept = 24;
        for up in quorums(&state, scenario) {
            let left = packed(&left_over(&state, up, scenario));
            if known.insert((up, key_of(&left))) {
                kept += left.len() as u64 + 80;
                starts.push(Start {
                    number,
                    up,
                    packed: left,
                });
            }
        }
        kept
    });
    let mut answers = Vec::new();
    for goal in goals {
        let mut answer = Recoverability {
            goal,
            scenario: scenario.clone(),
            spare_terms,
            end,
            states: reached.len(),
            depth: reached.depth(),
            out_of_bounds: reached.out_of_bounds,
            starts: starts.len() as u64,
            judged: 0,
            recoverable: 0,
            undetermined: [0; 4],
            violating: 0,
            looked_at: 0,
            longest: 0,
            violation: None,
            open: None,
            elapsed: Duration::ZERO,
        };
        judge(&mut answer, &starts, &reached, &limits, &mut watch);
        answer.elapsed = watch.elapsed();
        answers.push(answer);
    }
    answers
}

/// Asks every start for the goal of `answer`.
fn judge(
    answer: &mut Recoverability,
    starts: &[Start],
    reached: &Reached,
    limits: &Limits,
    watch: &mut Watch<'_, '_>,
) {
    let mut memos = Memos::new();
    for start in starts {
        let bytes = reached.footprint() + memos.values().map(Memo::footprint).sum::<u64>();
        if let Some(end) = watch.spent(0, bytes, reached.depth()) {
            answer.end = end;
            return;
        }
        let room = limits.memory.unwrap_or(MEMORY).saturating_sub(bytes) / WAITING;
        let most = limits.states.map_or(room, |states| states.min(room));
        let state = unpacked(&start.packed);
        let mut cut = None;
        let mut give_up = |states: u64| {
            cut = cut.or_else(|| watch.spent(0, 0, reached.depth()));
            states > most || cut.is_some()
        };
        let judgement = judge_start(answer, &state, start.up, &mut memos, &mut give_up);
        if let Some(end) = cut {
            answer.end = end;
            return;
        }
        answer.judged += 1;
        let scenario = answer.scenario.clone();
        match judgement {
            Judgement::Recoverable(steps) => {
                answer.recoverable += 1;
                answer.longest = answer.longest.max(steps);
            }
            Judgement::Undetermined(why) => {
                answer.undetermined[why as usize] += 1;
                if answer.open.is_none() {
                    let way = reached.way(start.number, &scenario);
                    answer.open = way.map(|way| (way, start.up, why));
                }
            }
            Judgement::Violating(size) => {
                answer.violating += 1;
                if answer.violation.is_none() {
                    let way = reached.way(start.number, &scenario);
                    let violation = way.map(|actions| Violation {
                        goal: answer.goal,
                        scenario,
                        actions,
                        up: start.up,
                        spare_terms: answer.spare_terms,
                        size,
                    });
                    // What was known before is part of the set too.
                    answer.violation = violation.map(|found| Violation {
                        size: found.closed(found.spare_terms).unwrap_or(size),
                        ..found
                    });
                }
                if !limits.keep_going {
                    answer.end = End::Found;
                    return;
                }
            }
        }
    }
}

fn judge_start(
    answer: &mut Recoverability,
    start: &State,
    up: NodeSet,
    memos: &mut Memos,
    give_up: &mut dyn FnMut(u64) -> bool,
) -> Judgement {
    let (goal, spare) = (answer.goal, answer.spare_terms);
    let scenario = answer.scenario.clone();
    let looked_at = std::cell::Cell::new(0);
    let count = |states: u64| looked_at.set(looked_at.get() + states);
    let mut ask = |reins, give_up: &mut dyn FnMut(u64) -> bool| {
        let system = Aftermath::new(&scenario, goal, start, up, spare, reins);
        let memo = memos.entry((up, system.latest(), reins)).or_default();
        let (fate, states) = fate(&system, system.start(start), memo, give_up);
        count(states);
        fate
    };
    let boil = |spare, give_up: &mut dyn FnMut(u64) -> bool| {
        let aftermath = Aftermath::new(&scenario, goal, start, up, spare, Reins::Any);
        let mut soup = Soup::new(&aftermath, start);
        let broth = soup.close(give_up);
        count(soup.len() as u64);
        broth
    };
    if let Fate::Reaches(way) = ask(Reins::Helpful, give_up) {
        answer.looked_at += looked_at.get();
        return Judgement::Recoverable(way.len());
    }
    if (goal.stands)(start, up) {
        answer.looked_at += looked_at.get();
        return Judgement::Recoverable(0);
    }
    let judgement = match boil(spare, give_up) {
        Broth::Closed(size) => match boil(spare + 1, give_up) {
            Broth::Closed(_) => Judgement::Violating(size),
            Broth::Reaches => Judgement::Undetermined(Why::Terms),
            Broth::Cut => Judgement::Undetermined(Why::Cut),
            Broth::Spent => Judgement::Undetermined(Why::Spent),
        },
        Broth::Cut => Judgement::Undetermined(Why::Cut),
        Broth::Spent => Judgement::Undetermined(Why::Spent),
        Broth::Reaches => match ask(Reins::Once, &mut |n| n > ONCE_MAX || give_up(n)) {
            Fate::Reaches(way) => Judgement::Recoverable(way.len()),
            Fate::Spent => Judgement::Undetermined(Why::Spent),
            Fate::Closed(_) | Fate::Cut => Judgement::Undetermined(Why::Mixtures),
        },
    };
    answer.looked_at += looked_at.get();
    judgement
}
