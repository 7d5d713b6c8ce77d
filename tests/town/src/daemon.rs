//! A reader daemon in a folder of its own, at some of the town's readers.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use card_schema::ids::TerminalId;
use serde_json::{Value, json};

use crate::{
    clock,
    http::{Client, Reply},
    office::NewTerminal,
    process::{self, Process},
    programs::program,
    service::Service,
};

/// A reader daemon that runs, or has run and may be started again.
#[derive(Debug)]
pub struct Daemon {
    /// The terminal's id.
    pub terminal: TerminalId,
    folder: PathBuf,
    pcscd_socket: PathBuf,
    traces_apdus: bool,
    days_ahead: i32,
    process: Option<Process>,
}

/// How a tap at a terminal went, as the daemon's local API tells it.
#[derive(Clone, Debug)]
pub struct TapReply(pub Value);

/// The local API of a daemon that may be killed and started again: each start has another address and token.
#[derive(Clone, Debug)]
pub struct LocalApi {
    file: PathBuf,
}

impl LocalApi {
    /// A client of the daemon that runs now.
    ///
    /// # Errors
    /// When none runs.
    pub fn client(&self) -> Result<Client> {
        let local = fs::read(&self.file).context("the daemon's local API is not there")?;
        let local: Value = serde_json::from_slice(&local)?;
        let text = |name: &str| local[name].as_str().with_context(|| format!("no `{name}` in local.json"));
        Ok(Client::new(&format!("http://{}", text("address")?), None)?.with_token(text("token")?))
    }
}

/// A daemon answers a little before it has looked for readers, and would say that there is none.
fn sees_its_reader(api: &Client) -> bool {
    let status = api.get("/v1/status").and_then(Reply::success);
    status.is_ok_and(|status| status["readers"].as_array().is_some_and(|readers| !readers.is_empty()))
}

impl Daemon {
    /// Enrols a terminal and starts its daemon, at one reader or at all of the town's.
    ///
    /// # Errors
    /// When enrolment fails or the daemon does not get ready.
    pub fn enrol(
        folder: &Path,
        service: &Service,
        terminal: &NewTerminal,
        reader: Option<&str>,
        pcscd_socket: &Path,
    ) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let reader = reader.map_or(String::new(), |reader| format!("reader = \"{reader}\"\n"));
        let config = format!("data_dir = \"{}\"\n{reader}", folder.join("data").display());
        fs::write(folder.join("reader-daemon.toml"), config)?;
        let mut daemon = Self {
            terminal: terminal.id,
            folder: folder.to_owned(),
            pcscd_socket: pcscd_socket.to_owned(),
            traces_apdus: false,
            days_ahead: 0,
            process: None,
        };
        let mut enrol = daemon.command()?;
        enrol.args(["enrol", "--service", service.url(), "--code", &terminal.code, "--root"]).arg(service.root());
        process::run(&mut enrol)?;
        daemon.start()?;
        Ok(daemon)
    }

    /// The program with this daemon's configuration, for any of its commands.
    ///
    /// # Errors
    /// When it is not built.
    pub fn command(&self) -> Result<Command> {
        let mut command = process::tethered(program("reader-daemon")?);
        command.arg("--config").arg(self.folder.join("reader-daemon.toml"));
        command.env("PCSCLITE_CSOCK_NAME", &self.pcscd_socket);
        Ok(command)
    }

    /// Starts the daemon, again after a kill or a stop, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start(&mut self) -> Result<()> {
        // The address of an earlier run must not be taken for this one's.
        let _ = fs::remove_file(self.local_file());
        let mut command = self.command()?;
        command.arg("run");
        if self.traces_apdus {
            command.arg("--apdu-trace").arg(self.apdu_trace_path());
        }
        clock::give(&mut command, self.days_ahead);
        let mut process = Process::start("reader-daemon", command, &self.log())?;
        process.ready(|| Ok(self.local().ok().filter(sees_its_reader)))?;
        self.process = Some(process);
        Ok(())
    }

    /// Stops the daemon and starts it again with a trace of its APDUs, now and at every later start.
    ///
    /// # Errors
    /// When it does not stop or does not get ready again.
    pub fn trace_apdus(&mut self) -> Result<()> {
        self.traces_apdus = true;
        self.restart()
    }

    /// Stops the daemon and starts it again with a clock that is so many days ahead of the town's.
    ///
    /// # Errors
    /// When it does not stop or does not get ready again.
    pub fn set_clock_ahead(&mut self, days: i32) -> Result<()> {
        self.days_ahead = days;
        self.restart()
    }

    fn restart(&mut self) -> Result<()> {
        self.process().stop()?;
        self.start()
    }

    fn apdu_trace_path(&self) -> PathBuf {
        self.folder.join("apdu-trace.jsonl")
    }

    /// The APDUs that it has traced, over all its runs.
    ///
    /// # Errors
    /// When there is no trace.
    pub fn apdu_trace(&self) -> Result<String> {
        fs::read_to_string(self.apdu_trace_path()).context("reading the daemon's APDU trace")
    }

    fn local_file(&self) -> PathBuf {
        self.data().join("local.json")
    }

    /// The daemon's data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// What it has logged, over all its runs.
    pub fn log(&self) -> PathBuf {
        self.folder.join("reader-daemon.log")
    }

    /// Its outbox.
    pub fn outbox(&self) -> PathBuf {
        self.data().join("outbox.db")
    }

    /// Where its local API is to be found, also after the next start.
    pub fn local_api(&self) -> LocalApi {
        LocalApi { file: self.local_file() }
    }

    /// The daemon's local API.
    ///
    /// # Errors
    /// When it does not run.
    pub fn local(&self) -> Result<Client> {
        self.local_api().client()
    }

    /// The running process.
    ///
    /// # Panics
    /// When the daemon is not running.
    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the daemon is running")
    }

    /// Answers every question that stands at this desk, as a holder would who agrees to everything.
    ///
    /// # Errors
    /// When the daemon does not answer.
    pub fn answer_prompts(&self, pin: &str) -> Result<()> {
        let desk = self.local()?;
        for prompt in desk.get("/v1/prompts?wait_s=0")?.success()?.as_array().into_iter().flatten() {
            if prompt["kind"] == "insert_card" {
                continue;
            }
            let id = prompt["id"].as_str().context("a prompt has an id")?;
            // A question whose card was torn out in the meantime is gone: that is no failure.
            desk.post(&format!("/v1/prompts/{id}"), &json!({"pin": pin, "confirm": true}))?;
        }
        Ok(())
    }

    /// Has the card in the reader sign an operation, with or without PIN.
    ///
    /// # Errors
    /// When the daemon refuses before the card signs.
    pub fn tap(&self, body: &Value) -> Result<TapReply> {
        Ok(TapReply(self.local()?.post("/v1/taps", body)?.success()?))
    }

    /// A payment of some fen, with PIN if one is given.
    ///
    /// # Errors
    /// As [`Self::tap`].
    pub fn pay(&self, fen: i64, pin: Option<&str>) -> Result<TapReply> {
        self.tap(&json!({"operation": "purse.payment", "amount_fen": fen, "pin": pin, "receipt_wait_ms": 10_000}))
    }
}
