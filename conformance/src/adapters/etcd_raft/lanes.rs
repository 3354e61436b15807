//! The files of the nodes of one run, read side by side: of each node as much
//! as is judged, so that a run of any length takes little memory.
//!
//! Otherwise as [`crate::replay::order`]: the head of a node's lane is judged as
//! soon as what it waits for is there, and which lane goes first does not change
//! the verdict.

use std::collections::VecDeque;
use std::path::PathBuf;

use plimsoll_trace::Lines;

use super::event::{self, Event};
use super::nid::{ByNid, Nid};
use crate::replay::order::{Judging, Stuck, log_ended, stuck};
use crate::replay::{InputError, Stop, place};
use crate::verdict::Place;

/// A file that is being read.
struct Stream {
    path: PathBuf,
    lines: Lines,
    events: u64,
    done: bool,
}

/// The events of a node that were read and not judged.
struct Lane {
    node: Nid,
    stream: usize,
    heads: VecDeque<(Place, Event)>,
}

/// Every file, and every node met in them so far, by name.
pub(super) struct Lanes {
    streams: Vec<Stream>,
    lanes: Vec<Lane>,
    homes: ByNid<usize>,
}

impl Lanes {
    /// Opens `files`.
    ///
    /// # Errors
    /// When one cannot be read.
    pub(super) fn open(files: &[PathBuf]) -> Result<Self, InputError> {
        let mut streams = Vec::new();
        for path in files {
            streams.push(Stream {
                path: path.clone(),
                lines: Lines::open(path)?,
                events: 0,
                done: false,
            });
        }
        let (lanes, homes) = (Vec::new(), ByNid::default());
        let mut opened = Lanes {
            streams,
            lanes,
            homes,
        };
        for stream in 0..opened.streams.len() {
            opened.read(stream)?;
        }
        Ok(opened)
    }

    /// Reads the next event of a file; says whether there was one.
    fn read(&mut self, stream: usize) -> Result<bool, InputError> {
        let from = &mut self.streams[stream];
        let Some((line, event)) = event::next(&mut from.lines)? else {
            from.done = true;
            return Ok(false);
        };
        let at = place(&from.path, line, from.events);
        from.events += 1;
        let node = event.nid;
        let home = *self.homes.entry(node).or_insert(stream);
        if home != stream {
            let home = self.streams[home].path.display();
            return Err(InputError::Apart {
                path: self.streams[stream].path.clone(),
                why: format!("node {node} has events in {home} already"),
            });
        }
        let found = self.lanes.iter().position(|lane| lane.node == node);
        let lane = found.unwrap_or_else(|| {
            // By name, so that the order of the files does not matter.
            let behind = |lane: &Lane| lane.node.as_str() < node.as_str();
            let before = self.lanes.iter().take_while(|lane| behind(lane)).count();
            let heads = VecDeque::new();
            let new = Lane {
                node,
                stream,
                heads,
            };
            self.lanes.insert(before, new);
            before
        });
        self.lanes[lane].heads.push_back((at, event));
        Ok(true)
    }

    /// Reads until the lane has a head, or its file has ended; says whether it
    /// has one. Lanes may have come before it: then it is asked for anew.
    fn fill(&mut self, lane: usize) -> Result<Option<bool>, InputError> {
        let lanes = self.lanes.len();
        while self.lanes[lane].heads.is_empty() {
            let stream = self.lanes[lane].stream;
            if self.streams[stream].done || !self.read(stream)? {
                return Ok(Some(false));
            }
            if self.lanes.len() != lanes {
                return Ok(None);
            }
        }
        Ok(Some(true))
    }

    /// Judges everything, causes before effects; returns how many events there
    /// were, how many were explained, and why it ended early, if it did. After
    /// the verdict the rest is read still.
    ///
    /// # Errors
    /// When a file cannot be read on or holds something that is no event.
    pub(super) fn judge<J: Judging<Event = Event>>(
        mut self,
        judge: &mut J,
    ) -> Result<(u64, u64, Option<Stop>), InputError> {
        let (consumed, stop) = self.judge_all(judge)?;
        for stream in 0..self.streams.len() {
            while !self.streams[stream].done {
                self.read(stream)?;
                self.lanes.iter_mut().for_each(|lane| lane.heads.clear());
            }
        }
        let events = self.streams.iter().map(|stream| stream.events).sum();
        Ok((events, consumed, stop))
    }

    fn judge_all<J: Judging<Event = Event>>(
        &mut self,
        judge: &mut J,
    ) -> Result<(u64, Option<Stop>), InputError> {
        let mut consumed = 0;
        loop {
            let mut moved = false;
            let mut lane = 0;
            while lane < self.lanes.len() {
                match self.fill(lane)? {
                    // A node was met that comes before it.
                    None => {
                        lane = 0;
                        continue;
                    }
                    Some(false) => {
                        lane += 1;
                        continue;
                    }
                    Some(true) => {}
                }
                let Some((at, event)) = self.lanes[lane].heads.front() else {
                    continue;
                };
                if !judge.is_ready(event) {
                    lane += 1;
                    continue;
                }
                if let Err(stop) = judge.judge(event, at) {
                    return Ok((consumed, Some(stop)));
                }
                self.lanes[lane].heads.pop_front();
                consumed += 1;
                moved = true;
            }
            if moved {
                continue;
            }
            // All wait: take one whose cause may have left no line. Else either a
            // node's lines have ended too early, or what a head waits for was
            // never sent: judging it as it is says so.
            let waiting: Vec<usize> = (0..self.lanes.len())
                .filter(|&lane| !self.lanes[lane].heads.is_empty())
                .collect();
            if waiting.is_empty() {
                return Ok((consumed, None));
            }
            let head = |lane: usize| self.lanes[lane].heads.front();
            let silently = |lane: &&usize| {
                head(**lane).is_some_and(|(_, event)| judge.is_ready_silently(event))
            };
            let next = match waiting.iter().find(silently) {
                Some(next) => *next,
                None => {
                    let named = |&lane: &usize| {
                        let awaited = head(lane).and_then(|(_, event)| judge.waits_for(event));
                        (self.lanes[lane].node.as_str(), awaited)
                    };
                    let names: Vec<(&str, Option<&str>)> = waiting.iter().map(named).collect();
                    match stuck(&names) {
                        Stuck::Contradiction(at) => waiting[at],
                        Stuck::Ended(at, node) => {
                            let stop = head(waiting[at])
                                .map(|(place, _)| log_ended(place, &node, names[at].0));
                            return Ok((consumed, stop));
                        }
                    }
                }
            };
            let next = &mut self.lanes[next];
            if let Some((at, event)) = next.heads.pop_front() {
                if let Err(stop) = judge.judge(&event, &at) {
                    return Ok((consumed, Some(stop)));
                }
                consumed += 1;
            }
        }
    }
}
