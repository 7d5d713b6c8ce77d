//! The desk of a clinic: the visits that this terminal knows, from the check-in to a bill that is settled.
//!
//! In memory alone: what somebody was treated for is written to no disk and no log, is forgotten with the daemon, and some hours after
//! the last that was done. Decides nothing: what a bill comes to, the service says; what a card signs is the counter's (`counter`).

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use card_schema::{
    clock::Micros,
    coverage::Benefit,
    ids::{CardId, ClaimId, TapId},
    operation::{Operation, clinic::Settlement},
    wire::clinic::{ClaimReply, VisitReply},
};
use uuid::Uuid;

/// The most visits that are known; the oldest go first.
const MOST: usize = 200;
/// How long a visit is known after the last that was done about it.
const LASTS: Duration = Duration::from_hours(12);
/// How often it is looked for what is to be forgotten.
const LOOKS: Duration = Duration::from_mins(5);

/// A visit that began at this terminal.
#[derive(Clone)]
pub struct Visit {
    /// The number of the order with which its holder checked in.
    pub id: Uuid,
    /// The card.
    pub card: CardId,
    /// The tap.
    pub tap: TapId,
    /// As what it is insured.
    pub benefit: Benefit,
    /// When it began, by the clock of this terminal.
    pub at: Micros,
    /// What the service has said is covered; nothing where it could not be asked yet.
    pub told: Option<Box<VisitReply>>,
    /// The bill that was written last.
    pub bill: Option<Bill>,
    changed: Instant,
}

/// A bill, and what has become of it.
#[derive(Clone)]
pub struct Bill {
    /// What was typed.
    pub typed: Vec<(String, String)>,
    /// What the service has reckoned.
    pub reply: Box<ClaimReply>,
    /// How it was settled; nothing while it waits.
    pub settled: Option<Settlement>,
    /// Whether it was taken back.
    pub is_reversed: bool,
}

impl Bill {
    /// Whether it was settled and stands.
    pub const fn stands(&self) -> bool {
        self.settled.is_some() && !self.is_reversed
    }
}

impl fmt::Debug for Bill {
    /// Nothing that says what somebody was treated for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bill({})", self.reply.claim_id)
    }
}

impl fmt::Debug for Visit {
    /// Nothing that says who was treated for what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Visit({}, bill: {})", self.id, self.bill.is_some())
    }
}

/// What a card has signed, of which the service has not said yes yet.
struct Deed {
    order: Uuid,
    operation: Operation,
    card: CardId,
    tap: TapId,
    at: Micros,
    made: Instant,
}

#[derive(Default)]
struct Memory {
    /// The newest last.
    visits: VecDeque<Visit>,
    deeds: HashMap<TapId, Deed>,
}

/// See the module. Cheap to clone.
#[derive(Clone, Default)]
pub struct Clinic(Arc<Mutex<Memory>>);

impl fmt::Debug for Clinic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clinic")
    }
}

impl Clinic {
    /// A card has signed something about a visit. What else a card signs is nothing to this desk.
    pub fn signed(&self, order: Uuid, operation: &Operation, (card, tap): (CardId, TapId), at: Micros) {
        let is_of_clinic = matches!(
            operation,
            Operation::ClinicCheckIn(_) | Operation::ClinicSettlement(_) | Operation::ClinicReversal(_)
        );
        if is_of_clinic {
            let (operation, made) = (operation.clone(), Instant::now());
            self.memory().deeds.insert(tap, Deed { order, operation, card, tap, at, made });
        }
    }

    /// The service has accepted it.
    pub fn accepted(&self, tap: TapId) {
        let mut memory = self.memory();
        let Some(Deed { order, operation, card, tap, at, made }) = memory.deeds.remove(&tap) else { return };
        match operation {
            Operation::ClinicCheckIn(check_in) => {
                if memory.visits.len() == MOST {
                    memory.visits.pop_front();
                }
                let benefit = check_in.benefit;
                let visit = Visit { id: order, card, tap, benefit, at, told: None, bill: None, changed: made };
                memory.visits.push_back(visit);
            }
            Operation::ClinicSettlement(settlement) => {
                memory.change_bill(settlement.claim, |bill| bill.settled = Some(settlement));
            }
            Operation::ClinicReversal(reversal) => memory.change_bill(reversal.claim, |bill| bill.is_reversed = true),
            _ => {}
        }
    }

    /// What the service says is covered at a visit.
    pub fn told(&self, id: Uuid, reply: VisitReply) {
        self.change(id, |visit| visit.told = Some(Box::new(reply)));
    }

    /// What a bill comes to: in the place of one that waited, or that was taken back.
    pub fn billed(&self, id: Uuid, typed: Vec<(String, String)>, reply: ClaimReply) {
        self.change(id, |visit| {
            if !visit.bill.as_ref().is_some_and(Bill::stands) {
                visit.bill = Some(Bill { typed, reply: Box::new(reply), settled: None, is_reversed: false });
            }
        });
    }

    /// A visit by the order with which it began.
    pub fn find(&self, id: Uuid) -> Option<Visit> {
        self.memory().visits.iter().find(|visit| visit.id == id).cloned()
    }

    /// The visit of a bill.
    pub fn of_claim(&self, claim: ClaimId) -> Option<Visit> {
        self.memory().visits.iter().find(|visit| visit.claim() == Some(claim)).cloned()
    }

    /// Every visit, the newest first.
    pub fn all(&self) -> Vec<Visit> {
        self.memory().visits.iter().rev().cloned().collect()
    }

    /// Forgets what is long over, as long as the daemon runs.
    pub async fn keep_short(self) {
        let mut looks = tokio::time::interval(LOOKS);
        loop {
            looks.tick().await;
            self.forget(Instant::now());
        }
    }

    fn forget(&self, now: Instant) {
        let mut memory = self.memory();
        memory.visits.retain(|visit| now.duration_since(visit.changed) < LASTS);
        memory.deeds.retain(|_, deed| now.duration_since(deed.made) < LASTS);
    }

    fn change(&self, id: Uuid, change: impl FnOnce(&mut Visit)) {
        if let Some(visit) = self.memory().visits.iter_mut().find(|visit| visit.id == id) {
            change(visit);
            visit.changed = Instant::now();
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().expect("nobody panics while holding this lock")
    }
}

impl Visit {
    /// The bill that was written last.
    pub fn claim(&self) -> Option<ClaimId> {
        self.bill.as_ref().map(|bill| bill.reply.claim_id)
    }
}

impl Memory {
    fn change_bill(&mut self, claim: ClaimId, change: impl FnOnce(&mut Bill)) {
        let visit = self.visits.iter_mut().find(|visit| visit.claim() == Some(claim));
        if let Some((visit, bill)) = visit.and_then(|visit| Some((&mut visit.changed, visit.bill.as_mut()?))) {
            change(bill);
            *visit = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use card_schema::{
        coverage::{Eligibility, Shares},
        money::Fen,
        operation::{
            clinic::{CheckIn, Reversal},
            purse,
        },
    };

    use super::*;

    const CHECK_IN: Operation = Operation::ClinicCheckIn(CheckIn { benefit: Benefit::Outpatient });

    fn card() -> CardId {
        CardId::from_bytes([1; 16])
    }

    fn tap(number: u8) -> TapId {
        TapId([number; 32])
    }

    fn reply(number: u8) -> ClaimReply {
        let shares = Shares { excluded_fen: Fen(300), ..Shares::default() };
        ClaimReply {
            claim_id: ClaimId::from_bytes([number; 16]),
            standing: Eligibility::Never,
            lines: Vec::new(),
            shares,
            account_fen: Fen(0),
            rest_fen: Fen(300),
        }
    }

    fn settlement(claim: u8) -> Settlement {
        let claim = ClaimId::from_bytes([claim; 16]);
        Settlement { claim, fund: Fen(0), account: Fen(0), purse: Fen(0), cash: Fen(300) }
    }

    /// A desk where somebody has checked in.
    fn desk() -> (Clinic, Uuid) {
        let (clinic, id) = (Clinic::default(), Uuid::from_u128(1));
        clinic.signed(id, &CHECK_IN, (card(), tap(1)), Micros(0));
        assert!(clinic.find(id).is_none(), "the service has not said yes");
        clinic.accepted(tap(1));
        (clinic, id)
    }

    fn does(clinic: &Clinic, operation: &Operation, number: u8) {
        clinic.signed(Uuid::from_u128(number.into()), operation, (card(), tap(number)), Micros(0));
        clinic.accepted(tap(number));
    }

    #[test]
    fn a_visit_is_known_from_what_the_service_has_accepted() {
        let (clinic, id) = desk();
        clinic.billed(id, Vec::new(), reply(7));
        clinic.billed(id, Vec::new(), reply(8));
        let claim = |number| ClaimId::from_bytes([number; 16]);
        assert!(clinic.of_claim(claim(7)).is_none(), "the second took its place");
        does(&clinic, &Operation::ClinicSettlement(settlement(8)), 2);
        assert!(clinic.find(id).unwrap().bill.unwrap().stands());
        clinic.billed(id, Vec::new(), reply(9));
        assert!(clinic.of_claim(claim(9)).is_none(), "what was settled is not replaced");
        does(&clinic, &Operation::ClinicReversal(Reversal { claim: claim(8) }), 3);
        assert!(!clinic.of_claim(claim(8)).unwrap().bill.unwrap().stands());
        clinic.billed(id, Vec::new(), reply(9));
        assert!(clinic.of_claim(claim(9)).is_some(), "after it was taken back it is");
        does(&clinic, &Operation::PurseInquiry(purse::Inquiry), 4);
        assert_eq!(clinic.all().len(), 1);
    }

    #[test]
    fn what_is_long_over_and_what_is_too_much_is_forgotten() {
        let (clinic, id) = desk();
        clinic.forget(Instant::now());
        assert!(clinic.find(id).is_some());
        clinic.forget(Instant::now() + LASTS);
        assert!(clinic.find(id).is_none());
        for number in 0..=MOST {
            let (order, tap) = (Uuid::from_u128(number as u128), TapId([number.to_le_bytes()[0]; 32]));
            clinic.signed(order, &CHECK_IN, (card(), tap), Micros(0));
            clinic.accepted(tap);
        }
        assert_eq!((clinic.all().len(), clinic.find(Uuid::from_u128(0)).is_none()), (MOST, true));
    }

    #[test]
    fn what_somebody_was_treated_for_is_in_no_debug_output() {
        let (clinic, id) = desk();
        clinic.billed(id, vec![("diagnosis".to_owned(), "made-up disease".to_owned())], reply(7));
        let shown = format!("{clinic:?} {:?}", clinic.find(id).unwrap());
        assert!(!shown.contains("made-up") && !shown.contains("01010101"), "{shown}");
    }
}
