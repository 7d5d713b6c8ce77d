//! What is held and what becomes of it, through the pages and on a real database.

use axum::http::StatusCode;
use card_schema::card::Slot;
use card_schema::envelope::receipt::{Outcome, Receipt};
use card_schema::envelope::tap::Tap;
use card_schema::envelope::{Envelope, Kid};
use card_schema::ids::{CardId, Shard, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::{Operation, gate, purse};

use super::pages::address;
use crate::cards::CardState;
use crate::people::{Staff, StaffRole};
use crate::testing::Shown;
use crate::testing::shop::{Shop, along, pay, top_up};
use crate::testing::town::{Signed, Signer, revoke, set_state, terminal_beside};

const DONE: StatusCode = StatusCode::SEE_OTHER;
const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

/// Accepted by the terminal on its own.
const fn pay_offline(fen: i64) -> Operation {
    Operation::PursePayment(purse::Payment { accepted_offline: true, ..purse::Payment::online(Fen(fen)) })
}

impl Shop {
    /// A shop with money on the card, and a terminal that somebody has lost.
    async fn robbed(fen: i64) -> Self {
        let mut shop = Self::new().await;
        shop.tap(top_up(fen)).await;
        revoke(&shop.office.app.db, shop.terminal.id).await;
        shop
    }

    /// The terminal brings taps: what they have come to.
    async fn bring(&self, taps: &[Signed]) -> Vec<Outcome> {
        let receipt = self.office.intake.accept(self.terminal.id, &self.terminal.batch(taps)).await.unwrap();
        let receipt = Envelope::<Receipt>::decode(&receipt).unwrap();
        receipt.payload.outcomes.iter().map(|tap| tap.outcome).collect()
    }

    fn held(&self) -> String {
        format!("{}?purpose=fault", address(self.terminal.id))
    }

    /// Answers the question: the page that says what follows.
    async fn check(&self, who: &Staff, answer: &str) -> String {
        let checked = self.send(who, &self.held(), &format!("act=check&{answer}")).await;
        assert_eq!(checked.status, StatusCode::OK, "{}", checked.page);
        checked.page
    }

    /// Answers the question, and sends what the next page asks to confirm.
    async fn settle(&self, who: &Staff, answer: &str) -> Shown {
        let checked = self.check(who, answer).await;
        self.send(who, &self.held(), &confirmed(&checked)).await
    }
}

/// What a page asks to confirm, as it is sent.
fn confirmed(page: &str) -> String {
    let along = ["id", "until", "reason", "shown"].map(|name| format!("&{name}={}", along(page, name)));
    format!("act=settle{}", along.concat().replace(' ', "+"))
}

#[tokio::test]
async fn what_a_revoked_terminal_brought_is_booked_once_somebody_has_looked() {
    let mut shop = Shop::robbed(5_000).await;
    let supervisor = shop.supervisor.clone();
    let taps = [shop.signed(pay(1_250), 60), shop.signed(pay_offline(300), 30)];
    let gate = shop.signed(Operation::GateCheck(gate::Check), 20);
    let brought = [&taps[..], &[gate]].concat();
    assert_eq!(shop.bring(&brought).await, [Outcome::Quarantined; 3]);
    assert_eq!(shop.balance().await, 5_000, "nothing has moved");

    let home = shop.see(&supervisor, "/").await.page;
    assert!(home.contains("/quarantine") && home.contains("class=\"count\">1<"), "{home}");
    let list = shop.see(&supervisor, "/quarantine").await.page;
    assert!(
        list.contains(&address(shop.terminal.id)) && list.contains("2 taps"),
        "a gate is nobody's business: {list}"
    );
    let seen = shop.see(&supervisor, &shop.held()).await.page;
    for said in ["Waits for a decision", "2 taps, 15.50 yuan", "Lost", "12.50 yuan", "the terminal was revoked"] {
        assert!(seen.contains(said), "{said}: {seen}");
    }
    let checked = shop.check(&supervisor, "reason=before").await;
    for said in ["Book 2 taps, 15.50 yuan", "Made before the terminal was lost", "Book them"] {
        assert!(checked.contains(said), "{said}: {checked}");
    }
    assert_eq!(shop.balance().await, 5_000, "nothing is done before it is confirmed");
    let confirm = confirmed(&checked);
    let done = shop.send(&supervisor, &shop.held(), &confirm).await;
    assert_eq!((done.status, done.leads_to), (DONE, shop.held()));
    assert_eq!(shop.balance().await, 3_450);
    let seen = shop.see(&supervisor, &shop.held()).await.page;
    for said in ["Nothing waits", "2 taps, 2 booked, 15.50 yuan, one"] {
        assert!(seen.contains(said), "{said}: {seen}");
    }
    let again = shop.send(&supervisor, &shop.held(), &confirm).await;
    assert_eq!((again.status, shop.balance().await), (WRONG, 3_450), "a form that is sent twice books once");
    // Whoever brings them once more hears what was decided, and a gate stays what it was.
    let expected = [Outcome::Accepted, Outcome::Accepted, Outcome::Quarantined];
    assert_eq!(shop.bring(&brought).await, expected);
    assert_eq!(shop.balance().await, 3_450);

    let list = shop.see(&supervisor, "/activity?purpose=fault").await.page;
    assert!(!list.contains("Held for review") && list.contains("/taps/"), "{list}");
    assert_eq!(shop.number("SELECT COUNT(*) FROM leaf WHERE kind = 66").await, 2);
    assert_eq!(shop.number("SELECT COUNT(*) FROM transfer t JOIN tap_settlement s USING (shard, leaf)").await, 2);
}

#[tokio::test]
async fn what_is_not_booked_moves_nothing_and_whoever_brings_it_again_hears_so() {
    let mut shop = Shop::robbed(5_000).await;
    let supervisor = shop.supervisor.clone();
    let taps = [shop.signed(pay_offline(1_250), 60), shop.signed(pay(1_000), 30)];
    shop.bring(&taps).await;
    assert_eq!(shop.settle(&supervisor, "reason=denied").await.status, DONE);
    assert_eq!(shop.balance().await, 5_000);
    assert_eq!(shop.bring(&taps).await, [Outcome::Rejected; 2]);
    let seen = shop.see(&supervisor, &shop.held()).await.page;
    assert!(seen.contains("2 taps, 0 booked, 0.00 yuan, one"), "{seen}");
    let list = shop.see(&supervisor, "/activity?purpose=fault").await.page;
    assert!(list.contains("Not booked after review"), "{list}");
}

#[tokio::test]
async fn only_those_made_until_a_moment_are_decided_about() {
    let mut shop = Shop::robbed(5_000).await;
    let supervisor = shop.supervisor.clone();
    let hour = 3_600;
    let taps = [shop.signed(pay(1_000), 5 * hour), shop.signed(pay(200), 3 * hour), shop.signed(pay(30), hour)];
    shop.bring(&taps).await;
    let four_hours_ago = crate::console::view::minute(shop.office.app.now().plus_seconds(-4 * hour));
    let until = format!("until={}", four_hours_ago.replace(' ', "+").replace(':', "%3A"));
    assert_eq!(shop.settle(&supervisor, &format!("{until}&reason=before")).await.status, DONE);
    assert_eq!(shop.balance().await, 4_000);
    assert_eq!(shop.settle(&supervisor, "reason=after").await.status, DONE);
    assert_eq!(shop.balance().await, 4_000);
    assert_eq!(shop.bring(&taps).await, [Outcome::Accepted, Outcome::Rejected, Outcome::Rejected]);
}

#[tokio::test]
async fn what_cannot_be_decided_is_said_at_its_field_and_moves_nothing() {
    let mut shop = Shop::robbed(5_000).await;
    let supervisor = shop.supervisor.clone();
    let tap = shop.signed(pay(1_000), 60);
    shop.bring(&[tap]).await;
    for (form, field, said) in [
        ("act=check", "reason-before", "Choose what is to become of them"),
        ("act=check&reason=whatever", "reason-before", "Choose what is to become of them"),
        ("act=check&reason=before&until=yesterday", "until", "Enter a day and a time"),
        ("act=check&reason=before&until=2001-01-01+10%3A00", "until", "No tap of this terminal waits"),
    ] {
        let told = shop.send(&supervisor, &shop.held(), form).await;
        assert_eq!(told.status, WRONG, "{form}");
        let way = format!("href=\"#{field}\"");
        assert!(told.page.contains(said) && told.page.contains(&way), "{form}: {}", told.page);
    }
    for form in ["act=settle&reason=before", "act=settle&reason=before&shown=1.x", "act=whatever&reason=before"] {
        assert_eq!(shop.send(&supervisor, &shop.held(), form).await.status, StatusCode::BAD_REQUEST, "{form}");
    }
    let asked = shop.send(&supervisor, &address(shop.terminal.id), "act=check&reason=before").await;
    assert!(asked.page.contains("name=\"purpose\""), "no purpose is stated: {}", asked.page);
    assert_eq!(shop.balance().await, 5_000);
    assert_eq!(shop.number("SELECT COUNT(*) FROM tap_settlement").await, 0);
}

#[tokio::test]
async fn a_large_amount_is_booked_when_another_has_agreed_to_exactly_these_taps() {
    let mut shop = Shop::robbed(90_000).await;
    let one = shop.supervisor.clone();
    let other = shop.office.member("other", StaffRole::Supervisor).await;
    let taps = [shop.signed(pay(20_000), 60), shop.signed(pay(11_000), 30)];
    shop.bring(&taps).await;
    let checked = shop.check(&one, "reason=confirmed").await;
    assert!(checked.contains("no more than 200.00 yuan alone") && checked.contains("Ask a second person"), "{checked}");
    let request = shop.send(&one, &shop.held(), &confirmed(&checked)).await.leads_to;
    assert!(request.starts_with("/approvals/"), "{request}");
    let told = shop.settle(&one, "reason=confirmed").await;
    assert!(told.status == WRONG && told.page.contains("asked for already"), "{}", told.page);
    let seen = shop.see(&other, &request).await.page;
    assert!(
        seen.contains("Book 2 taps of Test Till that were held, 310.00 yuan")
            && seen.contains(&address(shop.terminal.id)),
        "{seen}"
    );
    assert_eq!(shop.send(&one, &request, "act=approve").await.status, WRONG, "one does not agree with oneself");
    // Not to more than was asked about.
    let later = shop.signed(pay(77), 0);
    shop.bring(std::slice::from_ref(&later)).await;
    assert_eq!(shop.send(&other, &request, "act=approve").await.status, DONE);
    assert_eq!(shop.balance().await, 90_000 - 31_000);
    let seen = shop.see(&one, &shop.held()).await.page;
    assert!(seen.contains("2 taps, 2 booked, 310.00 yuan, one, other agreed"), "{seen}");
    assert!(seen.contains("1 tap, 0.77 yuan"), "the later one waits: {seen}");
    assert_eq!(shop.settle(&one, "reason=denied").await.status, DONE);
    // What two have done does not count towards what one may do alone; what one has done does.
    let more = shop.signed(pay(15_000), 0);
    shop.bring(&[more]).await;
    assert_eq!(shop.settle(&one, "reason=confirmed").await.leads_to, shop.held());
    let more = shop.signed(pay(5_001), 0);
    shop.bring(&[more]).await;
    assert!(shop.settle(&one, "reason=confirmed").await.leads_to.starts_with("/approvals/"));
}

#[tokio::test]
async fn what_the_ordinary_rules_refuse_is_refused_and_what_stands_is_advanced() {
    let mut shop = Shop::robbed(1_000).await;
    let supervisor = shop.supervisor.clone();
    let taps = [shop.signed(pay(1_500), 60), shop.signed(pay_offline(1_200), 30), shop.signed(pay(1), 20)];
    shop.bring(&taps).await;
    assert_eq!(shop.settle(&supervisor, "reason=before").await.status, DONE);
    // The card is suspended by the second.
    let expected = [Outcome::InsufficientFunds, Outcome::Accepted, Outcome::CardNotActive];
    assert_eq!(shop.bring(&taps).await, expected);
    assert_eq!((shop.balance().await, shop.number("SELECT CAST(SUM(balance) AS BIGINT) FROM account").await), (0, 0));
    assert_eq!(shop.number("SELECT balance FROM account WHERE kind = 4").await, -200, "what the issuer has advanced");
    assert_eq!(shop.number("SELECT COUNT(*) FROM card WHERE state = 'suspended'").await, 1);
    let seen = shop.see(&supervisor, &shop.held()).await.page;
    assert!(seen.contains("3 taps, 1 booked, 12.00 yuan"), "{seen}");
}

#[tokio::test]
async fn a_card_that_was_out_of_use_pays_nothing_by_being_held() {
    let mut shop = Shop::robbed(1_000).await;
    let supervisor = shop.supervisor.clone();
    let tap = shop.signed(pay(500), 0);
    shop.bring(std::slice::from_ref(&tap)).await;
    set_state(&shop.office.app.db, shop.office.app.now(), shop.card.id, CardState::Lost).await;
    assert_eq!(shop.settle(&supervisor, "reason=confirmed").await.status, DONE);
    assert_eq!(shop.bring(&[tap]).await, [Outcome::CardNotActive]);
    assert_eq!(shop.balance().await, 1_000);
}

#[tokio::test]
async fn a_terminal_that_has_lost_a_tap_goes_on_and_the_one_behind_it_waits() {
    let mut shop = Shop::new().await;
    shop.tap(top_up(5_000)).await;
    let supervisor = shop.supervisor.clone();
    let _lost = shop.signed(pay(100), 60);
    let [behind, next] = [pay(200), pay(40)].map(|operation| shop.signed(operation, 30));
    assert_eq!(shop.bring(&[behind.clone(), next]).await, [Outcome::Quarantined, Outcome::Accepted]);
    let seen = shop.see(&supervisor, &shop.held()).await.page;
    assert!(seen.contains("1 tap, 2.00 yuan") && seen.contains("a tap before it is missing"), "{seen}");
    assert_eq!(shop.settle(&supervisor, "reason=confirmed").await.status, DONE);
    assert_eq!(shop.bring(&[behind]).await, [Outcome::Accepted]);
    assert_eq!(shop.balance().await, 4_760);
}

#[tokio::test]
async fn what_was_booked_after_all_is_refunded_and_reversed_like_any_payment() {
    let mut shop = Shop::robbed(5_000).await;
    let supervisor = shop.supervisor.clone();
    let paid = shop.signed(pay(1_000), 60);
    shop.bring(std::slice::from_ref(&paid)).await;
    shop.settle(&supervisor, "reason=before").await;
    let at = Envelope::<Tap>::decode(&paid.cose).unwrap().payload.at;
    let tap = shop.number("SELECT tap FROM tap_settlement").await;
    shop.terminal = terminal_beside(&shop.office.app.db, shop.terminal.id).await;
    let original = purse::Original { tap: paid.id, at };
    let back = Operation::PurseRefund(purse::Return { original, amount: Fen(300) });
    let back = shop.signed(back, 0);
    assert_eq!(shop.bring(&[back]).await, [Outcome::Accepted]);
    assert_eq!(shop.balance().await, 4_300);
    let page = format!("/cards/{}/taps/{tap}?purpose=fault", shop.card.id);
    let seen = shop.see(&supervisor, &page).await.page;
    assert!(seen.contains("Reversed in part") && seen.contains("<dd>7.00 yuan</dd>"), "{seen}");
    let form = format!("act=reverse&id={}&amount=7&reason=returned", along(&seen, "id"));
    assert_eq!(shop.send(&supervisor, &page, &form).await.status, DONE);
    assert_eq!(shop.balance().await, 5_000);
}

#[tokio::test]
async fn whoever_sees_activity_sees_what_is_held_and_each_look_is_written_down() {
    let mut shop = Shop::robbed(5_000).await;
    let tap = shop.signed(pay(1_000), 60);
    shop.bring(&[tap]).await;
    let looks = shop.number("SELECT COUNT(*) FROM activity_read").await;
    for role in [StaffRole::Clerk, StaffRole::Auditor, StaffRole::Operator] {
        let who = shop.office.member(role.name(), role).await;
        let seen = shop.see(&who, &shop.held()).await;
        assert!(seen.status == StatusCode::OK && !seen.page.contains("name=\"reason\""), "{role:?}: {}", seen.page);
        let form = "act=check&reason=before";
        assert_eq!(shop.send(&who, &shop.held(), form).await.status, StatusCode::FORBIDDEN, "{role:?}");
        assert!(!shop.see(&who, "/").await.page.contains("class=\"count\""), "{role:?}");
    }
    assert_eq!(shop.number("SELECT COUNT(*) FROM activity_read").await, looks + 3);
    let unknown = format!("{}?purpose=fault", address(TerminalId::from_bytes([9; 16])));
    assert_eq!(shop.see(&shop.supervisor, &unknown).await.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.number("SELECT COUNT(*) FROM activity_read").await, looks + 3, "nothing was seen");
}

#[tokio::test]
async fn what_was_shown_is_meant_and_nothing_that_came_in_since() {
    let mut shop = Shop::robbed(5_000).await;
    let supervisor = shop.supervisor.clone();
    let first = shop.signed(pay(1_000), 60);
    shop.bring(&[first]).await;
    let checked = shop.check(&supervisor, "reason=before").await;
    let later = shop.signed(pay(77), 90);
    shop.bring(std::slice::from_ref(&later)).await;
    assert_eq!(shop.send(&supervisor, &shop.held(), &confirmed(&checked)).await.status, DONE);
    assert_eq!(shop.balance().await, 4_000);
    // Another one of the same amount is not the same.
    let checked = shop.check(&supervisor, "reason=before").await;
    assert_eq!(shop.settle(&supervisor, "reason=after").await.status, DONE);
    let alike = shop.signed(pay(77), 90);
    shop.bring(&[alike]).await;
    let told = shop.send(&supervisor, &shop.held(), &confirmed(&checked)).await;
    assert!(told.status == WRONG && told.page.contains("Other taps wait now"), "{}", told.page);
    assert_eq!(shop.balance().await, 4_000);
}

#[tokio::test]
async fn a_request_that_was_answered_is_not_opened_again_by_another_form_with_its_number() {
    let mut shop = Shop::robbed(90_000).await;
    let one = shop.supervisor.clone();
    let other = shop.office.member("other", StaffRole::Supervisor).await;
    let taps = [shop.signed(pay(20_000), 60), shop.signed(pay(11_000), 30)];
    shop.bring(&taps).await;
    let checked = shop.check(&one, "reason=confirmed").await;
    let form = confirmed(&checked);
    let request = shop.send(&one, &shop.held(), &form).await.leads_to;
    assert_eq!(shop.send(&other, &request, "act=refuse&reason=unfounded").await.status, DONE);
    // Whoever asked goes back and sends it once more, and somebody else sends it as their own.
    assert_eq!(shop.send(&one, &shop.held(), &form).await.leads_to, request);
    let told = shop.send(&other, &shop.held(), &form).await;
    assert!(told.status == WRONG && told.page.contains("This form was sent before"), "{}", told.page);
    assert_eq!(shop.send(&other, &request, "act=approve").await.status, WRONG);
    assert_eq!(shop.number("SELECT COUNT(*) FROM approval WHERE state = 'refused'").await, 1);
    assert_eq!(shop.balance().await, 90_000);
}

#[tokio::test]
async fn what_no_card_has_signed_waits_for_nobody_and_no_amount_hides_another() {
    let mut shop = Shop::robbed(90_000).await;
    let supervisor = shop.supervisor.clone();
    let card = shop.card.id;
    let mut forged = |fen, named| {
        let tap = Tap { card: named, ..shop.terminal.next(Some(&shop.card), pay(fen)) };
        let key = Signer::new();
        shop.terminal.sign(&tap, &key, Kid::Card(Slot::Approve))
    };
    let forged = [forged(-49_900, Some(card)), forged(5, Some(CardId::new(9, Shard(0), [9; 16])))];
    assert_eq!(shop.bring(&forged).await, [Outcome::BadSignature, Outcome::UnknownCard]);
    // A thief has a card as well, and it signs whatever it is asked for.
    let taps = [-49_900, i64::MAX, 0, 15_000].map(|fen| shop.signed(pay(fen), 30));
    assert_eq!(shop.bring(&taps).await, [Outcome::Quarantined; 4]);
    let checked = shop.check(&supervisor, "reason=confirmed").await;
    assert!(checked.contains("Book 4 taps, 150.00 yuan"), "{checked}");
    assert_eq!(shop.send(&supervisor, &shop.held(), &confirmed(&checked)).await.status, DONE);
    assert_eq!(shop.balance().await, 75_000);
}

#[tokio::test]
async fn a_payment_and_what_went_back_of_it_are_booked_together() {
    let mut shop = Shop::robbed(5_000).await;
    let supervisor = shop.supervisor.clone();
    let paid = shop.signed(pay(1_000), 60);
    let at = Envelope::<Tap>::decode(&paid.cose).unwrap().payload.at;
    let back = |amount| purse::Return { original: purse::Original { tap: paid.id, at }, amount: Fen(amount) };
    let taps = [Operation::PurseRefund(back(300)), Operation::PurseRefund(back(700)), Operation::PurseRefund(back(1))];
    let back = taps.map(|operation| shop.signed(operation, 30));
    let all = [&[paid][..], &back].concat();
    assert_eq!(shop.bring(&all).await, [Outcome::Quarantined; 4]);
    assert_eq!(shop.settle(&supervisor, "reason=before").await.status, DONE);
    let expected = [Outcome::Accepted, Outcome::Accepted, Outcome::Accepted, Outcome::RefundExceedsRest];
    assert_eq!(shop.bring(&all).await, expected);
    assert_eq!(shop.balance().await, 5_000);
}

#[tokio::test]
async fn many_are_counted_though_not_all_are_shown() {
    let mut shop = Shop::robbed(5_000).await;
    let supervisor = shop.supervisor.clone();
    let taps: Vec<_> = (0..203).map(|at| shop.signed(pay_offline(1), 300 - at)).collect();
    shop.bring(&taps).await;
    let seen = shop.see(&supervisor, &shop.held()).await.page;
    assert!(seen.contains("203 taps, 2.03 yuan") && seen.contains("<dd>3 taps</dd>"), "{seen}");
    assert_eq!(shop.settle(&supervisor, "reason=before").await.status, DONE);
    assert_eq!(shop.balance().await, 5_000 - 203);
}
