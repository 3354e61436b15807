//! Stories, told in commands and what came of them: `model/tests/transcripts`.
//!
//! A story is a text file. Lines that begin with `> ` are commands; what stands
//! under a command is produced by the rule book; all other lines are the tale.
//!
//! | command | what happens |
//! |---|---|
//! | `cluster servers=3 dialect=etcd ...` | a new cluster; see [`cluster`] |
//! | `n1 campaign`, `n1 write`, `n1 apply`, `n1 sync` | an input without arguments |
//! | `n1 retry 1` | a client sends write 1 again |
//! | `n1 append n2 0+1` | n1 sends n2 one entry behind index 0 |
//! | `n1 heartbeat n2`, `n1 commit 2`, `n1 read`, `n1 serve 1` | an input with arguments |
//! | `n1 count vote`, `n1 count 2` | the own vote, the own entries up to 2 |
//! | `n1 crash`, `n1 crash kept=2 commit=true` | a crash; what survives of the write |
//! | `n1 -> n2 Append` | the latest such message in flight arrives |
//! | `n1@2 -> n2 Append` | that of term 2 arrives |
//! | `lost n1 -> n2 Append` | it is lost |
//! | `show` | every server, every message in flight |

use plimsoll_model::action::Action;
use plimsoll_model::bounds::Bounds;
use plimsoll_model::cluster::State;
use plimsoll_model::flaws::Flaw;
use plimsoll_model::ids::{Index, NodeId, ReadId};
use plimsoll_model::log::{InlineLog, Log, Payload};
use plimsoll_model::message::Message;
use plimsoll_model::network::NetworkKind;
use plimsoll_model::properties::{self, Check, Finding, StepView};
use plimsoll_model::rules::Input;
use plimsoll_model::scenario::Scenario;
use plimsoll_model::server::{Lease, Role, Round, Server};
use plimsoll_model::settings::{Dialect, Durability};
use plimsoll_model::storage::Survival;

use crate::golden;

struct Stage {
    scenario: Scenario,
    state: State,
}

type Parsed<T> = Result<T, String>;

fn number<T: std::str::FromStr>(text: &str) -> Parsed<T> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

fn node(text: &str) -> Parsed<NodeId> {
    let digits = text
        .strip_prefix('n')
        .ok_or(format!("{text:?} is no server"))?;
    Ok(NodeId(number::<u8>(digits)? - 1))
}

/// `servers`, `bootstrap`, `dialect` (paper), `durability` (atomic or
/// deferred), `flaw`.
fn cluster(words: &[&str]) -> Parsed<Stage> {
    let (mut dialect, mut durability, mut flaw) = (Dialect::Paper, Durability::Atomic, None);
    let mut bounds = Bounds::default();
    let mut features = Vec::new();
    for word in words {
        let (key, value) = word
            .split_once('=')
            .ok_or(format!("{word:?} is no setting"))?;
        match key {
            "servers" => bounds.servers = number(value)?,
            "bootstrap" => bounds.bootstrap = number(value)?,
            "retries" => bounds.retries = number(value)?,
            "dialect" => dialect = Dialect::by_name(value).ok_or("no such dialect")?,
            "durability" if value == "deferred" => durability = Durability::Deferred,
            "durability" if value == "atomic" => durability = Durability::Atomic,
            "features" => features.extend(value.split(',')),
            "flaw" => flaw = Some(Flaw::by_name(value).ok_or("no such flaw")?),
            _ => return Err(format!("unknown setting {word:?}")),
        }
    }
    let mut settings = dialect.settings(durability);
    for name in features {
        let feature = plimsoll_model::features::by_name(name).ok_or("no such feature")?;
        (feature.switch_on)(&mut settings);
    }
    settings.flaw = flaw;
    let scenario = Scenario {
        prefix: &[],
        settings,
        network: NetworkKind::Bag,
        bounds,
    };
    let state = State::initial(&scenario);
    Ok(Stage { scenario, state })
}

/// `n1` or, with the term of a message, `n1@2`.
fn in_flight(state: &State, from: &str, to: &str, kind: &str) -> Parsed<Message> {
    let (from, term) = match from.split_once('@') {
        Some((from, term)) => (node(from)?, Some(number::<u64>(term)?)),
        None => (node(from)?, None),
    };
    let to = node(to)?;
    let fits = |m: &&Message| {
        (m.from, m.to, m.kind()) == (from, to, kind) && term.is_none_or(|term| m.term.0 == term)
    };
    let flights = state.network.flights().iter();
    let mut fitting = flights
        .map(|flight| -> &Message { &flight.message })
        .filter(fits);
    // Those in flight are sorted by term.
    let found = fitting.next_back().cloned();
    found.ok_or("no such message is in flight".into())
}

fn action(state: &State, words: &[&str]) -> Parsed<Action> {
    let step = |node, input| Ok(Action::Step { node, input });
    match *words {
        ["lost", from, "->", to, kind] => Ok(Action::Drop {
            message: in_flight(state, from, to, kind)?,
        }),
        [from, "->", to, kind] => {
            let message = in_flight(state, from, to, kind)?;
            step(message.to, Input::Receive { message })
        }
        [id, ref rest @ ..] => step(node(id)?, input(state, rest)?),
        [] => Err("an empty command".into()),
    }
}

fn input(state: &State, words: &[&str]) -> Parsed<Input> {
    Ok(match *words {
        ["campaign"] => Input::Campaign,
        ["apply"] => Input::Apply,
        ["sync"] => Input::WriteCompleted,
        ["write"] => Input::Write {
            number: state.spent.writes + 1,
        },
        ["retry", write] => Input::Retry {
            number: number(write)?,
        },
        ["read"] => Input::BeginRead {
            read: ReadId {
                number: state.spent.reads + 1,
            },
        },
        ["serve", read] => Input::ReleaseRead {
            read: ReadId {
                number: number(read)?,
            },
        },
        ["append", to, range] => {
            let (after, count) = range.split_once('+').ok_or("a range is AFTER+COUNT")?;
            Input::SendAppend {
                to: node(to)?,
                after: Index(number(after)?),
                count: number(count)?,
            }
        }
        ["heartbeat", to] => Input::SendHeartbeat { to: node(to)? },
        ["commit", to] => Input::AdvanceCommit {
            to: Index(number(to)?),
        },
        ["hears", "no", "leader"] => Input::LoseLeader,
        ["check", "quorum"] => Input::CheckQuorum,
        ["hand", "over", to] => Input::Transfer { to: node(to)? },
        ["timeout", "now", to] => Input::SendTimeoutNow { to: node(to)? },
        ["give", "up"] => Input::AbortTransfer,
        ["tick"] => Input::Tick,
        ["count", "vote"] => Input::CountOwnVote,
        ["count", to] => Input::CountOwnEntries {
            to: Index(number(to)?),
        },
        ["crash"] => Input::Restart {
            survival: Survival::Nothing,
        },
        ["crash", kept, commit] => {
            let kept = kept.strip_prefix("kept=").ok_or("kept=INDEX or kept=log")?;
            let commit = commit.strip_prefix("commit=").ok_or("commit=BOOL")?;
            let kept = match kept {
                "log" => None,
                index => Some(Index(number(index)?)),
            };
            Input::Restart {
                survival: Survival::Written {
                    kept,
                    commit: commit == "true",
                },
            }
        }
        _ => return Err(format!("unknown command {:?}", words.join(" "))),
    })
}

/// One server as names and values, in a fixed order.
fn fields(server: &Server<InlineLog>, durable_commit: bool) -> Vec<(&'static str, String)> {
    let truth = |yes: bool| if yes { "yes".to_owned() } else { String::new() };
    let or_none = |id: Option<NodeId>| id.map_or("none".into(), |id| id.to_string());
    let entries = server
        .log
        .entries()
        .iter()
        .map(|entry| match entry.payload {
            Payload::Noop => entry.term.to_string(),
            Payload::Write { number } => format!("{}:w{number}", entry.term),
            Payload::Config { change } => format!("{}:{}", entry.term, change.voters),
        });
    let mut all = vec![
        ("role", server.role.name().to_owned()),
        ("term", server.term.to_string()),
        ("vote", or_none(server.vote)),
        (
            "log",
            format!("[{}]", entries.collect::<Vec<_>>().join(" ")),
        ),
        ("commit", server.commit.to_string()),
        ("applied", server.applied.to_string()),
        ("config", server.config.to_string()),
        ("leader", or_none(server.leader)),
        ("hears-leader", truth(server.hears_leader)),
        ("asked", asked(server)),
    ];
    let none = String::new;
    let (mut granted, mut refused, mut known, mut reads) = (none(), none(), none(), none());
    let (mut active, mut handing_over, mut rounds) = (none(), none(), none());
    match &server.role {
        Role::Follower => {}
        Role::Candidate {
            granted: yes,
            refused: no,
            ..
        } => (granted, refused) = (yes.to_string(), no.to_string()),
        Role::PreCandidate {
            granted: yes,
            refused: no,
        } => (granted, refused) = (yes.to_string(), no.to_string()),
        Role::Leader {
            matched,
            reads: open,
            active: heard,
            transfer,
            lease,
            pending: _,
        } => {
            active = if heard.is_empty() {
                none()
            } else {
                heard.to_string()
            };
            rounds = told_rounds(lease);
            handing_over = transfer.map_or(none(), |to| to.to_string());
            let indexes = matched.iter().map(|(_, index)| index.to_string());
            known = format!("[{}]", indexes.collect::<Vec<_>>().join(" "));
            let open = open
                .iter()
                .map(|r| format!("{} at {} {}", r.id, r.index, r.acks));
            reads = format!("[{}]", open.collect::<Vec<_>>().join(", "));
        }
    }
    all.extend([
        ("granted", granted),
        ("refused", refused),
        ("match", known),
        ("reads", reads),
        ("active", active),
        ("hands-over-to", handing_over),
        ("rounds", rounds),
        ("waited", server.waited.to_string()),
    ]);
    let durable = &server.durable;
    let disk = if server.is_synced(durable_commit) {
        "all".to_owned()
    } else {
        let last = server.durable_last();
        let terms = (1..=last.index.0).filter_map(|i| server.durable_term_at(Index(i)));
        let terms: Vec<_> = terms.map(|term| term.to_string()).collect();
        let mut text = format!(
            "(term {}, vote {}, log [{}]",
            durable.term,
            or_none(durable.vote),
            terms.join(" ")
        );
        if durable_commit {
            text += &format!(", commit {}", durable.commit);
        }
        text + ")"
    };
    all.push(("durable", disk));
    all.push(("waiting", server.outbox.len().to_string()));
    all.push(("effects", effects(server)));
    all
}

/// What has taken effect, where there are sessions, and what they say.
fn effects(server: &Server<InlineLog>) -> String {
    let Some(machine) = &server.machine else {
        return String::new();
    };
    let effects = machine.effects.iter().map(|number| format!("w{number}"));
    let effects: Vec<String> = effects.collect();
    let sessions = machine.sessions.iter().map(|session| {
        format!(
            "client {} at {} answered {}",
            session.client, session.sequence, session.response
        )
    });
    let sessions: Vec<String> = sessions.collect();
    format!("[{}] {}", effects.join(" "), sessions.join(" "))
}

/// The rounds that a lease may rest on.
fn told_rounds(lease: &Lease) -> String {
    let round = |round: &Round| format!("{} aged {} {}", round.number, round.age, round.acks);
    let rounds: Vec<String> = lease.rounds.iter().map(round).collect();
    match lease.void {
        true => "void".to_owned(),
        false => rounds.join(", "),
    }
}

/// The reads that a follower has asked about.
fn asked(server: &Server<InlineLog>) -> String {
    let told = server.asked.iter().map(|asked| match asked.index {
        Some(index) => format!("{} at {index}", asked.id),
        None => asked.id.to_string(),
    });
    told.collect::<Vec<_>>().join(", ")
}

fn show(stage: &Stage) -> String {
    let durable_commit = stage.scenario.settings.durable_commit;
    let mut text = String::new();
    for (id, server) in stage.state.servers.iter() {
        let fields = fields(server, durable_commit);
        let plain = ["", "none", "0", "all"];
        let told = fields
            .iter()
            .filter(|(_, value)| !plain.contains(&value.as_str()));
        let told: Vec<_> = told
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        text += &format!("  {id}: {}\n", told.join(", "));
    }
    for flight in stage.state.network.flights() {
        text += &format!("  in flight: {}\n", flight.message);
    }
    text
}

/// Takes one command and tells what came of it.
fn take(stage: &mut Stage, command: &str) -> Parsed<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    if words == ["show"] {
        return Ok(show(stage));
    }
    if words.first() == Some(&"cluster") {
        *stage = cluster(&words[1..])?;
        return Ok(String::new());
    }
    let action = action(&stage.state, &words)?;
    let step = match stage.state.next(&action, &stage.scenario) {
        Ok(step) => step,
        Err(Some(refusal)) => {
            let rule = refusal.rule();
            return Ok(format!(
                "  refused: {refusal}\n  rule: {} ({})\n",
                rule.name, rule.section
            ));
        }
        Err(None) => return Err("the network cannot do that".into()),
    };
    let mut text = String::new();
    if let Some(outcome) = step.outcome {
        text += &format!("  {}", outcome.branch.name().replace('-', " "));
        if let Some(reason) = outcome.reason {
            text += &format!(": {reason}");
        }
        text += "\n";
    }
    let durable_commit = stage.scenario.settings.durable_commit;
    for (id, server) in step.after.servers.iter() {
        let before = fields(&stage.state.servers[id], durable_commit);
        let after = fields(server, durable_commit);
        let changed = before.iter().zip(&after).filter(|(a, b)| a != b);
        let changed: Vec<_> = changed
            .map(
                |((name, old), (_, new))| match (old.as_str(), new.as_str()) {
                    ("", new) => format!("{name} {new}"),
                    (_, "") => format!("no {name}"),
                    (old, new) => format!("{name} {old} => {new}"),
                },
            )
            .collect();
        if !changed.is_empty() {
            text += &format!("  {id}: {}\n", changed.join(", "));
        }
    }
    for message in &step.released {
        text += &format!("  {message}\n");
    }
    let view = StepView {
        before: &stage.state,
        action: &action,
        step: &step,
    };
    for property in &properties::ALL {
        let finding = match property.check {
            Check::State(check) => check(&step.after, &stage.scenario),
            Check::Step(check) => check(&view, &stage.scenario),
        };
        if finding == Finding::Broken {
            text += &format!("  BREAKS {}: {}\n", property.name, property.says);
        }
    }
    stage.state = step.after;
    Ok(text)
}

/// The story with what its commands lead to.
fn told(name: &str, story: &str) -> String {
    let mut stage = cluster(&[]).expect("defaults");
    let mut text = String::new();
    let mut under_command = false;
    for (at, line) in story.lines().enumerate() {
        if let Some(command) = line.strip_prefix("> ") {
            let result = take(&mut stage, command)
                .unwrap_or_else(|error| panic!("{name}, line {}: {command}: {error}", at + 1));
            text += &format!("{line}\n{result}");
            under_command = true;
        } else if !(under_command && line.starts_with("  ")) {
            text += &format!("{line}\n");
            under_command = false;
        }
    }
    text
}

/// Holds the story `name` and returns it.
fn story(name: &str) -> String {
    let path = format!("model/tests/transcripts/{name}.txt");
    let text = std::fs::read_to_string(golden::root().join(&path)).expect("the story is there");
    let text = told(name, &text);
    golden::hold(&path, &text);
    text
}

/// Stories of correct rules break nothing.
#[test]
fn stories_of_the_rules_as_they_are() {
    for name in [
        "election-won",
        "election-split",
        "figure-8",
        "conflicting-suffix",
        "stale-leader-read",
        "restart-etcd",
        "torn-write",
        "heartbeat-etcd",
        "prevote-etcd",
        "prevote-paper",
        "transfer",
        "transfer-given-up",
        "follower-read",
        "lease-read",
        "retry-with-sessions",
    ] {
        let text = story(name);
        assert!(!text.contains("BREAKS"), "{name} breaks a property");
    }
}

/// Without sessions a command that is sent again is applied again.
#[test]
fn a_story_of_what_sessions_are_for() {
    let text = story("retry-without-sessions");
    let last = text.rsplit("\n> ").next().unwrap_or_default();
    assert!(last.contains("BREAKS exactly-once"), "{last:?}");
    assert!(last.contains("BREAKS linearizable-writes"), "{last:?}");
}

/// The same stories with a rule taken away end badly, where they must.
#[test]
fn stories_of_planted_flaws() {
    for (name, property) in [
        ("figure-8-flawed", "leader-completeness"),
        ("stale-leader-read-flawed", "linearizable-reads"),
    ] {
        let text = story(name);
        let last = text.rsplit("\n> ").next().unwrap_or_default();
        let mut broken = last.split("BREAKS ").skip(1);
        let breaks = broken.any(|broken| broken.starts_with(property));
        assert!(breaks, "{name} ends with {last:?}");
    }
}

/// Every file of the directory is told by one of the tests above.
#[test]
fn no_story_is_forgotten() {
    let here = std::fs::read_to_string(golden::root().join("model/tests/book/transcripts.rs"));
    let here = here.expect("this file");
    let stories = std::fs::read_dir(golden::root().join("model/tests/transcripts"));
    for entry in stories.expect("the stories") {
        let file = entry.expect("an entry").file_name();
        let name = file.to_string_lossy().replace(".txt", "");
        assert!(here.contains(&format!("\"{name}\"")), "{name} is not told");
    }
}
