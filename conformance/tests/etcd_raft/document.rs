//! The tables of `docs/replay.md` that are generated from the adapters.

#[path = "../common/document.rs"]
mod part;

use plimsoll::adapters::{etcd_raft, plimsoll as own};
use plimsoll::verdict::Ground;

const PAGE: &str = "replay.md";

fn grounds() -> String {
    let mark = |of: &[Ground], ground| if of.contains(&ground) { "yes" } else { "" };
    let mut table = "| ground | says | etcd-raft | Plimsoll |\n|---|---|---|---|\n".to_owned();
    for ground in Ground::ALL {
        let name = serde_json::to_value(ground).expect("JSON");
        table += &format!(
            "| `{}` | {} | {} | {} |\n",
            name.as_str().expect("a name"),
            ground.says(),
            mark(&etcd_raft::GROUNDS, ground),
            mark(&own::GROUNDS, ground),
        );
    }
    table
}

/// The table at the head of an adapter's source.
fn correspondence(source: &str) -> String {
    let rows = source.lines().filter_map(|line| line.strip_prefix("//! |"));
    rows.map(|row| format!("|{row}\n")).collect()
}

#[test]
fn the_page_lists_every_ground() {
    part::holds(PAGE, "grounds", &grounds());
}

#[test]
fn the_page_holds_the_correspondence_tables() {
    let table = etcd_raft::correspondence();
    assert!(table.lines().count() > 15, "{table}");
    part::holds(PAGE, "correspondence of etcd-raft", &table);
    let table = correspondence(include_str!("../../src/adapters/plimsoll/mod.rs"));
    assert!(table.lines().count() > 10, "{table}");
    part::holds(PAGE, "correspondence of Plimsoll", &table);
}
