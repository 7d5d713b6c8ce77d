//! Sites and visitors' passes through their pages; and the pages in every state that they have.

use askama::Template as _;
use axum::http::StatusCode;
use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::{OrganisationId, PaperNumber, Shard, SiteId, TerminalId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::console::frame::Frame;
use crate::console::register::Typed;
use crate::db::DbError;
use crate::domains::gate::model::{Count, Hour, Issued, Reason, Site, SiteKind, Standing, hour};
use crate::domains::gate::pass::view as pass_view;
use crate::domains::gate::rules::moment;
use crate::domains::gate::{store, view};
use crate::people::{StaffId, StaffRole};
use crate::testing::{Office, office};

const AT: Micros = Micros(1_795_424_645_000_000);

fn site(kind: SiteKind, closed: bool) -> Site {
    let (id, organisation) = (SiteId::from_bytes([7; 16]), OrganisationId::from_bytes([7; 16]));
    Site { id, organisation, kind, name: "测试小区".to_owned(), closed }
}

fn pass(reason: Reason, withdrawn: bool) -> Issued {
    Issued {
        number: PaperNumber::new(Shard(0), [0x1f; 10]),
        site: SiteId::from_bytes([7; 16]),
        reason,
        from: AT,
        until: AT.plus_seconds(7_200),
        issued_at: AT,
        by: StaffId(Uuid::nil()),
        withdrawn_at: withdrawn.then_some(AT),
    }
}

/// The pages in every state that they have.
pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
    let frame = || frame.clone();
    let locale = frame().locale();
    let gate = |number: u8, at: Option<&str>, here| view::Gate {
        terminal: TerminalId::from_bytes([number; 16]),
        name: format!("东门 {number}"),
        at: at.map(str::to_owned),
        here,
    };
    let hours = vec![
        Hour { hour: 498_728, passed: 9 },
        Hour { hour: 498_729, passed: 118 },
        Hour { hour: 498_730, passed: 10 },
    ];
    let scene = |closed, gates, hours| view::Scene {
        site: site(SiteKind::Compound, closed),
        organisation: "测试物业".to_owned(),
        gates,
        hours,
    };
    let gates = || vec![gate(1, None, false), gate(2, Some("测试宿舍"), false), gate(3, Some("测试小区"), true)];
    let blank = Typed::new();
    let put = Some(("put", "gate-terminal-missing"));
    let late = Some(("close", "gate-closed-already"));
    let listed = SiteKind::ALL.map(|kind| view::Listed {
        site: site(kind, kind == SiteKind::Village),
        organisation: "测试物业".to_owned(),
        gates: 2,
    });
    let mut shown = vec![
        ("list-none".to_owned(), view::list(frame(), &[]).render()),
        ("list".to_owned(), view::list(frame(), &listed).render()),
        ("new".to_owned(), view::thing(frame(), &scene(false, Vec::new(), Vec::new()), &blank, None).render()),
        ("lively".to_owned(), view::thing(frame(), &scene(false, gates(), hours.clone()), &blank, None).render()),
        ("missing".to_owned(), view::thing(frame(), &scene(false, gates(), hours.clone()), &blank, put).render()),
        ("closed".to_owned(), view::thing(frame(), &scene(true, Vec::new(), hours), &blank, late).render()),
    ];
    assert_eq!(view::inputs(locale, &blank, Some(("kind", "gate-kind-missing"))).len(), 3);
    let open = site(SiteKind::Dormitory, false);
    let all: Vec<_> =
        Reason::OF_VISITORS.into_iter().zip(Standing::ALL).map(|(why, how)| (pass(why, false), how)).collect();
    shown.extend([
        ("passes".to_owned(), pass_view::sites(frame(), std::slice::from_ref(&open)).render()),
        ("passes-of".to_owned(), pass_view::passes(frame(), &open, &all).render()),
        ("passes-none".to_owned(), pass_view::passes(frame(), &site(SiteKind::Village, true), &[]).render()),
        ("pass-new".to_owned(), pass_view::form(frame(), &open, &blank, None).render()),
    ]);
    for wrong in [
        ("reason", "gate-reason-missing"),
        ("reason", "gate-closed-already"),
        ("from_day", "gate-day-over"),
        ("from_day", "gate-pass-early"),
        ("from_time", "gate-time-bad"),
        ("until_day", "gate-pass-order"),
        ("until_day", "gate-pass-ended"),
        ("until_day", "gate-pass-long"),
    ] {
        shown.push((format!("pass-{}", wrong.1), pass_view::form(frame(), &open, &blank, Some(wrong)).render()));
    }
    for standing in Standing::ALL {
        let given = pass(Reason::Visits, standing == Standing::Withdrawn);
        let wrong = (standing == Standing::Over).then_some(("withdraw", "gate-pass-not-good"));
        let page = pass_view::thing(frame(), (&open, &given, standing), "test-clerk", wrong);
        shown.push((format!("pass-{}", standing.name()), page.render()));
    }
    let text = format!("https://card.example/papers/check#{}", "A".repeat(190));
    let sheet = pass_view::PassSheet::new(frame(), &open, &pass(Reason::Visits, false), &text, "/papers/check");
    shown.push(("pass-sheet".to_owned(), sheet.render()));
    shown.into_iter().map(|(name, page)| (format!("gate-{name}"), page.expect("a page"))).collect()
}

async fn send(office: &Office, session: &str, path: &str, form: &str) -> (StatusCode, String) {
    let answer = office.browse(Some(session), path, Some(form)).await;
    (answer.status, if answer.leads_to.is_empty() { answer.page } else { answer.leads_to })
}

async fn terminal(office: &Office, token: &str, name: &str, organisation: &str, operation: &str) -> String {
    let body = json!({"name": name, "organisation": organisation, "operations": [operation]});
    let (status, added) = office.public("POST", "/v1/terminals", Some(token), Some(body)).await;
    assert_eq!(status, StatusCode::CREATED, "{added}");
    added["terminal_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_site_is_added_gets_gates_gives_them_away_shows_counts_and_is_closed() {
    let office = office().await;
    let token = office.staff("admin", StaffRole::Administrator).await;
    let (done, wrong) = (StatusCode::SEE_OTHER, StatusCode::UNPROCESSABLE_ENTITY);
    for (name, kind) in [("Village", "gate_site"), ("Estate", "gate_site"), ("Shop", "merchant")] {
        send(&office, &token, "/organisations/new", &format!("name={name}&kind={kind}")).await;
    }
    for bad in [
        "name=&kind=village&organisation=Village",
        "name=North&kind=castle&organisation=Village",
        "name=North&kind=village&organisation=Nobody",
        "name=North&kind=village&organisation=Shop",
        "name=North&kind=village&organisation=",
    ] {
        assert_eq!(send(&office, &token, "/gates/new", bad).await.0, wrong, "{bad}");
    }
    let ok = "name=North&kind=village&organisation=Village";
    let (status, north) = send(&office, &token, "/gates/new", ok).await;
    assert_eq!(status, done);
    assert_eq!(send(&office, &token, "/gates/new", ok).await.0, wrong, "the name is taken");
    let (_, south) = send(&office, &token, "/gates/new", "name=South&kind=dormitory&organisation=Village").await;
    let gate = terminal(&office, &token, "East Gate", "Village", "gate.check").await;
    let till = terminal(&office, &token, "Till", "Village", "purse.payment").await;
    let others = terminal(&office, &token, "Gate", "Estate", "gate.check").await;

    for (what, form) in [
        ("nothing chosen", "act=put".to_owned()),
        ("a till", format!("act=put&put={till}")),
        ("another's gate", format!("act=put&put={others}")),
        ("one that does not stand there", format!("act=take&take={gate}")),
    ] {
        assert_eq!(send(&office, &token, &north, &form).await.0, wrong, "{what}");
    }
    assert_eq!(send(&office, &token, &north, "act=burn").await.0, StatusCode::BAD_REQUEST);
    let put = format!("act=put&put={gate}");
    assert_eq!(send(&office, &token, &north, &put).await.0, done);
    assert_eq!(send(&office, &token, &north, &put).await.0, wrong, "it stands there");
    let elsewhere = office.browse(Some(&token), &south, None).await;
    assert!(elsewhere.page.contains("Stands now at: North"), "{}", elsewhere.page);
    let list = office.browse(Some(&token), "/gates", None).await;
    assert!(list.page.contains("North") && list.page.contains("<td>1</td>"), "{}", list.page);

    // Ten and nine of two hours of yesterday, and a hundred of today.
    let today = office.app.today();
    let before = Date::from_days(today.days() - 1).unwrap();
    let id: TerminalId = gate.parse().unwrap();
    let counted = office.app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            // As if it had stood there for long.
            crate::db::query("UPDATE gate_post SET since = 0").execute(tx.conn()).await?;
            let count = |day, minute| Count { shard: Shard(0), terminal: id, hour: hour(moment(day, minute)) };
            let mut counts = vec![count(before, 480); 10];
            counts.extend([count(before, 540); 9]);
            counts.extend([count(today, 480); 100]);
            store::add(tx.conn(), &counts).await
        })
    });
    counted.await.unwrap();
    let shown = office.browse(Some(&token), &north, None).await.page;
    assert!(shown.contains(&format!("{before} 08:00")), "{shown}");
    assert!(shown.contains("let in: 10<") && !shown.contains("100"), "{shown}");
    assert!(!shown.contains(&format!("{before} 09:00")), "fewer are not told from one another: {shown}");
    assert!(!shown.contains(&format!("{today} 08:00")), "{shown}");

    assert_eq!(send(&office, &token, &north, &format!("act=take&take={gate}")).await.0, done);
    assert_eq!(send(&office, &token, &south, &put).await.0, done);
    assert_eq!(send(&office, &token, &south, "act=close").await.0, done);
    assert_eq!(send(&office, &token, &south, &put).await.0, wrong, "it is closed");
    let nowhere = format!("/gates/{}", SiteId(Uuid::nil()));
    assert_eq!(office.browse(Some(&token), &nowhere, None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_visitors_pass_is_given_out_printed_checked_by_anybody_and_withdrawn() {
    let office = office().await;
    let token = office.staff("admin", StaffRole::Administrator).await;
    let clerk = office.member("test-clerk", StaffRole::Clerk).await;
    let session = office.session(&clerk).await;
    send(&office, &token, "/organisations/new", "name=Village&kind=gate_site").await;
    let (_, site) = send(&office, &token, "/gates/new", "name=North&kind=village&organisation=Village").await;
    let passes = site.replace("/gates/", "/passes/");
    let sites = office.browse(Some(&session), "/passes", None).await;
    assert!(sites.page.contains(&passes), "{}", sites.page);
    let today = office.app.today();
    let day = |days| Date::from_days(today.days() + days).unwrap();
    let form = |reason: &str, from: Date, until: Date| {
        format!("reason={reason}&from_day={from}&from_time=00:00&until_day={until}&until_time=24:00")
    };
    let wrong = StatusCode::UNPROCESSABLE_ENTITY;
    for (form, field) in [
        (form("lives", today, today), "reason-visits"),
        (form("", today, today), "reason-visits"),
        (form("visits", day(-1), today), "from_day"),
        (form("visits", day(31), day(31)), "from_day"),
        (form("visits", today, day(7)), "until_day"),
        (form("visits", day(1), day(-1)), "until_day"),
        ("reason=visits&from_day=heute".to_owned(), "from_day"),
        (format!("reason=visits&from_day={today}&from_time=8"), "from_time"),
    ] {
        let (status, page) = send(&office, &session, &format!("{passes}/new"), &form).await;
        assert_eq!(status, wrong, "{form}");
        assert!(page.contains(&format!("href=\"#{field}\"")), "{form}: {page}");
    }
    let (status, one) = send(&office, &session, &format!("{passes}/new"), &form("visits", today, day(6))).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{one}");
    let shown = office.browse(Some(&session), &one, None).await.page;
    for said in ["North", "Visits family there", "Good", "test-clerk"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let printed = office.browse(Some(&session), &format!("{one}/print"), None).await;
    assert!(printed.status == StatusCode::OK && printed.page.contains("<svg"), "{}", printed.page);
    for kept_back in ["Visits family", "test-clerk<"] {
        assert!(!printed.page.split_once("id=\"sheet\"").unwrap().1.contains(kept_back), "{kept_back}");
    }

    let text = async |path: &str| {
        let number: PaperNumber = path.rsplit('/').next().unwrap().parse().unwrap();
        let found = store::passes::one(&mut office.app.db.read().await.unwrap(), number).await.unwrap().unwrap();
        super::super::pass::text(&office.app, &found).unwrap()
    };
    let check = async |text: &str| -> Value {
        let (status, answer) = office.public("POST", "/v1/papers/check", None, Some(json!({"text": text}))).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    };
    let code = text(&one).await;
    let answer = check(&code).await;
    assert_eq!((&answer["verdict"], &answer["kind"]), (&json!("genuine"), &json!("gate_pass")), "{answer}");
    assert_eq!((&answer["pass"]["site"], &answer["valid_until"]), (&json!("North"), &Value::Null), "{answer}");
    let page = send(&office, "", "/papers/check/answer", &format!("text={}", code.replace('#', "%23"))).await.1;
    assert!(page.contains("for whoever has it") && !page.contains("name=\"document_number\""), "{page}");
    // One of tomorrow is not good yet.
    let (_, other) = send(&office, &session, &format!("{passes}/new"), &form("works", day(1), day(2))).await;
    let later = text(&other).await;
    assert_eq!(check(&later).await["verdict"], "not_yet");

    let (status, _) = send(&office, &session, &one, "act=withdraw").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(check(&code).await["verdict"], "withdrawn");
    let (status, page) = send(&office, &session, &one, "act=withdraw").await;
    assert!(status == wrong && page.contains("not good any more"), "{page}");
    assert_eq!(office.browse(Some(&session), &format!("{one}/print"), None).await.status, StatusCode::CONFLICT);
    // A site that is closed has no visitors.
    assert_eq!(check(&later).await["verdict"], "not_yet");
    send(&office, &token, &site, "act=close").await;
    assert_eq!(check(&later).await["verdict"], "withdrawn");
    let (status, _) = send(&office, &session, &format!("{passes}/new"), &form("visits", today, today)).await;
    assert_eq!(status, wrong);
    let list = office.browse(Some(&session), &passes, None).await;
    assert!(list.page.contains("Withdrawn") && !list.page.contains("/new"), "{}", list.page);
    let stranger = format!("{passes}/{}", PaperNumber([9; 10]));
    assert_eq!(office.browse(Some(&session), &stranger, None).await.status, StatusCode::NOT_FOUND);
}
