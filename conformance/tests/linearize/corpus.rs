//! Every history of `traces/histories` has the verdict that its README says.

use std::collections::BTreeSet;
use std::path::Path;

use crate::judged;

#[test]
fn histories_are_judged_as_expected() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../traces/histories"));
    let page = std::fs::read_to_string(folder.join("README.md")).expect("the README");
    let mut listed = BTreeSet::from(["README.md".to_owned()]);
    for row in page.lines().filter_map(|line| line.strip_prefix("| `")) {
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        let [name, _, model, operations, verdict] = cells[..] else {
            panic!("a row of five cells: {row}");
        };
        let name = name.trim_end_matches('`');
        let found = judged(&folder.join(name));
        let operations = operations.parse().expect("a number");
        assert_eq!(
            found,
            (model.to_owned(), operations, verdict.to_owned()),
            "{name}"
        );
        listed.insert(name.to_owned());
    }
    let files = std::fs::read_dir(folder).expect("the folder");
    let names = files.map(|file| {
        file.expect("a file")
            .file_name()
            .to_string_lossy()
            .into_owned()
    });
    assert_eq!(names.collect::<BTreeSet<_>>(), listed);
}
