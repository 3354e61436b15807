//! Which rule book it is: a hash of all that decides successors and verdicts.

macro_rules! sources {
    ($($path:literal),* $(,)?) => {
        /// The sources, by their path below `model/src`.
        pub const ALL: &[(&str, &str)] = &[
            $( ($path, include_str!(concat!("../", $path))) ),*
        ];
    };
}

sources![
    "action.rs",
    "book/coverage.rs",
    "book/mod.rs",
    "book/names.rs",
    "book/post.rs",
    "book/servers.rs",
    "book/sources.rs",
    "book/tally.rs",
    "book/turns.rs",
    "book/worker.rs",
    "bounds.rs",
    "clocks.rs",
    "cluster.rs",
    "config.rs",
    "contracts.rs",
    "features.rs",
    "field.rs",
    "flaws.rs",
    "flaws/elections.rs",
    "flaws/handover.rs",
    "flaws/liveness.rs",
    "flaws/membership.rs",
    "flaws/reads.rs",
    "flaws/replication.rs",
    "flaws/sessions.rs",
    "history.rs",
    "ids.rs",
    "log.rs",
    "message.rs",
    "network.rs",
    "prefix.rs",
    "progress.rs",
    "properties/adjacent_quorums.rs",
    "properties/applied_is_committed_prefix.rs",
    "properties/applied_monotonic.rs",
    "properties/commands.rs",
    "properties/commit_monotonic.rs",
    "properties/commit_within_log.rs",
    "properties/committed_is_durable.rs",
    "properties/configs.rs",
    "properties/configuration_from_log.rs",
    "properties/durable_term_monotonic.rs",
    "properties/election_safety.rs",
    "properties/exactly_once.rs",
    "properties/leader_append_only.rs",
    "properties/leader_completeness.rs",
    "properties/lease_exclusive.rs",
    "properties/linearizable_reads.rs",
    "properties/linearizable_writes.rs",
    "properties/log_matching.rs",
    "properties/log_terms_ascend.rs",
    "properties/match_agrees.rs",
    "properties/match_monotonic.rs",
    "properties/mod.rs",
    "properties/one_change_at_a_time.rs",
    "properties/next_above_match.rs",
    "properties/one_vote_per_term.rs",
    "properties/pre_vote_is_a_vote.rs",
    "properties/quorum_of_voters.rs",
    "properties/snapshot_equals_prefix.rs",
    "properties/state_machine_safety.rs",
    "properties/term_monotonic.rs",
    "properties/transfer_elects_at_once.rs",
    "properties/transfer_takes_no_commands.rs",
    "refusal.rs",
    "refusal/text.rs",
    "rules/changes.rs",
    "rules/commit.rs",
    "rules/durability.rs",
    "rules/election.rs",
    "rules/flow.rs",
    "rules/lease.rs",
    "rules/membership.rs",
    "rules/mod.rs",
    "rules/prevote.rs",
    "rules/quorum.rs",
    "rules/reads.rs",
    "rules/replication.rs",
    "rules/sessions.rs",
    "rules/snapshot.rs",
    "rules/transfer.rs",
    "scenario.rs",
    "server.rs",
    "sessions.rs",
    "settings.rs",
    "settings/assign.rs",
    "shared.rs",
    "storage.rs",
    "symmetry.rs",
    "witnesses.rs",
    "witnesses/membership.rs",
    "witnesses/sessions.rs",
    "witnesses/snapshots.rs",
];

/// The XXH3 of [`ALL`], names and texts: a search is taken up again only by
/// the sources that began it.
pub fn hash() -> u64 {
    let mut all = String::new();
    for (path, text) in ALL {
        // Lengths keep one file's end from passing for another's beginning.
        all.push_str(&format!("{path} {}\n{text}", text.len()));
    }
    xxhash_rust::xxh3::xxh3_64(all.as_bytes())
}
