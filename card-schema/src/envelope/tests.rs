//! What an envelope accepts and refuses, the same for every kind of message.

use proptest::prelude::*;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};

use super::{
    batch::Batch,
    paper::{Paper, PaperKind, Printed},
    pass::Pass,
    receipt::{Ending, Outcome, PointsStanding, Receipt, Recorded, TapOutcome},
    tap::{LogHead, Tap},
    *,
};
use crate::{
    card::Slot,
    clock::Micros,
    coverage::Benefit,
    date::Date,
    ids::{BatchId, CardId, ClaimId, KeyId, OrganisationId, PaperNumber, Shard, SiteId, TapId, TerminalId},
    money::Fen,
    month::Month,
    operation::{
        Operation, clinic, gate, points, purse, registration,
        sign_in::SignIn,
        social_security,
        terminal::{AbandonReason, Abandoned},
        transit,
    },
    points::ProgrammeId,
};

struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap())
    }

    fn public(&self) -> PublicKey {
        PublicKey::from_sec1(self.0.public_key().as_ref()).unwrap()
    }

    fn seal<P: Payload>(&self, payload: &P, kid: Kid) -> Vec<u8> {
        let to_be_signed = ToBeSigned::new(payload, kid);
        let signature = self.0.sign(&SystemRandom::new(), to_be_signed.message()).unwrap();
        to_be_signed.sign(&Signature(signature.as_ref().try_into().unwrap()))
    }
}

fn given_back() -> impl Strategy<Value = purse::Return> {
    (any::<[u8; 32]>(), any::<i64>(), any::<i64>()).prop_map(|(tap, at, fen)| {
        let original = purse::Original { tap: TapId(tap), at: Micros(at) };
        purse::Return { original, amount: Fen(fen) }
    })
}

fn movement() -> impl Strategy<Value = points::Movement> {
    (any::<u32>(), any::<u32>(), any::<u32>(), any::<i64>()).prop_map(|(programme, earned, redeemed, fen)| {
        points::Movement { programme: ProgrammeId(programme), earned, redeemed, discount: Fen(fen) }
    })
}

fn standing() -> impl Strategy<Value = PointsStanding> {
    let ending = (any::<i64>(), -719_162_i64..2_932_896)
        .prop_map(|(points, day)| Ending { points, until: Date::from_days(day).expect("a day") });
    (any::<u32>(), any::<i64>(), any::<Option<i64>>(), proptest::option::of(ending)).prop_map(
        |(programme, moved, balance, ending)| PointsStanding {
            programme: ProgrammeId(programme),
            moved,
            balance,
            ending,
        },
    )
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (any::<i64>(), any::<bool>(), proptest::option::of(movement())).prop_map(|(fen, accepted_offline, points)| {
            Operation::PursePayment(purse::Payment { amount: Fen(fen), accepted_offline, points })
        }),
        (any::<i64>(), any::<u32>(), any::<u32>()).prop_map(|(fen, programme, earned)| {
            Operation::PointsAward(points::Award { paid: Fen(fen), programme: ProgrammeId(programme), earned })
        }),
        (any::<u32>(), any::<u32>()).prop_map(|(programme, points)| {
            Operation::PointsRedemption(points::Redemption { programme: ProgrammeId(programme), points })
        }),
        given_back().prop_map(|back| Operation::PointsUndo(points::Undo { original: back.original })),
        (any::<i64>(), proptest::option::of(any::<[u8; 16]>())).prop_map(|(fen, card)| {
            Operation::PurseTopUp(purse::TopUp { amount: Fen(fen), approved_by: card.map(CardId::from_bytes) })
        }),
        any::<i64>().prop_map(|fen| Operation::PurseTopUpApproval(purse::TopUpApproval { amount: Fen(fen) })),
        given_back().prop_map(Operation::PurseRefund),
        given_back().prop_map(Operation::PurseVoid),
        Just(Operation::GateCheck(gate::Check)),
        Just(Operation::PurseStatement(purse::Statement)),
        (any::<u32>(), "[a-z0-9]{0,64}", "[站0-9]{0,21}", any::<bool>()).prop_map(|(tariff, route, stop, on)| {
            let side = if on { transit::Side::On } else { transit::Side::Off };
            Operation::TransitValidation(transit::Validation { tariff, route, stop, side })
        }),
        "[a-z0-9]{0,64}".prop_map(|route| Operation::TransitInspection(transit::Inspection { route })),
        ("[a-z0-9]{0,64}", -719_162_i64..2_932_896, any::<i64>()).prop_map(|(pass, day, fen)| {
            let from = Date::from_days(day).expect("a day");
            Operation::TransitPass(transit::PassPurchase { pass, from, price: Fen(fen) })
        }),
        (-719_162_i64..2_932_896, any::<[u8; 16]>()).prop_map(|(day, employer)| {
            let month = Month::of(Date::from_days(day).expect("a day"));
            let employer = OrganisationId::from_bytes(employer);
            Operation::SocialSecurityDispute(social_security::Dispute { month, employer })
        }),
        (0..Benefit::ALL.len())
            .prop_map(|index| { Operation::ClinicCheckIn(clinic::CheckIn { benefit: Benefit::ALL[index] }) }),
        (any::<[u8; 16]>(), any::<[i64; 4]>()).prop_map(|(claim, amounts)| {
            let [fund, account, purse, cash] = amounts.map(Fen);
            Operation::ClinicSettlement(clinic::Settlement {
                claim: ClaimId::from_bytes(claim),
                fund,
                account,
                purse,
                cash,
            })
        }),
        any::<[u8; 16]>()
            .prop_map(|claim| { Operation::ClinicReversal(clinic::Reversal { claim: ClaimId::from_bytes(claim) }) }),
        ("[a-z:/.]{0,255}", any::<[u8; 32]>())
            .prop_map(|(audience, challenge)| Operation::SignIn(SignIn { audience, challenge })),
        any::<[u8; 32]>().prop_map(|text| Operation::RegistrationConsent(registration::Consent { text })),
        Just(Operation::Abandoned(Abandoned { reason: AbandonReason::CardRemoved })),
    ]
}

fn log_head() -> impl Strategy<Value = Option<LogHead>> {
    proptest::option::of((any::<u64>(), any::<[u8; 32]>()).prop_map(|(size, root)| LogHead { size, root }))
}

prop_compose! {
    fn tap()(
        ids in (proptest::option::of(any::<[u8; 16]>()), any::<[u8; 16]>(), any::<[u8; 16]>()),
        lane: u8, counter: u64, previous: [u8; 32], at: i64, status_version: u64,
        log_head in log_head(), operation in operation(),
    ) -> Tap {
        let (card, terminal, nonce) = ids;
        Tap {
            card: card.map(CardId::from_bytes), terminal: TerminalId::from_bytes(terminal), lane, counter,
            previous: TapId(previous), nonce, at: Micros(at), log_head, status_version, operation,
        }
    }
}

prop_compose! {
    fn receipt()(
        batch: [u8; 32], at: i64, log_head in log_head(),
        outcomes in prop::collection::vec(
            (
                any::<[u8; 32]>(), 0..Outcome::ALL.len(), any::<Option<i64>>(), any::<Option<(u8, u64)>>(),
                proptest::option::of(standing()),
            ),
            0..5,
        ),
    ) -> Receipt {
        let outcomes = outcomes.into_iter().map(|(tap, outcome, balance, recorded, points)| TapOutcome {
            tap: TapId(tap), outcome: Outcome::ALL[outcome], balance: balance.map(Fen),
            recorded: recorded.map(|(shard, leaf)| Recorded { shard: Shard(shard), leaf }), points,
        }).collect();
        Receipt { batch: BatchId(batch), at: Micros(at), outcomes, log_head }
    }
}

prop_compose! {
    fn batch()(
        terminal: [u8; 16], at: i64,
        taps in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..5),
    ) -> Batch {
        Batch { terminal: TerminalId::from_bytes(terminal), at: Micros(at), taps }
    }
}

prop_compose! {
    fn paper()(
        kind in 0..PaperKind::ALL.len(), number: [u8; 10], day in -719_162_i64..2_932_896, binding: [u8; 16],
    ) -> Paper {
        let valid_until = Date::of_utc(Micros::from_seconds(day * 86_400));
        Paper { kind: PaperKind::ALL[kind], number: PaperNumber(number), valid_until, binding }
    }
}

prop_compose! {
    fn pass()(number: [u8; 10], site: [u8; 16], from: i64, until: i64) -> Pass {
        let (number, site) = (PaperNumber(number), SiteId::from_bytes(site));
        Pass { number, site, from: Micros(from), until: Micros(until) }
    }
}

fn example() -> Tap {
    Tap {
        card: Some(CardId::from_bytes([1; 16])),
        terminal: TerminalId::from_bytes([2; 16]),
        lane: 0,
        counter: 1,
        previous: TapId::NONE,
        nonce: [3; 16],
        at: Micros(1_700_000_000_000_000),
        log_head: None,
        status_version: 7,
        operation: Operation::PursePayment(purse::Payment::online(Fen(1250))),
    }
}

const ANY_KEY: Kid = Kid::Key(KeyId([9; 8]));

/// What was sealed comes back the same; with one bit changed anywhere it is refused or does not verify.
fn reads_back_and_resists<P: Payload + PartialEq + std::fmt::Debug>(payload: &P, bit: usize) {
    let signer = Signer::new();
    let bytes = signer.seal(payload, ANY_KEY);
    let envelope = Envelope::<P>::decode(&bytes).unwrap();
    assert_eq!(&envelope.payload, payload);
    assert_eq!(envelope.kid, ANY_KEY);
    assert_eq!(envelope.digest(), ToBeSigned::new(payload, ANY_KEY).digest());
    envelope.verify(&signer.public()).unwrap();
    assert_eq!(envelope.verify(&Signer::new().public()), Err(EnvelopeError::SignatureMismatch));

    let mut changed = bytes.clone();
    changed[bit / 8 % bytes.len()] ^= 1 << (bit % 8);
    let passes = Envelope::<P>::decode(&changed).is_ok_and(|envelope| envelope.verify(&signer.public()).is_ok());
    assert!(!passes, "a changed bit was not noticed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_tap_reads_back_and_no_bit_of_it_can_be_changed(tap in tap(), bit: usize) {
        reads_back_and_resists(&tap, bit);
    }

    #[test]
    fn a_batch_reads_back_and_no_bit_of_it_can_be_changed(batch in batch(), bit: usize) {
        reads_back_and_resists(&batch, bit);
    }

    #[test]
    fn a_receipt_reads_back_and_no_bit_of_it_can_be_changed(receipt in receipt(), bit: usize) {
        reads_back_and_resists(&receipt, bit);
    }

    #[test]
    fn a_paper_reads_back_and_no_bit_of_it_can_be_changed(paper in paper(), bit: usize) {
        reads_back_and_resists(&paper, bit);
        reads_back_and_resists(&Printed::Paper(paper), bit);
    }

    #[test]
    fn a_pass_reads_back_and_no_bit_of_it_can_be_changed(pass in pass(), bit: usize) {
        reads_back_and_resists(&pass, bit);
        reads_back_and_resists(&Printed::Pass(pass), bit);
    }

    #[test]
    fn a_pass_is_no_paper_of_a_holder_and_the_other_way_round(paper in paper(), pass in pass()) {
        let signer = Signer::new();
        let kid = Kid::Key(signer.public().key_id());
        prop_assert!(Envelope::<Pass>::decode(&signer.seal(&paper, kid)).is_err());
        prop_assert!(Envelope::<Paper>::decode(&signer.seal(&pass, kid)).is_err());
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes: Vec<u8>) {
        let _ = Envelope::<Tap>::decode(&bytes);
        let _ = Envelope::<Batch>::decode(&bytes);
        let _ = Envelope::<Receipt>::decode(&bytes);
        let _ = Envelope::<Printed>::decode(&bytes);
    }

    #[test]
    fn an_independent_cose_library_agrees(tap in tap()) {
        use coset::TaggedCborSerializable as _;
        let signer = Signer::new();
        let bytes = signer.seal(&tap, Kid::Card(Slot::Tap));
        let theirs = coset::CoseSign1::from_tagged_slice(&bytes).unwrap();
        prop_assert_eq!(theirs.protected.header.key_id.as_slice(), &[0x9E]);
        let verified = theirs.verify_signature(Purpose::Tap.aad(), |signature, message| {
            signer.public().verify(message, &Signature(signature.try_into().unwrap()))
        });
        prop_assert_eq!(verified, Ok(()));
        prop_assert_eq!(theirs.to_tagged_vec().unwrap(), bytes);
    }
}

#[test]
fn a_signature_for_one_purpose_serves_no_other() {
    // The same payload under another purpose: as if a batch could be read as a tap.
    struct Elsewhere(Tap);
    impl Payload for Elsewhere {
        const PURPOSE: Purpose = Purpose::Batch;
        const MAX_BYTES: usize = Tap::MAX_BYTES;
        fn encode<W: minicbor::encode::Write>(
            &self,
            e: &mut minicbor::Encoder<W>,
        ) -> Result<(), minicbor::encode::Error<W::Error>> {
            self.0.encode(e)
        }
        fn decode(d: &mut minicbor::Decoder<'_>) -> Result<Self, EnvelopeError> {
            Tap::decode(d).map(Self)
        }
    }
    let signer = Signer::new();
    let bytes = signer.seal(&Elsewhere(example()), ANY_KEY);
    assert!(Envelope::<Elsewhere>::decode(&bytes).unwrap().verify(&signer.public()).is_ok());
    let as_tap = Envelope::<Tap>::decode(&bytes).unwrap();
    assert_eq!(as_tap.verify(&signer.public()), Err(EnvelopeError::SignatureMismatch));
}

#[test]
fn the_malleable_half_of_a_signature_does_not_change_the_identifier() {
    let signer = Signer::new();
    let bytes = signer.seal(&example(), ANY_KEY);
    let mut other = bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    let digest = |bytes: &[u8]| Envelope::<Tap>::decode(bytes).unwrap().digest();
    assert_eq!(digest(&bytes), digest(&other));
}

#[test]
fn what_we_would_not_have_written_is_refused() {
    let bytes = Signer::new().seal(&example(), Kid::Card(Slot::Tap));
    // Tag, array, protected header (6 bytes with its head), empty map, payload head, payload.
    assert_eq!(bytes[..9], [0xD2, 0x84, 0x46, 0xA2, 0x01, 0x26, 0x04, 0x41, 0x9E]);
    let edit = |f: &dyn Fn(&mut Vec<u8>)| {
        let mut edited = bytes.clone();
        f(&mut edited);
        Envelope::<Tap>::decode(&edited).map(|_| ()).unwrap_err()
    };
    let protected = EnvelopeError::ProtectedHeader;
    assert_eq!(edit(&|b| b.push(0)), EnvelopeError::NotCanonical, "a byte after the end");
    assert_eq!(edit(&|b| b[5] = 0x27), protected, "ES384 where ES256 is pinned");
    assert_eq!(edit(&|b| b[5] = 0x25), protected, "HS256 by number");
    assert_eq!(edit(&|b| b[8] = 0x9B), protected, "the management key signs nothing");
    assert_eq!(edit(&|b| b[8] = 0x00), protected, "no such slot");
    assert!(matches!(edit(&|b| b[0] = 0xD1), EnvelopeError::Malformed(_)), "another tag");
    assert!(
        matches!(
            edit(&|b| {
                b.remove(0);
            }),
            EnvelopeError::Malformed(_)
        ),
        "no tag"
    );
    assert!(matches!(edit(&|b| b[9] = 0xA1), EnvelopeError::Malformed(_)), "an unprotected header");
    assert!(matches!(edit(&|b| b.truncate(40)), EnvelopeError::Malformed(_)), "cut short");
    // Payload: version 1 becomes version 2, then a longer form of the same number.
    let version = bytes.windows(3).position(|w| w == [0xAC, 0x01, 0x01]).unwrap() + 2;
    assert_eq!(edit(&|b| b[version] = 2), EnvelopeError::UnknownVersion(2));
    let long_form = edit(&|b| {
        b[version] = 0x18;
        b.insert(version + 1, 1);
        let head = b.iter().position(|&x| x == 0x58).unwrap();
        b[head + 1] += 1;
    });
    assert_eq!(long_form, EnvelopeError::NotCanonical);
    let large = EnvelopeError::TooLarge { found: 1025, limit: 1024 };
    assert_eq!(edit(&|b| b.resize(1025, 0)), large);
}
