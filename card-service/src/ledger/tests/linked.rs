//! Linked transfers, and the payment that they were made for: accepted offline and not covered.

use super::*;

fn refused(index: usize, reason: LedgerError) -> Result<Linked<'static>, Refused> {
    Err(Refused { index, reason })
}

#[test]
fn linked_transfers_see_one_another_and_stand_together() {
    let mut book = book();
    let chain = [transfer(purse(1), purse(2), 60, 2), transfer(purse(2), takings(), 50, 3)];
    let Ok(Linked::Posted(entries)) = book.post_linked(NOW, &chain) else { panic!("the chain is posted") };
    assert_eq!(
        entries.iter().map(|entry| (entry.id, entry.transfer)).collect::<Vec<_>>(),
        [(2, chain[0]), (3, chain[1])]
    );
    assert_eq!((book.balance(&purse(1)), book.balance(&purse(2)), book.balance(&takings())), (40, 10, 50));
    let before = picture(&book);
    assert_eq!(book.post_linked(Micros(9), &chain), Ok(Linked::Repeated));
    assert_eq!(book.post_linked(NOW, &[]), Ok(Linked::Posted(&[])));
    assert_eq!(picture(&book), before);
}

#[test]
fn linked_transfers_fall_together_and_leave_nothing_behind() {
    let mut book = book();
    let held = posted(&mut book, NOW, hold(purse(1), takings(), 20, 500, 2));
    let paid = posted(&mut book, NOW, transfer(purse(1), takings(), 30, 3));
    let elsewhere = account(1, 1, AccountKind::Purse);
    let last = transfer(purse(1), purse(9), 81, 7);
    let pay = transfer(purse(1), takings(), 5, 4);
    let overdraft = |available| LedgerError::Overdraft { available, amount: 81 };
    let table: &[(&str, &[Transfer], usize, LedgerError)] = &[
        ("the first", &[last, pay], 0, overdraft(50)),
        ("after a payment that opens an account", &[transfer(purse(1), purse(5), 5, 4), last], 1, overdraft(45)),
        ("after a hold that it had made", &[hold(purse(1), takings(), 5, 9, 4), last], 1, overdraft(45)),
        ("after a hold was posted in part", &[held.posting(10, reference(4)), last], 1, overdraft(60)),
        ("after a hold was voided", &[held.voiding(reference(4)), last], 1, overdraft(70)),
        (
            "after reversals",
            &[paid.reversal(10, Some(reference(4))), paid.reversal(20, Some(reference(5))), last],
            2,
            overdraft(80),
        ),
        ("with one that is there already", &[paid.transfer, pay], 1, LedgerError::ReferenceReused),
        ("before one that is there already", &[pay, paid.transfer], 1, LedgerError::ReferenceReused),
        ("the same twice", &[pay, pay], 1, LedgerError::ReferenceReused),
        (
            "over two shards",
            &[pay, transfer(account(1, 101, AccountKind::CashFloat), elsewhere, 5, 5)],
            1,
            LedgerError::LinkedShards,
        ),
    ];
    let before = picture(&book);
    for (case, chain, index, reason) in table {
        assert_eq!(book.post_linked(NOW, chain), refused(*index, *reason), "{case}");
        assert_eq!(picture(&book), before, "{case}");
        assert_eq!(book.named(Shard(0), held.id), Some(Named::fresh(held)), "{case}");
        assert_eq!(book.named(Shard(0), paid.id), Some(Named::fresh(paid)), "{case}");
        assert_eq!(book.caused(Shard(0), pay.reference, pay.kind), None, "{case}");
    }
}

#[test]
fn a_chain_that_falls_leaves_its_neighbours_standing_and_its_numbers_free() {
    let mut book = book();
    let first = [transfer(purse(1), takings(), 10, 2)];
    let falls = [transfer(purse(1), purse(5), 10, 3), transfer(purse(5), takings(), 11, 4)];
    let second = [transfer(purse(1), purse(6), 10, 5), transfer(purse(6), takings(), 10, 6)];
    assert!(book.post_linked(NOW, &first).is_ok());
    assert_eq!(book.post_linked(NOW, &falls), refused(1, LedgerError::Overdraft { available: 10, amount: 11 }));
    let Ok(Linked::Posted(entries)) = book.post_linked(NOW, &second) else { panic!("the neighbour is posted") };
    assert_eq!(entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(book.opened(0).map(|account| account.id).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(book.opened(3).map(|account| account.key).collect::<Vec<_>>(), [purse(6)]);
    // What fell may be asked for again, and stands when it can.
    posted(&mut book, NOW, transfer(float(), purse(5), 1, 7));
    assert!(matches!(book.post_linked(NOW, &falls), Ok(Linked::Posted(_))));
}

#[test]
fn a_payment_that_must_stand_is_covered_by_the_issuer() {
    let table = [
        ("covered", 0, 100, 0, (0, 0)),
        ("one fen lacking", 0, 101, 1, (0, 0)),
        ("nothing there but what is held", 100, 30, 30, (100, 100)),
        ("a part is held", 40, 100, 40, (40, 40)),
    ];
    for (case, held, amount, shortfall, left) in table {
        let mut book = book();
        if held > 0 {
            posted(&mut book, NOW, hold(purse(1), takings(), held, 500, 2));
        }
        let payment = transfer(purse(1), takings(), amount, 3);
        let covered = cover(&book, payment, risk());
        assert_eq!(covered.shortfall(), shortfall, "{case}");
        let Ok(Linked::Posted(entries)) = book.post_linked(NOW, covered.transfers()) else { panic!("{case}") };
        assert_eq!(entries.len(), if shortfall > 0 { 2 } else { 1 }, "{case}");
        assert_eq!(state(&book, &purse(1)), left, "{case}: no purse goes below zero");
        assert_eq!(book.balance(&risk()), -shortfall, "{case}");
        assert_eq!(book.balance(&takings()), amount, "{case}");

        // Brought again, when the balance is another: the same answer, and nothing moves.
        posted(&mut book, NOW, transfer(float(), purse(1), 7, 4));
        let again = cover(&book, payment, risk());
        assert_eq!(again, covered, "{case}");
        assert_eq!(book.post_linked(NOW, again.transfers()), Ok(Linked::Repeated), "{case}");
    }
}

#[test]
fn what_cannot_be_posted_is_not_covered_either() {
    let mut book = book();
    for (amount, reason) in [
        (0, LedgerError::Amount(0)),
        (i64::MIN, LedgerError::Amount(i64::MIN)),
        (i64::MAX, LedgerError::AmountTooLarge(i64::MAX - 100)),
    ] {
        let covered = cover(&book, transfer(purse(1), takings(), amount, 3), risk());
        assert_eq!(book.post_linked(NOW, covered.transfers()), refused(0, reason));
    }
    let elsewhere = AccountKey { shard: Shard(1), ..risk() };
    let covered = cover(&book, transfer(purse(1), takings(), 101, 3), elsewhere);
    assert_eq!(book.post_linked(NOW, covered.transfers()), refused(0, LedgerError::Accounts));
}
