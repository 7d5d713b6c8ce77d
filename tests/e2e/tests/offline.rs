//! A shop whose network is gone: what it takes by itself stands, and where the limits end it says so.

use anyhow::{Result, ensure};
use e2e::scene::Scene;
use serde_json::{Value, json};
use town::{Place, wait};

/// A payment at the shop; what its keeper is told.
fn pay(scene: &mut Scene, fen: i64) -> Result<Value> {
    let request = json!({"operation": "purse.payment", "amount_fen": fen, "receipt_wait_ms": 10_000});
    Ok(scene.town.at(Place::Shop).tap(&request)?.0)
}

/// The shop's daemon is started anew, and has asked the service or found it gone.
fn start_shop(scene: &mut Scene, days_ahead: i32, online: bool) -> Result<()> {
    scene.town.at(Place::Shop).set_clock_ahead(days_ahead)?;
    let shop = scene.town.at(Place::Shop).local()?;
    wait::until("the shop knows whether there is a service", || {
        let status = shop.get("/v1/status")?.success()?;
        let has_card = status["readers"][0]["card_present"] == json!(true);
        Ok((status["online"] == json!(online) && has_card).then_some(()))
    })
}

fn is_signed(said: &Value) -> Result<()> {
    ensure!(said["state"] == "signed", "{said}");
    Ok(())
}

fn is_refused(said: &Value, code: &str) -> Result<()> {
    ensure!(said["state"] == "refused" && said["refusal"]["code"] == code, "not {code}: {said}");
    Ok(())
}

#[test]
fn a_card_that_paid_as_often_as_it_may_and_one_that_was_drawn_have_to_wait_for_the_network() {
    let story = || -> Result<()> {
        let mut scene = Scene::open()?;
        scene.town.service.set("CARD_SERVICE_LIMITS__OFFLINE_CARD_COUNT", "2");
        scene.town.service.process().stop()?;
        scene.town.service.start()?;
        start_shop(&mut scene, 0, true)?;
        scene.town.service.process().stop()?;
        is_signed(&pay(&mut scene, 100)?)?;
        is_signed(&pay(&mut scene, 100)?)?;
        let signatures = scene.signatures()?;
        is_refused(&pay(&mut scene, 100)?, "offline-card-limit")?;
        is_refused(&pay(&mut scene, 10_001)?, "offline-amount")?;
        ensure!(scene.signatures()? == signatures, "a refusal costs no signature");
        scene.town.service.set("CARD_SERVICE_LIMITS__OFFLINE_DRAWN_PERCENT", "100");
        scene.town.service.start()?;
        scene.delivered()?;
        ensure!(scene.moved()? == -200, "both are booked once");

        start_shop(&mut scene, 0, true)?;
        scene.town.service.process().stop()?;
        start_shop(&mut scene, 0, false)?;
        is_refused(&pay(&mut scene, 100)?, "offline-drawn")
    };
    story().expect("the limits hold");
}

#[test]
fn what_was_paid_without_network_and_without_money_stands_and_suspends_the_card() {
    let story = || -> Result<()> {
        let mut scene = Scene::open()?;
        scene.town.service.process().stop()?;
        start_shop(&mut scene, 0, false)?;
        for _ in 0..3 {
            is_signed(&pay(&mut scene, 4_000)?)?;
        }
        scene.town.service.start()?;
        scene.delivered()?;
        let card = scene.card.id;
        let state = scene.town.office.api().get(&format!("/v1/cards/{card}"))?.success()?;
        ensure!(state["state"] == "suspended", "{state}");
        let evidence = scene.town.folder().join("evidence");
        scene.town.service.verified_evidence(&evidence)?;
        is_refused(&pay(&mut scene, 1)?, "card-suspended")
    };
    story().expect("the shop is paid");
}

#[test]
fn a_shop_that_was_away_for_longer_than_it_may_takes_nothing() {
    let story = || -> Result<()> {
        let mut scene = Scene::open()?;
        start_shop(&mut scene, 0, true)?;
        scene.town.service.process().stop()?;
        start_shop(&mut scene, 6, false)?;
        is_signed(&pay(&mut scene, 100)?)?;
        start_shop(&mut scene, 8, false)?;
        is_refused(&pay(&mut scene, 100)?, "offline-frozen")?;
        start_shop(&mut scene, 365, false)?;
        is_refused(&pay(&mut scene, 100)?, "offline-frozen")?;
        let outbox = scene.town.at(Place::Shop).local()?.get("/v1/outbox")?.success()?;
        let payments =
            outbox["taps"].as_array().into_iter().flatten().filter(|tap| tap["operation"] == "purse.payment");
        ensure!(payments.count() == 1, "what was signed before is kept: {outbox}");
        Ok(())
    };
    story().expect("a frozen shop says so");
}
