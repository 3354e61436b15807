//! Explores presets, with bounds changed by hand, and proves flaws:
//!
//! ```text
//! cargo run --release -p plimsoll-model --example explore                 all default presets
//! cargo run --release -p plimsoll-model --example explore proofs [A4 ...] all flaws, or these
//! cargo run --release -p plimsoll-model --example explore broken [A4 ...] all that each breaks
//! cargo run --release -p plimsoll-model --example explore paper-reads appends=3
//! ```

use plimsoll_model::engine::{Engine, Exhaustive, Limits, Search};
use plimsoll_model::flaws::{About, Flaw};
use plimsoll_model::presets::{self, Preset};
use plimsoll_model::prove::prove;
use plimsoll_model::rules::Branch;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        None => defaults(),
        Some((word, names)) if word == "proofs" => proofs(names),
        Some((word, names)) if word == "broken" => broken(names),
        Some((name, changes)) => match presets::by_name(name) {
            Some(preset) => one(preset, changes),
            None => eprintln!("no preset is called {name}"),
        },
    }
}

fn limits() -> Limits {
    Limits {
        states: Some(20_000_000),
        memory: Some(6 << 30),
        ..Limits::default()
    }
}

fn row(name: &str, search: &Search) {
    println!(
        "{name:34} {:9} states {:9} generated  depth {:2}  {:5.1} s  {}",
        search.distinct,
        search.generated,
        search.depth,
        search.elapsed.as_secs_f64(),
        search.end.name()
    );
}

fn missed(preset: &Preset, search: &Search) -> Vec<&'static str> {
    let reached = |name: &str| {
        search
            .witnesses
            .iter()
            .any(|w| w.name == name && w.count > 0)
    };
    let wanted = preset.witnesses.iter().copied();
    wanted.filter(|name| !reached(name)).collect()
}

fn defaults() {
    let mut never: Vec<String> = Branch::ALL.iter().map(|b| b.name()).collect();
    for preset in presets::defaults() {
        let search = Exhaustive::on(2)
            .search(&preset.scenario, &limits(), &mut |_| {})
            .expect("a search");
        row(preset.name, &search);
        never.retain(|name| {
            !search
                .branches
                .iter()
                .any(|b| b.name == *name && b.count > 0)
        });
        for missed in missed(&preset, &search) {
            println!("    misses {missed}");
        }
        if let Some(broken) = search.first_broken() {
            println!("    breaks {}", broken.property);
        }
    }
    println!("branches that never fire: {never:?}");
}

fn asked(names: &[String]) -> impl Iterator<Item = &'static About> {
    let flaws: Vec<Flaw> = names
        .iter()
        .filter_map(|name| Flaw::by_name(name))
        .collect();
    let all = Flaw::ALL.iter().map(|about| about.flaw.about());
    all.filter(move |about| flaws.is_empty() || flaws.contains(&about.flaw))
}

/// Every property that a flaw breaks in its preset, and how deep.
fn broken(names: &[String]) {
    for about in asked(names) {
        let mut scenario = presets::for_flaw(about.flaw).scenario;
        scenario.settings.flaw = Some(about.flaw);
        let all = Limits {
            keep_going: true,
            ..limits()
        };
        let search = Exhaustive::on(2).search(&scenario, &all, &mut |_| {});
        let search = search.expect("a search");
        row(about.name, &search);
        for property in &search.properties {
            if let Some(found) = &property.counterexample {
                println!("    {:28} {:2}", property.name, found.actions.len());
            }
        }
    }
}

fn proofs(names: &[String]) {
    for about in asked(names) {
        let proof =
            prove(about.flaw, &Exhaustive::on(2), &limits(), &mut |_, _| {}).expect("two searches");
        let first = proof.first.as_ref();
        println!(
            "{:3} {:28} first {:24} at {:2}, {:20} at {:2}",
            about.code,
            about.name,
            first.map_or("-", |c| c.property),
            first.map_or(0, |c| c.actions.len()),
            about.breaks,
            proof.listed.as_ref().map_or(0, |c| c.actions.len()),
        );
        row("    flawed", &proof.flawed);
        row("    unflawed", &proof.unflawed);
        if let Some(objection) = proof.objection() {
            println!("    NOT CAUGHT: {objection}");
        }
    }
}

fn one(preset: Preset, changes: &[String]) {
    let mut scenario = preset.scenario.clone();
    if let Err(error) = scenario.check() {
        return eprintln!("{}: {error}", preset.name);
    }
    for change in changes {
        if let Some(name) = change.strip_prefix("flaw=") {
            scenario.settings.flaw = Flaw::by_name(name);
            continue;
        }
        match scenario.bounds.set(change) {
            Ok(bounds) => scenario.bounds = bounds,
            Err(error) => return eprintln!("{error}"),
        }
    }
    let search = Exhaustive::on(2)
        .search(&scenario, &limits(), &mut |_| {})
        .expect("a search");
    row(preset.name, &search);
    for property in &search.properties {
        println!(
            "  {:24} judged {:9}, with something to judge {:9}",
            property.name, property.judged, property.evaluated
        );
    }
    for counts in [&search.witnesses, &search.actions, &search.branches] {
        for count in counts.iter() {
            println!("  {:28} {:9}", count.name, count.count);
        }
        println!();
    }
    if let Some(Ok(frames)) = search.first_broken().map(|c| c.frames()) {
        for frame in frames {
            println!("  {}", frame.action);
        }
    }
}
