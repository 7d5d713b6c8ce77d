//! A version of the fares comes into force: what was read is kept with its hash and a leaf of the log, and fares are made of it again
//! whenever they are needed.

use std::sync::{Arc, Mutex, PoisonError};

use card_schema::clock::Micros;
use card_schema::date::Date;
use ring::digest::{self, SHA256};
use serde::Serialize;

use super::closing::KEPT_SECONDS;
use super::fares::{Fares, InForce, still_in_force};
use super::feed::{self, Report};
use super::model::Version;
use super::store::{self, New};
use super::tariff::Tariff;
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

/// Why a feed cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Something is wrong with it.
    Wrong(Report),
    /// More of it would have to be kept than is: so many MB.
    TooLarge(usize),
}

/// Why nothing was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be used.
    Unusable(Unusable),
    /// It says things that fares here do not follow.
    InPart(Report),
    /// It would change fares of days that have begun.
    Past,
}

/// A feed that was read and may be imported: of its archive only what is kept.
#[derive(Clone, Debug)]
pub struct Ready {
    feed: Vec<u8>,
    supplement: String,
    /// SHA-256 of the archive as it came.
    pub source: [u8; 32],
    /// What was made of it.
    pub tariff: Tariff,
    /// What was found.
    pub report: Report,
}

impl Ready {
    /// Reads a feed. Long work: not for a thread that serves others.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn read(archive: &[u8], supplement: String) -> Result<Self, Unusable> {
        let (tariff, report) = feed::read(archive, &supplement);
        let Some(tariff) = tariff else { return Err(Unusable::Wrong(report)) };
        let feed = feed::kept(archive);
        if feed.len() > KEPT_MAX_BYTES {
            return Err(Unusable::TooLarge(KEPT_MAX_BYTES >> 20));
        }
        let source = digest::digest(&SHA256, archive).as_ref().try_into().expect("SHA-256 has 32 bytes");
        Ok(Self { feed, supplement, source, tariff, report })
    }

    /// From when on it holds if its first day of service is this one, or from now on; nothing where it would change fares of days
    /// that have begun.
    pub fn starts_at(&self, from: Option<Date>, now: Micros) -> Option<Micros> {
        Some(from.map_or(now, |day| self.tariff.begins(day))).filter(|starts_at| *starts_at >= now)
    }

    /// Imports it as a version that starts then: its number.
    ///
    /// # Errors
    /// The database failed; then nothing was imported.
    pub async fn import(self, db: &Db, now: Micros, starts_at: Micros, by: Option<StaffId>) -> Result<i64, DbError> {
        db.write(move |tx| {
            Box::pin(async move {
                let (source, feed, supplement) = (self.source, &*self.feed, &*self.supplement);
                store::insert(tx, now, &New { starts_at, by, source, feed, supplement }).await
            })
        })
        .await
    }
}

/// Imports a version, or says why not. Then nothing was changed.
///
/// # Errors
/// The database failed.
pub async fn import(db: &Db, now: Micros, wish: Wish) -> Result<Result<Imported, Refused>, DbError> {
    let ready = match Ready::read(&wish.archive, wish.supplement) {
        Ok(ready) => ready,
        Err(unusable) => return Ok(Err(Refused::Unusable(unusable))),
    };
    if !wish.in_part && !ready.report.is_followed() {
        return Ok(Err(Refused::InPart(ready.report)));
    }
    let Some(starts_at) = ready.starts_at(wish.from, now) else { return Ok(Err(Refused::Past)) };
    let report = ready.report.clone();
    let version = ready.import(db, now, starts_at, wish.by).await?;
    Ok(Ok(Imported { version, starts_at, report }))
}

/// The fares of a version, made again of what was kept.
///
/// # Errors
/// The database failed, or what it keeps cannot be read any more.
pub async fn tariff(connection: &mut Connection, number: i64) -> Result<Tariff, DbError> {
    let kept = store::source(connection, number).await?;
    let (archive, supplement) = kept.ok_or(DbError::Unreadable("tariff.version"))?;
    let read = tokio::task::spawn_blocking(move || feed::read(&archive, &supplement).0).await;
    read.ok().flatten().ok_or(DbError::Unreadable("tariff.feed"))
}

/// The fares of all versions that may be asked for legs which began at a moment or later, made again of what was kept.
///
/// # Errors
/// The database failed, or what it keeps cannot be read any more.
pub async fn fares(connection: &mut Connection, since: Micros) -> Result<Fares, DbError> {
    let mut fares = Vec::new();
    for Version { number, starts_at, .. } in still_in_force(store::versions(connection).await?, since) {
        let tariff = Arc::new(tariff(connection, number).await?);
        fares.push(InForce { number, starts_at, tariff });
    }
    Ok(Fares::new(fares))
}

/// The fares as they were read last: they are much to read, and change seldom.
#[derive(Debug, Default)]
pub struct Recalled(Mutex<(i64, Arc<Fares>)>);

impl Recalled {
    /// The fares as they are now, of all versions that may be asked for what is kept.
    ///
    /// # Errors
    /// As [`fares`].
    pub async fn now(&self, connection: &mut Connection, now: Micros) -> Result<Arc<Fares>, DbError> {
        let newest = store::newest(connection).await?;
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (version, recalled) = known().clone();
        if version == newest {
            return Ok(recalled);
        }
        let read = Arc::new(fares(connection, now.plus_seconds(-KEPT_SECONDS)).await?);
        let mut known = known();
        // Somebody else may have read a later state meanwhile.
        if known.0 <= newest {
            *known = (newest, Arc::clone(&read));
        }
        Ok(read)
    }
}
