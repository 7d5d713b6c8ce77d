//! Records of a few dozen bytes, sorted on disk: what lets the verifier compare more rows than memory holds.
//!
//! Runs go to the system's folder for temporary files (`TMPDIR`). Not here: what the records mean.

use spillsort::{Config, Merged, Sorter};

use super::VerifyError;

/// Memory of one sorter; a verification holds four at most.
const SORTER_BYTES: usize = 32 << 20;

/// A number as bytes that sort like it.
pub(super) fn ordered(number: i64) -> [u8; 8] {
    (number ^ i64::MIN).to_be_bytes()
}

/// Takes records of `N` bytes in any order.
pub(super) struct Records<const N: usize>(Sorter);

impl<const N: usize> Records<N> {
    pub(super) fn new() -> Result<Self, VerifyError> {
        Ok(Self(Sorter::new(Config::default().max_bytes(SORTER_BYTES).threads(1))?))
    }

    /// Adds a record, whose parts must fill it exactly.
    pub(super) fn push(&mut self, parts: &[&[u8]]) -> Result<(), VerifyError> {
        let (mut record, mut at) = ([0; N], 0);
        for part in parts {
            record[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        assert_eq!(at, N, "a record's parts fill it");
        Ok(self.0.push(&record, &[])?)
    }

    /// The records in the order of their bytes.
    pub(super) fn sorted(self) -> Result<Sorted<N>, VerifyError> {
        let mut sorted = Sorted { merged: self.0.finish()?, ahead: None };
        sorted.advance()?;
        Ok(sorted)
    }
}

/// Gives records in order.
pub(super) struct Sorted<const N: usize> {
    merged: Merged,
    ahead: Option<[u8; N]>,
}

impl<const N: usize> Sorted<N> {
    /// The record that [`Sorted::take`] will give.
    pub(super) fn peek(&self) -> Option<Fields<N>> {
        self.ahead.map(|bytes| Fields { bytes, at: 0 })
    }

    /// The next record.
    pub(super) fn take(&mut self) -> Result<Option<Fields<N>>, VerifyError> {
        let taken = self.peek();
        self.advance()?;
        Ok(taken)
    }

    /// How many are left.
    pub(super) fn remaining(&self) -> u64 {
        self.merged.len() + u64::from(self.ahead.is_some())
    }

    fn advance(&mut self) -> Result<(), VerifyError> {
        let record = self.merged.next_record()?;
        self.ahead = record.map(|(record, _)| record.try_into().expect("a record is as long as it was pushed"));
        Ok(())
    }
}

/// Takes a record apart, in the order in which it was put together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<const N: usize> {
    bytes: [u8; N],
    at: usize,
}

impl<const N: usize> Fields<N> {
    pub(super) fn bytes<const M: usize>(&mut self) -> [u8; M] {
        let taken = self.bytes[self.at..self.at + M].try_into().expect("a slice of this length");
        self.at += M;
        taken
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.bytes::<1>()[0]
    }

    /// What [`ordered`] has written.
    pub(super) fn number(&mut self) -> i64 {
        i64::from_be_bytes(self.bytes()) ^ i64::MIN
    }

    /// A line or a place.
    pub(super) fn count(&mut self) -> u64 {
        u64::from_be_bytes(self.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_records_than_a_sorter_holds_come_out_in_order_and_whole() {
        let mut records = Records::<96>::new().unwrap();
        let count = i64::try_from(SORTER_BYTES / 96).unwrap();
        for number in (-count..count).rev() {
            records.push(&[&ordered(number), &[7; 88]]).unwrap();
        }
        let mut sorted = records.sorted().unwrap();
        for number in -count..count {
            let mut record = sorted.take().unwrap().unwrap();
            assert_eq!((record.number(), record.bytes()), (number, [7; 88]));
        }
        assert_eq!(sorted.remaining(), 0);
    }
}
