//! A validator with four readers: what it decides costs beside the chip, and whether readers slow one another.

use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
    path::PathBuf,
    thread,
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use town::{Town, daemon::Daemon};

use crate::figure::{Report, percentile};

/// Readers of the vehicle.
const READERS: usize = 4;
/// Invented people with cards.
const PEOPLE: [(&str, &str); READERS] = [
    ("测试乘客甲", "11000019900101011X"),
    ("测试乘客乙", "110000199001010128"),
    ("测试乘客丙", "110000199001010136"),
    ("测试乘客丁", "110000199001010144"),
];

struct Vehicle {
    town: Town,
    daemon: Daemon,
    cards: Vec<PathBuf>,
}

/// What cards cost, in microseconds.
#[derive(Default)]
struct Costs {
    own: Vec<f64>,
    durable: Vec<f64>,
}

impl Vehicle {
    fn open() -> Result<Self> {
        let mut town = Town::open_with(READERS)?;
        let (archive, supplement) = fares::archive("caps")?;
        town.import_fares(&archive, &supplement)?;
        let cards = PEOPLE.iter().map(|(name, document)| town.holder_with_money(name, document, "246810", 100_000));
        let cards = cards.collect::<Result<_>>()?;
        let daemon = town.validator("bus")?;
        Ok(Self { town, daemon, cards })
    }

    /// All readers let people on, or off.
    fn told(&self, side: &str) -> Result<()> {
        let duty = |number| {
            let validate = json!({"route": "m1", "stop": if side == "on" { "a1" } else { "c1" }, "side": side});
            json!({"reader": self.town.vehicle_reader(number), "validate": validate})
        };
        let duties: Vec<Value> = (0..READERS).map(duty).collect();
        self.daemon.local()?.put("/v1/validator", &json!({"duties": duties}))?.success()?;
        Ok(())
    }

    /// A card comes to a reader, is let in, and goes.
    fn show(&self, number: usize) -> Result<Value> {
        let shown = self.town.show(&self.daemon, &self.cards[number], number)?;
        ensure!(shown["refusal"].is_null(), "refused: {shown}");
        Ok(shown["timing"].clone())
    }

    /// Cards at so many readers at once, on and off again.
    fn round(&self, readers: usize, costs: &mut Costs) -> Result<()> {
        for side in ["on", "off"] {
            self.told(side)?;
            let timings = thread::scope(|scope| {
                let doors: Vec<_> = (0..readers).map(|number| scope.spawn(move || self.show(number))).collect();
                doors.into_iter().map(|door| door.join().expect("no panic")).collect::<Result<Vec<_>>>()
            })?;
            for timing in timings {
                let micros = |name: &str| timing[name].as_f64().with_context(|| format!("no {name} in {timing}"));
                costs.own.push(micros("own_us")? / 1_000.0);
                costs.durable.push(micros("present_to_durable_us")? / 1_000.0);
            }
        }
        Ok(())
    }
}

/// The disk on which the outbox lies, with nothing in between.
struct Disk {
    file: File,
    syncs: Vec<f64>,
}

impl Disk {
    /// What a tap comes to in an outbox: two pages and what the log says of them (SQLite file format §4.1).
    const WRITTEN: [u8; 2 * (4_096 + 24)] = [0; 2 * (4_096 + 24)];

    fn open() -> Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, syncs: Vec::new() })
    }

    /// Writes as much as a tap does, in place, and waits until it is there.
    fn sync(&mut self) -> Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&Self::WRITTEN)?;
        let began = Instant::now();
        self.file.sync_data()?;
        self.syncs.push(began.elapsed().as_secs_f64() * 1_000.0);
        Ok(())
    }
}

pub(crate) fn measure(rounds: usize, report: &mut Report) -> Result<()> {
    ensure!(rounds > 0, "measuring nothing: --rounds is at least 1");
    let vehicle = Vehicle::open()?;
    // First sight of the cards: their certificates are read and verified.
    vehicle.round(READERS, &mut Costs::default())?;
    let (mut alone, mut together) = (Costs::default(), Costs::default());
    let mut disk = Disk::open()?;
    for _ in 0..rounds {
        vehicle.round(1, &mut alone)?;
        vehicle.round(READERS, &mut together)?;
        (0..READERS).try_for_each(|_| disk.sync())?;
    }
    report.figure("validator_ms_p50", percentile(&mut together.own, 50), "ms", None);
    report.figure("validator_ms_p95", percentile(&mut together.own, 95), "ms", Some(1.0));
    report.figure("bare_sync_ms_p50", percentile(&mut disk.syncs, 50), "ms", None);
    report.figure("bare_sync_ms_p95", percentile(&mut disk.syncs, 95), "ms", None);
    report.figure("one_reader_ms_p95", percentile(&mut alone.own, 95), "ms", None);
    let (alone, together) = (percentile(&mut alone.durable, 50), percentile(&mut together.durable, 50));
    report.figure("one_reader_to_durable_ms_p50", alone, "ms", None);
    report.figure("four_readers_to_durable_ms_p50", together, "ms", None);
    report.figure("four_readers_to_one", together / alone, "", None);
    Ok(())
}
