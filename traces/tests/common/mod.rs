//! What the tests share: any header, any step, any well-formed run.
#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod validator;

use std::sync::Arc;

use plimsoll_trace::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value};

pub(crate) const NODES: [&str; 3] = ["n1", "n2", "ñ \"3\"\n"];

/// A small well-formed header of nodes n1, n2, n3 as a line of text.
pub(crate) const HEADER: &str = concat!(
    r#"{"plimsoll_trace":1,"emitter":"test 1","nodes":["n1","n2","n3"],"#,
    r#""config":{"voters":["n1","n2","n3"]},"settings":"paper","storage":"sync","#,
    r#""durability":"deferred"}"#,
);

pub(crate) fn number() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0..9u64, 1 => Just(u64::MAX), 1 => any::<u64>()]
}

pub(crate) fn index() -> impl Strategy<Value = Index> {
    number().prop_map(Index)
}

pub(crate) fn term() -> impl Strategy<Value = Term> {
    number().prop_map(Term)
}

pub(crate) fn position() -> impl Strategy<Value = Position> {
    (index(), term()).prop_map(|(index, term)| Position { index, term })
}

pub(crate) fn node() -> impl Strategy<Value = NodeName> {
    proptest::sample::select(&NODES[..]).prop_map(NodeName::from)
}

pub(crate) fn text() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[a-z\"\\\\\u{0}\u{1f}é\u{1F600}]{1,6}").expect("a regex")
}

pub(crate) fn op() -> impl Strategy<Value = OpId> {
    text().prop_map(OpId::from)
}

pub(crate) fn entries() -> impl Strategy<Value = Entries> {
    (0..9u64).prop_flat_map(|after| entries_after(Index(after)))
}

pub(crate) fn entries_after(after: Index) -> impl Strategy<Value = Entries> {
    // Known item by item, or as runs too long to list.
    let room = u64::MAX - after.0;
    let run = (0..4u64, 1..=u64::MAX / 8).prop_map(|(term, count)| Run {
        term: Term(term),
        count,
    });
    let listed = (
        vec((0..4u64, any::<u64>(), 0..3usize, option::of(op())), 0..6),
        any::<[bool; 3]>(),
    );
    prop_oneof![
        vec(run, 0..4).prop_map(move |runs| Entries::of_runs(after, runs).unwrap_or_default()),
        listed.prop_map(move |(items, known)| {
            let kinds = [EntryKind::Noop, EntryKind::Write, EntryKind::Config];
            let take = (room as usize).min(items.len());
            let items = &items[..take];
            let mut entries =
                Entries::of_terms(after, items.iter().map(|i| i.0)).expect("they fit");
            if known[0] {
                entries = entries
                    .with_hashes(items.iter().map(|i| ContentHash(i.1)))
                    .expect("one each");
            }
            if known[1] {
                entries = entries
                    .with_kinds(items.iter().map(|i| kinds[i.2]))
                    .expect("one each");
            }
            if known[2] {
                entries = entries
                    .with_ops(items.iter().map(|i| i.3.clone()))
                    .expect("one each");
            }
            entries
        }),
    ]
    .prop_filter("entries that follow `after`", move |e| {
        e.after_index() == after
    })
}

pub(crate) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((text(), inner), 0..3).prop_map(|f| Value::Object(f.into_iter().collect())),
        ]
    })
}

pub(crate) fn body() -> impl Strategy<Value = Body> {
    let context = || option::of(text().prop_map(SmolStr::from));
    prop_oneof![
        (position(), any::<bool>()).prop_map(|(last, forced)| Body::RequestVote { last, forced }),
        position().prop_map(|last| Body::RequestPreVote { last }),
        any::<bool>().prop_map(|granted| Body::PreVote { granted }),
        Just(Body::TimeoutNow),
        op().prop_map(|op| Body::ReadRequest { op }),
        (op(), index()).prop_map(|(op, index)| Body::ReadIndex { op, index }),
        (position(), config(), option::of(any::<u64>())).prop_map(|(last, config, hash)| {
            let hash = hash.map(ContentHash);
            Body::Snapshot { last, config, hash }
        }),
        any::<bool>().prop_map(|granted| Body::Vote { granted }),
        (index(), term(), index(), context()).prop_flat_map(|(at, term, commit, context)| {
            entries_after(at).prop_map(move |entries| Body::Append {
                prev: Position { index: at, term },
                entries,
                commit,
                context: context.clone(),
            })
        }),
        (any::<bool>(), index(), option::of(position()), context()).prop_map(
            |(reject, index, hint, context)| Body::AppendAck {
                reject,
                index,
                hint,
                context
            }
        ),
        (index(), context()).prop_map(|(commit, context)| Body::Heartbeat { commit, context }),
        context().prop_map(|context| Body::HeartbeatAck { context }),
        (text(), vec((text(), json()), 0..3)).prop_map(|(kind, fields)| Body::Other {
            kind,
            fields: fields.into_iter().collect::<Map<_, _>>(),
        }),
    ]
    .prop_filter("an unknown type", |body| {
        let Body::Other { kind, fields } = body else {
            return true;
        };
        !["vote", "append"].contains(&kind.as_str())
            && !["type", "id", "from", "to", "term"]
                .iter()
                .any(|name| fields.contains_key(*name))
    })
}

pub(crate) fn message() -> impl Strategy<Value = Message> {
    (option::of(text()), node(), node(), term(), body()).prop_map(|(id, from, to, term, body)| {
        Message {
            id: id.map(SmolStr::from),
            from,
            to,
            term,
            body,
        }
    })
}

pub(crate) fn cause() -> impl Strategy<Value = Cause> {
    prop_oneof![
        1 => Just(Cause::Start),
        1 => Just(Cause::Resume),
        1 => Just(Cause::Campaign),
        1 => Just(Cause::Tick),
        1 => Just(Cause::Persisted),
        4 => message().prop_map(Cause::Receive),
        1 => op().prop_map(|op| Cause::Write { op }),
        1 => op().prop_map(|op| Cause::Read { op }),
        1 => index().prop_map(|index| Cause::Apply { index }),
        1 => change().prop_map(Cause::Change),
        1 => node().prop_map(|to| Cause::Transfer { to }),
        1 => index().prop_map(|index| Cause::Compact { index }),
        1 => Just(Cause::CheckQuorum),
        1 => text().prop_map(|what| Cause::Other { what }),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let some = || proptest::sample::subsequence(&NODES[..], 0..=3);
    let all = [
        Transition::Simple,
        Transition::Joint,
        Transition::JointUntilTold,
        Transition::Leave,
    ];
    let named = |list: Vec<&str>| list.into_iter().map(NodeName::from).collect();
    (
        some(),
        some(),
        some(),
        proptest::sample::select(all.to_vec()),
    )
        .prop_map(move |(voters, learners, removed, transition)| Change {
            voters: named(voters),
            learners: named(learners),
            removed: named(removed),
            transition,
        })
}

fn role() -> impl Strategy<Value = Role> {
    proptest::sample::select(
        &[
            Role::Follower,
            Role::PreCandidate,
            Role::Candidate,
            Role::Leader,
            Role::Learner,
        ][..],
    )
}

fn config() -> impl Strategy<Value = Config> {
    let some = || proptest::sample::subsequence(&NODES[..], 0..=3);
    let joint = (option::of(some()), option::of(any::<bool>()));
    (some(), option::of(some()), option::of(some()), joint).prop_map(
        |(voters, outgoing, learners, (next, auto_leave))| {
            let named = |list: Vec<&str>| list.into_iter().map(NodeName::from).collect();
            Config {
                voters: named(voters),
                outgoing: outgoing.map(named),
                learners: learners.map(named),
                learners_next: next.map(named),
                auto_leave,
            }
        },
    )
}

pub(crate) fn state() -> impl Strategy<Value = State> {
    (
        option::of(term()),
        option::of(option::of(node())),
        option::of(role()),
        option::of(option::of(node())),
        option::of(index()),
        option::of(index()),
        option::of(position()),
        option::of(position()),
        (option::of(config()), option::of(option::of(node()))),
    )
        .prop_map(
            |(term, vote, role, leader, commit, applied, last, snapshot, (config, transfer))| {
                State {
                    term,
                    vote,
                    role,
                    leader,
                    commit,
                    applied,
                    last,
                    snapshot,
                    config: config.map(Arc::new),
                    transfer,
                }
            },
        )
}

pub(crate) fn durable() -> impl Strategy<Value = Durable> {
    (
        option::of(term()),
        option::of(option::of(node())),
        option::of(index()),
        option::of(position()),
    )
        .prop_map(|(term, vote, commit, last)| Durable {
            term,
            vote,
            commit,
            last,
        })
}

fn op_at() -> impl Strategy<Value = OpAt> {
    (op(), index()).prop_map(|(op, index)| OpAt { op, index })
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let place = (node(), 1..9u64, 1..9u64, cause(), state(), durable());
    let lists = (
        option::of(entries()),
        option::of(vec(message(), 0..3)),
        option::of(vec(op_at(), 0..3)),
        option::of(vec(op_at(), 0..3)),
    );
    (place, lists).prop_map(
        |((node, inc, seq, cause, state, durable), (append, send, reads, ack))| Step {
            node,
            inc,
            seq,
            cause,
            state: Arc::new(state),
            durable: Arc::new(durable),
            append,
            send,
            reads,
            ack,
        },
    )
}

pub(crate) fn header() -> impl Strategy<Value = Header> {
    let words = (
        proptest::sample::select(&[Storage::Sync, Storage::ParallelAppend, Storage::Async][..]),
        proptest::sample::select(&[Durability::Deferred, Durability::Atomic][..]),
        proptest::sample::select(&[Order::File, Order::Causal][..]),
        vec(
            proptest::sample::select(&[CauseKind::Start, CauseKind::Receive][..]),
            0..3,
        ),
        vec(
            proptest::sample::select(&[Field::Send, Field::Ack, Field::Append][..]),
            0..3,
        ),
    );
    (
        text(),
        option::of(text()),
        config(),
        number(),
        text(),
        words,
    )
        .prop_map(|(emitter, run, config, bootstrap, settings, words)| {
            let mut header = Header::new(emitter, NODES)
                .with_config(config)
                .with_bootstrap(bootstrap)
                .with_settings(settings)
                .with_storage(words.0)
                .with_durability(words.1)
                .with_order(words.2)
                .with_complete(words.3, words.4);
            header.run = run;
            header
        })
}

/// A run in which all is shape and nothing is Raft: steps of any content,
/// numbered and addressed rightly, the nodes in any interleaving.
pub(crate) fn run() -> impl Strategy<Value = (Header, Vec<Step>)> {
    (header(), vec(step(), 0..24)).prop_map(|(header, mut steps)| {
        let mut nodes: Vec<Sequencer> = Vec::new();
        for step in &mut steps {
            let at = nodes.iter().position(|node| *node.node() == step.node);
            let at = at.unwrap_or_else(|| {
                step.cause = Cause::Start;
                nodes.push(Sequencer::new(&step.node));
                nodes.len() - 1
            });
            if let Cause::Receive(message) = &mut step.cause {
                message.to = step.node.clone();
            }
            for message in step.send.iter_mut().flatten() {
                message.from = step.node.clone();
            }
            if step.cause == Cause::Resume {
                step.cause = Cause::Tick;
            }
            let numbered = nodes[at].step(step.cause.clone());
            (step.inc, step.seq) = (numbered.inc, numbered.seq);
        }
        (header, steps)
    })
}

/// The text of a run, as the writer writes it.
pub(crate) fn written(header: &Header, steps: &[Step]) -> Vec<u8> {
    let mut writer = TraceWriter::new(Vec::new(), header).expect("a right header");
    for step in steps {
        writer.write(step).expect("a well-formed step");
    }
    writer.finish().expect("a vector takes all")
}

/// Reads bytes as a file named `t.ndjson`.
pub(crate) fn read(bytes: impl Into<Vec<u8>>) -> Result<(Header, Vec<Step>), TraceError> {
    let reader = TraceReader::new("t.ndjson", std::io::Cursor::new(bytes.into()))?;
    let header = reader.header().clone();
    let steps: Result<Vec<_>, _> = reader.map(|next| next.map(|(_, step)| step)).collect();
    Ok((header, steps?))
}
