//! The console: server-rendered pages for staff that work without scripts.
//!
//! `pages` answers requests about activity and sessions, `register` has the pages of lists that the office keeps; `home`,
//! `find`, `holder`, `concessions`, `insurance`, `clinics`, `journeys`, `timeline`, `gate_desk`, `card_desk`, `merge`, `unblock`, `reader_job` and `slip` those that their names say; `history` is one
//! shape for what happened, `part` what those parts of a record share that ask why first, `view` what templates
//! (`templates/console/`) show, `input` a field of a form, `model` how a thing is shown, `guard` what protects pages from
//! other sites, `live` what changes while somebody looks. To add a page: a struct in `view`, a template, its texts in
//! `i18n/*/console.ftl`, a handler, and a line in the render test. A form that is shown again goes through `asking`.
//! Not here: who may do what (`people`), reading card activity (`cards::activity`), persons' records
//! (`domains::residence`), the JSON API.

mod card_desk;
mod clinics;
mod concessions;
mod find;
pub mod frame;
mod gate_desk;
pub mod guard;
pub mod history;
pub mod holder;
mod home;
pub mod input;
mod insurance;
mod journeys;
pub(crate) mod live;
mod merge;
pub mod model;
pub mod pages;
mod part;
mod reader_job;
pub mod register;
mod sheet;
mod slip;
#[cfg(test)]
mod tests;
mod timeline;
mod unblock;
pub mod view;

pub use pages::{asking, first_page, overtaken, page, router};
