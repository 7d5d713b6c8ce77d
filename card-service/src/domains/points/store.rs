//! The tables of programmes, rules, members and lots. What moves, the ledger writes.

use std::collections::{BTreeMap, HashMap};

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::{HolderId, OrganisationId, Shard};
use card_schema::money::Fen;
use card_schema::points::{EarnRule, ProgrammeId, Worth};
use uuid::Uuid;

use super::model::{Category, Earned, Lots, Member, Programme, Programmes, Reach, Rule, Wanted};
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, insert, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// The newest change of anything that programmes are made of; nothing before the first.
pub async fn newest(connection: &mut Connection) -> Result<Option<i64>, DbError> {
    let rows: Vec<Option<i64>> = query(
        "SELECT MAX(leaf) FROM points_programme UNION ALL SELECT MAX(leaf) FROM points_rule
         UNION ALL SELECT MAX(leaf) FROM points_member",
    )
    .scalars(connection)
    .await?;
    Ok(rows.into_iter().flatten().max())
}

/// All programmes.
pub async fn programmes(connection: &mut Connection) -> Result<Programmes, DbError> {
    let rows = query(
        "SELECT programme_id, name, reach, worth_points, worth_fen, validity_months, day_most, below_zero
         FROM points_programme",
    )
    .all(connection)
    .await?;
    let programmes = rows.iter().map(|row| programme(row).map(|programme| (programme.id, programme)));
    let programmes = programmes.collect::<Result<BTreeMap<_, _>, DbError>>()?;
    let rows =
        query("SELECT rule_id, programme_id, points, per_fen, category, from_day, until_day FROM points_rule ORDER BY from_day, rule_id")
            .all(connection)
            .await?;
    let rules = rows.iter().map(rule).collect::<Result<_, _>>()?;
    let rows = query("SELECT programme_id, organisation_id, category, from_day, until_day FROM points_member")
        .all(connection)
        .await?;
    let mut members: HashMap<OrganisationId, Vec<Member>> = HashMap::new();
    for row in &rows {
        let member = member(row)?;
        members.entry(member.organisation).or_default().push(member);
    }
    Ok(Programmes { programmes, rules, members })
}

fn programme_id(row: &Row) -> Result<ProgrammeId, DbError> {
    columns::number(row, "programme_id").map(ProgrammeId)
}

fn day(number: i64) -> Result<Date, DbError> {
    Date::from_days(number).ok_or(DbError::Unreadable("day"))
}

fn category(code: &str) -> Result<Category, DbError> {
    Category::new(code).ok_or(DbError::Unreadable("category"))
}

fn optional<T: TryFrom<i64>>(row: &Row, column: &'static str) -> Result<Option<T>, DbError> {
    let number: Option<i64> = row.get(column)?;
    number.map(|number| T::try_from(number).map_err(|_| DbError::Unreadable(column))).transpose()
}

fn programme(row: &Row) -> Result<Programme, DbError> {
    let worth = optional(row, "worth_points")?.zip(row.get::<Option<i64>>("worth_fen")?);
    Ok(Programme {
        id: programme_id(row)?,
        name: row.get("name")?,
        reach: Reach::from_name(row.get("reach")?).ok_or(DbError::Unreadable("points_programme.reach"))?,
        worth: worth.map(|(points, fen)| Worth { points, fen: Fen(fen) }),
        validity_months: columns::number(row, "validity_months")?,
        day_most: optional(row, "day_most")?,
        below_zero: row.get::<i64>("below_zero")? != 0,
    })
}

fn rule(row: &Row) -> Result<Rule, DbError> {
    let earn = EarnRule {
        points: columns::number(row, "points")?,
        per: Fen(row.get("per_fen")?),
        from: day(row.get("from_day")?)?,
        until: day(row.get("until_day")?)?,
    };
    let of_category: Option<String> = row.get("category")?;
    Ok(Rule {
        id: Uuid::from_bytes(columns::bytes(row, "rule_id")?),
        programme: programme_id(row)?,
        earn,
        category: of_category.as_deref().map(category).transpose()?,
    })
}

fn member(row: &Row) -> Result<Member, DbError> {
    Ok(Member {
        organisation: OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?),
        programme: programme_id(row)?,
        category: category(row.get("category")?)?,
        from: day(row.get("from_day")?)?,
        until: row.get::<Option<i64>>("until_day")?.map(day).transpose()?,
    })
}

/// Adds a programme, or changes the one of this number.
pub async fn keep_programme(tx: &mut Tx, at: Micros, by: StaffId, programme: &Programme) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::POINTS_PROGRAMME, vec![i64::from(programme.id.0).into()]).await?;
    query(
        "INSERT INTO points_programme (programme_id, name, reach, worth_points, worth_fen, validity_months, day_most,
             below_zero, staff_id, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (programme_id) DO UPDATE SET name = excluded.name, worth_points = excluded.worth_points,
             worth_fen = excluded.worth_fen, day_most = excluded.day_most, below_zero = excluded.below_zero,
             staff_id = excluded.staff_id, leaf = excluded.leaf",
    )
    .bind(i64::from(programme.id.0))
    .bind(&programme.name)
    .bind(programme.reach.name())
    .bind(programme.worth.map(|worth| i64::from(worth.points)))
    .bind(programme.worth.map(|worth| worth.fen.0))
    .bind(i64::from(programme.validity_months))
    .bind(programme.day_most.map(i64::from))
    .bind(i64::from(programme.below_zero))
    .bind(by.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::PointsProgrammeChanged).await
}

/// Adds a rule, or gives the one of this id another last day.
pub async fn keep_rule(tx: &mut Tx, at: Micros, by: StaffId, rule: &Rule) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::POINTS_RULE, vec![rule.id.as_bytes()[..].into()]).await?;
    query(
        "INSERT INTO points_rule (rule_id, programme_id, points, per_fen, category, from_day, until_day, staff_id, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (rule_id) DO UPDATE SET until_day = excluded.until_day, staff_id = excluded.staff_id,
             leaf = excluded.leaf",
    )
    .bind(rule.id)
    .bind(i64::from(rule.programme.0))
    .bind(i64::from(rule.earn.points))
    .bind(rule.earn.per.0)
    .bind(rule.category.as_ref().map(|category| category.code().to_owned()))
    .bind(rule.earn.from.days())
    .bind(rule.earn.until.days())
    .bind(by.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::PointsProgrammeChanged).await
}

/// Adds a member, or changes how it takes part.
pub async fn keep_member(tx: &mut Tx, at: Micros, by: StaffId, member: &Member) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    let key = vec![i64::from(member.programme.0).into(), member.organisation.as_bytes()[..].into()];
    change.touch(tx, &tables::POINTS_MEMBER, key).await?;
    query(
        "INSERT INTO points_member (programme_id, organisation_id, category, from_day, until_day, staff_id, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (programme_id, organisation_id) DO UPDATE SET category = excluded.category,
             from_day = excluded.from_day, until_day = excluded.until_day, staff_id = excluded.staff_id, leaf = excluded.leaf",
    )
    .bind(i64::from(member.programme.0))
    .bind(member.organisation)
    .bind(member.category.code())
    .bind(member.from.days())
    .bind(member.until.map(Date::days))
    .bind(by.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::PointsProgrammeChanged).await
}

/// Lots of holders.
pub async fn lots(
    connection: &mut Connection,
    wanted: &[Wanted],
) -> Result<HashMap<(HolderId, ProgrammeId), Lots>, DbError> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let whole = (i64::MIN, i64::MAX);
    let days = |one: &Wanted| one.day.map_or(whole, |day| (day.days(), day.days()));
    let rows = Rows::new()
        .ints("shard", wanted.iter().map(|one| i64::from(one.shard.0)))
        .bytes("holder_id", wanted.iter().map(|one| *one.holder.as_bytes()))
        .ints("programme_id", wanted.iter().map(|one| i64::from(one.programme.0)))
        .ints("first", wanted.iter().map(|one| days(one).0))
        .ints("last", wanted.iter().map(|one| days(one).1));
    let rows = query(
        "SELECT l.holder_id, l.programme_id, l.day, l.points FROM {wanted} CROSS JOIN points_lot l
         WHERE l.shard = wanted.shard AND l.holder_id = wanted.holder_id AND l.programme_id = wanted.programme_id
             AND l.day BETWEEN wanted.first AND wanted.last",
    )
    .set("wanted", rows)
    .all(connection)
    .await?;
    let mut found: HashMap<_, Lots> = HashMap::new();
    for row in &rows {
        let holder = HolderId::from_bytes(columns::bytes(row, "holder_id")?);
        let lots = found.entry((holder, programme_id(row)?)).or_default();
        lots.insert(day(row.get("day")?)?, row.get("points")?);
    }
    Ok(found)
}

/// Adds what was earned to the lots of its days.
pub async fn add(connection: &mut Connection, earned: &[Earned]) -> Result<(), DbError> {
    let mut sums: BTreeMap<_, i64> = BTreeMap::new();
    for one in earned {
        *sums.entry((one.shard, one.holder, one.programme, one.day.days())).or_default() += one.points;
    }
    let rows = Rows::new()
        .ints("shard", sums.keys().map(|(shard, ..)| i64::from(shard.0)))
        .bytes("holder_id", sums.keys().map(|(_, holder, ..)| *holder.as_bytes()))
        .ints("programme_id", sums.keys().map(|(.., programme, _)| i64::from(programme.0)))
        .ints("day", sums.keys().map(|(.., day)| *day))
        .ints("points", sums.values().copied());
    insert(
        connection,
        "points_lot",
        rows,
        "ON CONFLICT (shard, holder_id, programme_id, day) DO UPDATE SET points = points_lot.points + excluded.points",
    )
    .await
}

/// Holders of a shard with lots of a programme from before a day, in order, those after `last`.
pub async fn with_old_lots(
    connection: &mut Connection,
    (shard, programme): (Shard, ProgrammeId),
    before: Date,
    last: HolderId,
    limit: u32,
) -> Result<Vec<HolderId>, DbError> {
    let rows = query(
        "SELECT DISTINCT holder_id FROM points_lot WHERE shard = $1 AND holder_id > $2 AND programme_id = $3 AND day < $4
         ORDER BY holder_id LIMIT $5",
    )
    .bind(shard)
    .bind(last)
    .bind(i64::from(programme.0))
    .bind(before.days())
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    rows.iter().map(|row| Ok(HolderId::from_bytes(columns::bytes(row, "holder_id")?))).collect()
}

/// Forgets a holder's lots of a programme from before a day.
pub async fn forget_lots(
    connection: &mut Connection,
    (shard, programme): (Shard, ProgrammeId),
    holders: &[HolderId],
    before: Date,
) -> Result<(), DbError> {
    let rows = Rows::new()
        .ints("shard", holders.iter().map(|_| i64::from(shard.0)))
        .bytes("holder_id", holders.iter().map(|holder| *holder.as_bytes()));
    query(
        "DELETE FROM points_lot WHERE programme_id = $1 AND day < $2 AND (shard, holder_id) IN
         (SELECT gone.shard, gone.holder_id FROM {gone})",
    )
    .bind(i64::from(programme.0))
    .bind(before.days())
    .set("gone", rows)
    .execute(connection)
    .await
    .map(drop)
}
