//! Documents do not rot: a file they name is there.

use std::path::Path;

use crate::{Rule, Tree, Violation};

const TOPS: &[&str] = &["card-schema/", "card-service/", "reader-daemon/", "tests/", "docs/", ".config/", ".ci/"];

pub(super) const RULE: Rule = Rule {
    name: "documents name files that exist",
    check,
    defects: &[
        &[("docs/ARCHITECTURE.md", "A tap begins in `reader-daemon/src/tap/identify.rs`.\n")],
        &[("README.md", "See [the limits](docs/limits.md).\n")],
    ],
    allowed: &[
        ("docs/ARCHITECTURE.md", "See `card-schema/src/ids.rs`, `card-schema/src/`, `tests/*/Cargo.toml`, `docs/`.\n"),
        ("card-schema/src/ids.rs", "//! Identifiers. Makes none.\n"),
    ],
};

fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in
        tree.files.iter().filter(|file| Path::new(&file.path).extension().is_some_and(|extension| extension == "md"))
    {
        for (line, text) in file.lines() {
            for named in text.split(['`', '(', ')', ' ', ',']).filter(|part| is_path(part)) {
                let named = named.trim_end_matches(['.', ':', ';']);
                if !exists(tree, named) {
                    found.push(Violation::at(&file.path, line, format!("names `{named}`, which does not exist")));
                }
            }
        }
    }
    found
}

fn is_path(part: &str) -> bool {
    TOPS.iter().any(|top| part.starts_with(top)) && !part.contains(['*', '{', '<', 'N', '…'])
}

fn exists(tree: &Tree, named: &str) -> bool {
    let named = named.split('#').next().unwrap_or(named);
    let folder = format!("{}/", named.trim_end_matches('/'));
    tree.paths.iter().any(|path| path == named || path.starts_with(&folder))
}
