//! Taps that are held, and what a person decides about them. No I/O.

use card_schema::clock::Micros;
use card_schema::ids::{CardId, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::OperationCode;
use serde::{Deserialize, Serialize};

use crate::hex;
use crate::intake::lane::LaneFault;

/// Why taps become what they become, and so what they become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Made before the terminal was lost or misused.
    Before,
    /// The shop's own papers bear them out.
    Confirmed,
    /// Made after the terminal was lost or misused.
    After,
    /// The shop or the holder says that they were never made.
    Denied,
    /// They do not look like what people do.
    Doubtful,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 5] = [Self::Before, Self::Confirmed, Self::After, Self::Denied, Self::Doubtful];

    /// Whether the taps are decided like any others, as if they had not been held.
    pub const fn books(self) -> bool {
        matches!(self, Self::Before | Self::Confirmed)
    }

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Confirmed => "confirmed",
            Self::After => "after",
            Self::Denied => "denied",
            Self::Doubtful => "doubtful",
        }
    }

    /// The reason of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// What somebody wants to decide: about exactly these taps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The terminal that brought them.
    pub terminal: TerminalId,
    /// Those alone that were made by then, by its clock; all of them without.
    pub until: Option<Micros>,
    /// Why.
    pub reason: Reason,
    /// Which they are.
    pub shown: Shown,
}

/// Taps that were shown to somebody: what comes in later is not meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// When the last of them came in.
    pub received_until: Micros,
    /// SHA-256 of where they are recorded.
    pub digest: [u8; 32],
    /// How many they are.
    pub taps: u32,
    /// What they come to.
    pub amount: Fen,
}

impl Shown {
    /// As it goes along with a form.
    pub fn encode(&self) -> String {
        format!("{}.{}", self.received_until.0, hex::encode(&self.digest))
    }

    /// What [`Shown::encode`] writes, of taps of which it is not said how many they are.
    pub fn decode(text: &str) -> Option<(Micros, [u8; 32])> {
        let (received_until, digest) = text.split_once('.')?;
        Some((Micros(received_until.parse().ok()?), hex::decode(digest)?.try_into().ok()?))
    }
}

/// A tap that waits for somebody, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The card.
    pub card: CardId,
    /// What was asked.
    pub operation: OperationCode,
    /// The money that it is about.
    pub amount: Option<Fen>,
    /// The terminal's clock in it.
    pub at: Micros,
    /// What was wrong with its lane; nothing where it came from a terminal that was revoked.
    pub fault: Option<LaneFault>,
}

/// A terminal with taps that wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    /// The terminal.
    pub terminal: TerminalId,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub organisation: String,
    /// How many.
    pub taps: i64,
    /// When the first of them came in.
    pub since: Micros,
}

/// What was decided earlier about taps of a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// When.
    pub at: Micros,
    /// Why.
    pub reason: Reason,
    /// How many.
    pub taps: i64,
    /// How many of them were booked: what is decided like any other tap may still be refused.
    pub booked: i64,
    /// The money that was moved.
    pub moved: Fen,
    /// Who decided: the name to sign in with.
    pub staff: String,
    /// Who agreed; nobody where one did it alone.
    pub agreed: Option<String>,
}
