//! Clinics as the bureau sees them: at which level each is, by which its bills are covered, what it is paid for the bills of a month, and
//! one bill, for whoever says why. Nobody is named; a bill has a number.

mod claim;
mod levels;
mod months;
#[cfg(test)]
pub(super) mod tests;

use axum::routing::MethodRouter;

use crate::app::App;

/// The pages of this folder.
pub(super) fn routes() -> Vec<(&'static str, MethodRouter<App>)> {
    let mut routes = Vec::from(levels::routes());
    routes.extend(months::routes());
    routes.extend(claim::routes());
    routes
}
