//! Every trace of the corpus has the verdict that stands beside it.

use std::collections::BTreeSet;
use std::path::Path;

use plimsoll::adapters::etcd_raft::GROUNDS;
use plimsoll::corpus::ENTRIES;
use plimsoll::verdict::Verdict;

use crate::{folder, verdict};

#[test]
fn every_trace_of_the_corpus_has_its_verdict() {
    let folder = folder("expected");
    for entry in ENTRIES {
        let path = entry.write_into(&folder).expect("a file");
        let verdict = verdict(&[path]);
        let expected = entry.expectation().expect("an expectation");
        assert_eq!(expected.difference(&verdict), None, "{}", entry.name);
        let certificate = verdict.certificate();
        assert!(certificate.events > 0, "{}", entry.name);
        match &verdict {
            Verdict::Conforms(_) => assert_eq!(certificate.consumed, certificate.events),
            Verdict::Diverges(found, _) => assert_eq!(certificate.consumed, found.place.event),
            Verdict::Inconclusive(found, _) if entry.name.starts_with("etcd-raft/") => {
                assert!(GROUNDS.contains(&found.ground), "{:?}", found.ground);
            }
            Verdict::Inconclusive(..) => {}
        }
    }
}

#[test]
fn an_expectation_that_is_not_met_is_told_apart() {
    let folder = folder("told-apart");
    let entry = crate::entry("m15");
    let verdict = verdict(&[entry.write_into(&folder).expect("a file")]);
    let right = entry.expectation().expect("an expectation");
    assert!(right.rule.is_some() && right.event == Some(63) && right.line == Some(64));
    let wrong = |change: fn(&mut plimsoll::corpus::Expectation)| {
        let mut wrong = right.clone();
        change(&mut wrong);
        wrong.difference(&verdict).expect("a difference")
    };
    assert_eq!(
        wrong(|e| e.verdict = "conforms".into()),
        "expected conforms, found diverges at line 64"
    );
    assert_eq!(wrong(|e| e.event = Some(62)), "expected event 62, found 63");
    assert_eq!(wrong(|e| e.line = Some(63)), "expected line 63, found 64");
    assert!(wrong(|e| e.rule = Some("another".into())).starts_with("expected rule another"));
    assert_eq!(
        wrong(|e| e.ground = Some("snapshot".into())),
        "expected ground snapshot, found none"
    );
}

#[test]
fn no_file_of_the_corpus_is_forgotten() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../traces/corpus");
    let mut traces = BTreeSet::new();
    let mut expectations = BTreeSet::new();
    for story in std::fs::read_dir(&corpus).expect("the corpus") {
        let story = story.expect("a story").path();
        if !story.is_dir() {
            continue;
        }
        let name = |path: &Path| {
            path.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        for file in std::fs::read_dir(&story).expect("a story") {
            let file = name(&file.expect("a file").path());
            let in_story = |file: &str| format!("{}/{file}", name(&story));
            if let Some(trace) = file.strip_suffix(".expect.json") {
                expectations.insert(in_story(trace));
            } else if file.contains(".ndjson") {
                traces.insert(in_story(&file));
            }
        }
    }
    let embedded: BTreeSet<String> = ENTRIES
        .iter()
        .map(|entry| format!("{}.{}", entry.name, entry.ending))
        .collect();
    assert_eq!(
        traces, embedded,
        "conformance/src/corpus.rs lists what lies in traces/corpus"
    );
    assert_eq!(embedded.len(), ENTRIES.len(), "each once");
    let names: BTreeSet<String> = ENTRIES.iter().map(|entry| entry.name.to_owned()).collect();
    assert_eq!(expectations, names, "each trace has one expectation");
}
