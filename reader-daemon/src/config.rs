//! What an operator may set: a TOML file, then environment variables (`READER_DAEMON_…`), then flags; the later wins.
//!
//! A key that does not exist is refused by name: a misspelt limit must not pass for a set one. Holds no secrets:
//! keys and certificates lie in the data folder.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// The prefix of environment variables.
const PREFIX: &str = "READER_DAEMON_";
/// Names the configuration file itself, so it is no key in it.
const FILE_VARIABLE: &str = "READER_DAEMON_CONFIG";

/// Every key there is, with what it is for.
pub const KEYS: [(&str, &str); 7] = [
    ("data_dir", "folder for the outbox, the terminal's key and the local token"),
    ("local.listen", "loopback address of the local API, port 0 for any free port"),
    ("reader", "use only the PC/SC reader of this name; all readers when not set"),
    ("log.level", "error, warn, info, debug or trace"),
    ("log.format", "text or json"),
    ("apdu_trace", "file that gets a line for each APDU, without its data; none when not set"),
    ("refresh_s", "seconds between looks for a newer status list and profile"),
];

/// Form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// Levels of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the usual five words")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// The configuration in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder for everything that must survive.
    pub data_dir: PathBuf,
    /// The only reader to use, by its PC/SC name.
    pub reader: Option<String>,
    /// The file that gets the APDU trace.
    pub apdu_trace: Option<PathBuf>,
    /// Seconds between looks for a newer status list and profile.
    pub refresh_s: u64,
    /// The local API.
    pub local: Local,
    /// Log lines, on stderr.
    pub log: Log,
}

/// The local API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Local {
    /// Where it listens; always a loopback address.
    pub listen: SocketAddr,
}

/// Log lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// What is logged.
    pub level: LogLevel,
    /// How it is logged.
    pub format: LogFormat,
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key that stands for nothing.
    #[error("{origin}: there is no setting {key:?}; the settings are: {}", KEYS.map(|(key, _)| key).join(", "))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The file or the environment variable it stands in.
        origin: String,
    },
    /// A value that its key cannot have, or a file that cannot be read.
    #[error("{0}")]
    Invalid(#[from] config::ConfigError),
    /// The local API may not be reached from elsewhere.
    #[error("local.listen = {0}: the local API listens on loopback only, e.g. 127.0.0.1:0")]
    NotLoopback(SocketAddr),
}

/// What flags set; empty where the flag is not given.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
    /// `--apdu-trace`.
    pub apdu_trace: Option<PathBuf>,
}

impl Config {
    /// Reads the file (if one is named, by flag or by `READER_DAEMON_CONFIG`), the environment and the flags.
    ///
    /// # Errors
    /// [`ConfigError`] names the key and where it stands.
    pub fn load(
        file: Option<&Path>,
        environment: &HashMap<String, String>,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let mut builder = config::Config::builder()
            .set_default("data_dir", default_data_dir(environment))?
            .set_default("refresh_s", 60)?
            .set_default("local.listen", "127.0.0.1:0")?
            .set_default("log.level", "info")?
            .set_default("log.format", "text")?;
        let named = environment.get(FILE_VARIABLE).map(PathBuf::from);
        if let Some(path) = file.map(Path::to_path_buf).or(named) {
            let source = config::File::from(path.clone()).format(config::FileFormat::Toml);
            let mut written = Vec::new();
            keys_in("", &config::Source::collect(&source)?, &mut written);
            if let Some(key) = written.into_iter().find(|key| !known(key)) {
                return Err(ConfigError::UnknownKey { key, origin: path.display().to_string() });
            }
            builder = builder.add_source(source);
        }
        for (name, value) in environment.iter().filter(|(name, _)| name.starts_with(PREFIX) && *name != FILE_VARIABLE) {
            let Some((key, _)) = KEYS.into_iter().find(|(key, _)| variable(key) == *name) else {
                let key = name[PREFIX.len()..].to_lowercase();
                return Err(ConfigError::UnknownKey { key, origin: name.clone() });
            };
            builder = builder.set_override(key, value.as_str())?;
        }
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let config: Self = builder
            .set_override_option("data_dir", path(&overrides.data_dir))?
            .set_override_option("apdu_trace", path(&overrides.apdu_trace))?
            .set_override_option("local.listen", overrides.listen.map(|address| address.to_string()))?
            .build()?
            .try_deserialize()?;
        if !config.local.listen.ip().is_loopback() {
            return Err(ConfigError::NotLoopback(config.local.listen));
        }
        Ok(config)
    }

    /// Where the running daemon writes its local address and token, mode 0600.
    pub fn local_file(&self) -> PathBuf {
        self.data_dir.join("local.json")
    }
}

fn known(key: &str) -> bool {
    KEYS.iter().any(|(known, _)| *known == key)
}

/// The environment variable of a key: `local.listen` is `READER_DAEMON_LOCAL_LISTEN`.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// Every key of a table, those of inner tables with a dot.
fn keys_in(prefix: &str, table: &config::Map<String, config::Value>, found: &mut Vec<String>) {
    for (name, value) in table {
        match &value.kind {
            config::ValueKind::Table(inner) => keys_in(&format!("{prefix}{name}."), inner, found),
            _ => found.push(format!("{prefix}{name}")),
        }
    }
}

/// `$STATE_DIRECTORY` under systemd, else the XDG state folder.
fn default_data_dir(environment: &HashMap<String, String>) -> String {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    if let Some(folder) = set("STATE_DIRECTORY") {
        return folder.clone();
    }
    let state = set("XDG_STATE_HOME").cloned();
    let state = state.or_else(|| set("HOME").map(|home| format!("{home}/.local/state")));
    format!("{}/reader-daemon", state.unwrap_or_else(|| "/var/lib".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn flags_win_over_the_environment_which_wins_over_the_file() {
        let file = file("data_dir = \"/from/file\"\nreader = \"file\"\n[log]\nlevel = \"debug\"\n");
        let variables = environment(&[("READER_DAEMON_DATA_DIR", "/from/env"), ("READER_DAEMON_READER", "01")]);
        let flags = Overrides { data_dir: Some("/from/flag".into()), ..Overrides::default() };
        let config = Config::load(Some(file.path()), &variables, &flags).unwrap();
        assert_eq!(config.data_dir, Path::new("/from/flag"));
        assert_eq!(config.reader.as_deref(), Some("01"), "a name of digits stays as typed");
        assert_eq!(config.log.level, LogLevel::Debug);
    }

    #[test]
    fn a_setting_that_does_not_exist_is_refused_by_name() {
        let file = file("[local]\nlissen = \"127.0.0.1:1\"\n");
        let error = Config::load(Some(file.path()), &environment(&[]), &Overrides::default()).unwrap_err();
        assert!(error.to_string().contains("no setting \"local.lissen\""), "{error}");
        let variables = environment(&[("READER_DAEMON_LOCAL_LISSEN", "127.0.0.1:1")]);
        let error = Config::load(None, &variables, &Overrides::default()).unwrap_err();
        assert!(error.to_string().contains("READER_DAEMON_LOCAL_LISSEN"), "{error}");
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        for text in [
            "local.listen = 7",
            "log.level = \"loud\"",
            "refresh_s = -1",
            "reader = ",
            "local.listen = \"0.0.0.0:80\"",
            "local = 3",
        ] {
            let file = file(text);
            assert!(Config::load(Some(file.path()), &environment(&[]), &Overrides::default()).is_err(), "{text}");
        }
        assert!(Config::load(Some(Path::new("/no/such.toml")), &environment(&[]), &Overrides::default()).is_err());
    }

    #[test]
    fn without_anything_set_the_data_lies_in_the_users_state_folder() {
        let config = Config::load(None, &environment(&[("HOME", "/home/u")]), &Overrides::default()).unwrap();
        assert_eq!(config.data_dir, Path::new("/home/u/.local/state/reader-daemon"));
        assert_eq!(config.local_file(), Path::new("/home/u/.local/state/reader-daemon/local.json"));
    }
}
