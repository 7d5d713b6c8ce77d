//! A pcscd of our own: readers' configuration, start, stop.
//! Holds no cards and makes no namespaces; the caller is in them already (`town::pcscd`).

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Where every pcscd of Debian puts its socket; fixed when it was built.
pub const SYSTEM_FOLDER: &str = "/run/pcscd";

/// The socket's name in that folder.
pub const SOCKET_NAME: &str = "pcscd.comm";

/// vsmartcard's driver as Debian installs it.
const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";

/// The port of the first slot; each further slot has the next.
const FIRST_PORT: u16 = 0x8C7B;

/// Slots that one configuration entry of the driver gives.
const SLOTS_PER_ENTRY: usize = 2;

/// How long pcscd may take to open its socket.
const PATIENCE: Duration = Duration::from_secs(20);

/// Pause between two looks at it.
const POLL: Duration = Duration::from_millis(5);

/// Why there is no pcscd.
#[derive(Debug, thiserror::Error)]
pub enum PcscdError {
    /// A file or process.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ended by itself.
    #[error("pcscd ended at once: {log}")]
    Ended {
        /// What it wrote.
        log: String,
    },
    /// It does not open its socket.
    #[error("pcscd opened no socket in {} s", PATIENCE.as_secs())]
    Silent,
}

fn io_error<'a>(operation: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> PcscdError + use<'a> {
    let path = path.to_owned();
    move |source| PcscdError::Io { operation, path, source }
}

/// The driver's port of each of `readers` slots.
pub fn ports(readers: usize) -> Vec<u16> {
    (FIRST_PORT..).take(readers).collect()
}

/// Writes a configuration with `readers` slots into `folder` (made if absent); an odd number gives one more, because
/// the driver's slots come in pairs. Each entry has its own copy of the driver: with one path twice, pcscd's readers
/// mix up their cards.
///
/// # Errors
/// The driver is not installed, or the folder cannot be written.
pub fn configure(folder: &Path, readers: usize) -> Result<(), PcscdError> {
    let configuration = configuration_folder(folder);
    fs::create_dir_all(&configuration).map_err(io_error("create", &configuration))?;
    let mut text = String::new();
    for (number, port) in ports(readers).iter().step_by(SLOTS_PER_ENTRY).enumerate() {
        let driver = folder.join(format!("libifdvpcd-{number}.so"));
        fs::copy(DRIVER, &driver).map_err(io_error("copy the reader driver to", &driver))?;
        write!(
            text,
            "FRIENDLYNAME \"Virtual PCD {number}\"\nDEVICENAME /dev/null:{port:#06X}\nLIBPATH {}\nCHANNELID {port:#06X}\n\n",
            driver.display()
        )
        .expect("writing to a string does not fail");
    }
    let file = configuration.join("vpcd");
    fs::write(&file, text).map_err(io_error("write", &file))
}

fn configuration_folder(folder: &Path) -> PathBuf {
    folder.join("reader.conf.d")
}

/// A pcscd that this process starts and stops.
#[derive(Debug)]
pub struct Pcscd {
    configuration: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

impl Pcscd {
    /// A pcscd, not yet started, with the configuration that [`configure`] wrote into `folder`. Its own trace of
    /// APDUs, PINs included, is appended to `log`.
    pub fn new(folder: &Path, log: &Path) -> Self {
        Self { configuration: configuration_folder(folder), log: log.to_owned(), child: None }
    }

    /// Starts it if it does not run; returns when clients can connect.
    ///
    /// # Errors
    /// It cannot be started, ends by itself, or stays silent.
    pub fn start(&mut self) -> Result<(), PcscdError> {
        if let Some(child) = &mut self.child
            && matches!(child.try_wait(), Ok(None))
        {
            return Ok(());
        }
        let socket = Path::new(SYSTEM_FOLDER).join(SOCKET_NAME);
        // Left by a killed one, with whose process id it would refuse to start.
        for name in [SOCKET_NAME, "pcscd.pid"] {
            let _ = fs::remove_file(Path::new(SYSTEM_FOLDER).join(name));
        }
        let log = self.open_log()?;
        let errors = log.try_clone().map_err(io_error("open", &self.log))?;
        let child = Command::new("pcscd")
            .args(["--foreground", "--apdu", "--config"])
            .arg(&self.configuration)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(io_error("start", Path::new("pcscd")))?;
        let child = self.child.insert(child);
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if UnixStream::connect(&socket).is_ok() {
                return Ok(());
            }
            if !matches!(child.try_wait(), Ok(None)) {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                return Err(PcscdError::Ended { log });
            }
            thread::sleep(POLL);
        }
        Err(PcscdError::Silent)
    }

    fn open_log(&self) -> Result<File, PcscdError> {
        OpenOptions::new().create(true).append(true).open(&self.log).map_err(io_error("open", &self.log))
    }

    /// Kills it, as a crash would.
    ///
    /// # Errors
    /// It cannot be killed.
    pub fn stop(&mut self) -> Result<(), PcscdError> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        child.kill().and_then(|()| child.wait().map(drop)).map_err(io_error("kill", Path::new("pcscd")))
    }
}
