//! The kept corpora, run as plain tests: every input that once mattered stays harmless.

use std::fs;
use std::path::{Path, PathBuf};

use fuzz::TARGETS;

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| {
            let path = entry.expect("the folder can be read").path();
            let bytes = fs::read(&path).expect("a kept input can be read");
            (path, bytes)
        })
        .collect()
}

#[test]
fn no_kept_input_makes_a_decoder_panic() {
    for (name, target) in TARGETS {
        for (_, bytes) in corpus(name) {
            target(&bytes);
        }
    }
}

#[test]
fn every_corpus_reaches_the_inside_of_its_decoder() {
    for (name, target) in TARGETS {
        let kept = corpus(name);
        assert!(kept.iter().any(|(_, bytes)| target(bytes)), "{name}: none of {} inputs is accepted", kept.len());
        assert!(kept.iter().any(|(_, bytes)| !target(bytes)), "{name}: none of {} inputs is refused", kept.len());
    }
}

/// What a fuzzer does first, without coverage: cut short, one byte changed. Quick, so it runs with every test.
#[test]
fn no_damaged_input_makes_a_decoder_panic() {
    for (name, target) in TARGETS {
        for (path, bytes) in corpus(name).into_iter().filter(|(_, bytes)| bytes.len() < 2_000) {
            for at in 0..bytes.len() {
                target(&bytes[..at]);
                for value in [0x00, 0x7F, 0x80, 0xFF, bytes[at] ^ 0x01, bytes[at].wrapping_add(1)] {
                    let mut damaged = bytes.clone();
                    damaged[at] = value;
                    target(&damaged);
                }
            }
            assert_eq!(fs::read(&path).expect("a kept input can be read"), bytes, "{name}");
        }
    }
}

#[test]
#[should_panic(expected = "planted")]
fn the_planted_decoder_panics_on_its_word() {
    fuzz::planted(b"door");
}
