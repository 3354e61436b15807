//! Judges event by event what is held whole, and can go on from the middle.
//!
//! As far as the judgement of the whole trace has settled what it was judged by
//! (the storage contract), that is taken as given. So what a runner finds is
//! what to try, and not yet the verdict on the reduced trace.

use std::path::Path;

use plimsoll_trace::Line;
use serde_json::Value;

use super::course::judge_all;
use super::order::Judging;
use super::whole::Whole;
use super::{Judged, Options, Stop, place};
use crate::adapters::{etcd_raft, plimsoll};
use crate::verdict::Place;

/// An event: its file, and its place in it.
pub(crate) type Event = (usize, usize);

/// A judge in the middle of a run.
#[derive(Clone)]
pub(crate) struct Runner {
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
    pub(crate) fn new(files: &[Whole], judged: &Judged, options: &Options) -> Option<Self> {
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
    pub(crate) fn judged(&self) -> u64 {
        self.judged
    }

    /// The nodes so far: the name in the model, the name in the trace.
    pub(crate) fn nodes(&self) -> Vec<(String, String)> {
        match &self.judge {
            Judge::EtcdRaft(judge) => judge.nodes(),
            Judge::Plimsoll(judge) => judge.nodes(),
        }
    }

    /// Judges an event of `whole`.
    ///
    /// # Errors
    /// Why the judgement ends here.
    pub(crate) fn judge(&mut self, whole: &Whole, event: usize) -> Result<(), Stop> {
        self.judged += 1;
        let at = place(Path::new(""), 0, event as u64);
        match (&mut self.judge, whole) {
            (Judge::EtcdRaft(judge), Whole::Lines(lines)) => judge.judge(&lines[event].0, &at),
            (Judge::Plimsoll(judge), Whole::Steps(_, steps)) => judge.judge(&steps[event], &at),
            _ => Ok(()),
        }
    }

    /// Judges an event that stands in no file; `None` where it is none.
    pub(crate) fn judge_value(&mut self, value: &Value) -> Option<Result<(), Stop>> {
        let at = place(Path::new(""), 0, 0);
        match &mut self.judge {
            Judge::EtcdRaft(judge) => {
                let line = Line {
                    number: 1,
                    bytes: &serde_json::to_vec(value).ok()?,
                    terminated: true,
                };
                let event = etcd_raft::parse(&"".into(), line).ok()?;
                Some(judge.judge(&event, &at))
            }
            Judge::Plimsoll(judge) => {
                let step = serde_json::from_value(value.clone()).ok()?;
                Some(judge.judge(&step, &at))
            }
        }
    }

    /// The events of `files` in an order in which they can be judged, up to
    /// `last`, at which the judgement ends.
    pub(crate) fn order(&self, files: &[Whole], last: Event) -> Vec<Event> {
        if let [whole] = files
            && whole.in_order()
        {
            return (0..whole.len().min(last.1 + 1)).map(|at| (0, at)).collect();
        }
        match &self.judge {
            Judge::EtcdRaft(judge) => {
                Recorded::of(judge.as_ref().clone(), files, |whole, at| match whole {
                    Whole::Lines(lines) => lines.get(at).map(|(event, _)| event.clone()),
                    Whole::Steps(..) => None,
                })
            }
            Judge::Plimsoll(judge) => {
                Recorded::of(judge.as_ref().clone(), files, |whole, at| match whole {
                    Whole::Steps(_, steps) => steps.get(at).cloned(),
                    Whole::Lines(_) => None,
                })
            }
        }
    }
}

/// Notes the order in which a judge is given its events.
struct Recorded<J> {
    judge: J,
    order: Vec<Event>,
}

impl<J: Judging> Recorded<J> {
    fn of(
        judge: J,
        files: &[Whole],
        event: impl Fn(&Whole, usize) -> Option<J::Event>,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        for (file, whole) in files.iter().enumerate() {
            for at in 0..whole.len() {
                if let Some(event) = event(whole, at) {
                    // The line says which file it is.
                    let place = place(Path::new(""), file as u64, at as u64);
                    events.push((whole.node(at).to_owned(), place, event));
                }
            }
        }
        let mut recorded = Recorded {
            judge,
            order: Vec::new(),
        };
        judge_all(events, &mut recorded);
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

    fn may_be_unlogged(&self, event: &Self::Event) -> bool {
        self.judge.may_be_unlogged(event)
    }

    fn has_come(&self, event: &Self::Event) -> bool {
        self.judge.has_come(event)
    }

    fn waits_for<'a>(&self, event: &'a Self::Event) -> Option<&'a str> {
        self.judge.waits_for(event)
    }

    fn may_be_forgotten(&self, event: &Self::Event) -> bool {
        self.judge.may_be_forgotten(event)
    }

    fn judge(&mut self, event: &Self::Event, place: &Place) -> Result<(), Stop> {
        let at = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        self.order.push((at(place.line), at(place.event)));
        self.judge.judge(event, place)
    }
}
