//! The command `plimsoll-raft`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
