//! From what the journal wants to what the daemon is sent: the place where secrets, certificates and objects come in.

use card_schema::card::Slot;
use card_schema::envelope::PublicKey;
use card_schema::wire::issuance::{KeySlot, Step};
use card_schema::wire::{Bytes, SecretBytes};
use zeroize::Zeroizing;

use super::journal::{InPlace, Journal, Object, Want};
use super::management::{self, ManagementKey};
use super::{objects, security};
use crate::app::App;
use crate::cards::{Bearer, Card, CardKeys, consent, store};
use crate::db::{DbError, Tx};
use crate::domains::residence;
use crate::http::Refusal;
use crate::i18n::Locale;
use crate::people::member;

/// The management key that a want speaks of.
pub(super) fn management_key(
    app: &App,
    card: &Card,
    journal: &Journal,
    key: InPlace,
) -> Result<ManagementKey, Refusal> {
    Ok(match key {
        InPlace::Factory => ManagementKey::factory(journal.algorithm),
        InPlace::Ours => ManagementKey::of_card(&*app.keys, card.card_id)?,
    })
}

/// The step for what the journal wants.
pub(super) async fn step(app: &App, tx: &mut Tx, card: &Card, journal: &Journal) -> Result<Step, Refusal> {
    Ok(match &journal.asked {
        Want::ReadCard => Step::ReadCard,
        Want::Witness { key } => {
            Step::ManagementWitness { algorithm: management_key(app, card, journal, *key)?.algorithm() }
        }
        Want::Respond { key, witness, challenge } => {
            let key = management_key(app, card, journal, *key)?;
            let clear = key.decrypt(witness).ok_or_else(|| Refusal::malformed("the witness is not one block"))?;
            Step::ManagementRespond {
                algorithm: key.algorithm(),
                witness: SecretBytes(clear.to_vec()),
                challenge: Bytes(challenge[..key.block_bytes()].to_vec()),
            }
        }
        Want::SetManagementKey => Step::SetManagementKey {
            algorithm: ManagementKey::of_card(&*app.keys, card.card_id)?.algorithm(),
            key: SecretBytes(management::management_key(&*app.keys, card.card_id)?.to_vec()),
        },
        Want::SetPuk { old } => {
            let new = management::puk(&*app.keys, card.card_id, 0)?;
            let old = match old {
                InPlace::Factory => management::FACTORY_PUK.to_vec(),
                InPlace::Ours => new.to_vec(),
            };
            Step::SetPuk { old: SecretBytes(old), new: SecretBytes(new.to_vec()) }
        }
        Want::Generate { slot } => Step::GenerateKey { slot: *slot },
        Want::SetPin => Step::SetPin,
        Want::TryFactoryPin => Step::TryFactoryPin,
        Want::Prove { slot, challenge } => Step::ProvePossession { slot: *slot, challenge: Bytes(challenge.to_vec()) },
        Want::Put { object } => {
            Step::PutObject { tag: object.tag().0, data: Bytes(content(app, tx, card, journal, *object).await?) }
        }
        Want::Consent => {
            let sent = consent::store::newest(tx.conn(), card.card_id).await?;
            let sent = sent.ok_or(DbError::Unreadable("a consent that is asked for and not on record"))?;
            Step::Consent { card_id: card.card_id, text: sent.text.words().to_owned() }
        }
        Want::Reset { .. } => Step::Reset,
        Want::Finished => Step::Finished,
        Want::Failed { failure, reset } => {
            let key = failure.text_key();
            let reason = format!("{} / {}", Locale::ZhCn.text(key), Locale::En.text(key));
            Step::Failed { reason, reset: *reset }
        }
    })
}

/// What an object holds for this card.
async fn content(app: &App, tx: &mut Tx, card: &Card, journal: &Journal, object: Object) -> Result<Vec<u8>, Refusal> {
    Ok(match object {
        Object::Chuid => objects::chuid(card.card_id, card.expires_at),
        Object::TapCertificate => certificate(app, tx, card, Slot::Tap).await?,
        Object::SignInCertificate => certificate(app, tx, card, Slot::SignIn).await?,
        Object::ApproveCertificate => certificate(app, tx, card, Slot::Approve).await?,
        Object::Capabilities => objects::capabilities(card.card_id),
        Object::Printed => {
            let name = match card.bearer {
                Bearer::Holder(holder) => residence::name_for_card(app, tx, holder).await?,
                Bearer::Staff(staff) => {
                    let member = member::store::one(tx.conn(), staff).await?;
                    Zeroizing::new(member.ok_or(DbError::Unreadable("a card of nobody"))?.staff.name)
                }
            };
            objects::printed(&name, card.card_id, card.expires_at, "NRC")
        }
        Object::Photo => {
            let photo = match card.bearer {
                Bearer::Holder(holder) => residence::photo_for_card(app, tx, holder).await?,
                Bearer::Staff(_) => None,
            };
            objects::photo(photo.as_deref().map(Vec::as_slice), card.created_at, card.expires_at)
        }
        Object::Security => {
            let mut hashed = Vec::new();
            for object in journal.secured() {
                hashed.push((object, Box::pin(content(app, tx, card, journal, object)).await?));
            }
            security::security_object(&*app.keys, &app.authorities, &hashed).map_err(Refusal::internal)?
        }
    })
}

/// The certificate object of a slot: made once for a key, the same bytes again after a tear.
async fn certificate(app: &App, tx: &mut Tx, card: &Card, slot: Slot) -> Result<Vec<u8>, Refusal> {
    let keys = keys_of(tx, card).await?;
    let key = keys.get(slot).ok_or(DbError::Unreadable("a key that is proven and not on record"))?;
    if let Some(der) = store::certificate(tx, card.card_id, slot, key).await? {
        return Ok(objects::certificate(&der));
    }
    let now = app.now();
    let der = app.authorities.card(&*app.keys, card.card_id, slot, key, now, card.expires_at)?;
    store::keep_certificate(tx, now, card.card_id, slot, key, &der).await?;
    Ok(objects::certificate(&der))
}

/// The public keys of a card that is being issued.
pub(super) async fn keys_of(tx: &mut Tx, card: &Card) -> Result<CardKeys, DbError> {
    let found = store::load_for_intake(tx.conn(), &[card.card_id]).await?;
    Ok(found.get(&card.card_id).map(|card| card.keys).unwrap_or_default())
}

/// The public key in one slot of a card that is being issued.
pub(super) async fn key_of(tx: &mut Tx, card: &Card, slot: KeySlot) -> Result<Option<PublicKey>, DbError> {
    Ok(keys_of(tx, card).await?.get(slot.into()).copied())
}
