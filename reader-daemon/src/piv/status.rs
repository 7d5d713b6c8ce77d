//! What a status word means after which command, as a typed error that keeps the word.

use std::fmt;

use card_schema::card::{chuid::ChuidError, tlv::TlvError};

use crate::card::{
    apdu::{Answer, StatusWord, ins},
    link::LinkError,
};

/// A command of the PIV application, for errors and for tables of status words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// SELECT (SP 800-73-5 part 2, 3.1.1).
    Select,
    /// GET DATA (3.1.2).
    GetData,
    /// VERIFY of the PIN (3.2.1).
    Verify,
    /// CHANGE REFERENCE DATA of the PIN (3.2.2).
    ChangePin,
    /// CHANGE REFERENCE DATA of the PUK (3.2.2).
    ChangePuk,
    /// RESET RETRY COUNTER with the PUK (3.2.3).
    ResetRetryCounter,
    /// GENERAL AUTHENTICATE with an asymmetric key (3.2.4).
    Sign,
    /// GENERAL AUTHENTICATE with the management key (3.2.4).
    AuthenticateManagement,
    /// PUT DATA (3.3.1).
    PutData,
    /// GENERATE ASYMMETRIC KEY PAIR (3.3.2).
    Generate,
    /// A vendor's own command.
    Vendor(&'static str),
}

impl Name {
    /// The command of an instruction byte and its P2; for diagnosis of APDUs that were typed.
    pub fn of_apdu(instruction: u8, p2: u8) -> Self {
        match (instruction, p2) {
            (ins::SELECT, _) => Self::Select,
            (ins::GET_DATA, _) => Self::GetData,
            (ins::VERIFY, _) => Self::Verify,
            (ins::CHANGE_REFERENCE_DATA, 0x81) => Self::ChangePuk,
            (ins::CHANGE_REFERENCE_DATA, _) => Self::ChangePin,
            (ins::RESET_RETRY_COUNTER, _) => Self::ResetRetryCounter,
            (ins::GENERAL_AUTHENTICATE, 0x9B) => Self::AuthenticateManagement,
            (ins::GENERAL_AUTHENTICATE, _) => Self::Sign,
            (ins::PUT_DATA, _) => Self::PutData,
            (ins::GENERATE, _) => Self::Generate,
            _ => Self::Vendor("unknown command"),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Select => "SELECT",
            Self::GetData => "GET DATA",
            Self::Verify => "VERIFY",
            Self::ChangePin => "CHANGE REFERENCE DATA (PIN)",
            Self::ChangePuk => "CHANGE REFERENCE DATA (PUK)",
            Self::ResetRetryCounter => "RESET RETRY COUNTER",
            Self::Sign => "GENERAL AUTHENTICATE (signature)",
            Self::AuthenticateManagement => "GENERAL AUTHENTICATE (management key)",
            Self::PutData => "PUT DATA",
            Self::Generate => "GENERATE ASYMMETRIC KEY PAIR",
            Self::Vendor(name) => name,
        })
    }
}

/// Why a card refused (ISO/IEC 7816-4, 5.6; SP 800-73-5 part 2, the command's section).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// 63Cx, or 6300 where the card does not say how many tries are left: the PIN is wrong.
    WrongPin {
        /// Tries left; zero means blocked by this try.
        tries_left: Option<u8>,
    },
    /// 63Cx or 6300 for the PUK.
    WrongPuk {
        /// Tries left; zero means blocked by this try.
        tries_left: Option<u8>,
    },
    /// 6983: no PIN tries are left.
    PinBlocked,
    /// 6983: no PUK tries are left.
    PukBlocked,
    /// 6982: needs a PIN or the management key first, or the contact interface.
    SecurityStatusNotSatisfied,
    /// 6985: not now.
    ConditionsNotSatisfied,
    /// 6A80: the data field is not what the card takes.
    WrongData,
    /// 6A81: the card does not do this, or not over this interface (VERIFY over contactless, 3.2.1).
    FunctionNotSupported,
    /// 6A82: no such application or object.
    NotFound,
    /// 6A84: no room.
    NotEnoughMemory,
    /// 6A86, 6B00: wrong P1 or P2, e.g. an algorithm the key is not for.
    WrongParameters,
    /// 6A88: no such key or PIN.
    ReferenceNotFound,
    /// 6700: wrong length.
    WrongLength,
    /// 6883, 6884: the card does not take chained commands.
    ChainingNotSupported,
    /// 6881, 6882, 6987, 6988: logical channels or secure messaging.
    SecureMessaging,
    /// 6581: the card's memory failed.
    MemoryFailure,
    /// 6400, 6F00: the card failed without saying why.
    ExecutionFailed,
    /// 6D00: the card does not know this command.
    InstructionNotSupported,
    /// 6E00: the card does not know this class.
    ClassNotSupported,
    /// None of these; the word itself is in [`Refused`].
    Unlisted,
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::WrongPin { tries_left: Some(left) } => return write!(out, "wrong PIN, {left} tries left"),
            Self::WrongPuk { tries_left: Some(left) } => return write!(out, "wrong PUK, {left} tries left"),
            Self::WrongPin { tries_left: None } => "wrong PIN",
            Self::WrongPuk { tries_left: None } => "wrong PUK",
            Self::PinBlocked => "the PIN is blocked",
            Self::PukBlocked => "the PUK is blocked",
            Self::SecurityStatusNotSatisfied => "security status not satisfied",
            Self::ConditionsNotSatisfied => "conditions of use not satisfied",
            Self::WrongData => "wrong data",
            Self::FunctionNotSupported => "function not supported",
            Self::NotFound => "not found",
            Self::NotEnoughMemory => "not enough memory",
            Self::WrongParameters => "wrong parameters",
            Self::ReferenceNotFound => "key or PIN reference not found",
            Self::WrongLength => "wrong length",
            Self::ChainingNotSupported => "command chaining not supported",
            Self::SecureMessaging => "secure messaging or channel not supported",
            Self::MemoryFailure => "memory failure",
            Self::ExecutionFailed => "the card failed without saying why",
            Self::InstructionNotSupported => "instruction not supported",
            Self::ClassNotSupported => "class not supported",
            Self::Unlisted => "no meaning listed",
        };
        out.write_str(text)
    }
}

impl Reason {
    /// The meaning of a status word that is not 9000 after a command.
    pub fn of(command: Name, status: StatusWord) -> Self {
        let about_puk = matches!(command, Name::ChangePuk | Name::ResetRetryCounter);
        match status.0 {
            0x63C0..=0x63CF | 0x6300 => {
                let tries_left = (status.0 != 0x6300).then_some(status.sw2() & 0x0F);
                match command {
                    _ if about_puk => Self::WrongPuk { tries_left },
                    Name::Verify | Name::ChangePin => Self::WrongPin { tries_left },
                    _ => Self::Unlisted,
                }
            }
            0x6983 if about_puk => Self::PukBlocked,
            0x6983 => Self::PinBlocked,
            0x6982 => Self::SecurityStatusNotSatisfied,
            0x6985 => Self::ConditionsNotSatisfied,
            0x6A80 => Self::WrongData,
            0x6A81 => Self::FunctionNotSupported,
            0x6A82 => Self::NotFound,
            0x6A84 => Self::NotEnoughMemory,
            0x6A86 | 0x6B00 => Self::WrongParameters,
            0x6A88 => Self::ReferenceNotFound,
            0x6700 => Self::WrongLength,
            0x6883 | 0x6884 => Self::ChainingNotSupported,
            0x6881 | 0x6882 | 0x6987 | 0x6988 => Self::SecureMessaging,
            0x6581 => Self::MemoryFailure,
            0x6400 | 0x6F00 => Self::ExecutionFailed,
            0x6D00 => Self::InstructionNotSupported,
            0x6E00 => Self::ClassNotSupported,
            _ => Self::Unlisted,
        }
    }
}

/// The card answered, and the answer is no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{command}: {reason} ({status})")]
pub struct Refused {
    /// What was asked.
    pub command: Name,
    /// The word as it came.
    pub status: StatusWord,
    /// What it means after this command.
    pub reason: Reason,
}

/// Why a PIV command did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PivError {
    /// The card could not be asked, or broke the transport rules.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The card refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The card agreed and answered something that is not what the standard says.
    #[error("{command}: {cause}")]
    Malformed {
        /// What was asked.
        command: Name,
        /// What is wrong with the answer.
        cause: Malformation,
    },
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformation {
    /// Not the expected BER-TLV.
    #[error(transparent)]
    Tlv(#[from] TlvError),
    /// The card's identifier.
    #[error(transparent)]
    Chuid(#[from] ChuidError),
    /// A value of the wrong size.
    #[error("{what} has {length} bytes")]
    Length {
        /// Which value.
        what: &'static str,
        /// Its size in bytes.
        length: usize,
    },
    /// Another application answered to PIV's name.
    #[error("the application that answered is not PIV")]
    OtherApplication,
    /// The card did not prove that it holds the management key.
    #[error("the card does not hold the management key it accepted")]
    ManagementKeyNotProven,
}

impl PivError {
    /// A malformed answer to a command.
    pub(crate) fn malformed(command: Name, cause: impl Into<Malformation>) -> Self {
        Self::Malformed { command, cause: cause.into() }
    }

    /// Whether a PIN was tried that is wrong, or that none is good for any more.
    pub fn is_wrong_pin(&self) -> bool {
        matches!(self.reason(), Some(Reason::WrongPin { .. } | Reason::PinBlocked))
    }

    /// Why the card refused, where it did.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused(refused) => Some(refused.reason),
            _ => None,
        }
    }
}

/// The data of an answer with 9000; any other word as [`Refused`].
pub(crate) fn accepted(command: Name, answer: Answer) -> Result<Vec<u8>, Refused> {
    if answer.status.is_ok() { Ok(answer.data) } else { Err(refused(command, answer.status)) }
}

/// A refusal with its meaning.
pub(crate) fn refused(command: Name, status: StatusWord) -> Refused {
    Refused { command, status, reason: Reason::of(command, status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_word_means_what_its_command_says_and_is_never_lost() {
        let table = [
            (Name::Verify, 0x63C2, Reason::WrongPin { tries_left: Some(2) }),
            (Name::Verify, 0x63C0, Reason::WrongPin { tries_left: Some(0) }),
            (Name::Verify, 0x6983, Reason::PinBlocked),
            (Name::Verify, 0x6A81, Reason::FunctionNotSupported),
            (Name::ChangePin, 0x6300, Reason::WrongPin { tries_left: None }),
            (Name::ChangePin, 0x6983, Reason::PinBlocked),
            (Name::ChangePuk, 0x63C1, Reason::WrongPuk { tries_left: Some(1) }),
            (Name::ChangePuk, 0x6983, Reason::PukBlocked),
            (Name::ResetRetryCounter, 0x63C1, Reason::WrongPuk { tries_left: Some(1) }),
            (Name::ResetRetryCounter, 0x6983, Reason::PukBlocked),
            (Name::Sign, 0x6982, Reason::SecurityStatusNotSatisfied),
            (Name::Sign, 0x63C1, Reason::Unlisted),
            (Name::GetData, 0x6A82, Reason::NotFound),
            (Name::PutData, 0x6A84, Reason::NotEnoughMemory),
            (Name::PutData, 0x6884, Reason::ChainingNotSupported),
            (Name::Generate, 0x6A86, Reason::WrongParameters),
            (Name::AuthenticateManagement, 0x6A80, Reason::WrongData),
            (Name::Vendor("RESET"), 0x6985, Reason::ConditionsNotSatisfied),
            (Name::Select, 0x6D00, Reason::InstructionNotSupported),
            (Name::Select, 0x9ABC, Reason::Unlisted),
        ];
        for (command, word, reason) in table {
            let refused = refused(command, StatusWord(word));
            assert_eq!(refused.reason, reason, "{command} {word:04X}");
            assert!(refused.to_string().contains(&format!("{word:04X}")), "{refused}");
        }
    }
}
