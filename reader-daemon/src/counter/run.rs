//! Runs transactions: the one clock, reader and way up of [`super::transaction`]. Read [`Counter::carry_out`].

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use card_schema::{
    envelope::receipt::Outcome,
    ids::{CardId, TapId},
    operation::{Operation, purse},
};
use tokio::{
    sync::{mpsc, watch},
    time,
};
use uuid::Uuid;

use super::transaction::{Again, Bearer, CardSeen, End, Failure, Order, Points, Step, Transaction, failure};
use crate::{
    cli::{messages::CliError, messages_daemon as messages, messages_local},
    outbox::{Ordered, Outbox, OutboxError},
    piv::Pin,
    station::{Presented, ReaderState, StationError, Stations},
    submit::SubmitterHandle,
    tap::{Ask, Knowledge, Refused, Shared, Taken, authorise},
};

/// How long a transaction waits for a PIN, and for a card.
const HOLDER_WAIT: Duration = Duration::from_mins(2);
/// How long merchant and holder wait for the service's answer before the tap counts as kept.
const RECEIPT_WAIT: Duration = Duration::from_secs(3);
/// How long the holder's screen shows how it ended, and the balance.
const SHOWN_TO_HOLDER: Duration = Duration::from_secs(20);
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

/// A card, by its reader and the moment when it came.
type Lying = (String, Instant);

/// One card at the reader, and what it is to sign.
struct Deed {
    operation: Operation,
    reader: Option<String>,
    order: Option<Uuid>,
    after: Option<TapId>,
}

impl Deed {
    /// What was ordered.
    fn of(order: &Order) -> Self {
        let Order { id, ref operation, ref reader } = *order;
        Self { operation: operation.clone(), reader: reader.clone(), order: Some(id), after: None }
    }
}

/// What came of it.
enum Signed {
    /// A tap, by which card and where, and what the service says to it.
    Told { end: End, tap: TapId, card: CardId, reader: String },
    /// It is too late for the approval.
    ApprovalOver,
}

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
    known: Shared,
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
    pub fn new(stations: Arc<Stations>, outbox: Arc<Outbox>, submitter: SubmitterHandle, known: Shared) -> Self {
        let (desk, changes) = (Mutex::default(), watch::Sender::new(0));
        Self(Arc::new(Inner { stations, outbox, submitter, known, desk, changes }))
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

    /// The merchant has seen how it ended.
    pub fn put_away(&self, id: Uuid) {
        self.change(id, |transaction| {
            if transaction.end().is_some() {
                transaction.is_at_counter = false;
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
        let shown = async {
            time::sleep(SHOWN_TO_HOLDER).await;
            self.change(id, |transaction| {
                transaction.is_at_holder = false;
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
                Signed::Told { end, .. } => return Ok(end),
                Signed::ApprovalOver => {
                    let again = Step::Pin { wrong: Some(messages_local::approval_over()) };
                    self.ask(order.id, Bearer::Staff, again.clone());
                    deed = self.approved(order, again, &mut lying, moved).await?;
                    step = Step::Card { again: None };
                }
            }
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
        let asked = Deed { operation: approval, reader: order.reader.clone(), order: None, after: None };
        let signed = self.sign(order.id, &asked, step, lying, moved).await?;
        self.change(order.id, |transaction| transaction.tap = None);
        match signed {
            Signed::Told { end: End::Accepted { .. }, tap, card, reader } => {
                self.ask(order.id, Bearer::Holder, Step::Card { again: None });
                let operation = Operation::PurseTopUp(purse::TopUp { approved_by: Some(card), ..top_up });
                Ok(Deed { operation, reader: Some(reader), order: Some(order.id), after: Some(tap) })
            }
            Signed::Told { end: End::Kept { .. }, .. } | Signed::ApprovalOver => {
                Err(End::Refused(messages::tap(&Refused::NeedsService.into())))
            }
            Signed::Told { end, .. } => Err(end),
        }
    }

    /// A card signs, and the service is asked: until there is an answer, or a reason to give up.
    async fn sign(
        &self,
        id: Uuid,
        deed: &Deed,
        mut step: Step,
        lying: &mut Option<Lying>,
        moved: &mut mpsc::UnboundedReceiver<Hand>,
    ) -> Result<Signed, End> {
        let (mut pin, mut card) = (None, None);
        loop {
            if let Step::Pin { .. } = step {
                pin = Some(typed(moved).await?);
                step = Step::Card { again: None };
                self.enter(id, step.clone());
            }
            if matches!(step, Step::Card { again: None }) && self.lies(lying.as_ref()) {
                let again = Again { said: messages_local::card_of_before(), card: CardSeen::Other };
                step = Step::Card { again: Some(again) };
                self.enter(id, step.clone());
            }
            let Deed { ref operation, ref reader, order, after } = *deed;
            let ask = Ask { operation: operation.clone(), pin: pin.clone(), card, order, after };
            let presented = tokio::select! {
                presented = self.present(reader.as_deref(), &ask, lying.take()) => presented,
                end = given_up(moved) => return Err(end),
            };
            let failed = match presented {
                Ok(presented) => {
                    self.enter(id, Step::Reading);
                    // Whoever gave up before that was told so.
                    while let Ok(hand) = moved.try_recv() {
                        if let Hand::GiveUp = hand {
                            return Err(End::GivenUp);
                        }
                    }
                    let reader = presented.reader().to_owned();
                    *lying = Some((reader.clone(), presented.event()));
                    self.desk().presented.clone_from(lying);
                    match self.0.stations.take(presented, ask).await {
                        Ok(told) => match self.ask_service(id, &told.taken).await {
                            Said::PinWanted if pin.is_none() => {
                                // The service counts what a holder pays without PIN, and the terminal does not. Nothing was charged.
                                card = Some(told.taken.card);
                                *lying = None;
                                step = Step::Pin { wrong: Some(messages_local::pin_wanted()) };
                                self.change(id, |transaction| transaction.tap = None);
                                self.enter(id, step.clone());
                                continue;
                            }
                            said => {
                                let Taken { id: tap, card, .. } = told.taken;
                                return Ok(Signed::Told { end: said.end(), tap, card, reader });
                            }
                        },
                        Err(failed) => failed,
                    }
                }
                Err(error) => error.into(),
            };
            tracing::info!(error = %failed.error, "an attempt at the counter brought no tap");
            let said = messages::station(&failed.error);
            let next = failure(&failed.error);
            if matches!(next, Failure::Pin | Failure::Again) {
                card = card.or(failed.card);
            }
            step = match next {
                Failure::Pin => {
                    // The card may stay where it is.
                    *lying = None;
                    Step::Pin { wrong: Some(said) }
                }
                Failure::Again => Step::Card { again: Some(Again { said, card: CardSeen::None }) },
                Failure::WrongCard(card) => Step::Card { again: Some(Again { said, card }) },
                Failure::Approval => return Ok(Signed::ApprovalOver),
                Failure::Final if matches!(failed.error, StationError::NoCard) => return Err(End::GivenUp),
                Failure::Final => return Err(End::Refused(said)),
            };
            self.enter(id, step.clone());
        }
    }

    /// Whether that card is there still.
    fn lies(&self, lying: Option<&Lying>) -> bool {
        lying.is_some_and(|(reader, event)| {
            self.0.stations.presence().readers().get(reader) == Some(&ReaderState::Card(*event))
        })
    }

    /// Waits for a card; where one lies there that has failed, until it has been taken away first.
    async fn present(&self, reader: Option<&str>, ask: &Ask, lying: Option<Lying>) -> Result<Presented, StationError> {
        if let Some((reader, event)) = lying {
            let left = self.0.stations.presence().left(&reader, event);
            time::timeout(HOLDER_WAIT, left).await.map_err(|_| StationError::NoCard)?;
        }
        self.0.stations.wait(reader, ask, HOLDER_WAIT).await
    }

    async fn ask_service(&self, id: Uuid, taken: &Taken) -> Said {
        // What the terminal has decided by itself waits for nobody.
        if taken.accepted_offline {
            self.change(id, |transaction| transaction.tap = Some(taken.id));
            self.0.submitter.stored();
            return Said::End(End::Kept { is_guaranteed: true });
        }
        self.change(id, |transaction| {
            transaction.tap = Some(taken.id);
            transaction.enter(Step::Asking);
        });
        Said::End(match self.0.submitter.outcome(taken.id, RECEIPT_WAIT).await {
            None => End::Kept { is_guaranteed: false },
            Some(answer) if answer.outcome == Outcome::PinRequired => return Said::PinWanted,
            Some(answer) => End::of(answer.outcome, answer.balance, answer.points.as_ref().map(Points::of)),
        })
    }

    /// What was kept is answered one day: then whoever asks for the transaction is told so.
    async fn follow(&self, id: Uuid) {
        let mut waiting = self.0.outbox.watch();
        while let Some(tap) = self.find(id).filter(|seen| matches!(seen.step, Step::Ended(End::Kept { .. }))) {
            let Some(tap) = tap.tap else { return };
            let known = self.0.outbox.fate(tap).await;
            match known.map(|fate| fate.and_then(|fate| Some((fate.outcome?, fate.points.map(Points::moved))))) {
                Ok(Some((outcome, points))) => {
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

/// What the service says to a tap.
enum Said {
    /// How the transaction ends.
    End(End),
    /// The holder has to type the PIN for it.
    PinWanted,
}

impl Said {
    /// How it ends, where the PIN was there already.
    fn end(self) -> End {
        match self {
            Self::End(end) => end,
            Self::PinWanted => End::of(Outcome::PinRequired, None, None),
        }
    }
}

/// The PIN that the holder types, or how it ends without.
async fn typed(moved: &mut mpsc::UnboundedReceiver<Hand>) -> Result<Pin, End> {
    match time::timeout(HOLDER_WAIT, moved.recv()).await {
        Ok(Some(Hand::Pin(pin))) => Ok(pin),
        _ => Err(End::GivenUp),
    }
}

/// Returns when somebody gives up.
async fn given_up(moved: &mut mpsc::UnboundedReceiver<Hand>) -> End {
    while let Some(hand) = moved.recv().await {
        if let Hand::GiveUp = hand {
            return End::GivenUp;
        }
    }
    // Nobody can any more: the newer transaction has the hands.
    std::future::pending().await
}

impl From<StationError> for crate::station::Failed {
    fn from(error: StationError) -> Self {
        Self { error, card: None }
    }
}
