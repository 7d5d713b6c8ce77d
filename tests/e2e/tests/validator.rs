//! A bus and a barrier: cards are let on and off without anybody's asking for each, with a network and without one, and an inspector
//! learns who has validated.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::json;
use town::{Place, Town, daemon::Daemon};

/// Invented people.
const PEOPLE: [(&str, &str); 4] = [
    ("测试乘客甲", "11000019900101011X"),
    ("测试乘客乙", "110000199001010128"),
    ("测试乘客丙", "110000199001010136"),
    ("测试乘客丁", "110000199001010144"),
];
/// What everybody has on the card, in fen.
const MONEY: i64 = 5_000;

struct Scene {
    town: Town,
    bus: Daemon,
    cards: Vec<PathBuf>,
}

impl Scene {
    /// A bus with so many readers, and as many people with cards. The bus is 2.00, the metro 5.00.
    fn open(readers: usize) -> Result<Self> {
        let mut town = Town::open_with(readers)?;
        let (archive, supplement) = fares::archive("caps")?;
        town.import_fares(&archive, &supplement)?;
        let mut cards = Vec::new();
        for (name, document) in PEOPLE.into_iter().take(readers) {
            cards.push(town.holder_with_money(name, document, "246810", MONEY)?);
        }
        let bus = town.validator("bus")?;
        Ok(Self { town, bus, cards })
    }

    /// `validator …` on the command line, for one of the readers.
    fn told(&self, number: usize, arguments: &[&str]) -> Result<()> {
        self.town.tell(&self.bus, number, arguments)
    }

    /// Holds a card to a reader until it shows what became of it: `yes`, or the code of a no.
    fn show(&self, card: &Path, number: usize) -> Result<String> {
        let shown = self.town.show(&self.bus, card, number)?;
        Ok(shown["refusal"]["code"].as_str().unwrap_or("yes").to_owned())
    }

    /// What the holder of a card has, once the service has all taps.
    fn left(&mut self, card: usize) -> Result<i64> {
        self.bus.bring_all()?;
        let card = self.cards[card].clone();
        self.town.put(&card, Place::Station)?;
        let left = self.town.top_up(1)? - 1;
        self.town.take(Place::Station)?;
        // The fen that was put on for asking stays there.
        Ok(left)
    }
}

#[test]
fn a_bus_takes_cards_with_and_without_a_network_and_an_inspector_asks_the_service() -> Result<()> {
    let mut scene = Scene::open(1)?;
    let card = scene.cards[0].clone();
    let refused = scene.told(0, &["on", "--route", "b9", "--stop", "a1"]).expect_err("no such route").to_string();
    ensure!(refused.contains("route_id"), "{refused}");
    scene.told(0, &["on", "--route", "b1", "--stop", "a1"])?;
    ensure!(scene.show(&card, 0)? == "yes");
    ensure!(scene.show(&card, 0)? == "again", "nobody gets on with the card of somebody who just has");
    ensure!(scene.left(0)? == MONEY - 200);

    scene.told(0, &["inspect", "--route", "b1"])?;
    ensure!(scene.show(&card, 0)? == "yes");
    scene.told(0, &["inspect", "--route", "m1"])?;
    ensure!(scene.show(&card, 0)? == "no-valid-journey");

    // The metro, in a tunnel: it goes on doing what it was told, also after a start.
    scene.told(0, &["on", "--route", "m1", "--stop", "a1"])?;
    scene.town.service.process().stop()?;
    scene.bus.process().stop()?;
    scene.bus.start()?;
    ensure!(scene.show(&card, 0)? == "yes");
    scene.told(0, &["off", "--route", "m1", "--stop", "c1"])?;
    ensure!(scene.show(&card, 0)? == "yes");
    scene.told(0, &["inspect", "--route", "m1"])?;
    ensure!(matches!(&*scene.show(&card, 0)?, "needs-network" | "inspection-unanswered"), "nobody is accused");
    scene.town.service.start()?;
    // 5.00, one yuan less after the bus; and a fen that was put on.
    ensure!(scene.left(0)? == MONEY + 1 - 200 - 400);
    scene.told(0, &["stop"])?;
    ensure!(scene.bus.local()?.get("/v1/validator")?.success()?["duties"] == json!([]));
    Ok(())
}

#[test]
fn four_readers_of_one_daemon_take_four_cards_at_once() -> Result<()> {
    let mut scene = Scene::open(4)?;
    for number in 0..4 {
        scene.told(number, &["on", "--route", "b1", "--stop", "a1"])?;
    }
    let scene_of = &scene;
    let shown = std::thread::scope(|scope| {
        let doors: Vec<_> =
            (0..4).map(|number| scope.spawn(move || scene_of.show(&scene_of.cards[number], number))).collect();
        doors.into_iter().map(|door| door.join().expect("no panic")).collect::<Result<Vec<_>>>()
    })?;
    ensure!(shown == ["yes"; 4], "{shown:?}");
    for card in 0..4 {
        ensure!(scene.left(card)? == MONEY - 200);
    }
    Ok(())
}
