//! Which file may know of which layer: deciding code of none, SQL only in stores, axum only at the doors.

use crate::source::{code, has_word, is_test_file, shipped_lines};
use crate::tree::File;
use crate::{Rule, Tree, Violation};

pub(super) const PURE: Rule = Rule {
    name: "models and rules are pure",
    check: check_pure,
    defects: &[
        &[("card-service/src/domains/purse/rules.rs", "use sqlx::Row;\n")],
        &[("card-service/src/ledger/model.rs", "fn f() { tokio::spawn(async {}); }\n")],
    ],
    allowed: &[
        ("card-service/src/domains/purse/rules.rs", "// as sqlx has it\nfn decide() {}\n"),
        ("card-service/src/domains/purse/store.rs", "use sqlx::Row;\n"),
    ],
};

fn check_pure(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.rust_in("card-service/src/").filter(|file| matches!(file.name(), "model.rs" | "rules.rs")) {
        for (line, text) in shipped_lines(&file.text) {
            for word in ["sqlx", "axum", "askama", "tokio"] {
                if has_word(code(text), word) {
                    let message = format!("deciding code must not know of {word}: state comes in, results go out");
                    found.push(Violation::at(&file.path, line, message));
                }
            }
        }
    }
    found
}

pub(super) const SQL: Rule = Rule {
    name: "SQL is in stores",
    check: check_sql,
    defects: &[
        &[("card-service/src/intake/writer.rs", "let rows = sqlx::query_as(TEXT);\n")],
        &[("card-service/src/cards/api.rs", "const A: &str = \"SELECT card_id FROM card\";\n")],
        &[("card-service/src/cards/api.rs", "const A: &str = \"\n    SELECT card_id\n    FROM card\";\n")],
        &[("reader-daemon/src/tap/sign.rs", "let text = \"INSERT INTO tap (counter)\n VALUES ($1)\";\n")],
    ],
    allowed: &[
        ("card-service/src/cards/store.rs", "const A: &str = \"SELECT card_id FROM card\";\n"),
        ("card-service/src/db/open.rs", "const A: &str = \"PRAGMA journal_mode\";\n"),
        ("card-service/src/cards/tests.rs", "const A: &str = \"SELECT card_id FROM card\";\n"),
        ("reader-daemon/src/outbox/lane.rs", "let rows = sqlx::query_as(TEXT);\n"),
        ("reader-daemon/src/piv/select.rs", "/// \"SELECT * FROM card\" it is not.\nfn select() {}\n"),
    ],
};

fn may_hold_sql(file: &File) -> bool {
    // The daemon has one store, and the outbox is it.
    if file.path.starts_with("reader-daemon/src/outbox/") {
        return true;
    }
    file.name() == "store.rs" || file.path.contains("/db/") || file.path.contains("/store/") || is_test_file(&file.path)
}

fn check_sql(tree: &Tree) -> Vec<Violation> {
    let beginnings = [
        "SELECT ",
        "INSERT INTO ",
        "INSERT OR ",
        "UPDATE ",
        "DELETE FROM ",
        "CREATE TABLE ",
        "PRAGMA ",
        "WITH RECURSIVE ",
    ];
    let mut found = Vec::new();
    for file in ["card-service/src/", "reader-daemon/src/"].into_iter().flat_map(|folder| tree.rust_in(folder)) {
        if may_hold_sql(file) {
            continue;
        }
        for (line, text) in shipped_lines(&file.text) {
            let text = code(text);
            let literal = beginnings
                .iter()
                .any(|beginning| text.contains(&format!("\"{beginning}")) || text.trim_start().starts_with(beginning));
            if literal || text.contains("sqlx::query") || has_word(text, "QueryBuilder") {
                found.push(Violation::at(&file.path, line, "SQL belongs in a store.rs or in db/"));
            }
        }
    }
    found
}

pub(super) const AXUM: Rule = Rule {
    name: "axum is at the doors",
    check: check_axum,
    defects: &[
        &[("card-service/src/intake/writer.rs", "use axum::Json;\n")],
        &[("card-service/src/intake/http.rs", "use axum::Json;\n")],
        &[("card-service/src/cards/store.rs", "fn f(state: axum::extract::State<()>) {}\n")],
        &[("reader-daemon/src/outbox/mod.rs", "use axum::Router;\n")],
        &[("card-schema/src/wire/mod.rs", "use axum::Router;\n")],
    ],
    allowed: &[
        ("card-service/src/cards/api.rs", "use axum::Json;\n"),
        ("card-service/src/people/member/pages/one.rs", "use axum::Json;\n"),
        ("card-service/src/http/problem.rs", "use axum::Json;\n"),
        ("card-service/src/serve.rs", "use axum::Json;\n"),
        ("card-service/src/serve/tls.rs", "use axum_server::Handle;\n"),
        ("reader-daemon/src/local/mod.rs", "use axum::Json;\n"),
    ],
};

fn may_know_axum(path: &str, name: &str) -> bool {
    let service = path.strip_prefix("card-service/src/").is_some_and(|inside| {
        matches!(name, "api.rs" | "pages.rs")
            || inside == "serve.rs"
            || ["console/", "http/", "serve/"].iter().any(|folder| inside.starts_with(folder))
            || ["/api/", "/pages/"].iter().any(|folder| inside.contains(folder))
    });
    service || path.starts_with("reader-daemon/src/local/")
}

fn check_axum(tree: &Tree) -> Vec<Violation> {
    let shipped = ["card-schema/src/", "card-service/src/", "reader-daemon/src/"];
    let mut found = Vec::new();
    for file in shipped.into_iter().flat_map(|folder| tree.rust_in(folder)) {
        if may_know_axum(&file.path, file.name()) || is_test_file(&file.path) {
            continue;
        }
        for (line, text) in shipped_lines(&file.text) {
            if has_word(code(text), "axum") {
                found.push(Violation::at(&file.path, line, "axum belongs in api.rs, pages.rs, http/ and the wiring"));
            }
        }
    }
    found
}
