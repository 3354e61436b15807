//! Judges event by event what is held whole, and can go on from the middle.
//!
//! As far as the judgement of the whole trace has settled what it was judged by
//! (the storage contract), that is taken as given. So what a runner finds is
//! what to try, and not yet the verdict on the reduced trace.

use crate::adapters::{etcd_raft, plimsoll};
use crate::replay::order::{Judging, Lanes};
use crate::replay::{Judged, Options, Stop, place};
use crate::verdict::Place;

use super::whole::Whole;

/// A judge in the middle of a run.
#[derive(Clone)]
pub(super) struct Runner {
    judge: Judge,
    judged: u64,
}

#[derive(Clone)]
enum Judge {
    EtcdRaft(Box<etcd_raft::Judge>),
    Plimsoll(Box<plimsoll::Judge>),
}

impl Runner {
    /// At the beginning of `files`, which were judged before.
    pub(super) fn new(files: &[Whole], judged: &Judged, options: &Options) -> Option<Self> {
        let certificate = judged.result.as_ref().ok()?.certificate();
        let judge = match files.first()? {
            Whole::Lines(_) => {
                let queued = certificate.storage == "async";
                let ordered = files.len() == 1;
                Judge::EtcdRaft(Box::new(etcd_raft::settled(
                    &options.given,
                    queued,
                    ordered,
                )))
            }
            Whole::Steps(header, _) => {
                Judge::Plimsoll(Box::new(plimsoll::settled(header.as_ref().clone())))
            }
        };
        Some(Runner { judge, judged: 0 })
    }

    /// How many events it has judged.
    pub(super) fn judged(&self) -> u64 {
        self.judged
    }

    /// The nodes so far: the name in the model, the name in the trace.
    pub(super) fn nodes(&self) -> Vec<(String, String)> {
        match &self.judge {
            Judge::EtcdRaft(judge) => judge.nodes(),
            Judge::Plimsoll(judge) => judge.nodes(),
        }
    }

    /// Judges an event of `whole`.
    ///
    /// # Errors
    /// Why the judgement ends here.
    pub(super) fn judge(&mut self, whole: &Whole, event: usize) -> Result<(), Stop> {
        self.judged += 1;
        let at = place(std::path::Path::new(""), 0, event as u64);
        match (&mut self.judge, whole) {
            (Judge::EtcdRaft(judge), Whole::Lines(lines)) => judge.judge(&lines[event].0, &at),
            (Judge::Plimsoll(judge), Whole::Steps(_, steps)) => judge.judge(&steps[event], &at),
            _ => Ok(()),
        }
    }

    /// The events of `files`, each a node's own, in an order in which they can
    /// be judged; the last one is the one that cannot.
    pub(super) fn order(self, files: &[Whole]) -> Vec<(usize, usize)> {
        match self.judge {
            Judge::EtcdRaft(judge) => Recorded::of(*judge, files, |whole, at| match whole {
                Whole::Lines(lines) => lines.get(at).map(|(event, _)| event.clone()),
                Whole::Steps(..) => None,
            }),
            Judge::Plimsoll(judge) => Recorded::of(*judge, files, |whole, at| match whole {
                Whole::Steps(_, steps) => steps.get(at).cloned(),
                Whole::Lines(_) => None,
            }),
        }
    }
}

/// Notes the order in which a judge is given its events.
struct Recorded<J> {
    judge: J,
    order: Vec<(usize, usize)>,
}

impl<J: Judging> Recorded<J> {
    fn of(
        judge: J,
        files: &[Whole],
        event: impl Fn(&Whole, usize) -> Option<J::Event>,
    ) -> Vec<(usize, usize)> {
        let mut lanes = Lanes::default();
        for (file, whole) in files.iter().enumerate() {
            for at in 0..whole.len() {
                if let Some(event) = event(whole, at) {
                    // The line says which file it is.
                    let place = place(std::path::Path::new(""), file as u64, at as u64);
                    lanes.push(whole.node(at), place, event);
                }
            }
        }
        let mut recorded = Recorded {
            judge,
            order: Vec::new(),
        };
        lanes.judge(&mut recorded);
        recorded.order
    }
}

impl<J: Judging> Judging for Recorded<J> {
    type Event = J::Event;

    fn lane<'a>(&self, event: &'a Self::Event) -> &'a str {
        self.judge.lane(event)
    }

    fn is_ready(&self, event: &Self::Event) -> bool {
        self.judge.is_ready(event)
    }

    fn is_ready_silently(&self, event: &Self::Event) -> bool {
        self.judge.is_ready_silently(event)
    }

    fn waits_for<'a>(&self, event: &'a Self::Event) -> Option<&'a str> {
        self.judge.waits_for(event)
    }

    fn judge(&mut self, event: &Self::Event, place: &Place) -> Result<(), Stop> {
        let at = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        self.order.push((at(place.line), at(place.event)));
        self.judge.judge(event, place)
    }
}
