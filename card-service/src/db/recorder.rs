//! What statements a test has sent, and for which shards. One test at a time in a process records.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::value::Column;
use super::{Rows, Statement};

/// A statement as a store wrote it.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) text: String,
    /// The shards that its sets name; nothing where no set has such a column.
    pub(crate) shards: Option<BTreeSet<i64>>,
    /// The statement, where it is not one that only adds rows.
    pub(crate) statement: Option<Statement>,
}

static RECORDED: Mutex<Option<Vec<Recorded>>> = Mutex::new(None);

/// Begins to record.
pub(crate) fn begin() {
    *RECORDED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
}

/// Ends, with what was recorded since.
pub(crate) fn end() -> Vec<Recorded> {
    RECORDED.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
}

pub(super) fn record<'a>(text: &str, sets: impl Iterator<Item = &'a Rows>, statement: Option<&Statement>) {
    let mut recorded = RECORDED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(recorded) = recorded.as_mut() else { return };
    let columns = sets.flat_map(Rows::columns).filter(|(name, _)| name == "shard");
    let shards: Vec<_> = columns
        .map(|(_, column)| match column {
            Column::Ints(shards) => shards.iter().copied(),
            other => panic!("shards are numbers: {other:?}"),
        })
        .collect();
    let shards = (!shards.is_empty()).then(|| shards.into_iter().flatten().collect());
    recorded.push(Recorded { text: text.to_owned(), shards, statement: statement.cloned() });
}
