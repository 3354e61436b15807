//! The property `linearizable-reads` against a second opinion: stateright's
//! linearizability tester, on a register that clients write and read.
//!
//! The property keeps one number for each open read, its floor: the highest
//! index that any leader had committed when the read began. The tester keeps
//! the history of the clients and searches for an order. They are joined so:
//!
//! - a write is invoked when a leader appends it, and acknowledged when a leader
//!   first commits it, the earliest moment at which a client could be told;
//! - a read is invoked when it begins and returns, when it is released, the last
//!   write of the log up to its read index;
//! - an *observer* reads whenever a leader commits further than any leader has,
//!   and is answered at once from what was committed.
//!
//! What is held here:
//!
//! 1. While no read breaks the property, the history is linearizable. (Each
//!    write takes effect when it is first committed, each read when it begins:
//!    its index is its floor.)
//! 2. A read that breaks the property and misses a write, because the entries
//!    between its index and its floor hold one, makes the history not
//!    linearizable. (The observer at the floor has seen the missed write, and
//!    everything that the read can return was acknowledged before that.)
//! 3. A read that breaks the property and misses no write, only no-ops, leaves
//!    the history linearizable. Here the property is stricter: it counts every
//!    committed entry, because it knows no payloads.
//!
//! So with observers the tester rejects exactly when a read misses a write.
//! Without observers only 1 holds, and that the tester rejects no more than
//! with them: two writes that are committed together are concurrent to their
//! clients, and a register that nobody else reads does not tell their order.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use plimsoll_model::action::{self, Action};
use plimsoll_model::bounds::Bounds;
use plimsoll_model::cluster::{State, Step};
use plimsoll_model::field::fingerprint;
use plimsoll_model::flaws::Flaw;
use plimsoll_model::ids::{Index, NodeId};
use plimsoll_model::log::{InlineLog, Log, Payload};
use plimsoll_model::network::NetworkKind;
use plimsoll_model::properties::{Check, Finding, Property, StepView};
use plimsoll_model::rules::{Branch, Input};
use plimsoll_model::scenario::Scenario;
use plimsoll_model::server::Role;
use plimsoll_model::settings::{Dialect, Durability};
use stateright::semantics::register::{Register, RegisterOp, RegisterRet};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

use crate::walk::{SCENARIOS, scenario, walk_where};

type Tester = LinearizabilityTester<u32, Register<u32>>;

/// The register after the entries up to `index`: the last write, or zero.
fn register(log: &InlineLog, index: Index) -> u32 {
    let prefix = log.entries().iter().take(index.0 as usize);
    let mut writes = prefix.filter_map(|entry| match entry.payload {
        Payload::Write { number } => Some(number),
        _ => None,
    });
    writes.next_back().unwrap_or(0)
}

/// What the clients saw of a run, and how the property judged it.
#[derive(Clone)]
struct Clients {
    with_observers: Tester,
    without: Tester,
    acknowledged: Vec<u32>,
    observers: u32,
    /// Reads that broke the property and missed a write.
    stale: u32,
    /// Reads that broke the property and missed only no-ops.
    behind: u32,
    /// Reads that were released and held.
    good: u32,
}

/// Threads of the testers: every operation has a client of its own.
const READS: u32 = 100;
const OBSERVERS: u32 = 200;

impl Clients {
    fn new() -> Self {
        Clients {
            with_observers: Tester::new(Register(0)),
            without: Tester::new(Register(0)),
            acknowledged: Vec::new(),
            observers: 0,
            stale: 0,
            behind: 0,
            good: 0,
        }
    }

    fn invoke(&mut self, thread: u32, op: RegisterOp<u32>) {
        for tester in [&mut self.with_observers, &mut self.without] {
            tester.on_invoke(thread, op.clone()).expect("a new client");
        }
    }

    fn answer(&mut self, thread: u32, ret: RegisterRet<u32>) {
        for tester in [&mut self.with_observers, &mut self.without] {
            tester.on_return(thread, ret.clone()).expect("it has asked");
        }
    }

    /// Follows one step. Says whether a read was released in it.
    fn see(&mut self, scenario: &Scenario, before: &State, action: &Action, step: &Step) -> bool {
        let Action::Step { node, input } = action else {
            return false;
        };
        let after = &step.after.servers[*node];
        let branch = step.outcome.map(|outcome| outcome.branch);
        match (input, branch) {
            (Input::Write { number }, Some(Branch::Wrote)) => {
                self.invoke(*number, RegisterOp::Write(*number));
            }
            (Input::BeginRead { read }, Some(Branch::ReadBegun | Branch::ReadForwarded)) => {
                self.invoke(READS + read.number, RegisterOp::Read);
            }
            (Input::AdvanceCommit { to }, Some(Branch::Committed)) => {
                for entry in after.log.entries().iter().take(to.0 as usize) {
                    if let Payload::Write { number } = entry.payload
                        && !self.acknowledged.contains(&number)
                    {
                        self.acknowledged.push(number);
                        self.answer(number, RegisterRet::WriteOk);
                    }
                }
                if *to > before.history.highest_commit() {
                    let thread = OBSERVERS + self.observers;
                    self.observers += 1;
                    let value = register(&after.log, *to);
                    let tester = &mut self.with_observers;
                    let asked = tester.on_invoke(thread, RegisterOp::Read);
                    let told = asked.expect("a new client");
                    let told = told.on_return(thread, RegisterRet::ReadOk(value));
                    told.expect("it has asked");
                }
            }
            (Input::ReleaseRead { read }, Some(Branch::ReadReleased)) => {
                let server = &before.servers[*node];
                let index = match &server.role {
                    // A follower answers from what it has applied.
                    _ if server.asked.iter().any(|asked| asked.id == *read) => server.applied,
                    Role::Leader { reads, .. } => {
                        reads.iter().find(|r| r.id == *read).expect("open").index
                    }
                    _ => panic!("released by no leader"),
                };
                let value = register(&server.log, index);
                self.answer(READS + read.number, RegisterRet::ReadOk(value));
                self.judge(scenario, before, action, step, index, value);
                return true;
            }
            _ => {}
        }
        false
    }

    fn judge(
        &mut self,
        scenario: &Scenario,
        before: &State,
        action: &Action,
        step: &Step,
        index: Index,
        value: u32,
    ) {
        let at = Property::position("linearizable-reads").expect("it is in the table");
        let Check::Step(check) = plimsoll_model::properties::ALL[at].check else {
            panic!("it is judged on steps");
        };
        let view = StepView {
            before,
            action,
            step,
        };
        if check(&view, scenario) == Finding::Holds {
            self.good += 1;
            return;
        }
        let Action::Step {
            input: Input::ReleaseRead { read },
            ..
        } = action
        else {
            return;
        };
        let open = before.history.reads.iter().find(|o| o.id == *read);
        let floor = open.expect("the ghost knows it").floor;
        assert!(index < floor, "the commit index did not go back");
        // A log that holds what was committed last holds all of it.
        let committed = before.history.committed.iter().map(|c| c.position);
        let last = committed.max_by_key(|p| p.index).expect("a floor");
        let mut logs = before.servers.iter().map(|(_, server)| &server.log);
        let log = logs.find(|log| log.has(last)).expect("it is durable");
        if register(log, floor) == value {
            self.behind += 1;
        } else {
            self.stale += 1;
        }
    }

    /// The statements 1 to 3, on what was seen so far.
    fn agree(&self) -> Result<(), String> {
        let (with, without) = (
            self.with_observers.is_consistent(),
            self.without.is_consistent(),
        );
        if with != (self.stale == 0) {
            return Err(format!(
                "{} reads missed a write, and the tester says {with}: {:?}",
                self.stale, self.with_observers
            ));
        }
        if with && !without {
            return Err(format!("rejected only without: {:?}", self.without));
        }
        Ok(())
    }
}

/// What was met, so that no test passes because nothing happened.
#[derive(Clone, Copy, Default, Debug)]
struct Met {
    states: usize,
    good: u32,
    behind: u32,
    stale: u32,
}

impl Met {
    fn add(&mut self, clients: &Clients) {
        self.good += u32::from(clients.good > 0);
        self.behind += u32::from(clients.behind > 0);
        self.stale += u32::from(clients.stale > 0);
    }
}

/// Whether a leader hears that its term is over.
fn deposes(state: &State, action: &Action) -> bool {
    let Action::Step {
        node,
        input: Input::Receive { message },
    } = action
    else {
        return false;
    };
    let server = &state.servers[*node];
    server.role.is_leader() && message.term > server.term
}

/// Whether an election begins before the latest leader has committed, or a
/// read begins where nothing is missed.
fn hurries(state: &State, action: &Action) -> bool {
    let Action::Step { node, input } = action else {
        return false;
    };
    let terms = state.servers.iter().map(|(_, server)| server.term);
    let latest = terms.max().unwrap_or_default();
    match input {
        Input::Campaign => state.servers.iter().any(|(_, server)| {
            let committed = server.log.term_at(server.commit);
            server.role.is_leader() && server.term == latest && committed != Some(latest)
        }),
        Input::BeginRead { .. } => state.servers[*node].commit == state.history.highest_commit(),
        _ => false,
    }
}

/// What a walk may do. One in four may do anything. The others are cut to
/// where reads go wrong: leaders believe in themselves for ever, and in half of
/// them only leaders that are behind are read from.
fn may(seed: u64, state: &State, action: &Action) -> bool {
    match seed % 4 {
        0 => true,
        1 => !deposes(state, action),
        _ => !deposes(state, action) && !hurries(state, action),
    }
}

fn walks(flaw: Option<Flaw>, seeds: u64, steps: usize) -> Met {
    let mut met = Met::default();
    for number in 0..SCENARIOS {
        let mut scenario = scenario(number);
        scenario.settings.flaw = flaw;
        scenario.bounds.restarts = 1;
        scenario.bounds.reads = 4;
        scenario.bounds.max_messages = None;
        for seed in 0..seeds {
            let mut clients = Clients::new();
            let mut read = false;
            let may = |state: &State, action: &Action| may(seed, state, action);
            let visit = |before: &State, action: &Action, step: &Step| {
                if clients.see(&scenario, before, action, step) {
                    read = true;
                    if let Err(why) = clients.agree() {
                        panic!("{flaw:?}, scenario {number}, seed {seed}: {why}");
                    }
                }
            };
            walk_where(&scenario, 77_000 + seed, steps, may, visit);
            if read {
                met.add(&clients);
            }
        }
    }
    met
}

#[test]
fn random_walks_of_the_rules_are_linearizable() {
    let met = walks(None, 40, 250);
    assert!(met.good > 100, "{met:?}");
    assert_eq!((met.behind, met.stale), (0, 0), "{met:?}");
}

#[test]
fn random_walks_of_flawed_rules_are_rejected_exactly_when_a_read_misses_a_write() {
    for flaw in [Flaw::ReadBeforeOwnCommit, Flaw::ReadBeforeQuorum] {
        let met = walks(Some(flaw), 60, 250);
        assert!(met.good > 100, "{flaw:?}: {met:?}");
        assert!(met.behind > 10, "{flaw:?}: {met:?}");
        assert!(met.stale > 3, "{flaw:?}: {met:?}");
    }
}

/// A leader of term 1 has committed its no-op on n1 and n2. Then anything, with
/// these budgets: an election, a write, a read, and appends besides the first.
fn small(flaw: Option<Flaw>, appends: u32, max_batch: u32) -> Scenario {
    let mut settings = Dialect::Paper.settings(Durability::Atomic);
    settings.flaw = flaw;
    Scenario {
        prefix: &[],
        settings,
        network: NetworkKind::Bag,
        bounds: Bounds {
            servers: 3,
            max_term: 2,
            max_log: 3,
            campaigns: Some(2),
            appends: Some(appends + 1),
            max_batch,
            writes: 1,
            reads: 1,
            ..Bounds::default()
        },
    }
}

/// The beginning of every run of [`small`].
fn beginning(scenario: &Scenario, clients: &mut Clients) -> State {
    let (one, two) = (NodeId(0), NodeId(1));
    let mut state = State::initial(scenario);
    let mut act = |node, input| {
        let action = Action::Step { node, input };
        let step = state.next(&action, scenario).expect("it is enabled");
        clients.see(scenario, &state, &action, &step);
        let released = step.released.clone();
        state = step.after;
        released
    };
    let deliver = |message| Input::Receive { message };
    let asked = act(one, Input::Campaign);
    let voted = act(two, deliver(asked[0].clone()));
    act(one, deliver(voted[0].clone()));
    let sent = act(
        one,
        Input::SendAppend {
            to: two,
            after: Index(0),
            count: 1,
        },
    );
    let held = act(two, deliver(sent[0].clone()));
    act(one, deliver(held[0].clone()));
    act(one, Input::AdvanceCommit { to: Index(1) });
    state
}

fn hash(clients: &Clients) -> u64 {
    let mut hasher = DefaultHasher::new();
    clients.with_observers.hash(&mut hasher);
    clients.without.hash(&mut hasher);
    (clients.stale, clients.behind, clients.good).hash(&mut hasher);
    hasher.finish()
}

/// Every run of such a scenario, each state with each history that leads to it.
/// n3 need not campaign: it lacks the committed no-op and cannot win.
fn every_history(scenario: &Scenario) -> Met {
    let mut clients = Clients::new();
    let state = beginning(scenario, &mut clients);
    let mut known = HashSet::from([(fingerprint(&state), hash(&clients))]);
    let mut queue = VecDeque::from([(state, clients)]);
    let hopeless = Action::Step {
        node: NodeId(2),
        input: Input::Campaign,
    };
    let (mut met, mut actions) = (Met::default(), Vec::new());
    let mut verdicts: BTreeMap<u64, bool> = BTreeMap::new();
    while let Some((state, clients)) = queue.pop_front() {
        met.states += 1;
        actions.clear();
        action::enabled(&state, scenario, &mut actions);
        for action in &actions {
            if *action == hopeless {
                continue;
            }
            let Ok(step) = state.next(action, scenario) else {
                continue;
            };
            if !step.after.within(scenario) {
                continue;
            }
            let mut clients = clients.clone();
            let released = clients.see(scenario, &state, action, &step);
            let history = hash(&clients);
            if !known.insert((fingerprint(&step.after), history)) {
                continue;
            }
            if released && verdicts.insert(history, true).is_none() {
                if let Err(why) = clients.agree() {
                    panic!("{why}");
                }
                met.add(&clients);
            }
            // There is one read: once it is released the rest is silence.
            if !released {
                queue.push_back((step.after, clients));
            }
        }
    }
    met
}

/// Two appends of one entry are what a new leader needs to commit a write and to
/// have a read confirmed too early (E1); one append of all it holds is what a
/// leader needs to commit behind the back of its predecessor (E8).
const BUDGETS: [(Flaw, u32, u32); 2] = [
    (Flaw::ReadBeforeOwnCommit, 2, 1),
    (Flaw::ReadBeforeQuorum, 1, 3),
];

#[test]
fn every_small_history_is_rejected_exactly_when_a_read_misses_a_write() {
    for (flaw, appends, max_batch) in BUDGETS {
        let met = every_history(&small(Some(flaw), appends, max_batch));
        assert!(met.good > 0, "{flaw:?}: {met:?}");
        assert!(met.behind > 0, "{flaw:?}: {met:?}");
        assert!(met.stale > 0, "{flaw:?}: {met:?}");
        let met = every_history(&small(None, appends, max_batch));
        assert!(met.good > 0, "without {flaw:?}: {met:?}");
        assert_eq!((met.behind, met.stale), (0, 0), "without {flaw:?}: {met:?}");
    }
}

/// Why there are observers: a read that misses the second of two writes that
/// were committed together breaks the property, and its clients cannot tell.
#[test]
fn without_an_observer_a_stale_read_may_pass() {
    let mut clients = Clients::new();
    clients.invoke(1, RegisterOp::Write(1));
    clients.invoke(2, RegisterOp::Write(2));
    clients.answer(1, RegisterRet::WriteOk);
    clients.answer(2, RegisterRet::WriteOk);
    let observed = clients
        .with_observers
        .on_invoke(OBSERVERS, RegisterOp::Read);
    let observed = observed.expect("a new client");
    let told = observed.on_return(OBSERVERS, RegisterRet::ReadOk(2));
    told.expect("it has asked");
    clients.invoke(READS, RegisterOp::Read);
    clients.answer(READS, RegisterRet::ReadOk(1));
    assert!(clients.without.is_consistent());
    assert!(!clients.with_observers.is_consistent());
}
