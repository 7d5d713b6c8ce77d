//! `card-service paper`: the public key of papers, and checking one with it where there is no service.

use std::path::PathBuf;

use card_schema::date::Date;
use card_schema::envelope::PublicKey;
use card_schema::envelope::paper::{Paper, Printed};
use card_schema::envelope::pass::Pass;
use card_schema::paper::{self, Named};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;

use super::Settings;
use super::output::{CliError, Context};
use crate::clock;
use crate::console::view::minute;
use crate::keys::paper::public_key;
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

/// Times are those of China.
#[derive(Serialize)]
struct CheckedPass {
    kind: &'static str,
    number: String,
    site_id: String,
    valid_from: String,
    valid_until: String,
    good_now: bool,
}

/// A paper that is not what it should be.
#[derive(Debug, thiserror::Error)]
enum NotGood {
    #[error("the paper expired on {0}")]
    Expired(Date),
    #[error("the square code is genuine; name, document number or check code are not those that were signed")]
    Other,
    #[error("the pass is not good before {0}")]
    NotYet(String),
    #[error("the pass was good until {0}")]
    Over(String),
    #[error("a visitor's pass names nobody: leave out --name, --document-number and --code")]
    NamesNobody,
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
            let named = name.as_deref().zip(document_number.as_deref()).zip(code.as_deref());
            match paper::read(text, &key).map_err(|error| CliError::failed(&error))? {
                Printed::Paper(paper) => check_paper(context, &paper, named),
                Printed::Pass(_) if named.is_some() => Err(CliError::usage(&NotGood::NamesNobody)),
                Printed::Pass(pass) => check_pass(context, &pass),
            }
        }
    }
}

/// A paper of a holder's, with the name, the document number and the check code on it where they were given.
fn check_paper(context: Context, paper: &Paper, named: Option<((&str, &str), &str)>) -> Result<(), CliError> {
    let belongs_together = match named {
        Some(((name, document_number), code)) => {
            let code = code.parse().map_err(|error| CliError::usage(&error))?;
            Some(Named { name, document_number, code: &code }.is_on(paper))
        }
        None => None,
    };
    // The day where the stations are.
    let expired = paper.valid_until < Date::in_china(clock::now());
    let checked = Checked {
        kind: paper.kind.name(),
        number: paper.number.to_string(),
        valid_until: paper.valid_until.to_string(),
        expired,
        belongs_together,
    };
    context.print(&checked, |checked| {
        let Checked { kind, number, valid_until, .. } = checked;
        let kind = context.locale.text(&format!("paper-kind-{kind}"));
        context.locale.text_with("cli-paper-genuine", &[("kind", &kind), ("number", number), ("until", valid_until)])
    });
    match belongs_together {
        Some(false) => Err(CliError::failed(&NotGood::Other)),
        _ if expired => Err(CliError::failed(&NotGood::Expired(paper.valid_until))),
        _ => Ok(()),
    }
}

/// A visitor's pass: whoever has it may pass at its site.
fn check_pass(context: Context, pass: &Pass) -> Result<(), CliError> {
    let now = clock::now();
    let checked = CheckedPass {
        kind: Pass::KIND_NAME,
        number: pass.number.to_string(),
        site_id: pass.site.to_string(),
        valid_from: minute(pass.from),
        valid_until: minute(pass.until),
        good_now: pass.is_good_at(now),
    };
    context.print(&checked, |checked| {
        let CheckedPass { number, site_id, valid_from, valid_until, .. } = checked;
        let values = [("number", &**number), ("site", site_id), ("from", valid_from), ("until", valid_until)];
        context.locale.text_with("cli-paper-pass", &values)
    });
    if now < pass.from {
        Err(CliError::failed(&NotGood::NotYet(minute(pass.from))))
    } else if now >= pass.until {
        Err(CliError::failed(&NotGood::Over(minute(pass.until))))
    } else {
        Ok(())
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
