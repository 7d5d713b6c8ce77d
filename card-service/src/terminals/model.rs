//! What a terminal is. No I/O.

use card_schema::clock::Micros;
use card_schema::envelope::PublicKey;
use card_schema::ids::TerminalId;
use card_schema::operation::OperationCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::people::Organisation;

/// Where a terminal is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TerminalState {
    /// It has a code and no certificate yet.
    Awaiting,
    /// It has a certificate.
    Active,
    /// It may do nothing any more. Final.
    Revoked,
}

impl TerminalState {
    /// The number in the database.
    pub const fn number(self) -> i64 {
        match self {
            Self::Awaiting => 0,
            Self::Active => 1,
            Self::Revoked => 2,
        }
    }

    /// The state of a number in the database.
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Awaiting),
            1 => Some(Self::Active),
            2 => Some(Self::Revoked),
            _ => None,
        }
    }
}

/// A reader daemon with its own key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Its id, which its certificate carries.
    pub terminal_id: TerminalId,
    /// Its name for people.
    pub name: String,
    /// Who runs it.
    pub organisation: Organisation,
    /// What it may submit.
    pub operations: Vec<OperationCode>,
    /// Where it is in its life.
    pub state: TerminalState,
    /// The key that signs its batches, once it is enrolled.
    pub public_key: Option<PublicKey>,
    /// Until when its certificate is good.
    pub certificate_until: Option<Micros>,
}

/// Letters and digits that cannot be mistaken for one another when a code is read out (Crockford's base 32).
const CODE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// An enrolment code from 100 random bits: four groups of five.
pub fn enrolment_code(random: [u8; 20]) -> String {
    let mut code = String::with_capacity(23);
    for (at, byte) in random.iter().enumerate() {
        if at > 0 && at % 5 == 0 {
            code.push('-');
        }
        code.push(char::from(CODE_ALPHABET[usize::from(byte & 31)]));
    }
    code
}

/// A code as a person may have typed it, in the one form that is hashed.
pub fn normal_code(typed: &str) -> String {
    typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_was_typed() {
        let code = enrolment_code([1; 20]);
        assert_eq!(code, "11111-11111-11111-11111");
        for typed in ["IIIII-lllll-11111-11111", " 11111 11111 11111 11111 ", "11111111111111111111"] {
            assert_eq!(normal_code(typed), normal_code(&code), "{typed}");
        }
    }
}
