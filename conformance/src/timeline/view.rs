//! One server as small strings, and what differs between two.
//!
//! The notation is the one of the whole tool: `2@1` is index 2 of term 1. What
//! never differs under the settings in force is left empty: with atomic
//! durability everything held is durable, with a fixed configuration
//! everything committed is applied.

use plimsoll_model::ids::Index;
use plimsoll_model::log::{Entry, Log, Payload};
use plimsoll_model::progress::{Flow, Pace};
use plimsoll_model::server::{Role, Server};
use plimsoll_model::sessions::Machine;
use plimsoll_model::settings::{Durability, Settings};
use serde::{Deserialize, Serialize};

/// More entries than this in a row are shortened in the middle.
const ENTRIES_SHOWN: usize = 8;

/// One server. A field that does not apply is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// `follower`, `candidate` or `leader`.
    pub role: String,
    /// The current term.
    pub term: String,
    /// Whom it voted for in this term; `none`.
    pub vote: String,
    /// A candidate's granted votes: `{n1 n3}`.
    pub votes: String,
    /// The log: `1@1 no-op, 2@1 w1`.
    pub log: String,
    /// The commit index.
    pub commit: String,
    /// The applied index, where applying is a step of its own.
    pub applied: String,
    /// The voters in force, where configurations come from the log.
    pub config: String,
    /// How far a leader knows each log to match its own: `n1:2 n2:1`.
    #[serde(rename = "match")]
    pub matched: String,
    /// A leader's open reads: `r1 at 0 confirmed by {n1}`.
    pub reads: String,
    /// What of it is durable, where that is a step of its own: `all`, or what
    /// a crash would go back to.
    pub durable: String,
    /// Messages that wait for the write: `Vote granted to n1`.
    pub waiting: String,
    /// The commands that took effect, where clients have sessions, and the
    /// sessions: `w1 w2, client 1 at 2`.
    pub machine: String,
}

/// One field that a step changed.
///
/// Of `log` only what differs is given: `before` the entries that went,
/// `after` the entries that came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Whose.
    pub node: String,
    /// The field, as [`View`] spells it in JSON.
    pub field: String,
    /// The value before.
    pub before: String,
    /// The value after.
    pub after: String,
}

/// An entry in print: `2@1 w1`.
fn entry(index: Index, entry: &Entry) -> String {
    let what = match entry.payload {
        Payload::Noop => "no-op".to_owned(),
        Payload::Write { number } => format!("w{number}"),
        Payload::Config { change } => change.to_string(),
    };
    format!("{index}@{} {what}", entry.term)
}

/// The entries after the first `skip` in print, long ones shortened.
fn entries<L: Log>(log: &L, skip: usize) -> String {
    let all = log.entries();
    let base = log.snapshot().len();
    let print = |at: usize| entry(Index(at as u64 + 1), &all[at]);
    let end = all.len();
    let (skip, snapshot) = match base > skip {
        true => (base, Some(format!("snapshot to {}", print(base - 1)))),
        false => (skip, None),
    };
    let shown: Vec<String> = if end.saturating_sub(skip) <= ENTRIES_SHOWN {
        (skip..end).map(print).collect()
    } else {
        let half = ENTRIES_SHOWN / 2;
        (skip..skip + half)
            .map(print)
            .chain([format!("… {} more …", end - skip - 2 * half)])
            .chain((end - half..end).map(print))
            .collect()
    };
    let shown: Vec<String> = snapshot.into_iter().chain(shown).collect();
    shown.join(", ")
}

/// What a crash would go back to, where that differs from what is held.
fn durable<L: Log>(server: &Server<L>, settings: &Settings) -> String {
    if settings.durability == Durability::Atomic {
        return String::new();
    }
    if server.is_synced(settings.durable_commit) && server.queue.is_empty() {
        return "all".to_owned();
    }
    let (durable, mut parts) = (&server.durable, Vec::new());
    if durable.term != server.term {
        parts.push(format!("term {}", durable.term));
    }
    if durable.vote != server.vote {
        parts.push(vote(durable.vote));
    }
    if durable.shared != server.log.last_index() || !durable.tail.is_empty() {
        parts.push(format!("log to {}", server.durable_last()));
    }
    if durable.base != server.log.base() {
        parts.push(format!("snapshot to {}", durable.base));
    }
    if settings.durable_commit && durable.commit != server.commit {
        parts.push(format!("commit {}", durable.commit));
    }
    let queued = match server.queue.len() {
        0 => String::new(),
        1 => "; 1 write queued".to_owned(),
        writes => format!("; {writes} writes queued"),
    };
    if parts.is_empty() {
        return format!("all{queued}");
    }
    format!("only {}{queued}", parts.join(", "))
}

/// Messages that wait for the write, those of one text together.
fn waiting<L: Log>(server: &Server<L>) -> String {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for message in server.waiting() {
        let (text, to) = (message.body.to_string(), message.to.to_string());
        match groups.iter_mut().find(|(known, _)| *known == text) {
            Some((_, receivers)) => receivers.push(to),
            None => groups.push((text, vec![to])),
        }
    }
    let groups = groups.into_iter();
    let groups = groups.map(|(text, to)| format!("{text} to {}", to.join(" ")));
    groups.collect::<Vec<_>>().join(", ")
}

/// Where a leader goes on with a server, under flow control.
fn flow(flow: &Flow) -> String {
    let pace = match &flow.pace {
        Pace::Probe => "probes".to_owned(),
        Pace::Snapshot { pending } => format!("snapshot to {pending} under way"),
        Pace::Replicate { under_way } => format!("{} under way", under_way.len()),
    };
    let waits = if flow.paused { ", waits" } else { "" };
    format!(" (next {}, {pace}{waits})", flow.next)
}

/// What commands did, and the latest one of each client.
fn machine(machine: &Machine) -> String {
    let effects = machine.effects.iter().map(|number| format!("w{number}"));
    let effects: Vec<String> = effects.collect();
    let sessions = machine.sessions.iter().map(|session| {
        let (client, sequence) = (session.client, session.sequence);
        format!("client {client} at {sequence}")
    });
    let told: Vec<String> = [effects.join(" ")].into_iter().chain(sessions).collect();
    told.join(", ")
}

fn vote(vote: Option<plimsoll_model::ids::NodeId>) -> String {
    vote.map_or("no vote".to_owned(), |to| format!("vote {to}"))
}

impl View {
    /// What there is to show of `server` under `settings`.
    pub fn of<L: Log>(server: &Server<L>, settings: &Settings) -> Self {
        let (mut votes, mut matched, mut reads) = Default::default();
        match &server.role {
            Role::Follower => {}
            Role::Candidate {
                granted, surplus, ..
            } => {
                votes = granted.to_string();
                if *surplus > 0 {
                    votes += &format!(" and {surplus} counted twice");
                }
            }
            Role::PreCandidate { granted, .. } => votes = granted.to_string(),
            Role::Leader {
                matched: known,
                reads: open,
                ..
            } => {
                let flow = |id| known.flow(id).map(flow).unwrap_or_default();
                let known = known
                    .iter()
                    .map(|(id, index)| format!("{id}:{index}{}", flow(id)));
                matched = known.collect::<Vec<_>>().join(" ");
                let open = open.iter().map(|read| {
                    format!("{} at {} confirmed by {}", read.id, read.index, read.acks)
                });
                reads = open.collect::<Vec<_>>().join(", ");
            }
        }
        let applies = settings.applies();
        let from_log = applies || settings.changes();
        View {
            role: server.role.name().to_owned(),
            term: server.term.to_string(),
            vote: server.vote.map_or("none".to_owned(), |to| to.to_string()),
            votes,
            log: entries(&server.log, 0),
            commit: server.commit.to_string(),
            applied: if applies {
                server.applied.to_string()
            } else {
                String::new()
            },
            config: if from_log {
                server.config.to_string()
            } else {
                String::new()
            },
            matched,
            reads,
            durable: durable(server, settings),
            waiting: waiting(server),
            machine: server.machine.as_deref().map(machine).unwrap_or_default(),
        }
    }

    /// The fields with their names, in order.
    pub fn fields(&self) -> [(&'static str, &str); 13] {
        [
            ("role", &self.role),
            ("term", &self.term),
            ("vote", &self.vote),
            ("votes", &self.votes),
            ("log", &self.log),
            ("commit", &self.commit),
            ("applied", &self.applied),
            ("config", &self.config),
            ("match", &self.matched),
            ("reads", &self.reads),
            ("durable", &self.durable),
            ("waiting", &self.waiting),
            ("machine", &self.machine),
        ]
    }
}

/// What differs between `before` and `after`, two states of one server.
pub fn changes<L: Log>(before: &Server<L>, after: &Server<L>, settings: &Settings) -> Vec<Change> {
    let (old, new) = (View::of(before, settings), View::of(after, settings));
    let node = after.id.to_string();
    let change = |field: &str, before: &str, after: &str| Change {
        node: node.clone(),
        field: field.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
    };
    let mut changes = Vec::new();
    for ((field, old), (_, new)) in old.fields().into_iter().zip(new.fields()) {
        if field == "log" {
            if before.log == after.log {
                continue;
            }
            let (a, b) = (before.log.entries(), after.log.entries());
            let same = match before.log.base() == after.log.base() {
                true => a.iter().zip(b).take_while(|(a, b)| a == b).count(),
                false => 0,
            };
            changes.push(change(
                field,
                &entries(&before.log, same),
                &entries(&after.log, same),
            ));
        } else if old != new {
            changes.push(change(field, old, new));
        }
    }
    changes
}
