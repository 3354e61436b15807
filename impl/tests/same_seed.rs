//! quickcheck drives the simulator: the same plan gives the same bytes, and the
//! command that a failure prints is the plan.

mod common;

use common::runs::{ShowAgain, history_of, run, traced};
use plimsoll_raft::sim::Plan;
use quickcheck::{Arbitrary, Gen, QuickCheck};

#[derive(Debug, Clone)]
struct AnyPlan(Plan);

impl Arbitrary for AnyPlan {
    fn arbitrary(g: &mut Gen) -> Self {
        let mut upto = |limit: u32| u32::arbitrary(g) % (limit + 1);
        let (nodes, clients, keys) = (1 + upto(4), upto(5), 1 + upto(3));
        let mut tenths = |limit| f64::from(upto(limit)) / 10.0;
        let (drop, duplicate, reads) = (tenths(3), tenths(3), tenths(10));
        let (partitions, crashes) = (tenths(8), tenths(8));
        Self(Plan {
            seed: u64::arbitrary(g),
            nodes,
            steps: 200 + u64::from(u16::arbitrary(g) % 2000),
            drop,
            duplicate,
            partitions,
            crashes,
            clients,
            reads,
            keys,
            reorder: bool::arbitrary(g),
            one_way: bool::arbitrary(g),
            write_retries: u32::from(u8::arbitrary(g) % 3),
            append_entries_max: 1 + u32::from(u8::arbitrary(g) % 4),
            ..Plan::default()
        })
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let plan = self.0.clone();
        let shorter = plan.steps.shrink().filter(|&steps| steps > 0);
        Box::new(shorter.map(move |steps| {
            Self(Plan {
                steps,
                ..plan.clone()
            })
        }))
    }
}

fn check(cases: u64, property: fn(AnyPlan) -> bool) {
    QuickCheck::new().tests(cases).quickcheck(property);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    fn property(AnyPlan(plan): AnyPlan) -> bool {
        let _again = ShowAgain(plan.command());
        let (first, second) = (traced(&plan), traced(&plan));
        assert_eq!(first.1, second.1, "seed {}: traces differ", plan.seed);
        assert_eq!(history_of(&first.0), history_of(&second.0));
        assert_eq!(first.0.summary, second.0.summary);
        true
    }
    check(60, property);
}

#[test]
fn recording_changes_nothing() {
    fn property(AnyPlan(plan): AnyPlan) -> bool {
        let _again = ShowAgain(plan.command());
        let (recorded, trace) = traced(&plan);
        let silent = run(&plan);
        assert_eq!(history_of(&recorded), history_of(&silent));
        assert_eq!(recorded.summary, silent.summary);
        // The header has a line, and so has each step.
        let lines = trace.iter().filter(|&&byte| byte == b'\n').count() as u64;
        assert_eq!(lines, 1 + recorded.summary.steps);
        true
    }
    check(60, property);
}

#[test]
fn different_seeds_give_different_runs() {
    fn property(AnyPlan(mut plan): AnyPlan) -> bool {
        // Without clients there may be nothing in which runs could differ.
        plan.clients += 1;
        let other = Plan {
            seed: plan.seed.wrapping_add(1),
            ..plan.clone()
        };
        let _again = ShowAgain(plan.command());
        assert_ne!(history_of(&run(&plan)), history_of(&run(&other)));
        true
    }
    check(60, property);
}

#[test]
fn a_command_names_its_plan() {
    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        plan: Plan,
    }
    fn property(AnyPlan(plan): AnyPlan) -> bool {
        use clap::Parser as _;
        let command = plan.command();
        let words = command.split(' ').skip(1);
        let parsed = Line::try_parse_from(words).expect("a command");
        assert_eq!(parsed.plan, plan, "{command}");
        true
    }
    check(200, property);
    assert_eq!(
        Plan::default().command(),
        "plimsoll-raft sim --seed 1 --nodes 3 --steps 3000"
    );
}

/// The defaults of the command line are those of the type.
#[test]
fn the_defaults_agree() {
    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        plan: Plan,
    }
    use clap::Parser as _;
    let parsed = Line::try_parse_from(["sim"]).expect("all have defaults");
    assert_eq!(parsed.plan, Plan::default());
}

/// A run that is on record, so that a change of the generator, the queue or
/// the core shows: seeds in old reports would mean other runs.
#[test]
fn a_recorded_run_is_as_it_was() {
    let plan = Plan {
        seed: 42,
        nodes: 5,
        steps: 4000,
        drop: 0.05,
        duplicate: 0.05,
        reorder: true,
        partitions: 0.2,
        one_way: true,
        crashes: 0.2,
        ..Plan::default()
    };
    let outcome = run(&plan);
    let hash = history_of(&outcome)
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    assert_eq!(
        format!("{hash:016x}"),
        "42adb4a8d7f44e15",
        "{}",
        outcome.summary
    );
}
