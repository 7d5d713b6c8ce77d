//! Runs transactions: the one clock, reader and way up of [`super::transaction`]. Read [`Counter::carry_out`], and in [`sign`] what
//! happens with each card.

mod sign;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use card_schema::{
    envelope::receipt::Outcome,
    ids::{CardId, TapId},
    operation::{Operation, purse},
    wire::{clinic::VisitRequest, terminal::StatementRequest},
};
use tokio::{
    sync::{mpsc, watch},
    time,
};
use uuid::Uuid;

use self::sign::{Deed, Signed};
use super::transaction::{Bearer, End, Order, Points, Shown, Step, Transaction};
use crate::{
    cli::{
        messages::{CliError, Language},
        messages_daemon as messages, messages_local,
    },
    clinic::Clinic,
    clock,
    outbox::{Ordered, Outbox, OutboxError},
    piv::Pin,
    station::Stations,
    submit::{SubmitterHandle, client::ServiceClient},
    tap::{Knowledge, Refused, Shared, authorise},
};

/// How long a transaction waits for a PIN, and for a card.
const HOLDER_WAIT: Duration = Duration::from_mins(2);
/// How long merchant and holder wait for the service's answer before the tap counts as kept.
const RECEIPT_WAIT: Duration = Duration::from_secs(3);
/// How long the holder's screen shows how it ended, and the balance.
const SHOWN_TO_HOLDER: Duration = Duration::from_secs(20);
/// The same for a statement, which takes longer to read.
const READ_BY_HOLDER: Duration = Duration::from_mins(1);
/// Ended transactions that are remembered, for an order that is sent twice.
const PAST: usize = 64;

/// Why a transaction did not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotStarted {
    /// This one is under way.
    Busy(Uuid),
    /// Another order was given under the same number.
    OtherOrder,
    /// A card has signed for this order, and the counter does not remember it any more.
    Before(Box<Ordered>),
    /// What is asked may not be done here.
    Refused(CliError),
}

/// What a person does to a transaction that waits.
enum Hand {
    Pin(Pin),
    GiveUp,
}

/// A card, by its reader and the moment when it came; without the moment, whatever lies there.
type Lying = (String, Option<Instant>);

/// The top-up that a member of staff may approve.
const fn approvable(operation: &Operation) -> Option<purse::TopUp> {
    match operation {
        Operation::PurseTopUp(top_up) => Some(*top_up),
        _ => None,
    }
}

/// Who is asked first, and for what.
fn begins(operation: &Operation, known: &Knowledge) -> Result<(Bearer, Step), Refused> {
    let first = |operation: &Operation| match authorise::operation(operation, false, known) {
        Ok(_) => Ok(Step::Card { again: None }),
        Err(Refused::PinRequired) => Ok(Step::Pin { wrong: None }),
        Err(refused) => Err(refused),
    };
    match (first(operation), approvable(operation)) {
        (Err(Refused::ApprovalRequired), Some(purse::TopUp { amount, .. })) => {
            Ok((Bearer::Staff, first(&Operation::PurseTopUpApproval(purse::TopUpApproval { amount }))?))
        }
        (step, _) => Ok((Bearer::Holder, step?)),
    }
}

/// The counter of this terminal.
#[derive(Clone, Debug)]
pub struct Counter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    stations: Arc<Stations>,
    outbox: Arc<Outbox>,
    submitter: SubmitterHandle,
    service: Arc<ServiceClient>,
    known: Shared,
    clinic: Clinic,
    desk: Mutex<Desk>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Desk {
    /// The newest last.
    transactions: VecDeque<Transaction>,
    /// The way to the newest, while it runs.
    hands: Option<mpsc::UnboundedSender<Hand>>,
    /// The card that was presented last, by its reader and the moment when it came.
    presented: Option<Lying>,
}

impl Counter {
    /// A counter where nothing has happened yet.
    pub fn new(
        stations: Arc<Stations>,
        outbox: Arc<Outbox>,
        submitter: SubmitterHandle,
        service: Arc<ServiceClient>,
        known: Shared,
        clinic: Clinic,
    ) -> Self {
        let (desk, changes) = (Mutex::default(), watch::Sender::new(0));
        Self(Arc::new(Inner { stations, outbox, submitter, service, known, clinic, desk, changes }))
    }

    /// Starts what is ordered, or answers where the same order stands.
    ///
    /// # Errors
    /// [`NotStarted`]; nothing is asked of a card.
    pub async fn start(&self, order: Order) -> Result<Transaction, NotStarted> {
        // It may have been carried out before the daemon was started, or so long ago that it is forgotten here.
        if self.find(order.id).is_none() {
            let before = self.before(order.id).await;
            let before = before.map_err(|error| NotStarted::Refused(messages::outbox(&error)))?;
            if let Some(before) = before {
                let same = before.fate.operation == order.operation.code()
                    && before.fate.amount == order.operation.amount()
                    && before.fate.discount == order.operation.discount()
                    && before.fate.given == order.operation.given()
                    && before.fate.original == order.operation.original().map(|original| original.tap);
                return Err(if same { NotStarted::Before(Box::new(before)) } else { NotStarted::OtherOrder });
            }
        }
        let mut desk = self.desk();
        if let Some(known) = desk.transactions.iter().find(|known| known.order.id == order.id) {
            return if known.order == order { Ok(known.clone()) } else { Err(NotStarted::OtherOrder) };
        }
        if let Some(running) = desk.transactions.back().filter(|newest| newest.end().is_none()) {
            return Err(NotStarted::Busy(running.order.id));
        }
        let begins = begins(&order.operation, &self.0.known.now());
        let (asked, first) = begins.map_err(|refused| NotStarted::Refused(messages::tap(&refused.into())))?;
        let transaction = Transaction::new(order, asked, first);
        if desk.transactions.len() == PAST {
            desk.transactions.pop_front();
        }
        desk.transactions.push_back(transaction.clone());
        let (hands, moved) = mpsc::unbounded_channel();
        desk.hands = Some(hands);
        drop(desk);
        self.tell();
        tokio::spawn(self.clone().run(transaction.clone(), moved));
        Ok(transaction)
    }

    /// The newest transaction, if there was one.
    pub fn newest(&self) -> Option<Transaction> {
        self.desk().transactions.back().cloned()
    }

    /// A transaction by its number, if it is remembered.
    pub fn find(&self, id: Uuid) -> Option<Transaction> {
        self.desk().transactions.iter().find(|transaction| transaction.order.id == id).cloned()
    }

    /// The holder has typed this. False where no PIN is waited for.
    pub fn pin(&self, id: Uuid, pin: Pin) -> bool {
        self.hand(id, Hand::Pin(pin), |newest| matches!(newest.step, Step::Pin { .. }))
    }

    /// Somebody gives it up. False where it is too late for that.
    pub fn give_up(&self, id: Uuid) -> bool {
        self.hand(id, Hand::GiveUp, Transaction::may_be_given_up)
    }

    /// The merchant has seen how it ended. What a holder reads goes along: whoever comes next shall not read it.
    pub fn put_away(&self, id: Uuid) {
        self.change(id, |transaction| {
            if transaction.end().is_some() {
                transaction.is_at_counter = false;
                transaction.is_at_holder &= transaction.statement.take().is_none();
            }
        });
    }

    /// The holder has read it.
    pub fn read(&self, id: Uuid) {
        self.change(id, |transaction| {
            if transaction.end().is_some() {
                transaction.is_at_holder = false;
                transaction.statement = None;
            }
        });
    }

    /// What came of an order that the counter does not remember any more; nothing where no card has signed for it.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub async fn before(&self, id: Uuid) -> Result<Option<Ordered>, OutboxError> {
        self.0.outbox.ordered(id).await
    }

    /// Sees whether anything has changed.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    fn hand(&self, id: Uuid, hand: Hand, fits: impl FnOnce(&Transaction) -> bool) -> bool {
        let desk = self.desk();
        let waits = desk.transactions.back().is_some_and(|newest| newest.order.id == id && fits(newest));
        waits && desk.hands.as_ref().is_some_and(|hands| hands.send(hand).is_ok())
    }

    async fn run(self, transaction: Transaction, mut moved: mpsc::UnboundedReceiver<Hand>) {
        let id = transaction.order.id;
        let end = self.carry_out(&transaction, &mut moved).await.unwrap_or_else(|end| end);
        self.enter(id, Step::Ended(end));
        let is_read = self.find(id).is_some_and(|transaction| transaction.statement.is_some());
        let shown = async {
            time::sleep(if is_read { READ_BY_HOLDER } else { SHOWN_TO_HOLDER }).await;
            self.change(id, |transaction| {
                transaction.is_at_holder = false;
                transaction.statement = None;
                if let Step::Ended(End::Accepted { balance, points }) = &mut transaction.step {
                    *balance = None;
                    *points = points.map(|points| Points::moved(points.moved));
                }
            });
        };
        tokio::join!(shown, self.follow(id));
    }

    /// The whole story of a transaction, to its end. `Err` is an end, too: the one of whoever gives up on the way.
    async fn carry_out(
        &self,
        transaction: &Transaction,
        moved: &mut mpsc::UnboundedReceiver<Hand>,
    ) -> Result<End, End> {
        let order = &transaction.order;
        // A card that another transaction was about has to be lifted first: nobody pays twice for not being quick.
        let mut lying = self.desk().presented.clone();
        let (mut deed, mut step) = (Deed::of(order), transaction.step.clone());
        if transaction.asked == Bearer::Staff {
            deed = self.approved(order, step, &mut lying, moved).await?;
            step = Step::Card { again: None };
        }
        loop {
            match self.sign(order.id, &deed, step, &mut lying, moved).await? {
                Signed::Told { end, tap, card, .. } => {
                    self.0.clinic.signed(order.id, &order.operation, (card, tap), clock::now());
                    if let End::Accepted { .. } = end {
                        self.0.clinic.accepted(tap);
                        match &order.operation {
                            Operation::PurseStatement(_) => self.fetch_statement(order.id, card, tap).await,
                            Operation::ClinicCheckIn(_) => self.fetch_coverage(order.id, card, tap).await,
                            _ => {}
                        }
                    }
                    return Ok(end);
                }
                // It was no longer good, or the service counts what was topped up today, which the terminal does not.
                Signed::ApprovalWanted(said) => {
                    let again = Step::Pin { wrong: Some(said) };
                    self.ask(order.id, Bearer::Staff, again.clone());
                    deed = self.approved(order, again, &mut lying, moved).await?;
                    step = Step::Card { again: None };
                }
            }
        }
    }

    /// What the holder has asked to see. Where it does not come the page says so, and shows what is left all the same.
    async fn fetch_statement(&self, id: Uuid, card_id: CardId, tap_id: TapId) {
        match time::timeout(RECEIPT_WAIT, self.0.service.statement(&StatementRequest { card_id, tap_id })).await {
            Ok(Ok(statement)) => {
                self.change(id, |transaction| transaction.statement = Some(Shown { card: card_id, reply: statement }));
            }
            Ok(Err(error)) => tracing::warn!(%error, "a statement did not come"),
            Err(_) => tracing::warn!("a statement did not come in time"),
        }
    }

    /// What is covered at a visit that has begun. Where it does not come the page of the visit asks once more.
    async fn fetch_coverage(&self, id: Uuid, card_id: CardId, tap_id: TapId) {
        let request = VisitRequest { card_id, tap_id };
        match time::timeout(RECEIPT_WAIT, self.0.service.visit(&request, Language::En)).await {
            Ok(Ok(reply)) => self.0.clinic.told(id, reply),
            Ok(Err(error)) => tracing::warn!(%error, "what is covered did not come"),
            Err(_) => tracing::warn!("what is covered did not come in time"),
        }
    }

    /// A member of staff approves: what the holder's card is to sign then, at the same reader, with the very next number.
    async fn approved(
        &self,
        order: &Order,
        step: Step,
        lying: &mut Option<Lying>,
        moved: &mut mpsc::UnboundedReceiver<Hand>,
    ) -> Result<Deed, End> {
        let Some(top_up) = approvable(&order.operation) else { return Ok(Deed::of(order)) };
        let approval = Operation::PurseTopUpApproval(purse::TopUpApproval { amount: top_up.amount });
        // The order is the holder's tap's: after a start in between it begins anew.
        let asked = Deed { operation: approval, reader: order.reader.clone(), order: None, after: None, card: None };
        match self.sign(order.id, &asked, step, lying, moved).await? {
            Signed::Told { end: End::Accepted { .. }, tap, card, reader } => {
                self.ask(order.id, Bearer::Holder, Step::Card { again: None });
                let operation = Operation::PurseTopUp(purse::TopUp { approved_by: Some(card), ..top_up });
                Ok(Deed { operation, reader: Some(reader), order: Some(order.id), after: Some(tap), card: None })
            }
            Signed::Told { end: End::Kept { .. }, .. } => Err(End::Refused(messages_local::approval_unconfirmed())),
            Signed::Told { end, .. } => Err(end),
            Signed::ApprovalWanted(_) => Err(End::Refused(messages_local::may_not_approve())),
        }
    }

    /// What was kept is answered one day: then whoever asks for the transaction is told so.
    async fn follow(&self, id: Uuid) {
        let mut waiting = self.0.outbox.watch();
        while let Some(tap) = self.find(id).filter(|seen| matches!(seen.step, Step::Ended(End::Kept { .. }))) {
            let Some(tap) = tap.tap else { return };
            let known = self.0.outbox.fate(tap).await;
            match known.map(|fate| fate.and_then(|fate| Some((fate.outcome?, fate.points.map(Points::moved))))) {
                Ok(Some((outcome, points))) => {
                    if outcome == Outcome::Accepted {
                        self.0.clinic.accepted(tap);
                    }
                    let end = Step::Ended(End::of(outcome, None, points));
                    // One that a person has to decide about stays as it is until then.
                    if self.find(id).is_some_and(|seen| seen.step != end) {
                        self.enter(id, end);
                    }
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "what became of a tap cannot be read"),
            }
            if waiting.changed().await.is_err() {
                return;
            }
        }
    }

    fn ask(&self, id: Uuid, asked: Bearer, step: Step) {
        self.change(id, |transaction| {
            transaction.asked = asked;
            transaction.enter(step);
        });
    }

    fn enter(&self, id: Uuid, step: Step) {
        self.change(id, |transaction| transaction.enter(step));
    }

    fn change(&self, id: Uuid, change: impl FnOnce(&mut Transaction)) {
        if let Some(transaction) = self.desk().transactions.iter_mut().find(|one| one.order.id == id) {
            change(transaction);
        }
        self.tell();
    }

    fn tell(&self) {
        self.0.changes.send_modify(|changes| *changes += 1);
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().expect("nobody panics while holding this lock")
    }
}
