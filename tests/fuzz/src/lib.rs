//! Every decoder that reads what a stranger wrote, as a function over any bytes: fuzzed with coverage by `cargo fuzz`, and
//! run over the kept corpora as plain tests.
//!
//! A target must never panic, and what it accepts must hold: what was read is written back and compared. It says
//! whether it accepted, so that a test can tell a corpus that reaches the end from one that is refused at the door.

pub mod apdu;
mod hostile;
pub mod piv;

use card_schema::card::{Chuid, tlv};
use card_schema::envelope::batch::Batch;
use card_schema::envelope::fares::FarePack;
use card_schema::envelope::gate::GatePack;
use card_schema::envelope::paper::Printed;
use card_schema::envelope::receipt::Receipt;
use card_schema::envelope::status_list::{Claims as _, SignedToken, StatusDelta, StatusList};
use card_schema::envelope::tap::Tap;
use card_schema::envelope::{Envelope, Payload, PublicKey, Signature, ToBeSigned};
use coset::{CoseSign1, TaggedCborSerializable as _};

/// Reads bytes; true when it accepts them.
pub type Target = fn(&[u8]) -> bool;

/// All targets, by the name of their corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("tap", tap),
    ("batch", batch),
    ("receipt", receipt),
    ("paper", paper),
    ("fares", fares),
    ("gate", gate),
    ("status_list", status_list),
    ("status_delta", status_delta),
    ("tlv", tlv),
    ("chuid", chuid),
    ("signature", signature),
    ("apdu", apdu::run),
    ("piv", piv::run),
];

fn envelope<P: Payload>(data: &[u8]) -> bool {
    let Ok(envelope) = Envelope::<P>::decode(data) else { return false };
    assert!(data.len() <= P::MAX_BYTES, "an oversized message was accepted");
    let to_be_signed = ToBeSigned::new(&envelope.payload, envelope.kid);
    assert_eq!(to_be_signed.digest(), envelope.digest(), "what was read is not what was signed");
    let independent = CoseSign1::from_tagged_slice(data).expect("what we accept is COSE to others, too");
    assert_eq!(independent.tbs_data(P::PURPOSE.aad()), to_be_signed.message(), "others would verify other bytes");
    true
}

/// One signed tap.
pub fn tap(data: &[u8]) -> bool {
    envelope::<Tap>(data)
}

/// A signed batch, and each tap in it.
pub fn batch(data: &[u8]) -> bool {
    let Ok(batch) = Envelope::<Batch>::decode(data) else { return false };
    let all = batch.payload.taps.iter().all(|bytes| tap(bytes));
    envelope::<Batch>(data) && all
}

/// A signed receipt.
pub fn receipt(data: &[u8]) -> bool {
    envelope::<Receipt>(data)
}

/// What is in a paper's square code.
pub fn paper(data: &[u8]) -> bool {
    envelope::<Printed>(data)
}

/// What validators know of the fares.
pub fn fares(data: &[u8]) -> bool {
    envelope::<FarePack>(data)
}

/// What a gate knows of who may pass.
pub fn gate(data: &[u8]) -> bool {
    envelope::<GatePack>(data)
}

/// A signed status list, deflated.
pub fn status_list(data: &[u8]) -> bool {
    SignedToken::<StatusList>::decode(data).is_ok()
}

/// Signed changes of a status list.
pub fn status_delta(data: &[u8]) -> bool {
    let Ok(token) = SignedToken::<StatusDelta>::decode(data) else { return false };
    let independent = CoseSign1::from_tagged_slice(data).expect("what we accept is COSE to others, too");
    let written = token.claims.to_be_signed(token.key);
    assert_eq!(independent.tbs_data(&[]), written.message(), "what was read is not what was signed");
    true
}

/// BER-TLV.
pub fn tlv(data: &[u8]) -> bool {
    let Ok(objects) = tlv::objects(data).collect::<Result<Vec<_>, _>>() else { return false };
    let mut written = Vec::new();
    for (tag, value) in &objects {
        tlv::push(&mut written, *tag, value);
    }
    assert!(written.len() <= data.len(), "we write lengths in the fewest octets");
    let again: Vec<_> = tlv::objects(&written).map(|object| object.expect("we write what we read")).collect();
    assert_eq!(again, objects, "what was read is not what was written");
    !objects.is_empty()
}

/// The card's identifier object.
pub fn chuid(data: &[u8]) -> bool {
    let Ok(chuid) = Chuid::decode(data) else { return false };
    assert_eq!(Chuid::decode(&chuid.encode()).as_ref(), Ok(&chuid), "what was read is not what was written");
    true
}

/// What a card answers to "sign this", and a key as a certificate holds it.
pub fn signature(data: &[u8]) -> bool {
    let key = PublicKey::from_spki(data).or_else(|_| PublicKey::from_sec1(data));
    Signature::from_der(data).is_ok() || key.is_ok()
}

/// Not a decoder of ours: it panics on one word, which only a fuzzer that sees coverage finds. Proves that the harness
/// would find such a thing in a decoder.
pub fn planted(data: &[u8]) {
    if let [b'd', rest @ ..] = data
        && let [b'o', rest @ ..] = rest
        && let [b'o', rest @ ..] = rest
        && let [b'r', ..] = rest
    {
        panic!("planted: the harness works");
    }
}
