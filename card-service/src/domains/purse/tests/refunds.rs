//! Refunds and voids as a table, and whatever comes in which order: nothing goes back that was not paid.

use proptest::prelude::*;

use super::*;
use crate::domains::Original;
use crate::ledger::{self, LastIds, Linked, Named, Reference};

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;
/// When the payments of the table were booked.
const BOOKED: Micros = Micros(1_790_000_000_000_000);

fn back(fen: i64) -> purse::Return {
    purse::Return { original: purse::Original { tap: TapId([9; 32]), at: BOOKED }, amount: Fen(fen) }
}

fn refund(fen: i64) -> Operation {
    Operation::PurseRefund(back(fen))
}

fn void(fen: i64) -> Operation {
    Operation::PurseVoid(back(fen))
}

/// Books of the holder and the shop, with money in the purse.
fn books(balance: i64) -> Book {
    let mut book = Book::default();
    book.load_last_ids(SHARD, LastIds::default());
    post(&mut book, &ask(&top_up(balance)));
    book
}

/// Decides and posts: what the receipt says, and the numbers of what has moved.
fn post(book: &mut Book, ask: &Ask<'_>) -> (Outcome, Vec<i64>) {
    let decision = Purse.decide(ask, book);
    match book.post_linked(ask.received_at, &decision.transfers) {
        Ok(Linked::Posted(entries)) => (decision.outcome, entries.iter().map(|entry| entry.id).collect()),
        other => panic!("a room asks the ledger for what it admits: {other:?}"),
    }
}

/// A tap of this holder and shop that has moved money.
fn booked(operation: &Operation, transfers: Vec<i64>) -> Original {
    let ask = ask(operation);
    Original { holder: ask.holder, terminal: ask.terminal, booked_at: BOOKED, transfers, programme: None }
}

#[test]
fn what_may_be_given_back() {
    use Outcome::{Accepted, AmountOutOfRange, OriginalUnknown, RefundExceedsRest, RefundTooLate};
    let table = [
        ("all of it", refund(1_000), 0, Accepted),
        ("a part", refund(1), 0, Accepted),
        ("one fen too much", refund(1_001), 0, RefundExceedsRest),
        ("more than a number may be", refund(i64::MAX), 0, RefundExceedsRest),
        ("nothing", refund(0), 0, AmountOutOfRange),
        ("less than nothing", refund(i64::MIN), 0, AmountOutOfRange),
        ("on the last day", refund(1_000), 30 * DAY, Accepted),
        ("a second later", refund(1_000), 30 * DAY + 1, RefundTooLate),
        ("undone at once", void(1_000), 0, Accepted),
        ("undone in the last minute", void(1_000), 15 * MINUTE, Accepted),
        ("undone too late", void(1_000), 15 * MINUTE + 1, RefundTooLate),
        ("undone in part", void(999), 0, AmountOutOfRange),
        ("undone and more", void(1_001), 0, RefundExceedsRest),
    ];
    for (case, operation, after_s, outcome) in table {
        let mut book = books(5_000);
        let sale = pay(1_000);
        let (_, transfers) = post(&mut book, &ask(&sale));
        let original = booked(&sale, transfers);
        let received_at = BOOKED.plus_seconds(after_s);
        let asked = Ask { original: Some(&original), received_at, ..ask(&operation) };
        assert_eq!(Purse.accounts(&asked).len(), 3, "{case}");
        assert_eq!(post(&mut book, &asked).0, outcome, "{case}");
        let elsewhere = Ask { organisation: OrganisationId::from_bytes([8; 16]), ..asked };
        assert_eq!(Purse.decide(&elsewhere, &book).outcome, OriginalUnknown, "{case}, by another shop");
        let unknown = Ask { original: None, ..asked };
        assert_eq!(Purse.decide(&unknown, &book).outcome, OriginalUnknown, "{case}, of nothing");
    }
}

#[test]
fn a_payment_is_voided_where_it_was_taken_and_before_anything_went_back() {
    let mut book = books(5_000);
    let sale = pay(1_000);
    let (_, transfers) = post(&mut book, &ask(&sale));
    let original = booked(&sale, transfers);
    let asked = |operation| Ask { original: Some(&original), received_at: BOOKED, ..ask(operation) };
    let (part, whole) = (refund(1), void(1_000));
    let beside = Ask { terminal: TerminalId::from_bytes([4; 16]), ..asked(&whole) };
    assert_eq!(Purse.decide(&beside, &book).outcome, Outcome::OriginalUnknown);
    let elsewhere = Ask { terminal: TerminalId::from_bytes([4; 16]), ..asked(&part) };
    assert_eq!(post(&mut book, &elsewhere).0, Outcome::Accepted, "any terminal of the shop refunds");
    assert_eq!(Purse.decide(&asked(&whole), &book).outcome, Outcome::RefundExceedsRest);
}

#[test]
fn what_is_no_payment_is_not_given_back() {
    let mut book = books(5_000);
    let (sale, cash, part) = (pay(1_000), top_up(700), refund(400));
    let (_, paid) = post(&mut book, &ask(&sale));
    let (_, topped) = post(&mut book, &ask(&cash));
    let sale = booked(&sale, paid);
    let (outcome, gone) = post(&mut book, &Ask { original: Some(&sale), received_at: BOOKED, ..ask(&part) });
    assert_eq!(outcome, Outcome::Accepted);
    for (case, transfers, outcome) in [
        ("a refund", gone, Outcome::RefundOfRefund),
        ("cash", topped, Outcome::OriginalUnknown),
        ("what moved nothing", Vec::new(), Outcome::OriginalUnknown),
    ] {
        let original = booked(&part, transfers);
        for operation in [refund(1), void(400)] {
            let asked = Ask { original: Some(&original), received_at: BOOKED, ..ask(&operation) };
            assert_eq!(Purse.decide(&asked, &book).outcome, outcome, "{case}");
        }
    }
}

#[test]
fn what_was_paid_out_to_the_shop_is_not_there_to_be_given_back() {
    let mut book = books(5_000);
    let (sale, part) = (pay(1_000), refund(1_000));
    let (_, paid) = post(&mut book, &ask(&sale));
    let original = booked(&sale, paid);
    let asked = Ask { original: Some(&original), received_at: BOOKED, ..ask(&part) };
    let (debit, other) = (takings_of(asked.organisation, SHARD), float_of(asked.organisation, SHARD));
    let payout = ledger::Transfer {
        debit,
        credit: other,
        amount: 1,
        kind: TransferKind::TopUp,
        reference: None,
        phase: ledger::Phase::Posted,
    };
    book.post(BOOKED, payout).unwrap();
    assert_eq!(Purse.decide(&asked, &book).outcome, Outcome::InsufficientFunds);
}

/// Something that happens between a holder, a shop and the office.
#[derive(Clone, Copy, Debug)]
enum Act {
    TopUp(i64),
    Pay { fen: i64, is_offline: bool },
    Refund { of: usize, fen: i64 },
    Void { of: usize },
    Reverse { of: usize, fen: i64 },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        1 => (1..2_000_i64).prop_map(Act::TopUp),
        3 => (1..1_500_i64, any::<bool>()).prop_map(|(fen, is_offline)| Act::Pay { fen, is_offline }),
        4 => (0..6_usize, -5..1_600_i64).prop_map(|(of, fen)| Act::Refund { of, fen }),
        1 => (0..6_usize).prop_map(|of| Act::Void { of }),
        2 => (0..6_usize, 1..1_600_i64).prop_map(|(of, fen)| Act::Reverse { of, fen }),
    ]
}

/// The payment of a tap, and what was advanced for it.
fn parts(book: &Book, original: &Original) -> (Named, Option<Named>) {
    let moved: Vec<_> = original.transfers.iter().map(|id| book.named(SHARD, *id).unwrap()).collect();
    let advance = moved.iter().copied().find(|named| named.entry.transfer.kind == TransferKind::Shortfall);
    (*moved.last().unwrap(), advance)
}

proptest! {
    #[test]
    fn nothing_goes_back_that_was_not_paid(acts in prop::collection::vec(act(), 1..60)) {
        let mut book = books(1_000);
        let mut sales: Vec<(Original, i64)> = Vec::new();
        for (step, act) in acts.into_iter().enumerate() {
            match act {
                Act::TopUp(fen) => drop(post(&mut book, &ask(&top_up(fen)))),
                Act::Pay { fen, is_offline } => {
                    let sale = if is_offline { pay_offline(fen) } else { pay(fen) };
                    let (outcome, transfers) = post(&mut book, &ask(&sale));
                    if outcome == Outcome::Accepted {
                        sales.push((booked(&sale, transfers), fen));
                    }
                }
                Act::Refund { of, fen } => {
                    let Some((original, _)) = sales.get(of) else { continue };
                    let operation = refund(fen);
                    post(&mut book, &Ask { original: Some(original), received_at: BOOKED, ..ask(&operation) });
                }
                Act::Void { of } => {
                    let Some((original, paid)) = sales.get(of) else { continue };
                    let operation = void(*paid);
                    post(&mut book, &Ask { original: Some(original), received_at: BOOKED, ..ask(&operation) });
                }
                Act::Reverse { of, fen } => {
                    let Some((original, _)) = sales.get(of) else { continue };
                    let (payment, advance) = parts(&book, original);
                    let cause = Reference([u8::try_from(step).unwrap(); 32]);
                    // A member of staff may ask for too much.
                    let transfers = ledger::give_back(&payment, advance.as_ref(), fen, Some(cause));
                    let admitted = book.post_linked(BOOKED, &transfers).is_ok();
                    prop_assert_eq!(admitted, fen <= payment.entry.transfer.amount - payment.reversed);
                }
            }
            let asked = ask(&Operation::GateCheck(card_schema::operation::gate::Check)).holder;
            let shop = OrganisationId::from_bytes([2; 16]);
            let [purse, takings, risk, float] =
                [purse_of(asked, SHARD), takings_of(shop, SHARD), risk_of(SHARD), float_of(shop, SHARD)]
                    .map(|key| book.balance(&key));
            prop_assert_eq!(purse + takings + risk + float, 0, "a unit sums to zero");
            prop_assert!(purse >= 0 && takings >= 0 && risk <= 0, "{} {} {}", purse, takings, risk);
            let (mut kept, mut owed) = (0, 0);
            for (original, paid) in &sales {
                let (payment, advance) = parts(&book, original);
                prop_assert!((0..=*paid).contains(&payment.reversed), "{} of {}", payment.reversed, paid);
                kept += paid - payment.reversed;
                let advanced = advance.map_or(0, |advance| advance.entry.transfer.amount);
                let repaid = advance.map_or(0, |advance| advance.reversed);
                prop_assert_eq!(repaid, advanced.min(payment.reversed), "the issuer comes first");
                owed += advanced - repaid;
            }
            prop_assert_eq!((takings, risk), (kept, -owed));
        }
    }
}
