//! What a card has signed, from the table tap.

use card_schema::envelope::Envelope;
use card_schema::envelope::receipt::Outcome;
use card_schema::envelope::tap::Tap;
use card_schema::ids::{CardId, TapId, TerminalId};
use card_schema::operation::Operation;

use crate::db::{Connection, DbError, columns, query};

/// A tap that was recorded.
pub(super) struct Kept {
    pub(super) outcome: Outcome,
    pub(super) terminal: TerminalId,
    pub(super) operation: Operation,
}

/// A tap of a card.
pub(super) async fn tap(connection: &mut Connection, card: CardId, tap: TapId) -> Result<Option<Kept>, DbError> {
    let row = query("SELECT outcome, terminal_id, cose FROM tap WHERE shard = $1 AND card_id = $2 AND tap_id = $3")
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
        })
    })
    .transpose()
}
