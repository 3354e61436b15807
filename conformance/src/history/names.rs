//! The models that are built in, by name, and which of them a history needs.

use super::{History, Request};

/// A model that is built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ModelName {
    /// Reads and writes.
    Register,
    /// Reads, writes, compare-and-sets.
    CasRegister,
    /// A key-value store: these, and append, delete, ranges, transactions.
    Kv,
    /// First in, first out.
    Queue,
    /// Values, each at most once.
    Set,
    /// A key-value store whose answers carry revisions.
    Etcd,
}

impl ModelName {
    /// Every model.
    pub const ALL: [ModelName; 6] = [
        ModelName::Register,
        ModelName::CasRegister,
        ModelName::Kv,
        ModelName::Queue,
        ModelName::Set,
        ModelName::Etcd,
    ];

    /// The name, as the command takes it.
    pub fn name(self) -> &'static str {
        match self {
            ModelName::Register => "register",
            ModelName::CasRegister => "cas-register",
            ModelName::Kv => "kv",
            ModelName::Queue => "queue",
            ModelName::Set => "set",
            ModelName::Etcd => "etcd",
        }
    }

    /// The model of this name.
    pub fn named(name: &str) -> Option<ModelName> {
        ModelName::ALL.into_iter().find(|m| m.name() == name)
    }

    /// The smallest model that knows every request of a history. None: no one
    /// model does (queues next to registers), or there is no operation.
    pub fn of(history: &History) -> Option<ModelName> {
        if history.operations.is_empty() {
            return None;
        }
        ModelName::ALL
            .into_iter()
            .find(|model| model.misfit(history).is_none())
    }

    /// Where no one model knows all operations of a history: the first that no
    /// model knows together with those before it, and the smallest model of
    /// those; none if it is no operation of any.
    pub fn clash(history: &History) -> Option<(usize, Option<ModelName>)> {
        let misfits = ModelName::ALL.map(|model| (model.misfit(history), model));
        let (first, _) = misfits.into_iter().max_by_key(|(misfit, _)| *misfit)?;
        let first = first.filter(|_| misfits.iter().all(|(misfit, _)| misfit.is_some()))?;
        let mut before = misfits.into_iter();
        let before = before.find(|(misfit, _)| *misfit == Some(first));
        Some((first, before.map(|(_, model)| model).filter(|_| first > 0)))
    }

    /// The first operation that this model does not know, if there is one.
    pub fn misfit(self, history: &History) -> Option<usize> {
        let fits = |o: &super::Operation| {
            self.knows(&o.request) && (o.revision.is_none() || self == ModelName::Etcd)
        };
        history.operations.iter().position(|o| !fits(o))
    }

    pub(crate) fn knows(self, request: &Request) -> bool {
        match request {
            Request::Read { .. } | Request::Write { .. } => {
                !matches!(self, ModelName::Queue | ModelName::Set)
            }
            Request::Cas { .. } => {
                matches!(
                    self,
                    ModelName::CasRegister | ModelName::Kv | ModelName::Etcd
                )
            }
            Request::Append { .. } | Request::Delete { .. } | Request::Range { .. } => {
                matches!(self, ModelName::Kv | ModelName::Etcd)
            }
            Request::Txn(txn) => {
                let all = txn.then.iter().chain(&txn.otherwise);
                matches!(self, ModelName::Kv | ModelName::Etcd)
                    && all
                        .into_iter()
                        .all(|r| !matches!(r, Request::Txn(_)) && self.knows(r))
            }
            Request::Enqueue { .. } | Request::Dequeue { .. } => self == ModelName::Queue,
            Request::Add { .. }
            | Request::Remove { .. }
            | Request::Contains { .. }
            | Request::Members { .. } => self == ModelName::Set,
        }
    }
}
