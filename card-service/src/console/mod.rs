//! The console: server-rendered pages for staff that work without scripts.
//!
//! `pages` answers requests, `view` is what templates (`templates/console/`) show, `model` the purposes and places in a
//! list, `store` the reading of activity with its leaf, `guard` what protects pages from other sites. To add a page:
//! a struct in `view`, a template, its texts in `i18n/*/console.ftl`, a handler, and a line in the render test.
//! Not here: who may do what (`people`), persons' records (`domains::residence`), the JSON API.

pub mod guard;
pub mod model;
pub mod pages;
pub mod store;
#[cfg(test)]
mod tests;
pub mod view;

pub use pages::router;
