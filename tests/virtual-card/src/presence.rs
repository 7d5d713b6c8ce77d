//! What pcscd tells its clients of a reader: the one place where this package is such a client itself.
//! Holds no cards; it works wherever this process finds pcscd, which is the private one in its namespaces.

use std::ffi::{CString, NulError};
use std::thread;
use std::time::{Duration, Instant};

use pcsc::{Context, ReaderState, Scope, State};

/// Pause before asking again a pcscd that is away, or that does not know the reader yet.
const RETRY: Duration = Duration::from_millis(5);

/// Why a reader is not as wanted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PresenceError {
    #[error("no reader has such a name: {0}")]
    Name(#[from] NulError),
    #[error("pcscd saw {} card in {reader} within {timeout:?}: {cause}", if *.present { "no" } else { "still a" })]
    Timeout { reader: String, present: bool, timeout: Duration, cause: pcsc::Error },
}

/// Waits until pcscd reports a usable card in `reader`, or none.
///
/// # Errors
/// It does not in time.
pub(crate) fn await_seen(reader: &str, present: bool, timeout: Duration) -> Result<(), PresenceError> {
    let name = CString::new(reader)?;
    let begun = Instant::now();
    loop {
        let left = timeout.saturating_sub(begun.elapsed());
        match watch(&name, present, left) {
            Ok(()) => return Ok(()),
            Err(cause) if begun.elapsed() >= timeout => {
                return Err(PresenceError::Timeout { reader: reader.to_owned(), present, timeout, cause });
            }
            Err(_) => thread::sleep(RETRY),
        }
    }
}

fn watch(name: &CString, present: bool, timeout: Duration) -> Result<(), pcsc::Error> {
    let context = Context::establish(Scope::System)?;
    let begun = Instant::now();
    let mut states = [ReaderState::new(name.clone(), State::UNAWARE)];
    loop {
        let left = timeout.saturating_sub(begun.elapsed());
        context.get_status_change(left, &mut states)?;
        let state = states[0].event_state();
        if state.intersects(State::UNKNOWN | State::UNAVAILABLE) {
            return Err(pcsc::Error::UnknownReader);
        }
        let usable = state.contains(State::PRESENT) && !state.contains(State::MUTE) && !states[0].atr().is_empty();
        let seen = if present { usable } else { state.contains(State::EMPTY) };
        if seen {
            return Ok(());
        }
        states[0].sync_current_state();
    }
}
