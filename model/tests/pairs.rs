//! Every two features together: each pair is explored to its end, reaches the
//! witnesses of both, breaks nothing, and has exactly its states. And all of
//! them at once, with the random walks for what no search has room for.
//!
//! `PLIMSOLL_UPDATE=1` writes the counts anew; a number that changes means that
//! the rules, the bounds or the parts of pairs changed: know which.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use plimsoll_model::engine::{End, Engine, Exhaustive, Limits, Simulate};
use plimsoll_model::features;
use plimsoll_model::presets;

const PINS: &str = "tests/pairs.txt";

#[test]
fn every_pair_is_explored_to_its_end_and_shows_both() {
    let mut counts = String::from("# preset, distinct states, generated states, depth\n");
    for preset in presets::pairs().into_iter().chain(presets::everything()) {
        let search = Exhaustive::on(2)
            .search(&preset.scenario, &Limits::default(), &mut |_| {})
            .expect("a search");
        let name = preset.name;
        assert_eq!(search.end, End::Exhausted, "{name}");
        let broken = search.first_broken().map(|c| (c.property, &c.actions));
        assert_eq!(broken, None, "{name}");
        for wanted in preset.witnesses {
            let seen = search.witnesses.iter().find(|seen| seen.name == *wanted);
            let count = seen.map_or(0, |seen| seen.count);
            assert!(count > 0, "{name} misses {wanted}");
        }
        let (distinct, generated) = (search.distinct, search.generated);
        writeln!(counts, "{name} {distinct} {generated} {}", search.depth).expect("a string");
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(PINS);
    if std::env::var_os("PLIMSOLL_UPDATE").is_some_and(|value| !value.is_empty() && value != "0") {
        std::fs::write(&file, &counts).expect("pins can be written");
    }
    let pinned = std::fs::read_to_string(&file).expect("pins");
    for (pinned, found) in pinned.lines().zip(counts.lines()) {
        assert_eq!(pinned, found, "{PINS}");
    }
    assert_eq!(pinned.lines().count(), counts.lines().count(), "{PINS}");
}

/// No feature is left out, and no two that can be on at once.
#[test]
fn every_two_features_meet() {
    let pairs = presets::pairs();
    let met: BTreeSet<Vec<&str>> = pairs
        .iter()
        .map(|preset| {
            let on = features::of(&preset.scenario.settings);
            on.map(|feature| feature.name).collect()
        })
        .collect();
    for one in &features::ALL {
        for other in features::ALL.iter().filter(|other| other.name > one.name) {
            let plain = &pairs[0];
            let mut settings = plain.dialect.settings(plain.scenario.settings.durability);
            (one.switch_on)(&mut settings);
            (other.switch_on)(&mut settings);
            let on: Vec<&str> = features::of(&settings).map(|f| f.name).collect();
            let both = on.contains(&one.name) && on.contains(&other.name);
            // Restarted servers wait for what only stickiness or a lease looks at:
            // beside a pair one more switch may be on.
            let meet = |met: &Vec<&str>| {
                met.contains(&one.name) && met.contains(&other.name) && met.len() <= on.len() + 1
            };
            assert!(
                !both || met.iter().any(meet),
                "{} and {}",
                one.name,
                other.name
            );
        }
    }
}

/// Every feature is on in one of the two, and every way to have two values of
/// one setting is met.
#[test]
fn everything_is_every_feature() {
    let all = presets::everything();
    let on: BTreeSet<&str> = all
        .iter()
        .flat_map(|preset| features::of(&preset.scenario.settings))
        .map(|feature| feature.name)
        .collect();
    let every: BTreeSet<&str> = features::ALL.iter().map(|feature| feature.name).collect();
    assert_eq!(on, every);
}

/// What is left to walks is what the search does not reach, and the walks do;
/// and they break nothing.
#[test]
fn walks_reach_what_is_left_to_them() {
    for preset in presets::everything() {
        let name = preset.name;
        let wider = preset.wider.as_ref().expect("walks");
        let engine = Simulate {
            seed: wider.seed,
            walks: Some(wider.walks),
            threads: 2,
        };
        let scenario = wider.scenario(&preset.scenario);
        let walks = engine.search(&scenario, &Limits::default(), &mut |_| {});
        let walks = walks.expect("walks");
        assert_eq!(walks.end, End::Sampled, "{name}");
        let broken = walks.first_broken().map(|c| (c.property, &c.actions));
        assert_eq!(broken, None, "{name}");
        let seen = |search: &plimsoll_model::engine::Search, wanted: &str| {
            let seen = search.witnesses.iter().find(|seen| seen.name == wanted);
            seen.map_or(0, |seen| seen.count)
        };
        for wanted in wider.witnesses {
            assert!(seen(&walks, wanted) > 0, "{name} misses {wanted}");
            assert!(!preset.witnesses.contains(wanted), "{name}: {wanted}");
        }
        let search = Exhaustive::on(2).search(&preset.scenario, &Limits::default(), &mut |_| {});
        let search = search.expect("a search");
        for wanted in wider.witnesses {
            assert_eq!(seen(&search, wanted), 0, "{name} reaches {wanted} itself");
        }
    }
}
