//! Every two features together: each pair is explored to its end, reaches the
//! witnesses of both, breaks nothing, and has exactly its states.
//!
//! `PLIMSOLL_UPDATE=1` writes the counts anew; a number that changes means that
//! the rules, the bounds or the parts of pairs changed: know which.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use plimsoll_model::engine::{End, Engine, Exhaustive, Limits};
use plimsoll_model::features;
use plimsoll_model::presets;

const PINS: &str = "tests/pairs.txt";

#[test]
fn every_pair_is_explored_to_its_end_and_shows_both() {
    let mut counts = String::from("# pair, distinct states, generated states, depth\n");
    for preset in presets::pairs() {
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
            assert!(
                !both || met.contains(&on),
                "{} and {}",
                one.name,
                other.name
            );
        }
    }
}
