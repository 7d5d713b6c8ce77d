//! What has changed between two versions of the list, be that one card or an hour's.
//!
//! It says what each card that changed has come to, not how: so it may be applied to every version that it spans.

use std::collections::BTreeMap;

use minicbor::{Decoder, Encoder};

use super::super::{EnvelopeError, cbor};
use super::token::{Claims, claim, subject_and_time};
use super::{CardStatus, ISSUED_AT, MAX_CARDS, SUBJECT, StatusList, VERSION};

/// Private claims, ours: the changes, and the version that they are changes of.
const CHANGES: i64 = -70_002;
const SINCE: i64 = -70_003;

/// Changes of a status list as they are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusDelta {
    /// URI of the list.
    pub subject: String,
    /// Seconds since 1970 UTC when it was made.
    pub issued_at_s: i64,
    /// The version that it leads to.
    pub version: u64,
    /// The oldest version that it may be applied to.
    pub since: u64,
    /// What has become of the cards that changed, by their index.
    pub changes: BTreeMap<u32, CardStatus>,
}

/// Why a delta says nothing about a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It is about another list.
    #[error("it is about another list")]
    Subject,
    /// Changes between the list and it are missing.
    #[error("changes before it are missing")]
    Gap,
    /// It leads no further than the list is.
    #[error("it leads no further")]
    Old,
}

impl StatusDelta {
    /// The most cards that one delta names.
    pub const MAX_CHANGES: usize = 1 << 16;

    /// Brings a list to this version.
    ///
    /// # Errors
    /// [`Misfit`]; the list is as it was then.
    pub fn apply(&self, list: &mut StatusList) -> Result<(), Misfit> {
        if self.subject != list.subject {
            return Err(Misfit::Subject);
        }
        if list.version < self.since {
            return Err(Misfit::Gap);
        }
        if self.version <= list.version {
            return Err(Misfit::Old);
        }
        for (index, status) in &self.changes {
            list.statuses.set(*index, *status);
        }
        (list.version, list.issued_at_s) = (self.version, self.issued_at_s);
        Ok(())
    }
}

impl Claims for StatusDelta {
    const TYPE: &str = "application/nrc-statusdelta+cwt";

    /// For each status the cards that have it: how far each is from the one before, the first from -1. Neighbours are near,
    /// so most take two bytes or three.
    fn encode(&self) -> Vec<u8> {
        let encode = || {
            let mut e = Encoder::new(Vec::with_capacity(self.changes.len() * 3 + 320));
            e.map(5)?.u8(SUBJECT)?.str(&self.subject)?.u8(ISSUED_AT)?.i64(self.issued_at_s)?;
            e.i64(VERSION)?.u64(self.version)?;
            e.i64(CHANGES)?.array(CardStatus::ALL.len() as u64)?;
            for status in CardStatus::ALL {
                let cards = || self.changes.iter().filter(|(_, found)| **found == status).map(|(index, _)| *index);
                e.array(cards().count() as u64)?;
                let mut next = 0;
                for index in cards() {
                    e.u32(index - next)?;
                    next = index + 1;
                }
            }
            e.i64(SINCE)?.u64(self.since)?;
            Ok::<_, minicbor::encode::Error<std::convert::Infallible>>(e.into_writer())
        };
        encode().expect("writing to memory does not fail")
    }

    fn decode(claims: &[u8]) -> Result<(Self, Vec<u8>), EnvelopeError> {
        let malformed = |what: &str| EnvelopeError::Malformed(what.to_owned());
        let mut d = Decoder::new(claims);
        cbor::map(&mut d, 5)?;
        let (subject, issued_at_s) = subject_and_time(&mut d)?;
        claim(&mut d, VERSION)?;
        let version = d.u64()?;
        claim(&mut d, CHANGES)?;
        if d.array()? != Some(CardStatus::ALL.len() as u64) {
            return Err(malformed("changes to another number of statuses"));
        }
        let mut changes = BTreeMap::new();
        for status in CardStatus::ALL {
            let count = cbor::array(&mut d, Self::MAX_CHANGES, "changes")?;
            let mut next = 0_u32;
            for _ in 0..count {
                let index = next.checked_add(d.u32()?).filter(|index| *index < MAX_CARDS);
                let index = index.ok_or(EnvelopeError::TooLong("status list"))?;
                if changes.insert(index, status).is_some() {
                    return Err(malformed("a card with two statuses"));
                }
                next = index + 1;
            }
        }
        claim(&mut d, SINCE)?;
        let since = d.u64()?;
        if since >= version {
            return Err(malformed("changes that lead back"));
        }
        if changes.len() > Self::MAX_CHANGES {
            return Err(EnvelopeError::TooLong("changes"));
        }
        let delta = Self { subject, issued_at_s, version, since, changes };
        let canonical = delta.encode();
        Ok((delta, canonical))
    }
}
