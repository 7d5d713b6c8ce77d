//! What becomes of a month that a holder disputes: the bureau hears of it, says why it looks, and answers; the holder reads the answer.

use card_schema::card::Slot;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::TapId;
use card_schema::operation::Operation;
use card_schema::operation::social_security::Dispute as Said;
use card_schema::wire::insurance::{Answered, DisputeAnswer};

use super::*;
use crate::cards::{Bearer, CardState};
use crate::console::insurance::disputes;
use crate::domains::residence::merge;
use crate::domains::social_security::employment::Employment;
use crate::domains::social_security::filing::Mark;
use crate::domains::social_security::model::Household;
use crate::domains::social_security::store::employment::{self, Found};
use crate::testing::shop::Shop;
use crate::testing::town::card_of;

/// A dispute of June of 2026.
pub(super) fn disputed(answer: Option<DisputeAnswer>) -> Dispute {
    Dispute {
        tap: TapId([9; 32]),
        holder: HolderId::new(Shard(3), [8; 16]),
        employer: OrganisationId(Uuid::from_u128(7)),
        month: "2026-06".parse().unwrap(),
        at: AT,
        answered: answer.map(|answer| Answered { at: AT, answer }),
    }
}

/// The pages in every state that they have.
pub(super) fn pages(frame: &Frame) -> Vec<(String, String)> {
    let (today, late): (card_schema::date::Date, _) = ("2026-11-24".parse().unwrap(), "2027-01-01".parse().unwrap());
    let name = |_| FACTORY.to_owned();
    let mut pages = Vec::new();
    for (which, waiting, today) in [("none", 0, today), ("some", 2, today), ("late", 101, late)] {
        let waiting = vec![disputed(None); waiting];
        let page = disputes::listed(frame.clone(), &waiting, name, today).render().unwrap();
        pages.push((format!("disputes-{which}"), page));
    }
    let facts = || Facts::default().with(Field::Name, WORKERS[0].0).with(Field::DocumentNumber, WORKERS[0].1);
    let missing = Some(("answer", "dispute-answer-missing"));
    let meanwhile = Some(("settle", "dispute-answered-meanwhile"));
    for (which, answer, today, wrong) in [
        ("waits", None, today, None),
        ("late", None, late, missing),
        ("upheld", Some(DisputeAnswer::Upheld), today, meanwhile),
        ("set-right", Some(DisputeAnswer::SetRight), today, None),
        ("unfounded", Some(DisputeAnswer::Unfounded), today, None),
    ] {
        let dispute = disputed(answer);
        let before = Dispute { tap: TapId([8; 32]), ..disputed(Some(DisputeAnswer::Unfounded)) };
        // Of what nothing is known any more the page says so.
        let months = if answer.is_some() { 6 } else { 5 };
        let has = insured(&vec![MonthState::Missing; months], &[dispute, before]);
        let seen = disputes::Seen { dispute, facts: facts(), has };
        let form = Typed::new();
        let page = disputes::thing(frame.clone(), &seen, Purpose::Complaint, today, (&form, wrong));
        pages.push((format!("dispute-{which}"), page.render().unwrap()));
    }
    for wrong in [None, Some(("reason", "console-purpose-missing"))] {
        let page = disputes::why(frame.clone(), TapId([9; 32]), wrong).render().unwrap();
        pages.push((format!("dispute-ask-{}", wrong.is_some()), page));
    }
    pages
}

/// A shop, and the card of somebody who is registered with a name.
async fn of_somebody() -> Shop {
    let shop = Shop::new().await;
    let (name, number) = WORKERS[0];
    let facts = Facts::default().with(Field::Name, name).with(Field::DocumentNumber, number);
    let facts = facts.with(Field::DocumentKind, "resident_identity_card");
    let app = &shop.office.app;
    let holder = register(app, shop.supervisor.staff_id, Registration::of(facts)).await.unwrap();
    let card = card_of(&app.db, Bearer::Holder(holder), CardState::Active).await;
    Shop { holder, card, ..shop }
}

/// The holder of a shop's card is insured through an employer since a month.
async fn insured_since(shop: &Shop, employer: OrganisationId, from: Month) {
    let (holder, who, now) = (shop.holder, shop.supervisor.staff_id, shop.office.app.now());
    let employment = Employment { employer, from, until: None, household: Household::OtherRural };
    let found = Found { holder, employment, number: Mark([7; 32]), name: Mark([8; 32]) };
    let put = shop.office.app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            tx.lock([holder.shard()]).await?;
            employment::put(tx, now, who, &found).await
        })
    });
    put.await.unwrap();
}

/// What the holder is told of a month at the terminal.
async fn told(shop: &mut Shop, month: Month) -> serde_json::Value {
    let told = shop.statement().await;
    let months = told["insurance"]["months"].as_array().cloned().unwrap_or_default();
    months.into_iter().find(|one| one["month"] == month.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn a_holder_disputes_a_month_the_bureau_answers_and_the_holder_reads_it_and_sees_who_looked() {
    let mut shop = of_somebody().await;
    let employer = employer_called(&shop.office, FACTORY).await;
    let this = Month::of(shop.office.app.today());
    let missing = this.before().before();
    assert_eq!(shop.statement().await["insurance"], serde_json::Value::Null, "never insured");
    insured_since(&shop, employer, missing).await;
    let seen = told(&mut shop, missing).await;
    assert_eq!((seen["state"].as_str(), seen["employer"].as_str()), (Some("missing"), Some(FACTORY)));

    let say = |month, employer| Operation::SocialSecurityDispute(Said { month, employer });
    let other = employer_called(&shop.office, "测试商店").await;
    for (month, employer) in [(missing.before(), employer), (missing, other), (this.after(), employer)] {
        assert_eq!(shop.outcome(say(month, employer), Slot::Approve).await, Outcome::NothingToDispute, "{month}");
    }
    assert_eq!(shop.outcome(say(missing, employer), Slot::Tap).await, Outcome::PinRequired);
    for _ in 0..2 {
        assert_eq!(shop.outcome(say(missing, employer), Slot::Approve).await, Outcome::Accepted);
    }
    let seen = told(&mut shop, missing).await;
    assert!(seen["dispute"]["due"].is_string() && seen["dispute"]["answered"].is_null(), "{seen}");

    let officer = shop.office.member("officer", StaffRole::BureauOfficer).await;
    let session = shop.office.session(&officer).await;
    let list = shop.office.browse(Some(&session), "/disputes", None).await.page;
    assert!(list.contains(&format!("{missing}, {FACTORY}")) && list.matches("/disputes/").count() == 1, "{list}");
    assert!(!list.contains(WORKERS[0].0), "nobody's name: {list}");
    let path = format!("/disputes/{}", list.split("/disputes/").nth(1).unwrap().split('"').next().unwrap());
    let send = async |form: &str| {
        let shown = shop.office.browse(Some(&session), &path, Some(form)).await;
        (shown.status, shown.page)
    };
    let (ok, again) = (StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(send("").await.0, again, "nobody looks without saying why");
    assert_eq!(send("reason=holder_request").await.0, again, "that is no reason of the bureau's");
    let (status, page) = send("reason=complaint").await;
    assert!(status == ok && page.contains(WORKERS[0].0) && page.contains("not declared"), "{page}");
    let (status, page) = send("reason=complaint&act=settle").await;
    assert!(status == again && page.contains("Choose the answer"), "{page}");
    let (status, page) = send("reason=complaint&act=settle&answer=set_right").await;
    assert!(status == again && page.contains("not declared, or not paid in time"), "{page}");
    assert_eq!(send("reason=complaint&act=settle&answer=upheld").await.0, StatusCode::SEE_OTHER);
    let (status, page) = send("reason=complaint&act=settle&answer=unfounded").await;
    assert!(status == again && page.contains("answered it meanwhile"), "{page}");
    let list = shop.office.browse(Some(&session), "/disputes", None).await.page;
    assert!(list.contains("No month is disputed"), "{list}");

    let told = shop.statement().await;
    let months = told["insurance"]["months"].as_array().unwrap();
    let seen = months.iter().find(|one| one["month"] == missing.to_string()).unwrap();
    assert_eq!(seen["dispute"]["answered"]["answer"], "upheld", "{told}");
    let reads = told["reads"].as_array().unwrap();
    assert!(
        reads.iter().any(|read| (&read["role"], &read["purpose"]) == (&"bureau_officer".into(), &"complaint".into()))
    );
    assert_eq!(shop.outcome(say(missing, employer), Slot::Approve).await, Outcome::Accepted, "once more");
    let list = shop.office.browse(Some(&session), "/disputes", None).await.page;
    assert_eq!(list.matches("/disputes/").count(), 1, "{list}");

    for role in StaffRole::ALL {
        let token = shop.office.staff(&format!("every-{}", role.name()), role).await;
        for path in ["/disputes", &path] {
            let status = shop.office.browse(Some(&token), path, None).await.status;
            assert_eq!(status != StatusCode::FORBIDDEN, role.may(Permission::ReconcileContributions), "{role:?}");
        }
    }
    let unknown = format!("/disputes/{}", TapId([1; 32]));
    assert_eq!(shop.office.browse(Some(&session), &unknown, None).await.status, StatusCode::NOT_FOUND);
}

/// Somebody is declared by their employer for a month, and enrolled for fewer afterwards.
#[tokio::test]
async fn a_month_that_was_declared_can_be_disputed_however_the_employer_has_ended_it_and_two_taps_at_once_are_one_dispute()
 {
    let mut shop = of_somebody().await;
    let employer = employer_called(&shop.office, FACTORY).await;
    let (this, now, who, holder) =
        (Month::of(shop.office.app.today()), shop.office.app.now(), shop.supervisor.staff_id, shop.holder);
    let done = shop.office.app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move { crate::testing::insured::worked(tx, now, who, employer, holder).await })
    });
    done.await.unwrap();
    let ended = shop.office.app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            tx.lock([holder.shard()]).await?;
            let found = employment::of_holder(tx.conn(), holder).await?[0];
            let employment = Employment { until: Some(this.before()), ..found.employment };
            employment::put(tx, now, who, &Found { employment, ..found }).await
        })
    });
    ended.await.unwrap();
    let say = || Operation::SocialSecurityDispute(Said { month: this, employer });
    let taps = [shop.signed(say(), 0), shop.signed(say(), 0)];
    shop.office.intake.accept(shop.terminal.id, &shop.terminal.batch(&taps)).await.unwrap();
    let waiting = shop.number("SELECT COUNT(*) FROM contribution_dispute WHERE answered_at IS NULL").await;
    assert_eq!(waiting, 1, "said once, however often");
    let seen = told(&mut shop, this).await;
    assert!(seen["dispute"]["answered"].is_null() && seen["sums"]["wage_fen"] == 1_000_000, "{seen}");
}

/// Whoever looks at a dispute that came with another record of the person is seen in the record that the person has.
#[tokio::test]
async fn an_officers_look_is_seen_whichever_record_the_dispute_came_with() {
    let mut shop = of_somebody().await;
    let employer = employer_called(&shop.office, FACTORY).await;
    let month = Month::of(shop.office.app.today()).before();
    insured_since(&shop, employer, month).await;
    let say = Operation::SocialSecurityDispute(Said { month, employer });
    assert_eq!(shop.outcome(say, Slot::Approve).await, Outcome::Accepted);
    let (name, number) = WORKERS[1];
    let facts = Facts::default().with(Field::Name, name).with(Field::DocumentNumber, number);
    let facts = facts.with(Field::DocumentKind, "resident_identity_card");
    let (app, who, from) = (shop.office.app.clone(), shop.supervisor.staff_id, shop.holder);
    let person = register(&app, who, Registration::of(facts)).await.unwrap();
    let shared = app.clone();
    let merged = app.db.write::<_, crate::http::Refusal, _>(move |tx| {
        Box::pin(async move { merge::merge(&shared, tx, who, from, person, merge::Reason::OtherDocument).await })
    });
    merged.await.unwrap();
    let officer = shop.office.staff("officer", StaffRole::BureauOfficer).await;
    let list = shop.office.browse(Some(&officer), "/disputes", None).await.page;
    let path = format!("/disputes/{}", list.split("/disputes/").nth(1).unwrap().split('"').next().unwrap());
    let shown = shop.office.browse(Some(&officer), &path, Some("reason=complaint")).await;
    assert!(shown.status == StatusCode::OK && shown.page.contains(name), "{}", shown.page);
    let reads = residence::store::reads(&mut app.db.read().await.unwrap(), person, 100).await.unwrap();
    assert!(reads.iter().any(|read| read.3 == "insurance"), "the person sees it");
}
