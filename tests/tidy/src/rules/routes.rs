//! Each route of the service has its place in the API's description: both come from one source, but for pages for people.

use crate::source::{code, is_test_file, shipped_lines};
use crate::{Rule, Tree, Violation};

pub(super) const RULE: Rule = Rule {
    name: "routes are described",
    check,
    defects: &[
        &[("card-service/src/cards/api.rs", "Router::new().route(\"/v1/cards\", get(list))\n")],
        &[("card-service/src/api.rs", "let router = router\n    .nest(\"/v2\", other());\n")],
        &[("card-service/src/evidence/api.rs", "router.route_service(\"/tile\", tiles)\n")],
    ],
    allowed: &[
        ("card-service/src/cards/api.rs", "OpenApiRouter::new().routes(routes!(list))\n"),
        ("card-service/src/console/pages.rs", "Router::new().route(\"/sign-in\", get(form))\n"),
        ("card-service/src/intake/tests.rs", "Router::new().route(\"/slow\", get(slow))\n"),
    ],
};

fn check(tree: &Tree) -> Vec<Violation> {
    let ways = [".route(", ".route_service(", ".nest(", ".nest_service("];
    let mut found = Vec::new();
    for file in tree.rust_in("card-service/src/") {
        if file.path.starts_with("card-service/src/console/") || is_test_file(&file.path) {
            continue;
        }
        for (line, text) in shipped_lines(&file.text) {
            if ways.iter().any(|way| code(text).contains(way)) {
                let message = "add it with OpenApiRouter::routes, so that the API's description has it";
                found.push(Violation::at(&file.path, line, message));
            }
        }
    }
    found
}
