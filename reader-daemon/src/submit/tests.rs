//! Which receipts settle a tap. Over the network: `tests/e2e/tests/terminal.rs`.

use card_schema::clock::Micros;
use card_schema::envelope::batch::Batch;
use card_schema::envelope::receipt::{Outcome, Receipt, TapOutcome};
use card_schema::envelope::{Kid, Payload, PublicKey, Signature, ToBeSigned};
use card_schema::ids::{BatchId, TapId, TerminalId};
use card_schema::operation::OperationCode;
use card_schema::wire::Bytes;
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use super::receipt::{ReceiptError, verify};
use crate::outbox::PendingTap;

/// What an error has to be.
type Expected = fn(&ReceiptError) -> bool;

const BATCH: BatchId = BatchId([0xBA; 32]);

struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &SystemRandom::new()).unwrap())
    }

    fn public(&self) -> PublicKey {
        PublicKey::from_sec1(self.0.public_key().as_ref()).unwrap()
    }

    fn spki(&self) -> Bytes {
        Bytes(self.public().to_spki().to_vec())
    }

    /// Signs as if it were the key of this name.
    fn seal_as(&self, name: &Self, payload: &impl Payload) -> Vec<u8> {
        let to_be_signed = ToBeSigned::new(payload, Kid::Key(name.public().key_id()));
        let signature = self.0.sign(&SystemRandom::new(), to_be_signed.message()).unwrap();
        to_be_signed.sign(&Signature(signature.as_ref().try_into().unwrap()))
    }

    fn seal(&self, payload: &impl Payload) -> Vec<u8> {
        self.seal_as(self, payload)
    }
}

fn pending(number: u8) -> PendingTap {
    PendingTap {
        id: i64::from(number),
        lane: 0,
        counter: u64::from(number),
        tap_id: TapId([number; 32]),
        operation: OperationCode::GateCheck,
        card: None,
        amount: None,
        at: Micros(0),
        cose: vec![number; 3],
    }
}

fn receipt(batch: BatchId, taps: &[TapId]) -> Receipt {
    let outcome =
        |tap: &TapId| TapOutcome { tap: *tap, outcome: Outcome::Accepted, balance: None, recorded: None, points: None };
    Receipt { batch, at: Micros(1), outcomes: taps.iter().map(outcome).collect(), log_head: None }
}

/// The numbers of the taps that a receipt settles, or why it settles none.
fn settled(bytes: &[u8], trusted: &[Bytes]) -> Result<Vec<i64>, ReceiptError> {
    let verified = verify(bytes, BATCH, vec![pending(1), pending(2)], trusted)?;
    Ok(verified.settled.into_iter().map(|(tap, _)| tap.id).collect())
}

#[test]
fn a_receipt_settles_the_taps_it_names_and_no_other() {
    let (service, newer) = (Key::new(), Key::new());
    let trusted = [newer.spki(), service.spki()];
    let malformed = TapId(digest::digest(&digest::SHA256, &pending(2).cose).as_ref().try_into().unwrap());
    let table: [(&str, Vec<TapId>, &[i64]); 4] = [
        ("both, in any order", vec![TapId([2; 32]), TapId([1; 32])], &[1, 2]),
        ("the first alone", vec![TapId([1; 32])], &[1]),
        ("what the service could not read goes by its bytes", vec![malformed], &[2]),
        ("a tap that was never in the batch changes nothing", vec![TapId([1; 32]), TapId([9; 32])], &[1]),
    ];
    for (case, taps, expected) in table {
        let bytes = service.seal(&receipt(BATCH, &taps));
        assert_eq!(settled(&bytes, &trusted).unwrap(), expected, "{case}");
    }
}

#[test]
fn a_receipt_that_is_not_the_services_own_for_this_batch_settles_nothing() {
    let (service, stranger) = (Key::new(), Key::new());
    let good = receipt(BATCH, &[TapId([1; 32])]);
    let mut altered = service.seal(&good);
    *altered.last_mut().unwrap() ^= 1;
    let another = Batch { terminal: TerminalId::from_bytes([7; 16]), at: Micros(1), taps: vec![vec![0]] };
    let table: [(&str, Vec<u8>, Expected); 7] = [
        ("a stranger's", stranger.seal(&good), |error| matches!(error, ReceiptError::UnknownKey)),
        ("a stranger's in our name", stranger.seal_as(&service, &good), |error| {
            matches!(error, ReceiptError::Envelope(_))
        }),
        ("an altered one", altered, |error| matches!(error, ReceiptError::Envelope(_))),
        ("another batch's", service.seal(&receipt(BatchId([1; 32]), &[TapId([1; 32])])), |error| {
            matches!(error, ReceiptError::OtherBatch)
        }),
        ("one that names others", service.seal(&receipt(BATCH, &[TapId([9; 32])])), |error| {
            matches!(error, ReceiptError::NamesNothing)
        }),
        ("something else that was signed", service.seal(&another), |error| matches!(error, ReceiptError::Envelope(_))),
        ("no bytes", Vec::new(), |error| matches!(error, ReceiptError::Envelope(_))),
    ];
    for (case, bytes, expected) in table {
        let error = settled(&bytes, &[service.spki()]).expect_err(case);
        assert!(expected(&error), "{case}: {error}");
    }
}
