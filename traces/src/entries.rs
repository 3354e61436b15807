//! Log entries, as runs of equal terms.
//!
//! A log has few terms and many entries, so the terms are written as runs.
//! Invariants, held by construction and by the reader:
//!
//! - no run is empty, and neighbouring runs have different terms;
//! - the index of the last entry fits in 64 bits;
//! - `hashes`, `kinds` and `ops`, where known, have one item for each entry.
//!
//! A run's count is not bounded by the size of the line: nothing may expand
//! the runs into one item for each entry.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::names::{ContentHash, OpId};
use crate::optional::present;
use crate::position::{Index, Position, Term};
use crate::strict::{object, word};
use crate::template::{Slot, Slots};

/// `count` entries of one term, one after the other. Written `[term, count]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    /// Their term.
    pub term: Term,
    /// How many, never 0 inside [`Entries`].
    pub count: u64,
}

impl Serialize for Run {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.term, self.count).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Run {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (term, count) = <(Term, u64)>::deserialize(deserializer)?;
        Ok(Run { term, count })
    }
}

impl JsonSchema for Run {
    fn schema_name() -> Cow<'static, str> {
        "Run".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "[term, count]: so many entries of that term.",
            "type": "array",
            "prefixItems": [
                { "type": "integer", "minimum": 0 },
                { "type": "integer", "minimum": 1 },
            ],
            "minItems": 2,
            "maxItems": 2,
        })
    }
}

/// What an entry is, where the emitter says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[serde(remote = "Self")]
pub enum EntryKind {
    /// The empty entry of a new leader (Raft §8).
    Noop,
    /// A client's command.
    Write,
    /// A configuration change.
    Config,
}

word!(EntryKind: "the kind of an entry");

/// One entry of which everything is known, for [`Entries::of`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Its term.
    pub term: Term,
    /// What it is.
    pub kind: EntryKind,
    /// The client operation it came from, if from one.
    pub op: Option<OpId>,
    /// The hash of its content.
    pub hash: ContentHash,
}

/// Consecutive log entries: those after index `after`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Entries {
    /// The index before the first entry.
    after: Index,
    /// The terms.
    runs: Vec<Run>,
    /// A content hash for each entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<ContentHash>")]
    hashes: Option<Vec<ContentHash>>,
    /// What each entry is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<EntryKind>")]
    kinds: Option<Vec<EntryKind>>,
    /// The client operation each entry came from; null where from none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Option<OpId>>")]
    ops: Option<Vec<Option<OpId>>>,
    /// How many entries: the sum of the runs.
    #[serde(skip)]
    len: u64,
}

/// Why runs and lists are not [`Entries`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntriesError {
    /// A run without entries.
    #[error("entries: run {run} (of term {term}) has count 0")]
    EmptyRun {
        /// Which, counted from 1.
        run: usize,
        /// Its term.
        term: Term,
    },
    /// The last index would not fit.
    #[error("entries: more entries after index {after} than 64 bits can number")]
    TooMany {
        /// The index before the first entry.
        after: Index,
    },
    /// A list that does not match the entries.
    #[error("entries: {items} {list} for {entries} entries")]
    Mismatch {
        /// `hashes`, `kinds` or `ops`.
        list: &'static str,
        /// Its length.
        items: usize,
        /// How many entries the runs hold.
        entries: u64,
    },
}

impl Entries {
    /// No entries, after index `after`.
    pub fn after(after: impl Into<Index>) -> Self {
        Entries {
            after: after.into(),
            ..Entries::default()
        }
    }

    /// Entries of which everything is known, one item for each.
    ///
    /// # Errors
    /// When the last index does not fit in 64 bits.
    pub fn of(
        after: impl Into<Index>,
        items: impl IntoIterator<Item = Entry>,
    ) -> Result<Self, EntriesError> {
        let (mut terms, mut kinds) = (Vec::new(), Vec::new());
        let (mut ops, mut hashes) = (Vec::new(), Vec::new());
        for Entry {
            term,
            kind,
            op,
            hash,
        } in items
        {
            terms.push(term);
            kinds.push(kind);
            ops.push(op);
            hashes.push(hash);
        }
        let entries = Entries::of_terms(after, terms)?;
        Ok(Entries {
            kinds: Some(kinds),
            ops: Some(ops),
            hashes: Some(hashes),
            ..entries
        })
    }

    /// Entries of these terms, one item for each entry.
    ///
    /// # Errors
    /// When the last index does not fit in 64 bits.
    pub fn of_terms<T: Into<Term>>(
        after: impl Into<Index>,
        terms: impl IntoIterator<Item = T>,
    ) -> Result<Self, EntriesError> {
        Entries::of_runs(
            after,
            terms.into_iter().map(|term| Run {
                term: term.into(),
                count: 1,
            }),
        )
    }

    /// Entries from runs. Neighbouring runs of one term are joined.
    ///
    /// # Errors
    /// When a run is empty, or the last index does not fit in 64 bits.
    pub fn of_runs(
        after: impl Into<Index>,
        runs: impl IntoIterator<Item = Run>,
    ) -> Result<Self, EntriesError> {
        let mut entries = Entries::after(after);
        for (at, run) in runs.into_iter().enumerate() {
            if run.count == 0 {
                return Err(EntriesError::EmptyRun {
                    run: at + 1,
                    term: run.term,
                });
            }
            let too_many = EntriesError::TooMany {
                after: entries.after,
            };
            let len = entries
                .len
                .checked_add(run.count)
                .ok_or_else(|| too_many.clone())?;
            entries.after.0.checked_add(len).ok_or(too_many)?;
            entries.len = len;
            match entries.runs.last_mut() {
                Some(last) if last.term == run.term => last.count += run.count,
                _ => entries.runs.push(run),
            }
        }
        Ok(entries)
    }

    /// Adds a content hash for each entry.
    ///
    /// # Errors
    /// When there is not one for each.
    pub fn with_hashes(
        mut self,
        hashes: impl IntoIterator<Item = ContentHash>,
    ) -> Result<Self, EntriesError> {
        self.hashes = Some(self.matching("hashes", hashes.into_iter().collect())?);
        Ok(self)
    }

    /// Adds what each entry is.
    ///
    /// # Errors
    /// When there is not one for each.
    pub fn with_kinds(
        mut self,
        kinds: impl IntoIterator<Item = EntryKind>,
    ) -> Result<Self, EntriesError> {
        self.kinds = Some(self.matching("kinds", kinds.into_iter().collect())?);
        Ok(self)
    }

    /// Adds the client operation each entry came from, `None` where from none.
    ///
    /// # Errors
    /// When there is not one for each.
    pub fn with_ops(
        mut self,
        ops: impl IntoIterator<Item = Option<OpId>>,
    ) -> Result<Self, EntriesError> {
        self.ops = Some(self.matching("ops", ops.into_iter().collect())?);
        Ok(self)
    }

    fn matching<T>(&self, list: &'static str, items: Vec<T>) -> Result<Vec<T>, EntriesError> {
        if items.len() as u64 == self.len {
            Ok(items)
        } else {
            Err(EntriesError::Mismatch {
                list,
                items: items.len(),
                entries: self.len,
            })
        }
    }

    /// How many entries.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The index before the first entry.
    #[must_use]
    pub fn after_index(&self) -> Index {
        self.after
    }

    /// The index of the first entry, if there is one.
    #[must_use]
    pub fn first_index(&self) -> Option<Index> {
        (self.len > 0).then(|| Index(self.after.0 + 1))
    }

    /// The index of the last entry; `after` when there is none.
    #[must_use]
    pub fn last_index(&self) -> Index {
        Index(self.after.0 + self.len)
    }

    /// The last entry's place, if there is one.
    #[must_use]
    pub fn last(&self) -> Option<Position> {
        self.runs.last().map(|run| Position {
            index: self.last_index(),
            term: run.term,
        })
    }

    /// The runs of equal terms, in index order.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The term of the entry at `index`, if it is one of these.
    #[must_use]
    pub fn term_at(&self, index: Index) -> Option<Term> {
        let mut skip = index.0.checked_sub(self.after.0)?.checked_sub(1)?;
        for run in &self.runs {
            match skip.checked_sub(run.count) {
                None => return Some(run.term),
                Some(rest) => skip = rest,
            }
        }
        None
    }

    /// The content hashes, if known.
    #[must_use]
    pub fn hashes(&self) -> Option<&[ContentHash]> {
        self.hashes.as_deref()
    }

    /// What the entries are, if known.
    #[must_use]
    pub fn kinds(&self) -> Option<&[EntryKind]> {
        self.kinds.as_deref()
    }

    /// The client operations, if known.
    #[must_use]
    pub fn ops(&self) -> Option<&[Option<OpId>]> {
        self.ops.as_deref()
    }
}

/// Prints the places, in runs: `[4@1..6@1 7@2]`.
impl fmt::Display for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        let mut before = self.after.0;
        for (at, run) in self.runs.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            write!(f, "{space}{}@{}", before + 1, run.term)?;
            before += run.count;
            if run.count > 1 {
                write!(f, "..{before}@{}", run.term)?;
            }
        }
        f.write_str("]")
    }
}

impl Slots for Entries {
    fn slots(&mut self, visit: &mut impl FnMut(Slot<'_>) -> Option<()>) -> Option<()> {
        visit(Slot::Number(&mut self.after.0))?;
        for run in &mut self.runs {
            visit(Slot::Number(&mut run.term.0))?;
        }
        for hash in self.hashes.iter_mut().flatten() {
            visit(Slot::Hash(hash))?;
        }
        for op in self.ops.iter_mut().flatten().flatten() {
            visit(Slot::Op(op))?;
        }
        self.after.0.checked_add(self.len)?;
        // Runs of one term would have to be joined.
        let joined = self.runs.windows(2).any(|two| two[0].term == two[1].term);
        (!joined).then_some(())
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, Serialize)]
        #[serde(remote = "Self")]
        struct Shape {
            after: Index,
            runs: Vec<Run>,
            #[serde(default, deserialize_with = "present")]
            hashes: Option<Vec<ContentHash>>,
            #[serde(default, deserialize_with = "present")]
            kinds: Option<Vec<EntryKind>>,
            #[serde(default, deserialize_with = "present")]
            ops: Option<Vec<Option<OpId>>>,
        }
        object!(Shape: "entries");
        let shape = <Shape as Deserialize>::deserialize(deserializer)?;
        let checked = || {
            let mut entries = Entries::of_runs(shape.after, shape.runs)?;
            if let Some(hashes) = shape.hashes {
                entries = entries.with_hashes(hashes)?;
            }
            if let Some(kinds) = shape.kinds {
                entries = entries.with_kinds(kinds)?;
            }
            if let Some(ops) = shape.ops {
                entries = entries.with_ops(ops)?;
            }
            Ok::<_, EntriesError>(entries)
        };
        checked().map_err(de::Error::custom)
    }
}
