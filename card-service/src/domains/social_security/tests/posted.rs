//! What a declaration moves is what it says, to the fen: whatever is declared, and whatever is corrected afterwards.

use std::collections::BTreeMap;

use card_schema::clock::Micros;
use card_schema::ids::{HolderId, OrganisationId, Shard};
use card_schema::money::Fen;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domains::social_security::declaration::{
    self, DeclarationId, Declared, Earlier, Insured, Known, Line, Of, Sums,
};
use crate::domains::social_security::posting::{self, NotPaid, To};
use crate::ledger::{AccountKind, Book, Entry, Transfer};

const SHARD: Shard = Shard(3);
const EMPLOYER: OrganisationId = OrganisationId(Uuid::from_u128(7));

fn person(number: u8) -> HolderId {
    HolderId::new(SHARD, [number; 16])
}

fn sums(wage: i64, household: Household) -> Sums {
    let worker = worker(wage, household, "1990-01-01");
    Sums::of(&contributions(&Scheme::beijing(), month("2025-07"), &worker).unwrap())
}

/// A book that has what stands to the employer's credit, and what each declaration has moved.
#[derive(Default)]
struct Books {
    book: Book,
    moved: BTreeMap<(To, DeclarationId), Entry>,
}

impl Books {
    fn post(&mut self, id: DeclarationId, lines: &[Line<HolderId>]) -> Result<Vec<Transfer>, NotPaid> {
        let wanted = posting::corrected(lines);
        let earlier = wanted.iter().filter_map(|key| Some((*key, *self.moved.get(key)?))).collect();
        let transfers = posting::transfers(SHARD, EMPLOYER, id, lines, &earlier)?;
        let linked = self.book.post_linked(Micros(1), &transfers).unwrap();
        let crate::ledger::Linked::Posted(entries) = linked else { panic!("posted before") };
        let entries = entries.to_vec();
        for line in lines {
            let places = Insurance::ALL.into_iter().map(To::Fund);
            for to in places.chain([To::PensionAccount(line.holder), To::MedicalAccount(line.holder)]) {
                let cause = Some(to.cause(id));
                self.moved.extend(
                    entries.iter().find(|entry| entry.transfer.reference == cause).map(|entry| ((to, id), *entry)),
                );
            }
        }
        Ok(transfers)
    }

    fn balance(&self, kind: AccountKind) -> i64 {
        self.book.opened(0).filter(|account| account.key.kind == kind).map(|account| account.balance).sum()
    }
}

#[test]
fn a_correction_is_reckoned_by_the_class_of_risk_of_what_it_corrects() {
    let scheme = Scheme::beijing();
    let row =
        Declared { row: 2, number: "TEST1".to_owned(), name: "测试".to_owned(), wage: Fen(800_000), base: None };
    let reckoned = |risk, earlier: Option<Earlier>| {
        let insured = Insured {
            holder: 1_u8,
            household: Household::OtherUrban,
            born: Some("1990-01-01".parse().unwrap()),
            is_called_so: true,
            earlier,
        };
        let of = Of { month: month("2026-05"), corrects: earlier.is_some() };
        let known = Known([("TEST1".to_owned(), insured)].into());
        declaration::reckon(&scheme, of, risk, std::slice::from_ref(&row), &known).unwrap()[0]
    };
    let (second, fifth) = (reckoned(2, None), reckoned(5, None));
    assert_ne!(second.sums, fifth.sums);
    let id = DeclarationId([1; 16]);
    let of = |line: Line<u8>| Some(Earlier { declaration: id, risk: line.risk, sums: line.sums });
    let correction = reckoned(5, of(second));
    assert_eq!((correction.sums, correction.net()), (second.sums, Fen::ZERO));
    assert_eq!(reckoned(7, of(correction)).sums, second.sums, "and so is one that corrects the correction");
}

#[test]
fn what_was_never_paid_is_not_moved_back() {
    let sums_before = sums(800_000, Household::OtherUrban);
    let corrects = Some(Earlier { declaration: DeclarationId([9; 16]), risk: 2, sums: sums_before });
    let line = Line { holder: person(1), wage: Fen(1), risk: 2, sums: sums(900_000, Household::OtherUrban), corrects };
    assert_eq!(Books::default().post(DeclarationId([1; 16]), &[line]), Err(NotPaid));
}

proptest! {
    /// The sum of shares is what is to be paid.
    #[test]
    fn shares_are_the_bill(wage in 0_i64..10_000_000, of in 0_usize..4) {
        let sums = sums(wage, Household::ALL[of]);
        let funds: i64 = Insurance::ALL.into_iter().map(|insurance| sums.to_fund(insurance).0).sum();
        prop_assert_eq!(funds + sums.pension_account.0 + sums.medical_account.0, sums.due().0);
        prop_assert_eq!(sums.insurances.iter().map(|part| part.0).sum::<i64>(), sums.due().0);
        prop_assert!(Insurance::ALL.into_iter().all(|insurance| sums.to_fund(insurance) >= Fen::ZERO));
    }

    /// However often something is corrected, the books hold what was declared last.
    #[test]
    fn the_books_hold_what_was_declared_last(
        wages in prop::collection::vec(prop::collection::vec(0_i64..5_000_000, 3), 1..5),
        picked in prop::collection::vec(prop::collection::vec(any::<bool>(), 3), 5),
    ) {
        let (mut books, mut last) = (Books::default(), BTreeMap::<u8, Earlier>::new());
        for (number, wages) in wages.iter().enumerate() {
            let id = DeclarationId([u8::try_from(number).unwrap() + 1; 16]);
            let all = (0_u8..3).filter(|one| number == 0 || picked[number][usize::from(*one)]);
            let line = |one: u8| {
                let sums = sums(wages[usize::from(one)], Household::ALL[usize::from(one)]);
                Line { holder: person(one), wage: Fen(wages[usize::from(one)]), risk: 2, sums, corrects: last.get(&one).copied() }
            };
            let lines: Vec<_> = all.clone().map(line).collect();
            let before = books.balance(AccountKind::EmployerCredit);
            books.post(id, &lines).unwrap();
            let net: i64 = lines.iter().map(|line| line.net().0).sum();
            prop_assert_eq!(books.balance(AccountKind::EmployerCredit), before - net);
            last.extend(all.zip(lines).map(|(one, line)| (one, Earlier { declaration: id, risk: 2, sums: line.sums })));
        }
        let own = |part: fn(&Sums) -> Fen| last.values().map(|earlier| part(&earlier.sums).0).sum::<i64>();
        prop_assert_eq!(books.balance(AccountKind::PensionAccount), own(|sums| sums.pension_account));
        prop_assert_eq!(books.balance(AccountKind::MedicalAccount), own(|sums| sums.medical_account));
        prop_assert_eq!(books.balance(AccountKind::WorkInjuryFund), own(|sums| sums.to_fund(Insurance::WorkInjury)));
        prop_assert_eq!(books.balance(AccountKind::EmployerCredit), -own(Sums::due));
    }
}
