//! Flags on how to search and how much to spend.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use clap::ValueEnum;
use plimsoll_model::engine::{Bits, Exhaustive, Limits};

/// An engine by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum EngineName {
    /// Breadth first, on all threads: exact counts, shortest counterexamples.
    Exhaustive,
    /// The same with three bits a state, for spaces too large; never
    /// exhaustive.
    Bitstate,
    /// Random walks from a seed, each within bounds of its own; never
    /// exhaustive.
    Simulate,
    /// stateright, breadth first on one thread: the reference.
    StaterightBfs,
    /// stateright, depth first, servers renamed: some counterexample.
    StaterightDfs,
    /// stateright, random walks; never exhaustive.
    StaterightSimulation,
}

/// How many bits stand for a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FingerprintBits {
    /// 64 bits: of 10^9 states some one is omitted with a probability of 3 %.
    #[value(name = "64")]
    B64,
    /// 128 bits: practically never, for twice the memory.
    #[value(name = "128")]
    B128,
}

impl FingerprintBits {
    pub(super) fn bits(self) -> Bits {
        match self {
            FingerprintBits::B64 => Bits::B64,
            FingerprintBits::B128 => Bits::B128,
        }
    }
}

/// What a search may spend.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Spend {
    /// Stop after this time: 90, 90s, 5m, 1h.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) time: Option<Duration>,
    /// Stop after so many distinct states.
    #[arg(long, value_name = "STATES")]
    pub(super) max_states: Option<u64>,
    /// Memory for the search: 800M, 4G. What does not fit goes to disk; a
    /// search of stateright's stops. Without it, most of what the machine has
    /// left.
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub(super) memory: Option<u64>,
}

/// How to search.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Search {
    /// The engine.
    #[arg(long, value_enum, default_value = "exhaustive")]
    engine: EngineName,
    /// Short for --engine simulate.
    #[arg(long, conflicts_with_all = ["engine", "bitstate"])]
    simulate: bool,
    /// Short for --engine bitstate.
    #[arg(long, conflicts_with = "engine")]
    bitstate: bool,
    /// Threads (all there are). The answer does not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Take states that differ only in the names of servers for one.
    #[arg(long)]
    pub(super) symmetry: bool,
    /// How many bits stand for a state.
    #[arg(long, value_name = "BITS", value_enum)]
    pub(super) fingerprint: Option<FingerprintBits>,
    /// The seed of random walks (1).
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many random walks.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) walks: Option<u64>,
    #[command(flatten)]
    pub(super) spend: Spend,
    /// Keep a checkpoint here, after every level, and whatever does not fit in
    /// memory. Several presets have a folder each in it.
    #[arg(long, value_name = "DIR")]
    pub(super) disk: Option<PathBuf>,
    /// The most that may be written: 20G.
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub(super) disk_max: Option<u64>,
    /// Go on from the checkpoint in this folder.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["disk", "engine", "simulate", "bitstate"])]
    pub(super) resume: Option<PathBuf>,
    /// Follow no run for more actions than this.
    #[arg(long, value_name = "ACTIONS")]
    pub(super) max_depth: Option<usize>,
    /// Go on to the end also when a property breaks.
    #[arg(long)]
    pub(super) keep_going: bool,
}

/// Random walks end by themselves after so many states where nothing else is
/// said: a default that gives the same answer on every machine.
const WALKED_STATES: u64 = 200_000;

/// Memory of a search that keeps bits, where nothing is said: its filter is as
/// large from the start, and a small search should not wait for all there is.
const BITSTATE_MEMORY: u64 = 1 << 30;

impl Spend {
    /// The limits, ended by an interruption.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            time: self.time,
            states: self.max_states,
            memory: self.memory.or_else(most_of_memory),
            interrupt: interrupt(),
            ..Limits::default()
        }
    }
}

impl Search {
    /// The engine's name.
    pub(super) fn name(&self) -> EngineName {
        match (self.simulate, self.bitstate) {
            (true, _) => EngineName::Simulate,
            (_, true) => EngineName::Bitstate,
            _ => self.engine,
        }
    }

    /// The seed of random walks.
    pub(super) fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }

    /// How many threads.
    pub(super) fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(all, usize::from)
    }

    /// How many threads stateright takes: one, where nothing is said, because
    /// only then its answer is always the same.
    pub(super) fn reference_threads(&self) -> usize {
        self.threads.map_or(1, usize::from)
    }

    /// The exhaustive engine, before it is told what it searches.
    pub(super) fn exhaustive(&self) -> Exhaustive {
        Exhaustive {
            threads: self.threads(),
            bits: self
                .fingerprint
                .map_or(Bits::default(), FingerprintBits::bits),
            symmetry: self.symmetry,
            bitstate: self.name() == EngineName::Bitstate,
            disk_max: self.disk_max,
            rescue: true,
            ..Exhaustive::default()
        }
    }

    /// # Errors
    /// When a flag is given that this engine does not heed on this model.
    pub(super) fn unheeded(&self, yardstick: bool) -> Result<(), String> {
        let engine = self.name();
        let ours = matches!(engine, EngineName::Exhaustive | EngineName::Bitstate);
        let walks = engine == EngineName::Simulate;
        let draws = walks || engine == EngineName::StaterightSimulation;
        let exact = engine == EngineName::Exhaustive;
        let spend = &self.spend;
        let reference = yardstick && engine == EngineName::StaterightBfs;
        let flags = [
            (
                "--threads",
                self.threads.is_some(),
                ours || walks || reference,
            ),
            ("--symmetry", self.symmetry, ours),
            ("--fingerprint", self.fingerprint.is_some(), exact),
            ("--disk", self.disk.is_some(), exact),
            ("--disk-max", self.disk_max.is_some(), ours),
            ("--walks", self.walks.is_some(), walks),
            ("--seed", self.seed.is_some(), draws),
            ("--memory", spend.memory.is_some(), !walks),
            ("--max-states", spend.max_states.is_some(), !walks),
        ];
        let wrong = flags.iter().find(|(_, given, heeded)| *given && !heeded);
        match wrong {
            None => Ok(()),
            Some((flag, ..)) => Err(format!("{flag} means nothing to this engine")),
        }
    }

    /// The limits, for a search that ends at the properties in `until`.
    pub(super) fn limits(&self, until: Vec<&'static str>) -> Limits {
        let mut limits = Limits {
            depth: self.max_depth,
            keep_going: self.keep_going,
            until,
            ..self.spend.limits()
        };
        if self.name() == EngineName::Bitstate && self.spend.memory.is_none() {
            limits.memory = Some(BITSTATE_MEMORY);
        }
        if self.name() == EngineName::StaterightSimulation && limits.time.is_none() {
            limits.states = limits.states.or(Some(WALKED_STATES));
        }
        limits
    }
}

/// Four fifths of the memory that is available: a search that takes more is
/// killed by the system and says nothing.
pub(super) fn most_of_memory() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info
        .lines()
        .find(|line| line.starts_with("MemAvailable:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    // A container may have less than the machine.
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|limit| limit.trim().parse().ok());
    Some((kilobytes * 1024).min(limit.unwrap_or(u64::MAX)) / 5 * 4)
}

/// Set by the first signal to end (SIGINT, as Ctrl-C sends it, SIGTERM, SIGHUP);
/// the second one ends the process.
pub(super) fn interrupt() -> Arc<AtomicBool> {
    static FLAG: std::sync::OnceLock<Arc<AtomicBool>> = std::sync::OnceLock::new();
    let flag = FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let set = Arc::clone(&flag);
        // Without a handler an interruption ends the process: nothing is lost.
        let _ = ctrlc::set_handler(move || {
            if set.swap(true, Relaxed) {
                std::process::exit(130);
            }
        });
        flag
    });
    Arc::clone(flag)
}

/// A time with a unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let seconds: f64 = number
        .parse()
        .map_err(|_| "expected a time like 90s".to_owned())?;
    let factor = match unit {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("unknown unit {unit:?}: s, m or h")),
    };
    Duration::try_from_secs_f64(seconds * factor).map_err(|error| error.to_string())
}

/// A size with a unit.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let number: u64 = number
        .parse()
        .map_err(|_| "expected a size like 4G".to_owned())?;
    let shift = match unit
        .to_ascii_lowercase()
        .trim_end_matches("ib")
        .trim_end_matches('b')
    {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err(format!("unknown unit {unit:?}: K, M, G or T")),
    };
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "too large".to_owned())
}

/// The number in front and the unit behind it.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_have_units() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(bytes("4G"), Ok(4 << 30));
        assert_eq!(bytes("512MiB"), Ok(512 << 20));
        assert!(duration("soon").is_err() && duration("3d").is_err());
        assert!(bytes("much").is_err() && bytes("1X").is_err() && bytes("99999999999T").is_err());
    }
}
