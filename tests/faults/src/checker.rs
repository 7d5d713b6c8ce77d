//! The black box: what people were told against what lies in the database. Pure; reads nothing.

use std::collections::{BTreeMap, BTreeSet};

use card_schema::ids::TapId;

/// What the service's database says of one tap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Posted {
    /// Rows of the tap table.
    pub taps: u64,
    /// Whether it was accepted.
    pub accepted: bool,
    /// Transfers that name it.
    pub transfers: u64,
    /// The sum of those transfers, in fen.
    pub fen: i64,
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Somebody was told that the tap counts, and it is not there.
    Lost(TapId),
    /// It is there more than once.
    Doubled(TapId),
    /// It is there, and no money or other money was moved.
    WrongMoney(TapId),
    /// Money was moved for a tap that is not there or was refused.
    Unfounded(TapId),
    /// All balances of a unit do not sum to zero.
    NotZero(i64),
    /// A checkpoint was published, and the log does not know of it any more.
    Retracted(String),
    /// While the database was away or the service had too much to do, somebody heard neither a success nor a 503 that
    /// says when to come back, but this.
    Unclear(String),
    /// A tap in order was refused for good.
    Refused(TapId),
    /// A tap is there, and nobody was told, though everybody has asked until there was an answer.
    Unheard(TapId),
    /// Something grew without bound: what, how far, and how far it may.
    Unbounded(String),
    /// The service has logged so many requests that failed by a fault of its own.
    Internal(usize),
    /// The database server has undone so many transactions that waited for one another.
    Deadlocks(usize),
    /// So many APDUs that pcscd carried stand otherwise, or not at all, in the daemons' own trace.
    OtherApdus(usize),
}

/// Compares. `acknowledged` maps each tap that somebody was told is safe to the fen that it moves.
pub fn check(acknowledged: &BTreeMap<TapId, i64>, posted: &BTreeMap<TapId, Posted>, sum_fen: i64) -> Vec<Finding> {
    let ids: BTreeSet<_> = acknowledged.keys().chain(posted.keys()).collect();
    let mut findings: Vec<_> = ids
        .into_iter()
        .filter_map(|id| {
            let row = posted.get(id).copied().unwrap_or_default();
            let expected = acknowledged.get(id);
            if row.taps > 1 || row.transfers > 1 {
                Some(Finding::Doubled(*id))
            } else if row.transfers > 0 && (row.taps == 0 || !row.accepted) {
                Some(Finding::Unfounded(*id))
            } else if expected.is_some() && row.taps == 0 {
                Some(Finding::Lost(*id))
            } else if expected.is_some_and(|fen| row.fen != *fen) {
                Some(Finding::WrongMoney(*id))
            } else {
                None
            }
        })
        .collect();
    if sum_fen != 0 {
        findings.push(Finding::NotZero(sum_fen));
    }
    findings
}

/// The checkpoints, as signed notes, that somebody was shown and that the log does not have. Those that it has are proved
/// to be of one tree by the verification of its export.
pub fn retracted(shown: &BTreeSet<String>, stored: &BTreeSet<String>) -> Vec<Finding> {
    shown.difference(stored).cloned().map(Finding::Retracted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: TapId = TapId([0xA; 32]);
    const B: TapId = TapId([0xB; 32]);
    const GOOD: Posted = Posted { taps: 1, accepted: true, transfers: 1, fen: 5 };

    #[test]
    fn what_was_acknowledged_and_posted_once_is_in_order() {
        assert_eq!(check(&BTreeMap::from([(A, 5)]), &BTreeMap::from([(A, GOOD), (B, GOOD)]), 0), []);
    }

    #[test]
    fn every_planted_defect_is_found() {
        let told = BTreeMap::from([(A, 5)]);
        let found = |row: Posted| check(&told, &BTreeMap::from([(A, row)]), 0);
        assert_eq!(check(&told, &BTreeMap::new(), 0), [Finding::Lost(A)]);
        assert_eq!(found(Posted { taps: 2, ..GOOD }), [Finding::Doubled(A)]);
        assert_eq!(found(Posted { transfers: 2, fen: 10, ..GOOD }), [Finding::Doubled(A)]);
        assert_eq!(found(Posted { fen: 6, ..GOOD }), [Finding::WrongMoney(A)]);
        assert_eq!(found(Posted { transfers: 0, fen: 0, ..GOOD }), [Finding::WrongMoney(A)]);
        assert_eq!(found(Posted { accepted: false, ..GOOD }), [Finding::Unfounded(A)]);
        assert_eq!(found(Posted { taps: 0, ..GOOD }), [Finding::Unfounded(A)]);
        assert_eq!(check(&told, &BTreeMap::from([(A, GOOD)]), -1), [Finding::NotZero(-1)]);
        let notes = |notes: &[&str]| notes.iter().map(ToString::to_string).collect();
        assert_eq!(retracted(&notes(&["1", "2"]), &notes(&["1", "3"])), [Finding::Retracted("2".to_owned())]);
    }
}
