//! Threat: a web page that somebody opened on the same machine wants the card in the reader, or the console's session.

use anyhow::{Context, Result};
use browser::{Chromium, Scripts, Site, visitor::show_code};
use serde_json::{Value, json};
use town::{Place, Town, service::ADMINISTRATOR};

const PIN: &str = "731945";

/// What every page here has: nothing but its own heading.
const PAGE: &str = "<!DOCTYPE html><title>prize</title><h1 id=prize>A prize</h1>";

/// Asks by script and answers the status, the kind of a veiled answer, or the name of the error.
const FETCH: &str = "
    const [url, options, done] = arguments;
    fetch(url, options).then(
        reply => done(reply.type === 'opaque' ? 'opaque' : reply.status),
        error => done(error.name));
";

/// Makes a form and sends it; the window then shows the answer.
const SUBMIT: &str = "
    const [url, type, name, value, done] = arguments;
    const form = document.createElement('form');
    Object.assign(form, { method: 'post', action: url, enctype: type });
    const field = document.createElement('input');
    Object.assign(field, { type: 'hidden', name, value });
    form.append(field);
    document.body.append(form);
    done(null);
    form.submit();
";

/// A town with a card that has been issued and lies on the shop's reader.
fn town_with_a_card() -> Result<Town> {
    let mut town = Town::open()?;
    let holder = town.office.register("测试甲 Test Newcomer", "110000199001010013")?;
    let card = town.pcscd.new_card("newcomer")?;
    town.put(&card, Place::Station)?;
    town.issue(holder, PIN)?;
    town.carry(&card, Place::Station, Place::Shop)?;
    Ok(town)
}

/// What the reader at the shop has seen, and what waits in the outbox there.
fn traces(town: &mut Town) -> Result<(u64, Value)> {
    let apdus = town.pcscd.cards().apdus(Place::Shop as usize)?;
    Ok((apdus, town.at(Place::Shop).local()?.get("/v1/outbox")?.success()?))
}

#[test]
fn no_web_page_reaches_the_card_even_one_that_knows_the_token() -> Result<()> {
    let mut town = town_with_a_card()?;
    // Whatever the daemon reads of a card that has just come is read with its first tap.
    let paid = |town: &mut Town| town.at(Place::Shop).tap(&json!({"operation": "purse.payment", "amount_fen": 1}));
    paid(&mut town)?;
    let local = std::fs::read(town.at(Place::Shop).data().join("local.json")).context("the daemon's address")?;
    let local: Value = serde_json::from_slice(&local)?;
    let address = local["address"].as_str().context("an address")?.to_owned();
    let port = address.rsplit_once(':').context("a port")?.1.to_owned();
    let bearer = format!("Bearer {}", local["token"].as_str().context("a token")?);
    town::wait::until("the first tap is out of the way", || Ok((traces(&mut town)?.1["pending"] == 0).then_some(())))?;
    let before = traces(&mut town)?;

    let site = Site::serve(PAGE)?;
    let browser = Chromium::start(Scripts::Allowed)?;
    let order = json!({"operation": "purse.payment", "amount_fen": 1}).to_string();
    let taps = format!("http://{address}/v1/taps");
    for host in ["127.0.0.1", "localhost", "prize.example"] {
        let page = format!("http://{host}:{}/", site.port());
        browser.open(&page)?;
        let fetch = |options: &Value| browser.run(FETCH, &[json!(taps), options.clone()]);

        // Sent without asking first: the answer is veiled, so it came from the daemon, which must have refused.
        let veiled =
            json!({"method": "POST", "mode": "no-cors", "body": order, "headers": {"content-type": "text/plain"}});
        let answer = fetch(&veiled)?;
        assert!(answer == "opaque" || host == "prize.example" && answer == "TypeError", "{host}: {answer}");
        // With everything a program would send, the browser asks first and is told no.
        let headers = json!({"content-type": "application/json", "authorization": bearer});
        assert_eq!(fetch(&json!({"method": "POST", "body": order, "headers": headers}))?, "TypeError", "{host}");
        assert_eq!(fetch(&json!({"method": "GET"}))?, "TypeError", "{host}: reading is refused too");

        // A form whose text is the order as JSON.
        let (head, tail) = order.split_at(order.len() - 1);
        let arguments =
            [json!(taps), json!("text/plain"), json!(format!("{head},\"x\":\"")), json!(format!("\"{tail}"))];
        browser.run(SUBMIT, &arguments)?;
        town::wait::until("the form's answer", || Ok((browser.address()? != page).then_some(())))?;
        assert_eq!(traces(&mut town)?, before, "a page at {host}");
    }

    // Rebinding: the page's own name now leads to the daemon, so that for the browser it is the page's own server.
    browser.open(&format!("http://prize.example:{port}/"))?;
    let headers = json!({"content-type": "application/json", "authorization": bearer});
    for host in ["prize.example", "localhost", "127.0.0.1"] {
        browser.open(&format!("http://{host}:{port}/v1/status"))?;
        let order = json!({"method": "POST", "body": order, "headers": headers});
        assert_eq!(browser.run(FETCH, &[json!("/v1/taps"), order])?, 403, "{host}");
        let look = json!({"method": "GET", "headers": headers});
        assert_eq!(browser.run(FETCH, &[json!("/v1/status"), look])?, 403, "{host}");
    }
    assert_eq!(traces(&mut town)?, before, "a rebound name");

    // All that was missing was to be a program on this machine.
    paid(&mut town)?;
    assert!(traces(&mut town)?.0 > before.0, "the card was there all the time");
    Ok(())
}

#[test]
fn another_site_cannot_act_in_the_name_of_whoever_is_signed_in_at_the_console() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let service = town::service::Service::found(folder.path())?;
    service.office()?;
    let site = Site::serve(PAGE)?;
    let browser = Chromium::start(Scripts::Allowed)?;
    browser.open(service.url())?;
    browser.type_into("#name", ADMINISTRATOR.0)?;
    browser.type_into("#password", ADMINISTRATOR.1)?;
    browser.follow("form[action='/sign-in'] button")?;
    show_code(&browser, service.url(), ADMINISTRATOR.0)?;
    browser.until("form.leave")?;
    let language = browser.attribute("html", "lang")?;
    assert_eq!(language, "en", "as the browser asks for");

    for host in ["127.0.0.1", "localhost", "prize.example"] {
        for path in ["/sign-out", "/language", "/v1/holders"] {
            browser.open(&format!("http://{host}:{}/", site.port()))?;
            let target = format!("{}{path}", service.url());
            let arguments = [json!(target), json!("application/x-www-form-urlencoded"), json!("lang"), json!("zh-CN")];
            browser.run(SUBMIT, &arguments)?;
            town::wait::until("the form's answer", || Ok((browser.count("#prize")? == 0).then_some(())))?;
            assert_eq!(browser.address()?, target, "{host}: refused on the spot, and not led on");
        }
    }
    browser.open(&format!("{}/activity", service.url()))?;
    browser.until("form.leave")?;
    assert_eq!(browser.attribute("html", "lang")?, language, "nor was the language switched");
    Ok(())
}
