//! The status list: every card's two bits, signed anew whenever one changes.
//!
//! It is written in the transaction that changes the card, so no terminal is told a state that was undone, and its version
//! never goes back. Format: `card_schema::envelope::status_list`.

use card_schema::clock::Micros;
use card_schema::envelope::status_list::{CardStatus, StatusList, Statuses};
use card_schema::envelope::{PublicKey, Signature};

use crate::app::App;
use crate::cards::store;
use crate::db::{Connection, DbError, Tx};
use crate::http::Refusal;
use crate::keys::{KeyError, Role};

/// Signs a list of the cards as they are in this transaction.
pub async fn publish(app: &App, tx: &mut Tx, now: Micros) -> Result<u64, Refusal> {
    let (listed, _) = store::listed(tx.conn()).await?;
    let mut statuses = Statuses::default();
    for (index, state) in listed {
        statuses.set(index, state.status());
    }
    let newest: i64 = newest_version(tx).await?;
    let version = u64::try_from(newest).map_err(|_| DbError::Unreadable("status_list.version"))? + 1;
    let list = StatusList {
        subject: format!("{}/v1/status-list", app.terminals_url),
        issued_at_s: now.seconds(),
        version,
        statuses,
    };
    let key = PublicKey::from_sec1(&app.keys.public(Role::StatusList)?)
        .map_err(|_| KeyError::Crypto(Role::StatusList, "be read"))?;
    let unsigned = list.to_be_signed(key.key_id());
    let signature = app.keys.sign(Role::StatusList, unsigned.message())?;
    let signature: [u8; 64] = signature.try_into().map_err(|_| KeyError::Crypto(Role::StatusList, "sign"))?;
    let body = unsigned.sign(&Signature(signature));
    store::keep_status_list(tx, now, newest + 1, &body).await?;
    Ok(version)
}

async fn newest_version(tx: &mut Tx) -> Result<i64, DbError> {
    Ok(store::newest_status_list(tx.conn()).await?.map_or(0, |(version, _)| version))
}

/// The newest list: version and token.
pub async fn newest(connection: &mut Connection) -> Result<Option<(i64, Vec<u8>)>, DbError> {
    store::newest_status_list(connection).await
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
