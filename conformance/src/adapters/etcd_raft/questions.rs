//! Pre-votes, which no line shows: who was asked what, and what each can have
//! answered since.
//!
//! A question leaves with the next `Ready` of who asked, which need not be
//! pre-candidate any more, and may arrive at any time after, more than once. Its answer is given by what the other node is at
//! that moment, leaves with the next `Ready` of that node, and may arrive late
//! too: the library counts a grant for the attempt before this one (the term it
//! was given for has come), and a refusal for any attempt before, if it comes
//! from the asker's term (`stepCandidate`, `Step` in `raft.go`). So it is noted
//! for each question since when each node can have said yes or no to it.

use plimsoll_model::ids::{NodeId, Position, Term};
use plimsoll_model::log::Log;
use plimsoll_model::server::Server;
use smallvec::SmallVec;

/// Questions of one term that are told apart: by where the asker's log ended.
const ATTEMPTS: usize = 4;

/// How many terms a crash may take a node back, for what it asked before it.
const LOST: u64 = 4;

/// A node as another one may have found it that asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    term: Term,
    vote: Option<NodeId>,
    leader: Option<NodeId>,
    leads: bool,
    last: Position,
}

/// What is known of how nodes answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// A leader does not answer who would depose it.
    pub sticky: bool,
    /// A follower may have been made to forget its leader.
    pub forgets: bool,
}

/// What a pre-candidate asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// The term in which it would campaign.
    pub term: Term,
    /// Where its log ends.
    last: Position,
}

impl Asked {
    /// What `asker` asks now.
    pub(super) fn by<L: Log>(asker: &Server<L>) -> Self {
        Asked {
            term: asker.term.next(),
            last: asker.log.last(),
        }
    }
}

/// A question, and since when who can have answered it.
#[derive(Clone, Debug)]
struct Question {
    asker: NodeId,
    /// The term that it asks about.
    term: Term,
    /// Where the asker's log ended.
    last: Position,
    /// Who can have said yes, and behind which event.
    yes: SmallVec<[(NodeId, u64); 4]>,
    /// Who can have said no, in which term of its own, and behind which event.
    no: SmallVec<[(NodeId, Term, u64); 4]>,
}

/// Every question that may still be answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Questions {
    /// Of each asker's own term and the next, and of a few before.
    open: Vec<Question>,
    /// About which term each asker asked first, and behind which event.
    first: SmallVec<[(NodeId, Term, u64); 4]>,
    found: SmallVec<[(NodeId, Found); 8]>,
}

impl Found {
    fn of<L: Log>(server: &Server<L>) -> Self {
        Found {
            term: server.term,
            vote: server.vote,
            leader: server.leader,
            leads: server.role.is_leader(),
            last: server.log.last(),
        }
    }
}

impl Question {
    /// Notes what `voter` can have answered behind `event`.
    fn arrives(&mut self, voter: NodeId, as_found: &Found, event: u64, known: Known) {
        let Known { sticky, forgets } = known;
        if voter == self.asker {
            return;
        }
        let leaderless = as_found.leader.is_none();
        let unsure = as_found.vote.is_none() && !leaderless && !as_found.leads && forgets;
        let free = as_found.vote == Some(self.asker) || as_found.vote.is_none() && leaderless;
        let fits = self.last >= as_found.last;
        let (no, yes) = match as_found.term.cmp(&self.term) {
            std::cmp::Ordering::Less if sticky && as_found.leads => (false, false),
            std::cmp::Ordering::Less => (!fits, fits),
            std::cmp::Ordering::Equal if unsure => (true, fits),
            std::cmp::Ordering::Equal => (!(free && fits), free && fits),
            std::cmp::Ordering::Greater => (true, false),
        };
        if yes && self.yes.iter().all(|(known, _)| *known != voter) {
            self.yes.push((voter, event));
        }
        let term = as_found.term;
        if no
            && self
                .no
                .iter()
                .all(|(known, of, _)| (*known, *of) != (voter, term))
        {
            self.no.push((voter, term, event));
        }
    }
}

impl Questions {
    /// A `Ready` lets out a question of `id`; `others` are the nodes of the run.
    pub(super) fn ask<'a, L: Log + 'a>(
        &mut self,
        id: NodeId,
        Asked { term, last }: Asked,
        others: impl Iterator<Item = &'a Server<L>>,
        event: u64,
        known: Known,
    ) {
        if self.first.iter().all(|(known, ..)| *known != id) {
            self.first.push((id, term, event));
        }
        let is_own = |q: &&Question| q.asker == id && q.term == term;
        if self.open.iter().filter(is_own).any(|q| q.last == last) {
            return;
        }
        if self.open.iter().filter(is_own).count() >= ATTEMPTS
            && let Some(oldest) = self.open.iter().position(|q| is_own(&q))
        {
            self.open.remove(oldest);
        }
        let mut question = Question {
            asker: id,
            term,
            last,
            yes: SmallVec::new(),
            no: SmallVec::new(),
        };
        for other in others {
            question.arrives(other.id, &Found::of(other), event, known);
        }
        self.open.push(question);
    }

    /// Another node has the id from now on.
    pub(super) fn forget(&mut self, id: NodeId) {
        self.open.retain(|q| q.asker != id);
        self.first.retain(|(asker, ..)| *asker != id);
        self.found.retain(|(node, _)| *node != id);
        for question in &mut self.open {
            question.yes.retain(|(voter, _)| *voter != id);
            question.no.retain(|(voter, ..)| *voter != id);
        }
    }

    /// What `voter` is behind `event`.
    pub(super) fn arrive<L: Log>(&mut self, voter: &Server<L>, event: u64, known: Known) {
        if self.open.is_empty() {
            return;
        }
        let now = Found::of(voter);
        match self.found.iter_mut().find(|(id, _)| *id == voter.id) {
            Some((_, known)) if *known == now => return,
            Some((_, known)) => *known = now,
            None => self.found.push((voter.id, now)),
        }
        // What asks about a term that has passed is counted again by who is back
        // in it: a crash may lose some terms.
        let lost = Term(now.term.0.saturating_sub(LOST));
        self.open.retain(|q| q.asker != voter.id || q.term >= lost);
        for question in &mut self.open {
            question.arrives(voter.id, &now, event, known);
        }
    }

    /// Whether `asker`, in `term`, has asked what it may count a yes to.
    pub(super) fn has_asked(&self, asker: NodeId, term: Term) -> bool {
        let mut open = self.open.iter();
        open.any(|q| q.asker == asker && q.term >= term)
    }

    /// The term of a yes of `voter` that `asker`, in `term`, may count: any that it
    /// has not passed, also of before a crash that lost some. `voter` was last
    /// ready at `ready`.
    pub(super) fn yes(&self, asker: NodeId, term: Term, voter: NodeId, ready: u64) -> Option<Term> {
        let counts = |q: &&Question| q.asker == asker && q.term >= term;
        let said = |q: &&Question| {
            let mut yes = q.yes.iter();
            yes.any(|(who, event)| *who == voter && ready > *event)
        };
        let mut said = self.open.iter().filter(counts).filter(said);
        said.next_back().map(|q| q.term)
    }

    /// Whether `asker`, in `term`, may count a no of `voter`, which was last
    /// ready at `ready`; `was_in`: it was ready in that term.
    pub(super) fn no(
        &self,
        asker: NodeId,
        term: Term,
        voter: NodeId,
        ready: u64,
        was_in: bool,
    ) -> bool {
        let of_asker = self.open.iter().filter(|q| q.asker == asker);
        let mut no = of_asker.flat_map(|q| &q.no);
        let said =
            |(who, of, event): &(NodeId, Term, u64)| *who == voter && *of == term && ready > *event;
        // A question about a term that has passed is refused by whoever is in
        // this one, whenever it arrives.
        let passed = |(who, of, event): &(NodeId, Term, u64)| {
            *who == asker && *of < term && was_in && ready > *event
        };
        no.any(said) || self.first.iter().any(passed)
    }
}
