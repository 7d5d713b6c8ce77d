//! `sign-in`: opens the console for the member of staff whose card is on the reader.

use card_schema::wire::terminal::SignInLink;
use clap::Args;

use super::{Settings, browse::Browse, messages::CliError, output::Context, pin};
use crate::local::{client::Client, wire::SignInRequest};

/// Arguments of `sign-in`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reader-daemon sign-in\n  echo 246810 | reader-daemon sign-in --pin-stdin --no-browser"
)]
pub(super) struct SignInArgs {
    /// Reader by its PC/SC name; needed when there are several
    #[arg(long)]
    reader: Option<String>,
    /// Read the card's PIN from the first line of stdin
    #[arg(long)]
    pin_stdin: bool,
    #[command(flatten)]
    browse: Browse,
    /// Seconds to wait for a card
    #[arg(long, default_value_t = 30)]
    wait: u64,
}

pub(super) fn run(args: &SignInArgs, settings: &Settings, context: Context) -> Result<(), CliError> {
    let client = Client::open(&settings.load()?.local_file())?;
    context.progress("请把工作人员卡放到读卡器上。", "Put your staff card on the reader.");
    let request = SignInRequest {
        reader: args.reader.clone(),
        pin: pin::read(args.pin_stdin, context)?,
        wait_ms: args.wait.saturating_mul(1_000),
    };
    let link: SignInLink = super::block_on(client.post("/v1/sign-ins", &request))??;
    args.browse.show(link.url, context, "已在浏览器中打开控制台。", "The console is open in the browser.")
}
