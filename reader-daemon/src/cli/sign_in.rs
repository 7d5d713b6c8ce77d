//! `sign-in`: opens the console for the member of staff whose card is on the reader.

use card_schema::wire::terminal::SignInLink;
use clap::Args;
use serde::Serialize;

use super::{Settings, messages::CliError, messages_daemon, output::Context, pin};
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
    /// Print the link instead of opening a browser; it works once, for a minute
    #[arg(long)]
    no_browser: bool,
    /// Seconds to wait for a card
    #[arg(long, default_value_t = 30)]
    wait: u64,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Done {
    /// Whether a browser was opened.
    opened: bool,
    /// The link, where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
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
    let done = if args.no_browser {
        Done { opened: false, url: Some(link.url) }
    } else {
        webbrowser::open(&link.url).map_err(|error| messages_daemon::no_browser(&error))?;
        Done { opened: true, url: None }
    };
    context.print(&done, |done| {
        let opened = context.language.choose("已在浏览器中打开控制台。", "The console is open in the browser.");
        done.url.as_deref().unwrap_or(opened).to_owned()
    });
    Ok(())
}
