//! A PIV card as the rest of the daemon sees it: the commands, composed over one link. Decides nothing of taps.

use card_schema::{
    card::{Chuid, ObjectTag, Slot},
    wire::issuance::ManagementAlgorithm,
};

use super::{
    change_reference_data, general_authenticate, generate, get_data,
    management::{self, ManagementKey},
    put_data, reset_retry_counter,
    secrets::{Pin, Puk},
    select::{self, Application},
    status::{Malformation, Name, PivError},
    vendor::{self, Metadata},
    verify::{self, PinState},
};
use crate::card::{
    apdu::{Answer, Command},
    channel::Channel,
    link::{Link, LinkError},
};

/// Whether PIV must be selected before it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Selection {
    /// Always select: right for every card.
    #[default]
    Always,
    /// Ask first and select only when the card does not answer as PIV: saves an APDU where PIV is the default
    /// application or still selected from the last time, costs one where it is not (a Nitrokey after power-up).
    /// Harmless in any case, because this only reads and only a fresh signature proves a card.
    TryWithout,
}

/// A PIV card in an exclusive transaction.
#[derive(Debug)]
pub struct PivCard<L> {
    channel: Channel<L>,
}

impl<L: Link> PivCard<L> {
    /// A card over a link. Nothing is sent.
    pub fn new(link: L) -> Self {
        Self { channel: Channel::new(link) }
    }

    /// The channel: usage so far, trace, raw APDUs.
    pub fn channel(&mut self) -> &mut Channel<L> {
        &mut self.channel
    }

    fn ask(&mut self, command: &Command, answer_max: usize) -> Result<Answer, LinkError> {
        self.channel.exchange(command, answer_max)
    }

    /// Selects the PIV application.
    ///
    /// # Errors
    /// [`super::Reason::NotFound`] when the card is no PIV card.
    pub fn select(&mut self) -> Result<Application, PivError> {
        select::parse(self.ask(&select::command(), select::ANSWER_MAX)?)
    }

    /// Selects PIV and reads the card's identifier: the first two of a tap's three APDUs.
    ///
    /// # Errors
    /// As [`Self::select`] and [`Self::chuid`].
    pub fn identify(&mut self, selection: Selection) -> Result<Chuid, PivError> {
        if selection == Selection::TryWithout {
            match self.chuid() {
                Ok(chuid) => return Ok(chuid),
                // No card any more: selecting will not bring it back.
                Err(PivError::Link(error)) if !matches!(error, LinkError::Protocol(_)) => return Err(error.into()),
                Err(_) => {}
            }
        }
        self.select()?;
        self.chuid()
    }

    /// The card's identifier.
    ///
    /// # Errors
    /// [`super::Reason::NotFound`] on a blank card; [`PivError::Malformed`] when it is no CHUID.
    pub fn chuid(&mut self) -> Result<Chuid, PivError> {
        let contents = self.get_data(ObjectTag::CHUID)?.ok_or_else(get_data::missing)?;
        Chuid::decode(&contents).map_err(|error| PivError::malformed(Name::GetData, error))
    }

    /// A data object's contents; `None` where the card has none.
    ///
    /// # Errors
    /// [`super::Reason::SecurityStatusNotSatisfied`] when the object needs the PIN.
    pub fn get_data(&mut self, object: ObjectTag) -> Result<Option<Vec<u8>>, PivError> {
        let answer = self.ask(&get_data::command(object), get_data::ANSWER_MAX)?;
        get_data::parse(object, answer)
    }

    /// Writes a data object; empty contents remove it. Needs the management key.
    ///
    /// # Errors
    /// [`super::Reason::SecurityStatusNotSatisfied`] without it, [`super::Reason::NotEnoughMemory`].
    pub fn put_data(&mut self, object: ObjectTag, contents: &[u8]) -> Result<(), PivError> {
        put_data::parse(self.ask(&put_data::command(object, contents), 0)?)
    }

    /// How many PIN tries are left; costs none.
    ///
    /// # Errors
    /// [`super::Reason::FunctionNotSupported`] where the card takes no PIN over this interface.
    pub fn pin_state(&mut self) -> Result<PinState, PivError> {
        verify::parse_state(&self.ask(&verify::ask(), 0)?)
    }

    /// Shows the PIN to the card.
    ///
    /// # Errors
    /// [`super::Reason::WrongPin`], [`super::Reason::PinBlocked`].
    pub fn verify_pin(&mut self, pin: &Pin) -> Result<(), PivError> {
        verify::parse(self.ask(&verify::command(pin), 0)?)
    }

    /// Changes the PIN.
    ///
    /// # Errors
    /// [`super::Reason::WrongPin`] for the old one, [`super::Reason::PinBlocked`].
    pub fn change_pin(&mut self, old: &Pin, new: &Pin) -> Result<(), PivError> {
        let answer = self.ask(&change_reference_data::pin(old, new), 0)?;
        change_reference_data::parse(Name::ChangePin, answer)
    }

    /// Changes the PUK.
    ///
    /// # Errors
    /// [`super::Reason::WrongPuk`] for the old one, [`super::Reason::PukBlocked`].
    pub fn change_puk(&mut self, old: &Puk, new: &Puk) -> Result<(), PivError> {
        let answer = self.ask(&change_reference_data::puk(old, new), 0)?;
        change_reference_data::parse(Name::ChangePuk, answer)
    }

    /// Sets a new PIN with the PUK and gives all tries back.
    ///
    /// # Errors
    /// [`super::Reason::WrongPuk`], [`super::Reason::PukBlocked`].
    pub fn unblock_pin(&mut self, puk: &Puk, new: &Pin) -> Result<(), PivError> {
        reset_retry_counter::parse(self.ask(&reset_retry_counter::command(puk, new), 0)?)
    }

    /// Makes a P-256 key pair and answers its public point, uncompressed. Needs the management key.
    ///
    /// # Errors
    /// [`super::Reason::SecurityStatusNotSatisfied`] without it.
    pub fn generate_key(&mut self, slot: Slot) -> Result<[u8; generate::POINT_BYTES], PivError> {
        generate::parse(self.ask(&generate::command(slot), generate::ANSWER_MAX)?)
    }

    /// Signs a SHA-256 hash; the signature is DER. 9A needs the PIN once before, 9C right before.
    ///
    /// # Errors
    /// [`super::Reason::SecurityStatusNotSatisfied`] without the PIN.
    pub fn sign(&mut self, slot: Slot, hash: &[u8; 32]) -> Result<Vec<u8>, PivError> {
        let answer = self.ask(&general_authenticate::sign(slot, hash), general_authenticate::ANSWER_MAX)?;
        general_authenticate::parse_signature(answer)
    }

    /// Shows the PIN and signs, with nothing between the two: the link is exclusive.
    ///
    /// # Errors
    /// As [`Self::verify_pin`] and [`Self::sign`].
    pub fn sign_with_pin(&mut self, slot: Slot, pin: &Pin, hash: &[u8; 32]) -> Result<Vec<u8>, PivError> {
        self.verify_pin(pin)?;
        self.sign(slot, hash)
    }

    /// First half of mutual authentication with the management key: the card's encrypted witness. Costs no try.
    ///
    /// # Errors
    /// [`super::Reason::WrongParameters`] or the like when the key is of another algorithm.
    pub fn management_witness(&mut self, algorithm: ManagementAlgorithm) -> Result<Vec<u8>, PivError> {
        let command = general_authenticate::ask_witness(algorithm);
        let answer = self.ask(&command, general_authenticate::ANSWER_MAX)?;
        general_authenticate::parse_witness(algorithm, answer)
    }

    /// Second half: shows the decrypted witness and answers the card's encrypted challenge, which whoever holds the
    /// key must compare with its own.
    ///
    /// # Errors
    /// The card refuses a wrong witness.
    pub fn management_respond(
        &mut self,
        algorithm: ManagementAlgorithm,
        witness: &[u8],
        challenge: &[u8],
    ) -> Result<Vec<u8>, PivError> {
        let command = general_authenticate::respond(algorithm, witness, challenge);
        let answer = self.ask(&command, general_authenticate::ANSWER_MAX)?;
        general_authenticate::parse_response(algorithm, answer)
    }

    /// Both halves with a key that is here. `randomness` is cut to the cipher's block size.
    ///
    /// # Errors
    /// The card refuses a wrong key; [`Malformation::ManagementKeyNotProven`] when the card has none itself.
    pub fn authenticate_management(&mut self, key: &ManagementKey, randomness: &[u8; 16]) -> Result<(), PivError> {
        let algorithm = key.algorithm();
        let challenge = &randomness[..management::block_bytes(algorithm)];
        let encrypted = self.management_witness(algorithm)?;
        let witness = key.decrypt(&encrypted).expect("a witness is one block");
        let response = self.management_respond(algorithm, &witness, challenge)?;
        if key.encrypt(challenge).expect("a challenge is one block") == response {
            Ok(())
        } else {
            Err(PivError::malformed(Name::AuthenticateManagement, Malformation::ManagementKeyNotProven))
        }
    }

    /// Sets another management key; the old one must have been authenticated (vendor extension).
    ///
    /// # Errors
    /// [`super::Reason::SecurityStatusNotSatisfied`] without the old one.
    pub fn set_management_key(&mut self, key: &ManagementKey) -> Result<(), PivError> {
        vendor::parse_set_management_key(self.ask(&vendor::set_management_key(key), 0)?)
    }

    /// Puts the application back to factory state (vendor extension). Everything on it is lost.
    ///
    /// # Errors
    /// [`super::Reason::ConditionsNotSatisfied`] unless PIN and PUK are both blocked.
    pub fn reset_application(&mut self) -> Result<(), PivError> {
        vendor::parse_reset(self.ask(&vendor::reset(), 0)?)
    }

    /// What the card says of a key reference (vendor extension).
    ///
    /// # Errors
    /// [`super::Reason::InstructionNotSupported`] on cards without it.
    pub fn metadata(&mut self, key_reference: u8) -> Result<Metadata, PivError> {
        vendor::parse_metadata(self.ask(&vendor::get_metadata(key_reference), vendor::ANSWER_MAX)?)
    }
}

#[cfg(test)]
mod tests;
