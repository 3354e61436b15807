//! Other people's histories and recorded runs, where they are at hand:
//! `PLIMSOLL_HISTORIES` names a folder with a table `VERDICTS.tsv`,
//! `PLIMSOLL_TRACES` one with recorded runs; without them `../shared` beside
//! the workspace is looked at.

use std::path::PathBuf;

use crate::judged;

fn beside(variable: &str, name: &str, holds: &str) -> Option<PathBuf> {
    let beside = format!("{}/../../shared/{name}", env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os(variable).map_or_else(|| beside.into(), PathBuf::from);
    if folder.join(holds).exists() {
        return Some(folder);
    }
    println!(
        "SKIPPED: nothing recorded at {} ({variable})",
        folder.display()
    );
    None
}

#[test]
fn known_verdicts_are_found() {
    let Some(folder) = beside("PLIMSOLL_HISTORIES", "histories", "VERDICTS.tsv") else {
        return;
    };
    let table = std::fs::read_to_string(folder.join("VERDICTS.tsv")).expect("the table");
    let mut wrong = Vec::new();
    let rows = table.lines().skip(1);
    for row in rows.clone() {
        let cells: Vec<&str> = row.split('\t').collect();
        let [name, linearizable, operations] = cells[..] else {
            panic!("a row of three cells: {row}");
        };
        let (_, found, verdict) = judged(&folder.join(name));
        let expected = match linearizable {
            "true" => "linearizable",
            _ => "not-linearizable",
        };
        if verdict != expected || found.to_string() != operations {
            wrong.push(format!("{row}: {found} operations, {verdict}"));
        }
    }
    assert!(rows.count() > 100);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_clients_of_correct_runs_saw_is_linearizable() {
    let Some(folder) = beside("PLIMSOLL_TRACES", "traces", "etcd-raft") else {
        return;
    };
    let verdicts = |name: &str| {
        let files = std::fs::read_dir(folder.join(name)).expect("a folder");
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.retain(|path| path.to_string_lossy().ends_with(".history.jsonl"));
        files.sort();
        files.into_iter().map(|path| {
            let (_, operations, verdict) = judged(&path);
            (path, operations, verdict)
        })
    };
    let mut judged = 0;
    for (path, operations, verdict) in verdicts("etcd-raft") {
        let expected = if operations == 0 {
            "inconclusive"
        } else {
            "linearizable"
        };
        assert_eq!(verdict, expected, "{}", path.display());
        judged += 1;
    }
    assert!(judged > 20);
    // Most planted bugs break a rule before a client can see it.
    let seen = verdicts("etcd-raft-flawed").filter(|(_, _, verdict)| verdict == "not-linearizable");
    assert!(seen.count() > 0);
}
