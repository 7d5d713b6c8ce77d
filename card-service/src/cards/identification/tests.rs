//! Identifying a card against a real database, with a chip on paper.

use card_schema::card::Slot;
use card_schema::ids::{CardId, TerminalId};
use card_schema::operation::OperationCode;
use card_schema::wire::ProblemType;
use card_schema::wire::issuance::{Observation, ObservationRequest, Step};

use super::{Failure, Progress, look, start};
use crate::cards::Bearer;
use crate::cards::CardState;
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::{self, Registration};
use crate::jobs::{current_step, observe};
use crate::keys::der::ecdsa_signature;
use crate::people::{Staff, StaffRole};
use crate::testing::town::{Signer, TestCard, card_of, terminal_in};
use crate::testing::{Office, office};

/// What a challenge is prefixed with before a card signs it.
const POSSESSION: &[u8] = b"nrc/possession/v1";

/// A card at a station.
struct Station {
    office: Office,
    clerk: Staff,
    terminal: TerminalId,
    card: TestCard,
}

impl Station {
    async fn new() -> Self {
        let office = office().await;
        let clerk = office.member("clerk", StaffRole::Clerk).await;
        let terminal = terminal_in(&office.app.db, &OperationCode::ALL).await.id;
        let person = Facts::default().with(Field::DocumentNumber, "T1234567").with(Field::Name, "测试甲");
        let holder = residence::register(&office.app, clerk.staff_id, Registration::of(person)).await.unwrap();
        let card = card_of(&office.app.db, Bearer::Holder(holder), CardState::Lost).await;
        Self { office, clerk, terminal, card }
    }

    fn read(card_id: Option<CardId>) -> Observation {
        Observation::Card {
            reader: "test".to_owned(),
            card_id,
            pin_tries: Some(3),
            puk_tries: None,
            management: None,
            factory_management_key: None,
        }
    }

    /// Answers the present step of the terminal's job with what a chip with this key would.
    async fn answer(&self, card_id: Option<CardId>, key: &Signer) -> Step {
        let job = current_step(&self.office.app, self.terminal).await.unwrap().unwrap();
        let observation = match &job.step.step {
            Step::ReadCard => Self::read(card_id),
            Step::ProvePossession { challenge, .. } => {
                let signature = key.sign(&[POSSESSION, &challenge.0].concat());
                Observation::Signature { der: ecdsa_signature(&signature).into() }
            }
            other => panic!("{other:?} is no step of an identification"),
        };
        let request = ObservationRequest { number: job.step.number, observation };
        observe(&self.office.app, self.terminal, job.job_id, request).await.unwrap().step
    }
}

#[tokio::test]
async fn a_card_is_found_whatever_its_state_by_a_signature_and_not_by_its_number() {
    let station = Station::new().await;
    let app = &station.office.app;
    let (own, copy) = (station.card.key(Slot::Tap), &Signer::new());
    for (key, expected) in [(own, Progress::Found(station.card.id)), (copy, Progress::Failed(Failure::NoPossession))] {
        let id = start(app, station.clerk.staff_id, station.terminal).await.unwrap();
        assert_eq!(look(app, station.clerk.staff_id, id).unwrap().progress, Progress::WaitsForCard);
        station.answer(Some(station.card.id), key).await;
        assert_eq!(look(app, station.clerk.staff_id, id).unwrap().progress, Progress::Running);
        station.answer(Some(station.card.id), key).await;
        assert_eq!(look(app, station.clerk.staff_id, id).unwrap().progress, expected);
        assert!(current_step(app, station.terminal).await.unwrap().is_none(), "the reader is free again");
    }
}

#[tokio::test]
async fn a_blank_card_and_one_of_another_office_are_told_from_ours() {
    let station = Station::new().await;
    let app = &station.office.app;
    let strange = CardId::new(77, station.card.id.shard(), [9; 16]);
    for card_id in [None, Some(strange)] {
        let id = start(app, station.clerk.staff_id, station.terminal).await.unwrap();
        assert!(matches!(station.answer(card_id, &Signer::new()).await, Step::Failed { .. }));
        assert_eq!(look(app, station.clerk.staff_id, id).unwrap().progress, Progress::Failed(Failure::NotOurs));
    }
}

#[tokio::test]
async fn only_who_asked_sees_the_answer_and_only_the_terminal_that_was_asked_gives_it() {
    let station = Station::new().await;
    let app = &station.office.app;
    let other = station.office.member("other", StaffRole::Clerk).await;
    let elsewhere = terminal_in(&app.db, &OperationCode::ALL).await.id;
    let id = start(app, station.clerk.staff_id, station.terminal).await.unwrap();
    assert_eq!(look(app, other.staff_id, id).unwrap_err().kind(), ProblemType::NotFound);
    assert!(current_step(app, elsewhere).await.unwrap().is_none());
    let forged = ObservationRequest { number: 0, observation: Station::read(Some(station.card.id)) };
    assert_eq!(observe(app, elsewhere, id, forged.clone()).await.unwrap_err().kind(), ProblemType::NotFound);
    let early = ObservationRequest { number: 1, ..forged.clone() };
    assert_eq!(observe(app, station.terminal, id, early).await.unwrap_err().kind(), ProblemType::Conflict);
    // A reply that was lost is given again, and the same observation twice is one.
    let first = observe(app, station.terminal, id, forged.clone()).await.unwrap();
    let again = observe(app, station.terminal, id, forged).await.unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), serde_json::to_value(&first).unwrap());
}

#[tokio::test]
async fn who_asks_anew_gives_up_what_was_asked_before() {
    let station = Station::new().await;
    let app = &station.office.app;
    let first = start(app, station.clerk.staff_id, station.terminal).await.unwrap();
    let second = start(app, station.clerk.staff_id, station.terminal).await.unwrap();
    assert_eq!(look(app, station.clerk.staff_id, first).unwrap_err().kind(), ProblemType::NotFound);
    assert_eq!(current_step(app, station.terminal).await.unwrap().unwrap().job_id, second);
}
