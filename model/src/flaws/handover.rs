//! PreVote and leadership transfer: part D of the catalogue, as far as
//! properties show it.

use super::{About, Flaw};

pub(super) const TABLE: [About; 3] = [
    About {
        flaw: Flaw::PreVoteIgnoresLog,
        name: "pre-vote-ignores-log",
        code: "D6",
        source: "ClickHouse/NuRaft PR #134",
        mechanism: "who hears no leader would vote for anybody, whatever the asker's log, so a \
                    server that cannot win raises the term and deposes the leader",
        breaks: "pre-vote-is-a-vote",
        expected_depth: 10,
    },
    About {
        flaw: Flaw::TransferTargetAsksFirst,
        name: "transfer-target-asks-first",
        code: "D7",
        source: "canonical/raft #203; RedisLabs/raft #88",
        mechanism: "a server that its leader tells to start an election asks first who would \
                    vote, and those who hear the leader would not",
        breaks: "transfer-elects-at-once",
        expected_depth: 13,
    },
    About {
        flaw: Flaw::WritesWhileHandingOver,
        name: "writes-while-handing-over",
        code: "D8",
        source: "hashicorp/raft PR #487",
        mechanism: "a leader that hands over goes on to take commands, so the next leader's log \
                    is behind when it stands for election, and the old one refuses its vote",
        breaks: "transfer-takes-no-commands",
        expected_depth: 5,
    },
];
