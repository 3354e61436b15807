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

use super::names::Names;
use super::post::{Letter, Post};
use super::tally::{Tally, Telling};
use crate::action::{self, Action};
use crate::bounds::{Budget, Spent};
use crate::cluster::{self, Ensemble};
use crate::field::{Field, Renaming};
use crate::ids::{NodeId, Term};
use crate::log::InlineLog;
use crate::network::{Envelope, Passage};
use crate::scenario::Scenario;

/// A turn that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) to: Reach,
    /// Where in [`Turns::said`] the messages are that left.
    said: (u32, u32),
    /// How the step is told.
    pub(super) telling: u32,
    /// What it costs.
    pub(super) budget: Option<Budget>,
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
    /// The servers' terms.
    terms: Box<[Term]>,
    /// Turns with a message, by [`key`].
    messages: Vec<(u32, Turn)>,
    /// Turns of servers by themselves, none of them refused, for each state of
    /// the budgets.
    own: Vec<(Spent, Box<[Turn]>)>,
    image: Option<Image>,
}

/// The turns of the ensembles that were met.
#[derive(Debug, Default)]
pub(super) struct Turns {
    names: Names,
    known: Vec<Known>,
    said: Vec<Letter>,
    /// What [`Known`] has on the heap.
    heap: usize,
    /// The ensemble unpacked last: turns that are worked out one after the
    /// other mostly begin in the same one.
    open: Option<(u32, Ensemble<InlineLog>)>,
    packing: Vec<u8>,
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
            + self.heap
            + size_of::<Known>() * self.known.capacity()
            + size_of::<Letter>() * self.said.capacity()
    }

    /// The number of a packed ensemble.
    pub(super) fn number(&mut self, bytes: &[u8]) -> u32 {
        let (number, new) = self.names.number(bytes);
        if new {
            let ensemble = unpacked(bytes);
            self.meet(&ensemble);
            self.open = Some((number, ensemble));
        }
        number
    }

    fn enter(&mut self, ensemble: &Ensemble<InlineLog>) -> u32 {
        let mut bytes = std::mem::take(&mut self.packing);
        bytes.clear();
        crate::shared::pack_part(&mut bytes, |out| ensemble.pack(out));
        let (number, new) = self.names.number(&bytes);
        self.packing = bytes;
        if new {
            self.meet(ensemble);
        }
        number
    }

    fn meet(&mut self, ensemble: &Ensemble<InlineLog>) {
        let terms: Box<[Term]> = ensemble.servers.iter().map(|(_, s)| s.term).collect();
        self.heap += 16 + size_of_val(&*terms);
        self.known.push(Known {
            terms,
            ..Known::default()
        });
    }

    /// The packed ensemble.
    pub(super) fn bytes(&self, ensemble: u32) -> &[u8] {
        self.names.get(ensemble)
    }

    /// The terms of the servers.
    pub(super) fn terms(&self, ensemble: u32) -> &[Term] {
        &self.known[ensemble as usize].terms
    }

    /// The term of a server; zero where there is no such server.
    pub(super) fn term(&self, ensemble: u32, id: NodeId) -> Term {
        let terms = &self.known[ensemble as usize].terms;
        terms.get(id.position()).copied().unwrap_or_default()
    }

    /// The messages that leave in `turn`.
    pub(super) fn said(&self, turn: Turn) -> &[Letter] {
        &self.said[turn.said.0 as usize..turn.said.1 as usize]
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
        let before = known.capacity();
        known.push((key, turn));
        self.heap += (known.capacity() - before) * size_of::<(u32, Turn)>();
        turn
    }

    /// How many turns servers may take by themselves, and in which list they
    /// are ([`Turns::own_turn`]).
    pub(super) fn own(
        &mut self,
        ensemble: u32,
        spent: &Spent,
        shop: &mut Workshop<'_>,
    ) -> (usize, usize) {
        let known = &self.known[ensemble as usize].own;
        if let Some(list) = known.iter().position(|(s, _)| s == spent) {
            return (list, known[list].1.len());
        }
        let mut actions = Vec::new();
        let here = self.opened(ensemble);
        action::own(&here, spent, shop.scenario, |node, input| {
            actions.push(Action::Step { node, input });
        });
        self.open = Some((ensemble, here));
        let turns = actions.iter().map(|a| self.work_out(ensemble, a, shop));
        let turns: Vec<Turn> = turns.filter(|turn| turn.to != Reach::Refused).collect();
        let known = &mut self.known[ensemble as usize].own;
        self.heap += size_of::<(Spent, Box<[Turn]>)>() + size_of_val(&turns[..]);
        known.push((*spent, turns.into()));
        let list = known.len() - 1;
        (list, known[list].1.len())
    }

    /// The turn at `place` of such a list.
    pub(super) fn own_turn(&self, ensemble: u32, list: usize, place: usize) -> Turn {
        self.known[ensemble as usize].own[list].1[place]
    }

    fn opened(&mut self, ensemble: u32) -> Ensemble<InlineLog> {
        match self.open.take() {
            Some((number, open)) if number == ensemble => open,
            _ => unpacked(self.names.get(ensemble)),
        }
    }

    fn work_out(&mut self, ensemble: u32, action: &Action, shop: &mut Workshop<'_>) -> Turn {
        let before = self.opened(ensemble);
        let turn = before.turn(action, shop.scenario, cluster::handle);
        let known = match turn {
            Err(_) => Turn {
                to: Reach::Refused,
                said: (0, 0),
                telling: 0,
                budget: None,
            },
            Ok(turn) => {
                let within = turn.after.within(shop.scenario);
                let (to, telling) = if within {
                    let telling = Telling::of(&before, action, &turn, shop.scenario);
                    (Reach::Ensemble(self.enter(&turn.after)), telling)
                } else {
                    (Reach::Beyond, Telling::unjudged(action, &turn))
                };
                let from = self.said.len() as u32;
                let said = turn
                    .released
                    .iter()
                    .map(|message| shop.post.letter(message));
                self.said.extend(said);
                Turn {
                    to,
                    said: (from, self.said.len() as u32),
                    telling: shop.tally.number(telling),
                    budget: action.budget(&shop.scenario.bounds),
                }
            }
        };
        self.open = Some((ensemble, before));
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
                let image = here.rename(renaming);
                crate::shared::pack_part(&mut renamed, |out| image.pack(out));
                if by.is_empty() || renamed < least {
                    std::mem::swap(&mut least, &mut renamed);
                    by.clear();
                    by.push(i as u16);
                } else if renamed == least {
                    by.push(i as u16);
                }
            }
            self.open = Some((ensemble, here));
            let least = self.number(&least);
            self.heap += 2 * by.len() + 16;
            self.known[at].image = Some(Image {
                least,
                by: by.into(),
            });
        }
        self.known[at].image.as_ref().expect("it was set above")
    }
}

fn unpacked(mut bytes: &[u8]) -> Ensemble<InlineLog> {
    let part = crate::shared::unpack_part(&mut bytes);
    let ensemble = part.and_then(|mut part| Ensemble::unpack(&mut part));
    ensemble.expect("an ensemble that this space packed")
}
