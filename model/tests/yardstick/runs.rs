//! Runs, as they are shown.

use plimsoll_model::yardstick::{Role, State};

use crate::yardstick;

/// Follows the steps whose names begin so.
fn follow(row: [u32; 6], names: &[&str]) -> String {
    let yardstick = yardstick(row);
    let mut states = vec![yardstick.initial()];
    for name in names {
        let steps = yardstick.describe(states.last().expect("a state"));
        let step = steps.iter().find(|step| step.to_string().starts_with(name));
        let step = step.unwrap_or_else(|| panic!("{name} is not enabled"));
        let successor = step.successor.clone();
        states.push(successor.unwrap_or_else(|| panic!("{name} leads out of bounds")));
    }
    let path = yardstick.path(&states).expect("a run");
    path.to_string()
}

#[test]
fn a_lone_server_votes_for_itself_and_commits() {
    let run = follow(
        [1, 2, 2, 1, 1, 1],
        &[
            "Timeout(n1)",
            "RequestVote(n1, n1)",
            "HandleRequestVoteRequest: grant",
            "HandleRequestVoteResponse: granted",
            "BecomeLeader(n1)",
            "ClientRequest(n1, v2)",
            "AdvanceCommitIndex(n1)",
        ],
    );
    let expected = "\
n1@1 Follower vote=- responded={} granted={} log=[] commit=0 next=[1] match=[0]

1. Timeout(n1)
n1@2 Candidate vote=- responded={} granted={} log=[] commit=0 next=[1] match=[0]

2. RequestVote(n1, n1)
n1@2 Candidate vote=- responded={} granted={} log=[] commit=0 next=[1] match=[0]
n1@2 -> n1 RequestVote last=0@0

3. HandleRequestVoteRequest: grant(n1@2 -> n1 RequestVote last=0@0)
n1@2 Candidate vote=n1 responded={} granted={} log=[] commit=0 next=[1] match=[0]
n1@2 -> n1 Vote granted

4. HandleRequestVoteResponse: granted(n1@2 -> n1 Vote granted)
n1@2 Candidate vote=n1 responded={n1} granted={n1} log=[] commit=0 next=[1] match=[0]

5. BecomeLeader(n1)
n1@2 Leader vote=n1 responded={n1} granted={n1} log=[] commit=0 next=[1] match=[0]

6. ClientRequest(n1, v2)
n1@2 Leader vote=n1 responded={n1} granted={n1} log=[1@2=v2] commit=0 next=[1] match=[0]

7. AdvanceCommitIndex(n1)
n1@2 Leader vote=n1 responded={n1} granted={n1} log=[1@2=v2] commit=1 next=[1] match=[0]
";
    assert_eq!(run, expected);
}

/// Two elections, so that a log conflicts; a reply only after all is done.
#[test]
fn a_new_leader_overwrites_what_an_old_one_left() {
    let elect = |i: usize, j: usize| {
        vec![
            format!("Timeout(n{i})"),
            format!("RequestVote(n{i}, n{i})"),
            "HandleRequestVoteRequest: grant".to_owned(),
            "HandleRequestVoteResponse: granted".to_owned(),
            format!("RequestVote(n{i}, n{j})"),
            "UpdateTerm".to_owned(),
            "HandleRequestVoteRequest: grant".to_owned(),
            "HandleRequestVoteResponse: granted".to_owned(),
            format!("BecomeLeader(n{i})"),
        ]
    };
    let mut names = elect(1, 2);
    names.push("ClientRequest(n1, v1)".to_owned());
    // n3 has slept through term 2, wins term 4 with n2's vote.
    names.extend(["Timeout(n3)", "Timeout(n3)"].map(String::from));
    names.extend(elect(3, 2));
    names.extend(
        [
            "ClientRequest(n3, v2)",
            "AppendEntries(n3, n1)",
            "UpdateTerm",
            "HandleAppendEntriesRequest: conflict",
            "HandleAppendEntriesRequest: no conflict",
            "HandleAppendEntriesRequest: already done",
            "HandleAppendEntriesResponse: successful",
            "AdvanceCommitIndex(n3)",
        ]
        .map(String::from),
    );
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let run = follow([3, 2, 4, 1, 2, 1], &names);
    let last = run.rsplit("\n\n").next().expect("a step");
    assert_eq!(
        last,
        "\
29. AdvanceCommitIndex(n3)
n1@4 Follower vote=- responded={n1 n2} granted={n1 n2} log=[1@4=v2] commit=0 next=[1 1 1] match=[0 0 0]
n2@4 Follower vote=n3 responded={} granted={} log=[] commit=0 next=[1 1 1] match=[0 0 0]
n3@4 Leader vote=n3 responded={n2 n3} granted={n2 n3} log=[1@4=v2] commit=1 next=[2 1 1] match=[1 0 0]
"
    );
}

#[test]
fn no_run_leads_where_no_step_does() {
    let yardstick = yardstick([2, 1, 2, 1, 1, 1]);
    let initial = yardstick.initial();
    let mut far = State::initial(2);
    far.servers[0].role = Role::Leader;
    let far = yardstick.pack(&far).expect("a state in bounds");
    assert!(yardstick.path(&[initial.clone(), far]).is_none());
    assert!(yardstick.path::<Vec<u8>>(&[]).is_none());
    // A restart changes nothing here, and is a step.
    let stutter = yardstick.path(&[&initial, &initial]).expect("a run");
    assert_eq!(stutter.steps()[0].to_string(), "Restart(n1)");
}

#[test]
fn states_out_of_bounds_are_not_packed() {
    let yardstick = yardstick([2, 1, 2, 1, 1, 1]);
    let packs = |change: &dyn Fn(&mut State)| {
        let mut state = State::initial(2);
        change(&mut state);
        yardstick.pack(&state).is_some()
    };
    assert!(packs(&|state| state.servers[0].term = 2));
    assert!(!packs(&|state| state.servers[0].term = 3));
    assert!(packs(&|state| state.servers[1].next_index[0] = 2));
    assert!(!packs(&|state| state.servers[1].next_index[0] = 3));
    assert!(!packs(&|state| state.servers[1].voted_for = Some(2)));
    assert!(!packs(&|state| state.servers.truncate(1)));
    assert!(!packs(&|state| state.servers[0].match_index.clear()));
}
