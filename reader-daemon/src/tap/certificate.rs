//! Is this certificate one of ours, for this card and this key? Verified to the issuer's root without any network.
//!
//! Proves nothing about the chip: certificates can be copied. Only a fresh signature with the key does.

use std::time::Duration;

use card_schema::{
    card::{ObjectTag, Slot, tlv},
    clock::Micros,
    envelope::PublicKey,
    ids::CardId,
    wire::terminal::Trust,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::{
    extensions::{ExtendedKeyUsage, GeneralName},
    prelude::X509Certificate,
};

use crate::outbox::KnownCard;

/// The certificate inside a PIV certificate object (SP 800-73-5 part 1, tables 11, 16 and 18).
const CERTIFICATE_TAG: u32 = 0x70;
/// id-PIV-cardAuth, 2.16.840.1.101.3.6.8 (FIPS 201-3, table B-3), as the content of a DER object identifier.
const CARD_AUTH: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x06, 0x08];
/// id-kp-clientAuth, 1.3.6.1.5.5.7.3.2.
const CLIENT_AUTH: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// Why a card's certificate is not taken for ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The card has no certificate there.
    #[error("the card has no certificate for this key")]
    Missing,
    /// The object or the certificate cannot be read.
    #[error("the certificate cannot be read")]
    Malformed,
    /// It does not lead to the issuer's root: a card of somebody else's.
    #[error("the certificate is not of this issuer: {0}")]
    Foreign(String),
    /// Not valid now, by the terminal's clock.
    #[error("the certificate is not valid now")]
    NotValidNow {
        /// Whether its validity is over, rather than not begun.
        expired: bool,
    },
    /// It is for another card than the CHUID names.
    #[error("the certificate is another card's")]
    OtherCard,
    /// It is for another kind of key: a tap key may not pass for the one that needs the PIN.
    #[error("the certificate is for another kind of key")]
    OtherUse,
}

/// The object that holds a slot's certificate.
pub const fn object(slot: Slot) -> ObjectTag {
    match slot {
        Slot::SignIn => ObjectTag::CERTIFICATE_SIGN_IN,
        Slot::Approve => ObjectTag::CERTIFICATE_APPROVE,
        Slot::Tap | Slot::Management => ObjectTag::CERTIFICATE_TAP,
    }
}

/// The certificate in DER inside a certificate object's contents.
///
/// # Errors
/// [`CertificateError::Malformed`].
pub fn in_object(contents: &[u8]) -> Result<&[u8], CertificateError> {
    tlv::find(contents, CERTIFICATE_TAG).map_err(|_| CertificateError::Malformed)
}

/// Verifies a certificate (DER) to the issuer's root through its card CAs, and that it is this card's for this slot.
///
/// # Errors
/// [`CertificateError`].
pub fn verify(der: &[u8], card: CardId, slot: Slot, trust: &Trust, now: Micros) -> Result<KnownCard, CertificateError> {
    let root = CertificateDer::from(trust.root.0.as_slice());
    let anchor = webpki::anchor_from_trusted_cert(&root).map_err(read_error)?;
    let issuers: Vec<CertificateDer<'_>> =
        trust.card_cas.iter().map(|ca| CertificateDer::from(ca.0.as_slice())).collect();
    let certificate = CertificateDer::from(der);
    let end_entity = webpki::EndEntityCert::try_from(&certificate).map_err(read_error)?;
    let at = UnixTime::since_unix_epoch(Duration::from_micros(u64::try_from(now.0).unwrap_or_default()));
    // Where present: webpki asks it of the card CA too, which has none. The card's own is asked for below.
    let wanted = extended_usage(slot);
    let usage = webpki::KeyUsage::required_if_present(wanted.unwrap_or_default());
    end_entity
        .verify_for_usage(&[webpki::ring::ECDSA_P256_SHA256], &[anchor], &issuers, at, usage, None, None)
        .map_err(read_error)?;

    let (_, parsed) = x509_parser::parse_x509_certificate(der).map_err(|_| CertificateError::Malformed)?;
    let usage = parsed.key_usage().map_err(|_| CertificateError::Malformed)?;
    let commits = usage.is_some_and(|usage| usage.value.non_repudiation());
    if commits != (slot == Slot::Approve) {
        return Err(CertificateError::OtherUse);
    }
    let extended = parsed.extended_key_usage().map_err(|_| CertificateError::Malformed)?;
    let has = |oid: &[u8]| {
        let known = |usage: &ExtendedKeyUsage<'_>| usage.client_auth && oid == CLIENT_AUTH;
        extended
            .as_ref()
            .is_some_and(|usage| known(usage.value) || usage.value.other.iter().any(|other| other.as_bytes() == oid))
    };
    if wanted.is_some_and(|oid| !has(oid)) {
        return Err(CertificateError::OtherUse);
    }
    if !names(&parsed, card)? {
        return Err(CertificateError::OtherCard);
    }
    let key = PublicKey::from_spki(parsed.public_key().raw).map_err(|_| CertificateError::Malformed)?;
    let expires = Micros::from_seconds(parsed.validity().not_after.timestamp());
    Ok(KnownCard { key, expires })
}

/// The extended usage that a slot's certificate must have. 9C has none; whichever it had would be another key's.
const fn extended_usage(slot: Slot) -> Option<&'static [u8]> {
    match slot {
        Slot::Tap | Slot::Management => Some(CARD_AUTH),
        Slot::SignIn => Some(CLIENT_AUTH),
        Slot::Approve => None,
    }
}

fn read_error(error: webpki::Error) -> CertificateError {
    match error {
        webpki::Error::CertExpired { .. } => CertificateError::NotValidNow { expired: true },
        webpki::Error::CertNotValidYet { .. } => CertificateError::NotValidNow { expired: false },
        webpki::Error::RequiredEkuNotFoundContext(_) => CertificateError::OtherUse,
        webpki::Error::BadDer | webpki::Error::BadDerTime => CertificateError::Malformed,
        other => CertificateError::Foreign(format!("{other:?}")),
    }
}

/// Whether the certificate's alternative name is the card's UUID (FIPS 201-3, 4.2.2.1 and 4.2.2.2).
fn names(certificate: &X509Certificate<'_>, card: CardId) -> Result<bool, CertificateError> {
    let names = certificate.subject_alternative_name().map_err(|_| CertificateError::Malformed)?;
    let wanted = format!("urn:uuid:{card}");
    Ok(names.is_some_and(|names| {
        names.value.general_names.iter().any(|name| matches!(name, GeneralName::URI(uri) if *uri == wanted))
    }))
}
