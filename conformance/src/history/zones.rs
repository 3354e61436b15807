//! Zones: Gibbons and Korach's algorithm for a key on which every read has one
//! possible write.
//!
//! "Testing shared memories" (SIAM J. Comput. 26, 1997, theorem 3.2 ff.) puts
//! each write and the reads of its value into a *cluster*. No other write can
//! take effect between the first and the last of a cluster. With `f` the first
//! return in it and `l` the last call, a cluster with `f < l` holds the key for
//! at least that time (a *forward zone*); one with `l < f` can take effect as a
//! whole at any one point between the two. So an order exists exactly when no
//! two forward zones overlap, and no backward zone lies within a forward one.
//!
//! This is that algorithm for a larger class. An operation that reads a value
//! and replaces it (a compare-and-set that has succeeded, an appended text that
//! a read shows with what stood before it) ties the cluster of what it read and
//! the cluster of what it wrote together: nothing can come between. What is
//! tied is one cluster, a *chain*, if its own order can be kept. Which write a
//! read has seen need not be told by the value alone: of the writes of that
//! value those do not come into question that were called after the read
//! returned, or were overwritten for certain before it was called. Where that
//! leaves several, what the others have seen can still show that there is no
//! order. `docs/linearizability.md` has the proof.

use super::model::Span;

mod source;
mod words;

pub(super) use words::{Converted, accesses};

/// What an operation does to the key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    pub(super) span: Span,
    /// The value it has seen; [`NONE`] for a plain write.
    pub(super) reads: u32,
    /// The value it has written; [`NONE`] for a plain read.
    pub(super) writes: u32,
}

/// No value. The initial value is 0, a value that nobody has seen is
/// [`UNSEEN`].
pub(super) const NONE: u32 = u32::MAX;
pub(super) const UNSEEN: u32 = u32::MAX - 1;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Zoned {
    /// An order.
    Order(Vec<u32>),
    /// There is none; these operations show it, together with the writes of
    /// what they have seen.
    None(Vec<u32>),
    /// A read has several possible writes, and what the others have seen has an
    /// order.
    Unsuited,
}

/// The write of the initial value, as a node; that of operation `i` is `i + 1`.
const INITIAL: u32 = 0;

/// Finds an order, or that there is none. `values`: all values that are read
/// or written, but the unseen, are below.
pub(super) fn zones(accesses: &[Access], values: u32) -> Zoned {
    let sources = match source::sources(accesses, values) {
        Ok(sources) => sources,
        Err(reader) => return Zoned::None(vec![reader]),
    };
    match Chains::new(accesses, &sources).map(|chains| chains.order()) {
        Ok(Zoned::Order(_)) if !sources.doubtful.is_empty() => Zoned::Unsuited,
        Ok(zoned) => zoned,
        Err(conflict) => Zoned::None(conflict),
    }
}

/// Clusters that are tied together, with when they hold the key.
struct Chain {
    /// The part of `members` that is its own.
    start: usize,
    end: usize,
    /// The first return, and whose; -1 with the initial value.
    first_return: i64,
    /// The last call, and whose; -1 where there is no operation.
    last_call: i64,
    /// The places in `members` of those two.
    first: usize,
    last: usize,
}

struct Chains<'a> {
    accesses: &'a [Access],
    /// Operations, chain by chain, in the order that a chain prescribes.
    members: Vec<u32>,
    chains: Vec<Chain>,
}

impl<'a> Chains<'a> {
    /// The chains; or operations that show that there is no order.
    fn new(accesses: &'a [Access], sources: &source::Sources) -> Result<Self, Vec<u32>> {
        // Who has read of each node: first the plain reads, then what replaced.
        let nodes = accesses.len() + 1;
        let mut starts = vec![0u32; nodes + 1];
        let mut next = vec![NONE; nodes];
        for (index, access) in accesses.iter().enumerate() {
            let source = sources.of[index];
            if source == NONE {
                continue;
            }
            if access.writes == NONE {
                starts[source as usize + 1] += 1;
            } else {
                let other = std::mem::replace(&mut next[source as usize], index as u32);
                if other != NONE {
                    // Both replaced the same value.
                    return Err(vec![other, index as u32]);
                }
            }
        }
        for node in 0..nodes {
            starts[node + 1] += starts[node];
        }
        let mut filled = starts.clone();
        let mut readers = vec![0u32; starts[nodes] as usize];
        for (index, access) in accesses.iter().enumerate() {
            let source = sources.of[index];
            if source != NONE && access.writes == NONE {
                readers[filled[source as usize] as usize] = index as u32;
                filled[source as usize] += 1;
            }
        }
        let readers_of = |node: u32| {
            let (from, to) = (starts[node as usize], starts[node as usize + 1]);
            &readers[from as usize..to as usize]
        };
        let mut chains = Chains {
            accesses,
            members: Vec::with_capacity(accesses.len()),
            chains: Vec::new(),
        };
        chains.walk(INITIAL, &next, &readers_of)?;
        for (index, access) in accesses.iter().enumerate() {
            let takes_place = access.span.is_known() || sources.happened[index];
            // What has seen one of several writes is taken for a plain write.
            if access.writes != NONE && sources.of[index] == NONE && takes_place {
                chains.walk(index as u32 + 1, &next, &readers_of)?;
            }
        }
        let left_out = |i: usize| {
            accesses[i].writes == NONE && sources.doubtful.binary_search(&(i as u32)).is_ok()
        };
        let expected = (0..accesses.len()).filter(|&i| {
            let known = accesses[i].span.is_known() && !left_out(i);
            known || sources.happened[i] || sources.of[i] != NONE
        });
        if chains.members.len() != expected.count() {
            // What replaced each other's values in a circle begins nowhere.
            let mut met = vec![false; accesses.len()];
            for &member in &chains.members {
                met[member as usize] = true;
            }
            let left = (0..accesses.len() as u32)
                .filter(|&i| !met[i as usize] && sources.of[i as usize] != NONE);
            return Err(left.collect());
        }
        Ok(chains)
    }

    /// Follows a chain from its first write on. The operations that show it,
    /// if its own order cannot be kept.
    fn walk<'r>(
        &mut self,
        head: u32,
        next: &[u32],
        readers_of: &impl Fn(u32) -> &'r [u32],
    ) -> Result<(), Vec<u32>> {
        let start = self.members.len();
        let mut chain = Chain {
            start,
            end: start,
            first_return: if head == INITIAL { -1 } else { i64::MAX },
            last_call: -1,
            first: start,
            last: start,
        };
        let mut node = head;
        loop {
            let before = chain.last_call;
            if node != INITIAL {
                self.add(&mut chain, node - 1, before)?;
            }
            let before = chain.last_call;
            for &reader in readers_of(node) {
                self.add(&mut chain, reader, before)?;
            }
            match next[node as usize] {
                NONE => break,
                update => node = update + 1,
            }
        }
        chain.end = self.members.len();
        if chain.end > chain.start {
            self.chains.push(chain);
        }
        Ok(())
    }

    /// Adds an operation behind those that were called up to `before`.
    fn add(&mut self, chain: &mut Chain, op: u32, before: i64) -> Result<(), Vec<u32>> {
        let Span { call, ret } = self.accesses[op as usize].span;
        let place = self.members.len();
        self.members.push(op);
        if i64::from(ret) < before {
            // It returned before something was called that it builds on.
            return Err(self.members[chain.last..].to_vec());
        }
        if i64::from(ret) < chain.first_return {
            chain.first_return = i64::from(ret);
            chain.first = place;
        }
        if i64::from(call) > chain.last_call {
            chain.last_call = i64::from(call);
            chain.last = place;
        }
        Ok(())
    }

    /// Puts the chains in order by their zones.
    fn order(&self) -> Zoned {
        let (mut forward, backward): (Vec<&Chain>, Vec<&Chain>) = self
            .chains
            .iter()
            .partition(|c| c.first_return < c.last_call);
        forward.sort_unstable_by_key(|c| c.first_return);
        for pair in forward.windows(2) {
            if pair[0].last_call > pair[1].first_return {
                return Zoned::None(self.shown(&[pair[0], pair[1]]));
            }
        }
        let mut placed: Vec<(i64, &Chain)> = Vec::with_capacity(self.chains.len());
        placed.extend(forward.iter().map(|c| (c.first_return, *c)));
        for chain in backward {
            let after = forward.partition_point(|c| c.first_return < chain.last_call);
            let mut at = chain.last_call;
            if let Some(holds) = after.checked_sub(1).map(|before| forward[before])
                && holds.last_call > at
            {
                if holds.last_call > chain.first_return {
                    return Zoned::None(self.shown(&[holds, chain]));
                }
                at = holds.last_call;
            }
            placed.push((at, chain));
        }
        placed.sort_by_key(|&(at, _)| at);
        let members = placed
            .iter()
            .flat_map(|(_, c)| &self.members[c.start..c.end]);
        Zoned::Order(members.copied().collect())
    }

    /// What of chains shows that they are in each other's way: of each what
    /// lies between the first return and the last call.
    fn shown(&self, chains: &[&Chain]) -> Vec<u32> {
        let mut shown = Vec::new();
        for chain in chains {
            let (from, to) = (chain.first.min(chain.last), chain.first.max(chain.last));
            // With the initial value nothing need have returned.
            let from = if chain.first_return < 0 {
                chain.start
            } else {
                from
            };
            shown.extend_from_slice(&self.members[from..=to]);
        }
        shown
    }
}
