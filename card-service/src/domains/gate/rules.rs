//! Who may pass. Pure.

use card_schema::envelope::receipt::Outcome;

use super::Count;
use super::model::hour;
use crate::domains::{Ask, Decision, Effect, Room};
use crate::ledger::{AccountKey, Book};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Gate;

fn count(ask: &Ask<'_>, passed: bool) -> Vec<Effect> {
    vec![Effect::GateCount(Count { shard: ask.shard, terminal: ask.terminal, hour: hour(ask.at), passed })]
}

impl Room for Gate {
    fn accounts(&self, _ask: &Ask<'_>) -> Vec<AccountKey> {
        Vec::new()
    }

    /// Every active card passes every gate that may ask: a card that is not active never comes this far.
    fn decide(&self, ask: &Ask<'_>, _book: &Book) -> Decision {
        Decision { effects: count(ask, true), ..Decision::plain(Outcome::Accepted) }
    }

    fn refused(&self, ask: &Ask<'_>) -> Vec<Effect> {
        count(ask, false)
    }
}
