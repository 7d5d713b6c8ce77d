//! Why a tap did not come about. Nobody has heard "accepted".

use super::{authorise::Refused, certificate::CertificateError};
use crate::{outbox::OutboxError, piv::PivError};

/// Why there is no tap.
#[derive(Debug, thiserror::Error)]
pub enum TapError {
    /// Card or reader: see the cause.
    #[error(transparent)]
    Card(#[from] PivError),
    /// The terminal's rules say no. Nothing was signed.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The card is not one of ours, or not the one it says it is.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The chip does not hold the key of the certificate it shows: a copy.
    #[error("the chip's signature is not by the key of its certificate")]
    Copied,
    /// The tap could not be kept, or no number could be reserved.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The card signed after whoever waited had given up.
    #[error("the card signed too late")]
    TooLate,
    /// The system has no randomness.
    #[error("no randomness")]
    Randomness,
}
