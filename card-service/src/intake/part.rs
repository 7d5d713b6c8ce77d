//! The taps of a group that lie in one group of shards: load what they need, decide tap by tap, write everything in one
//! transaction.

mod approval;
mod bills;
mod cards;
mod disputes;
mod riders;
mod settle;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem::take;
use std::sync::Arc;

use card_schema::card::Slot;
use card_schema::clock::Micros;
use card_schema::envelope::receipt::{self, PointsStanding, TapOutcome};
use card_schema::envelope::tap::Tap;
use card_schema::ids::{CardId, HolderId, Shard, TapId, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::Operation;
use card_schema::points::ProgrammeId;
use foldhash::fast::RandomState;

use super::decide::{self, Known, Verdict};
use super::lane::{LaneFault, LaneNumber, Shown, Standing};
use super::memory::{Cards, Learned};
use super::store::{self, LaneEvent, Prior, Returned, TapRow, Wanted};
use super::submission::{Means, Policy, Submission};
use super::verify::{Candidate, SignedBy};
use crate::cards::CardState;
use crate::db::{DbError, Engine, Tx};
use crate::domains::clinic::model::Claim;
use crate::domains::transit::model::{RiderKey, Riding};
use crate::domains::{self, Ask, Decision, Effect, Original, ShownPoints, points, purse, transit};
use crate::evidence::{self, Action, ActionKind, Hash, LeafRef, RowImage};
use crate::ledger::{self, Account, AccountKey, Book, Entry, Linked, Named, Refused, Transfer};
use crate::terminals::Terminal;

pub(super) use approval::{Approval, Approvals};
pub(super) use settle::settle;

/// A tap that has its place in its lane.
pub(super) struct Placed {
    /// Where its answer belongs: the submission in its group, the tap in its submission.
    pub(super) at: (usize, usize),
    /// What it came with.
    pub(super) submission: Arc<Submission>,
    /// The terminal that brought it.
    pub(super) terminal: Arc<Terminal>,
    /// Where everything lies that it leaves.
    pub(super) shard: Shard,
    /// Where it stands in its lane.
    pub(super) standing: Standing,
    /// When the log head that it has seen was signed.
    pub(super) log_head_at: Option<Micros>,
}

/// What became of a tap, and where its answer belongs.
pub(super) type Outcome = ((usize, usize), TapOutcome);

/// What a part has come to, once its transaction is committed.
pub(super) struct Decided {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) learned: Learned,
}

/// What was decided about a tap, and what it has moved.
struct Booked {
    outcome: receipt::Outcome,
    balance: Option<Fen>,
    points: Option<PointsStanding>,
    entries: Vec<Entry>,
    effects: Vec<Effect>,
    opened_before: usize,
}

/// Everything that was loaded, and everything that is to be written.
#[derive(Default)]
struct Part {
    cards: Cards,
    /// How many payments each terminal has brought of a card that is out of use, since it is.
    brought: HashMap<(CardId, TerminalId), u32>,
    prior: HashMap<TapId, Prior, RandomState>,
    /// What taps have moved that came before.
    moved_before: HashMap<LeafRef, Vec<Named>>,
    /// What taps of this part name to be given back: as it was recorded before, and as this part records it.
    originals: HashMap<TapId, Original>,
    named: HashSet<TapId>,
    approvals: Approvals,
    /// Whether a person has looked at these taps, and decides about them.
    is_settling: bool,
    programmes: Arc<points::Programmes>,
    lots: HashMap<(HolderId, ProgrammeId), points::Lots>,
    /// Whose records those of cards are, and all bills of these.
    persons: HashMap<HolderId, HolderId>,
    claims: HashMap<HolderId, Vec<Claim>>,
    spent: HashMap<purse::HolderDay, purse::Spent>,
    fares: Arc<transit::Fares>,
    riding: HashMap<RiderKey, Riding>,
    book: Book,
    actions: Vec<(LeafRef, Action)>,
    /// When the newest of them was done.
    newest: Option<Micros>,
    rows: Vec<TapRow>,
    events: Vec<(LaneEvent, LeafRef)>,
    opened: Vec<(Account, i64)>,
    entries: Vec<(Entry, i64)>,
    effects: Vec<Effect>,
}

impl Placed {
    fn candidate(&self) -> &Candidate {
        &self.submission.taps[self.at.1]
    }

    fn tap(&self) -> &Tap {
        self.candidate().tap.as_ref().expect("what has a place in a lane is a tap")
    }

    /// Whether it may put a card onto the status list: it brings another into use, or spends what is not there.
    pub(super) fn may_list(&self) -> bool {
        matches!(self.tap().operation, Operation::RegistrationConsent(_)) || self.is_accepted_offline()
    }

    /// Whether the terminal has accepted it on its own.
    fn is_accepted_offline(&self) -> bool {
        match &self.tap().operation {
            Operation::PursePayment(payment) => payment.accepted_offline,
            // Nobody waits at a validator until the service is asked.
            Operation::TransitValidation(_) => true,
            _ => false,
        }
    }

    fn number(&self) -> LaneNumber {
        LaneNumber::of(self.tap())
    }
}

/// Decides and writes taps, in the order in which they came. None of them lies in a shard that another transaction of
/// their group holds.
pub(super) async fn decide_and_write(tx: &mut Tx, means: &Means, taps: &[Placed]) -> Result<Decided, DbError> {
    let mut part = Part::load(tx, means, taps).await?;
    let mut outcomes = Vec::with_capacity(taps.len());
    for placed in taps {
        outcomes.push((placed.at, part.decide(tx, means, placed).await?));
    }
    let leaves = part.write(tx).await?;
    Ok(Decided { outcomes, learned: Learned { book: part.book, leaves } })
}

/// Whether a tap may have been recorded before. Where a lane and its taps are written together, only one whose number
/// the lane has passed.
fn may_be_known(placed: &Placed, engine: Engine) -> bool {
    engine.shard_groups() > 1 || placed.standing.passed
}

impl Part {
    async fn load(tx: &mut Tx, means: &Means, taps: &[Placed]) -> Result<Self, DbError> {
        let (mut part, memory, policy) = (Self::default(), &means.memory, means.policy);
        let shards: BTreeSet<Shard> = taps.iter().map(|placed| placed.shard).collect();
        let list = taps.iter().any(Placed::may_list).then_some(Shard(0));
        tx.lock(shards.iter().copied().chain(list)).await?;
        memory.follow_cards(tx, &shards).await?;
        part.cards = memory.cards_now(tx, &taps.iter().filter_map(|placed| placed.tap().card).collect()).await?;
        let engine = tx.engine();
        let wanted = |placed: &Placed| {
            let tap = placed.tap();
            Wanted { shard: placed.shard, card: tap.card, at: tap.at, tap: placed.candidate().id }
        };
        let wanted = taps.iter().filter(|placed| may_be_known(placed, engine)).map(wanted).collect();
        part.prior = store::prior(tx.conn(), &wanted).await?;
        let returns: Vec<_> = taps.iter().filter_map(|placed| part.gives_back(placed)).collect();
        part.named = returns.iter().map(|wanted| wanted.original.tap).collect();
        part.load_approvals(tx, taps).await?;
        let (originals, moved) = store::originals(tx.conn(), &returns).await?;
        part.originals = originals;
        if taps.iter().any(|placed| points::are_concerned(&placed.tap().operation)) {
            part.programmes = memory.programmes_now(tx).await?;
            part.load_points(tx, taps, policy).await?;
        }
        part.load_riders(tx, memory, taps).await?;
        let settled = part.load_bills(tx, taps).await?;
        let counts = |placed: &&Placed| {
            let operation = &placed.tap().operation;
            matches!(operation, Operation::PursePayment(_) | Operation::PurseTopUp(_) | Operation::ClinicSettlement(_))
        };
        let days =
            taps.iter().filter(counts).filter_map(|placed| Some(purse::day_of(&part.ask(placed, policy)?))).collect();
        part.spent = purse::store::spent(tx.conn(), &days).await?;
        let asks = taps.iter().filter_map(|placed| part.ask(placed, policy));
        let accounts = asks.flat_map(|ask| domains::accounts(&ask)).collect();
        part.book = memory.book(tx, accounts).await?;
        for named in moved.into_iter().chain(settled) {
            part.book.load_named(named);
        }
        Ok(part)
    }

    /// What holders have earned, and what taps have moved that are brought once more.
    async fn load_points(&mut self, tx: &mut Tx, taps: &[Placed], policy: Policy) -> Result<(), DbError> {
        let wanted =
            taps.iter().filter_map(|placed| points::lots_needed(&self.ask(placed, policy)?)).collect::<Vec<_>>();
        self.lots = points::store::lots(tx.conn(), &wanted).await?;
        let concerned = taps.iter().filter(|placed| points::are_concerned(&placed.tap().operation));
        let before: Vec<_> =
            concerned.filter_map(|placed| self.prior.get(&placed.candidate().id)).map(|prior| prior.leaf).collect();
        self.moved_before = ledger::store::of_taps(tx.conn(), &before).await?;
        Ok(())
    }

    /// What a tap names to be given back to the holder of its card.
    fn gives_back(&self, placed: &Placed) -> Option<Returned> {
        let tap = placed.tap();
        let (original, card) = (tap.operation.original()?, self.cards.get(&tap.card?)?);
        Some(Returned { holder: card.bearer.holder()?, shard: card.shard, original })
    }

    fn ask<'a>(&'a self, placed: &'a Placed, policy: Policy) -> Option<Ask<'a>> {
        let tap = placed.tap();
        let card = self.cards.get(&tap.card?)?;
        let holder = card.bearer.holder()?;
        let original = tap.operation.original().map(|original| original.tap).or_else(|| self.settlement(placed));
        let original = original.and_then(|tap| self.originals.get(&tap));
        let mut ask = Ask {
            tap: placed.candidate().id,
            operation: &tap.operation,
            holder,
            shard: card.shard,
            organisation: placed.terminal.organisation.organisation_id,
            terminal: tap.terminal,
            at: tap.at,
            received_at: placed.submission.received_at,
            limits: policy.limits,
            day_limits: policy.day_limits,
            spent: purse::Spent::default(),
            with_pin: placed.candidate().signed_by == SignedBy::Card(Slot::Approve),
            is_approved: self.is_approved(tap),
            original: original.filter(|original| original.holder == holder),
            programmes: &self.programmes,
            lots: None,
            claims: self.claims_of(holder),
            transit: None,
            is_issuers: placed.is_accepted_offline() && card.state != CardState::Active && card.changed_at < tap.at,
        };
        ask.transit = self.rider_known(placed, ask.is_issuers);
        ask.lots = points::programme(&ask).and_then(|programme| self.lots.get(&(holder, programme)));
        ask.spent = self.spent.get(&purse::day_of(&ask)).copied().unwrap_or_default();
        Some(ask)
    }

    async fn decide(&mut self, tx: &mut Tx, means: &Means, placed: &Placed) -> Result<TapOutcome, DbError> {
        let (candidate, tap) = (placed.candidate(), placed.tap());
        if let Some(prior) = self.prior.get(&candidate.id) {
            return Ok(self.again(placed, means.policy, *prior));
        }
        if placed.standing.is_folded {
            // It was decided long ago; whoever brings it again may forget it.
            let outcome = receipt::Outcome::Accepted;
            return Ok(TapOutcome { tap: candidate.id, outcome, balance: None, recorded: None, points: None });
        }
        if let Some(shown) = placed.standing.fault {
            self.record_fault(tx, placed, shown);
            if shown.fault == LaneFault::Fork {
                let outcome = receipt::Outcome::CounterFork;
                return Ok(TapOutcome { tap: candidate.id, outcome, balance: None, recorded: None, points: None });
            }
        }

        let received_at = placed.submission.received_at;
        let (decision, holder) = self.judge(tx, means, placed).await?;
        let booked = self.book(tx, tap.card, decision, received_at).await?;
        if booked.outcome == receipt::Outcome::Accepted {
            self.follow_bill(tx, placed).await?;
        }
        let leaf = evidence::reserve(tx, placed.shard);
        let row = TapRow {
            leaf,
            number: placed.number(),
            tap: candidate.id,
            card: tap.card,
            operation: tap.operation.code().number(),
            at: tap.at,
            received_at,
            outcome: booked.outcome,
            balance: booked.balance,
            cose: candidate.cose.clone(),
        };
        self.may_be_given_back(placed, holder, received_at, &booked);
        let Booked { outcome, balance, points, .. } = booked;
        if let (receipt::Outcome::Accepted, Some(approval)) = (outcome, Approval::of(tap)) {
            self.approvals.insert(candidate.id, approval);
        }
        self.prior.insert(candidate.id, Prior { outcome, balance, recorded: leaf, leaf });
        if points.is_some() {
            self.moved_before.insert(leaf, booked.entries.iter().copied().map(Named::fresh).collect());
        }
        self.record(leaf, received_at, (ActionKind::TapDecided, row.image()), booked);
        self.rows.push(row);
        Ok(TapOutcome { tap: candidate.id, outcome, balance, recorded: leaf.recorded(), points })
    }

    /// What the checks and the rooms say of a tap, and whose card it is.
    async fn judge(
        &mut self,
        tx: &mut Tx,
        means: &Means,
        placed: &Placed,
    ) -> Result<(Decision, Option<HolderId>), DbError> {
        let (candidate, tap, policy) = (placed.candidate(), placed.tap(), means.policy);
        let is_in_good_faith = self.is_in_good_faith(tx, placed, policy).await?;
        let card = tap.card.and_then(|card| self.cards.get(&card)).map(Arc::as_ref);
        let known = Known {
            terminal: &placed.terminal,
            card,
            signed_by: candidate.signed_by(&placed.submission.key, card),
            is_in_good_faith,
            is_inside: self.is_inside(placed),
            log_head_at: placed.log_head_at,
            now: placed.submission.received_at,
        };
        let signs_in = card.is_some_and(|card| card.signs_in);
        let with_pin = known.signed_by == SignedBy::Card(Slot::Approve);
        let ask = self.ask(placed, policy).map(|ask| Ask { with_pin, ..ask });
        let holder = ask.as_ref().map(|ask| ask.holder);
        let decision = match (decide::check(&policy, tap, &known), placed.standing.fault) {
            (Verdict::Refuse(outcome), _) => Decision::plain(outcome),
            (_, Some(_)) => Decision::plain(receipt::Outcome::Quarantined),
            (Verdict::Record, None) => Decision::plain(receipt::Outcome::Accepted),
            (Verdict::Ask, None) => {
                let in_rooms = ask.as_ref().and_then(|ask| domains::decide(ask, &self.book));
                match (in_rooms, &tap.operation, tap.card) {
                    (Some(decision), ..) => decision,
                    (None, Operation::RegistrationConsent(consent), Some(card)) => {
                        Decision::plain(self.consent(tx, &placed.submission, card, &consent.text).await?)
                    }
                    (None, Operation::SocialSecurityDispute(said), _) => {
                        Decision::plain(disputes::raise(tx, placed, holder, *said).await?)
                    }
                    (None, Operation::PurseTopUpApproval(_), _) => Decision::plain(self.approve(tx, card).await?),
                    // Whom it lets in is decided when the terminal shows this tap (`people::card_sign_in`).
                    (None, Operation::SignIn(_), _) if signs_in => Decision::plain(receipt::Outcome::Accepted),
                    (None, ..) => Decision::plain(receipt::Outcome::OperationNotAllowed),
                }
            }
        };
        Ok((decision, holder))
    }

    /// Books what was decided about a tap of this card.
    async fn book(
        &mut self,
        tx: &mut Tx,
        card: Option<CardId>,
        mut decision: Decision,
        at: Micros,
    ) -> Result<Booked, DbError> {
        let opened_before = self.book.opened_count();
        let entries = match self.book.post_linked(at, &decision.transfers) {
            Ok(Linked::Posted(entries)) => entries.to_vec(),
            Ok(Linked::Repeated) => Vec::new(),
            // Rooms look before they ask; what the ledger still refuses is a room's defect, and moves nothing.
            Err(Refused { reason, .. }) => {
                tracing::error!(%reason, "the ledger refused what a room had decided");
                let Decision { shows, points, .. } = decision;
                decision = Decision { shows, points, ..Decision::plain(receipt::Outcome::InsufficientFunds) };
                Vec::new()
            }
        };
        if decision.effects.contains(&Effect::Suspend)
            && let Some(card) = card
        {
            self.suspend(tx, at, card).await?;
        }
        let Decision { outcome, shows, points, effects, .. } = decision;
        let balance = shows.map(|key| Fen(self.book.balance(&key)));
        let points = points.map(|shown| self.standing(shown, entries.iter().map(|entry| &entry.transfer)));
        Ok(Booked { outcome, balance, points, entries, effects, opened_before })
    }

    /// What was booked may be named by a later tap of the same part.
    fn may_be_given_back(&mut self, placed: &Placed, holder: Option<HolderId>, booked_at: Micros, booked: &Booked) {
        let tap = placed.candidate().id;
        let Some(holder) = holder.filter(|_| self.named.contains(&tap)) else { return };
        let transfers = booked.entries.iter().map(|entry| entry.id).collect();
        let programme = Original::programme_of(booked.entries.iter().map(|entry| &entry.transfer));
        let terminal = placed.tap().terminal;
        self.originals.insert(tap, Original { holder, terminal, booked_at, transfers, programme });
    }

    /// The answer to a tap that came before. How many points there are now is not told to whoever keeps asking.
    fn again(&self, placed: &Placed, policy: Policy, prior: Prior) -> TapOutcome {
        let ask = self.ask(placed, policy).filter(|_| prior.outcome == receipt::Outcome::Accepted);
        let moved = self.moved_before.get(&prior.leaf).map(Vec::as_slice).unwrap_or_default();
        let points = ask.and_then(|ask| points::shown(&ask, None));
        TapOutcome {
            tap: placed.candidate().id,
            outcome: prior.outcome,
            balance: prior.balance,
            recorded: prior.recorded.recorded(),
            points: points.map(|shown| {
                let standing = self.standing(shown, moved.iter().map(|named| &named.entry.transfer));
                PointsStanding { balance: None, ..standing }
            }),
        }
    }

    /// How a holder's points stand after these transfers.
    fn standing<'a>(&self, shown: ShownPoints, moved: impl Iterator<Item = &'a Transfer>) -> PointsStanding {
        let ShownPoints { programme, account, ending } = shown;
        let of = |key: AccountKey, amount: i64| if key == account { amount } else { 0 };
        let moved = moved.map(|transfer| of(transfer.credit, transfer.amount) - of(transfer.debit, transfer.amount));
        PointsStanding { programme, moved: moved.sum(), balance: Some(self.book.balance(&account)), ending }
    }

    /// One leaf for what was done about a tap, the accounts that it opened and the transfers that it caused.
    fn record(&mut self, leaf: LeafRef, at: Micros, (kind, row): (ActionKind, RowImage), booked: Booked) {
        let LeafRef { shard, leaf_id } = leaf;
        let Booked { entries, effects, opened_before, .. } = booked;
        let mut images = vec![row];
        for account in self.book.opened(opened_before) {
            images.push(ledger::store::account_image(account));
            self.opened.push((*account, leaf_id));
        }
        for entry in entries {
            images.push(ledger::store::transfer_image(&self.book, &entry));
            self.entries.push((entry, leaf_id));
        }
        self.actions.push((leaf, Action::new(shard, kind, images)));
        self.newest = self.newest.max(Some(at));
        for effect in &effects {
            match *effect {
                Effect::Earned(points::Earned { holder, programme, day, points, .. }) => {
                    *self.lots.entry((holder, programme)).or_default().entry(day).or_default() += points;
                }
                Effect::Spent(day, payment) => {
                    let spent = self.spent.entry(day).or_default();
                    *spent = spent.and(payment);
                }
                Effect::Rode(ref ride) => self.riding.entry(ride.rider).or_default().follow(ride),
                Effect::PassSold(ref sold) => {
                    self.riding.entry(sold.rider).or_default().rights.push(sold.right.clone());
                }
                Effect::GateCount(_) | Effect::Suspend => {}
            }
        }
        self.effects.extend(effects);
    }

    fn record_fault(&mut self, tx: &mut Tx, placed: &Placed, Shown { fault, expected, new }: Shown) {
        let (number, candidate) = (placed.number(), placed.candidate());
        tracing::warn!(terminal = %number.terminal, lane = number.lane, fault = fault.name(), "a lane did not go on as it must");
        metrics::counter!("intake_lane_faults_total", "kind" => fault.name()).increment(1);
        if !new {
            return;
        }
        let (tap, at) = (candidate.id, placed.submission.received_at);
        let event = LaneEvent { number, tap, fault, expected, at, cose: candidate.cose.clone() };
        let leaf = evidence::reserve(tx, placed.shard);
        self.actions.push((leaf, Action::new(leaf.shard, ActionKind::LaneBroken, vec![event.image()])));
        self.newest = self.newest.max(Some(at));
        self.events.push((event, leaf));
    }

    async fn write(&mut self, tx: &mut Tx) -> Result<Vec<(LeafRef, Hash)>, DbError> {
        let (rows, events) = (take(&mut self.rows), take(&mut self.events));
        let Some(at) = self.newest else { return Ok(Vec::new()) };
        let leaves = evidence::append_reserved(tx, at, take(&mut self.actions)).await?;
        // In the order of the keys, as everything that is many.
        self.entries.sort_unstable_by_key(|(entry, _)| (entry.transfer.debit.shard, entry.id));
        ledger::store::save(tx, &self.book, &self.opened, &self.entries).await?;
        let connection = tx.conn();
        store::write_taps(connection, rows).await?;
        store::write_events(connection, &events).await?;
        domains::write_effects(connection, &self.effects).await?;
        Ok(leaves)
    }
}
