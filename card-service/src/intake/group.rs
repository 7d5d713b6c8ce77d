//! A group of batches: each tap takes its place in its lane, then all that lie in one group of shards are decided and
//! written in one transaction, and the lanes go on last.
//!
//! The lanes are locked all the while, so whoever else has taps of them waits, and they are moved by the transaction that
//! commits last: a lane never says that a tap was recorded which was not. A process that ends in between leaves taps that
//! are recorded before their lanes; brought again, they are found where they lie.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use card_schema::envelope::receipt::{Outcome, TapOutcome};
use card_schema::envelope::tap::Tap;
use card_schema::ids::{Shard, TapId};
use futures_util::future::{join, join_all};

use super::lane::{LaneNumber, Lanes};
use super::memory::{Learned, Memory};
use super::part::{self, Placed};
use super::store;
use super::submission::{Answer, Means, Submission, SubmitError};
use crate::db::{Db, DbError, Engine, Tx};
use crate::terminals::Terminal;

/// What a group has come to, once its transaction is committed.
pub(super) struct Decided {
    /// An answer a submission.
    pub(super) answers: Vec<Answer>,
    /// What its own part leaves to be remembered.
    pub(super) learned: Learned,
}

/// Decides and writes a group. All but one of its parts are committed when this returns; that one and the lanes are as
/// this transaction ends.
pub(super) async fn decide_and_write(
    tx: &mut Tx,
    db: &Db,
    means: &Arc<Means>,
    submissions: &[Arc<Submission>],
) -> Result<Decided, DbError> {
    let mut lanes = load_lanes(tx, db, submissions).await?;
    let Sorted { mut answers, mut parts } = sort(tx, &means.memory, &mut lanes, submissions).await?;
    // What the status list lies in is the lowest of all shards: a group that may sign it is one part. So is one in which a tap may
    // be approved by another.
    if parts.values().flatten().any(|placed| placed.may_list() || placed.is_approved_by_another()) {
        parts = BTreeMap::from([(0, parts.into_values().flatten().collect())]);
    }
    // Whoever takes several shards takes the lowest first. So this transaction, which holds its shards until all others are
    // committed, has the lowest.
    let own = parts.pop_first().map(|(_, taps)| taps).unwrap_or_default();
    let apart = join_all(parts.into_values().map(|taps| write_apart(db, means, taps)));
    // Each to its end: a part that is under way is not left behind by one that fails.
    let (part, apart) = join(part::decide_and_write(tx, means, &own), apart).await;
    for outcomes in apart {
        answers.take(outcomes?);
    }
    let part::Decided { outcomes, learned } = part?;
    answers.take(outcomes);
    store::write_heads(tx.conn(), &lanes.moved()).await?;
    let answers = answers.complete();
    count(&answers);
    Ok(Decided { answers, learned })
}

/// Decides and writes one part in a transaction of its own.
async fn write_apart(db: &Db, means: &Arc<Means>, taps: Vec<Placed>) -> Result<Vec<part::Outcome>, DbError> {
    let with = Arc::clone(means);
    let part::Decided { outcomes, learned } = db
        .write_concurrently(move |tx| Box::pin(async move { part::decide_and_write(tx, &with, &taps).await }))
        .await?;
    means.memory.keep(learned);
    Ok(outcomes)
}

/// Counts what became of taps, whoever brought them.
fn count(answers: &[Answer]) {
    let mut counts: BTreeMap<u16, (Outcome, u64)> = BTreeMap::new();
    for tap in answers.iter().flatten().flatten() {
        counts.entry(tap.outcome.number()).or_insert((tap.outcome, 0)).1 += 1;
    }
    for (outcome, count) in counts.into_values() {
        metrics::counter!("intake_taps_total", "outcome" => format!("{outcome:?}")).increment(count);
    }
}

/// The taps that terminals bring as their own.
fn taps(submissions: &[Arc<Submission>]) -> impl Iterator<Item = (TapId, &Tap)> {
    submissions.iter().flat_map(|submission| {
        let taps = submission.taps.iter().filter_map(|candidate| Some((candidate.id, candidate.tap.as_ref()?)));
        taps.filter(|(_, tap)| tap.terminal == submission.terminal)
    })
}

/// Locks the lanes and loads where they stand.
async fn load_lanes(tx: &mut Tx, db: &Db, submissions: &[Arc<Submission>]) -> Result<Lanes, DbError> {
    let lanes: BTreeSet<_> = taps(submissions).map(|(_, tap)| LaneNumber::of(tap).lane()).collect();
    let mut heads = store::lock_heads(tx.conn(), &lanes).await?;
    let new: BTreeSet<_> = lanes.into_iter().filter(|lane| !heads.contains_key(lane)).collect();
    if !new.is_empty() {
        let opened = new.clone();
        if tx.engine().shard_groups() > 1 {
            // Before any part is committed: no tap is recorded without its lane.
            let work =
                db.write_concurrently(move |tx| Box::pin(async move { store::open_lanes(tx.conn(), &opened).await }));
            work.await?;
        } else {
            store::open_lanes(tx.conn(), &opened).await?;
        }
        heads.extend(store::lock_heads(tx.conn(), &new).await?);
    }
    let passed = |number: &LaneNumber| heads.get(&number.lane()).is_some_and(|head| number.counter <= head.counter);
    let passed = taps(submissions).map(|(id, tap)| (LaneNumber::of(tap), id)).filter(|(number, _)| passed(number));
    let passed = passed.collect();
    let faults = store::faults_at(tx.conn(), &passed).await?;
    let folded = store::folded_at(tx.conn(), &passed).await?;
    Ok(Lanes::new(heads, faults, folded))
}

/// Taps by the group of shards in which they lie, and what is to be said already.
struct Sorted {
    answers: Answers,
    parts: BTreeMap<u8, Vec<Placed>>,
}

/// Gives every tap its place, in the order in which they came.
async fn sort(
    tx: &mut Tx,
    memory: &Memory,
    lanes: &mut Lanes,
    submissions: &[Arc<Submission>],
) -> Result<Sorted, DbError> {
    memory.follow_terminals(tx).await?;
    let terminals = submissions.iter().map(|submission| submission.terminal).collect();
    let terminals = memory.terminals_now(tx, &terminals).await?;
    let sizes = taps(submissions).filter_map(|(_, tap)| tap.log_head.map(|head| head.size)).collect();
    let heads = store::seen_heads(tx.conn(), &sizes).await?;

    let engine = tx.engine();
    let mut parts: BTreeMap<u8, Vec<Placed>> = BTreeMap::new();
    let mut answers = Vec::with_capacity(submissions.len());
    for submission in submissions {
        // One that got another key meanwhile signs what it has anew.
        let known = |terminal: &&Arc<Terminal>| terminal.public_key.as_ref() == Some(&submission.key);
        let Some(terminal) = terminals.get(&submission.terminal).filter(known) else {
            answers.push(Err(SubmitError::UnknownTerminal));
            continue;
        };
        let mut outcomes = Vec::with_capacity(submission.taps.len());
        for (index, candidate) in submission.taps.iter().enumerate() {
            let said =
                |outcome| Some(TapOutcome { tap: candidate.id, outcome, balance: None, recorded: None, points: None });
            let tap = match &candidate.tap {
                None => {
                    outcomes.push(said(Outcome::Malformed));
                    continue;
                }
                Some(tap) if tap.terminal != submission.terminal => {
                    outcomes.push(said(Outcome::WrongTerminal));
                    continue;
                }
                Some(tap) => tap,
            };
            let seen = tap.log_head.and_then(|head| heads.get(&head.size).filter(|seen| seen.root == head.root));
            let knows_log = seen.is_some() || tap.log_head.is_none_or(|head| head.size == 0);
            let shard = shard_of(tap, engine);
            parts.entry(engine.shard_group(shard)).or_default().push(Placed {
                at: (answers.len(), index),
                submission: Arc::clone(submission),
                terminal: Arc::clone(terminal),
                shard,
                standing: lanes.place(candidate.id, tap, knows_log),
                log_head_at: seen.map(|seen| seen.at),
            });
            outcomes.push(None);
        }
        answers.push(Ok(outcomes));
    }
    Ok(Sorted { answers: Answers(answers), parts })
}

/// Where everything that a tap leaves lies: with its card's holder, also where we do not know the card. What a terminal
/// says on its own, and what names a card that cannot be, is spread by terminal over the shards that every engine has:
/// it must be found again in the same shard after the city has moved to another engine.
fn shard_of(tap: &Tap, engine: Engine) -> Shard {
    let card = tap.card.map(|card| card.shard()).filter(|shard| shard.0 < engine.shards());
    card.unwrap_or(Shard(tap.terminal.as_bytes()[15] % Engine::Sqlite.shards()))
}

/// Answers as the parts give them.
struct Answers(Vec<Result<Vec<Option<TapOutcome>>, SubmitError>>);

impl Answers {
    fn take(&mut self, outcomes: Vec<part::Outcome>) {
        for ((submission, index), outcome) in outcomes {
            if let Ok(taps) = &mut self.0[submission] {
                taps[index] = Some(outcome);
            }
        }
    }

    fn complete(self) -> Vec<Answer> {
        let complete = |taps: Vec<Option<TapOutcome>>| taps.into_iter().collect::<Option<_>>();
        self.0.into_iter().map(|taps| taps.map(|taps| complete(taps).expect("every tap lies in a part"))).collect()
    }
}
