//! One transaction: load what a group of batches needs, decide tap by tap, write everything.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem::take;
use std::sync::Arc;

use card_schema::envelope::receipt::{Outcome, TapOutcome};
use card_schema::envelope::tap::Tap;
use card_schema::ids::{CardId, Shard, TapId, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::Operation;
use foldhash::fast::RandomState;

use super::decide::{self, Known, Verdict};
use super::lane::{Faults, LaneFault, LaneHead, LaneNumber, RecordedFault, follows};
use super::memory::{Cards, Memory};
use super::store::{self, LaneEvent, Prior, SeenHead, TapRow, Wanted};
use super::submission::{Answer, Policy, Submission, SubmitError};
use super::verify::Candidate;
use crate::cards::{self, CardState};
use crate::db::{DbError, Engine, Tx};
use crate::domains::{self, Ask, Decision, Effect};
use crate::evidence::{self, Action, ActionKind, Hash, LeafRef};
use crate::ledger::{self, Account, Book, Entry, Linked, Refused};
use crate::terminals::Terminal;

/// Everything that was loaded, and everything that is to be written.
#[derive(Default)]
struct Group {
    terminals: HashMap<TerminalId, Arc<Terminal>, RandomState>,
    cards: Cards,
    prior: HashMap<TapId, Prior, RandomState>,
    heads: HashMap<(TerminalId, u8), LaneHead, RandomState>,
    seen: HashMap<u64, SeenHead, RandomState>,
    faults: Faults,
    book: Book,
    moved: BTreeSet<(TerminalId, u8)>,
    actions: Vec<(LeafRef, Action)>,
    rows: Vec<TapRow>,
    events: Vec<(LaneEvent, LeafRef)>,
    opened: Vec<(Account, i64)>,
    entries: Vec<(Entry, i64)>,
    effects: Vec<Effect>,
}

/// What a group has come to, once its transaction is committed.
pub(super) struct Decided {
    /// An answer a submission.
    pub(super) answers: Vec<Answer>,
    /// The accounts as they are now.
    pub(super) book: Book,
    /// The leaves that it has left.
    pub(super) leaves: Vec<(LeafRef, Hash)>,
}

pub(super) async fn decide_and_write(
    tx: &mut Tx,
    policy: &Policy,
    memory: &Memory,
    submissions: &[Arc<Submission>],
) -> Result<Decided, DbError> {
    let mut group = Group::load(tx, policy, memory, submissions).await?;
    let mut answers = Vec::with_capacity(submissions.len());
    for submission in submissions {
        answers.push(match group.terminals.get(&submission.terminal).cloned() {
            // One that got another key meanwhile signs what it has anew.
            Some(terminal) if terminal.public_key.as_ref() == Some(&submission.key) => {
                Ok(group.decide(tx, policy, submission, &terminal).await?)
            }
            _ => Err(SubmitError::UnknownTerminal),
        });
    }
    count(&answers);
    let leaves = group.write(tx).await?;
    Ok(Decided { answers, book: group.book, leaves })
}

/// Counts what became of taps, whoever brought them.
fn count(answers: &[Answer]) {
    let mut counts: BTreeMap<u16, (Outcome, u64)> = BTreeMap::new();
    for tap in answers.iter().flatten().flatten() {
        counts.entry(tap.outcome.number()).or_insert((tap.outcome, 0)).1 += 1;
    }
    for (outcome, count) in counts.into_values() {
        metrics::counter!("intake_taps_total", "outcome" => format!("{outcome:?}")).increment(count);
    }
}

fn taps(submissions: &[Arc<Submission>]) -> impl Iterator<Item = (TapId, &Tap)> {
    submissions.iter().flat_map(|s| s.taps.iter().filter_map(|c| c.tap.as_ref().map(|tap| (c.id, tap))))
}

/// Where everything that a tap leaves lies: with its card's holder, also where we do not know the card. What a terminal
/// says on its own, and what names a card that cannot be, is spread by terminal over the shards that every engine has:
/// it must be found again in the same shard after the city has moved to another engine.
fn shard_of(tap: &Tap, engine: Engine) -> Shard {
    let card = tap.card.map(|card| card.shard()).filter(|shard| shard.0 < engine.shards());
    card.unwrap_or(Shard(tap.terminal.as_bytes()[15] % Engine::Sqlite.shards()))
}

impl Group {
    async fn load(
        tx: &mut Tx,
        policy: &Policy,
        memory: &Memory,
        submissions: &[Arc<Submission>],
    ) -> Result<Self, DbError> {
        let mut group = Self::default();
        let engine = tx.engine();
        let shards: BTreeSet<Shard> = taps(submissions).map(|(_, tap)| shard_of(tap, engine)).collect();
        tx.lock(shards.iter().copied()).await?;
        memory.catch_up(tx, &shards).await?;
        let terminals: BTreeSet<_> = submissions.iter().map(|submission| submission.terminal).collect();
        group.terminals = memory.terminals_now(tx, &terminals).await?;
        let cards: BTreeSet<_> = taps(submissions).filter_map(|(_, tap)| tap.card).collect();
        group.cards = memory.cards_now(tx, &cards).await?;
        let lanes: BTreeSet<_> = taps(submissions).map(|(_, tap)| (tap.terminal, tap.lane)).collect();
        group.heads = store::heads(tx.conn(), &lanes).await?;
        // A number that its lane has not come to is new.
        let passed = |tap: &Tap| LaneNumber::of(tap).counter <= group.heads[&(tap.terminal, tap.lane)].counter;
        let passed: Vec<_> = taps(submissions).filter(|(_, tap)| passed(tap)).collect();
        let wanted =
            |(id, tap): &(TapId, &Tap)| Wanted { shard: shard_of(tap, engine), card: tap.card, at: tap.at, tap: *id };
        group.prior = store::prior(tx.conn(), &passed.iter().map(wanted).collect()).await?;
        let others = passed.iter().filter(|(id, _)| !group.prior.contains_key(id));
        let others: BTreeSet<_> = others.map(|(_, tap)| LaneNumber::of(tap)).collect();
        group.faults = Faults::new(store::faults_at(tx.conn(), &others).await?);
        let sizes: BTreeSet<_> = taps(submissions).filter_map(|(_, tap)| tap.log_head.map(|head| head.size)).collect();
        group.seen = store::seen_heads(tx.conn(), &sizes).await?;
        let mut accounts = Vec::new();
        for (id, tap) in taps(submissions) {
            if let Some(ask) = group.ask(id, tap, policy)
                && let Some(room) = domains::room_of(&tap.operation)
            {
                accounts.extend(room.accounts(&ask));
            }
        }
        group.book = memory.book(tx, accounts).await?;
        Ok(group)
    }

    fn ask<'a>(&self, id: TapId, tap: &'a Tap, policy: &Policy) -> Option<Ask<'a>> {
        let card = self.cards.get(&tap.card?)?;
        let terminal = self.terminals.get(&tap.terminal)?;
        Some(Ask {
            tap: id,
            operation: &tap.operation,
            holder: card.holder,
            shard: card.shard,
            organisation: terminal.organisation.organisation_id,
            terminal: tap.terminal,
            at: tap.at,
            limits: policy.limits,
        })
    }

    async fn decide(
        &mut self,
        tx: &mut Tx,
        policy: &Policy,
        submission: &Submission,
        terminal: &Terminal,
    ) -> Result<Vec<TapOutcome>, DbError> {
        let mut outcomes = Vec::with_capacity(submission.taps.len());
        for candidate in &submission.taps {
            let (outcome, balance) = match &candidate.tap {
                None => (Outcome::Malformed, None),
                Some(tap) if tap.terminal != submission.terminal => (Outcome::WrongTerminal, None),
                Some(tap) => self.decide_tap(tx, policy, submission, terminal, candidate, tap).await?,
            };
            outcomes.push(TapOutcome { tap: candidate.id, outcome, balance });
        }
        Ok(outcomes)
    }

    async fn decide_tap(
        &mut self,
        tx: &mut Tx,
        policy: &Policy,
        submission: &Submission,
        terminal: &Terminal,
        candidate: &Candidate,
        tap: &Tap,
    ) -> Result<(Outcome, Option<Fen>), DbError> {
        if let Some(prior) = self.prior.get(&candidate.id) {
            return Ok((prior.outcome, prior.balance));
        }
        let (shard, number) = (shard_of(tap, tx.engine()), LaneNumber::of(tap));
        let lane = number.lane();
        let head = self.heads.get(&lane).copied().unwrap_or(LaneHead::EMPTY);
        if number.counter <= head.counter && !self.faults.left_free(&number) {
            self.record_fault(tx, submission, candidate, (shard, number), LaneFault::Fork, head);
            return Ok((Outcome::CounterFork, None));
        }

        let seen = tap.log_head.and_then(|head| self.seen.get(&head.size).filter(|seen| seen.root == head.root));
        let card = tap.card.and_then(|card| self.cards.get(&card)).map(Arc::as_ref);
        let known = Known {
            terminal,
            card,
            signed_by: candidate.signed_by(&submission.key, card),
            log_head_at: seen.map(|seen| seen.at),
            now: submission.received_at,
        };
        let fault = if tap.log_head.is_some_and(|head| head.size > 0) && seen.is_none() {
            Some(LaneFault::UnknownLogHead)
        } else {
            follows(head, tap).err()
        };
        let ask = self.ask(candidate.id, tap, policy);
        let room = domains::room_of(&tap.operation);
        let mut decision = match (decide::check(policy, tap, &known), fault, &ask, room) {
            (Verdict::Refuse(outcome), _, ask, room) => {
                let effects = match (ask, room) {
                    (Some(ask), Some(room)) => room.refused(ask),
                    _ => Vec::new(),
                };
                Decision { effects, ..Decision::plain(outcome) }
            }
            (_, Some(_), ..) => Decision::plain(Outcome::Quarantined),
            (Verdict::Record, None, ..) => Decision::plain(Outcome::Accepted),
            (Verdict::Ask, None, Some(ask), Some(room)) => room.decide(ask, &self.book),
            (Verdict::Ask, None, ..) => match (&tap.operation, tap.card) {
                (Operation::RegistrationConsent(consent), Some(card)) => {
                    Decision::plain(self.consent(tx, submission, card, &consent.text).await?)
                }
                _ => Decision::plain(Outcome::OperationNotAllowed),
            },
        };
        if let Some(fault) = fault {
            self.record_fault(tx, submission, candidate, (shard, number), fault, head);
        }

        let opened_before = self.book.opened_count();
        let entries = match self.book.post_linked(submission.received_at, &decision.transfers) {
            Ok(Linked::Posted(entries)) => entries.to_vec(),
            Ok(Linked::Repeated) => Vec::new(),
            // Rooms look before they ask; what the ledger still refuses is a room's defect, and moves nothing.
            Err(Refused { reason, .. }) => {
                tracing::error!(%reason, "the ledger refused what a room had decided");
                decision = Decision { shows: decision.shows, ..Decision::plain(Outcome::InsufficientFunds) };
                Vec::new()
            }
        };
        let balance = decision.shows.map(|key| Fen(self.book.balance(&key)));
        let row = TapRow {
            leaf: evidence::reserve(tx, shard),
            number,
            tap: candidate.id,
            card: tap.card,
            operation: tap.operation.code().number(),
            at: tap.at,
            received_at: submission.received_at,
            outcome: decision.outcome,
            balance,
            cose: candidate.cose.clone(),
        };
        self.record(row, entries, opened_before, decision.effects);
        if number.counter > head.counter {
            self.heads.insert(lane, LaneHead { counter: number.counter, tap: candidate.id });
            self.moved.insert(lane);
        }
        self.prior.insert(candidate.id, Prior { outcome: decision.outcome, balance });
        Ok((decision.outcome, balance))
    }

    /// The holder has agreed to a text: if it is the one that was sent, the card is active from the next tap on.
    async fn consent(
        &mut self,
        tx: &mut Tx,
        submission: &Submission,
        id: CardId,
        text: &[u8; 32],
    ) -> Result<Outcome, DbError> {
        let outcome = cards::on_consent(tx, submission.received_at, id, text).await?;
        if let (Outcome::Accepted, Some(card)) = (outcome, self.cards.get_mut(&id)) {
            Arc::make_mut(card).state = CardState::Active;
        }
        Ok(outcome)
    }

    /// One leaf for the tap, the accounts that it opened and the transfers that it caused.
    fn record(&mut self, row: TapRow, entries: Vec<Entry>, opened_before: usize, effects: Vec<Effect>) {
        let LeafRef { shard, leaf_id } = row.leaf;
        let mut images = vec![row.image()];
        for account in self.book.opened(opened_before) {
            images.push(ledger::store::account_image(account));
            self.opened.push((*account, leaf_id));
        }
        for entry in entries {
            images.push(ledger::store::transfer_image(&self.book, &entry));
            self.entries.push((entry, leaf_id));
        }
        self.actions.push((row.leaf, Action::new(shard, ActionKind::TapDecided, images)));
        self.rows.push(row);
        self.effects.extend(effects);
    }

    fn record_fault(
        &mut self,
        tx: &mut Tx,
        submission: &Submission,
        candidate: &Candidate,
        (shard, number): (Shard, LaneNumber),
        fault: LaneFault,
        head: LaneHead,
    ) {
        tracing::warn!(terminal = %number.terminal, lane = number.lane, fault = fault.name(), "a lane did not go on as it must");
        metrics::counter!("intake_lane_faults_total", "kind" => fault.name()).increment(1);
        let (tap, expected) = (candidate.id, head.counter.saturating_add(1));
        if !self.faults.note(RecordedFault { number, tap, fork: fault == LaneFault::Fork, expected }) {
            return;
        }
        let event =
            LaneEvent { number, tap, fault, expected, at: submission.received_at, cose: candidate.cose.clone() };
        let leaf = evidence::reserve(tx, shard);
        self.actions.push((leaf, Action::new(leaf.shard, ActionKind::LaneBroken, vec![event.image()])));
        self.events.push((event, leaf));
    }

    async fn write(&mut self, tx: &mut Tx) -> Result<Vec<(LeafRef, Hash)>, DbError> {
        let (rows, events) = (take(&mut self.rows), take(&mut self.events));
        let Some(at) = rows.iter().map(|row| row.received_at).chain(events.iter().map(|(event, _)| event.at)).max()
        else {
            return Ok(Vec::new());
        };
        let leaves = evidence::append_reserved(tx, at, take(&mut self.actions)).await?;
        // In the order of the keys, as everything that is many.
        self.entries.sort_unstable_by_key(|(entry, _)| (entry.transfer.debit.shard, entry.id));
        ledger::store::save(tx, &self.book, &self.opened, &self.entries).await?;
        let connection = tx.conn();
        store::write_taps(connection, rows).await?;
        store::write_events(connection, &events).await?;
        let heads: Vec<_> = self.moved.iter().map(|lane| (*lane, self.heads[lane])).collect();
        store::write_heads(connection, &heads).await?;
        domains::write_effects(connection, &self.effects).await?;
        Ok(leaves)
    }
}
