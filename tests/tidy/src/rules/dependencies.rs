//! Who may depend on whom: the schema on nobody, the two programs never on each other, what ships never on tests.

use crate::{Rule, Tree, Violation};

const SHIPPED: &[&str] = &["card-schema", "card-service", "reader-daemon"];

pub(super) const RULE: Rule = Rule {
    name: "dependency direction",
    check,
    defects: &[
        &[("reader-daemon/Cargo.toml", "[dependencies]\ncard-service.workspace = true\n")],
        &[("card-service/Cargo.toml", "[dev-dependencies]\nreader-daemon = { path = \"../reader-daemon\" }\n")],
        &[("card-schema/Cargo.toml", "[dependencies.reader-daemon]\npath = \"../reader-daemon\"\n")],
        &[
            ("tests/town/Cargo.toml", "[package]\nname = \"town\"\n"),
            ("card-service/Cargo.toml", "[target.'cfg(unix)'.dependencies]\ntown.workspace = true\n"),
        ],
        &[("card-service/Cargo.toml", "[dependencies]\ndaemon = { package = \"reader-daemon\", version = \"1\" }\n")],
    ],
    allowed: &[
        ("tests/town/Cargo.toml", "[package]\nname = \"town\"\n[dependencies]\ncard-service.workspace = true\n"),
        ("reader-daemon/Cargo.toml", "[dependencies]\ncard-schema.workspace = true\n[features]\ncard-service = []\n"),
    ],
};

fn check(tree: &Tree) -> Vec<Violation> {
    let tests: Vec<&str> =
        tree.paths.iter().filter_map(|path| path.strip_prefix("tests/")?.strip_suffix("/Cargo.toml")).collect();
    let mut found = Vec::new();
    for owner in SHIPPED {
        let path = format!("{owner}/Cargo.toml");
        let Some(file) = tree.files.iter().find(|file| file.path == path) else { continue };
        let allowed = |name: &str| *owner != "card-schema" && name == "card-schema" || name == *owner;
        for (line, name) in dependencies(&file.text) {
            let ours = SHIPPED.contains(&name.as_str()) || tests.contains(&name.as_str());
            if ours && !allowed(&name) {
                found.push(Violation::at(&path, line, format!("{owner} must not depend on {name}")));
            }
        }
    }
    found
}

/// The names under any table of dependencies, with their lines; a renamed one counts by its own name.
fn dependencies(manifest: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            inside = table.ends_with("dependencies");
            if let Some((before, name)) = table.rsplit_once('.')
                && before.ends_with("dependencies")
            {
                found.push((index + 1, name.to_owned()));
            }
            continue;
        }
        let name = line.split(['=', '.', ' ']).next().unwrap_or_default().trim_matches('"');
        if inside && !name.is_empty() && !name.starts_with('#') {
            found.push((index + 1, name.to_owned()));
        }
        if let Some(renamed) = line.split("package = \"").nth(1).and_then(|rest| rest.split('"').next()) {
            found.push((index + 1, renamed.to_owned()));
        }
    }
    found
}
