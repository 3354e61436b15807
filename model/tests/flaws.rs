//! Teeth: every planted flaw is caught by the property it is known to break,
//! at the depth that the table states, and the unflawed rules are clean there.

use plimsoll_model::cluster::State;
use plimsoll_model::counterexample::Frame;
use plimsoll_model::engine::{End, Engine, Exhaustive, Limits};
use plimsoll_model::flaws::{About, Flaw};
use plimsoll_model::liveness::Shows;
use plimsoll_model::prefix::{Cause, Deed, N1, N2};
use plimsoll_model::presets;
use plimsoll_model::properties::{ALL, Finding, Property, StepView};
use plimsoll_model::prove::{Proof, prove};
use plimsoll_model::rules::{Branch, Input};

/// The first property that breaks, and at which depth.
fn first(flaw: Flaw) -> (&'static str, usize) {
    match flaw {
        Flaw::StaleVoteCounted => ("election-safety", 7),
        Flaw::VoteForgottenOnRestart => ("one-vote-per-term", 2),
        Flaw::VoteClearedBeforeTerm => ("one-vote-per-term", 4),
        Flaw::VoteForgottenOnAppend => ("one-vote-per-term", 5),
        Flaw::OwnVoteUnrecorded => ("one-vote-per-term", 1),
        Flaw::VotesCountedNotIdentified => ("quorum-of-voters", 4),
        Flaw::VoteOnStaleLog => ("leader-completeness", 12),
        Flaw::NewestEntryLost => ("match-agrees", 7),
        Flaw::CandidateKeepsCollecting => ("election-safety", 8),
        Flaw::NoUpToDateCheck => ("leader-completeness", 10),
        Flaw::Figure8 => ("leader-completeness", 18),
        Flaw::CommitWithoutMax => ("commit-monotonic", 10),
        Flaw::NextNotRaised => ("next-above-match", 6),
        Flaw::StaleSuccessLowersMatch => ("match-monotonic", 9),
        Flaw::ErasesMatchingSuffix => ("match-agrees", 8),
        Flaw::CompactedEntriesAppendedAgain => ("log-matching", 12),
        Flaw::EmptyAppendForSnapshot => ("state-machine-safety", 18),
        Flaw::SnapshotSetsTerm => ("one-vote-per-term", 15),
        Flaw::CompactedIsConflict => ("match-agrees", 13),
        Flaw::ConflictsLeftByCrash => ("log-terms-ascend", 19),
        Flaw::LogDroppedBeforeSnapshot => ("match-agrees", 6),
        Flaw::SnapshotMovesAppliedBack => ("applied-monotonic", 13),
        Flaw::LateChangeOverSnapshot => ("applied-is-committed-prefix", 5),
        Flaw::HintStoredAsMatch => ("match-agrees", 9),
        Flaw::RollsBackBeforeChecking => ("match-agrees", 8),
        Flaw::AcksOwnLastIndex => ("match-agrees", 9),
        Flaw::DeletesThenAppends => ("match-agrees", 12),
        Flaw::ProgressUnsorted => ("committed-is-durable", 22),
        Flaw::EmptyAppendUnchecked => ("match-agrees", 6),
        Flaw::HeartbeatRaisesLeadersTerm => ("election-safety", 8),
        Flaw::AppliedSkipsToCommit => ("applied-is-committed-prefix", 2),
        Flaw::AckBeforeWrite => ("match-agrees", 9),
        Flaw::EntriesNotSynced => ("match-agrees", 10),
        Flaw::OwnEntriesCountedBeforeWrite => ("match-agrees", 4),
        Flaw::ExLeaderRollsBack => ("committed-is-durable", 14),
        Flaw::StaleWriteAcknowledged => ("match-agrees", 16),
        Flaw::VoteRequestBeforeWrite => ("one-vote-per-term", 1),
        Flaw::HeartbeatCommitUncapped => ("commit-within-log", 9),
        Flaw::EarlierMembershipCounted => ("match-agrees", 16),
        Flaw::ChangesBeforeOwnCommit => ("committed-is-durable", 6),
        Flaw::ChangesOverlap => ("one-change-at-a-time", 9),
        Flaw::VotesOfUnion | Flaw::OutsidersVotesCounted => ("quorum-of-voters", 9),
        Flaw::EitherHalfIsHeard | Flaw::CommitsWithoutOtherVoters => ("quorum-of-voters", 3),
        Flaw::UncommittedChangeForgotten => ("configuration-from-log", 4),
        Flaw::SnapshotForgetsOutgoing => ("applied-is-committed-prefix", 7),
        Flaw::CampaignsWithUnappliedConfiguration => ("committed-is-durable", 4),
        Flaw::ReadBeforeOwnCommit => ("linearizable-reads", 15),
        Flaw::ReadContextReused => ("linearizable-reads", 20),
        Flaw::ForwardedReadBeforeOwnCommit => ("linearizable-reads", 20),
        Flaw::NoNoop => ("linearizable-reads", 7),
        Flaw::ReadBeforeQuorum => ("quorum-of-voters", 9),
        Flaw::ReadQuorumOneShort => ("quorum-of-voters", 9),
        Flaw::SingletonReadsStaleCommit => ("linearizable-reads", 12),
        Flaw::ReadsUncommitted => ("linearizable-reads", 8),
        Flaw::LocalReads => ("linearizable-reads", 8),
        Flaw::LeaderReadsLocally => ("linearizable-reads", 11),
        Flaw::LeaderGrantsPreVote => ("pre-vote-is-a-vote", 13),
        Flaw::PreVoteIgnoresLog => ("pre-vote-is-a-vote", 10),
        Flaw::TransferTargetAsksFirst => ("transfer-elects-at-once", 13),
        Flaw::WritesWhileHandingOver => ("transfer-takes-no-commands", 5),
        Flaw::LeaseSurvivesTransfer => ("lease-exclusive", 15),
        Flaw::LeaseReadChecksOnlyRole => ("linearizable-reads", 18),
        Flaw::LeasePolled => ("linearizable-reads", 18),
        Flaw::LeaseWithoutStickiness => ("lease-exclusive", 15),
        Flaw::RetriesAppliedAgain => ("applied-is-committed-prefix", 4),
        Flaw::SessionsNotInSnapshot => ("applied-is-committed-prefix", 5),
        Flaw::LatestCommandCompared => ("applied-is-committed-prefix", 6),
        Flaw::RetryAnsweredUncommitted => ("linearizable-writes", 13),
        Flaw::CommandsPipelined => ("applied-is-committed-prefix", 13),
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

/// Part of the catalogue, by the letter of the codes, as far as properties show
/// it; the tests of liveness hold the rest.
fn hold_part(letter: char) {
    let shown = |about: &&About| Property::position(about.breaks).is_some();
    let part = Flaw::ALL.iter().filter(|a| a.code.starts_with(letter));
    for about in part.filter(shown) {
        hold(about.flaw);
    }
}

#[test]
fn elections() {
    hold_part('A');
}

#[test]
fn replication() {
    hold_part('B');
}

#[test]
fn membership() {
    hold_part('C');
}

#[test]
fn prevote_and_transfer() {
    hold_part('D');
}

#[test]
fn reads() {
    hold_part('E');
}

/// The tests above leave no flaw out.
#[test]
fn every_part_is_held() {
    let of = |about: &About| "ABCDE".contains(&about.code[..1]);
    let shown = |about: &&About| Property::position(about.breaks).is_some();
    assert!(Flaw::ALL.iter().filter(shown).all(of));
}

/// Which properties a flaw breaks is found by search, not inferred: a property
/// lists the codes of exactly those planted flaws that break it in their preset.
#[test]
fn properties_list_exactly_the_flaws_that_break_them() {
    let all = Limits {
        keep_going: true,
        ..Limits::default()
    };
    for about in &Flaw::ALL {
        let mut scenario = presets::for_flaw(about.flaw).scenario;
        scenario.settings.flaw = Some(about.flaw);
        let search = Exhaustive::on(2).search(&scenario, &all, &mut |_| {});
        let search = search.expect("a search");
        assert_eq!(search.end, End::Exhausted, "{}", about.name);
        for (property, seen) in ALL.iter().zip(&search.properties) {
            assert_eq!(
                property.codes.contains(&about.code),
                seen.counterexample.is_some(),
                "{} and {}",
                about.name,
                property.name
            );
        }
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

/// A prefix is a run of the unflawed rules, each step of which the search could
/// have taken, and breaks nothing; and it is there because it is needed: the
/// search does not begin at the start.
#[test]
fn prefixes_are_runs_that_break_nothing() {
    let mut prefixes = 0;
    for preset in presets::all() {
        let scenario = &preset.scenario;
        assert_eq!(scenario.check(), Ok(()), "{}", preset.name);
        let frames = scenario.before();
        assert_eq!(frames.len(), scenario.prefix.len(), "{}", preset.name);
        assert!(frames.is_empty() || !preset.default, "{}", preset.name);
        prefixes += usize::from(!frames.is_empty());
        let mut before = State::booted(scenario);
        for Frame { action, step } in frames {
            let view = StepView {
                before: &before,
                action: &action,
                step: &step,
            };
            for property in &ALL {
                let finding = property.judge(&view, scenario);
                assert_ne!(finding, Finding::Broken, "{}: {action}", preset.name);
            }
            before = step.after.clone();
        }
        assert_eq!(before, State::initial(scenario));
    }
    assert!(prefixes > 0);
}

#[test]
fn a_prefix_that_is_no_run_says_which_step() {
    let mut scenario = presets::for_flaw(Flaw::ConflictsLeftByCrash).scenario;
    scenario.bounds.campaigns = Some(0);
    let error = scenario.check().expect_err("no election may begin");
    assert_eq!((error.step, error.cause), (1, Cause::NotEnabled));
    scenario.bounds.campaigns = Some(2);
    scenario.bounds.max_log = 1;
    let error = scenario.check().expect_err("no room for the write");
    assert_eq!(error.cause, Cause::Beyond);
    static WRITES: &[Deed] = &[
        Deed::Does(N1, Input::Campaign),
        Deed::Arrives(N2, N1, "Vote"),
    ];
    scenario.prefix = WRITES;
    let error = scenario.check().expect_err("nobody has voted");
    assert_eq!((error.step, error.cause), (2, Cause::NoMessage));
    static LEADS: &[Deed] = &[Deed::Does(N1, Input::Write { number: 1 })];
    scenario.prefix = LEADS;
    let error = scenario.check().expect_err("nobody leads");
    assert!(matches!(error.cause, Cause::Refused(_)), "{error}");
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
