//! One transaction as merchant and holder see it, and what a failed attempt means for it. Pure.

use card_schema::{
    envelope::receipt::{Ending, Outcome, PointsStanding},
    ids::{CardId, TapId},
    money::Fen,
    operation::Operation,
    wire::terminal::StatementReply,
};
use uuid::Uuid;

use crate::{
    card::link::LinkError,
    cli::{messages::CliError, messages_outcome},
    piv::{PivError, Reason},
    station::StationError,
    tap::{Refused, TapError, certificate::CertificateError},
};

/// What a merchant asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Chosen by whoever orders: the same order twice is one transaction.
    pub id: Uuid,
    /// What the card is to sign.
    pub operation: Operation,
    /// The reader by its PC/SC name; the only one when not given.
    pub reader: Option<String>,
    /// The only card that may sign it, where it goes on from what that one has asked for.
    pub card: Option<CardId>,
}

impl Order {
    /// What any card may sign, at any reader.
    pub const fn of_anybody(id: Uuid, operation: Operation) -> Self {
        Self { id, operation, reader: None, card: None }
    }
}

/// What a holder has asked to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The card with which it was asked for.
    pub card: CardId,
    /// It.
    pub reply: StatementReply,
}

/// Whose card and PIN a transaction asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// Those of a member of staff, who approves what the holder is to sign.
    Staff,
    /// The holder's.
    Holder,
}

/// Where a transaction stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The holder types the PIN; why once more, where a try has failed.
    Pin {
        /// What the card said of the last try.
        wrong: Option<CliError>,
    },
    /// The holder holds the card to the reader; why once more, where that has failed.
    Card {
        /// What was wrong with the last attempt.
        again: Option<Again>,
    },
    /// The card is at work: it stays where it is, and nobody can give up.
    Reading,
    /// The tap is safe on this terminal; the service is asked.
    Asking,
    /// It is over.
    Ended(End),
}

/// What came of an attempt that has to be made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// What was wrong.
    pub said: CliError,
    /// Which card it was made with.
    pub card: CardSeen,
}

/// What is known of the card that a transaction is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CardSeen {
    /// There is none.
    None,
    /// One is there and is being read.
    Present,
    /// Not a card of this issuer: it cannot be used here.
    Unknown,
    /// One of ours, but not the one with which this transaction began.
    Other,
    /// One of ours.
    Ours,
}

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The service has accepted it.
    Accepted {
        /// What the holder has left, for the holder's eyes and a short while.
        balance: Option<Fen>,
        /// The holder's points, where the shop gives some.
        points: Option<Points>,
    },
    /// Signed and safe on this terminal; it goes up when the service can be reached.
    Kept {
        /// Whether it stands whatever the service will say.
        is_guaranteed: bool,
    },
    /// The terminal or the service said no: nothing was charged.
    Refused(CliError),
    /// Merchant or holder gave up, or nobody came: nothing was charged.
    GivenUp,
}

/// What became of a holder's points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Points {
    /// What was added; below zero for what was taken.
    pub moved: i64,
    /// What the holder has left, for the holder's eyes and a short while.
    pub left: Option<PointsLeft>,
}

/// Points that a holder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointsLeft {
    /// How many; below zero where a refund took back points that were given away already.
    pub balance: i64,
    /// The next that are over.
    pub ending: Option<Ending>,
}

impl Points {
    /// As a receipt says it.
    pub fn of(standing: &PointsStanding) -> Self {
        let PointsStanding { moved, balance, ending, .. } = *standing;
        Self { moved, left: balance.map(|balance| PointsLeft { balance, ending }) }
    }

    /// As the shop's own book has it.
    pub const fn moved(moved: i64) -> Self {
        Self { moved, left: None }
    }
}

impl End {
    /// What the service's answer means, with what the holder has left.
    pub fn of(outcome: Outcome, balance: Option<Fen>, points: Option<Points>) -> Self {
        match outcome {
            Outcome::Accepted => Self::Accepted { balance, points },
            // A person decides.
            Outcome::Quarantined => Self::Kept { is_guaranteed: false },
            outcome => Self::Refused(messages_outcome::outcome(outcome)),
        }
    }
}

/// A transaction as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// What was asked for.
    pub order: Order,
    /// Who is asked.
    pub asked: Bearer,
    /// Where it stands.
    pub step: Step,
    /// Steps so far: another number, another page.
    pub steps: u32,
    /// The tap, as soon as there is one.
    pub tap: Option<TapId>,
    /// What the holder has asked to see, for the holder's eyes and a short while.
    pub statement: Option<Shown>,
    /// Whether the merchant still looks at it.
    pub is_at_counter: bool,
    /// Whether the holder still looks at it.
    pub is_at_holder: bool,
}

impl Transaction {
    /// As it begins.
    pub(crate) const fn new(order: Order, asked: Bearer, step: Step) -> Self {
        Self { order, asked, step, steps: 0, tap: None, statement: None, is_at_counter: true, is_at_holder: true }
    }

    /// Moves on.
    pub(crate) fn enter(&mut self, step: Step) {
        self.step = step;
        self.steps += 1;
    }

    /// How it ended, if it has.
    pub const fn end(&self) -> Option<&End> {
        match &self.step {
            Step::Ended(end) => Some(end),
            _ => None,
        }
    }

    /// What is known of its card.
    pub const fn card(&self) -> CardSeen {
        match &self.step {
            Step::Card { again: Some(again) } => again.card,
            Step::Reading => CardSeen::Present,
            Step::Pin { wrong: Some(_) } | Step::Asking => CardSeen::Ours,
            Step::Ended(_) if self.tap.is_some() => CardSeen::Ours,
            Step::Pin { wrong: None } | Step::Card { again: None } | Step::Ended(_) => CardSeen::None,
        }
    }

    /// Whether somebody may still give it up: no card is at work and none has signed.
    pub const fn may_be_given_up(&self) -> bool {
        matches!(self.step, Step::Pin { .. } | Step::Card { .. })
    }
}

/// What a failed attempt means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The PIN was wrong: it is asked for once more, for the same card.
    Pin,
    /// The same card has to be held to the reader once more.
    Again,
    /// The wrong card lay there: the right one has to be held to the reader.
    WrongCard(CardSeen),
    /// It is too late for the approval: a member of staff approves once more.
    Approval,
    /// No.
    Final,
}

/// What to do after an attempt that brought no tap. Nothing was charged in any case.
pub(super) fn failure(error: &StationError) -> Failure {
    match error {
        StationError::Timeout => Failure::Again,
        StationError::Tap(error) => tap_failure(error),
        _ => Failure::Final,
    }
}

fn tap_failure(error: &TapError) -> Failure {
    match error {
        TapError::Card(error) => card_failure(error),
        TapError::Refused(Refused::PinRequired) => Failure::Pin,
        TapError::TooLate => Failure::Again,
        TapError::Refused(Refused::ApprovalOver) => Failure::Approval,
        TapError::Refused(Refused::OtherCard) => Failure::WrongCard(CardSeen::Other),
        TapError::Certificate(CertificateError::Missing | CertificateError::Foreign(_)) => {
            Failure::WrongCard(CardSeen::Unknown)
        }
        _ => Failure::Final,
    }
}

fn card_failure(error: &PivError) -> Failure {
    match error {
        PivError::Malformed { .. } | PivError::Link(LinkError::ServiceDown | LinkError::Pcsc { .. }) => Failure::Final,
        PivError::Link(_) => Failure::Again,
        PivError::Refused(refused) => match refused.reason {
            Reason::WrongPin { tries_left } if tries_left != Some(0) => Failure::Pin,
            // No PIV card, or one that was never issued: the wrong one of a purse full.
            Reason::NotFound | Reason::InstructionNotSupported | Reason::ClassNotSupported => {
                Failure::WrongCard(CardSeen::Unknown)
            }
            _ => Failure::Final,
        },
    }
}

#[cfg(test)]
mod tests {
    use card_schema::envelope::status_list::CardStatus;

    use super::*;
    use crate::{
        card::apdu::StatusWord,
        outbox::OutboxError,
        piv::{self, status::Name},
    };

    #[test]
    fn a_card_that_moved_or_is_the_wrong_one_is_asked_for_again_within_the_same_sale() {
        let refused = |reason| {
            StationError::from(PivError::Refused(piv::Refused { command: Name::Verify, status: StatusWord(0), reason }))
        };
        let table: [(&str, StationError, Failure); 15] = [
            ("a number was used up since", TapError::from(Refused::ApprovalOver).into(), Failure::Approval),
            ("moved away", PivError::Link(LinkError::Removed).into(), Failure::Again),
            ("gone before it was read", PivError::Link(LinkError::NoCard).into(), Failure::Again),
            ("does not answer", PivError::Link(LinkError::Mute).into(), Failure::Again),
            ("too slow", StationError::Timeout, Failure::Again),
            (
                "another card than the first",
                TapError::from(Refused::OtherCard).into(),
                Failure::WrongCard(CardSeen::Other),
            ),
            ("a bus card", refused(Reason::NotFound), Failure::WrongCard(CardSeen::Unknown)),
            (
                "another issuer's",
                TapError::from(CertificateError::Missing).into(),
                Failure::WrongCard(CardSeen::Unknown),
            ),
            ("a wrong PIN", refused(Reason::WrongPin { tries_left: Some(2) }), Failure::Pin),
            ("the last wrong PIN", refused(Reason::WrongPin { tries_left: Some(0) }), Failure::Final),
            ("a blocked PIN", refused(Reason::PinBlocked), Failure::Final),
            ("a lost card", TapError::from(Refused::Listed(CardStatus::Invalid)).into(), Failure::Final),
            ("a copy", TapError::Copied.into(), Failure::Final),
            ("a full disk", TapError::from(OutboxError::NoRoom).into(), Failure::Final),
            ("no card service", PivError::Link(LinkError::ServiceDown).into(), Failure::Final),
        ];
        for (case, error, expected) in table {
            assert_eq!(failure(&error), expected, "{case}");
        }
    }
    #[test]
    fn what_is_known_of_the_card_follows_from_the_step() {
        let said = || messages_outcome::outcome(Outcome::PinRequired);
        let again = |card| Step::Card { again: Some(Again { said: said(), card }) };
        let over = |end| Step::Ended(end);
        let accepted = || over(End::Accepted { balance: None, points: None });
        let kept = || over(End::Kept { is_guaranteed: true });
        let table: [(&str, Step, bool, CardSeen); 13] = [
            ("before the PIN", Step::Pin { wrong: None }, false, CardSeen::None),
            ("after a wrong PIN", Step::Pin { wrong: Some(said()) }, false, CardSeen::Ours),
            ("before the card", Step::Card { again: None }, false, CardSeen::None),
            ("moved away", again(CardSeen::None), false, CardSeen::None),
            ("a bus card", again(CardSeen::Unknown), false, CardSeen::Unknown),
            ("another of ours", again(CardSeen::Other), false, CardSeen::Other),
            ("being read", Step::Reading, false, CardSeen::Present),
            ("signed", Step::Asking, true, CardSeen::Ours),
            ("paid", accepted(), true, CardSeen::Ours),
            ("kept", kept(), true, CardSeen::Ours),
            ("refused by the service", over(End::Refused(said())), true, CardSeen::Ours),
            ("refused before it signed", over(End::Refused(said())), false, CardSeen::None),
            ("given up", over(End::GivenUp), false, CardSeen::None),
        ];
        let operation = Operation::PurseInquiry(card_schema::operation::purse::Inquiry);
        let order = Order::of_anybody(Uuid::nil(), operation);
        for (case, step, is_signed, expected) in table {
            let mut transaction = Transaction::new(order.clone(), Bearer::Holder, step);
            transaction.tap = is_signed.then_some(TapId([1; 32]));
            assert_eq!(transaction.card(), expected, "{case}");
        }
    }
}
