//! No response on any route holds anything of a person's record unless that very request left a leaf that says who read
//! it and why.

mod planted;

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use card_schema::card::Slot;
use card_schema::coverage::{Benefit, Eligibility};
use card_schema::envelope::paper::PaperKind;
use card_schema::envelope::receipt::Recorded;
use card_schema::ids::{CardId, ClaimId, HolderId, OrganisationId, PaperNumber, Shard, SiteId, TapId, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::{Operation, OperationCode, purse};
use card_schema::wire::ReceiptName;
use uuid::Uuid;

use super::readings;
use super::walk::{Answered, Caller, Known, Listeners, Route, not_entered, walk};
use crate::app::App;
use crate::cards::issuance::journal::{Object, Want};
use crate::cards::issuance::{self, store as issuances};
use crate::cards::{Bearer, CardState, identification, unblock};
use crate::clock;
use crate::console::model::{masked_name, masked_number};
use crate::db::{DbError, query};
use crate::domains::clinic;
use crate::domains::clinic::model::{Claim, Payers};
use crate::domains::clinic::sealed::Content;
use crate::domains::gate as gates;
use crate::domains::residence;
use crate::domains::residence::area::tests::town;
use crate::domains::residence::house::model::CellAnswer;
use crate::domains::residence::household::model::{HouseholdAnswer, Relationship};
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::{Registration, draft, import, paper};
use crate::domains::social_security::record;
use crate::domains::transit;
use crate::domains::transit::concession::{ConcessionId, Grant};
use crate::http::Refusal;
use crate::i18n::Locale;
use crate::intake::suspicion;
use crate::intake::suspicion::model::{Counts, Rule, Suspicion};
use crate::people::{Purpose, Staff, StaffId, StaffRole, approval, organisation};
use crate::terminals;
use crate::testing::city::{fares_in, got_on};
use crate::testing::gate::site_of;
use crate::testing::insured::{PERSON, files_for, worked};
use crate::testing::shop::programme;
use crate::testing::town::{card_of, clerk_in, terminal_in};
use crate::testing::{Office, PASSWORD, office};

/// With whatever is written differently in HTML, JSON and addresses.
const NAME: &str = "Qwyx'zel & <测试隐名>";
const NUMBER: &str = "ZQ7391846";
const ADDRESS: &str = "Qwyx 路 <测试隐址> 7";
/// By which the person is found.
const BIRTH: &str = "1990-03-07";
const PHONE: &str = "13800138000";
/// The last day of what the person was granted: fares alone say which concessions there are.
const CONCESSION_UNTIL: &str = "2033-04-27";
/// What the person was treated for.
const DISEASE: &str = "qwyx-disease";
/// Where the person was: no fares know it.
const STOP: &str = "qwyx-stop";
/// The same house, typed otherwise.
const SAME_HOUSE: &str = "ＱＷＹＸ路<测试隐址>７";

/// An office that knows a person, with everything about the person that a route may touch.
pub(super) struct Scene {
    office: Office,
    holder: HolderId,
    clerk: StaffId,
    pub(super) callers: Vec<Caller>,
    pub(super) known: Known,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let office = office().await;
        town(&office.scratch).await;
        fares_in(&office.scratch.db, "").await;
        let app = &office.app;
        let mut callers = everybody(&office).await;
        let clerk = StaffId(Uuid::from_u128(1));
        let person = |name, number| {
            let facts = Facts::default().with(Field::DocumentKind, "passport").with(Field::DocumentNumber, number);
            facts.with(Field::Name, name)
        };
        let mut terminal = terminal_in(&app.db, &OperationCode::ALL).await;
        let run_by = terminals::store::one(&mut app.db.read().await.unwrap(), terminal.id).await.unwrap();
        // The person works for whoever runs the terminal, and stands on its list.
        let employer = run_by.unwrap().organisation;
        files(app, &callers, employer.organisation_id).await;
        let holder = {
            let lives = person(NAME, NUMBER).with(Field::Address, ADDRESS).with(Field::AddressSince, "2020-01-01");
            let lives = lives.with(Field::CitySince, "2020-01-01");
            let lives =
                lives.with(Field::Birth, BIRTH).with(Field::Phone, PHONE).with(Field::Occupation, &employer.name);
            let cell = Some(CellAnswer::In("990101001001001".to_owned()));
            // On the heap, as what follows: the whole scene would not fit on a thread's stack.
            Box::pin(residence::register(app, clerk, Registration { cell, ..Registration::of(lives) })).await.unwrap()
        };
        {
            let household = Some(HouseholdAnswer::Of { person: holder, relationship: Some(Relationship::Spouse) });
            let facts = person("测试另人", "ZQ0000001");
            let registered = residence::register(app, clerk, Registration { household, ..Registration::of(facts) });
            Box::pin(registered).await.unwrap();
        }

        let disputed = Box::pin(rides(app, clerk_in(&app.db).await, employer.organisation_id, holder)).await;
        callers.push(Caller::Terminal(terminal.id));
        let card = card_of(&app.db, Bearer::Holder(holder), CardState::Active).await;
        let tap = terminal.tap(&card, Slot::Tap, Operation::PursePayment(purse::Payment::online(Fen(100))));
        let (batch, tap) = (terminal.batch(std::slice::from_ref(&tap)), tap.id);
        office.intake.accept(terminal.id, &batch).await.unwrap();
        let Some(Caller::Staff(writer)) = callers.get(2) else { unreachable!("the second role is the clerk") };
        let draft = draft::begin(app, writer.staff_id).await.unwrap();
        let typed = person("测试新人", "ZQ0000002")
            .with(Field::Birth, "1990-01-01")
            .with(Field::Address, SAME_HOUSE)
            .with(Field::AddressSince, "2026-03-01")
            .with(Field::Home, "rented");
        let typed = draft::Draft { typed, ..draft::Draft::default() };
        draft::save(app, writer.staff_id, draft, &typed).await.unwrap();
        let import = import::begin(app, writer.staff_id, &[(2, person("测试众人", "ZQ0000003"))]).await.unwrap();
        let (_, issuance) =
            Box::pin(issuance::start(app, writer.staff_id, Bearer::Holder(holder), Locale::ZhCn, terminal.id, None))
                .await
                .unwrap();
        at_the_step_that_prints_the_name(app, issuance).await;
        let unblock = unblock::start(app, writer.staff_id, holder, card.id, terminal.id).await.unwrap();
        let identification = identification::start(app, writer.staff_id, terminal.id).await.unwrap();
        let paper = printed(app, writer.staff_id, holder).await;
        let head = office.log.integrate(clock::now()).await.unwrap().unwrap();

        let leaf = tap_of(app, card.id).await;
        let (site, granted, pass) = Box::pin(gate(&office, writer, terminal.id, holder)).await;
        let recorded = Recorded { shard: card.id.shard(), leaf: leaf.try_into().unwrap() };
        let known = BTreeMap::from([
            ("card_id", card.id.to_string()),
            ("tap", leaf.to_string()),
            ("receipt", ReceiptName { recorded, tap }.to_string()),
            ("holder_id", holder.to_string()),
            ("terminal_id", terminal.id.to_string()),
            ("organisation_id", employer.organisation_id.to_string()),
            ("staff_id", writer.staff_id.0.to_string()),
            ("station_id", station(app).await.to_string()),
            ("approval_id", request(app, writer.staff_id).await.to_string()),
            ("draft_id", draft.to_string()),
            ("suspicion_id", suspicion(app, terminal.id).await.to_string()),
            ("tap_id", disputed.to_string()),
            ("claim_id", treated(app, employer.organisation_id, holder).await.to_string()),
            ("month", "2026-11".to_owned()),
            ("site_id", site.to_string()),
            ("credential_id", granted.to_string()),
            ("pass", pass.to_string()),
            ("version", "1".to_owned()),
            ("programme_id", programme(app, writer.staff_id).await.0.to_string()),
            ("step", "contact".to_owned()),
            ("import_id", import.to_string()),
            ("paper", paper.to_string()),
            ("field", "phone".to_owned()),
            ("level", "community".to_owned()),
            ("code", "990101001001".to_owned()),
            ("issuance_id", issuance.to_string()),
            ("unblock_id", unblock.to_string()),
            ("identification_id", identification.to_string()),
            ("job_id", issuance.to_string()),
            ("document_number", NUMBER.to_owned()),
            ("document_kind", "passport".to_owned()),
            ("birth", BIRTH.to_owned()),
            ("phone", PHONE.to_owned()),
            ("path", format!("0/000.p/{}", head.size)),
            ("password", PASSWORD.to_owned()),
            ("batch", URL_SAFE_NO_PAD.encode(batch)),
        ]);
        Self { office, holder, clerk, callers, known }
    }

    pub(super) fn listeners(&self, more: Router) -> Listeners {
        Listeners {
            public: self.office.public_router().merge(more),
            terminals: self.office.terminals_router(),
            app: self.office.app.clone(),
        }
    }

    /// Reads of the person's record that have a leaf, beyond a number of them: field and purpose.
    async fn reads_after(&self, count: usize) -> Vec<(String, String)> {
        let reads = query(
            "SELECT r.field, r.purpose FROM person_read r
             JOIN leaf f ON f.shard = r.shard AND f.leaf_id = r.leaf AND f.kind = 42
             WHERE r.holder_id = $1 ORDER BY r.leaf",
        )
        .bind(self.holder)
        .all(&mut self.office.app.db.read().await.unwrap())
        .await
        .unwrap();
        reads[count..].iter().map(|row| (row.get("field").unwrap(), row.get("purpose").unwrap())).collect()
    }

    /// Walks everywhere.
    async fn walk(&self, pages: &[&str], more: Router) -> Walked {
        let listeners = self.listeners(more);
        let (mut walked, mut reads) = (Walked::default(), self.reads_after(0).await.len());
        let look = async |answered: Answered| {
            let recorded = self.reads_after(reads).await;
            reads += recorded.len();
            walked.look(&answered, &recorded);
        };
        walk(&listeners, pages, &self.callers, &self.known, look).await;
        walked
    }
}

/// A terminal that looks wrong.
async fn suspicion(app: &App, terminal: TerminalId) -> Uuid {
    let (id, found_at) = (app.new_id(), app.now());
    let (rule, counts) = (Rule::ManyCards, Counts::default());
    let noted = Suspicion { id, terminal, rule, found_at, most: 0, counts };
    let noted =
        app.db.write::<_, DbError, _>(move |tx| Box::pin(async move { suspicion::store::insert(tx, &noted).await }));
    noted.await.unwrap();
    id
}

/// A site with a gate at which the person may pass, and a visitor.
async fn gate(office: &Office, by: &Staff, terminal: TerminalId, holder: HolderId) -> (SiteId, Uuid, PaperNumber) {
    let app = &office.app;
    let (site, session, today) = (site_of(&app.db, terminal).await, office.session(by).await, app.today());
    let form = format!(
        "step=grant&site={site}&reason=lives&first={today}&last={today}&day_1=yes&from_time=08:00&until_time=18:00"
    );
    let granted = office.browse(Some(&session), &format!("/holders/{holder}/gates/new"), Some(&form)).await;
    assert_eq!(granted.status, StatusCode::SEE_OTHER, "{}", granted.page);
    let form = format!("reason=visits&from_day={today}&from_time=00:00&until_day={today}&until_time=24:00");
    let given = office.browse(Some(&session), &format!("/passes/{site}/new"), Some(&form)).await;
    let pass = given.leads_to.rsplit('/').next().and_then(|number| number.parse().ok()).expect("a pass");
    let found = gates::store::credentials::of_holder(&mut app.db.read().await.unwrap(), holder).await.unwrap();
    (site, found[0].id, pass)
}

/// Where staff may work.
async fn station(app: &App) -> OrganisationId {
    let (id, now) = (OrganisationId(app.new_id()), app.now());
    let added = app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            organisation::store::named(tx, now, id, "测试服务站").await?;
            organisation::store::describe(tx, now, id, organisation::Kind::Station, false).await
        })
    });
    added.await.unwrap();
    id
}

/// Somebody of each role, and nobody.
async fn everybody(office: &Office) -> Vec<Caller> {
    let mut callers = vec![Caller::Nobody];
    for role in StaffRole::ALL {
        callers.push(Caller::Staff(office.member(role.name(), role).await));
    }
    callers
}

/// Whoever files does so for an employer.
async fn files(app: &App, callers: &[Caller], employer: OrganisationId) {
    let Some(Caller::Staff(filer)) = callers.get(6) else { unreachable!("the sixth role is the filer") };
    files_for(&app.db, app.now(), filer.staff_id, employer).await;
}

/// A concession of the fares, a ride, and a month at work; the tap that disputes the month.
async fn rides(app: &App, by: StaffId, employer: OrganisationId, holder: HolderId) -> TapId {
    let (now, id, from, until) = (app.now(), ConcessionId([7; 16]), app.today(), CONCESSION_UNTIL.parse().unwrap());
    let grant = Grant { id, concession: "student".to_owned(), from, until };
    let granted = app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0), holder.shard()]).await?;
            transit::store::concession::put(tx, now, by, holder, &grant, [7; 16]).await?;
            worked(tx, now, by, employer, holder).await
        })
    });
    let disputed = granted.await.unwrap();
    got_on(&app.db, holder, now, STOP).await;
    disputed
}

/// The number of the one tap of a card.
async fn tap_of(app: &App, card: CardId) -> i64 {
    let found = query("SELECT leaf FROM tap WHERE shard = $1 AND card_id = $2").bind(card.shard()).bind(card);
    found.scalar_one(&mut app.db.read().await.unwrap()).await.unwrap()
}

/// Something that waits for a second person.
async fn request(app: &App, by: StaffId) -> Uuid {
    let (approval_id, now) = (app.new_id(), app.now());
    let request = approval::model::Request {
        approval_id,
        deed: approval::model::Deed::Admit { staff: by, role: StaffRole::Auditor },
        asked_by: by,
        asked_at: now,
        expires_at: now.plus_seconds(3_600),
        state: approval::model::State::Waiting,
        decided: None,
        reason: None,
    };
    let asked =
        app.db.write::<_, DbError, _>(move |tx| Box::pin(async move { approval::store::put(tx, now, &request).await }));
    asked.await.unwrap();
    approval_id
}

async fn at_the_step_that_prints_the_name(app: &App, issuance: Uuid) {
    app.db
        .write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                let mut found = issuances::one(tx.conn(), issuance).await?.unwrap();
                found.journal.asked = Want::Put { object: Object::Printed };
                issuances::update(tx, clock::now(), &found, None).await
            })
        })
        .await
        .unwrap();
}

/// What a walk has seen.
#[derive(Default)]
struct Walked {
    /// Routes at which somebody was served.
    entered: BTreeSet<Route>,
    /// Who was shown which field where, with a leaf.
    shown: BTreeSet<(Route, &'static str, &'static str)>,
    /// The same, without.
    unseen: BTreeSet<(Route, &'static str, &'static str)>,
}

/// A paper of the person's.
async fn printed(app: &App, by: StaffId, holder: HolderId) -> PaperNumber {
    let shared = app.clone();
    let paper = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move { paper::issue(&shared, tx, by, holder, PaperKind::Certificate).await })
    });
    paper.await.unwrap().unwrap()
}

/// A bill of the person's, that waits.
async fn treated(app: &App, clinic: OrganisationId, holder: HolderId) -> ClaimId {
    let id = ClaimId::new(holder.shard(), [7; 16]);
    let lines = Vec::new();
    let content = Content { diagnosis: DISEASE.to_owned(), referred: false, standing: Eligibility::Never, lines };
    let sealed = content.seal(&*app.keys, id, [7; 12]).unwrap();
    let claim = Claim {
        id,
        visit: TapId([7; 32]),
        holder,
        clinic,
        benefit: Benefit::Outpatient,
        day: app.today(),
        made_at: app.now(),
        seen: 0,
        payers: Payers { eligible: Fen(0), fund: Fen(0), account: Fen(0), rest: Fen(7) },
        settled: None,
        reversed_at: None,
        is_cleared: false,
    };
    let put = app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move { clinic::store::claim::put(tx, &claim, &sealed, &[]).await })
    });
    put.await.unwrap();
    id
}

impl Walked {
    fn look(&mut self, answered: &Answered, recorded: &[(String, String)]) {
        // Of a page it is not known which methods it has.
        let no_such_way = answered.status == StatusCode::METHOD_NOT_ALLOWED;
        if answered.status.is_success() || answered.status.is_redirection() || no_such_way {
            self.entered.insert(answered.route.clone());
        }
        let readings = readings::of(&answered.headers, &answered.body);
        for (field, forms) in [
            (Field::Name.name(), [NAME.to_owned(), masked_name(NAME)]),
            (Field::DocumentNumber.name(), [NUMBER.to_owned(), masked_number(NUMBER)]),
            (Field::Address.name(), [ADDRESS.to_owned(), ADDRESS.to_owned()]),
            (transit::correction::READ, [STOP.to_owned(), STOP.to_owned()]),
            (record::READ, [PERSON.to_string(), PERSON.to_string()]),
            ("claim", [DISEASE.to_owned(), DISEASE.to_owned()]),
            (transit::concession::READ, [CONCESSION_UNTIL.to_owned(), CONCESSION_UNTIL.to_owned()]),
        ] {
            let holds = |form: &String| readings.iter().any(|reading| reading.contains(form.as_str()));
            if !forms.iter().any(holds) {
                continue;
            }
            let for_a_purpose = |(of, why): &(String, String)| of == field && Purpose::from_name(why).is_some();
            let found = (answered.route.clone(), answered.by, field);
            if recorded.iter().any(for_a_purpose) {
                self.shown.insert(found)
            } else {
                self.unseen.insert(found)
            };
        }
    }
}

/// Routes that nobody enters in this walk, and why.
const NOT_ENTERED: [(&str, &str, &str); 14] = [
    ("POST", "/papers/check/answer", "no text of a square code is sent"),
    ("POST", "/sign-in", "the password is wrong"),
    ("POST", "/v1/certificates", "asks for a request for a certificate"),
    ("POST", "/v1/enrolments", "asks for a code and a request for a certificate"),
    ("POST", "/v1/holders", "the person is registered already"),
    ("POST", "/v1/issuances/{issuance_id}/resume", "the issuance goes on"),
    ("POST", "/v1/sessions", "the password is wrong"),
    ("GET", "/sign-in/card", "there is no such link"),
    ("POST", "/sign-in/card", "there is no such link"),
    ("POST", "/v1/sign-ins/links", "no card has signed"),
    ("POST", "/v1/claims", "nobody has checked in"),
    ("POST", "/v1/statements", "no holder has asked"),
    ("POST", "/v1/visits", "nobody has checked in"),
    ("GET", "/v1/status-lists/cards/changes", "no version is named"),
];

#[tokio::test]
async fn no_route_shows_anything_of_a_record_without_a_leaf_that_says_why() {
    let scene = Box::pin(Scene::new()).await;
    let walked = scene.walk(&[], Router::new()).await;
    assert!(walked.unseen.is_empty(), "shown without a leaf: {:#?}", walked.unseen);

    let shown: BTreeSet<_> = walked.shown.iter().map(|(route, by, _)| (route.path.as_str(), *by)).collect();
    let expected = [
        ("/cards/{card_id}/holder", "administrator"),
        ("/cards/{card_id}/holder", "clerk"),
        ("/cards/{card_id}/holder", "supervisor"),
        ("/claims/{claim_id}", "administrator"),
        ("/claims/{claim_id}", "bureau_officer"),
        ("/disputes/{tap_id}", "administrator"),
        ("/disputes/{tap_id}", "bureau_officer"),
        ("/find/name", "administrator"),
        ("/find/name", "clerk"),
        ("/find/name", "supervisor"),
        ("/holders/{holder_id}/agreement/form", "administrator"),
        ("/holders/{holder_id}/agreement/form", "clerk"),
        ("/holders/{holder_id}/agreement/form", "supervisor"),
        ("/holders/{holder_id}/concessions", "administrator"),
        ("/holders/{holder_id}/concessions", "clerk"),
        ("/holders/{holder_id}/concessions", "supervisor"),
        ("/holders/{holder_id}/insurance", "administrator"),
        ("/holders/{holder_id}/insurance", "clerk"),
        ("/holders/{holder_id}/insurance", "supervisor"),
        ("/holders/{holder_id}/journeys", "administrator"),
        ("/holders/{holder_id}/journeys", "supervisor"),
        ("/holders/{holder_id}/merge", "administrator"),
        ("/holders/{holder_id}/merge", "clerk"),
        ("/holders/{holder_id}/merge", "supervisor"),
        ("/holders/{holder_id}/papers/{paper}/print", "administrator"),
        ("/holders/{holder_id}/papers/{paper}/print", "clerk"),
        ("/holders/{holder_id}/papers/{paper}/print", "supervisor"),
        ("/holders/{holder_id}/permit/application", "administrator"),
        ("/holders/{holder_id}/permit/application", "supervisor"),
        ("/holders/{holder_id}/record", "administrator"),
        ("/holders/{holder_id}/record", "clerk"),
        ("/holders/{holder_id}/record", "supervisor"),
        ("/holders/{holder_id}/timeline", "administrator"),
        ("/holders/{holder_id}/timeline", "clerk"),
        ("/holders/{holder_id}/timeline", "supervisor"),
        ("/registrations/{draft_id}/household", "clerk"),
        ("/rosters/{organisation_id}", "administrator"),
        ("/rosters/{organisation_id}", "supervisor"),
        ("/v1/holders/{holder_id}/reads", "administrator"),
        ("/v1/holders/{holder_id}/reads", "clerk"),
        ("/v1/holders/{holder_id}/reads", "supervisor"),
        ("/v1/jobs/next", "terminal"),
    ];
    assert_eq!(shown, BTreeSet::from(expected), "the walk sees what is there to be seen, and nobody else sees it");

    let not_entered: BTreeSet<_> =
        not_entered(&walked.entered, &[]).into_iter().map(|route| (route.method, route.path)).collect();
    let known = NOT_ENTERED.map(|(method, path, _)| (method.to_owned(), path.to_owned()));
    assert_eq!(not_entered, BTreeSet::from(known), "a walk that is refused everywhere sees nothing");
}
