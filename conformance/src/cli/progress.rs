//! Progress on standard error, only where that is a terminal.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use plimsoll_model::engine;

use crate::render::certificate::size;
use crate::render::table::grouped;
use crate::report::seconds::said;
use crate::resident::resident;

/// One line that is written over and over. Several threads may share it.
pub(super) struct Line {
    state: Option<Mutex<State>>,
}

struct State {
    last: Option<Instant>,
    width: usize,
}

/// Longer lines are cut.
const WIDTH: usize = 160;
/// A line is written again at the earliest after this.
const PAUSE: Duration = Duration::from_millis(150);

impl Line {
    /// A line on standard error, or none when that is no terminal.
    pub(super) fn new() -> Self {
        let state = std::io::stderr().is_terminal().then(|| {
            Mutex::new(State {
                last: None,
                width: 0,
            })
        });
        Line { state }
    }

    /// Shows where a search is.
    pub(super) fn search(&self, name: &str, now: engine::Progress) {
        if self.state.is_none() {
            return;
        }
        let seconds = now.elapsed.as_secs_f64();
        let mut text = format!(
            "{name}: level {}, {} distinct, {} generated, {:.0} k/s, {}",
            now.depth,
            grouped(now.distinct),
            grouped(now.generated),
            now.distinct as f64 / seconds.max(0.001) / 1000.0,
            said(now.elapsed),
        );
        if let Some(bytes) = resident() {
            text += &format!(", {}", size(bytes));
        }
        if now.disk > 0 {
            text += &format!(", disk {}", size(now.disk));
        }
        if let Some(left) = now.left {
            let time = left as f64 / (now.distinct as f64 / seconds.max(0.001)).max(1.0);
            text += &format!(
                ", about {} left ({})",
                grouped(left),
                said(Duration::from_secs_f64(time.min(1e9)))
            );
        }
        self.show(&text);
    }

    /// Shows `text`, unless something was shown just now.
    pub(super) fn show(&self, text: &str) {
        let Some(Ok(mut state)) = self.state.as_ref().map(Mutex::lock) else {
            return;
        };
        if state.last.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        let text: String = text.chars().take(WIDTH).collect();
        let width = state.width.max(text.chars().count());
        // Progress that cannot be shown is no loss.
        let _ = write!(std::io::stderr(), "\r{text:<width$}");
        let _ = std::io::stderr().flush();
        state.width = text.chars().count();
        state.last = Some(Instant::now());
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        if let Some(Ok(mut state)) = self.state.as_ref().map(Mutex::lock) {
            if state.width > 0 {
                let _ = write!(std::io::stderr(), "\r{:width$}\r", "", width = state.width);
            }
            state.width = 0;
            state.last = None;
        }
    }
}
