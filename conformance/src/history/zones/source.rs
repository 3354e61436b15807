//! Which write each read has seen, where only one comes into question.

use super::{Access, INITIAL, NONE, UNSEEN};

/// The write that each operation has seen.
pub(super) struct Sources {
    /// As a node; [`NONE`] for what has seen none, or did not happen.
    pub(super) of: Vec<u32>,
    /// Of the operations of unknown outcome those whose value was seen.
    pub(super) happened: Vec<bool>,
    /// Those that may have seen one of several writes, ascending.
    pub(super) doubtful: Vec<u32>,
}

/// Finds them; or an operation that can have seen none.
pub(super) fn sources(accesses: &[Access], values: u32) -> Result<Sources, u32> {
    let writers = Writers::new(accesses, values);
    let mut sources = Sources {
        of: vec![NONE; accesses.len()],
        happened: vec![false; accesses.len()],
        doubtful: Vec::new(),
    };
    let known = |&i: &u32| accesses[i as usize].span.is_known();
    let mut open: Vec<u32> = (0..accesses.len() as u32).filter(known).collect();
    while let Some(index) = open.pop() {
        let access = accesses[index as usize];
        if access.reads == NONE {
            continue;
        }
        let source = match writers.seen_by(index, &access) {
            Seen::One(source) => source,
            Seen::None => return Err(index),
            Seen::Several => {
                sources.doubtful.push(index);
                continue;
            }
        };
        sources.of[index as usize] = source;
        if source != INITIAL {
            let writer = source as usize - 1;
            let is_new = !std::mem::replace(&mut sources.happened[writer], true);
            if is_new && !accesses[writer].span.is_known() {
                open.push(source - 1);
            }
        }
    }
    for (index, happened) in sources.happened.iter_mut().enumerate() {
        *happened &= !accesses[index].span.is_known();
    }
    sources.doubtful.sort_unstable();
    Ok(sources)
}

enum Seen {
    None,
    One(u32),
    Several,
}

/// A write, as one that a read may have seen.
#[derive(Clone, Copy)]
struct Writer {
    call: u32,
    /// The first return of something that was called after this returned, and
    /// that has certainly written: from there on it is overwritten.
    gone: u32,
    /// The first call of this and of the writers behind it in the list.
    calls_from: u32,
    node: u32,
}

/// The writers of each value, by their returns.
struct Writers {
    starts: Vec<u32>,
    all: Vec<Writer>,
}

impl Writers {
    fn new(accesses: &[Access], values: u32) -> Self {
        let mut starts = vec![0u32; values as usize + 1];
        let is_seen = |a: &Access| a.writes != NONE && a.writes != UNSEEN;
        for access in accesses.iter().filter(|a| is_seen(a)) {
            starts[access.writes as usize + 1] += 1;
        }
        for value in 0..values as usize {
            starts[value + 1] += starts[value];
        }
        let mut filled = starts.clone();
        let mut all = vec![
            Writer {
                call: 0,
                gone: 0,
                calls_from: 0,
                node: 0,
            };
            starts[values as usize] as usize
        ];
        let mut by_return: Vec<u32> = (0..accesses.len() as u32)
            .filter(|&i| is_seen(&accesses[i as usize]))
            .collect();
        by_return.sort_unstable_by_key(|&i| accesses[i as usize].span.ret);
        let overwrites = Overwrites::new(accesses);
        for index in by_return {
            let access = &accesses[index as usize];
            let place = &mut filled[access.writes as usize];
            all[*place as usize] = Writer {
                call: access.span.call,
                gone: overwrites.after(i64::from(access.span.ret)),
                calls_from: 0,
                node: index + 1,
            };
            *place += 1;
        }
        if values > 0 {
            // The initial value was there before anything was called.
            all.insert(
                0,
                Writer {
                    call: 0,
                    gone: overwrites.after(-1),
                    calls_from: 0,
                    node: INITIAL,
                },
            );
            for start in &mut starts[1..] {
                *start += 1;
            }
        }
        for value in 0..values as usize {
            let mut least = u32::MAX;
            for writer in all[starts[value] as usize..starts[value + 1] as usize]
                .iter_mut()
                .rev()
            {
                least = least.min(writer.call);
                writer.calls_from = least;
            }
        }
        Writers { starts, all }
    }

    fn seen_by(&self, index: u32, access: &Access) -> Seen {
        let value = access.reads as usize;
        let (from, to) = match (self.starts.get(value), self.starts.get(value + 1)) {
            (Some(&from), Some(&to)) => (from as usize, to as usize),
            _ => return Seen::None,
        };
        let writers = &self.all[from..to];
        let may = |w: &&Writer| {
            // The initial value has no call, and 0 may be the reader's own.
            (w.node == INITIAL || w.call < access.span.ret) && w.node != index + 1
        };
        // One writer alone: the zones will tell whether it fits.
        if let [only] = writers {
            return if only.node == index + 1 {
                Seen::None
            } else {
                Seen::One(only.node)
            };
        }
        // Those overwritten for certain stand first.
        let there = writers.partition_point(|w| w.gone < access.span.call);
        let mut seen = Seen::None;
        for writer in &writers[there..] {
            if writer.calls_from > access.span.ret {
                break;
            }
            if may(&writer) {
                match seen {
                    Seen::None => seen = Seen::One(writer.node),
                    _ => return Seen::Several,
                }
            }
        }
        seen
    }
}

/// When what stood before was overwritten for certain.
struct Overwrites {
    /// Calls of what has certainly written, ascending, each with the first
    /// return from it on.
    calls: Vec<(u32, u32)>,
}

impl Overwrites {
    fn new(accesses: &[Access]) -> Self {
        let certain = accesses
            .iter()
            .filter(|a| a.writes != NONE && a.span.is_known());
        let mut calls: Vec<_> = certain.map(|a| (a.span.call, a.span.ret)).collect();
        calls.sort_unstable();
        let mut least = u32::MAX;
        for (_, ret) in calls.iter_mut().rev() {
            least = least.min(*ret);
            *ret = least;
        }
        Overwrites { calls }
    }

    /// The first return of something that was called after this position.
    fn after(&self, position: i64) -> u32 {
        let from = self.calls.partition_point(|c| i64::from(c.0) <= position);
        self.calls.get(from).map_or(u32::MAX, |c| c.1)
    }
}
