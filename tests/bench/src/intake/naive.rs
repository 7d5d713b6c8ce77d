//! What the pipeline is compared with: a twin that takes one request at a time, checks the same, and writes it in one
//! transaction of its own, a statement a row. It has no network around it, which is in its favour.

use std::{sync::Arc, time::Instant};

use anyhow::{Context, Result, anyhow, ensure};
use card_schema::{
    clock::Micros,
    envelope::{
        Envelope, Kid, PublicKey, ToBeSigned,
        batch::Batch,
        receipt::{Outcome, Receipt, TapOutcome},
        tap::Tap,
    },
    ids::{BatchId, CardId, TapId, TerminalId},
    money::Fen,
    operation::Operation,
};
use card_service::{
    cards,
    db::{self, Db, DbError, Rows, Tx, columns, query},
    domains::purse::{purse_of, takings_of},
    evidence::{self, Action, ActionKind, tables},
    ledger::{self, Linked, Needs, Phase, Transfer, TransferKind},
    terminals,
};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    installation::{key_pair, now},
    load::{self, Plan, Signer},
};

/// Requests at work at once: as many as there are connections to write with.
const AT_ONCE: usize = 8;

/// How a run of the twin went.
pub(super) struct Outcomes {
    pub(super) taps: usize,
    pub(super) seconds: f64,
    /// Seconds of processor time, and the database's part of it.
    pub(super) used: f64,
    pub(super) database_used: f64,
}

/// Takes everything that the plan's terminals send, each terminal one batch after the other. `used` tells the processor
/// time so far, and the database's part of it.
pub(super) fn run(database_url: &str, plan: &Plan, used: impl Fn() -> Result<(f64, f64)>) -> Result<Outcomes> {
    let sent = load::batches(plan)?;
    let taps = sent.iter().map(|(_, batches)| batches.len() * plan.batch).sum();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let db = Db::open(database_url).await?;
        let office = Arc::new(Office::new()?);
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let before = used()?;
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for (terminal, batches) in sent {
            let (db, office, places) = (db.clone(), Arc::clone(&office), Arc::clone(&places));
            tasks.spawn(async move {
                for batch in batches {
                    let _place = places.acquire().await?;
                    take(&db, &office, terminal, &batch.batch.0).await?;
                }
                Ok::<_, anyhow::Error>(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.context("a terminal's task panicked")??;
        }
        let seconds = began.elapsed().as_secs_f64();
        // Before the database's threads are gone.
        let after = used()?;
        db.close().await;
        Ok(Outcomes { taps, seconds, used: after.0 - before.0, database_used: after.1 - before.1 })
    })
}

/// Signs receipts with a key that nobody else has.
struct Office {
    signer: Signer,
    kid: Kid,
}

impl Office {
    fn new() -> Result<Self> {
        let (pkcs8, point) = key_pair()?;
        let public = PublicKey::from_sec1(&point).map_err(|error| anyhow!("{error}"))?;
        Ok(Self { signer: Signer::read(&pkcs8)?, kid: Kid::Key(public.key_id()) })
    }

    fn receipt(&self, receipt: &Receipt) -> Result<Vec<u8>> {
        let to_be_signed = ToBeSigned::new(receipt, self.kid);
        Ok(to_be_signed.sign(&self.signer.sign(to_be_signed.message())?))
    }
}

/// One request: decoded, verified, written, answered.
async fn take(db: &Db, office: &Office, from: TerminalId, bytes: &[u8]) -> Result<()> {
    let at = now()?;
    let batch = Envelope::<Batch>::decode(bytes).map_err(|error| anyhow!("{error}"))?;
    let mut taps = Vec::with_capacity(batch.payload.taps.len());
    for bytes in &batch.payload.taps {
        taps.push((Envelope::<Tap>::decode(bytes).map_err(|error| anyhow!("{error}"))?, bytes.clone()));
    }
    let id = BatchId(batch.digest());
    let outcomes = db
        .write_concurrently::<_, Failed, _>(move |tx| Box::pin(async move { write(tx, at, from, &batch, taps).await }))
        .await
        .map_err(|Failed(error)| error)?;
    ensure!(outcomes.iter().all(|tap| tap.outcome == Outcome::Accepted), "the twin refuses a good tap");
    office.receipt(&Receipt { batch: id, at, outcomes, log_head: None }).map(drop)
}

/// What stops a transaction of the twin.
struct Failed(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

async fn write(
    tx: &mut Tx,
    at: Micros,
    from: TerminalId,
    batch: &Envelope<Batch>,
    taps: Vec<(Envelope<Tap>, Vec<u8>)>,
) -> Result<Vec<TapOutcome>, Failed> {
    tx.lock(taps.iter().filter_map(|(tap, _)| tap.payload.card).map(|card| card.shard())).await?;
    let terminal = terminals::store::load(tx, from).await?.context("an unknown terminal")?;
    batch.verify(&terminal.public_key.context("a terminal without a key")?).map_err(|error| anyhow!("{error}"))?;
    let mut outcomes = Vec::with_capacity(taps.len());
    for (envelope, cose) in taps {
        let (tap, id) = (&envelope.payload, TapId(envelope.digest()));
        let (Some(card_id), Operation::PursePayment(payment)) = (tap.card, &tap.operation) else {
            return Err(anyhow!("the twin knows payments only").into());
        };
        let known = cards::load_for_intake(tx.conn(), &[card_id]).await?;
        let card = known.get(&card_id).context("an unknown card")?;
        envelope.verify(card.keys.tap.as_ref().context("no key")?).map_err(|error| anyhow!("{error}"))?;
        follows(tx, tap, card_id, id).await?;
        let holder = card.bearer.holder().context("a card of staff")?;
        let transfer = Transfer {
            debit: purse_of(holder, card.shard),
            credit: takings_of(terminal.organisation.organisation_id, card.shard),
            amount: payment.amount.0,
            kind: TransferKind::Payment,
            reference: None,
            phase: Phase::Posted,
        };
        let mut book = ledger::store::load(tx, &Needs::of([&transfer])).await?;
        let Ok(Linked::Posted([entry])) = book.post_linked(at, &[transfer]) else {
            return Err(anyhow!("the twin's ledger refuses a payment").into());
        };
        let entry = *entry;
        let leaf = evidence::reserve(tx, card.shard);
        let balance = book.balance(&transfer.debit);
        let rows = tap_row(tap, id, leaf.leaf_id, at, balance, cose);
        let opened: Vec<_> = book.opened(0).copied().collect();
        let mut images = vec![tables::TAP.image(&rows)];
        images.extend(opened.iter().map(ledger::store::account_image));
        images.push(ledger::store::transfer_image(&book, &entry));
        let action = Action::new(card.shard, ActionKind::TapDecided, images);
        evidence::append_reserved(tx, at, vec![(leaf, action)]).await?;
        let opened: Vec<_> = opened.into_iter().map(|account| (account, leaf.leaf_id)).collect();
        ledger::store::save(tx, &book, &opened, &[(entry, leaf.leaf_id)]).await?;
        db::insert(tx.conn(), "tap", super::installation::by_column(&tables::TAP, &[rows])?, "").await?;
        move_lane(tx, tap, id).await?;
        let recorded = leaf.recorded();
        outcomes.push(TapOutcome {
            tap: id,
            outcome: Outcome::Accepted,
            balance: Some(Fen(balance)),
            recorded,
            points: None,
        });
    }
    Ok(outcomes)
}

/// A row of `tap` as the table has it.
pub(crate) fn tap_row(tap: &Tap, id: TapId, leaf: i64, at: Micros, balance: i64, cose: Vec<u8>) -> Vec<tables::Value> {
    let card = tap.card.expect("only cards pay here");
    let number = |number: i64| tables::Value::Int(number);
    vec![
        number(i64::from(card.shard().0)),
        number(leaf),
        tap.terminal.as_bytes()[..].into(),
        number(i64::from(tap.lane)),
        number(i64::try_from(tap.counter).expect("a small counter")),
        id.0[..].into(),
        card.as_bytes()[..].into(),
        number(i64::from(tap.operation.code().number())),
        number(tap.at.0),
        number(at.0),
        number(i64::from(Outcome::Accepted.number())),
        number(balance),
        tables::Value::Bytes(cose),
    ]
}

/// Whether a tap goes on where its lane stands.
async fn follows(tx: &mut Tx, tap: &Tap, card: CardId, id: TapId) -> Result<(), Failed> {
    let head = query("SELECT l.counter, l.head FROM lane l WHERE l.terminal_id = $1 AND l.lane = $2 {for update of l}")
        .bind(tap.terminal)
        .bind(i64::from(tap.lane))
        .optional(tx.conn())
        .await?;
    let (counter, head) = match head {
        Some(row) => (row.get::<i64>("counter")?, TapId(columns::bytes(&row, "head")?)),
        None => (0, TapId::NONE),
    };
    let prior = query("SELECT outcome FROM tap WHERE shard = $1 AND card_id = $2 AND at = $3 AND tap_id = $4")
        .bind(card.shard())
        .bind(card)
        .bind(tap.at.0)
        .bind(id)
        .optional(tx.conn())
        .await?;
    let next = i64::try_from(tap.counter)? == counter + 1 && tap.previous == head;
    if next && prior.is_none() { Ok(()) } else { Err(anyhow!("a tap does not follow its lane").into()) }
}

async fn move_lane(tx: &mut Tx, tap: &Tap, id: TapId) -> Result<(), DbError> {
    let row = Rows::new()
        .bytes("terminal_id", [*tap.terminal.as_bytes()].into_iter())
        .ints("lane", [i64::from(tap.lane)].into_iter())
        .ints("counter", [i64::try_from(tap.counter).unwrap_or(i64::MAX)].into_iter())
        .bytes("head", [id.0].into_iter());
    let replace = "ON CONFLICT (terminal_id, lane) DO UPDATE SET counter = excluded.counter, head = excluded.head";
    db::insert(tx.conn(), "lane", row, replace).await
}
