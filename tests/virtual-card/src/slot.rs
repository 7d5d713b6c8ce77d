//! One reader slot: a thread that plays whatever card is in it, and the ways a test may disturb that.
//! Holds no cryptography and no control language.

use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::apdu::{Interpreter, status};
use crate::chip;
use crate::control::{SlotState, TearSide};
use crate::folder::{CardKind, Folder, FolderError};
use crate::pace::Pace;
use crate::trace::{Trace, TracedApdu};
use crate::vpcd::{ATR, Link, Message};

/// How long a reader may take to accept a card, and a slot to let go of one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pause between two attempts to reach a reader that does not listen: pcscd is being restarted.
const RETRY: Duration = Duration::from_millis(10);

/// The chip and its buffers are large values on the stack of an unoptimised build.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Why a slot does not do as told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SlotError {
    #[error("the slot holds {0}")]
    Occupied(PathBuf),
    #[error("the slot is empty")]
    Empty,
    #[error("APDUs from now count from 1")]
    NoSuchApdu,
    #[error("no reader takes the card on port {0}")]
    NoReader(u16),
    #[error("the slot does not let go of its card")]
    Stuck,
    #[error("the card left at once: {0}")]
    Left(String),
}

#[derive(Debug, Clone, Copy)]
struct Tear {
    side: TearSide,
    /// APDUs still to come before it happens, 1 being the next.
    left: u64,
}

#[derive(Debug, Default)]
struct Inner {
    card: Option<PathBuf>,
    /// A card on its way from the caller to the thread.
    handed: Option<Folder>,
    line: Option<TcpStream>,
    leaving: bool,
    powered: bool,
    hanging: bool,
    pace: Pace,
    tear: Option<Tear>,
    insertions: u64,
    apdus: u64,
    left_because: Option<String>,
    trace: Trace,
}

#[derive(Debug)]
struct Shared {
    port: u16,
    inner: Mutex<Inner>,
    changed: Condvar,
}

/// Why a card is no longer served on its present line.
enum Leave {
    /// The line broke; the reader may come back.
    LineLost,
    /// The card is out: removed, torn, or broken.
    Out(Option<String>),
}

/// A chip's answer, given once what it changed is kept.
type Answer<'a> = dyn FnMut(&[u8]) -> Result<Vec<u8>, FolderError> + 'a;

/// What ends a power cycle.
enum Power {
    Off,
    /// Powered again without an off in between.
    Cycled,
}

/// A slot and its thread, which lives as long as the process.
#[derive(Debug, Clone)]
pub(crate) struct Slot(Arc<Shared>);

impl Slot {
    pub(crate) fn start(port: u16) -> Self {
        let slot = Self(Arc::new(Shared { port, inner: Mutex::default(), changed: Condvar::new() }));
        let shared = Arc::clone(&slot.0);
        thread::Builder::new()
            .name(format!("slot-{port}"))
            .stack_size(STACK_BYTES)
            .spawn(move || shared.run())
            .expect("the system has room for a thread");
        slot
    }

    /// Puts a card in; returns when the reader took it.
    ///
    /// # Errors
    /// There is a card in, or no reader listens.
    pub(crate) fn insert(&self, folder: Folder) -> Result<(), SlotError> {
        let mut inner = self.0.lock();
        if let Some(path) = &inner.card {
            return Err(SlotError::Occupied(path.clone()));
        }
        inner.card = Some(folder.path().to_owned());
        inner.handed = Some(folder);
        inner.leaving = false;
        inner.hanging = false;
        inner.tear = None;
        inner.left_because = None;
        inner.insertions += 1;
        inner.apdus = 0;
        self.0.changed.notify_all();
        let mut inner = self.0.wait_while(inner, |inner| inner.card.is_some() && inner.line.is_none());
        if inner.line.is_some() {
            return Ok(());
        }
        if inner.card.is_none() {
            let reason = inner.left_because.clone().unwrap_or_default();
            return Err(SlotError::Left(reason));
        }
        inner.leaving = true;
        self.0.changed.notify_all();
        Err(SlotError::NoReader(self.0.port))
    }

    /// Pulls the card out; returns when it is out.
    ///
    /// # Errors
    /// There is none, or it does not leave in time.
    pub(crate) fn remove(&self) -> Result<(), SlotError> {
        let mut inner = self.0.occupied()?;
        inner.leaving = true;
        if let Some(line) = &inner.line {
            // The other side may have closed it already.
            let _ = line.shutdown(Shutdown::Both);
        }
        self.0.changed.notify_all();
        let inner = self.0.wait_while(inner, |inner| inner.card.is_some());
        if inner.card.is_some() {
            return Err(SlotError::Stuck);
        }
        Ok(())
    }

    /// Arms a tear at the `apdu`-th APDU from now.
    ///
    /// # Errors
    /// The slot is empty, or `apdu` is 0.
    pub(crate) fn tear(&self, side: TearSide, apdu: u64) -> Result<(), SlotError> {
        if apdu == 0 {
            return Err(SlotError::NoSuchApdu);
        }
        self.0.occupied()?.tear = Some(Tear { side, left: apdu });
        Ok(())
    }

    /// Disarms it.
    ///
    /// # Errors
    /// The slot is empty.
    pub(crate) fn cancel_tear(&self) -> Result<(), SlotError> {
        self.0.occupied()?.tear = None;
        Ok(())
    }

    /// Begins or ends a hang.
    ///
    /// # Errors
    /// The slot is empty.
    pub(crate) fn set_hanging(&self, hanging: bool) -> Result<(), SlotError> {
        self.0.occupied()?.hanging = hanging;
        self.0.changed.notify_all();
        Ok(())
    }

    /// How long a card takes here, whichever comes.
    pub(crate) fn set_pace(&self, pace: Pace) {
        self.0.lock().pace = pace;
    }

    pub(crate) fn state(&self) -> SlotState {
        let inner = self.0.lock();
        SlotState {
            port: self.0.port,
            card: inner.card.clone(),
            connected: inner.line.is_some(),
            powered: inner.powered,
            hanging: inner.hanging,
            tear_in: inner.tear.map(|tear| tear.left),
            insertions: inner.insertions,
            apdus: inner.apdus,
            left_because: inner.left_because.clone(),
        }
    }

    pub(crate) fn trace(&self, after: u64) -> Vec<TracedApdu> {
        self.0.lock().trace.since(after)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while it holds a slot's state")
    }

    fn occupied(&self) -> Result<MutexGuard<'_, Inner>, SlotError> {
        let inner = self.lock();
        if inner.card.is_none() {
            return Err(SlotError::Empty);
        }
        Ok(inner)
    }

    fn wait_while<'a>(
        &self,
        inner: MutexGuard<'a, Inner>,
        condition: impl FnMut(&mut Inner) -> bool,
    ) -> MutexGuard<'a, Inner> {
        self.changed
            .wait_timeout_while(inner, PATIENCE, condition)
            .expect("nothing panics while it holds a slot's state")
            .0
    }

    /// The thread: one card after the other.
    fn run(&self) {
        loop {
            let folder = self.next_card();
            let reason = self.insertion(&folder);
            // The folder's lock is free before anyone hears that the card is out.
            drop(folder);
            let mut inner = self.lock();
            inner.card = None;
            inner.line = None;
            inner.powered = false;
            inner.hanging = false;
            inner.tear = None;
            inner.left_because = reason;
            self.changed.notify_all();
        }
    }

    fn next_card(&self) -> Folder {
        let mut inner = self.lock();
        loop {
            if let Some(folder) = inner.handed.take() {
                return folder;
            }
            inner = self.changed.wait(inner).expect("nothing panics while it holds a slot's state");
        }
    }

    /// One card from insertion to removal, over as many lines as pcscd's restarts need.
    fn insertion(&self, folder: &Folder) -> Option<String> {
        loop {
            if self.lock().leaving {
                return None;
            }
            let Ok(mut link) = Link::connect(self.port, PATIENCE) else {
                let inner = self.lock();
                let _ = self.changed.wait_timeout_while(inner, RETRY, |inner| !inner.leaving);
                continue;
            };
            {
                let mut inner = self.lock();
                inner.line = link.handle().ok();
                self.changed.notify_all();
                if inner.leaving {
                    return None;
                }
            }
            let left = catch_unwind(AssertUnwindSafe(|| self.serve(&mut link, folder)));
            {
                let mut inner = self.lock();
                inner.line = None;
                inner.powered = false;
            }
            match left {
                Ok(Leave::LineLost) => {}
                Ok(Leave::Out(reason)) => return reason,
                Err(_) => return Some("the chip's firmware panicked".to_owned()),
            }
        }
    }

    /// One line, over many power cycles.
    fn serve(&self, link: &mut Link, folder: &Folder) -> Leave {
        loop {
            match self.until_power(link) {
                Ok(()) => {}
                Err(leave) => return leave,
            }
            loop {
                self.lock().powered = true;
                let ended = match folder.kind() {
                    CardKind::Piv => self.piv_cycle(link, folder),
                    CardKind::Foreign => self.cycle(link, &mut |apdu| Ok(foreign_answer(apdu))),
                };
                self.lock().powered = false;
                match ended {
                    Ok(Power::Cycled) => {}
                    Ok(Power::Off) => break,
                    Err(leave) => return leave,
                }
            }
        }
    }

    /// An unpowered card: it only shows its ATR.
    fn until_power(&self, link: &mut Link) -> Result<(), Leave> {
        loop {
            match self.next_message(link)? {
                Message::PowerOn | Message::Reset => return Ok(()),
                Message::PowerOff => {}
                Message::GetAtr => send(link, &ATR)?,
                // An APDU without power has no answer; the driver never sends one.
                Message::Apdu(_) => return Err(Leave::LineLost),
            }
        }
    }

    fn piv_cycle(&self, link: &mut Link, folder: &Folder) -> Result<Power, Leave> {
        let broken = |what: String| Leave::Out(Some(what));
        let flash = folder.load().map_err(|error| broken(error.to_string()))?;
        chip::powered(&flash, |application| {
            let mut interpreter = Interpreter::new();
            // The application reads its state at the first command that needs it: a millisecond, on a new card twenty,
            // that a real card spends before it shows its ATR.
            application.wake();
            if let Some(image) = flash.take_written() {
                folder.keep(&image).map_err(|error| broken(error.to_string()))?;
            }
            self.cycle(link, &mut |apdu| {
                let answer = interpreter.execute(application, apdu);
                match flash.take_written() {
                    Some(image) => folder.keep(&image).map(|()| answer),
                    None => Ok(answer),
                }
            })
        })
        .map_err(|error| broken(format!("the memory holds no file system: {error:?}")))?
    }

    /// A powered card: answers APDUs until the power goes.
    fn cycle(&self, link: &mut Link, answer: &mut Answer<'_>) -> Result<Power, Leave> {
        loop {
            match self.next_message(link)? {
                Message::PowerOff => return Ok(Power::Off),
                Message::PowerOn | Message::Reset => return Ok(Power::Cycled),
                Message::GetAtr => send(link, &ATR)?,
                Message::Apdu(apdu) => self.exchange(link, &apdu, answer)?,
            }
        }
    }

    fn exchange(&self, link: &mut Link, apdu: &[u8], answer: &mut Answer<'_>) -> Result<(), Leave> {
        let torn = self.count_apdu();
        if torn == Some(TearSide::Before) {
            self.record(apdu, &[], false, Duration::ZERO);
            return Err(Leave::Out(Some("torn before an APDU".to_owned())));
        }
        let begun = Instant::now();
        let response = answer(apdu).map_err(|error| Leave::Out(Some(error.to_string())))?;
        let pace = self.lock().pace;
        thread::sleep(pace.exchange(apdu, &response).saturating_sub(begun.elapsed()));
        let answered = torn.is_none();
        self.record(apdu, &response, answered, begun.elapsed());
        if !answered {
            return Err(Leave::Out(Some("torn after an APDU".to_owned())));
        }
        send(link, &response)
    }

    /// Counts an APDU and says whether the card vanishes at it.
    fn count_apdu(&self) -> Option<TearSide> {
        let mut inner = self.lock();
        inner.apdus += 1;
        let tear = inner.tear.as_mut()?;
        tear.left -= 1;
        if tear.left > 0 {
            return None;
        }
        inner.tear.take().map(|tear| tear.side)
    }

    fn record(&self, apdu: &[u8], response: &[u8], answered: bool, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mut inner = self.lock();
        let insertion = inner.insertions;
        inner.trace.record(insertion, apdu, response, answered, micros);
    }

    /// The reader's next message, held back while the card hangs.
    fn next_message(&self, link: &mut Link) -> Result<Message, Leave> {
        let message = link.read();
        let mut inner = self.lock();
        while inner.hanging && !inner.leaving {
            inner = self.changed.wait(inner).expect("nothing panics while it holds a slot's state");
        }
        if inner.leaving {
            return Err(Leave::Out(None));
        }
        message.map_err(|_| Leave::LineLost)
    }
}

fn send(link: &mut Link, body: &[u8]) -> Result<(), Leave> {
    link.send(body).map_err(|_| Leave::LineLost)
}

/// A card of somebody else: none of our applications, and it knows no other instruction.
fn foreign_answer(apdu: &[u8]) -> Vec<u8> {
    match apdu.get(1) {
        Some(0xA4) => status(0x6A82),
        _ => status(0x6D00),
    }
}
