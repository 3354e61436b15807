//! Expands states on one thread.

use std::ops::Range;

use super::RuleBook;
use super::post::{Letter, Post};
use super::tally::Tally;
use super::turns::{Reach, Turn, Turns, Workshop};
use crate::action;
use crate::bounds::Spent;
use crate::cluster::State;
use crate::engine::space::{Sink, Worker};
use crate::field::{Field, packed};
use crate::ids::NodeId;
use crate::network::{Network, Passage};
use crate::shared::unpack_part;

/// What expands the states of a rule book.
#[derive(Debug)]
pub struct Reader<'s> {
    book: &'s RuleBook,
    turns: Turns,
    post: Post,
    tally: Tally,
    before: Before,
    after: Network<Letter>,
    images: Images,
    out: Vec<u8>,
}

/// The state that is expanded.
#[derive(Debug)]
struct Before {
    ensemble: u32,
    network: Network<Letter>,
    /// Where its flights are in the packed network.
    places: Vec<usize>,
    /// What may arrive next.
    due: Vec<Letter>,
    spent: Spent,
}

/// The packed network of the successor, renamed: the least one so far, and the
/// one that is compared with it.
#[derive(Debug)]
struct Images {
    network: Network<Letter>,
    least: Vec<u8>,
    other: Vec<u8>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(book: &'s RuleBook) -> Self {
        let network = || Network::of(book.scenario.network);
        Reader {
            book,
            turns: Turns::default(),
            post: Post::default(),
            tally: Tally::new(),
            before: Before {
                ensemble: 0,
                network: network(),
                places: Vec::new(),
                due: Vec::new(),
                spent: Spent::default(),
            },
            after: network(),
            images: Images {
                network: network(),
                least: Vec::new(),
                other: Vec::new(),
            },
            out: Vec::new(),
        }
    }

    /// Forgets what is known when it is too much. Numbers mean nothing after
    /// that, so it happens between two expansions.
    fn forget(&mut self) {
        if self.turns.footprint() + self.post.footprint() > self.book.memory_max {
            self.turns = Turns::default();
            self.post = Post::default();
        }
    }

    /// Reads the state that is expanded; gives its packed network and budgets.
    fn open<'p>(&mut self, packed: &'p [u8]) -> Option<(&'p [u8], &'p [u8])> {
        let mut input = packed;
        unpack_part(&mut input).ok()?;
        let before = &mut self.before;
        before.ensemble = self.turns.number(&packed[..packed.len() - input.len()]);
        let network = input;
        let read = |input: &mut &[u8]| self.post.unpack(input);
        let (places, rest) = (&mut before.places, &mut input);
        before.network.unpack_with(rest, places, read).ok()?;
        let spent = input;
        before.spent = Spent::unpack(&mut input).ok()?;
        before.due.clear();
        before.due.extend(before.network.due(&self.post));
        Some((&network[..network.len() - spent.len()], spent))
    }

    fn with_message(&mut self, passage: Passage<'_, Letter>) -> Turn {
        let shop = &mut Workshop {
            scenario: &self.book.scenario,
            post: &mut self.post,
            tally: &mut self.tally,
        };
        self.turns.with_message(self.before.ensemble, passage, shop)
    }

    fn own(&mut self, spent: &[u8]) -> Range<u32> {
        let shop = &mut Workshop {
            scenario: &self.book.scenario,
            post: &mut self.post,
            tally: &mut self.tally,
        };
        self.turns
            .own(self.before.ensemble, &self.before.spent, spent, shop)
    }

    /// Hands on what `turn` leads to: the turn is made whole with what the
    /// action does to network and budgets.
    fn hand(
        &mut self,
        turn: Turn,
        passage: Passage<'_, Letter>,
        (network, spent): (&[u8], &[u8]),
        sink: &mut impl Sink,
    ) {
        let scenario = &self.book.scenario;
        let ensemble = match turn.reach() {
            Reach::Refused => return,
            Reach::Beyond => {
                self.tally.beyond(turn.telling);
                return sink.beyond();
            }
            Reach::Ensemble(ensemble) => ensemble,
        };
        let (before, after) = (&self.before, &mut self.after);
        after.copy_from(&before.network);
        let said = self.turns.said(turn);
        let terms = self.turns.terms(ensemble);
        let rose = terms != self.turns.terms(before.ensemble);
        let terms = |id: NodeId| terms.get(id.position()).copied().unwrap_or_default();
        let possible = after.pass(passage, said, terms, rose, scenario, &self.post);
        debug_assert!(possible, "what is due arrives, is lost and is copied");
        if !after.within(&scenario.bounds) {
            self.tally.beyond(turn.telling);
            return sink.beyond();
        }
        let broken = self.tally.within(turn.telling);
        let out = &mut self.out;
        out.clear();
        let orbit = if self.book.group.len() > 1 {
            renamed(
                ensemble,
                &self.after,
                &self.book.group,
                &mut self.turns,
                &mut self.post,
                &mut self.images,
                out,
            )
        } else {
            out.extend_from_slice(self.turns.bytes(ensemble));
            let write = |letter: &Letter, out: &mut Vec<u8>| self.post.pack(*letter, out);
            after.pack_changed(&before.network, network, &before.places, out, write);
            1
        };
        if turn.budget.is_some() {
            let mut spent = before.spent;
            spent.pay(turn.budget);
            spent.pack(out);
        } else {
            out.extend_from_slice(spent);
        }
        sink.state(out, orbit, broken);
    }
}

/// Packs the least image of an ensemble and a network under `group`, and says
/// how many different images there are.
///
/// Bytes are compared part by part, and no part begins another one. So of all
/// renamings only those matter that give the least ensemble, mostly one.
fn renamed(
    ensemble: u32,
    network: &Network<Letter>,
    group: &[crate::field::Renaming],
    turns: &mut Turns,
    post: &mut Post,
    images: &mut Images,
    out: &mut Vec<u8>,
) -> u32 {
    let image = turns.image(ensemble, group);
    let least = image.least;
    let mut same = 0;
    for &by in &image.by {
        let by = usize::from(by);
        for flight in network.flights() {
            post.rename(flight.message, by, group);
        }
        let name = |letter: &Letter| post.image(*letter, by, group);
        images.network.replace(network, name, post);
        images.other.clear();
        images
            .network
            .pack_with(&mut images.other, |letter, out| post.pack(*letter, out));
        if same == 0 || images.other < images.least {
            std::mem::swap(&mut images.least, &mut images.other);
            same = 1;
        } else if images.other == images.least {
            same += 1;
        }
    }
    out.extend_from_slice(turns.bytes(least));
    out.extend_from_slice(&images.least);
    (group.len() / same) as u32
}

impl Worker for Reader<'_> {
    fn initial(&mut self, sink: &mut impl Sink) {
        let state = State::initial(&self.book.scenario);
        let broken = self.tally.initial(&state, &self.book.scenario);
        // Every renaming of the group leaves it as it is.
        sink.state(&packed(&state), 1, broken);
    }

    fn expand(&mut self, packed: &[u8], sink: &mut impl Sink) {
        self.forget();
        let parts = self
            .open(packed)
            .expect("a packed state that this space has handed out");
        let (scenario, spent) = (&self.book.scenario, self.before.spent);
        let due = std::mem::take(&mut self.before.due);
        let all = |reader: &mut Self, passage: fn(&Letter) -> Passage<'_, Letter>, sink: &mut _| {
            for letter in &due {
                let turn = reader.with_message(passage(letter));
                reader.hand(turn, passage(letter), parts, sink);
            }
        };
        // The order of `action::enabled`.
        all(self, |letter| Passage::Arrives(letter), sink);
        for place in self.own(parts.1) {
            let turn = self.turns.own_turn(place);
            self.hand(turn, Passage::None, parts, sink);
        }
        if action::may_drop(&spent, scenario) {
            all(self, |letter| Passage::Lost(letter), sink);
        }
        if action::may_duplicate(&spent, scenario) {
            all(self, |letter| Passage::Copied(letter), sink);
        }
        self.before.due = due;
    }

    fn counts(&self) -> Vec<u64> {
        self.tally.counts()
    }
}
