//! A tap as it was recorded, for whoever was told of it. Reads only.

use card_schema::clock::Micros;
use card_schema::envelope::Envelope;
use card_schema::envelope::receipt::Outcome;
use card_schema::envelope::tap::Tap;
use card_schema::ids::{CardId, TapId, TerminalId};
use card_schema::operation::Operation;

use crate::db::{Connection, DbError, columns, query};

/// A tap that was recorded.
#[derive(Debug)]
pub struct Kept {
    /// What became of it.
    pub outcome: Outcome,
    /// Who brought it.
    pub terminal: TerminalId,
    /// What it asks.
    pub operation: Operation,
    /// When it came in.
    pub received_at: Micros,
}

/// A tap of a card, as it was decided when it came in.
pub async fn kept(connection: &mut Connection, card: CardId, tap: TapId) -> Result<Option<Kept>, DbError> {
    let row = query(
        "SELECT outcome, terminal_id, received_at, cose FROM tap WHERE shard = $1 AND card_id = $2 AND tap_id = $3",
    )
    .bind(card.shard())
    .bind(card)
    .bind(tap.0)
    .optional(connection)
    .await?;
    row.map(|row| {
        let outcome = u16::try_from(row.get::<i64>("outcome")?).ok().and_then(Outcome::from_number);
        let envelope = Envelope::<Tap>::decode(row.get("cose")?).map_err(|_| DbError::Unreadable("tap.cose"))?;
        Ok(Kept {
            outcome: outcome.ok_or(DbError::Unreadable("tap.outcome"))?,
            terminal: TerminalId::from_bytes(columns::bytes(&row, "terminal_id")?),
            operation: envelope.payload.operation,
            received_at: Micros(row.get("received_at")?),
        })
    })
    .transpose()
}
