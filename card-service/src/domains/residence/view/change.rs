//! The page on which a field of a record is corrected. Pure.

use askama::Template;
use card_schema::date::Date;
use card_schema::ids::HolderId;

use super::{inputs, is_wrong, label};
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::view::{Choice, minute};
use crate::domains::residence::Meanwhile;
use crate::domains::residence::model::{ChangeReason, Facts, Field, Wrong};

/// A field of a record is corrected or changed.
#[derive(Debug, Template)]
#[template(path = "residence/change.html")]
pub(in crate::domains::residence) struct ChangePage {
    frame: Frame,
    holder: String,
    field: &'static str,
    title: String,
    inputs: Vec<Input>,
    reasons: Vec<Choice>,
    /// The newest change that this page knows of.
    seen: i64,
    /// No reason was chosen.
    missing: bool,
    /// Somebody else has changed the same meanwhile.
    meanwhile: Option<String>,
}

/// Why a correction was not made.
#[derive(Clone, Copy, Debug)]
pub(in crate::domains::residence) enum Problem<'a> {
    /// Nobody said why it is changed.
    NoReason,
    /// What was typed cannot be.
    Wrong(&'a [Wrong]),
    /// Somebody else has changed the same meanwhile.
    Meanwhile(&'a Meanwhile),
}

/// A correction as it was typed.
#[derive(Clone, Copy, Debug)]
pub(in crate::domains::residence) struct ChangeForm<'a> {
    pub(in crate::domains::residence) typed: &'a Facts,
    pub(in crate::domains::residence) reason: Option<ChangeReason>,
    /// The newest change that whoever typed it knows of.
    pub(in crate::domains::residence) seen: i64,
    pub(in crate::domains::residence) problem: Option<Problem<'a>>,
}

impl ChangePage {
    pub(in crate::domains::residence) fn new(
        frame: Frame,
        holder: HolderId,
        field: Field,
        form: &ChangeForm<'_>,
        today: Date,
    ) -> Self {
        let locale = frame.locale();
        let wrong = match form.problem {
            Some(Problem::Wrong(wrong)) => wrong,
            _ => &[],
        };
        let meanwhile = match form.problem {
            Some(Problem::Meanwhile(newest)) => {
                let known = [("staff", newest.staff.as_str()), ("at", &minute(newest.at))];
                Some(locale.text_with("residence-change-meanwhile", &known))
            }
            _ => None,
        };
        let choice = |one: ChangeReason| Choice {
            chosen: Some(one) == form.reason,
            ..Choice::new(one.name(), locale.text(&format!("residence-change-{}", one.name())))
        };
        Self {
            holder: holder.to_string(),
            field: field.name(),
            title: locale.text_with("residence-change-title", &[("field", &label(locale, field))]),
            inputs: inputs(locale, field.changed_with(), form.typed, wrong, today),
            reasons: ChangeReason::ALL.map(choice).into(),
            seen: form.seen,
            missing: matches!(form.problem, Some(Problem::NoReason)),
            meanwhile,
            frame,
        }
    }

    fn is_wrong(&self) -> bool {
        self.missing || self.meanwhile.is_some() || is_wrong(&self.inputs)
    }
}
