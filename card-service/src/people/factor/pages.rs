//! The pages on which a code is shown at sign-in, and on which somebody sets up what makes the codes.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::wire::ProblemType;
use serde::Deserialize;

use super::{Confirmed, Outcome, Setup, begin, confirm, remove, show, store};
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::{Tone, own_path};
use crate::console::pages::form_urlencoded;
use crate::console::register::{Act, FormPage, Link, OncePage, ThingPage, Typed, typed};
use crate::console::view::{Tag, day, minute};
use crate::console::{asking, page};
use crate::http::{AtTheDoor, Refusal, language};
use crate::i18n::Locale;
use crate::people::model::Owed;
use crate::people::session::Open;

const SETUP: &str = "/account/second-factor";
const CODE: &str = "/sign-in/code";

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    [(CODE, get(ask).post(shown)), (SETUP, get(standing).post(change))]
}

fn code_input(locale: Locale, key: &str, wrong: Option<String>) -> Input {
    let asked = Input::text("code", locale.text(key), "").hint(locale.text(&format!("{key}-hint")));
    Input { autocomplete: "one-time-code", ..asked }.wrong(wrong)
}

/// What is wrong with a code, in words; nothing of one that is right.
fn wrong(locale: Locale, outcome: Outcome) -> Option<String> {
    match outcome {
        Outcome::Right => None,
        Outcome::Wrong => Some(locale.text("factor-code-wrong")),
        Outcome::TooMany(until) => Some(locale.text_with("factor-code-too-many", &[("at", &minute(until))])),
    }
}

#[derive(Deserialize)]
struct To {
    #[serde(default)]
    to: String,
}

fn ask_page(locale: Locale, to: &str, wrong: Option<String>) -> FormPage {
    let action = format!("{CODE}?to={}", form_urlencoded(own_path(to)));
    FormPage {
        frame: Frame::new(locale, action.clone(), None),
        back: Some(Link { to: "/sign-in".to_owned(), text: locale.text("console-sign-in-title") }),
        action,
        title: locale.text("factor-ask"),
        lead: locale.text("factor-ask-lead"),
        inputs: vec![code_input(locale, "factor-code", wrong)],
        button: locale.text("console-sign-in-button"),
    }
}

async fn ask(door: AtTheDoor, headers: HeaderMap, Query(To { to }): Query<To>) -> Result<Response, Refusal> {
    if door.0.owed != Some(Owed::Code) {
        return Ok(Redirect::to(own_path(&to)).into_response());
    }
    ask_page(language(&headers), &to, None).answer()
}

async fn shown(
    State(app): State<App>,
    door: AtTheDoor,
    headers: HeaderMap,
    Query(To { to }): Query<To>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    let outcome = match door.0.owed {
        Some(Owed::Code) => show(&app, &door.0, typed(&form, "code")).await?,
        _ => Outcome::Right,
    };
    let locale = language(&headers);
    match wrong(locale, outcome) {
        None => Ok(Redirect::to(own_path(&to)).into_response()),
        Some(wrong) => ask_page(locale, &to, Some(wrong)).answer(),
    }
}

/// The secret, while it is set up.
#[derive(Debug, Template)]
#[template(path = "console/second_factor.html")]
struct SetupPage {
    frame: Frame,
    setup: Setup,
    groups: Vec<String>,
    inputs: Vec<Input>,
}

impl SetupPage {
    fn new(locale: Locale, session: &Open, setup: Setup, wrong: Option<String>) -> Self {
        let letters: Vec<char> = setup.secret.chars().collect();
        Self {
            frame: Frame::new(locale, SETUP, Some(&session.staff)),
            groups: letters.chunks(4).map(|group| group.iter().collect()).collect(),
            setup,
            inputs: vec![code_input(locale, "factor-first-code", wrong)],
        }
    }

    fn is_wrong(&self) -> bool {
        self.inputs.iter().any(Input::is_wrong)
    }
}

/// How somebody's second factor stands: since when it is on, and how many recovery codes are left.
type Standing = Option<(card_schema::clock::Micros, i64)>;

fn standing_page(locale: Locale, session: &Open, on: Standing, wrong: Option<String>) -> ThingPage {
    let t = |key: &str| locale.text(key);
    let act = |name: &'static str, inputs| Act {
        name,
        title: t(&format!("factor-{name}")),
        hint: Some(t(&format!("factor-{name}-hint"))),
        inputs,
        button: t(&format!("factor-{name}-button")),
        primary: name == "begin",
    };
    let (state, act) = match on {
        Some(_) => {
            (Tag { text: t("factor-on"), tone: Tone::Ok }, act("renew", vec![code_input(locale, "factor-code", wrong)]))
        }
        None => (Tag { text: t("factor-off"), tone: Tone::Idle }, act("begin", Vec::new())),
    };
    let mut facts = vec![(t("staff-name"), session.staff.name.clone())];
    if let Some((since, left)) = on {
        facts.push((t("staff-since"), day(since)));
        facts.push((t("factor-recovery-left"), left.to_string()));
    } else if session.owed == Some(Owed::SecondFactor) {
        facts.push((t("factor-why"), t("account-owes-second-factor")));
    }
    ThingPage {
        frame: Frame::new(locale, SETUP, Some(&session.staff)),
        back: Link::home(locale),
        action: SETUP.to_owned(),
        title: t("factor-title"),
        state,
        facts,
        along: Vec::new(),
        links: Vec::new(),
        refused: None,
        acts: vec![act],
    }
}

async fn stands(app: &App, session: &Open, locale: Locale, wrong: Option<String>) -> Result<Response, Refusal> {
    let (mut connection, who) = (app.db.read().await?, session.staff.staff_id);
    let on = match store::one(&mut connection, who).await?.filter(|factor| factor.on) {
        Some(factor) => Some((factor.changed_at, store::recovery_codes(&mut connection, who).await?)),
        None => None,
    };
    let is_wrong = wrong.is_some();
    asking(&standing_page(locale, session, on, wrong), is_wrong)
}

async fn standing(State(app): State<App>, door: AtTheDoor, headers: HeaderMap) -> Result<Response, Refusal> {
    let session = door.owing_at_most(&[Owed::SecondFactor])?;
    stands(&app, &session, language(&headers), None).await
}

async fn change(
    State(app): State<App>,
    door: AtTheDoor,
    headers: HeaderMap,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    let session = door.owing_at_most(&[Owed::SecondFactor])?;
    let (locale, code) = (language(&headers), typed(&form, "code"));
    let name = locale.text("console-name");
    match typed(&form, "act") {
        "begin" => page(&SetupPage::new(locale, &session, begin(&app, &session, &name).await?, None)),
        "confirm" => match confirm(&app, &session, code, &name).await? {
            Confirmed::On(codes) => page(&codes_page(Frame::new(locale, SETUP, Some(&session.staff)), codes)),
            Confirmed::Wrong(setup) => {
                let wrong = Some(locale.text("factor-code-wrong"));
                asking(&SetupPage::new(locale, &session, setup, wrong), true)
            }
            Confirmed::Nothing => Ok(Redirect::to(SETUP).into_response()),
        },
        "renew" => match wrong(locale, remove(&app, &session, code).await?) {
            None => Ok(Redirect::to(SETUP).into_response()),
            wrong => stands(&app, &session, locale, wrong).await,
        },
        _ => Err(Refusal::new(ProblemType::MalformedRequest)),
    }
}

fn codes_page(frame: Frame, codes: Vec<zeroize::Zeroizing<String>>) -> OncePage {
    OncePage {
        title: frame.t("factor-recovery"),
        lead: frame.t("factor-recovery-lead"),
        secrets: codes,
        next: Link { to: "/".to_owned(), text: frame.t("factor-recovery-next") },
        frame,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use card_schema::clock::Micros;

    use super::super::{setup, totp};
    use super::*;
    use crate::people::{Staff, StaffId, StaffRole};

    /// The pages in every state that they have.
    pub(crate) fn pages(locale: Locale) -> Vec<(String, String)> {
        const NOW: Micros = Micros(1_790_000_000_000_000);
        let session = |owed| Open {
            staff: Staff { staff_id: StaffId(uuid::Uuid::nil()), name: "test-admin".into(), role: StaffRole::Auditor },
            owed,
            token_hash: [0; 32],
        };
        let mut pages = Vec::new();
        for (name, outcome) in [("asked", Outcome::Right), ("wrong", Outcome::Wrong), ("many", Outcome::TooMany(NOW))] {
            let html = ask_page(locale, "/find", wrong(locale, outcome)).render().unwrap();
            pages.push((format!("code-{name}"), html));
            let shown = setup("New Resident Card", &totp(&[7; 20]), "test-admin");
            let html = SetupPage::new(locale, &session(None), shown, wrong(locale, outcome)).render().unwrap();
            pages.push((format!("setup-{name}"), html));
            let html = standing_page(locale, &session(None), Some((NOW, 9)), wrong(locale, outcome)).render().unwrap();
            pages.push((format!("second-{name}"), html));
        }
        let owed = standing_page(locale, &session(Some(Owed::SecondFactor)), None, None).render().unwrap();
        pages.push(("second-owed".to_owned(), owed));
        let codes = vec!["abcd-efgh-jkmn-pqrs".to_owned().into(); 10];
        let once = codes_page(Frame::new(locale, SETUP, None), codes).render().unwrap();
        pages.push(("recovery".to_owned(), once));
        pages
    }
}
