//! `plimsoll flaws`: the planted bugs, and the proof that each is caught.

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;

use plimsoll_model::engine::Exhaustive;
use plimsoll_model::flaws::Flaw;
use plimsoll_model::prove::{Half, Proof, prove};

use super::limits::Spend;
use super::output::{document, save, say};
use super::progress::Line;
use super::scenario::flaw;
use super::{Done, FailOn, Failure};
use crate::render::table::{Table, grouped};
use crate::report::Answer;
use crate::report::flaws::{Document, FlawReport};
use crate::timeline::Timeline;

/// Flags of `plimsoll flaws`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show that each flaw is caught (all of them, or those that are named by
    /// name or catalogue code).
    #[arg(long, value_name = "NAME", num_args = 0..)]
    prove: Option<Vec<String>>,
    /// Of each property and goal only the flaw that breaks it soonest.
    #[arg(long, requires = "prove")]
    quick: bool,
    #[command(flatten)]
    spend: Spend,
    /// Save the timelines of the counterexamples in this folder.
    #[arg(long, value_name = "DIR", requires = "prove")]
    out: Option<PathBuf>,
    /// Print one JSON document (docs/json-output.md).
    #[arg(long)]
    json: bool,
    /// What makes the command fail.
    #[arg(long, value_enum, default_value = "inconclusive")]
    pub(super) fail_on: FailOn,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Done {
    let Some(names) = &args.prove else {
        let flaws = Flaw::ALL.iter().map(|about| FlawReport::listed(about.flaw));
        let result = Document::new(flaws.collect(), false);
        if args.json {
            document(&result)?;
        } else {
            say(&list(&result))?;
        }
        return Ok(Answer::Holds);
    };
    let mut flaws = names
        .iter()
        .map(|name| flaw(name))
        .collect::<Result<Vec<_>, _>>()?;
    if args.quick && !flaws.is_empty() {
        return Err(Failure::Usage(
            "--quick picks the flaws: name none with it".to_owned(),
        ));
    }
    if args.quick {
        flaws = Flaw::soonest_of_each_property();
    } else if flaws.is_empty() {
        flaws = Flaw::ALL.iter().map(|about| about.flaw).collect();
    }
    flaws.sort();
    flaws.dedup();
    let limits = args.spend.limits();
    let line = Line::new();
    let mut reports = Vec::new();
    for flaw in flaws {
        if limits.interrupt.load(Relaxed) {
            reports.push(FlawReport::listed(flaw));
            continue;
        }
        let name = flaw.about().name;
        let engine = Exhaustive::default();
        let proof = prove(flaw, &engine, &limits, &mut |half, now| match half {
            Half::Flawed => line.search(name, now),
            Half::Unflawed => line.search(&format!("{name}, without it"), now),
        });
        line.clear();
        let proof = proof?;
        let mut report = FlawReport::proved(&proof);
        if let Some(folder) = &args.out {
            for (timeline, name) in timelines(&proof) {
                report.timelines.push(save(&timeline, folder, &name)?);
            }
        }
        reports.push(report);
    }
    let result = Document::new(reports, true);
    if args.json {
        document(&result)?;
    } else {
        say(&proved(&result))?;
    }
    Ok(result.verdict.unwrap_or(Answer::Inconclusive))
}

/// The run to the first broken property and the run to the listed one.
fn timelines(proof: &Proof) -> Vec<(Timeline, String)> {
    let listed = proof.listed.as_ref();
    let first = proof.first.as_ref();
    let first = first.filter(|first| listed.is_none_or(|l| l.property != first.property));
    let name = proof.about.name;
    [first, listed]
        .into_iter()
        .flatten()
        .filter_map(|found| {
            let asks = match found.property.split_once('/') {
                Some((check, goal)) => format!("--liveness {check} --goal {goal}"),
                None => format!("--property {}", found.property),
            };
            let rerun = format!("plimsoll check --flaw {name} {asks}");
            let timeline = Timeline::of_counterexample(found, Some(proof.preset), Some(rerun));
            let property = found.property.replace('/', ".");
            Some((timeline.ok()?, format!("{name}.{property}")))
        })
        .collect()
}

fn list(document: &Document) -> String {
    let mut table = Table::new(&["code", "name", "breaks", "at depth", "had by"]).right(&[3]);
    for flaw in &document.flaws {
        table.row([
            flaw.code.to_owned(),
            flaw.name.to_owned(),
            flaw.expected_property.to_owned(),
            flaw.expected_depth.to_string(),
            flaw.source.to_owned(),
        ]);
    }
    let mut out = table.text();
    out += "\nwhat each does\n";
    let mut table = Table::new(&["", ""]);
    for flaw in &document.flaws {
        table.row([flaw.name.to_owned(), flaw.mechanism.to_owned()]);
    }
    for line in table.text().lines().skip(1) {
        out += &format!("  {line}\n");
    }
    out += "\nsee one:   plimsoll check --flaw NAME\nprove all: plimsoll flaws --prove\n";
    out
}

/// Rules, network, bounds, and what happens before the search.
fn searched(flaw: &FlawReport) -> String {
    let mut said = vec![flaw.dialect.to_owned()];
    said.extend(flaw.features.iter().map(|&name| name.to_owned()));
    let network = format!("{} network", flaw.network);
    let rules = said.join(", ");
    let bounds = flaw.bounds.join(", ");
    let mut said = format!("{rules}; {network}; {bounds}");
    if flaw.prefix > 0 {
        said += &format!("; behind a prefix of {} steps", flaw.prefix);
    }
    said
}

fn proved(document: &Document) -> String {
    let headings = [
        "code",
        "flaw",
        "caught",
        "first broken",
        "listed",
        "distinct",
        "without it",
        "seconds",
    ];
    let mut table = Table::new(&headings).right(&[5, 7]);
    for flaw in &document.flaws {
        let at = |property: Option<&str>, depth: Option<usize>| match (property, depth) {
            (Some(property), Some(depth)) => format!("{property} at {depth}"),
            _ => "-".to_owned(),
        };
        let unflawed = flaw.unflawed.as_ref().map_or("-".to_owned(), |search| {
            let end = match (search.broken, search.complete) {
                (Some(broken), _) => format!("{broken} BROKEN"),
                (None, true) => "holds".to_owned(),
                (None, false) => {
                    format!("{}, depth {}", search.end.replace('-', " "), search.depth)
                }
            };
            format!("{end}, {} states", grouped(search.distinct_states))
        });
        table.row([
            flaw.code.to_owned(),
            flaw.name.to_owned(),
            match flaw.answer() {
                Answer::Holds => "yes",
                Answer::Violated => "NO",
                Answer::Inconclusive => "unknown",
            }
            .to_owned(),
            at(flaw.first_broken, flaw.first_depth),
            at(Some(flaw.expected_property), flaw.caught_depth),
            flaw.distinct_states.map_or("-".to_owned(), grouped),
            unflawed,
            flaw.seconds
                .map_or("-".to_owned(), |seconds| format!("{seconds:.1}")),
        ]);
    }
    let mut out = table.text();
    out += "\nwhere each was searched (what is not as `plimsoll check --list` has it by default)\n";
    let mut table = Table::new(&["", ""]);
    for flaw in &document.flaws {
        table.row([flaw.name.to_owned(), searched(flaw)]);
    }
    for line in table.text().lines().skip(1) {
        out += &format!("  {line}\n");
    }
    out.push('\n');
    for flaw in &document.flaws {
        if let Some(objection) = &flaw.objection {
            out += &format!("{}: {objection}\n", flaw.name);
        }
        for path in &flaw.timelines {
            out += &format!("{}: plimsoll explain {path}\n", flaw.name);
        }
    }
    let caught = document
        .flaws
        .iter()
        .filter(|flaw| flaw.caught == Some(true));
    out += &format!(
        "{}  {} of {} flaws caught as expected\n",
        document.verdict.unwrap_or(Answer::Inconclusive).shout(),
        caught.count(),
        document.flaws.len()
    );
    out
}
