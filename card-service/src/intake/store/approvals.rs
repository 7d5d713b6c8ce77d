//! Approvals that later taps name. Reads only; they lie in the shards of staff cards.

use std::ops::RangeInclusive;

use card_schema::clock::Micros;
use card_schema::envelope::Envelope;
use card_schema::envelope::receipt::Outcome;
use card_schema::envelope::tap::Tap;
use card_schema::ids::{CardId, TapId};
use card_schema::operation::OperationCode;

use crate::db::{Connection, DbError, Rows, columns, query};
use crate::intake::part::{Approval, Approvals};

/// Those of these taps of these cards, made at such a time, that are approvals and were accepted.
pub(in crate::intake) async fn approvals(
    connection: &mut Connection,
    wanted: &[(CardId, TapId, RangeInclusive<Micros>)],
) -> Result<Approvals, DbError> {
    if wanted.is_empty() {
        return Ok(Approvals::new());
    }
    let rows = Rows::new()
        .ints("shard", wanted.iter().map(|(card, ..)| i64::from(card.shard().0)))
        .bytes("card_id", wanted.iter().map(|(card, ..)| *card.as_bytes()))
        .bytes("tap_id", wanted.iter().map(|(_, tap, _)| tap.0))
        .ints("since", wanted.iter().map(|(.., at)| at.start().0))
        .ints("until", wanted.iter().map(|(.., at)| at.end().0));
    let rows = query(
        "SELECT t.tap_id, t.cose FROM {wanted} CROSS JOIN tap t
         WHERE t.shard = wanted.shard AND t.card_id = wanted.card_id AND t.tap_id = wanted.tap_id
             AND t.at BETWEEN wanted.since AND wanted.until AND t.operation = $1 AND t.outcome = $2",
    )
    .bind(i64::from(OperationCode::PurseTopUpApproval.number()))
    .bind(i64::from(Outcome::Accepted.number()))
    .set("wanted", rows)
    .all(connection)
    .await?;
    let read = |row: &crate::db::Row| {
        let tap = Envelope::<Tap>::decode(row.get("cose")?).map_err(|_| DbError::Unreadable("tap.cose"))?;
        let approval = Approval::of(&tap.payload).ok_or(DbError::Unreadable("tap.cose"))?;
        Ok((TapId(columns::bytes(row, "tap_id")?), approval))
    };
    rows.iter().map(read).collect()
}
