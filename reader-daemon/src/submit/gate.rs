//! Who may pass at this gate: verified before it is in force and kept for the next start. A pack that was signed before the one that
//! is held is refused, and so is one of days to come: after it nothing would be newer.

use std::sync::Arc;

use card_schema::{
    clock::Micros,
    envelope::gate::GatePack,
    ids::TerminalId,
    operation::OperationCode,
    wire::terminal::{TerminalProfile, Trust},
};

use super::{
    client::ServiceClient,
    refresh::{RefreshError, verified},
};
use crate::{
    outbox::{Outbox, OutboxError, Snapshot},
    tap::Shared,
};

/// How far ahead of this gate's clock the service's may be.
const AHEAD_SECONDS: i64 = 86_400;

/// The pack that the outbox holds. One that cannot be read is fetched again.
///
/// # Errors
/// [`OutboxError`].
pub(super) async fn load(outbox: &Outbox, profile: &TerminalProfile) -> Result<Option<GatePack>, OutboxError> {
    let Some((_, envelope)) = outbox.snapshot(Snapshot::Gate).await? else { return Ok(None) };
    let warned = |why: &&str| tracing::warn!(%why, "what was kept of who may pass is not in force");
    Ok(of(&envelope, profile.terminal_id, &profile.trust).inspect_err(warned).ok())
}

/// Fetches who may pass now and puts it in force, where this terminal is a gate.
///
/// # Errors
/// When the service fails, or says what cannot be trusted.
pub(super) async fn refresh(client: &ServiceClient, outbox: &Outbox, known: &Shared) -> Result<(), RefreshError> {
    let now = known.now();
    if !now.profile.operations.contains(&OperationCode::GateCheck) {
        return Ok(());
    }
    let held = now.gate.as_deref();
    let Some(envelope) = client.gate(held.map(|pack| pack.tag)).await? else { return Ok(()) };
    let pack = of(&envelope, now.profile.terminal_id, &now.profile.trust).map_err(RefreshError::Untrusted)?;
    follows(held, &pack, crate::clock::now()).map_err(RefreshError::Untrusted)?;
    let version = outbox.snapshot(Snapshot::Gate).await?.map_or(1, |(version, _)| version + 1);
    outbox.keep_snapshot(Snapshot::Gate, version, &envelope).await?;
    tracing::info!(rights = pack.rights.len(), "it is known anew who may pass");
    known.update(|known| known.gate = Some(Arc::new(pack)));
    Ok(())
}

/// Whether a pack may take the place of the one that is held. Where not, the days without the service are counted on.
fn follows(held: Option<&GatePack>, pack: &GatePack, now: Micros) -> Result<(), &'static str> {
    if pack.at > now.plus_seconds(AHEAD_SECONDS) {
        Err("who may pass was signed in days to come, by the clock of this gate")
    } else if held.is_some_and(|held| held.at > pack.at) {
        Err("who may pass is what the service told before")
    } else {
        Ok(())
    }
}

fn of(envelope: &[u8], terminal: TerminalId, trust: &Trust) -> Result<GatePack, &'static str> {
    let pack: GatePack = verified(envelope, trust)?;
    if pack.terminal == terminal { Ok(pack) } else { Err("what is said is about another gate") }
}

#[cfg(test)]
mod tests {
    use card_schema::{
        envelope::{Kid, PublicKey, Signature, ToBeSigned},
        wire::Bytes,
    };
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
    };

    use super::*;
    use crate::tap::tests::knowledge;

    const NOW: Micros = Micros::from_seconds(1_795_392_000);

    fn pack(terminal: u8, seconds: i64) -> GatePack {
        GatePack {
            at: NOW.plus_seconds(seconds),
            terminal: TerminalId::from_bytes([terminal; 16]),
            tag: 1,
            site: None,
            salt: [0; 16],
            rights: vec![],
            withdrawn: vec![],
        }
    }

    #[test]
    fn a_pack_follows_the_one_before_and_comes_from_no_day_to_come() {
        for (held, offered, expected) in [
            (None, 0, true),
            (Some(0), 0, true),
            (Some(0), 60, true),
            (Some(60), 0, false),
            (None, AHEAD_SECONDS, true),
            (None, AHEAD_SECONDS + 1, false),
            (Some(-60), 365 * 86_400, false),
        ] {
            let held = held.map(|at| pack(1, at));
            assert_eq!(follows(held.as_ref(), &pack(1, offered), NOW).is_ok(), expected, "{held:?} {offered}");
        }
    }

    #[test]
    fn a_pack_is_this_gates_and_signed_by_whoever_is_trusted() {
        let key = || {
            let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
            let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &random).unwrap()
        };
        let public = |key: &EcdsaKeyPair| PublicKey::from_sec1(key.public_key().as_ref()).unwrap();
        let signed = |key: &EcdsaKeyPair, pack: &GatePack| {
            let to_be_signed = ToBeSigned::new(pack, Kid::Key(public(key).key_id()));
            let signature = key.sign(&SystemRandom::new(), to_be_signed.message()).unwrap();
            to_be_signed.sign(&Signature(signature.as_ref().try_into().unwrap()))
        };
        let (service, stranger) = (key(), key());
        let mut trust = knowledge().profile.trust.clone();
        trust.receipt_keys = vec![Bytes(public(&service).to_spki().to_vec())];
        let terminal = TerminalId::from_bytes([1; 16]);
        assert_eq!(of(&signed(&service, &pack(1, 0)), terminal, &trust), Ok(pack(1, 0)));
        for (case, envelope) in [
            ("another gate's", signed(&service, &pack(2, 0))),
            ("a stranger's", signed(&stranger, &pack(1, 0))),
            ("nothing", Vec::new()),
        ] {
            assert!(of(&envelope, terminal, &trust).is_err(), "{case}");
        }
    }
}
