//! The holder's consent in a whole town: the text that was sent is what counts. A card that signed another one stays
//! inactive, the office reads why, and the holder is asked again.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use town::{Place, Town, office::NewCard, wait};

const PIN: &str = "731945";

#[test]
fn a_card_that_agreed_to_another_text_stays_inactive_until_its_holder_agrees_to_the_one_that_was_sent() {
    story().expect("only the text that was sent counts");
}

fn story() -> Result<()> {
    let mut town = Town::open()?;
    let holder = town.office.register("测试辛 Test Reader", "110000199001010419")?;
    let chip = town.pcscd.new_card("reader")?;
    town.put(&chip, Place::Station)?;
    let terminal = town.at(Place::Station).terminal;
    let card = town.office.issue_card(holder, terminal)?;

    let text = answer_until_consent(&mut town)?;
    ensure!(text["text"].as_str().is_some_and(|text| text.starts_with("我已领取本人的新居民卡")), "{text}");
    // As if something on the way had shown the holder another text: what was sent is no longer what the card signs.
    another_text_was_sent(&town)?;
    answer(&mut town, &text)?;
    let issuance = waits_for(&town, card, "resume")?;
    let reason = issuance["reason"].as_str().unwrap_or_default();
    ensure!(reason.contains("由持卡人重新确认") && reason.contains("have the holder agree again"), "{issuance}");
    ensure!(state(&town, card)? == "personalised", "the card is active");

    town.office.api().post(&format!("/v1/issuances/{}/resume", card.issuance), &json!({}))?.success()?;
    let text = answer_until_consent(&mut town)?;
    answer(&mut town, &text)?;
    // The card is active when its tap is accepted, and the reader is free when the issuance is over.
    let over = || Ok((town.office.issuance(card)?["state"] == "finished").then_some(()));
    wait::until("the issuance is over", over)?;
    ensure!(state(&town, card)? == "active", "the card is not active");
    let top_up = json!({"operation": "purse.top_up", "amount_fen": 100, "receipt_wait_ms": 10_000});
    let reply = town.at(Place::Station).tap(&top_up)?;
    ensure!(reply.0["state"] == "accepted", "the card does not work: {}", reply.0);
    Ok(())
}

/// Answers the questions at the station until the holder is asked to agree, and gives that question back.
fn answer_until_consent(town: &mut Town) -> Result<Value> {
    let desk = town.at(Place::Station).local()?;
    wait::until("the holder is asked to agree", || {
        let prompts = desk.get("/v1/prompts?wait_s=0")?.success()?;
        for prompt in prompts.as_array().into_iter().flatten() {
            if prompt["kind"] == "consent" {
                return Ok(Some(prompt.clone()));
            }
            if prompt["kind"] != "insert_card" {
                answer(town, prompt)?;
            }
        }
        Ok(None)
    })
}

fn answer(town: &mut Town, prompt: &Value) -> Result<()> {
    let id = prompt["id"].as_str().context("a prompt has an id")?;
    let desk = town.at(Place::Station).local()?;
    desk.post(&format!("/v1/prompts/{id}"), &json!({"pin": PIN, "confirm": true}))?;
    Ok(())
}

fn another_text_was_sent(town: &Town) -> Result<()> {
    let changed = town.service.rewrite("UPDATE consent_request SET text_hash = zeroblob(?)", 32)?;
    ensure!(changed == 1, "{changed} texts were sent");
    Ok(())
}

fn waits_for(town: &Town, card: NewCard, what: &str) -> Result<Value> {
    wait::until(what, || {
        let issuance = town.office.issuance(card)?;
        Ok((issuance["waiting_for"] == what).then_some(issuance))
    })
}

fn state(town: &Town, card: NewCard) -> Result<String> {
    let card = town.office.api().get(&format!("/v1/cards/{}", card.id))?.success()?;
    Ok(card["state"].as_str().unwrap_or_default().to_owned())
}
