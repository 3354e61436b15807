//! `plimsoll explore`: stateright's Explorer, on this machine only.

use std::net::{SocketAddr, TcpListener};

use plimsoll_model::engine;

use super::output::say;
use super::scenario::What;
use super::{Done, Failure};
use crate::report::Answer;

/// Flags of `plimsoll explore`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    what: What,
    /// Where to serve; only addresses of this machine itself.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    address: SocketAddr,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Done {
    // The explorer has no login: whoever reaches it can use it.
    if !args.address.ip().is_loopback() {
        return Err(Failure::Usage(format!(
            "--address {}: only a loopback address, such as 127.0.0.1:3000",
            args.address
        )));
    }
    let tasks = args.what.tasks()?;
    let Some(task) = tasks.first() else {
        return Err(Failure::Usage("nothing to explore".to_owned()));
    };
    // The explorer itself would panic.
    TcpListener::bind(args.address).map_err(|error| Failure::Input {
        path: args.address.to_string(),
        reason: error.to_string(),
    })?;
    say(&format!(
        "exploring {} at http://{} (Ctrl-C ends it)\n",
        task.name, args.address
    ))?;
    engine::serve(&task.scenario, args.address);
    Ok(Answer::Holds)
}
