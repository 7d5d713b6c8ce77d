//! How a clerk lets somebody pass, sees it and ends it; and the pages in every state that they have.

use askama::Template as _;
use axum::http::StatusCode;
use card_schema::clock::Micros;
use card_schema::ids::{OrganisationId, Shard};
use card_schema::operation::OperationCode;

use super::*;
use crate::domains::gate::model::SiteKind;
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::{Registration, register};
use crate::people::StaffRole;
use crate::testing::gate::site_of;
use crate::testing::town::terminal_in;
use crate::testing::{Office, office};

const AT: Micros = Micros(1_795_424_645_000_000);

fn form(fields: &[(&str, &str)]) -> Typed {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Every page in a language, by name, from invented data.
pub(in crate::console) fn pages(locale: Locale) -> Vec<(String, String)> {
    let staff = Staff { staff_id: StaffId(Uuid::nil()), name: "test-clerk".to_owned(), role: StaffRole::Clerk };
    let (holder, today) = (HolderId::new(Shard(3), [8; 16]), Date::new(2026, 11, 23).unwrap());
    let at = Desk { locale, staff, holder, today };
    let site = |kind, closed| Site {
        id: SiteId::from_bytes([7; 16]),
        organisation: OrganisationId::from_bytes([7; 16]),
        kind,
        name: "测试小区".to_owned(),
        closed,
    };
    let sites = SiteKind::ALL.map(|kind| site(kind, kind == SiteKind::Village));
    let window = |first: &str, last: &str, from, until| Window {
        first: first.parse().unwrap(),
        last: last.parse().unwrap(),
        days: if from == 0 { Weekdays::ALL } else { Weekdays::from_bits(0x1F).unwrap() },
        hours: Hours::new(from, until).unwrap(),
    };
    let night = window("2026-11-20", "2026-12-31", 1_320, 360);
    let known = |window, ended: Option<EndReason>, reason| {
        let by = StaffId(Uuid::nil());
        let ended = ended.map(|because| (AT, by, because));
        let (id, site) = (Uuid::nil(), SiteId::from_bytes([7; 16]));
        let credential =
            Credential { id, holder, site, window, reason: Vec::new(), granted_at: AT, granted_by: by, ended };
        Known { credential, reason: Some(reason), site: "测试小区".to_owned(), by: "test-clerk".to_owned() }
    };
    let mut lines = vec![
        granted(&at, &known(night, None, Reason::Works)),
        granted(&at, &known(window("2026-12-01", "2026-12-31", 0, 1_440), None, Reason::Lives)),
        granted(&at, &known(window("2026-10-01", "2026-10-31", 480, 1_080), None, Reason::Cares)),
    ];
    lines.extend(EndReason::ALL.map(|because| granted(&at, &known(night, Some(because), Reason::Delivers))));
    let typed = form(&[("site", "x"), ("reason", "works"), ("first", "morgen"), ("day_1", "yes")]);
    let blank = Typed::new();
    let mut shown = vec![
        ("where", where_page(&at, &sites, &blank, None).render()),
        ("where-none", where_page(&at, &[], &blank, Some(("site", "gate-site-missing"))).render()),
        ("where-reason", where_page(&at, &sites, &blank, Some(("reason", "gate-reason-missing"))).render()),
        ("when", when_page(&at, &with_today(&at, &blank), None).render()),
        ("check", check_page(&at, &sites[1], Reason::Visits, &night, &typed).render()),
        ("asks", purpose_page(&at, None).render()),
        ("asks-missing", purpose_page(&at, Some(("reason", "console-purpose-missing"))).render()),
        ("granted", granted_page(&at, lines, Purpose::HolderRequest).render()),
        ("granted-none", granted_page(&at, Vec::new(), Purpose::Complaint).render()),
        ("end", end_page(&at, Uuid::nil(), None).render()),
        ("end-missing", end_page(&at, Uuid::nil(), Some(("change", "gate-end-missing"))).render()),
    ];
    for wrong in [
        ("first", "gate-day-bad"),
        ("first", "gate-day-over"),
        ("last", "gate-day-order"),
        ("last", "gate-days-many"),
        ("days", "gate-days-missing"),
        ("until_time", "gate-time-bad"),
    ] {
        shown.push((wrong.1, when_page(&at, &typed, Some(wrong)).render()));
    }
    shown.into_iter().map(|(name, page)| (format!("gates-{name}"), page.unwrap())).collect()
}

async fn registered(office: &Office, by: StaffId) -> HolderId {
    let facts = Facts::default()
        .with(Field::DocumentKind, "passport")
        .with(Field::DocumentNumber, "T1234567")
        .with(Field::Name, "测试隐名");
    register(&office.app, by, Registration::of(facts)).await.unwrap()
}

#[tokio::test]
async fn somebody_may_pass_after_three_pages_and_bad_answers_are_asked_for_again() {
    let office = office().await;
    let clerk = office.member("test-clerk", StaffRole::Clerk).await;
    let (session, holder) = (office.session(&clerk).await, registered(&office, clerk.staff_id).await);
    let terminal = terminal_in(&office.app.db, &[OperationCode::GateCheck]).await;
    let site = site_of(&office.app.db, terminal.id).await;
    let today = office.app.today();
    let day = |days| Date::from_days(today.days() + days).unwrap();
    let path = format!("/holders/{holder}/gates/new");
    let send = async |form: String| office.browse(Some(&session), &path, Some(&form)).await;
    let kept = async || credentials::of_holder(&mut office.app.db.read().await.unwrap(), holder).await.unwrap();

    let begins = office.browse(Some(&session), &path, None).await;
    assert!(begins.status == StatusCode::OK && begins.page.contains(&format!("site-{site}")), "{}", begins.page);
    for (wrong, leads_to) in [
        ("step=where", format!("#site-{site}")),
        ("step=where&site=x&reason=works", format!("#site-{site}")),
        (&format!("step=where&site={site}&reason=likes"), "#reason-lives".to_owned()),
    ] {
        let shown = send(wrong.to_owned()).await;
        assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(shown.page.contains(&leads_to), "{wrong}: {}", shown.page);
    }
    let first = format!("site={site}&reason=works");
    let asks = send(format!("step=where&{first}")).await;
    assert!(asks.status == StatusCode::OK && asks.page.contains("type=\"checkbox\""), "{}", asks.page);
    assert!(
        asks.page.contains(&format!("value=\"{today}\"")) && asks.page.contains("value=\"works\""),
        "{}",
        asks.page
    );
    let when = |first: &str, last: &str, days: &str, from: &str, until: &str| {
        format!("first={first}&last={last}{days}&from_time={from}&until_time={until}")
    };
    let (now, later) = (today.to_string(), day(30).to_string());
    for (wrong, leads_to) in [
        (when("soon", &later, "&day_1=yes", "08:00", "18:00"), "#first"),
        (when(&day(-1).to_string(), &later, "&day_1=yes", "08:00", "18:00"), "#first"),
        (when(&later, &now, "&day_1=yes", "08:00", "18:00"), "#last"),
        (when(&now, &day(5 * 366).to_string(), "&day_1=yes", "08:00", "18:00"), "#last"),
        (when(&now, &later, "", "08:00", "18:00"), "#days-day_1"),
        (when(&now, &later, "&day_8=yes", "08:00", "18:00"), "#days-day_1"),
        (when(&now, &later, "&day_1=yes", "8", "18:00"), "#from_time"),
        (when(&now, &later, "&day_1=yes", "24:00", "18:00"), "#from_time"),
        (when(&now, &later, "&day_1=yes", "08:00", "24:01"), "#until_time"),
    ] {
        for step in ["when", "grant"] {
            let shown = send(format!("step={step}&{first}&{wrong}")).await;
            assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
            assert!(shown.page.contains(&format!("href=\"{leads_to}\"")), "{wrong}: {}", shown.page);
        }
    }
    assert!(kept().await.is_empty());

    let good = when(&now, &later, "&day_1=yes&day_7=yes", "22:00", "06:00");
    let checks = send(format!("step=when&{first}&{good}")).await;
    assert_eq!(checks.status, StatusCode::OK);
    for said in ["Monday, Sunday", "22:00–06:00 on the next day", "Works there", "value=\"grant\"", "name=\"day_7\""]
    {
        assert!(checks.page.contains(said), "{said}: {}", checks.page);
    }
    let again = send(format!("step=again&{first}&{good}")).await;
    assert!(again.status == StatusCode::OK && again.page.contains("value=\"22:00\""), "{}", again.page);
    assert_eq!(send(format!("step=leap&{first}&{good}")).await.status, StatusCode::BAD_REQUEST);
    for _ in 0..2 {
        assert_eq!(send(format!("step=grant&{first}&{good}")).await.status, StatusCode::SEE_OTHER);
    }
    let found = kept().await;
    assert_eq!(found.len(), 1, "sent twice is granted once");
    let expected = Window {
        first: today,
        last: day(30),
        days: Weekdays::from_bits(0x41).unwrap(),
        hours: Hours::new(1_320, 360).unwrap(),
    };
    assert_eq!((found[0].window, found[0].site, found[0].granted_by), (expected, site, clerk.staff_id));
    assert!(!found[0].reason.windows(5).any(|bytes| bytes == b"works"), "why is sealed");
}

#[tokio::test]
async fn what_was_granted_is_shown_to_whoever_says_why_and_ended_once() {
    let office = office().await;
    let clerk = office.member("test-clerk", StaffRole::Clerk).await;
    let (session, holder) = (office.session(&clerk).await, registered(&office, clerk.staff_id).await);
    let terminal = terminal_in(&office.app.db, &[OperationCode::GateCheck]).await;
    let (site, today) = (site_of(&office.app.db, terminal.id).await, office.app.today());
    let path = format!("/holders/{holder}/gates");
    let form = format!(
        "step=grant&site={site}&reason=cares&first={today}&last={today}&day_1=yes&from_time=08:00&until_time=18:00"
    );
    office.browse(Some(&session), &format!("{path}/new"), Some(&form)).await;
    let name = format!("Test Site {site}");

    let asks = office.browse(Some(&session), &path, None).await;
    assert!(asks.status == StatusCode::OK && !asks.page.contains(&name), "{}", asks.page);
    for form in ["", "reason=curiosity", "reason=organisation_check"] {
        let refused = office.browse(Some(&session), &path, Some(form)).await;
        assert!(refused.status.is_client_error() && !refused.page.contains(&name), "{form}: {}", refused.page);
    }
    let reads = async || residence::store::reads(&mut office.app.db.read().await.unwrap(), holder, 10).await.unwrap();
    assert!(reads().await.is_empty());
    let shown = office.browse(Some(&session), &path, Some("reason=holder_request")).await;
    assert_eq!(shown.status, StatusCode::OK);
    for said in [name.as_str(), "Cares for somebody there", "08:00–18:00", "In force", "test-clerk"] {
        assert!(shown.page.contains(said), "{said}: {}", shown.page);
    }
    let read = reads().await;
    assert_eq!(
        read.iter().map(|(_, who, why, what)| [who.as_str(), why, what]).collect::<Vec<_>>(),
        [["test-clerk", "holder_request", READ]]
    );

    let granted = credentials::of_holder(&mut office.app.db.read().await.unwrap(), holder).await.unwrap().remove(0);
    let one = format!("{path}/{}", granted.id);
    let asks = office.browse(Some(&session), &one, None).await;
    assert!(asks.status == StatusCode::OK && !asks.page.contains(&name), "{}", asks.page);
    let missing = office.browse(Some(&session), &one, Some("change=bored")).await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(missing.page.contains("href=\"#change-unneeded\""), "{}", missing.page);
    for (because, expected) in [("unneeded", EndReason::Unneeded), ("mistaken", EndReason::Unneeded)] {
        let ended = office.browse(Some(&session), &one, Some(&format!("change={because}"))).await;
        assert_eq!(ended.status, StatusCode::SEE_OTHER);
        let found = credentials::of_holder(&mut office.app.db.read().await.unwrap(), holder).await.unwrap();
        assert_eq!(found[0].ended.map(|(.., because)| because), Some(expected), "ended twice is ended once");
    }
    let nobodys = office.browse(Some(&session), &format!("{path}/{}", Uuid::nil()), Some("change=unneeded")).await;
    assert_eq!(nobodys.status, StatusCode::NOT_FOUND);
    let stranger = HolderId::new(Shard(0), [9; 16]);
    let unknown = office.browse(Some(&session), &format!("/holders/{stranger}/gates/new"), None).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    // What was granted and ended stands among all that was done.
    let timeline = format!("/holders/{holder}/timeline");
    let all = office.browse(Some(&session), &timeline, Some("reason=complaint")).await;
    for said in ["May pass gates", "May pass gates no longer", "It is not needed any more", "where the person may pass"]
    {
        assert!(all.page.contains(said), "{said}: {}", all.page);
    }
}
