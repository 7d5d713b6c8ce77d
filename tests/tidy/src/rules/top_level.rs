//! What lies at the top: three programs' crates, the tests, the papers, and nothing else.

use std::collections::BTreeSet;

use crate::{Rule, Tree, Violation};

const ALLOWED: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "card-schema",
    "card-service",
    "docs",
    "reader-daemon",
    "tests",
];

pub(super) const RULE: Rule = Rule {
    name: "top level",
    check,
    defects: &[&[("deny.toml", "")], &[("scripts/run.sh", "")], &[("notes.md", "")]],
    allowed: &[("Cargo.toml", ""), (".config/deny.toml", ""), ("docs/limits.md", ""), (".gitignore", "")],
};

fn check(tree: &Tree) -> Vec<Violation> {
    let tops: BTreeSet<&str> = tree.paths.iter().filter_map(|path| path.split('/').next()).collect();
    tops.into_iter()
        .filter(|top| !top.starts_with('.') && !ALLOWED.contains(top))
        .map(|top| Violation::of(top, "does not belong at the top of the tree"))
        .collect()
}
