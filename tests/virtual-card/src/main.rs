//! The process behind the slots. `serve` plays cards for a pcscd that runs already; `private` is the first process
//! of its own namespaces, where it starts a pcscd too. Holds wiring only.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::thread;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use virtual_card::Server;
use virtual_card::pcscd::{self, Pcscd, SYSTEM_FOLDER};

/// Virtual PIV cards behind vsmartcard's reader driver.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Play cards for a pcscd that runs already, until stdin closes.
    Serve {
        /// The control socket to make.
        #[arg(long)]
        control: PathBuf,
        /// The driver's port of each slot.
        #[arg(long, value_delimiter = ',', default_value = "35963,35964")]
        ports: Vec<u16>,
    },
    /// Start a pcscd of one's own and play its cards, until stdin closes. Must be the first process of new mount,
    /// network and process namespaces: everything in them ends with it.
    Private {
        /// Holds the sockets, the configuration and the logs.
        #[arg(long)]
        folder: PathBuf,
        /// How many readers.
        #[arg(long)]
        readers: usize,
    },
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    end_with_stdin();
    match arguments.action {
        Action::Serve { control, ports } => {
            Server::new(&ports, None).run(&control).with_context(|| format!("cannot serve {}", control.display()))
        }
        Action::Private { folder, readers } => private(&folder, readers),
    }
}

/// Whoever started this process holds the other end; when it dies, however it dies, this process ends.
fn end_with_stdin() {
    thread::spawn(|| {
        let mut rest = Vec::new();
        let _ = io::stdin().read_to_end(&mut rest);
        process::exit(0);
    });
}

fn private(folder: &Path, readers: usize) -> anyhow::Result<()> {
    if process::id() != 1 {
        bail!("`private` must be the first process of its own namespaces");
    }
    run("ip", &["link", "set", "lo", "up"])?;
    let sockets = folder.join("pcscd");
    std::fs::create_dir_all(&sockets).with_context(|| format!("create {}", sockets.display()))?;
    if std::fs::create_dir_all(SYSTEM_FOLDER).is_err() {
        // Without real root rights /run itself is not writable, but in this namespace it can be covered.
        run("mount", &["-t", "tmpfs", "tmpfs", "/run"])?;
        std::fs::create_dir_all(SYSTEM_FOLDER).with_context(|| format!("create {SYSTEM_FOLDER}"))?;
    }
    let sockets = sockets.to_str().context("the run folder's name is not UTF-8")?;
    run("mount", &["--bind", sockets, SYSTEM_FOLDER])?;
    pcscd::configure(folder, readers)?;
    let mut pcscd = Pcscd::new(folder, &folder.join("pcscd.log"));
    pcscd.start()?;
    Server::new(&pcscd::ports(readers), Some(pcscd)).run(&folder.join("cards.sock")).context("cannot serve the cards")
}

fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(program).args(arguments).status().with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        bail!("{program} {} failed: {status}", arguments.join(" "));
    }
    Ok(())
}
