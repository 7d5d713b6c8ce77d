//! What operators have taken and given back in a month, by network or pass, as it stands in the ledger; and how often cards were
//! shown there. Knows no holder and no card.

pub mod model;
pub mod pages;
mod store;
mod view;

use card_schema::clock::Micros;
use card_schema::month::Month;

use self::model::{Of, Settlement};
use super::fares::{Fares, InForce};
use super::import;
use super::model::Sold;
use crate::db::{Db, DbError};

/// What operators have taken in a month.
///
/// # Errors
/// When the database fails.
pub async fn of_month(db: &Db, month: Month) -> Result<Settlement, DbError> {
    let span = month.span();
    let fares = import::fares(&mut db.read().await?, span.start).await?;
    let parts = parts(&fares, span.start, span.end);
    let names = fares.versions().iter().flat_map(|version| &version.tariff.networks);
    let names = names.map(|network| (network.id.clone(), network.name.clone())).collect();
    // All of it as it was at one moment: balances are those that the transfers make.
    db.snapshot::<_, DbError, _>(async |connection| {
        let mut settlement =
            Settlement { month, operators: store::operators(connection).await?, names, ..Settlement::default() };
        for (of, moved) in store::moved(connection, &span).await? {
            settlement.add(of, moved);
        }
        for (from, until, version) in &parts {
            for (operator, route, shown) in store::shown(connection, *from, *until).await? {
                let tariff = version.map(|version| &version.tariff);
                let network = tariff.and_then(|tariff| Some(tariff.network_of(tariff.route_named(&route)?).id.clone()));
                let of = Of { operator: Some(operator), sold: network.map(Sold::Rides) };
                settlement.add(of, shown);
            }
        }
        Ok(settlement)
    })
    .await
}

/// A span of time by the versions in force; before the first there is none.
fn parts(fares: &Fares, start: Micros, end: Micros) -> Vec<(Micros, Micros, Option<&InForce>)> {
    let versions = fares.versions();
    let begins = |place: usize| versions.get(place).map_or(end, |version| version.starts_at.clamp(start, end));
    let before = std::iter::once((start, begins(0), None));
    let each = versions.iter().enumerate().map(|(place, version)| (begins(place), begins(place + 1), Some(version)));
    before.chain(each).filter(|(from, until, _)| from < until).collect()
}
