//! Messages in flight, in the exploring form: small, canonical, bounded.
//!
//! Three kinds of network, a setting:
//!
//! | kind | delivery | loses | duplicates | reorders |
//! |---|---|---|---|---|
//! | `set` | leaves the message in place | yes: it is never delivered | without limit | yes |
//! | `bag` | takes the message out | by an action | by an action, bounded | yes |
//! | `ordered` | takes the oldest of its link | by an action | no | no |

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::field::{Field, Renaming, UnpackError};
use crate::message::Message;
use crate::record;
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

record! {
    /// A message in flight.
    pub struct InFlight {
        /// The message.
        pub message: Shared<Message>,
        /// How many copies there are; always one in a set.
        pub copies: u8,
    }
}

/// The messages in flight, sorted so that equal networks are equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    /// Whether each link keeps its order.
    ordered: bool,
    flights: SmallVec<[InFlight; 4]>,
}

impl Network {
    /// A network without messages.
    pub fn empty(kind: NetworkKind) -> Self {
        Network {
            ordered: kind == NetworkKind::Ordered,
            flights: SmallVec::new(),
        }
    }

    /// The messages in flight.
    pub fn flights(&self) -> &[InFlight] {
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

    /// The messages that may arrive next: all, or the oldest of each link.
    pub fn deliverable(&self) -> impl Iterator<Item = &Message> {
        let mut link = None;
        self.flights.iter().filter_map(move |flight| {
            let here = Some((flight.message.from, flight.message.to));
            let first = link != here;
            link = here;
            (first || !self.ordered).then_some(&*flight.message)
        })
    }

    /// Puts a message in flight.
    pub fn send(&mut self, message: Message, kind: NetworkKind) {
        let at = if self.ordered {
            let link = (message.from, message.to);
            self.flights
                .partition_point(|f| (f.message.from, f.message.to) <= link)
        } else {
            match self
                .flights
                .binary_search_by(|f| (*f.message).cmp(&message))
            {
                Ok(at) => {
                    if kind == NetworkKind::Bag {
                        self.flights[at].copies = self.flights[at].copies.saturating_add(1);
                    }
                    return;
                }
                Err(at) => at,
            }
        };
        let message = message.into();
        self.flights.insert(at, InFlight { message, copies: 1 });
    }

    /// Takes one copy of a message out; says whether there was one.
    pub fn take(&mut self, message: &Message) -> bool {
        let Some(at) = self.flights.iter().position(|f| *f.message == *message) else {
            return false;
        };
        self.flights[at].copies -= 1;
        if self.flights[at].copies == 0 {
            self.flights.remove(at);
        }
        true
    }

    /// How many copies of `message` are in flight.
    pub fn copies(&self, message: &Message) -> u8 {
        let found = self.flights.iter().find(|f| *f.message == *message);
        found.map_or(0, |flight| flight.copies)
    }

    /// Takes out every message that `keep` says no to.
    pub fn retain(&mut self, keep: impl Fn(&Message) -> bool) {
        self.flights.retain(|flight| keep(&flight.message));
    }

    fn sort(&mut self) {
        if self.ordered {
            // Stable: what is on one link keeps its order.
            self.flights.sort_by_key(|f| (f.message.from, f.message.to));
        } else {
            self.flights.sort();
        }
    }
}

impl Field for Network {
    fn pack(&self, out: &mut Vec<u8>) {
        self.ordered.pack(out);
        self.flights.pack(out);
    }
    fn unpack(input: &mut &[u8]) -> Result<Self, UnpackError> {
        Ok(Network {
            ordered: Field::unpack(input)?,
            flights: Field::unpack(input)?,
        })
    }
    fn rename(&self, by: &Renaming) -> Self {
        let mut renamed = Network {
            ordered: self.ordered,
            flights: self.flights.rename(by),
        };
        renamed.sort();
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
    use crate::ids::{NodeId, Term};
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
        assert!(bag.take(&vote(0, 1, 1)) && bag.take(&vote(0, 1, 1)));
        assert!(!bag.take(&vote(0, 1, 1)));
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
