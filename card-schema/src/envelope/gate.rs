//! What a gate has to know in order to decide without the service: at which site it stands, which cards pass there and when, and
//! which visitors' passes were withdrawn. Whoever finds it learns of no card that is not in their hands: cards are digests.

use minicbor::{Decoder, Encoder, encode::Write};
use ring::digest;

use super::{EnvelopeError, Payload, Purpose, cbor, pass::Pass};
use crate::{
    clock::Micros,
    date::Date,
    gate::{Hours, Weekdays, Window},
    ids::{CardId, PaperNumber, SiteId, TerminalId},
};

/// The version of the payload that this program writes and reads.
const VERSION: u8 = 1;

/// Where a terminal gets it.
pub const PATH: &str = "/v1/gate";

/// Rights and withdrawn passes that are read at most.
const MOST: [usize; 2] = [300_000, 100_000];

/// What one gate knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatePack {
    /// When it was signed.
    pub at: Micros,
    /// For which terminal.
    pub terminal: TerminalId,
    /// What tells it from another that says something else.
    pub tag: u64,
    /// Where the terminal stands; where that is nowhere, nobody passes.
    pub site: Option<SiteId>,
    /// With which cards are digested.
    pub salt: [u8; 16],
    /// Which cards pass and when, in the order of the digests.
    pub rights: Vec<CardRight>,
    /// Visitors' passes that are good no more before their time, in order.
    pub withdrawn: Vec<PaperNumber>,
}

/// A card may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardRight {
    /// Which.
    pub card: CardDigest,
    /// When.
    pub window: Window,
}

/// The first half of SHA-256 over a salt and a card's id, which nobody guesses: 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CardDigest(pub [u8; 16]);

impl CardDigest {
    /// Of a card.
    pub fn of(salt: &[u8; 16], card: &CardId) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(salt);
        context.update(card.as_bytes());
        Self(context.finish().as_ref()[..16].try_into().expect("SHA-256 has 32 bytes"))
    }
}

impl GatePack {
    /// Whether a card may pass at a moment.
    pub fn admits(&self, card: &CardId, at: Micros) -> bool {
        let digest = CardDigest::of(&self.salt, card);
        let first = self.rights.partition_point(|right| right.card < digest);
        let of_card = self.rights[first..].iter().take_while(|right| right.card == digest);
        self.site.is_some() && of_card.into_iter().any(|right| right.window.contains(at))
    }

    /// Whether whoever has a visitor's pass may pass at a moment.
    ///
    /// # Errors
    /// Why not.
    pub fn admits_bearer(&self, pass: &Pass, at: Micros) -> Result<(), PassRefused> {
        if self.site != Some(pass.site) {
            Err(PassRefused::OtherSite)
        } else if self.withdrawn.binary_search(&pass.number).is_ok() {
            Err(PassRefused::Withdrawn)
        } else if at < pass.from {
            Err(PassRefused::NotYet)
        } else if at >= pass.until {
            Err(PassRefused::Over)
        } else {
            Ok(())
        }
    }
}

/// Why a visitor's pass opens no gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassRefused {
    /// It is good elsewhere.
    #[error("the pass is for another site")]
    OtherSite,
    /// Somebody has withdrawn it.
    #[error("the pass was withdrawn")]
    Withdrawn,
    /// It begins later.
    #[error("the pass is not good yet")]
    NotYet,
    /// It has ended.
    #[error("the pass is over")]
    Over,
}

impl Payload for GatePack {
    const PURPOSE: Purpose = Purpose::Gate;
    const MAX_BYTES: usize = 16 << 20;

    fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(8)?.u8(1)?.u8(VERSION)?;
        e.u8(2)?.i64(self.at.0)?;
        e.u8(3)?.bytes(self.terminal.as_bytes())?;
        e.u8(4)?.u64(self.tag)?;
        match &self.site {
            Some(site) => e.u8(5)?.bytes(site.as_bytes())?,
            None => e.u8(5)?.null()?,
        };
        e.u8(6)?.bytes(&self.salt)?;
        e.u8(7)?.array(self.rights.len() as u64)?;
        for CardRight { card, window: Window { first, last, days, hours } } in &self.rights {
            e.array(6)?.bytes(&card.0)?.i64(first.days())?.i64(last.days())?;
            e.u8(days.bits())?.u16(hours.from())?.u16(hours.until())?;
        }
        e.u8(8)?.array(self.withdrawn.len() as u64)?;
        for number in &self.withdrawn {
            e.bytes(&number.0)?;
        }
        Ok(())
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 8)?;
        cbor::version(d, VERSION)?;
        cbor::key(d, 2)?;
        let at = Micros(d.i64()?);
        cbor::key(d, 3)?;
        let terminal = TerminalId::from_bytes(cbor::bytes(d)?);
        cbor::key(d, 4)?;
        let tag = d.u64()?;
        cbor::key(d, 5)?;
        let site = cbor::optional(d, |d| Ok(SiteId::from_bytes(cbor::bytes(d)?)))?;
        cbor::key(d, 6)?;
        let salt = cbor::bytes(d)?;
        cbor::key(d, 7)?;
        let rights = cbor::list(d, MOST[0], "rights", right)?;
        cbor::key(d, 8)?;
        let withdrawn = cbor::list(d, MOST[1], "passes", |d| Ok(PaperNumber(cbor::bytes(d)?)))?;
        let pack = Self { at, terminal, tag, site, salt, rights, withdrawn };
        let in_order = pack.rights.is_sorted_by_key(|right| right.card) && pack.withdrawn.is_sorted();
        if in_order { Ok(pack) } else { Err(EnvelopeError::Malformed("a gate's pack that is not in order".to_owned())) }
    }
}

fn right(d: &mut Decoder<'_>) -> Result<CardRight, EnvelopeError> {
    cbor::parts(d, 6, "right")?;
    let card = CardDigest(cbor::bytes(d)?);
    let [first, last] = [d.i64()?, d.i64()?].map(Date::from_days);
    let (days, hours) = (Weekdays::from_bits(d.u8()?), Hours::new(d.u16()?, d.u16()?));
    let window = (|| Some(Window { first: first?, last: last?, days: days?, hours: hours? }))();
    let window = window.ok_or_else(|| EnvelopeError::Malformed("no days or hours".to_owned()))?;
    Ok(CardRight { card, window })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Shard;

    fn card(number: u32) -> CardId {
        CardId::new(number, Shard(0), [1; 16])
    }

    fn window(from: u16, until: u16) -> Window {
        let day = |text: &str| text.parse().unwrap();
        let hours = Hours::new(from, until).unwrap();
        Window { first: day("2026-11-02"), last: day("2026-11-03"), days: Weekdays::ALL, hours }
    }

    fn pack(site: Option<SiteId>, of: &[(u32, Window)]) -> GatePack {
        let salt = [7; 16];
        let right = |(number, window): &(u32, Window)| CardRight {
            card: CardDigest::of(&salt, &card(*number)),
            window: *window,
        };
        let mut rights: Vec<_> = of.iter().map(right).collect();
        rights.sort_by_key(|right| right.card);
        let (at, terminal) = (Micros(0), TerminalId::from_bytes([2; 16]));
        GatePack { at, terminal, tag: 1, site, salt, rights, withdrawn: vec![PaperNumber([3; 10])] }
    }

    const HERE: SiteId = SiteId::from_bytes([4; 16]);

    #[test]
    fn a_card_passes_while_one_of_its_rights_is_in_force_and_nobody_where_the_terminal_stands_nowhere() {
        let all = Window { hours: Hours::ALL, ..window(0, 60) };
        // 2026-11-02T08:30+08:00.
        let at = Micros::from_seconds(1_793_579_400);
        let of = [(1, window(480, 540)), (1, window(1_000, 1_100)), (2, window(1_000, 1_100)), (3, all), (4, all)];
        let known = pack(Some(HERE), &of);
        let admitted = |pack: &GatePack| [1, 2, 3, 4, 5].map(|number| pack.admits(&card(number), at));
        assert_eq!(admitted(&known), [true, false, true, true, false]);
        assert_eq!(admitted(&pack(None, &of)), [false; 5]);
        assert_eq!(admitted(&pack(Some(HERE), &[])), [false; 5]);
        let later = [1, 2, 3, 4, 5].map(|number| known.admits(&card(number), at.plus_seconds(3 * 86_400)));
        assert_eq!(later, [false; 5]);
    }

    #[test]
    fn a_card_has_another_digest_with_another_salt() {
        assert_ne!(CardDigest::of(&[7; 16], &card(1)), CardDigest::of(&[8; 16], &card(1)));
    }

    #[test]
    fn a_visitors_pass_is_good_at_its_site_in_its_time_until_somebody_withdraws_it() {
        let pass = |number, site| Pass { number: PaperNumber([number; 10]), site, from: Micros(10), until: Micros(20) };
        let (known, other) = (pack(Some(HERE), &[]), SiteId::from_bytes([5; 16]));
        for (pass, at, expected) in [
            (pass(1, HERE), 10, Ok(())),
            (pass(1, HERE), 19, Ok(())),
            (pass(1, HERE), 9, Err(PassRefused::NotYet)),
            (pass(1, HERE), 20, Err(PassRefused::Over)),
            (pass(3, HERE), 15, Err(PassRefused::Withdrawn)),
            (pass(1, other), 15, Err(PassRefused::OtherSite)),
        ] {
            assert_eq!(known.admits_bearer(&pass, Micros(at)), expected, "{pass:?} at {at}");
        }
        assert_eq!(pack(None, &[]).admits_bearer(&pass(1, HERE), Micros(15)), Err(PassRefused::OtherSite));
    }
}
