//! A private pcscd with virtual readers and cards, as one value: many of them run side by side, and nothing of them
//! is left when the value, or the whole test process, is gone.
//!
//! Holds namespaces and processes. What a card does is in `virtual_card`; services and daemons are the town's.
//!
//! pcscd's socket folder and the reader driver's ports are fixed at their build, and the driver listens on every
//! address. So pcscd and the cards' process run in mount, network and process namespaces of their own; only the
//! socket's folder, bound from the run folder, is shared, and clients find it by `PCSCLITE_CSOCK_NAME`. The cards'
//! process is the first of its process namespace and ends when its stdin closes: with it, everything in there.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use virtual_card::pcscd::{SOCKET_NAME, SYSTEM_FOLDER, ports};
use virtual_card::{Cards, ControlError};

use crate::programs::{ProgramError, program};

/// The variable by which libpcsclite finds another pcscd than the system's.
pub const SOCKET_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";

/// How long pcscd and the cards may take to answer; machines under a full test run are slow.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// How long pcscd may take to notice a card; it takes 0.4 s.
const SEE_PATIENCE: Duration = Duration::from_secs(20);

/// How long they may take to end.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Pause between two looks.
const POLL: Duration = Duration::from_millis(5);

/// Readers that the system's pcscd has, as Debian configures vsmartcard.
const SYSTEM_READERS: usize = 2;

/// Why there are no readers.
#[derive(Debug, thiserror::Error)]
pub enum PcscdError {
    /// A file or process.
    #[error("cannot {operation}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The cards' process is not built.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It ended by itself.
    #[error("the virtual cards' process ended ({status}): {log}")]
    Ended {
        /// How.
        status: ExitStatus,
        /// What it wrote.
        log: String,
    },
    /// It does not answer.
    #[error("the virtual cards did not answer in {} s", START_PATIENCE.as_secs())]
    Silent,
    /// Neither namespaces nor a usable pcscd of the system.
    #[error(
        "this user may not make namespaces, and the system's pcscd cannot stand in: {0}. \
         Run as root, or allow unprivileged user namespaces"
    )]
    NoPlace(String),
    /// The cards refuse.
    #[error(transparent)]
    Cards(#[from] ControlError),
}

fn io_error(operation: &'static str) -> impl FnOnce(io::Error) -> PcscdError {
    move |source| PcscdError::Io { operation, source }
}

/// Where pcscd runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Own namespaces, made as root.
    Namespaces,
    /// Own namespaces in an own user namespace.
    UserNamespaces,
    /// The system's pcscd: one test at a time, no restarts.
    System,
}

/// One APDU as pcscd logged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedApdu {
    /// The command, as sent.
    pub command: Vec<u8>,
    /// The response with its status word; empty if the card was gone.
    pub response: Vec<u8>,
}

/// A running pcscd, its readers and their cards. Dropping it stops them and waits until they are gone.
#[derive(Debug)]
pub struct Pcscd {
    place: Place,
    process: Child,
    /// Closing it ends the process.
    stdin: Option<ChildStdin>,
    readers: Vec<String>,
    cards: Cards,
    folder: TempDir,
}

impl Pcscd {
    /// Starts a pcscd with `readers` empty readers. The driver gives readers in pairs: an odd number makes one more,
    /// which [`Self::readers`] names too.
    ///
    /// # Errors
    /// A program is missing or does not come up.
    pub fn start(readers: usize) -> Result<Self, PcscdError> {
        let readers = readers.next_multiple_of(2);
        let place = find_place();
        if place == Place::System {
            check_system(readers)?;
        }
        let folder =
            tempfile::Builder::new().prefix("town-pcscd-").tempdir().map_err(io_error("make the run folder"))?;
        let log = File::create(folder.path().join("virtual-card.log")).map_err(io_error("make the log"))?;
        let errors = log.try_clone().map_err(io_error("make the log"))?;
        let mut process = launch(place, &program("virtual-card")?, folder.path(), readers)
            // In there, pcscd is where it always is.
            .env_remove(SOCKET_VARIABLE)
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors)
            // A Ctrl-C at the terminal reaches the town only, which then stops things in order.
            .process_group(0)
            .spawn()
            .map_err(io_error("start the virtual cards"))?;
        let mut pcscd = Self {
            place,
            stdin: process.stdin.take(),
            process,
            readers: (0..readers).map(|slot| reader_name(place, slot)).collect(),
            cards: Cards::new(folder.path().join("cards.sock")),
            folder,
        };
        pcscd.wait_until_ready()?;
        Ok(pcscd)
    }

    fn wait_until_ready(&mut self) -> Result<(), PcscdError> {
        let begun = Instant::now();
        while begun.elapsed() < START_PATIENCE {
            if self.cards.list().is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.process.try_wait() {
                let log = fs::read_to_string(self.folder.path().join("virtual-card.log")).unwrap_or_default();
                return Err(PcscdError::Ended { status, log });
            }
            thread::sleep(POLL);
        }
        Err(PcscdError::Silent)
    }

    /// The socket that clients use; see [`Self::command`].
    pub fn socket_path(&self) -> PathBuf {
        let folder = match self.place {
            Place::System => PathBuf::from(SYSTEM_FOLDER),
            Place::Namespaces | Place::UserNamespaces => self.folder.path().join("pcscd"),
        };
        folder.join(SOCKET_NAME)
    }

    /// A command whose PC/SC calls go to this pcscd.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env(SOCKET_VARIABLE, self.socket_path());
        command
    }

    /// The readers' names; the card in slot n is in the n-th.
    pub fn readers(&self) -> &[String] {
        &self.readers
    }

    /// What may be done to the cards.
    pub fn cards(&self) -> &Cards {
        &self.cards
    }

    /// The run folder: a place for cards that should go with this value.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a factory-new card in the run folder and returns its folder.
    ///
    /// # Errors
    /// There is a card of that name.
    pub fn new_card(&self, name: &str) -> Result<PathBuf, PcscdError> {
        let card = self.folder.path().join(name);
        self.cards.create(&card)?;
        Ok(card)
    }

    /// Puts a card in and waits until pcscd's clients can see it.
    ///
    /// # Errors
    /// The slot is taken, or pcscd does not notice.
    pub fn insert(&self, slot: usize, card: &Path) -> Result<(), PcscdError> {
        self.cards.insert(slot, card)?;
        self.wait_seen(slot, true)
    }

    /// Pulls a card out and waits until pcscd's clients can see that.
    ///
    /// # Errors
    /// The slot is empty, or pcscd does not notice.
    pub fn remove(&self, slot: usize) -> Result<(), PcscdError> {
        self.cards.remove(slot)?;
        self.wait_seen(slot, false)
    }

    /// Waits until pcscd's clients see a card in a slot, or none.
    ///
    /// # Errors
    /// They do not.
    pub fn wait_seen(&self, slot: usize, present: bool) -> Result<(), PcscdError> {
        let reader = &self.readers[slot];
        Ok(self.cards.wait_seen(reader, present, SEE_PATIENCE)?)
    }

    /// Kills pcscd and starts it again. Cards stay in their slots and are noticed anew: [`Self::wait_seen`].
    ///
    /// # Errors
    /// pcscd does not come back, or is the system's.
    pub fn restart(&self) -> Result<(), PcscdError> {
        self.cards.stop_pcscd()?;
        Ok(self.cards.start_pcscd()?)
    }

    /// The file to which pcscd logs every APDU, PINs included.
    pub fn apdu_log_path(&self) -> PathBuf {
        self.folder.path().join("pcscd.log")
    }

    /// Every APDU that pcscd has logged, over all readers and restarts.
    ///
    /// # Errors
    /// There is no log: the system's pcscd writes elsewhere.
    pub fn apdu_log(&self) -> Result<Vec<LoggedApdu>, PcscdError> {
        let text = fs::read_to_string(self.apdu_log_path()).map_err(io_error("read pcscd's APDU log"))?;
        Ok(parse_log(&text))
    }

    fn stop(&mut self) {
        drop(self.stdin.take());
        let begun = Instant::now();
        while begun.elapsed() < STOP_PATIENCE {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(POLL);
        }
        // `unshare --kill-child` takes the whole process namespace with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Pcscd {
    fn drop(&mut self) {
        self.stop();
    }
}

fn find_place() -> Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    *PLACE.get_or_init(try_places)
}

fn try_places() -> Place {
    let works = |flags: &[&str]| {
        Command::new("unshare")
            .args(flags)
            .args(["--mount", "--net", "--pid", "--fork", "true"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    if works(&[]) {
        Place::Namespaces
    } else if works(&["--user", "--map-root-user"]) {
        Place::UserNamespaces
    } else {
        Place::System
    }
}

fn check_system(readers: usize) -> Result<(), PcscdError> {
    if readers > SYSTEM_READERS {
        return Err(PcscdError::NoPlace(format!("it has {SYSTEM_READERS} virtual readers, not {readers}")));
    }
    let socket = Path::new(SYSTEM_FOLDER).join(SOCKET_NAME);
    std::os::unix::net::UnixStream::connect(&socket)
        .map(drop)
        .map_err(|error| PcscdError::NoPlace(format!("{}: {error}", socket.display())))
}

fn launch(place: Place, virtual_card: &Path, folder: &Path, readers: usize) -> Command {
    if place == Place::System {
        let mut command = Command::new(virtual_card);
        let ports: Vec<String> = ports(readers).iter().map(u16::to_string).collect();
        command.arg("serve").arg("--control");
        command.arg(folder.join("cards.sock"));
        command.args(["--ports", &ports.join(",")]);
        return command;
    }
    let mut command = Command::new("unshare");
    if place == Place::UserNamespaces {
        command.args(["--user", "--map-root-user"]);
    }
    command
        .args(["--mount", "--net", "--pid", "--fork", "--kill-child"])
        .arg(virtual_card)
        .arg("private")
        .arg("--folder")
        .arg(folder)
        .args(["--readers", &readers.to_string()]);
    // pcscd and ip live where plain users do not look.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

/// pcscd numbers the readers of each configuration entry on their own.
fn reader_name(place: Place, slot: usize) -> String {
    match place {
        Place::System => format!("Virtual PCD 00 {slot:02X}"),
        Place::Namespaces | Place::UserNamespaces => {
            format!("Virtual PCD {} 00 {:02X}", slot / 2, slot % 2)
        }
    }
}

/// Pairs pcscd's lines "… APDU: 00 A4 …" and "… SW: 61 …". Threads of several readers may mix their lines; each
/// answer goes to the oldest open command, so compare readers one at a time.
fn parse_log(text: &str) -> Vec<LoggedApdu> {
    let mut logged: Vec<LoggedApdu> = Vec::new();
    let mut open = 0;
    for line in text.lines() {
        if let Some((_, bytes)) = line.split_once(" APDU: ") {
            logged.push(LoggedApdu { command: parse_hex(bytes), response: Vec::new() });
        } else if let Some((_, bytes)) = line.split_once(" SW: ")
            && let Some(apdu) = logged.get_mut(open)
        {
            apdu.response = parse_hex(bytes);
            open += 1;
        }
    }
    logged
}

fn parse_hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map_while(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_pcscd_becomes_commands_with_their_responses() {
        let text = "00000064 APDU: 00 20 00 80 \n00000457 SW: 63 C3 \n00000026 winscard.c:1 noise\n\
                    00000025 APDU: 00 CB 3F FF 03 5C 01 7E 00 \n";
        assert_eq!(
            parse_log(text),
            [
                LoggedApdu { command: vec![0x00, 0x20, 0x00, 0x80], response: vec![0x63, 0xC3] },
                LoggedApdu { command: vec![0x00, 0xCB, 0x3F, 0xFF, 0x03, 0x5C, 0x01, 0x7E, 0x00], response: vec![] },
            ]
        );
    }
}
