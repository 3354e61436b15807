//! `plimsoll replay --follow`: judge a run while its files grow.

use std::time::Instant;

use super::limits::interrupt;
use super::output::{document, save, say};
use super::replay::Args;
use super::{Done, Failure};
use crate::render::{self, printable::printable};
use crate::replay::live::{self, Watch};
use crate::replay::{Options, feed};
use crate::report::replay::{Document, TraceReport};
use crate::timeline::Timeline;

/// Runs the command.
pub(super) fn run(args: &Args, options: &Options, begun: Instant) -> Done {
    let piped = args.paths.iter().filter(|path| *path == feed::STDIN);
    if piped.count() > 1 {
        let twice = "the standard input (-) is given twice".to_owned();
        return Err(Failure::Usage(twice));
    }
    // The first signal asks for a summary, the second one wants none.
    let enough = interrupt();
    let mut notice = |text: &str| eprintln!("plimsoll: {}", printable(text));
    let mut watch = Watch {
        enough: &enough,
        complete: false,
        notice: &mut notice,
    };
    let (judged, followed) = live::follow(&args.paths, options, &mut watch);
    let mut report = TraceReport::new(&judged);
    report.followed = followed;
    if let Err(error) = &judged.result {
        if args.json {
            document(&Document::new(vec![report], begun.elapsed()))?;
        } else {
            say(&render::replay::followed(&report))?;
        }
        return Err(Failure::Trace(error.to_string()));
    }
    if let (Some(folder), "diverges") = (&args.out, report.verdict)
        && let Some(timeline) = Timeline::of_judged(&judged, None)
    {
        let name = judged.path.file_name().map(|name| name.to_string_lossy());
        report.timeline = Some(save(&timeline, folder, &name.unwrap_or_default())?);
    }
    if !args.json {
        say(&render::replay::verdict(
            &judged,
            &report,
            options.are_plain(),
        ))?;
        say(&render::replay::followed(&report))?;
    }
    let result = Document::new(vec![report], begun.elapsed());
    if args.json {
        document(&result)?;
    }
    Ok(result.verdict)
}
