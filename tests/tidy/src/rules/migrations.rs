//! Both databases change in the same steps: same file names, numbers without gap or double.

use std::collections::BTreeSet;

use crate::{Rule, Tree, Violation};

pub(super) const RULE: Rule = Rule {
    name: "migrations run in step",
    check,
    defects: &[
        &[
            ("card-service/src/migrations/sqlite/0001_evidence.sql", ""),
            ("card-service/src/migrations/postgres/0001_evidence.sql", ""),
            ("card-service/src/migrations/sqlite/0002_ledger.sql", ""),
        ],
        &[
            ("card-service/src/migrations/sqlite/0001_evidence.sql", ""),
            ("card-service/src/migrations/sqlite/0001_ledger.sql", ""),
        ],
        &[("reader-daemon/src/migrations/0001_outbox.sql", ""), ("reader-daemon/src/migrations/0003_cards.sql", "")],
    ],
    allowed: &[
        ("card-service/src/migrations/sqlite/0001_evidence.sql", ""),
        ("card-service/src/migrations/sqlite/0002_ledger.sql", ""),
    ],
};

const SQLITE: &str = "card-service/src/migrations/sqlite/";
const POSTGRES: &str = "card-service/src/migrations/postgres/";

fn names<'a>(tree: &'a Tree, folder: &'a str) -> BTreeSet<&'a str> {
    tree.paths.iter().filter_map(|path| path.strip_prefix(folder)).filter(|name| !name.contains('/')).collect()
}

fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let folders: BTreeSet<&str> = tree
        .paths
        .iter()
        .filter(|path| path.contains("/migrations/"))
        .filter_map(|path| path.rfind('/').map(|end| &path[..=end]))
        .collect();
    for folder in &folders {
        for (index, name) in names(tree, folder).into_iter().enumerate() {
            let expected = format!("{:04}_", index + 1);
            if !name.starts_with(&expected) {
                found.push(Violation::of(&format!("{folder}{name}"), format!("should be number {}", index + 1)));
            }
        }
    }
    let (sqlite, postgres) = (names(tree, SQLITE), names(tree, POSTGRES));
    if !sqlite.is_empty() && !postgres.is_empty() {
        for name in sqlite.symmetric_difference(&postgres) {
            found.push(Violation::of(
                &format!("card-service/src/migrations/*/{name}"),
                "is there for one database only",
            ));
        }
    }
    found
}
