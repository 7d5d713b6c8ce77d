//! Jobs that the service gives to a reader, and the steps of personalising a card.
//!
//! The service decides each next step from what the daemon has observed; the daemon only carries it out. Steps are
//! idempotent: one that is done twice, because an answer was lost or the card was torn out, does no harm.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Bytes, SecretBytes};
use crate::ids::CardId;

/// `GET /v1/jobs/next`: something to be done at one of this terminal's readers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Job {
    /// The job, for [`ObservationRequest`].
    pub job_id: Uuid,
    /// The reader, where the office chose one; otherwise the terminal's only reader.
    pub reader: Option<String>,
    /// What to do first.
    pub step: NumberedStep,
}

/// A step and its place in the job. An observation names the number, so that a late answer is not taken for another's.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NumberedStep {
    /// Counts up by one in each job.
    pub number: u32,
    /// How many steps the job will have if nothing goes wrong, for a progress bar.
    pub expected: u32,
    /// What to do.
    pub step: Step,
}

/// A symmetric algorithm for the management key (SP 800-78-5, 6.2 and table 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ManagementAlgorithm {
    /// 03, Triple-DES with three keys: blank cards only.
    TripleDes,
    /// 08, AES with 128 bits.
    Aes128,
    /// 0A, AES with 192 bits.
    Aes192,
    /// 0C, AES with 256 bits.
    Aes256,
}

/// A key pair's slot in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeySlot {
    /// 9A.
    SignIn,
    /// 9C.
    Approve,
    /// 9E.
    Tap,
}

impl From<KeySlot> for crate::card::Slot {
    fn from(slot: KeySlot) -> Self {
        match slot {
            KeySlot::SignIn => Self::SignIn,
            KeySlot::Approve => Self::Approve,
            KeySlot::Tap => Self::Tap,
        }
    }
}

/// What the daemon does with the card, and what it answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Wait for a card, select PIV and say what is on it. Answer: [`Observation::Card`].
    ReadCard,
    /// First half of the mutual authentication with 9B: ask the card for a witness.
    /// Answer: [`Observation::ManagementWitness`].
    ManagementWitness {
        /// The algorithm that the key in place has.
        algorithm: ManagementAlgorithm,
    },
    /// Second half: show the decrypted witness and a challenge. Answer: [`Observation::ManagementResponse`].
    /// The card must stay selected between the halves and until the last step that needs the authentication.
    ManagementRespond {
        /// As in the first half.
        algorithm: ManagementAlgorithm,
        /// The witness, decrypted by the service.
        witness: SecretBytes,
        /// A fresh challenge of the cipher's block size.
        challenge: Bytes,
    },
    /// Put another key in 9B. Answer: [`Observation::Done`].
    SetManagementKey {
        /// The new key's algorithm.
        algorithm: ManagementAlgorithm,
        /// The new key, for this one step.
        key: SecretBytes,
    },
    /// Change the PUK. Answer: [`Observation::Done`].
    SetPuk {
        /// The PUK in place.
        old: SecretBytes,
        /// The new PUK, for this one step.
        new: SecretBytes,
    },
    /// Make a key pair on the card. Answer: [`Observation::PublicKey`].
    GenerateKey {
        /// Where.
        slot: KeySlot,
    },
    /// Write a data object. Answer: [`Observation::Done`].
    PutObject {
        /// The object's tag, e.g. `0x5FC102`.
        tag: u32,
        /// What stands inside the outer tag 53; empty removes the object.
        data: Bytes,
    },
    /// Let the holder choose a PIN at the reader; the factory's is refused. Answer: [`Observation::Done`].
    SetPin,
    /// Let the holder choose a PIN at the reader in place of one that is forgotten or blocked. Answer:
    /// [`Observation::Done`].
    UnblockPin {
        /// The PUK in place, for this one step.
        puk: SecretBytes,
    },
    /// Try the factory PIN, which must be refused (the try that this costs comes back with the holder's next PIN).
    /// Answer: [`Observation::FactoryPin`].
    TryFactoryPin,
    /// Sign a challenge with a key that needs the holder's PIN, asked for at the reader. Answer:
    /// [`Observation::Signature`].
    ProvePossession {
        /// With which key.
        slot: KeySlot,
        /// What to sign: the card is given SHA-256 of `nrc/possession/v1` followed by these bytes.
        challenge: Bytes,
    },
    /// Let the holder agree to the text and sign a `registration.consent` tap with 9C, through the outbox.
    /// Answer: [`Observation::Consent`].
    Consent {
        /// The card as it is now personalised.
        card_id: CardId,
        /// The text that the holder agrees to.
        text: String,
    },
    /// Reset the PIV application to factory state. Answer: [`Observation::Done`].
    Reset,
    /// Nothing more to do: the card is personalised.
    Finished,
    /// The job is over and has failed; the card is as `reset` says.
    Failed {
        /// Why, for people.
        reason: String,
        /// Whether the card was put back to factory state.
        reset: bool,
    },
}

/// What the daemon saw when it carried out a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "observation", rename_all = "snake_case")]
pub enum Observation {
    /// A card and what can be read of it without PIN.
    Card {
        /// The reader it is in.
        reader: String,
        /// The GUID of its CHUID, if it has one.
        card_id: Option<CardId>,
        /// PIN tries left, where the card says it.
        pin_tries: Option<u8>,
        /// PUK tries left, where the card says it.
        puk_tries: Option<u8>,
        /// The management key's algorithm, where the card says it.
        management: Option<ManagementAlgorithm>,
        /// Whether the card still bears the factory's management key, where it can be told without harm.
        factory_management_key: Option<bool>,
    },
    /// The card's encrypted witness.
    ManagementWitness {
        /// One block.
        witness: Bytes,
    },
    /// The card's answer to the challenge.
    ManagementResponse {
        /// One block.
        response: Bytes,
    },
    /// The step is done.
    Done,
    /// A key pair was made.
    PublicKey {
        /// Uncompressed P-256 point (SEC 1 §2.3.3).
        point: Bytes,
    },
    /// A signature.
    Signature {
        /// In DER, as the card gave it.
        der: Bytes,
    },
    /// Whether the factory PIN was refused.
    FactoryPin {
        /// True: refused, as it must be.
        refused: bool,
    },
    /// The consent was signed and is on its way as a tap.
    Consent {
        /// The tap's id in hexadecimal.
        tap_id: crate::ids::TapId,
    },
    /// The card left the reader; the job waits for it to come back.
    CardRemoved,
    /// The reader is not there: unplugged, or not plugged in yet. The job waits for it.
    ReaderGone,
    /// The card answered with an error.
    CardError {
        /// ISO 7816-4 status word.
        status_word: u16,
        /// What was being done, for the journal.
        doing: String,
    },
    /// The person at the reader declined or did not answer in time.
    Declined,
}

/// `POST /v1/jobs/{id}/observations`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ObservationRequest {
    /// The step that was carried out.
    pub number: u32,
    /// What was seen.
    pub observation: Observation,
}

/// What is to be done next.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ObservationReply {
    /// [`Step::Finished`] and [`Step::Failed`] end the job.
    pub next: NumberedStep,
}
