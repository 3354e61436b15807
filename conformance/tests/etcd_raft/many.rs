//! Runs with more nodes than the model tells apart: they come and go.

use plimsoll::verdict::Ground;
use serde_json::{Value, json};

use crate::{Found, entry, found, lines};

/// A leader alone, that takes learners in and puts them out.
struct Run {
    lines: Vec<Value>,
    log: u64,
}

impl Run {
    /// The beginning of a recorded run: node 1 leads, and has committed all.
    fn new() -> Self {
        let mut lines = lines(entry("g01"));
        let commits = |line: &Value| {
            let event = &line["event"];
            event["name"] == "Commit" && event["state"]["commit"] == event["log"]
        };
        let last = lines.iter().position(commits).expect("all is committed");
        let log = lines[last]["event"]["log"].as_u64().expect("a log");
        lines.truncate(last + 1);
        let mut run = Run { lines, log };
        run.event("Ready", log, log, json!({}));
        run
    }

    fn event(&mut self, name: &str, log: u64, commit: u64, more: Value) {
        let mut event = json!({
            "name": name, "nid": "1", "role": "StateLeader", "log": log,
            "state": { "term": 2, "vote": "1", "commit": commit },
            "conf": [["1"], []],
        });
        for (key, value) in more.as_object().expect("fields") {
            event[key] = value.clone();
        }
        self.lines.push(json!({ "tag": "trace", "event": event }));
    }

    /// Learner `name` comes, or goes.
    fn change(&mut self, name: u64, action: &str) {
        let (old, new) = (self.log, self.log + 1);
        let own = json!({ "msg": {
            "type": "MsgAppResp", "term": 2, "from": "1", "to": "1", "entries": 0, "logTerm": 0,
            "index": new, "commit": 0, "vote": "0", "reject": false, "rejectHint": 0,
        }});
        let changes = json!([{ "nid": name.to_string(), "action": action }]);
        let proposed = json!({ "prop": { "cc": { "changes": changes } } });
        let applied = json!({ "prop": { "cc": { "newconf": ["1"] } } });
        self.event("ChangeConf", old, old, proposed);
        self.event("SendAppendEntriesResponse", new, old, own.clone());
        self.event("Ready", new, old, json!({}));
        self.event("ReceiveAppendEntriesResponse", new, old, own);
        self.event("Commit", new, new, json!({}));
        self.event("Ready", new, new, json!({}));
        self.event("ApplyConfChange", new, new, applied);
        // It looks whether the new configuration commits more.
        self.event("Commit", new, new, json!({}));
        self.log = new;
    }
}

#[test]
fn a_hundred_nodes_that_come_and_go_are_followed() {
    let mut run = Run::new();
    assert_eq!(found(&run.lines), Found::Conforms);
    for name in 2..=100 {
        run.change(name, "AddLearner");
        run.change(name, "RemoveServer");
    }
    assert_eq!(found(&run.lines), Found::Conforms);
    // The first has lost its id to a later one: what it was is not known.
    let at = run.lines.len();
    let mut back = run.lines[0].clone();
    back["event"]["nid"] = json!("2");
    run.lines.push(back);
    assert_eq!(
        found(&run.lines),
        Found::Inconclusive(at, Ground::Unsupported)
    );
    // A late one is known still.
    run.lines[at]["event"]["nid"] = json!("100");
    assert_eq!(found(&run.lines), Found::Conforms);
}

#[test]
fn a_bug_is_seen_behind_the_sixty_fourth_node_too() {
    let mut run = Run::new();
    for name in 2..=80 {
        run.change(name, "AddLearner");
        run.change(name, "RemoveServer");
    }
    let at = run.lines.len() - 2;
    run.lines[at]["event"]["prop"]["cc"]["newconf"] = json!(["1", "80"]);
    assert!(
        matches!(found(&run.lines), Found::Diverges(event, _) if event == at),
        "{:?}",
        found(&run.lines)
    );
}

#[test]
fn sixty_five_members_at_once_are_too_many() {
    let mut run = Run::new();
    for name in 2..=64 {
        run.change(name, "AddLearner");
    }
    assert_eq!(found(&run.lines), Found::Conforms);
    let at = run.lines.len();
    run.change(65, "AddLearner");
    assert_eq!(
        found(&run.lines),
        Found::Inconclusive(at, Ground::Unsupported)
    );
}
