//! What the commands that speak to a card themselves have in common: which reader, how long, and typed secrets.

use std::io::BufRead;
use std::time::Duration;

use clap::Args;
use zeroize::Zeroizing;

use super::{messages::CliError, messages_card, messages_daemon, output::Context};
use crate::{
    card::{pcsc, readers::Readers},
    piv::{AnyLink, Pin, PivCard, PivError, Puk},
};

/// How long a command waits for its card to be let go of; longer only with a card that hangs.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// Which reader, and how long.
#[derive(Debug, Args)]
pub(super) struct AtReader {
    /// Reader by its PC/SC name; needed when there are several
    #[arg(long)]
    reader: Option<String>,
    /// Seconds that the card may take
    #[arg(long, default_value_t = 10)]
    timeout: u64,
}

impl AtReader {
    /// The reader that was named, or the only one.
    pub(super) fn choose(&self) -> Result<String, CliError> {
        let seen = pcsc::readers().map_err(|error| messages_card::link(&error))?;
        let mut names: Vec<String> = seen.into_iter().map(|seen| seen.reader).collect();
        match &self.reader {
            Some(name) if names.contains(name) => Ok(name.clone()),
            Some(name) => Err(messages_card::unknown_reader(name, &names)),
            None if names.len() > 1 => Err(messages_card::several_readers(&names)),
            None => names.pop().ok_or_else(messages_card::no_reader),
        }
    }

    /// Does `work` with the card in the chosen reader, in one exclusive transaction.
    pub(super) fn with_card<T, F>(&self, reader: &str, work: F) -> Result<T, CliError>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&mut PivCard<AnyLink<'a>>) -> Result<T, PivError> + Send + 'static,
    {
        let timeout = Duration::from_secs(self.timeout);
        let readers = Readers::new();
        let result = readers.with_card(reader, timeout, work);
        readers.close(CLOSE_PATIENCE);
        result.map_err(|error| messages_card::piv(&error))
    }
}

/// How secrets come in: never as arguments, which every process on the machine can read.
#[derive(Debug, Args)]
pub(super) struct SecretInput {
    /// Read PIN and PUK from stdin, one a line, in the order they are asked for
    #[arg(long)]
    pin_stdin: bool,
}

impl SecretInput {
    fn line(&self, context: Context, zh: &str, en: &str) -> Result<Zeroizing<String>, CliError> {
        if !self.pin_stdin {
            let typed = rpassword::prompt_password(context.language.choose(zh, en));
            return typed.map(Zeroizing::new).map_err(|error| messages_daemon::no_pin(&error));
        }
        let mut line = Zeroizing::new(String::new());
        std::io::stdin().lock().read_line(&mut line).map_err(|error| messages_daemon::no_pin(&error))?;
        Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// The PIN in place.
    pub(super) fn pin(&self, context: Context) -> Result<Pin, CliError> {
        let typed = self.line(context, "PIN：", "PIN: ")?;
        Pin::parse(&typed).map_err(|error| messages_card::secret_format("PIN", error))
    }

    /// The PUK.
    pub(super) fn puk(&self, context: Context) -> Result<Puk, CliError> {
        let typed = self.line(context, "PUK：", "PUK: ")?;
        Puk::from_bytes(typed.as_bytes()).map_err(|error| messages_card::secret_format("PUK", error))
    }

    /// A new PIN, twice at a terminal; the factory's is refused.
    pub(super) fn new_pin(&self, context: Context) -> Result<Pin, CliError> {
        let typed = self.line(context, "新 PIN（6 至 8 位数字）：", "New PIN (6 to 8 digits): ")?;
        let pin = Pin::parse(&typed).map_err(|error| messages_card::secret_format("PIN", error))?;
        if pin.is_factory() {
            return Err(messages_card::factory_pin());
        }
        if !self.pin_stdin && *self.line(context, "再输入一次：", "Once more: ")? != *typed {
            return Err(CliError::usage(
                "pins-differ",
                "两次输入的 PIN 不同，请重试。",
                "The two PINs differ. Try again.",
            ));
        }
        Ok(pin)
    }
}
