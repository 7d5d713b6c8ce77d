//! Tests wait for what they need, never for a time: a fixed pause is either too short or too long.

use crate::source::{code, has_word, is_test_file};
use crate::{Rule, Tree, Violation};

/// Files that may sleep, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("tests/town/src/wait.rs", "the one loop that asks again until a thing is so or its time is over"),
    ("tests/town/src/pcscd.rs", "asks again until pcscd answers, or has ended, or its time is over"),
    ("tests/bench/src/intake/load.rs", "terminals that keep an even pace, and come back when they were asked to"),
    ("tests/town/src/line.rs", "a line that is slow: the delay is the fault"),
    ("tests/virtual-card/", "the card's side of the wire: it plays a slow or hung chip"),
];

pub(super) const RULE: Rule = Rule {
    name: "tests do not sleep",
    check,
    defects: &[
        &[("tests/e2e/tests/purse.rs", "std::thread::sleep(Duration::from_millis(200));\n")],
        &[("card-service/src/intake/tests.rs", "tokio::time::sleep(ONE_SECOND).await;\n")],
        &[(
            "reader-daemon/src/submit/mod.rs",
            "fn f() {}\n#[cfg(test)]\nmod tests {\n    fn t() { sleep(SHORT); }\n}\n",
        )],
    ],
    allowed: &[
        ("tests/town/src/wait.rs", "thread::sleep(STEP);\n"),
        ("reader-daemon/src/submit/mod.rs", "fn f() { sleep(BACK_OFF); }\n"),
    ],
};

fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.rust() {
        // This crate's fixtures are defects on purpose.
        if file.path.starts_with("tests/tidy/") || EXCEPTIONS.iter().any(|(path, _)| file.path.starts_with(path)) {
            continue;
        }
        let mut in_tests = is_test_file(&file.path);
        for (line, text) in file.lines() {
            in_tests |= text.trim() == "#[cfg(test)]";
            let text = code(text);
            if in_tests && has_word(text, "sleep") && text.contains("sleep(") {
                found.push(Violation::at(&file.path, line, "wait for what is needed (town's `wait`), not for a time"));
            }
        }
    }
    found
}
