//! A cluster in the following form: it takes the steps that a trace shows, with
//! the same rules that the checker explores, and says no where they do.
//!
//! The follower knows nothing of formats. An adapter tells it what each event
//! did (an [`Input`] at a node, a message that arrived), asks it what the model
//! did with that, and compares.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use plimsoll_model::action::Action;
use plimsoll_model::cluster::boot;
use plimsoll_model::config::{Change, Config};
use plimsoll_model::ids::{Index, NodeId, NodeSet, Position, ReadId, Term};
use plimsoll_model::log::{Batch, Entry, GrowingLog, Log, Payload};
use plimsoll_model::message::{Body, Message, Messages};
use plimsoll_model::refusal::Refusal;
use plimsoll_model::rules::{self, Branch, Input, Outcome};
use plimsoll_model::server::{Role, Server};
use plimsoll_model::settings::{Settings, Storage};

use super::blame::Since;
use super::committed::{Committed, Looked};
use super::flights::Flights;
use super::light::{lighten, without_state};
use super::pattern::Pattern;
use super::tally::Tally;
use crate::verdict::Place;

/// How many moments are kept to show what led to a divergence.
const MOMENTS: usize = 48;

/// What a trace can show of a server, as the model has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scalars {
    /// The term.
    pub term: Term,
    /// The vote.
    pub vote: Option<NodeId>,
    /// The role.
    pub role: RoleKind,
    /// The commit index.
    pub commit: Index,
    /// The applied index.
    pub applied: Index,
    /// The last entry.
    pub last: Position,
    /// The configuration in force.
    pub config: Config,
}

/// A role without what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleKind {
    /// Answers requests.
    Follower,
    /// Asks for votes.
    Candidate,
    /// Replicates its log.
    Leader,
    /// Asks whether it would get votes.
    PreCandidate,
}

impl RoleKind {
    /// The name, as it is printed.
    pub fn name(self) -> &'static str {
        match self {
            RoleKind::Follower => "follower",
            RoleKind::Candidate => "candidate",
            RoleKind::Leader => "leader",
            RoleKind::PreCandidate => "pre-candidate",
        }
    }
}

impl Scalars {
    /// What can be seen of `server`.
    #[inline]
    pub fn of<L: Log>(server: &Server<L>) -> Self {
        Scalars {
            term: server.term,
            vote: server.vote,
            role: match server.role {
                Role::Follower => RoleKind::Follower,
                Role::Candidate { .. } => RoleKind::Candidate,
                Role::Leader { .. } => RoleKind::Leader,
                Role::PreCandidate { .. } => RoleKind::PreCandidate,
            },
            commit: server.commit,
            applied: server.applied,
            last: server.log.last(),
            config: server.config,
        }
    }
}

/// Why an input cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A rule refuses it.
    Refused(Refusal),
    /// Every rule allows it, and yet a property of the cluster breaks.
    Broken {
        /// The property.
        property: &'static str,
        /// The section that states it.
        section: &'static str,
        /// The file that holds it.
        file: &'static str,
        /// The facts.
        why: String,
        /// Where the other half of the contradiction stands.
        other: Option<Place>,
    },
    /// It rests on what was forgotten.
    Forgotten {
        /// On what.
        what: String,
    },
}

/// One action that was followed.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The line that showed it, or that made it necessary.
    pub place: Place,
    /// What happened.
    pub action: Action,
    /// Which way through the rule it took.
    pub outcome: Outcome,
    /// The server before.
    pub before: Scalars,
    /// The server after.
    pub after: Scalars,
    /// What the server said in it.
    pub said: Messages,
    /// Whether no line shows it.
    pub silent: bool,
}

/// A node that is followed.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its model.
    pub server: Server<GrowingLog>,
    /// What it has said and the trace has not shown yet.
    pub said: VecDeque<Message>,
    /// Why the last handler said no, if it did.
    pub reason: Option<Refusal>,
    /// Where each part of its state became what it is.
    pub since: Since,
    /// What the last line of it that was explained left, and where that stands.
    pub agreed: Option<(Place, Scalars)>,
    /// What has left the rules and is held back until [`Follower::let_out`].
    pub held: Vec<Message>,
}

/// A cluster in the following form.
#[derive(Clone, Debug)]
pub struct Follower {
    /// The rule variants in force.
    pub settings: Settings,
    /// What is in flight.
    pub flights: Flights,
    /// How often each kind of action was taken.
    pub actions: Tally<&'static str, u64>,
    /// How often each rule branch fired.
    pub branches: Tally<Branch, u64>,
    /// How often a server went from one role to another.
    pub roles: BTreeMap<(RoleKind, RoleKind), u64>,
    /// Actions that no line shows, by kind.
    pub silent: Tally<&'static str, u64>,
    /// The last actions, oldest first.
    pub moments: VecDeque<Moment>,
    /// The run, when it is kept.
    pub run: Option<Vec<Action>>,
    /// Changes of the configuration that change nothing.
    pub idle: BTreeSet<Position>,
    /// Switches of the implementation: what each is, and how that is known.
    pub switches: Vec<(String, String)>,
    /// Snapshots are kept without the state that they carry:
    /// [`Follower::with_state`] puts it back.
    pub light: bool,
    /// Nobody will ask for the last actions: they are not kept.
    pub untold: bool,
    /// Messages that wait for no write wait for [`Follower::let_out`].
    pub holds_back: bool,
    /// Shared between the copies of a follower until one of them goes on.
    members: Vec<Option<Arc<Member>>>,
    led: BTreeMap<Term, (NodeId, Place)>,
    committed: Committed,
    /// How many leaders, and committed entries with their places, are kept.
    window: Option<usize>,
    /// The highest term whose leader was forgotten.
    led_before: Option<Term>,
    /// Behind which index the run begins: what is committed there nobody saw.
    begins: Index,
    bootstrap: u8,
    voters: Option<u32>,
    writes: u32,
}

impl Follower {
    /// An empty cluster under `settings`; `keep_run` keeps every action.
    pub fn new(settings: Settings, keep_run: bool) -> Self {
        Follower {
            settings,
            flights: Flights::default(),
            actions: Tally::default(),
            branches: Tally::default(),
            roles: BTreeMap::new(),
            silent: Tally::default(),
            moments: VecDeque::with_capacity(MOMENTS),
            run: keep_run.then(Vec::new),
            switches: Vec::new(),
            idle: BTreeSet::new(),
            light: false,
            untold: false,
            holds_back: false,
            members: Vec::new(),
            led: BTreeMap::new(),
            committed: Committed::default(),
            window: None,
            led_before: None,
            begins: Index::ZERO,
            bootstrap: 0,
            voters: None,
            writes: 0,
        }
    }

    /// Keeps of what is decided and of what was sent as much as `window` says:
    /// messages of a link, leaders, committed entries.
    pub fn keep(&mut self, window: usize) {
        self.window = Some(window);
        self.flights.keep(window);
        if let Some(ledger) = &mut self.flights.ledger {
            ledger.keep(window);
        }
    }

    /// Notes that the entry at `position` is a change that changes nothing.
    pub fn note_idle(&mut self, position: Position) {
        self.idle.insert(position);
        if self.window.is_some_and(|window| self.idle.len() > window) {
            self.idle.pop_first();
        }
    }

    /// How much is kept of what grows with the run, by kind.
    pub fn kept(&self) -> Vec<(&'static str, usize)> {
        let entries = self.members().map(|m| m.server.log.kept());
        vec![
            ("messages", self.flights.len()),
            ("entries", entries.sum()),
            ("leaders", self.led.len()),
            ("committed", self.committed.len()),
        ]
    }

    /// A node boots for the first time, in a cluster of `servers` whose logs
    /// start with `bootstrap` configuration entries.
    pub fn boot(&mut self, id: NodeId, servers: usize, bootstrap: u8) {
        self.bootstrap = bootstrap;
        self.voters = u32::try_from(servers).ok();
        let server = boot(id, servers, bootstrap, &self.settings);
        // What is committed from the start nobody commits.
        self.begins = self.begins.max(server.commit);
        self.place_member(id, server);
    }

    /// A node whose state is given in full, as a trace that begins in mid-run
    /// does.
    pub fn place_member(&mut self, id: NodeId, server: Server<GrowingLog>) {
        if self.members.len() <= id.position() {
            self.members.resize(id.position() + 1, None);
        }
        self.members[id.position()] = Some(Arc::new(Member {
            server,
            said: VecDeque::new(),
            reason: None,
            since: Since::default(),
            agreed: None,
            held: Vec::new(),
        }));
    }

    /// The node `id` is gone for good, and its id may be another one's.
    pub fn forget_member(&mut self, id: NodeId) {
        if let Some(member) = self.members.get_mut(id.position()) {
            *member = None;
        }
    }

    /// How many nodes vote at the start, once one has booted.
    pub fn voters(&self) -> Option<u32> {
        self.voters
    }

    /// Puts `entry` in the place of the one at `index` of the same term in every
    /// log: a trace may show what an entry carries after it shows the entry.
    pub fn rewrite(&mut self, index: Index, entry: Entry) {
        for member in self.members.iter_mut().flatten().map(Arc::make_mut) {
            let server = &mut member.server;
            let written = |after: Index, entries: &mut Batch| {
                let at = index.0.checked_sub(after.0 + 1);
                let at = at.and_then(|at| usize::try_from(at).ok());
                if let Some(old) = at.and_then(|at| entries.get_mut(at))
                    && old.term == entry.term
                {
                    *old = entry;
                }
            };
            written(server.durable.shared, &mut server.durable.tail);
            for write in &mut server.queue {
                written(write.keep, &mut write.entries);
            }
            let log = &mut server.log;
            let held = log.held(index);
            if held.is_none_or(|held| held.term != entry.term || held == entry) {
                continue;
            }
            let behind = log.batch(index, usize::MAX);
            let base = log.base();
            log.rebase(Index::ZERO);
            log.truncate(Index(index.0 - 1));
            log.push(entry);
            behind.into_iter().for_each(|entry| log.push(entry));
            log.rebase(base);
        }
    }

    /// `message` with the state that it carries, if it is a snapshot: whoever
    /// has the entry at which it ends has all that comes before.
    pub fn with_state(&self, mut message: Message) -> Message {
        if let (true, Body::InstallSnapshot { last, state, .. }) = (self.light, &mut message.body) {
            let mut members = self.members.iter().flatten();
            let holder = members.find(|m| m.server.log.holds(*last));
            let end = usize::try_from(last.index.0).unwrap_or(usize::MAX);
            let held = holder.map(|m| m.server.log.batch(Index::ZERO, end));
            *state = held.unwrap_or_default();
        }
        message
    }

    /// Corrects the messages that have not left yet.
    pub fn correct_waiting(&mut self, correct: impl Fn(&mut Message)) {
        let corrected = |message: &Message| {
            let mut message = message.clone();
            correct(&mut message);
            message
        };
        for member in self.members.iter_mut().flatten().map(Arc::make_mut) {
            let server = &mut member.server;
            server.outbox = server.outbox.iter().map(corrected).collect();
            for write in &mut server.queue {
                write.waiting = write.waiting.iter().map(corrected).collect();
            }
            member.held.iter_mut().for_each(&correct);
        }
    }

    /// Every log begins with a snapshot that ends at `last`, in `term`.
    pub fn restart_terms(&mut self, last: Index, term: Term) {
        for member in self.members.iter_mut().flatten().map(Arc::make_mut) {
            let log = &mut member.server.log;
            let base = log.base();
            let all: Vec<Entry> = log.behind(Index::ZERO).collect();
            log.rebase(Index::ZERO);
            log.truncate(Index::ZERO);
            for (i, entry) in all.into_iter().enumerate() {
                let term = if (i as u64) < last.0 {
                    term
                } else {
                    entry.term
                };
                log.push(Entry { term, ..entry });
            }
            log.rebase(base);
        }
    }

    /// The writes of `id` behind the first `whole` are one: what is handed out
    /// together survives together.
    pub fn merge_writes(&mut self, id: NodeId, whole: usize) {
        let Some(member) = self.members.get_mut(id.position()).and_then(made) else {
            return;
        };
        let queue = &mut member.server.queue;
        if queue.len() <= whole + 1 {
            return;
        }
        let mut writes = queue.drain(whole..).collect::<Vec<_>>().into_iter();
        let Some(mut one) = writes.next() else {
            return;
        };
        for write in writes {
            match write.keep.0.checked_sub(one.keep.0) {
                Some(kept) => one
                    .entries
                    .truncate(usize::try_from(kept).unwrap_or(usize::MAX)),
                None => {
                    one.keep = write.keep;
                    one.entries.clear();
                }
            }
            one.entries.extend(write.entries);
            (one.term, one.vote) = (write.term, write.vote);
            one.commit = one.commit.max(write.commit);
            one.base = write.base;
            let waiting = one.waiting.iter().chain(write.waiting.iter());
            one.waiting = waiting.cloned().collect();
        }
        queue.push(one);
    }

    /// What `id` has said and what waits for no write leaves; vote requests
    /// too, which do not wait where writes are queued (etcd).
    pub fn let_out(&mut self, id: NodeId) {
        let Some(member) = self.members.get_mut(id.position()).and_then(made) else {
            return;
        };
        self.flights.note(member.held.iter(), true);
        for message in member.held.drain(..) {
            self.flights.send(message);
        }
        let waiting = member.server.queue.iter().flat_map(|w| w.waiting.iter());
        let asks = |m: &&Message| matches!(*m.body.plain(), Body::RequestVote { .. });
        for message in waiting.filter(asks) {
            self.flights.note(std::iter::once(message), true);
            self.flights.send(message.clone());
        }
    }

    /// The run begins behind index `begins`: every log starts with a snapshot
    /// that ends there.
    pub fn begins_behind(&mut self, begins: Index) {
        self.begins = begins;
    }

    /// Applies what `id` has committed up to `to`, but no configuration nor what
    /// stands in [`Follower::idle`]; says
    /// how far that led. Nothing of it can be refused, and nothing shows it.
    pub fn apply_entries(&mut self, id: NodeId, to: Index) -> Index {
        let settings = self.settings;
        let Some(member) = self.members.get_mut(id.position()).and_then(made) else {
            return Index::ZERO;
        };
        let server = &mut member.server;
        let start = server.applied;
        let change = server.log.next_change(start);
        let ahead = self.idle.iter().filter(|at| at.index > start);
        let idle = ahead.filter(|at| server.log.has(**at));
        let stop = change.into_iter().chain(idle.map(|at| at.index)).min();
        let stop = stop.map_or(Index(u64::MAX), |stop| Index(stop.0 - 1));
        let to = to.min(server.commit).min(stop);
        let mut out = Messages::new();
        while server.applied < to {
            // A command changes nothing here but the index: only the last one
            // is looked at, unless the run is kept.
            match &mut self.run {
                Some(run) => run.push(Action::Step {
                    node: id,
                    input: Input::Apply,
                }),
                None => server.applied = Index(to.0 - 1),
            }
            if rules::step(server, &Input::Apply, &settings, &mut out).is_err() {
                break;
            }
        }
        let applied = server.applied;
        let steps = applied.0 - start.0;
        if steps > 0 {
            *self.actions.of("apply") += steps;
            *self.silent.of("apply") += steps;
            *self.branches.of(Branch::Applied) += steps;
        }
        applied
    }

    /// How many bootstrap entries every log starts with.
    pub fn bootstrap_entries(&self) -> u8 {
        self.bootstrap
    }

    /// The node `id`, once it has booted.
    pub fn member(&self, id: NodeId) -> Option<&Member> {
        self.members.get(id.position())?.as_deref()
    }

    /// The node `id`, once it has booted.
    pub fn member_mut(&mut self, id: NodeId) -> Option<&mut Member> {
        made(self.members.get_mut(id.position())?)
    }

    /// A line of `id` has been explained.
    pub fn agree(&mut self, id: NodeId, place: &Place) {
        if let Some(member) = self.member_mut(id) {
            member.agreed = Some((place.clone(), Scalars::of(&member.server)));
        }
    }

    /// Every node that has booted.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().flatten().map(Arc::as_ref)
    }

    /// Who led `term` first, and where that was seen.
    pub fn leader_of(&self, term: Term) -> Option<&(NodeId, Place)> {
        self.led.get(&term)
    }

    /// The number of the next client write.
    pub fn next_write(&self) -> u32 {
        self.writes + 1
    }

    /// A message in flight that fits `pattern`, or one that waits for a write
    /// of its sender.
    pub fn waiting(&self, pattern: &Pattern) -> Option<&Message> {
        let sender = self.member(pattern.from)?;
        sender.server.outbox.iter().find(|m| pattern.matches(m))
    }

    /// Takes one step of one node.
    ///
    /// # Errors
    /// Why the step cannot be taken. A refusal leaves everything as it was; a
    /// broken property does not.
    pub fn step(
        &mut self,
        id: NodeId,
        input: Input,
        place: &Place,
        silent: bool,
    ) -> Result<Outcome, Fault> {
        let settings = self.settings;
        self.step_under(&settings, id, input, place, silent)
    }

    /// Takes one step of one node under `settings`: where a trace shows only
    /// later which rule variant is in force.
    ///
    /// # Errors
    /// See [`Follower::step`].
    pub fn step_under(
        &mut self,
        settings: &Settings,
        id: NodeId,
        input: Input,
        place: &Place,
        silent: bool,
    ) -> Result<Outcome, Fault> {
        let Some(member) = self.members.get_mut(id.position()).and_then(made) else {
            return Err(Fault::Broken {
                property: "a node acts only once it has booted",
                section: "-",
                file: "conformance/src/replay/follow.rs",
                why: format!("{id} has not booted"),
                other: None,
            });
        };
        let before = Scalars::of(&member.server);
        let waiting = member.server.outbox.len();
        let waits = |server: &Server<GrowingLog>| -> usize {
            server.queue.iter().map(|write| write.waiting.len()).sum()
        };
        let queued_before = waits(&member.server);
        let mut released = Messages::new();
        let outcome = rules::step(&mut member.server, &input, settings, &mut released)
            .map_err(Fault::Refused)?;
        if self.light && matches!(input, Input::SendSnapshot { .. }) {
            lighten(&mut member.server, &mut released);
        }
        let after = Scalars::of(&member.server);
        let mut said = Messages::new();
        if !matches!(input, Input::WriteCompleted) {
            // What leaves at once was said in this step; what waited was not.
            said.extend(released.iter().cloned());
            said.extend(member.server.outbox.iter().skip(waiting).cloned());
            let queued = member.server.queue.iter().flat_map(|w| w.waiting.iter());
            said.extend(queued.skip(queued_before).cloned());
        }
        member.said.extend(said.iter().cloned());
        member.reason = outcome.reason;
        member.since.note(&before, &after, place);
        if matches!(input, Input::Restart { .. }) {
            member.held.clear();
        }
        match self.holds_back && !matches!(input, Input::WriteCompleted) {
            true => member.held.extend(released),
            false => {
                // With synchronous storage all leave in the order in which they
                // were said; elsewhere a write may have completed long ago.
                let late = silent && settings.storage != Storage::Sync;
                let exact = !(late && matches!(input, Input::WriteCompleted));
                self.flights.note(released.iter(), exact);
                released.into_iter().for_each(|m| self.flights.send(m));
            }
        }
        if matches!(input, Input::Write { .. }) {
            self.writes += 1;
        }
        let mut action = Action::Step { node: id, input };
        if let (
            true,
            Action::Step {
                input: Input::Receive { message },
                ..
            },
        ) = (self.light && self.run.is_none(), &mut action)
        {
            without_state(message);
        }
        *self.actions.of(action.kind()) += 1;
        *self.branches.of(outcome.branch) += 1;
        if before.role != after.role {
            *self.roles.entry((before.role, after.role)).or_default() += 1;
        }
        if silent {
            *self.silent.of(action.kind()) += 1;
        }
        if let Some(run) = &mut self.run {
            run.push(action.clone());
        }
        if !self.untold {
            self.tell(Moment {
                place: place.clone(),
                action,
                outcome,
                before,
                after,
                said,
                silent,
            });
        }
        self.leads(id, &before, &after, place)?;
        self.commits(id, &before, &after, place)?;
        Ok(outcome)
    }

    fn tell(&mut self, moment: Moment) {
        if self.moments.len() < MOMENTS {
            self.moments.push_back(moment);
            return;
        }
        self.moments.rotate_left(1);
        if let Some(oldest) = self.moments.back_mut() {
            *oldest = moment;
        }
    }

    /// Whether the rules let `id` take `input` now. Nothing changes.
    pub fn may(&self, id: NodeId, input: &Input) -> bool {
        let Some(member) = self.member(id) else {
            return false;
        };
        let mut server = member.server.clone();
        rules::step(&mut server, input, &self.settings, &mut Messages::new()).is_ok()
    }

    /// How many actions were taken, where they are kept.
    pub fn taken(&self) -> usize {
        self.run.as_ref().map_or(0, Vec::len)
    }

    /// The leader `id` released `read`, which was its own to answer, when the
    /// run had `taken` actions: the rules let it then, and nothing since shows
    /// that it was still open.
    pub fn released_earlier(&mut self, id: NodeId, read: ReadId, taken: usize) {
        let input = Input::ReleaseRead { read };
        if let Some(member) = self.member_mut(id)
            && let Role::Leader { reads, .. } = &mut member.server.role
        {
            reads.retain(|open| open.id != read);
        }
        let action = Action::Step { node: id, input };
        *self.actions.of(action.kind()) += 1;
        *self.silent.of(action.kind()) += 1;
        if let Some(run) = &mut self.run {
            run.insert(taken.min(run.len()), action);
        }
    }

    /// Election safety, over the whole run.
    fn leads(
        &mut self,
        id: NodeId,
        before: &Scalars,
        after: &Scalars,
        place: &Place,
    ) -> Result<(), Fault> {
        let became = after.role == RoleKind::Leader
            && (before.role != RoleKind::Leader || before.term != after.term);
        if !became {
            return Ok(());
        }
        if !self.led.contains_key(&after.term) && self.led_before >= Some(after.term) {
            return Err(Fault::Forgotten {
                what: format!("who led term {}", after.term),
            });
        }
        let (first, at) = self
            .led
            .entry(after.term)
            .or_insert_with(|| (id, place.clone()));
        if *first == id {
            if self.window.is_some_and(|window| self.led.len() > window) {
                self.led_before = self.led.pop_first().map(|(term, _)| term);
            }
            return Ok(());
        }
        Err(Fault::Broken {
            property: "election safety",
            section: "§5.2",
            file: "model/src/properties/election_safety.rs",
            why: format!(
                "{first} leads term {} already, and now {id} does",
                after.term
            ),
            other: Some(at.clone()),
        })
    }

    /// State-machine safety, over the whole run: whatever is committed at an
    /// index stays what is committed there.
    fn commits(
        &mut self,
        id: NodeId,
        before: &Scalars,
        after: &Scalars,
        place: &Place,
    ) -> Result<(), Fault> {
        let Some(Some(member)) = self.members.get(id.position()) else {
            return Ok(());
        };
        for index in before.commit.0 + 1..=after.commit.0 {
            // Of what came with a snapshot no term is known.
            let Some(term) = member.server.log.term_at(Index(index)) else {
                continue;
            };
            let Some(at) = (index - 1).checked_sub(self.begins.0) else {
                continue;
            };
            match self.committed.look(at, term) {
                Looked::Same => {}
                Looked::Other(known, other) => {
                    return Err(Fault::Broken {
                        property: "state-machine safety",
                        section: "§5.4.3",
                        file: "model/src/properties/state_machine_safety.rs",
                        why: format!(
                            "{id} commits {index}@{term}, but {index}@{known} is committed"
                        ),
                        other: Some(other),
                    });
                }
                Looked::Next => self.committed.push(term, place, self.window),
                Looked::Forgotten => {
                    return Err(Fault::Forgotten {
                        what: format!("what was committed at index {index}"),
                    });
                }
                // Committed below where the trace begins: nothing to compare.
                Looked::Beyond => {}
            }
        }
        Ok(())
    }
}

/// A member, to be changed.
fn made(member: &mut Option<Arc<Member>>) -> Option<&mut Member> {
    member.as_mut().map(Arc::make_mut)
}

/// A log of `terms`, of which the first `bootstrap` are configurations of
/// `voters`; what the others carry is unknown and stands as a no-op.
pub fn log_of(terms: &[Term], bootstrap: usize, voters: NodeSet) -> GrowingLog {
    let mut log = GrowingLog::empty();
    for (i, &term) in terms.iter().enumerate() {
        let payload = if i < bootstrap {
            Payload::Config {
                change: Change::joins(voters),
            }
        } else {
            Payload::Noop
        };
        log.push(Entry { term, payload });
    }
    log
}
