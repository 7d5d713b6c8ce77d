//! What an exchange cost and what it looked like, with secret bodies withheld. Decides nothing.

use std::fmt::Write;
use std::time::Duration;

use super::apdu::Visibility;

/// What a piece of work cost at the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// APDUs sent, GET RESPONSE and repeats included.
    pub apdus: u32,
    /// Bytes of all commands.
    pub bytes_up: u64,
    /// Bytes of all responses, status words included.
    pub bytes_down: u64,
    /// Time spent waiting for the card and the PC/SC service.
    pub card_time: Duration,
}

impl Usage {
    /// Bytes both ways.
    pub fn wire_bytes(&self) -> u64 {
        self.bytes_up + self.bytes_down
    }

    /// Adds one exchange.
    pub fn add(&mut self, command: &[u8], response: &[u8], took: Duration) {
        self.apdus += 1;
        self.bytes_up += command.len() as u64;
        self.bytes_down += response.len() as u64;
        self.card_time += took;
    }
}

/// One APDU and its response, as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Exchanged {
    /// The command in hexadecimal, secret data withheld.
    pub sent: String,
    /// The response in hexadecimal, secret data withheld; what went wrong where there was none.
    pub received: String,
    /// Microseconds between the two.
    pub micros: u64,
}

impl Exchanged {
    /// A record of one exchange; `visibility` was decided from the whole command, not from this block of it.
    pub fn new(command: &[u8], response: &[u8], visibility: Visibility, took: Duration) -> Self {
        Self {
            sent: show_command(command, visibility.command),
            received: show_response(response, visibility.answer),
            micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        }
    }
}

/// A command APDU in hexadecimal; header and length always, data only when visible.
pub fn show_command(bytes: &[u8], visible: bool) -> String {
    if visible || bytes.len() <= 5 {
        return hex(bytes);
    }
    let (head, body) = bytes.split_at(5);
    format!("{} [{} bytes withheld]", hex(head), body.len())
}

/// A response APDU in hexadecimal; status word always, data only when visible.
pub fn show_response(bytes: &[u8], visible: bool) -> String {
    match bytes.split_last_chunk::<2>() {
        Some((data, status)) if !visible && !data.is_empty() => {
            format!("[{} bytes withheld] {}", data.len(), hex(status))
        }
        Some(_) => hex(bytes),
        None => format!("[{} bytes, no status word]", bytes.len()),
    }
}

/// Upper-case hexadecimal without separators.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02X}").expect("writing to a String never fails");
        text
    })
}

/// Bytes of hexadecimal text; spaces and colons between bytes are ignored. `None` when it is not hexadecimal.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<char> = text.chars().filter(|symbol| !symbol.is_whitespace() && *symbol != ':').collect();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |symbol: char| symbol.to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits.chunks(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}
