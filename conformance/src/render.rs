//! Printers. Each takes plain data and returns text; the command writes it.

pub mod bench;
pub mod bench_linearize;
pub mod bench_replay;
pub mod canvas;
pub mod certificate;
pub mod coverage;
pub mod linearize;
pub mod liveness;
pub mod mermaid;
pub mod presets;
pub mod printable;
pub mod replay;
pub mod table;
pub mod text;
pub mod verify;
mod words;
