//! A disk that loses power: what was synced is there, of everything else any part may be.
//!
//! Knows files, sectors and names; nothing of SQLite. A file's own sync does not make its name durable: only a sync of
//! the folder does. What POSIX does not promise is not assumed.

use std::collections::BTreeMap;

use super::recording::Call;

/// What a disk writes as a whole or not at all.
const SECTOR: usize = 512;
/// Subsets that are drawn for each moment, beside the systematic ones.
const DRAWN: usize = 12;

/// Files by name, as somebody finds them who turns the machine on again.
pub(super) type Image = BTreeMap<String, Vec<u8>>;

/// Something that the disk may have done or not, until it is synced.
#[derive(Clone, Debug)]
struct Pending {
    /// The call that asked for it.
    call: usize,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    /// The name stands for a file, or for none any more.
    Name { name: String, file: Option<usize> },
    /// At least so long: what was not written yet reads as zeros.
    Grow { file: usize, length: usize },
    /// Exactly so long.
    Cut { file: usize, length: usize },
    /// At most a sector's bytes.
    Sector { file: usize, offset: usize, bytes: Vec<u8> },
}

impl Change {
    /// The file whose sync makes it durable; a name goes with the folder.
    fn synced_with(&self) -> Option<usize> {
        match self {
            Self::Name { .. } => None,
            Self::Grow { file, .. } | Self::Cut { file, .. } | Self::Sector { file, .. } => Some(*file),
        }
    }
}

/// What lies on the plates.
#[derive(Clone, Debug, Default)]
struct Plates {
    names: BTreeMap<String, usize>,
    files: Vec<Vec<u8>>,
}

impl Plates {
    fn change(&mut self, change: &Change) {
        match change {
            Change::Name { name, file: Some(file) } => drop(self.names.insert(name.clone(), *file)),
            Change::Name { name, file: None } => drop(self.names.remove(name)),
            Change::Grow { file, length } => {
                let length = self.files[*file].len().max(*length);
                self.files[*file].resize(length, 0);
            }
            Change::Cut { file, length } => self.files[*file].resize(*length, 0),
            Change::Sector { file, offset, bytes } => {
                let (file, end) = (&mut self.files[*file], offset + bytes.len());
                file.resize(file.len().max(end), 0);
                file[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}

/// The disk as the recorded calls leave it.
#[derive(Debug, Default)]
pub(super) struct Disk {
    plates: Plates,
    pending: Vec<Pending>,
    /// What the running program sees.
    names: BTreeMap<String, usize>,
    lengths: Vec<usize>,
    calls: usize,
}

impl Disk {
    /// One more call of the running program.
    pub(super) fn call(&mut self, call: &Call) {
        self.calls += 1;
        match call {
            Call::Make(name) => {
                let file = self.lengths.len();
                self.lengths.push(0);
                self.plates.files.push(Vec::new());
                self.names.insert(name.clone(), file);
                self.later(Change::Name { name: name.clone(), file: Some(file) });
            }
            Call::Unlink(name) => {
                self.names.remove(name);
                self.later(Change::Name { name: name.clone(), file: None });
            }
            Call::Cut { name, length } => {
                let file = self.names[name];
                self.lengths[file] = *length;
                self.later(Change::Cut { file, length: *length });
            }
            Call::Write { name, offset, bytes } => self.write(self.names[name], *offset, bytes),
            Call::Sync(name) => {
                let file = self.names[name];
                self.settle(Some(file));
            }
            Call::SyncFolder => self.settle(None),
        }
    }

    fn write(&mut self, file: usize, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if self.lengths[file] < end {
            self.lengths[file] = end;
            self.later(Change::Grow { file, length: end });
        }
        let mut at = offset;
        while at < end {
            let next = end.min((at / SECTOR + 1) * SECTOR);
            self.later(Change::Sector { file, offset: at, bytes: bytes[at - offset..next - offset].to_vec() });
            at = next;
        }
    }

    fn later(&mut self, change: Change) {
        self.pending.push(Pending { call: self.calls, change });
    }

    fn settle(&mut self, synced: Option<usize>) {
        let all = std::mem::take(&mut self.pending);
        let (done, left): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.change.synced_with() == synced);
        self.pending = left;
        for pending in done {
            self.plates.change(&pending.change);
        }
    }

    /// The ways in which the power may go now, each as what of the pending was done: everything up to some point, so
    /// that a write is torn at each sector; everything from some point on, as a disk that writes the last first; all
    /// but one call or sector; one call or sector alone; and some drawn at random, always the same.
    pub(super) fn losses(&self) -> Vec<Vec<bool>> {
        let (count, calls) = (self.pending.len(), self.pending.iter().map(|pending| pending.call));
        let mut distinct: Vec<usize> = calls.clone().collect();
        distinct.dedup();
        let mut losses = Vec::new();
        losses.extend((0..=count).map(|end| (0..count).map(|at| at < end).collect()));
        losses.extend((1..count).map(|begin| (0..count).map(|at| at >= begin).collect()));
        for call in distinct {
            losses.push(calls.clone().map(|of| of != call).collect());
            losses.push(calls.clone().map(|of| of == call).collect());
        }
        for one in 0..count {
            losses.push((0..count).map(|at| at != one).collect());
            losses.push((0..count).map(|at| at == one).collect());
        }
        let mut random = fastrand::Rng::with_seed(self.calls as u64);
        losses.extend((0..DRAWN).map(|_| (0..count).map(|_| random.bool()).collect::<Vec<_>>()));
        losses
    }

    /// The files after one of these losses.
    pub(super) fn after(&self, done: &[bool]) -> Image {
        let mut plates = self.plates.clone();
        for (pending, _) in self.pending.iter().zip(done).filter(|(_, done)| **done) {
            plates.change(&pending.change);
        }
        plates.names.into_iter().map(|(name, file)| (name, std::mem::take(&mut plates.files[file]))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: usize = SECTOR * 2;

    fn write(offset: usize, byte: u8) -> Call {
        Call::Write { name: "a".to_owned(), offset, bytes: vec![byte; LONG] }
    }

    fn images(disk: &Disk) -> Vec<Option<Vec<u8>>> {
        disk.losses().iter().map(|done| disk.after(done).remove("a")).collect()
    }

    #[test]
    fn what_was_synced_is_there_after_every_loss_and_what_was_not_may_be_there_in_part() {
        let mut disk = Disk::default();
        let name = || "a".to_owned();
        for call in [Call::Make(name()), write(0, 1), Call::Sync(name())] {
            disk.call(&call);
        }
        assert!(images(&disk).contains(&None), "the folder was not synced");
        disk.call(&Call::SyncFolder);
        assert!(images(&disk).iter().all(|image| *image == Some(vec![1; LONG])), "all is synced");

        disk.call(&write(SECTOR, 2));
        let images = images(&disk);
        let has = |expected: [&[u8]; 3]| images.contains(&Some(expected.concat()));
        let (old, new, none) = (&[1; SECTOR], &[2; SECTOR], &[0; SECTOR]);
        assert!(has([old, old, &[]]) && has([old, new, new]), "nothing, and everything");
        assert!(has([old, new, none]) && has([old, old, new]), "torn, in both orders");
        assert!(has([old, old, none]), "longer, and nothing in it");
        assert!(images.iter().all(|image| image.as_ref().is_some_and(|file| file.starts_with(old))));
    }

    #[test]
    fn a_file_that_was_unlinked_is_back_until_the_folder_is_synced() {
        let mut disk = Disk::default();
        for call in [Call::Make("a".to_owned()), Call::SyncFolder, Call::Unlink("a".to_owned())] {
            disk.call(&call);
        }
        assert!(images(&disk).contains(&Some(Vec::new())));
        disk.call(&Call::SyncFolder);
        assert!(images(&disk).iter().all(Option::is_none));
    }
}
