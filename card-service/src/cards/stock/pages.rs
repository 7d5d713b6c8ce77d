//! The drawers of blank cards: which stations have few, and what is done with one.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::ids::OrganisationId;
use card_schema::wire::ProblemType;

use super::model::{Act, COUNTS, Drawer, MOST, Past, TooFew, WRITE_OFFS};
use super::store;
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::register::{self, Line, Link, ListPage, ThingPage, Typed, Wrong, message, refused, typed};
use crate::console::view::{Choice, Tag, minute};
use crate::console::{asking, page};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;

const LIST: &str = "/stock";
/// The longest number of a box, in characters.
const BATCH_CHARS: usize = 40;
/// How much of what happened to a drawer is shown.
const HISTORY_SHOWN: u32 = 100;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 3] {
    [
        (LIST, get(list)),
        ("/stock/{organisation_id}", get(show).post(change)),
        ("/stock/{organisation_id}/moves", get(moves)),
    ]
}

fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "organisation-unknown")
}

fn state(locale: Locale, drawer: &Drawer) -> Tag {
    let (key, tone) = match drawer.balance {
        None => ("stock-none", Tone::Idle),
        Some(_) if drawer.to_count => ("stock-to-count", Tone::Wait),
        Some(_) if drawer.is_low() => ("stock-low", Tone::Wait),
        Some(_) => ("stock-enough", Tone::Ok),
    };
    Tag { text: locale.text(key), tone }
}

fn how_many(drawer: &Drawer) -> String {
    drawer.balance.map_or_else(|| "–".to_owned(), |balance| balance.to_string())
}

async fn list(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::KeepStock)?;
    let locale = language(&headers);
    let found = store::drawers(&mut app.db.read().await?).await?;
    let line = |drawer: Drawer| Line {
        to: format!("{LIST}/{}", drawer.station),
        cells: vec![how_many(&drawer)],
        state: state(locale, &drawer),
        name: drawer.name,
    };
    page(&ListPage {
        title: locale.text("stock-title"),
        lead: locale.text("stock-lead"),
        add: None,
        columns: ["stock-station", "stock-balance", "people-state"].map(|key| locale.text(key)).into(),
        lines: found.into_iter().map(line).collect(),
        none: locale.text("stock-no-station"),
        frame: Frame::new(locale, LIST, Some(&who.0)),
    })
}

/// How many, as it was typed.
fn amount(form: &Typed, field: &'static str, least: i64) -> Result<i64, (&'static str, &'static str)> {
    let number = typed(form, field).trim().parse().ok().filter(|number| (least..=MOST).contains(number));
    number.ok_or((field, if least == 0 { "stock-count-bad" } else { "stock-amount-bad" }))
}

/// A word of a list.
fn word(
    form: &Typed,
    field: &'static str,
    words: &[&'static str],
) -> Result<&'static str, (&'static str, &'static str)> {
    words.iter().find(|word| **word == typed(form, field)).copied().ok_or((field, "stock-reason-missing"))
}

/// What is to be done, where it can be.
fn checked(form: &Typed, others: &[Drawer]) -> Result<Act, (&'static str, &'static str)> {
    Ok(match typed(form, "act") {
        "receive" => {
            let (amount, batch) = (amount(form, "received", 1)?, typed(form, "batch").trim());
            let fits = |batch: &&str| batch.chars().count() <= BATCH_CHARS && !batch.chars().any(char::is_control);
            let batch =
                Some(batch).filter(|batch| !batch.is_empty()).filter(fits).ok_or(("batch", "stock-batch-bad"))?;
            Act::Receive { amount, batch: batch.to_owned() }
        }
        "write_off" => Act::WriteOff {
            amount: amount(form, "written_off", 1)?,
            reason: word(form, "why_written_off", &WRITE_OFFS)?,
        },
        "count" => Act::Count { found: amount(form, "counted", 0)?, reason: word(form, "why_counted", &COUNTS)? },
        "send" => {
            let amount = amount(form, "sent", 1)?;
            let to = others.iter().find(|other| other.station.to_string() == typed(form, "to"));
            Act::Send { amount, to: to.ok_or(("to", "stock-station-missing"))?.station }
        }
        _ => return Err(("receive", "stock-act-missing")),
    })
}

/// Which field says how many, for an act that there are too few for.
const fn too_few(act: &Act) -> (&'static str, &'static str) {
    match act {
        Act::Send { .. } => ("sent", "stock-too-few"),
        Act::WriteOff { .. } | Act::Receive { .. } | Act::Count { .. } => ("written_off", "stock-too-few"),
    }
}

/// The page of a drawer.
fn thing(frame: Frame, drawer: &Drawer, others: &[Drawer], form: &Typed, wrong: Wrong) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let number = |name: &'static str, key: &str| Input {
        mode: "numeric",
        ..Input::text(name, t(key), typed(form, name)).wrong(message(locale, wrong, name))
    };
    let choice = |name: &'static str, key: &str, choices: Vec<Choice>| {
        Input::choice(name, t(key), choices, typed(form, name)).wrong(message(locale, wrong, name))
    };
    let words = |words: &[&'static str]| {
        words.iter().map(|word| Choice::new(*word, t(&format!("stock-reason-{word}")))).collect::<Vec<_>>()
    };
    let act = |name: &'static str, inputs, primary| register::Act {
        name,
        title: t(&format!("stock-{}", name.replace('_', "-"))),
        hint: Some(t(&format!("stock-{}-hint", name.replace('_', "-")))),
        inputs,
        button: t("people-save"),
        primary,
    };
    let batch = Input::text("batch", t("stock-batch"), typed(form, "batch")).wrong(message(locale, wrong, "batch"));
    let mut acts = vec![
        act("receive", vec![number("received", "stock-amount"), batch], true),
        act(
            "write_off",
            vec![number("written_off", "stock-amount"), choice("why_written_off", "stock-reason", words(&WRITE_OFFS))],
            false,
        ),
        act(
            "count",
            vec![number("counted", "stock-counted"), choice("why_counted", "stock-reason", words(&COUNTS))],
            false,
        ),
    ];
    if !others.is_empty() {
        let stations = others.iter().map(|other| Choice::new(other.station.to_string(), other.name.clone())).collect();
        acts.push(act("send", vec![number("sent", "stock-amount"), choice("to", "stock-to", stations)], false));
    }
    ThingPage {
        back: Link { to: LIST.to_owned(), text: t("stock-title") },
        action: format!("{LIST}/{}", drawer.station),
        title: drawer.name.clone(),
        state: state(locale, drawer),
        facts: vec![(t("stock-balance"), how_many(drawer))],
        links: Vec::new(),
        refused: refused(locale, wrong, &acts),
        along: Vec::new(),
        acts,
        frame,
    }
}

/// A drawer, and the others to which something may go.
async fn loaded(app: &App, station: OrganisationId) -> Result<(Drawer, Vec<Drawer>), Refusal> {
    let mut connection = app.db.read().await?;
    let drawer = store::drawer_of(&mut connection, station).await?.ok_or_else(unknown)?;
    let others = store::drawers(&mut connection).await?.into_iter().filter(|other| other.station != station);
    Ok((drawer, others.collect()))
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(station): Path<OrganisationId>,
) -> Result<Response, Refusal> {
    who.require(Permission::KeepStock)?;
    let (drawer, others) = loaded(&app, station).await?;
    let frame = Frame::new(language(&headers), format!("{LIST}/{station}"), Some(&who.0));
    asking(&thing(frame, &drawer, &others, &Typed::new(), None), false)
}

async fn change(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(station): Path<OrganisationId>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::KeepStock)?;
    let (drawer, others) = loaded(&app, station).await?;
    let (now, by) = (app.now(), who.0.staff_id);
    let done = match checked(&form, &others) {
        Err(wrong) => Err(wrong),
        Ok(act) => {
            let few = too_few(&act);
            let done = app.db.write::<_, Refusal, _>(move |tx| {
                Box::pin(async move { Ok(store::carry_out(tx, now, by, station, &act).await?) })
            });
            done.await?.map_err(|TooFew| few)
        }
    };
    match done {
        Ok(()) => Ok(Redirect::to(&format!("{LIST}/{station}/moves")).into_response()),
        Err(wrong) => {
            let frame = Frame::new(language(&headers), format!("{LIST}/{station}"), Some(&who.0));
            asking(&thing(frame, &drawer, &others, &form, Some(wrong)), true)
        }
    }
}

/// A line of what happened.
#[derive(Clone, Debug)]
struct MoveLine {
    at: String,
    what: String,
    amount: String,
    balance: String,
    why: String,
    who: String,
}

impl MoveLine {
    fn new(locale: Locale, past: Past) -> Self {
        let reason = past.reason.map(|reason| locale.text(&format!("stock-reason-{reason}")));
        let why: Vec<String> = [reason, past.batch, past.other].into_iter().flatten().collect();
        Self {
            at: minute(past.at),
            what: locale.text(&format!("stock-kind-{}", past.kind.replace('_', "-"))),
            amount: match past.amount {
                more @ 1.. => format!("+{more}"),
                0 => "0".to_owned(),
                fewer => format!("−{}", fewer.abs()),
            },
            balance: past.balance.to_string(),
            why: why.join(&locale.text("console-list-comma")),
            who: past.staff.unwrap_or_default(),
        }
    }
}

/// What happened to a drawer.
#[derive(Debug, Template)]
#[template(path = "console/moves.html")]
struct MovesPage {
    frame: Frame,
    station: String,
    name: String,
    balance: String,
    state: Tag,
    lines: Vec<MoveLine>,
}

impl MovesPage {
    fn new(frame: Frame, drawer: Drawer, history: Vec<Past>) -> Self {
        let locale = frame.locale();
        Self {
            station: drawer.station.to_string(),
            balance: how_many(&drawer),
            state: state(locale, &drawer),
            name: drawer.name,
            lines: history.into_iter().map(|past| MoveLine::new(locale, past)).collect(),
            frame,
        }
    }
}

async fn moves(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(station): Path<OrganisationId>,
) -> Result<Response, Refusal> {
    who.require(Permission::KeepStock)?;
    let mut connection = app.db.read().await?;
    let drawer = store::drawer_of(&mut connection, station).await?.ok_or_else(unknown)?;
    let history = store::history(&mut connection, station, HISTORY_SHOWN).await?;
    let frame = Frame::new(language(&headers), format!("{LIST}/{station}/moves"), Some(&who.0));
    page(&MovesPage::new(frame, drawer, history))
}

#[cfg(test)]
pub(crate) mod tests {
    use card_schema::clock::Micros;

    use super::*;

    /// A drawer in every state, and what happened to one.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let drawer = |id: u8, balance, to_count| Drawer {
            station: OrganisationId::from_bytes([id; 16]),
            name: "测试服务站".to_owned(),
            balance,
            to_count,
        };
        let others = [drawer(2, Some(40), false)];
        let typed = Typed::from([("act".to_owned(), "receive".to_owned()), ("received".to_owned(), "many".to_owned())]);
        let table = [
            ("none", drawer(1, None, false), None),
            ("low", drawer(1, Some(3), false), Some(("received", "stock-amount-bad"))),
            ("to-count", drawer(1, Some(0), true), Some(("sent", "stock-too-few"))),
            ("enough", drawer(1, Some(500), false), Some(("receive", "stock-act-missing"))),
        ];
        let mut pages: Vec<_> = table
            .into_iter()
            .map(|(name, drawer, wrong)| {
                let shown = thing(frame.clone(), &drawer, &others, &typed, wrong);
                (format!("stock-{name}"), shown.render().unwrap())
            })
            .collect();
        let past = |kind: &str, amount, reason: Option<&str>, batch: Option<&str>| Past {
            at: Micros(1_795_424_645_000_000),
            kind: kind.to_owned(),
            amount,
            balance: 40,
            reason: reason.map(str::to_owned),
            batch: batch.map(str::to_owned),
            other: (kind == "sent").then(|| "测试南站".to_owned()),
            staff: (kind != "issued").then(|| "test-supervisor".to_owned()),
        };
        let mut history = vec![
            past("received", 100, None, Some("B-2026-11")),
            past("issued", -1, None, None),
            past("unbooked", 0, None, None),
            past("sent", -10, None, None),
            past("arrived", 10, None, None),
        ];
        history.extend(WRITE_OFFS.iter().map(|reason| past("written_off", -1, Some(reason), None)));
        history.extend(COUNTS.iter().map(|reason| past("counted", 2, Some(reason), None)));
        let shown = MovesPage::new(frame.clone(), drawer(1, Some(40), false), history);
        pages.push(("stock-moves".to_owned(), shown.render().unwrap()));
        pages
    }

    #[test]
    fn what_cannot_be_meant_is_said_at_its_field() {
        let others = [Drawer {
            station: OrganisationId::from_bytes([2; 16]),
            name: "B".to_owned(),
            balance: None,
            to_count: false,
        }];
        let there = others[0].station.to_string();
        let long = "9".repeat(41);
        let of = |fields: &[(&str, &str)]| {
            let form = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            checked(&form, &others)
        };
        for (fields, wrong) in [
            (&[("act", "receive"), ("received", "0"), ("batch", "B1")][..], "received"),
            (&[("act", "receive"), ("received", "100001"), ("batch", "B1")], "received"),
            (&[("act", "receive"), ("received", "-5"), ("batch", "B1")], "received"),
            (&[("act", "receive"), ("received", "一百"), ("batch", "B1")], "received"),
            (&[("act", "receive"), ("received", "100")], "batch"),
            (&[("act", "receive"), ("received", "100"), ("batch", &long)], "batch"),
            (&[("act", "write_off"), ("written_off", "1"), ("why_written_off", "eaten")], "why_written_off"),
            (&[("act", "count"), ("counted", ""), ("why_counted", "regular")], "counted"),
            (&[("act", "send"), ("sent", "5"), ("to", "elsewhere")], "to"),
            (&[("act", "burn")], "receive"),
        ] {
            assert_eq!(of(fields).unwrap_err().0, wrong, "{fields:?}");
        }
        let sent = of(&[("act", "send"), ("sent", " 5 "), ("to", &there)]).unwrap();
        assert_eq!(sent, Act::Send { amount: 5, to: others[0].station });
        assert!(of(&[("act", "count"), ("counted", "0"), ("why_counted", "regular")]).is_ok(), "none may be counted");
    }
}
