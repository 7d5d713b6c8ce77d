//! Members of staff as administrators change them: the tables staff, staff_post and staff_deed.

use card_schema::clock::Micros;
use card_schema::ids::{OrganisationId, Shard};
use uuid::Uuid;

use super::model::{Deed, Member, Past, Post, State, Wish};
use crate::db::{Connection, DbError, Row, Tx, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::factor::store::is_on;
use crate::people::store::staff;
use crate::people::{Staff, StaffId, StaffRole};

const SELECT: &str = "SELECT s.staff_id, s.name, s.role, p.organisation_id, p.state, p.since, p.password_given,
        p.admitted_by, p.admitted_at, p.reset_by, p.reset_at, p.administered_until, p.reversed_until,
        o.name AS station, f.state AS factor
    FROM staff s LEFT JOIN staff_post p USING (staff_id) LEFT JOIN organisation o USING (organisation_id)
        LEFT JOIN second_factor f ON f.staff_id = s.staff_id";

/// Every member of staff, by station and name.
pub async fn all(connection: &mut Connection) -> Result<Vec<Member>, DbError> {
    let rows = query(format!("{SELECT} ORDER BY COALESCE(o.name, ''), s.name")).all(connection).await?;
    rows.iter().map(member).collect()
}

/// One member of staff.
pub async fn one(connection: &mut Connection, who: StaffId) -> Result<Option<Member>, DbError> {
    let row = query(format!("{SELECT} WHERE s.staff_id = $1")).bind(who.0).optional(connection).await?;
    row.as_ref().map(member).transpose()
}

/// The name of the station at which somebody works, if they work at one.
pub async fn station(connection: &mut Connection, who: StaffId) -> Result<Option<String>, DbError> {
    Ok(one(connection, who).await?.and_then(|member| member.station))
}

/// When somebody signed in last.
pub async fn last_sign_in(connection: &mut Connection, who: StaffId) -> Result<Option<Micros>, DbError> {
    let at = query("SELECT at FROM sign_in WHERE staff_id = $1 AND succeeded = 1 ORDER BY at DESC LIMIT 1");
    Ok(at.bind(who.0).scalar(connection).await?.map(Micros))
}

/// Adds a member of staff. False where the name is taken.
pub async fn insert(tx: &mut Tx, at: Micros, staff: &Staff, post: &Post, password_hash: &str) -> Result<bool, DbError> {
    let taken: Option<i64> =
        query("SELECT leaf FROM staff WHERE name = $1").bind(&staff.name).scalar(tx.conn()).await?;
    if taken.is_some() {
        return Ok(false);
    }
    let mut change = begin(tx, staff.staff_id).await?;
    query("INSERT INTO staff (staff_id, name, role, password_hash, created_at, leaf) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(staff.staff_id.0)
        .bind(&staff.name)
        .bind(staff.role.name())
        .bind(password_hash)
        .bind(at.0)
        .bind(change.leaf())
        .execute(tx.conn())
        .await?;
    put_post(tx, &change, staff.staff_id, post).await?;
    if let Some((by, _)) = post.admitted {
        let row = DeedRow { deed: ADDED, role: Some(staff.role), station: post.organisation, by: Some(by) };
        put_deed(tx, &mut change, at, staff.staff_id, row).await?;
    }
    change.record(tx, at, ActionKind::StaffChanged).await?;
    Ok(true)
}

/// Keeps a member of staff as they are now, with another password where there is one, and what made them so where that
/// was not themselves.
pub async fn update(
    tx: &mut Tx,
    at: Micros,
    member: &Member,
    password_hash: Option<&str>,
    deed: Option<Deed>,
) -> Result<(), DbError> {
    let who = member.staff.staff_id;
    let mut change = begin(tx, who).await?;
    query(
        "UPDATE staff SET role = $1, password_hash = COALESCE(CAST($2 AS TEXT), password_hash), leaf = $3
         WHERE staff_id = $4",
    )
    .bind(member.staff.role.name())
    .bind(password_hash.map(str::to_owned))
    .bind(change.leaf())
    .bind(who.0)
    .execute(tx.conn())
    .await?;
    put_post(tx, &change, who, &member.post).await?;
    if let Some(deed) = deed {
        put_deed(tx, &mut change, at, who, DeedRow::of(deed)).await?;
    }
    change.record(tx, at, ActionKind::StaffChanged).await
}

/// The deed of whoever adds somebody.
const ADDED: &str = "added";

/// What a row of staff_deed says.
#[derive(Clone, Copy, Debug)]
struct DeedRow {
    deed: &'static str,
    role: Option<StaffRole>,
    station: Option<OrganisationId>,
    by: Option<StaffId>,
}

impl DeedRow {
    fn of(deed: Deed) -> Self {
        let (role, station) = match deed.wish {
            Wish::Role(role) => (Some(role), None),
            Wish::Move(station) => (None, station),
            _ => (None, None),
        };
        Self { deed: deed.wish.name(), role, station, by: deed.by }
    }
}

async fn put_deed(tx: &mut Tx, change: &mut Change, at: Micros, about: StaffId, row: DeedRow) -> Result<(), DbError> {
    change.touch(tx, &tables::STAFF_DEED, vec![about.0.as_bytes()[..].into(), change.leaf().into()]).await?;
    query(
        "INSERT INTO staff_deed (about, leaf, at, deed, role, organisation_id, staff_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(about.0)
    .bind(change.leaf())
    .bind(at.0)
    .bind(row.deed)
    .bind(row.role.map(|role| role.name().to_owned()))
    .bind(row.station.map(|id| id.as_bytes().to_vec()))
    .bind(row.by.map(|who| who.0.as_bytes().to_vec()))
    .execute(tx.conn())
    .await
    .map(drop)
}

/// What was done with a member of staff, newest first.
pub async fn history(connection: &mut Connection, about: StaffId, limit: u32) -> Result<Vec<Past>, DbError> {
    let rows = query(
        "SELECT d.leaf, d.at, d.deed, d.role, o.name AS station, s.name AS staff FROM staff_deed d
         LEFT JOIN organisation o ON o.organisation_id = d.organisation_id
         LEFT JOIN staff s ON s.staff_id = d.staff_id WHERE d.about = $1 ORDER BY d.leaf DESC LIMIT $2",
    )
    .bind(about.0)
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    let past = |row: &Row| {
        let role: Option<String> = row.get("role")?;
        let role = role.map(|name| StaffRole::from_name(&name).ok_or(DbError::Unreadable("staff_deed.role")));
        Ok(Past {
            leaf: row.get("leaf")?,
            at: Micros(row.get("at")?),
            deed: row.get("deed")?,
            role: role.transpose()?,
            station: row.get("station")?,
            staff: row.get("staff")?,
        })
    };
    rows.iter().map(past).collect()
}

/// The newest of it.
pub async fn newest(connection: &mut Connection, about: StaffId) -> Result<Option<Past>, DbError> {
    Ok(history(connection, about, 1).await?.pop())
}

async fn begin(tx: &mut Tx, who: StaffId) -> Result<Change, DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    for table in [&tables::STAFF, &tables::STAFF_POST] {
        change.touch(tx, table, vec![who.0.as_bytes()[..].into()]).await?;
    }
    Ok(change)
}

async fn put_post(tx: &mut Tx, change: &Change, who: StaffId, post: &Post) -> Result<(), DbError> {
    let whom = |by: Option<(StaffId, Micros)>| by.map(|(who, _)| who.0.as_bytes().to_vec());
    let when = |by: Option<(StaffId, Micros)>| by.map(|(_, at)| at.0);
    query(
        "INSERT INTO staff_post (staff_id, organisation_id, state, since, password_given, admitted_by, admitted_at,
             reset_by, reset_at, administered_until, reversed_until, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (staff_id) DO UPDATE SET organisation_id = excluded.organisation_id, state = excluded.state,
             since = excluded.since, password_given = excluded.password_given, admitted_by = excluded.admitted_by,
             admitted_at = excluded.admitted_at, reset_by = excluded.reset_by, reset_at = excluded.reset_at,
             administered_until = excluded.administered_until, reversed_until = excluded.reversed_until,
             leaf = excluded.leaf",
    )
    .bind(who.0)
    .bind(post.organisation.map(|id| id.as_bytes().to_vec()))
    .bind(post.state.name())
    .bind(post.since.0)
    .bind(i64::from(post.password_given))
    .bind(whom(post.admitted))
    .bind(when(post.admitted))
    .bind(whom(post.reset))
    .bind(when(post.reset))
    .bind(post.administered_until.map(|at| at.0))
    .bind(post.reversed_until.map(|at| at.0))
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A post as it is stored; of somebody without one nothing was ever said.
pub(in crate::people) fn post(row: &Row) -> Result<Post, DbError> {
    let state: Option<String> = row.get("state")?;
    let Some(state) = state else { return Ok(Post::working(Micros(0))) };
    let id = |column: &str| -> Result<Option<[u8; 16]>, DbError> {
        let bytes: Option<Vec<u8>> = row.get(column)?;
        bytes.map(|bytes| bytes.try_into().map_err(|_| DbError::Unreadable("an id in staff_post"))).transpose()
    };
    let by = |who: &str, when: &str| -> Result<Option<(StaffId, Micros)>, DbError> {
        let at: Option<i64> = row.get(when)?;
        Ok(id(who)?.map(|who| StaffId(Uuid::from_bytes(who))).zip(at.map(Micros)))
    };
    Ok(Post {
        organisation: id("organisation_id")?.map(OrganisationId::from_bytes),
        state: State::from_name(&state).ok_or(DbError::Unreadable("staff_post.state"))?,
        since: Micros(row.get("since")?),
        password_given: row.get::<i64>("password_given")? != 0,
        admitted: by("admitted_by", "admitted_at")?,
        reset: by("reset_by", "reset_at")?,
        administered_until: row.get::<Option<i64>>("administered_until")?.map(Micros),
        reversed_until: row.get::<Option<i64>>("reversed_until")?.map(Micros),
    })
}

fn member(row: &Row) -> Result<Member, DbError> {
    let second_factor = is_on(row.get::<Option<String>>("factor")?.as_deref());
    Ok(Member { staff: staff(row)?, post: post(row)?, station: row.get("station")?, second_factor })
}
