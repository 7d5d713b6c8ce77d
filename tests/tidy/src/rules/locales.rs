//! Both languages say the same things: the same files, the same keys.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Rule, Tree, Violation};

const LOCALES: [&str; 2] = ["en", "zh-CN"];

pub(super) const RULE: Rule = Rule {
    name: "both locales have the same keys",
    check,
    defects: &[
        &[
            ("card-service/i18n/en/console.ftl", "title = Cards\nhelp = Help\n"),
            ("card-service/i18n/zh-CN/console.ftl", "title = 卡片\n"),
        ],
        &[("card-service/i18n/zh-CN/console.ftl", "title = 卡片\n")],
        &[
            ("card-service/i18n/en/console.ftl", "title = Cards\n    .hint = All\n"),
            ("card-service/i18n/zh-CN/console.ftl", "title = 卡片\n"),
        ],
    ],
    allowed: &[
        ("card-service/i18n/en/console.ftl", "# a = b\ntitle = Cards\n    more = words\n"),
        ("card-service/i18n/zh-CN/console.ftl", "title = 卡片\n"),
    ],
};

/// What both languages must share: for each file (without its locale) the keys of each locale.
type Keys<'a> = BTreeMap<String, BTreeMap<&'a str, BTreeSet<String>>>;

fn check(tree: &Tree) -> Vec<Violation> {
    let mut files: Keys = BTreeMap::new();
    for file in tree.files.iter().filter(|file| file.path.contains("i18n/")) {
        let Some(locale) = LOCALES.into_iter().find(|locale| file.path.contains(&format!("i18n/{locale}/"))) else {
            continue;
        };
        let common = file.path.replace(&format!("i18n/{locale}/"), "i18n/*/");
        files.entry(common).or_default().insert(locale, keys(&file.text));
    }
    let mut found = Vec::new();
    let none = BTreeSet::new();
    for (path, by_locale) in &files {
        for (locale, other) in [(LOCALES[0], LOCALES[1]), (LOCALES[1], LOCALES[0])] {
            let (mine, theirs) = (by_locale.get(locale).unwrap_or(&none), by_locale.get(other).unwrap_or(&none));
            for key in theirs.difference(mine) {
                found
                    .push(Violation::of(&path.replace('*', locale), format!("lacks the key {key}, which {other} has")));
            }
        }
    }
    found
}

/// The message identifiers and attributes of a Fluent file.
fn keys(text: &str) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut message = "";
    for line in text.lines() {
        let Some((name, _)) = line.split_once('=') else { continue };
        let key = name.trim();
        if key.starts_with(['#', '*', '[', '{']) || key.contains(char::is_whitespace) {
            continue;
        }
        if let Some(attribute) = key.strip_prefix('.') {
            keys.insert(format!("{message}.{attribute}"));
        } else if !line.starts_with(char::is_whitespace) {
            message = key;
            keys.insert(key.to_owned());
        }
    }
    keys
}
