//! The control language: what a test may do to the slots, one JSON object a line, one answer a line.
//! Holds the words only; `server` obeys them, `client` says them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::folder::CardKind;
use crate::pace::Pace;
use crate::trace::TracedApdu;

/// On which side of an APDU a card vanishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TearSide {
    /// The chip never sees the APDU.
    Before,
    /// The chip has done it and kept it; nobody hears the answer.
    After,
}

/// A command. Slots count from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Makes a factory-new card in a folder that holds none.
    Create {
        /// The card's folder.
        card: PathBuf,
        /// What card.
        kind: CardKind,
    },
    /// Makes a card that is in no slot factory-new again.
    Blank {
        /// The card's folder.
        card: PathBuf,
    },
    /// Puts a card into a slot; answers when the reader took it.
    Insert {
        /// Where.
        slot: usize,
        /// The card's folder.
        card: PathBuf,
    },
    /// Pulls the card out; answers when it is out.
    Remove {
        /// Where.
        slot: usize,
    },
    /// Lets the card vanish at the `apdu`-th APDU from now, 1 being the next.
    Tear {
        /// Where.
        slot: usize,
        /// Before or after the chip runs it.
        side: TearSide,
        /// Which APDU from now, from 1.
        apdu: u64,
    },
    /// Takes back a tear that has not happened.
    CancelTear {
        /// Where.
        slot: usize,
    },
    /// The card stays in, but answers nothing, not even its ATR.
    Hang {
        /// Where.
        slot: usize,
    },
    /// Ends a hang; what the card was asked last is answered.
    Resume {
        /// Where.
        slot: usize,
    },
    /// Cards in this slot take as long as contactless ones from now on, until told otherwise.
    Pace {
        /// Where.
        slot: usize,
        /// How long things take.
        pace: Pace,
    },
    /// Every slot's state.
    List,
    /// The APDUs of a slot with numbers above `after`.
    Trace {
        /// Where.
        slot: usize,
        /// 0 for all that are kept.
        after: u64,
    },
    /// Waits until pcscd tells its clients that a card is in, or out; with a card that is in, they can connect.
    AwaitSeen {
        /// The reader's name.
        reader: String,
        /// Whether a card is to be in.
        present: bool,
        /// How long to wait.
        timeout_ms: u64,
    },
    /// Kills pcscd if it runs (only where this process started it).
    StopPcscd,
    /// Starts pcscd if it does not run; answers when clients can connect.
    StartPcscd,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Reply {
    /// It is done.
    Done,
    /// To `list`.
    Slots {
        /// In order of their numbers.
        slots: Vec<SlotState>,
    },
    /// To `trace`.
    Trace {
        /// Oldest first.
        apdus: Vec<TracedApdu>,
    },
    /// It cannot be done.
    Refused {
        /// Why.
        reason: String,
    },
}

/// One slot as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotState {
    /// The driver's port.
    pub port: u16,
    /// The folder of the card that is in.
    pub card: Option<PathBuf>,
    /// Whether the reader has the card's line open.
    pub connected: bool,
    /// Whether the reader powered the card. pcscd does so when it notices one, tells its clients a moment later, and
    /// cuts the power when nobody uses the card for some seconds.
    pub powered: bool,
    /// Whether the card hangs.
    pub hanging: bool,
    /// APDUs until an armed tear, 1 being the next.
    pub tear_in: Option<u64>,
    /// Insertions so far.
    pub insertions: u64,
    /// APDUs since the card was inserted, those of a torn one included; kept after it is out.
    pub apdus: u64,
    /// Why the last card left by itself, if it did: torn, or its firmware failed.
    pub left_because: Option<String>,
}
