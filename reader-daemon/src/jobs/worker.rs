//! One job's hands: the reader, the open transaction, the holder's PIN while the job lasts. One function a step.

use std::{mem, time::Duration};

use card_schema::{
    card::{ObjectTag, Slot},
    ids::CardId,
    operation::{Operation, registration},
    wire::issuance::{KeySlot, ManagementAlgorithm, Observation, Step},
};
use ring::{
    digest,
    rand::{SecureRandom as _, SystemRandom},
};
use tokio::{runtime::Handle, sync::OwnedMutexGuard};

use super::Jobs;
use crate::{
    card::readers::Session,
    local::wire::{PromptAnswer, PromptKind},
    piv::{
        AnyLink, Pin, PivCard, PivError, Puk, Reason, Refused as CardRefused,
        change_reference_data::PUK_REFERENCE,
        management::{self, ManagementKey},
        verify::PinState,
    },
    tap::{Ask, Line, TapError},
};

/// How long one step may take at the card; making a key takes seconds on real cards.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the card or an answer is waited for before the service hears of it.
const PERSON_TIMEOUT: Duration = Duration::from_mins(10);
/// How long a card that was lost may lie there before it is tried again, and a reader be away before anybody hears of it.
const SETTLE: Duration = Duration::from_secs(1);
/// What a challenge is prefixed with before a card signs it, so that the signature can serve nothing else.
const POSSESSION: &[u8] = b"nrc/possession/v1";
/// What a management key may be.
const ALGORITHMS: [ManagementAlgorithm; 4] = [
    ManagementAlgorithm::TripleDes,
    ManagementAlgorithm::Aes128,
    ManagementAlgorithm::Aes192,
    ManagementAlgorithm::Aes256,
];
/// ISO 7816-4: no precise diagnosis. For answers that break the standard.
const SW_UNKNOWN: u16 = 0x6F00;

/// Carries out the steps of one job.
pub(super) struct Worker<'a> {
    jobs: &'a Jobs,
    wanted: Option<String>,
    reader: Option<String>,
    /// The reader was not there when it was looked for last, and the service has heard so.
    is_reader_gone: bool,
    /// The open transaction: from reading the card until it is lost. What was authenticated in it holds.
    session: Option<Session>,
    /// Keeps taps from this reader while the job has it.
    line: Option<OwnedMutexGuard<Line>>,
    /// The holder's PIN, so that it is typed once a job. Wiped with the worker.
    pin: Option<Pin>,
}

/// Why a step ends without its own observation.
enum Stop {
    Lost,
    Declined,
    Error(u16, String),
}

impl From<PivError> for Stop {
    fn from(error: PivError) -> Self {
        match error {
            PivError::Link(_) => Self::Lost,
            PivError::Refused(CardRefused { command, status, .. }) => Self::Error(status.0, command.to_string()),
            PivError::Malformed { .. } => Self::Error(SW_UNKNOWN, error.to_string()),
        }
    }
}

impl<'a> Worker<'a> {
    pub(super) fn new(jobs: &'a Jobs, wanted: Option<String>) -> Self {
        Self { jobs, wanted, reader: None, is_reader_gone: false, session: None, line: None, pin: None }
    }

    /// Does one step and says what was seen.
    pub(super) async fn carry_out(&mut self, step: Step) -> Observation {
        let seen = match step {
            Step::ReadCard => self.read_card().await,
            // After a restart the card has to be read before anything else is done with it.
            _ if self.session.is_none() => Err(Stop::Lost),
            step => self.with_card_there(step).await,
        };
        match seen {
            Ok(observation) => observation,
            Err(Stop::Declined) => Observation::Declined,
            Err(Stop::Error(status_word, doing)) => Observation::CardError { status_word, doing },
            Err(Stop::Lost) => {
                self.session = None;
                Observation::CardRemoved
            }
        }
    }

    async fn with_card_there(&mut self, step: Step) -> Result<Observation, Stop> {
        match step {
            Step::ManagementWitness { algorithm } => {
                let witness = self.card(move |card| card.management_witness(algorithm)).await?;
                Ok(Observation::ManagementWitness { witness: witness.into() })
            }
            Step::ManagementRespond { algorithm, witness, challenge } => {
                let respond =
                    move |card: &mut PivCard<AnyLink<'_>>| card.management_respond(algorithm, &witness.0, &challenge.0);
                Ok(Observation::ManagementResponse { response: self.card(respond).await?.into() })
            }
            Step::SetManagementKey { algorithm, key } => {
                let key = ManagementKey::new(algorithm, &key.0).map_err(malformed)?;
                self.done(move |card| card.set_management_key(&key)).await
            }
            Step::SetPuk { old, new } => {
                let (old, new) =
                    (Puk::from_bytes(&old.0).map_err(malformed)?, Puk::from_bytes(&new.0).map_err(malformed)?);
                self.done(move |card| card.change_puk(&old, &new)).await
            }
            Step::GenerateKey { slot } => {
                let point = self.card(move |card| card.generate_key(slot.into())).await?;
                Ok(Observation::PublicKey { point: point.to_vec().into() })
            }
            Step::PutObject { tag, data } => self.done(move |card| card.put_data(ObjectTag(tag), &data.0)).await,
            Step::SetPin => self.set_pin().await,
            Step::UnblockPin { puk } => self.unblock_pin(Puk::from_bytes(&puk.0).map_err(malformed)?).await,
            Step::TryFactoryPin => self.try_factory_pin().await,
            Step::ProvePossession { slot, challenge } => self.prove(slot, &challenge.0).await,
            Step::Consent { card_id, text } => self.consent(card_id, text).await,
            Step::Reset => {
                self.pin = None;
                self.done(reset).await
            }
            Step::ReadCard | Step::Finished | Step::Failed { .. } => Ok(Observation::Done),
        }
    }

    /// The reader at which the job is done. One that is not there is told to the service once, and waited for then.
    async fn find_reader(&mut self) -> Option<String> {
        let wanted = self.reader.as_deref().or(self.wanted.as_deref());
        let wait = if mem::replace(&mut self.is_reader_gone, false) { PERSON_TIMEOUT } else { SETTLE };
        let found = self.jobs.stations.presence().chosen(wanted, wait).await.ok();
        self.is_reader_gone = found.is_none();
        found
    }

    /// Waits for a card, in a new transaction.
    async fn read_card(&mut self) -> Result<Observation, Stop> {
        self.session = None;
        let Some(reader) = self.find_reader().await else { return Ok(Observation::ReaderGone) };
        let presence = self.jobs.stations.presence();
        if self.line.is_none() {
            self.line = self.jobs.stations.line(&reader).await.ok();
        }
        let insert = self.jobs.prompts.ask(PromptKind::InsertCard, &reader, None, None, PERSON_TIMEOUT);
        let there = async {
            if presence.card(&reader, Duration::ZERO).await.is_ok() {
                return true;
            }
            tokio::select! {
                _ = insert => false,
                there = presence.card(&reader, PERSON_TIMEOUT) => there.is_ok(),
            }
        };
        if !there.await {
            return Err(Stop::Lost);
        }
        self.reader = Some(reader.clone());
        self.session = Some(self.jobs.stations.readers().session(&reader));
        let read = self.card(|card| {
            card.select()?;
            let card_id = match card.chuid() {
                Ok(chuid) => Some(chuid.guid),
                Err(error @ PivError::Link(_)) => return Err(error),
                // None, or one that cannot be read: the service decides as for a blank card.
                Err(_) => None,
            };
            let pin_tries = match card.pin_state() {
                Ok(PinState::TriesLeft(left)) => Some(left),
                Ok(PinState::Blocked) => Some(0),
                _ => None,
            };
            let puk_tries = card.metadata(PUK_REFERENCE).unwrap_or_default().tries_left;
            let metadata = card.metadata(Slot::Management.key_reference()).unwrap_or_default();
            Ok((card_id, pin_tries, puk_tries, metadata))
        });
        let (card_id, pin_tries, puk_tries, metadata) = match read.await {
            Ok(read) => read,
            Err(stop) => {
                // A card that is there and cannot be spoken to is not tried again at once.
                let _ = tokio::time::timeout(SETTLE, self.jobs.stations.presence().empty(&reader)).await;
                return Err(stop);
            }
        };
        let named = |byte| ALGORITHMS.into_iter().find(|algorithm| management::reference(*algorithm) == byte);
        Ok(Observation::Card {
            reader,
            card_id,
            pin_tries,
            puk_tries,
            management: metadata.algorithm.and_then(named),
            factory_management_key: metadata.is_factory,
        })
    }

    /// The holder chooses a PIN in place of the factory's.
    async fn set_pin(&mut self) -> Result<Observation, Stop> {
        let new = self.new_pin().await?;
        let chosen = new.clone();
        let factory = Pin::parse(Pin::FACTORY).expect("the factory PIN is a PIN");
        let done = self.done(move |card| card.change_pin(&factory, &new)).await?;
        self.pin = Some(chosen);
        Ok(done)
    }

    /// The holder chooses a PIN in place of one that is forgotten or blocked.
    async fn unblock_pin(&mut self, puk: Puk) -> Result<Observation, Stop> {
        let new = self.new_pin().await?;
        self.done(move |card| card.unblock_pin(&puk, &new)).await
    }

    async fn new_pin(&self) -> Result<Pin, Stop> {
        loop {
            let answer = self.ask(PromptKind::NewPin, None, None).await?;
            match answer.pin.as_ref().map(|pin| Pin::parse(&pin.0)) {
                Some(Ok(pin)) if !pin.is_factory() => return Ok(pin),
                // Asked again: the factory's PIN is everybody's.
                _ => {}
            }
        }
    }

    async fn try_factory_pin(&mut self) -> Result<Observation, Stop> {
        let holders = self.pin.clone();
        let refused = self.card(move |card| {
            // The last try is not spent on this: a blocked PIN helps nobody.
            if let Ok(PinState::TriesLeft(..=1) | PinState::Blocked) = card.pin_state() {
                match &holders {
                    Some(pin) => card.verify_pin(pin)?,
                    None => return Ok(true),
                }
            }
            let factory = Pin::parse(Pin::FACTORY).expect("the factory PIN is a PIN");
            let refused = match card.verify_pin(&factory) {
                Ok(()) => false,
                Err(error) if error.is_wrong_pin() => true,
                Err(error) => return Err(error),
            };
            // Gives the try back.
            if let (true, Some(pin)) = (refused, &holders) {
                card.verify_pin(pin)?;
            }
            Ok(refused)
        });
        Ok(Observation::FactoryPin { refused: refused.await? })
    }

    async fn prove(&mut self, slot: KeySlot, challenge: &[u8]) -> Result<Observation, Stop> {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(POSSESSION);
        hash.update(challenge);
        let hash: [u8; 32] = hash.finish().as_ref().try_into().expect("SHA-256 has 32 bytes");
        if slot == KeySlot::Tap {
            let der = self.card(move |card| card.sign(Slot::Tap, &hash)).await?;
            return Ok(Observation::Signature { der: der.into() });
        }
        let pin = self.verified_pin().await?;
        let der = self.card(move |card| card.sign_with_pin(slot.into(), &pin, &hash)).await?;
        Ok(Observation::Signature { der: der.into() })
    }

    /// The holder agrees, and the card signs it as a tap through the outbox.
    async fn consent(&mut self, card: CardId, text: String) -> Result<Observation, Stop> {
        let answer = self.ask(PromptKind::Consent, Some(text.clone()), None).await?;
        if let (None, Some(pin)) = (&self.pin, answer.pin.as_ref().and_then(|pin| Pin::parse(&pin.0).ok())) {
            self.pin = Some(pin);
        }
        let pin = self.verified_pin().await?;
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        let text = hash.as_ref().try_into().expect("SHA-256 has 32 bytes");
        let operation = Operation::RegistrationConsent(registration::Consent { text });
        let ask = Ask { operation, pin: Some(pin), card: Some(card), order: None, after: None };
        let mut line = if let Some(line) = self.line.take() {
            line
        } else {
            let reader = self.reader.as_deref().unwrap_or_default();
            self.jobs.stations.line(reader).await.map_err(|_| Stop::Lost)?
        };
        let runtime = Handle::current();
        let taken = self.card(move |card| {
            let taken = runtime.block_on(line.take(card, &ask, crate::clock::now(), || true));
            Ok((taken, line))
        });
        let (taken, line) = taken.await?;
        self.line = Some(line);
        match taken {
            Ok(taken) => {
                self.jobs.submitter.stored();
                Ok(Observation::Consent { tap_id: taken.id })
            }
            Err(TapError::Card(error)) => Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "the consent was not signed");
                Err(Stop::Error(SW_UNKNOWN, error.to_string()))
            }
        }
    }

    /// The holder's PIN, known to be right: typed earlier in this job, or asked for now.
    async fn verified_pin(&mut self) -> Result<Pin, Stop> {
        let mut tries_left = None;
        loop {
            let pin = if let Some(pin) = self.pin.take() {
                pin
            } else {
                let answer = self.ask(PromptKind::Pin, None, tries_left).await?;
                let Some(Ok(pin)) = answer.pin.as_ref().map(|pin| Pin::parse(&pin.0)) else { continue };
                pin
            };
            let tried = pin.clone();
            let verified = self.card(move |card| Ok(card.verify_pin(&tried))).await?;
            match verified {
                Ok(()) => {
                    self.pin = Some(pin.clone());
                    return Ok(pin);
                }
                Err(error) => match error.reason() {
                    Some(Reason::WrongPin { tries_left: left }) if left != Some(0) => tries_left = left,
                    _ => return Err(error.into()),
                },
            }
        }
    }

    /// Asks the person at the reader.
    async fn ask(&self, kind: PromptKind, text: Option<String>, tries: Option<u8>) -> Result<PromptAnswer, Stop> {
        let reader = self.reader.as_deref().unwrap_or_default();
        let gone = self.jobs.stations.presence().empty(reader);
        tokio::select! {
            answer = self.jobs.prompts.ask(kind, reader, text, tries, PERSON_TIMEOUT) => match answer {
                // An answer with a PIN and nothing else is a yes.
                Some(answer) if answer.confirm || (answer.pin.is_some() && kind != PromptKind::Consent) => Ok(answer),
                _ => Err(Stop::Declined),
            },
            () = gone => Err(Stop::Lost),
        }
    }

    /// Does something with the card in the open transaction.
    async fn card<T, F>(&self, work: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&mut PivCard<AnyLink<'c>>) -> Result<T, PivError> + Send + 'static,
    {
        let session = self.session.as_ref().ok_or(Stop::Lost)?;
        Ok(session.with_card_async::<T, PivError, F>(STEP_TIMEOUT, work).await?)
    }

    async fn done<F>(&self, work: F) -> Result<Observation, Stop>
    where
        F: for<'c> FnOnce(&mut PivCard<AnyLink<'c>>) -> Result<(), PivError> + Send + 'static,
    {
        self.card(work).await.map(|()| Observation::Done)
    }
}

fn reset(card: &mut PivCard<AnyLink<'_>>) -> Result<(), PivError> {
    let random = SystemRandom::new();
    card.reset_from_any_state(|| {
        let mut bytes = [0; 8];
        random.fill(&mut bytes).expect("the system gives random bytes");
        bytes
    })
}

/// A secret from the service that no card could take.
fn malformed(error: impl std::fmt::Display) -> Stop {
    Stop::Error(SW_UNKNOWN, error.to_string())
}
