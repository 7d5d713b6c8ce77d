//! When two addresses are of one house, and when a home is another. Pure.

use card_schema::clock::Micros;

use super::model::{Stay, Step};
use crate::domains::residence::model::ChangeReason;

/// What becomes of the home of a person: the one that is known, and the one that follows from the record.
pub fn step(now: Option<Stay>, wanted: Option<Stay>, reason: ChangeReason, moved: Micros) -> Step {
    match (now, wanted) {
        (Some(now), Some(wanted)) if now == wanted => Step::Stay,
        (Some(now), Some(wanted)) if now.house == wanted.house => Step::Dates(wanted),
        (None, None) => Step::Stay,
        (now, wanted) => {
            // Who never lived there left on the day of moving in.
            let left = |stay: Stay| match reason {
                ChangeReason::Changed => moved.max(stay.since),
                ChangeReason::Mistyped => stay.since,
            };
            Step::Move { left: now.map(left), to: wanted }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::HouseId;
    use super::*;
    use uuid::Uuid;

    #[test]
    fn whoever_moves_leaves_on_the_day_of_moving_and_whoever_never_lived_there_at_once() {
        use ChangeReason::{Changed, Mistyped};
        let stay = |house, since| Stay { house: HouseId(Uuid::from_u128(house)), since: Micros(since), until: None };
        let (a, b) = (stay(1, 10), stay(2, 20));
        assert_eq!(step(None, None, Changed, Micros(20)), Step::Stay);
        assert_eq!(step(Some(a), Some(a), Changed, Micros(20)), Step::Stay);
        assert_eq!(step(Some(a), Some(stay(1, 15)), Mistyped, Micros(15)), Step::Dates(stay(1, 15)));
        assert_eq!(step(None, Some(b), Changed, b.since), Step::Move { left: None, to: Some(b) });
        let left = Some(Micros(20));
        assert_eq!(step(Some(a), Some(b), Changed, b.since), Step::Move { left, to: Some(b) });
        assert_eq!(step(Some(a), None, Changed, Micros(20)), Step::Move { left, to: None });
        assert_eq!(step(Some(a), Some(b), Mistyped, b.since), Step::Move { left: Some(a.since), to: Some(b) });
        assert_eq!(step(Some(b), Some(a), Changed, Micros(5)), Step::Move { left: Some(b.since), to: Some(a) });
    }
}
