//! The journal of one issuance: from what was seen at the reader to what is to be done next. Pure.
//!
//! Knows no key, no PIN and no bytes of the chip; `steps` turns a [`Want`] into what the daemon is sent. Whatever was under
//! way when a card was torn out is *unsure* afterwards, and is found out or done again: every step may happen twice.
//!
//! The order protects the card: its id is written before its management key is changed, so that a half-written chip always
//! says which key it has; certificates come last, so that a chip without the holder's PIN and proven keys is no card of ours.

use card_schema::wire::issuance::{KeySlot, ManagementAlgorithm};
use serde::{Deserialize, Serialize};

/// Steps of an issuance in which nothing goes wrong, for a progress bar.
pub const STEPS_EXPECTED: u32 = 26;
/// Errors of the card after which its issuance is given up.
const TROUBLES_MAX: u8 = 6;
/// ISO 7816-4: security status not satisfied. The card has forgotten the authentication.
const SW_SECURITY_STATUS: u16 = 0x6982;

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
    /// Hashes of the others, signed, 5FC106.
    Security,
}

/// Objects that are written at the end, in this order.
const LAST_OBJECTS: [Object; 6] = [
    Object::TapCertificate,
    Object::SignInCertificate,
    Object::ApproveCertificate,
    Object::Capabilities,
    Object::Printed,
    Object::Security,
];

/// A management key that may be in the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InPlace {
    /// The factory's.
    Factory,
    /// The one derived for this card.
    Ours,
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
    /// The card answers to no management key that we know.
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
}

impl Failure {
    /// Whether the same issuance can be taken up again.
    pub const fn may_resume(self) -> bool {
        matches!(self, Self::OtherCard | Self::Declined)
    }

    /// The key of its text for people.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::OtherCard => "issue-other-card",
            Self::UnknownManagementKey => "issue-unknown-management-key",
            Self::Declined => "issue-declined",
            Self::ConsentDeclined => "issue-consent-declined",
            Self::KeyNotNew => "issue-key-not-new",
            Self::NoPossession => "issue-no-possession",
            Self::CardErrors => "issue-card-errors",
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
    /// One of ours that was returned or whose issuance was given up: may be wiped.
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
    /// The card is gone.
    Removed,
    /// The card answered with an error.
    Error {
        /// ISO 7816-4 status word.
        status_word: u16,
    },
    /// The person declined.
    Declined,
}

/// How far an issuance has come. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// What the next observation answers.
    pub asked: Want,
    chuid: Made,
    management: Made,
    puk: Made,
    pin: Made,
    factory_pin_refused: bool,
    tap: KeyPair,
    sign_in: KeyPair,
    approve: KeyPair,
    objects: Vec<Object>,
    consented: bool,
    authenticated: bool,
    /// As the card said when it was last read.
    pub algorithm: Option<ManagementAlgorithm>,
    tried: Vec<InPlace>,
    troubles: u8,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            asked: Want::ReadCard,
            chuid: Made::No,
            management: Made::No,
            puk: Made::No,
            pin: Made::No,
            factory_pin_refused: false,
            tap: KeyPair::Missing,
            sign_in: KeyPair::Missing,
            approve: KeyPair::Missing,
            objects: Vec::new(),
            consented: false,
            authenticated: false,
            algorithm: None,
            tried: Vec::new(),
            troubles: 0,
        }
    }
}

impl Journal {
    /// Whether everything is on the chip, so that only the holder's consent is missing.
    pub fn is_personalised(&self) -> bool {
        LAST_OBJECTS.iter().all(|object| self.objects.contains(object))
    }

    /// Takes an ended job up again with the card in the reader.
    #[must_use]
    pub fn resumed(mut self) -> Self {
        self.lose_card();
        self.troubles = 0;
        self.asked = Want::ReadCard;
        self
    }

    /// The journal after an observation. `challenge` is fresh randomness.
    #[must_use]
    pub fn next(mut self, seen: &Seen, challenge: [u8; 16]) -> Self {
        let asked = self.asked.clone();
        self.asked = match (asked, seen) {
            (ended @ (Want::Finished | Want::Failed { .. }), _) => ended,
            (_, Seen::Removed) => {
                self.lose_card();
                Want::ReadCard
            }
            (Want::Consent, Seen::Declined) => Want::Reset { failed: Some(Failure::ConsentDeclined) },
            (_, Seen::Declined) => Want::Failed { failure: Failure::Declined, reset: false },
            (asked, Seen::Error { status_word }) => self.after_error(&asked, *status_word, challenge),
            (Want::ReadCard, Seen::Card { relation, algorithm, factory_key }) => {
                self.after_reading(*relation, *algorithm, *factory_key, challenge)
            }
            (Want::Witness { key }, Seen::Witness(witness)) => {
                Want::Respond { key, witness: witness.clone(), challenge }
            }
            (Want::Respond { key, .. }, Seen::Authenticated(true)) => {
                self.management = if key == InPlace::Ours { Made::Yes } else { Made::No };
                self.authenticated = true;
                self.tried.clear();
                self.plan(challenge)
            }
            (Want::Respond { key, .. }, Seen::Authenticated(false)) => self.after_refused_key(key),
            (Want::SetManagementKey, Seen::Done) => {
                // The next authentication, with the new key, shows that it is there.
                self.management = Made::Yes;
                self.authenticated = false;
                self.plan(challenge)
            }
            (Want::SetPuk { .. }, Seen::Done) => {
                self.puk = Made::Yes;
                self.plan(challenge)
            }
            (Want::Generate { .. }, Seen::Key { fresh: false }) => Want::Reset { failed: Some(Failure::KeyNotNew) },
            (Want::Generate { slot }, Seen::Key { fresh: true }) => {
                *self.pair(slot) = KeyPair::Made;
                self.plan(challenge)
            }
            (Want::SetPin, Seen::Done) => {
                self.pin = Made::Yes;
                self.plan(challenge)
            }
            (Want::TryFactoryPin, Seen::FactoryPin { refused }) => {
                self.factory_pin_refused = *refused;
                self.pin = if *refused { Made::Yes } else { Made::No };
                if *refused { self.plan(challenge) } else { self.trouble(challenge) }
            }
            (Want::Prove { .. }, Seen::Proof { valid: false }) => Want::Reset { failed: Some(Failure::NoPossession) },
            (Want::Prove { slot, .. }, Seen::Proof { valid: true }) => {
                *self.pair(slot) = KeyPair::Proven;
                // A person was asked in between; the card may have been selected anew.
                self.authenticated = false;
                self.plan(challenge)
            }
            (Want::Put { object: Object::Chuid }, Seen::Done) => {
                self.chuid = Made::Yes;
                self.plan(challenge)
            }
            (Want::Put { object }, Seen::Done) => {
                self.objects.push(object);
                self.plan(challenge)
            }
            (Want::Consent, Seen::Consented) => {
                self.consented = true;
                Want::Finished
            }
            (Want::Reset { failed: Some(failure) }, Seen::Done) => Want::Failed { failure, reset: true },
            (Want::Reset { failed: None }, Seen::Done) => {
                let troubles = self.troubles;
                self = Self { troubles, ..Self::default() };
                Want::ReadCard
            }
            // An answer to something that was not asked: look at the card again.
            (_, _) => {
                self.lose_card();
                self.trouble(challenge)
            }
        };
        self
    }

    /// The card left, or may have: what was being changed is unsure, and no authentication is left.
    fn lose_card(&mut self) {
        self.authenticated = false;
        self.tried.clear();
        match &self.asked {
            Want::SetManagementKey => self.management = Made::Unsure,
            Want::SetPuk { .. } => self.puk = Made::Unsure,
            Want::SetPin => self.pin = Made::Unsure,
            // A new key may be in the slot whose public half was never seen.
            Want::Generate { slot } => {
                let slot = *slot;
                *self.pair(slot) = KeyPair::Missing;
            }
            Want::Put { object: Object::Chuid } => self.chuid = Made::Unsure,
            _ => {}
        }
    }

    fn after_reading(
        &mut self,
        relation: Relation,
        algorithm: Option<ManagementAlgorithm>,
        factory_key: Option<bool>,
        challenge: [u8; 16],
    ) -> Want {
        self.authenticated = false;
        self.tried.clear();
        match relation {
            Relation::Other => return Want::Failed { failure: Failure::OtherCard, reset: false },
            Relation::Free => return Want::Reset { failed: None },
            Relation::This => self.chuid = Made::Yes,
            // Another blank card, or this one was reset: what was done is not on it.
            Relation::Blank if self.chuid == Made::Yes => {
                *self = Self { troubles: self.troubles, ..Self::default() };
            }
            Relation::Blank => {}
        }
        self.algorithm = algorithm;
        match factory_key {
            Some(true) => self.management = Made::No,
            Some(false) if self.management == Made::No => self.management = Made::Unsure,
            _ => {}
        }
        self.plan(challenge)
    }

    fn after_refused_key(&mut self, key: InPlace) -> Want {
        self.tried.push(key);
        let other = if key == InPlace::Ours { InPlace::Factory } else { InPlace::Ours };
        if self.tried.contains(&other) {
            return Want::Failed { failure: Failure::UnknownManagementKey, reset: false };
        }
        self.algorithm = None;
        Want::Witness { key: other }
    }

    fn after_error(&mut self, asked: &Want, status_word: u16, challenge: [u8; 16]) -> Want {
        match asked {
            // A refused key, or no key of that algorithm.
            Want::Witness { key } | Want::Respond { key, .. } => self.after_refused_key(*key),
            Want::SetPuk { old } if status_word >> 8 == 0x63 => {
                if self.trouble(challenge) == Want::ReadCard {
                    let other = if *old == InPlace::Ours { InPlace::Factory } else { InPlace::Ours };
                    Want::SetPuk { old: other }
                } else {
                    Want::Reset { failed: Some(Failure::CardErrors) }
                }
            }
            Want::Reset { failed } => Want::Failed { failure: failed.unwrap_or(Failure::CardErrors), reset: false },
            _ => {
                self.lose_card();
                if status_word == SW_SECURITY_STATUS {
                    // What needed the authentication was not done.
                    self.authenticated = false;
                }
                self.trouble(challenge)
            }
        }
    }

    /// One more thing that should not have happened: looks at the card again, or gives up.
    fn trouble(&mut self, _challenge: [u8; 16]) -> Want {
        self.troubles += 1;
        if self.troubles >= TROUBLES_MAX { Want::Reset { failed: Some(Failure::CardErrors) } } else { Want::ReadCard }
    }

    /// The first thing that is not done yet, with the authentication that it needs.
    fn plan(&self, challenge: [u8; 16]) -> Want {
        if self.chuid != Made::Yes {
            return self.authenticated_or(Want::Put { object: Object::Chuid });
        }
        if self.management != Made::Yes {
            return self.authenticated_or(Want::SetManagementKey);
        }
        for slot in [KeySlot::Tap, KeySlot::SignIn, KeySlot::Approve] {
            if self.pair_of(slot) == KeyPair::Missing {
                return self.authenticated_or(Want::Generate { slot });
            }
        }
        match self.puk {
            Made::Yes => {}
            Made::No => return Want::SetPuk { old: InPlace::Factory },
            Made::Unsure => return Want::SetPuk { old: InPlace::Ours },
        }
        match self.pin {
            Made::No => return Want::SetPin,
            Made::Unsure => return Want::TryFactoryPin,
            Made::Yes if !self.factory_pin_refused => return Want::TryFactoryPin,
            Made::Yes => {}
        }
        for slot in [KeySlot::Tap, KeySlot::SignIn, KeySlot::Approve] {
            if self.pair_of(slot) == KeyPair::Made {
                return Want::Prove { slot, challenge };
            }
        }
        for object in LAST_OBJECTS {
            if !self.objects.contains(&object) {
                return self.authenticated_or(Want::Put { object });
            }
        }
        if self.consented { Want::Finished } else { Want::Consent }
    }

    fn authenticated_or(&self, want: Want) -> Want {
        if self.authenticated {
            return want;
        }
        let key = match (self.management, self.algorithm) {
            (Made::Yes, _) | (Made::Unsure, Some(ManagementAlgorithm::Aes256) | None) => InPlace::Ours,
            (Made::No, _) | (Made::Unsure, Some(_)) => InPlace::Factory,
        };
        Want::Witness { key }
    }

    fn pair(&mut self, slot: KeySlot) -> &mut KeyPair {
        match slot {
            KeySlot::Tap => &mut self.tap,
            KeySlot::SignIn => &mut self.sign_in,
            KeySlot::Approve => &mut self.approve,
        }
    }

    const fn pair_of(&self, slot: KeySlot) -> KeyPair {
        match slot {
            KeySlot::Tap => self.tap,
            KeySlot::SignIn => self.sign_in,
            KeySlot::Approve => self.approve,
        }
    }
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
