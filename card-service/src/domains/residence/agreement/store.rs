//! The table consent_act: forms that were printed, what was signed, and what was withdrawn. Rows are only added.

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::HolderId;

use super::model::{Act, Form, FormNumber, Means, Said, Standing};
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::domains::residence::store::deeds;
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// Something that is about to be written down.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// A form was printed.
    Printed(Form),
    /// A form was signed, on a day; by whom, sealed.
    Signed(Form, Date, Vec<u8>),
    /// An agreement was withdrawn, on a day; by whom, sealed.
    Withdrawn(Date, Vec<u8>),
}

/// Writes down what was done.
pub(crate) async fn put(tx: &mut Tx, at: Micros, by: StaffId, record: HolderId, deed: Deed) -> Result<(), DbError> {
    let (act, form, day, signer) = match deed {
        Deed::Printed(form) => (Act::Printed, Some(form), form.day(), None),
        Deed::Signed(form, day, signer) => (Act::Signed, Some(form), day, Some(signer)),
        Deed::Withdrawn(day, signer) => (Act::Withdrawn, None, day, Some(signer)),
    };
    let mut change = Change::begin(tx, record.shard()).await?;
    let key = vec![i64::from(record.shard().0).into(), record.as_bytes()[..].into(), change.leaf().into()];
    change.touch(tx, &tables::CONSENT_ACT, key).await?;
    query(
        "INSERT INTO consent_act (shard, holder_id, leaf, act, form, version, day, at, staff_id, signer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(record.shard())
    .bind(record)
    .bind(change.leaf())
    .bind(act.name())
    .bind(form.map(|form| form.number.stored()))
    .bind(form.map(|form| i64::from(form.version)))
    .bind(day.start_utc().0)
    .bind(at.0)
    .bind(by.0)
    .bind(signer)
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::ConsentChanged).await
}

fn act_of(row: &Row) -> Result<Act, DbError> {
    Act::from_name(row.get("act")?).ok_or(DbError::Unreadable("consent_act.act"))
}

fn day_of(row: &Row) -> Result<Date, DbError> {
    Ok(Date::of_utc(Micros(row.get("day")?)))
}

/// The form, where something was done with one.
fn maybe_form(row: &Row) -> Result<Option<FormNumber>, DbError> {
    Ok(row.get::<Option<i64>>("form")?.and_then(FormNumber::from_stored))
}

fn form_of(row: &Row) -> Result<FormNumber, DbError> {
    maybe_form(row)?.ok_or(DbError::Unreadable("consent_act.form"))
}

fn version_of(row: &Row) -> Result<u16, DbError> {
    let version = row.get::<Option<i64>>("version")?.and_then(|version| u16::try_from(version).ok());
    version.ok_or(DbError::Unreadable("consent_act.version"))
}

/// A form as it is known, whoever it was printed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// The record for which it was printed.
    pub(super) record: HolderId,
    /// It.
    pub(super) form: Form,
    /// When it was recorded as signed, and by whom (the name to sign in with), if it was.
    pub(super) signed: Option<(Micros, String)>,
}

/// The form with a number, if there is one. Of one that was signed when the person was registered, nothing was written
/// down before.
pub(super) async fn form(connection: &mut Connection, number: FormNumber) -> Result<Option<Known>, DbError> {
    let rows = query(
        "SELECT a.holder_id, a.act, a.form, a.version, a.at, s.name FROM consent_act a JOIN staff s USING (staff_id)
         WHERE a.form = $1 ORDER BY a.at",
    )
    .bind(number.stored())
    .all(connection)
    .await?;
    let mut known: Option<Known> = None;
    for row in &rows {
        let at = Micros(row.get("at")?);
        let form = Form { number: form_of(row)?, printed: at, version: version_of(row)? };
        let record = HolderId::from_bytes(columns::bytes(row, "holder_id")?);
        let known = known.get_or_insert(Known { record, form, signed: None });
        if act_of(row)? == Act::Signed {
            known.signed = Some((at, row.get("name")?));
        }
    }
    Ok(known)
}

/// What was said last on paper in a record.
pub(super) async fn newest(connection: &mut Connection, record: HolderId) -> Result<Option<Said>, DbError> {
    let row = query(
        "SELECT a.act, a.form, a.version, a.day, a.at, s.name FROM consent_act a JOIN staff s USING (staff_id)
         WHERE a.shard = $1 AND a.holder_id = $2 AND a.act <> $3 ORDER BY a.leaf DESC LIMIT 1",
    )
    .bind(record.shard())
    .bind(record)
    .bind(Act::Printed.name())
    .optional(connection)
    .await?;
    let said = |row: Row| {
        let standing = if act_of(&row)? == Act::Withdrawn {
            Standing::Withdrawn
        } else {
            Standing::Agreed { version: version_of(&row)?, means: Means::Paper(form_of(&row)?) }
        };
        let at = Micros(row.get("at")?);
        Ok(Said { standing, day: day_of(&row)?, at, staff: row.get("name")?, record })
    };
    row.map(said).transpose()
}

/// Who signed what was said last in a record, sealed, with the number of the form; nobody where nothing was said.
pub(super) async fn signer(
    connection: &mut Connection,
    record: HolderId,
) -> Result<Option<(Option<FormNumber>, Vec<u8>)>, DbError> {
    let row = query(
        "SELECT form, signer FROM consent_act
         WHERE shard = $1 AND holder_id = $2 AND signer IS NOT NULL ORDER BY leaf DESC LIMIT 1",
    )
    .bind(record.shard())
    .bind(record)
    .optional(connection)
    .await?;
    let signer = |row: Row| Ok((maybe_form(&row)?, row.get("signer")?));
    row.map(signer).transpose()
}

/// Something that was done with the forms of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastAct {
    /// What.
    pub act: Act,
    /// The number of the form, where it was done with one.
    pub form: Option<FormNumber>,
    /// On which day, as was said.
    pub day: Date,
    /// When it was recorded.
    pub at: Micros,
    /// By whom: the name to sign in with.
    pub staff: String,
}

/// What was done with the forms of a record, newest first.
pub async fn history(connection: &mut Connection, record: HolderId, limit: u32) -> Result<Vec<PastAct>, DbError> {
    let rows = deeds(connection, ("consent_act", "a.act, a.form, a.day"), record, limit).await?;
    let past = |row: &Row| {
        Ok(PastAct {
            act: act_of(row)?,
            form: maybe_form(row)?,
            day: day_of(row)?,
            at: Micros(row.get("at")?),
            staff: row.get("name")?,
        })
    };
    rows.iter().map(past).collect()
}
