//! The APDU trace: a line for each APDU that went to a card, for whoever looks into what a reader or a card does.
//!
//! Holds no byte of a data field, sent or received: what is not in it need not be withheld, neither a PIN nor a key nor
//! whose card it was. Lines are log events under [`TARGET`], written when the answer has come; whose process is killed in
//! between leaves that one out. Where they go is for the command line to say.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::Duration,
};

use tracing::{Level, Subscriber};
use tracing_subscriber::{Layer, filter::Targets, fmt, registry::LookupSpan};

use super::{
    apdu::{StatusWord, data_field},
    link::LinkError,
    trace::hex,
};

/// The name under which a subscriber tells the trace from the rest of the log.
pub const TARGET: &str = "reader_daemon::apdu_trace";

/// The daemon begins or ends: what stands between two of these lines is one process's.
pub(crate) fn mark(what: &'static str) {
    tracing::trace!(target: TARGET, daemon = what, version = env!("CARGO_PKG_VERSION"), pid = std::process::id());
}

/// An APDU was given to the PC/SC service, and this came back.
pub(crate) fn exchanged(reader: &str, command: &[u8], answer: Result<&[u8], &LinkError>, took: Duration) {
    if !tracing::enabled!(target: TARGET, Level::TRACE) {
        return;
    }
    let (header, _) = command.split_at(command.len().min(4));
    let (received, status) = match answer.ok().and_then(|bytes| bytes.split_last_chunk()) {
        Some((data, status)) => (data.len(), Some(StatusWord(u16::from_be_bytes(*status)).to_string())),
        None => (answer.map_or(0, <[u8]>::len), None),
    };
    tracing::trace!(
        target: TARGET,
        reader,
        header = hex(header),
        lc = data_field(command).len(),
        sent = command.len(),
        received,
        status,
        error = answer.err().map(ToString::to_string),
        micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    );
}

/// Writes the trace to a file, a JSON object a line.
pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(file: File) -> impl Layer<S> {
    let lines = fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
    let lines = lines.with_level(false).with_target(false).with_writer(file);
    lines.with_filter(Targets::new().with_target(TARGET, Level::TRACE))
}

/// Opens the file that gets the trace, at its end; readable by its owner only. A line that a killed process left
/// unfinished is ended first.
///
/// # Errors
/// The file system's.
pub fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)?;
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// What `said` adds to the trace in a file, line by line.
    fn lines(path: &Path, said: impl FnOnce()) -> Vec<Value> {
        let trace = tracing_subscriber::registry().with(layer(open(path).unwrap()));
        tracing::subscriber::with_default(trace, said);
        fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_holds_header_lengths_and_status_and_no_data() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        let verify = [0x00, 0x20, 0x00, 0x80, 0x08, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0xFF, 0xFF];
        let object = [&[0x53; 61][..], &[0x90, 0x00]].concat();
        let seen = lines(&path, || {
            tracing::error!("another line of the log");
            exchanged("Reader 7", &verify, Ok(&[0x63, 0xC2]), Duration::from_micros(42));
            exchanged("Reader 7", &[0x00, 0xCB, 0x3F, 0xFF, 3, 0x5C, 1, 0x7E, 0], Ok(&object), Duration::ZERO);
            exchanged("Reader 7", &[0x00, 0x20, 0x00, 0x80], Err(&LinkError::Removed), Duration::ZERO);
        });
        let expected = [
            json!({"reader": "Reader 7", "header": "00200080", "lc": 8, "sent": 13, "received": 0, "status": "63C2",
                "micros": 42}),
            json!({"reader": "Reader 7", "header": "00CB3FFF", "lc": 3, "sent": 9, "received": 61, "status": "9000",
                "micros": 0}),
            json!({"reader": "Reader 7", "header": "00200080", "lc": 0, "sent": 4, "received": 0,
                "error": "the card was removed", "micros": 0}),
        ];
        let without_time = |mut line: Value| {
            let time = line.as_object_mut().unwrap().remove("timestamp");
            assert!(time.is_some_and(|time| time.as_str().is_some_and(|time| time.ends_with('Z'))));
            line
        };
        assert_eq!(seen.into_iter().map(without_time).collect::<Vec<_>>(), expected);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_trace_goes_on_after_a_line_that_a_killed_process_left_unfinished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        lines(&path, || mark("start"));
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"timest").unwrap();
        drop(open(&path).unwrap());
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("\n{\"timest\n"), "{text}");
        drop(open(&path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "ended once");
    }
}
