//! Where the model reaches what: which presets take an action, which fire a
//! branch of a rule. Whoever asks what a trace could have shown finds it here.
//!
//! The table is what the searches of the default presets found, each to its end;
//! `model/tests/presets.rs` writes and holds it.

use crate::presets::{self, Preset};

const TABLE: &str = include_str!("reachable.txt");

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A kind of action ([`crate::action::Action::KINDS`]).
    Action,
    /// A branch of a rule ([`crate::rules::Branch`]).
    Branch,
}

impl Kind {
    /// The name, as tables spell it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Action => "action",
            Kind::Branch => "branch",
        }
    }
}

/// Everything that the model does, with the presets that show it: of each
/// dialect the one with the fewest features. What only a planted flaw does has
/// none.
pub fn all() -> Vec<(Kind, &'static str, Vec<Preset>)> {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| {
        let mut words = line.split(' ');
        let kind = match words.next()? {
            "action" => Kind::Action,
            _ => Kind::Branch,
        };
        let name = words.next()?;
        Some((kind, name, words.filter_map(presets::by_name).collect()))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;
    use crate::rules::Branch;

    #[test]
    fn the_table_has_every_action_and_every_branch() {
        let of = |wanted| {
            let all = all().into_iter();
            all.filter(move |row| row.0 == wanted).map(|row| row.1)
        };
        assert!(of(Kind::Action).eq(Action::KINDS));
        assert!(of(Kind::Branch).eq(Branch::ALL.map(Branch::name)));
        for (_, name, presets) in all() {
            let flawed = Branch::ALL
                .iter()
                .any(|branch| branch.name() == name && branch.is_flawed());
            assert_eq!(presets.is_empty(), flawed, "{name}");
        }
    }
}
