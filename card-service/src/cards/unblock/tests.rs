//! Unblocking on a real database, with a chip on paper that is torn out at every step.

use card_schema::card::Slot;
use card_schema::ids::{HolderId, TerminalId};
use card_schema::operation::OperationCode;
use card_schema::wire::ProblemType;
use card_schema::wire::issuance::{Observation, ObservationRequest, Step};
use uuid::Uuid;

use super::store;
use super::{Failure, Want, resume, start};
use crate::cards::issuance::management;
use crate::cards::{Bearer, CardState, api::set_state};
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::{self, Registration};
use crate::http::Refusal;
use crate::jobs::{current_step, observe};
use crate::keys::der::ecdsa_signature;
use crate::people::{Staff, StaffRole};
use crate::testing::town::{Signer, TestCard, card_of, terminal_in};
use crate::testing::{Office, office};

/// What a challenge is prefixed with before a card signs it.
const POSSESSION: &[u8] = b"nrc/possession/v1";

/// A holder with a card at a station.
struct Station {
    office: Office,
    clerk: Staff,
    terminal: TerminalId,
    holder: HolderId,
    card: TestCard,
}

/// What the chip keeps, and how often a wrong PUK was tried.
#[derive(Debug)]
struct Chip {
    puk: Vec<u8>,
    wrong: u8,
    pins: u8,
}

impl Station {
    async fn new() -> Self {
        let office = office().await;
        let app = &office.app;
        let clerk = office.member("clerk", StaffRole::Clerk).await;
        let person = Facts::default().with(Field::DocumentNumber, "T1234567").with(Field::Name, "测试甲");
        let holder = residence::register(app, clerk.staff_id, Registration::of(person)).await.unwrap();
        let terminal = terminal_in(&app.db, &OperationCode::ALL).await.id;
        let card = card_of(&app.db, Bearer::Holder(holder), CardState::Active).await;
        Self { office, clerk, terminal, holder, card }
    }

    fn puk(&self, generation: u32) -> Vec<u8> {
        management::puk(&*self.office.app.keys, self.card.id, generation).unwrap().to_vec()
    }

    fn chip(&self) -> Chip {
        Chip { puk: self.puk(0), wrong: 0, pins: 0 }
    }

    async fn start(&self) -> Result<Uuid, Refusal> {
        start(&self.office.app, self.clerk.staff_id, self.holder, self.card.id, self.terminal).await
    }

    fn perform(&self, chip: &mut Chip, step: &Step, key: &Signer) -> Observation {
        let wrong = |chip: &mut Chip| {
            chip.wrong += 1;
            Observation::CardError { status_word: 0x63C2, doing: "test".to_owned() }
        };
        match step {
            Step::ReadCard => Observation::Card {
                reader: "test".to_owned(),
                card_id: Some(self.card.id),
                pin_tries: Some(0),
                puk_tries: Some(3 - chip.wrong),
                management: None,
                factory_management_key: None,
            },
            Step::ProvePossession { challenge, .. } => {
                let signature = key.sign(&[POSSESSION, &challenge.0].concat());
                Observation::Signature { der: ecdsa_signature(&signature).into() }
            }
            Step::UnblockPin { puk } if puk.0 == chip.puk => {
                chip.pins += 1;
                Observation::Done
            }
            Step::SetPuk { old, new } if old.0 == chip.puk => {
                chip.puk.clone_from(&new.0);
                Observation::Done
            }
            Step::UnblockPin { .. } | Step::SetPuk { .. } => wrong(chip),
            other => panic!("{other:?} is no step of an unblocking"),
        }
    }

    /// Carries the job of the terminal to its end; the chip is torn out after one of the steps was done.
    async fn carry_out(&self, chip: &mut Chip, torn_at: Option<u32>) -> Step {
        let mut job = current_step(&self.office.app, self.terminal).await.unwrap().unwrap();
        loop {
            let (number, step) = (job.step.number, &job.step.step);
            if matches!(step, Step::Finished | Step::Failed { .. }) {
                return job.step.step;
            }
            assert!(number < 40, "goes in circles at {step:?}");
            let mut observation = self.perform(chip, step, self.card.key(Slot::Tap));
            if torn_at == Some(number) {
                observation = Observation::CardRemoved;
            }
            let request = ObservationRequest { number, observation };
            job.step = observe(&self.office.app, self.terminal, job.job_id, request).await.unwrap();
        }
    }

    async fn asked(&self, id: Uuid) -> Want {
        store::one(&mut self.office.app.db.read().await.unwrap(), id).await.unwrap().unwrap().journal.asked
    }
}

#[tokio::test]
async fn a_used_puk_is_replaced_at_once_wherever_the_card_is_torn_out() {
    for torn_at in [None, Some(0), Some(1), Some(2), Some(3)] {
        let station = Station::new().await;
        let mut chip = station.chip();
        station.start().await.unwrap();
        let end = station.carry_out(&mut chip, torn_at).await;
        assert!(matches!(end, Step::Finished), "{torn_at:?}: {end:?}");
        assert!(chip.pins >= 1 && chip.puk == station.puk(1), "{torn_at:?}: {chip:?}");
        assert!(chip.wrong <= 1, "{torn_at:?}: a wrong one is tried once at most");
        // The next time another one still.
        station.start().await.unwrap();
        assert!(matches!(station.carry_out(&mut chip, None).await, Step::Finished));
        assert_eq!(chip.puk, station.puk(2), "{torn_at:?}");
        assert!(current_step(&station.office.app, station.terminal).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_copy_of_a_card_gets_no_puk() {
    let station = Station::new().await;
    let id = station.start().await.unwrap();
    let app = &station.office.app;
    let mut job = current_step(app, station.terminal).await.unwrap().unwrap();
    let (mut chip, copy) = (station.chip(), Signer::new());
    for _ in 0..2 {
        let observation = station.perform(&mut chip, &job.step.step, &copy);
        let request = ObservationRequest { number: job.step.number, observation };
        job.step = observe(app, station.terminal, job.job_id, request).await.unwrap();
    }
    assert!(matches!(job.step.step, Step::Failed { .. }), "{:?}", job.step.step);
    assert_eq!(station.asked(id).await, Want::Failed { failure: Failure::NoPossession });
    assert_eq!(resume(app, id).await.unwrap_err().kind(), ProblemType::Conflict);
}

#[tokio::test]
async fn a_card_that_is_reported_lost_meanwhile_gets_no_pin_and_one_that_is_lost_cannot_begin() {
    let station = Station::new().await;
    let app = &station.office.app;
    let id = station.start().await.unwrap();
    let begun = current_step(app, station.terminal).await.unwrap().unwrap().step;
    set_state(app, station.clerk.staff_id, station.card.id, CardState::Lost, "test".to_owned()).await.unwrap();
    assert!(current_step(app, station.terminal).await.unwrap().is_none(), "the reader is free");
    let seen = station.perform(&mut station.chip(), &begun.step, station.card.key(Slot::Tap));
    let request = ObservationRequest { number: begun.number, observation: seen };
    let heard = observe(app, station.terminal, id, request).await.unwrap();
    assert!(matches!(heard.step, Step::Failed { .. }));
    assert_eq!(station.asked(id).await, Want::Failed { failure: Failure::NotInUse });
    assert_eq!(station.start().await.unwrap_err().kind(), ProblemType::Conflict);
    let stranger = HolderId::new(station.holder.shard(), [9; 16]);
    let of_another = start(app, station.clerk.staff_id, stranger, station.card.id, station.terminal).await;
    assert_eq!(of_another.unwrap_err().kind(), ProblemType::NotFound);
}

#[tokio::test]
async fn one_that_has_stopped_is_taken_up_again_and_not_begun_beside() {
    let station = Station::new().await;
    let app = &station.office.app;
    let id = station.start().await.unwrap();
    let job = current_step(app, station.terminal).await.unwrap().unwrap();
    let request = ObservationRequest { number: 0, observation: Observation::Declined };
    let stranger = terminal_in(&app.db, &OperationCode::ALL).await.id;
    let refused = observe(app, stranger, job.job_id, request.clone()).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemType::NotFound, "it is not that terminal's job");
    observe(app, station.terminal, job.job_id, request).await.unwrap();
    assert_eq!(station.asked(id).await, Want::Failed { failure: Failure::Declined });
    resume(app, id).await.unwrap();
    assert_eq!(resume(app, id).await.unwrap_err().kind(), ProblemType::Conflict, "it goes on");
    assert_eq!(station.start().await.unwrap(), id);
    let mut chip = station.chip();
    assert!(matches!(station.carry_out(&mut chip, None).await, Step::Finished));
    assert_eq!(chip.puk, station.puk(1));
}
