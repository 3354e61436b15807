//! A scenario: everything that decides a state space. Rules, network, bounds,
//! and what has happened before.

use serde::{Deserialize, Serialize};

use crate::bounds::Bounds;
use crate::network::NetworkKind;
use crate::prefix::Prefix;
use crate::settings::Settings;

/// What is explored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// The rule variants, and the planted flaw.
    pub settings: Settings,
    /// What the network may do.
    pub network: NetworkKind,
    /// How far the exploration goes.
    pub bounds: Bounds,
    /// What has happened before the exploration begins, if it does not begin at
    /// the start.
    #[serde(skip)]
    pub prefix: Prefix,
}

impl Scenario {
    /// Whether clients may send a write again, or have sessions in case they
    /// do: what they are answered is followed then.
    pub fn sends_again(&self) -> bool {
        self.settings.sessions > 0 || self.bounds.retries > 0
    }
}
