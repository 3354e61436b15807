//! No input makes a core panic, however wrong: it is refused or taken, and the
//! invariants hold after it (they are assertions).

mod common;

use common::*;
use plimsoll_raft::core::{
    AppendAck, Body, Change, Configuration, Durable, Entry, HardState, Index, Input, Message,
    NodeId, OpId, Options, Payload, Position, ReadContext, ReadState, Snapshot, Term, Transition,
};
use proptest::prelude::*;

/// Numbers near those that occur, and a few at the far end.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0..8_u64, 1 => Just(u64::MAX), 1 => (u64::MAX / 2 - 2)..(u64::MAX / 2 + 2)]
}

fn index() -> impl Strategy<Value = Index> {
    number().prop_map(Index::new)
}

fn term() -> impl Strategy<Value = Term> {
    number().prop_map(Term::new)
}

fn position() -> impl Strategy<Value = Position> {
    (number(), number()).prop_map(|(index, term)| at(index, term))
}

fn node() -> impl Strategy<Value = NodeId> {
    prop_oneof![6 => 1..4_u32, 1 => Just(9_u32)].prop_map(NodeId::new)
}

fn entry() -> impl Strategy<Value = Entry> {
    let payload = prop_oneof![
        4 => Just(Payload::Noop),
        2 => change().prop_map(Payload::Change),
    ];
    (0..6_u64, payload).prop_map(|(term, payload)| Entry {
        term: Term::new(term),
        payload,
    })
}

fn change() -> impl Strategy<Value = Change> {
    let some = || proptest::sample::subsequence(vec![n(1), n(2), n(3), n(4)], 0..3);
    let transitions = vec![
        Transition::Simple,
        Transition::Joint { auto_leave: true },
        Transition::Joint { auto_leave: false },
    ];
    (
        some(),
        some(),
        some(),
        proptest::sample::select(transitions),
    )
        .prop_map(|(voters, learners, removed, transition)| {
            let change = Change::new(voters, learners, removed, transition);
            change.unwrap_or_else(Change::leave)
        })
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    (position(), 0..5_u32).prop_map(|(last, voters)| Snapshot {
        last,
        configuration: Configuration::new((1..=voters).map(n)),
        data: [].into(),
    })
}

fn context() -> impl Strategy<Value = Option<ReadContext>> {
    proptest::option::of(number().prop_map(ReadContext::new))
}

fn body() -> impl Strategy<Value = Body> {
    let entries = proptest::collection::vec(entry(), 0..4);
    prop_oneof![
        (position(), any::<bool>()).prop_map(|(last, forced)| Body::RequestVote { last, forced }),
        position().prop_map(|last| Body::RequestPreVote { last }),
        any::<bool>().prop_map(|granted| Body::PreVote { granted }),
        snapshot().prop_map(Body::Snapshot),
        Just(Body::TimeoutNow),
        (1..3_u64).prop_map(|sequence| Body::ReadRequest {
            op: OpId::new(1, sequence)
        }),
        index().prop_map(|index| Body::ReadIndex(ReadState {
            op: OpId::new(1, 1),
            index
        })),
        any::<bool>().prop_map(vote),
        (position(), entries, index()).prop_map(|(prev, entries, commit)| Body::Append {
            prev,
            entries,
            commit
        }),
        index().prop_map(|index| Body::AppendAck(AppendAck::Accepted { index })),
        (index(), position())
            .prop_map(|(index, hint)| Body::AppendAck(AppendAck::Rejected { index, hint })),
        (index(), context()).prop_map(|(commit, context)| Body::Heartbeat { commit, context }),
        context().prop_map(|context| Body::HeartbeatAck { context }),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let to = prop_oneof![9 => Just(NodeId::new(1)), 1 => node()];
    (node(), to, term(), body()).prop_map(|(from, to, term, body)| Message {
        from,
        to,
        term,
        body,
    })
}

/// An input; `None` stands for a true report of all that was written.
fn input() -> impl Strategy<Value = Option<Input>> {
    let durable = (term(), proptest::option::of(node()), index(), position());
    let durable = durable.prop_map(|(term, vote, commit, last)| Durable {
        hard_state: HardState { term, vote, commit },
        last,
    });
    prop_oneof![
        2 => Just(Some(Input::Tick)),
        2 => Just(Some(Input::Campaign)),
        12 => message().prop_map(|message| Some(Input::Receive(message))),
        1 => Just(Some(Input::Write { op: OpId::new(1, 1), command: [].into() })),
        1 => Just(Some(Input::Read { op: OpId::new(1, 1) })),
        1 => durable.prop_map(|durable| Some(Input::Persisted(durable))),
        4 => Just(None),
        2 => index().prop_map(|index| Some(Input::Applied(index))),
        1 => change().prop_map(|change| Some(Input::Change(change))),
        1 => node().prop_map(|to| Some(Input::Transfer { to })),
        1 => index().prop_map(|index| Some(Input::Compact { index, data: [].into() })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_input_makes_a_core_panic(
        inputs in proptest::collection::vec(input(), 0..60),
        voters in 1..4_u32,
        on in any::<[bool; 3]>(),
    ) {
        let [pre_vote, check_quorum, follower_reads] = on;
        let options = Options { pre_vote, check_quorum, follower_reads, ..Options::default() };
        let server = Server { voters, log: &[1, 1], commit: 1, options, ..Server::default() };
        let mut raft = server.follower();
        for input in inputs {
            let Some(input) = input else {
                persist(&mut raft);
                continue;
            };
            let before = format!("{raft:?}");
            let shown = input.to_string();
            match raft.step(input) {
                Ok(output) => drop(output.to_string()),
                Err(_) => prop_assert_eq!(format!("{raft:?}"), before, "{}", shown),
            }
        }
    }
}
