//! Who may pass at this gate: verified before it is in force and kept for the next start. A pack that was signed before the one that
//! is held is refused.

use std::sync::Arc;

use card_schema::{
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
    if held.is_some_and(|held| held.at > pack.at) {
        tracing::warn!("the service tells what it told before: who may pass stays as it is");
        return Ok(());
    }
    let version = outbox.snapshot(Snapshot::Gate).await?.map_or(1, |(version, _)| version + 1);
    outbox.keep_snapshot(Snapshot::Gate, version, &envelope).await?;
    tracing::info!(rights = pack.rights.len(), "it is known anew who may pass");
    known.update(|known| known.gate = Some(Arc::new(pack)));
    Ok(())
}

fn of(envelope: &[u8], terminal: TerminalId, trust: &Trust) -> Result<GatePack, &'static str> {
    let pack: GatePack = verified(envelope, trust)?;
    if pack.terminal == terminal { Ok(pack) } else { Err("what is said is about another gate") }
}
