//! Power lost between, before, and inside any two writes to the outbox's files.
//!
//! A terminal plays a script while `strace` records every call that changes or syncs its files (`script`, `recording`).
//! After each call the power goes in every way that the disk allows (`disk`), and the terminal is started again with
//! what is left (`promise`): is what people and service were promised still so? Programs with a planted defect are
//! recorded and searched in the same way, and must be found.
//!
//! Watched from outside, and not through a layer under SQLite, so that it is the SQLite that ships which is recorded.
//! Not tried: power that goes again while the terminal starts after a loss.

mod disk;
mod promise;
mod recording;
mod script;

use std::{
    collections::HashSet,
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use ring::digest;
use tempfile::TempDir;

use self::{
    disk::{Disk, Image},
    promise::{Broken, Mark, Promise},
    recording::{Call, Event, record},
    script::{Act, Defect},
};

/// Where the watched terminal says what it has promised.
const MARKS: &str = "marks";

/// What a search found.
#[derive(Debug, Default)]
struct Found {
    /// States of the disk that differ in bytes or in what was promised.
    states: usize,
    /// The earliest promise of the wanted kind that was broken, with the number of events before the power went.
    broken: Option<(usize, Broken)>,
}

/// Tries every state that a loss of power can leave after each event. Ends early once a promise of the wanted kind is
/// broken.
fn search(events: &[Event], wanted: fn(&Broken) -> bool) -> Found {
    let (next, seen) = (AtomicUsize::new(0), Mutex::new(HashSet::new()));
    let broken: Mutex<Option<(usize, Broken)>> = Mutex::new(None);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let (mut disk, mut promise, mut played) = (Disk::default(), Promise::default(), 0);
                loop {
                    let moment = next.fetch_add(1, Ordering::Relaxed);
                    if moment > events.len() || broken.lock().unwrap().is_some() {
                        break;
                    }
                    for event in &events[played..moment] {
                        match event {
                            Event::Call(call) => disk.call(call),
                            Event::Mark(mark) => promise.add(mark),
                        }
                    }
                    played = moment;
                    for loss in disk.losses() {
                        let image = disk.after(&loss);
                        if !seen.lock().unwrap().insert((fingerprint(&image), promise.clone())) {
                            continue;
                        }
                        let folder = in_memory();
                        write(folder.path(), &image);
                        if let Err(found) = runtime.block_on(promise.check(folder.path()))
                            && wanted(&found)
                        {
                            let mut broken = broken.lock().unwrap();
                            if broken.as_ref().is_none_or(|(earliest, _)| moment < *earliest) {
                                *broken = Some((moment, found));
                            }
                            break;
                        }
                    }
                }
            });
        }
    });
    Found { states: seen.into_inner().unwrap().len(), broken: broken.into_inner().unwrap() }
}

fn fingerprint(image: &Image) -> Vec<u8> {
    let mut hash = digest::Context::new(&digest::SHA256);
    for (name, bytes) in image {
        hash.update(name.as_bytes());
        hash.update(&bytes.len().to_be_bytes());
        hash.update(bytes);
    }
    hash.finish().as_ref().to_vec()
}

/// A folder whose syncs cost nothing, where there is one: what is tested here is read back from memory either way.
fn in_memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn write(folder: &Path, image: &Image) {
    for (name, bytes) in image {
        fs::write(folder.join(name), bytes).unwrap();
    }
    // The index is mapped memory that nobody syncs: anything may be in it.
    fs::write(folder.join("outbox.db-shm"), vec![0xA5; 32 * 1024]).unwrap();
}

/// What a program does to the disk, all acts one after the other.
fn watched(defect: Option<Defect>, acts: &[u8]) -> Vec<Event> {
    let folder = in_memory();
    acts.iter().flat_map(|number| record(folder.path(), Act { number: *number, defect })).collect()
}

#[test]
fn power_lost_at_any_write_or_sync_breaks_no_promise() {
    let events = watched(None, &[1, 2, 3]);
    let count = |wanted: fn(&Call) -> bool| {
        events.iter().filter(|event| matches!(event, Event::Call(call) if wanted(call))).count()
    };
    let kinds = [
        ("made", count(|call| matches!(call, Call::Make(_)))),
        ("unlinked", count(|call| matches!(call, Call::Unlink(_)))),
        ("cut", count(|call| matches!(call, Call::Cut { .. }))),
        ("written", count(|call| matches!(call, Call::Write { .. }))),
        ("synced", count(|call| matches!(call, Call::Sync(_)))),
        ("folder synced", count(|call| matches!(call, Call::SyncFolder))),
    ];
    let found = search(&events, |_| true);
    println!("{kinds:?}, {} events, {} states", events.len(), found.states);
    if let Some((moment, broken)) = found.broken {
        let last: Vec<String> = events[..moment].iter().rev().take(12).map(ToString::to_string).collect();
        panic!("{broken:?}: the power went after event {moment} of {}: {last:#?}", events.len());
    }
    assert!(kinds.iter().all(|(_, count)| *count > 0), "the script does not do everything: {kinds:?}");
}

#[test]
fn taps_that_wait_for_the_disk_together_share_one_sync() {
    let events = watched(None, &[1]);
    let mark = |event: &Event| match event {
        Event::Mark(mark) => Some(mark.clone()),
        Event::Call(_) => None,
    };
    let is_asked = |event: &Event| matches!(mark(event), Some(Mark::Asked { .. }));
    let marks: Vec<usize> = (0..events.len()).filter(|at| mark(&events[*at]).is_some()).collect();
    let both = marks.windows(3).find(|marks| marks[..2].iter().all(|at| is_asked(&events[*at])));
    let both = both.expect("two cards are asked before either tap is kept");
    assert!(matches!(mark(&events[both[2]]), Some(Mark::Stored { .. })));
    let synced = events[both[1]..both[2]].iter().filter(|event| matches!(event, Event::Call(Call::Sync(_))));
    assert_eq!(synced.count(), 1);
}

#[test]
fn programs_that_promise_too_early_are_found() {
    type Wanted = fn(&Broken) -> bool;
    let table: [(Defect, Wanted); 6] = [
        (Defect::SynchronousOff, |broken| matches!(broken, Broken::TapLost(_))),
        (Defect::SynchronousNormal, |broken| matches!(broken, Broken::TapLost(_))),
        (Defect::AcknowledgedBeforeStored, |broken| matches!(broken, Broken::TapLost(_))),
        (Defect::AskedBeforeReserved, |broken| matches!(broken, Broken::NumberTwice(_))),
        (Defect::ForgottenBeforeReceipt, |broken| matches!(broken, Broken::TapLost(_))),
        (Defect::ChainNotContinued, |broken| matches!(broken, Broken::NotLinked(_))),
    ];
    for (defect, wanted) in table {
        let found = search(&watched(Some(defect), &[1]), wanted);
        assert!(found.broken.is_some(), "{defect:?} was not found in {} states", found.states);
        println!("{defect:?}: {:?} in {} states", found.broken, found.states);
    }
}
