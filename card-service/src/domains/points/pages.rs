//! Programmes of points, for whoever runs the installation.

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::Shard;
use card_schema::points::ProgrammeId;
use card_schema::wire::ProblemType;
use uuid::Uuid;

use super::model::{Member, Programme, Programmes, Reach, Rule, TOLD_DAYS};
use super::store;
use super::view::{LIST, Named, columns, inputs, lines, read_member, read_programme, read_rule, thing};
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::register::{FormPage, Link, ListPage, Typed, Wrong, typed};
use crate::console::{asking, page};
use crate::db::{Connection, DbError, Tx};
use crate::http::{Refusal, SignedIn, language};
use crate::people::model::Permission;
use crate::people::{StaffId, organisation};

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 3] {
    [(LIST, get(list)), ("/points/new", get(blank).post(add)), ("/points/{programme_id}", get(show).post(change))]
}

fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "points-unknown")
}

const TAKEN: (&str, &str) = ("name", "points-name-taken");

async fn list(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    let locale = language(&headers);
    let all = store::programmes(&mut app.db.read().await?).await?;
    page(&ListPage {
        title: locale.text("points-title"),
        lead: locale.text("points-lead"),
        add: Some(Link { to: format!("{LIST}/new"), text: locale.text("points-add") }),
        columns: columns(locale),
        lines: lines(locale, &all, app.today()),
        none: locale.text("points-none"),
        frame: Frame::new(locale, LIST, Some(&who.0)),
    })
}

fn form(who: &SignedIn, headers: &HeaderMap, so_far: &Typed, wrong: Wrong) -> Result<Response, Refusal> {
    let (locale, action) = (language(headers), format!("{LIST}/new"));
    FormPage {
        frame: Frame::new(locale, action.clone(), Some(&who.0)),
        back: Some(Link { to: LIST.to_owned(), text: locale.text("points-title") }),
        action,
        title: locale.text("points-add"),
        lead: locale.text("points-add-lead"),
        inputs: inputs(locale, so_far, wrong, true),
        button: locale.text("people-add"),
    }
    .answer()
}

async fn blank(who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    form(&who, &headers, &Typed::new(), None)
}

fn to(id: ProgrammeId) -> Response {
    Redirect::to(&format!("{LIST}/{}", id.0)).into_response()
}

/// Whether another programme has this name.
fn is_taken(all: &Programmes, programme: &Programme) -> bool {
    all.programmes.values().any(|other| other.name == programme.name && other.id != programme.id)
}

async fn add(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Form(sent): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    let read = match read_programme(&sent, ProgrammeId(0), None) {
        Ok(read) => read,
        Err(wrong) => return form(&who, &headers, &sent, Some(wrong)),
    };
    let (now, by) = (app.now(), who.0.staff_id);
    let added = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            let all = store::programmes(tx.conn()).await?;
            let newest = all.programmes.keys().next_back().map_or(0, |id| id.0);
            let programme = Programme { id: ProgrammeId(newest + 1), ..read };
            if is_taken(&all, &programme) {
                return Ok(None);
            }
            store::keep_programme(tx, now, by, &programme).await?;
            Ok(Some(programme.id))
        })
    });
    match added.await? {
        Some(id) => Ok(to(id)),
        None => form(&who, &headers, &sent, Some(TAKEN)),
    }
}

/// Who takes part, or has, by name.
async fn members(connection: &mut Connection, all: &Programmes, id: ProgrammeId) -> Result<Vec<Named>, DbError> {
    let organisations = organisation::store::all(connection).await?;
    let mut named = Vec::new();
    for entry in organisations {
        let of = all.members.get(&entry.organisation.organisation_id).into_iter().flatten();
        if let Some(Member { category, until, .. }) = of.into_iter().find(|member| member.programme == id).cloned() {
            named.push(Named { name: entry.organisation.name, category, until });
        }
    }
    named.sort_unstable_by(|one, other| (one.until.is_some(), &one.name).cmp(&(other.until.is_some(), &other.name)));
    Ok(named)
}

async fn shown(
    app: &App,
    who: &SignedIn,
    headers: &HeaderMap,
    id: ProgrammeId,
    again: Option<&Typed>,
    wrong: Wrong,
) -> Result<Response, Refusal> {
    let mut connection = app.db.read().await?;
    let all = store::programmes(&mut connection).await?;
    let programme = all.programmes.get(&id).ok_or_else(unknown)?;
    let members = members(&mut connection, &all, id).await?;
    let frame = Frame::new(language(headers), format!("{LIST}/{}", id.0), Some(&who.0));
    asking(&thing(frame, (&all, programme), &members, app.today(), again, wrong), wrong.is_some())
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<u32>,
) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    shown(&app, &who, &headers, ProgrammeId(id), None, None).await
}

/// Who changes a programme, and when.
#[derive(Clone, Copy)]
struct By {
    staff: StaffId,
    now: Micros,
    today: Date,
}

/// Does what was asked for, in a shard that is locked; what is wrong with it where it cannot be done.
async fn apply(
    tx: &mut Tx,
    By { staff, now, today }: By,
    id: ProgrammeId,
    rule_id: Uuid,
    form: &Typed,
) -> Result<Result<(), (&'static str, &'static str)>, Refusal> {
    let all = store::programmes(tx.conn()).await?;
    let before = all.programmes.get(&id).ok_or_else(unknown)?;
    let done = match typed(form, "act") {
        "save" => match read_programme(form, id, Some(before)) {
            Ok(programme) if is_taken(&all, &programme) => Err(TAKEN),
            Ok(programme) => Ok(store::keep_programme(tx, now, staff, &programme).await?),
            Err(wrong) => Err(wrong),
        },
        "add_rule" => match read_rule(form, rule_id, id, today) {
            Ok(rule) => Ok(store::keep_rule(tx, now, staff, &rule).await?),
            Err(wrong) => Err(wrong),
        },
        "end_rule" => {
            let is_meant = |rule: &&Rule| rule.programme == id && rule.id.to_string() == typed(form, "rule");
            match all.rules.iter().find(is_meant).filter(|rule| rule.earn.until > today) {
                Some(rule) => {
                    let mut ended = rule.clone();
                    ended.earn.until = today;
                    Ok(store::keep_rule(tx, now, staff, &ended).await?)
                }
                None => Err(("rule", "points-rule-missing")),
            }
        }
        "join" => join(tx, By { staff, now, today }, &all, before, form).await?,
        "leave" => {
            let name = typed(form, "leave_name").trim();
            let leaving = organisation::store::id_of(tx.conn(), name).await?;
            let of = leaving.and_then(|leaving| all.members.get(&leaving)).into_iter().flatten();
            match of.into_iter().find(|member| member.programme == id && member.until.is_none()) {
                Some(member) => {
                    let member = Member { until: Some(today), ..member.clone() };
                    Ok(store::keep_member(tx, now, staff, &member).await?)
                }
                None => Err(("leave_name", "points-leave-unknown")),
            }
        }
        _ => return Err(Refusal::new(ProblemType::MalformedRequest)),
    };
    Ok(done)
}

/// An organisation takes part from now on. In one programme at a time: what a holder is promised at a till is one number.
async fn join(
    tx: &mut Tx,
    By { staff, now, today }: By,
    all: &Programmes,
    programme: &Programme,
    form: &Typed,
) -> Result<Result<(), (&'static str, &'static str)>, Refusal> {
    let (name, category) = match read_member(form) {
        Ok(read) => read,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let Some(organisation) = organisation::store::id_of(tx.conn(), &name).await? else {
        return Ok(Err(("join_name", "points-join-unknown")));
    };
    if all.member(organisation, today).is_some_and(|member| member.programme != programme.id) {
        return Ok(Err(("join_name", "points-join-elsewhere")));
    }
    let others = all.members.iter().filter(|(other, _)| **other != organisation).flat_map(|(_, members)| members);
    let has_others = others.filter(|member| member.programme == programme.id && member.takes_part(today)).count() > 0;
    if programme.reach == Reach::Merchant && has_others {
        return Ok(Err(("join_name", "points-join-merchant")));
    }
    // Whoever comes back soon has not been away: taps of these days may still come in.
    let before = all.members.get(&organisation).into_iter().flatten().find(|member| member.programme == programme.id);
    let recent = before.filter(|before| before.until.is_none_or(|until| until.days() + TOLD_DAYS >= today.days()));
    let from = recent.map_or(today, |before| before.from);
    let member = Member { organisation, programme: programme.id, category, from, until: None };
    Ok(Ok(store::keep_member(tx, now, staff, &member).await?))
}

async fn change(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<u32>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    let id = ProgrammeId(id);
    let (by, rule_id, wish) =
        (By { staff: who.0.staff_id, now: app.now(), today: app.today() }, app.new_id(), form.clone());
    let done = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            apply(tx, by, id, rule_id, &wish).await
        })
    });
    match done.await? {
        Ok(()) => Ok(to(id)),
        Err(wrong) => shown(&app, &who, &headers, id, Some(&form), Some(wrong)).await,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use askama::Template as _;
    use axum::http::StatusCode;
    use card_schema::money::Fen;
    use card_schema::points::{EarnRule, Worth};

    use super::super::model::Category;
    use super::*;
    use crate::people::StaffRole;
    use crate::testing::{Office, office};

    const TODAY: &str = "2026-11-29";

    /// The page of a programme in every state that it has.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let day = |text: &str| text.parse::<Date>().expect(text);
        let programme = |worth, day_most| Programme {
            id: ProgrammeId(1),
            name: "测试街积分".to_owned(),
            reach: Reach::Street,
            worth,
            validity_months: 12,
            day_most,
            below_zero: worth.is_some(),
        };
        let rule = |category: Option<&str>, until| Rule {
            id: Uuid::nil(),
            programme: ProgrammeId(1),
            earn: EarnRule { points: 1, per: Fen(100), from: day("2026-01-01"), until: day(until) },
            category: category.and_then(Category::new),
        };
        let named =
            |until| Named { name: "测试面馆".to_owned(), category: Category::new("5812").expect("a code"), until };
        let full = programme(Some(Worth { points: 100, fen: Fen(50) }), Some(500));
        let rules = vec![rule(None, "2027-12-31"), rule(Some("5812"), "2026-02-01")];
        let lively = Programmes { rules, ..Programmes::default() };
        let members = [named(None), named(Some(day("2026-03-31")))];
        let table = [
            ("new", &Programmes::default(), programme(None, None), &[][..], None),
            ("full", &lively, full.clone(), &members[..], None),
            ("taken", &lively, full.clone(), &members[..], Some(TAKEN)),
            ("rule", &lively, full.clone(), &members[..], Some(("rule_until", "points-day-order"))),
            ("join", &lively, full, &members[..], Some(("join_name", "points-join-elsewhere"))),
        ];
        let shown = |(name, all, programme, members, wrong): (&str, &Programmes, Programme, &[Named], Wrong)| {
            let page = thing(frame.clone(), (all, &programme), members, day(TODAY), None, wrong);
            (format!("points-{name}"), page.render().expect("a page"))
        };
        table.into_iter().map(shown).collect()
    }

    async fn send(office: &Office, token: &str, path: &str, form: &str) -> StatusCode {
        office.browse(Some(token), path, Some(form)).await.status
    }

    #[tokio::test]
    async fn a_programme_is_made_gets_rules_and_members_and_lets_them_go() {
        let office = office().await;
        let token = office.staff("admin", StaffRole::Administrator).await;
        let (done, wrong) = (StatusCode::SEE_OTHER, StatusCode::UNPROCESSABLE_ENTITY);
        let ok = "name=Street&reach=street&validity=12&worth_points=100&worth_yuan=0.50&day_most=500&below_zero=yes";
        for bad in [
            "name=&reach=street&validity=12&below_zero=yes",
            "name=Street&validity=12&below_zero=yes",
            "name=Street&reach=street&validity=1&below_zero=yes",
            "name=Street&reach=street&validity=12",
            "name=Street&reach=street&validity=12&below_zero=yes&worth_points=100",
            "name=Street&reach=street&validity=12&below_zero=yes&worth_yuan=1.005&worth_points=100",
            "name=Street&reach=street&validity=12&below_zero=yes&day_most=0",
        ] {
            assert_eq!(send(&office, &token, "/points/new", bad).await, wrong, "{bad}");
        }
        assert_eq!(send(&office, &token, "/points/new", ok).await, done);
        assert_eq!(send(&office, &token, "/points/new", ok).await, wrong, "the name is taken");
        let one = "name=Baker&reach=merchant&validity=6&below_zero=no";
        assert_eq!(send(&office, &token, "/points/new", one).await, done);
        for name in ["One", "Two"] {
            send(&office, &token, "/organisations/new", &format!("name={name}&kind=merchant")).await;
        }
        let today = office.app.today();
        let rule = |from: Date, until: Date| {
            format!("act=add_rule&rule_points=1&rule_per=1&rule_from={from}&rule_until={until}&rule_category=")
        };
        let (yesterday, later) = (Date::from_days(today.days() - 1), Date::from_days(today.days() + 30));
        let (yesterday, later) = (yesterday.expect("a day"), later.expect("a day"));
        for (path, form, expected) in [
            ("/points/1", rule(yesterday, later), wrong),
            ("/points/1", rule(later, today), wrong),
            ("/points/1", rule(today, later), done),
            ("/points/1", "act=join&join_name=Nobody&join_category=5411".to_owned(), wrong),
            ("/points/1", "act=join&join_name=One&join_category=54".to_owned(), wrong),
            ("/points/1", "act=join&join_name=One&join_category=5411".to_owned(), done),
            ("/points/2", "act=join&join_name=One&join_category=5462".to_owned(), wrong),
            ("/points/2", "act=join&join_name=Two&join_category=5462".to_owned(), done),
            ("/points/1", "act=leave&leave_name=Two".to_owned(), wrong),
            ("/points/1", "act=end_rule&rule=none".to_owned(), wrong),
            ("/points/1", "act=save&name=Baker&below_zero=yes".to_owned(), wrong),
            ("/points/1", "act=save&name=Lane&below_zero=no".to_owned(), done),
            ("/points/1", "act=leave&leave_name=One".to_owned(), done),
            ("/points/1", "act=dance".to_owned(), StatusCode::BAD_REQUEST),
            ("/points/9", "act=leave&leave_name=One".to_owned(), StatusCode::NOT_FOUND),
        ] {
            assert_eq!(send(&office, &token, path, &form).await, expected, "{path} {form}");
        }
        let all = store::programmes(&mut office.app.db.read().await.unwrap()).await.unwrap();
        let lane = &all.programmes[&ProgrammeId(1)];
        assert_eq!(
            (lane.name.as_str(), lane.reach, lane.validity_months),
            ("Lane", Reach::Street, 12),
            "some is fixed"
        );
        assert_eq!((lane.worth, lane.day_most, lane.below_zero), (None, None, false));
        let ended = format!("act=end_rule&rule={}", all.rules[0].id);
        assert_eq!(send(&office, &token, "/points/1", &ended).await, done);
        assert_eq!(send(&office, &token, "/points/1", &ended).await, wrong, "it ends once");
        let all = store::programmes(&mut office.app.db.read().await.unwrap()).await.unwrap();
        assert_eq!(all.rules[0].earn.until, today, "what was promised today stands");
        let baker = send(&office, &token, "/points/2", "act=join&join_name=One&join_category=5462").await;
        assert_eq!(baker, wrong, "a merchant's programme is one merchant's");
    }
}
