//! Jobs for readers: a terminal's long poll is woken when there is something for it to do.
//!
//! What there is to do lies in the database; the hub only wakes. Not here: what the steps are (`cards::issuance`).

pub mod api;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use card_schema::ids::TerminalId;
use tokio::sync::Notify;

/// Wakes terminals that wait.
#[derive(Debug, Default)]
pub struct Hub(Mutex<HashMap<TerminalId, Arc<Notify>>>);

impl Hub {
    /// What a terminal waits on. Take it before looking into the database, so that nothing is missed in between.
    pub fn bell(&self, terminal: TerminalId) -> Arc<Notify> {
        let mut bells = self.0.lock().expect("nothing panics while holding the bells");
        Arc::clone(bells.entry(terminal).or_default())
    }

    /// There is something for this terminal.
    pub fn ring(&self, terminal: TerminalId) {
        self.bell(terminal).notify_waiters();
    }
}
