//! How many people live where: counts by district, street, community and grid cell, of which none that is small is shown nor
//! can be computed (`rules`).
//!
//! Opens no record: who lives in which house is known by ids. Not here: outlines and names of areas (`area`).

pub mod model;
pub mod pages;
pub mod rules;
mod store;
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

/// How long counts are shown before people are counted anew.
const COUNTED_ANEW_SECONDS: i64 = 60;

/// The city as it was counted last.
#[derive(Debug, Default)]
pub struct Counted(Mutex<Option<Arc<City>>>);

/// The city as it is, or was less than a minute ago. Who asks meanwhile waits for the one who counts.
///
/// # Errors
/// When the database fails.
pub async fn city(app: &App) -> Result<Arc<City>, Refusal> {
    let mut counted = app.counted.0.lock().await;
    let now = app.now();
    if let Some(city) = counted.as_ref().filter(|city| now < city.at.plus_seconds(COUNTED_ANEW_SECONDS)) {
        return Ok(Arc::clone(city));
    }
    let day = app.today().start_utc();
    let city = app
        .db
        .snapshot::<_, DbError, _>(async |connection| {
            let counts = store::counts(&mut *connection, day).await?;
            Ok(City::new(now, area::store::names(connection).await?, &counts))
        })
        .await?;
    let city = Arc::new(city);
    *counted = Some(Arc::clone(&city));
    Ok(city)
}
