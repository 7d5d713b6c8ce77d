//! A town under load, killed again and again.

use std::{
    collections::{BTreeMap, BTreeSet},
    hint,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use card_schema::ids::TapId;
use serde_json::json;
use town::{Place, Town, wait};

use crate::{
    checker::{self, Finding},
    load::Load,
    scene,
    stage::{Finds, Stage},
};

/// A payment is over within this time; kills fall somewhere inside.
const LONGEST_DELAY: Duration = Duration::from_millis(16);

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Victim {
    /// The reader daemon at the shop.
    Daemon,
    /// The card service.
    Service,
}

/// What a campaign came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Who was killed.
    pub victim: Victim,
    /// What the random moments were drawn from.
    pub seed: u64,
    /// Kills by how far the newest tap had come.
    pub stages: BTreeMap<Stage, u32>,
    /// Taps that somebody was told are safe.
    pub acknowledged: usize,
    /// What must not be.
    pub findings: Vec<Finding>,
}

/// Kills `victim` so many times, checks, and answers what was found.
///
/// # Errors
/// When the town itself fails: a program does not come back, or the evidence does not verify.
pub fn run(victim: Victim, kills: u32, seed: u64) -> Result<Report> {
    let mut campaign = Campaign::open(victim, seed)?;
    let load = Load::start(campaign.town.at(Place::Shop).local_api());
    for _ in 0..kills {
        campaign.kill_once(&load)?;
    }
    let acknowledged = load.stop()?;
    campaign.judge(&acknowledged)
}

struct Campaign {
    town: Town,
    victim: Victim,
    seed: u64,
    random: fastrand::Rng,
    stages: BTreeMap<Stage, u32>,
    /// The delay of the last kill at each stage, to aim at those that are rare.
    aims: BTreeMap<Stage, Duration>,
    signatures: Signatures,
}

/// Counts what the card signed.
#[derive(Debug, Default)]
struct Signatures {
    seen_apdu: u64,
    signed: u64,
    lost: u64,
}

impl Campaign {
    fn open(victim: Victim, seed: u64) -> Result<Self> {
        let mut town = Town::open()?;
        let holder = town.office.register("测试丙 Test Holder", "110000199001010056")?;
        let card = town.pcscd.new_card("payer")?;
        town.put(&card, Place::Station)?;
        town.issue(holder, "731945")?;
        for _ in 0..5 {
            let top_up = json!({"operation": "purse.top_up", "amount_fen": 100_000, "receipt_wait_ms": 10_000});
            let reply = town.at(Place::Station).tap(&top_up)?;
            ensure!(reply.0["state"] == "accepted", "no money for the load: {}", reply.0);
        }
        town.carry(&card, Place::Station, Place::Shop)?;
        let mut campaign = Self {
            town,
            victim,
            seed,
            random: fastrand::Rng::with_seed(seed),
            stages: BTreeMap::new(),
            aims: BTreeMap::new(),
            signatures: Signatures::default(),
        };
        // Only what the shop's daemon has signed from now on counts.
        campaign.count_signatures()?;
        campaign.signatures.signed = 0;
        Ok(campaign)
    }

    fn database(&self) -> PathBuf {
        self.town.service.database()
    }

    fn outbox(&mut self) -> PathBuf {
        self.town.at(Place::Shop).outbox()
    }

    /// A moment within a payment: anywhere, or near where the rarest stage was met before.
    fn delay(&mut self) -> Duration {
        let anywhere = LONGEST_DELAY.mul_f64(self.random.f64());
        let rarest = self.aims.iter().min_by_key(|(stage, _)| self.stages.get(stage));
        match rarest {
            Some((_, aim)) if self.random.bool() => aim.mul_f64(0.9 + 0.2 * self.random.f64()),
            _ => anywhere,
        }
    }

    fn kill_once(&mut self, load: &Load) -> Result<()> {
        let delay = self.delay();
        let begun = load.next_begun()?;
        while begun.elapsed() < delay {
            hint::spin_loop();
        }
        let finds = match self.victim {
            Victim::Daemon => self.kill_daemon()?,
            Victim::Service => self.kill_service()?,
        };
        *self.stages.entry(finds.stage()).or_default() += 1;
        self.aims.insert(finds.stage(), delay);
        Ok(())
    }

    /// The service is frozen around the kill, so that what it had committed by then can be told from what came later.
    fn kill_daemon(&mut self) -> Result<Finds> {
        self.town.service.process().pause()?;
        let killed = self.town.at(Place::Shop).process().kill();
        let committed = scene::posted(&self.database());
        self.town.service.process().resume()?;
        killed?;
        let pending = scene::pending(&self.outbox())?;
        let committed: BTreeSet<TapId> = committed?.into_keys().filter(|id| pending.contains(id)).collect();
        let lost_signatures = self.count_lost_signatures(&pending)?;
        let committed_later = self.settled_posts()?.into_keys();
        let committed_later = committed_later.filter(|id| pending.contains(id) && !committed.contains(id)).collect();
        self.town.at(Place::Shop).start()?;
        self.until_outbox_empty()?;
        Ok(Finds { pending, committed, committed_later, lost_signatures })
    }

    fn kill_service(&mut self) -> Result<Finds> {
        self.town.service.process().kill()?;
        let posted = scene::posted(&self.database())?;
        let pending = scene::pending(&self.outbox())?;
        let committed = posted.into_keys().filter(|id| pending.contains(id)).collect();
        self.town.service.start()?;
        self.until_outbox_empty()?;
        Ok(Finds { pending, committed, ..Finds::default() })
    }

    /// What the service has when nothing new has come for a while, the daemon being dead.
    fn settled_posts(&mut self) -> Result<BTreeMap<TapId, checker::Posted>> {
        let mut last = scene::posted(&self.database())?;
        let mut since = Instant::now();
        wait::until("the service has finished what it had been sent", || {
            let now = scene::posted(&self.database())?;
            if now != last {
                last = now;
                since = Instant::now();
            }
            Ok((since.elapsed() > Duration::from_millis(40)).then_some(()))
        })?;
        Ok(last)
    }

    fn until_outbox_empty(&mut self) -> Result<()> {
        let outbox = self.outbox();
        // The load goes on: empty at some moment is all that can be asked.
        wait::until("the outbox has been empty", || Ok(scene::pending(&outbox)?.is_empty().then_some(())))
    }

    fn count_signatures(&mut self) -> Result<()> {
        const GENERAL_AUTHENTICATE: &str = "0087";
        for apdu in self.town.pcscd.cards().trace(Place::Shop as usize, self.signatures.seen_apdu)? {
            self.signatures.seen_apdu = apdu.number;
            if apdu.command.starts_with(GENERAL_AUTHENTICATE) && apdu.status == 0x9000 {
                self.signatures.signed += 1;
            }
        }
        Ok(())
    }

    /// Signatures that the card gave since the last kill and that neither outbox nor service has.
    fn count_lost_signatures(&mut self, pending: &BTreeSet<TapId>) -> Result<u64> {
        self.count_signatures()?;
        let posted = scene::posted(&self.database())?;
        let top_ups = 5 + 1;
        let known = posted.keys().chain(pending).collect::<BTreeSet<_>>().len() as u64 - top_ups;
        let lost = self.signatures.signed.saturating_sub(known);
        let new = lost.saturating_sub(self.signatures.lost);
        self.signatures.lost = lost.max(self.signatures.lost);
        Ok(new)
    }

    fn judge(mut self, acknowledged: &BTreeMap<TapId, i64>) -> Result<Report> {
        self.until_outbox_empty()?;
        let posted = self.settled_posts()?;
        let findings = checker::check(acknowledged, &posted, scene::sum_fen(&self.database())?);
        self.town.service.verified_evidence(&self.town.folder().join("evidence"))?;
        Ok(Report {
            victim: self.victim,
            seed: self.seed,
            stages: self.stages,
            acknowledged: acknowledged.len(),
            findings,
        })
    }
}
