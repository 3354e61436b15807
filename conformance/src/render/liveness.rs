//! What a check of liveness rests on, for people.

use super::certificate::{block, item};
use super::table::grouped;
use crate::report::check::Seen;
use crate::report::liveness::{Document, Fair, Found, GoalReport};
use crate::report::seconds::said;
use std::time::Duration;

/// One goal: the verdict first, then all it rests on.
pub fn goal(report: &GoalReport) -> String {
    let mut out = format!(
        "{}  {}   {}\n",
        report.verdict.shout(),
        report.goal,
        report.says
    );
    for ground in &report.grounds {
        out += &item("because", ground);
    }
    out += &item("preset", &report.preset);
    if let Some(flaw) = report.flaw {
        out += &item("flaw", flaw);
    }
    out += &item("presumes", report.presumes);
    out += &item(
        "states",
        &format!(
            "{} states, {} successors out of bounds, depth {}, {}",
            grouped(report.states),
            grouped(report.out_of_bounds),
            report.depth,
            said(Duration::from_secs_f64(report.seconds)),
        ),
    );
    if let Some(found) = &report.recoverability {
        out += &item(
            "starts",
            &format!(
                "{} after the last faults, {} judged with {} terms to spare: {} recoverable, {} \
                 violating, {} undetermined{}",
                grouped(found.starts),
                grouped(found.judged),
                found.spare_terms,
                grouped(found.recoverable),
                grouped(found.violating),
                grouped(found.undetermined.iter().map(|seen| seen.count).sum()),
                listed(&found.undetermined),
            ),
        );
        out += &item(
            "ways",
            &format!(
                "{} states looked at, the longest way took {} actions",
                grouped(found.looked_at),
                found.longest
            ),
        );
    }
    if let Some(found) = &report.lassos {
        out += &item(
            "graph",
            &format!(
                "without faults {} edges within bounds, {} reach the goal",
                grouped(found.edges),
                grouped(found.reaching)
            ),
        );
        out += &item(
            "runs",
            &format!(
                "{} states without the goal, {} components with cycles (the largest of {}), {} \
                 fair; {} states in which a fair run ends",
                grouped(found.avoiding),
                grouped(found.components),
                grouped(found.largest),
                grouped(found.fair),
                grouped(found.ends)
            ),
        );
        if !found.owed.is_empty() {
            out += &item(
                "owed",
                listed(&found.owed)
                    .trim_start_matches([' ', '('])
                    .trim_end_matches(')'),
            );
        }
    }
    if let Some(found) = &report.violation {
        out += &violation(found);
    }
    out
}

fn listed(seen: &[Seen]) -> String {
    let seen = seen.iter().filter(|seen| seen.count > 0);
    let words: Vec<String> = seen
        .map(|seen| format!("{} {}", seen.name, grouped(seen.count)))
        .collect();
    match words.is_empty() {
        true => String::new(),
        false => format!(" ({})", words.join(", ")),
    }
}

fn numbered(actions: &[String], from: usize) -> String {
    let lines = actions.iter().enumerate();
    lines
        .map(|(i, action)| format!("{:>3}  {action}\n", i + from))
        .collect()
}

fn violation(found: &Found) -> String {
    let mut out = block("way", &numbered(&found.actions, 1));
    if !found.confirmed {
        out += &item("BUT", "it is none when it is executed again");
    }
    if let Some(cycle) = &found.cycle {
        out += &match cycle.is_empty() {
            true => item(
                "then",
                "the run ends: nothing that fairness asks for is enabled",
            ),
            false => block("for ever", &numbered(cycle, 1)),
        };
        let lines: String = found.fairness.iter().map(fair).collect();
        if !lines.is_empty() {
            out += &block("fair, because", &lines);
        }
    }
    if let Some(states) = found.closed_states {
        out += &item(
            "then",
            &format!(
                "all in flight is lost, {} stay up, and no more than {} states follow, none of \
                 which reaches the goal; nothing leads out of them",
                found.up.join(" and "),
                grouped(states)
            ),
        );
        for (i, member) in found.members.iter().enumerate() {
            let mut text = member.servers.join("\n") + "\n";
            for step in &member.moves {
                text += &format!("  -> {}  {}\n", step.to, step.action);
            }
            out += &block(&format!("state {i}"), &text);
        }
        let left = states.saturating_sub(found.members.len() as u64);
        if left > 0 {
            out += &item("", &format!("and {} more", grouped(left)));
        }
        out += &block("may arrive", &(found.messages.join("\n") + "\n"));
    }
    if let Some(path) = &found.timeline {
        out += &item("saved", path);
        out += &item("show it", &format!("plimsoll explain {path}"));
    }
    out
}

fn fair(fair: &Fair) -> String {
    let how = match (fair.taken, fair.disabled) {
        (Some(step), _) => format!("taken in step {step}"),
        (None, Some(0)) => "disabled before step 1".to_owned(),
        (None, Some(step)) => format!("disabled after step {step}"),
        (None, None) => "owed".to_owned(),
    };
    format!("{}: {how}\n", fair.action)
}

/// The end of a check: what was assumed, and the one verdict.
pub fn verdict(document: &Document) -> String {
    let holds = document
        .goals
        .iter()
        .filter(|goal| goal.verdict.name() == "holds");
    let mut out = item("assuming", &document.assumption);
    out += &format!(
        "{}  {}: {} of {} goals hold\n",
        document.verdict.shout(),
        document.check,
        holds.count(),
        document.goals.len()
    );
    out
}
