//! Why nothing could be done at a reader.

use crate::tap::TapError;

/// Why there is no tap.
#[derive(Debug, thiserror::Error)]
pub enum StationError {
    /// PC/SC shows no reader.
    #[error("no reader")]
    NoReader,
    /// There is no reader of the name that was asked for; the others.
    #[error("no reader {0:?}")]
    UnknownReader(String, Vec<String>),
    /// Several readers, and none was named.
    #[error("several readers: {}", .0.join(", "))]
    SeveralReaders(Vec<String>),
    /// No card came.
    #[error("no card")]
    NoCard,
    /// The reader is at work for somebody else.
    #[error("the reader is busy")]
    Busy,
    /// The card did not answer in time.
    #[error("the card did not answer in time")]
    Timeout,
    /// The tap itself.
    #[error(transparent)]
    Tap(#[from] TapError),
}
