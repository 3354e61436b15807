//! A server that was removed, replaced by one that has nothing, and added again
//! within one term, under the rules of etcd, which do not tell its memberships
//! apart: a late answer of the earlier one counts, the heartbeat vouches for
//! what it said, and the server commits an old entry of an earlier leader.
//!
//! It takes three servers and more steps than a search from the start can go,
//! so the search begins behind all but the last of them.

use plimsoll_model::bounds::Bounds;
use plimsoll_model::config::{Change, Transition};
use plimsoll_model::engine::{End, Engine, Exhaustive, Limits};
use plimsoll_model::features::SINGLE_SERVER_CHANGES;
use plimsoll_model::ids::{Index, NodeSet};
use plimsoll_model::network::NetworkKind;
use plimsoll_model::prefix::Deed::{Arrives, Does};
use plimsoll_model::prefix::{N1, N2, N3, Prefix, append};
use plimsoll_model::rules::Input;
use plimsoll_model::scenario::Scenario;
use plimsoll_model::settings::{Dialect, Durability};

const fn commit(to: u64) -> Input {
    Input::AdvanceCommit { to: Index(to) }
}

/// n2 votes from now on, or it is no member any more.
const fn second(votes: bool) -> Input {
    const SECOND: NodeSet = NodeSet(0b010);
    Input::Change {
        change: Change {
            voters: if votes { SECOND } else { NodeSet::EMPTY },
            learners: NodeSet::EMPTY,
            removed: if votes { NodeSet::EMPTY } else { SECOND },
            transition: Transition::Simple,
        },
    }
}

static REJOINED: Prefix = &[
    // n3 leads term 2; what it sends n2 is late.
    Does(N3, Input::Campaign),
    Arrives(N3, N1, "RequestVote"),
    Arrives(N1, N3, "Vote"),
    Does(N3, append(N2, 0, 2)),
    // n1 leads term 3; n2 acknowledges its no-op, and the answer is late.
    Does(N1, Input::Campaign),
    Arrives(N1, N2, "RequestVote"),
    Arrives(N2, N1, "Vote"),
    Does(N1, append(N2, 1, 1)),
    Arrives(N1, N2, "Append"),
    Does(N1, append(N3, 1, 1)),
    Arrives(N1, N3, "Append"),
    Arrives(N3, N1, "AppendAck"),
    Does(N1, commit(2)),
    Does(N1, Input::Apply),
    // n2 is removed, replaced and added again.
    Does(N1, second(false)),
    Does(N1, append(N3, 2, 1)),
    Arrives(N1, N3, "Append"),
    Arrives(N3, N1, "AppendAck"),
    Does(N1, commit(3)),
    Does(N1, Input::Apply),
    Does(N2, Input::Wipe),
    Does(N1, second(true)),
    Does(N1, append(N3, 3, 1)),
    Arrives(N1, N3, "Append"),
    Arrives(N3, N1, "AppendAck"),
    Does(N1, commit(4)),
    Does(N1, Input::Apply),
    // The old append of n3.
    Arrives(N3, N2, "Append"),
];

fn scenario() -> Scenario {
    let mut settings = Dialect::Etcd.settings(Durability::Atomic);
    (SINGLE_SERVER_CHANGES.switch_on)(&mut settings);
    Scenario {
        settings,
        network: NetworkKind::Bag,
        prefix: REJOINED,
        bounds: Bounds {
            servers: 3,
            bootstrap: 1,
            boot_applied: true,
            max_term: 3,
            max_log: 4,
            max_batch: 2,
            writes: 0,
            campaigns: Some(2),
            appends: Some(5),
            heartbeats: Some(1),
            changes: 2,
            wipes: 1,
            ..Bounds::DEFAULT
        },
    }
}

#[test]
fn a_late_answer_and_an_unchecked_heartbeat_commit_what_nobody_else_has() {
    let scenario = scenario();
    scenario.check().expect("a run of the rules as they are");
    let search = Exhaustive::on(1).search(&scenario, &Limits::default(), &mut |_| {});
    let search = search.expect("a search");
    let broken = |name: &str| {
        let mut all = search.properties.iter();
        let found = all.find(|property| property.name == name);
        found.and_then(|property| property.counterexample.as_ref())
    };
    let found = broken("state-machine-safety").expect("two servers commit different entries");
    assert!(found.is_confirmed());
    // Behind the prefix: the late answer, the heartbeat sent, the heartbeat heard.
    assert_eq!(found.actions.len(), 3);
}

/// Where a leader asks of an answer which membership it is of, nothing breaks.
#[test]
fn a_leader_that_tells_memberships_apart_is_not_fooled() {
    let mut scenario = scenario();
    scenario.settings.tells_memberships_apart = true;
    scenario.check().expect("the same run");
    let search = Exhaustive::on(1).search(&scenario, &Limits::default(), &mut |_| {});
    let search = search.expect("a search");
    assert_eq!(search.end, End::Exhausted);
    let broken = search.first_broken().map(|c| (c.property, &c.actions));
    assert_eq!(broken, None);
}
