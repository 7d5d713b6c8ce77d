//! Above a limit it takes two, and no way round.

use std::collections::HashMap;

use card_schema::clock::Micros;
use card_schema::ids::CardId;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use tokio::runtime::Runtime;

use super::super::carry_out;
use super::super::model::{Reason, Reversal};
use super::*;
use crate::db::DbError;
use crate::http::Refusal;
use crate::people::approval::model::Done;
use crate::people::approval::rules::COUNTS_SECONDS;
use crate::people::member::tests::{on_page, send};

#[tokio::test]
async fn a_large_reversal_is_booked_when_another_has_agreed() {
    let mut shop = Shop::new().await;
    shop.tap(top_up(80_000)).await;
    let paid = shop.tap(pay(60_000)).await;
    let one = shop.supervisor.clone();
    let other = shop.office.member("other", StaffRole::Supervisor).await;
    let clerk = shop.office.member("clerk", StaffRole::Clerk).await;
    let asked = shop.reverse(&one, paid, "amount=300&reason=returned").await;
    assert_eq!(asked.status, DONE);
    let request = asked.leads_to;
    assert!(request.starts_with("/approvals/"), "{request}");
    assert_eq!(shop.balance().await, 20_000, "nothing has moved");
    let seen = shop.see(&clerk, &shop.page(paid)).await.page;
    assert!(seen.contains("Waits for a second person") && seen.contains("300.00 yuan, one, until"), "{seen}");
    assert!(!seen.contains("/approvals/"), "{seen}");
    let seen = shop.see(&other, &request).await.page;
    let title = format!("Reverse 300.00 yuan of the card {}: Returned", &shop.card.id.to_string()[..8]);
    assert!(seen.contains(&title) && seen.contains(&address(shop.card.id, paid)), "{seen}");
    assert!(seen.contains("reason-unfounded") && !seen.contains("reason-not-seen"), "{seen}");
    assert_eq!(shop.see(&clerk, &request).await.status, StatusCode::FORBIDDEN);
    assert_eq!(shop.send(&clerk, &request, "act=approve").await.status, StatusCode::FORBIDDEN);
    assert_eq!(shop.send(&one, &request, "act=approve").await.status, WRONG, "one does not agree with oneself");
    assert_eq!(shop.send(&other, &request, "act=approve").await.status, DONE);
    assert_eq!(shop.balance().await, 50_000);
    assert_eq!(shop.send(&other, &request, "act=approve").await.status, WRONG, "once");
    let seen = shop.see(&clerk, &shop.page(paid)).await.page;
    assert!(seen.contains("300.00 yuan, Returned, or never handed over, one, other agreed"), "{seen}");
    // What two have done does not count towards what one may do alone.
    assert_eq!(shop.reverse(&one, paid, "amount=200&reason=twice").await.leads_to, shop.page(paid));
    let over = shop.reverse(&one, paid, "amount=0.01&reason=twice").await;
    assert!(over.leads_to.starts_with("/approvals/"), "{}", over.leads_to);
}

#[tokio::test]
async fn an_amount_that_is_split_takes_two_as_the_whole_does() {
    let mut shop = Shop::new().await;
    shop.tap(top_up(80_000)).await;
    let (first, second) = (shop.tap(pay(30_000)).await, shop.tap(pay(30_000)).await);
    let one = shop.supervisor.clone();
    let other = shop.office.member("other", StaffRole::Supervisor).await;
    assert_eq!(shop.reverse(&one, first, "amount=150&reason=twice").await.leads_to, shop.page(first));
    assert!(shop.reverse(&one, second, "amount=50.01&reason=twice").await.leads_to.starts_with("/approvals/"));
    assert_eq!(shop.reverse(&one, second, "amount=50&reason=twice").await.leads_to, shop.page(second));
    assert_eq!(shop.reverse(&other, second, "amount=200&reason=twice").await.leads_to, shop.page(second));
    assert_eq!(shop.balance().await, 20_000 + 40_000);
}

#[tokio::test]
async fn whoever_may_be_the_same_person_shares_what_one_may_do_alone() {
    let mut shop = Shop::new().await;
    shop.tap(top_up(80_000)).await;
    let paid = shop.tap(pay(60_000)).await;
    let one = shop.supervisor.clone();
    let admin = shop.office.member("admin", StaffRole::Administrator).await;
    let session = shop.office.session(&admin).await;
    assert_eq!(shop.reverse(&admin, paid, "amount=150&reason=twice").await.leads_to, shop.page(paid));
    assert_eq!(shop.reverse(&one, paid, "amount=60&reason=twice").await.leads_to, shop.page(paid));
    // From now on the administrator could act as the supervisor.
    let member = format!("/staff/{}/sign-in", one.staff_id.0);
    assert_eq!(on_page(&shop.office, &session, &member, Some("act=password")).await.0, StatusCode::OK);
    let reversed = shop.office.app.db.write::<_, Refusal, _>({
        let (card, id) = (shop.card.id, shop.office.app.new_id());
        let wanted = Reversal { card, tap: paid, amount: Fen(1), reason: Reason::Twice };
        let (now, by) = (shop.office.app.now(), one.staff_id);
        move |tx| Box::pin(async move { carry_out(tx, now, Fen(20_000), by, id, wanted).await })
    });
    assert!(matches!(reversed.await.unwrap(), Ok(Done::Waits(_))), "210 yuan were reversed by these hands");
}

#[tokio::test]
async fn what_was_overtaken_is_not_booked_and_the_page_says_why() {
    let mut shop = Shop::new().await;
    let topped_up = shop.tap(top_up(60_000)).await;
    let one = shop.supervisor.clone();
    let other = shop.office.member("other", StaffRole::Supervisor).await;
    let request = shop.reverse(&one, topped_up, "amount=500&reason=mistaken").await.leads_to;
    shop.tap(pay(15_000)).await;
    let told = shop.send(&other, &request, "act=approve").await;
    assert_eq!(told.status, WRONG);
    assert!(told.page.contains("does not hold so much any more"), "{}", told.page);
    assert_eq!(shop.reverse(&other, topped_up, "amount=150&reason=mistaken").await.status, DONE);
    let told = shop.send(&other, &request, "act=approve").await;
    assert!(told.page.contains("too little is left"), "{}", told.page);
    assert_eq!(shop.balance().await, 30_000);
    assert_eq!(shop.send(&one, &request, "act=withdraw").await.status, DONE);
}

#[tokio::test]
async fn where_there_is_nobody_else_one_decides_alone_and_that_is_recorded() {
    let mut shop = Shop::new().await;
    shop.tap(top_up(80_000)).await;
    let paid = shop.tap(pay(60_000)).await;
    let one = shop.supervisor.clone();
    assert_eq!(shop.reverse(&one, paid, "amount=300&reason=twice").await.leads_to, shop.page(paid));
    assert_eq!(shop.balance().await, 50_000);
    assert_eq!(shop.number("SELECT COUNT(*) FROM approval WHERE state = 'alone'").await, 1);
    assert_eq!(shop.number("SELECT COUNT(*) FROM purse_reversal WHERE agreed_by IS NULL").await, 1);
}

#[tokio::test]
async fn each_sees_and_answers_what_their_role_may_do() {
    let mut shop = Shop::new().await;
    shop.tap(top_up(80_000)).await;
    let paid = shop.tap(pay(60_000)).await;
    let one = shop.supervisor.clone();
    let other = shop.office.member("other", StaffRole::Supervisor).await;
    let admins = [
        shop.office.member("admin", StaffRole::Administrator).await,
        shop.office.member("admin2", StaffRole::Administrator).await,
    ];
    let session = shop.office.session(&admins[0]).await;
    let added = send(&shop.office, &session, "/staff/new", Some("name=new&role=operator")).await;
    assert_eq!(added.0, StatusCode::OK);
    let list = shop.see(&admins[1], "/approvals").await.page;
    let at = list.find("/approvals/").unwrap();
    let admit = list[at..].split('"').next().unwrap().to_owned();
    let reversal = shop.reverse(&one, paid, "amount=300&reason=twice").await.leads_to;
    for (who, sees_admit, count) in [(&other, false, "1"), (&admins[1], true, "2")] {
        let list = shop.see(who, "/approvals").await.page;
        assert!(list.contains(&reversal), "{list}");
        assert_eq!(list.contains(&admit), sees_admit, "{list}");
        let home = shop.see(who, "/").await.page;
        assert!(home.contains(&format!("class=\"count\">{count}<")), "{home}");
    }
    assert!(!shop.see(&one, "/").await.page.contains("class=\"count\""), "one's own waits for others");
    assert_eq!(shop.see(&other, &admit).await.status, StatusCode::FORBIDDEN);
    assert_eq!(shop.send(&other, &admit, "act=approve").await.status, StatusCode::FORBIDDEN);
    let clerk = shop.office.member("clerk", StaffRole::Clerk).await;
    assert_eq!(shop.see(&clerk, "/approvals").await.status, StatusCode::FORBIDDEN);
    assert_eq!(shop.send(&admins[1], &reversal, "act=approve").await.status, DONE);
    assert_eq!(shop.balance().await, 50_000);
}

/// One reversal that a supervisor tries: who, how much, and how long after the one before.
#[derive(Clone, Copy, Debug)]
struct Try {
    who: usize,
    fen: i64,
    hours: i64,
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = (0..2_usize, prop_oneof![1..9_000_i64, 9_000..22_000_i64], 0..14_i64);
    prop::collection::vec(one.prop_map(|(who, fen, hours)| Try { who, fen, hours }), 1..12)
}

const LIMIT: Fen = Fen(20_000);

/// What an office does after each reversal.
type Defect = Option<&'static str>;

/// Plays what two supervisors try, none of it agreed to. The most that one of them has booked within a day.
async fn booked_within_a_day(shop: &mut Shop, staff: &[Staff; 2], tries: &[Try], defect: Defect) -> i64 {
    shop.tap(top_up(500_000)).await;
    let paid = shop.tap(pay(500_000)).await;
    // Long after whatever was tried before.
    let mut now = shop.office.app.now().plus_seconds(paid * 100 * COUNTS_SECONDS);
    let mut booked: HashMap<usize, Vec<(Micros, i64)>> = HashMap::new();
    for one in tries {
        now = now.plus_seconds(one.hours * 3_600);
        let card: CardId = shop.card.id;
        let wanted = Reversal { card, tap: paid, amount: Fen(one.fen), reason: Reason::Twice };
        let (by, id) = (staff[one.who].staff_id, shop.office.app.new_id());
        let done =
            shop.office.app.db.write::<_, Refusal, _>(move |tx| {
                Box::pin(async move { carry_out(tx, now, LIMIT, by, id, wanted).await })
            });
        if done.await.unwrap() == Ok(Done::Now) {
            booked.entry(one.who).or_default().push((now, one.fen));
        }
        if let Some(sql) = defect {
            let forgets = shop.office.app.db.write::<_, DbError, _>(move |tx| {
                Box::pin(async move { query(sql).execute(tx.conn()).await.map(drop) })
            });
            forgets.await.unwrap();
        }
    }
    let within_a_day = |all: &Vec<(Micros, i64)>, until: Micros| -> i64 {
        let since = until.plus_seconds(-COUNTS_SECONDS);
        all.iter().filter(|(at, _)| *at > since && *at <= until).map(|(_, fen)| fen).sum()
    };
    let all = booked.values().flat_map(|all| all.iter().map(|(at, _)| within_a_day(all, *at)));
    all.max().unwrap_or(0)
}

fn run(cases: u32, defect: Defect) -> Result<(), TestError<Vec<Try>>> {
    let runtime = Runtime::new().unwrap();
    let (mut shop, other) = runtime.block_on(async {
        let shop = Shop::new().await;
        let other = shop.office.member("other", StaffRole::Supervisor).await;
        (shop, other)
    });
    let staff = [shop.supervisor.clone(), other];
    let shop = std::cell::RefCell::new(&mut shop);
    let config = Config { failure_persistence: None, max_shrink_iters: 0, ..Config::with_cases(cases) };
    TestRunner::new(config).run(&tries(), |tries| {
        let most = runtime.block_on(booked_within_a_day(&mut shop.borrow_mut(), &staff, &tries, defect));
        prop_assert!(most <= LIMIT.0, "{most} fen within a day");
        Ok(())
    })
}

#[test]
fn whatever_a_supervisor_reverses_alone_is_no_more_than_the_limit_within_a_day() {
    run(48, None).unwrap();
}

#[test]
fn an_office_that_forgets_what_was_reversed_or_by_whom_is_found_out() {
    for forgets in [
        "UPDATE purse_reversal SET at = 0",
        "UPDATE purse_reversal SET agreed_by = staff_id",
        "UPDATE purse_reversal SET staff_id = (SELECT staff_id FROM staff WHERE name = 'clerk on paper')",
    ] {
        let found = run(48, Some(forgets));
        assert!(matches!(found, Err(TestError::Fail(..))), "{forgets}: {found:?}");
    }
}
