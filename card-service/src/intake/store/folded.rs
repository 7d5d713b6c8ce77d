//! Numbers of lanes whose taps were folded. Reads only.

use std::collections::BTreeSet;

use card_schema::ids::{TapId, TerminalId};

use crate::db::{Connection, DbError, Rows, columns, query};
use crate::intake::lane::{Folded, LaneNumber};

/// The runs in which the numbers of these taps lie.
pub(in crate::intake) async fn folded_at(
    connection: &mut Connection,
    taps: &BTreeSet<(LaneNumber, TapId)>,
) -> Result<Vec<Folded>, DbError> {
    if taps.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = Rows::new()
        .bytes("terminal_id", taps.iter().map(|(number, _)| *number.terminal.as_bytes()))
        .ints("lane", taps.iter().map(|(number, _)| i64::from(number.lane)))
        .ints("counter", taps.iter().map(|(number, _)| number.counter));
    let rows = query(
        "SELECT f.terminal_id, f.lane, f.first, f.last FROM {wanted} CROSS JOIN lane_fold f
         WHERE f.terminal_id = wanted.terminal_id AND f.lane = wanted.lane
           AND wanted.counter BETWEEN f.first AND f.last",
    )
    .set("wanted", wanted)
    .all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let lane = (TerminalId::from_bytes(columns::bytes(row, "terminal_id")?), columns::number(row, "lane")?);
            Ok(Folded { lane, numbers: row.get("first")?..=row.get("last")? })
        })
        .collect()
}
