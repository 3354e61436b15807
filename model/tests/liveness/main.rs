//! Liveness: both algorithms against their definitions on small graphs, both
//! checks on the rule book, and each flaw that breaks one.

mod apply_time;
mod closure;
mod fairness;
mod flaws;
mod presets;
