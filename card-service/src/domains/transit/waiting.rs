//! Fares that somebody has uploaded and not brought in yet: in memory, for some minutes, and few at once. Whoever comes later
//! chooses the files again.

use std::sync::{Arc, Mutex};

use card_schema::clock::Micros;
use tokio::sync::MutexGuard;
use uuid::Uuid;

use super::import::Ready;
use crate::people::StaffId;

/// So long somebody may take to look at what was found.
pub const KEPT_MINUTES: i64 = 15;
/// The most that are kept: of each at most what an import keeps, and what was made of it.
const AT_ONCE: usize = 2;

/// What waits, at most one of each member of staff.
#[derive(Debug, Default)]
pub struct Uploads {
    kept: Mutex<Vec<Upload>>,
    reading: tokio::sync::Mutex<()>,
}

/// What somebody has uploaded.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Tells it from what the same person uploads later.
    pub id: Uuid,
    /// Who.
    pub by: StaffId,
    /// When.
    pub at: Micros,
    /// What.
    pub ready: Arc<Ready>,
}

impl Uploads {
    /// The turn of whoever reads one, as long as it is held; nothing while another reads: an archive is large.
    pub fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        self.reading.try_lock().ok()
    }

    /// Keeps one in place of the same person's; where there are too many, the oldest goes.
    pub fn keep(&self, upload: Upload) {
        let mut kept = self.kept(upload.at);
        kept.retain(|other| other.by != upload.by);
        if kept.len() == AT_ONCE {
            kept.remove(0);
        }
        kept.push(upload);
    }

    /// What somebody has uploaded, if it is still kept.
    pub fn of(&self, by: StaffId, now: Micros) -> Option<Upload> {
        self.kept(now).iter().find(|upload| upload.by == by).cloned()
    }

    /// Takes it out.
    pub fn take(&self, by: StaffId, id: Uuid, now: Micros) -> Option<Upload> {
        let mut kept = self.kept(now);
        let place = kept.iter().position(|upload| (upload.by, upload.id) == (by, id))?;
        Some(kept.remove(place))
    }

    /// What is kept still.
    fn kept(&self, now: Micros) -> std::sync::MutexGuard<'_, Vec<Upload>> {
        let mut kept = self.kept.lock().expect("nothing panics while holding the uploads");
        kept.retain(|upload| now.0 <= upload.at.plus_seconds(KEPT_MINUTES * 60).0);
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::city::{SUPPLEMENT_TEXT, files, zipped};

    #[test]
    fn an_upload_is_kept_for_a_while_and_few_are_at_once() {
        let uploads = Uploads::default();
        let ready = Arc::new(Ready::read(&zipped(&files()), SUPPLEMENT_TEXT.to_owned()).unwrap());
        let (start, who) = (Micros(0), |number| StaffId(Uuid::from_u128(number)));
        let upload = |id, by, at| Upload { id: Uuid::from_u128(id), by: who(by), at, ready: Arc::clone(&ready) };
        uploads.keep(upload(1, 1, start));
        uploads.keep(upload(2, 1, start));
        assert_eq!(uploads.of(who(1), start).unwrap().id, Uuid::from_u128(2), "the newer one");
        assert!(uploads.of(who(2), start).is_none() && uploads.take(who(1), Uuid::from_u128(1), start).is_none());
        let last = start.plus_seconds(KEPT_MINUTES * 60);
        assert!(uploads.of(who(1), last).is_some());
        assert!(uploads.of(who(1), Micros(last.0 + 1)).is_none());
        for (id, by) in [(3, 1), (4, 2), (5, 3)] {
            uploads.keep(upload(id, by, start));
        }
        assert_eq!([1, 2, 3].map(|by| uploads.of(who(by), start).is_some()), [false, true, true]);
        assert!(uploads.take(who(2), Uuid::from_u128(4), start).is_some());
        assert!(uploads.of(who(2), start).is_none());
        let turn = uploads.turn();
        assert!(turn.is_some() && uploads.turn().is_none());
    }
}
