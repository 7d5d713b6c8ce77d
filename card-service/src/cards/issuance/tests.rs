//! Issuing over a real database, with a chip on paper that has real keys and ciphers: what `simulation` cannot show.

use std::collections::BTreeMap;
use std::sync::Arc;

use card_schema::card::{ObjectTag, Slot, tlv};
use card_schema::envelope::Kid;
use card_schema::envelope::receipt::Outcome;
use card_schema::envelope::status_list::{CardStatus, SignedToken, StatusList};
use card_schema::envelope::tap::Tap;
use card_schema::ids::{CardId, HolderId};
use card_schema::operation::Operation;
use card_schema::operation::registration::Consent;
use card_schema::wire::issuance::{KeySlot, ManagementAlgorithm, NumberedStep, Observation, ObservationRequest, Step};
use card_schema::wire::{Bytes, ProblemType};
use ring::rand::SystemRandom;
use rustls::pki_types::CertificateDer;
use tokio::sync::watch;
use uuid::Uuid;

mod replacement;

use super::api::{IssuanceReply, Progress, WaitingFor, look};
use super::management::ManagementKey;
use super::{current_step, resume, start};
use crate::app::{App, Parts};
use crate::cards::identification::Identifications;
use crate::cards::{self, Bearer, CardState, api::set_state, status::StatusLists};
use crate::config::{Config, Overrides};
use crate::consent::Text;
use crate::domains::residence;
use crate::domains::residence::Registration;
use crate::domains::residence::model::{Facts, Field};
use crate::domains::transit::import::Recalled;
use crate::domains::transit::pack::Packs;
use crate::domains::transit::waiting::Uploads;
use crate::i18n::Locale;
use crate::jobs::{Hub, observe};
use crate::keys::der::ecdsa_signature;
use crate::keys::pki::Authorities;
use crate::people::StaffId;
use crate::people::card_sign_in::SignIns;
use crate::people::limits::{CheckLimits, SignInLimits, StrangerLimits};
use crate::terminals::heard::Heard;
use crate::testing::town::{START, Signed, Signer, TestTerminal, Town, clerk_in, random};

/// A station on paper: the service's shared parts over a town's database.
struct Station {
    town: Town,
    authorities: Authorities,
    app: App,
    terminal: TestTerminal,
    clerk: StaffId,
}

impl Station {
    async fn new() -> Self {
        let town = Town::new().await;
        let authorities = Authorities::issue(&*town.keys, START).unwrap();
        let app = app(&town, &authorities);
        let terminal = town.terminal().await;
        let clerk = clerk_in(&town.scratch.db).await;
        Self { town, authorities, app, terminal, clerk }
    }

    /// The service stops and starts: nothing is left but the database.
    fn restart(&mut self) {
        self.app = app(&self.town, &self.authorities);
    }

    async fn issue(&self) -> (CardId, Uuid) {
        let holder = self.newcomer().await;
        self.issue_to(holder).await
    }

    async fn newcomer(&self) -> HolderId {
        let number = format!("T{}", Uuid::from_bytes(random()).simple().to_string().split_at(10).0);
        let person = Facts::default().with(Field::Name, "测试甲").with(Field::DocumentNumber, number);
        residence::register(&self.app, self.clerk, Registration::of(person)).await.unwrap()
    }

    async fn issue_to(&self, holder: HolderId) -> (CardId, Uuid) {
        start(&self.app, self.clerk, Bearer::Holder(holder), Locale::En, self.terminal.id, None).await.unwrap()
    }

    async fn state(&self, card: CardId) -> CardState {
        let mut connection = self.town.scratch.db.read().await.unwrap();
        cards::store::one(&mut connection, card).await.unwrap().unwrap().state
    }

    /// The status list as it would be signed now.
    async fn listed(&self) -> StatusList {
        let lists = StatusLists::new(Arc::clone(&self.town.keys), "https://station.test");
        let signed = lists.list(&self.town.scratch.db, self.app.now()).await.unwrap();
        SignedToken::decode(&signed.token).unwrap().claims
    }

    /// How often terminals were told something else of a card.
    async fn changes(&self) -> i64 {
        self.town.number("SELECT COUNT(*) FROM status_change").await
    }

    async fn answer(&self, job: Uuid, number: u32, observation: &Observation) -> NumberedStep {
        let request = ObservationRequest { number, observation: observation.clone() };
        let next = observe(&self.app, self.terminal.id, job, request.clone()).await.unwrap();
        let again = observe(&self.app, self.terminal.id, job, request).await.unwrap();
        assert_eq!((again.number, again.expected), (next.number, next.expected));
        assert_eq!(std::mem::discriminant(&again.step), std::mem::discriminant(&next.step));
        next
    }

    /// Carries a job to its end; the card is torn out at one step, and the service started anew at each.
    async fn carry_out(&mut self, chip: &mut Chip, job: Uuid, torn_at: Option<u32>) -> Step {
        let mut next = current_step(&self.app, self.terminal.id).await.unwrap().unwrap();
        assert_eq!(next.job_id, job);
        loop {
            if matches!(next.step.step, Step::Finished | Step::Failed { .. }) {
                assert!(current_step(&self.app, self.terminal.id).await.unwrap().is_none());
                return next.step.step;
            }
            assert!(next.step.number < 80, "goes in circles at {:?}", next.step);
            let mut seen = chip.perform(&next.step.step);
            if torn_at == Some(next.step.number) {
                chip.authenticated = false;
                seen = Observation::CardRemoved;
            }
            self.restart();
            next.step = self.answer(job, next.step.number, &seen).await;
        }
    }

    async fn consent(&mut self, card: CardId, chip: &Chip) -> Outcome {
        let signed = self.agree(card, chip, Text::find(1, Locale::En).unwrap());
        self.town.submit(&self.terminal, &[signed]).await[0].outcome
    }

    /// The card signs that its holder agrees to a text.
    fn agree(&mut self, card: CardId, chip: &Chip, text: Text) -> Signed {
        let consent = Operation::RegistrationConsent(Consent { text: text.hash() });
        let tap = Tap { card: Some(card), ..self.terminal.next(None, consent) };
        self.terminal.sign(&tap, chip.key(KeySlot::Approve), Kid::Card(Slot::Approve))
    }

    /// Carries a job on until the holder is asked to agree. Answers the number of that step and the text.
    async fn until_consent(&self, chip: &mut Chip, job: Uuid) -> (u32, String) {
        let mut next = current_step(&self.app, self.terminal.id).await.unwrap().unwrap().step;
        loop {
            if let Step::Consent { text, .. } = next.step {
                return (next.number, text);
            }
            let seen = chip.perform(&next.step);
            next = self.answer(job, next.number, &seen).await;
        }
    }

    /// What the office is told.
    async fn look(&self, job: Uuid) -> IssuanceReply {
        let mut connection = self.town.scratch.db.read().await.unwrap();
        look(&mut connection, job).await.unwrap().reply()
    }
}

fn app(town: &Town, authorities: &Authorities) -> App {
    let settings = [("CARD_SERVICE_DATA_DIR", "/nowhere"), ("CARD_SERVICE_PUBLIC__LISTEN", "127.0.0.1:0")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    App::new(Parts {
        db: town.scratch.db.clone(),
        keys: Arc::clone(&town.keys),
        authorities: authorities.clone(),
        config: Config::load(None, &settings, &Overrides::default()).unwrap(),
        identifications: Identifications::default(),
        sign_ins: SignIns::default(),
        counted: crate::domains::residence::map::Counted::default(),
        jobs: Hub::default(),
        heard: Heard::default(),
        sign_in_limits: SignInLimits::default(),
        check_limits: CheckLimits::default(),
        stranger_limits: StrangerLimits::default(),
        random: SystemRandom::new(),
        metrics: None,
        log_key: String::new(),
        public_url: "https://localhost:8443".to_owned(),
        status_lists: StatusLists::new(Arc::clone(&town.keys), "https://station.test"),
        fares: Recalled::default(),
        fare_packs: Packs::new(Arc::clone(&town.keys)),
        fare_uploads: Uploads::default(),
        scheme: crate::domains::social_security::scheme::Scheme::beijing(),
        coverage: crate::domains::clinic::coverage::city::Coverage::beijing(),
        contributions: tokio::sync::Notify::new(),
        terminals_url: "https://station.test".to_owned(),
        stopping: watch::channel(false).1,
    })
}

/// A chip with real keys and ciphers, in factory state.
struct Chip {
    id: CardId,
    management: (ManagementAlgorithm, Vec<u8>),
    witness: Vec<u8>,
    authenticated: bool,
    puk: Vec<u8>,
    has_factory_pin: bool,
    keys: [(KeySlot, Option<Signer>); 3],
    objects: BTreeMap<u32, Vec<u8>>,
}

impl Chip {
    fn blank() -> Self {
        Self {
            // A factory writes a random one.
            id: CardId(Uuid::from_bytes(random())),
            management: (ManagementAlgorithm::TripleDes, [1, 2, 3, 4, 5, 6, 7, 8].repeat(3)),
            witness: Vec::new(),
            authenticated: false,
            puk: b"12345678".to_vec(),
            has_factory_pin: true,
            keys: [KeySlot::SignIn, KeySlot::Approve, KeySlot::Tap].map(|slot| (slot, None)),
            objects: BTreeMap::new(),
        }
    }

    fn key(&self, slot: KeySlot) -> &Signer {
        self.keys.iter().find(|(of, _)| *of == slot).and_then(|(_, key)| key.as_ref()).unwrap()
    }

    fn management(&self) -> ManagementKey {
        ManagementKey::new(self.management.0, &self.management.1)
    }

    fn perform(&mut self, step: &Step) -> Observation {
        let error = |status_word| Observation::CardError { status_word, doing: "test".to_owned() };
        match step {
            Step::ReadCard => {
                self.authenticated = false;
                Observation::Card {
                    reader: "Test Reader".to_owned(),
                    card_id: Some(self.id),
                    pin_tries: None,
                    puk_tries: None,
                    management: None,
                    factory_management_key: None,
                }
            }
            Step::ManagementWitness { algorithm } if *algorithm != self.management.0 => error(0x6A86),
            Step::ManagementWitness { .. } => {
                self.witness = random::<16>()[..self.management().block_bytes()].to_vec();
                let witness = self.management().encrypt(&self.witness).unwrap();
                Observation::ManagementWitness { witness: Bytes(witness.to_vec()) }
            }
            Step::ManagementRespond { witness, .. } if witness.0 != self.witness => error(0x6982),
            Step::ManagementRespond { challenge, .. } => {
                self.authenticated = true;
                let response = self.management().encrypt(&challenge.0).unwrap();
                Observation::ManagementResponse { response: Bytes(response.to_vec()) }
            }
            Step::SetPuk { old, new } if old.0 == self.puk => {
                self.puk = new.0.clone();
                Observation::Done
            }
            Step::SetPin if self.has_factory_pin => {
                self.has_factory_pin = false;
                Observation::Done
            }
            Step::SetPuk { .. } | Step::SetPin | Step::UnblockPin { .. } => error(0x63C2),
            Step::TryFactoryPin => Observation::FactoryPin { refused: !self.has_factory_pin },
            Step::ProvePossession { slot, challenge } => {
                let signature = self.key(*slot).sign(&[b"nrc/possession/v1", challenge.0.as_slice()].concat());
                Observation::Signature { der: Bytes(ecdsa_signature(&signature)) }
            }
            Step::Consent { .. } => Observation::Consent { tap_id: card_schema::ids::TapId::NONE },
            Step::Reset => {
                *self = Self::blank();
                Observation::Done
            }
            Step::Finished | Step::Failed { .. } => panic!("nothing is left to be done: {step:?}"),
            _ if !self.authenticated => error(0x6982),
            Step::SetManagementKey { algorithm, key } => {
                self.management = (*algorithm, key.0.clone());
                Observation::Done
            }
            Step::GenerateKey { slot } => {
                let key = Signer::new();
                let point = Bytes(key.public().as_sec1().to_vec());
                self.keys.iter_mut().find(|(of, _)| of == slot).unwrap().1 = Some(key);
                Observation::PublicKey { point }
            }
            Step::PutObject { tag, data } => {
                if ObjectTag(*tag) == ObjectTag::CHUID {
                    self.id = card_schema::card::Chuid::decode(&data.0).unwrap().guid;
                }
                self.objects.insert(*tag, data.0.clone());
                Observation::Done
            }
        }
    }
}

#[tokio::test]
async fn an_issued_card_is_complete_and_becomes_active_by_its_holders_consent_alone() {
    let mut station = Station::new().await;
    let (card, job) = station.issue().await;
    let mut chip = Chip::blank();
    assert!(matches!(station.carry_out(&mut chip, job, None).await, Step::Finished));
    assert_eq!(chip.id, card);
    assert!(chip.management.0 == ManagementAlgorithm::Aes256 && chip.puk != b"12345678" && !chip.has_factory_pin);
    let tags = [0x5F_C101, 0x5F_C102, 0x5F_C105, 0x5F_C106, 0x5F_C107, 0x5F_C109, 0x5F_C10A];
    assert_eq!(chip.objects.keys().copied().collect::<Vec<_>>(), tags);
    for (tag, slot) in [(0x5F_C105, 0), (0x5F_C10A, 1), (0x5F_C101, 2)] {
        let der = CertificateDer::from(tlv::find(&chip.objects[&tag], 0x70).unwrap().to_vec());
        let key = chip.keys[slot].1.as_ref().unwrap().public();
        assert!(der.windows(65).any(|window| window == key.as_sec1()), "the certificate is for the chip's key");
    }
    assert_eq!(station.state(card).await, CardState::Personalised);
    assert_eq!(station.consent(card, &chip).await, Outcome::Accepted);
    assert_eq!(station.state(card).await, CardState::Active);
}

#[tokio::test]
async fn a_card_torn_out_at_any_step_is_finished_over_a_service_that_restarts_each_time() {
    let mut station = Station::new().await;
    for torn_at in 0..super::journal::STEPS_EXPECTED {
        let (card, job) = station.issue().await;
        let mut chip = Chip::blank();
        let end = station.carry_out(&mut chip, job, Some(torn_at)).await;
        assert!(matches!(end, Step::Finished), "torn at {torn_at}: {end:?}");
        assert_eq!((chip.id, chip.objects.len()), (card, 7), "torn at {torn_at}");
        assert_eq!(station.consent(card, &chip).await, Outcome::Accepted, "torn at {torn_at}");
    }
}

#[tokio::test]
async fn only_the_terminal_that_has_the_job_may_speak_to_it_and_only_of_its_present_step() {
    let station = Station::new().await;
    let (_, job) = station.issue().await;
    let stranger = station.town.terminal().await;
    assert!(current_step(&station.app, stranger.id).await.unwrap().is_none());
    let request = |number| ObservationRequest { number, observation: Observation::Done };
    let refused = observe(&station.app, stranger.id, job, request(0)).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemType::NotFound);
    let refused = observe(&station.app, station.terminal.id, job, request(7)).await.unwrap_err();
    assert_eq!(refused.kind(), ProblemType::Conflict);
}

#[tokio::test]
async fn the_holder_reads_the_text_in_the_language_that_was_chosen_and_the_service_keeps_which_one() {
    let station = Station::new().await;
    let (card, job) = station.issue().await;
    let (_, text) = station.until_consent(&mut Chip::blank(), job).await;
    assert_eq!(text, Text::find(1, Locale::En).unwrap().words());
    let mut connection = station.town.scratch.db.read().await.unwrap();
    let kept = cards::consent::store::newest(&mut connection, card).await.unwrap().unwrap();
    assert_eq!((kept.text, kept.hash), (Text::find(1, Locale::En).unwrap(), Text::find(1, Locale::En).unwrap().hash()));
}

#[tokio::test]
async fn a_consent_that_was_refused_is_asked_for_again_and_then_activates_the_card() {
    let mut station = Station::new().await;
    let (card, job) = station.issue().await;
    let mut chip = Chip::blank();
    let (step, _) = station.until_consent(&mut chip, job).await;
    let other = station.agree(card, &chip, Text::find(1, Locale::ZhCn).unwrap());
    let end = station.answer(job, step, &Observation::Consent { tap_id: other.id }).await;
    assert!(matches!(end.step, Step::Finished));
    assert_eq!(station.look(job).await.waiting_for, Some(WaitingFor::ConsentTap));
    let outcomes = station.town.submit(&station.terminal, &[other]).await;
    assert_eq!(outcomes[0].outcome, Outcome::WrongText);
    assert_eq!(station.state(card).await, CardState::Personalised);
    let waiting = station.look(job).await;
    assert_eq!((waiting.state, waiting.waiting_for), (Progress::Waiting, Some(WaitingFor::Resume)));
    let reason = waiting.reason.unwrap();
    assert!(reason.contains("确认的不是所发文本") && reason.contains("Agreed to another text"), "{reason}");

    resume(&station.app, job).await.unwrap();
    let (step, _) = station.until_consent(&mut chip, job).await;
    assert_eq!(station.look(job).await.waiting_for, Some(WaitingFor::Consent));
    let right = station.agree(card, &chip, Text::find(1, Locale::En).unwrap());
    station.answer(job, step, &Observation::Consent { tap_id: right.id }).await;
    assert_eq!(
        station.look(job).await.waiting_for,
        Some(WaitingFor::ConsentTap),
        "the refused one is not the answer any more"
    );
    let outcomes = station.town.submit(&station.terminal, &[right]).await;
    assert_eq!(outcomes[0].outcome, Outcome::Accepted);
    assert_eq!((station.state(card).await, station.look(job).await.state), (CardState::Active, Progress::Finished));
    assert_eq!(resume(&station.app, job).await.unwrap_err().kind(), ProblemType::Conflict);
}

#[tokio::test]
async fn a_consent_before_the_card_is_complete_activates_nothing() {
    let mut station = Station::new().await;
    let (card, job) = station.issue().await;
    let mut chip = Chip::blank();
    let mut next = current_step(&station.app, station.terminal.id).await.unwrap().unwrap().step;
    while !matches!(next.step, Step::PutObject { tag, .. } if tag == ObjectTag::SECURITY.0) {
        let seen = chip.perform(&next.step);
        next = station.answer(job, next.number, &seen).await;
    }
    assert_ne!(station.consent(card, &chip).await, Outcome::Accepted);
    assert_eq!(station.state(card).await, CardState::Personalising);
}

#[tokio::test]
async fn a_key_that_another_card_has_made_ends_the_issuance_and_wipes_the_chip() {
    let mut station = Station::new().await;
    let known = station.town.card().await;
    let (card, job) = station.issue().await;
    let mut chip = Chip::blank();
    let mut next = current_step(&station.app, station.terminal.id).await.unwrap().unwrap().step;
    while !matches!(next.step, Step::GenerateKey { .. }) {
        let seen = chip.perform(&next.step);
        next = station.answer(job, next.number, &seen).await;
    }
    let point = Bytes(known.key(Slot::Tap).public().as_sec1().to_vec());
    next = station.answer(job, next.number, &Observation::PublicKey { point }).await;
    assert!(matches!(next.step, Step::Reset));
    let end = station.carry_out(&mut chip, job, None).await;
    assert!(matches!(end, Step::Failed { reset: true, .. }));
    assert!(chip.objects.is_empty());
    assert_eq!(station.state(card).await, CardState::Abandoned);
}

#[tokio::test]
async fn terminals_learn_each_change_of_state_at_once_and_the_lists_version_never_goes_back() {
    let mut station = Station::new().await;
    let (card, job) = station.issue().await;
    let mut chip = Chip::blank();
    station.carry_out(&mut chip, job, None).await;
    let by_hand = set_state(&station.app, station.clerk, card, CardState::Active, "test".to_owned()).await.unwrap_err();
    assert_eq!(by_hand.kind(), ProblemType::Conflict, "only the holder's consent makes a new card active");
    station.consent(card, &chip).await;
    let mut newest = 0;
    for (state, expected) in [
        (CardState::Suspended, CardStatus::Suspended),
        (CardState::Active, CardStatus::Valid),
        (CardState::Lost, CardStatus::Invalid),
    ] {
        set_state(&station.app, station.clerk, card, state, "test".to_owned()).await.unwrap();
        station.restart();
        let list = station.listed().await;
        assert!(list.version > newest, "{} after {newest}", list.version);
        assert_eq!(list.statuses.get(card.status_index()), expected, "{state:?}");
        newest = list.version;
        set_state(&station.app, station.clerk, card, state, "test".to_owned()).await.unwrap();
        assert_eq!(station.listed().await.version, newest, "the same state again is no change");
    }
}
