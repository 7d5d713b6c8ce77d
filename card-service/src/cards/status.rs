//! The status list: every card's two bits, signed anew whenever one changes.
//!
//! It is written in the transaction that changes the card, so no terminal is told a state that was undone, and its version
//! never goes back. Format: `card_schema::envelope::status_list`.

use std::sync::Arc;

use card_schema::clock::Micros;
use card_schema::envelope::status_list::{CardStatus, SignedStatusList, StatusList, Statuses};
use card_schema::envelope::{PublicKey, Signature};
use card_schema::ids::CardId;

use crate::app::App;
use crate::cards::store;
use crate::db::{Connection, DbError, Tx};
use crate::keys::{KeyError, KeyStore, Role};

/// Signs status lists. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StatusLists {
    keys: Arc<dyn KeyStore>,
    subject: String,
}

impl StatusLists {
    /// For the terminals that connect to this address.
    pub fn new(keys: Arc<dyn KeyStore>, terminals_url: &str) -> Self {
        Self { keys, subject: format!("{terminals_url}/v1/status-list") }
    }

    /// Signs a list of the cards as they are in this transaction.
    ///
    /// # Errors
    /// When the database fails, or the key store.
    pub async fn publish(&self, tx: &mut Tx, now: Micros) -> Result<u64, DbError> {
        let (listed, _) = store::listed(tx.conn()).await?;
        let mut statuses = Statuses::default();
        for (index, state) in listed {
            statuses.set(index, state.status());
        }
        let newest: i64 = newest_version(tx).await?;
        let version = u64::try_from(newest).map_err(|_| DbError::Unreadable("status_list.version"))? + 1;
        let list = StatusList { subject: self.subject.clone(), issued_at_s: now.seconds(), version, statuses };
        let body = self.sign(&list).map_err(|error| DbError::Unsigned(error.into()))?;
        store::keep_status_list(tx, now, newest + 1, &body).await?;
        Ok(version)
    }

    fn sign(&self, list: &StatusList) -> Result<Vec<u8>, KeyError> {
        let key = PublicKey::from_sec1(&self.keys.public(Role::StatusList)?)
            .map_err(|_| KeyError::Crypto(Role::StatusList, "be read"))?;
        let unsigned = list.to_be_signed(key.key_id());
        let signature = self.keys.sign(Role::StatusList, unsigned.message())?;
        let signature: [u8; 64] = signature.try_into().map_err(|_| KeyError::Crypto(Role::StatusList, "sign"))?;
        Ok(unsigned.sign(&Signature(signature)))
    }
}

/// The same, in a request.
///
/// # Errors
/// As [`StatusLists::publish`].
pub async fn publish(app: &App, tx: &mut Tx, now: Micros) -> Result<u64, DbError> {
    StatusLists::new(Arc::clone(&app.keys), &app.terminals_url).publish(tx, now).await
}

async fn newest_version(tx: &mut Tx) -> Result<i64, DbError> {
    Ok(store::newest_status_list(tx.conn()).await?.map_or(0, |(version, _)| version))
}

/// The newest list: version and token.
pub async fn newest(connection: &mut Connection) -> Result<Option<(i64, Vec<u8>)>, DbError> {
    store::newest_status_list(connection).await
}

/// What a terminal knew that decided with a list of ours: the list, and when a newer one was signed.
#[derive(Debug)]
pub struct Known {
    list: StatusList,
    newer_at: Option<Micros>,
}

impl Known {
    /// The list of a version; nothing where there never was one.
    ///
    /// # Errors
    /// When the database fails, or holds no list there.
    pub async fn of(connection: &mut Connection, version: u64) -> Result<Option<Self>, DbError> {
        let Ok(number) = i64::try_from(version) else { return Ok(None) };
        let Some((body, newer_at)) = store::status_list(connection, number).await? else { return Ok(None) };
        let signed = SignedStatusList::decode(&body).map_err(|_| DbError::Unreadable("status_list.body"))?;
        Ok(Some(Self { list: signed.list, newer_at }))
    }

    /// Whether a terminal that decided then could not know that the card is out of use, though it kept to the rule that it
    /// asks at least every so many seconds.
    pub fn hides(&self, card: CardId, at: Micros, longest_without_s: i64) -> bool {
        let is_valid = self.list.statuses.get(card.status_index()) == CardStatus::Valid;
        is_valid && self.newer_at.is_none_or(|newer| at <= newer.plus_seconds(longest_without_s))
    }
}

/// What terminals are told of a card in this state. A card that is not active yet counts as valid: its certificates are
/// written last, and a terminal that is offline on the day of issue would otherwise refuse a new card until its next list.
impl crate::cards::CardState {
    /// See [`CardStatus`].
    pub const fn status(self) -> CardStatus {
        match self {
            Self::Personalising | Self::Personalised | Self::Active => CardStatus::Valid,
            Self::Suspended => CardStatus::Suspended,
            _ => CardStatus::Invalid,
        }
    }
}
