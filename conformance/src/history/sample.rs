//! Histories made by chance from a seed: linearizable by construction, or with
//! one stale answer in them. For measuring, and for tests.

use std::fmt::Write as _;
use std::io::{self, Write};

/// What a sample is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Where its chance comes from.
    pub seed: u64,
    /// How many operations.
    pub operations: u32,
    /// How many clients, each with one operation at a time.
    pub clients: u32,
    /// How many keys.
    pub keys: u32,
    /// Whether some writes append; otherwise all replace.
    pub appends: bool,
    /// Whether a read in the last quarter gives a value that a completed write
    /// had certainly overwritten before it was called.
    pub stale: bool,
}

/// What a client is at.
#[derive(Clone, Debug)]
struct Busy {
    key: usize,
    kind: Kind,
    value: String,
    /// It took effect.
    done: bool,
    /// Of a read: what was certainly overwritten when it was called. Of a
    /// write: what it certainly overwrites, once it returns.
    gone: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Get,
    Put,
    Append,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Get => "get",
            Kind::Put => "put",
            Kind::Append => "append",
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Key {
    value: String,
    /// Which operation wrote it, by its client, and whether that has returned.
    writer: usize,
    returned: bool,
    /// A value whose write had returned when a write was called that has
    /// returned too: whoever reads it from then on reads what is gone.
    gone: Option<String>,
}

/// SplitMix64: a few lines, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let high = (z ^ (z >> 31)) >> 32;
        // The product of two numbers of 32 bits has 64.
        ((high * u64::from(n.max(1))) >> 32) as u32
    }
}

impl Sample {
    /// Writes the sample in porcupine's format. Each operation takes effect at
    /// a random time between its call and its return.
    ///
    /// # Errors
    /// When the output does.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut chance = Chance(self.seed);
        let mut keys = vec![Key::default(); self.keys.max(1) as usize];
        let mut busy: Vec<Option<Busy>> = vec![None; self.clients.max(1) as usize];
        let (mut called, mut open, mut told) = (0, 0, false);
        let mut line = String::new();
        while called < self.operations || open > 0 {
            let client = chance.below(self.clients) as usize;
            line.clear();
            match &mut busy[client] {
                None if called == self.operations => continue,
                slot @ None => {
                    let next = self.call(&mut chance, client, called, &keys);
                    said(&mut line, client, "invoke", &next);
                    (*slot, called, open) = (Some(next), called + 1, open + 1);
                }
                Some(now) if !now.done => {
                    now.done = true;
                    let key = &mut keys[now.key];
                    match now.kind {
                        Kind::Get => now.value.clone_from(&key.value),
                        Kind::Put => key.value.clone_from(&now.value),
                        Kind::Append => key.value += &now.value,
                    }
                    if now.kind != Kind::Get {
                        (key.writer, key.returned) = (client, false);
                    }
                    continue;
                }
                slot @ Some(_) => {
                    let Some(mut now) = slot.take() else { continue };
                    open -= 1;
                    match (now.kind, now.gone.take()) {
                        (Kind::Get, Some(gone)) => {
                            let late = called > self.operations / 4 * 3;
                            if self.stale && late && !told && gone != now.value {
                                (now.value, told) = (gone, true);
                            }
                        }
                        (Kind::Put | Kind::Append, gone) => {
                            let key = &mut keys[now.key];
                            key.returned |= key.writer == client;
                            key.gone = gone.or(key.gone.take());
                        }
                        (Kind::Get, None) => {}
                    }
                    said(&mut line, client, "ok", &now);
                }
            }
            out.write_all(line.as_bytes())?;
        }
        out.flush()
    }

    fn call(&self, chance: &mut Chance, client: usize, number: u32, keys: &[Key]) -> Busy {
        let key = chance.below(self.keys) as usize;
        let kind = match chance.below(4) {
            0 | 1 => Kind::Get,
            2 if self.appends => Kind::Append,
            _ => Kind::Put,
        };
        Busy {
            key,
            kind,
            value: match kind {
                Kind::Get => String::new(),
                Kind::Put | Kind::Append => format!("x {client} {number} y"),
            },
            done: false,
            gone: match kind {
                Kind::Get => keys[key].gone.clone(),
                Kind::Put | Kind::Append => {
                    let settled = keys[key].returned && self.stale;
                    settled.then(|| keys[key].value.clone())
                }
            },
        }
    }
}

fn said(line: &mut String, client: usize, phase: &str, now: &Busy) {
    let (kind, key) = (now.kind.name(), now.key);
    let value = match (now.kind, phase) {
        (Kind::Get, "invoke") => "nil".to_owned(),
        _ => format!("\"{}\"", now.value),
    };
    // Writing to a text does not fail.
    let _ = writeln!(
        line,
        "{{:process {client}, :type :{phase}, :f :{kind}, :key \"{key}\", :value {value}}}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::format::{Options, read_bytes};
    use crate::history::{Limits, Response, words};

    fn sample(stale: bool) -> Vec<String> {
        let sample = Sample {
            seed: 7,
            operations: 400,
            clients: 5,
            keys: 3,
            appends: true,
            stale,
        };
        let mut bytes = Vec::new();
        sample.write(&mut bytes).expect("memory takes all");
        let read = read_bytes("sample", bytes, Options::default(), &Limits::default());
        let history = read.expect("a history").history;
        assert_eq!(history.broken_rule(), None);
        assert_eq!(history.operations.len(), 400);
        assert!(
            history
                .operations
                .iter()
                .all(|o| o.response != Response::Unknown)
        );
        (0..400).map(|i| words::operation(&history, i)).collect()
    }

    #[test]
    fn one_answer_is_stale_and_no_more() {
        let (good, bad) = (sample(false), sample(true));
        let other: Vec<_> = good.iter().zip(&bad).filter(|(a, b)| a != b).collect();
        assert_eq!(other.len(), 1, "{other:?}");
        assert!(other[0].0.starts_with("read"));
    }
}
