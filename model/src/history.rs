//! Ghost state: what no implementation has, kept only to judge.
//!
//! It is the least that decides the properties, and no list of events:
//!
//! | ghost | decides | costs |
//! |---|---|---|
//! | who led each term | election safety | nothing while one leader a term: the leader of the present term is in the state already; a past term's leader keeps states apart that are otherwise equal |
//! | last committed position of each committing term | leader completeness, state-machine safety, committed is durable | states with the same logs whose entries were committed by other terms |
//! | floor of each open read | linearizable reads | a number for each open read |
//! | answers to writes, where writes are sent again | exactly once, linearizable writes; when a client sends its next command | states that differ in what clients know |
//! | who has restarted, who has started anew | the witness that a restarted server wins; what a leader may know of whom | at most a factor of two for each restart in the budget |

use smallvec::SmallVec;

use crate::ids::{Index, NodeId, NodeSet, Position, ReadId, Term};
use crate::record;

record! {
    /// Who has led a term.
    pub struct Led {
        /// The term.
        pub term: Term,
        /// Its leaders: one, or election safety is broken.
        pub by: NodeSet,
    }
}

record! {
    /// What the leader of a term has committed.
    pub struct Committed {
        /// The committing term.
        pub term: Term,
        /// The last position committed in it.
        pub position: Position,
    }
}

record! {
    /// A read that has begun and not ended.
    pub struct OpenRead {
        /// Which read.
        pub id: ReadId,
        /// Where it began.
        pub node: NodeId,
        /// All that was committed, and so may have been acknowledged, before
        /// it began.
        pub floor: Index,
    }
}

record! {
    /// An answer that a client has got to a write.
    #[derive(Copy)]
    pub struct Answer {
        /// The number of the write.
        pub number: u32,
        /// What was answered: the place of its effect among all effects, from 1.
        pub response: u32,
        /// Up to where the log was applied that was answered from.
        pub index: Index,
    }
}

record! {
    /// The ghost state. Terms ascend in both lists.
    #[derive(Default)]
    pub struct History {
        /// Who led each term.
        pub led: SmallVec<[Led; 2]>,
        /// What each term committed.
        pub committed: SmallVec<[Committed; 2]>,
        /// Reads that have begun and not ended.
        pub reads: SmallVec<[OpenRead; 1]>,
        /// Who has restarted.
        pub restarted: NodeSet,
        /// Who has started anew, with nothing.
        pub wiped: NodeSet,
        /// Answers to writes, by number and response; none but where clients
        /// have sessions or may send a write again.
        pub answers: SmallVec<[Answer; 0]>,
        /// Where there are sessions, who has them from another server's
        /// snapshot.
        pub loaded: NodeSet,
    }
}

impl History {
    /// `node` has become leader of `term`.
    pub fn leads(&mut self, node: NodeId, term: Term) {
        match self.led.binary_search_by_key(&term, |led| led.term) {
            Ok(at) => {
                self.led[at].by.insert(node);
            }
            Err(at) => self.led.insert(
                at,
                Led {
                    term,
                    by: NodeSet::EMPTY.with(node),
                },
            ),
        }
    }

    /// The leader of `term` has committed up to `position`.
    pub fn commits(&mut self, term: Term, position: Position) {
        match self.committed.binary_search_by_key(&term, |c| c.term) {
            Ok(at) => {
                let known = &mut self.committed[at].position;
                if position.index > known.index {
                    *known = position;
                }
            }
            Err(at) => self.committed.insert(at, Committed { term, position }),
        }
    }

    /// A client gets an answer. Of those that say the same the one from the
    /// shortest prefix is kept: it binds most.
    pub fn answers(&mut self, answer: Answer) {
        let key = |known: &Answer| (known.number, known.response);
        match self.answers.binary_search_by_key(&key(&answer), key) {
            Ok(at) => {
                let known = &mut self.answers[at].index;
                *known = answer.index.min(*known);
            }
            Err(at) => self.answers.insert(at, answer),
        }
    }

    /// Whether a client has got an answer to write `number`.
    pub fn answered(&self, number: u32) -> bool {
        self.answers.iter().any(|answer| answer.number == number)
    }

    /// The highest index that any leader has committed.
    pub fn highest_commit(&self) -> Index {
        let indexes = self.committed.iter().map(|c| c.position.index);
        indexes.max().unwrap_or_default()
    }
}
