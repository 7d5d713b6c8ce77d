//! A town under load, killed again and again.

use std::{
    collections::{BTreeMap, BTreeSet},
    hint,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use card_schema::ids::TapId;
use postgres_cluster::Cluster;
use serde_json::json;
use town::{
    Place, Town,
    apdu_trace::{self, Comparison, Exchange, Run},
    wait,
};

use crate::{
    aim::Aim,
    checker::{self, Finding, Posted},
    load::Load,
    logs,
    outage::{Callers, Heard},
    report::Report,
    scene::{self, Owner},
    stage::{Finds, Stage},
};

/// Who is killed, or what else happens to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Victim {
    /// The reader daemon at the shop.
    Daemon,
    /// The card service.
    Service,
    /// The card service, its data on PostgreSQL.
    ServiceOnPostgres,
    /// PostgreSQL's postmaster, below the card service.
    Postmaster,
    /// All of PostgreSQL: it stands still for some seconds and goes on, as in a failover.
    FrozenPostgres,
}

impl Victim {
    /// The stages at which a kill of this program differs. The end of the service or of its database tells apart only
    /// what was not committed from what was: what is under way between the two is the daemon's. Nobody can look into a
    /// database that stands still.
    pub const fn stages(self) -> &'static [Stage] {
        match self {
            Self::Daemon => &Stage::ALL,
            Self::Service | Self::ServiceOnPostgres | Self::Postmaster => &[Stage::Stored, Stage::Unanswered],
            Self::FrozenPostgres => &[Stage::Stored],
        }
    }

    /// How often the long suite does it.
    pub const fn times_in_torture(self) -> u32 {
        match self {
            Self::Service => 2_000,
            Self::Daemon | Self::ServiceOnPostgres | Self::Postmaster => 200,
            Self::FrozenPostgres => 20,
        }
    }

    const fn is_on_postgres(self) -> bool {
        matches!(self, Self::ServiceOnPostgres | Self::Postmaster | Self::FrozenPostgres)
    }
}

/// Payments before the first kill: a payment's usual time, from which the moments are drawn, is known by then.
const MEASURED: u64 = 64;

/// Kills `victim` so many times, checks, and answers what was found.
///
/// # Errors
/// When the town itself fails: a program does not come back, or the evidence does not verify.
pub fn run(victim: Victim, kills: u32, seed: u64) -> Result<Report> {
    let mut campaign = Campaign::open(victim, seed)?;
    let load = Load::start(campaign.town.at(Place::Shop).local_api());
    wait::until("it is known how long a payment takes", || Ok((load.accepted() >= MEASURED).then_some(())))?;
    for _ in 0..kills {
        campaign.kill_once(&load)?;
    }
    let acknowledged = load.stop()?;
    campaign.judge(&acknowledged)
}

struct Campaign {
    town: Town,
    callers: Callers,
    // After the town, which goes away first.
    cluster: Option<Cluster>,
    victim: Victim,
    seed: u64,
    aim: Aim,
    signatures: Signatures,
    /// What was heard while the database was away and is no clear answer.
    unclear: Vec<Finding>,
    /// Checkpoints that the public has seen.
    shown: BTreeSet<String>,
}

/// Counts what the card at the shop signed.
#[derive(Debug, Default)]
struct Signatures {
    seen_apdu: u64,
    signed: usize,
    /// Signatures of which neither outbox nor service will ever hear.
    lost: usize,
    /// Taps that the card signed before it came to the shop.
    elsewhere: BTreeSet<TapId>,
}

impl Campaign {
    fn open(victim: Victim, seed: u64) -> Result<Self> {
        let cluster = if victim.is_on_postgres() { Some(Cluster::start()?) } else { None };
        let mut town = match &cluster {
            Some(cluster) => Town::open_on(&cluster.database("town")?)?,
            None => Town::open()?,
        };
        for place in [Place::Station, Place::Shop] {
            town.at(place).trace_apdus()?;
        }
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
        // What was signed at the station is neither here nor there.
        let elsewhere = scene::posted(town.service.database_url(), Owner::Running)?.into_keys().collect();
        let signatures = Signatures { elsewhere, ..Signatures::default() };
        let (callers, aim) = (Callers::of(&mut town)?, Aim::new(seed, victim.stages()));
        Ok(Self { town, callers, cluster, victim, seed, aim, signatures, unclear: Vec::new(), shown: BTreeSet::new() })
    }

    fn database(&self) -> &str {
        self.town.service.database_url()
    }

    fn outbox(&mut self) -> PathBuf {
        self.town.at(Place::Shop).outbox()
    }

    fn kill_once(&mut self, load: &Load) -> Result<()> {
        let moment = self.aim.draw();
        let begun = load.next_begun()?;
        let delay = load.usual_time().mul_f64(moment);
        while begun.elapsed() < delay {
            hint::spin_loop();
        }
        let finds = match self.victim {
            Victim::Daemon => self.kill_daemon(load)?,
            Victim::Service | Victim::ServiceOnPostgres => self.kill_service(load)?,
            Victim::Postmaster => self.kill_postmaster(load)?,
            Victim::FrozenPostgres => self.freeze_postgres(load)?,
        };
        self.aim.met(finds.stage(), moment);
        self.shown.extend(self.callers.checkpoint()?);
        Ok(())
    }

    /// The service is frozen around the kill, so that what it had committed by then can be told from what came later.
    fn kill_daemon(&mut self, load: &Load) -> Result<Finds> {
        self.town.service.process().pause()?;
        let killed = self.town.at(Place::Shop).process().kill();
        let found = self.look();
        self.town.service.process().resume()?;
        killed?;
        let mut finds = found?;
        let settled = self.settled_posts()?;
        finds.committed_later = finds.pending.iter().filter(|id| settled.contains_key(id)).copied().collect();
        finds.committed_later.retain(|id| !finds.committed.contains(id));
        self.signatures.lost = self.open_signatures(&settled, &finds.pending)?;
        self.town.at(Place::Shop).start()?;
        self.until_caught_up(&finds, load)?;
        Ok(finds)
    }

    /// The daemon is frozen around the kill, so that what lay in its outbox by then can be told from what came later.
    fn kill_service(&mut self, load: &Load) -> Result<Finds> {
        self.town.at(Place::Shop).process().pause()?;
        let killed = self.town.service.process().kill();
        let found = self.look();
        self.town.at(Place::Shop).process().resume()?;
        killed?;
        let finds = found?;
        self.town.service.start()?;
        self.until_caught_up(&finds, load)?;
        Ok(finds)
    }

    /// The daemon is frozen around the kill, as for the service; the service itself is never started again.
    fn kill_postmaster(&mut self, load: &Load) -> Result<Finds> {
        self.town.at(Place::Shop).process().pause()?;
        self.outage(Cluster::kill, Cluster::restart)?;
        let finds = self.look()?;
        self.town.at(Place::Shop).process().resume()?;
        self.until_caught_up(&finds, load)?;
        Ok(finds)
    }

    /// Payments go on meanwhile.
    fn freeze_postgres(&mut self, load: &Load) -> Result<Finds> {
        self.outage(|cluster| cluster.pause(), |cluster| cluster.resume())?;
        let finds = Finds { pending: scene::pending(&self.outbox(), Owner::Running)?, ..Finds::default() };
        self.until_caught_up(&finds, load)?;
        Ok(finds)
    }

    /// Takes the database `away`, asks the service, and has the database come `back`.
    fn outage(
        &mut self,
        away: impl FnOnce(&mut Cluster) -> Result<()>,
        back: impl FnOnce(&mut Cluster) -> Result<()>,
    ) -> Result<()> {
        let Self { callers, cluster, unclear, .. } = self;
        let cluster = cluster.as_mut().expect("these victims have a cluster");
        away(cluster)?;
        for heard in callers.ask_until(|| back(cluster))? {
            if let Heard::Other(said) = heard {
                unclear.push(Finding::Unclear(said));
            }
        }
        callers.until_ready()
    }

    /// What daemon and service, each dead or frozen, have on disk.
    fn look(&mut self) -> Result<Finds> {
        let posted = scene::posted(self.database(), Owner::Still)?;
        let pending = scene::pending(&self.outbox(), Owner::Still)?;
        let committed = pending.iter().filter(|id| posted.contains_key(id)).copied().collect();
        let open_signatures = self.open_signatures(&posted, &pending)?;
        let lost_signatures = open_signatures.saturating_sub(self.signatures.lost);
        Ok(Finds { pending, committed, lost_signatures, ..Finds::default() })
    }

    /// Signatures that the card gave at the shop and that neither outbox nor service has.
    fn open_signatures(&mut self, posted: &BTreeMap<TapId, Posted>, pending: &BTreeSet<TapId>) -> Result<usize> {
        const GENERAL_AUTHENTICATE: &str = "0087";
        let signatures = &mut self.signatures;
        for apdu in self.town.pcscd.cards().trace(Place::Shop as usize, signatures.seen_apdu)? {
            signatures.seen_apdu = apdu.number;
            if apdu.command.starts_with(GENERAL_AUTHENTICATE) && apdu.status == 0x9000 {
                signatures.signed += 1;
            }
        }
        let known: BTreeSet<_> = posted.keys().chain(pending).collect();
        let here = known.into_iter().filter(|id| !signatures.elsewhere.contains(id)).count();
        Ok(signatures.signed.saturating_sub(here))
    }

    /// What the service has when nothing new has come for a while, the daemon being dead or without taps.
    fn settled_posts(&self) -> Result<BTreeMap<TapId, Posted>> {
        let database = self.database();
        let mut last = scene::posted(database, Owner::Running)?;
        let mut since = Instant::now();
        wait::until("the service has finished what it had been sent", || {
            let now = scene::posted(database, Owner::Running)?;
            if now != last {
                last = now;
                since = Instant::now();
            }
            Ok((since.elapsed() > Duration::from_millis(40)).then_some(()))
        })?;
        Ok(last)
    }

    /// Waits until what was found has gone up and the counter works as before: the first payment after a start is slow.
    fn until_caught_up(&mut self, finds: &Finds, load: &Load) -> Result<()> {
        const AS_BEFORE: u64 = 2;
        let outbox = self.outbox();
        let accepted = load.accepted();
        wait::until("the outbox has gone up and payments are accepted again", || {
            let pending = scene::pending(&outbox, Owner::Running)?;
            Ok((pending.is_disjoint(&finds.pending) && load.accepted() >= accepted + AS_BEFORE).then_some(()))
        })
    }

    /// What the two daemons traced against what pcscd logged by itself. The card was at the station first, and its
    /// daemon was never killed.
    fn traces(&mut self) -> Result<Comparison> {
        let mut read = |place| apdu_trace::read(&self.town.at(place).apdu_trace()?);
        let mut runs = vec![Run::merged(read(Place::Station)?)];
        runs.extend(read(Place::Shop)?);
        let logged: Vec<_> = self.town.pcscd.apdu_log()?.iter().map(Exchange::from).collect();
        Ok(apdu_trace::compare(&runs, &logged))
    }

    fn judge(mut self, acknowledged: &BTreeMap<TapId, i64>) -> Result<Report> {
        let outbox = self.outbox();
        wait::until("the outbox is empty", || Ok((scene::waiting(&outbox)? == 0).then_some(())))?;
        let posted = self.settled_posts()?;
        let mut findings = checker::check(acknowledged, &posted, scene::sum_fen(self.database())?);
        findings.append(&mut self.unclear);
        findings.extend(checker::retracted(&self.shown, &scene::checkpoints(self.database())?));
        findings.extend(logs::of_service(&self.town.service)?);
        if matches!(self.victim, Victim::Postmaster | Victim::FrozenPostgres) {
            logs::names_refusals(&self.town.service)?;
        }
        findings.extend(self.cluster.as_ref().and_then(logs::of_server));
        let traces = self.traces()?;
        if traces.differ > 0 {
            findings.push(Finding::OtherApdus(traces.differ));
        }
        self.town.service.verified_evidence(&self.town.folder().join("evidence"))?;
        Ok(Report {
            victim: self.victim,
            seed: self.seed,
            stages: self.aim.stages(),
            acknowledged: acknowledged.len(),
            traces,
            findings,
        })
    }
}
