//! Judges event by event what is held whole, and can go on from the middle.
//!
//! All readings of the run are followed, as in the judgement of a trace. What is
//! settled before is the storage contract: what tells it may stand behind the line
//! at which a runner ends.

use std::path::Path;
use std::sync::Arc;

use plimsoll_trace::Line;
use serde_json::Value;

use super::held::judge_all;
use super::names::Names;
use super::order::Judging;
use super::readings::{Parting, Readings};
use super::whole::Whole;
use super::{Options, Stop, place};
use crate::adapters::{etcd_raft, plimsoll};
use crate::verdict::Place;

/// An event: its file, and its place in it.
pub(crate) type Event = (usize, usize);

/// A judge in the middle of a run.
#[derive(Clone)]
pub(crate) struct Runner {
    judge: Judge,
    /// Of what is judged no place is told but its number.
    nowhere: Arc<Path>,
}

#[derive(Clone)]
enum Judge {
    EtcdRaft(Readings<etcd_raft::Judge>),
    Plimsoll(Readings<plimsoll::Judge>),
}

/// What a run is judged by, where that is settled before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Basis {
    /// Storage is asynchronous, in a trace of etcd-io/raft.
    pub queued: bool,
    /// How much is kept of what grows with the run.
    pub window: Option<usize>,
}

/// How a judgement ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub stop: Stop,
    /// The nodes: the name in the model, the name in the trace.
    pub nodes: Vec<(String, String)>,
    /// A line shows that storage is asynchronous.
    pub overtaken: bool,
}

impl Ended {
    /// The reason of a divergence, in the names of the trace.
    pub(crate) fn reason(&self) -> Option<String> {
        match &self.stop {
            Stop::Diverges(found) => {
                let names = Names::new(&self.nodes);
                Some(found.as_ref().clone().named(&names).reason())
            }
            Stop::Inconclusive(_) => None,
        }
    }
}

/// A format's judge, as a runner uses it.
trait Running: Parting {
    /// Notes who has a line.
    fn note(&mut self, event: &Self::Event);
    /// How it ends.
    fn ended(&self, stop: Stop) -> Ended;
}

impl Running for etcd_raft::Judge {
    fn note(&mut self, _event: &Self::Event) {}

    fn ended(&self, stop: Stop) -> Ended {
        Ended {
            stop,
            nodes: self.nodes(),
            overtaken: self.overtaken.is_some(),
        }
    }
}

impl Running for plimsoll::Judge {
    fn note(&mut self, event: &Self::Event) {
        self.has_line(event);
    }

    fn ended(&self, stop: Stop) -> Ended {
        Ended {
            stop: self.allow_for_the_unseen(stop),
            nodes: self.nodes(),
            overtaken: false,
        }
    }
}

/// A run in all its readings.
fn judged<J: Running>(
    readings: &mut Readings<J>,
    event: &J::Event,
    place: &Place,
) -> Result<(), Ended> {
    for judge in readings.all_mut() {
        judge.note(event);
    }
    let judged = readings.judge(event, place);
    judged.map_err(|stop| readings.first.ended(stop))
}

impl Runner {
    /// At the beginning of `files`, which were judged before.
    pub(crate) fn new(files: &[Whole], options: &Options, basis: Basis) -> Option<Self> {
        let ordered = files.len() == 1;
        let judge = match files.first()? {
            Whole::Lines(_) => {
                let judge = etcd_raft::presuming(&options.given, basis, ordered);
                Judge::EtcdRaft(Readings::new(judge))
            }
            Whole::Steps(header, _) => {
                let judge = plimsoll::settled(header.as_ref().clone(), basis.window);
                Judge::Plimsoll(Readings::new(judge))
            }
        };
        Some(Runner {
            judge,
            nowhere: Path::new("").into(),
        })
    }

    /// Notes that the node of an event has a line, which stands further down.
    pub(crate) fn note(&mut self, whole: &Whole, event: usize) {
        if let (Judge::Plimsoll(readings), Whole::Steps(_, steps)) = (&mut self.judge, whole) {
            let all = readings.all_mut();
            all.for_each(|judge| judge.note(&steps[event]));
        }
    }

    /// Judges an event of `whole`.
    ///
    /// # Errors
    /// How the judgement ends here.
    pub(crate) fn judge(&mut self, whole: &Whole, event: usize) -> Result<(), Ended> {
        let at = Place {
            path: Arc::clone(&self.nowhere),
            line: 0,
            event: event as u64,
        };
        match (&mut self.judge, whole) {
            (Judge::EtcdRaft(judge), Whole::Lines(lines)) => judged(judge, &lines[event].0, &at),
            (Judge::Plimsoll(judge), Whole::Steps(_, steps)) => judged(judge, &steps[event], &at),
            _ => Ok(()),
        }
    }

    /// Judges an event that stands in no file; `None` where it is none.
    pub(crate) fn judge_value(&mut self, value: &Value) -> Option<Result<(), Ended>> {
        let at = place(&self.nowhere, 0, 0);
        match &mut self.judge {
            Judge::EtcdRaft(judge) => {
                let line = Line {
                    number: 1,
                    bytes: &serde_json::to_vec(value).ok()?,
                    terminated: true,
                };
                let event = etcd_raft::parse(&"".into(), line).ok()?;
                Some(judged(judge, &event, &at))
            }
            Judge::Plimsoll(judge) => {
                let step = serde_json::from_value(value.clone()).ok()?;
                Some(judged(judge, &step, &at))
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
            Judge::EtcdRaft(judge) => Recorded::of(judge, files, |whole, at| match whole {
                Whole::Lines(lines) => lines.get(at).map(|(event, _)| event.clone()),
                Whole::Steps(..) => None,
            }),
            Judge::Plimsoll(judge) => Recorded::of(judge, files, |whole, at| match whole {
                Whole::Steps(_, steps) => steps.get(at).cloned(),
                Whole::Lines(_) => None,
            }),
        }
    }
}

/// Notes the order in which a judge is given its events.
struct Recorded<J> {
    judge: J,
    order: Vec<Event>,
}

impl<J: Running> Recorded<Readings<J>> {
    fn of(
        judge: &Readings<J>,
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
            judge: judge.clone(),
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

    fn is_ready_otherwise(&self, event: &Self::Event) -> bool {
        self.judge.is_ready_otherwise(event)
    }

    fn may_be_unlogged(&self, event: &Self::Event) -> bool {
        self.judge.may_be_unlogged(event)
    }

    fn has_come(&self, event: &Self::Event) -> bool {
        self.judge.has_come(event)
    }

    fn explains(&self, event: &Self::Event, place: &Place) -> bool {
        self.judge.explains(event, place)
    }

    fn goes_early(&mut self, event: &Self::Event) {
        self.judge.goes_early(event);
    }

    fn waits_for<'a>(&self, event: &'a Self::Event) -> Option<&'a str> {
        self.judge.waits_for(event)
    }

    fn sends(&self, later: &Self::Event, event: &Self::Event) -> bool {
        self.judge.sends(later, event)
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
