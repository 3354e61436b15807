//! What was sent and what arrived, link by link, while a run is followed: from
//! it follows what went wrong ([`super::faults`]).

use std::collections::{BTreeMap, HashMap, VecDeque};

use plimsoll_model::ids::{NodeId, Term};
use plimsoll_model::message::Message;
use plimsoll_model::settings::{Durability, Settings};

use super::faults::{CUT, Crash, Faults, kind_of};

/// Counts what goes wrong while a run is followed.
#[derive(Clone, Debug)]
pub struct Ledger {
    links: HashMap<(NodeId, NodeId), Link>,
    known: Faults,
    /// The kinds of messages that the format shows.
    shows: &'static [&'static str],
    /// Whether answers for what was written leave last of what leaves together.
    pub answers_last: bool,
    /// Whether what leaves now may not have left: a crash has kept what it waits
    /// for, and nobody knows whether the node was told so before.
    pub doubtful: bool,
    /// For how many later ones of its link a message may arrive.
    window: Option<usize>,
}

#[derive(Clone, Debug, Default)]
struct Link {
    /// How many were sent: each has the number of those before it.
    sent: u64,
    /// The number behind the latest that arrived.
    reached: u64,
    /// The same, of those of which it is known when they left.
    passed: u64,
    /// What was sent and has not arrived.
    open: BTreeMap<u64, Open>,
    /// The numbers of those that read the same, ascending.
    alike: HashMap<u64, VecDeque<u64>>,
    /// The numbers of those that have a name.
    named: HashMap<u128, u64>,
    /// Those that left before a line showed that they were queued.
    ahead: HashMap<u64, VecDeque<u64>>,
    /// Those that a line showed and that have not left in the model.
    queued: HashMap<u64, VecDeque<Queued>>,
    /// What [`Link::reached`] was when the receiver restarted.
    restarts: Vec<u64>,
    /// The messages in a row that were given up last: the first, and behind the
    /// last.
    row: (u64, u64),
    /// The last vote request.
    request: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    reads: u64,
    kind: &'static str,
    name: Option<u128>,
    /// Whether it is known when it left.
    exact: bool,
    /// Whether only its arrival shows that it left.
    doubtful: bool,
}

#[derive(Clone, Copy, Debug)]
struct Queued {
    kind: &'static str,
    name: Option<u128>,
    /// Whether it has arrived: the model may take it that a message leaves later
    /// than it did, where an equal one had left before.
    arrived: bool,
}

impl Ledger {
    /// Nothing counted yet, in a format that shows these kinds of messages.
    pub fn new(shows: &'static [&'static str], answers_last: bool, settings: &Settings) -> Self {
        let deferred = settings.durability == Durability::Deferred;
        let possible = Crash::ALL.into_iter();
        let possible = possible.filter(|crash| deferred || *crash == Crash::Durable);
        Ledger {
            links: HashMap::new(),
            known: Faults {
                crashes: possible.map(|crash| (crash, 0)).collect(),
                ..Faults::default()
            },
            shows,
            answers_last,
            doubtful: false,
            window: None,
        }
    }

    /// Gives a message up after `window` later ones of its link.
    pub fn keep(&mut self, window: usize) {
        self.window = Some(window.max(1));
    }

    /// How many messages are kept.
    pub fn len(&self) -> usize {
        self.links.values().map(|link| link.open.len()).sum()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A message leaves, which `reads` so; `exact` where it is known when.
    pub fn sent(&mut self, message: &Message, reads: u64, exact: bool) {
        let kind = kind_of(&message.body);
        if message.from == message.to || !self.shows.contains(&kind) {
            return;
        }
        let link = self.links.entry((message.from, message.to)).or_default();
        if kind == "request-vote" {
            // A candidate asks once; that its request has left may be found
            // more than once.
            if link.request == Some(reads) {
                return;
            }
            link.request = Some(reads);
        }
        let number = link.sent;
        link.sent += 1;
        let doubtful = self.doubtful;
        self.known.messages.entry(kind).or_default().sent += u64::from(!doubtful);
        let queued = popped(&mut link.queued, reads);
        if queued.is_none_or(|queued| !queued.arrived) {
            let name = queued.and_then(|queued| queued.name);
            let open = Open {
                reads,
                kind,
                name,
                exact,
                doubtful,
            };
            link.open.insert(number, open);
            link.alike.entry(reads).or_default().push_back(number);
            if let Some(name) = name {
                link.named.insert(name, number);
            }
            if queued.is_none() {
                link.ahead.entry(reads).or_default().push_back(number);
            }
        }
        let Some(window) = self.window else {
            return;
        };
        while let Some((&oldest, _)) = link.open.first_key_value()
            && oldest + (window as u64) < link.sent
        {
            if let Some(gone) = link.take(oldest) {
                link.give_up(oldest, gone, &mut self.known);
            }
        }
    }

    /// A line shows that a message is queued, and perhaps its name.
    pub fn shown(&mut self, message: &Message, reads: u64, name: Option<u128>) {
        let kind = kind_of(&message.body);
        if message.from == message.to || !self.shows.contains(&kind) {
            return;
        }
        let link = self.links.entry((message.from, message.to)).or_default();
        let Some(number) = popped(&mut link.ahead, reads) else {
            let arrived = false;
            let queued = link.queued.entry(reads).or_default();
            queued.push_back(Queued {
                kind,
                name,
                arrived,
            });
            return;
        };
        if let (Some(name), Some(open)) = (name, link.open.get_mut(&number)) {
            open.name = Some(name);
            link.named.insert(name, number);
        }
    }

    /// What `node` queued in a step, no line shows.
    pub fn unlogged(&mut self, node: NodeId) {
        for link in self.links_from(node) {
            link.ahead.clear();
        }
    }

    /// A line receives a message: the one of that name, if it has one that its
    /// sender's line showed. `now` is the receiver's term.
    pub fn received(&mut self, message: &Message, reads: u64, name: Option<u128>, now: Term) {
        let Some(link) = self.links.get_mut(&(message.from, message.to)) else {
            return;
        };
        let tally = self.known.messages.entry(kind_of(&message.body));
        let tally = tally.or_default();
        tally.received += 1;
        tally.late += u64::from(message.term < now);
        let number = match name {
            Some(name) => link.named.get(&name).copied(),
            None => link.alike.get(&reads).and_then(|alike| {
                // The first that nothing has overtaken, if there is one.
                let behind = alike.partition_point(|number| *number < link.passed);
                alike.get(behind).or(alike.front()).copied()
            }),
        };
        let Some((number, open)) = number.and_then(|n| Some((n, link.take(n)?))) else {
            let queued = link.queued.get_mut(&reads).into_iter().flatten();
            let is = |queued: &&mut Queued| name.is_none() || queued.name == name;
            let mut waiting = queued.filter(|queued| !queued.arrived).filter(is);
            match waiting.next() {
                Some(queued) => queued.arrived = true,
                None => tally.repeated += 1,
            }
            return;
        };
        tally.sent += u64::from(open.doubtful);
        tally.overtaken += u64::from(number < link.passed);
        link.reached = link.reached.max(number + 1);
        if open.exact {
            link.passed = link.passed.max(number + 1);
        }
    }

    /// A node has crashed and restarted.
    pub fn crashed(&mut self, node: NodeId, crash: Crash) {
        *self.known.crashes.entry(crash).or_default() += 1;
        for ((from, _), link) in &mut self.links {
            if *from != node {
                continue;
            }
            // What has not left never does, but for what has arrived already.
            link.note_arrived(&mut self.known);
            link.queued.clear();
            link.ahead.clear();
            link.request = None;
        }
        for ((_, to), link) in &mut self.links {
            if *to == node && link.restarts.last() != Some(&link.reached) {
                link.restarts.push(link.reached);
            }
        }
    }

    fn links_from(&mut self, node: NodeId) -> impl Iterator<Item = &mut Link> {
        let links = self.links.iter_mut();
        links.filter_map(move |((from, _), link)| (*from == node).then_some(link))
    }

    /// Everything that went wrong, if the run ends here.
    pub fn faults(&self) -> Faults {
        let mut faults = self.known.clone();
        for link in self.links.values() {
            link.note_arrived(&mut faults);
            let mut end = Link {
                reached: link.reached,
                row: link.row,
                restarts: link.restarts.clone(),
                ..Link::default()
            };
            for (number, open) in &link.open {
                end.give_up(*number, *open, &mut faults);
            }
            end.end_row(&mut faults);
        }
        faults
    }
}

impl Link {
    /// What has arrived was sent, though it has not left in the model.
    fn note_arrived(&self, faults: &mut Faults) {
        for queued in self.queued.values().flatten().filter(|q| q.arrived) {
            faults.messages.entry(queued.kind).or_default().sent += 1;
        }
    }

    /// Takes out what has the number, if it is there.
    fn take(&mut self, number: u64) -> Option<Open> {
        let open = self.open.remove(&number)?;
        if let Some(name) = open.name {
            self.named.remove(&name);
        }
        remove(&mut self.alike, open.reads, number);
        remove(&mut self.ahead, open.reads, number);
        Some(open)
    }

    /// It does not arrive any more.
    fn give_up(&mut self, number: u64, open: Open, faults: &mut Faults) {
        if open.doubtful {
            return;
        }
        let tally = faults.messages.entry(open.kind).or_default();
        match number < self.reached {
            true => tally.lost += 1,
            false => tally.never_received += 1,
        }
        let (first, behind) = self.row;
        if behind == number && behind > first {
            self.row = (first, number + 1);
            return;
        }
        self.end_row(faults);
        self.row = (number, number + 1);
    }

    fn end_row(&mut self, faults: &mut Faults) {
        let (first, behind) = self.row;
        let restarted = |at: &u64| (first..behind).contains(at);
        let arrived_after = behind < self.reached;
        if behind - first >= CUT && arrived_after && !self.restarts.iter().any(restarted) {
            faults.cut_off += 1;
        }
        self.restarts.retain(|at| *at > behind);
        self.row = (behind, behind);
    }
}

/// Takes `number` out of those at `reads`, which are ascending.
fn remove(all: &mut HashMap<u64, VecDeque<u64>>, reads: u64, number: u64) {
    if let Some(numbers) = all.get_mut(&reads) {
        if let Ok(at) = numbers.binary_search(&number) {
            numbers.remove(at);
        }
        if numbers.is_empty() {
            all.remove(&reads);
        }
    }
}

/// Takes the first of those at `reads`.
fn popped<T>(all: &mut HashMap<u64, VecDeque<T>>, reads: u64) -> Option<T> {
    let queue = all.get_mut(&reads)?;
    let first = queue.pop_front();
    if queue.is_empty() {
        all.remove(&reads);
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::faults::KINDS;
    use plimsoll_model::ids::Index;
    use plimsoll_model::message::Body;
    use plimsoll_model::settings::Dialect;

    fn heartbeat(commit: u64) -> Message {
        Message {
            from: NodeId::from_position(0),
            to: NodeId::from_position(1),
            term: Term(1),
            body: Body::Heartbeat {
                commit: Index(commit),
                context: None,
                round: None,
            },
        }
    }

    fn ledger() -> Ledger {
        let settings = Dialect::Etcd.settings(Durability::Deferred);
        Ledger::new(&KINDS, false, &settings)
    }

    fn counts(ledger: &Ledger) -> [u64; 6] {
        let tally = ledger.faults().messages["heartbeat"];
        [
            tally.sent,
            tally.received,
            tally.lost,
            tally.never_received,
            tally.repeated,
            tally.overtaken,
        ]
    }

    #[test]
    fn no_more_is_kept_than_the_window_says() {
        let mut ledger = ledger();
        ledger.keep(16);
        for commit in 0..1000 {
            ledger.sent(&heartbeat(commit % 10), commit % 10, true);
        }
        assert_eq!(ledger.len(), 16);
        let link = ledger.links.values().next().expect("a link");
        let alike: usize = link.alike.values().map(VecDeque::len).sum();
        let ahead: usize = link.ahead.values().map(VecDeque::len).sum();
        assert_eq!((alike, ahead, link.named.len()), (16, 16, 0));
        assert_eq!(counts(&ledger), [1000, 0, 0, 1000, 0, 0]);
        // Of the 16 that are known still the last two that read so arrive, and the
        // others are lost.
        ledger.received(&heartbeat(9), 9, None, Term(1));
        ledger.received(&heartbeat(9), 9, None, Term(1));
        assert_eq!(counts(&ledger), [1000, 2, 14, 984, 0, 0]);
    }

    #[test]
    fn what_arrives_is_taken_for_the_copy_that_makes_least_of_it() {
        let mut ledger = ledger();
        for commit in [1, 2, 1, 1] {
            ledger.sent(&heartbeat(commit), commit, true);
        }
        for commit in [2, 1, 1, 1, 1] {
            ledger.received(&heartbeat(commit), commit, None, Term(1));
        }
        // The first of the three equal ones must have been overtaken.
        assert_eq!(counts(&ledger), [4, 5, 0, 0, 1, 1]);
    }

    #[test]
    fn a_name_tells_equal_messages_apart() {
        let mut ledger = ledger();
        for name in 1..=3 {
            // Shown before it leaves, and after.
            let shown = |ledger: &mut Ledger| ledger.shown(&heartbeat(1), 1, Some(name));
            if name == 2 {
                shown(&mut ledger);
            }
            ledger.sent(&heartbeat(1), 1, true);
            if name != 2 {
                shown(&mut ledger);
            }
        }
        for name in [3, 1, 3] {
            ledger.received(&heartbeat(1), 1, Some(name), Term(1));
        }
        assert_eq!(counts(&ledger), [3, 3, 1, 0, 1, 1]);
    }

    #[test]
    fn a_link_is_cut_off_where_nobody_restarted() {
        for (row, restarts, cut) in [(8, false, 1), (7, false, 0), (8, true, 0)] {
            let mut ledger = ledger();
            for number in 0..row + 2 {
                ledger.sent(&heartbeat(number), number, true);
            }
            ledger.received(&heartbeat(0), 0, None, Term(1));
            if restarts {
                ledger.crashed(NodeId::from_position(1), Crash::Durable);
            }
            ledger.received(&heartbeat(row + 1), row + 1, None, Term(1));
            assert_eq!(ledger.faults().cut_off, cut, "{row} {restarts}");
        }
    }
}
