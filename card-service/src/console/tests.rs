//! Every page in every language, from invented data.

mod at_readers;

use askama::Template;
use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{CardId, HolderId, Shard};
use card_schema::money::Fen;
use card_schema::operation::OperationCode;
use uuid::Uuid;

use super::card_desk::{CardDeskPage, Missing, Scene};
use super::frame::Frame;
use super::holder::{Belongs, CardLine, HolderPage, MemberLine, Record};
use super::home::{HomePage, Unfinished};
use super::merge::{ComparePage, MergePage};
use super::register::Link;
use super::slip::{Deed, SlipPage};
use super::timeline::TimelinePage;
use super::unblock::UnblockPage;
use super::view::{
    self, ActivityPage, CardPage, Choice, ErrorPage, HolderView, PurposePage, RowView, SignInPage, Tag, Wrong,
};
use crate::cards::activity::store::Activity;
use crate::cards::activity::{ActivityPurpose, Place, pages as activity_pages};
use crate::cards::deed::model::{Fate, Past, What};
use crate::cards::model::{Bearer, Card, CardState};
use crate::cards::{expiry, stock};
use crate::domains::purse::reversal;
use crate::domains::residence::model::{ChangeReason, Facts, Field};
use crate::domains::residence::view::{DOCUMENT, inputs};
use crate::domains::residence::{permit::model::Standing, store::PastFact};
use crate::domains::{gate, points, residence, transit};
use crate::evidence::store::Checkpoint;
use crate::i18n::Locale;
use crate::intake::{quarantine, suspicion};
use crate::people::{
    Purpose, Staff, StaffId, StaffRole, account, approval, card_sign_in, factor, member, organisation,
};
use crate::terminals;

/// 2026-11-23 17:04:05 in Beijing.
const AT: Micros = Micros(1_795_424_645_000_000);

fn staff() -> Staff {
    Staff { staff_id: StaffId(Uuid::nil()), name: "test-clerk".to_owned(), role: StaffRole::Clerk }
}

fn rows() -> Vec<Activity> {
    use OperationCode as Op;
    let table = [
        (0, 1204, Op::PursePayment, Outcome::Accepted, Some(1250), "收银台 2", "测试超市"),
        (18, 877, Op::GateCheck, Outcome::Accepted, None, "东门", "测试小区"),
        (41, 1204, Op::PursePayment, Outcome::InsufficientFunds, Some(8800), "收银台 1", "测试超市"),
        (95, 43, Op::PurseTopUp, Outcome::Accepted, Some(5000), "Counter 3", "Test Service Station"),
        (160, 2310, Op::RegistrationConsent, Outcome::Accepted, None, "Counter 3", "Test Service Station"),
        (233, 561, Op::GateCheck, Outcome::CardNotActive, None, "东门", "测试小区"),
        (301, 90, Op::PursePayment, Outcome::Quarantined, Some(300), "Till 7", "Test Bakery"),
        (420, 877, Op::PursePayment, Outcome::PinRequired, Some(45_000), "Till 7", "Test Bakery"),
        (512, 43, Op::SignIn, Outcome::Accepted, None, "Counter 3", "Test Service Station"),
    ];
    let row = |(ago, index, operation, outcome, amount, terminal, organisation): (
        i64,
        u32,
        OperationCode,
        Outcome,
        Option<i64>,
        &str,
        &str,
    )| {
        let at = AT.plus_seconds(-ago);
        Activity {
            place: Place { received_at: at, at, tap_id: [7; 32] },
            tap: ago + 1,
            settled: None,
            card: CardId::new(index, Shard(3), [u8::try_from(index % 251).unwrap(); 16]),
            operation: Some(operation),
            outcome: outcome.number(),
            amount: amount.map(Fen),
            reversed: Fen(if ago == 95 { 1_250 } else { 0 }),
            points: None,
            terminal: Some((terminal.to_owned(), organisation.to_owned())),
        }
    };
    table.into_iter().map(row).collect()
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        size: 48_213,
        root: std::array::from_fn(|at| u8::try_from(at * 7 + 3).unwrap()),
        note: String::new(),
        at: AT,
    }
}

fn activity(locale: Locale, rows: &[Activity]) -> ActivityPage {
    ActivityPage {
        frame: Frame::new(locale, "/activity?purpose=oversight", Some(&staff())),
        purpose: ActivityPurpose::Oversight.name(),
        purpose_text: view::activity_purpose(locale, ActivityPurpose::Oversight),
        list: rows.iter().map(|row| RowView::new(locale, row)).collect(),
        caption: view::caption(locale, rows.len()),
        paged: false,
        older: rows.last().map(|row| row.place.encode()),
        evidence: (!rows.is_empty()).then(|| checkpoint().into()),
    }
}

fn card(locale: Locale, state: CardState, holder: Option<HolderView>, role: StaffRole, missing: bool) -> CardPage {
    let rows: Vec<_> = rows().into_iter().filter(|row| row.card.status_index() == 1204).collect();
    let number = rows[0].card.to_string();
    CardPage {
        frame: Frame::new(locale, "/cards/x", Some(&Staff { role, ..staff() })),
        purpose: "oversight",
        card_short: view::short(&number),
        card: number,
        state: Tag::of_card(locale, state),
        expires: view::day(AT.plus_seconds(10 * 365 * 86_400)),
        issued: view::minute(AT.plus_seconds(-86_400)),
        changed: view::minute(AT),
        holder,
        is_of_staff: false,
        purposes: Choice::of_person(locale, role.purposes()),
        missing,
        caption: view::caption(locale, rows.len()),
        list: rows.iter().map(|row| RowView::new(locale, row)).collect(),
        older: None,
    }
}

/// What may happen to a card.
fn history() -> Vec<Past> {
    let past = |what, staff: Option<&str>| Past { at: AT, what, staff: staff.map(str::to_owned) };
    vec![
        past(What::Chip("destroyed".to_owned()), Some("test-clerk")),
        past(What::State(CardState::Lost, "stolen".to_owned()), Some("test-clerk")),
        past(What::State(CardState::Active, "consent".to_owned()), None),
        past(What::State(CardState::Suspended, "typed by a program".to_owned()), Some("test-clerk")),
        past(What::Issue("renewed".to_owned()), Some("test-clerk")),
    ]
}

/// The page of a card that came back.
fn given_back(locale: Locale) -> Vec<(String, String)> {
    let holder = HolderId::new(Shard(3), [8; 16]);
    let card = Card {
        card_id: CardId::new(1204, Shard(3), [7; 16]),
        bearer: Bearer::Holder(holder),
        signs_in: false,
        state: CardState::Returned,
        created_at: AT,
        expires_at: AT,
        changed_at: AT,
    };
    let shown = |name: &str, fate, missing| {
        let scene = Scene { holder, state: card.state, fate, history: history(), missing, card: card.clone() };
        let page = CardDeskPage::new(Frame::new(locale, "/holders/x/cards/y", Some(&staff())), scene);
        (format!("card-back-{name}"), page.render().unwrap())
    };
    vec![
        shown("missing", None, Missing::Fate),
        shown("kept", Some(Fate::KeptAsEvidence), Missing::Nothing),
        shown("destroyed", Some(Fate::Destroyed), Missing::Nothing),
    ]
}

/// A holder with cards and readers, or with none.
fn holder(locale: Locale, lived: bool, wrong: bool) -> HolderPage {
    let line = |state: CardState| CardLine {
        card: "x".to_owned(),
        short: "0004b403".to_owned(),
        state: Tag::of_card(locale, state),
        expires: view::day(AT),
        renew: (state == CardState::Active).then(|| locale.text("expiring-is-soon")),
        issuance: (state == CardState::Personalising).then(|| "x".to_owned()),
    };
    let desk = |id: &str| Choice { hint: "测试服务站".to_owned(), ..Choice::new(id, "Counter 3".to_owned()) };
    let fact = |field: Field| (residence::view::label(locale, field), "测试".to_owned(), field.name());
    HolderPage {
        frame: Frame::new(locale, "/holders/x", Some(&staff())),
        holder: "x".to_owned(),
        registered: view::minute(AT),
        cards: if lived { [CardState::Active, CardState::Personalising].map(line).into() } else { Vec::new() },
        record: lived.then(|| Record {
            purpose: view::reason(locale, Purpose::HolderRequest),
            facts: Field::ALL.map(fact).into(),
            cell: "测试区 测试街道 测试社区 第 1 网格".to_owned(),
            signer: wrong.then(|| "测试乙".to_owned()),
            household: Belongs {
                members: ["y", "x"]
                    .map(|holder| MemberLine {
                        holder: holder.to_owned(),
                        name: "测试甲".to_owned(),
                        relationship: "配偶".to_owned(),
                        since: view::day(AT),
                        is_head: holder == "y",
                    })
                    .into(),
                earlier: vec![(view::day(AT), view::day(AT), "子".to_owned())],
            },
            earlier: vec![("测试路 9 号".to_owned(), "2025-09-01".to_owned(), "2026-03-01".to_owned())],
            photo: Some("data:image/jpeg;base64,AAAA".to_owned()),
        }),
        purposes: Choice::of_person(locale, StaffRole::Clerk.purposes()),
        missing: wrong,
        desks: if lived { ["a", "b"].map(desk).into() } else { Vec::new() },
        no_desk: wrong,
        merged: wrong.then(|| ("x".to_owned(), view::minute(AT), "test-clerk".to_owned())),
        others: if lived { vec!["y".to_owned()] } else { Vec::new() },
        has_photo: lived,
        agreement: residence::agreement::view::tag(locale, None),
        permit: lived.then(|| residence::permit::view::standing(locale, Standing::Due)),
        permit_until: lived.then(|| "2026-12-01".to_owned()),
    }
}

fn timeline(locale: Locale) -> TimelinePage {
    let reads = ["name", "photo", "household", "permit_proof", "timeline"]
        .map(|what| (AT, "test-clerk".to_owned(), Purpose::HolderRequest.name().to_owned(), what.to_owned()));
    let changed =
        PastFact { field: Field::Address, at: AT, staff: "test-clerk".to_owned(), reason: ChangeReason::Changed };
    let mut lines = residence::view::history::changes(locale, &[changed]);
    lines.extend(residence::view::history::reads(locale, &reads));
    TimelinePage {
        frame: Frame::new(locale, "/holders/x/timeline", Some(&staff())),
        holder: "x".to_owned(),
        lines,
        more: true,
        purpose: view::reason(locale, Purpose::HolderRequest),
    }
}

/// Every page in a language, by name.
fn pages(locale: Locale) -> Vec<(String, String)> {
    let shown = || HolderView {
        name: "测**".to_owned(),
        document: "***************51X".to_owned(),
        purpose: view::reason(locale, Purpose::HolderRequest),
    };
    let sign_in = |wrong: Option<&'static str>| {
        let frame = Frame::new(locale, "/sign-in", None);
        let wrong = wrong.map(|key| Wrong { field: "name", text: locale.text(key) });
        SignInPage { frame, to: "/activity".to_owned(), name: String::new(), wrong }.render().unwrap()
    };
    let purpose = |missing| {
        let frame = Frame::new(locale, "/activity", Some(&staff()));
        let page =
            PurposePage { frame, action: "/activity".to_owned(), purposes: Choice::of_activity(locale), missing };
        page.render().unwrap()
    };
    let of_staff = CardPage { is_of_staff: true, ..card(locale, CardState::Active, None, StaffRole::Auditor, false) };
    let card = |state, holder, role, missing| card(locale, state, holder, role, missing).render().unwrap();
    let mut pages = vec![
        ("card-of-staff".to_owned(), of_staff.render().unwrap()),
        ("sign-in".to_owned(), sign_in(None)),
        ("sign-in-wrong".to_owned(), sign_in(Some("sign-in-wrong"))),
        ("purpose".to_owned(), purpose(false)),
        ("purpose-missing".to_owned(), purpose(true)),
        ("activity".to_owned(), activity(locale, &rows()).render().unwrap()),
        ("activity-empty".to_owned(), activity(locale, &[]).render().unwrap()),
        ("card-asks".to_owned(), card(CardState::Active, None, StaffRole::Clerk, false)),
        ("card-missing".to_owned(), card(CardState::Suspended, None, StaffRole::Clerk, true)),
        ("card-holder".to_owned(), card(CardState::Lost, Some(shown()), StaffRole::Clerk, false)),
        ("card-auditor".to_owned(), card(CardState::Returned, None, StaffRole::Auditor, false)),
    ];
    let frame = |path: &str| Frame::new(locale, path, Some(&staff()));
    for unfinished in [vec![], vec![Unfinished { draft: "x".to_owned(), changed: view::minute(AT) }]] {
        let (name, waiting) = (format!("home-{}", unfinished.len()), unfinished.len());
        let [low_stocks, held, suspicions, disputes] = [waiting.try_into().unwrap(); 4];
        let (frame, role) = (frame("/"), StaffRole::Administrator);
        let page = HomePage { frame, role, waiting, low_stocks, held, suspicions, disputes, unfinished };
        pages.push((name, page.render().unwrap()));
    }
    pages.push(("holder-new".to_owned(), holder(locale, false, false).render().unwrap()));
    pages.push(("holder-record".to_owned(), holder(locale, true, false).render().unwrap()));
    pages.push(("holder-missing".to_owned(), holder(locale, false, true).render().unwrap()));
    for state in CardState::ALL {
        let holder = HolderId::new(Shard(3), [8; 16]);
        let card = Card {
            card_id: CardId::new(1204, Shard(3), [7; 16]),
            bearer: Bearer::Holder(holder),
            signs_in: false,
            state,
            created_at: AT,
            expires_at: AT,
            changed_at: AT,
        };
        // A card with which nothing can be done asks for nothing.
        for missing in [false, true].into_iter().filter(|missing| !missing || state == CardState::Active) {
            let lacks = if missing { Missing::Change } else { Missing::Nothing };
            let page = Scene { holder, state, fate: None, history: history(), missing: lacks, card: card.clone() };
            let page = CardDeskPage::new(frame("/holders/x/cards/y"), page);
            pages.push((format!("card-desk-{}-{missing}", state.name()), page.render().unwrap()));
        }
    }
    pages.push(("timeline".to_owned(), timeline(locale).render().unwrap()));
    pages.extend(given_back(locale));
    pages.extend(expiry::pages::tests::pages(&frame("/expiring")));
    pages.extend(stock::pages::tests::pages(&frame("/stock/x")));
    pages.extend(reversal::pages::tests::pages(&frame("/cards/x/taps/1")));
    pages.extend(at_readers::pages(locale));
    for deed in Deed::ALL {
        let card = (deed != Deed::Registered).then(|| "0004b403".to_owned());
        let (frame, back, at) = (frame("/holders/x/slip"), Link::home(locale), view::minute(AT));
        let page = SlipPage { frame, deed, back, at, station: "测试服务站".to_owned(), card };
        pages.push((format!("slip-{}", deed.name()), page.render().unwrap()));
    }
    pages.extend(organisation::pages::tests::pages(&frame("/organisations/x")));
    pages.extend(activity_pages::tests::pages(&frame("/receipts/x")));
    pages.extend(quarantine::pages::tests::pages(&frame("/quarantine/x")));
    pages.extend(suspicion::pages::tests::pages(&frame("/suspicions/x")));
    pages.extend(points::pages::tests::pages(&frame("/points/1")));
    pages.extend(terminals::pages::tests::pages(&frame("/terminals/x")));
    pages.extend(member::pages::one::tests::pages(&frame("/staff/x")));
    pages.extend(card_sign_in::pages::tests::pages(&Frame::new(locale, "/sign-in/card", None)));
    pages.extend(approval::pages::tests::pages(&frame("/approvals/x")));
    pages.extend(factor::pages::tests::pages(locale));
    pages.extend(account::pages::tests::pages(locale));
    pages.extend(residence::view::tests::pages(&frame("/registrations/x")));
    pages.extend(residence::import::view::tests::pages(&frame("/imports")));
    pages.extend(residence::household::view::tests::pages(&frame("/holders/x/household")));
    pages.extend(residence::agreement::view::tests::pages(&frame("/holders/x/agreement")));
    pages.extend(residence::map::view::tests::pages(&frame("/map")));
    pages.extend(residence::roster::view::tests::pages(&frame("/rosters")));
    pages.extend(residence::photo::view::tests::pages(&frame("/holders/x/photo")));
    pages.extend(residence::paper::view::tests::pages(&frame("/holders/x/papers")));
    pages.extend(residence::permit::view::tests::pages(&frame("/holders/x/permit")));
    for status in [400, 403, 404, 429, 500, 503] {
        let title = locale.text("problem-not-found");
        pages.push((format!("error-{status}"), ErrorPage::new(locale, status, title, None).render().unwrap()));
    }
    pages
}

#[test]
fn every_page_renders_in_every_language_without_a_missing_text_or_a_script() {
    for locale in Locale::ALL {
        for (name, html) in pages(locale) {
            assert!(html.contains(&format!("<html lang=\"{}\"", locale.tag())), "{name}");
            // A text that is missing shows as its key.
            let mut shown = html.replace("/assets/console.css", "");
            for script in ["camera.js", "live.js", "paper.js"] {
                shown = shown.replace(&format!("<script defer src=\"/assets/{script}\"></script>"), "");
            }
            for forbidden in [
                "console-",
                "problem-",
                "residence-",
                "document-number-",
                "person-",
                "people-",
                "organisation-",
                "fares-",
                "settlement-",
                "points-n",
                "points-r",
                "points-w",
                "staff-",
                "approval-",
                "reversal-",
                ">terminal-",
                ">gate-",
                "\"gate-",
                ">paper-",
                "\"paper-",
                "slip-print",
                "slip-registered-",
                "slip-card-",
                "slip-pin-",
                ">slip-",
                ">factor-",
                "\"factor-",
                "account-o",
                "account-p",
                "account-s",
                "<script",
                "style=",
                "onclick",
                "http://",
                "https://",
            ] {
                assert!(!shown.contains(forbidden), "{name} in {}: {forbidden}", locale.tag());
            }
            assert_eq!(html.matches("<h1").count(), 1, "{name}: one heading says where one is");
            assert_eq!(html.matches("<main").count(), 1, "{name}");
        }
    }
}

#[test]
fn every_operation_outcome_state_and_purpose_has_words_in_both_languages() {
    for locale in Locale::ALL {
        let mut keys = vec!["console-operation-unknown".to_owned()];
        keys.extend(
            OperationCode::ALL.map(|code| format!("console-operation-{}", code.name().replace(['.', '_'], "-"))),
        );
        keys.extend(Outcome::ALL.map(|outcome| format!("console-outcome-{}", outcome.number())));
        keys.extend(CardState::ALL.map(|state| format!("console-state-{}", state.name())));
        keys.extend(Purpose::ALL.map(|purpose| format!("console-reason-{}", purpose.name().replace('_', "-"))));
        for purpose in ActivityPurpose::ALL {
            keys.push(format!("console-purpose-{}", purpose.name()));
            keys.push(format!("console-purpose-{}-hint", purpose.name()));
        }
        for key in keys {
            assert!(locale.has(&key), "{} {key}", locale.tag());
        }
    }
}

#[test]
fn what_is_wrong_is_said_at_the_top_with_a_way_to_the_field() {
    for locale in Locale::ALL {
        for (name, html) in pages(locale) {
            let Some((_, after)) = html.split_once("class=\"summary\"") else { continue };
            let (_, id) = after.split_once("href=\"#").expect("the summary links to a field");
            let id = id.split('"').next().unwrap();
            assert!(html.contains(&format!(" id=\"{id}\"")), "{name}: nothing has the id {id}");
        }
    }
}

#[test]
fn an_auditor_is_not_even_asked_why_the_holder_should_be_shown() {
    let html = card(Locale::En, CardState::Active, None, StaffRole::Auditor, false).render().unwrap();
    assert!(!html.contains("name=\"reason\""));
}

#[test]
fn the_session_cookie_is_for_this_host_alone_and_not_for_scripts() {
    let cookie = super::pages::session_cookie("token", 60);
    assert!(cookie.starts_with("__Host-session=token; "), "{cookie}");
    for flag in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.split("; ").any(|part| part == flag), "{cookie} lacks {flag}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[test]
fn money_that_did_not_move_has_no_direction() {
    let html = activity(Locale::En, &rows()).render().unwrap();
    let holds = |text| html.contains(text);
    assert!(holds("−12.50") && holds("+50.00") && holds("88.00") && !holds("−88.00"));
}

/// Writes the pages for looking at: `NRC_PAGES=folder cargo test -p card-service pages_to_look_at -- --ignored`.
#[test]
#[ignore = "writes files for a person to look at"]
fn pages_to_look_at() {
    let folder = std::path::PathBuf::from(std::env::var_os("NRC_PAGES").expect("NRC_PAGES names a folder"));
    for locale in Locale::ALL {
        for (name, html) in pages(locale) {
            let file = folder.join(format!("{name}.{}.html", locale.tag()));
            std::fs::write(file, html.replace("/assets/", "")).unwrap();
        }
    }
    for asset in ["console.css", "icon.svg"] {
        std::fs::copy(format!("{}/assets/{asset}", env!("CARGO_MANIFEST_DIR")), folder.join(asset)).unwrap();
    }
}
