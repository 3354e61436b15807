//! The inputs of a run, read and judged as far as they go.
//!
//! Files are read side by side, each as far as the lanes of its nodes are empty,
//! so that a run of any length takes little memory, and nothing is lost of a
//! node whose lane cannot go on. A file may grow: then a lane may be empty and
//! go on later, and whoever waits for its node waits on. When a lane waits for
//! nobody who can go on, nothing will ever come, and its head is judged as it
//! is, which says what nobody sent.
//!
//! A run that is all there and one that grows are judged by the same steps: the
//! first is one whose inputs have ended.

mod vain;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::ahead::{Ahead, Parsers};
use super::feed::{Fed, Feed};
use super::order::{Judging, Reading, Stuck, log_ended, stuck};
use super::{InputError, Stop};
use crate::verdict::Place;

/// How many events are judged between two looks at the clock.
const BREATH: u32 = 256;

/// How many events that were judged are dropped at a time.
const SPENT: usize = 256;

/// How far a run was judged when [`Course::advance`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// There is more to judge.
    More,
    /// Nothing can be judged until a file grows.
    Waits,
    /// Every input has ended, and everything was judged.
    Ended,
    /// A verdict has fallen. What the inputs still hold is read on being asked
    /// to advance further.
    Stopped,
}

/// A node's lines that wait, for which node's message if it is for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The node.
    pub node: String,
    /// Its first line that is not judged.
    pub place: Place,
    /// Whose message it waits for.
    pub awaits: Option<String>,
}

/// The inputs of one run, as far as they were read and judged.
pub struct Course<R: Reading> {
    inputs: Vec<Input<R>>,
    lanes: Vec<Lane<R::Event>>,
    /// In which input each node has its lines.
    homes: HashMap<String, usize>,
    order: Order,
    /// Events that were judged, and who is to drop them.
    spent: Vec<Box<R::Event>>,
    parsers: Option<Arc<Parsers>>,
    /// No input will grow any more.
    closing: bool,
    /// How many events were explained.
    pub consumed: u64,
    /// Why it ended early, if it did.
    pub stop: Option<Stop>,
}

/// What is known of the order of a run's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The lines of the one input are in the order in which they happened, and
    /// none behind this one is judged.
    pub as_read: Option<Option<u64>>,
    /// How many events of a node are judged before it is another one's turn: so
    /// that nobody runs far ahead where what was sent long ago is forgotten.
    pub turn: usize,
    /// How many events of a file are read ahead at the most where one of its
    /// nodes cannot go on, and another one of its nodes may.
    pub ahead: usize,
}

impl Order {
    /// Only each node's own order is known.
    pub const OF_NODES: Order = Order {
        as_read: None,
        turn: usize::MAX,
        ahead: 1 << 16,
    };
}

struct Input<R: Reading> {
    feed: Feed,
    /// The lines of a feed that is all there.
    lines: Option<Ahead<R::Said, R::Parser>>,
    /// Parses those of one that is not.
    parser: R::Parser,
    /// No line was read that is not blank.
    untouched: bool,
    /// Lines that are events.
    events: u64,
    /// Events read and not judged.
    ahead: usize,
    /// Nodes that have events in it.
    nodes: usize,
    /// There is nothing to be read of it now.
    dry: bool,
    /// Why it cannot be read on, which nobody was told.
    failed: Option<InputError>,
}

/// The events of a node that were read and not judged.
struct Lane<E> {
    node: String,
    input: usize,
    heads: VecDeque<(Place, Box<E>)>,
    /// Its last event that was judged.
    last: Option<Place>,
}

/// What the attempt to read an event has brought.
enum Got<E> {
    Event(Place, Box<E>),
    /// A line without an event.
    Line,
    Nothing,
}

impl<R: Reading> Course<R> {
    /// Nothing read yet. `parsers` parse the lines of files that are all there.
    pub fn new(feeds: Vec<Feed>, order: Order, parsers: Option<&Arc<Parsers>>) -> Self {
        let inputs = feeds.into_iter().map(|mut feed| Input {
            lines: feed
                .take_lines()
                .map(|lines| Ahead::new(lines, R::parse, parsers.cloned())),
            parser: R::Parser::default(),
            feed,
            untouched: true,
            events: 0,
            ahead: 0,
            nodes: 0,
            dry: false,
            failed: None,
        });
        Course {
            inputs: inputs.collect(),
            lanes: Vec::new(),
            homes: HashMap::new(),
            order,
            spent: Vec::new(),
            parsers: parsers.cloned(),
            closing: false,
            consumed: 0,
            stop: None,
        }
    }

    /// Says what is known of the order, where only a first line tells.
    pub fn ordered(&mut self, order: Order) {
        self.order = order;
    }

    /// How many inputs there are.
    pub fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// The inputs.
    pub fn feeds(&self) -> impl Iterator<Item = &Feed> {
        self.inputs.iter().map(|input| &input.feed)
    }

    /// How many events were read.
    pub fn events(&self) -> u64 {
        self.inputs.iter().map(|input| input.events).sum()
    }

    /// Takes what the inputs hold now for all that they will ever hold.
    pub fn close(&mut self) {
        self.closing = true;
        self.inputs.iter_mut().for_each(|input| input.feed.close());
    }

    /// Whether there is nothing more to come.
    fn is_over(&self, input: usize) -> bool {
        self.inputs[input].feed.has_ended()
    }

    /// The same run from its beginning, with nothing judged; `None` where the
    /// beginning of an input is gone.
    pub fn again(&self) -> Option<Self> {
        let feeds: Option<Vec<Feed>> = self.feeds().map(Feed::again).collect();
        let mut again = Course::new(feeds?, self.order, None);
        if self.closing {
            again.close();
        }
        Some(again)
    }

    /// Where each node's judgement stands: the last line judged, and how many
    /// wait behind it.
    pub fn positions(&self) -> Vec<(String, Option<Place>, usize)> {
        let lanes = self.lanes.iter();
        lanes
            .map(|lane| (lane.node.clone(), lane.last.clone(), lane.heads.len()))
            .collect()
    }

    /// Whose lines wait.
    pub fn waiting(&self, judge: &impl Judging<Event = R::Event>) -> Vec<Waiting> {
        let waiting = self.lanes.iter().filter_map(|lane| {
            let (place, event) = lane.heads.front()?;
            Some(Waiting {
                node: lane.node.clone(),
                place: place.clone(),
                awaits: judge.waits_for(event).map(str::to_owned),
            })
        });
        waiting.collect()
    }

    /// Reads lines of every input until each has shown an event, or holds none
    /// now; for who learns from the first lines how to judge.
    ///
    /// # Errors
    /// See [`Course::advance`].
    pub fn begin(
        &mut self,
        reading: &mut R,
        node: impl Fn(&R::Event) -> &str,
    ) -> Result<(), InputError> {
        for input in 0..self.inputs.len() {
            while self.inputs[input].events == 0 {
                match self.read(input, reading)? {
                    Got::Event(place, event) => {
                        let name = node(&event).to_owned();
                        self.push(input, &name, place, event)?;
                    }
                    Got::Line => {}
                    Got::Nothing => break,
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, input: usize, reading: &mut R) -> Result<Got<R::Event>, InputError> {
        let from = &mut self.inputs[input];
        if let Some(error) = from.failed.take() {
            return Err(error);
        }
        let next = match &mut from.lines {
            Some(lines) => lines
                .next_line()?
                .map(|(number, said)| (number, said, false)),
            None => {
                let name = Arc::clone(from.feed.name());
                match from.feed.next_line()? {
                    Fed::Line { line, .. } if line.is_blank() => return Ok(Got::Line),
                    Fed::Line { line, rotated } => {
                        let first = std::mem::take(&mut from.untouched);
                        Some((
                            line.number,
                            R::parse(&mut from.parser, &name, line, first)?,
                            rotated,
                        ))
                    }
                    Fed::NotYet | Fed::End => None,
                }
            }
        };
        let Some((number, said, rotated)) = next else {
            if from.lines.is_some() {
                from.feed.end();
            }
            from.dry = true;
            return Ok(Got::Nothing);
        };
        let place = Place {
            path: Arc::clone(from.feed.path()),
            line: number,
            event: from.events,
        };
        let name = from.feed.name();
        Ok(match reading.take(input, name, said, rotated, &place)? {
            Some(event) => {
                from.events += 1;
                Got::Event(place, event)
            }
            None => Got::Line,
        })
    }

    /// Adds an event to its node's lane; says whether the lane is new. Lanes are
    /// kept by name, so that the order of the files does not matter.
    pub(super) fn push(
        &mut self,
        input: usize,
        node: &str,
        place: Place,
        event: Box<R::Event>,
    ) -> Result<bool, InputError> {
        let found = self.lanes.iter().position(|lane| lane.node == node);
        let lane = found.unwrap_or_else(|| {
            let before = self.lanes.partition_point(|lane| *lane.node < *node);
            let new = Lane {
                node: node.to_owned(),
                input,
                heads: VecDeque::new(),
                last: None,
            };
            self.lanes.insert(before, new);
            self.homes.insert(node.to_owned(), input);
            self.inputs[input].nodes += 1;
            before
        });
        let lane = &mut self.lanes[lane];
        if lane.input != input {
            return Err(InputError::Apart {
                path: self.inputs[input].feed.path().to_path_buf(),
                why: format!(
                    "node {node} has lines in {} already",
                    self.inputs[lane.input].feed.path().display()
                ),
            });
        }
        lane.heads.push_back((place, event));
        self.inputs[input].ahead += 1;
        Ok(found.is_none())
    }

    /// Judges on, causes before effects, until nothing more can be judged, a
    /// verdict falls, or it is `until`. After the verdict the rest is only read.
    ///
    /// # Errors
    /// When an input cannot be read on or holds something that is no event.
    pub fn advance<J>(
        &mut self,
        reading: &mut R,
        judge: &mut J,
        until: Option<Instant>,
    ) -> Result<Moved, InputError>
    where
        J: Judging<Event = R::Event>,
    {
        for input in &mut self.inputs {
            input.dry = false;
            input.feed.watch()?;
        }
        if self.stop.is_some() {
            return self.read_out(reading, until);
        }
        match self.order.as_read {
            Some(last) => self.as_read(reading, judge, last, until),
            None => self.in_turn(reading, judge, until),
        }
    }

    /// Reads what the inputs still hold, and judges nothing.
    fn read_out(&mut self, reading: &mut R, until: Option<Instant>) -> Result<Moved, InputError> {
        self.lanes.iter_mut().for_each(|lane| lane.heads.clear());
        let mut breath = 0;
        for input in 0..self.inputs.len() {
            loop {
                if is_time(&mut breath, until) {
                    return Ok(Moved::More);
                }
                match self.read(input, reading)? {
                    Got::Nothing => break,
                    Got::Event(..) | Got::Line => {}
                }
            }
        }
        let over = (0..self.inputs.len()).all(|input| self.is_over(input));
        Ok(if over { Moved::Ended } else { Moved::Waits })
    }

    /// The lines of the one input are in true order.
    fn as_read<J>(
        &mut self,
        reading: &mut R,
        judge: &mut J,
        last: Option<u64>,
        until: Option<Instant>,
    ) -> Result<Moved, InputError>
    where
        J: Judging<Event = R::Event>,
    {
        // What was read to find out about the order.
        while let Some(lane) = self.lanes.first_mut() {
            let Some((place, event)) = lane.heads.pop_front() else {
                break;
            };
            self.inputs[0].ahead = 0;
            if last.is_none_or(|last| place.line <= last) {
                if let Err(stop) = judge.judge(&event, &place) {
                    self.stop = Some(stop);
                    return Ok(Moved::Stopped);
                }
                self.consumed += 1;
                self.note_last(judge.lane(&event), place);
            }
        }
        let mut breath = 0;
        loop {
            if is_time(&mut breath, until) {
                return Ok(Moved::More);
            }
            match self.read(0, reading)? {
                Got::Event(place, event) if last.is_none_or(|last| place.line <= last) => {
                    if let Err(stop) = judge.judge(&event, &place) {
                        self.stop = Some(stop);
                        return Ok(Moved::Stopped);
                    }
                    self.consumed += 1;
                    self.note_last(judge.lane(&event), place);
                    self.spend(event);
                }
                Got::Event(..) | Got::Line => {}
                Got::Nothing if self.is_over(0) => return Ok(Moved::Ended),
                Got::Nothing => return Ok(Moved::Waits),
            }
        }
    }

    /// Drops an event that was judged, sooner or later.
    fn spend(&mut self, event: Box<R::Event>) {
        let Some(parsers) = &self.parsers else {
            return;
        };
        self.spent.push(event);
        if self.spent.len() == SPENT {
            let next = Vec::with_capacity(SPENT);
            parsers.take_back(std::mem::replace(&mut self.spent, next));
        }
    }

    /// The last line of `node` that was judged, in true order, is at `place`.
    fn note_last(&mut self, node: &str, place: Place) {
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.node == node) {
            lane.last = Some(place);
            return;
        }
        self.inputs[0].nodes += 1;
        self.lanes.push(Lane {
            node: node.to_owned(),
            input: 0,
            heads: VecDeque::new(),
            last: Some(place),
        });
    }

    /// Reads until the lane has a head, or its input holds nothing now; `None`
    /// when a node was met meanwhile that was not known.
    fn fill<J>(
        &mut self,
        lane: usize,
        reading: &mut R,
        judge: &J,
    ) -> Result<Option<bool>, InputError>
    where
        J: Judging<Event = R::Event>,
    {
        let input = self.lanes[lane].input;
        while self.lanes[lane].heads.is_empty() {
            if self.inputs[input].dry || self.inputs[input].ahead >= self.order.ahead {
                return Ok(Some(false));
            }
            if self.read_on(input, reading, judge)? {
                return Ok(None);
            }
        }
        Ok(Some(true))
    }

    /// Reads a line; says whether it is of a node that was not known.
    fn read_on<J>(&mut self, input: usize, reading: &mut R, judge: &J) -> Result<bool, InputError>
    where
        J: Judging<Event = R::Event>,
    {
        match self.read(input, reading)? {
            Got::Event(place, event) => {
                let node = judge.lane(&event).to_owned();
                self.push(input, &node, place, event)
            }
            Got::Line | Got::Nothing => Ok(false),
        }
    }

    fn in_turn<J>(
        &mut self,
        reading: &mut R,
        judge: &mut J,
        until: Option<Instant>,
    ) -> Result<Moved, InputError>
    where
        J: Judging<Event = R::Event>,
    {
        let mut breath = 0;
        'turns: loop {
            for input in 0..self.inputs.len() {
                while self.inputs[input].nodes == 0 && !self.inputs[input].dry {
                    self.read_on(input, reading, judge)?;
                }
            }
            let mut moved = false;
            let mut lane = 0;
            while lane < self.lanes.len() {
                let mut taken = 0;
                while taken < self.order.turn {
                    match self.fill(lane, reading, judge)? {
                        // A node was met that may come before it.
                        None => {
                            lane = 0;
                            taken = 0;
                            continue;
                        }
                        Some(false) => break,
                        Some(true) => {}
                    }
                    let Some((_, event)) = self.lanes[lane].heads.front() else {
                        break;
                    };
                    if !judge.is_ready(event) {
                        break;
                    }
                    if !self.judge_head(lane, judge) {
                        return Ok(Moved::Stopped);
                    }
                    (moved, taken) = (true, taken + 1);
                    if is_time(&mut breath, until) {
                        return Ok(Moved::More);
                    }
                }
                lane += 1;
            }
            if moved {
                continue;
            }
            if self.lanes.iter().all(|lane| lane.heads.is_empty()) {
                let over = (0..self.inputs.len()).all(|input| self.is_over(input));
                return Ok(if over { Moved::Ended } else { Moved::Waits });
            }
            // All wait. What one waits for may stand further down in a file of
            // several nodes.
            for input in 0..self.inputs.len() {
                let of = &self.inputs[input];
                if of.nodes > 1 && !of.dry && of.ahead < self.order.ahead {
                    self.read_on(input, reading, judge)?;
                    continue 'turns;
                }
            }
            // Take one whose cause may have left no line. Else either a node's
            // lines have ended too early, or what a head waits for was never
            // sent: judging it as it is says so.
            let lost = self.lost(judge);
            let head = |lane: usize| self.lanes[lane].heads.front();
            let silently =
                |lane: &usize| head(*lane).is_some_and(|(_, event)| judge.is_ready_silently(event));
            // Whoever waits for what was forgotten waits in vain, and so may all
            // others who wait for it: nobody is to blame.
            let in_vain = |lane: &&usize| {
                head(**lane).is_some_and(|(_, event)| judge.may_be_forgotten(event))
            };
            let first = lost.iter().find(in_vain);
            let mut silent: Vec<usize> = lost.iter().copied().filter(silently).collect();
            // What was sent before what may have been.
            let come = |lane: &usize| head(*lane).is_some_and(|(_, event)| judge.has_come(event));
            let mut undecided = false;
            if silent.iter().any(come) {
                silent.retain(come);
                undecided = self.must_wait(&mut silent, judge);
            }
            // Where nobody can tell whether it was sent, all others go first.
            let unlogged =
                |lane: &usize| head(*lane).is_some_and(|(_, event)| judge.may_be_unlogged(event));
            if silent.is_empty() {
                silent.extend(lost.iter().copied().filter(unlogged));
            }
            // No line goes on in the first reading: another one may.
            if silent.is_empty() {
                let otherwise = |lane: &usize| {
                    head(*lane).is_some_and(|(_, event)| judge.is_ready_otherwise(event))
                };
                silent.extend(lost.iter().copied().filter(otherwise));
            }
            let next = match first
                .copied()
                .or_else(|| self.foremost(&silent, &lost, judge))
            {
                Some(next) => next,
                None if lost.is_empty() => match self.hidden(judge) {
                    Some(input) => {
                        self.read_on(input, reading, judge)?;
                        continue;
                    }
                    None => return Ok(Moved::Waits),
                },
                None => {
                    let named = |&lane: &usize| {
                        let awaited = head(lane).and_then(|(_, event)| judge.waits_for(event));
                        (self.lanes[lane].node.as_str(), awaited)
                    };
                    let names: Vec<(&str, Option<&str>)> = lost.iter().map(named).collect();
                    match stuck(&names) {
                        Stuck::Contradiction(circle) => {
                            let circle: Vec<usize> = circle.iter().map(|at| lost[*at]).collect();
                            self.whom_to_blame(&circle, &lost, reading, judge)
                        }
                        Stuck::Ended(at, node) => {
                            // A node that nobody has met may stand anywhere.
                            if !self.homes.contains_key(&node)
                                && let Some(input) = self.unread()
                            {
                                self.read_on(input, reading, judge)?;
                                continue;
                            }
                            let stop = head(lost[at])
                                .map(|(place, _)| log_ended(place, &node, names[at].0));
                            self.stop = stop;
                            return Ok(Moved::Stopped);
                        }
                    }
                }
            };
            if undecided && let Some((_, event)) = self.lanes[next].heads.front() {
                judge.goes_early(event);
            }
            if !self.judge_head(next, judge) {
                return Ok(Moved::Stopped);
            }
        }
    }

    /// Takes from `come`, lanes whose heads could be judged by what has come or
    /// wait for another message like it, those whose heads that does not explain:
    /// they must wait. Says whether several are left, and which goes first is
    /// not known.
    fn must_wait<J: Judging<Event = R::Event>>(&self, come: &mut Vec<usize>, judge: &J) -> bool {
        if come.len() > 1 {
            let head = |lane: &usize| self.lanes[*lane].heads.front();
            let explained = |lane: &usize| {
                head(lane).is_some_and(|(place, event)| judge.explains(event, place))
            };
            if come.iter().any(explained) {
                come.retain(explained);
            }
        }
        come.len() > 1
    }

    /// Of the `silent` among the `lost` lanes one that waits for none of them,
    /// not by way of others either, unless they wait in a circle: what it waits
    /// for will not have changed.
    fn foremost<J: Judging<Event = R::Event>>(
        &self,
        silent: &[usize],
        lost: &[usize],
        judge: &J,
    ) -> Option<usize> {
        let mut found = *silent.first()?;
        let mut at = found;
        for _ in lost {
            let (_, event) = self.lanes[at].heads.front()?;
            let awaited = judge.waits_for(event);
            let next = |lane: &&usize| Some(self.lanes[**lane].node.as_str()) == awaited;
            match lost.iter().find(next) {
                Some(next) => at = *next,
                None => break,
            }
            if silent.contains(&at) {
                found = at;
            }
        }
        Some(found)
    }

    /// An input that holds more now.
    fn unread(&self) -> Option<usize> {
        let more = |input: &Input<R>| !input.dry && input.ahead < self.order.ahead;
        self.inputs.iter().position(more)
    }

    /// An input that holds more now, and in which what a lane waits for may
    /// stand further down.
    fn hidden<J: Judging<Event = R::Event>>(&self, judge: &J) -> Option<usize> {
        let empty = |input: usize| {
            let mut lanes = self.lanes.iter();
            lanes.any(|lane| lane.input == input && lane.heads.is_empty())
        };
        let shared = |&input: &usize| {
            let of = &self.inputs[input];
            of.nodes > 1 && !of.dry && empty(input)
        };
        let unmet = self.lanes.iter().any(|lane| {
            let head = lane.heads.front();
            let awaited = head.and_then(|(_, event)| judge.waits_for(event));
            awaited.is_some_and(|node| !self.homes.contains_key(node))
        });
        let shared = (0..self.inputs.len()).find(shared);
        shared.or_else(|| self.unread().filter(|_| unmet))
    }

    /// Judges the head of a lane; says whether that was no verdict.
    fn judge_head<J: Judging<Event = R::Event>>(&mut self, lane: usize, judge: &mut J) -> bool {
        let lane = &mut self.lanes[lane];
        let Some((place, event)) = lane.heads.pop_front() else {
            return true;
        };
        self.inputs[lane.input].ahead -= 1;
        match judge.judge(&event, &place) {
            Ok(()) => {
                self.consumed += 1;
                lane.last = Some(place);
                self.spend(event);
                true
            }
            Err(stop) => {
                self.stop = Some(stop);
                false
            }
        }
    }

    /// The lanes whose heads wait for nobody who can still go on.
    fn lost<J: Judging<Event = R::Event>>(&self, judge: &J) -> Vec<usize> {
        let grows = |input: usize| !self.is_over(input);
        let any_grows = (0..self.inputs.len()).any(grows);
        // An empty lane goes on when its input grows, and so may a lane that
        // waits for one that goes on.
        let mut hopes: Vec<bool> = self
            .lanes
            .iter()
            .map(|lane| lane.heads.is_empty() && grows(lane.input))
            .collect();
        let unmet = self
            .inputs
            .iter()
            .enumerate()
            .any(|(i, input)| input.nodes == 0 && grows(i));
        loop {
            let mut more = false;
            for (at, lane) in self.lanes.iter().enumerate() {
                let Some((_, event)) = lane.heads.front() else {
                    continue;
                };
                let hope = match judge.waits_for(event) {
                    Some(node) => match self.lanes.iter().position(|lane| lane.node == node) {
                        Some(awaited) => hopes[awaited],
                        None => any_grows,
                    },
                    None => unmet || (0..hopes.len()).any(|other| other != at && hopes[other]),
                };
                if hope && !hopes[at] {
                    (hopes[at], more) = (true, true);
                }
            }
            if !more {
                break;
            }
        }
        let waits = |&at: &usize| !self.lanes[at].heads.is_empty() && !hopes[at];
        (0..self.lanes.len()).filter(waits).collect()
    }
}

/// Whether it is time to come back; looks at the clock now and then.
fn is_time(breath: &mut u32, until: Option<Instant>) -> bool {
    *breath += 1;
    breath.is_multiple_of(BREATH) && until.is_some_and(|until| Instant::now() >= until)
}
