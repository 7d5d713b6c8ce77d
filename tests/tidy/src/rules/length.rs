//! A file that has grown too long has usually become two rooms.

use crate::{Rule, Tree, Violation};

/// Lines of a Rust file.
const LIMIT: usize = 500;

/// Files that may be longer, and why.
const EXCEPTIONS: &[(&str, &str)] = &[];

pub(super) const RULE: Rule = Rule {
    name: "file length",
    check,
    defects: &[&[("card-service/src/ledger/mod.rs", LONG)]],
    allowed: &[("card-service/src/ledger/mod.rs", "//! Short.\n")],
};

const LONG: &str = const {
    const LINES: [u8; LIMIT + 1] = [b'\n'; LIMIT + 1];
    match std::str::from_utf8(&LINES) {
        Ok(text) => text,
        Err(_) => panic!("line feeds are UTF-8"),
    }
};

fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.rust() {
        let lines = file.text.lines().count();
        let exception = EXCEPTIONS.iter().any(|(path, _)| *path == file.path);
        if lines > LIMIT && !exception {
            let message = format!("has {lines} lines; split it by subject (limit {LIMIT})");
            found.push(Violation::of(&file.path, message));
        }
        if lines <= LIMIT && exception {
            found.push(Violation::of(&file.path, "is short enough: remove it from the list of exceptions"));
        }
    }
    found
}
