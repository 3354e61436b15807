//! One field list a type: packing, unpacking, renaming and hashing all come
//! from the list that declares the type, so no field can be forgotten.
//!
//! A model checker that leaves a field out of its hash merges states that
//! differ, and skips what lies behind one of them without a word. Here the
//! macros [`record!`](crate::record) and [`choice!`](crate::choice) take the
//! declaration itself and derive everything that must know every field:
//!
//! - [`Field::pack`] and [`Field::unpack`]: a compact, canonical byte string;
//! - [`Field::rename`]: the same value with servers renamed (symmetry);
//! - [`Field::vary`]: for tests, every value that differs in one leaf.

use std::fmt::Debug;

use smallvec::SmallVec;

use crate::ids::{Index, NodeId, NodeSet, Term};

/// A permutation of the servers: position `i` holds the new name of server `i`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renaming(pub SmallVec<[NodeId; 8]>);

impl Renaming {
    /// The renaming that changes nothing among `n` servers.
    pub fn identity(n: usize) -> Self {
        Renaming((0..n).map(NodeId::from_position).collect())
    }

    /// All `n!` renamings of `n` servers, the identity first.
    pub fn all(n: usize) -> Vec<Self> {
        fn extend(prefix: &mut Vec<NodeId>, n: usize, out: &mut Vec<Renaming>) {
            if prefix.len() == n {
                out.push(Renaming(prefix.iter().copied().collect()));
                return;
            }
            for i in 0..n {
                let id = NodeId::from_position(i);
                if !prefix.contains(&id) {
                    prefix.push(id);
                    extend(prefix, n, out);
                    prefix.pop();
                }
            }
        }
        let mut out = Vec::new();
        extend(&mut Vec::new(), n, &mut out);
        out
    }

    /// The new name of `id`; names outside the permutation stay as they are.
    pub fn of(&self, id: NodeId) -> NodeId {
        self.0.get(id.position()).copied().unwrap_or(id)
    }
}

/// The bytes handed to [`Field::unpack`] were not a packed value of that type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a packed {what}")]
pub struct UnpackError {
    /// The type that was expected.
    pub what: &'static str,
}

/// A value that is part of a state. See the [module page](self).
pub trait Field: Clone + PartialEq + Debug {
    /// Appends the canonical byte string of this value.
    fn pack(&self, out: &mut Vec<u8>);
    /// Reads back what [`Field::pack`] wrote, advancing `input`.
    ///
    /// # Errors
    /// When `input` does not start with a packed value of this type.
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError>;
    /// The same value after servers were renamed.
    fn rename(&self, by: &Renaming) -> Self;
    /// Some value of the type, to build variations from.
    fn sample() -> Self;
    /// Values that differ from this one in exactly one leaf field, at least
    /// one for every leaf. Tests demand that each has another fingerprint.
    fn vary(&self) -> Vec<Self>;
}

/// The packed bytes of `value`.
pub fn packed<T: Field>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    value.pack(&mut out);
    out
}

/// The 64-bit fingerprint of `value`: XXH3 over its packed bytes, so it is the
/// same on every machine and in every build.
pub fn fingerprint<T: Field>(value: &T) -> u64 {
    fingerprint_of(&packed(value))
}

/// The fingerprint of a value of which these are the packed bytes.
pub fn fingerprint_of(packed: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(packed)
}

fn pack_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn unpack_varint(input: &mut &[u8], what: &'static str) -> Result<u64, UnpackError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first().ok_or(UnpackError { what })?;
        *input = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(UnpackError { what })
}

impl Field for u64 {
    fn pack(&self, out: &mut Vec<u8>) {
        pack_varint(*self, out);
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        unpack_varint(input, "integer")
    }
    fn rename(&self, _: &Renaming) -> Self {
        *self
    }
    fn sample() -> Self {
        0
    }
    fn vary(&self) -> Vec<Self> {
        vec![self.wrapping_add(1), self ^ 0x80]
    }
}

macro_rules! small_integer {
    ($($t:ty),*) => {$(
        impl Field for $t {
            fn pack(&self, out: &mut Vec<u8>) {
                pack_varint(u64::from(*self), out);
            }
            fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
                let what = stringify!($t);
                unpack_varint(input, what)?.try_into().map_err(|_| UnpackError { what })
            }
            fn rename(&self, _: &Renaming) -> Self {
                *self
            }
            fn sample() -> Self {
                0
            }
            fn vary(&self) -> Vec<Self> {
                vec![self.wrapping_add(1)]
            }
        }
    )*};
}
small_integer!(u8, u16, u32);

impl Field for bool {
    fn pack(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        match u8::unpack(input)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(UnpackError { what: "bool" }),
        }
    }
    fn rename(&self, _: &Renaming) -> Self {
        *self
    }
    fn sample() -> Self {
        false
    }
    fn vary(&self) -> Vec<Self> {
        vec![!self]
    }
}

impl Field for NodeId {
    fn pack(&self, out: &mut Vec<u8>) {
        out.push(self.0);
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        let (&byte, rest) = input.split_first().ok_or(UnpackError { what: "node id" })?;
        *input = rest;
        Ok(NodeId(byte))
    }
    fn rename(&self, by: &Renaming) -> Self {
        by.of(*self)
    }
    fn sample() -> Self {
        NodeId(0)
    }
    fn vary(&self) -> Vec<Self> {
        vec![NodeId(self.0 ^ 1)]
    }
}

impl Field for NodeSet {
    fn pack(&self, out: &mut Vec<u8>) {
        pack_varint(self.0, out);
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        unpack_varint(input, "node set").map(NodeSet)
    }
    fn rename(&self, by: &Renaming) -> Self {
        self.iter().map(|id| by.of(id)).collect()
    }
    fn sample() -> Self {
        NodeSet::EMPTY
    }
    fn vary(&self) -> Vec<Self> {
        vec![NodeSet(self.0 ^ 1), NodeSet(self.0 ^ 4)]
    }
}

macro_rules! wrapped_integer {
    ($($t:ident),*) => {$(
        impl Field for $t {
            fn pack(&self, out: &mut Vec<u8>) {
                self.0.pack(out);
            }
            fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
                Field::unpack(input).map($t)
            }
            fn rename(&self, _: &Renaming) -> Self {
                *self
            }
            fn sample() -> Self {
                $t(0)
            }
            fn vary(&self) -> Vec<Self> {
                self.0.vary().into_iter().map($t).collect()
            }
        }
    )*};
}
wrapped_integer!(Term, Index);

impl<T: Field> Field for Option<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        self.is_some().pack(out);
        if let Some(value) = self {
            value.pack(out);
        }
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        Ok(if bool::unpack(input)? {
            Some(T::unpack(input)?)
        } else {
            None
        })
    }
    fn rename(&self, by: &Renaming) -> Self {
        self.as_ref().map(|value| value.rename(by))
    }
    fn sample() -> Self {
        None
    }
    fn vary(&self) -> Vec<Self> {
        match self {
            None => vec![Some(T::sample())],
            Some(value) => {
                let mut out: Vec<_> = value.vary().into_iter().map(Some).collect();
                out.push(None);
                out
            }
        }
    }
}

/// A value that is rare enough to lie elsewhere.
impl<T: Field> Field for Box<T> {
    fn pack(&self, out: &mut Vec<u8>) {
        (**self).pack(out);
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        T::unpack(input).map(Box::new)
    }
    fn rename(&self, by: &Renaming) -> Self {
        Box::new((**self).rename(by))
    }
    fn sample() -> Self {
        Box::new(T::sample())
    }
    fn vary(&self) -> Vec<Self> {
        (**self).vary().into_iter().map(Box::new).collect()
    }
}

/// Lists are fields when the order of their items means something. Sets of
/// messages and lists indexed by server have types of their own.
impl<A> Field for SmallVec<A>
where
    A: smallvec::Array,
    A::Item: Field,
{
    fn pack(&self, out: &mut Vec<u8>) {
        pack_varint(self.len() as u64, out);
        for item in self {
            item.pack(out);
        }
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        let len = unpack_varint(input, "list")?;
        if len > input.len() as u64 {
            return Err(UnpackError { what: "list" });
        }
        (0..len).map(|_| A::Item::unpack(input)).collect()
    }
    fn rename(&self, by: &Renaming) -> Self {
        self.iter().map(|item| item.rename(by)).collect()
    }
    fn sample() -> Self {
        SmallVec::new()
    }
    fn vary(&self) -> Vec<Self> {
        let mut out = Vec::new();
        for (i, item) in self.iter().enumerate() {
            for other in item.vary() {
                let mut list = self.clone();
                list[i] = other;
                out.push(list);
            }
        }
        let mut longer = self.clone();
        longer.push(A::Item::sample());
        out.push(longer);
        if !self.is_empty() {
            let mut shorter = self.clone();
            shorter.pop();
            out.push(shorter);
        }
        out
    }
}

/// Declares a struct whose every field is part of the state.
#[macro_export]
#[doc(hidden)]
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident $(<$g:ident : $bound:ident>)? {
            $( $(#[$fmeta:meta])* pub $field:ident : $ty:ty ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name $(<$g: $bound>)? {
            $( $(#[$fmeta])* pub $field: $ty ),*
        }

        impl $(<$g: $bound + $crate::field::Field>)? $crate::field::Field for $name $(<$g>)? {
            fn pack(&self, out: &mut Vec<u8>) {
                $( $crate::field::Field::pack(&self.$field, out); )*
            }
            fn unpack(input: &mut &[u8]) -> Result<Self, $crate::field::UnpackError> {
                Ok(Self { $( $field: $crate::field::Field::unpack(input)? ),* })
            }
            fn rename(&self, by: &$crate::field::Renaming) -> Self {
                Self { $( $field: $crate::field::Field::rename(&self.$field, by) ),* }
            }
            fn sample() -> Self {
                Self { $( $field: $crate::field::Field::sample() ),* }
            }
            fn vary(&self) -> Vec<Self> {
                let mut out = Vec::new();
                $(
                    for value in $crate::field::Field::vary(&self.$field) {
                        let mut copy = self.clone();
                        copy.$field = value;
                        out.push(copy);
                    }
                )*
                out
            }
        }
    };
}

/// Declares an enum whose every variant and field is part of the state.
#[macro_export]
#[doc(hidden)]
macro_rules! choice {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$vmeta:meta])* $variant:ident $({
                $( $(#[$fmeta:meta])* $field:ident : $ty:ty ),* $(,)?
            })? = $tag:literal ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $( $(#[$vmeta])* $variant $({ $( $(#[$fmeta])* $field: $ty ),* })? ),*
        }

        impl $crate::field::Field for $name {
            fn pack(&self, out: &mut Vec<u8>) {
                match self {
                    $( Self::$variant $({ $($field),* })? => {
                        out.push($tag);
                        $( $( $crate::field::Field::pack($field, out); )* )?
                    } )*
                }
            }
            fn unpack(input: &mut &[u8]) -> Result<Self, $crate::field::UnpackError> {
                let error = $crate::field::UnpackError { what: stringify!($name) };
                let (&tag, rest) = input.split_first().ok_or(error)?;
                *input = rest;
                match tag {
                    $( $tag => Ok(Self::$variant $({
                        $( $field: $crate::field::Field::unpack(input)? ),*
                    })?), )*
                    _ => Err(error),
                }
            }
            fn rename(&self, by: &$crate::field::Renaming) -> Self {
                match self {
                    $( Self::$variant $({ $($field),* })? => {
                        let _ = by;
                        Self::$variant $({
                            $( $field: $crate::field::Field::rename($field, by) ),*
                        })?
                    } )*
                }
            }
            fn sample() -> Self {
                let mut all = Self::variants();
                all.swap_remove(0)
            }
            fn vary(&self) -> Vec<Self> {
                let mut out: Vec<Self> = Self::variants()
                    .into_iter()
                    .filter(|v| std::mem::discriminant(v) != std::mem::discriminant(self))
                    .collect();
                match self {
                    $( Self::$variant $({ $($field),* })? => {
                        $( $(
                            for value in $crate::field::Field::vary($field) {
                                let mut copy = self.clone();
                                if let Self::$variant { $field, .. } = &mut copy {
                                    *$field = value;
                                }
                                out.push(copy);
                            }
                        )* )?
                    } )*
                }
                let _ = &mut out;
                out
            }
        }

        impl $name {
            fn variants() -> Vec<Self> {
                vec![ $( Self::$variant $({
                    $( $field: $crate::field::Field::sample() ),*
                })? ),* ]
            }
        }
    };
}
