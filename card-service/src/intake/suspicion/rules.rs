//! When counts look wrong. Pure.

use super::model::{Bounds, Counts, Rule};

/// The rules that these counts break, each with what would have been usual.
pub fn broken(counts: &Counts, bounds: Bounds) -> Vec<(Rule, i64)> {
    let beyond = |rule, counted, most: u32| (counted > i64::from(most)).then_some((rule, i64::from(most)));
    let goes_back = counts.refunds > i64::from(bounds.refunds) && counts.refunded > counts.sold;
    [
        beyond(Rule::TooFast, counts.too_fast, bounds.too_fast),
        beyond(Rule::ManyCards, counts.cards, bounds.cards),
        goes_back.then_some((Rule::RefundsOverSales, counts.sold.0)),
        beyond(Rule::WrongPins, counts.wrong_pins, bounds.wrong_pins),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether they may break one, before it is known what was sold.
pub fn may_be_broken(counts: &Counts, bounds: Bounds) -> bool {
    counts.refunds > i64::from(bounds.refunds) || !broken(counts, bounds).is_empty()
}

#[cfg(test)]
mod tests {
    use card_schema::money::Fen;

    use super::*;

    #[test]
    fn what_is_usual_breaks_no_rule_and_one_more_does() {
        let bounds = Bounds { apart_s: 30, too_fast: 5, cards: 1_500, refunds: 5, wrong_pins: 30 };
        let usual =
            Counts { cards: 1_500, too_fast: 5, refunds: 5, refunded: Fen(10_000), sold: Fen(9_999), wrong_pins: 30 };
        let none: &[(Rule, i64)] = &[];
        for (counts, expected) in [
            (Counts::default(), none),
            (usual, none),
            (Counts { cards: 1_501, ..usual }, &[(Rule::ManyCards, 1_500)]),
            (Counts { too_fast: 6, ..usual }, &[(Rule::TooFast, 5)]),
            (Counts { wrong_pins: 31, ..usual }, &[(Rule::WrongPins, 30)]),
            (Counts { refunds: 6, ..usual }, &[(Rule::RefundsOverSales, 9_999)]),
            (Counts { refunds: 6, sold: Fen(10_000), ..usual }, none),
            (Counts { too_fast: 6, wrong_pins: 31, ..usual }, &[(Rule::TooFast, 5), (Rule::WrongPins, 30)]),
        ] {
            assert_eq!(broken(&counts, bounds), expected, "{counts:?}");
            assert!(expected.is_empty() || may_be_broken(&counts, bounds), "{counts:?}");
        }
        let unknown_sales = Counts { refunds: 6, refunded: Fen::ZERO, sold: Fen::ZERO, ..Counts::default() };
        assert!(may_be_broken(&unknown_sales, bounds), "what was sold is not known yet");
    }
}
