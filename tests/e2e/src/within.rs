//! Runs a test's body in a process of its own whose PC/SC calls go to a pcscd of its own: libpcsclite reads the
//! variable that names it once, and tests that share a process could not each have their own.

use std::env;
use std::path::{Path, PathBuf};

use reader_daemon::card::monitor::{CardState, Seen};
use reader_daemon::card::pcsc;
use town::pcscd::Pcscd;
use town::wait;
use virtual_card::{CardKind, Cards};

const CARDS: &str = "E2E_CARDS";
const READERS: &str = "E2E_READERS";

/// What a body sees of the pcscd that its process speaks to.
#[derive(Debug)]
pub struct World {
    /// What may be done to cards and pcscd.
    pub cards: Cards,
    /// The readers' names; the card in slot n is in the n-th.
    pub readers: Vec<String>,
    folder: PathBuf,
}

impl World {
    /// A factory-new card.
    pub fn new_card(&self, name: &str) -> PathBuf {
        let card = self.folder.join(name);
        self.cards.create(&card).expect("a new card");
        card
    }

    /// A chip card of somebody else.
    pub fn new_foreign_card(&self, name: &str) -> PathBuf {
        let card = self.folder.join(name);
        self.cards.create_kind(&card, CardKind::Foreign).expect("a new card");
        card
    }

    /// Puts a card in and waits until pcscd says that it is there.
    pub fn insert(&self, slot: usize, card: &Path) {
        self.cards.insert(slot, card).expect("the slot is free");
        self.wait_present(slot);
    }

    /// Waits until pcscd says that a card is in a slot. It has powered the card a little before it says so.
    pub fn wait_present(&self, slot: usize) {
        let is_present = |seen: &Seen| seen.reader == self.readers[slot] && seen.card == CardState::Present;
        let look = || Ok(pcsc::readers().is_ok_and(|seen| seen.iter().any(is_present)).then_some(()));
        wait::until(&format!("pcscd notices the card in slot {slot}"), look).expect("pcscd notices cards");
    }
}

/// Runs `body` with this many readers. `test` is the calling test's full name.
pub fn within_pcscd(test: &str, readers: usize, body: impl FnOnce(&World)) {
    if let Some(socket) = env::var_os(CARDS) {
        let socket = PathBuf::from(socket);
        let folder = socket.parent().expect("the socket is in the run folder").to_owned();
        let readers = env::var(READERS).expect("set with the socket").lines().map(str::to_owned).collect();
        return body(&World { cards: Cards::new(socket), readers, folder });
    }
    let pcscd = Pcscd::start(readers).expect("a pcscd of our own");
    let status = pcscd
        .command(env::current_exe().expect("this test's program"))
        .args([test, "--exact", "--nocapture"])
        .env(CARDS, pcscd.cards().socket())
        .env(READERS, pcscd.readers().join("\n"))
        .status()
        .expect("the test's program starts again");
    assert!(status.success(), "{test}: see above");
}
