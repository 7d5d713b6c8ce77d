//! The page of somebody's journeys in all its states, and what it does.

use askama::Template as _;
use axum::http::StatusCode;
use card_schema::operation::Operation;
use card_schema::operation::transit::Validation;
use card_schema::wire::journeys::Journeys;

use super::*;
use crate::console::frame::Frame;
use crate::domains::transit::closing;
use crate::domains::transit::correction::{Correction, Deed};
use crate::domains::transit::fares::InForce;
use crate::domains::transit::feed;
use crate::domains::transit::model::{Riding, Showing};
use crate::people::{Purpose, StaffRole};
use crate::testing::city::{city, fares_in};
use crate::testing::shop::{Shop, pay, top_up};

/// 2026-11-23 17:04:05 in Beijing.
const AT: Micros = Micros(1_795_424_645_000_000);

fn shown(number: u8, side: Side, stop: &str) -> Showing {
    Showing {
        at: AT.plus_seconds(i64::from(number) * 600),
        side,
        stop: stop.to_owned(),
        route: "m".to_owned(),
        organisation: OrganisationId::from_bytes([1; 16]),
        tariff: 1,
        tap: TapId([number; 32]),
    }
}

/// The page in every state that it has.
pub(in crate::console) fn pages(frame: &Frame) -> Vec<(String, String)> {
    let holder = HolderId::new(card_schema::ids::Shard(3), [8; 16]);
    let (archive, supplement) = city("");
    let tariff = feed::read(&archive, &supplement).0.unwrap().into();
    let fares = Fares::new(vec![InForce { number: 1, starts_at: Micros(0), tariff }]);
    let nothing = Seen {
        told: Vec::new(),
        showings: Vec::new(),
        corrections: Vec::new(),
        operators: Vec::new(),
        names: std::collections::HashMap::new(),
    };
    let riding = Riding {
        showings: vec![
            shown(0, Side::On, "p"),
            shown(1, Side::Off, "q"),
            shown(20, Side::Off, "zz"),
            shown(30, Side::On, "p"),
            shown(70, Side::On, "p"),
        ],
        ..Riding::default()
    };
    let correction = |deed, number, reason| Correction {
        id: TapId([number; 32]),
        deed,
        showing: shown(number, Side::Off, "q"),
        reason,
        returned: 600,
        at: AT.plus_seconds(86_400),
        staff: "test-supervisor".to_owned(),
    };
    let operators = [1, 2].map(|number| (OrganisationId::from_bytes([number; 16]), "metro".to_owned()));
    let some = Seen {
        told: fares.told(&riding, AT.plus_seconds(71 * 600)),
        showings: riding.showings,
        corrections: vec![correction(Deed::Struck, 2, Reason::ByMistake), correction(Deed::Added, 1, Reason::NotRead)],
        names: operators.iter().map(|(id, _)| (*id, "测试公交".to_owned())).collect(),
        operators: operators.into(),
    };
    let asked = [None, Some(("reason", "console-purpose-missing"))].map(|wrong| {
        let page = PART.why(frame.clone(), holder, StaffRole::Supervisor, wrong);
        (format!("journeys-ask-{}", wrong.is_some()), page.render().unwrap())
    });
    let mut pages = Vec::from(asked);
    let none = Fares::default();
    for (name, fares, seen, wrong) in [
        ("nothing", &none, &nothing, None),
        ("none", &fares, &nothing, None),
        ("some", &fares, &some, None),
        ("beyond", &fares, &some, Some(("beyond", "journeys-beyond"))),
        ("route", &fares, &some, Some(("route", "journeys-route-unknown"))),
        ("stop", &fares, &some, Some(("stop", "journeys-stop-unknown"))),
        ("side", &fares, &some, Some(("side", "journeys-side-none"))),
        ("day", &fares, &some, Some(("day", "journeys-day-over"))),
        ("time", &fares, &some, Some(("time", "journeys-time-future"))),
        ("operator", &fares, &some, Some(("operator", "journeys-operator-missing"))),
        ("missed", &fares, &some, Some(("missed", "journeys-because-missing"))),
        ("mistaken", &fares, &some, Some(("mistaken", "journeys-because-missing"))),
        ("strikes", &fares, &some, Some(("strikes", "journeys-struck-already"))),
    ] {
        let (form, today) = (Typed::new(), Date::in_china(AT));
        let page = view::thing(frame.clone(), holder, Purpose::Complaint, (fares, seen), today, (&form, wrong));
        pages.push((format!("journeys-{name}"), page.render().unwrap()));
    }
    pages
}

/// A moment as it is typed, to the minute.
fn clock(at: Micros) -> String {
    let minute = super::super::view::minute(at);
    let (day, time) = minute.split_once(' ').unwrap();
    format!("day={day}&time={time}")
}

impl Shop {
    /// Somebody gets on the metro, so many seconds ago.
    async fn gets_on(&mut self, seconds_ago: i64) {
        let validation = Validation { tariff: 1, route: "m".to_owned(), stop: "p".to_owned(), side: Side::On };
        let tap = self.signed(Operation::TransitValidation(validation), seconds_ago);
        self.office.intake.accept(self.terminal.id, &self.terminal.batch(&[tap])).await.unwrap();
    }

    async fn journeys(&self) -> Journeys {
        let app = &self.office.app;
        history::of_holder(&mut app.db.read().await.unwrap(), &app.fares, self.holder, app.now()).await.unwrap()
    }
}

#[tokio::test]
async fn who_paid_the_maximum_gets_it_back_and_everybody_sees_who_did_it() {
    let mut shop = Shop::new().await;
    fares_in(&shop.office.app.db, "").await;
    shop.tap(top_up(5_000)).await;
    shop.gets_on(6 * 3_600).await;
    let now = shop.office.app.now();
    closing::close(&shop.office.app.db, &shop.office.app.fares, now).await.unwrap();
    assert_eq!(shop.balance().await, 4_100, "nobody knows where they got off");
    let (supervisor, path) = (shop.supervisor.clone(), PART.address(shop.holder));
    let (ok, again) = (StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(shop.see(&supervisor, &path).await.status, ok);
    assert_eq!(shop.send(&supervisor, &path, "act=add").await.status, again, "nobody looks without saying why");
    let seen = shop.send(&supervisor, &path, "reason=complaint").await;
    assert!(seen.status == ok && seen.page.contains("(not shown)") && seen.page.contains("9.00"), "{}", seen.page);

    let left = now.plus_seconds(-6 * 3_600 + 1_200);
    let add = |changed: &str| {
        let whole = format!("reason=complaint&act=add&route=2&stop=Q&side=off&{}&missed=not_read", clock(left));
        let changed = changed.split('&').filter(|part| !part.is_empty());
        changed.fold(whole, |form, part| {
            let name = part.split('=').next().unwrap();
            let others = form.split('&').filter(|other| !other.starts_with(&format!("{name}=")));
            others.chain([part]).collect::<Vec<_>>().join("&")
        })
    };
    for (changed, said) in [
        ("route=9", "Type a route"),
        ("stop=", "Type a stop"),
        ("side=", "Choose whether"),
        ("route=1", "nobody shows the card where they leave"),
        ("day=1.12.", "Type the day"),
        ("time=8", "Type the time"),
        ("time=24:00", "Type the time"),
        (&*clock(now.plus_seconds(120)), "still to come"),
        (&*clock(now.plus_seconds(-31 * 86_400)), "too long ago"),
        ("missed=", "Choose why"),
        ("missed=by_mistake", "Choose why"),
    ] {
        let seen = shop.send(&supervisor, &path, &add(changed)).await;
        assert!(seen.status == again && seen.page.contains(said), "{changed}: {} {}", seen.status, seen.page);
    }
    assert_eq!(shop.balance().await, 4_100);
    let seen = shop.send(&supervisor, &path, &add("")).await;
    assert!(seen.status == ok && seen.page.contains("The validator did not read the card (one,"), "{}", seen.page);
    assert_eq!(shop.balance().await, 4_700, "3.00 for the way");
    let seen = shop.send(&supervisor, &path, &add("")).await;
    assert!(seen.status == again && seen.page.contains("shown there at that time"), "{}", seen.page);
    let told = shop.journeys().await;
    assert_eq!((told.legs[0].charged_fen.0, told.corrections.len()), (300, 1));
    assert_eq!((told.corrections[0].returned_fen.0, told.corrections[0].was_added), (600, true));

    let added = hex::encode(
        &history::riding(&mut shop.office.app.db.read().await.unwrap(), shop.holder).await.unwrap().showings[1].tap.0,
    );
    let strike = format!("reason=complaint&act=strike&strikes={added}&mistaken=wrong_place");
    assert_eq!(shop.send(&supervisor, &path, &strike).await.status, ok);
    assert_eq!(shop.balance().await, 4_100);
    for (form, said) in [
        (strike.clone(), "struck already"),
        (strike.replace(&added, &"00".repeat(32)), "not of this person"),
        (strike.replace(&added, "x"), "Choose the showing"),
        (strike.replace("wrong_place", "not_read"), "Choose why"),
    ] {
        let seen = shop.send(&supervisor, &path, &form).await;
        assert!(seen.status == again && seen.page.contains(said), "{form}: {}", seen.page);
    }
    let leaves = shop.number("SELECT COUNT(*) FROM leaf WHERE kind = 72").await;
    assert_eq!((leaves, shop.journeys().await.corrections.len()), (2, 2));

    let clerk = shop.office.member("test-clerk", StaffRole::Clerk).await;
    assert_eq!(shop.see(&clerk, &path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(shop.send(&clerk, &path, "reason=complaint").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_one_gives_back_alone_counts_with_what_one_reverses() {
    let mut shop = Shop::new().await;
    fares_in(&shop.office.app.db, "").await;
    let (supervisor, path) = (shop.supervisor.clone(), PART.address(shop.holder));
    let colleague = shop.office.member("test-colleague", StaffRole::Supervisor).await;
    shop.tap(top_up(50_000)).await;
    for _ in 0..2 {
        let paid = shop.tap(pay(9_900)).await;
        let done = shop.reverse(&supervisor, paid, "amount=99&reason=returned").await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.page);
    }
    shop.gets_on(6 * 3_600).await;
    let now = shop.office.app.now();
    closing::close(&shop.office.app.db, &shop.office.app.fares, now).await.unwrap();
    assert_eq!(shop.balance().await, 49_100);
    let left = clock(now.plus_seconds(-6 * 3_600 + 1_200));
    let add = format!("reason=complaint&act=add&route=2&stop=Q&side=off&{left}&missed=not_read");
    // 198.00 were reversed, and 6.00 would come back.
    let seen = shop.send(&supervisor, &path, &add).await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(seen.page.contains("more than one person may alone") && seen.page.contains("value=\"Q\""), "{}", seen.page);
    assert_eq!((shop.balance().await, shop.journeys().await.corrections.len()), (49_100, 0));
    assert_eq!(shop.send(&colleague, &path, &add).await.status, StatusCode::OK);
    assert_eq!(shop.balance().await, 49_700);
    // And the other way round: what was given back counts when something is reversed.
    let paid = shop.tap(pay(9_900)).await;
    let page = shop.see(&colleague, &shop.page(paid)).await.page;
    assert!(page.contains("You have 6.00 yuan so far"), "{page}");
}
