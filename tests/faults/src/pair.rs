//! Two services at work on one database at once: batches go to one, to the other, and to both at the same moment, clerks
//! work at both, and in the middle of it one of the two is killed.

use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::{Context, Result, anyhow, ensure};
use bench::intake::{
    fleet::Fleet,
    installation::{Engine, Installation},
    load,
};
use card_schema::{
    envelope::{
        Envelope,
        receipt::{Outcome, Receipt, TapOutcome},
    },
    ids::TapId,
    operation::OperationCode,
    wire::terminal::BatchRequest,
};
use reader_daemon::{
    identity::Identity,
    submit::client::{ServiceClient, ServiceError},
};
use town::{office::Office, service::Service, wait};

use crate::{
    checker::{self, Finding},
    load::FEN,
    logs,
    scene::{self, Owner},
};

/// Some for each shard.
const CARDS: u64 = 256;
const TERMINALS: usize = 8;
const TAPS_A_BATCH: usize = 16;
const BATCHES: usize = 48;
/// So many batches of all are answered when the second service is killed, or some more.
const UNTIL_KILL: usize = TERMINALS * BATCHES / 3;
/// What each clerk does meanwhile: so many terminals are added.
const NEW_TERMINALS: usize = 3;

/// All taps of all terminals.
pub const TAPS: usize = TERMINALS * BATCHES * TAPS_A_BATCH;

/// What was found.
#[derive(Debug)]
pub struct Outcomes {
    /// Taps that a receipt said are accepted.
    pub acknowledged: usize,
    /// Batches that went to both services at the same moment and were answered by both.
    pub twice: usize,
    /// What must not be.
    pub findings: Vec<Finding>,
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Two services on one database, one of them killed")?;
        writeln!(f, "  {:<26} {:>5}", "batches answered by both", self.twice)?;
        writeln!(f, "  {:<26} {:>5}", "taps acknowledged", self.acknowledged)?;
        writeln!(f, "  {:<26} {:>5}", "lost, doubled or wrong", self.findings.len())?;
        self.findings.iter().try_for_each(|finding| writeln!(f, "    {finding:?}"))
    }
}

/// A terminal that can go to either service.
struct Caller {
    batches: Vec<BatchRequest>,
    first: ServiceClient,
    second: ServiceClient,
    acknowledged: BTreeMap<TapId, i64>,
    /// Batches of all callers that are answered.
    answered: Arc<AtomicUsize>,
    twice: usize,
}

/// Sends everything, checks, and answers what was found.
///
/// # Errors
/// When a service does not do what it must, or the evidence does not verify.
pub fn run() -> Result<Outcomes> {
    let installation = Installation::found(Engine::Postgres, CARDS, TERMINALS)?;
    let mut second = installation.service().beside(&installation.folder().join("second"))?;
    let plan = Fleet::new(&installation)?.plan(TAPS_A_BATCH, BATCHES)?;
    let answered = Arc::new(AtomicUsize::new(0));
    let mut callers = Vec::with_capacity(TERMINALS);
    for (folder, (_, batches)) in installation.terminals().iter().zip(load::batches(&plan)?) {
        callers.push(Caller::new(folder, &second, batches, Arc::clone(&answered))?);
    }
    let clerks = [installation.service().office()?, second.office()?];
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let load = runtime.spawn(all(callers));
    thread::scope(|scope| {
        let clerks = clerks.map(|clerk| scope.spawn(move || work(&clerk)));
        clerks.into_iter().try_for_each(|clerk| clerk.join().expect("a clerk does not panic"))
    })?;
    wait::until("a part of the batches is answered", || {
        Ok((answered.load(Ordering::Relaxed) >= UNTIL_KILL).then_some(()))
    })?;
    second.process().kill()?;
    let before_kill = answered.load(Ordering::Relaxed);
    ensure!(before_kill < TERMINALS * BATCHES, "everything was answered before the kill: the kill shows nothing");
    let callers = runtime.block_on(load)??;

    installation.until_logged()?;
    let (mut acknowledged, mut twice) = (BTreeMap::new(), 0);
    for caller in callers {
        acknowledged.extend(caller.acknowledged);
        twice += caller.twice;
    }
    let url = installation.service().database_url();
    let mut findings = checker::check(&acknowledged, &scene::posted(url, Owner::Running)?, scene::sum_fen(url)?);
    for service in [installation.service(), &second] {
        findings.extend(logs::of_service(service)?);
    }
    findings.extend(installation.cluster().and_then(logs::of_server));
    installation.service().verified_evidence(&installation.folder().join("evidence"))?;
    Ok(Outcomes { acknowledged: acknowledged.len(), twice, findings })
}

fn work(clerk: &Office) -> Result<()> {
    for number in 0..NEW_TERMINALS {
        clerk.add_terminal(&format!("new till {number}"), "Invented Shop", &[OperationCode::PursePayment])?;
    }
    Ok(())
}

async fn all(callers: Vec<Caller>) -> Result<Vec<Caller>> {
    let tasks: Vec<_> = callers.into_iter().map(|caller| tokio::spawn(caller.send())).collect();
    let mut callers = Vec::with_capacity(tasks.len());
    for task in tasks {
        callers.push(task.await.context("a caller's task panicked")??);
    }
    Ok(callers)
}

impl Caller {
    fn new(folder: &Path, second: &Service, batches: Vec<BatchRequest>, answered: Arc<AtomicUsize>) -> Result<Self> {
        let mut identity = Identity::load(folder)?;
        let first = ServiceClient::new(&identity)?;
        second.terminals_url().clone_into(&mut identity.file.terminal_url);
        let second = ServiceClient::new(&identity)?;
        Ok(Self { batches, first, second, acknowledged: BTreeMap::new(), answered, twice: 0 })
    }

    async fn send(mut self) -> Result<Self> {
        for (number, batch) in self.batches.iter().enumerate() {
            let (first, second) = match number % 3 {
                0 => (answer(&self.first, batch).await?, None),
                1 => (None, answer(&self.second, batch).await?),
                _ => {
                    let (first, second) = tokio::join!(answer(&self.first, batch), answer(&self.second, batch));
                    (first?, second?)
                }
            };
            if let (Some(first), Some(second)) = (&first, &second) {
                ensure!(first == second, "two services say different things of one batch: {first:?}, {second:?}");
                self.twice += 1;
            }
            // Nobody has answered: the one that was asked is gone, and the batch is brought to the other.
            let outcomes = match first.or(second) {
                Some(outcomes) => outcomes,
                None => answer(&self.first, batch).await?.context("the service that was not killed does not answer")?,
            };
            let accepted = outcomes.iter().filter(|tap| tap.outcome == Outcome::Accepted);
            self.acknowledged.extend(accepted.map(|tap| (tap.tap, FEN)));
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
        Ok(self)
    }
}

/// What a service says of a batch; nothing when it is gone.
async fn answer(service: &ServiceClient, batch: &BatchRequest) -> Result<Option<Vec<TapOutcome>>> {
    match service.batch(batch).await {
        Ok(reply) => {
            let receipt = Envelope::<Receipt>::decode(&reply.receipt.0).map_err(|error| anyhow!("{error}"))?;
            Ok(Some(receipt.payload.outcomes))
        }
        Err(ServiceError::Unreachable(_)) => Ok(None),
        Err(error) => Err(anyhow!("a batch was refused: {error}")),
    }
}
