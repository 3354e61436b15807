//! The default presets: exact counts, what each reaches, what they cover
//! together; the same from stateright's search, and under symmetry.

use std::collections::BTreeSet;
use std::path::Path;

use plimsoll_model::engine::{Bfs, Count, Dfs, End, Engine, Exhaustive, Limits, Search};
use plimsoll_model::features;
use plimsoll_model::network::NetworkKind;
use plimsoll_model::presets::{self, Preset};
use plimsoll_model::properties;
use plimsoll_model::rules::Branch;
use plimsoll_model::settings::{Dialect, Durability, RemovedLeader};
use plimsoll_model::witnesses;

/// Name, distinct states, generated states, depth. A number that changes means
/// that the rules, the bounds or the count changed: know which before it is
/// written down here.
const SMALL: [(&str, u64, u64, usize); 8] = [
    ("paper-sessions-restart", 99_337, 429_043, 26),
    ("paper-transfer", 54_259, 484_600, 20),
    ("paper-election-five", 27_536, 356_466, 13),
    ("paper-election-deferred", 49_645, 200_176, 18),
    ("paper-reads", 83_173, 307_420, 19),
    ("etcd-election", 65_753, 699_094, 18),
    ("etcd-heartbeat", 34_555, 310_588, 18),
    ("etcd-replication-deferred", 77_179, 286_531, 24),
];

const LARGE: [(&str, u64, u64, usize); 54] = [
    ("raft-rs-snapshot", 10_141, 35_662, 17),
    ("raft-rs-joint", 29_415, 114_351, 25),
    ("raft-rs-election", 533_300, 2_060_299, 34),
    ("raft-rs-prevote", 21_943, 76_225, 21),
    ("raft-rs-membership", 307_909, 1_151_959, 26),
    ("raft-rs-follower-read", 93_940, 353_644, 20),
    ("paper-sessions", 339_616, 1_593_898, 19),
    ("paper-sessions-next", 85_120, 352_777, 16),
    ("paper-sessions-snapshot", 259_450, 1_029_391, 19),
    ("etcd-sessions", 301_579, 1_051_492, 25),
    ("paper-flow", 526_066, 2_042_062, 21),
    ("paper-flow-snapshot", 313_288, 1_235_767, 23),
    ("etcd-flow", 322_966, 1_396_294, 23),
    ("paper-lease", 1_694_461, 7_484_890, 24),
    ("etcd-lease", 1_663_003, 7_445_002, 25),
    ("paper-async-storage", 287_098, 1_254_850, 25),
    ("etcd-async-storage", 444_289, 1_747_600, 28),
    ("paper-snapshot", 617_272, 2_591_320, 24),
    ("paper-snapshot-restart", 778_840, 3_354_679, 28),
    ("etcd-snapshot", 851_008, 3_591_946, 24),
    ("paper-follower-read", 240_466, 780_982, 19),
    ("etcd-stored-follower-read", 985_039, 4_430_776, 24),
    ("paper-prevote-four", 561_153, 11_734_533, 24),
    ("paper-prevote", 307_495, 4_884_706, 23),
    ("etcd-prevote", 249_211, 4_231_528, 22),
    ("etcd-prevote-deferred", 352_219, 1_490_935, 30),
    ("paper-sticky", 139_415, 1_456_195, 19),
    ("paper-checkquorum", 122_971, 1_112_299, 20),
    ("etcd-checkquorum", 212_866, 2_162_209, 21),
    ("etcd-prevote-checkquorum", 185_911, 2_930_029, 22),
    ("etcd-transfer", 543_019, 7_621_360, 26),
    ("paper-election", 144_434, 1_715_185, 16),
    ("paper-replication", 100_768, 935_800, 17),
    ("paper-replication-late", 131_731, 656_218, 15),
    ("paper-replication-deferred", 129_454, 567_139, 23),
    ("paper-restart", 460_129, 2_095_288, 24),
    ("etcd-replication", 326_224, 1_563_838, 23),
    ("etcd-reads", 664_294, 3_255_838, 24),
    ("etcd-restart", 626_446, 2_720_860, 27),
    ("etcd-stored-replication", 164_326, 798_976, 19),
    ("paper-membership", 34_951, 271_511, 22),
    ("paper-removal", 94_414, 943_216, 20),
    ("paper-rejoin", 71_559, 605_655, 22),
    ("paper-joint", 334_509, 2_700_291, 21),
    ("paper-learners", 58_609, 483_435, 18),
    ("etcd-membership", 125_454, 1_013_309, 29),
    ("etcd-rejoin", 432_689, 4_115_445, 30),
    ("etcd-removed-leader", 257_327, 1_457_071, 23),
    ("etcd-checkquorum-membership", 48_148, 300_097, 23),
    ("etcd-stored-joint", 368_663, 1_941_907, 27),
    ("etcd-joint", 360_676, 3_062_043, 28),
    ("etcd-learners", 373_927, 3_382_121, 26),
    ("etcd-stored-joint-learners", 204_893, 837_883, 24),
    ("etcd-stored-restart", 420_703, 1_694_029, 26),
];

fn preset(name: &str) -> Preset {
    presets::by_name(name).unwrap_or_else(|| panic!("no preset is called {name}"))
}

fn explore(preset: &Preset) -> Search {
    Exhaustive::on(2)
        .search(&preset.scenario, &Limits::default(), &mut |_| {})
        .expect("a search")
}

/// Explores a preset to its end; holds its counts, its verdict, its witnesses.
fn hold(&(name, distinct, generated, depth): &(&str, u64, u64, usize)) -> Search {
    let preset = preset(name);
    let search = explore(&preset);
    assert_eq!(search.end, End::Exhausted, "{name}");
    assert_eq!(
        (search.distinct, search.generated, search.depth),
        (distinct, generated, depth),
        "{name}: distinct, generated, depth"
    );
    let broken = search.first_broken().map(|c| (c.property, &c.actions));
    assert_eq!(broken, None, "{name}");
    for wanted in preset.witnesses {
        let seen = search
            .witnesses
            .iter()
            .any(|w| w.name == *wanted && w.count > 0);
        assert!(seen, "{name} misses {wanted}");
    }
    search
}

#[test]
fn the_pins_are_of_the_default_presets() {
    let pinned: BTreeSet<&str> = SMALL.iter().chain(&LARGE).map(|row| row.0).collect();
    let defaults: BTreeSet<&str> = presets::defaults().iter().map(|p| p.name).collect();
    assert_eq!(pinned, defaults);
    assert!(presets::defaults().iter().all(|preset| preset.default));
}

#[test]
fn names_are_unique_and_witnesses_known() {
    let all = presets::all();
    let names: BTreeSet<&str> = all.iter().map(|p| p.name).collect();
    assert_eq!(names.len(), all.len());
    for preset in &all {
        for name in preset.witnesses {
            assert!(witnesses::Witness::position(name).is_some(), "{name}");
        }
    }
}

#[test]
fn the_default_presets_ask_for_every_witness() {
    let asked: BTreeSet<&str> = presets::defaults()
        .iter()
        .flat_map(|p| p.witnesses.iter().copied())
        .collect();
    let all: BTreeSet<&str> = witnesses::ALL.iter().map(|w| w.name).collect();
    assert_eq!(asked, all);
}

#[test]
fn every_dialect_meets_both_durabilities_and_every_network_is_met() {
    let defaults = presets::defaults();
    for dialect in Dialect::ALL {
        for durability in [Durability::Atomic, Durability::Deferred] {
            let met = defaults
                .iter()
                .any(|p| p.dialect == dialect && p.scenario.settings.durability == durability);
            assert!(met, "{} {durability:?}", dialect.name());
        }
    }
    for network in [NetworkKind::Set, NetworkKind::Bag, NetworkKind::Ordered] {
        for dialect in [Dialect::Paper, Dialect::Etcd] {
            let met = defaults
                .iter()
                .any(|p| p.dialect == dialect && p.scenario.network == network);
            assert!(met, "{} {network:?}", dialect.name());
        }
    }
    // A preset explores a dialect as it stands, with features switched on; one
    // explores what etcd does without an option of its own.
    let leads_on = |p: &&Preset| {
        let dialect = p.dialect.settings(p.scenario.settings.durability);
        p.scenario.settings.removed_leader != dialect.removed_leader
    };
    let all = presets::all();
    let other: Vec<_> = all.iter().filter(leads_on).collect();
    assert_eq!(other.len(), 1);
    assert_eq!(other[0].dialect, Dialect::Etcd);
    assert_eq!(
        other[0].scenario.settings.removed_leader,
        RemovedLeader::LeadsOn
    );
    for preset in presets::all() {
        let settings = preset.scenario.settings;
        let mut named = preset.dialect.settings(settings.durability);
        named.removed_leader = settings.removed_leader;
        for feature in features::of(&settings) {
            (feature.switch_on)(&mut named);
        }
        assert_eq!(settings, named);
    }
    for feature in &features::ALL {
        let met = |p: &Preset| (feature.is_on)(&p.scenario.settings);
        assert!(defaults.iter().any(met), "{}", feature.name);
    }
}

#[test]
fn stateright_counts_the_same() {
    for row in &SMALL {
        let preset = preset(row.0);
        let ours = explore(&preset);
        let theirs = Bfs.search(&preset.scenario, &Limits::default(), &mut |_| {});
        let theirs = theirs.expect("a search");
        let counts = |search: &Search| {
            (
                (search.distinct, search.generated, search.out_of_bounds),
                search.depth,
                search.actions.clone(),
                search.branches.clone(),
                search.witnesses.clone(),
            )
        };
        assert_eq!(counts(&ours), counts(&theirs), "{}", row.0);
        // Ours judges states on every step to them.
        for (ours, theirs) in ours.properties.iter().zip(&theirs.properties) {
            assert!(ours.judged >= theirs.judged && ours.evaluated >= theirs.evaluated);
            assert_eq!(ours.evaluated > 0, theirs.evaluated > 0, "{}", ours.name);
        }
    }
}

/// Fewer states, the same answer; and the orbits add up to all states.
#[test]
fn under_symmetry_orbits_add_up_to_all_states_and_verdicts_agree() {
    for row in SMALL.iter().chain(&LARGE) {
        let preset = preset(row.0);
        let engine = Exhaustive {
            symmetry: true,
            ..Exhaustive::on(2)
        };
        let search = engine.search(&preset.scenario, &Limits::default(), &mut |_| {});
        let search = search.expect("a search");
        assert_eq!(
            (search.end, search.depth),
            (End::Exhausted, row.3),
            "{}",
            row.0
        );
        assert_eq!(search.represented, row.1, "{}", row.0);
        // Who starts in one role may take another's name of the same role.
        let bounds = &preset.scenario.bounds;
        let voters = bounds.voters().len() as u64;
        let others = u64::from(bounds.servers) - voters;
        let all = |servers: u64| (1..=servers).product::<u64>();
        assert_eq!(search.group as u64, all(voters) * all(others), "{}", row.0);
        let spared = if search.group > 2 { 2 } else { 1 };
        // Where every server has a role of its own nobody takes another's name.
        let none = search.group == 1 && search.distinct == row.1;
        assert!(none || search.distinct * spared < row.1);
        assert!(row.1 <= search.group as u64 * search.distinct);
        assert!(search.first_broken().is_none(), "{}", row.0);
        for witness in preset.witnesses {
            let seen = search.witnesses.iter().find(|seen| seen.name == *witness);
            assert!(
                seen.is_some_and(|seen| seen.count > 0),
                "{}: {witness}",
                row.0
            );
        }
    }
}

#[test]
fn all_presets_have_exactly_their_states_and_leave_nothing_untried() {
    let searches: Vec<Search> = SMALL.iter().chain(&LARGE).map(hold).collect();
    covered(&searches);
    let names = SMALL.iter().chain(&LARGE).map(|row| row.0);
    hold_reachable(&names.zip(&searches).collect::<Vec<_>>());
}

/// Where the model reaches what: of each dialect the preset with the fewest
/// features and states. `src/reachable.txt` says so to whoever asks what a trace
/// could have shown.
fn hold_reachable(searches: &[(&str, &Search)]) {
    let mut text =
        String::from("# kind, name, presets that reach it; written by tests/presets.rs\n");
    let found = |counts: fn(&Search) -> &Vec<Count>, kind: &str, text: &mut String| {
        for (i, item) in counts(searches[0].1).iter().enumerate() {
            let mut reaching: Vec<_> = searches
                .iter()
                .filter(|(_, search)| counts(search)[i].count > 0)
                .map(|(name, search)| {
                    let preset = preset(name);
                    let on = features::of(&preset.scenario.settings).count();
                    (preset.dialect, on, search.distinct, *name)
                })
                .collect();
            reaching.sort_unstable();
            reaching.dedup_by_key(|row| row.0);
            let names: Vec<&str> = reaching.iter().map(|row| row.3).collect();
            *text += &format!("{kind} {} {}\n", item.name, names.join(" "));
        }
    };
    found(|search| &search.actions, "action", &mut text);
    found(|search| &search.branches, "branch", &mut text);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/reachable.txt");
    if std::env::var_os("PLIMSOLL_UPDATE").is_some_and(|value| !value.is_empty() && value != "0") {
        std::fs::write(&file, &text).expect("it can be written");
    }
    assert_eq!(
        std::fs::read_to_string(&file).expect("src/reachable.txt"),
        text
    );
}

#[test]
fn orbits_add_up_in_the_presets_of_the_flaws_too() {
    for preset in presets::all().into_iter().filter(|preset| !preset.default) {
        let all = explore(&preset);
        let engine = Exhaustive {
            symmetry: true,
            ..Exhaustive::on(2)
        };
        let orbits = engine.search(&preset.scenario, &Limits::default(), &mut |_| {});
        let orbits = orbits.expect("a search");
        assert_eq!((all.end, orbits.end), (End::Exhausted, End::Exhausted));
        assert_eq!(orbits.represented, all.distinct, "{}", preset.name);
        assert_eq!(orbits.depth, all.depth, "{}", preset.name);
        assert!(orbits.first_broken().is_none() && all.first_broken().is_none());
    }
}

/// That every branch fired that no flaw owns, and every property had something
/// to judge.
fn covered(searches: &[Search]) {
    for branch in Branch::ALL {
        let count: u64 = searches
            .iter()
            .map(|s| s.branches[branch as usize].count)
            .sum();
        assert_eq!(count == 0, branch.is_flawed(), "{}", branch.name());
    }
    for (i, property) in properties::ALL.iter().enumerate() {
        let count: u64 = searches.iter().map(|s| s.properties[i].evaluated).sum();
        assert!(count > 0, "{} never has anything to judge", property.name);
    }
}

#[test]
fn depth_first_over_orbits_agrees_with_breadth_first_over_states() {
    for name in ["paper-election-deferred", "etcd-heartbeat"] {
        let preset = preset(name);
        let all = explore(&preset);
        let orbits = Dfs
            .search(&preset.scenario, &Limits::default(), &mut |_| {})
            .expect("a search");
        assert_eq!(orbits.end, End::Exhausted);
        assert_eq!((all.group, orbits.group), (1, 6));
        assert!(orbits.first_broken().is_none());
        // No orbit is larger than the group.
        assert!(orbits.distinct < all.distinct && all.distinct <= 6 * orbits.distinct);
        for (a, b) in all.witnesses.iter().zip(&orbits.witnesses) {
            assert_eq!(a.count > 0, b.count > 0, "{name}: {}", a.name);
        }
    }
}
