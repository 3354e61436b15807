//! What a node says that has nothing to write waits for nothing: it leaves
//! without a `persisted` line. What it says with something to write waits.

use std::path::PathBuf;

use plimsoll::replay::{self, Options};
use plimsoll::verdict::Verdict;

const HEADER: &str = r#"{"plimsoll_trace":2,"emitter":"by hand","nodes":["n1","n2","n3"],"config":{"voters":["n1","n2","n3"]},"settings":"etcd-stored","storage":"sync","durability":"deferred","order":"file","complete":{"causes":["start","campaign","tick","receive","write","persisted","apply","change","transfer","compact","check-quorum"],"fields":["state.term","state.vote","state.role","state.commit","state.last","append","send"]}}"#;

fn start(node: &str) -> String {
    format!(
        r#"{{"node":"{node}","inc":1,"seq":1,"cause":{{"start":{{}}}},"state":{{"term":0,"vote":null,"role":"follower","commit":0,"last":{{"index":0,"term":0}}}}}}"#
    )
}

fn campaign(node: &str, to: &str) -> String {
    let send = |to: &str| {
        format!(
            r#"{{"type":"request-vote","id":"{node}{to}","from":"{node}","to":"{to}","term":1,"last":{{"index":0,"term":0}}}}"#
        )
    };
    format!(
        r#"{{"node":"{node}","inc":1,"seq":2,"cause":{{"campaign":{{}}}},"state":{{"term":1,"vote":"{node}","role":"candidate"}},"send":[{},{}]}}"#,
        send(to),
        send("n3")
    )
}

fn persisted(node: &str, seq: u64) -> String {
    format!(r#"{{"node":"{node}","inc":1,"seq":{seq},"cause":{{"persisted":{{}}}}}}"#)
}

/// `node` is asked for its vote by n1, and answers.
fn asked(node: &str, seq: u64, state: &str, granted: bool) -> String {
    format!(
        r#"{{"node":"{node}","inc":1,"seq":{seq},"cause":{{"receive":{{"type":"request-vote","id":"n1{node}","from":"n1","to":"{node}","term":1,"last":{{"index":0,"term":0}}}}}},{state}"send":[{{"type":"vote","id":"v{node}n1","from":"{node}","to":"n1","term":1,"granted":{granted}}}]}}"#
    )
}

fn answered(from: &str, granted: bool) -> String {
    format!(
        r#"{{"node":"n1","inc":1,"seq":4,"cause":{{"receive":{{"type":"vote","id":"v{from}n1","from":"{from}","to":"n1","term":1,"granted":{granted}}}}}}}"#
    )
}

/// n2 is asked again, by n3's request of the next term: it has something to write.
fn next_term() -> [String; 2] {
    let request = r#"{"type":"request-vote","id":"again","from":"n3","to":"n2","term":1,"last":{"index":0,"term":0}}"#;
    let stands = format!(
        r#"{{"node":"n3","inc":1,"seq":2,"cause":{{"campaign":{{}}}},"state":{{"term":1,"vote":"n3","role":"candidate"}},"send":[{},{request}]}}"#,
        request
            .replace("again", "other")
            .replace(r#""to":"n2""#, r#""to":"n1""#)
    );
    let again = r#"{"node":"n2","inc":1,"seq":5,"cause":{"campaign":{}},"state":{"term":2,"vote":"n2","role":"candidate"},"send":[{"type":"request-vote","id":"n2n1-2","from":"n2","to":"n1","term":2,"last":{"index":0,"term":0}},{"type":"request-vote","id":"n2n3-2","from":"n2","to":"n3","term":2,"last":{"index":0,"term":0}}]}"#;
    [stands, again.to_owned()]
}

fn judge(name: &str, lines: &[String]) -> Verdict {
    let name = format!("plimsoll-nothing-to-write-{name}-{}", std::process::id());
    let file: PathBuf = std::env::temp_dir().join(name);
    let text = format!("{HEADER}\n{}\n", lines.join("\n"));
    std::fs::write(&file, text).expect("a file");
    let mut judged = replay::judge(std::slice::from_ref(&file), &Options::default());
    std::fs::remove_file(&file).expect("a file");
    judged.remove(0).result.expect("a trace")
}

fn both_stand() -> Vec<String> {
    vec![
        start("n1"),
        start("n2"),
        start("n3"),
        campaign("n1", "n2"),
        persisted("n1", 3),
        campaign("n2", "n1"),
        persisted("n2", 3),
    ]
}

#[test]
fn a_refusal_of_who_has_nothing_to_write_leaves_at_once() {
    let mut lines = both_stand();
    lines.push(asked("n2", 4, "", false));
    lines.push(answered("n2", false));
    let verdict = judge("refused", &lines);
    assert!(matches!(verdict, Verdict::Conforms(_)), "{verdict:#?}");
}

#[test]
fn it_has_left_before_a_later_step_writes() {
    let mut lines = both_stand();
    lines.push(asked("n2", 4, "", false));
    lines.extend(next_term());
    lines.push(answered("n2", false));
    let verdict = judge("later", &lines);
    assert!(matches!(verdict, Verdict::Conforms(_)), "{verdict:#?}");
}

#[test]
fn a_vote_waits_for_its_write() {
    let mut lines = both_stand();
    let votes = r#""state":{"term":1,"vote":"n1"},"#;
    lines.push(asked("n3", 2, votes, true));
    lines.push(answered("n3", true).replace(
        r#","seq":4,"#,
        r#","seq":4,"state":{"role":"leader","last":{"index":1,"term":1}},"append":{"after":0,"runs":[[1,1]]},"#,
    ));
    let verdict = judge("granted", &lines);
    let Verdict::Diverges(divergence, _) = &verdict else {
        panic!("{verdict:#?}");
    };
    assert_eq!(divergence.rule.name, "what is said must be durable first");
    assert_eq!(divergence.place.line, 10);
}
