//! The tables terminal, terminal_deed and enrolment.

use std::collections::{BTreeSet, HashMap};

use card_schema::clock::Micros;
use card_schema::envelope::PublicKey;
use card_schema::ids::{OrganisationId, Shard, TerminalId};
use card_schema::operation::OperationCode;

use super::model::{Deed, Past, RevocationReason, Terminal, TerminalState};
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::{Organisation, StaffId};

const SELECT: &str = "SELECT t.terminal_id, t.name, t.operations, t.state, t.public_key, t.certificate_until,
    o.organisation_id, o.name AS organisation FROM terminal t JOIN organisation o USING (organisation_id)";

/// Adds a terminal that waits for its enrolment, with the hash of its code.
pub async fn insert(tx: &mut Tx, at: Micros, by: StaffId, terminal: &Terminal, code: NewCode) -> Result<(), DbError> {
    let operations = operations_json(&terminal.operations);
    let mut change = touching(tx, terminal.terminal_id).await?;
    query(
        "INSERT INTO terminal (terminal_id, organisation_id, name, operations, state, created_at, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(terminal.terminal_id)
    .bind(terminal.organisation.organisation_id)
    .bind(&terminal.name)
    .bind(operations)
    .bind(terminal.state.number())
    .bind(at.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    done(tx, &mut change, at, by, terminal.terminal_id, Deed::Add).await?;
    change.record(tx, at, ActionKind::TerminalChanged).await?;
    keep_code(tx, terminal.terminal_id, code).await
}

/// A code for an enrolment that nobody has used.
#[derive(Clone, Copy, Debug)]
pub struct NewCode {
    /// Its hash.
    pub hash: [u8; 32],
    /// Until when it is good.
    pub expires_at: Micros,
}

async fn keep_code(tx: &mut Tx, terminal: TerminalId, code: NewCode) -> Result<(), DbError> {
    query("INSERT INTO enrolment (code_hash, terminal_id, expires_at) VALUES ($1, $2, $3)")
        .bind(code.hash)
        .bind(terminal)
        .bind(code.expires_at.0)
        .execute(tx.conn())
        .await
        .map(drop)
}

/// Keeps another code for a terminal; those before it are good no longer.
pub async fn give_code(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    terminal: TerminalId,
    code: NewCode,
) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    done(tx, &mut change, at, by, terminal, Deed::GiveCode).await?;
    change.record(tx, at, ActionKind::TerminalCodeGiven).await?;
    query("DELETE FROM enrolment WHERE terminal_id = $1 AND used_at IS NULL").bind(terminal).execute(tx.conn()).await?;
    keep_code(tx, terminal, code).await
}

/// Writes down who did what, as part of a change that is under way.
async fn done(
    tx: &mut Tx,
    change: &mut Change,
    at: Micros,
    by: StaffId,
    terminal: TerminalId,
    deed: Deed,
) -> Result<(), DbError> {
    change.touch(tx, &tables::TERMINAL_DEED, vec![terminal.as_bytes()[..].into(), change.leaf().into()]).await?;
    query("INSERT INTO terminal_deed (terminal_id, leaf, at, deed, reason, staff_id) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(terminal)
        .bind(change.leaf())
        .bind(at.0)
        .bind(deed.name())
        .bind(deed.reason().map(|reason| reason.name().to_owned()))
        .bind(by.0)
        .execute(tx.conn())
        .await
        .map(drop)
}

/// What was done with a terminal, newest first.
pub async fn history(connection: &mut Connection, terminal: TerminalId, limit: u32) -> Result<Vec<Past>, DbError> {
    let rows = query(
        "SELECT d.at, d.deed, d.reason, s.name FROM terminal_deed d LEFT JOIN staff s ON s.staff_id = d.staff_id
         WHERE d.terminal_id = $1 ORDER BY d.leaf DESC LIMIT $2",
    )
    .bind(terminal)
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    let past = |row: &Row| {
        let (deed, reason): (String, Option<String>) = (row.get("deed")?, row.get("reason")?);
        let deed = Deed::from_name(&deed, reason.as_deref()).ok_or(DbError::Unreadable("terminal_deed.deed"))?;
        Ok(Past { at: Micros(row.get("at")?), deed, staff: row.get("name")? })
    };
    rows.iter().map(past).collect()
}

/// Uses up a code: the terminal it is for, once, before it expires.
pub async fn use_code(tx: &mut Tx, at: Micros, code_hash: [u8; 32]) -> Result<Option<TerminalId>, DbError> {
    let used: Option<Vec<u8>> = query(
        "UPDATE enrolment SET used_at = $1 WHERE code_hash = $2 AND used_at IS NULL AND expires_at > $1
         RETURNING terminal_id",
    )
    .bind(at.0)
    .bind(code_hash)
    .scalar(tx.conn())
    .await?;
    used.map(|id| Ok(TerminalId::from_bytes(id16(id)?))).transpose()
}

/// Gives a terminal its key and certificate and makes it active.
pub async fn enrol(
    tx: &mut Tx,
    at: Micros,
    terminal: TerminalId,
    key: &PublicKey,
    certificate: &[u8],
    until: Micros,
) -> Result<(), DbError> {
    let change = touching(tx, terminal).await?;
    query(
        "UPDATE terminal SET state = 1, public_key = $1, certificate = $2, certificate_until = $3, leaf = $4
         WHERE terminal_id = $5 AND state <> 2",
    )
    .bind(key.as_sec1())
    .bind(certificate)
    .bind(until.0)
    .bind(change.leaf())
    .bind(terminal)
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::TerminalChanged).await
}

/// A terminal's certificate.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// In DER.
    pub der: Vec<u8>,
    /// Until when it is good.
    pub until: Micros,
}

/// The newest certificate of a terminal in use; nothing where it is served on another key.
pub async fn certificate(tx: &mut Tx, terminal: TerminalId, key: &PublicKey) -> Result<Option<Certificate>, DbError> {
    let row = query(
        "SELECT certificate, certificate_until FROM terminal WHERE terminal_id = $1 AND state = 1 AND public_key = $2",
    )
    .bind(terminal)
    .bind(key.as_sec1())
    .optional(tx.conn())
    .await?;
    row.map(|row| Ok(Certificate { der: row.get("certificate")?, until: Micros(row.get("certificate_until")?) }))
        .transpose()
}

/// Revokes a terminal for good. False where there is no such terminal; revoking twice is once.
pub async fn revoke(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    terminal: TerminalId,
    reason: RevocationReason,
) -> Result<bool, DbError> {
    let Some(found) = load(tx, terminal).await? else { return Ok(false) };
    if found.state == TerminalState::Revoked {
        return Ok(true);
    }
    let mut change = touching(tx, terminal).await?;
    query("UPDATE terminal SET state = 2, revoked_at = $1, leaf = $2 WHERE terminal_id = $3")
        .bind(at.0)
        .bind(change.leaf())
        .bind(terminal)
        .execute(tx.conn())
        .await?;
    done(tx, &mut change, at, by, terminal, Deed::Revoke(reason)).await?;
    change.record(tx, at, ActionKind::TerminalRevoked).await?;
    Ok(true)
}

async fn touching(tx: &mut Tx, terminal: TerminalId) -> Result<Change, DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::TERMINAL, vec![terminal.as_bytes()[..].into()]).await?;
    Ok(change)
}

/// One terminal with its organisation, inside a write.
pub async fn load(tx: &mut Tx, terminal: TerminalId) -> Result<Option<Terminal>, DbError> {
    one(tx.conn(), terminal).await
}

/// One terminal with its organisation.
pub async fn one(connection: &mut Connection, terminal: TerminalId) -> Result<Option<Terminal>, DbError> {
    let row = query(format!("{SELECT} WHERE t.terminal_id = $1")).bind(terminal).optional(connection).await?;
    row.map(|row| read(&row)).transpose()
}

/// Those of these terminals that there are.
pub async fn load_all(
    connection: &mut Connection,
    terminals: &BTreeSet<TerminalId>,
) -> Result<HashMap<TerminalId, Terminal>, DbError> {
    if terminals.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted = Rows::new().bytes("terminal_id", terminals.iter().map(|terminal| *terminal.as_bytes()));
    let sql = format!("{SELECT} WHERE t.terminal_id IN (SELECT wanted.terminal_id FROM {{wanted}})");
    let rows = query(sql).set("wanted", wanted).all(connection).await?;
    rows.iter().map(read).map(|terminal| terminal.map(|terminal| (terminal.terminal_id, terminal))).collect()
}

/// Terminals that changed after a leaf, each with the leaf of its newest change; the newest of all where there is no leaf
/// to begin with.
pub async fn changed_since(connection: &mut Connection, since: Option<i64>) -> Result<Vec<(TerminalId, i64)>, DbError> {
    let changed = match since {
        Some(leaf) => query("SELECT terminal_id, leaf FROM terminal WHERE leaf > $1").bind(leaf),
        None => query("SELECT terminal_id, leaf FROM terminal ORDER BY leaf DESC LIMIT 1"),
    };
    let rows = changed.all(connection).await?;
    rows.iter().map(|row| Ok((TerminalId::from_bytes(columns::bytes(row, "terminal_id")?), row.get("leaf")?))).collect()
}

/// Every terminal, oldest first.
pub async fn all(connection: &mut Connection) -> Result<Vec<Terminal>, DbError> {
    let rows = query(format!("{SELECT} ORDER BY t.created_at, t.terminal_id")).all(connection).await?;
    rows.iter().map(read).collect()
}

fn operations_json(operations: &[OperationCode]) -> String {
    serde_json::to_string(operations).expect("names serialise")
}

fn read(row: &Row) -> Result<Terminal, DbError> {
    let broken = DbError::Unreadable;
    let operations: String = row.get("operations")?;
    let public_key: Option<Vec<u8>> = row.get("public_key")?;
    Ok(Terminal {
        terminal_id: TerminalId::from_bytes(columns::bytes(row, "terminal_id")?),
        name: row.get("name")?,
        organisation: Organisation {
            organisation_id: OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?),
            name: row.get("organisation")?,
        },
        operations: serde_json::from_str(&operations).map_err(|_| broken("terminal.operations"))?,
        state: TerminalState::from_number(row.get("state")?).ok_or_else(|| broken("terminal.state"))?,
        public_key: public_key
            .map(|point| PublicKey::from_sec1(&point).map_err(|_| broken("terminal.public_key")))
            .transpose()?,
        certificate_until: row.get::<Option<i64>>("certificate_until")?.map(Micros),
    })
}

/// Sixteen bytes of an id column.
pub(crate) fn id16(bytes: Vec<u8>) -> Result<[u8; 16], DbError> {
    bytes.try_into().map_err(|_| DbError::Unreadable("id"))
}
