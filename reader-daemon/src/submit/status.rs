//! The status list on this terminal: fetched once, then brought from version to version by what has changed since. Both are
//! verified before they are in force and kept for the next start. What is older than what is in force is refused.

use std::sync::Arc;

use card_schema::{
    envelope::{
        PublicKey,
        status_list::{Claims, SignedToken, StatusDelta, StatusList},
    },
    wire::{ProblemType, terminal::Trust},
};

use super::{
    client::{ServiceClient, ServiceError},
    refresh::RefreshError,
};
use crate::{
    outbox::{Outbox, OutboxError, Snapshot},
    tap::Shared,
};

/// How many changes are kept before the list is fetched anew: each is verified at a start.
const DELTAS_KEPT: u64 = 500;

/// The list that the outbox holds, as far as the changes since can be read. What cannot is fetched again; until then nothing older
/// takes its place.
///
/// # Errors
/// [`OutboxError`].
pub(super) async fn load(outbox: &Outbox, trust: &Trust) -> Result<Option<StatusList>, OutboxError> {
    let Some((_, token)) = outbox.snapshot(Snapshot::StatusList).await? else { return Ok(None) };
    let warned = |why: &&str| tracing::warn!(%why, "the status list that was kept, or changes of it, are not in force");
    let Ok(mut list) = list_of(&token, trust).inspect_err(warned) else { return Ok(None) };
    for delta in outbox.status_deltas().await? {
        if follow(&mut list, &delta, trust).inspect_err(warned).is_err() {
            break;
        }
    }
    Ok(Some(list))
}

/// Fetches what has changed and puts it in force.
///
/// # Errors
/// When the service fails, or says what cannot be trusted.
pub(super) async fn refresh(client: &ServiceClient, outbox: &Outbox, known: &Shared) -> Result<(), RefreshError> {
    let now = known.now();
    let trust = &now.profile.trust;
    let held = now.status_list.as_deref().filter(|list| list.subject == trust.status_list);
    // As a whole also when the daemon starts: what it has followed may be of a history that the service knows no longer.
    let whole = held.is_none() || now.online.is_none() || outbox.status_deltas_count().await? > DELTAS_KEPT;
    let mut newer = if whole { fetch(client, outbox, trust, held).await? } else { None };
    let reached = newer.as_ref().or(held).ok_or(RefreshError::Untrusted("the service has no status list"))?;
    match changes(client, reached.version).await? {
        Changes::None => {}
        Changes::Token(token) => {
            let mut list = reached.clone();
            follow(&mut list, &token, trust).map_err(RefreshError::Untrusted)?;
            outbox.keep_status_delta(list.version, &token).await?;
            newer = Some(list);
        }
        // What it says as a whole may be newer than its changes go back. Where it is older, a backup was restored.
        Changes::Unknown => {
            let version = reached.version;
            newer = fetch(client, outbox, trust, Some(reached)).await?.or(newer);
            if newer.as_ref().is_none_or(|newer| newer.version <= version) {
                tracing::warn!(version, "the service knows an older status list: this one stays");
            }
        }
    }
    if let Some(list) = newer {
        tracing::info!(version = list.version, "a newer status list is in force");
        known.update(|known| known.status_list = Some(Arc::new(list)));
    }
    Ok(())
}

/// The whole list, where it is newer than the one that is held. It is kept wherever it is newer than the one that is kept as a
/// whole: the changes that are kept lead on from there.
async fn fetch(
    client: &ServiceClient,
    outbox: &Outbox,
    trust: &Trust,
    held: Option<&StatusList>,
) -> Result<Option<StatusList>, RefreshError> {
    let kept = outbox.snapshot(Snapshot::StatusList).await?.map(|(version, _)| version);
    // One that cannot be read is fetched, though it is kept.
    let Some(token) = client.status_list(kept.filter(|_| held.is_some())).await? else { return Ok(None) };
    let list = list_of(&token, trust).map_err(RefreshError::Untrusted)?;
    if kept.is_none_or(|kept| kept <= list.version) {
        outbox.keep_status_list(list.version, &token).await?;
    }
    Ok(held.is_none_or(|held| held.version < list.version).then_some(list))
}

/// What the service says has changed since a version.
enum Changes {
    None,
    Token(Vec<u8>),
    /// It has never had that version, or too much has changed.
    Unknown,
}

async fn changes(client: &ServiceClient, since: u64) -> Result<Changes, ServiceError> {
    match client.status_changes(since).await {
        Ok(token) => Ok(token.map_or(Changes::None, Changes::Token)),
        Err(ServiceError::Problem(problem)) if problem.kind == ProblemType::NotFound => Ok(Changes::Unknown),
        Err(error) => Err(error),
    }
}

fn list_of(token: &[u8], trust: &Trust) -> Result<StatusList, &'static str> {
    let list: StatusList = verified(token, trust)?;
    if list.subject == trust.status_list { Ok(list) } else { Err("it is another list than the status list of cards") }
}

/// Brings a list to the version to which signed changes lead.
fn follow(list: &mut StatusList, token: &[u8], trust: &Trust) -> Result<(), &'static str> {
    let delta: StatusDelta = verified(token, trust)?;
    delta.apply(list).map_err(|_| "these are not changes of the status list in force")
}

/// What a token claims whose signature is by a key that the profile trusts for this.
fn verified<C: Claims>(token: &[u8], trust: &Trust) -> Result<C, &'static str> {
    let signed = SignedToken::decode(token).map_err(|_| "the status list or its changes cannot be read")?;
    let keys = trust.status_keys.iter().filter_map(|spki| PublicKey::from_spki(&spki.0).ok());
    let key = keys.into_iter().find(|key| key.key_id() == signed.key);
    let key = key.ok_or("the status list is signed by a key that this terminal does not trust")?;
    signed.verify(&key).map_err(|_| "the status list's signature does not verify")?;
    Ok(signed.claims)
}
