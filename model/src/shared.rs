//! A part of a state that successors share until one of them changes it.
//!
//! A step changes one server and a few messages. A state is copied for every
//! step that is tried, and what did not change is not copied with it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::field::{Field, Renaming, UnpackError};

const PART: UnpackError = UnpackError {
    what: "part with its length",
};

/// Appends what `pack` appends, behind its length.
pub fn pack_part(out: &mut Vec<u8>, pack: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.push(0);
    pack(out);
    let len = out.len() - at - 1;
    if len < 0x80 {
        out[at] = len as u8;
    } else {
        let mut prefix = Vec::new();
        (len as u64).pack(&mut prefix);
        out.splice(at..=at, prefix);
    }
}

/// Reads the bytes of a part, without its length, and leaves them unread.
///
/// # Errors
/// When `input` does not start with a length and that many bytes.
pub fn unpack_part<'i>(input: &mut &'i [u8]) -> Result<&'i [u8], UnpackError> {
    let len = usize::try_from(u64::unpack(input)?).map_err(|_| PART)?;
    let (part, rest) = input.split_at_checked(len).ok_or(PART)?;
    *input = rest;
    Ok(part)
}

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

/// Packed behind its length: who knows the bytes need not read them.
impl<T: Field> Field for Shared<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        pack_part(out, |out| self.0.pack(out));
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        let mut part = unpack_part(input)?;
        let value = T::unpack(&mut part)?;
        if part.is_empty() {
            Ok(value.into())
        } else {
            Err(PART)
        }
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
