//! The rooms: one folder a domain, all of one shape, and the place that composes them for intake.
//!
//! A room decides what an operation of its domain does, as a pure function of what is loaded. To add one: a folder
//! with `mod.rs model.rs rules.rs store.rs tests.rs`, an `impl Room`, and a line in [`room_of`]. Rooms never import
//! rooms: what crosses between them is transfers in the ledger and the card's holder.

pub mod gate;
pub mod purse;
pub mod residence;

use card_schema::clock::Micros;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{HolderId, OrganisationId, Shard, TapId, TerminalId};
use card_schema::operation::Operation;
use card_schema::wire::terminal::Limits;

use crate::db::{Connection, DbError};
use crate::ledger::{AccountKey, Book, Transfer};

/// One tap that a room has to decide: signatures, card and terminal are already found good.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The tap.
    pub tap: TapId,
    /// What is asked.
    pub operation: &'a Operation,
    /// The holder of the card.
    pub holder: HolderId,
    /// Where everything of this tap is written.
    pub shard: Shard,
    /// Who runs the terminal.
    pub organisation: OrganisationId,
    /// The terminal.
    pub terminal: TerminalId,
    /// The terminal's clock, found plausible.
    pub at: Micros,
    /// When the service got it, by its own clock.
    pub received_at: Micros,
    /// The limits in force.
    pub limits: Limits,
    /// What the operation names to be given back, if the same holder has it in the books.
    pub original: Option<&'a purse::Original>,
    /// The card was out of use when it signed, and a terminal that had accepted the tap on its own could not know: what it
    /// costs is not the holder's.
    pub is_issuers: bool,
}

/// What a room decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What the receipt says.
    pub outcome: Outcome,
    /// Transfers to post, all or none. Empty unless the outcome is [`Outcome::Accepted`].
    pub transfers: Vec<Transfer>,
    /// The account whose balance the receipt shows.
    pub shows: Option<AccountKey>,
    /// What else is to be written.
    pub effects: Vec<Effect>,
}

impl Decision {
    /// A decision that writes nothing but the tap itself.
    pub const fn plain(outcome: Outcome) -> Self {
        Self { outcome, transfers: Vec::new(), shows: None, effects: Vec::new() }
    }
}

/// Rows of a room's own that a decision writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// One more asked at a gate.
    GateCount(gate::Count),
    /// The card of this tap has spent what it did not have: it is suspended until somebody has looked.
    Suspend,
}

/// A domain, as intake sees it.
pub trait Room {
    /// The accounts whose balances [`Room::decide`] looks at or moves.
    fn accounts(&self, ask: &Ask<'_>) -> Vec<AccountKey>;

    /// Decides. Pure: the same ask and balances give the same decision.
    fn decide(&self, ask: &Ask<'_>, book: &Book) -> Decision;

    /// What is written when the tap was refused before it came to the room (a blocked card, a missing PIN).
    fn refused(&self, _ask: &Ask<'_>) -> Vec<Effect> {
        Vec::new()
    }
}

/// The room of an operation, if a room decides it.
pub fn room_of(operation: &Operation) -> Option<&'static dyn Room> {
    match operation {
        Operation::PursePayment(_)
        | Operation::PurseTopUp(_)
        | Operation::PurseRefund(_)
        | Operation::PurseVoid(_)
        | Operation::PurseInquiry(_) => Some(&purse::Purse),
        Operation::GateCheck(_) => Some(&gate::Gate),
        Operation::SignIn(_) | Operation::RegistrationConsent(_) | Operation::Abandoned(_) => None,
    }
}

/// Writes the effects of many decisions.
pub async fn write_effects(connection: &mut Connection, effects: &[Effect]) -> Result<(), DbError> {
    let counted = |effect: &Effect| match effect {
        Effect::GateCount(count) => Some(*count),
        Effect::Suspend => None,
    };
    let counts: Vec<_> = effects.iter().filter_map(counted).collect();
    gate::store::add(connection, &counts).await
}
