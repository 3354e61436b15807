//! What was found, as documents: the JSON of every command, and the verdict
//! that decides its exit code. Nothing here prints.
//!
//! `docs/json-output.md` describes the documents; a test holds it to them.

pub mod bench;
pub mod bench_linearize;
pub mod bench_replay;
pub mod check;
pub mod coverage;
pub mod flaws;
pub mod linearize;
pub mod list;
pub mod liveness;
pub mod replay;
pub mod seconds;
pub mod verify;
pub mod yardstick;

use serde::Serialize;

/// A three-valued answer. The order is from best to worst for an exit code:
/// of several answers the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It holds, and there is evidence.
    Holds,
    /// Neither was shown.
    Inconclusive,
    /// It does not hold.
    Violated,
}

impl Answer {
    /// The name, as JSON spells it.
    pub fn name(self) -> &'static str {
        match self {
            Answer::Holds => "holds",
            Answer::Inconclusive => "inconclusive",
            Answer::Violated => "violated",
        }
    }

    /// The name in capitals, as the human text starts.
    pub fn shout(self) -> String {
        self.name().to_uppercase()
    }
}
