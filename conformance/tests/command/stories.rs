//! The pages that tell a story: what they quote is printed, and their diagrams
//! are those of the counterexamples.
//!
//! A line that is quoted under `$ plimsoll ...` occurs in what that prints,
//! quoted lines in their order; what lies between them is left out.
//! `PLIMSOLL_BLESS=1` writes the diagrams anew.

use std::path::{Path, PathBuf};

use super::{run, scratch, stdout};

const PAGES: [&str; 2] = ["story-prevote-joint", "story-rejoin"];

fn page(name: &str) -> PathBuf {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    docs.join(name).with_extension("md")
}

/// The Mermaid diagram of the one counterexample that `args` finds.
fn diagram(name: &str, args: &str) -> String {
    let folder = format!("story-{name}");
    let out = scratch(&folder).join("out");
    // What an earlier run left is not this one's.
    let _ = std::fs::remove_dir_all(&out);
    let args: Vec<&str> = args.split_whitespace().collect();
    let output = run(&folder, &[&args[..], &["--out", "out"]].concat());
    assert_eq!(output.status.code(), Some(1), "{args:?}");
    let saved = std::fs::read_dir(&out).expect("a folder of timelines");
    let saved: Vec<_> = saved.map(|file| file.expect("a file").path()).collect();
    let [timeline] = saved.as_slice() else {
        panic!("{args:?} saved {saved:?}");
    };
    let timeline = timeline.display().to_string();
    let output = run(&folder, &["explain", &timeline, "--format", "mermaid"]);
    assert_eq!(output.status.code(), Some(0), "{timeline}");
    stdout(&output)
}

#[test]
fn diagrams_are_those_of_the_counterexamples() {
    let bless = std::env::var_os("PLIMSOLL_BLESS").is_some_and(|v| !v.is_empty() && v != "0");
    for name in PAGES {
        let text = std::fs::read_to_string(page(name)).expect("the page");
        let (before, rest) = text.split_once("<!-- diagram: ").expect("a diagram");
        let (args, rest) = rest.split_once(" -->\n```mermaid\n").expect("its command");
        let (told, after) = rest.split_once("```").expect("its end");
        let drawn = diagram(name, args);
        if bless {
            let marker = format!("<!-- diagram: {args} -->");
            let text = format!("{before}{marker}\n```mermaid\n{drawn}```{after}");
            std::fs::write(page(name), text).expect("the page can be written");
        } else {
            assert_eq!(told, drawn, "{name}: {args}");
        }
    }
}

#[test]
fn quoted_lines_are_printed() {
    for name in PAGES {
        let text = std::fs::read_to_string(page(name)).expect("the page");
        let blocks = text.split("```console\n").skip(1);
        let mut quoted = 0;
        for block in blocks.filter_map(|block| block.split("```").next()) {
            let mut lines = block.lines();
            let command = lines
                .next()
                .and_then(|line| line.strip_prefix("$ plimsoll "));
            let command = command.unwrap_or_else(|| panic!("{name}: {block}"));
            let args: Vec<&str> = command.split_whitespace().collect();
            let printed = stdout(&run(&format!("story-{name}"), &args));
            let mut printed = printed.lines();
            for line in lines {
                assert!(
                    printed.any(|said| said == line),
                    "{name}: `{command}` does not print {line:?}, or not behind what is quoted \
                     before it"
                );
                quoted += 1;
            }
        }
        assert!(quoted > 0, "{name} quotes nothing");
    }
}
