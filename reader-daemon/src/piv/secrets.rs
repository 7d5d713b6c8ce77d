//! PIN and PUK: checked when typed, padded as the card wants them, wiped when dropped, never shown.

use zeroize::Zeroizing;

/// Bytes of a PIN or PUK on the wire (SP 800-73-5 part 2, 2.4.3).
const WIRE_BYTES: usize = 8;
/// Fewest digits of a PIN (part 2, 2.4.3), and fewest bytes of a PUK: there it has 8, vendors' cards take shorter ones,
/// padded like a PIN.
const LENGTH_MIN: usize = 6;
/// What fills a shorter PIN (part 2, 2.4.3).
const PADDING: u8 = 0xFF;

/// Why what was typed is no PIN or PUK. Says nothing of what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretFormatError {
    /// Nothing at all: an empty VERIFY asks for the tries left and must never be mistaken for a PIN.
    #[error("it is empty")]
    Empty,
    /// Shorter than six or longer than eight.
    #[error("it must have 6 to 8 characters")]
    Length,
    /// A PIN of something other than the digits 0 to 9.
    #[error("it must be digits only")]
    NotDigits,
}

/// The holder's PIN (key reference 80).
#[expect(missing_debug_implementations, reason = "a PIN is never shown")]
#[derive(Clone)]
pub struct Pin(Zeroizing<[u8; WIRE_BYTES]>);

impl Pin {
    /// The PIN of every blank card.
    pub const FACTORY: &'static str = "123456";

    /// Six to eight digits.
    ///
    /// # Errors
    /// [`SecretFormatError`] says what is wrong, without the digits.
    pub fn parse(typed: &str) -> Result<Self, SecretFormatError> {
        let padded = pad(typed.as_bytes())?;
        if typed.bytes().all(|digit| digit.is_ascii_digit()) {
            Ok(Self(padded))
        } else {
            Err(SecretFormatError::NotDigits)
        }
    }

    /// Whether it is the one every blank card has.
    pub fn is_factory(&self) -> bool {
        self.wire() == &pad(Self::FACTORY.as_bytes()).expect("the factory PIN has six digits")[..]
    }

    pub(crate) fn wire(&self) -> &[u8] {
        &self.0[..]
    }
}

/// The PIN unblocking key (key reference 81).
#[expect(missing_debug_implementations, reason = "a PUK is never shown")]
#[derive(Clone)]
pub struct Puk(Zeroizing<[u8; WIRE_BYTES]>);

impl Puk {
    /// The PUK of every blank card.
    pub const FACTORY: &'static str = "12345678";

    /// Six to eight bytes; shorter ones are padded like a PIN.
    ///
    /// # Errors
    /// [`SecretFormatError`] says what is wrong, without the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SecretFormatError> {
        pad(bytes).map(Self)
    }

    pub(crate) fn wire(&self) -> &[u8] {
        &self.0[..]
    }
}

fn pad(bytes: &[u8]) -> Result<Zeroizing<[u8; WIRE_BYTES]>, SecretFormatError> {
    if bytes.is_empty() {
        return Err(SecretFormatError::Empty);
    }
    if !(LENGTH_MIN..=WIRE_BYTES).contains(&bytes.len()) {
        return Err(SecretFormatError::Length);
    }
    let mut padded = Zeroizing::new([PADDING; WIRE_BYTES]);
    padded[..bytes.len()].copy_from_slice(bytes);
    Ok(padded)
}

/// Two secrets one after the other, as CHANGE REFERENCE DATA and RESET RETRY COUNTER take them.
pub(crate) fn pair(first: &[u8], second: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([first, second].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_six_to_eight_digits_and_never_empty() {
        let table = [
            ("", Err(SecretFormatError::Empty)),
            ("12345", Err(SecretFormatError::Length)),
            ("123456789", Err(SecretFormatError::Length)),
            ("12345x", Err(SecretFormatError::NotDigits)),
            ("１２", Err(SecretFormatError::NotDigits)),
            ("123456", Ok([0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0xFF, 0xFF])),
            ("12345678", Ok([0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38])),
        ];
        for (typed, expected) in table {
            assert_eq!(Pin::parse(typed).map(|pin| *pin.0), expected, "{typed:?}");
        }
        assert!(Pin::parse(Pin::FACTORY).is_ok_and(|pin| pin.is_factory()));
        assert!(Pin::parse("1234567").is_ok_and(|pin| !pin.is_factory()));
    }

    #[test]
    fn a_puk_is_never_empty() {
        assert_eq!(Puk::from_bytes(b"").err(), Some(SecretFormatError::Empty));
        assert_eq!(Puk::from_bytes(b"12345").err(), Some(SecretFormatError::Length));
        assert!(Puk::from_bytes(Puk::FACTORY.as_bytes()).is_ok());
    }
}
