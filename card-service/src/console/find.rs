//! Finding the holder who stands at the desk: by a document, by name, by the number on the card or on a form, or by the card itself.
//!
//! What is typed of somebody is sent, never part of an address. Only a name shows anything of anybody, so only there a purpose is stated.

use askama::Template;
use axum::extract::{Form, FromRequestParts};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::ids::{HolderId, TerminalId};

use super::frame::Frame;
use super::input::Input;
use super::model::masked_number;
use super::reader_job::Job;
use super::register::Link;
use super::view::{Choice, reason};
use super::{asking, holder, page};
use crate::app::App;
use crate::cards::{self, Bearer, Card, identification};
use crate::domains::residence::agreement::{self, model::FormNumber};
use crate::domains::residence::model::{Facts, Field, Typed, Wrong};
use crate::domains::residence::view::{DOCUMENT, inputs, label, shown};
use crate::domains::residence::{self, merge, rules, similar};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::Purpose;
use crate::people::model::Permission;

/// Where a card is put on a reader.
pub(super) const TAP: &str = "/find/tap";

/// What is typed to find somebody by name. One of the last two is enough, and each may be without the other.
const NAMED: [Field; 3] = [Field::Name, Field::Birth, Field::Phone];

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 4] {
    [
        (Way::Document.address(), get(|desk: Desk| ask(desk, Way::Document)).post(by_document)),
        (Way::Name.address(), get(|desk: Desk| ask(desk, Way::Name)).post(by_name)),
        (Way::Number.address(), get(|desk: Desk| ask(desk, Way::Number)).post(by_number)),
        (TAP, get(|desk: Desk| ask(desk, Way::Tap)).post(by_tap)),
    ]
}

/// By what somebody is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A document.
    Document,
    /// The name, with the day of birth or the telephone.
    Name,
    /// The number that is printed on the card.
    Number,
    /// The card on a reader.
    Tap,
}

impl Way {
    const ALL: [Self; 4] = [Self::Document, Self::Name, Self::Number, Self::Tap];

    const fn address(self) -> &'static str {
        match self {
            Self::Document => "/find",
            Self::Name => "/find/name",
            Self::Number => "/find/number",
            Self::Tap => TAP,
        }
    }

    /// A text of it.
    fn text(self, locale: Locale, what: &str) -> String {
        let name = match self {
            Self::Document => "document",
            Self::Name => "name",
            Self::Number => "number",
            Self::Tap => "tap",
        };
        locale.text(&format!("find-{name}-{what}"))
    }
}

/// Asks for what somebody is found by.
#[derive(Debug, Template)]
#[template(path = "console/find.html")]
pub(super) struct FindPage {
    frame: Frame,
    action: &'static str,
    title: String,
    lead: String,
    inputs: Vec<Input>,
    button: String,
    /// Nobody was found, and what to do next.
    nobody: Option<(String, String)>,
    /// The other ways.
    others: Vec<Link>,
}

impl FindPage {
    pub(super) fn new(frame: Frame, way: Way, inputs: Vec<Input>, nobody: bool) -> Self {
        let locale = frame.locale();
        let others = Way::ALL.into_iter().filter(|other| *other != way);
        let link = |other: Way| Link { to: other.address().to_owned(), text: other.text(locale, "title") };
        Self {
            frame,
            action: way.address(),
            title: way.text(locale, "title"),
            lead: way.text(locale, "lead"),
            inputs,
            button: locale.text(if way == Way::Tap { "find-tap-button" } else { "find-button" }),
            nobody: nobody.then(|| (way.text(locale, "nobody"), way.text(locale, "nobody-next"))),
            others: others.map(link).collect(),
        }
    }

    fn is_wrong(&self) -> bool {
        self.inputs.iter().any(Input::is_wrong)
    }
}

/// Somebody who may be meant.
#[derive(Clone, Debug)]
pub(super) struct Found {
    to: String,
    name: String,
    birth: String,
    document: String,
}

/// Those who may be meant, most likely first.
#[derive(Debug, Template)]
#[template(path = "console/found.html")]
pub(super) struct FoundPage {
    frame: Frame,
    back: Link,
    people: Vec<Found>,
    purpose: String,
}

impl FoundPage {
    pub(super) fn new(frame: Frame, people: &[(HolderId, Facts)], purpose: Purpose) -> Self {
        let locale = frame.locale();
        let line = |(holder, facts): &(HolderId, Facts)| Found {
            to: format!("/holders/{holder}"),
            name: [facts.get(Field::Name), facts.get(Field::LatinName)].join(" ").trim().to_owned(),
            birth: facts.get(Field::Birth).to_owned(),
            document: format!(
                "{} {}",
                shown(locale, Field::DocumentKind, facts.get(Field::DocumentKind)),
                masked_number(facts.get(Field::DocumentNumber))
            ),
        };
        let back = Link { to: Way::Name.address().to_owned(), text: Way::Name.text(locale, "title") };
        Self { back, people: people.iter().map(line).collect(), purpose: reason(locale, purpose), frame }
    }
}

/// A clerk who looks for somebody.
struct Desk {
    app: App,
    who: SignedIn,
    locale: Locale,
}

impl FromRequestParts<App> for Desk {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let who = SignedIn::from_request_parts(parts, app).await?;
        who.require(Permission::ServeHolders)?;
        Ok(Self { app: app.clone(), who, locale: language(&parts.headers) })
    }
}

impl Desk {
    fn frame(&self, way: Way) -> Frame {
        Frame::new(self.locale, way.address(), Some(&self.who.0))
    }

    /// The form of a way, with what was typed and what is wrong with it.
    fn asks(&self, way: Way, inputs: Vec<Input>, nobody: bool) -> Result<Response, Refusal> {
        let shown = FindPage::new(self.frame(way), way, inputs, nobody);
        let is_wrong = shown.is_wrong();
        asking(&shown, is_wrong)
    }

    fn fields(&self, fields: &[Field], typed: &Facts, wrong: &[Wrong]) -> Vec<Input> {
        inputs(self.locale, fields, typed, wrong, self.app.today())
    }

    fn name_fields(&self, typed: &Facts, wrong: &[Wrong], purpose: Option<Purpose>, missing: bool) -> Vec<Input> {
        let mut inputs = self.fields(&NAMED, typed, wrong);
        if let [name, _, phone] = &mut inputs[..] {
            name.hint = Some(self.locale.text("find-name-hint"));
            phone.label = label(self.locale, Field::Phone);
        }
        let choices = Choice::of_person(self.locale, self.who.0.role.purposes());
        let asked = self.locale.text("find-name-purpose");
        let why = Input::choice("reason", asked, choices, purpose.map_or("", Purpose::name));
        inputs.push(why.wrong(missing.then(|| self.locale.text("console-purpose-missing"))));
        inputs
    }

    fn number_field(&self, typed: &str, wrong: bool) -> Vec<Input> {
        let input = Input::text("number", self.locale.text("find-number-ask"), typed);
        let input = input.hint(self.locale.text("find-number-hint"));
        vec![Input { mode: "numeric", ..input }.wrong(wrong.then(|| self.locale.text("find-number-bad")))]
    }

    async fn reader_field(&self, missing: bool) -> Result<Vec<Input>, Refusal> {
        let desks = holder::desks(&self.app, self.who.0.staff_id).await?;
        let chosen = desks.iter().find(|desk| desk.chosen).map_or_else(String::new, |desk| desk.value.clone());
        let input = Input::choice("terminal_id", self.locale.text("find-tap-ask"), desks, &chosen);
        Ok(vec![input.wrong(missing.then(|| self.locale.text("console-issue-desk-missing")))])
    }
}

async fn ask(desk: Desk, way: Way) -> Result<Response, Refusal> {
    let nothing = Facts::default();
    let inputs = match way {
        Way::Document => desk.fields(DOCUMENT, &nothing, &[]),
        Way::Name => desk.name_fields(&nothing, &[], None, false),
        Way::Number => desk.number_field("", false),
        Way::Tap => desk.reader_field(false).await?,
    };
    desk.asks(way, inputs, false)
}

fn open(holder: HolderId) -> Response {
    Redirect::to(&format!("/holders/{holder}")).into_response()
}

async fn by_document(desk: Desk, Form(form): Form<Typed>) -> Result<Response, Refusal> {
    let mut typed = Facts::default();
    typed.take(DOCUMENT, &form);
    match residence::whose_document(&desk.app, &typed).await? {
        Ok(Some(holder)) => Ok(open(holder)),
        Ok(None) => desk.asks(Way::Document, desk.fields(DOCUMENT, &typed, &[]), true),
        Err(wrong) => desk.asks(Way::Document, desk.fields(DOCUMENT, &typed, &wrong), false),
    }
}

async fn by_name(desk: Desk, Form(form): Form<Typed>) -> Result<Response, Refusal> {
    let mut typed = Facts::default();
    typed.take(&NAMED, &form);
    let purpose = form.get("reason").and_then(|name| Purpose::from_name(name));
    let (facts, wrong) = match rules::check_search(&typed, desk.app.today()) {
        Ok(facts) => (facts, Vec::new()),
        Err(wrong) => (typed.clone(), wrong),
    };
    let Some(purpose) = purpose.filter(|_| wrong.is_empty()) else {
        let inputs = desk.name_fields(&typed, &wrong, purpose, purpose.is_none());
        return desk.asks(Way::Name, inputs, false);
    };
    desk.who.require_purpose(purpose)?;
    let people = similar::look_for(&desk.app, desk.who.0.staff_id, purpose, &facts).await?;
    if people.is_empty() {
        return desk.asks(Way::Name, desk.name_fields(&typed, &[], Some(purpose), false), true);
    }
    page(&FoundPage::new(desk.frame(Way::Name), &people, purpose)).map(IntoResponse::into_response)
}

async fn by_number(desk: Desk, Form(form): Form<Typed>) -> Result<Response, Refusal> {
    let typed = form.get("number").map_or("", |number| number.trim());
    if let Some(form) = FormNumber::parse(typed) {
        return by_form(desk, form, typed).await;
    }
    let Some(index) = cards::model::printed_number(typed) else {
        return desk.asks(Way::Number, desk.number_field(typed, true), false);
    };
    let mut connection = desk.app.db.read().await?;
    match cards::store::by_status_index(&mut connection, index).await? {
        // Of two records of one person, the one under which that person is found.
        Some(Card { bearer: Bearer::Holder(holder), .. }) => Ok(open(merge::primary(&mut connection, holder).await?)),
        _ => desk.asks(Way::Number, desk.number_field(typed, false), true),
    }
}

/// Whoever holds a form that was signed goes on to where that is recorded.
async fn by_form(desk: Desk, form: FormNumber, typed: &str) -> Result<Response, Refusal> {
    let mut connection = desk.app.db.read().await?;
    let to = match agreement::whose_form(&mut connection, form).await? {
        None => return desk.asks(Way::Number, desk.number_field(typed, false), true),
        Some((holder, true)) => format!("/holders/{holder}/agreement/signed?form={}", form.digits()),
        Some((holder, false)) => format!("/holders/{holder}/agreement"),
    };
    Ok(Redirect::to(&to).into_response())
}

async fn by_tap(desk: Desk, Form(form): Form<Typed>) -> Result<Response, Refusal> {
    let Some(terminal) = form.get("terminal_id").and_then(|id| id.parse::<TerminalId>().ok()) else {
        return desk.asks(Way::Tap, desk.reader_field(true).await?, false);
    };
    let id = identification::start(&desk.app, desk.who.0.staff_id, terminal).await?;
    Ok(Redirect::to(&Job::Identification(id).address()).into_response())
}

#[cfg(test)]
pub(super) mod tests {
    use card_schema::date::Date;
    use card_schema::ids::Shard;

    use super::*;
    use crate::people::{Staff, StaffId, StaffRole};

    /// The pages in every state that they have, from invented data.
    pub(in crate::console) fn pages(locale: Locale) -> Vec<(String, String)> {
        let staff = Staff { staff_id: StaffId(uuid::Uuid::nil()), name: "test-clerk".into(), role: StaffRole::Clerk };
        let frame = |way: Way| Frame::new(locale, way.address(), Some(&staff));
        let today = Date::new(2026, 11, 23).unwrap();
        let facts = Facts::default()
            .with(Field::Name, "测试甲")
            .with(Field::Birth, "1990-01-01")
            .with(Field::DocumentKind, "passport")
            .with(Field::DocumentNumber, "T1234567");
        let wrong = rules::check_search(&Facts::default(), today).unwrap_err();
        let mut pages = Vec::new();
        for way in Way::ALL {
            let fields =
                |wrong| inputs(locale, if way == Way::Document { DOCUMENT } else { &NAMED }, &facts, wrong, today);
            for (state, inputs, nobody) in
                [("asks", fields(&[]), false), ("wrong", fields(&wrong), false), ("nobody", fields(&[]), true)]
            {
                let page = FindPage::new(frame(way), way, inputs, nobody).render().unwrap();
                pages.push((format!("find-{way:?}-{state}"), page));
            }
        }
        let holder = HolderId::new(Shard(3), [8; 16]);
        let found = FoundPage::new(frame(Way::Name), &[(holder, facts)], Purpose::HolderRequest).render().unwrap();
        assert!(!found.contains("T1234567"), "a number is shown in part");
        pages.push(("found".to_owned(), found));
        pages
    }

    use axum::http::StatusCode;
    use card_schema::clock::Micros;
    use card_schema::ids::CardId;

    use crate::cards::CardState;
    use crate::cards::deed::model::Reason;
    use crate::db::{DbError, query};
    use crate::domains::residence::Registration;
    use crate::testing::town::clerk_in;
    use crate::testing::{Office, office};

    const FOUND: StatusCode = StatusCode::OK;
    const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    const OPENED: StatusCode = StatusCode::SEE_OTHER;

    /// A clerk's session in an office that knows one person, by invented data.
    async fn desk() -> (Office, String, HolderId) {
        let office = office().await;
        let session = office.staff("test-clerk", StaffRole::Clerk).await;
        let facts = Facts::default()
            .with(Field::DocumentKind, "passport")
            .with(Field::DocumentNumber, "T1234567")
            .with(Field::Name, "测试小明")
            .with(Field::Birth, "1990-03-07")
            .with(Field::Phone, "13800138000");
        let clerk = StaffId(uuid::Uuid::from_u128(1));
        let holder = residence::register(&office.app, clerk, Registration::of(facts)).await.unwrap();
        (office, session, holder)
    }

    async fn reads(office: &Office) -> i64 {
        let mut connection = office.app.db.read().await.unwrap();
        query("SELECT COUNT(*) FROM person_read").scalar_one(&mut connection).await.unwrap()
    }

    #[tokio::test]
    async fn somebody_is_found_by_name_with_a_day_or_a_telephone_and_can_see_who_looked() {
        let (office, session, holder) = desk().await;
        let table = [
            ("name=测试小明&birth=1990-03-07&phone=&reason=holder_request", FOUND, true),
            ("name=ceshi+xiaoming&birth=1990-03-07&phone=&reason=complaint", FOUND, true),
            ("name=测试晓明&birth=&phone=138+0013+8000&reason=permit", FOUND, true),
            ("name=测试小明&birth=1971-12-30&phone=&reason=permit", FOUND, false),
            ("name=试大海&birth=&phone=13800138000&reason=permit", FOUND, false),
            ("name=测试小明&birth=&phone=&reason=permit", WRONG, false),
            ("name=&birth=1990-03-07&phone=&reason=permit", WRONG, false),
            ("name=测试小明&birth=1990-02-30&phone=&reason=permit", WRONG, false),
            ("name=测试小明&birth=1990-03-07&phone=", WRONG, false),
            ("name=测试小明&birth=1990-03-07&phone=&reason=curiosity", WRONG, false),
        ];
        for (form, status, is_shown) in table {
            let before = reads(&office).await;
            let shown = office.browse(Some(&session), "/find/name", Some(form)).await;
            assert_eq!(shown.status, status, "{form}");
            assert_eq!(shown.page.contains(&format!("/holders/{holder}")), is_shown, "{form}");
            assert_eq!(
                reads(&office).await > before,
                is_shown,
                "who is shown can see it, and who is not was not read: {form}"
            );
            assert!(!shown.page.contains("T1234567"), "a number is shown in part");
            if !is_shown {
                let name = form.split('&').next().and_then(|pair| pair.strip_prefix("name=")).unwrap();
                assert!(shown.page.contains(&format!("value=\"{name}\"")), "what was typed is kept: {form}");
            }
        }
    }

    #[tokio::test]
    async fn a_card_is_found_by_the_number_on_it_however_it_is_written() {
        let (office, session, holder) = desk().await;
        let card_id = CardId::new(1_234_567, holder.shard(), [7; 16]);
        let (created_at, expires_at, clerk) = (Micros(1), Micros(2), clerk_in(&office.app.db).await);
        let card = Card {
            card_id,
            bearer: Bearer::Holder(holder),
            signs_in: false,
            state: CardState::Lost,
            created_at,
            expires_at,
            changed_at: created_at,
        };
        let added = office.app.db.write::<_, DbError, _>(move |tx| {
            Box::pin(async move { cards::store::insert(tx, created_at, clerk, &card, Reason::First).await })
        });
        added.await.unwrap();
        for (number, status) in [
            ("0001234567", OPENED),
            (" 000 123 4567 ", OPENED),
            ("0012d687", OPENED),
            ("0012D687", OPENED),
            ("0001234568", FOUND),
            ("9999999999", WRONG),
            ("1234567", WRONG),
            ("0012d68g", WRONG),
            ("", WRONG),
        ] {
            let shown = office.browse(Some(&session), "/find/number", Some(&format!("number={number}"))).await;
            assert_eq!(shown.status, status, "{number}");
            if status == OPENED {
                assert_eq!(shown.leads_to, format!("/holders/{holder}"), "{number}");
            }
        }
        assert_eq!(reads(&office).await, 0, "nothing of a record was read for that");
    }
}
