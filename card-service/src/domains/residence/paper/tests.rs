//! Papers through the routes, on a real database: who is given what, what is said of them to whoever asks, what ends them.

use axum::http::StatusCode;
use card_schema::date::Date;
use card_schema::envelope::paper::{Paper, PaperKind, Printed};
use card_schema::envelope::{EnvelopeError, Kid, Payload, Purpose as SignedFor, Signature, ToBeSigned};
use card_schema::ids::{HolderId, PaperNumber};
use card_schema::paper;
use minicbor::encode::Write;
use minicbor::{Decoder, Encoder};
use serde_json::{Value, json};

use super::{Sheet, of_holder, sheet};
use crate::db::{DbError, query};
use crate::domains::residence::model::{ChangeReason, Facts, Field};
use crate::domains::residence::permit::model::{Act, Proof};
use crate::domains::residence::permit::{self, Wish};
use crate::domains::residence::store::reads;
use crate::domains::residence::{Correction, Registration, change, merge, register};
use crate::http::Refusal;
use crate::keys::Role;
use crate::keys::paper::public_key;
use crate::people::{Purpose, Staff, StaffRole};
use crate::testing::{Office, office};

const NAME: &str = "测试甲·Test";
const ADDRESS: &str = "测试凭证路 1 号";

/// A station with a clerk, and somebody who is registered there.
struct Desk {
    office: Office,
    clerk: Staff,
    holder: HolderId,
}

impl Desk {
    async fn new(more: &[(Field, &str)]) -> Self {
        let office = office().await;
        let clerk = office.member("clerk", StaffRole::Clerk).await;
        let facts = person("T1234567").with(Field::Name, NAME).with(Field::Address, ADDRESS);
        let facts = more.iter().fold(facts, |facts, (field, text)| facts.with(*field, *text));
        let holder = register(&office.app, clerk.staff_id, Registration::of(facts)).await.unwrap();
        Self { office, clerk, holder }
    }

    async fn send(&self, path: &str, form: &str) -> (StatusCode, String, String) {
        let token = self.office.session(&self.clerk).await;
        let shown =
            self.office.browse(Some(&token), &format!("/holders/{}/papers{path}", self.holder), Some(form)).await;
        (shown.status, shown.leads_to, shown.page)
    }

    /// Issues a paper: its number, or what the page says instead.
    async fn issue(&self, kind: &str) -> Result<PaperNumber, String> {
        let (status, leads_to, page) = self.send("/new", &format!("kind={kind}")).await;
        match status {
            StatusCode::SEE_OTHER => Ok(leads_to.rsplit('/').next().unwrap().parse().unwrap()),
            _ => Err(page),
        }
    }

    async fn sheet(&self, number: PaperNumber) -> Sheet {
        let of = (self.holder, number);
        sheet(&self.office.app, self.clerk.staff_id, of, Purpose::HolderRequest).await.unwrap()
    }

    /// How the newest papers stand, by name.
    async fn standing(&self) -> Vec<&'static str> {
        let app = &self.office.app;
        let papers = of_holder(&mut app.db.read().await.unwrap(), self.holder, app.today()).await.unwrap();
        papers.into_iter().map(|(_, standing)| standing.name()).collect()
    }

    /// What somebody is answered who checks a paper, signed in or not.
    async fn check(&self, text: &str, on_paper: Option<Value>) -> Value {
        let body = json!({"text": text, "on_paper": on_paper});
        let (status, answer) = self.office.public("POST", "/v1/papers/check", None, Some(body)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    async fn change(&self, field: Field, text: &str, reason: ChangeReason) {
        let (shared, by, holder) = (self.office.app.clone(), self.clerk.staff_id, self.holder);
        let typed = Facts::default().with(field, text);
        let fields: &'static [Field] = match field {
            Field::Name => &[Field::Name],
            Field::Phone => &[Field::Phone],
            other => panic!("{other:?}"),
        };
        let correction = Correction { fields, typed, reason, cell: None, seen: 0 };
        let changed = self.office.app.db.write::<_, Refusal, _>(move |tx| {
            Box::pin(async move { change(&shared, tx, by, holder, &correction).await })
        });
        changed.await.unwrap().unwrap();
    }

    async fn permit(&self, act: Act) {
        let (shared, by, holder) = (self.office.app.clone(), self.clerk.staff_id, self.holder);
        let wish =
            Wish { act, proof: act.needs_proof().then_some(Proof::Lease), reason: act.reasons().first().copied() };
        let done = self.office.app.db.write::<_, Refusal, _>(move |tx| {
            Box::pin(async move { permit::act(&shared, tx, by, holder, wish).await })
        });
        done.await.unwrap().unwrap();
    }
}

fn person(number: &str) -> Facts {
    Facts::default().with(Field::DocumentKind, "passport").with(Field::DocumentNumber, number)
}

fn on_paper(sheet: &Sheet, name: &str, number: &str) -> Value {
    json!({"name": name, "document_number": number, "check_code": sheet.code.to_string()})
}

#[tokio::test]
async fn a_certificate_is_issued_printed_and_found_genuine_by_whoever_holds_it() {
    let desk = Desk::new(&[]).await;
    let number = desk.issue("certificate").await.unwrap();
    assert_eq!(number.shard(), desk.holder.shard());
    let again = desk.issue("certificate").await.unwrap_err();
    assert!(again.contains("href=\"#kind-certificate\"") && again.contains("says the same"), "{again}");
    assert!(desk.issue("merchant").await.unwrap_err().contains("Choose which paper"));

    let (status, _, page) = desk.send(&format!("/{number}/print"), "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "nobody prints without saying why");
    assert!(page.contains("href=\"#purpose-registration\"") && !page.contains("测试"), "{page}");
    let (status, _, page) = desk.send(&format!("/{number}/print"), "reason=holder_request").await;
    assert_eq!(status, StatusCode::OK);
    for printed in [NAME, "T1234567", ADDRESS] {
        assert!(page.contains(printed), "{printed} is not on the paper");
    }
    let mut connection = desk.office.app.db.read().await.unwrap();
    let seen: Vec<_> = reads(&mut connection, desk.holder, 100).await.unwrap();
    let seen: Vec<_> = seen.into_iter().rev().map(|(_, _, purpose, field)| format!("{purpose} {field}")).collect();
    let printed = ["document_kind", "document_number", "name", "address"].map(|one| format!("holder_request {one}"));
    assert_eq!(seen, [vec!["registration address".to_owned(); 2], printed.into()].concat());
    drop(connection);

    let sheet = desk.sheet(number).await;
    let until = sheet.paper.valid_until.to_string();
    let answer = desk.check(&sheet.text, None).await;
    let expected = json!({
        "verdict": "genuine", "kind": "certificate", "number": number, "valid_until": until, "pass": null,
        "belongs_together": null,
    });
    assert_eq!(answer, expected);
    for (name, document, same) in
        [(" 测试甲•TEST", "t123 4567", true), ("测试乙·Test", "T1234567", false), (NAME, "T1234568", false)]
    {
        let answer = desk.check(&sheet.text, Some(on_paper(&sheet, name, document))).await;
        assert_eq!((&answer["verdict"], &answer["belongs_together"]), (&json!("genuine"), &json!(same)), "{name}");
    }
    // Each print has a code of its own, and all are good.
    let other = desk.sheet(number).await;
    assert_ne!((&other.text, &other.code), (&sheet.text, &sheet.code));
    assert_eq!(desk.check(&other.text, Some(on_paper(&other, NAME, "T1234567"))).await["belongs_together"], true);
    assert_eq!(desk.check(&other.text, Some(on_paper(&sheet, NAME, "T1234567"))).await["belongs_together"], false);
}

/// What a paper says, as if it were something else.
struct Elsewhere(Paper);

impl Payload for Elsewhere {
    const PURPOSE: SignedFor = SignedFor::Receipt;
    const MAX_BYTES: usize = Paper::MAX_BYTES;

    fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        self.0.encode(e)
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        Paper::decode(d).map(Self)
    }
}

#[tokio::test]
async fn what_was_altered_or_signed_for_another_use_is_not_ours() {
    let desk = Desk::new(&[]).await;
    let sheet = desk.sheet(desk.issue("certificate").await.unwrap()).await;
    let keys = &*desk.office.app.keys;
    let key = public_key(keys).unwrap();
    let Ok(Printed::Paper(genuine)) = paper::read(&sheet.text, &key) else { panic!("no paper of a holder's") };
    let sign = |to_be_signed: &ToBeSigned, role| {
        let signature = keys.sign(role, to_be_signed.message()).unwrap();
        paper::text("", &to_be_signed.sign(&Signature(signature.try_into().unwrap())))
    };
    let kid = Kid::Key(key.key_id());
    let again = sign(&ToBeSigned::new(&genuine, kid), Role::Paper);
    assert_eq!(desk.check(&again, None).await["verdict"], "genuine", "the same is signed as the service does");
    let longer = Paper { valid_until: Date::new(2099, 1, 1).unwrap(), ..genuine };
    let planted = [
        ("another context", sign(&ToBeSigned::new(&Elsewhere(genuine), kid), Role::Paper)),
        ("another key", sign(&ToBeSigned::new(&genuine, kid), Role::Receipt)),
        ("no text of a paper", "https://card.example/".to_owned()),
        ("an altered letter", {
            let at = sheet.text.len() - 60;
            let letter = if sheet.text.as_bytes()[at] == b'A' { "B" } else { "A" };
            format!("{}{letter}{}", &sheet.text[..at], &sheet.text[at + 1..])
        }),
        ("another term", {
            let forged = ToBeSigned::new(&longer, kid);
            let signature = keys.sign(Role::Paper, ToBeSigned::new(&genuine, kid).message()).unwrap();
            paper::text("", &forged.sign(&Signature(signature.try_into().unwrap())))
        }),
    ];
    let nothing = json!({
        "verdict": "not_ours", "kind": null, "number": null, "valid_until": null, "pass": null, "belongs_together": null,
    });
    for (what, text) in planted {
        assert_eq!(desk.check(&text, Some(on_paper(&sheet, NAME, "T1234567"))).await, nothing, "{what}");
    }
    // Signed here, and never issued: its record is gone.
    let unknown = Paper { number: PaperNumber::new(desk.holder.shard(), [7; 10]), ..genuine };
    let text = sign(&ToBeSigned::new(&unknown, kid), Role::Paper);
    assert_eq!(desk.check(&text, None).await["verdict"], "withdrawn");
}

#[tokio::test]
async fn a_paper_ends_when_it_is_withdrawn_its_term_is_over_or_what_it_says_is_so_no_longer() {
    let desk = Desk::new(&[]).await;
    let number = desk.issue("certificate").await.unwrap();
    let sheet = desk.sheet(number).await;
    desk.change(Field::Phone, "13800138000", ChangeReason::Changed).await;
    assert_eq!(desk.standing().await, ["valid"], "it does not say how to reach the person");

    let (status, _, page) = desk.send(&format!("/{number}"), "change=bored").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("href=\"#change-lost\""), "{page}");
    assert_eq!(desk.send(&format!("/{number}"), "change=lost").await.0, StatusCode::SEE_OTHER);
    assert_eq!(desk.send(&format!("/{number}"), "change=lost").await.0, StatusCode::CONFLICT);
    assert_eq!(desk.check(&sheet.text, None).await["verdict"], "withdrawn");
    let (status, _, page) = desk.send(&format!("/{number}/print"), "reason=holder_request").await;
    assert!(status == StatusCode::CONFLICT && !page.contains(NAME), "{page}");

    // Another in its place, until the name is another.
    let second = desk.sheet(desk.issue("certificate").await.unwrap()).await;
    desk.change(Field::Name, "测试乙", ChangeReason::Changed).await;
    assert_eq!(desk.standing().await, ["outdated", "withdrawn"]);
    assert_eq!(desk.check(&second.text, None).await["verdict"], "withdrawn");
    let third = desk.sheet(desk.issue("certificate").await.unwrap()).await;
    assert_eq!(desk.check(&third.text, Some(on_paper(&third, "测试乙", "T1234567"))).await["belongs_together"], true);

    // While the record points to another it is no good.
    let (app, by, holder) = (desk.office.app.clone(), desk.clerk.staff_id, desk.holder);
    let other = register(&app, by, Registration::of(person("T7654321").with(Field::Name, "测试丙"))).await.unwrap();
    let shared = app.clone();
    let merged = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move { merge::merge(&shared, tx, by, holder, other, merge::Reason::OtherDocument).await })
    });
    merged.await.unwrap();
    assert_eq!(desk.check(&third.text, None).await["verdict"], "withdrawn");
    let shared = app.clone();
    let undone =
        app.db.write::<_, Refusal, _>(move |tx| Box::pin(async move { merge::undo(&shared, tx, by, holder).await }));
    undone.await.unwrap();
    assert_eq!(desk.check(&third.text, None).await["verdict"], "genuine");

    // As if half a year had passed.
    let passed = query("UPDATE paper_act SET valid_until = $1").bind(Date::new(2026, 1, 1).unwrap().start_utc().0);
    let moved =
        app.db.write::<_, DbError, _>(move |tx| Box::pin(async move { passed.execute(tx.conn()).await.map(drop) }));
    moved.await.unwrap();
    assert_eq!(desk.check(&third.text, None).await["verdict"], "expired");
    assert_eq!(desk.standing().await, ["expired", "outdated", "withdrawn"]);
    assert!(desk.issue("certificate").await.is_ok(), "another may be issued");
}

#[tokio::test]
async fn whoever_lives_nowhere_or_has_left_gets_no_certificate() {
    let desk = Desk::new(&[(Field::StayUntil, "2026-01-01")]).await;
    assert!(desk.issue("certificate").await.unwrap_err().contains("stay is over"));
    let desk = Desk::new(&[(Field::Address, "")]).await;
    assert!(desk.issue("certificate").await.unwrap_err().contains("not on record"));
}

#[tokio::test]
async fn a_residence_permit_is_put_on_paper_while_it_is_in_force() {
    let desk = Desk::new(&[(Field::CitySince, "2020-01-01")]).await;
    for act in [Act::Apply, Act::Grant] {
        assert!(desk.issue("permit").await.unwrap_err().contains("no residence permit in force"));
        desk.permit(act).await;
    }
    desk.permit(Act::Issue).await;
    let number = desk.issue("permit").await.unwrap();
    assert!(desk.issue("permit").await.unwrap_err().contains("says the same"));
    let (status, _, page) = desk.send(&format!("/{number}/print"), "reason=permit").await;
    assert_eq!(status, StatusCode::OK);
    let sheet = desk.sheet(number).await;
    let (permit, endorsed) = sheet.permit.as_ref().unwrap();
    assert!(endorsed.is_empty());
    for printed in [permit.permit_id.to_string(), permit.valid_until.unwrap().to_string(), NAME.to_owned()] {
        assert!(page.contains(&printed), "{printed} is not on the paper");
    }
    assert_eq!(sheet.paper.valid_until, permit.valid_until.unwrap());
    let answer = desk.check(&sheet.text, None).await;
    assert_eq!((&answer["verdict"], &answer["kind"]), (&json!("genuine"), &json!(PaperKind::Permit.name())));
    desk.permit(Act::Cancel).await;
    assert_eq!(desk.check(&sheet.text, None).await["verdict"], "withdrawn");
    assert_eq!(desk.send(&format!("/{number}/print"), "reason=permit").await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_check_leaves_nothing_behind_and_too_many_from_one_address_have_to_wait() {
    let desk = Desk::new(&[]).await;
    let sheet = desk.sheet(desk.issue("certificate").await.unwrap()).await;
    let leaves = async || -> i64 {
        let mut connection = desk.office.app.db.read().await.unwrap();
        query("SELECT COUNT(*) FROM leaf").scalar_one(&mut connection).await.unwrap()
    };
    let before = leaves().await;
    let form = |text: &str| format!("text={}", text.replace('#', "%23").replace(':', "%3A"));
    let shown = desk.office.browse(None, "/papers/check/answer", Some(&form(&sheet.text))).await;
    assert!(shown.status == StatusCode::OK && shown.page.contains("Genuine and valid"), "{}", shown.page);
    assert!(shown.cookie.is_empty(), "nobody is known again");
    let wrong = format!("{}&name=&document_number=T1234567&code=12", form(&sheet.text));
    let shown = desk.office.browse(None, "/papers/check/answer", Some(&wrong)).await;
    assert_eq!(shown.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in ["href=\"#name\"", "href=\"#code\"", "value=\"T1234567\"", "value=\"12\"", "Genuine and valid"] {
        assert!(shown.page.contains(kept), "{kept}: {}", shown.page);
    }
    let right = format!("{}&name={NAME}&document_number=T1234567&code={}", form(&sheet.text), sheet.code);
    let shown = desk.office.browse(None, "/papers/check/answer", Some(&right)).await;
    assert!(shown.status == StatusCode::OK && shown.page.contains("As it was signed"), "{}", shown.page);
    let nothing = desk.office.browse(None, "/papers/check/answer", Some("text=")).await;
    assert!(nothing.status == StatusCode::UNPROCESSABLE_ENTITY && nothing.page.contains("href=\"#text\""));

    let mut answered = 0;
    let refused = loop {
        let body = json!({"text": "AAAA"});
        match desk.office.public("POST", "/v1/papers/check", None, Some(body)).await.0 {
            StatusCode::OK if answered < 1_000 => answered += 1,
            other => break other,
        }
    };
    assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
    assert!(answered >= 50, "only {answered} were answered");
    assert_eq!(leaves().await, before, "who checked what is nowhere");
}

#[tokio::test]
async fn what_is_stored_of_papers_says_nothing_of_their_holders() {
    let desk = Desk::new(&[]).await;
    let number = desk.issue("certificate").await.unwrap();
    desk.sheet(number).await;
    let mut connection = desk.office.app.db.read().await.unwrap();
    let columns = crate::evidence::tables::PAPER_ACT.columns;
    let known: Vec<Vec<u8>> =
        vec![number.0.to_vec(), desk.holder.as_bytes().to_vec(), desk.clerk.staff_id.0.as_bytes().to_vec()];
    for column in ["number", "holder_id", "staff_id"] {
        let found: Vec<Vec<u8>> =
            query(format!("SELECT {column} FROM paper_act")).scalars(&mut connection).await.unwrap();
        assert!(found.iter().all(|bytes| known.contains(bytes)), "{column}");
    }
    for (column, words) in [("kind", "certificate"), ("act", "issued")] {
        let found: Vec<String> =
            query(format!("SELECT {column} FROM paper_act")).scalars(&mut connection).await.unwrap();
        assert_eq!(found, [words], "{column}");
    }
    assert_eq!(columns.len(), 11, "another column needs a look");
}
