//! Quarantine: taps that intake has recorded and not decided, because their terminal was revoked or something is wrong with
//! their lane, until a person has looked at them (decision 0045).
//!
//! Whoever decides does so about all taps of a terminal that wait, or about those made until a moment. What is to be booked
//! goes through the same checks and rooms as any other tap. Not here: why a tap is held (`lane`, `decide`).

pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use card_schema::clock::Micros;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{Shard, TapId, TerminalId};
use card_schema::money::Fen;
use card_schema::wire::ProblemType;
use ring::digest::{self, SHA256};
use uuid::Uuid;

use self::model::{Settlement, Shown};
use self::store::{Held, SettlementRow, Until};
use super::lane::Standing;
use super::memory::Memory;
use super::part::{self, Placed};
use super::submission::{Means, Policy, Submission};
use super::verify::{Candidate, SignedBy};
use crate::app::App;
use crate::db::{Connection, DbError, Tx};
use crate::evidence::Recent;
use crate::http::Refusal;
use crate::people::approval::model::{Deed, Done, Hands, Request};
use crate::people::approval::{self, Asked};
use crate::people::model::Permission;
use crate::people::{StaffId, member};
use crate::terminals::{self, Terminal, TerminalState};

/// The taps of a terminal that wait, as far as they are meant; nothing where there are none.
pub async fn waiting(
    connection: &mut Connection,
    terminal: TerminalId,
    until: Until,
    tap_limit: Fen,
) -> Result<Option<Shown>, DbError> {
    let held = store::held(connection, terminal, until, rules::MOST).await?;
    Ok(shown(&held, tap_limit))
}

/// Which taps these are, and what they come to.
fn shown(held: &[Held], tap_limit: Fen) -> Option<Shown> {
    let received_until = held.last()?.received_at;
    let mut context = digest::Context::new(&SHA256);
    for held in held {
        context.update(&[held.leaf.shard.0]);
        context.update(&held.leaf.leaf_id.to_be_bytes());
    }
    let digest = context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes");
    let (_, amount) = sum(held, tap_limit);
    Some(Shown { received_until, digest, taps: u32::try_from(held.len()).unwrap_or(u32::MAX), amount })
}

/// How many they are, and what they come to.
fn sum(held: &[Held], tap_limit: Fen) -> (u32, Fen) {
    let amount = held.iter().fold(0_i64, |sum, held| sum.saturating_add(held.counts(tap_limit).0));
    (u32::try_from(held.len()).unwrap_or(u32::MAX), Fen(amount))
}

/// Decides about taps, or asks for it where that takes two. `id` is the form's; the key of a text where nothing was done.
pub async fn settle(
    app: &App,
    by: StaffId,
    id: Uuid,
    wanted: Settlement,
) -> Result<Result<Done, &'static str>, Refusal> {
    let (now, limit, policy) = (app.now(), approval::limit(app), Policy::of(&app.config));
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move { carry_out(tx, now, (policy, limit), by, id, wanted).await })
        })
        .await
}

async fn carry_out(
    tx: &mut Tx,
    now: Micros,
    (policy, limit): (Policy, Fen),
    by: StaffId,
    id: Uuid,
    wanted: Settlement,
) -> Result<Result<Done, &'static str>, Refusal> {
    // What one does alone is counted wherever it lies: whoever comes second sees what the first has done.
    tx.lock([Shard(0)]).await?;
    let everybody = member::store::all(tx.conn()).await?;
    // Somebody may have been suspended since the request came in.
    if !approval::rules::is_able(by, Permission::ReverseTransfers, &everybody) {
        return Err(Refusal::new(ProblemType::Forbidden));
    }
    let held = match found(tx, policy, &wanted).await? {
        Ok(held) => held,
        Err(key) => return Ok(Err(key)),
    };
    if rules::takes_two(&wanted, approval::alone(tx.conn(), now, by, &everybody).await?, limit) {
        match approval::ask(tx, now, id, by, Deed::Settle(wanted)).await? {
            Ok(Asked::Go) => {}
            Ok(Asked::Waits(request)) => return Ok(Ok(Done::Waits(request))),
            Err(key) => return Ok(Err(key)),
        }
    }
    let hands = Hands { by, agreed_by: None };
    write(tx, policy, now, &wanted, held, hands).await?;
    Ok(Ok(Done::Now))
}

/// Does what another member of staff has agreed to, if the taps are still those that were asked about.
pub async fn agreed(
    tx: &mut Tx,
    now: Micros,
    policy: Policy,
    request: &Request,
    wanted: Settlement,
    by: StaffId,
) -> Result<Result<(), &'static str>, Refusal> {
    match found(tx, policy, &wanted).await? {
        Ok(held) => {
            let hands = Hands { by: request.asked_by, agreed_by: Some(by) };
            write(tx, policy, now, &wanted, held, hands).await?;
            Ok(Ok(()))
        }
        Err(_) => Ok(Err("quarantine-overtaken")),
    }
}

/// The taps that are meant, if all of them wait still. What has come in since is not among them.
async fn found(tx: &mut Tx, policy: Policy, wanted: &Settlement) -> Result<Result<Vec<Held>, &'static str>, DbError> {
    let until = Until { made: wanted.until, received: Some(wanted.shown.received_until) };
    let held = store::held(tx.conn(), wanted.terminal, until, rules::MOST).await?;
    let is_same = shown(&held, policy.limits.tap_limit) == Some(wanted.shown);
    Ok(if is_same { Ok(held) } else { Err("quarantine-changed") })
}

/// Writes what somebody has decided.
async fn write(
    tx: &mut Tx,
    policy: Policy,
    now: Micros,
    wanted: &Settlement,
    held: Vec<Held>,
    hands: Hands,
) -> Result<(), Refusal> {
    let terminal = terminals::store::one(tx.conn(), wanted.terminal).await?.ok_or_else(unknown)?;
    // That it was revoked is what somebody has looked at.
    let terminal = Arc::new(Terminal { state: TerminalState::Active, ..terminal });
    let sizes: BTreeSet<u64> = held.iter().filter_map(|held| Some(held.tap.payload.log_head?.size)).collect();
    let heads = super::store::seen_heads(tx.conn(), &sizes).await?;
    let row = |held: &Held| SettlementRow {
        leaf: held.leaf,
        tap: held.leaf.leaf_id,
        at: now,
        reason: wanted.reason,
        hands,
        outcome: Outcome::Rejected,
        moved: Fen::ZERO,
    };
    let rows = held.iter().map(row).collect();
    let mut taps = Vec::with_capacity(held.len());
    for held in held {
        let key = terminal.public_key.ok_or_else(unknown)?;
        let seen = held.tap.payload.log_head;
        let seen = seen.and_then(|head| heads.get(&head.size).filter(|seen| seen.root == head.root));
        let Held { leaf, received_at, tap, cose, .. } = held;
        let id = TapId(tap.digest());
        // Who signed it is found out with the card's keys as they are now.
        let candidate = Candidate { id, cose, tap: Some(tap.payload), card: None, signed_by: SignedBy::Nobody };
        let submission = Submission { terminal: wanted.terminal, key, taps: vec![candidate], received_at };
        taps.push(Placed {
            at: (0, 0),
            submission: Arc::new(submission),
            terminal: Arc::clone(&terminal),
            shard: leaf.shard,
            standing: Standing { passed: true, fault: None, is_folded: false },
            log_head_at: seen.map(|seen| seen.at),
        });
    }
    let means = Means { policy, memory: Memory::new(Recent::default()) };
    Ok(part::settle(tx, &means, &taps, rows).await?)
}

fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "quarantine-unknown")
}
