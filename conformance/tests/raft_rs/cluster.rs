//! The cluster: a network that loses, repeats, delays and reorders, partitions,
//! crashes, clients, operators; all decided by a seed.

mod clients;

use std::collections::VecDeque;
use std::path::Path;

use plimsoll_trace::{Durability, Header, Order, PerNodeWriter, TraceWriter};
use raft::prelude::*;

use crate::dice::Dice;
use crate::node::Node;
use crate::plan::Plan;
use crate::record::{self, name};

/// A message on its way.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// As the trace has it; nothing for what is no message of Raft.
    pub(crate) shown: Option<plimsoll_trace::Message>,
    pub(crate) message: Message,
    /// The write that it did not wait for, by a planted bug.
    pub(crate) early: Option<(usize, u64)>,
}

/// All that servers share.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) seed: u64,
    pub(crate) dice: Dice,
    /// The line of the file that shows a planted bug first; the header is line 1.
    pub(crate) planted: Option<u64>,
    lines: Vec<plimsoll_trace::Step>,
    flights: VecDeque<Envelope>,
    ids: u64,
    ops: u64,
}

impl World {
    pub(crate) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    pub(crate) fn new_op(&mut self, kind: &str) -> String {
        self.ops += 1;
        format!("{kind}{}", self.ops)
    }

    pub(crate) fn write(&mut self, line: plimsoll_trace::Step) {
        self.lines.push(line);
    }

    pub(crate) fn send(&mut self, envelope: Envelope) {
        self.flights.push_back(envelope);
    }

    /// Whether a message that reads the same was sent before: then that one may
    /// be what arrives.
    fn said_before(&self, envelope: &Envelope) -> bool {
        let Some(shown) = &envelope.shown else {
            return false;
        };
        let sent = self
            .lines
            .iter()
            .flat_map(|line| line.send.iter().flatten());
        let mut others = sent.filter(|sent| sent.id != shown.id);
        others.any(|sent| {
            (&sent.body, sent.term, &sent.from, &sent.to)
                == (&shown.body, shown.term, &shown.from, &shown.to)
        })
    }

    /// The next line is the first that shows the planted bug.
    pub(crate) fn plant(&mut self) {
        let line = self.lines.len() as u64 + 2;
        self.planted.get_or_insert(line);
    }
}

/// A run that was recorded.
pub(crate) struct Recorded {
    pub(crate) header: Header,
    pub(crate) lines: Vec<plimsoll_trace::Step>,
    /// The line that shows the planted bug first.
    pub(crate) planted: Option<u64>,
}

impl Recorded {
    /// Writes all servers to one file, in the order in which it happened.
    pub(crate) fn write_whole(&self, file: &Path) {
        let header = self.header.clone().with_order(Order::File);
        let mut writer = TraceWriter::create(file, &header).expect("a file");
        for line in &self.lines {
            writer.write(line).expect("a line that fits");
        }
        writer.finish().expect("a file");
    }

    /// Writes a file for each server.
    pub(crate) fn write_split(&self, folder: &Path) -> Vec<std::path::PathBuf> {
        let mut writer = PerNodeWriter::create(folder, &self.header).expect("a folder");
        for line in &self.lines {
            writer.write(line).expect("a line that fits");
        }
        writer.finish().expect("files")
    }
}

struct Cluster {
    world: World,
    nodes: Vec<Node>,
    /// Which side of a partition each server is on.
    sides: Vec<bool>,
}

/// Runs `plan`.
pub(crate) fn run(plan: &Plan, seed: u64) -> Recorded {
    let nodes = (1..=plan.servers).map(name);
    let header = Header::new("raft-rs 0.7 in a harness", nodes)
        .with_run(format!("{} {seed}", plan.name))
        .with_config(plimsoll_trace::Config::of_voters(
            (1..=plan.voters).map(name),
        ))
        .with_settings("raft-rs")
        .with_features(plan.features())
        .with_storage(plan.storage)
        .with_durability(Durability::Deferred);
    let mut cluster = Cluster {
        world: World {
            plan: plan.clone(),
            seed,
            dice: Dice::new(seed),
            planted: None,
            lines: Vec::new(),
            flights: VecDeque::new(),
            ids: 0,
            ops: 0,
        },
        nodes: (1..=plan.servers).map(|id| Node::new(id, plan)).collect(),
        sides: vec![false; plan.servers as usize],
    };
    for node in &mut cluster.nodes {
        node.start(&mut cluster.world);
    }
    for _ in 0..plan.events {
        cluster.event();
        // What a planted bug does next is of no interest.
        if cluster.world.planted.is_some() {
            break;
        }
    }
    Recorded {
        header: record::declared(header),
        lines: cluster.world.lines,
        planted: cluster.world.planted,
    }
}

impl Cluster {
    /// Something happens.
    fn event(&mut self) {
        let plan = &self.world.plan;
        let rare = self.world.dice.below(1000);
        match rare {
            0..2 if plan.partitions => {
                let sides = self.sides.iter_mut();
                sides.for_each(|side| *side = self.world.dice.chance(40));
                return;
            }
            2..8 if plan.partitions => return self.sides.fill(false),
            8..11 if plan.crashes => return self.crash(),
            11..21 => return self.restart(),
            21..26 if plan.compacts => return self.at(|node, world| node.compact(world)),
            26..31 if plan.transfers => return self.transfer(),
            31..46 if plan.changes() => return self.change(),
            46..56 if plan.reads => return self.read(),
            56..96 if plan.writes => return self.write(),
            _ => {}
        }
        match self.world.dice.below(10) {
            0..2 => self.at(|node, world| node.tick(world)),
            2..4 => self.at(|node, world| {
                if node.has_due() {
                    node.apply(world);
                }
            }),
            4..6 => self.at(|node, world| {
                if node.has_write() {
                    let writes = 1 + world.dice.below(2);
                    node.persist(world, writes);
                }
            }),
            _ => self.deliver(),
        }
    }

    /// Something happens at a server that is up.
    fn at(&mut self, happens: impl FnOnce(&mut Node, &mut World)) {
        let up: Vec<usize> = (0..self.nodes.len())
            .filter(|&at| self.nodes[at].raw.is_some())
            .collect();
        if let Some(at) = self.world.dice.one(&up) {
            happens(&mut self.nodes[at], &mut self.world);
        }
    }

    fn leader(&mut self) -> Option<usize> {
        let leading: Vec<usize> = (0..self.nodes.len())
            .filter(|&at| self.nodes[at].leads())
            .collect();
        self.world.dice.one(&leading)
    }

    /// A message arrives: mostly one of the oldest, sometimes any; it may be
    /// lost, and it may arrive again.
    fn deliver(&mut self) {
        let flights = self.world.flights.len();
        let near = if self.world.dice.chance(80) {
            4
        } else {
            flights
        };
        let at = self.world.dice.below(flights.min(near));
        let Some(envelope) = self.world.flights.remove(at) else {
            return;
        };
        let side = |id: u64| self.sides[(id - 1) as usize];
        if side(envelope.from) != side(envelope.to) || self.world.dice.chance(4) {
            return self.lost(&envelope);
        }
        // A proposal is not Raft's to repeat: its client would see two.
        if envelope.shown.is_some() && self.world.dice.chance(4) {
            self.world.flights.push_back(envelope.clone());
        }
        if let Some(write) = envelope.early {
            let sender = &self.nodes[(envelope.from - 1) as usize];
            let durable = sender.disk.is_durable(write, sender.raw.is_some());
            if !durable && self.nodes[(envelope.to - 1) as usize].raw.is_some() {
                // What reads the same and was sent before may be what arrives: then
                // nobody could tell.
                if self.world.said_before(&envelope) {
                    return;
                }
                self.world.plant();
            }
        }
        let is_snapshot = envelope.message.get_msg_type() == MessageType::MsgSnapshot;
        if is_snapshot {
            self.report(&envelope, SnapshotStatus::Finish);
        }
        let to = &mut self.nodes[(envelope.to - 1) as usize];
        if to.raw.is_some() {
            to.receive(&mut self.world, envelope);
        }
    }

    /// The transport says that a message is lost: sometimes it knows.
    fn lost(&mut self, envelope: &Envelope) {
        if envelope.message.get_msg_type() == MessageType::MsgSnapshot {
            return self.report(envelope, SnapshotStatus::Failure);
        }
        let from = &mut self.nodes[(envelope.from - 1) as usize];
        if let Some(raw) = from.raw.as_mut().filter(|_| self.world.dice.chance(50)) {
            raw.report_unreachable(envelope.to);
        }
    }

    fn report(&mut self, envelope: &Envelope, status: SnapshotStatus) {
        let from = &mut self.nodes[(envelope.from - 1) as usize];
        if let Some(raw) = from.raw.as_mut() {
            raw.report_snapshot(envelope.to, status);
        }
    }

    fn crash(&mut self) {
        self.at(|node, world| node.crash(world));
    }

    fn restart(&mut self) {
        let down: Vec<usize> = (0..self.nodes.len())
            .filter(|&at| self.nodes[at].raw.is_none() && !self.nodes[at].gone)
            .collect();
        if let Some(at) = self.world.dice.one(&down) {
            self.nodes[at].start(&mut self.world);
        }
    }
}
