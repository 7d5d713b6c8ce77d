//! Two records of one person: one of them points to the other. Nothing is moved, so that it can be undone.
//!
//! Whoever is looked for under the one is found under the other. The record that points away gets no card and no permit any
//! more; what it had before stays where it is. Not here: putting its cards out of use (`console::merge`).

pub mod store;
#[cfg(test)]
mod tests;

use card_schema::ids::HolderId;
use card_schema::wire::ProblemType;

use super::require_known;
use crate::app::App;
use crate::db::{Connection, DbError, Tx};
use crate::http::Refusal;
use crate::people::StaffId;

/// How many records may point on, one to the next.
const CHAIN_MAX: usize = 16;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The record was made to point to another.
    Merged,
    /// It stands for itself again.
    Undone,
}

impl Act {
    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::Undone => "undone",
        }
    }

    /// The act of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Merged, Self::Undone].into_iter().find(|act| act.name() == name)
    }
}

/// Why two records are of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody registered the person again.
    RegisteredTwice,
    /// The person came with another document.
    OtherDocument,
    /// The person has another name now.
    Renamed,
}

impl Reason {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::RegisteredTwice, Self::OtherDocument, Self::Renamed];

    /// Its name in forms and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RegisteredTwice => "registered_twice",
            Self::OtherDocument => "other_document",
            Self::Renamed => "renamed",
        }
    }

    /// The reason of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// Why a merge is undone: there is one reason.
const MISTAKEN: &str = "mistaken";

/// The record under which somebody is found: the one itself, or the one to which it points.
///
/// # Errors
/// When the database fails.
pub async fn primary(connection: &mut Connection, holder: HolderId) -> Result<HolderId, DbError> {
    let mut found = holder;
    for _ in 0..CHAIN_MAX {
        match store::current(&mut *connection, found).await? {
            Some(merged) => found = merged.into,
            None => break,
        }
    }
    Ok(found)
}

/// All records of a person: the one under which the person is found first, then those that lead to it.
///
/// # Errors
/// When the database fails.
pub async fn records(connection: &mut Connection, person: HolderId) -> Result<Vec<HolderId>, DbError> {
    let (mut records, mut at) = (vec![person], 0);
    while at < records.len().min(CHAIN_MAX) {
        let further = store::pointing_to(&mut *connection, records[at]).await?;
        records.extend(further);
        at += 1;
    }
    Ok(records)
}

/// Refuses for a record that points to another.
///
/// # Errors
/// `Conflict` for such a record.
pub async fn require_primary(connection: &mut Connection, holder: HolderId) -> Result<(), Refusal> {
    match store::current(connection, holder).await? {
        None => Ok(()),
        Some(_) => Err(Refusal::because(ProblemType::Conflict, "holder-merged")),
    }
}

/// Makes a record point to another. Both stand for themselves before.
///
/// # Errors
/// `NotFound` where there is no such record, `Conflict` where one of them points to another already or both are one.
pub async fn merge(
    app: &App,
    tx: &mut Tx,
    by: StaffId,
    other: HolderId,
    kept: HolderId,
    reason: Reason,
) -> Result<(), Refusal> {
    // Two who merge the same two the other way round do so one after the other.
    tx.lock([other.shard(), kept.shard()]).await?;
    if other == kept {
        return Err(Refusal::because(ProblemType::Conflict, "merge-same-record"));
    }
    for holder in [other, kept] {
        require_known(tx.conn(), holder).await?;
        require_primary(tx.conn(), holder).await?;
    }
    Ok(store::put(tx, app.now(), by, (other, kept), Act::Merged, reason.name()).await?)
}

/// Lets a record stand for itself again.
///
/// # Errors
/// `Conflict` where it does already.
pub async fn undo(app: &App, tx: &mut Tx, by: StaffId, holder: HolderId) -> Result<(), Refusal> {
    tx.lock([holder.shard()]).await?;
    let merged = store::current(tx.conn(), holder).await?;
    let merged = merged.ok_or(Refusal::because(ProblemType::Conflict, "merge-none"))?;
    Ok(store::put(tx, app.now(), by, (holder, merged.into), Act::Undone, MISTAKEN).await?)
}
