//! A shop with a screen on each side of the counter, and a holder with money on the card.

use std::path::PathBuf;

use anyhow::{Context, Result};
use town::{Place, Town};

use crate::{
    Chromium,
    terminal_page::{enter, enter_counter, type_digits},
};

/// Invented, like every name and number here.
pub const DOCUMENT: &str = "110000199001010013";
/// The holder's.
pub const PIN: &str = "731945";

/// See the module.
#[derive(Debug)]
pub struct Shop<'browser> {
    /// Where it is.
    pub town: Town,
    /// The merchant's screen.
    pub merchant: &'browser Chromium,
    /// The holder's.
    pub holder: &'browser Chromium,
    /// The holder's card.
    pub card: PathBuf,
    /// `http://127.0.0.1:PORT` of the shop's daemon.
    pub origin: String,
}

impl<'browser> Shop<'browser> {
    /// Opens both screens; there are 500 yuan on the card.
    ///
    /// # Errors
    /// When the town does not start, or gives no page.
    pub fn open(merchant: &'browser Chromium, holder: &'browser Chromium) -> Result<Self> {
        Self::open_in(Town::open()?, merchant, holder)
    }

    /// The same in a town that is there.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_in(mut town: Town, merchant: &'browser Chromium, holder: &'browser Chromium) -> Result<Self> {
        let card = town.holder_with_money("测试阿依·Test", DOCUMENT, PIN, 50_000)?;
        let link = enter_counter(&mut town, Place::Shop, merchant)?;
        enter(&mut town, Place::Shop, holder)?;
        let origin = link.split_once("/enter/").context("a link to a page")?.0.to_owned();
        Ok(Self { town, merchant, holder, card, origin })
    }

    /// The merchant types an amount and charges.
    ///
    /// # Errors
    /// When the page has no form for that.
    pub fn charge(&self, amount: &str) -> Result<()> {
        self.merchant.clear("#amount")?;
        self.merchant.type_into("#amount", amount)?;
        self.merchant.follow("main form button.primary")
    }

    /// The holder types the PIN on the merchant's page.
    ///
    /// # Errors
    /// When it is not asked for.
    pub fn approve(&self) -> Result<()> {
        self.merchant.until("#pin")?;
        type_digits(self.merchant, "#pin", PIN, false)?;
        self.merchant.follow("main form button.primary")
    }

    /// The merchant goes on.
    ///
    /// # Errors
    /// When nothing has ended.
    pub fn next(&self) -> Result<()> {
        self.merchant.follow("form[action$='/put-away'] button")?;
        self.merchant.until("main.till")
    }

    /// The holder's card comes, and goes when the merchant's page shows how it ended.
    ///
    /// # Errors
    /// When it does not end so.
    pub fn tap(&mut self, ends: &str) -> Result<()> {
        let card = self.card.clone();
        self.town.put(&card, Place::Shop)?;
        self.merchant.until(ends)?;
        self.town.take(Place::Shop)
    }

    /// The path of the receipt of what was just done.
    ///
    /// # Errors
    /// When there is none.
    pub fn receipt(&self) -> Result<String> {
        self.merchant.attribute("a[href^='/counter/taps/']", "href")
    }

    /// What is left, as the holder's screen shows it.
    ///
    /// # Errors
    /// When it shows none.
    pub fn balance(&mut self) -> Result<String> {
        self.holder.until(".lead strong")?;
        self.holder.text(".lead strong")
    }

    /// Taps that the shop's terminal keeps.
    ///
    /// # Errors
    /// When the daemon does not answer.
    pub fn waiting(&mut self) -> Result<u64> {
        let status = self.town.at(Place::Shop).local()?.get("/v1/status")?.success()?;
        status["pending"].as_u64().context("a number of taps")
    }
}
