//! A stateright model as a space: its states, searched by this engine.

use stateright::{Expectation, Model, Property};

use super::Packed;
use crate::engine::explore::{Bits, Failure, Trail, packed_run};
use crate::engine::space::{Sink, Space, Worker};

/// Why a stateright model makes no space.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// It has a property of liveness.
    #[error(
        "`{0}` is an `eventually` property: this engine looks for states that must not be, and does not judge liveness"
    )]
    Eventually(&'static str),
    /// It has more properties than an engine takes.
    #[error("{0} `always` properties: an engine takes at most 64")]
    TooMany(usize),
}

/// A stateright model as a space (see [the module](super)).
pub struct FromStateright<M: Model> {
    model: M,
    identity: String,
    always: Vec<Property<M>>,
    sometimes: Vec<Property<M>>,
}

impl<M: Model<State: Packed> + Sync> FromStateright<M> {
    /// The space of `model`. `identity` is all that decides it, in words: a
    /// search is resumed only by a space that says the same.
    ///
    /// # Errors
    /// When the model has properties that the engine cannot judge.
    pub fn new(model: M, identity: impl Into<String>) -> Result<Self, Unsupported> {
        let (mut always, mut sometimes) = (Vec::new(), Vec::new());
        for property in model.properties() {
            match property.expectation {
                Expectation::Always => always.push(property),
                Expectation::Sometimes => sometimes.push(property),
                Expectation::Eventually => return Err(Unsupported::Eventually(property.name)),
            }
        }
        if always.len() > 64 {
            return Err(Unsupported::TooMany(always.len()));
        }
        Ok(FromStateright {
            model,
            identity: identity.into(),
            always,
            sometimes,
        })
    }

    /// The model.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Takes a run again from its ordinals, as [`packed_run`] and random walks
    /// give them: the initial state, and each action with the state that
    /// it leads to. `None` when the model has no such run.
    #[expect(clippy::type_complexity, reason = "a state, and actions with states")]
    pub fn steps(&self, run: &[(u32, Vec<u8>)]) -> Option<(M::State, Vec<(M::Action, M::State)>)> {
        let ((first, packed), rest) = run.split_first()?;
        let initial = self.model.init_states().into_iter().nth(*first as usize)?;
        let same = |state: &M::State, packed: &[u8]| {
            let mut bytes = Vec::new();
            state.pack(&mut bytes);
            bytes == packed
        };
        if !same(&initial, packed) {
            return None;
        }
        let mut steps: Vec<(M::Action, M::State)> = Vec::new();
        for (ordinal, packed) in rest {
            let from = steps.last().map_or(&initial, |(_, state)| state);
            let step = self
                .model
                .next_steps(from)
                .into_iter()
                .nth(*ordinal as usize)?;
            if !same(&step.1, packed) {
                return None;
            }
            steps.push(step);
        }
        Some((initial, steps))
    }

    /// The actions of a run that [`explore`](crate::engine::explore::explore) found,
    /// with fingerprints of `bits`.
    ///
    /// # Errors
    /// When the model has no such run: it does not answer twice the same.
    pub fn actions(&self, trail: &Trail, bits: Bits) -> Result<Vec<M::Action>, Failure> {
        let run = packed_run(self, trail, bits)?;
        let (_, steps) = self.steps(&run).ok_or_else(|| Failure::Lost {
            property: self.properties().swap_remove(trail.property),
        })?;
        Ok(steps.into_iter().map(|(action, _)| action).collect())
    }
}

impl<M: Model<State: Packed> + Sync> Space for FromStateright<M> {
    type Worker<'s>
        = Unpacker<'s, M>
    where
        Self: 's;

    fn worker(&self) -> Unpacker<'_, M> {
        Unpacker {
            space: self,
            counts: vec![0; self.always.len() + self.sometimes.len()],
            buffer: Vec::new(),
        }
    }

    fn properties(&self) -> Vec<String> {
        self.always.iter().map(|p| p.name.to_owned()).collect()
    }

    fn counters(&self) -> Vec<String> {
        let judged = self.always.iter().map(|p| format!("judged/{}", p.name));
        let reached = self.sometimes.iter().map(|p| format!("reached/{}", p.name));
        judged.chain(reached).collect()
    }

    fn identity(&self) -> String {
        self.identity.clone()
    }
}

/// Expands the states of a stateright model on one thread.
pub struct Unpacker<'s, M: Model> {
    space: &'s FromStateright<M>,
    counts: Vec<u64>,
    buffer: Vec<u8>,
}

impl<M: Model<State: Packed> + Sync> Unpacker<'_, M> {
    fn hand(&mut self, state: &M::State, sink: &mut impl Sink) {
        if !self.space.model.within_boundary(state) {
            return sink.beyond();
        }
        self.buffer.clear();
        state.pack(&mut self.buffer);
        sink.state(&self.buffer, 1, 0);
    }

    fn unpack(&self, packed: &[u8]) -> M::State {
        let state = M::State::unpack(packed);
        debug_assert!(
            {
                let mut again = Vec::new();
                state.pack(&mut again);
                again == packed
            },
            "a state unpacks to what was packed"
        );
        state
    }
}

impl<M: Model<State: Packed> + Sync> Worker for Unpacker<'_, M> {
    fn initial(&mut self, sink: &mut impl Sink) {
        for state in self.space.model.init_states() {
            self.hand(&state, sink);
        }
    }

    fn expand(&mut self, packed: &[u8], sink: &mut impl Sink) {
        let from = self.unpack(packed);
        let mut actions = Vec::new();
        self.space.model.actions(&from, &mut actions);
        for action in actions {
            if let Some(to) = self.space.model.next_state(&from, action) {
                self.hand(&to, sink);
            }
        }
    }

    fn judge(&mut self, packed: &[u8]) -> u64 {
        let FromStateright {
            model,
            always,
            sometimes,
            ..
        } = self.space;
        if self.counts.is_empty() {
            return 0;
        }
        let state = self.unpack(packed);
        let (judged, reached) = self.counts.split_at_mut(always.len());
        for (property, reached) in sometimes.iter().zip(reached) {
            *reached += u64::from((property.condition)(model, &state));
        }
        let mut broken = 0;
        for (i, property) in always.iter().enumerate() {
            judged[i] += 1;
            broken |= u64::from(!(property.condition)(model, &state)) << i;
        }
        broken
    }

    fn counts(&self) -> Vec<u64> {
        self.counts.clone()
    }
}
