//! A leader that hands over takes no commands (dissertation section 3.10): the
//! next leader has to have its whole log.

use super::{Check, Finding, Property, StepView};
use crate::log::Log;
use crate::rules::Branch;
use crate::scenario::Scenario;
use crate::server::Role;

pub(super) const PROPERTY: Property = Property {
    name: "transfer-takes-no-commands",
    says: "while a leader hands over its log does not grow, but by what leaves a joint \
           configuration where the settings say so",
    section: "diss. §3.10",
    codes: &["D8"],
    file: "model/src/properties/transfer_takes_no_commands.rs",
    presumes: |scenario| scenario.bounds.transfers > 0,
    check: Check::Step(check),
};

fn check(view: &StepView<'_>, scenario: &Scenario) -> Finding {
    let Some((before, after)) = view.actor() else {
        return Finding::Vacuous;
    };
    // No client has asked for that.
    let leaves = view.branch() == Some(Branch::JointLeft);
    if leaves && scenario.settings.leaves_while_handing_over {
        return Finding::Vacuous;
    }
    let hands_over = |role: &Role| {
        matches!(
            role,
            Role::Leader {
                transfer: Some(_),
                ..
            }
        )
    };
    if !hands_over(&before.role) || !hands_over(&after.role) || before.term != after.term {
        return Finding::Vacuous;
    }
    Finding::of(after.log.last_index() == before.log.last_index())
}
