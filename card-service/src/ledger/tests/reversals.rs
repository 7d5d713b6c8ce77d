//! Reversals: what may be moved back, and how much.

use super::*;

#[test]
fn what_may_be_reversed() {
    // 1: 100 into purse 1, from before. 2: 40 paid. 3: 30 held, 4: 20 of it posted. 5: 10 held, 6: voided. 7: 5 held.
    let mut start = book();
    let paid = posted(&mut start, NOW, transfer(purse(1), takings(), 40, 2));
    let held = posted(&mut start, NOW, hold(purse(1), takings(), 30, 500, 3));
    let post = posted(&mut start, NOW, held.posting(20, reference(4)));
    let second = posted(&mut start, NOW, hold(purse(1), takings(), 10, 500, 5));
    let void = posted(&mut start, NOW, second.voiding(reference(6)));
    let third = posted(&mut start, NOW, hold(purse(1), takings(), 5, 500, 7));
    let back = |of: &Entry, amount, cause| of.reversal(amount, Some(reference(cause)));
    let of_a_reversal = Entry { id: 8, ..paid };
    let table: &[(&str, &[Transfer], Result<i64, LedgerError>)] = &[
        ("in full", &[back(&paid, 40, 8)], Ok(80)),
        ("in part", &[back(&paid, 15, 8)], Ok(55)),
        ("in parts that make the whole", &[back(&paid, 15, 8), back(&paid, 25, 9)], Ok(80)),
        ("twice for one cause", &[back(&paid, 40, 8), back(&paid, 40, 8)], Ok(80)),
        ("what was posted of a hold", &[back(&post, 20, 8)], Ok(60)),
        ("more than was moved", &[back(&paid, 41, 8)], Err(LedgerError::OverReversal { left: 40, amount: 41 })),
        (
            "in parts that make more",
            &[back(&paid, 15, 8), back(&paid, 26, 9)],
            Err(LedgerError::OverReversal { left: 25, amount: 26 }),
        ),
        ("twice", &[back(&paid, 40, 8), back(&paid, 40, 9)], Err(LedgerError::OverReversal { left: 0, amount: 40 })),
        (
            "what was held and not posted",
            &[back(&post, 21, 8)],
            Err(LedgerError::OverReversal { left: 20, amount: 21 }),
        ),
        ("a hold", &[back(&third, 5, 8)], Err(LedgerError::NothingToReverse(7))),
        ("a hold that was posted", &[back(&held, 20, 8)], Err(LedgerError::NothingToReverse(3))),
        ("a void", &[back(&void, 10, 8)], Err(LedgerError::NothingToReverse(6))),
        ("a reversal", &[back(&paid, 40, 8), back(&of_a_reversal, 40, 9)], Err(LedgerError::ReversalOfReversal(8))),
        ("what is not there", &[back(&of_a_reversal, 40, 8)], Err(LedgerError::NotFound(8))),
        (
            "in the same direction",
            &[Transfer { debit: purse(1), credit: takings(), ..back(&paid, 5, 8) }],
            Err(LedgerError::Mismatch(2)),
        ),
        ("to somebody else", &[Transfer { credit: purse(2), ..back(&paid, 5, 8) }], Err(LedgerError::Mismatch(2))),
        (
            "as another kind",
            &[Transfer { kind: TransferKind::TopUp, ..back(&paid, 5, 8) }],
            Err(LedgerError::Mismatch(2)),
        ),
        ("for the cause of the original", &[back(&paid, 40, 2)], Err(LedgerError::ReferenceReused)),
        ("nothing", &[back(&paid, 0, 8)], Err(LedgerError::Amount(0))),
    ];
    assert_eq!(state(&start, &purse(1)), (40, 5));
    for (case, transfers, expected) in table {
        let mut book = start.clone();
        let (last, before) = transfers.split_last().unwrap();
        for transfer in before {
            posted(&mut book, NOW, *transfer);
        }
        let picture_before = picture(&book);
        let result = book.post(NOW, *last);
        assert_eq!(result.map(|_| book.balance(&purse(1))), *expected, "{case}");
        assert!(expected.is_ok() || picture(&book) == picture_before, "{case}: nothing changes");
        assert_eq!(book.balance(&purse(1)) + book.balance(&takings()), 100, "{case}");
    }
}

#[test]
fn what_was_spent_meanwhile_cannot_be_taken_back() {
    let mut book = book();
    let paid = posted(&mut book, NOW, transfer(purse(1), takings(), 40, 2));
    posted(&mut book, NOW, transfer(takings(), account(0, 103, AccountKind::Settlement), 30, 3));
    let back = paid.reversal(40, Some(reference(4)));
    assert_eq!(book.post(NOW, back), Err(LedgerError::Overdraft { available: 10, amount: 40 }));
}

#[test]
fn what_was_reversed_before_loading_counts() {
    let mut book = Book::default();
    let paid = Entry { id: 4, at: NOW, transfer: transfer(purse(1), takings(), 40, 2) };
    let limit = CreditLimit::NO_OVERDRAFT;
    book.load_account(Account { key: takings(), id: 1, credit_limit: limit, balance: 100, held: 0 });
    book.load_named(Named { reversed: 30, ..Named::fresh(paid) });
    let back = |amount, cause| paid.reversal(amount, Some(reference(cause)));
    assert_eq!(book.post(NOW, back(11, 5)), Err(LedgerError::OverReversal { left: 10, amount: 11 }));
    posted(&mut book, NOW, back(10, 5));
    assert_eq!(book.named(Shard(0), 4).map(|named| named.reversed), Some(40));
}
