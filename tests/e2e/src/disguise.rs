//! A text in every form in which it could lie on a disk without looking like itself, and the search for many of them at
//! once. Knows nothing of what is sought.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use aho_corasick::{AhoCorasick, MatchKind};
use anyhow::{Context, Result};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use pinyin::ToPinyin as _;

/// A text as forms and addresses carry it, every byte encoded.
pub fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
}

/// The forms of a text: UTF-8, UTF-16 of both orders, JSON's escapes, HTML's, percent-encoded, base64 at each of its three
/// beginnings, and what is heard of Chinese.
pub fn forms(text: &str) -> BTreeSet<Vec<u8>> {
    let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let escaped = |escape: fn(char) -> String| {
        text.chars().map(|one| if one.is_ascii() { one.to_string() } else { escape(one) }).collect::<String>()
    };
    let units = |one: char| {
        let mut buffer = [0; 2];
        one.encode_utf16(&mut buffer).iter().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat()
    };
    let hex = text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let mut forms = BTreeSet::from([
        text.as_bytes().to_vec(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        escaped(units).into_bytes(),
        escaped(|one| format!("&#{};", u32::from(one))).into_bytes(),
        escaped(|one| format!("\\u{{{:x}}}", u32::from(one))).into_bytes(),
        percent_encoded(text).into_bytes(),
        hex.into_bytes(),
    ]);
    for skipped in 0..3 {
        let padded = [&vec![0; skipped][..], text.as_bytes()].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            // What stands before and after the text also decides about the characters at its ends.
            let whole = padded.len() * 8 / 6;
            forms.insert(encoded.as_bytes()[(skipped * 8).div_ceil(6)..whole].to_vec());
        }
    }
    let sounds: Vec<&str> = text.chars().filter_map(|one| Some(one.to_pinyin()?.plain())).collect();
    if sounds.len() > 2 {
        forms.extend(["", " ", "-"].map(|between| sounds.join(between).into_bytes()));
    }
    forms
}

/// Looks for many texts at once.
#[derive(Debug)]
pub struct Search {
    patterns: AhoCorasick,
    /// The number of the text that each pattern is a form of.
    of: Vec<usize>,
}

impl Search {
    /// For these texts, however they are written.
    ///
    /// # Errors
    /// When there are too many of them.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let (mut patterns, mut of) = (Vec::new(), Vec::new());
        for (number, text) in texts.into_iter().enumerate() {
            for form in forms(text) {
                patterns.push(form);
                of.push(number);
            }
        }
        let patterns = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(patterns)
            .context("too many texts to look for")?;
        Ok(Self { patterns, of })
    }

    /// The numbers of the texts that these bytes hold.
    pub fn found(&self, bytes: &[u8]) -> BTreeSet<usize> {
        self.patterns.find_overlapping_iter(bytes).map(|found| self.of[found.pattern()]).collect()
    }

    /// Which files under a folder hold any of the texts, and the bytes that were looked through.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn in_folder(&self, folder: &Path) -> Result<(BTreeSet<PathBuf>, usize)> {
        let (mut holding, mut seen) = (BTreeSet::new(), 0);
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    let bytes = match fs::read(entry.path()) {
                        // What a running server removes meanwhile is gone.
                        Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                        read => read.with_context(|| entry.path().display().to_string())?,
                    };
                    seen += bytes.len();
                    if !self.found(&bytes).is_empty() {
                        holding.insert(entry.path());
                    }
                }
            }
        }
        Ok((holding, seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_in_every_disguise_and_in_no_other() -> Result<()> {
        let text = "测试欧阳·Kai 13800138000";
        let search = Search::of(["something else", text])?;
        let json = serde_json::to_string(&format!("<{text}>"))?;
        let base64 = |before: &str| STANDARD_NO_PAD.encode(format!("{before}{text} and more"));
        let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
        let disguises = [
            json.into_bytes(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            b"\\u6d4b\\u8bd5\\u6b27\\u9633\\u00b7Kai 13800138000".to_vec(),
            base64("").into_bytes(),
            base64("1").into_bytes(),
            base64("12").into_bytes(),
            b"he said CE SHI OU YANG and left".to_vec(),
            b"ceshiouyang@invalid".to_vec(),
        ];
        for disguise in &disguises {
            assert_eq!(search.found(disguise), BTreeSet::from([1]), "{}", String::from_utf8_lossy(disguise));
        }
        let others = ["测试欧阳·Kai 1380013800", "ceshi ou", "", "c2Vp"];
        assert!(others.iter().all(|other| search.found(other.as_bytes()).is_empty()));
        Ok(())
    }
}
