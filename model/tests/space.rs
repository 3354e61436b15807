//! The rule book as a space of packed states: the successors, findings and
//! counts of `State::next`, whatever a worker knows by heart.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use plimsoll_model::action;
use plimsoll_model::book::{Coverage, RuleBook, sources};
use plimsoll_model::cluster::State;
use plimsoll_model::engine::space::{Sink, Space, Worker};
use plimsoll_model::field::{Field, fingerprint_of, packed};
use plimsoll_model::flaws::Flaw;
use plimsoll_model::presets::{self, Preset};
use plimsoll_model::properties::{self, Check, Finding, StepView};
use plimsoll_model::scenario::Scenario;
use plimsoll_model::witnesses;

/// What a sink was handed; `None` is out of bounds.
#[derive(Debug, Default)]
struct Handed(Vec<Option<(Vec<u8>, u32, u64)>>);

impl Sink for Handed {
    fn state(&mut self, packed: &[u8], orbit: u32, broken: u64) {
        self.0.push(Some((packed.to_vec(), orbit, broken)));
    }
    fn beyond(&mut self) {
        self.0.push(None);
    }
}

/// A mask of broken properties, and counts, without the space.
#[derive(Default)]
struct Plain {
    counts: BTreeMap<String, u64>,
}

impl Plain {
    fn count(&mut self, what: &str, name: &str) {
        *self.counts.entry(format!("{what}/{name}")).or_default() += 1;
    }

    fn found(&mut self, at: usize, finding: Finding) -> u64 {
        let name = properties::ALL[at].name;
        self.count("judged", name);
        if finding != Finding::Vacuous {
            self.count("evaluated", name);
        }
        u64::from(finding == Finding::Broken) << at
    }

    fn initial(&mut self, scenario: &Scenario) -> Vec<Option<(State, u64)>> {
        let state = State::initial(scenario);
        let mut broken = 0;
        for (i, property) in properties::ALL.iter().enumerate() {
            if let Check::State(check) = property.check {
                broken |= self.found(i, check(&state, scenario));
            }
        }
        vec![Some((state, broken))]
    }

    /// What `State::next` leads to, one for each enabled action, with what it
    /// breaks; `None` is out of bounds.
    fn expand(&mut self, before: &State, scenario: &Scenario) -> Vec<Option<(State, u64)>> {
        let mut actions = Vec::new();
        action::enabled(before, scenario, &mut actions);
        let mut out = Vec::new();
        for action in &actions {
            let Ok(step) = before.next(action, scenario) else {
                continue;
            };
            self.count("action", action.kind());
            if let Some(outcome) = step.outcome {
                self.count("branch", &outcome.branch.name());
            }
            if !step.after.within(scenario) {
                out.push(None);
                continue;
            }
            let view = StepView {
                before,
                action,
                step: &step,
            };
            for witness in &witnesses::ALL {
                if (witness.shows)(&view, scenario) {
                    self.count("witness", witness.name);
                }
            }
            let mut broken = 0;
            for (i, property) in properties::ALL.iter().enumerate() {
                let finding = match property.check {
                    Check::State(check) => check(&step.after, scenario),
                    Check::Step(check) => check(&view, scenario),
                };
                broken |= self.found(i, finding);
            }
            out.push(Some((step.after, broken)));
        }
        out
    }
}

/// The least image of `state` and the size of its orbit, from all its images.
fn least(state: &State, book: &RuleBook) -> (Vec<u8>, u32) {
    let images = book.group().iter().map(|by| packed(&state.rename(by)));
    let images: BTreeSet<Vec<u8>> = images.collect();
    let size = images.len() as u32;
    (images.into_iter().next().expect("an image"), size)
}

/// The default presets, and those of the flaws with the flaw planted: there
/// properties break.
fn all() -> Vec<Preset> {
    let flawed = Flaw::ALL.iter().map(|about| {
        let mut preset = presets::for_flaw(about.flaw);
        preset.scenario.settings.flaw = Some(about.flaw);
        preset
    });
    presets::defaults().into_iter().chain(flawed).collect()
}

fn dice(seed: &mut u64) -> usize {
    *seed = seed
        .wrapping_mul(0x5851_f42d_4c95_7f2d)
        .wrapping_add(0x1405_7b7e_f767_814f);
    (*seed >> 33) as usize
}

/// Walks through `book` at random, and holds every expansion on the way to
/// what `State::next` gives. Tells which masks were met.
fn hold(book: &RuleBook, walks: u64, masks: &mut BTreeSet<u64>) {
    let scenario = book.scenario();
    let mut worker = book.worker();
    let mut plain = Plain::default();
    let mut seed = 7;
    let expected = |plain: Vec<Option<(State, u64)>>| -> Vec<_> {
        plain
            .into_iter()
            .map(|successor| {
                successor.map(|(state, broken)| {
                    let (bytes, orbit) = least(&state, book);
                    (bytes, orbit, broken)
                })
            })
            .collect()
    };
    let mut first = Handed::default();
    worker.initial(&mut first);
    assert_eq!(first.0, expected(plain.initial(scenario)));
    for _ in 0..walks {
        let mut here = first.0[0].clone().expect("an initial state").0;
        for _ in 0..40 {
            let before = State::unpack(&mut &here[..]).expect("a packed state");
            let mut handed = Handed::default();
            worker.expand(&here, &mut handed);
            assert_eq!(handed.0, expected(plain.expand(&before, scenario)));
            masks.extend(handed.0.iter().flatten().map(|(_, _, broken)| broken));
            // Mostly on to what is new: most actions lead to no change at all.
            let next: Vec<_> = handed.0.iter().flatten().collect();
            let Some(at) = next.len().checked_sub(1) else {
                break;
            };
            here = next[dice(&mut seed) % (at + 1)].0.clone();
        }
    }
    let counts = worker.counts();
    let names = book.counters();
    assert_eq!(counts.len(), names.len());
    for (name, count) in names.iter().zip(&counts) {
        let plain = plain.counts.remove(name).unwrap_or_default();
        assert_eq!(*count, plain, "{name}");
    }
    assert!(plain.counts.is_empty(), "{:?}", plain.counts);
    let coverage = Coverage::of(&counts);
    assert_eq!(
        coverage.judged.len() + coverage.evaluated.len(),
        2 * properties::ALL.len()
    );
}

#[test]
fn a_worker_hands_out_exactly_what_the_next_state_function_gives() {
    for symmetry in [false, true] {
        let mut masks = BTreeSet::new();
        for preset in all() {
            let book = RuleBook::new(preset.scenario, symmetry);
            hold(&book, 12, &mut masks);
        }
        assert!(masks.len() > 3, "hardly anything broke: {masks:?}");
    }
}

#[test]
fn a_worker_that_keeps_forgetting_hands_out_the_same() {
    for preset in all() {
        for (symmetry, bytes) in [(false, 0), (true, 20_000)] {
            let book = RuleBook::new(preset.scenario.clone(), symmetry).with_memory(bytes);
            hold(&book, 2, &mut BTreeSet::new());
        }
    }
}

/// A search of the plainest kind.
#[derive(Default)]
struct Found {
    /// The place of each state, by fingerprint.
    seen: HashMap<u64, ()>,
    waiting: Vec<Vec<u8>>,
    generated: u64,
    orbits: u64,
    broken: u64,
}

impl Sink for Found {
    fn state(&mut self, packed: &[u8], orbit: u32, broken: u64) {
        self.generated += 1;
        self.broken |= broken;
        if self.seen.insert(fingerprint_of(packed), ()).is_none() {
            self.orbits += u64::from(orbit);
            self.waiting.push(packed.to_vec());
        }
    }
    fn beyond(&mut self) {
        self.generated += 1;
    }
}

/// Distinct, generated, the sum of orbit sizes, the most actions in a row, and
/// the properties broken.
fn search(book: &RuleBook) -> (u64, u64, u64, usize, u64) {
    let mut worker = book.worker();
    let mut found = Found::default();
    worker.initial(&mut found);
    let mut depth = 0;
    loop {
        let level = std::mem::take(&mut found.waiting);
        if level.is_empty() {
            let distinct = found.seen.len() as u64;
            return (
                distinct,
                found.generated,
                found.orbits,
                depth - 1,
                found.broken,
            );
        }
        depth += 1;
        for state in &level {
            worker.expand(state, &mut found);
        }
    }
}

fn add_up(name: &str, distinct: u64, generated: u64, depth: usize) {
    let preset = presets::by_name(name).expect("a preset");
    let all = search(&RuleBook::new(preset.scenario.clone(), false));
    assert_eq!(all, (distinct, generated, distinct, depth, 0), "{name}");
    let orbits = search(&RuleBook::new(preset.scenario, true));
    assert_eq!(
        (orbits.2, orbits.3, orbits.4),
        (distinct, depth, 0),
        "{name}"
    );
    assert!(orbits.0 < distinct, "{name}");
}

/// The counts that `tests/presets.rs` pins of stateright's search.
#[test]
fn small_presets_have_their_states_and_their_orbits_add_up_to_them() {
    add_up("paper-election-five", 27_536, 356_466, 13);
    add_up("paper-election-deferred", 49_645, 200_176, 18);
    add_up("paper-reads", 83_173, 307_420, 19);
    add_up("etcd-election", 65_753, 699_094, 18);
    add_up("etcd-heartbeat", 34_555, 310_588, 18);
    add_up("etcd-replication-deferred", 77_179, 286_531, 24);
}

#[test]
fn larger_presets_have_their_states_and_their_orbits_add_up_to_them() {
    add_up("paper-election", 144_434, 1_715_185, 16);
    add_up("paper-replication", 100_768, 935_800, 17);
    add_up("paper-replication-late", 131_731, 656_218, 15);
    add_up("paper-replication-deferred", 129_454, 567_139, 23);
    add_up("etcd-replication", 326_224, 1_563_838, 23);
    add_up("etcd-stored-replication", 164_326, 798_976, 19);
    add_up("etcd-stored-restart", 420_703, 1_694_029, 26);
}

/// A planted flaw breaks the same properties with and without symmetry.
#[test]
fn symmetry_changes_no_verdict() {
    let mut broken = 0;
    for flaw in [Flaw::VotesCountedNotIdentified, Flaw::NoUpToDateCheck] {
        let mut preset = presets::for_flaw(flaw);
        preset.scenario.settings.flaw = Some(flaw);
        let all = search(&RuleBook::new(preset.scenario.clone(), false));
        let orbits = search(&RuleBook::new(preset.scenario, true));
        assert_eq!((all.0, all.3, all.4), (orbits.2, orbits.3, orbits.4));
        broken |= all.4;
    }
    assert_ne!(broken, 0);
}

#[test]
fn the_identity_tells_spaces_apart() {
    let mut told = BTreeSet::new();
    let mut spaces = 0;
    for preset in all() {
        for symmetry in [false, true] {
            told.insert(RuleBook::new(preset.scenario.clone(), symmetry).identity());
            spaces += 1;
        }
    }
    let same = presets::defaults().remove(0);
    let one = RuleBook::new(same.scenario.clone(), true).identity();
    assert_eq!(one, RuleBook::new(same.scenario, true).identity());
    // Two flaws may share a preset, but not the flaw.
    assert_eq!(told.len(), spaces);
}

/// What is not part of the hash: how states are searched, shown and chosen,
/// not what they are.
const ELSEWHERE: [&str; 11] = [
    "bounds",
    "counterexample.rs",
    "engine",
    "lib.rs",
    "liveness",
    "presets",
    "presets.rs",
    "prove.rs",
    "reachable.rs",
    "reachable.txt",
    "stateright.rs",
];

#[test]
fn the_hash_forgets_no_source() {
    fn list(dir: &Path, root: &Path, out: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(dir).expect("a folder") {
            let path = entry.expect("an entry").path();
            let below = path.strip_prefix(root).expect("below the root");
            let name = below.to_str().expect("a name").replace('\\', "/");
            let first = name.split('/').next().expect("a part");
            if ELSEWHERE.contains(&first) || first == "yardstick" {
                continue;
            }
            if path.is_dir() {
                list(&path, root, out);
            } else {
                out.insert(name);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut there = BTreeSet::new();
    list(&root, &root, &mut there);
    let hashed: BTreeSet<String> = sources::ALL
        .iter()
        .map(|(path, _)| path.to_string())
        .collect();
    assert_eq!(hashed, there);
    for (path, text) in sources::ALL {
        let read = std::fs::read_to_string(root.join(path)).expect("a source");
        assert_eq!(read, *text, "{path}");
    }
}
