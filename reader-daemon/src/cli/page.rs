//! `page`: opens the page at the reader in a browser on this machine.

use clap::Args;

use super::{Settings, browse::Browse, messages::CliError, output::Context};
use crate::local::{client::Client, wire::PageLink};

/// Arguments of `page`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reader-daemon page\n  chromium --kiosk \"$(reader-daemon page --no-browser)\"")]
pub(super) struct PageArgs {
    #[command(flatten)]
    browse: Browse,
}

pub(super) fn run(args: &PageArgs, settings: &Settings, context: Context) -> Result<(), CliError> {
    let client = Client::open(&settings.load()?.local_file())?;
    let link: PageLink = super::block_on(client.post("/v1/pages", &()))??;
    args.browse.show(client.url(&link.path), context, "已在浏览器中打开。", "The page is open in the browser.")
}
