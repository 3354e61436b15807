//! What a header says of the implementation: which rule variants are in force.

use plimsoll_model::features::{self, Feature};
use plimsoll_model::settings::{Dialect, Durability, Settings, Storage};
use plimsoll_trace::Header;

use crate::verdict::{Ground, Stopped};

/// The features that a header may name. How a trace shows the others is not
/// said yet.
const FOLLOWED: [Feature; 8] = [
    features::PRE_VOTE,
    features::PRE_VOTE_LEADERLESS,
    features::CHECK_QUORUM,
    features::STICKY_LEADER,
    features::FOLLOWER_READS,
    features::SINGLE_SERVER_CHANGES,
    features::JOINT_CONSENSUS,
    features::LEARNERS,
];

/// The settings that a header names.
pub(super) fn settings(header: &Header) -> (Dialect, Settings) {
    let dialect = Dialect::by_name(&header.settings).unwrap_or(Dialect::Paper);
    let mut settings = dialect.settings(match header.durability {
        plimsoll_trace::Durability::Atomic => Durability::Atomic,
        plimsoll_trace::Durability::Deferred => Durability::Deferred,
    });
    settings.storage = match header.storage {
        plimsoll_trace::Storage::Sync => Storage::Sync,
        plimsoll_trace::Storage::ParallelAppend => Storage::ParallelAppend,
        plimsoll_trace::Storage::Async => Storage::Async,
    };
    for name in &header.features {
        if let Some(feature) = features::by_name(name) {
            (feature.switch_on)(&mut settings);
        }
    }
    (dialect, settings)
}

/// What of the header lies outside the model.
pub(super) fn unsupported(header: &Header) -> Option<Stopped> {
    let stopped = |ground, what: String| {
        Some(Stopped {
            ground,
            place: None,
            what,
        })
    };
    let atomic = header.durability == plimsoll_trace::Durability::Atomic;
    if atomic && header.storage == plimsoll_trace::Storage::Async {
        let what = "queued writes that are durable with their step".to_owned();
        return stopped(Ground::Unsupported, what);
    }
    if Dialect::by_name(&header.settings).is_none() {
        let what = format!("the settings {:?}", header.settings);
        return stopped(Ground::Unsupported, what);
    }
    let follows = |name: &String| FOLLOWED.iter().any(|feature| feature.name == name);
    if let Some(name) = header.features.iter().find(|name| !follows(name)) {
        return stopped(Ground::Unsupported, format!("the feature {name:?}"));
    }
    let config = &header.config;
    let some = |list: &Option<Vec<_>>| list.as_ref().is_some_and(|list| !list.is_empty());
    if some(&config.outgoing) || some(&config.learners) {
        let what = "a joint configuration, or learners, at the start".to_owned();
        return stopped(Ground::Unsupported, what);
    }
    if header.nodes.len() > plimsoll_model::ids::SERVERS_MAX || header.bootstrap > 255 {
        let what = "more nodes or bootstrap entries than the model holds".to_owned();
        return stopped(Ground::Unsupported, what);
    }
    None
}
