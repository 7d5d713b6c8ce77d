//! A clinic from the check-in to a bill that is settled, and taken back.

use axum::http::StatusCode;
use card_schema::card::Slot;
use card_schema::coverage::{Benefit, Level};
use card_schema::date::Date;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{ClaimId, OrganisationId, Shard};
use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::operation::{Operation, clinic};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::db::{DbError, query};
use crate::domains::clinic::clearing::{self, NotCleared};
use crate::domains::clinic::store;
use crate::domains::residence::merge;
use crate::ledger::{self, AccountKey, AccountKind, Owner, Phase, Transfer, TransferKind, Unit};
use crate::terminals;
use crate::testing::insured::worked;
use crate::testing::shop::{Shop, top_up};
use crate::testing::town::{Signed, TestTerminal, holder_in, terminal_beside, terminal_in};

/// An appendicectomy for so many fen, which the fund covers whole.
fn line(fen: i64) -> Value {
    json!({"item": "S2018", "quantity": "1", "price_fen": fen})
}

/// See the module.
struct Desk {
    shop: Shop,
}

impl Desk {
    /// A clinic of the lowest level, and somebody with so much in the purse and so much in their own account.
    async fn open(is_insured: bool, purse: i64, account: i64) -> Self {
        let mut shop = Shop::new().await;
        let (now, by, holder) = (shop.office.app.now(), shop.supervisor.staff_id, shop.holder);
        let clinic = Self::organisation(&shop, &shop.terminal).await;
        let key = |owner, kind| AccountKey { shard: holder.shard(), owner, kind, unit: Unit::CnyFen };
        let gift = Transfer {
            debit: key(Owner::ISSUER, AccountKind::ContributionBank),
            credit: key(holder.into(), AccountKind::MedicalAccount),
            amount: account,
            kind: TransferKind::Contribution,
            reference: None,
            phase: Phase::Posted,
        };
        let prepared = shop.office.app.db.write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                tx.lock([Shard(0), holder.shard()]).await?;
                store::put(tx, now, by, clinic, Level::Community).await?;
                if is_insured {
                    worked(tx, now, by, clinic, holder).await?;
                }
                if account > 0 {
                    ledger::post(tx, now, &[vec![gift]]).await?.remove(0).unwrap();
                }
                Ok(())
            })
        });
        prepared.await.unwrap();
        if purse > 0 {
            shop.tap(top_up(purse)).await;
        }
        Self { shop }
    }

    async fn organisation(shop: &Shop, terminal: &TestTerminal) -> OrganisationId {
        let mut connection = shop.office.app.db.read().await.unwrap();
        terminals::store::one(&mut connection, terminal.id).await.unwrap().unwrap().organisation.organisation_id
    }

    async fn check_in(&mut self, benefit: Benefit) -> Signed {
        let tap = self.shop.signed(Operation::ClinicCheckIn(clinic::CheckIn { benefit }), 0);
        let batch = self.shop.terminal.batch(std::slice::from_ref(&tap));
        self.shop.office.intake.accept(self.shop.terminal.id, &batch).await.unwrap();
        tap
    }

    async fn ask(&self, path: &str, tap: &Signed, more: Value) -> (StatusCode, Value) {
        let mut body = json!({"card_id": self.shop.card.id, "tap_id": tap.id});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.shop.office.terminal(Some(self.shop.terminal.id), "POST", path, Some(body)).await
    }

    async fn visit(&self, tap: &Signed) -> Value {
        let (status, told) = self.ask("/v1/visits", tap, json!({})).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        told
    }

    async fn write(&self, tap: &Signed, lines: &[Value]) -> (StatusCode, Value) {
        let bill = json!({"referred": false, "diagnosis": "虚构急性阑尾炎", "lines": lines});
        self.ask("/v1/claims", tap, bill).await
    }

    async fn bill(&self, tap: &Signed, lines: &[Value]) -> Value {
        let (status, told) = self.write(tap, lines).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        told
    }

    /// What a settlement of a bill says, where so much comes from the purse.
    fn settlement(bill: &Value, purse: i64) -> clinic::Settlement {
        let fen = |value: &Value| value.as_i64().unwrap();
        clinic::Settlement {
            claim: claim_of(bill),
            fund: Fen(fen(&bill["shares"]["fund_fen"])),
            account: Fen(fen(&bill["account_fen"])),
            purse: Fen(purse),
            cash: Fen(fen(&bill["rest_fen"]) - purse),
        }
    }

    async fn settle(&mut self, bill: &Value, purse: i64) -> Outcome {
        self.shop.outcome(Operation::ClinicSettlement(Self::settlement(bill, purse)), Slot::Approve).await
    }

    async fn take_back(&mut self, bill: &Value) -> Outcome {
        let claim = claim_of(bill);
        self.shop.outcome(Operation::ClinicReversal(clinic::Reversal { claim }), Slot::Tap).await
    }

    /// What is in an account of the holder's shard.
    async fn in_account(&self, owner: impl Into<Owner>, kind: AccountKind) -> i64 {
        let shard = self.shop.holder.shard();
        let key = AccountKey { shard, owner: owner.into(), kind, unit: Unit::CnyFen };
        ledger::store::balance(&mut self.shop.office.app.db.read().await.unwrap(), &key).await.unwrap()
    }

    /// What fund, own account, purse, and the clinic for claims and from purses, have.
    async fn books(&self) -> [i64; 5] {
        let clinic = Self::organisation(&self.shop, &self.shop.terminal).await;
        [
            self.in_account(Owner::ISSUER, AccountKind::MedicalFund).await,
            self.in_account(self.shop.holder, AccountKind::MedicalAccount).await,
            self.in_account(self.shop.holder, AccountKind::Purse).await,
            self.in_account(clinic, AccountKind::ClinicClaims).await,
            self.in_account(clinic, AccountKind::Takings).await,
        ]
    }
}

fn claim_of(bill: &Value) -> ClaimId {
    bill["claim_id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_bill_is_reckoned_settled_by_fund_account_purse_and_cash_and_taken_back_whole() {
    let mut desk = Desk::open(true, 50_000, 2_000).await;
    let tap = desk.check_in(Benefit::Outpatient).await;
    let told = desk.visit(&tap).await;
    assert_eq!((&told["standing"]["state"], &told["level"]), (&json!("covered"), &json!("community")), "{told}");
    assert_eq!((&told["covered"]["deductible_left_fen"], &told["account_fen"]), (&json!(180_000), &json!(2_000)));
    let bands = json!([{"rate": "90%", "left_fen": 1_820_000}, {"rate": "60%", "left_fen": null}]);
    assert_eq!(told["covered"]["bands"], bands, "{told}");

    let bill = desk.bill(&tap, &[line(200_000)]).await;
    let own = (&bill["account_fen"], &bill["rest_fen"]);
    assert_eq!((&bill["shares"]["fund_fen"], own), (&json!(18_000), (&json!(2_000), &json!(180_000))), "{bill}");
    assert_eq!(bill["lines"][0]["pieces"], json!([{"rate": "90%", "amount_fen": 20_000}]));
    let before = desk.books().await;
    assert_eq!(desk.settle(&bill, 50_000).await, Outcome::Accepted);
    assert_eq!(desk.books().await, [before[0] - 18_000, 0, 0, 20_000, 50_000]);
    let another = desk.check_in(Benefit::Outpatient).await;
    let told = desk.visit(&another).await;
    assert_eq!(told["covered"]["deductible_left_fen"], json!(0), "the deductible is used up: {told}");

    assert_eq!(desk.settle(&bill, 0).await, Outcome::ClaimDiffers, "settled already");
    let (status, said) = desk.write(&tap, &[line(1)]).await;
    assert!(
        status == StatusCode::CONFLICT && said["detail"].as_str().unwrap().contains("Take it back"),
        "two bills: {said}"
    );
    assert_eq!(desk.take_back(&bill).await, Outcome::Accepted);
    assert_eq!(desk.books().await, before);
    assert_eq!(desk.take_back(&bill).await, Outcome::ClaimUnknown, "taken back already");
    let again = desk.bill(&tap, &[line(190_000)]).await;
    assert_eq!(again["shares"]["fund_fen"], json!(9_000), "as if nothing had been: {again}");
    assert_eq!(desk.settle(&again, 0).await, Outcome::Accepted);
}

#[tokio::test]
async fn what_is_not_as_it_was_reckoned_moves_nothing() {
    let mut desk = Desk::open(true, 1_000, 2_000).await;
    let tap = desk.check_in(Benefit::Outpatient).await;
    let bill = desk.bill(&tap, &[line(200_000)]).await;
    let before = desk.books().await;
    let good = Desk::settlement(&bill, 500);
    for (what, settlement, slot, outcome) in [
        ("no PIN", good, Slot::Tap, Outcome::PinRequired),
        ("the PIN of a check-in", good, Slot::SignIn, Outcome::PinRequired),
        ("the fund pays more", clinic::Settlement { fund: Fen(18_001), ..good }, Slot::Approve, Outcome::ClaimDiffers),
        ("the account less", clinic::Settlement { account: Fen(0), ..good }, Slot::Approve, Outcome::ClaimDiffers),
        ("less than is left", clinic::Settlement { cash: Fen(0), ..good }, Slot::Approve, Outcome::ClaimDiffers),
        (
            "cash handed out",
            clinic::Settlement { purse: Fen(180_001), cash: Fen(-1), ..good },
            Slot::Approve,
            Outcome::ClaimDiffers,
        ),
        (
            "into the purse",
            clinic::Settlement { purse: Fen(-1), cash: Fen(180_001), ..good },
            Slot::Approve,
            Outcome::ClaimDiffers,
        ),
        (
            "an empty purse",
            clinic::Settlement { purse: Fen(1_001), cash: Fen(178_999), ..good },
            Slot::Approve,
            Outcome::InsufficientFunds,
        ),
        (
            "another bill",
            clinic::Settlement { claim: ClaimId::new(desk.shop.holder.shard(), [7; 16]), ..good },
            Slot::Approve,
            Outcome::ClaimUnknown,
        ),
    ] {
        assert_eq!(desk.shop.outcome(Operation::ClinicSettlement(settlement), slot).await, outcome, "{what}");
        assert_eq!(desk.books().await, before, "{what}");
    }
    assert_eq!(desk.take_back(&bill).await, Outcome::ClaimUnknown, "not settled yet");
    // What was written afterwards takes its place.
    let other = desk.bill(&tap, &[line(200_100)]).await;
    assert_eq!(desk.settle(&bill, 500).await, Outcome::ClaimUnknown);
    assert_eq!(desk.settle(&other, 500).await, Outcome::Accepted);
}

#[tokio::test]
async fn bills_are_settled_on_top_of_one_another_and_taken_back_in_the_other_order() {
    let mut desk = Desk::open(true, 0, 0).await;
    let [first, second] = [desk.check_in(Benefit::Outpatient).await, desk.check_in(Benefit::Outpatient).await];
    let [one, stale] = [desk.bill(&first, &[line(200_000)]).await, desk.bill(&second, &[line(10_000)]).await];
    assert_eq!(stale["shares"]["deductible_fen"], json!(10_000), "{stale}");
    assert_eq!(desk.settle(&one, 0).await, Outcome::Accepted);
    assert_eq!(desk.settle(&stale, 0).await, Outcome::ClaimDiffers, "the deductible has been used up since");
    let two = desk.bill(&second, &[line(10_000)]).await;
    assert_eq!(two["shares"]["fund_fen"], json!(9_000), "{two}");
    assert_eq!(desk.settle(&two, 0).await, Outcome::Accepted);
    // What is insured otherwise accumulates for itself.
    let stay = desk.check_in(Benefit::Inpatient).await;
    let stay = desk.bill(&stay, &[line(130_000)]).await;
    assert_eq!(stay["shares"]["deductible_fen"], json!(130_000), "{stay}");
    assert_eq!(desk.settle(&stay, 0).await, Outcome::Accepted);
    assert_eq!(desk.take_back(&one).await, Outcome::LaterClaims);
    for bill in [&two, &one] {
        assert_eq!(desk.take_back(bill).await, Outcome::Accepted);
    }
    let second_stay = desk.check_in(Benefit::Inpatient).await;
    let second_stay = desk.bill(&second_stay, &[line(130_000)]).await;
    assert_eq!(second_stay["shares"]["deductible_fen"], json!(65_000), "the second of a year: {second_stay}");
}

#[tokio::test]
async fn taps_of_one_batch_see_what_those_before_them_have_done() {
    let mut desk = Desk::open(true, 0, 0).await;
    let tap = desk.check_in(Benefit::Outpatient).await;
    let bill = desk.bill(&tap, &[line(200_000)]).await;
    let before = desk.books().await;
    let settles = Operation::ClinicSettlement(Desk::settlement(&bill, 0));
    let goes_back = Operation::ClinicReversal(clinic::Reversal { claim: claim_of(&bill) });
    let taps: Vec<_> = [settles.clone(), settles, goes_back.clone(), goes_back]
        .into_iter()
        .map(|operation| desk.shop.signed(operation, 0))
        .collect();
    desk.shop.office.intake.accept(desk.shop.terminal.id, &desk.shop.terminal.batch(&taps)).await.unwrap();
    let mut outcomes = Vec::new();
    for tap in &taps {
        let mut connection = desk.shop.office.app.db.read().await.unwrap();
        let kept = crate::intake::kept(&mut connection, desk.shop.card.id, tap.id).await.unwrap();
        outcomes.push(kept.unwrap().outcome);
    }
    let expected = [Outcome::Accepted, Outcome::ClaimDiffers, Outcome::Accepted, Outcome::ClaimUnknown];
    assert_eq!(outcomes, expected);
    assert_eq!(desk.books().await, before);
}

#[tokio::test]
async fn whoever_is_not_covered_is_told_so_and_pays_it_all() {
    let mut desk = Desk::open(false, 0, 5_000).await;
    let tap = desk.check_in(Benefit::Outpatient).await;
    let told = desk.visit(&tap).await;
    assert_eq!((&told["standing"]["state"], &told["covered"]), (&json!("never"), &Value::Null), "{told}");
    let bill = desk.bill(&tap, &[line(300_000), line(1)]).await;
    assert_eq!((&bill["shares"]["excluded_fen"], &bill["rest_fen"]), (&json!(300_001), &json!(300_001)), "{bill}");
    let before = desk.books().await;
    assert_eq!(desk.settle(&bill, 0).await, Outcome::Accepted);
    assert_eq!(desk.books().await, before, "in cash");
    assert_eq!(desk.take_back(&bill).await, Outcome::Accepted);
}

#[tokio::test]
async fn a_bill_that_cannot_be_reckoned_says_which_line_and_what_to_do_and_keeps_nothing() {
    let mut desk = Desk::open(true, 0, 0).await;
    let tap = desk.check_in(Benefit::Outpatient).await;
    let kept = desk.bill(&tap, &[line(100)]).await;
    let unknown = json!({"item": "NO-1", "quantity": "1", "price_fen": 1});
    for (lines, said) in [
        (vec![line(1), unknown], "NO-1"),
        (vec![line(1), line(-1)], "Line 2"),
        (Vec::new(), "at least one line"),
        (vec![line(1); 201], "at most 200"),
        (vec![line(i64::MAX), line(i64::MAX)], "too large"),
        (vec![json!({"item": "S2018", "quantity": "-1", "price_fen": 1})], "quantity is above zero"),
        (vec![json!({"item": "s2018", "quantity": "1", "price_fen": 1})], "capital letters"),
    ] {
        let (status, told) = desk.write(&tap, &lines).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{told}");
        assert!(told["detail"].as_str().unwrap().contains(said), "{said}: {told}");
    }
    let none = json!({"referred": false, "diagnosis": " ", "lines": [line(1)]});
    let (status, told) = desk.ask("/v1/claims", &tap, none).await;
    assert!(status == StatusCode::BAD_REQUEST && told["detail"].as_str().unwrap().contains("treated for"), "{told}");
    assert_eq!(desk.settle(&kept, 0).await, Outcome::Accepted, "what was written before waits still");
}

#[tokio::test]
async fn a_visit_is_the_clinics_where_it_began_and_ends() {
    let mut desk = Desk::open(true, 0, 0).await;
    let tap = desk.check_in(Benefit::Outpatient).await;
    let asked = json!({"card_id": desk.shop.card.id, "tap_id": tap.id});
    let elsewhere = terminal_in(&desk.shop.office.app.db, &card_schema::operation::OperationCode::ALL).await;
    let beside = terminal_beside(&desk.shop.office.app.db, desk.shop.terminal.id).await;
    for (terminal, expected) in [(elsewhere.id, StatusCode::CONFLICT), (beside.id, StatusCode::OK)] {
        let asked = Some(asked.clone());
        let (status, told) = desk.shop.office.terminal(Some(terminal), "POST", "/v1/visits", asked).await;
        assert_eq!(status, expected, "{told}");
    }
    let paid = desk.shop.signed(top_up(100), 0);
    let batch = desk.shop.terminal.batch(std::slice::from_ref(&paid));
    desk.shop.office.intake.accept(desk.shop.terminal.id, &batch).await.unwrap();
    assert_eq!(desk.ask("/v1/visits", &paid, json!({})).await.0, StatusCode::CONFLICT, "no check-in");
    // A bill of one clinic is settled at no other.
    let bill = desk.bill(&tap, &[line(100)]).await;
    let here = std::mem::replace(&mut desk.shop.terminal, elsewhere);
    assert_eq!(desk.settle(&bill, 0).await, Outcome::ClaimUnknown);
    desk.shop.terminal = here;
    let days_ago = |days: i64| {
        let (id, days) = (tap.id, days * 86_400_000_000);
        let aged = "UPDATE tap SET received_at = received_at - $1 WHERE tap_id = $2";
        desk.shop.office.app.db.write::<_, DbError, _>(move |tx| {
            Box::pin(async move { query(aged).bind(days).bind(id.0).execute(tx.conn()).await })
        })
    };
    days_ago(2).await.unwrap();
    assert_eq!(desk.ask("/v1/visits", &tap, json!({})).await.0, StatusCode::CONFLICT, "over");
}

#[tokio::test]
async fn bills_of_all_records_of_a_person_accumulate() {
    let mut desk = Desk::open(true, 0, 0).await;
    let tap = desk.check_in(Benefit::Outpatient).await;
    let bill = desk.bill(&tap, &[line(180_000)]).await;
    assert_eq!(desk.settle(&bill, 0).await, Outcome::Accepted);
    let (now, holder, by) = (desk.shop.office.app.now(), desk.shop.holder, desk.shop.supervisor.staff_id);
    let primary = holder_in(&desk.shop.office.app.db).await;
    let merged = desk.shop.office.app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            merge::store::put(tx, now, by, (holder, primary), merge::Act::Merged, "registered_twice").await
        })
    });
    merged.await.unwrap();
    let again = desk.check_in(Benefit::Outpatient).await;
    let told = desk.visit(&again).await;
    assert_eq!(told["covered"]["deductible_left_fen"], json!(0), "{told}");
    let bill = desk.bill(&again, &[line(1_000)]).await;
    assert_eq!(bill["shares"]["fund_fen"], json!(900), "{bill}");
    assert_eq!(desk.settle(&bill, 0).await, Outcome::Accepted);
}

#[tokio::test]
async fn what_somebody_was_treated_for_stands_nowhere_in_clear_and_no_list_of_staff_shows_a_clinic() {
    let mut desk = Desk::open(true, 0, 0).await;
    let tap = desk.check_in(Benefit::Outpatient).await;
    let bill = desk.bill(&tap, &[line(100)]).await;
    assert_eq!(desk.settle(&bill, 0).await, Outcome::Accepted);
    let mut connection = desk.shop.office.app.db.read().await.unwrap();
    let (_, sealed) = store::claim::one(&mut connection, claim_of(&bill)).await.unwrap().unwrap();
    drop(connection);
    let holds = |text: &str| sealed.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(!holds("阑尾炎") && !holds("S2018"));
    let shop = &desk.shop;
    let supervisor = shop.supervisor.clone();
    for page in ["/activity?reason=oversight".to_owned(), format!("/cards/{}?reason=oversight", shop.card.id)] {
        let shown = shop.see(&supervisor, &page).await;
        assert_eq!(shown.status, StatusCode::OK, "{page}");
        for name in ["就诊报到", "医疗费结算", "阑尾炎", "S2018"] {
            assert!(!shown.page.contains(name), "{page}: {name}");
        }
    }
    let told = desk.shop.statement().await;
    assert!(told["entries"].to_string().contains("clinic.settlement"), "the holder sees it: {told}");
    assert!(Uuid::parse_str(bill["claim_id"].as_str().unwrap()).is_ok());
}

#[tokio::test]
async fn a_month_is_paid_out_once_when_it_is_over_and_then_nothing_of_it_goes_back() {
    let mut desk = Desk::open(true, 0, 0).await;
    let tap = desk.check_in(Benefit::Outpatient).await;
    let [kept, gone] = [200_000, 30_000];
    let bill = desk.bill(&tap, &[line(kept)]).await;
    assert_eq!(desk.settle(&bill, 0).await, Outcome::Accepted);
    let other = desk.check_in(Benefit::Inpatient).await;
    let other = desk.bill(&other, &[line(gone)]).await;
    assert_eq!(desk.settle(&other, 0).await, Outcome::Accepted);
    assert_eq!(desk.take_back(&other).await, Outcome::Accepted);
    let clinic = Desk::organisation(&desk.shop, &desk.shop.terminal).await;
    let (db, by, now) = (desk.shop.office.app.db.clone(), desk.shop.supervisor.staff_id, desk.shop.office.app.now());
    let month = Month::of(Date::in_china(now));
    let clear = |at| clearing::clear(&db, (by, at), clinic, month);
    let over = month.span().end;
    assert_eq!(clear(now).await.unwrap(), Err(NotCleared::NotOver));
    assert_eq!(clear(over).await.unwrap(), Err(NotCleared::NotOver), "what came in at the last moment is booked first");
    let paid = clear(over.plus_seconds(3_600)).await.unwrap().unwrap();
    assert_eq!((paid.sums.count, paid.sums.total, paid.sums.fund), (1, Fen(kept), Fen(18_000)));
    assert_eq!(desk.in_account(clinic, AccountKind::ClinicClaims).await, 0);
    assert_eq!(desk.in_account(clinic, AccountKind::Settlement).await, 18_000);
    assert_eq!(clear(over.plus_seconds(7_200)).await.unwrap(), Err(NotCleared::Already));
    let before = clearing::clear(&db, (by, over), clinic, month.before()).await.unwrap();
    assert_eq!(before, Err(NotCleared::Nothing));
    assert_eq!(desk.take_back(&bill).await, Outcome::RefundTooLate);
    assert_eq!(desk.in_account(clinic, AccountKind::Settlement).await, 18_000);
}
