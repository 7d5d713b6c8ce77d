//! What a running program asks of the disk, call by call, as `strace` sees it.
//!
//! Every call that touches the watched folder must be one that is understood here: one that is not ends the test,
//! so that nothing that changes a file is overlooked.

use std::{
    collections::{BTreeSet, HashMap},
    env, fmt, fs,
    path::Path,
    process::{Command, Stdio},
};

use super::{MARKS, promise::Mark, script};

/// A call that changes files of the folder or makes changes durable. Names are without the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// A name that was not there stands for a new, empty file.
    Make(String),
    /// A name is gone.
    Unlink(String),
    /// A file is made so many bytes long.
    Cut { name: String, length: usize },
    /// Bytes are put somewhere into a file.
    Write { name: String, offset: usize, bytes: Vec<u8> },
    /// A file's bytes and length are on the plates when this returns.
    Sync(String),
    /// The folder's names are.
    SyncFolder,
}

/// In the order in which the calls returned.
#[derive(Debug)]
pub(super) enum Event {
    Call(Call),
    /// What the program said about itself meanwhile.
    Mark(Mark),
}

impl fmt::Display for Event {
    /// Without the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(Call::Write { name, offset, bytes }) => write!(f, "write {name} {offset}+{}", bytes.len()),
            Self::Call(call) => write!(f, "{call:?}"),
            Self::Mark(mark) => write!(f, "{mark:?}"),
        }
    }
}

/// Calls that read or wait.
const HARMLESS: [&str; 16] = [
    "access",
    "close",
    "faccessat2",
    "fchown",
    "fcntl",
    "fstat",
    "getcwd",
    "geteuid",
    "lseek",
    "lstat",
    "newfstatat",
    "pread64",
    "read",
    "readlink",
    "stat",
    "statfs",
];

/// Runs a part of the script under `strace`, in a process of its own, over a folder.
pub(super) fn record(folder: &Path, act: script::Act) -> Vec<Event> {
    let folder = folder.canonicalize().unwrap();
    let known = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let trace = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-xx", "-s", "16777216", "-e", "trace=%file,%desc,sync,msync,io_uring_setup", "-o"]);
    command.arg(trace.path()).arg(env::current_exe().unwrap());
    command.args([script::PLAYED, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(script::FOLDER, &folder).env(script::ACT, serde_json::to_string(&act).unwrap());
    let ended = command.stdout(Stdio::null()).output().expect("strace starts (Debian: strace)");
    assert!(ended.status.success(), "{act:?}: {}", String::from_utf8_lossy(&ended.stderr));
    events(&fs::read_to_string(trace.path()).unwrap(), &folder, known)
}

/// The events of a trace that concern this folder, in which these files were at its beginning.
fn events(trace: &str, folder: &Path, mut known: BTreeSet<String>) -> Vec<Event> {
    let folder = folder.to_str().unwrap();
    let needle = hex(folder);
    let mut begun: HashMap<&str, &str> = HashMap::new();
    let mut events = Vec::new();
    for line in trace.lines() {
        let (process, said) = line.split_once(' ').unwrap();
        let said = said.trim_start();
        if let Some(head) = said.strip_suffix(" <unfinished ...>") {
            begun.insert(process, head);
            continue;
        }
        let joined;
        let said = if let Some((_, tail)) = said.strip_prefix("<... ").and_then(|said| said.split_once(" resumed>")) {
            joined = [begun.remove(process).expect("what is resumed was begun"), tail].concat();
            &joined
        } else {
            said
        };
        assert!(!said.starts_with("sync(") && !said.starts_with("io_uring_setup("), "not understood: {said}");
        if said.contains(&needle) {
            events.extend(event(said, folder, &mut known));
        }
    }
    events
}

/// What one line of the trace says; nothing for a call that failed or only reads.
fn event(said: &str, folder: &str, known: &mut BTreeSet<String>) -> Option<Event> {
    let (call, rest) = said.split_once('(').unwrap();
    let (arguments, result) = rest.rsplit_once(" = ").unwrap();
    // "3<path>" for a descriptor, "-1 ENOENT (…)" for an error, "0x7f…" for an address.
    let result: i64 = result.split(['<', ' ']).next().unwrap().parse().unwrap_or_default();
    if result < 0 || HARMLESS.contains(&call) {
        return None;
    }
    let arguments: Vec<&str> = arguments.trim_end().trim_end_matches(')').split(", ").collect();
    let at = match call {
        "openat" => 1,
        "mmap" => 4,
        _ => 0,
    };
    let path = path(arguments[at]);
    if path == folder {
        return match call {
            "fsync" | "fdatasync" => Some(Event::Call(Call::SyncFolder)),
            "openat" => None,
            _ => panic!("not understood: {said}"),
        };
    }
    let name = path.strip_prefix(folder).and_then(|path| path.strip_prefix('/')).unwrap().to_owned();
    if name == MARKS && call == "write" {
        return Some(Event::Mark(serde_json::from_slice(&bytes(arguments[1])).unwrap()));
    }
    if left_out(&name) {
        return None;
    }
    let number = |at: usize| arguments[at].parse::<usize>().unwrap();
    let call = match call {
        // With O_CREAT a file that is there is only opened.
        "openat" if !arguments[2].contains("O_CREAT") || known.contains(&name) => {
            assert!(!arguments[2].contains("O_TRUNC"), "not understood: {said}");
            return None;
        }
        "openat" => {
            known.insert(name.clone());
            Call::Make(name)
        }
        "unlink" => {
            known.remove(&name);
            Call::Unlink(name)
        }
        "ftruncate" => Call::Cut { name, length: number(1) },
        "pwrite64" => {
            let mut bytes = bytes(arguments[1]);
            bytes.truncate(usize::try_from(result).unwrap());
            Call::Write { name, offset: number(3), bytes }
        }
        "fsync" | "fdatasync" => Call::Sync(name),
        _ => panic!("not understood: {said}"),
    };
    Some(Event::Call(call))
}

/// The index of the log is never synced and made anew by whoever opens the outbox first: the test puts rubbish in its
/// place. The marks are the test's own.
fn left_out(name: &str) -> bool {
    name == MARKS || Path::new(name).extension().is_some_and(|extension| extension == "db-shm")
}

/// The path of an argument: `"…"`, or `5<…>` for a descriptor.
fn path(argument: &str) -> String {
    let inside = argument.split_once('<').map_or(argument, |(_, path)| path);
    String::from_utf8(bytes(inside.split('>').next().unwrap())).unwrap()
}

/// The bytes of `\x..` after `\x..`, with or without quotes.
fn bytes(text: &str) -> Vec<u8> {
    assert!(!text.ends_with("..."), "strace has cut a string short");
    let digits = text.trim_matches('"').split("\\x").skip(1);
    digits.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn hex(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "\\x{byte:02x}").unwrap();
        hex
    })
}
