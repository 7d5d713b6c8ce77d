//! Command and response APDUs as bytes (ISO/IEC 7816-4): lengths, chaining, status words. Pure; sends nothing.
//!
//! Holds no meaning of PIV beyond which instructions carry secrets, so that no trace can show one.

use std::fmt;

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

/// Most data bytes of a short command (one length byte).
const SHORT_DATA_MAX: usize = 255;
/// Most data bytes of an extended command (two length bytes).
const EXTENDED_DATA_MAX: usize = 65_535;
/// Most data bytes of the answer to a short command.
const SHORT_ANSWER_MAX: usize = 256;
/// Most data bytes of the answer to an extended command.
const EXTENDED_ANSWER_MAX: usize = 65_536;
/// Class bit of a block that is not the last of a chain (ISO/IEC 7816-4, 5.4.1).
const CLA_CHAINED: u8 = 0x10;
/// Key reference of the management key, P2 of GENERAL AUTHENTICATE.
const MANAGEMENT_KEY: u8 = 0x9B;

impl fmt::Debug for Command {
    /// Header and length only: the data may be secret.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Command({:02X?}, {} bytes)", self.header, self.data.len())
    }
}

/// How lengths are written. Every PIV card takes short commands and chaining; extended length is optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lengths {
    /// One length byte; longer data goes as a chain of commands.
    #[default]
    Short,
    /// Two length bytes where one does not suffice.
    Extended,
}

impl Lengths {
    /// The most data bytes one response may carry.
    pub fn answer_max(self) -> usize {
        match self {
            Self::Short => SHORT_ANSWER_MAX,
            Self::Extended => EXTENDED_ANSWER_MAX,
        }
    }
}

/// A command of any length, before it is cut into APDUs. Its data is wiped when dropped and never shown.
pub struct Command {
    header: [u8; 4],
    data: Zeroizing<Vec<u8>>,
    wants_answer: bool,
}

impl Command {
    /// A command without data and without an answer beyond the status word (case 1).
    pub fn new(cla: u8, ins: u8, p1: u8, p2: u8) -> Self {
        Self { header: [cla, ins, p1, p2], data: Zeroizing::default(), wants_answer: false }
    }

    /// Adds the data field.
    #[must_use]
    pub fn data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.data = Zeroizing::new(data.into());
        self
    }

    /// Asks for as many answer bytes as there are (Le = 0).
    #[must_use]
    pub fn answer(mut self) -> Self {
        self.wants_answer = true;
        self
    }

    /// The instruction byte.
    pub fn ins(&self) -> u8 {
        self.header[1]
    }

    /// Which bodies of this command and its answer must not be shown.
    pub fn visibility(&self) -> Visibility {
        Visibility::of(self.header, &self.data)
    }

    /// Whether success leaves the card in a state that the next user of the card must not inherit:
    /// PIN verified or management key authenticated.
    pub fn authenticates(&self) -> bool {
        match self.ins() {
            ins::VERIFY => !self.data.is_empty(),
            ins::CHANGE_REFERENCE_DATA => true,
            ins::GENERAL_AUTHENTICATE => self.header[3] == MANAGEMENT_KEY,
            _ => false,
        }
    }

    /// The APDUs to send, in order; more than one is a chain.
    ///
    /// # Errors
    /// [`ProtocolError::CommandTooLong`] where even an extended command cannot hold the data.
    pub fn blocks(&self, lengths: Lengths) -> Result<Vec<Zeroizing<Vec<u8>>>, ProtocolError> {
        if self.data.len() > EXTENDED_DATA_MAX {
            return Err(ProtocolError::CommandTooLong { data: self.data.len() });
        }
        if lengths == Lengths::Extended && self.data.len() > SHORT_DATA_MAX {
            return Ok(vec![self.extended_block()]);
        }
        if self.data.is_empty() {
            return Ok(vec![self.short_block(self.header, &[], true)]);
        }
        let last = self.data.len().div_ceil(SHORT_DATA_MAX) - 1;
        let block = |(number, data): (usize, &[u8])| {
            let mut header = self.header;
            if number < last {
                header[0] |= CLA_CHAINED;
            }
            self.short_block(header, data, number == last)
        };
        Ok(self.data.chunks(SHORT_DATA_MAX).enumerate().map(block).collect())
    }

    fn short_block(&self, header: [u8; 4], data: &[u8], is_last: bool) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(6 + data.len()));
        bytes.extend_from_slice(&header);
        if !data.is_empty() {
            bytes.push(u8::try_from(data.len()).expect("a chunk of at most 255 bytes"));
            bytes.extend_from_slice(data);
        }
        if is_last && self.wants_answer {
            bytes.push(0);
        }
        bytes
    }

    fn extended_block(&self) -> Zeroizing<Vec<u8>> {
        let length = u16::try_from(self.data.len()).expect("checked against the extended maximum");
        let mut bytes = Zeroizing::new(Vec::with_capacity(9 + self.data.len()));
        bytes.extend_from_slice(&self.header);
        bytes.push(0);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.data);
        if self.wants_answer {
            bytes.extend_from_slice(&[0, 0]);
        }
        bytes
    }
}

/// The instructions this program knows by name (ISO/IEC 7816-4; SP 800-73-5 part 2, section 3; vendor ones in `piv::vendor`).
pub mod ins {
    /// VERIFY.
    pub const VERIFY: u8 = 0x20;
    /// CHANGE REFERENCE DATA.
    pub const CHANGE_REFERENCE_DATA: u8 = 0x24;
    /// RESET RETRY COUNTER.
    pub const RESET_RETRY_COUNTER: u8 = 0x2C;
    /// GENERATE ASYMMETRIC KEY PAIR.
    pub const GENERATE: u8 = 0x47;
    /// GENERAL AUTHENTICATE.
    pub const GENERAL_AUTHENTICATE: u8 = 0x87;
    /// SELECT.
    pub const SELECT: u8 = 0xA4;
    /// GET RESPONSE.
    pub const GET_RESPONSE: u8 = 0xC0;
    /// GET DATA.
    pub const GET_DATA: u8 = 0xCB;
    /// PUT DATA.
    pub const PUT_DATA: u8 = 0xDB;
    /// Yubico: import a private key.
    pub const IMPORT_KEY: u8 = 0xFE;
    /// Yubico: set the management key.
    pub const SET_MANAGEMENT_KEY: u8 = 0xFF;
}

/// What of an exchange may be shown in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visibility {
    /// The command's data field.
    pub command: bool,
    /// The answer's data field.
    pub answer: bool,
}

impl Visibility {
    /// Decides from the command alone; what cannot be told is withheld.
    pub fn of(header: [u8; 4], data: &[u8]) -> Self {
        let shown = Self { command: true, answer: true };
        match header[1] {
            ins::VERIFY
            | ins::CHANGE_REFERENCE_DATA
            | ins::RESET_RETRY_COUNTER
            | ins::IMPORT_KEY
            | ins::SET_MANAGEMENT_KEY => Self { command: false, ..shown },
            // The decrypted witness: whoever has it may pass for the holder of the key once.
            ins::GENERAL_AUTHENTICATE if header[3] == MANAGEMENT_KEY => Self { command: false, ..shown },
            ins::PUT_DATA => Self { command: is_public_object(data), ..shown },
            ins::GET_DATA => Self { answer: is_public_object(data), ..shown },
            // Whose answer it continues is not in the APDU; the channel knows and decides there.
            ins::GET_RESPONSE => Self { answer: false, ..shown },
            _ => shown,
        }
    }

    /// The same for the bytes of an APDU that someone typed.
    pub fn of_raw(apdu: &[u8]) -> Self {
        let Some(header) = apdu.first_chunk::<4>() else {
            return Self { command: false, answer: false };
        };
        let data = data_field(apdu);
        if header[0] & CLA_CHAINED != 0 {
            // A later block of a chain does not say what it carries.
            return Self { command: false, ..Self::of(*header, data) };
        }
        Self::of(*header, data)
    }
}

/// The data field of an APDU, without the length before it and the expected length after it.
pub fn data_field(apdu: &[u8]) -> &[u8] {
    let (length, rest) = match apdu.get(4..) {
        None | Some([] | [_]) => return &[],
        Some([0, high, low, rest @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        Some([length, rest @ ..]) => (usize::from(*length), rest),
    };
    &rest[..length.min(rest.len())]
}

/// Objects without personal data: their tag list `5C` names one that any reader may read without PIN
/// (SP 800-73-5 part 1, table 2: CHUID, certificates, CCC, security object, discovery, key history).
fn is_public_object(data: &[u8]) -> bool {
    match data {
        [0x5C, 0x03, 0x5F, 0xC1, object, ..] => matches!(object, 0x01 | 0x02 | 0x05..=0x07 | 0x0A..=0x20 | 0x22),
        [0x5C, 0x01, 0x7E, ..] => true,
        _ => false,
    }
}

/// The two status bytes that end every answer (ISO/IEC 7816-4, 5.6).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusWord(pub u16);

impl Serialize for StatusWord {
    /// As people read it: four hexadecimal digits.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl StatusWord {
    /// Success.
    pub const OK: Self = Self(0x9000);

    /// Whether the command succeeded.
    pub fn is_ok(self) -> bool {
        self == Self::OK
    }

    /// First byte.
    pub fn sw1(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    /// Second byte.
    pub fn sw2(self) -> u8 {
        self.0.to_be_bytes()[1]
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04X}", self.0)
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "StatusWord({self})")
    }
}

/// A card's whole answer to a command, after GET RESPONSE and corrected lengths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Data of all parts, in order.
    pub data: Vec<u8>,
    /// Status word of the last part.
    pub status: StatusWord,
}

/// Splits one response APDU into data and status word.
///
/// # Errors
/// [`ProtocolError`] when there is no room for a status word or more data than was asked for.
pub fn split_response(bytes: &[u8], data_max: usize) -> Result<(&[u8], StatusWord), ProtocolError> {
    let Some((data, status)) = bytes.split_last_chunk::<2>() else {
        return Err(ProtocolError::NoStatusWord { length: bytes.len() });
    };
    if data.len() > data_max {
        return Err(ProtocolError::MoreThanAsked { length: data.len(), most: data_max });
    }
    Ok((data, StatusWord(u16::from_be_bytes(*status))))
}

/// How an answer breaks the rules. The card is an untrusted input: none of these is ever repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Fewer than two bytes.
    #[error("{length} bytes hold no status word")]
    NoStatusWord {
        /// Bytes received.
        length: usize,
    },
    /// One response carries more data than was asked for.
    #[error("{length} bytes of data where at most {most} were asked for")]
    MoreThanAsked {
        /// Data bytes received.
        length: usize,
        /// The most that was asked for.
        most: usize,
    },
    /// The parts of an answer are together longer than this command's answer can be.
    #[error("an answer of more than {most} bytes")]
    AnswerTooLong {
        /// The most that the command allows.
        most: usize,
    },
    /// 61xx again and again without data.
    #[error("the card announces more data and sends none")]
    NoProgress,
    /// 6Cxx again after the length was corrected as the card said.
    #[error("the card corrects the length a second time")]
    LengthCorrectedTwice,
    /// Our own command is longer than any APDU.
    #[error("a command of {data} bytes of data")]
    CommandTooLong {
        /// Data bytes of the command.
        data: usize,
    },
}
