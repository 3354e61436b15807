//! Membership: part C of the catalogue, as far as it breaks safety.

use super::{About, Flaw};

pub(super) const TABLE: [About; 11] = [
    About {
        flaw: Flaw::ChangesBeforeOwnCommit,
        name: "changes-before-own-commit",
        code: "C1",
        source: "Ongaro, raft-dev, bug in single-server membership changes (2015)",
        mechanism: "a leader appends a change of one server before it has committed an entry of its \
                    term",
        breaks: "leader-completeness",
        expected_depth: 10,
    },
    About {
        flaw: Flaw::ChangesOverlap,
        name: "changes-overlap",
        code: "C2",
        source: "redpanda PR #17675",
        mechanism: "a leader appends a change while the one before is not committed",
        breaks: "leader-completeness",
        expected_depth: 13,
    },
    About {
        flaw: Flaw::CampaignsWithUnappliedConfiguration,
        name: "campaigns-with-unapplied-configuration",
        code: "C3",
        source: "etcd #7280, #5004; the TLA+ specification of etcd-io/raft, #456, PR #469",
        mechanism: "a server campaigns while a committed configuration is still to be applied, \
                    and counts a quorum of the one before",
        breaks: "election-safety",
        expected_depth: 6,
    },
    About {
        flaw: Flaw::VotesOfUnion,
        name: "votes-of-union",
        code: "C5",
        source: "microsoft/CCF #3948, PR #4018",
        mechanism: "in a joint configuration a majority of all servers in either half elects",
        breaks: "leader-completeness",
        expected_depth: 13,
    },
    About {
        flaw: Flaw::OutsidersVotesCounted,
        name: "outsiders-votes-counted",
        code: "C6",
        source: "the TLA+ specification of microsoft/CCF, PR #5929",
        mechanism: "votes are counted toward a half of a joint configuration also when the voter \
                    is not in it",
        breaks: "leader-completeness",
        expected_depth: 13,
    },
    About {
        flaw: Flaw::EitherHalfIsHeard,
        name: "either-half-is-heard",
        code: "C7",
        source: "microsoft/CCF #7375",
        mechanism: "a leader that hears a majority of one half of a joint configuration takes \
                    its quorum for heard",
        breaks: "quorum-of-voters",
        expected_depth: 3,
    },
    About {
        flaw: Flaw::UncommittedChangeForgotten,
        name: "uncommitted-change-forgotten",
        code: "C13",
        source: "camunda #57386, #57389 (PR #58304)",
        mechanism: "a restarted server has the latest configuration in force that it knew to be \
                    committed, and not the latest in its log",
        breaks: "configuration-from-log",
        expected_depth: 4,
    },
    About {
        flaw: Flaw::SnapshotForgetsOutgoing,
        name: "snapshot-forgets-outgoing",
        code: "C15",
        source: "etcd #12637; raft-rs #416",
        mechanism: "a server that starts from a snapshot in a joint configuration has its new \
                    half alone in force",
        breaks: "applied-is-committed-prefix",
        expected_depth: 7,
    },
    About {
        flaw: Flaw::LateChangeOverSnapshot,
        name: "late-change-over-snapshot",
        code: "C16",
        source: "etcd #11510; tikv #6344",
        mechanism: "a change that is being applied is applied after all when a snapshot has brought a later configuration",
        breaks: "applied-is-committed-prefix",
        expected_depth: 5,
    },
    About {
        flaw: Flaw::EarlierMembershipCounted,
        name: "earlier-membership-counted",
        code: "C17",
        source: "drmingdrmer/raft-rejoin-bug; raft-rs #571; etcd-io/raft #349",
        mechanism: "an answer that a server gave before it was removed and added again, with \
                    nothing, counts as one of the server that is there now",
        breaks: "match-agrees",
        expected_depth: 16,
    },
    About {
        flaw: Flaw::CommitsWithoutOtherVoters,
        name: "commits-without-other-voters",
        code: "C18",
        source: "openraft beb0302b",
        mechanism: "a leader that was the only voter before a joint configuration commits in it \
                    without an answer",
        breaks: "quorum-of-voters",
        expected_depth: 3,
    },
];
