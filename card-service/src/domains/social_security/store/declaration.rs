//! The tables declaration and contribution.

use std::collections::{BTreeMap, HashMap};

use card_schema::clock::Micros;
use card_schema::ids::{HolderId, OrganisationId, Shard};
use card_schema::money::Fen;
use card_schema::month::Month;

use super::month;
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, insert, query};
use crate::domains::social_security::declaration::{DeclarationId, Earlier, Line, Of, Sums, Totals};
use crate::domains::social_security::record::Declared;
use crate::evidence::tables::{self, Value};
use crate::evidence::{self, Action, ActionKind, Change, RowImage};
use crate::ledger::AccountKind;
use crate::people::StaffId;

/// What an employer has declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Its id.
    pub id: DeclarationId,
    /// Who has.
    pub employer: OrganisationId,
    /// Of which month, and whether it is a correction.
    pub of: Of,
    /// How many workers, and what they earn.
    pub totals: Totals,
    /// What it takes of the employer's credit; below zero where it gives back.
    pub due: Fen,
    /// When.
    pub filed_at: Micros,
    /// Who filed it.
    pub by: StaffId,
    /// When the credit covered it.
    pub paid_at: Option<Micros>,
    /// Whether all of it is in the books.
    pub posted: bool,
}

const COLUMNS: &str = "d.declaration_id, d.organisation_id, d.month, d.corrects, d.people, d.wages, d.due, d.filed_at,
    d.staff_id, d.paid_at, d.posted";

fn declaration(row: &Row) -> Result<Declaration, DbError> {
    Ok(Declaration {
        id: DeclarationId(columns::bytes(row, "declaration_id")?),
        employer: OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?),
        of: Of { month: month(row.get("month")?)?, corrects: row.get::<i64>("corrects")? != 0 },
        totals: Totals { people: columns::number(row, "people")?, wages: Fen(row.get("wages")?) },
        due: Fen(row.get("due")?),
        filed_at: Micros(row.get("filed_at")?),
        by: StaffId(uuid::Uuid::from_bytes(columns::bytes(row, "staff_id")?)),
        paid_at: row.get::<Option<i64>>("paid_at")?.map(Micros),
        posted: row.get::<i64>("posted")? != 0,
    })
}

/// The newest that an employer has declared.
pub async fn of_employer(
    connection: &mut Connection,
    employer: OrganisationId,
    limit: u32,
) -> Result<Vec<Declaration>, DbError> {
    let rows = query(format!(
        "SELECT {COLUMNS} FROM declaration d WHERE d.organisation_id = $1 ORDER BY d.month DESC, d.filed_at DESC LIMIT $2"
    ));
    rows.bind(employer).bind(i64::from(limit)).all(connection).await?.iter().map(declaration).collect()
}

/// One of an employer's.
pub async fn one(
    connection: &mut Connection,
    employer: OrganisationId,
    id: DeclarationId,
) -> Result<Option<Declaration>, DbError> {
    let row =
        query(format!("SELECT {COLUMNS} FROM declaration d WHERE d.declaration_id = $1 AND d.organisation_id = $2"));
    row.bind(id.0).bind(employer).optional(connection).await?.as_ref().map(declaration).transpose()
}

/// What is paid and not in the books yet, in the order in which it is booked.
pub async fn begun(connection: &mut Connection) -> Result<Vec<Declaration>, DbError> {
    open(connection, "d.paid_at IS NOT NULL", None).await
}

/// What is not paid, each employer's in the order of its months.
pub async fn unpaid(connection: &mut Connection) -> Result<Vec<Declaration>, DbError> {
    open(connection, "d.paid_at IS NULL", None).await
}

/// What of an employer is not in the books yet, paid or not, in the same order.
pub async fn open_of(connection: &mut Connection, employer: OrganisationId) -> Result<Vec<Declaration>, DbError> {
    open(connection, "d.organisation_id = $1", Some(employer)).await
}

async fn open(
    connection: &mut Connection,
    which: &'static str,
    employer: Option<OrganisationId>,
) -> Result<Vec<Declaration>, DbError> {
    let rows = query(format!(
        "SELECT {COLUMNS} FROM declaration d WHERE d.posted = 0 AND {which}
         ORDER BY d.organisation_id, d.month, d.filed_at, d.declaration_id"
    ));
    let rows = match employer {
        Some(employer) => rows.bind(employer),
        None => rows,
    };
    rows.all(connection).await?.iter().map(declaration).collect()
}

/// The class of risk by which an employer has declared a month, if it has.
pub async fn risk(connection: &mut Connection, employer: OrganisationId, month: Month) -> Result<Option<u8>, DbError> {
    let row = query(
        "SELECT c.risk FROM declaration d CROSS JOIN contribution c
         WHERE d.organisation_id = $1 AND d.month = $2 AND c.declaration_id = d.declaration_id LIMIT 1",
    );
    let row = row.bind(employer).bind(month.first().days()).optional(connection).await?;
    row.map(|row| columns::number(&row, "risk")).transpose()
}

/// What an employer has declared and not paid; below zero where that gives back.
pub async fn owed(connection: &mut Connection, employer: OrganisationId) -> Result<Fen, DbError> {
    let sum = query(
        "SELECT CAST(COALESCE(SUM(due), 0) AS BIGINT) AS n FROM declaration
         WHERE organisation_id = $1 AND paid_at IS NULL",
    );
    Ok(Fen(sum.bind(employer).scalar_one(connection).await?))
}

/// When an employer has declared something last for a month.
pub async fn last_filed(
    connection: &mut Connection,
    employer: OrganisationId,
    month: Month,
) -> Result<Option<Micros>, DbError> {
    let at = query("SELECT MAX(filed_at) AS n FROM declaration WHERE organisation_id = $1 AND month = $2");
    let at: Option<i64> = at.bind(employer).bind(month.first().days()).scalar_one(connection).await?;
    Ok(at.map(Micros))
}

/// What an employer has to its credit, in all shards together.
pub async fn credit(connection: &mut Connection, employer: OrganisationId) -> Result<Fen, DbError> {
    let sum = query(
        "SELECT CAST(COALESCE(SUM(a.balance), 0) AS BIGINT) AS n FROM shard s CROSS JOIN account a
         WHERE a.shard = s.shard AND a.owner = $1 AND a.kind = $2",
    );
    Ok(Fen(sum.bind(employer).bind(AccountKind::EmployerCredit.number()).scalar_one(connection).await?))
}

const LINE: &str =
    "c.holder_id, c.wage, c.risk, c.employer, c.person, c.pension, c.medical, c.unemployment, c.work_injury,
    c.maternity, c.pension_account, c.medical_account";

fn sums(row: &Row, of: &str) -> Result<Sums, DbError> {
    let fen = |column: &str| Ok::<_, DbError>(Fen(row.get(&format!("{of}{column}"))?));
    Ok(Sums {
        employer: fen("employer")?,
        person: fen("person")?,
        insurances: [fen("pension")?, fen("medical")?, fen("unemployment")?, fen("work_injury")?, fen("maternity")?],
        pension_account: fen("pension_account")?,
        medical_account: fen("medical_account")?,
    })
}

/// What an employer has declared last of its workers for a month.
pub async fn newest(
    connection: &mut Connection,
    employer: OrganisationId,
    month: Month,
) -> Result<HashMap<HolderId, Earlier>, DbError> {
    let rows = query(format!(
        "SELECT {LINE}, c.declaration_id FROM declaration d CROSS JOIN contribution c
         WHERE d.organisation_id = $1 AND d.month = $2 AND c.declaration_id = d.declaration_id
         ORDER BY d.filed_at, d.declaration_id"
    ));
    let rows = rows.bind(employer).bind(month.first().days()).all(connection).await?;
    // Later ones take the place of earlier ones.
    let line = |row: &Row| {
        let holder = HolderId::from_bytes(columns::bytes(row, "holder_id")?);
        let declaration = DeclarationId(columns::bytes(row, "declaration_id")?);
        Ok((holder, Earlier { declaration, risk: columns::number(row, "risk")?, sums: sums(row, "")? }))
    };
    rows.iter().map(line).collect()
}

/// Everything that was declared of a holder.
pub async fn of_holder(connection: &mut Connection, holder: HolderId) -> Result<Vec<Declared>, DbError> {
    let rows = query(format!(
        "SELECT {LINE}, c.declaration_id, c.organisation_id, c.month, d.filed_at, d.paid_at
         FROM contribution c CROSS JOIN declaration d
         WHERE c.shard = $1 AND c.holder_id = $2 AND d.declaration_id = c.declaration_id ORDER BY c.month, d.filed_at"
    ));
    let rows = rows.bind(holder.shard()).bind(holder).all(connection).await?;
    let declared = |row: &Row| {
        Ok(Declared {
            month: month(row.get("month")?)?,
            employer: OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?),
            declaration: DeclarationId(columns::bytes(row, "declaration_id")?),
            filed_at: Micros(row.get("filed_at")?),
            paid_at: row.get::<Option<i64>>("paid_at")?.map(Micros),
            wage: Fen(row.get("wage")?),
            sums: sums(row, "")?,
        })
    };
    rows.iter().map(declared).collect()
}

/// In which shards the lines of a declaration lie, and how many in each.
pub async fn shards(connection: &mut Connection, id: DeclarationId) -> Result<Vec<(Shard, i64)>, DbError> {
    let rows =
        query("SELECT shard, COUNT(*) AS n FROM contribution WHERE declaration_id = $1 GROUP BY shard ORDER BY shard");
    let rows = rows.bind(id.0).all(connection).await?;
    rows.iter().map(|row| Ok((columns::shard(row.get("shard")?)?, row.get("n")?))).collect()
}

/// The lines of a declaration in some shards, by shard.
pub async fn lines(
    connection: &mut Connection,
    id: DeclarationId,
    shards: &[Shard],
) -> Result<BTreeMap<Shard, Vec<Line<HolderId>>>, DbError> {
    let earlier = "p.declaration_id AS earlier, p.risk AS earlier_risk, p.employer AS p_employer, p.person AS p_person, p.pension AS p_pension,
        p.medical AS p_medical, p.unemployment AS p_unemployment, p.work_injury AS p_work_injury,
        p.maternity AS p_maternity, p.pension_account AS p_pension_account, p.medical_account AS p_medical_account";
    let rows = query(format!(
        "SELECT {LINE}, c.shard, {earlier} FROM {{wanted}} CROSS JOIN contribution c
         LEFT JOIN contribution p ON p.shard = c.shard AND p.holder_id = c.holder_id AND p.month = c.month
             AND p.organisation_id = c.organisation_id AND p.declaration_id = c.corrects
         WHERE c.shard = wanted.shard AND c.declaration_id = $1 ORDER BY c.shard, c.holder_id"
    ))
    .bind(id.0)
    .set("wanted", Rows::new().ints("shard", shards.iter().map(|shard| i64::from(shard.0))))
    .all(connection)
    .await?;
    let mut lines: BTreeMap<Shard, Vec<_>> = BTreeMap::new();
    for row in &rows {
        let is_correction = row.get::<Option<&[u8]>>("earlier")?.is_some();
        let corrects = if is_correction {
            Some(Earlier {
                declaration: DeclarationId(columns::bytes(row, "earlier")?),
                risk: columns::number(row, "earlier_risk")?,
                sums: sums(row, "p_")?,
            })
        } else {
            None
        };
        let holder = HolderId::from_bytes(columns::bytes(row, "holder_id")?);
        let (wage, risk) = (Fen(row.get("wage")?), columns::number(row, "risk")?);
        let line = Line { holder, wage, risk, sums: sums(row, "")?, corrects };
        lines.entry(columns::shard(row.get("shard")?)?).or_default().push(line);
    }
    Ok(lines)
}

/// Writes a new declaration with its lines, in a transaction that has locked shard 0 and the lines' shards. One leaf a shard speaks for
/// all lines in it: they are pictured in memory, because they may be many.
pub async fn file(tx: &mut Tx, new: &Declaration, lines: &[Line<HolderId>]) -> Result<(), DbError> {
    put(tx, new.filed_at, new, ActionKind::ContributionsDeclared).await?;
    let mut by_shard: BTreeMap<Shard, Vec<&Line<HolderId>>> = BTreeMap::new();
    for line in lines {
        by_shard.entry(line.holder.shard()).or_default().push(line);
    }
    for lines in by_shard.values_mut() {
        lines.sort_unstable_by_key(|line| *line.holder.as_bytes());
    }
    let leaves: Vec<_> = by_shard.keys().map(|shard| evidence::reserve(tx, *shard)).collect();
    let actions = leaves.iter().zip(&by_shard).map(|(leaf, (shard, lines))| {
        let images = lines.iter().map(|line| image(new, line, leaf.leaf_id)).collect();
        (*leaf, Action::new(*shard, ActionKind::ContributionsDeclared, images))
    });
    evidence::append_reserved(tx, new.filed_at, actions.collect()).await?;

    let each =
        || by_shard.iter().zip(&leaves).flat_map(|((_, lines), leaf)| lines.iter().map(move |line| (*line, leaf)));
    let fen = |of: fn(&Sums) -> Fen| each().map(move |(line, _)| of(&line.sums).0);
    let rows = Rows::new()
        .ints("shard", each().map(|(line, _)| i64::from(line.holder.shard().0)))
        .bytes("holder_id", each().map(|(line, _)| *line.holder.as_bytes()))
        .ints("month", each().map(|_| new.of.month.first().days()))
        .bytes("organisation_id", each().map(|_| *new.employer.as_bytes()))
        .bytes("declaration_id", each().map(|_| new.id.0))
        .ints("wage", each().map(|(line, _)| line.wage.0))
        .ints("risk", each().map(|(line, _)| i64::from(line.risk)))
        .ints("employer", fen(|sums| sums.employer))
        .ints("person", fen(|sums| sums.person))
        .ints("pension", fen(|sums| sums.insurances[0]))
        .ints("medical", fen(|sums| sums.insurances[1]))
        .ints("unemployment", fen(|sums| sums.insurances[2]))
        .ints("work_injury", fen(|sums| sums.insurances[3]))
        .ints("maternity", fen(|sums| sums.insurances[4]))
        .ints("pension_account", fen(|sums| sums.pension_account))
        .ints("medical_account", fen(|sums| sums.medical_account))
        .optional_bytes("corrects", each().map(|(line, _)| line.corrects.map(|earlier| earlier.declaration.0.to_vec())))
        .ints("leaf", each().map(|(_, leaf)| leaf.leaf_id));
    insert(tx.conn(), "contribution", rows, "").await
}

/// What the leaf of a line commits to.
fn image(new: &Declaration, line: &Line<HolderId>, leaf: i64) -> RowImage {
    let Line { holder, wage, risk, sums, corrects } = line;
    let mut row: Vec<Value> = vec![
        i64::from(holder.shard().0).into(),
        holder.as_bytes()[..].into(),
        new.of.month.first().days().into(),
        new.employer.as_bytes()[..].into(),
        new.id.0[..].into(),
    ];
    row.extend([wage.0.into(), i64::from(*risk).into()]);
    let amounts = [sums.employer, sums.person].into_iter().chain(sums.insurances);
    let amounts = amounts.chain([sums.pension_account, sums.medical_account]);
    row.extend(amounts.map(|amount| Value::from(amount.0)));
    row.extend([corrects.map_or(Value::Null, |earlier| earlier.declaration.0[..].into()), leaf.into()]);
    tables::CONTRIBUTION.image(&row)
}

/// Writes that a declaration is paid, or in the books.
pub async fn put_paid(tx: &mut Tx, at: Micros, declaration: &Declaration) -> Result<(), DbError> {
    put(tx, at, declaration, ActionKind::ContributionsPaid).await
}

async fn put(tx: &mut Tx, at: Micros, of: &Declaration, kind: ActionKind) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::DECLARATION, vec![of.id.0[..].into()]).await?;
    query(
        "INSERT INTO declaration (declaration_id, organisation_id, month, corrects, people, wages, due, filed_at, staff_id,
             paid_at, posted, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (declaration_id) DO UPDATE SET paid_at = excluded.paid_at, posted = excluded.posted,
             leaf = excluded.leaf",
    )
    .bind(of.id.0)
    .bind(of.employer)
    .bind(of.of.month.first().days())
    .bind(i64::from(of.of.corrects))
    .bind(i64::try_from(of.totals.people).unwrap_or(i64::MAX))
    .bind(of.totals.wages.0)
    .bind(of.due.0)
    .bind(of.filed_at.0)
    .bind(of.by.0)
    .bind(of.paid_at.map(|at| at.0))
    .bind(i64::from(of.posted))
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, kind).await
}
