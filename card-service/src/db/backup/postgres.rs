//! A `PostgreSQL` database as one file: `pg_dump`'s custom format, and `pg_restore` in one transaction.
//!
//! The programs get to the server by the same way as the service. A password reaches them through their environment,
//! which their owner alone can read, and never through the command line.

use std::path::Path;
use std::process::{Output, Stdio};

use percent_encoding::percent_decode_str;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::super::destination::{Destination, current_namespace, name_of};
use super::super::open::Place;
use super::super::schema::Applied;
use super::super::{Db, Engine, Schema};
use super::error::BackupError;
use super::{size_of, watched};
use crate::files::failed;
use crate::hex;
use crate::progress::{Part, Progress};

const DUMP: &str = "pg_dump";
const RESTORE: &str = "pg_restore";
/// Where it is written which migrations a database has had.
const HISTORY: &str = "_sqlx_migrations";
/// Bytes that are given to `pg_restore` at a time.
const PIECE: usize = 256 << 10;
/// Writes the database into an empty file.
pub(super) async fn dump(
    db: &Db,
    options: &PgConnectOptions,
    file: &Path,
    progress: &mut (dyn Progress + Send),
) -> Result<(), BackupError> {
    let namespace = current_namespace(&mut db.read().await?).await?;
    let mut dump = program(DUMP, options);
    dump.args(["--format=custom", "--no-owner", "--no-privileges", "--no-password"]);
    dump.arg(format!("--schema={}", pattern(&namespace)));
    dump.stdout(std::fs::OpenOptions::new().write(true).open(file).map_err(failed("write", file))?);
    // How much it will be is not known: the file is compressed.
    let dumping = finish(DUMP, start(DUMP, &mut dump)?);
    watched(Part::Backup, None, progress, || size_of(file), dumping).await?;
    Ok(())
}

/// Reads a dump through. The schema in it, and the namespace in which its tables lie.
pub(super) async fn check(file: &Path, progress: &mut (dyn Progress + Send)) -> Result<(Schema, String), BackupError> {
    watched(Part::Check, None, progress, || 0, async {
        // The table of contents alone says nothing of what comes behind it: everything is read, and written nowhere.
        read_dump(file, &["--file=/dev/null"]).await?;
        let history = read_dump(file, &["--data-only", "--file=-", &format!("--table={HISTORY}")]).await?;
        let history = String::from_utf8_lossy(&history.stdout).into_owned();
        let no_backup = || BackupError::NotABackup(file.to_owned());
        let (namespace, applied) = read_history(&history).ok_or_else(no_backup)?;
        let schema = Schema::of(Engine::Postgres, &applied).map_err(|_| no_backup())?;
        schema.insist_known()?;
        Ok((schema, namespace))
    })
    .await
}

async fn read_dump(file: &Path, arguments: &[&str]) -> Result<Output, BackupError> {
    let mut restore = command(RESTORE);
    restore.args(arguments).arg("--").arg(file);
    finish(RESTORE, start(RESTORE, &mut restore)?).await.map_err(|error| match error {
        BackupError::Program { said, .. } => BackupError::Damaged { path: file.to_owned(), problem: said },
        other => other,
    })
}

/// Takes the rows of `_sqlx_migrations` out of what `pg_restore` prints of them: the namespace and the migrations.
fn read_history(printed: &str) -> Option<(String, Vec<Applied>)> {
    let mut lines = printed.lines().skip_while(|line| !line.starts_with("COPY "));
    let (namespace, columns) = lines.next()?.strip_prefix("COPY ")?.split_once(&format!(".{HISTORY} ("))?;
    let namespace = match namespace.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => namespace.to_owned(),
    };
    let columns: Vec<&str> = columns.split_once(')')?.0.split(", ").collect();
    let place = |name: &str| columns.iter().position(|column| *column == name);
    let (version, checksum) = (place("version")?, place("checksum")?);
    let applied = lines
        .take_while(|line| *line != "\\.")
        .map(|line| {
            let values: Vec<&str> = line.split('\t').collect();
            // Bytes are printed as \x and hexadecimal, and COPY doubles the backslash.
            let checksum = hex::decode(values.get(checksum)?.strip_prefix("\\\\x")?)?;
            Some(Applied { version: values.get(version)?.parse().ok()?, checksum })
        })
        .collect::<Option<Vec<_>>>()?;
    (!applied.is_empty()).then_some((namespace, applied))
}

/// A database that was filled from a dump.
#[derive(Debug)]
pub(super) struct Restoring(Destination);

impl Restoring {
    pub(super) async fn begin(
        options: PgConnectOptions,
        file: &Path,
        progress: &mut (dyn Progress + Send),
    ) -> Result<Self, BackupError> {
        let destination = Destination::find(options, BackupError::NotEmpty).await?;
        let (_, found) = check(file, progress).await?;
        if found != destination.namespace() {
            return Err(BackupError::OtherNamespace { found, wanted: destination.namespace().to_owned() });
        }
        fill(&destination, file, progress).await?;
        Ok(Self(destination))
    }

    pub(super) fn place(&self) -> Place {
        self.0.place()
    }

    pub(super) async fn keep(self) -> Result<(), BackupError> {
        Ok(self.0.settle().await?)
    }

    pub(super) async fn discard(self) -> Result<(), BackupError> {
        Ok(self.0.clear().await?)
    }
}

/// Puts everything that a dump holds into the database, all or nothing.
async fn fill(destination: &Destination, file: &Path, progress: &mut (dyn Progress + Send)) -> Result<(), BackupError> {
    let options = destination.options();
    let mut restore = program(RESTORE, options);
    restore.args(["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password"]);
    // With its name the schema itself is not made: it is there.
    restore.arg(format!("--schema={}", destination.namespace())).arg(format!("--dbname={}", name_of(options)));
    let mut child = start(RESTORE, restore.stdin(Stdio::piped()))?;
    let mut sink = child.stdin.take().expect("it was piped");
    let give = async {
        progress.begin(Part::Restore, Some(size_of(file)));
        let mut source = tokio::fs::File::open(file).await.map_err(failed("read", file))?;
        let (mut piece, mut done) = (vec![0; PIECE], 0);
        loop {
            let read = source.read(&mut piece).await.map_err(failed("read", file))?;
            // Whoever does not take it says why when it ends.
            if read == 0 || sink.write_all(&piece[..read]).await.is_err() {
                break;
            }
            done += read as u64;
            progress.reach(done);
        }
        drop(sink);
        progress.begin(Part::Index, None);
        Ok::<_, BackupError>(())
    };
    let (given, finished) = tokio::join!(give, finish(RESTORE, child));
    finished?;
    given
}

/// A name as a pattern that fits nothing else.
fn pattern(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// One of `PostgreSQL`'s programs, on its way to the database that these options name.
fn program(program: &'static str, options: &PgConnectOptions) -> Command {
    let mut command = command(program);
    let host = options.get_socket().map_or_else(|| options.get_host().into(), |socket| socket.as_os_str().to_owned());
    command.env("PGHOST", host).env("PGPORT", options.get_port().to_string());
    command.env("PGUSER", options.get_username()).env("PGDATABASE", name_of(options));
    if let Some(settings) = options.get_options() {
        command.env("PGOPTIONS", settings);
    }
    // What has no getter stands in the URL.
    let url = options.to_url_lossy();
    if let Some(password) = url.password() {
        command.env("PGPASSWORD", percent_decode_str(password).decode_utf8_lossy().as_ref());
    }
    for (key, value) in url.query_pairs() {
        let variable = match key.as_ref() {
            "sslmode" => "PGSSLMODE",
            "sslrootcert" => "PGSSLROOTCERT",
            "sslcert" => "PGSSLCERT",
            "sslkey" => "PGSSLKEY",
            _ => continue,
        };
        command.env(variable, value.as_ref());
    }
    command
}

fn command(program: &'static str) -> Command {
    let mut command = Command::new(program);
    // These would lead it to another server than the service's.
    command.env_remove("PGSERVICE").env_remove("PGSERVICEFILE").env_remove("PGHOSTADDR");
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

fn start(program: &'static str, command: &mut Command) -> Result<Child, BackupError> {
    command.spawn().map_err(|source| BackupError::NoProgram { program, source })
}

/// Waits for the end of a program. What it printed.
async fn finish(program: &'static str, child: Child) -> Result<Output, BackupError> {
    let output = child.wait_with_output().await.map_err(|source| BackupError::NoProgram { program, source })?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    Err(BackupError::Program { program, said })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::str::FromStr as _;

    use super::*;

    #[test]
    fn a_password_goes_through_the_environment_and_never_over_the_command_line() {
        let url = "postgres://card:s%20cret%2F@db.test.invalid:5433/town?sslmode=require&options[search_path]=office";
        let command = program(DUMP, &PgConnectOptions::from_str(url).unwrap());
        let variables: Vec<_> = command.as_std().get_envs().collect();
        for (name, value) in [
            ("PGHOST", "db.test.invalid"),
            ("PGPORT", "5433"),
            ("PGUSER", "card"),
            ("PGPASSWORD", "s cret/"),
            ("PGDATABASE", "town"),
            ("PGSSLMODE", "require"),
            ("PGOPTIONS", "-c search_path=office"),
        ] {
            assert!(variables.contains(&(OsStr::new(name), Some(OsStr::new(value)))), "{name}: {variables:?}");
        }
        assert_eq!(command.as_std().get_args().count(), 0);
    }

    #[test]
    fn a_program_that_is_not_installed_is_said_with_what_to_install() {
        let refused = start(DUMP, &mut command("pg_dump-that-is-not-here")).unwrap_err();
        assert!(matches!(refused, BackupError::NoProgram { .. }), "{refused:?}");
        assert!(refused.to_string().contains("postgresql-client"));
    }

    #[test]
    fn a_history_is_read_in_whatever_order_its_columns_come() {
        let printed = "SET x;\nCOPY \"My \"\"Town\"\"\"._sqlx_migrations (checksum, version, success) FROM stdin;\n\
                       \\\\x0aff\t1\tt\n\\\\x00\t2\tt\n\\.\n\nSELECT 1;\n";
        let applied =
            vec![Applied { version: 1, checksum: vec![0x0a, 0xff] }, Applied { version: 2, checksum: vec![0] }];
        assert_eq!(read_history(printed), Some(("My \"Town\"".to_owned(), applied)));
        assert_eq!(read_history("-- PostgreSQL database dump\n"), None, "a dump of something else");
        assert_eq!(
            read_history("COPY public._sqlx_migrations (version, checksum) FROM stdin;\n1\t\\\\x0\n\\.\n"),
            None
        );
    }
}
