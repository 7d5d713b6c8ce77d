//! The security object, 5FC106: hashes of the other objects, signed by the card CA (SP 800-73-5 part 1, §3.1.7).
//!
//! The content is an ICAO LDS security object in a CMS `SignedData` (RFC 5652) without certificates: whoever verifies it
//! has the card CA's certificate anyway. Knows nothing of where the objects come from.

use cms::cert::IssuerAndSerialNumber;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    EncapsulatedContentInfo, SignedAttributes, SignedData, SignerIdentifier, SignerInfo, SignerInfos,
};
use der::asn1::{Any, ObjectIdentifier, OctetString, SetOfVec};
use der::{Decode, Encode, Sequence};
use ring::digest;
use spki::AlgorithmIdentifierOwned;
use x509_cert::Certificate;
use x509_cert::attr::Attribute;

use super::journal::Object;
use crate::keys::der::ecdsa_signature;
use crate::keys::pki::Authorities;
use crate::keys::{KeyError, KeyStore, Role};
use card_schema::card::tlv;

const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const ECDSA_WITH_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
/// id-icao-ldsSecurityObject as PIV validators expect it (SP 800-85B, AS06.04.06).
const LDS_SECURITY_OBJECT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.27.1.1.1");

/// ICAO 9303 part 10, §4.6.2.3.
#[derive(Sequence)]
struct LdsSecurityObject {
    version: u8,
    hash_algorithm: AlgorithmIdentifierOwned,
    hashes: Vec<DataGroupHash>,
}

#[derive(Sequence)]
struct DataGroupHash {
    number: u8,
    hash: OctetString,
}

/// Why the security object was not made.
#[derive(Debug, thiserror::Error)]
pub enum SecurityError {
    /// The structure could not be encoded.
    #[error("the security object cannot be encoded")]
    Der(#[from] der::Error),
    /// The key store refused.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The object's content for these other objects, each as it is written to the chip.
pub fn security_object(
    keys: &dyn KeyStore,
    authorities: &Authorities,
    objects: &[(Object, Vec<u8>)],
) -> Result<Vec<u8>, SecurityError> {
    let mut mapping = Vec::with_capacity(objects.len() * 3);
    let mut hashes = Vec::with_capacity(objects.len());
    for (number, (object, content)) in (1_u8..).zip(objects) {
        mapping.push(number);
        mapping.extend(object.container());
        hashes.push(DataGroupHash { number, hash: OctetString::new(sha256(content))? });
    }
    let content = LdsSecurityObject { version: 0, hash_algorithm: algorithm(SHA_256), hashes }.to_der()?;
    let signed = sign(keys, &authorities.card_ca, &content)?;
    let mut out = Vec::with_capacity(signed.len() + mapping.len() + 16);
    tlv::push(&mut out, 0xBA, &mapping);
    tlv::push(&mut out, 0xBB, &signed);
    tlv::push(&mut out, 0xFE, &[]);
    Ok(out)
}

fn sign(keys: &dyn KeyStore, ca: &[u8], content: &[u8]) -> Result<Vec<u8>, SecurityError> {
    let ca = Certificate::from_der(ca)?;
    let mut attributes = SetOfVec::new();
    attributes.insert(attribute(CONTENT_TYPE, Any::from(LDS_SECURITY_OBJECT))?)?;
    attributes.insert(attribute(MESSAGE_DIGEST, Any::encode_from(&OctetString::new(sha256(content))?)?)?)?;
    let signed_attributes: SignedAttributes = attributes;
    let signature = ecdsa_signature(&keys.sign(Role::CardCa, &signed_attributes.to_der()?)?);
    let signer = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: ca.tbs_certificate.issuer,
            serial_number: ca.tbs_certificate.serial_number,
        }),
        digest_alg: algorithm(SHA_256),
        signed_attrs: Some(signed_attributes),
        signature_algorithm: algorithm(ECDSA_WITH_SHA_256),
        signature: OctetString::new(signature)?,
        unsigned_attrs: None,
    };
    let mut digest_algorithms = SetOfVec::new();
    digest_algorithms.insert(algorithm(SHA_256))?;
    let mut signers = SetOfVec::new();
    signers.insert(signer)?;
    let data = SignedData {
        // RFC 5652 §5.1: version 3 because the content is not plain data.
        version: CmsVersion::V3,
        digest_algorithms,
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: LDS_SECURITY_OBJECT,
            econtent: Some(Any::encode_from(&OctetString::new(content)?)?),
        },
        certificates: None,
        crls: None,
        signer_infos: SignerInfos(signers),
    };
    let info = ContentInfo { content_type: SIGNED_DATA, content: Any::encode_from(&data)? };
    Ok(info.to_der()?)
}

fn attribute(oid: ObjectIdentifier, value: Any) -> Result<Attribute, der::Error> {
    let mut values = SetOfVec::new();
    values.insert(value)?;
    Ok(Attribute { oid, values })
}

const fn algorithm(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters: None }
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use card_schema::clock::Micros;

    use super::*;
    use crate::keys::file::{FileStore, Opener};
    use crate::keys::pki::pem;

    #[test]
    fn openssl_verifies_the_security_object_to_the_issuers_root() {
        let folder = tempfile::tempdir().unwrap();
        let keys = FileStore::create(folder.path(), &Opener::choose(folder.path(), None, None)).unwrap();
        let authorities = Authorities::issue(&keys, Micros::from_seconds(1_700_000_000)).unwrap();
        let objects = [(Object::Chuid, b"chuid".to_vec()), (Object::Printed, b"printed".to_vec())];
        let object = security_object(&keys, &authorities, &objects).unwrap();
        assert_eq!(tlv::find(&object, 0xBA).unwrap(), [1, 0x30, 0x00, 2, 0x30, 0x01]);

        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("object.p7"), tlv::find(&object, 0xBB).unwrap()).unwrap();
        std::fs::write(path("root.pem"), pem(&authorities.root)).unwrap();
        std::fs::write(path("ca.pem"), pem(&authorities.card_ca)).unwrap();
        let output = Command::new("openssl")
            .args(["cms", "-verify", "-inform", "DER", "-in"])
            .arg(path("object.p7"))
            .arg("-CAfile")
            .arg(path("root.pem"))
            .arg("-certfile")
            .arg(path("ca.pem"))
            .args(["-purpose", "any", "-out"])
            .arg(path("content"))
            .output()
            .expect("openssl is installed wherever the tests run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let content = std::fs::read(path("content")).unwrap();
        let lds = LdsSecurityObject::from_der(&content).unwrap();
        assert_eq!(lds.hashes[0].hash.as_bytes(), sha256(b"chuid"));
    }
}
