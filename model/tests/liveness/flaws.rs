//! Flaws that break liveness, each by the goal that is listed for it.

use plimsoll_model::engine::{End, Exhaustive, Limits};
use plimsoll_model::flaws::Flaw;
use plimsoll_model::liveness::lasso::Executed;
use plimsoll_model::liveness::lassos::{Kept, Lasso, NotALasso};
use plimsoll_model::liveness::shows::Answer;
use plimsoll_model::liveness::{Kind, Shows};
use plimsoll_model::prove::{Proof, prove};

fn hold(flaw: Flaw) -> Proof {
    let proof = prove(flaw, &Exhaustive::on(2), &Limits::default(), &mut |_, _| {});
    let proof = proof.expect("two searches");
    assert_eq!(proof.objection(), None, "{}", proof.about.name);
    // It breaks liveness and nothing else: no property sees it.
    assert_eq!(proof.flawed.end, End::Exhausted, "{}", proof.about.name);
    assert_eq!(proof.unflawed.end, End::Exhausted, "{}", proof.about.name);
    proof
}

#[test]
fn recoverability_finds_those_that_leave_a_majority_stuck() {
    for flaw in [
        Flaw::LogComparedByParts,
        Flaw::CommitScanStops,
        Flaw::StalePreVoteIgnored,
        Flaw::RetiresAtOnce,
        Flaw::OnlyAuthorLeavesJoint,
        Flaw::LearnerRefusesVote,
        Flaw::PreVoteRefusalTeachesNoTerm,
        Flaw::LearnersRaiseQuorum,
        Flaw::PreCandidateKeepsLeader,
    ] {
        let proof = hold(flaw);
        let both = proof.liveness.expect("answers");
        let Answer::Recoverability(answer) = both.flawed else {
            panic!("{flaw:?} is shown by recoverability");
        };
        let violation = answer.violation.expect("a violation");
        let up = if flaw == Flaw::LearnersRaiseQuorum {
            1
        } else {
            2
        };
        assert_eq!(violation.up.len(), up, "{flaw:?}");
        let (members, said) = violation.members(usize::MAX).expect("a run");
        assert_eq!(members.len() as u64, violation.size);
        assert_eq!(said.is_empty(), up == 1, "{flaw:?}");
        // Closed: every move leads to a member.
        for member in &members {
            assert!(member.moves.iter().all(|&(_, to)| to < members.len()));
        }
        // What is confirmed is what was found, and nothing else.
        let mut shorter = violation.clone();
        shorter.actions.pop();
        assert!(violation.is_confirmed() && !shorter.is_confirmed());
    }
}

#[test]
fn lassos_find_the_append_that_is_rejected_for_ever() {
    let proof = hold(Flaw::ConflictsKept);
    let both = proof.liveness.expect("answers");
    let Answer::Lassos(Some(answer)) = both.flawed else {
        panic!("it is shown by lassos");
    };
    let lasso = answer.lasso.expect("a lasso");
    let Executed {
        cycle, fairness, ..
    } = lasso.execute().expect("a lasso");
    assert_eq!(cycle.len(), lasso.cycle.len());
    let taken = fairness
        .iter()
        .filter(|(_, kept)| matches!(kept, Kept::Taken(_)));
    let rejected = cycle.iter().filter_map(|frame| frame.step.outcome);
    assert!(taken.count() > 3);
    let name = |outcome: plimsoll_model::rules::Outcome| outcome.branch.name();
    assert!(rejected.map(name).any(|name| name == "append-rejected"));
    // A cycle that leaves a step out does not close, or is unfair.
    for at in 0..lasso.cycle.len() {
        let mut cycle = lasso.cycle.clone();
        cycle.remove(at);
        let damaged = Lasso {
            cycle,
            ..lasso.clone()
        };
        assert!(!damaged.is_confirmed(), "without step {at}");
    }
    // A stem alone is no run that ends: much is enabled.
    let ended = Lasso {
        cycle: Vec::new(),
        ..lasso.clone()
    };
    assert!(matches!(ended.execute().err(), Some(NotALasso::Unfair(_))));
}

#[test]
fn every_way_to_show_a_flaw_is_known_by_name() {
    assert!(matches!(
        Shows::by_name("election-safety"),
        Some(Shows::Property(0))
    ));
    let shown = Shows::by_name("lassos/commits");
    assert!(matches!(shown, Some(Shows::Goal(Kind::Lassos, goal)) if goal.name == "commits"));
    for name in [
        "commits",
        "lassos/",
        "lassos/no-goal",
        "fairness/commits",
        "",
    ] {
        assert!(Shows::by_name(name).is_none(), "{name}");
    }
}

/// The tests above leave none out.
#[test]
fn every_flaw_that_a_goal_shows_is_held() {
    let by_goal = Flaw::ALL
        .iter()
        .filter(|about| !matches!(Shows::by_name(about.breaks), Some(Shows::Property(_))));
    assert_eq!(by_goal.count(), 11);
}
