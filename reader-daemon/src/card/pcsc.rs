//! PC/SC: the only file that knows the `pcsc` crate. Connects, keeps transactions, waits for readers to change.
//!
//! One context per thread that waits: in pcsc-lite a context takes one call at a time, so a hung card would block
//! every other reader that shares it.

use std::ffi::{CStr, CString};
use std::thread;
use std::time::{Duration, Instant};

use pcsc::{Card, Context, Disposition, Error, PNP_NOTIFICATION, Protocols, ReaderState, Scope, ShareMode, State};
use zeroize::Zeroize;

use super::apdu_trace;
use super::link::{Deadline, Link, LinkError};
use super::monitor::{CardState, Seen, StatusSource};

/// After a swap, connecting fails for up to 0.8 s while pcscd powers the new card.
const CONNECT_PATIENCE: Duration = Duration::from_millis(1_200);
/// Longest time in which pcscd notices that a card left (measured: up to 0.4 s), with some to spare.
const NOTICE_TIME: Duration = Duration::from_millis(600);
/// Between two attempts to connect.
const CONNECT_PAUSE: Duration = Duration::from_millis(20);

/// What a PC/SC error says of the card and the reader.
fn link_error(operation: &'static str, error: Error) -> LinkError {
    match error {
        // A handle is invalid when the service that gave it has been restarted.
        Error::NoService | Error::ServiceStopped | Error::Shutdown | Error::CommError | Error::InvalidHandle => {
            LinkError::ServiceDown
        }
        Error::UnknownReader | Error::ReaderUnavailable | Error::NoReadersAvailable => LinkError::ReaderGone,
        Error::NoSmartcard => LinkError::NoCard,
        // NotTransacted: the card did not answer any more. In a fast swap it is the only sign of it.
        Error::RemovedCard | Error::NotTransacted => LinkError::Removed,
        Error::ResetCard => LinkError::Reset,
        Error::SharingViolation => LinkError::Busy,
        Error::UnresponsiveCard | Error::UnpoweredCard | Error::UnsupportedCard | Error::ProtoMismatch => {
            LinkError::Mute
        }
        other => LinkError::Pcsc { operation, name: format!("{other:?}"), code: other as u32 },
    }
}

fn establish() -> Result<Context, LinkError> {
    Context::establish(Scope::System).map_err(|error| link_error("reach the smart card service", error))
}

fn names(context: &Context) -> Result<Vec<CString>, LinkError> {
    match context.list_readers_owned() {
        Err(Error::NoReadersAvailable) => Ok(Vec::new()),
        other => other.map_err(|error| link_error("list the readers", error)),
    }
}

/// The readers and what is in them, now.
///
/// # Errors
/// [`LinkError::ServiceDown`] when the smart card service does not run.
pub fn readers() -> Result<Vec<Seen>, LinkError> {
    Watcher::establish()?.look()
}

/// A connection to the card in one reader, kept between operations and made anew when it must be.
pub(crate) struct Connection {
    reader: CString,
    context: Option<Context>,
    card: Option<Card>,
    lost: Option<Lost>,
    buffer: Vec<u8>,
}

impl Connection {
    /// A connection to be made when it is first needed.
    ///
    /// # Errors
    /// [`LinkError::ReaderGone`] for a name that no reader can have.
    pub(crate) fn new(reader: &str) -> Result<Self, LinkError> {
        let reader = CString::new(reader).map_err(|_| LinkError::ReaderGone)?;
        Ok(Self { reader, context: None, card: None, lost: None, buffer: vec![0; pcsc::MAX_BUFFER_SIZE_EXTENDED] })
    }

    /// Whether a card is held: others cannot have it for themselves alone meanwhile.
    pub(crate) fn is_held(&self) -> bool {
        self.card.is_some()
    }

    /// Lets go of the card and leaves it as it is.
    pub(crate) fn release(&mut self) {
        if let Some(card) = self.card.take() {
            // Where this fails the card or the service is gone, and the handle with it.
            if let Err((card, _)) = card.disconnect(Disposition::LeaveCard) {
                drop(card);
            }
        }
    }

    /// Does `work` in an exclusive transaction, or tells it why there is none. Answers after the transaction ended.
    pub(crate) fn with_transaction(
        &mut self,
        deadline: Deadline,
        work: impl FnOnce(Result<&mut PcscLink<'_>, LinkError>),
    ) {
        let patience = deadline.at.min(Instant::now() + CONNECT_PATIENCE);
        let mut work = Some(work);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let was_connected = self.card.is_some();
            let outcome = match self.connected() {
                Err(failure) => Err(failure),
                Ok((reader, card, buffer)) => match card.transaction() {
                    Ok(transaction) => {
                        let mut link = PcscLink { reader, transaction, buffer, deadline, failed: None, resets: false };
                        work.take().expect("work is done once")(Ok(&mut link));
                        Ok(link.end())
                    }
                    Err(error) => Err(link_error("begin a transaction", error)),
                },
            };
            let failure = match outcome {
                Ok(After::Keep) => return,
                Ok(After::Release) => return self.release(),
                Ok(After::CardLost) => {
                    self.release();
                    self.lost = self.presence().map(|count| Lost { at: Instant::now(), count });
                    return;
                }
                Err(failure) => failure,
            };
            self.recover(&failure);
            let is_over = match failure {
                // The service or the card may be another one since last time: once more, from the beginning.
                LinkError::ServiceDown | LinkError::ReaderGone | LinkError::NoCard => {
                    !(was_connected || failure == LinkError::NoCard && self.presence().is_some())
                }
                LinkError::Removed | LinkError::Reset | LinkError::Busy | LinkError::Mute => false,
                _ => true,
            };
            if is_over || Instant::now() + CONNECT_PAUSE >= patience {
                work.take().expect("work is done once")(Err(failure));
                return;
            }
            if attempts > 1 {
                thread::sleep(CONNECT_PAUSE);
            }
        }
    }

    fn connected(&mut self) -> Result<(&CStr, &mut Card, &mut [u8]), LinkError> {
        if self.card.is_none() {
            let must_reset = self.has_unnoticed_card()?;
            let context = match self.context.take() {
                Some(context) => context,
                None => establish()?,
            };
            let context = self.context.insert(context);
            let mut card = context
                .connect(&self.reader, ShareMode::Shared, Protocols::ANY)
                .map_err(|error| link_error("connect to the card", error))?;
            if must_reset {
                self.lost = None;
                card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::ResetCard)
                    .map_err(|error| link_error("power the card", error))?;
            }
            self.card = Some(card);
        }
        Ok((&self.reader, self.card.as_mut().expect("connected just above"), &mut self.buffer))
    }

    /// Whether a card was put in so soon after another left that the service noticed neither: it must be reset.
    ///
    /// Resetting before the service had time to notice would leave it believing that the reader is empty.
    fn has_unnoticed_card(&mut self) -> Result<bool, LinkError> {
        let Some(Lost { at, count }) = self.lost else { return Ok(false) };
        if self.presence() != Some(count) {
            self.lost = None;
            return Ok(false);
        }
        if at.elapsed() < NOTICE_TIME { Err(LinkError::Removed) } else { Ok(true) }
    }

    /// After a failure: what is left of the connection is used again only if another program reset the card.
    fn recover(&mut self, failure: &LinkError) {
        if let (LinkError::Reset, Some(card)) = (failure, &mut self.card)
            && card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard).is_ok()
        {
            return;
        }
        self.release();
        if matches!(failure, LinkError::ServiceDown) {
            self.context = None;
        }
    }

    /// The count of insertions and removals when the service sees a card in the reader, `None` when it sees none.
    fn presence(&self) -> Option<u32> {
        let mut states = [ReaderState::new(self.reader.clone(), State::UNAWARE)];
        self.context.as_ref()?.get_status_change(Duration::ZERO, &mut states).ok()?;
        states[0].event_state().contains(State::PRESENT).then(|| states[0].event_count())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.release();
    }
}

/// What becomes of a connection after a transaction.
enum After {
    Keep,
    Release,
    CardLost,
}

#[derive(Clone, Copy)]
/// A card left, and the service had not noticed: whatever it says is in the reader may be another card, not powered.
struct Lost {
    at: Instant,
    /// The service's count of insertions and removals then.
    count: u32,
}

/// A card in an exclusive transaction.
pub(crate) struct PcscLink<'a> {
    reader: &'a CStr,
    transaction: pcsc::Transaction<'a>,
    buffer: &'a mut [u8],
    deadline: Deadline,
    failed: Option<LinkError>,
    resets: bool,
}

impl PcscLink<'_> {
    /// Gives the next operation its own time.
    pub(crate) fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Ends the transaction.
    fn end(self) -> After {
        // A card that has left lost what it held by itself. Resetting it would mark the reader empty before the service
        // has seen the card go, and when one is put back soon, the service would never see it.
        let is_gone = self.failed == Some(LinkError::Removed);
        let disposition = if self.resets && !is_gone { Disposition::ResetCard } else { Disposition::LeaveCard };
        let is_ended = match self.transaction.end(disposition) {
            Ok(()) => true,
            Err((_transaction, error)) => {
                tracing::debug!(?error, "the transaction could not be ended");
                false
            }
        };
        match self.failed {
            Some(LinkError::Removed) => After::CardLost,
            None if is_ended && !self.resets => After::Keep,
            _ => After::Release,
        }
    }
}

impl Link for PcscLink<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        // After a removal the same handle may reach another card: nothing more is said over it.
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        if self.deadline.is_over() {
            let error = self.deadline.timeout();
            self.failed = Some(error.clone());
            return Err(error);
        }
        let begun = Instant::now();
        let result = match self.transaction.transmit(command, self.buffer) {
            // Some drivers answer with nothing when the card has left; no card answers less than a status word.
            Ok([]) => Err(LinkError::Removed),
            Ok(response) => Ok(response.to_vec()),
            // Here the context is sound, it is the handle's reader that is not there.
            Err(Error::InvalidHandle | Error::InvalidValue) => Err(LinkError::ReaderGone),
            Err(error) => Err(link_error("send a command to the card", error)),
        };
        let reader = self.reader.to_string_lossy();
        apdu_trace::exchanged(&reader, command, result.as_deref(), begun.elapsed());
        match &result {
            Ok(response) => self.buffer[..response.len()].zeroize(),
            Err(error) => self.failed = Some(error.clone()),
        }
        result
    }

    fn reset_at_end(&mut self) {
        self.resets = true;
    }
}

/// Waits for readers and cards to come and go.
pub(crate) struct Watcher {
    context: Context,
    states: Vec<ReaderState>,
}

/// Ends another thread's wait.
pub(crate) struct Canceller(Context);

impl Canceller {
    /// Ends the wait that is going on, if there is one.
    pub(crate) fn cancel(&self) {
        // Nothing to cancel, or the service is gone: the wait ends by itself.
        let _ = self.0.cancel();
    }
}

impl Watcher {
    /// A watcher that has seen nothing yet.
    pub(crate) fn establish() -> Result<Self, LinkError> {
        let states = vec![ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)];
        Ok(Self { context: establish()?, states })
    }

    /// What ends a wait of this watcher from another thread.
    pub(crate) fn canceller(&self) -> Canceller {
        Canceller(self.context.clone())
    }

    /// The readers and cards at this moment.
    fn look(&mut self) -> Result<Vec<Seen>, LinkError> {
        self.wait(Duration::ZERO)
    }

    /// Adds readers that are new and drops those that are gone.
    fn sync_names(&mut self) -> Result<(), LinkError> {
        let names = names(&self.context)?;
        let is_pnp = |state: &ReaderState| state.name() == PNP_NOTIFICATION();
        self.states.retain(|state| is_pnp(state) || names.iter().any(|name| name.as_c_str() == state.name()));
        for name in names {
            if !self.states.iter().any(|state| state.name() == name.as_c_str()) {
                self.states.push(ReaderState::new(name, State::UNAWARE));
            }
        }
        Ok(())
    }
}

impl StatusSource for Watcher {
    fn wait(&mut self, at_most: Duration) -> Result<Vec<Seen>, LinkError> {
        self.sync_names()?;
        match self.context.get_status_change(at_most, &mut self.states) {
            // UnknownReader: one of them was unplugged since they were listed.
            Ok(()) | Err(Error::Timeout | Error::Cancelled | Error::UnknownReader) => {}
            Err(error) => return Err(link_error("wait for the readers", error)),
        }
        self.sync_names()?;
        if self.states.iter().any(|state| state.current_state() == State::UNAWARE) {
            // Readers that came during the wait: their state is there at once.
            match self.context.get_status_change(Duration::ZERO, &mut self.states) {
                Ok(()) | Err(Error::Timeout | Error::UnknownReader) => {}
                Err(error) => return Err(link_error("look at the readers", error)),
            }
        }
        for state in &mut self.states {
            state.sync_current_state();
        }
        Ok(self.states.iter().filter(|state| state.name() != PNP_NOTIFICATION()).filter_map(seen).collect())
    }
}

/// A reader's state as the monitor compares it; `None` for one that is not there any more.
fn seen(state: &ReaderState) -> Option<Seen> {
    let flags = state.event_state();
    if flags.intersects(State::UNKNOWN | State::UNAVAILABLE | State::IGNORE) {
        return None;
    }
    let card = if flags.contains(State::MUTE) {
        CardState::Mute
    } else if flags.contains(State::PRESENT) {
        CardState::Present
    } else {
        CardState::Absent
    };
    Some(Seen { reader: lossy(state.name()), card, count: state.event_count(), atr: state.atr().to_vec() })
}

/// Reader names are bytes; the few that are no UTF-8 cannot be addressed by their shown name.
fn lossy(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}
