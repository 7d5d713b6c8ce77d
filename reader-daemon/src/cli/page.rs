//! `page`: opens a page at the reader in a browser on this machine.

use clap::Args;

use super::{Settings, browse::Browse, messages::CliError, output::Context};
use crate::local::{
    client::Client,
    wire::{PageLink, PageRequest, View},
};

/// Arguments of `page`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  reader-daemon page\n  reader-daemon page --counter\n  reader-daemon page --validator\n  \
    chromium --kiosk \"$(reader-daemon page --no-browser)\""
)]
pub(super) struct PageArgs {
    /// The page of whoever charges here, instead of the holder's
    #[arg(long)]
    counter: bool,
    /// The page of whoever sets validators, inspects, or watches a gate
    #[arg(long, conflicts_with = "counter")]
    validator: bool,
    #[command(flatten)]
    browse: Browse,
}

pub(super) fn run(args: &PageArgs, settings: &Settings, context: Context) -> Result<(), CliError> {
    let client = Client::open(&settings.load()?.local_file())?;
    let view = match (args.counter, args.validator) {
        (true, _) => View::Counter,
        (_, true) => View::Validator,
        _ => View::Holder,
    };
    let link: PageLink = super::block_on(client.post("/v1/pages", &PageRequest { view }))??;
    args.browse.show(client.url(&link.path), context, "已在浏览器中打开。", "The page is open in the browser.")
}
