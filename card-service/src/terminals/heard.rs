//! When terminals were last heard of: that a daemon asked for its profile, the status list or a job, not that somebody's card
//! was tapped. In memory alone, so it says nothing from before the service was started.

use std::collections::HashMap;
use std::sync::Mutex;

use card_schema::clock::Micros;
use card_schema::ids::TerminalId;

/// See the module.
#[derive(Debug, Default)]
pub struct Heard(Mutex<HashMap<TerminalId, Micros>>);

impl Heard {
    /// A terminal is heard of.
    pub fn note(&self, terminal: TerminalId, at: Micros) {
        self.0.lock().expect("nothing panics while holding it").insert(terminal, at);
    }

    /// When a terminal was last heard of.
    pub fn of(&self, terminal: TerminalId) -> Option<Micros> {
        self.0.lock().expect("nothing panics while holding it").get(&terminal).copied()
    }
}
