//! Agreements on a real database and through the pages: who may agree, what is refused, who is told, and what holds
//! after all.

use axum::http::StatusCode;
use card_schema::date::Date;
use card_schema::ids::HolderId;

use super::model::{Act, FormNumber, Means, Said, Standing};
use super::{newest, store};
use crate::cards::{self, Bearer, CardState};
use crate::consent::Text;
use crate::db::query;
use crate::domains::residence::calendar::months;
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::{Registration, draft, merge, register, store as persons, unregister};
use crate::http::Refusal;
use crate::i18n::Locale;
use crate::people::{Staff, StaffRole};
use crate::testing::town::card_of;
use crate::testing::{Office, Shown, office};

/// Of somebody who signs for another.
const OTHER: &str = "测试隐签";

struct Desk {
    office: Office,
    clerk: Staff,
    session: String,
}

fn person(number: &str, birth: &str) -> Facts {
    Facts::default()
        .with(Field::DocumentKind, "passport")
        .with(Field::DocumentNumber, number)
        .with(Field::Name, "测试甲")
        .with(Field::Birth, birth)
        .with(Field::Address, "测试路 1 号")
        .with(Field::AddressSince, "2026-03-01")
        .with(Field::Home, "rented")
}

/// What stands between two texts.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).unwrap().1.split_once(after).unwrap().0
}

fn seen(page: &str) -> &str {
    between(page, "name=\"seen\" value=\"", "\"")
}

impl Desk {
    async fn new() -> Self {
        let office = office().await;
        let clerk = office.member("test-clerk", StaffRole::Clerk).await;
        let session = office.session(&clerk).await;
        Self { office, clerk, session }
    }

    async fn person(&self, number: &str, birth: &str) -> HolderId {
        let facts = person(number, birth);
        register(&self.office.app, self.clerk.staff_id, Registration::of(facts)).await.unwrap()
    }

    fn today(&self) -> Date {
        self.office.app.today()
    }

    /// Born so many years and months before today.
    fn born(&self, years: i64, more_months: i64) -> String {
        months(self.today(), -(years * 12 + more_months)).to_string()
    }

    async fn visit(&self, path: &str, form: Option<&str>) -> Shown {
        self.office.browse(Some(&self.session), path, form).await
    }

    async fn at(&self, holder: HolderId, of: &str, form: Option<&str>) -> Shown {
        self.visit(&format!("/holders/{holder}/agreement{of}"), form).await
    }

    /// Prints a form and answers its number.
    async fn print(&self, holder: HolderId) -> FormNumber {
        let printed = self.at(holder, "/form", Some("")).await;
        assert_eq!(printed.status, StatusCode::OK, "{}", printed.page);
        assert!(
            printed.page.contains("测试甲")
                && printed.page.contains(Text::find(3, Locale::ZhCn).unwrap().words().lines().next().unwrap())
        );
        FormNumber::parse(between(&printed.page, "id=\"number\">", "<")).unwrap()
    }

    async fn sign(&self, holder: HolderId, form: &str, signed: &str, seen: i64) -> Shown {
        self.at(holder, "/signed", Some(&format!("form={form}&{signed}&seen={seen}"))).await
    }

    fn by_holder(&self) -> String {
        format!("day={}&signer=holder&name=", self.today())
    }

    async fn said(&self, holder: HolderId) -> Option<Said> {
        newest(&self.office.app, &mut self.office.app.db.read().await.unwrap(), holder).await.unwrap()
    }

    async fn standing(&self, holder: HolderId) -> &'static str {
        self.said(holder).await.map_or("missing", |said| said.standing.name())
    }

    async fn acts(&self, holder: HolderId) -> Vec<Act> {
        let mut connection = self.office.app.db.read().await.unwrap();
        let acts = store::history(&mut connection, holder, 10).await.unwrap();
        acts.into_iter().rev().map(|past| past.act).collect()
    }
}

#[tokio::test]
async fn a_form_is_printed_signed_and_recorded_and_the_record_says_by_whom_to_whoever_says_why() {
    let desk = Desk::new().await;
    let holder = desk.person("T1111111", "1990-01-01").await;
    let page = desk.visit(&format!("/holders/{holder}"), None).await;
    assert!(between(&page.page, "id=\"agreement\"", "</section>").contains("Missing"), "{}", page.page);
    let form = desk.print(holder).await;
    assert_eq!(desk.standing(holder).await, "missing", "a form that waits for its signature is no agreement");
    // Whoever holds the form finds where to record it.
    let found = desk.visit("/find/number", Some(&format!("number={form}"))).await;
    assert_eq!(found.leads_to, format!("/holders/{holder}/agreement/signed?form={}", form.digits()));
    let asks = desk.visit(&found.leads_to, None).await;
    assert!(asks.page.contains(&format!("value=\"{form}\"")), "{}", asks.page);
    let day = desk.today();
    let signed = format!("day={day}&signer=relative&name={OTHER}");
    let done = desk.sign(holder, &form.to_string(), &signed, 0).await;
    assert_eq!((done.status, done.leads_to), (StatusCode::SEE_OTHER, format!("/holders/{holder}/agreement")));
    let said = desk.said(holder).await.unwrap();
    assert_eq!(said.standing, Standing::Agreed { version: 3, means: Means::Paper(form) });
    assert_eq!((said.day, said.staff.as_str(), said.record), (day, "test-clerk", holder));
    let shown = desk.at(holder, "", None).await;
    for what in [form.to_string(), day.to_string(), "test-clerk".to_owned(), "residence".to_owned()] {
        assert!(shown.page.contains(&what), "{what}: {}", shown.page);
    }
    assert!(!shown.page.contains(OTHER), "who signed is told to whoever says why");
    let record = desk.visit(&format!("/holders/{holder}/record"), Some("reason=complaint")).await;
    assert!(between(&record.page, "id=\"signer\"", "</div>").contains(OTHER), "{}", record.page);
    let mut connection = desk.office.app.db.read().await.unwrap();
    let reads = persons::reads(&mut connection, holder, 100).await.unwrap();
    let purposes: Vec<_> = reads.iter().filter(|read| read.3 == "agreement_signer").map(|read| &*read.2).collect();
    assert_eq!(purposes, ["complaint"]);
    drop(connection);
    let timeline = desk.visit(&format!("/holders/{holder}/timeline"), Some("reason=complaint")).await;
    for line in ["Agreement · Form printed", "Agreement · Form signed", &format!("Form {form}")] {
        assert!(timeline.page.contains(line), "{line}: {}", timeline.page);
    }
    assert!(!timeline.page.contains(OTHER));
    let found = desk.visit("/find/number", Some(&format!("number={form}"))).await;
    assert_eq!(found.leads_to, format!("/holders/{holder}/agreement"), "it was recorded");
    let contents = desk.office.scratch.contents().await;
    assert!(!contents.windows(OTHER.len()).any(|window| window == OTHER.as_bytes()));
}

#[tokio::test]
async fn what_cannot_be_is_said_at_its_field_and_nothing_that_was_typed_is_lost() {
    let desk = Desk::new().await;
    let holder = desk.person("T1111111", "1990-01-01").await;
    let another = desk.person("T2222222", "1990-01-01").await;
    let [form, others] = [desk.print(holder).await, desk.print(another).await].map(|form| form.to_string());
    let day = desk.today();
    let (yesterday, tomorrow) = (Date::of_utc(day.start_utc().plus_seconds(-1)), months(day, 1));
    let mistyped = format!("{}{}", &form[..form.len() - 1], (form.as_bytes()[form.len() - 1] - b'0' + 1) % 10);
    let right = desk.by_holder();
    for (form, signed, at) in [
        (form.as_str(), format!("day={tomorrow}&signer=holder&name="), "day"),
        (&form, format!("day={yesterday}&signer=holder&name="), "day"),
        (&form, "day=1980-01-01&signer=holder&name=".to_owned(), "day"),
        (&form, "day=2026-02-30&signer=holder&name=".to_owned(), "day"),
        (&form, format!("day={day}&signer=&name="), "signer-holder"),
        (&form, format!("day={day}&signer=parent&name="), "name"),
        (&form, format!("day={day}&signer=guardian&name= "), "name"),
        (&form, format!("day={day}&signer=holder&name={OTHER}"), "name"),
        (&others, right.clone(), "form"),
        (&mistyped, right.clone(), "form"),
        ("0000 0000 0000", right.clone(), "form"),
        ("", right.clone(), "form"),
    ] {
        let refused = desk.sign(holder, form, &signed, 0).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{form} {signed}");
        assert!(refused.page.contains(&format!("href=\"#{at}\"")), "{form} {signed}: {}", refused.page);
        for typed in signed.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, typed)| typed) {
            assert!(typed.trim().is_empty() || refused.page.contains(&format!("value=\"{typed}\"")), "{typed}");
        }
    }
    assert_eq!((desk.acts(holder).await, desk.standing(holder).await), (vec![Act::Printed], "missing"));
    assert_eq!(desk.sign(holder, &form, &right, 0).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_child_does_not_agree_alone() {
    let desk = Desk::new().await;
    let (child, grown) = (desk.born(13, 11), desk.born(14, 0));
    let [child, grown] = [desk.person("T1111111", &child).await, desk.person("T2222222", &grown).await];
    let [form, other] = [desk.print(child).await, desk.print(grown).await].map(|form| form.to_string());
    let day = desk.today();
    for alone in
        ["signer=holder&name=", &format!("signer=relative&name={OTHER}"), &format!("signer=helper&name={OTHER}")]
    {
        let refused = desk.sign(child, &form, &format!("day={day}&{alone}"), 0).await;
        assert!(refused.page.contains("href=\"#signer-holder\"") && refused.page.contains("14"), "{}", refused.page);
    }
    let guardian = format!("day={day}&signer=parent&name={OTHER}");
    assert_eq!(desk.sign(child, &form, &guardian, 0).await.status, StatusCode::SEE_OTHER);
    assert_eq!(desk.standing(child).await, "agreed");
    let alone = desk.by_holder();
    assert_eq!(desk.sign(grown, &other, &alone, 0).await.status, StatusCode::SEE_OTHER);
    // Nor withdraws.
    let seen = desk.said(child).await.unwrap().at.0;
    let refused = desk.at(child, "/withdraw", Some(&format!("{alone}&seen={seen}"))).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = desk.at(child, "/withdraw", Some(&format!("{guardian}&seen={seen}"))).await;
    assert_eq!((done.status, desk.standing(child).await), (StatusCode::SEE_OTHER, "withdrawn"));
}

#[tokio::test]
async fn whoever_sends_twice_records_once_and_a_second_clerk_is_told() {
    let desk = Desk::new().await;
    let holder = desk.person("T1111111", "1990-01-01").await;
    let [form, second] = [desk.print(holder).await, desk.print(holder).await].map(|form| form.to_string());
    let other = desk.office.member("second-clerk", StaffRole::Clerk).await;
    let others = desk.office.session(&other).await;
    let signed = desk.by_holder();
    let twice = tokio::join!(desk.sign(holder, &form, &signed, 0), desk.sign(holder, &form, &signed, 0));
    assert_eq!([twice.0.status, twice.1.status], [StatusCode::SEE_OTHER; 2]);
    assert_eq!(desk.acts(holder).await, [Act::Printed, Act::Printed, Act::Signed], "once");

    // Who did not know of it is told; sent once more it is meant, but for a form that was used.
    let path = format!("/holders/{holder}/agreement/signed");
    let send = async |form: &str, seen: &str| {
        desk.office.browse(Some(&others), &path, Some(&format!("form={form}&{signed}&seen={seen}"))).await
    };
    let told = send(&form, "0").await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert!(told.page.contains("test-clerk recorded something") && told.page.contains(&form), "{}", told.page);
    let used = send(&form, seen(&told.page)).await;
    assert_eq!(used.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(used.page.contains("recorded already"), "{}", used.page);
    assert_eq!(send(&second, seen(&used.page)).await.status, StatusCode::SEE_OTHER);

    // So it is with what is withdrawn.
    let path = format!("/holders/{holder}/agreement/withdraw");
    let known = desk.at(holder, "/withdraw", None).await;
    let form = format!("{signed}&seen={}", seen(&known.page));
    let withdraw = async |session: &str| desk.office.browse(Some(session), &path, Some(&form)).await;
    let before = format!("day=2026-01-01&signer=holder&name=&seen={}", seen(&known.page));
    let early = desk.at(holder, "/withdraw", Some(&before)).await;
    assert!(early.status == StatusCode::UNPROCESSABLE_ENTITY && early.page.contains("href=\"#day\""), "{}", early.page);
    for _ in 0..2 {
        assert_eq!(withdraw(&desk.session).await.status, StatusCode::SEE_OTHER);
    }
    let told = withdraw(&others).await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    let knowing = format!("{signed}&seen={}", seen(&told.page));
    let again = desk.office.browse(Some(&others), &path, Some(&knowing)).await;
    assert!(again.status == StatusCode::CONFLICT && again.page.contains("no agreement to withdraw"), "{}", again.page);
    let acts = desk.acts(holder).await;
    assert_eq!(acts.iter().filter(|act| **act == Act::Withdrawn).count(), 1, "{acts:?}");
    assert_eq!(desk.at(holder, "/withdraw", None).await.status, StatusCode::SEE_OTHER, "there is nothing to withdraw");
}

#[tokio::test]
async fn after_a_withdrawal_another_signature_counts_and_an_earlier_one_does_not() {
    let desk = Desk::new().await;
    let holder = desk.person("T1111111", "1990-01-01").await;
    assert_eq!(desk.at(holder, "/withdraw", Some(&desk.by_holder())).await.status, StatusCode::CONFLICT);
    let [form, later] = [desk.print(holder).await, desk.print(holder).await].map(|form| form.to_string());
    desk.sign(holder, &form, &desk.by_holder(), 0).await;
    let seen = desk.said(holder).await.unwrap().at.0;
    desk.at(holder, "/withdraw", Some(&format!("{}&seen={seen}", desk.by_holder()))).await;
    assert_eq!(desk.standing(holder).await, "withdrawn");
    let page = desk.visit(&format!("/holders/{holder}"), None).await;
    assert!(between(&page.page, "id=\"agreement\"", "</section>").contains("Withdrawn"), "{}", page.page);
    // As if the form had been printed and signed a month ago.
    let earlier = months(desk.today(), -1);
    let moved = query("UPDATE consent_act SET at = at - $1 WHERE act = 'printed'").bind(40 * 86_400_000_000_i64);
    let app = &desk.office.app;
    app.db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { Ok(moved.execute(tx.conn()).await.map(drop)?) }))
        .await
        .unwrap();
    let seen = desk.said(holder).await.unwrap().at.0;
    let refused = desk.sign(holder, &later, &format!("day={earlier}&signer=holder&name="), seen).await;
    assert!(refused.page.contains("withdrawn on"), "{}", refused.page);
    assert_eq!(desk.sign(holder, &later, &desk.by_holder(), seen).await.status, StatusCode::SEE_OTHER);
    assert_eq!(desk.standing(holder).await, "agreed");
}

#[tokio::test]
async fn what_a_card_has_signed_is_an_agreement_too_but_that_of_a_child_is_none() {
    let desk = Desk::new().await;
    let app = &desk.office.app;
    let child = desk.born(10, 0);
    let [holder, child] = [desk.person("T1111111", "1990-01-01").await, desk.person("T2222222", &child).await];
    for holder in [holder, child] {
        let card = card_of(&app.db, Bearer::Holder(holder), CardState::Personalised).await;
        let (now, id) = (app.now(), card.id);
        let agreed = app.db.write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock([id.shard()]).await?;
                cards::consent::store::insert(tx, now, id, 1, Text::find(1, Locale::En).unwrap()).await?;
                let found = cards::store::one(tx.conn(), id).await?.unwrap();
                let because = cards::store::Because::of("consent");
                Ok(cards::store::set_state(tx, now, &found, CardState::Active, because).await?)
            })
        });
        agreed.await.unwrap();
    }
    let said = desk.said(holder).await.unwrap();
    assert_eq!(said.standing, Standing::Agreed { version: 1, means: Means::Card });
    let shown = desk.at(holder, "", None).await;
    assert!(shown.page.contains("With the card"), "{}", shown.page);
    assert_eq!(desk.said(child).await, None);
    let withdrawn = desk.at(holder, "/withdraw", Some(&desk.by_holder())).await;
    assert_eq!((withdrawn.status, desk.standing(holder).await), (StatusCode::SEE_OTHER, "withdrawn"));
}

#[tokio::test]
async fn an_agreement_is_the_persons_in_whichever_record_it_lies_and_comes_apart_with_them() {
    let desk = Desk::new().await;
    let app = &desk.office.app;
    let [kept, other] = [desk.person("T1111111", "1990-01-01").await, desk.person("T2222222", "1990-01-01").await];
    let form = desk.print(other).await.to_string();
    let (shared, by) = (app.clone(), desk.clerk.staff_id);
    let merged = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move { merge::merge(&shared, tx, by, other, kept, merge::Reason::OtherDocument).await })
    });
    merged.await.unwrap();
    let refused = desk.at(other, "/form", Some("")).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "what is done is done in the record that is kept");
    assert!(!desk.at(other, "", None).await.page.contains("agreement/form"));
    assert_eq!(desk.sign(other, &form, &desk.by_holder(), 0).await.status, StatusCode::CONFLICT);
    assert_eq!(desk.sign(kept, &form, &desk.by_holder(), 0).await.status, StatusCode::SEE_OTHER);
    assert_eq!([desk.standing(kept).await, desk.standing(other).await], ["agreed"; 2]);
    let shared = app.clone();
    let undone =
        app.db.write::<_, Refusal, _>(move |tx| Box::pin(async move { merge::undo(&shared, tx, by, other).await }));
    undone.await.unwrap();
    assert_eq!([desk.standing(kept).await, desk.standing(other).await], ["missing", "agreed"]);
}

#[tokio::test]
async fn a_registration_on_which_somebody_has_agreed_is_not_taken_back() {
    let desk = Desk::new().await;
    let holder = desk.person("T1111111", "1990-01-01").await;
    let form = desk.print(holder).await;
    assert_eq!(desk.acts(holder).await, [Act::Printed]);
    let shared = desk.office.app.clone();
    let undone = desk
        .office
        .app
        .db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { unregister(&shared, tx, holder).await }));
    assert!(!undone.await.unwrap(), "form {form} is out");
}

#[tokio::test]
async fn a_newcomer_agrees_on_paper_before_anything_is_registered() {
    let desk = Desk::new().await;
    let app = &desk.office.app;
    let begin = async |facts: Facts| {
        let id = draft::begin(app, desk.clerk.staff_id).await.unwrap();
        draft::save(app, desk.clerk.staff_id, id, &draft::Draft { typed: facts, ..draft::Draft::default() })
            .await
            .unwrap();
        format!("/registrations/{id}")
    };
    let at = begin(person("T1111111", "1990-01-01")).await;
    let (check, page) = (format!("{at}/check"), format!("{at}/agreement"));
    assert_eq!(desk.visit(&page, None).await.leads_to, check, "how the person agrees comes first");
    for form in ["", "agrees=somehow"] {
        let refused = desk.visit(&check, Some(form)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.page.contains("href=\"#agrees-card\"") && refused.page.contains("测试甲"), "{}", refused.page);
    }
    assert_eq!(desk.visit(&check, Some("agrees=paper")).await.leads_to, page);
    let shown = desk.visit(&page, None).await;
    let form = between(&shown.page, "id=\"number\">", "<").to_owned();
    assert!(shown.page.contains("T1111111") && desk.visit(&page, None).await.page.contains(&form), "{}", shown.page);
    let count = async || -> i64 {
        query("SELECT COUNT(*) FROM holder").scalar_one(&mut app.db.read().await.unwrap()).await.unwrap()
    };
    let before = count().await;
    let refused = desk.visit(&page, Some(&format!("form={form}&day=2026-01-01&signer=parent&name="))).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in ["href=\"#day\"", "href=\"#name\"", "value=\"2026-01-01\"", form.as_str()] {
        assert!(refused.page.contains(kept), "{kept}: {}", refused.page);
    }
    // Another name is another form.
    desk.visit(&format!("{at}/person"), Some("name=测试乙&birth=1990-01-01")).await;
    assert_eq!(desk.visit(&page, None).await.leads_to, check);
    desk.visit(&check, Some("agrees=paper")).await;
    let again = desk.visit(&page, None).await;
    let other = between(&again.page, "id=\"number\">", "<").to_owned();
    assert_ne!(form, other);
    let stale = desk.visit(&page, Some(&format!("form={form}&{}", desk.by_holder()))).await;
    assert!(stale.page.contains("href=\"#form\""), "{}", stale.page);
    assert_eq!(count().await, before, "nobody was registered");
    let done = desk.visit(&page, Some(&format!("form={other}&{}", desk.by_holder()))).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let holder: HolderId = done.leads_to.trim_start_matches("/holders/").parse().unwrap();
    assert_eq!((desk.standing(holder).await, desk.acts(holder).await), ("agreed", vec![Act::Signed]));
    assert_eq!(
        desk.visit(&page, Some(&format!("form={other}&{}", desk.by_holder()))).await.status,
        StatusCode::NOT_FOUND
    );

    // A child: there is no other way, and not alone.
    let at = begin(person("T2222222", &desk.born(5, 0))).await;
    let shown = desk.visit(&format!("{at}/check"), None).await;
    assert!(!shown.page.contains("agrees-card") && shown.page.contains("agrees-paper"), "{}", shown.page);
    let refused = desk.visit(&format!("{at}/check"), Some("agrees=card")).await;
    assert!(refused.page.contains("href=\"#agrees-paper\""), "{}", refused.page);
    desk.visit(&format!("{at}/check"), Some("agrees=paper")).await;
    let shown = desk.visit(&format!("{at}/agreement"), None).await;
    let form = between(&shown.page, "id=\"number\">", "<").to_owned();
    let alone = desk.visit(&format!("{at}/agreement"), Some(&format!("form={form}&{}", desk.by_holder()))).await;
    assert!(alone.page.contains("href=\"#signer-holder\""), "{}", alone.page);
    let guardian = format!("form={form}&day={}&signer=grandparent&name={OTHER}", desk.today());
    assert_eq!(desk.visit(&format!("{at}/agreement"), Some(&guardian)).await.status, StatusCode::SEE_OTHER);
}
