//! Taps that were made long ago, written in bulk: the rows that a payment leaves, each with its leaf. What they say they
//! signed is random bytes: nothing reads it, and signing fifty million taps would take an hour.

use anyhow::Result;
use card_schema::{
    clock::Micros,
    envelope::tap::Tap,
    ids::{CardId, OrganisationId, TapId, TerminalId},
    money::Fen,
    operation::{Operation, purse::Payment},
};
use card_service::{
    cards::{self, CardForIntake},
    db::{self, Db, DbError, Tx},
    domains::purse::{purse_of, takings_of},
    evidence::{self, Action, ActionKind, tables},
    ledger::{self, Book, Linked, Needs, Phase, Remembered, Transfer, TransferKind},
};
use reader_daemon::identity::Identity;

use super::installation::{Installation, by_column, now, open_for_bulk, progress, random};

/// Taps of one transaction.
const STEP: u64 = 40_000;
/// Bytes of a signed payment.
const COSE_BYTES: usize = 275;
/// Cards that have a history; the others have been issued and not used.
const CARDS: usize = 20_000;

/// Writes so many past taps. The service is down.
pub(super) fn write(installation: &Installation, taps: u64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let db = open_for_bulk(installation.service().database_url()).await?;
        let mut past = Past::load(installation, &db).await?;
        let bar = progress("writing past taps", taps);
        let mut written = 0;
        while written < taps {
            let step = STEP.min(taps - written);
            past = past.step(&db, step).await?;
            written += step;
            bar.set_position(written);
        }
        bar.finish_and_clear();
        db.close().await;
        Ok(())
    })
}

/// Who tapped, where, and how far the lanes and accounts have come.
struct Past {
    cards: Vec<(CardId, CardForIntake)>,
    terminals: Vec<(TerminalId, u64)>,
    shop: OrganisationId,
    memory: Remembered,
    random: fastrand::Rng,
}

impl Past {
    async fn load(installation: &Installation, db: &Db) -> Result<Self> {
        let ids: Vec<CardId> = super::load::card_ids(installation.cards())?.into_iter().take(CARDS).collect();
        let known = cards::load_for_intake(&mut db.read().await?, &ids).await?;
        let terminals = installation.terminals().iter().map(|folder| Ok((Identity::load(folder)?.file.terminal_id, 0)));
        Ok(Self {
            cards: known.into_iter().collect(),
            terminals: terminals.collect::<Result<_>>()?,
            shop: OrganisationId::from_bytes(random()?),
            memory: Remembered::default(),
            random: fastrand::Rng::with_seed(1),
        })
    }

    /// Writes some taps in one transaction.
    async fn step(mut self, db: &Db, taps: u64) -> Result<Self> {
        let at = now()?;
        let (mut past, book) = db
            .write_concurrently::<_, DbError, _>(move |tx| {
                Box::pin(async move {
                    let book = self.write(tx, at, taps).await?;
                    Ok((self, book))
                })
            })
            .await?;
        past.memory.keep(&book);
        Ok(past)
    }

    async fn write(&mut self, tx: &mut Tx, at: Micros, taps: u64) -> Result<Book, DbError> {
        let drawn: Vec<usize> = (0..taps).map(|_| self.random.usize(..self.cards.len())).collect();
        let payment = |card: &CardForIntake| Transfer {
            debit: purse_of(card.bearer.holder().expect("the cards of a bench are holders'"), card.shard),
            credit: takings_of(self.shop, card.shard),
            amount: 1,
            kind: TransferKind::Payment,
            reference: None,
            phase: Phase::Posted,
        };
        let transfers: Vec<Transfer> = drawn.iter().map(|card| payment(&self.cards[*card].1)).collect();
        let needs = Needs::of(&transfers);
        tx.lock(needs.shards()).await?;
        let mut book = self.memory.recall(tx, needs).load(tx).await?;
        let (mut actions, mut rows, mut opened, mut entries) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (card, transfer) in drawn.into_iter().zip(transfers) {
            let (before, (card, known)) = (book.opened_count(), self.cards[card].clone());
            let Ok(Linked::Posted([entry])) = book.post_linked(at, &[transfer]) else {
                return Err(DbError::Unreadable("a purse that is empty"));
            };
            let entry = *entry;
            let leaf = evidence::reserve(tx, known.shard);
            let row = self.row(card, leaf.leaf_id, at, book.balance(&transfer.debit));
            let mut images = vec![tables::TAP.image(&row)];
            for account in book.opened(before) {
                images.push(ledger::store::account_image(account));
                opened.push((*account, leaf.leaf_id));
            }
            images.push(ledger::store::transfer_image(&book, &entry));
            actions.push((leaf, Action::new(known.shard, ActionKind::TapDecided, images)));
            entries.push((entry, leaf.leaf_id));
            rows.push(row);
        }
        evidence::append_reserved(tx, at, actions).await?;
        entries.sort_unstable_by_key(|(entry, _)| (entry.transfer.debit.shard, entry.id));
        ledger::store::save(tx, &book, &opened, &entries).await?;
        db::insert(tx.conn(), "tap", by_column(&tables::TAP, &rows)?, "").await?;
        Ok(book)
    }

    fn row(&mut self, card: CardId, leaf: i64, at: Micros, balance: i64) -> Vec<tables::Value> {
        let place = self.random.usize(..self.terminals.len());
        let (terminal, counter) = &mut self.terminals[place];
        *counter += 1;
        let (mut cose, mut id) = (vec![0; COSE_BYTES], [0; 32]);
        self.random.fill(&mut cose);
        self.random.fill(&mut id);
        let tap = Tap {
            card: Some(card),
            terminal: *terminal,
            // The lanes above are those of the runs.
            lane: 0,
            counter: *counter,
            previous: TapId::NONE,
            nonce: [0; 16],
            at,
            log_head: None,
            status_version: 1,
            operation: Operation::PursePayment(Payment::online(Fen(1))),
        };
        super::naive::tap_row(&tap, TapId(id), leaf, at, balance, cose)
    }
}
