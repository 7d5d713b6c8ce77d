//! What comes down from the service, verified before it is in force and kept for the next start: the profile here, the status
//! list in `status`, fares in `fares`, who may pass at a gate in `gate`.

use std::sync::Arc;

use card_schema::{
    clock::Micros,
    envelope::{Envelope, Kid, Payload, PublicKey, tap::LogHead},
    wire::{
        ProblemType,
        terminal::{TerminalProfile, Trust},
    },
};

use super::{
    client::{ServiceClient, ServiceError},
    fares, gate, status,
};
use crate::{
    identity::Identity,
    outbox::{Outbox, OutboxError, Snapshot},
    tap::{Knowledge, Shared},
};

/// Why what the service offered is not in force.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error("{0}")]
    Untrusted(&'static str),
}

/// What the outbox holds from earlier.
///
/// # Errors
/// [`OutboxError`], also when there is no profile: then the terminal is not enrolled.
pub async fn load_known(outbox: &Outbox, identity: &Identity) -> Result<Knowledge, OutboxError> {
    let (_, profile) = outbox.snapshot(Snapshot::Profile).await?.ok_or(OutboxError::Damaged("profile"))?;
    let mut profile: TerminalProfile = serde_json::from_slice(&profile).map_err(|_| OutboxError::Damaged("profile"))?;
    profile.trust.root = identity.file.root.clone();
    let status_list = status::load(outbox, &profile.trust).await?.map(Arc::new);
    let log_head = outbox
        .snapshot(Snapshot::LogHead)
        .await?
        .and_then(|(size, root)| Some(LogHead { size, root: root.try_into().ok()? }));
    let synced_at = outbox
        .snapshot(Snapshot::SyncedAt)
        .await?
        .and_then(|(_, at)| Some(Micros(i64::from_be_bytes(at.try_into().ok()?))));
    let fares = fares::load(outbox, &profile.trust).await?.map(Arc::new);
    let gate = gate::load(outbox, &profile).await?.map(Arc::new);
    let profile = Arc::new(profile);
    Ok(Knowledge { profile, status_list, fares, gate, log_head, is_revoked: false, online: None, synced_at })
}

/// Profile and status list are as new as the service has them: from now on the days without it are counted.
async fn synced(outbox: &Outbox, known: &Shared) -> Result<(), OutboxError> {
    let now = crate::clock::now();
    let version = outbox.snapshot(Snapshot::SyncedAt).await?.map_or(1, |(version, _)| version + 1);
    outbox.keep_snapshot(Snapshot::SyncedAt, version, &now.0.to_be_bytes()).await?;
    known.update(|known| known.synced_at = Some(now));
    Ok(())
}

/// Fetches what is newer and puts it in force; also that this terminal has been revoked.
pub(crate) async fn refresh(
    client: &ServiceClient,
    outbox: &Outbox,
    known: &Shared,
    identity: &Identity,
) -> Result<(), RefreshError> {
    let is_revoked = match refresh_profile(client, outbox, known, identity).await {
        Err(RefreshError::Service(ServiceError::Problem(problem))) => match problem.kind {
            ProblemType::TerminalRevoked => true,
            _ => return Err(ServiceError::Problem(problem).into()),
        },
        other => other.map(|()| false)?,
    };
    if is_revoked != known.now().is_revoked {
        known.update(|known| known.is_revoked = is_revoked);
        tracing::warn!(is_revoked, "whether this terminal is revoked has changed");
    }
    // A revoked terminal is not told who is on the list.
    if is_revoked {
        return Ok(());
    }
    status::refresh(client, outbox, known).await?;
    fares::refresh(client, outbox, known).await?;
    gate::refresh(client, outbox, known).await?;
    Ok(synced(outbox, known).await?)
}

/// What an envelope says whose signature is by a key that the profile trusts for what the service answers.
pub(super) fn verified<P: Payload>(envelope: &[u8], trust: &Trust) -> Result<P, &'static str> {
    let envelope = Envelope::<P>::decode(envelope).map_err(|_| "it cannot be read")?;
    let keys = trust.receipt_keys.iter().filter_map(|spki| PublicKey::from_spki(&spki.0).ok());
    let key = keys.into_iter().find(|key| envelope.kid == Kid::Key(key.key_id()));
    let key = key.ok_or("it is signed by a key that this terminal does not trust")?;
    envelope.verify(&key).map_err(|_| "its signature does not verify")?;
    Ok(envelope.payload)
}

async fn refresh_profile(
    client: &ServiceClient,
    outbox: &Outbox,
    known: &Shared,
    identity: &Identity,
) -> Result<(), RefreshError> {
    let profile = client.profile().await?;
    if profile == *known.now().profile {
        return Ok(());
    }
    if profile.terminal_id != identity.file.terminal_id {
        return Err(RefreshError::Untrusted("the profile is another terminal's"));
    }
    if profile.trust.root != identity.file.root {
        return Err(RefreshError::Untrusted("the profile names another root than the terminal was enrolled with"));
    }
    let version = outbox.snapshot(Snapshot::Profile).await?.map_or(1, |(version, _)| version + 1);
    let text = serde_json::to_vec(&profile).expect("plain data always serialises");
    outbox.keep_snapshot(Snapshot::Profile, version, &text).await?;
    tracing::info!(version, "a new profile is in force");
    known.update(|known| known.profile = Arc::new(profile));
    Ok(())
}
