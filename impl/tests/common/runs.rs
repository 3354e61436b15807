//! Simulated runs, and how a failing one is shown again.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use plimsoll_raft::sim::{Outcome, Plan, Simulation, history};
use plimsoll_raft::trace::Recorder;

/// Prints the command that repeats a run if the test panics while it lives,
/// be it in an assertion of the test or of the core.
pub(crate) struct ShowAgain(pub(crate) String);

impl Drop for ShowAgain {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("again: {}", self.0);
        }
    }
}

/// An output that several hold.
#[derive(Debug, Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A run without a trace.
pub(crate) fn run(plan: &Plan) -> Outcome {
    let _again = ShowAgain(plan.command());
    let simulation = Simulation::new(plan.clone(), Recorder::off());
    let simulation = simulation.expect("a plan that can be followed");
    simulation.run().expect("nothing is written")
}

/// A run, and its trace.
pub(crate) fn traced(plan: &Plan) -> (Outcome, Vec<u8>) {
    let _again = ShowAgain(plan.command());
    let output = Shared::default();
    let recorder = Recorder::merged(&plan.header(), Box::new(output.clone()));
    let recorder = recorder.expect("memory takes a header");
    let simulation = Simulation::new(plan.clone(), recorder);
    let simulation = simulation.expect("a plan that can be followed");
    let outcome = simulation.run().expect("memory takes all");
    (outcome, output.0.take())
}

/// The history of a run, as it is written.
pub(crate) fn history_of(outcome: &Outcome) -> Vec<u8> {
    let mut output = Vec::new();
    history::write(&outcome.history, &mut output).expect("memory takes all");
    output
}

/// Panics, naming the command, if the run broke a property.
pub(crate) fn assert_held(plan: &Plan, outcome: &Outcome) {
    if let Some(violation) = &outcome.violation {
        panic!("{violation}\nseed {}; again: {}", plan.seed, plan.command());
    }
}
