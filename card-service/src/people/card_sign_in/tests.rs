//! A staff card signs in what was agreed to, once, and nothing else.

use axum::http::StatusCode;
use card_schema::card::Slot;
use card_schema::envelope::Envelope;
use card_schema::envelope::receipt::Receipt;
use card_schema::money::Fen;
use card_schema::operation::{OperationCode, gate, purse};
use serde_json::json;

use super::*;
use crate::cards::api::set_state;
use crate::people::member::model::Wish;
use crate::people::{Staff, StaffRole, member};
use crate::testing::town::{Signed, TestCard, TestTerminal, card_of, terminal_in};
use crate::testing::{Office, office};

/// A member of staff with a card at a reader.
struct Desk {
    office: Office,
    who: Staff,
    card: TestCard,
    terminal: TestTerminal,
}

impl Desk {
    /// Somebody whose card signs in, where that was agreed.
    async fn new(role: StaffRole, agreed: bool) -> Self {
        let office = office().await;
        let who = office.member("bearer", role).await;
        let card = card_of(&office.app.db, Bearer::Staff(who.staff_id), CardState::Active).await;
        let terminal = terminal_in(&office.app.db, &OperationCode::ALL).await;
        let desk = Self { office, who, card, terminal };
        if agreed {
            desk.agree(true).await;
        }
        desk
    }

    async fn agree(&self, signs_in: bool) {
        let (now, card) = (self.office.app.now(), self.card.id);
        let write = self.office.app.db.write::<_, Refusal, _>(move |tx| {
            Box::pin(async move { Ok(cards::store::set_signs_in(tx, now, card, signs_in).await?) })
        });
        write.await.unwrap();
    }

    fn given(&self) -> Challenge {
        challenge(&self.office.app, self.terminal.id).unwrap()
    }

    /// The card signs something at a time that is plausible.
    fn sign(&mut self, slot: Slot, operation: Operation) -> Signed {
        let mut tap = self.terminal.next(Some(&self.card), operation);
        tap.at = self.office.app.now();
        self.terminal.sign(&tap, self.card.key(slot), card_schema::envelope::Kid::Card(slot))
    }

    /// The same, and it goes up: what became of it.
    async fn tap(&mut self, slot: Slot, operation: Operation) -> (TapId, Outcome) {
        let signed = self.sign(slot, operation);
        let batch = self.terminal.batch(std::slice::from_ref(&signed));
        let receipt = self.office.intake.accept(self.terminal.id, &batch).await.unwrap();
        (signed.id, Envelope::<Receipt>::decode(&receipt).unwrap().payload.outcomes[0].outcome)
    }

    fn answer(&self, given: Challenge) -> Operation {
        Operation::SignIn(SignIn { audience: self.office.app.public_url.clone(), challenge: given.bytes })
    }

    async fn link(&self, tap: TapId) -> Result<String, Refusal> {
        let url = link(&self.office.app, self.terminal.id, self.card.id, tap).await?;
        Ok(url.strip_prefix("https://localhost:8443").unwrap().to_owned())
    }

    /// Everything up to the link.
    async fn linked(&mut self) -> String {
        let answer = self.answer(self.given());
        let (tap, outcome) = self.tap(Slot::SignIn, answer).await;
        assert_eq!(outcome, Outcome::Accepted);
        self.link(tap).await.unwrap()
    }

    /// Follows a link and says yes.
    async fn follow(&self, path: &str) -> (StatusCode, String) {
        let shown = self.office.browse(None, path, Some("")).await;
        (shown.status, shown.leads_to)
    }
}

fn word(path: &str) -> &str {
    path.strip_prefix("/sign-in/card?link=").unwrap()
}

#[tokio::test]
async fn whoever_shows_card_and_pin_is_signed_in_once_and_owes_nothing() {
    let mut desk = Desk::new(StaffRole::Administrator, true).await;
    let path = desk.linked().await;
    let shown = desk.office.browse(None, &path, None).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.page.contains("bearer"), "it says who is about to be signed in");
    // Looking at the page has used nothing up.
    let begun = begin(&desk.office.app, word(&path)).await.unwrap();
    let session = session::of(&desk.office.app, &begun.token, session::Carrier::Cookie).await.unwrap();
    assert_eq!((session.staff.staff_id, session.owed), (desk.who.staff_id, None));
    assert_eq!(desk.follow(&path).await.0, StatusCode::NOT_FOUND, "once");
    assert_eq!(desk.office.browse(None, &path, None).await.status, StatusCode::NOT_FOUND);
    let path = desk.linked().await;
    assert_eq!(desk.follow(&path).await, (StatusCode::SEE_OTHER, "/".to_owned()));

    let other = desk.office.member("other", StaffRole::Administrator).await.staff_id;
    set_state(&desk.office.app, other, desk.card.id, CardState::Suspended, "invented".to_owned()).await.unwrap();
    let over = session::of(&desk.office.app, &begun.token, session::Carrier::Cookie).await;
    assert_eq!(over.unwrap_err().kind(), ProblemType::NotSignedIn, "whoever came with the card is out with it");
}

#[tokio::test]
async fn a_card_that_nobody_agreed_to_signs_nobody_in() {
    let mut desk = Desk::new(StaffRole::Clerk, false).await;
    let answer = desk.answer(desk.given());
    assert_eq!(desk.tap(Slot::SignIn, answer.clone()).await.1, Outcome::OperationNotAllowed);
    desk.agree(true).await;
    assert_eq!(desk.tap(Slot::Tap, answer.clone()).await.1, Outcome::PinRequired, "without the PIN");
    let (tap, outcome) = desk.tap(Slot::SignIn, answer).await;
    assert_eq!(outcome, Outcome::Accepted);
    desk.agree(false).await;
    assert_eq!(desk.link(tap).await.unwrap_err().kind(), ProblemType::Forbidden);
}

#[tokio::test]
async fn only_the_answer_to_the_newest_challenge_of_this_terminal_and_console_gives_a_link_and_once() {
    let mut desk = Desk::new(StaffRole::Clerk, true).await;
    let over = ProblemType::Conflict;
    let (tap, _) = {
        let answer = desk.answer(Challenge { bytes: [7; 32], until: Micros(0) });
        desk.tap(Slot::SignIn, answer).await
    };
    assert_eq!(desk.link(tap).await.unwrap_err().kind(), over, "nothing was asked");
    let first = desk.given();
    let second = desk.given();
    for wrong in [
        desk.answer(first),
        Operation::SignIn(SignIn { audience: "https://test.invalid".to_owned(), challenge: second.bytes }),
    ] {
        let (tap, _) = desk.tap(Slot::SignIn, wrong).await;
        assert_eq!(desk.link(tap).await.unwrap_err().kind(), over);
    }
    let answer = desk.answer(second);
    let unsent = desk.sign(Slot::SignIn, answer.clone());
    desk.terminal.counter -= 1;
    assert_eq!(desk.link(unsent.id).await.unwrap_err().kind(), over, "the tap did not come in");
    desk.terminal = terminal_in(&desk.office.app.db, &OperationCode::ALL).await;
    let (elsewhere, _) = desk.tap(Slot::SignIn, answer).await;
    let given = desk.given();
    desk.office.app.sign_ins.challenges().insert(desk.terminal.id, Challenge { bytes: second.bytes, ..given });
    assert!(desk.link(elsewhere).await.is_ok(), "the same bytes at the terminal that took them");
    assert_eq!(desk.link(elsewhere).await.unwrap_err().kind(), over, "once");

    let given = desk.given();
    let answer = desk.answer(given);
    let (tap, _) = desk.tap(Slot::SignIn, answer).await;
    let past = Challenge { until: desk.office.app.now(), ..given };
    desk.office.app.sign_ins.challenges().insert(desk.terminal.id, past);
    assert_eq!(desk.link(tap).await.unwrap_err().kind(), over, "too late");
}

#[tokio::test]
async fn a_link_is_worth_nothing_once_the_card_is_lost_or_its_bearer_suspended_or_the_minute_over() {
    let mut desk = Desk::new(StaffRole::Supervisor, true).await;
    let admin = desk.office.member("admin", StaffRole::Administrator).await.staff_id;
    let path = desk.linked().await;
    for (_, link) in desk.office.app.sign_ins.links().values_mut() {
        link.until = desk.office.app.now();
    }
    assert_eq!(desk.follow(&path).await.0, StatusCode::NOT_FOUND);

    let path = desk.linked().await;
    member::change(&desk.office.app, admin, desk.who.staff_id, Wish::Suspend, i64::MAX).await.unwrap().unwrap();
    assert_eq!(begin(&desk.office.app, word(&path)).await.unwrap_err().kind(), ProblemType::NotSignedIn);
    let path = desk.linked().await;
    set_state(&desk.office.app, admin, desk.card.id, CardState::Lost, "lost".to_owned()).await.unwrap();
    assert_eq!(begin(&desk.office.app, word(&path)).await.unwrap_err().kind(), ProblemType::Forbidden);
    let answer = desk.answer(desk.given());
    assert_eq!(desk.tap(Slot::SignIn, answer).await.1, Outcome::CardNotActive);
}

#[tokio::test]
async fn a_staff_card_does_nothing_but_sign_in() {
    let mut desk = Desk::new(StaffRole::Clerk, true).await;
    for operation in [
        Operation::PursePayment(purse::Payment::online(Fen(1))),
        Operation::PurseTopUp(purse::TopUp::cash(Fen(1))),
        Operation::GateCheck(gate::Check),
    ] {
        assert_eq!(desk.tap(Slot::Approve, operation).await.1, Outcome::OperationNotAllowed);
    }
}

#[tokio::test]
async fn a_new_role_ends_what_was_agreed_for_the_one_before() {
    let desk = Desk::new(StaffRole::Supervisor, true).await;
    let admin = desk.office.member("admin", StaffRole::Administrator).await.staff_id;
    let wish = Wish::Role(StaffRole::Clerk);
    member::change(&desk.office.app, admin, desk.who.staff_id, wish, i64::MAX).await.unwrap().unwrap();
    let card = cards::store::one(&mut desk.office.app.db.read().await.unwrap(), desk.card.id).await.unwrap().unwrap();
    assert!(!card.signs_in);
}

#[tokio::test]
async fn a_clerk_has_no_hand_in_cards_of_staff() {
    let desk = Desk::new(StaffRole::Administrator, true).await;
    let (office, number) = (&desk.office, desk.card.id.to_string());
    let clerk = office.staff("clerk", StaffRole::Clerk).await;
    let state = format!("/v1/cards/{number}/state");
    let lost = json!({"state": "suspended", "reason": "invented"});
    let (status, _) = office.public("PUT", &state, Some(&clerk), Some(lost)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);

    let by = office.member("other", StaffRole::Administrator).await.staff_id;
    let started = cards::issuance::start(
        &office.app,
        by,
        Bearer::Staff(desk.who.staff_id),
        crate::i18n::Locale::En,
        desk.terminal.id,
        None,
    );
    let (_, issuance) = started.await.unwrap();
    let page = format!("/issuances/{issuance}");
    for (path, form) in [
        (page.clone(), None),
        (format!("{page}/events"), None),
        (format!("{page}/resume"), Some("")),
        (format!("{page}/give-up"), Some("")),
    ] {
        assert_eq!(office.browse(Some(&clerk), &path, form).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for (method, path) in
        [("GET", format!("/v1/issuances/{issuance}")), ("POST", format!("/v1/issuances/{issuance}/resume"))]
    {
        assert_eq!(office.public(method, &path, Some(&clerk), None).await.0, StatusCode::FORBIDDEN, "{path}");
    }
    let admin = office.staff("admin", StaffRole::Administrator).await;
    let shown = office.browse(Some(&admin), &page, None).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.page.contains(&format!("/staff/{}", desk.who.staff_id.0)));
}

#[tokio::test]
async fn a_card_is_let_in_by_two_unless_it_is_a_clerks_and_reported_lost_by_one() {
    let desk = Desk::new(StaffRole::Supervisor, false).await;
    let office = &desk.office;
    let (one, two) =
        (office.staff("one", StaffRole::Administrator).await, office.staff("two", StaffRole::Administrator).await);
    let page = format!("/staff/{}/sign-in", desk.who.staff_id.0);
    let asked = office.browse(Some(&one), &page, Some("act=sign_in_with_card")).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    assert!(asked.leads_to.starts_with("/approvals/"), "{}", asked.leads_to);
    let signs_in = async || {
        let mut connection = office.app.db.read().await.unwrap();
        cards::store::one(&mut connection, desk.card.id).await.unwrap().unwrap().signs_in
    };
    assert!(!signs_in().await);
    let agreed = office.browse(Some(&two), &asked.leads_to, Some("act=approve")).await;
    assert_eq!(agreed.status, StatusCode::SEE_OTHER);
    assert!(signs_in().await);
    assert!(office.browse(Some(&one), &page, None).await.page.contains("Signs in with it"));

    let lost = office.browse(Some(&one), &page, Some("act=card_lost")).await;
    assert_eq!(lost.status, StatusCode::SEE_OTHER);
    let again = office.browse(Some(&one), &page, Some("act=sign_in_with_card&seen=9000000000")).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "there is none in use");

    let clerk = office.member("clerk", StaffRole::Clerk).await.staff_id;
    card_of(&office.app.db, Bearer::Staff(clerk), CardState::Active).await;
    let page = format!("/staff/{}/sign-in", clerk.0);
    let agreed = office.browse(Some(&one), &page, Some("act=sign_in_with_card")).await;
    assert_eq!((agreed.status, agreed.leads_to), (StatusCode::SEE_OTHER, page));
}
