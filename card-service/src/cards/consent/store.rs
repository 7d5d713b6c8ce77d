//! The table consent_request.

use card_schema::clock::Micros;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{CardId, HolderId, TapId};

use crate::cards::CardState;
use crate::consent::Text;
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::evidence::tables::{self, Value};
use crate::evidence::{ActionKind, Change};
use crate::i18n::Locale;

/// What was sent for a card, to be agreed to.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The text.
    pub text: Text,
    /// Its hash, as it was when it was sent.
    pub hash: [u8; 32],
    /// The tap that answers it, as the reader says.
    pub tap: Option<TapId>,
}

/// Records that a text is sent, at a step of the card's issuance. From now on no other text's consent counts.
pub async fn insert(tx: &mut Tx, at: Micros, card: CardId, number: u32, text: Text) -> Result<(), DbError> {
    let mut change = Change::begin(tx, card.shard()).await?;
    change.touch(tx, &tables::CONSENT_REQUEST, key(card, number)).await?;
    query(
        "INSERT INTO consent_request (card_id, number, shard, version, language, text_hash, asked_at, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(card)
    .bind(i64::from(number))
    .bind(card.shard())
    .bind(i64::from(text.version()))
    .bind(text.language().tag())
    .bind(text.hash())
    .bind(at.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::IssuanceStep).await
}

/// What names a request in the log.
fn key(card: CardId, number: u32) -> Vec<Value> {
    vec![card.as_bytes()[..].into(), i64::from(number).into()]
}

/// Keeps which tap answers a request.
pub async fn answered(tx: &mut Tx, at: Micros, card: CardId, number: u32, tap: TapId) -> Result<(), DbError> {
    let mut change = Change::begin(tx, card.shard()).await?;
    change.touch(tx, &tables::CONSENT_REQUEST, key(card, number)).await?;
    query("UPDATE consent_request SET tap_id = $1, leaf = $2 WHERE card_id = $3 AND number = $4")
        .bind(tap.0)
        .bind(change.leaf())
        .bind(card)
        .bind(i64::from(number))
        .execute(tx.conn())
        .await?;
    change.record(tx, at, ActionKind::IssuanceStep).await
}

/// What became of the tap that answers a card's newest request, once it has come in.
pub async fn outcome(connection: &mut Connection, card: CardId) -> Result<Option<Outcome>, DbError> {
    let Some(tap) = newest(&mut *connection, card).await?.and_then(|request| request.tap) else { return Ok(None) };
    let outcome: Option<i64> = query("SELECT outcome FROM tap WHERE shard = $1 AND card_id = $2 AND tap_id = $3")
        .bind(card.shard())
        .bind(card)
        .bind(tap.0)
        .scalar(connection)
        .await?;
    let read = |number| u16::try_from(number).ok().and_then(Outcome::from_number);
    outcome.map(|number| read(number).ok_or(DbError::Unreadable("tap.outcome"))).transpose()
}

/// The newest request of a card.
pub async fn newest(connection: &mut Connection, card: CardId) -> Result<Option<Request>, DbError> {
    let row = query(
        "SELECT version, language, text_hash, tap_id FROM consent_request
         WHERE card_id = $1 ORDER BY number DESC LIMIT 1",
    )
    .bind(card)
    .optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let language = Locale::from_tag(row.get("language")?);
    let text = u16::try_from(row.get::<i64>("version")?)
        .ok()
        .zip(language)
        .and_then(|(version, language)| Text::find(version, language))
        // Written by a newer program.
        .ok_or(DbError::Unreadable("consent_request.version"))?;
    let tap = row.get::<Option<&[u8]>>("tap_id")?.is_some().then(|| columns::bytes(&row, "tap_id")).transpose()?;
    Ok(Some(Request { text, hash: columns::bytes(&row, "text_hash")?, tap: tap.map(TapId) }))
}

/// When a holder agreed last by taking a card into use, and to which version of the text.
pub async fn given(connection: &mut Connection, holder: HolderId) -> Result<Option<(Micros, u16)>, DbError> {
    let row = query(
        "SELECT c.at, r.version FROM card k
         JOIN card_state_change c ON c.card_id = k.card_id AND c.state_before = $3 AND c.state_after = $4
         JOIN consent_request r ON r.card_id = k.card_id
         WHERE k.shard = $1 AND k.holder_id = $2 ORDER BY c.at DESC, r.number DESC LIMIT 1",
    )
    .bind(holder.shard())
    .bind(holder)
    .bind(CardState::Personalised.name())
    .bind(CardState::Active.name())
    .optional(connection)
    .await?;
    let given = |row: Row| {
        let version = u16::try_from(row.get::<i64>("version")?);
        Ok((Micros(row.get("at")?), version.map_err(|_| DbError::Unreadable("consent_request.version"))?))
    };
    row.map(given).transpose()
}
