//! Teeth: every planted flaw is caught by the property it is known to break,
//! at the depth that the table states, and the unflawed rules are clean there.

use plimsoll_model::engine::{End, Engine, Exhaustive, Limits};
use plimsoll_model::flaws::Flaw;
use plimsoll_model::liveness::Shows;
use plimsoll_model::presets;
use plimsoll_model::prove::{Proof, prove};
use plimsoll_model::rules::Branch;

/// The first property that breaks, and at which depth.
fn first(flaw: Flaw) -> (&'static str, usize) {
    match flaw {
        Flaw::StaleVoteCounted => ("election-safety", 7),
        Flaw::VoteForgottenOnRestart => ("one-vote-per-term", 2),
        Flaw::VoteClearedBeforeTerm => ("one-vote-per-term", 4),
        Flaw::OwnVoteUnrecorded => ("one-vote-per-term", 1),
        Flaw::VotesCountedNotIdentified => ("election-safety", 8),
        Flaw::NoUpToDateCheck => ("leader-completeness", 10),
        Flaw::Figure8 => ("leader-completeness", 18),
        Flaw::CommitWithoutMax => ("commit-monotonic", 10),
        Flaw::ErasesMatchingSuffix => ("committed-is-durable", 9),
        Flaw::AcksOwnLastIndex => ("committed-is-durable", 10),
        Flaw::ReadBeforeOwnCommit => ("linearizable-reads", 15),
        Flaw::ReadBeforeQuorum => ("linearizable-reads", 16),
        // Shown in the tests of liveness.
        flaw => (flaw.about().breaks, flaw.about().expected_depth),
    }
}

fn hold(flaw: Flaw) -> Proof {
    let proof = prove(flaw, &Exhaustive::on(2), &Limits::default(), &mut |_, _| {});
    let proof = proof.expect("two searches");
    let name = proof.about.name;
    assert_eq!(proof.objection(), None, "{name}");
    assert!(proof.is_caught());
    let shown = proof.first.as_ref().map(|c| (c.property, c.actions.len()));
    assert_eq!(shown, Some(first(flaw)), "{name}");
    let listed = proof.listed.as_ref().expect("caught");
    // Up to renaming it is caught too, by a run as short.
    let mut scenario = listed.scenario.clone();
    scenario.settings.flaw = Some(flaw);
    let renamed = Exhaustive {
        symmetry: true,
        ..Exhaustive::on(2)
    };
    let until = Limits {
        until: vec![listed.property],
        ..Limits::default()
    };
    let search = renamed.search(&scenario, &until, &mut |_| {});
    let search = search.expect("a search");
    let found = search.properties.iter().find(|p| p.name == listed.property);
    let found = found.and_then(|p| p.counterexample.as_ref());
    let found = found.unwrap_or_else(|| panic!("{name}: not caught under symmetry"));
    assert_eq!(found.actions.len(), listed.actions.len(), "{name}");
    assert!(found.is_confirmed(), "{name}");
    assert_eq!(
        (listed.property, listed.actions.len()),
        (proof.about.breaks, proof.about.expected_depth),
        "{name}"
    );
    assert_eq!(proof.flawed.end, End::Found, "{name}");
    // All of the presets fit: the unflawed rules are searched to the end.
    assert_eq!(proof.unflawed.end, End::Exhausted, "{name}");
    assert!(proof.unflawed.depth >= proof.about.expected_depth, "{name}");
    proof
}

#[test]
fn elections() {
    for flaw in [
        Flaw::StaleVoteCounted,
        Flaw::VoteForgottenOnRestart,
        Flaw::OwnVoteUnrecorded,
        Flaw::VotesCountedNotIdentified,
    ] {
        hold(flaw);
    }
}

#[test]
fn elections_with_a_torn_write() {
    hold(Flaw::VoteClearedBeforeTerm);
}

#[test]
fn replication() {
    for flaw in [
        Flaw::NoUpToDateCheck,
        Flaw::CommitWithoutMax,
        Flaw::ErasesMatchingSuffix,
        Flaw::AcksOwnLastIndex,
    ] {
        hold(flaw);
    }
}

#[test]
fn figure_8() {
    let proof = hold(Flaw::Figure8);
    let frames = proof.listed.expect("caught").frames().expect("a run");
    // The paper's story: an entry of term 1 is committed in term 3, and the
    // leader of term 4 lacks it.
    let committing = frames.iter().find(|f| {
        f.step
            .outcome
            .is_some_and(|o| o.branch == Branch::Committed)
    });
    let committed = &committing.expect("a commit").step.after.history.committed;
    assert_eq!(committed.len(), 1);
    assert_eq!((committed[0].term.0, committed[0].position.term.0), (3, 1));
    // Whichever of the two comes last shows it.
    let last = frames.last().and_then(|f| f.step.outcome);
    let last = last.map(|o| o.branch);
    assert!(
        [Some(Branch::BecameLeader), Some(Branch::Committed)].contains(&last),
        "{last:?}"
    );
}

#[test]
fn reads() {
    for flaw in [Flaw::ReadBeforeOwnCommit, Flaw::ReadBeforeQuorum] {
        hold(flaw);
    }
}

#[test]
fn a_proof_that_is_cut_short_is_no_proof() {
    let limits = Limits {
        depth: None,
        time: Some(std::time::Duration::ZERO),
        ..Limits::default()
    };
    let proof = prove(Flaw::Figure8, &Exhaustive::on(2), &limits, &mut |_, _| {});
    let proof = proof.expect("two searches");
    assert!(!proof.is_caught());
    let objection = proof.objection().expect("an objection");
    assert!(objection.contains("time-limit"), "{objection}");
}

#[test]
fn every_flaw_lists_a_property_that_lists_it() {
    for about in &Flaw::ALL {
        let shows = Shows::by_name(about.breaks).expect(about.breaks);
        let listed = shows.codes().contains(&about.code);
        assert!(listed, "{}: {}", about.breaks, about.code);
        assert_eq!(presets::for_flaw(about.flaw).scenario.settings.flaw, None);
    }
}
