//! A version of the fares comes into force: what was read is kept with its hash and a leaf of the log, and fares are made of it again
//! whenever they are needed.

use std::sync::Arc;

use card_schema::clock::Micros;
use card_schema::date::Date;
use ring::digest::{self, SHA256};
use serde::Serialize;

use super::fares::{Fares, InForce, still_in_force};
use super::feed::{self, Report};
use super::model::Version;
use super::store::{self, New};
use crate::db::{Connection, Db, DbError};
use crate::people::StaffId;

/// The most of an archive that is kept: stops, routes and fares, without trips.
const KEPT_MAX_BYTES: usize = 16 << 20;

/// What is to be imported.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The feed's archive.
    pub archive: Vec<u8>,
    /// What stands beside it.
    pub supplement: String,
    /// The first day of service; at once where none is said.
    pub from: Option<Date>,
    /// Whether it may be taken though it says things that fares here do not follow.
    pub in_part: bool,
    /// Who imports it; nobody on the command line.
    pub by: Option<StaffId>,
}

/// What was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Its number.
    pub version: i64,
    /// From when on, in microseconds since 1970.
    pub starts_at: Micros,
    /// What was found.
    pub report: Report,
}

/// Why nothing was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Something is wrong with it.
    Wrong(Report),
    /// It says things that fares here do not follow.
    InPart(Report),
    /// It would change fares of days that have begun.
    Past,
    /// More of it would have to be kept than is.
    TooLarge(usize),
}

/// Imports a version, or says why not. Then nothing was changed.
///
/// # Errors
/// The database failed.
pub async fn import(db: &Db, now: Micros, wish: Wish) -> Result<Result<Imported, Refused>, DbError> {
    let (tariff, report) = feed::read(&wish.archive, &wish.supplement);
    let Some(tariff) = tariff else { return Ok(Err(Refused::Wrong(report))) };
    if !wish.in_part && !report.is_followed() {
        return Ok(Err(Refused::InPart(report)));
    }
    let starts_at = wish.from.map_or(now, |day| tariff.begins(day));
    if starts_at < now {
        return Ok(Err(Refused::Past));
    }
    let feed = feed::kept(&wish.archive);
    if feed.len() > KEPT_MAX_BYTES {
        return Ok(Err(Refused::TooLarge(KEPT_MAX_BYTES >> 20)));
    }
    let source = digest::digest(&SHA256, &wish.archive).as_ref().try_into().expect("SHA-256 has 32 bytes");
    let version = db
        .write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                let new = New { starts_at, by: wish.by, source, feed: &feed, supplement: &wish.supplement };
                store::insert(tx, now, &new).await
            })
        })
        .await?;
    Ok(Ok(Imported { version, starts_at, report }))
}

/// The fares of all versions that may be asked for legs which began at a moment or later, made again of what was kept.
///
/// # Errors
/// The database failed, or what it keeps cannot be read any more.
pub async fn fares(connection: &mut Connection, since: Micros) -> Result<Fares, DbError> {
    let mut fares = Vec::new();
    for Version { number, starts_at, .. } in still_in_force(store::versions(connection).await?, since) {
        let (archive, supplement) =
            store::source(connection, number).await?.ok_or(DbError::Unreadable("tariff.version"))?;
        let tariff = feed::read(&archive, &supplement).0.ok_or(DbError::Unreadable("tariff.feed"))?;
        fares.push(InForce { number, starts_at, tariff: Arc::new(tariff) });
    }
    Ok(Fares::new(fares))
}
