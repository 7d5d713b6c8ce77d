//! Where the city's districts, streets, communities and grid cells lie. A file of cells (GeoJSON) is read on the command
//! line (`card-service area import`); what lies above the cells follows from them.
//!
//! All of this is public and lies in clear. Not here: houses (`house`), how many people live where (`map`).

pub mod model;
pub mod rules;
pub mod store;
#[cfg(test)]
pub(crate) mod tests;

use card_schema::clock::Micros;
use serde::Serialize;

use crate::db::{Db, DbError};
use model::Level;
use rules::Fault;

/// What an import has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Cells that the file holds.
    pub cells: usize,
    /// Cells that were not known or are another now.
    pub changed: usize,
    /// Communities, streets and districts in all.
    pub above: usize,
}

/// Reads a file of cells. Cells that are known by their code are what the file says now; those that the file does not name
/// stay, because houses lie in them.
///
/// # Errors
/// What is wrong with the file, as a value: nothing was changed then.
pub async fn import(db: &Db, at: Micros, text: &str) -> Result<Result<Imported, Fault>, DbError> {
    let new = match rules::read(text) {
        Ok(new) => new,
        Err(fault) => return Ok(Err(fault)),
    };
    db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            let before = store::all(tx.conn()).await?;
            let cells = new.len();
            let after = match rules::tree(model::cells(&before), new) {
                Ok(after) => after,
                Err(fault) => return Ok(Err(fault)),
            };
            let (changed, gone) = rules::difference(&before, &after);
            store::change(tx, at, &changed, &gone).await?;
            Ok(Ok(Imported {
                cells,
                changed: changed.iter().filter(|area| area.level == Level::Cell).count(),
                above: after.keys().filter(|(level, _)| *level != Level::Cell).count(),
            }))
        })
    })
    .await
}
