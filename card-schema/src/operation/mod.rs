//! What a card, or a terminal on its own, may sign: one file a domain, composed into [`Operation`].
//!
//! An operation says what was asked, not whether it may be done: limits and permissions are the
//! terminal's and the service's to decide.

pub mod clinic;
pub mod gate;
pub mod points;
pub mod purse;
pub mod registration;
pub mod sign_in;
pub mod social_security;
pub mod terminal;
pub mod transit;

use minicbor::{Decoder, Encoder, encode::Write};

use crate::{
    card::Slot,
    envelope::{EnvelopeError, cbor},
    money::Fen,
};

/// Who has to sign an operation, and with which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The card, with the key in this slot or a stronger one.
    Card(Slot),
    /// The terminal's own key.
    Terminal,
}

/// One operation with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `purse.payment`: from the holder's purse to the organisation of the terminal.
    PursePayment(purse::Payment),
    /// `purse.top_up`: cash taken at the terminal, into the holder's purse.
    PurseTopUp(purse::TopUp),
    /// `purse.top_up_approval`: a member of staff approves the top-up that follows.
    PurseTopUpApproval(purse::TopUpApproval),
    /// `purse.refund`: a payment, or a part of it, back to the holder.
    PurseRefund(purse::Return),
    /// `purse.void`: a payment is undone in full, soon after it was made.
    PurseVoid(purse::Return),
    /// `purse.inquiry`: the holder asks what is left in the purse.
    PurseInquiry(purse::Inquiry),
    /// `purse.statement`: the holder asks for the newest entries, and who has read their record.
    PurseStatement(purse::Statement),
    /// `points.award`: points for a purchase that was not paid with the card.
    PointsAward(points::Award),
    /// `points.redemption`: points for goods.
    PointsRedemption(points::Redemption),
    /// `points.undo`: an award or a redemption is undone in full.
    PointsUndo(points::Undo),
    /// `gate.check`: may this card pass here, now?
    GateCheck(gate::Check),
    /// `transit.validation`: a card is shown where one gets on or leaves.
    TransitValidation(transit::Validation),
    /// `transit.inspection`: has the holder of this card validated?
    TransitInspection(transit::Inspection),
    /// `transit.pass`: a pass, paid from the purse.
    TransitPass(transit::PassPurchase),
    /// `social_security.dispute`: the holder says that a month is not as it should be.
    SocialSecurityDispute(social_security::Dispute),
    /// `clinic.check_in`: the holder is at the clinic, and wants to be treated on their insurance.
    ClinicCheckIn(clinic::CheckIn),
    /// `clinic.settlement`: the holder approves who pays what of a bill.
    ClinicSettlement(clinic::Settlement),
    /// `clinic.reversal`: a bill that was settled is taken back whole.
    ClinicReversal(clinic::Reversal),
    /// `card.sign_in`: the holder shows at this terminal that the card is theirs.
    SignIn(sign_in::SignIn),
    /// `registration.consent`: the holder agrees to the registration and takes the card.
    RegistrationConsent(registration::Consent),
    /// `terminal.abandoned`: a counter that was reserved and never used by a card.
    Abandoned(terminal::Abandoned),
}

/// An operation without its parameters, as permissions and records name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum OperationCode {
    /// See [`Operation::PursePayment`].
    #[serde(rename = "purse.payment")]
    PursePayment = 0x0101,
    /// See [`Operation::PurseTopUp`].
    #[serde(rename = "purse.top_up")]
    PurseTopUp = 0x0102,
    /// See [`Operation::PurseRefund`].
    #[serde(rename = "purse.refund")]
    PurseRefund = 0x0103,
    /// See [`Operation::PurseVoid`].
    #[serde(rename = "purse.void")]
    PurseVoid = 0x0104,
    /// See [`Operation::PurseInquiry`].
    #[serde(rename = "purse.inquiry")]
    PurseInquiry = 0x0105,
    /// See [`Operation::PurseTopUpApproval`].
    #[serde(rename = "purse.top_up_approval")]
    PurseTopUpApproval = 0x0106,
    /// See [`Operation::PurseStatement`].
    #[serde(rename = "purse.statement")]
    PurseStatement = 0x0107,
    /// See [`Operation::GateCheck`].
    #[serde(rename = "gate.check")]
    GateCheck = 0x0201,
    /// See [`Operation::PointsAward`].
    #[serde(rename = "points.award")]
    PointsAward = 0x0401,
    /// See [`Operation::PointsRedemption`].
    #[serde(rename = "points.redemption")]
    PointsRedemption = 0x0402,
    /// See [`Operation::PointsUndo`].
    #[serde(rename = "points.undo")]
    PointsUndo = 0x0403,
    /// See [`Operation::TransitValidation`].
    #[serde(rename = "transit.validation")]
    TransitValidation = 0x0501,
    /// See [`Operation::TransitInspection`].
    #[serde(rename = "transit.inspection")]
    TransitInspection = 0x0502,
    /// See [`Operation::TransitPass`].
    #[serde(rename = "transit.pass")]
    TransitPass = 0x0503,
    /// See [`Operation::SocialSecurityDispute`].
    #[serde(rename = "social_security.dispute")]
    SocialSecurityDispute = 0x0601,
    /// See [`Operation::ClinicCheckIn`].
    #[serde(rename = "clinic.check_in")]
    ClinicCheckIn = 0x0701,
    /// See [`Operation::ClinicSettlement`].
    #[serde(rename = "clinic.settlement")]
    ClinicSettlement = 0x0702,
    /// See [`Operation::ClinicReversal`].
    #[serde(rename = "clinic.reversal")]
    ClinicReversal = 0x0703,
    /// See [`Operation::SignIn`].
    #[serde(rename = "card.sign_in")]
    SignIn = 0x0301,
    /// See [`Operation::RegistrationConsent`].
    #[serde(rename = "registration.consent")]
    RegistrationConsent = 0x0302,
    /// See [`Operation::Abandoned`].
    #[serde(rename = "terminal.abandoned")]
    Abandoned = 0x0F01,
}

impl OperationCode {
    /// Every operation there is.
    pub const ALL: [Self; 21] = [
        Self::PursePayment,
        Self::PurseTopUp,
        Self::PurseTopUpApproval,
        Self::PurseRefund,
        Self::PurseVoid,
        Self::PurseInquiry,
        Self::PurseStatement,
        Self::PointsAward,
        Self::PointsRedemption,
        Self::PointsUndo,
        Self::GateCheck,
        Self::TransitValidation,
        Self::TransitInspection,
        Self::TransitPass,
        Self::SocialSecurityDispute,
        Self::ClinicCheckIn,
        Self::ClinicSettlement,
        Self::ClinicReversal,
        Self::SignIn,
        Self::RegistrationConsent,
        Self::Abandoned,
    ];

    /// The number in a signed payload.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The operation of a number in a signed payload.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// The stable name, as configuration, records and the API write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PursePayment => "purse.payment",
            Self::PurseTopUp => "purse.top_up",
            Self::PurseTopUpApproval => "purse.top_up_approval",
            Self::PurseRefund => "purse.refund",
            Self::PurseVoid => "purse.void",
            Self::PurseInquiry => "purse.inquiry",
            Self::PurseStatement => "purse.statement",
            Self::PointsAward => "points.award",
            Self::PointsRedemption => "points.redemption",
            Self::PointsUndo => "points.undo",
            Self::GateCheck => "gate.check",
            Self::TransitValidation => "transit.validation",
            Self::TransitInspection => "transit.inspection",
            Self::TransitPass => "transit.pass",
            Self::SocialSecurityDispute => "social_security.dispute",
            Self::ClinicCheckIn => "clinic.check_in",
            Self::ClinicSettlement => "clinic.settlement",
            Self::ClinicReversal => "clinic.reversal",
            Self::SignIn => "card.sign_in",
            Self::RegistrationConsent => "registration.consent",
            Self::Abandoned => "terminal.abandoned",
        }
    }

    /// Whether it moves money or points where it is accepted: only then does a person decide about one that was held.
    pub const fn moves(self) -> bool {
        match self {
            Self::PursePayment
            | Self::PurseTopUp
            | Self::PurseRefund
            | Self::PurseVoid
            | Self::PointsAward
            | Self::PointsRedemption
            | Self::PointsUndo
            | Self::TransitValidation
            | Self::TransitPass => true,
            Self::PurseTopUpApproval
            | Self::PurseInquiry
            | Self::PurseStatement
            | Self::GateCheck
            | Self::TransitInspection
            | Self::SocialSecurityDispute
            | Self::ClinicCheckIn
            // What others pay of a bill has changed meanwhile: whoever was there settles it anew.
            | Self::ClinicSettlement
            | Self::ClinicReversal
            | Self::SignIn
            | Self::RegistrationConsent
            | Self::Abandoned => false,
        }
    }

    /// The operation of a stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }
}

impl Operation {
    /// Which operation this is.
    pub const fn code(&self) -> OperationCode {
        match self {
            Self::PursePayment(_) => OperationCode::PursePayment,
            Self::PurseTopUp(_) => OperationCode::PurseTopUp,
            Self::PurseTopUpApproval(_) => OperationCode::PurseTopUpApproval,
            Self::PurseRefund(_) => OperationCode::PurseRefund,
            Self::PurseVoid(_) => OperationCode::PurseVoid,
            Self::PurseInquiry(_) => OperationCode::PurseInquiry,
            Self::PurseStatement(_) => OperationCode::PurseStatement,
            Self::PointsAward(_) => OperationCode::PointsAward,
            Self::PointsRedemption(_) => OperationCode::PointsRedemption,
            Self::PointsUndo(_) => OperationCode::PointsUndo,
            Self::GateCheck(_) => OperationCode::GateCheck,
            Self::TransitValidation(_) => OperationCode::TransitValidation,
            Self::TransitInspection(_) => OperationCode::TransitInspection,
            Self::TransitPass(_) => OperationCode::TransitPass,
            Self::SocialSecurityDispute(_) => OperationCode::SocialSecurityDispute,
            Self::ClinicCheckIn(_) => OperationCode::ClinicCheckIn,
            Self::ClinicSettlement(_) => OperationCode::ClinicSettlement,
            Self::ClinicReversal(_) => OperationCode::ClinicReversal,
            Self::SignIn(_) => OperationCode::SignIn,
            Self::RegistrationConsent(_) => OperationCode::RegistrationConsent,
            Self::Abandoned(_) => OperationCode::Abandoned,
        }
    }

    /// The money that the operation is about, if it is about any: what it moves, of a bill what the purse pays, and for an award what was
    /// paid otherwise.
    pub const fn amount(&self) -> Option<Fen> {
        match self {
            Self::PursePayment(payment) => Some(payment.amount),
            Self::PurseTopUp(top_up) => Some(top_up.amount),
            Self::PurseTopUpApproval(approval) => Some(approval.amount),
            Self::PurseRefund(back) | Self::PurseVoid(back) => Some(back.amount),
            Self::PointsAward(award) => Some(award.paid),
            Self::TransitPass(pass) => Some(pass.price),
            Self::ClinicSettlement(bill) => Some(bill.purse),
            _ => None,
        }
    }

    /// Whether what it moves lies within the limit of one tap. Of a bill the purse may pay nothing.
    pub fn is_within(&self, tap_limit: Fen) -> bool {
        let least = if self.code() == OperationCode::ClinicSettlement { Fen::ZERO } else { Fen(1) };
        self.amount().is_none_or(|amount| (least..=tap_limit).contains(&amount))
    }

    /// The points that the holder is to have more, less than zero for fewer; nothing where what goes back is for the service
    /// to say, and where it is not about points.
    pub fn points(&self) -> Option<i64> {
        match self {
            Self::PursePayment(payment) => payment.points.map(|movement| movement.net()),
            Self::PointsAward(award) => Some(i64::from(award.earned)),
            Self::PointsRedemption(redemption) => Some(-i64::from(redemption.points)),
            _ => None,
        }
    }

    /// The points that the holder gives, for goods or for money off.
    pub const fn given(&self) -> Option<u32> {
        match self {
            Self::PointsRedemption(redemption) => Some(redemption.points),
            Self::PursePayment(payment) if payment.redeemed() > 0 => Some(payment.redeemed()),
            _ => None,
        }
    }

    /// What points have taken off the price.
    pub fn discount(&self) -> Option<Fen> {
        match self {
            Self::PursePayment(payment) => {
                payment.points.filter(|points| points.redeemed > 0).map(|points| points.discount)
            }
            _ => None,
        }
    }

    /// Whether only the service can answer: a terminal that decides by itself refuses it.
    pub const fn needs_service(&self) -> bool {
        match self {
            Self::PurseTopUpApproval(_)
            | Self::PurseRefund(_)
            | Self::PurseVoid(_)
            | Self::PurseInquiry(_)
            | Self::PurseStatement(_)
            | Self::PointsRedemption(_)
            | Self::PointsUndo(_)
            | Self::TransitInspection(_)
            | Self::TransitPass(_)
            | Self::SocialSecurityDispute(_)
            | Self::ClinicCheckIn(_)
            | Self::ClinicSettlement(_)
            | Self::ClinicReversal(_) => true,
            // Whether its approval is good.
            Self::PurseTopUp(top_up) => top_up.approved_by.is_some(),
            // Nobody else knows how many points there are.
            Self::PursePayment(payment) => payment.redeemed() > 0,
            _ => false,
        }
    }

    /// What the operation gives back or undoes, if it does that.
    pub const fn original(&self) -> Option<purse::Original> {
        match self {
            Self::PurseRefund(back) | Self::PurseVoid(back) => Some(back.original),
            Self::PointsUndo(undo) => Some(undo.original),
            _ => None,
        }
    }

    /// Who must sign. `no_pin_limit` is the largest payment that needs no PIN. What goes to the holder needs none.
    pub fn signer(&self, no_pin_limit: Fen) -> Signer {
        match self {
            Self::PursePayment(payment) if payment.amount > no_pin_limit || payment.redeemed() > 0 => {
                Signer::Card(Slot::Approve)
            }
            Self::TransitPass(pass) if pass.price > no_pin_limit => Signer::Card(Slot::Approve),
            Self::PursePayment(_)
            | Self::PurseTopUp(_)
            | Self::PurseRefund(_)
            | Self::PurseVoid(_)
            | Self::PointsAward(_)
            | Self::PointsUndo(_)
            | Self::GateCheck(_)
            | Self::TransitValidation(_)
            | Self::TransitInspection(_)
            | Self::TransitPass(_)
            | Self::ClinicReversal(_) => Signer::Card(Slot::Tap),
            Self::SignIn(_) | Self::ClinicCheckIn(_) => Signer::Card(Slot::SignIn),
            // Whoever has found a card shall not learn what is on it, nor approve with it.
            Self::PurseTopUpApproval(_)
            | Self::PurseInquiry(_)
            | Self::PurseStatement(_)
            | Self::PointsRedemption(_)
            | Self::SocialSecurityDispute(_)
            | Self::ClinicSettlement(_)
            | Self::RegistrationConsent(_) => Signer::Card(Slot::Approve),
            Self::Abandoned(_) => Signer::Terminal,
        }
    }

    pub(crate) fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self {
            Self::PursePayment(payment) => payment.encode(e),
            Self::PurseTopUp(top_up) => top_up.encode(e),
            Self::PurseTopUpApproval(approval) => approval.encode(e),
            Self::PurseRefund(back) | Self::PurseVoid(back) => back.encode(e),
            Self::PurseInquiry(_) | Self::PurseStatement(_) | Self::GateCheck(_) => cbor::nothing(e),
            Self::PointsAward(award) => award.encode(e),
            Self::PointsRedemption(redemption) => redemption.encode(e),
            Self::PointsUndo(undo) => undo.encode(e),
            Self::TransitValidation(validation) => validation.encode(e),
            Self::TransitInspection(inspection) => inspection.encode(e),
            Self::TransitPass(pass) => pass.encode(e),
            Self::SocialSecurityDispute(dispute) => dispute.encode(e),
            Self::ClinicCheckIn(check_in) => check_in.encode(e),
            Self::ClinicSettlement(settlement) => settlement.encode(e),
            Self::ClinicReversal(reversal) => reversal.encode(e),
            Self::SignIn(sign_in) => sign_in.encode(e),
            Self::RegistrationConsent(consent) => consent.encode(e),
            Self::Abandoned(abandoned) => abandoned.encode(e),
        }
    }

    pub(crate) fn decode(code: OperationCode, d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        Ok(match code {
            OperationCode::PursePayment => Self::PursePayment(purse::Payment::decode(d)?),
            OperationCode::PurseTopUp => Self::PurseTopUp(purse::TopUp::decode(d)?),
            OperationCode::PurseTopUpApproval => Self::PurseTopUpApproval(purse::TopUpApproval::decode(d)?),
            OperationCode::PurseRefund => Self::PurseRefund(purse::Return::decode(d)?),
            OperationCode::PurseVoid => Self::PurseVoid(purse::Return::decode(d)?),
            OperationCode::PurseInquiry => cbor::map(d, 0).map(|()| Self::PurseInquiry(purse::Inquiry))?,
            OperationCode::PurseStatement => cbor::map(d, 0).map(|()| Self::PurseStatement(purse::Statement))?,
            OperationCode::PointsAward => Self::PointsAward(points::Award::decode(d)?),
            OperationCode::PointsRedemption => Self::PointsRedemption(points::Redemption::decode(d)?),
            OperationCode::PointsUndo => Self::PointsUndo(points::Undo::decode(d)?),
            OperationCode::GateCheck => cbor::map(d, 0).map(|()| Self::GateCheck(gate::Check))?,
            OperationCode::TransitValidation => Self::TransitValidation(transit::Validation::decode(d)?),
            OperationCode::TransitInspection => Self::TransitInspection(transit::Inspection::decode(d)?),
            OperationCode::TransitPass => Self::TransitPass(transit::PassPurchase::decode(d)?),
            OperationCode::SocialSecurityDispute => Self::SocialSecurityDispute(social_security::Dispute::decode(d)?),
            OperationCode::ClinicCheckIn => Self::ClinicCheckIn(clinic::CheckIn::decode(d)?),
            OperationCode::ClinicSettlement => Self::ClinicSettlement(clinic::Settlement::decode(d)?),
            OperationCode::ClinicReversal => Self::ClinicReversal(clinic::Reversal::decode(d)?),
            OperationCode::SignIn => Self::SignIn(sign_in::SignIn::decode(d)?),
            OperationCode::RegistrationConsent => Self::RegistrationConsent(registration::Consent::decode(d)?),
            OperationCode::Abandoned => Self::Abandoned(terminal::Abandoned::decode(d)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::ProgrammeId;

    #[test]
    fn every_operation_has_one_number_and_one_name() {
        for code in OperationCode::ALL {
            assert_eq!(OperationCode::from_number(code.number()), Some(code));
            assert_eq!(OperationCode::from_name(code.name()), Some(code));
            assert_eq!(serde_json::to_value(code).expect("a name"), code.name());
        }
        assert_eq!(OperationCode::from_number(0), None);
    }

    #[test]
    fn a_payment_over_the_limit_needs_the_pin() {
        let payment = |fen| Operation::PursePayment(purse::Payment::online(Fen(fen)));
        assert_eq!(payment(10_000).signer(Fen(10_000)), Signer::Card(Slot::Tap));
        assert_eq!(payment(10_001).signer(Fen(10_000)), Signer::Card(Slot::Approve));
    }

    #[test]
    fn points_are_given_with_the_pin_alone_and_earned_without() {
        let movement = |redeemed| points::Movement { programme: ProgrammeId(1), earned: 3, redeemed, discount: Fen(1) };
        let payment = |redeemed| purse::Payment { points: Some(movement(redeemed)), ..purse::Payment::online(Fen(1)) };
        let redemption = points::Redemption { programme: ProgrammeId(1), points: 5 };
        for (operation, slot, points) in [
            (Operation::PursePayment(payment(0)), Slot::Tap, 3),
            (Operation::PursePayment(payment(5)), Slot::Approve, -2),
            (Operation::PointsRedemption(redemption), Slot::Approve, -5),
        ] {
            assert_eq!(operation.signer(Fen(10_000)), Signer::Card(slot), "{operation:?}");
            assert_eq!((operation.points(), operation.needs_service()), (Some(points), slot == Slot::Approve));
        }
    }

    #[test]
    fn nobody_learns_what_is_left_without_the_pin() {
        for operation in [Operation::PurseInquiry(purse::Inquiry), Operation::PurseStatement(purse::Statement)] {
            assert_eq!(operation.signer(Fen(10_000)), Signer::Card(Slot::Approve));
        }
    }
}
