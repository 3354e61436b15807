//! Messages by number. A network of numbers is copied, compared and packed
//! without a look at what the messages say.

use std::cmp::Ordering;

use super::names::Names;
use crate::field::{Field, Renaming, UnpackError};
use crate::message::Message;
use crate::network::{Envelope, Label};
use crate::shared::{Shared, unpack_part};

/// A message, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Letter(pub(super) u32);

impl Envelope for Letter {
    type Opener = Post;

    fn open<'o>(&'o self, post: &'o Post) -> &'o Message {
        &post.messages[self.0 as usize]
    }

    fn label(&self, post: &Post) -> Label {
        post.labels[self.0 as usize]
    }

    fn order(&self, other: &Self, post: &Post) -> Ordering {
        if self == other {
            return Ordering::Equal;
        }
        let labels = self.label(post).cmp(&other.label(post));
        labels.then_with(|| self.open(post).body.cmp(&other.open(post).body))
    }
}

/// The numbers of messages.
#[derive(Debug, Default)]
pub(super) struct Post {
    /// Messages as they are packed in a network, with their lengths.
    names: Names,
    messages: Vec<Shared<Message>>,
    /// Their labels, close together.
    labels: Vec<Label>,
    /// The letter `l` renamed by the renaming `r` of a group of `n`, at
    /// `l * n + r`, if anybody has asked for it.
    images: Vec<Option<Letter>>,
    packing: Vec<u8>,
}

impl Post {
    /// Roughly how many bytes of memory this takes.
    pub(super) fn footprint(&self) -> usize {
        const EACH: usize = size_of::<Message>() + size_of::<Label>() + 24;
        self.names.footprint() + self.messages.len() * EACH + 8 * self.images.capacity()
    }

    /// The letter of a packed message.
    pub(super) fn unpack(&mut self, input: &mut &[u8]) -> Result<Letter, UnpackError> {
        let whole = *input;
        unpack_part(input)?;
        let mut bytes = &whole[..whole.len() - input.len()];
        let (number, new) = self.names.number(bytes);
        if new {
            self.know(Field::unpack(&mut bytes)?);
        }
        Ok(Letter(number))
    }

    /// The letter of a message.
    pub(super) fn letter(&mut self, message: &Message) -> Letter {
        self.enter(message.clone().into())
    }

    fn enter(&mut self, message: Shared<Message>) -> Letter {
        self.packing.clear();
        message.pack(&mut self.packing);
        let (number, new) = self.names.number(&self.packing);
        if new {
            self.know(message);
        }
        Letter(number)
    }

    fn know(&mut self, message: Shared<Message>) {
        self.labels.push(Label::of(&message));
        self.messages.push(message);
    }

    /// Appends the packed message.
    pub(super) fn pack(&self, letter: Letter, out: &mut Vec<u8>) {
        out.extend_from_slice(self.names.get(letter.0));
    }

    /// Makes known what `letter` is after the renaming number `by` of `group`.
    pub(super) fn rename(&mut self, letter: Letter, by: usize, group: &[Renaming]) {
        let at = letter.0 as usize * group.len() + by;
        if self.images.len() <= at {
            self.images
                .resize((letter.0 as usize + 1) * group.len(), None);
        }
        if self.images[at].is_none() {
            let renamed = self.messages[letter.0 as usize].rename(&group[by]);
            self.images[at] = Some(self.enter(renamed));
        }
    }

    /// What [`Post::rename`] made known.
    pub(super) fn image(&self, letter: Letter, by: usize, group: &[Renaming]) -> Letter {
        let at = letter.0 as usize * group.len() + by;
        self.images[at].expect("a letter that was renamed before")
    }
}
