//! Obeys the control language on a unix socket.
//! Holds the table of slots; what a slot does is in `slot`, what a command means in `control`.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::control::{Reply, Request};
use crate::folder::{self, Folder, FolderError};
use crate::pcscd::{Pcscd, PcscdError};
use crate::presence::{PresenceError, await_seen};
use crate::slot::{Slot, SlotError};

#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("there is no slot {0}")]
    NoSlot(usize),
    #[error("this process did not start pcscd")]
    NotOurPcscd,
    #[error(transparent)]
    Slot(#[from] SlotError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Pcscd(#[from] PcscdError),
    #[error(transparent)]
    Presence(#[from] PresenceError),
}

/// The slots of one process, and the pcscd it started, if it did.
#[derive(Debug)]
pub struct Server {
    slots: Vec<Slot>,
    pcscd: Option<Mutex<Pcscd>>,
}

impl Server {
    /// Slots for the driver's `ports`; cards are put in on command.
    pub fn new(ports: &[u16], pcscd: Option<Pcscd>) -> Self {
        Self { slots: ports.iter().copied().map(Slot::start).collect(), pcscd: pcscd.map(Mutex::new) }
    }

    /// Obeys every client of the socket at `path`, for ever.
    ///
    /// # Errors
    /// The socket cannot be made or accepts no more.
    pub fn run(self, path: &Path) -> io::Result<()> {
        // A socket left by a killed process refuses connections but keeps the name.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        let server = Arc::new(self);
        for client in listener.incoming() {
            let (server, client) = (Arc::clone(&server), client?);
            thread::spawn(move || {
                // A client that goes away in mid-sentence is its own affair.
                let _ = server.converse(&client);
            });
        }
        Ok(())
    }

    fn converse(&self, client: &UnixStream) -> io::Result<()> {
        let mut answers = client;
        for line in BufReader::new(client).lines() {
            let reply = match serde_json::from_str(&line?) {
                Ok(request) => self.obey(request).unwrap_or_else(|error| Reply::Refused { reason: error.to_string() }),
                Err(error) => Reply::Refused { reason: format!("not a command: {error}") },
            };
            let mut text = serde_json::to_vec(&reply).expect("a reply is JSON");
            text.push(b'\n');
            answers.write_all(&text)?;
        }
        Ok(())
    }

    fn slot(&self, number: usize) -> Result<&Slot, ServeError> {
        self.slots.get(number).ok_or(ServeError::NoSlot(number))
    }

    fn obey(&self, request: Request) -> Result<Reply, ServeError> {
        match request {
            Request::Create { card, kind } => folder::create(&card, kind)?,
            Request::Blank { card } => folder::make_blank(&card)?,
            Request::Insert { slot, card } => {
                let slot = self.slot(slot)?;
                slot.insert(Folder::open(&card)?)?;
            }
            Request::Remove { slot } => self.slot(slot)?.remove()?,
            Request::Tear { slot, side, apdu } => self.slot(slot)?.tear(side, apdu)?,
            Request::CancelTear { slot } => self.slot(slot)?.cancel_tear()?,
            Request::Hang { slot } => self.slot(slot)?.set_hanging(true)?,
            Request::Resume { slot } => self.slot(slot)?.set_hanging(false)?,
            Request::Pace { slot, pace } => self.slot(slot)?.set_pace(pace),
            Request::List => {
                let slots = self.slots.iter().map(Slot::state).collect();
                return Ok(Reply::Slots { slots });
            }
            Request::Trace { slot, after } => {
                let apdus = self.slot(slot)?.trace(after);
                return Ok(Reply::Trace { apdus });
            }
            Request::AwaitSeen { reader, present, timeout_ms } => {
                await_seen(&reader, present, Duration::from_millis(timeout_ms))?;
            }
            Request::StopPcscd => self.with_pcscd(Pcscd::stop)?,
            Request::StartPcscd => self.with_pcscd(Pcscd::start)?,
        }
        Ok(Reply::Done)
    }

    fn with_pcscd(&self, act: impl FnOnce(&mut Pcscd) -> Result<(), PcscdError>) -> Result<(), ServeError> {
        let pcscd = self.pcscd.as_ref().ok_or(ServeError::NotOurPcscd)?;
        let mut pcscd = pcscd.lock().expect("nothing panics while it holds pcscd");
        Ok(act(&mut pcscd)?)
    }
}
