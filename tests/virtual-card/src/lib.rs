//! Chip cards for tests: Nitrokey's PIV application behind vsmartcard's reader driver, so that programs meet the
//! real pcscd and a real PIV card's answers, errors and life cycle.
//!
//! Holds the card, the slots, the control socket and its client. Does not hold namespaces (`town::pcscd`), and knows
//! nothing of what our programs write on a card.
//!
//! A card is a folder (`folder`). A slot (`slot`) plays the card that is in it: messages of the driver (`vpcd`) are
//! joined to commands (`apdu`) and answered by the chip (`chip`). Tests insert, remove, tear and hang cards with
//! [`Cards`], and have them take their time (`pace`).

mod apdu;
mod chip;
pub mod client;
pub mod control;
pub mod folder;
pub mod pace;
pub mod pcscd;
mod presence;
pub mod server;
mod slot;
pub mod trace;
mod vpcd;

pub use client::{Cards, ControlError};
pub use control::SlotState;
pub use folder::CardKind;
pub use pace::Pace;
pub use server::Server;
pub use trace::TracedApdu;
