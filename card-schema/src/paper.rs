//! Printed papers and how anybody checks one, with the issuer's public key and nothing else: the text of the square code,
//! and what binds it to the name and the document number beside it.
//!
//! What is in the code itself is `envelope::paper`. Whether a paper was withdrawn since, only the service knows.

use std::{fmt, num::NonZeroU32, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::pbkdf2;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    envelope::{
        Envelope, EnvelopeError, Kid, PublicKey,
        paper::{Paper, Printed},
    },
    ids::PaperNumber,
};

/// How often the binding is hashed. Together with the check code's 53 bits it keeps somebody who has the square code
/// alone from trying names and numbers.
const ROUNDS: NonZeroU32 = NonZeroU32::new(100_000).expect("it is not zero");
/// How many check codes there are: sixteen digits.
const CODES: u64 = 10_000_000_000_000_000;

/// Why a text is no paper of this issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaperError {
    /// Not the text of a square code.
    #[error("not the text of a paper's square code")]
    Text,
    /// Not the bytes of a paper, or not signed by this key.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

/// The text of a square code: an address at which the paper is checked, and the signed bytes behind `#`, which browsers
/// send nowhere.
pub fn text(address: &str, cose: &[u8]) -> String {
    format!("{address}#{}", URL_SAFE_NO_PAD.encode(cose))
}

/// The signed bytes in such a text, also where it was pasted without its address or with line breaks.
fn bytes(text: &str) -> Result<Vec<u8>, PaperError> {
    let after = text.rsplit('#').next().unwrap_or_default();
    let kept: String = after.chars().filter(|character| !character.is_whitespace()).collect();
    URL_SAFE_NO_PAD.decode(kept).map_err(|_| PaperError::Text)
}

/// Reads the text of a square code that was signed with this key.
///
/// # Errors
/// Where it is none, was altered, or was signed with another key or for another use.
pub fn read(text: &str, key: &PublicKey) -> Result<Printed, PaperError> {
    let envelope = Envelope::<Printed>::decode(&bytes(text)?)?;
    envelope.verify(key)?;
    if envelope.kid != Kid::Key(key.key_id()) {
        return Err(EnvelopeError::SignatureMismatch.into());
    }
    Ok(envelope.payload)
}

/// The sixteen digits that are printed beside a square code and are not in it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct CheckCode(u64);

impl CheckCode {
    /// Of eight random bytes. No code is a thousandth likelier than another.
    pub const fn from_random(random: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(random) % CODES)
    }
}

impl fmt::Display for CheckCode {
    /// In four groups of four.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = |power: u32| self.0 / 10_u64.pow(power) % 10_000;
        write!(f, "{:04} {:04} {:04} {:04}", group(12), group(8), group(4), group(0))
    }
}

impl fmt::Debug for CheckCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckCode")
    }
}

/// Not sixteen digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a check code has sixteen digits")]
pub struct NotACheckCode;

impl FromStr for CheckCode {
    type Err = NotACheckCode;

    fn from_str(text: &str) -> Result<Self, NotACheckCode> {
        let digits = plain(text);
        let is_code = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_code { digits.parse().map(Self).map_err(|_| NotACheckCode) } else { Err(NotACheckCode) }
    }
}

/// What of a paper is compared with its square code.
pub struct Named<'a> {
    /// The name.
    pub name: &'a str,
    /// The number of the identity document.
    pub document_number: &'a str,
    /// The check code.
    pub code: &'a CheckCode,
}

impl fmt::Debug for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Named")
    }
}

impl Named<'_> {
    /// What binds the square code of the paper with this number to them: PBKDF2-HMAC-SHA-256.
    pub fn binding(&self, number: &PaperNumber) -> [u8; 16] {
        let digits = Zeroizing::new(format!("{:016}", self.code.0));
        let (name, document) = (plain(self.name), plain(self.document_number));
        let secret = Zeroizing::new([name.as_bytes(), document.as_bytes(), digits.as_bytes()].join(&0));
        let salt = [b"nrc/paper-holder/v1\0".as_slice(), &number.0].concat();
        let mut binding = [0; 16];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, &salt, &secret, &mut binding);
        binding
    }

    /// Whether they are what was signed.
    pub fn is_on(&self, paper: &Paper) -> bool {
        // The code in the paper is public: there is nothing to be learnt from how long this takes.
        self.binding(&paper.number) == paper.binding
    }
}

/// As two people would type the same: half-width, ASCII letters in capitals, without spaces, hyphens, apostrophes, commas
/// and the dots between the parts of a name.
fn plain(text: &str) -> Zeroizing<String> {
    let half_width = |one: char| match one {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(one) - 0xFEE0).unwrap_or(one),
        other => other,
    };
    let is_kept = |one: &char| {
        !one.is_whitespace()
            && !matches!(one, '-' | '‐'..='—' | '\'' | '’' | ',' | '.' | '·' | '•' | '‧' | '∙' | '⋅' | '・' | '･')
    };
    Zeroizing::new(text.chars().map(half_width).filter(is_kept).map(|one| one.to_ascii_uppercase()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> CheckCode {
        "0012 3456 7890 1234".parse().unwrap()
    }

    #[test]
    fn a_check_code_reads_back_however_it_is_typed_and_nothing_else_is_one() {
        assert_eq!(code().to_string(), "0012 3456 7890 1234");
        for typed in ["0012345678901234", " 0012-3456-7890-1234 ", "００１２ ３４５６ ７８９０ １２３４"]
        {
            assert_eq!(typed.parse(), Ok(code()), "{typed}");
        }
        for wrong in ["", "001234567890123", "00123456789012345", "0012 3456 7890 123O"] {
            assert_eq!(wrong.parse::<CheckCode>(), Err(NotACheckCode), "{wrong}");
        }
        assert_eq!(CheckCode::from_random([0xFF; 8]).to_string().len(), 19);
    }

    #[test]
    fn who_is_named_is_compared_as_people_type_and_not_by_halves() {
        let (number, code) = (PaperNumber([7; 10]), code());
        let binding = |name, document_number| Named { name, document_number, code: &code }.binding(&number);
        let signed = binding("阿依·测试 Test", "11010519491231002X");
        for (name, document) in
            [("阿依•测试TEST", "11010519491231002x"), (" 阿依・测试　ｔｅｓｔ", "110105 19491231 002X")]
        {
            assert_eq!(binding(name, document), signed, "{name}");
        }
        assert_ne!(binding("阿依·测试", "11010519491231002X"), signed);
        assert_ne!(binding("阿依·测试 Test", "110105194912310021"), signed);
        assert_ne!(binding("AB", "C1"), binding("A", "BC1"), "the border between both counts");
        let other = "0012 3456 7890 1235".parse().unwrap();
        let named = Named { name: "阿依·测试 Test", document_number: "11010519491231002X", code: &other };
        assert_ne!(named.binding(&number), signed);
        let named = Named { code: &code, ..named };
        assert_ne!(named.binding(&PaperNumber([8; 10])), signed, "another paper's");
    }

    #[test]
    fn the_signed_bytes_are_found_in_whatever_was_pasted() {
        let pasted = text("https://desk.example/papers/check", &[0xFB, 0xEF, 0xBE]);
        assert_eq!(pasted, "https://desk.example/papers/check#----");
        for text in [pasted.as_str(), "----", " -- \n-- "] {
            assert_eq!(bytes(text), Ok(vec![0xFB, 0xEF, 0xBE]), "{text:?}");
        }
        assert_eq!(bytes("https://desk.example/papers/check"), Err(PaperError::Text));
    }
}
