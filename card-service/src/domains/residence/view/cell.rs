//! The page on which somebody says in which grid cell a house lies. Pure.

use askama::Template;

use crate::console::frame::Frame;
use crate::console::view::Choice;
use crate::domains::residence::house::{Choices, NOT_KNOWN};

/// See the module.
#[derive(Debug, Template)]
#[template(path = "residence/cell.html")]
pub(in crate::domains::residence) struct CellPage {
    pub(in crate::domains::residence) frame: Frame,
    /// Where the answer goes.
    pub(in crate::domains::residence) action: String,
    pub(in crate::domains::residence) back: String,
    /// The address of the house, as it was typed for this answer.
    pub(in crate::domains::residence) address: String,
    /// What was typed before and goes along: names and values.
    pub(in crate::domains::residence) along: Vec<(String, String)>,
    /// What can be chosen.
    pub(in crate::domains::residence) choices: Choices,
    /// Nothing was chosen, or nothing that there is.
    pub(in crate::domains::residence) missing: bool,
}

impl CellPage {
    fn not_known(&self) -> Choice {
        Choice::new(NOT_KNOWN, self.frame.t("cell-not-known"))
    }

    fn asks(&self) -> String {
        self.frame.t(if self.choices.cells { "cell-ask" } else { "cell-ask-larger" })
    }
}
