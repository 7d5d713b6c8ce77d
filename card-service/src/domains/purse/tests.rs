//! The purse's rules as a table.

use card_schema::clock::Micros;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{HolderId, OrganisationId, Shard, TapId, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::{Operation, purse};
use card_schema::wire::terminal::Limits;

use super::*;
use crate::domains::{Ask, Decision, Effect, Room as _};
use crate::ledger::{Account, Book, CreditLimit, TransferKind};
use crate::testing::town::{NO_PROGRAMMES, NOTHING_SPENT, OFFLINE, REFUNDS};

mod refunds;

const SHARD: Shard = Shard(3);

fn decide(operation: &Operation, balance: i64) -> Decision {
    decide_for(operation, balance, false)
}

/// What a terminal of a shop asks for a holder.
fn ask(operation: &Operation) -> Ask<'_> {
    Ask {
        tap: TapId([1; 32]),
        operation,
        holder: HolderId::new(SHARD, [7; 16]),
        shard: SHARD,
        organisation: OrganisationId::from_bytes([2; 16]),
        terminal: TerminalId::from_bytes([3; 16]),
        at: Micros(0),
        received_at: Micros(0),
        limits: Limits {
            no_pin_limit: Fen(10_000),
            tap_limit: Fen(100_000),
            top_up_alone: Fen(100_000),
            offline: OFFLINE,
            refunds: REFUNDS,
            low_balance: Fen(1_000),
        },
        day_limits: DayLimits { paid: Fen(200_000), without_pin: 3 },
        spent: NOTHING_SPENT,
        with_pin: false,
        is_approved: false,
        original: None,
        programmes: &NO_PROGRAMMES,
        lots: None,
        claims: &[],
        transit: None,
        is_issuers: false,
    }
}

fn decide_for(operation: &Operation, balance: i64, is_issuers: bool) -> Decision {
    let ask = Ask { is_issuers, ..ask(operation) };
    let mut book = Book::default();
    let credit_limit = CreditLimit::NO_OVERDRAFT;
    book.load_account(Account { key: purse_of(ask.holder, SHARD), id: 1, credit_limit, balance, held: 0 });
    Purse.decide(&ask, &book)
}

fn pay(fen: i64) -> Operation {
    Operation::PursePayment(purse::Payment::online(Fen(fen)))
}

fn pay_offline(fen: i64) -> Operation {
    Operation::PursePayment(purse::Payment { accepted_offline: true, ..purse::Payment::online(Fen(fen)) })
}

fn top_up(fen: i64) -> Operation {
    Operation::PurseTopUp(purse::TopUp::cash(Fen(fen)))
}

#[test]
fn what_may_be_paid_and_topped_up() {
    use Outcome::{Accepted, AmountOutOfRange, InsufficientFunds};
    let table = [
        ("a payment within the balance", pay(1_250), 5_000, Accepted),
        ("a payment of the whole balance", pay(5_000), 5_000, Accepted),
        ("a payment one fen over the balance", pay(5_001), 5_000, InsufficientFunds),
        ("a payment of nothing", pay(0), 5_000, AmountOutOfRange),
        ("a negative payment", pay(-1), 5_000, AmountOutOfRange),
        ("a payment at the limit of one tap", pay(100_000), 100_000, Accepted),
        ("a payment over the limit of one tap", pay(100_001), 200_000, AmountOutOfRange),
        ("the most negative payment", pay(i64::MIN), 5_000, AmountOutOfRange),
        ("cash into an empty purse", top_up(5_000), 0, Accepted),
        ("no cash", top_up(0), 0, AmountOutOfRange),
        ("negative cash", top_up(-5), 100, AmountOutOfRange),
        ("cash over the limit", top_up(100_001), 0, AmountOutOfRange),
    ];
    for (case, operation, balance, outcome) in table {
        let decision = decide(&operation, balance);
        assert_eq!(decision.outcome, outcome, "{case}");
        assert_eq!(decision.transfers.len(), usize::from(outcome == Accepted), "{case}");
        assert!(decision.shows.is_some(), "{case}: the holder sees the balance");
    }
}

#[test]
fn an_inquiry_moves_nothing_and_shows_what_is_left() {
    for balance in [0, 5_000] {
        let decision = decide(&Operation::PurseInquiry(purse::Inquiry), balance);
        assert_eq!((decision.outcome, decision.transfers.len()), (Outcome::Accepted, 0));
        assert_eq!(decision.shows, Some(purse_of(HolderId::new(SHARD, [7; 16]), SHARD)));
    }
}

#[test]
fn money_goes_from_purse_to_takings_and_from_float_to_purse() {
    let payment = decide(&pay(10), 10).transfers[0];
    assert_eq!(payment.debit, purse_of(HolderId::new(SHARD, [7; 16]), SHARD));
    assert_eq!(payment.credit, takings_of(OrganisationId::from_bytes([2; 16]), SHARD));
    let cash = decide(&top_up(10), 0).transfers[0];
    assert_eq!(cash.debit, float_of(OrganisationId::from_bytes([2; 16]), SHARD));
    assert_eq!(cash.credit, payment.debit);
}

#[test]
fn what_a_terminal_has_accepted_on_its_own_stands_and_the_issuer_advances_what_lacks() {
    let purse = purse_of(HolderId::new(SHARD, [7; 16]), SHARD);
    let takings = takings_of(OrganisationId::from_bytes([2; 16]), SHARD);
    let (payment, shortfall) = (TransferKind::Payment, TransferKind::Shortfall);
    let table = [
        ("covered", 1_250, 5_000, vec![(purse, takings, 1_250, payment)], false),
        (
            "in part",
            1_250,
            1_000,
            vec![(risk_of(SHARD), purse, 250, shortfall), (purse, takings, 1_250, payment)],
            true,
        ),
        ("not at all", 7, 0, vec![(risk_of(SHARD), purse, 7, shortfall), (purse, takings, 7, payment)], true),
    ];
    for (case, amount, balance, moved, is_suspended) in table {
        let decision = decide(&pay_offline(amount), balance);
        assert_eq!(decision.outcome, Outcome::Accepted, "{case}");
        let transfers = decision.transfers.iter();
        let found: Vec<_> = transfers.map(|one| (one.debit, one.credit, one.amount, one.kind)).collect();
        assert_eq!(found, moved, "{case}");
        assert_eq!(decision.effects.contains(&Effect::Suspend), is_suspended, "{case}");
    }
    let decision = decide_for(&pay_offline(7), 5_000, true);
    assert_eq!(decision.transfers[0].debit, risk_of(SHARD), "a thief's payment is not the holder's");
    assert_eq!(decide(&pay_offline(OFFLINE.tap.0 + 1), i64::MAX).outcome, Outcome::AmountOutOfRange);
}

#[test]
fn what_is_topped_up_beyond_a_days_limit_is_approved_or_waits_where_the_cash_is_in_the_drawer() {
    use Outcome::{Accepted, ApprovalRequired, Quarantined};
    let table = [
        ("the last fen of a day", 99_900, 100, false, 0, Accepted),
        ("one fen more", 99_900, 101, false, 0, ApprovalRequired),
        ("approved", 99_900, 101, true, 0, Accepted),
        ("kept for ten seconds", 99_900, 101, false, 10, ApprovalRequired),
        ("kept for longer", 99_900, 101, false, 11, Quarantined),
        ("kept, and within the day", 99_900, 100, false, 11, Accepted),
        ("kept, and more than any terminal takes alone", 0, 100_001, false, 11, ApprovalRequired),
        ("a clock that goes ahead is not late", 99_900, 101, false, -11, ApprovalRequired),
        ("more than can be counted", i64::MAX, 1, false, 0, ApprovalRequired),
    ];
    for (case, topped_up, amount, is_approved, late_s, outcome) in table {
        let operation = Operation::PurseTopUp(purse::TopUp::cash(Fen(amount)));
        let plain = ask(&operation);
        let limits = Limits { tap_limit: Fen(200_000), ..plain.limits };
        let spent = Spent { topped_up: Fen(topped_up), ..NOTHING_SPENT };
        let received_at = plain.at.plus_seconds(late_s);
        let ask = Ask { received_at, limits, spent, is_approved, ..plain };
        let decision = Purse.decide(&ask, &Book::default());
        assert_eq!(decision.outcome, outcome, "{case}");
        let counts = Spent { topped_up: Fen(amount), ..NOTHING_SPENT };
        let counted = (outcome == Accepted && !is_approved).then_some(Effect::Spent(day_of(&ask), counts));
        assert_eq!(decision.effects, Vec::from_iter(counted), "{case}");
    }
}

#[test]
fn a_day_allows_so_much_and_so_often_without_the_pin() {
    use Outcome::{Accepted, DayLimitReached, PinRequired};
    let table = [
        ("the first of a day", 0, 0, 100, false, Accepted),
        ("the last fen of a day", 199_900, 0, 100, false, Accepted),
        ("one fen more", 199_900, 0, 101, false, DayLimitReached),
        ("the PIN does not make it less", 199_900, 0, 101, true, DayLimitReached),
        ("the last one without PIN", 0, 2, 100, false, Accepted),
        ("the next one", 0, 3, 100, false, PinRequired),
        ("with PIN", 0, 3, 100, true, Accepted),
        ("whoever has paid too much is not asked for the PIN", 200_000, 3, 1, false, DayLimitReached),
        ("more than can be counted", i64::MAX, 0, 1, false, DayLimitReached),
    ];
    let mut book = Book::default();
    let (holder, credit_limit) = (HolderId::new(SHARD, [7; 16]), CreditLimit::NO_OVERDRAFT);
    book.load_account(Account { key: purse_of(holder, SHARD), id: 1, credit_limit, balance: 1_000, held: 0 });
    for (case, paid, without_pin, amount, with_pin, outcome) in table {
        let operation = pay(amount);
        let ask = Ask { spent: Spent { paid: Fen(paid), without_pin, ..NOTHING_SPENT }, with_pin, ..ask(&operation) };
        let decision = Purse.decide(&ask, &book);
        assert_eq!(decision.outcome, outcome, "{case}");
        let counts = Spent { paid: Fen(amount), without_pin: u32::from(!with_pin), ..NOTHING_SPENT };
        let counted = (outcome == Accepted).then_some(Effect::Spent(day_of(&ask), counts));
        assert_eq!(decision.effects, Vec::from_iter(counted), "{case}");
    }
}

#[test]
fn a_payment_goes_to_the_day_of_the_service_and_one_accepted_without_it_to_that_of_the_terminal() {
    let (received_at, at) = (Micros(30 * 86_400_000_000), Micros(28 * 86_400_000_000));
    for (operation, day) in [(pay(5), 30), (pay_offline(5), 28)] {
        let ask = Ask { at, received_at, ..ask(&operation) };
        assert_eq!(day_of(&ask).day.days(), day);
    }
}
