//! A vehicle's readers, and cards that are held to them.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{Place, Town, daemon::Daemon, process, wait};

/// The place of a vehicle's first reader.
const FIRST: usize = Place::ALL.len();

impl Town {
    /// The name of one of the vehicle's readers.
    pub fn vehicle_reader(&self, number: usize) -> String {
        self.pcscd.readers()[FIRST + number].clone()
    }

    /// `validator …` on the vehicle's command line, for one of its readers.
    ///
    /// # Errors
    /// When the command fails.
    pub fn tell(&self, vehicle: &Daemon, number: usize, arguments: &[&str]) -> Result<()> {
        let mut command = vehicle.command()?;
        command.arg("validator").args(arguments).args(["--reader", &self.vehicle_reader(number)]);
        process::run(&mut command).map(drop)
    }

    /// What one of the vehicle's readers does, and what became of the last card.
    ///
    /// # Errors
    /// When it is not at work.
    pub fn vehicle_at(&self, vehicle: &Daemon, number: usize) -> Result<Value> {
        let reply = vehicle.local()?.get("/v1/validator")?.success()?;
        let readers = reply["readers"].as_array().context("readers")?;
        let found = readers.iter().find(|at| at["reader"] == json!(self.vehicle_reader(number)));
        found.cloned().with_context(|| format!("reader {number} is not at work: {reply}"))
    }

    /// Holds a card to one of the vehicle's readers until it shows what became of it, and takes it away.
    ///
    /// # Errors
    /// When the reader shows nothing.
    pub fn show(&self, vehicle: &Daemon, card: &Path, number: usize) -> Result<Value> {
        let before =
            wait::until("the reader is at work", || Ok(self.vehicle_at(vehicle, number).ok()))?["cards"].clone();
        self.pcscd.insert(FIRST + number, card)?;
        let shown = wait::until("the reader says what became of the card", || {
            let at = self.vehicle_at(vehicle, number)?;
            Ok((at["cards"] != before && at["shown"] == json!(true)).then_some(at))
        })?;
        self.pcscd.cards().remove(FIRST + number)?;
        Ok(shown)
    }
}

impl Daemon {
    /// Waits until the service has all its taps.
    ///
    /// # Errors
    /// When it does not get them.
    pub fn bring_all(&self) -> Result<()> {
        self.local()?.post("/v1/outbox/retry", &json!(null))?;
        wait::until("all taps are with the service", || {
            Ok((self.local()?.get("/v1/outbox")?.success()?["pending"] == json!(0)).then_some(()))
        })
    }
}
