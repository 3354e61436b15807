//! `plimsoll check --list`.

use super::Failure;
use super::output::{document, say};
use crate::render::table::Table;
use crate::report::list::Document;

/// Prints everything that has a name.
pub(super) fn print(json: bool) -> Result<(), Failure> {
    let all = Document::all();
    if json {
        return document(&all);
    }
    let mut out = String::new();
    let mut table = Table::new(&["PRESETS", "default", ""]);
    for row in &all.presets {
        let default = if row.default { "yes" } else { "" };
        table.row([
            row.name.to_owned(),
            default.to_owned(),
            row.about.to_owned(),
        ]);
    }
    out += &table.text();
    let mut table = Table::new(&["PROPERTIES", "section", "of a", ""]);
    for row in &all.properties {
        table.row([
            row.name.to_owned(),
            row.section.to_owned(),
            row.kind.to_owned(),
            row.says.to_owned(),
        ]);
    }
    out += &format!("\n{}", table.text());
    let mut table = Table::new(&["FEATURES", "section", ""]);
    for row in &all.features {
        table.row([
            row.name.to_owned(),
            row.section.to_owned(),
            row.says.to_owned(),
        ]);
    }
    out += &format!("\n{}", table.text());
    let mut table = Table::new(&["FLAWS", "code", "breaks", ""]);
    for row in &all.flaws {
        table.row([
            row.name.to_owned(),
            row.code.to_owned(),
            row.breaks.to_owned(),
            row.mechanism.to_owned(),
        ]);
    }
    out += &format!("\n{}", table.text());
    for (title, rows) in [("WITNESSES", &all.witnesses), ("ENGINES", &all.engines)] {
        let mut table = Table::new(&[title, ""]);
        for row in rows {
            table.row([row.name.to_owned(), row.says.to_owned()]);
        }
        out += &format!("\n{}", table.text());
    }
    let mut table = Table::new(&["BOUNDS", "without a preset", "hides"]);
    for row in &all.bounds {
        table.row([row.name.to_owned(), row.value.clone(), row.hides.to_owned()]);
    }
    out += &format!("\n{}", table.text());
    let mut table = Table::new(&["ACTIONS"]);
    for row in &all.actions {
        table.row([(*row).to_owned()]);
    }
    out += &format!("\n{}", table.text());
    say(&out)
}
