//! What is refused whatever phase a transfer has, and that a refusal changes nothing.

use super::*;

#[test]
fn each_refusal_says_why_and_changes_nothing() {
    let mut book = book();
    let points = AccountKey { unit: Unit::Points(ProgrammeId(1)), ..takings() };
    let elsewhere = AccountKey { shard: Shard(1), ..takings() };
    let pay = |amount| transfer(purse(1), takings(), amount, 9);
    let table = [
        ("nothing", pay(0), LedgerError::Amount(0)),
        ("a negative amount", pay(-1), LedgerError::Amount(-1)),
        ("the most negative amount", pay(i64::MIN), LedgerError::Amount(i64::MIN)),
        ("over the limit of one transfer", pay(MAX_AMOUNT + 1), LedgerError::AmountTooLarge(MAX_AMOUNT + 1)),
        ("the largest number", pay(i64::MAX), LedgerError::AmountTooLarge(i64::MAX)),
        ("to itself", transfer(purse(1), purse(1), 5, 9), LedgerError::Accounts),
        ("into another shard", transfer(purse(1), elsewhere, 5, 9), LedgerError::Accounts),
        ("into another unit", transfer(purse(1), points, 5, 9), LedgerError::Accounts),
        ("more than there is", pay(101), LedgerError::Overdraft { available: 100, amount: 101 }),
        (
            "from an empty purse",
            transfer(purse(2), takings(), 1, 9),
            LedgerError::Overdraft { available: 0, amount: 1 },
        ),
        (
            "a hold of more than there is",
            hold(purse(1), takings(), 101, 10, 9),
            LedgerError::Overdraft { available: 100, amount: 101 },
        ),
        ("a hold without time", hold(purse(1), takings(), 5, 0, 9), LedgerError::Timeout(0)),
        ("a hold that was over before", hold(purse(1), takings(), 5, -1, 9), LedgerError::Timeout(-1)),
        ("a used cause with another amount", transfer(float(), purse(1), 101, 1), LedgerError::ReferenceReused),
        ("a used cause for another account", transfer(float(), purse(2), 100, 1), LedgerError::ReferenceReused),
        ("a used cause for a hold", hold(float(), purse(1), 100, 10, 1), LedgerError::ReferenceReused),
    ];
    let before = picture(&book);
    for (case, refused, why) in table {
        assert_eq!(book.post(NOW, refused), Err(why), "{case}");
        assert_eq!(picture(&book), before, "{case}");
    }
}

#[test]
fn the_same_transfer_again_is_answered_again_and_moves_nothing() {
    let mut book = book();
    let pay = transfer(purse(1), takings(), 30, 2);
    let first = posted(&mut book, NOW, pay);
    for later in [NOW, Micros(i64::MAX)] {
        assert_eq!(book.post(later, pay), Ok(Applied::Repeated(first)));
    }
    assert_eq!(state(&book, &purse(1)), (70, 0));
    let other_kind = Transfer { kind: TransferKind::TopUp, ..pay };
    assert!(matches!(book.post(NOW, other_kind), Ok(Applied::Posted(_))), "one cause may bring about two kinds");
    let elsewhere = transfer(account(1, 101, AccountKind::CashFloat), account(1, 1, AccountKind::Purse), 5, 2);
    assert!(matches!(book.post(NOW, elsewhere), Ok(Applied::Posted(_))), "and something in each shard");
}

#[test]
fn balances_and_held_amounts_near_the_end_of_the_range_are_refused_not_wrapped() {
    let full = |key, balance, held| Account { key, id: 7, credit_limit: CreditLimit::UNLIMITED, balance, held };
    let table = [
        ("the credited balance", full(purse(1), 0, 0), full(takings(), i64::MAX, 0), Phase::Posted),
        ("the debited balance", full(purse(1), i64::MIN, 0), full(takings(), 0, 0), Phase::Posted),
        ("the held amount", full(purse(1), 0, i64::MAX), full(takings(), 0, 0), Phase::Pending { timeout_micros: 1 }),
    ];
    for (case, debit, credit, phase) in table {
        let mut book = Book::default();
        book.load_account(debit);
        book.load_account(credit);
        let transfer = Transfer { phase, ..transfer(purse(1), takings(), 1, 1) };
        assert_eq!(book.post(NOW, transfer), Err(LedgerError::Overflow), "{case}");
        assert_eq!(book.changed().count(), 0, "{case}");
    }
}

#[test]
fn an_account_goes_below_zero_as_far_as_its_credit_limit_and_holds_count() {
    let limit = CreditLimit::new(50).unwrap();
    let table = [
        ("down to the limit", 10, 0, 60, None),
        ("one below the limit", 10, 0, 61, Some(60)),
        ("what is held is gone", 10, 20, 40, None),
        ("what is held is gone, one more", 10, 20, 41, Some(40)),
        ("at the limit already", -50, 0, 1, Some(0)),
    ];
    for (case, balance, held, amount, refused) in table {
        let mut book = Book::default();
        book.load_account(Account { key: takings(), id: 1, credit_limit: limit, balance, held });
        let result = book.post(NOW, transfer(takings(), purse(1), amount, 1)).map(|_| ());
        assert_eq!(
            result,
            refused.map_or(Ok(()), |available| Err(LedgerError::Overdraft { available, amount })),
            "{case}"
        );
    }
    assert_eq!(CreditLimit::new(-1), None);
}

#[test]
fn only_points_and_the_edges_of_the_ledger_go_below_zero() {
    use AccountKind::{CashFloat, HolderPoints, IssuerRisk, PointsLiability, Purse, Settlement, Takings};
    for (kind, goes_below) in [
        (Purse, false),
        (Takings, false),
        (HolderPoints, true),
        (CashFloat, true),
        (IssuerRisk, true),
        (PointsLiability, true),
        (Settlement, true),
    ] {
        let debit = account(0, 1, kind);
        let credit = AccountKey { owner: Owner([9; 16]), ..debit };
        assert_eq!(Book::default().post(NOW, transfer(debit, credit, 1, 1)).is_ok(), goes_below, "{kind:?}");
        assert_eq!(AccountKind::from_number(kind.number()), Some(kind));
    }
}
