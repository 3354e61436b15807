//! Turns by heart: what an action makes of an ensemble, worked out once.
//!
//! A rule sees one server, the ghost and the properties see the ensemble, and
//! nothing of a turn sees the network or the budgets: the types say so
//! ([`Ensemble::turn`], [`StepView`](crate::properties::StepView)). So the
//! packed ensemble and the action decide all of it, successor, messages said,
//! branch and findings, and what was worked out for one state holds for every
//! other that differs in network and budgets alone. There are many of those: a
//! search meets each turn some ten to a hundred times.
//!
//! The same way one level down: the packed server and the input decide what
//! the rule makes of the server, whoever else is in the ensemble.

use std::ops::Range;

use smallvec::SmallVec;

use super::names::Names;
use super::post::{Letter, Post};
use super::servers::Servers;
use super::tally::{Tally, Telling};
use crate::action::{self, Action};
use crate::bounds::{Budget, Spent};
use crate::cluster::Ensemble;
use crate::field::{Field, Renaming};
use crate::ids::Term;
use crate::log::InlineLog;
use crate::network::{Envelope, Passage};
use crate::scenario::Scenario;
use crate::server::PerServer;
use crate::shared::{pack_part, unpack_part};

/// A turn that is known. There are many, so they are small.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// The ensemble that it leads to, or one of the two constants.
    to: u32,
    /// Where in [`Turns::said`] the messages begin that left, and how many.
    said: u32,
    count: u16,
    /// What it costs.
    pub(super) budget: Option<Budget>,
    /// How the step is told.
    pub(super) telling: u32,
}

const BEYOND: u32 = u32::MAX;
const REFUSED: u32 = u32::MAX - 1;

impl Turn {
    /// Where it leads.
    pub(super) fn reach(self) -> Reach {
        match self.to {
            BEYOND => Reach::Beyond,
            REFUSED => Reach::Refused,
            ensemble => Reach::Ensemble(ensemble),
        }
    }
}

/// Where a turn leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// To the ensemble of this number.
    Ensemble(u32),
    /// Out of bounds, whatever the network.
    Beyond,
    /// Nowhere: the rule refuses.
    Refused,
}

/// The least of the images of an ensemble under a group.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// The least one.
    pub(super) least: u32,
    /// The places of the renamings that give it.
    pub(super) by: Box<[u16]>,
}

/// What is known of one ensemble.
#[derive(Debug, Default)]
struct Known {
    /// Turns with a message, by [`key`].
    messages: Vec<(u32, Turn)>,
    /// Where in [`Turns::own`] the turns are that servers take by themselves,
    /// for each state of the budgets.
    own: SmallVec<[Own; 1]>,
    image: Option<Box<Image>>,
}

/// The turns of servers by themselves, by the number of what is spent.
#[derive(Clone, Copy, Debug)]
struct Own {
    spent: u32,
    from: u32,
    to: u32,
}

/// The turns of the ensembles that were met.
#[derive(Debug, Default)]
pub(super) struct Turns {
    names: Names,
    known: Vec<Known>,
    /// The terms of the servers of one ensemble after the other.
    terms: Vec<Term>,
    own: Vec<Turn>,
    /// What was spent, packed.
    spent: Names,
    said: Vec<Letter>,
    /// What [`Known`] has on the heap.
    heap: usize,
    /// The ensemble unpacked last: turns that are worked out one after the
    /// other mostly begin in the same one.
    open: Option<Open>,
    servers: Servers,
    packing: Vec<u8>,
}

/// An ensemble, unpacked.
#[derive(Debug)]
struct Open {
    number: u32,
    ensemble: Ensemble<InlineLog>,
    /// The numbers of its servers.
    servers: PerServer<u32>,
}

/// What a turn is worked out with.
pub(super) struct Workshop<'w> {
    pub(super) scenario: &'w Scenario,
    pub(super) post: &'w mut Post,
    pub(super) tally: &'w mut Tally,
}

/// What happens with which message, in one number.
fn key(passage: Passage<'_, Letter>) -> u32 {
    match passage {
        Passage::Arrives(letter) => 3 * letter.0,
        Passage::Lost(letter) => 3 * letter.0 + 1,
        Passage::Copied(letter) => 3 * letter.0 + 2,
        Passage::None => unreachable!("what servers do by themselves is listed apart"),
    }
}

fn action_of(passage: Passage<'_, Letter>, post: &Post) -> Action {
    match passage {
        Passage::Arrives(letter) => action::received(letter.open(post)),
        Passage::Lost(letter) => action::lost(letter.open(post)),
        Passage::Copied(letter) => action::copied(letter.open(post)),
        Passage::None => unreachable!("what servers do by themselves is listed apart"),
    }
}

impl Turns {
    /// Roughly how many bytes of memory this takes.
    pub(super) fn footprint(&self) -> usize {
        self.names.footprint()
            + self.servers.footprint()
            + self.heap
            + size_of::<Known>() * self.known.capacity()
            + size_of::<Term>() * self.terms.capacity()
            + size_of::<Turn>() * self.own.capacity()
            + size_of::<Letter>() * self.said.capacity()
    }

    /// The number of a packed ensemble.
    pub(super) fn number(&mut self, bytes: &[u8]) -> u32 {
        let (number, new) = self.names.number(bytes);
        if new {
            let open = self.opened(number);
            self.meet(&open.ensemble);
            self.open = Some(open);
        }
        number
    }

    fn enter(&mut self, ensemble: &Ensemble<InlineLog>) -> u32 {
        let mut bytes = std::mem::take(&mut self.packing);
        bytes.clear();
        pack_part(&mut bytes, |out| ensemble.pack(out));
        let (number, new) = self.names.number(&bytes);
        self.packing = bytes;
        if new {
            self.meet(ensemble);
        }
        number
    }

    fn meet(&mut self, ensemble: &Ensemble<InlineLog>) {
        self.terms
            .extend(ensemble.servers.iter().map(|(_, s)| s.term));
        self.known.push(Known::default());
    }

    /// The packed ensemble.
    pub(super) fn bytes(&self, ensemble: u32) -> &[u8] {
        self.names.get(ensemble)
    }

    /// The terms of the servers.
    pub(super) fn terms(&self, ensemble: u32) -> &[Term] {
        let servers = self.terms.len() / self.known.len();
        &self.terms[ensemble as usize * servers..][..servers]
    }

    /// The messages that leave in `turn`.
    pub(super) fn said(&self, turn: Turn) -> &[Letter] {
        &self.said[turn.said as usize..][..usize::from(turn.count)]
    }

    /// The turn that `ensemble` takes with a message.
    pub(super) fn with_message(
        &mut self,
        ensemble: u32,
        passage: Passage<'_, Letter>,
        shop: &mut Workshop<'_>,
    ) -> Turn {
        let key = key(passage);
        let known = &self.known[ensemble as usize].messages;
        if let Some((_, turn)) = known.iter().find(|(k, _)| *k == key) {
            return *turn;
        }
        let turn = self.work_out(ensemble, &action_of(passage, shop.post), shop);
        let known = &mut self.known[ensemble as usize].messages;
        if known.len() == known.capacity() {
            known.reserve_exact(4);
            self.heap += 4 * size_of::<(u32, Turn)>();
        }
        known.push((key, turn));
        turn
    }

    /// The places of the turns that servers may take by themselves, none of
    /// them refused ([`Turns::own_turn`]). `packed` is `spent`, packed.
    pub(super) fn own(
        &mut self,
        ensemble: u32,
        spent: &Spent,
        packed: &[u8],
        shop: &mut Workshop<'_>,
    ) -> Range<u32> {
        let (number, _) = self.spent.number(packed);
        let mut known = self.known[ensemble as usize].own.iter();
        if let Some(own) = known.find(|own| own.spent == number) {
            return own.from..own.to;
        }
        let mut actions = Vec::new();
        let here = self.opened(ensemble);
        action::own(&here.ensemble, spent, shop.scenario, |node, input| {
            actions.push(Action::Step { node, input });
        });
        self.open = Some(here);
        let from = self.own.len() as u32;
        for action in &actions {
            let turn = self.work_out(ensemble, action, shop);
            if turn.to != REFUSED {
                self.own.push(turn);
            }
        }
        let to = self.own.len() as u32;
        let known = &mut self.known[ensemble as usize].own;
        if known.len() == known.capacity() {
            self.heap += known.len() * size_of::<Own>() + 16;
        }
        known.push(Own {
            spent: number,
            from,
            to,
        });
        from..to
    }

    /// The turn at such a place.
    pub(super) fn own_turn(&self, place: u32) -> Turn {
        self.own[place as usize]
    }

    fn opened(&mut self, number: u32) -> Open {
        match self.open.take() {
            Some(open) if open.number == number => open,
            _ => {
                let mut numbers = PerServer::default();
                let mut read = |input: &mut &[u8]| {
                    let (number, server) = self.servers.unpack(input)?;
                    numbers.0.push(number);
                    Ok(server)
                };
                let part = unpack_part(&mut self.names.get(number));
                let ensemble =
                    part.and_then(|mut part| Ensemble::unpack_with(&mut part, &mut read));
                Open {
                    number,
                    ensemble: ensemble.expect("an ensemble that this space packed"),
                    servers: numbers,
                }
            }
        }
    }

    fn work_out(&mut self, ensemble: u32, action: &Action, shop: &mut Workshop<'_>) -> Turn {
        let open = self.opened(ensemble);
        let before = &open.ensemble;
        let turn = before.turn(action, shop.scenario, |node, input, scenario| {
            let server = &before.servers[node];
            self.servers
                .handle(open.servers[node], server, input, scenario)
        });
        let known = match turn {
            Err(_) => Turn {
                to: REFUSED,
                said: 0,
                count: 0,
                budget: None,
                telling: 0,
            },
            Ok(turn) => {
                let within = turn.after.within(shop.scenario);
                let (to, telling) = if within {
                    let telling = Telling::of(before, action, &turn, shop.scenario);
                    (self.enter(&turn.after), telling)
                } else {
                    (BEYOND, Telling::unjudged(action, &turn))
                };
                let said = self.said.len() as u32;
                let letters = turn
                    .released
                    .iter()
                    .map(|message| shop.post.letter(message));
                self.said.extend(letters);
                Turn {
                    to,
                    said,
                    count: turn.released.len() as u16,
                    budget: action.budget(&shop.scenario.bounds),
                    telling: shop.tally.number(telling),
                }
            }
        };
        self.open = Some(open);
        known
    }

    /// The least image of `ensemble` under `group`.
    pub(super) fn image(&mut self, ensemble: u32, group: &[Renaming]) -> &Image {
        let at = ensemble as usize;
        if self.known[at].image.is_none() {
            let here = self.opened(ensemble);
            let mut least: Vec<u8> = Vec::new();
            let mut renamed = Vec::new();
            let mut by = Vec::new();
            for (i, renaming) in group.iter().enumerate() {
                renamed.clear();
                let image = here.ensemble.rename(renaming);
                pack_part(&mut renamed, |out| image.pack(out));
                if by.is_empty() || renamed < least {
                    std::mem::swap(&mut least, &mut renamed);
                    by.clear();
                    by.push(i as u16);
                } else if renamed == least {
                    by.push(i as u16);
                }
            }
            self.open = Some(here);
            let least = self.number(&least);
            self.heap += size_of::<Image>() + 2 * by.len() + 32;
            self.known[at].image = Some(Box::new(Image {
                least,
                by: by.into(),
            }));
        }
        self.known[at].image.as_ref().expect("it was set above")
    }
}
