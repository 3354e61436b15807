//! Absent, null and empty are three things; and what else a line says by its
//! form.

mod common;

use plimsoll_trace::*;

fn step(more: &str) -> Step {
    let text = format!(r#"{{"node":"n1","inc":1,"seq":1,"cause":{{"tick":{{}}}}{more}}}"#);
    let step: Step = serde_json::from_str(&text).expect("a step");
    // Whatever is distinguished is written again as it was.
    assert_eq!(serde_json::to_string(&step).expect("a step"), text);
    step
}

#[test]
fn a_vote_is_unknown_or_nobodys_or_somebodys() {
    let vote = |more| step(more).state.vote.clone();
    assert_eq!(vote(""), None);
    assert_eq!(vote(r#","state":{"vote":null}"#), Some(None));
    assert_eq!(vote(r#","state":{"vote":"n2"}"#), Some(Some("n2".into())));
    let leader = |more| step(more).state.leader.clone();
    assert_eq!(leader(""), None);
    assert_eq!(leader(r#","state":{"leader":null}"#), Some(None));
    assert_eq!(
        leader(r#","state":{"leader":"n2"}"#),
        Some(Some("n2".into()))
    );
    let durable = |more| step(more).durable.vote.clone();
    assert_eq!(durable(""), None);
    assert_eq!(durable(r#","durable":{"vote":null}"#), Some(None));
    assert_eq!(
        durable(r#","durable":{"vote":"n2"}"#),
        Some(Some("n2".into()))
    );
}

#[test]
fn a_list_is_unknown_or_empty_or_not() {
    assert_eq!(step("").send, None);
    assert_eq!(step(r#","send":[]"#).send, Some(vec![]));
    assert_eq!(step("").reads, None);
    assert_eq!(step(r#","reads":[]"#).reads, Some(vec![]));
    assert_eq!(step("").ack, None);
    assert_eq!(step(r#","ack":[]"#).ack, Some(vec![]));
    let config = |more| step(more).state.config.clone().expect("a configuration");
    let known = config(r#","state":{"config":{"voters":["n1"],"outgoing":[],"learners":["n2"]}}"#);
    assert_eq!(
        *known,
        Config::of_voters(["n1"])
            .with_outgoing([] as [&str; 0])
            .with_learners(["n2"])
    );
    let unknown = config(r#","state":{"config":{"voters":[]}}"#);
    assert_eq!((&unknown.outgoing, &unknown.learners), (&None, &None));
}

#[test]
fn entries_are_unknown_or_none_or_some() {
    assert_eq!(step("").append, None);
    let none = step(r#","append":{"after":5,"runs":[]}"#)
        .append
        .expect("entries");
    assert!(none.is_empty());
    assert_eq!(none, Entries::after(5));
    assert_eq!((none.first_index(), none.last()), (None, None));
    let some = step(r#","append":{"after":5,"runs":[[2,3],[4,1]],"ops":[null,"5.1",null,null]}"#);
    let some = some.append.expect("entries");
    assert_eq!(some.to_string(), "[6@2..8@2 9@4]");
    assert_eq!(some.hashes(), None);
    assert_eq!(
        some.ops(),
        Some(&[None, Some("5.1".into()), None, None][..])
    );
}

#[test]
fn an_empty_state_is_an_absent_one() {
    let text = r#"{"node":"n1","inc":1,"seq":1,"cause":{"tick":{}},"state":{},"durable":{}}"#;
    assert_eq!(
        serde_json::from_str::<Step>(text).expect("a step"),
        step("")
    );
}

#[test]
fn what_a_header_leaves_out() {
    let header: Header = serde_json::from_str(common::HEADER).expect("a header");
    assert_eq!(header.run, None);
    assert_eq!(header.bootstrap, 0);
    assert_eq!(header.order, Order::Causal);
    assert!(header.complete.is_empty());
    assert!(header.features.is_empty());
    let same = Header {
        version: 1,
        ..Header::new("test 1", ["n1", "n2", "n3"])
    };
    assert_eq!(header, same);
    let declared = header.with_complete([CauseKind::Start], [Field::Send]);
    assert!(declared.complete.cause(CauseKind::Start) && declared.complete.field(Field::Send));
    assert!(!declared.complete.cause(CauseKind::Tick) && !declared.complete.field(Field::Ack));
}

#[test]
fn an_unknown_message_type_is_kept_whole() {
    let message = concat!(
        r#"{"type":"install-snapshot","from":"n2","to":"n1","term":3,"#,
        r#""last":"not a position here","offset":7,"parts":[1,{"done":null}]}"#,
    );
    let receive = format!(r#"{{"receive":{message}}}"#);
    let cause: Cause = serde_json::from_str(&receive).expect("a cause");
    let Cause::Receive(read) = &cause else {
        panic!("{cause:?}")
    };
    assert_eq!(
        (&read.from, read.term, read.body.kind()),
        (&"n2".into(), Term(3), "install-snapshot")
    );
    assert_eq!(serde_json::to_string(&cause).expect("a cause"), receive);
    // The same with the type last.
    let last = message.replacen(r#""type":"install-snapshot","#, "", 1);
    let last = last.replace("]}", r#"],"type":"install-snapshot"}"#);
    assert_eq!(
        &serde_json::from_str::<Message>(&last).expect("a message"),
        read
    );
}

/// A known type cannot be written as an unknown one, nor its envelope twice.
#[test]
fn what_no_message_can_be() {
    let other = |kind: &str, field: &str| {
        let fields = [(field.to_owned(), serde_json::Value::Null)]
            .into_iter()
            .collect();
        let body = Body::Other {
            kind: kind.to_owned(),
            fields,
        };
        serde_json::to_string(&Message::new("n1", "n2", 1, body)).map_err(|e| e.to_string())
    };
    assert!(other("odd", "x").is_ok());
    assert_eq!(
        other("vote", "x"),
        Err("message type \"vote\" is known, and so cannot be another one".to_owned())
    );
    assert_eq!(
        other("odd", "term"),
        Err("message field \"term\" belongs to the envelope".to_owned())
    );
}

#[test]
fn a_content_hash_is_sixteen_digits() {
    let hash = |text: &str| serde_json::from_str::<ContentHash>(&format!("\"{text}\""));
    assert_eq!(hash("00000000000000Ff").expect("a hash"), ContentHash(255));
    assert_eq!(ContentHash(255).to_string(), "00000000000000ff");
    for wrong in [
        "ff",
        "00000000000000fg",
        "-0000000000000ff",
        "0x000000000000ff",
        "",
    ] {
        assert!(hash(wrong).is_err(), "{wrong}");
    }
}
