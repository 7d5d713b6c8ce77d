//! What an operator may set: a TOML file, then environment variables (`CARD_SERVICE_…`), then flags; the later wins.
//!
//! A key that does not exist is refused by name: a misspelt limit must not pass for a set one. In the environment a
//! dot is written `__`: `public.listen` is `CARD_SERVICE_PUBLIC__LISTEN`.

mod limits;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::folding::rules::Retention;
use crate::intake::suspicion::model::Bounds;

pub use limits::LimitsConfig;

/// The prefix of environment variables.
const PREFIX: &str = "CARD_SERVICE_";
/// Variables with the prefix that are no settings: they name the file, or stand for a flag of one command.
const NOT_SETTINGS: [&str; 3] = ["CARD_SERVICE_CONFIG", "CARD_SERVICE_ADMIN_PASSWORD", "CARD_SERVICE_LANG"];

/// Every key there is, with what it is for.
pub const KEYS: [(&str, &str); 39] = [
    ("data_dir", "folder for database, keys and certificates"),
    ("database.url", "sqlite:PATH or postgres://USER@HOST/DATABASE; SQLite in data_dir when not set"),
    ("public.listen", "address of the console and the API"),
    ("public.hosts", "names and addresses in the TLS certificate, the first one is used in links"),
    ("public.url", "where people open the console and check papers; from public.hosts when not set"),
    ("terminals.listen", "address for terminals (mutual TLS)"),
    ("terminals.url", "what terminals are told to connect to; from public.hosts when not set"),
    ("keys.passphrase", "opens the key store; better in keys.passphrase_file"),
    ("keys.passphrase_file", "file with the passphrase that opens the key store"),
    ("keys.key_file", "file with the key that opens the key store; beside it when not set"),
    ("log.level", "error, warn, info, debug or trace"),
    ("log.format", "text or json"),
    ("limits.no_pin_fen", "largest payment without PIN, in fen"),
    ("limits.tap_fen", "largest amount of one tap, in fen"),
    ("limits.top_up_alone_fen", "largest top-up without the approval of a member of staff, in fen"),
    ("limits.day_fen", "what a holder pays on one day at most, in fen"),
    ("limits.no_pin_count", "payments of a holder without PIN on one day; the next one needs it"),
    ("limits.offline_tap_fen", "largest payment that a terminal accepts without the service, in fen"),
    ("limits.offline_card_day_fen", "the most that one card pays in a day at a terminal without the service, in fen"),
    ("limits.offline_card_count", "how many payments of one card may wait at a terminal"),
    ("limits.offline_terminal_fen", "the most that all payments come to that wait at a terminal, in fen"),
    (
        "limits.offline_drawn_percent",
        "of a hundred cards, how many a terminal draws each day that have to reach the service",
    ),
    ("limits.offline_freeze_days", "days without the service after which a terminal accepts nothing"),
    ("limits.refund_days", "days in which a shop may refund a payment"),
    ("limits.void_minutes", "minutes in which a terminal may void a payment"),
    ("limits.low_balance_fen", "a holder whom a payment leaves less is told so, in fen"),
    ("limits.dispute_days", "days in which a fare may be disputed; a day later journeys are folded"),
    ("limits.gate_days", "days after which taps at gates are folded"),
    ("limits.reversal_alone_fen", "how much somebody may reverse alone within 24 hours, in fen; more takes two"),
    ("suspicion.apart_s", "a card that is at another shop sooner, in seconds, was there too fast"),
    ("suspicion.too_fast", "such taps of a terminal within 24 hours that are usual; more are looked at"),
    ("suspicion.cards", "cards at a terminal within 24 hours that are usual"),
    ("suspicion.refunds", "refunds and voids of a terminal within 24 hours that are usual, whatever they come to"),
    ("suspicion.wrong_pins", "wrong PINs at a terminal within 24 hours that are usual"),
    ("social_security.rules", "file with the rules of this city; those of Beijing when not set"),
    ("coverage.rules", "file with what is covered of bills in this city; the rules of Beijing when not set"),
    ("coverage.catalogue", "file with the items that are covered; those that come with the program when not set"),
    ("sessions.idle_s", "seconds after which an idle console session ends"),
    ("metrics.open", "true: /metrics answers everybody, not loopback alone"),
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
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Folder for everything that must survive.
    pub data_dir: PathBuf,
    /// See [`DatabaseConfig`].
    #[serde(default)]
    pub database: DatabaseConfig,
    /// See [`PublicConfig`].
    pub public: PublicConfig,
    /// See [`TerminalsConfig`].
    pub terminals: TerminalsConfig,
    /// See [`KeysConfig`].
    #[serde(default)]
    pub keys: KeysConfig,
    /// See [`LogConfig`].
    pub log: LogConfig,
    /// See [`LimitsConfig`].
    pub limits: LimitsConfig,
    /// See [`Bounds`].
    pub suspicion: Bounds,
    /// See [`SocialSecurityConfig`].
    #[serde(default)]
    pub social_security: SocialSecurityConfig,
    /// See [`CoverageConfig`].
    #[serde(default)]
    pub coverage: CoverageConfig,
    /// See [`SessionsConfig`].
    pub sessions: SessionsConfig,
    /// See [`MetricsConfig`].
    pub metrics: MetricsConfig,
}

/// What is contributed to social security.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct SocialSecurityConfig {
    /// A file of rules (`domains::social_security::scheme`).
    pub rules: Option<PathBuf>,
}

/// What is covered of bills.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct CoverageConfig {
    /// A file of rules (`domains::clinic::coverage::policy`).
    pub rules: Option<PathBuf>,
    /// A file of items (`domains::clinic::coverage::catalogue`).
    pub catalogue: Option<PathBuf>,
}

/// Where the rows are.
#[derive(Clone, Default, Deserialize)]
pub struct DatabaseConfig {
    /// `sqlite:PATH` or `postgres://USER@HOST/DATABASE`.
    pub url: Option<String>,
}

impl std::fmt::Debug for DatabaseConfig {
    /// Without the URL, in which a password may stand.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseConfig").finish_non_exhaustive()
    }
}

/// The listener for people and programs of the office.
#[derive(Clone, Debug, Deserialize)]
pub struct PublicConfig {
    /// Its address; port 0 for any free one.
    pub listen: SocketAddr,
    /// Names and addresses in the TLS certificate.
    pub hosts: Vec<String>,
    /// Where people open the console and check papers.
    pub url: Option<String>,
}

/// The listener for terminals.
#[derive(Clone, Debug, Deserialize)]
pub struct TerminalsConfig {
    /// Its address; port 0 for any free one.
    pub listen: SocketAddr,
    /// What terminals are told to connect to.
    pub url: Option<String>,
}

/// What opens the key store.
#[derive(Clone, Default, Deserialize)]
pub struct KeysConfig {
    passphrase: Option<String>,
    /// File with the passphrase.
    pub passphrase_file: Option<PathBuf>,
    /// File with the key.
    pub key_file: Option<PathBuf>,
}

impl std::fmt::Debug for KeysConfig {
    /// Without the passphrase.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeysConfig")
            .field("passphrase_file", &self.passphrase_file)
            .field("key_file", &self.key_file)
            .finish_non_exhaustive()
    }
}

impl KeysConfig {
    /// The passphrase, from the setting or its file; without the newline at the file's end.
    pub fn passphrase(&self) -> std::io::Result<Option<Zeroizing<String>>> {
        match (&self.passphrase, &self.passphrase_file) {
            (Some(passphrase), _) => Ok(Some(Zeroizing::new(passphrase.clone()))),
            (None, Some(file)) => {
                let text = Zeroizing::new(std::fs::read_to_string(file)?);
                Ok(Some(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned())))
            }
            (None, None) => Ok(None),
        }
    }
}

/// What is logged and how.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct LogConfig {
    /// What is logged.
    pub level: LogLevel,
    /// How.
    pub format: LogFormat,
}

/// How long sign-ins last.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct SessionsConfig {
    /// Seconds after which an idle console session ends.
    pub idle_s: i64,
}

/// Who may read the figures.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct MetricsConfig {
    /// Everybody, not loopback alone.
    pub open: bool,
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
    /// A limit that bounds nothing.
    #[error("{key} is {found}: it has to be from 0 to {most}")]
    OutOfRange {
        /// The setting.
        key: &'static str,
        /// What it is set to.
        found: i64,
        /// The largest value.
        most: i64,
    },
    /// A value that its key cannot have, or a file that cannot be read.
    #[error("{0}")]
    Invalid(#[from] config::ConfigError),
}

/// What flags set; empty where the flag is not given.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--public-listen`.
    pub public_listen: Option<SocketAddr>,
    /// `--terminals-listen`.
    pub terminals_listen: Option<SocketAddr>,
}

impl Config {
    /// Reads the file (if one is named), the environment and the flags.
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
            .set_default("public.listen", "127.0.0.1:8443")?
            .set_default("public.hosts", vec!["localhost", "127.0.0.1", "::1"])?
            .set_default("terminals.listen", "127.0.0.1:8444")?
            .set_default("log.level", "info")?
            .set_default("log.format", "text")?
            .set_default("limits.no_pin_fen", 5_000)?
            .set_default("limits.tap_fen", 500_000)?
            .set_default("limits.top_up_alone_fen", 100_000)?
            .set_default("limits.day_fen", 1_000_000)?
            .set_default("limits.no_pin_count", 20)?
            .set_default("limits.offline_tap_fen", 10_000)?
            .set_default("limits.offline_card_day_fen", 20_000)?
            .set_default("limits.offline_card_count", 10)?
            .set_default("limits.offline_terminal_fen", 500_000)?
            .set_default("limits.offline_drawn_percent", 5)?
            .set_default("limits.offline_freeze_days", 7)?
            .set_default("limits.refund_days", 30)?
            .set_default("limits.void_minutes", 15)?
            .set_default("limits.low_balance_fen", 1_000)?
            .set_default("limits.dispute_days", Retention::default().dispute_days)?
            .set_default("limits.gate_days", Retention::default().gate_days)?
            .set_default("limits.reversal_alone_fen", 20_000)?
            .set_default("suspicion.apart_s", 30)?
            .set_default("suspicion.too_fast", 5)?
            .set_default("suspicion.cards", 1_500)?
            .set_default("suspicion.refunds", 5)?
            .set_default("suspicion.wrong_pins", 30)?
            .set_default("sessions.idle_s", 900)?
            .set_default("metrics.open", false)?;
        if let Some(file) = file {
            let source = config::File::from(file).format(config::FileFormat::Toml);
            let alone = config::Config::builder().add_source(source.clone()).build()?;
            let mut keys = Vec::new();
            flatten("", &alone.cache, &mut keys);
            refuse_unknown(&keys, &file.display().to_string())?;
            builder = builder.add_source(source);
        }
        for (variable, value) in environment {
            let Some(name) = variable.strip_prefix(PREFIX) else { continue };
            if NOT_SETTINGS.contains(&variable.as_str()) {
                continue;
            }
            let key = name.to_lowercase().replace("__", ".");
            refuse_unknown(std::slice::from_ref(&key), variable)?;
            builder = if key == "public.hosts" {
                builder.set_override(key, value.split(',').map(str::trim).collect::<Vec<_>>())?
            } else {
                builder.set_override(key, value.as_str())?
            };
        }
        if let Some(folder) = &overrides.data_dir {
            builder = builder.set_override("data_dir", folder.display().to_string())?;
        }
        if let Some(address) = overrides.public_listen {
            builder = builder.set_override("public.listen", address.to_string())?;
        }
        if let Some(address) = overrides.terminals_listen {
            builder = builder.set_override("terminals.listen", address.to_string())?;
        }
        let config: Self = builder.build()?.try_deserialize()?;
        config.limits.check()?;
        Ok(config)
    }

    /// Where the database is.
    pub fn database_url(&self) -> String {
        self.database
            .url
            .clone()
            .unwrap_or_else(|| format!("sqlite:{}", self.data_dir.join("card-service.db").display()))
    }

    /// Where the key store is.
    pub fn keys_dir(&self) -> PathBuf {
        self.data_dir.join("keys")
    }

    /// Where the issuer's public certificates are.
    pub fn certificates_dir(&self) -> &Path {
        &self.data_dir
    }
}

/// The dotted names of every leaf of a table.
fn flatten(prefix: &str, value: &config::Value, keys: &mut Vec<String>) {
    match &value.kind {
        config::ValueKind::Table(table) => {
            for (name, value) in table {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&key, value, keys);
            }
        }
        _ => keys.push(prefix.to_owned()),
    }
}

fn refuse_unknown(keys: &[String], origin: &str) -> Result<(), ConfigError> {
    match keys.iter().find(|key| !KEYS.iter().any(|(known, _)| known == key)) {
        Some(key) => Err(ConfigError::UnknownKey { key: key.clone(), origin: origin.to_owned() }),
        None => Ok(()),
    }
}

/// `/var/lib/card-service` for root and under systemd, otherwise in the user's data folder.
fn default_data_dir(environment: &HashMap<String, String>) -> String {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    if let Some(folder) = set("STATE_DIRECTORY") {
        return folder.clone();
    }
    match (set("XDG_DATA_HOME"), set("HOME")) {
        (Some(data), _) => format!("{data}/card-service"),
        (None, Some(home)) if home != "/root" => format!("{home}/.local/share/card-service"),
        _ => "/var/lib/card-service".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_setting_that_does_not_exist_is_refused_by_name_wherever_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("card-service.toml");
        std::fs::write(&file, "[public]\nlistne = \"127.0.0.1:1\"\n").unwrap();
        let refused = Config::load(Some(&file), &HashMap::new(), &Overrides::default()).unwrap_err().to_string();
        assert!(refused.contains("public.listne") && refused.contains("card-service.toml"), "{refused}");
        let env = environment(&[("CARD_SERVICE_LIMITS__NO_PIN", "1")]);
        let refused = Config::load(None, &env, &Overrides::default()).unwrap_err().to_string();
        assert!(refused.contains("limits.no_pin") && refused.contains("CARD_SERVICE_LIMITS__NO_PIN"), "{refused}");
    }

    #[test]
    fn a_limit_that_bounds_nothing_is_refused_by_name() {
        for (variable, key, value) in [
            ("CARD_SERVICE_LIMITS__OFFLINE_DRAWN_PERCENT", "limits.offline_drawn_percent", "101"),
            ("CARD_SERVICE_LIMITS__OFFLINE_TERMINAL_FEN", "limits.offline_terminal_fen", "-1"),
            ("CARD_SERVICE_LIMITS__TAP_FEN", "limits.tap_fen", "-1"),
            ("CARD_SERVICE_LIMITS__LOW_BALANCE_FEN", "limits.low_balance_fen", "-1"),
            ("CARD_SERVICE_LIMITS__REFUND_DAYS", "limits.refund_days", "367"),
            ("CARD_SERVICE_LIMITS__VOID_MINUTES", "limits.void_minutes", "1441"),
            ("CARD_SERVICE_LIMITS__DISPUTE_DAYS", "limits.dispute_days", "366"),
            ("CARD_SERVICE_LIMITS__OFFLINE_FREEZE_DAYS", "limits.offline_freeze_days", "31"),
            ("CARD_SERVICE_LIMITS__GATE_DAYS", "limits.gate_days", "366"),
        ] {
            let refused = Config::load(None, &environment(&[(variable, value)]), &Overrides::default());
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains(key) && refused.contains(value), "{refused}");
        }
        let none = environment(&[("CARD_SERVICE_LIMITS__OFFLINE_TERMINAL_FEN", "0")]);
        Config::load(None, &none, &Overrides::default()).unwrap();
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("card-service.toml");
        std::fs::write(&file, "data_dir = \"/file\"\n[public]\nlisten = \"127.0.0.1:1\"\nhosts = [\"a\"]\n").unwrap();
        let env = environment(&[("CARD_SERVICE_PUBLIC__LISTEN", "127.0.0.1:2"), ("CARD_SERVICE_DATA_DIR", "/env")]);
        let flags = Overrides { data_dir: Some("/flag".into()), ..Overrides::default() };
        let config = Config::load(Some(&file), &env, &flags).unwrap();
        assert_eq!(config.data_dir, Path::new("/flag"));
        assert_eq!(config.public.listen.port(), 2);
        assert_eq!(config.public.hosts, ["a"]);
        let env = environment(&[("CARD_SERVICE_PUBLIC__HOSTS", "station.test, 10.0.0.1")]);
        let config = Config::load(Some(&file), &env, &flags).unwrap();
        assert_eq!(config.public.hosts, ["station.test", "10.0.0.1"]);
    }

    #[test]
    fn files_of_rules_are_named_in_the_file_or_none_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("card-service.toml");
        std::fs::write(&file, "[coverage]\nrules = \"city.toml\"\ncatalogue = \"items.csv\"\n").unwrap();
        let config = Config::load(Some(&file), &HashMap::new(), &Overrides::default()).unwrap();
        assert_eq!(config.coverage.rules.as_deref(), Some(Path::new("city.toml")));
        assert_eq!(config.coverage.catalogue.as_deref(), Some(Path::new("items.csv")));
        assert_eq!(config.social_security.rules, None);
    }

    #[test]
    fn a_passphrase_and_a_password_are_never_shown() {
        let url = ("CARD_SERVICE_DATABASE__URL", "postgres://card:open sesame@db.test.invalid/town");
        let env = environment(&[("CARD_SERVICE_KEYS__PASSPHRASE", "open sesame"), url]);
        let config = Config::load(None, &env, &Overrides::default()).unwrap();
        assert!(!format!("{config:?}").contains("sesame"));
        assert_eq!(config.keys.passphrase().unwrap().unwrap().as_str(), "open sesame");
    }
}
