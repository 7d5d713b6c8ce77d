//! All rules, in the order in which they are reported.

mod decisions;
mod dependencies;
mod doc_paths;
mod headers;
mod layers;
mod length;
mod locales;
mod migrations;
mod rooms;
mod routes;
mod sleeps;
mod top_level;
mod words;

use crate::Rule;

/// Every rule there is.
pub const RULES: &[Rule] = &[
    top_level::RULE,
    dependencies::RULE,
    layers::PURE,
    layers::SQL,
    layers::AXUM,
    rooms::RULE,
    routes::RULE,
    headers::RULE,
    length::RULE,
    locales::RULE,
    migrations::RULE,
    sleeps::RULE,
    words::RULE,
    decisions::RULE,
    doc_paths::RULE,
];
