//! Servers by number, and rules by heart: the packed server and the input
//! decide what the rule makes of the server, whoever else is in the ensemble.

use super::names::Names;
use crate::cluster::{self, Handled};
use crate::field::{Field, UnpackError};
use crate::log::InlineLog;
use crate::refusal::Refusal;
use crate::rules::Input;
use crate::scenario::Scenario;
use crate::server::Server;
use crate::shared::{Shared, unpack_part};

type Alike = Shared<Server<InlineLog>>;

/// The servers that were met, and what rules made of them.
#[derive(Debug, Default)]
pub(super) struct Servers {
    /// Servers as they are packed in an ensemble, with their lengths.
    names: Names,
    servers: Vec<Alike>,
    /// A server's number followed by an input.
    asked: Names,
    answers: Vec<Result<Handled, Refusal>>,
    packing: Vec<u8>,
}

impl Servers {
    /// Roughly how many bytes of memory this takes.
    pub(super) fn footprint(&self) -> usize {
        self.names.footprint()
            + self.asked.footprint()
            + self.servers.len() * (size_of::<Server<InlineLog>>() + 24)
            + self.answers.capacity() * size_of::<Result<Handled, Refusal>>()
    }

    /// A packed server, and its number.
    pub(super) fn unpack(&mut self, input: &mut &[u8]) -> Result<(u32, Alike), UnpackError> {
        let whole = *input;
        unpack_part(input)?;
        let mut bytes = &whole[..whole.len() - input.len()];
        let (number, new) = self.names.number(bytes);
        if new {
            self.servers.push(Field::unpack(&mut bytes)?);
        }
        Ok((number, self.servers[number as usize].clone()))
    }

    /// What [`cluster::handle`] makes of `server`, which has `number`.
    pub(super) fn handle(
        &mut self,
        number: u32,
        server: &Alike,
        input: &Input,
        scenario: &Scenario,
    ) -> Result<Handled, Refusal> {
        self.packing.clear();
        self.packing.extend_from_slice(&number.to_le_bytes());
        input.pack(&mut self.packing);
        let (asked, new) = self.asked.number(&self.packing);
        if new {
            let answer = cluster::handle(server, input, scenario);
            let answer = answer.map(|handled| Handled {
                after: self.alike(handled.after),
                ..handled
            });
            self.answers.push(answer);
        }
        self.answers[asked as usize].clone()
    }

    /// The server that was met first of those that are equal to `server`.
    fn alike(&mut self, server: Alike) -> Alike {
        self.packing.clear();
        server.pack(&mut self.packing);
        let (number, new) = self.names.number(&self.packing);
        if new {
            self.servers.push(server);
        }
        self.servers[number as usize].clone()
    }
}
