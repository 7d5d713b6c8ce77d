//! Clinics as the bureau sees them: at which level each is, by which its bills are covered. Names nobody, and no bill.

mod levels;
#[cfg(test)]
pub(super) mod tests;

use axum::routing::MethodRouter;

use crate::app::App;

/// The pages of this folder.
pub(super) fn routes() -> Vec<(&'static str, MethodRouter<App>)> {
    levels::routes().into()
}
