//! `card-service paper`: the public key of papers, and checking one with it where there is no service.

use std::path::PathBuf;

use card_schema::date::Date;
use card_schema::envelope::PublicKey;
use card_schema::paper::{self, Named};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;

use super::Settings;
use super::output::{CliError, Context};
use crate::clock;
use crate::domains::residence::paper::public_key;
use crate::keys::pki::public_key_pem;
use crate::serve::open_keys;

/// Commands of `paper`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum PaperCommand {
    /// Print the public key with which papers are checked, for landlords, employers and offices
    Key,
    /// Check the text of a paper's square code with the public key; needs no service
    #[command(after_help = "\
Examples:
  card-service paper check \"https://card.example/papers/check#0oRN…\" --key paper.pem
  card-service paper check \"$TEXT\" --key paper.pem --name 测试甲 --document-number T1234567 --code '1234 5678 9012 3456'

Says what was signed. Whether the paper was withdrawn since, only the service knows: its page /papers/check, or
POST /v1/papers/check.

Exit codes: 0 genuine and not expired (and the name is the one that was signed), 1 not, 2 wrong input, 4 no key.")]
    Check {
        /// The text of the square code
        text: String,
        /// File with the public key (PEM); this installation's own when not given
        #[arg(long)]
        key: Option<PathBuf>,
        /// The name on the paper
        #[arg(long, requires_all = ["document_number", "code"])]
        name: Option<String>,
        /// The document number on the paper
        #[arg(long, requires_all = ["name", "code"])]
        document_number: Option<String>,
        /// The check code below the square code
        #[arg(long, requires_all = ["name", "document_number"])]
        code: Option<String>,
    },
}

#[derive(Serialize)]
struct Key {
    key_id: String,
    public_key: String,
}

#[derive(Serialize)]
struct Checked {
    kind: &'static str,
    number: String,
    valid_until: String,
    expired: bool,
    belongs_together: Option<bool>,
}

/// A paper that is not what it should be.
#[derive(Debug, thiserror::Error)]
enum NotGood {
    #[error("the paper expired on {0}")]
    Expired(Date),
    #[error("the square code is genuine; name, document number or check code are not those that were signed")]
    Other,
}

pub(super) fn run(context: Context, settings: &Settings, command: &PaperCommand) -> Result<(), CliError> {
    match command {
        PaperCommand::Key => {
            let key = own_key(settings)?;
            let printed = Key { key_id: key.key_id().to_string(), public_key: public_key_pem(&key) };
            context.print(&printed, |key| key.public_key.clone());
            Ok(())
        }
        PaperCommand::Check { text, key, name, document_number, code } => {
            let key = match key {
                Some(file) => read(file)?,
                None => own_key(settings)?,
            };
            let found = paper::read(text, &key).map_err(|error| CliError::failed(&error))?;
            let belongs_together = match (name, document_number, code) {
                (Some(name), Some(document_number), Some(code)) => {
                    let code = code.parse().map_err(|error| CliError::usage(&error))?;
                    Some(Named { name, document_number, code: &code }.is_on(&found))
                }
                _ => None,
            };
            // The day where the stations are.
            let expired = found.valid_until < Date::in_china(clock::now());
            let checked = Checked {
                kind: found.kind.name(),
                number: found.number.to_string(),
                valid_until: found.valid_until.to_string(),
                expired,
                belongs_together,
            };
            context.print(&checked, |checked| {
                let Checked { kind, number, valid_until, .. } = checked;
                context.locale.text_with(
                    "cli-paper-genuine",
                    &[
                        ("kind", &context.locale.text(&format!("paper-kind-{kind}"))),
                        ("number", number),
                        ("until", valid_until),
                    ],
                )
            });
            match belongs_together {
                Some(false) => Err(CliError::failed(&NotGood::Other)),
                _ if expired => Err(CliError::failed(&NotGood::Expired(found.valid_until))),
                _ => Ok(()),
            }
        }
    }
}

fn read(file: &PathBuf) -> Result<PublicKey, CliError> {
    let der = SubjectPublicKeyInfoDer::from_pem_file(file)
        .map_err(|error| CliError::wrong(format!("{}: {error}", file.display())))?;
    PublicKey::from_spki(&der).map_err(|error| CliError::usage(&error))
}

fn own_key(settings: &Settings) -> Result<PublicKey, CliError> {
    let keys = open_keys(&settings.load()?).map_err(|error| CliError::nothing(error.to_string()))?;
    public_key(&*keys).map_err(|error| CliError::failed(&error))
}
