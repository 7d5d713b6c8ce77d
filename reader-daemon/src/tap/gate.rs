//! Who passes at this gate. Pure: what the service has told comes in, a yes or a no comes out, and nothing of the person.

use card_schema::{
    clock::Micros,
    envelope::{
        PublicKey,
        gate::{GatePack, PassRefused},
        paper::Printed,
    },
    ids::CardId,
    operation::OperationCode,
    paper,
};

use super::{Knowledge, Refused};

/// Why a gate stays shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateRefused {
    /// Nobody has said yet who may pass here.
    #[error("it is not known yet who may pass")]
    NoRights,
    /// The terminal is at no site.
    #[error("this terminal stands at no site")]
    StandsNowhere,
    /// Nobody has said that this card may pass here, now.
    #[error("the card may not pass here now")]
    MayNotPass,
    /// No visitor's pass of this issuer.
    #[error("this is no visitor's pass")]
    NoPass,
    /// A visitor's pass that is not good here, now.
    #[error(transparent)]
    Pass(#[from] PassRefused),
}

/// What is known of this gate, where it stands somewhere and has not been without the service for too long.
fn pack(known: &Knowledge, now: Micros) -> Result<&GatePack, Refused> {
    if known.is_revoked {
        return Err(Refused::TerminalRevoked);
    }
    let pack = known.gate.as_deref().ok_or(GateRefused::NoRights)?;
    if pack.site.is_none() {
        return Err(GateRefused::StandsNowhere.into());
    }
    if known.is_frozen(now) { Err(Refused::Frozen) } else { Ok(pack) }
}

/// Lets a card in.
///
/// # Errors
/// [`Refused`] where its holder has to be sent away; nothing is signed then.
pub fn admit(card: CardId, known: &Knowledge, now: Micros) -> Result<(), Refused> {
    if pack(known, now)?.admits(&card, now) { Ok(()) } else { Err(GateRefused::MayNotPass.into()) }
}

/// Lets whoever has a paper in, by the text of its square code. Nothing is kept of it.
///
/// # Errors
/// [`Refused`] where they have to be sent away.
pub fn admit_bearer(text: &str, known: &Knowledge, now: Micros) -> Result<(), Refused> {
    let code = OperationCode::GateCheck;
    if !known.profile.operations.contains(&code) {
        return Err(Refused::OperationNotAllowed(code));
    }
    let pack = pack(known, now)?;
    let keys = known.profile.trust.paper_keys.iter().filter_map(|spki| PublicKey::from_spki(&spki.0).ok());
    match keys.into_iter().find_map(|key| paper::read(text, &key).ok()) {
        Some(Printed::Pass(pass)) => {
            pack.admits_bearer(&pass, now).map_err(|refused| GateRefused::from(refused).into())
        }
        Some(Printed::Paper(_)) | None => Err(GateRefused::NoPass.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use card_schema::{
        date::Date,
        envelope::{
            Kid, Payload, Signature, ToBeSigned,
            gate::{CardDigest, CardRight},
            paper::{Paper, PaperKind},
            pass::Pass,
        },
        gate::{Hours, Weekdays, Window},
        ids::{PaperNumber, Shard, SiteId, TerminalId},
        wire::{Bytes, terminal::OfflineLimits},
    };
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
    };

    use super::*;
    use crate::tap::tests::knowledge;

    const NOW: Micros = Micros::from_seconds(1_795_392_000);
    const HERE: SiteId = SiteId::from_bytes([4; 16]);
    const DAY: i64 = 86_400;

    fn shut(refused: impl Into<GateRefused>) -> Result<(), Refused> {
        Err(Refused::Gate(refused.into()))
    }

    fn card(number: u32) -> CardId {
        CardId::new(number, Shard(0), [1; 16])
    }

    /// A gate at a site that the first card may pass.
    fn known(site: Option<SiteId>) -> Knowledge {
        let (salt, today) = ([7; 16], Date::in_china(NOW));
        let window = Window { first: today, last: today, days: Weekdays::ALL, hours: Hours::ALL };
        let rights = vec![CardRight { card: CardDigest::of(&salt, &card(1)), window }];
        let (terminal, withdrawn) = (TerminalId::from_bytes([2; 16]), vec![PaperNumber([3; 10])]);
        let pack = GatePack { at: NOW, terminal, tag: 1, site, salt, rights, withdrawn };
        let mut known = Knowledge { synced_at: Some(NOW), gate: Some(Arc::new(pack)), ..knowledge() };
        let limits = &mut Arc::make_mut(&mut known.profile).limits;
        limits.offline = OfflineLimits { freeze_days: 7, ..limits.offline };
        known
    }

    #[test]
    fn a_gate_lets_in_whom_it_was_told_of_also_without_the_service_for_some_days() {
        let here = known(Some(HERE));
        let offline = Knowledge { online: Some(false), ..here.clone() };
        let (untold, nowhere) = (Knowledge { gate: None, ..here.clone() }, known(None));
        let never = Knowledge { synced_at: None, ..here.clone() };
        for (case, known, number, days, expected) in [
            ("may pass", &here, 1, 0, Ok(())),
            ("without the network", &offline, 1, 0, Ok(())),
            ("somebody else", &here, 2, 0, shut(GateRefused::MayNotPass)),
            ("on another day", &here, 1, 1, shut(GateRefused::MayNotPass)),
            ("after a week without the service", &here, 1, 8, Err(Refused::Frozen)),
            ("the clock was put back", &here, 1, -8, Err(Refused::Frozen)),
            ("never reached", &never, 1, 0, Err(Refused::Frozen)),
            ("knows nothing yet", &untold, 1, 0, shut(GateRefused::NoRights)),
            ("stands nowhere", &nowhere, 1, 0, shut(GateRefused::StandsNowhere)),
        ] {
            assert_eq!(admit(card(number), known, NOW.plus_seconds(days * DAY)), expected, "{case}");
        }
    }

    struct Issuer(EcdsaKeyPair);

    impl Issuer {
        fn new() -> Self {
            let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
            let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            Self(EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &random).unwrap())
        }

        fn public(&self) -> PublicKey {
            PublicKey::from_sec1(self.0.public_key().as_ref()).unwrap()
        }

        fn printed<P: Payload>(&self, payload: &P) -> String {
            let to_be_signed = ToBeSigned::new(payload, Kid::Key(self.public().key_id()));
            let signature = self.0.sign(&SystemRandom::new(), to_be_signed.message()).unwrap();
            let cose = to_be_signed.sign(&Signature(signature.as_ref().try_into().unwrap()));
            paper::text("https://card.test.invalid/papers/check", &cose)
        }
    }

    #[test]
    fn a_visitors_pass_opens_its_gate_and_no_other_paper_does() {
        let (issuer, forger) = (Issuer::new(), Issuer::new());
        let mut known = known(Some(HERE));
        let bus = known.clone();
        let profile = Arc::make_mut(&mut known.profile);
        profile.trust.paper_keys = vec![Bytes(issuer.public().to_spki().to_vec())];
        profile.operations.push(OperationCode::GateCheck);
        let pass = |number: u8, site, seconds| Pass {
            number: PaperNumber([number; 10]),
            site,
            from: NOW.plus_seconds(seconds),
            until: NOW.plus_seconds(seconds + 60),
        };
        let there = SiteId::from_bytes([5; 16]);
        let valid_until = Date::in_china(NOW.plus_seconds(DAY));
        let number = PaperNumber([1; 10]);
        let certificate = Paper { kind: PaperKind::Certificate, number, valid_until, binding: [0; 16] };
        let good = issuer.printed(&pass(1, HERE, 0));
        for (case, text, expected) in [
            ("good", good.clone(), Ok(())),
            ("typed without its address", good.rsplit('#').next().unwrap().to_owned(), Ok(())),
            ("later", issuer.printed(&pass(1, HERE, 1)), shut(PassRefused::NotYet)),
            ("over", issuer.printed(&pass(1, HERE, -60)), shut(PassRefused::Over)),
            ("elsewhere", issuer.printed(&pass(1, there, 0)), shut(PassRefused::OtherSite)),
            ("withdrawn", issuer.printed(&pass(3, HERE, 0)), shut(PassRefused::Withdrawn)),
            ("another paper", issuer.printed(&certificate), shut(GateRefused::NoPass)),
            ("forged", forger.printed(&pass(1, HERE, 0)), shut(GateRefused::NoPass)),
            ("cut short", good[..good.len() - 4].to_owned(), shut(GateRefused::NoPass)),
            ("something else", "https://card.test.invalid/".to_owned(), shut(GateRefused::NoPass)),
            ("nothing", String::new(), shut(GateRefused::NoPass)),
        ] {
            assert_eq!(admit_bearer(&text, &known, NOW), expected, "{case}");
        }
        let revoked = Knowledge { is_revoked: true, ..known.clone() };
        assert_eq!(admit_bearer(&good, &revoked, NOW), Err(Refused::TerminalRevoked));
        let no_gate = Err(Refused::OperationNotAllowed(OperationCode::GateCheck));
        assert_eq!(admit_bearer(&good, &bus, NOW), no_gate);
    }
}
