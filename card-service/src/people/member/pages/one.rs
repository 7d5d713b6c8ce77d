//! One member of staff: what they work as and where, and on a page of its own how they sign in.

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::clock::Micros;
use card_schema::wire::ProblemType;
use uuid::Uuid;

use super::super::card::{self, READER, TheirCard};
use super::super::model::{self, Member, Past, Wish};
use super::super::{Done, Undone, change as change_member, store, unknown};
use super::{Fields, LIST, password_page, state, station_of, stations, to_list};
use crate::app::App;
use crate::console::frame::{Frame, role_key};
use crate::console::input::Input;
use crate::console::register::{Act, Link, ThingPage, Typed, Wrong, refused, typed};
use crate::console::view::{day, minute};
use crate::console::{asking, overtaken, page};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::people::organisation;
use crate::people::{StaffId, StaffRole};

/// How much of what was done with somebody is shown.
const HISTORY_SHOWN: u32 = 20;

/// What one of the two pages is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// What they work as, where, and whether they may.
    Work,
    /// How they sign in: password, second factor, card.
    SignIn,
}

impl Side {
    /// On which page something is done.
    fn of(act: &str) -> Option<Self> {
        match act {
            "role" | "move" | "admit" | "suspend" | "resume" => Some(Self::Work),
            "password" | "second_factor" | "sign_out" | card::ISSUE | card::LOST | card::SIGN_IN => Some(Self::SignIn),
            _ => None,
        }
    }

    /// The page.
    fn path(self, of: StaffId) -> String {
        match self {
            Self::Work => format!("{LIST}/{}", of.0),
            Self::SignIn => sign_in_path(of),
        }
    }
}

/// The page of how somebody signs in.
pub fn sign_in_path(of: StaffId) -> String {
    format!("{LIST}/{}/sign-in", of.0)
}

/// The pages by their paths.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    [
        ("/staff/{staff_id}", get(work).post(change_work)),
        ("/staff/{staff_id}/sign-in", get(sign_in).post(change_sign_in)),
    ]
}

/// A member of staff with what the page says of them.
struct Shown {
    member: Member,
    last_sign_in: Option<Micros>,
    stations: Vec<organisation::Organisation>,
    card: TheirCard,
    /// Whether it is whoever looks.
    own: bool,
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

/// What can be done with somebody on one of their pages; about themselves an administrator does less.
fn acts(shown: &Shown, side: Side, again: Option<&Typed>, fields: &Fields<'_>) -> Vec<Act> {
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
    let mut acts = Vec::new();
    match side {
        Side::Work => {
            if !shown.own {
                acts.push(act("role", vec![fields.role(chosen("role").unwrap_or(staff.role.name()))], true));
            }
            let station = post.organisation.map(|id| id.to_string());
            acts.push(act("move", vec![fields.station(chosen("station").or(station.as_deref()))], true));
            if !shown.own {
                acts.push(match post.state {
                    model::State::Waiting => act("admit", Vec::new(), false),
                    model::State::Working => act("suspend", Vec::new(), false),
                    model::State::Suspended => act("resume", Vec::new(), false),
                });
            }
        }
        Side::SignIn => {
            let works = post.state == model::State::Working;
            let about_card = shown.card.acts(works, fields.locale, chosen(READER), fields.message(READER));
            acts.extend(about_card.into_iter().map(|(name, inputs)| act(name, inputs, false)));
            if !shown.own {
                acts.push(act("password", Vec::new(), false));
                if shown.member.second_factor {
                    acts.push(act("second_factor", Vec::new(), false));
                }
            }
            acts.push(act("sign_out", Vec::new(), false));
        }
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

/// What is known of somebody on one of their pages.
fn facts(locale: Locale, shown: &Shown, side: Side) -> Vec<(String, String)> {
    let t = |key: &str| locale.text(key);
    let Member { staff, post, station, second_factor } = &shown.member;
    match side {
        Side::Work => {
            let mut facts = vec![
                (t("staff-role"), t(role_key(staff.role))),
                (t("staff-station"), station.clone().unwrap_or_else(|| t("staff-station-none"))),
            ];
            if post.since.0 > 0 {
                facts.push((t("staff-since"), day(post.since)));
            }
            facts.extend(shown.history.iter().map(|past| {
                let mut what = what(locale, past);
                let deed = what.remove(0);
                let said: Vec<_> = [minute(past.at), who(locale, past)].into_iter().chain(what).collect();
                (deed, said.join(&t("console-list-comma")))
            }));
            facts
        }
        Side::SignIn => vec![
            (t("staff-last-sign-in"), shown.last_sign_in.map_or_else(|| t("staff-never"), day)),
            (t("staff-card"), shown.card.text(locale)),
            (t("factor-title"), t(if *second_factor { "factor-on" } else { "factor-off" })),
        ],
    }
}

fn thing(frame: Frame, shown: &Shown, side: Side, again: Option<Refused<'_>>) -> ThingPage {
    let locale = frame.locale();
    let fields = Fields { locale, stations: &shown.stations, wrong: again.and_then(|again| again.wrong()) };
    let staff = &shown.member.staff;
    let acts = acts(shown, side, again.map(|again| again.form), &fields);
    let (back, title, links) = match side {
        Side::Work => {
            let sign_in = Link { to: sign_in_path(staff.staff_id), text: locale.text("staff-sign-in") };
            (to_list(locale), staff.name.clone(), vec![sign_in])
        }
        Side::SignIn => {
            let back = Link { to: Side::Work.path(staff.staff_id), text: staff.name.clone() };
            (back, locale.text_with("staff-sign-in-of", &[("name", &staff.name)]), Vec::new())
        }
    };
    ThingPage {
        back,
        action: side.path(staff.staff_id),
        title,
        state: state(locale, shown.member.post.state),
        facts: facts(locale, shown, side),
        links,
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
    (id, side): (StaffId, Side),
    again: Option<Refused<'_>>,
) -> Result<Response, Refusal> {
    let card = TheirCard::load(app, who.0.staff_id, id).await?;
    let mut connection = app.db.read().await?;
    let member = store::one(&mut connection, id).await?.ok_or_else(unknown)?;
    let shown = Shown {
        last_sign_in: store::last_sign_in(&mut connection, id).await?,
        stations: stations(&mut connection, &[member.staff.role]).await?,
        member,
        card,
        own: who.0.staff_id == id,
        history: store::history(&mut connection, id, HISTORY_SHOWN).await?,
    };
    let frame = Frame::new(language(headers), side.path(id), Some(&who.0));
    let page = thing(frame, &shown, side, again);
    match again.map(|again| again.why) {
        Some(Undone::Meanwhile(_)) => overtaken(&page),
        Some(Undone::Wrong(_)) => asking(&page, true),
        None => asking(&page, false),
    }
}

async fn work(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    shown(&app, &who, &headers, (StaffId(id), Side::Work), None).await
}

async fn sign_in(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    shown(&app, &who, &headers, (StaffId(id), Side::SignIn), None).await
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

async fn change_work(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    change(&app, &who, &headers, (StaffId(id), Side::Work), &form).await
}

async fn change_sign_in(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    change(&app, &who, &headers, (StaffId(id), Side::SignIn), &form).await
}

/// Does what a form of one of the pages wishes for.
async fn change(
    app: &App,
    who: &SignedIn,
    headers: &HeaderMap,
    at: (StaffId, Side),
    form: &Typed,
) -> Result<Response, Refusal> {
    let ((about, side), by) = (at, who.0.staff_id);
    if Side::of(typed(form, "act")) != Some(side) {
        return Err(Refusal::new(ProblemType::MalformedRequest));
    }
    match card::change(app, by, about, (form, language(headers))).await? {
        Some(Ok(to)) => return Ok(Redirect::to(&to).into_response()),
        Some(Err(wrong)) => {
            let again = Refused { form, why: &Undone::Wrong(wrong) };
            return shown(app, who, headers, at, Some(again)).await;
        }
        None => {}
    }
    let done = match wish(app, about, form).await? {
        // Who does not say what was known knew of nothing.
        Ok(Some(wish)) => change_member(app, by, about, wish, typed(form, "seen").parse().unwrap_or(0)).await?,
        Ok(None) => return Err(Refusal::new(ProblemType::MalformedRequest)),
        Err(wrong) => Err(Undone::Wrong(wrong)),
    };
    match done {
        Ok(Done::Now) => Ok(Redirect::to(&side.path(about)).into_response()),
        Ok(Done::Waits(request)) => Ok(Redirect::to(&format!("/approvals/{request}")).into_response()),
        Ok(Done::Password(password)) => {
            let frame = Frame::new(language(headers), LIST, Some(&who.0));
            page(&password_page(frame, about, password, "staff-first-password-lead"))
        }
        Err(why) => shown(app, who, headers, at, Some(Refused { form, why: &why })).await,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use askama::Template as _;
    use card_schema::ids::OrganisationId;

    use super::super::super::model::{Post, State as Stands};
    use super::*;
    use crate::cards::CardState;
    use crate::console::view::Choice;
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
            own: since == 0,
            history: if since > 0 { history() } else { Vec::new() },
        };
        let at = 1_790_000_000_000_000;
        let with_card = |state, signs_in| {
            let shown = shown(Stands::Working, at);
            Shown { card: shown.card.clone().with(state, signs_in), ..shown }
        };
        let table = [
            ("card-new", with_card(CardState::Active, false), Side::SignIn, None),
            (
                "card-signs-in",
                with_card(CardState::Active, true),
                Side::SignIn,
                Some(("terminal_id", "console-issue-desk-missing")),
            ),
            ("card-lost", with_card(CardState::Lost, true), Side::SignIn, Some((card::LOST, "staff-card-not-in-use"))),
            ("sign-in-own", shown(Stands::Working, 0), Side::SignIn, None),
            ("working", shown(Stands::Working, at), Side::Work, None),
            ("own", shown(Stands::Working, 0), Side::Work, None),
            ("suspended", shown(Stands::Suspended, at), Side::Work, None),
            ("waiting", shown(Stands::Waiting, at), Side::Work, None),
            ("role-wrong", shown(Stands::Working, at), Side::Work, Some(("role", "staff-role-missing"))),
            ("overtaken", shown(Stands::Working, at), Side::Work, Some(("suspend", "staff-changed-meanwhile"))),
        ];
        let table = table.map(|(name, shown, side, wrong)| (name, shown, side, wrong.map(Undone::Wrong)));
        let meanwhile = Some(Undone::Meanwhile(history().remove(0)));
        let table = table.into_iter().chain([("meanwhile", shown(Stands::Working, at), Side::Work, meanwhile)]);
        let mut pages = Vec::new();
        let form = Typed::from([("act".to_owned(), "role".to_owned()), ("role".to_owned(), "auditor".to_owned())]);
        for (name, shown, side, why) in table {
            let again = why.as_ref().map(|why| Refused { form: &form, why });
            let html = thing(frame.clone(), &shown, side, again).render().unwrap();
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
