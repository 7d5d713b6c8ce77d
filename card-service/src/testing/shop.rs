//! A shop with a terminal, a holder with a card, and somebody in the office who may move money.

use axum::http::StatusCode;
use card_schema::card::Slot;
use card_schema::envelope::Kid;
use card_schema::envelope::receipt::Outcome;
use card_schema::envelope::tap::Tap;
use card_schema::ids::{HolderId, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::{Operation, OperationCode, Signer as SignedBy, purse};
use card_schema::points::ProgrammeId;
use serde_json::{Value, json};

use super::town::{POLICY, Signed, TestCard, TestTerminal, card_of, holder_in, terminal_in};
use super::{Office, Shown, office};
use crate::app::App;
use crate::cards::{Bearer, CardState};
use crate::db::{DbError, query};
use crate::domains::points;
use crate::domains::points::model::{Programme, Reach};
use crate::domains::purse::store::balance;
use crate::intake;
use crate::people::{Staff, StaffId, StaffRole};

pub(crate) const fn pay(fen: i64) -> Operation {
    Operation::PursePayment(purse::Payment::online(Fen(fen)))
}

pub(crate) const fn top_up(fen: i64) -> Operation {
    Operation::PurseTopUp(purse::TopUp::cash(Fen(fen)))
}

/// See the module.
pub(crate) struct Shop {
    pub(crate) office: Office,
    pub(crate) supervisor: Staff,
    pub(crate) terminal: TestTerminal,
    pub(crate) holder: HolderId,
    pub(crate) card: TestCard,
}

impl Shop {
    pub(crate) async fn new() -> Self {
        let office = office().await;
        let supervisor = office.member("one", StaffRole::Supervisor).await;
        let terminal = terminal_in(&office.app.db, &OperationCode::ALL).await;
        let holder = holder_in(&office.app.db).await;
        let card = card_of(&office.app.db, Bearer::Holder(holder), CardState::Active).await;
        Self { office, supervisor, terminal, holder, card }
    }

    /// The card signs at the terminal, some seconds ago.
    pub(crate) fn signed(&mut self, operation: Operation, seconds_ago: i64) -> Signed {
        let slot = match operation.signer(POLICY.limits.no_pin_limit) {
            SignedBy::Card(slot) => slot,
            SignedBy::Terminal => panic!("no card signs {operation:?}"),
        };
        let at = self.office.app.now().plus_seconds(-seconds_ago);
        let tap = Tap { at, ..self.terminal.next(Some(&self.card), operation) };
        self.terminal.sign(&tap, self.card.key(slot), Kid::Card(slot))
    }

    /// The card is tapped: the number of the tap.
    pub(crate) async fn tap(&mut self, operation: Operation) -> i64 {
        let tap = self.signed(operation, 0);
        self.office.intake.accept(self.terminal.id, &self.terminal.batch(&[tap])).await.unwrap();
        self.number("SELECT MAX(leaf) FROM tap").await
    }

    /// The card is tapped with the key of a slot: what becomes of it.
    pub(crate) async fn outcome(&mut self, operation: Operation, slot: Slot) -> Outcome {
        let tap = Tap { at: self.office.app.now(), ..self.terminal.next(Some(&self.card), operation) };
        let tap = self.terminal.sign(&tap, self.card.key(slot), Kid::Card(slot));
        self.office.intake.accept(self.terminal.id, &self.terminal.batch(std::slice::from_ref(&tap))).await.unwrap();
        let mut connection = self.office.app.db.read().await.unwrap();
        intake::kept(&mut connection, self.card.id, tap.id).await.unwrap().unwrap().outcome
    }

    /// The holder asks for a statement: the tap.
    pub(crate) async fn asks(&mut self) -> Signed {
        let tap = self.signed(Operation::PurseStatement(purse::Statement), 0);
        self.office.intake.accept(self.terminal.id, &self.terminal.batch(std::slice::from_ref(&tap))).await.unwrap();
        tap
    }

    /// What a terminal is told of the holder for a tap.
    pub(crate) async fn told(&self, terminal: TerminalId, tap: &Signed) -> (StatusCode, Value) {
        let body = json!({"card_id": self.card.id, "tap_id": tap.id});
        self.office.terminal(Some(terminal), "POST", "/v1/statements", Some(body)).await
    }

    /// What the holder reads at the terminal.
    pub(crate) async fn statement(&mut self) -> Value {
        let tap = self.asks().await;
        let (status, told) = self.told(self.terminal.id, &tap).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        told
    }

    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        query(sql).scalar_one(&mut self.office.app.db.read().await.unwrap()).await.unwrap()
    }

    pub(crate) async fn balance(&self) -> i64 {
        let shard = self.holder.shard();
        balance(&mut self.office.app.db.read().await.unwrap(), self.holder, shard).await.unwrap().0
    }

    pub(crate) async fn see(&self, who: &Staff, path: &str) -> Shown {
        let session = self.office.session(who).await;
        self.office.browse(Some(&session), path, None).await
    }

    pub(crate) async fn send(&self, who: &Staff, path: &str, form: &str) -> Shown {
        let session = self.office.session(who).await;
        self.office.browse(Some(&session), path, Some(form)).await
    }
}

/// What goes along with the form of a page under this name.
pub(crate) fn along<'a>(page: &'a str, name: &str) -> &'a str {
    let field = format!("name=\"{name}\" value=\"");
    let (_, after) = page.split_once(&field).unwrap_or_else(|| panic!("a form with {name}: {page}"));
    after.split('"').next().unwrap()
}

/// A programme of points.
pub(crate) async fn programme(app: &App, by: StaffId) -> ProgrammeId {
    let (id, now) = (ProgrammeId(1), app.now());
    let (name, reach) = ("测试积分".to_owned(), Reach::City);
    let (worth, validity_months, day_most, below_zero) = (None, 12, None, false);
    let programme = Programme { id, name, reach, worth, validity_months, day_most, below_zero };
    let added = app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move { points::store::keep_programme(tx, now, by, &programme).await })
    });
    added.await.unwrap();
    id
}
