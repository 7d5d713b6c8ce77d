//! Readers that work alone: what they are there for and what they show, for whoever holds a card to them; and, on the page of
//! whoever works there, what they are to do, and visitors' passes on paper.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use card_schema::{
    envelope::fares::{FareRoute, FareStop, FareVersion},
    operation::{OperationCode, transit::Side},
};
use serde::Deserialize;

use super::{
    language, live,
    seen::{Lying, Seen, look},
    view::{html, text},
};
use crate::{
    cli::{
        messages::{CliError, Language},
        messages_daemon, messages_local,
    },
    local::{api::App, wire::View},
    tap::{Knowledge, gate},
    validator::{Duty, Shown, Verdict, tell},
};

/// How many routes or stops are offered for what was typed.
const OFFERED: usize = 20;

pub(super) fn routes() -> Router<App> {
    let follow = |State(app): State<App>, headers: HeaderMap| async move {
        let language = language(&headers);
        live::live(app, View::Validator, move |app, seen| page(app, View::Validator, seen, language))
    };
    Router::new()
        .route(View::Validator.path(), get(show))
        .route("/validator/live", get(follow))
        .route("/validator/set", get(ask).post(set))
        .route("/validator/pass", post(pass))
}

/// What readers show.
#[derive(Template)]
#[template(path = "page/validator.html")]
struct Readers<'a> {
    language: Language,
    view: View,
    seen: &'a Seen,
    fares: Option<&'a FareVersion>,
    is_gate: bool,
}

impl Readers<'_> {
    /// What a reader is there for, in words.
    fn duty(&self, duty: &Duty) -> String {
        let choose = |zh, en| self.language.choose(zh, en);
        let route = |id: &str| {
            let known = self.fares.and_then(|fares| fares.route(id));
            known.map_or_else(|| id.to_owned(), |(route, _)| called(&route.name, &route.id).to_owned())
        };
        match duty {
            Duty::Validate { route: id, stop, side } => {
                let known = self.fares.and_then(|fares| fares.stop(stop));
                let stop = known.map_or(&**stop, |stop| called(&stop.name, &stop.id));
                let side = match side {
                    Side::On => choose("上车", "On"),
                    Side::Off => choose("下车", "Off"),
                };
                format!("{side} · {} · {stop}", route(id))
            }
            Duty::Inspect { route: id } => format!("{} · {}", choose("查票", "Inspection"), route(id)),
            Duty::Gate {} => choose("门禁", "Gate").to_owned(),
            Duty::Nothing {} => String::new(),
        }
    }

    /// What stands there while no card is there.
    fn asks(&self, duty: &Duty) -> &'static str {
        let (zh, en) = match duty {
            Duty::Validate { .. } | Duty::Gate {} | Duty::Nothing {} => ("请刷卡", "Hold your card here"),
            Duty::Inspect { .. } => ("请出示要查的卡", "Hold the card here that is to be looked at"),
        };
        self.language.choose(zh, en)
    }

    fn says(&self, duty: &Duty, shown: &Shown) -> String {
        let (zh, en) = match (&shown.verdict, duty) {
            (Verdict::No(error), _) => return error.text(self.language).to_owned(),
            (Verdict::Yes, Duty::Validate { side: Side::On, .. }) => ("已刷卡，请上车", "Welcome aboard"),
            (Verdict::Yes, Duty::Validate { side: Side::Off, .. }) => ("已刷卡，再见", "Goodbye"),
            (Verdict::Yes, Duty::Inspect { .. }) => ("已刷卡，有效", "Has validated"),
            (Verdict::Yes, Duty::Gate {} | Duty::Nothing {}) => ("请通行", "Come in"),
        };
        self.language.choose(zh, en).to_owned()
    }

    /// What is heard: of what came last.
    fn sound(&self) -> &'static str {
        let shown = self.seen.board.values().filter_map(|at| at.shown.as_ref());
        shown.max_by_key(|shown| shown.number).map_or("", |shown| match shown.verdict {
            Verdict::Yes => "yes",
            Verdict::No(_) => "no",
        })
    }
}

/// A name, or an id where there is none.
fn called<'a>(name: &'a str, id: &'a str) -> &'a str {
    if name.is_empty() { id } else { name }
}

/// What readers show, as a page for one of the two who look at it.
pub(super) fn page(app: &App, view: View, seen: &Seen, language: Language) -> String {
    let known = app.known.now();
    let fares = known.fares.as_ref().and_then(|pack| pack.at(crate::clock::now()));
    let is_gate = known.profile.operations.contains(&OperationCode::GateCheck);
    text(&Readers { language, view, seen, fares, is_gate })
}

async fn show(State(app): State<App>, headers: HeaderMap) -> Html<String> {
    Html(page(&app, View::Validator, &look(&app, View::Validator), language(&headers)))
}

/// What a reader may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    On,
    Off,
    Inspect,
    Gate,
    Stop,
}

impl What {
    const ALL: [Self; 5] = [Self::On, Self::Off, Self::Inspect, Self::Gate, Self::Stop];

    const fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Inspect => "inspect",
            Self::Gate => "gate",
            Self::Stop => "stop",
        }
    }

    const fn text(self, language: Language) -> &'static str {
        let (zh, en) = match self {
            Self::On => ("上车刷卡", "Let people on"),
            Self::Off => ("下车刷卡", "Let people off"),
            Self::Inspect => ("查票", "Ask whether people have validated"),
            Self::Gate => ("门禁放行", "Open the gate for those who may pass"),
            Self::Stop => ("停止工作", "Do nothing with cards"),
        };
        match language {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    /// Whether this terminal may do it.
    fn is_allowed(self, known: &Knowledge) -> bool {
        let code = match self {
            Self::On | Self::Off => OperationCode::TransitValidation,
            Self::Inspect => OperationCode::TransitInspection,
            Self::Gate => OperationCode::GateCheck,
            Self::Stop => return true,
        };
        known.profile.operations.contains(&code)
    }
}

/// What was typed of what a reader is to do.
#[derive(Clone, Debug, Default, Deserialize)]
struct Filled {
    what: Option<What>,
    /// A name or an id, or part of a name.
    #[serde(default)]
    route: String,
    #[serde(default)]
    stop: String,
    /// Its PC/SC name; empty for all.
    #[serde(default)]
    reader: String,
}

/// Something to choose: its id and what people call it.
type Offered = Vec<(String, String)>;

/// What is wrong with what was typed, and what is offered instead.
#[derive(Debug, Default)]
struct Wrong {
    what: Option<String>,
    route: Option<String>,
    routes: Offered,
    stop: Option<String>,
    stops: Offered,
}

#[derive(Template)]
#[template(path = "page/duty.html")]
struct SetPage<'a> {
    language: Language,
    seen: &'a Seen,
    what: Vec<What>,
    readers: Vec<String>,
    filled: &'a Filled,
    wrong: &'a Wrong,
}

impl SetPage<'_> {
    fn has(&self, what: What) -> bool {
        self.what.contains(&what)
    }
}

/// Finds what somebody means: an id, a name, or the only name in which that stands; or which there are.
fn find<'a, T>(all: &'a [T], typed: &str, of: impl Fn(&'a T) -> (&'a str, &'a str)) -> Result<&'a str, Offered> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(Vec::new());
    }
    if let Some((id, _)) = all.iter().map(&of).find(|(id, _)| *id == typed) {
        return Ok(id);
    }
    let lower = typed.to_lowercase();
    let mut named: Vec<_> = all.iter().map(&of).filter(|(_, name)| name.to_lowercase().contains(&lower)).collect();
    if named.iter().any(|(_, name)| *name == typed) {
        named.retain(|(_, name)| *name == typed);
    }
    match *named {
        [(id, _)] => Ok(id),
        _ => Err(named.into_iter().take(OFFERED + 1).map(|(id, name)| (id.to_owned(), name.to_owned())).collect()),
    }
}

/// What is to be done, as far as it was said.
fn read(filled: &Filled, fares: Option<&FareVersion>, language: Language) -> Result<Option<Duty>, Wrong> {
    let choose = |zh: &str, en: &str| Some(language.choose(zh, en).to_owned());
    let Some(what) = filled.what else {
        return Err(Wrong { what: choose("请选择要做什么。", "Choose what it is to do."), ..Wrong::default() });
    };
    if matches!(what, What::Stop | What::Gate) {
        return Ok((what == What::Gate).then_some(Duty::Gate {}));
    }
    let (routes, stops) = fares.map_or((&[][..], &[][..]), |fares| (&*fares.routes, &*fares.stops));
    let route = find(routes, &filled.route, |route: &FareRoute| (&*route.id, &*route.name));
    let stop = match what {
        What::Inspect => Ok(""),
        _ => find(stops, &filled.stop, |stop: &FareStop| (&*stop.id, &*stop.name)),
    };
    let (route, stop) = match (route, stop) {
        (Ok(route), Ok(stop)) => (route.to_owned(), stop.to_owned()),
        (route, stop) => {
            let said = |found: &Result<&str, Offered>| match found {
                Ok(_) => None,
                Err(offered) if offered.len() > OFFERED => choose(
                    "符合的太多。请多输入几个字，或输入编号。",
                    "There are too many of this name. Type more of it, or its id.",
                ),
                Err(offered) if offered.is_empty() => {
                    choose("没有找到。请输入名称或编号。", "There is none of this name. Type its name or its id.")
                }
                Err(_) => choose("有几个符合，请选择。", "There are several. Choose one."),
            };
            let [route_said, stop_said] = [said(&route), said(&stop)];
            let few = |found: Result<&str, Offered>| found.err().filter(|offered| offered.len() <= OFFERED);
            let [routes, stops] = [few(route), few(stop)].map(Option::unwrap_or_default);
            return Err(Wrong { what: None, route: route_said, routes, stop: stop_said, stops });
        }
    };
    let side = if what == What::Off { Side::Off } else { Side::On };
    Ok(Some(if what == What::Inspect { Duty::Inspect { route } } else { Duty::Validate { route, stop, side } }))
}

/// The form, with what was typed and what is wrong with it.
fn form(app: &App, language: Language, filled: &Filled, wrong: &Wrong) -> Html<String> {
    let (known, seen) = (app.known.now(), look(app, View::Validator));
    let what = What::ALL.into_iter().filter(|what| what.is_allowed(&known)).collect();
    let readers = app.stations.presence().readers().into_keys().collect();
    html(&SetPage { language, seen: &seen, what, readers, filled, wrong })
}

async fn ask(State(app): State<App>, headers: HeaderMap) -> Html<String> {
    form(&app, language(&headers), &Filled::default(), &Wrong::default())
}

async fn set(State(app): State<App>, headers: HeaderMap, Form(filled): Form<Filled>) -> Response {
    let (language, known, now) = (language(&headers), app.known.now(), crate::clock::now());
    let fares = known.fares.as_ref().and_then(|pack| pack.at(now));
    let wrong =
        |wrong: &Wrong| (StatusCode::UNPROCESSABLE_ENTITY, form(&app, language, &filled, wrong)).into_response();
    let duty = match read(&filled, fares, language) {
        Ok(duty) => duty,
        Err(found) => return wrong(&found),
    };
    let said = |error: &CliError| Wrong { what: Some(error.text(language).to_owned()), ..Wrong::default() };
    if let Some(Err(found)) = duty.as_ref().map(|duty| duty.check(&known, now)) {
        return wrong(&said(&messages_local::duty(found)));
    }
    let mut duties: BTreeMap<_, _> = app.validator.duties();
    if filled.reader.is_empty() {
        duties.clear();
    }
    tell(&mut duties, &filled.reader, duty);
    match app.validator.set(duties).await {
        Ok(()) => Redirect::to(View::Validator.path()).into_response(),
        Err(error) => wrong(&said(&messages_daemon::outbox(&error))),
    }
}

/// What a scanner has read.
#[derive(Deserialize)]
struct Scanned {
    #[serde(default)]
    text: String,
}

#[derive(Template)]
#[template(path = "page/pass.html")]
struct PassPage<'a> {
    language: Language,
    seen: &'a Seen,
    refused: Option<&'a str>,
}

async fn pass(State(app): State<App>, headers: HeaderMap, Form(Scanned { text }): Form<Scanned>) -> Response {
    let (language, seen) = (language(&headers), look(&app, View::Validator));
    let refused = gate::admit_bearer(&text, &app.known.now(), crate::clock::now()).err();
    let error = refused.map(|refused| messages_daemon::tap(&refused.into()));
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let refused = error.as_ref().map(|error| error.text(language));
    (status, html(&PassPage { language, seen: &seen, refused })).into_response()
}

#[cfg(test)]
mod tests {
    use card_schema::{clock::Micros, envelope::fares::FareNetwork, money::Fen};

    use super::*;

    fn fares() -> FareVersion {
        let route = |id: &str, name: &str| FareRoute { id: id.to_owned(), name: name.to_owned(), network: 0 };
        let stop = |id: &str, name: &str| FareStop { id: id.to_owned(), name: name.to_owned() };
        FareVersion {
            number: 1,
            starts_at: Micros(0),
            networks: vec![FareNetwork { on_off: true, most: Fen(200) }],
            routes: vec![route("1", "特1路"), route("11", "1路"), route("m", "Line M")],
            stops: vec![stop("s1", "测试路口东"), stop("s2", "测试路口西"), stop("s3", "North")],
            passes: vec![],
        }
    }

    #[test]
    fn a_route_and_a_stop_are_found_by_id_by_name_or_by_a_part_of_it_that_only_one_has() {
        let filled = |what, route: &str, stop: &str| Filled {
            what: Some(what),
            route: route.to_owned(),
            stop: stop.to_owned(),
            reader: String::new(),
        };
        let on = |route: &str, stop: &str, side| Some(Duty::Validate { route: route.into(), stop: stop.into(), side });
        let fares = fares();
        for (filled, expected) in [
            (filled(What::On, "1", "s1"), on("1", "s1", Side::On)),
            (filled(What::On, "1路", "测试路口西"), on("11", "s2", Side::On)),
            (filled(What::Off, " line m ", "north"), on("m", "s3", Side::Off)),
            (filled(What::Inspect, "m", "nonsense"), Some(Duty::Inspect { route: "m".into() })),
            (filled(What::Gate, "", ""), Some(Duty::Gate {})),
            (filled(What::Stop, "", ""), None),
        ] {
            assert_eq!(read(&filled, Some(&fares), Language::En).unwrap(), expected, "{filled:?}");
        }
        let several = read(&filled(What::On, "路", "测试"), Some(&fares), Language::En).unwrap_err();
        let ids = |offered: &Offered| offered.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
        assert_eq!(
            (ids(&several.routes), ids(&several.stops)),
            (vec!["1".into(), "11".into()], vec!["s1".into(), "s2".into()])
        );
        for (filled, known) in [
            (filled(What::On, "9", "s1"), Some(&fares)),
            (filled(What::On, "", "s1"), Some(&fares)),
            (filled(What::Inspect, "1", ""), None),
        ] {
            let wrong = read(&filled, known, Language::En).unwrap_err();
            assert!(wrong.route.is_some() && wrong.routes.is_empty() && wrong.stop.is_none(), "{filled:?}: {wrong:?}");
        }
        assert!(read(&Filled::default(), Some(&fares), Language::En).unwrap_err().what.is_some());
    }
}
