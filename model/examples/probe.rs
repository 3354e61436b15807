//! Explores a scenario given as TOML on the command line.
use plimsoll_model::{bounds::*, engine::*, network::*, scenario::Scenario, settings::*};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let d = Dialect::by_name(&a[1]).unwrap();
    let dur = if a[2] == "atomic" {
        Durability::Atomic
    } else {
        Durability::Deferred
    };
    let net = match a[3].as_str() {
        "set" => NetworkKind::Set,
        "bag" => NetworkKind::Bag,
        _ => NetworkKind::Ordered,
    };
    let bounds: Bounds = toml::from_str(&a[4]).unwrap();
    let mut settings = d.settings(dur);
    if let Some(f) = a.get(5) {
        settings.flaw = plimsoll_model::flaws::Flaw::by_name(f);
    }
    let sc = Scenario {
        settings,
        network: net,
        bounds,
    };
    let mut limits = Limits {
        states: Some(
            std::env::var("STATES")
                .ok()
                .and_then(|s| s.parse().ok())
                .unwrap_or(600_000),
        ),
        memory: Some(6 << 30),
        ..Limits::default()
    };
    if let Some(p) = a.get(6) {
        limits.until = vec![
            plimsoll_model::properties::ALL
                [plimsoll_model::properties::Property::position(p).unwrap()]
            .name,
        ];
    }
    let s = Bfs.search(&sc, &limits, &mut |_| {});
    println!(
        "{:?} distinct {} generated {} oob {} depth {} {:?} {:.0}/s",
        s.end,
        s.distinct,
        s.generated,
        s.out_of_bounds,
        s.depth,
        s.elapsed,
        s.distinct as f64 / s.elapsed.as_secs_f64()
    );
    for p in &s.properties {
        println!(
            "  {:24} judged {} evaluated {} {}",
            p.name,
            p.judged,
            p.evaluated,
            p.counterexample.as_ref().map_or("".into(), |c| format!(
                "BROKEN depth {} confirmed {}",
                c.actions.len(),
                c.is_confirmed()
            ))
        );
    }
    for w in &s.witnesses {
        println!("  w {:24} {}", w.name, w.count);
    }
    let un: Vec<_> = s
        .branches
        .iter()
        .filter(|b| b.count == 0)
        .map(|b| b.name.clone())
        .collect();
    println!("  never: {un:?}");
    if let Some(c) = s.first_broken() {
        for f in c.frames().unwrap() {
            println!("    {}", f.action);
        }
    }
}
