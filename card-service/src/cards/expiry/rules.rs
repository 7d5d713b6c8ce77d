//! How long a card is good for, and when it is to be renewed. Pure: the moment comes in as an argument.

use card_schema::clock::Micros;
use card_schema::date::Date;

use crate::cards::{Card, CardState};

const DAY_SECONDS: i64 = 86_400;

/// What holds of cards from a day on.
#[derive(Clone, Copy, Debug)]
struct Rule {
    /// The first day on which it is in force.
    since: Date,
    /// For how many days a card is good that is put to issue then.
    lifetime_days: i64,
    /// So many days before its last one a card may be renewed, and ought to be.
    renewal_days: i64,
}

/// The rules, oldest first: a new one is added, none is changed.
const RULES: [Rule; 1] =
    [Rule { since: Date::new(2016, 1, 1).expect("a day of the calendar"), lifetime_days: 5 * 365, renewal_days: 60 }];

/// Whether a card is still good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// For longer than anybody has to think of.
    Good,
    /// It expires soon: it is to be renewed.
    Ending,
    /// No more.
    Over,
}

/// The rules at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Clock<'a> {
    rules: &'a [Rule],
    now: Micros,
}

impl Clock<'static> {
    /// The rules in force.
    pub const fn at(now: Micros) -> Self {
        Self { rules: &RULES, now }
    }
}

impl Clock<'_> {
    fn rule(&self) -> &Rule {
        // China has had one time all year round since 1992: UTC+8.
        let today = Date::in_china(self.now);
        let in_force = self.rules.iter().rev().find(|rule| rule.since <= today);
        in_force.unwrap_or(&self.rules[0])
    }

    /// From when on a card that is put to issue now is refused.
    pub fn expires_at(&self) -> Micros {
        self.now.plus_seconds(self.rule().lifetime_days * DAY_SECONDS)
    }

    /// Up to which end cards are to be renewed now.
    pub fn renewed_up_to(&self) -> Micros {
        self.now.plus_seconds(self.rule().renewal_days * DAY_SECONDS)
    }

    /// How a card with this end stands.
    pub fn validity(&self, expires_at: Micros) -> Validity {
        if expires_at <= self.now {
            Validity::Over
        } else if expires_at <= self.renewed_up_to() {
            Validity::Ending
        } else {
            Validity::Good
        }
    }

    /// The state of a card as people are to see it: one whose time is over is expired, though nobody did anything with it.
    /// Terminals read the end off the card itself, so it needs no place on the status list.
    pub fn state(&self, card: &Card) -> CardState {
        match card.state {
            CardState::Active | CardState::Suspended if self.validity(card.expires_at) == Validity::Over => {
                CardState::Expired
            }
            state => state,
        }
    }
}

#[cfg(test)]
mod tests {
    use card_schema::ids::{CardId, HolderId, Shard};

    use super::*;
    use crate::cards::Bearer;

    const NOW: Micros = Micros(1_790_000_000_000_000);

    fn in_days(days: i64) -> Micros {
        NOW.plus_seconds(days * DAY_SECONDS)
    }

    #[test]
    fn a_card_is_to_be_renewed_in_its_last_sixty_days() {
        let clock = Clock::at(NOW);
        assert_eq!(clock.expires_at(), in_days(1_825));
        for (days, validity) in [
            (61, Validity::Good),
            (60, Validity::Ending),
            (1, Validity::Ending),
            (0, Validity::Over),
            (-700, Validity::Over),
        ] {
            assert_eq!(clock.validity(in_days(days)), validity, "{days}");
        }
    }

    #[test]
    fn a_card_whose_time_is_over_is_seen_as_expired_unless_something_else_became_of_it() {
        for state in CardState::ALL {
            let card = |days| Card {
                card_id: CardId::new(1, Shard(0), [1; 16]),
                bearer: Bearer::Holder(HolderId::new(Shard(0), [2; 16])),
                signs_in: false,
                state,
                created_at: NOW,
                expires_at: in_days(days),
                changed_at: NOW,
            };
            let clock = Clock::at(NOW);
            assert_eq!(clock.state(&card(1)), state);
            let works = matches!(state, CardState::Active | CardState::Suspended);
            assert_eq!(clock.state(&card(0)), if works { CardState::Expired } else { state });
        }
    }

    #[test]
    fn a_card_is_judged_by_the_rule_of_the_day() {
        // Invented: a second rule that gives ten years and asks half a year before.
        let later = Rule { since: Date::of_utc(in_days(10)), lifetime_days: 3_650, renewal_days: 180 };
        let rules = [RULES[0], later];
        let at = |days| Clock { rules: &rules, now: in_days(days) };
        assert_eq!(at(8).expires_at(), in_days(8 + 1_825));
        assert_eq!(at(11).expires_at(), in_days(11 + 3_650));
        assert_eq!(at(8).validity(in_days(108)), Validity::Good);
        assert_eq!(at(11).validity(in_days(111)), Validity::Ending);
    }
}
