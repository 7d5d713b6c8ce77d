//! A blocking client of the control socket, for tests.
//! Holds no decisions: each method is one command, plus two waits with a bound.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::control::{Reply, Request, SlotState, TearSide};
use crate::folder::CardKind;
use crate::pace::Pace;
use crate::trace::TracedApdu;

/// Pause between two looks at a slot.
const POLL: Duration = Duration::from_millis(2);

/// Longer than any command takes.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody answers on the socket.
    #[error("the virtual cards on {path} do not answer: {source}")]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The command cannot be done.
    #[error("{request:?} refused: {reason}")]
    Refused {
        /// Which command.
        request: Request,
        /// Why.
        reason: String,
    },
    /// An answer that fits no command.
    #[error("{request:?} answered with {answer}")]
    Unexpected {
        /// Which command.
        request: Request,
        /// What came.
        answer: String,
    },
    /// A state that did not come.
    #[error("slot {slot} after {timeout:?} is still {state:?}")]
    Timeout {
        /// Which slot.
        slot: usize,
        /// How long was waited.
        timeout: Duration,
        /// How it is.
        state: SlotState,
    },
}

/// The cards behind one control socket. Cheap to clone; each command has its own connection, so clones may be used
/// from many threads.
#[derive(Debug, Clone)]
pub struct Cards {
    socket: PathBuf,
}

impl Cards {
    /// A client of the socket at `socket`; nothing is connected yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// The control socket's path.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    fn ask(&self, request: &Request) -> io::Result<Reply> {
        let stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        let mut text = serde_json::to_vec(request)?;
        text.push(b'\n');
        (&stream).write_all(&text)?;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    fn reply(&self, request: &Request) -> Result<Reply, ControlError> {
        match self.ask(request) {
            Ok(Reply::Refused { reason }) => Err(ControlError::Refused { request: request.clone(), reason }),
            Ok(reply) => Ok(reply),
            Err(source) => Err(ControlError::Io { path: self.socket.clone(), source }),
        }
    }

    fn command(&self, request: Request) -> Result<(), ControlError> {
        match self.reply(&request)? {
            Reply::Done => Ok(()),
            other => Err(unexpected(request, &other)),
        }
    }

    /// Makes a factory-new PIV card in the folder `card`, which may not hold one.
    pub fn create(&self, card: &Path) -> Result<(), ControlError> {
        self.create_kind(card, CardKind::Piv)
    }

    /// Makes a card of the given kind in the folder `card`, which may not hold one.
    pub fn create_kind(&self, card: &Path, kind: CardKind) -> Result<(), ControlError> {
        let card = absolute(card);
        self.command(Request::Create { card, kind })
    }

    /// Makes the card in the folder `card` factory-new again; it may not be in a slot.
    pub fn blank(&self, card: &Path) -> Result<(), ControlError> {
        let card = absolute(card);
        self.command(Request::Blank { card })
    }

    /// Puts the card in the folder `card` into a slot; returns when the reader took it. pcscd notices it a little
    /// later: [`Self::wait_seen`].
    pub fn insert(&self, slot: usize, card: &Path) -> Result<(), ControlError> {
        let card = absolute(card);
        self.command(Request::Insert { slot, card })
    }

    /// Pulls the card out; returns when it is out.
    pub fn remove(&self, slot: usize) -> Result<(), ControlError> {
        self.command(Request::Remove { slot })
    }

    /// Lets the card vanish before the `apdu`-th APDU from now runs, 1 being the next.
    pub fn tear_before(&self, slot: usize, apdu: u64) -> Result<(), ControlError> {
        let side = TearSide::Before;
        self.command(Request::Tear { slot, side, apdu })
    }

    /// Lets the card vanish after the `apdu`-th APDU from now ran; its answer is never delivered.
    pub fn tear_after(&self, slot: usize, apdu: u64) -> Result<(), ControlError> {
        let side = TearSide::After;
        self.command(Request::Tear { slot, side, apdu })
    }

    /// Takes back a tear that has not happened.
    pub fn cancel_tear(&self, slot: usize) -> Result<(), ControlError> {
        self.command(Request::CancelTear { slot })
    }

    /// Cards in this slot take so long from now on.
    pub fn pace(&self, slot: usize, pace: Pace) -> Result<(), ControlError> {
        self.command(Request::Pace { slot, pace })
    }

    /// The card stays in, but answers nothing any more.
    pub fn hang(&self, slot: usize) -> Result<(), ControlError> {
        self.command(Request::Hang { slot })
    }

    /// Ends a hang.
    pub fn resume(&self, slot: usize) -> Result<(), ControlError> {
        self.command(Request::Resume { slot })
    }

    /// Every slot's state.
    pub fn list(&self) -> Result<Vec<SlotState>, ControlError> {
        let request = Request::List;
        match self.reply(&request)? {
            Reply::Slots { slots } => Ok(slots),
            other => Err(unexpected(request, &other)),
        }
    }

    /// One slot's state.
    pub fn slot(&self, slot: usize) -> Result<SlotState, ControlError> {
        self.list()?
            .into_iter()
            .nth(slot)
            .ok_or_else(|| ControlError::Refused { request: Request::List, reason: format!("there is no slot {slot}") })
    }

    /// APDUs since the card was inserted.
    pub fn apdus(&self, slot: usize) -> Result<u64, ControlError> {
        Ok(self.slot(slot)?.apdus)
    }

    /// The slot's APDUs with numbers above `after`, oldest first; bodies that hold a secret are cut.
    pub fn trace(&self, slot: usize, after: u64) -> Result<Vec<TracedApdu>, ControlError> {
        let request = Request::Trace { slot, after };
        match self.reply(&request)? {
            Reply::Trace { apdus } => Ok(apdus),
            other => Err(unexpected(request, &other)),
        }
    }

    /// Waits until pcscd tells its clients that a card is in `reader`, or that none is. After an insertion they can
    /// connect from then on.
    pub fn wait_seen(&self, reader: &str, present: bool, timeout: Duration) -> Result<(), ControlError> {
        self.command(Request::AwaitSeen {
            reader: reader.to_owned(),
            present,
            timeout_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// Kills pcscd, where the process started its own.
    pub fn stop_pcscd(&self) -> Result<(), ControlError> {
        self.command(Request::StopPcscd)
    }

    /// Starts pcscd again; returns when clients can connect.
    pub fn start_pcscd(&self) -> Result<(), ControlError> {
        self.command(Request::StartPcscd)
    }

    /// Waits until pcscd has powered the card. Its clients hear of the card a moment later: [`Self::wait_seen`].
    pub fn wait_powered(&self, slot: usize, timeout: Duration) -> Result<(), ControlError> {
        self.wait(slot, timeout, |state| state.powered)
    }

    /// Waits until the slot is empty: an armed tear has happened.
    pub fn wait_empty(&self, slot: usize, timeout: Duration) -> Result<(), ControlError> {
        self.wait(slot, timeout, |state| state.card.is_none())
    }

    /// Waits until a slot is as wanted, looking every 2 ms.
    pub fn wait(
        &self,
        slot: usize,
        timeout: Duration,
        wanted: impl Fn(&SlotState) -> bool,
    ) -> Result<(), ControlError> {
        let begun = Instant::now();
        loop {
            let state = self.slot(slot)?;
            if wanted(&state) {
                return Ok(());
            }
            if begun.elapsed() > timeout {
                return Err(ControlError::Timeout { slot, timeout, state });
            }
            thread::sleep(POLL);
        }
    }
}

/// The process behind the socket may have another working folder.
fn absolute(card: &Path) -> PathBuf {
    std::path::absolute(card).unwrap_or_else(|_| card.to_owned())
}

fn unexpected(request: Request, answer: &Reply) -> ControlError {
    ControlError::Unexpected { request, answer: format!("{answer:?}") }
}
