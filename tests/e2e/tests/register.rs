//! A shop's own cash register charges through the daemon, as the example client and as programs do.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::Stdio,
};

use anyhow::{Context, Result, ensure};
use e2e::scene::{PIN, Scene};
use serde_json::{Value, json};
use town::{
    Place,
    daemon::LocalApi,
    http::Client,
    process::{self, tethered},
    wait,
};
use virtual_card::CardKind;

const NUMBER: &str = "/v1/transactions/6f2c1f0e-8f0b-4f6e-9d53-6f6a2f8f0a01";
const NEXT: &str = "/v1/transactions/6f2c1f0e-8f0b-4f6e-9d53-6f6a2f8f0a02";
const THIRD: &str = "/v1/transactions/6f2c1f0e-8f0b-4f6e-9d53-6f6a2f8f0a03";

fn order(fen: i64) -> Value {
    json!({"operation": "purse.payment", "amount_fen": fen})
}

/// Waits until a transaction stands as it should.
fn stands(register: &Client, number: &str, state: &str, card: &str) -> Result<Value> {
    wait::until(&format!("{state} with the card {card}"), || {
        let now = register.get(number)?.success()?;
        Ok((now["state"] == state && now["card"] == card).then_some(now))
    })
}

/// Asks for what cannot be.
fn refused(register: &Client, asked: impl Fn(&Client) -> Result<town::http::Reply>, code: &str) -> Result<()> {
    let reply = asked(register)?;
    ensure!(reply.body["type"] == format!("urn:nrc:daemon:{code}"), "not {code}: {} {}", reply.status, reply.body);
    Ok(())
}

#[test]
fn the_example_client_is_paid() -> Result<()> {
    let mut scene = Scene::open()?;
    scene.town.take(Place::Shop)?;
    let shop = scene.town.at(Place::Shop);
    let local = shop.data().join("local.json");
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/register.py");
    let mut register = tethered("python3")
        .arg(example)
        .arg(local)
        .arg("1250")
        .stdout(Stdio::piped())
        .spawn()
        .context("python3 runs the example")?;
    let mut lines = BufReader::new(register.stdout.take().context("the example speaks")?).lines();
    let first = lines.next().context("a first event")??;
    ensure!(first.starts_with("insert_card none"), "{first}");
    scene.town.put(&scene.path, Place::Shop)?;
    let told: Vec<String> = lines.collect::<Result<_, _>>()?;
    ensure!(told.last().is_some_and(|last| last.trim_end() == "result ours accepted"), "{told:?}");
    ensure!(register.wait()?.success(), "paid");
    ensure!(scene.moved()? == -1_250, "the shop is paid once");
    Ok(())
}

/// What comes back, whole, for a request of a register that was made for another level.
fn at_level(place: &LocalApi, level: &str) -> Result<String> {
    let client = place.client()?;
    let address = client.base().trim_start_matches("http://");
    let token = client.token().context("the daemon has a token")?;
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET {NUMBER} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nApi-Level: {level}\r\n\
         Connection: close\r\n\r\n"
    )?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    Ok(reply)
}

#[test]
fn a_register_and_a_daemon_agree_on_what_they_speak() -> Result<()> {
    let mut scene = Scene::open()?;
    let shop = scene.town.at(Place::Shop);
    let said = process::run(shop.command()?.arg("openapi"))?;
    let description: Value = serde_json::from_slice(&said.stdout)?;
    let place = shop.local_api();
    for (level, is_spoken) in [("1", true), ("2", false), ("0", false), ("one", false), ("1, 2", false)] {
        let reply = at_level(&place, level)?;
        ensure!(reply.contains("api-level: 1\r\n"), "every answer names the newest level: {reply}");
        let code = if is_spoken { "no-such-transaction" } else { "api-level" };
        ensure!(reply.contains(&format!("urn:nrc:daemon:{code}")), "{level}: {reply}");
    }
    let reply = place.client()?.put(NUMBER, &order(1))?.success()?;
    let shape = &description["components"]["schemas"]["TransactionReply"]["properties"];
    let keys = |object: &Value| object.as_object().map(|it| it.keys().cloned().collect::<BTreeSet<_>>());
    ensure!(keys(&reply).is_some() && keys(&reply) == keys(shape), "{reply} is not of the shape {shape}");
    let paths = description["paths"].as_object().context("there are paths")?;
    ensure!(paths.keys().all(|path| path.starts_with("/v1/transactions/{id}")) && paths.len() == 3, "{paths:?}");
    Ok(())
}

/// A refund or a void of a payment.
fn back(operation: &str, fen: i64, payment: &Value) -> Value {
    json!({"operation": operation, "amount_fen": fen, "payment": payment})
}

fn numbered(number: u8) -> String {
    format!("/v1/transactions/6f2c1f0e-8f0b-4f6e-9d53-6f6a2f8f0b{number:02}")
}

/// Orders under a number of its own, types the PIN where it is asked for, holds a card to the reader, and waits for how it ends.
fn ended(scene: &mut Scene, number: u8, card: &Path, order: &Value) -> Result<Value> {
    let register = scene.town.at(Place::Shop).local()?;
    let number = numbered(number);
    if register.put(&number, order)?.success()?["state"] == "pin" {
        register.post(&format!("{number}/pin"), &json!({"pin": PIN}))?.success()?;
    }
    scene.town.put(card, Place::Shop)?;
    let ended = wait::until("the transaction ends", || {
        let now = register.get(&number)?.success()?;
        Ok((now["state"] == "result" && now["result"] != "unconfirmed").then_some(now))
    })?;
    scene.town.take(Place::Shop)?;
    ensure!(register.put(&number, order)?.success()? == ended, "the same order is the same transaction");
    Ok(ended)
}

#[test]
fn a_register_gives_back_what_was_paid_and_never_beyond_it() -> Result<()> {
    let mut scene = Scene::open()?;
    scene.town.take(Place::Shop)?;
    let (stranger, holder) = (scene.town.pcscd.new_card("stranger")?, scene.path.clone());
    let person = scene.town.office.register("测试他人", "110000199001010152")?;
    scene.town.put(&stranger, Place::Station)?;
    scene.town.issue(person, PIN)?;
    scene.town.take(Place::Station)?;

    let sale = ended(&mut scene, 1, &holder, &order(1_000))?["tap_id"].clone();
    let register = scene.town.at(Place::Shop).local()?;
    for bad in [
        json!({"operation": "purse.refund", "amount_fen": 1}),
        json!({"operation": "purse.payment", "amount_fen": 1, "payment": sale}),
        json!({"operation": "purse.void", "amount_fen": 1, "payment": "12"}),
    ] {
        refused(&register, |it| it.put(NUMBER, &bad), "bad-request")?;
    }
    let never = back("purse.refund", 1, &json!("07".repeat(32)));
    refused(&register, |it| it.put(NUMBER, &never), "no-such-tap")?;

    let part = ended(&mut scene, 2, &holder, &back("purse.refund", 400, &sale))?;
    ensure!(part["result"] == "accepted" && part["amount_fen"] == 400, "{part}");
    let table = [
        ("over the original", &holder, back("purse.refund", 601, &sale), "refund-exceeds-rest"),
        ("a void after a refund", &holder, back("purse.void", 1_000, &sale), "refund-exceeds-rest"),
        ("another holder's card", &stranger, back("purse.refund", 600, &sale), "original-unknown"),
        ("a refund of a refund", &holder, back("purse.refund", 1, &part["tap_id"]), "refund-of-refund"),
    ];
    for (number, (case, card, order, code)) in (10..).zip(table) {
        let said = ended(&mut scene, number, card, &order)?;
        ensure!(said["result"] == "refused" && said["reason"]["code"] == code, "{case}: {said}");
    }
    let rest = ended(&mut scene, 3, &holder, &back("purse.refund", 600, &sale))?;
    ensure!(rest["result"] == "accepted", "{rest}");

    let mistyped = ended(&mut scene, 4, &holder, &order(500))?["tap_id"].clone();
    let said = ended(&mut scene, 5, &holder, &back("purse.void", 499, &mistyped))?;
    ensure!(said["reason"]["code"] == "amount-out-of-range", "{said}");
    let void = ended(&mut scene, 6, &holder, &back("purse.void", 500, &mistyped))?;
    ensure!(void["result"] == "accepted", "{void}");
    scene.town.put(&holder, Place::Shop)?;
    ensure!(scene.moved()? == 0, "everything went back, and nothing else");

    // Only the service knows what is left: without it nobody is asked for a card.
    scene.town.service.process().stop()?;
    let register = scene.town.at(Place::Shop).local()?;
    wait::until("the daemon decides alone", || {
        Ok((register.get("/v1/status")?.success()?["online"] == false).then_some(()))
    })?;
    refused(&register, |it| it.put(NUMBER, &back("purse.refund", 1, &sale)), "needs-network")
}

#[test]
fn a_register_is_told_what_happens_and_nothing_of_the_holder() -> Result<()> {
    let mut scene = Scene::open()?;
    scene.town.take(Place::Shop)?;
    let foreign = scene.town.pcscd.folder().join("foreign");
    scene.town.pcscd.cards().create_kind(&foreign, CardKind::Foreign)?;
    let register = scene.town.at(Place::Shop).local()?;

    refused(&register, |it| it.get(NUMBER), "no-such-transaction")?;
    refused(&register, |it| it.put(NUMBER, &json!({"operation": "sign_in", "amount_fen": 1})), "bad-request")?;
    refused(&register, |it| it.put(NUMBER, &json!({"operation": "purse.payment"})), "bad-request")?;
    refused(&register, |it| it.put(NUMBER, &json!({"operation": "gate.check", "amount_fen": 1})), "bad-request")?;
    refused(&register, |it| it.get("/v1/transactions/12"), "bad-request")?;
    // What is wrong with a PIN does not come back in words that a register may write to its log.
    let digits = register.post(&format!("{NUMBER}/pin"), &json!({"pin": 731_945}))?;
    ensure!(digits.status == 422 && !digits.body.to_string().contains("731945"), "{}", digits.body);
    for fen in [0, -1, 500_001] {
        let reply = register.put(NUMBER, &order(fen))?;
        ensure!((400..500).contains(&reply.status), "{fen}: {} {}", reply.status, reply.body);
    }
    let begun = register.put(NUMBER, &order(3_000))?.success()?;
    ensure!(begun["state"] == "insert_card" && begun["card"] == "none", "{begun}");
    ensure!(register.put(NUMBER, &order(3_000))?.success()? == begun, "the same order is the same transaction");
    refused(&register, |it| it.put(NUMBER, &order(3_001)), "other-order")?;
    refused(&register, |it| it.put(NEXT, &order(3_000)), "counter-busy")?;
    refused(&register, |it| it.post(&format!("{NUMBER}/pin"), &json!({"pin": PIN})), "not-now")?;
    // Somebody else's card, then ours.
    scene.town.put(&foreign, Place::Shop)?;
    let again = stands(&register, NUMBER, "insert_card", "unknown")?;
    ensure!(again["reason"]["zh"].is_string() && again["reason"]["code"].is_string(), "{again}");
    scene.town.take(Place::Shop)?;
    scene.town.put(&scene.path, Place::Shop)?;
    stands(&register, NUMBER, "result", "ours")?;
    // A service that is slow today is waited for.
    let paid = wait::until("the sale is accepted", || {
        let now = register.get(NUMBER)?.success()?;
        Ok((now["result"] == "accepted").then_some(now))
    })?;
    ensure!(paid["tap_id"].is_string(), "{paid}");
    let text = paid.to_string();
    ensure!(!text.contains("balance") && !text.contains(&scene.card.id.to_string()), "{text}");
    refused(&register, |it| it.delete(NUMBER), "not-now")?;
    // The card lies there still: it is not the next customer's.
    register.put(THIRD, &order(100))?.success()?;
    let lifted = stands(&register, THIRD, "insert_card", "other")?;
    ensure!(lifted["reason"]["code"] == "card-of-before", "{lifted}");
    ensure!(register.delete(THIRD)?.status == 204);
    stands(&register, THIRD, "result", "none")?;
    scene.town.take(Place::Shop)?;

    // Above the limit the holder's PIN comes first; then somebody thinks better of it.
    let begun = register.put(NEXT, &order(6_000))?.success()?;
    ensure!(begun["state"] == "pin", "{begun}");
    refused(&register, |it| it.post(&format!("{NEXT}/pin"), &json!({"pin": "12"})), "secret-length")?;
    ensure!(register.post(&format!("{NEXT}/pin"), &json!({"pin": PIN}))?.status == 204);
    stands(&register, NEXT, "insert_card", "none")?;
    ensure!(register.delete(NEXT)?.status == 204);
    let given_up = stands(&register, NEXT, "result", "none")?;
    ensure!(given_up["result"] == "given_up", "{given_up}");
    scene.town.put(&scene.path, Place::Shop)?;
    ensure!(scene.moved()? == -3_000, "only what was paid is booked");
    Ok(())
}

#[test]
fn an_order_that_a_card_has_signed_for_is_known_to_a_daemon_that_was_started_anew() -> Result<()> {
    let mut scene = Scene::open()?;
    scene.town.take(Place::Shop)?;
    let card = scene.path.clone();
    let (order, mut moved) = (order(1_250), 0);
    // The network is there, and then it is not: what waits in the outbox is known by its number as well.
    for (number, is_online) in [(1, true), (2, false)] {
        let place = &numbered(number);
        if !is_online {
            scene.town.service.process().stop()?;
            let shop = scene.town.at(Place::Shop).local()?;
            wait::until("the shop notices", || {
                Ok((shop.get("/v1/status")?.success()?["online"] == false).then_some(()))
            })?;
        }
        let told = ended(&mut scene, number, &card, &order)?;
        ensure!(told["result"] == if is_online { "accepted" } else { "accepted_offline" }, "{told}");
        scene.town.at(Place::Shop).process().kill()?;
        scene.town.at(Place::Shop).start()?;
        let register = scene.town.at(Place::Shop).local()?;
        ensure!(register.get(place)?.success()? == told, "{told} is forgotten");
        ensure!(register.put(place, &order)?.success()? == told, "the same order is the same transaction");
        refused(&register, |register| register.put(place, &self::order(1_251)), "other-order")?;
        refused(&register, |register| register.delete(place), "not-now")?;
        scene.town.put(&card, Place::Shop)?;
        ensure!(register.get(place)?.success()? == told, "no card is asked again");
        scene.town.take(Place::Shop)?;
        moved -= 1_250;
    }
    scene.town.service.start()?;
    let register = scene.town.at(Place::Shop).local()?;
    wait::until("what was kept is booked", || {
        register.post("/v1/outbox/retry", &Value::Null)?.success()?;
        Ok((register.get(&numbered(2))?.success()?["result"] == "accepted").then_some(()))
    })?;
    scene.town.put(&card, Place::Shop)?;
    ensure!(scene.moved()? == moved, "each is paid once");
    Ok(())
}

#[test]
fn a_register_gives_and_takes_points_as_it_moves_money() -> Result<()> {
    let mut scene = Scene::open()?;
    scene.town.take(Place::Shop)?;
    let holder = scene.path.clone();
    let register = scene.town.at(Place::Shop).local()?;
    let award = |fen: i64| json!({"operation": "points.award", "amount_fen": fen});
    let goods = |points: u32| json!({"operation": "points.redemption", "points": points});
    let off = |points: u32| json!({"operation": "purse.payment", "amount_fen": 1_000, "points": points});
    refused(&register, |it| it.put(NUMBER, &award(100)), "no-points")?;
    scene.town.office.give_points(Place::Shop)?;
    register.post("/v1/outbox/retry", &json!({}))?.success()?;
    wait::until("the shop takes part", || {
        Ok((register.put(NUMBER, &off(150))?.body["type"] == "urn:nrc:daemon:points-multiple").then_some(()))
    })?;
    for (bad, code) in [
        (off(2_000), "points-nothing-left"),
        (json!({"operation": "points.redemption"}), "bad-request"),
        (json!({"operation": "points.redemption", "points": 5, "amount_fen": 1}), "bad-request"),
        (json!({"operation": "points.award", "amount_fen": 5, "points": 1}), "bad-request"),
        (json!({"operation": "points.undo"}), "bad-request"),
        (json!({"operation": "purse.top_up", "amount_fen": 5, "points": 1}), "bad-request"),
    ] {
        refused(&register, |it| it.put(NUMBER, &bad), code)?;
    }

    let given = ended(&mut scene, 1, &holder, &award(21_000))?;
    ensure!(given["result"] == "accepted" && given["points"] == 210 && given["amount_fen"] == 21_000, "{given}");
    let sale = ended(&mut scene, 2, &holder, &off(100))?;
    ensure!(sale["result"] == "accepted" && sale["points"] == 9 - 100, "{sale}");
    ensure!(sale["amount_fen"] == 950 && sale["discount_fen"] == 50, "what was left of the price: {sale}");
    for other in [off(200), order(1_000), order(950)] {
        refused(&register, |it| it.put(&numbered(2), &other), "other-order")?;
    }
    let taken = ended(&mut scene, 3, &holder, &goods(19))?;
    ensure!(taken["result"] == "accepted" && taken["points"] == -19 && taken["amount_fen"].is_null(), "{taken}");
    refused(&register, |it| it.put(&numbered(3), &goods(20)), "other-order")?;
    let many = ended(&mut scene, 4, &holder, &goods(101))?;
    ensure!(many["result"] == "refused" && many["reason"]["code"] == "insufficient-points", "{many}");

    let undo = json!({"operation": "points.undo", "payment": taken["tap_id"]});
    let undone = ended(&mut scene, 5, &holder, &undo)?;
    ensure!(undone["result"] == "accepted" && undone["points"] == 19, "{undone}");
    let twice = ended(&mut scene, 6, &holder, &undo)?;
    ensure!(twice["result"] == "refused" && twice["reason"]["code"] == "refund-exceeds-rest", "{twice}");
    let back = ended(&mut scene, 7, &holder, &back("purse.refund", 950, &sale["tap_id"]))?;
    ensure!(back["result"] == "accepted" && back["points"] == 100 - 9, "all of it: {back}");

    // What was done before a start of the daemon is known by its tap.
    scene.town.at(Place::Shop).process().kill()?;
    scene.town.at(Place::Shop).start()?;
    let register = scene.town.at(Place::Shop).local()?;
    let known = register.put(&numbered(3), &goods(19))?.success()?;
    ensure!(known["result"] == "accepted" && known["points"] == -19, "{known}");
    refused(&register, |it| it.put(&numbered(3), &goods(20)), "other-order")?;
    let known = register.put(&numbered(2), &off(100))?.success()?;
    ensure!(known["points"] == -91 && known["discount_fen"] == 50, "{known}");
    refused(&register, |it| it.put(&numbered(2), &off(200)), "other-order")?;
    Ok(())
}
