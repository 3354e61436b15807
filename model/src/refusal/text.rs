//! Each reason in a sentence, with the facts that decided.

use std::fmt;

use super::Refusal;

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Refusal::VoteUsed {
                node,
                term,
                given_to,
                candidate,
            } => write!(
                f,
                "{node} voted for {given_to} in term {term}, so it must not vote for {candidate} in term {term}"
            ),
            Refusal::LeaderKnown { node, term, leader } => {
                write!(
                    f,
                    "{node} already follows {leader}, the leader of term {term}"
                )
            }
            Refusal::LogBehind {
                node,
                own,
                candidate,
            } => write!(
                f,
                "{node}'s log ends at {own}, the candidate's only at {candidate}"
            ),
            Refusal::StaleTerm {
                node,
                term,
                message,
            } => write!(
                f,
                "{node} is in term {term}, the message is of term {message}"
            ),
            Refusal::NotAsking { node, term } => {
                write!(f, "{node} in term {term} is not waiting for this answer")
            }
            Refusal::SecondLeader { node, other, term } => {
                write!(f, "{node} leads term {term}, so {other} cannot lead it too")
            }
            Refusal::AlreadyLeader { node, term } => write!(f, "{node} leads term {term}"),
            Refusal::NotAVoter { node, config } if config.is_empty() => {
                write!(f, "{node} knows no configuration yet")
            }
            Refusal::NotAVoter { node, config } => {
                write!(f, "{node} is no voter of its configuration {config}")
            }
            Refusal::UnappliedConfiguration { node, index } => write!(
                f,
                "{node} has not applied the committed configuration at index {index}"
            ),
            Refusal::NotLeader { node, term } => write!(f, "{node} does not lead term {term}"),
            Refusal::NotAPeer { node, to } => {
                write!(f, "{to} is no peer in {node}'s configuration")
            }
            Refusal::NoSuchMessage { node } => write!(
                f,
                "{node}'s settings have no heartbeat but the append without entries"
            ),
            Refusal::PastTheEnd { node, index, last } => {
                write!(f, "{node}'s log ends at index {last}, before index {index}")
            }
            Refusal::NoMatch {
                node,
                prev,
                have: Some(have),
            } => write!(
                f,
                "{node} has term {have} at index {}, the append says {prev}",
                prev.index
            ),
            Refusal::NoMatch {
                node,
                prev,
                have: None,
            } => write!(f, "{node} has no entry at index {}", prev.index),
            Refusal::CommittedAlready {
                node,
                index,
                commit,
            } => write!(
                f,
                "{node} has committed up to {commit}, index {index} is not new"
            ),
            Refusal::EarlierTerm { node, entry, term } => write!(
                f,
                "{node} leads term {term}, and entry {entry} is of an earlier term"
            ),
            Refusal::NoQuorum {
                node,
                index,
                holders,
                config,
            } => write!(
                f,
                "index {index} is durable on {holders} as far as {node} knows, no majority of {config}"
            ),
            Refusal::NothingToApply { node, commit } => {
                write!(
                    f,
                    "{node} has applied everything up to its commit index {commit}"
                )
            }
            Refusal::NoOwnCommit { node, term, commit } => write!(
                f,
                "{node} leads term {term}, but the last entry it knows committed is {commit}"
            ),
            Refusal::NoSuchRead { node, read } => write!(f, "{node} has no open read {read}"),
            Refusal::Unconfirmed {
                node,
                read,
                acks,
                config,
            } => write!(
                f,
                "since read {read} began, {acks} confirmed {node}, no majority of {config}"
            ),
            Refusal::NoReadIndex { node, read } => {
                write!(
                    f,
                    "{node}'s leader has not said at which index to serve read {read}"
                )
            }
            Refusal::NotApplied {
                node,
                read,
                index,
                applied,
            } => write!(
                f,
                "read {read} needs index {index}, {node} has applied up to {applied}"
            ),
            Refusal::LeaderHeard { node, term } => write!(
                f,
                "{node} heard from the leader of term {term} within the election timeout"
            ),
            Refusal::HandingOver { node, to } => {
                write!(f, "{node} is handing leadership over to {to}")
            }
            Refusal::NotHandingOver { node, to } => {
                write!(f, "{node} is not handing leadership over to {to}")
            }
            Refusal::TargetBehind {
                node,
                to,
                matched,
                last,
            } => write!(
                f,
                "{to} is known to match up to index {matched}, {node}'s log ends at {last}"
            ),
            Refusal::QuorumLost {
                node,
                active,
                config,
            } => write!(
                f,
                "since its last check {node} heard from {active}, no majority of {config}"
            ),
            Refusal::NotDurable {
                node,
                durable,
                index,
            } => write!(
                f,
                "{node}'s log is durable up to index {durable}, not up to {index}"
            ),
            Refusal::OwnVoteNotDurable {
                node,
                term,
                durable,
            } => write!(
                f,
                "{node}'s vote for itself in term {term} is not durable (durable term {durable}) or is counted already"
            ),
            Refusal::NothingToWrite { node } => write!(f, "{node} has no write under way"),
            Refusal::NeverWritten { node } => {
                write!(f, "{node} never wrote what it recovered")
            }
            Refusal::DurableIsKept { node } => {
                write!(f, "{node} recovered less than was durable")
            }
            Refusal::NotNext {
                node,
                to,
                after,
                next,
            } => write!(
                f,
                "{node} sends {to} index {next} next, not what follows {after}"
            ),
            Refusal::Waits { node, to } => {
                write!(f, "{node} waits for an answer of {to} before it sends more")
            }
            Refusal::NotPromised { node } => {
                write!(
                    f,
                    "{node}'s storage promises that a crash leaves no such part of a write"
                )
            }
            Refusal::NoLease { node, term } => write!(
                f,
                "{node} leads term {term}, and no majority has answered a round that is younger than a lease"
            ),
            Refusal::NoTimer { node } => write!(f, "{node}'s clock has nothing to count"),
            Refusal::TimeoutRuns {
                node,
                waited,
                timeout,
            } => write!(
                f,
                "{node}'s clock has counted {waited} of {timeout} ticks since it heard a leader"
            ),
            Refusal::ClockAhead {
                node,
                leader,
                round,
            } => write!(
                f,
                "{node}'s clock is ahead of {leader}'s by all that clocks may drift since round {round} was sent"
            ),
            Refusal::NoSuchChange { node } => {
                write!(f, "{node}'s settings have no change of this kind")
            }
            Refusal::ChangePending { node, index, upto } => write!(
                f,
                "there may be a change at index {index}, and {node} is only at {upto}"
            ),
            Refusal::ChangeBeforeOwnCommit { node, term, commit } => write!(
                f,
                "{node} leads term {term}, and the last entry it knows committed is {commit}, so others may have changed the configuration since"
            ),
            Refusal::Joint { node, config } if config.is_joint() => write!(
                f,
                "{node}'s configuration {config} is joint, and must be left first"
            ),
            Refusal::Joint { node, config } => write!(
                f,
                "{node}'s configuration {config} is not joint, so there is nothing to leave"
            ),
            Refusal::NoAutoLeave { node, config } => {
                write!(f, "{node} does not leave {config} by itself")
            }
            Refusal::UnfitChange { node, config, next } => write!(
                f,
                "{node}'s configuration {config} must not be followed by {next}"
            ),
            Refusal::ConfigurationNotInLog { node, config } => write!(
                f,
                "{node} started with {config}, of which the log says nothing"
            ),
            Refusal::EarlierMembership { node, from, joined } => write!(
                f,
                "{from} is a member since index {joined}, and answers what {node} sent before"
            ),
            Refusal::Compacted { node, index, base } => write!(
                f,
                "{node}'s log is compacted up to {base}, so it does not have index {index}"
            ),
            Refusal::Unapplied {
                node,
                index,
                applied,
            } => write!(
                f,
                "{node} has applied up to {applied}, so no snapshot of it reaches to {index}"
            ),
            Refusal::StillInLog {
                node,
                to,
                matched,
                base,
            } => write!(
                f,
                "{to} matches up to {matched}, and {node}'s log is compacted only up to {base}"
            ),
            Refusal::SnapshotBehind { node, last, known } => write!(
                f,
                "the snapshot ends at {last}, and {node} needs none up to {known}"
            ),
            Refusal::NotAMember { node, config } => write!(
                f,
                "{node} leads on and is no member of its configuration {config}"
            ),
            Refusal::NotInSnapshot { node, config } => {
                write!(f, "{node} is not in the snapshot's configuration {config}")
            }
        }
    }
}
