//! For each part of the rules the scenario that exercises it, in a sentence.

/// Changes of role, the features they need, and how they come about.
pub const ROLES: [(&str, &[&str], &str); 7] = [
    (
        "follower > candidate",
        &[],
        "An election timeout passes at a follower.",
    ),
    (
        "candidate > leader",
        &[],
        "A candidate gets the votes of a majority.",
    ),
    (
        "candidate > follower",
        &[],
        "Two servers stand for election in one term, and one hears of the other's victory.",
    ),
    (
        "leader > follower",
        &[],
        "A leader is cut off, another one is elected, and the network heals.",
    ),
    (
        "follower > pre-candidate",
        &["pre-vote"],
        "An election timeout passes where PreVote is on.",
    ),
    (
        "pre-candidate > candidate",
        &["pre-vote"],
        "A majority would vote for a server that asked.",
    ),
    (
        "pre-candidate > follower",
        &["pre-vote"],
        "A server that asks who would vote hears of a leader, or of a higher term.",
    ),
];

/// Why nothing that only other dialects do is in a trace of this repository's
/// implementation.
pub const ELSEWHERE: &str = "it follows the rules of etcd-raft, and these are another dialect's";

/// Why no trace of this repository's implementation shows an item of its own
/// dialect.
pub fn beyond(kind: &str, name: &str) -> Option<&'static str> {
    let reason = match (kind, name) {
        ("action", "tick") | ("branch", "ticked" | "lease-expired" | "read-served-by-lease") => {
            "it confirms every read by a round of messages and has no leases, and a trace has no \
             clock"
        }
        ("action", "wipe") | ("branch", "wiped") => {
            "a node of it that was removed keeps its disk, and a trace has no line for a new one"
        }
        ("action", "retry") => {
            "it has no sessions: a command that is sent again is another operation, in it and in \
             its traces"
        }
        ("branch", "own-vote-counted") => {
            "no message of it goes to itself, so that its own vote is counted when the election is \
             won, and no line shows that it was before"
        }
        _ => return None,
    };
    Some(reason)
}

/// The scenario that exercises an item.
pub fn of(kind: &str, name: &str) -> String {
    match kind {
        "action" => action(name).to_owned(),
        "branch" => branch(name).to_owned(),
        "fault" => fault(name),
        _ => ROLES
            .iter()
            .find(|row| row.0 == name)
            .map_or("", |row| row.2)
            .to_owned(),
    }
}

fn fault(name: &str) -> String {
    let of = |kind: &str| match kind {
        "request-vote" => "The request for a vote",
        "vote" => "A vote",
        "append" => "An append",
        "append-ack" => "The answer to an append",
        "heartbeat" => "A heartbeat of its own kind",
        "heartbeat-ack" => "The answer to a heartbeat",
        "request-pre-vote" => "The question who would vote",
        "pre-vote" => "The answer whether a vote would be given",
        "timeout-now" => "The order to campaign at once",
        "request-read" => "A follower's question where it may read",
        "read-index" => "The answer where a follower may read",
        "install-snapshot" => "A snapshot",
        _ => "A message",
    };
    if let Some((kind, fault)) = name
        .rsplit_once(' ')
        .filter(|(kind, _)| !kind.contains(' '))
    {
        let happens = match fault {
            "lost" => "is lost, and something that its sender says later arrives",
            "repeated" => "arrives twice",
            "overtaken" => "arrives after what its sender said later",
            "late" => "arrives when its receiver is in a later term",
            _ => "",
        };
        if !happens.is_empty() {
            return format!("{} {happens}.", of(kind));
        }
    }
    match name {
        "link cut off" => {
            "The network parts: nothing of what one server sends another arrives for a while."
        }
        "crash with all durable" => "A server crashes when nothing is being written.",
        "crash that kept a write" => {
            "A server crashes when a write has reached the disk, and before it is told so."
        }
        "crash that tore a write" => "A crash leaves a part of the write under way.",
        "crash that lost a write" => "A crash loses the write under way.",
        _ => "",
    }
    .to_owned()
}

fn action(name: &str) -> &'static str {
    match name {
        "campaign" => "An election timeout passes.",
        "receive-request-vote" => "A candidate asks another server for its vote.",
        "receive-vote" => "A vote arrives at who asked for it.",
        "receive-append" => "An append of a leader arrives.",
        "receive-append-ack" => "An answer to an append arrives at its leader.",
        "receive-heartbeat" => "A heartbeat of its own kind arrives.",
        "receive-heartbeat-ack" => "An answer to a heartbeat arrives at its leader.",
        "receive-request-pre-vote" => "A server asks others whether they would vote for it.",
        "receive-pre-vote" => "The answer whether a vote would be given arrives.",
        "receive-timeout-now" => "A leader hands over, and the next one is told to campaign.",
        "receive-request-read" => "A client reads at a follower, which asks its leader.",
        "receive-read-index" => "A leader tells a follower at which index it may read.",
        "receive-install-snapshot" => {
            "A follower falls behind the compacted log of its leader, and a snapshot arrives."
        }
        "write" => "A client writes at the leader.",
        "send-append" => "A leader sends entries.",
        "send-heartbeat" => "A leader sends a heartbeat of its own kind.",
        "send-snapshot" => "A follower falls behind the compacted log of its leader.",
        "advance-commit" => "A majority holds an entry of the leader's term.",
        "apply" => "A committed entry is applied.",
        "begin-read" => "A client asks the leader for a linearizable read.",
        "release-read" => "A majority has answered since a read began.",
        "write-completed" => "A write to disk completes in a step of its own.",
        "count-own-vote" => "A candidate's own vote becomes durable.",
        "count-own-entries" => "A leader's own entries become durable.",
        "restart" => "A server crashes and comes back.",
        "lose-leader" => "A follower hears nothing of its leader for an election timeout.",
        "check-quorum" => "An election timeout passes at a leader that checks its quorum.",
        "transfer" => "The operator asks the leader to hand over.",
        "send-timeout-now" => "The next leader has caught up, and is told to campaign.",
        "abort-transfer" => "A transfer does not end within an election timeout.",
        "tick" => "Clocks tick, where there are leases.",
        "change" => "The operator adds, removes, promotes or demotes a server.",
        "leave-joint" => "A leader leaves a joint configuration by itself.",
        "wipe" => "A removed server's machine is replaced by one with nothing, and joins.",
        "compact" => "A server replaces the applied prefix of its log by a snapshot.",
        "retry" => "A client sends a command again whose answer it did not get.",
        _ => "",
    }
}

fn branch(name: &str) -> &'static str {
    match name {
        "campaigned" => "An election timeout passes.",
        "vote-granted" => "A candidate with an up-to-date log asks for an unused vote.",
        "vote-refused" => {
            "Two servers stand for election in one term, or a candidate's log is behind."
        }
        "vote-counted" => "A vote arrives that makes no majority yet: five servers.",
        "refusal-counted" => "A candidate is refused a vote.",
        "became-leader" => "A candidate gets the vote that makes a majority.",
        "vote-lost" => "So many refuse that a candidate cannot win any more.",
        "stale-ignored" => {
            "A cut-off leader's messages arrive after another one was elected, without \
             CheckQuorum and PreVote."
        }
        "stale-refused" => {
            "A cut-off leader's messages arrive after another one was elected, and are answered."
        }
        "unexpected" => "A late answer arrives at a server that leads or asks no more.",
        "wrote" => "A client writes at the leader.",
        "sent-append" => "A leader sends entries.",
        "sent-heartbeat" => "A leader sends a heartbeat of its own kind.",
        "append-matched" => "An append arrives twice, or without entries.",
        "appended" => "An append brings new entries.",
        "append-replaced" => {
            "A cut-off leader appends entries that nobody gets, and its successor's replace them."
        }
        "append-rejected" => "An append is lost, and the one behind it arrives.",
        "append-below-commit" => "An old append arrives when what it brings is long committed.",
        "progress-noted" => "A follower acknowledges an append.",
        "rejection-noted" => "A follower's rejection arrives at its leader.",
        "heartbeat-received" => "A heartbeat arrives.",
        "heartbeat-acked" => "An answer to a heartbeat arrives.",
        "committed" => "A majority holds an entry of the leader's term.",
        "applied" => "A committed entry is applied.",
        "configuration-applied" => "A committed change of the configuration is applied.",
        "read-begun" => "A client asks the leader for a linearizable read.",
        "read-released" => "A majority has answered since a read began.",
        "write-done" => "A write to disk completes in a step of its own.",
        "own-vote-counted" => "A candidate's own vote becomes durable before others vote.",
        "own-entries-counted" => "A leader's own entries become durable.",
        "restarted-durable" => {
            "A server crashes when nothing is being written, or all of it is lost."
        }
        "restarted-written" => "A crash cuts off a write, of which all or a part survives.",
        "read-forwarded" => "A client reads at a follower.",
        "read-index-sent" => "A follower's read is confirmed by a round of its leader.",
        "read-index-learned" => "A follower is told its read index.",
        "pre-campaigned" => "An election timeout passes where PreVote is on.",
        "pre-vote-granted" => "A server with an up-to-date log asks who would vote for it.",
        "pre-vote-refused" => "A server that was cut off and is behind asks who would vote for it.",
        "pre-vote-counted" => "Somebody would vote, no majority yet: five servers.",
        "candidate-disregarded" => {
            "A server that lost its leader stands for election while the others hear it."
        }
        "leader-unheard" => "A follower hears nothing of its leader for an election timeout.",
        "quorum-heard" => "A leader checks its quorum, and is heard.",
        "quorum-lost" => "A leader is cut off for an election timeout, and steps down.",
        "transfer-begun" => "The operator asks the leader to hand over.",
        "sent-timeout-now" => "The next leader has caught up, and is told to campaign.",
        "transfer-aborted" => "The next leader is cut off, and the transfer is given up.",
        "campaigned-at-once" => "A server is told by its leader to campaign.",
        "stale-write-done" => {
            "With asynchronous storage, entries are replaced before their write completes."
        }
        "ticked" => "A clock ticks, where there are leases.",
        "lease-expired" => "A leader hears nobody until its lease ends.",
        "read-served-by-lease" => "A client reads while the leader's lease runs.",
        "change-appended" => "The operator adds, removes, promotes or demotes a server.",
        "joint-left" => "A leader leaves a joint configuration by itself.",
        "not-heard" => "An answer of a removed server arrives at the leader.",
        "wiped" => "A removed server's machine is replaced by one with nothing, and joins.",
        "compacted" => "A server replaces the applied prefix of its log by a snapshot.",
        "sent-snapshot" => "A follower falls behind the compacted log of its leader.",
        "snapshot-ignored" => "A snapshot arrives twice, or late.",
        "snapshot-fast-forwarded" => {
            "A snapshot arrives whose last entry its receiver has, and has not committed."
        }
        "snapshot-retained" => {
            "The same, where the receiver saves the snapshot and keeps the entries behind it."
        }
        "snapshot-installed" => "A snapshot replaces the log of a follower that was far behind.",
        "append-below-snapshot" => {
            "An old append arrives at a server that compacted its log since."
        }
        "commit-told" => {
            "Who is behind with its commit index is refused a vote, refuses one, or is told where to read."
        }
        "candidacy-dropped" => {
            "A candidate is refused by a server that knows of a committed configuration which the candidate holds and has not applied."
        }
        _ => "",
    }
}
