//! The checks that every tap passes before its room sees it. Pure.

use card_schema::card::Slot;
use card_schema::clock::Micros;
use card_schema::envelope::receipt::Outcome;
use card_schema::envelope::tap::Tap;
use card_schema::operation::{Operation, Signer};

use super::submission::Policy;
use super::verify::SignedBy;
use crate::cards::{CardForIntake, CardState};
use crate::terminals::{Terminal, TerminalState};

/// What is known when a tap is decided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) terminal: &'a Terminal,
    pub(super) card: Option<&'a CardForIntake>,
    pub(super) signed_by: SignedBy,
    /// The terminal has accepted the tap on its own, and could not know that the card is out of use.
    pub(super) is_in_good_faith: bool,
    /// Its holder has got on with it, and leaves now.
    pub(super) is_inside: bool,
    /// When the log head that the tap has seen was signed.
    pub(super) log_head_at: Option<Micros>,
    pub(super) now: Micros,
}

/// What the common checks find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The room decides.
    Ask,
    /// Nothing to decide: recorded as it is.
    Record,
    /// Refused before the room.
    Refuse(Outcome),
}

/// The checks in their order: who signed comes before what is asked, so that nobody learns about a card by asking in
/// its name.
pub(super) fn check(policy: &Policy, tap: &Tap, known: &Known<'_>) -> Verdict {
    use Verdict::Refuse;
    let is_revoked = known.terminal.state != TerminalState::Active;
    let required = match tap.operation.signer(policy.limits.no_pin_limit) {
        Signer::Terminal if known.signed_by == SignedBy::Terminal && is_revoked => return Refuse(Outcome::Quarantined),
        Signer::Terminal if known.signed_by == SignedBy::Terminal => return Verdict::Record,
        Signer::Terminal => return Refuse(Outcome::BadSignature),
        Signer::Card(slot) => slot,
    };
    let Some(card) = known.card else {
        return Refuse(if tap.card.is_some() { Outcome::UnknownCard } else { Outcome::BadSignature });
    };
    let SignedBy::Card(slot) = known.signed_by else {
        return Refuse(Outcome::BadSignature);
    };
    // What no card of ours has signed waits for nobody.
    if is_revoked {
        return Refuse(Outcome::Quarantined);
    }
    if !known.terminal.operations.contains(&tap.operation.code()) {
        return Refuse(Outcome::OperationNotAllowed);
    }
    if strength(slot) < strength(required) {
        return Refuse(Outcome::PinRequired);
    }
    if !clock_plausible(policy, tap.at, known) {
        return Refuse(Outcome::ClockImplausible);
    }
    if card.expires_at <= tap.at && !known.is_inside {
        return Refuse(Outcome::CardExpired);
    }
    let consent = matches!(tap.operation, Operation::RegistrationConsent(_));
    let state_fits = match card.state {
        CardState::Active => !consent,
        CardState::Personalised => consent,
        CardState::Personalising | CardState::Abandoned => false,
        _ => known.is_in_good_faith || known.is_inside,
    };
    if state_fits { Verdict::Ask } else { Refuse(Outcome::CardNotActive) }
}

/// The service rules: a tap cannot come from after its upload, nor from before the newest checkpoint that it has seen,
/// nor from longer ago than a terminal may stay offline.
fn clock_plausible(policy: &Policy, at: Micros, known: &Known<'_>) -> bool {
    let latest = known.now.plus_seconds(policy.clock_tolerance_seconds);
    let oldest = known.now.plus_seconds(-policy.offline_limit_seconds);
    let earliest = known.log_head_at.map_or(oldest, |seen| seen.max(oldest));
    at <= latest && at >= earliest.plus_seconds(-policy.clock_tolerance_seconds)
}

/// How much the card asked of its holder before it signed.
const fn strength(slot: Slot) -> u8 {
    match slot {
        Slot::Management => 0,
        Slot::Tap => 1,
        Slot::SignIn => 2,
        Slot::Approve => 3,
    }
}
