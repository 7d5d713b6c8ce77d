//! `card-service staff`: what is left when nobody in the console can help.

use ring::rand::SystemRandom;
use serde::Serialize;

use super::output::{CliError, Context};
use super::{Settings, block_on, database_failed};
use crate::clock;
use crate::db::{Db, DbError};
use crate::people::member::{
    self,
    model::{Deed, Wish},
};
use crate::people::{password, store};

/// Commands of `staff`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum StaffCommand {
    /// Give somebody a new first password and take their second factor away: for an administrator who has lost both and
    /// has nobody else. The log shows it
    #[command(after_help = "\
Examples:
  card-service staff reset admin --data-dir ./data

The password is printed once and is to be changed at the next sign-in.

Exit codes: 0 done, 4 no such member of staff.")]
    Reset {
        /// The sign-in name
        name: String,
    },
}

#[derive(Serialize)]
struct Reset<'a> {
    name: &'a str,
    first_password: &'a str,
}

pub(super) fn run(context: Context, settings: &Settings, command: &StaffCommand) -> Result<(), CliError> {
    let StaffCommand::Reset { name } = command;
    let url = settings.load()?.database_url();
    let word = password::invented(&SystemRandom::new())
        .map_err(|_| CliError::nothing("the operating system gives no random bytes".to_owned()))?;
    let hash = password::hash(&word).map_err(|error| CliError::failed(&error))?;
    let sought = name.clone();
    let found = block_on(async {
        let db = Db::open(&url).await.map_err(|error| database_failed(&error))?;
        let found = db.write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                let Some((staff, ..)) = store::by_name(tx.conn(), &sought).await? else { return Ok(false) };
                let Some(mut member) = member::store::one(tx.conn(), staff.staff_id).await? else { return Ok(false) };
                member.post.password_given = true;
                let deed = Deed { by: None, wish: Wish::TakeSecondFactor };
                member::apply(tx, clock::now(), &member, deed, Some(&hash)).await?;
                Ok(true)
            })
        });
        let found = found.await.map_err(|error| CliError::failed(&error));
        db.close().await;
        found
    })?;
    if !found {
        return Err(CliError::nothing(format!("there is no member of staff called {name}")));
    }
    context.print(&Reset { name, first_password: &word }, |reset| {
        let filled = [("name", reset.name), ("password", reset.first_password)];
        context.locale.text_with("cli-staff-reset", &filled)
    });
    Ok(())
}
