//! What the pages of sites show, and words that pages of gates share. Pure.

use card_schema::clock::Micros;
use card_schema::gate::{Hours, Weekdays, Window};
use card_schema::ids::{SiteId, TerminalId};

use super::model::{Hour, Reason, Site, SiteKind};
use super::rules::LEAST;
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::register::{Act, Line, Link, ListPage, ThingPage, Typed, Wrong, message, refused, typed};
use crate::console::view::{Choice, Tag, minute};
use crate::i18n::Locale;

/// The list of sites.
pub(super) const LIST: &str = "/gates";

/// What kind of place it is, in words.
pub fn kind_text(locale: Locale, kind: SiteKind) -> String {
    locale.text(&format!("gate-kind-{}", kind.name()))
}

/// Why somebody may pass, in words.
pub fn reason_text(locale: Locale, reason: Reason) -> String {
    locale.text(&format!("gate-reason-{}", reason.name()))
}

/// Days of the week in words.
pub fn days_text(locale: Locale, days: Weekdays) -> String {
    if days == Weekdays::ALL {
        return locale.text("gate-days-all");
    }
    let named: Vec<_> =
        (0..7).filter(|day| days.has(*day)).map(|day| locale.text(&format!("gate-day-{}", day + 1))).collect();
    named.join(&locale.text("console-list-comma"))
}

/// Hours of a day in words.
pub fn hours_text(locale: Locale, hours: Hours) -> String {
    if hours == Hours::ALL {
        locale.text("gate-hours-all")
    } else if hours.cross_midnight() {
        locale.text_with("gate-hours-night", &[("hours", &hours.to_string())])
    } else {
        hours.to_string()
    }
}

/// When somebody may pass, in words.
pub fn window_text(locale: Locale, window: &Window) -> String {
    let days =
        locale.text_with("gate-from-to", &[("first", &window.first.to_string()), ("last", &window.last.to_string())]);
    [days, days_text(locale, window.days), hours_text(locale, window.hours)].join(" · ")
}

/// Whether anybody may pass at a site.
pub(super) fn state(locale: Locale, closed: bool) -> Tag {
    let (key, tone) = if closed { ("gate-closed", Tone::Idle) } else { ("gate-open", Tone::Ok) };
    Tag { text: locale.text(key), tone }
}

/// A site with whoever runs it and how many gates stand there.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) site: Site,
    pub(super) organisation: String,
    pub(super) gates: usize,
}

/// The sites.
pub(super) fn list(frame: Frame, sites: &[Listed]) -> ListPage {
    let locale = frame.locale();
    let line = |listed: &Listed| Line {
        to: address(listed.site.id),
        name: listed.site.name.clone(),
        cells: vec![kind_text(locale, listed.site.kind), listed.organisation.clone(), listed.gates.to_string()],
        state: state(locale, listed.site.closed),
    };
    ListPage {
        title: locale.text("gate-title"),
        lead: locale.text("gate-lead"),
        add: Some(Link { to: format!("{LIST}/new"), text: locale.text("gate-add") }),
        columns: ["gate-name", "gate-kind", "gate-organisation", "gate-gates", "people-state"]
            .map(|key| locale.text(key))
            .into(),
        lines: sites.iter().map(line).collect(),
        none: locale.text("gate-none"),
        frame,
    }
}

pub(super) fn address(site: SiteId) -> String {
    format!("{LIST}/{site}")
}

/// What the form about a new site asks for.
pub(super) fn inputs(locale: Locale, form: &Typed, wrong: Wrong) -> Vec<Input> {
    let text = |name: &'static str| {
        Input::text(name, locale.text(&format!("gate-{name}")), typed(form, name))
            .hint(locale.text(&format!("gate-{name}-hint")))
            .wrong(message(locale, wrong, name))
    };
    let kinds = SiteKind::ALL.map(|kind| Choice::new(kind.name(), kind_text(locale, kind)));
    let kind = Input::choice("kind", locale.text("gate-kind"), kinds.into(), typed(form, "kind"));
    vec![text("name"), kind.wrong(message(locale, wrong, "kind")), text("organisation")]
}

/// A terminal that may stand at a site.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    pub(super) terminal: TerminalId,
    pub(super) name: String,
    /// Where it stands now: the site's name.
    pub(super) at: Option<String>,
    /// Whether that is this one.
    pub(super) here: bool,
}

/// A site with all that its page says.
pub(super) struct Scene {
    pub(super) site: Site,
    pub(super) organisation: String,
    /// The terminals of whoever runs it.
    pub(super) gates: Vec<Gate>,
    pub(super) hours: Vec<Hour>,
}

fn acts(locale: Locale, scene: &Scene, form: &Typed, wrong: Wrong) -> Vec<Act> {
    if scene.site.closed {
        return Vec::new();
    }
    let act = |name: &'static str, choices: Vec<Choice>, primary| {
        let key = |what: &str| locale.text(&format!("gate-act-{name}{what}"));
        let choice = Input::choice(name, locale.text("gate-terminal"), choices, typed(form, name));
        Act {
            name,
            title: key(""),
            hint: Some(key("-hint")),
            inputs: if name == "close" { Vec::new() } else { vec![choice.wrong(message(locale, wrong, name))] },
            button: key("-button"),
            primary,
        }
    };
    let choice = |gate: &Gate| Choice {
        hint: gate
            .at
            .as_ref()
            .filter(|_| !gate.here)
            .map_or_else(String::new, |at| locale.text_with("gate-stands-at", &[("site", at)])),
        ..Choice::new(gate.terminal.to_string(), gate.name.clone())
    };
    let (here, elsewhere): (Vec<_>, Vec<_>) = scene.gates.iter().partition(|gate| gate.here);
    let mut acts = Vec::new();
    if !elsewhere.is_empty() {
        acts.push(act("put", elsewhere.into_iter().map(choice).collect(), true));
    }
    if !here.is_empty() {
        acts.push(act("take", here.into_iter().map(choice).collect(), false));
    }
    acts.push(act("close", Vec::new(), false));
    acts
}

/// The page of a site.
pub(super) fn thing(frame: Frame, scene: &Scene, form: &Typed, wrong: Wrong) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let acts = acts(locale, scene, form, wrong);
    let mut facts = vec![
        (t("gate-kind"), kind_text(locale, scene.site.kind)),
        (t("gate-organisation"), scene.organisation.clone()),
    ];
    let gates: Vec<_> = scene.gates.iter().filter(|gate| gate.here).map(|gate| gate.name.as_str()).collect();
    let gates = if gates.is_empty() { t("gate-gates-none") } else { gates.join(&t("console-list-comma")) };
    facts.push((t("gate-gates"), gates));
    let many: Vec<_> = scene.hours.iter().filter(|hour| hour.passed >= LEAST).collect();
    let counted = if many.is_empty() { "gate-counts-none" } else { "gate-counts-are" };
    facts.push((t("gate-counts"), locale.text_with(counted, &[("least", &LEAST.to_string())])));
    facts.extend(many.into_iter().rev().map(|hour| {
        let at = minute(Micros::from_seconds(hour.hour * 3_600));
        (at, locale.text_with("gate-count-is", &[("passed", &hour.passed.to_string())]))
    }));
    ThingPage {
        back: Link { to: LIST.to_owned(), text: t("gate-title") },
        action: address(scene.site.id),
        title: scene.site.name.clone(),
        state: state(locale, scene.site.closed),
        facts,
        links: Vec::new(),
        refused: refused(locale, wrong, &acts),
        along: Vec::new(),
        acts,
        frame,
    }
}
