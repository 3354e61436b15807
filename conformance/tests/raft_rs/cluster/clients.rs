//! Who asks something of the cluster: clients that write and read, operators
//! that hand leadership over and change the configuration.

use raft::prelude::*;

use super::Cluster;

impl Cluster {
    pub(super) fn transfer(&mut self) {
        if let Some(at) = self.leader() {
            let to = 1 + self.world.dice.below(self.nodes.len()) as u64;
            if to != self.nodes[at].id {
                self.nodes[at].transfer(&mut self.world, to);
            }
        }
    }

    /// A client's command, at any server.
    pub(super) fn write(&mut self) {
        let op = self.world.new_op("w");
        self.at(|node, world| {
            let entry = Entry {
                data: op.clone().into_bytes().into(),
                context: op.into_bytes().into(),
                ..Entry::default()
            };
            let message = proposal(node.id, entry);
            node.proposed(world, message);
        });
    }

    pub(super) fn read(&mut self) {
        let op = self.world.new_op("r");
        let followers = self.world.plan.follower_reads;
        match self.leader() {
            Some(at) if !followers || self.world.dice.chance(50) => {
                self.nodes[at].read(&mut self.world, op);
            }
            _ if followers => self.at(|node, world| node.read(world, op)),
            _ => {}
        }
    }

    /// The operator asks the leader to change the configuration.
    pub(super) fn change(&mut self) {
        let Some(at) = self.leader() else {
            return;
        };
        let Some(raw) = self.nodes[at].raw.as_ref() else {
            return;
        };
        let conf = raw.raft.prs().conf().to_conf_state();
        let leader = self.nodes[at].id;
        let Some(change) = self.next_change(&conf, leader) else {
            return;
        };
        let mut entry = Entry::default();
        entry.set_entry_type(EntryType::EntryConfChangeV2);
        entry.data = protobuf::Message::write_to_bytes(&change)
            .expect("bytes")
            .into();
        let message = proposal(self.nodes[at].id, entry);
        self.nodes[at].proposed(&mut self.world, message);
    }

    /// A change that `conf` allows; now and then one that it does not, which
    /// raft-rs leaves out. The leader is never demoted: raft-rs asks that of its
    /// application.
    fn next_change(&mut self, conf: &ConfState, leader: u64) -> Option<ConfChangeV2> {
        let (plan, dice) = (self.world.plan.clone(), &mut self.world.dice);
        let mut change = ConfChangeV2::default();
        let joint = !conf.get_voters_outgoing().is_empty();
        if joint || dice.chance(3) {
            return plan.joint_changes.then_some(change);
        }
        let voters = conf.get_voters().to_vec();
        let learners = conf.get_learners().to_vec();
        let gone: Vec<u64> = self.nodes.iter().filter(|n| n.gone).map(|n| n.id).collect();
        let others: Vec<u64> = (1..=plan.servers)
            .filter(|id| !voters.contains(id) && !learners.contains(id) && !gone.contains(id))
            .collect();
        let is_joint = plan.joint_changes && dice.chance(50);
        let wanted = if is_joint { 1 + dice.below(3) } else { 1 };
        let mut left = voters.len();
        let mut touched: Vec<u64> = Vec::new();
        for _ in 0..wanted {
            let kinds = [
                (ConfChangeType::AddNode, &others),
                (ConfChangeType::AddNode, &learners),
                (ConfChangeType::RemoveNode, &voters),
                (ConfChangeType::RemoveNode, &learners),
                (ConfChangeType::AddLearnerNode, &others),
                (ConfChangeType::AddLearnerNode, &voters),
            ];
            let (kind, of) = kinds[dice.below(kinds.len())];
            let learns = kind == ConfChangeType::AddLearnerNode || std::ptr::eq(of, &learners);
            let Some(id) = dice.one(of).filter(|id| !touched.contains(id)) else {
                continue;
            };
            let leaves = std::ptr::eq(of, &voters);
            let demoted = leaves && kind == ConfChangeType::AddLearnerNode && id == leader;
            if (learns && !plan.learners) || (leaves && left <= 2) || demoted {
                continue;
            }
            left -= usize::from(leaves);
            touched.push(id);
            let mut one = ConfChangeSingle {
                node_id: id,
                ..ConfChangeSingle::default()
            };
            one.set_change_type(kind);
            change.mut_changes().push(one);
        }
        if touched.is_empty() {
            return None;
        }
        if is_joint {
            change.set_transition(match dice.chance(70) {
                true => ConfChangeTransition::Implicit,
                false => ConfChangeTransition::Explicit,
            });
        }
        Some(change)
    }
}

fn proposal(from: u64, entry: Entry) -> Message {
    let mut message = Message::default();
    message.set_msg_type(MessageType::MsgPropose);
    message.from = from;
    message.set_entries(vec![entry].into());
    message
}
