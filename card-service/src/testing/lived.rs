//! A town in which something has been done to every table.

use std::collections::BTreeSet;

use card_schema::card::Slot;
use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::envelope::paper::PaperKind;
use card_schema::ids::{CardId, HolderId, OrganisationId, PaperNumber, Shard, SiteId, TapId, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::transit::Side;
use card_schema::operation::{Operation, OperationCode, gate, purse};
use card_schema::points::{EarnRule, ProgrammeId, Worth};
use uuid::Uuid;

use super::Scratch;
use super::gate::{always, credential};
use super::insured;
use super::town::{POLICY, START, Signer, TestCard, TestTerminal, Town, random};
use super::treated;
use crate::cards::deed::model::Fate;
use crate::cards::issuance::journal::Journal;
use crate::cards::issuance::store::{self as issuances, Answered, Issuance};
use crate::cards::{self, CardState, activity, consent, deed, stock, unblock};
use crate::consent::Text;
use crate::db::{Db, DbError, Tx, query};
use crate::domains::purse::reversal;
use crate::domains::residence::model::{ChangeReason, Field};
use crate::domains::residence::permit::{self, model::Act, rules::Clock};
use crate::domains::residence::store::{NewHolder, SealedPerson};
use crate::domains::residence::{
    self, agreement, area, draft, house, household, import, map, merge, paper, photo, roster, similar,
};
use crate::domains::{gate as gate_room, points, transit};
use crate::evidence::Log;
use crate::folding;
use crate::folding::rules::Retention;
use crate::i18n::Locale;
use crate::intake::{quarantine, suspicion};
use crate::people::approval::{self, model::Deed};
use crate::people::member::{self, model::Post};
use crate::people::model::SignedInBy;
use crate::people::{self, Purpose, Staff, StaffId, StaffRole, factor, organisation};
use crate::terminals::{self, model::RevocationReason};

/// See the module.
pub(crate) struct Lived {
    pub(crate) town: Town,
    pub(crate) log: Log,
    pub(crate) terminal: TestTerminal,
    pub(crate) card: TestCard,
}

impl Lived {
    /// A top-up, a payment and a gate, each with a checkpoint of its own; a payment whose predecessor was lost; and the
    /// office's day.
    pub(crate) async fn on(scratch: Scratch) -> Self {
        let town = Town::on(scratch);
        let log = Log::open(town.scratch.db.clone(), town.keys.clone(), "log.test.invalid/town").await.unwrap();
        let (mut terminal, card) = (town.terminal().await, town.card().await);
        for operation in [
            Operation::PurseTopUp(purse::TopUp::cash(Fen(5_000))),
            Operation::PursePayment(purse::Payment::online(Fen(1_250))),
            Operation::GateCheck(gate::Check),
        ] {
            let tap = terminal.tap(&card, Slot::Tap, operation);
            town.submit(&terminal, &[tap]).await;
            log.integrate(START).await.unwrap().unwrap();
        }
        let _lost = terminal.tap(&card, Slot::Tap, Operation::GateCheck(gate::Check));
        let after = terminal.tap(&card, Slot::Tap, Operation::PursePayment(purse::Payment::online(Fen(70))));
        town.submit(&terminal, &[after]).await;
        office(&town, &terminal, &card).await;
        log.integrate(START).await.unwrap().unwrap();
        let mut gate = town.terminal().await;
        let passed = gate.tap(&card, Slot::Tap, Operation::GateCheck(gate::Check));
        town.submit(&gate, &[passed]).await;
        log.integrate(START).await.unwrap().unwrap();
        folding::fold(&town.scratch.db, Retention::default(), START.plus_seconds(9 * 86_400)).await.unwrap();
        log.integrate(START).await.unwrap().unwrap();
        Self { town, log, terminal, card }
    }
}

/// A district, and the same with another name.
fn areas() -> [area::model::Area; 2] {
    let square = geo::Rect::new((117.0, 31.0), (118.0, 32.0)).to_polygon();
    ["before", "after"].map(|name| area::model::Area {
        level: area::model::Level::District,
        code: "990101".to_owned(),
        name: name.to_owned(),
        parent: String::new(),
        outline: square.clone().into(),
    })
}

/// A household, with how somebody belongs to it, sealed.
fn belongs() -> (household::model::HouseholdId, Vec<u8>, Micros) {
    (household::model::HouseholdId(Uuid::from_u128(3)), random::<29>().to_vec(), START)
}

/// Areas, houses, who lives in one, and who belongs to a household; each was something else before.
async fn homes(tx: &mut Tx, who: StaffId, lives: HolderId) -> Result<(), DbError> {
    let [named, drawn] = areas();
    area::store::change(tx, START, &[named], &BTreeSet::new()).await?;
    area::store::change(tx, START, &[drawn], &BTreeSet::new()).await?;
    let [one, other] = [1, 2].map(|id| house::model::House {
        id: house::model::HouseId(Uuid::from_u128(id)),
        cell: "990101001001001".to_owned(),
    });
    for known in [&one, &other] {
        house::store::insert(tx, START, who, known, random(), &random::<40>()).await?;
    }
    let stay = |known: &house::model::House| house::model::Stay { house: known.id, since: START, until: None };
    let moved = |left, known| house::model::Step::Move { left, to: Some(stay(known)) };
    house::store::carry_out(tx, START, lives, None, moved(None, &one), "changed").await?;
    let (opened, _) = house::store::current(tx.conn(), lives).await?.unwrap();
    house::store::carry_out(tx, START, lives, Some(opened), moved(Some(START), &other), "changed").await?;
    let counted = map::rules::When { day: Date::of_utc(START), at: START };
    map::store::keep(tx, counted, &[("990101001001001".to_owned(), 1)].into()).await?;
    let at_first = household::store::Becomes { ends: None, begins: Some(belongs()) };
    household::store::put(tx, START, who, lives, at_first).await?;
    let opened = household::store::current(tx.conn(), lives).await?.unwrap().opened;
    let ends = Some((opened, ChangeReason::Mistyped));
    let then = household::store::Becomes { ends, begins: Some(belongs()) };
    household::store::put(tx, START, who, lives, then).await
}

/// Whatever leaves a row that the taps have not left: every table of the office, and rows that were changed.
async fn office(town: &Town, terminal: &TestTerminal, card: &TestCard) {
    let revoked = town.terminal().await.id;
    let (terminal, card) = (terminal.id, card.id);
    let staff = Staff { staff_id: StaffId(Uuid::from_u128(7)), name: "test clerk".to_owned(), role: StaffRole::Clerk };
    let keys = [Signer::new().public(), Signer::new().public()];
    let db: &Db = &town.scratch.db;
    db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0), card.shard()]).await?;
            let terminal_of = terminals::store::one(tx.conn(), terminal).await?.unwrap().organisation.organisation_id;
            for closed in [false, true] {
                organisation::store::describe(tx, START, terminal_of, organisation::Kind::Merchant, closed).await?;
            }
            let elsewhere = OrganisationId(Uuid::from_u128(12));
            organisation::store::named(tx, START, elsewhere, "Another Test Station").await?;
            let post = Post { admitted: Some((staff.staff_id, START)), ..Post::working(START) };
            assert!(member::store::insert(tx, START, &staff, &post, "$argon2id$invented").await?);
            let who = staff.staff_id;
            terminals::store::revoke(tx, START, who, revoked, RevocationReason::Lost).await?;
            let member = member::store::one(tx.conn(), who).await?.unwrap();
            let deed = member::model::Deed { by: Some(who), wish: member::model::Wish::SignOut };
            member::store::update(tx, START, &member, None, Some(deed)).await?;
            signed_in(tx, who).await?;
            people::store::failed_sign_in(tx, START, who).await?;
            let found = cards::store::one(tx.conn(), card).await?.unwrap();
            let holder = found.bearer.holder().expect("a holder's card");
            residence::store::record_read(tx, START, holder, who, Purpose::ALL[0], Field::Name.name()).await?;
            let sealed = || Some(random::<40>().to_vec());
            photo::store::put(tx, START, who, holder, sealed()).await?;
            let moved = [(Field::Address, None, sealed()), (Field::Name, sealed(), sealed())];
            residence::store::change(tx, START, who, holder, ChangeReason::Changed, &moved).await?;
            let clock = Clock::on(Date::of_utc(START));
            let applied = clock.apply(Uuid::from_u128(6), Date::new(2020, 1, 1)).unwrap();
            for (act, permit) in
                [(Act::Apply, applied.clone()), (Act::Grant, clock.done(&applied, Act::Grant).unwrap())]
            {
                let proof = (act == Act::Apply).then(|| random::<40>().to_vec());
                let done = permit::store::Done { act, reason: None, proof };
                permit::store::put(tx, START, who, holder, &permit, done).await?;
            }
            let number = PaperNumber::new(card.shard(), random());
            let (kind, valid_until) = (PaperKind::Certificate, Date::of_utc(START));
            let new = paper::store::NewPaper { number, kind, valid_until, permit: Some(applied.permit_id) };
            paper::store::issue(tx, START, who, holder, new).await?;
            let issued = paper::store::one(tx.conn(), number).await?.unwrap();
            paper::store::withdraw(tx, START, who, &issued, "lost").await?;
            agreed(tx, who, holder).await?;
            registered_and_taken_back(tx, who).await?;
            similar::store::add(tx, &[(holder, [7, -7].into())]).await?;
            let ties = roster::Ties { marks: [8, -8].into(), until: Some(START) };
            roster::store::add(tx, &[(holder, ties)]).await?;
            homes(tx, who, holder).await?;
            draft::store::insert(tx, START, Uuid::from_u128(8), who, b"sealed").await?;
            import::store::insert(tx, START, Uuid::from_u128(5), who, &[(2, b"sealed".to_vec())]).await?;
            let alike = HolderId::new(card.shard(), random());
            similar::store::tell_apart(tx, START, who, holder, alike, "namesakes").await?;
            merge::store::put(tx, START, who, (holder, alike), merge::Act::Merged, "renamed").await?;
            let why = activity::ActivityPurpose::Complaint;
            activity::store::latest(tx, START, who, why, None).await?;
            activity::store::of_card(tx, START, who, why, card, None).await?;
            settled(tx, who, terminal).await?;
            suspected(tx, who, terminal).await?;
            let because = cards::store::Because { reason: "test", by: Some(who) };
            cards::store::set_state(tx, START, &found, CardState::Suspended, because).await?;
            deed::store::chip(tx, START, card, who, Fate::KeptAsEvidence).await?;
            for key in &keys {
                assert!(cards::store::add_key(tx, START, card, Slot::SignIn, key).await?);
                cards::store::keep_certificate(tx, START, card, Slot::SignIn, key, b"certificate").await?;
            }
            for act in [
                stock::model::Act::Receive { amount: 7, batch: "B1".to_owned() },
                stock::model::Act::Send { amount: 2, to: elsewhere },
            ] {
                stock::store::carry_out(tx, START, who, terminal_of, &act).await?.unwrap();
            }
            reversed(tx, who, card).await?;
            gives_points(tx, who, terminal_of, holder).await?;
            let new =
                transit::store::New { starts_at: START, by: Some(who), source: [1; 32], feed: b"PK", supplement: "" };
            transit::store::insert(tx, START, &new).await?;
            opens(tx, who, (terminal, terminal_of), holder).await?;
            rides_for_less(tx, who, holder).await?;
            rode(tx, (who, terminal_of), holder).await?;
            insured::worked(tx, START, who, terminal_of, holder).await?;
            treated::was_treated(tx, START, who, terminal_of, holder).await?;
            at_readers(tx, who, card, terminal).await
        })
    })
    .await
    .unwrap();
}

/// A concession is granted, and ended before its last day.
async fn rides_for_less(tx: &mut Tx, who: StaffId, holder: HolderId) -> Result<(), DbError> {
    use transit::concession::{ConcessionId, Grant};
    let (id, from) = (ConcessionId(random()), Date::in_china(START));
    for until in [from.end_of_month_after(12), from] {
        let grant = Grant { id, concession: "student".to_owned(), from, until };
        transit::store::concession::put(tx, START, who, holder, &grant, random()).await?;
    }
    Ok(())
}

/// Somebody has a pass, was on a bus, and on one whose validator has not taken the card.
async fn rode(tx: &mut Tx, (who, operator): (StaffId, OrganisationId), holder: HolderId) -> Result<(), DbError> {
    use transit::correction::{Correction, Deed, Reason};
    use transit::model::{FareGroup, PassSold, Ride, RiderKey, Right, RightOf, Showing, Sold};
    let (rider, tap, day) = (RiderKey::holder(holder.shard(), holder), TapId(random()), Date::in_china(START));
    let group = |sold| FareGroup { organisation: operator, sold };
    let (stop, route, side) = ("p".to_owned(), "b".to_owned(), Side::On);
    let showing = Showing { at: START, side, stop, route, organisation: operator, tariff: 1, tap };
    let (id, reason) = (TapId(random()), Reason::NotRead);
    let missed = Showing { at: START.plus_seconds(-3_600), tap: id, ..showing.clone() };
    let correction =
        Correction { id, deed: Deed::Added, showing: missed, reason, returned: -200, at: START, staff: String::new() };
    transit::store::correction::put(tx, who, holder, &correction, random()).await?;
    let showing = Some(showing);
    let bus = group(Sold::Rides("bus".to_owned()));
    let charged = vec![(bus.id(), 200)];
    let ride = Ride { rider, showing, charged, named: vec![bus], advanced: 0, open_until: None };
    transit::store::riding::add(tx.conn(), &[ride]).await?;
    let right = Right { of: RightOf::Pass("month".to_owned()), from: day, until: day };
    let sold = PassSold { rider, right, group: group(Sold::Pass("month".to_owned())), tap };
    transit::store::riding::add_passes(tx.conn(), &[sold]).await
}

/// A shop takes part in a programme, and somebody has earned some.
async fn gives_points(tx: &mut Tx, who: StaffId, shop: OrganisationId, to: HolderId) -> Result<(), DbError> {
    use points::model::{Category, Member, Programme, Reach, Rule};
    let (id, day) = (ProgrammeId(1), Date::in_china(START));
    for name in ["before", "after"] {
        let (name, reach) = (name.to_owned(), Reach::City);
        let (worth, day_most) = (Some(Worth { points: 100, fen: Fen(50) }), Some(500));
        let programme = Programme { id, name, reach, worth, validity_months: 12, day_most, below_zero: true };
        points::store::keep_programme(tx, START, who, &programme).await?;
        let earn = EarnRule { points: 1, per: Fen(100), from: day, until: day };
        let rule = Rule { id: Uuid::from_u128(14), programme: id, earn, category: Category::new("5411") };
        points::store::keep_rule(tx, START, who, &rule).await?;
        let category = Category::new("5411").expect("four digits");
        let member = Member { organisation: shop, programme: id, category, from: day, until: None };
        points::store::keep_member(tx, START, who, &member).await?;
    }
    let earned = points::Earned { shard: to.shard(), holder: to, programme: id, day, points: 12 };
    points::store::add(tx.conn(), &[earned]).await
}

/// A terminal stands at a site, where somebody may pass, and a visitor; then neither, and the site is closed.
async fn opens(
    tx: &mut Tx,
    who: StaffId,
    (terminal, run_by): (TerminalId, OrganisationId),
    holder: HolderId,
) -> Result<(), DbError> {
    use gate_room::model::{EndReason, Issued, Reason, Site, SiteKind};
    use gate_room::store::{close, credentials, insert_site, passes, place};
    let [id, other] = [17, 18].map(|id| SiteId(Uuid::from_u128(id)));
    for id in [id, other] {
        let (organisation, kind, name) = (run_by, SiteKind::Dormitory, format!("Test Dormitory {id}"));
        insert_site(tx, START, who, &Site { id, organisation, kind, name, closed: false }).await?;
    }
    place(tx, START, who, terminal, Some(id)).await?;
    place(tx, START.plus_seconds(1), who, terminal, Some(other)).await?;
    let number = PaperNumber::new(Shard(0), random());
    let (from, until, by) = (START, START.plus_seconds(60), who);
    let (reason, issued_at, withdrawn_at) = (Reason::Visits, START, None);
    passes::insert(tx, &Issued { number, site: id, reason, from, until, issued_at, by, withdrawn_at }).await?;
    passes::withdraw(tx, START, who, number).await?;
    let granted = credential(holder, id, always(), who);
    credentials::insert(tx, &granted).await?;
    credentials::end(tx, START, who, &granted, EndReason::Unneeded).await?;
    close(tx, START.plus_seconds(2), who, other).await
}

/// The payment whose predecessor was lost is booked.
async fn settled(tx: &mut Tx, who: StaffId, terminal: TerminalId) -> Result<(), DbError> {
    let all = quarantine::store::Until::default();
    let shown = quarantine::waiting(tx.conn(), terminal, all, POLICY.limits.tap_limit).await?.expect("one waits");
    let reason = quarantine::model::Reason::Confirmed;
    let wanted = quarantine::model::Settlement { terminal, until: None, reason, shown };
    let request = approval::model::Request {
        approval_id: Uuid::from_u128(15),
        deed: Deed::Settle(wanted),
        asked_by: who,
        asked_at: START,
        expires_at: START.plus_seconds(60),
        state: approval::model::State::Waiting,
        decided: None,
        reason: None,
    };
    quarantine::agreed(tx, START, POLICY, &request, wanted, who).await.unwrap().unwrap();
    Ok(())
}

/// A terminal brings what looks wrong, and somebody has found out why.
async fn suspected(tx: &mut Tx, who: StaffId, terminal: TerminalId) -> Result<(), DbError> {
    use suspicion::model::{Counts, Finding, Rule, Suspicion};
    let (id, rule, counts) = (Uuid::from_u128(16), Rule::WrongPins, Counts { wrong_pins: 31, ..Counts::default() });
    suspicion::store::insert(tx, &Suspicion { id, terminal, rule, found_at: START, most: 30, counts }).await?;
    suspicion::store::insert_review(tx, START, id, who, Finding::Explained).await
}

/// A part of the payment goes back.
async fn reversed(tx: &mut Tx, who: StaffId, card: CardId) -> Result<(), DbError> {
    let paid = query("SELECT MIN(leaf) FROM tap WHERE shard = $1 AND card_id = $2 AND operation = $3")
        .bind(card.shard())
        .bind(card)
        .bind(i64::from(OperationCode::PursePayment.number()));
    let tap = paid.scalar_one(tx.conn()).await?;
    let wanted = reversal::model::Reversal { card, tap, amount: Fen(250), reason: reversal::model::Reason::Returned };
    let (id, hands) = (Uuid::from_u128(13), approval::model::Hands { by: who, agreed_by: Some(who) });
    let posting = reversal::Posting::of(tx, START, id, &wanted).await.unwrap().unwrap();
    posting.post(tx, START, id, &wanted, hands).await.unwrap();
    Ok(())
}

/// What is done with a card at a reader, as far as it has come.
async fn at_readers(tx: &mut Tx, who: StaffId, card: CardId, terminal: TerminalId) -> Result<(), DbError> {
    let mut issuance = Issuance {
        issuance_id: Uuid::from_u128(9),
        card_id: card,
        language: Locale::ZhCn,
        terminal_id: terminal,
        reader: None,
        open: true,
        journal: Journal::default(),
        number: 0,
        created_at: START,
    };
    issuances::insert(tx, START, &issuance).await?;
    issuance.number += 1;
    let answered = Answered { number: 0, step: "read", observation: "card" };
    issuances::update(tx, START, &issuance, Some(answered)).await?;
    let unblock = unblock::store::Unblock {
        unblock_id: Uuid::from_u128(10),
        card_id: card,
        generation: 0,
        staff_id: who,
        terminal_id: terminal,
        open: true,
        journal: unblock::Journal::default(),
        number: 0,
        created_at: START,
    };
    unblock::store::put(tx, START, &unblock).await?;
    consent::store::insert(tx, START, card, 1, Text::find(1, Locale::ZhCn).unwrap()).await?;
    consent::store::answered(tx, START, card, 1, TapId(random())).await
}

/// A form that was printed and signed, and what it says withdrawn.
async fn agreed(tx: &mut Tx, by: StaffId, holder: HolderId) -> Result<(), DbError> {
    use agreement::store::Deed::{Printed, Signed, Withdrawn};
    let number = agreement::model::FormNumber::from_random(random());
    let form = agreement::model::Form { number, printed: START, version: 3 };
    let (day, signer) = (Date::of_utc(START), || random::<40>().to_vec());
    for deed in [Printed(form), Signed(form, day, signer()), Withdrawn(day, signer())] {
        agreement::store::put(tx, START, by, holder, deed).await?;
    }
    Ok(())
}

/// Somebody of the staff with all that staff have.
async fn signed_in(tx: &mut Tx, who: StaffId) -> Result<(), DbError> {
    let deed = Deed::ChangeRole { staff: who, from: StaffRole::Clerk, to: StaffRole::Supervisor };
    let mut request = approval::model::Request {
        approval_id: Uuid::from_u128(11),
        deed,
        asked_by: who,
        asked_at: START,
        expires_at: START.plus_seconds(60),
        state: approval::model::State::Waiting,
        decided: None,
        reason: None,
    };
    approval::store::put(tx, START, &request).await?;
    request.state = approval::model::State::Refused;
    request.decided = Some((who, START));
    request.reason = Some(approval::model::Objection::Unneeded.name().to_owned());
    approval::store::put(tx, START, &request).await?;
    for on in [false, true] {
        let sealed = random::<48>().to_vec();
        let factor = factor::store::Factor { on, changed_at: START, sealed };
        factor::store::put(tx, START, who, &factor).await?;
    }
    factor::store::put_recovery_codes(tx, who, &[random()]).await?;
    factor::store::put_tried(tx, who, factor::rules::Tried::default()).await?;
    people::store::begin_session(tx, START, random(), who, START.plus_seconds(60), SignedInBy::Code).await?;
    people::store::signed_in(tx, START, who).await
}

/// Somebody who was registered by mistake and is so no longer: the log speaks for rows that are gone.
async fn registered_and_taken_back(tx: &mut Tx, by: StaffId) -> Result<(), DbError> {
    let holder = HolderId::new(Shard(0), random());
    let person = || SealedPerson {
        wrapped_key: random::<40>().to_vec(),
        facts: [(Field::Name, random::<40>().to_vec())].into(),
    };
    let (sealed, blind) = (person(), random());
    let new = NewHolder { holder, person: person(), blind };
    residence::store::insert(tx, START, by, &[new]).await?;
    residence::store::remove(tx, START, holder, &sealed, blind).await
}
