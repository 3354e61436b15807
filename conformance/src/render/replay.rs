//! Verdicts on traces, for people.

use crate::render::canvas::wrap;
use crate::render::table::{Table, grouped};
use crate::replay::Judged;
use crate::replay::feed::STDIN;
use crate::replay::names::Names;
use crate::report::replay::{Document, ReducedReport, TraceReport};
use crate::verdict::{Agreed, Certificate, Nearest, Place, Verdict};

/// How wide sentences are.
const WIDTH: usize = 100;

/// The last steps that are shown before a divergence.
const CONTEXT: usize = 5;

/// One trace: the verdict first, then what it rests on. `plain` says that it is
/// judged so when only its path is given.
pub fn verdict(judged: &Judged, report: &TraceReport, plain: bool) -> String {
    let Ok(verdict) = &judged.result else {
        return String::new();
    };
    let certificate = verdict.certificate();
    let names = Names::new(&certificate.nodes);
    let mut out = format!("{}  {}", verdict.name().to_uppercase(), report.path);
    match (report.line, report.event) {
        (Some(line), Some(event)) if judged.inputs.len() > 1 => {
            out += &format!("  line {line} (event {event})  {} events", all(certificate));
        }
        (Some(line), Some(event)) => {
            out += &format!("  line {line} (event {event}) of {}", certificate.events);
        }
        _ => out += &format!("  {} events", all(certificate)),
    }
    if judged.inputs.len() > 1 {
        out += &format!(" in {} files", judged.inputs.len());
    }
    out.push('\n');
    match verdict {
        Verdict::Conforms(_) => {}
        Verdict::Diverges(found, _) => {
            out += &sentence(&found.what);
            out += &item(
                "rule",
                &format!(
                    "{} (Raft {})   {}",
                    found.rule.name, found.rule.section, found.rule.file
                ),
            );
            out += &item("why", &found.why);
            for (place, what) in &found.because {
                out += &item("", &format!("{}: {what}", place.beside(&found.place)));
            }
            out += &item("expected", &found.expected);
            for (i, nearest) in found.nearest.iter().enumerate() {
                out += &item(if i == 0 { "nearest" } else { "" }, &near(nearest));
            }
            out += &agreed(&found.agreed, &found.place, &names);
            out += &context(judged, &found.place, &names);
            if let Some(reduced) = &report.reduced {
                out += &item("reduced", &reduced_to(reduced));
            }
            // What was read from a pipe, or rotated away, has no such line.
            let inputs = report.followed.iter().flat_map(|run| &run.inputs);
            let mut gone = inputs.filter(|input| input.path == STDIN || input.rotations > 0);
            if gone.next().is_none() {
                let line = found.place.line;
                let rerun = match plain && judged.inputs.len() == 1 {
                    true => format!("plimsoll explain {} --line {line}", report.path),
                    // Only with all its files, and what else was given.
                    false => {
                        "plimsoll replay as before with --out DIR, and plimsoll explain of what \
                              that saves"
                            .to_owned()
                    }
                };
                out += &item("rerun", &rerun);
            }
        }
        Verdict::Inconclusive(stopped, _) => {
            out += &sentence(stopped.ground.says());
            out += &item("there", &stopped.what);
        }
    }
    out + &rests_on(certificate, matches!(verdict, Verdict::Diverges(..)))
}

/// How many events there were: of a run that was left off, how many of them were
/// judged.
fn all(certificate: &Certificate) -> String {
    let (judged, of) = (certificate.consumed, certificate.events);
    match certificate.consumed < of {
        true => format!("{} of {}", grouped(judged), grouped(of)),
        false => grouped(of),
    }
}

/// The steps that led here.
fn context(judged: &Judged, end: &Place, names: &Names) -> String {
    let steps: Vec<String> = judged
        .moments
        .iter()
        .filter(|moment| moment.place.path != end.path || moment.place.line <= end.line)
        .map(|moment| {
            let silent = if moment.silent {
                " (no line shows it)"
            } else {
                ""
            };
            let action = names.text(&moment.action.to_string());
            format!("{}: {action}{silent}", moment.place.beside(end))
        })
        .collect();
    let from = steps.len().saturating_sub(CONTEXT);
    let mut out = String::new();
    for (i, step) in steps[from..].iter().enumerate() {
        out += &item(if i == 0 { "before" } else { "" }, step);
    }
    out
}

/// A legal event that is near.
fn near(nearest: &Nearest) -> String {
    match nearest.legal.as_str() {
        "absent" => format!("legal without {} ({})", nearest.field, nearest.shown),
        legal => format!(
            "legal with {} {legal} and not {}",
            nearest.field, nearest.shown
        ),
    }
}

/// What every node had agreed on.
fn agreed(all: &[Agreed], other: &Place, names: &Names) -> String {
    let headings = [
        "node",
        "at",
        "role",
        "term",
        "vote",
        "log",
        "commit",
        "applied",
        "configuration",
    ];
    let mut table = Table::new(&headings).right(&[3, 6, 7]);
    for agreed in all {
        let vote = agreed.vote.as_deref();
        table.row([
            names.of_model(&agreed.model).to_owned(),
            agreed.place.beside(other),
            agreed.role.to_owned(),
            agreed.term.to_string(),
            vote.map_or("-", |vote| names.of_trace(vote)).to_owned(),
            format!("{}@{}", agreed.last_index, agreed.last_term),
            agreed.commit.to_string(),
            agreed.applied.to_string(),
            agreed.configuration.clone(),
        ]);
    }
    let text = table.text();
    let lines = text.lines().enumerate().map(|(i, line)| {
        let word = if i == 0 { "agreed" } else { "" };
        format!("  {word:<9}  {line}\n")
    });
    lines.collect()
}

/// How much of the trace is left.
fn reduced_to(reduced: &ReducedReport) -> String {
    let minimal = match reduced.minimal {
        true => "no line of it can be left out",
        false => "some more may be left out: the search was ended",
    };
    format!(
        "to {} of {} events in {}; {minimal} ({} shorter traces judged)",
        grouped(reduced.events as u64),
        grouped(reduced.of as u64),
        reduced.path,
        grouped(reduced.tried)
    )
}

/// The certificate.
fn rests_on(certificate: &Certificate, diverges: bool) -> String {
    let counted = |counts: &std::collections::BTreeMap<String, u64>| {
        let counts = counts.iter().map(|(name, count)| format!("{name} {count}"));
        let text = counts.collect::<Vec<_>>().join(", ");
        if text.is_empty() {
            "none".to_owned()
        } else {
            text
        }
    };
    let facts = certificate
        .facts
        .iter()
        .map(|(kind, facts)| format!("{kind} {} of {}", grouped(facts.checked), grouped(facts.of)));
    let mut out = item(
        "consumed",
        &format!(
            "{} of {} events, format {}",
            grouped(certificate.consumed),
            grouped(certificate.events),
            certificate.format
        ),
    );
    out += &item("checked", &facts.collect::<Vec<_>>().join(", "));
    out += &item("actions", &counted(&certificate.actions));
    out += &item("silent", &counted(&certificate.silent));
    if certificate.readings > 0 {
        let others = grouped(certificate.readings);
        let what = "followed for a while, where no line shows what a crash kept, or which of \
                    several messages arrived";
        let blame = match diverges {
            true => "; none explains the run, and what is told is of the one that led furthest",
            false => "",
        };
        out += &item("readings", &format!("{others} others {what}{blame}"));
    }
    out += &item(
        "settings",
        &format!(
            "{}, storage {} ({})",
            certificate.settings, certificate.storage, certificate.storage_evidence
        ),
    );
    if !certificate.switches.is_empty() {
        let switches = certificate.switches.iter();
        let switches = switches.map(|(name, what)| format!("{name} {what}"));
        out += &item("switches", &switches.collect::<Vec<_>>().join("; "));
    }
    let inputs = certificate.inputs.iter();
    let inputs = inputs.map(|(path, hash)| format!("{} {hash}", path.display()));
    out += &item(
        "hashes",
        &format!(
            "rule book {}, {}",
            certificate.rule_book,
            inputs.collect::<Vec<_>>().join(", ")
        ),
    );
    out
}

/// How a run was followed: what ended it, where each node stands, what waits.
pub fn followed(report: &TraceReport) -> String {
    let Some(followed) = &report.followed else {
        return String::new();
    };
    let ended = match followed.ended_by {
        "signal" => "a signal",
        "end" => "the end of all inputs",
        "error" => "an error in an input",
        _ => "the verdict",
    };
    let mut out = item(
        "followed",
        &format!("until {ended}, window {}", grouped(followed.window)),
    );
    for (i, node) in followed.nodes.iter().enumerate() {
        let at = match &node.judged {
            Some(place) => format!("judged up to {}:{}", place.path.display(), place.line),
            None => "nothing judged".to_owned(),
        };
        let waits = match (&node.awaits, node.waiting) {
            (_, 0) => String::new(),
            (Some(awaited), n) => format!(", {n} read and waiting for what {awaited} sent"),
            (None, n) => format!(", {n} read and waiting"),
        };
        let word = if i == 0 { "nodes" } else { "" };
        out += &item(word, &format!("{}: {at}{waits}", node.node));
    }
    let inputs = followed.inputs.iter().filter_map(|input| {
        let mut what = Vec::new();
        if input.missing {
            what.push("never written".to_owned());
        }
        if input.rotations > 0 {
            what.push(format!("rotated {} times", input.rotations));
        }
        if input.torn {
            what.push("ends in the middle of a line".to_owned());
        }
        (!what.is_empty()).then(|| format!("{}: {}", input.path, what.join(", ")))
    });
    for (i, input) in inputs.enumerate() {
        out += &item(if i == 0 { "inputs" } else { "" }, &input);
    }
    let kept = followed.kept.iter().filter(|(_, n)| **n > 0);
    let kept = kept.map(|(kind, n)| format!("{kind} {}", grouped(*n)));
    out + &item(
        "kept",
        &format!(
            "{}; {} forgotten",
            kept.collect::<Vec<_>>().join(", "),
            grouped(followed.forgotten)
        ),
    )
}

/// Several traces in a table, and the one verdict.
pub fn traces(document: &Document) -> String {
    let mut table = Table::new(&["trace", "verdict", "events", "at"]).right(&[2]);
    for trace in &document.traces {
        let at = match (trace.line, &trace.rule, &trace.why) {
            (Some(line), Some(rule), _) => format!("line {line}: {rule}"),
            (Some(line), None, Some(why)) => format!("line {line}: {why}"),
            (_, _, why) => why.clone().unwrap_or_default(),
        };
        table.row([
            trace.path.clone(),
            trace.verdict.to_owned(),
            grouped(trace.events),
            at,
        ]);
    }
    let count = |verdict: &str| {
        document
            .traces
            .iter()
            .filter(|t| t.verdict == verdict)
            .count()
    };
    format!(
        "{}\n{} conform, {} diverge, {} inconclusive, {} unreadable\n",
        table.text(),
        count("conforms"),
        count("diverges"),
        count("inconclusive"),
        count("unreadable")
    )
}

/// A sentence on its own.
pub(super) fn sentence(text: &str) -> String {
    let lines = wrap(text, WIDTH, 0);
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

/// What stands under a word.
pub(super) fn item(word: &str, text: &str) -> String {
    let mut out = String::new();
    for (i, line) in wrap(text, WIDTH - 11, 0).iter().enumerate() {
        let word = if i == 0 { word } else { "" };
        out += &format!("  {word:<9}  {line}\n");
    }
    out
}
