//! Several load processes, started together and heard together.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use card_schema::ids::TapId;

use super::{
    installation::Installation,
    load::{Outcomes, Plan},
};

/// Load processes of a run.
const PROCESSES: usize = 2;

/// What a run sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Taps in a batch.
    pub(crate) batch: usize,
    /// Taps of all terminals, rounded up to whole batches of each.
    pub(crate) taps: usize,
    /// Taps a second of all terminals together; as fast as receipts come where there is nothing.
    pub(crate) taps_per_s: Option<f64>,
    /// How many terminals send.
    pub(crate) terminals: usize,
}

/// How a run went.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) taps: usize,
    pub(crate) accepted: usize,
    pub(super) seconds: f64,
    pub(super) latencies_ms: Vec<f64>,
}

/// All terminals of an installation.
#[derive(Debug)]
pub struct Fleet {
    terminals: Vec<PathBuf>,
    cards: PathBuf,
    folder: PathBuf,
    runs: u8,
    taps: usize,
}

struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Fleet {
    /// The terminals and the cards of an installation.
    ///
    /// # Errors
    /// When a folder for what they send cannot be made.
    pub fn new(installation: &Installation) -> Result<Self> {
        let folder = installation.folder().join("fleet");
        fs::create_dir(&folder)?;
        Ok(Self {
            terminals: installation.terminals().to_vec(),
            cards: installation.cards().to_owned(),
            folder,
            runs: 0,
            taps: 0,
        })
    }

    /// Taps that have a receipt, of all runs so far.
    pub(super) fn taps(&self) -> usize {
        self.taps
    }

    /// A plan for all terminals with a lane of its own.
    ///
    /// # Errors
    /// When every lane is used up.
    pub fn plan(&mut self, batch: usize, batches: usize) -> Result<Plan> {
        self.runs = self.runs.checked_add(1).context("every lane is used up: 255 runs at most")?;
        let receipts = self.folder.join("receipts-of-nobody");
        let (terminals, cards) = (self.terminals.clone(), self.cards.clone());
        Ok(Plan { terminals, cards, receipts, lane: self.runs, batch, batches, pace_us: None })
    }

    /// Sends and waits for every receipt.
    pub(crate) fn run(&mut self, run: &Run) -> Result<Outcome> {
        self.run_while(run, |_| Ok(()))
    }

    /// Sends, does something meanwhile, and waits for the end.
    pub(super) fn run_while(&mut self, run: &Run, meanwhile: impl FnOnce(&Self) -> Result<()>) -> Result<Outcome> {
        self.runs = self.runs.checked_add(1).context("every lane is used up: 255 runs at most")?;
        let terminals = &self.terminals[..run.terminals.min(self.terminals.len())];
        let each = terminals.len().div_ceil(PROCESSES);
        let batches = run.taps.div_ceil(run.batch * terminals.len());
        let pace_us = run.taps_per_s.map(|rate| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate above zero")]
            let pace = (super::count(run.batch * terminals.len()) / rate * 1e6) as u64;
            pace
        });
        let mut processes = Vec::with_capacity(PROCESSES);
        for (number, terminals) in terminals.chunks(each).enumerate() {
            let plan = Plan {
                terminals: terminals.to_vec(),
                cards: self.cards.clone(),
                receipts: self.folder.join(format!("receipts-{number}")),
                lane: self.runs,
                batch: run.batch,
                batches,
                pace_us,
            };
            let path = self.folder.join(format!("plan-{number}.json"));
            fs::write(&path, serde_json::to_vec(&plan)?)?;
            processes.push(Process::start(&path)?);
        }
        for process in &mut processes {
            ensure!(process.line()? == "ready", "a load process did not get ready");
        }
        let began = Instant::now();
        for process in &mut processes {
            process.child.stdin.as_mut().context("no standard input")?.write_all(b"go\n")?;
        }
        meanwhile(self)?;
        let mut outcome = Outcome { taps: 0, accepted: 0, seconds: 0.0, latencies_ms: Vec::new() };
        for process in &mut processes {
            let part: Outcomes = serde_json::from_str(&process.line()?).context("what a load process says")?;
            outcome.taps += part.taps;
            outcome.accepted += part.accepted;
            #[expect(clippy::cast_precision_loss, reason = "a latency")]
            outcome.latencies_ms.extend(part.latencies_us.into_iter().map(|us| us as f64 / 1000.0));
        }
        outcome.seconds = began.elapsed().as_secs_f64();
        self.taps += outcome.taps;
        Ok(outcome)
    }

    /// How many receipts were kept, while a run is under way, too.
    pub(super) fn receipts(&self) -> u64 {
        let mut bytes = 0;
        for number in 0..PROCESSES {
            bytes += fs::metadata(self.folder.join(format!("receipts-{number}"))).map_or(0, |file| file.len());
        }
        bytes / 32
    }

    /// Every tap for which a receipt was kept.
    pub(super) fn receipted(&self) -> Result<BTreeSet<TapId>> {
        let mut taps = BTreeSet::new();
        for number in 0..PROCESSES {
            let path = self.folder.join(format!("receipts-{number}"));
            if !path.exists() {
                continue;
            }
            let mut bytes = Vec::new();
            fs::File::open(path)?.read_to_end(&mut bytes)?;
            taps.extend(bytes.as_chunks::<32>().0.iter().map(|id| TapId(*id)));
        }
        Ok(taps)
    }
}

impl Process {
    fn start(plan: &std::path::Path) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("load").arg(plan).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("starting a load process")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self { child, output })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "a load process ended early");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
