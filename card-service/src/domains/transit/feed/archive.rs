//! The archive that a feed comes in: what it unpacks to is bounded before it is believed, and nothing of it is written anywhere. Pure.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::report::{At, Report};

/// The largest archive that is read.
pub const MAX_BYTES: usize = 256 << 20;
/// The most that one file of it may hold.
const MAX_FILE_BYTES: u64 = 64 << 20;
/// The most that all files together may hold that are read.
const MAX_ALL_BYTES: u64 = 128 << 20;
/// The most files.
const MAX_FILES: usize = 1_000;
/// How the archive itself is called.
const ARCHIVE: &str = "feed.zip";

/// The texts of those files that are wanted; `known` are those that may be there besides.
pub(super) fn open(bytes: &[u8], wanted: &[&'static str], known: &[&str], report: &mut Report) -> Files {
    let mut files = Files::default();
    if bytes.len() > MAX_BYTES {
        report.error(At::file(ARCHIVE), "too-large", MAX_BYTES >> 20);
        return files;
    }
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else {
        report.error(At::file(ARCHIVE), "not-an-archive", "");
        return files;
    };
    if entries(bytes) != Some(archive.len()) {
        report.error(At::file(ARCHIVE), "name-twice", "");
        return files;
    }
    if archive.len() > MAX_FILES {
        report.error(At::file(ARCHIVE), "too-many-files", MAX_FILES);
        return files;
    }
    let mut left = MAX_ALL_BYTES;
    for number in 0..archive.len() {
        let Ok(file) = archive.by_index(number) else {
            report.error(At::file(ARCHIVE), "unreadable", number);
            continue;
        };
        let Ok(name) = file.name().map(std::borrow::Cow::into_owned) else {
            report.error(At::file(ARCHIVE), "unreadable", number);
            continue;
        };
        // The reference wants all files at the root; a name is never a path here, wherever it would lead.
        if name.contains(['/', '\\', ':']) || name.starts_with("..") {
            report.error(At::file(ARCHIVE), "path", &name);
            continue;
        }
        let Some(wanted) = wanted.iter().find(|wanted| **wanted == name) else {
            if !known.contains(&&*name) {
                report.warn(At::file(&name), "unknown-file", "");
            }
            continue;
        };
        let most = MAX_FILE_BYTES.min(left);
        let mut text = Vec::new();
        match file.take(most + 1).read_to_end(&mut text) {
            Err(_) => report.error(At::file(wanted), "unreadable", ""),
            Ok(length) if length as u64 > most => report.error(At::file(wanted), "too-large", most >> 20),
            Ok(length) => {
                left -= length as u64;
                match String::from_utf8(text) {
                    Ok(text) => files.keep(wanted, text),
                    Err(_) => report.error(At::file(wanted), "not-utf-8", ""),
                }
            }
        }
    }
    files
}

/// How many entries an archive says that it has (APPNOTE 4.3.16): of two with one name a reader sees one.
fn entries(bytes: &[u8]) -> Option<usize> {
    const END: &[u8] = b"PK\x05\x06";
    let end = bytes.windows(END.len()).rposition(|window| window == END)?;
    let count = bytes.get(end + 10..end + 12)?;
    Some(usize::from(u16::from_le_bytes([count[0], count[1]])))
}

/// The texts of an archive's files, by their names.
#[derive(Debug, Default)]
pub(super) struct Files(BTreeMap<&'static str, String>);

impl Files {
    fn keep(&mut self, name: &'static str, text: String) {
        self.0.insert(name, text);
    }

    /// As an archive of its own: the same for the same texts.
    pub(super) fn packed(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in &self.0 {
            let written = zip.start_file(*name, SimpleFileOptions::default());
            let written = written.and_then(|()| Ok(zip.write_all(text.as_bytes())?));
            written.expect("memory takes whatever is written to it");
        }
        zip.finish().expect("memory takes whatever is written to it").into_inner()
    }

    /// The text of a file without its byte order mark.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|text| text.strip_prefix('\u{feff}').unwrap_or(text))
    }
}
