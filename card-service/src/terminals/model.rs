//! What a terminal is. No I/O.

use card_schema::clock::Micros;
use card_schema::envelope::PublicKey;
use card_schema::ids::TerminalId;
use card_schema::operation::OperationCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::people::Organisation;

/// Where a terminal is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TerminalState {
    /// It has a code and no certificate yet.
    Awaiting,
    /// It has a certificate.
    Active,
    /// It may do nothing any more. Final.
    Revoked,
}

impl TerminalState {
    /// The number in the database.
    pub const fn number(self) -> i64 {
        match self {
            Self::Awaiting => 0,
            Self::Active => 1,
            Self::Revoked => 2,
        }
    }

    /// The state of a number in the database.
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Awaiting),
            1 => Some(Self::Active),
            2 => Some(Self::Revoked),
            _ => None,
        }
    }
}

/// A reader daemon with its own key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Its id, which its certificate carries.
    pub terminal_id: TerminalId,
    /// Its name for people.
    pub name: String,
    /// Who runs it.
    pub organisation: Organisation,
    /// What it may submit.
    pub operations: Vec<OperationCode>,
    /// Where it is in its life.
    pub state: TerminalState,
    /// The key that signs its batches, once it is enrolled.
    pub public_key: Option<PublicKey>,
    /// Until when its certificate is good.
    pub certificate_until: Option<Micros>,
}

/// What a terminal is for: what it may submit, under one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The counter of a service station.
    Counter,
    /// Where people pay.
    Till,
    /// Where people go in.
    Gate,
    /// Where people get on vehicles and off, or are asked whether they have validated.
    Validator,
    /// The desk of a clinic.
    Clinic,
}

impl Place {
    /// Every place.
    pub const ALL: [Self; 5] = [Self::Counter, Self::Till, Self::Gate, Self::Validator, Self::Clinic];

    /// Its name in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Till => "till",
            Self::Gate => "gate",
            Self::Validator => "validator",
            Self::Clinic => "clinic",
        }
    }

    /// The place of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.name() == name)
    }

    /// What a terminal there may submit.
    pub const fn operations(self) -> &'static [OperationCode] {
        match self {
            Self::Counter => &[
                OperationCode::PurseTopUp,
                OperationCode::PurseTopUpApproval,
                OperationCode::PurseStatement,
                OperationCode::SocialSecurityDispute,
                OperationCode::TransitPass,
                OperationCode::RegistrationConsent,
                OperationCode::SignIn,
            ],
            Self::Till => &[
                OperationCode::PursePayment,
                OperationCode::PurseRefund,
                OperationCode::PurseVoid,
                OperationCode::PurseInquiry,
                OperationCode::PointsAward,
                OperationCode::PointsRedemption,
                OperationCode::PointsUndo,
            ],
            Self::Gate => &[OperationCode::GateCheck],
            Self::Validator => &[OperationCode::TransitValidation, OperationCode::TransitInspection],
            Self::Clinic => {
                &[OperationCode::ClinicCheckIn, OperationCode::ClinicSettlement, OperationCode::ClinicReversal]
            }
        }
    }

    /// The place at which a terminal may submit just this, if there is one.
    pub fn of(operations: &[OperationCode]) -> Option<Self> {
        let same = |place: &Self| {
            let here = place.operations();
            here.len() == operations.len() && here.iter().all(|operation| operations.contains(operation))
        };
        Self::ALL.into_iter().find(same)
    }
}

/// Why a terminal is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    /// Nobody knows where it is.
    Lost,
    /// Somebody took it.
    Stolen,
    /// It works no more.
    Broken,
    /// Nobody needs it any more.
    Unneeded,
    /// Somebody did with it what is not allowed.
    Misused,
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [Self; 5] = [Self::Lost, Self::Stolen, Self::Broken, Self::Unneeded, Self::Misused];

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Stolen => "stolen",
            Self::Broken => "broken",
            Self::Unneeded => "unneeded",
            Self::Misused => "misused",
        }
    }

    /// The reason of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// Something that a member of staff does with a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Adds it, with its first code.
    Add,
    /// Gives another code for its enrolment.
    GiveCode,
    /// Revokes it.
    Revoke(RevocationReason),
}

impl Deed {
    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "added",
            Self::GiveCode => "code",
            Self::Revoke(_) => "revoked",
        }
    }

    /// Why it is done, where that is said.
    pub const fn reason(self) -> Option<RevocationReason> {
        match self {
            Self::Add | Self::GiveCode => None,
            Self::Revoke(reason) => Some(reason),
        }
    }

    /// The deed of a name, done for a reason.
    pub fn from_name(name: &str, reason: Option<&str>) -> Option<Self> {
        match name {
            "added" => Some(Self::Add),
            "code" => Some(Self::GiveCode),
            "revoked" => reason.and_then(RevocationReason::from_name).map(Self::Revoke),
            _ => None,
        }
    }
}

/// Something that was done with a terminal, for its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// When.
    pub at: Micros,
    /// What it was.
    pub deed: Deed,
    /// Who did it: the name to sign in with.
    pub staff: Option<String>,
}

/// Letters and digits that cannot be mistaken for one another when a code is read out (Crockford's base 32).
const CODE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// An enrolment code from 100 random bits: four groups of five.
pub fn enrolment_code(random: [u8; 20]) -> String {
    let mut code = String::with_capacity(23);
    for (at, byte) in random.iter().enumerate() {
        if at > 0 && at % 5 == 0 {
            code.push('-');
        }
        code.push(char::from(CODE_ALPHABET[usize::from(byte & 31)]));
    }
    code
}

/// A code as a person may have typed it, in the one form that is hashed.
pub fn normal_code(typed: &str) -> String {
    typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_was_typed() {
        let code = enrolment_code([1; 20]);
        assert_eq!(code, "11111-11111-11111-11111");
        for typed in ["IIIII-lllll-11111-11111", " 11111 11111 11111 11111 ", "11111111111111111111"] {
            assert_eq!(normal_code(typed), normal_code(&code), "{typed}");
        }
    }

    #[test]
    fn a_place_is_known_by_what_may_be_submitted_there_in_whatever_order() {
        for place in Place::ALL {
            assert_eq!(Place::from_name(place.name()), Some(place));
            let mut operations = place.operations().to_vec();
            operations.reverse();
            assert_eq!(Place::of(&operations), Some(place));
            operations.push(OperationCode::Abandoned);
            assert_eq!(Place::of(&operations), None, "{place:?}");
        }
        assert_eq!(Place::of(&[]), None);
    }

    #[test]
    fn a_deed_is_read_as_it_was_written_down() {
        let revoked = RevocationReason::ALL.map(Deed::Revoke);
        for deed in [Deed::Add, Deed::GiveCode].into_iter().chain(revoked) {
            assert_eq!(Deed::from_name(deed.name(), deed.reason().map(RevocationReason::name)), Some(deed));
        }
        assert_eq!(Deed::from_name("revoked", None), None, "nothing is revoked for no reason");
    }
}
