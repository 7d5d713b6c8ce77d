//! What the pages of visitors' passes show, and how their forms are read. Pure.

use askama::Template;
use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::{PaperNumber, SiteId};
use card_schema::qr::Picture;

use super::Wish;
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::register::{Act, FormPage, Line, Link, ListPage, ThingPage, Typed, Wrong, message, refused, typed};
use crate::console::view::{Choice, Tag, grouped, minute};
use crate::domains::gate::model::{Issued, Reason, Site, Standing};
use crate::domains::gate::rules::{minute as minute_of, moment};
use crate::domains::gate::view::{kind_text, reason_text, state as site_state};
use crate::i18n::Locale;

/// The sites for which passes are given out.
pub(super) const LIST: &str = "/passes";
/// The side of a square of the printed code, in millimetres.
const SQUARE_MM: f64 = 0.5;

pub(super) fn of_site(site: SiteId) -> String {
    format!("{LIST}/{site}")
}

pub(super) fn address(site: SiteId, number: PaperNumber) -> String {
    format!("{LIST}/{site}/{number}")
}

fn tag(locale: Locale, standing: Standing) -> Tag {
    let tone = match standing {
        Standing::Good => Tone::Ok,
        Standing::NotYet => Tone::Wait,
        Standing::Over => Tone::Idle,
        Standing::Withdrawn => Tone::No,
    };
    Tag { text: locale.text(&format!("gate-pass-{}", standing.name())), tone }
}

/// The sites for which passes are given out.
pub(in crate::domains::gate) fn sites(frame: Frame, sites: &[Site]) -> ListPage {
    let locale = frame.locale();
    let line = |site: &Site| Line {
        to: of_site(site.id),
        name: site.name.clone(),
        cells: vec![kind_text(locale, site.kind)],
        state: site_state(locale, site.closed),
    };
    ListPage {
        title: locale.text("gate-passes"),
        lead: locale.text("gate-passes-lead"),
        add: None,
        columns: ["gate-name", "gate-kind", "people-state"].map(|key| locale.text(key)).into(),
        lines: sites.iter().map(line).collect(),
        none: locale.text("gate-none"),
        frame,
    }
}

/// The passes of a site.
pub(in crate::domains::gate) fn passes(frame: Frame, site: &Site, found: &[(Issued, Standing)]) -> ListPage {
    let locale = frame.locale();
    let line = |(pass, standing): &(Issued, Standing)| Line {
        to: address(site.id, pass.number),
        name: grouped(pass.number),
        cells: vec![reason_text(locale, pass.reason), minute(pass.from), minute(pass.until)],
        state: tag(locale, *standing),
    };
    ListPage {
        title: locale.text_with("gate-passes-of", &[("site", &site.name)]),
        lead: locale.text("gate-passes-of-lead"),
        add: (!site.closed)
            .then(|| Link { to: format!("{}/new", of_site(site.id)), text: locale.text("gate-pass-add") }),
        columns: ["paper-number", "gate-reason", "paper-valid-from", "paper-valid-until", "people-state"]
            .map(|key| locale.text(key))
            .into(),
        lines: found.iter().map(line).collect(),
        none: locale.text("gate-passes-none"),
        frame,
    }
}

/// A moment, as two fields of a form have it.
fn read_moment(form: &Typed, day: &'static str, time: &'static str) -> Result<Micros, (&'static str, &'static str)> {
    let on: Date = typed(form, day).trim().parse().map_err(|_| (day, "gate-day-bad"))?;
    let minute = minute_of(typed(form, time)).ok_or((time, "gate-time-bad"))?;
    Ok(moment(on, minute))
}

/// What a pass is to be, where the form can be taken.
pub(super) fn read(form: &Typed) -> Result<Wish, (&'static str, &'static str)> {
    let reason = Reason::from_name(typed(form, "reason")).filter(|reason| Reason::OF_VISITORS.contains(reason));
    let reason = reason.ok_or(("reason", "gate-reason-missing"))?;
    let (from, until) = (read_moment(form, "from_day", "from_time")?, read_moment(form, "until_day", "until_time")?);
    Ok(Wish { reason, from, until })
}

/// Asks what a pass is to be.
pub(in crate::domains::gate) fn form(frame: Frame, site: &Site, sent: &Typed, wrong: Wrong) -> FormPage {
    let locale = frame.locale();
    let reasons = Reason::OF_VISITORS.map(|reason| Choice::new(reason.name(), reason_text(locale, reason)));
    let reason = Input::choice("reason", locale.text("gate-reason-ask"), reasons.into(), typed(sent, "reason"));
    let text = |name: &'static str, key: &str, hint: &str| {
        let text = Input::text(name, locale.text(key), typed(sent, name)).hint(locale.text(hint));
        Input { max: 12, ..text.wrong(message(locale, wrong, name)) }
    };
    FormPage {
        back: Some(Link { to: of_site(site.id), text: locale.text_with("gate-passes-of", &[("site", &site.name)]) }),
        action: format!("{}/new", of_site(site.id)),
        title: locale.text("gate-pass-add"),
        lead: locale.text("gate-pass-add-lead"),
        inputs: vec![
            reason.wrong(message(locale, wrong, "reason")),
            text("from_day", "gate-pass-from-day", "gate-day-hint"),
            text("from_time", "gate-pass-from-time", "gate-time-hint"),
            text("until_day", "gate-pass-until-day", "gate-day-hint"),
            text("until_time", "gate-pass-until-time", "gate-time-hint"),
        ],
        button: locale.text("gate-pass-button"),
        frame,
    }
}

/// A pass.
pub(in crate::domains::gate) fn thing(
    frame: Frame,
    (site, pass, standing): (&Site, &Issued, Standing),
    by: &str,
    wrong: Wrong,
) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let may_be_used = matches!(standing, Standing::Good | Standing::NotYet);
    let mut acts = Vec::new();
    if may_be_used {
        acts.push(Act {
            name: "withdraw",
            title: t("gate-pass-withdraw"),
            hint: Some(t("gate-pass-withdraw-hint")),
            inputs: Vec::new(),
            button: t("gate-pass-withdraw-button"),
            primary: false,
        });
    }
    let print = Link { to: format!("{}/print", address(site.id, pass.number)), text: t("gate-pass-print") };
    let mut facts = vec![
        (t("paper-site"), site.name.clone()),
        (t("gate-reason"), reason_text(locale, pass.reason)),
        (t("paper-valid-from"), minute(pass.from)),
        (t("paper-valid-until"), minute(pass.until)),
        (t("gate-pass-issued"), format!("{} · {by}", minute(pass.issued_at))),
    ];
    facts.extend(pass.withdrawn_at.map(|at| (t("gate-pass-withdrawn-at"), minute(at))));
    ThingPage {
        back: Link { to: of_site(site.id), text: locale.text_with("gate-passes-of", &[("site", &site.name)]) },
        action: address(site.id, pass.number),
        title: locale.text_with("gate-pass-number", &[("number", &grouped(pass.number))]),
        state: tag(locale, standing),
        facts,
        links: if may_be_used { vec![print] } else { Vec::new() },
        refused: refused(locale, wrong, &acts),
        along: Vec::new(),
        acts,
        frame,
    }
}

/// A pass, to be printed.
#[derive(Debug, Template)]
#[template(path = "gate/pass.html")]
pub(in crate::domains::gate) struct PassSheet {
    frame: Frame,
    back: String,
    site: String,
    kind: String,
    from: String,
    until: String,
    number: String,
    picture: Picture,
    /// The side of the picture.
    millimetres: f64,
    check: String,
}

impl PassSheet {
    /// `checked_at` is the page where papers are checked.
    pub(in crate::domains::gate) fn new(
        frame: Frame,
        site: &Site,
        pass: &Issued,
        text: &str,
        checked_at: &str,
    ) -> Self {
        let (locale, picture) = (frame.locale(), Picture::of(text));
        Self {
            back: address(site.id, pass.number),
            site: site.name.clone(),
            kind: kind_text(locale, site.kind),
            from: minute(pass.from),
            until: minute(pass.until),
            number: grouped(pass.number),
            millimetres: f64::from(u32::try_from(picture.side).expect("a code has at most 185 squares")) * SQUARE_MM,
            picture,
            check: locale.text_with("paper-note-check", &[("page", checked_at)]),
            frame,
        }
    }
}
