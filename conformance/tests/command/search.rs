//! The engines of `plimsoll check` as a user asks for them: the same answer on
//! any number of threads and with any memory, exact counts, honest verdicts,
//! and no flag that is not heeded.

use super::*;

/// One search of the document of `args`.
fn search(args: &[&str]) -> Value {
    // Searches that go to disk must not meet in one folder.
    let folder = format!("search {}", args.join(" "));
    let output = run(&folder, &[args, &["--json"]].concat());
    let document = serde_json::from_slice(&output.stdout);
    let mut document: Value = document.unwrap_or_else(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        panic!("{args:?}: {error}: {said}")
    });
    let searches = document["searches"].as_array_mut().expect("searches");
    assert_eq!(searches.len(), 1, "{args:?}");
    searches.remove(0)
}

const FIVE: [&str; 3] = ["check", "--preset", "paper-election-five"];
const READS: [&str; 3] = ["check", "--preset", "paper-reads"];

#[test]
fn threads_are_seen_in_times_and_memory_only() {
    for args in [
        &FIVE[..],
        &READS,
        &["check", "--flaw", "B1"],
        &["check", "--preset", "paper-reads", "--symmetry"],
        &[
            "check",
            "--preset",
            "paper-reads",
            "--bitstate",
            "--memory",
            "4M",
        ],
        &[
            "check",
            "--preset",
            "paper-reads",
            "--simulate",
            "--walks",
            "200",
        ],
        &["check", "--flaw", "A1", "--simulate"],
    ] {
        let on = |threads| {
            let document = json(&[args, &["--threads", threads, "--json"]].concat());
            assert_eq!(document["searches"][0]["threads"].to_string(), threads);
            comparable(document)
        };
        assert_eq!(on("1").to_string(), on("2").to_string(), "{args:?}");
    }
}

#[test]
fn a_counterexample_is_the_same_on_any_number_of_threads() {
    for (flaw, property) in [("A2", "election-safety"), ("E8", "linearizable-reads")] {
        let saved = ["1", "2", "3"].map(|threads| {
            let folder = format!("search-threads-{threads}");
            let args = ["check", "--flaw", flaw, "--property", property];
            let output = run(&folder, &[&args[..], &["--threads", threads]].concat());
            assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
            let text = stdout(&output);
            let path = text.lines().find_map(|line| line.split_once("saved:"));
            let path = path.expect("where it is saved").1.trim();
            std::fs::read_to_string(scratch(&folder).join(path)).expect("the timeline")
        });
        assert!(saved[0].contains(property));
        assert_eq!(saved[0], saved[1], "{flaw}");
        assert_eq!(saved[0], saved[2], "{flaw}");
    }
}

/// The table of `docs/yardstick.md`, as far as it is a matter of milliseconds.
/// TLC finds the same numbers.
#[test]
fn the_yardstick_has_the_counts_of_its_table() {
    for (bounds, distinct, generated, levels) in [
        (["2", "1", "2", "1", "1", "1"], 1_645, 12_861, 28),
        (["2", "2", "2", "1", "1", "1"], 1_989, 15_877, 28),
        (["2", "1", "2", "2", "1", "1"], 2_431, 18_727, 33),
        (["2", "1", "2", "1", "2", "1"], 13_479, 134_721, 32),
        (["2", "1", "2", "1", "2", "2"], 22_231, 210_801, 33),
    ] {
        for extra in [&[][..], &["--fingerprint", "128"], &["--memory", "512K"]] {
            let found = search(&[&yardstick(bounds), extra].concat());
            let counts = ["distinct_states", "generated_states"].map(|name| &found[name]);
            assert_eq!(counts, [distinct, generated], "{bounds:?}");
            assert_eq!(found["levels"].as_array().map(Vec::len), Some(levels));
            assert_eq!(found["verdict"], "holds");
            assert_eq!(found["end"], "exhausted");
            assert_eq!(
                (&found["scenario"], &found["dialect"]),
                (&Value::Null, &Value::Null)
            );
        }
    }
}

#[test]
fn what_does_not_fit_in_memory_goes_to_disk() {
    let whole = search(&READS);
    assert_eq!(whole["storage"]["external"], false);
    let small = search(&[&READS[..], &["--memory", "1M"]].concat());
    assert_eq!(small["storage"]["external"], true);
    assert!(small["storage"]["disk_bytes"].as_u64() > Some(0));
    assert_eq!(small["storage"]["checkpoint"], Value::Null);
    let pair = [whole, small].map(|mut search| {
        search["storage"] = Value::Null;
        comparable(search)
    });
    assert_eq!(pair[0], pair[1]);
}

#[test]
fn what_does_not_fit_on_disk_is_inconclusive() {
    let folder = "search-disk-max";
    let tight = ["--memory", "1M", "--disk-max", "200K"];
    let output = run(folder, &[&READS[..], &tight].concat());
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(
        text.contains("because       the room on disk is spent"),
        "{text}"
    );
    let left = std::fs::read_dir(scratch(folder).join("plimsoll-out/searches"));
    let left = left.map_or(0, Iterator::count);
    assert_eq!(left, 0, "files of a search that has ended");
    let found = search(&[&READS[..], &tight].concat());
    assert_eq!(
        (&found["end"], &found["complete"]),
        (&"disk-limit".into(), &false.into())
    );
    assert!(found["storage"]["disk_bytes"].as_u64() <= Some(200 << 10));
    assert!(
        found["distinct_states"].as_u64() > Some(1_000),
        "it went some way"
    );
}

#[test]
fn symmetry_counts_the_same_states_and_says_the_same() {
    for preset in ["paper-election-five", "paper-reads", "flaw-figure-8"] {
        let plain = search(&["check", "--preset", preset]);
        let reduced = search(&["check", "--preset", preset, "--symmetry"]);
        let group = if preset == "paper-election-five" {
            120
        } else {
            6
        };
        assert_eq!(
            (&plain["symmetry"], &reduced["symmetry"]),
            (&1.into(), &group.into())
        );
        assert_eq!(
            reduced["represented_states"], plain["distinct_states"],
            "{preset}"
        );
        assert_eq!(
            plain["represented_states"], plain["distinct_states"],
            "{preset}"
        );
        assert!(reduced["distinct_states"].as_u64() < plain["distinct_states"].as_u64());
        let verdicts = [&plain, &reduced].map(|search| {
            let rows = search["properties"].as_array().expect("properties");
            let results: Vec<_> = rows.iter().map(|row| row["result"].clone()).collect();
            (search["verdict"].clone(), search["depth"].clone(), results)
        });
        assert_eq!(verdicts[0], verdicts[1], "{preset}");
        assert_eq!(plain["verdict"], "holds", "{preset}");
    }
}

/// Neither walks nor bits ever make a pass; both tell a broken property.
#[test]
fn a_sample_is_honest() {
    for mode in [
        &["--simulate", "--walks", "300"][..],
        &["--bitstate", "--memory", "4M"],
    ] {
        let args = [&FIVE[..], mode].concat();
        assert_eq!(code(&args), 3, "{mode:?}");
        let found = search(&args);
        assert_eq!(
            (&found["verdict"], &found["end"]),
            (&"inconclusive".into(), &"sampled".into())
        );
        assert_eq!(found["complete"], false);
        let flawed = [&["check", "--flaw", "A5"], mode].concat();
        assert_eq!(code(&flawed), 1, "{mode:?}");
        let broken = search(&flawed);
        let rows = broken["properties"].as_array().expect("properties");
        assert!(
            rows.iter()
                .any(|row| row["counterexample"]["timeline"].is_string())
        );
    }
    let bits = search(&[&FIVE[..], &["--bitstate", "--memory", "4M"]].concat());
    assert!(bits["storage"]["bits_set"].as_f64() > Some(0.0));
    assert!(bits["storage"]["expected_omitted"].as_f64().is_some());
    assert_eq!(bits["simulation"], Value::Null);
    let walks = search(&[&FIVE[..], &["--simulate", "--walks", "300"]].concat());
    assert_eq!(
        (&walks["simulation"]["walks"], &walks["seed"]),
        (&300.into(), &1.into())
    );
    assert_eq!(walks["storage"], Value::Null);
    let all = search(&FIVE)["distinct_states"].as_u64();
    assert!(walks["distinct_states"].as_u64() < all);
}

#[test]
fn the_reference_finds_the_same_counts() {
    let ours = search(&FIVE);
    let theirs = search(&[&FIVE[..], &["--engine", "stateright-bfs"]].concat());
    for name in [
        "distinct_states",
        "generated_states",
        "out_of_bounds_states",
        "depth",
    ] {
        assert_eq!(ours[name], theirs[name], "{name}");
    }
    for name in ["witnesses", "actions", "branches", "verdict"] {
        assert_eq!(ours[name], theirs[name], "{name}");
    }
    // How often they judge is their own affair: theirs judges states, ours also
    // the same state behind every step to it.
    let rows = [&ours, &theirs].map(|search| search["properties"].as_array().expect("rows"));
    for (ours, theirs) in rows[0].iter().zip(rows[1]) {
        assert_eq!(ours["result"], theirs["result"], "{}", ours["name"]);
    }
}
