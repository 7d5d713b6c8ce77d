//! A town with one shopper: the scene of stories about what goes wrong. Holds no test.

use std::{path::PathBuf, process::Output};

use anyhow::{Result, ensure};
use card_schema::ids::HolderId;
use serde_json::{Value, json};
use town::{Place, Town, office::NewCard, wait};

/// What the holder types.
pub const PIN: &str = "731945";
/// The slot of the shop's reader.
pub const SHOP: usize = Place::Shop as usize;

/// A town whose holder has a card with 50.00 yuan, at the shop.
#[derive(Debug)]
pub struct Scene {
    /// The town.
    pub town: Town,
    /// The holder.
    pub holder: HolderId,
    /// The card in the books.
    pub card: NewCard,
    /// The chip.
    pub path: PathBuf,
    /// What the purse held at the last look.
    balance: i64,
}

impl Scene {
    /// Opens the town, issues the card and puts the money in.
    ///
    /// # Errors
    /// When anything in town does not answer as it should.
    pub fn open() -> Result<Self> {
        Self::in_town(Town::open()?)
    }

    /// The same in a town that is open.
    ///
    /// # Errors
    /// When anything in town does not answer as it should.
    pub fn in_town(mut town: Town) -> Result<Self> {
        let holder = town.office.register("测试己 Test Shopper", "110000199001010136")?;
        let path = town.pcscd.new_card("shopper")?;
        town.put(&path, Place::Station)?;
        let card = town.issue(holder, PIN)?;
        let mut scene = Self { town, holder, card, path, balance: 0 };
        scene.top_up(5_000)?;
        scene.town.carry(&scene.path, Place::Station, Place::Shop)?;
        Ok(scene)
    }

    /// Puts cash in at the station, where the card is.
    fn top_up(&mut self, fen: i64) -> Result<i64> {
        let balance = self.town.top_up(fen)?;
        let moved = balance - self.balance;
        self.balance = balance;
        Ok(moved - fen)
    }

    /// How much the ledger moved since the last look, as a top-up of one fen at the station shows.
    ///
    /// # Errors
    /// When anything in town does not answer as it should.
    pub fn moved(&mut self) -> Result<i64> {
        // The shop's daemon may be down.
        self.town.pcscd.remove(SHOP)?;
        self.town.put(&self.path, Place::Station)?;
        let moved = self.top_up(1)?;
        self.town.take(Place::Station)?;
        self.town.pcscd.insert(SHOP, &self.path)?;
        Ok(moved)
    }

    /// `tap pay` at the shop, as its keeper types it.
    fn pay(&mut self, language: &str) -> Result<Output> {
        let mut command = self.town.at(Place::Shop).command()?;
        Ok(command.args(["--lang", language, "tap", "pay", "1.00"]).output()?)
    }

    /// Pays in both languages, and checks the words and the exit code.
    ///
    /// # Errors
    /// When anything in town does not answer as it should.
    pub fn pay_and_read(&mut self, exit: i32, zh: &str, en: &str) -> Result<()> {
        for (language, words) in [("zh", zh), ("en", en)] {
            let output = self.pay(language)?;
            let said =
                format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            ensure!(output.status.code() == Some(exit), "{}: {said}", output.status);
            ensure!(said.contains(words), "no {words:?} in {said:?}");
        }
        Ok(())
    }

    /// How many taps wait in the shop's outbox.
    ///
    /// # Errors
    /// When anything in town does not answer as it should.
    pub fn pending(&mut self) -> Result<Value> {
        Ok(self.town.at(Place::Shop).local()?.get("/v1/outbox")?.success()?["pending"].clone())
    }

    /// Waits until the shop's outbox is empty.
    ///
    /// # Errors
    /// When anything in town does not answer as it should.
    pub fn delivered(&mut self) -> Result<()> {
        let shop = self.town.at(Place::Shop).local()?;
        wait::until("the outbox is empty", || {
            let outbox = shop.post("/v1/outbox/retry", &json!(null))?.success()?;
            Ok((outbox["pending"] == json!(0)).then_some(()))
        })
    }

    /// How often the card at the shop has been asked for a signature (GENERAL AUTHENTICATE, INS 87).
    ///
    /// # Errors
    /// When anything in town does not answer as it should.
    pub fn signatures(&self) -> Result<usize> {
        let apdus = self.town.pcscd.cards().trace(SHOP, 0)?;
        Ok(apdus.iter().filter(|apdu| apdu.command.get(2..4) == Some("87")).count())
    }
}
