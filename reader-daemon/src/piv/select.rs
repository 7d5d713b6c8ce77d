//! SELECT (SP 800-73-5 part 2, 3.1.1): makes PIV the application that answers.

use card_schema::card::tlv;

use super::status::{Malformation, Name, PivError, accepted};
use crate::card::apdu::{Answer, Command, ins};

/// The PIV application's identifier without its version, as a card must accept it (part 1, 2.2).
pub const AID: [u8; 9] = [0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00];
/// NIST's registered provider id, the first bytes of [`AID`].
const RID_BYTES: usize = 5;
/// Longest application property template that is read.
pub(crate) const ANSWER_MAX: usize = 1024;

/// Tags of the application property template (part 2, 3.1.1).
mod tag {
    pub(super) const TEMPLATE: u32 = 0x61;
    pub(super) const IDENTIFIER: u32 = 0x4F;
    pub(super) const LABEL: u32 = 0x50;
    pub(super) const ALGORITHMS: u32 = 0xAC;
    pub(super) const ALGORITHM: u32 = 0x80;
}

/// What the card says of its PIV application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    template: Vec<u8>,
}

impl Application {
    /// The label, where the card gives one.
    pub fn label(&self) -> Option<String> {
        tlv::find(&self.template, tag::LABEL).ok().map(|label| String::from_utf8_lossy(label).into_owned())
    }

    /// Algorithm identifiers that the card lists (SP 800-78-5, 6.2 and table 9); empty where it lists none.
    pub fn algorithms(&self) -> Vec<u8> {
        let Ok(list) = tlv::find(&self.template, tag::ALGORITHMS) else { return Vec::new() };
        let is_one_byte = |(tag, value): (u32, &[u8])| (tag == tag::ALGORITHM && value.len() == 1).then(|| value[0]);
        tlv::objects(list).map_while(Result::ok).filter_map(is_one_byte).collect()
    }
}

pub(crate) fn command() -> Command {
    Command::new(0x00, ins::SELECT, 0x04, 0x00).data(AID).answer()
}

pub(crate) fn parse(answer: Answer) -> Result<Application, PivError> {
    let malformed = |cause: Malformation| PivError::malformed(Name::Select, cause);
    let data = accepted(Name::Select, answer)?;
    let template = tlv::only(&data, tag::TEMPLATE).map_err(|error| malformed(error.into()))?;
    let identifier = tlv::find(template, tag::IDENTIFIER).map_err(|error| malformed(error.into()))?;
    // The table says "the PIX"; cards in the field give the whole identifier as often.
    if identifier.starts_with(&AID) || identifier.starts_with(&AID[RID_BYTES..]) {
        Ok(Application { template: template.to_vec() })
    } else {
        Err(malformed(Malformation::OtherApplication))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::{apdu::StatusWord, trace::from_hex};
    use crate::piv::status::Reason;

    fn parsed(hex: &str) -> Result<Application, PivError> {
        parse(Answer { data: from_hex(hex).expect("hexadecimal"), status: StatusWord::OK })
    }

    #[test]
    fn an_application_is_piv_by_its_identifier() {
        let yubico = parsed("61 11 4F 06 00 00 10 00 01 00 79 07 4F 05 A0 00 00 03 08").expect("a real answer");
        assert_eq!((yubico.label(), yubico.algorithms()), (None, vec![]));
        let labelled = parsed("61 1D 4F 0B A0000003080000100001 00 50 03 504956 AC 09 80 01 11 80 01 0C 06 01 00")
            .expect("a made-up answer");
        assert_eq!((labelled.label().as_deref(), labelled.algorithms()), (Some("PIV"), vec![0x11, 0x0C]));
        for other in ["61 04 4F 02 D276", "", "61 05 4F 02", "61 00", "62 00", "61 08 4F 06 00 00 10 00 01 00 00"] {
            assert!(matches!(parsed(other), Err(PivError::Malformed { command: Name::Select, .. })), "{other}");
        }
    }

    #[test]
    fn a_card_without_piv_says_not_found() {
        let refused = parse(Answer { data: vec![], status: StatusWord(0x6A82) });
        assert_eq!(refused.err().and_then(|error| error.reason()), Some(Reason::NotFound));
    }
}
