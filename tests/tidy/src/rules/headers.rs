//! Every module begins by saying what it holds and what it does not.

use crate::{Rule, Tree, Violation};

pub(super) const RULE: Rule = Rule {
    name: "module headers",
    check,
    defects: &[
        &[("card-schema/src/ids.rs", "use std::fmt;\n")],
        &[("tests/e2e/tests/purse.rs", "#[test]\nfn t() {}\n")],
        &[("card-schema/src/lib.rs", "//! card-schema\npub mod ids;\n")],
    ],
    allowed: &[("card-schema/src/ids.rs", "//! Identifiers. Makes none by itself.\nuse std::fmt;\n")],
};

fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.rust() {
        let header = file.text.lines().next().unwrap_or_default();
        match header.strip_prefix("//! ") {
            None => found.push(Violation::of(&file.path, "begins without a `//!` header")),
            Some(words) if words.split_whitespace().count() < 3 => {
                found.push(Violation::at(&file.path, 1, "has a header that says nothing"));
            }
            Some(_) => {}
        }
    }
    found
}
