//! Generated parts of a page in `docs/`.

use std::path::Path;

/// Fails when the part called `name` of `docs/PAGE` is not `text`;
/// `PLIMSOLL_UPDATE=1` writes it.
#[track_caller]
pub(crate) fn holds(page: &str, name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(page);
    let old = std::fs::read_to_string(&path).expect("the page");
    let (start, end) = (
        format!("<!-- generated: {name} -->\n"),
        format!("<!-- end: {name} -->"),
    );
    let from = old.find(&start).expect("the start of the part") + start.len();
    let to = from + old[from..].find(&end).expect("the end of the part");
    if old[from..to] == *text {
        return;
    }
    let update = std::env::var_os("PLIMSOLL_UPDATE");
    if update.is_some_and(|value| !value.is_empty() && value != "0") {
        let new = format!("{}{text}{}", &old[..from], &old[to..]);
        std::fs::write(&path, new).expect("the page is writable");
        return;
    }
    panic!("docs/{page}: {name} is not what follows; set PLIMSOLL_UPDATE=1 to write it\n{text}");
}
