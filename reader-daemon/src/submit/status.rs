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
const DELTAS_KEPT: usize = 500;

/// The list that the outbox holds, with the changes since. One that cannot be read any more is fetched again; until then its version
/// still bars older ones.
///
/// # Errors
/// [`OutboxError`].
pub(super) async fn load(outbox: &Outbox, trust: &Trust) -> Result<Option<StatusList>, OutboxError> {
    let Some((_, token)) = outbox.snapshot(Snapshot::StatusList).await? else { return Ok(None) };
    let deltas = outbox.status_deltas().await?;
    let list = list_of(&token, trust).and_then(|mut list| {
        deltas.iter().try_for_each(|delta| follow(&mut list, delta, trust))?;
        Ok(list)
    });
    Ok(list.inspect_err(|why| tracing::warn!(%why, "the status list that was kept is not in force")).ok())
}

/// Fetches what has changed and puts it in force.
///
/// # Errors
/// When the service fails, or says what cannot be trusted.
pub(super) async fn refresh(client: &ServiceClient, outbox: &Outbox, known: &Shared) -> Result<(), RefreshError> {
    let now = known.now();
    let trust = &now.profile.trust;
    let held = now.status_list.as_deref().filter(|list| list.subject == trust.status_list);
    let mut list = match held {
        Some(list) => match changes(client, list.version).await? {
            Changes::None => return Ok(()),
            Changes::Token(token) => {
                let mut list = list.clone();
                follow(&mut list, &token, trust).map_err(RefreshError::Untrusted)?;
                outbox.keep_status_delta(list.version, &token).await?;
                list
            }
            Changes::Unknown => anew(client, outbox, trust).await?,
        },
        None => anew(client, outbox, trust).await?,
    };
    if held.is_some_and(|held| list.version < held.version) {
        return Err(RefreshError::Untrusted("the service knows an older status list than this terminal"));
    }
    if outbox.status_deltas().await?.len() > DELTAS_KEPT {
        // What it lacks is among the changes that are kept.
        let fetched = client.status_list().await?;
        let base = list_of(&fetched, trust).map_err(RefreshError::Untrusted)?;
        outbox.keep_status_list(base.version, &fetched).await?;
        list = if base.version > list.version { base } else { list };
    }
    tracing::info!(version = list.version, "a newer status list is in force");
    known.update(|known| known.status_list = Some(Arc::new(list)));
    Ok(())
}

/// The whole list, and what has changed since the service signed it.
async fn anew(client: &ServiceClient, outbox: &Outbox, trust: &Trust) -> Result<StatusList, RefreshError> {
    let token = client.status_list().await?;
    let mut list = list_of(&token, trust).map_err(RefreshError::Untrusted)?;
    outbox.keep_status_list(list.version, &token).await?;
    if let Changes::Token(token) = changes(client, list.version).await? {
        follow(&mut list, &token, trust).map_err(RefreshError::Untrusted)?;
        outbox.keep_status_delta(list.version, &token).await?;
    }
    Ok(list)
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
