//! The daemon's card side against the real pcscd and a real PIV application: readers and cards that come, go, hang
//! and are swapped, and every PIV command.

use std::time::{Duration, Instant};

use card_schema::card::{Chuid, ObjectTag, Slot};
use card_schema::date::Date;
use card_schema::ids::CardId;
use card_schema::wire::issuance::ManagementAlgorithm;
use e2e::within::within_pcscd;
use reader_daemon::card::link::LinkError;
use reader_daemon::card::monitor::{Monitor, ReaderEvent};
use reader_daemon::card::readers::Readers;
use reader_daemon::piv::card::Selection;
use reader_daemon::piv::management::ManagementKey;
use reader_daemon::piv::verify::PinState;
use reader_daemon::piv::{AnyLink, Pin, PivCard, PivError, Puk, Reason};
use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use tokio::sync::mpsc::UnboundedReceiver;

const PATIENCE: Duration = Duration::from_secs(20);
const MESSAGE: &[u8] = b"an invented message of the test";

fn hash() -> [u8; 32] {
    digest(&SHA256, MESSAGE).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn pin(digits: &str) -> Pin {
    Pin::parse(digits).expect("digits of the test")
}

fn factory_key() -> ManagementKey {
    ManagementKey::factory(ManagementAlgorithm::TripleDes).expect("24 bytes")
}

/// Gives a blank card an identifier and a key in 9E; answers the key's public point.
fn personalise(card: &mut PivCard<AnyLink<'_>>, number: u8) -> Result<[u8; 65], PivError> {
    card.select()?;
    card.authenticate_management(&factory_key(), &[number; 16])?;
    let expiry = Date::from_digits(*b"20361231").expect("a day");
    card.put_data(ObjectTag::CHUID, &Chuid::new(id(number), expiry).encode())?;
    card.generate_key(Slot::Tap)
}

fn id(number: u8) -> CardId {
    let mut bytes = [number; 16];
    bytes[6] = 0x80 | number & 0x0F;
    bytes[8] = 0x80 | number & 0x3F;
    CardId::from_bytes(bytes)
}

fn with<T: Send + 'static>(
    readers: &Readers,
    reader: &str,
    work: impl for<'a> FnOnce(&mut PivCard<AnyLink<'a>>) -> Result<T, PivError> + Send + 'static,
) -> Result<T, PivError> {
    readers.with_card(reader, PATIENCE, work)
}

/// The same for a card that was just put in: pcscd may not have noticed yet, and whoever holds a card to the reader
/// tries again.
fn eventually<T: Send + 'static>(
    readers: &Readers,
    reader: &str,
    work: fn(&mut PivCard<AnyLink<'_>>) -> Result<T, PivError>,
) -> Result<T, PivError> {
    let begun = Instant::now();
    loop {
        match with(readers, reader, work) {
            Err(PivError::Link(_)) if begun.elapsed() < PATIENCE => {}
            done => return done,
        }
    }
}

fn reason<T: std::fmt::Debug>(result: Result<T, PivError>) -> Option<Reason> {
    result.expect_err("the card refuses").reason()
}

/// The next event that is of interest to the test.
fn next(events: &mut UnboundedReceiver<ReaderEvent>, wanted: impl Fn(&ReaderEvent) -> bool) -> ReaderEvent {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let search = async {
            loop {
                let event = events.recv().await.expect("the monitor lives");
                if wanted(&event) {
                    return event;
                }
            }
        };
        tokio::time::timeout(PATIENCE, search).await.expect("the event comes")
    })
}

fn verifies(point: &[u8; 65], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(MESSAGE, signature).is_ok()
}

#[test]
fn a_known_card_is_tapped_with_three_apdus_and_at_most_330_bytes() {
    within_pcscd("a_known_card_is_tapped_with_three_apdus_and_at_most_330_bytes", 2, |world| {
        let (readers, reader) = (Readers::new(), world.readers[0].clone());
        world.insert(0, &world.new_card("card"));
        let point = with(&readers, &reader, |card| personalise(card, 1)).expect("a card of ours");
        for _ in 0..20 {
            let (chuid, signature, usage) = with(&readers, &reader, |card| {
                let chuid = card.identify(Selection::Always)?;
                let signature = card.sign(Slot::Tap, &hash())?;
                Ok((chuid, signature, card.channel().usage()))
            })
            .expect("a tap");
            assert_eq!(chuid.guid, id(1));
            assert!(verifies(&point, &signature));
            assert_eq!(usage.apdus, 3);
            assert!(usage.wire_bytes() <= 330, "{usage:?}");
        }
    });
}

#[test]
fn a_card_on_which_piv_is_still_selected_is_tapped_with_two_apdus() {
    within_pcscd("a_card_on_which_piv_is_still_selected_is_tapped_with_two_apdus", 2, |world| {
        let (readers, reader) = (Readers::new(), world.readers[0].clone());
        world.insert(0, &world.new_card("card"));
        with(&readers, &reader, |card| personalise(card, 1)).expect("a card of ours");
        let tap = || {
            with(&readers, &reader, |card| {
                assert_eq!(card.identify(Selection::TryWithout)?.guid, id(1));
                card.sign(Slot::Tap, &hash())?;
                Ok(card.channel().usage().apdus)
            })
        };
        // Personalising ended by a reset, after which this card wants to be selected: asking in vain costs one.
        assert_eq!(tap(), Ok(4));
        assert_eq!(tap(), Ok(2));
    });
}

#[test]
fn cards_and_pcscd_that_come_and_go_are_told_at_once() {
    within_pcscd("cards_and_pcscd_that_come_and_go_are_told_at_once", 2, |world| {
        let (one, two) = (world.new_card("one"), world.new_card("two"));
        let (monitor, mut events) = Monitor::start();
        next(&mut events, |event| *event == ReaderEvent::ServiceUp);
        next(&mut events, |event| matches!(event, ReaderEvent::ReaderAdded { reader } if *reader == world.readers[1]));
        let is_present = |event: &ReaderEvent| matches!(event, ReaderEvent::CardPresent { reader, seen, .. } if *reader == world.readers[0] && seen.elapsed() < PATIENCE);
        let is_removed = |event: &ReaderEvent| matches!(event, ReaderEvent::CardRemoved { reader, .. } if *reader == world.readers[0]);
        world.insert(0, &one);
        next(&mut events, is_present);
        world.cards.remove(0).expect("it is in");
        next(&mut events, is_removed);
        world.insert(0, &two);
        next(&mut events, is_present);
        world.cards.stop_pcscd().expect("pcscd is ours");
        next(&mut events, |event| matches!(event, ReaderEvent::ReaderGone { reader } if *reader == world.readers[0]));
        next(&mut events, |event| *event == ReaderEvent::ServiceDown);
        world.cards.start_pcscd().expect("pcscd comes back");
        next(&mut events, |event| *event == ReaderEvent::ServiceUp);
        next(&mut events, is_present);
        let begun = Instant::now();
        drop(monitor);
        assert!(begun.elapsed() < Duration::from_secs(2), "a monitor ends when it is dropped");
    });
}

#[test]
fn a_restarted_pcscd_costs_the_next_operation_nothing_but_time() {
    within_pcscd("a_restarted_pcscd_costs_the_next_operation_nothing_but_time", 2, |world| {
        let (readers, reader) = (Readers::new(), world.readers[0].clone());
        world.insert(0, &world.new_card("card"));
        with(&readers, &reader, |card| personalise(card, 1)).expect("a card of ours");
        world.cards.stop_pcscd().expect("pcscd is ours");
        let down = with(&readers, &reader, |card| card.identify(Selection::Always));
        assert_eq!(down, Err(LinkError::ServiceDown.into()));
        world.cards.start_pcscd().expect("pcscd comes back");
        world.wait_present(0);
        let chuid = with(&readers, &reader, |card| card.identify(Selection::Always)).expect("the same card");
        assert_eq!(chuid.guid, id(1));
    });
}

#[test]
fn no_reader_and_no_card_are_said_as_what_they_are() {
    within_pcscd("no_reader_and_no_card_are_said_as_what_they_are", 2, |world| {
        let readers = Readers::new();
        let no_card = with(&readers, &world.readers[0], |card| card.select().map(drop));
        assert_eq!(no_card, Err(LinkError::NoCard.into()));
        let no_reader = with(&readers, "Invented Reader 9", |card| card.select().map(drop));
        assert_eq!(no_reader, Err(LinkError::ReaderGone.into()));
    });
}

#[test]
fn a_swapped_card_is_never_taken_for_the_one_before() {
    within_pcscd("a_swapped_card_is_never_taken_for_the_one_before", 2, |world| {
        let (readers, reader) = (Readers::new(), world.readers[0].clone());
        let cards = [world.new_card("one"), world.new_card("two")];
        for slot in [1, 0] {
            let number = u8::try_from(slot).expect("two slots") + 1;
            world.insert(slot, &cards[slot]);
            with(&readers, &world.readers[slot], move |card| personalise(card, number)).expect("a card of ours");
        }
        world.cards.remove(1).expect("it is in");
        for round in 1..=6_u8 {
            let number = 1 + round % 2;
            world.cards.remove(0).expect("it is in");
            // At once: pcscd may not even have noticed that the first was gone.
            world.cards.insert(0, &cards[usize::from(number - 1)]).expect("the slot is free");
            let found = eventually(&readers, &reader, |card| card.identify(Selection::Always)).expect("a card");
            assert_eq!(found.guid, id(number), "round {round}");
        }
    });
}

#[test]
fn a_card_torn_out_is_removed_and_never_a_wrong_pin() {
    within_pcscd("a_card_torn_out_is_removed_and_never_a_wrong_pin", 2, |world| {
        let (readers, reader) = (Readers::new(), world.readers[0].clone());
        let card = world.new_card("card");
        world.insert(0, &card);
        with(&readers, &reader, |card| personalise(card, 1)).expect("a card of ours");
        for tear in [1, 2, 3] {
            world.cards.tear_before(0, tear).expect("armed");
            let result = with(&readers, &reader, |card| {
                card.identify(Selection::Always)?;
                let result = card.verify_pin(&pin(Pin::FACTORY));
                // Nothing more is said over a link that has lost its card.
                assert_eq!(card.verify_pin(&pin("000000")), result);
                result
            });
            assert_eq!(result, Err(LinkError::Removed.into()), "torn before APDU {tear}");
            world.cards.wait_empty(0, PATIENCE).expect("torn");
            world.cards.insert(0, &card).expect("the slot is free");
            let tries = eventually(&readers, &reader, |card| {
                card.select()?;
                card.pin_state()
            });
            assert_eq!(tries, Ok(PinState::TriesLeft(3)));
        }
    });
}

#[test]
fn a_hung_card_stops_nobody_but_its_own_reader() {
    within_pcscd("a_hung_card_stops_nobody_but_its_own_reader", 2, |world| {
        let readers = Readers::new();
        for slot in [0, 1] {
            world.insert(slot, &world.new_card(["one", "two"][slot]));
            let number = u8::try_from(slot).expect("two slots");
            with(&readers, &world.readers[slot], move |card| personalise(card, number)).expect("a card of ours");
        }
        world.cards.hang(0).expect("hangs");
        let allowed = Duration::from_millis(300);
        let begun = Instant::now();
        let hung = readers.with_card(&world.readers[0], allowed, |card| card.identify(Selection::Always));
        assert_eq!(hung, Err(LinkError::Timeout { allowed }.into()));
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        for _ in 0..5 {
            let other = with(&readers, &world.readers[1], |card| card.identify(Selection::Always));
            assert_eq!(other.map(|chuid| chuid.guid), Ok(id(1)));
        }
        // What was asked while it hung is not done later: the caller has given up.
        let late = readers.with_card(&world.readers[0], allowed, |card| card.verify_pin(&pin("000000")));
        assert_eq!(late, Err(LinkError::Timeout { allowed }.into()));
        world.cards.resume(0).expect("answers again");
        let tries = with(&readers, &world.readers[0], |card| {
            card.select()?;
            card.pin_state()
        });
        assert_eq!(tries, Ok(PinState::TriesLeft(3)));
    });
}

#[test]
fn every_slot_makes_a_key_and_signs_under_its_own_rule() {
    within_pcscd("every_slot_makes_a_key_and_signs_under_its_own_rule", 2, |world| {
        let (readers, reader) = (Readers::new(), world.readers[0].clone());
        world.insert(0, &world.new_card("card"));
        with(&readers, &reader, |card| {
            card.select()?;
            assert_eq!(reason(card.generate_key(Slot::SignIn)), Some(Reason::SecurityStatusNotSatisfied));
            card.authenticate_management(&factory_key(), &[7; 16])?;
            let points = Slot::SIGNING.map(|slot| card.generate_key(slot).expect("a key"));
            assert!(verifies(&points[2], &card.sign(Slot::Tap, &hash())?), "9E needs no PIN");
            for slot in [Slot::SignIn, Slot::Approve] {
                assert_eq!(reason(card.sign(slot, &hash())), Some(Reason::SecurityStatusNotSatisfied), "{slot:?}");
            }
            assert!(verifies(&points[0], &card.sign_with_pin(Slot::SignIn, &pin(Pin::FACTORY), &hash())?));
            assert!(verifies(&points[0], &card.sign(Slot::SignIn, &hash())?), "9A: the PIN once");
            assert!(verifies(&points[1], &card.sign_with_pin(Slot::Approve, &pin(Pin::FACTORY), &hash())?));
            assert_eq!(
                reason(card.sign(Slot::Approve, &hash())),
                Some(Reason::SecurityStatusNotSatisfied),
                "9C: the PIN for every signature"
            );
            Ok(())
        })
        .expect("the card does as the standard says");
        // The transaction ended by a reset: nobody inherits the PIN.
        let after = with(&readers, &reader, |card| {
            card.select()?;
            card.sign(Slot::SignIn, &hash())
        });
        assert_eq!(reason(after), Some(Reason::SecurityStatusNotSatisfied));
    });
}

#[test]
fn the_management_key_is_proven_with_triple_des_and_aes() {
    within_pcscd("the_management_key_is_proven_with_triple_des_and_aes", 2, |world| {
        let (readers, reader) = (Readers::new(), world.readers[0].clone());
        world.insert(0, &world.new_card("card"));
        let aes = || ManagementKey::new(ManagementAlgorithm::Aes256, &[0x5A; 32]).expect("32 bytes");
        let session = readers.session(&reader);
        session
            .with_card(PATIENCE, |card| {
                card.select()?;
                card.authenticate_management(&factory_key(), &[1; 16])
            })
            .expect("the factory's key");
        // A later piece of work in the same session is still authenticated.
        session.with_card(PATIENCE, move |card| card.set_management_key(&aes())).expect("another key");
        drop(session);
        let wrong = with(&readers, &reader, |card| {
            card.select()?;
            card.authenticate_management(&factory_key(), &[2; 16])
        });
        assert!(matches!(wrong, Err(PivError::Refused(_))), "{wrong:?}");
        with(&readers, &reader, move |card| {
            card.select()?;
            // The two halves, as the service computes them from afar.
            let encrypted = card.management_witness(ManagementAlgorithm::Aes256)?;
            let witness = aes().decrypt(&encrypted).expect("one block");
            let response = card.management_respond(ManagementAlgorithm::Aes256, &witness, &[3; 16])?;
            assert_eq!(aes().encrypt(&[3; 16]), Some(response));
            card.put_data(ObjectTag::CCC, &[0xF0, 0x00])?;
            assert_eq!(card.get_data(ObjectTag::CCC)?, Some(vec![0xF0, 0x00]));
            // Longer than a short APDU both ways: chaining and GET RESPONSE.
            let certificate = vec![0x70; 900];
            card.put_data(ObjectTag::CERTIFICATE_TAP, &certificate)?;
            assert_eq!(card.get_data(ObjectTag::CERTIFICATE_TAP)?, Some(certificate));
            Ok(())
        })
        .expect("the new key");
    });
}

#[test]
fn a_pin_is_changed_blocked_unblocked_and_the_card_reset() {
    within_pcscd("a_pin_is_changed_blocked_unblocked_and_the_card_reset", 2, |world| {
        let (readers, reader) = (Readers::new(), world.readers[0].clone());
        world.insert(0, &world.new_card("card"));
        with(&readers, &reader, |card| {
            card.select()?;
            assert_eq!(card.pin_state()?, PinState::TriesLeft(3));
            card.change_pin(&pin(Pin::FACTORY), &pin("246810"))?;
            for left in [2, 1, 0] {
                let wrong = reason(card.verify_pin(&pin(Pin::FACTORY)));
                let expected = if left == 0 { Reason::PinBlocked } else { Reason::WrongPin { tries_left: Some(left) } };
                assert_eq!(wrong, Some(expected));
            }
            assert_eq!(card.pin_state()?, PinState::Blocked);
            assert_eq!(reason(card.verify_pin(&pin("246810"))), Some(Reason::PinBlocked), "blocked is blocked");
            let wrong_puk = Puk::from_bytes(b"00000000").expect("eight bytes");
            let refused = reason(card.unblock_pin(&wrong_puk, &pin("135790")));
            assert_eq!(refused, Some(Reason::WrongPuk { tries_left: Some(2) }));
            let puk = Puk::from_bytes(Puk::FACTORY.as_bytes()).expect("eight bytes");
            let new_puk = Puk::from_bytes(b"87654321").expect("eight bytes");
            card.change_puk(&puk, &new_puk)?;
            card.unblock_pin(&new_puk, &pin("135790"))?;
            card.verify_pin(&pin("135790"))
        })
        .expect("the card does as the standard says");
        with(&readers, &reader, |card| {
            card.select()?;
            card.reset_from_any_state(|| *b"90817263")?;
            card.select()?;
            assert_eq!(card.pin_state()?, PinState::TriesLeft(3));
            card.verify_pin(&pin(Pin::FACTORY))?;
            card.authenticate_management(&factory_key(), &[1; 16])
        })
        .expect("factory state");
    });
}

#[test]
fn a_card_that_is_no_piv_card_says_so() {
    within_pcscd("a_card_that_is_no_piv_card_says_so", 2, |world| {
        let readers = Readers::new();
        world.insert(0, &world.new_foreign_card("other"));
        let result = with(&readers, &world.readers[0], |card| card.identify(Selection::Always));
        assert_eq!(reason(result), Some(Reason::NotFound));
    });
}
