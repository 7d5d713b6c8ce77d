//! A card service in a folder of its own, on SQLite or a server's database, and two free ports.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::runtime::Runtime;

use crate::{
    authenticator, clock,
    http::Client,
    line::Line,
    office::Office,
    port,
    process::{self, Process},
    programs::program,
};

/// The town's people pay and top up as often as a story wants, with and without network, and chance decides nothing.
const LIMITS: &str = "[limits]\nday_fen = 100000000000\nno_pin_count = 1000000\ntop_up_alone_fen = 100000000\n\
    offline_card_day_fen = 100000000\noffline_card_count = 100000\noffline_terminal_fen = 100000000\n\
    offline_drawn_percent = 0\n";

/// The first administrator's name and an invented password: the town lasts minutes and listens on loopback only.
pub const ADMINISTRATOR: (&str, &str) = ("admin", "invented for a town of a few minutes");

/// A card service that runs, or has run and may be started again.
#[derive(Debug)]
pub struct Service {
    folder: PathBuf,
    data: PathBuf,
    database_url: String,
    public_url: String,
    terminals_url: String,
    /// Settings of a story of its own, as environment variables.
    settings: Vec<(&'static str, &'static str)>,
    process: Option<Process>,
}

/// The port at which a service listens for terminals, and the one at which they find it.
#[derive(Clone, Copy)]
struct Terminals {
    listen: u16,
    found_at: u16,
}

impl Terminals {
    fn direct() -> Result<Self> {
        let listen = port::free()?;
        Ok(Self { listen, found_at: listen })
    }
}

impl Service {
    /// Initialises an installation on SQLite in `folder` and starts it.
    ///
    /// # Errors
    /// When the program fails or does not get ready.
    pub fn found(folder: &Path) -> Result<Self> {
        let database = format!("sqlite:{}", folder.join("data/card-service.db").display());
        Self::found_on(&database, folder)
    }

    /// The same, with a line between it and its terminals.
    ///
    /// # Errors
    /// As [`Service::found`].
    pub fn found_behind_a_line(folder: &Path) -> Result<(Self, Line)> {
        let listen = port::free()?;
        let line = Line::start(listen)?;
        let database = format!("sqlite:{}", folder.join("data/card-service.db").display());
        let terminals = Terminals { listen, found_at: line.port() };
        let configured = Self::configure(folder, &folder.join("data"), &database, terminals)?;
        Ok((configured.begin()?, line))
    }

    /// The same on the database with this URL.
    ///
    /// # Errors
    /// As [`Service::found`].
    pub fn found_on(database_url: &str, folder: &Path) -> Result<Self> {
        Self::configure(folder, &folder.join("data"), database_url, Terminals::direct()?)?.begin()
    }

    /// Initialises what is configured, and starts it.
    fn begin(mut self) -> Result<Self> {
        let password = self.folder.join("administrator-password");
        fs::write(&password, ADMINISTRATOR.1)?;
        let mut init = self.command()?;
        init.args(["init", "--administrator", ADMINISTRATOR.0, "--password-file"]).arg(&password);
        process::run(&mut init)?;
        self.start()?;
        Ok(self)
    }

    /// Starts another process of this installation, with settings in a folder of its own: the same keys and the same
    /// database, other ports.
    ///
    /// # Errors
    /// When the program fails or does not get ready.
    pub fn beside(&self, folder: &Path) -> Result<Self> {
        let mut other = Self::configure(folder, &self.data, &self.database_url, Terminals::direct()?)?;
        authenticator::carry_along(&self.public_url, &other.public_url);
        other.start()?;
        Ok(other)
    }

    fn configure(folder: &Path, data: &Path, database_url: &str, terminals: Terminals) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let public = port::free()?;
        let Terminals { listen, found_at } = terminals;
        let terminals_url = format!("https://localhost:{found_at}");
        let config = format!(
            "data_dir = \"{}\"\n\
             [database]\nurl = \"{database_url}\"\n\
             [public]\nlisten = \"127.0.0.1:{public}\"\nhosts = [\"localhost\"]\n\
             [terminals]\nlisten = \"127.0.0.1:{listen}\"\nurl = \"{terminals_url}\"\n\
             {LIMITS}",
            data.display(),
        );
        fs::write(folder.join("card-service.toml"), config)?;
        Ok(Self {
            folder: folder.to_owned(),
            data: data.to_owned(),
            database_url: database_url.to_owned(),
            public_url: format!("https://localhost:{public}"),
            terminals_url,
            settings: Vec::new(),
            process: None,
        })
    }

    /// The program with this installation's settings; its command is to be added.
    ///
    /// # Errors
    /// When the program was not built.
    pub fn command(&self) -> Result<std::process::Command> {
        let mut command = process::tethered(program("card-service")?);
        command.arg("--config").arg(self.folder.join("card-service.toml"));
        command.envs(self.settings.iter().copied());
        clock::give(&mut command, 0);
        Ok(command)
    }

    /// Starts the service, again after a kill or a stop, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start(&mut self) -> Result<()> {
        let mut command = self.command()?;
        command.arg("serve");
        let mut process = Process::start("card-service", command, &self.log())?;
        let client = Client::new(&self.public_url, Some(&self.root()))?;
        process.ready(|| Ok(client.get("/readyz").ok().filter(|reply| reply.status == 200)))?;
        self.process = Some(process);
        Ok(())
    }

    /// Changes a setting from the next start on, named as its environment variable.
    pub fn set(&mut self, name: &'static str, value: &'static str) {
        self.settings.push((name, value));
    }

    /// The running process.
    ///
    /// # Panics
    /// When the service is not running.
    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the service is running")
    }

    /// What it has logged, over all its runs.
    pub fn log(&self) -> PathBuf {
        self.folder.join("card-service.log")
    }

    /// The issuer's root certificate, PEM.
    pub fn root(&self) -> PathBuf {
        self.data().join("root.pem")
    }

    /// The certificate of the CA that signs cards' certificates, PEM.
    pub fn card_ca(&self) -> PathBuf {
        self.data().join("card-ca.pem")
    }

    /// The service's data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Where its database is.
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// The file of its database, of a service on SQLite.
    pub fn database(&self) -> PathBuf {
        self.data().join("card-service.db")
    }

    /// Changes rows behind the service's back, as if time had passed or a defect had written them; how many. `number` is
    /// what the statement's `?` stands for.
    ///
    /// # Errors
    /// When the database, which is SQLite's, does not take the statement.
    pub fn rewrite(&self, statement: &'static str, number: i64) -> Result<u64> {
        let options = SqliteConnectOptions::new().filename(self.database());
        Runtime::new()?.block_on(async {
            let mut connection = SqliteConnection::connect_with(&options).await?;
            let done = sqlx::query(statement).bind(number).execute(&mut connection).await?;
            connection.close().await?;
            Ok(done.rows_affected())
        })
    }

    /// Makes as if whoever was let in had been so for a week: only then do two administrators count as two.
    ///
    /// # Errors
    /// As [`Self::rewrite`].
    pub fn a_week_after_admission(&self) -> Result<()> {
        let days = 8 * 86_400_000_000;
        self.rewrite("UPDATE staff_post SET admitted_at = admitted_at - ?", days).map(drop)
    }

    /// Base URL of the public listener.
    pub fn url(&self) -> &str {
        &self.public_url
    }

    /// Base URL of the listener for terminals.
    pub fn terminals_url(&self) -> &str {
        &self.terminals_url
    }

    /// Signs in as the administrator.
    ///
    /// # Errors
    /// When the service does not let in.
    pub fn office(&self) -> Result<Office> {
        Office::sign_in(&self.public_url, &self.root(), ADMINISTRATOR.0, ADMINISTRATOR.1)
    }

    /// Exports the evidence to `folder` and verifies it there, as an auditor without access to the service would.
    ///
    /// # Errors
    /// When it does not verify.
    pub fn verified_evidence(&self, folder: &Path) -> Result<Value> {
        process::run(self.command()?.args(["evidence", "export"]).arg(folder))?;
        let output = process::run(self.command()?.args(["evidence", "verify", "--format", "json"]).arg(folder))?;
        serde_json::from_slice(&output.stdout).context("the report of `evidence verify` is JSON")
    }
}
