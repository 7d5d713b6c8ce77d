//! A gate: cards come one after the other, with a network and without one, and it opens for those who may pass.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use town::{Place, Town, wait};

const PIN: &str = "246810";

struct Scene {
    town: Town,
    /// The cards of somebody who may pass, and of somebody else.
    cards: [PathBuf; 2],
}

impl Scene {
    fn open() -> Result<Self> {
        let mut town = Town::open()?;
        let mut cards = Vec::new();
        for (name, document) in [("测试住户", "11000019900101011X"), ("测试路人", "110000199001010128")] {
            let holder = town.office.register(name, document)?;
            let card = town.pcscd.new_card(name)?;
            town.put(&card, Place::Station)?;
            town.issue(holder, PIN)?;
            town.take(Place::Station)?;
            if cards.is_empty() {
                town.let_pass(holder)?;
            }
            cards.push(card);
        }
        let cards = cards.try_into().ok().context("two cards")?;
        Ok(Self { town, cards })
    }

    /// `validator …` on the command line of the gate: whether it did not fail, and what it said.
    fn told(&mut self, arguments: &[&str]) -> Result<(bool, String)> {
        let mut command = self.town.at(Place::Gate).command()?;
        let output = command.arg("validator").args(arguments).output()?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8(said)?))
    }

    fn at_work(&mut self) -> Result<Option<Value>> {
        let reply = self.town.at(Place::Gate).local()?.get("/v1/validator")?.success()?;
        Ok(reply["readers"].as_array().and_then(|readers| readers.first()).cloned())
    }

    /// Holds a card to the gate until that shows what became of it: `yes`, or the code of a no.
    fn show(&mut self, card: &Path) -> Result<String> {
        let before = wait::until("the gate is at work", || self.at_work())?["cards"].clone();
        self.town.put(card, Place::Gate)?;
        let shown = wait::until("the gate says what became of the card", || {
            Ok(self.at_work()?.filter(|at| at["cards"] != before && at["shown"] == json!(true)))
        })?;
        self.town.take(Place::Gate)?;
        Ok(shown["refusal"]["code"].as_str().unwrap_or("yes").to_owned())
    }
}

#[test]
fn a_gate_opens_for_those_who_may_pass_also_without_a_network_and_after_a_start() -> Result<()> {
    let mut scene = Scene::open()?;
    let [may, other] = scene.cards.clone();
    ensure!(scene.told(&["gate"])?.0);
    ensure!(scene.show(&may)? == "yes");
    ensure!(scene.show(&other)? == "may-not-pass");
    scene.town.at(Place::Gate).bring_all()?;

    scene.town.service.process().stop()?;
    let gate = scene.town.at(Place::Gate);
    gate.process().stop()?;
    gate.start()?;
    ensure!(scene.show(&other)? == "may-not-pass");
    ensure!(scene.show(&may)? == "yes", "it goes on knowing what it knew, and doing what it was told");
    let outbox = scene.town.at(Place::Gate).local()?.get("/v1/outbox")?.success()?;
    ensure!(
        outbox["pending"] == json!(1),
        "nothing is kept of whoever was not let in, and no number is lost: {outbox}"
    );
    let (admitted, said) = scene.told(&["pass", "https://card.test.invalid/papers/check#AAAA"])?;
    ensure!(!admitted && said.contains("visitor's pass"), "{said}");
    let (on, said) = scene.told(&["on", "--route", "b1", "--stop", "a1"])?;
    ensure!(!on, "a gate is no bus: {said}");

    scene.town.service.start()?;
    scene.town.at(Place::Gate).bring_all()?;
    let folder = scene.town.folder().join("evidence");
    scene.town.service.verified_evidence(&folder)?;
    Ok(())
}
