//! Words that must not be in the tree: one machine's paths, addresses of package registries, unfinished business.
//!
//! The words are put together from parts, so that this file does not hold them itself.

use crate::{Rule, Tree, Violation};

const WORDS: &[(&str, &str)] = &[
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/Us", "ers/"), "a path of one machine"),
    (concat!("py", "pi.org"), "an address of a package registry"),
    (concat!("python", "hosted.org"), "an address of a package registry"),
    (concat!("static.cra", "tes.io"), "an address of a package registry"),
    (concat!("index.cra", "tes.io"), "an address of a package registry"),
    (concat!("registry.np", "mjs"), "an address of a package registry"),
    (concat!("deb.deb", "ian.org"), "an address of a package registry"),
    (concat!("TO", "DO"), "unfinished business: finish it, or write it into docs/"),
    (concat!("FIX", "ME"), "unfinished business: finish it, or write it into docs/"),
    (concat!("to", "do!("), "unfinished business"),
    (concat!("db", "g!("), "left over from debugging"),
];

pub(super) const RULE: Rule = Rule {
    name: "forbidden words",
    check,
    defects: &[
        &[("docs/setup.md", concat!("cd /Us", "ers/someone/card\n"))],
        &[("tests/xtask/src/main.rs", concat!("let index = \"https://py", "pi.org\";\n"))],
        &[("card-schema/src/ids.rs", concat!("// TO", "DO: later\n"))],
    ],
    allowed: &[("docs/setup.md", "Tools come from PyPI; a home folder is not needed.\n")],
};

fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.path != "Cargo.lock") {
        for (line, text) in file.lines() {
            for (word, why) in WORDS.iter().filter(|(word, _)| text.contains(word)) {
                found.push(Violation::at(&file.path, line, format!("`{word}`: {why}")));
            }
        }
    }
    found
}
