//! What the pages of fares show, in the tariff's own names. Pure.

use askama::Template;
use card_schema::clock::Micros;
use uuid::Uuid;

use super::fares::still_in_force;
use super::feed::{Report, Severity};
use super::model::Version;
use super::tariff::{
    Concession, CountRule, Counted, Network, Networks, Pass, PassTime, Period, Tariff, Validation, Window,
};
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::register::{FormPage, Line, Link, ListPage, ThingPage, Typed, Wrong, message, typed};
use crate::console::view::{Choice, Tag, minute};
use crate::hex;
use crate::i18n::Locale;

/// The list of versions.
pub(super) const LIST: &str = "/fares";
/// Where a new one is uploaded, and looked at before it is taken.
pub(super) const NEW: &str = "/fares/new";
pub(super) const CHECK: &str = "/fares/check";
/// What of a hash stands in the list.
const HASH_CHARS: usize = 12;

fn say<const N: usize>(locale: Locale, key: &str, values: &[(&str, String); N]) -> String {
    locale.text_with(key, &values.each_ref().map(|(name, value)| (*name, &**value)))
}

/// How a version stands among all.
fn state(locale: Locale, all: &[Version], version: &Version, now: Micros) -> Tag {
    let asked = still_in_force(all.to_vec(), now);
    let place = asked.iter().position(|other| other.number == version.number);
    // Of several that start at one moment the newest counts.
    let is_last =
        place.is_some_and(|place| asked.get(place + 1).is_none_or(|next| next.starts_at != version.starts_at));
    let (key, tone) = match place {
        Some(_) if is_last && version.starts_at > now => ("fares-coming", Tone::Wait),
        Some(_) if is_last => ("fares-in-force", Tone::Ok),
        Some(_) => ("fares-replaced", Tone::Idle),
        None => ("fares-over", Tone::Idle),
    };
    Tag { text: locale.text(key), tone }
}

fn by(locale: Locale, version: &Version) -> String {
    version.imported_by.clone().unwrap_or_else(|| locale.text("cli-transit-command-line"))
}

/// The list of versions, the newest first.
pub(super) fn list(frame: Frame, all: &[Version], now: Micros) -> ListPage {
    let locale = frame.locale();
    let line = |version: &Version| Line {
        to: format!("{LIST}/{}", version.number),
        name: say(locale, "fares-version", &[("number", version.number.to_string())]),
        cells: vec![
            minute(version.starts_at),
            minute(version.imported_at),
            by(locale, version),
            hex::encode(&version.source).chars().take(HASH_CHARS).collect(),
        ],
        state: state(locale, all, version, now),
    };
    ListPage {
        title: locale.text("fares-title"),
        lead: locale.text("fares-lead"),
        add: Some(Link { to: NEW.to_owned(), text: locale.text("fares-add") }),
        columns: ["fares-col-version", "fares-starts", "fares-imported", "fares-by", "fares-hash", "fares-state"]
            .map(|key| locale.text(key))
            .into(),
        lines: all.iter().map(line).collect(),
        none: locale.text("fares-none"),
        frame,
    }
}

/// One version.
pub(super) fn version(frame: Frame, all: &[Version], version: &Version, tariff: &Tariff, now: Micros) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let mut shown = vec![
        (t("fares-starts"), minute(version.starts_at)),
        (t("fares-imported"), minute(version.imported_at)),
        (t("fares-by"), by(locale, version)),
        (t("fares-hash"), hex::encode(&version.source)),
    ];
    shown.extend(facts(locale, tariff));
    ThingPage {
        back: Link { to: LIST.to_owned(), text: t("fares-title") },
        action: format!("{LIST}/{}", version.number),
        title: say(locale, "fares-version", &[("number", version.number.to_string())]),
        state: state(locale, all, version, now),
        facts: shown,
        links: Vec::new(),
        refused: None,
        along: Vec::new(),
        acts: Vec::new(),
        frame,
    }
}

/// So many seconds, as people say it.
fn time(locale: Locale, seconds: i64) -> String {
    let (key, number) = match seconds {
        _ if seconds % 3_600 == 0 && seconds > 0 => ("fares-hours", seconds / 3_600),
        _ if seconds % 60 == 0 && seconds > 0 => ("fares-minutes", seconds / 60),
        _ => ("fares-seconds", seconds),
    };
    say(locale, key, &[("number", number.to_string())])
}

/// What a tariff says.
pub(super) fn facts(locale: Locale, tariff: &Tariff) -> Vec<(String, String)> {
    let t = |key: &str| locale.text(key);
    let [stops, routes, rules] = tariff.size().map(|size| size.to_string());
    let clock = format!("{:02}:{:02}", tariff.day_starts / 3_600, tariff.day_starts % 3_600 / 60);
    let goes_on = [("change", time(locale, tariff.change_s)), ("join", time(locale, tariff.join_s))];
    let mut facts = vec![
        (t("fares-size"), say(locale, "fares-size-is", &[("stops", stops), ("routes", routes), ("rules", rules)])),
        (t("fares-day-starts"), clock),
        (t("fares-goes-on"), say(locale, "fares-goes-on-is", &goes_on)),
    ];
    facts.extend(tariff.networks.iter().map(|one| (t("fares-network"), network(locale, one))));
    for one in &tariff.counted {
        let label = if matches!(one.rule, CountRule::Cap(_)) { "fares-cap" } else { "fares-discount" };
        facts.push((t(label), counted(locale, tariff, one)));
    }
    facts.extend(tariff.concessions.iter().map(|one| (t("fares-concession"), concession(locale, tariff, one))));
    facts.extend(tariff.windows.iter().map(|one| (t("fares-window"), window(locale, tariff, one))));
    facts.extend(tariff.passes.iter().map(|one| (t("fares-pass"), pass(locale, tariff, one))));
    facts
}

/// What a network is called: by its id, and its name where it has another.
pub(super) fn called(id: &str, name: &str) -> String {
    if id.is_empty() || id == name { name.to_owned() } else { format!("{name} ({id})") }
}

fn network(locale: Locale, network: &Network) -> String {
    let name =
        if network.id.is_empty() { locale.text("fares-network-none") } else { called(&network.id, &network.name) };
    match network.validation {
        Validation::On { valid_s } => {
            say(locale, "fares-network-on", &[("network", name), ("valid", time(locale, valid_s))])
        }
        Validation::OnOff { maximum, grace_s, longest_s } => say(
            locale,
            "fares-network-on-off",
            &[
                ("network", name),
                ("yuan", maximum.to_string()),
                ("grace", time(locale, grace_s)),
                ("longest", time(locale, longest_s)),
            ],
        ),
    }
}

fn joined(locale: Locale, texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(&locale.text("console-list-comma"))
}

fn named(locale: Locale, tariff: &Tariff, networks: &Networks) -> String {
    let name = |network: &Network| match &*network.id {
        "" => locale.text("fares-network-none"),
        id => id.to_owned(),
    };
    joined(
        locale,
        tariff.networks.iter().zip(&networks.0).filter(|(_, holds)| **holds).map(|(network, _)| name(network)),
    )
}

fn counted(locale: Locale, tariff: &Tariff, counted: &Counted) -> String {
    let period = locale.text(match counted.period {
        Period::Day => "fares-period-day",
        Period::Week => "fares-period-week",
        Period::Month => "fares-period-month",
    });
    let about =
        [("name", counted.id.clone()), ("period", period), ("networks", named(locale, tariff, &counted.networks))];
    let [name, period, networks] = about;
    let said = match &counted.rule {
        CountRule::Cap(most) => say(locale, "fares-cap-is", &[name, period, networks, ("yuan", most.to_string())]),
        CountRule::Steps(steps) => {
            let step = |(from, percent): &(card_schema::money::Fen, u8)| {
                say(locale, "fares-step", &[("yuan", from.to_string()), ("percent", percent.to_string())])
            };
            say(
                locale,
                "fares-discount-is",
                &[name, period, networks, ("steps", joined(locale, steps.iter().map(step)))],
            )
        }
    };
    if counted.except.is_empty() {
        return said;
    }
    let except = counted.except.iter().map(|number| tariff.concessions[*number].id.clone());
    said + &say(locale, "fares-except", &[("concessions", joined(locale, except))])
}

fn concession(locale: Locale, tariff: &Tariff, concession: &Concession) -> String {
    let category = concession.rider.map(|_| locale.text("fares-concession-category"));
    let percent = concession.percent.as_ref().map(|(percent, networks)| {
        let networks = named(locale, tariff, networks);
        say(locale, "fares-concession-percent", &[("percent", percent.to_string()), ("networks", networks)])
    });
    let gives = joined(locale, category.into_iter().chain(percent));
    say(locale, "fares-named", &[("name", concession.id.clone()), ("what", gives)])
}

fn window(locale: Locale, tariff: &Tariff, window: &Window) -> String {
    let off = match window.off {
        Some(off) => say(locale, "fares-window-off", &[("yuan", off.to_string())]),
        None => locale.text("fares-window-free"),
    };
    let said = [
        ("name", window.id.clone()),
        ("from", named(locale, tariff, &window.from)),
        ("to", named(locale, tariff, &window.to)),
        ("time", time(locale, window.within_s)),
        ("off", off),
    ];
    say(locale, "fares-window-is", &said)
}

fn pass(locale: Locale, tariff: &Tariff, pass: &Pass) -> String {
    let good_for = match pass.good_for {
        PassTime::Month => locale.text("fares-pass-month"),
        PassTime::Days(1) => locale.text("fares-pass-day"),
        PassTime::Days(days) => say(locale, "fares-pass-days", &[("days", days.to_string())]),
    };
    let said = [
        ("name", called(&pass.id, &pass.name)),
        ("yuan", pass.price.to_string()),
        ("time", good_for),
        ("networks", named(locale, tariff, &pass.networks)),
    ];
    say(locale, "fares-pass-is", &said)
}

/// The form on which a feed is sent.
pub(super) fn new_page(frame: Frame, max_bytes: usize, wrong: Wrong) -> FormPage {
    let locale = frame.locale();
    let max = (max_bytes >> 20).to_string();
    let field = |name: &'static str, accept| {
        let wrong = wrong.filter(|(of, _)| *of == name).map(|(_, key)| locale.text_with(key, &[("max", &max)]));
        let hint = locale.text_with(&format!("fares-{name}-hint"), &[("max", &max)]);
        Input::file(name, locale.text(&format!("fares-{name}")), accept).hint(hint).wrong(wrong)
    };
    FormPage {
        back: Some(Link { to: LIST.to_owned(), text: locale.text("fares-title") }),
        action: NEW.to_owned(),
        title: locale.text("fares-add"),
        lead: locale.text("fares-add-lead"),
        inputs: vec![field("archive", ".zip"), field("supplement", ".toml,text/plain")],
        button: locale.text("fares-add-button"),
        frame,
    }
}

/// One thing that was found.
#[derive(Debug)]
struct Found {
    severity: Tag,
    file: String,
    line: String,
    field: String,
    text: String,
}

/// What was found in the files, and whether they are to be taken.
#[derive(Debug, Template)]
#[template(path = "transit/check.html")]
pub(super) struct CheckPage {
    frame: Frame,
    title: String,
    lead: String,
    facts: Vec<(String, String)>,
    found: Vec<Found>,
    left_out: Option<String>,
    /// What is asked; nothing where they cannot be taken.
    inputs: Vec<Input>,
    /// Which upload this is about.
    upload: String,
    until: String,
}

impl CheckPage {
    fn new(frame: Frame, key: &str, report: &Report) -> Self {
        let locale = frame.locale();
        let tone = |severity| match severity {
            Severity::Error => Tone::No,
            Severity::NotSupported => Tone::Wait,
            Severity::Warning => Tone::Idle,
        };
        let found = report.findings.iter().map(|finding| Found {
            severity: Tag { text: locale.text(finding.severity.key()), tone: tone(finding.severity) },
            file: finding.file.clone(),
            line: finding.line.map(|line| line.to_string()).unwrap_or_default(),
            field: finding.field.clone().unwrap_or_default(),
            text: locale.text_with(&format!("transit-{}", finding.key), &[("value", &finding.value)]),
        });
        let left_out = (report.left_out > 0)
            .then(|| say(locale, "cli-transit-left-out", &[("count", report.left_out.to_string())]));
        Self {
            title: locale.text(&format!("fares-{key}-title")),
            lead: locale.text(&format!("fares-{key}-lead")),
            facts: Vec::new(),
            found: found.collect(),
            left_out,
            inputs: Vec::new(),
            upload: String::new(),
            until: String::new(),
            frame,
        }
    }

    /// What is wrong with files that cannot be taken.
    pub(super) fn wrong(frame: Frame, report: &Report) -> Self {
        Self::new(frame, "wrong", report)
    }

    /// Whether files are to be taken, and from when on.
    pub(super) fn asking(
        frame: Frame,
        (id, until): (Uuid, Micros),
        (tariff, source, report): (&Tariff, &[u8; 32], &Report),
        form: &Typed,
        wrong: Wrong,
    ) -> Self {
        let locale = frame.locale();
        let t = |key: &str| locale.text(key);
        let choice = |name: &'static str, values: [(&str, &str); 2]| {
            let choices = values.map(|(value, key)| Choice::new(value, t(key)));
            Input::choice(name, t(&format!("fares-{name}")), choices.into(), typed(form, name))
                .wrong(message(locale, wrong, name))
        };
        let day = Input { max: 10, ..Input::text("day", t("fares-day"), typed(form, "day")) };
        let yes = match report {
            report if !report.is_followed() => "fares-take-in-part",
            report if !report.findings.is_empty() => "fares-take-seen",
            _ => "fares-take-yes",
        };
        let inputs = vec![
            choice("when", [("day", "fares-when-day"), ("at_once", "fares-when-at-once")]),
            day.hint(t("fares-day-hint")).wrong(message(locale, wrong, "day")),
            choice("take", [("yes", yes), ("no", "fares-take-no")]),
        ];
        let mut facts = facts(locale, tariff);
        facts.insert(0, (t("fares-hash"), hex::encode(source)));
        let until = say(locale, "fares-kept-until", &[("until", minute(until))]);
        Self { facts, inputs, upload: id.to_string(), until, ..Self::new(frame, "check", report) }
    }

    fn is_wrong(&self) -> bool {
        self.inputs.iter().any(Input::is_wrong) || self.inputs.is_empty()
    }
}
