//! How far clocks drift apart: the part of the environment that no server sees.
//!
//! Clocks count ticks, each its own. Nothing is said of absolute time, nor of
//! two clocks over the whole of a run: real clocks that are a little apart in
//! rate get as far apart as one likes. What counts is the time in which a lease
//! may rest on a round, so that is where the bound lies:
//!
//! > From the moment in which a leader sends a round until its clock has
//! > counted a lease since, no other clock has counted more than `drift` ticks
//! > more than the leader's.
//!
//! With clocks whose rates differ from true time by a share of at most *r* and
//! a lease of *l* ticks, that is `drift` = ⌈*l* · 2*r* / (1 − *r*)⌉ + 1: the
//! one is for where in a tick the round was sent. How far a clock lags behind
//! is not bounded; a server whose clock stands still only votes later.
//!
//! A lease is safe if lease and drift fit the election timeout: a server that
//! has answered the round has heard the leader after it was sent, so when it
//! votes it has counted `timeout` ticks since. The leader has then counted at
//! least `timeout - drift`, and if that is `lease` or more the lease is over.
//!
//! A [`Window`] is one such time, for each round that the leader still counts
//! on. It holds for each other server how many ticks its clock may count before
//! the leader's counts one, so absolute time splits no states, and nothing is
//! kept where there is no lease.

use smallvec::SmallVec;

use crate::field::{Field, Renaming, UnpackError};
use crate::ids::NodeId;
use crate::log::InlineLog;
use crate::record;
use crate::refusal::Refusal;
use crate::server::{PerServer, Role, Server};
use crate::shared::Shared;

record! {
    /// The time since a round was sent.
    pub struct Window {
        /// The leader that sent it.
        pub leader: NodeId,
        /// The number of the round.
        pub round: u32,
        /// How many ticks of the leader's clock ago.
        pub age: u8,
        /// How many more ticks each other clock may count before the leader's
        /// counts one; nothing for the leader itself.
        pub slack: PerServer<u32>,
    }
}

/// The windows that are open, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clocks(SmallVec<[Window; 1]>);

impl Clocks {
    /// The windows.
    pub fn windows(&self) -> &[Window] {
        &self.0
    }

    /// The clock of `node` ticks.
    ///
    /// # Errors
    /// When it would get too far ahead of a leader's.
    pub fn tick(&mut self, node: NodeId) -> Result<(), Refusal> {
        for window in &mut self.0 {
            if window.leader == node {
                window.age += 1;
                let others = window.slack.0.iter_mut().enumerate();
                for (_, slack) in others.filter(|(at, _)| *at != node.position()) {
                    *slack += 1;
                }
                continue;
            }
            let slack = &mut window.slack[node];
            *slack = slack.checked_sub(1).ok_or(Refusal::ClockAhead {
                node,
                leader: window.leader,
                round: window.round,
            })?;
        }
        Ok(())
    }

    /// Opens a window for each round that a leader has begun to count on, and
    /// closes those of rounds that nobody counts on any more.
    pub fn follow(&mut self, servers: &PerServer<Shared<Server<InlineLog>>>, drift: u32) {
        let counted = |leader: NodeId| {
            let role = servers.get(leader).map(|server| &server.role);
            let rounds = match role {
                Some(Role::Leader { lease, .. }) => lease.rounds.as_slice(),
                _ => &[],
            };
            rounds.iter().map(|round| round.number)
        };
        self.0
            .retain(|window| counted(window.leader).any(|round| round == window.round));
        for (leader, _) in servers.iter() {
            for round in counted(leader) {
                let open = |window: &Window| (window.leader, window.round) == (leader, round);
                if self.0.iter().any(open) {
                    continue;
                }
                let slack = |id| if id == leader { 0 } else { drift };
                self.0.push(Window {
                    leader,
                    round,
                    age: 0,
                    slack: servers.iter().map(|(id, _)| slack(id)).collect(),
                });
            }
        }
        self.0.sort();
    }
}

impl Field for Clocks {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        Field::unpack(input).map(Clocks)
    }
    fn rename(&self, by: &Renaming) -> Self {
        let mut renamed = Clocks(self.0.rename(by));
        renamed.0.sort();
        renamed
    }
    fn sample() -> Self {
        Clocks::default()
    }
    fn vary(&self) -> Vec<Self> {
        self.0.vary().into_iter().map(Clocks).collect()
    }
}
