//! Numbers of foreign permanent residents' cards, of 2017 and of 2023.
//!
//! 2017: 3 letters of nationality at first issue (ISO 3166-1), 4 digits of place, 6 of birth, 1 of order and sex, a check
//! digit. 2023: the digit 9, 2 digits of place, 3 of nationality, 8 of birth, 3 of order, a check character. Nationality
//! codes are not looked up: countries come and go.

use super::check::{icao_7_3_1, mod_11_2};
use super::{DocumentError, check_digits, full_birth, region};
use crate::date::Date;

/// Checks a number of 15 characters that begins with a letter.
pub(super) fn check_2017(text: &str, today: Date) -> Result<(), DocumentError> {
    let bytes = text.as_bytes();
    if let Some(at) = bytes[..3].iter().position(|byte| !byte.is_ascii_uppercase()) {
        return Err(DocumentError::Character(at + 1));
    }
    check_digits(text, 3..15)?;
    if bytes[14] != icao_7_3_1(&bytes[..14]) {
        return Err(DocumentError::CheckCharacter);
    }
    region::check(&bytes[3..5])?;
    birth_2017(text, today).map(drop).ok_or(DocumentError::Birth)
}

/// The birth date in the latest century that is not after `today`.
pub(super) fn birth_2017(text: &str, today: Date) -> Option<Date> {
    let short: [u8; 6] = text.as_bytes().get(7..13)?.try_into().ok()?;
    [*b"20", *b"19"].into_iter().find_map(|century| {
        let mut digits = [0; 8];
        digits[..2].copy_from_slice(&century);
        digits[2..].copy_from_slice(&short);
        Date::from_digits(digits).filter(|birth| *birth <= today)
    })
}

/// Checks a number of 18 characters that begins with 9.
pub(super) fn check_2023(text: &str, today: Date) -> Result<(), DocumentError> {
    check_digits(text, 0..17)?;
    let bytes = text.as_bytes();
    if !(bytes[17].is_ascii_digit() || bytes[17] == b'X') {
        return Err(DocumentError::Character(18));
    }
    if bytes[17] != mod_11_2(&bytes[..17]) {
        return Err(DocumentError::CheckCharacter);
    }
    region::check(&bytes[1..3])?;
    full_birth(text).filter(|birth| *birth <= today).map(drop).ok_or(DocumentError::Birth)
}
