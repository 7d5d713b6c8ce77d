//! Why a card is issued, and what becomes of one that came back. Pure.

use card_schema::clock::Micros;

use crate::cards::expiry::rules::{Clock, Validity};
use crate::cards::{Card, CardState};

/// Why a card is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The holder had none that ever worked.
    First,
    /// The one that works expires soon, or has.
    Renewed,
    /// The one before is lost, damaged, out of use, or is to be replaced before its time.
    Replaced,
}

impl Reason {
    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Renewed => "renewed",
            Self::Replaced => "replaced",
        }
    }

    /// Why another card is issued to somebody who has these.
    pub fn of(cards: &[Card], clock: &Clock<'_>) -> Self {
        let mut worked = cards.iter().filter(|card| {
            !matches!(card.state, CardState::Personalising | CardState::Personalised | CardState::Abandoned)
        });
        let ends = |card: &Card| {
            matches!(clock.state(card), CardState::Active | CardState::Suspended | CardState::Expired)
                && clock.validity(card.expires_at) != Validity::Good
        };
        match worked.clone().any(ends) {
            true => Self::Renewed,
            false if worked.next().is_some() => Self::Replaced,
            false => Self::First,
        }
    }
}

/// What becomes of a card that was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was cut through the chip.
    Destroyed,
    /// It is kept, for an inquiry.
    KeptAsEvidence,
}

impl Fate {
    /// Every fate.
    pub const ALL: [Self; 2] = [Self::Destroyed, Self::KeptAsEvidence];

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Destroyed => "destroyed",
            Self::KeptAsEvidence => "kept_as_evidence",
        }
    }

    /// The fate of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fate| fate.name() == name)
    }

    /// Whether this may be done with a card of which that was done before: what is kept may be destroyed later.
    pub const fn may_follow(self, before: Option<Self>) -> bool {
        matches!((before, self), (None, _) | (Some(Self::KeptAsEvidence), Self::Destroyed))
    }
}

/// Something that was done with a card, for its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// When.
    pub at: Micros,
    /// What it was.
    pub what: What,
    /// Who did it; nobody where it came about by itself.
    pub staff: Option<String>,
}

/// See [`Past`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It was put to issue, for this reason.
    Issue(String),
    /// Its state became another, for this reason.
    State(CardState, String),
    /// Of its chip became this.
    Chip(String),
}

#[cfg(test)]
mod tests {
    use card_schema::clock::Micros;
    use card_schema::ids::{CardId, HolderId, Shard};

    use super::*;
    use crate::cards::Bearer;

    const NOW: Micros = Micros(1_790_000_000_000_000);

    fn card(state: CardState, days_left: i64) -> Card {
        Card {
            card_id: CardId::new(1, Shard(0), [1; 16]),
            bearer: Bearer::Holder(HolderId::new(Shard(0), [2; 16])),
            signs_in: false,
            state,
            created_at: NOW,
            expires_at: NOW.plus_seconds(days_left * 86_400),
            changed_at: NOW,
        }
    }

    #[test]
    fn why_a_card_is_issued_follows_from_those_before_it() {
        use CardState::{Abandoned, Active, Lost, Personalised, Replaced, Returned, Suspended};
        let clock = Clock::at(NOW);
        let of = |cards: &[Card]| Reason::of(cards, &clock);
        assert_eq!(of(&[]), Reason::First);
        assert_eq!(of(&[card(Abandoned, 900), card(Personalised, 900)]), Reason::First, "none of them ever worked");
        assert_eq!(of(&[card(Active, 900)]), Reason::Replaced);
        assert_eq!(of(&[card(Lost, 5)]), Reason::Replaced, "it is not its time that ended it");
        assert_eq!(of(&[card(Active, 5)]), Reason::Renewed);
        assert_eq!(of(&[card(Suspended, -5), card(Replaced, -900)]), Reason::Renewed);
        assert_eq!(of(&[card(Returned, -5)]), Reason::Replaced);
    }

    #[test]
    fn what_was_destroyed_is_gone_and_what_is_kept_may_be_destroyed_later() {
        for fate in Fate::ALL {
            assert_eq!(Fate::from_name(fate.name()), Some(fate));
            assert!(fate.may_follow(None) && !fate.may_follow(Some(Fate::Destroyed)));
        }
        assert!(Fate::Destroyed.may_follow(Some(Fate::KeptAsEvidence)));
        assert!(!Fate::KeptAsEvidence.may_follow(Some(Fate::KeptAsEvidence)));
    }
}
