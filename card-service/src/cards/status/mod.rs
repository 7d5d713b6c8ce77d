//! The status list: what terminals are told of every card.
//!
//! A card that is told differently is a row of `status_change`, written with its new state by `store::set_state`, so no terminal is
//! told a state that was undone; versions grow, also beyond those of a history that a restored backup does not know. The list and its changes are signed when somebody
//! asks, and remembered here for whoever asks next. Format: `card_schema::envelope::status_list`.

pub(super) mod store;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use card_schema::clock::Micros;
use card_schema::envelope::status_list::{self, CardStatus, Claims, StatusDelta, StatusList, Statuses};
use card_schema::envelope::{PublicKey, Signature};
use card_schema::ids::CardId;

use super::CardState;
use crate::db::{Connection, Db, DbError};
use crate::http::Refusal;
use crate::keys::{KeyError, KeyStore, Role};

/// How long a signed list serves; who has it asks for what has changed since.
const LIST_SERVES_S: u32 = 3_600;
/// How many different changes are remembered: one for each version that terminals are at.
const REMEMBERED: usize = 256;

/// A signed list.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Its version.
    pub version: u64,
    /// The token.
    pub token: Bytes,
    issued_at: Micros,
}

/// What has changed since a version.
#[derive(Clone, Debug)]
pub enum Since {
    /// Nothing.
    Nothing,
    /// This: a signed [`StatusDelta`].
    Changes(Bytes),
    /// There never was that version, or so much has changed that the list itself is less.
    Unknown,
}

/// Signs the list and its changes.
#[derive(Debug)]
pub struct StatusLists {
    keys: Arc<dyn KeyStore>,
    uri: String,
    list: tokio::sync::Mutex<Option<Signed>>,
    /// Changes up to the newest version, by the version since which they are.
    changes: Mutex<(u64, HashMap<u64, Bytes>)>,
}

impl StatusLists {
    /// For the terminals that connect to this address.
    pub fn new(keys: Arc<dyn KeyStore>, terminals_url: &str) -> Self {
        let uri = format!("{terminals_url}{}", status_list::PATH);
        Self { keys, uri, list: tokio::sync::Mutex::default(), changes: Mutex::default() }
    }

    /// URI of the list.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// A signed list of all cards, at most an hour older than the newest change.
    ///
    /// # Errors
    /// When the database fails, or the key store.
    pub async fn list(&self, db: &Db, now: Micros) -> Result<Signed, Refusal> {
        let mut kept = self.list.lock().await;
        let mut connection = db.read().await?;
        if let Some(signed) = &*kept {
            let serves = now < signed.issued_at.plus_seconds(LIST_SERVES_S.into())
                && !store::are_more(&mut connection, signed.version, StatusDelta::MAX_CHANGES).await?;
            if serves || store::newest_status(&mut connection).await? == signed.version {
                return Ok(signed.clone());
            }
        }
        let (version, listed) = store::listed(&mut connection).await?;
        let mut statuses = Statuses::default();
        for (index, state) in listed {
            statuses.set(index, state.status());
        }
        drop(connection);
        let list = StatusList {
            subject: self.uri.clone(),
            issued_at_s: now.seconds(),
            time_to_live_s: LIST_SERVES_S,
            version,
            statuses,
        };
        let keys = Arc::clone(&self.keys);
        // Deflating the list of a large city takes long enough to be in others' way.
        let token = tokio::task::spawn_blocking(move || sign(&*keys, &list)).await.map_err(Refusal::internal)??;
        let signed = Signed { version, token, issued_at: now };
        *kept = Some(signed.clone());
        Ok(signed)
    }

    /// The signed changes since a version.
    ///
    /// # Errors
    /// When the database fails, or the key store.
    pub async fn since(&self, db: &Db, since: u64, now: Micros) -> Result<Since, Refusal> {
        let mut connection = db.read().await?;
        let newest = store::newest_status(&mut connection).await?;
        if since == newest {
            return Ok(Since::Nothing);
        }
        if let Some(token) = self.remembered(newest, since) {
            return Ok(Since::Changes(token));
        }
        let changes = match since {
            1.. if since < newest => {
                store::status_changes(&mut connection, since, StatusDelta::MAX_CHANGES + 1).await?
            }
            _ => return Ok(Since::Unknown),
        };
        drop(connection);
        let Some(last) = changes.last().filter(|_| changes.len() <= StatusDelta::MAX_CHANGES) else {
            return Ok(Since::Unknown);
        };
        let delta = StatusDelta {
            subject: self.uri.clone(),
            issued_at_s: now.seconds(),
            version: last.version,
            since,
            // Of a card that changed more than once the last is kept.
            changes: changes.iter().map(|change| (change.index, change.status)).collect(),
        };
        let token = sign(&*self.keys, &delta)?;
        self.remember(delta.version, since, &token);
        Ok(Since::Changes(token))
    }

    fn remembered(&self, newest: u64, since: u64) -> Option<Bytes> {
        let held = self.changes.lock().expect("nobody panics while holding this lock");
        (held.0 == newest).then(|| held.1.get(&since).cloned()).flatten()
    }

    fn remember(&self, newest: u64, since: u64, token: &Bytes) {
        let mut held = self.changes.lock().expect("nobody panics while holding this lock");
        if held.0 < newest || held.1.len() >= REMEMBERED {
            *held = (newest, HashMap::new());
        }
        if held.0 == newest {
            held.1.insert(since, token.clone());
        }
    }
}

fn sign(keys: &dyn KeyStore, claims: &impl Claims) -> Result<Bytes, KeyError> {
    let key = PublicKey::from_sec1(&keys.public(Role::StatusList)?)
        .map_err(|_| KeyError::Crypto(Role::StatusList, "be read"))?;
    let unsigned = claims.to_be_signed(key.key_id());
    let signature = keys.sign(Role::StatusList, unsigned.message())?;
    let signature: [u8; 64] = signature.try_into().map_err(|_| KeyError::Crypto(Role::StatusList, "sign"))?;
    Ok(unsigned.sign(&Signature(signature)).into())
}

/// Whether a terminal that decided with this version of the list could not know that the card is out of use, though it kept to
/// the rule that it asks at least every so many seconds.
///
/// # Errors
/// When the database fails.
pub async fn hides(
    connection: &mut Connection,
    version: u64,
    card: CardId,
    at: Micros,
    longest_without_s: i64,
) -> Result<bool, DbError> {
    let Some(known) = store::known_with(connection, version, card.status_index()).await? else { return Ok(false) };
    let in_time = known.newer_at.is_none_or(|newer| at <= newer.plus_seconds(longest_without_s));
    Ok(known.status == CardStatus::Valid && in_time)
}

/// What terminals are told of a card in this state. A card that is not active yet counts as valid: its certificates are
/// written last, and a terminal that is offline on the day of issue would otherwise refuse a new card until its next list.
impl CardState {
    /// See [`CardStatus`].
    pub const fn status(self) -> CardStatus {
        match self {
            Self::Personalising | Self::Personalised | Self::Active => CardStatus::Valid,
            Self::Suspended => CardStatus::Suspended,
            _ => CardStatus::Invalid,
        }
    }
}
