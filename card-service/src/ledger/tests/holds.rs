//! Holds: what they take from what is available, and how they end.

use super::*;

/// Held at `NOW` as transfer 2, for 500 microseconds: 60 of the 100 in purse 1.
fn held() -> (Book, Entry) {
    let mut book = book();
    let entry = posted(&mut book, NOW, hold(purse(1), takings(), 60, 500, 2));
    (book, entry)
}

const LAST_MOMENT: Micros = Micros(1_499);
const OVER: Micros = Micros(1_500);

#[test]
fn a_hold_stays_in_the_balance_and_is_not_available() {
    let (mut book, _) = held();
    assert_eq!(state(&book, &purse(1)), (100, 60));
    assert_eq!(book.available(&purse(1)), 40);
    assert_eq!(state(&book, &takings()), (0, 0));
    let too_much = transfer(purse(1), takings(), 41, 3);
    assert_eq!(book.post(NOW, too_much), Err(LedgerError::Overdraft { available: 40, amount: 41 }));
    posted(&mut book, NOW, transfer(purse(1), takings(), 40, 3));
    assert_eq!(state(&book, &purse(1)), (60, 60));
}

/// A name, transfers of which only the last may be refused, and balance and held amount of the purse after it.
type Case<'a> = (&'a str, &'a [(Micros, Transfer)], Result<(i64, i64), LedgerError>);

#[test]
fn how_a_hold_ends() {
    let (start, entry) = held();
    let original = posted(&mut start.clone(), NOW, transfer(purse(1), takings(), 1, 3));
    let post = |amount, cause| entry.posting(amount, reference(cause));
    let void = |cause| entry.voiding(reference(cause));
    let absent = |transfer: Transfer, phase| Transfer { phase, ..transfer };
    let moved = Phase::PostHold { hold: 1 };
    let other = takings();
    let table: &[Case<'_>] = &[
        ("posted in full", &[(NOW, post(60, 3))], Ok((40, 0))),
        ("posted in part, the rest released", &[(NOW, post(20, 3))], Ok((80, 0))),
        ("posted at the last moment", &[(LAST_MOMENT, post(60, 3))], Ok((40, 0))),
        ("voided", &[(NOW, void(3))], Ok((100, 0))),
        ("expired", &[(OVER, entry.expiry())], Ok((100, 0))),
        ("posted twice for one cause", &[(NOW, post(20, 3)), (NOW, post(20, 3))], Ok((80, 0))),
        ("voided twice for one cause", &[(NOW, void(3)), (OVER, void(3))], Ok((100, 0))),
        ("expired twice", &[(OVER, entry.expiry()), (NOW, entry.expiry())], Ok((100, 0))),
        ("more than was held", &[(NOW, post(61, 3))], Err(LedgerError::OverHold { held: 60, amount: 61 })),
        ("posted twice", &[(NOW, post(20, 3)), (NOW, post(20, 4))], Err(LedgerError::HoldPosted(2))),
        (
            "posted again with another amount",
            &[(NOW, post(20, 3)), (NOW, post(21, 3))],
            Err(LedgerError::ReferenceReused),
        ),
        ("voided after posting", &[(NOW, post(20, 3)), (NOW, void(4))], Err(LedgerError::HoldPosted(2))),
        ("expired after posting", &[(NOW, post(20, 3)), (OVER, entry.expiry())], Err(LedgerError::HoldPosted(2))),
        ("posted after voiding", &[(NOW, void(3)), (NOW, post(60, 4))], Err(LedgerError::HoldVoided(2))),
        ("voided twice", &[(NOW, void(3)), (NOW, void(4))], Err(LedgerError::HoldVoided(2))),
        ("expired after voiding", &[(NOW, void(3)), (OVER, entry.expiry())], Err(LedgerError::HoldVoided(2))),
        ("posted when its time was over", &[(OVER, post(60, 3))], Err(LedgerError::HoldExpired(2))),
        ("voided when its time was over", &[(OVER, void(3))], Err(LedgerError::HoldExpired(2))),
        ("posted after expiry", &[(OVER, entry.expiry()), (OVER, post(60, 3))], Err(LedgerError::HoldExpired(2))),
        ("voided after expiry", &[(OVER, entry.expiry()), (NOW, void(3))], Err(LedgerError::HoldExpired(2))),
        (
            "expired before its time was over",
            &[(LAST_MOMENT, entry.expiry())],
            Err(LedgerError::HoldNotDue { hold: 2, expires_at: OVER }),
        ),
        ("a transfer that is no hold", &[(NOW, absent(post(60, 3), moved))], Err(LedgerError::NotAHold(1))),
        (
            "a transfer that is not there",
            &[(NOW, absent(post(60, 3), Phase::PostHold { hold: 3 }))],
            Err(LedgerError::NotFound(3)),
        ),
        (
            "a number below all",
            &[(NOW, absent(post(60, 3), Phase::VoidHold { hold: i64::MIN }))],
            Err(LedgerError::NotFound(i64::MIN)),
        ),
        ("to another account", &[(NOW, Transfer { credit: purse(2), ..post(60, 3) })], Err(LedgerError::Mismatch(2))),
        ("from another account", &[(NOW, Transfer { debit: purse(2), ..post(60, 3) })], Err(LedgerError::Mismatch(2))),
        ("of another kind", &[(NOW, Transfer { kind: TransferKind::TopUp, ..void(3) })], Err(LedgerError::Mismatch(2))),
        ("voided in part", &[(NOW, Transfer { amount: 59, ..void(3) })], Err(LedgerError::Mismatch(2))),
        ("expired in part", &[(OVER, Transfer { amount: 59, ..entry.expiry() })], Err(LedgerError::Mismatch(2))),
        (
            "expired for a cause",
            &[(OVER, Transfer { reference: Some(reference(3)), ..entry.expiry() })],
            Err(LedgerError::Mismatch(2)),
        ),
        (
            "posted for the cause of the hold",
            &[(NOW, entry.posting(60, reference(2)))],
            Err(LedgerError::ReferenceReused),
        ),
    ];
    assert_eq!(original.id, 3);
    for (case, transfers, expected) in table {
        let mut book = start.clone();
        let (last, before) = transfers.split_last().unwrap();
        for (at, transfer) in before {
            posted(&mut book, *at, *transfer);
        }
        let picture_before = picture(&book);
        let balances_before = (state(&book, &purse(1)), state(&book, &other));
        let result = book.post(last.0, last.1);
        assert_eq!(result.map(|_| state(&book, &purse(1))), *expected, "{case}");
        if expected.is_err() {
            assert_eq!(picture(&book), picture_before, "{case}");
            assert_eq!((state(&book, &purse(1)), state(&book, &other)), balances_before, "{case}");
        }
        let (balance, _) = state(&book, &purse(1));
        assert_eq!(balance + book.balance(&other), 100, "{case}: what left the purse is in the takings");
    }
}

#[test]
fn what_a_hold_took_is_available_again_when_it_ends() {
    let (mut book, entry) = held();
    posted(&mut book, OVER, entry.expiry());
    assert_eq!(book.available(&purse(1)), 100);
    posted(&mut book, OVER, transfer(purse(1), takings(), 100, 3));
}

#[test]
fn a_hold_outlives_a_limit_that_was_lowered() {
    // What was promised is kept: the end of a hold asks for nothing that was not set aside.
    let limit = CreditLimit::NO_OVERDRAFT;
    let mut book = Book::default();
    book.load_account(Account { key: purse(1), id: 1, credit_limit: limit, balance: -30, held: 60 });
    book.load_account(Account { key: takings(), id: 2, credit_limit: limit, balance: 30, held: 0 });
    book.load_last_ids(Shard(0), LastIds { account: 2, transfer: 9 });
    let entry = Entry { id: 5, at: NOW, transfer: hold(purse(1), takings(), 60, 500, 2) };
    book.load_named(Named::fresh(entry));
    let post = posted(&mut book, NOW, entry.posting(60, reference(3)));
    assert_eq!(post.id, 10);
    assert_eq!(state(&book, &purse(1)), (-90, 0));
}

#[test]
fn a_hold_that_is_loaded_is_decided_by_how_it_ended() {
    let entry = Entry { id: 5, at: NOW, transfer: hold(purse(1), takings(), 60, 500, 2) };
    let ended = |transfer| Some(Entry { id: 6, at: NOW, transfer });
    let void = entry.voiding(reference(4));
    for (ended_by, expected) in [
        (ended(entry.posting(1, reference(3))), Err(LedgerError::HoldPosted(5))),
        (ended(entry.voiding(reference(3))), Err(LedgerError::HoldVoided(5))),
        (ended(entry.expiry()), Err(LedgerError::HoldExpired(5))),
        // The cause was not loaded; the hold knows it all the same.
        (ended(void), Ok(Applied::Repeated(Entry { id: 6, at: NOW, transfer: void }))),
    ] {
        let mut book = Book::default();
        book.load_named(Named { ended_by, ..Named::fresh(entry) });
        assert_eq!(book.post(NOW, void), expected);
    }
}

#[test]
fn a_phase_reads_back_from_its_row_and_no_other_row_is_read() {
    let phases = [
        Phase::Posted,
        Phase::Pending { timeout_micros: 7 },
        Phase::PostHold { hold: 8 },
        Phase::VoidHold { hold: 8 },
        Phase::ExpireHold { hold: 8 },
        Phase::Reversal { of: 8 },
    ];
    for phase in phases {
        let (number, refers_to, timeout) = (phase.number(), phase.refers_to(), phase.timeout_micros());
        assert_eq!(Phase::from_row(number, refers_to, timeout), Some(phase));
        let opposite = |column: Option<i64>| if column.is_some() { None } else { Some(8) };
        assert_eq!(Phase::from_row(number, opposite(refers_to), timeout), None, "{phase:?}");
        assert_eq!(Phase::from_row(number, refers_to, opposite(timeout)), None, "{phase:?}");
    }
    assert_eq!(Phase::from_row(0, None, None), None);
    assert_eq!(Phase::from_row(7, None, None), None);
}
