//! The service's answer to a batch: what became of each tap.

use minicbor::{Decoder, Encoder, encode::Write};

use super::{EnvelopeError, Payload, Purpose, batch, cbor, tap::LogHead};
use crate::{
    clock::Micros,
    date::Date,
    ids::{BatchId, Shard, TapId},
    money::Fen,
    points::ProgrammeId,
};

/// The version of the payload that this program writes and reads.
const VERSION: u8 = 1;

/// What became of a tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Posted.
    Accepted = 0,
    /// The bytes are not a tap: malformed, oversized or not canonical.
    Malformed = 1,
    /// No such card.
    UnknownCard = 2,
    /// Not signed by the key that had to sign, or not for this purpose.
    BadSignature = 3,
    /// Signed with a key that asks for less than the operation needs, e.g. without PIN over the limit.
    PinRequired = 4,
    /// The card is suspended, blocked, lost or not yet active.
    CardNotActive = 5,
    /// The card has expired.
    CardExpired = 6,
    /// This terminal may not submit this operation.
    OperationNotAllowed = 7,
    /// The amount is zero, negative or over the limit.
    AmountOutOfRange = 8,
    /// The balance is short.
    InsufficientFunds = 9,
    /// The terminal's clock is too far off for the order of things to be believed.
    ClockImplausible = 10,
    /// Another tap with the same terminal, lane and counter is already there.
    CounterFork = 11,
    /// The tap names another terminal than the one that brings it.
    WrongTerminal = 12,
    /// Taken into quarantine, for a person to decide.
    Quarantined = 13,
    /// The card agreed to another text than the one that was sent to be shown to its holder.
    WrongText = 14,
    /// The holder of this card has made no such payment here: it is another organisation's, another holder's, none at
    /// all, or, for a void, another terminal's. Which of these, nobody is told.
    OriginalUnknown = 15,
    /// What is named is itself a refund or a void.
    RefundOfRefund = 16,
    /// More than is left of the payment; for a void, something has gone back already.
    RefundExceedsRest = 17,
    /// The time in which a payment may be refunded, or voided, is over.
    RefundTooLate = 18,
    /// The holder has not so many points.
    InsufficientPoints = 19,
    /// The shop takes part in no such programme, or points are worth something else there now.
    PointsTermsDiffer = 20,
    /// It was held, and whoever has looked at it does not let it be booked.
    Rejected = 21,
    /// With this the holder would have paid more on one day than is allowed.
    DayLimitReached = 22,
    /// So much takes a member of staff who approves it, right before.
    ApprovalRequired = 23,
    /// No validation is known that is good for this journey.
    NoValidJourney = 24,
    /// Nothing of this name is sold, not at this price, not for these days, or the holder has it already.
    NotOnSale = 25,
    /// No employer had to see to this month, as far as is known.
    NothingToDispute = 26,
    /// There is no such bill of this holder at this clinic that waits for it.
    ClaimUnknown = 27,
    /// The bill comes to something else by now, or was settled already: the clinic writes it once more.
    ClaimDiffers = 28,
    /// Bills that were settled after it rest on it: they are taken back first.
    LaterClaims = 29,
}

impl Outcome {
    /// Every outcome there is.
    pub const ALL: [Self; 30] = [
        Self::Accepted,
        Self::Malformed,
        Self::UnknownCard,
        Self::BadSignature,
        Self::PinRequired,
        Self::CardNotActive,
        Self::CardExpired,
        Self::OperationNotAllowed,
        Self::AmountOutOfRange,
        Self::InsufficientFunds,
        Self::ClockImplausible,
        Self::CounterFork,
        Self::WrongTerminal,
        Self::Quarantined,
        Self::WrongText,
        Self::OriginalUnknown,
        Self::RefundOfRefund,
        Self::RefundExceedsRest,
        Self::RefundTooLate,
        Self::InsufficientPoints,
        Self::PointsTermsDiffer,
        Self::Rejected,
        Self::DayLimitReached,
        Self::ApprovalRequired,
        Self::NoValidJourney,
        Self::NotOnSale,
        Self::NothingToDispute,
        Self::ClaimUnknown,
        Self::ClaimDiffers,
        Self::LaterClaims,
    ];

    /// The number in a signed receipt and in the database.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The outcome of a number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.number() == number)
    }
}

/// How the holder's points stand after a tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointsStanding {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// What the tap has added; below zero for what it has taken away.
    pub moved: i64,
    /// How many there are now; below zero where a refund took back points that were given away already. Not told to whoever
    /// brings a tap once more.
    pub balance: Option<i64>,
    /// The next that expire, told to whoever asks for the balance.
    pub ending: Option<Ending>,
}

/// Points that are good until a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How many, above zero.
    pub points: i64,
    /// The last day, in the time of China.
    pub until: Date,
}

impl PointsStanding {
    fn encode<W: Write>(standing: Option<&Self>, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        let Some(Self { programme, moved, balance, ending }) = standing else {
            e.null()?;
            return Ok(());
        };
        e.array(4)?.u32(programme.0)?.i64(*moved)?;
        match balance {
            None => e.null()?,
            Some(balance) => e.i64(*balance)?,
        };
        match ending {
            None => e.null()?,
            Some(ending) => e.array(2)?.i64(ending.points)?.i64(ending.until.days())?,
        };
        Ok(())
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Option<Self>, EnvelopeError> {
        cbor::optional(d, |d| {
            cbor::parts(d, 4, "standing of points")?;
            let (programme, moved) = (ProgrammeId(d.u32()?), d.i64()?);
            let balance = cbor::optional(d, |d| Ok(d.i64()?))?;
            let ending = cbor::optional(d, |d| {
                cbor::parts(d, 2, "ending of points")?;
                let (points, days) = (d.i64()?, d.i64()?);
                let until = Date::from_days(days).ok_or(EnvelopeError::UnknownValue("day"))?;
                Ok(Ending { points, until })
            })?;
            Ok(Self { programme, moved, balance, ending })
        })
    }
}

/// Where the log has a tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The shard in which its leaf lies.
    pub shard: Shard,
    /// The leaf's number there.
    pub leaf: u64,
}

impl Recorded {
    fn encode<W: Write>(recorded: Option<Self>, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        match recorded {
            None => e.null()?,
            Some(Self { shard, leaf }) => e.array(2)?.u8(shard.0)?.u64(leaf)?,
        };
        Ok(())
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Option<Self>, EnvelopeError> {
        cbor::optional(d, |d| {
            cbor::parts(d, 2, "place in the log")?;
            Ok(Self { shard: Shard(d.u8()?), leaf: d.u64()? })
        })
    }
}

/// What became of one tap of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapOutcome {
    /// The tap. For bytes that are no tap, SHA-256 of those bytes.
    pub tap: TapId,
    /// What became of it.
    pub outcome: Outcome,
    /// The balance of the holder's purse afterwards, where the operation concerns the purse.
    pub balance: Option<Fen>,
    /// Where the log has it; nothing where it was not taken in as a tap.
    pub recorded: Option<Recorded>,
    /// How the holder's points stand afterwards, where the operation concerns those of the shop's programme.
    pub points: Option<PointsStanding>,
}

/// The answer to one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The batch that is answered.
    pub batch: BatchId,
    /// The service's clock.
    pub at: Micros,
    /// One entry a tap, in the order of the batch.
    pub outcomes: Vec<TapOutcome>,
    /// The newest log head when the receipt was made.
    pub log_head: Option<LogHead>,
}

impl Payload for Receipt {
    const PURPOSE: Purpose = Purpose::Receipt;
    const MAX_BYTES: usize = batch::MAX_TAPS * 112 + 512;

    fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(5)?.u8(1)?.u8(VERSION)?;
        e.u8(2)?.bytes(&self.batch.0)?;
        e.u8(3)?.i64(self.at.0)?;
        e.u8(4)?.array(self.outcomes.len() as u64)?;
        for TapOutcome { tap, outcome, balance, recorded, points } in &self.outcomes {
            e.array(5)?.bytes(&tap.0)?.u16(outcome.number())?;
            match balance {
                Some(balance) => e.i64(balance.0)?,
                None => e.null()?,
            };
            Recorded::encode(*recorded, e)?;
            PointsStanding::encode(points.as_ref(), e)?;
        }
        e.u8(5)?;
        LogHead::encode(self.log_head.as_ref(), e)
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 5)?;
        cbor::version(d, VERSION)?;
        cbor::key(d, 2)?;
        let batch = BatchId(cbor::bytes(d)?);
        cbor::key(d, 3)?;
        let at = Micros(d.i64()?);
        cbor::key(d, 4)?;
        let count = cbor::array(d, batch::MAX_TAPS, "list of outcomes")?;
        let outcomes = (0..count)
            .map(|_| {
                cbor::parts(d, 5, "outcome")?;
                let tap = TapId(cbor::bytes(d)?);
                let outcome = Outcome::from_number(d.u16()?).ok_or(EnvelopeError::UnknownValue("outcome"))?;
                let balance = cbor::optional(d, |d| Ok(Fen(d.i64()?)))?;
                let recorded = Recorded::decode(d)?;
                Ok(TapOutcome { tap, outcome, balance, recorded, points: PointsStanding::decode(d)? })
            })
            .collect::<Result<_, EnvelopeError>>()?;
        cbor::key(d, 5)?;
        let log_head = LogHead::decode(d)?;
        Ok(Self { batch, at, outcomes, log_head })
    }
}
