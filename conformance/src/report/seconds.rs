//! Times in print and in JSON: the one thing in a report that a second run
//! changes.

use std::time::Duration;

/// The seconds of `time`, to the millisecond.
pub fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

/// `0.3 s`, `42 s`, `3 min 20 s`.
pub fn said(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 9.95 {
        format!("{seconds:.1} s")
    } else if seconds < 119.5 {
        format!("{seconds:.0} s")
    } else {
        let whole = seconds.round() as u64;
        format!("{} min {} s", whole / 60, whole % 60)
    }
}
