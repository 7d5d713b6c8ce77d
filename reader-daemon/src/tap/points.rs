//! What a terminal promises and takes by the terms of its shop's programme. Pure. Whether a holder has the points, the
//! service decides.

use card_schema::{
    clock::Micros,
    date::Date,
    money::Fen,
    operation::{
        Operation,
        points::{Award, Movement, Redemption},
        purse::Payment,
    },
    points::Terms,
};

use super::{Knowledge, Refused};

fn terms(known: &Knowledge) -> Result<&Terms, Refused> {
    known.profile.points.as_ref().ok_or(Refused::NoPoints)
}

/// A payment of what points leave of a price.
///
/// # Errors
/// [`Refused`] where they take nothing off it.
pub fn payment(price: Fen, redeemed: u32, known: &Knowledge) -> Result<Payment, Refused> {
    if redeemed == 0 {
        return Ok(Payment::online(price));
    }
    let terms = terms(known)?;
    let discount = terms.discount(redeemed, price).map_err(Refused::NoDiscount)?;
    let points = Movement { programme: terms.programme, earned: 0, redeemed, discount };
    Ok(Payment { points: Some(points), ..Payment::online(Fen(price.0 - discount.0)) })
}

/// Points for a purchase that was paid otherwise.
///
/// # Errors
/// [`Refused::NoPoints`].
pub fn award(paid: Fen, known: &Knowledge) -> Result<Award, Refused> {
    Ok(Award { paid, programme: terms(known)?.programme, earned: 0 })
}

/// Points for goods.
///
/// # Errors
/// [`Refused::NoPoints`].
pub fn redemption(points: u32, known: &Knowledge) -> Result<Redemption, Refused> {
    Ok(Redemption { programme: terms(known)?.programme, points })
}

/// The operation with the points that it earns today, as the card is to sign it.
pub fn promise(operation: &Operation, known: &Knowledge, now: Micros) -> Operation {
    let Some(terms) = known.profile.points.as_ref() else { return operation.clone() };
    let today = Date::in_china(now);
    match operation {
        Operation::PursePayment(payment) => {
            let none = Movement { programme: terms.programme, earned: 0, redeemed: 0, discount: Fen::ZERO };
            let points = Movement { earned: terms.earned(payment.amount, today), ..payment.points.unwrap_or(none) };
            Operation::PursePayment(Payment { points: Some(points), ..*payment })
        }
        Operation::PointsAward(award) => {
            Operation::PointsAward(Award { earned: terms.earned(award.paid, today), ..*award })
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use card_schema::points::{EarnRule, NoDiscount, ProgrammeId, Worth};

    use super::*;
    use crate::tap::tests::knowledge;

    const OF: ProgrammeId = ProgrammeId(7);

    fn known() -> Knowledge {
        let day = |text: &str| text.parse::<Date>().expect(text);
        let rule = |points, from, until| EarnRule { points, per: Fen(100), from: day(from), until: day(until) };
        let mut known = knowledge();
        Arc::make_mut(&mut known.profile).points = Some(Terms {
            programme: OF,
            name: "测试街".to_owned(),
            earn: vec![rule(1, "2026-01-01", "2026-12-31"), rule(2, "2026-10-01", "2026-10-07")],
            worth: Some(Worth { points: 100, fen: Fen(50) }),
        });
        known
    }

    fn at(day: &str) -> Micros {
        Micros(day.parse::<Date>().expect(day).start_utc().0)
    }

    #[test]
    fn a_payment_says_what_it_earns_on_its_day_and_a_campaign_that_is_over_is_promised_to_nobody() {
        let known = known();
        for (day, earned) in [("2026-09-30", 9), ("2026-10-07", 27), ("2026-10-08", 9), ("2027-01-01", 0)] {
            let paid = payment(Fen(1_000), 100, &known).expect("a discount");
            let movement = Movement { programme: OF, earned, redeemed: 100, discount: Fen(50) };
            let expected = Payment { points: Some(movement), ..Payment::online(Fen(950)) };
            let promised = promise(&Operation::PursePayment(paid), &known, at(day));
            assert_eq!(promised, Operation::PursePayment(expected), "{day}");
            let cash = award(Fen(999), &known).expect("a programme");
            let expected = Award { earned, ..cash };
            assert_eq!(promise(&Operation::PointsAward(cash), &known, at(day)), Operation::PointsAward(expected));
        }
    }

    #[test]
    fn where_there_is_no_programme_nothing_is_promised_or_taken() {
        let none = knowledge();
        let plain = Operation::PursePayment(payment(Fen(1_000), 0, &none).expect("no points"));
        assert_eq!(promise(&plain, &none, at("2026-10-01")), plain);
        assert_eq!(payment(Fen(1_000), 100, &none), Err(Refused::NoPoints));
        assert_eq!(award(Fen(1_000), &none), Err(Refused::NoPoints));
        assert_eq!(redemption(5, &none), Err(Refused::NoPoints));
    }

    #[test]
    fn points_take_off_what_they_are_worth() {
        let refused = |price, points| payment(Fen(price), points, &known());
        assert_eq!(refused(1_000, 150), Err(Refused::NoDiscount(NoDiscount::Multiple(100))));
        assert_eq!(refused(50, 100), Err(Refused::NoDiscount(NoDiscount::NothingLeft)));
        assert_eq!(redemption(5, &known()), Ok(Redemption { programme: OF, points: 5 }));
    }
}
