//! May this card do this here, now? Pure: what is known comes in, a yes with the key to sign with or a no comes out.
//!
//! A refusal costs no signature. Balances are the service's to decide.

use card_schema::{
    card::Slot,
    clock::Micros,
    envelope::status_list::CardStatus,
    ids::CardId,
    money::Fen,
    operation::{Operation, OperationCode, Signer},
    points::NoDiscount,
};

use super::{Knowledge, gate::GateRefused, validation};

/// Why a terminal refuses before anything is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The terminal may not submit this operation.
    #[error("this terminal may not do {}", .0.name())]
    OperationNotAllowed(OperationCode),
    /// Zero, negative, or over the limit of one tap.
    #[error("the amount is not between 0.01 and {limit}")]
    AmountOutOfRange {
        /// The largest amount of one tap.
        limit: Fen,
    },
    /// The operation needs the PIN, and none was given.
    #[error("the PIN is needed")]
    PinRequired,
    /// So much is topped up with the approval of a member of staff, and none was given.
    #[error("a member of staff has to approve it")]
    ApprovalRequired,
    /// A number of the lane was used since the approval was given.
    #[error("a member of staff has to approve it once more")]
    ApprovalOver,
    /// The status list names the card.
    #[error("the card is listed as {0:?}")]
    Listed(CardStatus),
    /// Another card than the one that is meant.
    #[error("another card than the one that is meant")]
    OtherCard,
    /// The card's validity is over.
    #[error("the card has expired")]
    Expired,
    /// The service cannot be reached, and the amount is more than is accepted without it.
    #[error("without the service no more than {limit} is accepted")]
    OfflineAmount {
        /// The largest amount.
        limit: Fen,
    },
    /// The service cannot be reached, and this card has paid here without it as much or as often as it may.
    #[error("the card has reached its limit without the service")]
    OfflineCard,
    /// The service cannot be reached, and this terminal has accepted as much as it may without it.
    #[error("this terminal has reached its limit without the service")]
    OfflineTerminal,
    /// The service cannot be reached, and the card was drawn as one that has to.
    #[error("this card was drawn to be decided by the service")]
    Drawn,
    /// The card has validated here just now.
    #[error("the card has validated here just now")]
    Again,
    /// This validator knows no fares.
    #[error("no fares are known")]
    NoFares,
    /// The fares in force have no such route or stop.
    #[error("the fares have no such route or stop")]
    PlaceUnknown,
    /// The gate stays shut.
    #[error(transparent)]
    Gate(#[from] GateRefused),
    /// The service has not been reached for too long.
    #[error("the service has not been reached for too long")]
    Frozen,
    /// The service cannot be reached, and only the service can answer.
    #[error("only the service can answer this")]
    NeedsService,
    /// The fares sell no such pass, or not for these days.
    #[error("nothing of this name is sold for these days")]
    NotOnSale,
    /// The shop takes part in no programme.
    #[error("no points are given or taken here")]
    NoPoints,
    /// The points take nothing off the price.
    #[error(transparent)]
    NoDiscount(NoDiscount),
    /// The service takes no more taps of this terminal.
    #[error("this terminal has been revoked")]
    TerminalRevoked,
}

/// What may be decided before a card is there.
///
/// # Errors
/// [`Refused`], without a card's having been asked anything.
pub fn operation(operation: &Operation, has_pin: bool, known: &Knowledge) -> Result<Slot, Refused> {
    if known.is_revoked {
        return Err(Refused::TerminalRevoked);
    }
    let code = operation.code();
    if !known.profile.operations.contains(&code) {
        return Err(Refused::OperationNotAllowed(code));
    }
    let limits = known.profile.limits;
    if !operation.is_within(limits.tap_limit) {
        return Err(Refused::AmountOutOfRange { limit: limits.tap_limit });
    }
    if let Operation::PurseTopUp(top_up) = operation
        && top_up.amount > limits.top_up_alone
        && top_up.approved_by.is_none()
    {
        return Err(Refused::ApprovalRequired);
    }
    if operation.needs_service() && known.decides_alone() {
        return Err(Refused::NeedsService);
    }
    if let Operation::PursePayment(payment) = operation
        && known.decides_alone()
        && payment.amount > limits.offline.tap
    {
        return Err(Refused::OfflineAmount { limit: limits.offline.tap });
    }
    let slot = match operation.signer(limits.no_pin_limit) {
        Signer::Card(slot) => slot,
        Signer::Terminal => return Err(Refused::OperationNotAllowed(code)),
    };
    match (slot, has_pin) {
        // A holder who enters the PIN for a small amount signs with the key that proves it.
        (Slot::Tap, true) => Ok(Slot::Approve),
        (Slot::Tap, false) => Ok(Slot::Tap),
        (slot, true) => Ok(slot),
        (_, false) => Err(Refused::PinRequired),
    }
}

/// What the list says of the card. Before its certificate is looked at: a listed card is refused at once.
///
/// # Errors
/// [`Refused::Listed`].
pub fn card(card: CardId, operation: &Operation, known: &Knowledge) -> Result<(), Refused> {
    match known.status(card) {
        CardStatus::Valid => Ok(()),
        _ if validation::lets_out(operation) => Ok(()),
        // A card that was suspended before its holder had agreed may still be brought into use.
        CardStatus::Suspended if operation.code() == OperationCode::RegistrationConsent => Ok(()),
        listed => Err(Refused::Listed(listed)),
    }
}

/// Whether the card's validity covers now.
///
/// # Errors
/// [`Refused::Expired`].
pub fn validity(expires: Micros, operation: &Operation, now: Micros) -> Result<(), Refused> {
    if now <= expires || validation::lets_out(operation) { Ok(()) } else { Err(Refused::Expired) }
}

#[cfg(test)]
mod tests {
    use card_schema::operation::{gate, purse, registration, terminal};

    use super::*;
    use crate::tap::tests::knowledge;

    fn pay(fen: i64) -> Operation {
        Operation::PursePayment(purse::Payment::online(Fen(fen)))
    }

    #[test]
    fn what_a_terminal_lets_a_card_sign() {
        let known = knowledge();
        let out_of_range = Err(Refused::AmountOutOfRange { limit: Fen(100_000) });
        let consent = Operation::RegistrationConsent(registration::Consent { text: [0; 32] });
        let abandoned = Operation::Abandoned(terminal::Abandoned { reason: terminal::AbandonReason::Restart });
        let not_allowed = |code| Err(Refused::OperationNotAllowed(code));
        let table: [(&str, Operation, bool, Result<Slot, Refused>); 11] = [
            ("a small payment", pay(1), false, Ok(Slot::Tap)),
            ("at the limit", pay(10_000), false, Ok(Slot::Tap)),
            ("over the limit without PIN", pay(10_001), false, Err(Refused::PinRequired)),
            ("over the limit with PIN", pay(10_001), true, Ok(Slot::Approve)),
            ("a small payment with PIN", pay(1), true, Ok(Slot::Approve)),
            ("nothing", pay(0), false, out_of_range),
            ("less than nothing", pay(-5), true, out_of_range),
            ("too much", pay(100_001), true, out_of_range),
            ("a consent", consent, true, Ok(Slot::Approve)),
            ("not this terminal's", Operation::GateCheck(gate::Check), false, not_allowed(OperationCode::GateCheck)),
            ("what no card signs", abandoned, false, not_allowed(OperationCode::Abandoned)),
        ];
        for (case, asked, has_pin, expected) in table {
            assert_eq!(operation(&asked, has_pin, &known), expected, "{case}");
        }
    }

    #[test]
    fn what_only_the_service_can_answer_is_refused_while_it_is_away() {
        let original = purse::Original { tap: card_schema::ids::TapId([1; 32]), at: Micros(5) };
        let back = purse::Return { original, amount: Fen(1) };
        let only = [Operation::PurseRefund(back), Operation::PurseVoid(back), Operation::PurseInquiry(purse::Inquiry)];
        for asked in only {
            for (online, expected) in [(None, false), (Some(true), false), (Some(false), true)] {
                let known = Knowledge { online, ..knowledge() };
                let refused = operation(&asked, true, &known) == Err(Refused::NeedsService);
                assert_eq!(refused, expected, "{asked:?} {online:?}");
            }
        }
    }

    #[test]
    fn a_revoked_terminal_lets_no_card_sign() {
        let known = Knowledge { is_revoked: true, ..knowledge() };
        for has_pin in [false, true] {
            assert_eq!(operation(&pay(1), has_pin, &known), Err(Refused::TerminalRevoked));
        }
    }

    #[test]
    fn a_listed_card_is_refused_and_a_new_one_may_only_consent() {
        let mut known = knowledge();
        let id = CardId::new(9, card_schema::ids::Shard(0), [1; 16]);
        let consent = Operation::RegistrationConsent(registration::Consent { text: [0; 32] });
        for status in [CardStatus::Invalid, CardStatus::Suspended, CardStatus::Reserved] {
            known.set_status_for_test(9, status);
            assert_eq!(card(id, &pay(1), &known), Err(Refused::Listed(status)));
            let may_consent = if status == CardStatus::Suspended { Ok(()) } else { Err(Refused::Listed(status)) };
            assert_eq!(card(id, &consent, &known), may_consent);
        }
        known.set_status_for_test(9, CardStatus::Valid);
        assert_eq!(card(id, &pay(1), &known), Ok(()));
    }

    #[test]
    fn a_card_is_good_until_its_last_moment() {
        let gate = Operation::GateCheck(gate::Check);
        assert_eq!(validity(Micros(10), &gate, Micros(10)), Ok(()));
        assert_eq!(validity(Micros(10), &gate, Micros(11)), Err(Refused::Expired));
    }
}
