//! What the terminal has learnt and must know offline: verified cards, status list, profile, log head.

use card_schema::{card::Slot, clock::Micros, envelope::PublicKey, ids::CardId};
use sqlx::{Connection as _, SqliteConnection};

use super::{Outbox, OutboxError, error::fail};

/// What a verified certificate said of one key of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownCard {
    /// The key.
    pub key: PublicKey,
    /// The end of its certificate's validity.
    pub expires: Micros,
}

/// Something with a version that never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snapshot {
    /// The signed status list; its version is its own. It goes in with [`Outbox::keep_status_list`].
    StatusList,
    /// The terminal's profile as JSON; counted up at each change.
    Profile,
    /// Newest log head; its version is the tree's size.
    LogHead,
    /// When the service was last reached, by the terminal's clock; counted up at each time.
    SyncedAt,
    /// The signed fares; their version is the number of the newest among them.
    Fares,
    /// Who may pass here, signed; counted up at each change.
    Gate,
    /// What readers validate, as JSON; counted up at each change.
    Duties,
}

impl Snapshot {
    const fn name(self) -> &'static str {
        match self {
            Self::StatusList => "status list",
            Self::Profile => "profile",
            Self::LogHead => "log head",
            Self::SyncedAt => "synced at",
            Self::Fares => "fares",
            Self::Gate => "gate",
            Self::Duties => "duties",
        }
    }
}

impl Outbox {
    /// What is known of a card's key.
    pub async fn known_card(&self, card: CardId, slot: Slot) -> Result<Option<KnownCard>, OutboxError> {
        let mut connection = self.read().await;
        let row: Option<(Vec<u8>, i64)> = sqlx::query_as("SELECT key, expires FROM card WHERE card = $1 AND slot = $2")
            .bind(card.as_bytes().as_slice())
            .bind(i64::from(slot.key_reference()))
            .fetch_optional(&mut *connection)
            .await
            .map_err(fail("looking a card up"))?;
        // A row that is no key counts as a card never seen: its certificate is verified again.
        Ok(row.and_then(|(key, expires)| {
            Some(KnownCard { key: PublicKey::from_sec1(&key).ok()?, expires: Micros(expires) })
        }))
    }

    /// Keeps what a verified certificate said.
    pub async fn learn_card(&self, card: CardId, slot: Slot, known: &KnownCard) -> Result<(), OutboxError> {
        let mut connection = self.lock().await;
        sqlx::query("INSERT OR REPLACE INTO card (card, slot, key, expires) VALUES ($1, $2, $3, $4)")
            .bind(card.as_bytes().as_slice())
            .bind(i64::from(slot.key_reference()))
            .bind(known.key.as_sec1().as_slice())
            .bind(known.expires.0)
            .execute(&mut *connection)
            .await
            .map(|_| ())
            .map_err(fail("keeping a card's key"))
    }

    /// The newest of its kind, with its version.
    pub async fn snapshot(&self, which: Snapshot) -> Result<Option<(u64, Vec<u8>)>, OutboxError> {
        let mut connection = self.read().await;
        let row: Option<(i64, Vec<u8>)> = sqlx::query_as("SELECT version, body FROM snapshot WHERE name = $1")
            .bind(which.name())
            .fetch_optional(&mut *connection)
            .await
            .map_err(fail("reading a snapshot"))?;
        row.map(|(version, body)| {
            u64::try_from(version).map(|version| (version, body)).map_err(|_| OutboxError::Damaged("snapshot"))
        })
        .transpose()
    }

    /// Puts a newer one in force.
    ///
    /// # Errors
    /// [`OutboxError::Rollback`] for an older version than the one in force.
    pub async fn keep_snapshot(&self, which: Snapshot, version: u64, body: &[u8]) -> Result<(), OutboxError> {
        write(&mut *self.lock().await, which, version, body).await
    }

    /// Puts a newer status list in force. Changes that lead further than it are still to be applied to it, the others are gone.
    ///
    /// # Errors
    /// As [`Self::keep_snapshot`].
    pub async fn keep_status_list(&self, version: u64, token: &[u8]) -> Result<(), OutboxError> {
        let what = "keeping the status list";
        let mut connection = self.lock().await;
        let mut tx = connection.begin().await.map_err(fail(what))?;
        write(&mut tx, Snapshot::StatusList, version, token).await?;
        sqlx::query("DELETE FROM status_delta WHERE version <= $1")
            .bind(stored(version)?)
            .execute(&mut *tx)
            .await
            .map_err(fail(what))?;
        tx.commit().await.map_err(fail(what))
    }

    /// Keeps signed changes of the status list that lead to a version.
    ///
    /// # Errors
    /// [`OutboxError::Rollback`] for an older version than that to which those lead that are kept already.
    pub async fn keep_status_delta(&self, version: u64, token: &[u8]) -> Result<(), OutboxError> {
        let what = "keeping changes of the status list";
        let mut connection = self.lock().await;
        let mut tx = connection.begin().await.map_err(fail(what))?;
        let current: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM status_delta")
            .fetch_one(&mut *tx)
            .await
            .map_err(fail(what))?;
        if stored(version)? < current {
            let current = u64::try_from(current).unwrap_or_default();
            return Err(OutboxError::Rollback { name: "changes of the status list", offered: version, current });
        }
        sqlx::query("INSERT OR REPLACE INTO status_delta (version, body) VALUES ($1, $2)")
            .bind(stored(version)?)
            .bind(token)
            .execute(&mut *tx)
            .await
            .map_err(fail(what))?;
        tx.commit().await.map_err(fail(what))
    }

    /// How many tokens [`Self::status_deltas`] are.
    pub async fn status_deltas_count(&self) -> Result<u64, OutboxError> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM status_delta")
            .fetch_one(&mut *self.read().await)
            .await
            .map_err(fail("counting changes of the status list"))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Signed changes since the status list in force, in the order in which they apply.
    pub async fn status_deltas(&self) -> Result<Vec<Vec<u8>>, OutboxError> {
        sqlx::query_scalar("SELECT body FROM status_delta ORDER BY version")
            .fetch_all(&mut *self.read().await)
            .await
            .map_err(fail("reading changes of the status list"))
    }
}

fn stored(version: u64) -> Result<i64, OutboxError> {
    i64::try_from(version).map_err(|_| OutboxError::Damaged("snapshot"))
}

/// Puts a newer one in force, in whatever transaction is open.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    which: Snapshot,
    version: u64,
    body: &[u8],
) -> Result<(), OutboxError> {
    let offered = stored(version)?;
    let done = sqlx::query(
        "INSERT INTO snapshot (name, version, body) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
         SET version = excluded.version, body = excluded.body WHERE excluded.version >= snapshot.version",
    )
    .bind(which.name())
    .bind(offered)
    .bind(body)
    .execute(&mut *connection)
    .await
    .map_err(fail("keeping a snapshot"))?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    let current: i64 = sqlx::query_scalar("SELECT version FROM snapshot WHERE name = $1")
        .bind(which.name())
        .fetch_one(&mut *connection)
        .await
        .map_err(fail("keeping a snapshot"))?;
    Err(OutboxError::Rollback {
        name: which.name(),
        offered: version,
        current: u64::try_from(current).unwrap_or_default(),
    })
}
