//! A process that plays terminals: signs its batches beforehand, says `ready`, waits for `go`, sends, and says how it
//! went in one line of JSON. Receipts are kept in a file as they come, as an outbox would.

use std::{
    fs,
    io::{self, BufRead as _, Read as _, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use card_schema::{
    card::Slot,
    envelope::{
        Envelope, Kid, PublicKey, Signature, ToBeSigned,
        batch::Batch,
        receipt::{Outcome, Receipt},
        tap::Tap,
    },
    ids::{CardId, TapId, TerminalId},
    money::Fen,
    operation::{Operation, purse::Payment},
    wire::{Bytes, terminal::BatchRequest},
};
use reader_daemon::{
    identity::Identity,
    submit::client::{ServiceClient, ServiceError},
};
use ring::{
    rand::{SecureRandom as _, SystemRandom},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde::{Deserialize, Serialize};

use super::installation::now;

/// What one process is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The folders of its terminals' identities.
    pub(super) terminals: Vec<PathBuf>,
    /// The cards that tap.
    pub(super) cards: PathBuf,
    /// Where receipted tap ids are written.
    pub(super) receipts: PathBuf,
    /// The lane; each run takes another, so that chains begin anew.
    pub(super) lane: u8,
    /// Taps in a batch.
    pub(super) batch: usize,
    /// Batches that each terminal sends.
    pub(super) batches: usize,
    /// Microseconds from one batch of a terminal to its next; at once where there is nothing.
    pub(super) pace_us: Option<u64>,
}

/// How it went.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Outcomes {
    pub(super) taps: usize,
    pub(super) accepted: usize,
    /// From when a batch was due to its receipt.
    pub(super) latencies_us: Vec<u64>,
    /// Batches that were answered with "busy" or not at all.
    pub(super) unanswered: usize,
}

/// PKCS #8 of a P-256 key as ring writes it.
const PKCS8_BYTES: usize = 138;

/// Appends a card to a file of cards.
pub(super) fn write_card(out: &mut impl Write, card: CardId, pkcs8: &[u8]) -> Result<()> {
    ensure!(pkcs8.len() == PKCS8_BYTES, "a key of another length");
    out.write_all(card.as_bytes())?;
    Ok(out.write_all(pkcs8)?)
}

pub(crate) struct Signer(EcdsaKeyPair);

impl Signer {
    pub(crate) fn read(pkcs8: &[u8]) -> Result<Self> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
            .map(Self)
            .map_err(|rejected| anyhow!("a key cannot be read: {rejected}"))
    }

    pub(crate) fn public(&self) -> Result<PublicKey> {
        PublicKey::from_sec1(self.0.public_key().as_ref()).map_err(|_| anyhow!("a key is strange"))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signature> {
        let signature = self.0.sign(&SystemRandom::new(), message).map_err(|_| anyhow!("a key does not sign"))?;
        Ok(Signature(signature.as_ref().try_into()?))
    }
}

fn read_cards(path: &Path) -> Result<Vec<(CardId, Signer)>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.read_to_end(&mut bytes)?;
    bytes
        .chunks_exact(16 + PKCS8_BYTES)
        .map(|record| {
            let (id, key) = record.split_at(16);
            Ok((CardId::from_bytes(id.try_into()?), Signer::read(key)?))
        })
        .collect()
}

/// The cards of a file.
pub(super) fn card_ids(path: &Path) -> Result<Vec<CardId>> {
    let bytes = fs::read(path)?;
    bytes.chunks_exact(16 + PKCS8_BYTES).map(|record| Ok(CardId::from_bytes(record[..16].try_into()?))).collect()
}

/// A terminal with everything that it will send.
struct Terminal {
    client: ServiceClient,
    batches: Vec<BatchRequest>,
}

/// Does what the plan says.
pub(crate) fn run(plan: &Path) -> Result<()> {
    let plan: Plan = serde_json::from_slice(&fs::read(plan)?)?;
    let cards = read_cards(&plan.cards)?;
    let mut random = fastrand::Rng::with_seed(u64::from(plan.lane) << 32 | plan.terminals.len() as u64);
    let terminals =
        plan.terminals.iter().map(|folder| prepare(folder, &plan, &cards, &mut random)).collect::<Result<Vec<_>>>()?;
    drop(cards);
    let receipts = fs::OpenOptions::new().create(true).append(true).open(&plan.receipts)?;
    let receipts = Arc::new(std::sync::Mutex::new(receipts));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let outcomes = runtime.block_on(async {
        // Connected, and known to the service, before the clock runs.
        for terminal in &terminals {
            terminal.client.profile().await.map_err(|error| anyhow!("{error}"))?;
        }
        println!("ready");
        io::stdout().flush()?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        ensure!(line.trim() == "go", "nobody said go");
        let pace = plan.pace_us.map(Duration::from_micros);
        let count = u32::try_from(terminals.len())?;
        let tasks: Vec<_> = terminals
            .into_iter()
            .zip(0..)
            .map(|(terminal, number)| {
                // Spread evenly over one interval.
                let first = pace.map_or(Duration::ZERO, |pace| pace * number / count);
                tokio::spawn(send(terminal, pace, first, Arc::clone(&receipts)))
            })
            .collect();
        let mut all = Outcomes::default();
        for task in tasks {
            let one = task.await.context("a terminal's task panicked")??;
            all.taps += one.taps;
            all.accepted += one.accepted;
            all.unanswered += one.unanswered;
            all.latencies_us.extend(one.latencies_us);
        }
        Ok::<_, anyhow::Error>(all)
    })?;
    println!("{}", serde_json::to_string(&outcomes)?);
    Ok(())
}

fn prepare(folder: &Path, plan: &Plan, cards: &[(CardId, Signer)], random: &mut fastrand::Rng) -> Result<Terminal> {
    let (identity, batches) = signed(folder, plan, cards, random)?;
    Ok(Terminal { client: ServiceClient::new(&identity)?, batches })
}

/// What the terminals of a plan would send, for who takes it without a network, in the order of
/// [`Installation::terminals`](super::installation::Installation::terminals).
///
/// # Errors
/// When a terminal or a card cannot be read.
pub fn batches(plan: &Plan) -> Result<Vec<(TerminalId, Vec<BatchRequest>)>> {
    let cards = read_cards(&plan.cards)?;
    let mut random = fastrand::Rng::with_seed(u64::from(plan.lane));
    let sent = |folder: &PathBuf| {
        let (identity, batches) = signed(folder, plan, &cards, &mut random)?;
        Ok((identity.file.terminal_id, batches))
    };
    plan.terminals.iter().map(sent).collect()
}

/// A terminal's batches, signed.
fn signed(
    folder: &Path,
    plan: &Plan,
    cards: &[(CardId, Signer)],
    random: &mut fastrand::Rng,
) -> Result<(Identity, Vec<BatchRequest>)> {
    let identity = Identity::load(folder)?;
    let terminal = identity.file.terminal_id;
    let key = Signer::read(&fs::read(reader_daemon::identity::key_path(folder))?)?;
    let mut chain = Chain::new(terminal, plan.lane);
    let mut batches = Vec::with_capacity(plan.batches);
    for _ in 0..plan.batches {
        let mut taps = Vec::with_capacity(plan.batch);
        for _ in 0..plan.batch {
            let payment = Operation::PursePayment(Payment::online(Fen(1)));
            taps.push(chain.tap(&cards[random.usize(..cards.len())], (Slot::Tap, payment))?);
        }
        batches.push(batch(terminal, &key, taps)?);
    }
    Ok((identity, batches))
}

/// Taps as their terminal brings them.
pub(crate) fn batch(terminal: TerminalId, key: &Signer, taps: Vec<Vec<u8>>) -> Result<BatchRequest> {
    let batch = Batch { terminal, at: now()?, taps };
    let to_be_signed = ToBeSigned::new(&batch, Kid::Key(key.public()?.key_id()));
    let signature = key.sign(to_be_signed.message())?;
    Ok(BatchRequest { batch: Bytes(to_be_signed.sign(&signature)) })
}

/// The taps of a lane.
pub(crate) struct Chain {
    terminal: TerminalId,
    lane: u8,
    counter: u64,
    previous: TapId,
}

impl Chain {
    pub(crate) const fn new(terminal: TerminalId, lane: u8) -> Self {
        Self { terminal, lane, counter: 0, previous: TapId::NONE }
    }

    /// The next, of a card with the key in a slot.
    pub(crate) fn tap(
        &mut self,
        (card, key): &(CardId, Signer),
        (slot, operation): (Slot, Operation),
    ) -> Result<Vec<u8>> {
        self.counter += 1;
        let mut nonce = [0; 16];
        SystemRandom::new().fill(&mut nonce).map_err(|_| anyhow!("no randomness"))?;
        let tap = Tap {
            card: Some(*card),
            terminal: self.terminal,
            lane: self.lane,
            counter: self.counter,
            previous: self.previous,
            nonce,
            at: now()?,
            log_head: None,
            status_version: 1,
            operation,
        };
        let to_be_signed = ToBeSigned::new(&tap, Kid::Card(slot));
        self.previous = TapId(to_be_signed.digest());
        Ok(to_be_signed.sign(&key.sign(to_be_signed.message())?))
    }
}

async fn send(
    terminal: Terminal,
    pace: Option<Duration>,
    first: Duration,
    receipts: Arc<std::sync::Mutex<fs::File>>,
) -> Result<Outcomes> {
    let mut outcomes = Outcomes::default();
    let began = Instant::now() + first;
    for (request, number) in terminal.batches.iter().zip(0..) {
        let mut due = Instant::now();
        if let Some(pace) = pace {
            due = began + pace * number;
            tokio::time::sleep_until(due.into()).await;
        }
        let reply = loop {
            match terminal.client.batch(request).await {
                Ok(reply) => break Some(reply),
                Err(ServiceError::Busy { retry_after }) => {
                    outcomes.unanswered += 1;
                    tokio::time::sleep(retry_after.unwrap_or(Duration::from_millis(100))).await;
                }
                Err(ServiceError::Unreachable(_)) => break None,
                Err(error) => return Err(anyhow!("a batch was refused: {error}")),
            }
        };
        // The service is gone: what has no receipt by now gets none.
        let Some(reply) = reply else {
            outcomes.unanswered += 1;
            break;
        };
        outcomes.latencies_us.push(u64::try_from(due.elapsed().as_micros())?);
        let receipt = Envelope::<Receipt>::decode(&reply.receipt.0).map_err(|error| anyhow!("{error}"))?.payload;
        outcomes.taps += receipt.outcomes.len();
        outcomes.accepted += receipt.outcomes.iter().filter(|tap| tap.outcome == Outcome::Accepted).count();
        let ids: Vec<u8> = receipt.outcomes.iter().flat_map(|tap| tap.tap.0).collect();
        receipts.lock().map_err(|_| anyhow!("a terminal's task panicked"))?.write_all(&ids)?;
    }
    Ok(outcomes)
}
