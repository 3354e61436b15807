//! Which switches of the library a run was recorded with, as far as its lines
//! show it.
//!
//! A trace does not state them, and they are the same at every node. Each is
//! open until a line shows it, and from then on decided: a line that shows the
//! opposite later diverges. While a switch is open, what either way allows is
//! allowed.

use crate::verdict::Place;

/// A switch of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    /// `Config.PreVote`.
    PreVote,
    /// `Config.CheckQuorum`.
    CheckQuorum,
    /// `Config.StepDownOnRemoval`.
    StepDownOnRemoval,
    /// That the application calls `ForgetLeader`: no line shows it, so that it
    /// is off unless it is given.
    ForgetLeader,
    /// That the application applies configurations behind `Advance`, when the
    /// node may have done something else.
    ApplyLate,
}

impl Switch {
    pub(super) const ALL: [Switch; 5] = [
        Switch::PreVote,
        Switch::CheckQuorum,
        Switch::StepDownOnRemoval,
        Switch::ForgetLeader,
        Switch::ApplyLate,
    ];

    /// The name, as flags and certificates spell it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Switch::PreVote => "pre-vote",
            Switch::CheckQuorum => "check-quorum",
            Switch::StepDownOnRemoval => "step-down-on-removal",
            Switch::ForgetLeader => "forget-leader",
            Switch::ApplyLate => "apply-late",
        }
    }

    /// The switch called `name`.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|switch| switch.name() == name)
    }
}

/// A decided switch: what it is, and where a line showed it.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub on: bool,
    /// None when it was given from outside.
    pub at: Option<Place>,
    pub because: &'static str,
}

/// A switch that two lines show both ways.
#[derive(Clone, Debug)]
pub(super) struct Conflict {
    pub switch: &'static str,
    pub before: Shown,
    pub because: &'static str,
}

/// What is known of the switches.
#[derive(Clone, Debug, Default)]
pub(super) struct Features {
    pre_vote: Option<Shown>,
    check_quorum: Option<Shown>,
    step_down: Option<Shown>,
    forget_leader: Option<Shown>,
    apply_late: Option<Shown>,
    /// A line that only pre-vote or check-quorum explain.
    either: Option<Shown>,
}

impl Features {
    fn of(&mut self, switch: Switch) -> &mut Option<Shown> {
        match switch {
            Switch::PreVote => &mut self.pre_vote,
            Switch::CheckQuorum => &mut self.check_quorum,
            Switch::StepDownOnRemoval => &mut self.step_down,
            Switch::ForgetLeader => &mut self.forget_leader,
            Switch::ApplyLate => &mut self.apply_late,
        }
    }

    /// Whether `switch` is on; `None` while it is open.
    pub(super) fn is(&self, switch: Switch) -> Option<bool> {
        let shown = match switch {
            Switch::PreVote => &self.pre_vote,
            Switch::CheckQuorum => &self.check_quorum,
            Switch::StepDownOnRemoval => &self.step_down,
            Switch::ForgetLeader => &self.forget_leader,
            Switch::ApplyLate => &self.apply_late,
        };
        shown.as_ref().map(|shown| shown.on)
    }

    /// Whether a leader of a lower term is answered: with pre-vote or with
    /// check-quorum it is.
    pub(super) fn answers_stale(&self) -> Option<bool> {
        let (pre, check) = (self.is(Switch::PreVote), self.is(Switch::CheckQuorum));
        if pre == Some(true) || check == Some(true) || self.either.is_some() {
            return Some(true);
        }
        (pre == Some(false) && check == Some(false)).then_some(false)
    }

    /// Sets `switch` from outside.
    pub(super) fn give(&mut self, switch: Switch, on: bool) {
        *self.of(switch) = Some(Shown {
            on,
            at: None,
            because: "it was given",
        });
    }

    /// The line at `at` shows that configurations are applied late.
    pub(super) fn applies_late(&mut self, at: &Place) {
        self.apply_late = Some(Shown {
            on: true,
            at: Some(at.clone()),
            because: "a configuration is applied behind something else",
        });
    }

    /// Notes that the line at `at` shows `switch`.
    ///
    /// # Errors
    /// When an earlier line shows the opposite.
    pub(super) fn show(
        &mut self,
        switch: Switch,
        on: bool,
        at: &Place,
        because: &'static str,
    ) -> Result<(), Box<Conflict>> {
        let new = Shown {
            on,
            at: Some(at.clone()),
            because,
        };
        match self.of(switch) {
            Some(before) if before.on != on => {
                return Err(Box::new(Conflict {
                    switch: switch.name(),
                    before: before.clone(),
                    because,
                }));
            }
            Some(_) => return Ok(()),
            open => *open = Some(new),
        }
        self.either_of_two()
    }

    /// Of two of which one must be on, one is off: the other is on.
    fn either_of_two(&mut self) -> Result<(), Box<Conflict>> {
        let Some(either) = self.either.clone() else {
            return Ok(());
        };
        match (self.is(Switch::PreVote), self.is(Switch::CheckQuorum)) {
            (Some(false), None) => self.check_quorum = Some(either),
            (None, Some(false)) => self.pre_vote = Some(either),
            (Some(false), Some(false)) => {
                return Err(Box::new(Conflict {
                    switch: "pre-vote or check-quorum",
                    before: either,
                    because: "both are off",
                }));
            }
            _ => {}
        }
        Ok(())
    }

    /// Notes whether the line at `at` answers a leader of a lower term.
    ///
    /// # Errors
    /// When earlier lines show that it must not, or must.
    pub(super) fn show_answers_stale(
        &mut self,
        answers: bool,
        at: &Place,
    ) -> Result<(), Box<Conflict>> {
        if answers {
            if self.either.is_none() {
                self.either = Some(Shown {
                    on: true,
                    at: Some(at.clone()),
                    because: "a leader of a lower term is answered",
                });
            }
            return self.either_of_two();
        }
        let because = "a leader of a lower term is not answered";
        self.show(Switch::PreVote, false, at, because)?;
        self.show(Switch::CheckQuorum, false, at, because)
    }

    /// Every switch with what it is and why, for the certificate.
    pub(super) fn told(&self) -> Vec<(String, String)> {
        let tell = |switch: Switch, shown: &Option<Shown>| {
            let what = match shown {
                None => "open: no line shows it".to_owned(),
                Some(Shown { on, at, because }) => {
                    let on = if *on { "on" } else { "off" };
                    match at {
                        Some(at) => format!("{on}: {because} (line {})", at.line),
                        None => format!("{on}: {because}"),
                    }
                }
            };
            (switch.name().to_owned(), what)
        };
        let mut told = vec![
            tell(Switch::PreVote, &self.pre_vote),
            tell(Switch::CheckQuorum, &self.check_quorum),
            tell(Switch::StepDownOnRemoval, &self.step_down),
        ];
        // What an application does is presumed, and told where it is otherwise.
        for (switch, shown) in [
            (Switch::ForgetLeader, &self.forget_leader),
            (Switch::ApplyLate, &self.apply_late),
        ] {
            if shown.is_some() {
                told.push(tell(switch, shown));
            }
        }
        told
    }
}
