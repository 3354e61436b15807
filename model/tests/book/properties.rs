//! Every property in three directions: what breaks it, what it holds on, and
//! where it has nothing to judge.

use std::cell::RefCell;
use std::collections::BTreeSet;

use plimsoll_model::action::Action;
use plimsoll_model::bounds::Bounds;
use plimsoll_model::cluster::{State, Step};
use plimsoll_model::config::{Change, Config, Transition};
use plimsoll_model::features::SINGLE_SERVER_CHANGES;
use plimsoll_model::history::{Answer, OpenRead};
use plimsoll_model::ids::{Index, NodeId, NodeSet, Term};
use plimsoll_model::log::{Entry, InlineLog, Log, Payload};
use plimsoll_model::message::{Body, Message, Messages};
use plimsoll_model::network::NetworkKind;
use plimsoll_model::properties::{ALL, Check, Finding, Property, StepView};
use plimsoll_model::rules::{Branch, Input};
use plimsoll_model::scenario::Scenario;
use plimsoll_model::server::{Read, Role, Round};
use plimsoll_model::sessions::{Machine, Session};
use plimsoll_model::settings::{Configuration, PreVote, Settings};
use plimsoll_model::storage::Survival;

use crate::build::*;

fn scenario(bootstrap: u8) -> Scenario {
    Scenario {
        prefix: &[],
        settings: etcd(),
        network: NetworkKind::Set,
        bounds: Bounds {
            servers: 3,
            bootstrap,
            ..Bounds::default()
        },
    }
}

/// A state of these servers, without history.
fn state(servers: [Srv; 3]) -> State {
    let mut state = State::initial(&scenario(0));
    for (at, server) in servers.into_iter().enumerate() {
        state.servers[NodeId::from_position(at)] = server.into();
    }
    state
}

/// Three followers with these logs.
fn logs(logs: [&[u64]; 3]) -> State {
    let [a, b, c] = logs;
    state([follower(1, 5, a), follower(2, 5, b), follower(3, 5, c)])
}

fn changed(mut state: State, change: impl FnOnce(&mut State)) -> State {
    change(&mut state);
    state
}

fn committed(state: State, term: u64, index: u64, of: u64) -> State {
    changed(state, |s| s.history.commits(Term(term), at(index, of)))
}

fn named(name: &str) -> &'static Property {
    let found = ALL.iter().find(|property| property.name == name);
    found.unwrap_or_else(|| panic!("no property {name}"))
}

thread_local! {
    /// What was found, by name.
    static FOUND: RefCell<BTreeSet<(&'static str, String)>> = RefCell::default();
}

fn found(property: &Property, finding: Finding) {
    FOUND.with_borrow_mut(|found| found.insert((property.name, format!("{finding:?}"))));
}

#[track_caller]
fn on_state(name: &str, state: &State, finding: Finding) {
    on_booted(name, 0, state, finding);
}

#[track_caller]
fn on_booted(name: &str, bootstrap: u8, state: &State, finding: Finding) {
    let Check::State(check) = named(name).check else {
        panic!("{name} is judged on steps");
    };
    assert_eq!(check(state, &scenario(bootstrap)), finding, "{name}");
    found(named(name), finding);
}

/// A step of n1, between two servers, in which `released` left.
struct Deed {
    before: State,
    action: Action,
    step: Step,
}

fn deed(before: Srv, input: Input, after: Srv, released: &[Message]) -> Deed {
    let others = || [follower(2, 5, &[]), follower(3, 5, &[])];
    let of = |server| {
        let [two, three] = others();
        state([server, two, three])
    };
    Deed {
        before: of(before),
        action: Action::Step { node: n(1), input },
        step: Step::new(of(after), None, released.iter().cloned().collect()),
    }
}

impl Deed {
    fn view(&self) -> StepView<'_> {
        StepView {
            before: &self.before,
            action: &self.action,
            step: &self.step,
        }
    }
}

#[track_caller]
fn on_step(name: &str, deed: &Deed, finding: Finding) {
    let Check::Step(check) = named(name).check else {
        panic!("{name} is judged on states");
    };
    assert_eq!(check(&deed.view(), &scenario(0)), finding, "{name}");
    found(named(name), finding);
}

/// A loss of a message, which no property of a server judges.
fn lost() -> Deed {
    let before = logs([&[1], &[], &[]]);
    let message = msg(1, 2, 1, vote(true));
    Deed {
        step: Step::new(before.clone(), None, Messages::new()),
        before,
        action: Action::Drop { message },
    }
}

fn restart() -> Input {
    Input::Restart {
        survival: Survival::Nothing,
    }
}

use Finding::{Broken, Holds, Vacuous};

/// No property is without a test here: the tests below, run again, find each of
/// them broken, holding and with nothing to judge.
#[test]
fn every_property_is_tested_in_every_direction() {
    for test in [
        election_safety,
        leader_append_only,
        log_matching,
        log_terms_ascend,
        leader_completeness,
        state_machine_safety,
        linearizable_reads,
        committed_is_durable,
        match_agrees,
        applied_is_committed_prefix,
        one_vote_per_term,
        term_monotonic,
        commit_monotonic,
        commit_within_log,
        match_monotonic,
        next_above_match,
        applied_monotonic,
        durable_term_monotonic,
        quorum_of_voters,
        one_change_at_a_time,
        adjacent_quorums_overlap,
        configuration_from_log,
        lease_exclusive,
        pre_vote_is_a_vote,
        transfer_elects_at_once,
        transfer_takes_no_commands,
        snapshot_equals_prefix,
        exactly_once,
        linearizable_writes,
        applied_is_what_the_commands_lead_to,
    ] {
        test();
    }
    let found = FOUND.take();
    let mut names = BTreeSet::new();
    for property in &ALL {
        assert!(names.insert(property.name), "{} twice", property.name);
        for finding in ["Broken", "Holds", "Vacuous"] {
            let tested = found.contains(&(property.name, finding.to_owned()));
            assert!(tested, "{} is never {finding} here", property.name);
        }
    }
}

/// The table points where it says: to the file that holds the property, and the
/// file says from which section it comes.
#[test]
fn every_row_of_the_table_names_its_file() {
    for property in &ALL {
        let text = std::fs::read_to_string(crate::golden::root().join(property.file));
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", property.file));
        assert!(text.contains(&format!("\"{}\"", property.name)));
        assert!(text.contains(&format!("\"{}\"", property.section)));
        assert_eq!(
            Property::position(property.name),
            ALL.iter().position(|p| p.name == property.name)
        );
        for code in property.codes {
            let (letter, number) = code.split_at(1);
            assert!(
                "ABCDE".contains(letter) && number.parse::<u8>().is_ok(),
                "{code}"
            );
        }
    }
}

#[test]
fn election_safety() {
    let led = |by: &[(u8, u64)]| {
        changed(logs([&[], &[], &[]]), |s| {
            for &(id, term) in by {
                s.history.leads(n(id), Term(term));
            }
        })
    };
    on_state("election-safety", &led(&[(1, 2), (2, 2)]), Broken);
    // Also when they never led at the same time, and when others led between.
    on_state("election-safety", &led(&[(1, 2), (3, 3), (2, 2)]), Broken);
    on_state(
        "election-safety",
        &led(&[(1, 2), (1, 2), (2, 3), (1, 4)]),
        Holds,
    );
    on_state("election-safety", &led(&[]), Vacuous);
}

#[test]
fn leader_append_only() {
    let write = || Input::Write { number: 1 };
    let before = leader(1, 3, &[1, 3], &[2, 0, 0]);
    let with = |terms: &[u64]| before.clone().with(|s| s.log = log(terms));
    let step = |after| deed(before.clone(), write(), after, &[]);
    on_step("leader-append-only", &step(with(&[1])), Broken);
    on_step("leader-append-only", &step(with(&[3, 3])), Broken);
    on_step("leader-append-only", &step(with(&[1, 2, 3])), Broken);
    on_step("leader-append-only", &step(with(&[1, 3, 3])), Holds);
    on_step("leader-append-only", &step(before.clone()), Vacuous);
    // Not a leader, a leader no more, a crash, the network.
    let follows = deed(follower(1, 3, &[1, 3]), write(), follower(1, 3, &[1]), &[]);
    on_step("leader-append-only", &follows, Vacuous);
    on_step("leader-append-only", &step(follower(1, 4, &[1])), Vacuous);
    let crash = deed(before.clone(), restart(), follower(1, 3, &[1]), &[]);
    on_step("leader-append-only", &crash, Vacuous);
    on_step("leader-append-only", &lost(), Vacuous);
}

/// n1 leads term 3; so old is its round, which so many have answered.
fn leased(age: u8, answered: &[u8]) -> State {
    let leading = leader(1, 3, &[3], &[1, 1, 0]).with(|s| {
        if let Role::Leader { lease, .. } = &mut s.role {
            lease.begun = 1;
            lease.rounds.push(Round {
                number: 1,
                age,
                acks: set(answered),
            });
        }
    });
    changed(
        state([leading, follower(2, 4, &[3]), follower(3, 4, &[3, 4])]),
        |s| {
            let servers = s.servers.clone();
            s.clocks.follow(&servers, 2);
            for _ in 0..age {
                s.clocks.tick(n(1)).expect("the leader's clock ticks");
            }
        },
    )
}

#[test]
fn pre_vote_is_a_vote() {
    let name = "pre-vote-is-a-vote";
    let asked = |server: Srv, last, branch: Branch| {
        let message = msg(2, 1, 6, Body::RequestPreVote { last });
        let mut asked = deed(server.clone(), receive(message), server, &[]);
        asked.step.turn.outcome = Some(branch.into());
        asked
    };
    let granted = |server: Srv, last| asked(server, last, Branch::PreVoteGranted);
    let hearing = follower(1, 5, &[1, 5]).with(|s| s.hears_leader = true);
    on_step(name, &granted(follower(1, 5, &[1, 5]), at(3, 1)), Broken);
    on_step(name, &granted(follower(1, 5, &[1, 5]), at(1, 5)), Broken);
    on_step(name, &granted(follower(1, 5, &[1, 5]), at(2, 5)), Holds);
    // Whether a leader counts is a setting.
    let leading = leader(1, 5, &[1, 5], &[2, 0, 0]);
    for led in [&hearing, &leading] {
        on_step(name, &granted(led.clone(), at(2, 5)), Holds);
        let mut leaderless = scenario(0);
        leaderless.settings.pre_vote = PreVote::LogAndLeader;
        let granted = granted(led.clone(), at(2, 5));
        let finding = named(name).judge(&granted.view(), &leaderless);
        assert_eq!(finding, Broken);
    }
    let refused = asked(follower(1, 5, &[1, 5]), at(1, 1), Branch::PreVoteRefused);
    on_step(name, &refused, Vacuous);
    on_step(name, &lost(), Vacuous);
}

#[test]
fn transfer_elects_at_once() {
    let name = "transfer-elects-at-once";
    let told = |term, before: Srv, after: Srv| {
        let input = receive(msg(2, 1, term, Body::TimeoutNow));
        deed(before, input, after, &[])
    };
    let follows = || follower(1, 5, &[5]);
    on_step(name, &told(5, follows(), follows()), Broken);
    on_step(
        name,
        &told(5, follows(), candidate(1, 6, &[5], &[1])),
        Holds,
    );
    // Told by the leader of a term that it hears of only now.
    on_step(name, &told(6, follows(), follower(1, 6, &[5])), Broken);
    on_step(
        name,
        &told(6, follows(), candidate(1, 7, &[5], &[1])),
        Holds,
    );
    // Of an earlier term, no follower, no voter, something to apply.
    on_step(name, &told(4, follows(), follows()), Vacuous);
    let leads = || leader(1, 5, &[5], &[1, 0, 0]);
    on_step(name, &told(5, leads(), leads()), Vacuous);
    let outside = || follows().with(|s| s.config = Config::UNKNOWN);
    on_step(name, &told(5, outside(), outside()), Vacuous);
    let behind = || follows().with(|s| s.commit = Index(1));
    on_step(name, &told(5, behind(), behind()), Vacuous);
    on_step(name, &lost(), Vacuous);
}

#[test]
fn transfer_takes_no_commands() {
    let name = "transfer-takes-no-commands";
    let leads = |terms: &[u64], to: Option<u8>| {
        leader(1, 5, terms, &[1, 0, 0]).with(|s| {
            if let Role::Leader { transfer, .. } = &mut s.role {
                *transfer = to.map(n);
            }
        })
    };
    let write = || Input::Write { number: 1 };
    let step = |before, after| deed(before, write(), after, &[]);
    let grows = step(leads(&[5], Some(2)), leads(&[5, 5], Some(2)));
    on_step(name, &grows, Broken);
    let stays = step(leads(&[5], Some(2)), leads(&[5], Some(2)));
    on_step(name, &stays, Holds);
    let hands_nothing_over = step(leads(&[5], None), leads(&[5, 5], None));
    on_step(name, &hands_nothing_over, Vacuous);
    let steps_down = step(leads(&[5], Some(2)), follower(1, 6, &[5, 6]));
    on_step(name, &steps_down, Vacuous);
    on_step(name, &lost(), Vacuous);
}

#[test]
fn lease_exclusive() {
    let name = "lease-exclusive";
    on_state(name, &committed(leased(0, &[2]), 4, 2, 4), Broken);
    // Also if the leader itself takes its round for old.
    let older = changed(committed(leased(0, &[2]), 4, 2, 4), |s| {
        if let Role::Leader { lease, .. } = &mut s.servers[n(1)].role {
            lease.rounds[0].age = 7;
        }
    });
    on_state(name, &older, Broken);
    // What it has committed itself, and those before it.
    on_state(name, &committed(leased(0, &[2]), 3, 1, 3), Holds);
    on_state(name, &leased(0, &[3]), Holds);
    // Too few have answered; the lease is over; there is none.
    on_state(name, &committed(leased(0, &[]), 4, 2, 4), Vacuous);
    on_state(name, &committed(leased(1, &[2]), 4, 2, 4), Vacuous);
    let none = state([
        leader(1, 3, &[3], &[1, 1, 0]),
        follower(2, 4, &[3]),
        follower(3, 4, &[3]),
    ]);
    on_state(name, &committed(none, 4, 2, 4), Vacuous);
}

#[test]
fn next_above_match() {
    let name = "next-above-match";
    let with = |known: u64, next: u64| {
        let mut leading = leader(1, 3, &[1, 3], &[2, known, 0]);
        if let Role::Leader { matched, .. } = &mut leading.role {
            matched.admit(n(1), Index(next));
        }
        state([leading, follower(2, 3, &[]), follower(3, 3, &[])])
    };
    on_state(name, &with(1, 1), Broken);
    on_state(name, &with(2, 1), Broken);
    on_state(name, &with(1, 4), Broken);
    on_state(name, &with(1, 2), Holds);
    on_state(name, &with(1, 3), Holds);
    // No leader, or no flow control.
    on_state(name, &logs([&[1], &[], &[]]), Vacuous);
    let free = leader(1, 3, &[1, 3], &[2, 1, 0]);
    let free = state([free, follower(2, 3, &[]), follower(3, 3, &[])]);
    on_state(name, &free, Vacuous);
}

#[test]
fn log_terms_ascend() {
    // `logs` are of servers in term 5.
    on_state("log-terms-ascend", &logs([&[1, 1], &[2, 1], &[]]), Broken);
    on_state("log-terms-ascend", &logs([&[1, 6], &[], &[]]), Broken);
    on_state("log-terms-ascend", &logs([&[1, 1, 3], &[5], &[]]), Holds);
    on_state("log-terms-ascend", &logs([&[], &[], &[]]), Vacuous);
}

#[test]
fn log_matching() {
    let two = |a: &[u64], b: &[u64]| logs([a, b, &[]]);
    on_state("log-matching", &two(&[1, 2], &[2, 2]), Broken);
    on_state("log-matching", &two(&[1, 2, 3, 3], &[1, 1, 3]), Broken);
    on_state("log-matching", &logs([&[], &[1, 2], &[2, 2]]), Broken);
    // The same term, another payload.
    let other = changed(two(&[1, 1], &[1, 1]), |s| {
        let write = plimsoll_model::log::Payload::Write { number: 1 };
        let mut entry = noop(1);
        entry.payload = write;
        let server = &mut s.servers[n(2)];
        server.log.truncate(Index(1));
        server.log.push(entry);
    });
    on_state("log-matching", &other, Broken);
    on_state("log-matching", &two(&[1, 2, 2], &[1, 2, 3]), Holds);
    on_state("log-matching", &two(&[1, 1], &[1]), Holds);
    // No index and term in common.
    on_state("log-matching", &two(&[1, 1], &[2, 2]), Vacuous);
    on_state("log-matching", &two(&[], &[2, 2]), Vacuous);
    // Bootstrap entries alone are in common from the start.
    on_booted("log-matching", 1, &two(&[1, 2], &[1, 3]), Vacuous);
    on_booted("log-matching", 1, &two(&[1, 2], &[1, 2]), Holds);
}

#[test]
fn leader_completeness() {
    let led_by = |terms: &[u64], term| {
        let leading = leader(1, term, terms, &[0, 0, 0]);
        state([leading, follower(2, 5, &[1, 2]), follower(3, 5, &[1, 2])])
    };
    on_state(
        "leader-completeness",
        &committed(led_by(&[1, 3], 3), 2, 2, 2),
        Broken,
    );
    on_state(
        "leader-completeness",
        &committed(led_by(&[1], 3), 2, 2, 2),
        Broken,
    );
    on_state(
        "leader-completeness",
        &committed(led_by(&[1, 2, 3], 3), 2, 2, 2),
        Holds,
    );
    // Of several committing terms each counts.
    let twice = |terms| committed(committed(led_by(terms, 4), 1, 1, 1), 3, 2, 3);
    on_state("leader-completeness", &twice(&[1, 2, 4]), Broken);
    on_state("leader-completeness", &twice(&[1, 3, 4]), Holds);
    // What is committed in the leader's own term or later it need not hold.
    on_state(
        "leader-completeness",
        &committed(led_by(&[1], 2), 2, 2, 2),
        Vacuous,
    );
    on_state(
        "leader-completeness",
        &committed(led_by(&[1], 1), 2, 2, 2),
        Vacuous,
    );
    on_state("leader-completeness", &led_by(&[1], 3), Vacuous);
    let nobody = committed(logs([&[1], &[], &[]]), 2, 2, 2);
    on_state("leader-completeness", &nobody, Vacuous);
}

#[test]
fn state_machine_safety() {
    let commits = |state, commits: [u64; 3]| {
        changed(state, |s: &mut State| {
            for (at, commit) in commits.into_iter().enumerate() {
                s.servers[NodeId::from_position(at)].commit = Index(commit);
            }
        })
    };
    let pair = |a: &[u64], b: &[u64], both| commits(logs([a, b, &[]]), [both, both, 0]);
    on_state("state-machine-safety", &pair(&[1, 2], &[1, 3], 2), Broken);
    on_state("state-machine-safety", &pair(&[2, 2], &[1, 2], 1), Broken);
    on_state("state-machine-safety", &pair(&[1, 2], &[1, 3], 1), Holds);
    on_state("state-machine-safety", &pair(&[1, 2], &[1, 3], 0), Vacuous);
    // Committed further than the log goes.
    on_state("state-machine-safety", &pair(&[1], &[1], 2), Broken);
    // Against what was once committed, when nobody else remembers.
    let alone = |of| commits(committed(logs([&[1, 3], &[], &[]]), 2, 2, of), [2, 0, 0]);
    on_state("state-machine-safety", &alone(2), Broken);
    on_state("state-machine-safety", &alone(3), Holds);
    on_booted("state-machine-safety", 1, &pair(&[1], &[1], 1), Vacuous);
}

#[test]
fn linearizable_reads() {
    // (what leads, the read's index, its floor, the commit index)
    let release = |leads: bool, index: u64, floor: Option<u64>, commit: u64| {
        let mut server = leader(1, 3, &[1, 3, 3], &[3, 0, 0]).with(|s| {
            s.commit = Index(commit);
            reads(s).push(Read {
                id: read(1),
                index: Index(index),
                acks: set(&[2]),
                asker: None,
            });
        });
        if !leads {
            server = follower(1, 3, &[1, 3, 3]);
        }
        let input = Input::ReleaseRead { read: read(1) };
        let mut deed = deed(server.clone(), input, server, &[]);
        deed.before
            .history
            .reads
            .extend(floor.map(|floor| OpenRead {
                id: read(1),
                node: n(1),
                floor: Index(floor),
            }));
        deed
    };
    on_step("linearizable-reads", &release(true, 2, Some(3), 3), Broken);
    on_step("linearizable-reads", &release(true, 3, Some(2), 2), Broken);
    on_step("linearizable-reads", &release(false, 2, Some(2), 2), Broken);
    // A read that has never begun.
    on_step("linearizable-reads", &release(true, 2, None, 2), Broken);
    on_step("linearizable-reads", &release(true, 2, Some(2), 3), Holds);
    on_step("linearizable-reads", &release(true, 3, Some(2), 3), Holds);
    let begins = |branch: Option<Branch>, applied: u64| {
        let server = leader(1, 3, &[1, 3], &[2, 0, 0]).with(|s| s.applied = Index(applied));
        let begins = Input::BeginRead { read: read(1) };
        let mut begun = deed(server.clone(), begins, server, &[]);
        begun.before.history.commits(Term(3), at(2, 3));
        begun.step.turn.outcome = branch.map(Into::into);
        begun
    };
    let begun = begins(Some(Branch::ReadBegun), 0);
    on_step("linearizable-reads", &begun, Vacuous);
    // Only flawed servers answer at once.
    let at_once = |applied| begins(Some(Branch::ReadAnsweredAtOnce), applied);
    on_step("linearizable-reads", &at_once(1), Broken);
    on_step("linearizable-reads", &at_once(2), Holds);
    // A lease answers at once too, from what is committed.
    let by_lease = |commit| {
        let mut served = begins(Some(Branch::ReadServedByLease), 0);
        served.before.servers[n(1)].commit = Index(commit);
        served
    };
    on_step("linearizable-reads", &by_lease(1), Broken);
    on_step("linearizable-reads", &by_lease(2), Holds);
    on_step("linearizable-reads", &lost(), Vacuous);
}

#[test]
fn committed_is_durable() {
    let on = |terms: [&[u64]; 3]| committed(logs(terms), 2, 2, 2);
    on_state("committed-is-durable", &on([&[1, 2], &[1], &[1]]), Broken);
    on_state("committed-is-durable", &on([&[1, 2], &[1, 3], &[]]), Broken);
    on_state("committed-is-durable", &on([&[1, 2], &[1, 2], &[1]]), Holds);
    // In the log but not on the disk.
    let volatile = changed(on([&[1, 2], &[1, 2], &[1]]), |s| {
        s.servers[n(2)].durable.shared = Index(1);
    });
    on_state("committed-is-durable", &volatile, Broken);
    // Dropped from the log, still on the disk.
    let dropped = changed(on([&[1, 2], &[1], &[1]]), |s| {
        let server = &mut s.servers[n(2)];
        server.durable.shared = Index(1);
        server.durable.tail = batch(&[2]);
    });
    on_state("committed-is-durable", &dropped, Holds);
    let nothing = logs([&[1, 2], &[], &[]]);
    on_state("committed-is-durable", &nothing, Vacuous);
    // Bootstrap entries are on every disk from the start and exempt.
    let bootstrap = on([&[1, 2], &[], &[]]);
    on_booted("committed-is-durable", 2, &bootstrap, Vacuous);
}

#[test]
fn match_agrees() {
    // n1 leads term 3 and knows two entries of n2's log to match.
    let on = |terms: &[u64], term: u64, known: u64| {
        state([
            leader(1, 3, &[1, 3, 3], &[3, known, 0]),
            follower(2, term, terms),
            follower(3, 3, &[]),
        ])
    };
    on_state("match-agrees", &on(&[1, 2], 3, 2), Broken);
    on_state("match-agrees", &on(&[2, 3], 3, 2), Broken);
    on_state("match-agrees", &on(&[1], 3, 2), Broken);
    on_state("match-agrees", &on(&[1, 3], 3, 2), Holds);
    // What follows is not known to match.
    on_state("match-agrees", &on(&[1, 3, 2], 3, 2), Holds);
    // In the log but not on the disk, there and at the leader itself.
    for id in [1, 2] {
        let volatile = changed(on(&[1, 3], 3, 2), |s| {
            s.servers[n(id)].durable.shared = Index(1);
        });
        on_state("match-agrees", &volatile, Broken);
    }
    // A payload that differs.
    let other = changed(on(&[1, 3], 3, 2), |s| {
        let server = &mut s.servers[n(2)];
        server.log.truncate(Index(1));
        server.log.push(Entry {
            term: Term(3),
            payload: Payload::Write { number: 9 },
        });
    });
    on_state("match-agrees", &other, Broken);
    // A server of a later term may have dropped it.
    let alone = |known: u64| {
        changed(on(&[1], 4, known), |s| {
            *matched(&mut s.servers[n(1)], 1) = Index(0)
        })
    };
    on_state("match-agrees", &alone(2), Vacuous);
    on_state("match-agrees", &alone(0), Vacuous);
    on_state("match-agrees", &logs([&[1], &[1], &[]]), Vacuous);
    let bootstrap = changed(on(&[2, 3], 3, 2), |s| {
        *matched(&mut s.servers[n(1)], 1) = Index(2)
    });
    on_booted("match-agrees", 2, &bootstrap, Vacuous);
}

#[test]
fn applied_is_committed_prefix() {
    let name = "applied-is-committed-prefix";
    let applied = |terms: &[u64], applied: u64| {
        changed(logs([&[1, 2], &[1], &[]]), |s| {
            let server = &mut s.servers[n(3)];
            server.log = log(terms);
            server.applied = Index(applied);
        })
    };
    let ghost = |terms: &[u64], index: u64| committed(applied(terms, index), 2, 2, 2);
    on_state(name, &ghost(&[1, 2], 2), Holds);
    on_state(name, &ghost(&[1, 2], 1), Holds);
    on_state(name, &ghost(&[1, 3], 2), Broken);
    on_state(name, &ghost(&[1, 2, 2], 3), Broken);
    on_state(name, &ghost(&[1, 2], 0), Vacuous);
    on_state(name, &applied(&[1], 1), Broken);
    on_state(name, &applied(&[1], 0), Vacuous);
    // Three bootstrap entries, of which a restarted server has applied some.
    let entries = |voters: &[usize]| {
        let mut log = InlineLog::empty();
        for &first in voters {
            log.push(Entry {
                term: Term(1),
                payload: Payload::Config {
                    change: Change::joins(NodeSet::first(first)),
                },
            });
        }
        log
    };
    let booted = |restarted: bool, applied: u64, config: &[u8]| {
        changed(logs([&[], &[], &[]]), |s| {
            let server = &mut s.servers[n(3)];
            server.log = entries(&[1, 2, 3]);
            server.applied = Index(applied);
            server.config = Config::of(set(config));
            if restarted {
                s.history.restarted.insert(n(3));
            }
        })
    };
    on_booted(name, 3, &booted(true, 2, &[1, 2]), Holds);
    on_booted(name, 3, &booted(true, 2, &[1]), Broken);
    on_booted(name, 3, &booted(true, 1, &[1, 2, 3]), Broken);
    on_booted(name, 3, &booted(true, 3, &[1, 2, 3]), Holds);
    on_booted(name, 3, &booted(true, 0, &[]), Vacuous);
    // A first boot knows all voters from the start.
    on_booted(name, 3, &booted(false, 1, &[1, 2, 3]), Vacuous);
    on_booted(name, 3, &booted(false, 1, &[1]), Broken);
    on_booted(name, 3, &booted(true, 4, &[1, 2, 3]), Broken);
}

/// A server with these durable terms and votes before and after, from which
/// messages leave.
fn votes(
    before: (u64, Option<u8>),
    after: (u64, Option<u8>),
    input: Input,
    released: &[Message],
) -> Deed {
    let with =
        |(term, vote): (u64, Option<u8>)| follower(1, term, &[]).with(|s| s.vote = vote.map(n));
    deed(with(before), input, with(after), released)
}

#[test]
fn one_vote_per_term() {
    let done = || Input::WriteCompleted;
    let grant = |to, term| msg(1, to, term, vote(true));
    let ask = |term| msg(1, 2, term, request(at(0, 0)));
    let name = "one-vote-per-term";
    let step = |before, after, released: &[Message]| votes(before, after, done(), released);
    // The durable vote changes within a term, is lost, or its term is lower.
    on_step(name, &step((3, Some(2)), (3, Some(3)), &[]), Broken);
    on_step(name, &step((3, Some(2)), (3, None), &[]), Broken);
    on_step(name, &step((3, Some(2)), (2, Some(2)), &[]), Broken);
    let crash = votes((3, Some(2)), (0, None), restart(), &[]);
    on_step(name, &crash, Broken);
    // A vote leaves before it is durable, or another one is durable.
    on_step(name, &step((3, None), (3, None), &[grant(2, 3)]), Broken);
    on_step(name, &step((3, None), (3, Some(3)), &[grant(2, 3)]), Broken);
    on_step(name, &step((2, None), (2, None), &[grant(2, 3)]), Broken);
    // A candidate asks and has not voted for itself.
    on_step(name, &step((2, None), (3, None), &[ask(3)]), Broken);
    on_step(name, &step((2, None), (3, Some(2)), &[ask(3)]), Broken);
    // Two votes of one term leave together, and a later term hides them.
    let two = [grant(2, 3), grant(3, 3)];
    on_step(name, &step((2, None), (4, None), &two), Broken);
    let two = [ask(3), grant(3, 3)];
    on_step(name, &step((2, None), (4, None), &two), Broken);
    // A second vote of the term that was durable leaves with a later term.
    let step_up = step((3, Some(2)), (4, None), &[grant(3, 3)]);
    on_step(name, &step_up, Broken);
    // So does one of a term that was over.
    on_step(name, &step((3, None), (4, None), &[grant(3, 2)]), Broken);
    // What the rules do.
    let granted = step((2, Some(2)), (3, Some(3)), &[grant(3, 3)]);
    on_step(name, &granted, Holds);
    on_step(name, &step((3, None), (3, Some(3)), &[grant(3, 3)]), Holds);
    on_step(
        name,
        &step((3, Some(3)), (3, Some(3)), &[grant(3, 3)]),
        Holds,
    );
    on_step(
        name,
        &step((2, None), (3, Some(1)), &[ask(3), ask(3)]),
        Holds,
    );
    on_step(
        name,
        &step((2, None), (5, None), &[grant(2, 3), ask(4)]),
        Holds,
    );
    on_step(name, &step((3, Some(2)), (4, None), &[grant(2, 3)]), Holds);
    let refused = step((3, None), (3, None), &[msg(1, 2, 3, vote(false))]);
    on_step(name, &refused, Vacuous);
    on_step(name, &lost(), Vacuous);
}

/// A step of n1 from one server to another, by a write that completes or by a
/// crash.
fn change(input: Input, before: &Srv, change: impl FnOnce(&mut Srv)) -> Deed {
    let mut after = before.clone();
    change(&mut after);
    deed(before.clone(), input, after, &[])
}

#[test]
fn term_monotonic() {
    let server = follower(1, 3, &[]);
    let to = |input, term| change(input, &server, |s| s.term = Term(term));
    on_step("term-monotonic", &to(Input::Campaign, 2), Broken);
    on_step("term-monotonic", &to(Input::Campaign, 4), Holds);
    on_step("term-monotonic", &to(Input::Campaign, 3), Vacuous);
    // A crash may forget a term that was not durable.
    on_step("term-monotonic", &to(restart(), 2), Vacuous);
    on_step("term-monotonic", &lost(), Vacuous);
}

#[test]
fn commit_monotonic() {
    let server = follower(1, 3, &[1, 2, 3]).with(|s| s.commit = Index(2));
    let to = |input, commit| change(input, &server, |s| s.commit = Index(commit));
    on_step("commit-monotonic", &to(Input::Apply, 1), Broken);
    on_step("commit-monotonic", &to(Input::Apply, 3), Holds);
    on_step("commit-monotonic", &to(Input::Apply, 2), Vacuous);
    on_step("commit-monotonic", &to(restart(), 0), Vacuous);
    on_step("commit-monotonic", &lost(), Vacuous);
}

#[test]
fn commit_within_log() {
    let name = "commit-within-log";
    let told = |commit: u64| {
        let server = follower(1, 3, &[1, 2, 3]).with(|s| s.commit = Index(2));
        let input = receive(msg(2, 1, 3, heartbeat(commit)));
        let mut deed = change(input, &server, |s| s.commit = Index(commit.min(3)));
        deed.step.turn.outcome = Some(Branch::HeartbeatReceived.into());
        deed
    };
    on_step(name, &told(1), Holds);
    on_step(name, &told(3), Holds);
    on_step(name, &told(4), Broken);
    // One that is not looked at; one to a machine that has replaced another.
    let mut ignored = told(4);
    ignored.step.turn.outcome = Some(Branch::StaleIgnored.into());
    on_step(name, &ignored, Vacuous);
    let mut replaced = told(4);
    replaced.before.history.wiped = set(&[1]);
    on_step(name, &replaced, Vacuous);
    on_step(name, &lost(), Vacuous);
}

#[test]
fn match_monotonic() {
    let knows = |term: u64, known: &[u64]| leader(1, term, &[1, 2, 3], known);
    let to = |input, after: Srv| deed(knows(3, &[3, 2, 0]), input, after, &[]);
    let acked = || receive(msg(2, 1, 3, ack(1)));
    on_step(
        "match-monotonic",
        &to(acked(), knows(3, &[3, 1, 0])),
        Broken,
    );
    on_step("match-monotonic", &to(acked(), knows(3, &[3, 3, 0])), Holds);
    on_step("match-monotonic", &to(acked(), knows(3, &[3, 3])), Holds);
    on_step("match-monotonic", &to(acked(), knows(3, &[3])), Broken);
    on_step(
        "match-monotonic",
        &to(acked(), knows(3, &[3, 2, 0])),
        Vacuous,
    );
    // A new leadership begins with nothing.
    on_step(
        "match-monotonic",
        &to(acked(), knows(4, &[3, 0, 0])),
        Vacuous,
    );
    on_step(
        "match-monotonic",
        &to(restart(), follower(1, 3, &[1])),
        Vacuous,
    );
    on_step("match-monotonic", &lost(), Vacuous);
}

#[test]
fn applied_monotonic() {
    let server = follower(1, 3, &[1, 2, 3]).with(|s| {
        (s.commit, s.applied) = (Index(2), Index(1));
    });
    let to = |input, applied| change(input, &server, |s| s.applied = Index(applied));
    on_step("applied-monotonic", &to(Input::Apply, 0), Broken);
    on_step("applied-monotonic", &to(Input::Apply, 3), Broken);
    on_step("applied-monotonic", &to(Input::Apply, 2), Holds);
    on_step("applied-monotonic", &to(Input::Apply, 1), Vacuous);
    on_step("applied-monotonic", &to(restart(), 0), Vacuous);
    // A crash may not leave more applied than committed.
    on_step("applied-monotonic", &to(restart(), 3), Broken);
    on_step("applied-monotonic", &lost(), Vacuous);
}

#[test]
fn durable_term_monotonic() {
    let server = follower(1, 3, &[]);
    let to = |input, durable, term| {
        change(input, &server, |s| {
            (s.durable.term, s.term) = (Term(durable), Term(term));
        })
    };
    let done = || Input::WriteCompleted;
    on_step("durable-term-monotonic", &to(done(), 2, 3), Broken);
    on_step("durable-term-monotonic", &to(restart(), 2, 2), Broken);
    // The disk has it, and the server starts without it.
    on_step("durable-term-monotonic", &to(restart(), 3, 2), Broken);
    on_step("durable-term-monotonic", &to(done(), 4, 4), Holds);
    on_step("durable-term-monotonic", &to(restart(), 3, 3), Holds);
    on_step(
        "durable-term-monotonic",
        &to(Input::Campaign, 3, 4),
        Vacuous,
    );
    on_step("durable-term-monotonic", &lost(), Vacuous);
}

#[test]
fn snapshot_equals_prefix() {
    let name = "snapshot-equals-prefix";
    let compacted = |terms: &[u64], base: u64| {
        follower(1, 5, terms).with(|s| {
            s.commit = Index(base);
            s.applied = Index(base);
            s.log.rebase(Index(base));
            s.durable.base = Index(base);
        })
    };
    let other = |commit: u64| {
        follower(2, 5, &[1, 2, 2]).with(|s| {
            s.commit = Index(commit);
            s.applied = Index(commit);
        })
    };
    let cluster = |one: Srv, commit| {
        let all = state([one, other(commit), follower(3, 5, &[])]);
        committed(all, 2, 2, 2)
    };
    on_state(name, &logs([&[1, 2], &[1], &[]]), Vacuous);
    on_state(name, &cluster(compacted(&[1, 2], 2), 2), Holds);
    on_state(name, &cluster(compacted(&[1, 2, 3], 1), 2), Holds);
    // Nobody has committed so much, or something else was.
    on_state(name, &cluster(compacted(&[1, 2, 2], 3), 2), Broken);
    on_state(name, &cluster(compacted(&[1, 1], 2), 0), Broken);
    // The ghost knows the last position alone; another server knows the rest.
    on_state(name, &cluster(compacted(&[2, 2], 2), 0), Holds);
    on_state(name, &cluster(compacted(&[2, 2], 2), 2), Broken);
    // The snapshot on disk, where the one in memory is another.
    let torn = |mut one: Srv| {
        one.durable.tail = batch(&[1, 1]);
        one.durable.shared = Index(0);
        one
    };
    on_state(name, &cluster(torn(compacted(&[1, 2], 2)), 2), Broken);
    // One that waits to be sent.
    let waiting = |terms: &[u64]| {
        let mut one = follower(1, 5, &[1, 2]);
        let body = Body::InstallSnapshot {
            last: at(terms.len() as u64, 2),
            config: Config::of(NodeSet::first(3)),
            state: batch(terms),
            joined: Index::ZERO,
        };
        one.outbox.push(msg(1, 3, 5, body));
        one
    };
    on_state(name, &cluster(waiting(&[1, 2]), 2), Holds);
    on_state(name, &cluster(waiting(&[2, 2]), 2), Broken);
}

/// A property where clients send commands again, on a first server that has
/// applied these ones, all that its log holds.
#[track_caller]
fn on_commands(
    name: &str,
    (sessions, retries): (u32, u32),
    commands: &[u32],
    change: impl FnOnce(&mut State),
    finding: Finding,
) {
    let mut scenario = scenario(0);
    scenario.settings.sessions = sessions;
    scenario.settings.configuration = Configuration::Fixed;
    scenario.bounds.retries = retries;
    let mut state = logs([&[], &[1], &[1]]);
    let server = &mut state.servers[n(1)];
    for &number in commands {
        server.log.push(Entry {
            term: Term(1),
            payload: Payload::Write { number },
        });
    }
    server.commit = server.log.last_index();
    server.applied = server.commit;
    let position = server.log.last();
    if !commands.is_empty() {
        state.history.commits(Term(1), position);
    }
    change(&mut state);
    let Check::State(check) = named(name).check else {
        panic!("{name} is judged on steps");
    };
    assert_eq!(check(&state, &scenario), finding, "{name}");
    found(named(name), finding);
}

/// A machine where these commands have taken effect, and these are the sessions
/// (client, sequence, response).
fn machine(effects: &[u32], sessions: &[(u32, u32, u32)]) -> impl Fn(&mut State) {
    let mut machine = Machine::default();
    machine.effects.extend(effects.iter().copied());
    for &(client, sequence, response) in sessions {
        machine.record(Session {
            client,
            sequence,
            response,
        });
    }
    move |state| state.servers[n(1)].machine = Some(machine.clone().into())
}

#[test]
fn exactly_once() {
    let name = "exactly-once";
    let plain = |_: &mut State| {};
    // With sessions the machine says what took effect, without them the log.
    let once = machine(&[1], &[(1, 1, 1)]);
    let again = machine(&[1, 2, 1], &[(1, 2, 2)]);
    on_commands(name, (1, 1), &[1, 1], once, Holds);
    on_commands(name, (1, 1), &[1, 2, 1], again, Broken);
    on_commands(name, (0, 1), &[1, 1], plain, Broken);
    on_commands(name, (0, 1), &[1, 2, 1], plain, Broken);
    // Nothing stands there twice, or nobody follows it.
    on_commands(name, (0, 1), &[1, 2], plain, Vacuous);
    on_commands(name, (0, 0), &[1, 1], plain, Vacuous);
    // What is not applied has no effect yet.
    let later = |state: &mut State| state.servers[n(1)].applied = Index(1);
    on_commands(name, (0, 1), &[1, 1], later, Vacuous);
}

#[test]
fn linearizable_writes() {
    let name = "linearizable-writes";
    let answered = |answers: &'static [(u32, u32, u64)]| {
        move |state: &mut State| {
            for &(number, response, index) in answers {
                state.history.answers(Answer {
                    number,
                    response,
                    index: Index(index),
                });
            }
        }
    };
    on_commands(name, (0, 1), &[1, 2], answered(&[]), Vacuous);
    on_commands(name, (0, 1), &[1, 2], answered(&[(1, 1, 1)]), Holds);
    on_commands(
        name,
        (0, 1),
        &[1, 2],
        answered(&[(1, 1, 1), (2, 2, 2)]),
        Holds,
    );
    // Lost, moved, overtaken.
    on_commands(name, (0, 1), &[2, 3], answered(&[(1, 1, 1)]), Broken);
    on_commands(name, (0, 1), &[2, 1], answered(&[(1, 1, 1)]), Broken);
    on_commands(name, (0, 1), &[], answered(&[(1, 1, 0)]), Broken);
    // Two answers, each of which is true.
    on_commands(
        name,
        (0, 1),
        &[1, 1],
        answered(&[(1, 1, 1), (1, 2, 2)]),
        Broken,
    );
    // Nobody has applied as much as was answered from.
    on_commands(name, (0, 1), &[2], answered(&[(1, 2, 2)]), Vacuous);
    // What the machine says counts, where there are sessions.
    let said = |effects: &'static [u32]| {
        let (told, set) = (answered(&[(1, 1, 1)]), machine(effects, &[(1, 1, 1)]));
        move |state: &mut State| {
            told(state);
            set(state);
        }
    };
    on_commands(name, (1, 1), &[1, 1], said(&[1]), Holds);
    on_commands(name, (1, 1), &[1, 1], said(&[]), Broken);
}

/// The part of the property that asks for the state of the machine.
#[test]
fn applied_is_what_the_commands_lead_to() {
    let name = "applied-is-committed-prefix";
    for (clients, commands, effects, sessions, finding) in [
        (1, &[1, 2, 1][..], &[1, 2][..], &[(1, 2, 2)][..], Holds),
        // A copy had effect; one that should have had had none.
        (1, &[1, 1], &[1, 1], &[(1, 1, 2)], Broken),
        (1, &[2, 1], &[2], &[(1, 2, 1)], Broken),
        // The effects are right and the sessions are not.
        (1, &[1, 2], &[1, 2], &[], Broken),
        (1, &[1, 2], &[1, 2], &[(1, 1, 1)], Broken),
        (1, &[1, 2], &[1, 2], &[(1, 2, 1)], Broken),
        // Two clients: commands one and three, and command two.
        (2, &[2, 1, 2, 3], &[2, 1, 3], &[(1, 2, 3), (2, 1, 1)], Holds),
        (2, &[2, 1, 3], &[2, 1, 3], &[(1, 2, 3), (2, 1, 2)], Broken),
    ] {
        let machine = machine(effects, sessions);
        on_commands(name, (clients, 1), commands, machine, finding);
    }
}

/// A property of configurations that change, on three followers of whom the
/// first has these changes in its log.
#[track_caller]
fn on_changes(name: &str, settings: Settings, changes: &[Change], config: &[u8], finding: Finding) {
    let mut scenario = scenario(0);
    scenario.settings = settings;
    (SINGLE_SERVER_CHANGES.switch_on)(&mut scenario.settings);
    let state = changed(logs([&[1], &[1], &[1]]), |s| {
        let server = &mut s.servers[n(1)];
        for &change in changes {
            server.log.push(Entry {
                term: Term(2),
                payload: Payload::Config { change },
            });
        }
        server.config = Config::of(set(config));
        s.history.commits(Term(2), at(1, 1));
    });
    let Check::State(check) = named(name).check else {
        panic!("{name} is judged on steps");
    };
    assert_eq!(check(&state, &scenario), finding, "{name}");
    found(named(name), finding);
}

fn add(servers: &[u8]) -> Change {
    Change::joins(set(servers))
}

#[test]
fn one_change_at_a_time() {
    let name = "one-change-at-a-time";
    for settings in both() {
        on_changes(name, settings, &[], &[1, 2, 3], Vacuous);
        on_changes(name, settings, &[add(&[4])], &[1, 2, 3, 4], Holds);
        on_changes(
            name,
            settings,
            &[add(&[4]), add(&[5])],
            &[1, 2, 3, 4, 5],
            Broken,
        );
    }
    // What is committed is under way no more.
    let mut scenario = scenario(0);
    (SINGLE_SERVER_CHANGES.switch_on)(&mut scenario.settings);
    let settled = changed(logs([&[1], &[1], &[1]]), |s| {
        for change in [add(&[4]), add(&[5])] {
            let payload = Payload::Config { change };
            s.servers[n(1)].log.push(Entry {
                term: Term(2),
                payload,
            });
        }
        s.history.commits(Term(2), at(2, 2));
    });
    let Check::State(check) = named(name).check else {
        panic!("{name} is judged on steps");
    };
    assert_eq!(check(&settled, &scenario), Holds);
}

#[test]
fn adjacent_quorums_overlap() {
    let name = "adjacent-quorums-overlap";
    on_changes(name, paper(), &[], &[1, 2, 3], Vacuous);
    on_changes(name, paper(), &[add(&[4])], &[1, 2, 3, 4], Holds);
    on_changes(name, paper(), &[add(&[4, 5])], &[1, 2, 3, 4, 5], Broken);
    // Through a joint configuration they do, on the way in and on the way out.
    let joint = Change {
        transition: Transition::Joint { auto_leave: true },
        ..add(&[4, 5])
    };
    on_changes(name, paper(), &[joint, Change::LEAVE], &[1, 2, 3], Holds);
}

#[test]
fn configuration_from_log() {
    let name = "configuration-from-log";
    on_changes(name, etcd(), &[add(&[4])], &[1, 2, 3], Vacuous);
    on_changes(name, paper(), &[], &[1, 2, 3], Holds);
    on_changes(name, paper(), &[add(&[4])], &[1, 2, 3, 4], Holds);
    on_changes(name, paper(), &[add(&[4])], &[1, 2, 3], Broken);
}

#[test]
fn quorum_of_voters() {
    let name = "quorum-of-voters";
    on_step(name, &lost(), Vacuous);
    let won = |from: u8| {
        let asks = candidate(1, 5, &[], &[]).with(|s| s.term = Term(5));
        let leads = leader(1, 5, &[5], &[0, 0, 0]);
        deed(asks, receive(msg(from, 1, 5, vote(true))), leads, &[])
    };
    on_step(name, &won(2), Holds);
    on_step(name, &won(4), Broken);
    let commits = |known: &[u64]| {
        let before = leader(1, 5, &[5], known);
        let after = before.clone().with(|s| s.commit = Index(1));
        let mut deed = deed(before, Input::AdvanceCommit { to: Index(1) }, after, &[]);
        deed.step.turn.outcome = Some(Branch::Committed.into());
        deed
    };
    on_step(name, &commits(&[1, 1, 0]), Holds);
    on_step(name, &commits(&[1, 0, 0]), Broken);
    on_step(name, &commits(&[1, 0, 0, 1, 1]), Broken);
}
