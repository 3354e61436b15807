//! Names and hashes: what the format writes as JSON strings.

use std::borrow::{Borrow, Cow};
use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

macro_rules! name {
    ($(#[$doc:meta])* $Name:ident, $what:literal, $empty:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
        #[schemars(transparent)]
        pub struct $Name(#[schemars(with = "String", length(min = 1))] SmolStr);

        impl $Name {
            /// Makes a name. An empty one can be made, but not written or read.
            #[inline]
            pub fn new(name: impl AsRef<str>) -> Self {
                $Name(SmolStr::new(name))
            }

            /// The name that a trace writes so.
            #[inline]
            pub(crate) fn read(text: &str) -> Option<Self> {
                (!text.is_empty()).then(|| $Name::new(text))
            }

            /// The name as text.
            #[must_use]
            #[inline]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl Borrow<str> for $Name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $Name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $Name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $Name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }

        impl From<&str> for $Name {
            fn from(name: &str) -> Self {
                $Name::new(name)
            }
        }

        impl From<String> for $Name {
            fn from(name: String) -> Self {
                $Name(SmolStr::from(name))
            }
        }

        impl From<&$Name> for $Name {
            fn from(name: &$Name) -> Self {
                name.clone()
            }
        }

        impl Serialize for $Name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if self.0.is_empty() {
                    return Err(serde::ser::Error::custom($empty));
                }
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $Name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct NameVisitor;
                impl Visitor<'_> for NameVisitor {
                    type Value = $Name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!($what, " (a string that is not empty)"))
                    }

                    fn visit_str<E: de::Error>(self, name: &str) -> Result<$Name, E> {
                        $Name::read(name).ok_or_else(|| E::custom($empty))
                    }
                }
                deserializer.deserialize_str(NameVisitor)
            }
        }
    };
}

name! {
    /// The name of a node, as the implementation calls it. Cheap to clone.
    NodeName, "a node name", "a node name is empty (nobody is written null)"
}

name! {
    /// The name of a client operation, unique in a run: the same at its
    /// invocation, in the log entry it became, and at its acknowledgement.
    OpId, "a client operation", "the name of a client operation is empty"
}

/// A hash of an entry's content, 64 bits, written as 16 lower-case hex digits.
///
/// Which hash is the emitter's affair: hashes are only ever compared with each
/// other, inside one run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub u64);

impl ContentHash {
    /// The hash that a trace writes so.
    pub(crate) fn read(text: &str) -> Option<Self> {
        // from_str_radix alone would also take a sign.
        let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let hash = u64::from_str_radix(text, 16).ok().filter(|_| digits)?;
        Some(ContentHash(hash))
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ContentHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HashVisitor;
        impl Visitor<'_> for HashVisitor {
            type Value = ContentHash;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a content hash (a string of 16 hex digits)")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ContentHash, E> {
                ContentHash::read(text)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(HashVisitor)
    }
}

impl JsonSchema for ContentHash {
    fn schema_name() -> Cow<'static, str> {
        "ContentHash".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A hash of an entry's content: 16 hex digits.",
            "type": "string",
            "pattern": "^[0-9a-fA-F]{16}$",
        })
    }
}
