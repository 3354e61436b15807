//! `raft.tla`, read a second time: plain collections, one function an action,
//! guards and effects in the specification's own order. Slow, and sharing
//! nothing with the packed one but the vocabulary of states.

use std::collections::BTreeMap;

use plimsoll_model::yardstick::{Bounds, Entry, Message, Role, State};

/// One thing that can happen: its name as a step is shown, and the state after
/// it, in bounds or not.
pub(crate) type Next = (String, State);

type Bag = BTreeMap<Message, usize>;

fn with_message(m: Message, bag: &Bag) -> Bag {
    let mut bag = bag.clone();
    *bag.entry(m).or_default() += 1;
    bag
}

fn without_message(m: Message, bag: &Bag) -> Bag {
    let mut bag = bag.clone();
    match bag.get(&m) {
        Some(&copies) if copies <= 1 => bag.remove(&m),
        Some(&copies) => bag.insert(m, copies - 1),
        None => None,
    };
    bag
}

fn last_term(log: &[Entry]) -> u64 {
    log.last().map_or(0, |entry| entry.term)
}

/// Whether a state satisfies the constraint.
pub(crate) fn in_bounds(state: &State, bounds: &Bounds) -> bool {
    let servers = state.servers.iter();
    let terms = servers.clone().all(|s| s.term <= bounds.max_term.into());
    let logs = servers
        .clone()
        .all(|s| s.log.len() <= bounds.max_log as usize);
    let copies = || state.messages.values();
    terms
        && logs
        && copies().all(|&n| n <= bounds.max_copies as usize)
        && copies().sum::<usize>() <= bounds.max_messages as usize
}

/// `Next`
pub(crate) fn next(state: &State, values: u64) -> Vec<Next> {
    let mut out = Vec::new();
    let servers = 0..state.servers.len();
    for i in servers.clone() {
        restart(state, i, &mut out);
        timeout(state, i, &mut out);
        become_leader(state, i, &mut out);
        advance_commit_index(state, i, &mut out);
        for v in 0..values {
            client_request(state, i, v, &mut out);
        }
        for j in servers.clone() {
            request_vote(state, i, j, &mut out);
            append_entries(state, i, j, &mut out);
        }
    }
    for &m in state.messages.keys() {
        receive(state, m, &mut out);
        let mut duplicated = state.clone();
        duplicated.messages = with_message(m, &state.messages);
        out.push((format!("DuplicateMessage({m})"), duplicated));
        let mut dropped = state.clone();
        dropped.messages = without_message(m, &state.messages);
        out.push((format!("DropMessage({m})"), dropped));
    }
    out
}

fn restart(state: &State, i: usize, out: &mut Vec<Next>) {
    let mut after = state.clone();
    let n = state.servers.len();
    let s = &mut after.servers[i];
    s.role = Role::Follower;
    s.votes_responded.clear();
    s.votes_granted.clear();
    s.next_index = vec![1; n];
    s.match_index = vec![0; n];
    s.commit_index = 0;
    out.push((format!("Restart(n{})", i + 1), after));
}

fn timeout(state: &State, i: usize, out: &mut Vec<Next>) {
    if !matches!(state.servers[i].role, Role::Follower | Role::Candidate) {
        return;
    }
    let mut after = state.clone();
    let s = &mut after.servers[i];
    s.role = Role::Candidate;
    s.term += 1;
    s.voted_for = None;
    s.votes_responded.clear();
    s.votes_granted.clear();
    out.push((format!("Timeout(n{})", i + 1), after));
}

fn request_vote(state: &State, i: usize, j: usize, out: &mut Vec<Next>) {
    let s = &state.servers[i];
    if s.role != Role::Candidate || s.votes_responded.contains(&j) {
        return;
    }
    let mut after = state.clone();
    after.messages = with_message(
        Message::RequestVoteRequest {
            term: s.term,
            source: i,
            dest: j,
            last_log_term: last_term(&s.log),
            last_log_index: s.log.len() as u64,
        },
        &state.messages,
    );
    out.push((format!("RequestVote(n{}, n{})", i + 1, j + 1), after));
}

fn append_entries(state: &State, i: usize, j: usize, out: &mut Vec<Next>) {
    let s = &state.servers[i];
    if i == j || s.role != Role::Leader {
        return;
    }
    let next = s.next_index[j];
    let prev = next - 1;
    let prev_term = match prev {
        0 => 0,
        _ => s.log[prev as usize - 1].term,
    };
    let last_entry = next.min(s.log.len() as u64);
    // SubSeq(log[i], nextIndex[i][j], lastEntry): empty, or of length one.
    let entries: Vec<Entry> = (next..=last_entry).map(|k| s.log[k as usize - 1]).collect();
    assert!(entries.len() <= 1);
    let mut after = state.clone();
    after.messages = with_message(
        Message::AppendEntriesRequest {
            term: s.term,
            source: i,
            dest: j,
            prev_log_index: prev,
            prev_log_term: prev_term,
            entry: entries.first().copied(),
            commit_index: s.commit_index.min(last_entry),
        },
        &state.messages,
    );
    out.push((format!("AppendEntries(n{}, n{})", i + 1, j + 1), after));
}

fn become_leader(state: &State, i: usize, out: &mut Vec<Next>) {
    let s = &state.servers[i];
    let n = state.servers.len();
    if s.role != Role::Candidate || s.votes_granted.len() * 2 <= n {
        return;
    }
    let mut after = state.clone();
    after.servers[i].role = Role::Leader;
    after.servers[i].next_index = vec![s.log.len() as u64 + 1; n];
    after.servers[i].match_index = vec![0; n];
    out.push((format!("BecomeLeader(n{})", i + 1), after));
}

fn client_request(state: &State, i: usize, value: u64, out: &mut Vec<Next>) {
    let s = &state.servers[i];
    if s.role != Role::Leader {
        return;
    }
    let mut after = state.clone();
    after.servers[i].log.push(Entry {
        term: s.term,
        value,
    });
    out.push((format!("ClientRequest(n{}, v{})", i + 1, value + 1), after));
}

fn advance_commit_index(state: &State, i: usize, out: &mut Vec<Next>) {
    let s = &state.servers[i];
    if s.role != Role::Leader {
        return;
    }
    let n = state.servers.len();
    let agree = |index: u64| (0..n).filter(move |&k| k == i || s.match_index[k] >= index);
    let agreed = (1..=s.log.len() as u64).filter(|&index| agree(index).count() * 2 > n);
    let commit = match agreed.max() {
        Some(index) if s.log[index as usize - 1].term == s.term => index,
        _ => s.commit_index,
    };
    let mut after = state.clone();
    after.servers[i].commit_index = commit;
    out.push((format!("AdvanceCommitIndex(n{})", i + 1), after));
}

fn receive(state: &State, m: Message, out: &mut Vec<Next>) {
    let (term, j, i) = m.frame();
    let own = state.servers[i].term;
    if term > own {
        let mut after = state.clone();
        let s = &mut after.servers[i];
        s.term = term;
        s.role = Role::Follower;
        s.voted_for = None;
        out.push((format!("UpdateTerm({m})"), after));
    }
    let stale = |out: &mut Vec<Next>| {
        if term < own {
            let mut after = state.clone();
            after.messages = without_message(m, &state.messages);
            out.push((format!("DropStaleResponse({m})"), after));
        }
    };
    match m {
        Message::RequestVoteRequest {
            last_log_term,
            last_log_index,
            ..
        } => {
            let s = &state.servers[i];
            let own_last = (last_term(&s.log), s.log.len() as u64);
            let log_ok = last_log_term > own_last.0
                || last_log_term == own_last.0 && last_log_index >= own_last.1;
            let grant = term == own && log_ok && s.voted_for.is_none_or(|k| k == j);
            if term <= own {
                let mut after = state.clone();
                if grant {
                    after.servers[i].voted_for = Some(j);
                }
                let response = Message::RequestVoteResponse {
                    term: own,
                    source: i,
                    dest: j,
                    vote_granted: grant,
                };
                after.messages = without_message(m, &with_message(response, &state.messages));
                let branch = if grant { "grant" } else { "refuse" };
                out.push((format!("HandleRequestVoteRequest: {branch}({m})"), after));
            }
        }
        Message::RequestVoteResponse { vote_granted, .. } => {
            stale(out);
            if term == own {
                let mut after = state.clone();
                let s = &mut after.servers[i];
                s.votes_responded.insert(j);
                if vote_granted {
                    s.votes_granted.insert(j);
                }
                after.messages = without_message(m, &state.messages);
                let branch = if vote_granted { "granted" } else { "refused" };
                out.push((format!("HandleRequestVoteResponse: {branch}({m})"), after));
            }
        }
        Message::AppendEntriesRequest { .. } => handle_append_entries_request(state, m, out),
        Message::AppendEntriesResponse {
            success,
            match_index,
            ..
        } => {
            stale(out);
            if term == own {
                let mut after = state.clone();
                let s = &mut after.servers[i];
                if success {
                    s.next_index[j] = match_index + 1;
                    s.match_index[j] = match_index;
                } else {
                    s.next_index[j] = (s.next_index[j] - 1).max(1);
                }
                after.messages = without_message(m, &state.messages);
                let branch = if success {
                    "successful"
                } else {
                    "not successful"
                };
                out.push((format!("HandleAppendEntriesResponse: {branch}({m})"), after));
            }
        }
    }
}

fn handle_append_entries_request(state: &State, m: Message, out: &mut Vec<Next>) {
    let Message::AppendEntriesRequest {
        term,
        source: j,
        dest: i,
        prev_log_index: prev,
        prev_log_term,
        entry,
        commit_index,
    } = m
    else {
        unreachable!("only requests come here");
    };
    let s = &state.servers[i];
    let len = s.log.len() as u64;
    let term_at = |index: u64| s.log[index as usize - 1].term;
    let log_ok = prev == 0 || prev > 0 && prev <= len && prev_log_term == term_at(prev);
    let mut push = |branch: &str, after: State| {
        out.push((format!("HandleAppendEntriesRequest: {branch}({m})"), after));
    };
    let answered = |success: bool, match_index: u64| {
        let response = Message::AppendEntriesResponse {
            term: s.term,
            source: i,
            dest: j,
            success,
            match_index,
        };
        let mut after = state.clone();
        after.messages = without_message(m, &with_message(response, &state.messages));
        after
    };
    if term > s.term {
        return;
    }
    let same = term == s.term;
    if term < s.term || same && s.role == Role::Follower && !log_ok {
        push("reject", answered(false, 0));
    }
    if same && s.role == Role::Candidate {
        let mut after = state.clone();
        after.servers[i].role = Role::Follower;
        push("return to follower", after);
    }
    if same && s.role == Role::Follower && log_ok {
        let index = prev + 1;
        let done = |entry: Entry| len >= index && term_at(index) == entry.term;
        if entry.is_none_or(done) {
            let mut after = answered(true, prev + u64::from(entry.is_some()));
            after.servers[i].commit_index = commit_index;
            push("already done", after);
        }
        if entry.is_some_and(|e| len >= index && term_at(index) != e.term) {
            let mut after = state.clone();
            after.servers[i].log.pop();
            push("conflict", after);
        }
        if let Some(entry) = entry
            && len == prev
        {
            let mut after = state.clone();
            after.servers[i].log.push(entry);
            push("no conflict", after);
        }
    }
}
