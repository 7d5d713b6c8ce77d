//! Clinics: the holder checks in, approves who pays what of a bill, and has a bill taken back. What was wrong with the holder and what was
//! done about it is in none of them.

use minicbor::{Decoder, Encoder, encode::Write};

use crate::{
    coverage::Benefit,
    envelope::{EnvelopeError, cbor},
    ids::ClaimId,
    money::Fen,
};

/// The holder is at the clinic and shows it with the PIN: the clinic may ask what is covered, and write a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckIn {
    /// As what the visit is insured.
    pub benefit: Benefit,
}

impl CheckIn {
    pub(crate) fn encode<W: Write>(self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(1)?.u8(1)?.u8(self.benefit.number())?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 1)?;
        cbor::key(d, 1)?;
        let benefit = Benefit::from_number(d.u8()?).ok_or(EnvelopeError::UnknownValue("benefit"))?;
        Ok(Self { benefit })
    }
}

/// Who pays what of a bill. None is below zero; the service refuses anything but what it has reckoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The bill.
    pub claim: ClaimId,
    /// What the fund pays.
    pub fund: Fen,
    /// What the holder's own account of the medical insurance pays.
    pub account: Fen,
    /// What the holder pays from the purse.
    pub purse: Fen,
    /// What the holder pays in cash, or otherwise beside the card.
    pub cash: Fen,
}

impl Settlement {
    /// What they come to; nothing when that leaves the range of 64 bits.
    pub fn total(&self) -> Option<Fen> {
        [self.account, self.purse, self.cash].into_iter().try_fold(self.fund, Fen::checked_add)
    }

    pub(crate) fn encode<W: Write>(self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(5)?.u8(1)?.bytes(self.claim.as_bytes())?;
        for (key, amount) in (2..).zip([self.fund, self.account, self.purse, self.cash]) {
            e.u8(key)?.i64(amount.0)?;
        }
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 5)?;
        cbor::key(d, 1)?;
        let claim = ClaimId::from_bytes(cbor::bytes(d)?);
        let mut amount = |key| {
            cbor::key(d, key)?;
            Ok::<_, EnvelopeError>(Fen(d.i64()?))
        };
        Ok(Self { claim, fund: amount(2)?, account: amount(3)?, purse: amount(4)?, cash: amount(5)? })
    }
}

/// A bill that was settled is taken back whole, at the clinic that wrote it: everybody gets back what they paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reversal {
    /// The bill.
    pub claim: ClaimId,
}

impl Reversal {
    pub(crate) fn encode<W: Write>(self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(1)?.u8(1)?.bytes(self.claim.as_bytes())?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 1)?;
        cbor::key(d, 1)?;
        Ok(Self { claim: ClaimId::from_bytes(cbor::bytes(d)?) })
    }
}
