//! What may be registered: each text is checked and brought into its one canonical form. Pure.

use card_schema::date::Date;
use card_schema::document::{DocumentError, DocumentNumber};

use super::model::{Document, Facts, Field, Home, Wrong};
use super::region::{self, Region};
use crate::plain::compact;

/// The longest name in characters.
pub const NAME_MAX_CHARS: usize = 100;
/// The longest address in characters.
pub const ADDRESS_MAX_CHARS: usize = 200;
/// The longest passport number in characters (ICAO 9303 has nine; some states print longer ones).
const PASSPORT_MAX_CHARS: usize = 20;
/// Nobody is older.
const AGE_MAX_YEARS: u16 = 130;
/// How many regions of one name are told to a person.
const REGIONS_SHOWN: usize = 6;

/// Checks all that was typed about a person.
///
/// # Errors
/// Everything that is wrong, in the order in which it is asked for.
pub fn check(typed: &Facts, today: Date) -> Result<Facts, Vec<Wrong>> {
    check_fields(&Field::ALL, typed, today)
}

/// Checks some of the fields. The document decides about others, so it is among what was typed.
///
/// # Errors
/// Everything that is wrong with these fields.
pub fn check_fields(fields: &[Field], typed: &Facts, today: Date) -> Result<Facts, Vec<Wrong>> {
    let (mut checked, mut wrong) = (Facts::default(), Vec::new());
    for field in fields {
        match canonical(*field, typed, today) {
            Ok(text) => checked.set(*field, text),
            Err(Fault { key, at }) => wrong.push(Wrong { field: *field, key, at }),
        }
    }
    if wrong.is_empty() { Ok(checked) } else { Err(wrong) }
}

/// What somebody is looked for by: a name, with the day of birth or the telephone. A name alone is had by thousands, and
/// whoever could look for it would look through all of them.
pub fn check_search(typed: &Facts, today: Date) -> Result<Facts, Vec<Wrong>> {
    let known = |field: &Field| *field == Field::Name || !typed.get(*field).trim().is_empty();
    let fields: Vec<_> = [Field::Name, Field::Birth, Field::Phone].into_iter().filter(known).collect();
    let alone = (fields.len() == 1).then(|| Wrong { field: Field::Birth, key: "find-name-alone", at: String::new() });
    match (check_fields(&fields, typed, today), alone) {
        (Ok(facts), None) => Ok(facts),
        (checked, alone) => Err(checked.err().into_iter().flatten().chain(alone).collect()),
    }
}

/// What is wrong, without where.
struct Fault {
    key: &'static str,
    at: String,
}

impl From<&'static str> for Fault {
    fn from(key: &'static str) -> Self {
        Self { key, at: String::new() }
    }
}

/// The number of a document that has a national one.
fn national_number(typed: &Facts, today: Date) -> Option<DocumentNumber> {
    let national = Document::from_name(typed.get(Field::DocumentKind)) == Some(Document::ResidentIdentityCard);
    national.then(|| DocumentNumber::parse(typed.get(Field::DocumentNumber), today).ok())?
}

/// The day of birth as the document's number has it, where it has one.
pub fn birth_in_document(typed: &Facts, today: Date) -> Option<Date> {
    Some(national_number(typed, today)?.birth(today))
}

/// The region in which the document's number was given out, where it is known: often, not always, where the household
/// is registered.
pub(super) fn region_in_document(typed: &Facts, today: Date) -> Option<Region> {
    region::by_code(national_number(typed, today)?.expose_number().get(..6)?)
}

fn canonical(field: Field, typed: &Facts, today: Date) -> Result<String, Fault> {
    let text = typed.get(field);
    match field {
        Field::DocumentKind => {
            Document::from_name(text).map(|kind| kind.name().to_owned()).ok_or_else(|| "document-kind-missing".into())
        }
        Field::DocumentNumber => match Document::from_name(typed.get(Field::DocumentKind)) {
            // That is said at the kind.
            None => Ok(String::new()),
            Some(kind) => document_number(kind, text, today),
        },
        Field::Name => name(text).ok_or_else(|| "person-name-bad".into()),
        Field::LatinName => {
            let name = one_line(text);
            let latin = |character: char| {
                character.is_ascii_alphabetic()
                    || matches!(character, '\u{C0}'..='\u{24F}' | ' ' | '-' | '\'' | '.' | ',')
            };
            let fits = name.chars().count() <= NAME_MAX_CHARS && name.chars().all(latin);
            if fits { Ok(name) } else { Err("person-latin-name-bad".into()) }
        }
        Field::Birth => birth(typed, today),
        Field::Phone => phone(text),
        Field::HouseholdRegion => household_region(text),
        Field::Address => match one_line(text) {
            address if !address.is_empty() && is_short_line(&address) => Ok(address),
            _ => Err("person-address-bad".into()),
        },
        Field::AddressSince => address_since(typed, today),
        Field::Home => {
            Home::from_name(text).map(|home| home.name().to_owned()).ok_or_else(|| "person-home-missing".into())
        }
        Field::Room | Field::Host | Field::Occupation => match one_line(text) {
            line if is_short_line(&line) => Ok(line),
            _ => Err("person-line-bad".into()),
        },
        Field::CitySince => city_since(typed, today),
        Field::StayUntil => stay_until(text, today),
    }
}

/// A name as it is written down; nothing where it cannot be one.
pub(super) fn name(text: &str) -> Option<String> {
    let name = one_line(text);
    let fits = !name.is_empty() && name.chars().count() <= NAME_MAX_CHARS && !name.chars().any(char::is_control);
    fits.then_some(name)
}

/// Whether a text fits where an address does.
fn is_short_line(line: &str) -> bool {
    line.chars().count() <= ADDRESS_MAX_CHARS && !line.chars().any(char::is_control)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn document_number(kind: Document, typed: &str, today: Date) -> Result<String, Fault> {
    let number = compact(typed);
    if number.is_empty() {
        return Err("document-number-missing".into());
    }
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match kind {
        Document::ResidentIdentityCard => match DocumentNumber::parse(typed, today) {
            Ok(number) => Ok(number.expose_number().to_owned()),
            Err(error) => Err(match error {
                DocumentError::Length(length) => Fault { key: "document-number-length", at: length.to_string() },
                DocumentError::Character(at) => Fault { key: "document-number-character", at: at.to_string() },
                DocumentError::CheckCharacter => "document-number-check-character".into(),
                DocumentError::Region => "document-number-region".into(),
                DocumentError::Birth => "document-number-birth".into(),
            }),
        },
        // A letter and eight digits of the person; the two digits of how often it was renewed are no part of it.
        Document::HongKongMacaoTravelPermit => {
            let is_whole = matches!(number.len(), 9 | 11) && number.starts_with(['H', 'M']) && digits(&number[1..]);
            if is_whole { Ok(number[..9].to_owned()) } else { Err("document-number-hong-kong-macao".into()) }
        }
        Document::TaiwanTravelPermit => {
            let is_whole = number.len() == 8 && digits(&number);
            if is_whole { Ok(number) } else { Err("document-number-taiwan".into()) }
        }
        Document::Passport => {
            let is_whole = (5..=PASSPORT_MAX_CHARS).contains(&number.len())
                && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if is_whole { Ok(number) } else { Err("document-number-passport".into()) }
        }
    }
}

fn birth(typed: &Facts, today: Date) -> Result<String, Fault> {
    let text = typed.get(Field::Birth);
    let in_document = birth_in_document(typed, today);
    if text.trim().is_empty() {
        return in_document.map(|day| day.to_string()).ok_or_else(|| "person-birth-missing".into());
    }
    let day = day(text).ok_or("person-birth-bad")?;
    if day > today || day.year() + AGE_MAX_YEARS < today.year() {
        return Err("person-birth-impossible".into());
    }
    if in_document.is_some_and(|in_document| in_document != day) {
        return Err("person-birth-not-of-document".into());
    }
    Ok(day.to_string())
}

/// A day on which something began that still lasts.
fn since(text: &str, today: Date) -> Result<Date, Fault> {
    let day = day(text).ok_or("person-since-bad")?;
    if day > today || day.year() + AGE_MAX_YEARS < today.year() {
        return Err("person-since-impossible".into());
    }
    Ok(day)
}

fn address_since(typed: &Facts, today: Date) -> Result<String, Fault> {
    let moved_in = since(typed.get(Field::AddressSince), today)?;
    match day(typed.get(Field::CitySince)) {
        Some(arrived) if arrived > moved_in => Err("person-since-before-city".into()),
        _ => Ok(moved_in.to_string()),
    }
}

/// Whoever says nothing came to the city when they moved in.
fn city_since(typed: &Facts, today: Date) -> Result<String, Fault> {
    let moved_in = since(typed.get(Field::AddressSince), today).ok();
    let arrived = match typed.get(Field::CitySince) {
        text if !text.trim().is_empty() => since(text, today)?,
        // Where the day of moving in is wrong, that is said there.
        _ => return Ok(moved_in.map_or_else(String::new, |day| day.to_string())),
    };
    if moved_in.is_some_and(|moved_in| arrived > moved_in) {
        return Err("person-since-before-city".into());
    }
    Ok(arrived.to_string())
}

fn stay_until(text: &str, today: Date) -> Result<String, Fault> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    let until = day(text).ok_or("person-since-bad")?;
    if until < today { Err("person-until-past".into()) } else { Ok(until.to_string()) }
}

/// A day as people write it: 1990-3-7, 1990/03/07, 1990年3月7日, 19900307.
pub(super) fn day(text: &str) -> Option<Date> {
    let text: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    if let Ok(digits) = <[u8; 8]>::try_from(text.as_bytes())
        && digits.iter().all(u8::is_ascii_digit)
    {
        return Date::from_digits(digits);
    }
    let mut parts = text.trim_end_matches('日').split(['-', '/', '.', '年', '月']);
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let (month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    if parts.next().is_some() { None } else { Date::new(year, month, day) }
}

/// A mobile or fixed number of the mainland without its country, or an international one with a plus (ITU-T E.164).
fn phone(text: &str) -> Result<String, Fault> {
    let compact: String = compact(text).chars().filter(|character| !matches!(character, '(' | ')')).collect();
    let national = ["+86", "0086"].iter().find_map(|home| compact.strip_prefix(home));
    let number = match (national, compact.strip_prefix("00")) {
        (Some(national), _) => national.to_owned(),
        (None, Some(international)) => format!("+{international}"),
        (None, None) => compact,
    };
    let digits = number.strip_prefix('+').unwrap_or(&number);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let fits = match number.as_bytes() {
        [] => true,
        [b'+', ..] => (7..=15).contains(&digits.len()),
        [b'1', ..] => digits.len() == 11,
        [b'0', ..] => (10..=12).contains(&digits.len()),
        _ => (7..=8).contains(&digits.len()),
    };
    if is_number && fits { Ok(number) } else { Err("person-phone-bad".into()) }
}

fn household_region(text: &str) -> Result<String, Fault> {
    let typed = compact(text);
    if typed.is_empty() {
        return Ok(String::new());
    }
    if typed.len() == 6 && typed.bytes().all(|byte| byte.is_ascii_digit()) {
        let region = region::by_code(&typed).ok_or("person-region-unknown-code")?;
        return Ok(region.code.to_owned());
    }
    match &region::by_name(text)[..] {
        [] => Err("person-region-unknown-name".into()),
        [one] => Ok(one.code.to_owned()),
        several => {
            let shown = several.iter().take(REGIONS_SHOWN);
            let shown: Vec<_> = shown.map(|region| format!("{} {}", region.code, region.full_name())).collect();
            Err(Fault { key: "person-region-several", at: shown.join("; ") })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Locale;

    fn today() -> Date {
        Date::new(2026, 11, 23).unwrap()
    }

    fn whole() -> Facts {
        Facts::default()
            .with(Field::DocumentKind, "passport")
            .with(Field::DocumentNumber, " t12 34567")
            .with(Field::Name, "  测试  甲 ")
            .with(Field::Birth, "1990年3月7日")
            .with(Field::Address, "测试路 1 号")
            .with(Field::AddressSince, "2026年3月1日")
            .with(Field::Home, "rented")
    }

    fn wrong(facts: &Facts) -> Vec<(Field, &'static str)> {
        check(facts, today()).unwrap_err().into_iter().map(|wrong| (wrong.field, wrong.key)).collect()
    }

    #[test]
    fn what_people_type_gets_its_one_canonical_form() {
        let typed = [
            (Field::Phone, "138 0013-8000", "13800138000"),
            (Field::Phone, "+86 13800138000", "13800138000"),
            (Field::Phone, "（010）6552 9988", "01065529988"),
            (Field::Phone, "0044 20 7946 0000", "+442079460000"),
            (Field::LatinName, "Ana  María", "Ana María"),
            (Field::HouseholdRegion, "安徽省合肥市蜀山区", "340104"),
            (Field::HouseholdRegion, "１１０１０３", "110103"),
            (Field::Birth, "1990/3/7", "1990-03-07"),
            (Field::Birth, "19900307", "1990-03-07"),
            (Field::Name, "测", "测"),
            (
                Field::Name,
                "㐖𠀀·买买提·测试阿卜杜外力·测试艾合买提江·测试吐尔逊",
                "㐖𠀀·买买提·测试阿卜杜外力·测试艾合买提江·测试吐尔逊",
            ),
        ];
        for (field, text, canonical) in typed {
            assert_eq!(check(&whole().with(field, text), today()).unwrap().get(field), canonical, "{text}");
        }
        let facts = check(&whole(), today()).unwrap();
        assert_eq!((facts.get(Field::DocumentNumber), facts.get(Field::Name)), ("T1234567", "测试 甲"));
        assert_eq!(facts.get(Field::Birth), "1990-03-07");
    }

    #[test]
    fn whoever_says_nothing_of_the_city_came_when_they_moved_in() {
        let moved = check(&whole(), today()).unwrap();
        assert_eq!((moved.get(Field::AddressSince), moved.get(Field::CitySince)), ("2026-03-01", "2026-03-01"));
        let long = check(&whole().with(Field::CitySince, "20200901"), today()).unwrap();
        assert_eq!(long.get(Field::CitySince), "2020-09-01");
    }

    #[test]
    fn an_identity_card_says_the_day_of_birth_and_perhaps_the_region() {
        // The printed example of GB 11643-1999, annex A.
        let typed = whole()
            .with(Field::DocumentKind, "resident_identity_card")
            .with(Field::DocumentNumber, "440524188001010014")
            .with(Field::Birth, "");
        assert_eq!(birth_in_document(&typed, today()).unwrap().to_string(), "1880-01-01");
        assert_eq!(region_in_document(&typed, today()).unwrap().full_name(), "广东省汕头市潮阳县");
        assert_eq!(check(&typed, today()).unwrap().get(Field::Birth), "1880-01-01");
        let invented = typed.with(Field::DocumentNumber, "110000199001010013");
        assert_eq!(region_in_document(&invented, today()).map(|region| region.name), Some("北京市"));
        assert_eq!(wrong(&invented.with(Field::Birth, "1990-01-02")), [(Field::Birth, "person-birth-not-of-document")]);
    }

    #[test]
    fn what_cannot_be_is_said_where_it_stands_and_how_it_would_be_right() {
        use Field::{
            Address, AddressSince, Birth, CitySince, DocumentKind, DocumentNumber as Number, Home, Host,
            HouseholdRegion, LatinName, Name, Phone, StayUntil,
        };
        let card = whole().with(DocumentKind, "resident_identity_card").with(Birth, "");
        let hong_kong = whole().with(DocumentKind, "hong_kong_macao_travel_permit");
        let taiwan = whole().with(DocumentKind, "taiwan_travel_permit");
        let table = [
            (whole().with(Name, ""), Name, "person-name-bad"),
            (whole().with(Name, " \t "), Name, "person-name-bad"),
            (whole().with(Name, "长".repeat(101)), Name, "person-name-bad"),
            (whole().with(LatinName, "测试"), LatinName, "person-latin-name-bad"),
            (whole().with(Number, "T-1"), Number, "document-number-passport"),
            (whole().with(Number, ""), Number, "document-number-missing"),
            (hong_kong.clone().with(Number, "H1234567"), Number, "document-number-hong-kong-macao"),
            (hong_kong.with(Number, "X12345678"), Number, "document-number-hong-kong-macao"),
            (taiwan.with(Number, "1234567A"), Number, "document-number-taiwan"),
            (whole().with(DocumentKind, "library_card"), DocumentKind, "document-kind-missing"),
            (whole().with(Birth, ""), Birth, "person-birth-missing"),
            (whole().with(Birth, "1990-02-30"), Birth, "person-birth-bad"),
            (whole().with(Birth, "yesterday"), Birth, "person-birth-bad"),
            (whole().with(Birth, "2026-11-24"), Birth, "person-birth-impossible"),
            (whole().with(Birth, "1890-01-01"), Birth, "person-birth-impossible"),
            (whole().with(Phone, "12345"), Phone, "person-phone-bad"),
            (whole().with(Phone, "138O0138000"), Phone, "person-phone-bad"),
            (whole().with(HouseholdRegion, "110099"), HouseholdRegion, "person-region-unknown-code"),
            (whole().with(HouseholdRegion, "乌有县"), HouseholdRegion, "person-region-unknown-name"),
            (whole().with(HouseholdRegion, "鼓楼区"), HouseholdRegion, "person-region-several"),
            (whole().with(Address, " "), Address, "person-address-bad"),
            (whole().with(Home, "tent"), Home, "person-home-missing"),
            (whole().with(Host, "长".repeat(201)), Host, "person-line-bad"),
            (whole().with(AddressSince, "2026-02-30"), AddressSince, "person-since-bad"),
            (whole().with(AddressSince, "2026-11-24"), AddressSince, "person-since-impossible"),
            (whole().with(CitySince, "in spring"), CitySince, "person-since-bad"),
            (whole().with(AddressSince, ""), AddressSince, "person-since-bad"),
            (whole().with(StayUntil, "2026-11-22"), StayUntil, "person-until-past"),
        ];
        // Whoever came to the city after moving in: either may be mistyped.
        let key = "person-since-before-city";
        assert_eq!(wrong(&whole().with(CitySince, "2026-03-02")), [(AddressSince, key), (CitySince, key)]);
        for (facts, field, key) in table {
            assert_eq!(wrong(&facts), [(field, key)]);
            assert!(Locale::ALL.iter().all(|locale| locale.has(key)), "{key} has no words");
        }
        for (number, key, at) in [
            ("11000019900101001", "document-number-length", "17"),
            ("11000019900101001A", "document-number-character", "18"),
            ("1100001990O1010013", "document-number-character", "11"),
            ("110000199001010014", "document-number-check-character", ""),
            ("000000199001010018", "document-number-region", ""),
            ("110000199013010010", "document-number-birth", ""),
        ] {
            let found = check(&card.clone().with(Number, number), today()).unwrap_err();
            assert_eq!(found[0], Wrong { field: Number, key, at: at.to_owned() }, "{number}");
            assert!(Locale::ALL.iter().all(|locale| locale.has(key)), "{key} has no words");
        }
    }

    #[test]
    fn a_travel_permit_is_the_same_after_it_was_renewed() {
        let permit = |number| {
            let facts =
                whole().with(Field::DocumentKind, "hong_kong_macao_travel_permit").with(Field::DocumentNumber, number);
            check(&facts, today()).unwrap().get(Field::DocumentNumber).to_owned()
        };
        assert_eq!(permit("h12345678"), permit("H1234567801"));
    }
}
