//! What holders are told of their own journeys: what each leg cost, and why. Keys, names and amounts: whoever shows them has the words.

use serde::{Deserialize, Serialize};

use crate::{clock::Micros, money::Fen};

/// Where somebody has travelled, as far as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Journeys {
    /// Legs, newest first.
    pub legs: Vec<RiddenLeg>,
    /// How many older ones are kept besides.
    pub older: u32,
    /// What these have cost.
    pub older_fen: Fen,
    /// What staff have corrected of it, newest first.
    pub corrections: Vec<JourneyCorrection>,
    /// What was paid in months of which no legs are kept any more, newest first.
    pub folded: Vec<FoldedMonth>,
}

/// Travel on one route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RiddenLeg {
    /// Where it began; nothing where the card was not shown there.
    pub began: Option<LegEnd>,
    /// Where it ended; nothing where the card was not shown there.
    pub ended: Option<LegEnd>,
    /// Whether its end may still come.
    pub is_open: bool,
    /// What it has cost so far; below zero where a transfer gives something back.
    pub charged_fen: Fen,
    /// Why: what all lines add is what it cost.
    pub lines: Vec<FareLine>,
}

/// One end of a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LegEnd {
    /// The validator's clock, in microseconds since 1970.
    pub at: Micros,
    /// What riders called the route then, or its id where the fares had no such route.
    pub route: String,
    /// What riders called the stop then, or its id.
    pub stop: String,
}

/// One part of what a leg cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FareLine {
    /// What kind of part: `fare`, `transfer`, `cap`…
    pub reason: String,
    /// Which, by its name in the fares; empty where the reason says it all.
    pub what: String,
    /// What is paid of the leg, where that is said in percent.
    pub percent: Option<u8>,
    /// What it adds or takes.
    pub amount_fen: Fen,
}

/// A showing of the card that staff have added, or struck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JourneyCorrection {
    /// When it was done, in microseconds since 1970.
    pub at: Micros,
    /// Whether it was added; it was struck where not.
    pub was_added: bool,
    /// Where and when the card was shown.
    pub shown: LegEnd,
    /// Whether somebody got on there.
    pub is_on: bool,
    /// Why, by the reason's name in the API.
    pub reason: String,
    /// What the holder got back by it; below zero where more was charged.
    pub returned_fen: Fen,
}

/// What was paid to one operator on one network in a month, of the legs that are folded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FoldedMonth {
    /// Like 2026-11.
    pub month: String,
    /// Who runs the validators.
    pub organisation: Option<String>,
    /// The name of the network, as riders call it.
    pub network: String,
    /// How much; below zero where more went back.
    pub paid_fen: Fen,
}
