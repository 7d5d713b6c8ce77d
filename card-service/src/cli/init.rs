//! `card-service init`: keys, certificates, database, first administrator.
//!
//! Can be run again after it was interrupted: what is there is kept, what is missing is made.

use std::fs;
use std::path::PathBuf;

use ring::rand::SystemRandom;
use serde::Serialize;
use zeroize::Zeroizing;

use super::output::{CliError, Context};
use super::{Settings, block_on, database_failed};
use crate::clock;
use crate::config::Config;
use crate::db::{self, Db, DbError};
use crate::keys::file::{FileStore, Opener};
use crate::keys::pki::{Authorities, pem};
use crate::people::member::{self, model::Post};
use crate::people::{Staff, StaffId, StaffRole, password, store};
use crate::serve::{CERTIFICATES, open_keys};

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  card-service init --data-dir ./data --administrator admin
  CARD_SERVICE_ADMIN_PASSWORD=… card-service init --data-dir ./data --administrator admin --format json
  CARD_SERVICE_KEYS__PASSPHRASE_FILE=/run/secret card-service init")]
pub(super) struct InitArgs {
    /// Sign-in name of the first administrator
    #[arg(long, default_value = "admin")]
    administrator: String,
    /// File with the administrator's password; otherwise CARD_SERVICE_ADMIN_PASSWORD, otherwise it is asked for
    #[arg(long)]
    password_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Made {
    data_dir: PathBuf,
    database: String,
    root: PathBuf,
    administrator: String,
}

pub(super) fn run(context: Context, settings: &Settings, arguments: &InitArgs) -> Result<(), CliError> {
    let config = settings.load()?;
    make_folder(&config.data_dir).map_err(|error| CliError::failed(&error))?;
    make_keys(context, &config)?;
    let root = make_certificates(&config)?;
    let url = config.database_url();
    block_on(async {
        let db = Db::create(&url).await.map_err(|error| database_failed(&error))?;
        let made = first_administrator(&db, arguments).await;
        db.close().await;
        made
    })?;
    let database = db::without_password(&url).map_err(|error| database_failed(&error))?;
    let made =
        Made { data_dir: config.data_dir.clone(), database, root, administrator: arguments.administrator.clone() };
    context.print(&made, |made| {
        context.locale.text_with(
            "cli-initialised",
            &[
                ("data", &made.data_dir.display().to_string()),
                ("root", &made.root.display().to_string()),
                ("admin", &made.administrator),
            ],
        )
    });
    Ok(())
}

/// A new data folder is its owner's alone: it will hold the database and the keys. One that is there stays as it is.
fn make_folder(folder: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn make_keys(context: Context, config: &Config) -> Result<(), CliError> {
    let folder = config.keys_dir();
    let passphrase = config.keys.passphrase().map_err(|error| CliError::usage(&error))?;
    let opener = Opener::choose(&folder, passphrase, config.keys.key_file.clone());
    let made = if FileStore::exists(&folder) {
        FileStore::complete(&folder, &opener).map(drop)
    } else {
        context.progress("cli-making-keys");
        FileStore::create(&folder, &opener).map(drop)
    };
    made.map_err(|error| CliError::failed(&error))
}

/// Writes the three certificates that are missing, all or none: they belong together.
fn make_certificates(config: &Config) -> Result<PathBuf, CliError> {
    let folder = config.certificates_dir();
    let paths = CERTIFICATES.map(|name| folder.join(name));
    if paths.iter().all(|path| path.exists()) {
        return Ok(paths[0].clone());
    }
    let keys = open_keys(config).map_err(|error| CliError::failed(&error))?;
    let made = Authorities::issue(&*keys, clock::now()).map_err(|error| CliError::failed(&error))?;
    fs::create_dir_all(folder).map_err(|error| CliError::failed(&error))?;
    // The root last: with it the three are complete.
    for (path, certificate) in [(&paths[2], &made.terminal_ca), (&paths[1], &made.card_ca), (&paths[0], &made.root)] {
        fs::write(path, pem(certificate)).map_err(|error| CliError::failed(&error))?;
    }
    Ok(paths[0].clone())
}

async fn first_administrator(db: &Db, arguments: &InitArgs) -> Result<(), CliError> {
    let mut connection = db.read().await.map_err(|error| CliError::failed(&error))?;
    if store::any(&mut connection).await.map_err(|error| CliError::failed(&error))? {
        return Ok(());
    }
    drop(connection);
    let word = password(arguments)?;
    if word.chars().count() < password::MIN_CHARS {
        return Err(CliError::wrong(format!("the password has fewer than {} characters", password::MIN_CHARS)));
    }
    let hash = password::hash(&word).map_err(|error| CliError::failed(&error))?;
    let staff = Staff {
        staff_id: StaffId(clock::new_id(&SystemRandom::new())),
        name: arguments.administrator.clone(),
        role: StaffRole::Administrator,
    };
    db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            let now = clock::now();
            member::store::insert(tx, now, &staff, &Post::working(now), &hash).await.map(drop)
        })
    })
    .await
    .map_err(|error| CliError::failed(&error))
}

fn password(arguments: &InitArgs) -> Result<Zeroizing<String>, CliError> {
    if let Some(file) = &arguments.password_file {
        let text = fs::read_to_string(file).map(Zeroizing::new).map_err(|error| CliError::usage(&error))?;
        return Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()));
    }
    if let Ok(word) = std::env::var("CARD_SERVICE_ADMIN_PASSWORD") {
        return Ok(Zeroizing::new(word));
    }
    rpassword::prompt_password(format!("Password for {}: ", arguments.administrator))
        .map(Zeroizing::new)
        .map_err(|_| CliError::wrong("no password: give --password-file or CARD_SERVICE_ADMIN_PASSWORD"))
}
