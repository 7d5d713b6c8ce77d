//! Sealing and finding: a key for each person, and the blind index of document numbers.

use card_schema::ids::HolderId;
use ring::hmac;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::model::{Facts, Field};
use super::store::SealedPerson;
use crate::http::Refusal;
pub(super) use crate::keys::seal::{SealingKey, derived, place};
use crate::keys::{KeyError, KeyStore, Role, seal};

fn wrapping_key(keys: &dyn KeyStore, holder: HolderId) -> Result<SealingKey, KeyError> {
    derived(keys, b"nrc/person-key/v1", holder.as_bytes())
}

/// The person's key as it is stored.
pub(super) fn wrap(
    keys: &dyn KeyStore,
    holder: HolderId,
    key: &SealingKey,
    nonce: [u8; 12],
) -> Result<Vec<u8>, KeyError> {
    Ok(seal::seal(&*wrapping_key(keys, holder)?, nonce, &place(holder.as_bytes(), "person_key", "wrapped"), &**key))
}

/// The person's key from its stored form.
pub(super) fn unwrap(keys: &dyn KeyStore, holder: HolderId, wrapped: &[u8]) -> Result<SealingKey, KeyError> {
    let opened = seal::open(&*wrapping_key(keys, holder)?, &place(holder.as_bytes(), "person_key", "wrapped"), wrapped)
        .map_err(|_| KeyError::WrongKey)?;
    let mut key = Zeroizing::new([0; 32]);
    if opened.len() != key.len() {
        return Err(KeyError::Malformed("a person's key is not 32 bytes long"));
    }
    key.copy_from_slice(&opened);
    Ok(key)
}

/// A field as it is stored.
pub(super) fn seal_field(key: &SealingKey, holder: HolderId, field: Field, text: &str, nonce: [u8; 12]) -> Vec<u8> {
    seal::seal(key, nonce, &place(holder.as_bytes(), "person_fact", field.name()), text.as_bytes())
}

/// A field in clear.
pub(super) fn open_field(
    key: &SealingKey,
    holder: HolderId,
    field: Field,
    sealed: &[u8],
) -> Result<Zeroizing<String>, KeyError> {
    let opened = seal::open(key, &place(holder.as_bytes(), "person_fact", field.name()), sealed)
        .map_err(|_| KeyError::WrongKey)?;
    let text = std::str::from_utf8(&opened).map_err(|_| KeyError::Malformed("a sealed text is not UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// All that is known of a person, for deciding and never for showing: reading is `reveal`'s.
pub(super) fn open(key: &SealingKey, holder: HolderId, person: &SealedPerson) -> Result<Facts, KeyError> {
    let mut facts = Facts::default();
    for (field, sealed) in &person.facts {
        facts.set(*field, open_field(key, holder, *field, sealed)?.as_str());
    }
    Ok(facts)
}

/// Where a document number is found, without saying what it is.
pub(super) fn blind(keys: &dyn KeyStore, document_kind: &str, number: &str) -> Result<[u8; 32], KeyError> {
    let key = keys.derive(Role::BlindIndex, b"nrc/document-number/v1", 32)?;
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    context.update(document_kind.as_bytes());
    context.update(&[0]);
    context.update(number.as_bytes());
    Ok(context.sign().as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes"))
}

/// Something that was typed and is no record yet, as it is stored.
pub(super) fn seal_typed<T: Serialize>(
    key: &SealingKey,
    place: &[u8],
    typed: &T,
    nonce: [u8; 12],
) -> Result<Vec<u8>, Refusal> {
    let plain = Zeroizing::new(serde_json::to_vec(typed).map_err(Refusal::internal)?);
    Ok(seal::seal(key, nonce, place, &plain))
}

/// Something that was typed, from its stored form.
pub(super) fn open_typed<T: DeserializeOwned>(key: &SealingKey, place: &[u8], sealed: &[u8]) -> Result<T, Refusal> {
    let opened = seal::open(key, place, sealed).map_err(|_| KeyError::WrongKey)?;
    serde_json::from_slice(&opened).map_err(Refusal::internal)
}
