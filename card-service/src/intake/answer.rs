//! A group of batches is written, then everyone who waits is answered: never the other way round.

use std::sync::Arc;

use super::group;
use super::submission::{Answer, Command, Means, Submission, SubmitError};
use crate::db::{Db, DbError};

/// Writes a group and answers everyone. When the group cannot be written, each batch is tried by itself, so that one
/// that the database refuses does not fail the others.
pub(super) async fn answer(db: &Db, means: &Arc<Means>, group: Vec<Command>) {
    let submissions: Vec<_> = group.iter().map(|command| Arc::clone(&command.submission)).collect();
    let several = group.len() > 1;
    match write(db, means, submissions).await {
        Ok(answers) => {
            for (command, answer) in group.into_iter().zip(answers) {
                // Whoever has gone away asks again and gets the same outcomes.
                let _ = command.reply.send(answer);
            }
        }
        Err(error) if several && !error.is_transient() => {
            tracing::error!(%error, "a group of batches could not be written; trying one by one");
            for command in group {
                let alone = write(db, means, vec![Arc::clone(&command.submission)]).await;
                let answer = match alone {
                    Ok(mut answers) => answers.pop().unwrap_or(Err(SubmitError::Stopping)),
                    Err(error) => Err(SubmitError::Db(Arc::new(error))),
                };
                let _ = command.reply.send(answer);
            }
        }
        Err(error) => {
            let error = Arc::new(error);
            for command in group {
                let _ = command.reply.send(Err(SubmitError::Db(Arc::clone(&error))));
            }
        }
    }
}

async fn write(db: &Db, means: &Arc<Means>, submissions: Vec<Arc<Submission>>) -> Result<Vec<Answer>, DbError> {
    let (with, parts) = (Arc::clone(means), db.clone());
    let decided = db
        .write_concurrently(move |tx| {
            Box::pin(async move { group::decide_and_write(tx, &parts, &with, &submissions).await })
        })
        .await?;
    means.memory.keep(decided.learned);
    Ok(decided.answers)
}
