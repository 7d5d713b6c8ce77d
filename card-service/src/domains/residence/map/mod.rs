//! How many people live where: counts by district, street, community and grid cell, of which none that is small is shown nor
//! can be computed (`rules`).
//!
//! Opens no record: who lives in which house is known by ids. Not here: outlines and names of areas (`area`).

pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;
pub mod view;

use std::sync::Arc;

use tokio::sync::Mutex;

use super::area;
use crate::app::App;
use crate::db::DbError;
use crate::http::Refusal;
use model::City;

pub use store::forget;

/// The city as this service has shown it last.
#[derive(Debug, Default)]
pub struct Counted(Mutex<Option<Arc<City>>>);

/// The city as it was counted last: once a day, because whoever sees it before and after somebody came knows where that
/// person lives. Whoever asks meanwhile waits for the one who counts, and other services show the same.
///
/// # Errors
/// When the database fails.
pub async fn city(app: &App) -> Result<Arc<City>, Refusal> {
    let mut shown = app.counted.0.lock().await;
    let mut last = store::last(&mut app.db.read().await?).await?;
    if last.is_none_or(|last| !last.holds(app.now(), app.today())) {
        last = Some(count(app).await?);
    }
    if let Some(city) = shown.as_ref().filter(|city| Some(city.counted) == last) {
        return Ok(Arc::clone(city));
    }
    let city = app
        .db
        .snapshot::<_, DbError, _>(async |connection| {
            let (counted, counts) = store::kept(&mut *connection).await?;
            Ok(City::new(counted, area::store::names(connection).await?, &counts))
        })
        .await?;
    let city = Arc::new(city);
    *shown = Some(Arc::clone(&city));
    Ok(city)
}

/// Counts, and keeps what was counted for a day. Where another service was faster, that is what counts.
async fn count(app: &App) -> Result<rules::When, DbError> {
    let when = rules::When { day: app.today(), at: app.now() };
    let day = when.day.start_utc();
    let counts = app.db.snapshot::<_, DbError, _>(async |connection| store::counts(connection, day).await).await?;
    app.db.write_concurrently(move |tx| Box::pin(async move { store::keep(tx, when, &counts).await })).await
}
