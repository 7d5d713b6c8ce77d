//! What a clinic is told at its terminal: whether somebody who has checked in is covered, and what a bill comes to. For the moment: a
//! terminal keeps nothing of it that says what somebody was treated for.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    coverage::{Benefit, Eligibility, ItemClass, ItemCode, Level, Line, Piece, Quantity, Shares},
    ids::{CardId, ClaimId, TapId},
    money::Fen,
    rate::Rate,
};

/// The most lines of one bill.
pub const MAX_LINES: usize = 200;
/// The longest diagnosis, in characters.
pub const MAX_DIAGNOSIS: usize = 500;

/// `POST /v1/visits`: what is covered of somebody who has checked in?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VisitRequest {
    /// The card.
    pub card_id: CardId,
    /// The tap with which its holder has checked in.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = r"^[0-9a-f]{64}$"))]
    pub tap_id: TapId,
}

/// What is covered at a visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VisitReply {
    /// As what it is insured.
    pub benefit: Benefit,
    /// The level of this clinic.
    pub level: Level,
    /// Whether the holder is covered today.
    pub standing: Eligibility,
    /// What the fund still pays this year; nothing where it pays nothing.
    pub covered: Option<Covered>,
    /// What is in the holder's own account of the medical insurance.
    pub account_fen: Fen,
}

/// What the fund still pays of what can be covered, at this clinic, without a referral.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Covered {
    /// What the holder pays before the fund pays anything.
    pub deductible_left_fen: Fen,
    /// What it pays of what comes after that, the next first.
    pub bands: Vec<BandLeft>,
    /// What it pays at most until the end of the year; anything where it does not say.
    pub fund_left_fen: Option<Fen>,
    /// Whether it pays more to whoever was sent here by another clinic.
    pub wants_referral: bool,
}

/// How much of what comes the fund pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BandLeft {
    /// A part of it.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = r"^[0-9]{1,3}(\.[0-9]{1,4})?%$"))]
    pub rate: Rate,
    /// For so much; for all that follows where it does not say.
    pub left_fen: Option<Fen>,
}

/// `POST /v1/claims`: a bill of a visit. Another one of the same visit takes its place until it is settled.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// The card.
    pub card_id: CardId,
    /// The tap with which its holder has checked in.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = r"^[0-9a-f]{64}$"))]
    pub tap_id: TapId,
    /// Whether another clinic has sent the holder here.
    pub referred: bool,
    /// What the holder was treated for, in the words of the clinic; at most [`MAX_DIAGNOSIS`] characters.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub diagnosis: String,
    /// What was given and done: 1 to [`MAX_LINES`].
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 200))]
    pub lines: Vec<Line>,
}

impl fmt::Debug for ClaimRequest {
    /// Nothing that says what somebody was treated for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimRequest({} lines)", self.lines.len())
    }
}

/// What a bill comes to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimReply {
    /// The bill, as a settlement names it.
    pub claim_id: ClaimId,
    /// Whether the holder is covered on the day of the visit.
    pub standing: Eligibility,
    /// Its lines, in the order of the clinic.
    pub lines: Vec<BilledLine>,
    /// Into which shares all of it falls.
    pub shares: Shares,
    /// What of the holder's share their own account of the medical insurance pays.
    pub account_fen: Fen,
    /// What is left to the holder, from the purse or in cash.
    pub rest_fen: Fen,
}

impl fmt::Debug for ClaimReply {
    /// Nothing that says what somebody was treated for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimReply({}, {} lines)", self.claim_id, self.lines.len())
    }
}

/// How a line of a bill comes to its shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BilledLine {
    /// What was given or done.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = r"^[A-Z0-9.-]{1,32}$"))]
    pub item: ItemCode,
    /// What it is called.
    pub name: String,
    /// In English.
    pub name_en: String,
    /// How the catalogue has it.
    pub class: ItemClass,
    /// How much of it.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = r"^[0-9]{1,7}(\.[0-9]{1,3})?$"))]
    pub quantity: Quantity,
    /// What one costs.
    pub price_fen: Fen,
    /// What all of it costs.
    pub amount_fen: Fen,
    /// What of it can be covered.
    pub eligible_fen: Fen,
    /// What of that lies above the deductible, band by band.
    pub pieces: Vec<Piece>,
    /// Into which shares the amount falls.
    pub shares: Shares,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_was_treated_for_is_in_no_debug_output() {
        let request = ClaimRequest {
            card_id: CardId::from_bytes([1; 16]),
            tap_id: TapId([2; 32]),
            referred: false,
            diagnosis: "made-up disease".to_owned(),
            lines: vec![Line { item: "MADE.UP".parse().unwrap(), quantity: Quantity::ONE, price_fen: Fen(1) }],
        };
        assert_eq!(format!("{request:?}"), "ClaimRequest(1 lines)");
    }
}
