//! Messages in flight, in the exploring form: small, canonical, bounded.
//!
//! Three kinds of network, a setting:
//!
//! | kind | delivery | loses | duplicates | reorders |
//! |---|---|---|---|---|
//! | `set` | leaves the message in place | yes: it is never delivered | without limit | yes |
//! | `bag` | takes the message out | by an action | by an action, bounded | yes |
//! | `ordered` | takes the oldest of its link | by an action | no | no |

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::bounds::Bounds;
use crate::field::{Field, Renaming, UnpackError};
use crate::ids::{NodeId, Term};
use crate::message::Message;
use crate::record;
use crate::scenario::Scenario;
use crate::shared::Shared;

/// What the network may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkKind {
    /// A set: what was sent once may arrive any number of times, or never.
    Set,
    /// A bag: every copy arrives at most once; copies are made by an action.
    Bag,
    /// A queue for each pair of servers.
    Ordered,
}

impl NetworkKind {
    /// The name, as flags and tables spell it.
    pub fn name(self) -> &'static str {
        match self {
            NetworkKind::Set => "set",
            NetworkKind::Bag => "bag",
            NetworkKind::Ordered => "ordered",
        }
    }
}

/// What stands for a message in a network: the message itself, or a name that
/// somebody has given it. Equal envelopes are equal messages.
pub trait Envelope: Clone + PartialEq {
    /// What opens one.
    type Opener;

    /// The message.
    fn open<'o>(&'o self, opener: &'o Self::Opener) -> &'o Message;

    /// What stands on the envelope.
    fn label(&self, opener: &Self::Opener) -> Label {
        Label::of(self.open(opener))
    }

    /// The order of messages; mostly the labels decide it.
    fn order(&self, other: &Self, opener: &Self::Opener) -> Ordering {
        let labels = self.label(opener).cmp(&other.label(opener));
        labels.then_with(|| self.open(opener).body.cmp(&other.open(opener).body))
    }
}

/// Whose message it is, for whom, and of which term: what comes first in the
/// order of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
    /// The sender's term.
    pub term: Term,
}

impl Label {
    /// The label of `message`.
    pub fn of(message: &Message) -> Self {
        Label {
            from: message.from,
            to: message.to,
            term: message.term,
        }
    }

    fn link(self) -> (NodeId, NodeId) {
        (self.from, self.to)
    }
}

impl Envelope for Shared<Message> {
    type Opener = ();

    fn open<'o>(&'o self, (): &'o ()) -> &'o Message {
        self
    }
}

record! {
    /// A message in flight.
    pub struct Flight<M: Envelope> {
        /// The message.
        pub message: M,
        /// How many copies there are; always one in a set.
        pub copies: u8,
    }
}

/// A message in flight, as a state holds it.
pub type InFlight = Flight<Shared<Message>>;

/// What an action is to the network.
#[derive(Clone, Copy, Debug)]
pub enum Passage<'m, M> {
    /// A message arrives.
    Arrives(&'m M),
    /// A message is lost.
    Lost(&'m M),
    /// A message is copied.
    Copied(&'m M),
    /// A server acts by itself.
    None,
}

/// The messages in flight, sorted so that equal networks are equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network<M: Envelope = Shared<Message>> {
    /// Whether each link keeps its order.
    ordered: bool,
    flights: SmallVec<[Flight<M>; 4]>,
}

impl<M: Envelope> Network<M> {
    /// A network without messages, of whatever stands for them.
    pub fn of(kind: NetworkKind) -> Self {
        Network {
            ordered: kind == NetworkKind::Ordered,
            flights: SmallVec::new(),
        }
    }

    /// The messages in flight.
    pub fn flights(&self) -> &[Flight<M>] {
        &self.flights
    }

    /// How many messages are in flight, copies counted.
    pub fn len(&self) -> usize {
        self.flights.iter().map(|f| usize::from(f.copies)).sum()
    }

    /// Whether nothing is in flight.
    pub fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// Whether no more messages are in flight than `bounds` allow.
    pub fn within(&self, bounds: &Bounds) -> bool {
        let most = bounds.max_messages;
        most.is_none_or(|most| self.len() <= most as usize)
    }

    /// What may arrive next: all, or the oldest of each link.
    pub fn due<'n>(&'n self, opener: &'n M::Opener) -> impl Iterator<Item = &'n M> {
        let mut link = None;
        self.flights.iter().filter_map(move |flight| {
            if !self.ordered {
                return Some(&flight.message);
            }
            let here = Some(flight.message.label(opener).link());
            let first = link != here;
            link = here;
            first.then_some(&flight.message)
        })
    }

    /// All that an action does to the network: `passage` is what happens in it,
    /// `said` is what leaves the server that acts, `terms` the terms of the
    /// servers after it, `rose` whether one of these may have risen: what is in
    /// flight was not too late before. Says whether this can happen here at all.
    pub fn pass(
        &mut self,
        passage: Passage<'_, M>,
        said: &[M],
        terms: impl Fn(NodeId) -> Term,
        rose: bool,
        scenario: &Scenario,
        opener: &M::Opener,
    ) -> bool {
        let kind = scenario.network;
        let possible = match passage {
            Passage::Lost(message) => return self.take_out(message),
            Passage::Copied(message) => {
                let there = self.count(message) > 0;
                if there {
                    self.put(message.clone(), kind, opener);
                }
                return there;
            }
            Passage::Arrives(message) => match kind {
                NetworkKind::Set => self.count(message) > 0,
                NetworkKind::Bag => self.take_out(message),
                NetworkKind::Ordered => {
                    self.due(opener).any(|due| due == message) && self.take_out(message)
                }
            },
            Passage::None => true,
        };
        if possible {
            // What would arrive later than the bounds look is lost at once.
            let lag = scenario.bounds.max_lag.map(u64::from);
            let in_time = |message: &M| {
                let label = message.label(opener);
                lag.is_none_or(|lag| label.term.0 + lag >= terms(label.to).0)
            };
            for message in said {
                if in_time(message) {
                    self.put(message.clone(), kind, opener);
                }
            }
            if rose && lag.is_some() {
                self.flights.retain(|flight| in_time(&flight.message));
            }
        }
        possible
    }

    fn put(&mut self, message: M, kind: NetworkKind, opener: &M::Opener) {
        let at = if self.ordered {
            let link = message.label(opener).link();
            self.flights
                .partition_point(|f| f.message.label(opener).link() <= link)
        } else {
            let place = self
                .flights
                .binary_search_by(|f| f.message.order(&message, opener));
            match place {
                Ok(at) => {
                    if kind == NetworkKind::Bag {
                        self.flights[at].copies = self.flights[at].copies.saturating_add(1);
                    }
                    return;
                }
                Err(at) => at,
            }
        };
        self.flights.insert(at, Flight { message, copies: 1 });
    }

    /// Takes one copy of a message out; says whether there was one.
    fn take_out(&mut self, message: &M) -> bool {
        let Some(at) = self.flights.iter().position(|f| f.message == *message) else {
            return false;
        };
        self.flights[at].copies -= 1;
        if self.flights[at].copies == 0 {
            self.flights.remove(at);
        }
        true
    }

    fn count(&self, message: &M) -> u8 {
        let found = self.flights.iter().find(|f| f.message == *message);
        found.map_or(0, |flight| flight.copies)
    }

    /// Makes this the network `of` with each message replaced by what `with`
    /// gives for it. No two messages become one.
    pub fn replace(&mut self, of: &Self, with: impl Fn(&M) -> M, opener: &M::Opener) {
        self.ordered = of.ordered;
        self.flights.clear();
        self.flights.extend(of.flights.iter().map(|flight| Flight {
            message: with(&flight.message),
            copies: flight.copies,
        }));
        if self.ordered {
            // Stable: what is on one link keeps its order.
            self.flights.sort_by_key(|f| f.message.label(opener).link());
        } else {
            self.flights
                .sort_by(|a, b| a.message.order(&b.message, opener));
        }
    }

    /// Makes this the network `of`, in the room that this one has.
    pub fn copy_from(&mut self, of: &Self) {
        self.ordered = of.ordered;
        self.flights.clear();
        self.flights.extend(of.flights.iter().cloned());
    }

    /// Packs the network; `write` packs what stands for a message.
    pub fn pack_with(&self, out: &mut Vec<u8>, mut write: impl FnMut(&M, &mut Vec<u8>)) {
        self.pack_head(out);
        for flight in &self.flights {
            write(&flight.message, out);
            flight.copies.pack(out);
        }
    }

    fn pack_head(&self, out: &mut Vec<u8>) {
        self.ordered.pack(out);
        (self.flights.len() as u64).pack(out);
    }

    /// The same, where this network came of `before`. That was read from
    /// `bytes`, its flights at `places` ([`Network::unpack_with`]), and what
    /// both begin and end with is copied from there.
    pub fn pack_changed(
        &self,
        before: &Self,
        bytes: &[u8],
        places: &[usize],
        out: &mut Vec<u8>,
        mut write: impl FnMut(&M, &mut Vec<u8>),
    ) {
        fn alike<'f, M: Envelope + 'f>(
            here: impl Iterator<Item = &'f Flight<M>>,
            there: impl Iterator<Item = &'f Flight<M>>,
        ) -> usize {
            here.zip(there).take_while(|(a, b)| a == b).count()
        }
        let (here, there) = (&self.flights[..], &before.flights[..]);
        let head = alike(here.iter(), there.iter());
        let (rest, gone) = (&here[head..], &there[head..]);
        let tail = alike(rest.iter().rev(), gone.iter().rev());
        self.pack_head(out);
        out.extend_from_slice(&bytes[places[0]..places[head]]);
        for flight in &rest[..rest.len() - tail] {
            write(&flight.message, out);
            flight.copies.pack(out);
        }
        out.extend_from_slice(&bytes[places[there.len() - tail]..places[there.len()]]);
    }

    /// Makes this the network that `input` starts with; `read` unpacks what
    /// stands for a message. Notes in `places` where in `input` each flight
    /// begins, and the last one ends.
    ///
    /// # Errors
    /// When `input` does not start with a packed network.
    pub fn unpack_with(
        &mut self,
        input: &mut &[u8],
        places: &mut Vec<usize>,
        mut read: impl FnMut(&mut &[u8]) -> Result<M, UnpackError>,
    ) -> Result<(), UnpackError> {
        let whole = input.len();
        self.ordered = bool::unpack(input)?;
        self.flights.clear();
        places.clear();
        let len = u64::unpack(input)?;
        places.push(whole - input.len());
        for _ in 0..len {
            let message = read(input)?;
            let copies = u8::unpack(input)?;
            self.flights.push(Flight { message, copies });
            places.push(whole - input.len());
        }
        Ok(())
    }
}

impl Network {
    /// A network without messages.
    pub fn empty(kind: NetworkKind) -> Self {
        Network::of(kind)
    }

    /// The messages that may arrive next: all, or the oldest of each link.
    pub fn deliverable(&self) -> impl Iterator<Item = &Message> {
        self.due(&()).map(|message| &**message)
    }

    /// Puts a message in flight.
    pub fn send(&mut self, message: Message, kind: NetworkKind) {
        self.put(message.into(), kind, &());
    }

    /// What is in flight and says `message`.
    pub fn find(&self, message: &Message) -> Option<&Shared<Message>> {
        let flights = self.flights.iter();
        flights.map(|f| &f.message).find(|m| ***m == *message)
    }
}

impl Field for Network {
    fn pack(&self, out: &mut Vec<u8>) {
        self.pack_with(out, Field::pack);
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        let mut network = Network::empty(NetworkKind::Set);
        network.unpack_with(input, &mut Vec::new(), Field::unpack)?;
        Ok(network)
    }
    fn rename(&self, by: &Renaming) -> Self {
        let mut renamed = self.clone();
        renamed.replace(self, |message| message.rename(by), &());
        renamed
    }
    fn sample() -> Self {
        Network::empty(NetworkKind::Set)
    }
    fn vary(&self) -> Vec<Self> {
        let with = |ordered, flights| Network { ordered, flights };
        let mut out = vec![with(!self.ordered, self.flights.clone())];
        out.extend(
            self.flights
                .vary()
                .into_iter()
                .map(|flights| with(self.ordered, flights)),
        );
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Body;

    fn vote(from: u8, to: u8, term: u64) -> Message {
        Message {
            from: NodeId(from),
            to: NodeId(to),
            term: Term(term),
            body: Body::Vote { granted: true },
        }
    }

    #[test]
    fn a_set_holds_a_message_once_and_a_bag_counts_it() {
        let mut set = Network::empty(NetworkKind::Set);
        let mut bag = Network::empty(NetworkKind::Bag);
        for _ in 0..2 {
            set.send(vote(0, 1, 1), NetworkKind::Set);
            bag.send(vote(0, 1, 1), NetworkKind::Bag);
        }
        assert_eq!((set.len(), bag.len()), (1, 2));
        let vote = vote(0, 1, 1).into();
        assert!(bag.take_out(&vote) && bag.take_out(&vote));
        assert!(!bag.take_out(&vote));
    }

    #[test]
    fn an_ordered_link_delivers_its_oldest_also_after_renaming() {
        let mut net = Network::empty(NetworkKind::Ordered);
        for message in [vote(0, 1, 2), vote(1, 0, 5), vote(0, 1, 1)] {
            net.send(message, NetworkKind::Ordered);
        }
        let next: Vec<_> = net.deliverable().cloned().collect();
        assert_eq!(next, [vote(0, 1, 2), vote(1, 0, 5)]);
        let swap = &Renaming::all(2)[1];
        let next: Vec<_> = net.rename(swap).deliverable().cloned().collect();
        assert_eq!(next, [vote(0, 1, 5), vote(1, 0, 2)]);
    }
}
