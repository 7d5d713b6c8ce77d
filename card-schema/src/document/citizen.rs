//! Citizens' numbers: 6 digits of place, 8 of birth, 3 of order, a check character (GB 11643-1999).

use super::check::mod_11_2;
use super::{DocumentError, check_digits, full_birth, region};
use crate::date::Date;

/// Checks a number of 18 characters.
pub(super) fn check(text: &str, today: Date) -> Result<(), DocumentError> {
    check_digits(text, 0..17)?;
    let bytes = text.as_bytes();
    if !(bytes[17].is_ascii_digit() || bytes[17] == b'X') {
        return Err(DocumentError::Character(18));
    }
    if bytes[17] != mod_11_2(&bytes[..17]) {
        return Err(DocumentError::CheckCharacter);
    }
    region::check(&bytes[..2])?;
    full_birth(text).filter(|birth| *birth <= today).map(drop).ok_or(DocumentError::Birth)
}

/// The number of 18 characters that replaced one of 15, which had two digits of the year and no check character.
///
/// The year is of the 20th century, but order numbers 996 to 999 were kept for people born in the 19th.
pub(super) fn modernise(text: &str, today: Date) -> Result<String, DocumentError> {
    check_digits(text, 0..15)?;
    let century = if matches!(text.as_bytes()[12..], [b'9', b'9', b'6'..=b'9']) { "18" } else { "19" };
    let mut modern = String::with_capacity(18);
    modern.push_str(&text[..6]);
    modern.push_str(century);
    modern.push_str(&text[6..]);
    modern.push(char::from(mod_11_2(modern.as_bytes())));
    check(&modern, today)?;
    Ok(modern)
}
