//! The exhaustive engine on spaces that are small enough to check by hand:
//! whatever the threads, the fingerprints, the memory and the interruptions,
//! the answer is that of a plain search with a hash set.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use plimsoll_model::engine::End;
use plimsoll_model::engine::explore::{Bits, Failure, Options, Report, explore, packed_run};
use plimsoll_model::engine::space::{Sink, Space, Worker};
use proptest::prelude::*;

/// A random graph: the successors of a state are drawn from its own bytes.
#[derive(Clone, Debug)]
struct Graph {
    /// States are numbers below this; others are out of bounds.
    states: u64,
    degree: u64,
    /// A step to this state breaks the first property, being in it the second.
    bad: u64,
    /// Set off after so many expansions.
    fuse: Option<(Arc<AtomicBool>, u64)>,
    expanded: Arc<AtomicU64>,
}

impl Graph {
    fn new(states: u64, degree: u64, bad: u64) -> Self {
        Graph {
            states,
            degree,
            bad,
            fuse: None,
            expanded: Arc::default(),
        }
    }

    fn successors(&self, state: u64) -> impl Iterator<Item = u64> {
        let (states, degree) = (self.states, self.degree);
        // Mostly near, so that there are many levels; some of them too far.
        (0..degree).map(move |i| {
            let mut x = (state + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (i << 40);
            x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (state + (x >> 32) % (states / 8 + 2)) % (states + states / 16 + 1)
        })
    }
}

fn packed(state: u64) -> Vec<u8> {
    // Of different lengths, up to more than a byte can say.
    let mut bytes = state.to_le_bytes().to_vec();
    bytes.resize(8 + (state % 251) as usize, state as u8);
    bytes
}

fn unpacked(packed: &[u8]) -> u64 {
    u64::from_le_bytes(packed[..8].try_into().expect("eight bytes"))
}

impl Space for Graph {
    type Worker<'s> = Walker<'s>;
    fn worker(&self) -> Self::Worker<'_> {
        Walker(self, 0)
    }
    fn properties(&self) -> Vec<String> {
        vec!["no step to it".into(), "not in it".into()]
    }
    fn counters(&self) -> Vec<String> {
        vec!["successors".into()]
    }
    fn identity(&self) -> String {
        format!("graph\n{} {} {}", self.states, self.degree, self.bad)
    }
}

/// A graph and how many successors were generated.
struct Walker<'g>(&'g Graph, u64);

impl Worker for Walker<'_> {
    fn initial(&mut self, sink: &mut impl Sink) {
        sink.state(&packed(0), 1, 0);
    }
    fn expand(&mut self, from: &[u8], sink: &mut impl Sink) {
        let Walker(graph, counted) = self;
        let expanded = graph.expanded.fetch_add(1, Relaxed) + 1;
        if let Some((fuse, at)) = &graph.fuse
            && expanded >= *at
        {
            fuse.store(true, Relaxed);
        }
        for to in graph.successors(unpacked(from)) {
            *counted += 1;
            if to < graph.states {
                sink.state(&packed(to), 2, u64::from(to == graph.bad));
            } else {
                sink.beyond();
            }
        }
    }
    fn judge(&mut self, state: &[u8]) -> u64 {
        u64::from(unpacked(state) == self.0.bad) << 1
    }
    fn counts(&self) -> Vec<u64> {
        vec![self.1]
    }
}

/// Distances from the initial state, by a plain search.
fn distances(graph: &Graph) -> HashMap<u64, usize> {
    let mut seen = HashMap::from([(0, 0)]);
    let mut frontier = vec![0];
    while !frontier.is_empty() {
        let mut next = Vec::new();
        for state in frontier {
            for to in graph.successors(state).filter(|&to| to < graph.states) {
                if !seen.contains_key(&to) {
                    seen.insert(to, seen[&state] + 1);
                    next.push(to);
                }
            }
        }
        frontier = next;
    }
    seen
}

fn dir(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("plimsoll-engine-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    dir
}

fn options(name: &str) -> Options {
    Options {
        threads: 2,
        memory: 64 << 20,
        dir: dir(name),
        keep_going: true,
        ..Options::default()
    }
}

fn run(graph: &Graph, options: &Options) -> Report {
    explore(graph, options, &mut |_| {}).expect("a search")
}

/// What must not depend on how the search was done.
fn essence(report: &Report) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        report.end,
        report.levels.clone(),
        (report.distinct, report.represented),
        (report.generated, report.beyond),
        report.counts.clone(),
        report.trails.clone(),
    )
}

/// Holds a report against the plain search.
fn check(graph: &Graph, report: &Report) {
    let distances = distances(graph);
    assert_eq!(report.end, End::Exhausted);
    assert_eq!(report.distinct, distances.len() as u64);
    assert_eq!(report.represented, 2 * report.distinct - 1);
    assert_eq!(report.generated, 1 + report.distinct * graph.degree);
    assert_eq!(report.counts, [report.distinct * graph.degree]);
    let depth = *distances.values().max().expect("a state");
    let level = |d| distances.values().filter(|&&of| of == d).count() as u64;
    assert_eq!(report.levels, (0..=depth).map(level).collect::<Vec<_>>());
    match distances.get(&graph.bad) {
        None => assert_eq!(report.trails, []),
        Some(&distance) => {
            assert_eq!(report.trails.len(), 2);
            for trail in &report.trails {
                let run = packed_run(graph, trail, report.bits).expect("a run");
                assert_eq!(run.len(), distance + 1, "a shortest run");
                let states: Vec<u64> = run.iter().map(|(_, packed)| unpacked(packed)).collect();
                assert_eq!((states[0], states[distance]), (0, graph.bad));
                for (step, (ordinal, _)) in states.windows(2).zip(&run[1..]) {
                    let to = graph.successors(step[0]).nth(*ordinal as usize);
                    assert_eq!(to, Some(step[1]));
                }
            }
        }
    }
}

#[test]
fn a_search_agrees_with_a_hash_set_for_any_threads_and_fingerprints() {
    let graph = Graph::new(40_000, 5, 31_337);
    let first = run(&graph, &options("threads"));
    check(&graph, &first);
    for threads in [1, 3, 8] {
        let again = run(
            &graph,
            &Options {
                threads,
                ..options("threads")
            },
        );
        assert_eq!(essence(&again), essence(&first));
        assert!(!again.external && again.disk == 0);
    }
    let wide = run(
        &graph,
        &Options {
            bits: Bits::B128,
            ..options("threads")
        },
    );
    check(&graph, &wide);
}

#[test]
fn a_search_that_outgrows_its_memory_goes_to_disk_and_gives_the_same_answer() {
    let graph = Graph::new(200_000, 4, 123_456);
    let ample = run(&graph, &options("ample"));
    check(&graph, &ample);
    for (bits, threads) in [(Bits::B64, 1), (Bits::B64, 2), (Bits::B128, 2)] {
        let tight = Options {
            memory: 1 << 20,
            bits,
            threads,
            ..options("tight")
        };
        let report = run(&graph, &tight);
        check(&graph, &report);
        assert!(report.external && report.disk > 200_000 * 8);
        if bits == Bits::B64 {
            assert_eq!(essence(&report), essence(&ample));
        }
        assert!(
            !tight.dir.exists(),
            "files of a search that has ended are gone"
        );
    }
}

#[test]
fn the_room_on_disk_is_a_limit_and_not_a_failure() {
    let graph = Graph::new(200_000, 4, u64::MAX);
    let tight = Options {
        memory: 1 << 20,
        disk_max: Some(700_000),
        ..options("disk-max")
    };
    let report = run(&graph, &tight);
    assert_eq!(report.end, End::DiskSpent);
    assert!(report.disk <= 700_000);
    // With checkpoints, what was covered can be resumed with more room.
    let kept = Options {
        checkpoints: true,
        ..tight
    };
    let report = run(&graph, &kept);
    assert_eq!(report.end, End::DiskSpent);
    assert_eq!(report.checkpoint.as_ref(), Some(&kept.dir));
    let more = Options {
        disk_max: None,
        resume: true,
        ..kept
    };
    check(&graph, &run(&graph, &more));
}

/// Interrupts a search after so many expansions, resumes it, and so on; each
/// time with the next of `memory`, and then with the last.
fn stop_and_go(memory: &[u64], checkpoints: bool, name: &str) {
    let graph = Graph::new(60_000, 4, 51_111);
    let ample = run(&graph, &options("whole"));
    check(&graph, &ample);
    let mut options = Options {
        memory: memory[0],
        checkpoints,
        rescue: true,
        about: "what it is".into(),
        ..options(name)
    };
    let mut stops = 0;
    let report = loop {
        let fuse = Arc::new(AtomicBool::new(false));
        let stopped = Graph {
            // The last time to the end, also of the search for the trails.
            fuse: (stops < 6).then(|| (Arc::clone(&fuse), 7_000)),
            expanded: Arc::default(),
            ..graph.clone()
        };
        let report = run(
            &stopped,
            &Options {
                interrupt: fuse,
                ..options.clone()
            },
        );
        if report.end != End::Interrupted {
            break report;
        }
        stops += 1;
        assert_eq!(report.checkpoint.as_ref(), Some(&options.dir));
        let about = plimsoll_model::engine::checkpoint::about(&options.dir);
        assert_eq!(about.expect("a checkpoint"), "what it is");
        options.resume = true;
        options.threads = 1 + stops % 3;
        options.memory = memory[stops.min(memory.len() - 1)];
    };
    assert!(stops >= 5, "{stops} interruptions");
    assert_eq!(essence(&report), essence(&ample));
    assert!(report.resumed.is_some());
    assert!(!options.dir.exists());
}

#[test]
fn an_interrupted_search_goes_on_where_it_was() {
    stop_and_go(&[64 << 20], true, "kept");
    stop_and_go(&[64 << 20], false, "rescued");
}

#[test]
fn an_interrupted_search_goes_on_with_less_memory_and_with_more() {
    let memory = [64 << 20, 64 << 20, 64 << 20, 1 << 19, 1 << 18, 64 << 20];
    stop_and_go(&memory, true, "kept-less");
    stop_and_go(&memory, false, "rescued-less");
}

#[test]
fn an_interrupted_search_on_disk_goes_on_where_it_was() {
    stop_and_go(&[1 << 20], true, "kept-tight");
    stop_and_go(&[1 << 20], false, "rescued-tight");
}

#[test]
fn a_checkpoint_of_another_search_is_refused() {
    let fuse = Arc::new(AtomicBool::new(false));
    let graph = Graph {
        fuse: Some((Arc::clone(&fuse), 2_000)),
        ..Graph::new(60_000, 4, u64::MAX)
    };
    let stopped = Options {
        interrupt: fuse,
        checkpoints: true,
        ..options("refused")
    };
    assert_eq!(run(&graph, &stopped).end, End::Interrupted);
    let why = |graph: &Graph, options: &Options| match explore(graph, options, &mut |_| {}) {
        Err(Failure::NotResumable { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    // Not overwritten by accident.
    assert!(why(&graph, &stopped).contains("holds a checkpoint"));
    let again = Options {
        resume: true,
        interrupt: Arc::default(),
        ..stopped
    };
    let other = Graph::new(60_001, 4, u64::MAX);
    assert!(why(&other, &again).contains("60001"));
    let wide = Options {
        bits: Bits::B128,
        ..again.clone()
    };
    assert!(why(&graph, &wide).contains("128 bits"));
    // Torn, damaged and missing files are told, not searched.
    let manifest = again.dir.join("checkpoint.json");
    let text = std::fs::read_to_string(&manifest).expect("a manifest");
    std::fs::write(&manifest, &text[..text.len() / 2]).expect("written");
    assert!(why(&graph, &again).contains("checkpoint.json"));
    std::fs::write(&manifest, text.replace("\"format\": 2", "\"format\": 999")).expect("written");
    assert!(why(&graph, &again).contains("format"));
    // Every figure in it is covered by its checksum.
    for digit in ["\"distinct\": 1", "\"external\": f", "\"levels\": ["] {
        assert!(text.contains(&digit[..digit.len() - 1]));
        let at = text.find(&digit[..digit.len() - 1]).expect("a field") + digit.len();
        let mut edited = text.clone().into_bytes();
        edited[at] ^= 1;
        std::fs::write(&manifest, &edited).expect("written");
        let why = why(&graph, &again);
        assert!(why.contains("checkpoint.json"), "{why}");
    }
    std::fs::write(&manifest, &text).expect("written");
    let file = std::fs::read_dir(&again.dir).expect("a folder").flatten();
    let file = file
        .map(|f| f.path())
        .find(|p| p.to_string_lossy().contains("visited-"));
    let file = file.expect("a file of keys");
    let bytes = std::fs::read(&file).expect("its bytes");
    let mut damaged = bytes.clone();
    damaged[20] ^= 1;
    std::fs::write(&file, &damaged).expect("written");
    let error = explore(&graph, &again, &mut |_| {})
        .expect_err("damage")
        .to_string();
    assert!(
        error.contains("visited-") && error.contains("damaged"),
        "{error}"
    );
    std::fs::write(&file, &bytes[..bytes.len() - 1]).expect("written");
    assert!(why(&graph, &again).contains("visited-"));
    std::fs::remove_file(&file).expect("removed");
    assert!(explore(&graph, &again, &mut |_| {}).is_err());
    std::fs::write(&file, &bytes).expect("written");
    check(
        &Graph {
            fuse: None,
            ..graph.clone()
        },
        &run(&graph, &again),
    );
}

#[test]
fn a_search_ends_with_the_level_in_which_a_property_breaks() {
    let graph = Graph::new(40_000, 5, 31_337);
    let distance = distances(&graph)[&graph.bad];
    for threads in [1, 2, 5] {
        let first = Options {
            threads,
            keep_going: false,
            ..options("found")
        };
        let report = run(&graph, &first);
        assert_eq!(report.end, End::Found);
        assert_eq!(report.levels.len(), distance + 1);
        // A property that nobody asked for ends nothing.
        let deaf = Options { until: 0, ..first };
        assert_eq!(run(&graph, &deaf).end, End::Exhausted);
    }
}

#[test]
fn bitstate_leaves_out_what_its_estimate_says_and_the_same_for_any_threads() {
    let graph = Graph::new(400_000, 4, 11_111);
    let exact = distances(&graph).len() as f64;
    let bitstate = |threads, memory| {
        let options = Options {
            bitstate: true,
            threads,
            memory,
            ..options("bitstate")
        };
        run(&graph, &options)
    };
    let report = bitstate(2, 16 << 20);
    assert_eq!(report.end, End::Sampled);
    let (_, omitted) = report.bitstate.expect("bitstate");
    let missing = exact - report.distinct as f64;
    assert!(
        missing <= 20.0 + 3.0 * omitted,
        "{missing} missing, {omitted} expected"
    );
    assert_eq!(essence(&bitstate(1, 16 << 20)), essence(&report));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_graph_is_searched_to_the_end(
        states in 1u64..6000, degree in 0u64..6, bad in 0u64..6000, threads in 1usize..4,
        tight in any::<bool>(), wide in any::<bool>(),
    ) {
        let graph = Graph::new(states, degree, bad.max(1));
        let options = Options {
            threads,
            memory: if tight { 1 << 14 } else { 64 << 20 },
            bits: if wide { Bits::B128 } else { Bits::B64 },
            ..options(&format!("any-{states}-{degree}-{bad}"))
        };
        check(&graph, &run(&graph, &options));
    }
}
