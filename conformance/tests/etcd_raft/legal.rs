//! Legal runs that look wrong: recorded from the library with answers that come
//! late, nodes that are removed while they wait for themselves, snapshots that
//! are lost, crashes in the middle of a first write. Each was once called a
//! divergence. Split by node they conform too, and so they do when followed.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use plimsoll::adapters::etcd_raft::Given;
use plimsoll::replay::Options;
use plimsoll::replay::live::{self, Watch};
use plimsoll::verdict::Verdict;
use plimsoll_model::settings::Storage;
use plimsoll_trace::Lines;
use serde_json::Value;

use crate::split::write_split;
use crate::{found_given, verdict_given};

/// What must be said of how a trace was recorded.
#[derive(Clone, Copy, Debug)]
enum Said {
    Nothing,
    /// Storage is asynchronous, which so short a trace does not show.
    Async,
    /// A switch is on.
    On(&'static str),
}

impl Said {
    fn given(self) -> Given {
        match self {
            Said::Nothing => Given::default(),
            Said::Async => Given {
                storage: Some(Storage::Async),
                ..Given::default()
            },
            Said::On(switch) => Given {
                switches: vec![(switch.to_owned(), true)],
                ..Given::default()
            },
        }
    }
}

/// A trace, what must be said of it, and what is special about it.
const LEGAL: [(&str, Said, &str); 45] = [
    (
        "stale-prevote-grant-2",
        Said::Nothing,
        "a pre-vote granted for the attempt before counts",
    ),
    (
        "stale-prevote-rejection",
        Said::Nothing,
        "so does one refused, for any attempt before, in the asker's term",
    ),
    (
        "prevote-granted-after-restart",
        Said::Nothing,
        "who grants has restarted since it was asked",
    ),
    (
        "prevote-granted-by-pre-candidate",
        Said::Nothing,
        "who grants asks too, and stands before its answer arrives",
    ),
    (
        "prevote-reject-after-crash",
        Said::Nothing,
        "who refuses has restarted since it was asked",
    ),
    (
        "voteresp-ignored-by-pre-candidate",
        Said::Nothing,
        "who asks again does not count its own vote of before",
    ),
    (
        "async-self-ack-dropped",
        Said::Nothing,
        "a removed node drops what it has acknowledged to itself",
    ),
    (
        "partial-keeps-old-entry",
        Said::Nothing,
        "a crash keeps entries that were to be replaced, under a log of the same length",
    ),
    (
        "partial-keeps-old-entry-2",
        Said::Nothing,
        "the same, seen only when the node asks for votes",
    ),
    (
        "async-keeps-old-entry",
        Said::Async,
        "the same of one of several writes that were queued",
    ),
    (
        "async-keeps-old-entry-2",
        Said::Async,
        "the same, seen only when the node refuses an append",
    ),
    (
        "lost-snapshot-joiner",
        Said::Nothing,
        "who joined loses its only snapshot, and comes back with nothing",
    ),
    (
        "pre-candidate-alone-hears-leader",
        Said::Nothing,
        "the only voter asks itself, and hears the leader that it follows before it answers",
    ),
    (
        "question-leaves-with-follower",
        Said::Nothing,
        "a question leaves when who asked is no pre-candidate any more, and is answered late",
    ),
    (
        "asks-again",
        Said::Async,
        "a candidate asks again, and late answers let it stand before a line shows that",
    ),
    (
        "asks-again-alone",
        Said::Async,
        "the same of the only voter, whose own answer is late",
    ),
    (
        "refused-again-late",
        Said::Async,
        "a follower asks again, and late refusals end that before a line shows it",
    ),
    (
        "refusal-of-a-term-that-has-passed",
        Said::Async,
        "a refusal leaves when its sender has gone on to the next term",
    ),
    (
        "yes-to-before-the-crash",
        Said::Async,
        "a crash takes who asked back some terms, and the answers still come",
    ),
    (
        "applied-late-and-overtaken",
        Said::Nothing,
        "an acknowledgement is overtaken behind a configuration that comes late",
    ),
    (
        "bootstrap-applied-in-part",
        Said::Nothing,
        "a restart has applied a part of the bootstrap, whose configuration is whole",
    ),
    (
        "bootstrap-written-in-part",
        Said::Nothing,
        "a crash keeps a part of the first write, with the bootstrap in it",
    ),
    (
        "bootstrap-written-in-part-async",
        Said::Async,
        "the same where writes are queued",
    ),
    (
        "applied-behind-a-snapshot",
        Said::Async,
        "a change that was handed out is applied when a snapshot has come before it",
    ),
    (
        "lost-and-sent-again",
        Said::Async,
        "a crash loses an answer, and one that reads so is sent after it",
    ),
    (
        "applied-late",
        Said::Nothing,
        "configurations are applied when the node has done something else",
    ),
    (
        "applied-late-campaign",
        Said::Nothing,
        "a node stands before it applies what was handed out",
    ),
    (
        "applied-late-change",
        Said::Nothing,
        "a leader takes a change before it applies the one that was handed out",
    ),
    (
        "forgets-its-leader",
        Said::On("forget-leader"),
        "who follows a leader was made to forget it, and votes for another",
    ),
    (
        "came-back-among-equals",
        Said::Nothing,
        "a restart comes back behind its snapshot, and later configurations have the same voters",
    ),
    (
        "came-back-among-equals-async",
        Said::Nothing,
        "the same where writes are queued",
    ),
    (
        "came-back-behind",
        Said::Nothing,
        "a restart comes back with less than it had applied, and applies that again",
    ),
    (
        "came-back-twice",
        Said::Nothing,
        "the same, where voters come and go and come again",
    ),
    (
        "came-back-joint",
        Said::Nothing,
        "only a restart shows that a change went through a joint configuration",
    ),
    (
        "came-back-late",
        Said::On("apply-late"),
        "a leader applies late, behind a restart, what may be of the bootstrap or a learner",
    ),
    (
        "stands-behind-what-it-had",
        Said::On("apply-late"),
        "who came back with all that it had applied stands at once",
    ),
    (
        "bootstrap-again-while-queued",
        Said::Nothing,
        "entries of the bootstrap are applied again while later writes are queued",
    ),
    (
        "asks-again-as-follower",
        Said::Nothing,
        "a follower asks again, and late answers let it stand before a line shows that",
    ),
    (
        "asks-again-after-crash",
        Said::Nothing,
        "the same of what it asked before a crash",
    ),
    (
        "asks-again-alone-2",
        Said::Nothing,
        "the only voter asks itself time and again between two Readys",
    ),
    (
        "yes-to-a-term-that-was-lost",
        Said::Nothing,
        "a crash takes who asked back, and the answers name a later term",
    ),
    (
        "asked-again-not-told",
        Said::Nothing,
        "who asked again could have been told to stand, and is refused as it was not",
    ),
    (
        "transfer-handed-on",
        Said::Nothing,
        "a leader that a crash takes back hears of its term from who hands a transfer on to it",
    ),
    (
        "another-reading-goes-on",
        Said::Nothing,
        "what a crash kept decides whether a message that arrives was written",
    ),
    (
        "another-reading-goes-on-2",
        Said::Nothing,
        "the same at the end of the run",
    ),
];

fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/etcd_raft/legal");
    folder.join(format!("{name}.ndjson.gz"))
}

fn lines(name: &str) -> Vec<Value> {
    let mut lines = Lines::open(path(name)).expect("the trace");
    let mut all = Vec::new();
    while let Some(line) = lines.next_line().expect("a line") {
        all.push(serde_json::from_slice(line.bytes).expect("JSON"));
    }
    all
}

fn split(name: &str, prefix: impl Fn(usize) -> usize) -> Vec<PathBuf> {
    let all = lines(name).into_iter();
    let all = all.map(|line| (line["event"]["nid"].clone(), line.to_string()));
    write_split(&format!("legal-{name}-{}", prefix(0)), all, prefix)
}

fn conforms(what: &str, verdict: Verdict) {
    match verdict {
        Verdict::Conforms(certificate) => assert_eq!(certificate.consumed, certificate.events),
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn legal_runs_that_look_wrong_conform() {
    for (name, said, what) in LEGAL {
        let given = said.given();
        let what = format!("{name}: {what}");
        conforms(&what, verdict_given(&[path(name)], &given));
        let up = split(name, |place| 10 + place);
        conforms(&what, verdict_given(&up, &given));
        let down = split(name, |place| 90 - place);
        conforms(&what, verdict_given(&down, &given));
    }
}

#[test]
fn legal_runs_that_look_wrong_conform_when_followed() {
    for (name, said, what) in LEGAL {
        let whole = lines(name).into_iter();
        let whole = whole.map(|line| ("all".into(), line.to_string()));
        let whole = write_split(&format!("legal-{name}-whole"), whole, |_| 10);
        for paths in [whole, split(name, |place| 50 + place)] {
            let options = Options {
                together: paths.len() > 1,
                given: said.given(),
                ..Options::default()
            };
            let enough = AtomicBool::new(true);
            let mut watch = Watch {
                enough: &enough,
                complete: true,
                notice: &mut |_| {},
            };
            let (judged, _) = live::follow(&paths, &options, &mut watch);
            conforms(
                &format!("{name}, followed: {what}"),
                judged.result.expect("readable"),
            );
        }
    }
}

#[test]
fn that_a_leader_is_forgotten_must_be_said() {
    let name = "forgets-its-leader";
    let lines = lines(name);
    let off = Given {
        switches: vec![("forget-leader".to_owned(), false)],
        ..Given::default()
    };
    let without = found_given(&lines, &Given::default());
    let crate::Found::Diverges(at, rule) = &without else {
        panic!("{without:?}");
    };
    assert_eq!(
        (lines[*at]["event"]["name"].as_str(), rule.as_str()),
        (
            Some("SendRequestVoteResponse"),
            "no vote once a leader is known"
        )
    );
    assert_eq!(found_given(&lines, &off), without);
}

#[test]
fn that_configurations_are_applied_late_must_be_seen() {
    // Up to where one comes late nothing tells that one was not left out.
    let lines = lines("applied-late");
    let Verdict::Conforms(certificate) = verdict_given(&[path("applied-late")], &Given::default())
    else {
        panic!("it conforms");
    };
    let seen = certificate.switches.iter();
    let seen = seen.clone().find(|(name, _)| name == "apply-late");
    let (_, seen) = seen.expect("it is told");
    let at: usize = lines.len();
    let at = (1..=at).find(|line| seen.ends_with(&format!("(line {line})")));
    let at = at.expect("a line");
    assert_eq!(lines[at - 1]["event"]["name"], "ApplyConfChange");
    let early = write_split(
        "legal-applied-late-cut",
        lines[..at - 1]
            .iter()
            .map(|line| ("all".into(), line.to_string())),
        |_| 10,
    );
    let given = |on| Given {
        switches: vec![("apply-late".to_owned(), on)],
        ..Given::default()
    };
    let rule = |verdict| match verdict {
        Verdict::Diverges(found, _) => found.rule.name,
        other => panic!("{other:?}"),
    };
    let broken = "what is committed is applied";
    assert_eq!(rule(verdict_given(&early, &Given::default())), broken);
    conforms("said", verdict_given(&early, &given(true)));
    let whole = [path("applied-late")];
    assert_eq!(rule(verdict_given(&whole, &given(false))), broken);
}
