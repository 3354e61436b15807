//! The facts that show a property broken, in sentences with names in them.
//!
//! The property itself is judged in the model. This only tells what it saw, so
//! every function here may find nothing and then says nothing.

use plimsoll_model::action::Action;
use plimsoll_model::cluster::State;
use plimsoll_model::counterexample::Frame;
use plimsoll_model::history::Committed;
use plimsoll_model::ids::{Index, NodeId, NodeSet, Position};
use plimsoll_model::log::{InlineLog, Log, Payload};
use plimsoll_model::message::Body;
use plimsoll_model::rules::{Branch, Input};
use plimsoll_model::scenario::Scenario;
use plimsoll_model::server::{Role, Server};

/// The facts of `property`, broken by `frame` after the state `before`.
pub fn broken(property: &str, before: &State, frame: &Frame, scenario: &Scenario) -> Vec<String> {
    let after = &frame.step.after;
    let actor = match &frame.action {
        Action::Step { node, .. } => Some((*node, &before.servers[*node], &after.servers[*node])),
        _ => None,
    };
    match (property, actor) {
        ("election-safety", _) => two_leaders(after),
        ("leader-completeness", _) => incomplete_leader(after),
        ("committed-is-durable", _) => not_on_a_majority(after, scenario),
        ("state-machine-safety", _) => different_prefixes(after),
        ("log-matching", _) => logs_differ_below_a_match(after),
        ("lease-exclusive", _) => overlapped_lease(after, scenario),
        ("linearizable-reads", Some((node, old, _))) => {
            stale_read(node, old, before, frame, scenario)
        }
        ("match-agrees", _) => taken_to_match(after),
        ("match-monotonic", Some((node, old, new))) => forgets_a_match(node, old, new),
        ("applied-is-committed-prefix", _) => applied_otherwise(after, scenario),
        ("snapshot-equals-prefix", _) => snapshot_of_something_else(after),
        ("exactly-once", _) => applied_twice(after, scenario),
        ("linearizable-writes", _) => answered_otherwise(after, scenario),
        ("one-vote-per-term", Some((node, old, new))) => second_vote(node, old, new, frame),
        ("quorum-of-voters", Some((node, old, _))) => counted(node, old),
        ("one-change-at-a-time" | "adjacent-quorums-overlap" | "configuration-from-log", _) => {
            configurations(after)
        }
        ("pre-vote-is-a-vote", Some((node, old, _))) => would_not_vote(node, old, frame),
        ("transfer-elects-at-once", Some((node, _, new))) => vec![format!(
            "{node} is told to start an election, and is a {} of term {} after that",
            new.role.name(),
            new.term
        )],
        ("transfer-takes-no-commands", Some((node, old, new))) => vec![format!(
            "{node} hands over, and its log goes from {} to {}",
            old.log.last(),
            new.log.last()
        )],
        ("commit-within-log", Some((node, old, _))) => told_to_commit(node, old, frame),
        ("next-above-match", _) => sends_what_matches(after),
        ("log-terms-ascend", _) => terms_that_fall(after),
        ("leader-append-only", Some((node, old, new))) => vec![format!(
            "{node} leads term {} and its log went from {} to {}",
            new.term,
            old.log.last(),
            new.log.last()
        )],
        ("term-monotonic", Some((node, old, new))) => {
            vec![went_back(node, "term", old.term, new.term)]
        }
        ("commit-monotonic", Some((node, old, new))) => {
            vec![went_back(node, "commit index", old.commit, new.commit)]
        }
        ("applied-monotonic", Some((node, old, new))) => {
            vec![went_back(node, "applied index", old.applied, new.applied)]
        }
        ("durable-term-monotonic", Some((node, old, new))) => vec![went_back(
            node,
            "durable term",
            old.durable.term,
            new.durable.term,
        )],
        _ => Vec::new(),
    }
}

/// Why a server would not vote for the one that it tells that it would.
fn would_not_vote<L: Log>(node: NodeId, server: &Server<L>, frame: &Frame) -> Vec<String> {
    let Action::Step {
        input: Input::Receive { message },
        ..
    } = &frame.action
    else {
        return Vec::new();
    };
    let Body::RequestPreVote { last } = *message.body.plain() else {
        return Vec::new();
    };
    let (from, own) = (message.from, server.log.last());
    if last < own {
        return vec![format!(
            "{node}'s log ends at {own} and {from}'s at {last}, and {node} would vote for {from}"
        )];
    }
    let led = match server.role {
        Role::Leader { .. } => format!("leads term {}", server.term),
        _ => format!("hears the leader of term {}", server.term),
    };
    vec![format!("{node} {led}, and would vote for {from}")]
}

/// To whom a leader sends next what it knows to match.
fn sends_what_matches(state: &State) -> Vec<String> {
    let mut told = Vec::new();
    for (node, server) in state.servers.iter() {
        let Role::Leader { matched, .. } = &server.role else {
            continue;
        };
        for (id, known) in matched.iter() {
            let next = matched.flow(id).map(|flow| flow.next);
            if let Some(next) = next.filter(|next| next <= known) {
                told.push(format!(
                    "{node} knows {id} to match up to {known}, and sends index {next} next"
                ));
            }
        }
    }
    told
}

/// Entries behind one of a later term, or of a later term than their server's.
fn terms_that_fall(state: &State) -> Vec<String> {
    let mut told = Vec::new();
    for (node, server) in state.servers.iter() {
        let entries = server.log.entries();
        let positions = entries.iter().enumerate();
        let positions = positions.map(|(i, entry)| Position::new(Index(i as u64 + 1), entry.term));
        let positions: Vec<Position> = positions.collect();
        for pair in positions
            .windows(2)
            .filter(|pair| pair[0].term > pair[1].term)
        {
            told.push(format!("{node}'s log has {} behind {}", pair[1], pair[0]));
        }
        if let Some(later) = positions.iter().find(|at| at.term > server.term) {
            told.push(format!("{node} is in term {} and has {later}", server.term));
        }
    }
    told
}

/// What a server counts, and which configuration it takes for its own.
fn counted<L: Log>(node: NodeId, server: &Server<L>) -> Vec<String> {
    let config = server.config;
    let what = match &server.role {
        Role::Leader { matched, .. } => {
            let known = matched.iter().map(|(id, index)| format!("{id}:{index}"));
            format!("knows {} to match", known.collect::<Vec<_>>().join(" "))
        }
        Role::Candidate { granted, .. } => format!("has votes of {granted}"),
        _ => return Vec::new(),
    };
    vec![format!(
        "{node} of configuration {config} {what}, which is no majority of what its log says"
    )]
}

/// Which configuration each server has, and which changes its log holds.
fn configurations(state: &State) -> Vec<String> {
    let told = state.servers.iter().map(|(id, server)| {
        let entries = server.log.entries().iter().enumerate();
        let changes = entries.filter_map(|(i, entry)| match entry.payload {
            Payload::Config { change } => Some(format!("{}@{}: {change}", i + 1, entry.term)),
            _ => None,
        });
        let changes = changes.collect::<Vec<_>>().join(", ");
        format!(
            "{id} has configuration {}, changes {changes}",
            server.config
        )
    });
    told.collect()
}

fn went_back(
    node: NodeId,
    what: &str,
    from: impl std::fmt::Display,
    to: impl std::fmt::Display,
) -> String {
    format!("the {what} of {node} went back from {from} to {to}")
}

fn two_leaders(state: &State) -> Vec<String> {
    let doubled = state.history.led.iter().filter(|led| led.by.len() > 1);
    doubled
        .map(|led| format!("{} have both led term {}", and(led.by), led.term))
        .collect()
}

/// `n1 and n3`.
fn and(nodes: NodeSet) -> String {
    let names: Vec<String> = nodes.iter().map(|id| id.to_string()).collect();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        names => names.concat(),
    }
}

/// What `server` has at the index of `position`.
fn has_there<L: Log>(server: &Server<L>, index: Index) -> String {
    match server.log.held(index) {
        Some(entry) => format!("has {}", Position::new(index, entry.term)),
        None => format!(
            "has nothing at index {index}: its log ends at {}",
            server.log.last()
        ),
    }
}

fn incomplete_leader(state: &State) -> Vec<String> {
    let mut facts = Vec::new();
    for (id, leader) in state.servers.iter().filter(|(_, s)| s.role.is_leader()) {
        for committed in &state.history.committed {
            let position = committed.position;
            if committed.term < leader.term && !leader.log.holds(position) {
                let by = state.history.led.iter().find(|l| l.term == committed.term);
                facts.push(format!(
                    "{} committed {position} as leader of term {}",
                    by.map_or("somebody".to_owned(), |led| and(led.by)),
                    committed.term
                ));
                facts.push(format!(
                    "{id} leads the later term {} and {}",
                    leader.term,
                    has_there(leader, position.index)
                ));
            }
        }
    }
    facts
}

fn not_on_a_majority(state: &State, scenario: &Scenario) -> Vec<String> {
    let voters = scenario.bounds.voters();
    let mut facts = Vec::new();
    for committed in &state.history.committed {
        let position = committed.position;
        let holders: NodeSet = state
            .servers
            .iter()
            .filter(|(_, s)| s.durable_term_at(position.index) == Some(position.term))
            .map(|(id, _)| id)
            .collect();
        if scenario.settings.changes() {
            facts.push(format!(
                "{position} was committed in term {}, {holders} hold it durably, and a server that lacks it could win",
                committed.term
            ));
        } else if !voters.has_quorum(holders) {
            facts.push(format!(
                "{position} was committed in term {}, and of {voters} only {holders} hold it durably",
                committed.term
            ));
        }
    }
    facts
}

fn different_prefixes(state: &State) -> Vec<String> {
    let mut facts = Vec::new();
    for (id, a) in state.servers.iter() {
        for committed in &state.history.committed {
            let position = committed.position;
            if position.index <= a.commit && !a.log.holds(position) {
                facts.push(format!(
                    "{position} was committed in term {}; {id} has committed up to {} and {}",
                    committed.term,
                    a.commit,
                    has_there(a, position.index)
                ));
            }
        }
        for (other, b) in state.servers.iter().filter(|&(other, _)| other > id) {
            let both = a.commit.min(b.commit).0;
            let differs = (1..=both)
                .map(Index)
                .find(|&index| a.log.held(index) != b.log.held(index));
            if let Some(index) = differs {
                facts.push(format!(
                    "both have committed index {index}: there {id} {} and {other} {}",
                    has_there(a, index),
                    has_there(b, index)
                ));
            }
        }
    }
    facts
}

fn logs_differ_below_a_match(state: &State) -> Vec<String> {
    let mut facts = Vec::new();
    for (id, a) in state.servers.iter() {
        for (other, b) in state.servers.iter().filter(|&(other, _)| other > id) {
            let shorter = a.log.last_index().min(b.log.last_index()).0;
            let indexes = (1..=shorter).map(Index);
            let agree = indexes.clone().rev().find(|&index| {
                a.log.held(index).map(|e| e.term) == b.log.held(index).map(|e| e.term)
            });
            let differ = indexes
                .clone()
                .find(|&index| a.log.held(index) != b.log.held(index));
            if let (Some(agree), Some(differ)) = (agree, differ)
                && differ <= agree
            {
                facts.push(format!(
                    "{id} and {other} agree on the term at index {agree} and differ at index {differ}"
                ));
            }
        }
    }
    facts
}

fn stale_read(
    node: NodeId,
    server: &Server<plimsoll_model::log::InlineLog>,
    before: &State,
    frame: &Frame,
    scenario: &Scenario,
) -> Vec<String> {
    let read = match &frame.action {
        Action::Step {
            input: Input::ReleaseRead { read },
            ..
        } => read,
        Action::Step {
            input: Input::BeginRead { read },
            ..
        } => {
            let floor = before.history.highest_commit();
            if frame.step.outcome.map(|outcome| outcome.branch) == Some(Branch::ReadServedByLease) {
                return served_by_lease(node, server, before, scenario);
            }
            return vec![
                format!(
                    "entries up to index {floor} were committed and could have been acknowledged"
                ),
                format!(
                    "{node} answers read {read} at once and has applied only up to {}",
                    server.applied
                ),
            ];
        }
        _ => return Vec::new(),
    };
    let asked = server.asked.iter().find(|asked| asked.id == *read);
    if let (Some(asked), Some(open)) = (
        asked,
        before.history.reads.iter().find(|open| open.id == *read),
    ) {
        let told = asked
            .index
            .map_or("no index".to_owned(), |index| format!("index {index}"));
        return vec![
            format!(
                "when read {read} began, entries up to index {} were committed and could have been acknowledged",
                open.floor
            ),
            format!(
                "{node}'s leader told it {told}, and it answers with what it has applied, up to {}",
                server.applied
            ),
        ];
    }
    let Role::Leader { reads, .. } = &server.role else {
        return vec![format!("{node} serves {read} and leads no term")];
    };
    let begun = reads.iter().find(|open| open.id == *read);
    let open = before.history.reads.iter().find(|open| open.id == *read);
    let (Some(begun), Some(open)) = (begun, open) else {
        return vec![format!("{node} serves {read}, which never began")];
    };
    let mut facts = Vec::new();
    for committed in &before.history.committed {
        if committed.position.index > begun.index {
            facts.push(format!(
                "{} was committed in term {}",
                committed.position, committed.term
            ));
        }
    }
    facts.push(format!(
        "when read {read} began, entries up to index {} were committed and could have been acknowledged",
        open.floor
    ));
    let what = if begun.index < open.floor {
        "it misses what was acknowledged before it began".to_owned()
    } else {
        format!("{node} has committed only up to {}", server.commit)
    };
    facts.push(format!("{node} serves it at index {}: {what}", begun.index));
    facts
}

/// What a leader that reads by its lease misses, and how its lease came to be.
fn served_by_lease(
    node: NodeId,
    server: &Server<plimsoll_model::log::InlineLog>,
    before: &State,
    scenario: &Scenario,
) -> Vec<String> {
    let mut facts = Vec::new();
    for committed in &before.history.committed {
        if committed.position.index > server.commit {
            facts.push(format!(
                "{} was committed in term {} and could have been acknowledged",
                committed.position, committed.term
            ));
        }
    }
    facts.push(format!(
        "{node} leads term {} and serves the read at once, at its commit index {}: it misses what was acknowledged before",
        server.term, server.commit
    ));
    match lease_of(node, before, scenario) {
        Some(fact) => facts.push(fact),
        None => facts.push(format!("no lease of {node} runs")),
    }
    facts.extend(waited_out(node, before, scenario));
    facts
}

/// The round that the lease of `leader` rests on, if it runs.
fn lease_of(leader: NodeId, state: &State, scenario: &Scenario) -> Option<String> {
    let server = state.server(leader);
    let Role::Leader { lease, .. } = &server.role else {
        return None;
    };
    let lasts = scenario.settings.lease_ticks;
    let round = lease
        .rounds
        .iter()
        .find(|round| round.age < lasts && server.config.has_quorum(round.acks.with(leader)))?;
    Some(format!(
        "{leader}'s clock has counted {} of {lasts} ticks of a lease since it sent round {}, which {} answered",
        round.age,
        round.number,
        and(round.acks)
    ))
}

/// How far the clocks of others are ahead of the one of `leader` since it sent
/// the rounds that it counts on.
fn waited_out(leader: NodeId, state: &State, scenario: &Scenario) -> Vec<String> {
    let mut facts = Vec::new();
    let windows = state.clocks.windows().iter();
    for window in windows.filter(|window| window.leader == leader) {
        for (id, &slack) in window.slack.iter().filter(|&(id, _)| id != leader) {
            let counted = (u32::from(window.age) + scenario.bounds.drift).saturating_sub(slack);
            if counted > 0 {
                facts.push(format!(
                    "since that round was sent {id}'s clock has counted {counted} ticks and {leader}'s {}; {id} hears a leader for {} ticks after it has heard it",
                    window.age, scenario.settings.election_timeout_ticks
                ));
            }
        }
    }
    facts
}

fn overlapped_lease(state: &State, scenario: &Scenario) -> Vec<String> {
    let mut facts = Vec::new();
    for (id, leader) in state.servers.iter().filter(|(_, s)| s.role.is_leader()) {
        let later = |committed: &&Committed| committed.term > leader.term;
        let Some(fact) = lease_of(id, state, scenario) else {
            continue;
        };
        for committed in state.history.committed.iter().filter(later) {
            facts.push(format!(
                "{} was committed in term {}, and {id} leads term {}",
                committed.position, committed.term, leader.term
            ));
            facts.push(fact.clone());
            facts.extend(waited_out(id, state, scenario));
        }
    }
    facts
}

fn taken_to_match(state: &State) -> Vec<String> {
    let mut facts = Vec::new();
    for (leader, leads) in state.servers.iter() {
        let Role::Leader { matched, .. } = &leads.role else {
            continue;
        };
        for (id, &known) in matched.iter() {
            let Some(server) = state.servers.get(id).filter(|s| s.term == leads.term) else {
                continue;
            };
            let indexes = (1..=known.0).map(Index);
            let differs = indexes.clone().find(|&index| {
                leads.log.held(index).is_none() || leads.log.held(index) != server.log.held(index)
            });
            let volatile = indexes.clone().find(|&index| {
                server.durable_term_at(index) != leads.log.held(index).map(|entry| entry.term)
            });
            let what = match (differs, volatile) {
                (Some(index), _) if leads.log.held(index).is_some() => {
                    format!(
                        "at {index} {leader} {} and {id} {}",
                        has_there(leads, index),
                        has_there(server, index)
                    )
                }
                (Some(index), _) => format!("{leader} {}", has_there(leads, index)),
                (None, Some(index)) => {
                    format!("{id} has index {index} in its log and not on its disk")
                }
                (None, None) => continue,
            };
            facts.push(format!(
                "{leader} leads term {} and takes the log of {id} to match up to {known}: {what}",
                leads.term
            ));
        }
    }
    facts
}

fn told_to_commit(node: NodeId, server: &Server<InlineLog>, frame: &Frame) -> Vec<String> {
    let Action::Step {
        input: Input::Receive { message },
        ..
    } = &frame.action
    else {
        return Vec::new();
    };
    let Body::Heartbeat { commit, .. } = &message.body else {
        return Vec::new();
    };
    vec![format!(
        "{} tells {node} to commit up to {commit}, and {node}'s log ends at {}",
        message.from,
        server.log.last()
    )]
}

fn forgets_a_match<L: Log>(node: NodeId, before: &Server<L>, after: &Server<L>) -> Vec<String> {
    let (Role::Leader { matched: old, .. }, Role::Leader { matched: new, .. }) =
        (&before.role, &after.role)
    else {
        return Vec::new();
    };
    let fell = old.iter().filter_map(|(id, &known)| {
        let now = new.get(id).copied().unwrap_or_default();
        (now < known).then(|| {
            let what = format!("match index for {id}, in term {},", after.term);
            went_back(node, &what, known, now)
        })
    });
    fell.collect()
}

fn snapshot_of_something_else(state: &State) -> Vec<String> {
    let known = state.history.highest_commit();
    let mut facts = Vec::new();
    for (id, server) in state.servers.iter() {
        let base = server.log.base();
        if base > known {
            facts.push(format!(
                "the snapshot of {id} ends at {base}, and nobody has committed further than {known}"
            ));
        }
        for committed in &state.history.committed {
            let position = committed.position;
            if position.index <= base && !server.log.holds(position) {
                facts.push(format!(
                    "{position} was committed in term {}, and the snapshot of {id} {}",
                    committed.term,
                    has_there(server, position.index)
                ));
            }
        }
        for (other, holds) in state.servers.iter().filter(|&(other, _)| other != id) {
            let both = (1..=base.min(holds.commit).0).map(Index);
            let differs = both
                .into_iter()
                .find(|&index| server.log.held(index) != holds.log.held(index));
            if let Some(index) = differs {
                facts.push(format!(
                    "at {index} the snapshot of {id} {}, and {other}, which has committed it, {}",
                    has_there(server, index),
                    has_there(holds, index)
                ));
            }
        }
    }
    facts
}

fn applied_otherwise(state: &State, scenario: &Scenario) -> Vec<String> {
    let bootstrap = u64::from(scenario.bounds.bootstrap);
    let committed = state.history.highest_commit().0.max(bootstrap);
    let mut facts = Vec::new();
    for (id, server) in state.servers.iter() {
        let applied = server.applied;
        if applied.0 > committed {
            facts.push(format!(
                "{id} has applied up to {applied}, and nobody has committed further than {committed}"
            ));
        }
        for committed in &state.history.committed {
            let position = committed.position;
            if position.index <= applied && !server.log.holds(position) {
                facts.push(format!(
                    "{position} was committed in term {}; {id} has applied up to {applied} and {}",
                    committed.term,
                    has_there(server, position.index)
                ));
            }
        }
    }
    if facts.is_empty() {
        for (id, server) in state.servers.iter() {
            let applied = usize::try_from(server.applied.0).unwrap_or(usize::MAX);
            let entries = server.log.entries().iter().take(applied);
            let leads_to = server.base.fold(entries);
            // Who boots first with a log that says it all knows it before.
            let begins_there = bootstrap == 0 || state.history.restarted.contains(id);
            if scenario.settings.applies() && begins_there && leads_to != server.config {
                let start = match server.base.is_empty() {
                    true => "no voters".to_owned(),
                    false => server.base.to_string(),
                };
                facts.push(format!(
                    "{id} has applied up to {}, which makes {leads_to} of {start}, and has {}",
                    server.applied, server.config
                ));
            }
        }
        facts.extend(other_effects(state, scenario));
    }
    facts
}

/// `w1 w2`; `nothing`.
fn writes(numbers: &[u32]) -> String {
    let names: Vec<String> = numbers.iter().map(|number| format!("w{number}")).collect();
    match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.join(" "),
    }
}

/// The commands that stand in what `server` has applied, every copy, with their
/// indexes.
fn commands(server: &Server<InlineLog>) -> Vec<(Index, u32)> {
    let applied = usize::try_from(server.applied.0).unwrap_or(usize::MAX);
    let entries = server.log.entries().iter().take(applied).enumerate();
    let commands = entries.filter_map(|(at, entry)| match entry.payload {
        Payload::Write { number } => Some((Index::ZERO.plus(at + 1), number)),
        _ => None,
    });
    commands.collect()
}

/// What has taken effect at `server`.
fn effects(server: &Server<InlineLog>, scenario: &Scenario) -> Vec<u32> {
    match (scenario.settings.sessions, &server.machine) {
        (0, _) => commands(server).iter().map(|&(_, number)| number).collect(),
        (_, machine) => machine.iter().flat_map(|m| m.effects.to_vec()).collect(),
    }
}

fn applied_twice(state: &State, scenario: &Scenario) -> Vec<String> {
    let mut facts = Vec::new();
    for (id, server) in state.servers.iter() {
        let effects = effects(server, scenario);
        let twice = (1..effects.len()).find(|&at| effects[..at].contains(&effects[at]));
        let Some(number) = twice.map(|at| effects[at]) else {
            continue;
        };
        let copies = commands(server).into_iter().filter(|&(_, n)| n == number);
        let copies: Vec<String> = copies.map(|(index, _)| index.to_string()).collect();
        facts.push(format!(
            "w{number} stands at index {} of {id}'s log, and was applied each time: {}",
            copies.join(" and "),
            writes(&effects)
        ));
        match (scenario.settings.sessions, &server.machine) {
            (0, _) => facts.push("no client has a session: nothing tells a copy apart".to_owned()),
            (_, Some(machine)) if machine.sessions.is_empty() => {
                facts.push(format!("{id} has no sessions"));
            }
            _ => {}
        }
    }
    facts
}

fn answered_otherwise(state: &State, scenario: &Scenario) -> Vec<String> {
    let mut facts = Vec::new();
    let answers = &state.history.answers;
    for pair in answers.windows(2).filter(|p| p[0].number == p[1].number) {
        facts.push(format!(
            "w{} was answered as the write number {}, and as number {}",
            pair[0].number, pair[0].response, pair[1].response
        ));
    }
    for answer in answers {
        for (id, server) in state.servers.iter() {
            let effects = effects(server, scenario);
            let place = (answer.response as usize).checked_sub(1);
            let there = place.and_then(|at| effects.get(at));
            if answer.index <= server.applied && there != Some(&answer.number) {
                facts.push(format!(
                    "w{} was answered, as number {} of the writes up to index {}",
                    answer.number, answer.response, answer.index
                ));
                facts.push(format!(
                    "{id} has applied up to {}, and of writes {}",
                    server.applied,
                    writes(&effects)
                ));
            }
        }
    }
    facts
}

/// What the machine of a server with sessions has made of the commands.
fn other_effects(state: &State, scenario: &Scenario) -> Vec<String> {
    let mut facts = Vec::new();
    for (id, server) in state.servers.iter() {
        let mut once: Vec<u32> = Vec::new();
        for (_, number) in commands(server) {
            if !once.contains(&number) {
                once.push(number);
            }
        }
        let effects = effects(server, scenario);
        if effects != once {
            facts.push(format!(
                "{id} has applied up to {}, where the log says {}, and its machine {}",
                server.applied,
                writes(&once),
                writes(&effects)
            ));
        } else if scenario.settings.sessions > 0
            && !once.is_empty()
            && server
                .machine
                .as_ref()
                .is_none_or(|m| m.sessions.is_empty())
        {
            facts.push(format!(
                "{id} has applied {}, and has no session that says so",
                writes(&once)
            ));
        }
    }
    facts
}

fn second_vote<L: Log>(
    node: NodeId,
    before: &Server<L>,
    after: &Server<L>,
    frame: &Frame,
) -> Vec<String> {
    let (old, new) = (&before.durable, &after.durable);
    let vote = |vote: Option<NodeId>| vote.map_or("nobody".to_owned(), |id| id.to_string());
    let mut facts = Vec::new();
    for message in &frame.step.released {
        if message.body == (Body::Vote { granted: true })
            && (new.term < message.term
                || (new.term == message.term && new.vote != Some(message.to)))
        {
            facts.push(format!(
                "{node} tells {} that it has its vote in term {}, and on its disk stands a vote for {} in term {}",
                message.to,
                message.term,
                vote(new.vote),
                new.term
            ));
        }
    }
    if new.term == old.term && old.vote.is_some() && new.vote != old.vote {
        facts.push(format!(
            "the durable vote of {node} in term {} went from {} to {}",
            new.term,
            vote(old.vote),
            vote(new.vote)
        ));
    }
    if new.term < old.term {
        facts.push(went_back(node, "durable term", old.term, new.term));
    }
    facts
}
