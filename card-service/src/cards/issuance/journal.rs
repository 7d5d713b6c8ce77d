//! The journal of one issuance: from what was seen at the reader to what is to be done next. Pure.
//!
//! Knows no key, no PIN and no bytes of the chip; `steps` turns a [`Want`] into what the daemon is sent. Whatever was under
//! way when a card was torn out is *unsure* afterwards, and is found out or done again: every step may happen twice.
//!
//! The order protects the card: its id is written before its management key is changed, so that a half-written chip always
//! says which key it has; certificates come last, so that a chip without the holder's PIN and proven keys is no card of ours.
//! Every time the card comes back it proves its 9E key again, so no other chip can take its place half-way.

mod words;

use card_schema::wire::issuance::{KeySlot, ManagementAlgorithm};
use serde::{Deserialize, Serialize};

use crate::cards::Away;

pub use words::{Failure, InPlace, KeyPair, Made, Object, Relation, Seen, Want};

/// Steps of an issuance in which nothing goes wrong, for a progress bar.
pub const STEPS_EXPECTED: u32 = 25;
/// Errors of the card after which its issuance is given up.
const TROUBLES_MAX: u8 = 6;

/// Objects that are written at the end, in this order.
const LAST_OBJECTS: [Object; 7] = [
    Object::TapCertificate,
    Object::SignInCertificate,
    Object::ApproveCertificate,
    Object::Capabilities,
    Object::Printed,
    Object::Photo,
    Object::Security,
];

/// How far an issuance has come. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// What the next observation answers.
    pub asked: Want,
    chuid: Made,
    management: Made,
    puk: Made,
    /// `Unsure` until the card has refused the factory's.
    pin: Made,
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
    /// Whether the chip in the reader is this issuance's: it says so, or it was blank and let us in. No other is reset.
    ours: bool,
    /// Why the chip is being reset, until it was.
    giving_up: Option<Failure>,
    /// What is written at the end: the photo too where the holder had one at the beginning and the chip has room for it.
    last: Vec<Object>,
    /// What has to come back before the card can be read.
    away: Option<Away>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            asked: Want::ReadCard,
            chuid: Made::No,
            management: Made::No,
            puk: Made::No,
            pin: Made::No,
            tap: KeyPair::Missing,
            sign_in: KeyPair::Missing,
            approve: KeyPair::Missing,
            objects: Vec::new(),
            consented: false,
            authenticated: false,
            algorithm: None,
            tried: Vec::new(),
            troubles: 0,
            ours: false,
            giving_up: None,
            last: LAST_OBJECTS.into_iter().filter(|object| *object != Object::Photo).collect(),
            away: None,
        }
    }
}

impl Journal {
    /// An issuance to a holder who has a photo, or has none.
    pub fn begin(photo: bool) -> Self {
        if photo { Self { last: LAST_OBJECTS.into(), ..Self::default() } } else { Self::default() }
    }

    /// What has to come back before the issuance goes on: any blank card is good until something was written on one.
    pub fn away(&self) -> Option<Away> {
        self.away.filter(|away| *away == Away::Reader || self.chuid != Made::No)
    }

    /// Whether everything is on the chip, so that only the holder's consent is missing.
    pub fn is_personalised(&self) -> bool {
        self.last.iter().all(|object| self.objects.contains(object))
    }

    /// Every object of this card but the security object, which speaks for them.
    pub fn secured(&self) -> impl Iterator<Item = Object> {
        [Object::Chuid].into_iter().chain(self.last.iter().copied()).filter(|object| *object != Object::Security)
    }

    /// Takes an ended job up again with the card in the reader. A consent that was signed and did not make the card active
    /// is asked for again.
    #[must_use]
    pub fn resumed(mut self) -> Self {
        self.lose_card();
        self.troubles = 0;
        self.consented = false;
        self.asked = Want::ReadCard;
        self
    }

    /// Ends the job. The chip is left as it is, to be wiped when it is issued anew: it may not be in the reader.
    #[must_use]
    pub fn given_up(mut self) -> Self {
        self.asked = Want::Failed { failure: Failure::GivenUp, reset: false };
        self
    }

    /// The card's consent has come in as a tap: whatever the reader says now, the card is in use and is left alone.
    #[must_use]
    pub fn agreed(mut self) -> Self {
        self.consented = true;
        self
    }

    /// The journal after an observation. `challenge` is fresh randomness.
    #[must_use]
    pub fn next(mut self, seen: &Seen, challenge: [u8; 16]) -> Self {
        self.asked = match (self.asked.clone(), seen) {
            (ended @ (Want::Finished | Want::Failed { .. }), _) => ended,
            (_, _) if self.consented => Want::Finished,
            (_, Seen::Removed(away)) => {
                self.lose_card();
                self.away = Some(*away);
                Want::ReadCard
            }
            (Want::Consent, Seen::Declined) => self.give_up(Failure::ConsentDeclined),
            (_, Seen::Declined) => {
                self.lose_card();
                Want::Failed { failure: Failure::Declined, reset: false }
            }
            (asked, Seen::Error { status_word }) => self.after_error(&asked, *status_word),
            (Want::ReadCard, Seen::Card { relation, algorithm, factory_key }) => {
                self.after_reading(*relation, *algorithm, *factory_key, challenge)
            }
            (Want::Witness { key }, Seen::Witness(witness)) => {
                Want::Respond { key, witness: witness.clone(), challenge }
            }
            (Want::Respond { key, .. }, Seen::Authenticated(false)) => self.after_refused_key(key),
            (Want::Respond { key: InPlace::Factory, .. }, Seen::Authenticated(true))
                if self.management == Made::Yes =>
            {
                self.after_kept_key(challenge)
            }
            (Want::Reset { .. }, Seen::Done) => self.after_reset(),
            (Want::Generate { .. }, Seen::Key { fresh: false }) => self.give_up(Failure::KeyNotNew),
            (Want::Prove { .. }, Seen::Proof { valid: false }) => self.give_up(Failure::NoPossession),
            (Want::TryFactoryPin, Seen::FactoryPin { refused: false }) => {
                self.pin = Made::No;
                self.trouble()
            }
            (Want::Consent, Seen::Consented) => {
                self.consented = true;
                Want::Finished
            }
            (asked, seen) => {
                if self.achieved(&asked, seen) {
                    self.plan(challenge)
                } else {
                    // An answer to something that was not asked: look at the card again.
                    self.lose_card();
                    self.trouble()
                }
            }
        };
        self
    }

    /// Writes down what was achieved; false where the answer does not fit what was asked.
    fn achieved(&mut self, asked: &Want, seen: &Seen) -> bool {
        match (asked, seen) {
            (Want::Respond { key, .. }, Seen::Authenticated(true)) => {
                self.management = if *key == InPlace::Ours { Made::Yes } else { Made::No };
                self.authenticated = true;
                self.ours = true;
                self.tried.clear();
            }
            (Want::SetManagementKey, Seen::Done) => {
                // The next authentication, with the new key, shows that it is there.
                self.management = Made::Yes;
                self.authenticated = false;
            }
            (Want::SetPuk { .. }, Seen::Done) => self.puk = Made::Yes,
            (Want::Generate { slot }, Seen::Key { fresh: true }) => *self.pair(*slot) = KeyPair::Made,
            (Want::SetPin, Seen::Done) => self.pin = Made::Unsure,
            (Want::TryFactoryPin, Seen::FactoryPin { refused: true }) => self.pin = Made::Yes,
            (Want::Prove { slot, .. }, Seen::Proof { valid: true }) => {
                *self.pair(*slot) = KeyPair::Proven;
                // A person was asked in between; the card may have been selected anew.
                self.authenticated = false;
            }
            (Want::Put { object: Object::Chuid }, Seen::Done) => self.chuid = Made::Yes,
            (Want::Put { object }, Seen::Done) => self.objects.push(*object),
            _ => return false,
        }
        true
    }

    /// The card left, or may have: what was being changed is unsure, and no authentication is left.
    fn lose_card(&mut self) {
        self.authenticated = false;
        self.ours = false;
        self.tried.clear();
        if self.tap == KeyPair::Proven {
            self.tap = KeyPair::Made;
        }
        match self.asked {
            Want::SetManagementKey => self.management = Made::Unsure,
            Want::SetPuk { .. } => self.puk = Made::Unsure,
            Want::SetPin => self.pin = Made::Unsure,
            // A new key may be in the slot whose public half was never seen.
            Want::Generate { slot } => *self.pair(slot) = KeyPair::Missing,
            Want::Put { object: Object::Chuid } => self.chuid = Made::Unsure,
            _ => {}
        }
    }

    /// Ends the issuance. Only a chip that is known to be this issuance's is wiped.
    fn give_up(&mut self, failure: Failure) -> Want {
        if self.ours {
            self.giving_up = Some(failure);
            Want::Reset { failed: Some(failure) }
        } else {
            Want::Failed { failure, reset: false }
        }
    }

    fn after_reset(&mut self) -> Want {
        if let Some(failure) = self.giving_up {
            return Want::Failed { failure, reset: true };
        }
        self.begin_again();
        Want::ReadCard
    }

    /// Nothing of what was done is on the chip.
    fn begin_again(&mut self) {
        *self = Self { troubles: self.troubles, last: self.last.clone(), ..Self::default() };
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
        self.ours = relation == Relation::This;
        self.away = None;
        match (relation, self.giving_up) {
            (Relation::Other, _) => {
                let failure = if self.chuid == Made::No { Failure::HoldersCard } else { Failure::OtherCard };
                return Want::Failed { failure, reset: false };
            }
            (Relation::This, Some(failure)) => return self.give_up(failure),
            // The reset was done, and only its answer was lost.
            (Relation::Blank, Some(failure)) => return Want::Failed { failure, reset: true },
            (Relation::Free, Some(failure)) => return Want::Failed { failure, reset: false },
            (Relation::Free, None) => return Want::Reset { failed: None },
            (Relation::This, None) => self.chuid = Made::Yes,
            // Another blank card, or this one was reset: what was done is not on it.
            (Relation::Blank, None) if self.chuid == Made::Yes => self.begin_again(),
            (Relation::Blank, None) => {}
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
        let other = key.other();
        if self.tried.contains(&other) {
            return Want::Failed { failure: Failure::UnknownManagementKey, reset: false };
        }
        self.algorithm = None;
        Want::Witness { key: other }
    }

    /// The card said that it had changed its key, and still answers to the factory's.
    fn after_kept_key(&mut self, challenge: [u8; 16]) -> Want {
        self.management = Made::No;
        self.authenticated = true;
        self.ours = true;
        self.tried.clear();
        match self.trouble() {
            Want::ReadCard => self.plan(challenge),
            given_up => given_up,
        }
    }

    fn after_error(&mut self, asked: &Want, status_word: u16) -> Want {
        match asked {
            // A refused key, or no key of that algorithm.
            Want::Witness { key } | Want::Respond { key, .. } => self.after_refused_key(*key),
            // The other PUK is there (63Cx). The tries that this costs come back with the right one.
            Want::SetPuk { old } if status_word >> 8 == 0x63 => match self.trouble() {
                Want::ReadCard => Want::SetPuk { old: old.other() },
                given_up => given_up,
            },
            Want::Reset { failed } => Want::Failed { failure: failed.unwrap_or(Failure::CardErrors), reset: false },
            // Only a card without PIV refuses to be selected.
            Want::ReadCard => Want::Failed { failure: Failure::ForeignCard, reset: false },
            // The chip has no room for it, or takes no object of that length: the card is good without.
            Want::Put { object: Object::Photo } if matches!(status_word, 0x6A84 | 0x6700) => {
                self.last.retain(|object| *object != Object::Photo);
                self.trouble()
            }
            _ => {
                let ours = self.ours;
                self.lose_card();
                self.ours = ours;
                self.trouble()
            }
        }
    }

    /// One more thing that should not have happened: looks at the card again, or gives up.
    fn trouble(&mut self) -> Want {
        self.troubles += 1;
        if self.troubles >= TROUBLES_MAX { self.give_up(Failure::CardErrors) } else { Want::ReadCard }
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
            Made::Yes => {}
        }
        for slot in [KeySlot::Tap, KeySlot::SignIn, KeySlot::Approve] {
            if self.pair_of(slot) == KeyPair::Made {
                return Want::Prove { slot, challenge };
            }
        }
        for &object in &self.last {
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
