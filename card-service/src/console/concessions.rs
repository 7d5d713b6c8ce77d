//! The fare concessions of one person: what they were granted, for whoever says why that is read; one more, or one less.
//!
//! Which concession somebody has says what somebody is: looking at them leaves a leaf like any other read of the record.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use card_schema::date::Date;
use card_schema::ids::{HolderId, Shard};

use super::asking;
use super::frame::Frame;
use super::input::Input;
use super::model::Tone;
use super::part::{Part, Told, back};
use super::register::{Act, ThingPage, Typed, Wrong, message, refused, typed};
use super::view::{Choice, Tag, minute};
use crate::app::App;
use crate::domains::residence::{self, merge};
use crate::domains::transit::concession::{self, By, ConcessionId, Grant, Held, Wish};
use crate::domains::transit::{Fares, store};
use crate::hex;
use crate::http::{Refusal, SignedIn};
use crate::i18n::Locale;
use crate::people::Purpose;
use crate::people::model::Permission;

/// The page of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 1] {
    [("/holders/{holder_id}/concessions", get(ask).post(show))]
}

const PART: Part = Part::of_record("/concessions", "fares-held", Permission::ServeHolders);

async fn ask(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
) -> Result<Response, Refusal> {
    PART.ask(&app, &who, &headers, holder).await
}

/// What a form asks to be done, if it asks for anything.
fn read(form: &Typed, id: ConcessionId) -> Result<Option<Wish>, concession::Wrong> {
    let day = |field| typed(form, field).trim().parse::<Date>().map_err(|_| (field, "fares-held-day-bad"));
    match typed(form, "act") {
        "grant" => {
            let concession = typed(form, "concession").to_owned();
            if concession.is_empty() {
                return Err(("concession", "fares-held-concession-missing"));
            }
            Ok(Some(Wish::Grant(Grant { id, concession, from: day("from")?, until: day("until")? })))
        }
        "end" => {
            let id = hex::decode(typed(form, "ends")).and_then(|bytes| bytes.try_into().ok());
            let id = id.ok_or(("ends", "fares-held-ends-missing"))?;
            Ok(Some(Wish::End(ConcessionId(id))))
        }
        _ => Ok(None),
    }
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    let (frame, purpose) = match PART.told(&who, &headers, holder, &form)? {
        Told::Why(frame, purpose) => (frame, purpose),
        Told::Nothing(question) => return Ok(question),
    };
    let by = By { staff: who.0.staff_id, now: app.now(), today: app.today() };
    let wish = read(&form, ConcessionId(*app.random_bytes()?));
    let blind = *app.random_bytes()?;
    let fares = app.fares.now(&mut app.db.read().await?, by.now).await?;
    let asked = Arc::clone(&fares);
    let (wrong, held) = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock([Shard(0), holder.shard()]).await?;
                residence::require_known(tx.conn(), holder).await?;
                let wrong = match wish {
                    Ok(None) => None,
                    Ok(Some(wish)) => {
                        if matches!(wish, Wish::Grant(_)) {
                            merge::require_primary(tx.conn(), holder).await?;
                        }
                        concession::carry_out(tx, &asked, by, holder, wish, blind).await?.err()
                    }
                    Err(wrong) => Some(wrong),
                };
                let what = concession::READ;
                residence::store::record_read(tx, by.now, holder, by.staff, purpose, what).await?;
                Ok((wrong, store::concession::of(tx.conn(), holder).await?))
            })
        })
        .await?;
    // What was done is not offered to be done once more.
    let form = if wrong.is_some() { form } else { Typed::new() };
    asking(&thing(frame, holder, purpose, (&fares, &held), by, (&form, wrong)), wrong.is_some())
}

fn days(locale: Locale, grant: &Grant) -> String {
    let values = [("from", grant.from.to_string()), ("until", grant.until.to_string())];
    locale.text_with("fares-held-days", &values.each_ref().map(|(name, value)| (*name, &**value)))
}

/// Whether a concession is good, will be, or is no more.
fn standing(locale: Locale, grant: &Grant, today: Date) -> String {
    locale.text(match grant {
        grant if grant.until < grant.from => "fares-held-never",
        grant if grant.is_good(today) => "fares-held-good",
        grant if grant.from > today => "fares-held-coming",
        _ => "fares-held-over",
    })
}

fn fact(locale: Locale, held: &Held, today: Date) -> (String, String) {
    let Held { grant, at, staff } = held;
    let mut said = vec![standing(locale, grant, today)];
    // The days of one that never was say nothing.
    said.extend((grant.from <= grant.until).then(|| days(locale, grant)));
    said.push(locale.text_with("fares-held-changed", &[("at", &minute(*at)), ("staff", staff)]));
    (grant.concession.clone(), said.join(&locale.text("console-list-comma")))
}

fn thing(
    frame: Frame,
    holder: HolderId,
    purpose: Purpose,
    (fares, held): (&Fares, &[Held]),
    by: By,
    (form, wrong): (&Typed, Wrong),
) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let names = fares.at(by.now).into_iter().flat_map(|version| version.tariff.concession_names());
    let names: Vec<Choice> = names.map(|name| Choice::new(name, name.to_owned())).collect();
    let going: Vec<Choice> = held
        .iter()
        .filter(|held| held.grant.goes_on(by.today))
        .map(|held| Choice {
            hint: days(locale, &held.grant),
            ..Choice::new(hex::encode(&held.grant.id.0), held.grant.concession.clone())
        })
        .collect();
    let day = |name: &'static str, value: &str| {
        let input = Input { max: 10, ..Input::text(name, t(&format!("fares-held-{name}")), value) };
        input.hint(t("fares-held-day-hint")).wrong(message(locale, wrong, name))
    };
    let today = by.today.to_string();
    let from = form.get("from").map_or(&*today, String::as_str);
    let act = |name: &'static str, inputs, primary| Act {
        name,
        title: t(&format!("fares-held-act-{name}")),
        hint: Some(t(&format!("fares-held-act-{name}-hint"))),
        inputs,
        button: t(&format!("fares-held-act-{name}-button")),
        primary,
    };
    let mut acts = Vec::new();
    if !names.is_empty() {
        let which = Input::choice("concession", t("fares-held-concession"), names, typed(form, "concession"));
        let which = which.wrong(message(locale, wrong, "concession"));
        acts.push(act("grant", vec![which, day("from", from), day("until", typed(form, "until"))], true));
    }
    if !going.is_empty() {
        let which = Input::choice("ends", t("fares-held-ends"), going, typed(form, "ends"));
        acts.push(act("end", vec![which.wrong(message(locale, wrong, "ends"))], false));
    }
    let is_good = held.iter().any(|held| held.grant.is_good(by.today));
    let (key, tone) = if is_good { ("fares-held-some", Tone::Ok) } else { ("fares-held-none", Tone::Idle) };
    let mut facts: Vec<_> = held.iter().map(|held| fact(locale, held, by.today)).collect();
    facts.push((t("fares-held-why"), super::view::reason(locale, purpose)));
    ThingPage {
        back: back(locale, &holder.to_string()),
        action: PART.address(holder),
        title: t("fares-held-title"),
        state: Tag { text: t(key), tone },
        facts,
        links: Vec::new(),
        refused: refused(locale, wrong, &acts),
        along: vec![("reason", purpose.name().to_owned())],
        acts,
        frame,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use askama::Template as _;
    use axum::http::StatusCode;
    use card_schema::clock::Micros;

    use super::*;
    use crate::domains::residence::model::{Facts, Field};
    use crate::domains::residence::{Registration, register};
    use crate::domains::transit::fares::InForce;
    use crate::domains::transit::import::Ready;
    use crate::people::{StaffId, StaffRole};
    use crate::testing::city::{SUPPLEMENT_TEXT, fares_in, files, zipped};
    use crate::testing::{Office, office};

    /// 2026-11-23 17:04:05 in Beijing.
    const AT: Micros = Micros(1_795_424_645_000_000);
    const STUDENTS: &str = "\n[[concession]]\nid = \"student\"\npercent = 50\nnetworks = [\"bus\", \"metro\"]\n";

    /// The page in every state that it has.
    pub(in crate::console) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let by = By { staff: StaffId(uuid::Uuid::nil()), now: AT, today: Date::in_china(AT) };
        let holder = HolderId::new(Shard(3), [8; 16]);
        let held = |number, from, until| {
            let id = ConcessionId([number; 16]);
            let grant = Grant { id, concession: "student".to_owned(), from: day(from), until: day(until) };
            Held { grant, at: AT, staff: "test-clerk".to_owned() }
        };
        let all = [
            held(4, "2027-09-01", "2028-08-31"),
            held(3, "2027-01-01", "2026-12-31"),
            held(2, "2026-09-01", "2027-08-31"),
            held(1, "2025-09-01", "2026-08-31"),
        ];
        let ready = Ready::read(&zipped(&files()), format!("{SUPPLEMENT_TEXT}{STUDENTS}")).unwrap();
        let fares = Fares::new(vec![InForce { number: 1, starts_at: AT, tariff: ready.tariff.into() }]);
        let none = Fares::default();
        let mut pages: Vec<_> = [None, Some(("reason", "console-purpose-missing"))]
            .into_iter()
            .map(|wrong| {
                let page = PART.why(frame.clone(), holder, StaffRole::Clerk, wrong);
                (format!("concessions-ask-{}", wrong.is_some()), page.render().unwrap())
            })
            .collect();
        for (name, fares, held, wrong) in [
            ("none", &none, &[][..], None),
            ("new", &fares, &[], None),
            ("some", &fares, &all, None),
            ("over", &fares, &all[3..], Some(("ends", "fares-held-over-already"))),
            ("from", &fares, &all, Some(("from", "fares-held-twice"))),
            ("until", &fares, &all, Some(("until", "fares-held-until-before"))),
            ("which", &fares, &all, Some(("concession", "fares-held-concession-missing"))),
            ("ends", &fares, &all, Some(("ends", "fares-held-ends-missing"))),
        ] {
            let form = Typed::new();
            let page = thing(frame.clone(), holder, Purpose::HolderRequest, (fares, held), by, (&form, wrong));
            pages.push((format!("concessions-{name}"), page.render().unwrap()));
        }
        pages
    }

    async fn looks(office: &Office, holder: HolderId) -> usize {
        let mut connection = office.app.db.read().await.unwrap();
        let reads = residence::store::reads(&mut connection, holder, 100).await.unwrap();
        reads.iter().filter(|read| read.3 == concession::READ && read.2 == "holder_request").count()
    }

    #[tokio::test]
    async fn a_concession_is_granted_and_ended_and_each_look_says_why() {
        let office = office().await;
        fares_in(&office.scratch.db, STUDENTS).await;
        let clerk = office.member("test-clerk", StaffRole::Clerk).await;
        let token = office.session(&clerk).await;
        let facts = Facts::default().with(Field::DocumentKind, "passport").with(Field::DocumentNumber, "T1234567");
        let facts = facts.with(Field::Name, "测试甲");
        let holder = register(&office.app, clerk.staff_id, Registration::of(facts)).await.unwrap();
        let path = PART.address(holder);
        let send = async |form: &str| office.browse(Some(&token), &path, Some(form)).await;
        let (ok, again) = (StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(office.browse(Some(&token), &path, None).await.status, ok);
        assert_eq!(send("act=grant&concession=student").await.status, again, "nobody looks without saying why");
        assert_eq!(looks(&office, holder).await, 0);
        let shown = send("reason=holder_request").await;
        assert_eq!((shown.status, looks(&office, holder).await), (ok, 1));
        assert!(shown.page.contains("Grant a concession") && !shown.page.contains("name=\"ends\""), "{}", shown.page);

        let today = office.app.today();
        let after = |days| Date::from_days(today.days() + days).unwrap();
        for (form, said) in [
            (format!("from={today}&until={today}"), "Choose the concession"),
            (format!("concession=king&from={today}&until={today}"), "Choose the concession"),
            (format!("concession=student&from=1.9.&until={today}"), "Type the day"),
            (format!("concession=student&from={}&until={today}", after(-1)), "today or later"),
            (format!("concession=student&from={}&until={today}", after(1)), "before the first"),
        ] {
            let shown = send(&format!("reason=holder_request&act=grant&{form}")).await;
            assert_eq!(shown.status, again, "{form}");
            assert!(shown.page.contains(said), "{form}: {}", shown.page);
        }
        let until = after(100);
        let grant = format!("reason=holder_request&act=grant&concession=student&from={today}&until={until}");
        let shown = send(&grant).await;
        assert!(shown.status == ok && shown.page.contains(&format!("{today} to {until}")), "{}", shown.page);
        let shown = send(&grant).await;
        assert!(shown.status == again && shown.page.contains("has it for some of these days"), "{}", shown.page);
        let later =
            format!("reason=holder_request&act=grant&concession=student&from={}&until={}", after(101), after(102));
        assert_eq!(send(&later).await.status, ok);
        assert_eq!(looks(&office, holder).await, 9, "each answer that shows them");

        let held = async || {
            let mut connection = office.app.db.read().await.unwrap();
            store::concession::of(&mut connection, holder).await.unwrap()
        };
        for Held { grant, .. } in held().await {
            let form = format!("reason=holder_request&act=end&ends={}", hex::encode(&grant.id.0));
            assert_eq!(send(&form).await.status, ok);
            let shown = send(&form).await;
            assert!(shown.status == again && shown.page.contains("over already"), "{}", shown.page);
        }
        let held = held().await;
        assert_eq!([held[0].grant.until, held[1].grant.until], [after(100), today]);
        assert_eq!(send("reason=holder_request&act=end").await.status, again);

        let auditor = office.staff("test-auditor", StaffRole::Auditor).await;
        assert_eq!(office.browse(Some(&auditor), &path, None).await.status, StatusCode::FORBIDDEN);
        let nobody = PART.address(HolderId::new(holder.shard(), [9; 16]));
        assert_eq!(office.browse(Some(&token), &nobody, None).await.status, StatusCode::NOT_FOUND);
        let shown = office.browse(Some(&token), &nobody, Some("reason=holder_request")).await;
        assert_eq!(shown.status, StatusCode::NOT_FOUND);
    }
}
