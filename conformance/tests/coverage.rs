//! What the corpus has exercised of the rules, and that the advice for holes is
//! true: the command beside an item made a trace that shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use plimsoll::coverage::{Coverage, Item, Standing, made_by, scenarios};
use plimsoll::replay::{self, Options};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn counting() -> Options {
    Options {
        count_faults: true,
        ..Options::default()
    }
}

fn corpus(story: &str) -> Vec<(String, Coverage)> {
    let folder = root().join("traces/corpus").join(story);
    let judged = replay::judge(&[folder], &counting());
    let all = judged.iter().filter_map(|judged| {
        let verdict = judged.result.as_ref().ok()?;
        let name = judged.path.file_name()?.to_string_lossy().into_owned();
        let mut coverage = Coverage::default();
        coverage.add(verdict.certificate());
        Some((name.split('.').next()?.to_owned(), coverage))
    });
    all.collect()
}

fn exercised(coverage: &Coverage) -> Vec<Item> {
    let items = coverage.items().into_iter();
    items
        .filter(|item| item.standing == Standing::Exercised)
        .collect()
}

/// `src/coverage/shown.txt`: of each item the first trace of this repository's
/// implementation that shows it, of those whose command is known.
#[test]
fn the_advice_for_a_hole_fills_it() {
    let mut shown: BTreeMap<(&str, String), String> = BTreeMap::new();
    for (name, coverage) in corpus("plimsoll") {
        if made_by(&name).is_none() {
            continue;
        }
        for item in exercised(&coverage) {
            shown.entry((item.kind, item.name)).or_insert(name.clone());
        }
    }
    let lines = shown
        .iter()
        .map(|((kind, name), trace)| format!("{kind} {name} {trace}\n"));
    let text: String = lines.collect();
    let file = root().join("conformance/src/coverage/shown.txt");
    if std::env::var_os("PLIMSOLL_UPDATE").is_some_and(|value| !value.is_empty() && value != "0") {
        std::fs::write(&file, &text).expect("it can be written");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("shown.txt"), text);
    assert!(shown.len() > 60, "only {} items are shown", shown.len());
}

/// A hole of the dialect that the implementation follows has a command, or a
/// reason why none fills it.
#[test]
fn every_hole_has_a_command_or_a_reason() {
    let mut all = Coverage::default();
    corpus("plimsoll")
        .iter()
        .for_each(|(_, one)| all.merge(one));
    let items = all.items();
    for item in &items {
        let reason = scenarios::beyond(item.kind, &item.name);
        let elsewhere = item.standing == Standing::OtherDialect;
        assert_eq!(item.command.is_some(), item.no_command.is_none());
        assert!(
            elsewhere || item.command.is_some() != reason.is_some(),
            "{} {}",
            item.kind,
            item.name
        );
    }
    // What the corpus does not show of that dialect is what cannot be shown.
    let holes = items.iter().filter(|item| item.standing == Standing::Hole);
    let names: BTreeSet<&str> = holes.map(|item| item.name.as_str()).collect();
    let expected = [
        "lease-expired",
        "own-vote-counted",
        "read-served-by-lease",
        "retry",
        "tick",
        "ticked",
        "wipe",
        "wiped",
    ];
    assert_eq!(names, BTreeSet::from(expected));
}

#[test]
fn every_item_has_a_scenario_and_a_standing() {
    let mut all = Coverage::default();
    for story in ["plimsoll", "etcd-raft"] {
        let folder = root().join("traces/corpus").join(story);
        for judged in replay::judge(&[folder], &counting()) {
            if let Ok(verdict) = &judged.result {
                all.add(verdict.certificate());
            }
        }
    }
    let items = all.items();
    for item in &items {
        assert!(item.scenario.len() > 10, "{} {}", item.kind, item.name);
        assert_eq!(item.count > 0, item.standing == Standing::Exercised);
        assert_eq!(item.count > 0, item.traces > 0);
    }
    // Holes stand first, and a hole is never without a place in the model.
    assert!(items.is_sorted_by_key(|item| item.standing));
    for item in items.iter().filter(|item| item.standing == Standing::Hole) {
        assert!(
            item.kind == "role" || !item.presets.is_empty(),
            "{}",
            item.name
        );
    }
    let none = Coverage::default();
    assert!(none.items().iter().all(|item| item.count == 0));
    let core = items.iter().find(|item| item.name == "became-leader");
    assert_eq!(core.map(|item| item.standing), Some(Standing::Exercised));
}
