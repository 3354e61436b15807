//! Bounds and states drawn at random: any state that the specification can
//! take a step from, reachable or not.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_model::yardstick::{Bounds, Entry, Message, Role, Server, State};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use crate::bounds;

/// Bounds of every width: small ones, where everything meets, and ones whose
/// states fill many words.
pub(crate) fn any_bounds() -> impl Strategy<Value = Bounds> {
    let small = (1..=4u32, 1..=2u32, 1..=3u32, 0..=3u32, 0..=4u32, 1..=3u32);
    let large = (
        1..=7u32,
        1..=15u32,
        1..=63u32,
        0..=20u32,
        0..=40u32,
        1..=20u32,
    );
    prop_oneof![3 => small, 1 => large].prop_map(|(n, v, t, l, m, d)| bounds([n, v, t, l, m, d]))
}

/// Bounds, and a state within them.
pub(crate) fn any_state() -> impl Strategy<Value = (Bounds, State)> {
    any_bounds().prop_flat_map(|bounds| {
        let servers = vec(server(bounds), bounds.servers as usize);
        let messages = vec(
            (message(bounds), 1..=bounds.max_copies as usize),
            0..=bounds.max_messages as usize,
        );
        (Just(bounds), servers, messages).prop_map(|(bounds, servers, drawn)| {
            let mut messages = BTreeMap::new();
            let mut room = bounds.max_messages as usize;
            for (message, copies) in drawn {
                let copies = copies.min(room);
                if copies > 0 && !messages.contains_key(&message) {
                    messages.insert(message, copies);
                    room -= copies;
                }
            }
            (bounds, State { servers, messages })
        })
    })
}

/// A term; mostly one of the first two, so that terms meet.
fn term(bounds: Bounds) -> impl Strategy<Value = u64> {
    let max = u64::from(bounds.max_term);
    prop_oneof![2 => 1..=max.min(2), 1 => 1..=max]
}

fn index(bounds: Bounds) -> impl Strategy<Value = u64> {
    let max = u64::from(bounds.max_log);
    prop_oneof![2 => 0..=max.min(2), 1 => 0..=max]
}

fn entry(bounds: Bounds) -> impl Strategy<Value = Entry> {
    (term(bounds), 0..u64::from(bounds.values)).prop_map(|(term, value)| Entry { term, value })
}

fn server(bounds: Bounds) -> impl Strategy<Value = Server> {
    let n = bounds.servers as usize;
    let some = || btree_set(0..n, 0..=n);
    let role = prop_oneof![
        3 => Just(Role::Follower),
        2 => Just(Role::Candidate),
        2 => Just(Role::Leader),
    ];
    let log = vec(entry(bounds), 0..=bounds.max_log as usize);
    let lists = (vec(index(bounds), n), vec(index(bounds), n));
    let own = (term(bounds), role, option::of(0..n), index(bounds));
    (own, some(), some(), log, lists).prop_map(|(own, responded, granted, log, lists)| {
        let (term, role, voted_for, commit_index) = own;
        let len = log.len() as u64;
        // A leader's nextIndex is at most one past its log: AppendEntries has
        // no meaning otherwise.
        let next_index = lists.0.into_iter().map(|next| next.min(len) + 1);
        Server {
            term,
            role,
            voted_for,
            votes_responded: responded,
            votes_granted: granted,
            next_index: next_index.collect(),
            match_index: lists.1,
            commit_index,
            log,
        }
    })
}

fn message(bounds: Bounds) -> impl Strategy<Value = Message> {
    let n = bounds.servers as usize;
    let max_log = u64::from(bounds.max_log);
    let numbers = (term(bounds), 0..=u64::from(bounds.max_term), index(bounds));
    let rest = (index(bounds), option::of(entry(bounds)), any::<bool>());
    (0..4, 0..n, 0..n, numbers, rest).prop_map(move |(kind, source, dest, numbers, rest)| {
        let ((term, other_term, index), (commit, entry, yes)) = (numbers, rest);
        match kind {
            0 => Message::RequestVoteRequest {
                term,
                source,
                dest,
                last_log_term: other_term,
                last_log_index: index,
            },
            1 => Message::RequestVoteResponse {
                term,
                source,
                dest,
                vote_granted: yes,
            },
            2 => Message::AppendEntriesRequest {
                term,
                source,
                dest,
                prev_log_index: index,
                prev_log_term: other_term,
                // The entry sent is one of a log within the bounds.
                entry: entry.filter(|_| index < max_log),
                commit_index: commit,
            },
            _ => Message::AppendEntriesResponse {
                term,
                source,
                dest,
                success: yes,
                match_index: index,
            },
        }
    })
}

/// `state` with server `i` called `by[i]`.
pub(crate) fn renamed(state: &State, by: &[usize]) -> State {
    let set = |old: &BTreeSet<usize>| old.iter().map(|&i| by[i]).collect();
    let list = |old: &[u64]| {
        let mut new = old.to_vec();
        for (i, &value) in old.iter().enumerate() {
            new[by[i]] = value;
        }
        new
    };
    let mut servers = state.servers.clone();
    for (i, server) in state.servers.iter().enumerate() {
        servers[by[i]] = Server {
            voted_for: server.voted_for.map(|j| by[j]),
            votes_responded: set(&server.votes_responded),
            votes_granted: set(&server.votes_granted),
            next_index: list(&server.next_index),
            match_index: list(&server.match_index),
            ..server.clone()
        };
    }
    let messages = state.messages.iter();
    State {
        servers,
        messages: messages
            .map(|(m, &n)| (renamed_message(*m, by), n))
            .collect(),
    }
}

fn renamed_message(mut message: Message, by: &[usize]) -> Message {
    match &mut message {
        Message::RequestVoteRequest { source, dest, .. }
        | Message::RequestVoteResponse { source, dest, .. }
        | Message::AppendEntriesRequest { source, dest, .. }
        | Message::AppendEntriesResponse { source, dest, .. } => {
            *source = by[*source];
            *dest = by[*dest];
        }
    }
    message
}
