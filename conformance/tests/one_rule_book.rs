//! One rule book, two uses.
//!
//! (a) Every run that replay explains is a run that the checker's own
//!     next-state function takes, action by action, to the same servers.
//! (b) Every random walk of the model within bounds, written as a trace with
//!     random fields left out, conforms.

#[path = "one_rule_book/walk.rs"]
mod walk;

use std::path::{Path, PathBuf};

use plimsoll::replay::{self, Options};
use plimsoll::verdict::Verdict;
use plimsoll_model::bounds::Bounds;
use plimsoll_model::cluster::State;
use plimsoll_model::features::{self, Feature};
use plimsoll_model::ids::Index;
use plimsoll_model::log::Log;
use plimsoll_model::network::NetworkKind;
use plimsoll_model::scenario::Scenario;
use plimsoll_model::settings::{Dialect, Durability, Storage};
use proptest::prelude::*;

/// Judges `files` as one run, demands that it conforms, and executes the run
/// that explains it with the checker's next-state function.
fn conforms_and_reexecutes(files: &[PathBuf]) {
    let options = Options {
        together: true,
        keep_run: true,
        ..Options::default()
    };
    let judged = replay::judge(files, &options).remove(0);
    match &judged.result {
        Ok(Verdict::Conforms(_)) => {}
        other => panic!("{files:?}: {other:#?}"),
    }
    let run = judged.run.expect("the run was asked for");
    assert!(!run.actions.is_empty());
    let mut state = State::initial(&run.scenario);
    for (i, action) in run.actions.iter().enumerate() {
        match state.next(action, &run.scenario) {
            Ok(step) => state = step.after,
            Err(reason) => panic!("action {i} ({action}) is not enabled: {reason:?}"),
        }
    }
    for server in &run.servers {
        let own = state.server(server.id);
        assert!(
            own.log
                .behind(Index::ZERO)
                .eq(server.log.behind(Index::ZERO))
        );
        assert_eq!(
            (own.term, own.vote, own.commit, own.applied, own.config),
            (
                server.term,
                server.vote,
                server.commit,
                server.applied,
                server.config
            )
        );
        assert_eq!(own.role, server.role);
        assert_eq!(own.durable, server.durable);
    }
}

#[test]
fn runs_of_the_corpus_are_runs_of_the_checker() {
    for name in ["g01-single-node-happy", "g02-three-happy", "g20-lost-ready"] {
        conforms_and_reexecutes(&[of_the_corpus("etcd-raft", name)]);
    }
}

/// The traces of this repository's implementation, one for each feature.
#[test]
fn runs_with_every_feature_are_runs_of_the_checker() {
    for name in [
        "five-everything",
        "five-pre-vote-check-quorum",
        "five-snapshots",
        "five-members",
        "six-joint-learners",
        "four-transfers",
        "four-follower-reads",
        "six-all-features",
        "three-queued-writes",
        "six-queued-writes-all-features",
    ] {
        conforms_and_reexecutes(&[of_the_corpus("plimsoll", name)]);
    }
}

fn of_the_corpus(folder: &str, name: &str) -> PathBuf {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../traces/corpus");
    let file = std::fs::read_dir(corpus.join(folder))
        .expect("the corpus")
        .map(|entry| entry.expect("a file").path())
        .find(|path| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            file.starts_with(&format!("{name}.ndjson"))
        });
    file.expect("a trace of the corpus")
}

/// A scenario of the dialect with these features. Changes of the configuration
/// are walked where the format knows whose they are: in etcd's dialect.
fn scenario(
    dialect: Dialect,
    durability: Durability,
    network: NetworkKind,
    storage: Storage,
    features: &[usize],
) -> Scenario {
    let mut settings = dialect.settings(durability);
    // What a step queues and what is durable with it are not the same step.
    if durability == Durability::Deferred || storage != Storage::Async {
        settings.storage = storage;
    }
    let changing = [
        features::SINGLE_SERVER_CHANGES.name,
        features::JOINT_CONSENSUS.name,
        features::LEARNERS.name,
    ];
    for feature in features.iter().map(|&at| &FOLLOWED[at]) {
        if dialect == Dialect::Etcd || !changing.contains(&feature.name) {
            (feature.switch_on)(&mut settings);
        }
    }
    let some = u32::from(!features.is_empty());
    let joiner = u8::from(settings.changes());
    Scenario {
        prefix: &[],
        settings,
        network,
        bounds: Bounds {
            servers: 3 + joiner,
            voters: Some(3),
            transfers: 2 * some,
            changes: 3 * some,
            joint_size: 2,
            explicit_leave: true,
            compactions: 2 * some,
            bootstrap: if dialect == Dialect::Etcd { 3 } else { 0 },
            max_term: 6,
            max_log: 8,
            max_batch: 3,
            resend: true,
            partial_writes: true,
            writes: 5,
            reads: 4,
            restarts: 3,
            duplicates: 4,
            ..Bounds::default()
        },
    }
}

/// What a header may name.
const FOLLOWED: [Feature; 7] = [
    features::PRE_VOTE,
    features::CHECK_QUORUM,
    features::STICKY_LEADER,
    features::FOLLOWER_READS,
    features::SINGLE_SERVER_CHANGES,
    features::JOINT_CONSENSUS,
    features::LEARNERS,
];

fn scenarios() -> impl Strategy<Value = (Dialect, Scenario)> {
    let dialects = prop::sample::select(Dialect::ALL.to_vec());
    let durabilities = prop::sample::select(vec![Durability::Atomic, Durability::Deferred]);
    let networks = prop::sample::select(vec![
        NetworkKind::Set,
        NetworkKind::Bag,
        NetworkKind::Ordered,
    ]);
    let contracts = [Storage::Sync, Storage::ParallelAppend, Storage::Async];
    let contracts = prop::sample::select(contracts.to_vec());
    let all = 0..FOLLOWED.len();
    let some = prop::sample::subsequence(all.collect::<Vec<_>>(), 0..=FOLLOWED.len());
    (dialects, durabilities, networks, contracts, some)
        .prop_map(|(d, w, n, c, f): (_, _, _, _, Vec<_>)| (d, scenario(d, w, n, c, &f)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_walk_of_the_model_conforms_with_fields_left_out(
        (dialect, scenario) in scenarios(),
        choices in prop::collection::vec(any::<u32>(), 20..160),
        leave_out in 0u32..90,
        split in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let walk = walk::walk(&scenario, &choices);
        let folder = walk::Folder::new(seed);
        let files = walk::write(&walk, dialect, &scenario, &folder, leave_out, split, seed);
        let options = Options { together: true, keep_run: true, ..Options::default() };
        let judged = replay::judge(&files, &options).remove(0);
        let conforms = matches!(judged.result, Ok(Verdict::Conforms(_)));
        if !conforms {
            let kept = folder.keep();
            let walk: Vec<_> = walk.iter().map(|step| step.action.to_string()).collect();
            prop_assert!(
                false,
                "{:#?}\nthe walk:\n{}\nthe trace is kept: plimsoll replay --together {}",
                judged.result,
                walk.join("\n"),
                kept.display()
            );
        }
    }
}
