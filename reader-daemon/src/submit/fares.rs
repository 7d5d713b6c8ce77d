//! The fares on this terminal, as far as a validator has to know them: verified before they are in force and kept for the next
//! start. A pack whose versions go less far is refused.

use std::sync::Arc;

use card_schema::{envelope::fares::FarePack, wire::terminal::Trust};

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
pub(super) async fn load(outbox: &Outbox, trust: &Trust) -> Result<Option<FarePack>, OutboxError> {
    let Some((_, envelope)) = outbox.snapshot(Snapshot::Fares).await? else { return Ok(None) };
    let warned = |why: &&str| tracing::warn!(%why, "the fares that were kept are not in force");
    Ok(verified(&envelope, trust).inspect_err(warned).ok())
}

/// Fetches newer fares and puts them in force, where this terminal is a validator or sells passes.
///
/// # Errors
/// When the service fails, or says what cannot be trusted.
pub(super) async fn refresh(client: &ServiceClient, outbox: &Outbox, known: &Shared) -> Result<(), RefreshError> {
    let now = known.now();
    if !FarePack::is_for(&now.profile.operations) {
        return Ok(());
    }
    let have = now.fares.as_ref().map(|pack| u64::from(pack.newest()));
    let Some(envelope) = client.fares(have).await? else { return Ok(()) };
    let pack: FarePack = verified(&envelope, &now.profile.trust).map_err(RefreshError::Untrusted)?;
    let version = u64::from(pack.newest());
    if have.is_some_and(|have| have > version) {
        tracing::warn!(version, "the service knows older fares: those that are there stay");
        return Ok(());
    }
    outbox.keep_snapshot(Snapshot::Fares, version, &envelope).await?;
    tracing::info!(version, "newer fares are known");
    known.update(|known| known.fares = Some(Arc::new(pack)));
    Ok(())
}
