//! The table card_deed.

use card_schema::clock::Micros;
use card_schema::ids::CardId;

use super::model::{Fate, Past, Reason, What};
use crate::cards::CardState;
use crate::db::{Connection, DbError, Row, Tx, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// Something that a member of staff does with a card.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    /// Puts it to issue.
    Issue(Reason),
    /// Puts it into another state.
    Change,
    /// Says what became of its chip.
    Chip(Fate),
}

impl Deed {
    const fn name(self) -> &'static str {
        match self {
            Self::Issue(_) => "issue",
            Self::Change => "change",
            Self::Chip(_) => "chip",
        }
    }

    const fn detail(self) -> Option<&'static str> {
        match self {
            Self::Issue(reason) => Some(reason.name()),
            Self::Change => None,
            Self::Chip(fate) => Some(fate.name()),
        }
    }
}

/// Writes down who does it, as part of a change that is under way.
pub(in crate::cards) async fn add(
    tx: &mut Tx,
    change: &mut Change,
    at: Micros,
    card: CardId,
    by: StaffId,
    deed: Deed,
) -> Result<(), DbError> {
    change.touch(tx, &tables::CARD_DEED, vec![i64::from(card.shard().0).into(), change.leaf().into()]).await?;
    query(
        "INSERT INTO card_deed (shard, leaf, card_id, at, staff_id, deed, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(card.shard())
    .bind(change.leaf())
    .bind(card)
    .bind(at.0)
    .bind(by.0)
    .bind(deed.name())
    .bind(deed.detail().map(str::to_owned))
    .execute(tx.conn())
    .await
    .map(drop)
}

/// Writes down what became of a card's chip.
pub async fn chip(tx: &mut Tx, at: Micros, card: CardId, by: StaffId, fate: Fate) -> Result<(), DbError> {
    let mut change = Change::begin(tx, card.shard()).await?;
    add(tx, &mut change, at, card, by, Deed::Chip(fate)).await?;
    change.record(tx, at, ActionKind::CardChipEnded).await
}

/// What became of a card's chip, if somebody has said so.
pub async fn fate(connection: &mut Connection, card: CardId) -> Result<Option<Fate>, DbError> {
    let name: Option<String> =
        query("SELECT detail FROM card_deed WHERE card_id = $1 AND deed = 'chip' ORDER BY leaf DESC LIMIT 1")
            .bind(card)
            .scalar(connection)
            .await?;
    name.map(|name| Fate::from_name(&name).ok_or(DbError::Unreadable("card_deed.detail"))).transpose()
}

/// What happened to a card, newest first.
pub async fn history(connection: &mut Connection, card: CardId, limit: u32) -> Result<Vec<Past>, DbError> {
    let rows = query(
        "SELECT c.leaf AS leaf, c.at AS at, 'change' AS deed, c.reason AS detail, c.state_after AS state, s.name AS name
         FROM card_state_change c LEFT JOIN card_deed d ON d.shard = c.shard AND d.leaf = c.leaf
         LEFT JOIN staff s ON s.staff_id = d.staff_id WHERE c.card_id = $1
         UNION ALL
         SELECT d.leaf, d.at, d.deed, d.detail, '', s.name FROM card_deed d JOIN staff s ON s.staff_id = d.staff_id
         WHERE d.card_id = $1 AND d.deed <> 'change' ORDER BY leaf DESC LIMIT $2",
    )
    .bind(card)
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    rows.iter().map(past).collect()
}

fn past(row: &Row) -> Result<Past, DbError> {
    let (deed, detail): (String, String) = (row.get("deed")?, row.get("detail")?);
    let what = match deed.as_str() {
        "issue" => What::Issue(detail),
        "chip" => What::Chip(detail),
        _ => {
            let state = CardState::from_name(row.get("state")?).ok_or(DbError::Unreadable("card_state_change"))?;
            What::State(state, detail)
        }
    };
    Ok(Past { at: Micros(row.get("at")?), what, staff: row.get("name")? })
}
