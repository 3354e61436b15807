//! Client sessions: the end of part E of the catalogue.

use super::{About, Flaw};

pub(super) const TABLE: [About; 5] = [
    About {
        flaw: Flaw::RetriesAppliedAgain,
        name: "retries-applied-again",
        code: "E15",
        source: "jetcd 0.8.2 (Jepsen 2024), jetcd #1444; khepri PR #250",
        mechanism: "the machine applies a command that was sent again as if it were new",
        breaks: "exactly-once",
        expected_depth: 4,
    },
    About {
        flaw: Flaw::SessionsNotInSnapshot,
        name: "sessions-not-in-snapshot",
        code: "E16",
        source: "copycat #10",
        mechanism: "a snapshot holds what commands did, and not the sessions: who starts from it \
                    has forgotten which commands it has applied",
        breaks: "exactly-once",
        expected_depth: 8,
    },
    About {
        flaw: Flaw::LatestCommandCompared,
        name: "latest-command-compared",
        code: "E17",
        source: "openraft, `memstore`: `if serial == &data.serial`",
        mechanism: "a command is a duplicate only if its number is that of the latest one of its \
                    client, so a late copy of an earlier one takes effect again",
        breaks: "exactly-once",
        expected_depth: 6,
    },
    About {
        flaw: Flaw::RetryAnsweredUncommitted,
        name: "retry-answered-uncommitted",
        code: "E18",
        source: "ruled out by copycat #80, which keeps the request until the first copy is applied",
        mechanism: "a leader that finds a command in its log answers at once when it is sent \
                    again, though it is not committed",
        breaks: "linearizable-writes",
        expected_depth: 13,
    },
    About {
        flaw: Flaw::CommandsPipelined,
        name: "commands-pipelined",
        code: "E19",
        source: "ruled out by ra #145, which takes no command but the next of its client",
        mechanism: "a client sends its next command before it has an answer to the last; where \
                    the later one is applied first, the earlier one is taken for a duplicate",
        breaks: "applied-is-committed-prefix",
        expected_depth: 13,
    },
];
