//! What the pages of the shop's own book show: every tap, one of them for the holder's hand, and what of it goes back. No I/O;
//! the words stand in the templates, in both languages.

use askama::Template;
use card_schema::{
    envelope::receipt::Outcome,
    money::Fen,
    operation::OperationCode,
    qr::Picture,
    wire::{ReceiptName, terminal::TerminalProfile},
};
use uuid::Uuid;

use super::{
    returns::Offer,
    seen::{Lying, Seen},
    view::{became, minute, operation},
};
use crate::{
    cli::{messages::Language, messages_outcome},
    outbox::Fate,
};

/// Every tap of this terminal.
#[derive(Template)]
#[template(path = "page/taps.html")]
pub(super) struct Taps<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) fates: Vec<Fate>,
    /// How many to pass over for the ones before, and for the ones after.
    pub(super) older: Option<u32>,
    pub(super) newer: Option<u32>,
}

impl Taps<'_> {
    fn operation(&self, tap: &Fate) -> &'static str {
        operation(self.language, tap.operation)
    }

    fn became(&self, tap: &Fate) -> (&'static str, &'static str) {
        became(self.language, tap.outcome)
    }

    /// Each with the minute in which it was made.
    fn lines(&self) -> impl Iterator<Item = (&Fate, String)> {
        self.fates.iter().map(|tap| (tap, minute(tap.at)))
    }
}

/// One of them, for the holder's hand.
#[derive(Template)]
#[template(path = "page/receipt.html")]
pub(super) struct Receipt<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) profile: &'a TerminalProfile,
    pub(super) tap: &'a Fate,
    /// How much of it this terminal has given back.
    pub(super) returned: Fen,
    /// What else may be given back.
    pub(super) offer: Offer,
    /// The number of the void that this page may start.
    pub(super) id: Uuid,
    /// Why that did not start.
    pub(super) wrong: Option<&'a str>,
    /// The square code that leads to what the service has of it.
    pub(super) code: Option<Picture>,
}

/// A merchant types how much of a payment goes back.
#[derive(Template)]
#[template(path = "page/refund.html")]
pub(super) struct Refund<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) tap: &'a Fate,
    pub(super) left: Fen,
    /// The number of the refund that this form starts.
    pub(super) id: Uuid,
    pub(super) typed: &'a str,
    pub(super) wrong: Option<&'a str>,
}

/// The square code of a receipt: nothing as long as the service has not answered.
pub(super) fn code(profile: &TerminalProfile, tap: &Fate) -> Option<Picture> {
    let receipt = ReceiptName { recorded: tap.recorded?, tap: tap.tap_id };
    Some(Picture::of(&receipt.page(&profile.public_url)))
}

impl Receipt<'_> {
    fn operation(&self) -> &'static str {
        operation(self.language, self.tap.operation)
    }

    fn became(&self) -> (&'static str, &'static str) {
        became(self.language, self.tap.outcome)
    }

    fn minute(&self) -> String {
        minute(self.tap.at)
    }

    /// The price, and what points took off it.
    fn discount(&self) -> Option<(Fen, Fen)> {
        let off = self.tap.discount?;
        Some((self.tap.amount?.checked_add(off)?, off))
    }

    fn amount_name(&self) -> &'static str {
        match self.tap.operation {
            OperationCode::PointsAward => self.language.choose("另付（元）", "Paid otherwise, yuan"),
            _ => self.language.choose("金额（元）", "Yuan"),
        }
    }

    /// What the tap has moved; what it promises while it waits.
    fn points(&self) -> Option<String> {
        let points = self.tap.points.filter(|points| *points != 0)?;
        let waits =
            if self.tap.outcome.is_none() { self.language.choose("（待确认）", " (to be confirmed)") } else { "" };
        Some(format!("{points:+}{waits}"))
    }

    /// Why it did not come about.
    fn why(&self) -> Option<String> {
        let outcome = self.tap.outcome.filter(|outcome| *outcome != Outcome::Accepted)?;
        Some(messages_outcome::outcome(outcome).text(self.language).to_owned())
    }
}
