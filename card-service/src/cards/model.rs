//! A card and its life: which state follows which. No I/O.

use card_schema::card::Slot;
use card_schema::clock::Micros;
use card_schema::envelope::PublicKey;
use card_schema::ids::{CardId, HolderId, Shard};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::people::StaffId;
use crate::people::model::Permission;

/// Where a card is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CardState {
    /// Being written; it may have been torn out.
    Personalising,
    /// Complete, waiting for the holder's consent.
    Personalised,
    /// In use.
    Active,
    /// Not to be accepted for now; may come back.
    Suspended,
    /// Not to be accepted any more, for a reason on record.
    Blocked,
    /// Reported lost or stolen.
    Lost,
    /// Past its last day.
    Expired,
    /// Another card has taken its place.
    Replaced,
    /// Back at the station.
    Returned,
    /// Its issuance was given up; the chip was reset or may be.
    Abandoned,
}

impl CardState {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Personalising,
        Self::Personalised,
        Self::Active,
        Self::Suspended,
        Self::Blocked,
        Self::Lost,
        Self::Expired,
        Self::Replaced,
        Self::Returned,
        Self::Abandoned,
    ];

    /// Its name in the database and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Personalising => "personalising",
            Self::Personalised => "personalised",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Blocked => "blocked",
            Self::Lost => "lost",
            Self::Expired => "expired",
            Self::Replaced => "replaced",
            Self::Returned => "returned",
            Self::Abandoned => "abandoned",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether a card in this state may be put into another. Staying is no change.
    pub const fn may_become(self, next: Self) -> bool {
        use CardState::{
            Abandoned, Active, Blocked, Expired, Lost, Personalised, Personalising, Replaced, Returned, Suspended,
        };
        matches!(
            (self, next),
            (Personalising, Personalised | Abandoned)
                | (Personalised, Personalising | Active | Blocked | Lost | Abandoned)
                | (Active, Suspended | Blocked | Lost | Expired | Replaced | Returned)
                | (Suspended, Active | Blocked | Lost | Expired | Replaced | Returned)
                | (Blocked | Lost | Expired, Replaced | Returned)
                | (Replaced, Returned)
        )
    }

    /// Whether somebody at the desk may put a card in this state into another. Only its holder's consent makes a new card
    /// active: not that door.
    pub const fn may_be_made(self, next: Self) -> bool {
        self.may_become(next) && !matches!((self, next), (Self::Personalised, Self::Active))
    }

    /// Whether staff may put a card into this state. The others come about by themselves: by the issuance, by the holder's
    /// consent, by a replacement.
    pub const fn is_for_staff(self) -> bool {
        matches!(self, Self::Active | Self::Suspended | Self::Blocked | Self::Lost | Self::Expired | Self::Returned)
    }

    /// Whether a chip in this state may be wiped and issued anew: one that nobody ever used. What a holder gave back is
    /// destroyed or kept.
    pub const fn chip_is_free(self) -> bool {
        matches!(self, Self::Abandoned)
    }
}

/// What a job that is under way waits to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Away {
    /// The card, which was taken off the reader.
    Card,
    /// The reader, which was unplugged.
    Reader,
}

/// The public keys of a card, as far as it has made them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CardKeys {
    /// 9A.
    pub sign_in: Option<PublicKey>,
    /// 9C.
    pub approve: Option<PublicKey>,
    /// 9E.
    pub tap: Option<PublicKey>,
}

impl CardKeys {
    /// The key in a slot.
    pub const fn get(&self, slot: Slot) -> Option<&PublicKey> {
        match slot {
            Slot::SignIn => self.sign_in.as_ref(),
            Slot::Approve => self.approve.as_ref(),
            Slot::Tap => self.tap.as_ref(),
            Slot::Management => None,
        }
    }

    /// Puts a key into a slot.
    pub const fn set(&mut self, slot: Slot, key: PublicKey) {
        match slot {
            Slot::SignIn => self.sign_in = Some(key),
            Slot::Approve => self.approve = Some(key),
            Slot::Tap => self.tap = Some(key),
            Slot::Management => {}
        }
    }
}

/// Whose a card is: a holder's, for all that holders do with one, or a member of staff's, who signs in with it and does
/// nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// A new resident's.
    Holder(HolderId),
    /// A member of staff's.
    Staff(StaffId),
}

impl Bearer {
    /// The holder, if it is a holder's.
    pub const fn holder(self) -> Option<HolderId> {
        match self {
            Self::Holder(holder) => Some(holder),
            Self::Staff(_) => None,
        }
    }

    /// What somebody must be allowed to do who issues the card or changes its state: with a card of staff one could
    /// otherwise become whoever bears it.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Holder(_) => Permission::ServeHolders,
            Self::Staff(_) => Permission::Administer,
        }
    }

    /// Where its cards' rows lie: with the holder's, and what is the office's own in shard 0.
    pub const fn shard(self) -> Shard {
        match self {
            Self::Holder(holder) => holder.shard(),
            Self::Staff(_) => Shard(0),
        }
    }
}

/// What deciding a tap needs to know of its card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardForIntake {
    /// Where its rows lie.
    pub shard: Shard,
    /// Whose card it is.
    pub bearer: Bearer,
    /// Whether it was agreed that its bearer signs in with it.
    pub signs_in: bool,
    /// Where the card is in its life.
    pub state: CardState,
    /// Since when.
    pub changed_at: Micros,
    /// What its signatures verify with.
    pub keys: CardKeys,
    /// From when on it is refused.
    pub expires_at: Micros,
}

/// A card as the office sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its id.
    pub card_id: CardId,
    /// Whose it is.
    pub bearer: Bearer,
    /// Whether it was agreed that its bearer signs in with it.
    pub signs_in: bool,
    /// Where it is in its life.
    pub state: CardState,
    /// When it was put to issue.
    pub created_at: Micros,
    /// From when on it is refused.
    pub expires_at: Micros,
    /// When its state last changed.
    pub changed_at: Micros,
}

/// The number of a card as somebody reads it: ten decimal digits, as they are printed on it, or the first eight hexadecimal
/// digits of its id, as pages show it. Nothing where it is neither.
pub fn printed_number(text: &str) -> Option<u32> {
    let digits: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    match digits.len() {
        10 if digits.bytes().all(|digit| digit.is_ascii_digit()) => digits.parse().ok(),
        8 if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => u32::from_str_radix(&digits, 16).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use card_schema::envelope::status_list::CardStatus;

    use super::*;

    #[test]
    fn only_a_card_with_its_holders_consent_is_ever_active() {
        for state in CardState::ALL {
            let may = state.may_become(CardState::Active);
            assert_eq!(may, matches!(state, CardState::Personalised | CardState::Suspended), "{state:?}");
        }
    }

    #[test]
    fn no_member_of_staff_can_call_a_card_personalised_that_is_not() {
        for state in CardState::ALL {
            let by_itself = !state.is_for_staff();
            let issuances = matches!(state, CardState::Personalising | CardState::Personalised | CardState::Abandoned);
            assert_eq!(by_itself, issuances || state == CardState::Replaced, "{state:?}");
        }
    }

    #[test]
    fn a_card_that_was_given_up_or_back_never_comes_back_and_what_somebody_used_is_not_issued_anew() {
        for (last, is_free) in [(CardState::Returned, false), (CardState::Abandoned, true)] {
            assert_eq!(last.chip_is_free(), is_free);
            for next in CardState::ALL {
                assert!(!last.may_become(next), "{last:?} to {next:?}");
            }
        }
    }

    #[test]
    fn a_card_that_was_lost_is_found_for_nobody() {
        for gone in [CardState::Lost, CardState::Blocked, CardState::Expired, CardState::Replaced] {
            let next: Vec<_> = CardState::ALL.into_iter().filter(|next| gone.may_become(*next)).collect();
            assert!(
                next.iter().all(|next| matches!(next, CardState::Replaced | CardState::Returned)),
                "{gone:?}: {next:?}"
            );
        }
    }

    #[test]
    fn what_must_not_be_accepted_is_on_the_list() {
        for state in CardState::ALL {
            let listed = state.status() != CardStatus::Valid;
            let usable = matches!(state, CardState::Personalising | CardState::Personalised | CardState::Active);
            assert_eq!(listed, !usable, "{state:?}");
            assert_eq!(CardState::from_name(state.name()), Some(state));
        }
    }
}
