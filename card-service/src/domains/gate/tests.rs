//! Who passes, what is counted and kept, on a real database; and what may be granted.

pub(crate) mod pages;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::gate::{Hours, Weekdays, Window};
use card_schema::ids::{CardId, HolderId, PaperNumber, Shard, SiteId, TerminalId};

use super::model::{EndReason, Hour, Issued, Reason, Standing, hour};
use super::rules::{check_days, check_pass, is_over, minute, moment, standing};
use super::{Count, store};
use crate::db::{Db, DbError, query};
use crate::people::StaffId;
use crate::testing::Scratch;
use crate::testing::gate::{always, credential, opens, site_of};
use crate::testing::town::{START, Town, clerk_in, terminal_beside};

/// Whose a card is.
pub(crate) async fn holder_of(db: &Db, card: CardId) -> HolderId {
    let found = crate::cards::store::one(&mut db.read().await.unwrap(), card).await.unwrap();
    found.unwrap().bearer.holder().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

#[tokio::test]
async fn questions_of_one_hour_add_up_to_one_row() {
    let town = Scratch::new().await;
    let count = |hour| Count { shard: Shard(1), terminal: TerminalId::from_bytes([1; 16]), hour };
    for _ in 0..2 {
        let counts = [5, 5, 6].map(count);
        town.db
            .write::<_, DbError, _>(move |tx| Box::pin(async move { store::add(tx.conn(), &counts).await }))
            .await
            .unwrap();
    }
    let rows = query("SELECT hour, passed FROM gate_count ORDER BY hour")
        .all(&mut town.db.read().await.unwrap())
        .await
        .unwrap();
    let counts: Vec<[i64; 2]> = rows.iter().map(|row| [0, 1].map(|column| row.at(column).unwrap())).collect();
    assert_eq!(counts, [[5, 4], [6, 2]]);
}

#[test]
fn an_hour_begins_on_the_hour_also_before_1970() {
    assert_eq!(hour(Micros::from_seconds(3_599)), 0);
    assert_eq!(hour(Micros::from_seconds(3_600)), 1);
    assert_eq!(hour(Micros::from_seconds(-1)), -1);
}

#[test]
fn days_are_not_over_in_order_and_not_too_many() {
    let today = day("2026-11-29");
    for (first, last, expected) in [
        ("2026-11-29", "2026-11-29", Ok(())),
        ("2026-11-28", "2026-12-29", Err(("first", "gate-day-over"))),
        ("2026-12-01", "2026-11-30", Err(("last", "gate-day-order"))),
        ("2026-11-29", "2031-12-02", Ok(())),
        ("2026-11-29", "2031-12-03", Err(("last", "gate-days-many"))),
    ] {
        assert_eq!(check_days(day(first), day(last), today), expected, "{first} {last}");
    }
    let until_today = Window { last: today, ..always() };
    let night = Window { last: day("2026-11-28"), hours: Hours::new(1_320, 360).unwrap(), ..always() };
    assert!(!is_over(&until_today, false, today) && is_over(&until_today, true, today));
    assert!(!is_over(&night, false, today), "the night is not over yet");
    assert!(is_over(&Window { last: day("2026-11-28"), ..always() }, false, today));
}

#[test]
fn times_are_read_however_they_are_typed() {
    for (typed, expected) in [
        ("08:00", Some(480)),
        (" 8:05 ", Some(485)),
        ("0805", Some(485)),
        ("８：０５", Some(485)),
        ("24:00", Some(1_440)),
        ("00:00", Some(0)),
        ("24:01", None),
        ("25:00", None),
        ("08:60", None),
        ("8", None),
        ("805", None),
        ("08:5", None),
        ("+8:05", None),
        ("080:05", None),
        ("八点零五", None),
        ("", None),
    ] {
        assert_eq!(minute(typed), expected, "{typed}");
    }
    assert_eq!(moment(day("1970-01-01"), 480), Micros(0), "eight in China is midnight in UTC");
}

#[test]
fn a_visitors_pass_is_good_for_some_days_from_now_on() {
    let at = |on, minute| moment(day(on), minute);
    let now = at("2026-11-29", 600);
    for (from, until, expected) in [
        (at("2026-11-29", 0), at("2026-11-29", 601), Ok(())),
        (at("2026-11-29", 0), at("2026-12-06", 0), Ok(())),
        (at("2026-12-29", 0), at("2026-12-30", 0), Ok(())),
        (at("2026-11-28", 1_439), at("2026-11-30", 0), Err(("from_day", "gate-day-over"))),
        (at("2026-12-30", 0), at("2026-12-31", 0), Err(("from_day", "gate-pass-early"))),
        (at("2026-11-29", 700), at("2026-11-29", 700), Err(("until_day", "gate-pass-order"))),
        (at("2026-11-29", 0), at("2026-11-29", 600), Err(("until_day", "gate-pass-ended"))),
        (at("2026-11-29", 0), at("2026-12-06", 1), Err(("until_day", "gate-pass-long"))),
    ] {
        assert_eq!(check_pass(from, until, now), expected, "{from:?} {until:?}");
    }
    let pass = Issued {
        number: PaperNumber([0; 10]),
        site: SiteId::from_bytes([7; 16]),
        reason: Reason::Visits,
        from: now,
        until: now.plus_seconds(60),
        issued_at: now,
        by: StaffId(uuid::Uuid::nil()),
        withdrawn_at: None,
    };
    let stands = |seconds| standing(&pass, false, now.plus_seconds(seconds));
    let expected = [Standing::NotYet, Standing::Good, Standing::Good, Standing::Over];
    assert_eq!([-1, 0, 59, 60].map(stands), expected);
    assert_eq!(standing(&pass, true, now), Standing::Withdrawn, "nobody passes there any more");
    assert_eq!(standing(&Issued { withdrawn_at: Some(now), ..pass }, false, now), Standing::Withdrawn);
}

#[tokio::test]
async fn what_was_granted_is_read_as_it_was_kept_and_ended() {
    let town = Town::new().await;
    let db = &town.scratch.db;
    let (gate, card) = (town.terminal().await, town.card().await);
    let (site, by) = (opens(db, gate.id, &[&card]).await, clerk_in(db).await);
    let holder = holder_of(db, card.id).await;
    let mut connection = db.read().await.unwrap();
    let kept = store::credentials::of_holder(&mut connection, holder).await.unwrap().remove(0);
    drop(connection);
    assert_eq!((kept.site, kept.window, kept.ended), (site, always(), None));
    let (at, ending) = (START.plus_seconds(40), kept.clone());
    let ended = db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move { store::credentials::end(tx, at, by, &ending, EndReason::HolderAsked).await })
    });
    ended.await.unwrap();
    let found = store::credentials::of_holder(&mut db.read().await.unwrap(), holder).await.unwrap();
    assert_eq!(found[0].ended, Some((at, by, EndReason::HolderAsked)));
    let night = Window {
        first: day("2026-11-02"),
        last: day("2027-11-02"),
        days: Weekdays::from_bits(0x41).unwrap(),
        hours: Hours::new(1_320, 360).unwrap(),
    };
    let new = credential(holder, site, night, by);
    let added = new.clone();
    let granted =
        db.write::<_, DbError, _>(move |tx| Box::pin(async move { store::credentials::insert(tx, &added).await }));
    granted.await.unwrap();
    let found = store::credentials::of_holder(&mut db.read().await.unwrap(), holder).await.unwrap();
    assert!(found.contains(&new), "{found:?}");
}

#[tokio::test]
async fn counts_of_a_site_are_those_of_its_gates_while_they_stood_there_from_all_shards() {
    let town = Town::new().await;
    let db = &town.scratch.db;
    let (one, by) = (town.terminal().await, clerk_in(db).await);
    let two = terminal_beside(db, one.id).await;
    let site = site_of(db, one.id).await;
    let first = hour(START) + 1;
    // The second comes in the middle of the second hour, and goes at the end of the third.
    let (comes, goes) = (Micros((first + 1) * 3_600_000_000 + 1), Micros((first + 3) * 3_600_000_000));
    let (one, two) = (one.id, two.id);
    let counted = db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            store::place(tx, comes, by, two, Some(site)).await?;
            store::place(tx, goes, by, two, None).await?;
            let of_both = (0..5).flat_map(|hour| [(one, first + hour), (two, first + hour)]);
            let of_shards = of_both.flat_map(|of| [(0, of), (7, of)]);
            let counts: Vec<_> =
                of_shards.map(|(shard, (terminal, hour))| Count { shard: Shard(shard), terminal, hour }).collect();
            store::add(tx.conn(), &counts).await
        })
    });
    counted.await.unwrap();
    let mut connection = db.read().await.unwrap();
    let found = store::hours(&mut connection, site, (first, first + 4), db.engine().shards()).await.unwrap();
    let hour = |hour, times: u64| Hour { hour: first + hour, passed: 2 * times };
    assert_eq!(found, [hour(0, 1), hour(1, 2), hour(2, 2), hour(3, 1)]);
    let elsewhere = SiteId::from_bytes([9; 16]);
    let none = store::hours(&mut connection, elsewhere, (first, first + 4), db.engine().shards()).await.unwrap();
    assert!(none.is_empty());
}

#[tokio::test]
async fn a_closed_site_has_no_gates_any_more_and_its_passes_are_kept() {
    let town = Town::new().await;
    let db = &town.scratch.db;
    let (terminal, by) = (town.terminal().await, clerk_in(db).await);
    let site = site_of(db, terminal.id).await;
    let pass = move |number: u8, hours: i64| Issued {
        number: PaperNumber([number; 10]),
        site,
        reason: Reason::Delivers,
        from: START,
        until: START.plus_seconds(hours * 3_600),
        issued_at: START,
        by,
        withdrawn_at: None,
    };
    let closed = db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            for pass in [pass(1, 1), pass(2, 2), pass(3, 3)] {
                store::passes::insert(tx, &pass).await?;
            }
            store::passes::withdraw(tx, START, by, PaperNumber([2; 10])).await?;
            store::close(tx, START, by, site).await
        })
    });
    closed.await.unwrap();
    let mut connection = db.read().await.unwrap();
    assert!(store::one(&mut connection, site).await.unwrap().unwrap().closed);
    assert_eq!(store::posts(&mut connection, None).await.unwrap(), []);
    let since = START.plus_seconds(3_600);
    let found = store::passes::of_site(&mut connection, site, since, 10).await.unwrap();
    assert_eq!(found, [pass(3, 3), Issued { withdrawn_at: Some(START), ..pass(2, 2) }]);
    assert_eq!(store::passes::one(&mut connection, PaperNumber([1; 10])).await.unwrap(), Some(pass(1, 1)));
    assert_eq!(store::passes::one(&mut connection, PaperNumber([4; 10])).await.unwrap(), None);
}
