//! What is a number of a document, what is not, and what a mask hides. All numbers are a standard's printed examples or
//! made up; the place codes 110000 to 110099 of the made-up ones belong to no district.

use proptest::prelude::*;

use super::*;

fn today() -> Date {
    Date::new(2026, 11, 23).expect("a day of the calendar")
}

fn parse(typed: &str) -> Result<DocumentNumber, DocumentError> {
    DocumentNumber::parse(typed, today())
}

fn date(year: u16, month: u8, day: u8) -> Date {
    Date::new(year, month, day).expect("a day of the calendar")
}

#[test]
fn numbers_are_read_with_what_they_say() {
    use DocumentKind::{Citizen, ForeignResident2017, ForeignResident2023};
    let table = [
        ("11010519491231002X", Citizen, date(1949, 12, 31), Sex::Female),
        ("440524188001010014", Citizen, date(1880, 1, 1), Sex::Male),
        ("810000199001010019", Citizen, date(1990, 1, 1), Sex::Male),
        ("KAZ110090123105", ForeignResident2017, date(1990, 12, 31), Sex::Female),
        ("911398199012310021", ForeignResident2023, date(1990, 12, 31), Sex::Female),
    ];
    for (typed, kind, birth, sex) in table {
        let number = parse(typed).unwrap_or_else(|error| panic!("{typed}: {error}"));
        assert_eq!(number.kind(), kind, "{typed}");
        assert_eq!(number.birth(today()), birth, "{typed}");
        assert_eq!(number.sex(), sex, "{typed}");
        assert_eq!(number.expose_number(), typed);
        assert_eq!(DocumentKind::from_name(kind.name()), Some(kind));
    }
}

#[test]
fn a_number_is_the_same_however_it_is_typed() {
    let number = parse("11010519491231002X").unwrap();
    for typed in
        ["11010519491231002x", " 110105 19491231 002X ", "110105-19491231-002x", "１１０１０５１９４９１２３１００２Ｘ"]
    {
        assert_eq!(parse(typed).unwrap(), number, "{typed}");
    }
}

#[test]
fn a_number_of_15_digits_becomes_the_one_that_replaced_it() {
    // GB 11643-1999, annex A, before and after.
    assert_eq!(parse("110105491231002").unwrap(), parse("11010519491231002X").unwrap());
    assert_eq!(parse("110105991231998").unwrap().birth(today()), date(1899, 12, 31), "a centenarian's order number");
}

#[test]
fn what_is_no_number_is_refused_by_name() {
    let table = [
        ("", DocumentError::Length(0)),
        ("1101051949123100", DocumentError::Length(16)),
        ("１２三", DocumentError::Length(3)),
        ("110105194912310021", DocumentError::CheckCharacter),
        ("11010519491231020X", DocumentError::CheckCharacter),
        ("1101051949123100X2", DocumentError::Character(17)),
        ("11010519491231002Y", DocumentError::Character(18)),
        ("11010549123100X", DocumentError::Character(15)),
        ("110105491331002", DocumentError::Birth),
        ("990105491231002", DocumentError::Region),
        ("K1Z110090123105", DocumentError::Character(2)),
        ("KAZ110090123106", DocumentError::CheckCharacter),
        ("KAZ1100901231O5", DocumentError::Character(14)),
        ("911398199012310022", DocumentError::CheckCharacter),
    ];
    for (typed, error) in table {
        assert_eq!(parse(typed).unwrap_err(), error, "{typed}");
    }
}

#[test]
fn nobody_is_born_after_today() {
    let birth = date(1949, 12, 31);
    assert!(DocumentNumber::parse("11010519491231002X", birth).is_ok());
    let before = date(1949, 12, 30);
    assert_eq!(DocumentNumber::parse("11010519491231002X", before), Err(DocumentError::Birth));
}

#[test]
fn two_digits_of_a_year_mean_the_latest_that_has_been() {
    let number = parse("KAZ110090123105").unwrap();
    assert_eq!(number.birth(date(2089, 12, 31)), date(1990, 12, 31));
    assert_eq!(number.birth(date(2090, 12, 31)), date(2090, 12, 31));
}

#[test]
fn a_mask_hides_place_birth_and_sex() {
    assert_eq!(parse("11010519491231002X").unwrap().masked(), "**************00*X");
    assert_eq!(parse("KAZ110090123105").unwrap().masked(), "**************5");
    assert_eq!(parse("911398199012310021").unwrap().masked(), "**************00*1");
}

#[test]
fn debug_output_shows_the_mask_alone() {
    let shown = format!("{:?}", parse("11010519491231002X").unwrap());
    assert_eq!(shown, "DocumentNumber(citizen, **************00*X)");
}

/// Well-formed citizens' numbers: any province, day and order.
fn citizens() -> impl Strategy<Value = String> {
    (prop::sample::select(vec![11_u8, 44, 65, 71]), 0..10_000_u16, 1900..2026_u16, 1..=12_u8, 1..=28_u8, 0..1000_u16)
        .prop_map(|(province, place, year, month, day, order)| {
            let body = format!("{province}{place:04}{year}{month:02}{day:02}{order:03}");
            format!("{body}{}", char::from(check::mod_11_2(body.as_bytes())))
        })
}

proptest! {
    #[test]
    fn every_well_formed_number_is_read(typed in citizens()) {
        let number = parse(&typed).unwrap();
        prop_assert_eq!(number.expose_number(), typed);
    }

    #[test]
    fn every_single_mistyped_digit_is_noticed(typed in citizens(), at in 1_usize..17, digit in 0_u8..10) {
        let mut wrong = typed.clone().into_bytes();
        wrong[at] = b'0' + digit;
        let wrong = String::from_utf8(wrong).unwrap();
        prop_assume!(wrong != typed);
        prop_assert_eq!(parse(&wrong).unwrap_err(), DocumentError::CheckCharacter);
    }

    #[test]
    fn every_two_swapped_neighbours_are_noticed(typed in citizens(), at in 1_usize..16) {
        let mut wrong = typed.clone().into_bytes();
        wrong.swap(at, at + 1);
        let wrong = String::from_utf8(wrong).unwrap();
        prop_assume!(wrong != typed);
        prop_assert_eq!(parse(&wrong).unwrap_err(), DocumentError::CheckCharacter);
    }

    #[test]
    fn no_text_makes_the_reader_panic(typed in "\\PC{0,40}", number in "[0-9A-ZＸ三]{15}|[0-9X三]{18}|9[0-9]{17}") {
        let _ = parse(&typed);
        if let Ok(number) = parse(&number) {
            prop_assert!(number.masked().contains('*'));
        }
    }
}
