//! Certificates: root, card CA, terminal CA, the TLS server's, terminals' and cards'.
//!
//! Issues them; keeps none (files are `cli::init`'s, rows are `terminals` and `cards`). Signing goes
//! through the key store. Every certificate's serial comes from what it certifies and since when, so
//! issuing has no randomness beside ECDSA's own.

use card_schema::card::Slot;
use card_schema::clock::Micros;
use card_schema::envelope::PublicKey;
use card_schema::ids::{CardId, TerminalId};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm,
    SigningKey,
};
use ring::digest;
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer};
use time::OffsetDateTime;

use super::{KeyError, KeyStore, Role, der};

/// Seconds in a day.
const DAY: i64 = 86_400;
/// Clocks differ: a certificate is valid from five minutes before it is made.
const BACKDATED_SECONDS: i64 = 300;
/// The issuer's root.
const ROOT_DAYS: i64 = 25 * 365;
/// The CAs below it: as long as the longest card and the time to change over.
const CA_DAYS: i64 = 15 * 365;
/// The TLS server's certificate; browsers refuse more than 398 days.
pub const TLS_DAYS: i64 = 397;
/// A terminal's certificate, which it renews by itself.
pub const TERMINAL_DAYS: i64 = 90;

/// id-PIV-cardAuth (FIPS 201-3, table B-3): the extended key usage of a 9E certificate.
const PIV_CARD_AUTH: [u64; 8] = [2, 16, 840, 1, 101, 3, 6, 8];

/// Why a certificate was not issued.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The request is not PKCS #10, not signed by the key it names, or not for a P-256 key.
    #[error("not a certificate request for a P-256 key, signed by that key")]
    Request,
    /// The key store refused.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A host name that no certificate can carry.
    #[error("{0:?} is neither a host name nor an IP address")]
    Host(String),
    /// The certificate could not be built.
    #[error("cannot build the {0} certificate")]
    Build(&'static str, #[source] rcgen::Error),
}

/// A role's key, seen by rcgen as something that signs.
#[derive(Debug)]
struct RoleKey<'a> {
    keys: &'a dyn KeyStore,
    role: Role,
    public: Vec<u8>,
}

impl<'a> RoleKey<'a> {
    fn new(keys: &'a dyn KeyStore, role: Role) -> Result<Self, KeyError> {
        Ok(Self { keys, role, public: keys.public(role)? })
    }
}

impl PublicKeyData for RoleKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for RoleKey<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let raw = self.keys.sign(self.role, message).map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(der::ecdsa_signature(&raw))
    }
}

/// A public key that is certified but not held here.
struct Subject<'a>(&'a PublicKey);

impl PublicKeyData for Subject<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.as_sec1()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

/// The issuer's own certificates. All are public.
#[derive(Clone, Debug)]
pub struct Authorities {
    /// Self-signed.
    pub root: CertificateDer<'static>,
    /// Signed by the root; signs cards' certificates.
    pub card_ca: CertificateDer<'static>,
    /// Signed by the root; signs terminals' certificates.
    pub terminal_ca: CertificateDer<'static>,
}

impl Authorities {
    /// Issues all three, valid from `now`.
    pub fn issue(keys: &dyn KeyStore, now: Micros) -> Result<Self, PkiError> {
        let root_key = RoleKey::new(keys, Role::Root)?;
        let root = authority("New Resident Card Root", &root_key, 1, now, ROOT_DAYS)
            .self_signed(&root_key)
            .map_err(|error| PkiError::Build("root", error))?
            .der()
            .clone();
        let issuer = Issuer::from_ca_cert_der(&root, root_key).map_err(|error| PkiError::Build("root", error))?;
        let below = |name: &'static str, role| -> Result<CertificateDer<'static>, PkiError> {
            let key = RoleKey::new(keys, role)?;
            let certificate = authority(name, &key, 0, now, CA_DAYS).signed_by(&key, &issuer);
            Ok(certificate.map_err(|error| PkiError::Build(name, error))?.der().clone())
        };
        let card_ca = below("New Resident Card CA", Role::CardCa)?;
        let terminal_ca = below("New Resident Card Terminal CA", Role::TerminalCa)?;
        Ok(Self { root, card_ca, terminal_ca })
    }

    /// The TLS server's certificate for these host names and addresses.
    pub fn tls_server(
        &self,
        keys: &dyn KeyStore,
        hosts: &[String],
        now: Micros,
    ) -> Result<CertificateDer<'static>, PkiError> {
        let key = RoleKey::new(keys, Role::Tls)?;
        let mut params = leaf("New Resident Card service", &key.public, now, now.plus_seconds(TLS_DAYS * DAY));
        for host in hosts {
            params.subject_alt_names.push(match host.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(host.as_str().try_into().map_err(|_| PkiError::Host(host.clone()))?),
            });
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.signed(keys, Role::Root, &params, &key, "TLS")
    }

    /// A terminal's client certificate from its own request; everything but the public key is ours to say. The
    /// request's signature proves that the terminal holds the key.
    pub fn terminal(
        &self,
        keys: &dyn KeyStore,
        terminal: TerminalId,
        request: &[u8],
        now: Micros,
    ) -> Result<(PublicKey, CertificateDer<'static>), PkiError> {
        let request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(request))
            .map_err(|_| PkiError::Request)?;
        if request.public_key.algorithm() != &rcgen::PKCS_ECDSA_P256_SHA256 {
            return Err(PkiError::Request);
        }
        let public = PublicKey::from_sec1(request.public_key.der_bytes()).map_err(|_| PkiError::Request)?;
        let mut params = leaf(&terminal.to_string(), public.as_sec1(), now, now.plus_seconds(TERMINAL_DAYS * DAY));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = self.signed(keys, Role::TerminalCa, &params, &Subject(&public), "terminal")?;
        Ok((public, certificate))
    }

    /// A card's certificate for one slot. It carries the card's id and no name: anyone may read it without a PIN.
    pub fn card(
        &self,
        keys: &dyn KeyStore,
        card: CardId,
        slot: Slot,
        public: &PublicKey,
        now: Micros,
        expires: Micros,
    ) -> Result<CertificateDer<'static>, PkiError> {
        let mut params = leaf(&card.to_string(), public.as_sec1(), now, expires);
        let name = format!("urn:uuid:{card}");
        params.subject_alt_names =
            vec![SanType::URI(name.as_str().try_into().map_err(|_| PkiError::Host(name.clone()))?)];
        match slot {
            Slot::SignIn => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
            Slot::Approve => params.key_usages.push(KeyUsagePurpose::ContentCommitment),
            Slot::Tap | Slot::Management => {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(PIV_CARD_AUTH.to_vec())];
            }
        }
        self.signed(keys, Role::CardCa, &params, &Subject(public), "card")
    }

    fn signed(
        &self,
        keys: &dyn KeyStore,
        role: Role,
        params: &CertificateParams,
        subject: &impl PublicKeyData,
        what: &'static str,
    ) -> Result<CertificateDer<'static>, PkiError> {
        let certificate = match role {
            Role::CardCa => &self.card_ca,
            Role::TerminalCa => &self.terminal_ca,
            _ => &self.root,
        };
        Issuer::from_ca_cert_der(certificate, RoleKey::new(keys, role)?)
            .and_then(|issuer| params.signed_by(subject, &issuer))
            .map(|certificate| certificate.der().clone())
            .map_err(|error| PkiError::Build(what, error))
    }
}

/// A certificate as text (RFC 7468).
pub fn pem(certificate: &CertificateDer<'_>) -> String {
    pem_text("CERTIFICATE", certificate)
}

/// A public key as text (RFC 7468).
pub fn public_key_pem(key: &PublicKey) -> String {
    pem_text("PUBLIC KEY", &key.to_spki())
}

fn pem_text(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let body = base64::prelude::BASE64_STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in body.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

fn authority(name: &str, key: &RoleKey<'_>, below: u8, now: Micros, days: i64) -> CertificateParams {
    let mut params = leaf(name, &key.public, now, now.plus_seconds(days * DAY));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // The card CA signs the cards' security objects as well, which takes this usage (RFC 5652, RFC 5280 §4.2.1.3).
    if key.role == Role::CardCa {
        params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    }
    params
}

fn leaf(name: &str, public: &[u8], now: Micros, expires: Micros) -> CertificateParams {
    let from = now.plus_seconds(-BACKDATED_SECONDS);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(serial(name, public, from));
    params.not_before = moment(from);
    params.not_after = moment(expires);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params
}

/// 16 bytes, positive and without leading zeros (RFC 5280 §4.1.2.2).
fn serial(name: &str, public: &[u8], from: Micros) -> SerialNumber {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(name.as_bytes());
    hash.update(public);
    hash.update(&from.0.to_be_bytes());
    let mut bytes: Vec<u8> = hash.finish().as_ref()[..16].to_vec();
    bytes[0] = bytes[0] & 0x7f | 0x40;
    SerialNumber::from(bytes)
}

fn moment(at: Micros) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
    use rustls::RootCertStore;
    use rustls::server::WebPkiClientVerifier;
    use std::sync::Arc;

    use super::super::file::{FileStore, Opener};
    use super::*;
    use crate::clock::now;

    fn store() -> (tempfile::TempDir, FileStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::create(folder.path(), &Opener::choose(folder.path(), None, None)).unwrap();
        (folder, store)
    }

    #[test]
    fn a_terminal_gets_a_certificate_that_the_terminal_ca_vouches_for() {
        let (_folder, keys) = store();
        let authorities = Authorities::issue(&keys, now()).unwrap();
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let request = CertificateParams::default().serialize_request(&pair).unwrap();
        let terminal = TerminalId(uuid::Uuid::from_u128(7));
        let (public, certificate) = authorities.terminal(&keys, terminal, request.der(), now()).unwrap();
        assert_eq!(public.as_sec1().as_slice(), pair.public_key_raw());

        let mut anchors = RootCertStore::empty();
        anchors.add(authorities.terminal_ca.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(anchors), provider).build().unwrap();
        let at = rustls::pki_types::UnixTime::now();
        verifier.verify_client_cert(&certificate, &[], at).unwrap();
        let other = authorities.tls_server(&keys, &["localhost".to_owned()], now()).unwrap();
        assert!(verifier.verify_client_cert(&other, &[], at).is_err(), "the server's own certificate is no terminal's");
    }

    #[test]
    fn a_request_without_proof_of_possession_gets_nothing() {
        let (_folder, keys) = store();
        let authorities = Authorities::issue(&keys, now()).unwrap();
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut request = CertificateParams::default().serialize_request(&pair).unwrap().der().to_vec();
        *request.last_mut().unwrap() ^= 1;
        let terminal = TerminalId(uuid::Uuid::from_u128(7));
        assert!(matches!(authorities.terminal(&keys, terminal, &request, now()), Err(PkiError::Request)));
        let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let request = CertificateParams::default().serialize_request(&pair).unwrap();
        assert!(matches!(authorities.terminal(&keys, terminal, request.der(), now()), Err(PkiError::Request)));
    }
}
