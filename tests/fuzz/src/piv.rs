//! Each PIV command against a card that answers anything.

use card_schema::card::{ObjectTag, Slot};
use card_schema::wire::issuance::ManagementAlgorithm;
use reader_daemon::piv::{Pin, PivCard};

use crate::hostile::HostileCard;

/// The first byte chooses the command, the rest are the card's answers. Accepted when the command succeeded.
pub fn run(data: &[u8]) -> bool {
    let [choice, answers @ ..] = data else { return false };
    let mut card = PivCard::new(HostileCard::new(answers));
    let pin = || Pin::parse(Pin::FACTORY).expect("the factory PIN has six digits");
    match choice % 12 {
        0 => card.select().map(|application| drop((application.label(), application.algorithms()))).is_ok(),
        1 => card.chuid().is_ok(),
        2 => card.get_data(ObjectTag::CERTIFICATE_TAP).is_ok(),
        3 => card.put_data(ObjectTag::PHOTO, &[0x5A; 600]).is_ok(),
        4 => card.pin_state().is_ok(),
        5 => card.verify_pin(&pin()).is_ok(),
        6 => card.change_pin(&pin(), &pin()).is_ok(),
        7 => card.generate_key(Slot::Tap).is_ok(),
        8 => card.sign(Slot::Tap, &[0x11; 32]).is_ok(),
        9 => card.sign_with_pin(Slot::Approve, &pin(), &[0x11; 32]).is_ok(),
        10 => card.management_witness(ManagementAlgorithm::Aes256).is_ok(),
        _ => card.metadata(0x9B).is_ok(),
    }
}
