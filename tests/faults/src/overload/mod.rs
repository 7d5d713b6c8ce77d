//! A service that is offered four times what it can do.
//!
//! First terminals send in a closed loop: what comes of it is the capacity. Then batches are sent by a schedule that
//! waits for no answer. What was refused is brought again, and in the end everything must be there once. Each batch is
//! the only one of its lane, so that those that were refused may come in any order.

pub mod figures;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use bench::{
    intake::{
        count,
        fleet::Fleet,
        installation::{Engine, Installation},
        load,
    },
    resident_mib,
};
use card_schema::{
    envelope::{
        Envelope,
        receipt::{Outcome, Receipt, TapOutcome},
    },
    ids::TapId,
    wire::terminal::BatchRequest,
};
use card_service::{intake::QUEUED_BATCHES, open_files};
use reader_daemon::{identity::Identity, submit::client::ServiceClient};
use tokio::{sync::mpsc, time::MissedTickBehavior};

use self::figures::Figures;
use crate::{
    checker::{self, Finding},
    load::FEN,
    logs,
    outage::Heard,
    scene::{self, Owner},
};

/// Some for each shard.
const CARDS: u64 = 256;
const TAPS_A_BATCH: usize = 16;
/// How much more than its capacity the service is offered.
const OVERLOAD: f64 = 4.0;
/// Who sends in the closed loop: enough that the service always has something to do, and far fewer than its queue takes.
const CALLERS: usize = 64;
/// Who sends in the overload: more than can wait for a receipt, in the queue and in the transaction under way.
const CONNECTIONS: usize = 2 * QUEUED_BATCHES + 512;
/// Batches by which the capacity is found; the first part of them only warms the service up.
const CAPACITY_BATCHES: usize = 768;
const WARM_UP: usize = CAPACITY_BATCHES / 4;
/// How often the schedule is looked at, and the memory.
const TICK: Duration = Duration::from_millis(5);
const TICKS_A_SAMPLE: u32 = 20;

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    terminals: usize,
    seconds: u32,
}

impl Extent {
    /// For the test command.
    pub const SHORT: Self = Self { terminals: 64, seconds: 6 };
    /// For the long suite.
    pub const LONG: Self = Self { terminals: 512, seconds: 120 };
}

/// What an overload came to.
#[derive(Debug)]
pub struct Overload {
    engine: Engine,
    /// What was measured.
    pub figures: Figures,
    /// Taps that a receipt said are accepted.
    pub acknowledged: usize,
    /// What must not be.
    pub findings: Vec<Finding>,
}

impl fmt::Display for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Overload, {:?}", self.engine)?;
        write!(f, "{}", self.figures)?;
        writeln!(f, "  taps acknowledged          {}", self.acknowledged)?;
        writeln!(f, "  lost, doubled or wrong     {}", self.findings.len())?;
        self.findings.iter().try_for_each(|finding| writeln!(f, "    {finding:?}"))
    }
}

/// A batch and who brings it.
#[derive(Debug)]
struct Brought {
    by: Arc<ServiceClient>,
    request: BatchRequest,
}

/// What became of a batch.
struct Answer {
    batch: Brought,
    heard: Heard,
    outcomes: Vec<TapOutcome>,
    took: Duration,
}

impl Brought {
    /// Brings it. `due` is when that was to be done.
    async fn bring(self, due: Instant) -> Answer {
        let reply = self.by.batch(&self.request).await;
        let took = due.elapsed();
        let (mut heard, mut outcomes) = (Heard::of(&reply), Vec::new());
        if let Ok(reply) = reply {
            match Envelope::<Receipt>::decode(&reply.receipt.0) {
                Ok(receipt) => outcomes = receipt.payload.outcomes,
                Err(error) => heard = Heard::Other(error.to_string()),
            }
        }
        Answer { batch: self, heard, outcomes, took }
    }
}

/// Who sends, and what.
struct Callers {
    fleet: Fleet,
    /// Connections, those of one terminal each `terminals` apart.
    clients: Vec<Arc<ServiceClient>>,
    /// What each terminal has to bring.
    batches: Vec<VecDeque<BatchRequest>>,
}

impl Callers {
    fn new(installation: &Installation) -> Result<Self> {
        let terminals = installation.terminals();
        let mut clients = Vec::with_capacity(CONNECTIONS);
        while clients.len() < CONNECTIONS {
            for folder in terminals {
                clients.push(Arc::new(ServiceClient::new(&Identity::load(folder)?)?));
            }
        }
        let batches = terminals.iter().map(|_| VecDeque::new()).collect();
        Ok(Self { fleet: Fleet::new(installation)?, clients, batches })
    }

    /// Signs so many batches, or some more.
    fn sign(&mut self, wanted: usize) -> Result<()> {
        for _ in 0..wanted.div_ceil(self.batches.len()) {
            let plan = self.fleet.plan(TAPS_A_BATCH, 1).context("a service so fast needs more terminals")?;
            for ((_, signed), batches) in load::batches(&plan)?.into_iter().zip(&mut self.batches) {
                batches.extend(signed);
            }
        }
        Ok(())
    }

    /// Everything that is to be brought.
    fn take_all(&mut self) -> VecDeque<Brought> {
        let of = |(batches, by): (&mut VecDeque<_>, &Arc<ServiceClient>)| {
            batches.drain(..).map(|request| Brought { by: Arc::clone(by), request }).collect::<Vec<_>>()
        };
        self.batches.iter_mut().zip(&self.clients).flat_map(of).collect()
    }

    /// Opens every connection: what a handshake costs is not what is measured.
    async fn connect(&self) -> Result<()> {
        for clients in self.clients.chunks(CALLERS) {
            let profile = |client: &Arc<ServiceClient>| {
                let client = Arc::clone(client);
                tokio::spawn(async move { client.profile().await.map(drop) })
            };
            for connected in clients.iter().map(profile).collect::<Vec<_>>() {
                connected.await??;
            }
        }
        Ok(())
    }
}

/// What was said of all batches, in any phase.
#[derive(Debug, Default)]
struct Told {
    acknowledged: BTreeMap<TapId, i64>,
    refused: Vec<TapId>,
    /// What is neither a receipt nor a 503 that says when to come back, and how often it was said.
    unclear: BTreeMap<String, usize>,
}

impl Told {
    /// Notes what was said of a batch. Answers it if it must be brought again.
    fn note(&mut self, answer: Answer) -> Option<Brought> {
        for tap in answer.outcomes {
            if tap.outcome == Outcome::Accepted {
                self.acknowledged.insert(tap.tap, FEN);
            } else {
                self.refused.push(tap.tap);
            }
        }
        match answer.heard {
            Heard::Success => None,
            Heard::NotNow => Some(answer.batch),
            Heard::Other(said) => {
                self.unclear(said);
                Some(answer.batch)
            }
        }
    }

    fn unclear(&mut self, said: String) {
        *self.unclear.entry(said).or_default() += 1;
    }
}

/// Overloads a service, checks, and answers what was found.
///
/// # Errors
/// When a program fails, the load was no overload, or the evidence does not verify.
pub fn run(engine: Engine, extent: Extent) -> Result<Overload> {
    // Each batch under way has a connection.
    open_files::raise()?;
    let mut installation = Installation::found(engine, CARDS, extent.terminals)?;
    let service = installation.service_pid();
    let mut callers = Callers::new(&installation)?;
    let mut told = Told::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;

    callers.sign(CAPACITY_BATCHES)?;
    let capacity_per_s = runtime.block_on(closed_loop(callers.take_all(), &mut told))?;

    let (rate, seconds) = (OVERLOAD * capacity_per_s, extent.seconds);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of batches")]
    // What is accepted meanwhile and half as much again, and what everybody has under way.
    callers.sign((1.5 * capacity_per_s * f64::from(seconds)) as usize + CONNECTIONS)?;
    runtime.block_on(callers.connect())?;
    let figures = runtime.block_on(open_loop(&mut callers, rate, seconds, service, &mut told))?;
    let figures = Figures { capacity_per_s, ..figures };
    ensure!(figures.is_overload(), "the load was no overload: {figures:?}");
    runtime.block_on(closed_loop(callers.take_all(), &mut told))?;

    installation.until_logged()?;
    let Told { acknowledged, refused, unclear } = told;
    let url = installation.service().database_url();
    let mut findings = figures.findings();
    findings.extend(refused.into_iter().map(Finding::Refused));
    findings.extend(unclear.into_iter().map(|(said, times)| Finding::Unclear(format!("{times} times: {said}"))));
    let posted = scene::posted(url, Owner::Running)?;
    findings.extend(checker::check(&acknowledged, &posted, scene::sum_fen(url)?));
    findings.extend(posted.keys().filter(|tap| !acknowledged.contains_key(tap)).map(|tap| Finding::Unheard(*tap)));
    findings.extend(logs::of_service(installation.service())?);
    findings.extend(installation.cluster().and_then(logs::of_server));
    installation.service().verified_evidence(&installation.folder().join("evidence"))?;
    Ok(Overload { engine, figures, acknowledged: acknowledged.len(), findings })
}

/// Some callers bring everything, each batch after the answer to the one before. Answers the batches a second after the
/// warm-up. The service has room for all of them, so that "not now" is no answer here.
async fn closed_loop(batches: VecDeque<Brought>, told: &mut Told) -> Result<f64> {
    let (all, batches) = (batches.len(), Arc::new(Mutex::new(batches)));
    let (answered, mut answers) = mpsc::unbounded_channel();
    for _ in 0..CALLERS {
        let (batches, answered) = (Arc::clone(&batches), answered.clone());
        tokio::spawn(async move {
            let next = || batches.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            while let Some(batch) = next() {
                if answered.send(batch.bring(Instant::now()).await).is_err() {
                    break;
                }
            }
        });
    }
    drop(answered);
    let (mut done, mut warm) = (0, Instant::now());
    while let Some(answer) = answers.recv().await {
        let not_now = answer.heard == Heard::NotNow;
        told.note(answer);
        if not_now {
            told.unclear("no room, though few were waiting".to_owned());
        }
        done += 1;
        if done == WARM_UP.min(all / 4) {
            warm = Instant::now();
        }
    }
    ensure!(done == all, "{} batches were not answered", all - done);
    Ok(count(all - WARM_UP.min(all / 4)) / warm.elapsed().as_secs_f64())
}

/// Batches are sent by a schedule of so many a second, each by whoever has no batch under way; those that are refused
/// come again behind all others. Ends when the last that was sent is answered. What was not sent, or refused at last, is
/// left.
async fn open_loop(callers: &mut Callers, rate: f64, seconds: u32, service: u32, told: &mut Told) -> Result<Figures> {
    let mut figures = Figures::default();
    let (terminals, mut free) = (callers.batches.len(), (0..callers.clients.len()).collect::<VecDeque<_>>());
    let (answered, mut answers) = mpsc::unbounded_channel();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (began, mut end, mut under_way, mut ticked) = (Instant::now(), Duration::from_secs(seconds.into()), 0_usize, 0);
    while began.elapsed() < end || under_way > 0 {
        tokio::select! {
            _ = ticks.tick() => {
                if ticked % TICKS_A_SAMPLE == 0 {
                    figures.memory_mib.push(resident_mib(service)?);
                }
                ticked += 1;
                loop {
                    let due = Duration::from_secs_f64(count(figures.offered) / rate);
                    if due > began.elapsed() || due >= end {
                        break;
                    }
                    let next = (0..free.len()).find_map(|_| {
                        let caller = free.pop_front()?;
                        let request = callers.batches[caller % terminals].pop_front();
                        if request.is_none() {
                            free.push_back(caller);
                        }
                        Some((caller, request?))
                    });
                    let Some((caller, request)) = next else {
                        // The service has taken everything, faster than it was measured; or everybody waits for an
                        // answer: then the next batch is late, which counts as its time.
                        if !free.is_empty() {
                            end = due;
                        }
                        break;
                    };
                    let batch = Brought { by: Arc::clone(&callers.clients[caller]), request };
                    let (answered, due) = (answered.clone(), began + due);
                    tokio::spawn(async move { answered.send((caller, batch.bring(due).await)) });
                    figures.offered += 1;
                    under_way += 1;
                }
            }
            Some((caller, answer)) = answers.recv() => {
                under_way -= 1;
                free.push_back(caller);
                let took_ms = answer.took.as_secs_f64() * 1000.0;
                match answer.heard {
                    Heard::Success => figures.accepted_ms.push(took_ms),
                    Heard::NotNow => figures.refused_ms.push(took_ms),
                    Heard::Other(_) => {}
                }
                callers.batches[caller % terminals].extend(told.note(answer).map(|batch| batch.request));
            }
        }
    }
    figures.seconds = end.as_secs_f64();
    Ok(figures)
}
