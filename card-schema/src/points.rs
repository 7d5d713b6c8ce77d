//! Points: what a purchase earns and what points are worth, by the terms of the programme in which a shop takes part.
//! Terminal and service compute with it. Pure.
//!
//! Not here: how many points a holder has (the ledger), the most that one day earns, and when points expire (the service).

use serde::{Deserialize, Serialize};

use crate::{date::Date, money::Fen};

/// The number of a programme, counted up from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct ProgrammeId(pub u32);

/// What purchases earn from one day to another, in the time of China, both days counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EarnRule {
    /// Points for each whole [`Self::per`].
    pub points: u32,
    /// Above zero.
    pub per: Fen,
    /// The first day.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub from: Date,
    /// The last day.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub until: Date,
}

/// What points are worth as money off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Worth {
    /// So many points, and whole multiples of them, above zero …
    pub points: u32,
    /// … take so much off a price; above zero.
    pub fen: Fen,
}

/// The terms at one shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Terms {
    /// The programme.
    pub programme: ProgrammeId,
    /// Its name for people.
    pub name: String,
    /// What purchases earn here: all rules that apply add up.
    pub earn: Vec<EarnRule>,
    /// What points are worth here; nothing where they are good for goods alone.
    pub worth: Option<Worth>,
}

/// Why points do not take anything off a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDiscount {
    /// They are good for goods alone.
    #[error("points are not good for money off here")]
    NotOffered,
    /// Not a whole multiple, or none.
    #[error("points have to be a multiple of {0}")]
    Multiple(u32),
    /// Nothing would be left to pay.
    #[error("points have to leave something to pay")]
    NothingLeft,
}

impl Terms {
    /// The points that paying so much earns on a day. Nothing for what is not above zero; held at the end of the range.
    pub fn earned(&self, paid: Fen, day: Date) -> u32 {
        let applies = |rule: &&EarnRule| rule.from <= day && day <= rule.until && rule.per > Fen::ZERO;
        self.earn.iter().filter(applies).fold(0, |sum, rule| {
            let times = u32::try_from((paid.0 / rule.per.0).max(0)).unwrap_or(u32::MAX);
            sum.saturating_add(times.saturating_mul(rule.points))
        })
    }

    /// What points take off a price.
    ///
    /// # Errors
    /// [`NoDiscount`].
    pub fn discount(&self, points: u32, price: Fen) -> Result<Fen, NoDiscount> {
        let worth = self.worth.filter(|worth| worth.points > 0).ok_or(NoDiscount::NotOffered)?;
        if points == 0 || !points.is_multiple_of(worth.points) {
            return Err(NoDiscount::Multiple(worth.points));
        }
        let off = worth.fen.0.checked_mul(i64::from(points / worth.points)).map(Fen);
        off.filter(|off| *off < price).ok_or(NoDiscount::NothingLeft)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(month: u8, day: u8) -> Date {
        Date::new(2026, month, day).expect("a day")
    }

    fn terms(earn: Vec<EarnRule>) -> Terms {
        let worth = Some(Worth { points: 100, fen: Fen(50) });
        Terms { programme: ProgrammeId(1), name: "测试街".to_owned(), earn, worth }
    }

    fn rule(points: u32, per: i64) -> EarnRule {
        EarnRule { points, per: Fen(per), from: day(1, 1), until: day(12, 31) }
    }

    #[test]
    fn rules_that_apply_add_up_and_a_campaign_has_its_days() {
        let campaign = EarnRule { points: 5, per: Fen(1_000), from: day(10, 1), until: day(10, 7) };
        let terms = terms(vec![rule(1, 100), campaign]);
        for (paid, month, of_month, points) in [
            (99, 5, 1, 0),
            (100, 5, 1, 1),
            (1_250, 5, 1, 12),
            (1_250, 9, 30, 12),
            (1_250, 10, 1, 17),
            (1_999, 10, 7, 24),
            (1_999, 10, 8, 19),
            (0, 10, 1, 0),
            (-1_000, 10, 1, 0),
        ] {
            assert_eq!(terms.earned(Fen(paid), day(month, of_month)), points, "{paid} on {month}-{of_month}");
        }
        assert_eq!(terms.earned(Fen(1_000), Date::new(2027, 1, 1).unwrap()), 0, "after the last day");
    }

    #[test]
    fn points_take_off_whole_multiples_and_leave_something_to_pay() {
        let terms = terms(vec![]);
        for (points, price, off) in [
            (100, 51, Ok(Fen(50))),
            (300, 1_000, Ok(Fen(150))),
            (100, 50, Err(NoDiscount::NothingLeft)),
            (u32::MAX - u32::MAX % 100, 1_000, Err(NoDiscount::NothingLeft)),
            (0, 1_000, Err(NoDiscount::Multiple(100))),
            (150, 1_000, Err(NoDiscount::Multiple(100))),
        ] {
            assert_eq!(terms.discount(points, Fen(price)), off, "{points} off {price}");
        }
        let goods_alone = Terms { worth: None, ..terms };
        assert_eq!(goods_alone.discount(100, Fen(1_000)), Err(NoDiscount::NotOffered));
    }

    proptest! {
        /// Whoever pays more never earns less, and no terms overflow.
        #[test]
        fn more_never_earns_less(paid: i64, more: i64, rules in prop::collection::vec((any::<u32>(), any::<i64>()), 0..4)) {
            let terms = terms(rules.into_iter().map(|(points, per)| rule(points, per)).collect());
            let (less, more) = (paid.min(more), paid.max(more));
            prop_assert!(terms.earned(Fen(less), day(6, 1)) <= terms.earned(Fen(more), day(6, 1)));
        }
    }
}
