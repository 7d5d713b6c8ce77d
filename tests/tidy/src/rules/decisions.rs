//! Decisions: one short file each, with a number of its own and three parts.

use std::collections::BTreeSet;

use crate::{Rule, Tree, Violation};

pub(super) const RULE: Rule = Rule {
    name: "decisions",
    check,
    defects: &[
        &[
            ("docs/decisions/0001-one.md", "# 0001: One\n\nContext. A.\n\nDecision. B.\n\nConsequences. C.\n"),
            ("docs/decisions/0001-two.md", "# 0001: Two\n\nContext. A.\n\nDecision. B.\n\nConsequences. C.\n"),
        ],
        &[("docs/decisions/0001-one.md", "# 0001: One\n\nDecision. B.\n\nConsequences. C.\n")],
        &[("docs/decisions/0002-one.md", "# 0001: One\n\nContext. A.\n\nDecision. B.\n\nConsequences. C.\n")],
    ],
    allowed: &[("docs/decisions/0001-one.md", "# 0001: One\n\nContext. A.\n\nDecision. B.\n\nConsequences. C.\n")],
};

fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut numbers = BTreeSet::new();
    for file in &tree.files {
        let Some(name) = file.path.strip_prefix("docs/decisions/").filter(|name| *name != "README.md") else {
            continue;
        };
        let number = name.split('-').next().unwrap_or_default();
        if !numbers.insert(number) {
            found.push(Violation::of(&file.path, format!("the number {number} is taken")));
        }
        if !file.text.starts_with(&format!("# {number}: ")) {
            found.push(Violation::at(&file.path, 1, format!("should begin with `# {number}: `")));
        }
        for part in ["Context", "Decision", "Consequences"] {
            if !file.text.lines().any(|line| line.trim_start_matches('#').trim_start().starts_with(part)) {
                found.push(Violation::of(&file.path, format!("lacks its part {part}")));
            }
        }
    }
    found
}
