//! One card at the reader: from asking for it to what the service says to its tap.

use card_schema::{
    envelope::receipt::Outcome,
    ids::{CardId, TapId},
    operation::Operation,
};
use tokio::{sync::mpsc, time};
use uuid::Uuid;

use super::{Counter, HOLDER_WAIT, Hand, Lying, RECEIPT_WAIT};
use crate::{
    cli::{messages::CliError, messages_daemon as messages, messages_local},
    counter::transaction::{Again, CardSeen, End, Failure, Order, Points, Step, failure},
    piv::Pin,
    station::{Presented, ReaderState, StationError},
    tap::{Ask, Taken},
};

/// One card at the reader, and what it is to sign.
pub(super) struct Deed {
    pub(super) operation: Operation,
    pub(super) reader: Option<String>,
    pub(super) order: Option<Uuid>,
    pub(super) after: Option<TapId>,
    /// The only card that may sign it.
    pub(super) card: Option<CardId>,
}

impl Deed {
    /// What was ordered.
    pub(super) fn of(order: &Order) -> Self {
        let Order { id, ref operation, ref reader, card } = *order;
        Self { operation: operation.clone(), reader: reader.clone(), order: Some(id), after: None, card }
    }
}

/// What came of it.
pub(super) enum Signed {
    /// A tap, by which card and where, and what the service says to it.
    Told { end: End, tap: TapId, card: CardId, reader: String },
    /// A member of staff has to approve it, or once more, and why.
    ApprovalWanted(CliError),
}

impl Deed {
    /// Whether it is a member of staff who approves, and not what was ordered.
    const fn is_approval(&self) -> bool {
        self.order.is_none()
    }

    /// Why the card that lies there has to be lifted first.
    fn lift(&self) -> CliError {
        match (self.is_approval(), self.after) {
            (true, _) => messages_local::staff_card_alone(),
            (false, Some(_)) => messages_local::approved(),
            (false, None) => messages_local::card_of_before(),
        }
    }
}

impl Counter {
    /// A card signs, and the service is asked: until there is an answer, or a reason to give up.
    pub(super) async fn sign(
        &self,
        id: Uuid,
        deed: &Deed,
        mut step: Step,
        lying: &mut Option<Lying>,
        moved: &mut mpsc::UnboundedReceiver<Hand>,
    ) -> Result<Signed, End> {
        let (mut pin, mut card) = (None, deed.card);
        loop {
            if let Step::Pin { .. } = step {
                pin = Some(typed(moved).await?);
                step = Step::Card { again: None };
                self.enter(id, step.clone());
                // Nobody knows whose card lies there already: the PIN of one is not tried on another's.
                if deed.is_approval() {
                    *lying = self.there(deed.reader.as_deref());
                }
            }
            // The card that has asked may stay where it is; another that lies there is refused before its PIN is tried.
            if deed.card.is_some() {
                *lying = None;
            }
            if matches!(step, Step::Card { again: None }) && self.lies(lying.as_ref()) {
                let again = Again { said: deed.lift(), card: CardSeen::Other };
                step = Step::Card { again: Some(again) };
                self.enter(id, step.clone());
            }
            let Deed { ref operation, ref reader, order, after, .. } = *deed;
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
                    *lying = Some((reader.clone(), Some(presented.event())));
                    self.desk().presented.clone_from(lying);
                    match self.0.stations.take(presented, ask).await {
                        Ok(told) => {
                            let end = match self.ask_service(id, deed, &told.taken).await {
                                Said::End(end) => end,
                                Said::PinWanted if pin.is_some() => End::of(Outcome::PinRequired, None, None),
                                // The service counts what a holder pays without PIN, and the terminal does not. Nothing was charged.
                                Said::PinWanted => {
                                    card = Some(told.taken.card);
                                    *lying = None;
                                    step = Step::Pin { wrong: Some(messages_local::pin_wanted()) };
                                    self.change(id, |transaction| transaction.tap = None);
                                    self.enter(id, step.clone());
                                    continue;
                                }
                                Said::ApprovalWanted => {
                                    self.change(id, |transaction| transaction.tap = None);
                                    return Ok(Signed::ApprovalWanted(messages_local::approval_wanted()));
                                }
                            };
                            let Taken { id: tap, card, .. } = told.taken;
                            return Ok(Signed::Told { end, tap, card, reader });
                        }
                        Err(failed) => failed,
                    }
                }
                Err(error) => error.into(),
            };
            tracing::info!(error = %failed.error, "an attempt at the counter brought no tap");
            let said = messages::station(&failed.error);
            let next = failure(&failed.error);
            // Whose card it was, nobody knows: the one of staff may come next.
            if matches!(next, Failure::Again | Failure::Pin) && !deed.is_approval() {
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
                Failure::Approval => return Ok(Signed::ApprovalWanted(said)),
                Failure::Final if matches!(failed.error, StationError::NoCard) => return Err(End::GivenUp),
                Failure::Final => return Err(End::Refused(said)),
            };
            self.enter(id, step.clone());
        }
    }

    /// Whether that card is there still.
    fn lies(&self, lying: Option<&Lying>) -> bool {
        let Some((reader, event)) = lying else { return false };
        match self.0.stations.presence().readers().get(reader) {
            Some(ReaderState::Card(since)) => event.is_none_or(|event| event == *since),
            Some(ReaderState::Mute) => event.is_none(),
            Some(ReaderState::Empty) | None => false,
        }
    }

    /// Whatever lies on the reader that is meant.
    fn there(&self, reader: Option<&str>) -> Option<Lying> {
        let reader = self.0.stations.presence().choose(reader).ok()?;
        Some((reader, None))
    }

    /// Waits for a card; where one lies there that has failed, until it has been taken away first.
    async fn present(&self, reader: Option<&str>, ask: &Ask, lying: Option<Lying>) -> Result<Presented, StationError> {
        if let Some((reader, event)) = lying {
            let presence = self.0.stations.presence();
            let left = async {
                match event {
                    Some(event) => presence.left(&reader, event).await,
                    None => presence.cleared(&reader).await,
                }
            };
            time::timeout(HOLDER_WAIT, left).await.map_err(|_| StationError::NoCard)?;
        }
        self.0.stations.wait(reader, ask, HOLDER_WAIT).await
    }

    async fn ask_service(&self, id: Uuid, deed: &Deed, taken: &Taken) -> Said {
        // What the terminal has decided by itself waits for nobody.
        if taken.accepted_offline {
            self.change(id, |transaction| transaction.tap = Some(taken.id));
            self.0.submitter.stored();
            return Said::End(End::Kept { is_guaranteed: true });
        }
        self.change(id, |transaction| {
            // An approval is not what was ordered.
            transaction.tap = Some(taken.id).filter(|_| !deed.is_approval());
            transaction.enter(Step::Asking);
        });
        Said::End(match self.0.submitter.outcome(taken.id, RECEIPT_WAIT).await {
            None => End::Kept { is_guaranteed: false },
            Some(answer) if answer.outcome == Outcome::PinRequired => return Said::PinWanted,
            Some(answer) if answer.outcome == Outcome::ApprovalRequired => return Said::ApprovalWanted,
            Some(answer) => End::of(answer.outcome, answer.balance, answer.points.as_ref().map(Points::of)),
        })
    }
}

/// What the service says to a tap.
enum Said {
    /// How the transaction ends.
    End(End),
    /// The holder has to type the PIN for it.
    PinWanted,
    /// A member of staff has to approve it.
    ApprovalWanted,
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
