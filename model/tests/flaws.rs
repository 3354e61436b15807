//! Teeth: every planted flaw is caught by the property it is known to break,
//! at the depth that the table states, and the unflawed rules are clean there.

use plimsoll_model::engine::{End, Limits};
use plimsoll_model::flaws::Flaw;
use plimsoll_model::presets;
use plimsoll_model::properties::Property;
use plimsoll_model::prove::prove;
use plimsoll_model::rules::Branch;

/// Those whose proof takes a while without optimisation.
const LONG: [Flaw; 4] = [
    Flaw::VoteClearedBeforeTerm,
    Flaw::Figure8,
    Flaw::ReadBeforeOwnCommit,
    Flaw::ReadBeforeQuorum,
];

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
    }
}

fn hold(flaw: Flaw) {
    let proof = prove(flaw, &Limits::default(), &mut |_, _| {});
    let name = proof.about.name;
    assert_eq!(proof.objection(), None, "{name}");
    assert!(proof.is_caught());
    let shown = proof.first.as_ref().map(|c| (c.property, c.actions.len()));
    assert_eq!(shown, Some(first(flaw)), "{name}");
    let listed = proof.listed.expect("caught");
    assert_eq!(
        (listed.property, listed.actions.len()),
        (proof.about.breaks, proof.about.expected_depth),
        "{name}"
    );
    assert_eq!(proof.flawed.end, End::Found, "{name}");
    // All of the presets fit: the unflawed rules are searched to the end.
    assert_eq!(proof.unflawed.end, End::Exhausted, "{name}");
    assert!(proof.unflawed.depth >= proof.about.expected_depth, "{name}");
}

#[test]
fn short_proofs_catch_their_flaws() {
    for about in Flaw::ALL.iter().filter(|a| !LONG.contains(&a.flaw)) {
        hold(about.flaw);
    }
}

#[test]
#[ignore = "a minute without optimisation"]
fn long_proofs_catch_their_flaws() {
    for flaw in LONG {
        hold(flaw);
    }
}

#[test]
fn figure_8_is_the_story_of_the_paper() {
    // The long proofs in short: the run of figure 8 is executed, not searched.
    let mut scenario = presets::for_flaw(Flaw::Figure8).scenario;
    scenario.settings.flaw = Some(Flaw::Figure8);
    let limits = Limits {
        until: vec!["leader-completeness"],
        ..Limits::default()
    };
    use plimsoll_model::engine::{Bfs, Engine};
    let search = Bfs.search(&scenario, &limits, &mut |_| {});
    let found = search.first_broken().expect("figure 8").frames();
    let frames = found.expect("a run");
    // An entry of term 1 is committed in term 3, and the leader of term 4
    // lacks it.
    let committing = frames
        .iter()
        .find(|f| {
            f.step
                .outcome
                .is_some_and(|o| o.branch == Branch::Committed)
        })
        .expect("something commits");
    let committed = &committing.step.after.history.committed;
    assert_eq!(committed.len(), 1);
    assert_eq!((committed[0].term.0, committed[0].position.term.0), (3, 1));
    let last = frames.last().expect("a step");
    assert_eq!(
        last.step.outcome.map(|o| o.branch),
        Some(Branch::BecameLeader)
    );
}

#[test]
fn a_proof_that_is_cut_short_is_no_proof() {
    let limits = Limits {
        depth: None,
        time: Some(std::time::Duration::ZERO),
        ..Limits::default()
    };
    let proof = prove(Flaw::Figure8, &limits, &mut |_, _| {});
    assert!(!proof.is_caught());
    let objection = proof.objection().expect("an objection");
    assert!(objection.contains("time-limit"), "{objection}");
}

#[test]
fn every_flaw_lists_a_property_that_lists_it() {
    for about in &Flaw::ALL {
        let at = Property::position(about.breaks).expect(about.breaks);
        let property = &plimsoll_model::properties::ALL[at];
        assert!(
            property.codes.contains(&about.code),
            "{}: {}",
            property.name,
            about.code
        );
        assert_eq!(presets::for_flaw(about.flaw).scenario.settings.flaw, None);
    }
}
