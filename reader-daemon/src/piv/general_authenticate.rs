//! GENERAL AUTHENTICATE (SP 800-73-5 part 2, 3.2.4): signatures, and the two halves of mutual authentication with
//! the management key. Holds no key: whoever has it computes the answers (`management`, or the service).

use card_schema::{
    card::{Slot, tlv},
    wire::issuance::ManagementAlgorithm,
};

use super::{
    management,
    status::{Malformation, Name, PivError, accepted},
};
use crate::card::apdu::{Answer, Command, ins};

/// ECC P-256 (SP 800-78-5, 6.2 and table 9).
pub(crate) const ALGORITHM_P256: u8 = 0x11;
/// Longest answer: a signature of 72 bytes in its template, with room to spare.
pub(crate) const ANSWER_MAX: usize = 256;
/// Longest DER signature over P-256: two integers of 33 bytes, each with tag and length, in a sequence.
const SIGNATURE_MAX: usize = 72;
/// Shortest: two integers of one byte.
const SIGNATURE_MIN: usize = 8;

/// Tags of the dynamic authentication template (part 2, 3.2.4).
mod tag {
    pub(super) const TEMPLATE: u32 = 0x7C;
    pub(super) const WITNESS: u32 = 0x80;
    pub(super) const CHALLENGE: u32 = 0x81;
    pub(super) const RESPONSE: u32 = 0x82;
}

fn command(algorithm: u8, slot: Slot, objects: &[(u32, &[u8])]) -> Command {
    let length = objects.iter().map(|(tag, value)| tlv::encoded_len(*tag, value.len())).sum();
    let mut data = Vec::with_capacity(tlv::encoded_len(tag::TEMPLATE, length));
    tlv::push_header(&mut data, tag::TEMPLATE, length);
    for (tag, value) in objects {
        tlv::push(&mut data, *tag, value);
    }
    Command::new(0x00, ins::GENERAL_AUTHENTICATE, algorithm, slot.key_reference()).data(data).answer()
}

/// A signature over a SHA-256 hash (part 2, appendix A.4.2).
pub(crate) fn sign(slot: Slot, hash: &[u8; 32]) -> Command {
    command(ALGORITHM_P256, slot, &[(tag::RESPONSE, &[]), (tag::CHALLENGE, hash)])
}

/// The signature, in DER as the card gave it. Only its shape is checked here; whoever uses it verifies it.
pub(crate) fn parse_signature(answer: Answer) -> Result<Vec<u8>, PivError> {
    let signature = object(Name::Sign, answer, tag::RESPONSE)?;
    let has_der_shape = matches!(signature[..], [0x30, length, ..] if usize::from(length) + 2 == signature.len());
    if has_der_shape && (SIGNATURE_MIN..=SIGNATURE_MAX).contains(&signature.len()) {
        Ok(signature)
    } else {
        let cause = Malformation::Length { what: "the signature", length: signature.len() };
        Err(PivError::malformed(Name::Sign, cause))
    }
}

/// First half of mutual authentication: asks for a witness (part 2, appendix A.2).
pub(crate) fn ask_witness(algorithm: ManagementAlgorithm) -> Command {
    command(management::reference(algorithm), Slot::Management, &[(tag::WITNESS, &[])])
}

/// The witness, encrypted under the management key: one block of the cipher.
pub(crate) fn parse_witness(algorithm: ManagementAlgorithm, answer: Answer) -> Result<Vec<u8>, PivError> {
    let witness = object(Name::AuthenticateManagement, answer, tag::WITNESS)?;
    one_block(algorithm, "the witness", witness)
}

/// Second half: the decrypted witness, and a challenge for the card. Without the empty `82` of the example in
/// appendix A.2: Nitrokey's card refuses one here, and answers without it.
pub(crate) fn respond(algorithm: ManagementAlgorithm, witness: &[u8], challenge: &[u8]) -> Command {
    let objects = [(tag::WITNESS, witness), (tag::CHALLENGE, challenge)];
    command(management::reference(algorithm), Slot::Management, &objects)
}

/// The challenge, encrypted under the management key: one block of the cipher.
pub(crate) fn parse_response(algorithm: ManagementAlgorithm, answer: Answer) -> Result<Vec<u8>, PivError> {
    let response = object(Name::AuthenticateManagement, answer, tag::RESPONSE)?;
    one_block(algorithm, "the response", response)
}

fn one_block(algorithm: ManagementAlgorithm, what: &'static str, block: Vec<u8>) -> Result<Vec<u8>, PivError> {
    if block.len() == management::block_bytes(algorithm) {
        Ok(block)
    } else {
        let cause = Malformation::Length { what, length: block.len() };
        Err(PivError::malformed(Name::AuthenticateManagement, cause))
    }
}

fn object(name: Name, answer: Answer, tag: u32) -> Result<Vec<u8>, PivError> {
    let data = accepted(name, answer)?;
    tlv::only(&data, tag::TEMPLATE)
        .and_then(|template| tlv::find(template, tag))
        .map(<[u8]>::to_vec)
        .map_err(|error| PivError::malformed(name, error))
}
