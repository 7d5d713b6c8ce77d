//! The pages at a reader, as somebody opens them and types there.

use anyhow::Result;
use town::{Place, Town, daemon::Daemon, process};

use crate::Chromium;

/// Opens the holder's page at a reader, as the command says where it is. Answers the link that let the browser in.
///
/// # Errors
/// When the daemon gives no link.
pub fn enter(town: &mut Town, place: Place, browser: &Chromium) -> Result<String> {
    open(town.at(place), browser, &["page", "--no-browser"])
}

/// Opens the page of whoever charges there.
///
/// # Errors
/// As [`enter`].
pub fn enter_counter(town: &mut Town, place: Place, browser: &Chromium) -> Result<String> {
    open(town.at(place), browser, &["page", "--counter", "--no-browser"])
}

/// Opens the page of whoever works at a daemon's desk.
///
/// # Errors
/// As [`enter`].
pub fn enter_desk(daemon: &Daemon, browser: &Chromium) -> Result<String> {
    open(daemon, browser, &["page", "--counter", "--no-browser"])
}

/// Opens the page of whoever sets what a daemon's readers do.
///
/// # Errors
/// As [`enter`].
pub fn enter_validator(daemon: &Daemon, browser: &Chromium) -> Result<String> {
    open(daemon, browser, &["page", "--validator", "--no-browser"])
}

/// Opens the page of those who hold cards to a daemon's readers.
///
/// # Errors
/// As [`enter`].
pub fn enter_riders(daemon: &Daemon, browser: &Chromium) -> Result<String> {
    open(daemon, browser, &["page", "--no-browser"])
}

fn open(daemon: &Daemon, browser: &Chromium, arguments: &[&str]) -> Result<String> {
    let mut command = daemon.command()?;
    let said = process::run(command.args(arguments))?;
    let url = String::from_utf8(said.stdout)?.trim().to_owned();
    browser.open(&url)?;
    browser.until("header")?;
    Ok(url)
}

/// Types digits into a field instead of what is there, by hand or on the keypad of a screen to touch.
///
/// # Errors
/// When the field or the keypad is not there.
pub fn type_digits(browser: &Chromium, field: &str, digits: &str, on_keypad: bool) -> Result<()> {
    browser.clear(field)?;
    if !on_keypad {
        return browser.type_into(field, digits);
    }
    browser.click(field)?;
    digits.chars().try_for_each(|digit| browser.click(&format!(".keypad [data-digit='{digit}']")))
}
