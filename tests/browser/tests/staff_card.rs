//! A staff card in a real browser: it is issued at the reader, two administrators let it sign in, and whoever bears it comes to
//! the console with card and PIN, through the daemon.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use anyhow::{Context, Result, ensure};
use browser::{
    Chromium, Scripts, Visitor,
    terminal_page::{enter, enter_counter, type_digits},
    visitor::{LANGUAGES, speak},
};
use town::{Place, Town, process, service::ADMINISTRATOR, wait};

/// Invented, like every name and number here.
const OTHER: (&str, &str) = ("test-other", "invented for another administrator");
const SUPERVISOR: (&str, &str) = ("test-supervisor", "invented for a supervisor of a few minutes");
const PIN: &str = "731945";
const HOLDER_PIN: &str = "864209";

/// What the daemon's command said.
struct Said {
    succeeded: bool,
    stdout: String,
    stderr: String,
}

/// Somebody at the desk signs in with the card on the reader. The browser that would be opened writes down what for.
fn sign_in_at_reader(town: &mut Town, language: &str, pin: &str, arguments: &[&str]) -> Result<(Said, Option<String>)> {
    let (opened, opener) = (town.folder().join("opened"), town.folder().join("opener.sh"));
    let _ = fs::remove_file(&opened);
    fs::write(&opener, format!("#!/bin/sh\nprintf %s \"$1\" > {}\n", opened.display()))?;
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o700))?;
    let mut command = town.at(Place::Station).command()?;
    command.args(["--lang", if language == "en" { "en" } else { "zh" }, "sign-in", "--pin-stdin"]).args(arguments);
    command.env("BROWSER", &opener).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    writeln!(child.stdin.take().context("stdin is a pipe")?, "{pin}")?;
    let out = child.wait_with_output()?;
    let said = Said {
        succeeded: out.status.success(),
        stdout: String::from_utf8(out.stdout)?,
        stderr: String::from_utf8(out.stderr)?,
    };
    // A browser is opened and not waited for.
    let url = if said.succeeded && arguments.is_empty() {
        Some(wait::until("the browser is opened", || {
            Ok(fs::read_to_string(&opened).ok().filter(|url| !url.is_empty()))
        })?)
    } else {
        None
    };
    Ok((said, url))
}

/// Opens the page of how a member of staff signs in.
fn open_member(browser: &Chromium, url: &str, name: &str) -> Result<()> {
    browser.open(&format!("{url}/staff"))?;
    let links = browser.texts("tbody th a")?;
    let row = links.iter().position(|link| link == name).context("they are on the list")? + 1;
    browser.follow(&format!("tbody tr:nth-child({row}) th a"))?;
    browser.follow("main a[href$='/sign-in']")
}

/// At the counter: above the limit the staff card approves a top-up, and the holder's card takes it. Nothing else does.
fn approves_top_ups(town: &mut Town, browser: &Chromium, staff: &Path) -> Result<()> {
    town.take(Place::Station)?;
    let holders = town.holder_with_money("测试乙·Test", "110000199001010021", HOLDER_PIN, 10_000)?;
    enter_counter(town, Place::Station, browser)?;
    let screen = Chromium::start(Scripts::Allowed)?;
    enter(town, Place::Station, &screen)?;
    let (mut at_counter, mut at_screen) =
        (Visitor::at_terminal(browser, LANGUAGES[0]), Visitor::at_terminal(&screen, LANGUAGES[0]));
    for (language, (left, approved)) in LANGUAGES.into_iter().zip([("1600.00", "已批准"), ("3900.00", "Approved")]) {
        (at_counter.language, at_screen.language) = (language, language);
        speak(browser, language)?;
        speak(&screen, language)?;
        for (bearer, pin, approves) in [(&*holders, HOLDER_PIN, false), (staff, PIN, true)] {
            type_digits(browser, "#amount", "1500", false)?;
            browser.follow("main form button.primary")?;
            browser.until("#pin")?;
            screen.until("main.payment")?;
            assert_eq!(screen.count("#pin")?, 0, "a member of staff types it at the counter");
            if approves {
                at_counter.visit("counter-approval-pin")?;
                at_screen.visit("holder-approval")?;
            }
            if approves {
                // The holder was too quick: the PIN of the one is not tried on the card of the other.
                town.put(&holders, Place::Station)?;
            }
            type_digits(browser, "#pin", pin, false)?;
            browser.follow("main form button.primary")?;
            if approves {
                browser.until(".result.again")?;
                at_counter.visit("counter-approval-card")?;
                town.take(Place::Station)?;
            }
            town.put(bearer, Place::Station)?;
            if approves {
                wait::until("it is approved", || {
                    let said = browser.texts("p.result")?;
                    Ok(said.iter().any(|said| said.contains(approved)).then_some(()))
                })?;
                at_counter.visit("counter-approved")?;
                town.take(Place::Station)?;
                town.put(&holders, Place::Station)?;
                browser.until(".result.ok")?;
                screen.until(".lead strong")?;
                assert_eq!(screen.text(".lead strong")?, left);
            } else {
                browser.until(".result.no")?;
                at_counter.visit("counter-not-approved")?;
            }
            town.take(Place::Station)?;
            browser.follow("form[action$='/put-away'] button")?;
            browser.until("#amount")?;
        }
        // Up to the limit nobody has to approve; the service counts the day, and asks for it within the same order.
        type_digits(browser, "#amount", if language == LANGUAGES[0] { "800" } else { "150" }, false)?;
        browser.follow("main form button.primary")?;
        browser.until("#give-up button")?;
        town.put(&holders, Place::Station)?;
        if language == LANGUAGES[0] {
            browser.until(".result.ok")?;
        } else {
            browser.until("#pin-message")?;
            at_counter.visit("counter-approval-wanted")?;
            browser.follow("button[form='give-up']")?;
            browser.until(".result.no")?;
        }
        town.take(Place::Station)?;
        browser.follow("form[action$='/put-away'] button")?;
        browser.until("#amount")?;
        // What there is of the holder, for the holder's eyes alone.
        browser.follow("a[href='/counter/statement']")?;
        browser.until("a[href='/counter/statement'][aria-current]")?;
        at_counter.visit("counter-statement")?;
        browser.follow("main form button.primary")?;
        screen.until("#pin")?;
        type_digits(&screen, "#pin", HOLDER_PIN, true)?;
        screen.follow("main form button.primary")?;
        town.put(&holders, Place::Station)?;
        screen.until("table.statement + h2 + table.statement")?;
        let newest = if language == LANGUAGES[0] { "+800.00" } else { "+1500.00" };
        assert_eq!(screen.text("tbody tr:first-child td.number")?, newest, "the newest first");
        at_screen.visit("holder-statement")?;
        screen.follow("form[action$='/read'] button")?;
        assert_eq!(screen.count("table")?, 0, "closed by whoever has read it");
        browser.until(".result.ok")?;
        assert_eq!((browser.count("table")?, browser.count(".lead")?), (0, 0), "nobody else's");
        town.take(Place::Station)?;
        browser.follow("form[action$='/put-away'] button")?;
        browser.until("a[href='/counter/statement'][aria-current]")?;
        browser.follow("a[href='/counter/top-up']")?;
        browser.until("#amount")?;
    }
    ensure!(at_counter.noted.is_empty() && at_screen.noted.is_empty(), "{:#?}", (at_counter.noted, at_screen.noted));
    Ok(())
}

/// A town with another administrator, and with the limit of top-ups that the product has and the town has not.
fn office_with_two() -> Result<Town> {
    let mut town = Town::open()?;
    for (who, role) in [(OTHER, "administrator"), (SUPERVISOR, "supervisor")] {
        town.office.add_staff(&town.service.root(), who, role)?;
    }
    town.service.a_week_after_admission()?;
    town.service.set("CARD_SERVICE_LIMITS__TOP_UP_ALONE_FEN", "100000");
    town.service.process().stop()?;
    town.service.start()?;
    town.at(Place::Station).local()?.post("/v1/outbox/retry", &serde_json::Value::Null)?.success()?;
    Ok(town)
}

#[test]
fn whoever_bears_a_staff_card_comes_to_the_console_with_card_and_pin_in_both_languages() -> Result<()> {
    let mut town = office_with_two()?;
    let card = town.pcscd.new_card("staff")?;
    town.put(&card, Place::Station)?;
    let browser = Chromium::start(Scripts::Allowed)?;
    let url = town.service.url().to_owned();
    let mut visitor = Visitor::new(&browser, LANGUAGES[0]);

    visitor.sign_in(&url, ADMINISTRATOR)?;
    open_member(&browser, &url, SUPERVISOR.0)?;
    visitor.visit("staff-card-none")?;
    browser.follow("#card button")?;
    if browser.count(".summary a[href='#terminal_id']")? == 1 {
        visitor.visit("staff-card-no-reader")?;
        browser.click(".choice label[for^=terminal_id-]")?;
        browser.follow("#card button")?;
    }
    browser.until("progress")?;
    let station = town.at(Place::Station);
    wait::until("the card is in use", || {
        station.answer_prompts(PIN)?;
        Ok((browser.count("main .tag.ok")? == 1).then_some(()))
    })?;
    visitor.visit("staff-card-issued")?;
    browser.follow("main a.primary")?;
    browser.until("#sign_in_with_card")?;
    visitor.visit("staff-card-not-agreed")?;
    let (refused, _) = sign_in_at_reader(&mut town, "en", PIN, &[])?;
    ensure!(!refused.succeeded && refused.stderr.contains("has to have let it sign in"), "{}", refused.stderr);
    browser.follow("#sign_in_with_card button")?;
    browser.until("#withdraw")?;
    visitor.visit("staff-card-asked")?;
    visitor.sign_out()?;

    visitor.sign_in(&url, OTHER)?;
    browser.follow("a.tile[href='/approvals']")?;
    browser.follow("tbody th a")?;
    browser.follow("#approve button")?;
    browser.until(".tag.ok")?;
    visitor.sign_out()?;

    for language in LANGUAGES {
        visitor.language = language;
        let (wrong, _) = sign_in_at_reader(&mut town, language, "000111", &[])?;
        assert!(!wrong.succeeded);
        let (said, opened) = sign_in_at_reader(&mut town, language, PIN, &[])?;
        assert!(!said.stdout.contains("link="), "a link that was opened is not printed");
        let opened = opened.context("a browser was opened")?;
        ensure!(opened.starts_with(&format!("{url}/sign-in/card?link=")), "{opened}");
        browser.open(&opened)?;
        speak(&browser, language)?;
        assert!(browser.text("h1")?.contains(SUPERVISOR.0), "it says who is about to be signed in");
        visitor.visit("staff-card-sign-in")?;
        browser.follow("main form button.primary")?;
        browser.until("form.leave")?;
        assert_eq!(browser.count("a.tile[href='/permits']")?, 1, "neither password nor code was asked for");
        visitor.sign_out()?;
        browser.open(&opened)?;
        visitor.visit("staff-card-link-over")?;
    }

    // On the page at the reader, too.
    let page = process::run(town.at(Place::Station).command()?.args(["page", "--no-browser"]))?;
    let page = String::from_utf8(page.stdout)?;
    let (reader, _) = page.split_once("/enter/").context("a link to a page")?;
    browser.open(page.trim())?;
    for language in LANGUAGES {
        visitor.language = language;
        speak(&browser, language)?;
        browser.follow("a[href='/sign-in']")?;
        visitor.visit("at-reader-sign-in")?;
        for (pin, wrong) in [("12345", true), ("000111", true), (PIN, false)] {
            browser.type_into("#pin", pin)?;
            browser.follow("form[action='/sign-in'] button.primary")?;
            if wrong {
                browser.until(".wrong input[aria-invalid]")?;
                visitor.visit(&format!("at-reader-sign-in-{pin}"))?;
            }
        }
        wait::until("the console opens", || Ok(browser.address()?.starts_with(&url).then_some(())))?;
        browser.follow("main form button.primary")?;
        browser.until("form.leave")?;
        visitor.sign_out()?;
        browser.open(reader)?;
    }

    approves_top_ups(&mut town, &browser, &card)?;
    town.put(&card, Place::Station)?;

    let (said, _) = sign_in_at_reader(&mut town, "en", PIN, &["--no-browser"])?;
    ensure!(said.stdout.starts_with(&format!("{url}/sign-in/card?link=")), "{}", said.stdout);
    visitor.sign_in(&url, ADMINISTRATOR)?;
    open_member(&browser, &url, SUPERVISOR.0)?;
    visitor.visit("staff-card-signs-in")?;
    browser.follow("#card_lost button")?;
    browser.until("#card")?;
    assert_eq!(browser.count("#card_lost")?, 0);
    browser.open(said.stdout.trim())?;
    browser.follow("main form button.primary")?;
    assert_eq!(browser.count("form.leave")?, 0, "a link is worth nothing once the card is lost");
    let (lost, _) = sign_in_at_reader(&mut town, "en", PIN, &[])?;
    ensure!(!lost.succeeded, "{}", lost.stdout);
    assert!(visitor.noted.is_empty(), "{:#?}", visitor.noted);
    Ok(())
}
