//! The journeys of one person in words, and the forms to put them right.

use std::collections::{BTreeSet, HashMap};

use card_schema::date::Date;
use card_schema::ids::{HolderId, OrganisationId};
use card_schema::operation::transit::Side;
use card_schema::wire::journeys::{FareLine, LegEnd, RiddenLeg};

use super::PART;
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::part::back;
use crate::console::register::{Act, ThingPage, Typed, Wrong, message, refused, typed};
use crate::console::view::{Choice, Tag, minute, reason};
use crate::domains::transit::Fares;
use crate::domains::transit::correction::{Correction, Deed, Operator};
use crate::domains::transit::history::{self, Told};
use crate::domains::transit::model::Showing;
use crate::hex;
use crate::i18n::Locale;
use crate::people::Purpose;

/// What is shown of a person.
pub(in crate::console) struct Seen {
    /// Legs, newest first.
    pub(in crate::console) told: Vec<Told>,
    /// What they are made of.
    pub(in crate::console) showings: Vec<Showing>,
    /// What was corrected.
    pub(in crate::console) corrections: Vec<Correction>,
    /// Who takes fares.
    pub(in crate::console) operators: Vec<Operator>,
    /// What organisations are called.
    pub(in crate::console) names: HashMap<OrganisationId, String>,
}

fn place(end: &LegEnd) -> String {
    format!("{} · {}", end.route, end.stop)
}

fn line(locale: Locale, line: &FareLine) -> String {
    let mut said = vec![locale.text(&format!("journeys-line-{}", line.reason)), line.what.clone()];
    let percent = line.percent.map(|percent| percent.to_string());
    said.extend(percent.map(|percent| locale.text_with("journeys-percent", &[("percent", &percent)])));
    said.push(line.amount_fen.to_string());
    said.retain(|part| !part.is_empty());
    said.join(" ")
}

/// When a leg was, and where, what it cost and why.
fn leg(locale: Locale, leg: &RiddenLeg) -> (String, String) {
    let not_shown = || locale.text("journeys-not-shown");
    let at = leg.began.as_ref().or(leg.ended.as_ref()).map(|end| minute(end.at)).unwrap_or_default();
    let is_missing = leg.lines.iter().any(|line| line.reason == "maximum");
    let places = match (&leg.began, &leg.ended) {
        (Some(began), None) if !is_missing => place(began),
        (began, ended) => {
            let said = |end: &Option<LegEnd>| end.as_ref().map_or_else(not_shown, place);
            format!("{} → {}", said(began), said(ended))
        }
    };
    if leg.is_open {
        return (at, locale.text_with("journeys-leg-open", &[("places", &places)]));
    }
    let lines: Vec<String> = leg.lines.iter().map(|part| line(locale, part)).collect();
    let (yuan, lines) = (leg.charged_fen.to_string(), lines.join(&locale.text("console-list-comma")));
    (at, locale.text_with("journeys-leg", &[("places", &places), ("yuan", &yuan), ("why", &lines)]))
}

/// Where and when a card was shown, and at which end.
fn shown(locale: Locale, fares: &Fares, showing: &Showing) -> String {
    let end = history::end(fares.at(showing.at).map(|version| &*version.tariff), showing);
    let side = match showing.side {
        Side::On => "journeys-side-on",
        Side::Off => "journeys-side-off",
    };
    format!("{} · {} · {}", minute(showing.at), place(&end), locale.text(side))
}

fn because(deed: &Correction) -> String {
    format!("journeys-because-{}", deed.reason.name().replace('_', "-"))
}

fn corrected(locale: Locale, fares: &Fares, one: &Correction) -> (String, String) {
    let key = match one.deed {
        Deed::Added => "journeys-added",
        Deed::Struck => "journeys-struck",
    };
    let values = [
        ("shown", shown(locale, fares, &one.showing)),
        ("because", locale.text(&because(one))),
        ("staff", one.staff.clone()),
        ("at", minute(one.at)),
    ];
    (
        locale.text(key),
        locale.text_with("journeys-corrected", &values.each_ref().map(|(name, value)| (*name, &**value))),
    )
}

fn reasons(locale: Locale, deed: Deed, field: &'static str, (form, wrong): (&Typed, Wrong)) -> Input {
    let reasons = deed.reasons().iter().map(|reason| {
        Choice::new(reason.name(), locale.text(&format!("journeys-because-{}", reason.name().replace('_', "-"))))
    });
    let input = Input::choice(field, locale.text("journeys-because"), reasons.collect(), typed(form, field));
    input.wrong(message(locale, wrong, field))
}

/// The form that adds a showing.
fn add(locale: Locale, seen: &Seen, today: Date, (form, wrong): (&Typed, Wrong)) -> Act {
    let t = |key: &str| locale.text(key);
    let text = |name: &'static str, value: &str, max: u16| {
        let input = Input { max, ..Input::text(name, t(&format!("journeys-{name}")), value) };
        input.hint(t(&format!("journeys-{name}-hint"))).wrong(message(locale, wrong, name))
    };
    let sides = ["on", "off"].map(|side| Choice::new(side, t(&format!("journeys-side-{side}"))));
    let side = Input::choice("side", t("journeys-side"), sides.into(), typed(form, "side"));
    let today = today.to_string();
    let mut inputs = vec![
        text("route", typed(form, "route"), 64),
        text("stop", typed(form, "stop"), 64),
        side.wrong(message(locale, wrong, "side")),
        text("day", form.get("day").map_or(&*today, String::as_str), 10),
        text("time", typed(form, "time"), 5),
    ];
    let operators: BTreeSet<OrganisationId> = seen.operators.iter().map(|(operator, _)| *operator).collect();
    // Where there is one, nobody has to say which.
    if operators.len() > 1 {
        let name = |operator: &OrganisationId| seen.names.get(operator).cloned().unwrap_or_default();
        let operators = operators.iter().map(|operator| Choice::new(operator.to_string(), name(operator)));
        let which = Input::choice("operator", t("journeys-operator"), operators.collect(), typed(form, "operator"));
        inputs.push(which.wrong(message(locale, wrong, "operator")));
    }
    inputs.push(reasons(locale, Deed::Added, "missed", (form, wrong)));
    act(locale, "add", inputs, true)
}

/// The form that strikes one of the showings that are there.
fn strike(locale: Locale, fares: &Fares, seen: &Seen, (form, wrong): (&Typed, Wrong)) -> Act {
    let mut showings: Vec<&Showing> = seen.showings.iter().collect();
    showings.sort_by_key(|showing| std::cmp::Reverse(showing.at));
    let choices = showings.iter().map(|one| Choice::new(hex::encode(&one.tap.0), shown(locale, fares, one)));
    let which = Input::choice("strikes", locale.text("journeys-strikes"), choices.collect(), typed(form, "strikes"));
    let which = which.wrong(message(locale, wrong, "strikes"));
    act(locale, "strike", vec![which, reasons(locale, Deed::Struck, "mistaken", (form, wrong))], false)
}

fn act(locale: Locale, name: &'static str, inputs: Vec<Input>, primary: bool) -> Act {
    let t = |key: String| locale.text(&key);
    Act {
        name,
        title: t(format!("journeys-act-{name}")),
        hint: Some(t(format!("journeys-act-{name}-hint"))),
        inputs,
        button: t(format!("journeys-act-{name}-button")),
        primary,
    }
}

/// The page.
pub(in crate::console) fn thing(
    frame: Frame,
    holder: HolderId,
    purpose: Purpose,
    (fares, seen): (&Fares, &Seen),
    today: Date,
    typed_in: (&Typed, Wrong),
) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let mut acts = Vec::new();
    if !fares.versions().is_empty() {
        acts.push(add(locale, seen, today, typed_in));
    }
    if !seen.showings.is_empty() {
        acts.push(strike(locale, fares, seen, typed_in));
    }
    let (key, tone) = if seen.told.is_empty() { ("journeys-none", Tone::Idle) } else { ("journeys-some", Tone::Ok) };
    let mut facts: Vec<_> = seen.told.iter().map(|told| leg(locale, &told.leg)).collect();
    facts.extend(seen.corrections.iter().map(|one| corrected(locale, fares, one)));
    facts.push((t("fares-held-why"), reason(locale, purpose)));
    ThingPage {
        back: back(locale, &holder.to_string()),
        action: PART.address(holder),
        title: t("journeys-title"),
        state: Tag { text: t(key), tone },
        facts,
        links: Vec::new(),
        refused: refused(locale, typed_in.1, &acts),
        along: vec![("reason", purpose.name().to_owned())],
        acts,
        frame,
    }
}
