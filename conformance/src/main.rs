//! The command `plimsoll`; see [`plimsoll::cli`].

use std::process::ExitCode;

/// Exploring and parsing allocate a lot of small things.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    plimsoll::cli::main()
}
