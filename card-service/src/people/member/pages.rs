//! The staff's pages: who works where, one member, and what an administrator does about them.

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::clock::Micros;
use card_schema::ids::OrganisationId;
use card_schema::wire::ProblemType;
use uuid::Uuid;

use super::card::{self, READER, TheirCard};
use super::model::{self, Member, Past, Wish};
use super::{Added, Done, New, Undone, add as add_member, change as change_member, store, unknown};
use crate::app::App;
use crate::console::frame::{Frame, role_key};
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::register::{
    Act, FormPage, Line, Link, ListPage, OncePage, ThingPage, Typed, Wrong, message, refused, typed,
};
use crate::console::view::{Choice, Tag, day, minute};
use crate::console::{asking, overtaken, page};
use crate::db::{Connection, DbError};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::people::organisation::{self, Kind};
use crate::people::{StaffId, StaffRole};

const LIST: &str = "/staff";
/// How much of what was done with somebody is shown.
const HISTORY_SHOWN: u32 = 20;
/// What is sent where no station is chosen.
const NO_STATION: &str = "none";

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 3] {
    [(LIST, get(list)), ("/staff/new", get(blank).post(add)), ("/staff/{staff_id}", get(show).post(change))]
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
            hint: self.locale.text(&format!("staff-role-{}-hint", role.name())),
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

/// Where staff may work.
async fn stations(connection: &mut Connection) -> Result<Vec<organisation::Organisation>, DbError> {
    let all = organisation::store::all(connection).await?;
    let stations = all.into_iter().filter(|entry| entry.kind == Some(Kind::Station) && !entry.closed);
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
    let stations = stations(&mut app.db.read().await?).await?;
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

/// A member of staff with what the page says of them.
struct Shown {
    member: Member,
    last_sign_in: Option<Micros>,
    stations: Vec<organisation::Organisation>,
    card: TheirCard,
    /// What was done with them, newest first.
    history: Vec<Past>,
}

/// What was done, as far as it is not who did it and when, and what somebody got by it.
fn what(locale: Locale, past: &Past) -> Vec<String> {
    let got = past.role.map(|role| locale.text(role_key(role)));
    let said = [Some(locale.text(&format!("staff-deed-{}", past.deed))), got, past.station.clone()];
    said.into_iter().flatten().collect()
}

fn who(locale: Locale, past: &Past) -> String {
    past.staff.clone().unwrap_or_else(|| locale.text("staff-deed-by-machine"))
}

/// What can be done with somebody; about themselves an administrator does less.
fn acts(shown: &Shown, own: bool, again: Option<&Typed>, fields: &Fields<'_>) -> Vec<Act> {
    let t = |key: &str| fields.locale.text(key);
    let act = |name: &'static str, inputs: Vec<Input>, primary: bool| Act {
        name,
        title: t(&format!("staff-act-{name}")),
        hint: Some(t(&format!("staff-act-{name}-hint"))),
        inputs,
        button: t(&format!("staff-act-{name}-button")),
        primary,
    };
    let Member { staff, post, .. } = &shown.member;
    // What was chosen stays chosen; a form asks for one of the two.
    let chosen = |name: &str| again.and_then(|form| form.get(name)).map(String::as_str);
    let role = chosen("role").unwrap_or(staff.role.name());
    let station = post.organisation.map(|id| id.to_string());
    let station = chosen("station").or(station.as_deref());
    let mut acts = Vec::new();
    if !own {
        acts.push(act("role", vec![fields.role(role)], true));
    }
    acts.push(act("move", vec![fields.station(station)], true));
    let works = post.state == model::State::Working;
    let about_card = shown.card.acts(works, fields.locale, chosen(READER), fields.message(READER));
    acts.extend(about_card.into_iter().map(|(name, inputs)| act(name, inputs, false)));
    acts.push(act("sign_out", Vec::new(), false));
    if !own {
        acts.push(act("password", Vec::new(), false));
        if shown.member.second_factor {
            acts.push(act("second_factor", Vec::new(), false));
        }
        acts.push(match post.state {
            model::State::Waiting => act("admit", Vec::new(), false),
            model::State::Working => act("suspend", Vec::new(), false),
            model::State::Suspended => act("resume", Vec::new(), false),
        });
    }
    acts
}

/// What came of a form that did nothing.
#[derive(Clone, Copy)]
struct Refused<'a> {
    form: &'a Typed,
    why: &'a Undone,
}

impl Refused<'_> {
    const fn wrong(&self) -> Wrong {
        match self.why {
            Undone::Wrong(wrong) => Some(*wrong),
            Undone::Meanwhile(_) => None,
        }
    }

    /// What could not be done, where it is no field that is wrong.
    fn said(&self, locale: Locale, acts: &[Act]) -> Option<(&'static str, String)> {
        match self.why {
            Undone::Wrong(wrong) => refused(locale, Some(*wrong), acts),
            Undone::Meanwhile(past) => {
                let tried = acts.iter().find(|act| act.name == typed(self.form, "act")).or(acts.first());
                let what = what(locale, past).join(&locale.text("console-list-comma"));
                let (staff, at) = (who(locale, past), minute(past.at));
                let known = [("staff", staff.as_str()), ("at", &at), ("what", &what)];
                Some((tried.map_or("main", |act| act.name), locale.text_with("staff-meanwhile", &known)))
            }
        }
    }
}

fn thing(frame: Frame, shown: &Shown, own: bool, again: Option<Refused<'_>>) -> ThingPage {
    let locale = frame.locale();
    let fields = Fields { locale, stations: &shown.stations, wrong: again.and_then(|again| again.wrong()) };
    let t = |key: &str| locale.text(key);
    let Member { staff, post, station, second_factor } = &shown.member;
    let acts = acts(shown, own, again.map(|again| again.form), &fields);
    let mut facts = vec![
        (t("staff-role"), t(role_key(staff.role))),
        (t("staff-station"), station.clone().unwrap_or_else(|| t("staff-station-none"))),
        (t("staff-last-sign-in"), shown.last_sign_in.map_or_else(|| t("staff-never"), day)),
    ];
    facts.push((t("staff-card"), shown.card.text(locale)));
    facts.push((t("factor-title"), t(if *second_factor { "factor-on" } else { "factor-off" })));
    if post.since.0 > 0 {
        facts.push((t("staff-since"), day(post.since)));
    }
    facts.extend(shown.history.iter().map(|past| {
        let mut what = what(locale, past);
        let deed = what.remove(0);
        let said: Vec<_> = [minute(past.at), who(locale, past)].into_iter().chain(what).collect();
        (deed, said.join(&t("console-list-comma")))
    }));
    ThingPage {
        back: to_list(locale),
        action: format!("{LIST}/{}", staff.staff_id.0),
        title: staff.name.clone(),
        state: state(locale, post.state),
        facts,
        refused: again.and_then(|again| again.said(locale, &acts)),
        // Sent once more, it is meant.
        along: vec![("seen", shown.history.first().map_or(0, |newest| newest.leaf).to_string())],
        acts,
        frame,
    }
}

async fn shown(
    app: &App,
    who: &SignedIn,
    headers: &HeaderMap,
    id: StaffId,
    again: Option<Refused<'_>>,
) -> Result<Response, Refusal> {
    let card = TheirCard::load(app, id).await?;
    let mut connection = app.db.read().await?;
    let shown = Shown {
        member: store::one(&mut connection, id).await?.ok_or_else(unknown)?,
        last_sign_in: store::last_sign_in(&mut connection, id).await?,
        stations: stations(&mut connection).await?,
        card,
        history: store::history(&mut connection, id, HISTORY_SHOWN).await?,
    };
    let frame = Frame::new(language(headers), format!("{LIST}/{}", id.0), Some(&who.0));
    let page = thing(frame, &shown, who.0.staff_id == id, again);
    match again.map(|again| again.why) {
        Some(Undone::Meanwhile(_)) => overtaken(&page),
        Some(Undone::Wrong(_)) => asking(&page, true),
        None => asking(&page, false),
    }
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    shown(&app, &who, &headers, StaffId(id), None).await
}

/// What is wished for in a form, if anything is.
async fn wish(
    app: &App,
    about: StaffId,
    form: &Typed,
) -> Result<Result<Option<Wish>, (&'static str, &'static str)>, Refusal> {
    if typed(form, "act") == card::SIGN_IN {
        let card = card::in_use(app, about).await?.ok_or((card::SIGN_IN, "staff-card-not-in-use"));
        return Ok(card.map(|card| Some(Wish::SignInWithCard(card))));
    }
    Ok(plain_wish(form))
}

fn plain_wish(form: &Typed) -> Result<Option<Wish>, (&'static str, &'static str)> {
    Ok(Some(match typed(form, "act") {
        "role" => Wish::Role(StaffRole::from_name(typed(form, "role")).ok_or(("role", "staff-role-missing"))?),
        "move" => Wish::Move(station_of(form)?),
        "admit" => Wish::Admit,
        "suspend" => Wish::Suspend,
        "resume" => Wish::Resume,
        "password" => Wish::GivePassword,
        "second_factor" => Wish::TakeSecondFactor,
        "sign_out" => Wish::SignOut,
        _ => return Ok(None),
    }))
}

async fn change(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    let about = StaffId(id);
    match card::change(&app, who.0.staff_id, about, (&form, language(&headers))).await? {
        Some(Ok(to)) => return Ok(Redirect::to(&to).into_response()),
        Some(Err(wrong)) => {
            let again = Refused { form: &form, why: &Undone::Wrong(wrong) };
            return shown(&app, &who, &headers, about, Some(again)).await;
        }
        None => {}
    }
    let done = match wish(&app, about, &form).await? {
        // Who does not say what was known knew of nothing.
        Ok(Some(wish)) => {
            let seen = typed(&form, "seen").parse().unwrap_or(0);
            change_member(&app, who.0.staff_id, about, wish, seen).await?
        }
        Ok(None) => return Err(Refusal::new(ProblemType::MalformedRequest)),
        Err(wrong) => Err(Undone::Wrong(wrong)),
    };
    match done {
        Ok(Done::Now) => Ok(Redirect::to(&format!("{LIST}/{id}")).into_response()),
        Ok(Done::Waits(request)) => Ok(Redirect::to(&format!("/approvals/{request}")).into_response()),
        Ok(Done::Password(password)) => {
            let frame = Frame::new(language(&headers), LIST, Some(&who.0));
            page(&password_page(frame, about, password, "staff-first-password-lead"))
        }
        Err(why) => shown(&app, &who, &headers, about, Some(Refused { form: &form, why: &why })).await,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use askama::Template as _;

    use super::super::model::{Post, State as Stands};
    use super::*;
    use crate::cards::CardState;
    use crate::people::Staff;

    fn history() -> Vec<Past> {
        let past = |deed: &str, role, station: Option<&str>, staff: Option<&str>| Past {
            leaf: 7,
            at: Micros(1_790_000_000_000_000),
            deed: deed.to_owned(),
            role,
            station: station.map(str::to_owned),
            staff: staff.map(str::to_owned),
        };
        let deeds = ["added", "admit", "suspend", "resume", "password", "second_factor", "sign_out"];
        let (role, station, admin) = (Some(StaffRole::Clerk), Some("测试服务站"), Some("test-admin"));
        let mut all = vec![past("role", role, None, admin), past("move", None, station, admin)];
        all.extend(deeds.map(|deed| past(deed, None, None, None)));
        all
    }

    /// The page of a member of staff in every state that it has.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let station = organisation::Organisation {
            organisation_id: OrganisationId::from_bytes([7; 16]),
            name: "测试服务站".to_owned(),
        };
        let shown = |state, since: i64| Shown {
            member: Member {
                staff: Staff { staff_id: StaffId(Uuid::nil()), name: "test-clerk".into(), role: StaffRole::Clerk },
                post: Post { state, ..Post::working(Micros(since)) },
                station: (since > 0).then(|| station.name.clone()),
                second_factor: since > 0,
            },
            last_sign_in: (since > 0).then_some(Micros(since)),
            stations: vec![station.clone()],
            card: TheirCard { card: None, desks: vec![Choice::new("x", "测试台".to_owned())] },
            history: if since > 0 { history() } else { Vec::new() },
        };
        let at = 1_790_000_000_000_000;
        let with_card = |state, signs_in| {
            let shown = shown(Stands::Working, at);
            Shown { card: shown.card.clone().with(state, signs_in), ..shown }
        };
        let table = [
            ("card-new", with_card(CardState::Active, false), false, None),
            (
                "card-signs-in",
                with_card(CardState::Active, true),
                false,
                Some(("terminal_id", "console-issue-desk-missing")),
            ),
            ("card-lost", with_card(CardState::Lost, true), false, Some((card::LOST, "staff-card-not-in-use"))),
            ("working", shown(Stands::Working, at), false, None),
            ("own", shown(Stands::Working, 0), true, None),
            ("suspended", shown(Stands::Suspended, at), false, None),
            ("waiting", shown(Stands::Waiting, at), false, None),
            ("role-wrong", shown(Stands::Working, at), false, Some(("role", "staff-role-missing"))),
            ("overtaken", shown(Stands::Working, at), false, Some(("suspend", "staff-changed-meanwhile"))),
        ];
        let table = table.map(|(name, shown, own, wrong)| (name, shown, own, wrong.map(Undone::Wrong)));
        let meanwhile = Some(Undone::Meanwhile(history().remove(0)));
        let table = table.into_iter().chain([("meanwhile", shown(Stands::Working, at), false, meanwhile)]);
        let mut pages = Vec::new();
        let form = Typed::from([("act".to_owned(), "role".to_owned()), ("role".to_owned(), "auditor".to_owned())]);
        for (name, shown, own, why) in table {
            let again = why.as_ref().map(|why| Refused { form: &form, why });
            let html = thing(frame.clone(), &shown, own, again).render().unwrap();
            pages.push((format!("staff-{name}"), html));
        }
        for lead in ["staff-first-password-lead", "staff-first-password-waits"] {
            let word = "abcd-efgh-jkmn-pqrs".to_owned().into();
            let once = password_page(frame.clone(), StaffId(Uuid::nil()), word, lead);
            pages.push((format!("once-{}", lead.len()), once.render().unwrap()));
        }
        pages
    }
}
