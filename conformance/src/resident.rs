//! How much memory the process holds.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What [`resident`] says, or said at most [`LATELY`] ago: for looks that come
/// by the thousand.
pub(crate) fn resident_lately() -> Option<u64> {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    // When it was looked at last, in microseconds, and what it was; 0: never.
    static LOOKED: AtomicU64 = AtomicU64::new(0);
    static HELD: AtomicU64 = AtomicU64::new(0);
    let passed = BEGUN.get_or_init(Instant::now).elapsed();
    let now = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX).max(1);
    let looked = LOOKED.load(Relaxed);
    if looked > 0 && now.saturating_sub(looked) < LATELY.as_micros() as u64 {
        return Some(HELD.load(Relaxed));
    }
    let held = resident()?;
    HELD.store(held, Relaxed);
    LOOKED.store(now, Relaxed);
    Some(held)
}

/// The system gives pages at a gigabyte or two a second: some hundred kilobytes
/// in this time.
const LATELY: Duration = Duration::from_micros(100);

/// The bytes that this process holds resident, its program included; `None`
/// where the system does not tell (it does on Linux). A look takes some
/// microseconds.
#[cfg(target_os = "linux")]
pub(crate) fn resident() -> Option<u64> {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    // In pages: all of it, then what is resident.
    static PAGES: OnceLock<Option<File>> = OnceLock::new();
    let file = PAGES.get_or_init(|| File::open("/proc/self/statm").ok());
    let mut line = [0; 128];
    let read = file.as_ref()?.read_at(&mut line, 0).ok()?;
    let line = std::str::from_utf8(line.get(..read)?).ok()?;
    let pages: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// The bytes that this process holds resident; nobody tells.
#[cfg(not(target_os = "linux"))]
pub(crate) fn resident() -> Option<u64> {
    None
}
