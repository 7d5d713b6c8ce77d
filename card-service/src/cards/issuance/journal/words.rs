//! The journal's vocabulary: what may be wanted, what may be seen, and why an issuance stops. Pure; decides nothing.

use card_schema::wire::issuance::{KeySlot, ManagementAlgorithm};
use serde::{Deserialize, Serialize};

use crate::cards::Away;

/// Whether a change has been made on the chip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// Not yet.
    #[default]
    No,
    /// The card was torn out while it was being made.
    Unsure,
    /// Yes.
    Yes,
}

/// A key pair's way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPair {
    /// Not made.
    #[default]
    Missing,
    /// Made, and its public key is on record.
    Made,
    /// The card has signed with it.
    Proven,
}

/// An object on the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// The card's id and last day, 5FC102.
    Chuid,
    /// Certificate of 9E, 5FC101.
    TapCertificate,
    /// Certificate of 9A, 5FC105.
    SignInCertificate,
    /// Certificate of 9C, 5FC10A.
    ApproveCertificate,
    /// Card capability container, 5FC107.
    Capabilities,
    /// Printed information, 5FC109.
    Printed,
    /// The holder's photo, 5FC108.
    Photo,
    /// Hashes of the others, signed, 5FC106.
    Security,
}

/// A management key or PUK that may be in the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InPlace {
    /// The factory's.
    Factory,
    /// The one derived for this card.
    Ours,
}

impl InPlace {
    /// The other of the two.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Factory => Self::Ours,
            Self::Ours => Self::Factory,
        }
    }
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "want", rename_all = "snake_case")]
pub enum Want {
    /// See which card is there.
    ReadCard,
    /// Authenticate, first half.
    Witness {
        /// With which key.
        key: InPlace,
    },
    /// Authenticate, second half.
    Respond {
        /// With which key.
        key: InPlace,
        /// The card's encrypted witness.
        witness: Vec<u8>,
        /// What the card has to encrypt.
        challenge: [u8; 16],
    },
    /// Replace the management key.
    SetManagementKey,
    /// Replace the PUK.
    SetPuk {
        /// Which PUK is thought to be there.
        old: InPlace,
    },
    /// Make a key pair.
    Generate {
        /// Where.
        slot: KeySlot,
    },
    /// Let the holder choose a PIN.
    SetPin,
    /// See that the factory PIN is refused.
    TryFactoryPin,
    /// Sign a challenge.
    Prove {
        /// With which key.
        slot: KeySlot,
        /// What to sign.
        challenge: [u8; 16],
    },
    /// Write an object.
    Put {
        /// Which.
        object: Object,
    },
    /// Let the holder agree.
    Consent,
    /// Put the chip back to factory state; then begin, or give up for this reason.
    Reset {
        /// Why the issuance is given up; none where it begins with it.
        failed: Option<Failure>,
    },
    /// The card is issued.
    Finished,
    /// The job is over.
    Failed {
        /// Why.
        failure: Failure,
        /// Whether the chip is in factory state.
        reset: bool,
    },
}

/// Why an issuance stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Another card than the one that was begun was put in. Can go on with the right one.
    OtherCard,
    /// A card that is somebody's was put in where a blank one was expected. Can go on with a blank one.
    HoldersCard,
    /// The card has no PIV application. Can go on with one that has.
    ForeignCard,
    /// The card answers to no management key that we know. Can go on with a blank one.
    UnknownManagementKey,
    /// The person at the reader declined or did not answer. Can go on.
    Declined,
    /// The holder did not agree: the card is not activated.
    ConsentDeclined,
    /// The card made a key that another card has.
    KeyNotNew,
    /// A signature of the card does not verify with the key that it made.
    NoPossession,
    /// The card's answers go on being errors.
    CardErrors,
    /// Somebody at the desk gave it up.
    GivenUp,
}

impl Failure {
    /// Whether the same issuance can be taken up again.
    pub const fn may_resume(self) -> bool {
        matches!(
            self,
            Self::OtherCard | Self::HoldersCard | Self::ForeignCard | Self::UnknownManagementKey | Self::Declined
        )
    }

    /// The key of its text for people.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::OtherCard => "issue-other-card",
            Self::HoldersCard => "issue-holders-card",
            Self::ForeignCard => "issue-foreign-card",
            Self::UnknownManagementKey => "issue-unknown-management-key",
            Self::Declined => "issue-declined",
            Self::ConsentDeclined => "issue-consent-declined",
            Self::KeyNotNew => "issue-key-not-new",
            Self::NoPossession => "issue-no-possession",
            Self::CardErrors => "issue-card-errors",
            Self::GivenUp => "issue-given-up",
        }
    }
}

/// Whose card was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It has no card id.
    Blank,
    /// The one being issued.
    This,
    /// One of ours whose issuance was given up: may be wiped.
    Free,
    /// Any other.
    Other,
}

/// What was seen, as far as the journal needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A card.
    Card {
        /// Whose it is.
        relation: Relation,
        /// The management key's algorithm, where the card says it.
        algorithm: Option<ManagementAlgorithm>,
        /// Whether the management key is the factory's, where the card says it.
        factory_key: Option<bool>,
    },
    /// The card's encrypted witness.
    Witness(Vec<u8>),
    /// Whether the card encrypted the challenge as only the key's holder can.
    Authenticated(bool),
    /// Done.
    Done,
    /// A key pair was made; whether its public key is new.
    Key {
        /// No other card or slot has it.
        fresh: bool,
    },
    /// A challenge was signed; whether the signature verifies.
    Proof {
        /// It does.
        valid: bool,
    },
    /// Whether the factory PIN was refused.
    FactoryPin {
        /// It was.
        refused: bool,
    },
    /// The holder agreed and the card signed it.
    Consented,
    /// The card is gone, with the reader or without.
    Removed(Away),
    /// The card answered with an error.
    Error {
        /// ISO 7816-4 status word.
        status_word: u16,
    },
    /// The person declined.
    Declined,
}

impl Want {
    /// Its name in records and in the API.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ReadCard => "read_card",
            Self::Witness { .. } => "management_witness",
            Self::Respond { .. } => "management_respond",
            Self::SetManagementKey => "set_management_key",
            Self::SetPuk { .. } => "set_puk",
            Self::Generate { .. } => "generate_key",
            Self::SetPin => "set_pin",
            Self::TryFactoryPin => "try_factory_pin",
            Self::Prove { .. } => "prove_possession",
            Self::Put { .. } => "put_object",
            Self::Consent => "consent",
            Self::Reset { .. } => "reset",
            Self::Finished => "finished",
            Self::Failed { .. } => "failed",
        }
    }

    /// Whether the job is over.
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::Finished | Self::Failed { .. })
    }
}
