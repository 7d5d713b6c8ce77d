//! The tables suspicion and suspicion_review, and what is counted of taps. Gates are not: who goes in and out where is nobody's
//! business.

use std::collections::BTreeMap;

use card_schema::clock::Micros;
use card_schema::envelope::Envelope;
use card_schema::envelope::receipt::Outcome;
use card_schema::envelope::tap::Tap as SignedTap;
use card_schema::ids::{CardId, Shard, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::terminal::{AbandonReason, Abandoned};
use card_schema::operation::{Operation, OperationCode};
use futures_util::TryStreamExt;
use uuid::Uuid;

use super::model::{Bounds, Counts, Finding, Noted, Rule, Suspicion, Tap, WINDOW_SECONDS};
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::intake::moving;
use crate::people::StaffId;

/// A tap whose terminal's clock says something else has waited, or nobody knows when it was made.
const AT_ONCE_MICROS: i64 = 10_000_000;

/// What terminals have brought.
pub(super) type Counted = BTreeMap<TerminalId, Counts>;

/// What gives money back, as it stands in a statement.
fn returns() -> String {
    format!("{}, {}", OperationCode::PurseRefund.number(), OperationCode::PurseVoid.number())
}

/// Taps `t` that are counted: come in within a day, and accepted. What was refused may name whichever card.
fn counted() -> String {
    format!(
        "t.card_id IS NOT NULL AND t.received_at > $1 AND t.received_at <= $2 AND t.operation IN ({}) AND t.outcome = {}",
        moving(),
        Outcome::Accepted.number()
    )
}

/// The same, each with the places `before_place` and `after_place` at which its card was right before and after: those alone that
/// came in when they were made.
fn moves() -> String {
    format!(
        "SELECT t.shard, t.leaf, t.terminal_id, t.received_at, x.organisation_id AS place,
             LAG(x.organisation_id) OVER near AS before_place, LEAD(x.organisation_id) OVER near AS after_place,
             LAG(t.received_at) OVER near AS before_at, LEAD(t.received_at) OVER near AS after_at
         FROM tap t JOIN terminal x ON x.terminal_id = t.terminal_id
         WHERE {} AND t.at BETWEEN t.received_at - {AT_ONCE_MICROS} AND t.received_at + {AT_ONCE_MICROS}
         WINDOW near AS (PARTITION BY t.shard, t.card_id ORDER BY t.received_at, t.tap_id)",
        counted()
    )
}

/// Of [`moves`] `m`: the card was at another place sooner than somebody walks.
const TOO_FAST: &str = "((m.before_place <> m.place AND m.received_at - m.before_at < $3)
    OR (m.after_place <> m.place AND m.after_at - m.received_at < $3))";

fn since(now: Micros) -> Micros {
    now.plus_seconds(-WINDOW_SECONDS)
}

const fn apart(bounds: Bounds) -> i64 {
    bounds.apart_s as i64 * 1_000_000
}

/// What every terminal has brought, save what it has sold and given back.
pub(super) async fn counts(connection: &mut Connection, now: Micros, bounds: Bounds) -> Result<Counted, DbError> {
    let mut found = Counted::new();
    let rows = query(format!(
        "SELECT t.terminal_id, COUNT(DISTINCT t.card_id) AS cards,
             CAST(SUM(CASE WHEN t.operation IN ({}) THEN 1 ELSE 0 END) AS BIGINT) AS refunds
         FROM tap t WHERE {} GROUP BY t.terminal_id",
        returns(),
        counted()
    ))
    .bind(since(now).0)
    .bind(now.0)
    .all(connection)
    .await?;
    for row in &rows {
        let counts = found.entry(terminal(row)?).or_default();
        (counts.cards, counts.refunds) = (row.get("cards")?, row.get("refunds")?);
    }
    let rows = query(format!(
        "SELECT m.terminal_id, COUNT(*) AS taps FROM ({}) AS m WHERE {TOO_FAST} GROUP BY m.terminal_id",
        moves()
    ))
    .bind(since(now).0)
    .bind(now.0)
    .bind(apart(bounds))
    .all(connection)
    .await?;
    for row in &rows {
        found.entry(terminal(row)?).or_default().too_fast = row.get("taps")?;
    }
    let unused = query("SELECT t.terminal_id, t.cose FROM tap t WHERE t.card_id IS NULL AND t.received_at > $1 AND t.received_at <= $2")
        .bind(since(now).0)
        .bind(now.0);
    let mut rows = unused.stream(connection)?;
    while let Some(row) = rows.try_next().await? {
        if matches!(operation(&row)?, Operation::Abandoned(Abandoned { reason: AbandonReason::WrongPin })) {
            found.entry(terminal(&row)?).or_default().wrong_pins += 1;
        }
    }
    Ok(found)
}

/// What these terminals have sold and given back.
pub(super) async fn sum(connection: &mut Connection, now: Micros, found: &mut Counted) -> Result<(), DbError> {
    let terminals = Rows::new().bytes("terminal_id", found.keys().map(|terminal| *terminal.as_bytes()));
    let sums = query(format!(
        "SELECT t.terminal_id, t.cose FROM tap t WHERE {}
             AND t.terminal_id IN (SELECT terminals.terminal_id FROM {{terminals}})",
        counted()
    ))
    .bind(since(now).0)
    .bind(now.0)
    .set("terminals", terminals);
    let mut rows = sums.stream(connection)?;
    while let Some(row) = rows.try_next().await? {
        let counts = found.entry(terminal(&row)?).or_default();
        match operation(&row)? {
            Operation::PursePayment(payment) => counts.sold = plus(counts.sold, payment.amount),
            Operation::PurseRefund(back) | Operation::PurseVoid(back) => {
                counts.refunded = plus(counts.refunded, back.amount);
            }
            _ => {}
        }
    }
    Ok(())
}

fn plus(sum: Fen, amount: Fen) -> Fen {
    Fen(sum.0.saturating_add(amount.0))
}

fn terminal(row: &Row) -> Result<TerminalId, DbError> {
    Ok(TerminalId::from_bytes(columns::bytes(row, "terminal_id")?))
}

fn operation(row: &Row) -> Result<Operation, DbError> {
    let tap = Envelope::<SignedTap>::decode(row.get("cose")?).map_err(|_| DbError::Unreadable("tap.cose"))?;
    Ok(tap.payload.operation)
}

/// The taps that speak for a suspicion, newest first; none where numbers alone do.
pub(super) async fn taps(
    connection: &mut Connection,
    suspicion: &Suspicion,
    bounds: Bounds,
    limit: u32,
) -> Result<Vec<Tap>, DbError> {
    let (since, until) = (since(suspicion.found_at), suspicion.found_at);
    let rows = match suspicion.rule {
        Rule::TooFast => query(format!(
            "SELECT t.card_id, t.received_at, t.cose, other.name AS other FROM ({}) AS m
             JOIN tap t ON t.shard = m.shard AND t.leaf = m.leaf
             JOIN organisation other ON other.organisation_id = CASE
                 WHEN m.before_place <> m.place AND m.received_at - m.before_at < $3 THEN m.before_place
                 ELSE m.after_place END
             WHERE m.terminal_id = $4 AND {TOO_FAST} ORDER BY m.received_at DESC LIMIT $5",
            moves()
        ))
        .bind(since.0)
        .bind(until.0)
        .bind(apart(bounds)),
        Rule::RefundsOverSales => query(format!(
            "SELECT t.card_id, t.received_at, t.cose, CAST(NULL AS TEXT) AS other FROM tap t
             WHERE {} AND t.operation IN ({}) AND t.terminal_id = $3 ORDER BY t.received_at DESC LIMIT $4",
            counted(),
            returns()
        ))
        .bind(since.0)
        .bind(until.0),
        Rule::ManyCards | Rule::WrongPins => return Ok(Vec::new()),
    };
    let rows = rows.bind(suspicion.terminal).bind(i64::from(limit)).all(connection).await?;
    let tap = |row: &Row| {
        let operation = operation(row)?;
        Ok(Tap {
            at: Micros(row.get("received_at")?),
            card: CardId::from_bytes(columns::bytes(row, "card_id")?),
            operation: operation.code(),
            amount: operation.amount(),
            other: row.get("other")?,
        })
    };
    rows.iter().map(tap).collect()
}

/// Whether a terminal is noted under a rule already, and nobody has looked, or it was counted within the same day.
pub(super) async fn is_noted(connection: &mut Connection, suspicion: &Suspicion) -> Result<bool, DbError> {
    let noted: i64 = query(
        "SELECT COUNT(*) FROM suspicion s LEFT JOIN suspicion_review r ON r.suspicion_id = s.suspicion_id
         WHERE s.terminal_id = $1 AND s.rule = $2 AND (r.suspicion_id IS NULL OR s.found_at > $3)",
    )
    .bind(suspicion.terminal)
    .bind(suspicion.rule.name())
    .bind(since(suspicion.found_at).0)
    .scalar_one(connection)
    .await?;
    Ok(noted > 0)
}

/// Notes a terminal.
pub async fn insert(tx: &mut Tx, suspicion: &Suspicion) -> Result<(), DbError> {
    let Suspicion { id, terminal, rule, found_at, most, counts } = *suspicion;
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::SUSPICION, vec![id.as_bytes()[..].into()]).await?;
    query(
        "INSERT INTO suspicion (suspicion_id, terminal_id, rule, found_at, most, cards, too_fast, refunds, refunded, sold,
             wrong_pins, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(id)
    .bind(terminal)
    .bind(rule.name())
    .bind(found_at.0)
    .bind(most)
    .bind(counts.cards)
    .bind(counts.too_fast)
    .bind(counts.refunds)
    .bind(counts.refunded.0)
    .bind(counts.sold.0)
    .bind(counts.wrong_pins)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, found_at, ActionKind::SuspicionNoted).await
}

/// Writes what somebody has found.
pub async fn insert_review(tx: &mut Tx, at: Micros, id: Uuid, by: StaffId, finding: Finding) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::SUSPICION_REVIEW, vec![id.as_bytes()[..].into()]).await?;
    query("INSERT INTO suspicion_review (suspicion_id, at, staff_id, finding, leaf) VALUES ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(at.0)
        .bind(by.0)
        .bind(finding.name())
        .bind(change.leaf())
        .execute(tx.conn())
        .await?;
    change.record(tx, at, ActionKind::SuspicionReviewed).await
}

const NOTED: &str = "SELECT s.suspicion_id, s.terminal_id, s.rule, s.found_at, s.most, s.cards, s.too_fast, s.refunds,
        s.refunded, s.sold, s.wrong_pins, x.name AS terminal, o.name AS organisation, r.finding, r.at AS reviewed_at,
        who.name AS staff
    FROM suspicion s JOIN terminal x ON x.terminal_id = s.terminal_id
    JOIN organisation o ON o.organisation_id = x.organisation_id
    LEFT JOIN suspicion_review r ON r.suspicion_id = s.suspicion_id LEFT JOIN staff who ON who.staff_id = r.staff_id";

/// One of them.
pub(super) async fn one(connection: &mut Connection, id: Uuid) -> Result<Option<Noted>, DbError> {
    let row = query(format!("{NOTED} WHERE s.suspicion_id = $1")).bind(id).optional(connection).await?;
    row.as_ref().map(noted).transpose()
}

/// Those at which somebody has to look, then the newest that were looked at.
pub(super) async fn all(connection: &mut Connection, limit: u32) -> Result<Vec<Noted>, DbError> {
    let rows = query(format!(
        "{NOTED} ORDER BY CASE WHEN r.at IS NULL THEN 0 ELSE 1 END, s.found_at DESC, s.suspicion_id LIMIT $1"
    ))
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    rows.iter().map(noted).collect()
}

/// At how many somebody has to look.
pub async fn count_open(connection: &mut Connection) -> Result<i64, DbError> {
    query(
        "SELECT COUNT(*) FROM suspicion s LEFT JOIN suspicion_review r ON r.suspicion_id = s.suspicion_id
         WHERE r.suspicion_id IS NULL",
    )
    .scalar_one(connection)
    .await
}

fn noted(row: &Row) -> Result<Noted, DbError> {
    let finding: Option<String> = row.get("finding")?;
    let (at, staff): (Option<i64>, Option<String>) = (row.get("reviewed_at")?, row.get("staff")?);
    let finding = finding.map(|name| Finding::from_name(&name).ok_or(DbError::Unreadable("suspicion_review.finding")));
    let review = finding.transpose()?.zip(at).zip(staff).map(|((finding, at), who)| (finding, Micros(at), who));
    Ok(Noted {
        suspicion: Suspicion {
            id: Uuid::from_bytes(columns::bytes(row, "suspicion_id")?),
            terminal: terminal(row)?,
            rule: Rule::from_name(row.get("rule")?).ok_or(DbError::Unreadable("suspicion.rule"))?,
            found_at: Micros(row.get("found_at")?),
            most: row.get("most")?,
            counts: Counts {
                cards: row.get("cards")?,
                too_fast: row.get("too_fast")?,
                refunds: row.get("refunds")?,
                refunded: Fen(row.get("refunded")?),
                sold: Fen(row.get("sold")?),
                wrong_pins: row.get("wrong_pins")?,
            },
        },
        name: row.get("terminal")?,
        organisation: row.get("organisation")?,
        review,
    })
}
