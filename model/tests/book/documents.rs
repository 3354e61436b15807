//! The generated parts of `docs/properties.md` and `docs/model.md`, and the
//! numbers that stand in them.

use std::collections::{HashSet, VecDeque};

use plimsoll_model::action;
use plimsoll_model::bounds::Bounds;
use plimsoll_model::cluster::State;
use plimsoll_model::contracts;
use plimsoll_model::field::fingerprint;
use plimsoll_model::flaws::Flaw;
use plimsoll_model::liveness::{Shows, goals};
use plimsoll_model::network::NetworkKind;
use plimsoll_model::scenario::Scenario;
use plimsoll_model::settings::{Dialect, Durability, Settings};
use plimsoll_model::{presets, properties, witnesses};

use crate::golden::{hold_part, root};

const PROPERTIES: &str = "docs/properties.md";
const MODEL: &str = "docs/model.md";

/// A Markdown table.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let rule = vec!["---".to_owned(); head.len()];
    let mut text = line(&head) + &line(&rule).replace(" --- ", "---");
    for row in rows {
        assert_eq!(row.len(), head.len());
        text += &line(&row);
    }
    text
}

fn file(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    format!("[`{name}`](../{path})")
}

#[test]
fn the_table_of_properties() {
    let rows = properties::ALL.iter().map(|property| {
        vec![
            format!("`{}`", property.name),
            property.says.to_owned(),
            property.section.to_owned(),
            property.kind().to_owned(),
            property.codes.join(", "),
            file(property.file),
        ]
    });
    let head = ["property", "says", "section", "of a", "catalogue", "file"];
    hold_part(PROPERTIES, "properties", &table(&head, rows));
}

#[test]
fn the_table_of_witnesses() {
    let presets = presets::all();
    let rows = witnesses::ALL.iter().map(|witness| {
        let reach = presets
            .iter()
            .filter(|preset| preset.default && preset.witnesses.contains(&witness.name))
            .map(|preset| format!("`{}`", preset.name));
        vec![
            format!("`{}`", witness.name),
            witness.says.to_owned(),
            reach.collect::<Vec<_>>().join(", "),
        ]
    });
    let head = [
        "witness",
        "shown by a step in which",
        "demanded by the default presets",
    ];
    hold_part(PROPERTIES, "witnesses", &table(&head, rows));
}

#[test]
fn the_table_of_flaws() {
    let rows = Flaw::ALL.iter().map(|about| {
        vec![
            format!("`{}`", about.name),
            about.code.to_owned(),
            about.source.to_owned(),
            about.mechanism.to_owned(),
            format!("`{}`", about.breaks),
        ]
    });
    let head = [
        "flaw",
        "catalogue",
        "source",
        "what the broken code does",
        "must break",
    ];
    hold_part(PROPERTIES, "flaws", &table(&head, rows));
}

/// What breaks where storage promises too little.
#[test]
fn the_table_of_promises() {
    let rows = contracts::ALL.iter().map(|row| {
        let mut cells = vec![format!("`{}`", row.promise.name()), row.says.to_owned()];
        for broken in row.breaks {
            let broken: Vec<_> = broken
                .iter()
                .map(|(property, depth)| format!("`{property}` ({depth})"))
                .collect();
            cells.push(match broken.is_empty() {
                true => "-".to_owned(),
                false => broken.join(", "),
            });
        }
        cells
    });
    let head = [
        "promise",
        "what a crash may leave",
        "`sync`",
        "`parallel-append`",
        "`async`",
    ];
    hold_part(PROPERTIES, "promises", &table(&head, rows));
}

/// From a code of the catalogue to the file of the property that shows it.
#[test]
fn the_table_of_the_catalogue() {
    let rows = Flaw::ALL.iter().filter_map(|about| {
        // Goals of liveness have a table of their own.
        let at = properties::Property::position(about.breaks)?;
        let also = properties::ALL.iter().filter(|property| {
            property.name != about.breaks && property.codes.contains(&about.code)
        });
        let also: Vec<String> = also.map(|p| format!("`{}`", p.name)).collect();
        let property = &properties::ALL[at];
        let scenario = presets::for_flaw(about.flaw).scenario;
        Some(vec![
            about.code.to_owned(),
            format!("`{}`", about.name),
            file(property.file),
            about.expected_depth.to_string(),
            also.join(", "),
            scenario.bounds.servers.to_string(),
        ])
    });
    let head = [
        "code",
        "flaw",
        "property that it must break",
        "depth",
        "others that it breaks there",
        "servers",
    ];
    hold_part(PROPERTIES, "catalogue", &table(&head, rows));
}

#[test]
fn the_table_of_goals() {
    let rows = goals::ALL.iter().map(|goal| {
        let lassos = if goal.in_lassos {
            "both"
        } else {
            "recoverability"
        };
        let path = format!("model/src/liveness/goals/{}", goal.file);
        vec![
            format!("`{}`", goal.name),
            goal.says.to_owned(),
            goal.section.to_owned(),
            goal.presumes.to_owned(),
            lassos.to_owned(),
            goal.codes.join(", "),
            file(&path),
        ]
    });
    let head = [
        "goal",
        "is reached when",
        "section",
        "presumes",
        "check",
        "catalogue",
        "file",
    ];
    hold_part("docs/liveness.md", "goals", &table(&head, rows));
}

/// A flaw names a property that names its code: the two tables agree.
#[test]
fn every_flaw_is_listed_by_the_property_it_breaks() {
    for about in &Flaw::ALL {
        let shows = Shows::by_name(about.breaks).expect("a property or a goal");
        // B2 moves the commit index back, which three properties may see.
        assert!(
            shows.codes().contains(&about.code),
            "{} does not list {}",
            about.breaks,
            about.code
        );
    }
}

/// What a setting decides. A new setting fails here before it has a sentence.
fn decides(setting: &str) -> &'static str {
    match setting {
        "heartbeat" => {
            "how a leader keeps its followers: an append without entries, or a message of its own that commits min(match, commit) without a check"
        }
        "durable-commit" => "whether the commit index is durable",
        "configuration" => {
            "where the configuration comes from that servers start with: given, or the applied configuration entries"
        }
        "takes-effect" => {
            "when a change of the configuration takes effect: when it is appended, or when it is applied"
        }
        "removed-leader" => {
            "what a leader does that a configuration leaves out: it steps down, or leads on without counting itself (`leads-on`)"
        }
        "counts-new-members" => {
            "whether a leader's check of its quorum takes a server for heard that has just become a member"
        }
        "snapshot-to-anybody" => {
            "whether a leader may also send its snapshot to who is known to hold as much"
        }
        "leaves-while-handing-over" => {
            "whether a leader that hands over leaves a joint configuration by itself all the same"
        }
        "learns-commit" => {
            "who tells a server what is committed: its leader, or also vote requests, refusals of votes and answers to reads (`from-votes`)"
        }
        "own-commit-before-change" => {
            "whether a leader commits an entry of its own term before it appends a single-server change"
        }
        "tells-memberships-apart" => {
            "whether a leader tells answers that a server gave before it was removed and added again"
        }
        "single-server-changes" => "whether the configuration changes by one voter at a time",
        "joint-consensus" => "whether it changes through joint configurations",
        "learners" => "whether there are learners",
        "append-below-commit" => {
            "an append whose previous entry lies below the commit index: checked, or answered with the commit index"
        }
        "stale-request" => "a request of a lower term: refused with the current term, or ignored",
        "vote-with-known-leader" => {
            "whether a server that knows the leader of a term may still give its vote in it"
        }
        "lost-vote-ends-candidacy" => {
            "whether a candidate that can no longer win becomes a follower"
        }
        "reject-hint" => "whether a rejected append says where a probe may match",
        "window" => {
            "flow control: how many appends with entries may be under way to a server; `0`: any range may be sent at any time"
        }
        "sessions" => {
            "how many clients have a session, so that a command that they send again is applied once; `0`: no sessions"
        }
        "storage" => {
            "the storage contract: one write under way (`sync`), the same with AppendEntries that leave before it (`parallel-append`), or writes that are queued (`async`)"
        }
        "promise" => "what the storage promises of a write that a crash cuts off",
        "durability" => {
            "when a write is durable: with its step, or by an action of its own (both are explored)"
        }
        "pre-vote" => {
            "whether a server asks first if it would win: not at all, for its log (`log`), or also whether its voters hear a leader (`log-and-leader`)"
        }
        "check-quorum" => "whether a leader that does not hear a majority steps down",
        "follower-reads" => {
            "whether a follower serves reads, at an index that it asks its leader for"
        }
        "held-snapshot" => {
            "what a follower makes of a snapshot whose last entry it holds: it saves it and keeps the entries behind (`retain`), or commits up to there and keeps its log (`fast-forward`)"
        }
        "snapshot-names-receiver" => {
            "whether a server ignores a snapshot whose configuration lacks it"
        }
        "lease-reads" => {
            "whether a leader serves reads without a round while its lease runs, by clocks"
        }
        "restart-waits" => "whether a restarted server takes itself to have just heard a leader",
        "election-timeout-ticks" => "the minimum election timeout, where there are clocks",
        "lease-ticks" => {
            "how long a lease lasts from when its round was sent, by the leader's clock"
        }
        "sticky" => "whether who hears a leader takes no notice of candidates",
        other => panic!("docs/model.md does not say what {other:?} decides"),
    }
}

fn values(settings: &Settings) -> Vec<(String, String)> {
    let table = toml::Table::try_from(settings).expect("settings are a table");
    let plain = |value: &toml::Value| value.to_string().replace('"', "");
    table
        .iter()
        .map(|(key, value)| (key.clone(), plain(value)))
        .collect()
}

#[test]
fn the_table_of_settings() {
    let dialects: Vec<_> = Dialect::ALL
        .iter()
        .map(|dialect| values(&dialect.settings(Durability::Deferred)))
        .collect();
    let rows = dialects[0].iter().map(|(key, _)| {
        let mut row = vec![format!("`{key}`"), decides(key).to_owned()];
        for dialect in &dialects {
            let (_, value) = dialect
                .iter()
                .find(|(k, _)| k == key)
                .expect("the same keys");
            row.push(if key == "durability" {
                "both".to_owned()
            } else {
                format!("`{value}`")
            });
        }
        row
    });
    let mut head = vec!["setting", "decides"];
    head.extend(Dialect::ALL.iter().map(|dialect| dialect.name()));
    hold_part(MODEL, "settings", &table(&head, rows));
}

#[test]
fn the_table_of_bounds() {
    let rows = Bounds::default().limits().into_iter().map(|limit| {
        vec![
            format!("`{}`", limit.name),
            limit.value,
            limit.hides.to_owned(),
        ]
    });
    let head = ["bound", "default", "hides"];
    hold_part(MODEL, "bounds", &table(&head, rows));
}

/// Every name in code quotes that looks like a file of this repository is one.
#[test]
fn documents_name_files_that_exist() {
    for document in [PROPERTIES, MODEL] {
        let text = std::fs::read_to_string(root().join(document)).expect("the document");
        for quoted in text.split('`').skip(1).step_by(2) {
            let is_path = quoted.contains('/') && quoted.ends_with(".rs");
            assert!(
                !is_path || root().join(quoted).exists(),
                "{document} names {quoted}"
            );
        }
    }
}

/// The scenarios in which the cost of ghost state is measured.
fn measured() -> [(&'static str, Scenario); 2] {
    [
        (
            "`paper`, atomic, bag: 3 servers, 2 elections, 1 crash",
            Scenario {
                prefix: &[],
                settings: Dialect::Paper.settings(Durability::Atomic),
                network: NetworkKind::Bag,
                bounds: Bounds {
                    max_log: 2,
                    campaigns: Some(2),
                    appends: Some(0),
                    writes: 0,
                    restarts: 1,
                    ..Bounds::default()
                },
            },
        ),
        (
            "`etcd-stored`, atomic, bag: 2 servers, 2 elections, 2 appends, 2 heartbeats, \
             1 write, 1 read, 1 crash",
            Scenario {
                prefix: &[],
                settings: Dialect::EtcdStored.settings(Durability::Atomic),
                network: NetworkKind::Bag,
                bounds: Bounds {
                    servers: 2,
                    campaigns: Some(2),
                    appends: Some(2),
                    heartbeats: Some(2),
                    writes: 1,
                    reads: 1,
                    restarts: 1,
                    ..Bounds::default()
                },
            },
        ),
    ]
}

/// All states within the bounds.
fn reachable(scenario: &Scenario) -> Vec<State> {
    let first = State::initial(scenario);
    let mut known = HashSet::from([fingerprint(&first)]);
    let (mut queue, mut all) = (VecDeque::from([first]), Vec::new());
    let mut actions = Vec::new();
    while let Some(state) = queue.pop_front() {
        actions.clear();
        action::enabled(&state, scenario, &mut actions);
        for action in &actions {
            if let Ok(step) = state.next(action, scenario)
                && step.after.within(scenario)
                && known.insert(fingerprint(&step.after))
            {
                queue.push_back(step.after);
            }
        }
        all.push(state);
    }
    all
}

/// What ghost state costs: how many states would remain if it were forgotten.
#[test]
fn the_cost_of_ghost_state() {
    let rows = measured().map(|(name, scenario)| {
        let all = reachable(&scenario);
        let without = |forget: fn(&mut State)| {
            let rest: HashSet<_> = all
                .iter()
                .map(|state| {
                    let mut state = state.clone();
                    forget(&mut state);
                    fingerprint(&state)
                })
                .collect();
            rest.len()
        };
        vec![
            name.to_owned(),
            all.len().to_string(),
            without(|s| s.history.led.clear()).to_string(),
            without(|s| s.history.committed.clear()).to_string(),
            without(|s| s.history.reads.clear()).to_string(),
            without(|s| s.history.restarted = Default::default()).to_string(),
            without(|s| s.history = Default::default()).to_string(),
        ]
    });
    let head = [
        "scenario",
        "states",
        "without leaders",
        "without commits",
        "without floors",
        "without restarts",
        "without all",
    ];
    hold_part(PROPERTIES, "ghost", &table(&head, rows.into_iter()));
}
