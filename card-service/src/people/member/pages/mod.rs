//! The staff's pages: who works where, and who is added. One member: [`one`].

pub mod one;

use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use card_schema::ids::OrganisationId;

use super::model::{self, Member};
use super::{Added, New, add as add_member, store};
use crate::app::App;
use crate::console::frame::{Frame, role_key};
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::page;
use crate::console::register::{FormPage, Line, Link, ListPage, OncePage, Typed, Wrong, message, typed};
use crate::console::view::{Choice, Tag};
use crate::db::{Connection, DbError};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::people::organisation::{self, Kind};
use crate::people::{StaffId, StaffRole};

const LIST: &str = "/staff";
/// What is sent where no station is chosen.
const NO_STATION: &str = "none";

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 4] {
    let [work, sign_in] = one::routes();
    [(LIST, get(list)), ("/staff/new", get(blank).post(add)), work, sign_in]
}

fn to_list(locale: Locale) -> Link {
    Link { to: LIST.to_owned(), text: locale.text("staff-title") }
}

/// How somebody stands, in words.
pub fn state(locale: Locale, state: model::State) -> Tag {
    let (key, tone) = match state {
        model::State::Waiting => ("staff-waiting", Tone::Wait),
        model::State::Working => ("staff-working", Tone::Ok),
        model::State::Suspended => ("staff-suspended", Tone::No),
    };
    Tag { text: locale.text(key), tone }
}

/// What the pages ask for, with what was typed and what is wrong with it.
struct Fields<'a> {
    locale: Locale,
    stations: &'a [organisation::Organisation],
    wrong: Wrong,
}

impl Fields<'_> {
    fn message(&self, field: &str) -> Option<String> {
        message(self.locale, self.wrong, field)
    }

    fn role(&self, chosen: &str) -> Input {
        let roles = StaffRole::ALL.map(|role| Choice {
            hint: self.locale.text(&format!("staff-role-{}-hint", role.name().replace('_', "-"))),
            ..Choice::new(role.name(), self.locale.text(role_key(role)))
        });
        Input::choice("role", self.locale.text("staff-role"), roles.into(), chosen).wrong(self.message("role"))
    }

    fn station(&self, chosen: Option<&str>) -> Input {
        let named = |station: &organisation::Organisation| {
            Choice::new(station.organisation_id.to_string(), station.name.clone())
        };
        let none = Choice::new(NO_STATION, self.locale.text("staff-station-none"));
        let stations = self.stations.iter().map(named).chain([none]).collect();
        Input::choice("station", self.locale.text("staff-station"), stations, chosen.unwrap_or(NO_STATION))
            .wrong(self.message("station"))
    }
}

/// Where somebody who has one of these roles may work.
async fn stations(
    connection: &mut Connection,
    roles: &[StaffRole],
) -> Result<Vec<organisation::Organisation>, DbError> {
    let all = organisation::store::all(connection).await?;
    let is_work = |kind| roles.iter().any(|role| kind == Some(Kind::of_work(*role)));
    let stations = all.into_iter().filter(|entry| is_work(entry.kind) && !entry.closed);
    Ok(stations.map(|entry| entry.organisation).collect())
}

fn station_of(form: &Typed) -> Result<Option<OrganisationId>, (&'static str, &'static str)> {
    match typed(form, "station") {
        "" | NO_STATION => Ok(None),
        id => id.parse().map(Some).map_err(|_| ("station", "staff-station-missing")),
    }
}

async fn list(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    let locale = language(&headers);
    let found = store::all(&mut app.db.read().await?).await?;
    let line = |member: Member| Line {
        to: format!("{LIST}/{}", member.staff.staff_id.0),
        cells: vec![
            member.station.unwrap_or_else(|| locale.text("staff-station-none")),
            locale.text(role_key(member.staff.role)),
        ],
        name: member.staff.name,
        state: state(locale, member.post.state),
    };
    page(&ListPage {
        title: locale.text("staff-title"),
        lead: locale.text("staff-lead"),
        add: Some(Link { to: format!("{LIST}/new"), text: locale.text("staff-add") }),
        columns: ["staff-name", "staff-station", "staff-role", "people-state"].map(|key| locale.text(key)).into(),
        lines: found.into_iter().map(line).collect(),
        none: String::new(),
        frame: Frame::new(locale, LIST, Some(&who.0)),
    })
}

async fn form(app: &App, who: &SignedIn, locale: Locale, so_far: &Typed, wrong: Wrong) -> Result<Response, Refusal> {
    let stations = stations(&mut app.db.read().await?, &StaffRole::ALL).await?;
    let fields = Fields { locale, stations: &stations, wrong };
    let action = format!("{LIST}/new");
    let name = Input::text("name", locale.text("staff-name"), typed(so_far, "name"));
    FormPage {
        frame: Frame::new(locale, action.clone(), Some(&who.0)),
        back: Some(to_list(locale)),
        action,
        title: locale.text("staff-add"),
        lead: locale.text("staff-add-lead"),
        inputs: vec![
            name.hint(locale.text("staff-name-hint")).wrong(fields.message("name")),
            fields.role(typed(so_far, "role")),
            fields.station(so_far.get("station").map(String::as_str)),
        ],
        button: locale.text("people-add"),
    }
    .answer()
}

async fn blank(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    form(&app, &who, language(&headers), &Typed::new(), None).await
}

/// What was typed, where it can be taken.
fn checked(form: &Typed) -> Result<New, (&'static str, &'static str)> {
    let name = model::name(typed(form, "name")).ok_or(("name", "staff-name-bad"))?.to_owned();
    let role = StaffRole::from_name(typed(form, "role")).ok_or(("role", "staff-role-missing"))?;
    Ok(New { name, role, organisation: station_of(form)? })
}

async fn add(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    let locale = language(&headers);
    let added = match checked(&typed) {
        Ok(new) => add_member(&app, who.0.staff_id, new).await?,
        Err(wrong) => Err(wrong),
    };
    match added {
        Ok(Added { staff_id, first_password, waits }) => {
            let key = if waits.is_some() { "staff-first-password-waits" } else { "staff-first-password-lead" };
            page(&password_page(Frame::new(locale, LIST, Some(&who.0)), staff_id, first_password, key))
        }
        Err(wrong) => form(&app, &who, locale, &typed, Some(wrong)).await,
    }
}

fn password_page(frame: Frame, of: StaffId, password: zeroize::Zeroizing<String>, lead: &str) -> OncePage {
    OncePage {
        title: frame.t("staff-first-password"),
        lead: frame.t(lead),
        secrets: vec![password],
        next: Link { to: format!("{LIST}/{}", of.0), text: frame.t("staff-first-password-next") },
        frame,
    }
}
