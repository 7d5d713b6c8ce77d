//! A PostgreSQL cluster of one's own: made in a folder that goes away, reached through a socket in it, never over the
//! network. It keeps the server's default durability: what it acknowledges is on the disk.
//!
//! Needs Debian's package `postgresql`. The server refuses to run as root; then it runs as the package's own user.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::{Pid, User, geteuid},
};
use tempfile::TempDir;

/// Where Debian keeps the server's programs, a folder a major version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The user that Debian's package makes.
const SERVER_USER: &str = "postgres";
/// The database role that everything here connects as.
const ROLE: &str = "card";
/// How long a server may take to start or stop. Generous: test machines are shared.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running cluster. Dropping it ends the server and removes the folder.
#[derive(Debug)]
pub struct Cluster {
    server: Option<Server>,
    programs: PathBuf,
    user: Option<User>,
    // Last, so that it is removed after the server has ended.
    folder: TempDir,
}

/// The postmaster, and what the server's processes say.
#[derive(Debug)]
struct Server {
    process: Child,
    lines: Receiver<String>,
}

impl Cluster {
    /// Makes a cluster and starts it.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub fn start() -> Result<Self> {
        let user = if geteuid().is_root() {
            Some(User::from_name(SERVER_USER)?.with_context(|| format!("there is no user {SERVER_USER}"))?)
        } else {
            None
        };
        let folder = tempfile::Builder::new().prefix("postgres-").tempdir().context("a folder for the cluster")?;
        if let Some(user) = &user {
            chown(folder.path(), Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
            // Whoever tests may come to the socket.
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        }
        let mut cluster = Self { server: None, programs: programs()?, user, folder };
        let mut initdb = cluster.command("initdb");
        initdb.args(["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "-U", ROLE, "-D"]);
        run(initdb.arg(cluster.data()))?;
        cluster.restart()?;
        Ok(cluster)
    }

    /// Starts the server again, after [`Cluster::kill`] or a stop, and waits until it takes connections.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn restart(&mut self) -> Result<()> {
        let mut log = fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log"))?;
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data());
        command.args(["-c", "listen_addresses=", "-c", "max_connections=200"]);
        command.arg("-c").arg(format!("unix_socket_directories={}", self.socket_folder().display()));
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().context("starting postgres")?;
        let errors = BufReader::new(process.stderr.take().context("it was piped")?);
        let (sender, lines) = mpsc::channel();
        // Ends when the last process of the server has closed its end.
        thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                // Whoever tests looks at the log of what failed; writing it cannot fail the test.
                let _ = writeln!(log, "{line}");
                let _ = sender.send(line);
            }
        });
        self.server = Some(Server { process, lines });
        let lines = &self.server.as_ref().expect("it was started above").lines;
        loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains("ready to accept connections") => return Ok(()),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => bail!("postgres did not get ready:\n{}", self.log()),
                Err(RecvTimeoutError::Disconnected) => bail!("postgres ended before it was ready:\n{}", self.log()),
            }
        }
    }

    /// The server's main process, the postmaster.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pid(&self) -> u32 {
        self.server.as_ref().expect("the server runs").process.id()
    }

    /// `kill -9` of the postmaster. Its children end by themselves; returns when the last has.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn kill(&mut self) -> Result<()> {
        let mut server = self.server.take().context("the server does not run")?;
        server.process.kill()?;
        server.process.wait()?;
        loop {
            match server.lines.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => bail!("postgres's children do not end"),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // What a killed postmaster leaves behind; it refuses to start beside it.
        let _ = fs::remove_file(self.data().join("postmaster.pid"));
        Ok(())
    }

    /// Freezes every process of the server: it keeps its connections and answers nothing.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn pause(&self) -> Result<()> {
        self.signal_all(Signal::SIGSTOP)
    }

    /// Lets it go on after [`Cluster::pause`].
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn resume(&self) -> Result<()> {
        self.signal_all(Signal::SIGCONT)
    }

    /// The postmaster first: when it stands still it starts no others.
    fn signal_all(&self, signal: Signal) -> Result<()> {
        let postmaster = self.pid();
        kill(Pid::from_raw(i32::try_from(postmaster)?), signal).context("a signal to the postmaster")?;
        let children = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children"))?;
        for child in children.split_whitespace() {
            match kill(Pid::from_raw(child.parse()?), signal) {
                // One that has just ended is as good.
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(error) => return Err(error).context("a signal to a process of the server"),
            }
        }
        Ok(())
    }

    /// Makes an empty database. Its URL.
    ///
    /// # Errors
    /// When there is one of that name.
    pub fn database(&self, name: &str) -> Result<String> {
        let mut createdb = self.command("createdb");
        createdb.arg("-h").arg(self.socket_folder()).args(["-U", ROLE, "--template=template0", name]);
        run(&mut createdb)?;
        Ok(format!("postgres://{ROLE}@localhost/{name}?host={}", self.socket_folder().display()))
    }

    /// Where all of it lies: data, write-ahead log, messages.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn socket_folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// A program of the server's, as a user whom it accepts, killed by the kernel when this process dies.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        if let Some(user) = &self.user {
            command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid)).arg("--clear-groups");
        }
        command.args(["--pdeathsig", "KILL", "--"]).arg(self.programs.join(program));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let Some(server) = &self.server else { return };
        // SIGQUIT: children end at once, and nothing of this folder is wanted any more. Who is frozen hears it when woken.
        if let Ok(pid) = i32::try_from(server.process.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGQUIT);
        }
        let _ = self.resume();
        if let Some(mut server) = self.server.take() {
            let _ = server.process.wait();
        }
    }
}

/// The programs of the newest version that is installed.
fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir(VERSIONS).with_context(|| format!("PostgreSQL is not installed: no {VERSIONS}"))?;
    let newest = versions
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|version| Path::new(VERSIONS).join(version.to_string()).join("bin/postgres").exists())
        .max();
    let newest = newest.with_context(|| format!("no PostgreSQL server below {VERSIONS}"))?;
    Ok(Path::new(VERSIONS).join(newest.to_string()).join("bin"))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("starting {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
