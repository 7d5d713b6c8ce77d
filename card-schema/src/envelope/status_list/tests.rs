//! Tokens as they travel: what they say, what they cannot say, and that every way of changes leads to the same list.

use proptest::prelude::*;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};

use super::*;
use crate::envelope::{Envelope, EnvelopeError, PublicKey, Signature, tap::Tap};

const SUBJECT: &str = "https://card.example/v1/status-lists/cards";

fn sealed(claims: &impl Claims) -> (Vec<u8>, PublicKey) {
    let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
    let public = PublicKey::from_sec1(pair.public_key().as_ref()).unwrap();
    let to_be_signed = claims.to_be_signed(public.key_id());
    let signature = pair.sign(&random, to_be_signed.message()).unwrap();
    (to_be_signed.sign(&Signature(signature.as_ref().try_into().unwrap())), public)
}

fn list(version: u64, statuses: &[(u32, CardStatus)]) -> StatusList {
    let mut list = StatusList {
        subject: SUBJECT.into(),
        issued_at_s: 7,
        time_to_live_s: 3_600,
        version,
        statuses: Statuses::default(),
    };
    for (index, status) in statuses {
        list.statuses.set(*index, *status);
    }
    list
}

fn example() -> StatusList {
    list(3, &[(5, CardStatus::Suspended), (1_000_000, CardStatus::Invalid)])
}

fn delta(since: u64, version: u64, changes: &[(u32, CardStatus)]) -> StatusDelta {
    StatusDelta { subject: SUBJECT.into(), issued_at_s: 9, version, since, changes: changes.iter().copied().collect() }
}

fn example_delta() -> StatusDelta {
    let (valid, invalid) = (CardStatus::Valid, CardStatus::Invalid);
    delta(2, 5, &[(0, invalid), (1, invalid), (5, valid), (999_999, CardStatus::Suspended), (1_000_000, valid)])
}

#[test]
fn a_list_reads_back_and_names_its_cards() {
    let (bytes, public) = sealed(&example());
    let read = SignedToken::<StatusList>::decode(&bytes).unwrap();
    read.verify(&public).unwrap();
    assert_eq!(read.claims, example());
    assert_eq!(read.key, public.key_id());
    let status = |index| read.claims.statuses.get(index);
    assert_eq!((status(5), status(1_000_000)), (CardStatus::Suspended, CardStatus::Invalid));
    assert_eq!((status(4), status(6), status(u32::MAX)), (CardStatus::Valid, CardStatus::Valid, CardStatus::Valid));
    assert!(bytes.len() < 1_000, "a sparse list is small: {} bytes", bytes.len());
}

#[test]
fn a_delta_reads_back_and_brings_a_list_to_its_version() {
    let (bytes, public) = sealed(&example_delta());
    let read = SignedToken::<StatusDelta>::decode(&bytes).unwrap();
    read.verify(&public).unwrap();
    assert_eq!((&read.claims, read.key), (&example_delta(), public.key_id()));
    let mut list = example();
    read.claims.apply(&mut list).unwrap();
    let status = |index| list.statuses.get(index);
    assert_eq!((status(0), status(1), status(5)), (CardStatus::Invalid, CardStatus::Invalid, CardStatus::Valid));
    assert_eq!((status(999_999), status(1_000_000)), (CardStatus::Suspended, CardStatus::Valid));
    assert_eq!((list.version, list.issued_at_s), (5, 9));
}

#[test]
fn a_delta_that_does_not_fit_changes_nothing() {
    let other = StatusDelta { subject: "https://other.example/".into(), ..example_delta() };
    let misfits = [
        (other, Misfit::Subject),
        (delta(4, 9, &[(0, CardStatus::Invalid)]), Misfit::Gap),
        (delta(1, 3, &[(0, CardStatus::Invalid)]), Misfit::Old),
        (delta(0, 2, &[(0, CardStatus::Invalid)]), Misfit::Old),
    ];
    for (delta, misfit) in misfits {
        let mut list = example();
        assert_eq!(delta.apply(&mut list), Err(misfit));
        assert_eq!(list, example());
    }
}

#[test]
fn a_delta_leads_on_and_stays_within_the_list() {
    for (bad, because) in [
        (delta(5, 5, &[]), EnvelopeError::Malformed("changes that lead back".into())),
        (delta(1, 2, &[(MAX_CARDS, CardStatus::Invalid)]), EnvelopeError::TooLong("status list")),
    ] {
        let (bytes, _) = sealed(&bad);
        assert_eq!(SignedToken::<StatusDelta>::decode(&bytes).unwrap_err(), because);
    }
}

#[test]
fn a_small_token_cannot_fill_the_memory() {
    let bomb = StatusList { statuses: Statuses(vec![0; 17 << 20]), ..example() };
    let (bytes, _) = sealed(&bomb);
    assert!(bytes.len() < 100_000);
    assert_eq!(SignedToken::<StatusList>::decode(&bytes).unwrap_err(), EnvelopeError::TooLong("status list"));
}

#[test]
fn no_token_is_another_message() {
    let ((list, _), (delta, _)) = (sealed(&example()), sealed(&example_delta()));
    assert!(Envelope::<Tap>::decode(&list).is_err());
    assert!(Envelope::<Tap>::decode(&delta).is_err());
    assert_eq!(SignedToken::<StatusList>::decode(&delta).unwrap_err(), EnvelopeError::ProtectedHeader);
    assert_eq!(SignedToken::<StatusDelta>::decode(&list).unwrap_err(), EnvelopeError::ProtectedHeader);
    let mut longer = list;
    longer.push(0);
    assert_eq!(SignedToken::<StatusList>::decode(&longer).unwrap_err(), EnvelopeError::NotCanonical);
}

fn passes<C: Claims>(bytes: &[u8], public: &PublicKey) -> bool {
    SignedToken::<C>::decode(bytes).is_ok_and(|token| token.verify(public).is_ok())
}

proptest! {
    #[test]
    fn no_bit_of_a_token_can_be_changed(bit: usize) {
        let (mut bytes, public) = sealed(&example());
        let at = bit / 8 % bytes.len();
        bytes[at] ^= 1 << (bit % 8);
        prop_assert!(!passes::<StatusList>(&bytes, &public));
        let (mut bytes, public) = sealed(&example_delta());
        let at = bit / 8 % bytes.len();
        bytes[at] ^= 1 << (bit % 8);
        prop_assert!(!passes::<StatusDelta>(&bytes, &public));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        let _ = SignedToken::<StatusList>::decode(&bytes);
        let _ = SignedToken::<StatusDelta>::decode(&bytes);
        let _ = StatusDelta::decode(&bytes);
    }

    /// Whichever way somebody goes from version to version, also over spans that overlap, every card's status is the same.
    #[test]
    fn every_way_leads_to_the_same_list(
        history in prop::collection::vec((0_u32..40, 0_usize..4), 1..30),
        spans in prop::collection::vec((0_usize..30, 0_usize..30), 0..20),
    ) {
        let last = history.len();
        let between = |since: usize, version: usize| {
            let changes: Vec<_> =
                history[since..version].iter().map(|(index, status)| (*index, CardStatus::ALL[*status])).collect();
            delta(since as u64, version as u64, &changes)
        };
        let mut gone = list(0, &[(50, CardStatus::Suspended)]);
        for (since, version) in spans.into_iter().chain((0..last).map(|since| (since, last))) {
            let (since, version) = (since.min(last), version.min(last));
            if since < version {
                let before = gone.version;
                prop_assert_eq!(
                    between(since, version).apply(&mut gone).is_ok(),
                    since as u64 <= before && before < version as u64
                );
            }
        }
        let mut straight = list(0, &[(50, CardStatus::Suspended)]);
        between(0, last).apply(&mut straight).unwrap();
        prop_assert_eq!(gone.version, last as u64);
        for index in 0..60 {
            prop_assert_eq!(gone.statuses.get(index), straight.statuses.get(index));
        }
    }
}
