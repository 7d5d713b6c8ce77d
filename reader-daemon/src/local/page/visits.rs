//! Which browsers were let in. A link works once and for a minute; what it leads to is kept in a cookie until the daemon
//! ends or eight others have come.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::Instant;

use crate::local::{
    guard::{Hash, hash, secret},
    wire::View,
};

/// How long a link waits for its browser.
const LINK_LIFE: Duration = Duration::from_mins(1);
/// Links and browsers at once: a desk has two screens.
const MOST: usize = 8;

/// The daemon made its token from them.
const RANDOM: &str = "the system gives random bytes";

/// The browsers that were let in, and the links that wait for one.
#[derive(Clone, Debug, Default)]
pub struct Visits(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    links: VecDeque<(Hash, View, Instant)>,
    sessions: VecDeque<(Hash, View)>,
}

impl Visits {
    /// What a link has to bear for one browser to be let in.
    pub(in crate::local) fn invite(&self, view: View, now: Instant) -> String {
        let key = secret().expect(RANDOM);
        push(&mut self.lock().links, (hash(&key), view, now + LINK_LIFE));
        key
    }

    /// Lets a browser in that brings a link: its session, and to which page. Nothing where the link was used or is too old.
    pub(in crate::local) fn enter(&self, key: &str, now: Instant) -> Option<(String, View)> {
        let key = hash(key);
        let mut known = self.lock();
        known.links.retain(|(.., until)| now < *until);
        let at = known.links.iter().position(|(link, ..)| *link == key)?;
        let (_, view, _) = known.links.remove(at)?;
        let session = secret().expect(RANDOM);
        push(&mut known.sessions, (hash(&session), view));
        Some((session, view))
    }

    /// To which page a browser was let in, if it was.
    pub(in crate::local) fn knows(&self, session: &str) -> Option<View> {
        let session = hash(session);
        self.lock().sessions.iter().find(|(known, _)| *known == session).map(|(_, view)| *view)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().expect("nobody panics while holding this lock")
    }
}

fn push<T>(queue: &mut VecDeque<T>, new: T) {
    if queue.len() == MOST {
        queue.pop_front();
    }
    queue.push_back(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_lets_one_browser_in_and_only_within_a_minute() {
        let (visits, now) = (Visits::default(), Instant::now());
        let (first, late) = (visits.invite(View::Holder, now), visits.invite(View::Counter, now));
        let (session, view) = visits.enter(&first, now).unwrap();
        assert_eq!((view, visits.knows(&session)), (View::Holder, Some(View::Holder)));
        assert!(visits.enter(&first, now).is_none(), "it works once");
        assert!(visits.knows(&first).is_none() && visits.enter(&session, now).is_none());
        assert!(visits.enter(&late, now + LINK_LIFE).is_none());
        for _ in 0..MOST {
            assert!(visits.knows(&session).is_some());
            visits.enter(&visits.invite(View::Counter, now), now).unwrap();
        }
        assert!(visits.knows(&session).is_none(), "the oldest goes");
    }
}
