//! A part of a state that successors share until one of them changes it.
//!
//! A step changes one server and a few messages. A state is copied for every
//! step that is tried, and what did not change is not copied with it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::field::{Field, Renaming, UnpackError};

/// A value that is shared until it is written to; otherwise like the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shared<T>(Arc<T>);

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Shared(Arc::new(value))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// The first write makes a copy where others share the value.
impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T: Field> Field for Shared<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.0.pack(out);
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        T::unpack(input).map(Shared::from)
    }
    fn rename(&self, by: &Renaming) -> Self {
        self.0.rename(by).into()
    }
    fn sample() -> Self {
        T::sample().into()
    }
    fn vary(&self) -> Vec<Self> {
        self.0.vary().into_iter().map(Shared::from).collect()
    }
}

impl<T: std::fmt::Display> std::fmt::Display for Shared<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
