//! A defect, planted on purpose: whoever waits is answered before the group is committed. Stands in for `answer.rs` with
//! the feature `planted-early-acknowledgement`, which shows that the campaigns of `tests/faults` find such a thing.

use std::sync::Arc;
use std::time::Duration;

use super::group;
use super::submission::{Command, Means};
use crate::db::{Db, DbError};

#[cfg(not(debug_assertions))]
compile_error!("planted-early-acknowledgement is a defect: it is not built with optimisation");

/// Between the answer and the commit: a slow disk. Without it, finding the gap would take hundreds of kills.
const SLOW_DISK: Duration = Duration::from_millis(20);

/// Answers everyone, then commits.
pub(super) async fn answer(db: &Db, means: &Arc<Means>, waiting: Vec<Command>) {
    let (means, parts) = (Arc::clone(means), db.clone());
    let written = db.write_concurrently::<(), DbError, _>(move |tx| {
        Box::pin(async move {
            let submissions: Vec<_> = waiting.iter().map(|command| Arc::clone(&command.submission)).collect();
            let decided = group::decide_and_write(tx, &parts, &means, &submissions).await?;
            for (command, answer) in waiting.into_iter().zip(decided.answers) {
                let _ = command.reply.send(answer);
            }
            tokio::time::sleep(SLOW_DISK).await;
            Ok(())
        })
    });
    if let Err(error) = written.await {
        tracing::error!(%error, "acknowledged and not written, as planted");
    }
}
