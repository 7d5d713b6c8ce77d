//! `page`: opens the page at the reader in a browser on this machine.

use clap::Args;
use serde::Serialize;

use super::{Settings, messages::CliError, messages_daemon, output::Context};
use crate::local::{client::Client, wire::PageLink};

/// Arguments of `page`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reader-daemon page\n  chromium --kiosk \"$(reader-daemon page --no-browser)\"")]
pub(super) struct PageArgs {
    /// Print the link instead of opening a browser; it works once, for a minute
    #[arg(long)]
    no_browser: bool,
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

pub(super) fn run(args: &PageArgs, settings: &Settings, context: Context) -> Result<(), CliError> {
    let client = Client::open(&settings.load()?.local_file())?;
    let link: PageLink = super::block_on(client.post("/v1/pages", &()))??;
    let url = client.url(&link.path);
    let done = if args.no_browser {
        Done { opened: false, url: Some(url) }
    } else {
        webbrowser::open(&url).map_err(|error| messages_daemon::no_browser(&error))?;
        Done { opened: true, url: None }
    };
    context.print(&done, |done| {
        let opened = context.language.choose("已在浏览器中打开。", "The page is open in the browser.");
        done.url.as_deref().unwrap_or(opened).to_owned()
    });
    Ok(())
}
