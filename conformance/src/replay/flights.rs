//! Messages in flight, in the following form: whatever was sent may arrive any
//! number of times, at any later time, or never.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use plimsoll_model::field::{Field, packed};
use plimsoll_model::ids::{Index, NodeId, Position, Term};
use plimsoll_model::message::{Body, Message};
use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64;

use super::ledger::Ledger;
use super::pattern::{Pattern, Shape, fits};

/// The messages in flight.
#[derive(Clone, Debug, Default)]
pub struct Flights {
    /// Shared between the copies of a judge until one of them goes on.
    links: HashMap<(NodeId, NodeId), Arc<Link>, BuildHasherDefault<Mixed>>,
    /// For how many later messages of its link one is kept; for ever without.
    window: Option<usize>,
    forgotten: u64,
    /// The message that is sent, packed.
    scratch: Vec<u8>,
    /// What went wrong with messages, where it is counted.
    pub ledger: Option<Box<Ledger>>,
    /// What was put in flight since there are several readings of the run.
    apart: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct Link {
    /// Every message sent and not forgotten, oldest first, equal ones once.
    messages: VecDeque<Flight>,
    /// How many were forgotten: the place of the first that is not.
    first: u64,
    /// How many were sent, equal ones too.
    sent: u64,
    /// Where those stand that read the same, latest last.
    alike: HashMap<u64, SmallVec<[u64; 2]>, BuildHasherDefault<Mixed>>,
    /// What those that were forgotten can have been, by kind.
    gone: BTreeMap<&'static str, Gone>,
}

#[derive(Clone, Debug)]
struct Flight {
    /// The message, packed: there are many of them, and few are looked at.
    bytes: Box<[u8]>,
    /// How many had been sent when it was sent last.
    at: u64,
}

impl Flight {
    fn message(&self) -> Option<Message> {
        Message::unpack(&mut &*self.bytes).ok()
    }
}

/// What tells one message in flight from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The sender.
    pub from: NodeId,
    to: NodeId,
    reads_as: u64,
    content: u64,
}

impl Tag {
    /// The tag of `message`.
    pub fn of(message: &Message) -> Self {
        Tag {
            from: message.from,
            to: message.to,
            reads_as: reads_as(message),
            content: xxh3_64(&packed(message)),
        }
    }
}

/// What the messages of a kind can have been that were forgotten on a link. Who
/// sends goes from term to term upwards, and within a term from commit index to
/// commit index.
#[derive(Clone, Copy, Debug)]
struct Gone {
    /// The lowest term.
    from: Term,
    /// The highest term.
    to: Term,
    /// In the highest term: the largest index.
    index: Index,
    /// In the highest term: the largest commit index.
    commit: Index,
}

impl Gone {
    fn note(&mut self, message: &Message) {
        let (index, commit) = marks(&message.body);
        self.from = self.from.min(message.term);
        if message.term > self.to {
            (self.to, self.index, self.commit) = (message.term, index, commit);
        } else if message.term == self.to {
            self.index = self.index.max(index);
            self.commit = self.commit.max(commit);
        }
    }

    fn of(message: &Message) -> Self {
        let (index, commit) = marks(&message.body);
        Gone {
            from: message.term,
            to: message.term,
            index,
            commit,
        }
    }

    fn fits(&self, pattern: &Pattern) -> bool {
        let Some(term) = pattern.term else {
            return true;
        };
        let (index, commit) = pattern.marks();
        let below = term < self.to;
        term >= self.from
            && (below
                || term == self.to
                    && index.is_none_or(|index| index <= self.index)
                    && commit.is_none_or(|commit| commit <= self.commit))
    }
}

/// Which index, and which commit index, a message names.
fn marks(body: &Body) -> (Index, Index) {
    match body.plain().as_ref() {
        Body::RequestVote { last, .. } | Body::RequestPreVote { last } => (last.index, Index::ZERO),
        Body::Append { prev, commit, .. } => (prev.index, *commit),
        Body::AppendAck { index, .. } | Body::ReadIndex { index, .. } => (*index, Index::ZERO),
        Body::Heartbeat { commit, .. } => (Index::ZERO, *commit),
        Body::InstallSnapshot { last, .. } => (last.index, Index::ZERO),
        Body::Vote { .. }
        | Body::PreVote { .. }
        | Body::HeartbeatAck { .. }
        | Body::TimeoutNow
        | Body::RequestRead { .. }
        | Body::Telling { .. } => (Index::ZERO, Index::ZERO),
    }
}

/// Takes a number that is mixed already for its hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0, u64::from(*byte));
        }
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
    fn write_u128(&mut self, number: u128) {
        self.0 = number as u64;
    }
}

fn mix(all: u64, more: u64) -> u64 {
    let mixed = (all.rotate_left(5) ^ more).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

fn mixed(kind: u64, term: Term, numbers: &[u64]) -> u64 {
    let start = mix(mix(0, kind), term.0);
    numbers.iter().fold(start, |all, &number| mix(all, number))
}

/// Whether a message answers for what its sender has written.
fn waits(body: &Body) -> bool {
    matches!(
        body.plain().as_ref(),
        Body::Vote { .. } | Body::AppendAck { .. } | Body::PreVote { .. }
    )
}

/// How a message reads: a number that is the same for messages which read the
/// same, up to reads, rounds and the terms of entries.
fn reads_as(message: &Message) -> u64 {
    let of = |kind, numbers: &[u64]| mixed(kind, message.term, numbers);
    match message.body.plain().as_ref() {
        Body::RequestVote { last, .. } => of(0, &[last.index.0, last.term.0]),
        Body::Vote { granted } => of(1, &[u64::from(*granted)]),
        Body::Append {
            prev,
            entries,
            commit,
            ..
        } => of(
            2,
            &[prev.index.0, prev.term.0, entries.len() as u64, commit.0],
        ),
        Body::AppendAck {
            reject,
            index,
            hint,
            ..
        } => of(3, &ack(*reject, *index, *hint)),
        Body::Heartbeat { commit, .. } => of(4, &[commit.0]),
        Body::HeartbeatAck { .. } => of(5, &[]),
        Body::InstallSnapshot { last, .. } => of(6, &[last.index.0]),
        Body::RequestPreVote { last } => of(7, &[last.index.0, last.term.0]),
        Body::PreVote { granted } => of(8, &[u64::from(*granted)]),
        Body::TimeoutNow => of(9, &[]),
        Body::RequestRead { read } => of(10, &[u64::from(read.number)]),
        Body::ReadIndex { read, index } => of(11, &[u64::from(read.number), index.0]),
        // [`Body::plain`] is none.
        Body::Telling { .. } => of(12, &[]),
    }
}

fn ack(reject: bool, index: Index, hint: Option<Position>) -> [u64; 4] {
    let hint = hint.map_or([0, 0], |hint| [hint.index.0 + 1, hint.term.0]);
    [u64::from(reject), index.0, hint[0], hint[1]]
}

impl Pattern {
    /// As what a message reads that fits; `None` where the trace leaves
    /// something of that out.
    fn reads_as(&self) -> Option<u64> {
        let term = self.term?;
        let of = |kind, numbers: &[u64]| Some(mixed(kind, term, numbers));
        match &self.body {
            Shape::RequestVote { last } => {
                let last = (*last)?;
                of(0, &[last.index.0, last.term.0])
            }
            Shape::Vote { granted } => of(1, &[u64::from((*granted)?)]),
            Shape::Append {
                prev,
                count,
                commit,
                ..
            } => {
                let prev = (*prev)?;
                of(2, &[prev.index.0, prev.term.0, (*count)?, (*commit)?.0])
            }
            Shape::AppendAck {
                reject,
                index,
                hint,
            } => {
                // Who accepts gives no hint.
                let none = (*reject == Some(false)).then_some(None);
                of(3, &ack((*reject)?, (*index)?, hint.or(none)?))
            }
            Shape::Heartbeat { commit } => of(4, &[(*commit)?.0]),
            Shape::HeartbeatAck => of(5, &[]),
            Shape::InstallSnapshot { last } => of(6, &[(*last)?.0]),
            Shape::RequestPreVote { last } => {
                let last = (*last)?;
                of(7, &[last.index.0, last.term.0])
            }
            Shape::PreVote { granted } => of(8, &[u64::from((*granted)?)]),
            Shape::TimeoutNow => of(9, &[]),
            Shape::RequestRead { read } => of(10, &[u64::from((*read)?.number)]),
            Shape::ReadIndex { read, index } => of(11, &[u64::from((*read)?.number), (*index)?.0]),
        }
    }
}

impl Pattern {
    /// Which index, and which commit index, the message names, as far as the
    /// trace says.
    fn marks(&self) -> (Option<Index>, Option<Index>) {
        match &self.body {
            Shape::RequestVote { last } | Shape::RequestPreVote { last } => {
                (last.map(|last| last.index), None)
            }
            Shape::Append { prev, commit, .. } => (prev.map(|prev| prev.index), *commit),
            Shape::AppendAck { index, .. } | Shape::ReadIndex { index, .. } => (*index, None),
            Shape::Heartbeat { commit } => (None, *commit),
            Shape::InstallSnapshot { last } => (*last, None),
            Shape::Vote { .. }
            | Shape::PreVote { .. }
            | Shape::HeartbeatAck
            | Shape::TimeoutNow
            | Shape::RequestRead { .. } => (None, None),
        }
    }
}

impl Flights {
    /// Keeps a message for `window` later ones of its link, at the least.
    pub fn keep(&mut self, window: usize) {
        self.window = Some(window.max(1));
    }

    /// How many messages are kept.
    pub fn len(&self) -> usize {
        self.links.values().map(|link| link.messages.len()).sum()
    }

    /// Whether no message is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages were forgotten.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Whether a message that fits `pattern` may have been forgotten.
    pub fn may_have_forgotten(&self, pattern: &Pattern) -> bool {
        let link = self.links.get(&(pattern.from, pattern.to));
        let gone = link.and_then(|link| link.gone.get(pattern.kind()));
        gone.is_some_and(|gone| gone.fits(pattern))
    }

    /// Puts a message in flight.
    pub fn send(&mut self, message: Message) {
        self.scratch.clear();
        message.pack(&mut self.scratch);
        let link = self.links.entry((message.from, message.to)).or_default();
        let link = Arc::make_mut(link);
        link.sent += 1;
        let (sent, first) = (link.sent, link.first);
        let alike = link.alike.entry(reads_as(&message)).or_default();
        for at in alike.iter() {
            let kept = usize::try_from(*at - first).unwrap_or(usize::MAX);
            if let Some(known) = link.messages.get_mut(kept)
                && *known.bytes == *self.scratch
            {
                known.at = sent;
                return;
            }
        }
        if let Some(apart) = &mut self.apart {
            *apart = apart.wrapping_add(xxh3_64(&self.scratch));
        }
        alike.push(first + link.messages.len() as u64);
        let bytes = self.scratch.as_slice().into();
        link.messages.push_back(Flight { bytes, at: sent });
        if let Some(window) = self.window {
            self.forgotten += link.forget(window);
        }
    }

    /// Messages leave together; `exact` where it is known when.
    pub fn note<'a>(&mut self, messages: impl Iterator<Item = &'a Message> + Clone, exact: bool) {
        if let Some(ledger) = &mut self.ledger {
            let last = |message: &&Message| ledger.answers_last && waits(&message.body);
            let order = messages.clone().filter(|m| !last(m));
            let order: Vec<_> = order.chain(messages.filter(last)).collect();
            for message in order {
                ledger.sent(message, reads_as(message), exact);
            }
        }
    }

    /// A line shows that `message` is queued, and perhaps a name of it.
    pub fn shown(&mut self, message: &Message, name: Option<u128>) {
        if let Some(ledger) = &mut self.ledger {
            ledger.shown(message, reads_as(message), name);
        }
    }

    /// A line receives `message`, whose receiver is in the term `now`.
    pub fn received(&mut self, message: &Message, name: Option<u128>, now: Term) {
        if let Some(ledger) = &mut self.ledger {
            ledger.received(message, reads_as(message), name, now);
        }
    }

    /// What `node` queued in a step, no line shows.
    pub fn unlogged(&mut self, node: NodeId) {
        if let Some(ledger) = &mut self.ledger {
            ledger.unlogged(node);
        }
    }

    /// The message in flight that has this tag.
    pub fn tagged(&self, tag: &Tag) -> Option<Message> {
        self.flight(tag)?.message()
    }

    /// Whether a message is in flight that has this tag.
    pub fn holds(&self, tag: &Tag) -> bool {
        self.flight(tag).is_some()
    }

    fn flight(&self, tag: &Tag) -> Option<&Flight> {
        let link = self.links.get(&(tag.from, tag.to))?;
        let mut alike = link.alike(tag.reads_as);
        alike.find(|flight| xxh3_64(&flight.bytes) == tag.content)
    }

    /// At least two if more than one message in flight fits `pattern`, and no more
    /// than there are that read so.
    pub fn count_alike(&self, pattern: &Pattern) -> usize {
        let Some(link) = self.links.get(&(pattern.from, pattern.to)) else {
            return 0;
        };
        match pattern.reads_as() {
            Some(reads) => link.alike.get(&reads).map_or(0, SmallVec::len),
            None => link.latest().filter(|m| pattern.matches(m)).take(2).count(),
        }
    }

    /// The messages in flight that fit `pattern`, latest first, `most` of them.
    pub fn alike(&self, pattern: &Pattern, most: usize) -> Vec<Message> {
        let Some(link) = self.links.get(&(pattern.from, pattern.to)) else {
            return Vec::new();
        };
        let fits = |m: &Message| pattern.matches(m);
        match pattern.reads_as() {
            Some(reads) => {
                let alike = link.alike(reads).filter_map(Flight::message);
                alike.filter(fits).take(most).collect()
            }
            None => link.latest().filter(fits).take(most).collect(),
        }
    }

    /// There are several readings of the run from now on, which may put other
    /// messages in flight.
    pub fn tell_apart(&mut self) {
        self.apart.get_or_insert(0);
    }

    /// Whether the same has been put in flight as in `other`, since they parted.
    pub fn is_same(&self, other: &Flights) -> bool {
        self.apart == other.apart
    }

    /// The latest message in flight that fits `pattern`.
    pub fn find(&self, pattern: &Pattern) -> Option<Message> {
        let link = self.links.get(&(pattern.from, pattern.to))?;
        let fits = |m: &Message| pattern.matches(m);
        match pattern.reads_as() {
            Some(reads) => link.alike(reads).filter_map(Flight::message).find(fits),
            None => link.latest().find(fits),
        }
    }

    /// The latest message of the same kind and term on the same link: what
    /// comes nearest to a message that was never sent.
    pub fn nearest(&self, pattern: &Pattern) -> Option<Message> {
        let link = self.links.get(&(pattern.from, pattern.to))?;
        let same = |m: &Message| pattern.is_kind(&m.body);
        let latest = || link.latest().filter(same);
        latest()
            .find(|m| fits(&pattern.term, &m.term))
            .or_else(|| latest().next())
    }
}

impl Link {
    /// The messages that read so, latest first.
    fn alike(&self, reads: u64) -> impl Iterator<Item = &Flight> {
        let places = self.alike.get(&reads).into_iter().flatten().rev();
        places.filter_map(|&at| {
            let kept = usize::try_from(at - self.first).ok()?;
            self.messages.get(kept)
        })
    }

    /// All messages, latest first.
    fn latest(&self) -> impl Iterator<Item = Message> {
        self.messages.iter().rev().filter_map(Flight::message)
    }

    /// Forgets what was sent before the last `window` messages; says how many
    /// that were.
    fn forget(&mut self, window: usize) -> u64 {
        let mut forgotten = 0;
        while self.messages.len() > window {
            let Some(oldest) = self.messages.pop_front() else {
                break;
            };
            let place = self.first;
            self.first += 1;
            let Some(message) = oldest.message() else {
                continue;
            };
            let reads = reads_as(&message);
            if let Some(alike) = self.alike.get_mut(&reads) {
                alike.retain(|at| *at != place);
                if alike.is_empty() {
                    self.alike.remove(&reads);
                }
            }
            if oldest.at + window as u64 > self.sent {
                // Sent again since.
                let at = self.first + self.messages.len() as u64;
                self.alike.entry(reads).or_default().push(at);
                self.messages.push_back(oldest);
                continue;
            }
            let gone = self.gone.entry(message.kind());
            gone.and_modify(|gone| gone.note(&message))
                .or_insert_with(|| Gone::of(&message));
            forgotten += 1;
        }
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heartbeat(term: u64, commit: u64) -> Message {
        Message {
            from: NodeId::from_position(0),
            to: NodeId::from_position(1),
            term: Term(term),
            body: Body::Heartbeat {
                commit: Index(commit),
                context: None,
                round: None,
            },
        }
    }

    fn pattern(term: u64, commit: u64) -> Pattern {
        Pattern {
            from: NodeId::from_position(0),
            to: NodeId::from_position(1),
            term: Some(Term(term)),
            context: None,
            body: Shape::Heartbeat {
                commit: Some(Index(commit)),
            },
        }
    }

    #[test]
    fn a_message_is_kept_for_as_many_later_ones_as_the_window_says() {
        let mut flights = Flights::default();
        flights.keep(3);
        for commit in 1..=5 {
            flights.send(heartbeat(1, commit));
        }
        let found = |flights: &Flights, commit| flights.find(&pattern(1, commit)).is_some();
        assert_eq!(
            [1, 2, 3, 4, 5].map(|c| found(&flights, c)),
            [false, false, true, true, true]
        );
        // What is sent again counts as sent then.
        flights.send(heartbeat(1, 3));
        flights.send(heartbeat(1, 6));
        flights.send(heartbeat(1, 7));
        assert_eq!(
            [3, 4, 5, 6, 7].map(|c| found(&flights, c)),
            [true, false, false, true, true]
        );
        assert_eq!((flights.len(), flights.forgotten()), (3, 4));
        assert_eq!(
            flights.tagged(&Tag::of(&heartbeat(1, 7))),
            Some(heartbeat(1, 7))
        );
        assert_eq!(flights.tagged(&Tag::of(&heartbeat(1, 5))), None);
    }

    #[test]
    fn only_what_can_have_been_forgotten_may_have_been() {
        let mut flights = Flights::default();
        flights.keep(1);
        assert!(!flights.may_have_forgotten(&pattern(2, 1)));
        for (term, commit) in [(2, 7), (3, 4), (3, 6), (3, 9)] {
            flights.send(heartbeat(term, commit));
        }
        let may = |term, commit| flights.may_have_forgotten(&pattern(term, commit));
        assert!(may(2, 7) && may(2, 100) && may(3, 4) && may(3, 5));
        assert!(!may(3, 7) && !may(4, 1) && !may(1, 1));
        let mut other = pattern(3, 4);
        other.body = Shape::HeartbeatAck;
        assert!(!flights.may_have_forgotten(&other));
        std::mem::swap(&mut other.from, &mut other.to);
        assert!(!flights.may_have_forgotten(&other));
    }
}
