//! Rooms never import rooms: across domains only ledger postings and the card's holder id travel.

use crate::source::code;
use crate::{Rule, Tree, Violation};

pub(super) const RULE: Rule = Rule {
    name: "rooms never import rooms",
    check,
    defects: &[
        &[
            ("card-service/src/domains/gate/rules.rs", "use crate::domains::purse::Limits;\n"),
            ("card-service/src/domains/purse/mod.rs", "//! Purse.\n"),
        ],
        &[
            ("card-service/src/domains/gate/store.rs", "use super::super::purse;\n"),
            ("card-service/src/domains/purse/mod.rs", "//! Purse.\n"),
        ],
        &[
            ("card-service/src/domains/purse/mod.rs", "use crate::{db::Db, domains::{gate, Room}};\n"),
            ("card-service/src/domains/gate/mod.rs", "//! Gate.\n"),
        ],
    ],
    allowed: &[
        ("card-service/src/domains/gate/rules.rs", "use crate::domains::gate::Door;\nuse super::super::Room;\n"),
        ("card-service/src/domains/purse/rules.rs", "use crate::domains::{Room, Outcome};\n"),
        ("card-service/src/domains/mod.rs", "use self::purse::Purse;\n"),
        ("card-service/src/domains/purse/mod.rs", "//! Purse.\n"),
        ("card-service/src/intake/mod.rs", "use crate::domains::purse;\n"),
    ],
};

const DOMAINS: &str = "card-service/src/domains/";

/// The room a file lies in; files beside the rooms belong to none.
fn room(path: &str) -> Option<&str> {
    path.strip_prefix(DOMAINS)?.split_once('/').map(|(room, _)| room)
}

fn check(tree: &Tree) -> Vec<Violation> {
    let mut rooms: Vec<&str> = tree.rust_in(DOMAINS).filter_map(|file| room(&file.path)).collect();
    rooms.sort_unstable();
    rooms.dedup();
    let mut found = Vec::new();
    for file in tree.rust_in(DOMAINS) {
        let Some(own) = room(&file.path) else { continue };
        for (line, text) in file.lines() {
            if let Some(other) = named_rooms(code(text)).find(|name| *name != own && rooms.contains(name)) {
                found.push(Violation::at(&file.path, line, format!("the room {own} must not know the room {other}")));
            }
        }
    }
    found
}

/// What a line names behind `domains::` or `super::super::`, also in braces.
fn named_rooms(text: &str) -> impl Iterator<Item = &str> {
    ["domains::", "super::super::"].into_iter().flat_map(move |prefix| {
        text.match_indices(prefix).flat_map(move |(at, _)| {
            let rest = &text[at + prefix.len()..];
            let list = rest.strip_prefix('{').map_or(rest, |list| list.split('}').next().unwrap_or(list));
            let several = rest.starts_with('{');
            list.split(',')
                .take(if several { usize::MAX } else { 1 })
                .map(|item| item.trim().split([':', ';', ' ', '(', ')', '<', '}']).next().unwrap_or_default())
        })
    })
}
